/* Curves of runs: what their metrics hold, as plots. */
#ifndef GR_STUDY_REPORT_CURVES_H
#define GR_STUDY_REPORT_CURVES_H

#include "result/plot.h"
#include "train/history.h"

typedef struct gr_curves_of { /* a run */
    const char *label;
    const gr_history *history;
    double best; /* the update of its best model; NaN: not to be shown */
} gr_curves_of;

typedef struct gr_curves_options {
    const char *x, *unit; /* a key of a line, "step", and what it is called, "updates" */
    bool log;             /* a logarithmic axis for the cost; */
    bool fitting;         /* or for whatever reaches over so many sizes that no other shows it */
    bool means;           /* training costs as means between evaluations too, where they are there */
    bool norm;            /* the gradient's norm too */
    int width, height;    /* of a plot */
} gr_curves_options;

/* Plots of cost, errors, rate and what else is asked for, of those that have numbers; in b. */
gr_status gr__curves(gr__bump *b, const gr_curves_of *runs, int n, const gr_curves_options *o, gr_plot **plots,
                     int *n_plots);

#endif
