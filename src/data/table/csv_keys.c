/* CSV columns that parts are cut by. */
#include <string.h>

#include "data/table/csv_table.h"

/* The different texts in the order of first sight. NULL on failure. */
static const char *const *texts_of(const gr__table *t, const gr__labels *all)
{
    const char **text = gr__bump_alloc(t->memory, GR_MAX(all->n, 1) * sizeof *text);
    for (size_t i = 0; text && i < all->slots; i++)
        if (all->slot[i].text) text[all->slot[i].seen] = all->slot[i].text;
    return text;
}

static gr_status read_keys(const gr__table *t, int column, gr__labels *all, uint32_t *rank)
{
    gr__csv_reader r;
    bool more = true, sound;
    gr__table_start(t, &r);
    gr_status st = t->header ? gr__csv_next(&r, &more) : GR_OK;
    for (int64_t row = 0; row < t->n && st == GR_OK; row++) {
        int32_t seen = 0;
        st = gr__table_record(t, &r, row, &more, &sound);
        if (st != GR_OK) break;
        if (!sound) continue; /* in no part, whatever its key */
        const gr__cell *f = &r.cell[column];
        if (f->n == 0 || gr__table_missing(t, f))
            st = gr__table_let(t, &r, row, gr__table_fail(t, &r, column, "is missing: parts cannot be cut by it"));
        else
            st = gr__labels_add(t, all, f, &seen);
        rank[row] = (uint32_t)seen;
    }
    gr__csv_stop(&r);
    return st;
}

gr_status gr__csv_keys(gr__blob *blob, const gr__csv_options *o, const char *column, gr_keys *out)
{
    gr__table t;
    gr__labels all = {0};
    int at = -1;
    gr_status st = GR_OK;
    GR_TRY(gr__table_open(&t, blob, o));
    at = gr__table_find(&t, column);
    if (at < 0) GR_TRY(gr__table_no_column(&t, column));
    GR_TRY(gr__keys_alloc(t.ctx, t.n, out));
    GR_TRY(read_keys(&t, at, &all, out->rank));
    const char *const *text = texts_of(&t, &all);
    if (!text) GR_TRY(gr__error_code(t.ctx));
    GR_TRY(gr__keys_order_texts(t.ctx, text, (int64_t)all.n, out));
done:
    gr__table_free_categories(&t);
    gr__labels_free(blob->ctx, &all);
    if (st != GR_OK) gr__keys_free(blob->ctx, out);
    gr__bump_destroy(t.memory);
    return st;
}
