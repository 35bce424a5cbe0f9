/* What a recipe says held against what its data is: shapes, targets, classes. Private to the task. */
#ifndef GR_TRAIN_AGREE_H
#define GR_TRAIN_AGREE_H

#include "train/train.h"

/* Where a part's data is named: its own source, or the training's that it is cut from. */
const gr_tree *gr__agree_place(const gr_recipe *r, gr_part p);
gr_wanted gr__agree_wanted(const gr_recipe *r);
/* From headers: the samples are model.input's, the targets what the cost wants, in a shape that the outputs have. */
gr_status gr__agree_shapes(gr_context *ctx, const gr_recipe *r, gr_part p, gr_shape sample, gr_target_kind target,
                           gr_shape target_sample);
/* From values: labels within the outputs, shares from 0 to 1. Distributions that miss the sum of 1 are told. */
gr_status gr__agree_values(gr_context *ctx, const gr_recipe *r, gr_part p, const gr_set *s);
/* How many classes the labels may name: a single output tells two. */
int64_t gr__agree_classes(const gr_recipe *r);

/* Said, not refused: pictures that the network takes for sequences; outputs without a class. classes: of the data. */
void gr__agree_say_input(gr_context *ctx, const gr_recipe *r, gr_shape sample, gr_element element);
void gr__agree_say_outputs(gr_context *ctx, const gr_recipe *r, int classes);
/* Classes that no training row shows (a warning), and those too small for a share of a part that is cut (a note). */
gr_status gr__agree_say_classes(const gr_task *t);

#endif
