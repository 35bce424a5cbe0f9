/* Trainings that figures are made of. */
#ifndef GR_STUDY_LAB_TRAINING_H
#define GR_STUDY_LAB_TRAINING_H

#include "study/lab/lab.h"
#include "study/steps/steps.h"

typedef struct gr_trained {
    double
        error; /* of validation, at the end; 1 where it diverged: the worst a share can be (ask `diverged` of values) */
    double train; /* likewise of the first training samples; NaN unless judged */
    bool diverged;
} gr_trained;

typedef struct gr_training {
    const char *recipe;    /* as text; NULL: what made it had no memory */
    int64_t updates;       /* 0: the recipe's stop */
    int64_t every;         /* validates each so many epochs; 0: at the end alone */
    bool judged;           /* by training samples too */
    double *error, *train; /* after each `every` epochs, as many as there are; may be NULL */
    /* Before the first update, as to change its weights, and at its end; either may be NULL. */
    gr_status (*start)(gr_lab *lab, gr_steps *s, void *user);
    gr_status (*look)(gr_lab *lab, const gr_recipe *r, gr_steps *s, void *user);
    void *user;
} gr_training;

gr_status gr__lab_train(gr_lab *lab, const gr_training *t, gr_trained *out);
/* `data: {...}` of drawn digits with noise, 16 x 16: `samples` to train on and as many to validate on, other ones for
 * each k; more: keys for all of `data`, "" or ", KEY: VALUE". */
const char *gr__lab_digits(gr_lab *lab, int64_t k, int64_t samples, int64_t batch, const char *more);
/* Copies a tensor of that name, which both have in one size. */
gr_status gr__lab_copy(gr_lab *lab, const gr_store *from, gr_store *to, const char *name);
/* The seed of the k-th training. */
uint64_t gr__lab_seed(const gr_lab *lab, int64_t k);

/* A mean over n trainings, and the 95 % interval it lies in by Student's t; low and high are NaN where n is 1. */
typedef struct gr_mean {
    double mean, low, high;
} gr_mean;
gr_mean gr__lab_mean(const double *x, int64_t n);
/* A claim of the chapter's that no theory bounds, reported: it holds here where the interval of what speaks for it lies
 * above 0, is contradicted where below, else it is not told from chance. unit: of the difference. */
void gr__lab_tells(gr_lab *lab, gr_mean difference, const char *unit, const char *claim, ...) GR_PRINTF(4, 5);

#endif
