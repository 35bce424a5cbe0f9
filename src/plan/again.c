/* Units that run again: a value that is read long after it was computed need not stand all that time, if it is computed
 * once more. An instance after the first computes what is read before the next one and nothing else; what stands of its
 * own accord (store, gradients) was written by the first. It has the first one's bits: the kernel of a node is the
 * same, and a region has the same bits whatever it is fused with. */
#include <string.h>

#include "plan/plan.h"

/* ---- changing the schedule ---- */

static const gr__turn *first_turn(const gr__compiler *c, int unit, int before)
{
    for (int i = 0; i < before; i++)
        if (c->schedule.turn[i].unit == unit) return &c->schedule.turn[i];
    return NULL;
}

/* Is anything that the unit reads written over before this entry? */
static bool reads_the_past(const gr__compiler *c, const gr__turn *unit, int before)
{
    for (int t = 0; t < before; t++) {
        const gr__turn *turn = &c->schedule.turn[t];
        if (turn->code == GR__COPY && turn->writes_store) return true; /* nothing belongs behind that */
        for (int o = 0; turn->writes_store && o < turn->n_out; o++)
            for (int i = 0; i < unit->n_in; i++) {
                int entry = c->entry[gr__value(c->g, c->root[unit->in[i]])->node];
                if (entry >= 0 && entry == c->stored_as[turn->out[o]]) return true;
            }
    }
    return false;
}

/* A loop writes all its results or none: what its body is made of is fixed. */
static bool writes_what_stands(const gr__compiler *c, const gr__turn *unit)
{
    for (int o = 0; o < unit->n_out; o++)
        if (unit->out[o] && c->standing[unit->out[o]] >= 0) return true;
    return false;
}

bool gr__schedule_may_repeat(const gr__compiler *c, int unit, int before)
{
    if (unit < 0 || before > c->schedule.n || c->units[unit].n_parts > 1) return false;
    const gr__turn *first = first_turn(c, unit, before);
    if (!first || (gr__is_loop(&first->made->item) && writes_what_stands(c, first))) return false;
    return !reads_the_past(c, first, before);
}

gr_status gr__schedule_again(gr__compiler *c, int unit, int before)
{
    gr__schedule *s = &c->schedule;
    if (!gr__schedule_may_repeat(c, unit, before))
        return gr__fail(c->ctx, GR_E_INTERNAL, "unit %d of a plan cannot run again before entry %d", unit, before);
    gr__turn *turn = gr__bump_alloc(c->work, ((size_t)s->n + 1) * sizeof *turn);
    if (!turn) return gr__error_code(c->ctx);
    gr__turn *again = turn + before;
    memcpy(turn, s->turn, (size_t)before * sizeof *turn);
    memcpy(again + 1, s->turn + before, (size_t)(s->n - before) * sizeof *turn);
    *again = *first_turn(c, unit, before);
    again->writes_store = false;
    for (int i = 0; i < s->n; i++) again->instance += s->turn[i].unit == unit;
    s->turn = turn;
    s->n++;
    return GR_OK;
}

gr_status gr__schedule_follow(gr__compiler *c, const int *turns, int n)
{
    gr__schedule *s = &c->schedule;
    gr__turn *turn = gr__bump_alloc(c->work, ((size_t)n + 1) * sizeof *turn);
    int *ran = gr__bump_alloc(c->work, ((size_t)s->n + 1) * sizeof *ran), next = 0;
    if (!turn || !ran) return gr__error_code(c->ctx);
    for (int i = 0; i < n; i++) {
        const gr__turn *first = &s->turn[turns[i]];
        turn[i] = *first;
        turn[i].instance = ran[turns[i]]++;
        bool may =
            turn[i].instance ? turns[i] < next && gr__schedule_may_repeat(c, first->unit, next) : turns[i] == next++;
        if (!may) return gr__fail(c->ctx, GR_E_INTERNAL, "entry %d of a plan cannot run at place %d", turns[i], i);
        if (turn[i].instance) turn[i].writes_store = false;
    }
    if (next < s->n) return gr__fail(c->ctx, GR_E_INTERNAL, "entry %d of a plan does not run", next);
    s->turn = turn;
    s->n = n;
    return GR_OK;
}

/* ---- what is asked of an instance ---- */

/* The kernel of a node is called without the outputs that nobody asks for. */
static gr_status leave_out(gr__compiler *c, gr__turn *turn, const bool *asked)
{
    gr__made *m = gr__bump_alloc(c->plan->memory, sizeof *m);
    gr_val *out = gr__bump_alloc(c->plan->memory, (size_t)turn->n_out * sizeof *out);
    if (!m || !out) return gr__error_code(c->ctx);
    for (int o = 0; o < turn->n_out; o++) out[o] = asked[turn->out[o]] ? turn->out[o] : GR_NONE;
    *m = *turn->made;
    m->item.out = out;
    turn->made = m;
    return GR_OK;
}

static gr_status narrow(gr__compiler *c, gr__turn *turn, const bool *wanted)
{
    gr_status st = GR_OK;
    bool *asked =
        gr__alloc(c->ctx, (c->n_values + 1) * sizeof *asked); /* not from the bump: there are many instances */
    if (!asked) return gr__error_code(c->ctx);
    int written = 0, n = 0;
    bool whole = gr__is_loop(&turn->made->item);
    for (int o = 0; o < turn->n_out; o++) {
        gr_val v = turn->out[o];
        if (!v) continue;
        written++;
        n += asked[v] = wanted[v] && c->standing[v] < 0;
    }
    if (n == 0) {
        *turn = (gr__turn){.code = GR__CALL, .unit = -1}; /* left out */
        goto done;
    }
    if (n < written && !whole && turn->made->item.kind == GR_ITEM_NODE)
        GR_TRY(leave_out(c, turn, asked));
    else if (n < written && !whole)
        GR_TRY(gr__unit_make(c, turn->unit, asked, &turn->made));
    GR_TRY(gr__turn_call(c, turn));
done:
    gr__free(c->ctx, asked, (c->n_values + 1) * sizeof *asked);
    return st;
}

/* wanted[v]: an entry from here on reads v before it is computed there. */
gr_status gr__plan_again(gr__compiler *c)
{
    gr_status st = GR_OK;
    gr__schedule *s = &c->schedule;
    int n = 0, again = 0;
    for (int i = 0; i < s->n; i++) again += s->turn[i].instance > 0;
    if (again == 0) return GR_OK;
    bool *wanted = gr__bump_alloc(c->work, (c->n_values + 1) * sizeof *wanted);
    if (!wanted) return gr__error_code(c->ctx);
    for (gr_val v = 1; v <= c->n_values; v++) wanted[c->root[v]] |= c->pinned[v];
    for (int t = s->n; t-- > 0;) {
        gr__turn *turn = &s->turn[t];
        if (turn->instance > 0) GR_TRY(narrow(c, turn, wanted));
        for (int o = 0; turn->code == GR__CALL && o < turn->n_out; o++) wanted[turn->out[o]] = false;
        for (int i = 0; i < turn->n_in; i++) wanted[c->root[turn->in[i]]] = true;
    }
    for (int t = 0; t < s->n; t++)
        if (s->turn[t].code != GR__CALL || s->turn[t].made) s->turn[n++] = s->turn[t];
    s->n = n;
done:
    return st;
}
