/* Decompositions against what an operation says of itself: the node and what it is said by are built on the same
 * leaves, of random numbers, and compared: values where the operation has arithmetic, pullbacks of a random signed
 * cotangent where it has a gradient rule. An operation that has neither is what it is said by: nothing to compare. */
#ifndef GR_TESTS_SAIDCHECK_H
#define GR_TESTS_SAIDCHECK_H

#include "graph/gradcheck.h"
#include "graph/op.h"

typedef struct saidcheck_result {
    double values,
        gradients;     /* worst errors, relative to the largest of the tensor; infinite where only one is finite */
    uint64_t elements; /* numbers compared */
} saidcheck_result;

static inline gr_status saidcheck_compare(gradcheck_data *d, gr_val a, gr_val b, double *worst, uint64_t *elements)
{
    size_t count = (size_t)gr_shape_count(gr_shape_of(d->g, a));
    double *x = gr__alloc(d->ctx, 2 * count * sizeof *x), *y = x + count, scale = 0;
    if (!x) return GR_E_MEMORY;
    gr_status st = gr__eval(d->g, (gr_val[]){a, b}, 2, gradcheck_find, d, (double *const[]){x, y});
    for (size_t e = 0; e < count && st == GR_OK; e++) scale = fmax(scale, fmax(fabs(x[e]), fabs(y[e])));
    for (size_t e = 0; e < count && st == GR_OK; e++) {
        double error = fabs(x[e] - y[e]) / fmax(scale, 1e-3);
        *worst = isfinite(error) ? fmax(*worst, error) : INFINITY;
        ++*elements;
    }
    gr__free(d->ctx, x, 2 * count * sizeof *x);
    return st;
}

static inline gr_status saidcheck_pull(gradcheck_data *d, const gr_op *op, const gr_val *own, const gr_val *said,
                                       const gr_val *in, int n_in, saidcheck_result *r)
{
    gr_graph *g = d->g;
    gr_val y[GRADCHECK_INPUTS], z[GRADCHECK_INPUTS], v[GRADCHECK_INPUTS], x[GRADCHECK_INPUTS], dy[GRADCHECK_INPUTS],
        dz[GRADCHECK_INPUTS];
    int n_y = 0, n_x = 0;
    for (int o = 0; o < op->n_out && n_y < GRADCHECK_INPUTS; o++)
        if (gr_dtype_of(g, own[o]) == GR_REAL)
            y[n_y] = own[o], z[n_y] = said[o], v[n_y] = gradcheck_cotangent(d, own[o]), n_y++;
    for (int i = 0; i < n_in; i++)
        if (gr_dtype_of(g, in[i]) == GR_REAL) x[n_x++] = in[i];
    gr_status st = gr_pullback(g, y, v, n_y, x, n_x, dy);
    if (st == GR_OK) st = gr_pullback(g, z, v, n_y, x, n_x, dz);
    for (int i = 0; i < n_x && st == GR_OK; i++) st = saidcheck_compare(d, dy[i], dz[i], &r->gradients, &r->elements);
    return st;
}

/* Leaves of the operands' types; integers are small, some of them no index of anything. */
static inline bool saidcheck_leaves(gradcheck_data *d, const gr_graph *of, const gr_node *n, double low, double high,
                                    gr_val *in)
{
    for (int i = 0; i < n->n_in; i++) {
        const gr_value *t = gr__value(of, n->in[i]);
        in[i] = gradcheck_leaf(d, 'x', t->shape);
        if (t->dtype != GR_REAL) {
            char name[16];
            snprintf(name, sizeof name, "i%d", i);
            strcpy(d->name[d->n - 1], name);
            in[i] = gr_feed(d->g, name, t->dtype, t->shape);
        }
        if (!in[i]) return false;
        for (int64_t e = 0; e < d->count[d->n - 1]; e++)
            d->data[d->n - 1][e] = t->dtype == GR_REAL ? low + (high - low) * gr__rng_uniform(&d->rng)
                                                       : (double)gr__rng_below(&d->rng, 5) - (t->dtype == GR_I32);
    }
    return true;
}

static inline gr_status saidcheck_parts(gradcheck_data *d, const gr_graph *of, const gr_node *n, double low,
                                        double high, saidcheck_result *r)
{
    gr_val in[GRADCHECK_INPUTS], own[GRADCHECK_INPUTS], said[GRADCHECK_INPUTS];
    const gr_value *types = gr__value(of, n->out);
    if (!saidcheck_leaves(d, of, n, low, high, in)) return GR_E_MEMORY;
    gr_val first = gr__node_make(d->g, n->op, in, n->n_in, &n->attr, types);
    for (int o = 0; o < n->n_out; o++) own[o] = gr__node_output(d->g, first, o);
    if (!first || !gr__decompose(d->g, n->op, &n->attr, in, n->n_in, types, said)) return gr_graph_status(d->g);
    gr_status st = GR_OK;
    for (int o = 0; o < n->n_out && n->op->ref && st == GR_OK; o++)
        st = saidcheck_compare(d, own[o], said[o], &r->values, &r->elements);
    if (st == GR_OK && n->op->gradient && n->op->gradient != gr__no_gradient)
        st = saidcheck_pull(d, n->op, own, said, in, n->n_in, r);
    return st;
}

/* n of graph `of`, whose operation has a decomposition; operands between low and high. */
static inline gr_status saidcheck(gr_context *ctx, const gr_graph *of, const gr_node *n, double low, double high,
                                  saidcheck_result *r)
{
    gradcheck_data d = {.ctx = ctx, .rng = gr__rng_make(11, n->op->name, 0, 0)};
    *r = (saidcheck_result){0, 0, 0};
    if (n->n_in > GRADCHECK_INPUTS || n->n_out > GRADCHECK_INPUTS)
        return gr__fail(ctx, GR_E_INTERNAL, "%s: too many operands or results to check", n->op->name);
    gr_status st = gr_graph_create(ctx, &d.g);
    if (st == GR_OK) st = saidcheck_parts(&d, of, n, low, high, r);
    for (int i = 0; i < d.n; i++) gr__free(ctx, d.data[i], (size_t)d.count[i] * sizeof(double));
    gr_graph_destroy(d.g);
    return st;
}

#endif
