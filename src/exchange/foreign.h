/* Files of weights that other software wrote: tensors under names, whatever their types, read in pieces. */
#ifndef GR_EXCHANGE_FOREIGN_H
#define GR_EXCHANGE_FOREIGN_H

#include "data/array/array.h"
#include "model/file.h"

typedef struct gr_foreign_tensor {
    const char *name;
    gr_shape shape;
    const char *type; /* as messages call it */
    bool real;        /* its numbers are reals */
    bool fixed;       /* a constant of the file's graph, which is no weight where nobody asks for it */
    bool mapped;      /* a layer of the file's graph has it */
} gr_foreign_tensor;

/* Numbers of a tensor: n of them from `at` on, counted in C order. */
typedef void gr_foreign_take(void *user, int64_t at, const double *x, size_t n);

typedef struct gr_foreign gr_foreign;
typedef struct gr_foreign_form { /* a format */
    const char *title;
    gr_status (*open)(gr_foreign *f); /* fills tensors, pairs and `own` */
    gr_status (*read)(gr_foreign *f, int i, gr_foreign_take *take, void *user);
    void (*close)(gr_foreign *f);
} gr_foreign_form;

struct gr_foreign {
    gr_context *ctx;
    gr__bump *memory;
    const char *path;
    const gr_foreign_form *form;
    gr_foreign_tensor *tensor;
    int n;
    const gr_st_pair *meta; /* what an export of ours says of the model; none of other software */
    int n_meta;
    void *own; /* of the format */
};

extern const gr_foreign_form gr__foreign_safetensors, gr__foreign_npz, gr__foreign_onnx;

/* By the first bytes of the file, whatever it is called. GR_E_FILE, GR_E_FORMAT: it is none of these, or damaged; a
 * pickle is never opened. */
gr_status gr__foreign_open(gr_context *ctx, const char *path, gr_foreign *out);
void gr__foreign_close(gr_foreign *f); /* a zeroed one is fine */
/* GR_E_DATA where the tensor is not of reals. */
gr_status gr__foreign_read(gr_foreign *f, int i, gr_foreign_take *take, void *user);

/* Elements of a file in the order of this machine's or the other bytes, as numbers. */
enum { GR__FOREIGN_RUN = 1024 };
typedef enum gr__foreign_type { GR__FOREIGN_F16, GR__FOREIGN_BF16, GR__FOREIGN_F32, GR__FOREIGN_F64 } gr__foreign_type;
size_t gr__foreign_width(gr__foreign_type t);
void gr__foreign_decode(gr__foreign_type t, const void *raw, size_t n, double *out);

/* ---- names (names.c) ---- */
typedef struct gr_names gr_names;
/* How a tensor of the file is called in the recipe, and how its axes stand there. */
typedef struct gr_named_as {
    const char *name; /* NULL: it is left out */
    int axes[GR_MAX_RANK];
    bool turned; /* axis i of the recipe's is axes[i] of the file's; else they are alike */
} gr_named_as;
/* map: the word of a map that comes with this (gr__names_known), or the path of a file of lines
 * NAME<TAB>NAME[<TAB>AXES]; NULL: names stay. */
gr_status gr__names_open(gr_context *ctx, gr__bump *b, const char *map, gr_names **out);
/* One more: axes as in a line, or NULL. */
gr_status gr__names_add(gr_names *names, const char *from, const char *to, const char *axes);
void gr__names_close(gr_names *names);
gr_status gr__names_of(gr_names *names, const gr_foreign_tensor *t, gr_named_as *out);
/* GR_E_DATA where a line of a file fits no tensor that was asked for. */
gr_status gr__names_used(const gr_names *names);
const char *gr__names_known(gr__bump *b); /* "keras, ...": the words; in b */

#endif
