/* What recurrent layers share: all but the arithmetic of one step. */
#ifndef GR_NN_RECURRENT_H
#define GR_NN_RECURRENT_H

#include "nn/layer.h"

enum { GR__MAX_GATES = 4, GR__MAX_CARRIED = 2 };

typedef struct gr__cell {
    int gates;              /* blocks of the parameters, each of as many rows as there are units */
    int carried;            /* values carried from step to step; the first is what the layer gives */
    uint32_t inner_bias;    /* bit k: gate k keeps bias_hh apart from bias_ih, and step() gets it */
    const char *usual_bias; /* the initialiser of bias_ih, which `init:` may set by this name; NULL: that of biases */
    gr_follow follow;       /* what the sums meet, for initialisers */
    /* One step, in the graph of the body: what the gates get from the input and from the state before, and the bias
     * apart (GR_NONE for others); state becomes the new one. */
    void (*step)(gr_graph *g, const gr_val *input, const gr_val *hidden, const gr_val *bias, gr_val *state);
} gr__cell;

#define GR__RECURRENT_ROWS                                                                                        \
    GR_ROW("units", INT, NULL, "[1,1000000000]", "1", "numbers of the state, which are the outputs a direction"), \
        GR_ROW("layers", INT, "1", "[1,1000]", "1", "how many stand on one another"),                             \
        GR_ROW("bidirectional", BOOL, "false", "", "",                                                            \
               "also from the last step to the first; outputs are forward's, then the other's"),                  \
        GR_ROW("return", CHOICE, "last", "last|sequence", "",                                                     \
               "the state after the last step of each direction, or that of every step")

/* x [samples, steps, features] -> [samples, units] or [samples, steps, units], twice the units for two directions. */
gr_val gr__recurrent_build(gr_build *b, const gr_settings *s, gr_val x, const gr__cell *cell);

#endif
