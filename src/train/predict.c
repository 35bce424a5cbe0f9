/* Prediction: a model file's network on raw samples. The plan holds preparation, layers and the cost's reading of the
 * output. */
#include <string.h>

#include "base/pool.h"
#include "data/sample.h"
#include "model/model.h"
#include "train/train.h"

struct gr_predictor {
    gr_context *ctx;
    gr_network *network;
    gr_store *store;
    gr_plan *plan;
    int n_inputs, n_heads;
    gr_delivery delivery[GR_MAX_INPUTS];
    void *feed[GR_MAX_INPUTS];
    size_t feed_bytes[GR_MAX_INPUTS];
    const void *prediction[GR_MAX_TARGETS];
    double *values[GR_MAX_TARGETS]; /* batch x width each */
    int64_t batch, width[GR_MAX_TARGETS];
    int32_t *length[GR_MAX_INPUTS]; /* the feeds; NULL: all steps count */
    int64_t steps[GR_MAX_INPUTS];   /* of a whole sample */
    bool float64;                   /* the backend's reals */
};

static gr_status compile(gr_predictor *p, const gr_recipe *r, const gr_backend *backend, gr_graph_changer *change,
                         void *user)
{
    gr_graph *g = NULL;
    gr_network_values v;
    char name[GR_FEED_TEXT];
    gr_status st = GR_OK;
    GR_TRY(gr_graph_create(p->ctx, &g));
    GR_TRY(gr__network_build(p->network, g, GR_MODE_EVALUATE, p->batch, false, &v));
    for (int h = 0; h < p->n_heads; h++) {
        gr_output(g, gr__output_of(r->head[h].name, "prediction", name), v.head[h].prediction);
        p->width[h] = gr_shape_count(gr_shape_of(g, v.head[h].prediction)) / p->batch;
    }
    if (change) GR_TRY(change(user, &g));
    GR_TRY(gr_plan_compile(p->ctx, g, p->store,
                           &(gr_plan_options){.backend = backend, .name = "predict", .algorithm = r->algorithm},
                           &p->plan));
done:
    gr_graph_destroy(g);
    return st;
}

/* The network, for samples like those of the set. */
static gr_status make_network(gr_predictor *p, const gr_model *m, const gr_set *like)
{
    gr_network_data d = {.targets = m->meaning.targets};
    for (int i = 0; i < p->n_inputs; i++) d.lengths[i] = gr__set_length(like, i) != NULL;
    gr_status st = GR_OK;
    for (int i = 0; i < p->n_inputs && st == GR_OK; i++) {
        const gr_field *x = gr__set_input(like, i);
        st = gr__delivery_for(p->ctx, x, m->meaning.wide[i] ? GR_EL_F64 : x->element,
                              p->float64 ? GR_EL_F64 : GR_EL_F32, m->meaning.prepared[i], m->meaning.n_prepared[i],
                              m->recipe->input[i].sample, &p->delivery[i]);
        d.input_as[i] = p->delivery[i].as;
        d.prepared[i] = m->meaning.prepared[i];
        d.n_prepared[i] = st == GR_OK ? gr__delivery_left(&p->delivery[i], m->meaning.n_prepared[i]) : 0;
    }
    return st == GR_OK ? gr__network_make(p->ctx, m->recipe, &d, &p->network) : st;
}

static gr_status find_values(gr_predictor *p, const gr_recipe *r)
{
    char name[GR_FEED_TEXT];
    for (int i = 0; i < p->n_inputs; i++) {
        const gr_model_input *in = &r->input[i];
        p->feed[i] = gr_plan_feed(p->plan, gr__feed_of(GR_FIELD_INPUT, in->name, name), &p->feed_bytes[i]);
        p->length[i] = gr_plan_feed(p->plan, gr__feed_of(GR_FIELD_LENGTH, in->name, name), NULL);
        p->steps[i] = in->sample.rank ? in->sample.dim[0] : 1;
    }
    for (int h = 0; h < p->n_heads; h++) {
        p->prediction[h] = gr_plan_output(p->plan, gr__output_of(r->head[h].name, "prediction", name), NULL);
        p->values[h] = gr__alloc(p->ctx, sizeof *p->values[h] * (size_t)(p->batch * p->width[h]));
        if (!p->values[h]) return GR_E_MEMORY;
    }
    return GR_OK;
}

gr_status gr__predictor_make(gr_context *ctx, const gr_model *m, const gr_set *like, int64_t batch, gr_predictor **out)
{
    return gr__predictor_make_changed(ctx, m, like, batch, NULL, NULL, out);
}

gr_status gr__predictor_make_changed(gr_context *ctx, const gr_model *m, const gr_set *like, int64_t batch,
                                     gr_graph_changer *change, void *user, gr_predictor **out)
{
    const gr_backend *backend = gr_backend_get(m->recipe->device);
    gr_predictor *p = gr__alloc(ctx, sizeof *p);
    gr_status st = GR_OK;
    if (!p) return GR_E_MEMORY;
    *p = (gr_predictor){.ctx = ctx,
                        .batch = batch,
                        .n_inputs = m->recipe->n_inputs,
                        .n_heads = m->recipe->n_heads,
                        .float64 = gr_backend_real_bytes(backend) == 8};
    GR_TRY(make_network(p, m, like));
    GR_TRY(gr_store_create(ctx, backend, &p->store));
    GR_TRY(gr__network_declare(p->network, p->store));
    GR_TRY(compile(p, m->recipe, backend, change, user));
    GR_TRY(gr_store_seal(p->store));
    GR_TRY(gr__model_load(ctx, m->file, m->path, p->store));
    GR_TRY(gr_plan_bind(p->plan, NULL));
    GR_TRY(find_values(p, m->recipe));
    *out = p;
done:
    if (st != GR_OK) gr__predictor_destroy(p);
    return st;
}

void gr__predictor_destroy(gr_predictor *p)
{
    if (!p) return;
    for (int h = 0; h < p->n_heads; h++)
        if (p->values[h]) gr__free(p->ctx, p->values[h], sizeof *p->values[h] * (size_t)(p->batch * p->width[h]));
    gr_plan_destroy(p->plan);
    gr_store_destroy(p->store);
    gr__network_destroy(p->network);
    gr__free(p->ctx, p, sizeof *p);
}

const void *gr__predictor_value(const gr_predictor *p, const char *name, gr_shape *shape)
{
    return gr_plan_output(p->plan, name, shape);
}

int64_t gr__predictor_width(const gr_predictor *p, int head)
{
    return p->width[head];
}

int64_t gr__predictor_counts(const gr_predictor *p, int head, const gr_set *set, int64_t row)
{
    int i = gr__network_lengths(p->network, head);
    const int32_t *length = i >= 0 ? gr__set_input(set, i)->length : NULL;
    return length ? p->width[head] / p->steps[i] * length[row] : p->width[head];
}

/* Rows beyond n are zeros of one step; samples do not meet in evaluation. */
static gr_status feed(const gr_predictor *p, int input, const gr_field *x, int64_t first, int64_t n)
{
    char *to = p->feed[input];
    const gr_delivery *d = &p->delivery[input];
    size_t sample = p->feed_bytes[input] / (size_t)p->batch;
    gr__samples from;
    if (!to) return GR_OK;
    gr_status st = gr__samples_open(p->ctx, x, &from);
    for (int64_t i = 0; i < n && st == GR_OK; i++) {
        const void *numbers = gr__samples_at(p->ctx, &from, first + i);
        if (numbers)
            gr__deliver(x, numbers, d, gr__delivery_width(d, gr_shape_count(x->sample)), to + (size_t)i * sample);
        else
            st = gr__error_code(p->ctx);
    }
    gr__samples_close(&from);
    memset(to + sample * (size_t)n, 0, p->feed_bytes[input] - sample * (size_t)n);
    for (int64_t i = 0; i < p->batch && p->length[input]; i++)
        p->length[input][i] = i < n && x->length ? x->length[first + i] : 1;
    return st;
}

gr_status gr__predictor_run(gr_predictor *p, const gr_set *set, int64_t first, int64_t n,
                            const double *values[GR_MAX_TARGETS])
{
    gr__fp_state saved = gr__fp_enter(); /* what the loader does, to the same bits */
    gr_status st = GR_OK;
    for (int i = 0; i < p->n_inputs && st == GR_OK; i++) st = feed(p, i, gr__set_input(set, i), first, n);
    gr__fp_leave(saved);
    if (st == GR_OK) st = gr_plan_run(p->plan);
    if (st != GR_OK) return st;
    for (int h = 0; h < p->n_heads; h++) {
        const double *wide = p->prediction[h];
        const float *single = p->prediction[h];
        for (int64_t i = 0; i < n * p->width[h]; i++) p->values[h][i] = p->float64 ? wide[i] : (double)single[i];
        values[h] = p->values[h];
    }
    return GR_OK;
}
