/* A learning rate for a recipe: the grid from several seeds, the finder, and whether they tell the same.
 * [mission H7, H8; the chapter, 4.5.4] */
#ifndef GR_STUDY_SEARCH_LR_H
#define GR_STUDY_SEARCH_LR_H

#include "study/search/finder.h"

enum { GR_LR_SEEDS = 10, GR_LR_WHY = 400 };

typedef enum gr_lr_method { GR_LR_GRID, GR_LR_FINDER, GR_LR_BOTH } gr_lr_method; /* BOTH: the grid suggests */

typedef struct gr_lr_options {
    gr_lr_method method;
    gr_rates_options grid, finder; /* but for stop and watch */
    int seeds;                     /* of weights and order: the recipe's and those after it */
    const volatile sig_atomic_t *stop;
    const gr_watch *watch;
} gr_lr_options;

typedef struct gr_lr_range {
    double low, high; /* over the seeds; NaN: of some seed it was not finite */
} gr_lr_range;

typedef struct gr_lr {
    int seeds;
    gr_rates grid; /* means over the seeds; a rate diverged where it did from any of them */
    gr_lr_range cost[GR_MOST_RATES];
    gr_finder finder;     /* means too, up to where the first of them ended */
    gr_lr_range valley;   /* of each seed by itself */
    double suggested;     /* NaN: none */
    bool compared, agree; /* the second: the finder's valley is a rate that the grid finds no fault with */
    char why[GR_LR_WHY];  /* that, with the figures it rests on; or why nothing is suggested */
} gr_lr;

/* Trains on a store of its own and writes nothing. GR_E_UNSUPPORTED: the optimizer has no rate. */
gr_status gr__lr_find(gr_context *ctx, const gr_recipe *r, const gr_lr_options *o, gr_lr *out);
/* Sets `suggested`, `agree` and `why`. */
void gr__lr_judge(const gr_lr_options *o, gr_lr *l);

#endif
