/* `cost:` and `heads:` of a recipe: the outputs of the network, what each costs, how each is judged. */
#include <stdio.h>
#include <string.h>

#include "model/reader.h"
#include "model/section.h"
#include "model/stack.h"

/* ---- costs ---- */

static gr_status read_reduction(gr__recipe_reader *k, const gr_tree *cost, bool *sum)
{
    const gr_tree *t = gr__tree_get(cost, "reduction");
    char shown[200];
    *sum = t && t->kind == GR_TREE_TEXT && strcmp(t->text, "sum") == 0;
    if (!t || *sum || (t->kind == GR_TREE_TEXT && strcmp(t->text, "mean") == 0)) return GR_OK;
    static const char *const words[] = {"mean", "sum"};
    gr_status st =
        gr__tree_fail(k->ctx, t, GR_E_NAME, NULL, "%s is not one of mean, sum", gr__tree_show(t, shown, sizeof shown));
    if (t->kind == GR_TREE_TEXT) gr__hint_name(k->ctx, t->text, words, GR_COUNT(words));
    return st;
}

static gr_status read_cost(gr__recipe_reader *k, const gr_tree *t, gr_head *h)
{
    static const char *const also[] = {"reduction", NULL};
    bool sum;
    const gr_member *found = gr__family_find(k->ctx, &gr__family_cost, "cost", t, NULL);
    if (!found) return gr__error_code(k->ctx);
    h->cost = (const gr_cost *)found;
    gr_status st = gr__settings_make(k->ctx, k->b, found, t, k->r->preset, also, &h->cost_settings);
    if (st == GR_OK) st = read_reduction(k, t, &sum);
    if (st != GR_OK) return st;
    if (h > k->r->head && sum != k->r->reduction_sum)
        return gr__tree_fail(k->ctx, t, GR_E_CONFLICT, "the same reduction in all",
                             "some heads sum, others take means");
    k->r->reduction_sum = sum;
    return GR_OK;
}

static gr_tree *cost_tree(const gr__recipe_reader *k, const gr_head *h)
{
    gr_tree *t = gr__settings_tree(k->b, &h->cost_settings);
    return gr__tree_put(k->b, t, "reduction", gr__tree_text(k->b, k->r->reduction_sum ? "sum" : "mean")) ? t : NULL;
}

/* ---- heads ---- */

static gr_status read_head(gr__recipe_reader *k, const char *name, const gr_tree *t, int n_heads)
{
    gr_head *h = &k->r->head[k->r->n_heads];
    gr_settings s;
    gr_status st = gr__name_check(k->ctx, t, "a head's", name);
    if (st == GR_OK) st = gr__section_make(k->ctx, k->b, &gr__section_head, t, k->r->preset, &s);
    if (st != GR_OK) return st;
    *h = (gr_head){.name = name,
                   .at = t,
                   .from_at = gr__setting_tree(&s, "from"),
                   .weight = gr__setting_real(&s, "weight"),
                   .metrics_at = gr__setting_tree(&s, "metrics"),
                   .metrics_given = gr__tree_get(t, "metrics") != NULL};
    if (!h->from_at && n_heads > 1)
        return gr__tree_fail(k->ctx, t, GR_E_MISSING, "from: the name of a layer",
                             "which layer gives the head \"%s\" is not said", name);
    st = read_cost(k, gr__setting_tree(&s, "cost"), h);
    k->r->n_heads++;
    return st;
}

static gr_status read_named(gr__recipe_reader *k, const gr_tree *t)
{
    char shown[200];
    double weights = 0;
    gr_status st = GR_OK;
    if (t->kind != GR_TREE_MAP)
        return gr__tree_fail(k->ctx, t, GR_E_TYPE,
                             "such as {kind: {from: k, cost: cross_entropy}, price: {from: p, cost: mse}}",
                             "%s is not a map of heads by name", gr__tree_show(t, shown, sizeof shown));
    if (t->n < 1 || t->n > GR_MAX_TARGETS)
        return gr__tree_fail(k->ctx, t, GR_E_RANGE, NULL, "a network has 1 to %d heads, not %d", GR_MAX_TARGETS, t->n);
    k->r->heads_named = true;
    for (int i = 0; i < t->n && st == GR_OK; i++) st = read_head(k, t->key[i], t->child[i], t->n);
    for (int i = 0; i < k->r->n_heads; i++) weights += k->r->head[i].weight;
    if (st == GR_OK && weights == 0)
        st = gr__tree_fail(k->ctx, t, GR_E_RANGE, NULL, "all heads have the weight 0: there is nothing to train");
    return st;
}

static gr_status read_lone(gr__recipe_reader *k)
{
    gr_head *h = &k->r->head[0];
    *h = (gr_head){.name = GR_LONE_TARGET,
                   .weight = 1,
                   .metrics_at = gr__setting_tree(&k->top, "metrics"),
                   .metrics_given = gr__tree_get(k->root, "metrics") != NULL};
    gr_status st = read_cost(k, gr__setting_tree(&k->top, "cost"), h);
    k->r->n_heads = 1;
    return st == GR_OK ? gr__recipe_part(k, "cost", cost_tree(k, h)) : st;
}

gr_status gr__recipe_heads(gr__recipe_reader *k)
{
    static const char *const beside[] = {"cost", "metrics"};
    const gr_tree *t = gr__setting_tree(&k->top, "heads");
    if (gr__tree_none(t)) return read_lone(k);
    for (size_t i = 0; i < GR_COUNT(beside); i++) {
        const gr_tree *other = gr__tree_get(k->root, beside[i]);
        if (other)
            return gr__tree_fail(k->ctx, other, GR_E_CONFLICT, "heads: {NAME: {from, cost, weight, metrics}}",
                                 "%s stands beside heads, each of which has its own", beside[i]);
    }
    return read_named(k, t);
}

static gr_tree *head_tree(const gr__recipe_reader *k, const gr_head *h)
{
    gr_tree *t = gr__tree_map(k->b);
    bool ok = gr__tree_put(k->b, t, "from", gr__tree_text(k->b, k->r->stack->layer[h->from].name)) &&
              gr__tree_put(k->b, t, "cost", cost_tree(k, h)) && gr__tree_put_number(k->b, t, "weight", h->weight) &&
              gr__tree_put(k->b, t, "metrics", gr__metrics_tree(k->b, &h->metrics));
    return ok ? t : NULL;
}

gr_status gr__recipe_keep_heads(gr__recipe_reader *k)
{
    gr_tree *map;
    if (!k->r->heads_named) return gr__recipe_part(k, "metrics", gr__metrics_tree(k->b, &k->r->head[0].metrics));
    map = gr__tree_map(k->b);
    for (int i = 0; i < k->r->n_heads; i++)
        if (!gr__tree_put(k->b, map, k->r->head[i].name, head_tree(k, &k->r->head[i]))) return GR_E_MEMORY;
    return gr__recipe_part(k, "heads", map);
}

/* ---- names of both ---- */

gr_wants gr__recipe_wants(const gr_recipe *r)
{
    gr_wants w = {.n_inputs = r->n_inputs,
                  .n_targets = r->n_heads,
                  .inputs_named = r->inputs_named,
                  .targets_named = r->heads_named};
    for (int i = 0; i < r->n_inputs; i++) {
        w.input[i] = r->input[i].name;
        w.steps[i] = r->input[i].sample.rank ? r->input[i].sample.dim[0] : 1;
        w.vocabulary[i] = r->input[i].vocabulary;
    }
    for (int h = 0; h < r->n_heads; h++)
        w.target[h] = (gr_wanted){.name = r->head[h].name,
                                  .form = r->head[h].reading.target,
                                  .output = r->head[h].output,
                                  .cost = r->head[h].cost->head.name};
    return w;
}

const char *gr__head_figure(const gr_recipe *r, int head, const char *figure, char text[GR_FIGURE_TEXT])
{
    snprintf(text, GR_FIGURE_TEXT, "%s%s%s", r->heads_named ? r->head[head].name : "", r->heads_named ? "_" : "",
             figure);
    return text;
}
