/* gradus predict: raw inputs to classes with probabilities, or to values. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "cli/json.h"
#include "model/model.h"
#include "study/study.h"

enum { BATCH = 64 };

typedef struct answers {
    cli *c;
    const gr_model *model;
    gr_target_form form;
    int64_t width;
} answers;

/* One class is told where one is right, or the most likely. */
static bool tells_class(const answers *a)
{
    return a->form == GR_FORM_CLASS || a->form == GR_FORM_DISTRIBUTION;
}

static const char *class_name(const gr_model *m, int64_t k, char *number, size_t n)
{
    if (m->class_names && k < m->n_class_names) return m->class_names[k];
    snprintf(number, n, "%lld", (long long)k);
    return number;
}

static gr_status answer_json(const answers *a, const char *input, int64_t best, const double *v)
{
    char number[24];
    json_t *o = json_object(), *list = json_array(), *yes = json_array();
    json_object_set_new(o, "input", cli_text(input));
    for (int64_t k = 0; k < a->width; k++) json_array_append_new(list, cli_real(v[k]));
    for (int64_t k = 0; k < a->width; k++)
        if (v[k] >= 0.5) json_array_append_new(yes, json_integer(k));
    if (tells_class(a)) {
        json_object_set_new(o, "class", best < 0 ? json_null() : json_integer(best));
        json_object_set_new(o, "label",
                            best < 0 ? json_null() : cli_text(class_name(a->model, best, number, sizeof number)));
    }
    if (a->form == GR_FORM_LABELS) json_object_set(o, "classes", best < 0 ? json_null() : yes);
    json_object_set_new(o, a->form == GR_FORM_VALUES ? "output" : "probabilities", list);
    json_decref(yes);
    return cli_json(a->c, o);
}

static void answer_text(const answers *a, const char *input, int64_t best, const double *v)
{
    char number[24], shown[4200];
    printf("%s", gr__shown(shown, sizeof shown, input, strlen(input)));
    const char *name = best < 0 ? NULL : class_name(a->model, best, number, sizeof number);
    if (tells_class(a) && !name)
        printf("  no class: probabilities are not finite");
    else if (tells_class(a))
        printf("  %s  %.4f", gr__shown(shown, sizeof shown, name, strlen(name)), v[best]);
    else
        for (int64_t k = 0; k < a->width; k++) printf("  %.8g", v[k]);
    printf("\n");
}

/* row -1: the file is the sample. What has rows has them named, however many there are. */
static gr_status answer(const answers *a, const char *file, int64_t row, const double *v)
{
    char input[4200];
    int64_t best = 0;
    if (row < 0)
        snprintf(input, sizeof input, "%s", file);
    else
        snprintf(input, sizeof input, "%s[%lld]", file, (long long)row);
    for (int64_t k = 1; k < a->width; k++)
        if (v[k] > v[best]) best = k;
    for (int64_t k = 0; k < a->width; k++)
        if (!isfinite(v[k])) best = -1; /* NaN never is the largest: class 0 would win */
    if (a->c->json) return answer_json(a, input, best, v);
    if (!a->c->quiet) answer_text(a, input, best, v);
    return GR_OK;
}

/* A network compiled for one type of input and batch, kept for files alike. */
typedef struct compiled {
    gr_predictor *predictor;
    gr_element source;
    int64_t batch;
} compiled;

static gr_status make_ready(cli *c, const gr_model *m, gr_element source, int64_t batch, compiled *r)
{
    if (r->predictor && r->source == source && r->batch == batch) return GR_OK;
    gr__predictor_destroy(r->predictor);
    *r = (compiled){.source = source, .batch = batch};
    return gr__predictor_make(c->ctx, m, source, batch, &r->predictor);
}

static int64_t rows_not_finite(const double *v, int64_t rows, int64_t width, int64_t *first)
{
    int64_t n = 0;
    for (int64_t i = 0; i < rows; i++) {
        bool finite = true;
        for (int64_t k = 0; k < width; k++) finite = finite && isfinite(v[i * width + k]);
        if (!finite && n++ == 0) *first = i;
    }
    return n;
}

/* Among many lines an inf is easily not seen. */
static void warn_not_finite(cli *c, const char *file, bool one, int64_t n, int64_t first)
{
    if (n == 0) return;
    if (one)
        gr__log(c->ctx, GR_LOG_WARNING, "%s: the model's outputs are not finite", file);
    else if (n == 1)
        gr__log(c->ctx, GR_LOG_WARNING, "%s[%lld]: the model's outputs are not finite", file, (long long)first);
    else
        gr__log(c->ctx, GR_LOG_WARNING, "%s[%lld]: the model's outputs are not finite, and those of %lld more rows",
                file, (long long)first, (long long)n - 1);
}

static gr_status predict_file(cli *c, const gr_model *m, const char *file, compiled *ready)
{
    const gr_recipe *r = m->recipe;
    gr_source_options so = {.folder = ".",
                            .keep_float64 = r->float64,
                            .exact = m->n_prepared > 0,
                            .want = r->reading.target == GR_FORM_CLASS ? GR_TARGET_CLASS : GR_TARGET_VALUE,
                            .schema = &m->schema};
    gr_set set = {0};
    const double *values;
    char unusual[400];
    int64_t broken = 0, first = 0;
    gr_status st = GR_OK;
    GR_TRY(gr__set_raw(c->ctx, file, r->input, &so, &set));
    if (gr__raw_is_unusual(m->prepared, m->n_prepared, &set, unusual, sizeof unusual))
        gr__log(c->ctx, GR_LOG_WARNING, "%s: %s", file, unusual);
    GR_TRY(make_ready(c, m, set.element, GR_MIN(BATCH, GR_MAX(set.n, 1)), ready));
    answers a = {.c = c, .model = m, .form = r->reading.target, .width = gr__predictor_width(ready->predictor)};
    for (int64_t i = 0; i < set.n; i += BATCH) {
        int64_t n = GR_MIN(BATCH, set.n - i);
        GR_TRY(gr__predictor_run(ready->predictor, &set, i, n, &values));
        int64_t at = 0, found = rows_not_finite(values, n, a.width, &at);
        if (found > 0 && broken == 0) first = i + at;
        broken += found;
        for (int64_t k = 0; k < n; k++) GR_TRY(answer(&a, file, set.one ? -1 : i + k, values + k * a.width));
    }
    warn_not_finite(c, file, set.one, broken, first);
done:
    gr__set_free(c->ctx, &set);
    return st;
}

static gr_status run(cli *c)
{
    gr_model m = {0};
    compiled ready = {0};
    gr_status st = gr__model_open(c->ctx, c->argument[0], &m);
    for (int i = 0; i < c->n_sets && st == GR_OK; i++) {
        double threads;
        if (strncmp(c->set[i], "threads=", 8) == 0 && gr__parse_number(c->set[i] + 8, &threads) && threads >= 1)
            m.recipe->threads = (int)threads;
        else
            st = gr__fail(c->ctx, GR_E_USAGE,
                          "--set %s: predict takes its recipe from the model; only --threads can be set", c->set[i]);
    }
    if (st == GR_OK) st = cli_resources(c, m.recipe);
    for (int i = 1; i < c->n_arguments && st == GR_OK; i++)
        st = predict_file(c, &m, strcmp(c->argument[i], "-") == 0 ? "/dev/stdin" : c->argument[i], &ready);
    gr__predictor_destroy(ready.predictor);
    gr__model_close(&m);
    return st;
}

const cli_command cmd_predict = {.name = "predict",
                                 .usage = "MODEL INPUT...",
                                 .summary = "Predicts from raw inputs: classes with probabilities, or values",
                                 .help =
                                     "Inputs are files as they are: .npy (one sample or many), .csv with or without "
                                     "the target column, IDX (plain or .gz); - is standard input.\n"
                                     "The model file carries the preparation with the training statistics, so raw "
                                     "numbers go in. A file with rows\n"
                                     "gives a line a sample, FILE[0], FILE[1], ..., and one that is a sample FILE. "
                                     "Tables are read as the training's was.\n\n"
                                     "Example\n  gradus predict runs/fashion/best.safetensors pictures.npy --json\n",
                                 .min_arguments = 2,
                                 .max_arguments = CLI_MAX_GIVEN,
                                 .run = run};
