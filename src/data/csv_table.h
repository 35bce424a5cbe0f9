/* A table that is being read: shared by the files csv_*.c, each of which settles a part of it. */
#ifndef GR_DATA_CSV_TABLE_H
#define GR_DATA_CSV_TABLE_H

#include "data/array.h"
#include "data/csv.h"

typedef struct gr__sentinel { /* stands for a missing value: a number by its value, else a text */
    const char *text;
    bool is_number;
    double number;
} gr__sentinel;

typedef struct gr__named {
    const char *name;
    int column;
} gr__named;

typedef struct gr__table {
    gr_context *ctx;
    gr__blob *blob;
    const gr__csv_options *o;
    gr__bump *memory;
    gr__sentinel *missing;
    int n_missing;
    char delimiter;
    bool header, header_guessed;
    uint64_t first_line; /* of the first record */
    int n_columns;
    const char **name;  /* n_columns of them, without blanks around them; NULL without a header */
    gr__named *by_name; /* the same in the order of their names */
    int target;         /* -1: none */
    int *input;         /* columns of the inputs, in their order */
    int n_inputs;
    bool by_position; /* inputs stand where the training's stood: no names told which they are */
    int64_t n;        /* rows */
} gr__table;

/* What the training's table was, or NULL. */
const gr_schema *gr__table_like(const gr__table *t);
void gr__table_start(const gr__table *t, gr__csv_reader *r);
bool gr__table_missing(const gr__table *t, const gr__field *f);
/* GR_E_DATA naming file, line, column and value of a field of the record read last. */
gr_status gr__table_fail(const gr__table *t, const gr__csv_reader *r, int column, const char *what);

/* csv_text.c: refuses bytes of the record read last that are no text, with their place; the next record, so refused.
 * Whoever sees a record first goes by these; opening a table sees all. */
gr_status gr__table_text(const gr__table *t, const gr__csv_reader *r);
gr_status gr__table_next(const gr__table *t, gr__csv_reader *r, bool *more);
/* csv_header.c: the delimiter, the number of columns, and whether the first record holds their names. */
gr_status gr__table_header(gr__table *t);
/* csv_columns.c: which columns are the inputs and the target; and a note of what was guessed. */
gr_status gr__table_columns(gr__table *t);
void gr__table_tell(const gr__table *t);
/* The column of a name (blanks around it do not count); -1: none. */
int gr__table_named(const gr__table *t, const char *name);
/* csv_advice.c: the hint of a kept error about a field of the record read last that is no finite number. */
void gr__table_advise(const gr__table *t, const gr__csv_reader *r, int column, bool is_input);
/* The hint where the names in the first record are not those that are wanted: it may hold none. */
void gr__table_advise_names(const gr__table *t);
/* Texts that stand for a missing value in many files: NA, ?, null, ... */
bool gr__is_missing_mark(const gr__field *f);

/* ---- csv_labels.c: the different texts of a target column ---- */
typedef struct gr__label { /* where it first stands */
    const char *text;
    int32_t seen, class_;
} gr__label;

typedef struct gr__labels { /* a hash table */
    gr__label *slot;
    size_t slots, n;
} gr__labels;

void gr__labels_free(gr_context *ctx, gr__labels *all);
/* The order of first sight of a field's text, which is added if it is new. */
gr_status gr__labels_add(const gr__table *t, gr__labels *all, const gr__field *f, int32_t *seen);
/* The same of a text that may be there; -1: it is not. */
gr_status gr__labels_find(const gr__table *t, const gr__labels *all, const gr__field *f, int32_t *seen);
/* Gives the classes their numbers in sorted order and maps the targets, which hold the order of first sight. */
gr_status gr__labels_number(const gr__table *t, const gr__labels *all, gr_set *s);

#endif
