/* ONNX: the network as it predicts, with the preparation before it. Raw samples are prepared in float64, as where data
 * is read: numbers far from 0 keep their digits. */
#include <string.h>

#include "exchange/exchange.h"
#include "exchange/onnx_work.h"
#include "model/feeds.h"

typedef struct exporting {
    gr_context *ctx;
    const gr_model *m;
    const gr_export_options *how;
    gr__onnx o;
    gr_network *network; /* as samples come prepared */
    gr_network_values values;
    gr__onnx_leaf leaf[2 * GR_MAX_INPUTS]; /* inputs, then lengths of those that have some */
    int n_leaves;
    bool asked[GR_MAX_INPUTS]; /* for its lengths */
    gr__text nodes;
} exporting;

static gr_shape batch_of(gr_shape sample)
{
    gr_shape s = {.rank = sample.rank + 1, .dim = {GR__ONNX_BATCH}};
    for (int i = 0; i < sample.rank; i++) s.dim[i + 1] = sample.dim[i];
    return s;
}

static bool is_prepared(const exporting *e, int i)
{
    return !e->how->raw && e->m->meaning.n_prepared[i] > 0;
}

/* ---- inputs ---- */

/* Input i of the file: pictures come with their channels first. */
static gr__onnx_value declare(exporting *e, int i, gr_shape sample, gr__onnx_type type)
{
    const char *name = e->m->recipe->input[i].name;
    gr_shape s = batch_of(sample), told = s;
    if (s.rank == 4) told = GR_SHAPE(s.dim[0], s.dim[3], s.dim[1], s.dim[2]);
    gr__onnx_info(&e->o.inputs, GR__ONNX_GRAPH_INPUT, name, type, told);
    if (!e->o.first) e->o.first = name;
    return s.rank == 4 ? (gr__onnx_value){.first = name, .shape = s} : (gr__onnx_value){.plain = name, .shape = s};
}

/* The steps of input i, from what the file takes to what the layers take. */
static gr_status prepare(exporting *e, int i, gr__onnx_value *v)
{
    const gr_meaning *m = &e->m->meaning;
    const gr_model_input *in = &e->m->recipe->input[i];
    gr_shape sample = gr__prepare_takes(m->prepared[i], m->n_prepared[i], in->sample);
    gr_graph *g = NULL;
    gr_status st = gr_graph_create(e->ctx, &g);
    if (st != GR_OK) return st;
    gr__onnx_value raw = declare(e, i, sample, GR__ONNX_FLOAT);
    const char **form = raw.first ? &raw.first : &raw.plain;
    *form = gr__onnx_cast(&e->o, *form, GR__ONNX_DOUBLE);
    gr_scope_push(g, "prepare", in->name);
    gr_val x = gr_feed(g, "raw", GR_REAL, batch_of(sample));
    x = gr_reshape(g, gr__prepare_build(g, m->prepared[i], m->n_prepared[i], x), batch_of(in->sample));
    gr_output(g, "prepared", x);
    gr_scope_pop(g);
    st = gr_graph_status(g);
    e->o.real = GR__ONNX_DOUBLE;
    if (st == GR_OK) st = gr__onnx_translate(&e->o, e->m, NULL, g, &(gr__onnx_leaf){.feed = "raw", .value = raw}, 1, v);
    e->o.real = GR__ONNX_FLOAT;
    if (st == GR_OK && v->first) v->first = gr__onnx_cast(&e->o, v->first, GR__ONNX_FLOAT), v->plain = NULL;
    if (st == GR_OK && v->plain) v->plain = gr__onnx_cast(&e->o, v->plain, GR__ONNX_FLOAT);
    gr_graph_destroy(g);
    return st;
}

/* How many steps of each sample count: of text those before the zeros that fill it up, else what a further input says.
 */
static bool has_lengths(const exporting *e, int i)
{
    const gr_schema *s = &e->m->meaning.schema;
    const gr_recipe *r = e->m->recipe;
    bool lines = s->unit && !gr__tree_none(gr__tree_get(r->data.train, "labels"));
    return lines || gr__source_has_lengths(r->data.train, r->input[i].name);
}

static const char *text_lengths(exporting *e, const char *tokens, int64_t steps)
{
    gr__onnx *o = &e->o;
    int64_t zero = 0, one = 1, axis = 1, *places = gr__bump_alloc(o->memory, sizeof *places * (size_t)steps);
    for (int64_t t = 0; t < steps && places; t++) places[t] = t + 1;
    if (!places) return "";
    const char *is_zero = gr__onnx_2(o, "Equal", tokens, gr__onnx_wholes(o, GR_SCALAR, &zero));
    const char *counts = gr__onnx_cast(o, gr__onnx_1(o, "Not", is_zero), GR__ONNX_INT64);
    const char *ends = gr__onnx_2(o, "Mul", counts, gr__onnx_list(o, places, (int)steps));
    gr__onnx_begin(o, "ReduceMax", &ends, 1);
    gr__onnx_ints(o, "axes", &axis, 1);
    gr__onnx_int(o, "keepdims", 0);
    const char *last = gr__onnx_end(o);
    return gr__onnx_2(o, "Max", last, gr__onnx_wholes(o, GR_SCALAR, &one));
}

static const char *lengths_name(exporting *e, int i)
{
    const gr_recipe *r = e->m->recipe;
    const char *name = r->inputs_named ? gr__bump_format(e->o.memory, "%s.lengths", r->input[i].name) : "lengths";
    return name ? name : "";
}

static gr_status lengths(exporting *e, int i)
{
    char text[GR_FEED_TEXT];
    const gr_model_input *in = &e->m->recipe->input[i];
    const char *feed = gr__bump_strdup(e->o.memory, gr__feed_of(GR_FIELD_LENGTH, in->name, text));
    if (!feed) return GR_E_MEMORY;
    bool from_text = e->m->meaning.schema.unit && e->leaf[i].value.plain;
    const char *name = from_text ? text_lengths(e, e->leaf[i].value.plain, in->sample.dim[0]) : lengths_name(e, i);
    e->leaf[e->n_leaves++] = (gr__onnx_leaf){.feed = feed,
                                             .value = {.plain = name, .shape = GR_SHAPE(GR__ONNX_BATCH)},
                                             .asked = from_text ? NULL : &e->asked[i]};
    return GR_OK;
}

static gr_status input(exporting *e, int i)
{
    char text[GR_FEED_TEXT];
    const gr_model_input *in = &e->m->recipe->input[i];
    e->leaf[i].feed = gr__bump_strdup(e->o.memory, gr__feed_of(GR_FIELD_INPUT, in->name, text));
    if (!e->leaf[i].feed) return GR_E_MEMORY;
    if (is_prepared(e, i)) return prepare(e, i, &e->leaf[i].value);
    e->leaf[i].value = declare(e, i, in->sample, in->vocabulary ? GR__ONNX_INT64 : GR__ONNX_FLOAT);
    return GR_OK;
}

/* ---- outputs ---- */

/* Of classes what the last layer gives, unless probabilities are asked for; values as predict gives them. */
static gr_val output_of(const exporting *e, int head)
{
    const gr_network_head *h = &e->values.head[head];
    gr_shape sample = gr__network_output(e->network, head);
    bool values = e->m->recipe->head[head].cost->reading(sample).prediction == GR_PREDICT_VALUES;
    return values || e->how->softmax ? h->prediction : h->output;
}

static gr_status check_softmax(const exporting *e)
{
    const gr_recipe *r = e->m->recipe;
    for (int h = 0; h < r->n_heads; h++)
        if (r->head[h].cost->reading(gr__network_output(e->network, h)).prediction != GR_PREDICT_VALUES) return GR_OK;
    return gr__fail(e->ctx, GR_E_USAGE, "softmax: it does nothing to \"%s\", which gives values, not classes",
                    e->m->path);
}

static gr_status network(exporting *e)
{
    const gr_recipe *r = e->m->recipe;
    gr__onnx_value out[GR_MAX_TARGETS];
    gr_graph *g = NULL;
    gr_status st = GR_OK;
    GR_TRY(gr_graph_create(e->ctx, &g));
    GR_TRY(gr__network_build(e->network, g, GR_MODE_EVALUATE, GR__ONNX_BATCH, false, &e->values));
    for (int h = 0; h < r->n_heads; h++) gr_output(g, r->head[h].name, output_of(e, h));
    GR_TRY(gr_graph_status(g));
    GR_TRY(gr__onnx_translate(&e->o, e->m, e->network, g, e->leaf, e->n_leaves, out));
    for (int i = 0; i < r->n_inputs; i++)
        if (e->asked[i])
            gr__onnx_info(&e->o.inputs, GR__ONNX_GRAPH_INPUT, lengths_name(e, i), GR__ONNX_INT64,
                          GR_SHAPE(GR__ONNX_BATCH));
    for (int h = 0; h < r->n_heads; h++) {
        const char *name = r->heads_named ? r->head[h].name : "output";
        gr__onnx_begin(&e->o, "Identity", &out[h].plain, 1);
        gr__onnx_end_as(&e->o, &name, 1);
        gr__onnx_info(&e->o.outputs, GR__ONNX_GRAPH_OUTPUT, name, GR__ONNX_FLOAT, out[h].shape);
    }
done:
    gr_graph_destroy(g);
    return st;
}

/* The number that stands for the batch must be no other size of the network. */
static gr_status check_sizes(const exporting *e, const char *what, gr_shape s)
{
    for (int i = 0; i < s.rank; i++)
        if (s.dim[i] && s.dim[i] % GR__ONNX_BATCH == 0)
            return gr__fail(e->ctx, GR_E_UNSUPPORTED,
                            "%s has an axis of %lld, a multiple of %lld, which cannot be exported as ONNX", what,
                            (long long)s.dim[i], (long long)GR__ONNX_BATCH);
    return GR_OK;
}

static gr_status make_network(exporting *e)
{
    gr_network_data d = {.targets = e->m->meaning.targets};
    for (int i = 0; i < e->m->recipe->n_inputs; i++) d.input_as[i] = GR_EL_F32, d.lengths[i] = has_lengths(e, i);
    gr_status st = gr__network_make(e->ctx, e->m->recipe, &d, &e->network);
    size_t n = 0;
    const gr_param_info *p = st == GR_OK ? gr__network_params(e->network, &n) : NULL;
    for (size_t i = 0; i < n && st == GR_OK; i++) st = check_sizes(e, p[i].entry.name, p[i].entry.shape);
    for (int i = 0; i < e->m->recipe->n_inputs && st == GR_OK; i++)
        st = check_sizes(e, e->m->recipe->input[i].name, e->m->recipe->input[i].sample);
    return st;
}

gr_status gr__export_onnx(gr_context *ctx, gr_model *m, const char *path, const gr_export_options *how)
{
    exporting e = {
        .ctx = ctx, .m = m, .how = how, .o = {.ctx = ctx, .real = GR__ONNX_FLOAT, .memory = gr__bump_create(ctx)}};
    gr__text *texts[] = {&e.nodes, &e.o.constants, &e.o.inputs, &e.o.outputs};
    gr_status st = e.o.memory ? GR_OK : GR_E_MEMORY;
    for (size_t i = 0; i < GR_COUNT(texts); i++) gr__text_init(texts[i], ctx);
    e.o.main = e.o.nodes = &e.nodes;
    if (st == GR_OK) st = make_network(&e);
    if (st == GR_OK && how->softmax) st = check_softmax(&e);
    for (int i = 0; i < m->recipe->n_inputs && st == GR_OK; i++) st = input(&e, i);
    e.n_leaves = m->recipe->n_inputs;
    for (int i = 0; i < m->recipe->n_inputs && st == GR_OK; i++)
        if (has_lengths(&e, i)) st = lengths(&e, i);
    if (st == GR_OK) st = network(&e);
    if (st == GR_OK) st = gr__onnx_write(&e.o, m, path, &e.nodes, !how->raw);
    for (size_t i = 0; i < GR_COUNT(texts); i++) gr__text_free(texts[i]);
    gr__free(ctx, e.o.weight, sizeof *e.o.weight * e.o.weights_capacity);
    gr__network_destroy(e.network);
    gr__bump_destroy(e.o.memory);
    return st;
}
