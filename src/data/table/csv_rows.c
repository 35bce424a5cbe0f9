/* Rows of a table read when they are wanted: where each begins is kept, its cells are read again.
 *
 * All rows were read once when the table was loaded, so whatever is wrong with one was told then; what is wrong later
 * is that the file has changed. */
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "data/table/csv_table.h"

struct gr__rows_index { /* of one table, for all of its inputs */
    gr__table t;        /* what reading a row takes of it */
    gr__csv_options o;
    gr__blob blob;    /* with a file of its own */
    uint64_t *offset; /* of each row and of the end */
    int64_t n;
    int readers;
};

typedef struct row_reader {
    gr_reader head;
    gr__rows_index *index;
    int input;
    gr_element element;
} row_reader;

bool gr__table_can_be_read(const gr__table *t)
{
    const gr_faults *f = t->o->faults;
    bool all = !f || (!f->note && f->n_out == 0); /* no row is let through, or left out */
    return all && t->blob->packing == GR__PLAIN && t->blob->fd >= 0;
}

uint64_t gr__rows_index_bytes(int64_t n)
{
    return ((uint64_t)n + 1) * sizeof(uint64_t);
}

static void release(gr_context *ctx, gr__rows_index *x)
{
    if (x->offset) gr__tensor_free(ctx, x->offset, (size_t)gr__rows_index_bytes(x->n));
    if (x->blob.fd >= 0) close(x->blob.fd);
    if (x->readers >= 0) gr__table_free_categories(&x->t);
    gr__free(ctx, x, sizeof *x);
}

gr_status gr__rows_index_make(const gr__table *t, gr__rows_index **out)
{
    gr__rows_index *x = gr__alloc(t->ctx, sizeof *x);
    if (!x) return GR_E_MEMORY;
    *x = (gr__rows_index){.o = *t->o, .blob = *t->blob, .n = t->n, .readers = -1};
    x->blob.fd = fcntl(t->blob->fd, F_DUPFD_CLOEXEC, 0);
    x->blob.owned = NULL;
    gr_status st = GR_OK;
    if (x->blob.fd < 0) st = gr__fail(t->ctx, GR_E_FILE, "cannot read \"%s\": no file more can be open", t->blob->name);
    if (st == GR_OK && !(x->offset = gr__tensor_alloc(t->ctx, (size_t)gr__rows_index_bytes(t->n))))
        st = gr__error_code(t->ctx);
    if (st == GR_OK)
        *out = x;
    else
        release(t->ctx, x);
    return st;
}

void gr__rows_index_put(gr__rows_index *x, int64_t row, const gr__csv_reader *r)
{
    x->offset[row] = gr__csv_place(r, r->at);
}

void gr__rows_index_drop(gr_context *ctx, gr__rows_index *x)
{
    if (x) release(ctx, x);
}

static gr_status changed(gr_context *ctx, const gr__rows_index *x, int64_t row)
{
    gr_context_clear_error(ctx);
    return gr__fail(ctx, GR_E_DATA, "\"%s\" has changed since it was read: row %lld is another", x->blob.name,
                    (long long)row);
}

static gr_status read_row(gr_context *ctx, const gr_reader *head, int64_t row, void *scratch, void *out)
{
    const row_reader *me = (const row_reader *)head;
    const gr__rows_index *x = me->index;
    gr__table t = x->t;
    gr__blob blob = x->blob;
    gr__csv_reader r;
    size_t n = (size_t)(x->offset[row + 1] - x->offset[row]);
    bool more = false;
    blob.ctx = t.ctx = ctx;
    t.blob = &blob;
    t.o = &x->o;
    gr_status st = gr__blob_read(&blob, x->offset[row], scratch, n);
    if (st != GR_OK) return st;
    gr__csv_start(&r, ctx, blob.name, scratch, n, t.delimiter);
    st = gr__csv_next(&r, &more);
    if (st == GR_OK && more && r.n == (size_t)t.n_columns)
        st = gr__table_input(&t, &r, me->input, me->element, out);
    else if (st != GR_E_MEMORY)
        st = GR_E_DATA;
    gr__csv_stop(&r);
    return st == GR_OK || st == GR_E_MEMORY ? st : changed(ctx, x, row);
}

static void close_reader(gr_context *ctx, gr_reader *head)
{
    row_reader *me = (row_reader *)head;
    if (--me->index->readers == 0) release(ctx, me->index);
    gr__free(ctx, me, sizeof *me);
}

static size_t longest(const gr__rows_index *x)
{
    uint64_t most = 0;
    for (int64_t i = 0; i < x->n; i++) most = GR_MAX(most, x->offset[i + 1] - x->offset[i]);
    return ((size_t)most + 63) / 64 * 64;
}

gr_status gr__rows_index_finish(gr__rows_index *x, gr__table *t, gr_set *s)
{
    size_t scratch = longest(x);
    row_reader *made[GR_MAX_INPUTS] = {0};
    gr_status st = GR_OK;
    for (int i = 0; i < s->n_inputs && st == GR_OK; i++) {
        made[i] = gr__alloc(t->ctx, sizeof *made[i]);
        if (!made[i]) st = GR_E_MEMORY;
    }
    for (int i = 0; i < s->n_inputs; i++) {
        if (st != GR_OK && made[i]) gr__free(t->ctx, made[i], sizeof *made[i]);
        if (st != GR_OK) continue;
        *made[i] = (row_reader){{read_row, close_reader, scratch}, x, i, s->field[i].element};
        s->field[i].reader = &made[i]->head;
    }
    if (st != GR_OK) return st;
    x->blob.name = s->file; /* which lives as long as the set */
    x->t = *t;
    x->t.quiet = true;
    x->readers = s->n_inputs;
    t->category = NULL; /* the readers' now */
    return GR_OK;
}
