/* When training ends, as a recipe says it; what patience watches is read with the metrics. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/text.h"
#include "model/reader.h"
#include "model/section.h"

/* 2x, or 2: times the updates after which patience is over. */
static gr_status read_longer(gr__recipe_reader *k, const gr_settings *s, gr_stop_rules *stop)
{
    const gr_tree *t = gr__setting_tree(s, "train_longer");
    char text[32], shown[200];
    double x = t && gr__tree_is_number(t) ? t->number : (double)NAN;
    if (gr__tree_none(t)) return GR_OK;
    size_t n = t->kind == GR_TREE_TEXT ? strlen(t->text) : 0;
    if (n > 1 && n < sizeof text && t->text[n - 1] == 'x') {
        snprintf(text, sizeof text, "%.*s", (int)n - 1, t->text);
        if (!gr__parse_number(text, &x)) x = NAN;
    }
    if (!(x > 1 && x <= 1000))
        return gr__tree_fail(k->ctx, t, GR_E_RANGE, "such as 2x: twice the updates", "%s is not a factor of (1,1000]",
                             gr__tree_show(t, shown, sizeof shown));
    if (stop->patience == 0)
        return gr__tree_fail(k->ctx, t, GR_E_CONFLICT, "such as patience: 5 beside it",
                             "it says how far to go on after patience is over, and there is none");
    stop->longer = x;
    return GR_OK;
}

gr_status gr__recipe_stop(gr__recipe_reader *k)
{
    gr_recipe *r = k->r;
    gr_settings s;
    gr_stop_rules *stop = &r->stop;
    gr_status st = gr__section_make(k->ctx, k->b, &gr__section_stop, gr__tree_get(k->root, "stop"), r->preset, &s);
    if (st != GR_OK) return st;
    gr_tree *resolved = gr__section_tree(k->b, &s);
    if (!resolved) return GR_E_MEMORY;
    bool any = false;
    for (int i = 0; i < s.member->n_rows; i++) any |= s.value[i] != NULL;
    if (!any && !gr__tree_put(k->b, resolved, "epochs", gr__tree_scalar(k->b, "5"))) return GR_E_MEMORY;
    stop->epochs = !any ? 5 : GR_MAX(gr__setting_int(&s, "epochs"), 0);
    stop->steps = GR_MAX(gr__setting_int(&s, "steps"), 0);
    stop->at_start = gr__setting_int(&s, "steps") == 0 && !gr__tree_none(gr__setting_tree(&s, "steps"));
    stop->patience = GR_MAX(gr__setting_int(&s, "patience"), 0);
    stop->seconds = gr__setting_real(&s, "seconds");
    stop->validation_error_below = gr__setting_real(&s, "validation_error_below");
    stop->train_error_below = gr__setting_real(&s, "train_error_below");
    st = read_longer(k, &s, stop);
    if (st != GR_OK) return st;
    static const char *const by_validation[] = {"patience", "validation_error_below", "train_error_below"};
    for (size_t i = 0; i < GR_COUNT(by_validation); i++) {
        const gr_tree *t = gr__setting_tree(&s, by_validation[i]);
        if (t && i < 2 && !r->data.validation && !(r->data.split_validation > 0))
            return gr__tree_fail(k->ctx, t, GR_E_CONFLICT, "such as data.validation: {split: 0.1}",
                                 "it needs validation data, and there is none");
        if (t && !r->validate.n)
            return gr__tree_fail(k->ctx, t, GR_E_CONFLICT, NULL, "it needs evaluations, but validate is none");
        if (t && i >= 1 && r->n_heads > 1)
            return gr__tree_fail(k->ctx, t, GR_E_CONFLICT, "stop.patience watches what best_by says",
                                 "each of the %d heads has an error of its own", r->n_heads);
    }
    return gr__recipe_part(k, "stop", resolved);
}
