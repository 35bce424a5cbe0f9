/* ZIP archives of NPY members, read from bytes. */
#ifndef GR_DATA_NPZ_H
#define GR_DATA_NPZ_H

#include "data/array.h"

/* Opens the array NAME (member NAME or NAME.npy): its blob is memory of its own. header_only: only the front is
 * unpacked; for gr__pair_info. label: what messages call it, outlives the part. */
gr_status gr__npz_open(const gr__blob *zip, const char *name, const char *label, bool header_only, gr__part *out);

#endif
