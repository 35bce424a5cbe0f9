/* Kernels that give other results when their unit runs again within one step (plan/again.c): each is right as long as
 * it runs once. What is compared with a step in which it runs once must reject every one. */
#include "outputs.h"

#include "support/again.h"

static int calls;
static double kept[64];

/* The second call finds what the first has counted. */
static void counts_its_calls(const gr_graph *g, const gr_node *n, const gr_ref *in, gr_ref *out)
{
    rows_ref(g, n, in, out);
    if (calls++ > 0 && out[ROWS_CENTRED].data) ((double *)out[ROWS_CENTRED].data)[0] += 1;
}

/* Works in its operand, which others and the second call read. */
static void works_in_its_operand(const gr_graph *g, const gr_node *n, const gr_ref *in, gr_ref *out)
{
    double *x = (double *)in[0].data;
    rows_ref(g, n, in, out);
    for (int64_t i = 0; i < gr_shape_count(in[0].shape); i++) x[i] *= 2;
}

/* Believes that whoever asks again asks for the same outputs. */
static void gives_what_it_kept(const gr_graph *g, const gr_node *n, const gr_ref *in, gr_ref *out)
{
    if (calls++ == 0) {
        rows_ref(g, n, in, out);
        for (int64_t i = 0; out[ROWS_SUM].data && i < in[0].shape.dim[0]; i++)
            kept[i] = ((const double *)out[ROWS_SUM].data)[i];
        return;
    }
    for (int64_t i = 0; out[ROWS_CENTRED].data && i < gr_shape_count(in[0].shape); i++)
        ((double *)out[ROWS_CENTRED].data)[i] = kept[i % in[0].shape.dim[0]];
}

/* A value from one call to the next stands in the place of an output: the next call adds to it. */
static void adds_to_its_output(const gr_graph *g, const gr_node *n, const gr_ref *in, gr_ref *out)
{
    rows_ref(g, n, in, out);
    for (int64_t i = 0; calls++ > 0 && out[ROWS_CENTRED].data && i < gr_shape_count(in[0].shape); i++)
        ((double *)out[ROWS_CENTRED].data)[i] += ((const double *)out[ROWS_CENTRED].data)[i];
}

/* Sums are read at once, the rest after what follows from them; y: two sums over all of it. */
static void run(const gr_op *op, gr__reschedule_fn change, double y[2])
{
    gr_context *ctx = test_context();
    gr_graph *g;
    gr_store *store;
    gr_plan *plan;
    again_unit rows = {.code = GR_OP_COUNT};
    calls = 0;
    test_ok(ctx, gr_graph_create(ctx, &g));
    test_ok(ctx, gr_store_create(ctx, gr_backend_get("ref"), &store));
    gr_val x = gr_feed(g, "x", GR_REAL, GR_SHAPE(6, 4)), first = rows_of(g, op, x);
    gr_val early = gr_tanh(g, gr_tanh(g, gr_reshape(g, gr__node_output(g, first, ROWS_SUM), GR_SHAPE(6, 1))));
    gr_val late = gr_mul(g, gr_broadcast(g, early, GR_SHAPE(6, 4)), gr__node_output(g, first, ROWS_CENTRED));
    gr_output(g, "early", gr_sum_all(g, early));
    gr_output(g, "late", gr_sum_all(g, gr_square(g, late)));
    gr_plan_options options = {.backend = gr_backend_get("ref")};
    test_ok(ctx, gr__plan_compile(ctx, g, store, &options, change, &rows, &plan));
    assert_true(!change || rows.may);
    test_ok(ctx, gr_store_seal(store));
    test_ok(ctx, gr_plan_bind(plan, NULL));
    double *to = gr_plan_feed(plan, "x", NULL);
    for (int i = 0; i < 24; i++) to[i] = (double)(i * 37 % 101) / 80 - 0.6;
    test_ok(ctx, gr_plan_run(plan));
    y[0] = *(const double *)gr_plan_output(plan, "early", NULL);
    y[1] = *(const double *)gr_plan_output(plan, "late", NULL);
    gr_plan_destroy(plan);
    gr_store_destroy(store);
    gr_graph_destroy(g);
    test_context_end(ctx);
}

static const gr_op right = ROWS_OP(rows_ref);
static const gr_op wrong[] = {ROWS_OP(counts_its_calls), ROWS_OP(works_in_its_operand), ROWS_OP(gives_what_it_kept),
                              ROWS_OP(adds_to_its_output)};
static const char *const names[] = {"counts_its_calls", "works_in_its_operand", "gives_what_it_kept",
                                    "adds_to_its_output"};

static bool same(const gr_op *op, gr__reschedule_fn change)
{
    double want[2], got[2];
    run(&right, NULL, want);
    run(op, change, got);
    return memcmp(want, got, sizeof want) == 0;
}

static void the_right_one_passes(void **state)
{
    (void)state;
    assert_true(same(&right, again_before_its_last_reader));
}

static void wrong_ones_are_rejected(void **state)
{
    (void)state;
    for (size_t i = 0; i < GR_COUNT(wrong); i++) {
        if (!same(&wrong[i], NULL)) fail_msg("%s is wrong when it runs once", names[i]);
        if (same(&wrong[i], again_before_its_last_reader)) fail_msg("%s passes", names[i]);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_right_one_passes),
        cmocka_unit_test(wrong_ones_are_rejected),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
