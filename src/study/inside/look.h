/* A model looked at from inside, over a part of its data: what every layer gives, which units give nothing, where
 * gradients fade, what the first filters look like. [mission X6] */
#ifndef GR_STUDY_INSIDE_LOOK_H
#define GR_STUDY_INSIDE_LOOK_H

#include "result/sheet.h"
#include "train/filters.h"
#include "train/inside.h"

typedef struct gr_look_options {
    gr_part part;
    int64_t samples;                                         /* at most, drawn by the recipe's seed; 0: all */
    const volatile sig_atomic_t *stop;                       /* may be NULL; non-zero: GR_E_INTERRUPTED */
    void (*progress)(void *user, int64_t done, int64_t all); /* may be NULL; samples, before each batch */
    void *user;
} gr_look_options;

/* Of what a layer gives over all samples, and over the first batch of the slope of a sample's cost with respect to it.
 */
typedef struct gr_look_layer {
    const char *name, *type;
    gr_shape shape; /* of a sample */
    gr_histogram given, slope;
    const gr_layer *activation; /* that makes these numbers last; NULL: none */
    bool rectified;             /* by a rectifier */
    int64_t units;              /* along the last axis */
    int64_t off;                /* of them those that give 0 for all that is seen */
    int64_t seen;               /* numbers of each unit */
    double saturated;           /* share of the numbers at an end of the activation's range; NaN: it has none */
    gr_raster map;              /* what it gives for the first sample, a tile a channel; width 0: it gives no picture */
} gr_look_layer;

typedef struct gr_look_tensor {
    const char *name;
    int layer; /* the layer of the stack that it belongs to; -1: none alone */
    gr_role role;
    gr_histogram weights, gradients; /* of the first batch's mean cost */
} gr_look_tensor;

typedef struct gr_look {
    gr_context *ctx;
    gr__bump *memory;
    const char *name; /* of the recipe */
    const char *part;
    int64_t step;           /* updates that the model has seen, as far as its file says */
    int64_t samples, batch; /* looked at; those of the batch that slopes and gradients are of */
    double cost;            /* the mean over the samples' batches, weights of samples apart */
    gr_look_layer *layer;
    int n_layers;
    gr_look_tensor *tensor;
    size_t n_tensors;
    bool has_filters;
    gr_filters filters;
    double *filter; /* their numbers */
    gr_edge_score edges;
} gr_look;

/* m NULL: the recipe's initial values. Numbers are those of evaluation: nothing is left out at random, norms take their
 * running statistics. */
gr_status gr__look_open(gr_context *ctx, const gr_recipe *r, const struct gr_model *m, const gr_look_options *o,
                        gr_look *out);
void gr__look_close(gr_look *l); /* a zeroed one is fine */
/* Of a layer behind a rectifier, the share of its units that give nothing; NaN: there is no rectifier, or too little
 * was seen to tell. */
double gr__look_off(const gr_look_layer *l);
#define GR_LOOK_MOST_OFF 0.4       /* of a layer's units: beyond that little is learned through them [X14] */
#define GR_LOOK_MOST_SATURATED 0.5 /* of its numbers */

/* A card with the filters of a first convolution and how much of them is edges. */
void gr__look_filters_card(const gr_filters *filters, const double *numbers, const gr_edge_score *edges, gr_sheet *s);
/* Cards of the first filters and of layers: those that `shown` says, all where it is NULL. */
gr_status gr__look_sheet(const gr_look *l, const bool *shown, gr_sheet *s);
/* The same as an event file in this folder, which is made where it is not there; an older one is written anew. */
gr_status gr__look_events(const gr_look *l, const bool *shown, const char *folder);

#endif
