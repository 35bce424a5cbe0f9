/* Bits a byte: the log loss in bits, of a model whose classes are bytes. */
#include <math.h>

#include "metric/metric.h"

static double value(const gr_settings *s, const gr_tally *t)
{
    (void)s;
    return t->log_sum / (double)t->decisions / log(2.0);
}

GR_METRIC(bits_per_byte) = {
    .head =
        {
            .family = "metric",
            .name = "bits_per_byte",
            .title = "Bits a byte: the log loss in bits, where a class is a byte",
            .cite = "Shannon 1951",
            .equations = "mean of -log2 p_right, over samples and their positions",
        },
    .forms = GR_METRIC_CLASS,
    .lower = true,
    .named = true,
    .value = value,
};
