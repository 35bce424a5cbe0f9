/* Of plans whose gradients end with the updates that read them (gr_plan_options.release). */
#ifndef GR_PLAN_EARLY_H
#define GR_PLAN_EARLY_H

#include "gradus/plan.h"

/* Did the last run fail at a guard of single assignments, when others had been done? */
bool gr__plan_spoilt(const gr_plan *p);
/* Bytes of gradients that do not stand for the whole step, and how many they are. */
size_t gr__plan_released(const gr_plan *p, int *n);

#endif
