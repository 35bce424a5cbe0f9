/* Evaluates values of a graph node by node in float64, by the operations' reference arithmetic: the oracle of tests. */
#ifndef GR_GRAPH_EVAL_H
#define GR_GRAPH_EVAL_H

#include "graph/node.h"

/* The numbers of a feed, param or slot, as many as its shape has; NULL if there are none (GR_E_MISSING). Integers are
 * given as doubles too. */
typedef const double *(*gr__leaf_fn)(void *user, const gr_graph *g, const gr_node *leaf);

/* results[i] receives the elements of wanted[i]. Only what these need is evaluated. */
GR_CHECKED gr_status gr__eval(const gr_graph *g, const gr_val *wanted, int n, gr__leaf_fn leaf, void *user,
                              double *const *results);

#endif
