/* What the training's data was, as far as other data must be read alike: learned by the training, kept in the model,
 * and then the one description that evaluation and prediction read by. */
#ifndef GR_DATA_SCHEMA_H
#define GR_DATA_SCHEMA_H

#include "base/base.h"
#include "base/tree.h"
#include "data/field.h"

typedef struct gr_schema_input { /* how many of the columns of inputs are this one's, after those of the inputs before
                                    it */
    const char *name;            /* of the input; NULL: it is the only one */
    int n;
} gr_schema_input;

typedef struct gr_schema_category { /* the texts of a column of categories, sorted; n 0: it holds numbers */
    int n;
    const char *const *name;
} gr_schema_category;

typedef struct gr_schema_target {
    const char *name;               /* of the head; NULL: it is the only one */
    int n;                          /* columns; 0: the data was no table */
    const int *column;              /* -1: not known */
    const char *const *column_name; /* NULL: the table had none, or they are not known */
    bool listed;                    /* a sample has a list of n, not one number or class */
    const char *const *class_names; /* NULL: classes are numbers, or it is values */
    int n_class_names;
} gr_schema_target;

typedef struct gr_schema {
    bool table;                         /* the data was a table; if not, only the classes of targets mean something */
    char delimiter;                     /* ' ': any run of blanks */
    bool delimiter_given;               /* by the recipe: then other tables have it too, else they may have their own */
    bool header, header_given;          /* the first record held names; likewise */
    int n_columns;                      /* of the table; 0: not known (a model of an older version) */
    int n_inputs;                       /* columns that are inputs, those of one input after those of another */
    const int *input;                   /* which they are; NULL: not known */
    const char *const *name;            /* their names; NULL: the table had none */
    const gr_schema_category *category; /* of each; NULL: numbers all */
    gr_schema_input of_input[GR_MAX_INPUTS];
    int n_of_inputs; /* 0: one, of all n_inputs columns */
    gr_schema_target target[GR_MAX_TARGETS];
    int n_targets;
    bool weighted;              /* a column was the samples' weights: */
    int weight;                 /* which */
    const char *weight_name;    /* NULL: the table had no names */
    const char *const *missing; /* what stands for a missing value */
    int n_missing;
    bool lines;            /* of text: a sample is a line of its own, not a part of running text */
    const char *unit;      /* the data was text of such units, "byte" or "char"; NULL: it was not */
    const int32_t *symbol; /* char: those with an index, as code points, rising; NULL: none */
    int n_symbols;
} gr_schema;

/* The target of a head: of that name, or the only one where `lone`. NULL: the schema (may be NULL) has none. */
const gr_schema_target *gr__schema_target(const gr_schema *s, const char *head, bool lone);
/* Whether the column is one of a target's. */
bool gr__schema_is_target(const gr_schema *s, int column);
/* A copy that lives in b as a whole, class names included; NULL on failure. */
const gr_schema *gr__schema_copy(gr__bump *b, const gr_schema *s);
/* What a model of an older version tells: the settings of its table, as resolved, and the names of its inputs
 * (NULL: the table had none). */
gr_status gr__schema_of_source(gr_context *ctx, gr__bump *b, const gr_tree *source, const char *const *name,
                               int n_inputs, gr_schema *out);

#endif
