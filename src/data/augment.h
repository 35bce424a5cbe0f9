/* The family "augment": random changes of training samples, made on their way from the set to a batch. Floor 5.
 *
 * What a sample becomes depends on (seed, epoch, sample, place in the list) alone, so it is the same for any number of
 * workers and after a resume. Labels stay. Members change numbers where they stand: pictures [H, W, C], sequences [T,
 * F]. */
#ifndef GR_DATA_AUGMENT_H
#define GR_DATA_AUGMENT_H

#include "base/member.h"
#include "base/rng.h"
#include "data/field.h"

typedef struct gr_augment_sample {
    float *x;       /* the numbers, changed in place */
    void *scratch;  /* as many bytes as `scratch` says */
    gr_shape shape; /* of the sample, as the network takes it */
    int64_t counts; /* of sequences: steps that count, from the first on; else shape.dim[0] */
} gr_augment_sample;

typedef struct gr_augment {
    gr_member head;
    /* Whether samples of this shape can be changed so, and what is worked out once; *state may stay NULL. Errors: the
     * place of the key at fault. b outlives the loader. */
    gr_status (*make)(gr_context *ctx, gr__bump *b, const gr_settings *s, const gr_field *x, gr_shape shape,
                      const char *folder, void **state);
    size_t (*scratch)(const void *state, gr_shape shape); /* bytes; NULL: none */
    /* Draws what it needs of r. Any thread. */
    void (*apply)(const void *state, gr__rng *r, const gr_augment_sample *s);
} gr_augment;
#define GR_AUGMENT(name) const gr_augment gr__augment_##name
const gr_augment *const *gr__augments(int *n); /* generated */
extern const gr_family gr__family_augment;     /* generated */

#endif
