/* Accuracy: the share of right decisions. */
#include "metric/metric.h"

static double value(const gr_settings *s, const gr_tally *t)
{
    (void)s;
    return (double)t->right / (double)t->decisions;
}

GR_METRIC(accuracy) = {
    .head =
        {
            .family = "metric",
            .name = "accuracy",
            .title = "Accuracy: the share of right classes or labels",
            .cite = "scikit-learn accuracy_score",
            .equations =
                "right / all;  of classes the most likely one (the first of equals), of labels the side of 1/2\n"
                "of distributions: whether target and prediction are largest at the same class",
        },
    .forms = GR_METRIC_CLASS | GR_METRIC_LABELS | GR_METRIC_DISTRIBUTION,
    .by_default = GR_METRIC_CLASS | GR_METRIC_LABELS,
    .counted = true,
    .value = value,
};
