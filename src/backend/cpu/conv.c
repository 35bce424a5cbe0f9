/* Convolution forward and the gradient of its data: implicit products over gathered pixels (conv_gather.h).
 *
 * Phase 0 packs the weights into panels [columns/32][k][32], k in the order in which a grid's taps are read; phase 1
 * runs, a block of pixels at a time, all panels over the block's tiles. */
#include <math.h>

#include "backend/cpu/conv_gather.h"

typedef struct grid {
    gr__gather gather;
    int64_t out0, out_row, out_pixel; /* where its outputs stand in an image of the result, in floats */
    int64_t packed, packed_group;     /* floats: its packed weights, and from one group to the next */
    bool streams;                     /* gr__gather_streams */
} grid;

typedef struct conv {
    gr_kernel kernel;
    const gr__tile_ops *ops;
    bool data, bias, relu;
    int64_t groups;       /* products run one by one */
    int64_t in, columns;  /* channels of a group: summed over, and of the result */
    int64_t taps_all;     /* KH * KW: weights are [O][taps_all][C / groups] */
    int64_t out_image;    /* floats an image of the result */
    int n_grids, grids_w; /* one a residue of the strides; of them along w */
    int column_shards;    /* each takes so many of the panels, where there are few pixels to cut */
    grid *grids;
} conv;

/* Of a block: floats of the picture, at least and at most, and outputs; PANEL_FLOATS: what a panel of weights may take
 * of the first cache. */
enum { BLOCK_FLOATS = 32768, MOST_FLOATS = 1 << 18, BLOCK_OUTPUTS = 96, PANEL_FLOATS = 6144 };

static int64_t panels_of(const conv *v)
{
    return (v->columns + v->ops->wide - 1) / v->ops->wide;
}

/* ---- phase 0: weights ---- */
static void pack_panel(const conv *v, const gr_call *call, const grid *g, int64_t group, int64_t panel)
{
    const gr__tile_ops *ops = v->ops;
    const float *w = call->operand[1];
    float *dst = (float *)call->shared + g->packed + group * g->packed_group;
    int64_t taps = g->gather.n_taps;
    int64_t k = taps * v->in, first = panel * ops->wide, columns = 0;
    int64_t width = gr__panel_kind(ops, v->columns - first, true, &columns) == GR__TILE_WIDE ? ops->wide : ops->lane;
    dst += first * k;
    if (!v->data) {
        ops->pack_columns(dst, width, w + (group * v->columns + first) * k, k, columns, k);
        return;
    }
    int64_t ld = v->taps_all * v->columns; /* here columns are C / groups and in is O / groups */
    for (int64_t i = 0; i < taps; i++, dst += v->in * width)
        ops->pack_rows(dst, width, w + group * v->in * ld + g->gather.taps[i].kernel * v->columns + first, ld, columns,
                       v->in);
}

static void run_pack(const gr_kernel *kernel, const gr_call *call, int shard)
{
    const conv *v = (const conv *)kernel;
    int64_t panels = panels_of(v), of_grid = v->groups * panels, all = of_grid * v->n_grids;
    int64_t end = gr__cut(all, shard + 1, kernel->phase[0].n_shards);
    for (int64_t i = gr__cut(all, shard, kernel->phase[0].n_shards); i < end; i++)
        pack_panel(v, call, &v->grids[i / of_grid], i % of_grid / panels, i % panels);
}

/* ---- phase 1 ---- */
/* Walks the outputs of a block: sets the pointers of the tile's rows. */
typedef struct walk {
    int64_t image, i, j;
} walk;

static void place(const grid *g, const gr__gather_block *b, int64_t out_image, float *out, walk *at, gr__tile *t,
                  int64_t count)
{
    const gr__gather *r = &g->gather;
    for (int64_t n = 0; n < count;) {
        const float *row = b->origin + at->image * r->image + at->i * r->step_h * r->row + at->j * r->step_w * r->pixel;
        float *to = out + (b->image + at->image) * out_image + (b->row + at->i) * g->out_row + at->j * g->out_pixel;
        int64_t run = GR_MIN(count - n, r->gw - at->j);
        for (int64_t e = n + run; n < e; n++, row += r->step_w * r->pixel, to += g->out_pixel) {
            t->row[n] = row;
            t->out[n] = to;
        }
        at->j += run;
        if (at->j == r->gw) {
            at->j = 0;
            if (++at->i == b->rows) {
                at->i = 0;
                at->image++;
            }
        }
    }
}

/* A product over pixels in their order reads and writes several rows at a time, which nothing in the processor fetches:
 * asking for what is read four tiles later, and for where the next tile writes, took a quarter to a third off products
 * of few channels (24 by 144 at 56 x 56) where pictures are beyond the caches. */
static void fetch_ahead(const conv *v, const grid *g, const gr__tile *t, int64_t count)
{
    enum { TILES_AHEAD = 4 };
    __asm__ volatile(""); /* or the compiler takes this for a function that does nothing */
    const float *row = t->row[0] + TILES_AHEAD * count * g->gather.pixel;
    gr__ahead read = gr__ahead_of(row, count * g->gather.pixel);
    gr__fetch(&read, INT64_MAX);
    if (g->out_pixel != v->columns) return;
    const char *to = (const char *)(t->out[0] + count * g->out_pixel);
    for (int64_t i = 0; i < count * g->out_pixel * 4; i += 64) __builtin_prefetch(to + i, 1, 2);
}

/* Panels [first_panel, panels) of a block. */
static void run_block(const conv *v, const gr_call *call, const grid *g, int64_t group, const gr__gather_block *b,
                      int64_t first_panel, int64_t panels)
{
    const gr__tile_ops *ops = v->ops;
    const float *packed = (const float *)call->shared + g->packed + group * g->packed_group;
    const float *bias = v->bias ? (const float *)call->operand[2] + group * v->columns : NULL;
    float *out = (float *)call->operand[v->bias ? 3 : 2] + g->out0 + group * v->columns + first_panel * ops->wide;
    int64_t pixels = b->images * b->rows * g->gather.gw, tiles = (pixels + ops->rows - 1) / ops->rows;
    int64_t k = g->gather.n_taps * v->in;
    int64_t at_once = GR_MAX(
        1, PANEL_FLOATS / GR_MAX(k * ops->wide, 1)); /* panels: as many as the first cache holds beside the rows */
    gr__tile t = {.segment = g->gather.segments, .n_segments = g->gather.n_segments, .a_step = 1, .relu = v->relu};
    for (int64_t p0 = first_panel; p0 < panels; p0 += at_once) {
        int64_t p1 = GR_MIN(p0 + at_once, panels);
        walk at = {0, 0, 0};
        for (int64_t i = 0; i < tiles; i++) {
            int64_t count = gr__cut(pixels, i + 1, tiles) - gr__cut(pixels, i, tiles);
            place(g, b, v->out_image, out, &at, &t, count);
            if (p0 == first_panel && g->streams) fetch_ahead(v, g, &t, count);
            for (int64_t p = p0; p < p1; p++) {
                int64_t first = p * ops->wide;
                gr__tile_kind kind = gr__panel_kind(ops, v->columns - first, true, &t.columns);
                t.bias = bias == NULL ? NULL : bias + first;
                t.b = packed + first * k;
                t.b_step = t.b_unit = kind == GR__TILE_WIDE ? ops->wide : ops->lane;
                ops->tile[kind][count](&t);
                if (p + 1 < p1)
                    for (int64_t r = 0; r < count; r++) t.out[r] += ops->wide;
            }
        }
        out += (p1 - p0) * ops->wide;
    }
}

static void run(const gr_kernel *kernel, const gr_call *call, int shard)
{
    const conv *v = (const conv *)kernel;
    for (int c = 0; c < v->n_grids; c++) {
        const grid *g = &v->grids[c];
        int64_t units = gr__gather_units(&g->gather), n = kernel->phase[1].n_shards / v->column_shards;
        int64_t first = gr__cut(units, shard / v->column_shards, n),
                end = gr__cut(units, shard / v->column_shards + 1, n);
        int64_t panels = panels_of(v), of_columns = shard % v->column_shards;
        for (int64_t group = 0; group < v->groups; group++) {
            const float *picture = (const float *)call->operand[0] + group * v->in;
            for (int64_t unit = first; unit < end;) {
                gr__gather_block b;
                unit = gr__gather_open(&g->gather, unit, end, picture, call->scratch, &b);
                run_block(v, call, g, group, &b, gr__cut(panels, of_columns, v->column_shards),
                          gr__cut(panels, of_columns + 1, v->column_shards));
            }
        }
    }
}

/* ---- making ---- */
static void destroy(gr_context *ctx, gr_kernel *kernel)
{
    conv *v = (conv *)kernel;
    if (v == NULL) return;
    if (v->grids != NULL)
        for (int i = 0; i < v->n_grids; i++) gr__gather_free(ctx, &v->grids[i].gather);
    gr__free(ctx, v->grids, sizeof *v->grids * (size_t)v->n_grids);
    gr__free(ctx, v, sizeof *v);
}

static bool has_taps(const conv *v, const gr__contraction *c)
{
    return v->in != 0 && !(v->data && (c->conv.oh == 0 || c->conv.ow == 0));
}

static gr_status forward_grid(gr_context *ctx, const conv *v, const gr__contraction *c, grid *g)
{
    gr__gather *r = &g->gather;
    *r = (gr__gather){.ops = v->ops,
                      .n = c->conv.n,
                      .h = c->conv.h,
                      .w = c->conv.w,
                      .pitch = c->conv.c,
                      .channels = v->in,
                      .gh = c->conv.oh,
                      .gw = c->conv.ow,
                      .step_h = c->conv.stride_h,
                      .step_w = c->conv.stride_w};
    g->out_row = c->conv.ow * c->conv.o;
    g->out_pixel = c->conv.o;
    gr_status st = gr__gather_alloc(ctx, r, has_taps(v, c) ? (int)v->taps_all : 0);
    if (st != GR_OK) return st;
    for (int i = 0; i < r->n_taps; i++) {
        int64_t kh = i / c->conv.kw, kw = i % c->conv.kw;
        r->taps[i] =
            (struct gr__tap){kh * c->conv.dilation_h - c->conv.pad_h, kw * c->conv.dilation_w - c->conv.pad_w, i};
    }
    return GR_OK;
}

/* dx at residue (a, b) of the strides: taps with (a + pad - k dilation) a multiple of the stride. Backwards, so that dy
 * is read forwards. */
static gr_status data_grid(gr_context *ctx, const conv *v, const gr__contraction *c, int64_t a, int64_t b, grid *g)
{
    gr__gather *r = &g->gather;
    int64_t sh = c->conv.stride_h, sw = c->conv.stride_w;
    *r = (gr__gather){.ops = v->ops,
                      .n = c->conv.n,
                      .h = c->conv.oh,
                      .w = c->conv.ow,
                      .pitch = c->conv.o,
                      .channels = v->in,
                      .gh = (c->conv.h - a + sh - 1) / sh,
                      .gw = (c->conv.w - b + sw - 1) / sw,
                      .step_h = 1,
                      .step_w = 1};
    g->out0 = (a * c->conv.w + b) * c->conv.c;
    g->out_row = sh * c->conv.w * c->conv.c;
    g->out_pixel = sw * c->conv.c;
    gr_status st = gr__gather_alloc(ctx, r, has_taps(v, c) ? (int)v->taps_all : 0);
    if (st != GR_OK) return st;
    int n = 0;
    for (int i = r->n_taps - 1; i >= 0; i--) {
        int64_t dh = a + c->conv.pad_h - i / c->conv.kw * c->conv.dilation_h,
                dw = b + c->conv.pad_w - i % c->conv.kw * c->conv.dilation_w;
        if (dh % sh == 0 && dw % sw == 0) r->taps[n++] = (struct gr__tap){dh / sh, dw / sw, i};
    }
    r->n_taps = n;
    return GR_OK;
}

static gr_status make_grids(gr_context *ctx, conv *v, const gr__contraction *c)
{
    v->grids = gr__alloc(ctx, sizeof *v->grids * (size_t)v->n_grids);
    if (v->grids == NULL) return gr__error_code(ctx);
    for (int i = 0; i < v->n_grids; i++) {
        gr_status st = v->data ? data_grid(ctx, v, c, i / v->grids_w, i % v->grids_w, &v->grids[i])
                               : forward_grid(ctx, v, c, &v->grids[i]);
        if (st != GR_OK) return st;
    }
    return GR_OK;
}

/* How many taps of an axis lie at residue a of the strides. */
static int64_t taps_at(int64_t a, int64_t pad, int64_t taps, int64_t dilation, int64_t stride)
{
    int64_t n = 0;
    for (int64_t i = 0; i < taps; i++) n += (a + pad - i * dilation) % stride == 0;
    return n;
}

typedef struct costs {
    double pack, run;
} costs;

/* Of the grids that make_grids would make. */
static costs estimate(const conv *v, const gr__contraction *c)
{
    const gr__tile_ops *ops = v->ops;
    double madds = 0, macs = gr__contract_flops(c) / 2, floats = 0;
    for (int i = 0; i < v->n_grids; i++) {
        int64_t sh = c->conv.stride_h, sw = c->conv.stride_w, a = i / v->grids_w, b = i % v->grids_w;
        int64_t pixels = c->conv.n * c->conv.oh * c->conv.ow, taps = v->taps_all;
        if (v->data) {
            pixels = c->conv.n * ((c->conv.h - a + sh - 1) / sh) * ((c->conv.w - b + sw - 1) / sw);
            taps = taps_at(a, c->conv.pad_h, c->conv.kh, c->conv.dilation_h, sh) *
                   taps_at(b, c->conv.pad_w, c->conv.kw, c->conv.dilation_w, sw);
        }
        if (!has_taps(v, c)) taps = 0;
        madds += gr__tile_cost(ops, pixels, v->columns, true) * (double)taps * (double)v->in * (double)v->groups;
        floats += (double)(taps * v->in * gr__packed_columns(ops, v->columns) * v->groups);
    }
    double pictures = (double)c->conv.n *
                      ((double)(c->conv.h * c->conv.w * c->conv.c) + (double)(c->conv.oh * c->conv.ow * c->conv.o));
    double weights = (double)(c->conv.o * v->taps_all) * (double)c->conv.c / (double)c->conv.groups;
    return (costs){30 + floats * (v->data ? 0.1 : 0.15),
                   gr__contract_cost(ops, GR_MAX(madds, macs), 4 * (pictures + weights))};
}

/* How much of the picture a block holds, in floats: as many outputs as make up for reading all panels of weights again
 * where these are more than the first cache holds. */
static int64_t block_floats(const conv *v, const gr__gather *g)
{
    int64_t pixel = g->step_h * g->step_w * v->in, outputs = g->gh * g->gw;
    if (g->n_taps * v->in * v->ops->wide <= PANEL_FLOATS) return BLOCK_FLOATS;
    int64_t images = (BLOCK_OUTPUTS + outputs - 1) / GR_MAX(outputs, 1);
    int64_t wanted = outputs < BLOCK_OUTPUTS ? images * (g->h + 2) * (g->w + 2) * v->in : BLOCK_OUTPUTS * pixel;
    return GR_MAX(BLOCK_FLOATS, GR_MIN(wanted, MOST_FLOATS));
}

/* Places the packed weights and states the costs. */
static void lay_out(conv *v, const gr__contraction *c)
{
    gr_kernel *kernel = &v->kernel;
    double pack = estimate(v, c).pack, cost = estimate(v, c).run;
    int shards = gr__contract_shards(cost);
    int64_t units = 0, outputs = v->n_grids ? c->conv.n * v->grids[0].gather.gh * v->grids[0].gather.gw : 0;
    bool deep = v->in * v->taps_all * v->ops->wide > PANEL_FLOATS; /* panels are read from afar: by few shards */
    int pixel_shards = deep ? (int)GR_MAX(1, GR_MIN(shards, outputs / BLOCK_OUTPUTS)) : shards;
    v->column_shards = (int)GR_MAX(1, GR_MIN((int64_t)(shards / pixel_shards), panels_of(v)));
    size_t floats = 0;
    for (int i = 0; i < v->n_grids; i++) {
        grid *g = &v->grids[i];
        gr__gather_finish(&g->gather, true, block_floats(v, &g->gather), pixel_shards);
        units = GR_MAX(units, gr__gather_units(&g->gather));
        g->streams = gr__gather_streams(&g->gather);
        kernel->scratch_bytes = GR_MAX(kernel->scratch_bytes, g->gather.copy_bytes);
        g->packed = (int64_t)floats;
        g->packed_group = g->gather.n_taps * v->in * gr__packed_columns(v->ops, v->columns);
        floats += (size_t)(g->packed_group * v->groups);
    }
    kernel->shared_bytes = gr__align64(floats * 4);
    kernel->n_phases = 2;
    kernel->phase[0].run = run_pack;
    kernel->phase[0].n_shards =
        (int)GR_MAX(1, GR_MIN((int64_t)gr__contract_shards(pack), v->groups * panels_of(v) * v->n_grids));
    kernel->phase[0].cost_ns = pack;
    kernel->phase[1].run = run;
    kernel->phase[1].n_shards = (int)GR_MAX(1, GR_MIN((int64_t)pixel_shards, units)) * v->column_shards;
    kernel->phase[1].cost_ns = cost;
}

/* The sizes, without the grids. */
static void describe(conv *v, const gr__contraction *c, gr__isa isa)
{
    v->ops = gr__tile_ops_get(isa);
    v->data = c->kind == GR__CONV_DATA;
    v->bias = !v->data && c->bias;
    v->relu = !v->data && c->relu;
    v->groups = c->conv.groups;
    v->in = (v->data ? c->conv.o : c->conv.c) / c->conv.groups;
    v->columns = (v->data ? c->conv.c : c->conv.o) / v->groups;
    v->taps_all = c->conv.kh * c->conv.kw;
    v->out_image = v->data ? c->conv.h * c->conv.w * c->conv.c : c->conv.oh * c->conv.ow * c->conv.o;
    v->grids_w = v->data ? (int)GR_MIN(c->conv.stride_w, c->conv.w) : 1;
    v->n_grids = v->data ? (int)GR_MIN(c->conv.stride_h, c->conv.h) * v->grids_w : 1;
}

static double cost_of(const gr__contraction *c, gr__isa isa)
{
    if ((c->kind != GR__CONV_FORWARD && c->kind != GR__CONV_DATA) || gr__is_depthwise(c)) return INFINITY;
    conv v = {.ops = NULL};
    describe(&v, c, isa);
    costs x = estimate(&v, c);
    return x.pack + x.run;
}

static gr_status make(gr_context *ctx, const gr__contraction *c, gr__isa isa, gr_kernel **out)
{
    static const char *const names[2][GR__ISA_COUNT] = {
        {"conv forward, direct", "conv forward, direct 6x16", "conv forward, direct 12x32"},
        {"conv data, direct", "conv data, direct 6x16", "conv data, direct 12x32"},
    };
    conv *v = gr__alloc(ctx, sizeof *v);
    if (v == NULL) return gr__error_code(ctx);
    describe(v, c, isa);
    gr_status st = make_grids(ctx, v, c);
    if (st != GR_OK) {
        destroy(ctx, &v->kernel);
        return st;
    }
    lay_out(v, c);
    v->kernel.name = names[v->data][isa];
    v->kernel.n_operands = v->bias ? 4 : 3;
    v->kernel.destroy = destroy;
    *out = &v->kernel;
    return GR_OK;
}

/* All of CONV_FORWARD and CONV_DATA, but for channels each by itself (conv_depthwise.c). */
GR_PROVIDER(conv_direct) = {.name = "conv, direct", .cost = cost_of, .make = make};
