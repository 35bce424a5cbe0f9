/* Reading a recipe: which metrics evaluation reports of each head, and what makes a model best. */
#include <stdio.h>
#include <string.h>

#include "model/reader.h"

static gr_metric_scope scope_of(const gr__recipe_reader *k, const gr_head *h)
{
    gr_target_form form = h->reading.target;
    int64_t last = h->output.rank > 0 ? h->output.dim[h->output.rank - 1] : 1;
    return (gr_metric_scope){.form = form,
                             .classes = form != GR_FORM_CLASS ? gr_shape_count(h->output) : GR_MAX(last, 2),
                             .cost = h->cost->head.name,
                             .preset = k->r->preset};
}

static gr_status read_list(gr__recipe_reader *k, gr_head *h, const gr_tree *t)
{
    char shown[200];
    bool one = t->kind == GR_TREE_TEXT || t->kind == GR_TREE_MAP;
    gr_status st = GR_OK;
    if (one) return gr__metrics_add(k->ctx, k->b, &h->metric_scope, t, &h->metrics);
    if (t->kind != GR_TREE_LIST)
        return gr__tree_fail(k->ctx, t, GR_E_TYPE, NULL, "%s is not a list of metrics",
                             gr__tree_show(t, shown, sizeof shown));
    for (int i = 0; i < t->n && st == GR_OK; i++)
        st = gr__metrics_add(k->ctx, k->b, &h->metric_scope, t->child[i], &h->metrics);
    return st;
}

static gr_status read_metrics(gr__recipe_reader *k, gr_head *h)
{
    h->metric_scope = scope_of(k, h);
    if (!h->metrics_given) return gr__metrics_add_defaults(k->ctx, k->b, &h->metric_scope, false, &h->metrics);
    return gr__tree_none(h->metrics_at) ? GR_OK : read_list(k, h, h->metrics_at);
}

/* ---- best_by ---- */

/* A name as metrics.jsonl has it, `validation_f1` or `validation_kind_f1`, is the same as `f1` or `kind_f1`. */
static gr_tree unprefixed(const gr_tree *t)
{
    static const char prefix[] = "validation_";
    gr_tree name = *t;
    name.parent = NULL; /* whoever reads it says which key it is */
    if (t->kind == GR_TREE_TEXT && strncmp(t->text, prefix, sizeof prefix - 1) == 0) name.text += sizeof prefix - 1;
    return name;
}

/* Takes "kind_" off a name; -1: it begins with no head's name. The longest counts: heads may be called a and a_b. */
static int take_head(const gr_recipe *r, gr_tree *t)
{
    int found = -1;
    size_t most = 0;
    if (!r->heads_named) return 0;
    for (int h = 0; h < r->n_heads && t->kind == GR_TREE_TEXT; h++) {
        size_t n = strlen(r->head[h].name);
        if (n < most || strncmp(t->text, r->head[h].name, n) != 0 || t->text[n] != '_') continue;
        found = h;
        most = n;
    }
    if (found >= 0) t->text += most + 1;
    return found;
}

static gr_status fail_head(gr__recipe_reader *k, const gr_tree *written)
{
    char names[256], shown[200];
    size_t at = 0;
    for (int h = 0; h < k->r->n_heads && at < sizeof names; h++)
        at += (size_t)snprintf(names + at, sizeof names - at, "%s%.60s_error", h ? ", " : "", k->r->head[h].name);
    return gr__tree_fail(k->ctx, written, GR_E_NAME, names, "%s is neither cost nor a figure of one of the heads",
                         gr__tree_show(written, shown, sizeof shown));
}

/* A metric that is not in the list is put there: what decides is also told. */
static gr_status best_metric(gr__recipe_reader *k, const gr_tree *t, const char *key, gr_head *h, gr_best_by *by)
{
    gr_status st = GR_OK;
    by->what = GR_BEST_METRIC;
    by->metric = gr__metrics_find(&h->metrics, t->kind == GR_TREE_TEXT ? t->text : "");
    if (by->metric < 0) st = gr__metrics_find_or_add(k->ctx, k->b, &h->metric_scope, t, &h->metrics, &by->metric);
    if (st != GR_OK) gr__error_place(k->ctx, NULL, 0, 0, key); /* t is no part of the tree */
    return st;
}

/* One head: its error. Of several no error is more than another's: the cost of all. */
static const char *default_name(const gr_recipe *r)
{
    return r->n_heads > 1 ? "cost" : "error";
}

static gr_status default_best(gr__recipe_reader *k)
{
    bool several = k->r->n_heads > 1;
    k->r->best_by = (gr_best_by){several ? GR_BEST_COST : GR_BEST_ERROR, several ? -1 : 0, 0};
    return gr__recipe_part(k, "best_by", gr__tree_text(k->b, default_name(k->r)));
}

/* A figure of validation, by its name: what `key` goes by. figure: its name as files have it. */
static gr_status read_figure(gr__recipe_reader *k, const gr_tree *written, const char *key, gr_best_by *by,
                             char figure[GR_FIGURE_TEXT])
{
    gr_recipe *r = k->r;
    gr_tree t = unprefixed(written);
    bool text = t.kind == GR_TREE_TEXT;
    if (!r->data.validation && !(r->data.split_validation > 0))
        return gr__tree_fail(k->ctx, written, GR_E_CONFLICT, "such as data.validation: {split: 0.1}",
                             "it needs validation data, and there is none");
    if (text && strcmp(t.text, "cost") == 0) {
        *by = (gr_best_by){GR_BEST_COST, -1, 0};
        snprintf(figure, GR_FIGURE_TEXT, "cost");
        return GR_OK;
    }
    by->head = take_head(r, &t);
    if (by->head < 0) return fail_head(k, written);
    by->what = text && strcmp(t.text, "error") == 0 ? GR_BEST_ERROR : GR_BEST_COST;
    if (!text || (by->what == GR_BEST_COST && strcmp(t.text, "cost") != 0)) {
        gr_status st = best_metric(k, &t, key, &r->head[by->head], by);
        if (st != GR_OK) return st;
    }
    const char *name = by->what == GR_BEST_ERROR  ? "error"
                       : by->what == GR_BEST_COST ? "cost"
                                                  : r->head[by->head].metrics.use[by->metric].name;
    gr__head_figure(r, by->head, name, figure);
    return GR_OK;
}

static gr_status read_best_by(gr__recipe_reader *k, const gr_tree *written)
{
    gr_tree t = unprefixed(written);
    char figure[GR_FIGURE_TEXT];
    bool usual = t.kind == GR_TREE_TEXT && strcmp(t.text, default_name(k->r)) == 0;
    if (!gr__tree_get(k->root, "best_by") || usual)
        return default_best(k); /* written or not, it asks for no validation: a resolved recipe has it */
    gr_status st = read_figure(k, written, "best_by", &k->r->best_by, figure);
    return st == GR_OK ? gr__recipe_part(k, "best_by", gr__tree_text(k->b, figure)) : st;
}

/* What patience watches, of `stop`; the rest of which is read later. */
static gr_status read_monitor(gr__recipe_reader *k)
{
    gr_tree *stop = gr__tree_get(k->root, "stop");
    const gr_tree *written = gr__tree_get(stop, "monitor");
    char figure[GR_FIGURE_TEXT];
    if (gr__tree_none(written)) return GR_OK;
    if (gr__tree_none(gr__tree_get(stop, "patience")))
        return gr__tree_fail(k->ctx, written, GR_E_CONFLICT, "such as patience: 5 beside it",
                             "it is what patience watches, and there is none");
    k->r->stop.monitored = true;
    return read_figure(k, written, "stop.monitor", &k->r->stop.monitor, figure);
}

/* The names of two heads may join with those of their metrics to one: k's balanced_accuracy and k_balanced's accuracy.
 */
static gr_status refuse_equal_figures(const gr__recipe_reader *k, int at)
{
    const gr_recipe *r = k->r;
    char one[GR_FIGURE_TEXT], other[GR_FIGURE_TEXT];
    for (int h = 0; h < at; h++)
        for (int i = 0; i < r->head[h].metrics.n; i++)
            for (int j = 0; j < r->head[at].metrics.n; j++) {
                const char *a = r->head[h].metrics.use[i].name, *b = r->head[at].metrics.use[j].name;
                if (strcmp(gr__head_figure(r, h, a, one), gr__head_figure(r, at, b, other)) != 0) continue;
                return gr__tree_fail(k->ctx, r->head[at].at, GR_E_CONFLICT, "another name for one of the heads",
                                     "%s of %s and %s of %s would both be called %s", a, r->head[h].name, b,
                                     r->head[at].name, one);
            }
    return GR_OK;
}

gr_status gr__recipe_metrics(gr__recipe_reader *k)
{
    gr_status st = GR_OK;
    for (int h = 0; h < k->r->n_heads && st == GR_OK; h++) {
        st = read_metrics(k, &k->r->head[h]);
        if (st == GR_OK) st = refuse_equal_figures(k, h);
    }
    if (st == GR_OK) st = read_best_by(k, gr__setting_tree(&k->top, "best_by"));
    return st == GR_OK ? read_monitor(k) : st;
}
