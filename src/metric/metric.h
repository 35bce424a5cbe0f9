/* Metrics: figures of an evaluation, each a function of what one pass over a part of the data has counted. */
#ifndef GR_METRIC_METRIC_H
#define GR_METRIC_METRIC_H

#include "cost/cost.h"

/* ---- the tally: what a pass counts ---- */

typedef struct gr_hits { /* of a class, or of a label's yes */
    int64_t truth, guessed, both;
} gr_hits;

typedef struct gr_value_sums { /* of one value: sums about its first target */
    double origin, sum, squares;
    double residual; /* sum of squares of what the prediction misses it by */
} gr_value_sums;

typedef struct gr_threshold { /* of two classes `positive` is answered where its probability is at least so large; of
                                 labels each */
    double at;
    int positive; /* CLASS */
} gr_threshold;

typedef struct gr_tally_spec {
    gr_target_form form;
    int64_t outputs;               /* numbers of a sample's prediction */
    int64_t classes;               /* CLASS: the last axis of a prediction; outputs / classes positions a sample */
    bool wide;                     /* predictions, and targets that are no classes, are double; else float */
    const gr_targets *targets;     /* of the training rows: which of two classes is the rarer; NULL: nothing known */
    void *scores;                  /* room of gr__tally_score_bytes for `samples`; NULL: no metric wants them */
    int64_t samples;               /* how many will be added, at most; only for scores */
    bool confusion;                /* CLASS: what was taken for what is counted too */
    const gr_threshold *threshold; /* LABELS, two classes; NULL: the most likely class, labels from 1/2 on. Scores of
                                      two classes are then those of the positive one */
    void *room;                    /* of gr__tally_counts_bytes; NULL: the tally takes some from tensor memory */
} gr_tally_spec;

typedef struct gr_tally {
    gr_context *ctx;
    gr_tally_spec is;
    int64_t samples;   /* added so far */
    int64_t nonfinite; /* numbers of predictions that are not finite: no figure means anything then */
    int64_t decisions; /* classes, labels or distributions judged */
    int64_t right; /* of them: the most likely class (the first of equals), the side of 1/2, the same largest share */
    gr_hits *hits; /* CLASS, LABELS: one a class or label */
    int64_t n_hits;
    int64_t *rank;                   /* CLASS: [r]: decisions in which r classes came before the right one */
    int64_t *confusion;              /* CLASS: [true][predicted]; NULL where it is not asked for */
    gr_value_sums *value;            /* VALUES, DISTRIBUTION: one an output */
    void *counts;                    /* what these pointers but the confusion lead to */
    double log_sum;                  /* of -log of the probability given to what was right, over the decisions */
    double square_sum, absolute_sum; /* of prediction less target; VALUES, DISTRIBUTION */
    double quartic_sum;              /* of the squares of samples' sums of squares; likewise */
} gr_tally;

/* What scores of so many samples take: every probability once, or those of the second class where there are two. */
uint64_t gr__tally_score_bytes(const gr_tally_spec *is, int64_t samples);
/* Exactly what a tally takes from tensor memory, from begin to end. */
uint64_t gr__tally_bytes(const gr_tally_spec *is);
uint64_t gr__tally_counts_bytes(const gr_tally_spec *is); /* of these all but the confusion */
/* A block of its own, so that it can outlive its tally. */
uint64_t gr__tally_confusion_bytes(int64_t classes);
/* A tally that failed to begin needs no end. */
gr_status gr__tally_begin(gr_context *ctx, const gr_tally_spec *is, gr_tally *out);
/* n samples, densely: targets GR_I32 for classes, else numbers as wide as the predictions. */
void gr__tally_add(gr_tally *t, int64_t n, const void *targets, const void *prediction);
void gr__tally_finish(gr_tally *t); /* before any figure is asked for */
void gr__tally_end(gr_tally *t);
/* What is called the error: the share of wrong decisions, or the root mean square. */
double gr__tally_error(const gr_tally *t);
/* VALUES, DISTRIBUTION, else NaN: the standard error of the mean square of which the error is the root, samples being
 * drawn; and the mean square of the targets about their mean, what answering that mean is worth. */
double gr__tally_square_deviation(const gr_tally *t);
double gr__tally_square_about(const gr_tally *t);
/* Area under the ROC curve of a class (the second of two) or label; NaN where all samples are of one kind. */
double gr__tally_auc(const gr_tally *t, int64_t k);
/* Whether two classes or labels are told apart by a threshold; else it means nothing. */
bool gr__threshold_means(gr_target_form form, int64_t classes);
/* The class answered for the probabilities of the two. */
static inline int gr__threshold_answer(const gr_threshold *t, double p0, double p1)
{
    return (t->positive ? p1 : p0) >= t->at ? t->positive : 1 - t->positive;
}
/* The class that F1, precision and recall of two classes are about: the rarer in training, 1 where both are alike. */
int gr__tally_positive(const gr_tally *t);
int gr__targets_positive(const gr_targets *training); /* the same of the training rows; NULL: not known */

/* ---- a metric ---- */
typedef struct gr_metric {
    gr_member head;
    unsigned forms;      /* of targets that it is for: a bit mask of 1 << gr_target_form */
    unsigned by_default; /* of these, a recipe that names no metrics has it */
    bool if_unbalanced;  /* such a recipe has it too where the training's classes are unbalanced */
    bool class_by_class; /* what a small class gets counts: the largest cannot make it good by itself */
    bool lower;          /* the lower the better */
    bool scores;         /* it needs every sample's scores */
    bool counted;        /* it follows from `hits`, `right` and `decisions` alone */
    bool named; /* `eval` tells it only where the recipe names it: it costs memory, or is for some data alone */
    /* Refuses settings that do not go with so many classes or labels; may be NULL. */
    gr_status (*check)(gr_context *ctx, const gr_settings *s, gr_target_form form, int64_t classes);
    double (*value)(const gr_settings *s, const gr_tally *t); /* NaN: it has none */
} gr_metric;
#define GR_METRIC(name) const gr_metric gr__metric_##name
const gr_metric *const *gr__metrics(int *n); /* generated, sorted by name */
extern const gr_family gr__family_metric;    /* generated */

enum {
    GR_METRIC_CLASS = 1 << GR_FORM_CLASS,
    GR_METRIC_LABELS = 1 << GR_FORM_LABELS,
    GR_METRIC_DISTRIBUTION = 1 << GR_FORM_DISTRIBUTION,
    GR_METRIC_VALUES = 1 << GR_FORM_VALUES
};

const char *gr__target_form_name(gr_target_form form); /* "classes" */

/* ---- metrics in use ---- */
typedef struct gr_metric_use {
    const gr_metric *member;
    gr_settings settings;
    const char *name; /* in files: "f1"; "f1_macro" where the list has several f1 */
} gr_metric_use;

enum { GR_MAX_METRICS = 48, GR_MAX_METRICS_NAMED = 24 };
typedef struct gr_metrics {
    gr_metric_use use[GR_MAX_METRICS];
    int n;
} gr_metrics;

typedef struct gr_metric_scope { /* what metrics are asked of */
    gr_target_form form;
    int64_t classes;  /* CLASS, LABELS: how many are told apart */
    const char *cost; /* for messages */
    gr_preset preset;
} gr_metric_scope;

/* Adds what a recipe says, a name or {type: f1, average: macro}. GR_E_NAME, GR_E_CONFLICT for what is not for such
 * targets or stands there already, GR_E_RANGE. A second one of a type is called by its settings too. */
gr_status gr__metrics_add(gr_context *ctx, gr__bump *b, const gr_metric_scope *scope, const gr_tree *tree,
                          gr_metrics *m);
/* The same, but where it stands already its place is given. */
gr_status gr__metrics_find_or_add(gr_context *ctx, gr__bump *b, const gr_metric_scope *scope, const gr_tree *tree,
                                  gr_metrics *m, int *at);
/* Adds what a recipe that names none has of such targets; or, beyond that, where classes are unbalanced. */
gr_status gr__metrics_add_defaults(gr_context *ctx, gr__bump *b, const gr_metric_scope *scope, bool unbalanced,
                                   gr_metrics *m);
/* Adds all others that such targets have and that need not be named, with their defaults. */
gr_status gr__metrics_add_rest(gr_context *ctx, gr__bump *b, const gr_metric_scope *scope, gr_metrics *m);
int gr__metrics_find(const gr_metrics *m, const char *name); /* -1: none */
gr_tree *gr__metrics_tree(gr__bump *b, const gr_metrics *m); /* a list; a name alone where a member has no settings */
bool gr__metrics_want_scores(const gr_metrics *m);

/* ---- what follows from counts ---- */

/* The 95 % interval of a share of n samples: within [0, 1], and no point where nothing was wrong. [Wilson 1927] */
void gr__share_interval(double share, double n, double *low, double *high);
/* The quantile 0.975 of Student's distribution with `freedom` degrees of freedom, at least 1; right to 0.003. */
double gr__student(int64_t freedom);
/* The class that a model which looks at nothing would answer: the most frequent of the training rows, of the counted
 * ones where those are not known; the first of equals. */
int64_t gr__tally_majority(const gr_tally *t);
/* What the figures of such a model are: of the metrics that are counted; NaN: of the others. GR_E_MEMORY. */
gr_status gr__tally_baseline(const gr_tally *t, const gr_metrics *m, double figure[GR_MAX_METRICS]);
/* The threshold under which a counted metric is best, of what was added to a tally of two classes that has scores and a
 * threshold (whose `positive` holds): a decimal as short as the scores beside it allow; of equally good ones the
 * nearest to 1/2. */
void gr__tally_best_threshold(const gr_tally *t, const gr_metric_use *by, gr_threshold *best, double *figure);

/* ---- what f1, precision and recall share ---- */

/* The rows `average` and `positive`. */
#define GR_METRIC_AVERAGE_ROWS                                                                                        \
    GR_ROW("average", CHOICE, "none", "macro|micro|weighted", "",                                                     \
           "mean over classes (macro), over their samples (weighted), or of all counts together (micro); by default " \
           "macro, of two classes the positive one's alone"),                                                         \
        GR_ROW("positive", INT, "none", "{0,1}", "1",                                                                 \
               "of two classes the one that is looked for; by default the rarer in training, 1 where both are alike")

gr_status gr__average_check(gr_context *ctx, const gr_settings *s, gr_target_form form, int64_t classes);
/* `of` one class's counts; averaged as the settings say, over the classes that are true or predicted somewhere. */
double gr__average(const gr_settings *s, const gr_tally *t, double (*of)(gr_hits h));

#endif
