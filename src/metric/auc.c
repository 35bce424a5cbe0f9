/* Area under the ROC curve. It needs the order of all scores: they are kept for the evaluation, exactly, in memory that
 * the plan counts; bins would make the figure depend on how they are laid. */
#include "metric/metric.h"

static double value(const gr_settings *s, const gr_tally *t)
{
    int64_t n = t->n_hits == 2 && t->is.form == GR_FORM_CLASS ? 1 : t->n_hits;
    double sum = 0;
    (void)s;
    for (int64_t k = 0; k < n; k++) sum += gr__tally_auc(t, k); /* one without a value leaves the mean without one */
    return sum / (double)n;
}

GR_METRIC(auc) = {
    .head =
        {
            .family = "metric",
            .name = "auc",
            .title = "Area under the ROC curve",
            .cite = "Hanley & McNeil 1982; scikit-learn roc_auc_score (macro, one against the rest)",
            .equations = "P(score of a sample of the class > score of another) + P(equal) / 2\n"
                         "of more than two classes, and of labels: the mean of one against the rest;  no value where a "
                         "class or label has all samples or none",
        },
    .class_by_class = true,
    .forms = GR_METRIC_CLASS | GR_METRIC_LABELS,
    .scores = true,
    .named = true,
    .value = value,
};
