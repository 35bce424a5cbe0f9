/* Probabilities of classes from models that have not seen the sample. */
#ifndef GR_STUDY_DATA_LABEL_MODEL_H
#define GR_STUDY_DATA_LABEL_MODEL_H

#include "data/numbers.h"
#include "study/data/inspect.h"

/* What is made of a training part: its rows, their labels, and n x classes probabilities. */
typedef struct gr_guesses {
    gr_context *ctx;
    int64_t n;
    int classes;
    uint32_t *row;
    int32_t *label;
    double *p; /* tensor memory, as the two before */
} gr_guesses;
void gr__guesses_close(gr_guesses *g); /* zeroed ones are fine */

/* Why the labels of the recipe's data cannot be judged so; NULL: they can. */
const char *gr__label_model_refuses(const gr_recipe *r, gr_label_model by);
/* Of each of `folds` parts of the training part, drawn with the seed and of as many samples of each class, by a network
 * trained for some epochs on the others. GR_E_DIVERGED: one of them did. */
gr_status gr__label_model_fold(gr_context *ctx, const gr_recipe *r, const gr_inspect_options *o, gr_guesses *out);
/* Of a part, by a model. */
gr_status gr__label_model_predict(gr_context *ctx, const gr_task *t, gr_part p, const struct gr_model *m,
                                  gr_guesses *out);

#endif
