/* Updates to a target by batch size, of three small models: what figure 4.7 and table 4.1 show. */
#ifndef GR_STUDY_LAB_SCALED_H
#define GR_STUDY_LAB_SCALED_H

#include "study/lab/training.h"
#include "study/search/scaling.h"

enum { GR_SCALED_MODELS = 3 };
extern const char *const gr__scaled_words[]; /* "simple CNN", "residual CNN", "transformer"; NULL-ended */
extern const gr_row gr__scaled_rows[];       /* settings of a figure that measures them */
enum { GR_SCALED_ROWS = 4 };

/* The study of one, by the figure's settings. */
gr_status gr__lab_scale(gr_lab *lab, int model, gr_scaling *out);

#endif
