/* Models for programs: what they take and give, and predictions. */
#include "api/model.h"

#include <string.h>

#include "gradus/model.h"

static gr_served *served(gr_model *m)
{
    return (gr_served *)m;
}

/* ---- its life ---- */

gr_status gr_model_open(gr_context *ctx, const char *path, gr_model **out)
{
    if (!path && gr__error_code(ctx) == GR_OK) return gr__fail(ctx, GR_E_USAGE, "a model of no path");
    gr_served *s = gr__error_code(ctx) == GR_OK ? gr__alloc(ctx, sizeof *s) : NULL;
    if (!s) return gr__error_code(ctx);
    *s = (gr_served){0};
    gr_status st = gr__model_open(ctx, path, &s->model);
    if (st == GR_OK)
        *out = &s->model;
    else
        gr__free(ctx, s, sizeof *s);
    return st;
}

void gr_model_close(gr_model *m)
{
    if (!m) return;
    gr_context *ctx = m->ctx;
    gr__predictor_destroy(served(m)->ready.predictor);
    gr__model_close(m);
    gr__free(ctx, m, sizeof(gr_served));
}

const gr_recipe *gr_model_recipe(const gr_model *m)
{
    return m->recipe;
}

/* ---- what goes in and comes out ---- */

int gr_model_inputs(const gr_model *m)
{
    return m->recipe->n_inputs;
}

const char *gr_model_input_name(const gr_model *m, int input)
{
    return input >= 0 && input < m->recipe->n_inputs ? m->recipe->input[input].name : NULL;
}

gr_shape gr_model_input_shape(const gr_model *m, int input)
{
    if (input < 0 || input >= m->recipe->n_inputs) return GR_SCALAR;
    return gr__prepare_takes(m->meaning.prepared[input], m->meaning.n_prepared[input], m->recipe->input[input].sample);
}

int gr_model_heads(const gr_model *m)
{
    return m->recipe->n_heads;
}

static const gr_head *head_of(const gr_model *m, int head)
{
    return head >= 0 && head < m->recipe->n_heads ? &m->recipe->head[head] : NULL;
}

const char *gr_model_head_name(const gr_model *m, int head)
{
    const gr_head *h = head_of(m, head);
    return h ? h->name : NULL;
}

gr_answer gr_model_answer(const gr_model *m, int head)
{
    static const gr_answer of[] = {[GR_FORM_CLASS] = GR_ANSWER_CLASS,
                                   [GR_FORM_LABELS] = GR_ANSWER_LABELS,
                                   [GR_FORM_DISTRIBUTION] = GR_ANSWER_SHARES,
                                   [GR_FORM_VALUES] = GR_ANSWER_VALUES};
    const gr_head *h = head_of(m, head);
    return h ? of[h->reading.target] : GR_ANSWER_VALUES;
}

int gr_model_classes(const gr_model *m, int head)
{
    const gr_head *h = head_of(m, head);
    return h && h->reading.target != GR_FORM_VALUES ? (int)h->metric_scope.classes : 0;
}

const char *gr_model_class_name(const gr_model *m, int head, int class_index)
{
    if (!head_of(m, head) || !m->meaning.class_names[head]) return NULL;
    return class_index >= 0 && class_index < m->meaning.classes[head] ? m->meaning.class_names[head][class_index]
                                                                      : NULL;
}

/* What predictions of one sample are in a graph, of which nothing is compiled. */
static gr_status find_widths(gr_served *s)
{
    const gr_model *m = &s->model;
    gr_network_data d = {.targets = m->meaning.targets};
    gr_network *network = NULL;
    gr_graph *g = NULL;
    gr_network_values v;
    gr_status st = GR_OK;
    for (int i = 0; i < m->recipe->n_inputs; i++) {
        d.input_as[i] = m->recipe->float64 ? GR_EL_F64 : GR_EL_F32;
        d.prepared[i] = m->meaning.prepared[i];
        d.n_prepared[i] = m->meaning.n_prepared[i];
    }
    GR_TRY(gr__network_make(m->ctx, m->recipe, &d, &network));
    GR_TRY(gr_graph_create(m->ctx, &g));
    GR_TRY(gr__network_build(network, g, GR_MODE_EVALUATE, 1, false, &v));
    for (int h = 0; h < m->recipe->n_heads; h++) s->width[h] = gr_shape_count(gr_shape_of(g, v.head[h].prediction));
done:
    gr_graph_destroy(g);
    gr__network_destroy(network);
    return st;
}

gr_status gr_model_width(gr_model *m, int head, int64_t *out)
{
    if (gr__error_code(m->ctx) != GR_OK) return gr__error_code(m->ctx);
    if (!head_of(m, head)) return gr__fail(m->ctx, GR_E_RANGE, "head %d; the model has %d", head, m->recipe->n_heads);
    gr_status st = served(m)->width[head] ? GR_OK : find_widths(served(m));
    if (st == GR_OK) *out = served(m)->width[head];
    return st;
}

/* ---- predicting ---- */

typedef struct answers { /* where they go: the one or the others */
    float *single;
    double *const *wide;
} answers;

static void put(const gr_served *s, const double *const *v, int64_t first, int64_t n, const answers *to)
{
    for (int h = 0; h < s->model.recipe->n_heads; h++) {
        int64_t width = gr__predictor_width(s->ready.predictor, h);
        for (int64_t i = 0; i < n * width && to->single; i++) to->single[first * width + i] = (float)v[h][i];
        if (!to->single && to->wide[h]) memcpy(to->wide[h] + first * width, v[h], sizeof(double) * (size_t)(n * width));
    }
}

static gr_status predict_set(gr_served *s, const gr_set *set, const char *name, const answers *to)
{
    const double *values[GR_MAX_TARGETS];
    gr_model *m = &s->model;
    if (!s->warned) s->warned = gr__raw_warn(m->ctx, m, name, set);
    gr_status st = gr__raw_ready(m->ctx, m, set, &s->ready);
    for (int64_t i = 0; i < set->n && st == GR_OK; i += GR_RAW_BATCH) {
        int64_t n = GR_MIN(set->n - i, (int64_t)GR_RAW_BATCH);
        st = gr__predictor_run(s->ready.predictor, set, i, n, values);
        if (st == GR_OK) put(s, values, i, n, to);
    }
    return st;
}

static gr_status predict_data(gr_served *s, const gr_data *d, const answers *to)
{
    gr_set set = {0};
    if (d->read) return predict_set(s, &d->set, d->set.file ? d->set.file : "the file", to);
    gr_status st = gr__raw_given(s->model.ctx, &s->model, d, &set);
    if (st == GR_OK) st = predict_set(s, &set, "the data", to);
    gr__set_free(s->model.ctx, &set);
    return st;
}

gr_status gr_model_predict_data(gr_model *m, const gr_data *d, double *const *y)
{
    if (gr__error_code(m->ctx) != GR_OK) return gr__error_code(m->ctx);
    if (!d || !y) return gr__fail(m->ctx, GR_E_USAGE, "predicting: no data, or no room for answers");
    return predict_data(served(m), d, &(answers){.wide = y});
}

gr_status gr_model_predict(gr_model *m, const float *x, int64_t n, float *y)
{
    const gr_recipe *r = m->recipe;
    gr_data *d;
    if (gr__error_code(m->ctx) != GR_OK) return gr__error_code(m->ctx);
    if (!x || !y) return gr__fail(m->ctx, GR_E_USAGE, "predicting: no numbers, or no room for answers");
    if (r->n_inputs != 1 || r->n_heads != 1) {
        gr__fail(m->ctx, GR_E_USAGE, "the model has %d inputs and %d heads", r->n_inputs, r->n_heads);
        gr__error_hint(m->ctx, "gr_model_predict_data takes several");
        return GR_E_USAGE;
    }
    gr_status st = gr_data_create(m->ctx, n, &d);
    if (st != GR_OK) return st;
    st = gr_data_add(d, &(gr_data_field){.version = GR_DATA_FIELD_VERSION,
                                         .role = GR_DATA_INPUT,
                                         .type = GR_DATA_F32,
                                         .shape = gr_model_input_shape(m, 0),
                                         .values = x});
    if (st == GR_OK) st = predict_data(served(m), d, &(answers){.single = y});
    gr_data_destroy(d);
    return st;
}

gr_status gr_model_read(gr_model *m, const char *path, gr_data **out)
{
    gr_data *d;
    if (!path && gr__error_code(m->ctx) == GR_OK) return gr__fail(m->ctx, GR_E_USAGE, "a file of no path");
    gr_status st = gr_data_create(m->ctx, 1, &d);
    if (st != GR_OK) return st;
    st = gr__raw_load(m->ctx, m, path, NULL, 0, &d->set);
    d->read = true;
    d->n = d->set.n;
    if (st == GR_OK)
        *out = d;
    else
        gr_data_destroy(d);
    return st;
}

/* ---- tensors ---- */

/* Those of the file; masks and other companions among them. */
int gr_model_tensors(const gr_model *m)
{
    return gr__st_count(m->file);
}

static gr_status find_tensor(const gr_model *m, int index, const char *name, const gr_st_tensor **out)
{
    int n = gr__st_count(m->file);
    if (gr__error_code(m->ctx) != GR_OK) return gr__error_code(m->ctx);
    if (index >= n || (index < 0 && !name))
        return gr__fail(m->ctx, GR_E_RANGE, "tensor %d; the model has %d", index, n);
    *out = index >= 0 ? gr__st_at(m->file, index) : gr__st_find(m->file, name);
    if (*out) return GR_OK;
    const char **all = gr__alloc(m->ctx, sizeof *all * (size_t)GR_MAX(n, 1));
    gr__fail(m->ctx, GR_E_NAME, "the model has no tensor \"%s\"", name);
    for (int i = 0; all && i < n; i++) all[i] = gr__st_at(m->file, i)->name;
    if (all) gr__hint_name(m->ctx, name, all, (size_t)n);
    gr__free(m->ctx, all, sizeof *all * (size_t)GR_MAX(n, 1));
    return GR_E_NAME;
}

gr_status gr_model_tensor_at(const gr_model *m, int index, const char *name, gr_model_tensor *out)
{
    const gr_st_tensor *t = NULL;
    gr_status st = find_tensor(m, index, name, &t);
    if (st == GR_OK && t) *out = (gr_model_tensor){t->name, t->shape, t->type == GR_ST_F64};
    return st;
}

/* Bytes of an element; 0: of a type that is no number here. */
static size_t width_of(gr_st_type t)
{
    static const size_t bytes[] = {[GR_ST_F64] = 8, [GR_ST_F32] = 4, [GR_ST_I32] = 4, [GR_ST_U8] = 1};
    return (size_t)t < GR_COUNT(bytes) ? bytes[t] : 0;
}

static gr_status read_numbers(const gr_model *m, const gr_st_tensor *t, double *values)
{
    union {
        double f64[512];
        float f32[1024];
        int32_t i32[1024];
        uint8_t u8[4096];
    } piece;
    size_t width = width_of(t->type), most = sizeof piece / width;
    int64_t n = gr_shape_count(t->shape);
    for (int64_t i = 0; i < n; i += (int64_t)most) {
        size_t some = (size_t)GR_MIN(n - i, (int64_t)most);
        gr_status st = gr__st_read(m->file, t, (size_t)i * width, some * width, &piece);
        if (st != GR_OK) return st;
        for (size_t k = 0; k < some; k++)
            values[i + (int64_t)k] = t->type == GR_ST_F64   ? piece.f64[k]
                                     : t->type == GR_ST_F32 ? (double)piece.f32[k]
                                     : t->type == GR_ST_I32 ? piece.i32[k]
                                                            : piece.u8[k];
    }
    return GR_OK;
}

gr_status gr_model_tensor_read(const gr_model *m, const char *name, double *values, int64_t room)
{
    const gr_st_tensor *t = NULL;
    gr_status st = find_tensor(m, -1, name, &t);
    if (st != GR_OK || !t) return st;
    if (!width_of(t->type))
        return gr__fail(m->ctx, GR_E_TYPE, "tensor \"%s\" holds numbers of a type that is not read here", name);
    if (gr_shape_count(t->shape) > room)
        return gr__fail(m->ctx, GR_E_RANGE, "tensor \"%s\" has %lld numbers; there is room for %lld", name,
                        (long long)gr_shape_count(t->shape), (long long)room);
    return read_numbers(m, t, values);
}
