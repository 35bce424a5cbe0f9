/* gradus plot: cost, error and rate of runs, in the terminal and as SVG. */
#include <math.h>
#include <string.h>
#include <unistd.h>

#include "base/file.h"
#include "cli/cli.h"
#include "cli/terminal.h"
#include "result/plot.h"
#include "train/history.h"

typedef struct options {
    const char *out;
    int axis;
    bool log;
} options;

enum { MOST_PANELS = 32, FEW = 60, MOST_RUNS = 64, MOST_SERIES = 2 * MOST_RUNS };

/* A run as it is drawn. */
typedef struct shown {
    const char *label;
    gr_history h;
} shown;

static const char *const axis_words[] = {"step", "epoch", "samples", "seconds", NULL}; /* keys of a line */
static const char *const axis_units[] = {"updates", "epochs", "samples", "seconds"};

typedef struct panel {
    const char *title, *y;
    const char *every, *evaluated; /* a number a line, a number an evaluation; NULL: none */
} panel;

/* Cost, the errors, the rate. */
typedef struct panels {
    panel at[MOST_PANELS];
    int n;
} panels;

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

/* The head whose error the key is, "kind" of "validation_kind_error"; false: it is no such key. */
static bool head_of(const char *key, const char **head, int *length)
{
    static const char before[] = "validation_", after[] = "_error";
    size_t n = strlen(key), most = sizeof before + sizeof after - 2;
    if (n <= most || strncmp(key, before, sizeof before - 1) != 0 || strcmp(key + n - sizeof after + 1, after) != 0)
        return false;
    *head = key + sizeof before - 1;
    *length = (int)(n - most);
    return true;
}

static bool has_panel(const panels *p, const char *key)
{
    for (int i = 0; i < p->n; i++)
        if (p->at[i].evaluated && strcmp(p->at[i].evaluated, key) == 0) return true;
    return false;
}

/* Heads with names have an error each, and a panel: one may be a share, another in units of its values. */
static gr_status list_panels(cli *c, const shown *runs, int n, panels *out)
{
    *out = (panels){
        {{"Cost", "cost", "train_cost", "validation_cost"}, {"Validation error", "error", NULL, "validation_error"}},
        2};
    for (int i = 0; i < n; i++)
        for (int k = 0; k < runs[i].h.n_columns && out->n < MOST_PANELS - 1; k++) {
            const char *key = runs[i].h.name[k], *head;
            char name[200];
            int length;
            if (!head_of(key, &head, &length) || has_panel(out, key)) continue;
            gr__shown(name, sizeof name, head, (size_t)length);
            const char *title = gr__bump_format(c->memory, "Validation error of %s", name);
            if (!title) return GR_E_MEMORY;
            out->at[out->n++] = (panel){title, "error", NULL, key};
        }
    out->at[out->n++] = (panel){"Learning rate", "rate", "lr", NULL};
    return GR_OK;
}

static const char *series_label(cli *c, const shown *r, const panel *p, bool evaluated, int n_runs)
{
    const char *what = evaluated ? "validation" : "training";
    if (!p->every || !p->evaluated) return r->label;
    return n_runs == 1 ? what : gr__bump_format(c->memory, "%s, %s", r->label, what);
}

/* Fills one panel; n_series 0: there is nothing to draw. */
static gr_status make_panel(cli *c, const shown *runs, int n, const panel *p, int axis, gr_plot *out)
{
    const options *o = c->options;
    gr_series *series = gr__bump_alloc(c->memory, sizeof *series * MOST_SERIES);
    gr_status st = GR_OK;
    if (!series) return GR_E_MEMORY;
    *out = (gr_plot){.title = p->title,
                     .x = {.label = axis_units[axis]},
                     .y = {.label = p->y, .log = strcmp(p->y, "cost") == 0 && o->log},
                     .series = series,
                     .height = 360};
    for (int i = 0; i < n; i++)
        for (int evaluated = 0; evaluated < 2 && st == GR_OK; evaluated++) {
            const char *key = evaluated ? p->evaluated : p->every;
            gr_series *s = &series[out->n_series];
            if (!key) continue;
            st = pick(c, &runs[i], axis_words[axis], key, evaluated, s);
            if (st != GR_OK || s->n == 0) continue;
            s->colour = n == 1 ? evaluated + 1 : i + 1;
            if (!(s->label = series_label(c, &runs[i], p, evaluated, n))) return GR_E_MEMORY;
            out->n_series++;
        }
    return st;
}

/* ---- output ---- */

static bool is_csv(const char *path)
{
    const char *dot = strrchr(path, '.');
    return dot && strcasecmp(dot, ".csv") == 0;
}

/* Columns of all runs, in the order in which they come; a row a line of metrics.jsonl, its numbers to the same bits. */
static void add_csv(const shown *runs, int n, gr__text *t)
{
    const char *name[GR_HISTORY_COLUMNS];
    int names = 0;
    char number[32];
    for (int i = 0; i < n; i++)
        for (int k = 0; k < runs[i].h.n_columns; k++) {
            int at = 0;
            while (at < names && strcmp(name[at], runs[i].h.name[k]) != 0) at++;
            if (at == names && names < GR_HISTORY_COLUMNS) name[names++] = runs[i].h.name[k];
        }
    gr__text_put(t, "run", 3);
    for (int k = 0; k < names; k++) gr__text_put(t, ",", 1), gr__csv_text(t, name[k]);
    gr__text_put(t, "\n", 1);
    for (int i = 0; i < n; i++)
        for (size_t row = 0; row < runs[i].h.n; row++) {
            gr__csv_text(t, runs[i].label);
            for (int k = 0; k < names; k++) {
                const double *x = gr__history_column(&runs[i].h, name[k]);
                gr__text_add(t, ",%s", x && !isnan(x[row]) ? gr__double_text(x[row], number) : "");
            }
            gr__text_put(t, "\n", 1);
        }
}

static gr_status write_file(cli *c, const shown *runs, int n_runs, const gr_plot *plots, int n, const char *path)
{
    gr__text t;
    gr__text_init(&t, c->ctx);
    gr_status st = is_csv(path) ? GR_OK : gr__plots_svg(plots, n, &t);
    if (is_csv(path)) add_csv(runs, n_runs, &t);
    if (t.failed) st = GR_E_MEMORY;
    if (st == GR_OK) st = gr__file_write(c->ctx, path, t.s, t.n);
    gr__text_free(&t);
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
            if (!evaluated || h->evaluated[k]) json_array_append_new(list, gr__json_real(h->column[i][k]));
        json_object_set_new(o, h->name[i], list);
    }
    return o;
}

typedef struct row {
    const char *run, *label;
    int64_t n;
    json_t *lines, *evaluations;
} row;
static const gr_column run_columns[] = {
    GR_COLUMN(row, run, TEXT, "run"),
    GR_COLUMN(row, label, TEXT, "label"),
    GR_COLUMN(row, n, WHOLE, "n"),
    GR_COLUMN(row, lines, JSON, "lines"),
    GR_COLUMN(row, evaluations, JSON, "evaluations"),
};

static void add_runs(cli *c, gr_result *r, const shown *runs, int n, const char *file)
{
    row *rows = gr__result_alloc(r, sizeof *rows * (size_t)n);
    for (int i = 0; i < n && rows; i++)
        rows[i] = (row){c->argument[i], runs[i].label, (int64_t)runs[i].h.n, columns_json(&runs[i].h, false),
                        columns_json(&runs[i].h, true)};
    GR_TABLE(r, "runs", run_columns, rows, rows ? n : 0);
    gr__result_put(r, "file=%s", file);
}

/* ---- the command ---- */

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

static gr_status show(cli *c, const shown *runs, int n)
{
    gr_plot plots[MOST_PANELS];
    panels all;
    const options *o = c->options;
    const char *out = o->out;
    int n_plots = 0;
    gr_status st = list_panels(c, runs, n, &all);
    for (int i = 0; i < all.n && st == GR_OK; i++) {
        st = make_panel(c, runs, n, &all.at[i], o->axis, &plots[n_plots]);
        n_plots += st == GR_OK && plots[n_plots].n_series > 0;
    }
    if (st != GR_OK) return st;
    if (n_plots == 0 && !c->json)
        return gr__fail(c->ctx, GR_E_DATA, "there is nothing to draw: no line of %s has a number",
                        n == 1 ? "the run" : "these runs");
    align(plots, n_plots);
    if (out) st = write_file(c, runs, n, plots, n_plots, out);
    if (st != GR_OK) return st;
    const gr_text_style style = {
        .columns = cli_columns(STDOUT_FILENO), .lines = 10, .utf8 = cli_utf8(), .colour = cli_colour(STDOUT_FILENO)};
    gr_result *r = cli_result(c);
    if (c->json) add_runs(c, r, runs, n, out);
    for (int i = 0; i < n_plots; i++) {
        if (i) gr__result_note(r, "\n");
        gr__result_plot(r, &plots[i], &style);
    }
    if (out) gr__result_note(r, "\n%s\n", cli_shown(c, out));
    return cli_show(c, r);
}

static gr_status run(cli *c)
{
    int n = c->n_arguments;
    shown *runs = gr__bump_alloc(c->memory, sizeof *runs * (size_t)n);
    static const char *const endings[] = {"svg", "csv", NULL};
    const char *out = ((const options *)c->options)->out;
    if (!runs) return GR_E_MEMORY;
    gr_status st =
        c->sets.n ? gr__fail(c->ctx, GR_E_USAGE, "--set %s: plot draws what is there", c->sets.at[0]) : GR_OK;
    if (st == GR_OK && out) st = cli_check_ending(c, out, "a drawing in SVG or the numbers as CSV", endings);
    if (st == GR_OK) st = open_runs(c, runs, n);
    if (st == GR_OK) st = show(c, runs, n);
    for (int i = 0; i < n; i++) gr__history_free(&runs[i].h);
    return st;
}

static const cli_option rows[] = {
    CLI_OPTION(
        options, out, TEXT, "out", "FILE",
        "the drawing as SVG, its plots one below the other; or as CSV its numbers, a row a line of metrics.jsonl",
        .letter = 'o'),
    CLI_OPTION(options, axis, WORD, "x", "AXIS", "step (updates; the default), epoch, samples or seconds",
               .words = axis_words),
    CLI_OPTION(options, log, SWITCH, "log", NULL, "a logarithmic axis for the cost"),
};

GR_COMMAND(plot) = {
    .name = "plot",
    .place = 7,
    .usage = "RUN... [-o FILE.svg|FILE.csv] [--x AXIS] [--log]",
    .summary = "Draws cost, error and rate of runs, in the terminal and as SVG",
    .help = "A run is the folder that train writes. Several are laid over each other, each by the name of its folder. "
            "What is not finite leaves a gap.\n"
            "With --json the numbers: a list a key of metrics.jsonl, of all lines and of the evaluations.\n\n"
            "Examples\n  gradus plot runs/digits\n  gradus plot runs/a runs/b --x epoch -o both.svg\n",
    CLI_OPTIONS(options, rows),
    .min_arguments = 1,
    .max_arguments = MOST_RUNS,
    .run = run};
