/* Filling with random numbers: what initialisers share. */
#ifndef GR_INIT_DRAW_H
#define GR_INIT_DRAW_H

#include "nn/families.h"

/* All with mean 0 but for `mean`; std is that of the result, also when truncated (at twice the standard deviation of what is cut). */
void gr__draw_normal(const gr_init_target *t, double mean, double std, double *values);
void gr__draw_truncated_normal(const gr_init_target *t, double std, double *values);
void gr__draw_uniform(const gr_init_target *t, double bound, double *values);
/* By the words of a row `distribution`: truncated_normal, normal or uniform. */
void gr__draw(const gr_init_target *t, const char *distribution, double std, double *values);

#endif
