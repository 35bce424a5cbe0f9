/* gradus inspect: a model from inside. */
#include <math.h>
#include <string.h>
#include <sys/stat.h>

#include "base/file.h"
#include "cli/progress.h"
#include "cli/sheet.h"
#include "cli/source.h"
#include "cli/terminal.h"
#include "study/inside/look.h"
#include "train/events.h"

typedef struct options {
    cli_source_options source;
    const char *layer, *out;
    int64_t samples;
    bool events;
} options;

/* ---- what is asked for ---- */

static bool is_folder(const char *path)
{
    struct stat about;
    return stat(path, &about) == 0 && S_ISDIR(about.st_mode);
}

/* The folder of a run stands for its best model, or its last where none was ever validated. *run: the folder, or NULL.
 */
static gr_status find_model(cli *c, const char **run)
{
    static const char *const names[] = {"best.safetensors", "last.safetensors"};
    const char *argument = c->argument[0];
    *run = NULL;
    if (!is_folder(argument)) return GR_OK;
    for (size_t i = 0; i < GR_COUNT(names); i++) {
        const char *path = gr__bump_format(c->memory, "%s/%s", argument, names[i]);
        if (!path) return GR_E_MEMORY;
        if (!gr__file_exists(path)) continue;
        c->argument[0] = path;
        *run = argument;
        return GR_OK;
    }
    gr__fail(c->ctx, GR_E_FILE, "%s is a folder without a model", argument);
    gr__error_hint(c->ctx, "inspect takes a model, or the folder of a run that has best.safetensors or "
                           "last.safetensors");
    return GR_E_FILE;
}

static gr_status check_options(cli *c, const options *o, const char *run)
{
    if (o->events && !run)
        return gr__fail(c->ctx, GR_E_USAGE, "--events writes into the folder of a run, and %s is none",
                        cli_shown(c, c->argument[0]));
    return o->out ? cli_check_sheet(c, o->out) : GR_OK;
}

static gr_status choose_layers(cli *c, const gr_look *l, const char *pattern, bool **out)
{
    const char **names = gr__bump_alloc(c->memory, sizeof *names * (size_t)GR_MAX(l->n_layers, 1));
    bool *shown = gr__bump_alloc(c->memory, (size_t)GR_MAX(l->n_layers, 1)), any = false;
    if (!names || !shown) return GR_E_MEMORY;
    for (int i = 0; i < l->n_layers; i++) {
        names[i] = l->layer[i].name;
        shown[i] = !pattern || gr__glob(pattern, names[i]);
        any |= shown[i];
    }
    *out = shown;
    return any ? GR_OK
               : cli_unknown(c, "there is no layer", pattern, names, (size_t)l->n_layers,
                             "gradus inspect without --layer lists them");
}

/* ---- the answer ---- */

enum { BINS = 30 };

typedef struct row {
    const char *name, *type;
    char shape[64];
    double mean, std, low, high, zeros, off, saturated, slope, weight, gradient, ratio;
    int64_t units, n_off, nonfinite;
    json_t *histogram, *slopes;
} row;

static const gr_column layer_columns[] = {
    GR_COLUMN(row, name, TEXT, "name", GR_SHOWN("layer", -20)),
    GR_COLUMN(row, type, TEXT, "type", GR_SHOWN("type", -14)),
    GR_COLUMN(row, shape, CHARS, "shape", GR_SHOWN("gives", -12)),
    GR_COLUMN(row, mean, REAL, "mean", GR_SHOWN("mean", 10), .digits = 3),
    GR_COLUMN(row, std, REAL, "std", GR_SHOWN("std", 10), .digits = 3),
    GR_COLUMN(row, low, REAL, "min", GR_SHOWN("min", 10), .digits = 3),
    GR_COLUMN(row, high, REAL, "max", GR_SHOWN("max", 10), .digits = 3),
    GR_COLUMN(row, zeros, REAL, "zeros", GR_SHOWN("zeros", 7), .digits = 2),
    GR_COLUMN(row, off, REAL, "dead", GR_SHOWN("dead", 7), .digits = 2, .none = "-"),
    GR_COLUMN(row, saturated, REAL, "saturated", GR_SHOWN("at ends", 8), .digits = 2, .none = "-"),
    GR_COLUMN(row, slope, REAL, "slope", GR_SHOWN("slope", 10), .digits = 3),
    GR_COLUMN(row, weight, REAL, "weights", GR_SHOWN("weights", 10), .digits = 3, .none = "-"),
    GR_COLUMN(row, gradient, REAL, "gradients", GR_SHOWN("gradients", 10), .digits = 3, .none = "-"),
    GR_COLUMN(row, ratio, REAL, "ratio", GR_SHOWN("ratio", 9), .digits = 2, .none = "-"),
    GR_COLUMN(row, units, WHOLE, "units"),
    GR_COLUMN(row, n_off, WHOLE, "dead_units"),
    GR_COLUMN(row, nonfinite, WHOLE, "nonfinite"),
    GR_COLUMN(row, histogram, JSON, "histogram"),
    GR_COLUMN(row, slopes, JSON, "slope_histogram"),
};

static json_t *bins_json(const gr_histogram *h)
{
    double even[BINS], low = h->low, high = h->high;
    json_t *list = json_array();
    if (h->n == 0) return json_decref(list), json_null();
    if (!(high > low)) low -= 0.5, high += 0.5;
    gr__histogram_even(h, low, high, BINS, even);
    for (int k = 0; k < BINS; k++) json_array_append_new(list, gr__json_real(even[k]));
    return json_pack("{s:o, s:o, s:o}", "from", gr__json_real(low), "to", gr__json_real(high), "counts", list);
}

/* Weights of a layer together, biases and what scales apart. */
static void add_weights(const gr_look *l, int i, row *r)
{
    double weights = 0, gradients = 0, n = 0;
    for (size_t k = 0; k < l->n_tensors; k++) {
        const gr_look_tensor *t = &l->tensor[k];
        if (t->layer != i || (t->role != GR_ROLE_WEIGHT && t->role != GR_ROLE_EMBEDDING)) continue;
        double w = gr__histogram_rms(&t->weights), g = gr__histogram_rms(&t->gradients);
        weights += w * w * (double)t->weights.n;
        gradients += g * g * (double)t->weights.n;
        n += (double)t->weights.n;
    }
    r->weight = sqrt(weights / n);
    r->gradient = sqrt(gradients / n);
    r->ratio = r->gradient / r->weight;
}

static void shape_text(gr_shape s, char *text, size_t room)
{
    size_t n = 0;
    for (int a = 0; a < s.rank && n < room; a++)
        n += (size_t)snprintf(text + n, room - n, "%s%lld", a ? "x" : "", (long long)s.dim[a]);
}

static row row_of(const gr_look *l, int i)
{
    const gr_look_layer *y = &l->layer[i];
    row r = {.name = y->name,
             .type = y->type,
             .mean = y->given.n ? y->given.mean : (double)NAN,
             .std = gr__histogram_std(&y->given),
             .low = y->given.low,
             .high = y->given.high,
             .zeros = gr__histogram_zeros(&y->given),
             .off = gr__look_off(y),
             .saturated = y->saturated,
             .slope = gr__histogram_rms(&y->slope),
             .units = y->units,
             .n_off = y->off,
             .nonfinite = y->given.nonfinite,
             .histogram = bins_json(&y->given),
             .slopes = bins_json(&y->slope)};
    shape_text(y->shape, r.shape, sizeof r.shape);
    add_weights(l, i, &r);
    return r;
}

static void put_tensors(const gr_look *l, const bool *shown, gr_result *r)
{
    json_t *all = json_array();
    for (size_t k = 0; k < l->n_tensors; k++) {
        const gr_look_tensor *t = &l->tensor[k];
        if (t->layer >= 0 && !shown[t->layer]) continue;
        json_array_append_new(
            all, json_pack("{s:o, s:I, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o}", "name", gr__json_string(t->name), "n",
                           (json_int_t)(t->weights.n + t->weights.nonfinite), "mean", gr__json_real(t->weights.mean),
                           "std", gr__json_real(gr__histogram_std(&t->weights)), "min", gr__json_real(t->weights.low),
                           "max", gr__json_real(t->weights.high), "rms", gr__json_real(gr__histogram_rms(&t->weights)),
                           "gradient_rms", gr__json_real(gr__histogram_rms(&t->gradients)), "histogram",
                           bins_json(&t->weights), "gradient_histogram", bins_json(&t->gradients)));
    }
    gr__result_json(r, "tensors", all);
}

static void put_filters(const gr_look *l, gr_result *r)
{
    const gr_edge_score *e = &l->edges;
    if (!l->has_filters) {
        gr__result_put(r, "filters");
        return;
    }
    gr__result_put(r,
                   "filters/name=%s filters/n=%jd filters/height=%jd filters/width=%jd filters/channels=%jd "
                   "filters/edge_score=%g filters/edge_error=%g filters/share=%g filters/chance=%g",
                   l->filters.name, (intmax_t)l->filters.n, (intmax_t)l->filters.height, (intmax_t)l->filters.width,
                   (intmax_t)l->filters.channels, e->score, e->error, e->share, e->chance);
    if (isfinite(e->score))
        gr__result_note(r, "%s: edge score %.2f, standard error %.2f (0: as filters by chance, 1: edges and bars)\n",
                        l->filters.name, e->score, e->error);
}

/* What is not as it should be, by the limits of `check`. */
static void note_faults(const gr_look *l, const bool *shown, gr_result *r)
{
    for (int i = 0; i < l->n_layers; i++) {
        const gr_look_layer *y = &l->layer[i];
        if (!shown[i]) continue;
        if (gr__look_off(y) > GR_LOOK_MOST_OFF)
            gr__result_note(r, "%s: %lld of %lld units give 0 for all that was seen\n", y->name, (long long)y->off,
                            (long long)y->units);
        if (y->saturated > GR_LOOK_MOST_SATURATED)
            gr__result_note(r,
                            "%s: %.0f %% of what it gives is at an end of its range, where no gradient gets through\n",
                            y->name, 100 * y->saturated);
        if (y->given.nonfinite)
            gr__result_note(r, "%s: %lld numbers are not finite\n", y->name, (long long)y->given.nonfinite);
    }
}

/* One layer's numbers as a curve. */
static gr_status draw_layer(gr_result *r, const gr_look_layer *y)
{
    const gr_text_style style = {.columns = 78, .lines = 10, .utf8 = cli_utf8()};
    double *x = gr__result_alloc(r, 2 * BINS * sizeof *x), low = y->given.low, high = y->given.high;
    gr_series *series = gr__result_alloc(r, sizeof *series);
    gr_plot *plot = gr__result_alloc(r, sizeof *plot);
    if (!plot || !series || !x) return GR_E_MEMORY;
    if (!(high > low)) return GR_OK;
    gr__histogram_even(&y->given, low, high, BINS, x + BINS);
    for (int k = 0; k < BINS; k++) x[k] = low + (k + 0.5) * (high - low) / BINS;
    *series = (gr_series){.x = x, .y = x + BINS, .n = BINS, .mark = GR_MARK_PATH};
    *plot = (gr_plot){.title = gr__result_text(r, "What %s gives", y->name),
                      .x = {.label = "value"},
                      .y = {.label = "numbers"},
                      .series = series,
                      .n_series = 1};
    gr__result_note(r, "\n");
    gr__result_plot(r, plot, &style);
    return GR_OK;
}

static gr_status show(cli *c, const gr_look *l, const bool *shown, const char *events)
{
    const options *o = c->options;
    gr_result *r = cli_result(c);
    row *rows = gr__result_alloc(r, sizeof *rows * (size_t)GR_MAX(l->n_layers, 1));
    int n = 0, last = 0;
    if (!rows) return GR_E_MEMORY;
    for (int i = 0; i < l->n_layers; i++)
        if (shown[i]) rows[n++] = row_of(l, i), last = i;
    gr__result_put(r, "model=%s part=%s samples=%jd batch=%jd cost=%g", c->argument[0], l->part, (intmax_t)l->samples,
                   (intmax_t)l->batch, l->cost);
    gr__result_note(r, "%lld samples of the %s part, cost %.5g; slopes and gradients of the first %lld\n",
                    (long long)l->samples, l->part, l->cost, (long long)l->batch);
    GR_TABLE(r, "layers", layer_columns, rows, n);
    put_tensors(l, shown, r);
    put_filters(l, r);
    note_faults(l, shown, r);
    gr__result_put(r, "sheet=%s events=%s", o->out, events);
    if (o->out) gr__result_note(r, "%s\n", cli_shown(c, o->out));
    if (events) gr__result_note(r, "%s/%s\n", cli_shown(c, events), GR_EVENTS_FILE);
    gr_status st = n == 1 && o->layer ? draw_layer(r, &l->layer[last]) : GR_OK;
    return st == GR_OK ? cli_show(c, r) : st;
}

static void progress(void *user, int64_t done, int64_t all)
{
    cli_view_show(user, "looking inside: %lld of %lld samples", (long long)done, (long long)all);
}

static gr_status write_sheet(cli *c, const gr_look *l, const bool *shown, const char *path)
{
    gr_sheet s = {0};
    gr_status st = gr__sheet_open(c->ctx, l->name, &s);
    if (st == GR_OK) st = gr__look_sheet(l, shown, &s);
    if (st == GR_OK) st = cli_write_sheet(c, &s, path);
    gr__sheet_close(&s);
    return st;
}

static gr_status look(cli *c, cli_source *from, const char *run)
{
    const options *o = c->options;
    cli_view v = cli_view_make(c->quiet || c->json);
    const gr_look_options how = {
        .part = from->part, .samples = o->samples, .stop = &cli_stop, .progress = progress, .user = &v};
    gr_look l = {0};
    bool *shown;
    cli_catch_signals();
    gr_status st = gr__look_open(c->ctx, &from->recipe, &from->model, &how, &l);
    cli_view_clear(&v);
    if (st != GR_OK) return st;
    GR_TRY(choose_layers(c, &l, o->layer, &shown));
    GR_TRY(cli_source_seen(c, &o->source, from, NULL));
    if (o->out) GR_TRY(write_sheet(c, &l, shown, o->out));
    /* in a folder beside the run's own events, which its training alone writes */
    const char *folder = o->events ? gr__bump_format(c->memory, "%s/inspect", run) : NULL;
    if (folder) GR_TRY(gr__look_events(&l, shown, folder));
    st = show(c, &l, shown, folder);
done:
    gr__look_close(&l);
    return st;
}

static gr_status run(cli *c)
{
    const options *o = c->options;
    cli_source s = {0};
    const char *run;
    cli_source_options source = o->source;
    if (!cli_given(c, "part")) source.split = CLI_ANY_PART;
    gr_status st = find_model(c, &run);
    if (st == GR_OK) st = check_options(c, o, run);
    if (st == GR_OK) st = cli_source_open(c, &source, &s);
    if (st == GR_OK) st = look(c, &s, run);
    cli_source_close(c, &s);
    return st;
}

static const cli_option rows[] = {
    CLI_SOURCE_OPTIONS_AS("part", options, source, GR_PART_VALIDATION, "validation, or where there is none train,"),
    CLI_OPTION(options, layer, TEXT, "layer", "NAME", "this layer alone, or those of a pattern such as 'c*'"),
    CLI_OPTION(options, samples, WHOLE, "samples", "N", "at most so many, drawn by the recipe's seed; all unless given",
               .low = 1, .high = 1e15),
    CLI_OPTION(options, out, TEXT, "out", "FILE", "a sheet of histograms, filters and maps: .html or .png",
               .letter = 'o'),
    CLI_OPTION(options, events, SWITCH, "events", NULL,
               "of a run: the same for TensorBoard, into inspect/events in its folder"),
};

GR_COMMAND(inspect) = {
    .name = "inspect",
    .place = 17,
    .usage = "MODEL|RUN [--layer NAME] [--part PART] [-o FILE.html|FILE.png]",
    .summary = "A model from inside: what its layers give, dead units, gradients, first filters",
    .help =
        "A run is the folder that train writes; its best model is looked at. Numbers are those of evaluation: nothing "
        "is "
        "left out at random, norms take their\nrunning statistics. A line a layer:\n\n"
        "  mean, std, min, max  of what it gives over all samples; zeros: the share of them that are 0\n"
        "  dead       share of a rectifier's units that give 0 for every sample: nothing is learned through them\n"
        "  at ends    share of a sigmoid's, tanh's or ReLU6's numbers within 0.25 % of an end of its range, where next "
        "to "
        "no gradient gets through\n"
        "  slope      root mean square of the gradient of a sample's cost with respect to what the layer gives\n"
        "  weights    root mean square of its weights; gradients: of the mean cost's gradient with respect to them; "
        "ratio: the second by the first\n\n"
        "Slopes that shrink from layer to layer towards the input fade, those that grow explode. The edge score of the "
        "first convolution fits Gabor functions to its\nfilters: 0 is what random filters reach, 1 edges and bars.\n\n"
        "A look at the test part is counted, as one of eval is.\n\n"
        "Examples\n  gradus inspect runs/fashion\n  gradus inspect runs/fashion -o inside.html\n  gradus inspect "
        "runs/fashion/last.safetensors --layer c1 --part train\n",
    CLI_OPTIONS(options, rows),
    .min_arguments = 1,
    .max_arguments = 1,
    .run = run};
