/* What a recipe's model gives and costs before any update: its outputs for some samples, the cost of these from the
 * plan, and the same and what guessing costs from the cost's own reference. [mission T5, X8] */
#ifndef GR_STUDY_CHECK_START_H
#define GR_STUDY_CHECK_START_H

#include "cost/cost.h"
#include "study/check/check.h"

typedef struct gr_start {
    gr_probe *p;
    int head;
    const gr_cost *cost;
    const gr_settings *settings;
    gr_reading reading;
    int lengths;           /* the input whose lengths say which steps count; -1: all do */
    bool binary;           /* a yes or no an output */
    int64_t width;         /* outputs a row: of a sample, or of one of its positions */
    int64_t rows;          /* of a sample: 1, or positions */
    const gr_entry *bias;  /* the last layer's, where it has a number an output and one is not 0, as one sets it for
                              unbalanced data; else NULL */
    double *z, *y, *still; /* of one sample; the outputs that guess: 0, for values the last layer's bias */
    double *count; /* of each class: samples, or shares of distributions; binary: count[1] of yes, count[0] of no */
    double n, sum, weight; /* rows; the sums that the plan gives */
    double reference; /* the same cost from outputs and targets; with `blind` and `alone` where it has a reference */
    double blind;     /* the cost of outputs that guess */
    double alone;     /* values: the cost of the outputs where targets are what guesses */
    double variance; /* sum over samples of the variance of its outputs (logits of classes), or of their mean square; of
                        what they are beside the bias */
    double squares;  /* sum over samples of the mean square of its targets; values: beside the bias */
    int64_t seen, probabilities, logs; /* samples; those whose outputs are probabilities already; those whose outputs
                                          have the log-sum-exp of log-probabilities */
    double *first, spread;             /* the first sample's outputs; how far an output gets from that */
} gr_start;

/* Looks at the first batches, at one of the heads. Release it, also after a failure. */
gr_status gr__start_take(gr_probe *p, int head, gr_start *out);
void gr__start_release(gr_start *s);
/* The cost of one guess for all that knows how often each class comes: logits of the frequencies. Changes z and y. */
double gr__start_informed(gr_start *s);

#endif
