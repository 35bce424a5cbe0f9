/* What plans know of stores beyond the public header. */
#ifndef GR_PLAN_STORE_H
#define GR_PLAN_STORE_H

#include "gradus/plan.h"
#include "plan/backend.h"

enum { GR__GRANULE = 64 };

/* Bytes rounded up to whole granules, at least one: every tensor has an address of its own. */
static inline size_t gr__granules(uint64_t bytes)
{
    return bytes == 0 ? GR__GRANULE : (size_t)((bytes + GR__GRANULE - 1) / GR__GRANULE * GR__GRANULE);
}

const gr_backend *gr__store_backend(const gr_store *s);
bool gr__store_sealed(const gr_store *s);
/* Numbers of an entry of a sealed store, `stride` apart from the first-th on: pieces of what gr_store_read and
 * gr_store_write do. */
void gr__store_get(const gr_store *s, const gr_entry *e, int64_t first, int64_t n, double *values);
void gr__store_put(gr_store *s, const gr_entry *e, int64_t first, int64_t stride, int64_t n, const double *values);

#endif
