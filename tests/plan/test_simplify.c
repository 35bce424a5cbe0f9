/* Simplifying: what is dead, what does nothing, and where a product and a sum become one operation. */
#include "plan/plan.h"
#include "support/toy.h"
#include "test.h"

typedef struct rig {
    gr_context *ctx;
    gr_graph *g, *lean;
} rig;

static rig begin(void)
{
    rig r = {.ctx = test_context()};
    assert_int_equal(gr_graph_create(r.ctx, &r.g), GR_OK);
    return r;
}

static void end(rig *r)
{
    gr_graph_destroy(r->g);
    gr_graph_destroy(r->lean);
    test_context_end(r->ctx);
}

/* How many live nodes of this kind the simplified graph has. */
static int count(rig *r, gr_opcode code)
{
    if (!r->lean) test_ok(r->ctx, gr__plan_simplify(r->ctx, &toy, r->g, &r->lean));
    uint32_t n = gr__graph_nodes(r->lean);
    size_t values = gr__graph_values(r->lean) + 1;
    bool *live = gr__alloc(r->ctx, values);
    assert_non_null(live);
    gr__plan_mark_live(r->lean, live);
    int found = 0;
    for (uint32_t k = 0; k < n; k++)
        found += gr__plan_node_lives(gr__node(r->lean, k), live) && gr__node(r->lean, k)->op->code == code;
    gr__free(r->ctx, live, values);
    return found;
}

static gr_val feed(rig *r, const char *name, gr_shape shape)
{
    return gr_feed(r->g, name, GR_REAL, shape);
}

static void products_with_one_reader_are_contracted(void **state)
{
    (void)state;
    rig r = begin();
    gr_val a = feed(&r, "a", GR_SHAPE(4)), b = feed(&r, "b", GR_SHAPE(4)), c = feed(&r, "c", GR_SHAPE(4)),
           s = feed(&r, "s", GR_SCALAR);
    gr_output(r.g, "a*b+c", gr_add(r.g, gr_mul(r.g, a, b), c));
    gr_output(r.g, "c+s*a", gr_add(r.g, c, gr_mul(r.g, s, a)));
    gr_output(r.g, "c-s*b", gr_sub(r.g, c, gr_mul(r.g, s, b)));
    gr_output(r.g, "s*c-s", gr_sub(r.g, gr_mul(r.g, s, c), s));
    assert_int_equal(count(&r, GR_OP_MULADD), 4);
    assert_int_equal(count(&r, GR_OP_MUL) + count(&r, GR_OP_ADD) + count(&r, GR_OP_SUB), 0);
    assert_int_equal(count(&r, GR_OP_NEG), 1); /* of the scalar, shared */
    end(&r);
}

static void other_products_stay(void **state)
{
    (void)state;
    rig r = begin();
    gr_val a = feed(&r, "a", GR_SHAPE(4)), b = feed(&r, "b", GR_SHAPE(4)), s = feed(&r, "s", GR_SCALAR);
    gr_val twice = gr_mul(r.g, a, b), shown = gr_mul(r.g, a, gr_const(r.g, 3));
    gr_output(r.g, "1", gr_add(r.g, twice, a));
    gr_output(r.g, "2", gr_exp(r.g, twice));
    gr_output(r.g, "3", gr_add(r.g, shown, b));
    gr_output(r.g, "4", shown);
    gr_output(r.g, "5", gr_add(r.g, gr_mul(r.g, s, s), gr_const(r.g, 1))); /* rank 0 is float64 as it is */
    gr_output(r.g, "6", gr_sub(r.g, a, gr_mul(r.g, b, gr_exp(r.g, b))));   /* no factor's sign is free */
    gr_val square = gr_mul(r.g, b, b);
    gr_output(r.g, "7", gr_add(r.g, square, square));
    assert_int_equal(count(&r, GR_OP_MULADD), 0);
    assert_int_equal(count(&r, GR_OP_MUL), 5);
    end(&r);
}

static void what_does_nothing_goes(void **state)
{
    (void)state;
    rig r = begin();
    gr_val x = feed(&r, "x", GR_SHAPE(3, 1, 4));
    gr_val y = gr_permute(r.g, x, (int[]){1, 0, 2}); /* moves an axis of size 1 */
    y = gr_reshape(r.g, gr_reshape(r.g, y, GR_SHAPE(12)), GR_SHAPE(3, 4));
    y = gr_stop(r.g, y);
    y = gr_slice(r.g, gr_pad(r.g, y, 0, 0, 0), 1, 0, 4);
    y = gr_concat(r.g, &y, 1, 0);
    y = gr_sum(r.g, gr_reshape(r.g, y, GR_SHAPE(3, 4, 1)), (int[]){2}, 1, false);
    gr_output(r.g, "y", y);
    assert_int_equal(count(&r, GR_OP_RESHAPE), 1);
    for (gr_opcode code = GR_OP_PERMUTE; code < GR_OP_COUNT; code++) assert_int_equal(count(&r, code), 0);
    assert_int_equal(count(&r, GR_OP_STOP), 0);
    end(&r);
}

static void parts_side_by_side_are_concatenated(void **state)
{
    (void)state;
    rig r = begin();
    gr_val a = feed(&r, "a", GR_SHAPE(2, 3)), b = feed(&r, "b", GR_SHAPE(4, 3)), c = feed(&r, "c", GR_SHAPE(1, 3));
    gr_val first = gr_pad(r.g, a, 0, 0, 5), middle = gr_pad(r.g, b, 0, 2, 1), last = gr_pad(r.g, c, 0, 6, 0);
    gr_output(r.g, "whole", gr_add(r.g, last, gr_add(r.g, middle, first)));
    assert_int_equal(count(&r, GR_OP_CONCAT), 1);
    assert_int_equal(count(&r, GR_OP_PAD) + count(&r, GR_OP_ADD), 0);
    const gr_node *joined = gr__producer(r.lean, gr__graph_effects(r.lean).outputs[0].value);
    static const char *const names[] = {"a", "b", "c"};
    for (int i = 0; i < 3; i++) assert_string_equal(gr__producer(r.lean, joined->in[i])->attr.name, names[i]);
    end(&r);
}

static void other_sums_of_parts_stay(void **state)
{
    (void)state;
    rig r = begin();
    gr_val a = feed(&r, "a", GR_SHAPE(2, 2)), b = feed(&r, "b", GR_SHAPE(2, 2));
    gr_output(r.g, "gap", gr_add(r.g, gr_pad(r.g, a, 0, 0, 3), gr_pad(r.g, b, 0, 3, 0)));
    gr_output(r.g, "overlap", gr_add(r.g, gr_pad(r.g, a, 0, 0, 1), gr_pad(r.g, b, 0, 1, 0)));
    gr_output(r.g, "ends early", gr_add(r.g, gr_pad(r.g, a, 0, 0, 4), gr_pad(r.g, b, 0, 2, 2)));
    gr_output(r.g, "begins late", gr_add(r.g, gr_pad(r.g, a, 0, 1, 4), gr_pad(r.g, b, 0, 3, 2)));
    gr_output(r.g, "two axes",
              gr_add(r.g, gr_pad(r.g, a, 0, 0, 2), gr_pad(r.g, gr_concat(r.g, (gr_val[]){a, b}, 2, 0), 1, 0, 0)));
    gr_output(r.g, "no part", gr_add(r.g, gr_pad(r.g, a, 1, 0, 2), feed(&r, "c", GR_SHAPE(2, 4))));
    assert_int_equal(count(&r, GR_OP_CONCAT), 1); /* the one that was there */
    assert_int_equal(count(&r, GR_OP_ADD), 6);
    end(&r);
}

static void stopping_hides_nothing_from_folding(void **state)
{
    (void)state;
    rig r = begin();
    gr_val x = feed(&r, "x", GR_SHAPE(3)), one = gr_stop(r.g, gr_const(r.g, 1));
    gr_output(r.g, "y", gr_mul(r.g, gr_add(r.g, x, gr_sub(r.g, one, gr_const(r.g, 1))), one));
    assert_int_equal(count(&r, GR_OP_ADD) + count(&r, GR_OP_MUL) + count(&r, GR_OP_SUB), 0);
    assert_int_equal(gr__producer(r.lean, gr__graph_effects(r.lean).outputs[0].value)->op->code, GR_OP_FEED);
    end(&r);
}

static void broadcasts_fall_together(void **state)
{
    (void)state;
    rig r = begin();
    gr_val x = feed(&r, "x", GR_SHAPE(5));
    gr_output(r.g, "a", gr_broadcast(r.g, gr_broadcast(r.g, x, GR_SHAPE(1, 5)), GR_SHAPE(4, 5)));
    gr_output(r.g, "b", gr_broadcast(r.g, x, GR_SHAPE(4, 5)));
    gr_output(r.g, "i", gr_broadcast(r.g, gr_iota(r.g, GR_SHAPE(5), 0), GR_SHAPE(4, 5)));
    gr_output(r.g, "j", gr_iota(r.g, GR_SHAPE(4, 5), 1));
    assert_int_equal(count(&r, GR_OP_BROADCAST), 1);
    assert_int_equal(count(&r, GR_OP_IOTA), 1);
    end(&r);
}

static void the_first_layers_input_gradient_is_dead(void **state)
{
    (void)state;
    rig r = begin();
    gr_val x = feed(&r, "x", GR_SHAPE(2, 3)), w = gr_param(r.g, "w", GR_SHAPE(4, 3)),
           v = gr_param(r.g, "v", GR_SHAPE(2, 4)), d[3];
    gr_val cost = gr_sum_all(r.g, gr_matmul(r.g, gr_tanh(r.g, gr_matmul(r.g, x, w, false, true)), v, false, true));
    test_ok(r.ctx, gr_gradients(r.g, cost, (gr_val[]){x, w, v}, 3, d));
    gr_mark_gradient(r.g, w, d[1]);
    gr_mark_gradient(r.g, v, d[2]);
    gr_assign(r.g, w, gr_sub(r.g, w, d[1]), GR_ASSIGN_UPDATE); /* v is frozen */
    gr_assign(r.g, v, v, GR_ASSIGN_UPDATE);                    /* nothing */
    gr_output(r.g, "cost", cost);
    assert_int_equal(count(&r, GR_OP_MATMUL), 4); /* two forward, the gradients of the hidden layer and of w */
    gr_effects fx = gr__graph_effects(r.lean);
    assert_int_equal(fx.n_assigns, 1);
    assert_int_equal(fx.n_gradients, 1);
    end(&r);
}

static void scopes_constants_and_effects_are_kept(void **state)
{
    (void)state;
    rig r = begin();
    gr_scope_push(r.g, "dense", "head");
    gr_val t = gr_const_tensor(r.g, GR_SHAPE(3), (double[]){1, 2, 3}), s = gr_slot(r.g, "s", GR_SHAPE(3)),
           total = gr_sum_all(r.g, gr_add(r.g, t, s));
    gr_scope_pop(r.g);
    gr_assign(r.g, s, t, GR_ASSIGN_STATE);
    gr_guard(r.g, total);
    gr_output(r.g, "total", total);
    assert_int_equal(count(&r, GR_OP_TENSOR), 1);
    gr_effects fx = gr__graph_effects(r.lean);
    assert_string_equal(gr__producer(r.lean, fx.guard)->scope, "dense \"head\"");
    assert_int_equal(fx.assigns[0].kind, GR_ASSIGN_STATE);
    assert_string_equal(fx.outputs[0].name, "total");
    test_ok(r.ctx, gr_graph_verify(r.lean));
    end(&r);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(products_with_one_reader_are_contracted),
        cmocka_unit_test(other_products_stay),
        cmocka_unit_test(what_does_nothing_goes),
        cmocka_unit_test(parts_side_by_side_are_concatenated),
        cmocka_unit_test(other_sums_of_parts_stay),
        cmocka_unit_test(stopping_hides_nothing_from_folding),
        cmocka_unit_test(broadcasts_fall_together),
        cmocka_unit_test(the_first_layers_input_gradient_is_dead),
        cmocka_unit_test(scopes_constants_and_effects_are_kept),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
