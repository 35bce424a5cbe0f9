/* The forward pass as a chain of stages. It is cut between turns, best where few bytes pass from one to the next:
 * within a skip connection two values do, so a cut there costs what it is worth and is seldom taken. */
#include <string.h>

#include "plan/remat/remat.h"

/* ---- where to cut ---- */

/* Bytes and number of what passes each place. */
static bool count_passing(const gr__rehearsal *r, size_t *bytes, int *number)
{
    int n = r->turning + 1;
    for (int h = 0; h < r->n_held; h++) {
        const gr__held *x = &r->held[h];
        if (x->maker < 0 || x->maker >= n || x->small || x->onward <= x->maker) continue;
        for (int p = x->maker; p < x->onward; p++) {
            bytes[p] += x->bytes;
            number[p]++;
        }
    }
    return n > 1;
}

int gr__articulations(const gr__rehearsal *r, int *turns, int *held)
{
    int n = 0;
    for (int p = 0; p < r->turning; p++) {
        int passing = 0, one = -1;
        for (int h = 0; h < r->n_held && passing < 2; h++)
            if (gr__passes(&r->held[h], p)) one = h, passing++;
        if (passing != 1 || (n && held[n - 1] == one)) continue; /* the first place behind which it passes alone */
        turns[n] = p;
        held[n++] = one;
    }
    return n;
}

static bool is_cut(const size_t *bytes, const int *number, int p, int last, bool whole)
{
    if (whole) return number[p] == 1;
    return bytes[p] > 0 && (p == 0 || bytes[p] <= bytes[p - 1]) && (p + 1 == last || bytes[p] <= bytes[p + 1]);
}

/* What the backward pass reads of turn t, beside what passes on behind it. */
static size_t saved_by(const gr__chain *c, int t, int end)
{
    const gr__rehearsal *r = c->r;
    size_t bytes = 0;
    for (int o = r->act[t].out; o < r->act[t].out + r->act[t].n_out; o++) {
        const gr__held *x = &r->held[r->operand[o]];
        if (x->crosses && !x->small && !gr__passes(x, end) && !(c->cheap && x->cheap)) bytes += x->bytes;
    }
    return bytes;
}

/* Where there are too many places, those stay that leave stages of about the same bytes. */
static void cut(gr__chain *c, const size_t *bytes, const int *number, int most, bool whole)
{
    const gr__rehearsal *r = c->r;
    int cuts = 0;
    size_t all = 0, least, since = 0;
    for (int p = 0; p <= r->turning; p++) {
        cuts += p < r->turning && is_cut(bytes, number, p, r->turning, whole);
        all += saved_by(c, p, -1) + 1;
    }
    least = cuts < most ? 0 : all / (size_t)(most - 1);
    for (int p = 0; p < r->turning && c->n < most - 1; p++) {
        since += saved_by(c, p, -1) + 1;
        if (!is_cut(bytes, number, p, r->turning, whole) || since < least) continue;
        c->passes[c->n] = bytes[p];
        c->end[c->n++] = p;
        since = 0;
    }
    c->end[c->n++] = r->turning;
}

/* ---- what stages are ---- */

static int stage_of(const gr__chain *c, int turn)
{
    int s = 0;
    while (s + 1 < c->n && turn > c->end[s]) s++;
    return s;
}

static void find_levels(gr__chain *c)
{
    const gr__rehearsal *r = c->r;
    for (int h = 0; h < r->n_held; h++) {
        const gr__held *x = &r->held[h];
        c->level[h] = -1;
        if (x->maker < 0 || x->maker > r->turning || x->small) continue;
        int s = stage_of(c, x->maker);
        c->level[h] = s + 1 < c->n && gr__passes(x, c->end[s]) ? s + 1 : s;
    }
    for (int t = 0; t < r->n_acts; t++) {
        c->need[t] = c->n;
        for (int i = r->act[t].in; i < r->act[t].out; i++)
            if (c->level[r->operand[i]] >= 0) c->need[t] = GR_MIN(c->need[t], c->level[r->operand[i]]);
    }
}

/* Going through a stage, nothing being kept. */
static void measure_forward(gr__chain *c)
{
    const gr__rehearsal *r = c->r;
    size_t stands = 0;
    for (int t = 0, s = 0; t <= r->turning; t++) {
        const gr__act *a = &r->act[t];
        while (t > c->end[s]) s++;
        c->ns[s] += a->cost_ns;
        c->saved[s] += saved_by(c, t, c->end[s]);
        for (int o = a->out; o < a->out + a->n_out; o++)
            if (!r->held[r->operand[o]].small) stands += r->held[r->operand[o]].bytes;
        size_t before = s ? c->passes[s - 1] : 0, during = stands + a->shared;
        for (int p = a->over; p < a->over + a->n_over; p++) {
            const gr__held *in = &r->held[r->takeover[p].in], *out = &r->held[r->takeover[p].out];
            if (in->onward != t || in->maker < 0 || in->small) continue;
            during -= GR_MIN(during, out->bytes);
            break;
        }
        c->forward[s] = GR_MAX(c->forward[s], during - GR_MIN(before, during));
        for (int k = a->in; k < a->out + a->n_out; k++) {
            const gr__held *x = &r->held[r->operand[k]];
            if (x->maker >= 0 && !x->small && GR_MAX(x->onward, x->maker) == t) stands -= x->bytes;
        }
    }
}

/* Going back through it: what stands beside values of the forward pass. */
static bool measure_backward(gr__chain *c)
{
    gr__rehearsal *r = c->r;
    gr__script plain = {0};
    gr__takes takes;
    size_t stands = 0, *ends = gr__bump_alloc(r->memory, ((size_t)r->n_acts + 1) * sizeof *ends);
    if (!ends || !gr__script_plain(r, &plain) || !gr__script_take(r, &plain, SIZE_MAX, &takes)) return false;
    int last = r->turning, s = c->n - 1;
    for (int h = 0; h < r->n_held; h++) {
        const gr__held *x = &r->held[h];
        if (x->maker > r->turning || (!x->pinned && x->last <= r->turning)) continue;
        stands += x->bytes;
        if (!x->pinned) ends[x->last] += x->bytes;
        if (!x->pinned && x->crosses) last = GR_MAX(last, x->last);
        if (x->pinned || x->small || x->maker < 0) c->stands += x->bytes;
    }
    for (int t = r->turning + 1; t <= last; t++) {
        size_t besides = r->fixed + stands, extra = r->during[t] - GR_MIN(besides, r->during[t]);
        s = GR_MIN(s, c->need[t]);
        c->backward[s] = GR_MAX(c->backward[s], extra);
        stands -= ends[t];
    }
    return true;
}

static void add_cheap(gr__chain *c)
{
    const gr__rehearsal *r = c->r;
    size_t most[GR__MOST_STAGES] = {0};
    for (int h = 0; h < r->n_held && c->cheap; h++)
        if (r->held[h].cheap && r->held[h].crosses && c->level[h] >= 0)
            most[c->level[h]] = GR_MAX(most[c->level[h]], r->held[h].bytes);
    for (int s = 0; s < c->n; s++) c->backward[s] += most[s];
}

bool gr__chain_find(gr__rehearsal *r, int most, bool whole, bool cheap, gr__chain *out)
{
    *out = (gr__chain){.r = r, .cheap = cheap, .stands = r->fixed};
    size_t n = (size_t)r->n_acts + 1, *bytes = gr__bump_alloc(r->memory, n * sizeof *bytes);
    int *number = gr__bump_alloc(r->memory, n * sizeof *number);
    out->level = gr__bump_alloc(r->memory, ((size_t)r->n_held + 1) * sizeof *out->level);
    out->need = gr__bump_alloc(r->memory, n * sizeof *out->need);
    if (!bytes || !number || !out->level || !out->need) return false;
    if (count_passing(r, bytes, number)) cut(out, bytes, number, most, whole);
    if (out->n == 0) out->end[out->n++] = r->turning;
    find_levels(out);
    measure_forward(out);
    if (!measure_backward(out)) return false;
    add_cheap(out);
    return true;
}

/* ---- a script of it ---- */

bool gr__path_open(const gr__chain *chain, gr__script *s, gr__path *p)
{
    *p = (gr__path){.chain = chain};
    return gr__writing_open(chain->r, s, &p->w);
}

static bool all_there(const gr__writing *w, const gr__act *a)
{
    for (int o = a->out; o < a->out + a->n_out; o++)
        if (!w->there[w->r->operand[o]]) return false;
    return true;
}

static int first_of(const gr__chain *c, int stage)
{
    return stage ? c->end[stage - 1] + 1 : 0;
}

static void forward(gr__path *p, int stage)
{
    const gr__chain *c = p->chain;
    for (int t = first_of(c, stage); t <= c->end[stage]; t++) {
        const gr__act *a = &c->r->act[t];
        if (!p->w.done[t])
            gr__write_turn(&p->w, t);
        else if (a->limit >= p->w.next && !all_there(&p->w, a))
            gr__write_turn(&p->w, t);
        for (int o = a->out; o < a->out + a->n_out; o++) p->w.there[c->r->operand[o]] = true;
    }
}

static bool may_go(const gr__held *x)
{
    return x->maker >= 0 && !x->small && !x->pinned;
}

void gr__path_through(gr__path *p, int first, int end)
{
    const gr__chain *c = p->chain;
    const gr__rehearsal *r = c->r;
    for (int s = first; s < end; s++) {
        forward(p, s);
        for (int t = first_of(c, s); t <= c->end[s]; t++)
            for (int k = r->act[t].in; k < r->act[t].out + r->act[t].n_out; k++) {
                const gr__held *x = &r->held[r->operand[k]];
                bool ours = x->maker >= first_of(c, first);
                if (may_go(x) && ours && !gr__passes(x, c->end[s])) p->w.there[r->operand[k]] = false;
            }
    }
}

void gr__path_save(gr__path *p, int stage)
{
    const gr__chain *c = p->chain;
    const gr__rehearsal *r = c->r;
    forward(p, stage);
    for (int t = first_of(c, stage); t <= c->end[stage]; t++)
        for (int o = r->act[t].out; o < r->act[t].out + r->act[t].n_out; o++) {
            const gr__held *x = &r->held[r->operand[o]];
            bool stays = gr__passes(x, c->end[stage]) || (x->crosses && !(c->cheap && x->cheap));
            if (may_go(x) && !stays) p->w.there[r->operand[o]] = false;
        }
}

void gr__path_back(gr__path *p, int stage)
{
    const gr__chain *c = p->chain;
    while (p->w.next > c->r->turning && p->w.next < c->r->n_acts && c->need[p->w.next] >= stage)
        gr__write_turn(&p->w, p->w.next);
}

bool gr__path_close(gr__path *p)
{
    gr__write_rest(&p->w);
    return !p->w.failed;
}
