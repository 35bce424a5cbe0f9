/* Step: the rate is multiplied by gamma every so often, or by factors at given places.           [Krizhevsky et al.
 * 2012, section 5; PyTorch StepLR, MultiStepLR] */
#include <math.h>
#include <string.h>

#include "schedule/span.h"

static const gr_row rows[] = {
    GR_ROW("every", TREE, "none", "updates, or text such as 30 epochs", "updates",
           "how long the rate stays; this or `at`"),
    GR_ROW("gamma", REAL, "0.1", "(0,inf)", "1", "what the rate is multiplied by"),
    GR_ROW("at", TREE, "none", "a rising list of updates, or texts such as 30 epochs", "updates",
           "where the rate changes, instead of `every`"),
    GR_ROW("factors", TREE, "none", "a list of numbers > 0, as long as `at`", "1",
           "what it is multiplied by there, instead of gamma"),
};

static gr_status check_lists(gr_context *ctx, const gr_tree *at, const gr_tree *factors)
{
    char shown[200];
    gr_span span;
    if (at->kind != GR_TREE_LIST || at->n == 0)
        return gr__tree_fail(ctx, at, GR_E_TYPE, "write at: [1000, 2000]", "%s is no list of places",
                             gr__tree_kind_name(at));
    for (int i = 0; i < at->n; i++)
        if (gr__span_read(ctx, at->child[i], false, &span) != GR_OK) return GR_E_RANGE;
    if (!factors) return GR_OK;
    if (factors->kind != GR_TREE_LIST || factors->n != at->n)
        return gr__tree_fail(ctx, factors, GR_E_TYPE, NULL, "factors are a list of %d numbers, one a place of `at`",
                             at->n);
    for (int i = 0; i < factors->n; i++) {
        const gr_tree *f = factors->child[i];
        if ((f->kind != GR_TREE_INT && f->kind != GR_TREE_REAL) || !(f->number > 0) || isinf(f->number))
            return gr__tree_fail(ctx, f, GR_E_RANGE, NULL, "%s is not a factor: a number above 0",
                                 gr__tree_show(f, shown, sizeof shown));
    }
    return GR_OK;
}

static gr_status check(gr_context *ctx, gr_settings *s)
{
    const gr_tree *every = gr__setting_tree(s, "every"), *at = gr__setting_tree(s, "at"),
                  *factors = gr__setting_tree(s, "factors");
    const char *hint = "write every: 30 epochs, or at: [1000, 2000]";
    gr_span span;
    if (every && at) return gr__tree_fail(ctx, at, GR_E_CONFLICT, hint, "every and at exclude each other");
    if (!every && !at) return gr__tree_fail(ctx, s->tree, GR_E_MISSING, hint, "schedule step wants every or at");
    if (!factors) return at ? check_lists(ctx, at, NULL) : gr__span_read(ctx, every, false, &span);
    if (!at) return gr__tree_fail(ctx, factors, GR_E_CONFLICT, hint, "factors belong to at");
    for (int i = 0; i < s->member->n_rows; i++) {
        if (strcmp(s->member->rows[i].name, "gamma") != 0) continue;
        if (s->given[i])
            return gr__tree_fail(ctx, s->value[i], GR_E_CONFLICT, NULL, "gamma and factors exclude each other");
        s->value[i] = NULL; /* its default does not apply */
    }
    return check_lists(ctx, at, factors);
}

static double rate(const gr_settings *s, const gr_rate *r)
{
    const gr_tree *at = gr__setting_tree(s, "at"), *factors = gr__setting_tree(s, "factors");
    double lr = r->lr;
    if (!at) return lr * pow(gr__setting_real(s, "gamma"), floor((double)r->t / gr__setting_span(s, "every", r)));
    for (int i = 0; i < at->n; i++)
        if (gr__span_of(at->child[i], r) <= (double)r->t)
            lr *= factors ? factors->child[i]->number : gr__setting_real(s, "gamma");
    return lr;
}

GR_SCHEDULE(step) = {
    .head =
        {
            .family = "schedule",
            .name = "step",
            .title = "Step: drops every so often, or at given places",
            .cite = "Krizhevsky et al. 2012, section 5; PyTorch StepLR, MultiStepLR",
            .equations = "every: rate(t) = lr gamma^floor(t / every)\n"
                         "at:    rate(t) = lr prod_{at_i <= t} factors_i",
            GR_ROWS(rows),
        },
    .example = "{every: 5 epochs}",
    .check = check,
    .rate = rate,
};
