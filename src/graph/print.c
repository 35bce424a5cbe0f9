/* Graphs as text and as Graphviz DOT. */
#include <string.h>

#include "base/text.h"
#include "graph/op.h"

/* Which attributes an operation shows, and the value (of all `count`) at which they are left out. */
typedef struct field {
    gr_opcode first, last;
    const char *label;
    int at, count;
    int64_t usual;
} field;

enum { SHOW = -1 }; /* no usual value */
static const field fields[] = {
    {GR_OP_TENSOR, GR_OP_TENSOR, "number", 0, 1, SHOW},
    {GR_OP_IOTA, GR_OP_IOTA, "axis", 0, 1, SHOW},
    {GR_OP_SLICE, GR_OP_PAD, "axis", 0, 1, SHOW},
    {GR_OP_SLICE, GR_OP_SLICE, "start", 1, 1, SHOW},
    {GR_OP_SLICE, GR_OP_SLICE, "count", 2, 1, SHOW},
    {GR_OP_PAD, GR_OP_PAD, "zeros", 1, 2, SHOW},
    {GR_OP_ARGMAX, GR_OP_ARGMAX, "axis", 0, 1, SHOW},
    {GR_OP_SUM, GR_OP_REDUCE_MAX, "keep", 1, 1, 0},
    {GR_OP_SCATTER_ADD, GR_OP_SCATTER_ADD, "rows", 0, 1, SHOW},
    {GR_OP_MATMUL, GR_OP_MATMUL, "transpose", 0, 2, 0},
    {GR_OP_CONV, GR_OP_CONV_WEIGHTS, "stride", 0, 2, SHOW},
    {GR_OP_CONV, GR_OP_CONV_WEIGHTS, "dilation", 2, 2, 1},
    {GR_OP_CONV, GR_OP_CONV_WEIGHTS, "pad", 4, 4, 0},
    {GR_OP_CONV, GR_OP_CONV_WEIGHTS, "groups", 8, 1, 1},
    {GR_OP_MAX_POOL, GR_OP_AVG_POOL_ADJOINT, "size", 0, 2, SHOW},
    {GR_OP_MAX_POOL, GR_OP_AVG_POOL_ADJOINT, "stride", 2, 2, SHOW},
    {GR_OP_MAX_POOL, GR_OP_AVG_POOL_ADJOINT, "pad", 4, 4, 0},
    {GR_OP_MAX_POOL, GR_OP_AVG_POOL_ADJOINT, "count_padding", 8, 1, 0},
};

static void put_list(gr__text *t, const char *label, const int64_t *values, int n)
{
    for (int i = 0; i < n; i++) gr__text_add(t, "%s%lld", i ? "," : label, (long long)values[i]);
}

static void put_fields(gr__text *t, const gr_node *n)
{
    for (size_t f = 0; f < GR_COUNT(fields); f++) {
        const field *d = &fields[f];
        if (n->op->code < d->first || n->op->code > d->last) continue;
        bool usual = d->usual != SHOW;
        for (int i = 0; i < d->count; i++) usual &= n->attr.i[d->at + i] == d->usual;
        if (usual) continue;
        gr__text_add(t, " %s", d->label);
        put_list(t, " ", &n->attr.i[d->at], d->count);
    }
}

/* What stands behind the operation's name, operands apart. */
static void put_attr(gr__text *t, const gr_graph *g, const gr_node *n)
{
    char number[32];
    int64_t axes[GR_MAX_RANK];
    int n_axes = 0;
    if (n->attr.name) gr__text_add(t, " \"%s\"", n->attr.name);
    if (n->op->code == GR_OP_CONST) gr__text_add(t, " %s", gr__double_text(n->attr.f[0], number));
    if (n->op->code == GR_OP_PERMUTE) {
        gr__text_add(t, " axes");
        put_list(t, " ", n->attr.i, gr_shape_of(g, n->in[0]).rank);
    }
    if (n->op->code == GR_OP_SUM || n->op->code == GR_OP_REDUCE_MAX) {
        for (int i = 0; i < GR_MAX_RANK; i++)
            if (n->attr.i[0] >> i & 1) axes[n_axes++] = i;
        gr__text_add(t, " axes");
        put_list(t, " ", axes, n_axes);
    }
    put_fields(t, n);
}

static void put_type(gr__text *t, const gr_value *v)
{
    char text[96];
    gr__text_add(t, "%s%s", gr__dtype_text(v->dtype), gr__shape_text(v->shape, text));
}

static void put_node(gr__text *t, const gr_graph *g, const gr_node *n)
{
    for (int o = 0; o < n->n_out; o++) gr__text_add(t, "%s%%%u", o ? ", " : "", n->out + (gr_val)o);
    gr__text_add(t, " = %s", n->op->name);
    for (int i = 0; i < n->n_in; i++) gr__text_add(t, " %%%u", n->in[i]);
    put_attr(t, g, n);
    for (int o = 0; o < n->n_out; o++) {
        gr__text_add(t, "%s", o ? ", " : " : ");
        put_type(t, gr__value(g, n->out + (gr_val)o));
    }
    if (n->scope[0]) gr__text_add(t, "  # %s", n->scope);
    gr__text_add(t, "\n");
}

static void put_effects(gr__text *t, const gr_graph *g)
{
    gr_effects e = gr__graph_effects(g);
    for (size_t i = 0; i < e.n_gradients; i++)
        gr__text_add(t, "gradient %%%u of %%%u\n", e.gradients[i].gradient, e.gradients[i].param);
    for (size_t i = 0; i < e.n_assigns; i++)
        gr__text_add(t, "%s %%%u <- %%%u\n", e.assigns[i].kind == GR_ASSIGN_STATE ? "state" : "update",
                     e.assigns[i].target, e.assigns[i].value);
    if (e.guard) gr__text_add(t, "guard %%%u\n", e.guard);
    for (size_t i = 0; i < e.n_outputs; i++)
        gr__text_add(t, "output \"%s\" %%%u\n", e.outputs[i].name, e.outputs[i].value);
}

/* The text as a string of its own, or the failure. */
static gr_status take(gr__text *t, char **text)
{
    char *s = t->failed ? NULL : gr__strdup(t->ctx, t->s ? t->s : "");
    gr__text_free(t);
    if (!s) return GR_E_MEMORY;
    *text = s;
    return GR_OK;
}

gr_status gr_graph_print(const gr_graph *g, char **text)
{
    gr__text t;
    gr__text_init(&t, g->ctx);
    for (uint32_t k = 0; k < gr__graph_nodes(g); k++) put_node(&t, g, gr__node(g, k));
    put_effects(&t, g);
    return take(&t, text);
}

static void put_escaped(gr__text *t, const char *s)
{
    for (; *s; s++) {
        if (*s == '"' || *s == '\\') gr__text_put(t, "\\", 1);
        gr__text_put(t, *s == '\n' ? " " : s, 1);
    }
}

static void put_dot_node(gr__text *t, const gr_graph *g, uint32_t k)
{
    const gr_node *n = gr__node(g, k);
    gr__text label;
    gr__text_init(&label, t->ctx);
    gr__text_add(&label, "%s", n->op->name);
    put_attr(&label, g, n);
    gr__text_add(&label, " : ");
    put_type(&label, gr__value(g, n->out));
    if (n->scope[0]) gr__text_add(&label, "  # %s", n->scope);
    gr__text_add(t, "  n%u [shape=%s, label=\"", k, n->op->class == GR_CLASS_LEAF ? "ellipse" : "box");
    if (label.failed)
        t->failed = true;
    else
        put_escaped(t, label.s);
    gr__text_add(t, "\"];\n");
    gr__text_free(&label);
    for (int i = 0; i < n->n_in; i++) gr__text_add(t, "  n%u -> n%u;\n", gr__value(g, n->in[i])->node, k);
}

gr_status gr_graph_dot(const gr_graph *g, char **text)
{
    gr__text t;
    gr__text_init(&t, g->ctx);
    gr__text_add(&t, "digraph gradus {\n");
    for (uint32_t k = 0; k < gr__graph_nodes(g); k++) put_dot_node(&t, g, k);
    gr_effects e = gr__graph_effects(g);
    for (size_t i = 0; i < e.n_assigns; i++)
        gr__text_add(&t, "  n%u -> n%u [style=dashed, constraint=false];\n", gr__value(g, e.assigns[i].value)->node,
                     gr__value(g, e.assigns[i].target)->node);
    for (size_t i = 0; i < e.n_outputs; i++) {
        gr__text_add(&t, "  o%zu [shape=plaintext, label=\"", i);
        put_escaped(&t, e.outputs[i].name);
        gr__text_add(&t, "\"];\n  n%u -> o%zu;\n", gr__value(g, e.outputs[i].value)->node, i);
    }
    gr__text_add(&t, "}\n");
    return take(&t, text);
}

void gr_text_free(gr_context *ctx, char *text)
{
    gr__strfree(ctx, text);
}
