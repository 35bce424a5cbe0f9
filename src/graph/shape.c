/* Shapes: sizes, strides, text, and walking through elements. */
#include <stdio.h>
#include <string.h>

#include "graph/op.h"

int64_t gr_shape_count(gr_shape s)
{
    if (s.rank < 0 || s.rank > GR_MAX_RANK) return -1;
    int64_t count = 1;
    bool empty = false, large = false;
    for (int i = 0; i < s.rank; i++) {
        if (s.dim[i] < 0) return -1;
        if (s.dim[i] == 0)
            empty = true;
        else
            large |= __builtin_mul_overflow(count, s.dim[i], &count);
    }
    return empty ? 0 : large ? -1 : count;
}

bool gr__shape_equal(gr_shape a, gr_shape b)
{
    if (a.rank != b.rank) return false;
    for (int i = 0; i < a.rank; i++)
        if (a.dim[i] != b.dim[i]) return false;
    return true;
}

const char *gr__shape_text(gr_shape s, char *buffer)
{
    /* 96 bytes hold the shapes that a graph accepts (58 bits in all); hostile ones are cut. */
    size_t at = 0;
    buffer[at++] = '[';
    for (int i = 0; i < s.rank && i < GR_MAX_RANK && at < 90; i++)
        at += (size_t)snprintf(buffer + at, 92 - at, "%s%lld", i ? "," : "", (long long)s.dim[i]);
    if (at > 91) at = 91;
    memcpy(buffer + at, "]", 2);
    return buffer;
}

void gr__broadcast_strides(gr_shape from, gr_shape to, int64_t strides[GR_MAX_RANK])
{
    int64_t step = 1;
    memset(strides, 0, GR_MAX_RANK * sizeof *strides);
    for (int i = to.rank - 1, j = from.rank - 1; j >= 0; i--, j--) {
        strides[i] = from.dim[j] == 1 ? 0 : step;
        step *= from.dim[j];
    }
}

void gr__dense_strides(gr_shape s, int64_t strides[GR_MAX_RANK])
{
    int64_t step = 1;
    for (int i = s.rank - 1; i >= 0; i--) {
        strides[i] = step;
        step *= s.dim[i];
    }
}

void gr__next_index(gr_shape s, int64_t index[GR_MAX_RANK])
{
    for (int i = s.rank - 1; i >= 0; i--) {
        if (++index[i] < s.dim[i]) return;
        index[i] = 0;
    }
}

double gr__flops_results(const gr_graph *g, const gr_node *n)
{
    return (double)gr_shape_count(gr_shape_of(g, n->out));
}

double gr__flops_operand(const gr_graph *g, const gr_node *n)
{
    return (double)gr_shape_count(gr_shape_of(g, n->in[0]));
}

double gr__ref_get(const gr_ref *r, int64_t i)
{
    switch (r->dtype) {
    case GR_I32:
        return ((const int32_t *)r->data)[i];
    case GR_U8:
        return ((const uint8_t *)r->data)[i];
    default:
        return ((const double *)r->data)[i];
    }
}

void gr__ref_copy(const gr_ref *from, const int64_t *from_strides, int64_t from_offset, gr_ref *to,
                  const int64_t *to_strides, int64_t to_offset, gr_shape space)
{
    size_t bytes = gr__ref_bytes(from->dtype);
    int64_t index[GR_MAX_RANK] = {0}, count = gr_shape_count(space);
    for (int64_t e = 0; e < count; e++) {
        int64_t i = from_offset, o = to_offset;
        for (int d = 0; d < space.rank; d++) {
            i += index[d] * from_strides[d];
            o += index[d] * to_strides[d];
        }
        memcpy((char *)to->data + (size_t)o * bytes, (const char *)from->data + (size_t)i * bytes, bytes);
        gr__next_index(space, index);
    }
}

size_t gr__ref_bytes(gr_dtype t)
{
    return gr__dtype_bytes(t, GR_EL_F64);
}

/* ---- checks ---- */

bool gr__shape_check(gr_graph *g, gr_shape s)
{
    char text[96];
    if (s.rank < 0 || s.rank > GR_MAX_RANK)
        return gr__op_fail(g, GR_E_SHAPE, "rank %d is not in 0..%d", s.rank, GR_MAX_RANK);
    int64_t count = 1;
    for (int i = 0; i < s.rank; i++) {
        if (s.dim[i] < 0)
            return gr__op_fail(g, GR_E_SHAPE, "size %lld of axis %d is negative: %s", (long long)s.dim[i], i,
                               gr__shape_text(s, text));
        if (__builtin_mul_overflow(count, GR_MAX(s.dim[i], 1), &count) || count > GR__MAX_SIZE)
            return gr__op_fail(g, GR_E_SHAPE, "%s has too many elements", gr__shape_text(s, text));
    }
    return true;
}

bool gr__want_dtype(gr_graph *g, const gr_val *in, int i, gr_dtype dtype)
{
    const gr_value *v = gr__value(g, in[i]);
    char text[96];
    if (v->dtype == dtype) return true;
    return gr__op_fail(g, GR_E_TYPE, "operand %d is %s%s, wanted %s", i + 1, gr__dtype_text(v->dtype),
                       gr__shape_text(v->shape, text), gr__dtype_text(dtype));
}

bool gr__want_rank(gr_graph *g, const gr_val *in, int i, int rank)
{
    const gr_value *v = gr__value(g, in[i]);
    char text[96];
    if (v->shape.rank == rank) return true;
    return gr__op_fail(g, GR_E_SHAPE, "operand %d is %s, wanted rank %d", i + 1, gr__shape_text(v->shape, text), rank);
}

bool gr__want_axis(gr_graph *g, const gr_val *in, int i, int64_t axis)
{
    const gr_value *v = gr__value(g, in[i]);
    char text[96];
    if (axis >= 0 && axis < v->shape.rank) return true;
    return gr__op_fail(g, GR_E_RANGE, "axis %lld is none of %s", (long long)axis, gr__shape_text(v->shape, text));
}
