/* The evaluator: every node once, in order, each result in memory of its own. */
#include <string.h>

#include "graph/eval.h"
#include "graph/op.h"

typedef struct eval {
    const gr_graph *g;
    uint32_t n_nodes, n_values;
    bool *needed;   /* a node */
    gr_ref *buffer; /* a value, from 1 */
} eval;

static size_t bytes_of(const gr_ref *r)
{
    return (size_t)gr_shape_count(r->shape) * gr__ref_bytes(r->dtype);
}

static void need(eval *e, const gr_val *wanted, int n)
{
    for (int i = 0; i < n; i++) e->needed[gr__value(e->g, wanted[i])->node] = true;
    for (uint32_t k = e->n_nodes; k-- > 0;) {
        const gr_node *node = gr__node(e->g, k);
        for (int i = 0; e->needed[k] && i < node->n_in; i++) e->needed[gr__value(e->g, node->in[i])->node] = true;
    }
}

static gr_status fill(const eval *e, const gr_node *n, gr__leaf_fn leaf, void *user, gr_ref *out)
{
    const double *data = leaf ? leaf(user, e->g, n) : NULL;
    int64_t count = gr_shape_count(out->shape);
    if (!data)
        return gr__fail(gr__graph_context(e->g), GR_E_MISSING, "%s \"%s\" has no values", n->op->name, n->attr.name);
    for (int64_t i = 0; i < count; i++) {
        if (out->dtype == GR_I32)
            ((int32_t *)out->data)[i] = (int32_t)data[i];
        else if (out->dtype == GR_U8)
            ((uint8_t *)out->data)[i] = (uint8_t)data[i];
        else
            ((double *)out->data)[i] = data[i];
    }
    return GR_OK;
}

static gr_status run(eval *e, const gr_node *n, gr__leaf_fn leaf, void *user)
{
    gr_context *ctx = gr__graph_context(e->g);
    gr_ref *out = &e->buffer[n->out];
    for (int o = 0; o < n->n_out; o++) {
        const gr_value *v = gr__value(e->g, n->out + (gr_val)o);
        out[o].dtype = v->dtype;
        out[o].shape = v->shape;
        out[o].data = gr__alloc(ctx, bytes_of(&out[o]));
        if (!out[o].data) return GR_E_MEMORY;
    }
    if (!n->op->ref) return fill(e, n, leaf, user, out);
    gr_ref *in = gr__alloc(ctx, (size_t)n->n_in * sizeof *in);
    if (!in) return GR_E_MEMORY;
    for (int i = 0; i < n->n_in; i++) in[i] = e->buffer[n->in[i]];
    n->op->ref(e->g, n, in, out);
    gr__free(ctx, in, (size_t)n->n_in * sizeof *in);
    return GR_OK;
}

gr_status gr__eval(const gr_graph *g, const gr_val *wanted, int n, gr__leaf_fn leaf, void *user, double *const *results)
{
    gr_context *ctx = gr__graph_context(g);
    eval e = {g, gr__graph_nodes(g), gr__graph_values(g) + 1, NULL, NULL};
    gr_status st = gr_graph_status(g);
    if (st != GR_OK) return st;
    for (int i = 0; i < n; i++)
        if (wanted[i] == GR_NONE || wanted[i] >= e.n_values)
            return gr__fail(ctx, GR_E_USAGE, "value %d is not of this graph", i + 1);
    e.needed = gr__alloc(ctx, e.n_nodes * sizeof *e.needed);
    e.buffer = gr__alloc(ctx, e.n_values * sizeof *e.buffer);
    if (!e.needed || !e.buffer) {
        st = GR_E_MEMORY;
        goto done;
    }
    need(&e, wanted, n);
    for (uint32_t k = 0; k < e.n_nodes; k++)
        if (e.needed[k]) GR_TRY(run(&e, gr__node(g, k), leaf, user));
    for (int i = 0; i < n; i++) {
        const gr_ref *r = &e.buffer[wanted[i]];
        int64_t count = gr_shape_count(r->shape);
        for (int64_t j = 0; j < count; j++) results[i][j] = gr__ref_get(r, j);
    }
done:
    for (uint32_t v = 1; e.buffer && v < e.n_values; v++)
        gr__free(ctx, e.buffer[v].data, e.buffer[v].data ? bytes_of(&e.buffer[v]) : 0);
    gr__free(ctx, e.buffer, e.n_values * sizeof *e.buffer);
    gr__free(ctx, e.needed, e.n_nodes * sizeof *e.needed);
    return st;
}
