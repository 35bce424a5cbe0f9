/* What the training's data was, as far as other data must be read alike: learned by the training, kept in the model,
 * and then the one description that evaluation and prediction read by. */
#ifndef GR_DATA_SCHEMA_H
#define GR_DATA_SCHEMA_H

#include "base/base.h"
#include "base/tree.h"

typedef struct gr_schema {
    bool table;                 /* the data was a table; if not, only the classes below mean something */
    char delimiter;             /* ' ': any run of blanks */
    bool delimiter_given;       /* by the recipe: then other tables have it too, else they may have their own */
    bool header, header_given;  /* the first record held names; likewise */
    int n_columns;              /* of the table; 0: not known (a model of an older version) */
    int n_inputs;               /* of a sample */
    const int *input;           /* their columns; NULL: not known */
    const char *const *name;    /* their names; NULL: the table had none */
    int target;                 /* its column; -1: none, or not known */
    const char *target_name;    /* NULL: the same */
    const char *const *missing; /* what stands for a missing value */
    int n_missing;
    const char *const *class_names; /* NULL: classes are numbers */
    int n_class_names;
} gr_schema;

/* A copy that lives in b as a whole, class names included; NULL on failure. */
const gr_schema *gr__schema_copy(gr__bump *b, const gr_schema *s);
/* What a model of an older version tells: the settings of its table, as resolved, and the names of its inputs
 * (NULL: the table had none). */
gr_status gr__schema_of_source(gr_context *ctx, gr__bump *b, const gr_tree *source, const char *const *name,
                               int n_inputs, gr_schema *out);

#endif
