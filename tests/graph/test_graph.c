/* The graph as an object: hash-consing, scopes, names, effects, sticky failure, identities, memory. */
#include "help.h"

static gr_context *ctx;
static gr_graph *g;
static uint64_t bytes;

static int setup(void **state)
{
    (void)state;
    ctx = test_context();
    bytes = gr__bookkeeping_bytes(ctx);
    g = new_graph(ctx);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    gr_graph_destroy(g);
    assert_int_equal(gr__bookkeeping_bytes(ctx), bytes); /* nothing is left behind */
    test_context_end(ctx);
    return 0;
}

static gr_val f(const char *name, int64_t n)
{
    return gr_feed(g, name, GR_REAL, GR_SHAPE(n));
}

static void expect(gr_status code, const char *text)
{
    assert_int_equal(gr_graph_status(g), code);
    assert_string_equal(gr_context_error(ctx)->message, text);
}

static void test_equal_nodes_are_one(void **state)
{
    (void)state;
    gr_val x = f("x", 3), y = f("y", 3), w = gr_param(g, "w", GR_SHAPE(3));
    assert_int_equal(f("x", 3), x);
    assert_int_equal(gr_param(g, "w", GR_SHAPE(3)), w);
    assert_int_not_equal(gr_feed(g, "w", GR_REAL, GR_SHAPE(3)), w); /* feeds have names of their own */
    assert_int_equal(gr_sin(g, x), gr_sin(g, x));
    assert_int_not_equal(gr_sin(g, x), gr_cos(g, x));
    assert_int_not_equal(gr_sin(g, x), gr_sin(g, y));
    assert_int_equal(gr_add(g, x, y), gr_add(g, y, x)); /* the same bits */
    assert_int_equal(gr_mul(g, x, y), gr_mul(g, y, x));
    assert_int_equal(gr_equal(g, x, y), gr_equal(g, y, x));
    assert_int_not_equal(gr_sub(g, x, y), gr_sub(g, y, x));
    assert_int_not_equal(gr_max(g, x, y), gr_max(g, y, x)); /* ties go to the first */
    assert_int_equal(gr_const(g, 2), gr_const(g, 2));
    assert_int_not_equal(gr_const(g, 0.0), gr_const(g, -0.0));
    assert_int_equal(gr_const(g, NAN), gr_const(g, NAN));
    assert_int_equal(TENSOR(g, GR_SHAPE(2), 1, 2), TENSOR(g, GR_SHAPE(2), 1, 2));
    assert_int_not_equal(TENSOR(g, GR_SHAPE(2), 1, 2), TENSOR(g, GR_SHAPE(2), 1, 3));
    assert_int_not_equal(TENSOR(g, GR_SHAPE(2), 1, 2), TENSOR(g, GR_SHAPE(1, 2), 1, 2));
    assert_int_equal(gr_iota(g, GR_SHAPE(2, 2), 0), gr_iota(g, GR_SHAPE(2, 2), 0));
    assert_int_not_equal(gr_iota(g, GR_SHAPE(2, 2), 0), gr_iota(g, GR_SHAPE(2, 2), 1));
    assert_int_equal(gr_slice(g, x, 0, 1, 1), gr_slice(g, x, 0, 1, 1));
    assert_int_not_equal(gr_slice(g, x, 0, 1, 1), gr_slice(g, x, 0, 2, 1));
    assert_int_equal(gr_broadcast(g, x, GR_SHAPE(2, 3)), gr_broadcast(g, x, GR_SHAPE(2, 3)));
    assert_int_not_equal(gr_broadcast(g, x, GR_SHAPE(2, 3)), gr_broadcast(g, x, GR_SHAPE(4, 3)));
    char name[] = "x"; /* equal text at another address */
    assert_int_equal(gr_feed(g, name, GR_REAL, GR_SHAPE(3)), x);
    test_ok(ctx, gr_graph_verify(g));
}

/* Enough nodes and names that every table grows several times. */
static void test_many(void **state)
{
    (void)state;
    gr_val first[3000];
    for (int i = 0; i < 3000; i++) {
        char name[16];
        snprintf(name, sizeof name, "p%d", i);
        first[i] = gr_tanh(g, gr_param(g, name, GR_SHAPE(i % 7)));
    }
    uint32_t nodes = gr__graph_nodes(g);
    assert_int_equal(nodes, 6000);
    for (int i = 0; i < 3000; i++) {
        char name[16];
        snprintf(name, sizeof name, "p%d", i);
        assert_int_equal(gr_tanh(g, gr_param(g, name, GR_SHAPE(i % 7))), first[i]);
    }
    assert_int_equal(gr__graph_nodes(g), nodes);
    test_ok(ctx, gr_graph_verify(g));
}

static void test_identities(void **state)
{
    (void)state;
    gr_val x = f("x", 3), m = gr_feed(g, "m", GR_REAL, GR_SHAPE(2, 3)), one = gr_const(g, 1), zero = gr_const(g, 0),
           s = gr_slot(g, "s", GR_SCALAR);
    assert_int_equal(gr_mul(g, x, one), x);
    assert_int_equal(gr_mul(g, one, x), x);
    assert_int_equal(gr_div(g, x, one), x);
    assert_int_equal(gr_add(g, x, zero), x);
    assert_int_equal(gr_add(g, zero, x), x);
    assert_int_equal(gr_sub(g, x, zero), x);
    assert_int_equal(gr_mul(g, x, gr_const(g, -1)), gr_neg(g, x));
    assert_int_equal(gr_neg(g, gr_neg(g, x)), x);
    assert_int_equal(gr_stop(g, gr_stop(g, x)), gr_stop(g, x));
    assert_int_equal(gr_add(g, m, gr_neg(g, x)), gr_sub(g, m, x));
    assert_int_equal(gr_sub(g, m, gr_neg(g, x)), gr_add(g, m, x));
    assert_int_equal(gr_reshape(g, x, GR_SHAPE(3)), x);
    assert_int_equal(gr_reshape(g, gr_reshape(g, m, GR_SHAPE(6)), GR_SHAPE(2, 3)), m);
    assert_int_equal(gr_broadcast(g, x, GR_SHAPE(3)), x);
    assert_int_equal(gr_broadcast(g, gr_broadcast(g, x, GR_SHAPE(2, 3)), GR_SHAPE(4, 2, 3)),
                     gr_broadcast(g, x, GR_SHAPE(4, 2, 3)));
    assert_int_equal(gr_broadcast(g, x, GR_SHAPE(1, 3)), gr_reshape(g, x, GR_SHAPE(1, 3)));
    assert_int_equal(gr_permute(g, gr_permute(g, m, (int[]){1, 0}), (int[]){1, 0}), m);
    assert_int_equal(gr_slice(g, x, 0, 0, 3), x);
    assert_int_equal(gr_pad(g, x, 0, 0, 0), x);
    assert_int_equal(gr_concat(g, &x, 1, 0), x);
    assert_int_equal(gr_sum(g, x, NULL, 0, false), x);
    assert_int_equal(gr_sum_all(g, s), s);
    assert_int_equal(gr_select(g, one, x, zero), x);
    assert_int_equal(gr_real(g, x), x);
    /* one number, repeated, is that number to elementwise operations */
    gr_val wide = gr_broadcast(g, s, GR_SHAPE(2, 3));
    assert_int_equal(gr_mul(g, m, wide), gr_mul(g, m, s));
    assert_int_equal(gr_exp(g, wide), gr_broadcast(g, gr_exp(g, s), GR_SHAPE(2, 3)));
    assert_shape(g, gr_add(g, x, gr_broadcast(g, zero, GR_SHAPE(2, 3))), GR_SHAPE(2, 3));
    assert_shape(g, gr_mul(g, s, gr_broadcast(g, one, GR_SHAPE(2, 3))), GR_SHAPE(2, 3));
    test_ok(ctx, gr_graph_verify(g));
}

static void test_nothing_is_hidden(void **state)
{
    (void)state;
    gr_val x = f("x", 3), zero = gr_const(g, 0);
    const named_data data[] = {{"x", (double[]){INFINITY, NAN, 1}}, {0}};
    ASSERT_VALUES(g, gr_mul(g, x, zero), data, NAN, NAN, 0);
    ASSERT_VALUES(g, gr_sub(g, x, x), data, NAN, NAN, 0);
    ASSERT_VALUES(g, gr_div(g, x, x), data, NAN, NAN, 1);
    ASSERT_VALUES(g, gr_div(g, zero, zero), NULL, NAN);
}

static void test_constants_fold(void **state)
{
    (void)state;
    gr_val two = gr_const(g, 2), three = gr_const(g, 3);
    assert_int_equal(gr_add(g, two, three), gr_const(g, 5));
    assert_int_equal(gr_pow(g, two, three), gr_const(g, 8));
    assert_int_equal(gr_less(g, two, three), gr_const(g, 1));
    assert_int_equal(gr_select(g, gr_const(g, 0), two, three), three);
    assert_int_equal(gr_sqrt(g, gr_const(g, -1)), gr_const(g, sqrt(-1)));
    assert_int_equal(gr_neg(g, two), gr_const(g, -2));
}

static void test_scopes(void **state)
{
    (void)state;
    gr_scope_push(g, "residual", "r1");
    gr_scope_push(g, "conv", "c1");
    gr_val x = f("x", 3);
    assert_string_equal(gr__producer(g, x)->scope, "residual \"r1\" / conv \"c1\"");
    gr_scope_pop(g);
    assert_string_equal(gr__producer(g, gr_sin(g, x))->scope, "residual \"r1\"");
    gr_scope_pop(g);
    gr_scope_push(g, "cost", NULL);
    assert_string_equal(gr__producer(g, gr_cos(g, x))->scope, "cost");
    gr_scope_pop(g);
    assert_string_equal(gr__producer(g, gr_exp(g, x))->scope, "");
    gr_scope_pop(g);
    expect(GR_E_USAGE, "a scope is popped that was never pushed");
}

static void test_gradients_have_the_scope_of_their_node(void **state)
{
    (void)state;
    gr_val x = f("x", 3), dx;
    gr_scope_push(g, "dense", "head");
    gr_val y = gr_tanh(g, x);
    gr_scope_pop(g);
    test_ok(ctx, gr_gradients(g, gr_sum_all(g, y), &x, 1, &dx));
    assert_string_equal(gr__producer(g, dx)->scope, "dense \"head\"");
    assert_string_equal(gr__producer(g, gr_sin(g, x))->scope, "");
}

static void test_failure_sticks(void **state)
{
    (void)state;
    gr_val x = f("x", 3), w = gr_param(g, "w", GR_SHAPE(3)), dx = 77;
    gr_scope_push(g, "dense", "head");
    gr_val bad = gr_graph_fail(g, GR_E_SHAPE, "inner sizes differ: input %s", "[64,128]");
    assert_int_equal(bad, GR_NONE);
    uint32_t nodes = gr__graph_nodes(g);
    gr_scope_push(g, "never", "seen");
    assert_int_equal(gr_sin(g, x), GR_NONE);
    assert_int_equal(gr_add(g, bad, x), GR_NONE);
    assert_int_equal(gr_matmul(g, bad, x, true, false), GR_NONE);
    assert_int_equal(gr_mean_all(g, bad), GR_NONE);
    assert_int_equal(gr_const_tensor(g, GR_SHAPE(1), (double[]){1}), GR_NONE);
    gr_output(g, "y", bad);
    gr_assign(g, w, bad, GR_ASSIGN_UPDATE);
    gr_guard(g, bad);
    gr_mark_gradient(g, w, bad);
    gr_scope_pop(g);
    gr_scope_pop(g);
    assert_int_equal(gr_gradients(g, bad, &x, 1, &dx), GR_E_SHAPE);
    assert_int_equal(dx, 77); /* written only on success */
    assert_int_equal(gr_graph_verify(g), GR_E_SHAPE);
    assert_int_equal(gr__graph_nodes(g), nodes);
    assert_int_equal(gr__graph_effects(g).n_outputs, 0);
    expect(GR_E_SHAPE, "dense \"head\": inner sizes differ: input [64,128]");
}

static void test_effects(void **state)
{
    (void)state;
    gr_val w = gr_param(g, "w", GR_SHAPE(3)), m = gr_slot(g, "m", GR_SHAPE(3)), j = gr_sum_all(g, w),
           two = gr_mul(g, w, gr_const(g, 2));
    gr_assign(g, w, two, GR_ASSIGN_UPDATE);
    gr_assign(g, m, w, GR_ASSIGN_STATE);
    gr_output(g, "cost", j);
    gr_output(g, "cost", j);
    gr_guard(g, j);
    gr_guard(g, j);
    gr_mark_gradient(g, w, two);
    gr_mark_gradient(g, w, two);
    gr_effects e = gr__graph_effects(g);
    test_ok(ctx, gr_graph_verify(g));
    assert_int_equal(e.n_assigns, 2);
    assert_int_equal(e.assigns[0].target, w);
    assert_int_equal(e.assigns[1].kind, GR_ASSIGN_STATE);
    assert_int_equal(e.n_outputs, 1);
    assert_string_equal(e.outputs[0].name, "cost");
    assert_int_equal(e.guard, j);
    assert_int_equal(e.n_gradients, 1);
    assert_int_equal(e.gradients[0].gradient, two);
}

#define REJECTS(name, code, text, ...)                                                 \
    static void test_##name(void **state)                                              \
    {                                                                                  \
        (void)state;                                                                   \
        gr_val x = f("x", 3), w = gr_param(g, "w", GR_SHAPE(3)), j = gr_sum_all(g, w); \
        (void)x, (void)j;                                                              \
        __VA_ARGS__;                                                                   \
        expect(code, text);                                                            \
    }
REJECTS(assign_twice, GR_E_CONFLICT, "assign: \"w\" is assigned twice", gr_assign(g, w, x, GR_ASSIGN_UPDATE);
        gr_assign(g, w, x, GR_ASSIGN_UPDATE))
REJECTS(assign_feed, GR_E_USAGE, "assign: the target is a feed, not a parameter or slot",
        gr_assign(g, x, w, GR_ASSIGN_UPDATE))
REJECTS(assign_shape, GR_E_SHAPE, "assign: \"w\" is real[3], the value real[]", gr_assign(g, w, j, GR_ASSIGN_UPDATE))
REJECTS(assign_nothing, GR_E_USAGE, "assign: not a value of this graph", gr_assign(g, w, GR_NONE, GR_ASSIGN_UPDATE))
REJECTS(output_twice, GR_E_CONFLICT, "output: \"y\" names two values", gr_output(g, "y", x); gr_output(g, "y", w))
REJECTS(guard_shape, GR_E_SHAPE, "guard: the value is real[3], wanted real[]", gr_guard(g, x))
REJECTS(guard_twice, GR_E_CONFLICT, "guard: there is one already", gr_guard(g, j); gr_guard(g, gr_neg(g, j)))
REJECTS(mark_feed, GR_E_USAGE, "gradient: of a feed, not of a parameter", gr_mark_gradient(g, x, w))
REJECTS(mark_shape, GR_E_SHAPE, "gradient: \"w\" is real[3], the value real[]", gr_mark_gradient(g, w, j))
REJECTS(mark_twice, GR_E_CONFLICT, "gradient: \"w\" has one already", gr_mark_gradient(g, w, x);
        gr_mark_gradient(g, w, w))

static void test_strides(void **state)
{
    (void)state;
    int64_t s[GR_MAX_RANK];
    gr__broadcast_strides(GR_SHAPE(3, 1, 5), GR_SHAPE(2, 3, 4, 5), s);
    assert_int_equal(s[0], 0);
    assert_int_equal(s[1], 5);
    assert_int_equal(s[2], 0);
    assert_int_equal(s[3], 1);
    gr__broadcast_strides(GR_SCALAR, GR_SHAPE(2, 3), s);
    assert_int_equal(s[0], 0);
    assert_int_equal(s[1], 0);
    char text[96];
    assert_string_equal(gr__shape_text(GR_SCALAR, text), "[]");
    assert_string_equal(gr__shape_text(GR_SHAPE(64, 28, 28, 1), text), "[64,28,28,1]");
    gr_shape wild = GR_SHAPE(INT64_MIN, INT64_MIN, INT64_MIN, INT64_MIN, INT64_MIN, INT64_MIN);
    assert_true(strlen(gr__shape_text(wild, text)) < 96);
    assert_shape(g, GR_NONE, GR_SCALAR);
    assert_int_equal(gr_dtype_of(g, 99), GR_REAL);
}

/* ---- failing every allocation in turn ---- */

/* A graph with something of everything; the status of building, differentiating, printing and evaluating it. */
static gr_status build_all(gr_context *c)
{
    gr_graph *h = NULL;
    char *text = NULL, *dot = NULL;
    double cost, *results[] = {&cost};
    double numbers[512];
    for (int i = 0; i < 512; i++) numbers[i] = 0.01 * i;
    named_data data[] = {{"x", numbers}, {"w", numbers}, {"v", numbers}, {0}};
    gr_status st = gr_graph_create(c, &h);
    if (st != GR_OK) return st;
    gr_scope_push(h, "conv", "c1");
    gr_val x = gr_feed(h, "x", GR_REAL, GR_SHAPE(2, 4, 4, 2)), w = gr_param(h, "w", GR_SHAPE(3, 3, 3, 2)),
           v = gr_param(h, "v", GR_SHAPE(12, 5)), dw[2];
    gr_val y = gr_relu(h, gr_conv(h, x, w, (gr_conv_attr){{1, 1}, {1, 1}, {0, 0}, {0, 0}, 1}));
    gr_scope_pop(h);
    gr_val parts[5] = {y, y, y, y, y}; /* more operands than the sweep keeps on the stack */
    y = gr_slice(h, gr_concat(h, parts, 5, 3), 3, 4, 3);
    y = gr_matmul(h, gr_reshape(h, y, GR_SHAPE(2, 12)), v, false, false);
    y = gr_add(h, y, gr_const_tensor(h, GR_SHAPE(5), (double[]){1, 2, 3, 4, 5}));
    y = gr_softmax(h, y); /* its shape, its gradient and its values come from what it is said by */
    gr_val j = gr_mean_all(h, gr_square(h, y)), ws[] = {w, v};
    GR_TRY(gr_gradients(h, j, ws, 2, dw));
    for (int i = 0; i < 2; i++) {
        gr_mark_gradient(h, ws[i], dw[i]);
        gr_assign(h, ws[i], gr_sub(h, ws[i], gr_mul(h, dw[i], gr_const(h, 0.1))), GR_ASSIGN_UPDATE);
    }
    gr_output(h, "cost", j);
    for (int i = 0; i < 150; i++) gr_const(h, i + 0.25); /* the tables grow */
    for (int i = 0; i < 80; i++) {
        char name[8];
        snprintf(name, sizeof name, "s%d", i);
        gr_slot(h, name, GR_SCALAR);
    }
    GR_TRY(gr_graph_status(h));
    GR_TRY(gr_graph_verify(h));
    GR_TRY(gr_graph_print(h, &text));
    GR_TRY(gr_graph_dot(h, &dot));
    GR_TRY(gr__eval(h, &j, 1, find_data, data, results));
done:
    gr_text_free(c, text);
    gr_text_free(c, dot);
    gr_graph_destroy(h);
    return st;
}

static void test_every_allocation_fails_once(void **state)
{
    (void)state;
    uint64_t before = gr__bookkeeping_bytes(ctx), start = gr__acquisitions(ctx);
    test_ok(ctx, build_all(ctx));
    uint64_t n = gr__acquisitions(ctx) - start;
    assert_true(n > 50);
    assert_int_equal(gr__bookkeeping_bytes(ctx), before);
    for (uint64_t k = 1; k <= n; k++) {
        gr__fail_acquisition(ctx, k);
        gr_status st = build_all(ctx);
        if (st != GR_E_MEMORY)
            fail_msg("allocation %d of %d failed, the status is %s", (int)k, (int)n, gr_status_name(st));
        assert_int_equal(gr_context_error(ctx)->code, GR_E_MEMORY);
        assert_int_equal(gr__bookkeeping_bytes(ctx), before);
        gr_context_clear_error(ctx);
    }
    gr__fail_acquisition(ctx, 0);
    test_ok(ctx, build_all(ctx));
}

int main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(test_##name, setup, teardown)
    const struct CMUnitTest tests[] = {
        T(equal_nodes_are_one),
        T(many),
        T(identities),
        T(nothing_is_hidden),
        T(constants_fold),
        T(scopes),
        T(gradients_have_the_scope_of_their_node),
        T(failure_sticks),
        T(effects),
        T(assign_twice),
        T(assign_feed),
        T(assign_shape),
        T(assign_nothing),
        T(output_twice),
        T(guard_shape),
        T(guard_twice),
        T(mark_feed),
        T(mark_shape),
        T(mark_twice),
        T(strides),
        T(every_allocation_fails_once),
    };
    gr_graph_destroy(NULL);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
