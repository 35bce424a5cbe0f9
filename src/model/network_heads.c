/* Heads: outputs read as predictions, what they cost, and the cost of all. */
#include <stdio.h>

#include "model/cost_rows.h"
#include "model/network_maker.h"

static const gr_tree *cost_place(const gr_recipe *r, const gr_head *h)
{
    const gr_tree *t = h->cost_settings.tree;
    return t && t->line > 0 ? t : h->at ? h->at : r->stack->layer[h->from].at;
}

/* Classes: one a sample, or position; values: as many as the network gives. */
static gr_val target_feed(const gr__maker *m, const gr_head *h, gr_shape output)
{
    char feed[GR_FEED_TEXT];
    bool classes = h->cost->reading(gr__sample_of(output)).target == GR_FORM_CLASS;
    gr_shape s = output;
    if (classes) s.rank = gr__cost_has_positions(h->cost, output) ? output.rank - 1 : 1;
    gr__feed_of(GR_FIELD_TARGET, h->name, feed);
    return gr_feed(m->b.g, feed, classes ? GR_I32 : GR_REAL, s);
}

static void sum_costs(gr__maker *m, const gr_network_values *v, const gr_cost_rows *r, gr_cost_value c,
                      gr_network_head *out)
{
    gr_graph *g = m->b.g;
    int64_t rows = gr_shape_of(g, c.each).dim[0];
    gr_val each = c.each, weight = c.weight; /* the cost's own weights are in `each` */
    if (v->weight) {
        gr_val w = gr__cost_rows_spread(g, v->weight, rows);
        each = gr_mul(g, each, w);
        weight = weight ? gr_mul(g, weight, w) : w;
    }
    out->weighted = weight != GR_NONE;
    out->class_weighted = c.weight != GR_NONE;
    gr__cost_rows_count(g, r, out->output, &each, &weight);
    out->cost_sum = gr_sum_all(g, each);
    out->rows = (double)rows;
    out->weight_sum = weight ? gr_sum_all(g, weight) : gr_const(g, (double)rows);
}

/* The target of a head as its cost takes it, row for row with the outputs. */
static gr_val target_rows(gr_graph *g, gr_val target, gr_shape output, gr_shape rows)
{
    return gr_reshape(g, target, gr_shape_of(g, target).rank == output.rank ? rows : GR_SHAPE(rows.dim[0]));
}

/* y as the cost takes it, or its z as the data has it: by the training's statistics, or where they are not known, in a
 * plan made from headers, by numbers that no operation simplifies away. */
static gr_val standardize(const gr__maker *m, gr_val x, bool back)
{
    gr_graph *g = m->b.g;
    const gr_targets *t = m->b.targets;
    int64_t n = gr_shape_of(g, x).dim[1];
    double *all = gr__bump_alloc(m->b.memory, sizeof *all * 2 * (size_t)n), *by = all + n;
    if (!all) return gr_graph_fail(g, GR_E_MEMORY, "no memory for %lld targets", (long long)n);
    bool known = t && t->shift;
    for (int64_t i = 0; i < n; i++) {
        double spread = known && i < t->values ? t->spread[i] : 0.2 + 1e-3 * (double)i;
        all[i] = known && i < t->values ? t->shift[i] : 0.3 + 1e-3 * (double)i;
        by[i] = back ? spread : 1 / spread;
    }
    gr_val shift = gr_const_tensor(g, GR_SHAPE(n), all), scale = gr_const_tensor(g, GR_SHAPE(n), by);
    return back ? gr_add(g, gr_mul(g, x, scale), shift) : gr_mul(g, gr_sub(g, x, shift), scale);
}

static gr_cost_value cost_of(gr__maker *m, const gr_head *h, const gr_cost_rows *r, gr_shape output, gr_val target,
                             bool training)
{
    gr_graph *g = m->b.g;
    if (h->standardize && target) target = standardize(m, target, false);
    if (r->positions) target = target_rows(g, target, output, gr_shape_of(g, r->rows));
    return h->cost->build(&m->b, &h->cost_settings, r->rows, target, training);
}

/* Within the scope of its cost, which takes such outputs. */
static void build_cost(gr__maker *m, int i, const gr_cost_rows *r, bool with_target, gr_network_values *v)
{
    const gr_head *h = &m->n->recipe->head[i];
    gr_network_head *out = &v->head[i];
    gr_graph *g = m->b.g;
    gr_shape shape = gr_shape_of(g, out->output);
    out->prediction = gr__cost_rows_predict(&m->b, h->cost, &h->cost_settings, r, out->output);
    if (h->standardize && out->prediction) out->prediction = standardize(m, out->prediction, true);
    if (!with_target) return;
    out->target = target_feed(m, h, shape);
    bool training = m->b.mode == GR_MODE_TRAIN;
    gr_cost_value c = cost_of(m, h, r, shape, out->target, training);
    if (m->partner && c.each) {
        gr_cost_value other = cost_of(m, h, r, shape, gr_gather(g, out->target, m->partner), training);
        c.each = gr__maker_mixed(m, c.each, other.each);
        if (c.weight) c.weight = gr__maker_mixed(m, c.weight, other.weight);
    }
    if (c.each) sum_costs(m, v, r, c, out);
}

static gr_status build_head(gr__maker *m, int i, bool with_target, gr_network_values *v)
{
    const gr_head *h = &m->n->recipe->head[i];
    gr_cost_rows r;
    v->head[i].output = m->value[h->from];
    gr_scope_push(m->b.g, h->cost->head.name, m->n->recipe->heads_named ? h->name : "cost");
    m->b.targets = m->n->data.targets ? &m->n->data.targets[i] : NULL;
    bool takes = gr__cost_rows_take(&m->b, h->cost, &h->cost_settings, v->head[i].output, &r);
    v->head[i].lengths = r.lengths;
    if (takes) build_cost(m, i, &r, with_target, v);
    gr_scope_pop(m->b.g);
    return gr__maker_place(m, cost_place(m->n->recipe, h));
}

static gr_val times(gr_graph *g, gr_val x, double factor)
{
    return factor == 1 ? x : gr_mul(g, x, gr_const(g, factor));
}

/* Rows of a head that do not count alike, whatever samples weigh. */
static bool counts_by_row(const gr_network_head *h)
{
    return h->class_weighted || h->lengths;
}

/* A head's cost sum for a divisor common to all: samples, or their weights. What the head's own divisor is more than
 * that, positions, is a constant; weights of classes and steps that count are not. */
static gr_val for_common_divisor(gr_graph *g, const gr_network_head *h, gr_val common, int64_t batch)
{
    if (counts_by_row(h)) return gr_mul(g, h->cost_sum, gr_div(g, common, gr__weights_divisor(g, h->weight_sum)));
    return times(g, h->cost_sum, (double)batch / h->rows);
}

static gr_val plus(gr_graph *g, gr_val sum, gr_val more)
{
    return sum ? gr_add(g, sum, more) : more;
}

/* The cost of the network: the heads' means by their weights, as a sum and what divides it. */
static void add_heads(gr__maker *m, int64_t batch, gr_network_values *v)
{
    gr_graph *g = m->b.g;
    const gr_recipe *r = m->n->recipe;
    if (r->n_heads == 1) {
        v->cost_sum = v->told_sum = times(g, v->head[0].cost_sum, r->head[0].weight);
        v->weight_sum = v->head[0].weight_sum;
        v->weighted = v->head[0].weighted;
        return;
    }
    v->weighted = v->weight != GR_NONE;
    v->weight_sum = v->weight ? gr_sum_all(g, v->weight) : gr_const(g, (double)batch);
    for (int i = 0; i < r->n_heads; i++) {
        double weight = r->head[i].weight;
        if (weight == 0) continue;
        gr_val mean = for_common_divisor(g, &v->head[i], v->weight_sum, batch);
        v->told_sum = plus(g, v->told_sum, times(g, mean, weight));
        if (r->reduction_sum) v->cost_sum = plus(g, v->cost_sum, times(g, v->head[i].cost_sum, weight));
    }
    if (!r->reduction_sum) v->cost_sum = v->told_sum;
}

gr_status gr__maker_heads(gr__maker *m, int64_t batch, bool with_target, gr_network_values *v)
{
    gr_graph *g = m->b.g;
    char feed[GR_FEED_TEXT];
    gr_status st = GR_OK;
    if (with_target && m->n->data.weighted)
        v->weight = gr_feed(g, gr__feed_of(GR_FIELD_WEIGHT, NULL, feed), GR_REAL, GR_SHAPE(batch));
    for (int i = 0; i < m->n->recipe->n_heads && st == GR_OK; i++) st = build_head(m, i, with_target, v);
    if (st != GR_OK || !with_target) return st;
    gr_scope_push(g, "heads", NULL);
    add_heads(m, batch, v);
    gr_scope_pop(g);
    return gr_graph_status(g);
}

/* Of softmax: the largest of logits to which Gumbel's noise is added is of a class as often as it is probable.
 * [Gumbel 1954; Maddison et al. 2014] Uniform numbers are multiples of 2^-24: half of one keeps the logarithms finite.
 */
static gr_val draw_labels(gr__maker *m, const gr_head *h, gr_val output)
{
    gr_graph *g = m->b.g;
    char stream[GR_FEED_TEXT + 16];
    snprintf(stream, sizeof stream, "%s/labels", h->name ? h->name : "head");
    gr_val u = gr_random(g, stream, gr_shape_of(g, output), m->b.seed, m->b.update, m->b.position);
    gr_val noise = gr_neg(g, gr_log(g, gr_neg(g, gr_log(g, gr_add(g, u, gr_const(g, 0x1p-25))))));
    return gr_argmax(g, gr_add(g, gr_stop(g, output), noise), gr_shape_of(g, output).rank - 1);
}

gr_status gr__maker_draw(gr__maker *m, int64_t batch, gr_network_values *v)
{
    gr_graph *g = m->b.g;
    gr_network_values of = *v; /* the same but for the targets */
    for (int i = 0; i < m->n->recipe->n_heads; i++) {
        const gr_head *h = &m->n->recipe->head[i];
        gr_val output = v->head[i].output;
        gr_cost_rows r;
        gr_scope_push(g, h->cost->head.name, "drawn");
        m->b.targets = m->n->data.targets ? &m->n->data.targets[i] : NULL;
        if (gr__cost_rows_take(&m->b, h->cost, &h->cost_settings, output, &r)) {
            gr_val labels = draw_labels(m, h, output);
            gr_cost_value c = cost_of(m, h, &r, gr_shape_of(g, output), labels, false);
            if (c.each) sum_costs(m, v, &r, c, &of.head[i]);
        }
        gr_scope_pop(g);
    }
    add_heads(m, batch, &of);
    v->drawn_sum = of.cost_sum;
    return gr_graph_status(g);
}

/* Micro-batches add up sums before the divisors of all of them are known; one common divisor is enough unless classes
 * weigh differently, or steps count by lengths, in one of several heads. */
gr_status gr__maker_check_micro_batches(const gr_network *n, const gr_network_values *v)
{
    const gr_recipe *r = n->recipe;
    for (int h = 0; h < r->n_heads && r->n_heads > 1 && r->accumulate > 1; h++) {
        const gr_network_head *head = &v->head[h];
        if (!counts_by_row(head)) continue;
        return gr__tree_fail(n->ctx, r->head[h].at, GR_E_CONFLICT,
                             head->lengths ? "leave out accumulate, or lengths"
                                           : "leave out accumulate, or the weights of classes",
                             "%s of the head \"%s\" %s, which micro-batches of several heads cannot add up",
                             head->lengths ? "steps" : "classes", r->head[h].name,
                             head->lengths ? "count by the lengths of samples" : "weigh differently");
    }
    return GR_OK;
}
