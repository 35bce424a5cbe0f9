/* gradus plot: cost, error and rate of runs, in the terminal and as SVG. */
#include <math.h>
#include <string.h>
#include <unistd.h>

#include "base/file.h"
#include "cli/cli.h"
#include "cli/terminal.h"
#include "study/report/curves.h"
#include "study/report/runs.h"

typedef struct options {
    const char *out;
    int axis;
    bool log;
} options;

/* A run as it is drawn. */
typedef struct shown {
    const char *label;
    gr_history h;
} shown;

static const char *const axis_words[] = {"step", "epoch", "samples", "seconds", NULL}; /* keys of a line */
static const char *const axis_units[] = {"updates", "epochs", "samples", "seconds"};

static gr_status open_runs(cli *c, shown *runs, int n)
{
    const char *label[GR_RUNS_MOST];
    gr_status st = gr__runs_label(c->ctx, c->memory, c->argument, n, label);
    for (int i = 0; i < n && st == GR_OK; i++) {
        runs[i].label = label[i];
        st = gr__runs_history(c->ctx, c->argument[i], &runs[i].h);
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

static gr_status show(cli *c, const shown *runs, int n)
{
    const options *o = c->options;
    const char *out = o->out;
    const gr_curves_options how = {.x = axis_words[o->axis], .unit = axis_units[o->axis], .log = o->log, .height = 360};
    gr_curves_of of[GR_RUNS_MOST];
    gr_plot *plots;
    int n_plots;
    for (int i = 0; i < n; i++) of[i] = (gr_curves_of){runs[i].label, &runs[i].h, NAN};
    gr_status st = gr__curves(c->memory, of, n, &how, &plots, &n_plots);
    if (st != GR_OK) return st;
    if (n_plots == 0 && !c->json)
        return gr__fail(c->ctx, GR_E_DATA, "there is nothing to draw: no line of %s has a number",
                        n == 1 ? "the run" : "these runs");
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
    .place = 15,
    .usage = "RUN... [-o FILE.svg|FILE.csv] [--x AXIS] [--log]",
    .summary = "Draws cost, error and rate of runs, in the terminal and as SVG",
    .help = "A run is the folder that train writes. Several are laid over each other, each by the name of its folder. "
            "What is not finite leaves a gap.\n"
            "With --json the numbers: a list a key of metrics.jsonl, of all lines and of the evaluations.\n\n"
            "Examples\n  gradus plot runs/digits\n  gradus plot runs/a runs/b --x epoch -o both.svg\n",
    CLI_OPTIONS(options, rows),
    .min_arguments = 1,
    .max_arguments = GR_RUNS_MOST,
    .run = run};
