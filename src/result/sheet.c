/* What a sheet is made of. */
#include "result/sheet.h"

#include <stdio.h>

gr_status gr__sheet_open(gr_context *ctx, const char *title, gr_sheet *out)
{
    *out = (gr_sheet){.ctx = ctx, .memory = gr__bump_create(ctx)};
    if (!out->memory) return GR_E_MEMORY;
    out->last_note = &out->note;
    out->last_card = &out->card;
    out->title = gr__sheet_text(out, "%s", title);
    return out->failed;
}

void gr__sheet_close(gr_sheet *s)
{
    gr__bump_destroy(s->memory);
    *s = (gr_sheet){0};
}

static void *take(gr_sheet *s, size_t bytes)
{
    void *p = s->failed == GR_OK ? gr__bump_alloc(s->memory, bytes) : NULL;
    if (!p && s->failed == GR_OK) s->failed = GR_E_MEMORY;
    return p;
}

static const char *format_text(gr_sheet *s, const char *format, va_list args)
{
    char *text = s->failed == GR_OK ? gr__bump_vformat(s->memory, format, args) : NULL;
    if (!text && s->failed == GR_OK) s->failed = GR_E_MEMORY;
    return text ? text : "";
}

const char *gr__sheet_text(gr_sheet *s, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    const char *text = format_text(s, format, args);
    va_end(args);
    return text;
}

static void add_line(gr_sheet *s, gr_line ***last, const char *text)
{
    gr_line *l = take(s, sizeof *l);
    if (!l) return;
    l->text = text;
    **last = l;
    *last = &l->next;
}

void gr__sheet_note(gr_sheet *s, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    add_line(s, &s->last_note, format_text(s, format, args));
    va_end(args);
}

gr_card *gr__sheet_card(gr_sheet *s, const char *title)
{
    gr_card *c = take(s, sizeof *c);
    if (!c) c = &s->no_card, *c = (gr_card){0};
    c->title = gr__sheet_text(s, "%s", title);
    c->last_face = &c->face;
    c->last_line = &c->line;
    if (c == &s->no_card) return c;
    *s->last_card = c;
    s->last_card = &c->next;
    s->n_cards++;
    return c;
}

void gr__card_line(gr_sheet *s, gr_card *c, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    add_line(s, &c->last_line, format_text(s, format, args));
    va_end(args);
}

gr_face *gr__card_face(gr_sheet *s, gr_card *c, const char *caption)
{
    gr_face *f = take(s, sizeof *f);
    if (!f) return s->no_face = (gr_face){0}, &s->no_face;
    f->caption = caption ? gr__sheet_text(s, "%s", caption) : NULL;
    *c->last_face = f;
    c->last_face = &f->next;
    return f;
}

void gr__sheet_scaled(const gr_raster *r, int least, int most, int *width, int *height)
{
    int longest = GR_MAX(r->width, r->height), times = GR_MAX((least + longest - 1) / longest, 1);
    if (longest <= most) {
        times = longest * times > most ? GR_MAX(most / longest, 1) : times;
        *width = r->width * times;
        *height = r->height * times;
        return;
    }
    *width = GR_MAX((int)((int64_t)r->width * most / longest), 1);
    *height = GR_MAX((int)((int64_t)r->height * most / longest), 1);
}
