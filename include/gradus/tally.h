/* Figures of an evaluation by name: predictions are counted against targets, batch by batch, and metrics read the
 * counts.
 *
 *     gr_tally *t;
 *     gr_tally_create(ctx, &(gr_tally_options){.form = GR_TALLY_CLASSES, .outputs = 10}, &t);
 *     for (every batch) gr_tally_add(t, n, labels, probabilities);
 *     gr_tally_figure(t, "f1", "{average: macro}", &f1); */
#ifndef GRADUS_TALLY_H
#define GRADUS_TALLY_H

#include "gradus/context.h"

#ifdef __cplusplus
extern "C" {
#endif

/* What targets are; masks of these say what a metric is for. */
enum {
    GR_TALLY_CLASSES = 1, /* one class a decision; predictions are a probability a class */
    GR_TALLY_LABELS = 2,  /* 0 or 1 a label; predictions are a probability a label */
    GR_TALLY_SHARES = 4,  /* a probability a class; predictions likewise */
    GR_TALLY_VALUES = 8   /* numbers; predictions likewise */
};

typedef struct gr_tally_options {
    unsigned form;       /* one of GR_TALLY_... */
    int64_t outputs;     /* numbers of a sample's prediction */
    int64_t classes;     /* GR_TALLY_CLASSES: of each position, where a sample has several; 0: outputs */
    bool wide;           /* predictions, and targets that are no classes, are double; else float */
    int64_t max_samples; /* for metrics that need every score (auc): how many at most; 0: these are refused */
} gr_tally_options;

typedef struct gr_tally gr_tally;

/* Takes tensor memory by outputs, not by samples, but for the scores. GR_E_RANGE, GR_E_USAGE, GR_E_MEMORY. */
GR_API GR_CHECKED gr_status gr_tally_create(gr_context *ctx, const gr_tally_options *options, gr_tally **out);
GR_API void gr_tally_destroy(gr_tally *t); /* NULL is fine */
/* n samples, dense. targets: of classes int32_t, each within 0 to classes - 1, else as predictions are. Not after the
 * first figure was asked for (GR_E_USAGE); GR_E_RANGE: more than max_samples. */
GR_API GR_CHECKED gr_status gr_tally_add(gr_tally *t, int64_t n, const void *targets, const void *predictions);
/* A metric of what was added, settings as in a recipe; NaN where it has none. GR_E_NAME, GR_E_CONFLICT: it is not for
 * such targets, or needs scores. */
GR_API GR_CHECKED gr_status gr_tally_figure(gr_tally *t, const char *metric, const char *settings, double *out);

/* ---- the counts, which metrics from outside the tree read (gradus/ext/metric.h) ---- */

typedef struct gr_tally_counts {
    int64_t samples;
    int64_t decisions;   /* classes, labels or distributions judged */
    int64_t right;       /* of them: the most likely class (the first of equals), the side of 1/2, the same largest */
    int64_t nonfinite;   /* numbers of predictions that are not finite: no figure means anything then */
    int64_t classes;     /* classes or labels; 0 of shares and values */
    double log_sum;      /* of -log of the probability given to what was right, over the decisions */
    double square_sum;   /* of prediction less target squared: shares and values */
    double absolute_sum; /* of |prediction - target|: shares and values */
} gr_tally_counts;
GR_API gr_tally_counts gr_tally_read(const gr_tally *t);

typedef struct gr_tally_hits { /* of a class, or of a label's yes */
    int64_t truth, guessed, both;
} gr_tally_hits;
GR_API gr_tally_hits gr_tally_class(const gr_tally *t, int64_t k); /* zeros where there is no such class */
/* Classes: decisions in which `before` classes were held for more likely than the right one. */
GR_API int64_t gr_tally_ranked(const gr_tally *t, int64_t before);

#ifdef __cplusplus
}
#endif
#endif
