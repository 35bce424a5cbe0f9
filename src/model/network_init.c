/* Starting values of a network: which initialiser each parameter gets, and what is worth saying of them. */
#include <math.h>

#include "model/network_maker.h"
#include "plan/store.h"

static gr_init_from starts(const gr_network *n, const gr_param_info *p, uint64_t seed)
{
    const gr_recipe *r = n->recipe;
    int head = p->last ? p->head : 0; /* only the last layer's start depends on targets */
    return (gr_init_from){r->init, r->preset, seed, n->data.targets ? &n->data.targets[head] : NULL,
                          r->head[head].cost->reading(n->output[head]).prediction};
}

static bool has_params(const gr_network *n, const char *layer)
{
    for (size_t i = 0; i < n->n_params; i++)
        if (gr__is_of_layer(n->params[i].entry.name, layer)) return true;
    return false;
}

/* What stands between the last layer's sums and a head's outputs: an activation, what normalises or reorders, or a
 * layer with parameters of its own; "": nothing. */
static const char *applied_to_sums(const gr_network *n, const gr_head *h, const gr_tree **at)
{
    const gr_stack *s = n->recipe->stack;
    const char *activation = gr__stack_ends_with(s, h->from, at);
    if (*activation) return activation;
    for (int i = h->from; i >= 0 && !s->layer[i].last; i = s->layer[i].from[0]) {
        const gr_layer *m = s->layer[i].member;
        if (m->normalises || m->reorders || has_params(n, s->layer[i].name)) return m->head.name;
    }
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
    if (!bias)
        return gr__tree_fail(n->ctx, at, GR_E_CONFLICT, hint, "the layer that gives the outputs adds no bias to them");
    if (gr_shape_count(bias->entry.shape) == outputs) return GR_OK;
    return gr__tree_fail(n->ctx, at, GR_E_CONFLICT, hint, "%s has %lld numbers, but there are %lld outputs",
                         bias->entry.name, (long long)gr_shape_count(bias->entry.shape), (long long)outputs);
}

gr_status gr__network_check_last_bias(const gr_network *n)
{
    const gr_tree *at = gr__init_last_bias_auto(n->recipe->init);
    gr_status st = GR_OK;
    for (int h = 0; at && h < n->recipe->n_heads && st == GR_OK; h++) st = check_head_bias(n, h, at);
    return st;
}

/* What is worth saying of starting values once all are drawn. */
typedef struct warnings {
    int far;           /* weights of a scale that was asked for, far from what keeps activations */
    const char *first; /* of them */
    double size, wanted;
    bool relu; /* a bias took relu_bias */
    bool lstm; /* a bias took init.lstm */
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
    w->relu |= gr__init_adds(p) && c->asked && p->follow == GR_FOLLOW_RELU;
    w->lstm |= c->member && c->member->gate_biases && !c->asked;
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
    const gr_tree *lstm = n->recipe->init ? gr__tree_get(n->recipe->init, "lstm") : NULL;
    if (lstm && !gr__tree_none(lstm) && !w->lstm)
        gr__log(n->ctx, GR_LOG_WARNING, "init.lstm: no LSTM layer takes it, so it does nothing");
    if (n->lonely)
        gr__log(n->ctx, GR_LOG_WARNING,
                "\"%s\" normalises single values, which have no variance: what it gives is its bias, whatever it takes",
                n->lonely);
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

static gr_status init_one(const gr_network *n, uint64_t seed, gr_store *store, const gr_param_info *p, void *work,
                          warnings *w)
{
    taker t = {.store = store, .entry = gr_store_find(store, p->entry.name)};
    gr_init_from from = starts(n, p, seed);
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
        gr_init_from from = starts(n, &n->params[i], n->recipe->seed);
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
        gr_init_from from = starts(n, p, n->recipe->seed);
        if (gr__adapter_part(&n->recipe->adapter, p->entry.name))
            continue; /* A gives its units gradients that differ */
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

static gr_status fill(const gr_network *n, uint64_t seed, gr_store *store, warnings *w)
{
    uint64_t bytes = 0;
    void *work = NULL;
    gr_status st = gr__network_init_work(n, &bytes);
    if (st == GR_OK && bytes && !(work = gr__tensor_alloc(n->ctx, (size_t)bytes))) st = gr__error_code(n->ctx);
    for (size_t i = 0; i < n->n_params && st == GR_OK; i++) st = init_one(n, seed, store, &n->params[i], work, w);
    gr__tensor_free(n->ctx, work, (size_t)bytes);
    return st;
}

gr_status gr__network_draw(const gr_network *n, uint64_t seed, gr_store *store)
{
    warnings w = {0};
    return fill(n, seed, store, &w);
}

gr_status gr__network_init(const gr_network *n, gr_store *store)
{
    warnings w = {0};
    gr__bump *b = gr__bump_create(n->ctx);
    gr_status st = b ? warn_of_equals(n, b) : GR_E_MEMORY;
    if (b) gr__bump_destroy(b);
    if (st == GR_OK) st = fill(n, n->recipe->seed, store, &w);
    if (st == GR_OK) say(n, &w);
    return st;
}

gr_status gr__network_initialiser(const gr_network *n, size_t i, gr__bump *b, gr_tree **out)
{
    gr_init_choice c;
    gr_init_from from = starts(n, &n->params[i], n->recipe->seed);
    gr_status st = gr__init_choose(n->ctx, b, &from, &n->params[i], &c);
    if (st != GR_OK) return st;
    *out = gr__init_choice_tree(b, &c);
    return *out ? GR_OK : GR_E_MEMORY;
}
