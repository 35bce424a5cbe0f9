/* Raw input of a model: files and a program's data read as its training's were, and predictors ready for them. */
#ifndef GR_TRAIN_RAW_H
#define GR_TRAIN_RAW_H

#include "data/given.h"
#include "model/model.h"
#include "train/train.h"

/* True when n samples of an input, prepared as the model does, lie far from the training's numbers or have next to no
 * spread: they are probably prepared already. text says so. [D18] */
bool gr__raw_is_unusual(gr_context *ctx, const gr_prepared *prepared, int n_prepared, const gr_field *x, int64_t n,
                        char *text, size_t size);
/* Warns of that, and where the model was trained with lengths and the set has none; whether it did. name: what messages
 * call it. */
bool gr__raw_warn(gr_context *ctx, const gr_model *m, const char *name, const gr_set *set);

/* A file as `predict` takes it; texts of the columns `keep` come with it. */
gr_status gr__raw_load(gr_context *ctx, const gr_model *m, const char *file, const char *const *keep, int n_keep,
                       gr_set *out);
/* A program's data, inputs and lengths alone; it stays as long as the set. */
gr_status gr__raw_given(gr_context *ctx, const gr_model *m, const gr_data *d, gr_set *out);

/* A network compiled for one type of input and batch, kept for sets alike. */
enum { GR_RAW_BATCH = 64 }; /* samples of a run at most */
typedef struct gr_ready {
    gr_predictor *predictor;
    gr_element source[GR_MAX_INPUTS];
    bool lengths[GR_MAX_INPUTS];
    int64_t batch;
} gr_ready;
/* Makes it ready for this set, unless it is; a zeroed one is not yet. gr__predictor_destroy(r->predictor) ends it. */
gr_status gr__raw_ready(gr_context *ctx, const gr_model *m, const gr_set *set, gr_ready *r);

#endif
