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
    return j->scratch + j->k->columns_at + (size_t)j->p->reduction[q].column * j->k->column_stride + 4 * GR__MAX_CHUNK;
}

static char *kept_at(const job *j, int kept)
{
    return j->scratch + j->k->kept_at + (size_t)kept * j->k->kept_stride;
}

static char *line_at(const job *j, int line)
{
    return j->scratch + j->k->lines_at + (size_t)line * j->k->line_stride;
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
    case GR__REF_KEPT:
        return kept_at(j, r->index);
    case GR__REF_LINE:
    case GR__REF_LINE_ROWS:
        return line_at(j, r->index);
    case GR__REF_SUM:
        return j->p->reduction[r->index].reach == GR__TO_COLUMNS ? column_at(j, r->index) : sum_at(j, r->index);
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

static void clear_sum(const job *j, int q)
{
    float *x = (float *)(void *)sum_at(j, q);
    if (!j->p->reduction[q].max)
        memset(x, 0, 8 * GR__MAX_LANES);
    else
        for (int l = 0; l < GR__MAX_LANES; l++) x[l] = -INFINITY;
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

/* Rows of the period that there are. */
static int64_t period_rows(const job *j)
{
    return GR_MIN(j->s->period, j->s->space.rows);
}

static void clear_columns(const job *j)
{
    int64_t columns = j->s->space.columns, n = period_rows(j) * columns;
    for (int q = 0; q < j->p->n_reductions; q++) {
        if (j->p->reduction[q].reach != GR__TO_COLUMNS) continue;
        float *x = (float *)(void *)column_at(j, q);
        double *to = partial_at(j->partial, j->p, j->s, q);
        if (!j->p->reduction[q].max) { /* zero bytes are 0 */
            memset(x - GR__MAX_CHUNK, 0, (size_t)(n + 2 * GR__MAX_CHUNK) * sizeof *x);
            if (columns > 0) memset(to, 0, (size_t)columns * sizeof *to);
            continue;
        }
        for (int64_t c = -GR__MAX_CHUNK; c < n + GR__MAX_CHUNK; c++) x[c] = -INFINITY;
        for (int64_t c = 0; c < columns; c++) to[c] = -(double)INFINITY;
    }
}

/* After so many rows, since the unit's beginning or the last time. Fewer than a period leave places untouched. */
static void flush_columns(const job *j)
{
    int64_t columns = j->s->space.columns, rows = period_rows(j);
    for (int q = 0; q < j->p->n_reductions; q++) {
        bool max = j->p->reduction[q].max;
        if (j->p->reduction[q].reach != GR__TO_COLUMNS) continue;
        float *x = (float *)(void *)column_at(j, q);
        double *to = partial_at(j->partial, j->p, j->s, q);
        j->k->set->flush(max, x, to, columns, rows);
    }
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

/* ---- a line of elements ---- */

static void run_flat(const job *j)
{
    gr__tile_state t = {.program = j->ins, .period = INT64_MAX / 2};
    for (int q = 0; q < j->p->n_reductions; q++) clear_sum(j, q);
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

/* ---- the passes of a block of rows ---- */

typedef struct rows {
    int64_t begin, end;
} rows;

static bool reduces(const job *j, gr__reach reach)
{
    for (int q = 0; q < j->p->n_reductions; q++)
        if (j->p->reduction[q].reach == reach) return true;
    return false;
}

/* One value a row: row after row like elements. */
static void pass_lines(const job *j, const gr__pass *pass, rows b)
{
    gr__tile_state t;
    t.program = j->ins + pass->first;
    t.period = INT64_MAX / 2;
    t.tail_of = 0;
    j->k->set->run(&t, 4 * b.begin, 4 * b.end, 0);
}

/* What is kept of a block, and its lines, begin with it. */
static void set_block(const job *j, const gr__pass *pass, rows b)
{
    for (int i = pass->first_by_row; i < pass->first_by_row + pass->n_by_row; i++) {
        int t = j->p->by_row[i] / GR__STEP_REFS, o = j->p->by_row[i] % GR__STEP_REFS;
        const gr__ref *r = &j->p->step[t].ref[o];
        bool kept = r->kind == GR__REF_KEPT;
        int64_t before = kept ? b.begin * j->s->space.columns : b.begin;
        char *at = kept ? kept_at(j, r->index) : line_at(j, r->index);
        j->ins[t].at[o] = (char *)((uintptr_t)at - 4 * (uintptr_t)before);
    }
}

static void reduce_narrow(const job *j, const gr__reduction *q, rows b)
{
    int64_t columns = j->s->space.columns;
    const float *from = (const float *)(const void *)address_of(j, &q->from);
    float *out = q->out < 0 ? NULL : (float *)j->out[q->out] + b.begin;
    float *to = q->line < 0 ? out : (float *)(void *)line_at(j, q->line);
    if (q->from.kind != GR__REF_KEPT) from += b.begin * columns;
    j->k->set->narrow_rows(q->max, from, b.end - b.begin, columns, to);
    if (out && out != to) memcpy(out, to, (size_t)(b.end - b.begin) * sizeof *out);
}

static void pass_narrow(const job *j, const gr__pass *pass, rows b, gr__tile_state *t)
{
    const gr__region_segment *s = j->s;
    int64_t columns = s->space.columns;
    t->program = j->ins + pass->first;
    t->row = b.begin - b.begin % s->period;
    set_block(j, pass, b);
    if (pass->n > 1) j->k->set->run(t, 4 * b.begin * columns, 4 * b.end * columns, 4 * (b.begin % s->period) * columns);
    for (int q = pass->first_reduction; q < pass->first_reduction + pass->n_reductions; q++)
        if (j->p->reduction[q].reach == GR__TO_ROWS) reduce_narrow(j, &j->p->reduction[q], b);
}

static void set_row(const job *j, const gr__pass *pass, int64_t row, int64_t in_block)
{
    int64_t columns = j->s->space.columns;
    for (int i = pass->first_by_row; i < pass->first_by_row + pass->n_by_row; i++) {
        int t = j->p->by_row[i] / GR__STEP_REFS, o = j->p->by_row[i] % GR__STEP_REFS;
        const gr__ref *r = &j->p->step[t].ref[o];
        gr__lane *v = &j->ins[t].value[o];
        if (r->kind == GR__REF_ROW)
            *v = ((const gr__lane *)j->in[r->index])[row];
        else if (r->kind == GR__REF_LINE_VALUE)
            *v = ((const gr__lane *)(const void *)line_at(j, r->index))[in_block];
        else if (r->kind == GR__REF_ROW_INDEX)
            v->i = (int32_t)row;
        else if (r->kind == GR__REF_KEPT)
            j->ins[t].at[o] = kept_at(j, r->index) + 4 * in_block * columns;
        else
            j->ins[t].at[o] = column_at(j, r->index) + 4 * (row & (j->s->period - 1)) * columns;
    }
}

/* To rank 0: of the one row. */
static void take_row(const job *j, int q, int64_t row, int64_t in_block)
{
    const gr__reduction *r = &j->p->reduction[q];
    if (r->reach == GR__TO_COLUMNS) return;
    double total = take_sum(j, q);
    float sum = (float)total;
    if (r->reach == GR__TO_ALL) {
        *partial_at(j->partial, j->p, j->s, q) = total;
        return;
    }
    if (r->out >= 0) ((float *)j->out[r->out])[row] = sum;
    if (r->line >= 0) ((float *)(void *)line_at(j, r->line))[in_block] = sum;
}

static void pass_wide(const job *j, const gr__pass *pass, rows b, gr__tile_state *t)
{
    int64_t columns = j->s->space.columns;
    int first = pass->first_reduction, end = first + pass->n_reductions;
    t->program = j->ins + pass->first;
    for (int64_t r = b.begin; r < b.end; r++) {
        set_row(j, pass, r, r - b.begin);
        for (int q = first; q < end; q++)
            if (j->p->reduction[q].reach != GR__TO_COLUMNS) clear_sum(j, q);
        j->k->set->run(t, 4 * r * columns, 4 * (r + 1) * columns, 0);
        for (int q = first; q < end; q++) take_row(j, q, r, r - b.begin);
    }
}

static void run_by_rows(const job *j)
{
    const gr__region_segment *s = j->s;
    bool narrow = s->mode == GR__NARROW, to_columns = reduces(j, GR__TO_COLUMNS);
    gr__tile_state t = {.program = j->ins, .period = INT64_MAX / 2};
    if (narrow) {
        t.period = 4 * s->period * s->space.columns;
        t.rows = s->space.rows;
        t.rows_a_period = s->period;
        t.row_of = s->row_of;
        t.column_of = s->column_of;
        expand(j);
    }
    clear_columns(j);
    for (rows b = {.begin = j->unit->begin}; b.begin < j->unit->end; b.begin = b.end) {
        b.end = GR_MIN(b.begin + s->block, j->unit->end);
        for (int p = 0; p < j->p->n_passes; p++) {
            const gr__pass *pass = &j->p->pass[p];
            if (pass->line)
                pass_lines(j, pass, b);
            else if (narrow)
                pass_narrow(j, pass, b, &t);
            else
                pass_wide(j, pass, b, &t);
        }
        bool whole = (b.end - j->unit->begin) % gr__flush_rows(s) == 0 || b.end == j->unit->end;
        if (to_columns && whole) flush_columns(j);
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
        else
            run_by_rows(&j);
        if (j.p->past) k->set->fence();
        if (s->n_units == 1) finish(k, call, s);
    }
}

/* FLAT, and nothing is reduced: row after row, the columns of the part. */
void gr__region_run_part(const gr_kernel *kernel, const gr_call *call, int part)
{
    const gr__region *k = (const gr__region *)kernel;
    const gr__region_segment *s = k->segment;
    char *scratch = call->scratch;
    job j = {.k = k,
             .s = s,
             .in = call->operand,
             .out = call->operand + k->n_in,
             .scratch = scratch,
             .ins = (gr__ins *)(void *)scratch};
    j.p = fitting(&j);
    set_program(&j, NULL);
    gr__tile_state t = {.program = j.ins, .period = INT64_MAX / 2};
    int64_t all = s->space.rows * s->space.columns, wide = k->part_columns / kernel->part.n, first = part * wide,
            end = first + wide;
    for (int64_t row = 0; row < all; row += k->part_columns) k->set->run(&t, 4 * (row + first), 4 * (row + end), 0);
    if (j.p->past) k->set->fence();
}

void gr__region_finish(const gr_kernel *kernel, const gr_call *call, int shard)
{
    const gr__region *k = (const gr__region *)kernel;
    (void)shard;
    for (int i = 0; i < k->n_segments; i++)
        if (k->segment[i].n_units > 1) finish(k, call, &k->segment[i]);
}
