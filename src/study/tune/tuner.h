/* Ways to search, a family: which values a trial takes, as a function of the seed, the trial's number and what is known
 * of trials before it. Nothing else: who runs a trial, and when, changes no proposal.
 *
 * Trials come in generations. What a trial may know of others is how those of earlier generations ended; of its own
 * generation it knows the values of those before it. So all trials of a generation may run side by side, in any number
 * of threads and processes, and a study is the same whoever runs it, however often they are killed. */
#ifndef GR_STUDY_TUNE_TUNER_H
#define GR_STUDY_TUNE_TUNER_H

#include "base/member.h"
#include "study/tune/space.h"

typedef enum gr_trial_state {
    GR_TRIAL_RUNNING,
    GR_TRIAL_WAITING, /* for the others of its rung */
    GR_TRIAL_DONE,
    GR_TRIAL_PRUNED,
    GR_TRIAL_FAILED, /* refused by its recipe or by a limit, or over the memory there is */
    GR_TRIAL_DIVERGED,
    GR_TRIAL_STATES
} gr_trial_state;
static inline bool gr__trial_ended(gr_trial_state s)
{
    return s != GR_TRIAL_RUNNING && s != GR_TRIAL_WAITING;
}

typedef struct gr_trial {
    int64_t trial; /* from 0 */
    gr_trial_state state;
    int64_t seed;
    int64_t steps; /* updates so far */
    double metric; /* the best of its evaluations; NaN: none */
    int rung;      /* of halving: how many it has reached */
    gr_point point;
    const char *why; /* it failed; NULL: nothing to say */
} gr_trial;

typedef struct gr_proposal {
    gr_context *ctx;
    const gr_spaces *spaces;
    const gr_settings *settings; /* of the tuner's rows */
    uint64_t seed;
    int64_t trial;         /* that a point is wanted for */
    const gr_trial *known; /* all before it, by number */
    int n_known, n_told;   /* of these the first n_told are of earlier generations: how they ended is to be used */
    bool lower;            /* the lower the metric the better */
    gr_point point;        /* out */
} gr_proposal;

typedef struct gr_tuner {
    gr_member head;
    bool learns;                          /* from trials of earlier generations */
    bool halves;                          /* trials are trained rung by rung, fewer and fewer of them */
    const char *first;                    /* learns: the row that says how many trials know nothing */
    int64_t (*count)(const gr_spaces *s); /* how many trials there are; NULL: as many as are asked for */
    gr_status (*propose)(gr_proposal *p);
} gr_tuner;
#define GR_TUNER(name) const gr_tuner gr__tuner_##name
const gr_tuner *const *gr__tuners(int *n); /* generated, sorted by name */
extern const gr_family gr__family_tuner;   /* generated */

/* ---- for members ---- */
/* A value of every space that applies, each drawn by itself from all of it: the trial's own numbers. */
void gr__propose_at_random(gr_proposal *p);

#endif
