/* Convolution of each channel by itself: forward and the gradient of the data.
 *
 * Phase 0 lays the weights out by tap, channels side by side; phase 1 makes rows of outputs. The gradient of the data
 * has a grid of outputs for each residue of their places modulo the strides, whose taps are fixed and equally far
 * apart. Borders are not padded: outputs whose windows reach over them are computed one by one with the taps that are
 * inside, so there is nothing to copy, and no number outside the picture is ever multiplied. */
#include <math.h>

#include "backend/cpu/contract_depthwise.h"
#include "backend/cpu/contract_provider.h"

/* One axis of a grid: output i stands at `out + i out_step` of the result, and tap t reads place `first + i step + t
 * gap` of the picture with weight `kernel + t kernel_step`. */
typedef struct axis {
    int64_t outputs, out, out_step;
    int64_t taps, first, step, gap, kernel, kernel_step;
    int64_t size; /* of the picture */
} axis;

typedef struct depthwise {
    gr_kernel kernel;
    const gr__depth_ops *ops;
    bool data, bias, relu;
    int64_t n, channels, kernel_w, kernel_taps, out_h, out_w;
    int n_h, n_w; /* residues of the strides */
    axis *h, *w;
    int64_t *packed; /* floats: where each grid's weights stand */
    double floats;   /* of picture and result */
} depthwise;

static int64_t divisor(int64_t a, int64_t b)
{
    return b == 0 ? a : divisor(b, a % b);
}

static axis forward_axis(int64_t size, int64_t out, int64_t kernel, int64_t stride, int64_t dilation, int64_t pad)
{
    return (axis){.outputs = out,
                  .out_step = 1,
                  .taps = kernel,
                  .first = -pad,
                  .step = stride,
                  .gap = dilation,
                  .kernel_step = 1,
                  .size = size};
}

/* dx at residue a of the stride: of the taps those with (a + pad - k dilation) a multiple of it, the last first, so
 * that dy is read forwards. */
static axis data_axis(int64_t a, int64_t size, int64_t out, int64_t kernel, int64_t stride, int64_t dilation,
                      int64_t pad)
{
    int64_t common = divisor(stride, dilation), apart = stride / common;
    axis x = {.outputs = (size - a + stride - 1) / stride,
              .out = a,
              .out_step = stride,
              .step = 1,
              .gap = dilation / common,
              .kernel_step = -apart,
              .size = out};
    for (int64_t k = kernel - 1; k >= 0; k--) {
        if ((a + pad - k * dilation) % stride != 0) continue;
        if (x.taps++ == 0) x.kernel = k, x.first = (a + pad - k * dilation) / stride;
    }
    return x;
}

static axis axis_h(const gr__contraction *c, bool data, int64_t a)
{
    return data ? data_axis(a, c->conv.h, c->conv.oh, c->conv.kh, c->conv.stride_h, c->conv.dilation_h, c->conv.pad_h)
                : forward_axis(c->conv.h, c->conv.oh, c->conv.kh, c->conv.stride_h, c->conv.dilation_h, c->conv.pad_h);
}

static axis axis_w(const gr__contraction *c, bool data, int64_t a)
{
    return data ? data_axis(a, c->conv.w, c->conv.ow, c->conv.kw, c->conv.stride_w, c->conv.dilation_w, c->conv.pad_w)
                : forward_axis(c->conv.w, c->conv.ow, c->conv.kw, c->conv.stride_w, c->conv.dilation_w, c->conv.pad_w);
}

/* ---- phase 0: weights [tap][channel], a grid after the other ---- */
static void run_pack(const gr_kernel *kernel, const gr_call *call, int shard)
{
    const depthwise *v = (const depthwise *)kernel;
    const float *w = call->operand[1];
    (void)shard;
    for (int i = 0; i < v->n_h * v->n_w; i++) {
        const axis *h = &v->h[i / v->n_w], *x = &v->w[i % v->n_w];
        float *to = (float *)call->shared + v->packed[i];
        for (int64_t r = 0; r < h->taps; r++)
            for (int64_t t = 0; t < x->taps; t++, to += v->channels) {
                int64_t tap = (h->kernel + r * h->kernel_step) * v->kernel_w + x->kernel + t * x->kernel_step;
                for (int64_t c = 0; c < v->channels; c++) to[c] = w[c * v->kernel_taps + tap];
            }
    }
}

/* ---- phase 1 ---- */
/* Outputs from..end of a row, which have taps first..last of w. */
static void run_part(const depthwise *v, gr__depth_row t, const axis *w, int64_t from, int64_t end, int64_t first,
                     int64_t last)
{
    if (from >= end) return;
    t.x += (w->first + from * w->step + first * w->gap) * v->channels;
    t.w += first * v->channels;
    t.out += (w->out + from * w->out_step) * v->channels;
    t.taps = last - first;
    t.outputs = end - from;
    v->ops->row(&t);
}

static void run_row(const depthwise *v, const gr_call *call, int grid, int64_t image, int64_t i)
{
    const axis *h = &v->h[grid / v->n_w], *w = &v->w[grid % v->n_w];
    int64_t r0, r1, t0, t1, from, end, at = h->first + i * h->step;
    gr__depth_inside(at, h->gap, h->taps, h->size, &r0, &r1);
    gr__depth_row t = {.bias = v->bias ? call->operand[2] : NULL,
                       .relu = v->relu,
                       .rows = r1 - r0,
                       .channels = v->channels,
                       .x_row = h->gap * w->size * v->channels,
                       .x_step = w->step * v->channels,
                       .x_tap = w->gap * v->channels,
                       .w_row = w->taps * v->channels,
                       .out_step = w->out_step * v->channels,
                       .x_line = h->step * w->size * v->channels,
                       .out_line = h->out_step * v->out_w * v->channels,
                       .fresh_rows = gr__depth_fresh(v->floats, h->step, h->gap, h->taps),
                       .fresh_pixels = GR_MAX(w->step / w->gap, 1)};
    t.x = (const float *)call->operand[0] + (image * h->size + at + r0 * h->gap) * w->size * v->channels;
    t.w = (const float *)call->shared + v->packed[grid] + r0 * t.w_row;
    t.out = (float *)call->operand[v->bias ? 3 : 2] +
            (image * v->out_h + h->out + i * h->out_step) * v->out_w * v->channels;
    gr__depth_whole(w->first, w->step, (w->taps - 1) * w->gap, w->size, w->outputs, &from, &end);
    if (w->taps == 0) from = 0, end = w->outputs; /* zeros */
    for (int64_t j = 0; j < from; j++) {
        gr__depth_inside(w->first + j * w->step, w->gap, w->taps, w->size, &t0, &t1);
        run_part(v, t, w, j, j + 1, t0, t1);
    }
    run_part(v, t, w, from, end, 0, w->taps);
    for (int64_t j = end; j < w->outputs; j++) {
        gr__depth_inside(w->first + j * w->step, w->gap, w->taps, w->size, &t0, &t1);
        run_part(v, t, w, j, j + 1, t0, t1);
    }
}

/* Rows of the result, in order: all grids of a row are made before the next. */
static void run(const gr_kernel *kernel, const gr_call *call, int shard)
{
    const depthwise *v = (const depthwise *)kernel;
    int64_t units = v->n * v->out_h, end = gr__cut(units, shard + 1, kernel->phase[1].n_shards);
    for (int64_t u = gr__cut(units, shard, kernel->phase[1].n_shards); u < end; u++) {
        int64_t image = u / v->out_h, line = u % v->out_h;
        int of_h = (int)(line % v->n_h); /* n_h is the stride, but for pictures of fewer rows */
        for (int of_w = 0; of_w < v->n_w; of_w++)
            run_row(v, call, of_h * v->n_w + of_w, image, (line - v->h[of_h].out) / v->h[of_h].out_step);
    }
}

/* ---- making ---- */
static void destroy(gr_context *ctx, gr_kernel *kernel)
{
    depthwise *v = (depthwise *)kernel;
    if (v == NULL) return;
    gr__free(ctx, v->h, sizeof *v->h * (size_t)v->n_h);
    gr__free(ctx, v->w, sizeof *v->w * (size_t)v->n_w);
    gr__free(ctx, v->packed, sizeof *v->packed * (size_t)(v->n_h * v->n_w));
    gr__free(ctx, v, sizeof *v);
}

/* The sizes, without the grids. */
static void describe(depthwise *v, const gr__contraction *c, gr__isa isa)
{
    v->ops = gr__depth_ops_get(isa);
    v->data = c->kind == GR__CONV_DATA;
    v->bias = !v->data && c->bias;
    v->relu = !v->data && c->relu;
    v->n = c->conv.n;
    v->channels = c->conv.c;
    v->kernel_w = c->conv.kw;
    v->kernel_taps = c->conv.kh * c->conv.kw;
    v->out_h = v->data ? c->conv.h : c->conv.oh;
    v->out_w = v->data ? c->conv.w : c->conv.ow;
    v->n_h = v->data ? (int)GR_MIN(c->conv.stride_h, c->conv.h) : 1;
    v->n_w = v->data ? (int)GR_MIN(c->conv.stride_w, c->conv.w) : 1;
}

/* Shards and costs. */
static void plan_work(depthwise *v, const gr__contraction *c, gr__isa isa)
{
    gr_kernel *kernel = &v->kernel;
    double outputs = (double)(c->conv.n * c->conv.oh * c->conv.ow), weights = (double)(v->kernel_taps * v->channels),
           lanes = (double)((v->channels + v->ops->lane - 1) / v->ops->lane * v->ops->lane);
    v->floats = (double)c->conv.n * (double)(c->conv.h * c->conv.w * c->conv.c) + outputs * (double)c->conv.c;
    kernel->shared_bytes = gr__align64((size_t)(v->kernel_taps * v->channels) * 4);
    kernel->n_phases = 2;
    kernel->phase[0].run = run_pack;
    kernel->phase[0].n_shards = 1;
    kernel->phase[0].cost_ns = 30 + weights * 0.3;
    double cost =
        gr__contract_cost(gr__tile_ops_get(isa), 1.3 * outputs * (double)v->kernel_taps * lanes, 4 * v->floats);
    kernel->phase[1].run = run;
    kernel->phase[1].n_shards = (int)GR_MAX(1, GR_MIN((int64_t)gr__contract_shards(cost), GR_MAX(v->n * v->out_h, 1)));
    kernel->phase[1].cost_ns = cost;
}

static gr_status make_grids(gr_context *ctx, depthwise *v, const gr__contraction *c)
{
    int64_t floats = 0;
    v->h = gr__alloc(ctx, sizeof *v->h * (size_t)v->n_h);
    v->w = gr__alloc(ctx, sizeof *v->w * (size_t)v->n_w);
    v->packed = gr__alloc(ctx, sizeof *v->packed * (size_t)(v->n_h * v->n_w));
    if (v->h == NULL || v->w == NULL || v->packed == NULL) return gr__error_code(ctx);
    for (int i = 0; i < v->n_h; i++) v->h[i] = axis_h(c, v->data, i);
    for (int i = 0; i < v->n_w; i++) v->w[i] = axis_w(c, v->data, i);
    for (int i = 0; i < v->n_h * v->n_w; i++) { /* every tap belongs to one grid at most */
        v->packed[i] = floats;
        floats += v->h[i / v->n_w].taps * v->w[i % v->n_w].taps * v->channels;
    }
    return GR_OK;
}

static double cost_of(const gr__contraction *c, gr__isa isa)
{
    depthwise v = {.ops = NULL};
    if ((c->kind != GR__CONV_FORWARD && c->kind != GR__CONV_DATA) || !gr__is_depthwise(c)) return INFINITY;
    describe(&v, c, isa);
    plan_work(&v, c, isa);
    return gr__kernel_cost(&v.kernel);
}

static gr_status make(gr_context *ctx, const gr__contraction *c, gr__isa isa, gr_kernel **out)
{
    depthwise *v = gr__alloc(ctx, sizeof *v);
    if (v == NULL) return gr__error_code(ctx);
    describe(v, c, isa);
    plan_work(v, c, isa);
    v->kernel.name = v->data ? "conv data, depthwise" : "conv forward, depthwise";
    v->kernel.n_operands = v->bias ? 4 : 3;
    v->kernel.destroy = destroy;
    gr_status st = make_grids(ctx, v, c);
    if (st != GR_OK) {
        destroy(ctx, &v->kernel);
        return st;
    }
    *out = &v->kernel;
    return GR_OK;
}

/* All of FORWARD and DATA where every channel is a group of its own. */
GR_PROVIDER(conv_depthwise) = {.name = "conv, depthwise", .cost = cost_of, .make = make};
