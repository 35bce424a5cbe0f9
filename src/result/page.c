/* The ground of a drawing, its title and its caption. */
#include "result/page.h"

#include <math.h>
#include <string.h>

#include "result/markup.h"

enum { MAX_LINES = 6 };

size_t gr__page_columns(double pixels, double size)
{
    return (size_t)fmax(pixels / (GR_PAGE_WIDE * size), 8);
}

double gr__page_width(const char *s, double size)
{
    return GR_PAGE_WIDE * size * (double)gr__markup_length(s, strlen(s));
}

static size_t whole(double width, double size)
{
    return gr__page_columns(width - 2 * GR_PAGE_MARGIN, size);
}

int gr__page_lines(const char *s, size_t columns)
{
    size_t skip;
    int n = 0;
    for (; s && *s && n < MAX_LINES; n++) {
        s += gr__markup_line(s, columns, &skip);
        s += skip;
    }
    return n;
}

void gr__page_block(gr__text *out, double y, double size, size_t columns, const char *style, const char *s)
{
    size_t skip;
    for (int i = 0; s && *s && i < MAX_LINES; i++) {
        size_t n = gr__markup_line(s, columns, &skip);
        gr__text_add(out, "<text x=\"%.1f\" y=\"%.1f\" font-size=\"%.1f\" %s>", GR_PAGE_MARGIN,
                     y + size * (1 + 1.25 * i), size, style);
        gr__markup_put(out, s, n);
        gr__text_add(out, "%s</text>\n", s[n + skip] && i + 1 == MAX_LINES ? "\xE2\x80\xA6" : "");
        s += n + skip;
    }
}

double gr__page_title(double width, const char *title)
{
    return GR_PAGE_MARGIN + GR_PAGE_TITLE * 1.25 * gr__page_lines(title, whole(width, GR_PAGE_TITLE)) + 2;
}

double gr__page_caption(double width, const char *caption)
{
    return GR_PAGE_MARGIN + GR_PAGE_SMALL * 1.25 * gr__page_lines(caption, whole(width, GR_PAGE_SMALL));
}

void gr__page_open(gr__text *out, double width, double height, const char *title, const char *description)
{
    gr__text_add(out,
                 "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 %.0f %.0f\" width=\"%.0f\" height=\"%.0f\" "
                 "role=\"img\" "
                 "font-family=\"system-ui, -apple-system, 'Segoe UI', 'DejaVu Sans', Helvetica, Arial, sans-serif\" "
                 "fill=\"#1d2329\">\n<title>",
                 width, height, width, height);
    gr__markup_add(out, title ? title : "");
    gr__text_add(out, "</title>\n");
    if (description && *description) {
        gr__text_add(out, "<desc>");
        gr__markup_add(out, description);
        gr__text_add(out, "</desc>\n");
    }
    gr__text_add(out,
                 "<rect x=\"0.5\" y=\"0.5\" width=\"%.0f\" height=\"%.0f\" rx=\"6\" fill=\"#fff\" "
                 "stroke=\"#d5dae0\"/>\n",
                 width - 1, height - 1);
    gr__page_block(out, GR_PAGE_MARGIN - 2, GR_PAGE_TITLE, whole(width, GR_PAGE_TITLE), "font-weight=\"600\"", title);
}

void gr__page_close(gr__text *out, double width, double height, const char *caption)
{
    gr__page_block(out, height - gr__page_caption(width, caption) + 4, GR_PAGE_SMALL, whole(width, GR_PAGE_SMALL),
                   "fill=\"#444b54\"", caption);
    gr__text_add(out, "</svg>\n");
}

void gr__page_dark(gr__text *out)
{
    static const char *const turned[][3] = {
        {"fill", "#fff", "#1e2226"},      {"stroke", "#fff", "#1e2226"},  {"stroke", "#d5dae0", "#343a41"},
        {"stroke", "#e3e6ea", "#30363c"}, {"fill", "#444b54", "#b3bcc6"}, {"stroke", "#8b949e", "#6b7480"},
        {"stroke", "#6b7480", "#9aa4b0"}, {"fill", "#6b7480", "#9aa4b0"},
    };
    gr__text_add(out, "svg[role=img]{fill:#e6e9ed}\n");
    for (size_t i = 0; i < GR_COUNT(turned); i++)
        gr__text_add(out, "svg[role=img] [%s=\"%s\"]{%s:%s}\n", turned[i][0], turned[i][1], turned[i][0], turned[i][2]);
}
