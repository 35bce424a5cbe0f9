/* Data that a program has: samples made of named fields, in its own memory or given by its own function.
 *
 * A trainer takes it in the place of a recipe's sources (gradus/trainer.h), a model predicts of it and is evaluated on
 * it (gradus/model.h). Numbers are those of the raw data, whole or real: whatever the recipe's `prepare` does, the
 * library does. Recipes that are trained with it say `data: {train: program}`. */
#ifndef GRADUS_DATA_H
#define GRADUS_DATA_H

#include "gradus/graph.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct gr_data gr_data;

typedef enum gr_part { GR_PART_TRAIN, GR_PART_VALIDATION, GR_PART_TEST, GR_PARTS } gr_part;

typedef enum gr_data_role { GR_DATA_INPUT, GR_DATA_TARGET, GR_DATA_WEIGHT, GR_DATA_LENGTH } gr_data_role;

/* Of the numbers as they stand in memory, in this machine's order of bytes. */
typedef enum gr_data_type {
    GR_DATA_U8,
    GR_DATA_I8,
    GR_DATA_U16,
    GR_DATA_I16,
    GR_DATA_U32,
    GR_DATA_I32,
    GR_DATA_U64,
    GR_DATA_I64,
    GR_DATA_F16,
    GR_DATA_F32,
    GR_DATA_F64
} gr_data_type;

enum { GR_DATA_FIELD_VERSION = 1 };

/* One field of every sample. Only version, role, type, shape and one of values and read must be given. */
typedef struct gr_data_field {
    unsigned version; /* GR_DATA_FIELD_VERSION */
    gr_data_role role;
    const char *name; /* INPUT: of the recipe's input; TARGET: of its head; LENGTH: of the input whose steps it counts.
                         NULL: the only one */
    gr_data_type type;
    gr_shape shape;     /* of one sample: pictures [height, width, channels], sequences [length, features], a class or a
                           number GR_SCALAR */
    const void *values; /* n samples, one after the other, each in C order. They stay where they are, and as they are,
                           as long as the data is used */
    /* INPUT: instead of values, gives the numbers of one sample when they are wanted. Up to 1 GiB (`hold` of a recipe)
     * each is read once and kept; beyond, once an epoch. GR_OK, or what is wrong, which ends what was asked. */
    gr_status (*read)(void *user, int64_t sample, void *values);
    void *user;
    bool any_thread; /* read may be called by several threads at a time; otherwise by one after the other */
    const char *const
        *class_names; /* TARGET, of classes: what they are called, in their order; NULL: they are numbers */
    int n_classes;
} gr_data_field;

/* Data of n samples, without fields yet. GR_E_RANGE: no n. */
GR_API GR_CHECKED gr_status gr_data_create(gr_context *ctx, int64_t n, gr_data **out);
GR_API void gr_data_destroy(gr_data *d); /* NULL is fine. Before its context, behind whatever uses it */
/* Adds a field; names are copied. GR_E_UNSUPPORTED: the version; GR_E_USAGE: what must be given is not, or does not go
 * together; GR_E_EXISTS: such a field is there already. Whether the fields are those of a recipe, and the numbers such
 * as it can be trained with, is held against it by whoever takes the data. */
GR_API GR_CHECKED gr_status gr_data_add(gr_data *d, const gr_data_field *field);
GR_API int64_t gr_data_samples(const gr_data *d);

#ifdef __cplusplus
}
#endif
#endif
