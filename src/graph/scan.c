/* Building loops: the body is built as a graph of its own, and what it reads of the graph around it is declared. */
#include <stdio.h>

#include "graph/op.h"

struct gr_scan {
    gr_graph *g;
    gr_graph *inner; /* while it is being built: the body's afterwards */
    gr__body *body;
    int64_t steps;
    bool reverse;
    int n; /* operands so far */
    size_t room_role, room_in, room_leaf, room_next;
    gr__role *role;
    gr_val *in, *leaf, *next; /* of an operand; next of carries alone */
    gr_val until;             /* the leaf of the carry that ends it; GR_NONE: none does */
    gr_val out;
};

gr_scan *gr_scan_begin(gr_graph *g, int64_t steps, bool reverse)
{
    if (g->status != GR_OK) return NULL;
    if (steps < 1) {
        gr_graph_fail(g, GR_E_RANGE, "scan: %lld steps, wanted one at least", (long long)steps);
        return NULL;
    }
    gr_scan *s = gr__alloc(g->ctx, sizeof *s);
    if (!s || gr_graph_create(g->ctx, &s->inner) != GR_OK) {
        gr__free(g->ctx, s, sizeof *s);
        g->status = GR_E_MEMORY;
        return NULL;
    }
    s->g = g;
    s->steps = steps;
    s->reverse = reverse;
    const char *scope = gr__intern(s->inner, g->scope);
    if (scope) gr__scope_set(s->inner, scope);
    return s;
}

gr_graph *gr_scan_body(gr_scan *s)
{
    return s->inner;
}

/* ---- operands ---- */

static gr_val add_operand(gr_scan *s, gr__role role, gr_val v, gr_shape shape)
{
    gr_context *ctx = s->g->ctx;
    size_t n = (size_t)s->n + 1;
    if (!GR_ROOM(ctx, s->role, s->room_role, n) || !GR_ROOM(ctx, s->in, s->room_in, n) ||
        !GR_ROOM(ctx, s->leaf, s->room_leaf, n) || !GR_ROOM(ctx, s->next, s->room_next, n)) {
        s->g->status = GR_E_MEMORY;
        return GR_NONE;
    }
    s->role[s->n] = role;
    s->in[s->n] = v;
    s->next[s->n] = GR_NONE;
    s->leaf[s->n] = gr__stand_in(s->inner, &(gr_value){.dtype = gr_dtype_of(s->g, v), .shape = shape}, s->n);
    return s->leaf[s->n++];
}

/* The same operand is the same leaf; a carry is always one of its own. */
static gr_val operand(gr_scan *s, gr__role role, gr_val v)
{
    char text[96];
    if (s->body) return gr_graph_fail(s->g, GR_E_USAGE, "scan: its body is finished");
    if (!gr__usable(s->g, GR_OP_SCAN, v)) return GR_NONE;
    gr_shape shape = gr_shape_of(s->g, v);
    if (role == GR__ROLE_STEP && (shape.rank < 2 || shape.dim[0] != s->steps))
        return gr_graph_fail(s->g, GR_E_SHAPE, "scan: a part of %s for each of %lld steps cannot be had",
                             gr__shape_text(shape, text), (long long)s->steps);
    for (int i = 0; i < s->n && role != GR__ROLE_CARRY; i++)
        if (s->role[i] == role && s->in[i] == v) return s->leaf[i];
    return add_operand(s, role, v, role == GR__ROLE_STEP ? gr__shape_of_step(shape) : shape);
}

gr_val gr_scan_carry(gr_scan *s, gr_val initial)
{
    return operand(s, GR__ROLE_CARRY, initial);
}

gr_val gr_scan_step(gr_scan *s, gr_val stacked)
{
    return operand(s, GR__ROLE_STEP, stacked);
}

gr_val gr_scan_given(gr_scan *s, gr_val value)
{
    return operand(s, GR__ROLE_GIVEN, value);
}

static int find(const gr_scan *s, gr_val leaf, gr__role role)
{
    for (int i = 0; i < s->n; i++)
        if (s->leaf[i] == leaf && s->role[i] == role) return i;
    return -1;
}

void gr_scan_next(gr_scan *s, gr_val carry, gr_val next)
{
    if (s->g->status != GR_OK || gr_graph_status(s->inner) != GR_OK) return;
    int i = find(s, carry, GR__ROLE_CARRY);
    if (i < 0 || next == GR_NONE || next > gr__graph_values(s->inner))
        gr_graph_fail(s->g, GR_E_USAGE, "scan: %s", i < 0 ? "that is not carried" : "no value of its body");
    else
        s->next[i] = next;
}

void gr__scan_end_at(gr_scan *s, gr_val carry)
{
    s->until = carry;
}

/* ---- the end ---- */

/* Whatever may be asked for afterwards, by gradients too: plans drop what nobody reads. */
static bool may_be_stacked(const gr_graph *g, gr_val v, const gr_scan *s)
{
    const gr_value *value = gr__value(g, v);
    if (value->dtype != GR_REAL || value->shape.rank < 1 || value->shape.rank >= GR_MAX_RANK) return false;
    return gr__producer(g, v)->op->class != GR_CLASS_LEAF || find(s, v, GR__ROLE_CARRY) >= 0;
}

static bool name_result(gr_graph *inner, int *n, gr_val v)
{
    char name[16];
    snprintf(name, sizeof name, "%d", (*n)++);
    gr_output(inner, name, v);
    return gr_graph_status(inner) == GR_OK;
}

static bool name_results(gr_scan *s)
{
    int n = 0;
    for (int i = 0; i < s->n; i++) {
        if (s->role[i] != GR__ROLE_CARRY) continue;
        if (s->next[i] == GR_NONE) {
            gr_graph_fail(s->g, GR_E_USAGE, "scan: nothing was said of what is carried from a step to the next");
            return false;
        }
        if (!name_result(s->inner, &n, s->next[i])) return false;
    }
    for (gr_val v = 1; v <= gr__graph_values(s->inner) && !s->until; v++)
        if (may_be_stacked(s->inner, v, s) && !name_result(s->inner, &n, v)) return false;
    return true;
}

bool gr_scan_end(gr_scan *s)
{
    if (gr_graph_status(s->inner) != GR_OK && s->g->status == GR_OK) s->g->status = gr_graph_status(s->inner);
    if (s->g->status == GR_OK && s->n == 0) gr_graph_fail(s->g, GR_E_USAGE, "scan: its body reads nothing");
    if (s->g->status != GR_OK || s->body || !name_results(s)) {
        if (s->g->status == GR_OK) s->g->status = gr_graph_status(s->inner);
        return false;
    }
    s->body = gr__body_create(s->g->ctx, s->inner, s->role, s->n);
    if (!s->body) {
        s->inner = NULL;
        s->g->status = GR_E_MEMORY;
        return false;
    }
    if (gr__body_results(s->body) == 0) return true; /* of a body that computes nothing there is nothing to run */
    int until = s->until ? gr__body_carry(s->body, find(s, s->until, GR__ROLE_CARRY)) : -1;
    s->out = gr__scan_add(s->g, s->body, s->in, s->steps, s->reverse, until);
    return s->out != GR_NONE;
}

gr_val gr_scan_final(const gr_scan *s, gr_val carry)
{
    if (s->out == GR_NONE) return GR_NONE;
    int i = find(s, carry, GR__ROLE_CARRY);
    if (i < 0) return gr_graph_fail(s->g, GR_E_USAGE, "scan: that is not carried");
    return gr__node_output(s->g, s->out, gr__body_final(s->body, gr__body_carry(s->body, i)));
}

gr_val gr_scan_stack(const gr_scan *s, gr_val inner)
{
    if (s->g->status != GR_OK || !s->body) return GR_NONE;
    gr_val v = GR_NONE;
    for (int i = 0; i < s->n && inner; i++)
        if (s->leaf[i] == inner) v = gr__scan_operand(s->g, s->role[i], s->in[i], s->steps);
    bool computed = !v && s->out && inner && inner <= gr__graph_values(s->inner);
    if (computed) v = gr__scan_all(s->g, gr__producer(s->g, s->out), inner);
    return v ? v : gr_graph_fail(s->g, GR_E_USAGE, "scan: that value of its body cannot be stacked");
}

void gr_scan_free(gr_scan *s)
{
    if (!s) return;
    gr_context *ctx = s->g->ctx;
    if (s->body)
        gr__body_release(s->body);
    else
        gr_graph_destroy(s->inner);
    gr__free(ctx, s->role, s->room_role * sizeof *s->role);
    gr__free(ctx, s->in, s->room_in * sizeof *s->in);
    gr__free(ctx, s->leaf, s->room_leaf * sizeof *s->leaf);
    gr__free(ctx, s->next, s->room_next * sizeof *s->next);
    gr__free(ctx, s, sizeof *s);
}
