/* F1: precision and recall in one number. */
#include "metric/metric.h"

static const gr_row rows[] = {GR_METRIC_AVERAGE_ROWS};

static double of(gr_hits h)
{
    return h.truth + h.guessed ? 2.0 * (double)h.both / (double)(h.truth + h.guessed) : 0;
}

static double value(const gr_settings *s, const gr_tally *t)
{
    return gr__average(s, t, of);
}

GR_METRIC(f1) = {
    .head =
        {
            .family = "metric",
            .name = "f1",
            .title = "F1: the harmonic mean of precision and recall",
            .cite = "van Rijsbergen 1979; scikit-learn f1_score",
            .equations = "F1 = 2 TP / (2 TP + FP + FN);  0 where nothing is true or predicted",
            GR_ROWS(rows),
        },
    .class_by_class = true,
    .forms = GR_METRIC_CLASS | GR_METRIC_LABELS,
    .if_unbalanced = true,
    .check = gr__average_check,
    .counted = true,
    .value = value,
};
