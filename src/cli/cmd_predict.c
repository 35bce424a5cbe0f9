/* gradus predict: raw inputs to classes with probabilities, or to values. */
#include <math.h>
#include <string.h>

#include "base/file.h"
#include "cli/answer.h"
#include "cli/ensemble.h"

typedef struct options {
    bool csv;
    const char *out, *keep, *threshold;
    cli_ensemble_options ensemble;
} options;

typedef struct predicting {
    cli *c;
    cli_ensemble all;
    cli_threshold threshold[GR_MAX_TARGETS];
    const char **keep; /* names of columns */
    int n_keep;
    bool csv;
    bool named;      /* the line of names is written */
    gr__writer *out; /* NULL: standard output */
} predicting;

static int64_t counts_of(const predicting *p, int head, int64_t row)
{
    const cli_voice *v = &p->all.voice[0];
    return gr__predictor_counts(v->ready.predictor, head, &v->set, row);
}

/* ---- not finite ---- */

/* Rows of one head whose numbers are not finite. */
typedef struct broken {
    int64_t n, first;
} broken;

static void count_not_finite(const predicting *p, const double *const *values, int64_t from, int64_t rows, broken *b)
{
    for (int h = 0; h < p->all.voice[0].model.recipe->n_heads; h++) {
        int64_t width = p->all.width[h];
        for (int64_t i = 0; i < rows; i++) {
            bool finite = true;
            int64_t counts = counts_of(p, h, from + i);
            for (int64_t k = 0; k < counts; k++) finite = finite && isfinite(values[h][i * width + k]);
            if (!finite && b[h].n++ == 0) b[h].first = from + i;
        }
    }
}

/* Among many lines an inf is easily not seen. */
static void warn_not_finite(const predicting *p, const char *file, bool one, const broken *b)
{
    gr_context *ctx = p->c->ctx;
    const gr_recipe *r = p->all.voice[0].model.recipe;
    for (int h = 0; h < r->n_heads; h++) {
        char row[32] = "", more[64] = "";
        if (b[h].n == 0) continue;
        if (!one) snprintf(row, sizeof row, "[%lld]", (long long)b[h].first);
        if (b[h].n > 1) snprintf(more, sizeof more, ", and those of %lld more rows", (long long)b[h].n - 1);
        gr__log(ctx, GR_LOG_WARNING, "%s%s: the model's outputs%s%s are not finite%s", file, row,
                r->heads_named ? " of the head " : "", r->heads_named ? r->head[h].name : "", more);
    }
}

/* ---- a file ---- */

static void put(const predicting *p, const gr__text *t)
{
    if (p->out)
        gr__writer_put(p->out, t->s, t->n);
    else
        fwrite(t->s, 1, t->n, stdout);
}

static gr_status tell_line(predicting *p, const cli_answers *a, const char *input, int64_t row, const double *const *v,
                           const int64_t *counts)
{
    const gr_set *set = &p->all.voice[0].set;
    gr__text t;
    gr__text_init(&t, p->c->ctx);
    if (!p->named) cli_answers_names(a, &t);
    p->named = true;
    cli_answers_line(a, input, set->kept ? set->kept + row * set->n_kept : NULL, v, counts, &t);
    bool failed = t.failed;
    if (!failed) put(p, &t);
    gr__text_free(&t);
    return failed ? gr__error_code(p->c->ctx) : GR_OK;
}

/* What has rows has them named, by their files or numbers, however many there are. */
static const char *name_of(const gr_set *set, const char *file, int64_t row, char *room, size_t n)
{
    if (set->sample) return set->sample[row];
    if (set->one) return file;
    snprintf(room, n, "%s[%lld]", file, (long long)row);
    return room;
}

/* Sample `row`, the k-th of a run. */
static gr_status tell(predicting *p, const char *file, int64_t row, const double *const *values, int64_t k)
{
    char room[4200];
    const gr_set *set = &p->all.voice[0].set;
    const double *v[GR_MAX_TARGETS], *deviation[GR_MAX_TARGETS];
    int64_t counts[GR_MAX_TARGETS];
    const cli_answers a = {.c = p->c,
                           .deviation = p->all.n > 1 ? deviation : NULL,
                           .model = &p->all.voice[0].model,
                           .threshold = p->threshold,
                           .width = p->all.width,
                           .kept_name = set->kept_name,
                           .n_kept = set->n_kept};
    for (int h = 0; h < a.model->recipe->n_heads; h++) {
        v[h] = values[h] + k * p->all.width[h];
        deviation[h] = p->all.deviation[h] ? p->all.deviation[h] + k * p->all.width[h] : NULL;
        counts[h] = counts_of(p, h, row);
    }
    const char *input = name_of(set, file, row, room, sizeof room);
    return p->csv ? tell_line(p, &a, input, row, v, counts) : cli_answers_show(&a, input, v, counts);
}

static gr_status predict_file(predicting *p, const char *file)
{
    const double *values[GR_MAX_TARGETS];
    broken not_finite[GR_MAX_TARGETS] = {0};
    gr_status st = GR_OK;
    GR_TRY(cli_ensemble_load(p->c, &p->all, file, p->keep, p->n_keep));
    const gr_set *set = &p->all.voice[0].set;
    for (int64_t i = 0; i < set->n; i += GR_RAW_BATCH) {
        int64_t n = GR_MIN(GR_RAW_BATCH, set->n - i);
        GR_TRY(cli_ensemble_run(&p->all, i, n, values));
        count_not_finite(p, values, i, n, not_finite);
        for (int64_t k = 0; k < n; k++) GR_TRY(tell(p, file, i + k, values, k));
    }
    warn_not_finite(p, file, set->one, not_finite);
done:
    cli_ensemble_unload(p->c, &p->all);
    return st;
}

/* ---- the command ---- */

/* "id,name": names between commas. */
static gr_status read_keep(predicting *p, const char *text)
{
    char *names = text ? gr__bump_strdup(p->c->memory, text) : NULL;
    if (!text) return GR_OK;
    if (!p->csv) return gr__fail(p->c->ctx, GR_E_USAGE, "--keep %s: it goes with --csv or --out FILE", text);
    p->keep = names ? gr__bump_alloc(p->c->memory, sizeof *p->keep * (strlen(text) + 1)) : NULL;
    if (!p->keep) return GR_E_MEMORY;
    for (char *at = names; at;) {
        char *comma = strchr(at, ',');
        if (comma) *comma++ = 0;
        if (!*at) return gr__fail(p->c->ctx, GR_E_USAGE, "--keep %s: a name is missing", text);
        p->keep[p->n_keep++] = at;
        at = comma;
    }
    return GR_OK;
}

/* What is said: one model and inputs, or several among them. */
typedef struct said {
    const char *model[CLI_MAX_GIVEN], *input[CLI_MAX_GIVEN];
    int n_models, n_inputs;
} said;

static gr_status read_arguments(cli *c, const options *o, said *out)
{
    gr_status st = cli_ensemble_check(c, &o->ensemble);
    *out = (said){.model = {c->argument[0]}, .n_models = 1, .n_inputs = c->n_arguments - 1};
    if (!o->ensemble.several) memcpy(out->input, c->argument + 1, sizeof *out->input * (size_t)out->n_inputs);
    if (st != GR_OK || !o->ensemble.several) return st;
    st = cli_ensemble_arguments(c, out->model, &out->n_models, out->input, &out->n_inputs);
    if (st == GR_OK && out->n_inputs == 0)
        return gr__fail(c->ctx, GR_E_USAGE, "--ensemble: all %d arguments are models, and there is no input",
                        out->n_models);
    for (int i = 0; i < out->n_inputs && st == GR_OK; i++)
        if (strcmp(out->input[i], "-") == 0)
            st = gr__fail(c->ctx, GR_E_USAGE,
                          "--ensemble: standard input can be read once, and each model reads it: name a file");
    return st;
}

static gr_status set_threads(cli *c, gr_recipe *r)
{
    for (int i = 0; i < c->sets.n; i++) {
        double threads;
        if (strncmp(c->sets.at[i], "threads=", 8) != 0 || !gr__parse_number(c->sets.at[i] + 8, &threads) || threads < 1)
            return gr__fail(c->ctx, GR_E_USAGE,
                            "--set %s: predict takes its recipe from the model; only --threads can be set",
                            c->sets.at[i]);
        r->threads = (int)threads;
    }
    return cli_resources(c, r);
}

static gr_status run(cli *c)
{
    const options *o = c->options;
    predicting p = {.c = c, .csv = o->csv || o->out};
    said *s = gr__bump_alloc(c->memory, sizeof *s);
    gr_status st = s ? GR_OK : GR_E_MEMORY;
    GR_TRY(st);
    if (p.csv && c->json) GR_TRY(gr__fail(c->ctx, GR_E_USAGE, "--json and CSV: one of the two"));
    static const char *const endings[] = {"csv", "txt", NULL};
    if (o->out) GR_TRY(cli_check_ending(c, o->out, "a table", endings));
    GR_TRY(read_keep(&p, o->keep));
    GR_TRY(read_arguments(c, o, s));
    GR_TRY(cli_ensemble_open(c, s->model, s->n_models, &p.all));
    const gr_model *first = &p.all.voice[0].model;
    GR_TRY(set_threads(c, first->recipe));
    GR_TRY(cli_threshold_parse(c, first, o->threshold, p.threshold));
    if (o->ensemble.several) GR_TRY(cli_ensemble_mix(c, &o->ensemble, first->recipe, &p.all));
    if (o->out) GR_TRY(gr__writer_open(c->ctx, o->out, &p.out));
    for (int i = 0; i < s->n_inputs; i++)
        GR_TRY(predict_file(&p, strcmp(s->input[i], "-") == 0 ? "/dev/stdin" : s->input[i]));
    if (p.out) st = gr__writer_commit(p.out), p.out = NULL;
done:
    gr__writer_abort(p.out);
    cli_ensemble_close(c, &p.all);
    return st;
}

static const cli_option rows[] = {
    CLI_OPTION(options, csv, SWITCH, "csv", NULL,
               "a table on standard output: input, columns that are kept, class, label, a probability a class"),
    CLI_OPTION(options, out, TEXT, "out", "FILE", "the same table as a file, written as a whole", .letter = 'o'),
    CLI_OPTION(options, keep, TEXT, "keep", "NAME,NAME",
               "columns of the input's table that are passed through, by name or number from 0"),
    CLI_OPTION(options, threshold, TEXT, "threshold", "P", CLI_THRESHOLD_HELP),
    CLI_ENSEMBLE_OPTIONS(options, ensemble),
};

GR_COMMAND(predict) = {
    .name = "predict",
    .place = 4,
    .usage = "MODEL INPUT... [--ensemble MODEL... [--average probabilities|logits] [--weights A,B,...|validation]]",
    .summary = "Predicts from raw inputs: classes with probabilities, or values",
    .help = "Inputs are files as they are: .npy (one sample or many), .npz, .csv with or without "
            "the target column, IDX (plain or .gz); - is standard input.\n"
            "Lengths of sequences are read from the array or column that the training's were in.\n"
            "For several inputs an archive has an array each, named as in the training or as "
            "the input, and a table their columns.\n"
            "The model file carries the preparation with the training statistics, so raw "
            "numbers go in. A file with rows\n"
            "gives a line a sample, FILE[0], FILE[1], ..., and one that is a sample FILE. "
            "Tables are read as the training's was.\n\n"
            "Examples\n  gradus predict runs/fashion/best.safetensors pictures.npy --json\n"
            "  gradus predict runs/t/best.safetensors new.csv --keep id,name --out answers.csv\n"
            "  gradus predict a.safetensors new.csv --ensemble b.safetensors c.safetensors --weights validation\n",
    CLI_OPTIONS(options, rows),
    .min_arguments = 2,
    .max_arguments = CLI_MAX_GIVEN,
    .run = run};
