/* The family "augment": random changes of training samples, made on their way from the set to a batch. Floor 5.
 *
 * What a sample becomes depends on (seed, epoch, sample, place in the list) alone, so it is the same for any number of
 * workers and after a resume. Labels stay. Members change numbers where they stand: pictures [H, W, C], sequences
 * [T, F]; numbers are as the source has them, before preparation, but for those that are prepared as they are delivered
 * (of tables in wide types), which come prepared. */
#ifndef GR_DATA_AUGMENT_H
#define GR_DATA_AUGMENT_H

#include "base/member.h"
#include "base/rng.h"
#include "data/data.h"

typedef struct gr_augment_sample {
    float *x;       /* the numbers, changed in place; NULL: it holds indices */
    int32_t *index; /* likewise */
    void *scratch;  /* of as many bytes as `scratch` says, aligned to 64; what is in it is unknown */
    gr_shape shape; /* as the source has it, or the network where they differ in axes of size 1 alone */
    int64_t counts; /* of sequences with lengths: steps that count, from the first on, which a change may alter; else
                       shape.dim[0] */
} gr_augment_sample;

typedef struct gr_augment_make { /* what a member is made for */
    const gr_settings *settings;
    const gr_field *x;
    gr_shape shape;          /* as samples have it */
    const char *folder;      /* where relative paths start */
    const gr_schema *schema; /* of the training; NULL: none */
} gr_augment_make;

/* Members that mix samples are not run on one: the training graph mixes a batch as it is drawn for it. */
typedef enum gr_mix { GR_MIX_NONE, GR_MIX_BLEND, GR_MIX_PATCH } gr_mix;

typedef struct gr_augment {
    gr_member head;
    gr_mix mix;   /* not NONE: it has an `alpha`, and no functions */
    bool indices; /* changes samples of indices, not of numbers */
    /* Whether such samples can be changed so (GR_E_SHAPE, GR_E_CONFLICT and the like), and what is worked out once;
     * *state may stay NULL. b outlives all use. *scratch: bytes that `apply` needs. */
    gr_status (*make)(gr_context *ctx, gr__bump *b, const gr_augment_make *m, void **state, size_t *scratch);
    /* Draws what it needs of r. Any thread. */
    void (*apply)(const void *state, gr__rng *r, gr_augment_sample *s);
} gr_augment;
#define GR_AUGMENT(name) const gr_augment gr__augment_##name
const gr_augment *const *gr__augments(int *n); /* generated */
extern const gr_family gr__family_augment;     /* generated */

/* ---- a list of them, for one input ---- */
enum { GR_MAX_AUGMENTS = 16 };
typedef struct gr_augmentation {
    int n;
    const gr_augment *member[GR_MAX_AUGMENTS];
    void *state[GR_MAX_AUGMENTS];
    char stream[GR_MAX_AUGMENTS][24]; /* of random numbers */
    gr_shape shape;
    size_t scratch; /* the most that any needs */
    uint64_t seed;
} gr_augmentation;

/* Of a recipe's list, for samples of a field as a network takes them. n 0: there is none but what mixes. */
gr_status gr__augmentation_make(gr_context *ctx, gr__bump *b, const gr_tree *list, const gr_augment_make *like,
                                uint64_t seed, gr_augmentation *out);
/* One sample. row, epoch: whose it is and when. */
void gr__augmentation_run(const gr_augmentation *a, uint32_t row, uint32_t epoch, gr_augment_sample *s);

/* ---- mixtures of the samples of a batch ---- */
typedef struct gr_mixture {
    gr_mix kind; /* NONE: nothing is mixed */
    double alpha;
    int64_t height, width; /* of pictures; PATCH */
} gr_mixture;
typedef struct gr_mixture_draw {
    double share; /* of a sample itself, in inputs and cost */
    double top, left, bottom,
        right; /* PATCH: of the rectangle, which lies within, from first pixel to behind the last */
} gr_mixture_draw;
/* partner: n numbers, a permutation of the rows of the batch. Depends on what it is given alone. */
void gr__mixture_draw(const gr_mixture *m, uint64_t seed, int64_t update, int64_t position, int64_t n,
                      gr_mixture_draw *out, int32_t *partner);

#endif
