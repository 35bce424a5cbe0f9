/* What the layers are given of a part's samples: their inputs after all preparation, a few hundred of them. */
#ifndef GR_STUDY_CHECK_SEEN_H
#define GR_STUDY_CHECK_SEEN_H

#include "study/check/rule.h"

typedef struct gr_seen_input {
    int64_t width, channels;  /* numbers of a sample; along the last axis, of a row of numbers all of them */
    double *mean, *square;    /* of each number over the samples: its mean, and its variance; */
    double *cube, *fourth;    /* its third and fourth central moment; */
    double *low, *high;       /* and its extremes */
    int64_t nonfinite, still; /* samples that hold what is not finite; whose numbers are all the same */
    int64_t alike;            /* that are equal to the sample before */
} gr_seen_input;

typedef struct gr_seen {
    int64_t n; /* samples */
    gr_seen_input input[GR_MAX_INPUTS];
} gr_seen;

/* Samples of a part, spread evenly over it; each is given to `look` (may be NULL) with its row as well. In memory of b.
 */
typedef void gr_seen_look(void *user, int input, uint32_t row, const void *numbers, int64_t at);
gr_status gr__seen_take(gr_probe *p, gr__bump *b, gr_part part, gr_seen_look *look, void *user, gr_seen *out);

/* Rows of a part, spread evenly, in full batches: the last is filled up from the beginning. Free them. */
gr_status gr__seen_rows(const gr_probe *p, gr_part part, int64_t most, gr_rows *out);
/* A loader of these rows as they are evaluated, in the probe's batches. rows stay where they are. */
gr_status gr__seen_loader(const gr_probe *p, gr_part part, const gr_rows *rows, gr_loader **out);

#endif
