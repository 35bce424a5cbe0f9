/* Merging: regions that are equal but for the tensors they work on become segments of one unit. So an optimizer over
 * all parameters is one kernel.
 *
 * Only regions that read parameters, slots and gradients, or write assigned values, are merged: these tensors stand for
 * the whole step. Merging regions over activations would keep those of early layers until the last layer's are there.
 */
#include <string.h>

#include "plan/plan.h"

/* ---- the node list of a unit ---- */

typedef struct walk {
    const gr__compiler *c;
    int unit;
    uint32_t *nodes;
    int n;
} walk;

static bool listed(const walk *w, uint32_t k)
{
    for (int i = 0; i < w->n; i++)
        if (w->nodes[i] == k) return true;
    return false;
}

/* What k reads within the region, then k: an order that depends on structure alone. */
static void list_from(walk *w, uint32_t k)
{
    if (listed(w, k)) return;
    const gr_node *n = gr__node(w->c->g, k);
    for (int i = 0; i < n->n_in; i++) {
        uint32_t p = gr__value(w->c->g, w->c->root[n->in[i]])->node;
        if (gr__absorbs(w->c, k, i) || w->c->unit_of[p] == w->unit) list_from(w, p);
    }
    w->nodes[w->n++] = k;
}

uint32_t *gr__part_list_nodes(const gr__compiler *c, gr__bump *memory, int unit, const gr__part *part, int *n)
{
    walk w = {c, unit, gr__bump_alloc(memory, (size_t)(part->n + gr__part_most_operands(c, part)) * sizeof *w.nodes),
              0};
    if (!w.nodes) return NULL;
    for (int k = 0; k < part->n; k++) {
        bool last =
            c->units[unit].kind != GR_ITEM_REGION || gr__value_is_out(c, gr__node(c->g, part->nodes[k])->out, unit);
        if (last) list_from(&w, part->nodes[k]);
    }
    *n = w.n;
    return w.nodes;
}

/* ---- signatures ---- */

typedef struct signature {
    uint64_t *words; /* NULL: the unit is not merged */
    int n;
} signature;

typedef struct signing {
    const gr__compiler *c;
    int unit, split;
    uint32_t *nodes;
    gr_val *in, *out;
    int n_nodes, n_in, n_out;
    signature s;
} signing;

static void put(signing *x, uint64_t word)
{
    x->s.words[x->s.n++] = word;
}

/* What the tensor is to the step. */
static uint64_t class_of(const gr__compiler *c, gr_val v)
{
    gr_val root = c->root[v];
    const gr_op *op = gr__producer(c->g, root)->op;
    if (c->gradient[root]) return GR_OP_COUNT;
    return op->kept != GR__KEPT_NOWHERE ? (uint64_t)op->code : GR_OP_COUNT + 1;
}

static void put_external(signing *x, gr_val v)
{
    int i = 0;
    while (x->in[i] != v) i++;
    put(x, 3);
    put(x, (uint64_t)i);
    put(x, class_of(x->c, v));
    put(x, (uint64_t)gr__value(x->c->g, v)->dtype);
    put(x, gr__value(x->c->g, v)->shape.rank == 0);
}

static void put_operand(signing *x, const gr_node *n, int i)
{
    const gr_graph *g = x->c->g;
    uint32_t p = gr__value(g, x->c->root[n->in[i]])->node; /* lines are read through views */
    for (int k = 0; k < x->n_nodes; k++)
        if (x->nodes[k] == p) {
            put(x, 1);
            put(x, (uint64_t)k);
            return;
        }
    if (gr__node(g, p)->op->code == GR_OP_CONST) {
        put(x, 2);
        put(x, n->in[i]); /* equal constants are the same value */
        return;
    }
    put_external(x, n->in[i]);
}

static void put_node(signing *x, const gr_node *n)
{
    put(x, (uint64_t)n->op->code);
    put(x, (uint64_t)gr__form_of(x->c->g, n, x->split));
    put(x, n->op->code == GR_OP_SUM_SQUARES ? (uint64_t)n->attr.i[2] : 0); /* all that no form says of these nodes */
    int o = 0;
    while (o < x->n_out && x->out[o] != n->out) o++;
    put(x, (uint64_t)o);
    for (int i = 0; i < n->n_in; i++) put_operand(x, n, i);
}

/* What reads slots in fewer bits stays by itself: of all parameters at a time it would have them all, read back. */
static bool reads_codes(const gr__compiler *c, const signing *x)
{
    for (int i = 0; i < x->n_in; i++)
        if (gr__producer(c->g, c->root[x->in[i]])->op->code == GR_OP_UNPACK) return true;
    return false;
}

static bool is_mergeable(const gr__compiler *c, const signing *x)
{
    if (reads_codes(c, x)) return false;
    for (int o = 0; o < x->n_out; o++)
        for (size_t i = 0; i < c->effects.n_assigns; i++)
            if (c->root[c->effects.assigns[i].value] == x->out[o]) return true;
    for (int i = 0; i < x->n_in; i++)
        if (gr__value(c->g, x->in[i])->shape.rank > 0 && gr__stands(c, x->in[i]) < GR__STANDS_FED) return false;
    return true;
}

/* False: no memory. */
static bool sign(gr__compiler *c, int unit, signature *s)
{
    const gr__unit *u = &c->units[unit];
    if (u->gone || u->kind != GR_ITEM_REGION) return true;
    signing x = {.c = c, .unit = unit, .split = gr__form_split(u->parts->splits)};
    int room = gr__part_most_operands(c, u->parts);
    x.out = gr__bump_alloc(c->work, (size_t)room * sizeof *x.out);
    x.in = gr__bump_alloc(c->work, (size_t)room * sizeof *x.in);
    x.nodes = gr__part_list_nodes(c, c->work, unit, u->parts, &x.n_nodes);
    x.s.words = gr__bump_alloc(c->work, (size_t)(4 * (room + u->parts->n) + 5 * 2 * room) * sizeof *x.s.words);
    if (!x.out || !x.in || !x.nodes || !x.s.words) return false;
    gr__part_operands(c, unit, u->parts, x.in, &x.n_in, x.out, &x.n_out);
    if (!is_mergeable(c, &x)) return true;
    for (int k = 0; k < x.n_nodes; k++) put_node(&x, gr__node(c->g, x.nodes[k]));
    *s = x.s;
    return true;
}

static bool equal(const signature *a, const signature *b)
{
    return a->words && b->words && a->n == b->n && memcmp(a->words, b->words, (size_t)a->n * sizeof *a->words) == 0;
}

/* ---- merging ---- */

static bool append(gr__compiler *c, int to, int from)
{
    gr__unit *a = &c->units[to], *b = &c->units[from];
    if ((a->n_parts & (a->n_parts - 1)) == 0) { /* full: powers of two */
        gr__part *parts = gr__bump_alloc(c->work, 2 * (size_t)a->n_parts * sizeof *parts);
        if (!parts) return false;
        memcpy(parts, a->parts, (size_t)a->n_parts * sizeof *parts);
        a->parts = parts;
    }
    a->parts[a->n_parts++] = *b->parts;
    for (int k = 0; k < b->parts->n; k++) c->unit_of[b->parts->nodes[k]] = to;
    a->waits |= b->waits;
    a->tested |= b->tested;
    a->on_way |= b->on_way;
    b->gone = true;
    gr__deps_join(&c->deps, to, from);
    return true;
}

gr_status gr__plan_merge(gr__compiler *c)
{
    if (c->options.unfused) return GR_OK;
    signature *s = gr__bump_alloc(c->work, (size_t)c->n_units * sizeof *s);
    if (!s) return gr__error_code(c->ctx);
    for (int u = 0; u < c->n_units; u++)
        if (!sign(c, u, &s[u])) return gr__error_code(c->ctx);
    for (int a = 0; a < c->n_units; a++)
        for (int b = a + 1; b < c->n_units && s[a].words; b++) {
            if (!equal(&s[a], &s[b]) || c->units[a].after != c->units[b].after) continue;
            if (gr__deps_has(&c->deps, a, b) || gr__deps_has(&c->deps, b, a)) continue;
            if (!append(c, a, b)) return gr__error_code(c->ctx);
            s[b].words = NULL;
        }
    return GR_OK;
}
