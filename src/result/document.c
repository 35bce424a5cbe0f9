/* What a document is made of. */
#include "result/document.h"

gr_status gr__document_open(gr_context *ctx, const char *title, gr_document *out)
{
    *out = (gr_document){.ctx = ctx, .memory = gr__bump_create(ctx)};
    if (!out->memory) return GR_E_MEMORY;
    out->last_lead = &out->lead;
    out->last_section = &out->section;
    out->title = gr__document_text(out, "%s", title);
    return out->failed;
}

void gr__document_close(gr_document *d)
{
    gr__bump_destroy(d->memory);
    *d = (gr_document){0};
}

void *gr__document_alloc(gr_document *d, size_t bytes)
{
    void *p = d->failed == GR_OK ? gr__bump_alloc(d->memory, bytes) : NULL;
    if (!p && d->failed == GR_OK) d->failed = GR_E_MEMORY;
    return p;
}

static const char *format_text(gr_document *d, const char *format, va_list args)
{
    char *text = d->failed == GR_OK ? gr__bump_vformat(d->memory, format, args) : NULL;
    if (!text && d->failed == GR_OK) d->failed = GR_E_MEMORY;
    return text ? text : "";
}

const char *gr__document_text(gr_document *d, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    const char *text = format_text(d, format, args);
    va_end(args);
    return text;
}

void gr__document_lead(gr_document *d, const char *format, ...)
{
    va_list args;
    gr_line *l = gr__document_alloc(d, sizeof *l);
    if (!l) return;
    va_start(args, format);
    l->text = format_text(d, format, args);
    va_end(args);
    *d->last_lead = l;
    d->last_lead = &l->next;
}

void gr__document_section(gr_document *d, const char *id, const char *title)
{
    gr_section *s = gr__document_alloc(d, sizeof *s);
    if (!s) return;
    s->id = gr__document_text(d, "%s", id);
    s->title = gr__document_text(d, "%s", title);
    s->last = &s->passage;
    *d->last_section = s;
    d->last_section = &s->next;
    d->open = s;
}

static gr_passage *add(gr_document *d, gr_passage_kind kind)
{
    gr_passage *p = d->open ? gr__document_alloc(d, sizeof *p) : NULL;
    if (!p) return NULL;
    p->kind = kind;
    *d->open->last = p;
    d->open->last = &p->next;
    return p;
}

static void add_text(gr_document *d, gr_passage_kind kind, bool strong, const char *name, const char *format,
                     va_list args)
{
    gr_passage *p = add(d, kind);
    if (!p) return;
    p->strong = strong;
    p->name = name ? gr__document_text(d, "%s", name) : NULL;
    p->text = format_text(d, format, args);
}

#define ADD_TEXT(kind, strong, name)                   \
    do {                                               \
        va_list args;                                  \
        va_start(args, format);                        \
        add_text(d, kind, strong, name, format, args); \
        va_end(args);                                  \
    } while (0)

void gr__document_heading(gr_document *d, const char *format, ...)
{
    ADD_TEXT(GR_PASSAGE_HEADING, false, NULL);
}

void gr__document_words(gr_document *d, const char *format, ...)
{
    ADD_TEXT(GR_PASSAGE_WORDS, false, NULL);
}

void gr__document_missing(gr_document *d, const char *format, ...)
{
    ADD_TEXT(GR_PASSAGE_MISSING, false, NULL);
}

void gr__document_item(gr_document *d, bool strong, const char *format, ...)
{
    ADD_TEXT(GR_PASSAGE_ITEM, strong, NULL);
}

void gr__document_term(gr_document *d, const char *name, const char *format, ...)
{
    ADD_TEXT(GR_PASSAGE_TERM, false, name);
}

void gr__document_line(gr_document *d, bool strong, const char *format, ...)
{
    ADD_TEXT(GR_PASSAGE_LINE, strong, NULL);
}

gr_written_table *gr__document_table(gr_document *d, const char *caption, int n_columns)
{
    gr_passage *p = add(d, GR_PASSAGE_TABLE);
    gr_written_table *t = p ? gr__document_alloc(d, sizeof *t) : NULL;
    const char **heading = t ? gr__document_alloc(d, sizeof *heading * (size_t)n_columns) : NULL;
    if (!heading) {
        d->no_table = (gr_written_table){.last = &d->no_table.cell};
        return &d->no_table;
    }
    for (int i = 0; i < n_columns; i++) heading[i] = "";
    *t = (gr_written_table){
        .caption = gr__document_text(d, "%s", caption), .heading = heading, .n_columns = n_columns, .last = &t->cell};
    p->table = t;
    return t;
}

void gr__document_cell(gr_document *d, gr_written_table *t, int style, const char *format, ...)
{
    va_list args;
    gr_written *c = gr__document_alloc(d, sizeof *c);
    if (!c) return;
    c->style = style;
    va_start(args, format);
    c->text = format_text(d, format, args);
    va_end(args);
    *t->last = c;
    t->last = &c->next;
    t->n++;
}

void gr__document_plot(gr_document *d, const gr_plot *plot, bool small)
{
    gr_passage *p = add(d, GR_PASSAGE_PLOT);
    if (!p) return;
    p->plot = plot;
    p->small = small;
}

void gr__document_cards(gr_document *d, const gr_sheet *s)
{
    gr_passage *p = add(d, GR_PASSAGE_CARDS);
    if (p) p->sheet = s;
}
