/* Costs: what a member of the family is. */
#ifndef GR_COST_COST_H
#define GR_COST_COST_H

#include "nn/layer.h"

typedef struct gr_cost_value {
    gr_val
        each; /* [B]: the cost of each sample (already averaged over a sample's outputs where the cost is defined so) */
    gr_val weight; /* [B] or GR_NONE: the mean divides by the sum of weights (class weights) */
} gr_cost_value;

/* What a sample's target is. */
typedef enum gr_target_form {
    GR_FORM_CLASS,        /* the index of its class: GR_I32 [B] */
    GR_FORM_LABELS,       /* a number from 0 to 1 an output, each a yes or no of its own */
    GR_FORM_DISTRIBUTION, /* a probability an output */
    GR_FORM_VALUES,       /* a number an output */
} gr_target_form;

typedef struct gr_reading {
    gr_target_form target;
    gr_prediction_form prediction; /* how predict reads the output; a layer before it that gives the same, other than
                                      values, would be one too many */
} gr_reading;

/* What outputs that know nothing of the inputs cost, in words, and how far sane ones may be from it. */
typedef struct gr_guess {
    const char *blind;                         /* where they are 0: "ln K" */
    const char *known;                         /* where the last bias knows the targets; NULL: it changes nothing */
    double (*steepness)(const gr_settings *s); /* how much faster than -log p the cost may follow a logit; NULL: 1 */
} gr_guess;

typedef struct gr_cost {
    gr_member head;
    gr_reading (*reading)(gr_shape output); /* of one sample */
    gr_val (*predict)(gr_build *b, const gr_settings *s,
                      gr_val output); /* probabilities [B,K] (sigmoid: [B,1] -> [B,2]), or the values */
    gr_cost_value (*build)(gr_build *b, const gr_settings *s, gr_val output, gr_val target,
                           bool training); /* training false: without smoothing */
    /* Checks the output's shape (of one sample, no batch axis) against the classes of the data (0: unknown). Fails the
     * graph otherwise: GR_E_DATA where the data has more classes than the output can tell, GR_E_SHAPE where the shape
     * is none this cost takes. `build` relies on labels within 0..classes-1. */
    bool (*check)(gr_build *b, const gr_settings *s, gr_shape output, int classes);
    /* What `build` gives for one sample in evaluation, before its weight, once more in plain arithmetic: of n outputs z
     * and as many targets y, where a class is 1 at its own output, or the number of the class where there is one
     * output. The evidence holds it against the same numbers, and `gradus check` holds build against it on a recipe's
     * own data. NULL: nothing is checked there. */
    double (*reference)(const gr_settings *s, const double *z, const double *y, int64_t n);
    double (*weigh)(const gr_settings *s, const gr_targets *t, int64_t label); /* a sample of that class; NULL: 1 */
    bool likelihood; /* -log of the probability that predict gives the class, but for weights and smoothing */
    gr_guess guess;  /* needed where there is a reference */
} gr_cost;
#define GR_COST(name) const gr_cost gr__cost_##name
const gr_cost *const *gr__costs(int *n);
extern const gr_family gr__family_cost; /* generated */

#endif
