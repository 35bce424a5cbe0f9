/* Short trainings of a recipe, on the data of a probe: by seeds of their own, a few updates, nothing written. */
#ifndef GR_STUDY_CHECK_TRIAL_H
#define GR_STUDY_CHECK_TRIAL_H

#include "study/check/rule.h"
#include "train/stepper.h"

/* What a training sees. */
typedef enum gr_trial_data {
    GR_TRIAL_REAL,
    GR_TRIAL_SHUFFLED, /* each sample has the targets of another, always the same */
    GR_TRIAL_ZERO      /* every input is 0, when it is judged too */
} gr_trial_data;

/* Ready to train; closed by gr__check_all. */
gr_status gr__trials_open(gr_check *c, gr_trials *ts);
void gr__trials_close(gr_trials *ts); /* a zeroed one is fine */
/* Updates that `trainings` of them may take, of `work` floating-point operations in all, from 1 to `most` and to
 * --steps. batch (may be NULL): samples of such an update, 0 as the recipe has it, fewer where the work
 * allows too few updates of so many. */
int64_t gr__trials_steps(const gr_trials *ts, double work, int trainings, int64_t most, int64_t *batch);

/* Do targets of training samples differ? */
bool gr__trials_vary(const gr_trials *ts);

/* What is changed of a recipe for a trial; a zeroed one changes nothing but the schedule. */
typedef struct gr_variant {
    const char *optimizer; /* as a recipe has it; NULL: the recipe's */
    const char *schedule;  /* NULL: a constant rate, warmed up where the recipe warms up */
    double lr_scale;       /* of the rate; 0: 1 */
    bool own_schedule;     /* the recipe's, over as many updates as the trial has */
    bool has_decay;        /* weight_decay is to be taken */
    double weight_decay;
    bool plain;       /* no penalty, smoothing, dropout, clipping, augmentation, balancing */
    bool standardize; /* targets of values */
    int64_t batch;    /* 0: the recipe's */
    int64_t steps;    /* of the trial */
    int seed, draw;   /* added to the recipe's; which further draw it is (gr_check.draw) */
} gr_variant;
/* The recipe so changed; what it holds lives in b and in the recipe that it is made of. */
gr_status gr__variant_make(gr_context *ctx, gr__bump *b, const gr_recipe *of, const gr_variant *v, gr_recipe *out);

typedef struct gr_trial {
    gr_trials *of;
    gr_trial_data data;
    gr_plan *layers; /* of batches of `seen` samples, outputs layer0 ..: what each layer gives in evaluation; or NULL */
    int64_t seen;
    bool looking, all_seen;
    gr_recipe recipe;
    gr_task task;
    gr_engine engine;
    gr_plan *statistics; /* what a batch says of statistics that the network keeps; NULL: it keeps none */
    gr_loader *loader, *validation, *look, *looked_at;
    gr_stepper stepper;
    double schedule[GR_SCHEDULE_STATE];
    int64_t step; /* updates done */
    bool diverged;
    double cost, norm; /* of the last update: mean, penalty included; of the gradient, before clipping */
} gr_trial;

typedef struct gr_trial_spec {
    gr_trial_data data;
    const gr_rows *rows; /* what to train on; NULL: the trials' own */
    bool layers;         /* what layers give will be looked at */
} gr_trial_spec;
/* recipe: as gr__variant_make gives it, copied; spec NULL: a zeroed one. Close it also after a failure; it stays where
 * it was opened. */
gr_status gr__trial_open(gr_trials *ts, const gr_recipe *recipe, const gr_trial_spec *spec, gr_trial *t);
void gr__trial_close(gr_trial *t);
/* A sum of the bits that an entry of its store holds. */
uint64_t gr__trial_sum(const gr_trial *t, const gr_entry *e);
/* One more update. A cost or gradient that is not finite is no failure: diverged is set, and nothing follows. */
gr_status gr__trial_step(gr_trial *t);
/* Up to `steps` updates in all. */
gr_status gr__trial_run(gr_trial *t, int64_t steps);
/* Who follows the updates: the watch of the check hears of `what`, from the share `from` of all to `to`; `each` (may be
 * NULL) is called after every update that has not diverged. */
typedef struct gr_trial_follow {
    const char *what;
    double from, to;
    void (*each)(void *user, const gr_trial *t);
    void *user;
} gr_trial_follow;
gr_status gr__trial_follow(gr_trial *t, int64_t steps, const gr_trial_follow *f);
/* The mean cost of what it is judged by, without dropout; infinite where it has diverged. */
gr_status gr__trial_judge(gr_trial *t, double *cost);
/* The same and the share of wrong ones (values: the root of the mean square), of the rows it is judged by. */
gr_status gr__trial_evaluate(gr_trial *t, double *cost, double *error);
/* Runs `layers` for the next batch of `seen` of the samples that it is judged by. *more false: there is none left, and
 * the next call begins anew. */
gr_status gr__trial_look(gr_trial *t, bool *more);

#endif
