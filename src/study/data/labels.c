/* Labels that are probably wrong: what confident learning makes of a model's probabilities. */
#include <math.h>
#include <string.h>

#include "base/file.h"
#include "study/data/confident.h"
#include "study/data/label_model.h"

/* ---- the array of probabilities ---- */

static gr_status write_probabilities(gr_context *ctx, const char *path, const gr_guesses *g)
{
    char head[128] = "\x93NUMPY\x01";
    int n = snprintf(head + 10, sizeof head - 10, "{'descr': '<f8', 'fortran_order': False, 'shape': (%lld, %d), }",
                     (long long)g->n, g->classes);
    while ((10 + n + 1) % 64) head[10 + n++] = ' ';
    head[10 + n++] = '\n';
    head[7] = 0;
    head[8] = (char)n;
    head[9] = 0;
    gr__writer *w;
    gr_status st = gr__writer_open(ctx, path, &w);
    if (st != GR_OK) return st;
    gr__writer_put(w, head, (size_t)(10 + n));
    gr__writer_put(w, g->p, sizeof *g->p * (size_t)(g->n * g->classes));
    return gr__writer_commit(w);
}

/* ---- findings ---- */

static int likeliest(const gr_guesses *g, int64_t i)
{
    const double *p = g->p + i * g->classes;
    int most = 0;
    for (int k = 1; k < g->classes; k++)
        if (p[k] > p[most]) most = k;
    return most;
}

static bool is_finite(const gr_guesses *g)
{
    for (int64_t i = 0; i < g->n * g->classes; i++)
        if (!isfinite(g->p[i])) return false;
    return true;
}

/* How often the guesses are the labels; *guessing: how often the most frequent label is. */
static double agreement(const gr_guesses *g, gr__bump *b, double *guessing)
{
    int64_t *count = gr__bump_alloc(b, sizeof *count * (size_t)g->classes), right = 0, most = 0;
    for (int64_t i = 0; i < g->n && count; i++) {
        right += likeliest(g, i) == g->label[i];
        count[g->label[i]]++;
        most = GR_MAX(most, count[g->label[i]]);
    }
    *guessing = (double)most / (double)g->n;
    return (double)right / (double)g->n;
}

static gr_status say_ignorant(gr_inspection *s, gr_part part, double right, double guessing)
{
    gr_data_finding *f = gr__found(s, "suspicious_label", GR_SEVERITY_NOTE, part);
    if (!f) return gr__error_code(s->ctx);
    gr__found_text(s, f, "not judged: out of sample the label model is right %.3g %% of the time, guessing %.3g %%",
                   100 * right, 100 * guessing);
    return GR_OK;
}

static gr_status tell(gr_inspection *s, gr_part part, const gr_guesses *g)
{
    double guessing, right = agreement(g, s->memory, &guessing);
    gr_confident c;
    gr_part source = s->task.set_of[part] == &s->task.set[part] ? part : GR_PART_TRAIN;
    gr_status st = gr__confident_learn(s->ctx, s->memory, g->p, g->label, g->n, g->classes, GR_PRUNE_NOISE_RATE, &c);
    if (st != GR_OK || c.n_issues == 0) return st;
    if (right < guessing + 3 * sqrt(guessing * (1 - guessing) / (double)g->n)) /* it knows nothing of them */
        return say_ignorant(s, part, right, guessing);
    gr_data_finding *f = gr__found(s, "suspicious_label", GR_SEVERITY_WARNING, part);
    if (!f) return gr__error_code(s->ctx);
    int64_t worst = c.issue[0];
    int guess = likeliest(g, worst);
    gr__found_text(s, f, "the surest: %s is labelled %s with a probability of %.2g, %s has %.2g",
                   gr__inspection_name(s, s->first[source] + g->row[worst]), gr__inspection_class(s, g->label[worst]),
                   g->p[worst * g->classes + g->label[worst]], gr__inspection_class(s, guess),
                   g->p[worst * g->classes + guess]);
    for (int64_t i = 0; i < c.n_issues && st == GR_OK; i++) {
        int64_t at = s->first[source] + g->row[c.issue[i]];
        gr__found_sample(s, f, at);
        st = gr__leave_out(s, at, "suspicious_label", true);
    }
    return st;
}

static gr_status refuse(gr_inspection *s, const char *why)
{
    gr_data_finding *f = gr__found(s, "suspicious_label", GR_SEVERITY_NOTE, GR_PART_TRAIN);
    if (!f) return gr__error_code(s->ctx);
    gr__found_text(s, f, "not looked for: %s", why);
    return GR_OK;
}

/* ---- the two ways ---- */

static gr_status look_by_folds(gr_inspection *s)
{
    const gr_inspect_options *o = s->options;
    gr_guesses g = {0};
    const char *why = gr__label_model_refuses(s->recipe, o->label_model);
    if (!why && s->task.count[GR_PART_TRAIN] < 2 * o->folds) why = "there are too few samples for the folds";
    if (!why && s->unprepared) why = "training would not start with these samples";
    if (why) return o->probabilities ? gr__fail(s->ctx, GR_E_CONFLICT, "no probabilities: %s", why) : refuse(s, why);
    gr_status st = gr__label_model_fold(s->ctx, s->recipe, o, &g);
    if (st == GR_E_DIVERGED || (st == GR_OK && !is_finite(&g))) {
        gr_context_clear_error(s->ctx);
        st = refuse(s, "the label model diverged; another learning rate, or --label-model linear");
    } else if (st == GR_OK) {
        if (o->probabilities) st = write_probabilities(s->ctx, o->probabilities, &g);
        if (st == GR_OK) st = tell(s, GR_PART_TRAIN, &g);
    }
    gr__guesses_close(&g);
    return st;
}

/* The model's outputs mean the data's classes. */
static gr_status check_model(gr_inspection *s)
{
    const gr_model *m = s->options->model;
    const char *why = gr__label_model_refuses(m->recipe, GR_LABELS_BY_RECIPE);
    if (why) return gr__fail(s->ctx, GR_E_CONFLICT, "\"%s\" cannot judge labels: %s", m->path, why);
    bool named = m->meaning.class_names[0] && s->class_names, same = true;
    if (named && m->meaning.classes[0] < s->classes) same = false;
    for (int k = 0; named && same && k < s->classes; k++)
        same = strcmp(m->meaning.class_names[0][k], s->class_names[k]) == 0;
    if (named && !same) return gr__fail(s->ctx, GR_E_CONFLICT, "\"%s\" has other classes than the data", m->path);
    return GR_OK;
}

static gr_status look_by_model(gr_inspection *s)
{
    gr_status st = check_model(s);
    for (int p = GR_PART_VALIDATION; p < GR_PARTS && st == GR_OK; p++) {
        gr_guesses g = {0};
        if (!s->task.set_of[p] || s->task.count[p] == 0 || !gr__set_classes(s->task.set_of[p])) continue;
        gr__watch(s->options->watch, "labels", (double)p / GR_PARTS);
        st = gr__label_model_predict(s->ctx, &s->task, (gr_part)p, s->options->model, &g);
        for (int64_t i = 0; i < g.n && st == GR_OK; i++)
            if (g.label[i] >= g.classes)
                st = gr__fail(s->ctx, GR_E_CONFLICT, "\"%s\" has outputs for %d classes, but there is a label %d",
                              s->options->model->path, g.classes, g.label[i]);
        if (st == GR_OK && is_finite(&g)) st = tell(s, (gr_part)p, &g);
        gr__guesses_close(&g);
    }
    return st;
}

gr_status gr__inspect_labels(gr_inspection *s)
{
    gr_status st = s->options->model ? look_by_model(s) : GR_OK;
    if (st != GR_OK || s->options->label_model == GR_LABELS_NOT) return st;
    return look_by_folds(s);
}
