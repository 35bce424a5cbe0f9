/* Simple models on the parts and the preparation of a recipe: what a network has to beat. [mission T1, SYS1, SYS2,
 * SYS3] */
#ifndef GR_STUDY_BASELINE_H
#define GR_STUDY_BASELINE_H

#include <jansson.h>

#include "study/check/check.h"

#define GR_BASELINES_FILE "baseline.json" /* in a run folder: what `gradus baseline --json` says */

typedef struct gr_baseline {
    const char *name; /* "majority", "mean", "linear", "logistic", "boosted_trees" */
    double error;
    double metric[GR_MAX_METRICS]; /* one of each of gr_baselines.metrics */
    double seconds;
    char settings[160]; /* how it was fitted, in words */
    char skipped[400];  /* why it is not there; "" where it is */
} gr_baseline;

enum { GR_BASELINES = 3 };
typedef struct gr_baselines {
    gr_baseline model[GR_BASELINES];
    int n;
    const gr_metrics *metrics;             /* the task's */
    bool shares;                           /* errors are shares of samples */
    int64_t training, validation, numbers; /* samples, and numbers of each */
    int64_t classes;                       /* 0: values */
} gr_baselines;

typedef struct gr_baseline_options {
    double c;            /* of the logistic regression: 1 / the weight of the penalty; 0: 1 */
    int64_t rounds;      /* of the boosted trees; 0: 100 */
    const char *xgboost; /* XGBoost's library; NULL: as the loader finds it */
    const volatile sig_atomic_t *stop;
    const gr_watch *watch;
} gr_baseline_options;

/* t: loaded as it was split, training and validation, with gr__task_metrics. GR_E_CONFLICT: several heads, targets that
 * are neither a class nor values of each sample, no validation part. */
gr_status gr__baselines_fit(const gr_task *t, const gr_baseline_options *o, gr_baselines *out);

/* ---- beside a network's score (kept.c) ---- */
typedef struct gr_baseline_kept {
    const char *name;
    double error, seconds;
} gr_baseline_kept;
/* Of the run that a model or a folder is of: those in `folder`, where they were fitted to data like that of the recipe.
 * *n 0: none. In b. */
gr_status gr__baselines_read(gr_context *ctx, gr__bump *b, const char *folder, const gr_recipe *r,
                             const gr_baseline_kept **out, size_t *n);
/* What two recipes must have in common for their scores to be compared, as text. In b. */
const char *gr__baselines_data(gr_context *ctx, gr__bump *b, const gr_recipe *r);

#endif
