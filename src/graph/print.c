/* Graphs as text and as Graphviz DOT. */
#include <string.h>

#include "base/text.h"
#include "graph/op.h"

static void put_integers(gr__text *t, const int64_t *values, int n)
{
    for (int i = 0; i < n; i++) gr__text_add(t, "%s%lld", i ? "," : " ", (long long)values[i]);
}

static void put_reals(gr__text *t, const double *values, int n)
{
    char number[32];
    for (int i = 0; i < n; i++) gr__text_add(t, "%s%s", i ? "," : " ", gr__double_text(values[i], number));
}

static void put_axis_set(gr__text *t, int64_t set)
{
    int64_t axes[GR_MAX_RANK];
    int n = 0;
    for (int i = 0; i < GR_MAX_RANK; i++)
        if (set >> i & 1) axes[n++] = i;
    put_integers(t, axes, n);
}

static bool is_usual(const gr_attr *attr, const gr__field *f)
{
    bool usual = f->kind == GR__FIELD_INTEGERS && f->usual != GR__SHOWN;
    if (f->kind == GR__FIELD_NAME) return !attr->name[0];
    for (int i = 0; usual && i < f->count; i++) usual = attr->i[f->at + i] == f->usual;
    return usual;
}

static void put_field(gr__text *t, const gr_graph *g, const gr_node *n, const gr__field *f)
{
    if (!f->label || is_usual(&n->attr, f)) return;
    if (f->label[0]) gr__text_add(t, " %s", f->label);
    switch (f->kind) {
    case GR__FIELD_NAME:
        gr__text_add(t, " \"%s\"", n->attr.name);
        break;
    case GR__FIELD_REAL:
        put_reals(t, &n->attr.f[f->at], f->count);
        break;
    case GR__FIELD_AXES:
        put_integers(t, &n->attr.i[f->at], gr_shape_of(g, n->in[0]).rank);
        break;
    case GR__FIELD_AXIS_SET:
        put_axis_set(t, n->attr.i[f->at]);
        break;
    case GR__FIELD_BODY:
        break;
    default:
        put_integers(t, &n->attr.i[f->at], f->count);
        break;
    }
}

/* What stands behind the operation's name, operands apart. */
static void put_attr(gr__text *t, const gr_graph *g, const gr_node *n)
{
    for (const gr__field *f = gr__op_fields(n->op); f->kind; f++) put_field(t, g, n, f);
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
    for (size_t i = 0; i < e.n_assigns; i++) {
        gr__text_add(t, "%s %%%u <- %%%u", e.assigns[i].kind == GR_ASSIGN_STATE ? "state" : "update",
                     e.assigns[i].target, e.assigns[i].value);
        if (e.assigns[i].guard) gr__text_add(t, " if %%%u", e.assigns[i].guard);
        gr__text_add(t, "\n");
    }
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

static gr_status put_body(const gr_graph *g, uint32_t k, const gr__body *b, void *text);

static void put_graph(gr__text *t, const gr_graph *g)
{
    for (uint32_t k = 0; k < gr__graph_nodes(g); k++) put_node(t, g, gr__node(g, k));
    put_effects(t, g);
    (void)gr__graph_each_body(g, put_body, t);
}

/* Bodies stand behind the graph, with what each operand is to them. */
static gr_status put_body(const gr_graph *g, uint32_t k, const gr__body *b, void *text)
{
    static const char *const roles[] = {"carry", "part", "given"};
    gr__text *t = text;
    gr__text_add(t, "body of %%%u:", gr__node(g, k)->out);
    for (int i = 0; i < b->n_in; i++) gr__text_add(t, "%s %s", i ? "," : "", roles[b->role[i]]);
    gr__text_add(t, "\n");
    put_graph(t, b->graph);
    return GR_OK;
}

gr_status gr_graph_print(const gr_graph *g, char **text)
{
    gr__text t;
    gr__text_init(&t, g->ctx);
    put_graph(&t, g);
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
