/* Optimizers from outside the tree. */
#include <string.h>

#include "api/ext.h"
#include "gradus/ext/optimizer.h"
#include "optim/optimizer.h"

typedef struct custom {
    gr_optimizer optimizer; /* its head first: what settings know of their member */
    gr_val (*update)(void *user, gr_step *s, gr_val w, gr_val g);
    void *user;
} custom;

static gr_val update(gr_step *s, gr_val w, gr_val g)
{
    const custom *c = (const custom *)s->s->member;
    gr_val next = c->update(c->user, s, w, g);
    if (gr_graph_status(s->g) != GR_OK) return GR_NONE;
    if (gr__error_code(s->s->ctx) != GR_OK)
        return gr_graph_fail(s->g, gr__error_code(s->s->ctx), "the update is refused");
    return next ? next : gr_graph_fail(s->g, GR_E_USAGE, "the update gives no new weight");
}

static gr_status check_rate(gr_context *ctx, const gr_member *m)
{
    for (int i = 0; i < m->n_rows; i++) {
        const gr_row *r = &m->rows[i];
        if (strcmp(r->name, "lr") == 0 && r->kind == GR_ROW_REAL && r->value && strcmp(r->value, "none") != 0)
            return GR_OK;
    }
    return gr__fail(ctx, GR_E_USAGE, "optimizer \"%s\" has no setting lr, a real number with a default", m->name);
}

gr_status gr_optimizer_register(gr_context *ctx, const gr_optimizer_descriptor *d)
{
    static const gr_decay places[] = {[GR_DECAY_IN_GRADIENT] = GR_DECAY_COUPLED,
                                      [GR_DECAY_OF_WEIGHT] = GR_DECAY_DECOUPLED,
                                      [GR_DECAY_BY_UPDATE] = GR_DECAY_OWN};
    static const char *const taken[] = {"switch", NULL}, *const keys[] = {"clip", "penalty", "groups", NULL};
    void *room = NULL;
    if (!d) return gr__fail(ctx, GR_E_USAGE, "there is no descriptor");
    const gr__ext_head h = {.family = &gr__family_optimizer,
                            .noun = "optimizer",
                            .version = d->version,
                            .known = GR_OPTIMIZER_VERSION,
                            .name = d->name,
                            .title = d->title,
                            .cite = d->cite,
                            .equations = d->equations,
                            .settings = d->settings,
                            .n_settings = d->n_settings,
                            .complete = d->update,
                            .taken = taken,
                            .taken_settings = keys};
    gr_status st = gr__ext_make(ctx, &h, sizeof(custom), &room);
    if (st != GR_OK) return st;
    custom *c = room;
    st = check_rate(ctx, &c->optimizer.head);
    if (st != GR_OK) return st;
    if ((unsigned)d->decay >= GR_COUNT(places))
        return gr__fail(ctx, GR_E_USAGE, "optimizer \"%s\" has decay at no place that is known: %d", d->name,
                        (int)d->decay);
    c->optimizer.decay = places[d->decay];
    c->optimizer.update = update;
    c->update = d->update;
    c->user = d->user;
    return gr__family_add(ctx, &gr__family_optimizer, &c->optimizer.head);
}

/* ---- what update is written with ---- */

gr_graph *gr_step_graph(gr_step *s)
{
    return s->g;
}

const gr_settings *gr_step_settings(const gr_step *s)
{
    return s->s;
}

gr_val gr_step_arg(gr_step *s, const char *name)
{
    return gr_const(s->g, gr_setting_real(s->s, name));
}

gr_val gr_step_rate(gr_step *s)
{
    return s->lr;
}

gr_val gr_step_count(gr_step *s)
{
    return s->t;
}

gr_val gr_step_decay(gr_step *s)
{
    return s->decay;
}

bool gr_step_is_weight(const gr_step *s)
{
    return s->trusted;
}

static bool names(gr_step *s, const char *slot)
{
    if (gr__ext_is_name(slot)) return true;
    gr_graph_fail(s->g, GR_E_USAGE, "\"%.60s\" cannot be the name of a slot: small letters, digits and _",
                  slot ? slot : "");
    return false;
}

gr_val gr_step_slot(gr_step *s, const char *name, double initial)
{
    return names(s, name) ? gr__step_filled(s, name, initial) : GR_NONE;
}

gr_val gr_step_keep(gr_step *s, const char *name, gr_val value)
{
    return names(s, name) ? gr__step_keep(s, name, value) : GR_NONE;
}

gr_val gr_step_square(gr_step *s, gr_val x)
{
    return gr__step_square(s, x);
}

gr_val gr_step_norm(gr_step *s, gr_val x)
{
    return gr__norm(s->g, x);
}
