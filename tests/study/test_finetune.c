/* The recipe of a fine-tuning: exact ratios of steps, whose groups they are, and patterns that say just what is meant.
 * [mission F1, F2, F5, F6] */
#include "study/finetune/finetune.h"

#include <math.h>

#include "model/model.h"
#include "plan/store.h"
#include "study_case.h"

enum { TENSORS = 6 };
static const char *const names[TENSORS] = {"c1.weight", "c1.bias", "f1.weight", "f1.bias", "head.weight", "head.bias"};

static void write_file(const char *folder, const char *name, const char *text)
{
    char path[128];
    snprintf(path, sizeof path, "%s/%s", folder, name);
    FILE *f = fopen(path, "w");
    assert_non_null(f);
    fputs(text, f);
    fclose(f);
}

static void recipe_text(char *text, size_t n, int classes, const char *more)
{
    snprintf(
        text, n,
        "gradus: 1\nseed: 4\ndata: {train: {type: synthetic, kind: digits, n: 64, classes: %d, seed: 1}, batch: 16, "
        "shuffle: none}\n"
        "model: {input: [16, 16, 1], layers: [{type: conv, filters: 3, kernel: 3, activation: tanh, name: c1}, "
        "{type: max_pool, size: 4}, flatten, {type: dense, units: 5, activation: tanh, name: f1}, {type: dense, "
        "units: %d, name: head}]}\n"
        "validate: none\nprecision: float64\n%s",
        classes, classes, more);
}

static void train(gr_context *ctx, const gr_recipe *r, const char *folder, const char *out)
{
    gr_train_result result;
    char path[128];
    snprintf(path, sizeof path, "%s/%s", folder, out);
    const gr_train_options o = {.out = path, .overwrite = true};
    test_ok(ctx, gr__train(ctx, r, &o, &result));
}

/* A tensor of a model, in double. */
static int64_t numbers(gr_context *ctx, const char *folder, const char *run, const char *tensor, double *out,
                       int64_t room)
{
    char path[160];
    gr_st *file;
    snprintf(path, sizeof path, "%s/%s/last.safetensors", folder, run);
    test_ok(ctx, gr__st_open(ctx, path, &file));
    const gr_st_tensor *t = gr__st_find(file, tensor);
    assert_non_null(t);
    assert_true(t->type == GR_ST_F64 && t->bytes <= (size_t)room * 8);
    test_ok(ctx, gr__st_read(file, t, 0, t->bytes, out));
    int64_t n = (int64_t)(t->bytes / 8);
    gr__st_close(file);
    return n;
}

static void tune(gr_context *ctx, const char *folder, const char *more, const gr_finetune *how, const char *out)
{
    char text[1200], path[96], source[128];
    gr_recipe *r;
    recipe_text(text, sizeof text, 4, more);
    write_file(folder, "r.yaml", text);
    snprintf(path, sizeof path, "%s/r.yaml", folder);
    snprintf(source, sizeof source, "%s/m/last.safetensors", folder);
    gr_finetune o = *how;
    o.model = source;
    test_ok(ctx, gr__finetune_recipe(ctx, path, NULL, 0, &o, &r));
    train(ctx, r, folder, out);
    gr__recipe_close(ctx, r);
}

/* How far a tensor went from the start, by the largest of its elements. */
static double step_of(gr_context *ctx, const char *folder, const char *run, const char *tensor, double *d)
{
    enum { ROOM = 4096 };
    static double a[ROOM];
    double most = 0;
    int64_t n = numbers(ctx, folder, "start", tensor, a, ROOM);
    assert_int_equal(numbers(ctx, folder, run, tensor, d, ROOM), n);
    for (int64_t i = 0; i < n; i++) d[i] -= a[i], most = fmax(most, fabs(d[i]));
    return most;
}

/* The first step of kept layers is lr-scale times lr(M)/lr(RECIPE) times what it is at the recipe's own rate, with
 * methods that know the gradient's size and with those that do not; that of new layers is the recipe's. */
static void steps_are_scaled_exactly(void **state)
{
    (void)state;
    static const char *const optimizers[] = {"{type: sgd, lr: 0.5}", "{type: adam, lr: 0.5}",
                                             "{type: adamw, lr: 0.5, weight_decay: 0.1}"};
    enum { ROOM = 4096 };
    static double scaled[ROOM], whole[ROOM];
    char folder[] = "/tmp/gradus-finetune-XXXXXX", text[1200], path[96], more[160];
    assert_non_null(mkdtemp(folder));
    gr_context *ctx = test_context_with(1, 0);
    gr_recipe *r;
    recipe_text(text, sizeof text, 10, "optimizer: {type: sgd, lr: 0.05}\nstop: {steps: 6}\n");
    write_file(folder, "m.yaml", text);
    snprintf(path, sizeof path, "%s/m.yaml", folder);
    test_ok(ctx, gr__recipe_open(ctx, path, NULL, 0, &r));
    train(ctx, r, folder, "m");
    gr__recipe_close(ctx, r);
    for (size_t k = 0; k < GR_COUNT(optimizers); k++) {
        snprintf(more, sizeof more, "optimizer: %s\nstop: {steps: 0}\n", optimizers[k]);
        tune(ctx, folder, more, &(gr_finetune){.lr_scale = 0.25}, "start");
        snprintf(more, sizeof more, "optimizer: %s\nstop: {steps: 1}\n", optimizers[k]);
        tune(ctx, folder, more, &(gr_finetune){.lr_scale = 0.25}, "scaled");
        tune(ctx, folder, more, &(gr_finetune){.lr_scale = 10}, "whole"); /* 10 x 0.05 is the recipe's 0.5 */
        for (int i = 0; i < TENSORS; i++) {
            double ratio = strncmp(names[i], "head", 4) == 0 ? 1 : 0.25 * 0.05 / 0.5;
            double most = step_of(ctx, folder, "whole", names[i], whole);
            assert_true(most > 0 && step_of(ctx, folder, "scaled", names[i], scaled) > 0);
            for (int j = 0; j < 4; j++) assert_true(fabs(scaled[j] - ratio * whole[j]) < 1e-13 * fmax(most, 1e-3));
        }
    }
    test_context_end(ctx);
    snprintf(text, sizeof text, "rm -rf '%s'", folder);
    assert_int_equal(system(text), 0);
}

/* ---- patterns ---- */

typedef struct collected {
    const char *pattern[64];
    int class[64], n;
    const int *of;
} collected;

static bool collect(void *user, const char *pattern, size_t tensor)
{
    collected *c = user;
    c->pattern[c->n] = pattern;
    c->class[c->n++] = c->of[tensor];
    return true;
}

/* For any division of a tree of names into classes the first pattern that matches a tensor is of its class, or there is
 * none and the class is the one that is left out. */
static void patterns_say_just_what_is_meant(void **state)
{
    (void)state;
    gr_tuned tensor[] = {{.name = "conv1.weight"},
                         {.name = "layer1.0.conv1.weight"},
                         {.name = "layer1.0.conv2.weight"},
                         {.name = "layer1.1.conv1.weight"},
                         {.name = "layer10.0.conv1.weight"},
                         {.name = "layer1.weight"},
                         {.name = "fc.weight"},
                         {.name = "fc.bias"},
                         {.name = "plain"}};
    enum { N = GR_COUNT(tensor) };
    gr_context *ctx = test_context_with(1, 0);
    gr__bump *b = gr__bump_create(ctx);
    const gr_tuning t = {.ctx = ctx, .b = b, .tensor = tensor, .n = N};
    int class[N], wide = 0;
    for (unsigned key = 0; key < 3 * 3 * 3 * 3 * 3 * 3 * 3 * 3 * 3u; key += 7) {
        collected c = {.of = class};
        unsigned rest = key;
        for (int i = 0; i < N; i++, rest /= 3) class[i] = (int)(rest % 3);
        test_ok(ctx, gr__tuning_patterns(&t, class, 0, collect, &c));
        for (int i = 0; i < N; i++) {
            int k = 0;
            while (k < c.n && !gr__glob(c.pattern[k], tensor[i].name)) k++;
            assert_int_equal(k < c.n ? c.class[k] : 0, class[i]);
        }
        for (int k = 0; k < c.n; k++) wide += strchr(c.pattern[k], '*') != NULL;
    }
    assert_true(wide > 1000);
    gr__bump_destroy(b);
    test_context_end(ctx);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(steps_are_scaled_exactly),
        cmocka_unit_test(patterns_say_just_what_is_meant),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
