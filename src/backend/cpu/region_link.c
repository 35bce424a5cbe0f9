/* What is known of a written program before the addresses of its operands are: which outputs may not stand in place of
 * which inputs, which stores go past the caches, which operands change from row to row. */
#include <string.h>

#include "backend/cpu/region.h"

/* ---- what is read after it was written ---- */

static void add_hazard(gr__program *p, int out, int in)
{
    for (int i = 0; i < p->n_hazards; i++)
        if (p->hazard[i].out == out && p->hazard[i].in == in) return;
    if (p->n_hazards == GR__REGION_HAZARDS) {
        p->bounded = true;
        return;
    }
    p->hazard[p->n_hazards].out = (int16_t)out;
    p->hazard[p->n_hazards++].in = (int16_t)in;
}

/* Rows that are reduced where they stand are read when their pass is over. */
static void find_late_reads(gr__program *p, int store)
{
    for (int s = 0; s < p->n_passes; s++) {
        const gr__pass *pass = &p->pass[s];
        for (int q = pass->first_reduction; q < pass->first_reduction + pass->n_reductions; q++) {
            const gr__ref *from = &p->reduction[q].from;
            if (from->kind == GR__REF_IN && store < pass->first + pass->n)
                add_hazard(p, p->step[store].ref[0].index, from->index);
        }
    }
}

static void find_hazards(gr__program *p)
{
    for (int i = 0; i < p->n_steps; i++) {
        if (p->step[i].op != GR__T_st || p->step[i].ref[0].kind != GR__REF_OUT) continue;
        for (int k = i + 1; k < p->n_steps; k++) {
            for (int r = 0; r < 2; r++)
                if (p->step[k].ref[r].kind == GR__REF_IN)
                    add_hazard(p, p->step[i].ref[0].index, p->step[k].ref[r].index);
        }
        find_late_reads(p, i);
    }
}

static bool reads(const gr__program *p, gr__ref out)
{
    for (int i = 0; i < p->n_steps; i++) {
        const gr__step *s = &p->step[i];
        for (int r = s->op == GR__T_st; r < 2; r++)
            if (s->ref[r].kind == out.kind && s->ref[r].index == out.index) return true;
    }
    for (int q = 0; q < p->n_reductions; q++)
        if (p->reduction[q].from.kind == out.kind && p->reduction[q].from.index == out.index) return true;
    return false;
}

/* Of one segment: results that are too large for caches and not read here. Not lines: their blocks begin anywhere, and
 * what goes past the caches begins at whole vectors. */
static void find_past(gr__program *p, const gr_item *item)
{
    for (int n = 0; n < p->n_passes && item->n_segments == 1; n++)
        for (int i = p->pass[n].first; i < p->pass[n].first + p->pass[n].n && !p->pass[n].line; i++) {
            gr__step *s = &p->step[i];
            if (s->op != GR__T_st || s->ref[0].kind != GR__REF_OUT || reads(p, s->ref[0])) continue;
            gr_shape shape = gr__value(item->graph, item->out[s->ref[0].index])->shape;
            s->past = 4 * gr_shape_count(shape) >= GR__REGION_PAST;
            p->past |= s->past;
        }
}

static bool changes(const gr__program *p, gr__ref r, gr__mode mode)
{
    if (mode == GR__NARROW) return r.kind == GR__REF_KEPT || r.kind == GR__REF_LINE_ROWS;
    return r.kind == GR__REF_ROW || r.kind == GR__REF_ROW_INDEX || r.kind == GR__REF_KEPT ||
           r.kind == GR__REF_LINE_VALUE || (r.kind == GR__REF_SUM && p->reduction[r.index].reach == GR__TO_COLUMNS);
}

static void find_by_row(gr__program *p, gr__mode mode)
{
    for (int s = 0; s < p->n_passes; s++) {
        gr__pass *pass = &p->pass[s];
        pass->first_by_row = p->n_by_row;
        for (int i = pass->first * GR__STEP_REFS; i < (pass->first + pass->n) * GR__STEP_REFS; i++)
            if (changes(p, p->step[i / GR__STEP_REFS].ref[i % GR__STEP_REFS], mode))
                p->by_row[p->n_by_row++] = (int16_t)i;
        pass->n_by_row = p->n_by_row - pass->first_by_row;
    }
}

/* Nanoseconds an instruction takes for a vector, roughly. */
static double step_ns(const gr__step *s)
{
    switch (s->op) {
    case GR__T_exp:
        return 3;
    case GR__T_sigmoid:
    case GR__T_tanh:
    case GR__T_log:
    case GR__T_log1p:
    case GR__T_erf:
        return 7;
    case GR__T_sin:
    case GR__T_cos:
        return 18;
    case GR__T_sqrt:
    case GR__T_recip:
    case GR__T_div_m:
    case GR__T_div_s:
    case GR__T_rdiv_m:
    case GR__T_rdiv_s:
        return 1.6;
    case GR__T_ld_row:
        return 1.5;
    default:
        return 0.4;
    }
}

/* What a vector of all passes takes; those of lines do not count, they are short. */
static double estimate(const gr__program *p)
{
    double ns = 0;
    for (int s = 0; s < p->n_passes; s++)
        for (int i = 0; i < p->pass[s].n && !p->pass[s].line; i++) ns += step_ns(&p->step[p->pass[s].first + i]);
    for (int q = 0; q < p->n_reductions; q++)
        if (p->reduction[q].from.kind != GR__REF_NONE) ns += 9; /* narrow rows, one by one */
    return ns;
}

/* What is kept of a block goes along with the block (NARROW) or the row (WIDE), a line with the rows of its pass. */
static void set_masks(gr__ref r, gr__mode mode, int16_t *with_i, int16_t *with_j, gr__lane *value)
{
    bool block = r.kind == GR__REF_KEPT && mode == GR__NARROW;
    *with_i = r.kind == GR__REF_IN || r.kind == GR__REF_OUT || block ? -1 : 0;
    *with_j = r.kind == GR__REF_COLUMN || r.kind == GR__REF_LINE || (r.kind == GR__REF_KEPT && !block) ? -1 : 0;
    if (r.kind == GR__REF_CONST) *value = r.value;
}

static bool is_fixed(gr__ref r)
{
    return r.kind == GR__REF_SLOT || r.kind == GR__REF_SUM || r.kind == GR__REF_KEPT || r.kind == GR__REF_LINE ||
           r.kind == GR__REF_LINE_ROWS;
}

static bool is_moving(gr__ref r)
{
    return r.kind != GR__REF_NONE && r.kind != GR__REF_CONST && r.kind != GR__REF_LINE_VALUE && !is_fixed(r);
}

static void list_addresses(gr__program *p, bool (*wanted)(gr__ref), int *n)
{
    for (int i = 0; i < GR__STEP_REFS * p->n_steps; i++)
        if (wanted(p->step[i / GR__STEP_REFS].ref[i % GR__STEP_REFS])) p->address[p->n_fixed + (*n)++] = (int16_t)i;
}

static void list_all_addresses(gr__program *p)
{
    int fixed = 0;
    list_addresses(p, is_fixed, &fixed);
    p->n_fixed = fixed;
    list_addresses(p, is_moving, &p->n_moving);
}

static void set_instructions(const gr__tile_set *set, gr__mode mode, gr__program *p)
{
    for (int i = 0; i < p->n_steps; i++) {
        const gr__step *s = &p->step[i];
        gr__ins *to = &p->ins[i];
        to->full = set->op[s->op].full;
        to->tail = set->op[s->op].tail;
        for (int r = 0; r < GR__STEP_REFS; r++)
            set_masks(s->ref[r], mode, &to->with_i[r], &to->with_j[r], &to->value[r]);
    }
}

/* Fewer steps a pass, one behind the other. */
static void join(gr__program *p)
{
    int to = 0;
    for (int s = 0; s < p->n_passes; s++) {
        gr__pass *pass = &p->pass[s];
        memmove(&p->step[to], &p->step[pass->first], (size_t)pass->n * sizeof *p->step);
        pass->first = to;
        pass->n = gr__steps_join(&p->step[to], pass->n);
        to += pass->n;
    }
    p->n_steps = to;
}

/* Memory of its own, of just the size: *failed where there is none. */
static void *copy(gr_context *ctx, const void *from, int n, size_t bytes, bool *failed)
{
    void *to = gr__alloc(ctx, (size_t)n * bytes);
    if (to && n > 0) memcpy(to, from, (size_t)n * bytes);
    *failed |= !to;
    return to;
}

static gr_status fit(gr_context *ctx, gr__program *p)
{
    bool failed = false;
    p->step = copy(ctx, p->step, p->n_steps, sizeof *p->step, &failed);
    p->pass = copy(ctx, p->pass, p->n_passes, sizeof *p->pass, &failed);
    p->reduction = copy(ctx, p->reduction, p->n_reductions, sizeof *p->reduction, &failed);
    p->hazard = copy(ctx, p->hazard, p->n_hazards, sizeof *p->hazard, &failed);
    p->ins = gr__alloc(ctx, (size_t)p->n_steps * sizeof *p->ins);
    p->address = gr__alloc(ctx, GR__STEP_REFS * (size_t)p->n_steps * sizeof *p->address);
    p->by_row = gr__alloc(ctx, GR__STEP_REFS * (size_t)p->n_steps * sizeof *p->by_row);
    if (failed || !p->ins || !p->address || !p->by_row) return gr__error_code(ctx);
    return GR_OK;
}

gr_status gr__program_link(gr_context *ctx, const gr_item *item, const gr__tile_set *set, gr__mode mode, bool copies,
                           gr__program *p)
{
    if (!copies) find_hazards(p);
    find_past(p, item);
    p->vector_ns = estimate(p);
    join(p);
    gr_status st = fit(ctx, p);
    if (st != GR_OK) return st;
    find_by_row(p, mode);
    set_instructions(set, mode, p);
    list_all_addresses(p);
    return GR_OK;
}

void gr__program_free(gr_context *ctx, gr__program *p)
{
    gr__free(ctx, p->step, (size_t)p->n_steps * sizeof *p->step);
    gr__free(ctx, p->pass, (size_t)p->n_passes * sizeof *p->pass);
    gr__free(ctx, p->reduction, (size_t)p->n_reductions * sizeof *p->reduction);
    gr__free(ctx, p->hazard, (size_t)p->n_hazards * sizeof *p->hazard);
    gr__free(ctx, p->by_row, GR__STEP_REFS * (size_t)p->n_steps * sizeof *p->by_row);
    gr__free(ctx, p->ins, (size_t)p->n_steps * sizeof *p->ins);
    gr__free(ctx, p->address, GR__STEP_REFS * (size_t)p->n_steps * sizeof *p->address);
}
