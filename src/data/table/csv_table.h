/* A table that is being read: shared by the files csv_*.c, each of which settles a part of it. */
#ifndef GR_DATA_CSV_TABLE_H
#define GR_DATA_CSV_TABLE_H

#include "data/array/array.h"
#include "data/table/csv.h"

typedef struct gr__sentinel { /* stands for a missing value: a number by its value, else a text */
    const char *text;
    bool is_number;
    double number;
} gr__sentinel;

/* What the columns of a target hold. */
typedef enum gr__answer {
    GR__ANSWER_NONE, /* not read */
    GR__ANSWER_VALUE,
    GR__ANSWER_WHOLE, /* the label is the class's number */
    GR__ANSWER_TEXT,  /* labels are numbered when all are known */
    GR__ANSWER_KNOWN  /* labels are the training's names */
} gr__answer;

typedef struct gr__named {
    const char *name;
    int column;
} gr__named;

/* Which columns a field is, and how they are read. */
typedef struct gr__columns {
    const char *name;        /* of the field */
    const gr__entry *said;   /* by the source; NULL: nothing */
    int first, n;            /* among t->input, or t->target */
    bool listed;             /* a list of columns, which may be of one */
    const gr_tree *at;       /* for errors, where the field has a key of its own; NULL: the source's */
    const gr_wanted *wanted; /* of a target; NULL: any shape */
    gr_target_kind want;
    const gr_schema_target *like; /* of a target: the training's of this head; NULL: none */
    int64_t vocabulary;           /* of an input of indices; 0: numbers */
    int like_first, like_n;       /* of an input: the training's, among its columns of inputs; -1: none */
    gr__answer answer;            /* of a target */
} gr__columns;

/* The texts of a label or category column (csv_labels.c). */
typedef struct gr__label { /* where it first stands */
    const char *text;
    int32_t seen, class_;
} gr__label;

typedef struct gr__labels { /* a hash table */
    gr__label *slot;
    size_t slots, n;
} gr__labels;

/* A column of inputs that holds categories (csv_categories.c). */
typedef struct gr__category {
    bool is;
    int n;                   /* how many there are */
    const char *const *name; /* sorted */
    gr__labels known;        /* their texts */
    const int32_t *rank;     /* by the order in which they were seen; NULL: that one */
    int64_t strange;         /* values that are none of them, */
    uint64_t strange_line;   /* and where the first stands */
    char strange_text[40];
} gr__category;

typedef struct gr__table {
    gr_context *ctx;
    gr__blob *blob;
    const gr__csv_options *o;
    gr__bump *memory;
    gr__sentinel *missing;
    int n_missing;
    char delimiter;
    bool header, header_guessed;
    bool counted;        /* every record was read once, and is sound or let through */
    uint64_t first_line; /* of the first record */
    int n_columns;
    const char **name;  /* n_columns of them, without blanks around them; NULL without a header */
    gr__named *by_name; /* the same in the order of their names */
    gr__columns of_input[GR_MAX_INPUTS], of_target[GR_MAX_TARGETS];
    int n_of_inputs, n_of_targets;
    int *input, *target; /* columns, one field's after another's; -1 among targets: it lacks, and is not read */
    int n_inputs, n_targets;
    uint8_t *kind;          /* gr__column_kind of every column; NULL: nothing is said */
    gr__category *category; /* of every column of inputs; NULL: numbers all */
    int weight;             /* -1: none */
    bool lacks_weight;      /* that the training had */
    bool by_position;       /* inputs stand where the training's stood: no names told which they are */
    int64_t n;              /* rows */
    bool quiet;             /* rows are read again: nothing is counted, and nothing advised */
    int *keep;              /* columns whose texts are kept; NULL: none */
    const char **kept;      /* n rows of them */
} gr__table;

/* What the training's table was, or NULL. */
const gr_schema *gr__table_like(const gr__table *t);
void gr__table_start(const gr__table *t, gr__csv_reader *r);
bool gr__table_missing(const gr__table *t, const gr__cell *f);
/* GR_E_DATA naming file, line, column and value of a field of the record read last. */
gr_status gr__table_fail(const gr__table *t, const gr__csv_reader *r, int column, const char *what);

/* csv_text.c: refuses bytes of the record read last that are no text, with their place; the next record, so refused.
 * Whoever sees a record first goes by these; opening a table sees all. */
gr_status gr__table_text(const gr__table *t, const gr__csv_reader *r);
gr_status gr__table_next(const gr__table *t, gr__csv_reader *r, bool *more);
/* csv_table.c: everything but the values. The memory is the caller's to destroy, on failure too. */
gr_status gr__table_open(gr__table *t, gr__blob *blob, const gr__csv_options *o);
/* csv_rows.c: rows of inputs read when they are wanted, of plain files. Made before the rows are read, put before each
 * of them and once more behind the last; finished, the set's inputs have readers, which it belongs to, and the table's
 * categories. Dropped, it is gone; NULL is fine. */
typedef struct gr__rows_index gr__rows_index;
bool gr__table_can_be_read(const gr__table *t);
uint64_t gr__rows_index_bytes(int64_t n); /* of tensor memory */
gr_status gr__rows_index_make(const gr__table *t, gr__rows_index **out);
void gr__rows_index_put(gr__rows_index *x, int64_t row, const gr__csv_reader *r);
gr_status gr__rows_index_finish(gr__rows_index *x, gr__table *t, gr_set *s);
void gr__rows_index_drop(gr_context *ctx, gr__rows_index *x);
/* csv_table.c: the numbers of an input of the record read last. */
gr_status gr__table_input(const gr__table *t, const gr__csv_reader *r, int input, gr_element e, void *to);
/* csv_faults.c: the next record, which is a row; *more false: there is none. *sound: it has the fields of a row, and is
 * neither left out nor let through. */
gr_status gr__table_record(const gr__table *t, gr__csv_reader *r, int64_t row, bool *more, bool *sound);
/* After the failure `st` of a row, whether it is let through. */
gr_status gr__table_let(const gr__table *t, const gr__csv_reader *r, int64_t row, gr_status st);
/* Puts nothing in a row of a set. */
void gr__table_blank(gr_set *s, int64_t row);
/* csv_header.c: the delimiter, the number of columns, and whether the first record holds their names. */
gr_status gr__table_header(gr__table *t);
/* csv_columns.c: which columns are the inputs, the targets and the weight; and a note of what was guessed. */
gr_status gr__table_columns(gr__table *t);
void gr__table_tell(const gr__table *t);
void gr__table_add_input(gr__table *t, gr__columns *c, int column); /* c is the last field so far */
/* csv_places.c: which fields there are; and the columns of an input by where the training's stood. */
void gr__table_fields(gr__table *t);
gr_status gr__table_as_placed(gr__table *t, gr__columns *c, const gr_schema *like);
/* The column of a name (blanks around it do not count); -1: none. */
int gr__table_named(const gr__table *t, const char *name);
/* A map names the input, as in inputs: {NAME: [...]}, rather than columns: [...]. */
bool gr__columns_mapped(const gr__columns *c);
bool gr__table_is_target(const gr__table *t, int column);
/* The column of a name or else of an index; -1: none. GR_E_DATA for one that is not there. */
int gr__table_find(const gr__table *t, const char *text);
gr_status gr__table_no_column(const gr__table *t, const char *name);
/* csv_categories.c: which columns of inputs hold categories, and which there are: the training's, or those of the
 * table. Then the number of one: its place among them in sorted order, NaN where it is missing, -1 where it is none of
 * them; as an index of a vocabulary one more, and 0. */
gr_status gr__table_categories(gr__table *t);
gr_status gr__table_category(const gr__table *t, const gr__csv_reader *r, int input, bool index, double *out);
void gr__table_tell_categories(const gr__table *t); /* a warning of what was none */
void gr__table_free_categories(gr__table *t);
/* csv_targets.c: settles what each target's columns hold; `tell`: with a note of what was guessed. Then the reading of
 * them, `all` a table of labels for each target. */
gr_status gr__table_answers(gr__table *t, bool tell);
gr_status gr__table_preload(const gr__table *t, gr__labels *all);
gr_status gr__table_answer(const gr__table *t, const gr__csv_reader *r, gr__labels *all, gr_set *s, int64_t row);
gr_status gr__table_classes(const gr__table *t, const gr__labels *all, gr_set *s); /* when all rows were read */
/* csv_table.c: a number of the record read last. Of an input it may be missing, which is NaN. */
gr_status gr__table_number(const gr__table *t, const gr__csv_reader *r, int column, gr_field_role role, double *out);
void gr__table_put(gr_element e, void *to, int64_t at, double x); /* a real, or an index */
/* csv_kept.c: finds the columns that are kept, with room for their texts; those of the record read last. */
gr_status gr__table_keep(gr__table *t, gr_set *s);
gr_status gr__table_kept(const gr__table *t, const gr__csv_reader *r, int64_t row);
/* csv_advice.c: the hint of a kept error about a cell of the record read last that is no finite number. */
void gr__table_advise(const gr__table *t, const gr__csv_reader *r, int column, gr_field_role role);
/* The hint where the names in the first record are not those that are wanted: it may hold none. */
void gr__table_advise_names(const gr__table *t);
/* Texts that stand for a missing value in many files: NA, ?, null, ... */
bool gr__is_missing_mark(const gr__cell *f);

/* ---- csv_labels.c: the different texts of a target column ---- */
void gr__labels_free(gr_context *ctx, gr__labels *all);
/* The order of first sight of a field's text, which is added if it is new. */
gr_status gr__labels_add(const gr__table *t, gr__labels *all, const gr__cell *f, int32_t *seen);
/* The same of a text that may be there; -1: it is not. */
gr_status gr__labels_find(const gr__table *t, const gr__labels *all, const gr__cell *f, int32_t *seen);
/* Gives the classes their numbers in sorted order and maps the n targets, which hold the order of first sight. */
gr_status gr__labels_number(const gr__table *t, const gr__labels *all, gr_field *f, int64_t n);

#endif
