/* What is kept by rule. Layers are told by the names of their scopes, in the order in which they run. */
#include <math.h>
#include <string.h>

#include "plan/remat/remat.h"

/* ---- layers ---- */

/* "block" of `bottleneck "block" / conv "block.c1"`: the outermost; *n its length, 0: it has none. */
static const char *name_of(const gr__rehearsal *r, int held, size_t *n)
{
    const char *scope = gr__producer(r->c->g, r->held[held].value)->scope, *from = strchr(scope, '"');
    const char *to = from ? strchr(from + 1, '"') : NULL;
    *n = to > from ? (size_t)(to - from - 1) : 0;
    return *n ? from + 1 : "";
}

static bool is_named(const gr__rehearsal *r, int held, const char *name)
{
    size_t n;
    const char *is = name_of(r, held, &n);
    return n == strlen(name) && memcmp(is, name, n) == 0;
}

static bool are_named_alike(const gr__rehearsal *r, int a, int b)
{
    size_t n, m;
    const char *x = name_of(r, a, &n), *y = name_of(r, b, &m);
    return n == m && n > 0 && memcmp(x, y, n) == 0;
}

/* Adds what turn t writes and the forward pass reads, or anybody does. Of each layer the last one stays. */
static int add_outputs(const gr__rehearsal *r, int t, bool at_all, int *held, int n)
{
    for (int o = r->act[t].out; o < r->act[t].out + r->act[t].n_out; o++) {
        int h = r->operand[o];
        size_t length;
        name_of(r, h, &length);
        if (length == 0 || r->held[h].small || (at_all ? r->held[h].last : r->held[h].onward) <= t) continue;
        if (n && are_named_alike(r, held[n - 1], h)) n--;
        held[n++] = h;
    }
    return n;
}

/* A layer's output is what the forward pass reads of it last; of the layers behind which there is no more of that pass,
 * what anybody reads. In their order; returns how many. */
static int list_outputs(const gr__rehearsal *r, int *held)
{
    int n = 0, last = -1;
    for (int t = 0; t <= r->turning && t < r->n_acts; t++) n = add_outputs(r, t, false, held, n);
    if (n) last = r->held[held[n - 1]].maker;
    for (int t = last + 1; t <= r->turning && t < r->n_acts; t++) n = add_outputs(r, t, true, held, n);
    return n;
}

static bool *nothing_kept(const gr__rehearsal *r)
{
    return gr__bump_alloc(r->memory, (size_t)r->n_held + 1);
}

static int *room_for_values(const gr__rehearsal *r)
{
    return gr__bump_alloc(r->memory, ((size_t)r->n_held + (size_t)r->n_acts + 1) * sizeof(int));
}

/* ---- members ---- */

static bool write_none(gr__rehearsal *r, const gr_remat *how, gr__script *s)
{
    (void)how;
    return gr__script_plain(r, s);
}

static bool keep_each(gr__rehearsal *r, const int *held, int n, int every, gr__script *s)
{
    bool *keep = nothing_kept(r);
    if (!keep) return false;
    for (int i = every - 1; i < n; i += every) keep[held[i]] = true;
    return gr__script_keeping(r, keep, s);
}

/* The output of every so-manieth layer. */
static bool write_every(gr__rehearsal *r, const gr_remat *how, gr__script *s)
{
    int *held = room_for_values(r);
    return held && keep_each(r, held, list_outputs(r, held), (int)GR_MIN(how->count, 1 << 30), s);
}

static bool write_keep(gr__rehearsal *r, const gr_remat *how, gr__script *s)
{
    int *held = room_for_values(r), n = held ? list_outputs(r, held) : 0;
    bool *keep = nothing_kept(r);
    if (!held || !keep) return false;
    for (int i = 0; i < n; i++)
        for (int k = 0; k < how->n_names; k++) keep[held[i]] |= is_named(r, held[i], how->names[k]);
    return gr__script_keeping(r, keep, s);
}

/* Equal parts of the chain of values that pass alone: as many as leave the least standing where stages are equal. */
static bool write_sqrt(gr__rehearsal *r, const gr_remat *how, gr__script *s)
{
    int *held = room_for_values(r), *turns = room_for_values(r), best = 1;
    (void)how;
    if (!held || !turns) return false;
    int n = gr__articulations(r, turns, held);
    for (int k = 2; k <= n; k++)
        if (k + (n + k - 1) / k < best + (n + best - 1) / best) best = k;
    return keep_each(r, held, n, best, s);
}

/* ---- Chen, Xu, Zhang & Guestrin 2016 ---- */

typedef struct greedy {
    size_t kept, largest, least; /* bytes: of what is kept, of a segment */
} greedy;

/* Whatever passes alone is kept once a segment has more than `bytes`. */
static greedy keep_by(const gr__rehearsal *r, size_t bytes, const int *turns, const int *held, int n, bool *keep)
{
    greedy g = {.least = SIZE_MAX};
    size_t sum = 0;
    memset(keep, 0, (size_t)r->n_held);
    for (int t = 0, k = 0; t <= r->turning && t < r->n_acts; t++) {
        for (int o = r->act[t].out; o < r->act[t].out + r->act[t].n_out; o++)
            if (r->held[r->operand[o]].crosses) sum += r->held[r->operand[o]].bytes;
        bool here = k < n && turns[k] == t;
        if (here && sum > bytes) {
            keep[held[k]] = true;
            g.kept += r->held[held[k]].bytes;
            g.largest = GR_MAX(g.largest, sum), g.least = GR_MIN(g.least, sum);
            sum = 0;
        }
        k += here;
    }
    g.largest = GR_MAX(g.largest, sum), g.least = GR_MIN(g.least, sum);
    return g;
}

/* How many bytes a segment has follows from what the last guess gave; then values around that. The one that takes the
 * least is taken, ties for less time. */
static bool write_chen(gr__rehearsal *r, const gr_remat *how, gr__script *s)
{
    enum { GUESSES = 3, AROUND = 6 };
    int *turns = room_for_values(r), *held = room_for_values(r), n;
    bool *keep = nothing_kept(r);
    gr__script one = {0};
    gr__takes best = {.peak = SIZE_MAX}, is;
    double b = 0, least = INFINITY, from = 0, to = 0;
    (void)how;
    if (!turns || !held || !keep) return false;
    n = gr__articulations(r, turns, held);
    for (int i = 0; i < GUESSES + AROUND; i++) {
        if (i == GUESSES) from = least, to = sqrt(2) * b;
        double bytes = i < GUESSES ? b : from + (to - from) * (i - GUESSES) / (AROUND - 1);
        greedy g = keep_by(r, (size_t)GR_MAX(bytes, 0), turns, held, n, keep);
        if (i < GUESSES) b = sqrt((double)g.kept * (double)g.largest / 2);
        least = GR_MIN(least, (double)g.least);
        if (!gr__script_keeping(r, keep, &one) || !gr__script_take(r, &one, SIZE_MAX, &is)) return false;
        if (is.peak > best.peak || (is.peak == best.peak && is.ns >= best.ns)) continue;
        best = is;
        if (!gr__script_copy(r, &one, s)) return false;
    }
    return true;
}

/* ---- Griewank & Walther 2000 ---- */

static double beta(int a, int b)
{
    double x = 1;
    if (a < 0 || b < 0) return 0;
    for (int i = 1; i <= b; i++) x = x * (a + i) / i;
    return x;
}

/* How far it goes on before the next snapshot, n stages before the end, with d snapshots of which one holds where it
 * is. */
static int advance(int n, int d)
{
    int r = 0;
    if (d <= 1) return n - 1;
    while (beta(d, r) < n) r++;
    if (n <= beta(d, r - 1) + beta(d - 2, r - 1)) return (int)GR_MAX(1, beta(d, r - 2));
    if (n >= beta(d, r) - beta(d - 3, r)) return (int)beta(d, r - 1);
    return n - (int)beta(d - 1, r - 1) - (int)beta(d - 2, r - 1);
}

static void revolve(gr__path *p, int first, int end, int snapshots)
{
    while (end - first > 1) {
        int middle = first + GR_MIN(GR_MAX(advance(end - first, snapshots), 1), end - first - 1);
        gr__path_through(p, first, middle);
        if (snapshots <= 1) { /* none is left: what was gone through is not begun from */
            gr__path_save(p, middle);
            gr__path_back(p, middle);
            end = middle;
            continue;
        }
        revolve(p, middle, end, snapshots - 1);
        end = middle;
    }
    gr__path_save(p, first);
    gr__path_back(p, first);
}

static bool write_revolve(gr__rehearsal *r, const gr_remat *how, gr__script *s)
{
    gr__chain chain;
    gr__path p;
    if (!gr__chain_find(r, GR__MOST_STAGES, true, false, &chain) || !gr__path_open(&chain, s, &p)) return false;
    revolve(&p, 0, chain.n, (int)GR_MIN(how->count, chain.n));
    return gr__path_close(&p);
}

static const gr__policy policies[] = {
    {.name = "none", .write = write_none},
    {.name = "every", .counts = true, .write = write_every},
    {.name = "keep", .names = true, .write = write_keep},
    {.name = "sqrt", .write = write_sqrt},
    {.name = "chen", .write = write_chen},
    {.name = "revolve", .counts = true, .write = write_revolve},
};

/* ---- rules of one number or none ---- */

bool gr__script_by_rule(gr__rehearsal *r, int rule, gr__script *s, bool *there)
{
    enum { REVOLVE = 8 };
    gr_remat how = {.count = rule - 1};
    int *held = room_for_values(r), most = held ? GR_MIN(list_outputs(r, held), GR__MOST_STAGES) : 0;
    *there = rule < 2 + most + REVOLVE;
    if (!held) return false;
    if (!*there) return true;
    if (rule == 0) return write_sqrt(r, &how, s);
    if (rule == 1) return write_chen(r, &how, s);
    if (rule < 2 + most) return write_every(r, &how, s);
    how.count = rule - 1 - most;
    return write_revolve(r, &how, s);
}

const gr__policy *gr__policy_find(const char *name)
{
    for (size_t i = 0; name && i < GR_COUNT(policies); i++)
        if (strcmp(policies[i].name, name) == 0) return &policies[i];
    return NULL;
}
