/* Normalisations as operations: builders for floors above. */
#ifndef GR_GRAPH_NORM_H
#define GR_GRAPH_NORM_H

#include "gradus/graph.h"

/* (x - mean) / sqrt(variance + eps) weight, mean and variance over the axes, within each sample; without the mean
 * where it is not centred. weight: rank 0, or any shape that stretches to x's. */
gr_val gr__sample_norm(gr_graph *g, gr_val x, gr_val weight, const int *axes, int n, bool centred, double eps);
/* The same over all axes but the last, the channels; mean and variance [C] are results as well. weight: rank 0 or [C].
 */
gr_val gr__channel_norm(gr_graph *g, gr_val x, gr_val weight, double eps, gr_val *mean, gr_val *variance);

#endif
