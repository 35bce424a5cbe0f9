/* gradus predict: raw inputs to classes with probabilities, or to values. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "cli/json.h"
#include "model/model.h"
#include "study/study.h"

enum { BATCH = 64 };

/* What a head answers of one sample. */
typedef struct answer {
    const gr_model *model;
    int head;
    gr_target_form form;
    int64_t width, positions; /* numbers of a position; positions of a sample */
    const double *v;
} answer;

typedef struct answers {
    cli *c;
    const gr_model *model;
    const gr_predictor *predictor;
} answers;

static answer answer_of(const answers *a, int head, const double *v)
{
    const gr_head *h = &a->model->recipe->head[head];
    int64_t all = gr__predictor_width(a->predictor, head);
    bool rows = h->output.rank > 1 && h->reading.prediction == GR_PREDICT_SHARES;
    int64_t width = rows ? h->output.dim[h->output.rank - 1] : all;
    return (answer){
        .model = a->model, .head = head, .form = h->reading.target, .width = width, .positions = all / width, .v = v};
}

/* One class is told where one is right, or the most likely. */
static bool tells_class(const answer *a)
{
    return a->form == GR_FORM_CLASS || a->form == GR_FORM_DISTRIBUTION;
}

static const char *class_name(const answer *a, int64_t k, char *number, size_t n)
{
    const gr_meaning *m = &a->model->meaning;
    if (m->class_names[a->head] && k < m->classes[a->head]) return m->class_names[a->head][k];
    snprintf(number, n, "%lld", (long long)k);
    return number;
}

/* The most likely class of a position; -1: a number there is not finite, and NaN never is the largest. */
static int64_t best_of(const answer *a, int64_t position)
{
    const double *v = a->v + position * a->width;
    int64_t best = 0;
    for (int64_t k = 1; k < a->width; k++)
        if (v[k] > v[best]) best = k;
    for (int64_t k = 0; k < a->width; k++)
        if (!isfinite(v[k])) return -1;
    return best;
}

static json_t *numbers(const answer *a, int64_t position)
{
    json_t *list = json_array();
    for (int64_t k = 0; k < a->width; k++) json_array_append_new(list, cli_real(a->v[position * a->width + k]));
    return list;
}

static json_t *label_json(const answer *a, int64_t best)
{
    char number[24];
    return best < 0 ? json_null() : cli_text(class_name(a, best, number, sizeof number));
}

static void put_positions(json_t *o, const answer *a)
{
    json_t *classes = json_array(), *labels = json_array(), *rows = json_array();
    for (int64_t i = 0; i < a->positions; i++) {
        int64_t best = best_of(a, i);
        json_array_append_new(classes, best < 0 ? json_null() : json_integer(best));
        json_array_append_new(labels, label_json(a, best));
        json_array_append_new(rows, numbers(a, i));
    }
    json_object_set_new(o, "class", classes);
    json_object_set_new(o, "label", labels);
    json_object_set_new(o, "probabilities", rows);
}

static void put_answer(json_t *o, const answer *a)
{
    int64_t best = best_of(a, 0);
    if (a->positions > 1) {
        put_positions(o, a);
        return;
    }
    if (tells_class(a)) {
        json_object_set_new(o, "class", best < 0 ? json_null() : json_integer(best));
        json_object_set_new(o, "label", label_json(a, best));
    }
    if (a->form == GR_FORM_LABELS) {
        json_t *yes = json_array();
        for (int64_t k = 0; k < a->width; k++)
            if (a->v[k] >= 0.5) json_array_append_new(yes, json_integer(k));
        json_object_set(o, "classes", best < 0 ? json_null() : yes);
        json_decref(yes);
    }
    json_object_set_new(o, a->form == GR_FORM_VALUES ? "output" : "probabilities", numbers(a, 0));
}

static gr_status tell_json(const answers *a, const char *input, const double *const *v)
{
    const gr_recipe *r = a->model->recipe;
    json_t *o = json_object(), *heads = json_object();
    json_object_set_new(o, "input", cli_text(input));
    for (int h = 0; h < r->n_heads; h++) {
        answer one = answer_of(a, h, v[h]);
        json_t *head = json_object();
        put_answer(r->heads_named ? head : o, &one);
        json_object_set_new(heads, r->head[h].name, head);
    }
    if (r->heads_named) json_object_set(o, "heads", heads);
    json_decref(heads);
    return cli_json(a->c, o);
}

static void print_answer(const answer *a)
{
    char number[24], shown[4200];
    for (int64_t i = 0; i < a->positions && tells_class(a); i++) {
        int64_t best = best_of(a, i);
        const char *name = best < 0 ? NULL : class_name(a, best, number, sizeof number);
        if (!name)
            printf("  no class: probabilities are not finite");
        else if (a->positions > 1)
            printf("  %s", gr__shown(shown, sizeof shown, name, strlen(name)));
        else
            printf("  %s  %.4f", gr__shown(shown, sizeof shown, name, strlen(name)), a->v[best]);
    }
    for (int64_t k = 0; k < a->width && !tells_class(a); k++) printf("  %.8g", a->v[k]);
}

static void tell_text(const answers *a, const char *input, const double *const *v)
{
    const gr_recipe *r = a->model->recipe;
    char shown[4200];
    printf("%s", gr__shown(shown, sizeof shown, input, strlen(input)));
    for (int h = 0; h < r->n_heads; h++) {
        answer one = answer_of(a, h, v[h]);
        if (r->heads_named) printf("  %s", r->head[h].name);
        print_answer(&one);
    }
    printf("\n");
}

/* Of sample k of a run. row -1: the file is the sample. What has rows has them named, however many there are. */
static gr_status tell(const answers *a, const char *file, int64_t row, const double *const *values, int64_t k)
{
    char input[4200];
    const double *v[GR_MAX_TARGETS];
    for (int h = 0; h < a->model->recipe->n_heads; h++) v[h] = values[h] + k * gr__predictor_width(a->predictor, h);
    if (row < 0)
        snprintf(input, sizeof input, "%s", file);
    else
        snprintf(input, sizeof input, "%s[%lld]", file, (long long)row);
    if (a->c->json) return tell_json(a, input, v);
    if (!a->c->quiet) tell_text(a, input, v);
    return GR_OK;
}

/* A network compiled for one type of input and batch, kept for files alike. */
typedef struct compiled {
    gr_predictor *predictor;
    gr_element source[GR_MAX_INPUTS];
    int64_t batch;
} compiled;

static gr_status make_ready(cli *c, const gr_model *m, const gr_set *set, compiled *r)
{
    compiled now = {.batch = GR_MIN(BATCH, GR_MAX(set->n, 1))};
    for (int i = 0; i < set->n_inputs; i++) now.source[i] = gr__set_input(set, i)->element;
    if (r->predictor && r->batch == now.batch && memcmp(r->source, now.source, sizeof now.source) == 0) return GR_OK;
    gr__predictor_destroy(r->predictor);
    *r = now;
    return gr__predictor_make(c->ctx, m, set, now.batch, &r->predictor);
}

static void warn_unusual(cli *c, const gr_model *m, const char *file, const gr_set *set)
{
    const gr_meaning *k = &m->meaning;
    char text[400];
    for (int i = 0; i < set->n_inputs; i++)
        if (gr__raw_is_unusual(k->prepared[i], k->n_prepared[i], gr__set_input(set, i), set->n, text, sizeof text))
            gr__log(c->ctx, GR_LOG_WARNING, "%s: %s%s%s", file, m->recipe->inputs_named ? m->recipe->input[i].name : "",
                    m->recipe->inputs_named ? ": " : "", text);
}

static gr_status load(cli *c, const gr_model *m, const char *file, gr_set *out)
{
    const gr_recipe *r = m->recipe;
    const gr_wants wants = gr__recipe_wants(r);
    gr_source_options so = {.folder = ".", .keep_float64 = r->float64, .wants = &wants, .schema = &m->meaning.schema};
    gr_shape sample[GR_MAX_INPUTS];
    for (int i = 0; i < r->n_inputs; i++) {
        so.exact |= m->meaning.n_prepared[i] > 0;
        sample[i] = r->input[i].sample;
    }
    return gr__set_raw(c->ctx, file, sample, r->data.train, &so, out);
}

/* Rows of one head whose numbers are not finite. */
typedef struct broken {
    int64_t n, first;
} broken;

static void count_not_finite(const answers *a, const double *const *values, int64_t from, int64_t rows, broken *b)
{
    for (int h = 0; h < a->model->recipe->n_heads; h++) {
        int64_t width = gr__predictor_width(a->predictor, h);
        for (int64_t i = 0; i < rows; i++) {
            bool finite = true;
            for (int64_t k = 0; k < width; k++) finite = finite && isfinite(values[h][i * width + k]);
            if (!finite && b[h].n++ == 0) b[h].first = from + i;
        }
    }
}

/* Among many lines an inf is easily not seen. */
static void warn_not_finite(const answers *a, const char *file, bool one, const broken *b)
{
    gr_context *ctx = a->c->ctx;
    const gr_recipe *r = a->model->recipe;
    for (int h = 0; h < r->n_heads; h++) {
        char row[32] = "", more[64] = "";
        if (b[h].n == 0) continue;
        if (!one) snprintf(row, sizeof row, "[%lld]", (long long)b[h].first);
        if (b[h].n > 1) snprintf(more, sizeof more, ", and those of %lld more rows", (long long)b[h].n - 1);
        gr__log(ctx, GR_LOG_WARNING, "%s%s: the model's outputs%s%s are not finite%s", file, row,
                r->heads_named ? " of the head " : "", r->heads_named ? r->head[h].name : "", more);
    }
}

static gr_status predict_file(cli *c, const gr_model *m, const char *file, compiled *ready)
{
    gr_set set = {0};
    const double *values[GR_MAX_TARGETS];
    broken not_finite[GR_MAX_TARGETS] = {0};
    gr_status st = GR_OK;
    GR_TRY(load(c, m, file, &set));
    warn_unusual(c, m, file, &set);
    GR_TRY(make_ready(c, m, &set, ready));
    const answers a = {.c = c, .model = m, .predictor = ready->predictor};
    for (int64_t i = 0; i < set.n; i += BATCH) {
        int64_t n = GR_MIN(BATCH, set.n - i);
        GR_TRY(gr__predictor_run(ready->predictor, &set, i, n, values));
        count_not_finite(&a, values, i, n, not_finite);
        for (int64_t k = 0; k < n; k++) GR_TRY(tell(&a, file, set.one ? -1 : i + k, values, k));
    }
    warn_not_finite(&a, file, set.one, not_finite);
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
