/* A plot as characters, for a terminal: each holds 2 x 4 dots (Braille patterns, U+2800 on), or is one dot itself. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "result/axis.h"
#include "result/markup.h"

enum { LABEL = 10, LEAST_CELLS = 16, LEAST_LINES = 4 };

typedef struct cell {
    unsigned char dots; /* as bits of a Braille pattern */
    unsigned char series;
} cell;

typedef struct canvas {
    const gr_plot *p;
    const gr_text_style *style;
    gr__text *out;
    cell *cells;
    int columns, lines; /* in cells */
    int across, up;     /* dots a cell */
    gr_scale x, y;      /* of dots, from the lower left */
} canvas;

/* ---- dots ---- */

static void dot(canvas *c, double x, double y, int series)
{
    static const unsigned char bit[4][2] = {{0x01, 0x08}, {0x02, 0x10}, {0x04, 0x20}, {0x40, 0x80}}; /* from the top */
    int i = (int)lround(x), j = c->lines * c->up - 1 - (int)lround(y);
    if (i < 0 || j < 0 || i >= c->columns * c->across || j >= c->lines * c->up) return;
    cell *at = &c->cells[j / c->up * c->columns + i / c->across];
    at->dots |= c->style->utf8 ? bit[j % 4][i % 2] : 1;
    at->series = (unsigned char)series;
}

static void segment(canvas *c, double x0, double y0, double x1, double y1, int series)
{
    int n = (int)ceil(fmax(fabs(x1 - x0), fabs(y1 - y0)));
    for (int k = 1; k <= n; k++) dot(c, x0 + (x1 - x0) * k / n, y0 + (y1 - y0) * k / n, series);
}

static void draw(canvas *c, const gr_series *s, int series)
{
    double before_x = NAN, before_y = NAN;
    if (s->mark == GR_MARK_CONTOUR || s->mark == GR_MARK_BOXES) return;
    for (size_t i = 0; i < s->n; i++) {
        double x = gr__scale_at(&c->x, s->x[i]), y = gr__scale_at(&c->y, s->y[i]);
        if (!isnan(x) && !isnan(y)) {
            dot(c, x, y, series);
            if (s->mark != GR_MARK_POINTS && !isnan(before_x)) segment(c, before_x, before_y, x, y, series);
            before_x = x, before_y = y;
        } else {
            before_x = NAN; /* a gap */
        }
    }
}

/* ---- characters ---- */

static const char symbols[] = "*o+x#%@=";

/* SGR codes that are told apart on dark and light grounds. */
static void colour(const canvas *c, int series, bool on)
{
    static const int codes[GR_PLOT_COLOURS] = {34, 33, 32, 35, 31, 36, 90};
    if (!c->style->colour) return;
    int wanted = c->p->series[series].colour > 0 ? c->p->series[series].colour - 1 : series;
    gr__text_add(c->out, "\033[%dm", on ? codes[wanted % GR_PLOT_COLOURS] : 0);
}

static void put_cell(const canvas *c, const cell *at)
{
    char pattern[4] = {(char)0xE2, (char)(0xA0 | at->dots >> 6), (char)(0x80 | (at->dots & 0x3F)), 0};
    if (!at->dots) {
        gr__text_put(c->out, " ", 1);
        return;
    }
    colour(c, at->series, true);
    if (c->style->utf8)
        gr__text_put(c->out, pattern, 3);
    else
        gr__text_put(c->out, &symbols[at->series % (sizeof symbols - 1)], 1);
    colour(c, at->series, false);
}

static const char *tick_text(const gr_tick *t, char *buffer, size_t n)
{
    const char *times = strstr(t->text, "\xC3\x97");
    if (!t->has_exponent)
        snprintf(buffer, n, "%s", t->text);
    else
        snprintf(buffer, n, "%.*se%d", times ? (int)(times - t->text) : 1, t->text, t->exponent);
    return buffer;
}

static void put_lines(canvas *c)
{
    gr_tick ticks[GR_MAX_TICKS];
    char text[48];
    int n = gr__scale_ticks(&c->y, 3.0 * c->up, ticks);
    for (int line = 0; line < c->lines; line++) {
        const char *label = "";
        for (int i = 0; i < n && !*label; i++)
            if (c->lines - 1 - (int)(lround(gr__scale_at(&c->y, ticks[i].at)) / c->up) == line)
                label = tick_text(&ticks[i], text, sizeof text);
        gr__text_add(c->out, "%*s %s", LABEL, label, c->style->utf8 ? (*label ? "┤" : "│") : "|");
        int last = c->columns;
        while (last > 0 && !c->cells[line * c->columns + last - 1].dots) last--;
        for (int i = 0; i < last; i++) put_cell(c, &c->cells[line * c->columns + i]);
        gr__text_put(c->out, "\n", 1);
    }
}

/* The axis below, and as many of its numbers as have room. */
static void put_axis(canvas *c)
{
    gr_tick ticks[GR_MAX_TICKS];
    char text[48], row[512];
    int n = gr__scale_ticks(&c->x, 12.0 * c->across, ticks), used = 0;
    gr__text_add(c->out, "%*s %s", LABEL, "", c->style->utf8 ? "└" : "+");
    for (int i = 0; i < c->columns; i++) gr__text_add(c->out, c->style->utf8 ? "─" : "-");
    memset(row, ' ', sizeof row);
    for (int i = 0; i < n; i++) {
        int length = (int)strlen(tick_text(&ticks[i], text, sizeof text)),
            at = (int)(gr__scale_at(&c->x, ticks[i].at) / c->across) - length / 2;
        at = GR_MAX(at, 0);
        if (length == 0 || at < used + (used > 0) || at + length > c->columns || at + length > (int)sizeof row)
            continue;
        memcpy(row + at, text, (size_t)length);
        used = at + length;
    }
    gr__text_add(c->out, "\n%*s%.*s", LABEL + 2, "", used, row);
    const char *name = c->p->x.label ? c->p->x.label : "";
    int rest = c->columns - used - (int)gr__markup_length(name, strlen(name));
    if (*name && rest >= 2)
        gr__text_add(c->out, "  %s", name);
    else if (*name)
        gr__text_add(c->out, "\n%*s%s", LABEL + 2 + GR_MAX(rest + used, 0), "", name);
    gr__text_put(c->out, "\n", 1);
}

static void put_legend(canvas *c)
{
    int column = LABEL + 2;
    bool any = false;
    for (int i = 0; i < c->p->n_series; i++) {
        const gr_series *s = &c->p->series[i];
        if (!s->label || !*s->label) continue;
        int wide = (int)gr__markup_length(s->label, strlen(s->label)) + 5;
        if (any && column + wide > c->columns + LABEL + 2) {
            gr__text_put(c->out, "\n", 1);
            column = LABEL + 2, any = false;
        }
        gr__text_add(c->out, "%*s", any ? 2 : LABEL + 2, "");
        colour(c, i, true);
        if (c->style->utf8)
            gr__text_add(c->out, "──");
        else
            gr__text_put(c->out, &symbols[i % (int)(sizeof symbols - 1)], 1);
        colour(c, i, false);
        gr__text_add(c->out, " %s", s->label);
        column += wide;
        any = true;
    }
    if (any) gr__text_put(c->out, "\n", 1);
}

/* ---- all of it ---- */

static void scales(canvas *c)
{
    gr_range x = {0}, y = {0};
    for (int i = 0; i < c->p->n_series; i++) {
        gr__range_add(&x, c->p->x.log, c->p->series[i].x, c->p->series[i].n);
        gr__range_add(&y, c->p->y.log, c->p->series[i].y, c->p->series[i].n);
    }
    c->x = gr__scale_make(&c->p->x, &x);
    c->y = gr__scale_make(&c->p->y, &y);
    c->x.from = c->y.from = 0;
    c->x.to = c->columns * c->across - 1;
    c->y.to = c->lines * c->up - 1;
}

gr_status gr__plot_text(const gr_plot *p, const gr_text_style *style, gr__text *out)
{
    canvas c = {.p = p, .style = style, .out = out, .across = style->utf8 ? 2 : 1, .up = style->utf8 ? 4 : 1};
    c.columns = GR_MIN(GR_MAX(style->columns - LABEL - 2, LEAST_CELLS), 500);
    c.lines = GR_MAX(style->lines, LEAST_LINES);
    size_t bytes = sizeof *c.cells * (size_t)(c.columns * c.lines);
    if (!(c.cells = gr__alloc(out->ctx, bytes))) return GR_E_MEMORY;
    scales(&c);
    for (int i = 0; i < p->n_series; i++) draw(&c, &p->series[i], i);
    if (p->title && *p->title) gr__text_add(out, "%*s%s\n", LABEL + 2, "", p->title);
    put_lines(&c);
    put_axis(&c);
    put_legend(&c);
    gr__free(out->ctx, c.cells, bytes);
    return out->failed ? GR_E_MEMORY : GR_OK;
}
