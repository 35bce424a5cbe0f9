/* Tile programs and native kernels beside hand-fused loops of the same traffic, one thread, alternating; the best of
 * many runs of each.
 *
 *     meson setup build && ninja -C build libgr_backend.a libgr_plan.a libgr_graph.a libgr_base.a
 *     cc -O3 -std=gnu11 -D_GNU_SOURCE -fno-math-errno -fno-trapping-math -Iinclude -Isrc bench/tile.c
 * build/libgr_backend.a build/libgr_plan.a \ build/libgr_graph.a build/libgr_base.a -lm -lpthread -ldeflate -o
 * build/tile build/tile [-s seconds a row] [-i avx2] [part of a row's name]
 *
 * `predicted` is cost_ns, by which a plan decides whether to wake other threads. Ratios are time of ours over time of
 * the hand-fused loop: the aim is below 1.3. Hand loops are compiled for the best set, so compare with -i only ours. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>

#include "backend/cpu/cpu.h"
#include "base/pool.h"
#include "graph/op.h"

#if defined(__x86_64__)
#define HAND __attribute__((target("avx512f,avx512vl,avx512dq,avx512bw,fma,prefer-vector-width=512"), noinline))
#else
#define HAND __attribute__((noinline))
#endif

static double now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t); /* others may share the machine */
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

/* Large pages, as the arena has them. */
static void *memory(size_t bytes)
{
    size_t huge = 2 << 20, unit = bytes >= huge / 4 ? huge : 64;
    bytes = (bytes / unit + 1) * unit;
    void *p = aligned_alloc(unit, bytes);
    if (unit == huge) madvise(p, bytes, MADV_HUGEPAGE);
    memset(p, 0, bytes);
    return p;
}

static double seconds = 0.3;
static const char *wanted = "";
static gr__isa isa;

/* ---- a kernel with its memory ---- */

typedef struct bench {
    gr_context *ctx;
    gr_graph *g;
    gr_kernel *kernel;
    void *operand[256];
    void *shared, *scratch;
    double flops, bytes;
} bench;

static void run_kernel(const bench *b)
{
    const gr_call call = {b->operand, b->shared, b->scratch};
    for (int p = 0; p < b->kernel->n_phases; p++)
        for (int s = 0; s < b->kernel->phase[p].n_shards; s++) b->kernel->phase[p].run(b->kernel, &call, s);
}

static bench begin(void)
{
    bench b = {.ctx = NULL};
    if (gr_context_create(NULL, &b.ctx) != GR_OK || gr_graph_create(b.ctx, &b.g) != GR_OK) exit(1);
    return b;
}

/* Values uniform in [-1, 1), kept positive by square for second moments where that matters not at all. */
static void *filled(const gr_graph *g, gr_val v)
{
    const gr_value *x = gr__value(g, v);
    int64_t n = gr_shape_count(x->shape);
    void *p = memory((size_t)n * 8);
    for (int64_t e = 0; e < n; e++) {
        double value = (double)((uint64_t)e * 2654435761u % 65536) / 65536;
        if (x->dtype == GR_I32)
            ((int32_t *)p)[e] = (int32_t)(value * 10);
        else if (x->shape.rank == 0)
            *(double *)p = 1e-3;
        else
            ((float *)p)[e] = (float)value;
    }
    return p;
}

static void make(bench *b, const gr_item *item)
{
    if (gr__cpu_make_for(b->ctx, item, isa, &b->kernel) != GR_OK) {
        fprintf(stderr, "%s\n", gr_context_error(b->ctx)->message);
        exit(1);
    }
    int at = 0;
    for (int i = 0; i < item->n_segments * item->n_in; i++) b->operand[at++] = filled(b->g, item->in[i]);
    for (int i = 0; i < item->n_segments * item->n_out; i++) b->operand[at++] = filled(b->g, item->out[i]);
    b->scratch = memory(b->kernel->scratch_bytes);
    b->shared = memory(b->kernel->shared_bytes);
}

static void finish(bench *b)
{
    for (int i = 0; i < b->kernel->n_operands; i++) {
        bool again = false;
        for (int k = 0; k < i; k++) again |= b->operand[k] == b->operand[i];
        if (!again) free(b->operand[i]);
    }
    free(b->scratch);
    free(b->shared);
    b->kernel->destroy(b->ctx, b->kernel);
    gr_graph_destroy(b->g);
    gr_context_destroy(b->ctx);
}

/* ---- comparing ---- */

typedef void hand_fn(void **operand, int64_t rows, int64_t columns);

static double best_of(const bench *b, hand_fn *hand, int64_t rows, int64_t columns, int times, double best)
{
    double t0 = now();
    for (int i = 0; i < times; i++) {
        if (hand)
            hand((void **)b->operand, rows, columns);
        else
            run_kernel(b);
    }
    double t = (now() - t0) / times;
    return t < best ? t : best;
}

static void compare(const char *name, bench *b, hand_fn *hand, int64_t rows, int64_t columns, double bytes)
{
    double ours = 1e9, theirs = 1e9;
    int times = 1;
    gr__fp_state saved = gr__fp_enter();
    while (times < 1 << 20 && best_of(b, NULL, 0, 0, times, 1e9) * times < 2e-4) times *= 2;
    for (double t0 = now(); now() - t0 < seconds;) {
        ours = best_of(b, NULL, 0, 0, times, ours);
        if (hand) theirs = best_of(b, hand, rows, columns, times, theirs);
    }
    gr__fp_leave(saved);
    double predicted = 0;
    for (int p = 0; p < b->kernel->n_phases; p++) predicted += b->kernel->phase[p].cost_ns * 1e-3;
    printf("%-44s %10.2f us  predicted %10.2f  %6.1f GB/s", name, ours * 1e6, predicted, bytes / ours * 1e-9);
    if (hand) printf("  hand-fused %10.2f us, ratio %5.2f", theirs * 1e6, ours / theirs);
    printf("\n");
    finish(b);
}

static bool asked(const char *name)
{
    return strstr(name, wanted) != NULL;
}

/* ---- Adam ---- */

/* w, g, m, v -> m, v, w in place; the scalars are the bias-corrected factors. */
HAND static void hand_adam(void **operand, int64_t rows, int64_t n)
{
    float *w = operand[3], *m = operand[0], *v = operand[2];
    const float *g = operand[1];
    float rate = (float)*(double *)operand[4], a = 1.01f, c = 1.02f;
    (void)rows;
    for (int64_t i = 0; i < n; i++) {
        float mi = 0.9f * m[i] + 0.1f * g[i], vi = 0.999f * v[i] + 0.001f * (g[i] * g[i]);
        m[i] = mi;
        v[i] = vi;
        w[i] -= rate * (mi * a / (sqrtf(vi * c) + 1e-8f));
    }
}

static void adam_nodes(gr_graph *g, int64_t n, gr_val rate, gr_val *in, gr_val *out, uint32_t *nodes, int *n_nodes,
                       int s)
{
    char name[4][16];
    for (int i = 0; i < 4; i++) snprintf(name[i], sizeof name[i], "%c%d", "wgmv"[i], s);
    gr_shape shape = GR_SHAPE(n);
    gr_val w = gr_feed(g, name[0], GR_REAL, shape), d = gr_feed(g, name[1], GR_REAL, shape),
           m = gr_feed(g, name[2], GR_REAL, shape), v = gr_feed(g, name[3], GR_REAL, shape);
    uint32_t first = gr__graph_nodes(g);
    gr_val m1 =
        gr__node_add(g, GR_OP_MULADD, (gr_val[]){gr_const(g, 0.9), m, gr_mul(g, gr_const(g, 0.1), d)}, 3, NULL, NULL);
    gr_val v1 =
        gr__node_add(g, GR_OP_MULADD, (gr_val[]){gr_const(g, 0.999), v, gr_mul(g, gr_const(g, 0.001), gr_square(g, d))},
                     3, NULL, NULL);
    gr_val root = gr_add(g, gr_sqrt(g, gr_mul(g, v1, gr_const(g, 1.02))), gr_const(g, 1e-8));
    gr_val step = gr_div(g, gr_mul(g, m1, gr_const(g, 1.01)), root);
    gr_val w1 = gr__node_add(g, GR_OP_MULADD, (gr_val[]){rate, step, w}, 3, NULL, NULL);
    memcpy(in, (gr_val[]){m, d, v, w, rate}, 5 * sizeof *in);
    memcpy(out, (gr_val[]){m1, v1, w1}, 3 * sizeof *out);
    *n_nodes = 0;
    for (uint32_t k = first; k < gr__graph_nodes(g); k++)
        if (gr__node(g, k)->op->class == GR_CLASS_MAP) nodes[(*n_nodes)++] = k;
}

static void bench_adam(const char *name, const int64_t *size, int segments, bool compared)
{
    if (!asked(name)) return;
    bench b = begin();
    gr_val rate = gr_feed(b.g, "rate", GR_REAL, GR_SCALAR), in[5 * 16], out[3 * 16];
    uint32_t nodes[64], others[64];
    gr_space space[16];
    int n = 0;
    double elements = 0;
    for (int s = 0; s < segments; s++) {
        adam_nodes(b.g, size[s], rate, in + 5 * s, out + 3 * s, s ? others : nodes, &n, s);
        space[s] = (gr_space){1, size[s]};
        elements += (double)size[s];
    }
    gr_item item = {.kind = GR_ITEM_REGION,
                    .graph = b.g,
                    .nodes = nodes,
                    .n_nodes = n,
                    .n_segments = segments,
                    .space = space,
                    .in = in,
                    .n_in = 5,
                    .out = out,
                    .n_out = 3};
    make(&b, &item);
    for (int s = 0; s < segments; s++) { /* in place */
        void **to = b.operand + 5 * segments + 3 * s, **from = b.operand + 5 * s;
        for (int o = 0; o < 3; o++) {
            free(to[o]);
            to[o] = from[o == 0 ? 0 : o + 1];
        }
    }
    compare(name, &b, compared ? hand_adam : NULL, 1, size[0], elements * 28);
}

/* ---- softmax and cross-entropy ---- */

#define ROWS_ITEM(...)             \
    gr_val made[] = {__VA_ARGS__}; \
    uint32_t nodes[32];            \
    for (size_t k = 0; k < GR_COUNT(made); k++) nodes[k] = gr__value(b.g, made[k])->node

HAND __attribute__((optimize("associative-math,no-signed-zeros,finite-math-only"))) static void
hand_exp_sum(void **operand, int64_t rows, int64_t columns)
{
    const float *x = operand[0], *most = operand[1];
    float *y = operand[2], *sum = operand[3];
    for (int64_t r = 0; r < rows; r++) {
        float m = most[r], s = 0;
        for (int64_t c = 0; c < columns; c++) {
            float z = x[r * columns + c] - m;
            z = z < -87 ? -87 : z;
            float n = __builtin_floorf(z * 1.44269504f + 0.5f), t = z - n * 0.693115234375f - n * 3.19461849e-5f;
            float q =
                ((((0.001392632562f * t + 0.008363292753f) * t + 0.04166655376f) * t + 0.1666657631f) * t + 0.5f) * t *
                    t +
                t;
            union {
                int32_t i;
                float f;
            } scale = {((int32_t)n + 127) << 23};
            float e = (q + 1) * scale.f;
            y[r * columns + c] = e;
            s += e;
        }
        sum[r] = s;
    }
}

static void bench_exp_sum(const char *name, int64_t rows, int64_t columns)
{
    if (!asked(name)) return;
    bench b = begin();
    gr_shape s = GR_SHAPE(rows, columns);
    gr_val x = gr_feed(b.g, "x", GR_REAL, s), most = gr_feed(b.g, "m", GR_REAL, GR_SHAPE(rows, 1));
    gr_val wide = gr_broadcast(b.g, most, s), y = gr_exp(b.g, gr_sub(b.g, x, wide)),
           sum = gr_sum(b.g, y, (int[]){1}, 1, true);
    ROWS_ITEM(wide, gr_sub(b.g, x, wide), y, sum);
    gr_space space = {rows, columns};
    gr_item item = {.kind = GR_ITEM_REGION,
                    .graph = b.g,
                    .nodes = nodes,
                    .n_nodes = 4,
                    .n_segments = 1,
                    .space = &space,
                    .in = (gr_val[]){x, most},
                    .n_in = 2,
                    .out = (gr_val[]){y, sum},
                    .n_out = 2};
    make(&b, &item);
    compare(name, &b, hand_exp_sum, rows, columns, (double)(rows * columns * 8));
}

HAND static void hand_row_max(void **operand, int64_t rows, int64_t columns)
{
    const float *x = operand[0];
    float *y = operand[1];
    for (int64_t r = 0; r < rows; r++) {
        float lane[16], most;
        for (int k = 0; k < 16; k++) lane[k] = -INFINITY;
        int64_t c = 0;
        for (; c + 16 <= columns; c += 16)
            for (int k = 0; k < 16; k++) lane[k] = lane[k] < x[r * columns + c + k] ? x[r * columns + c + k] : lane[k];
        for (; c < columns; c++) lane[0] = lane[0] < x[r * columns + c] ? x[r * columns + c] : lane[0];
        most = lane[0];
        for (int k = 1; k < 16; k++) most = most < lane[k] ? lane[k] : most;
        y[r] = most;
    }
}

static void bench_row_max(const char *name, int64_t rows, int64_t columns)
{
    if (!asked(name)) return;
    bench b = begin();
    gr_val x = gr_feed(b.g, "x", GR_REAL, GR_SHAPE(rows, columns)), y = gr_reduce_max(b.g, x, (int[]){1}, 1, true);
    uint32_t nodes[] = {gr__value(b.g, y)->node};
    gr_space space = {rows, columns};
    gr_item item = {.kind = GR_ITEM_REGION,
                    .graph = b.g,
                    .nodes = nodes,
                    .n_nodes = 1,
                    .n_segments = 1,
                    .space = &space,
                    .in = &x,
                    .n_in = 1,
                    .out = &y,
                    .n_out = 1};
    make(&b, &item);
    compare(name, &b, hand_row_max, rows, columns, (double)(rows * columns * 4));
}

/* (e / sum - (label == column)) * scale and its column sums */
HAND static void hand_backward(void **operand, int64_t rows, int64_t columns)
{
    const float *e = operand[0], *sum = operand[1];
    const int32_t *label = operand[2];
    float *d = operand[3], *bias = operand[4];
    memset(bias, 0, (size_t)columns * 4);
    for (int64_t r = 0; r < rows; r++) {
        float s = sum[r];
        for (int64_t c = 0; c < columns; c++) {
            float v = (e[r * columns + c] / s - (c == label[r] ? 1.0f : 0.0f)) * 0.01f;
            d[r * columns + c] = v;
            bias[c] += v;
        }
    }
}

static void bench_backward(const char *name, int64_t rows, int64_t columns)
{
    if (!asked(name)) return;
    bench b = begin();
    gr_shape s = GR_SHAPE(rows, columns);
    gr_val e = gr_feed(b.g, "e", GR_REAL, s), sum = gr_feed(b.g, "s", GR_REAL, GR_SHAPE(rows, 1)),
           label = gr_feed(b.g, "l", GR_I32, GR_SHAPE(rows, 1));
    gr_val wide = gr_broadcast(b.g, sum, s), all = gr_broadcast(b.g, label, s), column = gr_iota(b.g, s, 1);
    gr_val hot = gr_equal(b.g, all, column), p = gr_div(b.g, e, wide), diff = gr_sub(b.g, p, hot),
           d = gr_mul(b.g, diff, gr_const(b.g, 0.01)), bias = gr_sum(b.g, d, (int[]){0}, 1, false);
    ROWS_ITEM(wide, all, column, hot, p, diff, d, bias);
    gr_space space = {rows, columns};
    gr_item item = {.kind = GR_ITEM_REGION,
                    .graph = b.g,
                    .nodes = nodes,
                    .n_nodes = 8,
                    .n_segments = 1,
                    .space = &space,
                    .in = (gr_val[]){e, sum, label},
                    .n_in = 3,
                    .out = (gr_val[]){d, bias},
                    .n_out = 2};
    make(&b, &item);
    compare(name, &b, hand_backward, rows, columns, (double)(rows * columns * 8));
}

/* ---- normalisation ---- */

HAND static void hand_apply(void **operand, int64_t rows, int64_t columns)
{
    const float *x = operand[0], *scale = operand[1], *shift = operand[2], *more = operand[3];
    float *y = operand[4];
    for (int64_t r = 0; r < rows; r++)
        for (int64_t c = 0; c < columns; c++) {
            float v = x[r * columns + c] * scale[c] + shift[c] + more[r * columns + c];
            y[r * columns + c] = v < 0 ? 0 : v;
        }
}

static void bench_apply(const char *name, int64_t rows, int64_t columns)
{
    if (!asked(name)) return;
    bench b = begin();
    gr_shape s = GR_SHAPE(rows, columns);
    gr_val x = gr_feed(b.g, "x", GR_REAL, s), scale = gr_feed(b.g, "s", GR_REAL, GR_SHAPE(columns)),
           shift = gr_feed(b.g, "t", GR_REAL, GR_SHAPE(columns)), more = gr_feed(b.g, "m", GR_REAL, s);
    gr_val a = gr_broadcast(b.g, scale, s), t = gr_broadcast(b.g, shift, s),
           z = gr__node_add(b.g, GR_OP_MULADD, (gr_val[]){x, a, t}, 3, NULL, NULL), sum = gr_add(b.g, z, more),
           y = gr_relu(b.g, sum);
    ROWS_ITEM(a, t, z, sum, y);
    gr_space space = {rows, columns};
    gr_item item = {.kind = GR_ITEM_REGION,
                    .graph = b.g,
                    .nodes = nodes,
                    .n_nodes = 5,
                    .n_segments = 1,
                    .space = &space,
                    .in = (gr_val[]){x, scale, shift, more},
                    .n_in = 4,
                    .out = &y,
                    .n_out = 1};
    make(&b, &item);
    compare(name, &b, hand_apply, rows, columns, (double)(rows * columns * 12));
}

HAND static void hand_sums(void **operand, int64_t rows, int64_t columns)
{
    const float *dy = operand[0], *x = operand[1];
    float *a = operand[2], *p = operand[3];
    memset(a, 0, (size_t)columns * 4);
    memset(p, 0, (size_t)columns * 4);
    for (int64_t r = 0; r < rows; r++)
        for (int64_t c = 0; c < columns; c++) {
            a[c] += dy[r * columns + c];
            p[c] += dy[r * columns + c] * x[r * columns + c];
        }
}

static void bench_sums(const char *name, int64_t rows, int64_t columns)
{
    if (!asked(name)) return;
    bench b = begin();
    gr_shape s = GR_SHAPE(rows, columns);
    gr_val dy = gr_feed(b.g, "d", GR_REAL, s), x = gr_feed(b.g, "x", GR_REAL, s), p = gr_mul(b.g, dy, x),
           a = gr_sum(b.g, dy, (int[]){0}, 1, false), q = gr_sum(b.g, p, (int[]){0}, 1, false);
    ROWS_ITEM(p, a, q);
    gr_space space = {rows, columns};
    gr_item item = {.kind = GR_ITEM_REGION,
                    .graph = b.g,
                    .nodes = nodes,
                    .n_nodes = 3,
                    .n_segments = 1,
                    .space = &space,
                    .in = (gr_val[]){dy, x},
                    .n_in = 2,
                    .out = (gr_val[]){a, q},
                    .n_out = 2};
    make(&b, &item);
    compare(name, &b, hand_sums, rows, columns, (double)(rows * columns * 8));
}

/* ---- functions ---- */

static void bench_function(const char *name, gr_val (*build)(gr_graph *, gr_val), int64_t n)
{
    if (!asked(name)) return;
    bench b = begin();
    gr_val x = gr_feed(b.g, "x", GR_REAL, GR_SHAPE(n)), y = build(b.g, x);
    uint32_t nodes[] = {gr__value(b.g, y)->node};
    gr_space space = {1, n};
    gr_item item = {.kind = GR_ITEM_REGION,
                    .graph = b.g,
                    .nodes = nodes,
                    .n_nodes = 1,
                    .n_segments = 1,
                    .space = &space,
                    .in = &x,
                    .n_in = 1,
                    .out = &y,
                    .n_out = 1};
    make(&b, &item);
    compare(name, &b, NULL, 0, 0, (double)(n * 8));
}

/* ---- nodes ---- */

static void bench_node(const char *name, bench b, gr_val v, double bytes)
{
    const gr_node *n = gr__producer(b.g, v);
    uint32_t node = gr__value(b.g, v)->node;
    gr_val in[4], out[2] = {n->out, n->out + 1};
    gr_item item = {.kind = GR_ITEM_NODE,
                    .graph = b.g,
                    .nodes = &node,
                    .n_nodes = 1,
                    .n_segments = 1,
                    .in = in,
                    .out = out,
                    .n_out = n->n_out};
    for (int i = 0; i < n->n_in; i++)
        if (gr__producer(b.g, n->in[i])->op->code != GR_OP_CONST) in[item.n_in++] = n->in[i];
    make(&b, &item);
    compare(name, &b, NULL, 0, 0, bytes);
}

static void bench_nodes(void)
{
    gr_pool_attr two = {{2, 2}, {2, 2}, {0, 0}, {0, 0}, false}, three = {{3, 3}, {2, 2}, {1, 1}, {1, 1}, false};
    const struct {
        const char *name;
        gr_shape s;
        gr_pool_attr *p;
    } pools[] = {{"max_pool 2x2, 64x24x24x32", {4, {64, 24, 24, 32}}, &two},
                 {"max_pool 2x2, 64x28x28x6", {4, {64, 28, 28, 6}}, &two},
                 {"max_pool 3x3/2, 8x112x112x64", {4, {8, 112, 112, 64}}, &three}};
    for (size_t i = 0; i < GR_COUNT(pools); i++) {
        char name[80];
        if (!asked(pools[i].name)) continue;
        bench b = begin(), d = begin();
        gr_val index, x = gr_feed(b.g, "x", GR_REAL, pools[i].s);
        double bytes = 4.0 * (double)gr_shape_count(pools[i].s);
        bench_node(pools[i].name, b, gr_max_pool(b.g, x, *pools[i].p, &index), bytes * 1.5);
        x = gr_feed(d.g, "x", GR_REAL, pools[i].s);
        gr_val y = gr_max_pool(d.g, x, *pools[i].p, &index), dy = gr_feed(d.g, "dy", GR_REAL, gr_shape_of(d.g, y)), dx;
        if (gr_pullback(d.g, &y, &dy, 1, &x, 1, &dx) != GR_OK) exit(1);
        snprintf(name, sizeof name, "%s, adjoint", pools[i].name);
        bench_node(name, d, dx, bytes * 1.5);
    }
    if (asked("random, 1M")) {
        bench b = begin();
        bench_node("random, 1M", b,
                   gr_random(b.g, "m", GR_SHAPE(1000, 1000), gr_const(b.g, 1), gr_const(b.g, 2), gr_const(b.g, 3)),
                   4e6);
    }
    if (asked("permute NHWC to NCHW, 8x56x56x64")) {
        bench b = begin();
        gr_val x = gr_feed(b.g, "x", GR_REAL, GR_SHAPE(8, 56, 56, 64));
        bench_node("permute NHWC to NCHW, 8x56x56x64", b, gr_permute(b.g, x, (int[]){0, 3, 1, 2}),
                   8.0 * 8 * 56 * 56 * 64);
    }
    if (asked("sum of pictures, 64x49x512")) {
        bench b = begin();
        gr_val x = gr_feed(b.g, "x", GR_REAL, GR_SHAPE(64, 49, 512));
        bench_node("sum of pictures, 64x49x512", b, gr_sum(b.g, x, (int[]){1}, 1, false), 4.0 * 64 * 49 * 512);
    }
    if (asked("gather 4096 of 30000x256")) {
        bench b = begin();
        gr_val x = gr_feed(b.g, "x", GR_REAL, GR_SHAPE(30000, 256)), i = gr_feed(b.g, "i", GR_I32, GR_SHAPE(4096));
        bench_node("gather 4096 of 30000x256", b, gr_gather(b.g, x, i), 8.0 * 4096 * 256);
    }
}

int main(int argc, char **argv)
{
    isa = gr__isa_chosen();
    for (int i = 1; i < argc; i++) {
        if (strcmp(argv[i], "-s") == 0 && i + 1 < argc) {
            seconds = atof(argv[++i]);
        } else if (strcmp(argv[i], "-i") == 0 && i + 1 < argc) {
            i++;
            for (int k = 0; k < GR__ISA_COUNT; k++)
                if (strcmp(argv[i], gr__isa_name((gr__isa)k)) == 0 && gr__isa_supported((gr__isa)k)) isa = (gr__isa)k;
        } else {
            wanted = argv[i];
        }
    }
    printf("%s\n", gr__isa_name(isa));
    static const int64_t small[] = {10000}, middle[] = {670000}, large[] = {25000000}, mlp[] = {100352, 128, 1280, 10},
                         tiny[] = {512, 32, 64, 2};
    bench_adam("adam, 512", tiny, 1, true);
    bench_adam("adam, 10 thousand", small, 1, true);
    bench_adam("adam, 670 thousand", middle, 1, true);
    bench_adam("adam, 25 million", large, 1, true);
    bench_adam("adam, 784-128-10 in four tensors", mlp, 4, false);
    bench_adam("adam, 16-32-2 in four tensors", tiny, 4, false);
    static const int64_t shapes[][2] = {{64, 10}, {1000, 10}, {64, 100}, {128, 1000}, {32, 32000}};
    for (size_t s = 0; s < GR_COUNT(shapes); s++) {
        char name[64];
        long long r = (long long)shapes[s][0], c = (long long)shapes[s][1];
        snprintf(name, sizeof name, "row maxima, %lldx%lld", r, c);
        bench_row_max(name, r, c);
        snprintf(name, sizeof name, "exp and row sums, %lldx%lld", r, c);
        bench_exp_sum(name, r, c);
        snprintf(name, sizeof name, "softmax backward and column sums, %lldx%lld", r, c);
        bench_backward(name, r, c);
    }
    bench_apply("norm, residual, relu, 4096x32", 4096, 32);
    bench_apply("norm, residual, relu, 50000x64", 50000, 64);
    bench_apply("norm, residual, relu, 50000x256", 50000, 256);
    bench_apply("norm, residual, relu, 6272x2048", 6272, 2048);
    bench_sums("norm backward sums, 4096x32", 4096, 32);
    bench_sums("norm backward sums, 50000x64", 50000, 64);
    bench_sums("norm backward sums, 50000x256", 50000, 256);
    bench_sums("norm backward sums, 6272x2048", 6272, 2048);
    bench_sums("column sums, 64x128", 64, 128);
    gr_val (*const functions[])(gr_graph *, gr_val) = {gr_exp, gr_log, gr_tanh, gr_sigmoid, gr_erf, gr_sin};
    static const char *const names[] = {"exp, 16384",     "log, 16384", "tanh, 16384",
                                        "sigmoid, 16384", "erf, 16384", "sin, 16384"};
    for (size_t f = 0; f < GR_COUNT(names); f++) bench_function(names[f], functions[f], 16384);
    bench_nodes();
    return 0;
}
