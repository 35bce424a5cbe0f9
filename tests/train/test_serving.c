/* T15: what serving a model takes is known before it is trained, to the byte, whatever the network and its input. */
#include "model/model.h"
#include "small.h"

typedef struct shape_of_model {
    const char *name, *data, *rest;
} shape_of_model;

static const shape_of_model models[] = {
    {"linear", "{train: {type: synthetic, kind: digits, n: 40, seed: 1}, batch: 8, prepare: [standardize]}",
     "model: {input: [16, 16, 1], layers: [flatten, {type: dense, units: 10}]}\ncost: cross_entropy\n"},
    {"as it is", "{train: {type: synthetic, kind: digits, n: 40, seed: 1}, batch: 40}",
     "model: {input: [16, 16, 1], layers: [flatten, {type: dense, units: 33, activation: tanh}, {type: dense, units: "
     "10}]}\ncost: cross_entropy\n"},
    {"pictures", "{train: {type: synthetic, kind: digits, n: 40, seed: 1}, batch: 8, prepare: [standardize]}",
     "model: {input: [16, 16, 1], layers: [{type: conv, filters: 7, kernel: 3, padding: same, bias: false}, {type: "
     "batch_norm}, relu, {type: max_pool, size: 2}, flatten, {type: dropout, rate: 0.5}, {type: dense, units: 10}]}\n"
     "cost: cross_entropy\noptimizer: adam\naverage: {type: swa, start: 0.5, cycle: 1}\n"},
    {"steps", "{train: {type: synthetic, kind: digits, n: 40, seed: 1}, batch: 8}",
     "model: {input: [16, 16], layers: [{type: lstm, units: 9}, {type: dense, units: 10}]}\ncost: cross_entropy\n"},
    {"attention", "{train: {type: synthetic, kind: digits, n: 40, seed: 1}, batch: 8}",
     "model: {input: [16, 16], layers: [{type: transformer_block, heads: 2, ff: 24}, flatten, {type: dense, units: "
     "10}]}\ncost: cross_entropy\n"},
    {"in float64", "{train: {type: synthetic, kind: digits, n: 40, seed: 1}, batch: 8, prepare: [standardize]}",
     "model: {input: [16, 16, 1], layers: [flatten, {type: dense, units: 10}]}\ncost: cross_entropy\nprecision: "
     "float64\n"},
    {"a zoo's", "{train: {type: synthetic, kind: digits, n: 40, seed: 1}, batch: 8}",
     "model: {zoo: lenet5, classes: 10, input: [16, 16, 1]}\ncost: cross_entropy\n"},
};

static void write_recipe(const small *s, const shape_of_model *m, const char *more)
{
    FILE *f = fopen(s->recipe, "w");
    assert_non_null(f);
    fprintf(f, "gradus: 1\nname: serve\ndata: %s\n%sstop: {steps: 4}\n%s", m->data, m->rest, more);
    fclose(f);
}

/* What predicting one sample from the run's model takes of a context. */
static uint64_t measured(const small *s, int threads)
{
    gr_context *ctx = test_context();
    gr_model model = {0};
    gr_set set = {0};
    gr_predictor *p = NULL;
    const double *v[GR_MAX_TARGETS];
    char path[128];
    snprintf(path, sizeof path, "%s/last.safetensors", s->out);
    test_ok(ctx, gr_context_configure(ctx, threads, 0));
    test_ok(ctx, gr__model_open(ctx, path, &model));
    const gr_wants wants = gr__recipe_wants(model.recipe);
    const gr_source_options o = {.folder = ".", .wants = &wants, .exact = model.meaning.n_prepared[0] > 0};
    test_ok(ctx, gr__set_load(ctx, model.recipe->data.train, &o, &set));
    uint64_t before = gr_context_bytes(ctx);
    test_ok(ctx, gr__predictor_make(ctx, &model, &set, 1, &p));
    uint64_t after = gr_context_bytes(ctx);
    test_ok(ctx, gr__predictor_run(p, &set, 3, 1, v));
    assert_int_equal(gr_context_bytes(ctx), after);
    gr__predictor_destroy(p);
    assert_int_equal(gr_context_bytes(ctx), before);
    gr__set_free(ctx, &set);
    gr__model_close(&model);
    test_context_end(ctx);
    return after - before;
}

/* What is said before, from the headers of the data, or of the data itself. */
static uint64_t predicted(const small *s, int threads, bool loaded)
{
    gr_context *ctx = test_context();
    gr_recipe *r = NULL;
    gr_task t = {0};
    gr_serving_bytes b;
    test_ok(ctx, gr_context_configure(ctx, threads, 0));
    test_ok(ctx, gr__recipe_open(ctx, s->recipe, NULL, 0, &r));
    test_ok(ctx, loaded ? gr__task_open(ctx, r, 1u << GR_PART_TRAIN, NULL, &t) : gr__task_estimate(ctx, r, &t));
    test_ok(ctx, gr__serving_bytes(&t, &b));
    assert_int_equal(b.parameters + b.activations + b.workspace, b.total);
    gr__task_close(&t);
    gr__recipe_close(ctx, r);
    test_context_end(ctx);
    return b.total;
}

static void what_is_predicted_is_what_serving_takes(void **state)
{
    (void)state;
    uint64_t last = 0;
    for (size_t i = 0; i < GR_COUNT(models); i++) {
        small s;
        gr_train_result result;
        gr_context *ctx = test_context();
        small_make(&s, "");
        write_recipe(&s, &models[i], "");
        test_ok(ctx, small_train(ctx, &s, NULL, &result));
        test_context_end(ctx);
        for (int threads = 1; threads <= 2; threads++) {
            uint64_t said = predicted(&s, threads, false), is = measured(&s, threads);
            if (said != is)
                fail_msg("%s, %d threads: %llu bytes are said and %llu taken", models[i].name, threads,
                         (unsigned long long)said, (unsigned long long)is);
            assert_int_equal(said, predicted(&s, threads, true));
            assert_true(said != last && said > 100);
            last = threads == 2 ? said : last;
        }
        small_remove(&s);
    }
}

/* At the limit a network is trained, a byte below it is refused before anything is there. */
static void a_network_above_its_limit_is_refused(void **state)
{
    (void)state;
    for (size_t i = 0; i < 3; i++) {
        small s;
        gr_train_result result;
        char limit[80];
        small_make(&s, "");
        write_recipe(&s, &models[i], "");
        uint64_t bytes = predicted(&s, 1, false);
        for (int below = 1; below >= 0; below--) {
            gr_context *ctx = test_context();
            test_ok(ctx, gr_context_configure(ctx, 1, 0));
            snprintf(limit, sizeof limit, "limit: {serving_bytes: %llu}\n", (unsigned long long)bytes - below);
            write_recipe(&s, &models[i], limit);
            gr_status st = small_train(ctx, &s, NULL, &result);
            assert_int_equal(st, below ? GR_E_BUDGET : GR_OK);
            if (below) assert_string_equal(gr_context_error(ctx)->key, "limit.serving_bytes");
            assert_int_equal(access(s.out, F_OK) == 0, !below);
            test_context_end(ctx);
        }
        small_remove(&s);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_predicted_is_what_serving_takes),
        cmocka_unit_test(a_network_above_its_limit_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
