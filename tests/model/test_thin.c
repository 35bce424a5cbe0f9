/* Filters that are taken out of a network: it gives what it gave when they were 0, and what cannot go stays.
 * [mission G11] */
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/rng.h"
#include "graph/shape.h"
#include "model/edit/prune.h"
#include "model/edit/thin.h"
#include "model_case.h"
#include "plan/store.h"

enum { BATCH = 3, MOST = 4096 };
static char path[96], thinned[96];

static int setup(void **state)
{
    (void)state;
    snprintf(path, sizeof path, "/tmp/gradus-thin-%d.safetensors", (int)getpid());
    snprintf(thinned, sizeof thinned, "/tmp/gradus-thin-%d-out.safetensors", (int)getpid());
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    unlink(path);
    return unlink(thinned);
}

/* ---- networks with numbers ---- */

static gr_store *store_of(gr_context *ctx, const gr_network *n, const gr_recipe *r)
{
    gr_store *s;
    test_ok(ctx, gr_store_create(ctx, gr_backend_get(r->device), &s));
    test_ok(ctx, gr__network_declare(n, s));
    test_ok(ctx, gr_store_seal(s));
    return s;
}

/* Every parameter and statistic is drawn, so that nothing is 0 or 1 by itself. */
static void draw(gr_store *s, uint64_t seed)
{
    gr__rng random = gr__rng_make(seed, "numbers", 0, 0);
    for (int i = 0; i < gr_store_count(s); i++) {
        const gr_entry *e = gr_store_entry(s, i);
        bool positive = e->spec.role == GR_ROLE_STATE;
        double scale =
            e->spec.role == GR_ROLE_WEIGHT ? sqrt(3.0 / fmax((double)e->count, 1) * (double)e->spec.shape.dim[0]) : 0.5;
        for (int64_t k = 0; k < e->count; k++) {
            double x = (positive ? 0.5 + gr__rng_uniform(&random) : gr__rng_normal(&random) * scale);
            if (e->spec.role == GR_ROLE_NORM_SCALE) x += 1;
            gr__store_put(s, e, k, 1, 1, &x);
        }
    }
}

/* What the network gives for numbers drawn by the seed; into out, at most MOST. */
static int64_t run(gr_context *ctx, const gr_network *n, const gr_recipe *r, gr_store *s, double *out)
{
    gr_graph *g;
    gr_plan *plan;
    gr_network_values v;
    int64_t count = 0;
    gr__rng random = gr__rng_make(5, "input", 0, 0);
    test_ok(ctx, gr_graph_create(ctx, &g));
    test_ok(ctx, gr__network_build(n, g, GR_MODE_EVALUATE, BATCH, false, &v));
    for (int h = 0; h < r->n_heads; h++) {
        char name[16];
        snprintf(name, sizeof name, "out%d", h);
        gr_output(g, name, v.head[h].output);
    }
    test_ok(ctx,
            gr_plan_compile(ctx, g, s, &(gr_plan_options){.backend = gr_backend_get(r->device), .name = "t"}, &plan));
    test_ok(ctx, gr_plan_bind(plan, NULL));
    for (int i = 0; i < r->n_inputs; i++) {
        char name[GR_FEED_TEXT];
        size_t bytes;
        double *x = gr_plan_feed(plan, gr__feed_of(GR_FIELD_INPUT, r->input[i].name, name), &bytes);
        assert_non_null(x);
        for (size_t k = 0; k < bytes / sizeof *x; k++) x[k] = gr__rng_normal(&random);
    }
    test_ok(ctx, gr_plan_run(plan));
    for (int h = 0; h < r->n_heads; h++) {
        char name[16];
        snprintf(name, sizeof name, "out%d", h);
        gr_shape shape;
        const double *y = gr_plan_output(plan, name, &shape);
        for (int64_t k = 0; k < gr_shape_count(shape); k++) {
            assert_true(count < MOST);
            out[count++] = y[k];
        }
    }
    gr_plan_destroy(plan);
    gr_graph_destroy(g);
    return count;
}

/* Weights, biases, and scales and shifts of norms that belong to filters that are gone become 0. */
static void mask(const gr_tracing *t, gr_store *s)
{
    for (size_t i = 0; i < t->n_cuts; i++) {
        const gr_cut_axis *c = &t->cut[i];
        const gr_entry *e = gr_store_find(s, c->name);
        double zero = 0;
        if (c->axis != 0 || e->spec.role == GR_ROLE_STATE || e->spec.role == GR_ROLE_SLOPE) continue;
        int64_t each = e->count / c->by.n;
        for (int64_t k = 0; k < c->by.n; k++)
            if (!gr__channel_stays(t, &c->by, k))
                for (int64_t j = 0; j < each; j++) gr__store_put(s, e, k * each + j, 1, 1, &zero);
    }
}

/* ---- one network ---- */

typedef struct wish { /* what is to become of a convolution; layer NULL: the last */
    const char *layer;
    int64_t removed;
    const char *reason; /* a part of it; NULL: none */
} wish;

static void check_told(const gr_thinning *told, const wish *w)
{
    for (; w && w->layer; w++) {
        size_t i = 0;
        while (i < told->n && strcmp(told->layer[i].layer, w->layer) != 0) i++;
        if (i == told->n) fail_msg("nothing is told of %s", w->layer);
        if (told->layer[i].removed != w->removed)
            fail_msg("%s: %lld filters removed, not %lld (%s)", w->layer, (long long)told->layer[i].removed,
                     (long long)w->removed, told->layer[i].reason ? told->layer[i].reason : "");
        if (w->reason && (!told->layer[i].reason || !strstr(told->layer[i].reason, w->reason)))
            fail_msg("%s: the reason is %s", w->layer, told->layer[i].reason ? told->layer[i].reason : "none");
        if (!w->reason) assert_null(told->layer[i].reason);
    }
}

static void check_recipe(gr_context *ctx, const gr_recipe *r, double share, const wish *w)
{
    static double whole[MOST], masked[MOST], small[MOST];
    gr_network *n, *m;
    gr_model model, smaller;
    gr_tracing t;
    gr_thinning told;
    gr_prepared *none = NULL;
    gr_meaning meaning = {0};
    gr__bump *b = gr__bump_create(ctx);
    for (int i = 0; i < r->n_inputs; i++) meaning.prepared[i] = none;
    test_ok(ctx, gr__network_make(ctx, r, NULL, &n));
    gr_store *s = store_of(ctx, n, r);
    draw(s, 7);
    test_ok(ctx, gr__model_write(ctx, path, s, &(gr_model_about){.recipe = r, .meaning = &meaning}));
    int64_t count = run(ctx, n, r, s, whole);
    test_ok(ctx, gr__model_open(ctx, path, &model));
    test_ok(ctx, gr__thin_model(ctx, &model, share, thinned, b, &told));
    check_told(&told, w);

    test_ok(ctx, gr__tracing_make(ctx, b, r, n, &t));
    test_ok(ctx, gr__tracing_choose(&t, s, share));
    mask(&t, s);
    gr__tracing_close(&t);
    assert_int_equal(run(ctx, n, r, s, masked), count);

    test_ok(ctx, gr__model_open(ctx, thinned, &smaller));
    test_ok(ctx, gr__network_make(ctx, smaller.recipe, NULL, &m));
    assert_int_equal(gr__network_parameter_count(n), told.before);
    assert_int_equal(gr__network_parameter_count(m), told.after);
    assert_true(told.after <= told.before);
    gr_store *s2 = store_of(ctx, m, smaller.recipe);
    test_ok(ctx, gr__model_load(ctx, smaller.file, thinned, s2));
    assert_int_equal(run(ctx, m, smaller.recipe, s2, small), count);
    double largest = 0, apart = 0, changed = 0;
    for (int64_t k = 0; k < count; k++) {
        largest = fmax(largest, fabs(masked[k]));
        apart = fmax(apart, fabs(masked[k] - small[k]));
        changed = fmax(changed, fabs(masked[k] - whole[k]));
    }
    if (!(apart <= 1e-10 * fmax(largest, 1e-300))) fail_msg("outputs are %g apart of %g", apart, largest);
    assert_true(largest > 0);
    if (told.after < told.before) assert_true(changed > 0);
    gr_store_destroy(s2), gr_store_destroy(s);
    gr__network_destroy(m), gr__network_destroy(n);
    gr__model_close(&model), gr__model_close(&smaller);
    gr__bump_destroy(b);
}

#define HEAD CASE_HEAD "precision: float64\n"
static void check(const char *model, double share, const wish *w)
{
    char text[4000];
    gr_context *ctx = test_context();
    snprintf(text, sizeof text, HEAD "%s", model);
    gr_recipe *r = open_text(ctx, text, NULL, 0);
    check_recipe(ctx, r, share, w);
    gr__recipe_close(ctx, r);
    test_context_end(ctx);
}

/* ---- the cases ---- */

static void what_follows_shrinks(void **state)
{
    (void)state;
    check("model: {input: [9, 8, 2], layers: [{type: conv, filters: 6, kernel: 3, padding: same, name: a}, "
          "{type: batch_norm, activation: relu}, {type: max_pool, size: 2}, {type: conv, filters: 5, kernel: [3, 2], "
          "activation: {type: prelu}, name: b}, {type: dropout, rate: 0.3}, flatten, {type: dense, units: 4}]}\n",
          0.5, (wish[]){{"a", 3, NULL}, {"b", 2, NULL}, {NULL, 0, NULL}});
    check("model: {input: [12, 3], layers: [{type: conv, filters: 7, kernel: 3, activation: gelu, name: a}, "
          "{type: instance_norm}, prelu, {type: avg_pool, size: 2}, {type: conv, filters: 4, kernel: 2, bias: false, "
          "name: b}, {type: batch_renorm}, hard_swish, global_max_pool, {type: dense, units: 3}]}\n",
          0.4, (wish[]){{"a", 2, NULL}, {"b", 1, NULL}, {NULL, 0, NULL}});
    check(
        "model: {input: [12, 3], layers: [{type: conv, filters: 7, kernel: 3, name: a}, tanh, {type: dense, units: 6, "
        "activation: relu}, {type: conv, filters: 9, kernel: 1, activation: silu, name: b}, flatten, {type: dense, "
        "units: 3}]}\n",
        0.9, (wish[]){{"a", 6, NULL}, {"b", 8, NULL}, {NULL, 0, NULL}});
    check("model: {input: [8, 8, 1], layers: [{type: conv, filters: 7, kernel: 3, name: a}, flatten, {type: dense, "
          "units: 3}]}\n",
          0, (wish[]){{"a", 0, NULL}, {NULL, 0, NULL}});
}

static void branches_meet(void **state)
{
    (void)state;
    /* side by side, each a part; in an addition, and behind it, nothing goes */
    check(
        "model: {input: [8, 8, 1], layers: [{type: conv, filters: 4, kernel: 1, activation: relu, name: s}, {type: "
        "conv, "
        "filters: 6, kernel: 1, activation: relu, name: e1}, {type: conv, filters: 6, kernel: 3, padding: 1, from: s, "
        "activation: relu, name: e3}, {type: concat, from: [e1, e3, s], name: c}, {type: batch_norm}, {type: conv, "
        "filters: 4, kernel: 3, name: d}, global_avg_pool, {type: dense, units: 3}]}\n",
        0.5, (wish[]){{"s", 2, NULL}, {"e1", 3, NULL}, {"e3", 3, NULL}, {"d", 2, NULL}, {NULL, 0, NULL}});
    check(
        "model: {input: [8, 8, 2], layers: [{type: conv, filters: 4, kernel: 3, padding: same, name: a}, {type: "
        "batch_norm, name: n, activation: relu}, {type: conv, filters: 6, kernel: 3, padding: same, activation: relu, "
        "name: b}, {type: conv, filters: 4, kernel: 3, padding: same, name: d}, {type: add, from: [d, n], activation: "
        "relu}, global_avg_pool, {type: dense, units: 3}]}\n",
        0.5, (wish[]){{"a", 0, "add"}, {"b", 3, NULL}, {"d", 0, "add"}, {NULL, 0, NULL}});
    check("model: {input: [6, 6, 2], layers: [{type: residual, layers: [{type: conv, filters: 6, kernel: 3, padding: "
          "same, "
          "activation: relu, name: x}, {type: conv, filters: 2, kernel: 3, padding: same, name: y}], name: r}, "
          "{type: conv, filters: 5, kernel: 3, name: z}, flatten, {type: dense, units: 3}]}\n",
          0.5, (wish[]){{"z", 2, NULL}, {NULL, 0, NULL}});
}

static void channels_with_filters_of_their_own_go_along(void **state)
{
    (void)state;
    check("model: {input: [8, 8, 1], layers: [{type: conv, filters: 6, kernel: 1, name: a}, {type: batch_norm, "
          "activation: relu6}, {type: conv, filters: 6, kernel: 3, padding: same, groups: depthwise, name: d}, {type: "
          "batch_norm, activation: relu6}, {type: conv, filters: 12, kernel: 3, groups: 6, activation: relu, name: e}, "
          "{type: conv, filters: 4, kernel: 1, name: p}, global_avg_pool, {type: dense, units: 3}]}\n",
          0.5, (wish[]){{"a", 3, NULL}, {"d", 3, "go with"}, {"e", 6, "go with"}, {"p", 2, NULL}, {NULL, 0, NULL}});
    check("model: {input: [8, 8, 1], layers: [{type: conv, filters: 6, kernel: 1, name: a}, {type: conv, filters: 8, "
          "kernel: 3, groups: 2, name: g}, {type: conv, filters: 4, kernel: 1, name: p}, flatten, {type: dense, units: "
          "3}]}\n",
          0.5, (wish[]){{"a", 0, "equal size"}, {"g", 0, "equal size"}, {"p", 2, NULL}, {NULL, 0, NULL}});
}

/* Filters within blocks, which nobody outside of these takes. */
static void blocks_become_narrow_inside(void **state)
{
    (void)state;
    check("model: {input: [8, 8, 2], layers: [{type: conv, filters: 4, kernel: 1, name: a}, {type: basic_block, "
          "filters: 6, "
          "stride: 2, activation: prelu, name: b}, {type: bottleneck, filters: 5, expansion: 2, norm: none, name: n}, "
          "global_avg_pool, {type: dense, units: 3}]}\n",
          0.5,
          (wish[]){{"a", 0, "basic_block"},
                   {"b.conv1", 3, NULL},
                   {"n.conv1", 2, NULL},
                   {"n.conv2", 2, NULL},
                   {NULL, 0, NULL}});
    check(
        "model: {input: [8, 8, 2], layers: [{type: inverted_residual, filters: 4, expansion: 3, name: a}, {type: "
        "inverted_residual, filters: 4, expansion: 2, names: efficientnet, name: b}, {type: inverted_residual, "
        "filters: "
        "4, expansion: 1, name: c}, {type: inverted_residual, filters: 4, expansion: 2, excite: {type: squeeze_excite, "
        "units: 2}, name: d}, global_avg_pool, {type: dense, units: 3}]}\n",
        0.4,
        (wish[]){{"a.conv.0.0", 2, NULL},
                 {"b._expand_conv", 3, NULL},
                 {"d.conv.0.0", 0, "within its block"},
                 {NULL, 0, NULL}});
    check("model: {input: [6, 6, 4], layers: [{type: basic_block, filters: 4, norm: {type: group_norm, groups: 2}, "
          "name: b}, "
          "{type: basic_block, filters: 4, activation: softplus, name: c}, {type: basic_block, filters: 4, inside: "
          "{conv1: "
          "7}, name: d}, global_avg_pool, {type: dense, units: 3}]}\n",
          0.5,
          (wish[]){{"b.conv1", 0, "norm"}, {"c.conv1", 0, "norm or the act"}, {"d.conv1", 3, NULL}, {NULL, 0, NULL}});
}

static void what_wants_all_keeps_them(void **state)
{
    (void)state;
    check(
        "model: {input: [8, 8, 1], layers: [{type: conv, filters: 6, kernel: 3, activation: sigmoid, name: a}, {type: "
        "conv, filters: 6, kernel: 3, name: b}, {type: group_norm, groups: 2}, relu, {type: conv, filters: 6, kernel: "
        "1, "
        "name: c}, softplus, {type: conv, filters: 4, kernel: 1, name: d}, {type: layer_norm}, flatten, {type: dense, "
        "units: 3}]}\n",
        0.5,
        (wish[]){{"a", 0, "sigmoid"},
                 {"b", 0, "group_norm"},
                 {"c", 0, "softplus"},
                 {"d", 0, "layer_norm"},
                 {NULL, 0, NULL}});
    check("model: {input: [4, 4, 1], layers: [{type: conv, filters: 6, kernel: 1, activation: relu, name: a}, {type: "
          "conv, "
          "filters: 4, kernel: 1, name: b}, global_avg_pool]}\n",
          0.5, (wish[]){{"a", 3, NULL}, {"b", 0, "output"}, {NULL, 0, NULL}});
    check(
        "model: {input: [6, 6, 1], layers: [{type: conv, filters: 6, kernel: 1, activation: relu, name: a}, {type: "
        "conv, filters: 6, kernel: 1, activation: relu, name: b}, {type: reshape, shape: [36, 6]}, {type: lstm, units: "
        "3, return: last}, {type: dense, units: 2}]}\n",
        0.5, (wish[]){{"a", 3, NULL}, {"b", 0, "reshape"}, {NULL, 0, NULL}});
}

/* The smallest L1 norms go, of equal ones the first. */
static void the_smallest_go(void **state)
{
    (void)state;
    gr_context *ctx = test_context();
    gr_network *n;
    gr_tracing t;
    gr__bump *b = gr__bump_create(ctx);
    gr_recipe *r = open_text(ctx,
                             HEAD "model: {input: [4, 4, 2], layers: [{type: conv, filters: 6, kernel: 1, name: a}, "
                                  "flatten, {type: dense, units: 2}]}\n",
                             NULL, 0);
    test_ok(ctx, gr__network_make(ctx, r, NULL, &n));
    gr_store *s = store_of(ctx, n, r);
    gr_store_write(s, gr_store_find(s, "a.weight"), (double[]){3, 0, -1, 1, 0.5, 0.5, -2, 0, 1, 0, 0, -1});
    const int64_t order[] = {2, 4, 5, 1, 3, 0};
    for (int gone = 0; gone < 6; gone++) {
        test_ok(ctx, gr__tracing_make(ctx, b, r, n, &t));
        test_ok(ctx, gr__tracing_choose(&t, s, gone / 6.0 + 1e-9));
        assert_int_equal(t.bank[0].removed, gone);
        for (int k = 0; k < 6; k++) assert_int_equal(t.bank[0].gone[order[k]], k < gone);
        gr__tracing_close(&t);
    }
    gr_store_destroy(s);
    gr__network_destroy(n);
    gr__recipe_close(ctx, r);
    gr__bump_destroy(b);
    test_context_end(ctx);
}

static void every_convolutional_network_of_the_zoo(void **state)
{
    (void)state;
    static const char *const models[] = {
        "{zoo: lenet5}",
        "{zoo: simple-cnn, input: [12, 12, 1]}",
        "{zoo: squeezenet, classes: 5, input: [33, 33, 3]}",
        "{zoo: mobilenet-v1, classes: 5, input: [16, 16, 3]}",
        "{zoo: mobilenet-v2, classes: 5, input: [16, 16, 3]}",
        "{zoo: efficientnet-lite0, classes: 5, input: [16, 16, 3]}",
        "{zoo: resnet18, classes: 5, input: [16, 16, 3]}",
        "{zoo: resnet50, classes: 5, input: [8, 8, 3]}",
    };
    for (size_t i = 0; i < GR_COUNT(models); i++) {
        char text[200];
        snprintf(text, sizeof text, "model: %s\n", models[i]);
        check(text, 0.5, NULL);
    }
}

/* Masks of weights shrink with them. */
static void masks_go_along(void **state)
{
    (void)state;
    gr_context *ctx = test_context();
    gr__bump *b = gr__bump_create(ctx);
    gr_network *n;
    gr_model model;
    gr_pruned *tensors;
    gr_thinning told;
    gr_meaning meaning = {0};
    gr_st *file;
    size_t count;
    gr_recipe *r =
        open_text(ctx,
                  HEAD "model: {input: [6, 6, 2], layers: [{type: conv, filters: 6, kernel: 3, name: a}, "
                       "{type: conv, filters: 4, kernel: 2, name: b}, flatten, {type: dense, units: 2, name: "
                       "h}]}\n",
                  NULL, 0);
    test_ok(ctx, gr__network_make(ctx, r, NULL, &n));
    gr_store *s = store_of(ctx, n, r);
    draw(s, 2);
    test_ok(ctx, gr__model_write(ctx, path, s, &(gr_model_about){.recipe = r, .meaning = &meaning}));
    test_ok(ctx, gr__model_open(ctx, path, &model));
    test_ok(ctx, gr__prune_model(ctx, &model, &(gr_pruning){.sparsity = 0.5}, thinned, b, &tensors, &count));
    gr__model_close(&model);
    test_ok(ctx, gr__model_open(ctx, thinned, &model));
    test_ok(ctx, gr__thin_model(ctx, &model, 0.5, path, b, &told));
    gr__model_close(&model);
    test_ok(ctx, gr__st_whole(ctx, path, &file));
    const char *const names[] = {"a", "b", "h"};
    for (int i = 0; i < 3; i++) {
        char name[32], mask_name[32];
        snprintf(name, sizeof name, "%s.weight", names[i]);
        snprintf(mask_name, sizeof mask_name, "%s.weight.mask", names[i]);
        const gr_st_tensor *w = gr__st_find(file, name), *m = gr__st_find(file, mask_name);
        assert_true(w && m && gr__shape_equal(w->shape, m->shape));
        for (size_t k = 0; k < m->bytes; k++)
            assert_true((((const double *)w->data)[k] == 0) == (((const unsigned char *)m->data)[k] == 0));
    }
    gr__st_close(file);
    gr_store_destroy(s);
    gr__network_destroy(n);
    gr__recipe_close(ctx, r);
    gr__bump_destroy(b);
    test_context_end(ctx);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_follows_shrinks),
        cmocka_unit_test(branches_meet),
        cmocka_unit_test(channels_with_filters_of_their_own_go_along),
        cmocka_unit_test(blocks_become_narrow_inside),
        cmocka_unit_test(what_wants_all_keeps_them),
        cmocka_unit_test(the_smallest_go),
        cmocka_unit_test(every_convolutional_network_of_the_zoo),
        cmocka_unit_test(masks_go_along),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
