/* Training that starts from a model: its weights keep the meaning they have there. Its inputs are prepared as the model
 * prepares them, its outputs stand for the classes that they stand for, its columns come in the model's order. */
#ifndef GR_TRAIN_ORIGIN_H
#define GR_TRAIN_ORIGIN_H

#include "train/train.h"

typedef struct gr_origin {
    const char *path;
    bool force;                      /* what contradicts the model is taken from recipe and data, and said */
    bool fresh;                      /* some layers start anew: classes, values and heads are the recipe's and data's */
    bool bare;                       /* the file says nothing of these: weights alone */
    gr_meaning meaning;              /* but for its targets */
    gr_targets unit[GR_MAX_TARGETS]; /* of which this is what values were standardized by */
} gr_origin;

/* Reads what the file says, into b. GR_E_CONFLICT where the recipe prepares in other steps, unless forced. */
gr_status gr__origin_read(gr_context *ctx, gr__bump *b, const gr_recipe *r, const char *path, bool force,
                          gr_origin *out);
/* The same of the model that the recipe's `start` names. */
gr_status gr__origin_of_start(gr_context *ctx, gr__bump *b, const gr_recipe *r, gr_origin *out);
/* Values are standardized as the model's were. */
void gr__origin_units(const gr_origin *o, gr_task *t);
/* The model's preparation is the run's. */
static inline bool gr__origin_prepares(const gr_origin *o)
{
    return o && !o->bare && !o->force;
}
/* The model's preparation and schema become the run's. */
void gr__origin_give(const gr_origin *o, gr_meaning *to);
/* Numbers the training set's classes by the model's names, and holds its columns against the model's. GR_E_CONFLICT
 * where there are others, unless forced. */
gr_status gr__origin_settle(const gr_origin *o, gr_task *t, gr_set *s);

#endif
