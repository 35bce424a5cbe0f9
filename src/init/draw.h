/* What initialisers share: filling with random numbers, and settings that are a number or a word. */
#ifndef GR_INIT_DRAW_H
#define GR_INIT_DRAW_H

#include "init/init.h"

/* All with mean 0 but for `mean`. A truncated normal is cut at twice the standard deviation of what is cut; corrected,
 * the result has `std`, else what is cut has it and the result 0.88 of it. */
void gr__draw_normal(const gr_init_target *t, double mean, double std, double *values);
void gr__draw_truncated_normal(const gr_init_target *t, double std, bool corrected, double *values);
void gr__draw_uniform(const gr_init_target *t, double bound, double *values);

/* ---- for members with the rows `distribution` and `correct` ---- */
#define GR_ROW_CORRECT                                \
    GR_ROW(                                           \
        "correct", BOOL, "none", "true or false", "", \
        "truncated_normal: whether the result has the standard deviation (so unless given), or what is cut (PyTorch)")
gr_status gr__draw_check(gr_context *ctx, const gr_settings *s); /* `correct` belongs to truncated_normal alone */
void gr__draw(const gr_init_target *t, const gr_settings *s, double std, double *values);

/* ---- for members with a row `gain`: a number > 0, or auto ---- */
gr_status gr__gain_check(gr_context *ctx, const gr_settings *s);
double gr__gain(const gr_settings *s, const gr_param_info *p); /* auto: PyTorch's for what follows the layer */

/* A TREE row that takes a number within range, or one word. */
gr_status gr__number_or_word(gr_context *ctx, const gr_settings *s, const char *name, const char *range,
                             const char *word);

#endif
