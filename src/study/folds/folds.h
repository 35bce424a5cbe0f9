/* Cross-validation: a training for each fold, which it is validated on, and what they find together. [chapter 1.5;
 * mission 10.5] */
#ifndef GR_STUDY_FOLDS_H
#define GR_STUDY_FOLDS_H

#include "train/train.h"

#define GR_FOLDS_FILE "folds.json"
enum { GR_MOST_FOLDS = 100 };

typedef struct gr_fold {
    int fold;                /* from 1 */
    int64_t samples;         /* of its validation part */
    double validation_error; /* of its best model; NaN: several heads have no common one */
} gr_fold;

typedef struct gr_folds {
    gr_fold fold[GR_MOST_FOLDS];
    int n;
    double mean, std;   /* of the errors; std with n - 1 */
    int64_t *confusion; /* of all folds, [true][predicted], of a lone head of classes; else NULL */
    int classes;
} gr_folds;

/* The recipe whose validation part is a fold, from 0, of what the test part leaves. Close it. */
gr_status gr__fold_recipe(gr_context *ctx, const gr_recipe *r, int folds, int fold, gr_recipe **out);
/* Trains the recipe once a fold, in o->out/fold-1 and on, and writes o->out/folds.json. What it receives lies in b.
 * With o->resume, folds that are done are not trained again. */
gr_status gr__folds_train(gr_context *ctx, const gr_recipe *r, int folds, const gr_train_options *o, gr__bump *b,
                          gr_folds *told);

#endif
