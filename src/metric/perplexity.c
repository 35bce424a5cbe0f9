/* Perplexity: among how many equally likely classes one would be as unsure. */
#include <math.h>

#include "metric/metric.h"

static double value(const gr_settings *s, const gr_tally *t)
{
    (void)s;
    return exp(t->log_sum / (double)t->decisions);
}

GR_METRIC(perplexity) = {
    .head =
        {
            .family = "metric",
            .name = "perplexity",
            .title = "Perplexity: the exponential of the log loss",
            .cite = "Jelinek et al. 1977",
            .equations = "exp(mean of -log p_right), over samples and their positions",
        },
    .forms = GR_METRIC_CLASS,
    .lower = true,
    .named = true,
    .value = value,
};
