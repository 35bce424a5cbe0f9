/* Pages of HTML: no script, nothing from elsewhere, light or dark as their reader has it. */
#include "result/html.h"

#include <string.h>

#include "result/markup.h"

enum { LEAST = 112, MOST = 320, ROW_NAME = 48, ROW_VALUE = 160 };

static const char style[] =
    ":root{color-scheme:light dark;--ground:#f4f5f7;--card:#fff;--edge:#d9dde3;--ink:#1d2329;--dim:#5b6470;"
    "--wrong:#c0392b}\n"
    "@media(prefers-color-scheme:dark){:root{--ground:#14171a;--card:#1e2226;--edge:#343a41;--ink:#e6e9ed;"
    "--dim:#9aa4b0;--wrong:#ff7b6b}}\n"
    "body{margin:0;padding:24px;background:var(--ground);color:var(--ink);"
    "font:14px/1.45 system-ui,-apple-system,'Segoe UI','DejaVu Sans',Helvetica,Arial,sans-serif}\n"
    "h1{margin:0 0 4px;font-size:20px}\n"
    "header p{margin:2px 0;color:var(--dim);max-width:90ch}\n"
    "article{background:var(--card);border:1px solid var(--edge);border-radius:8px;padding:10px 12px;"
    "max-width:100%;box-sizing:border-box;overflow-x:auto}\n"
    "article.wrong{border-color:var(--wrong)}\n"
    "article h2,article h4{margin:0 0 6px;font-size:13px;overflow-wrap:anywhere}\n"
    "article p{margin:2px 0;font-size:12.5px;max-width:52ch;overflow-wrap:anywhere}\n"
    ".faces{display:flex;flex-wrap:wrap;gap:10px;align-items:flex-start}\n"
    "figure{margin:0}\n"
    "figcaption{font-size:11.5px;color:var(--dim)}\n"
    "img{display:block;image-rendering:pixelated;max-width:100%;height:auto}\n"
    "img.smooth{image-rendering:auto}\n"
    "code,pre,td.value{font-family:ui-monospace,'DejaVu Sans Mono',Consolas,monospace;font-size:11.5px}\n"
    "code{color:var(--dim)}\n"
    "table{border-collapse:collapse;font-size:12px}\n"
    "td{padding:1px 8px 1px 0;border-bottom:1px solid var(--edge);vertical-align:top}\n"
    "td.value{text-align:right}\n"
    "pre{margin:0;white-space:pre-wrap;overflow-wrap:anywhere;max-width:60ch}\n";

void gr__html_words(gr__text *out, const char *before, const char *words, const char *after)
{
    gr__text_add(out, "%s", before);
    gr__markup_add(out, words);
    gr__text_add(out, "%s", after);
}

void gr__html_open(gr__text *out, const char *title, const char *more)
{
    gr__text_add(out, "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\"/>\n"
                      "<meta http-equiv=\"Content-Security-Policy\" "
                      "content=\"default-src 'none'; img-src data:; style-src 'unsafe-inline'\"/>\n"
                      "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\"/>\n");
    gr__html_words(out, "<title>", title, "</title>\n");
    gr__text_add(out, "<style>\n%s%s</style>\n</head>\n<body>\n", style, more);
}

void gr__html_close(gr__text *out)
{
    gr__text_add(out, "</body>\n</html>\n");
}

/* At most `most` characters, an ellipsis for the rest. */
static void put_cut(gr__text *out, const char *s, size_t most)
{
    size_t n = 0, all = strlen(s);
    for (size_t k = 0; n < all && k < most; k++) n += GR_MAX(gr__utf8_bytes((const unsigned char *)s + n, all - n), 1);
    gr__markup_put(out, s, n);
    if (n < all) gr__text_add(out, "\xE2\x80\xA6");
}

static void put_rows(gr__text *out, const gr_face *f)
{
    gr__text_add(out, "<table>\n");
    for (int64_t i = 0; i < f->n_rows; i++) {
        gr__text_add(out, "<tr><td>");
        put_cut(out, f->row[i].name, ROW_NAME);
        gr__text_add(out, "</td><td class=\"value\">");
        put_cut(out, f->row[i].value, ROW_VALUE);
        gr__text_add(out, "</td></tr>\n");
    }
    gr__text_add(out, "</table>\n");
}

/* Lines stay lines: markup takes white space of any kind for a space. */
static void put_text(gr__text *out, const gr_face *f)
{
    gr__text_add(out, "<pre>");
    for (size_t i = 0; i < f->text_bytes;) {
        const char *end = memchr(f->text + i, '\n', f->text_bytes - i);
        size_t n = end ? (size_t)(end - f->text) - i : f->text_bytes - i;
        gr__markup_put(out, f->text + i, n);
        if (end) gr__text_add(out, "\n");
        i += n + (end != NULL);
    }
    gr__text_add(out, "</pre>\n");
}

/* In words: the card's title, and what its lines say. */
static void put_alternative(gr__text *out, const gr_card *c)
{
    gr__markup_add(out, c->title);
    for (const gr_line *l = c->line; l; l = l->next) gr__html_words(out, "; ", l->text, "");
}

static gr_status put_picture(gr__text *out, const gr_face *f, const gr_card *c)
{
    int width, height;
    gr__sheet_scaled(&f->picture, LEAST, MOST, &width, &height);
    gr__text_add(out, "<img%s width=\"%d\" height=\"%d\" alt=\"", f->smooth ? " class=\"smooth\"" : "", width, height);
    put_alternative(out, c);
    gr__text_add(out, "\" src=\"");
    gr_status st = gr__raster_uri(&f->picture, out);
    gr__text_add(out, "\"/>\n");
    return st;
}

static gr_status put_face(gr__text *out, const gr_face *f, const gr_card *c)
{
    gr_status st = GR_OK;
    gr__text_add(out, "<figure>\n");
    if (f->caption) gr__html_words(out, "<figcaption>", f->caption, "</figcaption>\n");
    if (f->picture.width) st = put_picture(out, f, c);
    if (f->n_rows) put_rows(out, f);
    if (f->text) put_text(out, f);
    if (f->foot) gr__html_words(out, "<code>", f->foot, "</code>\n");
    gr__text_add(out, "</figure>\n");
    return st;
}

gr_status gr__html_card(gr__text *out, const gr_card *c, int level)
{
    gr_status st = GR_OK;
    gr__text_add(out, "<article%s>\n", c->wrong ? " class=\"wrong\"" : "");
    gr__text_add(out, "<h%d>", level);
    gr__markup_add(out, c->title);
    gr__text_add(out, "</h%d>\n<div class=\"faces\">\n", level);
    for (const gr_face *f = c->face; f && st == GR_OK; f = f->next) st = put_face(out, f, c);
    gr__text_add(out, "</div>\n");
    for (const gr_line *l = c->line; l; l = l->next) gr__html_words(out, "<p>", l->text, "</p>\n");
    gr__text_add(out, "</article>\n");
    return st;
}
