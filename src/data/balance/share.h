/* What members of the family share. Private to balancing. */
#ifndef GR_DATA_BALANCE_SHARE_H
#define GR_DATA_BALANCE_SHARE_H

#include "data/balance.h"

/* Rows of the largest class, and of the smallest that has any. */
int64_t gr__balance_most(const gr_balance_job *j, int *class_);
int64_t gr__balance_least(const gr_balance_job *j);
/* The row `target`: `fallback` of `auto`, else its share of the largest class, rounded; at least 1. */
int64_t gr__balance_target(const gr_balance_job *j, int64_t fallback);
/* Classes below the target are raised to it; those above are cut to it. */
gr_status gr__balance_raise(const gr_balance_job *j, gr_balance_plan *p);
gr_status gr__balance_cut(const gr_balance_job *j, gr_balance_plan *p);
/* Places in the job's rows that are of a class; out: as many as it counts. */
void gr__balance_members(const gr_balance_job *j, int class_, uint32_t *out);
/* Neighbours that a sample of so many of a class has at most. */
int gr__balance_k(const gr_balance_job *j, int64_t members);

#define GR_BALANCE_TARGET(auto_) GR_ROW("target", TREE, "auto", "auto, or a share (0,1]", "1", auto_)
#define GR_BALANCE_K \
    GR_ROW("k", INT, "5", "[1,1000]", "samples", "so many nearest samples of its class count as neighbours")
#define GR_BALANCE_CATEGORICAL                                                                              \
    GR_ROW("categorical", TREE, "none", "a list of numbers of a sample, from 0, or of columns by name", "", \
           "numbers that say a category by a code: what is made has that of most neighbours")

/* Makes p->made samples of the set, whose rows follow those of the source, in the order of classes. */
gr_status gr__balance_make(const gr_balance_job *j, const gr_balance_plan *p);
uint64_t gr__balance_make_work(const gr_balance_job *j, const gr_balance_plan *p);

#endif
