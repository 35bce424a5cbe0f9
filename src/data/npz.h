/* ZIP archives of NPY members, read from bytes. */
#ifndef GR_DATA_NPZ_H
#define GR_DATA_NPZ_H

#include "data/array.h"

/* Opens the array NAME (member NAME or NAME.npy), which is read from the archive: zip outlives the part. label: what
 * messages call it, likewise. */
gr_status gr__npz_open(const gr__blob *zip, const char *name, const char *label, gr__part *out);

#endif
