/* Differentiation as such: which paths count, what it costs, what is refused. */
#include "help.h"

static gr_context *ctx;
static gr_graph *g;

static int setup(void **state)
{
    (void)state;
    ctx = test_context();
    g = new_graph(ctx);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    gr_graph_destroy(g);
    test_context_end(ctx);
    return 0;
}

static gr_val f(const char *name, int64_t n)
{
    return gr_feed(g, name, GR_REAL, GR_SHAPE(n));
}

static const named_data data[] = {{"a", (double[]){1, 2, 3}}, {"b", (double[]){4, 5, 6}}, {"s", (double[]){2}}, {0}};

static void expect(gr_status got, gr_status code, const char *text)
{
    assert_int_equal(got, code);
    assert_string_equal(gr_context_error(ctx)->message, text);
}

static void test_unreached_are_zero(void **state)
{
    (void)state;
    gr_val xs[] = {f("a", 3), f("b", 3), gr_feed(g, "s", GR_REAL, GR_SCALAR), gr_param(g, "none", GR_SHAPE(0, 2))},
           dxs[4];
    gr_val j = gr_sum_all(g, gr_square(g, xs[0]));
    test_ok(ctx, gr_gradients(g, j, xs, 4, dxs));
    ASSERT_VALUES(g, dxs[0], data, 2, 4, 6);
    ASSERT_VALUES(g, dxs[1], data, 0, 0, 0);
    ASSERT_VALUES(g, dxs[2], data, 0);
    assert_shape(g, dxs[3], GR_SHAPE(0, 2));
}

static void test_stopped_paths_are_zero(void **state)
{
    (void)state;
    gr_val a = f("a", 3), da;
    gr_val mixed = gr_add(g, gr_mul(g, gr_stop(g, gr_square(g, a)), a), gr_mul(g, gr_sign(g, a), gr_floor(g, a)));
    test_ok(ctx, gr_gradients(g, gr_sum_all(g, mixed), &a, 1, &da));
    ASSERT_VALUES(g, da, data, 1, 4, 9);
    test_ok(ctx, gr_gradients(g, gr_sum_all(g, gr_stop(g, a)), &a, 1, &da));
    ASSERT_VALUES(g, da, data, 0, 0, 0);
}

static void test_y_itself(void **state)
{
    (void)state;
    gr_val s = gr_feed(g, "s", GR_REAL, GR_SCALAR), c = gr_const(g, 3), ds;
    test_ok(ctx, gr_gradients(g, s, &s, 1, &ds));
    ASSERT_VALUES(g, ds, data, 1);
    test_ok(ctx, gr_gradients(g, c, &s, 1, &ds));
    ASSERT_VALUES(g, ds, data, 0);
}

/* xs may lie on each other's paths: each gets the whole derivative. */
static void test_inner_values(void **state)
{
    (void)state;
    gr_val a = f("a", 3), h = gr_square(g, a), xs[] = {a, h, a}, dxs[3];
    gr_val j = gr_sum_all(g, gr_mul(g, h, h));
    test_ok(ctx, gr_gradients(g, j, xs, 3, dxs));
    ASSERT_VALUES(g, dxs[1], data, 2, 8, 18);
    ASSERT_VALUES(g, dxs[0], data, 4, 32, 108);
    assert_int_equal(dxs[2], dxs[0]);
}

static void test_pullback_of_several(void **state)
{
    (void)state;
    gr_val a = f("a", 3), b = f("b", 3), da;
    gr_val ys[] = {gr_square(g, a), gr_sum_all(g, a), gr_square(g, a), a}, dys[] = {b, gr_const(g, 10), b, b};
    test_ok(ctx, gr_pullback(g, ys, dys, 4, &a, 1, &da));
    ASSERT_VALUES(g, da, data, 2 * 2 * 1 * 4 + 10 + 4, 2 * 2 * 2 * 5 + 10 + 5, 2 * 2 * 3 * 6 + 10 + 6);
    test_ok(ctx, gr_pullback(g, NULL, NULL, 0, &a, 1, &da));
    ASSERT_VALUES(g, da, data, 0, 0, 0);
}

/* What lies on no path between y and x adds no node: the first layer's input gradient, a frozen branch, other outputs.
 */
static void test_off_the_path_costs_nothing(void **state)
{
    (void)state;
    gr_val x = gr_feed(g, "x", GR_REAL, GR_SHAPE(8, 3)), w = gr_param(g, "w", GR_SHAPE(3, 3)),
           frozen = gr_param(g, "v", GR_SHAPE(3, 3)), dw;
    gr_val trunk = gr_tanh(g, gr_matmul(g, gr_sin(g, x), frozen, false, false));
    gr_val y = gr_matmul(g, trunk, w, false, false);
    gr_exp(g, gr_cos(g, y)); /* leads to no y asked for */
    gr_val j = gr_sum_all(g, y);
    uint32_t before = gr__graph_nodes(g);
    test_ok(ctx, gr_gradients(g, j, &w, 1, &dw));
    /* 1, its broadcast, and trunk^T times that */
    assert_int_equal(gr__graph_nodes(g) - before, 3);
    assert_int_equal(gr__producer(g, dw)->op->code, GR_OP_MATMUL);
    assert_int_equal(gr__producer(g, dw)->in[0], trunk);
}

/* The gradient of relu, tanh, sigmoid, exp and sqrt reads the result: the operand is needed by nothing. */
static void test_results_serve(void **state)
{
    (void)state;
    gr_val (*const maps[])(gr_graph *, gr_val) = {gr_relu, gr_tanh, gr_sigmoid, gr_exp, gr_sqrt, gr_recip};
    for (size_t i = 0; i < GR_COUNT(maps); i++) {
        gr_val a = f("a", 3), h = gr_add(g, gr_sin(g, a), gr_const(g, (double)i + 2)), dh;
        gr_val y = gr_sum_all(g, maps[i](g, h));
        uint32_t before = gr__graph_nodes(g);
        test_ok(ctx, gr_gradients(g, y, &h, 1, &dh));
        for (uint32_t k = before; k < gr__graph_nodes(g); k++)
            for (int o = 0; o < gr__node(g, k)->n_in; o++) assert_int_not_equal(gr__node(g, k)->in[o], h);
    }
}

/* A shared matrix collects its gradient in one product over all rows, not in a batch of products and a sum. */
static void test_shared_matrix_folds(void **state)
{
    (void)state;
    gr_val x = gr_feed(g, "x", GR_REAL, GR_SHAPE(4, 5, 3)), w = gr_param(g, "w", GR_SHAPE(3, 2)),
           v = gr_param(g, "v", GR_SHAPE(6, 4)), ws[] = {w, v}, dws[2];
    gr_val y = gr_matmul(g, x, w, false, false), z = gr_matmul(g, v, gr_reshape(g, y, GR_SHAPE(5, 4, 2)), false, false);
    test_ok(ctx, gr_gradients(g, gr_sum_all(g, gr_square(g, z)), ws, 2, dws));
    for (int i = 0; i < 2; i++) {
        const gr_node *n = gr__producer(g, dws[i]);
        assert_int_equal(n->op->code, GR_OP_MATMUL);
        assert_int_equal(gr_shape_of(g, n->in[0]).rank, 2);
        assert_int_equal(gr_shape_of(g, n->in[1]).rank, 2);
    }
}

/* Only the winner's index is kept of a maximum's window, not its input. */
static void test_max_pool_keeps_the_index(void **state)
{
    (void)state;
    gr_val x = gr_feed(g, "x", GR_REAL, GR_SHAPE(1, 4, 4, 2)), index, dx;
    gr_val y = gr_max_pool(g, x, (gr_pool_attr){{2, 2}, {2, 2}, {0, 0}, {0, 0}, false}, &index);
    test_ok(ctx, gr_gradients(g, gr_sum_all(g, gr_square(g, y)), &x, 1, &dx));
    const gr_node *n = gr__producer(g, dx);
    assert_int_equal(n->op->code, GR_OP_POOL_SCATTER);
    assert_int_equal(n->in[1], index);
}

/* x^4 five times over: 24 x, 24, 0. */
static void test_any_order(void **state)
{
    (void)state;
    gr_val s = gr_feed(g, "s", GR_REAL, GR_SCALAR), d = gr_square(g, gr_square(g, s));
    const double expected[] = {32, 48, 48, 24, 0};
    for (int i = 0; i < 5; i++) {
        test_ok(ctx, gr_gradients(g, d, &s, 1, &d));
        assert_values(g, d, data, &expected[i], 1, 0);
    }
}

/* A Hessian-vector product of a small network against differences of its gradient. */
static void test_hessian_vector_product(void **state)
{
    (void)state;
    double xs[12], ws[6], vs[6];
    for (int i = 0; i < 12; i++) xs[i] = sin(i + 1.0);
    for (int i = 0; i < 6; i++) {
        ws[i] = cos(2.0 * i);
        vs[i] = i % 2 ? 0.5 : -1;
    }
    const named_data d[] = {{"x", xs}, {"w", ws}, {"v", vs}, {0}};
    gr_val x = gr_feed(g, "x", GR_REAL, GR_SHAPE(4, 3)), w = gr_param(g, "w", GR_SHAPE(2, 3)),
           v = gr_feed(g, "v", GR_REAL, GR_SHAPE(2, 3)), dw, hv;
    gr_val y = gr_matmul(g, x, w, false, true), e = gr_exp(g, y);
    gr_val p = gr_div(g, e, gr_sum(g, e, (int[]){1}, 1, true));
    gr_val j = gr_neg(g, gr_sum_all(g, gr_log(g, gr_slice(g, p, 1, 0, 1))));
    test_ok(ctx, gr_gradients(g, j, &w, 1, &dw));
    test_ok(ctx, gr_gradients(g, gr_sum_all(g, gr_mul(g, dw, v)), &w, 1, &hv));
    double above[6], below[6], expected[6], *up[] = {above}, *down[] = {below};
    const double h = 1e-4;
    for (int i = 0; i < 6; i++) ws[i] += h * vs[i];
    test_ok(ctx, gr__eval(g, &dw, 1, find_data, (void *)(uintptr_t)d, up));
    for (int i = 0; i < 6; i++) ws[i] -= 2 * h * vs[i];
    test_ok(ctx, gr__eval(g, &dw, 1, find_data, (void *)(uintptr_t)d, down));
    for (int i = 0; i < 6; i++) {
        ws[i] += h * vs[i];
        expected[i] = (above[i] - below[i]) / (2 * h);
    }
    assert_values(g, hv, d, expected, 6, 1e-7);
}

/* ---- what is refused ---- */

static void test_no_rule(void **state)
{
    (void)state;
    gr_val a = f("a", 3), da = 77;
    gr_scope_push(g, "layer", "strange");
    gr_val y = gr_erf(g, a);
    gr_scope_pop(g);
    gr_op without = *gr__op(GR_OP_ERF);
    without.gradient = NULL;
    ((gr_node *)(uintptr_t)gr__producer(g, y))->op = &without;
    gr_val j = gr_sum_all(g, y), b = f("b", 3);
    test_ok(ctx, gr_gradients(g, j, &b, 1, &da)); /* off the path it does not matter */
    da = 77;
    expect(gr_gradients(g, j, &a, 1, &da), GR_E_UNSUPPORTED,
           "layer \"strange\": erf: the operation has no gradient rule");
    assert_int_equal(da, 77);
}

static void test_y_has_axes(void **state)
{
    (void)state;
    gr_val a = f("a", 3), da;
    expect(gr_gradients(g, gr_square(g, a), &a, 1, &da), GR_E_SHAPE, "gradient: y is [3], wanted rank 0");
}

static void test_cotangent_shape(void **state)
{
    (void)state;
    gr_val a = f("a", 3), s = gr_const(g, 1), da;
    expect(gr_pullback(g, &a, &s, 1, &a, 1, &da), GR_E_SHAPE, "gradient: y is [3], its cotangent []");
}

static void test_integer_x(void **state)
{
    (void)state;
    gr_val i = gr_feed(g, "i", GR_I32, GR_SHAPE(3)), j = gr_sum_all(g, gr_real(g, i)), di;
    expect(gr_gradients(g, j, &i, 1, &di), GR_E_TYPE, "gradient: x is i32[3], wanted real");
}

static void test_no_value(void **state)
{
    (void)state;
    gr_val a = f("a", 3), da;
    expect(gr_gradients(g, 99, &a, 1, &da), GR_E_USAGE, "gradient: y is not a value of this graph");
}

int main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(test_##name, setup, teardown)
    const struct CMUnitTest tests[] = {
        T(unreached_are_zero), T(stopped_paths_are_zero), T(y_itself),
        T(inner_values),       T(pullback_of_several),    T(off_the_path_costs_nothing),
        T(results_serve),      T(shared_matrix_folds),    T(max_pool_keeps_the_index),
        T(any_order),          T(hessian_vector_product), T(no_rule),
        T(y_has_axes),         T(cotangent_shape),        T(integer_x),
        T(no_value),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
