/* Numeric arrays within blobs (IDX, NPY, NPZ members): described by their header, loaded as the inputs or targets of a
 * set. */
#ifndef GR_DATA_ARRAY_H
#define GR_DATA_ARRAY_H

#include "data/blob.h"
#include "data/data.h"

typedef enum gr__type {
    GR__U8,
    GR__I8,
    GR__U16,
    GR__I16,
    GR__U32,
    GR__I32,
    GR__U64,
    GR__I64,
    GR__F16,
    GR__F32,
    GR__F64
} gr__type;

typedef struct gr__array {
    gr__type type;
    bool swap;    /* bytes stand in the other order than this machine's */
    bool fortran; /* the first axis runs fastest */
    int rank;     /* 1 .. GR_MAX_RANK + 1: samples first */
    int64_t dim[GR_MAX_RANK + 1];
    uint64_t at;    /* where the elements begin */
    uint64_t count; /* elements; count and bytes do not overflow */
    uint64_t bytes;
} gr__array;

/* A file's array: what idx and npy open and pairs of inputs and targets are loaded from. */
typedef struct gr__part {
    gr__blob blob;
    gr__array array;
    const gr_tree *at; /* the key that named it, for errors; NULL: none */
} gr__part;

/* Fills count and bytes from type and dims; refuses too many or empty axes and sizes beyond the address space. name is
 * for messages. */
gr_status gr__array_size(gr_context *ctx, const char *name, gr__array *a);
/* Header parsers: `head` holds the first n bytes of the content. Pure functions of them. */
gr_status gr__idx_header(gr_context *ctx, const char *name, const unsigned char *head, size_t n, gr__array *out);
gr_status gr__npy_header(gr_context *ctx, const char *name, const unsigned char *head, size_t n, gr__array *out);
typedef gr_status (*gr__header_fn)(gr_context *ctx, const char *name, const unsigned char *head, size_t n,
                                   gr__array *out);
/* Opens a file and parses its header; checks that the content holds exactly what the header says (gzip: could hold;
 * exactly when loaded). */
gr_status gr__part_open(gr_context *ctx, const char *path, gr__header_fn header, gr__part *out);
gr_status gr__part_read(gr__blob *blob, gr__header_fn header, gr__part *out); /* takes the blob over, on failure too */
void gr__part_close(gr__part *p);

/* Bytes of tensor memory that loading takes, and as what. */
gr_element gr__input_element(gr__type t, const gr_source_options *o);
uint64_t gr__input_bytes(const gr__part *p, const gr_source_options *o);
gr_target_kind gr__target_kind(gr__type t, gr_target_kind want);
uint64_t gr__target_bytes(const gr__part *p, const gr_source_options *o);
gr_status gr__load_inputs(gr__part *p, const gr_source_options *o, gr_set *s);
gr_status gr__load_targets(gr__part *p, const gr_source_options *o, gr_set *s);

/* A pair of arrays with one sample a row; targets NULL: none. */
gr_status gr__pair_info(gr_context *ctx, const gr__part *inputs, const gr__part *targets, const gr_source_options *o,
                        gr_set_info *out);
gr_status gr__pair_load(gr_context *ctx, gr__part *inputs, gr__part *targets, const gr_source_options *o, gr_set *out);

/* ---- for members of the family "source" ---- */
/* The path of a PATH row, relative ones within o->folder; owned by b. NULL where absent (no error) or on failure (error
 * kept). */
const char *gr__source_path(gr__bump *b, const gr_settings *s, const char *row, const gr_source_options *o);
/* The value of a row as written, or the source's tree. */
const gr_tree *gr__source_at(const gr_settings *s, const char *row);
/* Gives the kept error the place of a row's value, and passes st through. */
gr_status gr__source_place(gr_context *ctx, const gr_settings *s, const char *row, gr_status st);
/* Both files of a source {inputs row, targets row} of one array each. */
gr_status gr__files_info(gr_context *ctx, const gr_settings *s, const gr_source_options *o, const char *inputs,
                         const char *targets, gr__header_fn header, gr_set_info *out);
gr_status gr__files_load(gr_context *ctx, const gr_settings *s, const gr_source_options *o, const char *inputs,
                         const char *targets, gr__header_fn header, gr_set *out);
/* Classes of a label: 0 .. GR__MOST_CLASSES - 1. */
enum { GR__MOST_CLASSES = 1 << 24 };

#endif
