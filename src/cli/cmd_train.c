/* gradus train: which run is meant, and what a person reads at the end. */
#include <string.h>
#include <sys/stat.h>

#include "base/file.h"
#include "cli/training.h"
#include "study/folds/folds.h"
#include "study/procedure/procedure.h"

typedef struct options {
    const char *out, *from;
    bool force, resume, overwrite;
    int procedure;           /* of gr__procedure_words; -1: none */
    int64_t patience, folds; /* folds 0: one run */
    gr_folds *told;          /* of them */
    double train_error, cyclic_end;
} options;

/* ---- what is asked for ---- */

typedef struct asked {
    const char *recipe;
    const char *run; /* the folder of a run that the argument names; NULL: it names a recipe */
} asked;

static bool is_folder(const char *path)
{
    struct stat about;
    return stat(path, &about) == 0 && S_ISDIR(about.st_mode);
}

static bool holds(cli *c, const char *folder, const char *name)
{
    const char *path = gr__bump_format(c->memory, "%s/%s", folder, name);
    return path && gr__file_exists(path);
}

/* RUN/recipe.yaml, where RUN shows that it is the folder of a run. */
static const char *run_of(cli *c, const char *path)
{
    static const char name[] = "recipe.yaml";
    const char *slash = strrchr(path, '/');
    if (strcmp(slash ? slash + 1 : path, name) != 0) return NULL;
    const char *folder = !slash          ? "."
                         : slash == path ? "/"
                                         : gr__bump_format(c->memory, "%.*s", (int)(slash - path), path);
    return folder && (holds(c, folder, "metrics.jsonl") || holds(c, folder, "checkpoints")) ? folder : NULL;
}

/* The argument is a recipe, or a run: its folder, and for --resume its recipe too, which is known to be its own. */
static gr_status read_argument(cli *c, const char *argument, asked *out)
{
    const options *o = c->options;
    *out = (asked){.recipe = argument};
    if (!is_folder(argument)) {
        if (o->resume) out->run = run_of(c, argument);
        return GR_OK;
    }
    size_t n = strlen(argument);
    while (n > 1 && argument[n - 1] == '/') n--;
    out->run = gr__bump_format(c->memory, "%.*s", (int)n, argument);
    if (!out->run || !(out->recipe = gr__bump_format(c->memory, "%s/recipe.yaml", out->run))) return GR_E_MEMORY;
    if (gr__file_exists(out->recipe)) return GR_OK;
    gr__fail(c->ctx, GR_E_FILE, "%s is a folder without the recipe.yaml of a run", argument);
    gr__error_hint(c->ctx, "train takes a recipe, or the folder of a run");
    return GR_E_FILE;
}

/* ---- the run ---- */

/* For studies that train by themselves. */
static gr_train_options inner(const gr_trainer_options *o)
{
    return (gr_train_options){.out = o->out,
                              .from = o->from,
                              .force = o->force,
                              .resume = o->resume,
                              .overwrite = o->overwrite,
                              .stop = o->stop,
                              .attend = cli_catch_signals,
                              .watcher = o->watcher,
                              .n_watchers = o->n_watchers};
}

static gr_status follow(cli *c, const gr_recipe *r, const gr_trainer_options *o, gr_train_result *result)
{
    const options *given = c->options;
    cli_view v = cli_view_make(c->quiet || c->json);
    const gr_procedure_options p = {inner(o), given->patience, given->cyclic_end, given->train_error,
                                    cli_view_watch(&v)};
    gr_status st = gr__procedure_train(c->ctx, r, (gr_procedure)given->procedure, &p, result);
    cli_view_clear(&v);
    return st;
}

/* ---- folds ---- */

static const gr_column fold_columns[] = {
    GR_COLUMN(gr_fold, fold, INT, "fold", GR_SHOWN("fold", 6)),
    GR_COLUMN(gr_fold, samples, WHOLE, "samples", GR_SHOWN("samples", 10)),
    GR_COLUMN(gr_fold, validation_error, REAL, "validation_error", GR_SHOWN("validation error", 18), .digits = 4),
};

static gr_status show_folds(cli *c, const gr_folds *f, const char *out)
{
    gr_result *r = cli_result(c);
    json_t *rows = f->confusion ? json_array() : json_null();
    GR_TABLE(r, "folds", fold_columns, f->fold, f->n);
    for (int a = 0; a < f->classes && f->confusion; a++) {
        json_t *row = json_array();
        for (int b = 0; b < f->classes; b++)
            json_array_append_new(row, json_integer((json_int_t)f->confusion[(int64_t)a * f->classes + b]));
        json_array_append_new(rows, row);
    }
    gr__result_put(r, "mean=%g std=%g", f->mean, f->std);
    gr__result_json(r, "confusion", rows);
    gr__result_note(
        r,
        "\nmean %.4f, deviation %.4f; %s/" GR_FOLDS_FILE " has them, with what was taken for what\n"
        "together: gradus predict %s/fold-1/best.safetensors INPUT --ensemble %s/fold-{2..%d}/best.safetensors\n",
        f->mean, f->std, cli_shown(c, out), cli_shown(c, out), cli_shown(c, out), f->n);
    return cli_show(c, r);
}

static gr_status run_folds(cli *c, const gr_recipe *r, const gr_trainer_options *o, gr_train_result *out)
{
    options *given = c->options;
    const gr_train_options run = inner(o);
    (void)out;
    return gr__folds_train(c->ctx, r, (int)given->folds, &run, c->memory, given->told);
}

static gr_status train_folds(cli *c, const gr_recipe *r, const gr_trainer_options *o)
{
    options *given = c->options;
    gr_train_result none = {0};
    if (!(given->told = gr__bump_alloc(c->memory, sizeof *given->told))) return GR_E_MEMORY;
    gr_status st = cli_train_shown(c, r, o, run_folds, &none);
    return st == GR_OK ? show_folds(c, given->told, o->out) : st;
}

static gr_status train(cli *c, const gr_recipe *r, const char *out)
{
    const options *given = c->options;
    const gr_trainer_options o = {
        .out = out, .from = given->from, .force = given->force, .resume = given->resume, .overwrite = given->overwrite};
    if (given->folds) return train_folds(c, r, &o);
    return cli_train(c, r, &o, given->procedure < 0 ? NULL : follow);
}

/* What would be ignored is refused. */
static gr_status check_procedure(cli *c)
{
    const options *o = c->options;
    if (cli_given(c, "patience") && o->procedure != GR_PROCEDURE_NEW)
        return gr__fail(c->ctx, GR_E_USAGE, "train: --patience goes with --procedure new_topology");
    if (cli_given(c, "cyclic-end") && o->procedure != GR_PROCEDURE_NEW)
        return gr__fail(c->ctx, GR_E_USAGE, "train: --cyclic-end goes with --procedure new_topology");
    if (cli_given(c, "train-error") && o->procedure != GR_PROCEDURE_OVERFIT)
        return gr__fail(c->ctx, GR_E_USAGE, "train: --train-error goes with --procedure overfit_then_regularise");
    if (o->from && o->procedure >= 0)
        return gr__fail(c->ctx, GR_E_USAGE,
                        "train: a procedure begins with new weights, so --from does not go with it");
    return GR_OK;
}

static gr_status check_folds(cli *c, const asked *what)
{
    const options *o = c->options;
    if (!cli_given(c, "folds")) return GR_OK;
    if (o->procedure >= 0) return gr__fail(c->ctx, GR_E_USAGE, "train: a procedure has no folds");
    if (what->run)
        return gr__fail(c->ctx, GR_E_USAGE, "train: --folds takes a recipe; a fold that is a run is resumed by itself");
    return GR_OK;
}

/* A run that follows a procedure goes on with it, from the recipe that it was given. */
static gr_status resume_procedure(cli *c, const asked *what, const char *out)
{
    const options *o = c->options;
    const char *path = gr__bump_format(c->memory, "%s/" GR_PROCEDURE_FILE, out);
    if (!path) return GR_E_MEMORY;
    if (!o->resume || !gr__file_exists(path)) return GR_OK;
    if (o->procedure >= 0 && !what->run) return GR_OK;
    gr__fail(c->ctx, GR_E_USAGE, "the run in %s follows a procedure", out);
    gr__error_hint(c->ctx, "resume it with the recipe that it was begun with, --procedure and --out %s", out);
    return GR_E_USAGE;
}

static gr_status run(cli *c)
{
    const options *o = c->options;
    gr_recipe *r = NULL;
    asked what;
    gr_status st = GR_OK;
    if (o->resume && o->overwrite) return gr__fail(c->ctx, GR_E_USAGE, "--resume and --overwrite exclude each other");
    if (o->force && !o->from)
        return gr__fail(c->ctx, GR_E_USAGE, "--force says what to do with the model of --from, which is missing");
    GR_TRY(check_procedure(c));
    GR_TRY(read_argument(c, c->argument[0], &what));
    GR_TRY(check_folds(c, &what));
    GR_TRY(cli_recipe(c, what.recipe, &r));
    const char *out = o->out;
    if (!out) out = what.run ? what.run : gr__bump_format(c->memory, "runs/%s", r->name);
    GR_TRY(out ? resume_procedure(c, &what, out) : GR_E_MEMORY);
    st = train(c, r, out);
done:
    gr__recipe_close(c->ctx, r);
    return st;
}

static const cli_option rows[] = {
    CLI_OPTION(options, out, TEXT, "out", "DIR", "the run folder; default runs/NAME, or the run that is given",
               .letter = 'o'),
    CLI_OPTION(
        options, from, TEXT, "from", "MODEL",
        "starts from this model's weights instead of new ones, and prepares inputs and numbers classes as it does"),
    CLI_OPTION(options, force, SWITCH, "force", NULL,
               "with --from: a model of other classes, columns or preparation; the recipe's and the data's are taken"),
    CLI_OPTION(options, resume, SWITCH, "resume", NULL,
               "continues the run in the folder, to the same bits; starts one where there is none"),
    CLI_OPTION(options, overwrite, SWITCH, "overwrite", NULL, "starts over where the folder holds a run"),
    CLI_OPTION(
        options, folds, WHOLE, "folds", "K",
        "cross-validation: a run for each of K folds of the training data, DIR/fold-1 and on, and DIR/folds.json",
        .low = 2, .high = GR_MOST_FOLDS, .usual = 0),
    CLI_OPTION(options, procedure, WORD, "procedure", "NAME",
               "one of the chapter's: new_topology, established or overfit_then_regularise; its phases go into "
               "procedure.jsonl",
               .usual = -1, .words = gr__procedure_words),
    CLI_OPTION(options, patience, WHOLE, "patience", "N",
               "new_topology: the rate drops when both errors were flat for more than so many evaluations; 10 unless "
               "given",
               .low = 1, .high = 1e9, .usual = 10),
    CLI_OPTION(options, cyclic_end, REAL, "cyclic-end", "F",
               "new_topology: ends with cycles of the rate over this part of all updates, such as 0.2; without cycles "
               "unless given",
               .low = 0.01, .high = 0.9, .usual = 0),
    CLI_OPTION(options, train_error, REAL, "train-error", "E",
               "overfit_then_regularise: the training error below which the penalty begins; 0.01 unless given",
               .low = 1e-300, .high = 1e300, .usual = 0),
};

GR_COMMAND(train) = {
    .name = "train",
    .place = 1,
    .usage = "RECIPE|RUN [--out DIR] [--from MODEL [--force]] [--resume | --overwrite] [--procedure NAME | --folds K]",
    .summary = "Trains the network of a recipe, or resumes",
    .help =
        "Everything goes into the run folder: recipe.yaml (resolved), metrics.jsonl (a line an update), result.json,\n"
        "best.safetensors and last.safetensors (models), checkpoints/. Ctrl-C writes a checkpoint and ends with exit "
        "code 5;\n"
        "--resume then continues to the same bits as if nothing had happened. The folder of a run may stand for its "
        "recipe.\n\n"
        "With --from a model's weights keep their meaning: its numbers of classes, its columns, its statistics of the "
        "inputs. Other classes,\n"
        "columns or steps of preparation are refused; --force takes the new ones, and says what it does.\n\n"
        "With --procedure the recipe is trained as the chapter says. new_topology: a batch of 32 or less, the largest "
        "rate of the grid that trains, a tenth\n"
        "of it whenever both errors are flat, until that no longer helps, and then cycles with --cyclic-end. "
        "established: the batch that the gradients' "
        "noise suggests, a warm-up, a polynomial\n"
        "decay, cycles at the end. overfit_then_regularise: nothing that regularises until the training error is low, "
        "then an L2 penalty and all else of the recipe.\n\n"
        "Examples\n  gradus train recipes/fashion.yaml\n  gradus train my.yaml --set optimizer.lr=0.01 --set "
        "stop.epochs=20 --out runs/lr01\n  gradus train runs/lr01 --resume --set stop.epochs=40\n",
    CLI_OPTIONS(options, rows),
    .min_arguments = 1,
    .max_arguments = 1,
    .run = run};
