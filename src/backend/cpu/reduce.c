/* Sums and maxima over any axes, and where the maximum is. Accumulated in double, in index order for every result. */
#include <math.h>
#include <string.h>

#include "backend/cpu/cpu.h"
#include "backend/cpu/native.h"
#include "backend/cpu/work.h"

enum { BLOCK = 512 }; /* columns whose sums are kept at once */

/* Adjacent axes that are all kept, or all reduced, are one. `inner` elements at the end are adjacent in memory. */
typedef struct reduction {
    gr_kernel base;
    const gr__native_set *set;
    bool max, to_double, inner_kept;
    int64_t inner;
    int n_kept, n_reduced; /* groups before the inner one */
    int64_t kept[GR_MAX_RANK], kept_stride[GR_MAX_RANK], reduced[GR_MAX_RANK], reduced_stride[GR_MAX_RANK];
    int64_t results, blocks; /* products of kept; blocks of inner columns for each */
} reduction;

static int64_t product(const int64_t *size, int n)
{
    int64_t all = 1;
    for (int i = 0; i < n; i++) all *= size[i];
    return all;
}

static int64_t offset_of(int64_t e, const int64_t *size, const int64_t *stride, int n)
{
    int64_t at = 0;
    for (int i = n - 1; i >= 0; i--) {
        at += e % size[i] * stride[i];
        e /= size[i];
    }
    return at;
}

static void put(const reduction *k, void *y, int64_t e, double v)
{
    if (k->to_double)
        *(double *)y = v;
    else
        ((float *)y)[e] = (float)v;
}

/* All that is reduced into n results from element x on. The innermost reduced group is walked by the loop of the
 * instruction set. */
static void reduce_block(const reduction *k, const float *x, int64_t n, double *to)
{
    int last = k->n_reduced - 1;
    int64_t rows = last < 0 ? 1 : k->reduced[last], stride = last < 0 ? 0 : k->reduced_stride[last];
    int64_t outer = product(k->reduced, GR_MAX(last, 0));
    for (int64_t c = 0; c < n; c++) to[c] = k->max ? -(double)INFINITY : 0;
    for (int64_t r = 0; r < outer; r++)
        k->set->reduce_rows(k->max, x + offset_of(r, k->reduced, k->reduced_stride, last), stride, rows, n, to);
}

static double reduce_lines(const reduction *k, const float *x)
{
    int64_t lines = product(k->reduced, k->n_reduced);
    double all = k->max ? -(double)INFINITY : 0;
    for (int64_t r = 0; r < lines; r++) {
        double line =
            k->set->reduce_line(k->max, x + offset_of(r, k->reduced, k->reduced_stride, k->n_reduced), k->inner);
        all = !k->max ? all + line : all < line || isnan(line) ? line : all;
    }
    return all;
}

static void run(const gr_kernel *kernel, const gr_call *call, int shard)
{
    const reduction *k = (const reduction *)kernel;
    const float *x = call->operand[0];
    double *to = call->scratch;
    int64_t begin, end;
    gr__cpu_part(k->results * k->blocks, 1, kernel->phase[0].n_shards, shard, &begin, &end);
    for (int64_t u = begin; u < end; u++) {
        int64_t e = u / k->blocks, first = u % k->blocks * BLOCK, n = GR_MIN(k->inner - first, BLOCK);
        const float *from = x + offset_of(e, k->kept, k->kept_stride, k->n_kept);
        if (!k->inner_kept) {
            put(k, call->operand[1], e, reduce_lines(k, from));
            continue;
        }
        reduce_block(k, from + first, n, to);
        for (int64_t c = 0; c < n; c++) put(k, call->operand[1], e * k->inner + first + c, to[c]);
    }
}

static void destroy(gr_context *ctx, gr_kernel *kernel)
{
    gr__free(ctx, kernel, sizeof(reduction));
}

static void fold(reduction *k, gr_shape s, int64_t mask)
{
    int64_t size[GR_MAX_RANK], stride[GR_MAX_RANK], step = 1;
    bool is_kept[GR_MAX_RANK];
    int n = 0;
    for (int i = s.rank - 1; i >= 0; i--) { /* from the last to the first */
        bool keep = !(mask >> i & 1);
        if (s.dim[i] != 1) {
            if (n > 0 && is_kept[n - 1] == keep) {
                size[n - 1] *= s.dim[i];
            } else {
                size[n] = s.dim[i];
                stride[n] = step;
                is_kept[n++] = keep;
            }
        }
        step *= s.dim[i];
    }
    k->inner = n > 0 ? size[0] : 1;
    k->inner_kept = n > 0 && is_kept[0];
    for (int g = n - 1; g > 0; g--) {
        if (is_kept[g]) {
            k->kept[k->n_kept] = size[g];
            k->kept_stride[k->n_kept++] = stride[g];
        } else {
            k->reduced[k->n_reduced] = size[g];
            k->reduced_stride[k->n_reduced++] = stride[g];
        }
    }
    k->results = product(k->kept, k->n_kept);
    k->blocks = k->inner_kept ? (k->inner + BLOCK - 1) / BLOCK : 1;
}

gr_status gr__reduce_make(gr_context *ctx, const gr_item *item, gr__isa isa, gr_kernel **out)
{
    const gr_node *n = gr__node(item->graph, item->nodes[0]);
    gr_shape s = gr__value(item->graph, n->in[0])->shape;
    reduction *k = gr__alloc(ctx, sizeof *k);
    if (!k) return gr__error_code(ctx);
    k->set = gr__native_set_get(isa);
    k->max = n->op->code == GR_OP_REDUCE_MAX;
    k->to_double = gr__value(item->graph, n->out)->shape.rank == 0;
    fold(k, s, n->attr.i[0]);
    double elements = (double)gr_shape_count(s);
    k->base = (gr_kernel){.name = k->max ? "maximum" : "sum",
                          .n_phases = 1,
                          .n_operands = 2,
                          .destroy = destroy,
                          .scratch_bytes = BLOCK * sizeof(double)};
    k->base.phase[0].run = run;
    k->base.phase[0].n_shards = (int)GR_MAX(1, GR_MIN(gr__cpu_shards((int64_t)elements), k->results * k->blocks));
    k->base.phase[0].cost_ns = 30 + GR_MAX(elements * 0.3, gr__cpu_move_ns(elements * 4));
    *out = &k->base;
    return GR_OK;
}

/* ---- arg-max ---- */

typedef struct argmax {
    gr_kernel base;
    int64_t outer, size, inner;
} argmax;

static void run_argmax(const gr_kernel *kernel, const gr_call *call, int shard)
{
    const argmax *k = (const argmax *)kernel;
    int64_t begin, end;
    gr__cpu_part(k->outer, 1, kernel->phase[0].n_shards, shard, &begin, &end);
    for (int64_t o = begin; o < end; o++)
        for (int64_t c = 0; c < k->inner; c++) {
            const float *x = (const float *)call->operand[0] + o * k->size * k->inner + c;
            int64_t best = 0;
            for (int64_t i = 1; i < k->size && !isnan(x[best * k->inner]); i++)
                if (x[i * k->inner] > x[best * k->inner] || isnan(x[i * k->inner])) best = i;
            ((int32_t *)call->operand[1])[o * k->inner + c] = (int32_t)best;
        }
}

static void destroy_argmax(gr_context *ctx, gr_kernel *kernel)
{
    gr__free(ctx, kernel, sizeof(argmax));
}

gr_status gr__argmax_make(gr_context *ctx, const gr_item *item, gr__isa isa, gr_kernel **out)
{
    const gr_node *n = gr__node(item->graph, item->nodes[0]);
    gr_shape s = gr__value(item->graph, n->in[0])->shape;
    argmax *k = gr__alloc(ctx, sizeof *k);
    (void)isa;
    if (!k) return gr__error_code(ctx);
    k->outer = k->inner = 1;
    for (int i = 0; i < s.rank; i++)
        *(i < n->attr.i[0] ? &k->outer : i == n->attr.i[0] ? &k->size : &k->inner) *= i == n->attr.i[0] ? 1 : s.dim[i];
    k->size = s.dim[n->attr.i[0]];
    double elements = (double)gr_shape_count(s);
    k->base = (gr_kernel){.name = "argmax", .n_phases = 1, .n_operands = 2, .destroy = destroy_argmax};
    k->base.phase[0].run = run_argmax;
    k->base.phase[0].n_shards = (int)GR_MAX(1, GR_MIN(gr__cpu_shards((int64_t)elements), k->outer));
    k->base.phase[0].cost_ns = 20 + elements * 1.2;
    *out = &k->base;
    return GR_OK;
}
