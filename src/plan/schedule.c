/* Scheduling: units in their order, between what saves old values of the store and what copies new ones into it. A
 * guard is tested before the first entry that writes what waits for it. */
#include "plan/plan.h"

static gr_status make_room(gr__compiler *c, gr__turn *turn)
{
    turn->operand = gr__bump_alloc(c->plan->memory, (size_t)(turn->n_in + turn->n_out) * sizeof *turn->operand);
    turn->workspace = -1;
    return turn->operand ? GR_OK : gr__error_code(c->ctx);
}

static gr_status add(gr__compiler *c, gr__turn turn)
{
    c->schedule.turn[c->schedule.n] = turn;
    return make_room(c, &c->schedule.turn[c->schedule.n++]);
}

gr_status gr__turn_call(gr__compiler *c, gr__turn *turn)
{
    const gr_item *it = &turn->made->item;
    turn->in = it->in;
    turn->out = it->out;
    turn->n_in = it->n_segments * it->n_in;
    turn->n_out = it->n_segments * it->n_out;
    return make_room(c, turn);
}

static gr_status add_unit(gr__compiler *c, int unit)
{
    gr__turn *turn = &c->schedule.turn[c->schedule.n++];
    *turn = (gr__turn){.code = GR__CALL, .unit = unit, .made = c->units[unit].made};
    gr_status st = gr__turn_call(c, turn);
    for (int o = 0; o < turn->n_out; o++) turn->writes_store |= c->stored_as[turn->out[o]] >= 0;
    return st;
}

/* Old values are copied to buffers of their own. */
static gr_status add_saving(gr__compiler *c)
{
    if (c->n_saved == 0) return GR_OK;
    return add(c, (gr__turn){GR__COPY, -1, .in = c->saved, .out = c->saved, .n_in = c->n_saved, .n_out = c->n_saved});
}

static gr_status add_assigning(gr__compiler *c)
{
    if (c->n_copies == 0) return GR_OK;
    gr_val *in = gr__bump_alloc(c->work, (size_t)c->n_copies * sizeof *in),
           *out = gr__bump_alloc(c->work, (size_t)c->n_copies * sizeof *out);
    if (!in || !out) return gr__error_code(c->ctx);
    for (int i = 0; i < c->n_copies; i++) {
        in[i] = c->copies[i].value;
        out[i] = c->copies[i].target;
    }
    return add(c, (gr__turn){GR__COPY, -1, .in = in, .out = out, .n_in = c->n_copies, .n_out = c->n_copies,
                             .writes_store = true});
}

/* Does the entry write what waits for this guard? */
static bool waits_for(const gr__compiler *c, const gr__turn *turn, gr_val guard)
{
    for (int o = 0; turn->code == GR__CALL && o < turn->n_out; o++)
        if (c->stored_as[turn->out[o]] >= 0 && c->stored_if[turn->out[o]] == guard) return true;
    for (int i = 0; turn->code == GR__COPY && turn->writes_store && i < c->n_copies; i++)
        if (gr__assign_guard(c, &c->copies[i]) == guard) return true;
    return false;
}

/* Before the first entry that waits for it. */
static gr_status add_test(gr__compiler *c, const gr_val *guard)
{
    gr_status st = GR_OK;
    int n = c->schedule.n, at = 0;
    while (at < n && !waits_for(c, &c->schedule.turn[at], *guard)) at++;
    GR_TRY(add(c, (gr__turn){GR__TEST, -1, .in = guard, .n_in = 1}));
    gr__turn *turn = c->schedule.turn, test = turn[n];
    for (int i = n; i > at; i--) turn[i] = turn[i - 1];
    turn[at] = test;
done:
    return st;
}

/* The guard of all, and those of single assignments, each once. */
static gr_status add_tests(gr__compiler *c)
{
    gr_status st = GR_OK;
    bool *seen = gr__bump_alloc(c->work, (c->n_values + 1) * sizeof *seen);
    if (!seen) return gr__error_code(c->ctx);
    seen[GR_NONE] = true;
    for (size_t i = 0; i <= c->effects.n_assigns; i++) {
        const gr_val *guard = i ? &c->effects.assigns[i - 1].guard : &c->effects.guard;
        if (!seen[*guard]) GR_TRY(add_test(c, guard));
        seen[*guard] = true;
    }
done:
    return st;
}

gr_status gr__plan_schedule(gr__compiler *c)
{
    gr_status st = GR_OK;
    size_t most = (size_t)c->n_sequence + c->effects.n_assigns + 3;
    c->schedule.turn = gr__bump_alloc(c->work, most * sizeof *c->schedule.turn);
    if (!c->schedule.turn) return gr__error_code(c->ctx);
    GR_TRY(add_saving(c));
    for (int i = 0; i < c->n_sequence; i++) GR_TRY(add_unit(c, c->sequence[i]));
    GR_TRY(add_assigning(c));
    GR_TRY(add_tests(c));
done:
    return st;
}
