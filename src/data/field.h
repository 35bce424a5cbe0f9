/* Fields: what a sample is made of, each with a name: inputs, targets, a weight, lengths of sequences. Floor 5. */
#ifndef GR_DATA_FIELD_H
#define GR_DATA_FIELD_H

#include "base/dtype.h"
#include "gradus/graph.h"
#include "cost/cost.h"

typedef enum gr_field_role { GR_FIELD_INPUT, GR_FIELD_TARGET, GR_FIELD_WEIGHT, GR_FIELD_LENGTH } gr_field_role;
typedef enum gr_target_kind { GR_TARGET_NONE, GR_TARGET_CLASS, GR_TARGET_VALUE } gr_target_kind;

enum { GR_MAX_INPUTS = 8, GR_MAX_TARGETS = 8, GR_MAX_FIELDS = 2 * GR_MAX_INPUTS + GR_MAX_TARGETS + 1 };

/* What a lone input and the target of a lone cost are called, where a recipe gives them no name. */
#define GR_LONE_INPUT "input"
#define GR_LONE_TARGET "main"

/* Samples that are read when they are wanted: decoded from files of their own, or of a file too large to be held. */
typedef struct gr_reader {
    /* The numbers of one sample, of the field's element type, to `out`. Any thread may call it, each with a scratch of
     * its own and a context of its own for errors: the file at fault is in the message. */
    gr_status (*read)(gr_context *ctx, const struct gr_reader *r, int64_t row, void *scratch, void *out);
    void (*close)(gr_context *ctx, struct gr_reader *r); /* gives back what it has, itself included */
    size_t scratch;                                      /* bytes that a thread needs, aligned to 64 */
} gr_reader;

typedef struct gr_field {
    const char *name; /* of the input, or of the head whose target it is; "weight"; LENGTH: of the input it is of */
    gr_field_role role;
    gr_target_kind kind; /* TARGET */
    gr_shape sample;     /* of one sample, as the file has it: [28,28] or [28,28,1] or [13]; classes: rank 0 (or [T]) */
    gr_element element;  /* I32 of classes and lengths, F64 or F32 (as the run is) of values and weights */
    uint64_t bytes;      /* of tensor memory that loading takes */
    void *data;          /* n x sample; NULL where only headers were read, or `reader` gives the numbers */
    struct gr_field *made; /* INPUT: samples that no source has, rows from first_made on (gr_made); NULL: none */
    int64_t first_made;
    uint64_t index;    /* of tensor memory that its reader holds */
    gr_reader *reader; /* INPUT: gives samples one by one; NULL: they are in `data` */
    uint32_t sum; /* 0; or a checksum of the names and sizes of the files behind it and of samples of their bytes, which
                     stands for that of its numbers: reading them all would take too long */
    int64_t vocabulary; /* INPUT: it holds indices from 0 below this, as I32; 0: numbers. CLASS: the units of a text,
                           of which samples need not show every one */
    bool timed;         /* INPUT: a picture [T, F, 1] of steps in time, as sounds are */
    bool missing;       /* INPUT: the recipe declares missing values: NaN stands for one, preparation fills it */
    const int32_t *category;   /* INPUT: of each number of a sample: how many categories it is the index of, or 0 for a
                                  number; NULL: numbers all */
    const char *const *column; /* INPUT: of each, the column of a table that it comes from; NULL: they have no names */
    int classes;               /* CLASS: largest label + 1, or the number of names; 0: not one, or only loading tells */
    const char *const *class_names; /* NULL where the source has none */
    const char *file;               /* that it stands in, for messages; NULL: none */
    const char *file_element;       /* what it is there, "int64", which `element` need not be; NULL: `element` */
    const int32_t *length;          /* n: how many steps of each sample count, of `steps`; NULL: all of them */
    int64_t steps;                  /* with `length`: into so many parts the numbers of a sample are cut */
} gr_field;

/* Samples that balancing has made of others: rows of a set from `first` on, behind those of its source. Inputs have
 * numbers of their own for them, in `made` of the source's field; all other fields of such a row are those of its base.
 */
typedef struct gr_made {
    int64_t first, n;
    uint32_t (*parent)[2]; /* rows of the source: the base, and the neighbour towards which it was moved */
    double *step;          /* how far, in shares of the way: 0 is the base; NaN: another share for each number */
    gr_field input[GR_MAX_INPUTS]; /* what `made` of the inputs' fields is: n samples */
} gr_made;

static inline int64_t gr__made_base(const gr_made *m, int64_t row) /* the row itself where the source has it */
{
    return m && row >= m->first ? m->parent[row - m->first][0] : row;
}

/* The field that has the numbers of a row of this one, and the row's number there. */
static inline const gr_field *gr__field_of(const gr_field *f, int64_t *row)
{
    if (!f->made || *row < f->first_made) return f;
    *row -= f->first_made;
    return f->made;
}

/* Whether samples are read one by one: from their reader, or where only headers were read, from the one to come. */
static inline bool gr__field_is_read(const gr_field *f)
{
    return f->reader || (!f->data && !f->bytes);
}

/* How many of the numbers of a sample count: the first of `width`. */
static inline int64_t gr__field_counts(const gr_field *f, int64_t row, int64_t width)
{
    return f->length ? width / f->steps * f->length[row] : width;
}

/* What targets are for: shapes are refused from the header, before a value is taken for something else. */
typedef struct gr_wanted {
    const char *name; /* of the head */
    gr_target_form form;
    gr_shape output;  /* what the network gives for a sample */
    const char *cost; /* for messages */
    bool any;         /* whatever shape targets have: whoever asks wants to know it */
} gr_wanted;

/* The fields that a recipe's network asks of a source, in its own order, in which sets and batches have them too. */
typedef struct gr_wants {
    const char *input[GR_MAX_INPUTS];
    int64_t steps[GR_MAX_INPUTS];      /* the first axis of its samples, which a length may reach; 0: not known */
    int64_t vocabulary[GR_MAX_INPUTS]; /* an input of indices, which layers look up: they are below this; 0: numbers */
    int n_inputs;
    gr_wanted target[GR_MAX_TARGETS];
    int n_targets;
    bool inputs_named, targets_named; /* the recipe gives the names; else there is one, of the names above */
} gr_wants;

#endif
