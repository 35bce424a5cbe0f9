/* How values are kept from the forward to the backward pass, where a graph asks for a form of its own (gr_graph_keep).
 *
 * What a backward node reads of a forward value is packed right behind that value and read back right before the
 * reader, so the value itself stands no longer than the forward pass needs it. This comes when the arithmetic is fixed
 * (simplify.c): a form that loses nothing changes no bit. Readers of one scope share what is read back.
 *
 * What is small a sample, statistics of a batch and parameters stay as they are. In every form what is 0 or 1 is a
 * byte, which elementwise kernels read where it stands, and places of a max pool are 16 bits. Where the backward pass
 * only asks on which side of a constant a value stands (a rectifier's mask) the forward pass answers, and the answer is
 * kept. Reshapes, permutations and broadcasts of kept values are made again from what is read back. */
#include <stdio.h>

#include "graph/op.h"
#include "graph/packed.h"
#include "plan/plan.h"
#include "plan/rebuild.h"

enum {
    LEAST = 16,         /* numbers a sample: less is not worth a kernel */
    MOST_PLACES = 65535 /* of a picture, that 16 bits tell apart from no place */
};

typedef struct copy {
    const char *scope;
    gr_val value;
    struct copy *next;
} copy;

typedef struct keeper {
    gr__bump *work;
    const gr_graph *from;
    gr_keep keeping;
    bool *live;
    uint8_t *kept;       /* a value: whether it may be packed, a flag each */
    uint8_t *form;       /* of a value that is packed, a gr__packed_form; 0: it is not */
    uint32_t *reads;     /* of a value, by backward nodes */
    uint32_t *sides;     /* those among them that compare it with a constant */
    uint32_t *side_of;   /* a value: 1 + the backward node that the forward pass answers, the last */
    uint32_t *next_side; /* a node: likewise the one before it */
    gr_val *packed;      /* of a value of `from`, in the new graph */
    copy **copies;       /* what was read back of it */
    int n_packed;
} keeper;

/* What a rebuild carries. */
typedef struct job {
    keeper *k;
} job;

enum { VARIES = 1, PAST = 2, MARKED = 4 };

/* ---- what may be packed ---- */

static bool forward_view(const gr_node *n)
{
    return !n->backward &&
           (n->op->code == GR_OP_RESHAPE || n->op->code == GR_OP_BROADCAST || n->op->code == GR_OP_PERMUTE);
}

static bool is_comparison(const gr_node *n)
{
    return n->op->code == GR_OP_LESS || n->op->code == GR_OP_LESS_EQUAL || n->op->code == GR_OP_EQUAL;
}

static void find_flags(keeper *k)
{
    const gr_keep *ask = &k->keeping;
    for (size_t i = 0; i < ask->n_from; i++) k->kept[ask->from[i]] |= MARKED;
    for (size_t i = 0; i < ask->n_until; i++) k->kept[ask->until[i]] |= MARKED | PAST;
    for (size_t i = 0; i < ask->n_from; i++) k->kept[ask->from[i]] |= VARIES;
    for (uint32_t j = 0; j < gr__graph_nodes(k->from); j++) {
        const gr_node *n = gr__node(k->from, j);
        uint8_t flags = n->op->code == GR_OP_RANDOM ? VARIES : 0;
        for (int i = 0; i < n->n_in; i++) flags |= k->kept[n->in[i]] & (VARIES | PAST);
        for (int o = 0; o < n->n_out; o++) k->kept[n->out + (gr_val)o] |= flags;
    }
}

/* Has it an axis of samples, and enough numbers for each? run: numbers of one sample that stand side by side. */
static bool of_samples(const keeper *k, gr_shape s, int64_t *run)
{
    int64_t count = gr_shape_count(s), samples = k->keeping.samples;
    if (s.rank < 2 || count / samples < LEAST || s.dim[s.rank - 1] == 1) return false;
    bool first = s.dim[0] % samples == 0, second = s.rank > 2 && s.dim[1] == samples;
    *run = first ? count / samples : count / (s.dim[0] * s.dim[1]);
    return first || second;
}

static gr__packed_form form_of(const keeper *k, gr_val v)
{
    static const gr__packed_form forms[] = {[GR_KEEP_BFLOAT16] = GR__PACK_BF16,
                                            [GR_KEEP_FLOAT16] = GR__PACK_F16,
                                            [GR_KEEP_LOSSLESS] = 0,
                                            [GR_KEEP_QUANTISED] = GR__PACK_QUANTISED};
    const gr_node *n = gr__producer(k->from, v);
    const gr_value *value = gr__value(k->from, v);
    int64_t run;
    if (n->backward || n->op->class == GR_CLASS_LEAF || k->kept[v] & (PAST | MARKED) || !(k->kept[v] & VARIES) ||
        !of_samples(k, value->shape, &run))
        return 0;
    if (n->op->code == GR_OP_MAX_POOL && value->out == 1) {
        gr_shape x = gr__value(k->from, n->in[0])->shape;
        return x.dim[1] * x.dim[2] <= MOST_PLACES ? GR__PACK_INDEX : 0;
    }
    if (value->dtype != GR_REAL || (value->out > 0 && n->op->class != GR_CLASS_LOOP)) return 0;
    return is_comparison(n) ? GR__PACK_TRUTH : forms[k->keeping.form];
}

/* What v is a view of, as far as forward nodes made it. */
static gr_val origin(const keeper *k, gr_val v)
{
    while (forward_view(gr__producer(k->from, v)) && !(k->kept[v] & (PAST | MARKED)))
        v = gr__producer(k->from, v)->in[0];
    return v;
}

/* The value that backward node n compares with a constant; GR_NONE: it does not. */
static gr_val compared(const keeper *k, const gr_node *n)
{
    int64_t run;
    double value;
    if (!n->backward || !is_comparison(n)) return GR_NONE;
    for (int i = 0; i < 2; i++) {
        gr_val v = n->in[i];
        const gr_node *p = gr__producer(k->from, v);
        bool constant = gr__is_const(k->from, n->in[1 - i], &value);
        if (constant && !p->backward && p->op->class != GR_CLASS_LEAF && k->kept[v] & VARIES &&
            !(k->kept[v] & (PAST | MARKED)) && of_samples(k, gr__value(k->from, v)->shape, &run))
            return v;
    }
    return GR_NONE;
}

static void find_forms(keeper *k)
{
    uint32_t n_nodes = gr__graph_nodes(k->from);
    for (uint32_t j = 0; j < n_nodes; j++) {
        const gr_node *n = gr__node(k->from, j);
        if (!n->backward || !gr__plan_node_lives(n, k->live)) continue;
        for (int i = 0; i < n->n_in; i++) k->reads[origin(k, n->in[i])]++;
        if (compared(k, n)) k->sides[compared(k, n)]++;
    }
    for (uint32_t j = 0; j < n_nodes; j++) {
        const gr_node *n = gr__node(k->from, j);
        if (!n->backward || !gr__plan_node_lives(n, k->live)) continue;
        gr_val v = compared(k, n);
        if (v && (k->reads[v] == k->sides[v] || k->keeping.form == GR_KEEP_QUANTISED)) {
            k->next_side[j] = k->side_of[v];
            k->side_of[v] = j + 1;
            k->form[n->out] = GR__PACK_TRUTH;
            continue;
        }
        for (int i = 0; i < n->n_in; i++) {
            gr_val root = origin(k, n->in[i]);
            if (!k->form[root]) k->form[root] = (uint8_t)form_of(k, root);
        }
    }
}

/* ---- the new graph ---- */

/* The operand that a comparison holds against a constant, and the question; -1: it does not. */
static int test_of(const keeper *k, const gr_node *n, gr__packing *p)
{
    static const gr__test first[] = {GR__TEST_LESS, GR__TEST_AT_MOST, GR__TEST_EQUAL},
                          second[] = {GR__TEST_MORE, GR__TEST_AT_LEAST, GR__TEST_EQUAL};
    int kind = n->op->code == GR_OP_LESS ? 0 : n->op->code == GR_OP_LESS_EQUAL ? 1 : 2;
    for (int i = 0; i < 2; i++)
        if (gr__value(k->from, n->in[i])->dtype == GR_REAL && gr__value(k->from, n->in[i])->shape.rank > 0 &&
            gr__is_const(k->from, n->in[1 - i], &p->than)) {
            p->test = i == 0 ? first[kind] : second[kind];
            return i;
        }
    return -1;
}

static gr__packing packing_of(const keeper *k, gr_val v)
{
    gr__packing p = {.form = k->form[v]};
    if (p.form != GR__PACK_QUANTISED) return p;
    p.bits = k->keeping.bits;
    p.group = k->keeping.group;
    p.samples = k->keeping.samples;
    of_samples(k, gr__value(k->from, v)->shape, &p.run);
    p.group = GR_MIN(p.group, p.run);
    return p;
}

static void pack(keeper *k, const gr__rebuild *r, gr_val v, gr_val made)
{
    char stream[40];
    const gr_keep *ask = &k->keeping;
    const gr_val moment[3] = {r->map[ask->seed], r->map[ask->update], r->map[ask->position]};
    const gr_node *n = gr__producer(k->from, v);
    gr__packing p = packing_of(k, v);
    if (p.form == GR__PACK_TRUTH) {
        int at = test_of(k, n, &p);
        if (at >= 0) made = r->map[n->in[at]]; /* which stands anyway; the answers need not, as reals */
    }
    snprintf(stream, sizeof stream, "store/%d", k->n_packed++);
    k->packed[v] = gr__pack(r->to, made, &p, stream, moment);
}

static gr_val unpacked(keeper *k, const gr__rebuild *r, gr_val v, const char *scope)
{
    int64_t number = 0;
    if (k->form[v] == GR__PACK_TRUTH) return gr_real(r->to, k->packed[v]); /* elementwise: its readers take it in */
    for (const copy *c = k->copies[v]; c; c = c->next, number++)
        if (c->scope == scope) return c->value;
    copy *c = gr__bump_alloc(k->work, sizeof *c);
    if (!c) return gr_graph_fail(r->to, GR_E_MEMORY, "no memory");
    gr__packing p = packing_of(k, v);
    *c = (copy){scope, gr__unpack(r->to, k->packed[v], &p, gr__value(k->from, v), number), k->copies[v]};
    k->copies[v] = c;
    return c->value;
}

/* What a backward node reads in place of v. */
static gr_val read_back(keeper *k, const gr__rebuild *r, gr_val v, const char *scope)
{
    gr_val root = origin(k, v);
    if (!k->packed[root]) return r->map[v];
    if (root == v) return unpacked(k, r, v, scope);
    const gr_node *n = gr__producer(k->from, v);
    gr_val in = read_back(k, r, n->in[0], scope);
    return in ? gr__node_copy(r->to, k->from, n, &in) : GR_NONE;
}

/* The comparisons of v that the forward pass makes. */
static void answer(keeper *k, const gr__rebuild *r, gr_val v)
{
    for (uint32_t j = k->side_of[v]; j; j = k->next_side[j - 1]) pack(k, r, gr__node(k->from, j - 1)->out, GR_NONE);
}

static void keep_node(gr__rebuild *r, const gr_node *n, const gr_val *in, gr_val *out)
{
    keeper *k = ((const job *)r->user)->k;
    if (k->packed[n->out] && n->backward) { /* the forward pass has answered it */
        out[0] = unpacked(k, r, n->out, n->scope);
        return;
    }
    gr_val few[8], *read = few;
    if (n->n_in > (int)GR_COUNT(few)) read = gr__bump_alloc(k->work, (size_t)n->n_in * sizeof *read);
    if (!read) {
        gr_graph_fail(r->to, GR_E_MEMORY, "no memory");
        return;
    }
    for (int i = 0; i < n->n_in; i++) read[i] = n->backward ? read_back(k, r, n->in[i], n->scope) : in[i];
    gr__rebuilt(r, n, gr__node_copy(r->to, k->from, n, read), out);
    if (n->backward) return;
    for (int o = 0; o < n->n_out && gr_graph_status(r->to) == GR_OK; o++) {
        gr_val v = n->out + (gr_val)o;
        if (k->form[v]) pack(k, r, v, out[o]);
        answer(k, r, v);
    }
}

static bool room(keeper *k)
{
    size_t values = gr__graph_values(k->from) + 1, nodes = gr__graph_nodes(k->from) + 1;
    return (k->live = gr__bump_alloc(k->work, values * sizeof *k->live)) &&
           (k->kept = gr__bump_alloc(k->work, values * sizeof *k->kept)) &&
           (k->form = gr__bump_alloc(k->work, values * sizeof *k->form)) &&
           (k->reads = gr__bump_alloc(k->work, values * sizeof *k->reads)) &&
           (k->sides = gr__bump_alloc(k->work, values * sizeof *k->sides)) &&
           (k->side_of = gr__bump_alloc(k->work, values * sizeof *k->side_of)) &&
           (k->next_side = gr__bump_alloc(k->work, nodes * sizeof *k->next_side)) &&
           (k->packed = gr__bump_alloc(k->work, values * sizeof *k->packed)) &&
           (k->copies = gr__bump_alloc(k->work, values * sizeof *k->copies));
}

gr_status gr__plan_keep(gr_context *ctx, gr_graph **graph)
{
    gr_status st = GR_OK;
    gr_graph *to = NULL;
    keeper k = {.from = *graph, .keeping = gr__graph_effects(*graph).keeping};
    if (k.keeping.form == GR_KEEP_FLOAT32) return GR_OK;
    k.work = gr__bump_create(ctx);
    GR_TRY(k.work && room(&k) ? GR_OK : gr__error_code(ctx));
    gr__plan_mark_live(k.from, k.live);
    find_flags(&k);
    find_forms(&k);
    GR_TRY(gr__rebuild_graph(ctx, k.from, keep_node, &(job){&k}, &to));
    gr_graph_destroy(*graph);
    *graph = to;
done:
    gr__bump_destroy(k.work);
    return st;
}
