/* Random loops of smooth operations: bodies that carry, cut, are given and stack values of any rank, numbers too; loops
 * in loops; results that nobody reads. */
#ifndef GR_TESTS_GRAPH_RANDOM_LOOP_H
#define GR_TESTS_GRAPH_RANDOM_LOOP_H

#include "base/rng.h"
#include "graph/op.h"

enum { RL_POOL = 48, RL_MOST = 36 };

typedef struct random_loop {
    gr__rng *rng;
    gr_graph *g;
    int depth; /* loops around it */
    gr_val pool[RL_POOL];
    int n;
} random_loop;

static inline int rl_next(random_loop *r, int below)
{
    return (int)gr__rng_below(r->rng, (uint64_t)below);
}

static inline gr_val rl_any(random_loop *r)
{
    return r->pool[rl_next(r, r->n)];
}

static inline void rl_put(random_loop *r, gr_val v)
{
    gr_shape s = gr_shape_of(r->g, v);
    if (v && r->n < RL_POOL && s.rank < 4 && gr_shape_count(s) <= RL_MOST) r->pool[r->n++] = v;
}

static inline gr_val rl_reduced(random_loop *r, gr_val a)
{
    gr_shape s = gr_shape_of(r->g, a);
    int axes[GR_MAX_RANK], n = 0;
    for (int i = 0; i < s.rank; i++)
        if (rl_next(r, 2)) axes[n++] = i;
    return n ? gr_sum(r->g, a, axes, n, rl_next(r, 2)) : gr_mean_all(r->g, a);
}

/* As it is where it fits, else one number. */
static inline gr_val rl_fitting(random_loop *r, gr_val a, gr_val b)
{
    gr_shape s = gr_shape_of(r->g, a), t = gr_shape_of(r->g, b);
    return gr__shape_equal(s, t) || t.rank == 0 ? b : gr_mean_all(r->g, b);
}

static inline gr_val rl_product(random_loop *r, gr_val a)
{
    gr_graph *g = r->g;
    gr_shape s = gr_shape_of(g, a);
    if (s.rank == 0) return gr_square(g, a);
    gr_val m = gr_reshape(g, a, GR_SHAPE(gr_shape_count(s) / s.dim[s.rank - 1], s.dim[s.rank - 1]));
    for (int i = 0; i < 8; i++) {
        gr_val b = rl_any(r);
        gr_shape t = gr_shape_of(g, b);
        if (t.rank == 2 && t.dim[0] == s.dim[s.rank - 1]) return gr_matmul(g, m, b, false, false);
        if (t.rank == 2 && t.dim[1] == s.dim[s.rank - 1]) return gr_matmul(g, m, b, false, true);
    }
    return rl_next(r, 2) ? gr_matmul(g, m, m, true, false) : gr_matmul(g, m, m, false, true);
}

static inline gr_val rl_shaped(random_loop *r, gr_val a)
{
    gr_graph *g = r->g;
    gr_shape s = gr_shape_of(g, a);
    if (s.rank == 0) return rl_next(r, 2) ? gr_broadcast(g, a, GR_SHAPE(2, 3)) : gr_reshape(g, a, GR_SHAPE(1));
    switch (rl_next(r, 5)) {
    case 0:
        return gr_reshape(g, a, GR_SHAPE(gr_shape_count(s)));
    case 1:
        return gr_slice(g, a, 0, s.dim[0] / 2, s.dim[0] - s.dim[0] / 2);
    case 2:
        return gr_concat(g, (gr_val[]){a, rl_fitting(r, a, rl_any(r)) == a ? a : gr_sin(g, a)}, 2, s.rank - 1);
    case 3:
        return s.rank == 2 ? gr_permute(g, a, (int[]){1, 0}) : a;
    default:
        return gr_broadcast(g, a, gr__shape_of_steps(s, 2));
    }
}

static inline gr_val rl_loop(random_loop *r);

static inline gr_val rl_grown(random_loop *r)
{
    gr_graph *g = r->g;
    gr_val a = rl_any(r), b = rl_fitting(r, a, rl_any(r));
    switch (rl_next(r, r->depth < 2 ? 12 : 11)) {
    case 0:
        return gr_tanh(g, a);
    case 1:
        return gr_sin(g, a);
    case 2:
        return gr_mul(g, a, gr_const(g, 0.5));
    case 3:
        return gr_add(g, a, b);
    case 4:
        return gr_sub(g, b, a);
    case 5:
    case 6:
        return gr_tanh(g, gr_mul(g, a, b));
    case 7:
        return gr_tanh(g, rl_reduced(r, a));
    case 8:
        return gr_tanh(g, rl_product(r, a));
    case 9:
        return rl_shaped(r, a);
    case 10:
        return gr_shape_of(g, a).rank ? gr_softmax(g, a) : gr_sigmoid(g, a);
    default:
        return rl_loop(r);
    }
}

/* One value of a body of that shape, made of what is there. */
static inline gr_val rl_of_shape(random_loop *r, gr_shape shape)
{
    for (int i = 0; i < 8; i++) {
        gr_val v = rl_any(r);
        if (gr__shape_equal(gr_shape_of(r->g, v), shape)) return v;
    }
    return gr_broadcast(r->g, gr_tanh(r->g, gr_mean_all(r->g, rl_any(r))), shape);
}

/* Some operands of a loop around pool values, in any order and some of them twice. */
static inline void rl_operands(random_loop *r, gr_scan *s, int64_t steps, random_loop *body, gr_val *carry,
                               int *carries)
{
    int n = 1 + rl_next(r, 4);
    for (int i = 0; i < n; i++) {
        gr_val v = rl_any(r);
        gr_shape shape = gr_shape_of(r->g, v);
        int role = rl_next(r, 4);
        if (role == 0 && shape.rank > 0 && shape.rank < GR_MAX_RANK)
            body->pool[body->n++] = carry[(*carries)++] = gr_scan_carry(s, v);
        else if (role == 1 && shape.rank > 0)
            body->pool[body->n++] = gr_scan_step(s, shape.rank > 1 && shape.dim[0] == steps
                                                        ? v
                                                        : gr_broadcast(r->g, v, gr__shape_of_steps(shape, steps)));
        else
            body->pool[body->n++] = gr_scan_given(s, v);
    }
}

/* A loop; one of its results, or several: what is left is in the pool, or read by nobody. */
static inline gr_val rl_loop(random_loop *r)
{
    int64_t steps = 1 + rl_next(r, 3);
    gr_val carry[4], any = GR_NONE;
    int carries = 0;
    gr_scan *s = gr_scan_begin(r->g, steps, rl_next(r, 2));
    if (!s) return GR_NONE;
    random_loop body = {.rng = r->rng, .g = gr_scan_body(s), .depth = r->depth + 1};
    rl_operands(r, s, steps, &body, carry, &carries);
    if (rl_next(r, 3) == 0) body.pool[body.n++] = gr_const(body.g, 0.75);
    for (int i = 2 + rl_next(r, 7); i > 0; i--) rl_put(&body, rl_grown(&body));
    gr_val sure = gr_tanh(body.g, gr_broadcast(body.g, gr_mean_all(body.g, rl_any(&body)), GR_SHAPE(2)));
    for (int c = 0; c < carries; c++) gr_scan_next(s, carry[c], rl_of_shape(&body, gr_shape_of(body.g, carry[c])));
    if (!gr_scan_end(s)) {
        gr_scan_free(s);
        return GR_NONE;
    }
    for (int c = 0; c < carries; c++)
        if (rl_next(r, 2)) rl_put(r, any = gr_scan_final(s, carry[c]));
    for (int i = 0; i < 3; i++) {
        gr_val v = i == 2 && !any ? sure : rl_any(&body);
        gr_shape shape = gr_shape_of(body.g, v);
        bool leaf = gr__producer(body.g, v)->op->class == GR_CLASS_LEAF;
        for (int c = 0; c < carries; c++) leaf &= v != carry[c];
        if (shape.rank > 0 && shape.rank < GR_MAX_RANK && !leaf) rl_put(r, any = gr_scan_stack(s, v));
    }
    gr_scan_free(s);
    return any;
}

/* A graph of some loops and what is between them, on these values. The last has the rank of none of them: [n]. */
static inline gr_val rl_build(gr_graph *g, gr__rng *rng, const gr_val *x, int n)
{
    random_loop r = {.rng = rng, .g = g};
    for (int i = 0; i < n; i++) r.pool[r.n++] = x[i];
    gr_val out = rl_loop(&r);
    for (int i = rl_next(&r, 6); i > 0; i--) rl_put(&r, rl_next(&r, 2) ? rl_loop(&r) : rl_grown(&r));
    out = gr_reshape(g, out, GR_SHAPE(gr_shape_count(gr_shape_of(g, out))));
    gr_val more = rl_any(&r);
    return gr_concat(g, (gr_val[]){out, gr_reshape(g, more, GR_SHAPE(gr_shape_count(gr_shape_of(g, more))))}, 2, 0);
}

#endif
