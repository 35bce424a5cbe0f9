/* What an evaluation found, as members of the answer and as text. */
#include "cli/evaluation.h"

#include <math.h>
#include <string.h>

/* What is told of a head. */
typedef struct told {
    const cli_evaluation *all;
    int head;
    const gr_metrics *metrics;
    const gr_head_evaluation *ev;
} told;

static told told_of(const cli_evaluation *all, int head)
{
    return (told){all, head, &all->engine->metrics[head], &all->ev->head[head]};
}

static const char *class_name(const told *t, int k, char *number, size_t n)
{
    return cli_class_name(t->all->model, t->head, k, number, n);
}

static void add_confusion(gr_result *r, const told *t)
{
    char number[24];
    const gr_head_evaluation *ev = t->ev;
    json_t *rows = json_array();
    const char **names = gr__result_alloc(r, sizeof *names * (size_t)ev->classes);
    for (int a = 0; a < ev->classes && names; a++) {
        json_t *row = json_array();
        for (int b = 0; b < ev->classes; b++)
            json_array_append_new(row, json_integer(ev->confusion[(int64_t)a * ev->classes + b]));
        json_array_append_new(rows, row);
        names[a] = gr__result_text(r, "%s", class_name(t, a, number, sizeof number));
    }
    gr__result_list(r, "classes", (gr_list){.text = names, .n = (size_t)ev->classes});
    gr__result_json(r, "confusion", rows);
}

/* ---- class by class ---- */

/* Of a class, or of a label's yes. */
typedef struct by_class {
    int number;
    const char *name, *shown;
    double precision, recall, f1; /* 0 where nothing defines them, which the note says */
    int64_t support, predicted;
    const char *note;
} by_class;

static const gr_column class_columns[] = {
    GR_COLUMN(by_class, number, INT, "class"),
    GR_COLUMN(by_class, name, TEXT, "label"),
    GR_COLUMN(by_class, precision, REAL, "precision"),
    GR_COLUMN(by_class, recall, REAL, "recall"),
    GR_COLUMN(by_class, f1, REAL, "f1"),
    GR_COLUMN(by_class, support, WHOLE, "support"),
    GR_COLUMN(by_class, predicted, WHOLE, "predicted"),
    GR_COLUMN(by_class, note, TEXT, "note"),
};
static const gr_column shown_columns[] = {
    GR_COLUMN(by_class, shown, TEXT, NULL, GR_SHOWN("class", -20), .digits = 20),
    GR_COLUMN(by_class, precision, REAL, NULL, GR_SHOWN("precision", 9), .digits = 4, .style = 'f'),
    GR_COLUMN(by_class, recall, REAL, NULL, GR_SHOWN("recall", 9), .digits = 4, .style = 'f'),
    GR_COLUMN(by_class, f1, REAL, NULL, GR_SHOWN("F1", 9), .digits = 4, .style = 'f'),
    GR_COLUMN(by_class, support, WHOLE, NULL, GR_SHOWN("support", 9)),
    GR_COLUMN(by_class, predicted, WHOLE, NULL, GR_SHOWN("predicted", 9)),
    GR_COLUMN(by_class, note, TEXT, NULL, GR_SHOWN("", 0), .gap = 1),
};

static double share(int64_t part, int64_t of)
{
    return of ? (double)part / (double)of : 0;
}

static by_class figures_of(gr_result *r, const told *t, int k)
{
    const gr_hits h = t->ev->hits[k];
    char number[24], shown[200];
    const char *name = class_name(t, k, number, sizeof number);
    return (by_class){.number = k,
                      .name = gr__result_text(r, "%s", name),
                      .shown = gr__result_text(r, "%s", gr__shown(shown, sizeof shown, name, strlen(name))),
                      .precision = share(h.both, h.guessed),
                      .recall = share(h.both, h.truth),
                      .f1 = share(2 * h.both, h.truth + h.guessed),
                      .support = h.truth,
                      .predicted = h.guessed,
                      .note = h.truth && h.guessed ? NULL
                              : h.truth            ? "never predicted"
                              : h.guessed          ? "not in this part"
                                                   : "neither in this part nor predicted"};
}

static const by_class *classes_of(gr_result *r, const told *t)
{
    by_class *all = t->ev->hits ? gr__result_alloc(r, sizeof *all * (size_t)t->ev->classes) : NULL;
    for (int k = 0; k < t->ev->classes && all; k++) all[k] = figures_of(r, t, k);
    return all;
}

/* ---- members ---- */

static const char *key(gr_result *r, const char *name)
{
    return r->within ? gr__result_text(r, "%s%s", r->within, name) : name;
}

static bool has_baseline(const told *t)
{
    return t->ev->hits && t->all->model->recipe->head[t->head].reading.target == GR_FORM_CLASS;
}

static json_t *metrics_json(const told *t, const double *figure)
{
    json_t *o = json_object();
    for (int i = 0; i < t->metrics->n; i++) json_object_set_new(o, t->metrics->use[i].name, gr__json_real(figure[i]));
    return o;
}

static void add_baseline(gr_result *r, const told *t)
{
    char number[24];
    gr__result_put(r, "baseline/class=%jd baseline/label=%s", t->ev->majority,
                   class_name(t, (int)t->ev->majority, number, sizeof number));
    gr__result_json(r, "baseline/metrics", metrics_json(t, t->ev->baseline));
}

static void add_threshold(gr_result *r, const told *t)
{
    const cli_threshold *used = &t->all->threshold[t->head];
    char number[24];
    if (!t->all->engine->threshold[t->head]) return;
    gr__result_put(r, "threshold/at=%g", used->is.at);
    if (t->all->model->recipe->head[t->head].reading.target == GR_FORM_CLASS)
        gr__result_put(r, "threshold/class=%d threshold/label=%s", used->is.positive,
                       class_name(t, used->is.positive, number, sizeof number));
    if (used->by)
        gr__result_put(r, "threshold/by=%s threshold/figure=%g threshold/part=%s", used->by, used->figure,
                       gr__part_name(GR_PART_VALIDATION));
}

/* The model's own figures come behind those that they are held against: who looks a name up by text finds them last. */
static void add_head(gr_result *r, const told *t)
{
    bool classes = t->all->model->recipe->head[t->head].reading.target == GR_FORM_CLASS;
    add_threshold(r, t);
    if (has_baseline(t)) add_baseline(r, t);
    const by_class *all = classes_of(r, t);
    if (all) GR_TABLE(r, key(r, "per_class"), class_columns, all, t->ev->classes);
    gr__result_put(r, "cost_mean=%g cost_sum=%g error=%g", t->ev->cost_mean, t->ev->cost_sum, t->ev->error);
    gr__result_json(r, "metrics", metrics_json(t, t->ev->metric));
    if (t->ev->confusion)
        add_confusion(r, t);
    else if (classes) /* not finite, or of too many classes */
        gr__result_put(r, "confusion");
}

void cli_evaluation_add(gr_result *r, const cli_evaluation *all)
{
    const gr_recipe *recipe = all->model->recipe;
    gr__result_put(r, "samples=%jd", all->ev->samples);
    if (all->ev->solves) gr__result_put(r, "unsolved=%jd", all->ev->unsolved);
    if (recipe->heads_named) gr__result_put(r, "cost_mean=%g", all->ev->cost_mean);
    for (int h = 0; h < all->ev->n_heads; h++) {
        const told t = told_of(all, h);
        r->within = recipe->heads_named ? gr__result_text(r, "heads/%s/", recipe->head[h].name) : NULL;
        add_head(r, &t);
    }
    r->within = NULL;
}

/* ---- text ---- */

/* Characters of a name, and its bytes of which at most so many are shown. */
static int characters(const char *s, int most, int *bytes)
{
    int n = 0;
    for (*bytes = 0; s[*bytes] && n < most; n++) {
        size_t step = gr__utf8_bytes((const unsigned char *)s + *bytes, strlen(s + *bytes));
        *bytes += step ? (int)step : 1;
    }
    return n;
}

/* A name at the right of a column so wide. */
static void note_name(gr_result *r, const char *name, int width)
{
    char shown[200];
    name = gr__shown(shown, sizeof shown, name, strlen(name));
    int bytes, n = characters(name, width, &bytes);
    gr__result_note(r, " %*s%.*s", width - n, "", bytes, name);
}

static void note_confusion(gr_result *r, const told *t)
{
    enum { LEAST = 6, MOST = 12 };
    const gr_head_evaluation *ev = t->ev;
    char number[24];
    int width = LEAST, bytes;
    for (int a = 0; a < ev->classes; a++)
        width = GR_MAX(width, characters(class_name(t, a, number, sizeof number), MOST, &bytes));
    gr__result_note(r, "\nconfusion (rows: truth, columns: prediction)\n%*s", width + 1, "");
    for (int b = 0; b < ev->classes; b++) note_name(r, class_name(t, b, number, sizeof number), width);
    for (int a = 0; a < ev->classes; a++) {
        gr__result_note(r, "\n");
        note_name(r, class_name(t, a, number, sizeof number), width);
        for (int b = 0; b < ev->classes; b++)
            gr__result_note(r, " %*lld", width, (long long)ev->confusion[(int64_t)a * ev->classes + b]);
    }
    gr__result_note(r, "\n");
}

static void note_figure(gr_result *r, const char *name, double x)
{
    if (isfinite(x))
        gr__result_note(r, "%s %.4f\n", name, x);
    else
        gr__result_note(r, "%s none\n", name);
}

/* What any model is to be held against: one that looks at nothing. */
static void note_baseline(gr_result *r, const told *t, const char *of)
{
    char number[24], shown[200];
    const char *name = class_name(t, (int)t->ev->majority, number, sizeof number), *between = ":";
    if (!has_baseline(t)) return;
    gr__result_note(r, "%s baseline, always %s", of, gr__shown(shown, sizeof shown, name, strlen(name)));
    for (int i = 0; i < t->metrics->n; i++) {
        if (!isfinite(t->ev->baseline[i])) continue;
        gr__result_note(r, "%s %s %.4f", between, t->metrics->use[i].name, t->ev->baseline[i]);
        between = ",";
    }
    gr__result_note(r, "\n");
}

static void note_threshold(gr_result *r, const told *t, const char *of)
{
    const cli_threshold *used = &t->all->threshold[t->head];
    char number[24], shown[200];
    if (!t->all->engine->threshold[t->head]) return;
    gr__result_note(r, "%s threshold %.15g", of, used->is.at);
    if (t->all->model->recipe->head[t->head].reading.target == GR_FORM_CLASS) {
        const char *name = class_name(t, used->is.positive, number, sizeof number);
        gr__result_note(r, " for %s", gr__shown(shown, sizeof shown, name, strlen(name)));
    }
    if (used->by)
        gr__result_note(r, ", best %s of %s: %.4f", used->by, gr__part_name(GR_PART_VALIDATION), used->figure);
    gr__result_note(r, "\n");
}

/* of: the part, and the head where it has a name. */
static void note_head(gr_result *r, const told *t, const char *of)
{
    enum { MOST_CONFUSED = 20, MOST_CLASSES = 100 };
    const gr_head_evaluation *ev = t->ev;
    gr__result_note(r, "%s cost %.6f (sum %.6g)\n", of, ev->cost_mean, ev->cost_sum);
    note_threshold(r, t, of);
    note_figure(r, gr__result_text(r, "%s error", of), ev->error);
    for (int i = 0; i < t->metrics->n; i++)
        note_figure(r, gr__result_text(r, "%s %s", of, t->metrics->use[i].name), ev->metric[i]);
    note_baseline(r, t, of);
    const by_class *all = ev->classes <= MOST_CLASSES ? classes_of(r, t) : NULL;
    if (all) gr__result_note(r, "\n");
    if (all) GR_TABLE(r, NULL, shown_columns, all, ev->classes);
    if (ev->confusion && ev->classes <= MOST_CONFUSED) note_confusion(r, t);
}

void cli_evaluation_note(gr_result *r, const cli_evaluation *all, gr_part part)
{
    const gr_recipe *recipe = all->model->recipe;
    const char *name = gr__part_name(part);
    char of[200];
    gr__result_note(r, "%s samples %lld\n", name, (long long)all->ev->samples);
    if (!all->ev->finite) {
        gr__result_note(r, "%s cost, error and metrics: none, outputs or cost are not finite\n", name);
        return;
    }
    if (recipe->heads_named) gr__result_note(r, "%s cost %.6f\n", name, all->ev->cost_mean);
    for (int h = 0; h < all->ev->n_heads; h++) {
        const told t = told_of(all, h);
        snprintf(of, sizeof of, "%s%s%s", name, recipe->heads_named ? " " : "",
                 recipe->heads_named ? recipe->head[h].name : "");
        note_head(r, &t, of);
    }
}
