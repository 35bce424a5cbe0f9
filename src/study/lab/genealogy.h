/* Optimizers, and the identities by which each moves as an older one. */
#ifndef GR_STUDY_LAB_GENEALOGY_H
#define GR_STUDY_LAB_GENEALOGY_H

#include <stdbool.h>

enum {
    GD,
    SGD,
    SGDM,
    NAG,
    ADAGRAD,
    RMSPROP,
    ADADELTA,
    ADAM,
    ADAMW,
    AMSGRAD,
    NADAM,
    NOVOGRAD,
    RADAM,
    LARS,
    LAMB,
    ADAHESSIAN,
    LOOKAHEAD,
    SWA,
    RANGER,
    RANGERLARS,
    SWATS,
    SWITCH,
    ADAN, /* from here on: not of the chapter */
    LION,
    SOPHIA,
    PRODIGY,
    FREE_SGD,
    FREE_ADAMW,
    MUON,
    METHODS
};

typedef enum gr_kin_gradients {
    NORMAL,   /* N(0, 1) */
    TINY,     /* so small that eps is all there is below the line */
    RISING,   /* each larger than all before */
    ONE_SIZE, /* one size in an update, any signs */
    CONSTANT, /* of one size always, any signs */
} gr_kin_gradients;
enum { GR_KIN_NUMBERS = 5 }; /* in the tensor that is moved */
#define GR_KIN_TINIEST 1e-20 /* of TINY */
#define GR_KIN_STEADY 0.75   /* the size of CONSTANT */
#define GR_KIN_LR 0.1
double gr__kin_size(int t); /* of ONE_SIZE, at update t */

typedef struct gr_kin_side {
    const char *set, *lookahead, *average; /* as in a recipe */
    double (*rate)(int t);                 /* of update t, from 1; NULL: LR */
} gr_kin_side;

typedef struct gr_kin {
    int child, parent;
    const char *condition; /* short, for the drawing */
    gr_kin_side a, b;      /* child, parent */
    gr_kin_gradients g;
    bool bias;        /* for a bias: tensors without a trust ratio */
    double tolerance; /* of the weights */
} gr_kin;
enum { GR_KINS = 35 };
extern const gr_kin gr__genealogy[GR_KINS];

#endif
