/* Loops that tests differentiate, run and compare with what they are when they are written out. */
#ifndef GR_TESTS_GRAPH_LOOPS_H
#define GR_TESTS_GRAPH_LOOPS_H

#include "gradus/graph.h"

/* h' = tanh(x + h w + b) with steps of x [steps, rows, n]; w [n, n], b [n]. All of h, and the last. */
static inline gr_val loop_plain(gr_graph *g, const gr_val *x, bool reverse, gr_val *last)
{
    gr_shape shape = gr_shape_of(g, x[0]);
    gr_val zero = gr_broadcast(g, gr_const(g, 0), GR_SHAPE(shape.dim[1], shape.dim[2]));
    gr_scan *s = gr_scan_begin(g, shape.dim[0], reverse);
    if (!s) return GR_NONE;
    gr_graph *b = gr_scan_body(s);
    gr_val h = gr_scan_carry(s, zero), in = gr_scan_step(s, x[0]), w = gr_scan_given(s, x[1]),
           bias = gr_scan_given(s, x[2]);
    gr_val next = gr_tanh(b, gr_add(b, gr_add(b, in, gr_matmul(b, h, w, false, false)), bias));
    gr_scan_next(s, h, next);
    gr_scan_end(s);
    if (last) *last = gr_scan_final(s, h);
    gr_val all = gr_scan_stack(s, next);
    gr_scan_free(s);
    return all;
}

/* The same without a loop: [steps, rows, n]. */
static inline gr_val loop_plain_written_out(gr_graph *g, const gr_val *x, bool reverse)
{
    gr_shape shape = gr_shape_of(g, x[0]);
    gr_val h = gr_broadcast(g, gr_const(g, 0), GR_SHAPE(shape.dim[1], shape.dim[2])), all[16];
    for (int64_t k = 0; k < shape.dim[0]; k++) {
        int64_t t = reverse ? shape.dim[0] - 1 - k : k;
        gr_val in = gr_reshape(g, gr_slice(g, x[0], 0, t, 1), GR_SHAPE(shape.dim[1], shape.dim[2]));
        h = gr_tanh(g, gr_add(g, gr_add(g, in, gr_matmul(g, h, x[1], false, false)), x[2]));
        all[t] = gr_reshape(g, h, GR_SHAPE(1, shape.dim[1], shape.dim[2]));
    }
    return gr_concat(g, all, (int)shape.dim[0], 0);
}

/* Two carries, one of which is only handed on and one that starts from an operand; what is given is used in no product:
 * a tensor of the steps' shape, and a number. x [steps, n], first [n], factor [n], number []. */
static inline gr_val loop_mixed(gr_graph *g, const gr_val *x)
{
    gr_shape shape = gr_shape_of(g, x[0]);
    gr_scan *s = gr_scan_begin(g, shape.dim[0], false);
    if (!s) return GR_NONE;
    gr_graph *b = gr_scan_body(s);
    gr_val in = gr_scan_step(s, x[0]), first = gr_scan_carry(s, x[1]), old = gr_scan_carry(s, x[2]),
           factor = gr_scan_given(s, x[2]), number = gr_scan_given(s, x[3]);
    gr_val next = gr_sin(b, gr_add(b, gr_mul(b, gr_mul(b, first, factor), in), gr_mul(b, old, number)));
    gr_scan_next(s, first, next);
    gr_scan_next(s, old, first);
    gr_scan_end(s);
    gr_val parts[] = {gr_scan_stack(s, first), gr_scan_stack(s, next),
                      gr_reshape(g, gr_scan_final(s, old), GR_SHAPE(1, shape.dim[1])),
                      gr_reshape(g, gr_scan_final(s, first), GR_SHAPE(1, shape.dim[1]))};
    gr_scan_free(s);
    return gr_concat(g, parts, 4, 0);
}

static inline gr_val loop_mixed_written_out(gr_graph *g, const gr_val *x)
{
    gr_shape shape = gr_shape_of(g, x[0]), row = GR_SHAPE(1, shape.dim[1]);
    gr_val first = x[1], old = x[2], before[16], after[16];
    for (int64_t t = 0; t < shape.dim[0]; t++) {
        gr_val in = gr_reshape(g, gr_slice(g, x[0], 0, t, 1), GR_SHAPE(shape.dim[1]));
        gr_val next = gr_sin(g, gr_add(g, gr_mul(g, gr_mul(g, first, x[2]), in), gr_mul(g, old, x[3])));
        before[t] = gr_reshape(g, first, row);
        after[t] = gr_reshape(g, next, row);
        old = first;
        first = next;
    }
    gr_val parts[] = {gr_concat(g, before, (int)shape.dim[0], 0), gr_concat(g, after, (int)shape.dim[0], 0),
                      gr_reshape(g, old, row), gr_reshape(g, first, row)};
    return gr_concat(g, parts, 4, 0);
}

/* z = tanh(z w + x + b) of every row; x [rows, n], w [n, n], b [n]. */
static inline gr_val fixed_point_plain(gr_graph *g, const gr_val *x, gr_fixed_point_attr attr)
{
    gr_shape shape = gr_shape_of(g, x[0]);
    gr_val z = gr_unknown(g, shape), zeros = gr_broadcast(g, gr_const(g, 0), shape);
    gr_val sum = gr_add(g, gr_matmul(g, z, gr_mul(g, x[1], gr_const(g, 0.2)), false, false), gr_add(g, x[0], x[2]));
    return gr_fixed_point(g, z, gr_tanh(g, sum), zeros, attr, NULL, NULL);
}

/* The same by as many steps. */
static inline gr_val fixed_point_written_out(gr_graph *g, const gr_val *x, int steps)
{
    gr_shape shape = gr_shape_of(g, x[0]);
    gr_val z = gr_broadcast(g, gr_const(g, 0), shape), w = gr_mul(g, x[1], gr_const(g, 0.2));
    for (int i = 0; i < steps; i++) z = gr_tanh(g, gr_add(g, gr_matmul(g, z, w, false, false), gr_add(g, x[0], x[2])));
    return z;
}

/* A loop in the body of a loop: each step of the outer one runs plain's loop over its part, from what it carries.
 * x [steps, inner steps, rows, n], w [n, n], b [n]. */
static inline gr_val loop_nested(gr_graph *g, const gr_val *x)
{
    gr_shape shape = gr_shape_of(g, x[0]);
    gr_val zero = gr_broadcast(g, gr_const(g, 0), GR_SHAPE(shape.dim[2], shape.dim[3]));
    gr_scan *s = gr_scan_begin(g, shape.dim[0], false);
    if (!s) return GR_NONE;
    gr_graph *b = gr_scan_body(s);
    gr_val carried = gr_scan_carry(s, zero),
           inner[] = {gr_scan_step(s, x[0]), gr_scan_given(s, x[1]), gr_scan_given(s, x[2])}, last = GR_NONE;
    gr_val all = loop_plain(b, inner, true, &last);
    gr_val next = gr_add(b, gr_mul(b, carried, gr_const(b, 0.5)), last);
    gr_scan_next(s, carried, next);
    gr_scan_end(s);
    gr_val sums = gr_sum(g, gr_scan_stack(s, all), (int[]){0, 1}, 2, false);
    gr_val out = gr_add(g, sums, gr_scan_final(s, carried));
    gr_scan_free(s);
    return out;
}

#endif
