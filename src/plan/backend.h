/* What a plan knows of a backend: what it can fuse, and that it makes kernels. Floor 3 implements this, floor 2 only
 * calls it. */
#ifndef GR_PLAN_BACKEND_H
#define GR_PLAN_BACKEND_H

#include "base/dtype.h"
#include "gradus/plan.h"
#include "graph/node.h"
#include "plan/kernel.h"

/* What a kernel is made of.
 *
 *   NODE    one node, or a contraction followed by as much of its epilogue as backend->epilogue took: nodes[0] the
 * contraction. SCALARS rank-0 nodes only (float64), in order. REGION  elementwise nodes over one iteration
 * space `space` = [rows, columns] seen as rows x columns (all leading axes folded), with BROADCASTs read in place (row:
 * one value a row, column: one value a column), and reductions over trailing axes (one value a row), leading axes (one
 * a column) or all axes (rank 0).
 *
 * A region may have lines: values of one number a row (space.rows in all, in the order of the rows; columns >= 2). They
 * are the results of reductions over trailing axes, and of elementwise nodes over lines, rank-0 values and tensors as
 * large; RESHAPEs between them are not listed. Lines are read by elementwise nodes of their kind, and through
 * BROADCASTs of row form by those of the whole space: so a row's maximum, sum and what follows from them are read while
 * the row is at hand. No other reduction's result is read within its own region.
 *
 * Which axes are the rows follows from the nodes alone, never from what else is fused: a reduction to rank 0 always
 * runs over one row of all elements (rows 1), other reductions over the axes that they reduce, so that sums have the
 * same bits fused and unfused. A region of one BROADCAST or IOTA writes it.
 *
 * A region may have several segments: equal programs over different tensors (an optimizer over all parameters). Segment
 * s reads in[s * n_in + i], writes out[s * n_out + o] and has its own space; the nodes are those of segment 0. */
typedef enum gr_item_kind { GR_ITEM_NODE, GR_ITEM_SCALARS, GR_ITEM_REGION } gr_item_kind;

typedef struct gr_space {
    int64_t rows, columns;
} gr_space;

typedef struct gr_item {
    gr_item_kind kind;
    const gr_graph *graph;
    const uint32_t *nodes; /* in topological order */
    int n_nodes;
    int n_segments;        /* 1 but for merged regions */
    const gr_space *space; /* REGION: one a segment */
    const gr_val *in; /* values read from memory, each once; constants (rank 0) are not among them: kernels read them
                         from the graph */
    int n_in;
    const gr_val *out; /* values written to memory. A NODE of one node has all its outputs, by number: GR_NONE is one
                          that nobody reads */
    int n_out;
    uint64_t lasting; /* bit i: in[i] holds the same at all steps of the loop in whose body this stands */
    gr_algorithm algorithm;
} gr_item;
/* Kernel operands are in[] of all segments, then out[] of all segments. An output may share its address with an input
 * of the same segment, of equal shape and type, that the item reads only elementwise (in place), but for lines:
 * elementwise kernels must allow it; NODE kernels never see it. */

struct gr_backend {
    const char *name;
    gr_element real; /* of tensors; rank-0 reals are double on every backend */
    /* May this node join a region? Called for MAP, BROADCAST, IOTA, SUM and REDUCE_MAX nodes; the plan has checked that
     * row or column forms fit. NULL: none may, every node is an item of its own. */
    bool (*fuses)(const gr_graph *g, const gr_node *n);
    int max_region_nodes, max_region_operands; /* a region grows no further */
    int64_t max_row;                           /* columns of a region that reads its own lines, at most; 0: none does */
    /* How many of the n nodes may the contraction take, from the first on, and compute while it stores? They are
     * elementwise, of its shape, in a chain: each reads the one before it (the first: the contraction), whose value
     * nobody else reads. What they read besides is there before the contraction runs; broadcasts are then read in
     * place. The bits must be those of separate passes. NULL: none. */
    int (*epilogue)(const gr_graph *g, const gr_node *contraction, const uint32_t *nodes, int n);
    /* Makes the kernel of an item. The graph is the plan's own (simplified) and outlives the kernel; the item and its
     * arrays are the plan's as well. */
    gr_status (*make)(gr_context *ctx, const gr_item *item, gr_kernel **out);
    /* Does it run this node, which is no leaf, whatever is fused with it? What it does not take is expanded, where the
     * operation can be said by others, before anything else is asked. NULL: it takes what has float64 arithmetic. */
    bool (*accepts)(const gr_graph *g, const gr_node *n);
};

bool gr__backend_accepts(const gr_backend *b, const gr_graph *g, const gr_node *n); /* the same of any node */

/* What an element of a value of this type and shape is in memory. */
static inline gr_element gr__backend_element(const gr_backend *b, gr_dtype dtype, gr_shape shape)
{
    return gr__dtype_element(dtype, shape.rank == 0 ? GR_EL_F64 : b->real);
}

extern const gr_backend gr__backend_ref, gr__backend_cpu;

#endif
