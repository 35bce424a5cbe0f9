/* SWA: the mean of the weights at the ends of late cycles, beside the training, which it never changes. [Izmailov et
 * al. 2018, algorithm 1] */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "optim/optim.h"
#include "schedule/span.h"

static const gr_row swa_rows[] = {
    GR_ROW("start", TREE, "0.75", "updates, text such as 3 epochs, or a fraction of the run", "updates",
           "when collecting begins"),
    GR_ROW("cycle", TREE, "1 epoch", "updates, or text such as 2 epochs", "updates",
           "weights are collected after updates that are a multiple of it"),
    GR_ROW("lr", REAL, "none", "[0,inf)", "1", "the rate from the start on, in place of the schedule's"),
    GR_ROW("statistics", CHOICE, "samples", "samples|batches", "",
           "how running statistics are taken anew for the mean weights, in a pass over the training data: the mean "
           "over samples, or over "
           "batches, whatever their size",
           .torch = "batches"),
};
GR_COMMON(swa_common) = {
    .family = "average",
    .name = "swa",
    .title = "SWA: stochastic weight averaging",
    .cite = "Izmailov et al. 2018, algorithm 1",
    .equations = "after updates t >= start T with t a multiple of the cycle:\n"
                 "w_swa <- w_swa + (w - w_swa) / (n + 1);  n <- n + 1        n = 0: w_swa = w\n"
                 "before w_swa is evaluated or kept, running statistics of its own are the means over one pass through "
                 "the training data",
    GR_ROWS(swa_rows),
};

/* ---- the recipe ---- */

static gr_status read_swa(gr_context *ctx, gr__bump *b, const gr_tree *tree, gr_preset preset, gr_swa *out)
{
    gr_settings s;
    gr_status st = gr__settings_make(ctx, b, &gr__swa_common, tree, preset, NULL, &s);
    if (st != GR_OK) return st;
    out->on = true;
    out->lr = gr__setting_real(&s, "lr");
    out->by_batches = gr__setting_is(&s, "statistics", "batches");
    st = gr__span_read(ctx, gr__setting_tree(&s, "start"), true, &out->start);
    return st == GR_OK ? gr__span_read(ctx, gr__setting_tree(&s, "cycle"), false, &out->cycle) : st;
}

gr_status gr__swa_make(gr_context *ctx, gr__bump *b, const gr_tree *tree, gr_preset preset, gr_swa *out)
{
    const gr_member *const all[] = {&gr__swa_common}, *found;
    *out = (gr_swa){.lr = NAN};
    if (gr__tree_none(tree)) return GR_OK;
    const char *name = gr__type_of(ctx, tree, "average", NULL);
    if (!name) return gr__error_code(ctx);
    const gr_tree *type = gr__tree_get(tree, "type");
    gr_status st = gr__member_find(ctx, "average", all, (int)GR_COUNT(all), name, type ? type : tree, &found);
    return st == GR_OK ? read_swa(ctx, b, tree, preset, out) : st;
}

gr_tree *gr__swa_tree(gr__bump *b, const gr_swa *s)
{
    if (!s->on) return gr__tree_text(b, "none");
    gr_tree *t = gr__tree_map(b);
    bool ok = t && gr__tree_put_text(b, t, "type", "swa") && gr__tree_put(b, t, "start", gr__span_tree(b, s->start)) &&
              gr__tree_put(b, t, "cycle", gr__span_tree(b, s->cycle)) &&
              (isnan(s->lr) ? gr__tree_put_text(b, t, "lr", "none") : gr__tree_put_number(b, t, "lr", s->lr)) &&
              gr__tree_put_text(b, t, "statistics", s->by_batches ? "batches" : "samples");
    return ok ? t : NULL;
}

/* ---- the action ---- */

/* The first update after which weights are collected: t >= start T, whatever the product's rounding. */
static double start_of(const gr_swa *s, const gr_clock *c)
{
    if (s->start.unit != GR_SPAN_RUN) return (double)gr__clock_updates(s->start, c);
    return ceil(s->start.n * (double)c->total - 1e-9);
}

bool gr__swa_began(const gr_swa *s, const gr_clock *c)
{
    return s->on && (double)c->step >= start_of(s, c);
}

static bool due(const gr_update_rules *r, const gr_clock *c)
{
    int64_t cycle = GR_MAX(gr__clock_updates(r->swa->cycle, c), 1);
    return c->step > 0 && gr__swa_began(r->swa, c) && c->step % cycle == 0;
}

/* What is averaged are the weights that would be evaluated: LookAhead's slow ones where it is on. */
static gr_status build(const gr_update_rules *r, gr_graph *g, gr_store *store, const gr_param_info *params, size_t n)
{
    gr_view views[GR_MAX_VIEWS];
    gr_val count, mean;
    gr__views(r, views);
    gr_status st = gr__slot_add(g, store, "average/n", GR_SCALAR, GR_LAYOUT_PLAIN, 0, &count);
    gr_val more = gr_add(g, count, gr_const(g, 1));
    if (st == GR_OK) gr_assign(g, count, more, GR_ASSIGN_UPDATE);
    for (size_t i = 0; i < n && st == GR_OK; i++) {
        const gr_entry_spec *e = &params[i].entry;
        if (gr__groups_freeze(r->groups, e->name)) continue;
        st = gr__slot_beside(g, store, e, "swa", 0, &mean);
        gr_val w = gr__view_leaf(&views[0], g, store, e->name, e->shape);
        if (st == GR_OK)
            gr_assign(g, mean, gr_add(g, mean, gr_mul(g, gr_sub(g, w, mean), gr_recip(g, more))), GR_ASSIGN_UPDATE);
    }
    return st == GR_OK ? gr_graph_status(g) : st;
}

const gr_action gr__swa_collect = {"average", due, build};
