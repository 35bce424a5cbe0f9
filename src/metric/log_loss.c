/* The mean of -log of the probability that was given to what is right. Unlike the cost it knows no class weights,
 * smoothing or focus. */
#include "metric/metric.h"

static double value(const gr_settings *s, const gr_tally *t)
{
    (void)s;
    return t->log_sum / (double)t->decisions;
}

GR_METRIC(log_loss) = {
    .head =
        {
            .family = "metric",
            .name = "log_loss",
            .title = "Log loss: the mean of -log of the right one's probability",
            .cite = "Good 1952; scikit-learn log_loss",
            .equations = "classes: mean of -log p_right;  labels: mean of -y log p - (1 - y) log(1 - p)\n"
                         "distributions: mean of -sum_k y_k log p_k\n"
                         "natural logarithm; a probability of 0 counts as the smallest normal number of its type",
        },
    .forms = GR_METRIC_CLASS | GR_METRIC_LABELS | GR_METRIC_DISTRIBUTION,
    .lower = true,
    .value = value,
};
