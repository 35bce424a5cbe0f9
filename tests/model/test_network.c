/* Networks: names, shapes, parameters, what follows a layer, feeds, errors with places. */
#include <string.h>

#include "graph/node.h"
#include "model/network.h"
#include "model/stack.h"
#include "model_case.h"

static gr_network *make(gr_context *ctx, const gr_recipe *r)
{
    gr_network *n = NULL;
    test_ok(ctx, gr__network_make(ctx, r, NULL, &n));
    return n;
}

static void finish(gr_context *ctx, gr_recipe *r, gr_network *n)
{
    gr__network_destroy(n);
    gr__recipe_close(ctx, r);
    assert_int_equal(gr__bookkeeping_bytes(ctx), 0);
    test_context_end(ctx);
}

/* P4: names, shapes and fans of every parameter, in order of first use. */
static void test_parameters(void **state)
{
    (void)state;
    gr_context *ctx = test_context();
    gr_recipe *r = open_text(
        ctx,
        CASE_HEAD "model:\n  input: [28, 28, 3]\n  layers:\n    - {type: conv, filters: 8, kernel: [3, 5], padding: "
                  "same, activation: relu, name: down.0}\n"
                  "    - {type: max_pool, size: 2}\n    - flatten\n    - {type: dropout, rate: 0.1}\n    - {type: "
                  "dense, units: 20, bias: false}\n    - tanh\n    - {type: dense, units: 10}\n",
        NULL, 0);
    gr_network *n = make(ctx, r);
    static const struct {
        const char *name;
        int rank;
        int64_t dim[4];
        bool bias;
        gr_follow follow;
        bool last;
    } want[] = {{"down.0.weight", 4, {8, 3, 5, 3}, false, GR_FOLLOW_RELU, false},
                {"down.0.bias", 1, {8}, true, GR_FOLLOW_RELU, false},
                {"dense1.weight", 2, {20, 1568}, false, GR_FOLLOW_TANH, false},
                {"dense2.weight", 2, {10, 20}, false, GR_FOLLOW_NOTHING, true},
                {"dense2.bias", 1, {10}, true, GR_FOLLOW_NOTHING, true}};
    size_t count;
    const gr_param_info *p = gr__network_params(n, &count);
    assert_int_equal(count, GR_COUNT(want));
    for (size_t i = 0; i < count; i++) {
        assert_string_equal(p[i].entry.name, want[i].name);
        assert_int_equal(p[i].entry.shape.rank, want[i].rank);
        for (int d = 0; d < want[i].rank; d++) assert_int_equal(p[i].entry.shape.dim[d], want[i].dim[d]);
        assert_int_equal(p[i].is_bias, want[i].bias);
        assert_int_equal(p[i].follow, want[i].follow);
        assert_int_equal(p[i].last, want[i].last);
    }
    assert_int_equal(gr__network_parameter_count(n), 8 * 45 + 8 + 20 * 1568 + 200 + 10);
    assert_int_equal(gr__network_output(n, 0).rank, 1);
    assert_int_equal(gr__network_output(n, 0).dim[0], 10);
    finish(ctx, r, n);
}

static void test_follow(void **state)
{
    (void)state;
    static const struct {
        const char *layers;
        gr_follow first;
        double slope;
    } cases[] = {
        {"{type: dense, units: 3}, {type: dense, units: 3}", GR_FOLLOW_NOTHING, 0},
        {"{type: dense, units: 3}, relu, {type: dense, units: 3}", GR_FOLLOW_RELU, 0},
        {"{type: dense, units: 3}, flatten, {type: dropout, rate: 0.5}, sigmoid, {type: dense, units: 3}",
         GR_FOLLOW_SIGMOID, 0},
        {"{type: dense, units: 3, activation: relu}, tanh, {type: dense, units: 3}", GR_FOLLOW_RELU, 0},
        {"{type: dense, units: 3}, {type: leaky_relu, slope: 0.25}, {type: dense, units: 3}", GR_FOLLOW_LEAKY, 0.25},
        {"{type: dense, units: 3, activation: {type: leaky_relu, slope: 0.5}}, {type: dense, units: 3}",
         GR_FOLLOW_LEAKY, 0.5},
        {"{type: dense, units: 4, name: a}, {type: dense, units: 4, from: input}, {type: add, from: [a, dense2]}, "
         "{type: dense, units: 3}",
         GR_FOLLOW_NOTHING, 0},
        {"{type: dense, units: 4, name: a}, {type: tanh, from: input}, {type: relu, from: a}, {type: dense, units: 3}",
         GR_FOLLOW_RELU, 0}};
    for (size_t i = 0; i < GR_COUNT(cases); i++) {
        gr_context *ctx = test_context();
        char text[1000];
        size_t count;
        snprintf(text, sizeof text, CASE_HEAD "model: {input: [4], layers: [%s]}\n", cases[i].layers);
        gr_recipe *r = open_text(ctx, text, NULL, 0);
        gr_network *n = make(ctx, r);
        const gr_param_info *p = gr__network_params(n, &count);
        assert_int_equal(p[0].follow, cases[i].first);
        assert_true(p[0].slope == cases[i].slope);
        finish(ctx, r, n);
    }
}

/* Names as model files and PyTorch twins have them. */
static void test_repeat_names(void **state)
{
    (void)state;
    gr_context *ctx = test_context();
    gr_recipe *r = open_text(ctx,
                             CASE_HEAD "model:\n  input: [4]\n  layers:\n    - {type: dense, units: 4}\n    - {repeat: "
                                       "{times: 2, layers: [{type: dense, units: 4}]}}\n"
                                       "    - {repeat: {times: 2, name: b, layers: [{type: dense, units: 4}, relu, "
                                       "{type: dense, units: 4, name: out}, {type: add, from: "
                                       "[out, dense1]}]}}\n"
                                       "    - {type: dense, units: 3}\n",
                             NULL, 0);
    static const char *const want[] = {"dense1",   "repeat1.0",  "repeat1.1", "b.0.dense1", "b.0.relu1", "b.0.out",
                                       "b.0.add1", "b.1.dense1", "b.1.relu1", "b.1.out",    "b.1.add1",  "dense8"};
    assert_int_equal(r->stack->n, GR_COUNT(want));
    for (int i = 0; i < r->stack->n; i++) assert_string_equal(r->stack->layer[i].name, want[i]);
    assert_int_equal(r->stack->layer[6].from[0], 5); /* out of its own copy */
    assert_int_equal(r->stack->layer[6].from[1], 3); /* dense1 of its own copy, not the first layer */
    assert_int_equal(r->stack->layer[10].from[1], 7);
    gr__recipe_close(ctx, r);
    test_context_end(ctx);
}

static gr_val find_feed(const gr_graph *g, const char *name)
{
    for (uint32_t i = 0; i < gr__graph_nodes(g); i++) {
        const gr_node *n = gr__node(g, i);
        if (n->op->code == GR_OP_FEED && strcmp(n->attr.name, name) == 0) return n->out;
    }
    return GR_NONE;
}

static void test_feeds(void **state)
{
    (void)state;
    gr_context *ctx = test_context();
    gr_recipe *r = open_text(
        ctx,
        CASE_HEAD "model: {input: [6, 5, 1], layers: [flatten, {type: dropout, rate: 0.5}, {type: dense, units: 3}]}\n",
        NULL, 0);
    gr_network *n = NULL;
    test_ok(ctx, gr__network_make(ctx, r, &(gr_network_data){.input_as = {GR_EL_U8}}, &n));
    for (int train = 0; train < 2; train++) {
        gr_graph *g = NULL;
        gr_network_values v;
        test_ok(ctx, gr_graph_create(ctx, &g));
        test_ok(ctx, gr__network_build(n, g, train ? GR_MODE_TRAIN : GR_MODE_EVALUATE, 7, true, &v));
        gr_shape x = gr_shape_of(g, v.input[0]), y = gr_shape_of(g, v.head[0].target);
        assert_int_equal(gr_dtype_of(g, v.input[0]), GR_U8);
        assert_int_equal(gr_dtype_of(g, v.head[0].target), GR_I32);
        assert_true(x.rank == 4 && x.dim[0] == 7 && x.dim[1] == 6 && x.dim[2] == 5 && x.dim[3] == 1);
        assert_true(y.rank == 1 && y.dim[0] == 7);
        assert_int_equal(v.input[0], find_feed(g, "input/input"));
        assert_int_equal(gr_shape_of(g, v.cost_sum).rank, 0);
        assert_int_equal(gr_shape_of(g, v.head[0].prediction).dim[1], 3);
        assert_int_equal(find_feed(g, GR_FEED_SEED) != GR_NONE, train);
        gr_graph_destroy(g);
    }
    gr_graph *g = NULL;
    gr_network_values v;
    test_ok(ctx, gr_graph_create(ctx, &g));
    test_ok(ctx, gr__network_build(n, g, GR_MODE_EVALUATE, 1, false, &v));
    assert_int_equal(v.head[0].target, GR_NONE);
    assert_int_equal(v.cost_sum, GR_NONE);
    assert_int_equal(find_feed(g, "target/main"), GR_NONE);
    gr_graph_destroy(g);
    finish(ctx, r, n);
}

/* Values as targets have the output's shape. */
static void test_values(void **state)
{
    (void)state;
    gr_context *ctx = test_context();
    gr_recipe *r =
        open_text(ctx, CASE_HEAD "model: {input: 4, layers: [{type: dense, units: 2}]}\ncost: mse\n", NULL, 0);
    gr_network *n = make(ctx, r);
    gr_graph *g = NULL;
    gr_network_values v;
    test_ok(ctx, gr_graph_create(ctx, &g));
    test_ok(ctx, gr__network_build(n, g, GR_MODE_TRAIN, 3, true, &v));
    assert_int_equal(gr_dtype_of(g, v.head[0].target), GR_REAL);
    assert_int_equal(gr_shape_of(g, v.head[0].target).dim[1], 2);
    gr_graph_destroy(g);
    finish(ctx, r, n);
}

/* I8, X11: initial values come from the seed alone; biases are 0; the order of layers does not matter to a tensor's
 * numbers. */
static void test_init(void **state)
{
    (void)state;
    double first[12], second[12], bias[3];
    for (int run = 0; run < 3; run++) {
        gr_context *ctx = test_context();
        static const char *const seeds[] = {"seed=5", "seed=5", "seed=6"};
        gr_recipe *r =
            open_text(ctx,
                      run == 1 ? CASE_HEAD "model: {input: 4, layers: [{type: dense, units: 4, name: extra}, {type: "
                                           "dense, units: 3, name: head}]}\n"
                               : CASE_HEAD "model: {input: 4, layers: [{type: dense, units: 3, name: head}]}\n",
                      &seeds[run], 1);
        gr_network *n = make(ctx, r);
        gr_store *s = NULL;
        test_ok(ctx, gr_store_create(ctx, gr_backend_get("ref"), &s));
        test_ok(ctx, gr__network_declare(n, s));
        test_ok(ctx, gr__network_declare(n, s)); /* twice is fine */
        test_ok(ctx, gr_store_seal(s));
        test_ok(ctx, gr__network_init(n, s));
        gr_store_read(s, gr_store_find(s, "head.weight"), run == 0 ? first : second);
        gr_store_read(s, gr_store_find(s, "head.bias"), bias);
        for (int i = 0; i < 3; i++) assert_true(bias[i] == 0);
        if (run == 1) assert_memory_equal(first, second, sizeof first);
        if (run == 2) assert_memory_not_equal(first, second, sizeof first);
        gr_store_destroy(s);
        finish(ctx, r, n);
    }
}

/* An activation on a layer that has no such key of its own. */
static void test_activation_anywhere(void **state)
{
    (void)state;
    gr_context *ctx = test_context();
    gr_recipe *r = open_text(
        ctx,
        CASE_HEAD "model: {input: 4, layers: [{type: dense, units: 4, name: a}, {type: add, from: [a, input], "
                  "activation: relu, name: s}, {type: dense, units: 3}]}\n",
        NULL, 0);
    gr_network *n = make(ctx, r);
    gr_graph *g = NULL;
    gr_network_values v;
    test_ok(ctx, gr_graph_create(ctx, &g));
    test_ok(ctx, gr__network_build(n, g, GR_MODE_EVALUATE, 2, false, &v));
    bool relu = false;
    for (uint32_t i = 0; i < gr__graph_nodes(g); i++)
        relu |= gr__node(g, i)->op->code == GR_OP_RELU && strcmp(gr__node(g, i)->scope, "add \"s\"") == 0;
    assert_true(relu);
    gr_graph_destroy(g);
    finish(ctx, r, n);
}

static void test_no_memory(void **state)
{
    (void)state;
    gr_status st = GR_E_MEMORY;
    for (uint64_t k = 1; st != GR_OK; k++) {
        gr_context *ctx = test_context();
        gr_recipe *r = open_text(ctx,
                                 CASE_HEAD "model: {input: [4, 4, 1], layers: [{type: conv, filters: 2, kernel: 3}, "
                                           "flatten, {type: dropout}, {type: dense, units: 3}]}\n",
                                 NULL, 0);
        gr_network *n = NULL;
        gr__fail_acquisition(ctx, k);
        st = gr__network_make(ctx, r, NULL, &n);
        gr__fail_acquisition(ctx, 0);
        assert_true(st == GR_OK || st == GR_E_MEMORY);
        finish(ctx, r, n);
        assert_true(k < 2000);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_parameters),
                                       cmocka_unit_test(test_follow),
                                       cmocka_unit_test(test_repeat_names),
                                       cmocka_unit_test(test_feeds),
                                       cmocka_unit_test(test_values),
                                       cmocka_unit_test(test_init),
                                       cmocka_unit_test(test_activation_anywhere),
                                       cmocka_unit_test(test_no_memory)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
