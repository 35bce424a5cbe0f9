/* The samples of a part as simple models take them: all inputs one after the other, prepared as for the network, in
 * float64, with a 1 behind them for what is added to every answer. */
#ifndef GR_STUDY_BASELINE_FEATURES_H
#define GR_STUDY_BASELINE_FEATURES_H

#include "base/pool.h"
#include "data/sample.h"
#include "study/baseline/rows.h"
#include "train/train.h"

enum { GR_FEATURE_ROWS = 64 /* of a block */, GR_FEATURE_SHARDS = 8 };

typedef struct gr_features {
    gr_context *ctx;
    const gr_task *task;
    const gr_set *set;
    const gr_rows *rows;
    int64_t n, width, apart; /* numbers of a sample; from one row to the next, the 1 and what pads it included */
    int shards;              /* of a pass: GR_FEATURE_SHARDS, or fewer where each wants much memory */
    double *held;            /* n rows; NULL: they are prepared again whenever they are wanted */
    struct gr_feature_worker *worker;
    int workers;
    double *weight; /* of each sample; all 1 where samples have none */
} gr_features;

/* What rows take that are held. */
uint64_t gr__features_bytes(const gr_task *t, gr_part p);
/* most: rows are held where they take no more. Close them also after a failure. */
gr_status gr__features_open(const gr_task *t, gr_part p, uint64_t most, gr_features *out);
void gr__features_close(gr_features *f); /* zeroed ones are fine */

/* ---- passes over the rows, which are cut by their number alone: the same bits for any threads ---- */
typedef struct gr_feature_block {
    const double *x;  /* n rows, of which the first is row `first` of the part; aligned to 64 */
    int64_t first, n; /* n <= GR_FEATURE_ROWS */
    int shard, worker;
} gr_feature_block;
/* Blocks of a shard come in their order, and shards at the same time. */
gr_status gr__features_walk(gr_features *f, void (*take)(void *user, const gr_feature_block *b), void *user);

#endif
