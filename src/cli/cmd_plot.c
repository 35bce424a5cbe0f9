/* gradus plot: cost, error and rate of runs, in the terminal and as SVG. */
#include <math.h>
#include <string.h>
#include <unistd.h>

#include "base/file.h"
#include "cli/json.h"
#include "cli/terminal.h"
#include "report/plot.h"
#include "train/history.h"

enum { PANELS = 3, FEW = 60, MOST_RUNS = 64, MOST_SERIES = 2 * MOST_RUNS };

/* A run as it is drawn. */
typedef struct shown {
    const char *label;
    gr_history h;
} shown;

static const struct {
    const char *key, *title, *unit;
} axes[] = {{"step", "step", "updates"},
            {"epoch", "epoch", "epochs"},
            {"samples", "samples", "samples"},
            {"seconds", "seconds", "seconds"}};

static const struct panel {
    const char *title, *y;
    const char *every, *evaluated; /* a number a line, a number an evaluation; NULL: none */
} panels[PANELS] = {{"Cost", "cost", "train_cost", "validation_cost"},
                    {"Validation error", "error", NULL, "validation_error"},
                    {"Learning rate", "rate", "lr", NULL}};

/* ---- runs ---- */

static const char *last_part(cli *c, const char *path)
{
    size_t n = strlen(path);
    while (n > 1 && path[n - 1] == '/') n--;
    const char *text = gr__bump_format(c->memory, "%.*s", (int)n, path);
    const char *slash = text ? strrchr(text, '/') : NULL;
    return slash && slash[1] ? slash + 1 : text;
}

/* Each run by the last part of its path, or by all of it where two would be called alike. */
static gr_status label_runs(cli *c, shown *runs, int n)
{
    for (int i = 0; i < n; i++)
        if (!(runs[i].label = last_part(c, c->argument[i]))) return GR_E_MEMORY;
    for (int i = 0; i < n; i++)
        for (int j = 0; j < n; j++)
            if (j != i && strcmp(last_part(c, c->argument[i]), runs[j].label) == 0) runs[i].label = c->argument[i];
    for (int i = 0; i < n; i++) {
        char text[4200];
        runs[i].label = gr__bump_strdup(c->memory, gr__shown(text, sizeof text, runs[i].label, strlen(runs[i].label)));
        if (!runs[i].label) return GR_E_MEMORY;
    }
    return GR_OK;
}

static gr_status open_runs(cli *c, shown *runs, int n)
{
    gr_status st = label_runs(c, runs, n);
    for (int i = 0; i < n && st == GR_OK; i++) {
        st = gr__history_read(c->ctx, c->argument[i], &runs[i].h);
        if (st == GR_OK && runs[i].h.cut)
            gr__log(c->ctx, GR_LOG_WARNING, "%s: the last line of metrics.jsonl is not whole and is left out",
                    c->argument[i]);
        if (st == GR_OK && runs[i].h.n == 0)
            gr__log(c->ctx, GR_LOG_WARNING, "%s: nothing is recorded yet", c->argument[i]);
    }
    return st;
}

/* ---- series ---- */

/* The numbers of a key, of all lines or of evaluations, against those of x. False: no line has the key. */
static gr_status pick(cli *c, const shown *r, const char *x, const char *y, bool evaluated, gr_series *s)
{
    const double *xs = gr__history_column(&r->h, x), *ys = gr__history_column(&r->h, y);
    double *copy = gr__bump_alloc(c->memory, sizeof *copy * 2 * (r->h.n + 1));
    size_t n = 0, finite = 0;
    if (!copy) return GR_E_MEMORY;
    for (size_t i = 0; i < r->h.n && xs && ys; i++) {
        if (evaluated && !r->h.evaluated[i]) continue;
        copy[n] = xs[i];
        copy[r->h.n + n] = ys[i];
        finite += isfinite(xs[i]) && isfinite(ys[i]);
        n++;
    }
    *s = (gr_series){.n = finite ? n : 0, .x = copy, .y = copy + r->h.n};
    if (finite <= FEW || evaluated)
        s->mark = finite > 4 * FEW ? GR_MARK_DASHED : GR_MARK_PATH; /* so that one alone is seen */
    return GR_OK;
}

static const char *series_label(cli *c, const shown *r, const struct panel *p, bool evaluated, int n_runs)
{
    const char *what = evaluated ? "validation" : "training";
    if (!p->every || !p->evaluated) return r->label;
    return n_runs == 1 ? what : gr__bump_format(c->memory, "%s, %s", r->label, what);
}

/* Fills one panel; n_series 0: there is nothing to draw. */
static gr_status make_panel(cli *c, const shown *runs, int n, const struct panel *p, int axis, gr_plot *out)
{
    gr_series *series = gr__bump_alloc(c->memory, sizeof *series * MOST_SERIES);
    gr_status st = GR_OK;
    if (!series) return GR_E_MEMORY;
    *out = (gr_plot){.title = p->title,
                     .x = {.label = axes[axis].unit},
                     .y = {.label = p->y, .log = strcmp(p->y, "cost") == 0 && cli_value(c, "log")},
                     .series = series,
                     .height = 360};
    for (int i = 0; i < n; i++)
        for (int evaluated = 0; evaluated < 2 && st == GR_OK; evaluated++) {
            const char *key = evaluated ? p->evaluated : p->every;
            gr_series *s = &series[out->n_series];
            if (!key) continue;
            st = pick(c, &runs[i], axes[axis].key, key, evaluated, s);
            if (st != GR_OK || s->n == 0) continue;
            s->colour = n == 1 ? evaluated + 1 : i + 1;
            if (!(s->label = series_label(c, &runs[i], p, evaluated, n))) return GR_E_MEMORY;
            out->n_series++;
        }
    return st;
}

/* ---- output ---- */

static gr_status write_svg(cli *c, const gr_plot *plots, int n, const char *path)
{
    gr__text t;
    gr__text_init(&t, c->ctx);
    gr_status st = gr__plots_svg(plots, n, &t);
    if (st == GR_OK) st = gr__file_write(c->ctx, path, t.s, t.n);
    gr__text_free(&t);
    return st;
}

static gr_status print_text(cli *c, const gr_plot *plots, int n)
{
    gr_text_style style = {
        .columns = cli_columns(STDOUT_FILENO), .lines = 10, .utf8 = cli_utf8(), .colour = cli_colour(STDOUT_FILENO)};
    gr_status st = GR_OK;
    for (int i = 0; i < n && st == GR_OK; i++) {
        gr__text t;
        gr__text_init(&t, c->ctx);
        st = gr__plot_text(&plots[i], &style, &t);
        if (st == GR_OK) printf("%s%s", i ? "\n" : "", t.s);
        gr__text_free(&t);
    }
    return st;
}

/* Every column, of the lines that are evaluations or of all. */
static json_t *columns_json(const gr_history *h, bool evaluated)
{
    json_t *o = json_object();
    for (int i = 0; i < h->n_columns; i++) {
        bool of_evaluation = strstr(h->name[i], "validation_") != NULL; /* of averaged weights: swa_validation_... */
        bool place = strcmp(h->name[i], "step") == 0 || strcmp(h->name[i], "epoch") == 0;
        if (of_evaluation != evaluated && !(evaluated && place)) continue;
        json_t *list = json_array();
        for (size_t k = 0; k < h->n; k++)
            if (!evaluated || h->evaluated[k]) json_array_append_new(list, cli_real(h->column[i][k]));
        json_object_set_new(o, h->name[i], list);
    }
    return o;
}

static gr_status print_json(cli *c, const shown *runs, int n, const char *file)
{
    json_t *list = json_array();
    for (int i = 0; i < n; i++)
        json_array_append_new(list, json_pack("{s:o, s:o, s:I, s:o, s:o}", "run", cli_text(c->argument[i]), "label",
                                              cli_text(runs[i].label), "n", (json_int_t)runs[i].h.n, "lines",
                                              columns_json(&runs[i].h, false), "evaluations",
                                              columns_json(&runs[i].h, true)));
    return cli_json(c, json_pack("{s:o, s:o}", "runs", list, "file", file ? cli_text(file) : json_null()));
}

/* ---- the command ---- */

static gr_status axis_of(cli *c, int *axis)
{
    const char *names[GR_COUNT(axes)], *given = cli_value(c, "x");
    *axis = 0;
    for (size_t i = 0; i < GR_COUNT(axes); i++) {
        names[i] = axes[i].title;
        if (given && strcmp(given, axes[i].title) == 0) *axis = (int)i, given = NULL;
    }
    if (!given) return GR_OK;
    gr__fail(c->ctx, GR_E_USAGE, "--x %s is not one of step, epoch, samples, seconds", given);
    const char *near = gr__nearest(given, names, GR_COUNT(names));
    if (near) gr__error_hint(c->ctx, "did you mean --x %s?", near);
    return GR_E_USAGE;
}

/* One range of x for all, so that they can be read one below the other. */
static void align(gr_plot *plots, int n)
{
    double low = INFINITY, high = -INFINITY;
    for (int i = 0; i < n; i++)
        for (int k = 0; k < plots[i].n_series; k++)
            for (size_t j = 0; j < plots[i].series[k].n; j++) {
                low = fmin(low, plots[i].series[k].x[j]); /* fmin and fmax leave out what is NaN */
                high = fmax(high, plots[i].series[k].x[j]);
            }
    double margin = 0.02 * (high - low);
    for (int i = 0; i < n && isfinite(margin); i++) plots[i].x.low = low - margin, plots[i].x.high = high + margin;
}

static gr_status show(cli *c, const shown *runs, int n, int axis)
{
    gr_plot plots[PANELS];
    const char *out = cli_value(c, "out");
    int n_plots = 0;
    for (int i = 0; i < PANELS; i++) {
        gr_status st = make_panel(c, runs, n, &panels[i], axis, &plots[n_plots]);
        if (st != GR_OK) return st;
        n_plots += plots[n_plots].n_series > 0;
    }
    if (n_plots == 0 && !c->json)
        return gr__fail(c->ctx, GR_E_DATA, "there is nothing to draw: no line of %s has a number",
                        n == 1 ? "the run" : "these runs");
    align(plots, n_plots);
    gr_status st = out ? write_svg(c, plots, n_plots, out) : GR_OK;
    if (st != GR_OK) return st;
    if (c->json) return print_json(c, runs, n, out);
    if (c->quiet) return GR_OK;
    st = print_text(c, plots, n_plots);
    if (st == GR_OK && out) printf("\n%s\n", cli_shown(c, out));
    return st;
}

static gr_status run(cli *c)
{
    int axis = 0, n = c->n_arguments;
    shown *runs = gr__bump_alloc(c->memory, sizeof *runs * (size_t)n);
    static const char *const endings[] = {"svg", NULL};
    const char *out = cli_value(c, "out");
    if (!runs) return GR_E_MEMORY;
    gr_status st =
        c->n_sets ? gr__fail(c->ctx, GR_E_USAGE, "--set %s: plot draws what is there", c->set[0]) : axis_of(c, &axis);
    if (st == GR_OK && out) st = cli_check_ending(c, out, "a drawing in SVG", endings);
    if (st == GR_OK) st = open_runs(c, runs, n);
    if (st == GR_OK) st = show(c, runs, n, axis);
    for (int i = 0; i < n; i++) gr__history_free(&runs[i].h);
    return st;
}

static const cli_flag flags[] = {
    {"out", "FILE", "the drawing as SVG, its plots one below the other", 'o'},
    {"x", "AXIS", "step (updates; the default), epoch, samples or seconds", 0},
    {"log", NULL, "a logarithmic axis for the cost", 0},
    {0},
};

const cli_command cmd_plot = {
    .name = "plot",
    .usage = "RUN... [-o FILE.svg] [--x AXIS] [--log]",
    .summary = "Draws cost, error and rate of runs, in the terminal and as SVG",
    .help = "A run is the folder that train writes. Several are laid over each other, each by the name of its folder. "
            "What is not finite leaves a gap.\n"
            "With --json the numbers: a list a key of metrics.jsonl, of all lines and of the evaluations.\n\n"
            "Examples\n  gradus plot runs/digits\n  gradus plot runs/a runs/b --x epoch -o both.svg\n",
    .flags = flags,
    .min_arguments = 1,
    .max_arguments = MOST_RUNS,
    .run = run};
