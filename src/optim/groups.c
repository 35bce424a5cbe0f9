/* `groups:` of a recipe: settings of parameters by their names; the first group that matches counts. */
#include <math.h>

#include "base/text.h"
#include "optim/optim.h"
#include "schedule/span.h"

static const gr_row rows[] = {
    GR_ROW("match", TEXT, NULL, "a pattern", "", "of full tensor names, as c1.weight: * is any text, ? any character"),
    GR_ROW("lr_scale", REAL, "1", "[0,inf)", "1", "multiplies the whole step, decoupled decay included"),
    GR_ROW("freeze", BOOL, "false", "", "", "leaves them as they are: no gradient is computed, no state kept"),
    GR_ROW("unfreeze", TREE, "none", "none, updates, or as in `2 epochs`", "",
           "with freeze: so long, and trained from then on, by an optimizer that begins then"),
    GR_ROW("weight_decay", REAL, "none", "[0,inf)", "1",
           "instead of the optimizer's, for all that match, biases included"),
};
GR_COMMON(group_common) = {
    .family = "group",
    .name = "group",
    .title = "Settings of parameters by name",
    .cite = "",
    .equations = "",
    GR_ROWS(rows),
};

static gr_status read_unfreeze(gr_context *ctx, const gr_settings *s, gr_group *x)
{
    const gr_tree *t = gr__setting_tree(s, "unfreeze");
    if (gr__tree_none(t)) return GR_OK;
    if (!x->freeze)
        return gr__tree_fail(ctx, t, GR_E_CONFLICT, "write freeze: true beside it",
                             "it says how long the group is frozen, and it is not");
    return gr__span_read(ctx, t, false, &x->unfreeze);
}

gr_status gr__groups_make(gr_context *ctx, gr__bump *b, const gr_tree *tree, gr_groups *out)
{
    gr_status st = GR_OK;
    *out = (gr_groups){0};
    if (gr__tree_none(tree)) return GR_OK;
    if (tree->kind != GR_TREE_LIST)
        return gr__tree_fail(ctx, tree, GR_E_TYPE, "write a list of {match: \"head.*\", lr_scale: 0.1}",
                             "%s is no list of groups", gr__tree_kind_name(tree));
    gr_group *group = gr__bump_alloc(b, sizeof *group * (size_t)(tree->n + 1));
    if (!group) return GR_E_MEMORY;
    for (int i = 0; i < tree->n; i++) {
        const gr_tree *t = tree->child[i];
        gr_settings s;
        if (t->kind != GR_TREE_MAP)
            GR_TRY(gr__tree_fail(ctx, t, GR_E_TYPE, "write {match: \"head.*\", lr_scale: 0.1}", "%s is no group",
                                 gr__tree_kind_name(t)));
        if (gr__tree_get(t, "type"))
            GR_TRY(gr__tree_fail(ctx, gr__tree_get(t, "type"), GR_E_KEY, NULL, "unknown key \"type\""));
        GR_TRY(gr__settings_make(ctx, b, &gr__group_common, t, GR_PRESET_CHAPTER, NULL, &s));
        group[i] = (gr_group){.match = gr__setting_text(&s, "match"),
                              .lr_scale = gr__setting_real(&s, "lr_scale"),
                              .freeze = gr__setting_bool(&s, "freeze"),
                              .weight_decay = gr__setting_real(&s, "weight_decay"),
                              .at = t};
        GR_TRY(read_unfreeze(ctx, &s, &group[i]));
    }
    *out = (gr_groups){group, tree->n};
done:
    return st;
}

gr_tree *gr__groups_tree(gr__bump *b, const gr_groups *g)
{
    if (g->n == 0) return gr__tree_text(b, "none");
    gr_tree *list = gr__tree_list(b);
    for (int i = 0; list && i < g->n; i++) {
        const gr_group *x = &g->group[i];
        gr_tree *t = gr__tree_map(b);
        bool ok = t && gr__tree_put_text(b, t, "match", x->match) &&
                  gr__tree_put_number(b, t, "lr_scale", x->lr_scale) &&
                  gr__tree_put(b, t, "freeze", gr__tree_scalar(b, x->freeze ? "true" : "false")) &&
                  (!x->unfreeze.n || gr__tree_put(b, t, "unfreeze", gr__span_tree(b, x->unfreeze))) &&
                  (isnan(x->weight_decay) ? gr__tree_put_text(b, t, "weight_decay", "none")
                                          : gr__tree_put_number(b, t, "weight_decay", x->weight_decay));
        if (!ok || !gr__tree_push(b, list, t)) return NULL;
    }
    return list;
}

const gr_group *gr__groups_find(const gr_groups *g, const char *name)
{
    for (int i = 0; i < g->n; i++)
        if (gr__glob(g->group[i].match, name)) return &g->group[i];
    return NULL;
}

bool gr__groups_freeze(const gr_groups *g, const char *name)
{
    const gr_group *x = gr__groups_find(g, name);
    return x && x->freeze && !x->unfreeze.n;
}

int64_t gr__groups_since(const gr_groups *g, const char *name, const gr_clock *c)
{
    const gr_group *x = gr__groups_find(g, name);
    return x && x->freeze && x->unfreeze.n ? GR_MAX(gr__clock_updates(x->unfreeze, c), 1) : 0;
}

bool gr__groups_frozen(const gr_groups *g, const char *name, const gr_clock *c)
{
    const gr_group *x = gr__groups_find(g, name);
    return x && x->freeze && (!x->unfreeze.n || !c || c->step < gr__groups_since(g, name, c));
}

int gr__groups_stages(const gr_groups *g, const gr_clock *c, int64_t out[GR_MAX_STAGES])
{
    int n = 1;
    out[0] = 0;
    for (int i = 0; i < g->n && n < GR_MAX_STAGES; i++) {
        const gr_group *x = &g->group[i];
        if (!x->freeze || !x->unfreeze.n) continue;
        int64_t at = GR_MAX(gr__clock_updates(x->unfreeze, c), 1);
        int k = n;
        while (k > 0 && out[k - 1] > at) k--;
        if (out[k - 1] == at) continue; /* 0 is the least, so k > 0 */
        for (int j = n++; j > k; j--) out[j] = out[j - 1];
        out[k] = at;
    }
    return n;
}

/* Methods that look at all of a run, or at all parameters, when they update one. */
static const char *against_unfreezing(const gr_optim *o)
{
    if (o->n_methods > 1) return "a switch of methods counts its updates for all parameters together";
    if (o->method[0].member->update_all) return "its step is one for all parameters together";
    if (gr__optim_averages(o)) return "its weights are averages that begin with the run";
    return NULL;
}

gr_status gr__groups_check_method(gr_context *ctx, const gr_groups *g, const gr_optim *o)
{
    const char *why = against_unfreezing(o);
    int n = 0;
    for (int i = 0; i < g->n; i++) {
        const gr_group *x = &g->group[i];
        if (!x->freeze || !x->unfreeze.n) continue;
        const gr_tree *at = x->at ? gr__tree_get(x->at, "unfreeze") : NULL;
        if (why)
            return gr__tree_fail(ctx, at, GR_E_CONFLICT, "freeze it for the whole run, or take sgd, sgdm or adam",
                                 "nothing can be unfrozen while %s updates: %s", o->method[0].member->head.name, why);
        if (++n >= GR_MAX_STAGES)
            return gr__tree_fail(ctx, at, GR_E_RANGE, NULL, "more than %d groups are unfrozen", GR_MAX_STAGES - 1);
    }
    return GR_OK;
}

static gr_status no_match(gr_context *ctx, const gr_group *x, const gr_param_info *params, size_t n)
{
    const char *names[256];
    n = GR_MIN(n, GR_COUNT(names));
    for (size_t i = 0; i < n; i++) names[i] = params[i].entry.name;
    const char *near = gr__nearest(x->match, names, n);
    gr_status st = gr__tree_fail(ctx, x->at ? gr__tree_get(x->at, "match") : NULL, GR_E_NAME, NULL,
                                 "no parameter is called \"%s\"", x->match);
    gr__error_hint(ctx, near ? "did you mean \"%s\"?" : "`gradus plan --parameters` lists them, the first is %s",
                   near ? near
                   : n  ? names[0]
                        : "none");
    return st;
}

/* The first match counts: a group all of whose parameters have one before it does nothing. */
static void warn_of_hidden(gr_context *ctx, const gr_groups *g, int i, const gr_param_info *params, size_t n,
                           const gr_entry_spec *states, size_t n_states)
{
    for (size_t k = 0; k < n; k++)
        if (gr__groups_find(g, params[k].entry.name) == &g->group[i]) return;
    for (size_t k = 0; k < n_states; k++)
        if (gr__groups_find(g, states[k].name) == &g->group[i]) return;
    gr__log(ctx, GR_LOG_WARNING,
            "groups[%d]: every parameter that \"%s\" matches belongs to an earlier group: it does nothing", i,
            g->group[i].match);
}

gr_status gr__groups_check(gr_context *ctx, const gr_groups *g, const gr_param_info *params, size_t n,
                           const gr_entry_spec *states, size_t n_states)
{
    size_t frozen = 0;
    for (int i = 0; i < g->n; i++) {
        bool any = false;
        for (size_t k = 0; k < n && !any; k++) any = gr__glob(g->group[i].match, params[k].entry.name);
        for (size_t k = 0; k < n_states && !any; k++) any = gr__glob(g->group[i].match, states[k].name);
        if (!any) return no_match(ctx, &g->group[i], params, n);
        warn_of_hidden(ctx, g, i, params, n, states, n_states);
    }
    for (size_t k = 0; k < n; k++) frozen += gr__groups_freeze(g, params[k].entry.name);
    if (n == 0 || frozen < n) return GR_OK;
    return gr__tree_fail(ctx, g->group[0].at, GR_E_CONFLICT, "leave a group without freeze",
                         "every parameter is frozen: there is nothing to train");
}
