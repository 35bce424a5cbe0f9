/* How figures of single classes come together: of the positive one alone, or averaged. */
#include <math.h>

#include "metric/metric.h"

gr_status gr__average_check(gr_context *ctx, const gr_settings *s, gr_target_form form, int64_t classes)
{
    const gr_tree *positive = gr__setting_tree(s, "positive"), *average = gr__setting_tree(s, "average");
    const char *name = s->member->name;
    if (!positive) return GR_OK;
    if (form != GR_FORM_CLASS || classes != 2)
        return gr__tree_fail(ctx, positive, GR_E_CONFLICT, "leave it out, or choose an average",
                             "%s has a positive class where there are two, and here are %lld %s", name,
                             (long long)classes, form == GR_FORM_CLASS ? "classes" : "labels");
    if (average)
        return gr__tree_fail(ctx, positive, GR_E_CONFLICT, "leave out one of the two",
                             "average %s is over both classes, positive %s about one of them", average->text,
                             positive->text);
    return GR_OK;
}

double gr__average(const gr_settings *s, const gr_tally *t, double (*of)(gr_hits h))
{
    gr_hits all = {0};
    double sum = 0, weighted = 0;
    int seen = 0;
    const gr_tree *average = gr__setting_tree(s, "average"), *positive = gr__setting_tree(s, "positive");
    if (!average && t->is.form == GR_FORM_CLASS && t->n_hits == 2)
        return of(t->hits[positive ? gr__setting_int(s, "positive") : gr__tally_positive(t)]);
    for (int64_t k = 0; k < t->n_hits; k++) {
        gr_hits h = t->hits[k];
        if (h.truth + h.guessed == 0) continue;
        all.truth += h.truth, all.guessed += h.guessed, all.both += h.both;
        sum += of(h);
        weighted += (double)h.truth * of(h);
        seen++;
    }
    if (average && gr__setting_is(s, "average", "micro")) return of(all);
    if (average && gr__setting_is(s, "average", "weighted")) return all.truth ? weighted / (double)all.truth : 0;
    return seen ? sum / seen : 0;
}
