/* What stands inside a plot's frame. */
#ifndef GR_RESULT_MARKS_H
#define GR_RESULT_MARKS_H

#include "result/axis.h"

typedef struct gr_frame {
    gr_scale x, y;                   /* of pixels */
    double left, right, top, bottom; /* top < bottom */
} gr_frame;

/* "#0072B2" of colour 1, 2, ... */
const char *gr__plot_colour(int colour);
/* Rules of a style sheet that turn these into colours for a dark ground. */
void gr__plot_dark(gr__text *out);
void gr__plot_series(gr__text *out, const gr_frame *f, const gr_series *s, int colour);
/* The series' sample in a legend, 24 pixels wide from (x, y). */
void gr__plot_sample(gr__text *out, double x, double y, const gr_series *s, int colour);

#endif
