/* Models for other software, and weights from it. A writer a format, which the suffix of a path chooses (export.c); a
 * reader a format, which the first bytes of a file choose (import.c). Floor 8. */
#ifndef GR_EXCHANGE_EXCHANGE_H
#define GR_EXCHANGE_EXCHANGE_H

#include "model/model.h"

/* ---- out ---- */

typedef struct gr_export_options {
    bool raw;     /* without the preparation: the file takes what the layers take */
    bool softmax; /* it gives what the cost reads its outputs as, probabilities, instead of the outputs themselves */
    bool int8;    /* products are of codes of 8 bits, whose ranges training samples tell; a model's weights are the
                     numbers that codes stand for (quantize.h) */
    int64_t calibrate;         /* of these so many at most; 0: 256 */
    struct gr_int8 *quantized; /* receives what that came to; NULL: nobody asks */
    void (*say)(void *user, const char *what, int64_t done, int64_t all); /* how far that is; NULL: nobody asks */
    void *user;
} gr_export_options;

typedef gr_status gr__export_fn(gr_context *ctx, gr_model *m, const char *path, const gr_export_options *o);

typedef struct gr_writer {
    const char *suffix; /* ".onnx" */
    const char *title;  /* "ONNX" */
    gr__export_fn *write;
    const char *no_raw, *no_softmax, *no_int8, *no_calibrate; /* why it does not take the option; NULL: it does */
} gr_writer;

/* The writer of a path's suffix. GR_E_USAGE, with those that there are. */
gr_status gr__writer_find(gr_context *ctx, const char *path, const gr_writer **out);
/* Whether it takes the options. GR_E_USAGE. */
gr_status gr__writer_takes(gr_context *ctx, const gr_writer *w, const gr_export_options *o);

/* Each writes an open model as a whole or not at all, and the same bytes each time. GR_E_UNSUPPORTED where the format
 * has no form for something of the network, which the error names. */
gr__export_fn gr__export_safetensors, gr__export_npz, gr__export_onnx, gr__export_c;

/* ---- in ---- */

typedef enum gr_misfit_kind {
    GR_MISFIT_MISSING,
    GR_MISFIT_UNUSED,
    GR_MISFIT_SHAPE,
    GR_MISFIT_TYPE,
    GR_MISFIT_TWICE
} gr_misfit_kind;
extern const char *const gr__misfit_words[]; /* "missing", "unused", ... */
/* A tensor that one side has otherwise, or not at all. */
typedef struct gr_misfit {
    gr_misfit_kind kind;
    const char *name;        /* in the recipe; of what nothing there is called so, in the file */
    const char *has, *wants; /* shape or type in the file, and in the recipe; NULL where there is none */
} gr_misfit;

typedef struct gr_import_options {
    const gr_recipe *recipe; /* whose network the weights are of; NULL: what the file says itself */
    const char *map;         /* names (foreign.h); NULL: they are alike */
} gr_import_options;

typedef struct gr_imported {
    const char *format; /* of the file */
    int tensors;        /* that the model has of it */
    int left_out;
    gr_misfit *misfit; /* all of them, where there are any: then nothing is written */
    size_t n_misfits;
} gr_imported;

/* Weights of other software as a model: the recipe's, whose preparation is fitted on its training rows. What it tells
 * stands in b. GR_E_DATA: names, shapes or types do not fit. */
gr_status gr__import(gr_context *ctx, gr__bump *b, const char *file, const char *to, const gr_import_options *o,
                     gr_imported *out);

#endif
