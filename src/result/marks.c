/* Lines, points and contours, clipped to the frame. */
#include "result/marks.h"

#include <math.h>

static const char *const colours[GR_PLOT_COLOURS] = {"#0072B2", "#D55E00", "#009E73", "#CC79A7",
                                                     "#E69F00", "#56B4E9", "#444444"};
static const char LINE_STYLE[] = "fill=\"none\" stroke-width=\"2\" stroke-linejoin=\"round\" stroke-linecap=\"round\"";

#define BOX_STYLE "<path fill=\"%s\" fill-opacity=\"0.45\" stroke=\"%s\" stroke-width=\"0.6\""

/* On a dark ground: the same hues, lighter. */
static const char *const lighter[GR_PLOT_COLOURS] = {"#4DA9E0", "#F08A4B", "#2FBF94", "#E39AC3",
                                                     "#E8AE35", "#7CC7F0", "#B5BCC4"};

void gr__plot_dark(gr__text *out)
{
    for (int i = 0; i < GR_PLOT_COLOURS; i++)
        gr__text_add(out, "[stroke=\"%s\"]{stroke:%s}[fill=\"%s\"]{fill:%s}\n", colours[i], lighter[i], colours[i],
                     lighter[i]);
    gr__text_add(out, "[stroke=\"#9aa7b4\"]{stroke:#7d8894}\n");
}

const char *gr__plot_colour(int colour)
{
    return colours[(GR_MAX(colour, 1) - 1) % GR_PLOT_COLOURS];
}

/* ---- lines ---- */

/* Cuts the segment to the frame (Liang & Barsky 1984); false when nothing is left. */
static bool clip(const gr_frame *f, double a[2], double b[2])
{
    double t0 = 0, t1 = 1, d[2] = {b[0] - a[0], b[1] - a[1]};
    const double p[4] = {-d[0], d[0], -d[1], d[1]};
    const double q[4] = {a[0] - f->left, f->right - a[0], a[1] - f->top, f->bottom - a[1]};
    for (int i = 0; i < 4; i++) {
        if (p[i] == 0 && q[i] < 0) return false;
        if (p[i] < 0) t0 = fmax(t0, q[i] / p[i]);
        if (p[i] > 0) t1 = fmin(t1, q[i] / p[i]);
    }
    if (t0 > t1) return false;
    for (int i = 0; i < 2; i++) {
        b[i] = a[i] + t1 * d[i];
        a[i] += t0 * d[i];
    }
    return true;
}

typedef struct pen {
    gr__text *out;
    const gr_frame *f;
    double at[2];    /* where the line stands, before clipping; NaN: nowhere */
    double drawn[2]; /* where the path's last command ended; NaN: nowhere */
} pen;

static pen pen_make(gr__text *out, const gr_frame *f)
{
    return (pen){out, f, {NAN, NAN}, {NAN, NAN}};
}

static void pen_lift(pen *p)
{
    p->at[0] = p->at[1] = NAN;
}

static void pen_to(pen *p, double x, double y)
{
    double a[2] = {p->at[0], p->at[1]}, b[2] = {x, y};
    if (isnan(x) || isnan(y)) {
        pen_lift(p);
        return;
    }
    p->at[0] = x;
    p->at[1] = y;
    if (isnan(a[0]) || !clip(p->f, a, b)) return;
    if (!(fabs(a[0] - p->drawn[0]) < 0.05 && fabs(a[1] - p->drawn[1]) < 0.05))
        gr__text_add(p->out, "M%.1f %.1f", a[0], a[1]);
    gr__text_add(p->out, "L%.1f %.1f", b[0], b[1]);
    p->drawn[0] = b[0];
    p->drawn[1] = b[1];
}

/* Draws point i, or what many points within one pixel column come to: first, lowest, highest, last. */
typedef struct column {
    double x, first, low, high, last;
    size_t n;
} column;

static void column_draw(pen *p, const column *c)
{
    if (c->n == 0) return;
    pen_to(p, c->x, c->first);
    if (c->n > 2 && c->low < c->high) {
        pen_to(p, c->x, c->low);
        pen_to(p, c->x, c->high);
    }
    if (c->n > 1) pen_to(p, c->x, c->last);
}

static void column_add(pen *p, column *c, double x, double y)
{
    if (c->n == 0 || !(floor(x) == floor(c->x))) {
        column_draw(p, c);
        *c = (column){x, y, y, y, y, 1};
        return;
    }
    c->low = fmin(c->low, y);
    c->high = fmax(c->high, y);
    c->last = y;
    c->n++;
}

static void line(gr__text *out, const gr_frame *f, const gr_series *s)
{
    pen p = pen_make(out, f);
    column c = {0};
    bool dense = (double)s->n > 4 * (f->right - f->left);
    for (size_t i = 1; i < s->n && dense; i++) dense = s->x[i] >= s->x[i - 1]; /* only a curve over x may be thinned */
    for (size_t i = 0; i < s->n; i++) {
        double x = gr__scale_at(&f->x, s->x[i]), y = gr__scale_at(&f->y, s->y[i]);
        if (!dense)
            pen_to(&p, x, y);
        else if (!isnan(x) && !isnan(y))
            column_add(&p, &c, x, y);
        else {
            column_draw(&p, &c);
            c.n = 0;
            pen_lift(&p);
        }
    }
    column_draw(&p, &c);
}

/* ---- points ---- */

static void point(gr__text *out, double x, double y, double r, int colour)
{
    switch ((GR_MAX(colour, 1) - 1) % 4) {
    case 0:
        gr__text_add(out, "<circle cx=\"%.1f\" cy=\"%.1f\" r=\"%.1f\"/>", x, y, r);
        break;
    case 1:
        gr__text_add(out, "<polygon points=\"%.1f,%.1f %.1f,%.1f %.1f,%.1f %.1f,%.1f\"/>", x, y - 1.3 * r, x + 1.3 * r,
                     y, x, y + 1.3 * r, x - 1.3 * r, y);
        break;
    case 2:
        gr__text_add(out, "<rect x=\"%.1f\" y=\"%.1f\" width=\"%.1f\" height=\"%.1f\"/>", x - 0.9 * r, y - 0.9 * r,
                     1.8 * r, 1.8 * r);
        break;
    default:
        gr__text_add(out, "<polygon points=\"%.1f,%.1f %.1f,%.1f %.1f,%.1f\"/>", x, y - 1.2 * r, x + 1.2 * r,
                     y + 0.9 * r, x - 1.2 * r, y + 0.9 * r);
        break;
    }
}

static void points(gr__text *out, const gr_frame *f, const gr_series *s, int colour)
{
    double r = s->mark == GR_MARK_PATH ? 2.6 : s->n > 200 ? 1.8 : 3.4;
    gr__text_add(out, "<g fill=\"%s\" stroke=\"#fff\" stroke-width=\"0.6\">", gr__plot_colour(colour));
    for (size_t i = 0; i < s->n; i++) {
        double x = gr__scale_at(&f->x, s->x[i]), y = gr__scale_at(&f->y, s->y[i]);
        if (x >= f->left - 0.5 && x <= f->right + 0.5 && y >= f->top - 0.5 && y <= f->bottom + 0.5)
            point(out, x, y, r, colour);
    }
    gr__text_add(out, "</g>\n");
}

/* ---- contours: marching squares, with straight lines within a cell ---- */

enum { LEVELS = 12 };

/* Level k of LEVELS: their spacing grows from the lowest value on, so that a bowl has evenly spaced rings. */
static double level(double low, double high, int k)
{
    double t = (k + 0.5) / LEVELS;
    return low + (high - low) * t * t;
}

static void cell(pen *p, const gr_series *s, size_t i, size_t j, double level)
{
    const size_t corner[4] = {j * s->n + i, j * s->n + i + 1, (j + 1) * s->n + i + 1, (j + 1) * s->n + i};
    const double cx[4] = {s->x[i], s->x[i + 1], s->x[i + 1], s->x[i]},
                 cy[4] = {s->y[j], s->y[j], s->y[j + 1], s->y[j + 1]};
    double ends[4][2];
    int n = 0;
    for (int k = 0; k < 4; k++) {
        int next = (k + 1) % 4;
        double a = s->z[corner[k]], b = s->z[corner[next]];
        if (!isfinite(a) || !isfinite(b)) return;
        if ((a < level) == (b < level)) continue;
        double t = (level - a) / (b - a);
        ends[n][0] = gr__scale_at(&p->f->x, cx[k] + t * (cx[next] - cx[k]));
        ends[n++][1] = gr__scale_at(&p->f->y, cy[k] + t * (cy[next] - cy[k]));
    }
    for (int k = 0; k + 1 < n; k += 2) { /* 4 ends: a saddle, whose two lines may be paired either way */
        pen_lift(p);
        pen_to(p, ends[k][0], ends[k][1]);
        pen_to(p, ends[k + 1][0], ends[k + 1][1]);
    }
}

static void contour(gr__text *out, const gr_frame *f, const gr_series *s)
{
    gr_range r = {0};
    pen p = pen_make(out, f);
    gr__range_add(&r, false, s->z, s->n * s->n_y);
    for (int k = 0; k < LEVELS && r.low < r.high; k++)
        for (size_t j = 0; j + 1 < s->n_y; j++)
            for (size_t i = 0; i + 1 < s->n; i++) cell(&p, s, i, j, level(r.low, r.high, k));
}

/* ---- boxes ---- */

static double within(double x, double low, double high)
{
    return fmin(fmax(x, low), high);
}

static void boxes(gr__text *out, const gr_frame *f, const gr_series *s)
{
    for (size_t i = 0; i + 1 < s->n; i += 2) {
        double x[2], y[2];
        for (int k = 0; k < 2; k++) {
            x[k] = within(gr__scale_at(&f->x, s->x[i + (size_t)k]), f->left, f->right);
            y[k] = within(gr__scale_at(&f->y, s->y[i + (size_t)k]), f->top, f->bottom);
        }
        if (!isnan(x[0] + x[1] + y[0] + y[1]))
            gr__text_add(out, "M%.1f %.1fH%.1fV%.1fH%.1fz", x[0], y[0], x[1], y[1], x[0]);
    }
}

/* ---- a series ---- */

void gr__plot_series(gr__text *out, const gr_frame *f, const gr_series *s, int colour)
{
    if (s->mark == GR_MARK_CONTOUR) {
        gr__text_add(out, "<path fill=\"none\" stroke=\"#9aa7b4\" stroke-width=\"1\" d=\"");
        contour(out, f, s);
        gr__text_add(out, "\"/>\n");
        return;
    }
    if (s->mark == GR_MARK_BOXES) {
        gr__text_add(out, BOX_STYLE " d=\"", gr__plot_colour(colour), gr__plot_colour(colour));
        boxes(out, f, s);
        gr__text_add(out, "\"/>\n");
        return;
    }
    if (s->mark != GR_MARK_POINTS) {
        const char *thin = s->mark == GR_MARK_PATH ? " stroke-opacity=\"0.75\"" : "";
        gr__text_add(out, "<path %s stroke=\"%s\"%s%s d=\"", LINE_STYLE, gr__plot_colour(colour),
                     s->mark == GR_MARK_DASHED ? " stroke-dasharray=\"7 5\"" : "", thin);
        line(out, f, s);
        gr__text_add(out, "\"/>\n");
    }
    if (s->mark == GR_MARK_POINTS || s->mark == GR_MARK_PATH) points(out, f, s, colour);
}

void gr__plot_sample(gr__text *out, double x, double y, const gr_series *s, int colour)
{
    if (s->mark == GR_MARK_BOXES) {
        gr__text_add(out, BOX_STYLE " d=\"M%.1f %.1fh16v9h-16z\"/>", gr__plot_colour(colour), gr__plot_colour(colour),
                     x + 4, y - 5);
        return;
    }
    if (s->mark != GR_MARK_POINTS)
        gr__text_add(out, "<path %s stroke=\"%s\"%s d=\"M%.1f %.1fh24\"/>", LINE_STYLE,
                     s->mark == GR_MARK_CONTOUR ? "#9aa7b4" : gr__plot_colour(colour),
                     s->mark == GR_MARK_DASHED ? " stroke-dasharray=\"7 5\"" : "", x, y);
    if (s->mark != GR_MARK_POINTS && s->mark != GR_MARK_PATH) return;
    gr__text_add(out, "<g fill=\"%s\">", gr__plot_colour(colour));
    point(out, x + 12, y, 3.4, colour);
    gr__text_add(out, "</g>");
}
