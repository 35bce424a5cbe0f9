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

/* Of the first thing that is wrong with the record read last. */
static gr_fault_kind kind_of(const gr__table *t, const gr__csv_reader *r)
{
    if (r->n != (size_t)t->n_columns) return GR_FAULT_SHAPE;
    for (int i = 0; i < t->n_inputs; i++) {
        if (t->category && t->category[i].is) continue;
        bool finite, number = is_number(t, &r->cell[t->input[i]], &finite);
        if (!number || !finite) return number ? GR_FAULT_NONFINITE : GR_FAULT_UNDECODABLE;
    }
    for (int h = 0; h < t->n_of_targets; h++) {
        const gr__columns *c = &t->of_target[h];
        for (int k = 0; k < c->n; k++) {
            const gr__cell *f = t->target[c->first + k] >= 0 ? &r->cell[t->target[c->first + k]] : NULL;
            bool finite;
            if (!f || c->answer == GR__ANSWER_NONE) continue;
            if (f->n == 0 || gr__table_missing(t, f) || gr__is_missing_mark(f)) return GR_FAULT_NO_LABEL;
            if (c->answer == GR__ANSWER_VALUE && is_number(t, f, &finite) && !finite) return GR_FAULT_NONFINITE;
            if (c->answer == GR__ANSWER_WHOLE || c->answer == GR__ANSWER_KNOWN) return GR_FAULT_LABEL_RANGE;
        }
    }
    return GR_FAULT_UNDECODABLE;
}

gr_status gr__table_let(const gr__table *t, const gr__csv_reader *r, int64_t row, gr_status st)
{
    if (st != GR_E_DATA && st != GR_E_FORMAT) return st;
    return t->o->faults && gr__fault_let(t->o->faults, kind_of(t, r), row, t->ctx) ? GR_OK : st;
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
