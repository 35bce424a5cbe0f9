/* What moves elements: broadcast, permute, reshape (strided reading), slice, concat, pad (runs of bytes). */
#include <string.h>

#include "backend/cpu/cpu.h"
#include "backend/cpu/native.h"
#include "backend/cpu/work.h"

/* ---- strided reading: out is dense, in is read by strides ---- */

typedef struct strided {
    gr_kernel base;
    const gr__native_set *set;
    size_t element;
    bool from_double; /* rank 0 */
    int n;            /* axes before the two that the inner loops take */
    int64_t size[GR_MAX_RANK], in[GR_MAX_RANK], out[GR_MAX_RANK], outer;
    int64_t rows, row_in, row_out, columns, column_in; /* columns are adjacent in the output */
    int64_t block;                                     /* rows of a unit of work */
} strided;

static void fill(void *to, const void *value, int64_t n, size_t element)
{
    if (element == 1) {
        if (n > 0) memset(to, *(const uint8_t *)value, (size_t)n);
    } else {
        int32_t v = *(const int32_t *)value;
        for (int64_t c = 0; c < n; c++) ((int32_t *)to)[c] = v;
    }
}

static void gather(char *to, const char *from, int64_t stride, int64_t n, size_t element)
{
    if (element == 1)
        for (int64_t c = 0; c < n; c++) to[c] = from[c * stride];
    else
        for (int64_t c = 0; c < n; c++) ((int32_t *)(void *)to)[c] = ((const int32_t *)(const void *)from)[c * stride];
}

static void copy_rows(const strided *k, const char *from, char *to, int64_t first, int64_t end)
{
    size_t e = k->element;
    if (k->row_in == 1 && k->column_in > 1 && e == 4) {
        k->set->transpose((const float *)(const void *)from + first, k->column_in,
                          (float *)(void *)to + first * k->row_out, k->row_out, end - first, k->columns);
        return;
    }
    for (int64_t r = first; r < end; r++) {
        const char *x = from + r * k->row_in * (int64_t)e;
        char *y = to + r * k->row_out * (int64_t)e;
        if (k->column_in == 1)
            memcpy(y, x, (size_t)k->columns * e);
        else if (k->column_in == 0)
            fill(y, x, k->columns, e);
        else
            gather(y, x, k->column_in, k->columns, e);
    }
}

static void run_strided(const gr_kernel *kernel, const gr_call *call, int shard)
{
    const strided *k = (const strided *)kernel;
    int64_t begin, end, blocks = (k->rows + k->block - 1) / k->block;
    float value = 0;
    const char *in = call->operand[0];
    if (k->from_double) {
        value = (float)*(const double *)call->operand[0];
        in = (const char *)&value;
    }
    gr__cpu_part(k->outer * blocks, 1, kernel->phase[0].n_shards, shard, &begin, &end);
    for (int64_t u = begin; u < end; u++) {
        int64_t e = u / blocks, from = 0, to = 0, first = u % blocks * k->block;
        for (int i = k->n - 1; i >= 0; i--) {
            from += e % k->size[i] * k->in[i];
            to += e % k->size[i] * k->out[i];
            e /= k->size[i];
        }
        copy_rows(k, in + from * (int64_t)k->element, (char *)call->operand[1] + to * (int64_t)k->element, first,
                  GR_MIN(first + k->block, k->rows));
    }
}

static void destroy_strided(gr_context *ctx, gr_kernel *kernel)
{
    gr__free(ctx, kernel, sizeof(strided));
}

/* Takes axis i out of the outer ones. */
static void remove_axis(strided *k, int i)
{
    for (k->n--; i < k->n; i++) {
        k->size[i] = k->size[i + 1];
        k->in[i] = k->in[i + 1];
        k->out[i] = k->out[i + 1];
    }
}

/* Merges axes that lie together, takes the last one as columns and as rows the one that is adjacent in the input, or
 * the one before. */
static void arrange(strided *k, gr_shape shape, const int64_t *in)
{
    int64_t step = 1, out[GR_MAX_RANK] = {0};
    for (int i = shape.rank - 1; i >= 0; i--) {
        out[i] = step;
        step *= shape.dim[i];
    }
    for (int i = 0; i < shape.rank; i++) {
        if (shape.dim[i] == 1) continue;
        bool joins = k->n > 0 && k->in[k->n - 1] == in[i] * shape.dim[i];
        if (joins) {
            k->size[k->n - 1] *= shape.dim[i];
            k->in[k->n - 1] = in[i];
            k->out[k->n - 1] = out[i];
        } else {
            k->size[k->n] = shape.dim[i];
            k->in[k->n] = in[i];
            k->out[k->n++] = out[i];
        }
    }
    k->rows = k->columns = 1;
    k->column_in = 1;
    if (k->n > 0) {
        k->columns = k->size[k->n - 1];
        k->column_in = k->in[--k->n];
    }
    int row = k->n - 1;
    for (int i = 0; i < k->n && k->column_in > 1; i++)
        if (k->in[i] == 1) row = i;
    if (row >= 0) {
        k->rows = k->size[row];
        k->row_in = k->in[row];
        k->row_out = k->out[row];
        remove_axis(k, row);
    }
    k->outer = 1;
    for (int i = 0; i < k->n; i++) k->outer *= k->size[i];
    if (step == 0) k->outer = 0;
    k->block = GR_MAX(16, (16384 / GR_MAX(k->columns, 1) + 15) / 16 * 16);
}

static void dense(gr_shape s, int64_t *stride)
{
    int64_t step = 1;
    for (int i = s.rank - 1; i >= 0; i--) {
        stride[i] = step;
        step *= s.dim[i];
    }
}

static void read_by(const gr_graph *g, const gr_node *n, int64_t *stride)
{
    gr_shape from = gr__value(g, n->in[0])->shape, to = gr__value(g, n->out)->shape;
    if (n->op->code == GR_OP_BROADCAST) {
        gr__broadcast_strides(from, to, stride);
    } else if (n->op->code == GR_OP_PERMUTE) {
        int64_t of[GR_MAX_RANK];
        dense(from, of);
        for (int i = 0; i < to.rank; i++) stride[i] = of[n->attr.i[i]];
    } else {
        dense(to, stride);
    }
}

static gr_status make_strided(gr_context *ctx, const gr_item *item, gr__isa isa, gr_kernel **out)
{
    const gr_graph *g = item->graph;
    const gr_node *n = gr__node(g, item->nodes[0]);
    const gr_value *to = gr__value(g, n->out), *from = gr__value(g, n->in[0]);
    if (item->n_in != 1) return gr__fail(ctx, GR_E_INTERNAL, "%s: its operand is not in memory", n->op->name);
    strided *k = gr__alloc(ctx, sizeof *k);
    if (!k) return gr__error_code(ctx);
    int64_t stride[GR_MAX_RANK] = {0};
    read_by(g, n, stride);
    k->set = gr__native_set_get(isa);
    k->element = gr__dtype_bytes(to->dtype, GR_EL_F32);
    k->from_double = from->shape.rank == 0 && from->dtype == GR_REAL;
    arrange(k, to->shape, stride);
    double bytes = (double)gr_shape_count(to->shape) * (double)k->element;
    int64_t units = k->outer * ((k->rows + k->block - 1) / k->block);
    k->base = (gr_kernel){.name = n->op->name, .n_phases = 1, .n_operands = 2, .destroy = destroy_strided};
    k->base.phase[0].run = run_strided;
    k->base.phase[0].n_shards = (int)GR_MAX(1, GR_MIN(gr__cpu_shards((int64_t)bytes / 4), units));
    k->base.phase[0].cost_ns = 20 + gr__cpu_move_ns(2 * bytes) * (k->column_in > 1 ? 4 : 1);
    *out = &k->base;
    return GR_OK;
}

/* ---- runs of bytes ---- */

enum { PIECE = 65536 };

typedef struct run {
    int operand;                      /* -1: zeros */
    size_t bytes, in, in_stride, out; /* of a row; the output's stride is the same for all */
} run;

typedef struct runs {
    gr_kernel base;
    int n;
    int64_t rows, pieces; /* pieces of the longest run: units of work are rows, and pieces of them */
    size_t out_stride;
    run run[];
} runs;

static void run_runs(const gr_kernel *kernel, const gr_call *call, int shard)
{
    const runs *k = (const runs *)kernel;
    int64_t begin, end;
    gr__cpu_part(k->rows * k->pieces, 1, kernel->phase[0].n_shards, shard, &begin, &end);
    for (int64_t u = begin; u < end; u++) {
        size_t row = (size_t)(u / k->pieces), first = (size_t)(u % k->pieces) * PIECE;
        for (int i = 0; i < k->n; i++) {
            const run *r = &k->run[i];
            if (first >= r->bytes) continue;
            size_t bytes = GR_MIN(r->bytes - first, PIECE);
            char *to = (char *)call->operand[kernel->n_operands - 1] + row * k->out_stride + r->out + first;
            if (r->operand < 0)
                memset(to, 0, bytes);
            else
                memcpy(to, (const char *)call->operand[r->operand] + row * r->in_stride + r->in + first, bytes);
        }
    }
}

static void destroy_runs(gr_context *ctx, gr_kernel *kernel)
{
    gr__free(ctx, kernel, sizeof(runs) + (size_t)((runs *)kernel)->n * sizeof(run));
}

/* Bytes of a row: the axis and all behind it. */
static size_t row_bytes(const gr_graph *g, gr_val v, int64_t axis)
{
    const gr_value *x = gr__value(g, v);
    size_t bytes = gr__dtype_bytes(x->dtype, GR_EL_F32);
    for (int i = (int)axis; i < x->shape.rank; i++) bytes *= (size_t)x->shape.dim[i];
    return bytes;
}

static void set_runs(runs *k, const gr_item *item, const gr_node *n)
{
    const gr_graph *g = item->graph;
    size_t at = 0, step = row_bytes(g, n->out, n->attr.i[0] + 1);
    if (n->op->code == GR_OP_CONCAT) {
        for (int i = 0; i < n->n_in; i++) {
            size_t bytes = row_bytes(g, n->in[i], n->attr.i[0]);
            k->run[i] = (run){gr__cpu_input(item, n->in[i]), bytes, 0, bytes, at};
            at += bytes;
        }
    } else if (n->op->code == GR_OP_SLICE) {
        k->run[0] = (run){0, row_bytes(g, n->out, n->attr.i[0]), step * (size_t)n->attr.i[1],
                          row_bytes(g, n->in[0], n->attr.i[0]), 0};
    } else {
        size_t before = step * (size_t)n->attr.i[1], bytes = row_bytes(g, n->in[0], n->attr.i[0]),
               after = step * (size_t)n->attr.i[2];
        k->run[0] = (run){-1, before, 0, 0, 0};
        k->run[1] = (run){0, bytes, 0, bytes, before};
        k->run[2] = (run){-1, after, 0, 0, before + bytes};
    }
}

static gr_status make_runs(gr_context *ctx, const gr_item *item, gr_kernel **out)
{
    const gr_graph *g = item->graph;
    const gr_node *n = gr__node(g, item->nodes[0]);
    int count = n->op->code == GR_OP_CONCAT ? n->n_in : n->op->code == GR_OP_SLICE ? 1 : 3;
    runs *k = gr__alloc(ctx, sizeof *k + (size_t)count * sizeof(run));
    if (!k) return gr__error_code(ctx);
    k->n = count;
    k->out_stride = row_bytes(g, n->out, n->attr.i[0]);
    k->rows = k->out_stride ? 1 : 0;
    for (int i = 0; i < n->attr.i[0]; i++) k->rows *= gr__value(g, n->out)->shape.dim[i];
    set_runs(k, item, n);
    k->pieces = 1;
    for (int i = 0; i < count; i++) k->pieces = GR_MAX(k->pieces, (int64_t)((k->run[i].bytes + PIECE - 1) / PIECE));
    double bytes = (double)k->rows * (double)k->out_stride;
    k->base = (gr_kernel){.name = n->op->name, .n_phases = 1, .n_operands = item->n_in + 1, .destroy = destroy_runs};
    k->base.phase[0].run = run_runs;
    k->base.phase[0].n_shards = (int)GR_MAX(1, GR_MIN(gr__cpu_shards((int64_t)bytes / 4), k->rows * k->pieces));
    k->base.phase[0].cost_ns = 20 + gr__cpu_move_ns(2 * bytes) + 5.0 * (double)(k->rows * count);
    *out = &k->base;
    return GR_OK;
}

gr_status gr__move_make(gr_context *ctx, const gr_item *item, gr__isa isa, gr_kernel **out)
{
    gr_opcode code = gr__node(item->graph, item->nodes[0])->op->code;
    bool by_runs = code == GR_OP_SLICE || code == GR_OP_CONCAT || code == GR_OP_PAD;
    return by_runs ? make_runs(ctx, item, out) : make_strided(ctx, item, isa, out);
}
