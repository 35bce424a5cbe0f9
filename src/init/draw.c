#include "init/draw.h"

#include <math.h>
#include <string.h>

void gr__draw_normal(const gr_init_target *t, double mean, double std, double *values)
{
    for (int64_t i = 0; i < t->count; i++) values[i] = mean + std * gr__rng_normal(t->rng);
}

void gr__draw_truncated_normal(const gr_init_target *t, double std, bool corrected, double *values)
{
    const double of_cut = 0.8796256610342398; /* standard deviation of N(0,1) redrawn until within 2 */
    double s = corrected ? std / of_cut : std;
    for (int64_t i = 0; i < t->count; i++) values[i] = s * gr__rng_truncated_normal(t->rng, 2);
}

void gr__draw_uniform(const gr_init_target *t, double bound, double *values)
{
    for (int64_t i = 0; i < t->count; i++) values[i] = bound * (2 * gr__rng_uniform(t->rng) - 1);
}

/* ---- distribution ---- */

gr_status gr__draw_check(gr_context *ctx, const gr_settings *s)
{
    const gr_tree *correct = gr__setting_tree(s, "correct");
    if (!correct || gr__setting_is(s, "distribution", "truncated_normal")) return GR_OK;
    return gr__tree_fail(ctx, correct, GR_E_CONFLICT, "leave it out, or write distribution: truncated_normal",
                         "it says how a truncated normal is meant, but the distribution is %s",
                         gr__setting_text(s, "distribution"));
}

void gr__draw(const gr_init_target *t, const gr_settings *s, double std, double *values)
{
    const gr_tree *correct = gr__setting_tree(s, "correct");
    if (gr__setting_is(s, "distribution", "uniform"))
        gr__draw_uniform(t, sqrt(3) * std, values);
    else if (gr__setting_is(s, "distribution", "normal"))
        gr__draw_normal(t, 0, std, values);
    else
        gr__draw_truncated_normal(t, std, !correct || correct->truth, values);
}

/* ---- a number or a word ---- */

gr_status gr__number_or_word(gr_context *ctx, const gr_settings *s, const char *name, const char *range,
                             const char *word)
{
    const gr_tree *t = gr__setting_tree(s, name);
    char shown[200];
    if (t && t->kind == GR_TREE_TEXT && strcmp(t->text, word) == 0) return GR_OK;
    if (!t || (t->kind != GR_TREE_INT && t->kind != GR_TREE_REAL))
        return gr__tree_fail(ctx, t ? t : s->tree, GR_E_TYPE, NULL, "%s is neither a number in %s nor \"%s\"",
                             t ? gr__tree_show(t, shown, sizeof shown) : "nothing", range, word);
    if (gr__in_range(t->number, range)) return GR_OK;
    return gr__tree_fail(ctx, t, GR_E_RANGE, NULL, "%s is neither in %s nor \"%s\"",
                         gr__tree_show(t, shown, sizeof shown), range, word);
}

gr_status gr__gain_check(gr_context *ctx, const gr_settings *s)
{
    return gr__number_or_word(ctx, s, "gain", "(0, inf)", "auto");
}

double gr__gain(const gr_settings *s, const gr_param_info *p)
{
    const gr_tree *gain = gr__setting_tree(s, "gain");
    if (gain->kind != GR_TREE_TEXT) return gain->number;
    switch (p->follow) {
    case GR_FOLLOW_RELU:
        return sqrt(2);
    case GR_FOLLOW_LEAKY:
        return sqrt(2 / (1 + p->slope * p->slope));
    case GR_FOLLOW_TANH:
        return 5.0 / 3;
    case GR_FOLLOW_SIGMOID:
    case GR_FOLLOW_NOTHING:
        break;
    }
    return 1;
}
