/* CSV rows that are wrong: what is the matter with them, where that is let through. */
#include <math.h>
#include <string.h>

#include "data/table/csv_table.h"

static bool is_number(const gr__table *t, const gr__cell *f, bool *finite)
{
    double x;
    if (gr__table_missing(t, f)) return *finite = true;
    bool number = gr__cell_number(f, &x);
    *finite = number && isfinite(x) && (t->o->keep_float64 || isfinite((float)x));
    return number;
}

/* What is wrong with a number, if something is. */
static bool number_fails(const gr__table *t, const gr__cell *f, gr_fault_kind *kind)
{
    bool finite, number = is_number(t, f, &finite);
    *kind = number ? GR_FAULT_NONFINITE : GR_FAULT_UNDECODABLE;
    return !number || !finite;
}

static bool input_fails(const gr__table *t, const gr__csv_reader *r, gr_fault_kind *kind)
{
    for (int i = 0; i < t->n_inputs; i++)
        if (!(t->category && t->category[i].is) && number_fails(t, &r->cell[t->input[i]], kind)) return true;
    return false;
}

static bool target_fails(const gr__table *t, const gr__csv_reader *r, const gr__columns *c, gr_fault_kind *kind)
{
    for (int k = 0; k < c->n; k++) {
        const gr__cell *f = t->target[c->first + k] >= 0 ? &r->cell[t->target[c->first + k]] : NULL;
        int64_t whole;
        if (!f || c->answer == GR__ANSWER_NONE) continue;
        *kind = GR_FAULT_NO_LABEL;
        if (f->n == 0 || gr__table_missing(t, f) || gr__is_missing_mark(f)) return true;
        if (c->answer == GR__ANSWER_VALUE && number_fails(t, f, kind)) return true;
        *kind = GR_FAULT_LABEL_RANGE;
        if (c->answer == GR__ANSWER_WHOLE && !gr__cell_whole(f, &whole)) return true;
        if (c->answer == GR__ANSWER_WHOLE && whole >= GR__MOST_CLASSES) return true;
    }
    return false;
}

static bool weight_fails(const gr__table *t, const gr__csv_reader *r)
{
    double x;
    const gr__cell *f = t->weight >= 0 && !t->o->inputs_only ? &r->cell[t->weight] : NULL;
    return f && !(gr__cell_number(f, &x) && x >= 0 && isfinite(x));
}

/* Of the first thing that is wrong with the record read last. */
static gr_fault_kind kind_of(const gr__table *t, const gr__csv_reader *r)
{
    gr_fault_kind kind = GR_FAULT_UNDECODABLE;
    if (input_fails(t, r, &kind)) return kind;
    for (int h = 0; h < t->n_of_targets; h++)
        if (target_fails(t, r, &t->of_target[h], &kind)) return kind;
    if (weight_fails(t, r)) return GR_FAULT_UNDECODABLE;
    for (int h = 0; h < t->n_of_targets; h++) /* what is a text is a name, and may be none of the training's */
        if (t->of_target[h].answer == GR__ANSWER_KNOWN) return GR_FAULT_LABEL_RANGE;
    return GR_FAULT_UNDECODABLE;
}

static gr_status check_record(const gr__table *t, const gr__csv_reader *r)
{
    gr_status st = gr__table_text(t, r);
    if (st == GR_OK && r->n != (size_t)t->n_columns)
        st = gr__fail(t->ctx, GR_E_FORMAT, "\"%s\": line %llu has %zu fields, but the first record has %d",
                      t->blob->name, (unsigned long long)r->record_line, r->n, t->n_columns);
    return st;
}

static gr_status let(const gr__table *t, int64_t row, gr_fault_kind kind, gr_status st)
{
    if (st != GR_E_DATA && st != GR_E_FORMAT) return st;
    return t->o->faults && gr__fault_let(t->o->faults, kind, row, t->ctx) ? GR_OK : st;
}

gr_status gr__table_record(const gr__table *t, gr__csv_reader *r, int64_t row, bool *more, bool *sound)
{
    const gr_faults *f = t->o->faults;
    bool out = gr__row_is_out(f, row), again = t->counted && !(f && (f->note || f->n_out));
    gr_status st = gr__csv_next(r, more);
    *sound = false;
    if (st == GR_OK && !*more) return GR_OK;
    *more = true;
    if (st == GR_OK && !again && !out) st = check_record(t, r);
    *sound = st == GR_OK && !out;
    bool short_or_long = r->n > 0 && r->n != (size_t)t->n_columns; /* none: broken quotes */
    return let(t, row, short_or_long ? GR_FAULT_SHAPE : GR_FAULT_UNDECODABLE, st);
}

gr_status gr__table_let(const gr__table *t, const gr__csv_reader *r, int64_t row, gr_status st)
{
    return st == GR_OK ? GR_OK : let(t, row, kind_of(t, r), st);
}

void gr__table_blank(gr_set *s, int64_t row)
{
    for (int i = 0; i < gr__set_fields(s); i++) {
        gr_field *f = &s->field[i];
        int64_t n = gr_shape_count(f->sample);
        double nothing = f->role == GR_FIELD_WEIGHT ? 0 : f->kind == GR_TARGET_CLASS ? -1 : (double)NAN;
        if (f->element == GR_EL_I32 && f->kind != GR_TARGET_CLASS) nothing = 0;
        for (int64_t k = 0; k < n; k++) gr__table_put(f->element, f->data, row * n + k, nothing);
    }
}
