/* Low-rank adapters: a weight W that rests, and a product of two thin matrices beside it that is trained,
 * W + (alpha / rank) B A.                                                                     [Hu et al. 2021,
 * section 4.1] */
#ifndef GR_NN_ADAPTER_H
#define GR_NN_ADAPTER_H

#include "nn/layer.h"

typedef struct gr_adapter {
    int64_t rank; /* 0: there are none */
    double alpha;
    const char *const *match; /* patterns of names of weights */
    int n_match;
} gr_adapter;

/* Whether the weight of this name has one. */
bool gr__adapter_has(const gr_adapter *a, const char *weight);
/* Whether this is one of the two matrices of an adapter. */
bool gr__adapter_part(const gr_adapter *a, const char *parameter);
/* x W^T for x [rows, inputs] and what the layer that is built has declared as `suffix`, W [units, inputs], or the rows
 * from `at` on of it that w holds. With an adapter in training x W^T + (alpha / rank) (x A^T) B^T, so that no gradient
 * of W is ever made; else by the sum of both, as models hold it. */
gr_val gr__adapter_multiply(gr_build *b, const char *suffix, gr_val x, gr_val w, int64_t at);
/* W + (alpha / rank) B A. */
gr_val gr__adapter_merge(gr_graph *g, const gr_adapter *s, gr_val w, gr_val down, gr_val up);
/* What its two matrices are called: A [rank, inputs], B [units, rank]. Returns name. */
enum { GR_ADAPTER_NAME = 512 };
const char *gr__adapter_down(const char *weight, char name[GR_ADAPTER_NAME]);
const char *gr__adapter_up(const char *weight, char name[GR_ADAPTER_NAME]);

#endif
