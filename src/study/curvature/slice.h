/* The cost along lines and planes through a model's weights. [Goodfellow et al. 2015; Li et al. 2018] */
#ifndef GR_STUDY_CURVATURE_SLICE_H
#define GR_STUDY_CURVATURE_SLICE_H

#include "study/curvature/surface.h"

typedef struct gr_slice_options {
    /* NULL: along random directions, of which each filter (what one index of a tensor's first axis holds) has the norm
     * of the weights', and biases and whatever else has one axis stay [Li et al. 2018, filter normalisation]: so curves
     * of networks of different scales compare. Else along the line to this model, running statistics included, so that
     * 1 is that model itself. */
    const gr_model *other;
    bool plane;       /* over two random directions; not with `other` */
    int points;       /* of a side, 2 or more */
    double low, high; /* a goes from low to high, and so does b; where 0 is among the places, it is the model itself */
    uint64_t seed;
    const volatile sig_atomic_t *stop;                         /* may be NULL; non-zero: GR_E_INTERRUPTED */
    void (*progress)(void *user, const char *what, int point); /* may be NULL; before each point */
    void *user;
} gr_slice_options;

typedef struct gr_slice_point {
    double a, b, cost; /* weights + a d1 + b d2; b 0 on a line; a cost that is not finite is NaN */
} gr_slice_point;

/* out has room for all points, `points` or their square: a runs through within each b. The surface has its weights
 * again afterwards. GR_E_FORMAT and others where `other` is of another network. */
gr_status gr__slice(gr_surface *s, const gr_slice_options *o, gr_slice_point *out);

#endif
