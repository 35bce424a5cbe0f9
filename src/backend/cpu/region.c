/* Regions: reading the item, choosing modes, cutting into shards. */
#include "backend/cpu/region.h"

#include <limits.h>
#include <string.h>

#include "graph/op.h"

/* ---- which nodes ---- */

bool gr__region_fuses(const gr_graph *g, const gr_node *n)
{
    switch (n->op->code) {
    case GR_OP_IOTA:
    case GR_OP_SUM:
    case GR_OP_SUM_SQUARES:
    case GR_OP_REDUCE_MAX:
        return true;
    case GR_OP_BROADCAST:
        return gr__value(g, n->out)->dtype != GR_U8;
    default:
        return n->op->class == GR_CLASS_MAP && gr__value(g, n->out)->shape.rank > 0 && gr__program_has(n->op);
    }
}

/* ---- forms ---- */

/* The axes before the split are the rows of the space. Several splits fit only if they differ by axes of size 1. */
static int split_of(gr_shape shape, gr_space space)
{
    int64_t rows = 1, columns = gr_shape_count(shape);
    for (int s = 0; s <= shape.rank; s++) {
        if (rows == space.rows && columns == space.columns) return s;
        if (s == shape.rank) break;
        rows *= shape.dim[s];
        columns = 1;
        for (int i = s + 1; i < shape.rank; i++) columns *= shape.dim[i];
    }
    return -1;
}

/* Is the tensor stretched over the columns only? Otherwise it is over the rows. */
static bool repeats_columns(gr_shape from, gr_shape to, int split)
{
    int extra = to.rank - from.rank;
    for (int i = 0; i < to.rank; i++) {
        int64_t size = i < extra ? 1 : from.dim[i - extra];
        if (size != (i < split ? to.dim[i] : 1)) return false;
    }
    return true;
}

static gr__reach reach_of(const gr_graph *g, const gr_node *n, gr_space space)
{
    gr_shape in = gr__value(g, n->in[0])->shape, out = gr__value(g, n->out)->shape;
    if (out.rank == 0) return GR__TO_ALL;
    int split = split_of(in, space);
    for (int i = 0; i < in.rank; i++)
        if (in.dim[i] != 1 && (n->attr.i[0] >> i & 1) != (i >= split)) return GR__TO_COLUMNS;
    return GR__TO_ROWS;
}

/* ---- reading an item ---- */

typedef struct reader {
    gr_context *ctx;
    const gr_item *item;
    const gr_graph *g;
    gr__exprs *x;
} reader;

static int listed(const reader *r, uint32_t node)
{
    for (int k = 0; k < r->item->n_nodes; k++)
        if (r->item->nodes[k] == node) return k;
    return -1;
}

/* The expression that makes v, if the region does; lines may have been reshaped. */
static int made_by(const reader *r, const int *expr_of, gr_val v)
{
    const gr_node *p = gr__made_by(r->g, v, GR_OP_RESHAPE);
    int k = listed(r, gr__value(r->g, v)->node);
    if (k >= 0) return expr_of[k];
    return p ? made_by(r, expr_of, p->in[0]) : -1;
}

/* Constants, rank 0 and tensors from outside, and what repeats them. */
static bool read_outside(reader *r, gr_val v, gr__arg *a)
{
    const gr_node *p = gr__producer(r->g, v);
    a->dtype = gr__value(r->g, v)->dtype;
    if (p->op->code == GR_OP_CONST) {
        a->source = GR__FROM_CONST;
        a->value = p->attr.f[0];
        return true;
    }
    a->index = gr__cpu_input(r->item, v);
    a->source = gr__value(r->g, v)->shape.rank == 0 ? GR__FROM_SCALAR : GR__FROM_FULL;
    return a->index >= 0;
}

static bool read_made(reader *r, gr__source source, int expr, gr_val v, gr__arg *a)
{
    *a = (gr__arg){.source = source, .index = expr, .dtype = gr__value(r->g, v)->dtype};
    r->x->expr[expr].uses++;
    r->x->lines |= source == GR__FROM_LINE;
    return true;
}

static bool read_repeated(reader *r, const int *expr_of, const gr_node *n, gr__arg *a)
{
    gr_shape out = gr__value(r->g, n->out)->shape;
    int split = split_of(out, r->item->space[0]), line = n->n_in ? made_by(r, expr_of, n->in[0]) : -1;
    if (line >= 0) return read_made(r, GR__FROM_LINE, line, n->in[0], a);
    if (n->op->code == GR_OP_IOTA && out.dim[n->attr.i[0]] == 1) { /* an axis that may be on either side of the split */
        *a = (gr__arg){.source = GR__FROM_CONST, .dtype = GR_I32};
        return true;
    }
    if (split < 0) return n->op->code == GR_OP_BROADCAST && read_outside(r, n->in[0], a); /* a line of one number */
    if (n->op->code == GR_OP_IOTA) {
        a->source = n->attr.i[0] < split ? GR__FROM_ROW_INDEX : GR__FROM_COLUMN_INDEX;
        a->dtype = GR_I32;
        r->x->rows |= a->source == GR__FROM_ROW_INDEX;
        r->x->columns |= a->source == GR__FROM_COLUMN_INDEX;
        return true;
    }
    if (!read_outside(r, n->in[0], a)) return false;
    if (a->source != GR__FROM_FULL) return true;
    a->source = repeats_columns(gr__value(r->g, n->in[0])->shape, out, split) ? GR__FROM_ROW : GR__FROM_COLUMN;
    r->x->rows |= a->source == GR__FROM_ROW;
    r->x->columns |= a->source == GR__FROM_COLUMN;
    return true;
}

static bool read_arg(reader *r, const int *expr_of, gr_val v, gr__arg *a)
{
    const gr_node *p = gr__producer(r->g, v);
    int e = made_by(r, expr_of, v);
    if (e >= 0) return read_made(r, GR__FROM_NODE, e, v, a);
    bool repeats = p->op->code == GR_OP_BROADCAST || p->op->code == GR_OP_IOTA;
    return repeats && listed(r, gr__value(r->g, v)->node) >= 0 ? read_repeated(r, expr_of, p, a)
                                                               : read_outside(r, v, a);
}

static int out_index(const gr_item *item, gr_val v)
{
    for (int o = 0; o < item->n_out; o++)
        if (item->out[o] == v) return o;
    return -1;
}

static bool is_line(const reader *r, gr_val v)
{
    gr_space s = r->item->space[0];
    return gr_shape_count(gr__value(r->g, v)->shape) != s.rows * s.columns;
}

static bool read_node(reader *r, int *expr_of, int k)
{
    const gr_node *n = gr__node(r->g, r->item->nodes[k]);
    gr__expr *e = &r->x->expr[r->x->n];
    int out = out_index(r->item, n->out);
    bool repeats = n->op->code == GR_OP_BROADCAST || n->op->code == GR_OP_IOTA;
    if (repeats && out < 0) return true; /* read in place */
    if (r->x->n == GR__REGION_NODES) return false;
    *e = (gr__expr){.code = repeats ? GR_OP_STOP : n->op->code, .n_arg = repeats ? 1 : n->n_in, .out = out};
    e->line = n->op->class == GR_CLASS_MAP && is_line(r, n->out);
    r->x->lines |= e->line;
    for (int i = 0; i < e->n_arg; i++)
        if (!(repeats ? read_repeated(r, expr_of, n, &e->arg[i]) : read_arg(r, expr_of, n->in[i], &e->arg[i])))
            return false;
    if (n->op->class == GR_CLASS_REDUCE) {
        e->reach = reach_of(r->g, n, r->item->space[0]);
        r->x->rows |= e->reach == GR__TO_ROWS;
        r->x->columns |= e->reach == GR__TO_COLUMNS;
        e->factor = n->op->code == GR_OP_SUM_SQUARES ? gr__sum_squares_factor(&n->attr) : 1;
    }
    if (!repeats) expr_of[k] = r->x->n;
    r->x->n++;
    return true;
}

gr_status gr__exprs_read(gr_context *ctx, const gr_item *item, gr__exprs *x)
{
    reader r = {ctx, item, item->graph, x};
    int expr_of[4 * GR__REGION_NODES];
    bool fits = item->n_nodes <= (int)GR_COUNT(expr_of) && item->n_in + item->n_out <= GR__REGION_OPERANDS;
    for (int k = 0; k < (int)GR_COUNT(expr_of); k++) expr_of[k] = -1;
    for (int k = 0; fits && k < item->n_nodes; k++) fits = read_node(&r, expr_of, k);
    if (fits) gr__exprs_order(x);
    return fits ? GR_OK
                : gr__fail(ctx, GR_E_INTERNAL, "a region of %d nodes and %d operands cannot be read", item->n_nodes,
                           item->n_in + item->n_out);
}

/* ---- modes, shards ---- */

static gr__mode mode_of(const gr__exprs *x, gr_space space, int64_t narrow)
{
    if (x->lines) return space.columns < narrow && space.rows > 1 ? GR__NARROW : GR__WIDE;
    if ((!x->rows && !x->columns) || space.rows == 1) return GR__FLAT;
    if (x->rows) return space.columns < narrow && space.columns > 0 ? GR__NARROW : GR__WIDE;
    return space.columns < 512 && space.columns > 0 ? GR__NARROW : GR__WIDE;
}

static int64_t period_of(int64_t columns)
{
    int64_t rows = 1;
    while (columns > 0 && rows * columns < 2 * GR__MAX_CHUNK) rows *= 2;
    return rows;
}

static int64_t lines_of(const gr__region_segment *s)
{
    return s->mode == GR__FLAT ? s->space.rows * s->space.columns : s->space.rows;
}

/* By the space alone where something is reduced over shards. */
static int units_of(const gr__region_segment *s, bool to_columns)
{
    int n = gr__cpu_shards(s->space.rows * s->space.columns);
    if (s->mode == GR__FLAT) return n;
    int64_t most = to_columns ? s->space.rows / 16 : s->space.rows;
    return (int)GR_MAX(1, GR_MIN(n, most));
}

static bool reduces(const gr__exprs *x, gr__reach reach)
{
    for (int i = 0; i < x->n; i++)
        if (x->expr[i].reach == reach) return true;
    return false;
}

/* Bytes of the partial results of a unit. */
static size_t partial_bytes(const gr__program *p, const gr__region_segment *s)
{
    size_t doubles = 0;
    for (int q = 0; q < p->n_reductions; q++)
        doubles +=
            p->reduction[q].reach == GR__TO_COLUMNS ? (size_t)s->space.columns : p->reduction[q].reach == GR__TO_ALL;
    return (doubles * sizeof(double) + 63) / 64 * 64;
}

static gr_status cut(gr_context *ctx, const gr__exprs *x, gr__region *k)
{
    bool to_columns = reduces(x, GR__TO_COLUMNS);
    for (int i = 0; i < k->n_segments; i++) {
        gr__region_segment *s = &k->segment[i];
        s->first_unit = k->n_units;
        s->n_units = units_of(s, to_columns);
        k->n_units += s->n_units;
    }
    k->unit = gr__alloc(ctx, (size_t)k->n_units * sizeof *k->unit);
    if (!k->unit) return gr__error_code(ctx);
    for (int i = 0; i < k->n_segments; i++) {
        const gr__region_segment *s = &k->segment[i];
        int64_t step = s->mode == GR__FLAT                   ? 1024
                       : s->mode == GR__NARROW || to_columns ? 16
                                                             : 1; /* rows of 16 begin at whole vectors */
        for (int u = 0; u < s->n_units; u++) {
            gr__region_unit *unit = &k->unit[s->first_unit + u];
            unit->segment = i;
            gr__cpu_part(lines_of(s), step, s->n_units, u, &unit->begin, &unit->end);
            unit->partial = k->base.shared_bytes;
            k->base.shared_bytes += partial_bytes(&k->program[s->mode][0], s);
        }
    }
    return GR_OK;
}

/* Units in order, shards of about equal work. */
static void group(gr__region *k)
{
    double total = 0, sum = 0;
    int64_t elements = 0;
    for (int i = 0; i < k->n_segments; i++) elements += k->segment[i].space.rows * k->segment[i].space.columns;
    int shards = GR_MIN(gr__cpu_shards(elements), k->n_units), shard = 0;
    for (int pass = 0; pass < 2; pass++)
        for (int u = 0; u < k->n_units; u++) {
            const gr__region_unit *unit = &k->unit[u];
            const gr__region_segment *s = &k->segment[unit->segment];
            double work =
                1000 + (double)(unit->end - unit->begin) * (s->mode == GR__FLAT ? 1.0 : (double)s->space.columns);
            if (pass == 0) {
                total += work;
                continue;
            }
            while (shard < shards && (sum + work / 2) * shards >= total * shard) k->first_unit[shard++] = u;
            sum += work;
        }
    while (shard <= shards) k->first_unit[shard++] = k->n_units;
    k->base.phase[0].n_shards = shards;
}

/* ---- memory ---- */

/* Of the rows that go through the passes together: the first cache holds them, unless they are so long that a pass of a
 * few lines would cost more than the second cache. */
enum { BLOCK_BYTES = 32 * 1024, BLOCK_ELEMENTS = 4096 };

static size_t place(size_t *end, size_t bytes)
{
    size_t at = *end;
    *end += (bytes + 63) / 64 * 64;
    return at;
}

/* Rows that go through the passes together: all of a unit, but for column sums, which go on in double after a while,
 * and for what is kept of rows, so little that it stays in a cache. Any number gives the same bits. */
static int64_t block_of(const gr__region *k, const gr__region_segment *s, bool to_columns)
{
    const gr__program *p = k->program[s->mode];
    int64_t rows = to_columns ? gr__flush_rows(s) : GR_MAX(s->space.rows, 1);
    int kept = GR_MAX(p[0].n_kept, p[1].n_kept);
    bool to_rows = false;
    for (int q = 0; q < p[0].n_reductions; q++) to_rows |= p[0].reduction[q].reach == GR__TO_ROWS;
    if (kept + p[0].n_lines == 0 && !(to_rows && s->mode == GR__NARROW)) return rows;
    int64_t most = s->period == 1 ? 64 : 128, row = 4 * s->space.columns * (k->n_in + k->n_out + kept);
    while (p[0].n_passes > 1 && most > 1 && most * row > BLOCK_BYTES && most * s->space.columns > BLOCK_ELEMENTS)
        most /= 2;
    return GR_MIN(GR_MIN(rows, most), GR_MAX(s->space.rows, 1));
}

static bool has_columns(const gr__program *p)
{
    for (int i = 0; i < p->n_steps * GR__STEP_REFS; i++)
        if (p->step[i / GR__STEP_REFS].ref[i % GR__STEP_REFS].kind == GR__REF_COLUMN) return true;
    return false;
}

static void lay_out(gr__region *k, bool to_columns)
{
    int64_t period = 0, summed = 0, block = 0, rows = 0;
    int slots = 0, steps = 0, sums = 0, kept = 0, lines = 0, to = 0;
    for (int i = 0; i < k->n_segments; i++) {
        gr__region_segment *s = &k->segment[i];
        if (s->mode == GR__FLAT) continue;
        s->block = block_of(k, s, to_columns);
        period = GR_MAX(period, s->period * s->space.columns);
        summed = GR_MAX(summed, GR_MIN(s->period, s->space.rows) * s->space.columns);
        rows = GR_MAX(rows, s->block);
        block = GR_MAX(block, s->block * s->space.columns);
    }
    for (int m = 0; m < GR__MODES; m++)
        for (int c = 0; c < 2; c++) {
            slots = GR_MAX(slots, k->program[m][c].n_slots);
            steps = GR_MAX(steps, k->program[m][c].n_steps);
            sums = GR_MAX(sums, k->program[m][c].n_reductions);
            kept = GR_MAX(kept, k->program[m][c].n_kept);
            lines = GR_MAX(lines, k->program[m][c].n_lines);
            to = GR_MAX(to, k->program[m][c].n_columns);
        }
    bool columns = has_columns(&k->program[GR__NARROW][0]);
    size_t chunk = 4 * GR__MAX_CHUNK, end = 0;
    k->column_stride = to ? ((size_t)summed * 4 + 2 * chunk + 63) / 64 * 64 : 0;
    k->expanded_stride = columns ? ((size_t)period * 4 + chunk + 63) / 64 * 64 : 0;
    k->kept_stride = kept ? ((size_t)block * 4 + 63) / 64 * 64 : 0;
    k->line_stride = lines ? ((size_t)rows * 4 + chunk + 63) / 64 * 64 : 0; /* ld_row reads beyond the last row */
    place(&end, (size_t)steps * sizeof(gr__ins));
    k->slots_at = place(&end, (size_t)slots * chunk);
    k->sums_at = place(&end, (size_t)sums * 8 * GR__MAX_LANES);
    k->columns_at = place(&end, (size_t)to * k->column_stride);
    k->expanded_at = place(&end, (size_t)k->n_in * k->expanded_stride);
    k->kept_at = place(&end, (size_t)kept * k->kept_stride);
    k->lines_at = place(&end, (size_t)lines * k->line_stride);
    k->base.scratch_bytes = end;
}

/* Which row and column the elements of a period belong to. */
static gr_status make_tables(gr_context *ctx, gr__region *k)
{
    size_t room = 0;
    for (int i = 0; i < k->n_segments; i++)
        if (k->segment[i].mode == GR__NARROW)
            room += 2 * (size_t)(k->segment[i].period * k->segment[i].space.columns + GR__MAX_CHUNK);
    if (room == 0) return GR_OK;
    k->tables_bytes = room * sizeof(int32_t);
    int32_t *at = k->tables = gr__alloc(ctx, k->tables_bytes);
    if (!at) return gr__error_code(ctx);
    for (int i = 0; i < k->n_segments; i++) {
        gr__region_segment *s = &k->segment[i];
        if (s->mode != GR__NARROW) continue;
        int64_t n = s->period * s->space.columns + GR__MAX_CHUNK;
        s->row_of = at;
        s->column_of = at + n;
        for (int64_t e = 0; e < n; e++) {
            s->row_of[e] = (int32_t)(e / s->space.columns);
            s->column_of[e] = (int32_t)(e % s->space.columns);
        }
        at += 2 * n;
    }
    return GR_OK;
}

/* ---- the kernel ---- */

static void destroy(gr_context *ctx, gr_kernel *kernel)
{
    gr__region *k = (gr__region *)kernel;
    for (int m = 0; m < GR__MODES; m++)
        for (int c = 0; c < 2; c++) gr__program_free(ctx, &k->program[m][c]);
    gr__free(ctx, k->tables, k->tables_bytes);
    gr__free(ctx, k->unit, k->unit ? (size_t)k->n_units * sizeof *k->unit : 0);
    gr__free(ctx, k->segment, (size_t)k->n_segments * sizeof *k->segment);
    gr__free(ctx, k, sizeof *k);
}

static void estimate(const gr_item *item, gr__region *k)
{
    double bytes = 0, ns = 0;
    for (int i = 0; i < k->n_segments; i++) {
        const gr__region_segment *s = &k->segment[i];
        double n = (double)s->space.rows * (double)s->space.columns,
               per = s->mode == GR__WIDE ? (double)s->space.columns : n;
        double chunk = 8.0 * k->set->lanes, waste = per > 0 ? (double)((int64_t)(per / chunk) + 1) * chunk / per : 1;
        ns += 40 + n * GR_MIN(waste, chunk) / k->set->lanes * k->program[s->mode][0].vector_ns;
        if (s->mode == GR__WIDE) ns += 15 * (double)s->space.rows;
    }
    for (int i = 0; i < k->n_segments * item->n_in; i++)
        bytes += (double)(gr_shape_count(gr__value(item->graph, item->in[i])->shape) *
                          (int64_t)gr__dtype_bytes(gr__value(item->graph, item->in[i])->dtype, GR_EL_F32));
    for (int i = 0; i < k->n_segments * item->n_out; i++)
        bytes += 4 * (double)gr_shape_count(gr__value(item->graph, item->out[i])->shape);
    k->base.phase[0].cost_ns = 30 + GR_MAX(ns, gr__cpu_move_ns(bytes));
    k->base.phase[1].cost_ns = 50 + (double)k->base.shared_bytes / 8;
}

static gr_status write_programs(gr_context *ctx, const gr_item *item, const gr__exprs *x, gr__region *k)
{
    gr_status st = GR_OK;
    for (int i = 0; i < k->n_segments; i++) {
        gr__mode mode = k->segment[i].mode;
        gr__program *p = k->program[mode];
        if (p[0].step) continue;
        GR_TRY(gr__program_write(ctx, item, x, k->set, mode, false, &p[0]));
        if (p[0].n_hazards > 0 || p[0].bounded) GR_TRY(gr__program_write(ctx, item, x, k->set, mode, true, &p[1]));
    }
done:
    return st;
}

/* Parts of whole chunks, where no row differs from another and nothing is reduced. */
static void add_parts(const gr_item *item, gr__region *k)
{
    const gr__region_segment *s = k->segment;
    gr_shape shape = gr__value(item->graph, item->out[0])->shape;
    int64_t columns = shape.rank > 1 ? shape.dim[shape.rank - 1] : 0;
    bool flat = k->n_segments == 1 && s->mode == GR__FLAT && k->program[GR__FLAT][0].n_reductions == 0;
    if (!flat || columns == 0 || columns % k->narrow != 0 || columns / k->narrow > INT_MAX) return;
    k->part_columns = columns;
    k->base.part.run = gr__region_run_part;
    k->base.part.n = (int)(columns / k->narrow);
    k->base.part.elementwise = true;
}

static const char *name_of(const gr__region *k, const gr__exprs *x)
{
    for (int i = 0; i < x->n; i++)
        if (x->expr[i].reach != GR__TO_ELEMENTS)
            return k->n_segments > 1 ? "tiles with reductions, merged" : "tiles with reductions";
    return k->n_segments > 1 ? "tiles, merged" : "tiles";
}

gr_status gr__region_make(gr_context *ctx, const gr_item *item, gr__isa isa, gr_kernel **out)
{
    gr_status st = GR_OK;
    gr__exprs *x = gr__alloc(ctx, sizeof *x);
    gr__region *k = x ? gr__alloc(ctx, sizeof *k) : NULL;
    if (!k) {
        gr__free(ctx, x, sizeof *x);
        return gr__error_code(ctx);
    }
    k->base.destroy = destroy;
    k->set = gr__tile_set_get(isa);
    k->narrow = 8 * k->set->lanes; /* a whole chunk: shorter rows, one by one, would fill none */
    k->n_in = item->n_in;
    k->n_out = item->n_out;
    k->base.n_operands = item->n_segments * (item->n_in + item->n_out);
    k->segment = gr__alloc(ctx, (size_t)item->n_segments * sizeof *k->segment);
    if (k->segment) k->n_segments = item->n_segments;
    GR_TRY(k->segment ? gr__exprs_read(ctx, item, x) : gr__error_code(ctx));
    for (int i = 0; i < k->n_segments; i++) {
        k->segment[i].space = item->space[i];
        k->segment[i].mode = mode_of(x, item->space[i], k->narrow);
        k->segment[i].period = period_of(item->space[i].columns);
    }
    GR_TRY(write_programs(ctx, item, x, k));
    GR_TRY(cut(ctx, x, k));
    GR_TRY(make_tables(ctx, k));
    group(k);
    lay_out(k, reduces(x, GR__TO_COLUMNS));
    estimate(item, k);
    add_parts(item, k);
    k->base.name = name_of(k, x);
    k->base.n_phases = 1;
    k->base.phase[0].run = gr__region_run;
    for (int i = 0; i < k->n_segments; i++)
        if (k->segment[i].n_units > 1 && k->base.shared_bytes > 0) k->base.n_phases = 2;
    k->base.phase[1].run = gr__region_finish;
    k->base.phase[1].n_shards = 1;
    *out = &k->base;
    k = NULL;
done:
    if (k) destroy(ctx, &k->base);
    gr__free(ctx, x, sizeof *x);
    return st;
}
