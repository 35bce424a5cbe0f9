/* `average:` of a recipe, checked and resolved, and the action that collects weights. */
#include "optim/average.h"

#include <math.h>

#include "schedule/span.h"

static const gr_averaging *const rules[] = {&gr__average_swa, &gr__average_ema};
enum { RULES = (int)GR_COUNT(rules) };

/* ---- the recipe ---- */

static gr_status read_average(gr_context *ctx, gr__bump *b, const gr_averaging *rule, const gr_tree *tree,
                              gr_preset preset, gr_average *out)
{
    gr_settings s;
    gr_status st = gr__settings_make(ctx, b, rule->common, tree, preset, NULL, &s);
    if (st != GR_OK) return st;
    out->on = true;
    out->rule = rule;
    out->lr = gr__setting_real(&s, "lr");
    out->by_batches = gr__setting_is(&s, "statistics", "batches");
    if (rule->read) rule->read(&s, out);
    st = gr__span_read(ctx, gr__setting_tree(&s, "start"), true, &out->start);
    return st == GR_OK ? gr__span_read(ctx, gr__setting_tree(&s, "cycle"), false, &out->cycle) : st;
}

gr_status gr__average_make(gr_context *ctx, gr__bump *b, const gr_tree *tree, gr_preset preset, gr_average *out)
{
    const gr_member *all[RULES], *found;
    *out = (gr_average){.lr = NAN};
    if (gr__tree_none(tree)) return GR_OK;
    const char *name = gr__type_of(ctx, tree, "average", NULL);
    if (!name) return gr__error_code(ctx);
    for (int i = 0; i < RULES; i++) all[i] = rules[i]->common;
    const gr_tree *type = gr__tree_get(tree, "type");
    gr_status st = gr__member_find(ctx, "average", all, RULES, name, type ? type : tree, &found);
    for (int i = 0; i < RULES && st == GR_OK; i++)
        if (all[i] == found) return read_average(ctx, b, rules[i], tree, preset, out);
    return st;
}

gr_tree *gr__average_tree(gr__bump *b, const gr_average *a)
{
    if (!a->on) return gr__tree_text(b, "none");
    gr_tree *t = gr__tree_map(b);
    bool ok = t && gr__tree_put_text(b, t, "type", a->rule->common->name) && (!a->rule->put || a->rule->put(b, t, a)) &&
              gr__tree_put(b, t, "start", gr__span_tree(b, a->start)) &&
              gr__tree_put(b, t, "cycle", gr__span_tree(b, a->cycle)) &&
              (isnan(a->lr) ? gr__tree_put_text(b, t, "lr", "none") : gr__tree_put_number(b, t, "lr", a->lr)) &&
              gr__tree_put_text(b, t, "statistics", a->by_batches ? "batches" : "samples");
    return ok ? t : NULL;
}

const char *gr__average_slot(const gr_average *a)
{
    return a->rule->common->name;
}

const char *gr__average_kept(const gr_average *a)
{
    return a->rule->file;
}

/* ---- the action ---- */

/* The first update after which weights are collected: t >= start T, whatever the product's rounding. */
static double start_of(const gr_average *a, const gr_clock *c)
{
    if (a->start.unit != GR_SPAN_RUN) return (double)gr__clock_updates(a->start, c);
    return ceil(a->start.n * (double)c->total - 1e-9);
}

bool gr__average_began(const gr_average *a, const gr_clock *c)
{
    return a->on && (double)c->step >= start_of(a, c);
}

static bool due(const gr_update_rules *r, const gr_clock *c)
{
    int64_t cycle = GR_MAX(gr__clock_updates(r->average->cycle, c), 1);
    return c->step > 0 && gr__average_began(r->average, c) && c->step % cycle == 0;
}

/* What is averaged are the weights that would be evaluated: LookAhead's slow ones where it is on. */
static gr_status build(const gr_update_rules *r, gr_graph *g, gr_store *store, const gr_param_info *params, size_t n)
{
    gr_view views[GR_MAX_VIEWS];
    gr_val count, mean;
    gr__views(r, views);
    gr_status st = gr__slot_add(g, store, "average/n", GR_SCALAR, GR_LAYOUT_PLAIN, 0, &count);
    gr_val more = gr_add(g, count, gr_const(g, 1)), share = r->average->rule->share(g, r->average, more);
    if (st == GR_OK) gr_assign(g, count, more, GR_ASSIGN_UPDATE);
    for (size_t i = 0; i < n && st == GR_OK; i++) {
        const gr_entry_spec *e = &params[i].entry;
        if (gr__groups_freeze(r->groups, e->name)) continue;
        st = gr__slot_beside(g, store, e, gr__average_slot(r->average), 0, &mean);
        gr_val w = gr__view_leaf(&views[0], g, store, e->name, e->shape);
        if (st == GR_OK) gr_assign(g, mean, gr_add(g, mean, gr_mul(g, gr_sub(g, w, mean), share)), GR_ASSIGN_UPDATE);
    }
    return st == GR_OK ? gr_graph_status(g) : st;
}

const gr_action gr__average_collect = {"average", due, build};
