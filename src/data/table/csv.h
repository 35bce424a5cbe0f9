/* CSV: records of RFC 4180, and tables of them. csv_records.c splits and reads numbers; a table's text, header and
 * columns are settled by the files of those names, csv_table.c reads it into a set, csv.c is the source. */
#ifndef GR_DATA_CSV_H
#define GR_DATA_CSV_H

#include "data/blob.h"
#include "data/data.h"
#include "data/fields.h"

/* ---- records ---- */
typedef struct gr__cell {
    const char *s; /* without the quotes, and without blanks around it where it has none */
    size_t n;
    bool quoted;  /* what was quoted is text: never taken for a header-less number, but may be read as one */
    bool doubled; /* holds "" for " */
} gr__cell;

typedef struct gr__csv_reader {
    gr_context *ctx;
    const char *name, *at, *end;
    const char *base;   /* where the text begins that stands in memory */
    uint64_t before;    /* bytes of the text before it */
    gr__stream *stream; /* a file's: base..end is a window of it; NULL: all of it stands there */
    size_t room;        /* of the window */
    bool whole;         /* no more follows after `end` */
    gr_status st;
    char delimiter;       /* ' ': any run of blanks */
    uint64_t line;        /* of the next record, from 1 */
    uint64_t record_line; /* of the last record read */
    const char *record;   /* where the last record begins, in the window */
    gr__cell *cell;       /* of the last record; bookkeeping memory */
    size_t n, capacity;
} gr__csv_reader;

void gr__csv_start(gr__csv_reader *r, gr_context *ctx, const char *name, const char *data, size_t bytes,
                   char delimiter);
/* The same of a blob's content, of which no more than a window stands in memory. What fails is said by gr__csv_next. */
void gr__csv_open(gr__csv_reader *r, const gr__blob *blob, char delimiter);
void gr__csv_stop(gr__csv_reader *r);
/* The next record that is not an empty line into r->cell, which holds until the next call; *more false at the end.
 * GR_E_FORMAT for broken quotes, naming the line: it has no fields then, and the next record is the line after it. */
gr_status gr__csv_next(gr__csv_reader *r, bool *more);
/* The delimiter among , ; tab | blank under which the first records have equally many fields, and most of them;
 * `otherwise` where none gives two. */
char gr__csv_guess(gr_context *ctx, const char *name, const char *data, size_t bytes, char otherwise);
/* Where within the text something stands. */
uint64_t gr__csv_place(const gr__csv_reader *r, const char *at);
bool gr__cell_is(const gr__cell *f, const char *text);
/* A decimal number, correctly rounded, in no locale. false: not one; inf and nan are numbers here. */
bool gr__cell_number(const gr__cell *f, double *out);
/* The plain spelling of a whole number: digits alone, the first not 0 unless it is the only one. INT64_MAX stands for
 * all of more than 18 digits. */
bool gr__cell_whole(const gr__cell *f, int64_t *out);
/* Whether n labels, so many of them plain whole numbers, are classes by number but for mistakes. */
bool gr__labels_mostly(int64_t n, int64_t n_plain);
/* The cell's text, "" made ". Lives in b. */
const char *gr__cell_text(gr__bump *b, const gr__cell *f);

/* ---- tables ---- */

/* csv_kinds.c: lists of columns with maps in them, {name: age, as: number}, as lists of names; what they say of columns
 * goes to *kind. The settings' values are replaced. */
typedef struct gr__kind gr__kind;
gr_status gr__csv_kinds(gr_context *ctx, gr__bump *b, gr_settings *s, const gr__kind **kind, int *n);
typedef enum gr__csv_header { GR__HEADER_AUTO, GR__HEADER_YES, GR__HEADER_NO } gr__csv_header;

/* What the source says of a column beside where it goes. */
typedef enum gr__column_kind { GR__COLUMN_NUMBER, GR__COLUMN_CATEGORY, GR__COLUMN_LEFT_OUT } gr__column_kind;
struct gr__kind {
    const gr_tree *name; /* or a 0-based index */
    gr__column_kind kind;
};
/* In a list of columns: all that it does not name, nor anything else. */
#define GR__OTHER_COLUMNS "*"
enum { GR__MOST_CATEGORIES = 10000 }; /* of a column that becomes a number each */

/* What a source says of its table. What it leaves unsaid is as in the training's table where `like` describes one, and
 * told from the file otherwise. */
typedef struct gr__csv_options {
    char delimiter; /* 0: unsaid */
    gr__csv_header header;
    gr__entries fields;   /* columns by a name or a 0-based index; no inputs, or no targets: unsaid */
    const gr__kind *kind; /* of columns that are no numbers, or are said to be */
    int n_kinds;
    bool unweighted;        /* said: none of its columns weighs samples */
    const gr_tree *missing; /* a list of texts, or one; NULL: unsaid */
    const gr_wants *wants;  /* as in gr_source_options */
    gr_target_kind want;    /* likewise */
    bool keep_float64, exact;
    uint64_t hold;                   /* inputs of more bytes are read when they are wanted; 0: never */
    gr_faults *faults;               /* as in gr_source_options */
    bool inputs_only;                /* predict: targets and weights are not read and may lack */
    int64_t n_wanted[GR_MAX_INPUTS]; /* columns of each input; 0: any number */
    const char *const *keep;         /* as in gr_source_options */
    int n_keep;
    const char *apart[2];  /* as in gr_source_options */
    bool own_classes;      /* with `like`: its labels are not held to that */
    const gr_schema *like; /* other data than the training's: what that was; NULL: this is the training's */
} gr__csv_options;

/* From bytes: what tests, fuzzing and predict call. The content is read several times, front to back. */
gr_status gr__csv_info(gr__blob *blob, const gr__csv_options *o, gr__bump *memory, gr_set *out);
gr_status gr__csv_load(gr__blob *blob, const gr__csv_options *o, gr_set *out);
/* The keys that a column gives the rows: its texts, or numbers where all are. */
gr_status gr__csv_keys(gr__blob *blob, const gr__csv_options *o, const char *column, gr_keys *out);

#endif
