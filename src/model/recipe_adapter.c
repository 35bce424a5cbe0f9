/* `adapter:` of a recipe: low-rank adapters of some weights. */
#include <math.h>

#include "base/text.h"
#include "model/network.h"
#include "model/reader.h"
#include "model/section.h"

static gr_status read_match(gr__recipe_reader *k, const gr_tree *t, gr_adapter *a)
{
    char shown[200];
    int n = t->kind == GR_TREE_LIST ? t->n : 1;
    const char **match = gr__bump_alloc(k->b, sizeof *match * (size_t)GR_MAX(n, 1));
    if (!match) return GR_E_MEMORY;
    for (int i = 0; i < n; i++) {
        const gr_tree *one = t->kind == GR_TREE_LIST ? t->child[i] : t;
        if (one->kind != GR_TREE_TEXT)
            return gr__tree_fail(k->ctx, one, GR_E_TYPE, "such as \"f1.*\", or a list of such",
                                 "%s is no pattern of names", gr__tree_show(one, shown, sizeof shown));
        match[i] = one->text;
    }
    a->match = match;
    a->n_match = n;
    return GR_OK;
}

gr_status gr__recipe_adapter(gr__recipe_reader *k)
{
    const gr_tree *t = gr__setting_tree(&k->top, "adapter");
    gr_adapter *a = &k->r->adapter;
    gr_settings s;
    if (gr__tree_none(t)) return GR_OK;
    gr_status st = gr__section_make(k->ctx, k->b, &gr__section_adapter, t, k->r->preset, &s);
    if (st != GR_OK) return st;
    *a = (gr_adapter){.rank = gr__setting_int(&s, "rank"), .alpha = gr__setting_real(&s, "alpha")};
    gr_tree *resolved = gr__section_tree(k->b, &s);
    if (!resolved) return GR_E_MEMORY;
    if (isnan(a->alpha)) a->alpha = (double)a->rank;
    if (!gr__tree_put_number(k->b, resolved, "alpha", a->alpha)) return GR_E_MEMORY;
    st = read_match(k, gr__setting_tree(&s, "match"), a);
    return st == GR_OK ? gr__recipe_part(k, "adapter", resolved) : st;
}

/* Every pattern names a weight that can have one. */
gr_status gr__recipe_check_adapter(gr__recipe_reader *k, const gr_network *n)
{
    size_t count;
    const gr_adapter *a = &k->r->adapter;
    const gr_tree *t = gr__tree_get(gr__setting_tree(&k->top, "adapter"), "match");
    const gr_param_info *p = gr__network_params(n, &count);
    for (int m = 0; a->rank && m < a->n_match; m++) {
        bool any = false, other = false;
        for (size_t i = 0; i < count; i++) {
            bool fits = gr__glob(a->match[m], p[i].entry.name);
            any |= fits && p[i].adaptable;
            other |= fits;
        }
        if (!any)
            return gr__tree_fail(k->ctx, t ? t : gr__setting_tree(&k->top, "adapter"), GR_E_NAME,
                                 "weights of dense and attention can: dense.weight, attention.in_proj_weight",
                                 other ? "nothing that \"%s\" matches can have an adapter"
                                       : "no parameter is called \"%s\"",
                                 a->match[m]);
    }
    return GR_OK;
}
