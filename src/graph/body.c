/* Bodies of loops: made once, held by all graphs that use them, equal ones found by comparing them node by node. */
#include <string.h>

#include "graph/op.h"

gr__body *gr__body_create(gr_context *ctx, gr_graph *graph, const gr__role *role, int n_in)
{
    gr__body *b = gr__alloc(ctx, sizeof *b);
    if (!b) {
        gr_graph_destroy(graph);
        return NULL;
    }
    *b = (gr__body){.ctx = ctx, .graph = graph, .refs = 1, .n_in = n_in};
    b->role = gr__alloc(ctx, (size_t)n_in * sizeof *b->role);
    b->leaf = gr__alloc(ctx, (size_t)n_in * sizeof *b->leaf);
    if (!b->role || !b->leaf) {
        gr__body_release(b);
        return NULL;
    }
    for (int i = 0; i < n_in; i++) {
        b->role[i] = role[i];
        b->n_carries += role[i] == GR__ROLE_CARRY;
    }
    for (uint32_t k = 0; k < gr__graph_nodes(graph); k++) {
        int number;
        if (gr__stands_in(gr__node(graph, k), &number)) b->leaf[number] = gr__node(graph, k)->out;
    }
    return b;
}

void gr__body_release(const gr__body *body)
{
    gr__body *b = (gr__body *)(uintptr_t)body;
    if (!b || --b->refs > 0) return;
    gr_graph_destroy(b->graph);
    gr__free(b->ctx, b->role, (size_t)b->n_in * sizeof *b->role);
    gr__free(b->ctx, b->leaf, (size_t)b->n_in * sizeof *b->leaf);
    gr__free(b->ctx, b, sizeof *b);
}

gr_status gr__graph_copy(gr_graph *to, const gr_graph *from, const bool *which, gr_val *map)
{
    const char *scope = to->scope;
    int widest = 1;
    for (uint32_t k = 0; k < gr__graph_nodes(from); k++) widest = GR_MAX(widest, gr__node(from, k)->n_in);
    gr_val *in = gr__alloc(to->ctx, (size_t)widest * sizeof *in);
    if (!in) return gr__error_code(to->ctx);
    for (uint32_t k = 0; k < gr__graph_nodes(from) && to->status == GR_OK; k++) {
        const gr_node *n = gr__node(from, k);
        if ((which && !which[k]) || map[n->out]) continue;
        for (int i = 0; i < n->n_in; i++) in[i] = map[n->in[i]];
        gr__scope_set(to, n->scope);
        gr_val v = gr__node_copy(to, from, n, in);
        for (int o = 0; v && o < n->n_out; o++) map[n->out + (gr_val)o] = gr__node_output(to, v, o);
    }
    gr__scope_set(to, scope);
    gr__free(to->ctx, in, (size_t)widest * sizeof *in);
    return to->status;
}

gr_status gr__graph_each_body(const gr_graph *g, gr__body_fn visit, void *user)
{
    gr_status st = GR_OK;
    for (uint32_t k = 0; k < gr__graph_nodes(g) && st == GR_OK; k++)
        if (gr__node(g, k)->attr.body) st = visit(g, k, gr__node(g, k)->attr.body, user);
    return st;
}

/* ---- equal bodies ---- */

static bool equal(const gr__body *a, const gr__body *b);

/* Attributes but for names and bodies, which are interned by either graph, and numbers of tensors. */
static bool equal_attributes(const gr_graph *g, const gr_node *n, const gr_graph *h, const gr_node *m)
{
    gr_attr a = n->attr, b = m->attr;
    if ((a.name == NULL) != (b.name == NULL) || (a.name && strcmp(a.name, b.name) != 0)) return false;
    if (a.body != b.body && !(a.body && b.body && equal(a.body, b.body))) return false;
    if (n->op->code == GR_OP_TENSOR) {
        int64_t count, other;
        const double *x = gr__const_tensor(g, a.i[0], &count), *y = gr__const_tensor(h, b.i[0], &other);
        return count == other && memcmp(x, y, (size_t)count * sizeof *x) == 0;
    }
    a.name = b.name = NULL;
    a.body = b.body = NULL;
    return memcmp(&a, &b, sizeof a) == 0;
}

static bool equal_nodes(const gr_graph *g, const gr_node *n, const gr_graph *h, const gr_node *m)
{
    if (n->op != m->op || n->n_in != m->n_in || n->n_out != m->n_out || n->out != m->out) return false;
    if (n->n_in && memcmp(n->in, m->in, (size_t)n->n_in * sizeof *n->in) != 0) return false;
    if (strcmp(n->scope, m->scope) != 0 || !equal_attributes(g, n, h, m)) return false;
    for (int o = 0; o < n->n_out; o++) {
        const gr_value *v = gr__value(g, n->out + (gr_val)o), *w = gr__value(h, m->out + (gr_val)o);
        if (v->dtype != w->dtype || !gr__shape_equal(v->shape, w->shape)) return false;
    }
    return true;
}

static bool equal(const gr__body *a, const gr__body *b)
{
    gr_effects x = gr__graph_effects(a->graph), y = gr__graph_effects(b->graph);
    uint32_t nodes = gr__graph_nodes(a->graph);
    if (a->n_in != b->n_in || x.n_outputs != y.n_outputs || nodes != gr__graph_nodes(b->graph)) return false;
    if (memcmp(a->role, b->role, (size_t)a->n_in * sizeof *a->role) != 0) return false;
    for (size_t i = 0; i < x.n_outputs; i++)
        if (x.outputs[i].value != y.outputs[i].value) return false;
    for (uint32_t k = 0; k < nodes; k++)
        if (!equal_nodes(a->graph, gr__node(a->graph, k), b->graph, gr__node(b->graph, k))) return false;
    return true;
}

const gr__body *gr__body_intern(gr_graph *g, const gr__body *b)
{
    for (size_t i = 0; i < g->n_bodies; i++)
        if (g->bodies[i] == b || equal(g->bodies[i], b)) return g->bodies[i];
    if (!GR_ROOM(g->ctx, g->bodies, g->bodies_capacity, g->n_bodies + 1)) {
        g->status = GR_E_MEMORY;
        return NULL;
    }
    ((gr__body *)(uintptr_t)b)->refs++;
    return g->bodies[g->n_bodies++] = b;
}

/* ---- operands and results ---- */

int gr__body_stacks(const gr__body *b)
{
    return (int)gr__graph_effects(b->graph).n_outputs - b->n_carries;
}

int gr__body_results(const gr__body *b)
{
    return 2 * b->n_carries + gr__body_stacks(b);
}

gr_val gr__body_next(const gr__body *b, int carry)
{
    return gr__graph_effects(b->graph).outputs[carry].value;
}

gr_val gr__body_stack(const gr__body *b, int stack)
{
    return gr__graph_effects(b->graph).outputs[b->n_carries + stack].value;
}

int gr__body_carry(const gr__body *b, int operand)
{
    int n = 0;
    for (int i = 0; i < operand; i++) n += b->role[i] == GR__ROLE_CARRY;
    return n;
}

int gr__body_operand(const gr__body *b, int carry)
{
    int i = 0;
    for (;; i++)
        if (b->role[i] == GR__ROLE_CARRY && carry-- == 0) return i;
}

gr_shape gr__shape_of_step(gr_shape stacked)
{
    gr_shape s = {.rank = stacked.rank - 1};
    for (int i = 0; i < s.rank; i++) s.dim[i] = stacked.dim[i + 1];
    return s;
}

gr_shape gr__shape_of_steps(gr_shape part, int64_t steps)
{
    gr_shape s = {.rank = part.rank + 1, .dim = {steps}};
    for (int i = 0; i < part.rank && i + 1 < GR_MAX_RANK; i++) s.dim[i + 1] = part.dim[i];
    return s;
}
