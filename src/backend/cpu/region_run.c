/* Running regions: addresses into the program, elements through it, reductions out of it. */
#include <math.h>
#include <string.h>

#include "backend/cpu/region.h"

typedef struct job {
    const gr__region *k;
    const gr__region_unit *unit;
    const gr__region_segment *s;
    const gr__program *p;
    void *const *in, *const *out; /* of the segment */
    char *scratch, *partial;
    gr__ins *ins;
} job;

/* ---- places ---- */

static char *sum_at(const job *j, int q)
{
    return j->scratch + j->k->sums_at + (size_t)q * 8 * GR__MAX_LANES;
}

static char *column_at(const job *j, int q) /* a chunk of room before it */
{
    return j->scratch + j->k->columns_at + (size_t)q * j->k->column_stride + 4 * GR__MAX_CHUNK;
}

static char *block_at(const job *j, int q)
{
    return j->scratch + j->k->blocks_at + (size_t)q * j->k->block_stride;
}

static char *expanded_at(const job *j, int in)
{
    return j->scratch + j->k->expanded_at + (size_t)in * j->k->expanded_stride;
}

static double *partial_at(char *partial, const gr__program *p, const gr__region_segment *s, int q)
{
    double *at = (double *)(void *)partial;
    for (int i = 0; i < q; i++)
        at += p->reduction[i].reach == GR__TO_COLUMNS ? s->space.columns : p->reduction[i].reach == GR__TO_ALL;
    return at;
}

/* ---- addresses ---- */

static int32_t whole(const void *p, gr_dtype dtype)
{
    return dtype == GR_U8 ? *(const uint8_t *)p : *(const int32_t *)p;
}

static gr__lane value_of(const job *j, const gr__ref *r)
{
    gr__lane v = r->value;
    if (r->kind == GR__REF_SCALAR && r->dtype == GR_REAL)
        v.f = (float)*(const double *)j->in[r->index];
    else if (r->kind == GR__REF_SCALAR || (r->kind == GR__REF_ELEMENT && r->dtype != GR_REAL))
        v.i = whole(j->in[r->index], r->dtype);
    else if (r->kind == GR__REF_ELEMENT)
        v.f = *(const float *)j->in[r->index];
    return v;
}

static char *address_of(const job *j, const gr__ref *r)
{
    switch (r->kind) {
    case GR__REF_OUT:
        return j->out[r->index];
    case GR__REF_COLUMN:
        return j->s->mode == GR__WIDE ? j->in[r->index] : expanded_at(j, r->index);
    case GR__REF_SLOT:
        return j->scratch + j->k->slots_at + (size_t)r->index * 4 * GR__MAX_CHUNK;
    case GR__REF_SUM:
        if (j->p->reduction[r->index].reach == GR__TO_COLUMNS) return column_at(j, r->index);
        return j->s->mode == GR__NARROW ? block_at(j, r->index) : sum_at(j, r->index);
    default:
        return j->in[r->index];
    }
}

/* Results larger than caches that nobody reads here again go past them, but not in place of an input, whose lines are
 * there already. */
static void choose_store(const job *j, int t)
{
    char *to = j->ins[t].at[0];
    bool whole = j->s->mode != GR__WIDE || j->s->space.columns % 16 == 0; /* rows begin at whole vectors */
    bool past = j->p->step[t].past && whole && (uintptr_t)to % 64 == 0;
    for (int i = 0; past && i < j->k->n_in; i++) past = j->in[i] != (void *)to;
    j->ins[t].full = j->k->set->op[past ? GR__T_st_past : GR__T_st].full;
}

static void set_addresses(const job *j, int first, int n)
{
    for (int i = first; i < first + n; i++) {
        int t = j->p->address[i] / GR__STEP_REFS, o = j->p->address[i] % GR__STEP_REFS;
        const gr__step *s = &j->p->step[t];
        const gr__ref *r = &s->ref[o];
        if (r->kind >= GR__REF_SCALAR && r->kind <= GR__REF_ROW_INDEX)
            j->ins[t].value[o] = value_of(j, r);
        else
            j->ins[t].at[o] = address_of(j, r);
        if (s->past) choose_store(j, t);
    }
}

/* Into scratch, unless the unit before left it there. */
static void set_program(job *j, const gr__program *before)
{
    if (j->p != before) {
        memcpy(j->ins, j->p->ins, (size_t)j->p->n_steps * sizeof *j->ins);
        set_addresses(j, 0, j->p->n_fixed);
    }
    set_addresses(j, j->p->n_fixed, j->p->n_moving);
}

/* Nothing is read after its place was written, or everything is read before. */
static const gr__program *fitting(const job *j)
{
    const gr__program *p = j->k->program[j->s->mode];
    if (p[0].bounded) return &p[1];
    for (int h = 0; h < p[0].n_hazards; h++)
        if (j->out[p[0].hazard[h].out] == j->in[p[0].hazard[h].in]) return &p[1];
    return &p[0];
}

/* ---- sums ---- */

static void clear_sums(const job *j, gr__reach reach)
{
    for (int q = 0; q < j->p->n_reductions; q++) {
        if (j->p->reduction[q].reach != reach) continue;
        float *x = (float *)(void *)sum_at(j, q);
        if (!j->p->reduction[q].max)
            memset(x, 0, 8 * GR__MAX_LANES);
        else
            for (int l = 0; l < GR__MAX_LANES; l++) x[l] = -INFINITY;
    }
}

static double larger(double a, double b)
{
    return a < b || isnan(b) ? b : a;
}

/* The sums of the lanes as a tree; the largest lane. */
static double take_sum(const job *j, int q)
{
    int lanes = j->k->set->lanes;
    if (j->p->reduction[q].max) {
        const float *x = (const float *)(const void *)sum_at(j, q);
        double most = (double)x[0];
        for (int l = 1; l < lanes; l++) most = larger(most, (double)x[l]);
        return most;
    }
    double *x = (double *)(void *)sum_at(j, q);
    for (int half = lanes / 2; half > 0; half /= 2)
        for (int l = 0; l < half; l++) x[l] += x[l + half];
    return x[0];
}

static void clear_columns(const job *j)
{
    int64_t n = j->s->period * j->s->space.columns;
    for (int q = 0; q < j->p->n_reductions; q++) {
        if (j->p->reduction[q].reach != GR__TO_COLUMNS) continue;
        bool max = j->p->reduction[q].max;
        float *x = (float *)(void *)column_at(j, q);
        double *to = partial_at(j->partial, j->p, j->s, q);
        if (!max) { /* zero bytes are 0 */
            memset(x - GR__MAX_CHUNK, 0, (size_t)(n + 2 * GR__MAX_CHUNK) * sizeof *x);
            if (j->s->space.columns > 0) memset(to, 0, (size_t)j->s->space.columns * sizeof *to);
            continue;
        }
        for (int64_t c = -GR__MAX_CHUNK; c < n + GR__MAX_CHUNK; c++) x[c] = -INFINITY;
        for (int64_t c = 0; c < j->s->space.columns; c++) to[c] = -(double)INFINITY;
    }
}

/* After so many rows, since the unit's beginning or the last time. Fewer than a period leave places untouched. */
static void flush_columns(const job *j, int64_t rows)
{
    int64_t period = j->s->period, places = j->unit->begin % period == 0 ? GR_MIN(rows, period) : period;
    for (int q = 0; q < j->p->n_reductions; q++)
        if (j->p->reduction[q].reach == GR__TO_COLUMNS)
            j->k->set->flush(j->p->reduction[q].max, (float *)(void *)column_at(j, q),
                             partial_at(j->partial, j->p, j->s, q), j->s->space.columns, places);
}

static double add_units(const double *const *part, int n, int64_t c, bool max)
{
    double sum = part[0][c];
    for (int u = 1; u < n; u++) sum = max ? larger(sum, part[u][c]) : sum + part[u][c];
    return sum;
}

/* Adds the units of a segment in order and writes the results. */
static void finish(const gr__region *k, const gr_call *call, const gr__region_segment *s)
{
    const gr__program *p = k->program[s->mode];
    void *const *out = call->operand + k->n_segments * k->n_in + (s - k->segment) * k->n_out;
    const double *part[GR__REGION_SHARDS];
    for (int q = 0; q < p->n_reductions; q++) {
        const gr__reduction *r = &p->reduction[q];
        if (r->reach == GR__TO_ROWS) continue;
        for (int u = 0; u < s->n_units; u++)
            part[u] = partial_at((char *)call->shared + k->unit[s->first_unit + u].partial, p, s, q);
        if (r->to_double) {
            *(double *)out[r->out] = add_units(part, s->n_units, 0, r->max) * r->factor;
            continue;
        }
        float *y = out[r->out];
        int64_t n = r->reach == GR__TO_COLUMNS ? s->space.columns : 1;
        if (s->n_units == 1)
            for (int64_t c = 0; c < n; c++) y[c] = (float)part[0][c];
        else
            for (int64_t c = 0; c < n; c++) y[c] = (float)add_units(part, s->n_units, c, r->max);
    }
}

/* ---- the three modes ---- */

static void run_flat(const job *j)
{
    gr__tile_state t = {.program = j->ins, .period = INT64_MAX / 2};
    clear_sums(j, GR__TO_ALL);
    j->k->set->run(&t, 4 * j->unit->begin, 4 * j->unit->end, 0);
    for (int q = 0; q < j->p->n_reductions; q++) *partial_at(j->partial, j->p, j->s, q) = take_sum(j, q);
}

/* The operand again and again for a period and a chunk. */
static void expand(const job *j)
{
    int64_t columns = j->s->space.columns, n = j->s->period * columns + GR__MAX_CHUNK;
    for (int t = 0; t < j->p->n_steps; t++)
        for (int o = 0; o < GR__STEP_REFS; o++) {
            const gr__ref *r = &j->p->step[t].ref[o];
            if (r->kind != GR__REF_COLUMN) continue;
            int32_t *to = (int32_t *)(void *)expanded_at(j, r->index);
            memcpy(to, j->in[r->index], (size_t)columns * 4);
            for (int64_t have = columns; have < n; have += GR_MIN(have, n - have))
                memcpy(to + have, to, (size_t)GR_MIN(have, n - have) * 4);
        }
}

/* Blocks of row reductions are read from their beginning. */
static void move_blocks(const job *j, int64_t i)
{
    for (int t = 0; t < j->p->n_steps; t++) {
        const gr__ref *r = &j->p->step[t].ref[0];
        if (r->kind == GR__REF_SUM && j->p->reduction[r->index].reach == GR__TO_ROWS)
            j->ins[t].at[0] = (char *)((uintptr_t)block_at(j, r->index) - (uintptr_t)i);
    }
}

static void reduce_blocks(const job *j, int64_t row, int64_t rows)
{
    for (int q = 0; q < j->p->n_reductions; q++) {
        const gr__reduction *r = &j->p->reduction[q];
        if (r->reach != GR__TO_ROWS) continue;
        j->k->set->narrow_rows(r->max, (const float *)(const void *)block_at(j, q), rows, j->s->space.columns,
                               (float *)j->out[r->out] + row);
    }
}

static bool reduces(const job *j, gr__reach reach)
{
    for (int q = 0; q < j->p->n_reductions; q++)
        if (j->p->reduction[q].reach == reach) return true;
    return false;
}

static void run_narrow(const job *j)
{
    const gr__region_segment *s = j->s;
    int64_t columns = s->space.columns, flush = gr__flush_rows(s);
    bool to_rows = reduces(j, GR__TO_ROWS), to_columns = reduces(j, GR__TO_COLUMNS);
    int64_t rows_a_step = to_rows ? gr__block_rows(s) : to_columns ? flush : j->unit->end - j->unit->begin;
    gr__tile_state t = {.program = j->ins,
                        .period = 4 * s->period * columns,
                        .rows = s->space.rows,
                        .rows_a_period = s->period,
                        .row_of = s->row_of,
                        .column_of = s->column_of};
    expand(j);
    clear_columns(j);
    for (int64_t r = j->unit->begin; r < j->unit->end; r += rows_a_step) {
        int64_t end = GR_MIN(r + rows_a_step, j->unit->end);
        t.row = r - r % s->period;
        if (to_rows) move_blocks(j, 4 * r * columns);
        j->k->set->run(&t, 4 * r * columns, 4 * end * columns, 4 * (r % s->period) * columns);
        if (to_rows) reduce_blocks(j, r, end - r);
        int64_t done = end - j->unit->begin;
        if (to_columns && (done % flush == 0 || end == j->unit->end)) flush_columns(j, (done - 1) % flush + 1);
    }
}

static void set_row(const job *j, int64_t row)
{
    for (int i = 0; i < j->p->n_by_row; i++) {
        int t = j->p->by_row[i] / GR__STEP_REFS, o = j->p->by_row[i] % GR__STEP_REFS;
        const gr__ref *r = &j->p->step[t].ref[o];
        gr__lane *v = &j->ins[t].value[o];
        if (r->kind == GR__REF_ROW)
            *v = ((const gr__lane *)j->in[r->index])[row];
        else if (r->kind == GR__REF_ROW_INDEX)
            v->i = (int32_t)row;
        else
            j->ins[t].at[o] = column_at(j, r->index) + 4 * (row & (j->s->period - 1)) * j->s->space.columns;
    }
}

static void run_wide(const job *j)
{
    const gr__region_segment *s = j->s;
    int64_t columns = s->space.columns, flush = gr__flush_rows(s);
    bool to_rows = reduces(j, GR__TO_ROWS), to_columns = reduces(j, GR__TO_COLUMNS);
    gr__tile_state t = {.program = j->ins, .period = INT64_MAX / 2};
    clear_columns(j);
    for (int64_t r = j->unit->begin; r < j->unit->end; r++) {
        set_row(j, r);
        if (to_rows) clear_sums(j, GR__TO_ROWS);
        j->k->set->run(&t, 4 * r * columns, 4 * (r + 1) * columns, 0);
        for (int q = 0; to_rows && q < j->p->n_reductions; q++)
            if (j->p->reduction[q].reach == GR__TO_ROWS)
                ((float *)j->out[j->p->reduction[q].out])[r] = (float)take_sum(j, q);
        int64_t done = r + 1 - j->unit->begin;
        if (to_columns && (done % flush == 0 || r + 1 == j->unit->end)) flush_columns(j, (done - 1) % flush + 1);
    }
}

void gr__region_run(const gr_kernel *kernel, const gr_call *call, int shard)
{
    const gr__region *k = (const gr__region *)kernel;
    const gr__program *before = NULL;
    void *const *in = call->operand, *const *out = in + k->n_segments * k->n_in;
    char *scratch = call->scratch, *shared = call->shared;
    for (int u = k->first_unit[shard]; u < k->first_unit[shard + 1]; u++) {
        const gr__region_unit *unit = &k->unit[u];
        const gr__region_segment *s = &k->segment[unit->segment];
        job j = {.k = k,
                 .unit = unit,
                 .s = s,
                 .in = in + unit->segment * k->n_in,
                 .out = out + unit->segment * k->n_out,
                 .scratch = scratch,
                 .partial = shared ? shared + unit->partial : NULL,
                 .ins = (gr__ins *)(void *)scratch};
        j.p = fitting(&j);
        set_program(&j, before);
        before = j.p;
        if (s->mode == GR__FLAT)
            run_flat(&j);
        else if (s->mode == GR__NARROW)
            run_narrow(&j);
        else
            run_wide(&j);
        if (j.p->past) k->set->fence();
        if (s->n_units == 1) finish(k, call, s);
    }
}

void gr__region_finish(const gr_kernel *kernel, const gr_call *call, int shard)
{
    const gr__region *k = (const gr__region *)kernel;
    (void)shard;
    for (int i = 0; i < k->n_segments; i++)
        if (k->segment[i].n_units > 1) finish(k, call, &k->segment[i]);
}
