/* Reading a recipe: which metrics evaluation reports, and what makes a model best. */
#include <string.h>

#include "model/reader.h"

static gr_metric_scope scope_of(const gr__recipe_reader *k)
{
    gr_target_form form = k->r->reading.target;
    int64_t last = k->r->output.rank > 0 ? k->r->output.dim[k->r->output.rank - 1] : 1;
    return (gr_metric_scope){.form = form,
                             .classes = form != GR_FORM_CLASS ? gr_shape_count(k->r->output) : GR_MAX(last, 2),
                             .cost = k->r->cost->head.name,
                             .preset = k->r->preset};
}

static gr_status read_list(gr__recipe_reader *k, const gr_tree *t)
{
    gr_recipe *r = k->r;
    char shown[200];
    bool one = t->kind == GR_TREE_TEXT || t->kind == GR_TREE_MAP;
    gr_status st = GR_OK;
    if (one) return gr__metrics_add(k->ctx, k->b, &r->metric_scope, t, &r->metrics);
    if (t->kind != GR_TREE_LIST)
        return gr__tree_fail(k->ctx, t, GR_E_TYPE, NULL, "%s is not a list of metrics",
                             gr__tree_show(t, shown, sizeof shown));
    for (int i = 0; i < t->n && st == GR_OK; i++)
        st = gr__metrics_add(k->ctx, k->b, &r->metric_scope, t->child[i], &r->metrics);
    return st;
}

/* A name as metrics.jsonl has it, `validation_f1`, is the same as `f1`. */
static gr_tree unprefixed(const gr_tree *t)
{
    static const char prefix[] = "validation_";
    gr_tree name = *t;
    if (t->kind == GR_TREE_TEXT && strncmp(t->text, prefix, sizeof prefix - 1) == 0) name.text += sizeof prefix - 1;
    return name;
}

/* A metric that is not in the list is put there: what decides is also told. */
static gr_status read_best_by(gr__recipe_reader *k, const gr_tree *written)
{
    gr_recipe *r = k->r;
    const gr_tree t = unprefixed(written);
    const char *name = t.kind == GR_TREE_TEXT ? t.text : "";
    gr_status st = GR_OK;
    bool validates = r->data.validation || r->data.split_validation > 0;
    if (strcmp(name, "error") == 0) return gr__recipe_part(k, "best_by", gr__tree_text(k->b, name));
    if (!validates)
        return gr__tree_fail(k->ctx, written, GR_E_CONFLICT, "such as data.validation: {split: 0.1}",
                             "it needs validation data, and there is none");
    if (strcmp(name, "cost") == 0) {
        r->best_by.what = GR_BEST_COST;
        return gr__recipe_part(k, "best_by", gr__tree_text(k->b, name));
    }
    r->best_by = (gr_best_by){GR_BEST_METRIC, gr__metrics_find(&r->metrics, name)};
    if (r->best_by.metric < 0)
        st = gr__metrics_find_or_add(k->ctx, k->b, &r->metric_scope, &t, &r->metrics, &r->best_by.metric);
    if (st != GR_OK) gr__error_place(k->ctx, NULL, 0, 0, "best_by"); /* t is no part of the tree */
    if (st != GR_OK) return st;
    return gr__recipe_part(k, "best_by", gr__tree_text(k->b, r->metrics.use[r->best_by.metric].name));
}

gr_status gr__recipe_metrics(gr__recipe_reader *k)
{
    gr_recipe *r = k->r;
    const gr_tree *t = gr__setting_tree(&k->top, "metrics");
    gr_status st = GR_OK;
    r->metric_scope = scope_of(k);
    r->metrics_given = gr__tree_get(k->root, "metrics") != NULL;
    if (!r->metrics_given)
        GR_TRY(gr__metrics_add_defaults(k->ctx, k->b, &r->metric_scope, false, &r->metrics));
    else if (!gr__tree_none(t))
        GR_TRY(read_list(k, t));
    GR_TRY(read_best_by(k, gr__setting_tree(&k->top, "best_by")));
    GR_TRY(gr__recipe_part(k, "metrics", gr__metrics_tree(k->b, &r->metrics)));
done:
    return st;
}
