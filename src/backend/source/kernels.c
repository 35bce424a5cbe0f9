/* Kernels as functions of the program: equal ones are one function, whatever they are called with. */
#include "backend/source/program.h"

#include <ctype.h>
#include <string.h>

#include "graph/op.h"

/* ---- functions ---- */

struct gr__function {
    const char *name, *text;
    struct gr__function *next;
};

const char *gr__csource_function(gr__csource *s, const char *returns, const char *stem, const char *text)
{
    size_t n = strlen(stem);
    for (const struct gr__function *f = s->function; f; f = f->next)
        if (strcmp(f->text, text) == 0 && strncmp(f->name, stem, n) == 0) return f->name;
    struct gr__function *f = gr__bump_alloc(s->memory, sizeof *f);
    if (!f) return NULL;
    f->name = gr__bump_format(s->memory, "%s_%d", stem, ++s->n_functions);
    f->text = gr__bump_strdup(s->memory, text);
    if (!f->name || !f->text) return NULL;
    f->next = s->function;
    s->function = f;
    gr__text_add(&s->functions, "\nstatic %s %s%s", returns, f->name, text);
    return f->name;
}

/* ---- what is written ---- */

gr__layout gr__csource_layout(const gr_item *item, int input)
{
    const gr_node *n = gr__node(item->graph, item->nodes[0]);
    if (item->kind != GR_ITEM_NODE || n->op->class != GR_CLASS_CONTRACT) return (gr__layout){0};
    return n->in[1] == item->in[input] && n->in[0] != n->in[1] ? gr__contraction_layout(item->graph, n)
                                                               : (gr__layout){0};
}

static bool write_body(gr__writing *w)
{
    const gr_node *n = gr__node(w->item->graph, w->item->nodes[0]);
    if (w->item->kind == GR_ITEM_SCALARS) return gr__write_scalars(w);
    if (w->item->kind == GR_ITEM_REGION) return gr__write_region(w);
    switch (n->op->class) {
    case GR_CLASS_MAP:
        return gr_shape_count(gr__value(w->item->graph, n->out)->shape) && gr__value(w->item->graph, n->out)->shape.rank
                   ? gr__write_region(w)
                   : gr__write_scalars(w);
    case GR_CLASS_CONTRACT:
        return gr__write_contraction(w);
    case GR_CLASS_SHAPE:
        return gr__write_move(w);
    case GR_CLASS_REDUCE:
        return n->op->code == GR_OP_ARGMAX ? gr__write_index(w) : gr__write_reduction(w);
    case GR_CLASS_INDEX:
    case GR_CLASS_LEAF:
        return gr__write_index(w);
    case GR_CLASS_POOL:
        return gr__write_pool(w);
    case GR_CLASS_ATTENTION:
        return gr__write_attention(w);
    default:
        return false;
    }
}

/* ---- operands ---- */

typedef struct operands {
    gr__at *at;
    const char **name;
    bool *wide;
    gr__layout *layout;
    int n_in, n;
    int64_t room; /* of the kernel's own, in the scratch */
} operands;

static bool same_place(const gr__at *a, const gr__at *b)
{
    return a->kind == b->kind && a->index == b->index && a->offset == b->offset && a->plan == b->plan &&
           a->loop == b->loop;
}

/* The call's operand of one of a segment's: inputs of all segments stand before the outputs of all. */
static int operand_of(const gr_item *it, int segment, int i)
{
    return i < it->n_in ? segment * it->n_in + i : it->n_segments * it->n_in + segment * it->n_out + i - it->n_in;
}

/* With codes where the program has some for the weight. */
static gr__layout layout_of(const gr__csource *s, const gr__frame *f, const gr_item *it, gr__at at, int input)
{
    gr__layout l = gr__csource_layout(it, input);
    const gr_node *n = gr__node(it->graph, it->nodes[0]);
    const char *name = l.k > 0 && !f->outer ? gr__csource_takes_codes(it->graph, n) : NULL;
    for (int i = 0; name && i < s->program->n_codes; i++)
        if (strcmp(s->program->codes[i].weight, name) == 0 && at.offset == 0) l.codes = &s->program->codes[i];
    return l;
}

/* What is computed element by element; all else takes floats. */
static bool takes_doubles(const gr_item *it)
{
    return it->kind != GR_ITEM_NODE || gr__node(it->graph, it->nodes[0])->op->class == GR_CLASS_MAP;
}

/* An output that takes the place of an input is the same argument. */
static bool name_operands(gr__csource *s, const gr__frame *f, const gr__instruction *in, int segment, operands *o)
{
    const gr_item *it = &in->made->item;
    for (int i = o->n; i-- > 0;) {
        o->at[i] = gr__csource_at(s, f, in->operand[operand_of(it, segment, i)]);
        o->wide[i] = i < o->n_in && takes_doubles(it) && gr__csource_is_wide(o->at[i]);
        o->layout[i].doubles = o->wide[i];
        if (i < o->n_in && o->at[i].kind == GR__AT_WEIGHT && !s->plain[o->at[i].index] && it->n_segments == 1)
            o->layout[i] = layout_of(s, f, it, o->at[i], i);
        for (int j = o->n_in; i < o->n_in && j < o->n; j++)
            if (o->at[j].kind && same_place(&o->at[i], &o->at[j])) o->name[i] = o->name[j];
        if (o->at[i].kind && !o->name[i])
            o->name[i] = gr__bump_format(s->memory, "%c%d", i < o->n_in ? 'x' : 'y', i < o->n_in ? i : i - o->n_in);
        if (o->at[i].kind && !o->name[i]) return false;
    }
    return true;
}

static bool is_argument(const operands *o, int i)
{
    return o->name[i] && (i >= o->n_in || o->name[i][0] == 'x');
}

static void put_parameters(const operands *o, gr__text *t)
{
    const char *comma = "";
    for (int i = 0; i < o->n; i++) {
        if (!is_argument(o, i)) continue;
        const char *type = o->layout[i].codes ? "signed char" : o->wide[i] ? "double" : "float";
        gr__text_add(t, "%s%s%s *restrict %s", comma, i < o->n_in ? "const " : "", type, o->name[i]);
        if (o->layout[i].codes) gr__text_add(t, ", const float *restrict scale, signed char *restrict codes");
        comma = ", ";
    }
}

static bool mentions(const char *body, const char *name)
{
    size_t n = strlen(name);
    for (const char *at = body; (at = strstr(at, name)); at += n)
        if (!isalnum((unsigned char)at[n])) return true;
    return false;
}

/* Arguments that come to nothing, as those of a window that never meets its picture. */
static void put_unread(const operands *o, size_t body, gr__text *t)
{
    for (int i = 0; i < o->n && !t->failed; i++)
        if (is_argument(o, i) && !mentions(t->s + body, o->name[i])) gr__text_add(t, "    (void)%s;\n", o->name[i]);
}

static int64_t count_of(const gr_item *it, int segment, int i)
{
    return i < it->n_in ? gr_shape_count(gr__value(it->graph, it->in[segment * it->n_in + i])->shape) : 0;
}

/* ---- calls ---- */

void gr__csource_indent(gr__csource *s)
{
    for (int i = 0; i <= s->depth; i++) gr__text_add(&s->calls, "    ");
}

static void put_scope(gr__csource *s, const gr_item *it)
{
    const char *scope = gr__node(it->graph, it->nodes[0])->scope;
    if (!scope[0]) return;
    gr__text_add(&s->calls, " /* ");
    gr__csource_comment(&s->calls, scope);
    gr__text_add(&s->calls, " */");
}

static gr_status put_call(gr__csource *s, const operands *o, const gr_item *it, int segment, const char *function)
{
    const char *comma = "";
    gr__csource_indent(s);
    gr__text_add(&s->calls, "%s(", function);
    for (int i = 0; i < o->n; i++) {
        if (!is_argument(o, i)) continue;
        const char *address = gr__csource_address(s, o->at[i], count_of(it, segment, i), o->layout[i]);
        if (!address) return gr__error_code(s->ctx);
        gr__text_add(&s->calls, "%s%s", comma, address);
        if (o->layout[i].codes)
            gr__text_add(&s->calls, ", %s_scale, (signed char *)(scratch + %lld)", address, (long long)o->room);
        comma = ", ";
    }
    gr__text_add(&s->calls, ");");
    put_scope(s, it);
    gr__text_add(&s->calls, "\n");
    return GR_OK;
}

/* The longest that a comment, a call or a loop may be counted by: int. */
static gr_status check_sizes(gr__csource *s, const gr_item *it)
{
    for (int i = 0; i < it->n_segments * (it->n_in + it->n_out); i++) {
        int at = i - it->n_segments * it->n_in;
        gr_val v = at < 0 ? it->in[i] : it->out[at];
        if (v && gr_shape_count(gr__value(it->graph, v)->shape) > INT32_MAX)
            return gr__fail(s->ctx, GR_E_UNSUPPORTED,
                            "a tensor of %lld numbers is more than an int counts, as C source does",
                            (long long)gr_shape_count(gr__value(it->graph, v)->shape));
    }
    return GR_OK;
}

static const char *stem_of(const gr_item *it)
{
    return it->kind == GR_ITEM_NODE     ? gr__node(it->graph, it->nodes[0])->op->name
           : it->kind == GR_ITEM_REGION ? "elements"
                                        : "scalars";
}

static gr_status call_segment(gr__csource *s, const gr__frame *f, const gr__instruction *in, int segment)
{
    const gr_item *it = &in->made->item;
    size_t n = (size_t)(it->n_in + it->n_out);
    operands o = {.at = gr__bump_alloc(s->memory, n * sizeof *o.at),
                  .name = gr__bump_alloc(s->memory, n * sizeof *o.name),
                  .wide = gr__bump_alloc(s->memory, n * sizeof *o.wide),
                  .layout = gr__bump_alloc(s->memory, n * sizeof *o.layout),
                  .n_in = it->n_in,
                  .n = (int)n};
    if (!o.at || !o.name || !o.wide || !o.layout) return gr__error_code(s->ctx);
    if (!name_operands(s, f, in, segment, &o)) return gr__error_code(s->ctx);
    if (in->workspace >= 0) o.room = f->base + (int64_t)f->plan->blocks[in->workspace].offset / 4;
    gr_status st = GR_OK;
    gr__text t;
    gr__writing w = {s, it, segment, &t, o.name, o.wide, false, o.layout};
    for (int i = 0; i < o.n_in; i++) w.raw |= o.at[i].kind == GR__AT_INPUT;
    gr__text_init(&t, s->ctx);
    gr__text_add(&t, "(");
    put_parameters(&o, &t);
    gr__text_add(&t, ")\n{\n");
    size_t body = t.n;
    if (!write_body(&w)) st = gr__fail(s->ctx, GR_E_UNSUPPORTED, "%s: C source has no form of it", in->kernel->name);
    put_unread(&o, body, &t);
    gr__text_add(&t, "}\n");
    if (st == GR_OK && t.failed) st = gr__error_code(s->ctx);
    const char *function = st == GR_OK ? gr__csource_function(s, "void", stem_of(it), t.s) : NULL;
    if (st == GR_OK) st = function ? put_call(s, &o, it, segment, function) : gr__error_code(s->ctx);
    gr__text_free(&t);
    return st;
}

gr_status gr__csource_call(gr__csource *s, const gr__frame *f, const gr__instruction *in)
{
    gr_status st = check_sizes(s, &in->made->item);
    for (int k = 0; k < in->made->item.n_segments && st == GR_OK; k++) st = call_segment(s, f, in, k);
    return st;
}
