/* The gradient of the weights of a convolution of each channel by itself: all taps of a window stay in registers while
 * some rows of the picture and of dy stream by, a vector of channels after the other. Shards cut the rows; phase 1 adds
 * their partial results in index order, and brings them from [tap][channel] into the order of weights. */
#include <math.h>

#include "backend/cpu/contract_depthwise.h"
#include "backend/cpu/contract_provider.h"

typedef struct weights {
    gr_kernel kernel;
    const gr__depth_ops *ops;
    const gr__tile_ops *tile;
    int64_t n, h, w, oh, ow, channels, kh, kw, stride_h, stride_w, dilation_h, dilation_w, pad_h, pad_w;
    int64_t partial; /* floats of one partial result */
    double floats;   /* of both pictures */
    int64_t lines;   /* at most so many rows at once, which stay in the second cache */
} weights;

enum { MOST_LINES = 16, STRIP_FLOATS = 48 << 10, SUMS = 64, PARTIAL_BYTES = 4 << 20 };

static void run_lines(const weights *v, const gr_call *call, int64_t image, int64_t line, int64_t lines, float *to,
                      bool accumulate)
{
    int64_t first[MOST_LINES], end[MOST_LINES], pixel = v->channels;
    for (int64_t i = 0; i < lines; i++)
        gr__depth_inside((line + i) * v->stride_h - v->pad_h, v->dilation_h, v->kh, v->h, &first[i], &end[i]);
    gr__depth_weights t = {.dw = to,
                           .r_first = first,
                           .r_end = end,
                           .accumulate = accumulate,
                           .lines = lines,
                           .places = v->ow,
                           .rows = v->kh,
                           .taps = v->kw,
                           .channels = v->channels,
                           .x_line = v->stride_h * v->w * pixel,
                           .dy_line = v->ow * pixel,
                           .x_row = v->dilation_h * v->w * pixel,
                           .x_step = v->stride_w * pixel,
                           .x_tap = v->dilation_w * pixel,
                           .place = -v->pad_w,
                           .step = v->stride_w,
                           .tap = v->dilation_w,
                           .width = v->w,
                           .fresh_rows = gr__depth_fresh(v->floats, v->stride_h, v->dilation_h, v->kh),
                           .fresh_pixels = GR_MAX(v->stride_w / v->dilation_w, 1)};
    t.x = (const float *)call->operand[0] +
          ((image * v->h + line * v->stride_h - v->pad_h) * v->w - v->pad_w) * pixel; /* may lie outside, unread */
    t.dy = (const float *)call->operand[1] + (image * v->oh + line) * v->ow * pixel;
    v->ops->weights(&t);
}

static void run(const gr_kernel *kernel, const gr_call *call, int shard)
{
    const weights *v = (const weights *)kernel;
    int64_t units = v->n * v->oh, end = gr__cut(units, shard + 1, kernel->phase[0].n_shards), count;
    float *to = (float *)call->shared + shard * v->partial;
    bool accumulate = false;
    for (int64_t u = gr__cut(units, shard, kernel->phase[0].n_shards); u < end || !accumulate; u += count) {
        int64_t image = v->oh ? u / v->oh : 0, line = v->oh ? u % v->oh : 0;
        count = GR_MIN(GR_MIN(end - u, v->oh - line), v->lines);
        run_lines(v, call, image, line, count, to, accumulate); /* of no rows, too: zeros */
        accumulate = true;
    }
}

static void run_sum(const gr_kernel *kernel, const gr_call *call, int shard)
{
    const weights *v = (const weights *)kernel;
    const float *from = call->shared;
    float *to = call->operand[2], sums[SUMS];
    int64_t taps = v->kh * v->kw, end = gr__cut(v->channels, shard + 1, kernel->phase[1].n_shards), count;
    for (int64_t c = gr__cut(v->channels, shard, kernel->phase[1].n_shards); c < end; c += count) {
        count = GR_MIN(end - c, SUMS);
        for (int64_t t = 0; t < taps; t++) {
            v->tile->sum(sums, from + t * v->channels + c, kernel->phase[0].n_shards, v->partial, count);
            for (int64_t i = 0; i < count; i++) to[(c + i) * taps + t] = sums[i];
        }
    }
}

static void destroy(gr_context *ctx, gr_kernel *kernel)
{
    gr__free(ctx, kernel, sizeof(weights));
}

static void describe(weights *v, const gr__contraction *c, gr__isa isa)
{
    *v = (weights){.ops = gr__depth_ops_get(isa),
                   .tile = gr__tile_ops_get(isa),
                   .n = c->conv.n,
                   .h = c->conv.h,
                   .w = c->conv.w,
                   .oh = c->conv.oh,
                   .ow = c->conv.ow,
                   .channels = c->conv.c,
                   .kh = c->conv.kh,
                   .kw = c->conv.kw,
                   .stride_h = c->conv.stride_h,
                   .stride_w = c->conv.stride_w,
                   .dilation_h = c->conv.dilation_h,
                   .dilation_w = c->conv.dilation_w,
                   .pad_h = c->conv.pad_h,
                   .pad_w = c->conv.pad_w,
                   .partial = c->conv.kh * c->conv.kw * c->conv.c};
    int64_t line = (v->stride_h * v->w + v->ow) * v->channels;
    v->lines = GR_MAX(1, GR_MIN(MOST_LINES, STRIP_FLOATS / GR_MAX(line, 1)));
}

static void plan_work(weights *v, const gr__contraction *c)
{
    gr_kernel *kernel = &v->kernel;
    double outputs = (double)(v->n * v->oh * v->ow), taps = (double)(v->kh * v->kw),
           lanes = (double)((v->channels + v->ops->lane - 1) / v->ops->lane * v->ops->lane);
    v->floats = (double)c->conv.n * (double)(v->h * v->w * v->channels) + outputs * (double)v->channels;
    double cost = gr__contract_cost(v->tile, 1.5 * outputs * taps * lanes, 4 * v->floats);
    int64_t room = PARTIAL_BYTES / GR_MAX(v->partial * 4, 1);
    int64_t shards = GR_MAX(1, GR_MIN(GR_MIN((int64_t)gr__contract_shards(cost), v->n * v->oh), room));
    kernel->shared_bytes = gr__align64((size_t)(v->partial * shards) * 4);
    kernel->n_phases = 2;
    kernel->phase[0].run = run;
    kernel->phase[0].n_shards = (int)shards;
    kernel->phase[0].cost_ns = cost;
    double add = 30 + (double)(v->partial * shards) * 0.2;
    kernel->phase[1].run = run_sum;
    kernel->phase[1].n_shards = (int)GR_MAX(1, GR_MIN((int64_t)gr__contract_shards(add), v->channels));
    kernel->phase[1].cost_ns = add;
}

static double cost_of(const gr__contraction *c, gr__isa isa)
{
    weights v;
    if (c->kind != GR__CONV_WEIGHTS || !gr__is_depthwise(c)) return INFINITY;
    describe(&v, c, isa);
    plan_work(&v, c);
    return gr__kernel_cost(&v.kernel);
}

static gr_status make(gr_context *ctx, const gr__contraction *c, gr__isa isa, gr_kernel **out)
{
    weights *v = gr__alloc(ctx, sizeof *v);
    if (v == NULL) return gr__error_code(ctx);
    describe(v, c, isa);
    plan_work(v, c);
    v->kernel.name = "conv weights, depthwise";
    v->kernel.n_operands = 3;
    v->kernel.destroy = destroy;
    *out = &v->kernel;
    return GR_OK;
}

/* All of CONV_WEIGHTS where every channel is a group of its own. */
GR_PROVIDER(conv_depthwise_weights) = {.name = "conv weights, depthwise", .cost = cost_of, .make = make};
