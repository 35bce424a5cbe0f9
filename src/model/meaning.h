/* What weights were trained to mean: how samples come to the network, and what its outputs stand for. Floor 6. */
#ifndef GR_MODEL_MEANING_H
#define GR_MODEL_MEANING_H

#include "data/traits.h"

typedef struct gr_meaning {
    const gr_prepared *prepared[GR_MAX_INPUTS]; /* steps of each input, with the training's statistics */
    int n_prepared[GR_MAX_INPUTS];
    bool wide[GR_MAX_INPUTS]; /* prepared in float64 whatever its type is: some part that it was trained with had to be
                               */
    const char *const *class_names[GR_MAX_TARGETS]; /* of each head; NULL: numbers, or no classes */
    int classes[GR_MAX_TARGETS];                    /* as many names; without: the largest label + 1 that was seen */
    gr_schema schema;                               /* how the training's table was read */
    gr_kept_traits traits;                          /* of training samples; none where a file has none */
    const gr_targets *targets; /* one a head: of the training rows; not known where a file does not say */
} gr_meaning;

struct gr_recipe;
/* Puts the names of classes into the schema: what the training's words mean holds for all other data, which is read by
 * that. */
void gr__meaning_tell(gr_meaning *m, const struct gr_recipe *r);

#endif
