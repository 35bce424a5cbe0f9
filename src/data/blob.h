/* Files and memory as bytes: what every parser reads from. Plain or packed; gzip is told by its first two bytes. */
#ifndef GR_DATA_BLOB_H
#define GR_DATA_BLOB_H

#include "base/base.h"

typedef enum gr__packing { GR__PLAIN, GR__GZIP, GR__DEFLATE } gr__packing;

typedef struct gr__blob {
    gr_context *ctx;
    const char *name; /* for messages; outlives the blob */
    int fd;           /* -1: all of it stands in `data` */
    bool borrowed;    /* the fd is another blob's */
    const unsigned char *data;
    uint64_t from, bytes; /* of the file as it is, packed or not */
    gr__packing packing;
    bool checked; /* the content has `content` bytes and this checksum: a member of an archive */
    uint64_t content;
    uint32_t crc;
    void *owned; /* bookkeeping memory behind `data`, or NULL */
    size_t owned_bytes;
} gr__blob;

/* GR_E_FILE naming path and reason. A pipe or device is read to its end. */
gr_status gr__blob_open(gr_context *ctx, const char *path, gr__blob *out);
void gr__blob_memory(gr_context *ctx, const char *name, const void *data, size_t bytes, gr__blob *out); /* borrowed */
/* A part of a plain blob, which outlives it. */
void gr__blob_part(const gr__blob *b, const char *name, uint64_t from, uint64_t bytes, gr__blob *out);
void gr__blob_close(gr__blob *b); /* a zeroed blob is fine */

/* Bytes at..at+n as they are. GR_E_FORMAT when it ends before. */
gr_status gr__blob_read(const gr__blob *b, uint64_t at, void *to, size_t n);
/* The first bytes of the content, unpacked: at most n, fewer where it is shorter (*got). */
#define GR__PEEK 4096
gr_status gr__blob_peek(const gr__blob *b, void *to, size_t n, size_t *got);
/* No packed file of so many bytes holds a content of n: deflate packs at most 1032 to 1. Tells lies apart before memory
 * is taken. */
bool gr__blob_could_hold(const gr__blob *b, uint64_t n);
/* The bytes of the content, 0 where only unpacking tells. */
uint64_t gr__blob_content(const gr__blob *b);

/* ---- the content from front to back, in pieces, never all of it in memory ---- */
typedef struct gr__stream gr__stream;
gr_status gr__stream_open(const gr__blob *b, gr__stream **out); /* the blob outlives it */
void gr__stream_close(gr__stream *s);                           /* NULL is fine */
/* The next n bytes; fewer only at the end. GR_E_FORMAT where packed data is damaged, a checksum does not fit or a
 * content has another size than it should. Several gzip members in a row are one content. */
gr_status gr__stream_read(gr__stream *s, void *to, size_t n, size_t *got);
/* Exactly n bytes; to NULL: steps over them. GR_E_FORMAT when the content ends before. */
gr_status gr__stream_take(gr__stream *s, void *to, uint64_t n);

#endif
