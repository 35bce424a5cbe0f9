/* What the models share: the rows they are fitted to, and where their answers go. */
#ifndef GR_STUDY_BASELINE_JOB_H
#define GR_STUDY_BASELINE_JOB_H

#include "study/baseline/baseline.h"
#include "study/baseline/features.h"

typedef struct gr_baseline_job {
    gr_context *ctx;
    const gr_task *task;
    const gr_baseline_options *options;
    gr_features train, validation;
    int64_t classes; /* that the network tells apart; 0: values */
    int64_t outputs; /* of a sample: a probability of each class, or the values */
    int64_t kinds;   /* classes that are there in training */
    int *class_of;   /* of these, rising: which */
    int32_t *kind;   /* of each training sample: which of them; classes */
    double *value;   /* of each: `outputs` values */
    double *answer;  /* of each validation sample: `outputs` numbers */
} gr_baseline_job;

/* GR_E_INTERRUPTED when it is asked to stop. */
gr_status gr__baseline_pause(const gr_baseline_job *j, const char *what, double share);
/* answer of each validation sample: out[i k + c] = x_i . w_c, then what `give` makes of them. w: k rows, 64-byte
 * aligned; give NULL: they are the answers. */
gr_status gr__baseline_answer(gr_baseline_job *j, const double *w, int64_t k,
                              void (*give)(const gr_baseline_job *j, const double *z, double *answer));

/* Each fits and answers, and says how in `settings`, or why not in `skipped`. */
typedef gr_status gr_baseline_fit(gr_baseline_job *j, gr_baseline *out);
gr_baseline_fit gr__baseline_constant, gr__baseline_linear, gr__baseline_logistic, gr__baseline_boosted;

#endif
