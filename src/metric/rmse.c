/* Root mean square error. */
#include <math.h>

#include "metric/metric.h"

static double value(const gr_settings *s, const gr_tally *t)
{
    (void)s;
    return sqrt(t->square_sum / ((double)t->samples * (double)t->is.outputs));
}

GR_METRIC(rmse) = {
    .head =
        {
            .family = "metric",
            .name = "rmse",
            .title = "Root mean square error",
            .cite = "scikit-learn root_mean_squared_error",
            .equations = "sqrt(mean over samples and outputs of (prediction - target)^2)",
        },
    .forms = GR_METRIC_DISTRIBUTION | GR_METRIC_VALUES,
    .by_default = GR_METRIC_DISTRIBUTION | GR_METRIC_VALUES,
    .lower = true,
    .value = value,
};
