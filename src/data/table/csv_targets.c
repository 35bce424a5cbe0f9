/* CSV targets: what their columns hold, and reading them as values or classes. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/text.h"
#include "data/table/csv_table.h"

/* ---- what the columns hold ---- */

bool gr__labels_mostly(int64_t n, int64_t n_plain)
{
    enum { MOSTLY = 10, ENOUGH_LABELS = 20 }; /* of so many but one are plain, and there are as many */
    return n >= ENOUGH_LABELS && (n - n_plain) * MOSTLY <= n;
}

typedef struct labels_look {
    int64_t n, n_plain;
    bool plain, numbers; /* some are plain whole numbers; all are numbers, NaN and inf among them */
    bool texts;          /* some are neither numbers nor what often stands for a missing value */
    uint64_t line;       /* of the first label that is not plain */
    bool odd_number;     /* it is a number all the same */
    char odd[40];
} labels_look;

static void look_at_label(const gr__table *t, const gr__csv_reader *r, int column, labels_look *l)
{
    double x = 0;
    int64_t whole;
    const gr__cell *f = &r->cell[column];
    if (gr__table_missing(t, f) || f->n == 0) return; /* refused, if at all, later */
    l->n++;
    if (gr__cell_whole(f, &whole)) {
        l->n_plain++;
        l->plain = true;
        return;
    }
    bool number = gr__cell_number(f, &x);
    l->numbers = l->numbers && number;
    l->texts = l->texts || (!number && !gr__is_missing_mark(f));
    if (l->line > 0) return;
    gr__shown(l->odd, sizeof l->odd, f->s, f->n);
    l->line = r->record_line;
    l->odd_number = number && isfinite(x);
}

/* One that is not plain makes texts of labels that are numbers for everybody else: it may be a mistake. */
static void tell_odd_label(const gr__table *t, const gr__columns *c, const labels_look *l)
{
    bool several = t->n_of_targets > 1;
    const char *of = several ? " of " : "", *name = several ? c->name : "";
    if (l->texts) return;
    if (l->odd_number)
        gr__log(t->ctx, GR_LOG_INFO,
                "%s: labels%s%s are taken as texts: \"%s\" in line %llu is a number, but not written as a class's",
                t->blob->name, of, name, l->odd, (unsigned long long)l->line);
    else if (l->plain)
        gr__log(t->ctx, GR_LOG_WARNING,
                "%s: labels%s%s are taken as texts: \"%s\" in line %llu stands among whole numbers; if it is no "
                "class, leave its rows out",
                t->blob->name, of, name, l->odd, (unsigned long long)l->line);
}

/* Texts, unless every label is the plain spelling of a whole number: 01, 1.0 and +1 are not, and all may be different
 * classes. Where nothing said what the target is for, numbers that are not plain are values. */
static gr_status look_at_labels(const gr__table *t, gr__columns *c, bool tell)
{
    gr__csv_reader r;
    bool more = true, note = t->o->faults && t->o->faults->note;
    labels_look l = {.numbers = true};
    int64_t row = 0;
    gr__table_start(t, &r);
    gr_status st = t->header ? gr__csv_next(&r, &more) : GR_OK;
    while (st == GR_OK && more && (!l.texts || note)) {
        bool sound;
        st = gr__table_record(t, &r, row++, &more, &sound);
        for (int k = 0; k < c->n && st == GR_OK && sound; k++) look_at_label(t, &r, t->target[c->first + k], &l);
    }
    gr__csv_stop(&r);
    /* Who looks for what is wrong is told of the few that are no numbers of classes, rather than that all are texts. */
    bool mostly = note && gr__labels_mostly(l.n, l.n_plain);
    c->answer = l.line == 0 || mostly                    ? GR__ANSWER_WHOLE
                : l.numbers && c->want == GR_TARGET_NONE ? GR__ANSWER_VALUE
                                                         : GR__ANSWER_TEXT;
    if (tell && st == GR_OK && c->answer == GR__ANSWER_TEXT) tell_odd_label(t, c, &l);
    return st;
}

gr_status gr__table_answers(gr__table *t, bool tell)
{
    gr_status st = GR_OK;
    const gr_schema *like = t->o->own_classes ? NULL : t->o->like;
    for (int i = 0; i < t->n_of_targets && st == GR_OK; i++) {
        gr__columns *c = &t->of_target[i];
        c->answer = t->o->inputs_only                         ? GR__ANSWER_NONE
                    : c->want == GR_TARGET_VALUE              ? GR__ANSWER_VALUE
                    : like && c->like && c->like->class_names ? GR__ANSWER_KNOWN
                                                              : GR__ANSWER_WHOLE;
        if (c->answer == GR__ANSWER_WHOLE && !like) st = look_at_labels(t, c, tell);
    }
    return st;
}

/* ---- classes ---- */

gr_status gr__table_preload(const gr__table *t, gr__labels *all)
{
    gr_status st = GR_OK;
    for (int i = 0; i < t->n_of_targets; i++) {
        const gr__columns *c = &t->of_target[i];
        for (int k = 0; c->answer == GR__ANSWER_KNOWN && k < c->like->n_class_names && st == GR_OK; k++) {
            int32_t seen;
            gr__cell f = {.s = c->like->class_names[k], .n = strlen(c->like->class_names[k])};
            st = gr__labels_add(t, &all[i], &f, &seen);
        }
    }
    return st;
}

static gr_status known_class(const gr__table *t, const gr__columns *c, const gr__labels *all, const gr__csv_reader *r,
                             int column, int32_t *out)
{
    const gr_schema_target *like = c->like;
    gr_status st = gr__labels_find(t, all, &r->cell[column], out);
    if (st != GR_OK || *out >= 0) return st;
    char first[80], last[80];
    const char *a = like->class_names[0], *b = like->class_names[like->n_class_names - 1];
    st = gr__table_fail(t, r, column, "is none of the classes of training");
    gr__error_hint(t->ctx, "there are %d, from \"%s\" to \"%s\"", like->n_class_names,
                   gr__shown(first, sizeof first, a, strlen(a)), gr__shown(last, sizeof last, b, strlen(b)));
    return st;
}

static gr_status whole_class(const gr__table *t, const gr__csv_reader *r, int column, int32_t *out)
{
    int64_t x;
    const gr__cell *f = &r->cell[column];
    if (gr__table_missing(t, f)) return gr__table_fail(t, r, column, "is missing, which a target cannot be");
    if (f->n == 0) return gr__table_fail(t, r, column, "is empty");
    if (gr__cell_whole(f, &x) && x < GR__MOST_CLASSES) return *out = (int32_t)x, GR_OK;
    char what[80];
    snprintf(what, sizeof what, "is not a class: whole numbers from 0 to %d, or texts", GR__MOST_CLASSES - 1);
    gr_status st = gr__table_fail(t, r, column, what);
    if (t->o->like && !t->o->own_classes)
        gr__error_hint(t->ctx, "the training's classes are whole numbers, written 0, 1, 2, ...");
    else
        gr__error_hint(
            t->ctx,
            "labels that are whole numbers number the classes: 0, 1, 2, ...; names made of digits need a letter "
            "in front: n123");
    return st;
}

static gr_status text_class(const gr__table *t, const gr__csv_reader *r, int column, gr__labels *all, int32_t *out)
{
    const gr__cell *f = &r->cell[column];
    if (gr__table_missing(t, f) || f->n == 0)
        return gr__table_fail(t, r, column, "is missing, which a target cannot be");
    return gr__labels_add(t, all, f, out);
}

/* ---- reading ---- */

static gr_status read_one(const gr__table *t, const gr__csv_reader *r, const gr__columns *c, int column,
                          gr__labels *all, gr_field *f, int64_t at)
{
    double x;
    gr_status st = GR_OK;
    int32_t *class_ = (int32_t *)f->data + at;
    switch (c->answer) {
    case GR__ANSWER_NONE:
        break;
    case GR__ANSWER_VALUE:
        st = gr__table_number(t, r, column, GR_FIELD_TARGET, &x);
        if (st == GR_OK) gr__table_put(f->element, f->data, at, x);
        break;
    case GR__ANSWER_KNOWN:
        st = known_class(t, c, all, r, column, class_);
        break;
    case GR__ANSWER_WHOLE:
        st = whole_class(t, r, column, class_);
        if (st == GR_OK) f->classes = GR_MAX(f->classes, *class_ + 1);
        break;
    case GR__ANSWER_TEXT:
        st = text_class(t, r, column, all, class_);
        break;
    }
    return st;
}

gr_status gr__table_answer(const gr__table *t, const gr__csv_reader *r, gr__labels *all, gr_set *s, int64_t row)
{
    gr_status st = GR_OK;
    for (int i = 0; i < s->n_targets && st == GR_OK; i++) {
        const gr__columns *c = &t->of_target[i];
        for (int k = 0; k < c->n && st == GR_OK; k++)
            st = read_one(t, r, c, t->target[c->first + k], &all[i], &s->field[s->n_inputs + i], row * c->n + k);
    }
    return st;
}

/* The training's names, in memory of this set's own. */
static gr_status take_class_names(const gr__table *t, const gr__columns *c, gr_field *f)
{
    const char **names = gr__bump_alloc(t->memory, (size_t)c->like->n_class_names * sizeof *names);
    for (int i = 0; names && i < c->like->n_class_names; i++)
        if (!(names[i] = gr__bump_strdup(t->memory, c->like->class_names[i]))) names = NULL;
    if (!names) return gr__error_code(t->ctx);
    f->class_names = names;
    f->classes = c->like->n_class_names;
    return GR_OK;
}

gr_status gr__table_classes(const gr__table *t, const gr__labels *all, gr_set *s)
{
    gr_status st = GR_OK;
    for (int i = 0; i < s->n_targets && st == GR_OK; i++) {
        const gr__columns *c = &t->of_target[i];
        gr_field *f = &s->field[s->n_inputs + i];
        if (c->answer == GR__ANSWER_TEXT) st = gr__labels_number(t, &all[i], f, s->n * c->n);
        if (c->answer == GR__ANSWER_KNOWN) st = take_class_names(t, c, f);
    }
    return st;
}
