/* Bias or variance: what the errors on training and validation data say of a model, and what helps. [mission G1-G3,
 * T14] */
#ifndef GR_STUDY_DIAGNOSE_H
#define GR_STUDY_DIAGNOSE_H

#include "model/model.h"
#include "result/result.h"
#include "train/history.h"
#include "train/train.h"

/* ---- errors, measured ---- */

/* A model on a part, evaluated as it serves: nothing is dropped out, changed or balanced. */
typedef struct gr_measured {
    bool there; /* the recipe has the part */
    double error;
    double square_deviation; /* gr__tally_square_deviation; NaN: the error is a share */
    int64_t samples;
} gr_measured;

typedef struct gr_errors {
    gr_measured train, validation;
    double chance; /* the training error of whoever always answers the same: the most frequent class, the mean */
} gr_errors;
/* stop (may be NULL): GR_E_INTERRUPTED when it becomes non-zero. */
gr_status gr__errors_measure(gr_context *ctx, const gr_model *m, int head, const volatile sig_atomic_t *stop,
                             gr_errors *out);

/* ---- the verdict ---- */

typedef enum gr_fitness { GR_UNDERFIT, GR_OVERFIT, GR_BOTH, GR_GOOD, GR_UNRESOLVED } gr_fitness;
const char *gr__fitness_name(gr_fitness f); /* "underfit" */

typedef enum gr_height { GR_LOW, GR_HIGH, GR_OPEN } gr_height; /* OPEN: its samples do not tell */

/* An error, between which bounds it lies with 95 %, and from where on it is too high. NaN: not known. */
typedef struct gr_bounded {
    double error, low, high, limit;
    double scatter; /* its standard deviation over the runs; NaN of one */
    gr_height is;
} gr_bounded;

typedef struct gr_diagnosis {
    gr_fitness verdict;
    gr_bounded train, validation;
    double reference, chance, bias, gap;
    bool squares; /* errors are roots of mean squares, and squares are judged: in these bias and variance add up */
    int n_runs;
} gr_diagnosis;
/* From several runs of one recipe, which differ by their seed, or one. reference: an error that can be reached. */
void gr__diagnose(const gr_errors *runs, int n, double reference, gr_diagnosis *out);
/* How many validation samples would tell, errors staying what they are; 0: more of them would not. */
int64_t gr__diagnose_samples(const gr_diagnosis *d);

/* ---- evidence and advice ---- */

/* What a run's records tell of how it ended. */
typedef struct gr_ending {
    bool known;
    int64_t steps;
    double before, after; /* mean training cost of the second to last tenth of the updates, and of the last */
    bool falling;         /* by more than chance and 1 % */
    int64_t best_step;    /* of the lowest validation error; 0: none */
    double best, last;    /* that error, and the last one */
} gr_ending;
gr_ending gr__ending_of(const gr_history *h, const char *error);

typedef struct gr_advice {
    const char *remedy, *text;
} gr_advice;

/* What the verdict rests on, figure by figure. Memory of the result. */
void gr__diagnose_evidence(gr_result *r, const gr_diagnosis *d, const gr_errors *first, const gr_ending *e);
/* Remedies in the chapter's order, those of bias before those of variance; each with the recipe key or command. */
gr_status gr__diagnose_advice(gr_result *r, const gr_diagnosis *d, const gr_recipe *recipe, const gr_ending *e,
                              const gr_advice **out, size_t *n);

#endif
