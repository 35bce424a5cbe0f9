/* What a run tells of its inside, now and then: histograms of weights, of gradients and of what layers give, samples
 * and first filters as pictures. All are of one batch: the first of the training samples, in the order and as changed
 * by the first epoch. They go to events/ alone and change nothing of the run. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "train/filters.h"
#include "train/inside.h"
#include "train/loop.h"
#include "train/manner.h"

enum { MOST_SAMPLES = 16 };

gr_status gr__loop_inside_open(gr_loop *l)
{
    if (!l->engine->inside) return GR_OK;
    gr_loader_options o = gr__engine_inside_loader(l->engine);
    l->histogram = gr__alloc(l->ctx, sizeof *l->histogram);
    return l->histogram ? gr__loader_create(l->ctx, &o, &l->inside) : GR_E_MEMORY;
}

void gr__loop_inside_close(gr_loop *l)
{
    gr__loader_destroy(l->inside);
    gr__free(l->ctx, l->histogram, sizeof *l->histogram);
}

/* ---- histograms ---- */

static void put_histogram(gr_loop *l, const char *room, const char *name)
{
    char tag[512];
    snprintf(tag, sizeof tag, "%s/%s", room, name);
    gr__events_histogram(&l->run->events, tag, l->histogram);
}

/* A parameter as it is evaluated: slow weights where there are some. */
static const gr_entry *entry_of(const gr_loop *l, const char *name)
{
    const char *slot = l->engine->view[0].slot;
    char beside[512];
    snprintf(beside, sizeof beside, "%s/%s", name, slot ? slot : "");
    const gr_entry *e = slot ? gr_store_find(l->engine->store, beside) : NULL;
    return e ? e : gr_store_find(l->engine->store, name);
}

static void put_all(gr_loop *l, const gr_batch *b)
{
    const gr_inside *in = l->engine->inside;
    const gr_stack *s = l->recipe->stack;
    size_t n;
    const gr_param_info *param = gr__network_params(l->task->network, &n);
    for (size_t i = 0; i < n; i++) {
        gr__histogram_begin(l->histogram);
        gr__inside_add_entry(l->task, entry_of(l, param[i].entry.name), l->histogram);
        put_histogram(l, "weights", param[i].entry.name);
        gr__histogram_begin(l->histogram);
        gr__inside_add(in, GR_INSIDE_GRADIENT, i, b, l->histogram);
        put_histogram(l, "gradients", param[i].entry.name);
    }
    for (int i = 0; i < s->n; i++) {
        gr__histogram_begin(l->histogram);
        gr__inside_add(in, GR_INSIDE_LAYER, (size_t)i, b, l->histogram);
        put_histogram(l, "activations", s->layer[i].name);
    }
}

static gr_status histograms(gr_loop *l)
{
    gr_engine_plan *p = gr__engine_find(l->engine, GR_RUN_INSIDE, l->engine->inside->batch, 0, 0);
    gr_batch b;
    gr_status st = GR_OK;
    gr__loader_seek(l->inside, 0, 0);
    GR_TRY(gr__loader_next(l->inside, &b));
    gr__feeds_put(&p->feeds, &b);
    gr__feeds_moment(&p->feeds, l->recipe->seed, 0, 0);
    GR_TRY(gr_plan_run(p->plan));
    gr__events_begin(&l->run->events, l->step);
    put_all(l, &b);
    gr__events_end(&l->run->events);
done:
    return st;
}

/* ---- pictures ---- */

static gr_status put_picture(gr_loop *l, const char *tag, const gr_raster *r)
{
    gr__text png;
    gr__text_init(&png, l->ctx);
    gr_status st = gr__raster_png(r, &png);
    if (st == GR_OK) st = gr__events_picture(&l->run->events, l->step, tag, r->width, r->height, &png);
    gr__text_free(&png);
    return st;
}

static gr_status filters(gr_loop *l)
{
    enum { SIDE = 32 }; /* pixels of a filter, about */
    gr_filters f;
    gr_raster r;
    if (!gr__filters_find(l->task->network, &f)) return GR_OK;
    gr__bump *b = gr__bump_create(l->ctx);
    const gr_entry *e = entry_of(l, f.name);
    double *numbers = b ? gr__bump_alloc(b, sizeof *numbers * (size_t)e->count) : NULL;
    int times = (int)GR_MAX(SIDE / GR_MAX(f.height, f.width), 1);
    gr_status st = numbers ? GR_OK : GR_E_MEMORY;
    if (st == GR_OK) gr_store_read(l->engine->store, e, numbers);
    if (st == GR_OK) st = gr__filters_draw(&f, numbers, times, b, &r);
    if (st == GR_OK) st = put_picture(l, "pictures/filters", &r);
    gr__bump_destroy(b);
    return st;
}

/* Sample i of the batch: the numbers of input k, of which so many steps count. */
static const void *sample_at(const gr_task *t, const gr_batch *b, int k, int64_t i, int64_t *n)
{
    const gr_field *x = gr__set_input(t->lead, k);
    *n = gr__delivery_width(&t->delivery[k], gr_shape_count(x->sample));
    return (const char *)b->field[k] + (size_t)(i * *n) * gr__element_bytes(t->delivery[k].as);
}

static int64_t steps_at(const gr_task *t, const gr_batch *b, int k, int64_t i)
{
    const int32_t *length = b->field[gr__length_place(t->recipe->n_inputs, t->recipe->n_heads, k)];
    return length ? length[i] : GR__MANNER_ALL;
}

/* A sample as a picture of its own, in memory that is given back before the next: large ones take some. */
static gr_status draw_sample(gr_loop *l, const gr__manner *m, const gr_batch *b, int k, int64_t i, int n, gr__bump *all,
                             gr_raster *out)
{
    enum { LEAST = 64, MOST = 128, GAP = 4 };
    int64_t numbers;
    int width, height, columns = (int)ceil(sqrt(n)), rows = (n + columns - 1) / columns;
    gr_sheet s;
    gr_status st = gr__sheet_open(l->ctx, "sample", &s);
    gr_face f = {0};
    if (st == GR_OK) gr__manner_show(m, sample_at(l->task, b, k, i, &numbers), steps_at(l->task, b, k, i), &s, &f);
    if (st == GR_OK) st = s.failed;
    if (st != GR_OK || !f.picture.at) goto done;
    gr__sheet_scaled(&f.picture, LEAST, MOST, &width, &height);
    if (i == 0) {
        GR_TRY(gr__raster_make(all, columns * (width + GAP) - GAP, rows * (height + GAP) - GAP, out));
        gr__raster_fill(out, 0, 0, out->width, out->height, (gr_colour){0xEC, 0xEE, 0xF1});
    }
    gr__raster_put(out, (int)i % columns * (width + GAP), (int)i / columns * (height + GAP), width, height, &f.picture);
done:
    gr__sheet_close(&s);
    return st;
}

static gr_status samples_of(gr_loop *l, const gr_batch *b, int k, gr_sheet *s)
{
    const gr_task *t = l->task;
    gr__manner m = gr__manner_of(t, GR_PART_TRAIN, k, s);
    int64_t n, shown = GR_MIN(b->n, MOST_SAMPLES);
    gr_raster r = {0};
    gr_status st = s->failed;
    if (m.kind == GR__MANNER_ROWS || m.kind == GR__MANNER_INDICES) return st; /* words are no picture */
    for (int64_t i = 0; i < shown; i++) {
        const void *numbers = sample_at(t, b, k, i, &n);
        gr__manner_take(&m, numbers, n);
    }
    for (int64_t i = 0; i < shown && st == GR_OK; i++) st = draw_sample(l, &m, b, k, i, (int)shown, s->memory, &r);
    if (st != GR_OK || !r.at) return st;
    return put_picture(l,
                       l->recipe->inputs_named ? gr__sheet_text(s, "pictures/samples/%s", l->recipe->input[k].name)
                                               : "pictures/samples",
                       &r);
}

/* As the epoch that is just ending, or going on, changes them. */
static gr_status samples(gr_loop *l)
{
    gr_sheet s;
    gr_batch b;
    gr_status st = gr__sheet_open(l->ctx, "samples", &s);
    gr__loader_seek(l->inside, l->index == 0 ? l->epoch - 1 : l->epoch, 0);
    if (st == GR_OK) st = gr__loader_next(l->inside, &b);
    for (int k = 0; k < l->recipe->n_inputs && st == GR_OK; k++) st = samples_of(l, &b, k, &s);
    gr__sheet_close(&s);
    return st;
}

gr_status gr__loop_inside(gr_loop *l)
{
    gr_status st = GR_OK;
    bool count = gr__loop_due(l, l->recipe->histograms), draw = gr__loop_due(l, l->recipe->pictures);
    if (count) GR_TRY(gr__loop_measure(l, 0));
    if (count) GR_TRY(histograms(l));
    if (draw) GR_TRY(samples(l));
    if (draw) GR_TRY(filters(l));
    if (count || draw) GR_TRY(gr__events_flush(&l->run->events, false));
done:
    return st;
}
