/* NPZ written: arrays in memory as the members of a ZIP archive, stored as they are. */
#ifndef GR_DATA_NPZ_WRITE_H
#define GR_DATA_NPZ_WRITE_H

#include "gradus/graph.h"

typedef struct gr__npz_array {
    const char *name; /* without .npy */
    const char *type; /* NumPy's name of the elements: "<f4", "<i4", "<U8" */
    int rank;
    int64_t dim[GR_MAX_RANK + 1];
    const void *data; /* in C order, least significant byte first; NULL: its bytes are made in pieces */
    uint64_t bytes;
} gr__npz_array;

/* Written as a whole or not at all; the same arrays are the same bytes. GR_E_WRITE. */
gr_status gr__npz_write(gr_context *ctx, const char *path, const gr__npz_array *array, int n);
/* The same where arrays have no data: make gives bytes at..at+bytes of array i, front to back; twice, and the same each
 * time. Where it fails nothing is written. */
typedef struct gr__npz_maker {
    gr_status (*make)(void *user, int i, size_t at, size_t bytes, void *to);
    void *user;
} gr__npz_maker;
gr_status gr__npz_write_pieces(gr_context *ctx, const char *path, const gr__npz_array *array, int n,
                               const gr__npz_maker *maker);

#endif
