/* Numeric arrays within blobs (IDX, NPY, NPZ members): described by their header, loaded as fields of a set. array.c
 * reads one, arrays.c makes a set of several. */
#ifndef GR_DATA_ARRAY_H
#define GR_DATA_ARRAY_H

#include "data/blob.h"
#include "data/data.h"
#include "data/fields.h"

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

/* A file's array: what fields are loaded from. */
typedef struct gr__part {
    gr__blob blob;
    gr__array array;
    bool raw;                           /* given to a model: whoever reads of it has no recipe to change */
    const struct gr_given_field *given; /* of a program's data: the blob is its memory, or empty where a function gives
                                           the numbers; NULL: a file's */
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

/* A field that has its role: what the header says of the rest, with the bytes of tensor memory that loading takes. */
void gr__part_describe(const gr__part *p, const gr_source_options *o, gr_target_kind want, gr_field *f);
/* The data of a field so described; what it takes is the field's on failure too. most: that a length may be; 0: not
 * known. */
gr_status gr__part_load(gr__part *p, const gr_source_options *o, int64_t most, gr_field *f);

/* A set of arrays with one sample a row each, as the entries name them, in that order. */
gr_status gr__arrays_info(gr_context *ctx, const gr__entries *e, const gr__part *part, const gr_source_options *o,
                          gr_set *out);
gr_status gr__arrays_load(gr_context *ctx, const gr__entries *e, gr__part *part, const gr_source_options *o,
                          gr_set *out);
/* The same of a source whose rows name files of one array each. */
gr_status gr__files_info(gr_context *ctx, const gr_settings *s, const gr_source_options *o, const gr__field_rows *rows,
                         gr__header_fn header, gr_set *out);
gr_status gr__files_load(gr_context *ctx, const gr_settings *s, const gr_source_options *o, const gr__field_rows *rows,
                         gr__header_fn header, gr_set *out);

/* Classes of a label: 0 .. GR__MOST_CLASSES - 1. */
enum { GR__MOST_CLASSES = 1 << 24 };

#endif
