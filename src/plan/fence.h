/* Under AddressSanitizer the arena is closed while an instruction runs, but for what it was given: one element
 * read or written beyond an operand, its shared memory or a worker's scratch is an error at that place, also where the
 * memory of another value begins there. In other builds nothing of this exists. */
#ifndef GR_PLAN_FENCE_H
#define GR_PLAN_FENCE_H

#include "plan/plan.h"

#if defined(__SANITIZE_ADDRESS__)
#define GR__FENCED 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define GR__FENCED 1
#endif
#endif

#ifdef GR__FENCED
void gr__fence_close(const gr_plan *p, const gr__instruction *in);
void gr__fence_open(const gr_plan *p);
#else
static inline void gr__fence_close(const gr_plan *p, const gr__instruction *in)
{
    (void)p, (void)in;
}
static inline void gr__fence_open(const gr_plan *p)
{
    (void)p;
}
#endif

#endif
