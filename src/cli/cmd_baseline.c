/* gradus baseline: simple models on a recipe's parts, which a network has to beat. */
#include <math.h>
#include <string.h>
#include <sys/stat.h>

#include "base/file.h"
#include "cli/cli.h"
#include "cli/progress.h"
#include "study/baseline/baseline.h"

typedef struct options {
    const char *out, *xgboost;
    double c;
    int64_t rounds;
} options;

/* ---- the answer ---- */

typedef struct row {
    gr_baseline is;
    json_t *metrics;
    const char *error, *seconds, *note;
} row;

static const gr_column columns[] = {
    GR_COLUMN(row, is.name, TEXT, "name"),          GR_COLUMN(row, is.error, REAL, "validation_error"),
    GR_COLUMN(row, metrics, JSON, "metrics"),       GR_COLUMN(row, is.seconds, REAL, "seconds"),
    GR_COLUMN(row, is.settings, CHARS, "settings"),
};
static const gr_column shown_columns[] = {
    GR_COLUMN(row, is.name, TEXT, NULL, GR_SHOWN("baseline", -14)),
    GR_COLUMN(row, error, TEXT, NULL, GR_SHOWN("error", 10)),
    GR_COLUMN(row, seconds, TEXT, NULL, GR_SHOWN("seconds", 9)),
    GR_COLUMN(row, note, TEXT, NULL, GR_SHOWN("", 0), .gap = 1),
};
static const gr_column skipped_columns[] = {
    GR_COLUMN(row, is.name, TEXT, "name"),
    GR_COLUMN(row, is.skipped, CHARS, "reason"),
};

static const char *note_of(gr_result *r, const gr_baselines *all, const gr_baseline *b)
{
    const char *text = b->skipped[0] ? b->skipped : b->settings;
    for (int i = 0; i < all->metrics->n && !b->skipped[0]; i++)
        text = gr__result_text(r, "%s; %s %.4g", text, all->metrics->use[i].name, b->metric[i]);
    return text;
}

static row row_of(gr_result *r, const gr_baselines *all, const gr_baseline *b)
{
    row out = {.is = *b, .metrics = json_object(), .error = "-", .seconds = "-", .note = note_of(r, all, b)};
    for (int i = 0; i < all->metrics->n && !b->skipped[0]; i++)
        json_object_set_new(out.metrics, all->metrics->use[i].name, gr__json_real(b->metric[i]));
    if (b->skipped[0]) return out;
    out.error = gr__result_text(r, all->shares ? "%.4f" : "%.6g", b->error);
    out.seconds = gr__result_text(r, "%.2f", b->seconds);
    return out;
}

/* Those that were fitted first, then those that were not. */
static void fill(gr_result *r, const gr_baselines *all, const char *data)
{
    row *rows = gr__result_alloc(r, sizeof *rows * (size_t)GR_MAX(all->n, 1));
    size_t fitted = 0, n = 0;
    if (!rows) return;
    for (int skipped = 0; skipped < 2; skipped++)
        for (int i = 0; i < all->n; i++)
            if ((all->model[i].skipped[0] != 0) == skipped) {
                rows[n++] = row_of(r, all, &all->model[i]);
                fitted += !skipped;
            }
    gr__result_note(r, "%lld training and %lld validation samples of %lld numbers\n\n", (long long)all->training,
                    (long long)all->validation, (long long)all->numbers);
    GR_TABLE(r, NULL, shown_columns, rows, n);
    GR_TABLE(r, "baselines", columns, rows, fitted);
    GR_TABLE(r, "skipped", skipped_columns, rows + fitted, n - fitted);
    for (size_t i = fitted; i < n; i++) json_decref(rows[i].metrics);
    gr__result_put(r, "samples/train=%jd samples/validation=%jd data=%s", all->training, all->validation, data);
}

/* ---- what is kept ---- */

/* Where nobody asked for it, a folder that cannot be written to is no failure. */
static gr_status keep(cli *c, const gr_result *r, const char *folder)
{
    gr__text text;
    bool asked = ((const options *)c->options)->out;
    const char *path = gr__bump_format(c->memory, "%s/%s", folder, GR_BASELINES_FILE);
    gr__text_init(&text, c->ctx);
    gr_status st = path ? gr__present_json(r, &text) : GR_E_MEMORY;
    if (st == GR_OK) gr__text_put(&text, "\n", 1);
    if (st == GR_OK) st = gr__make_folder(c->ctx, folder);
    if (st == GR_OK) st = gr__file_write(c->ctx, path, text.s, text.n);
    gr__text_free(&text);
    if ((st == GR_E_WRITE || st == GR_E_FILE) && !asked) {
        gr__log(c->ctx, GR_LOG_WARNING, "the baselines were not kept: %s", gr_context_error(c->ctx)->message);
        gr_context_clear_error(c->ctx);
        return GR_OK;
    }
    return st;
}

/* ---- the command ---- */

static gr_status fit(cli *c, const gr_recipe *recipe, const char *folder)
{
    const options *o = c->options;
    gr_baselines *all = gr__bump_alloc(c->memory, sizeof *all);
    gr_task task = {0};
    cli_view v = cli_view_make(c->quiet || c->json);
    gr_status st = all ? GR_OK : GR_E_MEMORY;
    GR_TRY(st);
    GR_TRY(gr__task_open_as_split(c->ctx, recipe, 1u << GR_PART_TRAIN | 1u << GR_PART_VALIDATION, &task));
    GR_TRY(gr__task_metrics(&task));
    cli_catch_signals();
    const gr_baseline_options wanted = {
        .c = o->c, .rounds = o->rounds, .xgboost = o->xgboost, .stop = &cli_stop, .watch = cli_view_watch(&v)};
    st = gr__baselines_fit(&task, &wanted, all);
    cli_view_clear(&v);
    GR_TRY(st);
    gr_result *r = cli_result(c);
    const char *data = gr__baselines_data(c->ctx, c->memory, recipe);
    fill(r, all, data);
    if (!data) GR_TRY(gr__error_code(c->ctx));
    GR_TRY(keep(c, r, folder));
    st = cli_show(c, r);
done:
    gr__task_close(&task);
    return st;
}

static gr_status run(cli *c)
{
    struct stat about;
    const options *o = c->options;
    const char *argument = c->argument[0], *folder = o->out;
    bool is_run = stat(argument, &about) == 0 && S_ISDIR(about.st_mode);
    gr_recipe *r = NULL;
    const char *path = is_run ? gr__bump_format(c->memory, "%s/recipe.yaml", argument) : argument;
    gr_status st = path ? cli_recipe(c, path, &r) : GR_E_MEMORY;
    if (st != GR_OK) return st;
    if (!folder) folder = is_run ? argument : gr__bump_format(c->memory, "runs/%s", r->name);
    st = folder ? fit(c, r, folder) : GR_E_MEMORY;
    gr__recipe_close(c->ctx, r);
    return st;
}

static const cli_option rows[] = {
    CLI_OPTION(options, out, TEXT, "out", "DIR",
               "the run folder that " GR_BASELINES_FILE " goes into; default runs/NAME, as for train", .letter = 'o'),
    CLI_OPTION(options, c, REAL, "c", "C", "of the logistic regression, 1 / its penalty; 1 unless given", .low = 1e-12,
               .high = 1e12, .usual = 1),
    CLI_OPTION(options, rounds, WHOLE, "rounds", "N", "of the boosted trees; 100 unless given", .low = 1, .high = 1e6,
               .usual = 100),
    CLI_OPTION(options, xgboost, TEXT, "xgboost", "FILE",
               "the library of XGBoost; unless given libxgboost.so.0 or libxgboost.so, where the system finds it"),
};

GR_COMMAND(baseline) = {
    .name = "baseline",
    .place = 14,
    .usage = "RECIPE|RUN [--out DIR] [--c C] [--rounds N] [--xgboost FILE]",
    .summary = "Simple models on the same parts and preparation: what a network has to beat",
    .help =
        "Of classes: the most frequent class, logistic regression (L2, as scikit-learn's, to the last digits) and "
        "boosted trees. Of values: their mean, least squares (the\n"
        "shortest solution where there are many) and boosted trees. They are fitted to the training part and judged on "
        "the validation part, with the recipe's metrics; the test\n"
        "part is not opened. Balancing and augmentation are left out. Boosted trees are XGBoost's, whose library is "
        "looked for when it is wanted; without it they are skipped.\n"
        "What was found is kept as " GR_BASELINES_FILE " in the run folder, and eval and report show it beside the "
        "network's score.\n\n"
        "Examples\n  gradus baseline recipes/fashion.yaml\n  gradus baseline runs/fashion --json\n",
    CLI_OPTIONS(options, rows),
    .min_arguments = 1,
    .max_arguments = 1,
    .run = run};
