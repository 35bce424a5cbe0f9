/* Metrics in use: from what a recipe says to a list with names. */
#include <string.h>

#include "metric/metric.h"

const char *gr__target_form_name(gr_target_form form)
{
    static const char *const names[] = {"classes", "labels", "distributions", "values"};
    return names[form];
}

static gr_status find(gr_context *ctx, const gr_tree *tree, const gr_metric **out)
{
    char shown[200];
    if (tree->kind != GR_TREE_TEXT && tree->kind != GR_TREE_MAP)
        return gr__tree_fail(ctx, tree, GR_E_TYPE, "a name, or {type: f1, average: macro}",
                             "%s is not the name of a metric", gr__tree_show(tree, shown, sizeof shown));
    *out = (const gr_metric *)gr__family_find(ctx, &gr__family_metric, "metric", tree, NULL);
    return *out ? GR_OK : gr__error_code(ctx);
}

static bool differs(const gr_row *row, const gr_tree *value)
{
    return value && value->text && (!row->value || strcmp(value->text, row->value) != 0);
}

/* The name with what is not by default: "f1_macro", "top_k_3". */
static const char *full_name(gr__bump *b, const gr_metric_use *u)
{
    const char *name = u->member->head.name;
    for (int i = 0; name && i < u->member->head.n_rows; i++)
        if (differs(&u->member->head.rows[i], u->settings.value[i]))
            name = gr__bump_format(b, "%s_%s", name, u->settings.value[i]->text);
    return name;
}

static bool same_settings(const gr_metric_use *a, const gr_metric_use *b)
{
    bool same = a->member == b->member;
    for (int i = 0; same && i < a->member->head.n_rows; i++) {
        const gr_tree *x = a->settings.value[i], *y = b->settings.value[i];
        same = !x || !y ? x == y : gr__tree_equal(x, y);
    }
    return same;
}

/* A type that stands once is called by its name alone; of several, each says what is not by default. */
static gr_status name_all(gr__bump *b, gr_metrics *m)
{
    for (int i = 0; i < m->n; i++) {
        int alike = 0;
        for (int j = 0; j < m->n; j++) alike += m->use[j].member == m->use[i].member;
        m->use[i].name = alike > 1 ? full_name(b, &m->use[i]) : m->use[i].member->head.name;
        if (!m->use[i].name) return GR_E_MEMORY;
    }
    return GR_OK;
}

static gr_status make(gr_context *ctx, gr__bump *b, const gr_metric_scope *scope, const gr_tree *tree,
                      gr_metric_use *out)
{
    const gr_metric *m = NULL;
    gr_status st = find(ctx, tree, &m);
    if (st != GR_OK) return st;
    if (!(m->forms & 1u << scope->form)) {
        bool labelled = m->forms & (GR_METRIC_CLASS | GR_METRIC_LABELS);
        return gr__tree_fail(ctx, tree, GR_E_CONFLICT, NULL, "%s is for %s, but the cost %s learns %s", m->head.name,
                             labelled ? "classes" : "values", scope->cost, gr__target_form_name(scope->form));
    }
    *out = (gr_metric_use){.member = m, .name = m->head.name};
    st = gr__settings_make(ctx, b, &m->head, tree, scope->preset, NULL, &out->settings);
    return st == GR_OK && m->check ? m->check(ctx, &out->settings, scope->form, scope->classes) : st;
}

gr_status gr__metrics_find_or_add(gr_context *ctx, gr__bump *b, const gr_metric_scope *scope, const gr_tree *tree,
                                  gr_metrics *m, int *at)
{
    gr_metric_use u;
    gr_status st = make(ctx, b, scope, tree, &u);
    if (st != GR_OK) return st;
    for (*at = 0; *at < m->n && !same_settings(&m->use[*at], &u);) ++*at;
    if (*at < m->n) return GR_OK;
    if (m->n >= GR_MAX_METRICS_NAMED)
        return gr__tree_fail(ctx, tree, GR_E_RANGE, NULL, "more than %d metrics", GR_MAX_METRICS_NAMED);
    m->use[m->n++] = u;
    return name_all(b, m);
}

gr_status gr__metrics_add(gr_context *ctx, gr__bump *b, const gr_metric_scope *scope, const gr_tree *tree,
                          gr_metrics *m)
{
    int before = m->n, at;
    gr_status st = gr__metrics_find_or_add(ctx, b, scope, tree, m, &at);
    if (st != GR_OK || m->n > before) return st;
    return gr__tree_fail(ctx, tree, GR_E_CONFLICT, NULL, "%s stands here twice", m->use[at].member->head.name);
}

/* Adds, with their defaults, the members that are wanted and not there yet. */
static gr_status add_members(gr_context *ctx, gr__bump *b, const gr_metric_scope *scope,
                             bool (*wanted)(const gr_metric *m, gr_target_form form), gr_metrics *m)
{
    int n = gr__family_count(ctx, &gr__family_metric);
    gr_status st = GR_OK;
    for (int i = 0; i < n && m->n < GR_MAX_METRICS && st == GR_OK; i++) {
        const gr_metric *one = (const gr_metric *)gr__family_at(ctx, &gr__family_metric, i);
        bool there = false;
        for (int k = 0; k < m->n; k++) there |= m->use[k].member == one;
        if (there || !(one->forms & 1u << scope->form) || !wanted(one, scope->form)) continue;
        m->use[m->n] = (gr_metric_use){.member = one, .name = one->head.name};
        st = gr__settings_make(ctx, b, &one->head, NULL, scope->preset, NULL, &m->use[m->n].settings);
        m->n += st == GR_OK;
    }
    return st;
}

static bool is_default(const gr_metric *m, gr_target_form form)
{
    return m->by_default & 1u << form;
}

static bool is_for_unbalanced(const gr_metric *m, gr_target_form form)
{
    (void)form;
    return m->if_unbalanced;
}

static bool is_told_unasked(const gr_metric *m, gr_target_form form)
{
    (void)form;
    return !m->named;
}

gr_status gr__metrics_add_defaults(gr_context *ctx, gr__bump *b, const gr_metric_scope *scope, bool unbalanced,
                                   gr_metrics *m)
{
    return add_members(ctx, b, scope, unbalanced ? is_for_unbalanced : is_default, m);
}

gr_status gr__metrics_add_rest(gr_context *ctx, gr__bump *b, const gr_metric_scope *scope, gr_metrics *m)
{
    return add_members(ctx, b, scope, is_told_unasked, m);
}

int gr__metrics_find(const gr_metrics *m, const char *name)
{
    for (int i = 0; i < m->n; i++)
        if (strcmp(m->use[i].name, name) == 0) return i;
    return -1;
}

gr_tree *gr__metrics_tree(gr__bump *b, const gr_metrics *m)
{
    gr_tree *list = gr__tree_list(b);
    for (int i = 0; i < m->n; i++) {
        const gr_member *head = &m->use[i].member->head;
        gr_tree *t = head->n_rows ? gr__settings_tree(b, &m->use[i].settings) : gr__tree_text(b, head->name);
        if (!gr__tree_push(b, list, t)) return NULL;
    }
    return list;
}

bool gr__metrics_want_scores(const gr_metrics *m)
{
    bool want = false;
    for (int i = 0; i < m->n; i++) want |= m->use[i].member->scores;
    return want;
}
