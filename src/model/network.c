/* From a recipe's stack of layers to graphs: preparation, layers, then the heads. */
#include <string.h>

#include "base/text.h"
#include "data/fields.h"
#include "model/cost_rows.h"
#include "model/network_maker.h"
#include "nn/lengths.h"

static gr_shape batch_of(gr_shape sample, int64_t batch)
{
    gr_shape s = {.rank = sample.rank + 1, .dim = {batch}};
    for (int i = 0; i < sample.rank; i++) s.dim[i + 1] = sample.dim[i];
    return s;
}

gr_status gr__maker_place(gr__maker *m, const gr_tree *at)
{
    gr_status st = gr_graph_status(m->b.g);
    char key[256];
    if (st != GR_OK && at)
        gr__error_place(m->n->ctx, at->file, at->line, at->column, gr__tree_path(at, key, sizeof key));
    return st;
}

/* ---- layers ---- */

static gr_val output_of(const gr__maker *m, int i)
{
    return gr__is_input(i) ? m->input[gr__input_of(i)] : m->value[i];
}

static const char *name_of(const gr__maker *m, int i)
{
    const gr_recipe *r = m->n->recipe;
    return gr__is_input(i) ? r->input[gr__input_of(i)].name : r->stack->layer[i].name;
}

static gr_status build_layer(gr__maker *m, int i)
{
    const gr_stacked *l = &m->n->recipe->stack->layer[i];
    gr_build *b = &m->b;
    gr_layer_said said = {l->member, l->settings, l->activation, l->init};
    gr_val *in = gr__bump_alloc(b->memory, sizeof *in * (size_t)l->n_from);
    gr_input_name *from = gr__bump_alloc(b->memory, sizeof *from * (size_t)l->n_from);
    if (!in || !from) return GR_E_MEMORY;
    for (int j = 0; j < l->n_from; j++) in[j] = output_of(m, l->from[j]);
    for (int j = 0; j < l->n_from; j++) from[j] = (gr_input_name){name_of(m, l->from[j]), in[j]};
    b->from = from;
    b->n_from = l->n_from;
    b->layer = l->name;
    b->follow = l->follow;
    b->slope = l->slope;
    b->last = l->last;
    b->head = l->head;
    b->init = l->init;
    m->value[i] = gr__layer_build(b, &said, l->at, in, l->n_from);
    return gr_graph_status(b->g);
}

static gr_status build_layers(gr__maker *m)
{
    const gr_stack *s = m->n->recipe->stack;
    gr_status st = GR_OK;
    m->value = gr__bump_alloc(m->b.memory, sizeof *m->value * (size_t)s->n);
    if (!m->value) return GR_E_MEMORY;
    for (int i = 0; i < s->n && st == GR_OK; i++) st = build_layer(m, i);
    return st;
}

/* ---- inputs ---- */

static gr_status build_input(gr__maker *m, int i, int64_t batch, int64_t steps, gr_network_values *out)
{
    const gr_network_data *d = &m->n->data;
    const gr_model_input *in = &m->n->recipe->input[i];
    gr_graph *g = m->b.g;
    int n = d->n_prepared[i];
    const gr_prepared *prepared;
    gr_shape whole = gr__prepare_takes(d->prepared[i], n, in->sample), sample = whole;
    if (steps && d->lengths[i] && sample.rank) sample.dim[0] = steps;
    gr_status st = gr__prepare_check(m->n->ctx, GR_E_SHAPE, d->prepared[i], n, in->sample);
    if (st == GR_OK)
        st = gr__prepare_cut(m->n->ctx, m->b.memory, d->prepared[i], n, gr_shape_count(whole), gr_shape_count(sample),
                             &prepared);
    if (st != GR_OK) return gr__place(m->n->ctx, in->prepare, st);
    gr_dtype type = in->vocabulary ? GR_I32 : d->input_as[i] == GR_EL_U8 ? GR_U8 : GR_REAL;
    const char *scope = m->n->recipe->inputs_named ? in->name : NULL;
    char feed[GR_FEED_TEXT];
    gr_scope_push(g, "input", scope);
    out->input[i] = gr_feed(g, gr__feed_of(GR_FIELD_INPUT, in->name, feed), type, batch_of(sample, batch));
    gr_scope_pop(g);
    gr_scope_push(g, "prepare", scope);
    m->input[i] = in->vocabulary ? out->input[i] : gr__prepare_build(g, prepared, n, out->input[i]);
    if (n && m->input[i] && !(steps && d->lengths[i]))
        m->input[i] = gr_reshape(g, m->input[i], batch_of(in->sample, batch));
    out->prepared[i] = m->input[i];
    gr_scope_pop(g);
    gr__maker_input_lengths(m, i, batch);
    out->length[i] = m->length[i];
    return gr__maker_place(m, in->prepare);
}

static gr_status build_inputs(gr__maker *m, int64_t batch, const gr_network_options *o, gr_network_values *v)
{
    gr_status st = GR_OK;
    for (int i = 0; i < m->n->recipe->n_inputs && st == GR_OK; i++) st = build_input(m, i, batch, o->steps, v);
    bool mix = o->mix && m->b.mode == GR_MODE_TRAIN && m->n->recipe->mixture.kind;
    if (st == GR_OK && mix) st = gr__maker_mix(m, batch);
    for (int i = 0; i < m->n->recipe->n_inputs && st == GR_OK; i++) v->prepared[i] = m->input[i];
    return st;
}

/* What the recipe freezes at this moment of the run. */
typedef struct resting {
    const gr_groups *groups;
    const gr_clock *at;
} resting;

static bool rests(const void *user, const char *state)
{
    const resting *r = user;
    return gr__groups_frozen(r->groups, state, r->at);
}

/* memory: of names and settings; it must outlive the build only, unless the parameters are kept. */
static gr_status build(const gr_network *n, gr__bump *memory, gr_graph *g, gr_mode mode, int64_t batch,
                       bool with_target, const gr_network_options *o, gr_network_values *out, gr__maker *m)
{
    gr_network_values v = {0};
    resting *frozen = gr__bump_alloc(memory, sizeof *frozen);
    if (!frozen) return GR_E_MEMORY;
    *frozen = (resting){&n->recipe->groups, o->at};
    *m = (gr__maker){.n = n,
                     .b = {.ctx = n->ctx,
                           .g = g,
                           .mode = mode,
                           .preset = n->recipe->preset,
                           .memory = memory,
                           .bind = o->bind,
                           .adapter = &n->recipe->adapter,
                           .rests = rests,
                           .rests_user = frozen,
                           .sketch = o->sketch,
                           .exact = o->exact,
                           .updates = o->updates}};
    if (mode == GR_MODE_TRAIN) {
        m->b.seed = gr_feed(g, GR_FEED_SEED, GR_REAL, GR_SCALAR);
        m->b.update = gr_feed(g, GR_FEED_UPDATE, GR_REAL, GR_SCALAR);
        m->b.position = gr_feed(g, GR_FEED_POSITION, GR_REAL, GR_SCALAR);
    }
    gr_status st = build_inputs(m, batch, o, &v);
    if (st == GR_OK) st = build_layers(m);
    if (st == GR_OK) st = gr__maker_heads(m, batch, with_target, &v);
    if (st == GR_OK && o->draw && mode == GR_MODE_TRAIN) st = gr__maker_draw(m, batch, &v);
    if (st == GR_OK) *out = v;
    return st;
}

gr_status gr__network_build_with(const gr_network *n, gr_graph *g, gr_mode mode, int64_t batch, bool with_target,
                                 const gr_network_options *o, gr_network_values *out)
{
    gr__maker m;
    gr__bump *b = gr__bump_create(n->ctx);
    if (!b) return GR_E_MEMORY;
    gr_status st = build(n, b, g, mode, batch, with_target, o, out, &m);
    if (st == GR_OK && o->layers) memcpy(o->layers, m.value, sizeof *o->layers * (size_t)n->recipe->stack->n);
    for (int i = 0; st == GR_OK && o->lengths && i < n->recipe->stack->n; i++)
        o->lengths[i] = m.b.n_stepped ? gr__maker_input_of(&m, gr__lengths_of(&m.b, m.value[i])) : -1;
    gr__bump_destroy(b);
    return st;
}

gr_status gr__network_build(const gr_network *n, gr_graph *g, gr_mode mode, int64_t batch, bool with_target,
                            gr_network_values *out)
{
    return gr__network_build_with(n, g, mode, batch, with_target, &(gr_network_options){0}, out);
}

gr_status gr__network_build_inputs(const gr_network *n, gr_graph *g, int64_t batch, bool mix, gr_val out[GR_MAX_INPUTS])
{
    const gr_network_options o = {.mix = mix};
    gr_network_values v = {0};
    gr__bump *b = gr__bump_create(n->ctx);
    if (!b) return GR_E_MEMORY;
    gr__maker m = {.n = n, .b = {.ctx = n->ctx, .g = g, .mode = GR_MODE_TRAIN, .memory = b}};
    gr_status st = build_inputs(&m, batch, &o, &v);
    if (st == GR_OK) memcpy(out, m.input, sizeof m.input);
    gr__bump_destroy(b);
    return st;
}

/* ---- the network ---- */

/* Parameters and states are those of a training graph of one sample, at the end of a run, when all is trained that ever
 * is: no layer has others in another mode, or at another time. */
static gr_status collect(gr_network *n)
{
    const gr_clock end = {.step = INT64_MAX, .total = INT64_MAX, .updates_per_epoch = 1};
    gr_graph *g = NULL;
    gr_network_values v;
    gr__maker m;
    gr_status st = GR_OK;
    GR_TRY(gr_graph_create(n->ctx, &g));
    GR_TRY(build(n, n->memory, g, GR_MODE_TRAIN, 1, true, &(gr_network_options){.sketch = true, .at = &end}, &v, &m));
    for (int h = 0; h < n->recipe->n_heads; h++) {
        n->output[h] = gr__sample_of(gr_shape_of(g, v.head[h].output));
        n->lengths[h] = gr__maker_input_of(&m, v.head[h].lengths);
    }
    n->params = m.b.params;
    n->n_params = m.b.n_params;
    n->states = m.b.states;
    n->n_states = m.b.n_states;
    n->lonely = m.b.lonely;
    double total = 0;
    for (size_t i = 0; i < n->n_params; i++) total += (double)gr_shape_count(n->params[i].entry.shape);
    if (total > 1e15)
        GR_TRY(gr__tree_fail(n->ctx, n->recipe->layers, GR_E_RANGE, NULL,
                             "%.3g parameters are more than any machine holds", total));
    for (size_t i = 0; i < n->n_params; i++) n->parameter_count += gr_shape_count(n->params[i].entry.shape);
    GR_TRY(gr__network_check_last_bias(n));
    GR_TRY(gr__maker_check_micro_batches(n, &v));
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

bool gr__network_matches(const gr_network *n, const char *glob)
{
    size_t n_params, n_states;
    const gr_param_info *params = gr__network_params(n, &n_params);
    const gr_entry_spec *states = gr__network_states(n, &n_states);
    for (size_t i = 0; i < n_params; i++)
        if (gr__glob(glob, params[i].entry.name)) return true;
    for (size_t i = 0; i < n_states; i++)
        if (gr__glob(glob, states[i].name)) return true;
    return false;
}

gr_shape gr__network_output(const gr_network *n, int head)
{
    return n->output[head];
}

int64_t gr__network_parameter_count(const gr_network *n)
{
    return n->parameter_count;
}

int gr__network_lengths(const gr_network *n, int head)
{
    return n->lengths[head];
}

gr_status gr__network_declare(const gr_network *n, gr_store *store)
{
    gr_status st = GR_OK;
    for (size_t i = 0; i < n->n_params && st == GR_OK; i++) st = gr_store_add(store, &n->params[i].entry, NULL);
    for (size_t i = 0; i < n->n_states && st == GR_OK; i++) st = gr_store_add(store, &n->states[i], NULL);
    return st;
}
