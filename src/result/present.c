/* A result as text, JSON and CSV. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "result/result.h"

/* ---- cells ---- */

double gr__column_number(const gr_column *c, const void *row)
{
    const char *at = (const char *)row + c->at;
    if (c->number) return c->number(row);
    switch (c->kind) {
    case GR_CELL_REAL:
        return *(const double *)at;
    case GR_CELL_WHOLE:
        return (double)*(const int64_t *)at;
    case GR_CELL_INT:
        return *(const int *)at;
    case GR_CELL_TRUTH:
        return *(const bool *)at;
    default:
        return NAN;
    }
}

const char *gr__column_text(const gr_column *c, const void *row)
{
    const char *at = (const char *)row + c->at;
    if (c->words) return c->words[(size_t)gr__column_number(c, row)];
    return c->kind == GR_CELL_CHARS ? at : c->kind == GR_CELL_TEXT ? *(const char *const *)at : NULL;
}

static long long whole(const gr_column *c, const void *row)
{
    return c->kind == GR_CELL_WHOLE ? *(const int64_t *)((const char *)row + c->at)
                                    : (long long)gr__column_number(c, row);
}

/* ---- text ---- */

static void cell_text(const gr_column *c, const void *row, gr__text *out)
{
    const char *s = gr__column_text(c, row);
    double x = gr__column_number(c, row);
    bool words = c->words || c->kind == GR_CELL_TEXT || c->kind == GR_CELL_CHARS;
    if (words && c->digits)
        gr__text_add(out, "%*.*s", c->width, c->digits, s ? s : "");
    else if (words)
        gr__text_add(out, "%*s", c->width, s ? s : "");
    else if (c->kind != GR_CELL_REAL)
        gr__text_add(out, "%*lld", c->width, whole(c, row));
    else if (isnan(x) && c->none)
        gr__text_add(out, "%*s", c->width, c->none);
    else if (c->style == 'e')
        gr__text_add(out, "%*.*e", c->width, c->digits, x);
    else if (c->style == 'f')
        gr__text_add(out, "%*.*f", c->width, c->digits, x);
    else
        gr__text_add(out, "%*.*g", c->width, c->digits, x);
}

/* row NULL: the headings. */
static void line(const gr_table *t, const void *row, gr__text *out)
{
    bool any = false;
    for (int i = 0; i < t->n_columns; i++) {
        const gr_column *c = &t->columns[i];
        if (!c->heading) continue;
        gr__text_add(out, "%*s", c->gap + any, "");
        if (row)
            cell_text(c, row, out);
        else
            gr__text_add(out, "%*s", c->width, c->heading);
        any = true;
    }
    if (out->failed || !any) return;
    while (out->n > 0 && out->s[out->n - 1] == ' ') out->s[--out->n] = '\0';
    gr__text_put(out, "\n", 1);
}

static void table_text(const gr_table *t, gr__text *out)
{
    bool headed = false;
    for (int i = 0; i < t->n_columns; i++) headed |= t->columns[i].heading && *t->columns[i].heading;
    if (headed && t->n) line(t, NULL, out);
    for (size_t k = 0; k < t->n; k++) line(t, gr__table_row(t, k), out);
}

gr_status gr__present_text(const gr_result *r, gr__text *out)
{
    for (const gr__block *b = r->first; b; b = b->next) {
        if (b->kind == GR__BLOCK_NOTE)
            gr__text_put(out, b->note, strlen(b->note));
        else if (b->kind == GR__BLOCK_TABLE)
            table_text(&b->table, out);
        else if (b->kind == GR__BLOCK_PLOT)
            gr__plot_text(b->plot, &b->style, out);
    }
    return out->failed ? GR_E_MEMORY : r->failed;
}

/* ---- JSON ---- */

static json_t *list_json(const gr_list *l)
{
    json_t *list = json_array();
    bool ok = list;
    for (size_t i = 0; i < l->n && ok; i++)
        ok = json_array_append_new(list, l->whole  ? json_integer(l->whole[i])
                                         : l->text ? gr__json_string(l->text[i])
                                                   : gr__json_real(l->real[i])) == 0;
    if (ok) return list;
    json_decref(list);
    return NULL;
}

static json_t *rows_json(const gr_table *t);

static json_t *cell_json(const gr_column *c, const void *row)
{
    if (c->kind == GR_CELL_TRUTH) return json_boolean(gr__column_number(c, row) != 0);
    if (c->kind == GR_CELL_LIST) return list_json((const gr_list *)((const char *)row + c->at));
    if (c->kind == GR_CELL_ROWS) return rows_json((const gr_table *)((const char *)row + c->at));
    if (c->kind == GR_CELL_JSON) return json_incref(*(json_t *const *)((const char *)row + c->at));
    if (c->words || c->kind == GR_CELL_TEXT || c->kind == GR_CELL_CHARS)
        return gr__json_string(gr__column_text(c, row));
    return c->kind == GR_CELL_REAL ? gr__json_real(gr__column_number(c, row)) : json_integer(whole(c, row));
}

/* "a/b" is b within a. */
static bool set(json_t *o, const char *key, json_t *value)
{
    for (const char *slash; (slash = strchr(key, '/')); key = slash + 1) {
        char *name = strndup(key, (size_t)(slash - key));
        json_t *inner = name ? json_object_get(o, name) : NULL;
        if (name && !inner) json_object_set_new(o, name, inner = json_object());
        free(name);
        o = inner;
    }
    return json_object_set_new(o, key, value) == 0;
}

static bool put_row(json_t *o, const gr_table *t, size_t row)
{
    const void *at = gr__table_row(t, row);
    bool ok = o;
    for (int i = 0; i < t->n_columns && ok; i++) {
        const gr_column *c = &t->columns[i];
        if (c->name && !(c->optional && !gr__column_text(c, at))) ok = set(o, c->name, cell_json(c, at));
    }
    return ok;
}

static json_t *rows_json(const gr_table *t)
{
    json_t *rows = json_array();
    bool ok = rows;
    for (size_t k = 0; k < t->n && ok; k++) {
        json_t *row = json_object();
        ok = put_row(row, t, k) && json_array_append(rows, row) == 0;
        json_decref(row);
    }
    if (ok) return rows;
    json_decref(rows);
    return NULL;
}

gr_status gr__present_json(const gr_result *r, gr__text *out)
{
    json_t *o = json_object();
    bool ok = o;
    for (const gr__block *b = r->first; b && ok; b = b->next) {
        if (b->kind == GR__BLOCK_RECORD) ok = put_row(o, &b->table, 0);
        if (b->kind == GR__BLOCK_TABLE && b->table.name) ok = set(o, b->table.name, rows_json(&b->table));
    }
    if (ok) gr__json_write(out, o, 0);
    json_decref(o);
    if (!ok) return gr__fail(out->ctx, GR_E_MEMORY, "no memory for the answer");
    return out->failed ? gr__error_code(out->ctx) : r->failed;
}

/* ---- CSV [RFC 4180, lines ending in \n] ---- */

void gr__csv_text(gr__text *out, const char *s)
{
    if (!s[strcspn(s, ",\"\r\n")]) {
        gr__text_add(out, "%s", s);
        return;
    }
    gr__text_put(out, "\"", 1);
    for (; *s; s++) gr__text_put(out, *s == '"' ? "\"\"" : s, *s == '"' ? 2 : 1);
    gr__text_put(out, "\"", 1);
}

static void cell_csv(const gr_column *c, const void *row, gr__text *out)
{
    char number[32];
    const char *s = gr__column_text(c, row);
    double x = gr__column_number(c, row);
    if (s)
        gr__csv_text(out, s);
    else if (c->kind == GR_CELL_TRUTH)
        gr__text_add(out, x != 0 ? "yes" : "no");
    else if (c->kind == GR_CELL_WHOLE)
        gr__text_add(out, "%lld", whole(c, row));
    else if (!isnan(x))
        gr__text_add(out, "%s", gr__double_text(x, number));
}

gr_status gr__table_csv(const gr_table *t, gr__text *out)
{
    bool any = false;
    for (int i = 0; i < t->n_columns; i++) {
        const gr_column *c = &t->columns[i];
        char name[128];
        if (!c->name) continue;
        snprintf(name, sizeof name, c->unit && c->unit[0] ? "%s [%s]" : "%s", c->name, c->unit);
        if (any) gr__text_put(out, ",", 1);
        gr__csv_text(out, name);
        any = true;
    }
    gr__text_put(out, "\n", 1);
    for (size_t k = 0; k < t->n; k++) {
        any = false;
        for (int i = 0; i < t->n_columns; i++) {
            if (!t->columns[i].name) continue;
            if (any) gr__text_put(out, ",", 1);
            cell_csv(&t->columns[i], gr__table_row(t, k), out);
            any = true;
        }
        gr__text_put(out, "\n", 1);
    }
    return out->failed ? GR_E_MEMORY : GR_OK;
}
