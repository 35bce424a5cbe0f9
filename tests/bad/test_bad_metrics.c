/* Wrong metrics, each a mistake of the kind that is really made: the evidence must reject every one, and accept the
 * right one beside it. */
#include <math.h>
#include <string.h>

#include "support/case_metric.h"
#include "test.h"

static double of_f1(gr_hits h)
{
    return h.truth + h.guessed ? 2.0 * (double)h.both / (double)(h.truth + h.guessed) : 0;
}

static double right_f1(const gr_settings *s, const gr_tally *t)
{
    return gr__average(s, t, of_f1);
}

/* The mean over both classes where one is asked for: an always-majority model looks passable. */
static double macro_of_two(const gr_settings *s, const gr_tally *t)
{
    double sum = 0;
    int seen = 0;
    if (t->n_hits != 2 || gr__setting_tree(s, "average") || gr__setting_tree(s, "positive")) return right_f1(s, t);
    for (int k = 0; k < 2; k++)
        if (t->hits[k].truth + t->hits[k].guessed) sum += of_f1(t->hits[k]), seen++;
    return seen ? sum / seen : 0;
}

static double of_absent(gr_hits h)
{
    return h.truth + h.guessed ? of_f1(h) : 1;
}

static double absent_is_perfect(const gr_settings *s, const gr_tally *t)
{
    return gr__average(s, t, of_absent);
}

static double of_precision(gr_hits h)
{
    return h.guessed ? (double)h.both / (double)h.guessed : 0;
}

static double precision_for_f1(const gr_settings *s, const gr_tally *t)
{
    return gr__average(s, t, of_precision);
}

static double all_classes(const gr_settings *s, const gr_tally *t)
{
    double sum = 0;
    if (gr__setting_tree(s, "average") || t->n_hits == 2 || t->is.form != GR_FORM_CLASS) return right_f1(s, t);
    for (int64_t k = 0; k < t->n_hits; k++) sum += of_f1(t->hits[k]);
    return sum / (double)t->n_hits;
}

static double always_class_1(const gr_settings *s, const gr_tally *t)
{
    bool two = t->n_hits == 2 && t->is.form == GR_FORM_CLASS && !gr__setting_tree(s, "average");
    return two && !gr__setting_tree(s, "positive") ? of_f1(t->hits[1]) : right_f1(s, t);
}

static double right_auc(const gr_settings *s, const gr_tally *t)
{
    (void)s;
    int64_t n = t->n_hits == 2 && t->is.form == GR_FORM_CLASS ? 1 : t->n_hits;
    double sum = 0;
    for (int64_t k = 0; k < n; k++) sum += gr__tally_auc(t, k);
    return sum / (double)n;
}

static double first_auc(const gr_settings *s, const gr_tally *t)
{
    (void)s;
    return gr__tally_auc(t, 0);
}

static double missing_counts_half(const gr_settings *s, const gr_tally *t)
{
    double a = right_auc(s, t);
    return isnan(a) ? 0.5 : a;
}

static double base_2(const gr_settings *s, const gr_tally *t)
{
    (void)s;
    return t->log_sum / (double)t->decisions / log(2.0);
}

static double over_samples(const gr_settings *s, const gr_tally *t)
{
    (void)s;
    return t->log_sum / (double)t->samples;
}

static double about_0(const gr_settings *s, const gr_tally *t)
{
    double sum = 0;
    (void)s;
    for (int64_t k = 0; k < t->is.outputs; k++) sum += 1 - t->value[k].residual / t->value[k].squares;
    return sum / (double)t->is.outputs;
}

static void wrong_metrics_are_rejected(void **state)
{
    (void)state;
    static const struct {
        const char *of, *what;
        double (*value)(const gr_settings *, const gr_tally *);
        bool right;
    } all[] = {
        {"f1", "the right one", right_f1, true},
        {"f1", "the mean of two", macro_of_two, false},
        {"f1", "absent classes perfect", absent_is_perfect, false},
        {"f1", "precision", precision_for_f1, false},
        {"f1", "absent classes in the mean", all_classes, false},
        {"f1", "class 1 whatever is rarer", always_class_1, false},
        {"auc", "the right one", right_auc, true},
        {"auc", "the first class alone", first_auc, false},
        {"auc", "a half where there is none", missing_counts_half, false},
        {"log_loss", "in bits", base_2, false},
        {"log_loss", "over samples, not their positions", over_samples, false},
        {"r2", "about the first target", about_0, false},
    };
    for (size_t i = 0; i < GR_COUNT(all); i++) {
        int n;
        const gr_metric *const *table = gr__metrics(&n);
        gr_metric m = {0};
        for (int k = 0; k < n; k++)
            if (strcmp(table[k]->head.name, all[i].of) == 0) m = *table[k];
        m.value = all[i].value;
        if (metric_agrees(&m, all[i].of) != all[i].right) fail_msg("%s: %s", all[i].of, all[i].what);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(wrong_metrics_are_rejected)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
