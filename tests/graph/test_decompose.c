/* Operations that have a decomposition and nothing else: shapes, values and gradients of every order are those of what
 * they are said by, whatever their operands have to do with each other. */
#include "saidcheck.h"

#include "help.h"

#define SAID(said_name, in, out)                                             \
    static const gr_op said_name##_op = {.code = GR_OP_COUNT,                \
                                         .class = GR_CLASS_COMPOSED,         \
                                         .name = #said_name,                 \
                                         .n_in = in,                         \
                                         .n_out = out,                       \
                                         .decompose = said_name##_decompose, \
                                         .branches = GR__BRANCHES_ONE};      \
    static gr_val said_name(gr_graph *g, const gr_val *x)                    \
    {                                                                        \
        return gr__node_make(g, &said_name##_op, x, in, NULL, NULL);         \
    }
#define DECOMPOSE(said_name) \
    static void said_name##_decompose(gr_graph *g, const gr_attr *attr, const gr_val *in, int n_in, gr_val *out)

/* ---- exp(a) b: an operand may be exp(a) itself ---- */

static gr_val growth_written(gr_graph *g, const gr_val *x)
{
    return gr_mul(g, gr_exp(g, x[0]), x[1]);
}

DECOMPOSE(growth)
{
    (void)attr, (void)n_in;
    out[0] = growth_written(g, in);
}
SAID(growth, 2, 1)

/* ---- two results that share what they are made of: log(1 + exp(z)), log(1 + exp(-z)) ---- */

static void both_written(gr_graph *g, gr_val z, gr_val *out)
{
    gr_val zero = gr_const(g, 0), top = gr_max(g, z, zero), bottom = gr_max(g, zero, gr_neg(g, z));
    gr_val tail = gr_log1p(g, gr_exp(g, gr_sub(g, z, gr_add(g, top, top))));
    out[0] = gr_add(g, top, tail);
    out[1] = gr_add(g, bottom, tail);
}

DECOMPOSE(both)
{
    (void)attr, (void)n_in;
    both_written(g, in[0], out);
}
SAID(both, 1, 2)

/* ---- said by said ones: softmax times growth, of an index that picks rows ---- */

static gr_val picked_written(gr_graph *g, const gr_val *x, bool written)
{
    gr_val rows = gr_gather(g, x[0], x[1]), e = gr_exp(g, rows);
    gr_val top = gr_exp(g, gr_sub(g, rows, gr_stop(g, gr_reduce_max(g, rows, (int[]){1}, 1, true))));
    gr_val shares = written ? gr_div(g, top, gr_sum(g, top, (int[]){1}, 1, true)) : gr_softmax(g, rows);
    return written ? growth_written(g, (gr_val[]){shares, e}) : growth(g, (gr_val[]){shares, e});
}

DECOMPOSE(picked)
{
    (void)attr, (void)n_in;
    out[0] = picked_written(g, in, false);
}
SAID(picked, 2, 1)

/* ---- functions of said ones, and the same written out ---- */

typedef gr_val growth_fn(gr_graph *g, const gr_val *x);

static gr_val equal_operands(gr_graph *g, const gr_val *x, growth_fn f)
{
    return f(g, (gr_val[]){x[0], x[0]});
}

static gr_val operand_of_operand(gr_graph *g, const gr_val *x, growth_fn f)
{
    return f(g, (gr_val[]){x[0], gr_sin(g, x[0])});
}

static gr_val operand_inside(gr_graph *g, const gr_val *x, growth_fn f)
{
    return f(g, (gr_val[]){x[0], gr_exp(g, x[0])});
}

/* The operand's history is the operation's own result, and what it is said by is read from outside, before and after.
 */
static gr_val tangle(gr_graph *g, const gr_val *x, growth_fn f)
{
    gr_val early = gr_exp(g, x[0]), y = f(g, (gr_val[]){x[0], x[1]}), z = f(g, (gr_val[]){gr_tanh(g, y), y});
    gr_val late = gr_exp(g, gr_tanh(g, y));
    return gr_add(g, gr_mul(g, z, late), gr_mul(g, early, gr_square(g, y)));
}

static gr_val broadcast_operand(gr_graph *g, const gr_val *x, growth_fn f)
{
    return f(g, (gr_val[]){x[0], gr_slice(g, x[1], 0, 0, 1)});
}

#define TWO(name)                                           \
    static gr_val name##_said(gr_graph *g, const gr_val *x) \
    {                                                       \
        return name(g, x, growth);                          \
    }                                                       \
    static gr_val name##_out(gr_graph *g, const gr_val *x)  \
    {                                                       \
        return name(g, x, growth_written);                  \
    }
TWO(equal_operands)
TWO(operand_of_operand)
TWO(operand_inside)
TWO(tangle)
TWO(broadcast_operand)

static gr_val either(gr_graph *g, const gr_val *x, bool written, unsigned which)
{
    gr_val out[2], y = GR_NONE;
    if (written) both_written(g, x[0], out);
    if (!written) out[0] = both(g, x), out[1] = gr__node_output(g, out[0], 1);
    for (int o = 0; o < 2; o++)
        if (which >> o & 1) y = y ? gr_mul(g, y, gr_sin(g, out[o])) : gr_sin(g, out[o]);
    return y;
}

#define EITHER(name, which)                                 \
    static gr_val name##_said(gr_graph *g, const gr_val *x) \
    {                                                       \
        return either(g, x, false, which);                  \
    }                                                       \
    static gr_val name##_out(gr_graph *g, const gr_val *x)  \
    {                                                       \
        return either(g, x, true, which);                   \
    }
EITHER(first_result, 1)
EITHER(second_result, 2)
EITHER(both_results, 3)

static gr_val nested_said(gr_graph *g, const gr_val *x)
{
    return picked(g, (gr_val[]){x[0], gr_feed(g, "index", GR_I32, GR_SHAPE(4))});
}

static gr_val nested_out(gr_graph *g, const gr_val *x)
{
    return picked_written(g, (gr_val[]){x[0], gr_feed(g, "index", GR_I32, GR_SHAPE(4))}, true);
}

static gr_val softmax_said(gr_graph *g, const gr_val *x)
{
    return gr_square(g, gr_softmax(g, gr_mul(g, x[0], x[1])));
}

static gr_val softmax_out(gr_graph *g, const gr_val *x)
{
    gr_val z = gr_mul(g, x[0], x[1]);
    gr_val e = gr_exp(g, gr_sub(g, z, gr_stop(g, gr_reduce_max(g, z, (int[]){1}, 1, true))));
    return gr_square(g, gr_div(g, e, gr_sum(g, e, (int[]){1}, 1, true)));
}

typedef struct pair {
    gradcheck_case said;
    gr_val (*out)(gr_graph *g, const gr_val *x);
} pair;

#define PAIR(function, inputs)                \
    {                                         \
        {.name = #function,                   \
         .build = function##_said,            \
         .n = inputs,                         \
         .shape = {{2, {3, 4}}, {2, {3, 4}}}, \
         .low = -1,                           \
         .high = 1,                           \
         .index = indices},                   \
            function##_out                    \
    }
static const double indices[] = {2, 0, 2, 1};
static const pair pairs[] = {
    PAIR(equal_operands, 1), PAIR(operand_of_operand, 1), PAIR(operand_inside, 1),
    PAIR(tangle, 2),         PAIR(broadcast_operand, 2),  PAIR(first_result, 1),
    PAIR(second_result, 1),  PAIR(both_results, 1),       PAIR(nested, 1),
    PAIR(softmax, 2),
};

static void derivatives_are_those_of_differences(void **state)
{
    (void)state;
    gr_context *ctx = test_context();
    for (size_t i = 0; i < GR_COUNT(pairs); i++) {
        gradcheck_result r;
        test_ok(ctx, gradcheck(ctx, &pairs[i].said, &r));
        assert_true(r.elements > 0);
        if (!(r.first < 1e-7 && r.second < 1e-6)) fail_msg("%s: %g, %g", pairs[i].said.name, r.first, r.second);
    }
    test_context_end(ctx);
}

/* ---- the bits of a graph that was written out: values, first and second derivatives ---- */

enum { ORDERS = 3, MOST = 64 };

/* Numbers that depend on the name alone, and a weight for every cotangent. */
static const double *numbers(void *user, const gr_graph *g, const gr_node *leaf)
{
    static double made[MOST];
    (void)user, (void)g;
    gr__rng rng = gr__rng_make(5, leaf->attr.name, 0, 0);
    if (strcmp(leaf->attr.name, "index") == 0) return indices;
    for (int i = 0; i < MOST; i++) made[i] = 2 * gr__rng_uniform(&rng) - 1;
    return made;
}

static gr_val weights(gr_graph *g, const char *name, gr_val of)
{
    return gr_feed(g, name, GR_REAL, gr_shape_of(g, of));
}

/* The value, its gradients with respect to all x, and the gradients of those; how many numbers there are. */
static int orders(gr_context *ctx, const gradcheck_case *c, gr_val (*build)(gr_graph *, const gr_val *), double *to)
{
    gr_graph *g = new_graph(ctx);
    gr_val x[2], all[5], v, u[2];
    int n = 0, n_numbers = 0;
    for (int i = 0; i < c->n; i++) x[i] = gr_feed(g, i ? "x1" : "x0", GR_REAL, c->shape[i]);
    all[n++] = build(g, x);
    v = weights(g, "v", all[0]);
    test_ok(ctx, gr_pullback(g, all, &v, 1, x, c->n, all + 1));
    n += c->n;
    for (int i = 0; i < c->n; i++) u[i] = weights(g, i ? "u1" : "u0", all[1 + i]);
    test_ok(ctx, gr_pullback(g, all + 1, u, c->n, x, c->n, all + n));
    n += c->n;
    test_ok(ctx, gr_graph_verify(g));
    for (int i = 0; i < n; i++) {
        test_ok(ctx, gr__eval(g, &all[i], 1, numbers, NULL, (double *const[]){to + n_numbers}));
        n_numbers += (int)gr_shape_count(gr_shape_of(g, all[i]));
    }
    gr_graph_destroy(g);
    return n_numbers;
}

static void bits_are_those_of_what_was_written_out(void **state)
{
    (void)state;
    gr_context *ctx = test_context();
    for (size_t i = 0; i < GR_COUNT(pairs); i++) {
        double said[5 * MOST] = {0}, out[5 * MOST] = {0};
        int n = orders(ctx, &pairs[i].said, pairs[i].said.build, said);
        assert_int_equal(n, orders(ctx, &pairs[i].said, pairs[i].out, out));
        for (int e = 0; e < n; e++)
            if (memcmp(&said[e], &out[e], sizeof *said) != 0)
                fail_msg("%s: number %d is %.17g, written out %.17g", pairs[i].said.name, e, said[e], out[e]);
    }
    test_context_end(ctx);
}

/* A value has one gradient under both names: asked of the result itself, and where what it is said by is read too. */
static void results_may_be_asked_for_their_gradient(void **state)
{
    (void)state;
    gr_context *ctx = test_context();
    gr_graph *g = new_graph(ctx);
    gr_val x = gr_feed(g, "x", GR_REAL, GR_SHAPE(2)), y = growth(g, (gr_val[]){x, x});
    gr_val same = growth_written(g, (gr_val[]){x, x}), out[2], of[2] = {y, x};
    assert_int_not_equal(same, y);
    gr_val j = gr_sum_all(g, gr_add(g, gr_square(g, y), gr_square(g, same)));
    const double at[] = {0.25, -0.5};
    const named_data data[] = {{"x", at}, {NULL, NULL}};
    test_ok(ctx, gr_gradients(g, j, of, 1, out)); /* x is asked nothing: the result is an x itself */
    ASSERT_NEAR(g, out[0], data, 2 * 0.25 * exp(0.25), -2 * 0.5 * exp(-0.5));
    test_ok(ctx, gr_gradients(g, j, of, 2, out));
    ASSERT_NEAR(g, out[0], data, 4 * 0.25 * exp(0.25), -4 * 0.5 * exp(-0.5)); /* both are one value, read twice */
    ASSERT_NEAR(g, out[1], data, 4 * 0.25 * exp(0.25) * exp(0.25) * 1.25, -4 * 0.5 * exp(-0.5) * exp(-0.5) * 0.5);
    gr_graph_destroy(g);
    test_context_end(ctx);
}

/* ---- shapes, texts, faults ---- */

static void shapes_come_from_what_it_is_said_by(void **state)
{
    (void)state;
    gr_context *ctx = test_context();
    gr_graph *g = new_graph(ctx);
    gr_val a = gr_feed(g, "a", GR_REAL, GR_SHAPE(3, 1)), b = gr_feed(g, "b", GR_REAL, GR_SHAPE(4));
    gr_val y = growth(g, (gr_val[]){a, b}), z = both(g, &y);
    assert_shape(g, y, GR_SHAPE(3, 4));
    assert_shape(g, gr__node_output(g, z, 1), GR_SHAPE(3, 4));
    assert_int_equal(growth(g, (gr_val[]){a, b}), y); /* found again */
    char *text = NULL;
    test_ok(ctx, gr_graph_print(g, &text));
    assert_non_null(strstr(text, "%3 = growth %1 %2 : real[3,4]"));
    gr_text_free(ctx, text);
    test_ok(ctx, gr_graph_verify(g));
    gr_scope_push(g, "dense", "head");
    gr_softmax(g, gr_const(g, 1));
    assert_int_equal(gr_graph_status(g), GR_E_SHAPE);
    assert_string_equal(gr_context_error(ctx)->message, "dense \"head\" / softmax: wants an axis to run over");
    gr_graph_destroy(g);
    test_context_end(ctx);
}

DECOMPOSE(itself);
SAID(itself, 1, 1)
DECOMPOSE(itself)
{
    (void)attr, (void)n_in;
    out[0] = itself(g, (gr_val[]){gr_sin(g, in[0])});
}

DECOMPOSE(forgets)
{
    (void)attr, (void)n_in;
    out[0] = gr_sin(g, in[0]);
}
SAID(forgets, 1, 2)

DECOMPOSE(reads)
{
    (void)attr, (void)n_in;
    out[0] = gr_mul(g, in[0], gr_feed(g, "lr", GR_REAL, GR_SCALAR));
}
SAID(reads, 1, 1)

static const gr_op says_nothing_op = {
    .code = GR_OP_COUNT, .class = GR_CLASS_COMPOSED, .name = "says_nothing", .n_in = 1, .n_out = 1};
static gr_val says_nothing(gr_graph *g, const gr_val *x)
{
    return gr__node_make(g, &says_nothing_op, x, 1, NULL, NULL);
}

static void faulty_ones_are_named(void **state)
{
    (void)state;
    static const struct {
        growth_fn *build;
        const char *text;
    } rows[] = {
        {says_nothing, "says_nothing: it has neither a shape rule nor a decomposition"},
        {itself, "itself: its decomposition has no end"},
        {forgets, "forgets: forgets: its decomposition leaves output 2 out"},
        {reads, "reads: reads: its decomposition reads feed \"lr\""},
    };
    for (size_t i = 0; i < GR_COUNT(rows); i++) {
        gr_context *ctx = test_context();
        gr_graph *g = new_graph(ctx);
        gr_val x = gr_feed(g, "x", GR_REAL, GR_SHAPE(2));
        assert_int_equal(rows[i].build(g, &x), GR_NONE);
        assert_int_equal(gr_graph_status(g), GR_E_INTERNAL);
        assert_string_equal(gr_context_error(ctx)->message, rows[i].text);
        gr_graph_destroy(g);
        test_context_end(ctx);
    }
}

/* The same where the operation has a shape rule of its own, so that nothing is said of it before it is needed. */
static void faulty_ones_are_named_when_they_are_needed(void **state)
{
    (void)state;
    gr_op op = itself_op;
    op.infer = gr__op(GR_OP_SIN)->infer;
    gr_context *ctx = test_context();
    gr_graph *g = new_graph(ctx);
    gr_val x = gr_feed(g, "x", GR_REAL, GR_SHAPE(2)), dx;
    gr_val y = gr__node_make(g, &op, &x, 1, NULL, NULL);
    test_ok(ctx, gr_graph_status(g));
    assert_int_equal(gr_gradients(g, gr_sum_all(g, y), &x, 1, &dx), GR_E_INTERNAL);
    assert_non_null(strstr(gr_context_error(ctx)->message, "itself: its decomposition has no end"));
    gr_graph_destroy(g);
    test_context_end(ctx);
}

/* ---- operands that may be swapped ---- */

static void commuting_operations_say_so_and_do(void **state)
{
    (void)state;
    static const double some[] = {0, -0.0, 1, -1, 0.1, 3, -7.25, 1e300, -1e-300, INFINITY, -INFINITY, NAN};
    gr_context *ctx = test_context();
    gr_graph *g = new_graph(ctx);
    gr_val x = gr_feed(g, "x", GR_REAL, GR_SHAPE(2)), y = gr_feed(g, "y", GR_REAL, GR_SHAPE(2));
    int found = 0;
    for (int code = 0; code < GR_OP_COUNT; code++) {
        const gr_op *op = gr__op((gr_opcode)code);
        bool two = op->class == GR_CLASS_MAP && op->n_in == 2 && op->code != GR_OP_POW;
        gr_val ab = two ? gr__node_make(g, op, (gr_val[]){x, y}, 2, NULL, NULL) : GR_NONE;
        gr_val ba = two ? gr__node_make(g, op, (gr_val[]){y, x}, 2, NULL, NULL) : GR_NONE;
        if (op->commutes && !two) fail_msg("%s: what would it mean that it commutes?", op->name);
        if (two && (ab == ba) != op->commutes)
            fail_msg("%s: commutes: %d, taken for one: %d", op->name, op->commutes, ab == ba);
        found += op->commutes;
        for (size_t i = 0; op->commutes && i < GR_COUNT(some); i++)
            for (size_t j = 0; j < GR_COUNT(some); j++) {
                double a = op->element(some[i], some[j], 0), b = op->element(some[j], some[i], 0);
                if (memcmp(&a, &b, sizeof a) != 0 && !(isnan(a) && isnan(b)))
                    fail_msg("%s of %g and %g is %g or %g", op->name, some[i], some[j], a, b);
            }
    }
    test_ok(ctx, gr_graph_status(g));
    assert_true(found >= 3);
    gr_graph_destroy(g);
    test_context_end(ctx);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(derivatives_are_those_of_differences),
        cmocka_unit_test(bits_are_those_of_what_was_written_out),
        cmocka_unit_test(results_may_be_asked_for_their_gradient),
        cmocka_unit_test(shapes_come_from_what_it_is_said_by),
        cmocka_unit_test(faulty_ones_are_named),
        cmocka_unit_test(faulty_ones_are_named_when_they_are_needed),
        cmocka_unit_test(commuting_operations_say_so_and_do),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
