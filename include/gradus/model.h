/* Trained models: opened from a file, they predict from raw input, as the sources of their training had it.
 *
 *     gr_model *m;
 *     float y[10 * N];
 *     if (gr_model_open(ctx, "best.safetensors", &m) != GR_OK) return 1;
 *     if (gr_model_predict(m, pictures, N, y) != GR_OK) return 1;
 *     puts(gr_model_class_name(m, 0, best_of(y)));
 *
 * The file holds the preparation with the training's statistics, so nothing is prepared by the caller; numbers that
 * look prepared already are warned of, once a model, in the context's log. What is predicted has the bits that the
 * command `predict` gives for a file of the same numbers. A model is for one thread at a time, as its context is. */
#ifndef GRADUS_MODEL_H
#define GRADUS_MODEL_H

#include "gradus/data.h"
#include "gradus/evaluation.h"
#include "gradus/recipe.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct gr_model gr_model;

/* GR_E_FILE, GR_E_FORMAT: no file, or none that is a model. Weights stay in the file until they are needed. */
GR_API GR_CHECKED gr_status gr_model_open(gr_context *ctx, const char *path, gr_model **out);
GR_API void gr_model_close(gr_model *m);                    /* NULL is fine. Before its context */
GR_API const gr_recipe *gr_model_recipe(const gr_model *m); /* what it was trained by; as long as the model */

/* ---- what goes in and comes out ---- */

GR_API int gr_model_inputs(const gr_model *m);
GR_API const char *gr_model_input_name(const gr_model *m, int input);
GR_API gr_shape gr_model_input_shape(const gr_model *m, int input); /* of one raw sample */

typedef enum gr_answer {
    GR_ANSWER_CLASS,  /* a probability a class, together 1 */
    GR_ANSWER_LABELS, /* a probability a label */
    GR_ANSWER_SHARES, /* shares, together 1 */
    GR_ANSWER_VALUES  /* numbers */
} gr_answer;

GR_API int gr_model_heads(const gr_model *m);
GR_API const char *gr_model_head_name(const gr_model *m, int head);
GR_API gr_answer gr_model_answer(const gr_model *m, int head);
/* How many numbers a prediction has for a sample; with a class a position, as many for each position. */
GR_API GR_CHECKED gr_status gr_model_width(gr_model *m, int head, int64_t *out);
GR_API int gr_model_classes(const gr_model *m, int head); /* that are told apart, or labels; 0: it answers values */
/* NULL: the class has a number alone, or there is none so numbered. As long as the model. */
GR_API const char *gr_model_class_name(const gr_model *m, int head, int class_index);

/* ---- predicting ---- */

/* x: n samples of the lone input, in C order; y: receives n x width numbers of the lone head. The first call, and one
 * with another n below 64, compiles and takes memory of the context's budget (GR_E_BUDGET). GR_E_USAGE: there are
 * several inputs or heads; GR_E_DATA: an input that is not finite. */
GR_API GR_CHECKED gr_status gr_model_predict(gr_model *m, const float *x, int64_t n, float *y);
/* The same of any fields and types, and of files. y: of each head room for samples x width numbers, or NULL where they
 * are not wanted. Targets and weights of the data are not looked at. */
GR_API GR_CHECKED gr_status gr_model_predict_data(gr_model *m, const gr_data *d, double *const *y);
/* A file of raw input, or a folder, as the command `predict` takes it: arrays, tables, pictures, sounds, text. For
 * gr_model_predict_data of this model; gr_data_destroy. */
GR_API GR_CHECKED gr_status gr_model_read(gr_model *m, const char *path, gr_data **out);

/* ---- evaluating ---- */

/* On data whose targets are there. gr_evaluation_destroy, before the model is closed. */
GR_API GR_CHECKED gr_status gr_model_evaluate(gr_model *m, const gr_data *d, gr_evaluation **out);
/* On a part of a recipe's data, prepared as the model does; NULL: the model's own. A look at the test part is recorded
 * as those of commands are, and a second one warned of. GR_E_USAGE: the recipe has no such part. */
GR_API GR_CHECKED gr_status gr_model_evaluate_part(gr_model *m, const gr_recipe *r, gr_part part, gr_evaluation **out);

/* ---- tensors ---- */

typedef struct gr_model_tensor {
    const char *name; /* "c1.weight": as long as the model */
    gr_shape shape;   /* as the file has it: convolutions [out, in, height, width], dense [out, in] */
    bool float64;     /* in the file */
} gr_model_tensor;

GR_API int gr_model_tensors(const gr_model *m);
/* The tensor at an index, or of a name (index below 0). GR_E_NAME, GR_E_RANGE: there is none. */
GR_API GR_CHECKED gr_status gr_model_tensor_at(const gr_model *m, int index, const char *name, gr_model_tensor *out);
/* Its numbers in C order, those of masks (NAME.mask) 0 and 1; room: for so many. GR_E_RANGE: it has more. */
GR_API GR_CHECKED gr_status gr_model_tensor_read(const gr_model *m, const char *name, double *values, int64_t room);

#ifdef __cplusplus
}
#endif
#endif
