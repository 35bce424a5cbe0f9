/* `prune:` of a recipe, and what masks do in graphs of updates. A masked weight is 0 wherever it is looked at: at the
 * points where gradients are taken, in what an update assigns, and so in all averages; its gradient is 0 before norms
 * and clipping. What an optimizer keeps of it is left to fade. [Zhu & Gupta 2018, eq. 1] */
#include <math.h>
#include <stdio.h>

#include "graph/shape.h"
#include "optim/optim.h"

static const gr_row rows[] = {
    GR_ROW("to", REAL, NULL, "[0,1)", "1", "share of every weight tensor that is 0 at the end"),
    GR_ROW("from_step", INT, "0", "[0,1000000000000]", "updates", "after so many updates it begins"),
    GR_ROW("to_step", INT, NULL, "[1,1000000000000]", "updates", "after so many the share is reached"),
    GR_ROW("every", INT, "100", "[1,1000000000000]", "updates", "how often weights are set to 0 on the way"),
};
GR_COMMON(prune_common) = {
    .family = "prune",
    .name = "prune",
    .title = "Gradual pruning: the smallest weights become 0 and stay 0",
    .cite = "Zhu & Gupta 2018, eq. 1",
    .equations = "after updates t = from_step, from_step + every, ..., to_step:\n"
                 "s_t = to (1 - (1 - (t - from_step) / (to_step - from_step))^3)\n"
                 "of each weight tensor of n numbers the floor(s_t n) of smallest |w| are 0 from then on",
    GR_ROWS(rows),
};

/* ---- the recipe ---- */

gr_status gr__prune_make(gr_context *ctx, gr__bump *b, const gr_tree *tree, gr_preset preset, gr_prune_rule *out)
{
    gr_settings s;
    *out = (gr_prune_rule){0};
    if (gr__tree_none(tree)) return GR_OK;
    if (tree->kind != GR_TREE_MAP)
        return gr__tree_fail(ctx, tree, GR_E_TYPE, "write none or {to: 0.8, to_step: 1000}", "%s is not a map of keys",
                             gr__tree_kind_name(tree));
    if (gr__tree_get(tree, "type"))
        return gr__tree_fail(ctx, gr__tree_get(tree, "type"), GR_E_KEY, NULL, "unknown key \"type\"");
    gr_status st = gr__settings_make(ctx, b, &gr__prune_common, tree, preset, NULL, &s);
    if (st != GR_OK) return st;
    *out = (gr_prune_rule){.on = true,
                           .to = gr__setting_real(&s, "to"),
                           .from_step = gr__setting_int(&s, "from_step"),
                           .to_step = gr__setting_int(&s, "to_step"),
                           .every = gr__setting_int(&s, "every")};
    if (out->from_step < out->to_step) return GR_OK;
    return gr__tree_fail(ctx, gr__setting_tree(&s, "to_step"), GR_E_RANGE, "a to_step above from_step",
                         "pruning begins after update %lld and is to be done after update %lld",
                         (long long)out->from_step, (long long)out->to_step);
}

gr_tree *gr__prune_tree(gr__bump *b, const gr_prune_rule *p)
{
    if (!p->on) return gr__tree_text(b, "none");
    gr_tree *t = gr__tree_map(b);
    bool ok = t && gr__tree_put_number(b, t, "to", p->to) &&
              gr__tree_put_number(b, t, "from_step", (double)p->from_step) &&
              gr__tree_put_number(b, t, "to_step", (double)p->to_step) &&
              gr__tree_put_number(b, t, "every", (double)p->every);
    return ok ? t : NULL;
}

bool gr__prune_due(const gr_prune_rule *p, int64_t step)
{
    if (!p->on || step < p->from_step || step > p->to_step) return false;
    return step == p->to_step || (step - p->from_step) % p->every == 0;
}

double gr__prune_share(const gr_prune_rule *p, int64_t step)
{
    double left = 1 - (double)(step - p->from_step) / (double)(p->to_step - p->from_step);
    return p->to * (1 - pow(left, 3));
}

/* ---- masks ---- */

static const char *name_of(const char *param, char *text, size_t n)
{
    snprintf(text, n, "%s" GR_MASK, param);
    return text;
}

const gr_entry *gr__mask_find(const gr_store *store, const char *param)
{
    char name[512];
    const gr_entry *e = gr_store_find(store, name_of(param, name, sizeof name));
    return e && e->spec.role == GR_ROLE_MASK ? e : NULL;
}

gr_status gr__mask_add(gr_store *store, const gr_entry_spec *param)
{
    char name[512];
    return gr_store_add(store,
                        &(gr_entry_spec){.name = name_of(param->name, name, sizeof name),
                                         .shape = param->shape,
                                         .slot = true,
                                         .saved = true,
                                         .role = GR_ROLE_MASK,
                                         .layout = param->layout,
                                         .initial = 1},
                        NULL);
}

gr_val gr__masked(gr_graph *g, const gr_store *store, const gr_entry_spec *param, gr_val x)
{
    const gr_entry *mask = x ? gr__mask_find(store, param->name) : NULL;
    return mask ? gr_select(g, gr_slot(g, mask->spec.name, param->shape), x, gr_const(g, 0)) : x;
}
