/* Masks of weights in training: which parameters have one, and what gradual pruning sets to 0 when. */
#ifndef GR_TRAIN_MASKS_H
#define GR_TRAIN_MASKS_H

#include "train/loop.h"

/* What training goes on with: of a resumed run the masks of its newest checkpoint, else those of the model that it
 * starts from. Makes the memory that names are in. */
gr_status gr__masks_find(const gr_loop *l, gr__bump **memory, gr_masked *out);
/* Adds the slots of masks: of weights that the recipe prunes, unless they are frozen, and of those that the task goes
 * on with. */
gr_status gr__masks_declare(gr_engine *e);
/* Warns of a run of so many updates (0: open-ended) that ends before its weights are pruned as far as the recipe says.
 */
void gr__masks_check(const gr_engine *e, int64_t total);
/* Weights that a model was given with masks of are 0 there, whatever the file had. */
void gr__masks_settle(gr_engine *e);
/* What is due after `step` updates. Graphs hold what is set to 0 here. */
void gr__masks_step(gr_engine *e, int64_t step);

#endif
