/* What costs share. */
#ifndef GR_COST_COST_H
#define GR_COST_COST_H

#include "nn/families.h"

/* [B, ...] -> [B]: the mean over a sample's values. */
gr_val gr__mean_per_sample(gr_graph *g, gr_val x);
/* Classes [B], or values, as numbers of the output's shape. Fails the graph where counts differ. */
gr_val gr__target_values(gr_graph *g, gr_val target, gr_shape output);

#endif
