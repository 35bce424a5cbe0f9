/* What steps of preparation share. Private to this folder. Floor 5. */
#ifndef GR_DATA_PREPARE_H
#define GR_DATA_PREPARE_H

#include "data/moments.h"

/* Numbers that stand on the stack at once. */
enum { GR_PIECE = 256 };

/* ---- steps that treat every number by itself: their lists are of one number, one a channel or one an element ---- */

/* How many numbers from element e on, of `left`, meet numbers *k, *k + 1, ... of a list of n: or all meet the one. */
static inline int64_t gr__step_run(int n, int64_t e, int64_t left, int64_t *k)
{
    *k = n == 1 ? 0 : e % n;
    return n == 1 ? left : GR_MIN(n - *k, left);
}
/* How long the step's lists are. */
int gr__step_n(const gr_prepared *p);
/* A list as it goes with x [batch, sample]. */
gr_val gr__step_list(gr_graph *g, gr_val x, const gr_prepared *p, int list);
/* The same as large as x. */
gr_val gr__step_spread(gr_graph *g, gr_val x, const gr_prepared *p, int list);
/* y where the list says 1, x where it says 0; y where there is no list. */
gr_val gr__step_only(gr_graph *g, gr_val x, gr_val y, const gr_prepared *p, int list);
/* Lists of n numbers each from the first on, from one block; false on failure. */
bool gr__step_lists(const gr__fitting *f, gr_prepared *p, int lists, int n);

/* A list that is a shape: 1 to 3 whole sizes from 1 on. */
bool gr__step_shape(const gr_prepared *p, int list, gr_shape *out);

/* affine.c: the lists of affine steps, and their arithmetic. */
enum { GR__SUB, GR__MUL, GR__ADD };
gr_val gr__affine_build(gr_graph *g, const gr_prepared *p, gr_val x);
void gr__affine_values(const gr_prepared *p, const gr__before *in, int64_t first, double *x, int64_t count);
int64_t gr__affine_undo(const gr_prepared *p, double *x, int64_t count);
/* Of a step that leaves whatever it gives as it is. */
int64_t gr__same_undo(const gr_prepared *p, double *x, int64_t count);
/* 1 / spread, or 1 where float32 has no such number: a constant. */
double gr__by_spread(double spread);

/* ---- training rows ---- */

/* What the source has of training row i, which holds until the next call. NULL: it cannot be read (error kept). */
const void *gr__fitting_sample(const gr__fitting *f, int64_t i);

/* ---- columns ---- */

/* Which of the sample's numbers the step is for: those of its row `columns`, or all; never those that say whether they
 * are a category, and those that are one only where `categories`. *mask NULL: all. In f->b. */
gr_status gr__fitting_mask(const gr__fitting *f, bool categories, const bool **mask);
#define GR__COLUMNS_ROW                                                                                          \
    {                                                                                                            \
        .name = "columns", .kind = GR_ROW_TREE, .value = "none", .range = "a list of names or places from 0 on", \
        .unit = "", .help = "of a table: the columns that it is for; without it all that hold numbers"           \
    }
/* How many lists' numbers: one, where they need not differ, else one a group; and which group element e is in. */
static inline int gr__mask_groups(const gr__fitting *f, const bool *mask, int n)
{
    return mask ? (int)gr_shape_count(f->sample) : n;
}
/* How many channels samples have: the last axis. */
int64_t gr__fitting_channels(const gr__fitting *f);
/* How many numbers the data's samples have, after the steps before. */
int64_t gr__fitting_width(const gr__fitting *f);
/* GR_E_DATA unless these divide into n groups. */
gr_status gr__fitting_divides(const gr__fitting *f, int n);
/* What messages call group i of n: `column "age"`, or "channel 2". */
const char *gr__fitting_called(const gr__fitting *f, int n, int64_t i, char *text, size_t size);

/* ---- rank.c: order among training rows, of group `g` of n: elements g, g + n, ...; NaN is not there ---- */

/* How many there are, the least and the greatest; NaN where there are none. */
typedef struct gr__extent {
    int64_t n;
    double least, most;
} gr__extent;
gr_status gr__fitting_extents(const gr__fitting *f, int n, gr__extent *out);
/* The quantile q of [0,1], between two by their distance, as NumPy has it; there must be some. */
gr_status gr__fitting_quantile(const gr__fitting *f, int n, int64_t g, int64_t there, double q, double *out);
/* The most frequent value, the least of several. */
gr_status gr__fitting_mode(const gr__fitting *f, int n, int64_t g, int64_t there, double *out);

#endif
