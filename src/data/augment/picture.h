/* Pictures as augmentations see them. Private to the members. */
#ifndef GR_DATA_AUGMENT_PICTURE_H
#define GR_DATA_AUGMENT_PICTURE_H

#include "data/augment.h"

typedef struct gr__picture {
    int64_t height, width, channels;
} gr__picture;

/* [H, W, C], or [H, W] of one channel. GR_E_SHAPE where samples are something else: `what` needs pictures. */
gr_status gr__picture_of(gr_context *ctx, gr_shape shape, const char *what, gr__picture *out);
/* A number from low to high, of a row that is one number (from -x, or 1 - x, to the same above) or a list [low, high].
 */
typedef struct gr__between {
    double low, high;
} gr__between;
gr_status gr__between_of(gr_context *ctx, const gr_settings *s, const char *row, double centre, gr__between *out);
double gr__between_draw(const gr__between *b, gr__rng *r);

/* Every pixel (y, x) becomes that at centre + (a b; c d) (offset from the centre), between four neighbours; beyond the
 * border stands the pixel at the border. copy: room for the picture. */
typedef struct gr__turn {
    double yy, yx, xy, xx;
} gr__turn;
void gr__picture_turn(const gr__picture *p, const gr__turn *t, float *x, float *copy);
size_t gr__picture_bytes(const gr__picture *p);

#endif
