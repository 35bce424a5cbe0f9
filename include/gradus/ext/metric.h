/* Metrics from outside the tree: known to recipes of the context (`metrics:`, `stop.best`), to its evaluations and to
 * gr_tally_figure of gradus/tally.h. */
#ifndef GRADUS_EXT_METRIC_H
#define GRADUS_EXT_METRIC_H

#include "gradus/settings.h"
#include "gradus/tally.h"

#ifdef __cplusplus
extern "C" {
#endif

enum { GR_METRIC_VERSION = 1 };

typedef struct gr_metric_descriptor {
    unsigned version;      /* GR_METRIC_VERSION; another one is refused */
    const char *name;      /* at most 60 small letters, digits and _; new among metrics */
    const char *title;     /* one line */
    const char *cite;      /* where it is from; NULL: nowhere */
    const char *equations; /* plain text, '\n' between lines; NULL: none */
    const gr_setting *settings;
    int n_settings;
    unsigned forms; /* of targets that it is for: a mask of GR_TALLY_CLASSES and so on */
    bool lower;     /* the lower the better */
    /* The figure, of what a pass has counted; NaN: it has none. */
    double (*value)(void *user, const gr_settings *s, const gr_tally *t);
    void *user; /* given to value; must live as long as the context */
} gr_metric_descriptor;

/* Gives the context a metric. The descriptor and all texts are copied. GR_E_UNSUPPORTED: unknown version; GR_E_EXISTS:
 * a metric of that name; GR_E_USAGE: a descriptor that says nonsense, told in words. */
GR_API GR_CHECKED gr_status gr_metric_register(gr_context *ctx, const gr_metric_descriptor *d);

#ifdef __cplusplus
}
#endif
#endif
