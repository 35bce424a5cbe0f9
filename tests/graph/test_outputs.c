/* Nodes with any number of outputs: found again by all of them, evaluated, differentiated. */
#include "outputs.h"

#include "graph/gradcheck.h"

/* ---- an operation that is told what its outputs are ---- */

enum { MANY = 40 };

static bool given_infer(gr_graph *g, const gr_attr *attr, const gr_val *in, int n_in, gr_value *out)
{
    (void)g, (void)attr, (void)in, (void)n_in, (void)out;
    return true;
}

/* Output o: x times o + 1, as often as it has elements. */
static void given_ref(const gr_graph *g, const gr_node *n, const gr_ref *in, gr_ref *out)
{
    (void)g;
    for (int o = 0; o < n->n_out; o++)
        for (int64_t e = 0; e < gr_shape_count(out[o].shape); e++)
            ((double *)out[o].data)[e] = ((const double *)in[0].data)[0] * (o + 1) + (double)e;
}

static const gr_op given = {.code = GR_OP_COUNT,
                            .class = GR_CLASS_INDEX,
                            .name = "given",
                            .n_in = 1,
                            .n_out = MANY,
                            .infer = given_infer,
                            .ref = given_ref};

static const double *seven(void *user, const gr_graph *g, const gr_node *leaf)
{
    (void)user, (void)g, (void)leaf;
    static const double x = 7;
    return &x;
}

static void forty_outputs_have_their_own_shapes(void **state)
{
    (void)state;
    gr_context *ctx = test_context();
    gr_graph *g;
    test_ok(ctx, gr_graph_create(ctx, &g));
    gr_val x = gr_feed(g, "x", GR_REAL, GR_SHAPE(1)), wanted[2];
    gr_value hint[MANY];
    for (int o = 0; o < MANY; o++) hint[o] = (gr_value){.dtype = GR_REAL, .shape = GR_SHAPE(o + 1)};
    gr_val first = gr__node_make(g, &given, &x, 1, NULL, hint);
    test_ok(ctx, gr_graph_status(g));
    for (int o = 0; o < MANY; o++) {
        gr_val v = gr__node_output(g, first, o);
        assert_int_equal(gr_shape_of(g, v).dim[0], o + 1);
        assert_int_equal(gr__value(g, v)->out, o);
        assert_ptr_equal(gr__value(g, v), gr__value(g, first) + o); /* side by side, as hints are given */
        assert_ptr_equal(gr__producer(g, v), gr__producer(g, first));
    }
    assert_int_equal(gr__node_output(g, GR_NONE, 3), GR_NONE);
    double a[MANY], b[MANY];
    wanted[0] = gr__node_output(g, first, 2);
    wanted[1] = gr__node_output(g, first, MANY - 1);
    test_ok(ctx, gr__eval(g, wanted, 2, seven, NULL, (double *const[]){a, b}));
    assert_true(a[2] == 7 * 3 + 2 && b[39] == 7 * 40 + 39);
    gr_graph_destroy(g);
    test_context_end(ctx);
}

/* Two nodes are one when all their outputs are the same, not the first alone. */
static void equal_nodes_are_equal_in_every_output(void **state)
{
    (void)state;
    gr_context *ctx = test_context();
    gr_graph *g;
    test_ok(ctx, gr_graph_create(ctx, &g));
    gr_val x = gr_feed(g, "x", GR_REAL, GR_SHAPE(1));
    gr_value hint[MANY];
    for (int o = 0; o < MANY; o++) hint[o] = (gr_value){.dtype = GR_REAL, .shape = GR_SHAPE(2)};
    gr_val first = gr__node_make(g, &given, &x, 1, NULL, hint);
    assert_int_equal(gr__node_make(g, &given, &x, 1, NULL, hint), first);
    for (int o = 0; o < MANY; o += 13) {
        hint[o].shape = GR_SHAPE(3);
        gr_val other = gr__node_make(g, &given, &x, 1, NULL, hint);
        assert_int_not_equal(other, first);
        assert_int_equal(gr_shape_of(g, gr__node_output(g, other, o)).dim[0], 3);
        hint[o] = (gr_value){.dtype = GR_I32, .shape = GR_SHAPE(2)};
        assert_int_not_equal(gr__node_make(g, &given, &x, 1, NULL, hint), first);
        hint[o].dtype = GR_REAL;
    }
    assert_int_equal(gr__node_make(g, &given, &x, 1, NULL, hint), first);
    hint[MANY - 1].shape = GR_SHAPE(-1); /* an impossible shape is seen in any of them */
    assert_int_equal(gr__node_make(g, &given, &x, 1, NULL, hint), GR_NONE);
    assert_int_equal(gr_graph_status(g), GR_E_SHAPE);
    gr_graph_destroy(g);
    test_context_end(ctx);
}

/* ---- gradients reach a node through any of its outputs ---- */

static gr_val through_sum(gr_graph *g, const gr_val *x)
{
    return gr_tanh(g, gr__node_output(g, rows_of(g, &rows_op, x[0]), ROWS_SUM));
}

static gr_val through_centred(gr_graph *g, const gr_val *x)
{
    return gr_sin(g, gr__node_output(g, rows_of(g, &rows_op, x[0]), ROWS_CENTRED));
}

static gr_val through_both(gr_graph *g, const gr_val *x)
{
    gr_val first = rows_of(g, &rows_op, x[0]), column = gr_reshape(g, first, GR_SHAPE(3, 1));
    return gr_mul(g, gr__node_output(g, first, ROWS_CENTRED), gr_square(g, column));
}

static void gradients_pass_through_any_output(void **state)
{
    (void)state;
    static const gradcheck_case cases[] = {
        {.name = "sum", .build = through_sum, .n = 1, .shape = {{2, {3, 4}}}, .low = -1, .high = 1},
        {.name = "centred", .build = through_centred, .n = 1, .shape = {{2, {3, 4}}}, .low = -1, .high = 1},
        {.name = "both", .build = through_both, .n = 1, .shape = {{2, {3, 4}}}, .low = -1, .high = 1},
    };
    gr_context *ctx = test_context();
    for (size_t i = 0; i < GR_COUNT(cases); i++) {
        gradcheck_result r;
        test_ok(ctx, gradcheck(ctx, &cases[i], &r));
        if (!(r.first < 1e-7 && r.second < 1e-6)) fail_msg("%s: %g, %g", cases[i].name, r.first, r.second);
    }
    test_context_end(ctx);
}

/* What regions hold has one output and at most three operands: kernels and messages count on it. */
static void elementwise_operations_have_one_output(void **state)
{
    (void)state;
    for (int code = 0; code < GR_OP_COUNT; code++) {
        const gr_op *op = gr__op((gr_opcode)code);
        bool regional = op->class == GR_CLASS_MAP || op->class == GR_CLASS_LEAF || op->code == GR_OP_BROADCAST ||
                        op->code == GR_OP_SUM || op->code == GR_OP_SUM_SQUARES || op->code == GR_OP_REDUCE_MAX;
        assert_true(op->n_out >= 1 || op->class == GR_CLASS_LOOP);
        if (regional && (op->n_out != 1 || op->n_in > 3)) fail_msg("%s: %d in, %d out", op->name, op->n_in, op->n_out);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(forty_outputs_have_their_own_shapes),
        cmocka_unit_test(equal_nodes_are_equal_in_every_output),
        cmocka_unit_test(gradients_pass_through_any_output),
        cmocka_unit_test(elementwise_operations_have_one_output),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
