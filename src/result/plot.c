/* A plot around its marks: title, legend, frame, axes, rules, caption. */
#include "result/plot.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "result/marks.h"
#include "result/markup.h"
#include "result/page.h"

#define MINUS "\xE2\x88\x92"

enum { WIDTH = 800, HEIGHT = 500 }; /* unless the plot says otherwise */

typedef struct drawing {
    const gr_plot *p;
    gr__text *out;
    gr_frame f;
    gr_tick xs[GR_MAX_TICKS], ys[GR_MAX_TICKS];
    int n_xs, n_ys;
    double width, height;
    double legend_top, legend_rows;
} drawing;

/* ---- legend ---- */

static int colour_of(const gr_series *s, int i)
{
    return s->colour > 0 ? s->colour : i + 1;
}

/* Places every entry in rows and draws it unless `dry`; gives how many rows there are. */
static double legend(drawing *d, bool dry)
{
    double x = GR_PAGE_MARGIN, row = 0;
    for (int i = 0; i < d->p->n_series; i++) {
        const gr_series *s = &d->p->series[i];
        if (!s->label || !*s->label) continue;
        size_t fits = gr__page_columns(d->width - 2 * GR_PAGE_MARGIN - 32, GR_PAGE_TEXT), skip,
               n = gr__markup_line(s->label, fits, &skip);
        double wide = 32 + GR_PAGE_WIDE * GR_PAGE_TEXT * (double)gr__markup_length(s->label, n) + 14;
        if (x > GR_PAGE_MARGIN && x + wide > d->width - GR_PAGE_MARGIN) x = GR_PAGE_MARGIN, row++;
        if (!dry) {
            double y = d->legend_top + row * 19 + 10;
            gr__plot_sample(d->out, x, y, s, colour_of(s, i));
            gr__text_add(d->out, "<text x=\"%.1f\" y=\"%.1f\" font-size=\"%.1f\">", x + 30, y + 4, GR_PAGE_TEXT);
            gr__markup_put(d->out, s->label, n);
            gr__text_add(d->out, "</text>\n");
        }
        x += wide;
    }
    return x > GR_PAGE_MARGIN ? row + 1 : row;
}

/* ---- ranges ---- */

static void ranges(const gr_plot *p, gr_range *x, gr_range *y)
{
    for (int i = 0; i < p->n_series; i++) {
        const gr_series *s = &p->series[i];
        gr__range_add(x, p->x.log, s->x, s->n);
        gr__range_add(y, p->y.log, s->y, s->mark == GR_MARK_CONTOUR ? s->n_y : s->n);
    }
}

static double tick_width(const gr_tick *t)
{
    char exponent[16];
    int digits = t->has_exponent ? snprintf(exponent, sizeof exponent, "%d", t->exponent) : 0;
    return GR_PAGE_SMALL * GR_PAGE_WIDE * ((double)gr__markup_length(t->text, strlen(t->text)) + 0.75 * digits);
}

static void layout(drawing *d)
{
    const gr_plot *p = d->p;
    gr_range x = {0}, y = {0};
    double top = gr__page_title(d->width, p->title), wide = 0;
    d->legend_top = top;
    d->legend_rows = legend(d, true);
    d->f.top = top + 19 * d->legend_rows + 12;
    d->f.bottom = d->height - gr__page_caption(d->width, p->caption) - 20 - (p->x.label ? 22 : 0);
    d->f.bottom = fmax(d->f.bottom, d->f.top + 40);
    d->f.right = d->width - GR_PAGE_MARGIN - 6;
    ranges(p, &x, &y);
    d->f.y = gr__scale_make(&p->y, &y);
    d->f.y.from = d->f.bottom;
    d->f.y.to = d->f.top;
    d->n_ys = gr__scale_ticks(&d->f.y, 44, d->ys);
    for (int i = 0; i < d->n_ys; i++) wide = fmax(wide, tick_width(&d->ys[i]));
    d->f.left = GR_PAGE_MARGIN + (p->y.label ? 20 : 0) + wide + 8;
    d->f.x = gr__scale_make(&p->x, &x);
    d->f.x.from = d->f.left;
    d->f.x.to = d->f.right;
    d->n_xs = gr__scale_ticks(&d->f.x, 80, d->xs);
}

/* ---- axes ---- */

static void tick_text(drawing *d, const gr_tick *t, double x, double y, const char *anchor)
{
    bool minus = t->text[0] == '-';
    if (!t->text[0]) return;
    gr__text_add(d->out, "<text x=\"%.1f\" y=\"%.1f\" text-anchor=\"%s\">%s", x, y, anchor, minus ? MINUS : "");
    gr__markup_add(d->out, t->text + minus);
    if (t->has_exponent)
        gr__text_add(d->out, "<tspan dy=\"-4.5\" font-size=\"8.5\">%s%d</tspan>", t->exponent < 0 ? MINUS : "",
                     abs(t->exponent));
    gr__text_add(d->out, "</text>\n");
}

static void axes(drawing *d)
{
    const gr_frame *f = &d->f;
    gr__text_add(d->out, "<path stroke=\"#e3e6ea\" stroke-width=\"1\" fill=\"none\" d=\"");
    for (int i = 0; i < d->n_xs; i++)
        gr__text_add(d->out, "M%.1f %.1fV%.1f", gr__scale_at(&f->x, d->xs[i].at), f->top, f->bottom);
    for (int i = 0; i < d->n_ys; i++)
        gr__text_add(d->out, "M%.1f %.1fH%.1f", f->left, gr__scale_at(&f->y, d->ys[i].at), f->right);
    gr__text_add(d->out, "\"/>\n<g font-size=\"%.1f\" fill=\"#444b54\">\n", GR_PAGE_SMALL);
    for (int i = 0; i < d->n_xs; i++)
        tick_text(d, &d->xs[i], gr__scale_at(&f->x, d->xs[i].at), f->bottom + 17, "middle");
    for (int i = 0; i < d->n_ys; i++) tick_text(d, &d->ys[i], f->left - 7, gr__scale_at(&f->y, d->ys[i].at) + 4, "end");
    gr__text_add(d->out, "</g>\n");
}

static void axis_labels(drawing *d)
{
    const gr_frame *f = &d->f;
    double x = (f->left + f->right) / 2, y = (f->top + f->bottom) / 2;
    if (d->p->x.label) {
        gr__text_add(d->out, "<text x=\"%.1f\" y=\"%.1f\" font-size=\"%.1f\" text-anchor=\"middle\">", x,
                     f->bottom + 37, GR_PAGE_TEXT);
        gr__markup_add(d->out, d->p->x.label);
        gr__text_add(d->out, "</text>\n");
    }
    if (d->p->y.label) {
        gr__text_add(d->out,
                     "<text transform=\"translate(%.1f %.1f) rotate(-90)\" font-size=\"%.1f\" text-anchor=\"middle\">",
                     GR_PAGE_MARGIN + 8, y, GR_PAGE_TEXT);
        gr__markup_add(d->out, d->p->y.label);
        gr__text_add(d->out, "</text>\n");
    }
}

static void rule(drawing *d, const gr_plot_rule *r)
{
    const gr_frame *f = &d->f;
    double at = gr__scale_at(r->vertical ? &f->x : &f->y, r->at);
    if (!(r->vertical ? at >= f->left && at <= f->right : at >= f->top && at <= f->bottom)) return;
    const char *style = "stroke=\"#6b7480\" stroke-width=\"1.2\" stroke-dasharray=\"2 3\"";
    if (r->vertical)
        gr__text_add(d->out, "<path %s d=\"M%.1f %.1fV%.1f\"/>\n", style, at, f->top, f->bottom);
    else
        gr__text_add(d->out, "<path %s d=\"M%.1f %.1fH%.1f\"/>\n", style, f->left, at, f->right);
    if (!r->label || !*r->label) return;
    double wide = gr__page_width(r->label, GR_PAGE_SMALL);
    bool left = r->vertical && at + wide + 5 > f->right; /* no room on the right */
    double x = !r->vertical ? f->right - 5
               : left       ? at - 5
                            : at + 5,
           y = r->vertical        ? f->top + 13
               : at < f->top + 16 ? at + 14
                                  : at - 5;
    gr__text_add(d->out,
                 "<text x=\"%.1f\" y=\"%.1f\" font-size=\"%.1f\" fill=\"#444b54\" stroke=\"#fff\" stroke-width=\"3\" "
                 "paint-order=\"stroke\" text-anchor=\"%s\">",
                 x, y, GR_PAGE_SMALL, !r->vertical || left ? "end" : "start");
    gr__markup_add(d->out, r->label);
    gr__text_add(d->out, "</text>\n");
}

static bool empty(const drawing *d)
{
    for (int i = 0; i < d->p->n_series; i++) {
        const gr_series *s = &d->p->series[i];
        for (size_t k = 0; k < s->n; k++)
            if (s->mark == GR_MARK_CONTOUR ||
                (!isnan(gr__scale_at(&d->f.x, s->x[k])) && !isnan(gr__scale_at(&d->f.y, s->y[k]))))
                return false;
    }
    return true;
}

/* ---- all of it ---- */

static void body(drawing *d)
{
    const gr_frame *f = &d->f;
    axes(d);
    for (int i = 0; i < d->p->n_series; i++)
        gr__plot_series(d->out, f, &d->p->series[i], colour_of(&d->p->series[i], i));
    gr__text_add(d->out,
                 "<rect x=\"%.1f\" y=\"%.1f\" width=\"%.1f\" height=\"%.1f\" fill=\"none\" stroke=\"#8b949e\"/>\n",
                 f->left, f->top, f->right - f->left, f->bottom - f->top);
    for (int i = 0; i < d->p->n_rules; i++) rule(d, &d->p->rules[i]);
    if (empty(d))
        gr__text_add(d->out,
                     "<text x=\"%.1f\" y=\"%.1f\" font-size=\"%.1f\" fill=\"#6b7480\" text-anchor=\"middle\">no "
                     "numbers to draw</text>\n",
                     (f->left + f->right) / 2, (f->top + f->bottom) / 2, GR_PAGE_TEXT);
    axis_labels(d);
}

gr_status gr__plot_svg(const gr_plot *p, gr__text *out)
{
    drawing d = {
        .p = p, .out = out, .width = p->width > 0 ? p->width : WIDTH, .height = p->height > 0 ? p->height : HEIGHT};
    layout(&d);
    gr__page_open(out, d.width, d.height, p->title, p->description);
    legend(&d, false);
    body(&d);
    gr__page_close(out, d.width, d.height, p->caption);
    return out->failed ? GR_E_MEMORY : GR_OK;
}

gr_status gr__plots_svg(const gr_plot *p, int n, gr__text *out)
{
    int width = 0, height = 0, y = 0;
    for (int i = 0; i < n; i++) {
        width = GR_MAX(width, p[i].width > 0 ? p[i].width : WIDTH);
        height += p[i].height > 0 ? p[i].height : HEIGHT;
    }
    gr__text_add(out, "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 %d %d\" width=\"%d\" height=\"%d\">\n",
                 width, height, width, height);
    gr_status st = GR_OK;
    for (int i = 0; i < n && st == GR_OK; i++) {
        gr__text_add(out, "<g transform=\"translate(0 %d)\">\n", y);
        st = gr__plot_svg(&p[i], out);
        gr__text_add(out, "</g>\n");
        y += p[i].height > 0 ? p[i].height : HEIGHT;
    }
    gr__text_add(out, "</svg>\n");
    return out->failed ? GR_E_MEMORY : st;
}
