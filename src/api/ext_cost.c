/* Costs from outside the tree. */
#include "api/ext.h"
#include "cost/parts.h"
#include "gradus/ext/cost.h"

typedef struct custom {
    gr_cost cost; /* its head first: what settings know of their member */
    gr_val (*build)(void *user, gr_graph *g, const gr_settings *s, gr_val output, gr_val target, bool training);
    double (*reference)(void *user, const gr_settings *s, const double *z, const double *y, int64_t n);
    void *user;
} custom;

static const custom *of(const gr_settings *s)
{
    return (const custom *)s->member;
}

/* ---- forms ---- */

static gr_reading read_classes(gr_shape output)
{
    (void)output;
    return (gr_reading){GR_FORM_CLASS, GR_PREDICT_SHARES};
}

static gr_reading read_labels(gr_shape output)
{
    (void)output;
    return (gr_reading){GR_FORM_LABELS, GR_PREDICT_LABELS};
}

static gr_reading read_shares(gr_shape output)
{
    (void)output;
    return (gr_reading){GR_FORM_DISTRIBUTION, GR_PREDICT_SHARES};
}

static gr_val predict_shares(gr_build *b, const gr_settings *s, gr_val output)
{
    (void)s;
    return gr_softmax(b->g, output);
}

static gr_val predict_labels(gr_build *b, const gr_settings *s, gr_val output)
{
    (void)s;
    return gr_sigmoid(b->g, output);
}

static bool check_logits(gr_build *b, const gr_settings *s, gr_shape output, int classes)
{
    return gr__check_logits(b, s->member->name, output, classes);
}

typedef struct form {
    gr_reading (*reading)(gr_shape output);
    gr_val (*predict)(gr_build *b, const gr_settings *s, gr_val output);
    bool (*check)(gr_build *b, const gr_settings *s, gr_shape output, int classes);
} form;

static const form forms[] = {[GR_COST_CLASSES] = {read_classes, predict_shares, check_logits},
                             [GR_COST_LABELS] = {read_labels, predict_labels, gr__check_values},
                             [GR_COST_SHARES] = {read_shares, predict_shares, check_logits},
                             [GR_COST_VALUES] = {gr__read_values, gr__predict_values, gr__check_values}};

/* ---- the functions of the family ---- */

static gr_cost_value build(gr_build *b, const gr_settings *s, gr_val output, gr_val target, bool training)
{
    const custom *c = of(s);
    gr_graph *g = b->g;
    gr_val each = c->build(c->user, g, s, output, target, training);
    if (gr_graph_status(g) != GR_OK) return (gr_cost_value){0};
    gr_shape shape = gr_shape_of(g, each);
    if (gr__error_code(b->ctx) != GR_OK)
        gr_graph_fail(g, gr__error_code(b->ctx), "the cost is refused");
    else if (!each || shape.rank != 1 || shape.dim[0] != gr_shape_of(g, output).dim[0])
        gr_graph_fail(g, GR_E_SHAPE, "the cost gives no number a sample");
    return gr_graph_status(g) == GR_OK ? (gr_cost_value){.each = each} : (gr_cost_value){0};
}

static double reference(const gr_settings *s, const double *z, const double *y, int64_t n)
{
    return of(s)->reference(of(s)->user, s, z, y, n);
}

gr_status gr_cost_register(gr_context *ctx, const gr_cost_descriptor *d)
{
    static const char *const keys[] = {"reduction", NULL};
    void *room = NULL;
    if (!d) return gr__fail(ctx, GR_E_USAGE, "there is no descriptor");
    const gr__ext_head h = {.family = &gr__family_cost,
                            .noun = "cost",
                            .version = d->version,
                            .known = GR_COST_VERSION,
                            .name = d->name,
                            .title = d->title,
                            .cite = d->cite,
                            .equations = d->equations,
                            .settings = d->settings,
                            .n_settings = d->n_settings,
                            .complete = d->build,
                            .taken_settings = keys};
    gr_status st = gr__ext_make(ctx, &h, sizeof(custom), &room);
    if (st != GR_OK) return st;
    if ((unsigned)d->form >= GR_COUNT(forms))
        return gr__fail(ctx, GR_E_USAGE, "cost \"%s\" is of no form that is known: %d", d->name, (int)d->form);
    if (d->reference && !d->blind)
        return gr__fail(ctx, GR_E_USAGE, "cost \"%s\" does not say what outputs of 0 cost: blind", d->name);
    custom *c = room;
    const char *blind = d->blind ? gr__bump_strdup(gr__context_memory(ctx), d->blind) : NULL;
    if (d->blind && !blind) return GR_E_MEMORY;
    c->build = d->build;
    c->reference = d->reference;
    c->user = d->user;
    c->cost.reading = forms[d->form].reading;
    c->cost.predict = forms[d->form].predict;
    c->cost.check = forms[d->form].check;
    c->cost.build = build;
    c->cost.reference = d->reference ? reference : NULL;
    c->cost.guess = (gr_guess){.blind = blind};
    return gr__family_add(ctx, &gr__family_cost, &c->cost.head);
}
