/* Data that a program gives: what stands behind `gr_data`, and behind sources of the type `program`. Floor 5. */
#ifndef GR_DATA_GIVEN_H
#define GR_DATA_GIVEN_H

#include <pthread.h>

#include "data/data.h"
#include "gradus/data.h"

typedef struct gr_given_field {
    gr_data_field is; /* with names of its own */
    struct gr_data *of;
} gr_given_field;

struct gr_data {
    gr_context *ctx;
    gr__bump *memory;
    int64_t n;
    gr_given_field field[GR_MAX_FIELDS];
    int n_fields;
    pthread_mutex_t one_at_a_time; /* of functions that are not for any thread */
    gr_set set;                    /* instead of fields: a file, read as a model's training data was */
    bool read;                     /* it has that */
};

/* The numbers of a sample of a field with a function. name: what messages call it. */
gr_status gr__given_read(gr_context *ctx, const gr_given_field *f, const char *name, int64_t sample, void *values);
/* The inputs that o->wants has, as a set, for prediction; sample: the shape that the model takes of each. */
gr_status gr__given_raw(gr_context *ctx, const gr_data *d, const gr_shape *sample, const gr_source_options *o,
                        gr_set *out);

#endif
