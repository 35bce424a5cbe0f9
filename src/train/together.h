/* Models that predict together: the mean of their numbers, what it costs, and by which weights it costs least. */
#ifndef GR_TRAIN_TOGETHER_H
#define GR_TRAIN_TOGETHER_H

#include "train/train.h"

struct gr_model;

/* ---- the mean of one sample's numbers (mix.c) ---- */

typedef struct gr_mixing {
    int n;                /* members */
    const double *weight; /* one a member, summing to 1; NULL: all alike */
    bool logits;          /* the mean is that of logits, not of probabilities; of values there is one mean alone */
} gr_mixing;
/* v[m]: `width` numbers of member m. All alike: their sum in the order of the members, by how many they are; else the
 * sum of each times its weight. Of logits: shares go with exp of the mean of log p, a label is the sigmoid of its mean
 * logit. */
void gr__mix(const gr_mixing *m, gr_prediction_form form, int64_t width, const double *const *v, double *out);
/* The deviation of number k over the members, about the mean. */
double gr__mix_deviation(const gr_mixing *m, const double *const *v, int64_t k, double mean);
/* Divides weights by their sum. GR_E_RANGE: one is negative or not finite, or all are 0. */
gr_status gr__mix_weights(gr_context *ctx, double *weight, int n);

/* ---- evaluation (together.c) ---- */

typedef struct gr_together gr_together;
/* Models on a part of a recipe's data, each with its own preparation; `r` is what the first is evaluated with. Their
 * inputs and outputs agree. GR_E_UNSUPPORTED: samples have lengths. Close it. */
gr_status gr__together_open(gr_context *ctx, const struct gr_model *const *model, int n, const gr_recipe *r,
                            gr_part part, gr_together **out);
void gr__together_close(gr_together *t);
/* The engine whose metrics and thresholds count. */
gr_engine *gr__together_engine(gr_together *t);
const gr_task *gr__together_task(const gr_together *t);
gr_status gr__together_evaluate(gr_together *t, const gr_mixing *m, const volatile sig_atomic_t *stop,
                                gr_evaluation *out);
/* The weights of least cost on the part: none negative, their sum 1. weight: one a member. */
gr_status gr__together_weigh(gr_together *t, bool logits, const volatile sig_atomic_t *stop, double *weight);

#endif
