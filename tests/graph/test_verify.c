/* Verification finds what was done to a graph behind the builders' back. */
#include "help.h"

/* A small sound graph, which each test damages in one place. */
typedef struct fixture {
    gr_context *ctx;
    gr_graph *g;
    gr_val x, w, y, pooled, j, t;
} fixture;

static fixture make(void)
{
    fixture f = {.ctx = test_context()};
    gr_graph *g = f.g = new_graph(f.ctx);
    f.x = gr_feed(g, "x", GR_REAL, GR_SHAPE(2, 4, 4, 2));
    f.w = gr_param(g, "w", GR_SHAPE(3, 3, 3, 2));
    gr_slot(g, "m", GR_SHAPE(3, 3, 3, 2));
    gr_scope_push(g, "conv", "c1");
    f.y = gr_conv(g, f.x, f.w, (gr_conv_attr){{1, 1}, {1, 1}, {0, 0}, {0, 0}, 1});
    gr_scope_pop(g);
    f.pooled = gr_max_pool(g, f.y, (gr_pool_attr){{2, 2}, {1, 1}, {0, 0}, {0, 0}, false}, NULL);
    f.j = gr_sum_all(g, gr_add(g, f.pooled, gr_const(g, 1)));
    f.t = TENSOR(g, GR_SHAPE(2), 1, 2);
    gr_assign(g, f.w, f.w, GR_ASSIGN_UPDATE);
    gr_mark_gradient(g, f.w, f.w);
    gr_output(g, "cost", f.j);
    gr_guard(g, f.j);
    test_ok(f.ctx, gr_graph_verify(g));
    return f;
}

static gr_node *node_of(fixture *f, gr_val v)
{
    return (gr_node *)(uintptr_t)gr__producer(f->g, v);
}

static gr_value *value_of(fixture *f, gr_val v)
{
    return (gr_value *)(uintptr_t)gr__value(f->g, v);
}

/* The damage is found, said, and verifying does not fail the graph itself. */
static void rejects(fixture *f, const char *text)
{
    gr_status st = gr_graph_verify(f->g);
    if (st == GR_OK) fail_msg("verified, wanted: %s", text);
    if (!strstr(gr_context_error(f->ctx)->message, text))
        fail_msg("says: %s\nwanted: %s", gr_context_error(f->ctx)->message, text);
    assert_int_equal(gr_graph_status(f->g), GR_OK);
    gr_graph_destroy(f->g);
    test_context_end(f->ctx);
}

#define DAMAGE(name, text, ...)           \
    static void test_##name(void **state) \
    {                                     \
        (void)state;                      \
        fixture f = make();               \
        __VA_ARGS__;                      \
        rejects(&f, text);                \
    }

static const gr_op foreign = {.name = "foreign"};
DAMAGE(operation, "conv \"c1\": node 3 (?): unknown operation", node_of(&f, f.y)->op = &foreign)
DAMAGE(no_operation, "unknown operation", node_of(&f, f.y)->op = NULL)
DAMAGE(operation_changed, "wrong number of operands", node_of(&f, f.y)->op = gr__op(GR_OP_SIN))
DAMAGE(operand_count, "wrong number of operands", node_of(&f, f.y)->n_in = 1)
DAMAGE(output_count, "wrong number of outputs", node_of(&f, f.pooled)->n_out = 1)
DAMAGE(no_operand, "an operand does not come before it", node_of(&f, f.y)->in[0] = GR_NONE)
DAMAGE(later_operand, "an operand does not come before it", node_of(&f, f.y)->in[0] = f.j)
DAMAGE(own_operand, "an operand does not come before it", node_of(&f, f.y)->in[0] = f.y)
DAMAGE(outputs, "outputs are no values", node_of(&f, f.j)->out = 1000)
DAMAGE(belongs, "an output belongs to another node", value_of(&f, f.pooled + 1)->node = 0)
DAMAGE(number, "an output belongs to another node", value_of(&f, f.pooled + 1)->out = 0)
DAMAGE(shape, "node 3 (conv): an output is not what the shape rule says", value_of(&f, f.y)->shape.dim[1] = 3)
DAMAGE(second_shape, "(max_pool): an output is not what the shape rule says",
       value_of(&f, f.pooled + 1)->shape.dim[1] = 3)
DAMAGE(second_type, "(max_pool): an output is not what the shape rule says",
       value_of(&f, f.pooled + 1)->dtype = GR_REAL)
DAMAGE(rank, "an output has an impossible shape", value_of(&f, f.y)->shape.rank = 9)
DAMAGE(negative, "an output has an impossible shape", value_of(&f, f.y)->shape.dim[0] = -2)
DAMAGE(type, "an output is not what the shape rule says", value_of(&f, f.y)->dtype = GR_I32)
DAMAGE(attribute, "conv \"c1\": conv: stride 0 is out of range", node_of(&f, f.y)->attr.i[0] = 0)
DAMAGE(attribute_shape, "an output is not what the shape rule says", node_of(&f, f.y)->attr.i[4] = 1)
DAMAGE(swapped, "an output is not what the shape rule says", node_of(&f, f.y)->in[0] = f.w)
DAMAGE(leaf_shape, "channels differ", value_of(&f, f.w)->shape.dim[3] = 5)
DAMAGE(param_type, "param: \"w\" is i32, wanted real", value_of(&f, f.w)->dtype = GR_I32)
DAMAGE(sum_axes, "sum: axes 0x80 are none of [2,1,1,3]", node_of(&f, f.j)->attr.i[0] = 0x80)
DAMAGE(tensor_number, "tensor: there is no constant tensor 5", node_of(&f, f.t)->attr.i[0] = 5)
DAMAGE(tensor_count, "tensor: 2 values for [3]", value_of(&f, f.t)->shape.dim[0] = 3)
DAMAGE(no_name, "it has no name", node_of(&f, f.x)->attr.name = NULL)
DAMAGE(needless_name, "it must not have a name", node_of(&f, f.y)->attr.name = "y")
DAMAGE(stray_attribute, "an attribute is set that none of its fields names", node_of(&f, f.y)->attr.i[9] = 1)
DAMAGE(stray_real, "an attribute is set that none of its fields names", node_of(&f, f.j)->attr.f[1] = 0.5)
DAMAGE(shared_name, "there is another leaf of its name", node_of(&f, f.w + 1)->attr.name = "w")
DAMAGE(assign_value, "assign 0", ((gr_assignment *)(uintptr_t)gr__graph_effects(f.g).assigns)->value = 500)
DAMAGE(assign_target, "assign 0: %1 cannot take %2",
       ((gr_assignment *)(uintptr_t)gr__graph_effects(f.g).assigns)->target = f.x)
DAMAGE(assign_shape, "assign 0: %2 cannot take %4",
       ((gr_assignment *)(uintptr_t)gr__graph_effects(f.g).assigns)->value = f.y)
DAMAGE(gradient_param, "gradient 0: %2 is not of %1",
       ((gr_gradient_mark *)(uintptr_t)gr__graph_effects(f.g).gradients)->param = f.x)
DAMAGE(output_value, "output 0: not a value", ((gr_named *)(uintptr_t)gr__graph_effects(f.g).outputs)->value = GR_NONE)

static void test_two_assigns(void **state)
{
    (void)state;
    fixture f = make();
    gr_assign(f.g, f.w + 1, f.w, GR_ASSIGN_UPDATE);
    ((gr_assignment *)(uintptr_t)gr__graph_effects(f.g).assigns)[1].target = f.w;
    rejects(&f, "assign 1: %2 is assigned twice");
}

static void test_verifying_again(void **state)
{
    (void)state;
    fixture f = make();
    node_of(&f, f.y)->attr.i[0] = 0;
    assert_int_equal(gr_graph_verify(f.g), GR_E_RANGE);
    node_of(&f, f.y)->attr.i[0] = 1;
    gr_context_clear_error(f.ctx);
    test_ok(f.ctx, gr_graph_verify(f.g));
    assert_int_not_equal(gr_sin(f.g, f.x), GR_NONE); /* the graph can still grow */
    gr_graph_destroy(f.g);
    test_context_end(f.ctx);
}

int main(void)
{
#define T(name) cmocka_unit_test(test_##name)
    const struct CMUnitTest tests[] = {
        T(operation),       T(no_operation),  T(operation_changed),
        T(operand_count),   T(output_count),  T(no_operand),
        T(later_operand),   T(own_operand),   T(outputs),
        T(belongs),         T(number),        T(shape),
        T(second_shape),    T(second_type),   T(rank),
        T(negative),        T(type),          T(attribute),
        T(attribute_shape), T(swapped),       T(leaf_shape),
        T(param_type),      T(sum_axes),      T(tensor_number),
        T(tensor_count),    T(no_name),       T(needless_name),
        T(stray_attribute), T(stray_real),    T(shared_name),
        T(assign_value),    T(assign_target), T(assign_shape),
        T(gradient_param),  T(output_value),  T(two_assigns),
        T(verifying_again),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
