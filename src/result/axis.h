/* One axis of a plot: its range, where a number stands, its ticks. */
#ifndef GR_RESULT_AXIS_H
#define GR_RESULT_AXIS_H

#include "result/plot.h"

typedef struct gr_scale {
    bool log;
    double low, high;         /* low < high, finite; positive where log */
    double from, to;          /* pixels of low and high */
    const char *const *words; /* as gr_axis */
} gr_scale;

/* The range of an axis from the finite (and, where log, positive) numbers that were added; makes sense of none, one, or
 * equal ones. */
typedef struct gr_range {
    double low, high;
    bool any;
} gr_range;
void gr__range_add(gr_range *r, bool log, const double *x, size_t n);
gr_scale gr__scale_make(const gr_axis *a, const gr_range *r);
/* Pixel of v; NaN where it has none. Far outside it stays far outside, but finite. */
double gr__scale_at(const gr_scale *s, double v);

typedef struct gr_tick {
    double at;
    char text[24]; /* "0.25", "10", "2×10"; "" for a line without label */
    int exponent;
    bool has_exponent;
} gr_tick;
enum { GR_MAX_TICKS = 64 };
/* Fills at most GR_MAX_TICKS ticks, labelled ones about `spacing` pixels apart or more; returns how many. */
int gr__scale_ticks(const gr_scale *s, double spacing, gr_tick *ticks);

#endif
