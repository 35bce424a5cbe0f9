/* Columns that are passed through: their texts as they stand, beside the numbers of the inputs. */
#include <stdio.h>
#include <string.h>

#include "base/text.h"
#include "data/table/csv_table.h"

/* By name, else by number; -1: neither. */
static int column_of(const gr__table *t, const char *said)
{
    const gr__cell cell = {.s = said, .n = strlen(said)};
    int64_t number;
    int named = gr__table_named(t, said);
    if (named >= 0) return named;
    return gr__cell_whole(&cell, &number) && number < t->n_columns ? (int)number : -1;
}

static gr_status no_column(const gr__table *t, const char *said)
{
    char has[300];
    size_t used = 0;
    gr__fail(t->ctx, GR_E_DATA, "\"%s\" has no column \"%s\" to keep", t->blob->name, said);
    if (!t->name) {
        gr__error_hint(t->ctx, "it has %d columns without names: they are kept by number, from 0", t->n_columns);
        return GR_E_DATA;
    }
    for (int i = 0; i < t->n_columns && used < sizeof has; i++)
        used += (size_t)snprintf(has + used, sizeof has - used, "%s\"%.64s\"", i ? ", " : "", t->name[i]);
    const char *near = gr__nearest(said, t->name, (size_t)t->n_columns);
    if (near)
        gr__error_hint(t->ctx, "did you mean \"%s\"?", near);
    else
        gr__error_hint(t->ctx, "it has %s", has);
    return GR_E_DATA;
}

gr_status gr__table_keep(gr__table *t, gr_set *s)
{
    const int n = t->o->n_keep;
    if (n == 0) return GR_OK;
    const char **name = gr__bump_alloc(t->memory, (size_t)n * sizeof *name);
    t->keep = gr__bump_alloc(t->memory, (size_t)n * sizeof *t->keep);
    t->kept = gr__bump_alloc(t->memory, (size_t)GR_MAX(t->n * n, 1) * sizeof *t->kept);
    if (!name || !t->keep || !t->kept) return gr__error_code(t->ctx);
    for (int i = 0; i < n; i++) {
        int column = column_of(t, t->o->keep[i]);
        if (column < 0) return no_column(t, t->o->keep[i]);
        t->keep[i] = column;
        name[i] = t->name ? t->name[column] : gr__bump_format(t->memory, "column %d", column);
        if (!name[i]) return gr__error_code(t->ctx);
    }
    s->kept = t->kept;
    s->kept_name = name;
    s->n_kept = n;
    return GR_OK;
}

gr_status gr__table_kept(const gr__table *t, const gr__csv_reader *r, int64_t row)
{
    for (int i = 0; i < t->o->n_keep; i++) {
        const char *text = gr__cell_text(t->memory, &r->cell[t->keep[i]]);
        if (!text) return gr__error_code(t->ctx);
        t->kept[row * t->o->n_keep + i] = text;
    }
    return GR_OK;
}
