/* What was seen inside a model, as a sheet: a card a layer. */
#include <math.h>

#include "study/inside/look.h"

static const gr_colour paper = {0xF7, 0xF8, 0xFA}, bar = {0x1F, 0x5A, 0x96}, axis = {0xB0, 0x30, 0x30};
enum { BARS = 48, BAR_WIDTH = 3, HEIGHT = 72 };

/* Bars as high as the logarithm of their counts, so that a spike at 0 leaves the others to be seen; a red line at 0. */
static void draw_histogram(const gr_histogram *h, const char *caption, gr_sheet *s, gr_card *c)
{
    double even[BARS], most = 0;
    gr_face *f = gr__card_face(s, c, caption);
    double low = h->low, high = h->high;
    if (h->n == 0 || s->failed != GR_OK) return;
    if (!(high > low)) low -= 0.5, high += 0.5;
    s->failed = gr__raster_make(s->memory, BARS * BAR_WIDTH, HEIGHT, &f->picture);
    if (s->failed != GR_OK) return;
    gr__histogram_even(h, low, high, BARS, even);
    for (int k = 0; k < BARS; k++) most = fmax(most, even[k]);
    gr__raster_fill(&f->picture, 0, 0, BARS * BAR_WIDTH, HEIGHT, paper);
    if (low <= 0 && high >= 0)
        gr__raster_fill(&f->picture, (int)(-low / (high - low) * (BARS * BAR_WIDTH - 1)), 0, 1, HEIGHT, axis);
    for (int k = 0; k < BARS; k++) {
        int height = (int)lround((HEIGHT - 2) * log1p(even[k]) / log1p(most));
        gr__raster_fill(&f->picture, k * BAR_WIDTH, HEIGHT - height, BAR_WIDTH - 1, height, bar);
    }
    f->foot = gr__sheet_text(s, "%.4g to %.4g", h->low, h->high);
}

static void describe(const gr_look_layer *y, gr_sheet *s, gr_card *c)
{
    double off = gr__look_off(y);
    gr__card_line(s, c, "mean %.4g, std %.4g", y->given.mean, gr__histogram_std(&y->given));
    gr__card_line(s, c, "zeros %.1f %%", 100 * gr__histogram_zeros(&y->given));
    if (y->given.nonfinite) gr__card_line(s, c, "%lld numbers are not finite", (long long)y->given.nonfinite);
    if (isfinite(off)) gr__card_line(s, c, "%lld of %lld units give 0 for all", (long long)y->off, (long long)y->units);
    if (isfinite(y->saturated)) gr__card_line(s, c, "%.1f %% at an end of its range", 100 * y->saturated);
    c->wrong = off > GR_LOOK_MOST_OFF || y->saturated > GR_LOOK_MOST_SATURATED || y->given.nonfinite > 0;
}

static void add_layer(const gr_look *l, int i, gr_sheet *s)
{
    const gr_look_layer *y = &l->layer[i];
    gr_card *c = gr__sheet_card(s, gr__sheet_text(s, "%s (%s)", y->name, y->type));
    draw_histogram(&y->given, "gives", s, c);
    draw_histogram(&y->slope, "slope of the cost", s, c);
    if (y->map.width) gr__card_face(s, c, "the first sample")->picture = y->map;
    describe(y, s, c);
    for (size_t k = 0; k < l->n_tensors; k++) {
        const gr_look_tensor *t = &l->tensor[k];
        if (t->layer != i) continue;
        draw_histogram(&t->weights, t->name, s, c);
        gr__card_line(s, c, "%s: rms %.3g, of its gradient %.3g", t->name, gr__histogram_rms(&t->weights),
                      gr__histogram_rms(&t->gradients));
    }
}

void gr__look_filters_card(const gr_filters *filters, const double *numbers, const gr_edge_score *edges, gr_sheet *s)
{
    gr_card *c = gr__sheet_card(s, gr__sheet_text(s, "filters of %s", filters->name));
    if (s->failed != GR_OK) return;
    gr_face *f = gr__card_face(s, c, NULL);
    int times = (int)GR_MAX(32 / GR_MAX(filters->height, filters->width), 1);
    s->failed = gr__filters_draw(filters, numbers, times, s->memory, &f->picture);
    if (isfinite(edges->score)) gr__card_line(s, c, "edge score %.2f, standard error %.2f", edges->score, edges->error);
    gr__card_line(s, c, "0: as chance, 1: edges and bars; grey is 0");
}

gr_status gr__look_sheet(const gr_look *l, const bool *shown, gr_sheet *s)
{
    gr__sheet_note(s, "%lld samples of the %s part; cost %.5g", (long long)l->samples, l->part, l->cost);
    gr__sheet_note(s, "slopes and gradients are those of the first %lld; heights of bars are logarithms of counts",
                   (long long)l->batch);
    if (l->has_filters) gr__look_filters_card(&l->filters, l->filter, &l->edges, s);
    for (int i = 0; i < l->n_layers; i++)
        if (!shown || shown[i]) add_layer(l, i, s);
    return s->failed;
}
