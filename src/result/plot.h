/* Plots as SVG: text alone, with no font, script, picture or style sheet from elsewhere, on a light ground that reads
 * on dark pages too. The same plot gives the same bytes. Colours are those of Okabe & Ito, which colour-blind readers
 * can tell apart; dashes and shapes of points differ as well. Numbers may be anything: what is not finite, or not
 * positive on a logarithmic axis, leaves a gap. */
#ifndef GR_RESULT_PLOT_H
#define GR_RESULT_PLOT_H

#include "base/text.h"

typedef enum gr_mark {
    GR_MARK_LINE,
    GR_MARK_DASHED,
    GR_MARK_POINTS,
    GR_MARK_PATH,    /* a line with its points */
    GR_MARK_CONTOUR, /* lines of equal z over a grid */
    GR_MARK_BOXES,   /* filled boxes: each two points are opposite corners of one */
} gr_mark;

enum { GR_PLOT_COLOURS = 7 };

typedef struct gr_series {
    const char *label; /* NULL: not in the legend */
    gr_mark mark;
    int colour; /* 1 to GR_PLOT_COLOURS, greater ones begin again; 0: its place among the series */
    size_t n;
    const double *x, *y; /* n each; CONTOUR: n and n_y places of the grid, ascending */
    size_t n_y;          /* CONTOUR: z[j * n + i] stands at (x[i], y[j]) */
    const double *z;
} gr_series;

typedef struct gr_axis {
    const char *label;
    bool log;
    double low, high;         /* both 0: from the data */
    const char *const *words; /* labels at 0, 1, 2, ..., NULL-ended, on a linear axis; NULL: numbers */
} gr_axis;

typedef struct gr_plot_rule { /* a straight line across the plot */
    const char *label;        /* NULL: none */
    bool vertical;
    double at;
} gr_plot_rule;

typedef struct gr_plot {
    const char *title, *caption; /* NULL or "": none */
    const char *description;     /* in words, for who does not see it; NULL: none */
    gr_axis x, y;
    const gr_series *series;
    int n_series;
    const gr_plot_rule *rules;
    int n_rules;
    int width, height; /* in pixels; 0: 800 and 500 */
} gr_plot;

/* Adds the plot to out as one <svg> element, usable as a file or inside HTML. GR_E_MEMORY, kept in out's context. */
gr_status gr__plot_svg(const gr_plot *p, gr__text *out);
/* Several, one below the other, as one <svg> element. */
gr_status gr__plots_svg(const gr_plot *p, int n, gr__text *out);

/* The same plot as lines of characters, for a terminal; contours, rules and caption are left out. */
typedef struct gr_text_style {
    int columns, lines; /* of characters: the width of all, the height within the axes */
    bool utf8;          /* dots of Braille characters; else a letter of ASCII a series */
    bool colour;        /* with escape sequences */
} gr_text_style;
gr_status gr__plot_text(const gr_plot *p, const gr_text_style *style, gr__text *out);

#endif
