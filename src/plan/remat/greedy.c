/* Scripts made smaller or faster, whatever they came from. Where most stands, values are looked for that stand there
 * unread, and what it takes to compute each again before it is read: turns, and values that must stand longer for them.
 * Most bytes for the least time come first, so what is cheap (activations, norms, masks) does before contractions. */
#include <stdlib.h>
#include <string.h>

#include "plan/remat/remat.h"

enum {
    MOST_TURNS = 24, /* that are computed again for one value */
    MOST_TRIES = 32, /* until nothing is thought to help */
    EXTEND = 4       /* a value that is so many times smaller stands longer rather than being made again */
};
#define AT_LEAST 2000.0 /* nanoseconds, so that the worth of what is cheap is its bytes */

/* ---- what happens to a value, entry after entry ---- */

typedef struct event {
    int at;
    bool made; /* else read */
} event;

typedef struct look {
    gr__rehearsal *r;
    const gr__script *s;
    int *first;   /* of a held value: its events are event[first[h] .. first[h + 1]) */
    int *fill;    /* to work with */
    int *next;    /* of an entry: the turns before this one have run */
    event *event; /* of all */
    size_t room;
    int at; /* the entry where most stands */
} look;

static bool open_look(gr__rehearsal *r, look *l)
{
    *l = (look){.r = r};
    size_t n = ((size_t)r->n_held + 2) * sizeof(int);
    l->first = gr__bump_alloc(r->memory, n);
    l->fill = gr__bump_alloc(r->memory, n);
    return l->first && l->fill;
}

static bool make_room(look *l, const gr__script *s)
{
    size_t n = 1;
    for (int e = 0; e < s->n; e++) n += (size_t)(l->r->act[s->turn[e]].n_in + l->r->act[s->turn[e]].n_out + 1);
    if (n <= l->room) return true;
    l->room = 2 * n;
    l->event = gr__bump_alloc(l->r->memory, l->room * sizeof *l->event);
    l->next = gr__bump_alloc(l->r->memory, l->room * sizeof *l->next);
    return l->event && l->next;
}

static bool look_at(look *l, const gr__script *s, int at)
{
    const gr__rehearsal *r = l->r;
    int turn = 0;
    l->s = s;
    l->at = at;
    if (!make_room(l, s)) return false;
    memset(l->first, 0, ((size_t)r->n_held + 2) * sizeof *l->first);
    for (int e = 0; e < s->n; e++) {
        const gr__act *a = &r->act[s->turn[e]];
        for (int k = a->in; k < a->out + a->n_out; k++) l->first[r->operand[k] + 1]++;
    }
    for (int h = 0; h < r->n_held; h++) l->first[h + 1] += l->first[h];
    memcpy(l->fill, l->first, ((size_t)r->n_held + 1) * sizeof *l->fill);
    for (int e = 0; e < s->n; e++) {
        const gr__act *a = &r->act[s->turn[e]];
        l->next[e] = turn;
        turn += s->turn[e] == turn;
        for (int k = a->in; k < a->out + a->n_out; k++) l->event[l->fill[r->operand[k]]++] = (event){e, k >= a->out};
    }
    return true;
}

/* The first event from this entry on; the end of the list where there is none. */
static int event_from(const look *l, int held, int entry)
{
    int k = l->first[held];
    while (k < l->first[held + 1] && l->event[k].at < entry) k++;
    return k;
}

static bool stands_at(const look *l, int held, int entry)
{
    int k = event_from(l, held, entry);
    if (k == l->first[held] && l->r->held[held].maker >= 0) return false;
    return k < l->first[held + 1] ? !l->event[k].made : l->r->held[held].pinned;
}

/* It stands where most does, unread until this entry, which reads it; -1: not so. */
static int reads_unread(const look *l, int held)
{
    int k = event_from(l, held, l->at);
    if (l->r->held[held].maker < 0 || k == l->first[held] || k == l->first[held + 1]) return -1;
    return l->event[k].made || l->event[k].at == l->at ? -1 : l->event[k].at;
}

/* ---- what it takes ---- */

typedef struct remedy {
    int held, before; /* the entry that reads it */
    int turn[MOST_TURNS], n;
    double ns, freed, longer; /* bytes where most stands: gone, and come */
} remedy;

static bool is_listed(const remedy *x, int turn)
{
    for (int i = 0; i < x->n; i++)
        if (x->turn[i] == turn) return true;
    return false;
}

static bool gather(const look *l, remedy *x, int held, int depth)
{
    const gr__rehearsal *r = l->r;
    int maker = r->held[held].maker;
    if (maker < 0 || depth == MOST_TURNS || r->act[maker].limit < l->next[x->before]) return false;
    if (is_listed(x, maker)) return true;
    const gr__act *a = &r->act[maker];
    for (int i = a->in; i < a->out; i++) {
        int from = r->operand[i], k = event_from(l, from, x->before);
        const gr__held *in = &r->held[from];
        if (stands_at(l, from, x->before) || (in->maker >= 0 && is_listed(x, in->maker))) continue;
        if (k > l->first[from] && l->event[k - 1].at >= l->at) continue; /* it stands longer, but not at the worst */
        bool tiny = in->small || EXTEND * in->bytes <= r->held[x->held].bytes;
        if (tiny || !gather(l, x, from, depth + 1)) x->longer += (double)in->bytes;
    }
    if (x->n == MOST_TURNS) return false;
    x->turn[x->n++] = maker;
    x->ns += a->cost_ns;
    return true;
}

static bool find_remedy(const look *l, int held, remedy *x)
{
    const gr__rehearsal *r = l->r;
    *x = (remedy){.held = held, .before = reads_unread(l, held)};
    if (x->before < 0 || r->held[held].small || !gather(l, x, held, 0)) return false;
    for (int i = 0; i < x->n; i++) {
        const gr__act *a = &r->act[x->turn[i]];
        for (int o = a->out; o < a->out + a->n_out; o++)
            if (reads_unread(l, r->operand[o]) >= x->before) x->freed += (double)r->held[r->operand[o]].bytes;
    }
    return x->freed > x->longer;
}

static double worth(const remedy *x)
{
    return (x->freed - x->longer) / (x->ns + AT_LEAST);
}

/* ---- smaller ---- */

/* The best that was not tried at this place yet; false: none. */
static bool best_remedy(const look *l, const bool *tried, remedy *best)
{
    remedy x;
    bool found = false;
    for (int h = 0; h < l->r->n_held; h++)
        if (!tried[h] && find_remedy(l, h, &x) && (!found || worth(&x) > worth(best))) {
            *best = x;
            found = true;
        }
    return found;
}

/* One remedy; *done: it helped. */
static bool reduce_once(gr__rehearsal *r, look *l, gr__script *s, gr__script *other, size_t target, gr__takes *takes,
                        bool *tried, bool *done)
{
    remedy x;
    gr__takes then;
    *done = false;
    gr__script_tidy(r, s);
    if (!gr__script_take(r, s, target, takes)) return false;
    if (takes->peak <= target || !look_at(l, s, takes->at)) return takes->peak <= target;
    memset(tried, 0, (size_t)r->n_held);
    for (int i = 0; i < MOST_TRIES && best_remedy(l, tried, &x); i++) {
        tried[x.held] = true;
        if (!gr__script_copy(r, s, other) || !gr__script_insert(r, other, x.before, x.turn, x.n)) return false;
        if (!gr__script_take(r, other, target, &then)) return false;
        if (then.over >= takes->over) continue;
        gr__script keep = *s;
        *s = *other;
        *other = keep;
        *takes = then;
        *done = true;
        return true;
    }
    return true;
}

bool gr__script_reduce(gr__rehearsal *r, gr__script *s, size_t target)
{
    look l;
    gr__takes takes;
    gr__script other = {0};
    bool done = true, *tried = gr__bump_alloc(r->memory, (size_t)r->n_held + 1);
    if (!tried || !open_look(r, &l) || !gr__script_take(r, s, target, &takes)) return false;
    while (done && takes.peak > target)
        if (!reduce_once(r, &l, s, &other, target, &takes, tried, &done)) return false;
    if (!gr__script_take(r, s, target, &takes)) return false;
    gr__script_tidy(r, s);
    return true;
}

/* ---- faster ---- */

typedef struct instance {
    int turn, number; /* it is the turn's so-manieth */
    double ns;
} instance;

static int dearest_first(const void *a, const void *b)
{
    const instance *x = a, *y = b;
    if (x->ns != y->ns) return x->ns > y->ns ? -1 : 1;
    return x->turn != y->turn ? x->turn - y->turn : y->number - x->number;
}

static int list_instances(const gr__rehearsal *r, const gr__script *s, instance *list, int *count)
{
    int n = 0;
    memset(count, 0, (size_t)r->n_acts * sizeof *count);
    for (int e = 0; e < s->n; e++) {
        int t = s->turn[e];
        if (count[t]) list[n++] = (instance){t, count[t], r->act[t].cost_ns};
        count[t]++;
    }
    qsort(list, (size_t)n, sizeof *list, dearest_first);
    return n;
}

/* Without the instance; false: it is gone already. */
static bool leave_out(const gr__script *s, const instance *x, gr__script *to)
{
    int n = 0, seen = 0;
    for (int e = 0; e < s->n; e++)
        if (s->turn[e] != x->turn || seen++ != x->number) to->turn[n++] = s->turn[e];
    to->n = n;
    return n < s->n;
}

bool gr__script_relax(gr__rehearsal *r, gr__script *s, size_t target)
{
    gr__script other = {0};
    gr__takes takes;
    int n, *count = gr__bump_alloc(r->memory, ((size_t)r->n_acts + 1) * sizeof *count);
    instance *list = gr__bump_alloc(r->memory, ((size_t)s->n + 1) * sizeof *list);
    if (!count || !list || !gr__script_copy(r, s, &other)) return false;
    if (!gr__script_take(r, s, target, &takes)) return false;
    gr__script_tidy(r, s);
    n = list_instances(r, s, list, count);
    for (int i = 0; i < n; i++) {
        double before = takes.ns;
        gr__takes then;
        if (!leave_out(s, &list[i], &other)) continue;
        if (!gr__script_take(r, &other, target, &then)) return false;
        if (then.peak > target || then.ns >= before) continue;
        gr__script keep = *s;
        *s = other;
        other = keep;
        takes = then;
    }
    if (!gr__script_take(r, s, target, &takes)) return false;
    gr__script_tidy(r, s);
    return true;
}
