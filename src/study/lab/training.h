/* Trainings that figures are made of. */
#ifndef GR_STUDY_LAB_TRAINING_H
#define GR_STUDY_LAB_TRAINING_H

#include "study/lab/lab.h"

typedef struct gr_trained {
    double error; /* of validation, at the end; 1 where it diverged: the worst a share can be */
    double train; /* likewise of the first training samples; NaN unless judged */
    bool diverged;
} gr_trained;

typedef struct gr_training {
    const char *recipe;    /* as text; NULL: what made it had no memory */
    int64_t updates;       /* 0: the recipe's stop */
    int64_t every;         /* validates each so many epochs; 0: at the end alone */
    bool judged;           /* by training samples too */
    double *error, *train; /* after each `every` epochs, as many as there are; may be NULL */
} gr_training;

gr_status gr__lab_train(gr_lab *lab, const gr_training *t, gr_trained *out);
/* The seed of the k-th training. */
uint64_t gr__lab_seed(const gr_lab *lab, int64_t k);

/* A mean over n trainings, and the 95 % interval it lies in by Student's t; low and high are NaN where n is 1. */
typedef struct gr_mean {
    double mean, low, high;
} gr_mean;
gr_mean gr__lab_mean(const double *x, int64_t n);

#endif
