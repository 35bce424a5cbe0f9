/* What a command or a figure has found, before it is text, JSON, CSV or SVG: members of an answer, tables, findings,
 * drawings. Who finds fills it; who shows it (`cli_show`) takes a presenter. Calls may be made in a row and `failed`
 * asked once. */
#ifndef GR_RESULT_RESULT_H
#define GR_RESULT_RESULT_H

#include <stddef.h>

#include "base/json.h"
#include "result/dag.h"
#include "result/plot.h"

/* ---- tables: rows of structs, or of numbers ---- */
typedef enum gr_cell {
    GR_CELL_REAL,  /* double; not finite: null in JSON, nothing in CSV where it is NaN */
    GR_CELL_WHOLE, /* 64 bits */
    GR_CELL_INT,   /* int or an enum */
    GR_CELL_TRUTH, /* bool */
    GR_CELL_TEXT,  /* const char *; NULL: null */
    GR_CELL_CHARS, /* char[] */
    GR_CELL_LIST,  /* gr_list; JSON alone */
    GR_CELL_ROWS,  /* gr_table; JSON alone */
    GR_CELL_JSON,  /* json_t *, whose reference the result takes: a value of a shape that no column has; JSON alone.
                      Its row must live until the result is closed */
} gr_cell;
typedef struct gr_list {
    const int64_t *whole; /* one of the three holds n of them */
    const double *real;
    const char *const *text;
    size_t n;
} gr_list;

typedef struct gr_column {
    const char *name;                  /* its key in JSON ("a/b": b within a) and CSV; NULL: in text alone */
    const char *unit;                  /* "" or NULL where there is none */
    const char *const *words;          /* not NULL: cells are numbers that count into it */
    gr_cell kind;                      /* words: REAL, INT or TRUTH */
    size_t at;                         /* where in a row */
    double (*number)(const void *row); /* REAL, INT, TRUTH: not NULL takes its place */
    const char *heading;               /* in text; NULL: not there. Headings that are all "" make no line */
    int width, digits;                 /* in text, as of printf: a negative width begins on the left */
    char style;                        /* of a REAL: e, f, or g (0) */
    int gap;                           /* further spaces before it */
    const char *none;                  /* in text: of NaN */
    bool optional;                     /* of a TEXT: NULL leaves it out of JSON */
} gr_column;

/* A member of struct `row`; then its key in JSON (NULL: none), and what text shows of it: GR_SHOWN, or nothing. */
#define GR_COLUMN(row, member, cell, ...)                                        \
    {                                                                            \
        .kind = GR_CELL_##cell, .at = offsetof(row, member), .name = __VA_ARGS__ \
    }
#define GR_SHOWN(head, wide) .heading = head, .width = wide
/* Of a table of numbers. */
#define GR_NUMBER(column, of, as)               \
    {                                           \
        .name = column, .unit = of, .words = as \
    }

typedef struct gr_table {
    struct gr_table *next;
    const char *name; /* in JSON; of a file, behind the result's: fig4.5-counts.csv, NULL the result's alone */
    const char *title;
    const gr_column *columns;
    int n_columns;
    const void *rows;
    size_t n, row_bytes;
    double *cells; /* of a table of numbers: the same, n_columns a row; NaN: nothing there */
    size_t capacity;
} gr_table;

/* ---- findings: a number, what bounds it, and what is to be said ---- */
typedef enum gr_verdict { GR_VERDICT_OK, GR_VERDICT_WARNING, GR_VERDICT_FAILED, GR_VERDICT_SKIPPED } gr_verdict;
extern const char *const gr__verdict_words[]; /* "ok", "warning", "failed", "skipped" */
const char *gr__verdict_name(gr_verdict v);

typedef struct gr_finding {
    const char *id, *name; /* "T3", "data": static; NULL where a finding has none */
    gr_verdict verdict;
    double figure, limit;        /* NaN: there is none */
    double predicted, low, high; /* of a claim: what theory says of the figure (NaN: bounds alone), and its bounds */
    char message[440]; /* what was seen or measured and, where that is not as it should be, what to do about it */
    char fix[480];     /* lines to paste: a key of the recipe and its value, a command; empty where there is none */
} gr_finding;
/* Fills a finding but for id and name; nothing mends it so far. */
void gr__finding_set(gr_finding *f, gr_verdict v, double figure, double limit, const char *format, ...) GR_PRINTF(5, 6);
/* Adds a line to what mends it. */
void gr__finding_fix(gr_finding *f, const char *format, ...) GR_PRINTF(2, 3);
bool gr__claim_holds(const gr_finding *f);   /* low <= figure <= high */
double gr__claim_error(const gr_finding *f); /* relative to the prediction, absolute where that is 0; NaN without one */
/* How many failed; *first: the first of them, or NULL. */
int gr__findings_failed(const gr_finding *f, int n, const gr_finding **first);

/* ---- drawings: columns of tables of numbers against each other ---- */
typedef struct gr_curve {
    const char *label; /* NULL: not in the legend */
    gr_mark mark;
    int colour;             /* as gr_series: 0 takes the next */
    const char *table;      /* NULL: that of the result's own name */
    const char *x, *y, *z;  /* columns; z: CONTOUR, over rows that run through x within each y */
    const char *where, *is; /* only rows whose column `where` says `is`; NULL: all */
} gr_curve;

/* Boxes, one a row of a table, and arrows, one a row of another. */
typedef struct gr_panel_dag {
    const char *nodes, *name, *note,
        *group; /* the table and its columns: words, a number, words; nodes NULL: this is a plot */
    const char *edges, *from, *to, *label; /* the table and its columns: rows of `nodes` counted from 0, twice; words */
} gr_panel_dag;

enum { GR_PANEL_CURVES = 12, GR_PANEL_RULES = 4 };
typedef struct gr_panel { /* strings are static or in the result's memory */
    const char *name;     /* of the file, as for tables */
    const char *title, *caption;
    gr_axis x, y;
    gr_curve curve[GR_PANEL_CURVES];   /* up to the first without y */
    gr_plot_rule rule[GR_PANEL_RULES]; /* up to the first without label */
    gr_panel_dag dag;                  /* instead of all these */
} gr_panel;

typedef struct gr_drawing { /* a panel with its numbers */
    struct gr_drawing *next;
    const char *name;
    gr_plot plot;
    const gr_dag *dag; /* not NULL: instead of the plot */
} gr_drawing;

/* ---- a result ---- */
typedef struct gr__block gr__block;
typedef struct gr_result {
    gr_context *ctx;
    gr__bump *memory; /* dies with it */
    const char *name; /* of its files, and what messages call it */
    gr__block *first, **last;
    const char *within;             /* "a/": members that are added next stand in a; NULL: in the answer itself */
    gr_table *tables, **last_table; /* of numbers, for files and drawings */
    gr_drawing *drawings, **last_drawing;
    gr_finding *finding;
    int n_findings;
    size_t finding_capacity;
    gr_status failed; /* the first failure of the calls below */
} gr_result;
gr_status gr__result_open(gr_context *ctx, const char *name, gr_result *out);
void gr__result_close(gr_result *r); /* a zeroed one is fine */
void gr__result_fail(gr_result *r, gr_status st);
void *gr__result_alloc(gr_result *r, size_t bytes); /* zeroed, in its memory; NULL: it has failed */
const char *gr__result_text(gr_result *r, const char *format, ...) GR_PRINTF(2, 3); /* in its memory; never NULL */

/* The answer, in the order of the calls. Rows, and what they point to, must live until it has been shown. */
void gr__result_note(gr_result *r, const char *format, ...) GR_PRINTF(2, 3);            /* text alone, to the byte */
void gr__result_record(gr_result *r, const gr_column *columns, int n, const void *row); /* members, JSON alone */
void gr__result_table(gr_result *r, const char *key, const gr_column *columns, int n_columns, const void *rows,
                      size_t n, size_t row_bytes); /* key NULL: text alone; without headings, JSON alone */
void gr__result_plot(gr_result *r, const gr_plot *plot, const gr_text_style *style); /* text alone */
/* Members, copied; JSON alone. "name=%s n=%jd steps=%d cost=%g passed=%u gone" puts a text (NULL: null), a whole number
 * of 64 bits and one of an int, a real one, a truth and, for a name alone, null. */
void gr__result_put(gr_result *r, const char *format, ...) GR_PRINTF(2, 3);
void gr__result_member(gr_result *r, const char *key, gr_cell kind, const void *value, size_t bytes);
void gr__result_list(gr_result *r, const char *key, gr_list list);
void gr__result_json(gr_result *r, const char *key, json_t *value); /* takes the reference; NULL: no memory for it */

#define GR_RECORD(r, columns, row) gr__result_record(r, columns, (int)GR_COUNT(columns), row)
#define GR_TABLE(r, key, columns, rows, n) \
    gr__result_table(r, key, columns, (int)GR_COUNT(columns), rows, (size_t)(n), sizeof *(rows))

/* Tables of numbers, findings and drawings, which are no part of the answer by themselves. columns stay where they are;
 * their places are set. */
gr_table *gr__result_numbers(gr_result *r, const char *name, const char *title, const gr_column *columns, int n);
void gr__result_row(gr_result *r, gr_table *t, const double *cells);
gr_finding *gr__result_finding(gr_result *r); /* a new one; NULL where there is no memory */
/* What it names must be there, with its rows. A table or column that is not: GR_E_INTERNAL. */
void gr__result_draw(gr_result *r, const gr_panel *panel);

/* ---- presenters ---- */
gr_status gr__present_text(const gr_result *r, gr__text *out);
gr_status gr__present_json(const gr_result *r, gr__text *out); /* one line, without its end */
/* Comma-separated: a line of names ("name [unit]" where there is a unit), then a line a row; numbers read back to the
 * same bits. */
gr_status gr__table_csv(const gr_table *t, gr__text *out);
void gr__csv_text(gr__text *out, const char *s); /* a cell, quoted where it must be */
gr_status gr__drawing_svg(gr_context *ctx, const gr_drawing *d, gr__text *out);

/* for presenters */
enum gr__block_kind { GR__BLOCK_NOTE, GR__BLOCK_RECORD, GR__BLOCK_TABLE, GR__BLOCK_PLOT };
struct gr__block {
    struct gr__block *next;
    enum gr__block_kind kind;
    const char *note;
    gr_table table; /* a record has one row */
    const gr_plot *plot;
    gr_text_style style;
};
const gr_table *gr__result_find(const gr_result *r, const char *name); /* of numbers */
void gr__result_name(gr_result *r, const char *name);      /* fails where a file cannot be called so; NULL is fine */
int gr__table_column(const gr_table *t, const char *name); /* -1: none */
static inline const void *gr__table_row(const gr_table *t, size_t row)
{
    return (const char *)t->rows + row * t->row_bytes;
}
double gr__column_number(const gr_column *c, const void *row);    /* REAL, WHOLE, INT, TRUTH */
const char *gr__column_text(const gr_column *c, const void *row); /* TEXT, CHARS, words; NULL: none */

#endif
