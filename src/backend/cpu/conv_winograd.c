/* Winograd convolution, forward and gradient of the data (the same with filters turned round and channels exchanged).
 *
 * Phase 0 transforms the filters into panels of each position; phase 1 takes blocks of tiles: transforms their pixels,
 * multiplies a position at a time, transforms back with bias and ReLU. */
#include "backend/cpu/conv_winograd.h"

#include <math.h>

typedef struct winograd {
    gr_kernel kernel;
    const gr__tile_ops *ops;
    const gr__winograd_ops *transforms;
    gr__winograd_grid grid;
    bool data, bias, relu;
    int64_t in, columns, out_h, out_w;
    int64_t packed; /* floats of a position's filters */
    int64_t v_pitch, m_pitch;
    size_t v_bytes; /* of scratch, after the gathered picture; products follow */
} winograd;

/* *_FILTER: multiply-adds' worth of time to transform an element of a position's filters, for forward with its
 * transposition. */
enum { CHUNK = 16, CACHE_FLOATS = 150000, DATA_FILTER = 12, FORWARD_FILTER = 28 };

gr_status gr__winograd_grid_make(gr_context *ctx, gr__winograd w, const int64_t picture[4], int64_t out_h,
                                 int64_t out_w, int64_t pad_h, int64_t pad_w, gr__winograd_grid *g)
{
    g->winograd = w;
    g->m = gr__winograd_m(w);
    g->r = gr__winograd_r(w);
    g->alpha = g->m + g->r - 1;
    g->positions = g->alpha * g->alpha;
    g->pad_h = pad_h;
    g->pad_w = pad_w;
    g->gather = (gr__gather){.n = picture[0],
                             .h = picture[1],
                             .w = picture[2],
                             .pitch = picture[3],
                             .channels = picture[3],
                             .gh = (out_h + g->m - 1) / g->m,
                             .gw = (out_w + g->m - 1) / g->m,
                             .step_h = g->m,
                             .step_w = g->m};
    gr_status st = gr__gather_alloc(ctx, &g->gather, 2);
    if (st != GR_OK) return st;
    g->gather.taps[0] = (struct gr__tap){-pad_h, -pad_w, 0}; /* only the corners of what is read matter */
    g->gather.taps[1] = (struct gr__tap){g->alpha - 1 - pad_h, g->alpha - 1 - pad_w, 0};
    return GR_OK;
}

void gr__winograd_input(const gr__winograd_grid *g, const gr__winograd_ops *ops, const gr__gather_block *b,
                        int64_t first, int64_t count, int64_t channels, float *dst, int64_t pitch, int64_t stride)
{
    const gr__gather *p = &g->gather;
    const float *corner = b->origin - g->pad_h * p->row - g->pad_w * p->pixel;
    gr__transform t = {.src_row = p->row,
                       .src_column = p->pixel,
                       .dst_row = g->alpha * stride,
                       .dst_column = stride,
                       .channels = channels};
    for (int64_t i = 0; i < count; i++) {
        gr__winograd_place at = gr__winograd_at(g, b, first + i);
        t.src = corner + at.image * p->image + at.i * g->m * p->row + at.j * g->m * p->pixel;
        t.dst = dst + i * pitch;
        ops->transform[g->winograd][GR__WINOGRAD_INPUT](&t);
    }
}

/* ---- phase 0: filters ---- */
/* Columns are output channels: transformed for a chunk of input channels at a time, then transposed. */
static void forward_filters(const winograd *v, const float *w, int64_t first, int64_t columns, int64_t width, float *to,
                            float *scratch)
{
    const gr__winograd_grid *g = &v->grid;
    int64_t taps = g->r * g->r, place = v->ops->wide * CHUNK;
    gr__transform t = {.src_row = g->r * v->in, .src_column = v->in, .dst_row = g->alpha * place, .dst_column = place};
    for (int64_t c = 0; c < v->in; c += CHUNK) {
        t.channels = GR_MIN(CHUNK, v->in - c);
        for (int64_t o = 0; o < columns; o++) {
            t.src = w + (first + o) * taps * v->in + c;
            t.dst = scratch + o * CHUNK;
            v->transforms->transform[g->winograd][GR__WINOGRAD_FILTER](&t);
        }
        for (int64_t p = 0; p < g->positions; p++)
            v->ops->pack_columns(to + p * v->packed + c * width, width, scratch + p * place, CHUNK, columns,
                                 t.channels);
    }
}

/* Columns are input channels, along which filters lie; taps backwards. */
static void data_filters(const winograd *v, const float *w, int64_t first, int64_t columns, int64_t width, float *to)
{
    const gr__winograd_grid *g = &v->grid;
    int64_t taps = g->r * g->r;
    gr__transform t = {.src_row = -g->r * v->columns,
                       .src_column = -v->columns,
                       .dst_row = g->alpha * v->packed,
                       .dst_column = v->packed,
                       .channels = columns};
    for (int64_t o = 0; o < v->in; o++) {
        t.src = w + (o * taps + taps - 1) * v->columns + first;
        t.dst = to + o * width;
        v->transforms->transform[g->winograd][GR__WINOGRAD_FILTER](&t);
    }
}

static void run_filters(const gr_kernel *kernel, const gr_call *call, int shard)
{
    const winograd *v = (const winograd *)kernel;
    const gr__tile_ops *ops = v->ops;
    int64_t panels = (v->columns + ops->wide - 1) / ops->wide,
            end = gr__cut(panels, shard + 1, kernel->phase[0].n_shards);
    for (int64_t p = gr__cut(panels, shard, kernel->phase[0].n_shards); p < end; p++) {
        int64_t first = p * ops->wide, columns;
        int64_t width =
            gr__panel_kind(ops, v->columns - first, true, &columns) == GR__TILE_WIDE ? ops->wide : ops->lane;
        float *to = (float *)call->shared + first * v->in;
        if (v->data)
            data_filters(v, call->operand[1], first, columns, width, to);
        else
            forward_filters(v, call->operand[1], first, columns, width, to, call->scratch);
    }
}

/* ---- phase 1 ---- */
static void multiply(const winograd *v, const float *packed, int64_t count, const float *from, int64_t from_stride,
                     float *to, int64_t to_stride)
{
    const gr__tile_ops *ops = v->ops;
    int64_t rows = (count + ops->rows - 1) / ops->rows;
    gr__segment segment = {0, 0, v->in};
    gr__tile t = {.segment = &segment, .n_segments = 1, .a_step = 1};
    for (int64_t p = 0; p < v->grid.positions; p++, from += from_stride, to += to_stride) {
        const float *filters = packed + p * v->packed;
        for (int64_t first = 0; first < v->columns; first += t.columns) {
            gr__tile_kind kind = gr__panel_kind(ops, v->columns - first, true, &t.columns);
            t.b = filters + first * v->in;
            t.b_step = kind == GR__TILE_WIDE ? ops->wide : ops->lane;
            for (int64_t i = 0; i < rows; i++) {
                int64_t r0 = gr__cut(count, i, rows), n = gr__cut(count, i + 1, rows) - r0;
                for (int64_t r = 0; r < n; r++) {
                    t.row[r] = from + (r0 + r) * v->v_pitch;
                    t.out[r] = to + (r0 + r) * v->m_pitch + first;
                }
                ops->tile[kind][n](&t);
            }
        }
    }
}

static void give_back(const winograd *v, const gr_call *call, const gr__gather_block *b, int64_t first, int64_t count,
                      const float *from, int64_t stride)
{
    const gr__winograd_grid *g = &v->grid;
    float *out = call->operand[v->bias ? 3 : 2];
    gr__transform t = {.src_row = g->alpha * stride,
                       .src_column = stride,
                       .dst_row = v->out_w * v->columns,
                       .dst_column = v->columns,
                       .channels = v->columns,
                       .relu = v->relu,
                       .bias = v->bias ? call->operand[2] : NULL};
    for (int64_t n = 0; n < count; n++) {
        gr__winograd_place at = gr__winograd_at(g, b, first + n);
        int64_t i = (b->row + at.i) * g->m, j = at.j * g->m;
        t.src = from + n * v->m_pitch;
        t.dst = out + (((b->image + at.image) * v->out_h + i) * v->out_w + j) * v->columns;
        t.dst_rows = v->out_h - i;
        t.dst_columns = v->out_w - j;
        v->transforms->transform[g->winograd][GR__WINOGRAD_OUTPUT](&t);
    }
}

static void run(const gr_kernel *kernel, const gr_call *call, int shard)
{
    const winograd *v = (const winograd *)kernel;
    const gr__winograd_grid *g = &v->grid;
    int64_t units = gr__gather_units(&g->gather), n = kernel->phase[1].n_shards, end = gr__cut(units, shard + 1, n);
    float *transformed = (float *)((char *)call->scratch + g->gather.copy_bytes),
          *product = (float *)((char *)transformed + v->v_bytes);
    for (int64_t unit = gr__cut(units, shard, n); unit < end;) {
        gr__gather_block b;
        unit = gr__gather_open(&g->gather, unit, end, call->operand[0], call->scratch, &b);
        int64_t tiles = b.images * b.rows * g->gather.gw, blocks = (tiles + g->block - 1) / g->block;
        for (int64_t i = 0; i < blocks; i++) {
            int64_t first = gr__cut(tiles, i, blocks), count = gr__cut(tiles, i + 1, blocks) - first;
            gr__winograd_input(g, v->transforms, &b, first, count, v->in, transformed, v->v_pitch,
                               g->block * v->v_pitch);
            multiply(v, call->shared, count, transformed, g->block * v->v_pitch, product, g->block * v->m_pitch);
            give_back(v, call, &b, first, count, product, g->block * v->m_pitch);
        }
    }
}

/* ---- making ---- */
static void destroy(gr_context *ctx, gr_kernel *kernel)
{
    winograd *v = (winograd *)kernel;
    if (v == NULL) return;
    gr__gather_free(ctx, &v->grid.gather);
    gr__free(ctx, v, sizeof *v);
}

static bool takes(const gr__contraction *c, gr__winograd w)
{
    int64_t r = gr__winograd_r(w);
    if (c->algorithm == GR_ALGORITHM_DIRECT || (c->algorithm == GR_ALGORITHM_EXACT && w != GR__F2X3)) return false;
    return c->kind != GR__MATMUL && c->conv.groups == 1 && c->conv.stride_h == 1 && c->conv.stride_w == 1 &&
           c->conv.dilation_h == 1 && c->conv.dilation_w == 1 && c->conv.kh == r && c->conv.kw == r && c->conv.n > 0 &&
           c->conv.h > 0 && c->conv.w > 0 && c->conv.c > 0 && c->conv.o > 0 && c->conv.oh > 0 && c->conv.ow > 0;
}

double gr__winograd_cost(const gr__contraction *c, gr__winograd w, gr__isa isa)
{
    if (!takes(c, w)) return INFINITY;
    const gr__tile_ops *ops = gr__tile_ops_get(isa);
    double m = (double)gr__winograd_m(w), alpha = m + (double)gr__winograd_r(w) - 1, positions = alpha * alpha;
    bool data = c->kind == GR__CONV_DATA;
    double tiles = (double)c->conv.n * ceil((double)(data ? c->conv.h : c->conv.oh) / m) *
                   ceil((double)(data ? c->conv.w : c->conv.ow) / m);
    double in = (double)gr__packed_columns(ops, c->conv.c), out = (double)gr__packed_columns(ops, c->conv.o),
           filters = (double)(c->conv.c * c->conv.o);
    /* One transform costs about 9 multiply-adds a position (6 for alpha = 4); tiles' ends and starts cost about 5 steps
     * each. */
    double transforms = tiles * positions * (alpha > 4 ? 9 : 6) * (in + out), products;
    if (c->kind == GR__CONV_WEIGHTS) {
        double block = (double)gr__winograd_block((int64_t)positions, c->conv.c + c->conv.o + 32, 2 * CACHE_FLOATS);
        products = tiles * positions * gr__tile_cost(ops, c->conv.o, c->conv.c, true) *
                   (1 + (4.0 + 6.0) / GR_MIN(block, tiles));
    } else {
        int64_t k = data ? c->conv.o : c->conv.c, columns = data ? c->conv.c : c->conv.o;
        double rows = (double)gr__winograd_block((int64_t)positions, k + columns + 32, CACHE_FLOATS);
        int64_t together = (int64_t)GR_MIN(rows, tiles);
        products = tiles / (double)together * positions * ((double)k + 5) * gr__tile_cost(ops, together, columns, true);
        transforms += filters * positions * (data ? DATA_FILTER : FORWARD_FILTER);
    }
    double pixels =
        (double)c->conv.n * (double)(c->conv.h * c->conv.w * c->conv.c + c->conv.oh * c->conv.ow * c->conv.o);
    return gr__contract_cost(ops, transforms + products, 4 * (pixels + 4 * positions * filters));
}

static void lay_out(winograd *v, double cost)
{
    const gr__tile_ops *ops = v->ops;
    gr__winograd_grid *g = &v->grid;
    gr_kernel *kernel = &v->kernel;
    int shards = (int)GR_MAX(1, GR_MIN((int64_t)gr__contract_shards(cost), gr__winograd_tiles(g) / 24));
    gr__gather_finish(&g->gather, false, gr__winograd_gather_floats(g, 32768, 48), shards);
    v->v_pitch = gr__winograd_pitch(v->in);
    v->m_pitch = gr__winograd_pitch(v->columns);
    g->block = gr__winograd_block(g->positions, v->v_pitch + v->m_pitch, CACHE_FLOATS);
    v->packed = v->in * gr__packed_columns(ops, v->columns);
    v->v_bytes = (size_t)(g->positions * g->block * v->v_pitch) * 4;
    size_t tiles = g->gather.copy_bytes + v->v_bytes + (size_t)(g->positions * g->block * v->m_pitch) * 4;
    size_t filters = v->data ? 0 : (size_t)(g->positions * ops->wide * CHUNK) * 4;
    kernel->scratch_bytes = GR_MAX(tiles, filters);
    kernel->shared_bytes = (size_t)(g->positions * v->packed) * 4;
    double part =
        (double)(v->in * v->columns * g->positions) * (v->data ? DATA_FILTER : FORWARD_FILTER) / ops->peak * 2;
    kernel->n_phases = 2;
    kernel->phase[0].run = run_filters;
    kernel->phase[0].cost_ns = 30 + part;
    kernel->phase[0].n_shards =
        (int)GR_MIN((int64_t)gr__contract_shards(part), (v->columns + ops->wide - 1) / ops->wide);
    kernel->phase[1].run = run;
    kernel->phase[1].cost_ns = GR_MAX(cost - part, 40);
    kernel->phase[1].n_shards = (int)GR_MIN((int64_t)shards, gr__gather_units(&g->gather));
}

gr_status gr__winograd_make(gr_context *ctx, const gr__contraction *c, gr__winograd w, gr__isa isa, gr_kernel **out)
{
    static const char *const names[2][GR__WINOGRADS] = {
        {"conv forward, Winograd 2x2 of 3x3", "conv forward, Winograd 4x4 of 3x3", "conv forward, Winograd 2x2 of 5x5"},
        {"conv data, Winograd 2x2 of 3x3", "conv data, Winograd 4x4 of 3x3", "conv data, Winograd 2x2 of 5x5"},
    };
    winograd *v = gr__alloc(ctx, sizeof *v);
    if (v == NULL) return gr__error_code(ctx);
    v->ops = gr__tile_ops_get(isa);
    v->transforms = gr__winograd_ops_get(isa);
    v->data = c->kind == GR__CONV_DATA;
    v->bias = !v->data && c->bias;
    v->relu = !v->data && c->relu;
    v->in = v->data ? c->conv.o : c->conv.c;
    v->columns = v->data ? c->conv.c : c->conv.o;
    v->out_h = v->data ? c->conv.h : c->conv.oh;
    v->out_w = v->data ? c->conv.w : c->conv.ow;
    int64_t r = gr__winograd_r(w);
    const int64_t x[4] = {c->conv.n, c->conv.h, c->conv.w, c->conv.c},
                  dy[4] = {c->conv.n, c->conv.oh, c->conv.ow, c->conv.o};
    gr_status st = gr__winograd_grid_make(ctx, w, v->data ? dy : x, v->out_h, v->out_w,
                                          v->data ? r - 1 - c->conv.pad_h : c->conv.pad_h,
                                          v->data ? r - 1 - c->conv.pad_w : c->conv.pad_w, &v->grid);
    if (st != GR_OK) {
        destroy(ctx, &v->kernel);
        return st;
    }
    lay_out(v, gr__winograd_cost(c, w, isa));
    v->kernel.name = names[v->data][w];
    v->kernel.n_operands = v->bias ? 4 : 3;
    v->kernel.destroy = destroy;
    *out = &v->kernel;
    return GR_OK;
}

#define BOUND(w)                                                                                                   \
    static double cost_##w(const gr__contraction *c, gr__isa isa)                                                  \
    {                                                                                                              \
        return gr__winograd_cost(c, w, isa);                                                                       \
    }                                                                                                              \
    static gr_status make_##w(gr_context *ctx, const gr__contraction *c, gr__isa isa, gr_kernel **out)             \
    {                                                                                                              \
        return (c->kind == GR__CONV_WEIGHTS ? gr__winograd_weights_make : gr__winograd_make)(ctx, c, w, isa, out); \
    }
BOUND(GR__F2X3)
BOUND(GR__F4X3)
BOUND(GR__F2X5)

GR_PROVIDER(winograd_f2x3) = {
    .name = "Winograd 2x2 of 3x3", .cost = cost_GR__F2X3, .make = make_GR__F2X3, .more = true};
GR_PROVIDER(winograd_f4x3) = {
    .name = "Winograd 4x4 of 3x3", .cost = cost_GR__F4X3, .make = make_GR__F4X3, .more = true};
GR_PROVIDER(winograd_f2x5) = {
    .name = "Winograd 2x2 of 5x5", .cost = cost_GR__F2X5, .make = make_GR__F2X5, .more = true};
