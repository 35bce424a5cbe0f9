/* A study run: trials proposed, trained side by side, pruned, and kept, until there are as many as were asked for. */
#ifndef GR_STUDY_TUNE_TUNE_H
#define GR_STUDY_TUNE_TUNE_H

#include <signal.h>

#include "study/tune/store.h"

enum { GR_MOST_JOBS = 64 };

/* A trial as it is given to what is searched. */
typedef struct gr_trial_run {
    gr_context *ctx; /* of its thread */
    const gr_spaces *spaces;
    const gr_trial *trial;
    const volatile sig_atomic_t *stop; /* GR_E_INTERRUPTED when it becomes non-zero */
    /* Call it after every evaluation, in the order of their steps; of all the steps there are. *end true: no more of
     * the trial is wanted now. A trial that is taken up again may tell anew what it has told. */
    gr_status (*report)(void *user, int64_t step, int64_t steps, double value, bool *end);
    void *user;
} gr_trial_run;

/* What is searched. Functions are called from several threads at a time. */
typedef struct gr_objective {
    void *user;
    bool lower; /* the lower the better */
    /* Bytes that the trial will take, before anything of it is. Any failure is the trial's, with its text. */
    gr_status (*plan)(void *user, const gr_trial_run *r, uint64_t *bytes);
    /* *steps: all that it has made. GR_OK, GR_E_DIVERGED; GR_E_INTERRUPTED: it is to go on later; GR_E_WRITE,
     * GR_E_BUSY, GR_E_INTERNAL end the search; any other failure is the trial's. */
    gr_status (*run)(void *user, const gr_trial_run *r, int64_t *steps);
    gr_status (*forget)(void *user, const gr_trial_run *r); /* the trial has ended; may be NULL */
} gr_objective;

typedef struct gr_tune_progress {
    int64_t ended, trials;
    int running;
    const gr_trial *best; /* NULL: none yet */
    double seconds_left;  /* NaN: unknown */
} gr_tune_progress;

typedef struct gr_tune_options {
    const char *path; /* the study's file */
    const gr_fact *facts;
    int n_facts;
    const gr_spaces *spaces;
    const gr_tuner *tuner;
    const gr_settings *settings; /* of the tuner */
    int64_t trials;              /* in the study, whoever ran them */
    uint64_t seed;               /* of proposals */
    int together;                /* trials of a generation */
    bool prune;                  /* by curves: a trial that is behind the median of those before it ends */
    int rungs;                   /* halving: so many, the last of which is the whole training */
    double keep;                 /* halving: share that goes on */
    int jobs;                    /* trials side by side in this process */
    int threads;                 /* of each */
    uint64_t memory;             /* of tensors, of all of them together; 0: no limit */
    const volatile sig_atomic_t *stop;
    /* One call at a time: a trial that this process has ended; how far all is. May be NULL. */
    gr_status (*tell)(void *user, const gr_trial *t);
    void (*watch)(void *user, const gr_tune_progress *p);
    void *user;
} gr_tune_options;

typedef struct gr_tuned {
    gr_trial *trial; /* all of the study */
    int n;
    int best;      /* of those trained to their end, or -1 */
    int64_t steps; /* updates of all trials */
} gr_tuned;

/* Until the study has its trials. out: what it holds then, or at interruption; in b. */
gr_status gr__tune(gr_context *ctx, const gr_objective *what, const gr_tune_options *o, gr__bump *b, gr_tuned *out);
/* GR_E_CONFLICT, with what differs, where the study was begun with other facts. */
gr_status gr__study_same(gr_study *s, gr_context *ctx, const char *path, const gr_fact *facts, int n);
/* What a study holds now. */
gr_status gr__tuned_read(gr_study *s, const gr_spaces *spaces, bool lower, gr__bump *b, gr_tuned *out);

/* ---- the order of trials, for gr__tune: pure functions of what is known; b: room to work in ---- */
/* The first trial of this one's generation: what it may know ends before it. first: trials that know nothing. */
int64_t gr__generation(int64_t trial, int64_t first, int together);
/* Whether a trial whose best value was `value` at this step is behind: worse than the median of what the first n had
 * reached by then, of which five must have come so far. */
bool gr__behind(gr__bump *b, const gr_reported *r, int n_r, int n, int64_t step, double value, bool lower);
/* Halving: ends at its rung whoever is not to go on, where all of the rung have come. Sets states; how many changed. */
int gr__halve(gr__bump *b, gr_trial *all, int n, const gr_tune_options *o, bool lower);

#endif
