/* Wrong decompositions: operations said by others to be what they are not. The check that passes what the product's are
 * said by must reject every one. */
#include "outputs.h"

#include "graph/saidcheck.h"

#define TOLERANCE 1e-13 /* what the operations' own test allows */

#define SAY(name) static void name(gr_graph *g, const gr_attr *attr, const gr_val *in, int n_in, gr_val *out)
#define UNUSED (void)attr, (void)n_in

/* ---- right ---- */

SAY(sigmoid_by_exp)
{
    UNUSED;
    gr_val one = gr_const(g, 1);
    out[0] = gr_div(g, one, gr_add(g, one, gr_exp(g, gr_neg(g, in[0]))));
}

SAY(max_by_select)
{
    UNUSED;
    out[0] = gr_select(g, gr_less(g, in[0], in[1]), in[1], in[0]);
}

static void rows_said(gr_graph *g, gr_val x, double divisor, gr_val *out)
{
    gr_shape s = gr_shape_of(g, x);
    out[ROWS_SUM] = gr_sum(g, x, (int[]){1}, 1, false);
    out[ROWS_INDEX] = gr_argmax(g, x, 1);
    out[ROWS_CENTRED] =
        gr_sub(g, x, gr_div(g, gr_reshape(g, out[ROWS_SUM], GR_SHAPE(s.dim[0], 1)), gr_const(g, divisor)));
}

SAY(rows_right)
{
    UNUSED;
    rows_said(g, in[0], (double)gr_shape_of(g, in[0]).dim[1], out);
}

/* ---- wrong values ---- */

SAY(flipped_sign)
{
    UNUSED;
    out[0] = gr_neg(g, gr_sigmoid(g, in[0]));
}

SAY(a_little_off)
{
    UNUSED;
    out[0] = gr_mul(g, gr_sigmoid(g, in[0]), gr_const(g, 1.0001));
}

SAY(other_order)
{
    UNUSED;
    out[0] = gr_sub(g, in[1], in[0]);
}

SAY(other_one)
{
    UNUSED;
    out[0] = gr_select(g, gr_less(g, in[0], in[1]), in[0], in[1]);
}

/* Of three results the last alone: the sum for the mean. */
SAY(last_result)
{
    UNUSED;
    rows_said(g, in[0], 1, out);
}

SAY(first_of_all)
{
    UNUSED;
    gr_shape s = gr_shape_of(g, in[0]);
    rows_said(g, in[0], (double)s.dim[1], out);
    out[ROWS_INDEX] = gr_argmax(g, gr_slice(g, in[0], 1, 0, 2), 1);
}

SAY(not_a_number)
{
    UNUSED;
    out[0] = gr_log(g, gr_sub(g, gr_const(g, -9), gr_square(g, in[0])));
}

static const gr_pool_attr windows = {{2, 3}, {2, 1}, {0, 1}, {1, 1}, false};

/* Padding counted in the mean. */
SAY(padding_counted)
{
    UNUSED;
    gr_pool_attr p = windows;
    p.count_padding = true;
    out[0] = gr_avg_pool(g, in[0], p);
}

/* ---- right values, wrong gradients ---- */

SAY(detached)
{
    UNUSED;
    out[0] = gr_stop(g, gr_sigmoid(g, in[0]));
}

SAY(one_operand_detached)
{
    UNUSED;
    out[0] = gr_sub(g, in[0], gr_stop(g, in[1]));
}

SAY(gradient_of_another)
{
    UNUSED;
    out[0] = gr_add(g, gr_stop(g, gr_sub(g, gr_sigmoid(g, in[0]), gr_tanh(g, in[0]))), gr_tanh(g, in[0]));
}

SAY(mean_detached)
{
    UNUSED;
    rows_said(g, in[0], (double)gr_shape_of(g, in[0]).dim[1], out);
    gr_val mean = gr_sub(g, in[0], out[ROWS_CENTRED]);
    out[ROWS_CENTRED] = gr_sub(g, in[0], gr_stop(g, mean));
}

/* ---- results of another kind ---- */

SAY(other_shape)
{
    UNUSED;
    out[0] = gr_sum(g, in[0], (int[]){0}, 1, false);
}

SAY(other_type)
{
    UNUSED;
    rows_said(g, in[0], (double)gr_shape_of(g, in[0]).dim[1], out);
    out[ROWS_INDEX] = gr_real(g, out[ROWS_INDEX]);
}

SAY(left_out)
{
    UNUSED;
    out[ROWS_SUM] = gr_sum(g, in[0], (int[]){1}, 1, false);
}

/* ---- running them ---- */

typedef struct row {
    const char *name;
    const gr_op *of;
    void (*decompose)(gr_graph *g, const gr_attr *attr, const gr_val *in, int n_in, gr_val *out);
    enum { PASSES, VALUES, GRADIENTS, REFUSED } how;
} row;

#define ROW(said, op, result)   \
    {                           \
#said, op, said, result \
    }

static const char *verdict(const saidcheck_result *r, gr_status st, int *how)
{
    static const char *const names[] = {"passes", "its values", "its gradients", "refused"};
    *how = st != GR_OK ? REFUSED : !(r->values < TOLERANCE) ? VALUES : !(r->gradients < TOLERANCE) ? GRADIENTS : PASSES;
    return names[*how];
}

static void check(const row *of)
{
    gr_context *ctx = test_context();
    gr_graph *g;
    gr_op op = *of->of;
    bool pool = op.code == GR_OP_AVG_POOL;
    gr_shape s = pool ? GR_SHAPE(2, 3, 3, 2) : GR_SHAPE(6, 4);
    gr_attr attr = pool ? (gr_attr){.i = {2, 3, 2, 1, 0, 1, 1, 1}} : (gr_attr){.name = NULL};
    op.decompose = of->decompose;
    test_ok(ctx, gr_graph_create(ctx, &g));
    gr_val x[2] = {gr_feed(g, "a", GR_REAL, s), gr_feed(g, "b", GR_REAL, s)};
    gr_val y = gr__node_make(g, &op, x, op.n_in, &attr, NULL);
    test_ok(ctx, gr_graph_status(g));
    saidcheck_result r;
    int how;
    gr_status st = saidcheck(ctx, g, gr__producer(g, y), -2, 2, &r);
    assert_true(st == GR_OK || st == GR_E_INTERNAL);
    const char *said = verdict(&r, st, &how);
    if (how != (int)of->how)
        fail_msg("%s: %s (values off by %g, gradients by %g)", of->name, said, r.values, r.gradients);
    gr_graph_destroy(g);
    test_context_end(ctx);
}

static void test_right_ones_pass(void **state)
{
    (void)state;
    const gr_op *pool = gr__op(GR_OP_AVG_POOL);
    const row rows[] = {
        ROW(sigmoid_by_exp, gr__op(GR_OP_SIGMOID), PASSES),
        ROW(max_by_select, gr__op(GR_OP_MAX), PASSES),
        ROW(rows_right, &rows_op, PASSES),
        {"avg_pool", pool, pool->decompose, PASSES},
    };
    for (size_t i = 0; i < GR_COUNT(rows); i++) check(&rows[i]);
}

static void test_wrong_ones_are_rejected(void **state)
{
    (void)state;
    const gr_op *sigmoid = gr__op(GR_OP_SIGMOID), *sub = gr__op(GR_OP_SUB), *max = gr__op(GR_OP_MAX);
    const row rows[] = {
        ROW(flipped_sign, sigmoid, VALUES),
        ROW(a_little_off, sigmoid, VALUES),
        ROW(other_order, sub, VALUES),
        ROW(other_one, max, VALUES),
        ROW(last_result, &rows_op, VALUES),
        ROW(first_of_all, &rows_op, VALUES),
        ROW(not_a_number, sigmoid, VALUES),
        ROW(padding_counted, gr__op(GR_OP_AVG_POOL), VALUES),
        ROW(detached, sigmoid, GRADIENTS),
        ROW(one_operand_detached, sub, GRADIENTS),
        ROW(gradient_of_another, sigmoid, GRADIENTS),
        ROW(mean_detached, &rows_op, GRADIENTS),
        ROW(other_shape, sigmoid, REFUSED),
        ROW(other_type, &rows_op, REFUSED),
        ROW(left_out, &rows_op, REFUSED),
    };
    for (size_t i = 0; i < GR_COUNT(rows); i++) check(&rows[i]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_right_ones_pass),
        cmocka_unit_test(test_wrong_ones_are_rejected),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
