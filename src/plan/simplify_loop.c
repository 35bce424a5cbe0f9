/* Simplifying loops: what of a body is read stays, and is simplified as a graph of its own. What a carry was before and
 * after each step stands in one tensor, its states, wherever more than its last value is read. Operands that are one
 * constant number become it. */
#include <stdio.h>

#include "graph/op.h"
#include "plan/plan.h"
#include "plan/rebuild.h"

typedef struct narrowing {
    const gr__rebuild *r;
    const gr_node *n;
    const gr_val *operand; /* of r->to */
    const gr__body *b;
    gr__bump *memory;
    bool *live;   /* a value of the body */
    bool *needed; /* a carry */
    bool *states; /* a carry: in one tensor */
    gr_graph *lean, *simple, *inner;
    int *number; /* of an operand, in the new loop; -1: it is read no more */
    gr__role *role;
    gr_val *in; /* of the new loop */
    int n_in;
} narrowing;

static bool result_lives(const narrowing *w, int result)
{
    return w->r->live[w->n->out + (gr_val)result];
}

static gr_val carry_leaf(const narrowing *w, int carry)
{
    return w->b->leaf[gr__body_operand(w->b, carry)];
}

/* ---- what is read ---- */

static void mark_inputs(const narrowing *w)
{
    for (uint32_t k = gr__graph_nodes(w->b->graph); k-- > 0;) {
        const gr_node *n = gr__node(w->b->graph, k);
        bool lives = gr__plan_node_lives(n, w->live);
        for (int i = 0; lives && i < n->n_in; i++) w->live[n->in[i]] = true;
    }
}

static void mark(const narrowing *w)
{
    bool more = true;
    int until = gr__scan_until(&w->n->attr);
    if (until >= 0) w->needed[until] = w->live[gr__body_next(w->b, until)] = true;
    for (int k = 0; k < gr__body_stacks(w->b); k++)
        if (result_lives(w, gr__body_stacked(w->b, k))) w->live[gr__body_stack(w->b, k)] = true;
    while (more) {
        more = false;
        mark_inputs(w);
        for (int c = 0; c < w->b->n_carries; c++) {
            bool wanted = w->live[carry_leaf(w, c)] || result_lives(w, gr__body_final(w->b, c)) ||
                          result_lives(w, gr__body_states(w->b, c));
            if (!wanted || w->needed[c]) continue;
            more = w->needed[c] = w->live[gr__body_next(w->b, c)] = true;
        }
    }
}

/* The carry whose states hold v before (or after) each step, -1: none. */
static int carry_of(const narrowing *w, gr_val v, bool before)
{
    for (int c = 0; c < w->b->n_carries; c++)
        if (w->needed[c] && v == (before ? carry_leaf(w, c) : gr__body_next(w->b, c))) return c;
    return -1;
}

static void find_states(const narrowing *w)
{
    for (int c = 0; c < w->b->n_carries; c++) w->states[c] = result_lives(w, gr__body_states(w->b, c));
    for (int k = 0; k < gr__body_stacks(w->b); k++)
        for (int before = 0; before < 2; before++) {
            int c = carry_of(w, gr__body_stack(w->b, k), before);
            if (c >= 0 && result_lives(w, gr__body_stacked(w->b, k))) w->states[c] = true;
        }
}

/* ---- the new body ---- */

/* The rank-0 constant that the operand is or repeats; false: it is none. */
static bool is_constant(const narrowing *w, int operand, double *value)
{
    const gr_graph *to = w->r->to;
    gr_val v = w->operand[operand];
    const gr_node *n = gr__made_by(to, v, GR_OP_BROADCAST);
    return w->b->role[operand] != GR__ROLE_CARRY && gr__is_const(to, n ? n->in[0] : v, value);
}

static gr_val lean_node(const narrowing *w, const gr_node *n, const gr_val *in)
{
    int number;
    double value;
    if (!gr__stands_in(n, &number)) return gr__node_copy(w->lean, w->b->graph, n, in);
    const gr_value *v = gr__value(w->b->graph, n->out);
    if (is_constant(w, number, &value)) return gr_broadcast(w->lean, gr_const(w->lean, value), v->shape);
    return gr__stand_in(w->lean, v, number);
}

static void name_result(gr_graph *g, int *n, gr_val v)
{
    char name[16];
    snprintf(name, sizeof name, "%d", (*n)++);
    gr_output(g, name, v);
}

static bool stays_stacked(const narrowing *w, int stack)
{
    gr_val v = gr__body_stack(w->b, stack);
    return result_lives(w, gr__body_stacked(w->b, stack)) && carry_of(w, v, true) < 0 && carry_of(w, v, false) < 0;
}

/* What lives, with the results that are left. */
static gr_status make_lean(narrowing *w)
{
    const gr_graph *from = w->b->graph;
    int widest = 1, n = 0;
    for (uint32_t k = 0; k < gr__graph_nodes(from); k++) widest = GR_MAX(widest, gr__node(from, k)->n_in);
    gr_val *in = gr__bump_alloc(w->memory, (size_t)widest * sizeof *in);
    gr_val *map = gr__bump_alloc(w->memory, (gr__graph_values(from) + 1) * sizeof *map);
    if (!in || !map) return GR_E_MEMORY;
    for (uint32_t k = 0; k < gr__graph_nodes(from) && gr_graph_status(w->lean) == GR_OK; k++) {
        const gr_node *node = gr__node(from, k);
        if (!gr__plan_node_lives(node, w->live)) continue;
        for (int i = 0; i < node->n_in; i++) in[i] = map[node->in[i]];
        const char *scope = gr__intern(w->lean, node->scope);
        if (scope) gr__scope_set(w->lean, scope);
        gr_val v = lean_node(w, node, in);
        for (int o = 0; v && o < node->n_out; o++) map[node->out + (gr_val)o] = gr__node_output(w->lean, v, o);
    }
    for (int c = 0; c < w->b->n_carries; c++)
        if (w->needed[c]) name_result(w->lean, &n, map[gr__body_next(w->b, c)]);
    for (int k = 0; k < gr__body_stacks(w->b); k++)
        if (stays_stacked(w, k)) name_result(w->lean, &n, map[gr__body_stack(w->b, k)]);
    return gr_graph_status(w->lean);
}

/* Operands that are still read, and all that is carried. */
static gr_status number_operands(narrowing *w)
{
    bool *read = gr__bump_alloc(w->memory, (gr__graph_values(w->simple) + 1) * sizeof *read);
    if (!read) return GR_E_MEMORY;
    gr__plan_mark_live(w->simple, read);
    for (int i = 0; i < w->b->n_in; i++) w->number[i] = -1;
    for (uint32_t k = 0; k < gr__graph_nodes(w->simple); k++) {
        int number;
        const gr_node *n = gr__node(w->simple, k);
        if (gr__stands_in(n, &number) && read[n->out]) w->number[number] = 0;
    }
    for (int c = 0; c < w->b->n_carries; c++)
        if (w->needed[c]) w->number[gr__body_operand(w->b, c)] = 0;
    for (int i = 0; i < w->b->n_in; i++) {
        if (w->number[i] < 0) continue;
        w->role[w->n_in] = w->b->role[i];
        w->in[w->n_in] = w->operand[i];
        w->number[i] = w->n_in++;
    }
    return GR_OK;
}

static void renumber(gr__rebuild *r, const gr_node *n, const gr_val *in, gr_val *out)
{
    const narrowing *w = r->user;
    int number;
    gr_val v = gr__stands_in(n, &number) ? gr__stand_in(r->to, gr__value(r->from, n->out), w->number[number])
                                         : gr__node_copy(r->to, r->from, n, in);
    gr__rebuilt(r, n, v, out);
}

static gr_status make_inner(narrowing *w, const gr_backend *backend)
{
    gr_status st = GR_OK;
    gr_context *ctx = w->b->ctx;
    GR_TRY(gr_graph_create(ctx, &w->lean));
    GR_TRY(make_lean(w));
    GR_TRY(gr__plan_simplify(ctx, backend, w->lean, &w->simple));
    GR_TRY(number_operands(w));
    GR_TRY(gr__rebuild_graph(ctx, w->simple, renumber, w, &w->inner));
    for (int i = 0; i < w->b->n_in; i++) /* also of carries that nothing reads */
        if (w->number[i] >= 0 && w->b->role[i] == GR__ROLE_CARRY)
            gr__stand_in(w->inner, gr__value(w->b->graph, w->b->leaf[i]), w->number[i]);
    st = gr_graph_status(w->inner);
done:
    return st;
}

/* ---- the new loop ---- */

static int new_carry(const narrowing *w, int carry)
{
    int n = 0;
    for (int c = 0; c < carry; c++) n += w->needed[c];
    return n;
}

static gr_val from_states(const narrowing *w, gr_val states, bool before)
{
    int64_t steps = gr__scan_steps(&w->n->attr);
    return gr_slice(w->r->to, states, 0, before == gr__scan_reverse(&w->n->attr), steps);
}

static gr_val last_state(const narrowing *w, gr_val states)
{
    int64_t last = gr__scan_reverse(&w->n->attr) ? 0 : gr__scan_steps(&w->n->attr);
    gr_val v = gr_slice(w->r->to, states, 0, last, 1);
    return gr_reshape(w->r->to, v, gr__shape_of_step(gr_shape_of(w->r->to, states)));
}

static void map_results(const narrowing *w, const gr__body *made, gr_val first, gr_val *out)
{
    gr_graph *to = w->r->to;
    const gr__body *b = w->b;
    for (int c = 0; c < b->n_carries; c++) {
        if (!w->needed[c]) continue;
        gr_val states = gr__node_output(to, first, gr__body_states(made, new_carry(w, c)));
        gr_val final = gr__node_output(to, first, gr__body_final(made, new_carry(w, c)));
        if (result_lives(w, gr__body_states(b, c))) out[gr__body_states(b, c)] = states;
        if (result_lives(w, gr__body_final(b, c)))
            out[gr__body_final(b, c)] = w->states[c] ? last_state(w, states) : final;
    }
    for (int k = 0, n = 0; k < gr__body_stacks(b); k++) {
        int o = gr__body_stacked(b, k), before = carry_of(w, gr__body_stack(b, k), true),
            after = carry_of(w, gr__body_stack(b, k), false);
        if (!result_lives(w, o)) continue;
        if (stays_stacked(w, k)) {
            out[o] = gr__node_output(to, first, gr__body_stacked(made, n++));
            continue;
        }
        int c = new_carry(w, before >= 0 ? before : after);
        out[o] = from_states(w, gr__node_output(to, first, gr__body_states(made, c)), before >= 0);
    }
}

static gr_status add_loop(narrowing *w, gr_val *out)
{
    gr_graph *inner = w->inner, *to = w->r->to;
    w->inner = NULL;
    gr__body *made = gr__body_create(w->b->ctx, inner, w->role, w->n_in);
    if (!made) return GR_E_MEMORY;
    const gr_attr *attr = &w->n->attr;
    int until = gr__scan_until(attr);
    gr_val first = gr__scan_add(to, made, w->in, gr__scan_steps(attr), gr__scan_reverse(attr),
                                until >= 0 ? new_carry(w, until) : -1);
    if (first) map_results(w, made, first, out);
    gr__body_release(made);
    return gr_graph_status(to);
}

static bool make_room(narrowing *w)
{
    size_t carries = (size_t)w->b->n_carries, in = (size_t)w->b->n_in;
    w->live = gr__bump_alloc(w->memory, (gr__graph_values(w->b->graph) + 1) * sizeof *w->live);
    w->needed = gr__bump_alloc(w->memory, carries * sizeof *w->needed);
    w->states = gr__bump_alloc(w->memory, carries * sizeof *w->states);
    w->number = gr__bump_alloc(w->memory, in * sizeof *w->number);
    w->role = gr__bump_alloc(w->memory, in * sizeof *w->role);
    w->in = gr__bump_alloc(w->memory, in * sizeof *w->in);
    return w->live && w->needed && w->states && w->number && w->role && w->in;
}

void gr__plan_simplify_loop(gr__rebuild *r, const gr_backend *backend, const gr_node *n, const gr_val *in, gr_val *out)
{
    gr_status st = GR_OK;
    narrowing w = {.r = r, .n = n, .operand = in, .b = n->attr.body};
    w.memory = gr__bump_create(w.b->ctx);
    GR_TRY(w.memory && make_room(&w) ? GR_OK : GR_E_MEMORY);
    mark(&w);
    find_states(&w);
    GR_TRY(make_inner(&w, backend));
    GR_TRY(add_loop(&w, out));
done:
    if (st != GR_OK && gr_graph_status(r->to) == GR_OK)
        gr_graph_fail(r->to, st, "scan: its body cannot be simplified"); /* the first error stays */
    gr_graph_destroy(w.lean);
    gr_graph_destroy(w.simple);
    gr_graph_destroy(w.inner);
    gr__bump_destroy(w.memory);
}
