/* CSV: records of RFC 4180, and tables of them. csv_records.c splits and reads numbers, csv_table.c knows columns,
 * csv.c is the source. */
#ifndef GR_DATA_CSV_H
#define GR_DATA_CSV_H

#include "data/blob.h"
#include "data/data.h"

/* ---- records ---- */
typedef struct gr__field {
    const char *s; /* without the quotes, and without blanks around it where it has none */
    size_t n;
    bool quoted;  /* what was quoted is text: never taken for a header-less number, but may be read as one */
    bool doubled; /* holds "" for " */
} gr__field;

typedef struct gr__csv_reader {
    gr_context *ctx;
    const char *name, *at, *end;
    gr__stream *stream; /* a file's: at..end is what of it stands in `window`; NULL: all of the bytes stand there */
    char *window;       /* of room bytes */
    size_t room;
    bool whole; /* no more follows after `end` */
    gr_status st;
    char delimiter;       /* ' ': any run of blanks */
    uint64_t line;        /* of the next record, from 1 */
    uint64_t record_line; /* of the last record read */
    gr__field *field;     /* of the last record; bookkeeping memory */
    size_t n, capacity;
} gr__csv_reader;

void gr__csv_start(gr__csv_reader *r, gr_context *ctx, const char *name, const char *data, size_t bytes,
                   char delimiter);
/* The same of a blob's content, of which no more than a window stands in memory. What fails is said by gr__csv_next. */
void gr__csv_open(gr__csv_reader *r, const gr__blob *blob, char delimiter);
void gr__csv_stop(gr__csv_reader *r);
/* The next record that is not an empty line into r->field, which holds until the next call; *more false at the end.
 * GR_E_FORMAT for broken quotes, naming the line. */
gr_status gr__csv_next(gr__csv_reader *r, bool *more);
/* The delimiter among , ; tab | blank under which the first records have equally many fields, and most of them. */
char gr__csv_guess(gr_context *ctx, const char *name, const char *data, size_t bytes);
bool gr__field_is(const gr__field *f, const char *text);
/* A decimal number, correctly rounded, in no locale. false: not one; inf and nan are numbers here. */
bool gr__field_number(const gr__field *f, double *out);
/* The field's text, "" made ". Lives in b. */
const char *gr__field_text(gr__bump *b, const gr__field *f);

/* ---- tables ---- */
typedef enum gr__csv_header { GR__HEADER_AUTO, GR__HEADER_YES, GR__HEADER_NO } gr__csv_header;

typedef struct gr__csv_options {
    char delimiter; /* 0: guess */
    gr__csv_header header;
    const char *target;       /* a name or a 0-based index; NULL: none */
    bool target_may_lack;     /* predict: a file without the target column is fine */
    bool inputs_only;         /* predict: the target column is left out, not read */
    const gr_tree *columns;   /* a list of scalars, names or indices; NULL: all but the target */
    const char *const *names; /* predict: the columns of training, n_wanted of them; NULL: by position */
    int64_t n_wanted;         /* predict: as many inputs; 0: any */
    const gr_tree *missing;   /* a list of texts, or one; NULL: none declared */
    gr_target_kind want;
    bool keep_float64;
    const char *const *class_names;
    int n_class_names;
} gr__csv_options;

/* From bytes: what tests, fuzzing and predict call. The content is read several times, front to back. */
gr_status gr__csv_info(gr__blob *blob, const gr__csv_options *o, gr_set_info *out);
gr_status gr__csv_load(gr__blob *blob, const gr__csv_options *o, gr_set *out);

#endif
