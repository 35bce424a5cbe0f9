/* Layers within layers: what they are called, what follows them, what starts them, and what is refused where. */
#include "nn/layer.h"
#include "support/evidence.h"

static gr_build begin(ev_bench *b, const char *set)
{
    assert_true(ev_begin(b, set));
    gr_scope_push(b->g, "outer", "o");
    return (gr_build){.ctx = b->ctx, .g = b->g, .mode = GR_MODE_EVALUATE, .memory = b->memory, .layer = "o"};
}

static gr_val inner(gr_build *build, const char *name, const gr_tree *t, gr_shape in)
{
    gr_val x = gr_feed(build->g, "x", GR_REAL, in);
    return gr__build_inner(build, name, t, &x, 1);
}

static void names_are_joined_with_dots(void **state)
{
    (void)state;
    ev_bench b;
    gr_build build = begin(&b, "{type: dense, units: 2}");
    gr_val y = inner(&build, "proj.0", b.tree, GR_SHAPE(4, 3));
    test_ok(b.ctx, gr_graph_status(b.g));
    assert_true(gr__shape_equal(gr_shape_of(b.g, y), GR_SHAPE(4, 2)));
    assert_int_equal(build.n_params, 2);
    assert_string_equal(build.params[0].entry.name, "o.proj.0.weight");
    assert_string_equal(build.params[1].entry.name, "o.proj.0.bias");
    assert_string_equal(build.layer, "o");
    inner(&build, "norm", gr__tree_text(b.memory, "batch_norm"), GR_SHAPE(4, 3));
    assert_int_equal(build.n_states, 2);
    assert_string_equal(build.states[0].name, "o.norm.running_mean");
    assert_string_equal(build.params[2].entry.name, "o.norm.weight");
    ev_end(&b);
}

/* The outer layer is the last one and a tanh follows it; of that its inner layers know nothing. */
static void nothing_follows_an_inner_layer_but_what_is_said(void **state)
{
    (void)state;
    static const struct {
        const char *set, *before;
        gr_follow follow;
        double slope;
    } rows[] = {
        {"{type: dense, units: 2}", NULL, GR_FOLLOW_NOTHING, 0},
        {"{type: dense, units: 2, activation: relu}", NULL, GR_FOLLOW_RELU, 0},
        {"{type: dense, units: 2}", "{type: leaky_relu, slope: 0.2}", GR_FOLLOW_LEAKY, 0.2},
        {"{type: dense, units: 2}", "none", GR_FOLLOW_NOTHING, 0},
        {"{type: dense, units: 2, activation: sigmoid}", "relu", GR_FOLLOW_SIGMOID, 0},
        {"{type: batch_norm, activation: tanh}", "relu", GR_FOLLOW_TANH, 0}, /* has no row of its own for it */
    };
    for (size_t i = 0; i < GR_COUNT(rows); i++) {
        ev_bench b;
        gr_build build = begin(&b, rows[i].set);
        build.follow = GR_FOLLOW_TANH;
        build.slope = 0.5;
        build.last = true;
        gr_val x = gr_feed(b.g, "x", GR_REAL, GR_SHAPE(4, 3));
        gr__build_before(&build, "d", b.tree, rows[i].before ? gr__tree_flow(b.memory, rows[i].before) : NULL, &x, 1);
        test_ok(b.ctx, gr_graph_status(b.g));
        assert_int_equal(build.params[0].follow, rows[i].follow);
        assert_true(build.params[0].slope == rows[i].slope);
        assert_false(build.params[0].last);
        assert_true(build.follow == GR_FOLLOW_TANH && build.slope == 0.5 && build.last);
        ev_end(&b);
    }
}

static void an_inner_activation_is_applied(void **state)
{
    (void)state;
    ev_bench b;
    gr_build build = begin(&b, "{type: batch_norm, activation: relu}");
    gr_val x = gr_feed(b.g, "x", GR_REAL, GR_SHAPE(4, 3));
    gr_val with = gr__build_inner(&build, "n", b.tree, &x, 1),
           without = gr__build_inner(&build, "n", gr__tree_text(b.memory, "batch_norm"), &x, 1);
    test_ok(b.ctx, gr_graph_status(b.g));
    assert_int_equal(with, gr_relu(b.g, without)); /* equal expressions are one value */
    assert_int_not_equal(with, without);
    ev_end(&b);
}

static void its_own_init_comes_before_the_outer_ones(void **state)
{
    (void)state;
    ev_bench b;
    gr_build build = begin(&b, "{type: dense, units: 2, init: {weights: zeros}}");
    const gr_tree *outer = gr__tree_flow(b.memory, "{weights: {type: normal, std: 3}}");
    build.init = outer;
    inner(&build, "a", b.tree, GR_SHAPE(4, 3));
    inner(&build, "b", gr__tree_flow(b.memory, "{type: dense, units: 2}"), GR_SHAPE(4, 3));
    test_ok(b.ctx, gr_graph_status(b.g));
    assert_ptr_equal(build.params[0].init, gr__tree_get(b.tree, "init"));
    assert_ptr_equal(build.params[2].init, outer);
    assert_ptr_equal(build.init, outer);
    ev_end(&b);
}

static void inner_layers_that_are_refused(void **state)
{
    (void)state;
    static const struct {
        const char *set;
        gr_status code;
        const char *says[3];
    } rows[] = {
        {"{type: conv, filters: 2, kernel: 5}", GR_E_SHAPE, {"outer \"o\" / conv \"o.c\"", "kernel of 5", "has 3"}},
        {"{type: dense, units: 0}", GR_E_RANGE, {"0", "[1, 1000000000]"}},
        {"{type: dense, units: 2, actvation: relu}", GR_E_KEY, {"actvation"}},
        {"{type: denze, units: 2}", GR_E_NAME, {"denze"}},
        {"{units: 2}", GR_E_MISSING, {"type"}},
        {"add", GR_E_CONFLICT, {"add takes at least 2 inputs, not 1"}},
        {"{type: flatten, init: {weights: zeros}}", GR_E_CONFLICT, {"flatten layer \"o.c\" has no parameters"}},
        {"{type: dense, units: 2, init: {wheights: zeros}}", GR_E_KEY, {"wheights"}},
        {"{type: dense, units: 2, activation: rely}", GR_E_NAME, {"rely"}},
    };
    for (size_t i = 0; i < GR_COUNT(rows); i++) {
        ev_bench b;
        gr_build build = begin(&b, rows[i].set);
        gr_tree *t = b.tree;
        t->file = "r.yaml", t->line = 7, t->column = 3;
        assert_int_equal(inner(&build, "c", t, GR_SHAPE(1, 3, 3, 2)), GR_NONE);
        const gr_error *e = gr_context_error(b.ctx);
        assert_int_equal(e->code, rows[i].code);
        assert_int_equal(gr_graph_status(b.g), rows[i].code);
        for (int j = 0; j < 3 && rows[i].says[j]; j++)
            if (!strstr(e->message, rows[i].says[j])) fail_msg("%s: %s", rows[i].set, e->message);
        assert_string_equal(e->file, "r.yaml");
        assert_int_equal(e->line, 7);
        assert_int_equal(inner(&build, "c", t, GR_SHAPE(1, 3, 3, 2)), GR_NONE);
        ev_end(&b);
    }
}

static void made_trees_have_the_place_of_the_outer_layer(void **state)
{
    (void)state;
    ev_bench b;
    gr_build build = begin(&b, "{layers: [flatten, {type: outer}]}");
    gr_tree *outer = gr__tree_get(b.tree, "layers")->child[1];
    outer->file = "r.yaml", outer->line = 9, outer->column = 1;
    const gr_tree *t = gr__layer_made(&build, outer, "{type: conv, filters: 2, kernel: [1, 2, 3]}");
    assert_int_equal(inner(&build, "c", t, GR_SHAPE(1, 3, 3, 2)), GR_NONE);
    const gr_error *e = gr_context_error(b.ctx);
    assert_string_equal(e->file, "r.yaml");
    assert_int_equal(e->line, 9);
    assert_string_equal(e->key, "layers[1].kernel");
    ev_end(&b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(names_are_joined_with_dots),
        cmocka_unit_test(nothing_follows_an_inner_layer_but_what_is_said),
        cmocka_unit_test(an_inner_activation_is_applied),
        cmocka_unit_test(its_own_init_comes_before_the_outer_ones),
        cmocka_unit_test(inner_layers_that_are_refused),
        cmocka_unit_test(made_trees_have_the_place_of_the_outer_layer),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
