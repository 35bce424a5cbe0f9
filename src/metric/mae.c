/* Mean absolute error. */
#include "metric/metric.h"

static double value(const gr_settings *s, const gr_tally *t)
{
    (void)s;
    return t->absolute_sum / ((double)t->samples * (double)t->is.outputs);
}

GR_METRIC(mae) = {
    .head =
        {
            .family = "metric",
            .name = "mae",
            .title = "Mean absolute error",
            .cite = "scikit-learn mean_absolute_error",
            .equations = "mean over samples and outputs of |prediction - target|",
        },
    .forms = GR_METRIC_DISTRIBUTION | GR_METRIC_VALUES,
    .lower = true,
    .value = value,
};
