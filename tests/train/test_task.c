/* A task's facts of its training targets: of the training rows alone, in the model file, and never of other data.
 * [mission I9, I10] */
#include <math.h>

#include "model/model.h"
#include "small.h"

static const char blobs[] =
    "gradus: 1\nname: facts\nseed: 3\n"
    "data: {train: {type: synthetic, kind: blobs, n: 300, classes: 3, features: 5, seed: 2}, validation: {split: "
    "0.2}, batch: 30, limit: {train: 100}}\n"
    "model: {input: [5], layers: [{type: dense, units: 4, name: head}]}\n"
    "cost: cross_entropy\noptimizer: sgd\nstop: {epochs: 1}\n";

static gr_recipe *recipe(gr_context *ctx, const char *text)
{
    gr_recipe *r = NULL;
    test_ok(ctx, gr__recipe_from_text(ctx, "facts.yaml", ".", text, strlen(text), NULL, 0, &r));
    return r;
}

static void facts_are_of_the_training_rows(void **state)
{
    (void)state;
    gr_context *ctx = test_context();
    gr_recipe *r = recipe(ctx, blobs);
    gr_task t;
    int64_t want[4] = {0};
    test_ok(ctx, gr__task_open(ctx, r, 1u << GR_PART_TRAIN, NULL, &t));
    const int32_t *label = gr__set_target(&t.set[GR_PART_TRAIN], 0)->data;
    for (int64_t i = 0; i < t.rows[GR_PART_TRAIN].n; i++) want[label[t.rows[GR_PART_TRAIN].row[i]]]++;
    assert_true(t.targets->n == 100 && t.targets->classes == 4); /* outputs, of which the last has no sample */
    for (int k = 0; k < 4; k++) assert_int_equal(gr__targets_count(t.targets, k), want[k]);
    assert_true(want[0] > 0 && want[3] == 0);
    gr__task_close(&t);
    test_ok(ctx, gr__task_estimate(ctx, r, &t));
    assert_false(gr__targets_known(t.targets));
    gr__task_close(&t);
    gr__recipe_close(ctx, r);
    test_context_end(ctx);
}

static void values_too(void **state)
{
    (void)state;
    gr_context *ctx = test_context();
    gr_recipe *r = recipe(
        ctx, "gradus: 1\ndata: {train: {type: synthetic, kind: regression, n: 50, features: 3, seed: 1}, batch: 10}\n"
             "model: {input: [3], layers: [{type: dense, units: 1}]}\ncost: mse\noptimizer: sgd\n");
    gr_task t;
    double mean = 0, square = 0;
    test_ok(ctx, gr__task_open(ctx, r, 1u << GR_PART_TRAIN, NULL, &t));
    const float *y = gr__set_target(&t.set[GR_PART_TRAIN], 0)->data;
    for (int i = 0; i < 50; i++) mean += (double)y[i] / 50;
    for (int i = 0; i < 50; i++) square += ((double)y[i] - mean) * ((double)y[i] - mean) / 50;
    assert_true(t.targets->n == 50 && t.targets->values == 1);
    assert_true(fabs(gr__targets_mean(t.targets, 0) - mean) < 1e-12 &&
                fabs(gr__targets_variance(t.targets, 0) / square - 1) < 1e-12);
    gr__task_close(&t);
    gr__recipe_close(ctx, r);
    test_context_end(ctx);
}

/* A model's facts come with its file, whatever data it is evaluated on. */
static void a_model_brings_its_own(void **state)
{
    (void)state;
    static const char other[] =
        "data: {train: {type: synthetic, kind: blobs, n: 30, classes: 2, features: 5, seed: 9}}\n";
    gr_context *ctx = test_context();
    gr_recipe *r = recipe(ctx, blobs);
    gr_task t;
    gr_store *store;
    gr_model m = {0};
    char path[] = "/tmp/gradus-facts-XXXXXX";
    int64_t count[4];
    assert_true(close(mkstemp(path)) == 0);
    test_ok(ctx, gr__task_open(ctx, r, 1u << GR_PART_TRAIN, NULL, &t));
    test_ok(ctx, gr_store_create(ctx, t.backend, &store));
    test_ok(ctx, gr__network_declare(t.network, store));
    test_ok(ctx, gr_store_seal(store));
    for (int k = 0; k < 4; k++) count[k] = gr__targets_count(t.targets, k);
    test_ok(ctx, gr__model_write(ctx, path, store, &(gr_model_about){.recipe = r, .meaning = &t.meaning}));
    gr_store_destroy(store);
    gr__task_close(&t);
    test_ok(ctx, gr__model_open(ctx, path, &m));
    char text[sizeof blobs + sizeof other];
    snprintf(text, sizeof text, "%.*s%s%s", (int)(strstr(blobs, "data:") - blobs), blobs, other,
             strstr(blobs, "model:"));
    gr_recipe *else_where = recipe(ctx, text);
    test_ok(ctx, gr__task_open(ctx, else_where, 1u << GR_PART_TRAIN, &m, &t));
    assert_int_equal(t.targets->n, 100);
    for (int k = 0; k < 4; k++) assert_int_equal(gr__targets_count(t.targets, k), count[k]);
    gr__task_close(&t);
    gr__model_close(&m);
    gr__recipe_close(ctx, else_where);
    gr__recipe_close(ctx, r);
    unlink(path);
    test_context_end(ctx);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(facts_are_of_the_training_rows),
        cmocka_unit_test(values_too),
        cmocka_unit_test(a_model_brings_its_own),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
