/* Files and memory as bytes: what every parser reads from. Plain or gzip, told apart by their first two bytes. */
#ifndef GR_DATA_BLOB_H
#define GR_DATA_BLOB_H

#include "base/base.h"

typedef struct gr__blob {
    gr_context *ctx;
    const char *name; /* for messages; outlives the blob */
    int fd;           /* -1: all of it stands in `data` */
    const unsigned char *data;
    uint64_t bytes; /* of the file as it is, compressed or not */
    bool gzip;
    void *owned; /* bookkeeping memory behind `data`, or NULL */
    size_t owned_bytes;
} gr__blob;

/* GR_E_FILE naming path and reason. A pipe or device is read to its end. */
gr_status gr__blob_open(gr_context *ctx, const char *path, gr__blob *out);
void gr__blob_memory(gr_context *ctx, const char *name, const void *data, size_t bytes, gr__blob *out); /* borrowed */
void gr__blob_close(gr__blob *b); /* a zeroed blob is fine */

/* Bytes at..at+n of a plain blob. GR_E_FORMAT when it ends before. */
gr_status gr__blob_read(const gr__blob *b, uint64_t at, void *to, size_t n);
/* The first bytes of the content, unpacked: at most n, fewer where it is shorter (*got). n <= GR__PEEK. */
#define GR__PEEK 4096
gr_status gr__blob_peek(const gr__blob *b, void *to, size_t n, size_t *got);
/* Unpacks a gzip blob whose content has exactly n bytes. GR_E_FORMAT otherwise. Several members in a row are one
 * content. */
gr_status gr__blob_unpack(const gr__blob *b, void *to, size_t n);
/* No gzip file of so many bytes holds a content of n: deflate packs at most 1032 to 1. Tells lies apart before memory
 * is taken. */
bool gr__blob_could_hold(const gr__blob *b, uint64_t n);
/* Makes the blob plain and whole in memory. */
gr_status gr__blob_whole(gr__blob *b);

/* Raw deflate, for ZIP members: exactly `bytes` out of `packed`. */
gr_status gr__inflate(gr_context *ctx, const char *name, const void *packed, size_t packed_bytes, void *to,
                      size_t bytes);

#endif
