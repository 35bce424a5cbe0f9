/* Scripts being written. */
#include <string.h>

#include "plan/remat/remat.h"

static bool room(gr__rehearsal *r, gr__script *s, int n)
{
    if (n <= s->room) return true;
    int most = GR_MAX(2 * n, r->n_acts + 64);
    int *turn = gr__bump_alloc(r->own, (size_t)most * sizeof *turn);
    if (!turn) return false;
    if (s->n) memcpy(turn, s->turn, (size_t)s->n * sizeof *turn);
    s->turn = turn;
    s->room = most;
    return true;
}

bool gr__script_add(gr__rehearsal *r, gr__script *s, int turn)
{
    if (!room(r, s, s->n + 1)) return false;
    s->turn[s->n++] = turn;
    return true;
}

bool gr__script_copy(gr__rehearsal *r, const gr__script *from, gr__script *to)
{
    if (!room(r, to, from->n)) return false;
    if (from->n) memcpy(to->turn, from->turn, (size_t)from->n * sizeof *to->turn);
    to->n = from->n;
    return true;
}

bool gr__script_insert(gr__rehearsal *r, gr__script *s, int at, const int *turns, int n)
{
    if (!room(r, s, s->n + n)) return false;
    memmove(s->turn + at + n, s->turn + at, (size_t)(s->n - at) * sizeof *s->turn);
    memcpy(s->turn + at, turns, (size_t)n * sizeof *s->turn);
    s->n += n;
    return true;
}

bool gr__script_plain(gr__rehearsal *r, gr__script *s)
{
    s->n = 0;
    if (!room(r, s, r->n_acts)) return false;
    for (int t = 0; t < r->n_acts; t++) s->turn[s->n++] = t;
    return true;
}

void gr__script_tidy(gr__rehearsal *r, gr__script *s)
{
    int n = 0;
    for (int e = 0; e < s->n; e++)
        if (r->during[e] != GR__UNUSED) s->turn[n++] = s->turn[e];
    s->n = n;
}

/* ---- writing ---- */

bool gr__writing_open(gr__rehearsal *r, gr__script *s, gr__writing *w)
{
    *w = (gr__writing){.r = r, .s = s};
    s->n = 0;
    w->there = gr__bump_alloc(r->memory, ((size_t)r->n_held + 1) * sizeof *w->there);
    w->done = gr__bump_alloc(r->memory, ((size_t)r->n_acts + 1) * sizeof *w->done);
    w->failed = !w->there || !w->done;
    for (int h = 0; h < r->n_held && !w->failed; h++) w->there[h] = r->held[h].maker < 0;
    return !w->failed;
}

static void put(gr__writing *w, int turn)
{
    gr__rehearsal *r = w->r;
    const gr__act *a = &r->act[turn];
    if (!gr__script_add(r, w->s, turn)) w->failed = true;
    w->done[turn] = true;
    while (w->next < r->n_acts && w->done[w->next]) w->next++;
    for (int o = a->out; o < a->out + a->n_out; o++) w->there[r->operand[o]] = true;
}

/* What may not be computed again has stood all the time. */
static void restore(gr__writing *w, int held)
{
    const gr__rehearsal *r = w->r;
    int maker = r->held[held].maker;
    w->there[held] = true;
    if (maker < 0 || r->act[maker].limit < w->next) return;
    const gr__act *a = &r->act[maker];
    for (int i = a->in; i < a->out; i++)
        if (!w->there[r->operand[i]]) restore(w, r->operand[i]);
    put(w, maker);
}

void gr__write_value(gr__writing *w, int held)
{
    restore(w, held);
}

void gr__write_turn(gr__writing *w, int turn)
{
    const gr__act *a = &w->r->act[turn];
    for (int i = a->in; i < a->out; i++)
        if (!w->there[w->r->operand[i]]) restore(w, w->r->operand[i]);
    put(w, turn);
}

void gr__write_rest(gr__writing *w)
{
    for (int t = 0; t < w->r->n_acts; t++)
        if (!w->done[t]) gr__write_turn(w, t);
}

bool gr__script_keeping(gr__rehearsal *r, const bool *keep, gr__script *s)
{
    gr__writing w;
    if (!gr__writing_open(r, s, &w)) return false;
    for (int t = 0; t <= r->turning && t < r->n_acts; t++) gr__write_turn(&w, t);
    for (int h = 0; h < r->n_held; h++)
        w.there[h] &= keep[h] || r->held[h].small || r->held[h].maker < 0 || r->held[h].pinned;
    gr__write_rest(&w);
    return !w.failed;
}
