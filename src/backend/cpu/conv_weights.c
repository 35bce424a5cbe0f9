/* The gradient of a convolution's weights: outer products over pixels, rows of the grid being the segments of the sum.
 *
 * wide: rows of a tile are output channels (of dy), columns run along a kernel row's taps and channels of the gathered
 * picture, and the result has its final order; many input channels are gathered 32 at a time, and dy is packed by tiles
 * once a block, so that both stream from the first cache. tall, for few input channels: rows are taps and channels,
 * columns are output channels; the result is transposed by phase 1. Shards cut the pixels as long as their partial
 * results stay small, else the output channels; phase 1 adds the partials in index order. */
#include <math.h>

#include "backend/cpu/conv_gather.h"

typedef enum form { WIDE, TALL } form;

typedef struct weights {
    gr_kernel kernel;
    const gr__tile_ops *ops;
    form form;
    gr__gather gather;
    int64_t groups, in, out; /* channels of a group */
    int64_t in_blocks;       /* parts of them that are gathered one by one (wide, no groups) */
    bool pack_dy;
    bool ahead;          /* the next block is fetched while one is multiplied */
    int64_t dy_pitch, k; /* k: elements of a filter, taps x in */
    int64_t *place;      /* tall: of each element of a filter, from an output's place */
    int64_t pixel_shards, out_shards, in_shards;
    int64_t partial;      /* floats of one partial result */
    int64_t block_pixels; /* of dy, at most */
    size_t segment_bytes; /* of scratch, after the gathered picture; the packed dy follows */
} weights;

enum { PARTIAL_BYTES = 4 << 20, BLOCK_FLOATS = 65536, IN_BLOCK = 32, BLOCK_PIXELS = 256, WORTH_COPYING = 200 };
/* A result that the second cache does not hold beside the operands is better read and written seldom than its operands
 * in place: 64 x 256 channels in place take 0.45 of the time that copying takes, 128 x 512 0.65, 256 x 1024 1.05. */
enum { LARGE_RESULT = 1 << 18 };
/* A block while the next is fetched, so many lines a tile: the second cache holds it. Of wide ones no more than their
 * tiles fetch: 144 x 24 channels from memory, of which ten tiles are a block, took 1.25 times as long otherwise. */
enum { AHEAD_LEAST = 8192, AHEAD_MOST = 32768, LINES_A_TILE = 64, LINE_FLOATS = 16 };

static int64_t ceil_div(int64_t a, int64_t b)
{
    return (a + b - 1) / b;
}

/* Cuttable pieces of a group's outputs. */
static int64_t pieces(const weights *v)
{
    return GR_MAX(ceil_div(v->out, v->form == WIDE ? v->ops->rows : v->ops->wide), 1);
}

static int64_t fill_segments(const weights *v, const gr__gather_block *b, gr__segment *s)
{
    const gr__gather *g = &v->gather;
    int64_t n = 0, dy_row = g->gw * (v->pack_dy ? v->ops->rows : v->dy_pitch);
    bool merge = g->gw * g->step_w * g->pixel == g->step_h * g->row;
    for (int64_t image = 0; image < b->images; image++)
        for (int64_t i = 0; i < b->rows; i++) {
            int64_t dy = (image * b->rows + i) * dy_row, x = image * g->image + i * g->step_h * g->row;
            if (merge && i > 0)
                s[n - 1].count += g->gw;
            else
                s[n++] = v->form == WIDE ? (gr__segment){dy, x, g->gw} : (gr__segment){x, dy, g->gw};
        }
    return n;
}

/* x: gathered channels from in_first on; soon: what is read next. */
static void run_wide(const weights *v, gr__tile *t, const float *x, int64_t in_first, const float *dy, float *to,
                     int64_t first, int64_t end, gr__ahead *soon)
{
    const gr__tile_ops *ops = v->ops;
    int64_t tiles = pieces(v);
    t->a_step = v->pack_dy ? ops->rows : v->dy_pitch;
    t->b_step = v->gather.step_w * v->gather.pixel;
    for (int s = 0; s < v->gather.n_segments; s++) {
        const gr__segment *run = &v->gather.segments[s];
        int64_t place = v->in_blocks == 1 ? run->b : s * v->in + in_first; /* of the run within a filter */
        for (int64_t column = 0; column < run->count; column += t->columns) {
            gr__tile_kind kind = gr__panel_kind(ops, run->count - column, v->gather.copy, &t->columns);
            t->b = x + run->a + column;
            for (int64_t i = first; i < end; i++) {
                int64_t o0 = gr__cut(v->out, i, tiles), count = gr__cut(v->out, i + 1, tiles) - o0;
                const float *a = v->pack_dy ? dy + (i - first) * v->block_pixels * ops->rows : dy + o0;
                for (int64_t r = 0; r < count; r++) {
                    t->row[r] = a + r;
                    t->out[r] = to + (o0 + r) * v->k + place + column;
                }
                gr__fetch(soon, LINES_A_TILE);
                if (count > 0) ops->tile[kind][count](t);
            }
        }
    }
}

/* Tiles of dy: [tile][pixel][rows]. */
static void pack_dy(const weights *v, const float *dy, int64_t pixels, int64_t first, int64_t end, float *to)
{
    int64_t tiles = pieces(v), rows = v->ops->rows;
    for (int64_t i = first; i < end; i++, to += v->block_pixels * rows) {
        int64_t o0 = gr__cut(v->out, i, tiles);
        v->ops->pack_rows(to, rows, dy + o0, v->dy_pitch, gr__cut(v->out, i + 1, tiles) - o0, pixels);
    }
}

static void run_tall(const weights *v, gr__tile *t, const float *x, const float *dy, float *to, int64_t first,
                     int64_t end, gr__ahead *soon)
{
    const gr__tile_ops *ops = v->ops;
    int64_t tiles = ceil_div(v->k, ops->rows), last = GR_MIN(end * ops->wide, v->out);
    t->a_step = v->gather.step_w * v->gather.pixel;
    t->b_step = v->dy_pitch;
    for (int64_t column = first * ops->wide; column < last; column += t->columns) {
        gr__tile_kind kind = gr__panel_kind(ops, last - column, false, &t->columns);
        t->b = dy + column;
        for (int64_t i = 0; i < tiles; i++) {
            int64_t k0 = gr__cut(v->k, i, tiles), count = gr__cut(v->k, i + 1, tiles) - k0;
            for (int64_t r = 0; r < count; r++) {
                t->row[r] = x + v->place[k0 + r];
                t->out[r] = to + (k0 + r) * v->out + column;
            }
            gr__fetch(soon, LINES_A_TILE);
            ops->tile[kind][count](t);
        }
    }
}

/* What a shard does: units [unit, unit_end) of the grid, pieces [first, end) of the outputs, parts [part, part_end) of
 * the inputs. */
typedef struct share {
    int64_t unit, unit_end, first, end, part, part_end;
} share;

/* The larger of the two operands behind a block. */
static gr__ahead behind(const weights *v, const gr__gather_block *b, const float *dy)
{
    const gr__gather *g = &v->gather;
    if (!v->ahead) return (gr__ahead){NULL, NULL};
    int64_t x_floats = b->images * b->rows * g->row, dy_floats = b->images * b->rows * g->gw * v->dy_pitch;
    return x_floats >= dy_floats ? gr__ahead_of(b->origin + x_floats, x_floats)
                                 : gr__ahead_of(dy + dy_floats, dy_floats);
}

static void run_group(const weights *v, const gr_call *call, int64_t group, const share *of, float *to)
{
    const gr__gather *g = &v->gather;
    gr__segment *segments = (gr__segment *)((char *)call->scratch + g->copy_bytes + 64 * sizeof(float));
    float *packed = (float *)((char *)segments + v->segment_bytes);
    const float *picture = (const float *)call->operand[0] + group * v->in;
    gr__tile t = {.segment = segments, .b_unit = 1};
    int64_t unit = of->unit;
    do {
        gr__gather_block b = {.origin = picture};
        const float *dy = call->operand[1];
        gr__ahead soon = {NULL, NULL};
        int64_t next = unit;
        for (int64_t part = of->part; part < of->part_end; part++) {
            if (unit < of->unit_end)
                next = gr__gather_open(g, unit, of->unit_end, picture + part * g->channels, call->scratch, &b);
            if (unit < of->unit_end && part == of->part) {
                t.n_segments = fill_segments(v, &b, segments);
                dy += (b.image * g->gh + b.row) * g->gw * v->dy_pitch + group * v->out;
                soon = behind(v, &b, dy);
                if (v->pack_dy) {
                    pack_dy(v, dy, b.images * b.rows * g->gw, of->first, of->end, packed);
                    dy = packed;
                }
            }
            if (v->form == WIDE)
                run_wide(v, &t, b.origin, part * g->channels, dy, to, of->first, of->end, &soon);
            else
                run_tall(v, &t, b.origin, dy, to, of->first, of->end, &soon);
        }
        t.accumulate = true;
        unit = next;
    } while (unit < of->unit_end);
}

static void run(const gr_kernel *kernel, const gr_call *call, int shard)
{
    const weights *v = (const weights *)kernel;
    int64_t of_in = shard % v->in_shards, of_out = shard / v->in_shards % v->out_shards,
            pixel = shard / v->in_shards / v->out_shards, n = pieces(v), units = gr__gather_units(&v->gather);
    int64_t first = gr__cut(n * v->groups, of_out, v->out_shards),
            end = gr__cut(n * v->groups, of_out + 1, v->out_shards);
    float *to = kernel->n_phases == 1 ? call->operand[2] : (float *)call->shared + pixel * v->partial;
    for (int64_t group = first / n; group * n < end; group++) {
        share of = {.unit = gr__cut(units, pixel, v->pixel_shards),
                    .unit_end = gr__cut(units, pixel + 1, v->pixel_shards),
                    .first = GR_MAX(first - group * n, 0),
                    .end = GR_MIN(end - group * n, n),
                    .part = gr__cut(v->in_blocks, of_in, v->in_shards),
                    .part_end = gr__cut(v->in_blocks, of_in + 1, v->in_shards)};
        run_group(v, call, group, &of, to + group * v->out * v->k);
    }
}

/* Adds the partials in index order; tall ones stand transposed. */
static void run_sum(const gr_kernel *kernel, const gr_call *call, int shard)
{
    const weights *v = (const weights *)kernel;
    const float *from = call->shared;
    float *to = call->operand[2];
    if (v->form == WIDE) {
        int64_t first = gr__cut(v->partial, shard, kernel->phase[1].n_shards),
                end = gr__cut(v->partial, shard + 1, kernel->phase[1].n_shards);
        v->ops->sum(to + first, from + first, v->pixel_shards, v->partial, end - first);
        return;
    }
    int64_t filters = v->out, all = filters * v->groups;
    int64_t end = gr__cut(all, shard + 1, kernel->phase[1].n_shards);
    for (int64_t f = gr__cut(all, shard, kernel->phase[1].n_shards); f < end; f++) {
        const float *source = from + f / filters * filters * v->k + f % filters;
        for (int64_t k = 0; k < v->k; k++) {
            float x = source[k * filters];
            for (int64_t p = 1; p < v->pixel_shards; p++) x += source[p * v->partial + k * filters];
            to[f * v->k + k] = x;
        }
    }
}

static void destroy(gr_context *ctx, gr_kernel *kernel)
{
    weights *v = (weights *)kernel;
    if (v == NULL) return;
    gr__free(ctx, v->place, sizeof *v->place * (size_t)v->k);
    gr__gather_free(ctx, &v->gather);
    gr__free(ctx, v, sizeof *v);
}

/* Chooses the form; what a step of the pixels costs. */
static double choose_form(weights *v, const gr__contraction *c)
{
    int64_t length = c->conv.dilation_w == 1 && c->conv.groups == 1 ? c->conv.kw * v->in : v->in;
    double runs = length > 0 ? (double)v->k / (double)length : 0;
    double wide = runs * gr__tile_cost(v->ops, v->out, length, true),
           tall = 1.1 * gr__tile_cost(v->ops, v->k, v->out, false);
    v->form = tall < wide ? TALL : WIDE;
    return (double)v->groups * (v->form == TALL ? tall : wide);
}

/* Floats of a block of the larger operand while the next is fetched. */
static int64_t ahead_floats(const weights *v)
{
    int64_t tiles = ceil_div(v->k, v->ops->wide) * pieces(v);
    if (v->form == TALL) return AHEAD_MOST;
    return GR_MAX(AHEAD_LEAST, GR_MIN(tiles * LINES_A_TILE * LINE_FLOATS, AHEAD_MOST));
}

/* What is copied before it is multiplied, and the blocks of pixels. */
static void choose_blocks(weights *v, int64_t outputs, int64_t shards)
{
    gr__gather *g = &v->gather;
    int64_t x_row = g->step_h * g->step_w * g->channels, dy_row = outputs; /* floats that a pixel of the grid brings */
    int64_t block = BLOCK_FLOATS * x_row / GR_MAX(x_row + dy_row, 1);
    v->in_blocks = v->form == WIDE && v->groups == 1 && v->in >= 2 * IN_BLOCK && v->in % IN_BLOCK == 0 &&
                           v->out * v->k >= LARGE_RESULT &&
                           v->out * (v->k / v->in) >= WORTH_COPYING * g->step_h * g->step_w
                       ? v->in / IN_BLOCK
                       : 1;
    v->pack_dy = v->form == WIDE && (v->in_blocks > 1 || v->k >= 16 * v->ops->wide); /* read for each panel */
    if (v->in_blocks > 1) {
        g->channels = IN_BLOCK;
        block = BLOCK_PIXELS * g->step_h * g->step_w * IN_BLOCK;
    }
    v->partial = outputs * v->k;
    int64_t room = PARTIAL_BYTES / GR_MAX(v->partial * 4, 1);
    int cuts = room > 1 ? (int)shards : 1; /* whole images where nobody cuts the pixels */
    gr__gather_cut(g, block, cuts);
    v->ahead = v->in_blocks == 1 && v->groups == 1 && gr__gather_streams(g);
    block = ahead_floats(v) * x_row / GR_MAX(GR_MAX(x_row, dy_row), 1);
    if (v->ahead) gr__gather_cut(g, block, cuts);
    v->pixel_shards = GR_MAX(1, GR_MIN(GR_MIN(shards, gr__gather_units(g)), room));
    /* of the rest, such that all of them together copy little */
    int64_t rest = shards / v->pixel_shards;
    v->in_shards = (int64_t)sqrt((double)(rest * v->in) / (double)GR_MAX(v->out, 1));
    v->in_shards = GR_MAX(1, GR_MIN(v->in_shards, GR_MIN(rest, v->in_blocks)));
    v->out_shards = GR_MAX(1, GR_MIN(rest / v->in_shards, pieces(v) * v->groups));
}

static void plan_work(weights *v, const gr__contraction *c)
{
    const gr__tile_ops *ops = v->ops;
    gr__gather *g = &v->gather;
    double pixels = (double)g->n * (double)g->gh * (double)g->gw;
    double pictures = (double)c->conv.n * (double)(c->conv.h * c->conv.w * c->conv.c) + pixels * (double)c->conv.o;
    double cost = gr__contract_cost(ops, pixels * choose_form(v, c), 4 * pictures);
    choose_blocks(v, c->conv.o, gr__contract_shards(cost));

    gr_kernel *kernel = &v->kernel;
    bool second = v->pixel_shards > 1 || v->form != WIDE;
    kernel->n_phases = second ? 2 : 1;
    kernel->phase[0].run = run;
    kernel->phase[0].n_shards = (int)(v->pixel_shards * v->out_shards * v->in_shards);
    kernel->phase[0].cost_ns = cost;
    int64_t segments = g->images ? g->block_units * g->gh : g->block_units;
    v->block_pixels = segments * g->gw;
    v->segment_bytes = gr__align64((size_t)segments * sizeof(gr__segment));
    int64_t packed = v->pack_dy ? ceil_div(pieces(v) * v->groups, v->out_shards) * v->block_pixels * ops->rows : 0;
    kernel->scratch_bytes = g->copy_bytes + 64 * sizeof(float) + v->segment_bytes + gr__align64((size_t)packed * 4);
    if (!second) return;
    kernel->shared_bytes = gr__align64((size_t)(v->partial * v->pixel_shards) * 4);
    double add = 30 + (double)(v->partial * v->pixel_shards) * (v->form == WIDE ? 0.15 : 0.6);
    kernel->phase[1].run = run_sum;
    kernel->phase[1].n_shards =
        (int)GR_MAX(1, GR_MIN((int64_t)gr__contract_shards(add), v->form == WIDE ? v->partial : c->conv.o));
    kernel->phase[1].cost_ns = add;
}

static void find_places(weights *v)
{
    const gr__gather *g = &v->gather;
    for (int64_t k = 0; k < v->k; k++) {
        const struct gr__tap *t = &g->taps[k / v->in];
        v->place[k] = t->dh * g->row + t->dw * g->pixel + k % v->in;
    }
}

/* The sizes, and where the gather's taps lie. */
static void describe(weights *v, const gr__contraction *c, gr__isa isa)
{
    v->ops = gr__tile_ops_get(isa);
    v->groups = c->conv.groups;
    v->in = c->conv.c / v->groups;
    v->out = c->conv.o / v->groups;
    v->k = c->conv.kh * c->conv.kw * v->in;
    v->dy_pitch = c->conv.o;
    v->gather = (gr__gather){.ops = v->ops,
                             .n = c->conv.n,
                             .h = c->conv.h,
                             .w = c->conv.w,
                             .pitch = c->conv.c,
                             .channels = v->in,
                             .gh = c->conv.oh,
                             .gw = c->conv.ow,
                             .step_h = c->conv.stride_h,
                             .step_w = c->conv.stride_w,
                             .n_taps = v->in == 0 ? 0 : (int)(c->conv.kh * c->conv.kw)};
    if (v->gather.n_taps == 0) return;
    bool one_tap = v->k == v->in && c->conv.pad_h == 0 && c->conv.pad_w == 0 &&
                   (c->conv.oh - 1) * c->conv.stride_h < c->conv.h && (c->conv.ow - 1) * c->conv.stride_w < c->conv.w;
    if (one_tap) { /* as if only what it sees were there */
        v->gather.h = c->conv.oh;
        v->gather.w = c->conv.ow;
        v->gather.pitch = c->conv.c * c->conv.stride_w;
        v->gather.source_row = c->conv.w * c->conv.c * c->conv.stride_h;
        v->gather.source_image = c->conv.h * c->conv.w * c->conv.c;
        v->gather.step_h = v->gather.step_w = 1;
        return;
    }
    v->gather.lo_h = -c->conv.pad_h;
    v->gather.lo_w = -c->conv.pad_w;
    v->gather.hi_h = (c->conv.kh - 1) * c->conv.dilation_h - c->conv.pad_h;
    v->gather.hi_w = (c->conv.kw - 1) * c->conv.dilation_w - c->conv.pad_w;
}

static double cost_of(const gr__contraction *c, gr__isa isa)
{
    if (c->kind != GR__CONV_WEIGHTS || gr__is_depthwise(c)) return INFINITY;
    weights v = {.ops = NULL};
    describe(&v, c, isa);
    plan_work(&v, c);
    return gr__kernel_cost(&v.kernel);
}

static gr_status make(gr_context *ctx, const gr__contraction *c, gr__isa isa, gr_kernel **out)
{
    static const char *const names[2][GR__ISA_COUNT] = {
        {"conv weights, wide", "conv weights, wide 6x16", "conv weights, wide 12x32"},
        {"conv weights, tall", "conv weights, tall 6x16", "conv weights, tall 12x32"},
    };
    gr_status st = GR_OK;
    weights *v = gr__alloc(ctx, sizeof *v);
    if (v == NULL) return gr__error_code(ctx);
    describe(v, c, isa);
    GR_TRY(gr__gather_alloc(ctx, &v->gather, v->gather.n_taps));
    for (int i = 0; i < v->gather.n_taps; i++) {
        int64_t kh = i / c->conv.kw, kw = i % c->conv.kw;
        v->gather.taps[i] =
            (struct gr__tap){kh * c->conv.dilation_h - c->conv.pad_h, kw * c->conv.dilation_w - c->conv.pad_w, i};
    }
    plan_work(v, c);
    gr__gather_runs(&v->gather, v->in_blocks == 1);
    if (v->form == TALL) {
        v->place = gr__alloc(ctx, sizeof *v->place * (size_t)v->k);
        if (v->place == NULL) GR_TRY(gr__error_code(ctx));
        find_places(v);
    }
    v->kernel.name = names[v->form][isa];
    v->kernel.n_operands = 3;
    v->kernel.destroy = destroy;
    *out = &v->kernel;
    return GR_OK;
done:
    destroy(ctx, &v->kernel);
    return st;
}

/* All of CONV_WEIGHTS, but for channels each by itself (conv_depthwise_weights.c). */
GR_PROVIDER(conv_weights_direct) = {.name = "conv weights, direct", .cost = cost_of, .make = make};
