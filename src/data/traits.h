/* Traits: numbers by which samples are compared with others, a few each, whatever a sample is. Floor 5.
 *
 * A column of a table or array is one; of samples with several axes mean and spread of each channel; of more than 1024
 * numbers means of 256 stretches; and a length where samples have one. A model holds those of some of its training's
 * samples, so whether what it is given is like them can be told without the training data. */
#ifndef GR_DATA_TRAITS_H
#define GR_DATA_TRAITS_H

#include "data/data.h"

typedef enum gr_trait_kind {
    GR_TRAIT_ELEMENTS, /* each number */
    GR_TRAIT_CHANNELS, /* mean and spread of each channel */
    GR_TRAIT_PIECES,   /* means of stretches */
    GR_TRAIT_SHARES    /* of indices, in groups */
} gr_trait_kind;

typedef struct gr_trait_group { /* of an input */
    int input;
    gr_trait_kind kind;
    bool hidden;                /* but for the length they are compared all together alone */
    int64_t width, n, channels; /* numbers of a sample; traits without the length */
    bool length;                /* one more: how many steps count */
} gr_trait_group;

typedef struct gr_traits {
    gr_trait_group group[2 * GR_MAX_INPUTS];
    int n_groups, n_inputs;
    int64_t n;
} gr_traits;

/* Of samples whose inputs are such as these. */
typedef struct gr_trait_input {
    gr_shape shape;
    bool indices, length;
} gr_trait_input;
void gr__traits_of(const gr_trait_input *input, int n, gr_traits *out);
/* Those of n rows of a set with such inputs (row NULL: the first), as [n][traits], rounded to float32. A number that is
 * missing is NaN. */
gr_status gr__traits_take(gr_context *ctx, const gr_traits *t, const gr_set *s, const uint32_t *row, int64_t n,
                          float *out);
/* What trait k of a group is called; column: the first of the input's among the columns of a table (schema may be
 * NULL). In b; NULL on failure. */
const char *gr__trait_name(gr__bump *b, const gr_traits *t, const gr_trait_group *g, int64_t k, const char *input,
                           const gr_schema *schema, int64_t column);

/* ---- what a model holds of its training ---- */
typedef struct gr_kept_traits {
    int64_t samples;            /* of the training part */
    int64_t rows, n;            /* those whose traits are kept; traits a row */
    bool length[GR_MAX_INPUTS]; /* inputs that had lengths */
    const float *value;         /* rows x n; NULL: none are kept */
} gr_kept_traits;
/* Of at most as many of the rows as GR_KEPT_ROWS and GR_KEPT_NUMBERS allow, drawn by the seed. In b. */
enum { GR_KEPT_ROWS = 1000, GR_KEPT_LEAST = 100, GR_KEPT_NUMBERS = 1 << 15 };
gr_status gr__traits_keep(gr_context *ctx, gr__bump *b, const gr_traits *t, const gr_set *s, const gr_rows *rows,
                          uint64_t seed, gr_kept_traits *out);

#endif
