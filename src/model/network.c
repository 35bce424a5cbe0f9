/* From a recipe's stack of layers to graphs: preparation, layers, cost. */
#include <math.h>
#include <string.h>

#include "model/network.h"
#include "model/stack.h"
#include "plan/store.h"

struct gr_network {
    gr_context *ctx;
    gr__bump *memory;
    const gr_recipe *recipe;
    gr_network_data data;
    gr_param_info *params;
    size_t n_params;
    gr_entry_spec *states;
    size_t n_states;
    int64_t parameter_count;
    gr_shape output[GR_MAX_TARGETS]; /* of one sample */
};

/* What one graph is built with. */
typedef struct maker {
    const gr_network *n;
    gr_build b;
    gr_val *value; /* one a layer */
    gr_val input[GR_MAX_INPUTS];
} maker;

static gr_shape batch_of(gr_shape sample, int64_t batch)
{
    gr_shape s = {.rank = sample.rank + 1, .dim = {batch}};
    for (int i = 0; i < sample.rank; i++) s.dim[i + 1] = sample.dim[i];
    return s;
}

static gr_shape sample_of(gr_shape batch)
{
    gr_shape s = {.rank = GR_MAX(batch.rank - 1, 0)};
    for (int i = 0; i < s.rank; i++) s.dim[i] = batch.dim[i + 1];
    return s;
}

/* Gives a failed graph's error the place of what was being built; the first place stays. */
static gr_status place_error(maker *m, const gr_tree *at)
{
    gr_status st = gr_graph_status(m->b.g);
    char key[256];
    if (st != GR_OK && at)
        gr__error_place(m->n->ctx, at->file, at->line, at->column, gr__tree_path(at, key, sizeof key));
    return st;
}

/* ---- layers ---- */

static gr_val output_of(const maker *m, int i)
{
    return gr__is_input(i) ? m->input[gr__input_of(i)] : m->value[i];
}

static gr_status build_layer(maker *m, int i)
{
    const gr_stacked *l = &m->n->recipe->stack->layer[i];
    gr_build *b = &m->b;
    size_t before = b->n_params;
    gr_val *in = gr__bump_alloc(b->memory, sizeof *in * (size_t)l->n_from);
    if (!in) return GR_E_MEMORY;
    for (int j = 0; j < l->n_from; j++) in[j] = output_of(m, l->from[j]);
    gr_scope_push(b->g, l->member->head.name, l->name);
    b->layer = l->name;
    b->follow = l->follow;
    b->slope = l->slope;
    b->last = l->last;
    b->head = l->head;
    b->init = l->init;
    gr__activation_follow(b, l->activation);
    m->value[i] = gr__activation_build(b, l->activation, l->member->build(b, &l->settings, in, l->n_from));
    if (gr_graph_status(b->g) == GR_OK && gr_shape_of(b->g, m->value[i]).rank < 1)
        gr_graph_fail(b->g, GR_E_SHAPE, "its output has no batch axis");
    gr_scope_pop(b->g);
    gr_status st = place_error(m, l->at);
    if (st == GR_OK && l->init && b->n_params == before)
        return gr__tree_fail(b->ctx, l->init, GR_E_CONFLICT, NULL,
                             "the %s layer \"%s\" has no parameters to initialise", l->member->head.name, l->name);
    return st;
}

static gr_status build_layers(maker *m)
{
    const gr_stack *s = m->n->recipe->stack;
    gr_status st = GR_OK;
    m->value = gr__bump_alloc(m->b.memory, sizeof *m->value * (size_t)s->n);
    if (!m->value) return GR_E_MEMORY;
    for (int i = 0; i < s->n && st == GR_OK; i++) st = build_layer(m, i);
    return st;
}

/* ---- inputs ---- */

static gr_status build_input(maker *m, int i, int64_t batch, gr_network_values *out)
{
    const gr_network_data *d = &m->n->data;
    const gr_model_input *in = &m->n->recipe->input[i];
    gr_graph *g = m->b.g;
    gr_dtype type = d->input_as[i] == GR_EL_U8 ? GR_U8 : GR_REAL;
    const char *scope = m->n->recipe->inputs_named ? in->name : NULL;
    char feed[GR_FEED_TEXT];
    gr_scope_push(g, "input", scope);
    out->input[i] = gr_feed(g, gr__feed_of(GR_FIELD_INPUT, in->name, feed), type, batch_of(in->sample, batch));
    gr_scope_pop(g);
    gr_scope_push(g, "prepare", scope);
    m->input[i] = out->prepared[i] = d->n_prepared[i] > 0
                                         ? gr__prepare_build(g, d->prepared[i], d->n_prepared[i], out->input[i])
                                         : gr_real(g, out->input[i]);
    gr_scope_pop(g);
    return place_error(m, in->prepare);
}

/* ---- costs ---- */

static const gr_tree *cost_place(const gr_recipe *r, const gr_head *h)
{
    const gr_tree *t = h->cost_settings.tree;
    return t && t->line > 0 ? t : h->at ? h->at : r->stack->layer[h->from].at;
}

/* Costs of classes know one row of outputs a sample. A network that gives several, one a position, has its positions
 * taken as samples: [B,T,K] as [B T,K]. */
static bool has_positions(const gr_head *h, gr_shape output)
{
    return output.rank > 2 && h->cost->reading(sample_of(output)).prediction == GR_PREDICT_SHARES;
}

static gr_shape rows_of(gr_shape output)
{
    gr_shape s = GR_SHAPE(1, output.dim[output.rank - 1]);
    for (int i = 0; i + 1 < output.rank; i++) s.dim[0] *= output.dim[i];
    return s;
}

/* Classes: one a sample, or position; values: as many as the network gives. */
static gr_val target_feed(const maker *m, const gr_head *h, gr_shape output)
{
    char feed[GR_FEED_TEXT];
    bool classes = h->cost->reading(sample_of(output)).target == GR_FORM_CLASS;
    gr_shape s = output;
    if (classes) s.rank = has_positions(h, output) ? output.rank - 1 : 1;
    gr__feed_of(GR_FIELD_TARGET, h->name, feed);
    return gr_feed(m->b.g, feed, classes ? GR_I32 : GR_REAL, s);
}

/* What each row of a head counts: the sample's weight, [B], for all its positions. */
static gr_val weight_rows(gr_graph *g, gr_val weight, int64_t rows)
{
    int64_t batch = gr_shape_of(g, weight).dim[0];
    if (rows == batch) return weight;
    gr_val column = gr_reshape(g, weight, GR_SHAPE(batch, 1));
    return gr_reshape(g, gr_broadcast(g, column, GR_SHAPE(batch, rows / batch)), GR_SHAPE(rows));
}

static void sum_costs(maker *m, const gr_network_values *v, gr_cost_value c, gr_network_head *out)
{
    gr_graph *g = m->b.g;
    int64_t rows = gr_shape_of(g, c.each).dim[0];
    gr_val each = c.each, weight = c.weight; /* the cost's own weights are in `each` */
    if (v->weight) {
        gr_val w = weight_rows(g, v->weight, rows);
        each = gr_mul(g, each, w);
        weight = weight ? gr_mul(g, weight, w) : w;
    }
    out->cost_sum = gr_sum_all(g, each);
    out->weighted = weight != GR_NONE;
    out->class_weighted = c.weight != GR_NONE;
    out->rows = (double)rows;
    out->weight_sum = weight ? gr_sum_all(g, weight) : gr_const(g, (double)rows);
}

/* One output tells two classes of a sample; of a position it would have to be labels, which are another cost's. */
static bool check_rows(gr_graph *g, bool positions, gr_shape rows)
{
    if (!positions || rows.dim[1] > 1) return true;
    gr_graph_fail(g, GR_E_SHAPE, "a class a position wants at least two outputs each, but the network has 1");
    return false;
}

static gr_status build_head(maker *m, int i, bool with_target, gr_network_values *v)
{
    const gr_head *h = &m->n->recipe->head[i];
    gr_network_head *out = &v->head[i];
    gr_build *b = &m->b;
    gr_graph *g = b->g;
    gr_scope_push(g, h->cost->head.name, m->n->recipe->heads_named ? h->name : "cost");
    b->targets = m->n->data.targets ? &m->n->data.targets[i] : NULL;
    out->output = m->value[h->from];
    gr_shape shape = gr_shape_of(g, out->output);
    bool positions = has_positions(h, shape);
    gr_val rows = positions ? gr_reshape(g, out->output, rows_of(shape)) : out->output;
    if (h->cost->check(b, &h->cost_settings, sample_of(gr_shape_of(g, rows)), 0) &&
        check_rows(g, positions, gr_shape_of(g, rows))) {
        gr_val prediction = h->cost->predict(b, &h->cost_settings, rows);
        out->prediction = positions ? gr_reshape(g, prediction, shape) : prediction;
        if (with_target) {
            out->target = target_feed(m, h, shape);
            gr_val target = out->target;
            if (positions && gr_shape_of(g, target).rank == shape.rank)
                target = gr_reshape(g, target, rows_of(shape));
            else if (positions)
                target = gr_reshape(g, target, GR_SHAPE(rows_of(shape).dim[0]));
            gr_cost_value c = h->cost->build(b, &h->cost_settings, rows, target, b->mode == GR_MODE_TRAIN);
            if (c.each) sum_costs(m, v, c, out);
        }
    }
    gr_scope_pop(g);
    return place_error(m, cost_place(m->n->recipe, h));
}

static gr_val times(gr_graph *g, gr_val x, double factor)
{
    return factor == 1 ? x : gr_mul(g, x, gr_const(g, factor));
}

gr_val gr__weights_divisor(gr_graph *g, gr_val weight_sum)
{
    return gr_select(g, gr_less(g, gr_const(g, 0), weight_sum), weight_sum, gr_const(g, 1));
}

/* A head's cost sum for a divisor common to all: samples, or their weights. What the head's own divisor is more than
 * that, positions, is a constant; weights of classes are not. */
static gr_val for_common_divisor(gr_graph *g, const gr_network_head *h, gr_val common, int64_t batch)
{
    if (h->class_weighted) return gr_mul(g, h->cost_sum, gr_div(g, common, gr__weights_divisor(g, h->weight_sum)));
    return times(g, h->cost_sum, (double)batch / h->rows);
}

static gr_val plus(gr_graph *g, gr_val sum, gr_val more)
{
    return sum ? gr_add(g, sum, more) : more;
}

/* The cost of the network: the heads' means by their weights, as a sum and what divides it. */
static void add_heads(maker *m, int64_t batch, gr_network_values *v)
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

static gr_status build_heads(maker *m, int64_t batch, bool with_target, gr_network_values *v)
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

/* memory: of names and settings; it must outlive the build only, unless the parameters are kept. */
static gr_status build(const gr_network *n, gr__bump *memory, gr_graph *g, gr_mode mode, int64_t batch,
                       bool with_target, const gr_network_options *o, gr_network_values *out, maker *m)
{
    gr_network_values v = {0};
    *m = (maker){.n = n,
                 .b = {.ctx = n->ctx, .g = g, .mode = mode, .memory = memory, .bind = o->bind, .sketch = o->sketch}};
    if (mode == GR_MODE_TRAIN) {
        m->b.seed = gr_feed(g, GR_FEED_SEED, GR_REAL, GR_SCALAR);
        m->b.update = gr_feed(g, GR_FEED_UPDATE, GR_REAL, GR_SCALAR);
        m->b.position = gr_feed(g, GR_FEED_POSITION, GR_REAL, GR_SCALAR);
    }
    gr_status st = GR_OK;
    for (int i = 0; i < n->recipe->n_inputs && st == GR_OK; i++) st = build_input(m, i, batch, &v);
    if (st == GR_OK) st = build_layers(m);
    if (st == GR_OK) st = build_heads(m, batch, with_target, &v);
    if (st == GR_OK) *out = v;
    return st;
}

gr_status gr__network_build_with(const gr_network *n, gr_graph *g, gr_mode mode, int64_t batch, bool with_target,
                                 const gr_network_options *o, gr_network_values *out)
{
    maker m;
    gr__bump *b = gr__bump_create(n->ctx);
    if (!b) return GR_E_MEMORY;
    gr_status st = build(n, b, g, mode, batch, with_target, o, out, &m);
    if (st == GR_OK && o->layers) memcpy(o->layers, m.value, sizeof *o->layers * (size_t)n->recipe->stack->n);
    gr__bump_destroy(b);
    return st;
}

gr_status gr__network_build(const gr_network *n, gr_graph *g, gr_mode mode, int64_t batch, bool with_target,
                            gr_network_values *out)
{
    return gr__network_build_with(n, g, mode, batch, with_target, &(gr_network_options){0}, out);
}

/* ---- starting values ---- */

static gr_init_from starts(const gr_network *n, const gr_param_info *p)
{
    const gr_recipe *r = n->recipe;
    int head = p->last ? p->head : 0; /* only the last layer's start depends on targets */
    return (gr_init_from){r->init, r->preset, r->seed, n->data.targets ? &n->data.targets[head] : NULL,
                          r->head[head].cost->reading(n->output[head]).prediction};
}

static bool has_params(const gr_network *n, const char *layer)
{
    for (size_t i = 0; i < n->n_params; i++)
        if (gr__is_of_layer(n->params[i].entry.name, layer)) return true;
    return false;
}

/* What stands between the last layer's sums and a head's outputs: an activation, or a layer with parameters of its own;
 * "": nothing. */
static const char *applied_to_sums(const gr_network *n, const gr_head *h, const gr_tree **at)
{
    const gr_stack *s = n->recipe->stack;
    const char *activation = gr__stack_ends_with(s, h->from, at);
    if (*activation) return activation;
    for (int i = h->from; i >= 0 && !s->layer[i].last; i = s->layer[i].from[0])
        if (has_params(n, s->layer[i].name)) return s->layer[i].member->head.name;
    return "";
}

/* `last_bias: auto` wants a bias whose numbers are the outputs' own, with nothing applied to them. */
static gr_status check_head_bias(const gr_network *n, int head, const gr_tree *at)
{
    const gr_head *h = &n->recipe->head[head];
    const gr_tree *place;
    const gr_param_info *bias = NULL;
    gr_shape out = n->output[head];
    int64_t outputs = out.rank > 0 ? out.dim[out.rank - 1] : 1;
    const char *applied = applied_to_sums(n, h, &place), *hint = "leave it out, or write last_bias: zeros";
    gr_reading reading = h->cost->reading(out);
    for (size_t i = 0; i < n->n_params; i++)
        if (n->params[i].last && n->params[i].head == head && n->params[i].is_bias) bias = &n->params[i];
    if (reading.target == GR_FORM_CLASS && reading.prediction == GR_PREDICT_VALUES)
        return gr__tree_fail(n->ctx, at, GR_E_CONFLICT, hint,
                             "how often each class is says nothing of the outputs that %s wants", h->cost->head.name);
    if (*applied)
        return gr__tree_fail(n->ctx, at, GR_E_CONFLICT, hint,
                             "the outputs are not the last layer's sums: %s is applied to them", applied);
    if (!bias) return gr__tree_fail(n->ctx, at, GR_E_CONFLICT, hint, "the layer that gives the outputs has no bias");
    if (gr_shape_count(bias->entry.shape) == outputs) return GR_OK;
    return gr__tree_fail(n->ctx, at, GR_E_CONFLICT, hint, "%s has %lld numbers, but there are %lld outputs",
                         bias->entry.name, (long long)gr_shape_count(bias->entry.shape), (long long)outputs);
}

static gr_status check_last_bias(const gr_network *n)
{
    const gr_tree *at = gr__init_last_bias_auto(n->recipe->init);
    gr_status st = GR_OK;
    for (int h = 0; at && h < n->recipe->n_heads && st == GR_OK; h++) st = check_head_bias(n, h, at);
    return st;
}

/* Micro-batches add up sums before the divisors of all of them are known; one common divisor is enough unless classes
 * weigh differently in one of several heads. */
static gr_status check_micro_batches(const gr_network *n, const gr_network_values *v)
{
    const gr_recipe *r = n->recipe;
    for (int h = 0; h < r->n_heads && r->n_heads > 1 && r->accumulate > 1; h++)
        if (v->head[h].class_weighted)
            return gr__tree_fail(n->ctx, r->head[h].at, GR_E_CONFLICT,
                                 "leave out accumulate, or the weights of classes",
                                 "classes of the head \"%s\" weigh differently, which micro-batches of several heads "
                                 "cannot add up",
                                 r->head[h].name);
    return GR_OK;
}

/* What is worth saying of starting values once all are drawn. */
typedef struct warnings {
    int far;           /* weights of a scale that was asked for, far from what keeps activations */
    const char *first; /* of them */
    double size, wanted;
    bool relu; /* a bias took relu_bias */
} warnings;

static const double FAR =
    10; /* times too large or too small: VGG's 0.01 at a fan-in of 4608 is half, 0.01 at a fan-in of 64 is a twelfth */

/* Takes one parameter's numbers into its store entry, and how large they are. */
typedef struct taker {
    gr_store *store;
    const gr_entry *entry;
    double square; /* mean */
} taker;

static void take(void *user, int64_t first, int64_t stride, int64_t n, const double *values)
{
    taker *t = user;
    gr__store_put(t->store, t->entry, first, stride, n, values);
    for (int64_t i = 0; i < n; i++) t->square += values[i] * values[i] / (double)t->entry->count;
}

static void look_at(warnings *w, const gr_param_info *p, const gr_init_choice *c, double square)
{
    w->relu |= p->is_bias && c->asked && p->follow == GR_FOLLOW_RELU;
    if (p->is_bias || !c->asked || p->entry.shape.rank < 2 || p->fan_in < 1 || gr_shape_count(p->entry.shape) < 1 ||
        c->member->own_size)
        return;
    double size = sqrt(square), wanted = 1 / sqrt((double)p->fan_in);
    if (size == 0 || (size * FAR > wanted && size < wanted * FAR)) return; /* zeros are warned of as such */
    if (!w->far++) w->first = p->entry.name, w->size = size, w->wanted = wanted;
}

static void say(const gr_network *n, const warnings *w)
{
    const gr_tree *relu = n->recipe->init ? gr__tree_get(n->recipe->init, "relu_bias") : NULL;
    if (w->far)
        gr__log(n->ctx, GR_LOG_WARNING,
                "init: %s starts with a size of %.2g, where about %.2g keeps activations at its fan-in%s; gradus check "
                "--init shows what "
                "that does",
                w->first, w->size, w->wanted, w->far > 1 ? ", and other weights likewise" : "");
    if (relu && relu->number > 0 && !w->relu)
        gr__log(n->ctx, GR_LOG_WARNING,
                "init.relu_bias: no layer with a bias stands before a ReLU, so it does nothing");
}

static gr_status init_one(const gr_network *n, gr_store *store, const gr_param_info *p, void *work, warnings *w)
{
    taker t = {.store = store, .entry = gr_store_find(store, p->entry.name)};
    gr_init_from from = starts(n, p);
    gr_init_choice c;
    gr_status st = GR_OK;
    gr__bump *b = gr__bump_create(n->ctx);
    if (!b) return GR_E_MEMORY;
    if (!t.entry) GR_TRY(gr__fail(n->ctx, GR_E_INTERNAL, "the store has no \"%s\"", p->entry.name));
    GR_TRY(gr__init_choose(n->ctx, b, &from, p, &c));
    GR_TRY(gr__init_fill(n->ctx, &from, p, &c, work, &(gr_init_sink){take, &t}));
    look_at(w, p, &c, t.square);
done:
    gr__bump_destroy(b);
    return st;
}

gr_status gr__network_init_work(const gr_network *n, uint64_t *bytes)
{
    gr_status st = GR_OK;
    *bytes = 0;
    for (size_t i = 0; i < n->n_params && st == GR_OK; i++) {
        gr_init_from from = starts(n, &n->params[i]);
        gr_init_choice c;
        gr__bump *b = gr__bump_create(n->ctx);
        if (!b) return GR_E_MEMORY;
        st = gr__init_choose(n->ctx, b, &from, &n->params[i], &c);
        if (st == GR_OK) *bytes = GR_MAX(*bytes, gr__init_work(&c, &n->params[i]));
        gr__bump_destroy(b);
    }
    return st;
}

/* Units that start equal get equal gradients for ever: allowed, since one may want to see it, but said. A single unit
 * has no equal, and those of the last layer have targets of their own. */
static gr_status warn_of_equals(const gr_network *n, gr__bump *b)
{
    gr_init_choice c;
    for (size_t i = 0; i < n->n_params; i++) {
        const gr_param_info *p = &n->params[i];
        gr_init_from from = starts(n, p);
        if (p->is_bias || p->last || p->entry.shape.rank < 2 || p->entry.shape.dim[0] < 2) continue;
        gr_status st = gr__init_choose(n->ctx, b, &from, p, &c);
        if (st != GR_OK) return st;
        if (!c.member || !c.member->equal) continue;
        gr__log(n->ctx, GR_LOG_WARNING,
                "init.weights: with %s all units of %s start equal, stay equal, and learn nothing of their own",
                c.member->head.name, p->entry.name);
        break;
    }
    return GR_OK;
}

gr_status gr__network_init(const gr_network *n, gr_store *store)
{
    warnings w = {0};
    gr__bump *b = gr__bump_create(n->ctx);
    uint64_t bytes = 0;
    void *work = NULL;
    gr_status st = b ? warn_of_equals(n, b) : GR_E_MEMORY;
    if (b) gr__bump_destroy(b);
    if (st == GR_OK) st = gr__network_init_work(n, &bytes);
    if (st == GR_OK && bytes && !(work = gr__tensor_alloc(n->ctx, (size_t)bytes))) st = gr__error_code(n->ctx);
    for (size_t i = 0; i < n->n_params && st == GR_OK; i++) st = init_one(n, store, &n->params[i], work, &w);
    gr__tensor_free(n->ctx, work, (size_t)bytes);
    if (st == GR_OK) say(n, &w);
    return st;
}

gr_status gr__network_initialiser(const gr_network *n, size_t i, gr__bump *b, gr_tree **out)
{
    gr_init_choice c;
    gr_init_from from = starts(n, &n->params[i]);
    gr_status st = gr__init_choose(n->ctx, b, &from, &n->params[i], &c);
    if (st != GR_OK) return st;
    *out = gr__init_choice_tree(b, &c);
    return *out ? GR_OK : GR_E_MEMORY;
}

/* ---- the network ---- */

/* Parameters and states are those of a training graph of one sample: no layer has others in another mode. */
static gr_status collect(gr_network *n)
{
    gr_graph *g = NULL;
    gr_network_values v;
    maker m;
    gr_status st = GR_OK;
    GR_TRY(gr_graph_create(n->ctx, &g));
    GR_TRY(build(n, n->memory, g, GR_MODE_TRAIN, 1, true, &(gr_network_options){.sketch = true}, &v, &m));
    for (int h = 0; h < n->recipe->n_heads; h++) n->output[h] = sample_of(gr_shape_of(g, v.head[h].output));
    n->params = m.b.params;
    n->n_params = m.b.n_params;
    n->states = m.b.states;
    n->n_states = m.b.n_states;
    double total = 0;
    for (size_t i = 0; i < n->n_params; i++) total += (double)gr_shape_count(n->params[i].entry.shape);
    if (total > 1e15)
        GR_TRY(gr__tree_fail(n->ctx, n->recipe->layers, GR_E_RANGE, NULL,
                             "%.3g parameters are more than any machine holds", total));
    for (size_t i = 0; i < n->n_params; i++) n->parameter_count += gr_shape_count(n->params[i].entry.shape);
    GR_TRY(check_last_bias(n));
    GR_TRY(check_micro_batches(n, &v));
done:
    gr_graph_destroy(g);
    return st;
}

gr_status gr__network_make(gr_context *ctx, const gr_recipe *r, const gr_network_data *data, gr_network **out)
{
    gr_network *n = gr__alloc(ctx, sizeof *n);
    if (!n) return GR_E_MEMORY;
    *n = (gr_network){.ctx = ctx, .recipe = r, .memory = gr__bump_create(ctx)};
    if (data) n->data = *data;
    for (int i = 0; i < GR_MAX_INPUTS && !data; i++) n->data.input_as[i] = GR_EL_F32;
    gr_status st = n->memory ? collect(n) : GR_E_MEMORY;
    if (st == GR_OK)
        *out = n;
    else
        gr__network_destroy(n);
    return st;
}

void gr__network_destroy(gr_network *n)
{
    if (!n) return;
    gr__bump_destroy(n->memory);
    gr__free(n->ctx, n, sizeof *n);
}

const gr_param_info *gr__network_params(const gr_network *n, size_t *count)
{
    *count = n->n_params;
    return n->params;
}

const gr_entry_spec *gr__network_states(const gr_network *n, size_t *count)
{
    *count = n->n_states;
    return n->states;
}

gr_shape gr__network_output(const gr_network *n, int head)
{
    return n->output[head];
}

int64_t gr__network_parameter_count(const gr_network *n)
{
    return n->parameter_count;
}

gr_status gr__network_declare(const gr_network *n, gr_store *store)
{
    gr_status st = GR_OK;
    for (size_t i = 0; i < n->n_params && st == GR_OK; i++) st = gr_store_add(store, &n->params[i].entry, NULL);
    for (size_t i = 0; i < n->n_states && st == GR_OK; i++) st = gr_store_add(store, &n->states[i], NULL);
    return st;
}
