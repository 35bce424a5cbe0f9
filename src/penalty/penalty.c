/* `penalty:` of a recipe, checked and resolved: a coefficient a member, and what holds for all of them. */
#include <string.h>

#include "penalty/penalty.h"

static const gr_row common_rows[] = {
    GR_ROW("l1_step", CHOICE, "subgradient", "subgradient|proximal", "",
           "how l1 acts: through the gradient, or after the update, which gives exact zeros"),
    GR_ROW("biases", BOOL, "false", "", "",
           "penalises biases and other parameters too, not weights and embeddings alone"),
};
GR_COMMON(penalty_common) = {
    .family = "penalty",
    .name = "common",
    .title = "What holds for all penalties",
    .cite = "",
    .equations = "the cost of a batch is its mean cost plus the penalties, added once",
    GR_ROWS(common_rows),
};

enum { MAX_ROWS = GR_MAX_PENALTIES + 2 };

/* One descriptor of the whole section: the members' coefficients, then the common rows. */
static gr_member section(gr_row rows[MAX_ROWS])
{
    int n;
    const gr_penalty *const *all = gr__penalties(&n);
    gr_member m = gr__penalty_common;
    n = GR_MIN(n, (int)GR_MAX_PENALTIES);
    for (int i = 0; i < n; i++)
        rows[i] = (gr_row)GR_ROW(all[i]->head.name, REAL, "0", "[0,inf)", "1", all[i]->head.title);
    memcpy(rows + n, common_rows, sizeof common_rows);
    m.name = "penalty";
    m.rows = rows;
    m.n_rows = n + (int)GR_COUNT(common_rows);
    return m;
}

gr_status gr__penalty_make(gr_context *ctx, gr__bump *b, const gr_tree *tree, gr_preset preset, gr_penalties *out)
{
    gr_row rows[MAX_ROWS];
    gr_member m = section(rows);
    gr_settings s;
    int n;
    const gr_penalty *const *all = gr__penalties(&n);
    *out = (gr_penalties){0};
    if (gr__tree_none(tree)) return GR_OK;
    if (tree->kind != GR_TREE_MAP)
        return gr__tree_fail(ctx, tree, GR_E_TYPE, "write {l2: 1e-4}", "%s is no map of penalties",
                             gr__tree_kind_name(tree));
    if (gr__tree_get(tree, "type"))
        return gr__tree_fail(ctx, gr__tree_get(tree, "type"), GR_E_KEY, NULL, "unknown key \"type\"");
    gr_status st = gr__settings_make(ctx, b, &m, tree, preset, NULL, &s);
    if (st != GR_OK) return st;
    for (int i = 0; i < GR_MIN(n, (int)GR_MAX_PENALTIES); i++) {
        double c = gr__setting_real(&s, all[i]->head.name);
        if (c != 0) out->term[out->n].member = all[i], out->term[out->n++].coefficient = c;
    }
    out->proximal = gr__setting_is(&s, "l1_step", "proximal");
    out->biases = gr__setting_bool(&s, "biases");
    return GR_OK;
}

gr_tree *gr__penalty_tree(gr__bump *b, const gr_penalties *p)
{
    int n;
    const gr_penalty *const *all = gr__penalties(&n);
    if (p->n == 0) return gr__tree_text(b, "none");
    gr_tree *t = gr__tree_map(b);
    for (int i = 0; t && i < n; i++) {
        double c = 0;
        for (int k = 0; k < p->n; k++)
            if (p->term[k].member == all[i]) c = p->term[k].coefficient;
        if (!gr__tree_put_number(b, t, all[i]->head.name, c)) return NULL;
    }
    bool ok = t && gr__tree_put_text(b, t, "l1_step", p->proximal ? "proximal" : "subgradient") &&
              gr__tree_put(b, t, "biases", gr__tree_scalar(b, p->biases ? "true" : "false"));
    return ok ? t : NULL;
}

/* ---- in a graph ---- */

bool gr__penalty_applies(const gr_penalties *p, const gr_param_info *param)
{
    return p->biases || param->entry.role == GR_ROLE_WEIGHT || param->entry.role == GR_ROLE_EMBEDDING;
}

gr_val gr__penalty_value(gr_graph *g, const gr_penalties *p, const gr_param_info *params, const gr_val *leaves,
                         size_t n, bool by_gradient)
{
    gr_val sum = GR_NONE;
    for (int k = 0; k < p->n; k++) {
        const gr_penalty *m = p->term[k].member;
        if (by_gradient && p->proximal && m->proximal) continue;
        gr_scope_push(g, "penalty", m->head.name);
        for (size_t i = 0; i < n; i++) {
            if (leaves[i] == GR_NONE || !gr__penalty_applies(p, &params[i])) continue;
            gr_val term = gr_mul(g, gr_const(g, p->term[k].coefficient), m->value(g, leaves[i]));
            sum = sum ? gr_add(g, sum, term) : term;
        }
        gr_scope_pop(g);
    }
    return sum;
}
