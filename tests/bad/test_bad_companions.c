/* Layers that mix the samples of a batch: `gradus check` must find them, and pass those that do not. [T4] */
#include "study/study_case.h"

typedef gr_val layer_build(gr_build *b, const gr_settings *s, const gr_val *in, int n_in);

static gr_val rolled(gr_build *b, const gr_settings *s, const gr_val *in, int n_in)
{
    (void)s, (void)n_in;
    int64_t n = gr_shape_of(b->g, in[0]).dim[0];
    gr_val parts[] = {gr_slice(b->g, in[0], 0, n - 1, 1), gr_slice(b->g, in[0], 0, 0, n - 1)};
    return gr_concat(b->g, parts, 2, 0);
}

static gr_val centred(gr_build *b, const gr_settings *s, const gr_val *in, int n_in)
{
    (void)s, (void)n_in;
    double n = (double)gr_shape_of(b->g, in[0]).dim[0];
    gr_val sum = gr_sum(b->g, in[0], (const int[]){0}, 1, true);
    return gr_sub(b->g, in[0], gr_mul(b->g, gr_const(b->g, 1 / n), sum));
}

static gr_val kept(gr_build *b, const gr_settings *s, const gr_val *in, int n_in)
{
    (void)s, (void)n_in;
    return gr_square(b->g, in[0]);
}

/* The ReLU of the network, at place 1, is built by this. */
static gr_finding look(layer_build *build)
{
    gr_context *ctx = test_context();
    gr_recipe *r =
        RECIPE(ctx, TABLE, "model.layers=[{type: dense, units: 16, name: h}, relu, {type: dense, units: 3}]");
    gr_layer room;
    gr_probe p;
    gr_finding f = {.id = "T4"};
    build_layer_by(r, 1, &room, build);
    test_ok(ctx, gr__probe_open(ctx, r, &p));
    test_ok(ctx, gr__check_companions(&p, &f));
    gr__probe_close(&p);
    gr__recipe_close(ctx, r);
    test_context_end(ctx);
    return f;
}

static void mixed_samples_are_found(void **state)
{
    (void)state;
    layer_build *const all[] = {rolled, centred};
    for (size_t i = 0; i < GR_COUNT(all); i++) {
        gr_finding f = look(all[i]);
        assert_int_equal(f.verdict, GR_VERDICT_FAILED);
        assert_non_null(strstr(f.message, "a layer mixes samples"));
        assert_true(f.figure > f.limit);
    }
}

static void samples_alone_pass(void **state)
{
    (void)state;
    gr_finding f = look(kept);
    assert_int_equal(f.verdict, GR_VERDICT_OK);
}

static void small_batches_pass(void **state)
{
    (void)state;
    gr_context *ctx = test_context();
    const char *const batch[] = {"data.batch=1", "data.batch=2", "data.batch=3"};
    for (size_t i = 0; i < GR_COUNT(batch); i++) {
        gr_recipe *r = RECIPE(ctx, DIGITS, batch[i]);
        gr_probe p;
        gr_finding f = {.id = "T4"};
        test_ok(ctx, gr__probe_open(ctx, r, &p));
        test_ok(ctx, gr__check_companions(&p, &f));
        assert_int_equal(f.verdict, GR_VERDICT_OK);
        gr__probe_close(&p);
        gr__recipe_close(ctx, r);
    }
    test_context_end(ctx);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(mixed_samples_are_found),
        cmocka_unit_test(samples_alone_pass),
        cmocka_unit_test(small_batches_pass),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
