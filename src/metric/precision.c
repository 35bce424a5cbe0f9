/* Precision: how much of what is predicted is true. */
#include "metric/metric.h"

static const gr_row rows[] = {GR_METRIC_AVERAGE_ROWS};

static double of(gr_hits h)
{
    return h.guessed ? (double)h.both / (double)h.guessed : 0;
}

static double value(const gr_settings *s, const gr_tally *t)
{
    return gr__average(s, t, of);
}

GR_METRIC(precision) = {
    .head =
        {
            .family = "metric",
            .name = "precision",
            .title = "Precision: the share of what is predicted that is true",
            .cite = "van Rijsbergen 1979; scikit-learn precision_score",
            .equations = "TP / (TP + FP);  0 where nothing is predicted",
            GR_ROWS(rows),
        },
    .class_by_class = true,
    .forms = GR_METRIC_CLASS | GR_METRIC_LABELS,
    .check = gr__average_check,
    .counted = true,
    .value = value,
};
