/* The lab: figures and claims of the chapter, computed by the library's own graphs, plans, optimizers, initialisers and
 * training, with the prediction of the theory beside what was measured.
 *
 * A figure is a member, one file in src/study/lab: GR_FIGURE(name) = {...}. Its `run` fills tables, says what of them
 * is to be drawn, and states claims. It knows nothing of files or pictures: `gradus lab` writes those
 * (src/report/figure.h). */
#ifndef GR_STUDY_LAB_H
#define GR_STUDY_LAB_H

#include "base/member.h"
#include "nn/common.h"

/* ---- tables ---- */
typedef struct gr_column {
    const char *name, *unit;  /* unit "" where there is none */
    const char *const *words; /* not NULL: cells are indices into it */
} gr_column;

typedef struct gr_table {
    const char *name; /* of the file, behind the figure's: fig4.5-counts.csv; NULL: the figure's alone */
    const char *title;
    const gr_column *columns; /* static */
    int n_columns;
    double *cells;      /* row by row; NaN: nothing there */
    size_t n, capacity; /* in cells */
} gr_table;

/* ---- drawings: columns of tables against each other ---- */
typedef enum gr_curve_kind {
    GR_CURVE_LINE,
    GR_CURVE_DASHED,
    GR_CURVE_POINTS,
    GR_CURVE_PATH,
    GR_CURVE_CONTOUR
} gr_curve_kind;
typedef struct gr_curve {
    const char *label; /* NULL: not in the legend */
    gr_curve_kind kind;
    int colour;             /* as gr_series: 0 takes the next */
    const char *table;      /* NULL: the first */
    const char *x, *y, *z;  /* columns; z: CONTOUR, over rows that run through x within each y */
    const char *where, *is; /* only rows whose column `where` says `is`; NULL: all */
} gr_curve;

typedef struct gr_panel_axis {
    const char *label;
    bool log;
    double low, high;
    const char *const *words;
} gr_panel_axis; /* low = high = 0: from the data; words: as gr_axis, static or in the results' memory */
typedef struct gr_panel_rule {
    const char *label;
    bool vertical;
    double at;
} gr_panel_rule;

/* Boxes, one a row of a table, and arrows, one a row of another, drawn from the top down. */
typedef struct gr_panel_dag {
    const char *nodes, *name, *note,
        *group; /* the table and its columns: words, a number, words; nodes NULL: this is a plot */
    const char *edges, *from, *to, *label; /* the table and its columns: rows of `nodes` counted from 0, twice; words */
} gr_panel_dag;

enum { GR_PANEL_CURVES = 12, GR_PANEL_RULES = 4 };
typedef struct gr_panel {
    const char *name; /* of the file, as for tables */
    const char *title, *caption;
    gr_panel_axis x, y;
    gr_curve curve[GR_PANEL_CURVES];    /* up to the first without y */
    gr_panel_rule rule[GR_PANEL_RULES]; /* up to the first without label */
    gr_panel_dag dag;                   /* instead of all these */
} gr_panel;

/* ---- claims: what theory says of a number, and what it is ---- */
typedef struct gr_claim {
    char quantity[200];
    double predicted; /* NaN: theory gives bounds alone */
    double measured;
    double low, high; /* it holds where low <= measured <= high */
} gr_claim;
bool gr__claim_holds(const gr_claim *c);
double gr__claim_error(const gr_claim *c); /* relative to the prediction, absolute where that is 0; NaN without one */

/* ---- a figure and its results ---- */
typedef struct gr_lab gr_lab;
typedef struct gr_figure {
    gr_member head; /* equations: the theory in a few lines; rows: what `--set` may change */
    gr_status (*run)(gr_lab *lab);
} gr_figure;
#define GR_FIGURE(name) const gr_figure gr__figure_##name
const gr_figure *const *gr__figures(int *n); /* generated, sorted by name */
extern const gr_family gr__family_figure;    /* generated */

enum { GR_LAB_TABLES = 8, GR_LAB_PANELS = 8, GR_LAB_CLAIMS = 48 };
struct gr_lab {
    gr_context *ctx;
    gr__bump *memory; /* dies with the results */
    const gr_figure *figure;
    gr_settings settings; /* of the figure's rows */
    uint64_t seed;
    int threads; /* 0: not given */
    gr_table table[GR_LAB_TABLES];
    int n_tables;
    gr_panel panel[GR_LAB_PANELS];
    int n_panels;
    gr_claim claim[GR_LAB_CLAIMS];
    int n_claims;
    gr_status failed; /* the first failure of the calls below: they may be made in a row and asked once */
};

/* Finds a figure and checks `given`, a map of settings or NULL, as recipes are checked. threads is for the caller to
 * apply. */
gr_status gr__lab_open(gr_context *ctx, const char *name, const gr_tree *given, gr_lab **out);
gr_status gr__lab_run(gr_lab *lab);               /* once */
void gr__lab_close(gr_context *ctx, gr_lab *lab); /* NULL is fine */

/* For figures. columns stay where they are; a row is n_columns numbers. */
gr_table *gr__lab_table(gr_lab *lab, const char *name, const char *title, const gr_column *columns, int n_columns);
void gr__lab_row(gr_lab *lab, gr_table *t, const double *cells);
#define GR_LAB_ROW(lab, t, ...) gr__lab_row(lab, t, (const double[]){__VA_ARGS__})
void gr__lab_panel(gr_lab *lab, const gr_panel *panel); /* strings are static or in lab->memory */
/* |measured - predicted| <= tolerance |predicted| (tolerance itself where the prediction is 0). */
void gr__lab_equal(gr_lab *lab, double predicted, double measured, double tolerance, const char *quantity, ...)
    GR_PRINTF(5, 6);
void gr__lab_within(gr_lab *lab, double low, double high, double measured, const char *quantity, ...) GR_PRINTF(5, 6);
const char *gr__lab_text(gr_lab *lab, const char *format, ...) GR_PRINTF(2, 3); /* in lab->memory; never NULL */

#endif
