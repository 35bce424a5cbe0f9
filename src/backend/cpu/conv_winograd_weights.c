/* The gradient of a convolution's weights by Winograd: dw = G^T (sum over tiles of (B^T x B) . (A dy A^T)) G. Each
 * shard transforms blocks of tiles of x and dy; for a tile of output x input channels all positions' products over the
 * block are formed in a small buffer and transformed back at once, so the products of all channels never exist. Shards
 * cut the tiles while partial results stay small, else the output channels; phase 1 adds the partials in index order.
 */
#include "backend/cpu/conv_winograd.h"

#include <math.h>

typedef struct weights {
    gr_kernel kernel;
    const gr__tile_ops *ops;
    const gr__winograd_ops *transforms;
    gr__winograd_grid grid;
    int64_t c, o, oh, ow;
    int64_t x_pitch, dy_pitch;
    int64_t tile_shards, out_shards, partial;
    size_t x_bytes, dy_bytes; /* of scratch, after the gathered picture; the buffer of products follows */
} weights;

/* TOGETHER: tiles of output channels, whose products of all positions stay in the second cache. */
enum { PARTIAL_BYTES = 4 << 20, CACHE_FLOATS = 300000, TOGETHER = 8 };

static void slopes(const weights *v, const float *dy, const gr__gather_block *b, int64_t first, int64_t count,
                   int64_t o0, int64_t o1, float *to)
{
    const gr__winograd_grid *g = &v->grid;
    int64_t stride = g->block * v->dy_pitch;
    gr__transform t = {.src_row = v->ow * v->o,
                       .src_column = v->o,
                       .dst_row = g->alpha * stride,
                       .dst_column = stride,
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

/* The products of a position for output channels [first, end) of a tile and the channels that t has a panel of. */
static void multiply_tile(const weights *v, gr__tile *t, gr__tile_kind kind, const float *dy, int64_t first,
                          int64_t rows, float *to)
{
    for (int64_t r = 0; r < rows; r++) {
        t->row[r] = dy + first + r;
        t->out[r] = to + r * v->ops->wide;
    }
    v->ops->tile[kind][rows](t);
}

/* x, dy: transformed tiles, dy from output channel o0 on. A position of some tiles of outputs at a time: what is read
 * of it then stays in the first cache. */
static void multiply(const weights *v, int64_t count, int64_t o0, int64_t o1, const float *x, const float *dy,
                     float *buffer, float *to, bool accumulate)
{
    const gr__winograd_grid *g = &v->grid;
    const gr__tile_ops *ops = v->ops;
    int64_t tiles = (o1 - o0 + ops->rows - 1) / ops->rows, place = ops->rows * ops->wide, taps = g->r * g->r;
    gr__segment segment = {0, 0, count};
    gr__tile t = {.segment = &segment, .n_segments = 1, .a_step = v->dy_pitch, .b_step = v->x_pitch};
    gr__transform back = {.src_row = g->alpha * place,
                          .src_column = place,
                          .dst_row = g->r * v->c,
                          .dst_column = v->c,
                          .accumulate = accumulate};
    for (int64_t c = 0; c < v->c; c += t.columns) {
        gr__tile_kind kind = gr__panel_kind(ops, v->c - c, true, &t.columns);
        back.channels = t.columns;
        for (int64_t i0 = 0, i1; i0 < tiles; i0 = i1) {
            i1 = GR_MIN(i0 + TOGETHER, tiles);
            for (int64_t p = 0; p < g->positions; p++) {
                t.b = x + p * g->block * v->x_pitch + c;
                for (int64_t i = i0; i < i1; i++) {
                    int64_t first = gr__cut(o1 - o0, i, tiles), rows = gr__cut(o1 - o0, i + 1, tiles) - first;
                    multiply_tile(v, &t, kind, dy + p * g->block * v->dy_pitch, first, rows,
                                  buffer + ((i - i0) * g->positions + p) * place);
                }
            }
            for (int64_t o = gr__cut(o1 - o0, i0, tiles), i = i0, r = 0; i < i1; o++) {
                back.src = buffer + (i - i0) * g->positions * place + r * ops->wide;
                back.dst = to + (o0 + o) * taps * v->c + c;
                v->transforms->transform[g->winograd][GR__WINOGRAD_SUM](&back);
                if (o + 1 < gr__cut(o1 - o0, i + 1, tiles)) {
                    r++;
                } else {
                    i++;
                    r = 0;
                }
            }
        }
    }
}

static void run(const gr_kernel *kernel, const gr_call *call, int shard)
{
    const weights *v = (const weights *)kernel;
    const gr__winograd_grid *g = &v->grid;
    int64_t of_tiles = shard / v->out_shards, of_out = shard % v->out_shards, units = gr__gather_units(&g->gather);
    int64_t o0 = gr__cut(v->o, of_out, v->out_shards), o1 = gr__cut(v->o, of_out + 1, v->out_shards);
    int64_t end = gr__cut(units, of_tiles + 1, v->tile_shards);
    float *x = (float *)((char *)call->scratch + g->gather.copy_bytes), *dy = (float *)((char *)x + v->x_bytes);
    float *buffer = (float *)((char *)dy + v->dy_bytes);
    float *to = kernel->n_phases == 1 ? call->operand[2] : (float *)call->shared + of_tiles * v->partial;
    bool accumulate = false;
    for (int64_t unit = gr__cut(units, of_tiles, v->tile_shards); unit < end;) {
        gr__gather_block b;
        unit = gr__gather_open(&g->gather, unit, end, call->operand[0], call->scratch, &b);
        int64_t tiles = b.images * b.rows * g->gather.gw, blocks = (tiles + g->block - 1) / g->block;
        for (int64_t i = 0; i < blocks; i++) {
            int64_t first = gr__cut(tiles, i, blocks), count = gr__cut(tiles, i + 1, blocks) - first;
            gr__winograd_input(g, v->transforms, &b, first, count, v->c, x, v->x_pitch, g->block * v->x_pitch);
            slopes(v, call->operand[1], &b, first, count, o0, o1, dy);
            multiply(v, count, o0, o1, x, dy, buffer, to, accumulate);
            accumulate = true;
        }
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

static void lay_out(weights *v, double cost)
{
    const gr__tile_ops *ops = v->ops;
    gr__winograd_grid *g = &v->grid;
    gr_kernel *kernel = &v->kernel;
    int64_t shards = gr__contract_shards(cost);
    v->partial = v->o * g->r * g->r * v->c;
    v->tile_shards = GR_MAX(1, GR_MIN(GR_MIN(shards, PARTIAL_BYTES / (v->partial * 4)), gr__winograd_tiles(g) / 48));
    gr__gather_finish(&g->gather, false, gr__winograd_gather_floats(g, 65536, 96), (int)v->tile_shards);
    v->tile_shards = GR_MIN(v->tile_shards, gr__gather_units(&g->gather));
    v->out_shards = GR_MAX(1, GR_MIN(shards / v->tile_shards, (v->o + 2 * ops->rows - 1) / (2 * ops->rows)));
    v->x_pitch = gr__winograd_pitch(v->c);
    v->dy_pitch = gr__winograd_pitch((v->o + v->out_shards - 1) / v->out_shards);
    g->block = gr__winograd_block(g->positions, v->x_pitch + v->dy_pitch, CACHE_FLOATS);
    int64_t together = GR_MIN(TOGETHER, ((v->o + v->out_shards - 1) / v->out_shards + ops->rows - 1) / ops->rows);
    v->x_bytes = (size_t)(g->positions * g->block * v->x_pitch) * 4;
    v->dy_bytes = (size_t)(g->positions * g->block * v->dy_pitch) * 4;
    kernel->scratch_bytes =
        g->gather.copy_bytes + v->x_bytes + v->dy_bytes + (size_t)(together * g->positions * ops->rows * ops->wide) * 4;
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
