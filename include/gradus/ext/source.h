/* Sources of data from outside the tree: known to recipes of the context (`data.train: {type: NAME, ...}`). */
#ifndef GRADUS_EXT_SOURCE_H
#define GRADUS_EXT_SOURCE_H

#include "gradus/graph.h"
#include "gradus/settings.h"

#ifdef __cplusplus
extern "C" {
#endif

enum { GR_SOURCE_VERSION = 1 };

typedef struct gr_source_call { /* what a source is asked with */
    const gr_settings *settings;
    const char *folder; /* where relative paths of the settings start */
    uint64_t seed;      /* of the run, for what is made at random */
} gr_source_call;

typedef struct gr_source_shape {    /* what it has */
    int64_t n;                      /* samples */
    gr_shape input;                 /* of one sample, without an axis of samples */
    int64_t classes;                /* targets are classes 0 to classes - 1; 0: values */
    gr_shape target;                /* of values, of one sample; of classes not read */
    const char *const *class_names; /* `classes` of them, copied; NULL: none */
} gr_source_shape;

typedef struct gr_source_descriptor {
    unsigned version;      /* GR_SOURCE_VERSION; another one is refused */
    const char *name;      /* at most 60 small letters, digits and _; new among sources */
    const char *title;     /* one line */
    const char *cite;      /* where it is from; NULL: nowhere */
    const char *equations; /* plain text, '\n' between lines; NULL: none */
    const gr_setting *settings;
    int n_settings;
    /* Says what there is, without reading it all: plans are made from it. The same answer for the same call. Wrong
     * settings or files: gr_setting_fail(...). */
    gr_status (*describe)(void *user, const gr_source_call *c, gr_source_shape *out);
    /* Samples first to first + n - 1: n times the input's numbers, and n times the target's (a class as its number).
     * Called on one thread, in order, before training. Numbers that are not finite are refused (GR_E_DATA). */
    gr_status (*read)(void *user, const gr_source_call *c, int64_t first, int64_t n, double *inputs, double *targets);
    void *user; /* given to both; must live as long as the context */
} gr_source_descriptor;

/* Gives the context a source. The descriptor and all texts are copied. GR_E_UNSUPPORTED: unknown version; GR_E_EXISTS:
 * a source of that name; GR_E_USAGE: a descriptor that says nonsense, told in words. */
GR_API GR_CHECKED gr_status gr_source_register(gr_context *ctx, const gr_source_descriptor *d);

#ifdef __cplusplus
}
#endif
#endif
