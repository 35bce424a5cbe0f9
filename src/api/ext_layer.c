/* Layers from outside the tree. */
#include <string.h>

#include "api/ext.h"
#include "gradus/ext/layer.h"
#include "nn/layer.h"

typedef struct custom {
    gr_layer layer; /* its head first: what settings know of their member */
    gr_val (*build)(void *user, gr_build *b, const gr_settings *s, const gr_val *in, int n_in);
    void *user;
} custom;

/* What the function did not say to the graph, a misread setting perhaps, must not pass. */
static gr_val build(gr_build *b, const gr_settings *s, const gr_val *in, int n_in)
{
    const custom *c = (const custom *)s->member;
    gr_val y = c->build(c->user, b, s, in, n_in);
    if (gr_graph_status(b->g) != GR_OK) return GR_NONE;
    if (gr__error_code(b->ctx) != GR_OK) return gr_graph_fail(b->g, gr__error_code(b->ctx), "the layer is refused");
    return y ? y : gr_graph_fail(b->g, GR_E_USAGE, "the layer gives no value");
}

enum {
    TRAITS = GR_LAYER_ACTIVATION | GR_LAYER_TRANSPARENT | GR_LAYER_POINTWISE | GR_LAYER_FLATTENS |
             GR_LAYER_TAKES_LENGTHS | GR_LAYER_NORMALISES
};

static gr_status check(gr_context *ctx, const gr_layer_descriptor *d)
{
    unsigned alone = GR_LAYER_ACTIVATION | GR_LAYER_POINTWISE;
    int least = d->min_inputs ? d->min_inputs : 1;
    if (d->traits & ~(unsigned)TRAITS)
        return gr__fail(ctx, GR_E_USAGE, "layer \"%s\" has traits that are not known: %#x", d->name, d->traits);
    if (d->min_inputs < 0 || d->max_inputs < 0 || (d->max_inputs && d->max_inputs < least) ||
        ((d->traits & alone) && (least > 1 || d->max_inputs > 1)))
        return gr__fail(ctx, GR_E_USAGE, "layer \"%s\" cannot take %d to %d inputs", d->name, d->min_inputs,
                        d->max_inputs);
    return GR_OK;
}

static void fill(custom *c, const gr_layer_descriptor *d)
{
    gr_layer *l = &c->layer;
    l->min_inputs = d->min_inputs ? d->min_inputs : 1;
    l->max_inputs = GR_MAX(d->max_inputs, l->min_inputs);
    l->activation_only = d->traits & GR_LAYER_ACTIVATION;
    l->transparent = d->traits & GR_LAYER_TRANSPARENT;
    l->pointwise = d->traits & (GR_LAYER_POINTWISE | GR_LAYER_ACTIVATION);
    l->normalises = d->traits & GR_LAYER_NORMALISES ? GR_NORMALISES_SAMPLES : GR_NORMALISES_NOTHING;
    l->flattens = d->traits & GR_LAYER_FLATTENS;
    l->takes_lengths = d->traits & (GR_LAYER_TAKES_LENGTHS | GR_LAYER_POINTWISE | GR_LAYER_ACTIVATION);
    l->build = build;
    c->build = d->build;
    c->user = d->user;
}

gr_status gr_layer_register(gr_context *ctx, const gr_layer_descriptor *d)
{
    static const char *const taken[] = {"repeat", "linear", NULL}, *const keys[] = {"activation", "repeat", NULL};
    void *room = NULL;
    if (!d) return gr__fail(ctx, GR_E_USAGE, "there is no descriptor");
    const gr__ext_head h = {.family = &gr__family_layer,
                            .noun = "layer",
                            .version = d->version,
                            .known = GR_LAYER_VERSION,
                            .name = d->name,
                            .title = d->title,
                            .cite = d->cite,
                            .equations = d->equations,
                            .settings = d->settings,
                            .n_settings = d->n_settings,
                            .complete = d->build,
                            .taken = taken,
                            .taken_settings = keys};
    gr_status st = gr__ext_make(ctx, &h, sizeof(custom), &room);
    if (st == GR_OK) st = check(ctx, d);
    if (st != GR_OK) return st;
    custom *c = room;
    fill(c, d);
    return gr__family_add(ctx, &gr__family_layer, &c->layer.head);
}

/* ---- what build is written with ---- */

gr_context *gr_build_context(gr_build *b)
{
    return b->ctx;
}

gr_graph *gr_build_graph(gr_build *b)
{
    return b->g;
}

gr_mode gr_build_mode(const gr_build *b)
{
    return b->mode;
}

static bool names(gr_build *b, const char *what, const char *suffix)
{
    if (gr__ext_is_name(suffix)) return true;
    gr_graph_fail(b->g, GR_E_USAGE, "\"%.60s\" cannot be the name of a %s: small letters, digits and _",
                  suffix ? suffix : "", what);
    return false;
}

gr_val gr_build_param(gr_build *b, const char *suffix, gr_shape shape, gr_role role, int64_t fan_in, int64_t fan_out)
{
    if (!names(b, "parameter", suffix)) return GR_NONE;
    if ((unsigned)role >= GR_ROLE_STATE || fan_in < 1 || fan_out < 1)
        return gr_graph_fail(b->g, GR_E_USAGE, "parameter %s has no role of a parameter, or a fan below 1", suffix);
    return gr__build_param(b, suffix, shape, role, GR_LAYOUT_PLAIN, fan_in, fan_out);
}

gr_val gr_build_state(gr_build *b, const char *suffix, gr_shape shape, double initial)
{
    return names(b, "statistic", suffix) ? gr__build_state(b, suffix, shape, initial) : GR_NONE;
}

void gr_build_observe(gr_build *b, const char *suffix, gr_val batch, double share)
{
    if (!(share >= 0 && share <= 1))
        gr_graph_fail(b->g, GR_E_USAGE, "a statistic moves by a share from 0 to 1, not %g", share);
    else if (names(b, "statistic", suffix))
        gr__build_observe(b, suffix, batch, gr_const(b->g, share));
}

gr_val gr_build_random(gr_build *b, const char *use, gr_shape shape)
{
    return names(b, "stream", use) ? gr__build_random(b, use, shape) : GR_NONE;
}

gr_val gr_build_lengths(const gr_build *b)
{
    return b->lengths;
}

void gr_build_end_lengths(gr_build *b)
{
    b->lengths = GR_NONE;
}
