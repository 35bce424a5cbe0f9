/* A network's cost cut into stages: a layer's sums, its activation, the next layer's sums, ... Each stage is a function
 * of the values before it, so its derivatives are local, and the chain rule multiplies them. They are read from the
 * graph: no formula of a layer or a cost stands here. */
#ifndef GR_STUDY_DERIVATIVE_STAGES_H
#define GR_STUDY_DERIVATIVE_STAGES_H

#include "study/derivative/slopes.h"

/* A value at which the graph is cut. */
typedef struct gr_place {
    const char *name;    /* "h.weight", "input", "h.z" (sums), "h" (what layer h gives), "L" (the cost) */
    const char *through; /* what computes it: "dense", "relu", "cross_entropy"; "" where nothing does */
    gr_shape shape;
    int64_t count;
    const gr_entry_spec *entry; /* of a parameter; else NULL */
    const double *number;       /* its elements */
    double *slope;              /* of the cost with respect to them, by stages; NULL for parameters */
    gr_val whole;               /* in the network as built */
    gr_val leaf, made; /* in the graph of stages: what later stages read; what computes it, GR_NONE for a parameter */
} gr_place;

typedef struct gr_stage_link gr_stage_link;
typedef struct gr_named_data {
    const char *name;
    const double *data;
} gr_named_data;

typedef struct gr_stages {
    gr_slopes *s;
    gr__bump *memory;
    gr_graph *whole, *parts;
    gr_place *place; /* in the order they are computed; the cost is the last */
    int n;
    uint8_t *mark, *around, *placed; /* of each value of `whole`, while places are looked for */
    gr_stage_link **link;            /* [reader * n + read]; NULL: the reader does not read that place */
    gr_named_data *data;             /* numbers of the leaves of both graphs */
    int n_data;
    const double *prediction; /* the cost's reading of the output: probabilities or values */
    gr_shape prediction_shape;
} gr_stages;

/* Cuts the network of s for the derivative in one parameter, which is place 0; evaluates it, and the slope at every
 * place from the cost back. */
gr_status gr__stages_open(gr_slopes *s, const char *parameter, gr__bump *memory, gr_stages *out);
void gr__stages_close(gr_stages *g); /* a zeroed one is fine; memory stays */
/* Does a stage read that place directly? */
bool gr__stages_reads(const gr_stages *g, int reader, int read);
/* d reader[k] / d read[element] for every k; all other places held still. column has as many numbers as the reader. */
gr_status gr__stages_column(gr_stages *g, int reader, int read, int64_t element, double *column);
/* Where column[k] (= local) is exactly one element of a place or parameter (a weight, an input), its name into text:
 * "head.weight[3,0]"; else "". */
gr_status gr__stages_factor(gr_stages *g, int reader, int read, int64_t element, int64_t k, double local, char *text,
                            size_t n);
/* "h.z[0,3]"; parameters as files have them; of a batch of one the first index is left out. Returns text. */
const char *gr__stages_name(const gr_stages *g, int place, int64_t element, char *text, size_t n);

#endif
