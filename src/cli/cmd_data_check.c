/* gradus data check: what is wrong with a recipe's data, named by sample. */
#include <math.h>

#include "cli/cmd_data.h"
#include "cli/progress.h"
#include "cli/source.h"
#include "study/data/inspect.h"

typedef struct options {
    const char *fix, *model, *probabilities;
    int label_model;
    int64_t folds, epochs;
} options;

static double index_of(const void *sample)
{
    const gr_suspect *x = sample;
    return x->index < 0 ? (double)NAN : (double)x->index;
}

static double line_of(const void *sample)
{
    const gr_suspect *x = sample;
    return x->line < 1 ? (double)NAN : (double)x->line;
}

static const gr_column sample_columns[] = {
    GR_COLUMN(gr_suspect, part, TEXT, "part"),
    GR_COLUMN(gr_suspect, index, REAL, "index", .number = index_of),
    GR_COLUMN(gr_suspect, file, TEXT, "file"),
    GR_COLUMN(gr_suspect, line, REAL, "line", .number = line_of),
};

/* A finding as it is shown. */
typedef struct row {
    const char *severity, *kind, *part;
    int64_t count;
    gr_table samples;
    const char *text;
} row;
static const gr_column columns[] = {
    GR_COLUMN(row, kind, TEXT, "kind"),       GR_COLUMN(row, severity, TEXT, "severity"),
    GR_COLUMN(row, part, TEXT, "part"),       GR_COLUMN(row, count, WHOLE, "count"),
    GR_COLUMN(row, samples, ROWS, "samples"), GR_COLUMN(row, text, TEXT, "text"),
};

static void put_findings(gr_result *r, const gr_inspection *s)
{
    row *rows = gr__result_alloc(r, sizeof *rows * GR_MAX(s->n_findings, 1));
    for (size_t i = 0; rows && i < s->n_findings; i++) {
        const gr_data_finding *f = &s->finding[i];
        rows[i] = (row){gr__severity_words[f->severity], f->kind, f->part, f->count, {0}, f->text};
        rows[i].samples = (gr_table){.columns = sample_columns,
                                     .n_columns = (int)GR_COUNT(sample_columns),
                                     .rows = f->sample,
                                     .n = f->n_samples,
                                     .row_bytes = sizeof *f->sample};
    }
    if (rows) GR_TABLE(r, "findings", columns, rows, s->n_findings);
}

/* "train 3, 17 (line 18), 40 and 5 more" */
static void note_samples(cli *c, gr_result *r, const gr_data_finding *f)
{
    enum { SHOWN = 6 };
    gr__text t;
    gr__text_init(&t, c->ctx);
    for (size_t i = 0; i < f->n_samples && i < SHOWN; i++) {
        const gr_suspect *x = &f->sample[i];
        if (x->index < 0) {
            gr__text_add(&t, "%s%s", i ? ", " : "", x->file);
            continue;
        }
        gr__text_add(&t, "%s%s %lld", i ? ", " : "", x->part, (long long)x->index);
        if (x->line) gr__text_add(&t, " (line %lld)", (long long)x->line);
    }
    if (f->count > SHOWN && f->n_samples) gr__text_add(&t, " and %lld more", (long long)f->count - SHOWN);
    if (t.s) gr__result_note(r, "           %s\n", cli_shown(c, t.s));
    gr__text_free(&t);
}

static void note_findings(cli *c, gr_result *r, const gr_inspection *s)
{
    for (int severity = GR_SEVERITY_ERROR; severity >= GR_SEVERITY_NOTE; severity--)
        for (size_t i = 0; i < s->n_findings; i++) {
            const gr_data_finding *f = &s->finding[i];
            if ((int)f->severity != severity) continue;
            gr__result_note(r, "%-9s  %-18s %-10s %lld\n", gr__severity_words[severity], f->kind,
                            f->part ? f->part : "", (long long)f->count);
            if (f->text[0]) gr__result_note(r, "           %s\n", f->text);
            note_samples(c, r, f);
        }
}

static json_t *classes_json(gr_inspection *s, const int64_t *count)
{
    json_t *map = json_object();
    for (int k = 0; k < s->classes; k++) {
        const char *name = s->class_names ? s->class_names[k] : gr__inspection_class(s, k);
        if (json_object_set_new(map, name, json_integer(count[k])) != 0) return json_decref(map), NULL;
    }
    return map;
}

/* Samples of each part, and of each class in it. */
static void put_counts(gr_result *r, gr_inspection *s)
{
    int64_t *count = gr__result_alloc(r, sizeof *count * (size_t)GR_MAX(s->classes, 1));
    r->within = "samples/";
    for (int p = 0; p < GR_PARTS; p++) {
        if (!s->task.set_of[p]) continue;
        gr__result_member(r, gr__part_name((gr_part)p), GR_CELL_WHOLE, &s->task.rows[p].n, sizeof s->task.rows[p].n);
        gr__result_note(r, "%-12s %lld samples\n", gr__part_name((gr_part)p), (long long)s->task.rows[p].n);
    }
    if (!s->classes) {
        r->within = NULL;
        gr__result_put(r, "classes");
        return;
    }
    r->within = "classes/";
    for (int p = 0; p < GR_PARTS && count; p++) {
        if (!s->task.set_of[p]) continue;
        gr__inspection_count(s, (gr_part)p, count);
        gr__result_json(r, gr__part_name((gr_part)p), classes_json(s, count));
    }
    r->within = NULL;
}

static gr_status show(cli *c, gr_inspection *s, const char *fix)
{
    gr_result *r = cli_result(c);
    int64_t rows = 0, errors = 0;
    if (fix) {
        gr_status st = gr__inspection_fix(s, fix, &rows);
        if (st != GR_OK) return st;
    }
    for (size_t i = 0; i < s->n_findings; i++) errors += s->finding[i].severity == GR_SEVERITY_ERROR;
    put_counts(r, s);
    note_findings(c, r, s);
    put_findings(r, s);
    gr__result_put(r, "verdict=%s", gr__inspection_verdict(s));
    gr__result_note(r, "%s\n", s->n_findings ? gr__inspection_verdict(s) : "ok: nothing found");
    if (fix) {
        gr__result_put(r, "fix=%s", fix);
        gr__result_note(r, "%s leaves out %lld rows: data: {exclude: %s}\n", cli_shown(c, fix), (long long)rows,
                        cli_shown(c, fix));
    }
    gr_status st = cli_show(c, r);
    if (st != GR_OK || !errors) return st;
    gr__fail(c->ctx, GR_E_CHECK, "%lld finding%s of the data %s", (long long)errors, errors == 1 ? "" : "s",
             errors == 1 ? "is an error" : "are errors");
    if (!fix) gr__error_hint(c->ctx, "--fix FILE writes which rows to leave out");
    return GR_E_CHECK;
}

static gr_status check(cli *c, const gr_recipe *r, const gr_model *m)
{
    const options *o = c->options;
    gr_inspection s = {0};
    cli_view v = cli_view_make(c->quiet || c->json);
    const gr_inspect_options how = {.label_model = (gr_label_model)o->label_model,
                                    .folds = (int)o->folds,
                                    .epochs = o->epochs,
                                    .model = m,
                                    .probabilities = o->probabilities,
                                    .watch = cli_view_watch(&v)};
    gr_status st = gr__inspect(c->ctx, r, &how, &s);
    cli_view_clear(&v);
    if (st == GR_OK && m && s.task.set_of[GR_PART_TEST]) st = cli_test_seen(c, o->model, NULL);
    if (st == GR_OK) st = show(c, &s, o->fix);
    gr__inspection_close(&s);
    return st;
}

static gr_status run(cli *c)
{
    const options *o = c->options;
    gr_recipe *r = NULL;
    gr_model m = {0};
    static const char *const lists[] = {"txt", NULL}, *const arrays[] = {"npy", NULL};
    gr_status st = GR_OK;
    if (o->fix) GR_TRY(cli_check_ending(c, o->fix, "a list of rows", lists));
    if (o->probabilities) GR_TRY(cli_check_ending(c, o->probabilities, "an array", arrays));
    if (o->probabilities && o->label_model == GR_LABELS_NOT)
        GR_TRY(gr__fail(c->ctx, GR_E_USAGE, "--probabilities are those of a label model, and --label-model is none"));
    GR_TRY(cli_recipe(c, c->argument[0], &r));
    if (o->model) GR_TRY(gr__model_open(c->ctx, o->model, &m));
    st = check(c, r, o->model ? &m : NULL);
done:
    gr__model_close(&m);
    if (r) gr__recipe_close(c->ctx, r);
    return st;
}

static const char *const label_models[] = {
    [GR_LABELS_BY_RECIPE] = "recipe", [GR_LABELS_BY_LINEAR] = "linear", [GR_LABELS_NOT] = "none", NULL};

static const cli_option rows[] = {
    CLI_OPTION(options, fix, TEXT, "fix", "FILE", "writes a list of rows to leave out, for data.exclude"),
    CLI_OPTION(options, label_model, WORD, "label-model", "WORD",
               "what finds suspicious labels of the training part: the recipe's own network, a linear one (faster, and "
               "wrong more often), or none",
               .words = label_models),
    CLI_OPTION(options, folds, WHOLE, "folds", "N",
               "the label model is trained without one of N folds after the other; 5", .low = 2, .high = 100,
               .usual = 5),
    CLI_OPTION(options, epochs, WHOLE, "epochs", "N", "how long each time; 4", .low = 1, .high = 10000, .usual = 4),
    CLI_OPTION(options, model, TEXT, "model", "MODEL",
               "a trained model, by whose probabilities labels of validation and test are suspicious"),
    CLI_OPTION(options, probabilities, TEXT, "probabilities", "FILE",
               "writes the label model's probabilities of the training part (NPY), a row a sample in its order"),
};

const cli_command cli_data_check = {
    .name = "data check",
    .usage = "RECIPE [--fix FILE] [--label-model recipe|linear|none] [--model MODEL]",
    .summary = "Looks for what is wrong with a recipe's data, and names the samples",
    .help =
        "Exit code 1 when an error is found; warnings and notes leave it 0. Of each finding the first 20 samples are "
        "named: by part, row of the source from 0, file and line.\n\n"
        "Errors: training refuses these, or its figures would lie\n"
        "  undecodable        a file that is no picture or is not there, a cell that is no number, bytes that are no "
        "text\n"
        "  nonfinite          infinite, NaN, or beyond what the precision holds\n"
        "  shape              other fields than the other rows\n"
        "  label_range        a class that the network has no output for\n"
        "  missing_label\n"
        "  empty_class        a subfolder without a file that can be read\n"
        "  preparation        what prepare and augment refuse: a logarithm of what is not above 0, a file of synonyms\n"
        "  leak               the same sample in two parts (a warning where rows of a table repeat anyway: more than 5 "
        "%)\n"
        "  near_duplicate     across two parts: nearly the same sample\n"
        "Warnings: to be looked at\n"
        "  duplicate          the same sample twice in a part; near_duplicate: nearly so\n"
        "  conflicting_labels the same sample under two labels\n"
        "  suspicious_label   models that have not seen it are sure of another (confident learning over folds)\n"
        "  constant_sample    all numbers equal; constant_feature: the same in every training sample\n"
        "  outlier            beyond 10 standard deviations of its column, feature or channel\n"
        "  imbalance          the largest class has more than 3 times the samples of the smallest; a note from 1.5 on\n"
        "  order              classes stand in blocks and shuffle is none\n"
        "  drift              validation or test differ from the training part beyond chance (0.001 for all tests "
        "together)\n\n"
        "A --model that judges labels of the test part looks at it, which is counted as a look of eval is; all else "
        "says nothing\nof how good a model is, and is not.\n\n"
        "--fix lists broken samples, leaks and repetitions; what may well be right stands there as a comment. Then: "
        "data: {exclude: FILE}\n\n"
        "Examples\n"
        "  gradus data check recipes/fashion.yaml --label-model none     all but the labels: seconds\n"
        "  gradus data check recipes/fashion.yaml --epochs 2             trains the recipe's network five times\n"
        "  gradus data check my.yaml --fix left-out.txt && gradus train my.yaml --set data.exclude=left-out.txt\n",
    CLI_OPTIONS(options, rows),
    .min_arguments = 1,
    .max_arguments = 1,
    .run = run};
