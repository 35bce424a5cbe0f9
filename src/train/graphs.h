/* Graphs of a run's plans, for the engine. */
#ifndef GR_TRAIN_GRAPHS_H
#define GR_TRAIN_GRAPHS_H

#include "train/train.h"

/* Adds to g what a plan of this kind runs. Slots that it needs are added to the engine's store. */
gr_status gr__graph_of_run(const gr_engine *e, int kind, int64_t batch, int64_t steps, int variant, gr_graph *g);

/* May each gradient be let go of as soon as its own parameter's update, or the sum of micro-batches, has it? Such
 * graphs are made where the runner's plans release gradients. */
bool gr__graph_updates_early(const gr_recipe *r, int kind, int variant);

#endif
