/* Recall: how much of what is true is predicted. */
#include "metric/metric.h"

static const gr_row rows[] = {GR_METRIC_AVERAGE_ROWS};

static double of(gr_hits h)
{
    return h.truth ? (double)h.both / (double)h.truth : 0;
}

static double value(const gr_settings *s, const gr_tally *t)
{
    return gr__average(s, t, of);
}

GR_METRIC(recall) = {
    .head =
        {
            .family = "metric",
            .name = "recall",
            .title = "Recall: the share of what is true that is predicted",
            .cite = "van Rijsbergen 1979; scikit-learn recall_score",
            .equations = "TP / (TP + FN);  0 where nothing is true",
            GR_ROWS(rows),
        },
    .class_by_class = true,
    .forms = GR_METRIC_CLASS | GR_METRIC_LABELS,
    .check = gr__average_check,
    .counted = true,
    .value = value,
};
