/* What a script takes, without kernels and places: how much stands while each entry runs, and how long instances take.
 * Placing may leave holes, so it takes a little more than is said here (remember.c sees to that). */
#include <string.h>

#include "plan/remat/remat.h"

enum { SMALL = 128 }; /* so many of a value are as large as the largest that crosses */
#define A_CALL 200.0  /* nanoseconds: nothing is free */

/* ---- from the schedule ---- */

static bool takes_block(const gr__compiler *c, gr_val root)
{
    gr_opcode code = gr__producer(c->g, root)->op->code;
    return code == GR_OP_FEED ? c->standing[root] >= 0
                              : c->standing[root] < 0 && c->unit_of[gr__value(c->g, root)->node] >= 0;
}

static bool find_held(gr__rehearsal *r)
{
    gr__compiler *c = r->c;
    r->held_of = gr__bump_alloc(r->memory, (c->n_values + 1) * sizeof *r->held_of);
    r->held = gr__bump_alloc(r->memory, (c->n_values + 1) * sizeof *r->held);
    if (!r->held_of || !r->held) return false;
    for (gr_val v = 1; v <= c->n_values; v++) {
        r->held_of[v] = -1;
        if (c->root[v] != v || !takes_block(c, v)) continue;
        r->held[r->n_held] = (gr__held){.value = v,
                                        .bytes = gr__granules(gr__value_bytes(c->backend, gr__value(c->g, v))),
                                        .maker = -1,
                                        .last = -1};
        r->held_of[v] = r->n_held++;
    }
    for (gr_val v = 1; v <= c->n_values; v++)
        if (c->pinned[v] && r->held_of[c->root[v]] >= 0) r->held[r->held_of[c->root[v]]].pinned = true;
    return true;
}

static void add_operand(gr__rehearsal *r, int first, gr_val v)
{
    int held = v ? r->held_of[r->c->root[v]] : -1;
    for (int i = first; i < r->n_operands; i++)
        if (r->operand[i] == held) return;
    if (held >= 0) r->operand[r->n_operands++] = held;
}

static void find_takeovers(gr__rehearsal *r, gr__act *a, const gr__turn *turn)
{
    const gr_item *it = &turn->made->item;
    a->over = r->n_takeovers;
    for (int o = 0; it->kind == GR_ITEM_REGION && o < turn->n_out; o++)
        for (int i = o / it->n_out * it->n_in; i < (o / it->n_out + 1) * it->n_in; i++) {
            int out = r->held_of[turn->out[o]], in = r->held_of[r->c->root[turn->in[i]]];
            if (out < 0 || in < 0 || !gr__may_take_over(r->c, turn, i, turn->out[o])) continue;
            r->takeover[r->n_takeovers++] = (gr__takeover){out, in};
        }
    a->n_over = r->n_takeovers - a->over;
}

static void describe(gr__rehearsal *r, int t)
{
    const gr__turn *turn = &r->c->schedule.turn[t];
    gr__act *a = &r->act[t];
    bool saves = turn->code == GR__COPY && !turn->writes_store;
    *a = (gr__act){.in = r->n_operands, .limit = -1};
    for (int i = 0; i < turn->n_in && !saves; i++) add_operand(r, a->in, turn->in[i]);
    a->n_in = r->n_operands - a->in;
    a->out = r->n_operands;
    if (turn->code != GR__CALL) return;
    for (int o = 0; o < turn->n_out; o++) add_operand(r, a->out, turn->out[o]);
    a->n_out = r->n_operands - a->out;
    for (int o = a->out; o < r->n_operands; o++) r->held[r->operand[o]].maker = t;
    for (int i = a->in; i < a->out; i++) r->held[r->operand[i]].last = t;
    a->cost_ns = A_CALL + gr__made_ns(turn->made);
    a->shared = gr__granules(turn->made->kernel->shared_bytes);
    a->whole = gr__is_loop(&turn->made->item);
    a->contracts = a->whole || turn->made->products > 0;
    find_takeovers(r, a, turn);
}

static bool find_acts(gr__rehearsal *r)
{
    const gr__schedule *s = &r->c->schedule;
    size_t operands = 0, pairs = 0;
    for (int t = 0; t < s->n; t++) {
        size_t in = (size_t)s->turn[t].n_in, out = (size_t)s->turn[t].n_out;
        operands += in + out;
        pairs += s->turn[t].made ? out * (size_t)s->turn[t].made->item.n_in : 0;
    }
    r->n_acts = s->n;
    r->act = gr__bump_alloc(r->memory, ((size_t)s->n + 1) * sizeof *r->act);
    r->operand = gr__bump_alloc(r->memory, (operands + 1) * sizeof *r->operand);
    r->takeover = gr__bump_alloc(r->memory, (pairs + 1) * sizeof *r->takeover);
    if (!r->act || !r->operand || !r->takeover) return false;
    for (int t = 0; t < s->n; t++) describe(r, t);
    return true;
}

/* ---- what may run again, and until when ---- */

static bool find_limits(gr__rehearsal *r)
{
    const gr__compiler *c = r->c;
    const gr__schedule *s = &c->schedule;
    int entries = gr_store_count(c->plan->store), end = s->n;
    int *written = gr__bump_alloc(r->memory, ((size_t)entries + 1) * sizeof *written);
    if (!written) return false;
    for (int e = 0; e < entries; e++) written[e] = s->n;
    for (int t = s->n; t-- > 0;) {
        if (!s->turn[t].writes_store) continue;
        if (s->turn[t].code == GR__COPY) end = t;
        for (int o = 0; s->turn[t].code == GR__CALL && o < s->turn[t].n_out; o++)
            if (c->stored_as[s->turn[t].out[o]] >= 0) written[c->stored_as[s->turn[t].out[o]]] = t;
    }
    for (int t = 0; t < s->n; t++) {
        const gr__turn *turn = &s->turn[t];
        if (turn->code != GR__CALL || !gr__schedule_may_repeat(c, turn->unit, t + 1)) continue;
        r->act[t].limit = end;
        for (int i = 0; i < turn->n_in; i++) {
            int entry = c->entry[gr__value(c->g, c->root[turn->in[i]])->node];
            if (entry >= 0) r->act[t].limit = GR_MIN(r->act[t].limit, written[entry]);
        }
    }
    return true;
}

/* ---- the turning point ---- */

static bool is_gradient(const gr__compiler *c, gr_val v)
{
    int b = v ? c->standing[v] : -1;
    return v && (c->released[v] || (b >= 0 && c->plan->buffers[b].spot.kind == GR__IN_GRADIENTS));
}

/* The turn that writes a gradient last; where there is none, the last of all. */
static int last_gradient(const gr__rehearsal *r)
{
    const gr__schedule *s = &r->c->schedule;
    for (int t = s->n; t-- > 0;)
        for (int o = 0; s->turn[t].code == GR__CALL && o < s->turn[t].n_out; o++)
            if (is_gradient(r->c, s->turn[t].out[o])) return t;
    return s->n - 1;
}

static bool find_turning(gr__rehearsal *r)
{
    size_t *change = gr__bump_alloc(r->memory, ((size_t)r->n_acts + 2) * sizeof *change), stands = 0;
    if (!change) return false;
    for (int h = 0; h < r->n_held; h++) {
        const gr__held *x = &r->held[h];
        if (x->maker < 0 || x->pinned || x->last <= x->maker) continue;
        change[x->maker] += x->bytes;
        change[x->last] -= x->bytes; /* differences may be below 0: sums are not */
    }
    for (int t = 0, end = last_gradient(r); t < end; t++) {
        stands += change[t];
        if (stands > r->stands_then) r->stands_then = stands, r->turning = t;
    }
    return true;
}

static bool is_cheap(const gr__rehearsal *r, const gr__held *x)
{
    const gr__act *a = &r->act[x->maker];
    if (a->contracts || a->limit < 0) return false;
    for (int i = a->in; i < a->out; i++) {
        const gr__held *from = &r->held[r->operand[i]];
        if (!from->crosses && !from->cheap && !from->small && from->maker >= 0) return false;
    }
    return true;
}

static void sort_held(gr__rehearsal *r)
{
    size_t largest = 0;
    for (int h = 0; h < r->n_held; h++) {
        gr__held *x = &r->held[h];
        x->crosses = x->maker >= 0 && x->maker <= r->turning && x->last > r->turning;
        if (x->crosses) largest = GR_MAX(largest, x->bytes);
    }
    for (int h = 0; h < r->n_held; h++) {
        r->held[h].small = SMALL * r->held[h].bytes <= largest;
        r->held[h].onward = -1;
    }
    for (int t = 0; t <= r->turning && t < r->n_acts; t++)
        for (int i = r->act[t].in; i < r->act[t].out; i++) r->held[r->operand[i]].onward = t;
    for (int t = 0; t <= r->turning && t < r->n_acts; t++)
        for (int o = r->act[t].out; o < r->act[t].out + r->act[t].n_out; o++) {
            gr__held *x = &r->held[r->operand[o]];
            if (!x->small && !x->pinned) x->cheap = is_cheap(r, x);
        }
}

static size_t fixed_bytes(const gr__rehearsal *r)
{
    const gr__compiler *c = r->c;
    size_t scratch = 0, bytes = c->plan->bytes.gradients;
    for (int t = 0; t < c->schedule.n; t++)
        if (c->schedule.turn[t].made) scratch = GR_MAX(scratch, c->schedule.turn[t].made->kernel->scratch_bytes);
    for (int i = 0; i < c->n_saved; i++)
        bytes += gr__granules(gr__value_bytes(c->backend, gr__value(c->g, c->saved[i])));
    return bytes + gr__granules(scratch) * (size_t)gr_context_threads(c->ctx);
}

gr_status gr__rehearse(gr__compiler *c, gr__bump *memory, gr__rehearsal *r)
{
    *r = (gr__rehearsal){.c = c, .memory = memory, .own = memory};
    if (!find_held(r) || !find_acts(r) || !find_limits(r) || !find_turning(r)) return gr__error_code(c->ctx);
    sort_held(r);
    r->fixed = fixed_bytes(r);
    r->wanted = gr__bump_alloc(memory, ((size_t)r->n_held + 1) * sizeof *r->wanted);
    r->seen = gr__bump_alloc(memory, ((size_t)r->n_acts + 1) * sizeof *r->seen);
    return r->wanted && r->seen ? GR_OK : gr__error_code(c->ctx);
}

bool gr__aside_begin(gr__rehearsal *r)
{
    gr__bump *aside = gr__bump_create(r->c->ctx);
    if (aside) r->memory = aside;
    return aside != NULL;
}

void gr__aside_end(gr__rehearsal *r)
{
    gr__bump_destroy(r->memory);
    r->memory = r->own;
}

/* ---- a script, from its end to its beginning ---- */

static bool is_asked(const gr__rehearsal *r, const gr__act *a)
{
    for (int o = a->out; o < a->out + a->n_out; o++)
        if (r->wanted[r->operand[o]]) return true;
    return false;
}

/* Bytes of outputs that stand where an input that is read last here stood. */
static size_t taken_over(const gr__rehearsal *r, const gr__act *a)
{
    size_t bytes = 0;
    int in[16], n = 0, last = -1; /* last: the output that found one last; its pairs stand together */
    for (int p = a->over; p < a->over + a->n_over && n < (int)GR_COUNT(in); p++) {
        gr__takeover x = r->takeover[p];
        bool taken = x.out == last || r->wanted[x.in] || !r->wanted[x.out];
        for (int i = 0; i < n; i++) taken |= in[i] == x.in;
        if (taken) continue;
        in[n++] = x.in;
        last = x.out;
        bytes += r->held[x.out].bytes;
    }
    return bytes;
}

/* What stands while the turn runs; `stands` is what does afterwards. */
static size_t stands_during(const gr__rehearsal *r, const gr__act *a, bool again, size_t stands)
{
    size_t bytes = stands + a->shared;
    for (int o = a->out; o < a->out + a->n_out; o++)
        if (!r->wanted[r->operand[o]] && (!again || a->whole)) bytes += r->held[r->operand[o]].bytes;
    for (int i = a->in; i < a->out; i++)
        if (!r->wanted[r->operand[i]]) bytes += r->held[r->operand[i]].bytes;
    return bytes - taken_over(r, a);
}

static bool room(gr__rehearsal *r, int n)
{
    if ((size_t)n <= r->during_room) return true;
    r->during_room = 2 * (size_t)n;
    r->during = gr__bump_alloc(r->own, r->during_room * sizeof *r->during);
    return r->during != NULL;
}

bool gr__script_take(gr__rehearsal *r, const gr__script *s, size_t target, gr__takes *out)
{
    size_t stands = r->fixed;
    *out = (gr__takes){.peak = 0};
    if (!room(r, s->n)) return false;
    memset(r->seen, 0, (size_t)r->n_acts);
    for (int e = 0; e < s->n; e++) { /* instances are marked */
        r->during[e] = r->seen[s->turn[e]];
        r->seen[s->turn[e]] = true;
    }
    for (int h = 0; h < r->n_held; h++)
        if ((r->wanted[h] = r->held[h].pinned)) stands += r->held[h].bytes;
    for (int e = s->n; e-- > 0;) {
        const gr__act *a = &r->act[s->turn[e]];
        bool again = r->during[e] != 0;
        r->during[e] = GR__UNUSED;
        if (again && !is_asked(r, a)) continue;
        if (again) out->ns += a->cost_ns;
        size_t during = r->during[e] = stands_during(r, a, again, stands);
        if (during >= out->peak) out->peak = during, out->at = e;
        if (during > target) out->over += (double)(during - target);
        for (int o = a->out; o < a->out + a->n_out; o++) {
            int h = r->operand[o];
            if (r->wanted[h]) stands -= r->held[h].bytes;
            r->wanted[h] = false;
        }
        for (int i = a->in; i < a->out; i++) {
            int h = r->operand[i];
            if (!r->wanted[h]) stands += r->held[h].bytes;
            r->wanted[h] = true;
        }
    }
    return true;
}
