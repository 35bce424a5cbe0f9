/* Verification: whether what builders guarantee holds for every node, whoever made it. */
#include <string.h>

#include "graph/op.h"

/* In its table, or of a code that says that it is in none. */
static bool known_op(const gr_op *op)
{
    for (int c = 0; c < GR_OP_COUNT; c++)
        if (op == gr__op((gr_opcode)c)) return (int)op->code == c;
    return op && op->code == GR_OP_COUNT;
}

static gr_status wrong(const gr_graph *g, uint32_t k, const char *what)
{
    const gr_node *n = gr__node(g, k);
    return gr__fail(g->ctx, GR_E_INTERNAL, "%s%snode %u (%s): %s", n->scope ? n->scope : "",
                    n->scope && n->scope[0] ? ": " : "", k, known_op(n->op) ? n->op->name : "?", what);
}

static bool same_value(const gr_value *a, const gr_value *b)
{
    return a->dtype == b->dtype && gr__shape_equal(a->shape, b->shape);
}

/* The shape rule once more. It reports through the graph's sticky status, which is put back: verifying changes nothing.
 */
static gr_status infer_again(gr_graph *g, const gr_node *n, gr_value *out)
{
    const char *scope = g->scope;
    g->op = n->op;
    g->scope = n->scope;
    bool good = gr__shape_check(g, out->shape) && gr__op_infer(g, n->op, &n->attr, n->in, n->n_in, out);
    gr_status st = good ? GR_OK : g->status;
    g->status = GR_OK;
    g->op = NULL;
    g->scope = scope;
    return st;
}

static gr_status check_structure(const gr_graph *g, uint32_t k)
{
    const gr_node *n = gr__node(g, k);
    if (!known_op(n->op)) return wrong(g, k, "unknown operation");
    if (n->n_out != gr__op_outputs(n->op, &n->attr)) return wrong(g, k, "wrong number of outputs");
    if (n->op->n_in >= 0 ? n->n_in != n->op->n_in : n->n_in < 1) return wrong(g, k, "wrong number of operands");
    if (n->out == GR_NONE || n->out + (gr_val)n->n_out - 1 > g->n_values) return wrong(g, k, "outputs are no values");
    for (int i = 0; i < n->n_in; i++)
        if (n->in[i] == GR_NONE || n->in[i] >= n->out) return wrong(g, k, "an operand does not come before it");
    for (int o = 0; o < n->n_out; o++) {
        const gr_value *v = gr__value(g, n->out + (gr_val)o);
        if (v->node != k || v->out != o) return wrong(g, k, "an output belongs to another node");
        if (v->shape.rank < 0 || v->shape.rank > GR_MAX_RANK || gr_shape_count(v->shape) < 0)
            return wrong(g, k, "an output has an impossible shape");
    }
    bool named = gr__op_named(n->op);
    if (named != (n->attr.name != NULL)) return wrong(g, k, named ? "it has no name" : "it must not have a name");
    if (!gr__attr_fits(n->op, &n->attr)) return wrong(g, k, "an attribute is set that none of its fields names");
    return GR_OK;
}

static gr_status check_node(gr_graph *g, uint32_t k)
{
    gr_status st = check_structure(g, k);
    if (st != GR_OK) return st;
    const gr_node *n = gr__node(g, k);
    gr_value *out = gr__results(g, n->n_out, gr__value(g, n->out)); /* what builders give as a hint */
    if (!out) return gr__error_code(g->ctx);
    st = infer_again(g, n, out);
    if (st != GR_OK) return st;
    for (int o = 0; o < n->n_out; o++)
        if (!same_value(&out[o], gr__value(g, n->out + (gr_val)o)))
            return wrong(g, k, "an output is not what the shape rule says");
    return GR_OK;
}

static bool is_value(const gr_graph *g, gr_val v)
{
    return v != GR_NONE && v <= g->n_values;
}

static gr_status check_effects(const gr_graph *g)
{
    gr_effects e = gr__graph_effects(g);
    for (size_t i = 0; i < e.n_assigns; i++) {
        const gr_assignment *a = &e.assigns[i];
        if (!is_value(g, a->target) || !is_value(g, a->value))
            return gr__fail(g->ctx, GR_E_INTERNAL, "assign %zu: not a value", i);
        if (gr__producer(g, a->target)->op->kept != GR__KEPT_STORE ||
            !same_value(gr__value(g, a->target), gr__value(g, a->value)))
            return gr__fail(g->ctx, GR_E_INTERNAL, "assign %zu: %%%u cannot take %%%u", i, a->target, a->value);
        if (a->guard && (!is_value(g, a->guard) || gr_shape_of(g, a->guard).rank != 0))
            return gr__fail(g->ctx, GR_E_INTERNAL, "assign %zu: %%%u is no guard", i, a->guard);
        for (size_t j = 0; j < i; j++)
            if (e.assigns[j].target == a->target)
                return gr__fail(g->ctx, GR_E_INTERNAL, "assign %zu: %%%u is assigned twice", i, a->target);
    }
    for (size_t i = 0; i < e.n_gradients; i++) {
        const gr_gradient_mark *m = &e.gradients[i];
        if (!is_value(g, m->param) || !is_value(g, m->gradient) || gr__producer(g, m->param)->op->code != GR_OP_PARAM ||
            !same_value(gr__value(g, m->param), gr__value(g, m->gradient)))
            return gr__fail(g->ctx, GR_E_INTERNAL, "gradient %zu: %%%u is not of %%%u", i, m->gradient, m->param);
    }
    for (size_t i = 0; i < e.n_outputs; i++)
        if (!e.outputs[i].name || !is_value(g, e.outputs[i].value))
            return gr__fail(g->ctx, GR_E_INTERNAL, "output %zu: not a value", i);
    if (e.guard != GR_NONE && (!is_value(g, e.guard) || gr_shape_of(g, e.guard).rank != 0))
        return gr__fail(g->ctx, GR_E_INTERNAL, "guard: not a rank-0 value");
    return GR_OK;
}

/* Feeds have names of their own; params and slots share the names of the store. */
static gr_status check_unique(const gr_graph *g, uint32_t k)
{
    const gr_node *n = gr__node(g, k);
    if (n->op->kept == GR__KEPT_NOWHERE) return GR_OK;
    for (uint32_t j = 0; j < k; j++) {
        const gr_node *m = gr__node(g, j);
        if (m->op->kept == n->op->kept && strcmp(m->attr.name, n->attr.name) == 0)
            return wrong(g, k, "there is another leaf of its name");
    }
    return GR_OK;
}

static gr_status verify_body(const gr_graph *g, uint32_t k, const gr__body *b, void *user)
{
    (void)user;
    for (uint32_t j = 0; j < gr__graph_nodes(b->graph); j++)
        if (gr__node(b->graph, j)->op->kept != GR__KEPT_NOWHERE) return wrong(g, k, "a leaf of its body has a name");
    return gr_graph_verify(b->graph);
}

gr_status gr_graph_verify(const gr_graph *graph)
{
    if (graph->status != GR_OK) return graph->status;
    gr_graph *g = (gr_graph *)(uintptr_t)graph;
    for (uint32_t k = 0; k < gr__graph_nodes(g); k++) {
        gr_status st = check_node(g, k);
        if (st == GR_OK) st = check_unique(g, k);
        if (st != GR_OK) return st;
    }
    gr_status st = gr__graph_each_body(g, verify_body, NULL);
    return st == GR_OK ? check_effects(g) : st;
}
