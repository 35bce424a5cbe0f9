/* A network grown layer by layer towards a recipe, or until an error is reached: every stage is checked as a design,
 * its rate is found anew, and its training error must not be above the former stage's. [mission T8, T10, T13, T17] */
#ifndef GR_STUDY_GROW_H
#define GR_STUDY_GROW_H

#include "study/check/check.h"
#include "study/search/rates.h"

/* ---- stages of a network ---- */

/* A stage: a prefix of the network and what makes an output of it. */
typedef struct gr_prefix {
    gr_recipe *recipe;
    const char *added;   /* the layer that it has and the one before has not, or what was made wider */
    const char **layers; /* names, in order */
    int n_layers;
    int64_t parameters;
} gr_prefix;

typedef struct gr_prefixes {
    gr_context *ctx;
    const gr_recipe *base, *target;
    gr__bump *memory; /* names and trees */
    gr_shape output;  /* of one sample: the base's, which every stage has */
    gr_recipe *full;  /* the base with the target's layers */
    int n;
    bool *weighs; /* layer by layer: it has parameters */
    int *rank;    /* and how many axes a sample of what it gives has */
    int tail;     /* the first layer of what makes an output: the layer that gives it, and what flattens for it */
    int at;       /* so many of the target's layers were taken so far; -1: none yet, not even the tail alone */
    int wider;    /* how often the whole was made wider */
} gr_prefixes;
/* base: data, cost and optimizer; target: the layers, their init and groups. GR_E_CONFLICT: several heads. Close it
 * also after a failure. */
gr_status gr__prefixes_open(gr_context *ctx, const gr_recipe *base, const gr_recipe *target, gr_prefixes *out);
/* The next stage that is a valid network; *more false: there is none, the target is complete. Close the recipe of each.
 */
gr_status gr__prefixes_next(gr_prefixes *p, gr_prefix *out, bool *more);
/* Beyond the target: all hidden layers with twice the units and filters. */
gr_status gr__prefixes_widen(gr_prefixes *p, gr_prefix *out);
void gr__prefixes_close(gr_prefixes *p);

/* ---- growing ---- */

enum {
    GR_GROW_SEEDS = 10,
    GR_GROW_WIDER = 3,
    GR_GROW_LONGER = 16
}; /* LONGER: times the updates, at most, of a stage whose error is not lowered */

typedef struct gr_grow_stage {
    int stage; /* from 1 */
    gr_prefix net;
    gr_rates rates;
    double lr;     /* that it was trained at: the one found, or a smaller one; NaN: none, or a check failed before */
    double trying; /* at the moment */
    int64_t updates;
    double train_error, validation_error; /* means over the seeds; NaN: none, or no validation data */
    bool shares;                          /* errors are shares of samples */
    double scatter;                       /* standard deviation of the training error over the seeds; NaN of one */
    gr_finding checks[GR_CHECKS];         /* those that were asked for */
    int n_checks;
    bool failed;
    char why[600]; /* it failed */
} gr_grow_stage;

typedef struct gr_grow_options {
    double until;     /* training error below which it ends; NaN: none */
    int64_t updates;  /* of a training */
    int seeds;        /* trainings a stage */
    const char *skip; /* ids of checks with commas between them; NULL: none */
    const volatile sig_atomic_t *stop;
    const gr_watch *watch;
    gr_status (*tell)(void *user, const gr_grow_stage *s); /* each stage, as soon as it is known */
    void *user;
} gr_grow_options;

typedef struct gr_grown {
    int stages;
    bool reached; /* `until` */
} gr_grown;
/* GR_E_CHECK where a stage fails, naming the layer that it added, or where `until` is not reached. */
gr_status gr__grow_network(gr_context *ctx, const gr_recipe *base, const gr_recipe *target, const gr_grow_options *o,
                           gr_grown *out);

#endif
