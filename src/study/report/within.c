/* Inside the best model: what its layers give, what its weights are like, and its first filters as pictures. */
#include <math.h>
#include <string.h>

#include "study/inside/look.h"
#include "study/report/parts.h"

enum { BINS = 48, MOST_PLOTS = 24, MOST_MAPS = 8, SAMPLES = 1000, FILTER_SIDE = 320, MAP_SIDE = 224 };

/* ---- histograms ---- */

/* A rectifier's zeros would hide all else: where they are many they are told, and not drawn. */
static bool leaves_zeros_out(const gr_histogram *h)
{
    return gr__histogram_zeros(h) > 0.1;
}

/* Where to draw: the whole range, without the outermost numbers where these are far from all others. */
static void range_of(const gr_histogram *h, double *low, double *high)
{
    double std = gr__histogram_std(h), reach = 6 * std;
    *low = fmax(h->low, h->mean - reach);
    *high = fmin(h->high, h->mean + reach);
    if (!(*high > *low)) *low = h->mean - 0.5, *high = h->mean + 0.5;
}

static const char *caption_of(gr_document *d, const gr_histogram *h)
{
    return gr__document_text(d, "mean %.3g, deviation %.3g, %.3g to %.3g, %.1f %% zeros%s%s", h->mean,
                             gr__histogram_std(h), h->low, h->high, 100 * gr__histogram_zeros(h),
                             leaves_zeros_out(h) ? ", which are not drawn" : "",
                             h->nonfinite ? "; some are not finite" : "");
}

static void put_histogram(gr_report *r, const char *title, const gr_histogram *h, int colour)
{
    gr_document *d = &r->document;
    double count[BINS], low, high, most = 0;
    gr_plot *plot = gr__document_alloc(d, sizeof *plot);
    gr_series *s = gr__document_alloc(d, sizeof *s);
    double *x = gr__document_alloc(d, sizeof *x * 4 * BINS), *y = x ? x + 2 * BINS : NULL;
    if (!plot || !s || !x || h->n == 0) return;
    range_of(h, &low, &high);
    gr__histogram_even(h, low, high, BINS, count);
    for (int i = 0; i < BINS; i++) {
        x[2 * i] = low + (high - low) * i / BINS;
        x[2 * i + 1] = low + (high - low) * (i + 1) / BINS;
        if (leaves_zeros_out(h) && x[2 * i] <= 0 && x[2 * i + 1] > 0) count[i] = fmax(count[i] - (double)h->zeros, 0);
        y[2 * i + 1] = count[i];
        most = fmax(most, count[i]);
    }
    *s = (gr_series){.mark = GR_MARK_BOXES, .colour = colour, .n = (size_t)2 * BINS, .x = x, .y = y};
    const char *caption = caption_of(d, h);
    *plot = (gr_plot){.title = title,
                      .caption = caption,
                      .description = caption,
                      .y = {.low = 0, .high = fmax(most, 1) * 1.05},
                      .series = s,
                      .n_series = 1,
                      .width = 340,
                      .height = 230};
    gr__document_plot(d, plot, true);
}

/* ---- layers ---- */

static void put_share(gr_document *d, gr_written_table *t, double x)
{
    gr__document_cell(d, t, GR_CELL_NUMBER, isnan(x) ? "\xE2\x80\x93" : "%.1f %%", 100 * x);
}

static void put_layers(gr_report *r, const gr_look *l)
{
    static const char *const heading[] = {"layer",      "kind",      "mean",      "deviation",
                                          "equal to 0", "units off", "saturated", "slope, r.m.s."};
    gr_document *d = &r->document;
    gr__document_heading(d, "Activations");
    gr__document_words(
        d,
        "What each layer gives for %lld samples of the %s part. Units off: those behind a rectifier that "
        "give 0 for all of them. Saturated: numbers at an end of the activation's range. Slope: of a "
        "sample's cost with respect to what the layer gives.",
        (long long)l->samples, l->part);
    gr_written_table *t = gr__document_table(d, "Layers", GR_COUNT(heading));
    for (size_t i = 0; i < GR_COUNT(heading) && t->heading; i++) t->heading[i] = heading[i];
    for (int i = 0; i < l->n_layers; i++) {
        const gr_look_layer *y = &l->layer[i];
        gr__document_cell(d, t, GR_CELL_HEAD, "%s", y->name);
        gr__document_cell(d, t, GR_CELL_WORDS, "%s", y->type);
        gr__document_cell(d, t, GR_CELL_NUMBER, "%.3g", y->given.mean);
        gr__document_cell(d, t, GR_CELL_NUMBER, "%.3g", gr__histogram_std(&y->given));
        put_share(d, t, gr__histogram_zeros(&y->given));
        put_share(d, t, gr__look_off(y));
        put_share(d, t, y->saturated);
        gr__document_cell(d, t, GR_CELL_NUMBER, "%.3g", gr__histogram_rms(&y->slope));
    }
    for (int i = 0; i < GR_MIN(l->n_layers, MOST_PLOTS); i++)
        put_histogram(r, gr__document_text(d, "%s", l->layer[i].name), &l->layer[i].given, 1);
}

/* Weights first: biases and what norms have are small, and tell less. */
static void put_tensors(gr_report *r, const gr_look *l)
{
    gr_document *d = &r->document;
    int shown = 0;
    gr__document_heading(d, "Weights");
    for (int pass = 0; pass < 2; pass++)
        for (size_t i = 0; i < l->n_tensors && shown < MOST_PLOTS; i++) {
            if ((l->tensor[i].role == GR_ROLE_WEIGHT) != (pass == 0)) continue;
            put_histogram(r, gr__document_text(d, "%s", l->tensor[i].name), &l->tensor[i].weights, 3);
            shown++;
        }
    if ((size_t)shown < l->n_tensors) gr__document_words(d, "%d of %zu parameters are shown.", shown, l->n_tensors);
}

/* ---- pictures ---- */

/* A card with a copy of the picture, as large as it is shown: `most` at most, and about that where it is small. */
static void put_picture(gr_sheet *s, const char *title, const gr_raster *from, int most)
{
    gr_card *c = gr__sheet_card(s, title);
    gr_face *f = gr__card_face(s, c, NULL);
    int width = from->width, height = from->height;
    gr_raster copy;
    gr__sheet_scaled(from, most * 3 / 4, most, &width, &height);
    if (s->failed != GR_OK || gr__raster_make(s->memory, width, height, &copy) != GR_OK) return;
    gr__raster_put(&copy, 0, 0, width, height, from);
    f->picture = copy;
}

/* How large a number is drawn, so that all of them together fill their place. */
static int times_of(const gr_filters *f)
{
    double tiles = ceil(sqrt((double)GR_MIN(f->n, GR_FILTERS_MOST)));
    return (int)fmin(fmax(FILTER_SIDE / (tiles * (double)(f->width + 1)), 1), 24);
}

static gr_status put_pictures(gr_report *r, const gr_look *l)
{
    gr_sheet *s = &r->sheet[1];
    gr_raster filters;
    int maps = 0;
    gr_status st = gr__sheet_open(r->ctx, "inside", s);
    if (st == GR_OK && l->has_filters) {
        st = gr__filters_draw(&l->filters, l->filter, times_of(&l->filters), s->memory, &filters);
        const char *title =
            gr__sheet_text(s, "First filters, %s: %lld of %lld x %lld", l->filters.name, (long long)l->filters.n,
                           (long long)l->filters.height, (long long)l->filters.width);
        if (st == GR_OK) put_picture(s, title, &filters, FILTER_SIDE);
        if (st == GR_OK && isfinite(l->edges.score))
            gr__card_line(s, s->card,
                          "Edge score %.2f (standard error %.2f): 0 is what chance gives, 1 filters that are "
                          "edges and bars throughout",
                          l->edges.score, l->edges.error);
    }
    for (int i = 0; i < l->n_layers && st == GR_OK && maps < MOST_MAPS; i++) {
        if (!l->layer[i].map.width) continue;
        put_picture(s, gr__sheet_text(s, "%s for the first sample, a tile a channel", l->layer[i].name),
                    &l->layer[i].map, MAP_SIDE);
        maps++;
    }
    if (st == GR_OK && s->n_cards) {
        gr__document_heading(&r->document, "Filters and maps");
        gr__document_cards(&r->document, s);
    }
    return st == GR_OK ? s->failed : st;
}

gr_status gr__report_within(gr_report *r, const gr_read_run *run, const gr_recipe *recipe)
{
    const gr_look_options o = {.part = GR_PART_VALIDATION, .samples = SAMPLES, .stop = r->options->stop};
    gr_look l = {0};
    gr__report_watch(r, "layers", 0);
    gr__document_section(&r->document, "inside", "Inside the network");
    gr_status st = gr__look_open(r->ctx, recipe, &run->best, &o, &l);
    if (st == GR_OK) {
        put_layers(r, &l);
        put_tensors(r, &l);
        st = put_pictures(r, &l);
    }
    gr__look_close(&l);
    return st;
}
