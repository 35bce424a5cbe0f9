/* What a model answers of a sample: JSON, text, or the cells of a line of CSV. */
#include "cli/answer.h"

#include <math.h>
#include <string.h>

/* What a head answers of one sample. */
typedef struct answer {
    const gr_model *model;
    int head;
    gr_target_form form;
    int64_t width, positions;      /* numbers of a position; positions of a sample that count */
    bool many;                     /* there may be several */
    const double *v, *deviation;   /* deviation NULL: not known */
    const gr_threshold *threshold; /* NULL: the most likely class, labels from 1/2 on */
} answer;

static answer answer_of(const cli_answers *a, int head, const double *v, int64_t counts)
{
    const gr_head *h = &a->model->recipe->head[head];
    bool rows = h->output.rank > 1 && h->reading.prediction == GR_PREDICT_SHARES;
    int64_t width = rows ? h->output.dim[h->output.rank - 1] : counts;
    return (answer){.model = a->model,
                    .head = head,
                    .form = h->reading.target,
                    .width = width,
                    .positions = counts / width,
                    .many = rows && a->width[head] > width,
                    .v = v,
                    .deviation = a->deviation ? a->deviation[head] : NULL,
                    .threshold = a->threshold[head].given ? &a->threshold[head].is : NULL};
}

/* One class is told where one is right, or the most likely. */
static bool tells_class(const answer *a)
{
    return a->form == GR_FORM_CLASS || a->form == GR_FORM_DISTRIBUTION;
}

/* The class of a position: the most likely, or by the threshold; -1: a number there is not finite, and NaN never is the
 * largest. */
static int64_t best_of(const answer *a, int64_t position)
{
    const double *v = a->v + position * a->width;
    int64_t best = 0;
    for (int64_t k = 1; k < a->width; k++)
        if (v[k] > v[best]) best = k;
    for (int64_t k = 0; k < a->width; k++)
        if (!isfinite(v[k])) return -1;
    return a->threshold && a->width == 2 ? gr__threshold_answer(a->threshold, v[0], v[1]) : best;
}

/* Whether a label is a yes. */
static bool holds(const answer *a, int64_t label)
{
    return a->v[label] >= (a->threshold ? a->threshold->at : 0.5);
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
        if (holds(a, k)) yes[n++] = k;
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
    if (a->deviation) gr__result_list(r, "std", (gr_list){.real = a->deviation, .n = (size_t)a->width});
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
    for (int64_t k = 0; k < a->width && !tells_class(a); k++) {
        gr__result_note(r, "  %.8g", a->v[k]);
        if (a->deviation) gr__result_note(r, " +- %.3g", a->deviation[k]);
    }
}

/* ---- a sample ---- */

gr_status cli_answers_show(const cli_answers *a, const char *input, const double *const *v, const int64_t *counts)
{
    const gr_recipe *recipe = a->model->recipe;
    gr_result *r = cli_result(a->c);
    char shown[4200];
    gr__result_put(r, "input=%s", input);
    gr__result_note(r, "%s", gr__shown(shown, sizeof shown, input, strlen(input)));
    for (int h = 0; h < recipe->n_heads; h++) {
        answer one = answer_of(a, h, v[h], counts[h]);
        const char *name = recipe->head[h].name;
        if (recipe->heads_named) gr__result_note(r, "  %s", name);
        if (recipe->heads_named) r->within = gr__result_text(r, "heads/%s/", name);
        add_answer(r, &one);
        note_answer(r, &one);
    }
    gr__result_note(r, "\n");
    return cli_show(a->c, r);
}

/* ---- CSV ---- */

/* "kind_label" of a head with a name; behind "predicted_" where a kept column is called so. */
static void put_name(const cli_answers *a, gr__text *out, int head, const char *what)
{
    const gr_recipe *r = a->model->recipe;
    const char *name = r->heads_named ? gr__bump_format(a->c->memory, "%s_%s", r->head[head].name, what) : what;
    bool taken = false;
    for (int i = 0; i < a->n_kept; i++) taken |= name && strcmp(a->kept_name[i], name) == 0;
    gr__text_put(out, taken ? ",predicted_" : ",", taken ? 11 : 1);
    gr__csv_text(out, name ? name : what);
}

static void put_names(const cli_answers *a, gr__text *out, int head)
{
    answer one = answer_of(a, head, NULL, a->width[head]);
    char number[24], name[400];
    if (tells_class(&one)) put_name(a, out, head, "class");
    if (tells_class(&one)) put_name(a, out, head, "label");
    if (one.form == GR_FORM_LABELS) put_name(a, out, head, "classes");
    if (one.many && tells_class(&one)) return;
    for (int64_t k = 0; k < one.width; k++) {
        if (one.form != GR_FORM_VALUES)
            snprintf(name, sizeof name, "probability_%s", cli_class_name(a->model, head, k, number, sizeof number));
        else if (one.width > 1)
            snprintf(name, sizeof name, "output_%lld", (long long)k);
        else
            snprintf(name, sizeof name, "output");
        put_name(a, out, head, name);
    }
    for (int64_t k = 0; k < one.width && one.form == GR_FORM_VALUES && a->deviation; k++) {
        snprintf(name, sizeof name, one.width > 1 ? "std_%lld" : "std", (long long)k);
        put_name(a, out, head, name);
    }
}

void cli_answers_names(const cli_answers *a, gr__text *out)
{
    gr__text_add(out, "input");
    for (int i = 0; i < a->n_kept; i++) {
        gr__text_put(out, ",", 1);
        gr__csv_text(out, a->kept_name[i]);
    }
    for (int h = 0; h < a->model->recipe->n_heads; h++) put_names(a, out, h);
    gr__text_put(out, "\n", 1);
}

static void put_number(gr__text *out, double x)
{
    char text[32];
    if (isfinite(x)) gr__text_add(out, "%s", gr__double_text(x, text));
}

/* One class, or those of all positions with blanks between. */
static void put_classes(gr__text *out, const answer *a)
{
    for (int labels = 0; labels < 2; labels++) {
        gr__text all;
        gr__text_init(&all, out->ctx);
        for (int64_t i = 0; i < a->positions; i++) {
            char number[24];
            int64_t best = best_of(a, i);
            if (i) gr__text_put(&all, " ", 1);
            if (best >= 0 && labels) gr__text_add(&all, "%s", label_of(a, best, number, sizeof number));
            if (best >= 0 && !labels) gr__text_add(&all, "%lld", (long long)best);
        }
        gr__text_put(out, ",", 1);
        gr__csv_text(out, all.s ? all.s : "");
        out->failed |= all.failed;
        gr__text_free(&all);
    }
}

static void put_answer(gr__text *out, const answer *a)
{
    const char *between = ",";
    if (tells_class(a)) put_classes(out, a);
    if (tells_class(a) && a->many) return;
    if (a->form == GR_FORM_LABELS && best_of(a, 0) < 0) gr__text_put(out, ",", 1);
    for (int64_t k = 0; a->form == GR_FORM_LABELS && best_of(a, 0) >= 0 && k <= a->width; k++) {
        if (k == a->width && *between == ',') gr__text_put(out, ",", 1); /* none */
        if (k == a->width || !holds(a, k)) continue;
        gr__text_add(out, "%s%lld", between, (long long)k);
        between = " ";
    }
    for (int64_t k = 0; k < a->width; k++) {
        gr__text_put(out, ",", 1);
        put_number(out, a->v[k]);
    }
    for (int64_t k = 0; k < a->width && a->deviation; k++) {
        gr__text_put(out, ",", 1);
        put_number(out, a->deviation[k]);
    }
}

void cli_answers_line(const cli_answers *a, const char *input, const char *const *kept, const double *const *v,
                      const int64_t *counts, gr__text *out)
{
    gr__csv_text(out, input);
    for (int i = 0; i < a->n_kept; i++) {
        gr__text_put(out, ",", 1);
        gr__csv_text(out, kept[i]);
    }
    for (int h = 0; h < a->model->recipe->n_heads; h++) {
        const answer one = answer_of(a, h, v[h], counts[h]);
        put_answer(out, &one);
    }
    gr__text_put(out, "\n", 1);
}
