/* Random steps: graphs of maps, broadcasts, reductions, products, shapes, gradients and assignments, compiled and run
 * against the evaluator of the graph, in an arena that is filled with NaN before each run, so that whatever is read
 * outside its life time shows. */
#ifndef GR_TESTS_PLAN_RANDOM_GRAPH_H
#define GR_TESTS_PLAN_RANDOM_GRAPH_H

#include <math.h>
#include <string.h>

#include "graph/eval.h"
#include "outputs.h"
#include "plan/plan.h"
#include "test.h"

enum { RG_POOL = 160, RG_ENTRIES = 8, RG_OUTPUTS = 6, RG_MOST = 4096 };

static gr__reschedule_fn rg_change; /* what plans are compiled with, and what it is given */
static void *rg_changing;
static bool rg_with_rows; /* nodes of three outputs (outputs.h), where the backend runs operations by their reference */

typedef struct random_graph {
    uint64_t state;
    bool smooth; /* no jumps: small errors stay small */
    gr_context *ctx;
    gr_graph *g;
    gr_val pool[RG_POOL];       /* real values */
    int n, depth;               /* loops around it */
    gr_val entries[RG_ENTRIES]; /* parameters, then slots */
    char names[RG_ENTRIES][16];
    int n_entries;
    gr_val images, labels, rate;
    gr_val outputs[RG_OUTPUTS];
    int n_outputs;
} random_graph;

static uint32_t rg_next(random_graph *r, uint32_t below)
{
    r->state = r->state * 6364136223846793005u + 1442695040888963407u;
    return (uint32_t)(r->state >> 33) % below;
}

static double rg_real(random_graph *r)
{
    return (double)rg_next(r, 2001) / 1000 - 1;
}

static gr_val rg_any(random_graph *r)
{
    return r->pool[rg_next(r, (uint32_t)r->n)];
}

static void rg_put(random_graph *r, gr_val v)
{
    test_ok(r->ctx, gr_graph_status(r->g));
    if (r->n < RG_POOL && gr_shape_count(gr_shape_of(r->g, v)) <= RG_MOST) r->pool[r->n++] = v;
}

static gr_val rg_of_shape(random_graph *r, gr_shape shape, gr_val otherwise)
{
    for (int tries = 0; tries < 12; tries++) {
        gr_val v = rg_any(r);
        if (gr__shape_equal(gr_shape_of(r->g, v), shape)) return v;
    }
    return otherwise;
}

static gr_val rg_unary(random_graph *r, gr_val a)
{
    gr_graph *g = r->g;
    switch (rg_next(r, 9)) {
    case 0:
        return gr_tanh(g, a);
    case 1:
        return gr_sigmoid(g, a);
    case 2:
        return gr_relu(g, a);
    case 3:
        return gr_neg(g, a);
    case 4:
        return gr_sin(g, a);
    case 5:
        return gr_exp(g, gr_tanh(g, a));
    case 6:
        return gr_mul(g, a, gr_const(g, rg_real(r)));
    case 7:
        return gr_stop(g, gr_abs(g, a));
    default:
        return gr_sqrt(g, gr_add(g, gr_square(g, gr_tanh(g, a)), gr_const(g, 1)));
    }
}

/* What a may be broadcast with: its own shape, a row, a column, one number, or some axes. */
static gr_val rg_partner(random_graph *r, gr_val a)
{
    gr_shape s = gr_shape_of(r->g, a);
    gr_val b = rg_of_shape(r, s, a);
    if (s.rank == 0) return b;
    switch (rg_next(r, 6)) {
    case 0:
        return gr_reduce_max(r->g, b, (int[]){s.rank - 1}, 1, true);
    case 1:
        return gr_sum(r->g, gr_tanh(r->g, b), (int[]){0}, 1, rg_next(r, 2));
    case 2:
        return gr_tanh(r->g, gr_mean_all(r->g, b));
    case 3:
        return r->rate;
    default:
        return b;
    }
}

static gr_val rg_binary(random_graph *r, gr_val a)
{
    gr_graph *g = r->g;
    gr_val b = rg_partner(r, a);
    switch (rg_next(r, 8)) {
    case 0:
        return gr_sub(g, a, b);
    case 1:
        return gr_tanh(g, gr_mul(g, a, b));
    case 2:
        return gr_max(g, a, b);
    case 3:
        return r->smooth ? gr_min(g, a, b) : gr_select(g, gr_less(g, a, b), a, gr_neg(g, b));
    case 4:
        return gr_add(g, gr_mul(g, r->rate, a), b);
    case 5:
        return gr_sub(g, a, gr_mul(g, r->rate, b));
    case 6:
        return gr_div(g, a, gr_add(g, gr_abs(g, b), gr_const(g, 0.5)));
    default:
        return gr_add(g, a, b);
    }
}

static gr_val rg_reduce(random_graph *r, gr_val a)
{
    gr_shape s = gr_shape_of(r->g, a);
    int axes[GR_MAX_RANK], n = 0;
    for (int i = 0; i < s.rank; i++)
        if (rg_next(r, 2)) axes[n++] = i;
    if (n == 0) return gr_mean_all(r->g, a);
    bool keep = rg_next(r, 2);
    return rg_next(r, 3) ? gr_tanh(r->g, gr_sum(r->g, a, axes, n, keep)) : gr_reduce_max(r->g, a, axes, n, keep);
}

static gr_val rg_softmax(random_graph *r, gr_val a)
{
    gr_graph *g = r->g;
    int last = gr_shape_of(g, a).rank - 1;
    if (rg_next(r, 2)) return gr_softmax(g, a);
    gr_val e = gr_exp(g, gr_sub(g, a, gr_reduce_max(g, a, &last, 1, true)));
    return gr_div(g, e, gr_sum(g, e, &last, 1, true));
}

static gr_val rg_matrix(random_graph *r, gr_val a)
{
    gr_shape s = gr_shape_of(r->g, a);
    if (s.rank == 2) return a;
    int64_t columns = s.rank ? s.dim[s.rank - 1] : 1;
    if (s.rank == 0) return gr_broadcast(r->g, a, GR_SHAPE(3, 4));
    return gr_reshape(r->g, a, GR_SHAPE(columns ? gr_shape_count(s) / columns : 0, columns));
}

/* Any of three outputs, or several: read together, or in the pool, where each may be read again or by nobody. */
static gr_val rg_rows(random_graph *r, gr_val m)
{
    gr_graph *g = r->g;
    gr_val first = rows_of(g, &rows_op, m), value[ROWS_OUTPUTS];
    uint32_t some = 1 + rg_next(r, 7);
    gr_val any = GR_NONE;
    for (int o = 0; o < ROWS_OUTPUTS; o++) {
        if (!(some >> o & 1) || (r->smooth && o == ROWS_INDEX)) continue;
        value[o] = gr__node_output(g, first, o);
        if (o == ROWS_INDEX) value[o] = gr_mul(g, gr_real(g, value[o]), gr_const(g, 0.1));
        if (o == ROWS_SUM && rg_next(r, 2)) value[o] = gr_tanh(g, value[o]);
        if (o != ROWS_CENTRED) value[o] = gr_reshape(g, value[o], GR_SHAPE(gr_shape_of(g, m).dim[0], 1));
        bool together = any && rg_next(r, 2);
        if (any && !together) rg_put(r, any);
        any = together ? gr_add(g, any, value[o]) : value[o];
    }
    return any ? any : m;
}

/* a b^T + bias, perhaps rectified: what an epilogue is made for. */
static gr_val rg_dense(random_graph *r, gr_val a)
{
    gr_graph *g = r->g;
    gr_val m = rg_matrix(r, a), y;
    if (rg_with_rows && rg_next(r, 2) && gr_shape_of(g, m).dim[1] > 0) return rg_rows(r, m);
    gr_shape s = gr_shape_of(g, m);
    if (s.dim[0] * s.dim[0] > RG_MOST) return m;
    gr_val other = rg_of_shape(r, s, m);
    y = rg_next(r, 2) ? gr_matmul(g, m, other, false, true) : gr_matmul(g, m, other, true, false);
    y = gr_mul(g, y, gr_const(g, 0.1));
    if (rg_next(r, 2)) y = gr_matmul(g, m, gr_tanh(g, other), false, true);
    if (rg_next(r, 3)) y = gr_add(g, y, gr_sum(g, y, (int[]){0}, 1, false));
    gr_shape out = gr_shape_of(g, y);
    if (rg_next(r, 2)) y = gr_add(g, y, gr_broadcast(g, r->rate, GR_SHAPE(out.dim[1])));
    return rg_next(r, 2) ? gr_relu(g, y) : gr_tanh(g, y);
}

static gr_val rg_shaped(random_graph *r, gr_val a)
{
    gr_graph *g = r->g;
    gr_shape s = gr_shape_of(g, a);
    int64_t n = gr_shape_count(s);
    if (s.rank == 0) return gr_broadcast(g, a, GR_SHAPE(2, 3));
    int axis = (int)rg_next(r, (uint32_t)s.rank);
    switch (rg_next(r, 7)) {
    case 0:
        return gr_reshape(g, a, GR_SHAPE(n));
    case 1:
        return gr_reshape(g, a, GR_SHAPE(1, n));
    case 2:
        return gr_slice(g, a, axis, s.dim[axis] / 3, s.dim[axis] - s.dim[axis] / 3);
    case 3:
        return gr_concat(g, (gr_val[]){a, gr_neg(g, a)}, 2, axis);
    case 4:
        return gr_pad(g, a, axis, 1, 2);
    case 5:
        return s.rank == 2 ? gr_permute(g, a, (int[]){1, 0}) : a;
    default:
        return s.rank < 4 ? gr_broadcast(g, a,
                                         s.rank == 1   ? GR_SHAPE(3, s.dim[0])
                                         : s.rank == 2 ? GR_SHAPE(2, s.dim[0], s.dim[1])
                                                       : s)
                          : a;
    }
}

static gr_val rg_one_hot(random_graph *r)
{
    gr_graph *g = r->g;
    gr_shape s = gr_shape_of(g, r->labels), to = {2, {s.dim[0], 5}};
    gr_val column = gr_broadcast(g, gr_reshape(g, r->labels, GR_SHAPE(s.dim[0], 1)), to);
    return gr_equal(g, column, rg_next(r, 2) ? gr_iota(g, to, 1) : gr_broadcast(g, gr_iota(g, GR_SHAPE(5), 0), to));
}

static gr_val rg_pool_layer(random_graph *r)
{
    gr_graph *g = r->g;
    gr_shape s = gr_shape_of(g, r->images);
    gr_pool_attr attr = {.size = {2, 2}, .stride = {2, 2}};
    if (s.dim[1] < 2 || s.dim[2] < 2) return r->images;
    if (rg_next(r, 2)) return gr_avg_pool(g, r->images, attr);
    gr_val index, y = gr_max_pool(g, r->images, attr, &index);
    if (r->smooth || rg_next(r, 2)) return y;
    if (rg_next(r, 2)) rg_put(r, y); /* else the maxima themselves are read by nobody */
    return gr_mul(g, gr_real(g, index), gr_const(g, 0.1));
}

/* ---- loops ---- */

static gr_val rg_grow(random_graph *r);

/* A body that reads some of the pool, all of it that is not grown, and grows as graphs do. */
static void rg_operands(random_graph *r, gr_scan *s, int64_t steps, random_graph *body, gr_val carry[2], int *carries)
{
    body->images = gr_scan_given(s, r->images);
    body->labels = gr_scan_given(s, r->labels);
    body->rate = gr_scan_given(s, r->rate);
    body->pool[body->n++] = body->rate;
    for (int i = 1 + (int)rg_next(r, 4); i > 0; i--) {
        gr_val v = rg_any(r);
        gr_shape shape = gr_shape_of(r->g, v);
        uint32_t role = shape.rank == 0 || shape.rank >= 4 ? 2 : rg_next(r, 3);
        if (role == 0 && *carries < 2)
            v = carry[(*carries)++] = gr_scan_carry(s, v);
        else if (role == 1)
            v = gr_scan_step(s, shape.dim[0] == steps && shape.rank > 1
                                    ? v
                                    : gr_broadcast(r->g, v, gr__shape_of_steps(shape, steps)));
        else
            v = gr_scan_given(s, v);
        rg_put(body, v);
    }
}

static bool rg_may_stack(const random_graph *body, gr_val v, const gr_val *carry, int carries)
{
    gr_shape shape = gr_shape_of(body->g, v);
    bool computed = gr__producer(body->g, v)->op->class != GR_CLASS_LEAF;
    for (int c = 0; c < carries; c++) computed |= v == carry[c];
    return computed && shape.rank > 0 && shape.rank < 5;
}

/* Some of its results are in the pool then, and some are read by nobody. */
static gr_val rg_loop(random_graph *r)
{
    int64_t steps = 1 + rg_next(r, 4);
    gr_val carry[2], any = GR_NONE;
    int carries = 0;
    gr_scan *s = gr_scan_begin(r->g, steps, rg_next(r, 2));
    random_graph body = {
        .state = r->state, .smooth = r->smooth, .ctx = r->ctx, .g = gr_scan_body(s), .depth = r->depth + 1};
    rg_operands(r, s, steps, &body, carry, &carries);
    for (int i = 2 + (int)rg_next(&body, 8); i > 0; i--) rg_put(&body, rg_grow(&body));
    for (int c = 0; c < carries; c++) {
        gr_val v = rg_of_shape(&body, gr_shape_of(body.g, carry[c]), gr_sin(body.g, carry[c]));
        gr_scan_next(s, carry[c], rg_next(&body, 2) ? gr_tanh(body.g, v) : v);
    }
    r->state = body.state;
    if (!gr_scan_end(s)) test_ok(r->ctx, gr_graph_status(r->g));
    for (int i = 0; i < 3; i++) {
        gr_val v = rg_any(&body);
        bool last = carries > 0 && rg_next(r, 2);
        if (!last && !rg_may_stack(&body, v, carry, carries)) continue;
        rg_put(r, any = last ? gr_scan_final(s, carry[rg_next(r, (uint32_t)carries)]) : gr_scan_stack(s, v));
    }
    gr_scan_free(s);
    return any ? any : rg_any(r);
}

static gr_val rg_grow(random_graph *r)
{
    gr_val a = rg_any(r);
    if (r->depth < 2 && rg_next(r, 20) == 0) return rg_loop(r);
    switch (rg_next(r, 12)) {
    case 0:
    case 1:
    case 2:
        return rg_unary(r, a);
    case 3:
    case 4:
    case 5:
        return rg_binary(r, a);
    case 6:
        return rg_reduce(r, a);
    case 7:
        return gr_shape_of(r->g, a).rank > 0 ? rg_softmax(r, a) : rg_unary(r, a);
    case 8:
        return rg_dense(r, a);
    case 9:
    case 10:
        return rg_shaped(r, a);
    default:
        return rg_next(r, 2) ? rg_one_hot(r) : rg_pool_layer(r);
    }
}

static void rg_leaves(random_graph *r)
{
    gr_graph *g = r->g;
    int64_t n = 1 + rg_next(r, 5), c = 1 + rg_next(r, 6), h = 1 + rg_next(r, 4);
    gr_shape shapes[] = {GR_SHAPE(n, c), GR_SHAPE(c),    GR_SHAPE(n, c), GR_SCALAR,
                         GR_SHAPE(c),    GR_SHAPE(n, c), GR_SCALAR,      GR_SHAPE(n, h, h, c)};
    for (int i = 0; i < RG_ENTRIES; i++) {
        snprintf(r->names[i], sizeof r->names[i], i < 4 ? "w%d" : "w%d/m", i % 4);
        r->entries[i] = i < 4 ? gr_param(g, r->names[i], shapes[i]) : gr_slot(g, r->names[i], shapes[i]);
        rg_put(r, r->entries[i]);
    }
    r->n_entries = RG_ENTRIES;
    r->images = gr_feed(g, "images", GR_REAL, GR_SHAPE(n, h, h, c));
    r->labels = gr_feed(g, "labels", GR_I32, GR_SHAPE(n));
    r->rate = gr_feed(g, "rate", GR_REAL, GR_SCALAR);
    double values[6] = {0.5, -1, 2, 0, 1, -0.25};
    rg_put(r, r->images);
    rg_put(r, r->rate);
    rg_put(r, gr_feed(g, "x", GR_REAL, GR_SHAPE(n, c)));
    rg_put(r, gr_const_tensor(g, GR_SHAPE(c), values));
    rg_put(r, gr_real(g, r->labels));
}

static void rg_effects(random_graph *r, bool gradients)
{
    gr_graph *g = r->g;
    gr_val cost = gr_const(g, 0), dws[4];
    for (int i = 0; i < 3; i++) cost = gr_add(g, cost, gr_mean_all(g, gr_tanh(g, rg_any(r))));
    if (gradients && rg_next(r, 4)) {
        assert_int_equal(gr_gradients(g, cost, r->entries, 4, dws), GR_OK);
        for (int i = 0; i < 4; i++) {
            if (rg_next(r, 4)) gr_mark_gradient(g, r->entries[i], dws[i]);
            rg_put(r, gr_tanh(g, dws[i]));
            r->pool[rg_next(r, (uint32_t)r->n)] = gr_sub(g, r->entries[i], gr_mul(g, r->rate, dws[i]));
        }
    }
    for (int i = 0; i < RG_OUTPUTS; i++, r->n_outputs++) {
        char name[16];
        snprintf(name, sizeof name, "out%d", i);
        r->outputs[i] = i == 0 ? cost : rg_any(r);
        gr_output(g, name, r->outputs[i]);
    }
    for (int i = 0; i < r->n_entries; i++) {
        gr_shape s = gr_shape_of(g, r->entries[i]);
        gr_val v = rg_of_shape(r, s, gr_add(g, r->entries[i], gr_const(g, 1)));
        if (rg_next(r, 3))
            v = rg_next(r, 2) ? gr_tanh(g, gr_add(g, r->entries[i], gr_mul(g, r->rate, v)))
                              : gr_sub(g, r->entries[i], gr_mul(g, r->rate, gr_tanh(g, v)));
        if (rg_next(r, 4)) gr_assign(g, r->entries[i], v, rg_next(r, 2) ? GR_ASSIGN_UPDATE : GR_ASSIGN_STATE);
    }
    if (rg_next(r, 2)) gr_guard(g, cost);
    test_ok(r->ctx, gr_graph_status(g));
}

static void rg_build(random_graph *r, gr_context *ctx, uint64_t seed, bool smooth)
{
    memset(r, 0, sizeof *r);
    r->smooth = smooth;
    r->state = seed * 2654435761u + 12345;
    r->ctx = ctx;
    assert_int_equal(gr_graph_create(ctx, &r->g), GR_OK);
    rg_leaves(r);
    for (int i = 5 + (int)rg_next(r, 60); i > 0; i--) rg_put(r, rg_grow(r));
    rg_effects(r, !smooth);
}

/* ---- a step in a store ---- */

typedef struct rg_step {
    random_graph *r;
    gr_store *store;
    gr_plan *plan;
    gr_arena *arena;
    double images[RG_MOST], labels[64], x[64], rate[1], old[RG_ENTRIES][RG_MOST];
} rg_step;

static bool rg_release; /* plans let go of gradients */

static void rg_begin(rg_step *s, random_graph *r, const gr_backend *backend, bool unfused)
{
    s->r = r;
    s->plan = NULL;
    s->arena = NULL;
    test_ok(r->ctx, gr_store_create(r->ctx, backend, &s->store));
    for (int i = 0; i < r->n_entries; i++) {
        gr_entry_spec spec = {.name = r->names[i], .shape = gr_shape_of(r->g, r->entries[i]), .slot = i >= 4};
        test_ok(r->ctx, gr_store_add(s->store, &spec, NULL));
    }
    gr_plan_options options = {.backend = backend, .name = "random", .unfused = unfused, .release = rg_release};
    test_ok(r->ctx, gr__plan_compile(r->ctx, r->g, s->store, &options, rg_change, rg_changing, &s->plan));
    test_ok(r->ctx, gr_store_seal(s->store));
    test_ok(r->ctx, gr_arena_create(r->ctx, gr_plan_bytes(s->plan).arena, &s->arena));
    test_ok(r->ctx, gr_plan_bind(s->plan, s->arena));
}

static void rg_end(rg_step *s)
{
    gr_plan_destroy(s->plan);
    gr_arena_destroy(s->arena);
    gr_store_destroy(s->store);
}

static void rg_randomize(rg_step *s, uint64_t seed)
{
    random_graph numbers = {.state = seed};
    for (int i = 0; i < RG_MOST; i++) s->images[i] = rg_real(&numbers);
    for (int i = 0; i < 64; i++) s->x[i] = rg_real(&numbers);
    for (int i = 0; i < 64; i++) s->labels[i] = rg_next(&numbers, 6);
    s->rate[0] = 0.25;
    for (int i = 0; i < s->r->n_entries; i++) {
        for (int k = 0; k < RG_MOST; k++) s->old[i][k] = rg_real(&numbers);
        gr_store_write(s->store, gr_store_entry(s->store, i), s->old[i]);
        gr_store_read(s->store, gr_store_entry(s->store, i), s->old[i]);
    }
}

static void rg_feed(rg_step *s, const char *name, const double *values)
{
    size_t bytes;
    void *to = gr_plan_feed(s->plan, name, &bytes);
    if (!to) return;
    bool narrow = gr__store_backend(s->store)->real == GR_EL_F32;
    if (strcmp(name, "labels") == 0)
        for (size_t i = 0; i < bytes / sizeof(int32_t); i++) ((int32_t *)to)[i] = (int32_t)values[i];
    else if (narrow && strcmp(name, "rate") != 0)
        for (size_t i = 0; i < bytes / sizeof(float); i++) ((float *)to)[i] = (float)values[i];
    else
        memcpy(to, values, bytes);
}

static gr_status rg_run(rg_step *s)
{
    uint64_t bytes;
    void *arena = gr__arena_data(s->arena, &bytes);
    memset(arena, 0xFF, bytes); /* NaN in every real */
    rg_feed(s, "images", s->images);
    rg_feed(s, "labels", s->labels);
    rg_feed(s, "x", s->x);
    rg_feed(s, "rate", s->rate);
    return gr_plan_run(s->plan);
}

static double rg_output_at(const rg_step *s, int i, int64_t e)
{
    char name[16];
    gr_shape shape;
    snprintf(name, sizeof name, "out%d", i);
    const void *p = gr_plan_output(s->plan, name, &shape);
    assert_non_null(p);
    bool narrow = gr__backend_element(gr__store_backend(s->store), GR_REAL, shape) == GR_EL_F32;
    return narrow ? (double)((const float *)p)[e] : ((const double *)p)[e];
}

/* ---- the oracle ---- */

static const double *rg_leaf(void *user, const gr_graph *g, const gr_node *leaf)
{
    const rg_step *s = user;
    (void)g;
    const char *name = leaf->attr.name;
    if (strcmp(name, "images") == 0) return s->images;
    if (strcmp(name, "labels") == 0) return s->labels;
    if (strcmp(name, "x") == 0) return s->x;
    if (strcmp(name, "rate") == 0) return s->rate;
    for (int i = 0; i < s->r->n_entries; i++)
        if (strcmp(name, s->r->names[i]) == 0) return s->old[i];
    return NULL;
}

static void rg_near(double got, double wanted, double tolerance, const char *what, int i, int64_t e)
{
    bool same = (isnan(got) && isnan(wanted)) || got == wanted || fabs(got - wanted) <= tolerance * (1 + fabs(wanted));
    if (!same) fail_msg("%s %d, element %lld: %.17g, wanted %.17g", what, i, (long long)e, got, wanted);
}

/* One run against the evaluator. */
static void rg_compare(rg_step *s, double tolerance)
{
    random_graph *r = s->r;
    gr_effects fx = gr__graph_effects(r->g);
    gr_val wanted[RG_OUTPUTS + RG_ENTRIES];
    double *results[RG_OUTPUTS + RG_ENTRIES];
    static double memory[RG_OUTPUTS + RG_ENTRIES][3 * RG_MOST];
    double now[RG_MOST];
    int n = 0;
    for (int i = 0; i < r->n_outputs; i++) wanted[n++] = r->outputs[i];
    for (size_t i = 0; i < fx.n_assigns; i++) wanted[n++] = fx.assigns[i].value;
    for (int i = 0; i < n; i++) results[i] = memory[i];
    test_ok(r->ctx, gr__eval(r->g, wanted, n, rg_leaf, s, results));
    test_ok(r->ctx, rg_run(s));
    for (int i = 0; i < r->n_outputs; i++)
        for (int64_t e = 0; e < gr_shape_count(gr_shape_of(r->g, wanted[i])); e++)
            rg_near(rg_output_at(s, i, e), results[i][e], tolerance, "output", i, e);
    for (int i = 0; i < r->n_entries; i++) {
        const double *after = s->old[i];
        for (size_t a = 0; a < fx.n_assigns; a++)
            if (fx.assigns[a].target == r->entries[i]) after = results[(size_t)r->n_outputs + a];
        const gr_entry *entry = gr_store_entry(s->store, i);
        gr_store_read(s->store, entry, now);
        for (int64_t e = 0; e < entry->count; e++) rg_near(now[e], after[e], tolerance, "entry", i, e);
    }
}

/* Two plans of one graph, with stores of their own: the same bits in all outputs and entries after each of three runs.
 */
static void rg_same_bits(rg_step *a, rg_step *b, uint64_t seed)
{
    random_graph *r = a->r;
    const gr_backend *backend = gr__store_backend(a->store);
    for (int run = 0; run < 3; run++) {
        if (run == 0) rg_randomize(a, seed);
        if (run == 0) rg_randomize(b, seed);
        assert_int_equal(rg_run(a), rg_run(b));
        gr_context_clear_error(r->ctx);
        for (int i = 0; i < r->n_outputs; i++)
            for (int64_t e = 0; e < gr_shape_count(gr_shape_of(r->g, r->outputs[i])); e++) {
                double x = rg_output_at(a, i, e), y = rg_output_at(b, i, e);
                if (memcmp(&x, &y, sizeof x) != 0)
                    fail_msg("output %d, element %lld: %.17g and %.17g", i, (long long)e, x, y);
            }
        for (int i = 0; i < r->n_entries; i++) {
            const gr_entry *x = gr_store_entry(a->store, i), *y = gr_store_entry(b->store, i);
            assert_memory_equal(x->data, y->data,
                                (size_t)x->count *
                                    gr__element_bytes(gr__backend_element(backend, GR_REAL, x->spec.shape)));
        }
    }
}

#endif
