/* Metrics from outside the tree. */
#include "gradus/ext/metric.h"
#include "api/ext.h"
#include "metric/metric.h"

typedef struct custom {
    gr_metric metric; /* its head first: what settings know of their member */
    double (*value)(void *user, const gr_settings *s, const gr_tally *t);
    void *user;
} custom;

static double value(const gr_settings *s, const gr_tally *t)
{
    const custom *c = (const custom *)s->member;
    return c->value(c->user, s, t);
}

gr_status gr_metric_register(gr_context *ctx, const gr_metric_descriptor *d)
{
    enum { FORMS = GR_TALLY_CLASSES | GR_TALLY_LABELS | GR_TALLY_SHARES | GR_TALLY_VALUES };
    static const char *const taken[] = {"cost", "error", NULL}; /* figures that every evaluation has */
    void *room = NULL;
    if (!d) return gr__fail(ctx, GR_E_USAGE, "there is no descriptor");
    const gr__ext_head h = {.family = &gr__family_metric,
                            .noun = "metric",
                            .version = d->version,
                            .known = GR_METRIC_VERSION,
                            .name = d->name,
                            .title = d->title,
                            .cite = d->cite,
                            .equations = d->equations,
                            .settings = d->settings,
                            .n_settings = d->n_settings,
                            .complete = d->value,
                            .taken = taken};
    gr_status st = gr__ext_make(ctx, &h, sizeof(custom), &room);
    if (st != GR_OK) return st;
    if (d->forms == 0 || d->forms & ~(unsigned)FORMS)
        return gr__fail(ctx, GR_E_USAGE, "metric \"%s\" is for no targets that are known: %#x", d->name, d->forms);
    custom *c = room;
    c->metric.forms = d->forms;
    c->metric.lower = d->lower;
    c->metric.named = true;
    c->metric.value = value;
    c->value = d->value;
    c->user = d->user;
    return gr__family_add(ctx, &gr__family_metric, &c->metric.head);
}
