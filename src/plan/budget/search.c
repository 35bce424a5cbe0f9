/* The cheapest schedule as the shortest way through states: how many computations have run for the first time, and
 * which values stand. A move computes one, having freed as few as make room for it. Ways are taken up by their cost so
 * far and what is still to be paid at least (A*): all that has not run, and of what has, whatever those need that does
 * not stand. [Hart, Nilsson & Raphael 1968] */
#include <string.h>

#include "plan/budget/budget.h"

static const int64_t USUAL_LIMIT = 400000;

typedef uint64_t word;

typedef struct state {
    double cost, least; /* least: with what is still to be paid */
    int done;           /* computations that have run: 0 to done - 1 */
    int node, before;   /* what was computed last, after which state */
    bool closed;
} state;

typedef struct entry { /* of the queue; a state may be there twice, the second time with what it costs no more */
    double least;
    int state;
} entry;

typedef struct search {
    gr_context *ctx;
    gr__bump *b;
    const gr_budget_graph *g;
    int64_t budget, limit;
    int words;
    state *state;
    word *stands; /* of each state, `words` */
    int n;
    int *table; /* open addressing: state + 1 */
    size_t slots;
    entry *heap;
    int heaped;
    size_t heap_room;
    word *reads;  /* of each computation */
    word *wanted; /* of each number done: what computations from there on read, below it */
    double *rest; /* of each number done: cost of all from there on */
    word *scratch;
} search;

static bool has(const word *set, int i)
{
    return set[i / 64] >> (i % 64) & 1;
}

static void put(word *set, int i)
{
    set[i / 64] |= (word)1 << (i % 64);
}

static void take(word *set, int i)
{
    set[i / 64] &= ~((word)1 << (i % 64));
}

static gr_status prepare(search *s)
{
    const gr_budget_graph *g = s->g;
    size_t words = (size_t)s->words, n = (size_t)g->n;
    s->slots = 1;
    while (s->slots < 2 * (size_t)s->limit) s->slots *= 2;
    s->heap_room = 4 * (size_t)s->limit;
    s->state = gr__bump_alloc(s->b, sizeof *s->state * (size_t)s->limit);
    s->stands = gr__bump_alloc(s->b, sizeof *s->stands * (size_t)s->limit * words);
    s->table = gr__bump_alloc(s->b, sizeof *s->table * s->slots);
    s->heap = gr__bump_alloc(s->b, sizeof *s->heap * s->heap_room);
    s->reads = gr__bump_alloc(s->b, sizeof *s->reads * (n + 1) * words);
    s->wanted = gr__bump_alloc(s->b, sizeof *s->wanted * (n + 1) * words);
    s->rest = gr__bump_alloc(s->b, sizeof *s->rest * (n + 1));
    s->scratch = gr__bump_alloc(s->b, sizeof *s->scratch * words * 3);
    if (!s->state || !s->stands || !s->table || !s->heap || !s->reads || !s->wanted || !s->rest || !s->scratch)
        return gr__error_code(s->ctx);
    for (int i = g->n; i-- > 0;) {
        word *to = s->wanted + (size_t)i * words, *reads = s->reads + (size_t)i * words;
        memcpy(to, to + words, words * sizeof *to);
        for (int e = g->first[i]; e < g->first[i + 1]; e++) put(reads, g->from[e]), put(to, g->from[e]);
        take(to, i);
        s->rest[i] = s->rest[i + 1] + g->cost[i];
    }
    return GR_OK;
}

/* ---- the queue: the least first, of equal ones what is furthest ---- */

static bool sooner(const search *s, entry a, entry b)
{
    int x = s->state[a.state].done, y = s->state[b.state].done;
    if (a.least != b.least) return a.least < b.least;
    return x != y ? x > y : a.state > b.state;
}

static void push(search *s, int which)
{
    entry a = {s->state[which].least, which};
    int at = s->heaped++;
    for (; at && sooner(s, a, s->heap[(at - 1) / 2]); at = (at - 1) / 2) s->heap[at] = s->heap[(at - 1) / 2];
    s->heap[at] = a;
}

static int pop(search *s)
{
    int top = s->heap[0].state, at = 0;
    entry a = s->heap[--s->heaped];
    for (int below = 1; below < s->heaped; below = 2 * at + 1) {
        if (below + 1 < s->heaped && sooner(s, s->heap[below + 1], s->heap[below])) below++;
        if (!sooner(s, s->heap[below], a)) break;
        s->heap[at] = s->heap[below];
        at = below;
    }
    s->heap[at] = a;
    return top;
}

/* ---- states ---- */

/* What has run, is wanted and does not stand must run again, and so must what that reads. */
static double still(const search *s, int done, const word *stands)
{
    double cost = s->rest[done];
    word *want = s->scratch;
    size_t words = (size_t)s->words;
    memcpy(want, s->wanted + (size_t)done * words, words * sizeof *want);
    for (int i = done; i-- > 0;) {
        if (!has(want, i) || has(stands, i)) continue;
        cost += s->g->cost[i];
        for (size_t k = 0; k < words; k++) want[k] |= s->reads[(size_t)i * words + k];
    }
    return cost;
}

static size_t hash(const search *s, int done, const word *stands)
{
    word h = (word)done * 0x9E3779B97F4A7C15u;
    for (int k = 0; k < s->words; k++) h = (h ^ stands[k]) * 0xD6E8FEB86659FD93u, h ^= h >> 32;
    return h & (s->slots - 1);
}

/* A way to a state; false: there is no room for another. */
static bool reach(search *s, int done, const word *stands, double cost, int node, int before)
{
    size_t bytes = sizeof *stands * (size_t)s->words, at = hash(s, done, stands);
    for (; s->table[at]; at = (at + 1) & (s->slots - 1)) {
        state *x = &s->state[s->table[at] - 1];
        if (x->done != done || memcmp(s->stands + (size_t)(s->table[at] - 1) * (size_t)s->words, stands, bytes) != 0)
            continue;
        if (x->closed || x->cost <= cost) return true;
        if ((size_t)s->heaped == s->heap_room) return false;
        x->least += cost - x->cost;
        x->cost = cost, x->node = node, x->before = before;
        push(s, s->table[at] - 1);
        return true;
    }
    if (s->n == s->limit || (size_t)s->heaped == s->heap_room) return false;
    s->table[at] = s->n + 1;
    memcpy(s->stands + (size_t)s->n * (size_t)s->words, stands, bytes);
    s->state[s->n] = (state){cost, cost + still(s, done, stands), done, node, before, false};
    push(s, s->n++);
    return true;
}

/* ---- moves ---- */

typedef struct move {
    search *s;
    int from, node; /* a state, and what it computes */
    word *stands;
} move;

/* Frees of what stands from i on, so that `over` bytes are gone, in every way that frees nothing in vain. */
static bool make_room(move *m, int i, int64_t over)
{
    search *s = m->s;
    const gr_budget_graph *g = s->g;
    const state *from = &s->state[m->from];
    if (over <= 0) {
        put(m->stands, m->node);
        bool good =
            reach(s, from->done + (m->node == from->done), m->stands, from->cost + g->cost[m->node], m->node, m->from);
        take(m->stands, m->node);
        return good;
    }
    for (; i < from->done; i++) {
        if (!has(m->stands, i) || has(s->reads + (size_t)m->node * (size_t)s->words, i) || g->bytes[i] == 0) continue;
        take(m->stands, i);
        bool good = make_room(m, i + 1, over - g->bytes[i]);
        put(m->stands, i);
        if (!good) return false;
    }
    return true;
}

static bool can_run(const search *s, const word *stands, int i)
{
    const word *reads = s->reads + (size_t)i * (size_t)s->words;
    for (int k = 0; k < s->words; k++)
        if (reads[k] & ~stands[k]) return false;
    return true;
}

static bool go_on(search *s, int at)
{
    const gr_budget_graph *g = s->g;
    size_t words = (size_t)s->words;
    int64_t bytes = g->fixed;
    int done = s->state[at].done;
    word *stands = s->scratch + words, *held = s->scratch + 2 * words;
    memcpy(held, s->stands + (size_t)at * words, words * sizeof *held);
    for (int i = 0; i < done; i++) bytes += has(held, i) ? g->bytes[i] : 0;
    for (int i = 0; i <= done; i++) {
        if ((i < done && has(held, i)) || !can_run(s, held, i)) continue;
        memcpy(stands, held, words * sizeof *stands);
        if (!make_room(&(move){s, at, i, stands}, 0, bytes + g->bytes[i] - s->budget)) return false;
    }
    return true;
}

static gr_status tell(search *s, int at, gr_budget_found *out)
{
    for (int i = at; s->state[i].before >= 0; i = s->state[i].before) out->n++;
    out->order = gr__bump_alloc(s->b, sizeof *out->order * (size_t)(out->n + 1));
    if (!out->order) return gr__error_code(s->ctx);
    for (int i = at, k = out->n; k-- > 0; i = s->state[i].before) out->order[k] = s->state[i].node;
    return GR_OK;
}

gr_status gr__budget_search(gr_context *ctx, gr__bump *b, const gr_budget_graph *g, int64_t budget, int64_t limit,
                            gr_budget_found *out)
{
    search s = {.ctx = ctx, .g = g, .budget = budget, .limit = limit ? limit : USUAL_LIMIT, .words = (g->n + 63) / 64};
    gr__bump *work = s.b = gr__bump_create(ctx); /* goes with the search; what is found is copied */
    gr_budget_found found = {0};
    if (!work) return gr__error_code(ctx);
    if (s.words == 0) s.words = 1;
    if (g->n < 20) s.limit = GR_MIN(s.limit, (int64_t)(g->n + 1) << g->n); /* there are no more states */
    gr_status st = prepare(&s);
    bool room = st == GR_OK && reach(&s, 0, s.scratch + s.words, 0, -1, -1);
    while (room && s.heaped) {
        int at = pop(&s);
        if (s.state[at].closed) continue;
        s.state[at].closed = true;
        out->bound = s.state[at].least;
        if (s.state[at].done == g->n) {
            st = tell(&s, at, &found);
            break;
        }
        room = go_on(&s, at);
    }
    out->exact = st == GR_OK && room;
    if (st == GR_OK && found.order) {
        out->order = gr__bump_alloc(b, sizeof *out->order * (size_t)(found.n + 1));
        if (out->order) memcpy(out->order, found.order, sizeof *out->order * (size_t)found.n);
        out->n = found.n;
        st = out->order ? GR_OK : gr__error_code(ctx);
    }
    gr__bump_destroy(work);
    return st;
}
