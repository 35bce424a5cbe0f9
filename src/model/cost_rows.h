/* Outputs as costs take them: a row of outputs for each sample, or for each position or step of one. */
#ifndef GR_MODEL_COST_ROWS_H
#define GR_MODEL_COST_ROWS_H

#include "cost/cost.h"

typedef struct gr_cost_rows {
    gr_val rows;    /* [B,...] as it is, else positions as samples: [B,T,K] as [B T,K], steps [B,T,...] as [B T,...] */
    gr_val lengths; /* of the output's samples; GR_NONE: all steps count */
    bool positions; /* rows are positions or steps of samples */
} gr_cost_rows;

gr_shape gr__sample_of(gr_shape batch); /* without the batch axis */
/* Are the output's positions a class each? Costs of classes know one row of outputs a sample. */
bool gr__cost_has_positions(const gr_cost *c, gr_shape output);
/* Within the scope of the cost. False with the graph failed where it does not take such an output. */
bool gr__cost_rows_take(gr_build *b, const gr_cost *c, const gr_settings *s, gr_val output, gr_cost_rows *out);
/* What the cost reads of them, in the output's shape where it is as large. */
gr_val gr__cost_rows_predict(gr_build *b, const gr_cost *c, const gr_settings *s, const gr_cost_rows *r, gr_val output);
/* For each of n rows what its sample or step has, [B] or [B,T]. */
gr_val gr__cost_rows_spread(gr_graph *g, gr_val each, int64_t n);
/* Leaves out of costs and weights (GR_NONE: all 1) the rows of steps that do not count. */
void gr__cost_rows_count(gr_graph *g, const gr_cost_rows *r, gr_val output, gr_val *each, gr_val *weight);
/* What a sum of weights is divided by: samples that all weigh nothing have a mean of 0, not of 0/0. */
gr_val gr__weights_divisor(gr_graph *g, gr_val weight_sum);

#endif
