/* The gradient of a convolution's weights by Winograd: dw = G^T (sum over tiles of (B^T x B) . (A dy A^T)) G.
 *
 * Many tiles, few channels: each shard transforms blocks of tiles of x and dy, and multiplies them; phase 1 adds what
 * shards have. Few tiles, many channels: phase 0 transforms all tiles into shared memory, and shards of phase 1
 * multiply them for some of the channels. Either way, for some tiles of outputs x a panel of inputs all positions'
 * products over the block are formed in a small buffer and transformed back at once, so the products of all channels
 * never exist. */
#include "backend/cpu/conv_winograd.h"

#include <math.h>

typedef struct weights {
    gr_kernel kernel;
    const gr__tile_ops *ops;
    const gr__winograd_ops *transforms;
    gr__winograd_grid grid;
    int64_t c, o, oh, ow;
    int64_t x_pitch, dy_pitch;
    int64_t x_stride, dy_stride; /* from a position to the next */
    int64_t tile_shards, out_shards, in_shards, partial;
    size_t x_bytes, dy_bytes; /* of scratch, after the gathered picture; the buffer of products follows */
} weights;

/* TOGETHER: tiles of output channels, whose products of all positions stay in the second cache. SHARED_BYTES: of all
 * transformed tiles; SHARED_BLOCK of them are multiplied at a time. */
enum { PARTIAL_BYTES = 4 << 20, CACHE_FLOATS = 300000, TOGETHER = 8, SHARED_BYTES = 32 << 20, SHARED_BLOCK = 64 };

static void slopes(const weights *v, const float *dy, const gr__gather_block *b, int64_t first, int64_t count,
                   int64_t o0, int64_t o1, float *to)
{
    const gr__winograd_grid *g = &v->grid;
    gr__transform t = {.src_row = v->ow * v->o,
                       .src_column = v->o,
                       .dst_row = g->alpha * v->dy_stride,
                       .dst_column = v->dy_stride,
                       .channels = o1 - o0};
    for (int64_t n = 0; n < count; n++) {
        gr__winograd_place at = gr__winograd_at(g, b, first + n);
        int64_t i = (b->row + at.i) * g->m, j = at.j * g->m;
        t.src = dy + (((b->image + at.image) * v->oh + i) * v->ow + j) * v->o + o0;
        t.src_rows = v->oh - i;
        t.src_columns = v->ow - j;
        t.dst = to + n * v->dy_pitch;
        v->transforms->transform[g->winograd][GR__WINOGRAD_SLOPES](&t);
    }
}

/* What is multiplied: so many transformed tiles, x from its first channel on and dy from output o0 on. */
typedef struct product {
    int64_t count, o0, o1, c0, c1;
    const float *x, *dy;
    bool accumulate;
} product;

/* Transforms back what the buffer holds: outputs of tiles [i0, i1) from input channel c on. */
static void add_up(const weights *v, const product *m, int64_t i0, int64_t i1, int64_t c, int64_t columns,
                   const float *buffer, float *to)
{
    const gr__winograd_grid *g = &v->grid;
    const gr__tile_ops *ops = v->ops;
    int64_t outputs = m->o1 - m->o0, tiles = (outputs + ops->rows - 1) / ops->rows, place = ops->rows * ops->wide;
    gr__transform back = {.src_row = g->alpha * place,
                          .src_column = place,
                          .dst_row = g->r * v->c,
                          .dst_column = v->c,
                          .channels = columns,
                          .accumulate = m->accumulate};
    for (int64_t i = i0; i < i1; i++, buffer += g->positions * place) {
        int64_t first = gr__cut(outputs, i, tiles), end = gr__cut(outputs, i + 1, tiles);
        for (int64_t o = first; o < end; o++) {
            back.src = buffer + (o - first) * ops->wide;
            back.dst = to + (m->o0 + o) * g->r * g->r * v->c + c;
            v->transforms->transform[g->winograd][GR__WINOGRAD_SUM](&back);
        }
    }
}

/* A position of some tiles of outputs at a time: what is read of it then stays in the first cache. */
static void multiply(const weights *v, const product *m, float *buffer, float *to)
{
    const gr__winograd_grid *g = &v->grid;
    const gr__tile_ops *ops = v->ops;
    int64_t outputs = m->o1 - m->o0, tiles = (outputs + ops->rows - 1) / ops->rows, place = ops->rows * ops->wide;
    gr__segment segment = {0, 0, m->count};
    gr__tile t = {.segment = &segment, .n_segments = 1, .a_step = v->dy_pitch, .b_step = v->x_pitch};
    for (int64_t c = m->c0; c < m->c1; c += t.columns) {
        gr__tile_kind kind = gr__panel_kind(ops, m->c1 - c, true, &t.columns);
        for (int64_t i0 = 0, i1; i0 < tiles; i0 = i1) {
            i1 = GR_MIN(i0 + TOGETHER, tiles);
            for (int64_t p = 0; p < g->positions; p++) {
                t.b = m->x + p * v->x_stride + c;
                for (int64_t i = i0; i < i1; i++) {
                    int64_t first = gr__cut(outputs, i, tiles), rows = gr__cut(outputs, i + 1, tiles) - first;
                    for (int64_t r = 0; r < rows; r++) {
                        t.row[r] = m->dy + p * v->dy_stride + first + r;
                        t.out[r] = buffer + ((i - i0) * g->positions + p) * place + r * ops->wide;
                    }
                    ops->tile[kind][rows](&t);
                }
            }
            add_up(v, m, i0, i1, c, t.columns, buffer, to);
        }
    }
}

/* ---- many tiles ---- */
static void run(const gr_kernel *kernel, const gr_call *call, int shard)
{
    const weights *v = (const weights *)kernel;
    const gr__winograd_grid *g = &v->grid;
    int64_t of_tiles = shard / v->out_shards, of_out = shard % v->out_shards, units = gr__gather_units(&g->gather);
    int64_t end = gr__cut(units, of_tiles + 1, v->tile_shards);
    float *x = (float *)((char *)call->scratch + g->gather.copy_bytes), *dy = (float *)((char *)x + v->x_bytes);
    float *buffer = (float *)((char *)dy + v->dy_bytes);
    float *to = kernel->n_phases == 1 ? call->operand[2] : (float *)call->shared + of_tiles * v->partial;
    product m = {.o0 = gr__cut(v->o, of_out, v->out_shards),
                 .o1 = gr__cut(v->o, of_out + 1, v->out_shards),
                 .c1 = v->c,
                 .x = x,
                 .dy = dy};
    for (int64_t unit = gr__cut(units, of_tiles, v->tile_shards); unit < end;) {
        gr__gather_block b;
        unit = gr__gather_open(&g->gather, unit, end, call->operand[0], call->scratch, &b);
        int64_t tiles = b.images * b.rows * g->gather.gw, blocks = (tiles + g->block - 1) / g->block;
        for (int64_t i = 0; i < blocks; i++) {
            int64_t first = gr__cut(tiles, i, blocks);
            m.count = gr__cut(tiles, i + 1, blocks) - first;
            gr__winograd_input(g, v->transforms, &b, first, m.count, v->c, x, v->x_pitch, v->x_stride);
            slopes(v, call->operand[1], &b, first, m.count, m.o0, m.o1, dy);
            multiply(v, &m, buffer, to);
            m.accumulate = true;
        }
    }
}

/* ---- few tiles ---- */
static void run_transforms(const gr_kernel *kernel, const gr_call *call, int shard)
{
    const weights *v = (const weights *)kernel;
    const gr__winograd_grid *g = &v->grid;
    int64_t units = gr__gather_units(&g->gather), end = gr__cut(units, shard + 1, kernel->phase[0].n_shards);
    float *x = call->shared, *dy = x + g->positions * v->x_stride;
    for (int64_t unit = gr__cut(units, shard, kernel->phase[0].n_shards); unit < end;) {
        gr__gather_block b;
        unit = gr__gather_open(&g->gather, unit, end, call->operand[0], call->scratch, &b);
        int64_t tiles = b.images * b.rows * g->gather.gw, before = (b.image * g->gather.gh + b.row) * g->gather.gw;
        gr__winograd_input(g, v->transforms, &b, 0, tiles, v->c, x + before * v->x_pitch, v->x_pitch, v->x_stride);
        slopes(v, call->operand[1], &b, 0, tiles, 0, v->o, dy + before * v->dy_pitch);
    }
}

static void run_products(const gr_kernel *kernel, const gr_call *call, int shard)
{
    const weights *v = (const weights *)kernel;
    const gr__winograd_grid *g = &v->grid;
    int64_t panels = (v->c + v->ops->wide - 1) / v->ops->wide, tiles = gr__winograd_tiles(g),
            blocks = (tiles + SHARED_BLOCK - 1) / SHARED_BLOCK;
    product m = {.o0 = gr__cut(v->o, shard / v->in_shards, v->out_shards),
                 .o1 = gr__cut(v->o, shard / v->in_shards + 1, v->out_shards),
                 .c0 = gr__cut(panels, shard % v->in_shards, v->in_shards) * v->ops->wide};
    m.c1 = GR_MIN(gr__cut(panels, shard % v->in_shards + 1, v->in_shards) * v->ops->wide, v->c);
    for (int64_t i = 0; i < blocks; i++) {
        int64_t first = gr__cut(tiles, i, blocks);
        m.count = gr__cut(tiles, i + 1, blocks) - first;
        m.x = (const float *)call->shared + first * v->x_pitch;
        m.dy = (const float *)call->shared + g->positions * v->x_stride + first * v->dy_pitch + m.o0;
        multiply(v, &m, call->scratch, call->operand[2]);
        m.accumulate = true;
    }
}

static void run_sum(const gr_kernel *kernel, const gr_call *call, int shard)
{
    const weights *v = (const weights *)kernel;
    int64_t first = gr__cut(v->partial, shard, kernel->phase[1].n_shards),
            end = gr__cut(v->partial, shard + 1, kernel->phase[1].n_shards);
    v->ops->sum((float *)call->operand[2] + first, (const float *)call->shared + first, v->tile_shards, v->partial,
                end - first);
}

static void destroy(gr_context *ctx, gr_kernel *kernel)
{
    weights *v = (weights *)kernel;
    if (v == NULL) return;
    gr__gather_free(ctx, &v->grid.gather);
    gr__free(ctx, v, sizeof *v);
}

static size_t buffer_bytes(const weights *v, int64_t outputs)
{
    int64_t tiles = GR_MIN(TOGETHER, (outputs + v->ops->rows - 1) / v->ops->rows);
    return (size_t)(tiles * v->grid.positions * v->ops->rows * v->ops->wide) * 4;
}

/* Of all tiles, transformed. */
static size_t shared_bytes(const weights *v)
{
    return (size_t)(v->grid.positions * gr__winograd_tiles(&v->grid) * (v->x_pitch + v->dy_pitch)) * 4;
}

static void choose_tile_shards(weights *v, int64_t shards)
{
    gr__winograd_grid *g = &v->grid;
    v->partial = v->o * g->r * g->r * v->c;
    v->tile_shards = GR_MAX(1, GR_MIN(GR_MIN(shards, PARTIAL_BYTES / (v->partial * 4)), gr__winograd_tiles(g) / 48));
    gr__gather_finish(&g->gather, false, gr__winograd_gather_floats(g, 65536, 96), (int)v->tile_shards);
    v->tile_shards = GR_MIN(v->tile_shards, gr__gather_units(&g->gather));
}

static void lay_out_many(weights *v, double cost, int64_t shards)
{
    const gr__tile_ops *ops = v->ops;
    gr__winograd_grid *g = &v->grid;
    gr_kernel *kernel = &v->kernel;
    v->out_shards = GR_MAX(1, GR_MIN(shards / v->tile_shards, (v->o + 2 * ops->rows - 1) / (2 * ops->rows)));
    int64_t outputs = (v->o + v->out_shards - 1) / v->out_shards;
    v->x_pitch = gr__winograd_pitch(v->c);
    v->dy_pitch = gr__winograd_pitch(outputs);
    g->block = gr__winograd_block(g->positions, v->x_pitch + v->dy_pitch, CACHE_FLOATS);
    v->x_stride = g->block * v->x_pitch;
    v->dy_stride = g->block * v->dy_pitch;
    v->x_bytes = (size_t)(g->positions * v->x_stride) * 4;
    v->dy_bytes = (size_t)(g->positions * v->dy_stride) * 4;
    kernel->scratch_bytes = g->gather.copy_bytes + v->x_bytes + v->dy_bytes + buffer_bytes(v, outputs);
    kernel->phase[0].run = run;
    kernel->phase[0].n_shards = (int)(v->tile_shards * v->out_shards);
    kernel->phase[0].cost_ns = cost;
    kernel->n_phases = v->tile_shards > 1 ? 2 : 1;
    if (kernel->n_phases == 1) return;
    kernel->shared_bytes = gr__align64((size_t)(v->partial * v->tile_shards) * 4);
    kernel->phase[1].run = run_sum;
    kernel->phase[1].cost_ns = 30 + (double)(v->partial * v->tile_shards) * 0.15;
    kernel->phase[1].n_shards = (int)GR_MIN((int64_t)gr__contract_shards(kernel->phase[1].cost_ns), v->partial);
}

/* Shards of channels such that all together they read little. */
static void lay_out_few(weights *v, double cost, int64_t shards)
{
    const gr__tile_ops *ops = v->ops;
    gr__winograd_grid *g = &v->grid;
    gr_kernel *kernel = &v->kernel;
    int64_t tiles = gr__winograd_tiles(g), panels = (v->c + ops->wide - 1) / ops->wide;
    v->in_shards = (int64_t)sqrt((double)(shards * v->c) / (double)v->o);
    v->in_shards = GR_MAX(1, GR_MIN(v->in_shards, GR_MIN(shards, panels)));
    v->out_shards = GR_MAX(1, GR_MIN(shards / v->in_shards, (v->o + 2 * ops->rows - 1) / (2 * ops->rows)));
    v->x_stride = tiles * v->x_pitch;
    v->dy_stride = tiles * v->dy_pitch;
    double transforms = 18 * (double)(g->positions * tiles * (v->c + v->o)) / ops->peak;
    kernel->shared_bytes = shared_bytes(v);
    kernel->scratch_bytes = GR_MAX(g->gather.copy_bytes, buffer_bytes(v, (v->o + v->out_shards - 1) / v->out_shards));
    kernel->n_phases = 2;
    kernel->phase[0].run = run_transforms;
    kernel->phase[0].cost_ns = 30 + transforms;
    kernel->phase[0].n_shards = (int)GR_MIN((int64_t)gr__contract_shards(transforms), gr__gather_units(&g->gather));
    kernel->phase[1].run = run_products;
    kernel->phase[1].cost_ns = GR_MAX(cost - transforms, 40);
    kernel->phase[1].n_shards = (int)(v->in_shards * v->out_shards);
}

static void lay_out(weights *v, double cost)
{
    int64_t shards = gr__contract_shards(cost);
    choose_tile_shards(v, shards);
    v->x_pitch = gr__winograd_pitch(v->c);
    v->dy_pitch = gr__winograd_pitch(v->o);
    /* else each of the shards that cut outputs transforms all of x for itself */
    if (PARTIAL_BYTES / (v->partial * 4) * 4 <= shards && shared_bytes(v) <= SHARED_BYTES)
        lay_out_few(v, cost, shards);
    else
        lay_out_many(v, cost, shards);
}

gr_status gr__winograd_weights_make(gr_context *ctx, const gr__contraction *c, gr__winograd w, gr__isa isa,
                                    gr_kernel **out)
{
    static const char *const names[GR__WINOGRADS] = {
        "conv weights, Winograd 2x2 of 3x3", "conv weights, Winograd 4x4 of 3x3", "conv weights, Winograd 2x2 of 5x5"};
    weights *v = gr__alloc(ctx, sizeof *v);
    if (v == NULL) return gr__error_code(ctx);
    v->ops = gr__tile_ops_get(isa);
    v->transforms = gr__winograd_ops_get(isa);
    v->c = c->conv.c;
    v->o = c->conv.o;
    v->oh = c->conv.oh;
    v->ow = c->conv.ow;
    const int64_t x[4] = {c->conv.n, c->conv.h, c->conv.w, c->conv.c};
    gr_status st = gr__winograd_grid_make(ctx, w, x, v->oh, v->ow, c->conv.pad_h, c->conv.pad_w, &v->grid);
    if (st != GR_OK) {
        destroy(ctx, &v->kernel);
        return st;
    }
    lay_out(v, gr__winograd_cost(c, w, isa));
    v->kernel.name = names[w];
    v->kernel.n_operands = 3;
    v->kernel.destroy = destroy;
    *out = &v->kernel;
    return GR_OK;
}
