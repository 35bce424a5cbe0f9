/* Twenty updates of fifteen recipes from given weights, against PyTorch's (parity/make.py, make_heads.py and
 * make_lengths.py made the fixtures): float64 on `ref` to 1e-10 of a tensor's largest element, float32 on `cpu` to
 * 1e-5; running statistics too, also those taken anew for averaged weights; of several inputs and heads the cost of
 * each update. [mission S5, O2, O8, O9, O24, G16, SYS24, SYS25, SYS26, SYS29, SYS31] */
#include <math.h>
#include <stdlib.h>

#include "base/file.h"
#include "model/file.h"
#include "test.h"
#include "train/history.h"
#include "train/train.h"

typedef struct parity { /* a folder; which of the run's models is compared with which of its files */
    const char *name, *model, *want, *set;
    bool costs; /* there is a file of them, too */
} parity;
static const parity cases[] = {
    {"dense_sgd", "last", "want", "seed=7", false},
    {"dense_adam", "last", "want", "seed=7", false},
    {"conv_pool_momentum", "last", "want", "seed=7", false},
    {"bce", "last", "want", "seed=7", false},
    {"mse", "last", "want", "seed=7", false},
    {"two_heads", "last", "want", "seed=7", true},
    {"positions", "last", "want", "seed=7", true},
    {"mixed_heads", "last", "want", "seed=7", true},
    {"lengths_steps", "last", "want", "seed=7", true},
    {"lengths_both", "last", "want", "seed=7", true},
    {"batch_norm_swa", "last", "want", "seed=7", false},
    {"batch_norm_swa", "swa", "swa.samples", "average.statistics=samples", false},
    {"batch_norm_swa", "swa", "swa.batches", "average.statistics=batches", false},
    {"batch_norm_ema", "ema", "swa.samples", "average.statistics=samples", false},
    {"batch_norm_sam", "last", "want", "seed=7", false},
    {"dense_asam", "last", "want", "seed=7", false},
    {"schedule_free", "last", "want", "seed=7", false},
};

static double element(const gr_st_tensor *t, int64_t i)
{
    return t->type == GR_ST_F64 ? ((const double *)t->data)[i] : ((const float *)t->data)[i];
}

static double distance(const gr_st_tensor *got, const gr_st_tensor *want)
{
    double largest = 0, apart = 0;
    for (int64_t i = 0; i < gr_shape_count(want->shape); i++) {
        largest = fmax(largest, fabs(element(want, i)));
        double d = fabs(element(got, i) - element(want, i));
        apart = d > apart || isnan(d) ? d : apart;
    }
    return apart / largest;
}

/* The cost of each update, before it. */
static void check_costs(gr_context *ctx, const parity *c, const char *run, double limit)
{
    char path[256];
    gr_history h;
    snprintf(path, sizeof path, "tests/train/parity/%s/costs.txt", c->name);
    test_ok(ctx, gr__history_read(ctx, run, &h));
    const double *got = gr__history_column(&h, "train_cost");
    FILE *f = fopen(path, "r");
    assert_non_null(f);
    assert_non_null(got);
    assert_int_equal(h.n, 20);
    for (size_t i = 0; i < h.n; i++) {
        double want = 0;
        assert_int_equal(fscanf(f, "%lf", &want), 1);
        if (!(fabs(got[i] - want) < limit * fabs(want)))
            fail_msg("%s: update %zu costs %.17g, PyTorch's %.17g", c->name, i + 1, got[i], want);
    }
    fclose(f);
    gr__history_free(&h);
}

static void check(const parity *c, bool float64, double limit)
{
    char recipe[256], start[256], want[256], out[64] = "/tmp/gradus-parity-XXXXXX", run[96], model[128];
    const char *const sets[] = {float64 ? "precision=float64" : "precision=float32", c->set}, *name = c->name;
    gr_recipe *r;
    gr_train_result result;
    gr_st *got, *wanted;
    snprintf(recipe, sizeof recipe, "tests/train/parity/%s/recipe.yaml", name);
    snprintf(start, sizeof start, "tests/train/parity/%s/start.safetensors", name);
    snprintf(want, sizeof want, "tests/train/parity/%s/%s.safetensors", name, c->want);
    assert_non_null(mkdtemp(out));
    snprintf(run, sizeof run, "%s/run", out);
    snprintf(model, sizeof model, "%s/%s.safetensors", run, c->model);
    gr_context *ctx = test_context_with(2, 0);
    test_ok(ctx, gr__recipe_open(ctx, recipe, sets, 2, &r));
    test_ok(ctx, gr__train(ctx, r, &(gr_train_options){.out = run, .from = start}, &result));
    assert_int_equal(result.steps, 20);
    if (c->costs) check_costs(ctx, c, run, limit);
    test_ok(ctx, gr__st_whole(ctx, model, &got));
    test_ok(ctx, gr__st_whole(ctx, want, &wanted));
    assert_int_equal(gr__st_count(got), gr__st_count(wanted));
    for (int i = 0; i < gr__st_count(wanted); i++) {
        const gr_st_tensor *w = gr__st_at(wanted, i), *g = gr__st_find(got, w->name);
        assert_non_null(g);
        assert_int_equal(g->type, float64 ? GR_ST_F64 : GR_ST_F32);
        assert_int_equal(gr_shape_count(g->shape), gr_shape_count(w->shape));
        double d = distance(g, w);
        if (!(d < limit)) fail_msg("%s: %s of %s is %.3g from PyTorch's, limit %.0e", name, w->name, c->want, d, limit);
    }
    gr__st_close(got);
    gr__st_close(wanted);
    gr__recipe_close(ctx, r);
    test_context_end(ctx);
    char command[128];
    snprintf(command, sizeof command, "rm -rf '%s'", out);
    assert_int_equal(system(command), 0);
}

static void float64_agrees(void **state)
{
    (void)state;
    for (size_t i = 0; i < GR_COUNT(cases); i++) check(&cases[i], true, 1e-10);
}

static void float32_agrees(void **state)
{
    (void)state;
    for (size_t i = 0; i < GR_COUNT(cases); i++) check(&cases[i], false, 1e-5);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(float64_agrees), cmocka_unit_test(float32_agrees)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
