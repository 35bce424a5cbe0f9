/* Looking inside a model: passes over samples, and what is kept of them. */
#include "study/inside/look.h"

#include <math.h>
#include <string.h>

#include "base/json.h"
#include "model/model.h"

enum { ENOUGH = 32 }; /* numbers of a unit, for it to be off by more than chance */

/* Plans: of the first batch, with slopes and gradients; of full batches and of the rest, without. */
typedef struct looking {
    gr_look *l;
    const gr_look_options *o;
    gr_task task;
    gr_runner run;
    gr_loader *loader;
    gr_inside first, full, rest;
    bool **lives; /* of each layer, its units */
    int64_t *bounded;
    double cost, weight;
} looking;

/* ---- what is looked at ---- */

static gr_status list_layers(looking *k)
{
    gr_look *l = k->l;
    const gr_stack *s = k->task.recipe->stack;
    l->n_layers = s->n;
    l->layer = gr__bump_alloc(l->memory, sizeof *l->layer * (size_t)GR_MAX(s->n, 1));
    k->lives = gr__bump_alloc(l->memory, sizeof *k->lives * (size_t)GR_MAX(s->n, 1));
    k->bounded = gr__bump_alloc(l->memory, sizeof *k->bounded * (size_t)GR_MAX(s->n, 1));
    if (!l->layer || !k->lives || !k->bounded) return GR_E_MEMORY;
    for (int i = 0; i < s->n; i++) {
        const gr_stacked *of = &s->layer[i];
        gr_look_layer *y = &l->layer[i];
        y->name = gr__bump_strdup(l->memory, of->name);
        y->type = of->member->head.name;
        y->activation = gr__inside_activation(l->ctx, of);
        y->rectified = y->activation && y->activation->follow == GR_FOLLOW_RELU;
        gr__histogram_begin(&y->given);
        gr__histogram_begin(&y->slope);
        if (!y->name) return GR_E_MEMORY;
    }
    return GR_OK;
}

static int layer_of(const gr_stack *s, const char *tensor)
{
    for (int i = 0; i < s->n; i++) {
        size_t n = strlen(s->layer[i].name);
        if (strncmp(s->layer[i].name, tensor, n) == 0 && tensor[n] == '.') return i;
    }
    return -1;
}

static gr_status list_tensors(looking *k)
{
    gr_look *l = k->l;
    const gr_param_info *all = gr__network_params(k->task.network, &l->n_tensors);
    l->tensor = gr__bump_alloc(l->memory, sizeof *l->tensor * GR_MAX(l->n_tensors, 1));
    if (!l->tensor) return GR_E_MEMORY;
    for (size_t i = 0; i < l->n_tensors; i++) {
        gr_look_tensor *t = &l->tensor[i];
        *t = (gr_look_tensor){.name = gr__bump_strdup(l->memory, all[i].entry.name),
                              .layer = layer_of(k->task.recipe->stack, all[i].entry.name),
                              .role = all[i].entry.role};
        gr__histogram_begin(&t->weights);
        gr__histogram_begin(&t->gradients);
        if (!t->name) return GR_E_MEMORY;
        gr__inside_add_entry(&k->task, gr_store_find(k->run.store, all[i].entry.name), &t->weights);
    }
    return GR_OK;
}

static gr_status take_filters(looking *k)
{
    gr_look *l = k->l;
    gr_filters *f = &l->filters;
    l->has_filters = gr__filters_find(k->task.network, f);
    if (!l->has_filters) return GR_OK;
    const gr_entry *e = gr_store_find(k->run.store, f->name);
    l->filter = gr__bump_alloc(l->memory, sizeof(double) * (size_t)e->count);
    f->name = gr__bump_strdup(l->memory, f->name);
    f->param = NULL; /* of the task, which does not last */
    if (!l->filter || !f->name) return GR_E_MEMORY;
    gr_store_read(k->run.store, e, l->filter);
    return gr__filters_edges(l->ctx, f, l->filter, &l->edges);
}

/* ---- pictures of what layers give ---- */

static const gr_colour ground = {0xEC, 0xEE, 0xF1};
enum { MOST_TILES = 16, MOST_SIDE = 512 };

static double number(const looking *k, const void *data, int64_t i)
{
    return gr_backend_real_bytes(k->task.backend) == 8 ? ((const double *)data)[i] : ((const float *)data)[i];
}

/* The first sample: a tile a channel, or steps to the right and features upwards; black is its least number. */
static gr_status draw_map(const looking *k, const void *data, gr_look_layer *y)
{
    bool steps = y->shape.rank == 2;
    if (y->shape.rank != 3 && !steps) return GR_OK;
    const int64_t *d = y->shape.dim, height = steps ? d[1] : d[0], width = steps ? d[0] : d[1],
                  channels = steps ? 1 : d[2];
    if (height * width <= 1 || height > MOST_SIDE || width > MOST_SIDE) return GR_OK;
    int tiles = (int)GR_MIN(channels, MOST_TILES), columns = (int)ceil(sqrt(tiles)),
        rows = (tiles + columns - 1) / columns;
    gr_status st = gr__raster_make(k->l->memory, columns * ((int)width + 1) - 1, rows * ((int)height + 1) - 1, &y->map);
    double low = INFINITY, high = -INFINITY;
    if (st != GR_OK) return st;
    for (int64_t i = 0; i < gr_shape_count(y->shape); i++) {
        low = fmin(low, number(k, data, i));
        high = fmax(high, number(k, data, i));
    }
    gr__raster_fill(&y->map, 0, 0, y->map.width, y->map.height, ground);
    for (int c = 0; c < tiles; c++)
        for (int64_t v = 0; v < height; v++)
            for (int64_t u = 0; u < width; u++) {
                double x = number(k, data, steps ? u * height + (height - 1 - v) : (v * width + u) * channels + c);
                double at = high > low && isfinite(x) ? fmin(fmax((x - low) / (high - low), 0), 1) : 0;
                uint8_t grey = (uint8_t)lround(255 * at);
                gr__raster_fill(&y->map, c % columns * ((int)width + 1) + (int)u,
                                c / columns * ((int)height + 1) + (int)v, 1, 1, (gr_colour){grey, grey, grey});
            }
    return GR_OK;
}

/* ---- a pass ---- */

static gr_status begin_units(looking *k, int i, gr_shape shape)
{
    gr_look_layer *y = &k->l->layer[i];
    y->shape.rank = GR_MAX(shape.rank - 1, 0);
    for (int a = 0; a < y->shape.rank; a++) y->shape.dim[a] = shape.dim[a + 1];
    y->units = y->shape.rank ? y->shape.dim[y->shape.rank - 1] : 1;
    k->lives[i] = gr__bump_alloc(k->l->memory, (size_t)GR_MAX(y->units, 1));
    return k->lives[i] ? GR_OK : GR_E_MEMORY;
}

/* Which units give something, and what stands at an end. */
static void look_at_units(looking *k, const gr_inside *in, int i, const gr_batch *b, const void *data, gr_shape shape)
{
    gr_look_layer *y = &k->l->layer[i];
    int64_t sample = gr_shape_count(shape) / in->batch;
    bool bounds = y->activation && y->activation->high > y->activation->low;
    for (int64_t s = 0; s < in->batch; s++) {
        int64_t counts = gr__inside_counts(in, (size_t)i, b, s);
        y->seen += counts / GR_MAX(y->units, 1);
        for (int64_t j = 0; j < counts; j++) {
            double x = number(k, data, s * sample + j);
            if (x != 0) k->lives[i][j % y->units] = true; /* NaN lives */
            k->bounded[i] += bounds && gr__inside_saturated(y->activation, x);
        }
    }
}

static gr_status look_at_layer(looking *k, const gr_inside *in, int i, const gr_batch *b)
{
    gr_look_layer *y = &k->l->layer[i];
    gr_shape shape;
    const void *data = gr__inside_output(in, GR_INSIDE_LAYER, (size_t)i, &shape);
    gr_status st = GR_OK;
    if (in->slopes) {
        GR_TRY(begin_units(k, i, shape));
        GR_TRY(draw_map(k, data, y));
        gr__inside_add(in, GR_INSIDE_SLOPE, (size_t)i, b, &y->slope);
    }
    gr__inside_add(in, GR_INSIDE_LAYER, (size_t)i, b, &y->given);
    look_at_units(k, in, i, b, data, shape);
done:
    return st;
}

static gr_status look_at_batch(looking *k, const gr_inside *in, const gr_batch *b)
{
    gr_status st = gr__runner_run(&k->run, in->plan, b);
    for (int i = 0; i < k->l->n_layers && st == GR_OK; i++) st = look_at_layer(k, in, i, b);
    for (size_t i = 0; i < k->l->n_tensors && st == GR_OK && in->gradients; i++)
        gr__inside_add(in, GR_INSIDE_GRADIENT, i, b, &k->l->tensor[i].gradients);
    k->cost += *(const double *)gr_plan_output(in->plan, "cost_sum", NULL);
    k->weight += *(const double *)gr_plan_output(in->plan, "weight_sum", NULL);
    return st;
}

static gr_status pass(looking *k)
{
    gr_status st = GR_OK;
    gr_batch b;
    for (int64_t done = 0; done < k->l->samples; done += b.n) {
        if (k->o->stop && *k->o->stop) GR_TRY(gr__fail(k->l->ctx, GR_E_INTERRUPTED, "interrupted"));
        if (k->o->progress) k->o->progress(k->o->user, done, k->l->samples);
        GR_TRY(gr__loader_next(k->loader, &b));
        bool full = k->l->samples - done >= k->l->batch;
        b.n = full ? k->l->batch : k->l->samples - done; /* of the last batch the loader may give more than is wanted */
        GR_TRY(look_at_batch(k, done == 0 ? &k->first : full ? &k->full : &k->rest, &b));
    }
done:
    return st;
}

static void conclude(looking *k)
{
    gr_look *l = k->l;
    l->cost = gr__cost_mean(k->cost, k->weight);
    for (int i = 0; i < l->n_layers; i++) {
        gr_look_layer *y = &l->layer[i];
        bool bounds = y->activation && y->activation->high > y->activation->low;
        for (int64_t u = 0; u < y->units; u++) y->off += !k->lives[i][u];
        y->saturated = bounds ? (double)k->bounded[i] / (double)(y->given.n + y->given.nonfinite) : (double)NAN;
        y->activation = NULL; /* a member of the context may end with it */
    }
}

/* ---- opening ---- */

static gr_status add_plan(looking *k, gr_inside *in, int64_t batch, bool with_slopes)
{
    *in = (gr_inside){
        .task = &k->task, .mode = GR_MODE_EVALUATE, .batch = batch, .gradients = with_slopes, .slopes = with_slopes};
    return batch ? gr__runner_add(&k->run, "inside", gr__inside_graph, in, &in->plan) : GR_OK;
}

static gr_status open_plans(looking *k, const gr_model *m)
{
    gr_look *l = k->l;
    gr_status st = GR_OK;
    GR_TRY(gr__runner_open(&k->task, &k->run));
    GR_TRY(add_plan(k, &k->first, l->batch, true));
    GR_TRY(add_plan(k, &k->full, l->samples >= 2 * l->batch ? l->batch : 0, false));
    GR_TRY(add_plan(k, &k->rest, l->samples % l->batch, false));
    GR_TRY(gr__runner_fill(&k->run, m));
    GR_TRY(gr__runner_bind(&k->run));
done:
    return st;
}

static int64_t steps_of(const gr_model *m)
{
    const char *text = m ? gr__st_meta(m->file, "gradus.trained") : NULL;
    json_t *trained = text ? json_loads(text, 0, NULL) : NULL;
    int64_t steps = (int64_t)json_integer_value(json_object_get(trained, "steps"));
    json_decref(trained);
    return GR_MAX(steps, 0);
}

static gr_status open(looking *k, const gr_recipe *r, const gr_model *m)
{
    gr_look *l = k->l;
    gr_status st = GR_OK;
    GR_TRY(gr__task_open(l->ctx, r, 1u << k->o->part, m, &k->task));
    l->step = steps_of(m);
    if (!(l->name = gr__bump_strdup(l->memory, r->name))) return GR_E_MEMORY;
    l->samples = k->task.count[k->o->part];
    if (k->o->samples) l->samples = GR_MIN(l->samples, k->o->samples);
    if (l->samples < 1) GR_TRY(gr__fail(l->ctx, GR_E_DATA, "there are no %s samples", l->part));
    l->batch = GR_MIN(gr__task_evaluation_batch(&k->task), l->samples);
    GR_TRY(open_plans(k, m));
    gr_loader_options o = gr__task_loader(&k->task, k->o->part, false);
    o.batch = l->batch;
    o.shuffle = GR_SHUFFLE_ONCE;
    o.drop_last = false;
    GR_TRY(gr__loader_create(l->ctx, &o, &k->loader));
    GR_TRY(list_layers(k));
    GR_TRY(list_tensors(k));
    GR_TRY(take_filters(k));
done:
    return st;
}

gr_status gr__look_open(gr_context *ctx, const gr_recipe *r, const gr_model *m, const gr_look_options *o, gr_look *out)
{
    *out = (gr_look){.ctx = ctx, .memory = gr__bump_create(ctx), .part = gr__part_name(o->part)};
    looking k = {.l = out, .o = o};
    gr_status st = out->memory ? open(&k, r, m) : GR_E_MEMORY;
    if (st == GR_OK) st = pass(&k);
    if (st == GR_OK) conclude(&k);
    gr__loader_destroy(k.loader);
    gr__runner_close(&k.run);
    gr__task_close(&k.task);
    if (st != GR_OK) gr__look_close(out);
    return st;
}

void gr__look_close(gr_look *l)
{
    if (l->memory) gr__bump_destroy(l->memory);
    *l = (gr_look){0};
}

double gr__look_off(const gr_look_layer *l)
{
    return l->rectified && l->seen >= ENOUGH ? (double)l->off / (double)GR_MAX(l->units, 1) : (double)NAN;
}
