/* A model as programs hold it: what the file says, and a predictor that is kept from call to call. Floor 8. */
#ifndef GR_API_MODEL_H
#define GR_API_MODEL_H

#include "train/raw.h"

typedef struct gr_served { /* the model first: what programs hold points to it */
    gr_model model;
    gr_ready ready;
    int64_t width[GR_MAX_TARGETS]; /* 0: not known yet */
    bool warned;                   /* of input that looks prepared */
} gr_served;

#endif
