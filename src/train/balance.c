/* Balancing of a task's training rows. */
#include "train/balance.h"

#include <stdio.h>
#include <string.h>

#include "train/agree.h"

static int balanced_head(const gr_recipe *r)
{
    int h = 0;
    while (h < r->n_heads - 1 && r->head[h].reading.target != GR_FORM_CLASS) h++;
    return h;
}

gr_element gr__balance_element(const gr_task *t, gr_element source)
{
    const gr_balance *m = t->recipe->data.balance;
    return m && m->makes && source != GR_EL_I32 ? gr__elements_together(source, GR_EL_F32) : source;
}

/* Numbers that are made have the digits of the source's. */
static gr_element makes_as(const gr_task *t, const gr_set *s)
{
    bool wide = t->recipe->float64;
    for (int i = 0; i < s->n_inputs; i++) wide |= gr__prepared_as_delivered(gr__set_input(s, i)->element);
    return wide ? GR_EL_F64 : GR_EL_F32;
}

/* The number of a sample that `categorical` names, by its place or its column. */
static gr_status find_nominal(const gr_balance_job *j, const gr_tree *x, gr_nominal *out)
{
    const gr_set *s = j->set;
    int64_t at = x->kind == GR_TREE_INT ? (int64_t)x->number : -1, first = 0;
    for (int i = 0; i < s->n_inputs; i++) {
        const gr_field *f = gr__set_input(s, i);
        int64_t n = gr_shape_count(f->sample);
        for (int64_t e = 0; e < n; e++) {
            bool named = at < 0 && f->column && f->column[e] && strcmp(f->column[e], x->text) == 0;
            if (!named && at != first + e) continue;
            *out = (gr_nominal){i, e};
            return GR_OK;
        }
        first += n;
    }
    if (at < 0)
        return gr__tree_fail(j->ctx, x, GR_E_DATA, NULL, "the training data has no input column \"%s\"", x->text);
    return gr__tree_fail(j->ctx, x, GR_E_DATA, NULL, "samples have %lld numbers, counted from 0", (long long)first);
}

/* What the steps of an input make of numbers that say categories. */
static gr_status follow(gr_balance_job *j, int input, int32_t *category)
{
    const gr_field *f = gr__set_input(j->set, input);
    gr_shape sample = f->sample;
    for (int k = 0; k < j->n_prepared[input]; k++) {
        const gr_prepared *p = &j->prepared[input][k];
        if (!p->gives.rank || !p->step->tell) continue;
        size_t n = (size_t)gr_shape_count(p->gives);
        int32_t *then = gr__bump_alloc(j->b, n * sizeof *then);
        const char **name = gr__bump_alloc(j->b, n * sizeof *name);
        if (!then || !name) return gr__error_code(j->ctx);
        const gr__fitting as = {.ctx = j->ctx, .b = j->b, .x = f, .sample = sample, .category = category};
        gr_status st = p->step->tell(&as, p, then, name);
        if (st != GR_OK) return st;
        category = then;
        sample = p->gives;
    }
    j->apart[input] = category;
    return GR_OK;
}

/* Columns of categories, and what `categorical` names beside them. */
static gr_status read_nominal(gr_balance_job *j, gr_nominal *all, const gr_tree *list)
{
    gr_status st = GR_OK;
    j->nominal = all;
    for (int i = 0; i < j->set->n_inputs; i++) {
        const gr_field *f = gr__set_input(j->set, i);
        for (int64_t e = 0; f->category && e < gr_shape_count(f->sample); e++)
            if (f->category[e] > 0) all[j->n_nominal++] = (gr_nominal){i, e};
    }
    for (int i = 0; i < list->n; i++) {
        GR_TRY(find_nominal(j, list->child[i], &all[j->n_nominal]));
        const gr_field *f = gr__set_input(j->set, all[j->n_nominal].input);
        if (!f->category || f->category[all[j->n_nominal].element] <= 0) j->n_nominal++;
    }
    for (int i = 0; i < j->set->n_inputs; i++) {
        const gr_field *f = gr__set_input(j->set, i);
        int32_t *category = gr__bump_alloc(j->b, sizeof *category * (size_t)gr_shape_count(f->sample));
        if (!category) GR_TRY(gr__error_code(j->ctx));
        for (int64_t e = 0; f->category && e < gr_shape_count(f->sample); e++) category[e] = f->category[e];
        for (int k = 0; k < j->n_nominal; k++)
            if (all[k].input == i && category[all[k].element] == 0) category[all[k].element] = -1;
        GR_TRY(follow(j, i, category));
    }
done:
    return st;
}

static gr_status find_categories(gr_balance_job *j)
{
    static const gr_tree none = {0};
    const gr_member *m = j->s->member;
    const gr_tree *list = gr__member_has(m, "categorical") ? gr__setting_tree(j->s, "categorical") : NULL;
    int64_t most = (list ? list->n : 0) + 1;
    if (!gr__member_has(m, "categorical")) return GR_OK;
    for (int i = 0; i < j->set->n_inputs; i++)
        if (gr__set_input(j->set, i)->category) most += gr_shape_count(gr__set_input(j->set, i)->sample);
    gr_nominal *all = gr__bump_alloc(j->b, sizeof *all * (size_t)most);
    if (!all) return gr__error_code(j->ctx);
    return read_nominal(j, all, gr__tree_none(list) ? &none : list);
}

static gr_status make_job(const gr_task *t, gr_set *s, gr_balance_job *j)
{
    const gr_recipe *r = t->recipe;
    int head = balanced_head(r);
    const gr_field *y = gr__set_target(s, head);
    *j = (gr_balance_job){.ctx = t->ctx,
                          .b = t->memory,
                          .at = r->data.balance_settings.tree,
                          .s = &r->data.balance_settings,
                          .set = s,
                          .rows = &t->rows[GR_PART_TRAIN],
                          .label = y->data,
                          .classes = (int)t->targets[head].classes,
                          .count = t->targets[head].count,
                          .class_names = t->meaning.class_names[head],
                          .seed = r->seed,
                          .makes_as = makes_as(t, s)};
    for (int i = 0; i < s->n_inputs; i++) {
        j->prepared[i] = t->meaning.prepared[i];
        j->n_prepared[i] = t->meaning.n_prepared[i];
    }
    if (j->class_names && t->meaning.classes[head] < j->classes) j->class_names = NULL;
    if (gr_shape_count(y->sample) != 1)
        return gr__tree_fail(t->ctx, j->at, GR_E_DATA, NULL, "samples have %lld classes each: balancing counts one",
                             (long long)gr_shape_count(y->sample));
    return find_categories(j);
}

static gr_ensemble ensemble_of(const gr_balance_job *j, const gr_balance_plan *p, int head)
{
    gr_ensemble e = {.models = (int)gr__setting_int(j->s, "models"),
                     .epochs = gr__setting_int(j->s, "epochs"),
                     .head = head,
                     .classes = j->classes,
                     .count = j->count};
    for (int c = 0; c < j->classes; c++) e.most = GR_MAX(e.most, p->after[c]); /* those cut all have as many left */
    for (int c = 0; c < j->classes; c++)
        if (p->after[c] < j->count[c]) e.most = p->after[c];
    return e;
}

static uint64_t beyond(uint64_t a, uint64_t b)
{
    return a > b ? a - b : 0;
}

/* What balancing leaves, and what it takes meanwhile: what was taken before it left something counts less by that. */
static gr_status count(const gr_task *read, const gr_balance *m, const gr_balance_job *j, const gr_balance_plan *p,
                       gr_task *to)
{
    uint64_t leaves = gr__rows_bytes(p->n) + gr__made_bytes(j->set, p->made, j->makes_as),
             work = gr__balance_work(m, j, p), ensemble = 0;
    gr_status st = GR_OK;
    if (m->ranks && gr__balance_cuts(j, p)) {
        gr_ensemble e = ensemble_of(j, p, balanced_head(read->recipe));
        st = gr__ensemble_work(read, &e, &ensemble);
        work = sizeof(gr_hardness) * (uint64_t)j->rows->n + GR_MAX(work, ensemble);
    }
    to->work_bytes = GR_MAX(beyond(GR_MAX(to->work_bytes, p->work), leaves), work);
    to->data_bytes += leaves;
    to->count[GR_PART_TRAIN] = p->n;
    return st;
}

/* "common" 900 -> 900, "rare" 30 -> 900 */
static gr_status say(const gr_balance *m, const gr_balance_job *j, const gr_balance_plan *p)
{
    enum { MOST = 10 };
    gr__text text;
    char name[64];
    int told = 0, shown = 0;
    gr__text_init(&text, j->ctx);
    for (int c = 0; c < j->classes; c++) {
        if (!j->count[c] || told++ >= MOST) continue;
        gr__text_add(&text, "%s%s %lld -> %lld", shown++ ? ", " : "", gr__balance_class(j, c, name),
                     (long long)j->count[c], (long long)p->after[c]);
    }
    if (told > MOST) gr__text_add(&text, " and %d more classes", told - MOST);
    if (!text.failed)
        gr__log(j->ctx, GR_LOG_INFO, "%s: %lld training samples become %lld%s: %s", m->head.name, (long long)j->rows->n,
                (long long)p->n, p->made ? ", some of them made" : "", text.s);
    gr_status st = text.failed ? gr__error_code(j->ctx) : GR_OK;
    gr__text_free(&text);
    return st;
}

/* Columns of a table as they are differ in what they are measured in, and the largest decide who is near. */
static void say_unprepared(const gr_balance *m, const gr_balance_job *j)
{
    for (int i = 0; i < j->set->n_inputs && m->makes; i++) {
        const gr_field *x = gr__set_input(j->set, i);
        if (j->n_prepared[i] == 0 && x->sample.rank <= 1 && gr_shape_count(x->sample) > 1)
            gr__log(j->ctx, GR_LOG_INFO,
                    "%s: neighbours are near by the numbers of the input \"%s\" as they are: those that are large "
                    "decide; prepare: [standardize] lets all count alike",
                    m->head.name, x->name);
    }
}

static gr_status rank(const gr_task *t, const gr_balance *m, gr_balance_job *j, const gr_balance_plan *p,
                      gr_hardness **hard)
{
    size_t bytes = sizeof **hard * (size_t)j->rows->n;
    *hard = NULL;
    if (!m->ranks || !gr__balance_cuts(j, p)) return GR_OK;
    *hard = gr__tensor_alloc(t->ctx, bytes);
    if (!*hard) return gr__error_code(t->ctx);
    memset(*hard, 0, bytes);
    j->hard = *hard;
    const gr_ensemble e = ensemble_of(j, p, balanced_head(t->recipe));
    return gr__ensemble_rank(t, &e, *hard);
}

gr_status gr__task_balance(gr_task *t)
{
    const gr_balance *m = t->recipe->data.balance;
    gr_balance_job j;
    gr_balance_plan p;
    gr_hardness *hard = NULL;
    gr_status st = GR_OK;
    GR_TRY(make_job(t, &t->set[GR_PART_TRAIN], &j));
    say_unprepared(m, &j);
    GR_TRY(gr__balance_plan_of(m, &j, &p));
    t->trained.row = gr__tensor_alloc(t->ctx, (size_t)gr__rows_bytes(p.n));
    if (!t->trained.row) GR_TRY(gr__error_code(t->ctx));
    t->trained.n = p.n;
    GR_TRY(rank(t, m, &j, &p, &hard));
    GR_TRY(gr__balance_apply(m, &j, &p, &t->trained, &t->kept));
    GR_TRY(count(t, m, &j, &p, t));
    t->balanced = p.after;
    t->balanced_head = balanced_head(t->recipe);
    GR_TRY(say(m, &j, &p));
done:
    if (hard) gr__tensor_free(t->ctx, hard, sizeof *hard * (size_t)t->rows[GR_PART_TRAIN].n);
    return st;
}

gr_status gr__task_balance_estimate(const gr_task *read, gr_task *estimate)
{
    const gr_balance *m = read->recipe->data.balance;
    gr_set set = read->set[GR_PART_TRAIN]; /* nothing is made */
    gr_balance_job j;
    gr_balance_plan p;
    gr_status st = GR_OK;
    GR_TRY(make_job(read, &set, &j));
    GR_TRY(gr__balance_plan_of(m, &j, &p));
    GR_TRY(count(read, m, &j, &p, estimate));
    int64_t *after = gr__bump_alloc(estimate->memory, sizeof *after * (size_t)j.classes);
    if (!after) GR_TRY(gr__error_code(estimate->ctx));
    memcpy(after, p.after, sizeof *after * (size_t)j.classes);
    estimate->trained.n = p.n;
    estimate->kept = p.n - p.copies - p.made;
    estimate->balanced = after;
done:
    return st;
}
