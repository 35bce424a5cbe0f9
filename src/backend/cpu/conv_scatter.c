/* The gradient of a convolution's data for few input channels: each output pixel's contribution dy[O] w[O, KH KW C] is
 * a row of a plain product with full vectors; its kernel rows are added to a padded picture in scratch, which is cut to
 * size at the end. Gathering would leave most lanes empty (5x5, 16 to 6 channels: 4 times slower) and also multiply the
 * border's zeros. */
#include "backend/cpu/contract_provider.h"

#include <math.h>
#include <string.h>

typedef struct scatter {
    gr_kernel kernel;
    const gr__tile_ops *ops;
    int64_t n, h, w, c, o, oh, ow, k; /* k: KH KW C */
    int64_t kh, kw, step_h, step_w, dilation_h, dilation_w, pad_h, pad_w;
    int64_t rows, row;    /* of the padded picture: rows, floats a row */
    int64_t runs, run;    /* runs of a kernel row: one if its taps lie side by side, else one a tap; floats each */
    size_t picture_bytes; /* of scratch; a tile's products follow */
} scatter;

static void products(const scatter *s, const float *dy, const float *w, int64_t count, float *to)
{
    const gr__tile_ops *ops = s->ops;
    gr__segment segment = {0, 0, s->o};
    gr__tile t = {.segment = &segment, .n_segments = 1, .a_step = 1, .b_step = s->k};
    for (int64_t r = 0; r < count; r++) t.row[r] = dy + r * s->o;
    for (int64_t k = 0; k < s->k; k += t.columns) {
        gr__tile_kind kind = gr__panel_kind(ops, s->k - k, false, &t.columns);
        t.b = w + k;
        for (int64_t r = 0; r < count; r++) t.out[r] = to + r * s->k + k;
        ops->tile[kind][count](&t);
    }
}

/* Neighbours' kernel rows overlap, and a load that overlaps a store just made waits for it: every `apart`-th pixel, all
 * kernel rows, then the next ones. */
static void add_rows(const scatter *s, float *picture, const float *tile, int64_t count)
{
    int64_t pixel = s->step_w * s->c, apart = GR_MIN((s->run + pixel - 1) / pixel, count);
    for (int64_t p = 0; p < apart; p++)
        for (int64_t kh = 0; kh < s->kh; kh++)
            for (int64_t run = 0; run < s->runs; run++)
                s->ops->add(picture + kh * s->dilation_h * s->row + p * pixel + run * s->dilation_w * s->c,
                            apart * pixel, tile + p * s->k + (kh * s->runs + run) * s->run, apart * s->k,
                            (count - p + apart - 1) / apart, s->run);
}

static void run_image(const scatter *s, const float *dy, const float *w, float *dx, float *picture, float *tile)
{
    memset(picture, 0, (size_t)(s->rows * s->row) * 4);
    for (int64_t i = 0; i < s->oh; i++) {
        int64_t tiles = (s->ow + s->ops->rows - 1) / s->ops->rows;
        for (int64_t q = 0; q < tiles; q++) {
            int64_t first = gr__cut(s->ow, q, tiles), count = gr__cut(s->ow, q + 1, tiles) - first;
            products(s, dy + (i * s->ow + first) * s->o, w, count, tile);
            add_rows(s, picture + i * s->step_h * s->row + first * s->step_w * s->c, tile, count);
        }
    }
    /* Rows and pixels that no output reads stay zero. */
    int64_t first = GR_MIN(GR_MAX(-s->pad_w, 0), s->w), pixels = s->row / s->c, skip = GR_MAX(s->pad_w, 0);
    int64_t count = GR_MAX(GR_MIN(pixels - skip, s->w - first), 0);
    for (int64_t i = 0; i < s->h; i++, dx += s->w * s->c) {
        const float *row = picture + (i + s->pad_h) * s->row + skip * s->c;
        bool read = i + s->pad_h >= 0 && i + s->pad_h < s->rows && count > 0;
        memset(dx, 0, (size_t)((read ? first : s->w) * s->c) * 4);
        if (!read) continue;
        memcpy(dx + first * s->c, row, (size_t)(count * s->c) * 4);
        memset(dx + (first + count) * s->c, 0, (size_t)((s->w - first - count) * s->c) * 4);
    }
}

static void run(const gr_kernel *kernel, const gr_call *call, int shard)
{
    const scatter *s = (const scatter *)kernel;
    int64_t end = gr__cut(s->n, shard + 1, kernel->phase[0].n_shards);
    for (int64_t i = gr__cut(s->n, shard, kernel->phase[0].n_shards); i < end; i++)
        run_image(s, (const float *)call->operand[0] + i * s->oh * s->ow * s->o, call->operand[1],
                  (float *)call->operand[2] + i * s->h * s->w * s->c, call->scratch,
                  (float *)((char *)call->scratch + s->picture_bytes));
}

static void destroy(gr_context *ctx, gr_kernel *kernel)
{
    gr__free(ctx, kernel, sizeof(scatter));
}

/* Filters that no tile leaves in the first cache are read for each tile again, at some times memory's speed: with 256 x
 * 1024 channels and more the direct kernel takes 0.6 to 0.95 of the time. */
enum { FIRST_CACHE = 32 << 10, FASTER = 8 };

static double cost_of(const gr__contraction *c, gr__isa isa)
{
    const gr__tile_ops *ops = gr__tile_ops_get(isa);
    int64_t k = c->conv.kh * c->conv.kw * c->conv.c;
    if (c->kind != GR__CONV_DATA || c->conv.groups != 1 || k == 0 || c->conv.o == 0 || c->conv.oh == 0 ||
        c->conv.ow == 0)
        return INFINITY;
    double pixels = (double)c->conv.n * (double)c->conv.oh * (double)c->conv.ow;
    int64_t run = c->conv.dilation_w == 1 ? c->conv.kw * c->conv.c : c->conv.c;
    double adds = (double)(k / run) * (2.0 * (double)gr__packed_columns(ops, run) + 4.0 * ops->lane);
    double bytes = 4 * (pixels * (double)c->conv.o + (double)c->conv.n * (double)(c->conv.h * c->conv.w * c->conv.c));
    int64_t tiles = (c->conv.ow + ops->rows - 1) / ops->rows;
    double filters = 4 * (double)k * (double)c->conv.o;
    if (filters > FIRST_CACHE) bytes += (double)(c->conv.n * c->conv.oh * tiles) * filters / FASTER;
    double row = gr__tile_cost(ops, (c->conv.ow + tiles - 1) / tiles, k, false) * (double)tiles;
    return gr__contract_cost(ops, pixels * (row / (double)c->conv.ow * (double)c->conv.o + adds), bytes);
}

static gr_status make(gr_context *ctx, const gr__contraction *c, gr__isa isa, gr_kernel **out)
{
    static const char *const names[GR__ISA_COUNT] = {"conv data, scatter", "conv data, scatter 6x16",
                                                     "conv data, scatter 12x32"};
    scatter *s = gr__alloc(ctx, sizeof *s);
    if (s == NULL) return gr__error_code(ctx);
    s->ops = gr__tile_ops_get(isa);
    s->n = c->conv.n;
    s->h = c->conv.h;
    s->w = c->conv.w;
    s->c = c->conv.c;
    s->o = c->conv.o;
    s->oh = c->conv.oh;
    s->ow = c->conv.ow;
    s->kh = c->conv.kh;
    s->kw = c->conv.kw;
    s->k = s->kh * s->kw * s->c;
    s->step_h = c->conv.stride_h;
    s->step_w = c->conv.stride_w;
    s->dilation_h = c->conv.dilation_h;
    s->dilation_w = c->conv.dilation_w;
    s->pad_h = c->conv.pad_h;
    s->pad_w = c->conv.pad_w;
    s->rows = (s->oh - 1) * s->step_h + (s->kh - 1) * s->dilation_h + 1;
    s->row = ((s->ow - 1) * s->step_w + (s->kw - 1) * s->dilation_w + 1) * s->c;
    s->runs = s->dilation_w == 1 ? 1 : s->kw;
    s->run = s->kw * s->c / s->runs;
    s->picture_bytes = gr__align64((size_t)(s->rows * s->row) * 4);

    gr_kernel *kernel = &s->kernel;
    kernel->name = names[isa];
    kernel->n_phases = 1;
    kernel->phase[0].run = run;
    kernel->phase[0].cost_ns = cost_of(c, isa);
    kernel->phase[0].n_shards = (int)GR_MAX(1, GR_MIN(gr__contract_shards(kernel->phase[0].cost_ns), s->n));
    kernel->scratch_bytes = s->picture_bytes + gr__align64((size_t)(s->ops->rows * s->k) * 4);
    kernel->n_operands = 3;
    kernel->destroy = destroy;
    *out = kernel;
    return GR_OK;
}

/* CONV_DATA of few channels. */
GR_PROVIDER(conv_scatter) = {.name = "conv, scatter", .cost = cost_of, .make = make};
