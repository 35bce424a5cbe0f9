/* ZIP archives of NPY members, read from bytes. */
#ifndef GR_DATA_NPZ_H
#define GR_DATA_NPZ_H

#include "data/array/array.h"

/* Opens the array NAME (member NAME or NAME.npy), which is read from the archive: zip outlives the part. label: what
 * messages call it, likewise. */
gr_status gr__npz_open(const gr__blob *zip, const char *name, const char *label, gr__part *out);

/* A ZIP archive begins so, an empty one too. */
bool gr__npz_begins(const unsigned char *front, size_t n);
/* The names of all its arrays, without .npy; they live in b. */
gr_status gr__npz_names(const gr__blob *zip, gr__bump *b, const char *const **names, int *n);
/* The array that a source (may be NULL) has for an input; NULL: it is no NPZ, or says nothing of it. */
const char *gr__npz_array_of(const gr_tree *source, const char *input);

#endif
