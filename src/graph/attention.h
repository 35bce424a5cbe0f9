/* A node of attention, or of its gradient, taken apart: sizes, and where its operands are. */
#ifndef GR_GRAPH_ATTENTION_H
#define GR_GRAPH_ATTENTION_H

#include <math.h>

#include "graph/node.h"

/* What operands there are beside queries, keys and values: bits of attr.i[5]. In this order: means, sums and
 * cotangents of the means; cotangents of the sums; lengths; where there is a rate, seed, update and position. */
enum { GR__ATTENTION_LENGTHS = 1, GR__ATTENTION_ADJOINT = 2, GR__ATTENTION_DLSE = 4 };

typedef struct gr__attention {
    int64_t batch, queries, keys, heads, key_heads, size;
    bool causal;
    bool packed; /* one tensor has queries, keys and values side by side in its rows */
    double scale, rate;
    int q, k, v;        /* operands; of a packed node all the first */
    int out, lse, dout; /* of the gradient; else 0 */
    int dlse, lengths;  /* -1: none */
    int seed;           /* the first of three; -1: nothing is left out */
    int n_in;
} gr__attention;

gr__attention gr__attention_of(const gr_graph *g, const gr_attr *attr, const gr_val *in);

/* A weight is left out where its uniform number of 24 bits is below. */
static inline double gr__attention_threshold(double rate)
{
    return ldexp(ceil(ldexp(rate, 24)), -24);
}

#endif
