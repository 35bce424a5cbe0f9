/* What a recipe says held against what its data is: shapes, targets, classes. Private to the task. */
#ifndef GR_TRAIN_AGREE_H
#define GR_TRAIN_AGREE_H

#include "train/train.h"

/* Where a part's data is named: its own source, or the training's that it is cut from. */
const gr_tree *gr__agree_place(const gr_recipe *r, gr_part p);
/* Lengths count steps of samples as the source has them, so nothing may give these another shape. Before any is read.
 */
gr_status gr__agree_lengths(gr_context *ctx, const gr_recipe *r);
/* From headers: samples are the inputs', targets what the costs want, in shapes that the outputs have. */
gr_status gr__agree_shapes(gr_context *ctx, const gr_recipe *r, gr_part p, const gr_set *s);
/* From values: labels within the outputs, shares from 0 to 1. Distributions that miss the sum of 1 are told. With
 * `notes` (else NULL) what is wrong with a sample is noted there, not an error. */
gr_status gr__agree_values(gr_context *ctx, const gr_recipe *r, gr_part p, const gr_set *s, gr_faults *notes);
/* How many classes the labels of a head may name: a single output tells two. */
int64_t gr__agree_classes(const gr_recipe *r, int head);
/* Whether an input declares missing values. */
bool gr__agree_missing(const gr_set *s);

/* Said, not refused: pictures that the network takes for sequences; outputs without a class. classes: of the data. */
void gr__agree_say_inputs(gr_context *ctx, const gr_recipe *r, const gr_set *s);
void gr__agree_say_outputs(gr_context *ctx, const gr_recipe *r, int head, int classes);
/* Classes that no training row shows (a warning), and those too small for a share of a part that is cut (a note). */
gr_status gr__agree_say_classes(const gr_task *t, int head);

#endif
