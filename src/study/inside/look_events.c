/* What was seen inside a model, for TensorBoard. */
#include <math.h>
#include <stdio.h>

#include "study/inside/look.h"
#include "train/events.h"

static void put_layer(const gr_look_layer *y, gr_events *e)
{
    const struct {
        const char *room;
        double x;
    } figures[] = {{"dead", gr__look_off(y)},
                   {"saturated", y->saturated},
                   {"zeros", gr__histogram_zeros(&y->given)},
                   {"slope", gr__histogram_rms(&y->slope)}};
    char tag[512];
    for (size_t k = 0; k < GR_COUNT(figures); k++) {
        snprintf(tag, sizeof tag, "%s/%s", figures[k].room, y->name);
        if (!isnan(figures[k].x)) gr__events_scalar(e, tag, figures[k].x);
    }
    snprintf(tag, sizeof tag, "activations/%s", y->name);
    gr__events_histogram(e, tag, &y->given);
}

static void put_tensor(const gr_look_tensor *t, gr_events *e)
{
    char tag[512];
    snprintf(tag, sizeof tag, "weights/%s", t->name);
    gr__events_histogram(e, tag, &t->weights);
    snprintf(tag, sizeof tag, "gradients/%s", t->name);
    gr__events_histogram(e, tag, &t->gradients);
}

static gr_status put_filters(const gr_look *l, gr_events *e)
{
    gr_raster r;
    gr__text png;
    gr__bump *b = gr__bump_create(l->ctx);
    int times = (int)GR_MAX(32 / GR_MAX(l->filters.height, l->filters.width), 1);
    gr__text_init(&png, l->ctx);
    gr_status st = b ? gr__filters_draw(&l->filters, l->filter, times, b, &r) : GR_E_MEMORY;
    if (st == GR_OK) st = gr__raster_png(&r, &png);
    if (st == GR_OK) st = gr__events_picture(e, l->step, "pictures/filters", r.width, r.height, &png);
    gr__text_free(&png);
    if (b) gr__bump_destroy(b);
    return st;
}

gr_status gr__look_events(const gr_look *l, const bool *shown, const char *folder)
{
    gr_events *e = gr__bump_alloc(l->memory, sizeof *e);
    if (!e) return GR_E_MEMORY;
    gr_status st = gr__events_create(l->ctx, folder, e);
    if (st != GR_OK) return gr__events_close(e), st;
    gr__events_begin(e, l->step);
    for (int i = 0; i < l->n_layers; i++)
        if (shown[i]) put_layer(&l->layer[i], e);
    for (size_t k = 0; k < l->n_tensors; k++)
        if (l->tensor[k].layer < 0 || shown[l->tensor[k].layer]) put_tensor(&l->tensor[k], e);
    if (isfinite(l->edges.score)) gr__events_scalar(e, "edge_score", l->edges.score);
    gr__events_end(e);
    if (l->has_filters) st = put_filters(l, e);
    if (st == GR_OK) st = gr__events_flush(e, true);
    gr__events_close(e);
    return st;
}
