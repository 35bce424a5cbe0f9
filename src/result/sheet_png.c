/* A sheet as one picture: cards of one width in columns, each row as high as its highest card. */
#include <stdio.h>
#include <string.h>

#include "result/markup.h"
#include "result/sheet.h"

enum {
    MARGIN = 16,
    GAP = 10,
    PAD = 8,
    WIDE = 1216, /* of the whole, unless a card alone is wider */
    LEAST = 96,
    MOST = 224,       /* of a picture's longer side */
    ROW_COLUMNS = 34, /* letters of a row of a table, or a line of text */
    MOST_LINES = 40,  /* of these, in a face */
    MOST_BROKEN = 4,  /* lines that a line of words is broken into */
};

static const gr_colour ground = {0xF4, 0xF5, 0xF7}, paper = {0xFF, 0xFF, 0xFF}, edge = {0xD9, 0xDD, 0xE3},
                       ink = {0x1D, 0x23, 0x29}, dim = {0x5B, 0x64, 0x70}, alarm = {0xC0, 0x39, 0x2B};

typedef struct place { /* where what comes next is drawn; NULL: it is only measured */
    gr_raster *to;
    int x, y;
} place;

/* ---- words ---- */

static void put_line(place *p, gr_colour c, const char *s, size_t bytes)
{
    if (p->to) gr__raster_text(p->to, p->x, p->y, 1, c, s, bytes);
    p->y += GR_GLYPH_HEIGHT;
}

/* Broken into lines of so many letters. */
static void put_words(place *p, gr_colour c, int columns, const char *s)
{
    size_t skip;
    for (int i = 0; *s && i < MOST_BROKEN; i++) {
        size_t n = gr__markup_line(s, (size_t)GR_MAX(columns, 8), &skip);
        put_line(p, c, s, n);
        s += n + skip;
    }
}

/* ---- faces ---- */

/* So many bytes of s are at most `columns` characters. */
static size_t cut(const char *s, size_t bytes, int columns)
{
    size_t n = 0;
    for (int k = 0; n < bytes && k < columns; k++)
        n += GR_MAX(gr__utf8_bytes((const unsigned char *)s + n, bytes - n), 1);
    return GR_MIN(n, bytes);
}

/* Names on the left, values that end on the right. */
static void put_rows(place *p, const gr_face *f)
{
    int64_t shown = GR_MIN(f->n_rows, MOST_LINES);
    for (int64_t i = 0; i < shown; i++) {
        const gr_sheet_row *r = &f->row[i];
        size_t value = cut(r->value, strlen(r->value), ROW_COLUMNS / 2);
        int taken = (int)gr__markup_length(r->value, value);
        if (p->to) gr__raster_text(p->to, p->x + (ROW_COLUMNS - taken) * GR_GLYPH_WIDTH, p->y, 1, ink, r->value, value);
        put_line(p, dim, r->name, cut(r->name, strlen(r->name), ROW_COLUMNS - taken - 1));
    }
    if (shown < f->n_rows) {
        char more[48];
        int n = snprintf(more, sizeof more, "and %lld more", (long long)(f->n_rows - shown));
        put_line(p, dim, more, (size_t)n);
    }
}

static void put_text(place *p, const gr_face *f)
{
    size_t at = 0;
    int lines = 0;
    for (; at < f->text_bytes && lines < MOST_LINES; lines++) {
        const char *end = memchr(f->text + at, '\n', f->text_bytes - at);
        size_t whole = end ? (size_t)(end - f->text) - at : f->text_bytes - at,
               n = cut(f->text + at, whole, ROW_COLUMNS);
        put_line(p, ink, f->text + at, n);
        at += n + (n == whole && end);
    }
    if (at < f->text_bytes) put_line(p, dim, "...", 3);
}

static int width_of(const gr_face *f)
{
    int w = 0, h = 0;
    if (f->picture.width) gr__sheet_scaled(&f->picture, LEAST, MOST, &w, &h);
    if (f->n_rows || f->text) w = GR_MAX(w, ROW_COLUMNS * GR_GLYPH_WIDTH);
    if (f->foot) w = GR_MAX(w, (int)gr__markup_length(f->foot, strlen(f->foot)) * GR_GLYPH_WIDTH);
    return w;
}

static void put_face(place *p, const gr_face *f)
{
    int w, h;
    if (f->caption)
        put_line(p, dim, f->caption, cut(f->caption, strlen(f->caption), GR_MAX(width_of(f) / GR_GLYPH_WIDTH, 1)));
    if (f->picture.width) {
        gr__sheet_scaled(&f->picture, LEAST, MOST, &w, &h);
        if (p->to) gr__raster_put(p->to, p->x, p->y, w, h, &f->picture);
        p->y += h + 2;
    }
    put_rows(p, f);
    if (f->text) put_text(p, f);
    if (f->foot) put_line(p, dim, f->foot, strlen(f->foot));
}

/* ---- cards ---- */

static int inner_width(const gr_card *c)
{
    int w = 0;
    for (const gr_face *f = c->face; f; f = f->next) w += width_of(f) + (f->next ? GAP : 0);
    return GR_MAX(w, 20 * GR_GLYPH_WIDTH);
}

/* From its top left; gives its height. */
static int put_card(gr_raster *to, int x, int y, int width, const gr_card *c)
{
    place p = {to, x + PAD, y + PAD};
    int columns = (width - 2 * PAD) / GR_GLYPH_WIDTH;
    put_words(&p, c->wrong ? alarm : ink, columns, c->title);
    int top = p.y + 2, bottom = top, left = p.x;
    for (const gr_face *f = c->face; f; f = f->next) {
        place at = {to, left, top};
        put_face(&at, f);
        bottom = GR_MAX(bottom, at.y);
        left += width_of(f) + GAP;
    }
    p.y = bottom + 2;
    for (const gr_line *l = c->line; l; l = l->next) put_words(&p, ink, columns, l->text);
    return p.y + PAD - y;
}

static void put_box(gr_raster *to, int x, int y, int width, int height, bool wrong)
{
    gr__raster_fill(to, x, y, width, height, wrong ? alarm : edge);
    gr__raster_fill(to, x + 1, y + 1, width - 2, height - 2, paper);
}

/* ---- the whole ---- */

typedef struct layout {
    int card, columns, width; /* a card's width; cards beside each other; of the whole */
} layout;

static layout lay_out(const gr_sheet *s)
{
    layout l = {0};
    for (const gr_card *c = s->card; c; c = c->next) l.card = GR_MAX(l.card, inner_width(c) + 2 * PAD);
    l.columns = GR_MAX((WIDE - 2 * MARGIN + GAP) / (l.card + GAP), 1);
    if (s->n_cards < l.columns) l.columns = (int)GR_MAX(s->n_cards, 1);
    l.width = GR_MAX(l.columns * (l.card + GAP) - GAP + 2 * MARGIN, WIDE / 2);
    return l;
}

static void put_head(place *p, const gr_sheet *s, const layout *l)
{
    int columns = (l->width - 2 * MARGIN) / GR_GLYPH_WIDTH;
    size_t n = cut(s->title, strlen(s->title), columns / 2);
    if (p->to) gr__raster_text(p->to, p->x, p->y, 2, ink, s->title, n);
    p->y += 2 * GR_GLYPH_HEIGHT + 4;
    for (const gr_line *i = s->note; i; i = i->next) put_words(p, dim, columns, i->text);
    p->y += GAP;
}

/* Gives the height of all; beyond what a sheet may have it measures no further. */
static int64_t put_sheet(gr_raster *to, const gr_sheet *s, const layout *l)
{
    place p = {to, MARGIN, MARGIN};
    put_head(&p, s, l);
    for (const gr_card *c = s->card; c && (int64_t)p.y * l->width <= GR_SHEET_PIXELS;) {
        int high = 0, n = 0;
        const gr_card *row = c;
        for (; c && n < l->columns; c = c->next, n++) high = GR_MAX(high, put_card(NULL, 0, 0, l->card, c));
        for (int i = 0; to && i < n; i++, row = row->next) {
            int x = MARGIN + i * (l->card + GAP);
            put_box(to, x, p.y, l->card, high, row->wrong);
            put_card(to, x, p.y, l->card, row);
        }
        p.y += high + GAP;
    }
    return p.y - GAP + MARGIN;
}

gr_status gr__sheet_png(const gr_sheet *s, gr__text *out)
{
    layout l = lay_out(s);
    int64_t height = put_sheet(NULL, s, &l);
    if (s->failed != GR_OK) return s->failed;
    if (height * l.width > GR_SHEET_PIXELS || l.width > GR_RASTER_SIDE || height > GR_RASTER_SIDE)
        return gr__fail(s->ctx, GR_E_UNSUPPORTED, "%lld samples are too many for one PNG", (long long)s->n_cards);
    gr__bump *b = gr__bump_create(s->ctx);
    gr_raster all;
    gr_status st = b ? gr__raster_make(b, l.width, (int)height, &all) : GR_E_MEMORY;
    if (st == GR_OK) {
        gr__raster_fill(&all, 0, 0, all.width, all.height, ground);
        put_sheet(&all, s, &l);
        st = gr__raster_png(&all, out);
    }
    gr__bump_destroy(b);
    return st;
}
