/* Layers that join, cut and turn tensors: what is refused, with the names of those that give the inputs, and what
 * becomes of sequences with lengths of their own. Values are held against PyTorch's by test_evidence. */
#include "nn/layer.h"
#include "support/evidence.h"

static const gr_layer *named(const char *name)
{
    int n;
    const gr_layer *const *all = gr__layers(&n);
    for (int i = 0; i < n; i++)
        if (strcmp(all[i]->head.name, name) == 0) return all[i];
    fail_msg("no layer %s", name);
    return NULL;
}

typedef struct joined {
    ev_bench b;
    gr_val out;
} joined;

/* `set` on feeds called a, b, c of these shapes, with or without lengths. The caller ends the bench. */
static joined join(const char *set, const gr_shape *in, int n, bool lengths)
{
    static const char *const names[] = {"a", "b", "c"};
    joined j;
    assert_true(ev_begin(&j.b, set));
    gr_input_name from[3];
    gr_val value[3];
    gr_settings s;
    for (int i = 0; i < n; i++) {
        value[i] = gr_feed(j.b.g, names[i], GR_REAL, in[i]);
        from[i] = (gr_input_name){names[i], value[i]};
    }
    gr_build build = {.ctx = j.b.ctx,
                      .g = j.b.g,
                      .mode = GR_MODE_EVALUATE,
                      .memory = j.b.memory,
                      .layer = "l",
                      .from = from,
                      .n_from = n,
                      .lengths = lengths ? gr_feed(j.b.g, "lengths", GR_I32, GR_SHAPE(in[0].dim[0])) : GR_NONE};
    const gr_layer *m = named(gr__type_of(j.b.ctx, j.b.tree, "layer", NULL));
    gr_status st = gr__settings_make(j.b.ctx, j.b.memory, &m->head, j.b.tree, GR_PRESET_CHAPTER, NULL, &s);
    j.out = st == GR_OK ? m->build(&build, &s, value, n) : gr_graph_fail(j.b.g, st, "settings");
    return j;
}

static void inputs_that_do_not_fit_are_named_with_their_shapes(void **state)
{
    (void)state;
    static const struct {
        const char *set;
        gr_shape in[3];
        int n;
        const char *says;
    } rows[] = {
        {"add", {{2, {2, 3}}, {2, {2, 1}}}, 2, "\"a\" gives [3] and \"b\" [1]"},
        {"concat", {{3, {2, 4, 3}}, {3, {2, 5, 3}}}, 2, "\"a\" gives [4,3] and \"b\" [5,3]"},
        {"concat", {{2, {2, 4}}, {2, {2, 5}}, {3, {2, 1, 1}}}, 3, "\"a\" gives [4] and \"c\" [1,1]"},
        {"{type: concat, axis: 0}", {{3, {2, 4, 3}}, {3, {2, 4, 2}}}, 2, "\"a\" gives [4,3] and \"b\" [4,2]"},
        {"multiply", {{3, {2, 4, 3}}, {3, {2, 2, 3}}}, 2, "\"a\" gives [4,3] and \"b\" [2,3]"},
        {"multiply", {{3, {2, 4, 1}}, {2, {2, 3}}, {2, {2, 2}}}, 3, "\"b\" gives [3] and \"c\" [2]"},
    };
    for (size_t i = 0; i < GR_COUNT(rows); i++) {
        joined j = join(rows[i].set, rows[i].in, rows[i].n, false);
        const gr_error *e = gr_context_error(j.b.ctx);
        if (j.out != GR_NONE || e->code != GR_E_SHAPE || !strstr(e->message, rows[i].says))
            fail_msg("%s: %s", rows[i].set, e->message);
        ev_end(&j.b);
    }
}

static void settings_that_do_not_fit_name_the_shape(void **state)
{
    (void)state;
    static const struct {
        const char *set;
        gr_status code;
        const char *says;
    } rows[] = {
        {"{type: slice, axis: 2}", GR_E_RANGE, "2 is no axis of a sample [4,3]"},
        {"{type: slice, axis: -3}", GR_E_RANGE, "-3 is no axis"},
        {"{type: slice, axis: first}", GR_E_RANGE, "\"first\" is no axis"},
        {"{type: slice, axis: [0]}", GR_E_RANGE, "a list is no axis"},
        {"{type: slice, start: 3}", GR_E_RANGE, "start 3 reaches beyond axis 1 of a sample [4,3]"},
        {"{type: slice, start: -4}", GR_E_RANGE, "start -4 reaches"},
        {"{type: slice, start: 1, count: 3}", GR_E_RANGE, "count 3 reaches"},
        {"{type: slice, count: 0}", GR_E_RANGE, "0"},
        {"{type: reshape, shape: [5, 2]}", GR_E_SHAPE, "a sample [4,3] does not become [5,2]"},
        {"{type: reshape, shape: [5, -1]}", GR_E_SHAPE, "does not become [5,-1]"},
        {"{type: reshape, shape: [0, -1]}", GR_E_SHAPE, "size 0"},
        {"{type: reshape, shape: [-1, 2, -1]}", GR_E_SHAPE, "two axes are -1"},
        {"{type: reshape, shape: [1, 1, 1, 1, 1, 12]}", GR_E_SHAPE, "at most 5 axes"},
        {"{type: reshape, shape: [1000000000, 1000000000, 1000000000]}", GR_E_SHAPE, "does not become"},
        {"{type: reshape}", GR_E_MISSING, "shape"},
        {"{type: permute, axes: [1, 1]}", GR_E_RANGE, "not the axes of a sample [4,3]"},
        {"{type: permute, axes: [0, 2]}", GR_E_RANGE, "not the axes"},
        {"{type: permute, axes: [0]}", GR_E_RANGE, "not the axes"},
        {"{type: permute, axes: [0, 1, 2]}", GR_E_RANGE, "not the axes"},
    };
    gr_shape in = GR_SHAPE(2, 4, 3);
    for (size_t i = 0; i < GR_COUNT(rows); i++) {
        joined j = join(rows[i].set, &in, 1, false);
        const gr_error *e = gr_context_error(j.b.ctx);
        if (j.out != GR_NONE || e->code != rows[i].code || !strstr(e->message, rows[i].says))
            fail_msg("%s: %s, %s", rows[i].set, gr_status_name(e->code), e->message);
        ev_end(&j.b);
    }
}

/* Features may be joined and cut where steps may not, for those beyond a length mean nothing. */
static void steps_of_sequences_with_lengths_stay_where_they_are(void **state)
{
    (void)state;
    static const struct {
        const char *set;
        int n;
        bool goes;
    } rows[] = {
        {"concat", 2, true},
        {"{type: concat, axis: 0}", 2, false},
        {"{type: concat, axis: -2}", 2, false},
        {"multiply", 2, true},
        {"{type: slice, start: 1}", 1, true},
        {"{type: slice, axis: 0, start: -1}", 1, false},
        {"{type: permute, axes: [0, 1]}", 1, true},
        {"{type: permute, axes: [1, 0]}", 1, false},
    };
    const gr_shape in[] = {{3, {2, 4, 3}}, {3, {2, 4, 3}}};
    for (size_t i = 0; i < GR_COUNT(rows); i++) {
        joined j = join(rows[i].set, in, rows[i].n, true), plain;
        assert_true(named(gr__type_of(j.b.ctx, j.b.tree, "layer", NULL))->takes_lengths);
        if ((j.out != GR_NONE) != rows[i].goes || (!rows[i].goes && gr__error_code(j.b.ctx) != GR_E_UNSUPPORTED))
            fail_msg("%s: %s", rows[i].set, gr_context_error(j.b.ctx)->message);
        ev_end(&j.b);
        plain = join(rows[i].set, in, rows[i].n, false);
        test_ok(plain.b.ctx, gr_graph_status(plain.b.g));
        ev_end(&plain.b);
    }
    assert_false(named("reshape")->takes_lengths);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(inputs_that_do_not_fit_are_named_with_their_shapes),
        cmocka_unit_test(settings_that_do_not_fit_name_the_shape),
        cmocka_unit_test(steps_of_sequences_with_lengths_stay_where_they_are),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
