/* How fixed points are found: a loop that evaluates f once a step and ends as soon as every sample is done, or after
 * `max` steps. Samples are solved each by itself, and one that is done changes no more, so what is found for it depends
 * on no other. With F = f(z) and G = F - z, all [samples, numbers]:
 *
 *   residual  |G| / (1e-5 + |F|); of a gradient |G| / |F|
 *   result    F of the step with the least residual
 *
 *   iterate   z' = F
 *   anderson  z' = sum_i a_i F_i over the last values, a minimising |sum_i a_i G_i|^2 + c |a|^2, sum_i a_i = 1, where c
 *             is 1e-4 of the mean of |G_i|^2: an absolute one would leave nothing but an average near the solution
 *   broyden   z' = z - J G with the inverse Jacobian J = -1 + sum_i u_i v_i^T. A step by s that changed G by d adds
 *             v^T = s^T J,  u = (s - J d) / (v^T d), and the oldest pair is forgotten                [Bai et al. 2019]
 */
#include "graph/fixed_point.h"

#include <math.h>

typedef struct solve {
    gr_graph *b; /* of the loop's body */
    gr_scan *s;
    gr__solving how;
    gr_shape rows; /* of z: [samples, numbers] */
    gr_val zeros;  /* rows, in the graph of the loop */
    gr_val f, g;   /* F and G of this step */
} solve;

/* ---- arithmetic of rows ---- */

/* [samples] */
static gr_val dot(const solve *p, gr_val x, gr_val y)
{
    return gr_sum(p->b, gr_mul(p->b, x, y), (int[]){1}, 1, false);
}

/* x times what is one number a sample */
static gr_val scaled(const solve *p, gr_val x, gr_val each)
{
    return gr_mul(p->b, x, gr_reshape(p->b, each, GR_SHAPE(p->rows.dim[0], 1)));
}

/* condition, one a sample: x or y */
static gr_val chosen(const solve *p, gr_val condition, gr_val x, gr_val y)
{
    gr_val each = gr_reshape(p->b, condition, GR_SHAPE(p->rows.dim[0], 1));
    return gr_select(p->b, gr_broadcast(p->b, each, p->rows), x, y);
}

static gr_val sum_of(const solve *p, const gr_val *x, int n)
{
    gr_val sum = x[0];
    for (int i = 1; i < n; i++) sum = gr_add(p->b, sum, x[i]);
    return sum;
}

/* x / y where y is not 0, else 0 */
static gr_val ratio(const solve *p, gr_val x, gr_val y)
{
    gr_val zero = gr_const(p->b, 0), none = gr_equal(p->b, y, zero);
    return gr_select(p->b, none, zero, gr_div(p->b, x, gr_select(p->b, none, gr_const(p->b, 1), y)));
}

/* ---- what is kept from step to step ---- */

/* The newest first; zeros where there was no step yet. */
typedef struct history {
    gr_val kept[GR__MAX_WINDOW];
    int n;
} history;

static history open_history(const solve *p, int n)
{
    history h = {.n = n};
    for (int i = 0; i < n; i++) h.kept[i] = gr_scan_carry(p->s, p->zeros);
    return h;
}

static void push(const solve *p, const history *h, gr_val newest)
{
    for (int i = 0; i < h->n; i++) gr_scan_next(p->s, h->kept[i], i ? h->kept[i - 1] : newest);
}

/* ---- Anderson ---- */

/* The symmetric positive definite system a[i][j] x[j] = right[i], one a sample, by elimination; x in right. */
static void eliminate(const solve *p, gr_val a[GR__MAX_WINDOW][GR__MAX_WINDOW], gr_val *right, int n)
{
    gr_graph *b = p->b;
    for (int k = 0; k < n; k++)
        for (int i = k + 1; i < n; i++) {
            gr_val factor = gr_div(b, a[k][i], a[k][k]);
            for (int j = i; j < n; j++) a[i][j] = gr_sub(b, a[i][j], gr_mul(b, factor, a[k][j]));
            right[i] = gr_sub(b, right[i], gr_mul(b, factor, right[k]));
        }
    for (int k = n; k-- > 0;) {
        for (int j = k + 1; j < n; j++) right[k] = gr_sub(b, right[k], gr_mul(b, a[k][j], right[j]));
        right[k] = gr_div(b, right[k], a[k][k]);
    }
}

/* The shares of G_0 .. G_n-1. One that is 0, as there was no such step yet, has none. */
static void shares(const solve *p, const gr_val *g, int n, gr_val *share)
{
    gr_graph *b = p->b;
    gr_val a[GR__MAX_WINDOW][GR__MAX_WINDOW] = {{GR_NONE}}, diagonal[GR__MAX_WINDOW] = {GR_NONE}, one = gr_const(b, 1);
    for (int i = 0; i < n; i++)
        for (int j = i; j < n; j++) a[i][j] = dot(p, g[i], g[j]);
    for (int i = 0; i < n; i++) {
        diagonal[i] = a[i][i];
        share[i] = gr_less(b, gr_const(b, 0), a[i][i]);
    }
    gr_val mean = gr_div(b, sum_of(p, diagonal, n), gr_max(b, sum_of(p, share, n), one));
    gr_val damping = gr_mul(b, mean, gr_const(b, 1e-4));
    for (int i = 0; i < n; i++) a[i][i] = gr_add(b, gr_add(b, a[i][i], damping), gr_sub(b, one, share[i]));
    eliminate(p, a, share, n);
    gr_val sum = sum_of(p, share, n);
    for (int i = 0; i < n; i++) share[i] = ratio(p, share[i], sum);
}

static gr_val anderson(const solve *p)
{
    int n = (int)p->how.window;
    history f = open_history(p, n - 1), g = open_history(p, n - 1);
    gr_val all_f[GR__MAX_WINDOW] = {p->f}, all_g[GR__MAX_WINDOW] = {p->g}, share[GR__MAX_WINDOW] = {GR_NONE};
    for (int i = 1; i < n; i++) {
        all_f[i] = f.kept[i - 1];
        all_g[i] = g.kept[i - 1];
    }
    shares(p, all_g, n, share);
    for (int i = 0; i < n; i++) all_f[i] = scaled(p, all_f[i], share[i]);
    push(p, &f, p->f);
    push(p, &g, p->g);
    return sum_of(p, all_f, n);
}

/* ---- Broyden ---- */

/* J x of the first n pairs, or x^T J: then u and v change places. */
static gr_val inverse(const solve *p, const gr_val *u, const gr_val *v, int n, gr_val x)
{
    gr_val y = gr_neg(p->b, x);
    for (int i = 0; i < n; i++) y = gr_add(p->b, y, scaled(p, u[i], dot(p, v[i], x)));
    return y;
}

static gr_val broyden(const solve *p, gr_val z)
{
    gr_graph *b = p->b;
    int n = (int)p->how.window - 1;
    history old_u = open_history(p, n), old_v = open_history(p, n);
    gr_val before = gr_scan_carry(p->s, p->zeros), step = gr_scan_carry(p->s, p->zeros);
    gr_val change = gr_sub(b, p->g, before), u[GR__MAX_WINDOW], v[GR__MAX_WINDOW];
    for (int i = 0; i < n; i++) {
        u[i + 1] = old_u.kept[i];
        v[i + 1] = old_v.kept[i];
    }
    v[0] = inverse(p, v + 1, u + 1, n, step); /* 0 in the first step: no pair comes of it */
    gr_val missed = gr_sub(b, step, inverse(p, u + 1, v + 1, n, change));
    u[0] = scaled(p, missed, ratio(p, gr_const(b, 1), dot(p, v[0], change)));
    gr_val next = gr_neg(b, inverse(p, u, v, n + 1, p->g));
    push(p, &old_u, u[0]);
    push(p, &old_v, v[0]);
    gr_scan_next(p->s, before, p->g);
    gr_scan_next(p->s, step, next);
    return gr_add(b, z, next);
}

/* ---- a step ---- */

typedef struct told { /* carries: the best of each sample, and what tells of it */
    gr_val best, residual, iterations, waiting;
} told;

/* f at z, whose operands are given to the loop. */
static gr_val evaluate(const solve *p, const gr__body *body, const gr_val *in, gr_val z, gr_shape shape)
{
    gr_context *ctx = gr__graph_context(p->b);
    size_t bytes = (gr__graph_values(body->graph) + 1) * sizeof(gr_val);
    gr_val *map = gr__alloc(ctx, bytes), f = GR_NONE;
    if (!map) return gr_graph_fail(p->b, GR_E_MEMORY, "no memory for its body");
    map[body->leaf[0]] = gr_reshape(p->b, z, shape);
    for (int i = 1; i < body->n_in; i++) map[body->leaf[i]] = gr_scan_given(p->s, in[i]);
    if (gr__graph_copy(p->b, body->graph, NULL, map) == GR_OK)
        f = gr_reshape(p->b, map[gr__body_next(body, 0)], p->rows);
    gr__free(ctx, map, bytes);
    return f;
}

/* Of a value whose length overflows it is infinite: what is left over of infinity would be nothing. */
static gr_val residual_of(const solve *p)
{
    gr_graph *b = p->b;
    gr_val size = gr_sqrt(b, dot(p, p->f, p->f)), left = gr_sqrt(b, dot(p, p->g, p->g));
    gr_val share = p->how.linear ? ratio(p, left, size) : gr_div(b, left, gr_add(b, size, gr_const(b, 1e-5)));
    gr_val infinite = gr_const(b, INFINITY);
    return gr_select(b, gr_equal(b, size, infinite), infinite, share);
}

/* Takes what is better. A first value that is no number is taken as it is, and stays: it is for others to find. */
static gr_val keep_best(const solve *p, const told *t)
{
    gr_graph *b = p->b;
    gr_val tolerance = gr_const(b, p->how.tolerance), one = gr_const(b, 1), residual = residual_of(p),
           first = gr_equal(b, t->iterations, gr_const(b, 0)),
           waits = gr_max(b, first, gr_less(b, tolerance, t->residual));
    gr_val better = gr_mul(b, waits, gr_max(b, first, gr_less(b, residual, t->residual)));
    gr_val least = gr_select(b, better, residual, t->residual), goes_on = gr_less(b, tolerance, least);
    gr_scan_next(p->s, t->best, chosen(p, better, p->f, t->best));
    gr_scan_next(p->s, t->residual, least);
    gr_scan_next(p->s, t->iterations, gr_select(b, waits, gr_add(b, t->iterations, one), t->iterations));
    gr_scan_next(p->s, t->waiting, gr_reshape(b, gr_sum(b, goes_on, (int[]){0}, 1, true), GR_SHAPE(1)));
    return goes_on;
}

static void build_step(solve *p, const gr__body *body, const gr_val *in, gr_val z, gr_shape shape, const told *t)
{
    p->f = evaluate(p, body, in, z, shape);
    p->g = gr_sub(p->b, p->f, z);
    gr_val goes_on = keep_best(p, t), next = p->f;
    if (p->how.solver == GR_SOLVE_ANDERSON) next = anderson(p);
    if (p->how.solver == GR_SOLVE_BROYDEN) next = broyden(p, z);
    gr_scan_next(p->s, z, chosen(p, goes_on, next, z));
}

static gr_shape rows_of(gr_shape shape)
{
    int64_t numbers = 1;
    for (int i = 1; i < shape.rank; i++) numbers *= shape.dim[i];
    return GR_SHAPE(shape.dim[0], numbers);
}

void gr__fixed_point_solve(gr_graph *g, const gr_attr *attr, const gr_val *in, int n_in, gr_val *out)
{
    gr_shape shape = gr_shape_of(g, in[0]), each = GR_SHAPE(shape.dim[0]);
    solve p = {.how = gr__solving_of(attr), .rows = rows_of(shape)};
    gr_val zero = gr_const(g, 0), none = gr_broadcast(g, zero, each);
    (void)n_in;
    p.zeros = gr_broadcast(g, zero, p.rows);
    p.s = gr_scan_begin(g, p.how.max, false);
    if (!p.s) return;
    p.b = gr_scan_body(p.s);
    gr_val z = gr_scan_carry(p.s, gr_reshape(g, in[0], p.rows));
    const told t = {gr_scan_carry(p.s, p.zeros), gr_scan_carry(p.s, none), gr_scan_carry(p.s, none),
                    gr_scan_carry(p.s, gr_broadcast(g, zero, GR_SHAPE(1)))};
    build_step(&p, attr->body, in, z, shape, &t);
    gr__scan_end_at(p.s, t.waiting);
    if (gr_scan_end(p.s)) {
        out[0] = gr_reshape(g, gr_scan_final(p.s, t.best), shape);
        out[1] = gr_scan_final(p.s, t.residual);
        out[2] = gr_scan_final(p.s, t.iterations);
    }
    gr_scan_free(p.s);
}
