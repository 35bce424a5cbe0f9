/* Matrix products. A shard is a block of batch items x rows x columns. For each block of the sum (k) and each panel of
 * columns, b is packed into the shard's scratch where that pays (always when b is transposed), then the panel's tiles
 * run over all rows of the block: the panel stays in the first or second cache. Rows of a are read in place through
 * pointers, transposed or not.
 *
 * An operand that several shards would pack is packed once for all of them, by a phase of its own, into shared memory;
 * where b is the same at all steps of a loop, once a loop. (2048 x 256 x 1024 from 70 to 90 % of the peak with AVX-512,
 * its transposed forms from 66 to 84 % with AVX2; operands beyond MOST_PACKED would only go through memory twice.)
 *
 * Where b is not transposed and large enough, a is searched for zeros first, and if there are enough of them they are
 * skipped. */
#include "backend/cpu/contract_provider.h"
#include "backend/cpu/contract_zeros.h"

#include <limits.h>
#include <math.h>
#include <string.h>

enum { MOST_SEARCHED = 128 << 10 }; /* elements of a, for zeros */
enum { MOST_PACKED = 2 << 20 };     /* elements of an operand that is packed for all shards at once */
enum { PACKING_PARTS = 16 };

typedef struct gemm {
    gr_kernel kernel;
    const gr__tile_ops *ops;
    int64_t batch, m, n, k;
    int64_t a_batch, b_batch; /* floats from one item of the batch to the next; 0: the same matrix */
    int64_t a_row, a_step, ldb;
    bool transpose_b, bias, relu, pack_a, pack_b, dot;
    bool whole_a, whole_b; /* packed for all shards by phases of their own */
    bool lasting;          /* b, once a loop */
    int64_t batch_shards, m_shards, n_shards;
    int64_t unit; /* of columns, that shards are cut by */
    int64_t k_blocks;
    size_t b_bytes, a_bytes;    /* of scratch: a panel of b, then a block of a */
    size_t whole_bytes;         /* of shared memory: b packed, before a packed */
    const gr__zeros_ops *zeros; /* NULL: they are not looked for */
} gemm;

/* Shared memory of a product that may skip zeros. */
typedef struct zeros {
    int64_t others;  /* elements of a that are not zero */
    uint64_t mask[]; /* of each row, by terms of the sum */
} zeros;

typedef struct block {
    const float *a, *b, *bias;
    float *c;
    int64_t m0, m1, n0, n1, k0, k1;
    float *packed_b, *block_a; /* scratch */
    const float *packed_a;
    const float *whole_a, *whole_b; /* all of the operand, packed; or NULL */
} block;

/* The tiles of one panel. b: its panel, packed or in place. */
static void run_panel(const gemm *g, const block *w, const float *b, int64_t b_step, gr__tile_kind kind, int64_t n,
                      int64_t columns)
{
    const gr__tile_ops *ops = g->ops;
    int64_t rows = w->m1 - w->m0, k = w->k1 - w->k0;
    int64_t tiles = rows <= ops->rows ? rows > 0 : (rows + ops->rows - 1) / ops->rows;
    int64_t count = tiles > 1 ? rows / tiles : rows, longer = rows - count * tiles;
    bool last = w->k1 == g->k;
    gr__segment segment = {0, 0, k};
    gr__tile t;
    t.b = b;
    t.segment = &segment;
    t.n_segments = k > 0;
    t.a_step = g->a_step;
    t.b_step = b_step;
    t.b_unit = 0;
    t.bias = last && g->bias ? w->bias + n : NULL;
    t.columns = columns;
    t.relu = last && g->relu;
    t.accumulate = w->k0 > 0;
    const float *a = g->pack_a ? w->packed_a : w->a + w->m0 * g->a_row + w->k0 * g->a_step;
    float *c = w->c + w->m0 * g->n + n;
    count += longer > 0;
    for (int64_t i = 0; i < tiles; i++) {
        if (i == longer && i > 0) count--;
        if (g->pack_a) {
            for (int64_t r = 0; r < count; r++) t.row[r] = a + r;
            t.a_step = count;
            a += count * k;
        } else {
            for (int64_t r = 0; r < count; r++, a += g->a_row) t.row[r] = a;
        }
        for (int64_t r = 0; r < count; r++, c += g->n) t.out[r] = c;
        ops->tile[kind][count](&t);
    }
}

/* Transposed a, tile by tile: [tile][k][rows of the tile]. */
static void pack_a(const gemm *g, block *w, float *to)
{
    int64_t rows = w->m1 - w->m0, tiles = (rows + g->ops->rows - 1) / g->ops->rows;
    if (rows > 0) g->ops->pack_tiles(to, w->a + w->m0 + w->k0 * g->a_step, g->a_step, rows, tiles, w->k1 - w->k0);
    w->packed_a = to;
}

/* Both operands run along the sum (b transposed): dot products need nothing packed. */
static void run_dot(const gemm *g, const block *w)
{
    gr__dot t = {.a = w->a + w->m0 * g->k, .lda = g->k, .ldb = g->k, .ldc = g->n, .k = g->k, .relu = g->relu};
    for (int64_t n = w->n0; n < w->n1; n += GR__DOT_COLUMNS) {
        t.columns = GR_MIN(w->n1 - n, GR__DOT_COLUMNS);
        t.b = w->b + n * g->k;
        t.bias = g->bias ? w->bias + n : NULL;
        t.out = w->c + w->m0 * g->n + n;
        g->ops->dot(&t, w->m1 - w->m0);
    }
}

static void pack_panel(const gemm *g, float *to, int64_t width, const float *b, int64_t columns, int64_t k)
{
    (g->transpose_b ? g->ops->pack_columns : g->ops->pack_rows)(to, width, b, g->ldb, columns, k);
}

/* Where the panel that begins at column n stands in a matrix packed as a whole: [block of k][panel][k][its width]. */
static int64_t panel_at(const gemm *g, int64_t n, int64_t k0, int64_t k1)
{
    return k0 * gr__packed_columns(g->ops, g->n) + n * (k1 - k0);
}

/* Likewise the tiles of the shard that begins at row m: [block of k][shard's tiles]. */
static int64_t rows_at(const gemm *g, int64_t m, int64_t k0, int64_t k1)
{
    return k0 * g->m + m * (k1 - k0);
}

static void run_block(const gemm *g, block *w)
{
    if (g->dot) {
        run_dot(g, w);
        return;
    }
    const gr__tile_ops *ops = g->ops;
    for (int64_t kb = 0; kb < g->k_blocks; kb++) {
        w->k0 = gr__cut(g->k, kb, g->k_blocks);
        w->k1 = gr__cut(g->k, kb + 1, g->k_blocks);
        if (w->whole_a)
            w->packed_a = w->whole_a + rows_at(g, w->m0, w->k0, w->k1);
        else if (g->pack_a)
            pack_a(g, w, w->block_a);
        for (int64_t n = w->n0, columns = 0; n < w->n1; n += columns) {
            gr__tile_kind kind = gr__panel_kind(ops, w->n1 - n, g->pack_b || g->whole_b, &columns);
            const float *b = g->transpose_b ? w->b + n * g->ldb + w->k0 : w->b + w->k0 * g->ldb + n;
            int64_t b_step = g->ldb;
            if (w->whole_b) {
                b_step = kind == GR__TILE_WIDE ? ops->wide : ops->lane;
                b = w->whole_b + panel_at(g, n, w->k0, w->k1);
            } else if (g->pack_b) {
                b_step = kind == GR__TILE_WIDE ? ops->wide : ops->lane;
                pack_panel(g, w->packed_b, b_step, b, columns, w->k1 - w->k0);
                b = w->packed_b;
            }
            run_panel(g, w, b, b_step, kind, n, columns);
        }
    }
}

/* ---- packing once ---- */

static int64_t packed_floats(const gemm *g)
{
    return g->k * gr__packed_columns(g->ops, g->n);
}

/* Into how many parts of whole panels the columns of b are cut for packing. */
static int64_t panel_parts(const gemm *g)
{
    int64_t panels = (g->n + g->ops->wide - 1) / g->ops->wide;
    return GR_MAX(GR_MIN(panels, PACKING_PARTS / g->k_blocks), 1);
}

/* A shard is a block of k and a part of the panels of an item of the batch. */
static void pack_whole_b(const gr_kernel *kernel, const gr_call *call, int shard)
{
    const gemm *g = (const gemm *)kernel;
    int64_t parts = panel_parts(g), panels = (g->n + g->ops->wide - 1) / g->ops->wide, part = shard % parts,
            kb = shard / parts % g->k_blocks, item = shard / parts / g->k_blocks, k0 = gr__cut(g->k, kb, g->k_blocks),
            k1 = gr__cut(g->k, kb + 1, g->k_blocks),
            end = GR_MIN(gr__cut(panels, part + 1, parts) * g->ops->wide, g->n);
    const float *b = (const float *)call->operand[1] + item * g->b_batch;
    float *to = (float *)call->shared + item * packed_floats(g);
    for (int64_t n = gr__cut(panels, part, parts) * g->ops->wide, columns = 0; n < end; n += columns) {
        gr__tile_kind kind = gr__panel_kind(g->ops, end - n, true, &columns);
        pack_panel(g, to + panel_at(g, n, k0, k1), kind == GR__TILE_WIDE ? g->ops->wide : g->ops->lane,
                   g->transpose_b ? b + n * g->ldb + k0 : b + k0 * g->ldb + n, columns, k1 - k0);
    }
}

/* A shard is a block of k and the rows of one shard of the product. */
static void pack_whole_a(const gr_kernel *kernel, const gr_call *call, int shard)
{
    const gemm *g = (const gemm *)kernel;
    int64_t im = shard % g->m_shards, kb = shard / g->m_shards;
    block w = {.a = call->operand[0],
               .m0 = gr__cut(g->m, im, g->m_shards),
               .m1 = gr__cut(g->m, im + 1, g->m_shards),
               .k0 = gr__cut(g->k, kb, g->k_blocks),
               .k1 = gr__cut(g->k, kb + 1, g->k_blocks)};
    pack_a(g, &w, (float *)((char *)call->shared + g->whole_bytes) + rows_at(g, w.m0, w.k0, w.k1));
}

static void add_phase(gr_kernel *kernel, void (*run)(const gr_kernel *, const gr_call *, int), int64_t shards,
                      double cost_ns)
{
    kernel->phase[kernel->n_phases].run = run;
    kernel->phase[kernel->n_phases].n_shards = (int)shards;
    kernel->phase[kernel->n_phases++].cost_ns = cost_ns;
}

static void add_packing(gemm *g)
{
    int64_t items = g->b_batch ? g->batch : 1, floats_b = g->whole_b ? items * packed_floats(g) : 0,
            floats_a = g->whole_a ? g->m * g->k : 0;
    g->whole_bytes = gr__align64((size_t)floats_b * 4);
    g->kernel.shared_bytes = g->whole_bytes + gr__align64((size_t)floats_a * 4);
    g->kernel.n_lasting = g->lasting;
    if (g->whole_b && !g->lasting) {
        g->kernel.packs.operand = 1;
        memcpy(g->kernel.packs.form, (int64_t[]){1 + g->transpose_b + 2 * g->ops->wide, g->k, g->n, g->ldb},
               sizeof g->kernel.packs.form);
    }
    if (g->whole_b) add_phase(&g->kernel, pack_whole_b, items * g->k_blocks * panel_parts(g), 0.5 * (double)floats_b);
    if (g->whole_a) add_phase(&g->kernel, pack_whole_a, g->k_blocks * g->m_shards, 0.5 * (double)floats_a);
}

/* ---- skipping zeros ---- */

static int64_t words(const gemm *g)
{
    return (g->k + GR__ZEROS_TERMS - 1) / GR__ZEROS_TERMS;
}

static void find_zeros(const gr_kernel *kernel, const gr_call *call, int shard)
{
    const gemm *g = (const gemm *)kernel;
    zeros *z = call->shared;
    (void)shard;
    z->others = g->zeros->find(call->operand[0], g->a_row, g->a_step, g->m, g->k, z->mask, words(g));
}

static void add_search(gemm *g)
{
    g->kernel.shared_bytes = gr__align64(sizeof(zeros) + (size_t)(g->m * words(g)) * sizeof(uint64_t));
    add_phase(&g->kernel, find_zeros, 1, 20 + 0.15 * (double)g->m * (double)g->k);
    size_t panel = gr__align64((size_t)(g->zeros->vectors * g->ops->lane * GR__ZEROS_TERMS) * 4);
    g->b_bytes = GR_MAX(g->b_bytes, panel);
}

/* A row by itself costs a little more a term than a tile does. */
static bool has_many_zeros(const gemm *g, const zeros *z)
{
    return 5 * z->others < 4 * g->m * g->k;
}

static void run_zeros(const gemm *g, const block *w, const zeros *z)
{
    int64_t lane = g->ops->lane, vectors = (w->n1 - w->n0 + lane - 1) / lane,
            panels = (vectors + g->zeros->vectors - 1) / g->zeros->vectors;
    for (int64_t p = 0; p < panels; p++) {
        int64_t n = w->n0 + gr__cut(vectors, p, panels) * lane,
                end = GR_MIN(w->n0 + gr__cut(vectors, p + 1, panels) * lane, w->n1);
        int64_t wide = (end - n + lane - 1) / lane;
        for (int64_t k = 0; k < g->k; k += GR__ZEROS_TERMS) {
            int64_t terms = GR_MIN(g->k - k, GR__ZEROS_TERMS);
            bool finite = g->zeros->pack(w->packed_b, wide * lane, w->b + k * g->ldb + n, g->ldb, end - n, terms);
            g->zeros->rows[wide](&(gr__zeros){.a = w->a + w->m0 * g->a_row + k * g->a_step,
                                              .a_row = g->a_row,
                                              .a_step = g->a_step,
                                              .b = w->packed_b,
                                              .b_step = wide * lane,
                                              .out = w->c + w->m0 * g->n + n,
                                              .out_row = g->n,
                                              .mask = z->mask + w->m0 * words(g) + k / GR__ZEROS_TERMS,
                                              .mask_row = words(g),
                                              .rows = w->m1 - w->m0,
                                              .columns = end - n,
                                              .all = finite ? 0 : UINT64_MAX >> (GR__ZEROS_TERMS - terms),
                                              .accumulate = k > 0});
        }
    }
}

/* ---- running ---- */

static void run(const gr_kernel *kernel, const gr_call *call, int shard)
{
    const gemm *g = (const gemm *)kernel;
    block w = {
        .bias = g->bias ? call->operand[2] : NULL,
        .m1 = g->m,
        .n1 = g->n,
        .packed_b = call->scratch,
        .block_a = g->pack_a && !g->whole_a ? (float *)((char *)call->scratch + g->b_bytes) : NULL,
        .whole_a = g->whole_a ? (const float *)((char *)call->shared + g->whole_bytes) : NULL,
    };
    int64_t item = 0, end = g->batch;
    if (g->batch_shards * g->m_shards * g->n_shards > 1) {
        int64_t units = (g->n + g->unit - 1) / g->unit;
        int64_t in = shard % g->n_shards, im = shard / g->n_shards % g->m_shards,
                ib = shard / g->n_shards / g->m_shards;
        w.m0 = gr__cut(g->m, im, g->m_shards);
        w.m1 = gr__cut(g->m, im + 1, g->m_shards);
        w.n0 = gr__cut(units, in, g->n_shards) * g->unit;
        w.n1 = GR_MIN(gr__cut(units, in + 1, g->n_shards) * g->unit, g->n);
        item = gr__cut(g->batch, ib, g->batch_shards);
        end = gr__cut(g->batch, ib + 1, g->batch_shards);
    }
    for (; item < end; item++) {
        w.a = (const float *)call->operand[0] + item * g->a_batch;
        w.b = (const float *)call->operand[1] + item * g->b_batch;
        w.c = (float *)call->operand[g->bias ? 3 : 2] + item * g->m * g->n;
        if (g->whole_b) w.whole_b = (const float *)call->shared + (g->b_batch ? item : 0) * packed_floats(g);
        if (g->zeros && has_many_zeros(g, call->shared))
            run_zeros(g, &w, call->shared);
        else
            run_block(g, &w);
    }
}

/* Some columns, of a b that was packed once a loop. */
static void run_part(const gr_kernel *kernel, const gr_call *call, int part)
{
    const gemm *g = (const gemm *)kernel;
    int64_t columns = g->n / kernel->part.n;
    block w = {.a = call->operand[0],
               .b = call->operand[1],
               .bias = g->bias ? call->operand[2] : NULL,
               .c = call->operand[g->bias ? 3 : 2],
               .m1 = g->m,
               .n0 = part * columns,
               .n1 = (part + 1) * columns,
               .whole_b = call->shared};
    run_block(g, &w);
}

/* Parts are as wide as what regions take in one go. */
static void add_parts(gemm *g)
{
    int64_t columns = 8 * g->ops->lane;
    if (!g->lasting || g->batch > 1 || g->pack_a || g->n % columns != 0 || g->n / columns > INT_MAX) return;
    g->kernel.part.run = run_part;
    g->kernel.part.n = (int)(g->n / columns);
}

static void destroy(gr_context *ctx, gr_kernel *kernel)
{
    gr__free(ctx, kernel, sizeof(gemm));
}

/* Is an operand packed for all shards at once rather than by each of those that use it? */
static bool is_worth_packing(const gemm *g, int64_t users, int64_t floats)
{
    return users > 1 && floats > 0 && g->batch == 1 && g->zeros == NULL && floats <= MOST_PACKED;
}

/* Rows are cut first where all shards then read one packed b, which has whole panels; else columns, so that no panel
 * is packed twice. */
static bool is_cut_by_rows(const gemm *g, int64_t shards)
{
    return !g->dot && g->m >= g->n && g->m >= 4 * g->ops->rows * shards &&
           is_worth_packing(g, shards, packed_floats(g));
}

/* Cuts the work. Columns are cut, if need be, into halves of panels; blocks of rows are bounded so that a block of a
 * stays in the second cache. */
static void cut(gemm *g, int shards)
{
    const gr__tile_ops *ops = g->ops;
    g->batch_shards = GR_MAX(GR_MIN(g->batch, shards), 1);
    int64_t rest = (shards + g->batch_shards - 1) / g->batch_shards;
    bool by_rows = is_cut_by_rows(g, rest);
    g->unit = g->lasting || by_rows || g->n >= ops->wide * rest || !g->transpose_b ? ops->wide : ops->lane;
    int64_t panel = g->zeros ? g->zeros->vectors * ops->lane : g->unit; /* no shard should be narrower */
    int64_t units = GR_MAX(GR_MIN((g->n + g->unit - 1) / g->unit, g->n / panel), 1),
            tiles = GR_MAX((g->m + ops->rows - 1) / ops->rows, 1);
    if (!by_rows && (g->zeros || g->transpose_b || g->n >= g->m)) {
        g->n_shards = GR_MIN(rest, units);
        g->m_shards = (g->zeros || (g->transpose_b && !g->dot)) && g->m < 256
                          ? 1
                          : GR_MIN((rest + g->n_shards - 1) / g->n_shards, tiles);
    } else {
        g->m_shards = GR_MIN(rest, tiles);
        g->n_shards = GR_MIN((rest + g->m_shards - 1) / g->m_shards, units);
    }
    if (!g->dot) g->m_shards = GR_MAX(g->m_shards, (g->m + 479) / 480);
}

/* Few elements of a, used often: looking at them costs nothing beside the product. */
static bool may_skip_zeros(const gemm *g, const gr__contraction *c, const gr__zeros_ops *ops)
{
    bool plain = !c->mm.transpose_b && !c->bias && !c->relu && g->batch == 1 && g->k_blocks == 1;
    return plain && g->m >= 8 && g->k >= 16 && g->m * g->k <= MOST_SEARCHED && g->n >= 2 * ops->vectors * g->ops->lane;
}

/* Are dot products cheaper? In multiply-adds of a vector: each result costs about four to add up its lanes, while
 * packing b costs about half of one an element. */
static bool prefer_dot(const gemm *g, const gr__contraction *c)
{
    const gr__tile_ops *ops = g->ops;
    if (!c->mm.transpose_b || c->mm.transpose_a) return false;
    double m = (double)g->m, n = (double)g->n, k = (double)g->k;
    double dots = m * (double)((g->n + 3) / 4 * 4) * (double)gr__packed_columns(ops, g->k) / ops->lane + 4 * m * n;
    double tiles =
        k * gr__tile_cost(ops, g->m, g->n, true) / ops->lane + 0.4 * k * (double)gr__packed_columns(ops, g->n);
    return dots < tiles;
}

/* What is multiplied, and how: sizes, strides, which of the loops. */
static void take(gemm *g, const gr__contraction *c, gr__isa isa)
{
    g->ops = gr__tile_ops_get(isa);
    g->batch = c->mm.batch;
    g->m = c->mm.m;
    g->n = c->mm.n;
    g->k = c->mm.k;
    if (c->mm.broadcast_b && !c->mm.broadcast_a && !c->mm.transpose_a) { /* one tall product */
        g->m *= g->batch;
        g->batch = 1;
    }
    g->a_batch = c->mm.broadcast_a ? 0 : g->m * g->k;
    g->b_batch = c->mm.broadcast_b ? 0 : g->k * g->n;
    g->a_row = c->mm.transpose_a ? 1 : g->k;
    g->a_step = c->mm.transpose_a ? g->m : 1;
    g->ldb = c->mm.transpose_b ? g->k : g->n;
    g->transpose_b = c->mm.transpose_b;
    g->bias = c->bias;
    g->relu = c->relu;
    g->k_blocks = g->k > 768 ? (g->k + 511) / 512 : 1;
    g->lasting = c->mm.lasting_b && g->batch * g->k * g->n > 0;
    g->dot = !g->lasting && prefer_dot(g, c);
    g->zeros = !g->lasting && may_skip_zeros(g, c, gr__zeros_ops_get(isa)) ? gr__zeros_ops_get(isa) : NULL;
}

/* Which operands are packed, by whom, and the scratch that this takes. */
static void choose_packing(gemm *g, bool transpose_a)
{
    const gr__tile_ops *ops = g->ops;
    int64_t block_m = (g->m + g->m_shards - 1) / g->m_shards, block_n = (g->n + g->n_shards - 1) / g->n_shards;
    int64_t block_k = (g->k + g->k_blocks - 1) / g->k_blocks;
    bool pack_b = !g->dot && (g->transpose_b || (block_m >= 4 * ops->rows && g->n > ops->wide));
    bool pack_a = transpose_a && g->k >= 128;
    g->whole_b = g->lasting || (pack_b && g->unit == ops->wide && is_worth_packing(g, g->m_shards, packed_floats(g)));
    g->whole_a = pack_a && g->n >= 4 * ops->wide && is_worth_packing(g, g->n_shards, g->m * g->k);
    g->pack_b = pack_b && !g->whole_b;
    g->pack_a = g->whole_a || (pack_a && block_n >= 4 * ops->wide);
    g->b_bytes =
        g->pack_b ? gr__align64((size_t)block_k * (size_t)GR_MIN(gr__packed_columns(ops, g->n), ops->wide) * 4) : 0;
    g->a_bytes = g->pack_a && !g->whole_a ? gr__align64((size_t)block_m * (size_t)block_k * 4) : 0;
}

/* All of the kernel; nothing is allocated. */
static void lay_out(gemm *g, const gr__contraction *c, gr__isa isa)
{
    static const char *const names[3][GR__ISA_COUNT] = {
        {"matmul", "matmul 6x16", "matmul 12x32"},
        {"matmul, dot", "matmul, dot 3x4", "matmul, dot 6x4"},
        {"matmul, zeros", "matmul 6x16, zeros 1x96", "matmul 12x32, zeros 1x128"}};
    take(g, c, isa);
    const gr__tile_ops *ops = g->ops;
    double madds = (double)g->batch * (double)g->k * gr__tile_cost(ops, g->m, g->n, g->transpose_b);
    double bytes = 4.0 * (double)g->batch *
                   ((double)g->m * (double)g->k + (double)g->k * (double)g->n + (double)g->m * (double)g->n);
    double cost = gr__contract_cost(ops, madds, bytes);
    cut(g, gr__contract_shards(cost));

    choose_packing(g, c->mm.transpose_a);
    gr_kernel *kernel = &g->kernel;
    kernel->name = names[g->zeros ? 2 : g->dot][isa];
    if (g->zeros) add_search(g);
    if (g->whole_a || g->whole_b) add_packing(g);
    add_phase(kernel, run, g->batch_shards * g->m_shards * g->n_shards, cost);
    add_parts(g);
    kernel->scratch_bytes = g->b_bytes + g->a_bytes;
    kernel->n_operands = c->bias ? 4 : 3;
    kernel->destroy = destroy;
}

static double cost_of(const gr__contraction *c, gr__isa isa)
{
    if (c->kind != GR__MATMUL) return INFINITY;
    gemm g = {.ops = NULL};
    lay_out(&g, c, isa);
    return gr__kernel_cost(&g.kernel);
}

static gr_status make(gr_context *ctx, const gr__contraction *c, gr__isa isa, gr_kernel **out)
{
    gemm *g = gr__alloc(ctx, sizeof *g);
    if (g == NULL) return gr__error_code(ctx);
    lay_out(g, c, isa);
    *out = &g->kernel;
    return GR_OK;
}

GR_PROVIDER(gemm) = {.name = "matmul", .cost = cost_of, .make = make}; /* all of MATMUL */
