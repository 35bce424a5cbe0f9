/* ONNX: the fields that are used of its messages, by their public numbers, and a model as it is made. */
#ifndef GR_EXCHANGE_ONNX_H
#define GR_EXCHANGE_ONNX_H

#include "exchange/wire.h"
#include "gradus/graph.h"

struct gr_model;
struct gr_network;

/* ---- numbers of fields: onnx.proto3 of ONNX 1.12 ---- */
enum {
    GR__ONNX_MODEL_IR = 1,
    GR__ONNX_MODEL_PRODUCER = 2,
    GR__ONNX_MODEL_PRODUCER_VERSION = 3,
    GR__ONNX_MODEL_GRAPH = 7,
    GR__ONNX_MODEL_OPSET = 8,
    GR__ONNX_MODEL_METADATA = 14
};
enum { GR__ONNX_OPSET_DOMAIN = 1, GR__ONNX_OPSET_VERSION = 2 };
enum { GR__ONNX_ENTRY_KEY = 1, GR__ONNX_ENTRY_VALUE = 2 };
enum {
    GR__ONNX_GRAPH_NODE = 1,
    GR__ONNX_GRAPH_NAME = 2,
    GR__ONNX_GRAPH_TENSOR = 5,
    GR__ONNX_GRAPH_INPUT = 11,
    GR__ONNX_GRAPH_OUTPUT = 12,
    GR__ONNX_GRAPH_SPARSE = 15
};
enum {
    GR__ONNX_NODE_INPUT = 1,
    GR__ONNX_NODE_OUTPUT = 2,
    GR__ONNX_NODE_NAME = 3,
    GR__ONNX_NODE_OP = 4,
    GR__ONNX_NODE_ATTRIBUTE = 5,
    GR__ONNX_NODE_DOMAIN = 7
};
enum {
    GR__ONNX_ATTRIBUTE_NAME = 1,
    GR__ONNX_ATTRIBUTE_F = 2,
    GR__ONNX_ATTRIBUTE_I = 3,
    GR__ONNX_ATTRIBUTE_S = 4,
    GR__ONNX_ATTRIBUTE_T = 5,
    GR__ONNX_ATTRIBUTE_G = 6,
    GR__ONNX_ATTRIBUTE_INTS = 8,
    GR__ONNX_ATTRIBUTE_TYPE = 20
};
enum {
    GR__ONNX_IS_F = 1,
    GR__ONNX_IS_I = 2,
    GR__ONNX_IS_S = 3,
    GR__ONNX_IS_T = 4,
    GR__ONNX_IS_G = 5,
    GR__ONNX_IS_INTS = 7
};
enum {
    GR__ONNX_TENSOR_DIMS = 1,
    GR__ONNX_TENSOR_TYPE = 2,
    GR__ONNX_TENSOR_FLOATS = 4,
    GR__ONNX_TENSOR_INT32S = 5,
    GR__ONNX_TENSOR_INT64S = 7,
    GR__ONNX_TENSOR_NAME = 8,
    GR__ONNX_TENSOR_RAW = 9,
    GR__ONNX_TENSOR_DOUBLES = 10,
    GR__ONNX_TENSOR_EXTERNAL = 13,
    GR__ONNX_TENSOR_LOCATION = 14
};
enum { GR__ONNX_INFO_NAME = 1, GR__ONNX_INFO_TYPE = 2, GR__ONNX_TYPE_TENSOR = 1 };
enum { GR__ONNX_TYPED_ELEMENT = 1, GR__ONNX_TYPED_SHAPE = 2, GR__ONNX_SHAPE_DIM = 1 };
enum { GR__ONNX_DIM_VALUE = 1, GR__ONNX_DIM_NAME = 2 };
typedef enum gr__onnx_type {
    GR__ONNX_FLOAT = 1,
    GR__ONNX_UINT8 = 2,
    GR__ONNX_INT8 = 3,
    GR__ONNX_UINT16 = 4,
    GR__ONNX_INT16 = 5,
    GR__ONNX_INT32 = 6,
    GR__ONNX_INT64 = 7,
    GR__ONNX_STRING = 8,
    GR__ONNX_BOOL = 9,
    GR__ONNX_FLOAT16 = 10,
    GR__ONNX_DOUBLE = 11,
    GR__ONNX_UINT32 = 12,
    GR__ONNX_UINT64 = 13,
    GR__ONNX_BFLOAT16 = 16
} gr__onnx_type;
enum { GR__ONNX_IR = 8, GR__ONNX_OPSET = 17 };

/* Sizes of a batch stand for it in graphs that are made for it: a prime that no other size has. */
#define GR__ONNX_BATCH ((int64_t)1000003)

/* ---- a model as it is made ---- */

enum { GR__ONNX_ARITY = 64 };
typedef struct gr__onnx_weight { /* an initialiser that stands in a model's file */
    const char *name;
    int tensor; /* of the file */
} gr__onnx_weight;

typedef struct gr__onnx {
    gr_context *ctx;
    gr__bump *memory;
    gr__text *main,
        *nodes;         /* of the model's graph, and of the one that is being written: that, or the body of a loop */
    gr__text constants; /* nodes that are constants, of the model's graph: they stand before all others */
    gr__text inputs, outputs; /* of the model's graph */
    gr__onnx_weight *weight;
    size_t n_weights, weights_capacity;
    int names;          /* so many were made up */
    gr__onnx_type real; /* of real numbers that are computed: FLOAT, or DOUBLE */
    const char *batch;  /* [1]: how many samples there are; NULL: nobody has asked yet */
    const char *first;  /* the first input, whose samples are counted */
    const char *scope;  /* of the nodes that are written */
    size_t open;        /* the node that is being written */
} gr__onnx;

const char *gr__onnx_name(gr__onnx *o); /* a new one; NULL where memory ran out, which `constants` then tells */
/* A node: begun with its inputs ("" or NULL: left out), given attributes, and ended, which gives its first output. */
void gr__onnx_begin(gr__onnx *o, const char *op, const char *const *in, int n_in);
void gr__onnx_int(gr__onnx *o, const char *name, int64_t x);
void gr__onnx_ints(gr__onnx *o, const char *name, const int64_t *x, int n);
void gr__onnx_real(gr__onnx *o, const char *name, double x);
void gr__onnx_string(gr__onnx *o, const char *name, const char *s);
void gr__onnx_graph(gr__onnx *o, const char *name, const gr__text *graph);
const char *gr__onnx_end(gr__onnx *o);
void gr__onnx_end_as(gr__onnx *o, const char *const *out, int n); /* with these outputs */
/* Nodes without attributes. */
const char *gr__onnx_1(gr__onnx *o, const char *op, const char *a);
const char *gr__onnx_2(gr__onnx *o, const char *op, const char *a, const char *b);
const char *gr__onnx_3(gr__onnx *o, const char *op, const char *a, const char *b, const char *c);
/* Constants: a real of rank 0, reals, whole numbers. */
const char *gr__onnx_scalar(gr__onnx *o, double x);
const char *gr__onnx_reals(gr__onnx *o, gr_shape shape, const double *x);
const char *gr__onnx_wholes(gr__onnx *o, gr_shape shape, const int64_t *x);
const char *gr__onnx_list(gr__onnx *o, const int64_t *x, int n); /* [n] */
/* The tensor of the model's file under its own name. GR_E_DATA: it has none. */
const char *gr__onnx_weight_of(gr__onnx *o, const struct gr_model *m, const char *name);
const char *gr__onnx_cast(gr__onnx *o, const char *x, gr__onnx_type to);
/* How many samples there are, [1]. */
const char *gr__onnx_batch(gr__onnx *o);
/* A ValueInfo: sizes that the batch stands for are free. field: of the graph. */
void gr__onnx_info(gr__text *to, int field, const char *name, gr__onnx_type type, gr_shape shape);
/* Everything written, to a file. meta: with the model's metadata. */
gr_status gr__onnx_write(gr__onnx *o, const struct gr_model *m, const char *path, const gr__text *nodes, bool meta);

/* ---- from graphs of ours (onnx_graph.c) ---- */
/* What stands for a leaf of a graph: as it is, or with the channels before the places. */
typedef struct gr__onnx_value {
    const char *plain, *first; /* NULL: not made */
    gr_shape shape; /* as it is: axes may be missing in front, or 1, that the graph's value was stretched along */
} gr__onnx_value;
typedef struct gr__onnx_leaf {
    const char *feed; /* its name */
    gr__onnx_value value;
    bool *asked; /* becomes true where it is read; may be NULL */
} gr__onnx_leaf;
/* Nodes of what the outputs of g need; out: one a declared output of it. leaf: of its feeds. network: whose weights it
 * reads; NULL: it reads none. */
gr_status gr__onnx_translate(gr__onnx *o, const struct gr_model *m, const struct gr_network *network, const gr_graph *g,
                             const gr__onnx_leaf *leaf, int n_leaves, gr__onnx_value *out);

#endif
