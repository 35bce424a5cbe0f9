/* Boxes and arrows from the top down: what came of what. As text alone, like plots (result/plot.h); and in the language
 * of Graphviz. */
#ifndef GR_RESULT_DAG_H
#define GR_RESULT_DAG_H

#include "base/text.h"

typedef struct gr_dag_node {
    const char *name, *note; /* note: a second line; "" for none */
    int group;               /* an index into the groups */
} gr_dag_node;

typedef struct gr_dag_edge {
    int from, to;      /* nodes */
    const char *label; /* beside the arrow's head */
} gr_dag_edge;

enum { GR_DAG_NODES = 64, GR_DAG_EDGES = 128, GR_DAG_ITEMS = 512, GR_DAG_INTO = 2 };
typedef struct gr_dag { /* at most so many nodes and edges, and edges into a node; no cycles */
    const char *title, *caption;
    const gr_dag_node *node;
    int n_nodes;
    const gr_dag_edge *edge;
    int n_edges;
    const char *const *groups; /* NULL-ended */
} gr_dag;

/* ---- where everything stands ---- */
enum { GR_DAG_BOX = 40, GR_DAG_LABEL = 15 }; /* a box's height in pixels; characters in a line of a label */
double gr__dag_box(const gr_dag_node *n);    /* a box's width */
typedef struct gr_dag_item {                 /* a node, or where an edge passes a layer on its way further down */
    int node, edge;                          /* -1: the other */
    int layer;                               /* a node's: the longest way from a node that nothing leads to */
    double x, left, right;                   /* the middle, and what is taken to both sides of it, labels included */
} gr_dag_item;

typedef struct gr_dag_port { /* where an edge enters its node */
    double x;
    int side; /* of the arrow, that the label stands on: -1 left, 1 right */
} gr_dag_port;

typedef struct gr_dag_layout {
    gr_dag_item item[GR_DAG_ITEMS]; /* the nodes first, in their order */
    int n_items;
    int chain[GR_DAG_EDGES][GR_DAG_NODES],
        length[GR_DAG_EDGES]; /* items that an edge goes through, both nodes included */
    gr_dag_port port[GR_DAG_EDGES];
    int n_layers;
    double labels[GR_DAG_NODES], boxes[GR_DAG_NODES],
        below[GR_DAG_NODES]; /* a layer's: top of labels, of boxes, and their bottom */
    double width, height;
} gr_dag_layout;
/* top: the first box's. GR_E_INTERNAL for a cycle or more than there is room for. Free with gr__free(ctx, *out, sizeof
 * **out). */
gr_status gr__dag_place(gr_context *ctx, const gr_dag *d, double top, gr_dag_layout **out);

gr_status gr__dag_svg(gr_context *ctx, const gr_dag *d, gr__text *out);
gr_status gr__dag_dot(const gr_dag *d, gr__text *out);

#endif
