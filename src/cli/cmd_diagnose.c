/* gradus diagnose: bias or variance, by the errors on training and validation data, and what to do about it. */
#include <math.h>
#include <string.h>
#include <sys/stat.h>

#include "base/file.h"
#include "cli/progress.h"
#include "cli/source.h"
#include "study/diagnose/diagnose.h"

typedef struct options {
    double reference;
    const char *head;
} options;

enum { MOST_RUNS = 64 };

/* What several runs are judged by together. */
typedef struct runs {
    gr_model first;
    gr_errors errors[MOST_RUNS];
    gr_ending ending; /* of a lone run */
    int head;
} runs;

/* ---- runs ---- */

static bool is_folder(const char *path)
{
    struct stat about;
    return stat(path, &about) == 0 && S_ISDIR(about.st_mode);
}

/* The model file that an argument means. */
static gr_status model_of(cli *c, const char *argument, const char **out)
{
    *out = is_folder(argument) ? gr__bump_format(c->memory, "%s/last.safetensors", argument) : argument;
    if (!*out) return GR_E_MEMORY;
    if (!is_folder(argument) || gr__file_exists(*out)) return GR_OK;
    gr__fail(c->ctx, GR_E_FILE, "the folder has no last.safetensors");
    gr__error_place(c->ctx, argument, 0, 0, NULL);
    gr__error_hint(c->ctx, "a run writes it when it ends; a model file can be given as well");
    return GR_E_FILE;
}

static gr_status find_head(cli *c, const gr_recipe *r, int *out)
{
    const char *wanted = ((const options *)c->options)->head, *names[GR_MAX_TARGETS];
    for (int h = 0; h < r->n_heads; h++) names[h] = r->head[h].name;
    *out = 0;
    if (!wanted && r->n_heads == 1) return GR_OK;
    if (!r->heads_named)
        return gr__fail(c->ctx, GR_E_USAGE, "--head %s: the model has one output, without a name", wanted);
    for (int h = 0; h < r->n_heads && wanted; h++)
        if (strcmp(names[h], wanted) == 0) return *out = h, GR_OK;
    if (wanted) return cli_unknown(c, "there is no head", wanted, names, (size_t)r->n_heads, "");
    gr__fail(c->ctx, GR_E_USAGE, "each of the %d heads has an error of its own", r->n_heads);
    gr__error_hint(c->ctx, "--head %s chooses", names[0]);
    return GR_E_USAGE;
}

/* Runs are judged together only where nothing but chance tells them apart. */
static gr_status compare(cli *c, const gr_recipe *first, const gr_recipe *r, const char *argument)
{
    static const char *const chance[] = {"seed", "name", "threads", "workers", "stop", "checkpoint", "log", "memory"};
    for (int i = 0; i < r->resolved->n; i++) {
        const char *key = r->resolved->key[i];
        bool free = false;
        for (size_t k = 0; k < GR_COUNT(chance); k++) free |= strcmp(key, chance[k]) == 0;
        if (free || gr__tree_equal(gr__tree_get(first->resolved, key), r->resolved->child[i])) continue;
        gr__fail(c->ctx, GR_E_USAGE,
                 "%s and %s differ in `%s`: runs are diagnosed together where only the seed differs", c->argument[0],
                 argument, key);
        gr__error_hint(c->ctx, "diagnose them one by one, or train with --seed 1, 2, 3");
        return GR_E_USAGE;
    }
    return GR_OK;
}

static gr_status measure(cli *c, const gr_model *m, runs *all, int i)
{
    cli_view v = cli_view_make(c->quiet || c->json);
    cli_view_show(&v, "evaluating %s, %d of %d", m->path, i + 1, c->n_arguments);
    gr_status st = cli_model_threads(c, m->recipe);
    if (st == GR_OK) st = cli_resources(c, m->recipe);
    cli_catch_signals();
    if (st == GR_OK) st = gr__errors_measure(c->ctx, m, all->head, &cli_stop, &all->errors[i]);
    cli_view_clear(&v);
    return st == GR_E_INTERRUPTED ? gr__fail(c->ctx, st, "interrupted") : st;
}

/* Records are there where the model lies in its run's folder; without them less is known. */
static gr_status read_ending(cli *c, const gr_model *m, runs *all)
{
    char figure[GR_FIGURE_TEXT], *folder = gr__path_folder(c->ctx, m->path), *metrics = NULL;
    gr_history h = {0};
    gr_status st = GR_OK;
    all->ending = (gr_ending){.before = NAN, .after = NAN, .best = NAN, .last = NAN};
    if (folder) metrics = gr__path_join(c->ctx, folder, "metrics.jsonl");
    if (!metrics)
        st = GR_E_MEMORY;
    else if (gr__file_exists(metrics))
        st = gr__history_read(c->ctx, folder, &h);
    if (st == GR_OK && h.n) {
        gr__head_figure(m->recipe, all->head, "error", figure);
        all->ending = gr__ending_of(&h, gr__bump_format(c->memory, "validation_%s", figure));
    }
    gr__history_free(&h);
    gr__strfree(c->ctx, metrics);
    gr__strfree(c->ctx, folder);
    return st;
}

static gr_status add_run(cli *c, runs *all, int i)
{
    gr_model other = {0}, *m = i == 0 ? &all->first : &other;
    const char *path;
    gr_status st = GR_OK;
    GR_TRY(model_of(c, c->argument[i], &path));
    GR_TRY(gr__model_open(c->ctx, path, m));
    if (i == 0)
        GR_TRY(find_head(c, m->recipe, &all->head));
    else
        GR_TRY(compare(c, all->first.recipe, m->recipe, c->argument[i]));
    GR_TRY(measure(c, m, all, i));
    if (i == 0) GR_TRY(read_ending(c, m, all));
done:
    gr__model_close(&other);
    return st;
}

/* ---- what is told ---- */

static const gr_column evidence_columns[] = {
    GR_COLUMN(gr_finding, name, TEXT, "what", GR_SHOWN("evidence", -22)),
    GR_COLUMN(gr_finding, figure, REAL, "figure", GR_SHOWN("figure", 9), .digits = 4, .none = "-"),
    GR_COLUMN(gr_finding, low, REAL, "low", GR_SHOWN("from", 9), .digits = 4, .none = ""),
    GR_COLUMN(gr_finding, high, REAL, "high", GR_SHOWN("to", 9), .digits = 4, .none = ""),
    GR_COLUMN(gr_finding, limit, REAL, "limit", GR_SHOWN("limit", 9), .digits = 4, .none = ""),
    GR_COLUMN(gr_finding, message, CHARS, "text", GR_SHOWN("", 0), .gap = 1),
};
static const gr_column advice_columns[] = {
    GR_COLUMN(gr_advice, remedy, TEXT, "remedy", GR_SHOWN("advice", -22)),
    GR_COLUMN(gr_advice, text, TEXT, "text", GR_SHOWN("", 0), .gap = 1),
};

static const char *const sentences[] = {
    [GR_UNDERFIT] = "high bias: the training error is high, and the validation error follows it",
    [GR_OVERFIT] = "high variance: the training error is low, and the validation error well above it",
    [GR_BOTH] = "high bias and high variance, which comes after: both errors are high, that on validation well above",
    [GR_GOOD] = "the training error is low, and the validation error is near it",
    [GR_UNRESOLVED] = "what there is does not tell for sure",
};

static gr_status show(cli *c, const runs *all, const gr_diagnosis *d)
{
    gr_result *r = cli_result(c);
    const gr_advice *advice;
    size_t n;
    gr__diagnose_evidence(r, d, &all->errors[0], &all->ending);
    gr_status st = gr__diagnose_advice(r, d, all->first.recipe, &all->ending, &advice, &n);
    if (st != GR_OK) return st;
    const char *verdict = gr__fitness_name(d->verdict);
    gr__result_put(r,
                   "verdict=%s train_error=%g validation_error=%g bias=%g gap=%g reference=%g chance=%g runs=%d "
                   "samples/train=%jd samples/validation=%jd",
                   verdict, d->train.error, d->validation.error, d->bias, d->gap, d->reference, d->chance, d->n_runs,
                   all->errors[0].train.samples, all->errors[0].validation.samples);
    gr__result_note(r, "%s: %s\n\n", verdict, sentences[d->verdict]);
    GR_TABLE(r, "evidence", evidence_columns, r->finding, r->n_findings);
    if (n) gr__result_note(r, "\n");
    GR_TABLE(r, "advice", advice_columns, advice, n);
    return cli_show(c, r);
}

static gr_status run(cli *c)
{
    runs *all = gr__bump_alloc(c->memory, sizeof *all);
    const options *o = c->options;
    gr_diagnosis d;
    gr_status st = GR_OK;
    if (!all) return GR_E_MEMORY;
    if (c->n_arguments > MOST_RUNS) return gr__fail(c->ctx, GR_E_USAGE, "diagnose takes %d runs at most", MOST_RUNS);
    for (int i = 0; i < c->n_arguments; i++) GR_TRY(add_run(c, all, i));
    if (isnan(all->errors[0].train.square_deviation) && o->reference > 1)
        GR_TRY(gr__fail(c->ctx, GR_E_RANGE, "--reference: %g is no share of wrong samples, a number of [0,1]",
                        o->reference));
    gr__diagnose(all->errors, c->n_arguments, o->reference, &d);
    st = show(c, all, &d);
done:
    gr__model_close(&all->first);
    return st;
}

static const cli_option rows[] = {
    CLI_OPTION(options, reference, REAL, "reference", "E",
               "an error that can be reached, a person's or that of the best known method; 0 unless given", .low = 0,
               .high = 1e300),
    CLI_OPTION(options, head, TEXT, "head", "NAME", "whose errors, where the model has several heads"),
};

GR_COMMAND(diagnose) = {
    .name = "diagnose",
    .place = 18,
    .usage = "RUN|MODEL... [--reference E]",
    .summary = "Bias or variance, from the errors on training and validation data, and what helps",
    .help = "The model is evaluated on both parts as it serves: nothing is dropped out or augmented. Of a run it is "
            "last.safetensors. Several runs of one recipe, which differ by their seed,\n"
            "are judged together.\n\n"
            "  bias  training error less the reference. High above max(0.02, a tenth of the way from the reference to "
            "guessing)\n"
            "  gap   validation error less training error. High above max(0.02, a quarter of the validation error)\n\n"
            "Errors of values are judged by their squares, as shares of the targets' variance. Verdicts are underfit, "
            "overfit, both, good, and unresolved: without validation data, or where\n"
            "the 95 % interval of an error does not tell on which side of its limit it is. Advice is in the chapter's "
            "order, against bias first.\n\n"
            "Example\n  gradus diagnose runs/fashion\n  gradus diagnose runs/a runs/b runs/c --reference 0.05\n",
    CLI_OPTIONS(options, rows),
    .min_arguments = 1,
    .max_arguments = CLI_MAX_GIVEN,
    .run = run,
};
