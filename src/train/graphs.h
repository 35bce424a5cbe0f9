/* Graphs of a run's plans, for the engine. */
#ifndef GR_TRAIN_GRAPHS_H
#define GR_TRAIN_GRAPHS_H

#include "train/train.h"

/* Adds to g what a plan of this kind runs. Slots that it needs are added to the engine's store. */
gr_status gr__graph_of_run(const gr_engine *e, int kind, int64_t batch, int64_t steps, int variant, gr_graph *g);

#endif
