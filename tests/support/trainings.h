/* Trainings of small's recipe (small.h) in float64 on ref, where equal arithmetic can be told from nearly equal, and
 * the models that they leave, to be compared number by number. */
#ifndef GR_TESTS_TRAININGS_H
#define GR_TESTS_TRAININGS_H

#include <math.h>

#include "train/small.h"

enum { TENSORS = 8 };
typedef struct model { /* the tensors of a model file */
    int n;
    char name[TENSORS][64];
    int64_t count[TENSORS];
    double *v[TENSORS];
} model;

/* The tensors of `file` in a run's folder. */
void model_read(gr_context *ctx, const char *folder, const char *file, model *m);
void model_free(model *m);
/* The largest difference of two numbers. */
double apart(const model *a, const model *b);

typedef struct costs {
    int n;
    double train[64], data[64];
} costs;

/* Trains small's recipe in float64 with more lines and sets; reads `file` of the run. c may be NULL. */
gr_train_result fit(const char *more, const char *const *sets, int n_sets, const char *file, model *m, costs *c);

#define FIT(more, m) fit(more, NULL, 0, "last.safetensors", m, NULL)

/* Two recipes' further lines must give the same weights. */
void equal_to_the_bit(const char *one, const char *other);

#endif
