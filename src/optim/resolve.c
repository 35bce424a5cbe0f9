/* `optimizer:` of a recipe, checked and resolved: one method, or two with a switch between them. */
#include <math.h>
#include <string.h>

#include "base/text.h"
#include "optim/optim.h"
#include "schedule/span.h"

static const gr_row common_rows[] = {
    GR_ROW("weight_decay", REAL, "0", "[0,inf)", "1", "pulls weights and embeddings towards 0; biases are left alone"),
    GR_ROW("decay", CHOICE, "none", "coupled|decoupled", "",
           "coupled: weight_decay w is added to the gradient; decoupled: w shrinks by lr weight_decay w; the method's "
           "usual one unless given"),
    GR_ROW("gradient_centralization", BOOL, "false", "", "",
           "takes the mean over a unit's inputs out of the gradient of weights"),
    GR_ROW("slots", CHOICE, "float32", "float32|bfloat16|float8", "",
           "how moments of parameters from 4096 numbers on are kept between updates: as they are, or rounded at random "
           "to 16 bits, or to 8 in units of the largest of 256"),
};
GR_COMMON(optimizer_common) = {
    .family = "optimizer",
    .name = "common",
    .title = "What every optimizer takes",
    .cite = "Loshchilov & Hutter 2019; Yong et al. 2020, eq. 1",
    .equations = "coupled:   g <- g + weight_decay w\n"
                 "decoupled: w <- w - lr weight_decay w\n"
                 "gradient_centralization: g <- g - mean of g over all but the first axis",
    GR_ROWS(common_rows),
};

static const gr_row switch_rows[] = {
    GR_ROW("first", TREE, "adam", "an optimizer", "", "the method that training begins with"),
    GR_ROW("then", TREE, "sgdm", "an optimizer", "",
           "the method that it ends with; its lr is the base rate from then on"),
    GR_ROW("at", TREE, "0.7", "updates, text such as 3 epochs, or a fraction of the run", "updates",
           "when they change"),
    GR_ROW("carry", BOOL, "false", "", "",
           "the second method's momentum starts as the first one's, corrected and scaled by (1 - dampening)/(1 - "
           "momentum); else at 0"),
};
GR_COMMON(optimizer_switch) = {
    .family = "optimizer",
    .name = "switch",
    .title = "Switch: begins with one method and ends with another",
    .cite = "Keskar & Socher 2017, section 1; Wilson et al. 2017",
    .equations = "update t <= at: first;  t > at: then        each with its own state and update count\n"
                 "carry: m of then <- m_at / (1 - beta1^at) (1 - dampening) / (1 - momentum)",
    GR_ROWS(switch_rows),
};

/* ---- one method ---- */

const char *gr__decay_name(gr_decay d)
{
    static const char *const names[] = {"coupled", "decoupled", NULL};
    return names[d];
}

const char *gr__optimizer_default(const gr_optimizer *o, const gr_row *r)
{
    if (strcmp(r->name, "decay") == 0) return o->decay == GR_DECAY_OWN ? "(refused)" : gr__decay_name(o->decay);
    if (strcmp(r->name, "weight_decay") == 0 && o->weight_decay) return o->weight_decay;
    return r->value;
}

static bool is_own(const gr_method *m)
{
    return m->member->decay == GR_DECAY_OWN;
}

static gr_status read_decay(gr_context *ctx, const gr_settings *rest, gr_method *m)
{
    const gr_tree *at = gr__setting_tree(rest, "decay");
    const char *name = m->member->head.name;
    if (!is_own(m)) {
        m->decoupled = at ? gr__setting_is(rest, "decay", gr__decay_name(GR_DECAY_DECOUPLED))
                          : m->member->decay == GR_DECAY_DECOUPLED;
        return GR_OK;
    }
    if (!at) return GR_OK;
    return gr__tree_fail(ctx, at, GR_E_CONFLICT, "leave it out; `gradus explain` shows where weight_decay stands",
                         "%s has a place of its own for weight decay", name);
}

static double default_decay(const gr_method *m, const gr_settings *rest)
{
    double x;
    for (int i = 0; i < rest->member->n_rows; i++)
        if (strcmp(rest->member->rows[i].name, "weight_decay") == 0 && rest->given[i]) return rest->value[i]->number;
    return m->member->weight_decay && gr__parse_number(m->member->weight_decay, &x) ? x : 0;
}

static const char *const slot_forms[] = {"float32", "bfloat16", "float8"};

static gr_status check_slots(gr_context *ctx, const gr_tree *at, const gr_method *m)
{
    const char *why = m->member->averages     ? "its steps, which add up to the average that it trains"
                      : m->member->update_all ? "what all parameters decide together by"
                      : m->lookahead.k > 0    ? "moments that its slow weights set back"
                                              : NULL;
    if (!why) return GR_OK;
    return gr__tree_fail(ctx, at, GR_E_CONFLICT, "write slots: float32", "%s does not keep %s in %s",
                         m->member->head.name, why, slot_forms[m->slots]);
}

static gr_status make_method(gr_context *ctx, gr__bump *b, const gr_tree *tree, gr_preset preset, gr_method *out)
{
    gr_method o = {.member =
                       (const gr_optimizer *)gr__family_find(ctx, &gr__family_optimizer, "optimizer", tree, "adam")};
    gr_settings rest;
    gr_status st = GR_OK;
    if (!o.member) return gr__error_code(ctx);
    GR_TRY(gr__settings_both(ctx, b, &o.member->head, gr__family_optimizer.common, tree, preset, &o.settings, &rest));
    if (o.member->check) GR_TRY(o.member->check(ctx, &o.settings));
    GR_TRY(read_decay(ctx, &rest, &o));
    o.lr = gr__setting_real(&o.settings, "lr");
    o.weight_decay = default_decay(&o, &rest);
    o.centralize = gr__setting_bool(&rest, "gradient_centralization");
    if (o.member->lookahead) o.lookahead = o.member->lookahead(&o.settings);
    while (!gr__setting_is(&rest, "slots", slot_forms[o.slots])) o.slots++;
    if (o.slots) GR_TRY(check_slots(ctx, gr__setting_tree(&rest, "slots"), &o));
    *out = o;
done:
    return st;
}

static gr_tree *method_tree(gr__bump *b, const gr_method *m)
{
    gr_tree *t = gr__settings_tree(b, &m->settings);
    bool ok = t && gr__tree_put_number(b, t, "weight_decay", m->weight_decay);
    if (ok && !is_own(m))
        ok = gr__tree_put_text(b, t, "decay", gr__decay_name(m->decoupled ? GR_DECAY_DECOUPLED : GR_DECAY_COUPLED));
    ok = ok && gr__tree_put(b, t, "gradient_centralization", gr__tree_scalar(b, m->centralize ? "true" : "false"));
    ok = ok && gr__tree_put_text(b, t, "slots", slot_forms[m->slots]);
    return ok ? t : NULL;
}

gr_first_moment gr__method_moment(const gr_method *m)
{
    return m->member->first_moment ? m->member->first_moment(&m->settings) : (gr_first_moment){0};
}

bool gr__method_draws(const gr_method *m)
{
    return m->member->drawn && m->member->drawn(&m->settings);
}

/* ---- two of them ---- */

/* Carrying wants averages of gradients on one side, and on the other a momentum that sums them. */
static gr_status check_carry(gr_context *ctx, const gr_tree *at, const gr_optim *o)
{
    gr_first_moment from = gr__method_moment(&o->method[0]), into = gr__method_moment(&o->method[1]);
    if (o->method[0].slots || o->method[1].slots)
        return gr__tree_fail(ctx, at, GR_E_CONFLICT, "write carry: false, or slots: float32",
                             "moments that are kept in fewer bits are not carried over");
    if (!from.slot || from.of != GR_MOMENT_AVERAGE)
        return gr__tree_fail(ctx, at, GR_E_CONFLICT, "write carry: false",
                             "%s keeps no average of gradients to carry over", o->method[0].member->head.name);
    if (!into.slot || into.of != GR_MOMENT_SUM)
        return gr__tree_fail(ctx, at, GR_E_CONFLICT, "write carry: false",
                             "%s has no momentum of gradients to carry into", o->method[1].member->head.name);
    return GR_OK;
}

static gr_status check_parts(gr_context *ctx, const gr_settings *s, const gr_optim *o)
{
    for (int i = 0; i < 2; i++) {
        const gr_method *m = &o->method[i];
        const gr_tree *at = gr__setting_tree(s, i ? "then" : "first");
        if (m->member->whole_set)
            return gr__tree_fail(ctx, at, GR_E_CONFLICT, "sgd takes batches",
                                 "%s takes the whole training set at once: no part of a switch", m->member->head.name);
        if (m->lookahead.k)
            return gr__tree_fail(ctx, at, GR_E_CONFLICT, "use radam, with lookahead: {...} beside the optimizer",
                                 "%s contains LookAhead, whose slow weights belong to the whole run",
                                 m->member->head.name);
    }
    return o->carry ? check_carry(ctx, gr__setting_tree(s, "carry"), o) : GR_OK;
}

static bool is_switch(const gr_tree *t)
{
    const gr_tree *type = t && t->kind == GR_TREE_MAP ? gr__tree_get(t, "type") : t;
    return type && type->kind == GR_TREE_TEXT && strcmp(type->text, "switch") == 0;
}

static gr_status make_switch(gr_context *ctx, gr__bump *b, const gr_tree *tree, gr_preset preset, gr_optim *out)
{
    gr_settings s;
    gr_optim o = {.n_methods = 2};
    gr_status st = GR_OK;
    GR_TRY(gr__settings_make(ctx, b, &gr__optimizer_switch, tree, preset, NULL, &s));
    for (int i = 0; i < 2; i++) {
        const gr_tree *part = gr__setting_tree(&s, i ? "then" : "first");
        if (is_switch(part)) GR_TRY(gr__tree_fail(ctx, part, GR_E_CONFLICT, NULL, "a switch is no part of a switch"));
        GR_TRY(make_method(ctx, b, part, preset, &o.method[i]));
    }
    GR_TRY(gr__span_read(ctx, gr__setting_tree(&s, "at"), true, &o.at));
    o.carry = gr__setting_bool(&s, "carry");
    GR_TRY(check_parts(ctx, &s, &o));
    *out = o;
done:
    return st;
}

gr_status gr__optim_make(gr_context *ctx, gr__bump *b, const gr_tree *tree, gr_preset preset, gr_optim *out)
{
    if (is_switch(tree)) return make_switch(ctx, b, tree, preset, out);
    gr_optim o = {.n_methods = 1};
    gr_status st = make_method(ctx, b, tree, preset, &o.method[0]);
    if (st == GR_OK) *out = o;
    return st;
}

gr_tree *gr__optim_tree(gr__bump *b, const gr_optim *o)
{
    if (o->n_methods == 1) return method_tree(b, &o->method[0]);
    gr_tree *t = gr__tree_map(b);
    bool ok = t && gr__tree_put_text(b, t, "type", "switch") &&
              gr__tree_put(b, t, "first", method_tree(b, &o->method[0])) &&
              gr__tree_put(b, t, "then", method_tree(b, &o->method[1])) &&
              gr__tree_put(b, t, "at", gr__span_tree(b, o->at)) &&
              gr__tree_put(b, t, "carry", gr__tree_scalar(b, o->carry ? "true" : "false"));
    return ok ? t : NULL;
}
