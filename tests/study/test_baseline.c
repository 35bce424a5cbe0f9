/* Baselines: figures of scikit-learn's models on the same rows, rows held or made anew, kernels of every instruction
 * set. [mission T1, SYS1, SYS2] */
#include "backend/cpu/isa.h"
#include "base/rng.h"
#include "study/baseline/baseline.h"
#include "study/baseline/features.h"
#include "study_case.h"

typedef struct expected {
    const char *name;
    double c, figure, error;
} expected;
static const expected cases[] = {
#include "baselines/expected.inc"
};

static gr_recipe *recipe_of(gr_context *ctx, const expected *e, int numbers)
{
    char text[1024];
    bool values = isnan(e->error);
    snprintf(
        text, sizeof text,
        "gradus: 1\nname: b\ndata:\n  train: {type: csv, file: tests/study/baselines/%s-train.csv, target: y, "
        "header: true}\n  validation: {type: csv, file: tests/study/baselines/%s-validation.csv, target: y, header: "
        "true}\n"
        "model: {input: [%d], layers: [{type: dense, units: %d}]}\ncost: %s\nmetrics: [%s]\n",
        e->name, e->name, numbers,
        values                        ? 1
        : strcmp(e->name, "two") == 0 ? 2
                                      : 3,
        values ? "mse" : "cross_entropy", values ? "rmse" : "log_loss");
    return RECIPE(ctx, text);
}

static int numbers_of(const char *name)
{
    return strcmp(name, "wide") == 0 ? 30 : strcmp(name, "short") == 0 || strcmp(name, "dependent") == 0 ? 6 : 4;
}

static void open_task(gr_context *ctx, const gr_recipe *r, gr_task *t)
{
    test_ok(ctx, gr__task_open_as_split(ctx, r, 1u << GR_PART_TRAIN | 1u << GR_PART_VALIDATION, t));
    test_ok(ctx, gr__task_metrics(t));
}

static void figures_are_those_of_scikit_learn(void **state)
{
    (void)state;
    gr_context *ctx = test_context();
    assert_true(GR_COUNT(cases) == 6);
    for (size_t i = 0; i < GR_COUNT(cases); i++) {
        const expected *e = &cases[i];
        gr_recipe *r = recipe_of(ctx, e, numbers_of(e->name));
        gr_task t = {0};
        gr_baselines found;
        open_task(ctx, r, &t);
        test_ok(ctx, gr__baselines_fit(&t, &(gr_baseline_options){.c = e->c}, &found));
        const gr_baseline *b = &found.model[1];
        assert_string_equal(b->name, isnan(e->error) ? "linear" : "logistic");
        if (!(fabs(b->metric[0] - e->figure) <= 1e-6 * fmax(1, e->figure)))
            fail_msg("%s: %.15g, not %.15g (%s)", e->name, b->metric[0], e->figure, b->settings);
        if (!isnan(e->error)) assert_true(fabs(b->error - e->error) < 1e-12);
        gr__task_close(&t);
        gr__recipe_close(ctx, r);
    }
    test_context_end(ctx);
}

/* ---- rows ---- */

typedef struct sums {
    double of[GR_FEATURE_SHARDS][16];
    int64_t rows[GR_FEATURE_SHARDS];
} sums;

static void add(void *user, const gr_feature_block *b)
{
    sums *s = user;
    for (int64_t i = 0; i < b->n; i++)
        for (int e = 0; e < 8; e++) s->of[b->shard][e] += b->x[i * 8 + e] * (double)(b->first + i + 1);
    s->rows[b->shard] += b->n;
}

static void rows_held_are_those_made_anew(void **state)
{
    (void)state;
    gr_context *ctx = test_context();
    gr_recipe *r = RECIPE(ctx, TABLE, "data.validation={split: 0.2}");
    gr_task t = {0};
    sums all[2] = {0};
    int64_t rows = 0;
    open_task(ctx, r, &t);
    for (int held = 0; held < 2; held++) {
        gr_features f = {0};
        test_ok(ctx, gr__features_open(&t, GR_PART_TRAIN, held ? UINT64_MAX : 0, &f));
        assert_true(f.width == 5 && f.apart == 8 && (f.held != NULL) == (held == 1));
        test_ok(ctx, gr__features_walk(&f, add, &all[held]));
        gr__features_close(&f);
    }
    assert_memory_equal(&all[0], &all[1], sizeof all[0]);
    for (int k = 0; k < GR_FEATURE_SHARDS; k++) rows += all[0].rows[k];
    assert_int_equal(rows, 240);
    assert_true(all[0].of[0][5] > 0 && all[0].of[0][6] == 0); /* the 1 behind the numbers, and what pads */
    gr__task_close(&t);
    gr__recipe_close(ctx, r);
    test_context_end(ctx);
}

/* ---- kernels ---- */

enum { ROWS = 13, APART = 24, OUTS = 3 };

static void kernels_do_as_plain_loops(void **state)
{
    (void)state;
    static const gr__rows_kernels *const sets[] = {&gr__rows_kernels_baseline, &gr__rows_kernels_avx2,
                                                   &gr__rows_kernels_avx512};
    _Alignas(64) double x[ROWS * APART], w[OUTS * APART], r[ROWS * OUTS], v[ROWS], out[ROWS * OUTS], sum[OUTS * APART],
        room[ROWS * APART], g[APART * APART], y[ROWS * APART];
    gr__rng rng = gr__rng_make(3, "test/rows", 0, 0);
    for (int i = 0; i < ROWS * APART; i++) x[i] = gr__rng_normal(&rng);
    for (int i = 0; i < OUTS * APART; i++) w[i] = gr__rng_normal(&rng);
    for (int i = 0; i < ROWS * OUTS; i++) r[i] = gr__rng_normal(&rng);
    for (int i = 0; i < ROWS; i++) v[i] = gr__rng_normal(&rng);
    for (int s = 0; s < 3; s++) {
        if (!gr__isa_supported((gr__isa)s)) continue;
        memset(sum, 0, sizeof sum), memset(g, 0, sizeof g), memcpy(y, x, sizeof x);
        sets[s]->products(x, ROWS, APART, w, OUTS, out);
        sets[s]->sums(x, ROWS, APART, 8, r, OUTS, sum);
        sets[s]->squares(x, ROWS, APART, v, room, g);
        sets[s]->reflect(y, ROWS, APART, 16, v, w);
        for (int i = 0; i < ROWS; i++)
            for (int c = 0; c < OUTS; c++) {
                double is = 0;
                for (int e = 0; e < APART; e++) is += x[i * APART + e] * w[c * APART + e];
                assert_true(fabs(out[i * OUTS + c] - is) < 1e-12);
            }
        for (int c = 0; c < OUTS; c++)
            for (int e = 0; e < APART; e++) {
                double is = 0;
                for (int i = 0; i < ROWS && e >= 8; i++) is += r[i * OUTS + c] * x[i * APART + e];
                assert_true(fabs(sum[c * APART + e] - is) < 1e-12);
            }
        for (int a = 0; a < APART; a++)
            for (int b = 0; b <= a; b++) {
                double is = 0;
                for (int i = 0; i < ROWS; i++) is += v[i] * x[i * APART + a] * x[i * APART + b];
                assert_true(fabs(g[a * APART + b] - is) < 1e-12);
            }
        for (int i = 0; i < ROWS; i++)
            for (int e = 0; e < APART; e++)
                assert_true(fabs(y[i * APART + e] - x[i * APART + e] + (e >= 16 ? v[i] * w[e] : 0)) < 1e-12);
    }
}

/* ---- what is left out ---- */

static void indices_are_skipped_and_said(void **state)
{
    (void)state;
    gr_context *ctx = test_context();
    gr_recipe *r =
        RECIPE(ctx, "gradus: 1\nname: b\ndata: {train: {type: synthetic, kind: latch, n: 40}, validation: {split: "
                    "0.5}}\nmodel: {input: [16], layers: [{type: embedding, vocabulary: 9, units: 3}, flatten, "
                    "{type: dense, units: 4}]}\ncost: cross_entropy\n");
    gr_task t = {0};
    gr_baselines found;
    open_task(ctx, r, &t);
    test_ok(ctx, gr__baselines_fit(&t, &(gr_baseline_options){0}, &found));
    assert_int_equal(found.n, 3);
    assert_string_equal(found.model[0].skipped, "");
    for (int i = 1; i < 3; i++) assert_non_null(strstr(found.model[i].skipped, "holds indices"));
    gr__task_close(&t);
    gr__recipe_close(ctx, r);
    test_context_end(ctx);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(figures_are_those_of_scikit_learn),
        cmocka_unit_test(rows_held_are_those_made_anew),
        cmocka_unit_test(kernels_do_as_plain_loops),
        cmocka_unit_test(indices_are_skipped_and_said),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
