/* What a graph holds. For floor 1's own files only; floors above go through node.h. */
#ifndef GR_GRAPH_STATE_H
#define GR_GRAPH_STATE_H

#include "graph/node.h"

/* An interned name. gr_attr.name and scopes point to `text`, so equal names are equal pointers and a leaf is found from
 * its name. */
typedef struct gr__name {
    uint64_t hash;
    gr_val feed,
        store; /* the leaf of this name among feeds, and among params and slots: two different ones are an error */
    char text[];
} gr__name;

typedef struct gr__tensor {
    double *values;
    int64_t count;
    uint64_t hash;
} gr__tensor;
typedef struct gr__bucket {
    uint32_t hash, node;
} gr__bucket; /* node + 1; 0: empty */

struct gr_graph {
    gr_context *ctx;
    int depth;        /* 0; of a decomposition, graphs that it stands apart from */
    gr_status status; /* sticky: after the first failure nothing is added */
    gr__bump *memory; /* nodes, their values, names, tensors: they never move */

    gr_node **nodes;
    size_t n_nodes, nodes_capacity;
    gr_value **values; /* value v is values[v - 1] */
    size_t n_values, values_capacity;
    gr__bucket *table; /* open addressing, at most half full; sizes are powers of two */
    size_t table_size;
    gr__name **names; /* open addressing as well */
    size_t n_names, names_size;
    gr__tensor *tensors;
    size_t n_tensors, tensors_capacity;
    const struct gr__body **bodies; /* of its loops; each is held once */
    size_t n_bodies, bodies_capacity;

    bool backward; /* what is made now is of a backward pass */
    const char *scope;
    const char **scopes; /* what gr_scope_pop goes back to */
    size_t n_scopes, scopes_capacity;

    gr_assignment *assigns;
    size_t n_assigns, assigns_capacity;
    gr_named *outputs;
    size_t n_outputs, outputs_capacity;
    gr_gradient_mark *gradients;
    size_t n_gradients, gradients_capacity;
    gr_val guard;
    gr_keep keeping;

    gr_value *results; /* room for the outputs of the node being made */
    size_t results_capacity;
    const gr_op *op;    /* the operation being inferred, for gr__op_fail */
    const bool *wanted; /* while differentiating: value v is on a path iff wanted[v]; NULL otherwise */
};

/* Room for so many outputs of a node, as the hint has them, or nothing yet; until the next call. NULL: no memory. */
gr_value *gr__results(gr_graph *g, int n_out, const gr_value *hint);
gr__name *gr__name_of(const char *interned);
/* Copies the values, or finds an equal tensor; the index, or -1 on failure. */
int64_t gr__tensor_add(gr_graph *g, const double *values, int64_t count);

#endif
