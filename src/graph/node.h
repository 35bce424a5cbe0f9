/* Inside a graph: nodes, values, operations. For floors 1 to 3, and for study, which takes graphs apart; lint holds the
 * others to gradus/graph.h and graph/shape.h. */
#ifndef GR_GRAPH_NODE_H
#define GR_GRAPH_NODE_H

#include "graph/composed.h"
#include "graph/elementwise.h"
#include "graph/shape.h"

typedef struct gr_node gr_node;

#define GR__OP_CODE(code, ...) GR_OP_##code,
/* Codes by which backends tell operations apart; everything else about one stands in its gr_op. */
typedef enum gr_opcode {
    GR_OP_FEED,
    GR_OP_PARAM,
    GR_OP_SLOT,
    GR_OP_CONST,
    GR_OP_TENSOR,
    GR_OP_IOTA,
    GR_OP_RANDOM,
    GR__ELEMENTWISE(GR__OP_CODE)
    /* shape */
    GR_OP_RESHAPE,
    GR_OP_PERMUTE,
    GR_OP_BROADCAST,
    GR_OP_SLICE,
    GR_OP_CONCAT,
    GR_OP_PAD,
    /* reductions */
    GR_OP_SUM,
    GR_OP_SUM_SQUARES,
    GR_OP_REDUCE_MAX,
    GR_OP_ARGMAX,
    /* indices */
    GR_OP_GATHER,
    GR_OP_SCATTER_ADD,
    /* contractions */
    GR_OP_MATMUL,
    GR_OP_CONV,
    GR_OP_CONV_DATA,
    GR_OP_CONV_WEIGHTS,
    /* pooling: MAX_POOL has outputs (y, index); POOL_GATHER(x, index) picks, POOL_SCATTER(dy, index) is its adjoint */
    GR_OP_MAX_POOL,
    GR_OP_POOL_GATHER,
    GR_OP_POOL_SCATTER,
    GR_OP_AVG_POOL,
    GR_OP_AVG_POOL_ADJOINT,
    /* normalisations: CHANNEL_NORM has outputs (y, mean, variance) */
    GR_OP_SAMPLE_NORM,
    GR_OP_CHANNEL_NORM,
    /* attention: (means, sums); its gradient of operands of their own, of one for all three */
    GR_OP_ATTENTION,
    GR_OP_ATTENTION_GRADIENT,
    GR_OP_ATTENTION_PACKED_GRADIENT,
    /* values kept as bytes, and read back (packed.h) */
    GR_OP_PACK,
    GR_OP_UNPACK,
    GR_OP_SCAN,               /* a loop (body.h) */
    GR_OP_FIXED_POINT,        /* what a body leaves as it is: (z, residual, iterations); said by a loop */
    GR__COMPOSED(GR__OP_CODE) /* said by others */
    GR_OP_COUNT               /* how many; also the code of an operation that is in no table (gr__node_make) */
} gr_opcode;

typedef enum gr_opclass {
    GR_CLASS_LEAF,
    GR_CLASS_MAP,
    GR_CLASS_SHAPE,
    GR_CLASS_REDUCE,
    GR_CLASS_INDEX,
    GR_CLASS_CONTRACT,
    GR_CLASS_POOL,
    GR_CLASS_ATTENTION,
    GR_CLASS_PACKED,
    GR_CLASS_LOOP, /* runs a body; plans make instructions of it, not kernels */
    GR_CLASS_COMPOSED
} gr_opclass;

/* Attributes of a node: zeroed, then set as the fields of its operation say. RESHAPE, BROADCAST and all leaves carry
 * their shape in the output value.
 *
 * What operands may look like: inputs of a MAP are rank 0 or have exactly the output's shape (builders insert
 * BROADCAST). Rank-0 GR_REAL values (float64 everywhere) are made only by leaves, by MAPs of rank-0 inputs and by
 * reductions over all axes; they meet tensors only in MAPs, BROADCAST, RANDOM and ATTENTION. So a RESHAPE never has
 * rank 0 on one side: builders make a BROADCAST or a SUM instead. */
typedef struct gr_attr {
    int64_t i[12];
    double f[2];
    const char *name;            /* interned by the graph: equal names are equal pointers */
    const struct gr__body *body; /* loops and fixed points: what they run; interned likewise */
} gr_attr;

typedef struct gr_value {
    uint32_t node;
    uint16_t out;
    gr_dtype dtype;
    gr_shape shape;
} gr_value;

/* Where an attribute of an operation stands in gr_attr, and how graphs print it. */
typedef enum gr__field_kind {
    GR__FIELDS_END,     /* the last of a list */
    GR__FIELD_NAME,     /* name, in quotes */
    GR__FIELD_REAL,     /* f[at .. at + count - 1] */
    GR__FIELD_INTEGERS, /* i[at .. at + count - 1] */
    GR__FIELD_AXES,     /* integers, as many as the first operand has axes */
    GR__FIELD_AXIS_SET, /* i[at]: a bit an axis */
    GR__FIELD_BODY,     /* body; printed behind its node */
} gr__field_kind;

typedef struct gr__field {
    gr__field_kind kind;
    int at, count;
    const char *label; /* what stands before it, or ""; NULL: it is not printed, for the result's shape says it */
    int64_t usual;     /* integers that are all this are not printed */
} gr__field;
enum { GR__SHOWN = -1 }; /* as `usual`: none is, they are printed always */

/* A buffer as the reference arithmetic sees it: GR_REAL is double, GR_I32 int32_t, GR_U8 uint8_t; dense, row-major. */
typedef struct gr_ref {
    void *data;
    gr_dtype dtype;
    gr_shape shape;
} gr_ref;

/* What tells one smooth piece of an operation from another. */
typedef enum gr__branches {
    GR__BRANCHES_UNKNOWN,
    GR__BRANCHES_ONE,        /* it has one piece alone */
    GR__BRANCHES_SIGN,       /* the sign of its first operand */
    GR__BRANCHES_DIFFERENCE, /* the sign of the difference of its operands */
    GR__BRANCHES_LARGEST,    /* where along the reduced axes the largest stands */
    GR__BRANCHES_INDEX,      /* its second result */
    GR__BRANCHES_RESULT,     /* its result, which is constant in between */
    GR__BRANCHES_SAID,       /* those of its decomposition */
    GR__BRANCHES_BODY,       /* those of the operations of its body, at every step */
    GR__BRANCHES_SOLVED,     /* those of its body at the first result */
} gr__branches;

typedef struct gr__range {
    double low, high;
} gr__range;

/* Where the numbers of a leaf are kept between steps. */
typedef enum gr__keeper {
    GR__KEPT_NOWHERE, /* no leaf, or one that its attributes tell all of */
    GR__KEPT_CALLER,  /* given each step, by name */
    GR__KEPT_STORE,   /* found in the store, by name */
} gr__keeper;

typedef struct gr_op {
    gr_opcode code;
    gr_opclass class;
    const char *name;
    int n_in;  /* -1: any number */
    int n_out; /* -1: as many as the body says */
    gr__keeper kept;
    bool commutes; /* its two operands may be swapped: same bits, same gradients */
    /* Checks inputs and attributes and fills the outputs' dtypes and shapes (leaves: already there). On failure fails
     * the graph. Used by builders and by verify. NULL: that of its decomposition. */
    bool (*infer)(gr_graph *g, const gr_attr *attr, const gr_val *in, int n_in, gr_value *out);
    /* Adds nodes for the cotangents of the inputs; dout[o] may be GR_NONE (no gradient reaches that output); din[]
     * starts as GR_NONE, which means zero. Rules skip inputs that gr__wanted says nobody asks for. gr__no_gradient:
     * none passes. NULL: the gradient of its decomposition; without one an error that names the operation. */
    void (*gradient)(gr_graph *g, const gr_node *n, const gr_val *dout, gr_val *din);
    /* Plain float64 loops. in[] and out[] dense; out[o].data NULL: nobody reads that output, and it is left alone. NULL
     * for leaves that the store or the caller provides, and for what its decomposition tells all of. */
    void (*ref)(const gr_graph *g, const gr_node *n, const gr_ref *in, gr_ref *out);
    /* Builds the same values out of simpler operations: every out[o], on operands in[] of any graph. It must not look
     * at what stands behind them, nor make leaves with a name. It stands in for whatever of the others is NULL, and
     * for a kernel where a backend has none (plan/lower.c). NULL: the operation cannot be said by others. */
    void (*decompose)(gr_graph *g, const gr_attr *attr, const gr_val *in, int n_in, gr_val *out);
    /* MAP: one element of the result in float64, of its operands' elements; those beyond n_in are ignored. */
    double (*element)(double a, double b, double c);
    /* Operations on numbers that a node takes; NULL: none, it moves or makes them, or leaves them to those that say it.
     */
    double (*flops)(const gr_graph *g, const gr_node *n);
    /* Where checks of its derivatives take real operands from: it is smooth there but for what branches says, and
     * kinks are at the middle. Equal bounds: anywhere will do. */
    gr__range domain;
    gr__branches branches;
    /* What its nodes have besides operands; NULL: nothing. Equal nodes are equal in these, graphs print them in this
     * order, and an attribute that none of them names must stay zero. */
    const gr__field *fields;
} gr_op;

struct gr_node {
    const gr_op *op;
    int n_in, n_out;
    gr_val *in;
    gr_val out; /* the first output; the others follow */
    gr_attr attr;
    const char *scope; /* `dense "head"`, or "" */
    bool backward;     /* it was first made while differentiating */
};

const gr_op *gr__op(gr_opcode code);
int gr__op_outputs(const gr_op *op, const gr_attr *attr); /* how many its nodes of these attributes have */
uint32_t gr__graph_nodes(const gr_graph *g);              /* nodes are numbered 0..n-1, inputs before users */
const gr_node *gr__node(const gr_graph *g, uint32_t node);
uint32_t gr__graph_values(const gr_graph *g);           /* values are numbered 1..n */
const gr_value *gr__value(const gr_graph *g, gr_val v); /* the outputs of a node stand side by side: an array */
const gr_node *gr__producer(const gr_graph *g, gr_val v);
const double *gr__const_tensor(const gr_graph *g, int64_t index, int64_t *count);
const char *gr__intern(gr_graph *g, const char *name); /* NULL on failure */
/* The one way a node is made: infers, checks, gives an existing equal node instead of a new one. out_hint: dtype and
 * shape of every output for operations whose shape rule wants them given (leaves, RESHAPE, BROADCAST), else NULL. attr
 * may be NULL, its name any text. Returns the first output; gr__node_output gives the others. */
gr_val gr__node_add(gr_graph *g, gr_opcode code, const gr_val *in, int n_in, const gr_attr *attr,
                    const gr_value *out_hint);
/* The same of any operation, also one that is in no table; it must outlive the graph. */
gr_val gr__node_make(gr_graph *g, const gr_op *op, const gr_val *in, int n_in, const gr_attr *attr,
                     const gr_value *out_hint);
/* A node like n of graph `from`, on operands of `to`. */
gr_val gr__node_copy(gr_graph *to, const gr_graph *from, const gr_node *n, const gr_val *in);
/* Output `output` of the node whose first output is `first`. GR_NONE where first is, after a failure. */
gr_val gr__node_output(const gr_graph *g, gr_val first, int output);
/* Whether new nodes are of a backward pass. */
void gr__backward_set(gr_graph *g, bool backward);
/* The scope that new nodes get, copied; gradient rules run under the scope of the node they differentiate. */
void gr__scope_set(gr_graph *g, const char *scope);

typedef struct gr_assignment {
    gr_val target, value;
    gr_assign_kind kind;
    gr_val guard; /* what it waits for; GR_NONE: for the guard of all */
} gr_assignment;
typedef struct gr_named {
    const char *name;
    gr_val value;
} gr_named;
typedef struct gr_gradient_mark {
    gr_val param, gradient;
} gr_gradient_mark;
typedef struct gr_effects { /* borrowed views of what the graph declares */
    const gr_assignment *assigns;
    size_t n_assigns;
    const gr_named *outputs;
    size_t n_outputs;
    const gr_gradient_mark *gradients;
    size_t n_gradients;
    gr_val guard;
    gr_keep keeping;
} gr_effects;
gr_effects gr__graph_effects(const gr_graph *g);

/* Strides in elements that read `from` as if broadcast to `to`: 0 along stretched axes. from.rank <= to.rank, trailing
 * axes aligned. */
void gr__broadcast_strides(gr_shape from, gr_shape to, int64_t strides[GR_MAX_RANK]);

#endif
