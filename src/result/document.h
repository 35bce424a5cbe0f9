/* A document: sections of words, terms with what is said of them, tables, plots, cards and lines, as one page of HTML
 * that needs nothing from elsewhere and no script, on paper too. Words may be anything: they are escaped where they are
 * shown. The same document gives the same bytes. */
#ifndef GR_RESULT_DOCUMENT_H
#define GR_RESULT_DOCUMENT_H

#include "result/plot.h"
#include "result/sheet.h"

/* ---- tables: cells of words, a style each ---- */
enum { GR_SHADES = 6 };
typedef enum gr_cell_style {
    GR_CELL_WORDS,
    GR_CELL_NUMBER, /* at the right */
    GR_CELL_HEAD,   /* names its row */
    GR_CELL_GOOD,
    GR_CELL_GOOD_END = GR_CELL_GOOD + GR_SHADES, /* numbers on a ground, the stronger the further on */
    GR_CELL_BAD,
    GR_CELL_BAD_END = GR_CELL_BAD + GR_SHADES,
} gr_cell_style;

typedef struct gr_written { /* a cell */
    struct gr_written *next;
    const char *text;
    int style;
} gr_written;

typedef struct gr_written_table {
    const char *caption; /* what it holds */
    const char **heading;
    int n_columns;
    bool upright; /* headings are written upwards: many narrow columns */
    gr_written *cell, **last;
    int64_t n; /* cells, row after row */
} gr_written_table;

/* ---- blocks ---- */
typedef enum gr_passage_kind {
    GR_PASSAGE_HEADING, /* of a part of the section */
    GR_PASSAGE_WORDS,
    GR_PASSAGE_MISSING, /* words on what is not there */
    GR_PASSAGE_ITEM,    /* of a list, together with those beside it */
    GR_PASSAGE_TERM,    /* likewise */
    GR_PASSAGE_TABLE,
    GR_PASSAGE_PLOT, /* those beside it stand side by side */
    GR_PASSAGE_CARDS,
    GR_PASSAGE_LINE, /* of a text that is shown as it stands */
} gr_passage_kind;

typedef struct gr_passage {
    struct gr_passage *next;
    gr_passage_kind kind;
    const char *name, *text; /* name: of a term */
    bool strong;             /* WORDS, ITEM, LINE: not to be overlooked */
    bool small;              /* PLOT: one of many */
    const gr_written_table *table;
    const gr_plot *plot;
    const gr_sheet *sheet;
} gr_passage;

typedef struct gr_section {
    struct gr_section *next;
    const char *id, *title;
    gr_passage *passage, **last;
} gr_section;

typedef struct gr_document {
    gr_context *ctx;
    gr__bump *memory; /* all of it, but for plots and sheets */
    const char *title;
    gr_line *lead, **last_lead; /* what is to be read first */
    gr_section *section, **last_section, *open;
    gr_status failed; /* the first failure of the calls below, which may be made in a row */
    gr_written_table no_table;
} gr_document;
gr_status gr__document_open(gr_context *ctx, const char *title, gr_document *out);
void gr__document_close(gr_document *d);                /* a zeroed one is fine */
void *gr__document_alloc(gr_document *d, size_t bytes); /* zeroed, in its memory; NULL: it has failed */
const char *gr__document_text(gr_document *d, const char *format, ...) GR_PRINTF(2, 3); /* in its memory; never NULL */
void gr__document_lead(gr_document *d, const char *format, ...) GR_PRINTF(2, 3);

/* What follows stands in it. id: for links within the page, of letters and digits. */
void gr__document_section(gr_document *d, const char *id, const char *title);
void gr__document_heading(gr_document *d, const char *format, ...) GR_PRINTF(2, 3);
void gr__document_words(gr_document *d, const char *format, ...) GR_PRINTF(2, 3);
void gr__document_missing(gr_document *d, const char *format, ...) GR_PRINTF(2, 3);
void gr__document_item(gr_document *d, bool strong, const char *format, ...) GR_PRINTF(3, 4);
void gr__document_term(gr_document *d, const char *name, const char *format, ...) GR_PRINTF(3, 4);
void gr__document_line(gr_document *d, bool strong, const char *format, ...) GR_PRINTF(3, 4);
/* A table of so many columns, whose headings are all empty: then none is shown. Never NULL. */
gr_written_table *gr__document_table(gr_document *d, const char *caption, int n_columns);
void gr__document_cell(gr_document *d, gr_written_table *t, int style, const char *format, ...) GR_PRINTF(4, 5);
/* Plot and sheet, and what they point to, must live until the document has been shown. */
void gr__document_plot(gr_document *d, const gr_plot *p, bool small);
void gr__document_cards(gr_document *d, const gr_sheet *s);

gr_status gr__document_html(const gr_document *d, gr__text *out);

#endif
