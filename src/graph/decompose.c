/* Decompositions: operations said by simpler ones, in the graph that they are used in, and apart from it, where shape
 * rules (here) and arithmetic (eval.c) of those that say nothing else come from. */
#include "graph/op.h"

/* ---- in a graph ---- */

static void compare_types(gr_graph *g, const gr_op *op, const gr_value *types, const gr_val *out)
{
    char a[96], b[96];
    for (int o = 0; o < op->n_out; o++) {
        const gr_value *v = gr__value(g, out[o]), *t = &types[o];
        if (v->dtype != t->dtype || !gr__shape_equal(v->shape, t->shape))
            gr_graph_fail(g, GR_E_INTERNAL, "%s: output %d is %s%s, that of its decomposition %s%s", op->name, o + 1,
                          gr__dtype_text(t->dtype), gr__shape_text(t->shape, a), gr__dtype_text(v->dtype),
                          gr__shape_text(v->shape, b));
    }
}

bool gr__decompose(gr_graph *g, const gr_op *op, const gr_attr *attr, const gr_val *in, int n_in, const gr_value *types,
                   gr_val *out)
{
    for (int o = 0; o < op->n_out; o++) out[o] = GR_NONE;
    op->decompose(g, attr, in, n_in, out);
    for (int o = 0; o < op->n_out && g->status == GR_OK; o++)
        if (out[o] == GR_NONE)
            gr_graph_fail(g, GR_E_INTERNAL, "%s: its decomposition leaves output %d out", op->name, o + 1);
    if (g->status == GR_OK && types) compare_types(g, op, types, out);
    return g->status == GR_OK;
}

/* ---- apart from it ---- */

static bool infer_given(gr_graph *g, const gr_attr *attr, const gr_val *in, int n_in, gr_value *out)
{
    (void)g, (void)attr, (void)in, (void)n_in, (void)out;
    return true;
}

static const gr__field number_field[] = {
    {GR__FIELD_INTEGERS, 0, 1, "", GR__SHOWN},
    {GR__FIELDS_END, 0, 0, NULL, 0},
};

/* Stands in for an operand. */
static const gr_op stand_in = {.code = GR_OP_COUNT,
                               .class = GR_CLASS_LEAF,
                               .name = "operand",
                               .n_out = 1,
                               .infer = infer_given,
                               .gradient = gr__no_gradient,
                               .branches = GR__BRANCHES_ONE,
                               .fields = number_field};

gr_val gr__stand_in(gr_graph *apart, const gr_value *v, int number)
{
    return gr__node_make(apart, &stand_in, NULL, 0, &(gr_attr){.i = {number}}, v);
}

bool gr__stands_in(const gr_node *n, int *number)
{
    *number = (int)n->attr.i[0];
    return n->op == &stand_in;
}

/* Named leaves would be found in the graph that the operation is used in. */
static void refuse_leaves(gr_graph *apart, const gr_op *op)
{
    for (uint32_t k = 0; k < gr__graph_nodes(apart); k++)
        if (gr__node(apart, k)->op->kept != GR__KEPT_NOWHERE)
            gr_graph_fail(apart, GR_E_INTERNAL, "%s: its decomposition reads %s \"%s\"", op->name,
                          gr__node(apart, k)->op->name, gr__node(apart, k)->attr.name);
}

/* types: as in gr__decompose. */
static gr_status open_apart(const gr_graph *g, const gr_op *op, const gr_attr *attr, const gr_val *in, int n_in,
                            const gr_value *types, const char *scope, gr__apart *a)
{
    *a = (gr__apart){.g = NULL};
    if (g->depth >= GR__DEEPEST) return gr__fail(g->ctx, GR_E_INTERNAL, "%s: its decomposition has no end", op->name);
    gr_status st = gr_graph_create(g->ctx, &a->g);
    if (st != GR_OK) return st;
    a->g->depth = g->depth + 1;
    a->in = gr__bump_alloc(a->g->memory, (size_t)(n_in + op->n_out) * sizeof *a->in);
    if (!a->in) return GR_E_MEMORY;
    a->out = a->in + n_in;
    gr__scope_set(a->g, scope);
    gr_scope_push(a->g, op->name, NULL); /* of errors; what is copied from here has the node's own */
    for (int i = 0; i < n_in; i++) a->in[i] = gr__stand_in(a->g, gr__value(g, in[i]), i);
    if (!a->g->status && gr__decompose(a->g, op, attr, a->in, n_in, types, a->out)) refuse_leaves(a->g, op);
    return a->g->status;
}

gr_status gr__apart_open(const gr_graph *g, const gr_node *n, gr__apart *a)
{
    return open_apart(g, n->op, &n->attr, n->in, n->n_in, gr__value(g, n->out), n->scope, a);
}

void gr__apart_close(gr__apart *a)
{
    gr_graph_destroy(a->g);
    a->g = NULL;
}

bool gr__op_infer(gr_graph *g, const gr_op *op, const gr_attr *attr, const gr_val *in, int n_in, gr_value *out)
{
    if (op->infer) return op->infer(g, attr, in, n_in, out);
    if (!op->decompose) return gr__op_fail(g, GR_E_INTERNAL, "it has neither a shape rule nor a decomposition");
    gr__apart a;
    g->status = open_apart(g, op, attr, in, n_in, NULL, g->scope, &a);
    for (int o = 0; g->status == GR_OK && o < op->n_out; o++) {
        const gr_value *v = gr__value(a.g, a.out[o]);
        out[o].dtype = v->dtype;
        out[o].shape = v->shape;
    }
    gr__apart_close(&a);
    return g->status == GR_OK;
}
