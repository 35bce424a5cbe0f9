/* What no script can do without, and scripts from it: Checkmate's integer program, whose stages are few. Its stages end
 * where some turns run for the first time, the *frontiers*, chosen where most stands. While a frontier runs some values
 * stand (S) and fit the target; in the stage behind it some turns run again (R):
 *
 *   least     sum of ns of R
 *   (b)       what a turn of the stage reads, or one that runs again reads, stood at the frontier or is computed again
 *   (c)       what stands at the next frontier stood at this one, was computed again, or was made in between
 *   (d)       what stands at a frontier, with what its turn writes, fits the target
 *
 * Checkmate has a stage for every computation, and counts memory behind each of them. Here memory between frontiers is
 * not counted, nor a turn that runs again twice in a stage, so the program asks less of a script than there is to be
 * asked: what it costs at least, any script does. What it keeps is written as a script, and made to fit by a sweep that
 * leaves nothing out. So turns need not be put together to groups that are kept or not as a whole, which it would take
 * to have a stage for each. [Jain et al. 2020] */
#include <math.h>
#include <string.h>

#include "plan/budget/solver.h"
#include "plan/remat/remat.h"

enum { NONE = -1, STANDS = -2 }; /* in the place of a column: it is of no use; it stands whatever is decided */

typedef struct program {
    gr__rehearsal *r;
    const gr__frontiers *f;
    gr__integer_program is;
    int *stands, *again; /* columns, of stage and held value, of stage and turn */
    double unit_ns, unit_bytes;
} program;

static int *stands(const program *p, int stage, int held)
{
    return &p->stands[(size_t)stage * (size_t)p->r->n_held + (size_t)held];
}

static int *again(const program *p, int stage, int turn)
{
    return &p->again[(size_t)stage * (size_t)p->r->n_acts + (size_t)turn];
}

static int next_frontier(const program *p, int stage)
{
    return stage + 1 < p->f->n ? p->f->turn[stage + 1] : p->r->n_acts;
}

static bool is_operand(const gr__rehearsal *r, int first, int n, int held)
{
    for (int i = first; i < first + n; i++)
        if (r->operand[i] == held) return true;
    return false;
}

/* ---- what there is to decide ---- */

/* May the turn run again in the stage? */
static bool may_run(const program *p, int stage, int turn)
{
    return turn >= 0 && turn < p->f->turn[stage] && p->r->act[turn].limit > p->f->turn[stage];
}

/* Values of before the frontier that anything behind it reads, with what it would take to have them again. */
static void find_useful(const program *p, int stage, bool *useful)
{
    const gr__rehearsal *r = p->r;
    int at = p->f->turn[stage];
    memset(useful, 0, (size_t)r->n_held);
    for (int h = 0; h < r->n_held; h++) useful[h] = r->held[h].maker <= at && r->held[h].pinned;
    for (int t = at + 1; t < r->n_acts; t++)
        for (int i = r->act[t].in; i < r->act[t].out; i++) useful[r->operand[i]] |= r->held[r->operand[i]].maker <= at;
    for (int t = at; t-- > 0;) {
        const gr__act *a = &r->act[t];
        bool wanted = false;
        for (int o = a->out; o < a->out + a->n_out; o++) wanted |= useful[r->operand[o]];
        for (int i = a->in; i < a->out && wanted && may_run(p, stage, t); i++) useful[r->operand[i]] = true;
    }
}

static void add_columns(program *p, int stage, const bool *useful)
{
    gr__rehearsal *r = p->r;
    int at = p->f->turn[stage];
    const gr__act *here = &r->act[at];
    for (int h = 0; h < r->n_held; h++) {
        const gr__held *x = &r->held[h];
        int *s = stands(p, stage, h);
        *s = NONE;
        if (x->maker > at || !useful[h])
            ;
        else if (x->maker < 0 || x->maker == at || x->small || is_operand(r, here->in, here->n_in, h))
            *s = STANDS;
        else
            *s = gr__integer_column(&p->is, 0, 1, 0, true);
    }
    for (int t = 0; t < r->n_acts; t++) {
        const gr__act *a = &r->act[t];
        bool wanted = false;
        for (int o = a->out; o < a->out + a->n_out; o++) wanted |= *stands(p, stage, r->operand[o]) >= 0;
        *again(p, stage, t) =
            wanted && may_run(p, stage, t) ? gr__integer_column(&p->is, 0, 1, a->least_ns / p->unit_ns, true) : NONE;
    }
}

/* ---- rows ---- */

/* `by` times whether the value stood, or is computed again; false: it is there anyway. */
static bool add_there(program *p, int stage, int held, double by)
{
    int s = *stands(p, stage, held), maker = p->r->held[held].maker;
    if (maker > p->f->turn[stage] || s == STANDS) return false;
    int a = maker < 0 ? NONE : *again(p, stage, maker);
    if (s >= 0) gr__integer_term_add(&p->is, s, by);
    if (a >= 0) gr__integer_term_add(&p->is, a, by);
    return true;
}

static void add_reads(program *p, int stage)
{
    const gr__rehearsal *r = p->r;
    for (int h = 0; h < r->n_held; h++) {
        bool read = r->held[h].pinned && stage + 1 == p->f->n;
        for (int t = p->f->turn[stage] + 1; t < next_frontier(p, stage) && !read; t++)
            read = is_operand(r, r->act[t].in, r->act[t].n_in, h);
        if (read && add_there(p, stage, h, 1)) gr__integer_row(&p->is, 1, INFINITY);
    }
    for (int t = 0; t < r->n_acts; t++)
        for (int i = r->act[t].in; i < r->act[t].out && *again(p, stage, t) >= 0; i++) {
            if (!add_there(p, stage, r->operand[i], 1)) continue;
            gr__integer_term_add(&p->is, *again(p, stage, t), -1);
            gr__integer_row(&p->is, 0, INFINITY);
        }
}

static void add_passing(program *p, int stage)
{
    const gr__rehearsal *r = p->r;
    const gr__act *next = &r->act[p->f->turn[stage + 1]];
    for (int h = 0; h < r->n_held; h++) {
        int s = *stands(p, stage + 1, h);
        bool wanted = s >= 0 || is_operand(r, next->in, next->n_in, h);
        if (!wanted || r->held[h].small || !add_there(p, stage, h, 1)) continue;
        if (s >= 0) gr__integer_term_add(&p->is, s, -1);
        gr__integer_row(&p->is, s >= 0 ? 0 : 1, INFINITY);
    }
}

/* While the frontier runs. What it writes may take the place of what it reads. */
static void add_memory(program *p, int stage, size_t target)
{
    const gr__rehearsal *r = p->r;
    int at = p->f->turn[stage], last = -1;
    const gr__act *a = &r->act[at];
    double bytes = (double)r->fixed + (double)a->shared;
    for (int h = 0; h < r->n_held; h++) {
        const gr__held *x = &r->held[h];
        bool read = is_operand(r, a->in, a->n_in, h), feed = x->maker < 0 && (x->last >= at || x->pinned);
        int s = *stands(p, stage, h);
        if (s >= 0)
            gr__integer_term_add(&p->is, s, (double)x->bytes / p->unit_bytes);
        else if (read || feed || is_operand(r, a->out, a->n_out, h))
            bytes += (double)x->bytes;
    }
    for (int k = a->over; k < a->over + a->n_over; k++)
        if (r->takeover[k].out != last) bytes -= (double)r->held[last = r->takeover[k].out].bytes;
    gr__integer_row(&p->is, -INFINITY, ((double)target - bytes) / p->unit_bytes);
}

static bool make(program *p, size_t target)
{
    gr__rehearsal *r = p->r;
    size_t n = (size_t)p->f->n;
    bool *useful = gr__bump_alloc(r->memory, (size_t)r->n_held + 1);
    p->stands = gr__bump_alloc(r->memory, n * (size_t)r->n_held * sizeof *p->stands + 1);
    p->again = gr__bump_alloc(r->memory, n * (size_t)r->n_acts * sizeof *p->again + 1);
    if (!useful || !p->stands || !p->again) return false;
    for (int k = 0; k < p->f->n; k++) {
        find_useful(p, k, useful);
        add_columns(p, k, useful);
    }
    for (int k = 0; k < p->f->n; k++) {
        add_reads(p, k);
        if (k + 1 < p->f->n) add_passing(p, k);
        add_memory(p, k, target);
    }
    return !p->is.failed;
}

/* ---- frontiers ---- */

void gr__frontiers_choose(const gr__rehearsal *r, const size_t *during, size_t target, int most, gr__frontiers *out)
{
    int n = 0, worst = 0;
    *out = (gr__frontiers){.n = 0};
    for (int t = 0; t < r->n_acts; t++) {
        n += during[t] > target;
        if (during[t] > during[worst]) worst = t;
    }
    most = GR_MIN(GR_MIN(most, n), GR__MOST_FRONTIERS);
    for (int t = 0, seen = 0; t < r->n_acts && most; t++) { /* as many turns above the target between each two */
        if (during[t] <= target) continue;
        int share = (int)((int64_t)seen * most / n), before = (int)((int64_t)(seen - 1) * most / n);
        bool begins = seen == 0 || share != before;
        seen++;
        if (begins) out->turn[out->n++] = t;
        if (t == worst) out->turn[out->n - 1] = t;
    }
}

/* ---- a script ---- */

/* At each frontier what the program does not keep there is let go of, and what it does is there. */
static bool write(const program *p, const double *x, double least, gr__script *s)
{
    gr__rehearsal *r = p->r;
    gr__writing w;
    if (!gr__writing_open(r, s, &w)) return false;
    for (int t = 0, k = 0; t < r->n_acts; t++) {
        bool here = k < p->f->n && t == p->f->turn[k];
        for (int h = 0; h < r->n_held && here; h++) {
            int c = *stands(p, k, h);
            if (c >= 0 && x[c] >= least && !w.there[h]) gr__write_value(&w, h);
        }
        gr__write_turn(&w, t);
        for (int h = 0; h < r->n_held && here; h++) {
            int c = *stands(p, k, h);
            bool goes = c == NONE || (c >= 0 && x[c] < least);
            if (goes && r->held[h].maker >= 0 && !r->held[h].small) w.there[h] = false;
        }
        k += here;
    }
    return !w.failed;
}

/* ---- all of it ---- */

gr_status gr__frontiers_solve(gr__rehearsal *r, const gr__frontiers *f, size_t target, int64_t limit,
                              gr__script_taker *take, void *user, double *bound)
{
    program p = {.r = r, .f = f, .is = {.ctx = r->c->ctx}, .unit_ns = 1, .unit_bytes = GR_MAX((double)target, 1) / 1e4};
    gr__integer_answer is;
    gr__script s = {0};
    gr_status st = GR_OK;
    for (int t = 0; t < r->n_acts; t++) p.unit_ns += r->act[t].cost_ns / 1e4;
    gr__integer_column(&p.is, 1, 1, 0, true); /* a program without anything that is whole is one that CBC talks about */
    if (!make(&p, target)) st = gr__error_code(r->c->ctx);
    if (st == GR_OK) st = gr__integer_solve(&p.is, limit, 1e-4, r->memory, &is);
    *bound = st == GR_OK && is.none ? INFINITY : 0;
    if (st == GR_OK && is.value) *bound = GR_MAX(0, is.bound) * p.unit_ns;
    int first = limit ? 5 : 1, last = limit ? 5 : 9;
    for (int k = first; st == GR_OK && is.value && k <= last; k += 2)
        if (!write(&p, is.value, 0.1 * k, &s) || !take(r, &s, user)) st = gr__error_code(r->c->ctx);
    gr__integer_close(&p.is);
    return st;
}
