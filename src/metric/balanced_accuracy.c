/* Balanced accuracy: every class counts alike, however rare it is. */
#include <math.h>

#include "metric/metric.h"

static double value(const gr_settings *s, const gr_tally *t)
{
    double sum = 0;
    int seen = 0;
    (void)s;
    for (int64_t k = 0; k < t->n_hits; k++) {
        if (t->hits[k].truth == 0) continue;
        sum += (double)t->hits[k].both / (double)t->hits[k].truth;
        seen++;
    }
    return seen ? sum / seen : (double)NAN;
}

GR_METRIC(balanced_accuracy) = {
    .head =
        {
            .family = "metric",
            .name = "balanced_accuracy",
            .title = "Balanced accuracy: the mean of the classes' recalls",
            .cite = "Brodersen et al. 2010; scikit-learn balanced_accuracy_score",
            .equations = "mean over the classes that are there of TP / (TP + FN)",
        },
    .class_by_class = true,
    .forms = GR_METRIC_CLASS,
    .counted = true,
    .value = value,
};
