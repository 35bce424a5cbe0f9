/* gradus check: is the recipe's model, with its data and its initial weights, fit for training? Each check has a
 * verdict, a figure and what to do about it. */
#include <math.h>

#include "cli/cli.h"
#include "cli/progress.h"
#include "study/check/check.h"

typedef struct options {
    bool gradients, init;
    const char *only, *skip, *sheets, *model;
    int64_t steps;
} options;

/* ---- findings ---- */

static const char *const loud_words[] = {"ok", "warning", "FAILED", "skipped"}; /* what stands out */
static const gr_column finding_columns[] = {
    GR_COLUMN(gr_finding, verdict, INT, NULL, GR_SHOWN("", -8), .words = loud_words),
    GR_COLUMN(gr_finding, id, TEXT, "id", GR_SHOWN("", -3)),
    GR_COLUMN(gr_finding, name, TEXT, "name", GR_SHOWN("", -15)),
    GR_COLUMN(gr_finding, verdict, INT, "verdict", .words = gr__verdict_words),
    GR_COLUMN(gr_finding, figure, REAL, "figure", GR_SHOWN("", 10), .digits = 4, .none = "-"),
    GR_COLUMN(gr_finding, limit, REAL, "limit"),
    GR_COLUMN(gr_finding, message, CHARS, "message", GR_SHOWN("", 0), .gap = 1),
    GR_COLUMN(gr_finding, fix, CHARS, "fix"),
};

static gr_status conclude(cli *c, const gr_finding *f, int n)
{
    const gr_finding *first;
    int failed = gr__findings_failed(f, n, &first);
    return failed ? gr__fail(c->ctx, GR_E_CHECK, "%d of %d checks failed, the first is %s", failed, n, first->name)
                  : GR_OK;
}

/* ---- one at a time ---- */

static double judged_error(const void *row)
{
    const gr_gradient_row *r = row;
    return r->judged ? r->error : NAN;
}

static double right(const void *row)
{
    return !((const gr_gradient_row *)row)->wrong;
}

static double status(const void *row)
{
    const gr_gradient_row *r = row;
    return r->wrong ? 0 : r->judged ? 1 : r->checked ? 2 : 3;
}
static const char *const status_words[] = {"WRONG", "ok", "not judged", "not looked at"};

static const gr_column gradient_columns[] = {
    GR_COLUMN(gr_gradient_row, name, TEXT, "name", GR_SHOWN("parameter", -32)),
    GR_COLUMN(gr_gradient_row, count, WHOLE, "count", GR_SHOWN("elements", 12)),
    GR_COLUMN(gr_gradient_row, checked, WHOLE, "checked", GR_SHOWN("checked", 8)),
    GR_COLUMN(gr_gradient_row, judged, WHOLE, "judged", GR_SHOWN("judged", 8)),
    GR_COLUMN(gr_gradient_row, error, REAL, NULL, GR_SHOWN("error", 12), .digits = 2, .style = 'e'),
    GR_COLUMN(gr_gradient_row, error, REAL, "error", .number = judged_error),
    GR_COLUMN(gr_gradient_row, wrong, TRUTH, "passed", .number = right),
    GR_COLUMN(gr_gradient_row, wrong, INT, NULL, GR_SHOWN("", 0), .words = status_words, .number = status, .gap = 1),
};

static gr_status gradients(cli *c, const gr_recipe *recipe)
{
    gr_gradient_row *rows = NULL;
    size_t n = 0;
    gr_finding f = {.id = "P4", .name = "gradients"};
    cli_view v = cli_view_make(c->quiet || c->json); /* where a program reads, nobody is told */
    gr_status st = gr__check_gradients(c->ctx, recipe, &(gr_gradient_options){GR_GRADIENT_MANY, 0, cli_view_watch(&v)},
                                       &rows, &n, c->memory, &f);
    cli_view_clear(&v);
    if (st != GR_OK) return st;
    bool failed = f.verdict == GR_VERDICT_FAILED;
    gr_result *r = cli_result(c);
    GR_TABLE(r, "gradients", gradient_columns, rows, n);
    gr__result_put(r, "limit=%g passed=%u", GR_GRADIENT_LIMIT, !failed);
    if (!failed) gr__result_note(r, "%s\n", f.message);
    st = cli_show(c, r);
    return st == GR_OK && failed ? gr__fail(c->ctx, GR_E_CHECK, "%s", f.message) : st;
}

static const gr_column init_columns[] = {
    GR_COLUMN(gr_init_row, name, TEXT, "name", GR_SHOWN("layer", -24)),
    GR_COLUMN(gr_init_row, type, TEXT, "type", GR_SHOWN("type", -16)),
    GR_COLUMN(gr_init_row, activation.mean, REAL, "activation/mean", GR_SHOWN("mean", 11), .digits = 3),
    GR_COLUMN(gr_init_row, activation.variance, REAL, "activation/variance", GR_SHOWN("variance", 11), .digits = 3),
    GR_COLUMN(gr_init_row, activation.square, REAL, "activation/mean_square"),
    GR_COLUMN(gr_init_row, gradient.mean, REAL, "gradient/mean", GR_SHOWN("gradient mean", 13), .digits = 3),
    GR_COLUMN(gr_init_row, gradient.variance, REAL, "gradient/variance", GR_SHOWN("gradient var", 13), .digits = 3),
    GR_COLUMN(gr_init_row, gradient.square, REAL, "gradient/mean_square"),
};

static gr_status initialisation(cli *c, const gr_recipe *recipe)
{
    gr_init_row *rows = NULL;
    size_t n = 0;
    gr_probe p = {0};
    gr_finding f[] = {{.id = "I1", .name = "symmetry"}, {.id = "I2", .name = "initialisation"}};
    gr_status st = GR_OK;
    GR_TRY(gr__probe_open(c->ctx, recipe, &p));
    GR_TRY(gr__check_symmetry(&p, &f[0]));
    GR_TRY(gr__check_init(&p, c->memory, &rows, &n, &f[1]));
    gr_result *r = cli_result(c);
    GR_TABLE(r, "layers", init_columns, rows, n);
    GR_TABLE(r, "checks", finding_columns, f, GR_COUNT(f));
    gr__result_put(r, "passed=%u", f[1].verdict != GR_VERDICT_FAILED);
    GR_TRY(cli_show(c, r));
    st = conclude(c, f, (int)GR_COUNT(f));
done:
    gr__probe_close(&p);
    return st;
}

/* ---- all ---- */

static const gr_column tensor_columns[] = {
    GR_COLUMN(gr_format_row, name, TEXT, "name"),
    GR_COLUMN(gr_format_row, kind, TEXT, "kind"),
    GR_COLUMN(gr_format_row, format, TEXT, "format"),
};

/* What text shows of a rule: one line, whatever the number of its ids, unless it was not asked for. */
typedef struct line {
    gr_finding f;
    const char *ids;
} line;
static const gr_column line_columns[] = {
    GR_COLUMN(line, f.verdict, INT, NULL, GR_SHOWN("", -8), .words = loud_words),
    GR_COLUMN(line, ids, TEXT, NULL, GR_SHOWN("", -6)),
    GR_COLUMN(line, f.name, TEXT, NULL, GR_SHOWN("", -15)),
    GR_COLUMN(line, f.figure, REAL, NULL, GR_SHOWN("", 10), .digits = 4, .none = "-"),
    GR_COLUMN(line, f.message, CHARS, NULL, GR_SHOWN("", 0), .gap = 1),
};

static const gr_column check_columns[] = {
    GR_COLUMN(gr_finding, id, TEXT, "id"),
    GR_COLUMN(gr_finding, name, TEXT, "name"),
    GR_COLUMN(gr_finding, verdict, INT, "verdict", .words = gr__verdict_words),
    GR_COLUMN(gr_finding, figure, REAL, "figure"),
    GR_COLUMN(gr_finding, limit, REAL, "limit"),
    GR_COLUMN(gr_finding, message, CHARS, "message"),
    GR_COLUMN(gr_finding, fix, CHARS, "fix"),
};

static size_t lines_of(gr_result *r, const gr_checked *all, line **out)
{
    size_t n = 0;
    line *lines = *out = gr__result_alloc(r, GR_CHECKS * sizeof *lines);
    int at[GR_CHECKS];
    for (int i = 0; i < GR_CHECKS && lines; i++) at[i] = -1;
    for (int i = 0; i < GR_CHECKS && lines; i++) {
        const gr_finding *f = &all->finding[i];
        int *first = &at[all->with[i]];
        if (all->left_out[i]) continue;
        if (*first >= 0)
            lines[*first].ids = gr__result_text(r, "%s %s", lines[*first].ids, f->id);
        else
            lines[ *first = (int)n++] = (line){*f, f->id};
    }
    return n;
}

static void note_fixes(gr_result *r, const line *lines, size_t n)
{
    bool any = false;
    for (size_t i = 0; i < n; i++) {
        if (!lines[i].f.fix[0]) continue;
        gr__result_note(r, "%s  %s\n",
                        any ? "" : "\nWhat mends it: `KEY: VALUE` for --set KEY=VALUE or the recipe, or a command\n",
                        lines[i].ids);
        cli_lines(r, "    ", lines[i].f.fix);
        any = true;
    }
}

static gr_status everything(cli *c, const gr_recipe *recipe)
{
    const options *given = c->options;
    const gr_finding *first;
    gr_checked *all = gr__bump_alloc(c->memory, sizeof *all);
    line *lines = NULL;
    if (!all) return GR_E_MEMORY;
    cli_view v = cli_view_make(c->quiet || c->json);
    const gr_check_options o = {.only = given->only,
                                .skip = given->skip,
                                .steps = given->steps,
                                .sheets = given->sheets,
                                .model = given->model,
                                .watch = cli_view_watch(&v)};
    gr_status st = gr__check_all(c->ctx, recipe, &o, c->memory, all);
    cli_view_clear(&v);
    if (st != GR_OK) return st;
    gr_result *r = cli_result(c);
    size_t n = lines_of(r, all, &lines);
    GR_TABLE(r, NULL, line_columns, lines, n);
    note_fixes(r, lines, n);
    GR_TABLE(r, "checks", check_columns, all->finding, GR_CHECKS);
    GR_TABLE(r, "tensors", tensor_columns, all->formats, all->n_formats);
    gr__result_put(r, "passed=%u", gr__findings_failed(all->finding, GR_CHECKS, &first) == 0);
    st = cli_show(c, r);
    gr_finding *told = gr__result_alloc(r, (n + 1) * sizeof *told);
    for (size_t i = 0; i < n && told; i++) told[i] = lines[i].f;
    return st == GR_OK && told ? conclude(c, told, (int)n) : st;
}

static gr_status run(cli *c)
{
    gr_recipe *r = NULL;
    const options *o = c->options;
    if (o->gradients && o->init)
        return gr__fail(c->ctx, GR_E_USAGE,
                        "check: --gradients and --init each restrict to one check; without them all are made");
    gr_status st = cli_recipe(c, c->argument[0], &r);
    if (st != GR_OK) return st;
    bool chosen = o->only || o->skip || o->steps || o->sheets || o->model;
    if ((o->gradients || o->init) && chosen)
        st = gr__fail(
            c->ctx, GR_E_USAGE,
            "check: --only, --skip, --steps, --sheets and --model go with all checks, not with --gradients or --init");
    else
        st = o->gradients ? gradients(c, r) : o->init ? initialisation(c, r) : everything(c, r);
    gr__recipe_close(c->ctx, r);
    return st;
}

static const cli_option rows[] = {
    CLI_OPTION(
        options, gradients, SWITCH, "gradients", NULL,
        "only back-propagation against central differences in float64, with more elements and a line a parameter"),
    CLI_OPTION(options, init, SWITCH, "init", NULL,
               "only the initial weights: mean and variance of activations and gradients, a line a layer"),
    CLI_OPTION(options, only, TEXT, "only", "IDS", "only these checks: T3,X9"),
    CLI_OPTION(options, skip, TEXT, "skip", "IDS", "all but these"),
    CLI_OPTION(options, sheets, TEXT, "sheets", "DIR",
               "writes what there is to look at: samples.html (X2), activations.html (X6), mistakes.html (X10), "
               "rates.csv (X13)",
               .letter = 'o'),
    CLI_OPTION(options, model, TEXT, "model", "MODEL", "X10: the mistakes of this model, not of a short training"),
    CLI_OPTION(options, steps, WHOLE, "steps", "N",
               "updates of a short training at most; unless given, as many as its bound on arithmetic allows", .low = 1,
               .high = 1e9),
};

GR_COMMAND(check) = {
    .name = "check",
    .place = 10,
    .usage = "RECIPE [--only IDS] [--skip IDS] [--steps N] [--sheets DIR] [--model MODEL] | --gradients | --init",
    .summary = "Checks a recipe's data, outputs, initial cost, weights and gradients before training",
    .help =
        "Each rule has a line: verdict, the ids that the chapter's checks and steps have here, figure, and what was "
        "seen "
        "or is to be done; below them stands what can be pasted.\n"
        "Exit code 1 when one fails; warnings leave it 0. `gradus explain checks` lists them, `gradus explain X9` "
        "tells "
        "what one does, its threshold and where that is from.\n"
        "Short trainings start from the recipe's own initial weights and data, by seeds that follow from the recipe's, "
        "and leave nothing behind: no file is written and no run touched.\n\n"
        "Examples\n  gradus check recipes/fashion.yaml\n  gradus check my.yaml --only T3,T4,T5\n  gradus check my.yaml "
        "--skip X12,X13 --json\n",
    CLI_OPTIONS(options, rows),
    .min_arguments = 1,
    .max_arguments = 1,
    .run = run};
