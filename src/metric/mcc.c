/* Matthews' correlation, for any number of classes. Only the sums of the confusion matrix enter. */
#include <math.h>

#include "metric/metric.h"

static double value(const gr_settings *s, const gr_tally *t)
{
    double n = (double)t->decisions, both = 0, truth = 0, guessed = 0;
    (void)s;
    for (int64_t k = 0; k < t->n_hits; k++) {
        double a = (double)t->hits[k].truth, b = (double)t->hits[k].guessed;
        both += a * b;
        truth += a * a;
        guessed += b * b;
    }
    double product = sqrt(n * n - truth) * sqrt(n * n - guessed);
    return product > 0 ? ((double)t->right * n - both) / product : 0;
}

GR_METRIC(mcc) = {
    .head =
        {
            .family = "metric",
            .name = "mcc",
            .title = "Matthews correlation coefficient of truth and prediction",
            .cite = "Matthews 1975; Gorodkin 2004; scikit-learn matthews_corrcoef",
            .equations =
                "(c n - sum_k t_k p_k) / sqrt((n^2 - sum_k t_k^2) (n^2 - sum_k p_k^2))\n"
                "c right of n, class k true t_k times and predicted p_k times;  0 where truth or prediction is "
                "of one class alone",
        },
    .class_by_class = true,
    .forms = GR_METRIC_CLASS,
    .counted = true,
    .value = value,
};
