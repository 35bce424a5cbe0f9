/* The evaluator: every node once, in order, each result in memory of its own. What is said by others is evaluated as
 * them. */
#include <string.h>

#include "graph/eval.h"
#include "graph/op.h"

typedef struct eval {
    const gr_graph *g;
    gr__leaf_fn leaf;
    void *user;
    const gr_ref *given; /* what leaves that stand in for operands hold */
    uint32_t n_nodes, n_values;
    bool *needed;   /* a node */
    gr_ref *buffer; /* a value, from 1 */
} eval;

static size_t bytes_of(const gr_ref *r)
{
    return (size_t)gr_shape_count(r->shape) * gr__ref_bytes(r->dtype);
}

static gr_status open_eval(eval *e)
{
    gr_context *ctx = gr__graph_context(e->g);
    e->n_nodes = gr__graph_nodes(e->g);
    e->n_values = gr__graph_values(e->g) + 1;
    e->needed = gr__alloc(ctx, e->n_nodes * sizeof *e->needed);
    e->buffer = gr__alloc(ctx, e->n_values * sizeof *e->buffer);
    return e->needed && e->buffer ? GR_OK : GR_E_MEMORY;
}

static void close_eval(eval *e)
{
    gr_context *ctx = gr__graph_context(e->g);
    for (uint32_t v = 1; e->buffer && v < e->n_values; v++)
        gr__free(ctx, e->buffer[v].data, e->buffer[v].data ? bytes_of(&e->buffer[v]) : 0);
    gr__free(ctx, e->buffer, e->n_values * sizeof *e->buffer);
    gr__free(ctx, e->needed, e->n_nodes * sizeof *e->needed);
}

static void need(eval *e, const gr_val *wanted, int n)
{
    for (int i = 0; i < n; i++) e->needed[gr__value(e->g, wanted[i])->node] = true;
    for (uint32_t k = e->n_nodes; k-- > 0;) {
        const gr_node *node = gr__node(e->g, k);
        for (int i = 0; e->needed[k] && i < node->n_in; i++) e->needed[gr__value(e->g, node->in[i])->node] = true;
    }
}

static gr_status fill(const eval *e, const gr_node *n, gr_ref *out)
{
    const double *data = e->leaf ? e->leaf(e->user, e->g, n) : NULL;
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

static gr_status run_all(eval *e, const gr_val *wanted, int n);

/* What the node is said by, of operands at hand. */
static gr_status run_said(const gr_graph *g, const gr_node *n, const gr_ref *in, gr_ref *out)
{
    gr__apart a;
    gr_status st = gr__apart_open(g, n, &a);
    if (st == GR_OK) {
        eval e = {.g = a.g, .given = in};
        st = run_all(&e, a.out, n->n_out);
        for (int o = 0; o < n->n_out && st == GR_OK; o++)
            if (bytes_of(&out[o])) memcpy(out[o].data, e.buffer[a.out[o]].data, bytes_of(&out[o]));
        close_eval(&e);
    }
    gr__apart_close(&a);
    return st;
}

/* ---- loops ---- */

/* Part i of what is stacked. */
static gr_ref part(const gr_ref *stacked, int64_t i)
{
    gr_ref r = {NULL, stacked->dtype, gr__shape_of_step(stacked->shape)};
    r.data = (char *)stacked->data + (size_t)i * bytes_of(&r);
    return r;
}

static void put(gr_ref to, const gr_ref *from)
{
    if (bytes_of(&to)) memcpy(to.data, from->data, bytes_of(&to));
}

/* One step. carried: what the carries are now. in: of the body, room for all operands. */
static gr_status run_step(const gr_node *n, const gr_ref *operand, gr_ref *in, int64_t done, gr_ref *out)
{
    const gr__body *b = n->attr.body;
    int64_t steps = gr__scan_steps(&n->attr), at = gr__scan_reverse(&n->attr) ? steps - 1 - done : done;
    int64_t before = gr__scan_reverse(&n->attr) ? at + 1 : at, after = gr__scan_reverse(&n->attr) ? at : at + 1;
    for (int i = 0; i < b->n_in; i++) {
        in[i] = operand[i];
        if (b->role[i] == GR__ROLE_STEP) in[i] = part(&operand[i], at);
        if (b->role[i] == GR__ROLE_CARRY) in[i] = part(&out[gr__body_states(b, gr__body_carry(b, i))], before);
    }
    gr_effects fx = gr__graph_effects(b->graph);
    gr_val *wanted = gr__alloc(b->ctx, fx.n_outputs * sizeof *wanted);
    if (!wanted) return GR_E_MEMORY;
    for (size_t i = 0; i < fx.n_outputs; i++) wanted[i] = fx.outputs[i].value;
    eval e = {.g = b->graph, .given = in};
    gr_status st = run_all(&e, wanted, (int)fx.n_outputs);
    for (int c = 0; c < b->n_carries && st == GR_OK; c++)
        put(part(&out[gr__body_states(b, c)], after), &e.buffer[wanted[c]]);
    for (int k = 0; k < gr__body_stacks(b) && st == GR_OK; k++)
        put(part(&out[gr__body_stacked(b, k)], at), &e.buffer[wanted[b->n_carries + k]]);
    close_eval(&e);
    gr__free(b->ctx, wanted, fx.n_outputs * sizeof *wanted);
    return st;
}

/* Has the carry that tells so become 0? */
static bool ends(const gr_node *n, const gr_ref *out, int64_t state)
{
    const gr__body *b = n->attr.body;
    int until = gr__scan_until(&n->attr);
    return until >= 0 && *(const double *)part(&out[gr__body_states(b, until)], state).data == 0;
}

static gr_status run_loop(const gr_node *n, const gr_ref *operand, gr_ref *out)
{
    const gr__body *b = n->attr.body;
    gr_status st = GR_OK;
    int64_t steps = gr__scan_steps(&n->attr), state = gr__scan_reverse(&n->attr) ? steps : 0, done = 0;
    gr_ref *in = gr__alloc(b->ctx, (size_t)b->n_in * sizeof *in);
    if (!in) return GR_E_MEMORY;
    for (int c = 0; c < b->n_carries; c++)
        put(part(&out[gr__body_states(b, c)], state), &operand[gr__body_operand(b, c)]);
    do {
        st = run_step(n, operand, in, done++, out);
        state += gr__scan_reverse(&n->attr) ? -1 : 1;
    } while (st == GR_OK && done < steps && !ends(n, out, state));
    for (int c = 0; c < b->n_carries; c++) {
        gr_ref last = part(&out[gr__body_states(b, c)], state);
        put(out[gr__body_final(b, c)], &last);
    }
    gr__free(b->ctx, in, (size_t)b->n_in * sizeof *in);
    return st;
}

/* ---- nodes ---- */

static gr_status compute(const eval *e, const gr_node *n, gr_ref *out)
{
    gr_context *ctx = gr__graph_context(e->g);
    gr_status st = GR_OK;
    gr_ref *in = gr__alloc(ctx, (size_t)n->n_in * sizeof *in);
    if (!in) return GR_E_MEMORY;
    for (int i = 0; i < n->n_in; i++) in[i] = e->buffer[n->in[i]];
    if (n->op->ref)
        n->op->ref(e->g, n, in, out);
    else if (n->op->class == GR_CLASS_LOOP)
        st = run_loop(n, in, out);
    else
        st = run_said(e->g, n, in, out);
    gr__free(ctx, in, (size_t)n->n_in * sizeof *in);
    return st;
}

static gr_status run(eval *e, const gr_node *n)
{
    gr_ref *out = &e->buffer[n->out];
    int number;
    for (int o = 0; o < n->n_out; o++) {
        const gr_value *v = gr__value(e->g, n->out + (gr_val)o);
        out[o].dtype = v->dtype;
        out[o].shape = v->shape;
        out[o].data = gr__alloc(gr__graph_context(e->g), bytes_of(&out[o]));
        if (!out[o].data) return GR_E_MEMORY;
    }
    if (n->op->ref || n->op->decompose || n->attr.body) return compute(e, n, out);
    if (!gr__stands_in(n, &number)) return fill(e, n, out);
    if (!e->given)
        return gr__fail(gr__graph_context(e->g), GR_E_USAGE, "an unknown is read outside of its fixed point");
    if (bytes_of(out)) memcpy(out->data, e->given[number].data, bytes_of(out));
    return GR_OK;
}

static gr_status run_all(eval *e, const gr_val *wanted, int n)
{
    gr_status st = open_eval(e);
    if (st != GR_OK) return st;
    need(e, wanted, n);
    for (uint32_t k = 0; k < e->n_nodes && st == GR_OK; k++)
        if (e->needed[k]) st = run(e, gr__node(e->g, k));
    return st;
}

gr_status gr__eval(const gr_graph *g, const gr_val *wanted, int n, gr__leaf_fn leaf, void *user, double *const *results)
{
    gr_status st = gr_graph_status(g);
    if (st != GR_OK) return st;
    for (int i = 0; i < n; i++)
        if (wanted[i] == GR_NONE || wanted[i] > gr__graph_values(g))
            return gr__fail(gr__graph_context(g), GR_E_USAGE, "value %d is not of this graph", i + 1);
    eval e = {.g = g, .leaf = leaf, .user = user};
    st = run_all(&e, wanted, n);
    for (int i = 0; i < n && st == GR_OK; i++) {
        const gr_ref *r = &e.buffer[wanted[i]];
        int64_t count = gr_shape_count(r->shape);
        for (int64_t j = 0; j < count; j++) results[i][j] = gr__ref_get(r, j);
    }
    close_eval(&e);
    return st;
}
