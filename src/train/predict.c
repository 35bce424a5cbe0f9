/* Prediction: a model file's network on raw samples. The plan holds preparation, layers and the cost's reading of the
 * output. */
#include <string.h>

#include "base/pool.h"
#include "model/model.h"
#include "train/train.h"

struct gr_predictor {
    gr_context *ctx;
    gr_network *network;
    gr_store *store;
    gr_plan *plan;
    gr_delivery delivery;
    void *x;
    size_t x_bytes;
    const void *prediction;
    int64_t batch, width;
    bool float64;   /* the backend's reals */
    double *values; /* batch x width */
};

static gr_status compile(gr_predictor *p, const gr_recipe *r, const gr_backend *backend)
{
    gr_graph *g = NULL;
    gr_network_values v;
    gr_status st = GR_OK;
    GR_TRY(gr_graph_create(p->ctx, &g));
    GR_TRY(gr__network_build(p->network, g, GR_MODE_EVALUATE, p->batch, false, &v));
    gr_output(g, "prediction", v.prediction);
    p->width = gr_shape_count(gr_shape_of(g, v.prediction)) / p->batch;
    GR_TRY(gr_plan_compile(p->ctx, g, p->store,
                           &(gr_plan_options){.backend = backend, .name = "predict", .algorithm = r->algorithm},
                           &p->plan));
done:
    gr_graph_destroy(g);
    return st;
}

gr_status gr__predictor_make(gr_context *ctx, const gr_model *m, gr_element source, int64_t batch, gr_predictor **out)
{
    const gr_backend *backend = gr_backend_get(m->recipe->device);
    gr_predictor *p = gr__alloc(ctx, sizeof *p);
    gr_status st = GR_OK;
    if (!p) return GR_E_MEMORY;
    p->ctx = ctx;
    p->batch = batch;
    p->float64 = gr_backend_real_bytes(backend) == 8;
    GR_TRY(gr__delivery_of(ctx, source, p->float64 ? GR_EL_F64 : GR_EL_F32, m->prepared, m->n_prepared,
                           m->recipe->input, &p->delivery));
    GR_TRY(gr__network_make(ctx, m->recipe, m->prepared, gr__delivery_left(&p->delivery, m->n_prepared), p->delivery.as,
                            0, &m->targets, &p->network));
    GR_TRY(gr_store_create(ctx, backend, &p->store));
    GR_TRY(gr__network_declare(p->network, p->store));
    GR_TRY(compile(p, m->recipe, backend));
    GR_TRY(gr_store_seal(p->store));
    GR_TRY(gr__model_load(ctx, m->file, m->path, p->store));
    GR_TRY(gr_plan_bind(p->plan, NULL));
    p->x = gr_plan_feed(p->plan, "x", &p->x_bytes);
    p->prediction = gr_plan_output(p->plan, "prediction", NULL);
    p->values = gr__alloc(ctx, sizeof *p->values * (size_t)(p->batch * p->width));
    if (!p->values) GR_TRY(GR_E_MEMORY);
    *out = p;
done:
    if (st != GR_OK) gr__predictor_destroy(p);
    return st;
}

void gr__predictor_destroy(gr_predictor *p)
{
    if (!p) return;
    if (p->values) gr__free(p->ctx, p->values, sizeof *p->values * (size_t)(p->batch * p->width));
    gr_plan_destroy(p->plan);
    gr_store_destroy(p->store);
    gr__network_destroy(p->network);
    gr__free(p->ctx, p, sizeof *p);
}

int64_t gr__predictor_width(const gr_predictor *p)
{
    return p->width;
}

gr_status gr__predictor_run(gr_predictor *p, const gr_set *set, int64_t first, int64_t n, const double **values)
{
    size_t sample = p->x_bytes / (size_t)p->batch;
    if (p->x) {                              /* rows beyond n are zeros; samples do not meet in evaluation */
        gr__fp_state saved = gr__fp_enter(); /* what the loader does, to the same bits */
        for (int64_t i = 0; i < n; i++) gr__deliver(set, first + i, &p->delivery, (char *)p->x + (size_t)i * sample);
        gr__fp_leave(saved);
        memset((char *)p->x + sample * (size_t)n, 0, p->x_bytes - sample * (size_t)n);
    }
    gr_status st = gr_plan_run(p->plan);
    if (st != GR_OK) return st;
    for (int64_t i = 0; i < n * p->width; i++)
        p->values[i] = p->float64 ? ((const double *)p->prediction)[i] : ((const float *)p->prediction)[i];
    *values = p->values;
    return GR_OK;
}
