/* Top-k accuracy: is the right class among the k most likely ones? */
#include "metric/metric.h"

static const gr_row rows[] = {
    GR_ROW("k", INT, "5", "[1,1000000]", "classes", "how many of the most likely classes are looked at"),
};

static gr_status check(gr_context *ctx, const gr_settings *s, gr_target_form form, int64_t classes)
{
    const gr_tree *k = gr__setting_tree(s, "k");
    (void)form;
    if (gr__setting_int(s, "k") <= classes) return GR_OK;
    return gr__tree_fail(ctx, s->given[0] ? k : s->tree, GR_E_CONFLICT, "such as {type: top_k, k: 2}",
                         "k %s is more than the %lld classes", k->text, (long long)classes);
}

static double value(const gr_settings *s, const gr_tally *t)
{
    int64_t right = 0;
    for (int64_t r = 0; r < gr__setting_int(s, "k"); r++) right += t->rank[r];
    return (double)right / (double)t->decisions;
}

GR_METRIC(top_k) = {
    .head =
        {
            .family = "metric",
            .name = "top_k",
            .title = "Top-k accuracy: the right class is among the k most likely",
            .cite = "Russakovsky et al. 2015",
            .equations = "share of samples in which fewer than k classes come before the right one\n"
                         "a class comes before another that is less likely, or as likely and numbered higher",
            GR_ROWS(rows),
        },
    .forms = GR_METRIC_CLASS,
    .named = true,
    .check = check,
    .value = value,
};
