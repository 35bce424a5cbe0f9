/* A search of a recipe as it is asked for: texts read and checked, the study opened, trials run, the best one kept. */
#ifndef GR_STUDY_TUNE_REQUEST_H
#define GR_STUDY_TUNE_REQUEST_H

#include "study/tune/searched.h"

typedef struct gr_tune_request {
    const char *study;        /* its file; folders are made */
    const char *const *space; /* KEY=SPACE */
    int n_spaces;
    const char *method;         /* a tuner, or {type: tpe, startup: 20} */
    const char *const *at_most; /* NAME=NUMBER, of the plan */
    int n_at_most;
    int64_t trials; /* in the study; 0: as many as a grid has, else 20 */
    bool by_metric; /* by the recipe's best_by, else by the validation error */
    bool prune;
    int together, jobs;
    uint64_t budget; /* of tensor memory; 0: what the machine has */
    const volatile sig_atomic_t *stop;
    gr_status (*tell)(void *user, const gr_spaces *spaces, const gr_trial *t);
    void (*watch)(void *user, const gr_tune_progress *p);
    void *user;
} gr_tune_request;

typedef struct gr_tune_answer { /* in the memory that was given */
    const gr_spaces *spaces;
    gr_tuned tuned;
    const char *metric;
    const char *best_path; /* of the best trial's recipe; NULL: none has a metric */
} gr_tune_answer;

/* GR_E_INTERRUPTED, with the answer so far; GR_E_CHECK where no trial has a metric. Else as gr__tune. */
gr_status gr__tune_recipe(gr_context *ctx, gr_recipe *base, const gr_tune_request *q, gr__bump *b, gr_tune_answer *out);
/* What a study holds, from its file alone. GR_E_FILE, GR_E_FORMAT. The study stays open: close it. */
typedef struct gr_recalled {
    gr_study *study;
    gr_spaces *spaces;
    gr_tuned tuned;
    bool lower; /* the lower the metric the better */
    const char *metric, *method;
} gr_recalled;
gr_status gr__tune_recall(gr_context *ctx, const char *path, gr__bump *b, gr_recalled *out);

#endif
