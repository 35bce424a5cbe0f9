/* Which rows of the training source are in which part. Private to the task. */
#ifndef GR_TRAIN_CUT_H
#define GR_TRAIN_CUT_H

#include "train/train.h"

/* What a source of the recipe's is asked with. prepared: what it gives will be prepared. */
gr_source_options gr__cut_source(const gr_recipe *r, const gr_wants *wants, bool prepared);
/* Reads which rows are left out, as the recipe says; they are in t->exclude and t->faults. */
gr_status gr__cut_exclude(gr_task *t);
/* The rows of a part with a source of its own. */
gr_status gr__cut_own(gr_task *t, gr_part p);
/* Training rows, and those cut from them for validation and test. Training takes what rounding leaves. */
gr_status gr__cut_rows(gr_task *t);
/* Rows of training that `limit` leaves of n. */
int64_t gr__cut_limit(const gr_recipe *r, int64_t n);
/* Counts of a split without its labels: each part has what rounding its fraction gives, stratified or not; of groups
 * the split itself is made, which knows no labels. Gives those of training without a limit. */
gr_status gr__cut_estimate(gr_task *t, int64_t n, int64_t *unlimited);
/* What lists of rows take once the counts of the parts are known: of all rows of the training source, and of those
 * that training would have without a limit. */
void gr__cut_count(gr_task *t, int64_t all, int64_t unlimited);

#endif
