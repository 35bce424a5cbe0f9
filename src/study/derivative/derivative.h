/* One derivative of a recipe's own model, by the chain rule: from the cost back to a weight, stage by stage, as
 * products and sums with their numbers. [mission P4, P5, FIG4.10] */
#ifndef GR_STUDY_DERIVATIVE_H
#define GR_STUDY_DERIVATIVE_H

#include "model/model.h"
#include "train/train.h"

/* ---- which ---- */
typedef struct gr_target_element {
    const char *name; /* "h.weight[3,2]": as files have it */
    size_t parameter; /* of gr__network_params */
    int64_t offset;   /* in memory */
    int layer;        /* of w[layer] and b[layer]; -1 where there is no such number */
} gr_target_element;
bool gr__derivative_is(const char *text); /* does it begin as dL/d does? */
/* Reads "dL/dw[0][3,2]", "dL/db[0][3]" or "dL/dc1.weight[3,0,1,2]". w[k] is the k-th tensor of weights in the order of
 * use, from 0, b[k] the bias of the same layer; indices are those of the file. GR_E_NAME, GR_E_RANGE, GR_E_USAGE. */
gr_status gr__derivative_find(gr_context *ctx, const char *text, const gr_param_info *params, size_t n,
                              gr__bump *memory, gr_target_element *out);

/* ---- the chain ---- */
typedef struct gr_chain_term { /* dL/d(of) times d(of)/d(element) */
    const char *of;            /* "head.z[2]" */
    double slope;              /* dL/d(of) */
    double local;              /* d(of)/d(element) */
    const char
        *factor; /* what the local derivative is: "head.weight[2,3]"; "" where it is no single number of the model */
} gr_chain_term;

typedef struct gr_chain_step { /* dL/d(element) as a sum over what reads the element */
    const char *of;            /* "h[3]" */
    const char *through;       /* what reads it: `dense "head"`, `relu in "h"` */
    double value;              /* the element itself, forward */
    gr_chain_term *term;       /* the largest, in the order of their elements */
    int n;
    int64_t left_out; /* smaller ones, or beyond the number asked for; their sum */
    double rest;
    double slope; /* dL/d(element): the sum */
} gr_chain_step;

typedef struct gr_derivative_options {
    const char *what;
    const gr_model *model; /* or NULL: the recipe's initial weights */
    gr_mode mode;
    int64_t first, batch; /* samples of the training part, as it lists them */
    int most;             /* terms of a sum, and elements of a stage */
} gr_derivative_options;

typedef struct gr_forward_row {
    const char *name;
    double value;
} gr_forward_row;

typedef struct gr_derivative {
    gr_target_element element;
    gr_shape shape;           /* of its tensor, in files */
    const char *kind, *layer; /* what it belongs to: "dense", "h" */
    const uint32_t *row;      /* rows of the set that make up the batch */
    int64_t samples;
    const char *cost_name, *reduction;
    double cost;
    gr_forward_row *forward; /* what it multiplies, then values on the way to the cost, predictions and targets */
    int n_forward;
    gr_chain_step *step; /* from the cost back; the last is the derivative itself */
    int n_steps;
    double chain, compiled, difference;
    double tolerance; /* absolute: what `difference` may be off */
    bool agree;
    double forward_operations,
        backward_operations;  /* of the whole pass over these samples, for every derivative at once */
    double backward_products; /* of these: multiplications and additions of matrix products and convolutions */
    int64_t parameters;
} gr_derivative;
/* Everything in memory. Disagreement is no error: see `agree`. */
gr_status gr__derivative(gr_context *ctx, const gr_recipe *r, const gr_derivative_options *o, gr__bump *memory,
                         gr_derivative *out);

#endif
