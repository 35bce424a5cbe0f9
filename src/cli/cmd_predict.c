/* gradus predict: raw inputs to classes with probabilities, or to values. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "cli/source.h"
#include "study/check/check.h"

enum { BATCH = 64 };

/* What a head answers of one sample. */
typedef struct answer {
    const gr_model *model;
    int head;
    gr_target_form form;
    int64_t width, positions; /* numbers of a position; positions of a sample that count */
    bool many;                /* there may be several */
    const double *v;
} answer;

typedef struct answers {
    cli *c;
    const gr_model *model;
    const gr_predictor *predictor;
    const gr_set *set; /* what they are of */
} answers;

static answer answer_of(const answers *a, int head, const double *v, int64_t counts)
{
    const gr_head *h = &a->model->recipe->head[head];
    int64_t all = gr__predictor_width(a->predictor, head);
    bool rows = h->output.rank > 1 && h->reading.prediction == GR_PREDICT_SHARES;
    int64_t width = rows ? h->output.dim[h->output.rank - 1] : counts;
    return (answer){.model = a->model,
                    .head = head,
                    .form = h->reading.target,
                    .width = width,
                    .positions = counts / width,
                    .many = rows && all > width,
                    .v = v};
}

/* One class is told where one is right, or the most likely. */
static bool tells_class(const answer *a)
{
    return a->form == GR_FORM_CLASS || a->form == GR_FORM_DISTRIBUTION;
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

static const char *label_of(const answer *a, int64_t best, char *number, size_t n)
{
    return best < 0 ? NULL : cli_class_name(a->model, a->head, best, number, n);
}

static void add_positions(gr_result *r, const answer *a)
{
    json_t *classes = json_array(), *labels = json_array(), *rows = json_array();
    for (int64_t i = 0; i < a->positions; i++) {
        char number[24];
        int64_t best = best_of(a, i);
        json_t *row = json_array();
        for (int64_t k = 0; k < a->width; k++) json_array_append_new(row, gr__json_real(a->v[i * a->width + k]));
        json_array_append_new(classes, best < 0 ? json_null() : json_integer(best));
        json_array_append_new(labels, gr__json_string(label_of(a, best, number, sizeof number)));
        json_array_append_new(rows, row);
    }
    gr__result_json(r, "class", classes);
    gr__result_json(r, "label", labels);
    gr__result_json(r, "probabilities", rows);
}

static void add_answer(gr_result *r, const answer *a)
{
    char number[24];
    int64_t best = best_of(a, 0), *yes = gr__result_alloc(r, sizeof *yes * (size_t)a->width);
    size_t n = 0;
    if (a->many) {
        add_positions(r, a);
        return;
    }
    for (int64_t k = 0; k < a->width && yes; k++)
        if (a->v[k] >= 0.5) yes[n++] = k;
    if (tells_class(a) && best >= 0)
        gr__result_put(r, "class=%jd label=%s", best, label_of(a, best, number, sizeof number));
    else if (tells_class(a))
        gr__result_put(r, "class label");
    else if (a->form == GR_FORM_LABELS && best >= 0)
        gr__result_list(r, "classes", (gr_list){.whole = yes, .n = n});
    else if (a->form == GR_FORM_LABELS)
        gr__result_put(r, "classes");
    gr__result_list(r, a->form == GR_FORM_VALUES ? "output" : "probabilities",
                    (gr_list){.real = a->v, .n = (size_t)a->width});
}

static void note_answer(gr_result *r, const answer *a)
{
    char number[24], shown[4200];
    if (a->many && tells_class(a) && cli_tells_units(a->model)) {
        cli_note_units(r, a->model, a->head, a->v, a->width, a->positions);
        return;
    }
    for (int64_t i = 0; i < a->positions && tells_class(a); i++) {
        int64_t best = best_of(a, i);
        const char *name = label_of(a, best, number, sizeof number);
        if (!name)
            gr__result_note(r, "  no class: probabilities are not finite");
        else if (a->many)
            gr__result_note(r, "  %s", gr__shown(shown, sizeof shown, name, strlen(name)));
        else
            gr__result_note(r, "  %s  %.4f", gr__shown(shown, sizeof shown, name, strlen(name)), a->v[best]);
    }
    for (int64_t k = 0; k < a->width && !tells_class(a); k++) gr__result_note(r, "  %.8g", a->v[k]);
}

static gr_status show(const answers *a, const char *input, int64_t row, const double *const *v)
{
    const gr_recipe *recipe = a->model->recipe;
    gr_result *r = cli_result(a->c);
    char shown[4200];
    gr__result_put(r, "input=%s", input);
    gr__result_note(r, "%s", gr__shown(shown, sizeof shown, input, strlen(input)));
    for (int h = 0; h < recipe->n_heads; h++) {
        answer one = answer_of(a, h, v[h], gr__predictor_counts(a->predictor, h, a->set, row));
        const char *name = recipe->head[h].name;
        if (recipe->heads_named) gr__result_note(r, "  %s", name);
        if (recipe->heads_named) r->within = gr__result_text(r, "heads/%s/", name);
        add_answer(r, &one);
        note_answer(r, &one);
    }
    gr__result_note(r, "\n");
    return cli_show(a->c, r);
}

/* Of sample k of a run. What has rows has them named, however many there are. */
static gr_status tell(const answers *a, const char *file, int64_t row, const double *const *values, int64_t k)
{
    char input[4200];
    const double *v[GR_MAX_TARGETS];
    for (int h = 0; h < a->model->recipe->n_heads; h++) v[h] = values[h] + k * gr__predictor_width(a->predictor, h);
    if (a->set->one)
        snprintf(input, sizeof input, "%s", file);
    else
        snprintf(input, sizeof input, "%s[%lld]", file, (long long)row);
    return show(a, input, row, v);
}

/* A network compiled for one type of input and batch, kept for files alike. */
typedef struct compiled {
    gr_predictor *predictor;
    gr_element source[GR_MAX_INPUTS];
    bool lengths[GR_MAX_INPUTS];
    int64_t batch;
} compiled;

static gr_status make_ready(cli *c, const gr_model *m, const gr_set *set, compiled *r)
{
    compiled now = {.batch = GR_MIN(BATCH, GR_MAX(set->n, 1))};
    for (int i = 0; i < set->n_inputs; i++) {
        now.source[i] = gr__set_input(set, i)->element;
        now.lengths[i] = gr__set_length(set, i) != NULL;
    }
    if (r->predictor && r->batch == now.batch && memcmp(r->source, now.source, sizeof now.source) == 0 &&
        memcmp(r->lengths, now.lengths, sizeof now.lengths) == 0)
        return GR_OK;
    gr__predictor_destroy(r->predictor);
    *r = now;
    return gr__predictor_make(c->ctx, m, set, now.batch, &r->predictor);
}

static void warn_unusual(cli *c, const gr_model *m, const char *file, const gr_set *set)
{
    const gr_meaning *k = &m->meaning;
    char text[400];
    for (int i = 0; i < set->n_inputs; i++)
        if (gr__raw_is_unusual(c->ctx, k->prepared[i], k->n_prepared[i], gr__set_input(set, i), set->n, text,
                               sizeof text))
            gr__log(c->ctx, GR_LOG_WARNING, "%s: %s%s%s", file, m->recipe->inputs_named ? m->recipe->input[i].name : "",
                    m->recipe->inputs_named ? ": " : "", text);
}

/* Filled up with zeros, they would be taken for what was measured. */
static void warn_whole(cli *c, const gr_model *m, const char *file, const gr_set *set)
{
    const gr_recipe *r = m->recipe;
    for (int i = 0; i < set->n_inputs; i++) {
        const gr_shape sample = r->input[i].sample;
        if (!gr__source_has_lengths(r->data.train, r->input[i].name) || gr__set_length(set, i)) continue;
        gr__log(c->ctx, GR_LOG_WARNING,
                "%s: the model was trained with lengths%s%s, but the file has none: all %lld steps of a sample count",
                file, r->inputs_named ? " of " : "", r->inputs_named ? r->input[i].name : "",
                (long long)(sample.rank ? sample.dim[0] : 1));
    }
}

static gr_status load(cli *c, const gr_model *m, const char *file, gr_set *out)
{
    const gr_recipe *r = m->recipe;
    const gr_wants wants = gr__recipe_wants(r);
    gr_source_options so = {.folder = ".", .keep_float64 = r->float64, .wants = &wants, .schema = &m->meaning.schema};
    gr_shape sample[GR_MAX_INPUTS];
    for (int i = 0; i < r->n_inputs; i++) {
        so.exact |= m->meaning.n_prepared[i] > 0;
        sample[i] = gr__prepare_takes(m->meaning.prepared[i], m->meaning.n_prepared[i], r->input[i].sample);
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
            int64_t counts = gr__predictor_counts(a->predictor, h, a->set, from + i);
            for (int64_t k = 0; k < counts; k++) finite = finite && isfinite(values[h][i * width + k]);
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
    warn_whole(c, m, file, &set);
    GR_TRY(make_ready(c, m, &set, ready));
    const answers a = {.c = c, .model = m, .predictor = ready->predictor, .set = &set};
    for (int64_t i = 0; i < set.n; i += BATCH) {
        int64_t n = GR_MIN(BATCH, set.n - i);
        GR_TRY(gr__predictor_run(ready->predictor, &set, i, n, values));
        count_not_finite(&a, values, i, n, not_finite);
        for (int64_t k = 0; k < n; k++) GR_TRY(tell(&a, file, i + k, values, k));
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
    for (int i = 0; i < c->sets.n && st == GR_OK; i++) {
        double threads;
        if (strncmp(c->sets.at[i], "threads=", 8) == 0 && gr__parse_number(c->sets.at[i] + 8, &threads) && threads >= 1)
            m.recipe->threads = (int)threads;
        else
            st =
                gr__fail(c->ctx, GR_E_USAGE,
                         "--set %s: predict takes its recipe from the model; only --threads can be set", c->sets.at[i]);
    }
    if (st == GR_OK) st = cli_resources(c, m.recipe);
    for (int i = 1; i < c->n_arguments && st == GR_OK; i++)
        st = predict_file(c, &m, strcmp(c->argument[i], "-") == 0 ? "/dev/stdin" : c->argument[i], &ready);
    gr__predictor_destroy(ready.predictor);
    gr__model_close(&m);
    return st;
}

GR_COMMAND(predict) = {.name = "predict",
                       .place = 3,
                       .usage = "MODEL INPUT...",
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
                               "Example\n  gradus predict runs/fashion/best.safetensors pictures.npy --json\n",
                       .min_arguments = 2,
                       .max_arguments = CLI_MAX_GIVEN,
                       .run = run};
