/* The coefficient of determination. */
#include <math.h>

#include "metric/metric.h"

static double value(const gr_settings *s, const gr_tally *t)
{
    double sum = 0, n = (double)t->samples;
    (void)s;
    for (int64_t k = 0; k < t->is.outputs; k++) {
        const gr_value_sums *v = &t->value[k];
        double about_mean = v->squares - v->sum * (v->sum / n);
        sum += about_mean > 0 ? 1 - v->residual / about_mean : (double)NAN;
    }
    return sum / (double)t->is.outputs;
}

GR_METRIC(r2) = {
    .head =
        {
            .family = "metric",
            .name = "r2",
            .title = "R^2: the share of the targets' variance that is explained",
            .cite = "Wright 1921; scikit-learn r2_score (uniform average)",
            .equations = "1 - sum (y - prediction)^2 / sum (y - mean of y)^2, the mean over the outputs\n"
                         "no value where the targets of an output are all alike",
        },
    .forms = GR_METRIC_VALUES,
    .value = value,
};
