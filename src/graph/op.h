/* What the files of the operations share: their tables, checks for shape rules, helpers for gradient rules and
 * reference loops. */
#ifndef GR_GRAPH_OP_H
#define GR_GRAPH_OP_H

#include "base/dtype.h"
#include "graph/body.h"
#include "graph/state.h"

/* Of a shape's elements, zero sizes counted as one: byte counts and strides cannot overflow. */
#define GR__MAX_SIZE ((int64_t)1 << 58)
#define GR__MAX_INDEX ((int64_t)INT32_MAX) /* sizes that GR_I32 must count */

/* One table a family, in the order of gr_opcode. */
extern const gr_op gr__leaf_ops[], gr__map_ops[], gr__shape_ops[], gr__reduce_ops[], gr__index_ops[],
    gr__contract_ops[], gr__pool_ops[], gr__norm_ops[], gr__attention_ops[], gr__packed_ops[], gr__loop_ops[],
    gr__composed_ops[];

/* ---- checks, for `infer` ---- */
/* Fails with scope and operation before the text; returns false. */
bool gr__op_fail(gr_graph *g, gr_status code, const char *format, ...) GR_PRINTF(3, 4);
bool gr__shape_check(gr_graph *g, gr_shape s); /* rank and sizes within bounds */
bool gr__want_dtype(gr_graph *g, const gr_val *in, int i, gr_dtype dtype);
bool gr__want_rank(gr_graph *g, const gr_val *in, int i, int rank);
bool gr__want_axis(gr_graph *g, const gr_val *in, int i, int64_t axis);
size_t gr__ref_bytes(gr_dtype t); /* of an element of a reference buffer */

/* ---- attributes ---- */
const gr__field *gr__op_fields(const gr_op *op); /* the list, which may be empty */
const void *gr__field_bytes(const gr_attr *attr, const gr__field *f, size_t *bytes);
bool gr__op_named(const gr_op *op); /* does a name belong to its nodes? */
/* Is nothing set but what the operation's fields name? */
bool gr__attr_fits(const gr_op *op, const gr_attr *attr);

/* ---- building ---- */
/* May builders use v? False after a failure; GR_NONE and rubbish fail the graph, naming the operation. */
bool gr__usable(gr_graph *g, gr_opcode code, gr_val v);
/* An elementwise operation, also one that is in no table: broadcasts, folds constants, drops what does nothing. */
gr_val gr__elementwise(gr_graph *g, const gr_op *op, const gr_val *operands);
const gr_node *gr__made_by(const gr_graph *g, gr_val v,
                           gr_opcode code);                    /* v's producer if it is such an operation, else NULL */
bool gr__is_const(const gr_graph *g, gr_val v, double *value); /* rank-0 constants only */
/* v summed over the axes along which `shape` was stretched to v's shape: the adjoint of broadcasting. */
gr_val gr__sum_to(gr_graph *g, gr_val v, gr_shape shape);

/* What stands before the squares of a's own numbers in a sum of squares: 2^(-2 down), |down| at most so much. */
enum { GR__MAX_DOWN = 256 };
double gr__sum_squares_factor(const gr_attr *attr);

/* ---- decompositions (decompose.c) ---- */
enum { GR__DEEPEST = 16 }; /* of one within another: more, and an operation is said by itself */
/* The operation's values said by simpler ones, on operands of g. types: of its outputs, which those of the
 * decomposition must be; NULL: whatever they are. False: the graph has failed. */
bool gr__decompose(gr_graph *g, const gr_op *op, const gr_attr *attr, const gr_val *in, int n_in, const gr_value *types,
                   gr_val *out);
/* Its shape rule, or that of its decomposition. */
bool gr__op_infer(gr_graph *g, const gr_op *op, const gr_attr *attr, const gr_val *in, int n_in, gr_value *out);
/* A node's decomposition in a graph of its own, on leaves that stand in for its operands. */
typedef struct gr__apart {
    gr_graph *g;
    gr_val *in, *out; /* the leaves; what the outputs are */
} gr__apart;
GR_CHECKED gr_status gr__apart_open(const gr_graph *g, const gr_node *n, gr__apart *a); /* close it also on failure */
void gr__apart_close(gr__apart *a);

/* ---- gradients ---- */
void gr__no_gradient(gr_graph *g, const gr_node *n, const gr_val *dout, gr_val *din);
bool gr__wanted(const gr_graph *g, const gr_node *n, int input);
void gr__scan_gradient(gr_graph *g, const gr_node *n, const gr_val *dout, gr_val *din); /* scan_gradient.c */

/* ---- what a node costs ---- */
/* One an element of the result, or of the first operand. */
double gr__flops_results(const gr_graph *g, const gr_node *n);
double gr__flops_operand(const gr_graph *g, const gr_node *n);

/* ---- reference loops ---- */
/* Element i of a buffer of any dtype. */
double gr__ref_get(const gr_ref *r, int64_t i);
/* Row-major strides of a dense shape, in elements. */
void gr__dense_strides(gr_shape s, int64_t strides[GR_MAX_RANK]);
/* Advances `index` through `s` in row-major order. */
void gr__next_index(gr_shape s, int64_t index[GR_MAX_RANK]);
/* to[index . to_strides + to_offset] = from[index . from_strides + from_offset] over all indices of `space`. */
void gr__ref_copy(const gr_ref *from, const int64_t *from_strides, int64_t from_offset, gr_ref *to,
                  const int64_t *to_strides, int64_t to_offset, gr_shape space);

#endif
