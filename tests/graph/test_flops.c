/* How many operations on numbers a node takes: its operation says it. */
#include "help.h"

static double flops(const gr_graph *g, gr_val v)
{
    const gr_node *n = gr__producer(g, v);
    return n->op->flops ? n->op->flops(g, n) : 0;
}

static gr_val feed(gr_graph *g, gr_shape s)
{
    char name[96];
    return gr_feed(g, gr__shape_text(s, name), GR_REAL, s);
}

/* A product and an addition for each term of each element's sum, however the operands lie. */
static void test_products(void **state)
{
    (void)state;
    gr_context *ctx = test_context();
    gr_graph *g = new_graph(ctx);
    for (int way = 0; way < 4; way++) {
        bool ta = way & 1, tb = way & 2;
        gr_val a = feed(g, ta ? GR_SHAPE(7, 3) : GR_SHAPE(3, 7)), b = feed(g, tb ? GR_SHAPE(5, 7) : GR_SHAPE(7, 5));
        assert_true(flops(g, gr_matmul(g, a, b, ta, tb)) == 2 * 3 * 5 * 7);
        a = feed(g, ta ? GR_SHAPE(2, 7, 3) : GR_SHAPE(2, 3, 7));
        b = feed(g, tb ? GR_SHAPE(2, 5, 7) : GR_SHAPE(2, 7, 5));
        assert_true(flops(g, gr_matmul(g, a, b, ta, tb)) == 2 * 2 * 3 * 5 * 7);
    }
    gr_graph_destroy(g);
    test_context_end(ctx);
}

/* A convolution and its two adjoints go through the same products. */
static void test_convolutions(void **state)
{
    (void)state;
    gr_context *ctx = test_context();
    gr_graph *g = new_graph(ctx);
    gr_conv_attr attr = {{2, 1}, {1, 1}, {1, 0}, {0, 1}, 2};
    gr_val x = feed(g, GR_SHAPE(3, 8, 6, 4)), w = feed(g, GR_SHAPE(10, 3, 2, 2)), y = gr_conv(g, x, w, attr);
    double wanted = 2 * (double)gr_shape_count(gr_shape_of(g, y)) * 3 * 2 * 2;
    assert_shape(g, y, GR_SHAPE(3, 4, 6, 10));
    assert_true(flops(g, y) == wanted);
    assert_true(flops(g, gr_conv_data(g, y, w, 8, 6, attr)) == wanted);
    assert_true(flops(g, gr_conv_weights(g, x, y, 3, 2, attr)) == wanted);
    gr_graph_destroy(g);
    test_context_end(ctx);
}

static void test_elements(void **state)
{
    (void)state;
    gr_context *ctx = test_context();
    gr_graph *g = new_graph(ctx);
    gr_val x = feed(g, GR_SHAPE(2, 9)), index, pooled = feed(g, GR_SHAPE(1, 4, 4, 3));
    assert_true(flops(g, gr_erf(g, x)) == 18);
    assert_true(flops(g, gr_mul(g, x, feed(g, GR_SCALAR))) == 18);
    assert_true(flops(g, gr_sum(g, x, (int[]){0}, 1, false)) == 18);
    assert_true(flops(g, gr_argmax(g, x, 1)) == 18);
    assert_true(flops(g, gr_max_pool(g, pooled, (gr_pool_attr){{2, 2}, {2, 2}, {0}, {0}, false}, &index)) == 48);
    assert_true(flops(g, gr_permute(g, x, (int[]){1, 0})) == 0);
    assert_true(flops(g, gr_broadcast(g, x, GR_SHAPE(3, 2, 9))) == 0);
    assert_true(flops(g, x) == 0);
    gr_graph_destroy(g);
    test_context_end(ctx);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_products),
        cmocka_unit_test(test_convolutions),
        cmocka_unit_test(test_elements),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
