/* What a model gets wrong, the costliest first. */
#include <math.h>
#include <string.h>

#include "model/model.h"
#include "study/data/delivered.h"

enum { TOLD_VALUES = 8 };
static const double SURE = 0.9; /* a probability */

/* How one head answers a sample. */
typedef struct verdict {
    double cost;            /* -log of what it gives to what is right; of values the mean square of what they are off */
    int64_t wrong, answers; /* classes or labels that it gets wrong, of so many */
    int64_t best;           /* of one class: the most likely, */
    double p_best, p_label; /* its probability, and that of the right one */
    double value[TOLD_VALUES]; /* of values: the first of them */
} verdict;

typedef struct mistake {
    uint32_t row;
    double cost; /* of all heads by their weights; infinite where it is no number */
    verdict head[GR_MAX_TARGETS];
} mistake;

typedef struct judge {
    const gr_task *t;
    gr_engine *e;
    const gr_batch *b;
    const gr_engine_plan *plan;
    gr_tally_spec is[GR_MAX_TARGETS];
    mistake *worst; /* by falling cost, then by row */
    int64_t n, most;
    gr_view_mistakes found;
} judge;

/* ---- one sample ---- */

static double real_at(const judge *j, const void *data, int64_t i)
{
    return gr__element_at(gr__task_real(j->t), data, i);
}

static double surprise(double p)
{
    return -log(fmax(p, 1e-300)); /* a probability of 0 has a cost too */
}

/* Answers of a head, of which so many count: of sequences those of steps within the length. */
static int64_t counted(const judge *j, int h, int64_t all, int64_t i)
{
    const gr_recipe *r = j->t->recipe;
    int input = gr__network_lengths(j->t->network, h);
    const int32_t *length = input < 0 ? NULL : j->b->field[gr__length_place(r->n_inputs, r->n_heads, input)];
    return length ? all / gr__set_input(j->t->lead, input)->steps * length[i] : all;
}

static int64_t largest(const judge *j, const void *data, int64_t first, int64_t n)
{
    int64_t best = 0;
    for (int64_t k = 1; k < n; k++)
        if (real_at(j, data, first + k) > real_at(j, data, first + best)) best = k;
    return best;
}

static void judge_classes(const judge *j, int h, int64_t i, verdict *v)
{
    const void *p = j->plan->head[h].prediction;
    const int32_t *label = j->b->field[j->t->recipe->n_inputs + h];
    int64_t classes = j->is[h].classes, all = gr_shape_count(gr__set_target(j->t->lead, h)->sample);
    v->answers = counted(j, h, all, i);
    for (int64_t k = 0; k < v->answers; k++) {
        int64_t at = i * all + k, best = largest(j, p, at * classes, classes);
        v->cost += surprise(real_at(j, p, at * classes + label[at])) / (double)v->answers;
        v->wrong += best != label[at];
        if (k == 0) v->best = best, v->p_best = real_at(j, p, at * classes + best);
        if (k == 0) v->p_label = real_at(j, p, at * classes + label[at]);
    }
}

/* Rows of shares, each a distribution. */
static void judge_shares(const judge *j, int h, int64_t i, verdict *v)
{
    const void *p = j->plan->head[h].prediction, *y = j->b->field[j->t->recipe->n_inputs + h];
    int64_t width = j->is[h].outputs, all = gr_shape_count(j->t->recipe->head[h].output) / width;
    v->answers = counted(j, h, all, i);
    for (int64_t k = 0; k < v->answers; k++) {
        int64_t at = (i * all + k) * width, best = largest(j, p, at, width), right = largest(j, y, at, width);
        v->wrong += best != right;
        for (int64_t c = 0; c < width; c++)
            v->cost += real_at(j, y, at + c) * surprise(real_at(j, p, at + c)) / (double)v->answers;
        if (k == 0) v->best = best, v->p_best = real_at(j, p, at + best), v->p_label = real_at(j, p, at + right);
    }
}

static void judge_numbers(const judge *j, int h, int64_t i, bool labels, verdict *v)
{
    const void *p = j->plan->head[h].prediction, *y = j->b->field[j->t->recipe->n_inputs + h];
    int64_t all = gr_shape_count(j->t->recipe->head[h].output);
    v->answers = counted(j, h, all, i);
    for (int64_t k = 0; k < v->answers; k++) {
        double is = real_at(j, p, i * all + k), right = real_at(j, y, i * all + k), off = is - right;
        v->wrong += labels ? (is >= 0.5) != (right >= 0.5) : off != 0;
        v->cost += (labels ? right * surprise(is) + (1 - right) * surprise(1 - is) : off * off) / (double)v->answers;
        if (k < TOLD_VALUES) v->value[k] = is;
    }
}

static void judge_sample(const judge *j, int64_t i, mistake *m)
{
    const gr_recipe *r = j->t->recipe;
    *m = (mistake){.row = j->b->row[i]};
    for (int h = 0; h < r->n_heads; h++) {
        verdict *v = &m->head[h];
        switch (r->head[h].reading.target) {
        case GR_FORM_CLASS:
            judge_classes(j, h, i, v);
            break;
        case GR_FORM_DISTRIBUTION:
            judge_shares(j, h, i, v);
            break;
        case GR_FORM_LABELS:
            judge_numbers(j, h, i, true, v);
            break;
        case GR_FORM_VALUES:
            judge_numbers(j, h, i, false, v);
            break;
        }
        m->cost += r->head[h].weight * v->cost;
    }
    if (!isfinite(m->cost)) m->cost = INFINITY;
}

/* ---- all of them ---- */

static void keep(judge *j, const mistake *m)
{
    int64_t at = j->n;
    while (at > 0 && j->worst[at - 1].cost < m->cost) at--;
    if (at == j->most) return;
    j->n = GR_MIN(j->n + 1, j->most);
    memmove(&j->worst[at + 1], &j->worst[at], sizeof *m * (size_t)(j->n - 1 - at));
    j->worst[at] = *m;
}

/* A lone answer that is wrong and sure of it. */
static bool is_confident(const judge *j, const mistake *m)
{
    for (int h = 0; h < j->t->recipe->n_heads; h++)
        if (m->head[h].answers == 1 && m->head[h].wrong && m->head[h].p_best >= SURE) return true;
    return false;
}

static void take_batch(judge *j)
{
    mistake m;
    for (int64_t i = 0; i < j->b->n; i++) {
        bool wrong = false;
        judge_sample(j, i, &m);
        for (int h = 0; h < j->t->recipe->n_heads; h++) wrong |= m.head[h].wrong > 0;
        j->found.samples++;
        if (!wrong && isfinite(m.cost)) continue;
        j->found.wrong++;
        j->found.confident += is_confident(j, &m);
        keep(j, &m);
    }
}

static gr_status judge_all(judge *j, gr_part p)
{
    gr_loader_options o = gr__task_loader(j->t, p, true);
    gr_loader *l = NULL;
    gr_status st = GR_OK;
    o.batch = gr__task_evaluation_batch(j->t);
    o.shuffle = GR_SHUFFLE_NONE;
    o.drop_last = false;
    GR_TRY(gr__loader_create(j->t->ctx, &o, &l));
    for (gr_batch b = {0}; !b.last;) {
        GR_TRY(gr__loader_next(l, &b));
        gr_engine_plan *plan = gr__engine_find(j->e, GR_RUN_EVALUATE, b.n, 0, 0);
        if (!plan) GR_TRY(gr__fail(j->t->ctx, GR_E_INTERNAL, "no plan to evaluate a batch of %lld", (long long)b.n));
        gr__feeds_put(&plan->feeds, &b);
        GR_TRY(gr_plan_run(plan->plan));
        j->b = &b;
        j->plan = plan;
        take_batch(j);
    }
done:
    gr__loader_destroy(l);
    return st;
}

static gr_status run(judge *j, gr_engine *e, gr_part p)
{
    const gr_recipe *r = j->t->recipe;
    j->e = e;
    for (int h = 0; h < r->n_heads; h++) {
        j->is[h] = gr__engine_tally(e, h);
        j->found.classes |= r->head[h].reading.target != GR_FORM_VALUES;
    }
    return judge_all(j, p);
}

/* ---- what is shown ---- */

/* "0.5 1.25" */
static const char *values_of(gr_sheet *s, const verdict *v)
{
    const char *all = "";
    for (int64_t k = 0; k < GR_MIN(v->answers, TOLD_VALUES); k++)
        all = gr__sheet_text(s, "%s%s%.6g", all, k ? " " : "", v->value[k]);
    return v->answers > TOLD_VALUES ? gr__sheet_text(s, "%s and %lld more", all, (long long)(v->answers - TOLD_VALUES))
                                    : all;
}

static void tell_head(gr__viewer *v, gr_card *c, int h, const verdict *is)
{
    const gr_head *head = &v->t->recipe->head[h];
    bool single = head->reading.target == GR_FORM_CLASS || head->reading.target == GR_FORM_DISTRIBUTION;
    const char *of = v->t->recipe->heads_named ? gr__sheet_text(v->sheet, "%s: ", head->name) : "";
    if (single && is->answers == 1)
        gr__card_line(v->sheet, c, "%staken for %s: %.4f (its own: %.4f)", of, gr__viewer_class(v, h, is->best),
                      is->p_best, is->p_label);
    else if (head->reading.target == GR_FORM_VALUES)
        gr__card_line(v->sheet, c, "%spredicted: %s (off by %.4g)", of, values_of(v->sheet, is), sqrt(is->cost));
    else
        gr__card_line(v->sheet, c, "%s%lld of %lld are wrong", of, (long long)is->wrong, (long long)is->answers);
}

static void note_mistakes(gr__viewer *v, const judge *j, const char *model)
{
    const gr_view_mistakes *f = &j->found;
    if (f->classes)
        gr__sheet_note(v->sheet, "%lld of %lld samples of the %s part are wrong; of these %lld, by falling cost",
                       (long long)f->wrong, (long long)f->samples, gr__part_name(v->part), (long long)j->n);
    else
        gr__sheet_note(v->sheet, "of %lld samples of the %s part the %lld that are furthest off", (long long)f->samples,
                       gr__part_name(v->part), (long long)j->n);
    gr__sheet_note(v->sheet, "model: %s", model);
    gr__sheet_note(v->sheet, "cost: %s",
                   f->classes ? "-log of the probability of what is right" : "the mean square of what values are off");
}

static gr_status show(const judge *j, const char *model, const gr_view_options *o, gr_sheet *s)
{
    gr_part p = o->part;
    gr__viewer v = gr__viewer_of(j->t, p, s);
    gr__delivered d = {0};
    gr_rows rows = {0};
    gr_status st = GR_OK;
    v.plain = o->plain;
    note_mistakes(&v, j, model);
    if (j->n == 0) return s->failed;
    GR_TRY(gr__rows_all(j->t->ctx, j->n, &rows));
    for (int64_t i = 0; i < j->n; i++) rows.row[i] = j->worst[i].row;
    GR_TRY(gr__deliver_plain(j->t, p, &rows, &d));
    gr__viewer_range(&v, &d);
    gr__viewer_notes(&v);
    for (int64_t i = 0; i < j->n; i++) {
        const mistake *is = &j->worst[i];
        gr_card *c = gr__viewer_card(&v, is->row);
        GR_TRY(gr__viewer_source(&v, c, is->row));
        gr__viewer_faces(&v, c, &d, i, NULL);
        gr__viewer_targets(&v, c, &d, i);
        for (int h = 0; h < j->t->recipe->n_heads; h++) tell_head(&v, c, h, &is->head[h]);
        if (isfinite(is->cost))
            gr__card_line(s, c, "cost %.4g", is->cost);
        else
            gr__card_line(s, c, "the model's outputs are not finite");
        c->wrong = !isfinite(is->cost);
    }
    st = s->failed;
done:
    gr__delivered_close(j->t, &d);
    gr__rows_free(j->t->ctx, &rows);
    return st;
}

static void tell_worst(const judge *j, gr_view_mistakes *out)
{
    *out = j->found;
    out->n_worst = (int)GR_MIN(j->n, GR_VIEW_WORST);
    for (int i = 0; i < out->n_worst; i++) out->worst[i] = j->worst[i].row;
}

gr_status gr__view_mistakes_of(gr_engine *e, const char *model, const gr_view_options *o, gr_sheet *s,
                               gr_view_mistakes *out)
{
    const gr_task *t = e->task;
    judge j = {.t = t, .most = GR_MIN(o->count, GR_MAX(t->count[o->part], 1))};
    size_t bytes = sizeof *j.worst * (size_t)j.most;
    j.worst = gr__alloc(t->ctx, bytes);
    gr_status st = j.worst ? run(&j, e, o->part) : GR_E_MEMORY;
    if (st == GR_OK) st = show(&j, model, o, s);
    if (st == GR_OK) tell_worst(&j, out);
    gr__free(t->ctx, j.worst, bytes);
    return st;
}

gr_status gr__view_mistakes(const gr_task *t, const gr_model *m, const gr_view_options *o, gr_sheet *s,
                            gr_view_mistakes *out)
{
    gr_engine e = {0};
    gr_status st = GR_OK;
    GR_TRY(gr__engine_make(t, false, 1u << o->part, &e));
    GR_TRY(gr__engine_budget(&e, t->recipe->memory));
    GR_TRY(gr__engine_start(&e));
    GR_TRY(gr__model_load(t->ctx, m->file, m->path, e.store));
    st = gr__view_mistakes_of(&e, m->path, o, s, out);
done:
    gr__engine_close(&e);
    return st;
}
