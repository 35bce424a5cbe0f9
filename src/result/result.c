/* Filling a result. */
#include "result/result.h"

#include <math.h>
#include <string.h>

gr_status gr__result_open(gr_context *ctx, const char *name, gr_result *r)
{
    *r = (gr_result){.ctx = ctx, .name = name, .memory = gr__bump_create(ctx)};
    r->last = &r->first;
    r->last_table = &r->tables;
    r->last_drawing = &r->drawings;
    return r->failed = r->memory ? GR_OK : GR_E_MEMORY;
}

static json_t *json_at(const gr_table *t, size_t row, int column)
{
    return *(json_t *const *)((const char *)gr__table_row(t, row) + t->columns[column].at);
}

void gr__result_close(gr_result *r)
{
    for (gr_table *t = r->tables; t; t = t->next) gr__free(r->ctx, t->cells, t->capacity * sizeof *t->cells);
    for (gr__block *b = r->first; b; b = b->next)
        for (int i = 0; i < b->table.n_columns; i++)
            for (size_t k = 0; k < b->table.n && b->table.columns[i].kind == GR_CELL_JSON; k++)
                json_decref(json_at(&b->table, k, i));
    if (r->ctx) gr__free(r->ctx, r->finding, r->finding_capacity * sizeof *r->finding);
    gr__bump_destroy(r->memory);
    *r = (gr_result){0};
}

void gr__result_fail(gr_result *r, gr_status st)
{
    if (r->failed == GR_OK) r->failed = st;
}

void *gr__result_alloc(gr_result *r, size_t bytes)
{
    void *p = r->memory ? gr__bump_alloc(r->memory, bytes) : NULL;
    if (!p) gr__result_fail(r, GR_E_MEMORY);
    return p;
}

static const char *print(gr_result *r, const char *format, va_list args)
{
    char *s = r->memory ? gr__bump_vformat(r->memory, format, args) : NULL;
    if (!s) gr__result_fail(r, GR_E_MEMORY);
    return s ? s : "";
}

const char *gr__result_text(gr_result *r, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    const char *s = print(r, format, args);
    va_end(args);
    return s;
}

/* ---- the answer ---- */

static gr__block *add(gr_result *r, enum gr__block_kind kind)
{
    gr__block *b = gr__result_alloc(r, sizeof *b);
    if (!b) return NULL;
    b->kind = kind;
    *r->last = b;
    r->last = &b->next;
    return b;
}

void gr__result_note(gr_result *r, const char *format, ...)
{
    gr__block *b = add(r, GR__BLOCK_NOTE);
    va_list args;
    if (!b) return;
    va_start(args, format);
    b->note = print(r, format, args);
    va_end(args);
}

void gr__result_table(gr_result *r, const char *key, const gr_column *columns, int n_columns, const void *rows,
                      size_t n, size_t row_bytes)
{
    gr__block *b = add(r, GR__BLOCK_TABLE);
    if (!b) return;
    b->table = (gr_table){
        .name = key, .columns = columns, .n_columns = n_columns, .rows = rows, .n = n, .row_bytes = row_bytes};
}

void gr__result_record(gr_result *r, const gr_column *columns, int n, const void *row)
{
    gr__block *b = add(r, GR__BLOCK_RECORD);
    if (b) b->table = (gr_table){.columns = columns, .n_columns = n, .rows = row, .n = 1};
}

void gr__result_plot(gr_result *r, const gr_plot *plot, const gr_text_style *style)
{
    gr__block *b = add(r, GR__BLOCK_PLOT);
    if (b) b->plot = plot, b->style = *style;
}

void gr__result_member(gr_result *r, const char *key, gr_cell kind, const void *value, size_t bytes)
{
    gr_column *c = gr__result_alloc(r, sizeof *c);
    void *copy = gr__result_alloc(r, bytes);
    if (!c || !copy) return;
    *c = (gr_column){.name = r->within ? gr__result_text(r, "%s%s", r->within, key) : key, .kind = kind};
    memcpy(copy, value, bytes);
    gr__result_record(r, c, 1, copy);
}

static void put_one(gr_result *r, const char *key, const char *as, va_list *args)
{
    if (*as == 's' || !*as) {
        const char *text = *as ? va_arg(*args, const char *) : NULL,
                   *copy = text ? gr__result_text(r, "%s", text) : NULL;
        gr__result_member(r, key, GR_CELL_TEXT, &copy, sizeof copy);
    } else if (*as == 'g') {
        double x = va_arg(*args, double);
        gr__result_member(r, key, GR_CELL_REAL, &x, sizeof x);
    } else if (*as == 'u') {
        bool x = va_arg(*args, int);
        gr__result_member(r, key, GR_CELL_TRUTH, &x, sizeof x);
    } else {
        int64_t x = *as == 'd' ? va_arg(*args, int) : va_arg(*args, int64_t);
        gr__result_member(r, key, GR_CELL_WHOLE, &x, sizeof x);
    }
}

void gr__result_put(gr_result *r, const char *format, ...)
{
    char *key = gr__result_alloc(r, strlen(format) + 1), *end;
    va_list args;
    if (!key) return;
    strcpy(key, format);
    va_start(args, format);
    for (; key; key = end) {
        if ((end = strchr(key, ' '))) *end++ = '\0';
        char *as = strstr(key, "=%");
        if (as) *as = '\0';
        put_one(r, key, as ? as + 2 : "", &args);
    }
    va_end(args);
}

void gr__result_list(gr_result *r, const char *key, gr_list list)
{
    gr__result_member(r, key, GR_CELL_LIST, &list, sizeof list);
}

void gr__result_json(gr_result *r, const char *key, json_t *value)
{
    if (!value) gr__result_fail(r, gr__fail(r->ctx, GR_E_MEMORY, "no memory for the answer"));
    if (r->failed == GR_OK) gr__result_member(r, key, GR_CELL_JSON, &value, sizeof value);
    if (r->failed != GR_OK) json_decref(value);
}

/* ---- tables of numbers, findings ---- */

/* Names become file names, in any shell and on any file system: letters, digits, '-', '_', '.' inside. */
void gr__result_name(gr_result *r, const char *name)
{
    static const char plain[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_";
    for (const char *s = name; s && (s == name || *s); s++)
        if (!*s || (!strchr(plain, *s) && !(*s == '.' && s > name))) {
            gr__result_fail(r, gr__fail(r->ctx, GR_E_INTERNAL, "no file can be called \"%s\"", name));
            return;
        }
}

gr_table *gr__result_numbers(gr_result *r, const char *name, const char *title, const gr_column *columns, int n)
{
    gr_table *t = gr__result_alloc(r, sizeof *t);
    gr_column *c = gr__result_alloc(r, (size_t)n * sizeof *c);
    gr__result_name(r, name);
    if (!t || !c) return NULL;
    for (int i = 0; i < n; i++) {
        c[i] = columns[i];
        c[i].at = (size_t)i * sizeof(double);
    }
    *t =
        (gr_table){.name = name, .title = title, .columns = c, .n_columns = n, .row_bytes = (size_t)n * sizeof(double)};
    *r->last_table = t;
    r->last_table = &t->next;
    return t;
}

void gr__result_row(gr_result *r, gr_table *t, const double *cells)
{
    if (r->failed != GR_OK) return;
    size_t wide = (size_t)t->n_columns;
    if (!GR_ROOM(r->ctx, t->cells, t->capacity, (t->n + 1) * wide)) {
        gr__result_fail(r, GR_E_MEMORY);
        return;
    }
    memcpy(t->cells + t->n++ * wide, cells, wide * sizeof *cells);
    t->rows = t->cells;
}

gr_finding *gr__result_finding(gr_result *r)
{
    if (!GR_ROOM(r->ctx, r->finding, r->finding_capacity, (size_t)r->n_findings + 1)) {
        gr__result_fail(r, GR_E_MEMORY);
        return NULL;
    }
    gr_finding *f = &r->finding[r->n_findings++];
    *f = (gr_finding){.figure = NAN, .limit = NAN, .predicted = NAN, .low = NAN, .high = NAN};
    return f;
}

const gr_table *gr__result_find(const gr_result *r, const char *wanted)
{
    for (const gr_table *t = r->tables; t; t = t->next)
        if (t->name && wanted ? strcmp(t->name, wanted) == 0 : t->name == wanted) return t;
    return NULL;
}

int gr__table_column(const gr_table *t, const char *name)
{
    for (int i = 0; i < t->n_columns; i++)
        if (strcmp(t->columns[i].name, name) == 0) return i;
    return -1;
}
