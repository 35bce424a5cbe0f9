/* Model files: safetensors with the recipe and preparation in their metadata. Floor 6. */
#ifndef GR_MODEL_FILE_H
#define GR_MODEL_FILE_H

#include "base/tree.h"
#include "gradus/plan.h"

/* ---- the container: header of JSON, then tensors. Bounded, never trusts a length. ---- */
typedef enum gr_st_type { GR_ST_F64, GR_ST_F32, GR_ST_I32, GR_ST_U8, GR_ST_F16, GR_ST_BF16, GR_ST_OTHER } gr_st_type;
typedef struct gr_st_tensor {
    const char *name;
    gr_st_type type;
    gr_shape shape;
    const void *data; /* NULL: its bytes are read, or made for writing, in pieces */
    size_t bytes;
} gr_st_tensor;
typedef struct gr_st_pair {
    const char *key, *value;
} gr_st_pair;
typedef struct gr_st gr_st;
/* The header is read and checked (offsets in order, no overlap, no gap, within the file, unique names); tensors stay in
 * the file until gr__st_read. */
gr_status gr__st_open(gr_context *ctx, const char *path, gr_st **out);
gr_status gr__st_whole(gr_context *ctx, const char *path, gr_st **out); /* with all tensors in memory: `data` */
gr_status gr__st_parse(gr_context *ctx, const char *name, char *bytes, size_t n,
                       gr_st **out); /* takes bytes (gr__alloc'ed n + 1) */
void gr__st_close(gr_st *st);
int gr__st_count(const gr_st *st);
const gr_st_tensor *gr__st_at(const gr_st *st, int i);
const gr_st_tensor *gr__st_find(const gr_st *st, const char *name);
/* Bytes at..at+bytes of a tensor, wherever they are. */
gr_status gr__st_read(const gr_st *st, const gr_st_tensor *t, size_t at, size_t bytes, void *to);
const char *
gr__st_called(const gr_st_tensor *t); /* the type that its file says, "I64"; of a tensor of gr__st_at or _find */
const char *gr__st_meta(const gr_st *st, const char *key); /* NULL if absent */
int gr__st_pairs(const gr_st *st);                         /* of metadata, in the order of the file */
gr_st_pair gr__st_pair(const gr_st *st, int i);
/* Writes atomically; tensors in the order given; 8-byte aligned data. The metadata gets `gradus.crc32` over all tensor
 * bytes. */
gr_status gr__st_write(gr_context *ctx, const char *path, const gr_st_tensor *tensors, int n, const gr_st_pair *meta,
                       int n_meta);
/* The same where some tensors have no data: make gives bytes at..at+bytes of tensor i, both multiples of 8 but for its
 * end; twice, and the same each time. Where it fails nothing is written. */
typedef struct gr_st_maker {
    gr_status (*make)(void *user, int i, size_t at, size_t bytes, void *to);
    void *user;
} gr_st_maker;
gr_status gr__st_write_pieces(gr_context *ctx, const char *path, const gr_st_tensor *tensors, int n,
                              const gr_st_maker *maker, const gr_st_pair *meta, int n_meta);
gr_status gr__st_verify(gr_st *st, const char *path); /* GR_E_FORMAT if gradus.crc32 is present and differs */

/* ---- models: parameters (and saved slots) of a store under file names and layouts ---- */
/* What of a model stands in no store. */
typedef struct gr_computed {
    bool (*leaves_out)(void *user, const char *name);
    /* Numbers of this entry, as it would hold them, until the next call; NULL: its own. */
    const void *(*numbers)(void *user, const char *name);
    void *user;
} gr_computed;
/* made: NULL: nothing. float64: F64 tensors, else F32. meta: gradus.recipe, gradus.prepare, gradus.classes,
 * gradus.class_counts, gradus.trained. slot: the values are those of slot PARAMETER/slot, where there is one (an
 * average); NULL: of the parameters themselves. */
gr_status gr__model_save(gr_context *ctx, const char *path, const gr_store *s, const char *slot, bool float64,
                         const struct gr_computed *made, const gr_st_pair *meta, int n_meta);
/* Loads every parameter (F32 or F64, cast) into a sealed store; names and shapes must agree exactly, extra tensors are
 * refused unless num_batches_tracked; both sides named. */
gr_status gr__model_load(gr_context *ctx, const gr_st *st, const char *path, gr_store *s);
/* Does an entry stand in models? And a tensor that models of PyTorch have, and nothing here depends on. */
bool gr__model_holds(const gr_entry_spec *s);
bool gr__model_ignores(const char *name);
/* The same of those whose names `wanted` lets through, on both sides; the others stay as they are. */
gr_status gr__model_load_some(gr_context *ctx, const gr_st *st, const char *path, gr_store *s,
                              bool (*wanted)(const void *user, const char *tensor), const void *user);
/* How files see an entry: its shape there, and where an element stands in memory that the file has at `offset`, or the
 * other way. */
gr_shape gr__file_shape(const gr_entry_spec *s);
int64_t gr__offset_in_memory(const gr_entry_spec *s, int64_t offset);
int64_t gr__offset_in_file(const gr_entry_spec *s, int64_t offset);

/* ---- checkpoints: all entries of a store in memory order and their own type, and text state ---- */
gr_status gr__checkpoint_write(gr_context *ctx, const char *path, const gr_store *s, const gr_st_pair *state,
                               int n_state);
gr_status gr__checkpoint_read(gr_context *ctx, const char *path, gr_st **out); /* verified */
gr_status gr__checkpoint_apply(gr_context *ctx, const gr_st *st, const char *path, gr_store *s);

#endif
