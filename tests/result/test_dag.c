/* Boxes and arrows: nothing overlaps whatever the graph, no arrow crosses another where none needs to, strangers' text
 * is escaped. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/rng.h"
#include "result/dag.h"
#include "result/xml.h"
#include "test.h"

static const char *const groups[] = {"one", "two", NULL};

/* The place of the item in its layer's order: items and labels apart, layers below each other. */
static void check_places(const gr_dag *d, const gr_dag_layout *l)
{
    for (int i = 0; i < l->n_items; i++)
        for (int k = 0; k < i; k++) {
            const gr_dag_item *a = &l->item[i], *b = &l->item[k];
            if (a->layer != b->layer) continue;
            bool apart = a->x + a->right < b->x - b->left || b->x + b->right < a->x - a->left;
            if (!apart) fail_msg("items %d and %d of layer %d overlap", i, k, a->layer);
        }
    for (int i = 0; i < l->n_items; i++) {
        assert_true(l->item[i].x - l->item[i].left >= 0 && l->item[i].x + l->item[i].right <= l->width);
        if (l->item[i].node >= 0) assert_true(gr__dag_box(&d->node[i]) <= 2 * l->item[i].left + 1e-9);
    }
    for (int k = 0; k < l->n_layers; k++) {
        assert_true(l->labels[k] <= l->boxes[k] && l->boxes[k] < l->below[k] && l->below[k] <= l->height);
        assert_true(k == 0 || l->below[k - 1] + 20 < l->labels[k]);
    }
    for (int i = 0; i < d->n_edges; i++) {
        const int *chain = l->chain[i], n = l->length[i];
        assert_true(n >= 2 && chain[0] == d->edge[i].from && chain[n - 1] == d->edge[i].to);
        for (int k = 1; k < n; k++) assert_int_equal(l->item[chain[k]].layer, l->item[chain[k - 1]].layer + 1);
        for (int k = 0; k < i; k++) /* two arrows into a box: apart, labels on their outer sides */
            if (d->edge[k].to == d->edge[i].to)
                assert_true((l->port[k].x < l->port[i].x ? -1 : 1) == l->port[k].side &&
                            l->port[k].side == -l->port[i].side);
    }
}

static gr_dag_layout *place(gr_context *ctx, const gr_dag *d)
{
    gr_dag_layout *l;
    test_ok(ctx, gr__dag_place(ctx, d, 60, &l));
    check_places(d, l);
    return l;
}

static void nothing_overlaps(void **state)
{
    (void)state;
    gr_context *ctx = test_context();
    gr__rng rng = gr__rng_make(4, "dag", 0, 0);
    for (int round = 0; round < 60; round++) {
        gr_dag_node node[40];
        gr_dag_edge edge[80];
        int n = 1 + (int)gr__rng_below(&rng, 24);
        gr_dag d = {.title = "t", .caption = "c", .node = node, .n_nodes = n, .edge = edge, .groups = groups};
        for (int i = 0; i < n; i++) {
            node[i] = (gr_dag_node){i % 3 ? "name" : "a much longer name", i % 2 ? "1999" : "", i % 2};
            int first = i ? (int)gr__rng_below(&rng, (uint64_t)i) : 0,
                second = i ? (int)gr__rng_below(&rng, (uint64_t)i) : 0;
            if (i) edge[d.n_edges++] = (gr_dag_edge){first, i, "a label of several words"};
            if (i && second != first && gr__rng_uniform(&rng) < 0.4)
                edge[d.n_edges++] = (gr_dag_edge){second, i, "short"};
        }
        gr_dag_layout *l = place(ctx, &d);
        gr__text a, b;
        gr__text_init(&a, ctx), gr__text_init(&b, ctx);
        test_ok(ctx, gr__dag_svg(ctx, &d, &a));
        test_ok(ctx, gr__dag_svg(ctx, &d, &b));
        check_xml(a.s);
        assert_string_equal(a.s, b.s);
        gr__text_free(&a), gr__text_free(&b);
        gr__free(ctx, l, sizeof *l);
    }
    test_context_end(ctx);
}

/* A tree given in an order that mixes the children: drawn without a crossing, parents amid their children. */
static void trees_are_drawn_without_crossings(void **state)
{
    (void)state;
    gr_context *ctx = test_context();
    static const gr_dag_node node[] = {{"r", "", 0},  {"a", "", 0},  {"b", "", 0}, {"a1", "", 0},
                                       {"b1", "", 0}, {"a2", "", 0}, {"b2", "", 0}};
    static const gr_dag_edge edge[] = {{0, 1, "x"}, {0, 2, "x"}, {1, 3, "x"}, {2, 4, "x"}, {1, 5, "x"}, {2, 6, "x"}};
    gr_dag d = {.node = node, .n_nodes = 7, .edge = edge, .n_edges = 6, .groups = groups};
    gr_dag_layout *l = place(ctx, &d);
    bool a_left = l->item[1].x < l->item[2].x;
    for (int i = 3; i <= 5; i += 2)
        for (int k = 4; k <= 6; k += 2) assert_true((l->item[i].x < l->item[k].x) == a_left);
    assert_true(l->item[1].x > fmin(l->item[3].x, l->item[5].x) && l->item[1].x < fmax(l->item[3].x, l->item[5].x));
    gr__free(ctx, l, sizeof *l);
    test_context_end(ctx);
}

static void layers_are_the_longest_ways(void **state)
{
    (void)state;
    gr_context *ctx = test_context();
    static const gr_dag_node node[] = {{"d", "", 0}, {"c", "", 0}, {"b", "", 0}, {"a", "", 0}};
    static const gr_dag_edge edge[] = {{3, 0, "straight down"}, {3, 2, ""}, {2, 1, ""}, {1, 0, "by the others"}};
    gr_dag d = {.node = node, .n_nodes = 4, .edge = edge, .n_edges = 4, .groups = groups};
    gr_dag_layout *l = place(ctx, &d);
    assert_int_equal(l->n_layers, 4);
    for (int i = 0; i < 4; i++) assert_int_equal(l->item[i].layer, 3 - i);
    assert_int_equal(l->length[0], 4);
    assert_int_equal(l->n_items, 6);
    gr__free(ctx, l, sizeof *l);
    test_context_end(ctx);
}

static void what_cannot_be_drawn_is_refused(void **state)
{
    (void)state;
    gr_context *ctx = test_context();
    gr_dag_node node[GR_DAG_NODES + 1];
    for (int i = 0; i <= GR_DAG_NODES; i++) node[i] = (gr_dag_node){"n", "", 0};
    static const gr_dag_edge cycle[] = {{0, 1, ""}, {1, 2, ""}, {2, 0, ""}},
                             three[] = {{0, 3, ""}, {1, 3, ""}, {2, 3, ""}};
    const gr_dag bad[] = {{.node = node, .n_nodes = 3, .edge = cycle, .n_edges = 3},
                          {.node = node, .n_nodes = 4, .edge = three, .n_edges = 3},
                          {.node = node, .n_nodes = GR_DAG_NODES + 1}};
    for (size_t i = 0; i < GR_COUNT(bad); i++) {
        gr__text t;
        gr__text_init(&t, ctx);
        assert_int_equal(gr__dag_svg(ctx, &bad[i], &t), GR_E_INTERNAL);
        gr__text_free(&t);
        gr_context_clear_error(ctx);
    }
    test_context_end(ctx);
}

static void strangers_text_is_escaped(void **state)
{
    (void)state;
    gr_context *ctx = test_context();
    static const char hostile[] = "</text><script>\"a\\\" & b\xFF\n]; x";
    static const char *const names[] = {hostile, NULL};
    const gr_dag_node node[] = {{hostile, hostile, 0}, {"", "", 0}};
    const gr_dag_edge edge[] = {{0, 1, hostile}};
    const gr_dag d = {
        .title = hostile, .caption = hostile, .node = node, .n_nodes = 2, .edge = edge, .n_edges = 1, .groups = names};
    gr__text t;
    gr__text_init(&t, ctx);
    test_ok(ctx, gr__dag_svg(ctx, &d, &t));
    check_xml(t.s);
    assert_null(strstr(t.s, "<script"));
    gr__text_free(&t);
    gr__text_init(&t, ctx);
    test_ok(ctx, gr__dag_dot(&d, &t));
    assert_non_null(strstr(t.s, "n0 -> n1 [label=\"</text><script>\\\"a\\\\\\\" & b\xFF ]; x\"];\n"));
    gr__text_free(&t);
    test_context_end(ctx);
}

static void a_failed_allocation_leaves_nothing(void **state)
{
    (void)state;
    gr_context *ctx = test_context();
    static const gr_dag_node node[] = {{"a", "1", 0}, {"b", "2", 1}};
    static const gr_dag_edge edge[] = {{0, 1, "label"}};
    const gr_dag d = {.title = "t", .node = node, .n_nodes = 2, .edge = edge, .n_edges = 1, .groups = groups};
    uint64_t all = 0, held = gr__bookkeeping_bytes(ctx);
    for (uint64_t k = 0; k <= all; k++) {
        gr__text t;
        uint64_t before = gr__acquisitions(ctx);
        gr__text_init(&t, ctx);
        gr__fail_acquisition(ctx, k);
        gr_status st = gr__dag_svg(ctx, &d, &t);
        gr__fail_acquisition(ctx, 0);
        gr__text_free(&t);
        if (k == 0) all = gr__acquisitions(ctx) - before;
        assert_int_equal(st, k ? GR_E_MEMORY : GR_OK);
        gr_context_clear_error(ctx);
        assert_int_equal(gr__bookkeeping_bytes(ctx), held);
    }
    assert_true(all > 2);
    test_context_end(ctx);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(nothing_overlaps),
        cmocka_unit_test(trees_are_drawn_without_crossings),
        cmocka_unit_test(layers_are_the_longest_ways),
        cmocka_unit_test(what_cannot_be_drawn_is_refused),
        cmocka_unit_test(strangers_text_is_escaped),
        cmocka_unit_test(a_failed_allocation_leaves_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
