/* Step 6: what every layer gives after a short training.                                            [mission X6]
 *
 * A layer that gives the same for every sample tells what follows nothing. --sheets draws them all. */
#include <math.h>
#include <string.h>

#include "model/stack.h"
#include "result/sheet.h"
#include "study/inside/look.h"
#include "study/check/trial.h"

enum { UPDATES = 100, SEED = 701, FEWEST = 8 };  /* FEWEST: samples */
static const double WORK = 2e10;                 /* floating-point operations of the training */
static const double END = 0.99, SATURATED = 0.9; /* of the range of a tanh; share of its numbers that lie beyond */
static const double LEAST = 1e-2;                /* of its size, that a layer's output must differ between samples */
static const double WHITE = 4;                   /* standard deviations above the mean, that are white */
static const gr_colour BETWEEN = {0x7A, 0xA7, 0xD8}; /* tiles */
enum { SAMPLES = 256, UNITS = 128, TILES = 8 };      /* of a picture: rows, columns; tiles a side */

typedef struct layer_seen {
    int64_t units;           /* numbers of a sample */
    double mean, square;     /* over all */
    double differs;          /* root of the mean over units of the variance between samples, by the root of `square` */
    double zeros, low, high; /* share of zeros; extremes */
    double ends;             /* share of numbers next to 1 or -1 */
} layer_seen;

static const void *output(const gr_trial *t, int i, gr_shape *shape)
{
    char name[32];
    snprintf(name, sizeof name, "layer%d", i);
    return gr_plan_output(t->layers, name, shape);
}

static double real_at(const gr_trial *t, const void *data, int64_t k)
{
    return gr__element_at(gr__task_real(&t->task), data, k);
}

static layer_seen look_at(const gr_trial *t, int i)
{
    gr_shape shape;
    const void *data = output(t, i, &shape);
    int64_t all = gr_shape_count(shape), n = t->seen;
    layer_seen s = {.units = all / n, .low = INFINITY, .high = -INFINITY};
    double between = 0;
    for (int64_t u = 0; u < s.units; u++) {
        double mean = 0, square = 0;
        for (int64_t k = 0; k < n; k++) {
            double x = real_at(t, data, k * s.units + u), off = x - mean;
            mean += off / (double)(k + 1);
            square += off * (x - mean);
            s.zeros += (x == 0) / (double)all;
            s.ends += (fabs(x) > END && fabs(x) <= 1) / (double)all;
            s.low = fmin(s.low, x), s.high = fmax(s.high, x);
            s.square += x * x / (double)all;
        }
        s.mean += mean / (double)s.units;
        between += square / (double)all;
    }
    s.differs = s.square > 0 ? sqrt(between / s.square) : 0;
    return s;
}

/* ---- pictures ---- */

/* Black to white within four standard deviations of the mean, so that a few large numbers do not leave all others
 * black; a root of the share, since most of what a ReLU gives is small. */
static gr_colour grey(const layer_seen *s, double x)
{
    double deviation = sqrt(fmax(s->square - s->mean * s->mean, 0));
    double low = fmax(s->low, s->mean - WHITE * deviation), high = fmin(s->high, s->mean + WHITE * deviation);
    double share = high > low ? (x - low) / (high - low) : 0;
    uint8_t g = (uint8_t)(255 * sqrt(fmin(fmax(share, 0), 1)));
    return (gr_colour){g, g, g};
}

/* Channels of the first sample, as tiles. */
static gr_status draw_maps(const gr_trial *t, int i, const layer_seen *s, gr_sheet *sheet, gr_face *face)
{
    gr_shape shape;
    const void *data = output(t, i, &shape);
    int h = (int)GR_MIN(shape.dim[1], 64), w = (int)GR_MIN(shape.dim[2], 64);
    int64_t channels = shape.dim[3], tiles = GR_MIN(channels, TILES * TILES);
    int across = (int)GR_MIN(tiles, TILES), down = (int)((tiles + TILES - 1) / TILES);
    gr_status st = gr__raster_make(sheet->memory, across * (w + 1) - 1, down * (h + 1) - 1, &face->picture);
    if (st == GR_OK) gr__raster_fill(&face->picture, 0, 0, face->picture.width, face->picture.height, BETWEEN);
    for (int64_t c = 0; c < tiles && st == GR_OK; c++)
        for (int y = 0; y < h; y++)
            for (int x = 0; x < w; x++) {
                int64_t row = y * shape.dim[1] / h, column = x * shape.dim[2] / w;
                double v = real_at(t, data, (row * shape.dim[2] + column) * channels + c);
                gr__raster_fill(&face->picture, (int)(c % TILES) * (w + 1) + x, (int)(c / TILES) * (h + 1) + y, 1, 1,
                                grey(s, v));
            }
    return st;
}

/* A row a sample, a column a unit. */
static gr_status draw_rows(const gr_trial *t, int i, const layer_seen *s, gr_sheet *sheet, gr_face *face)
{
    gr_shape shape;
    const void *data = output(t, i, &shape);
    int w = (int)GR_MIN(s->units, UNITS), h = (int)GR_MIN(t->seen, SAMPLES);
    gr_status st = gr__raster_make(sheet->memory, w, h, &face->picture);
    for (int y = 0; y < h && st == GR_OK; y++)
        for (int x = 0; x < w; x++)
            gr__raster_fill(&face->picture, x, y, 1, 1, grey(s, real_at(t, data, y * s->units + x * s->units / w)));
    return st;
}

static gr_status add_card(const gr_trial *t, int i, const layer_seen *s, gr_sheet *sheet)
{
    const gr_stacked *l = &t->recipe.stack->layer[i];
    gr_shape shape;
    output(t, i, &shape);
    bool maps = shape.rank == 4;
    gr_card *card = gr__sheet_card(sheet, gr__sheet_text(sheet, "%s (%s)", l->name, l->member->head.name));
    gr_face *face =
        gr__card_face(sheet, card, maps ? "channels of the first sample" : "a row a sample, a column a unit");
    gr__card_line(sheet, card, "mean %.3g, mean square %.3g, from %.3g to %.3g", s->mean, s->square, s->low, s->high);
    gr__card_line(sheet, card, "%.3g %% zeros; differs between samples by %.3g of its size", 100 * s->zeros,
                  s->differs);
    card->wrong = !(s->differs > LEAST);
    if (sheet->failed != GR_OK || !isfinite(s->low) || !isfinite(s->high)) return sheet->failed;
    return maps ? draw_maps(t, i, s, sheet, face) : draw_rows(t, i, s, sheet, face);
}

/* ---- edges ---- */

typedef struct bank {
    gr_filters filters;
    double *numbers;
    gr_edge_score edges; /* score NaN: there is no first convolution to tell of */
} bank;

/* The filters of the first convolution, as the training leaves them. */
static gr_status look_at_filters(const gr_trial *t, gr__bump *memory, bank *b)
{
    *b = (bank){.edges = {NAN, NAN, NAN, NAN}};
    if (!gr__filters_find(t->task.network, &b->filters)) return GR_OK;
    const gr_entry *e = gr_store_find(t->engine.store, b->filters.name);
    b->numbers = gr__bump_alloc(memory, sizeof(double) * (size_t)e->count);
    if (!b->numbers) return GR_E_MEMORY;
    gr_store_read(t->engine.store, e, b->numbers);
    return gr__filters_edges(t->task.ctx, &b->filters, b->numbers, &b->edges);
}

/* ---- verdict ---- */

static void judge(const gr_check *c, const layer_seen *all, int n, int64_t samples, int64_t steps, const bank *b,
                  gr_finding *out)
{
    int worst = -1, saturated = -1;
    char edges[96] = "";
    if (isfinite(b->edges.score))
        snprintf(edges, sizeof edges, "; the first filters have an edge score of %.2f (0: chance, 1: edges)",
                 b->edges.score);
    if (samples < FEWEST) {
        gr__finding_set(out, GR_VERDICT_SKIPPED, NAN, LEAST, "%lld samples are too few to tell apart",
                        (long long)samples);
        return;
    }
    for (int i = 0; i < n; i++)
        if (all[i].ends > SATURATED && !c->recipe->stack->layer[i].last) saturated = i;
    for (int i = 0; i < n; i++)
        if (all[i].units > 0 && (worst < 0 || !(all[i].differs >= all[worst].differs))) worst = i;
    const char *name = worst >= 0 ? c->recipe->stack->layer[worst].name : "";
    if (worst < 0)
        gr__finding_set(out, GR_VERDICT_OK, NAN, LEAST, "there are no layers");
    else if (!(all[worst].differs > 0)) {
        gr__finding_set(out, GR_VERDICT_FAILED, all[worst].differs, LEAST,
                        "after %lld updates layer \"%s\" gives the same for every sample (from %.3g to %.3g): what "
                        "follows learns nothing of the inputs",
                        (long long)steps, name, all[worst].low, all[worst].high);
        gr__finding_fix(out, "gradus check %s --only X14,I2,X13", c->recipe->path);
    } else if (all[worst].differs < LEAST) {
        gr__finding_set(
            out, GR_VERDICT_WARNING, all[worst].differs, LEAST,
            "after %lld updates what layer \"%s\" gives differs between samples by %.2g of its size: inputs "
            "far from 0, or units that are saturated",
            (long long)steps, name, all[worst].differs);
        gr__finding_fix(out, "data.prepare: [standardize]");
    } else if (saturated >= 0) {
        gr__finding_set(out, GR_VERDICT_WARNING, all[saturated].ends, SATURATED,
                        "after %lld updates %.3g %% of what layer \"%s\" gives lie within 0.01 of 1 or -1: it is "
                        "saturated, and passes next to no gradient",
                        (long long)steps, 100 * all[saturated].ends, c->recipe->stack->layer[saturated].name);
        gr__finding_fix(out, "init.weights: xavier");
    } else
        gr__finding_set(out, GR_VERDICT_OK, all[worst].differs, LEAST,
                        "after %lld updates every layer tells samples apart, least \"%s\": by %.2g of its size%s; %s",
                        (long long)steps, name, all[worst].differs, edges,
                        c->o->sheets ? "activations.html shows all" : "--sheets DIR shows all");
}

static gr_status judge_activations(gr_check *c, gr_finding *out)
{
    int n = c->recipe->stack->n;
    layer_seen *all = gr__bump_alloc(c->memory, sizeof *all * (size_t)GR_MAX(n, 1));
    int64_t batch, steps = gr__trials_steps(&c->trials, WORK, 1, UPDATES, &batch);
    const gr_variant v = {.steps = steps, .batch = batch, .seed = SEED, .draw = c->draw};
    gr_recipe r;
    gr_trial t = {0};
    gr_sheet sheet = {0};
    bank filters;
    bool more = true;
    gr_status st = all ? GR_OK : GR_E_MEMORY;
    gr__watch(c->o->watch, "activations", 0);
    if (st == GR_OK) st = gr__variant_make(c->ctx, c->memory, c->recipe, &v, &r);
    if (st != GR_OK) return st;
    GR_TRY(gr__trial_open(&c->trials, &r, &(gr_trial_spec){.layers = true}, &t));
    GR_TRY(gr__trial_run(&t, steps));
    GR_TRY(gr__trial_look(&t, &more));
    GR_TRY(gr__sheet_open(c->ctx, c->recipe->name, &sheet));
    gr__sheet_note(
        &sheet,
        "what every layer gives after %lld updates, for %lld samples it is judged by: dark is low, four standard "
        "deviations above the mean white",
        (long long)steps, (long long)t.seen);
    GR_TRY(look_at_filters(&t, c->memory, &filters));
    if (filters.numbers && c->o->sheets)
        gr__look_filters_card(&filters.filters, filters.numbers, &filters.edges, &sheet);
    for (int i = 0; i < n; i++) {
        all[i] = look_at(&t, i);
        if (c->o->sheets && !c->draw) GR_TRY(add_card(&t, i, &all[i], &sheet));
    }
    judge(c, all, n, t.seen, steps, &filters, out);
    if (!c->draw) GR_TRY(gr__check_write_sheet(c, "activations.html", &sheet));
done:
    gr__sheet_close(&sheet);
    gr__trial_close(&t);
    return st;
}

GR_RULE(layer_activations) = {
    .head = {.family = "rule",
             .name = "layer_activations",
             .title = "Every layer tells samples apart",
             .cite = "the chapter, 4.5.3 step 6",
             .equations =
                 "a short training; then of each layer, over a batch that it is judged by: the deviation of its "
                 "units between samples\nby the root of its mean square; and the share of numbers next to 1 or -1, at "
                 "most 90 %; of a first convolution the edge score is told."
                 " --sheets writes activations.html, a "
                 "card a layer"},
    .as = {{"X6", "activations"}},
    .reads = GR_READS_TRAINING,
    .limit = "0.01; 0 fails",
    .draws = GR_DRAWS_OF_TRAININGS,
    .unit = "deviation between samples, by the size of the output",
    .judge = judge_activations,
};
