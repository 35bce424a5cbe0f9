/* What optimizers share: the rows and slots of a parameter's update, and what stands around it in a step: division by the count, clipping,
 * decay. The order is that of the specification: count, clipping, coupled decay, moments and direction, decoupled decay, step.         */
#include <stdio.h>

#include "nn/families.h"

static const gr_row common_rows[] = {
    GR_ROW("weight_decay", REAL, "0", "[0,inf)", "1", "pulls weights and embeddings towards 0; biases are left alone"),
    GR_ROW(
        "decay", CHOICE, "none", "coupled|decoupled", "",
        "coupled: weight_decay w is added to the gradient; decoupled: w shrinks by lr weight_decay w; the method's usual one unless given"),
};
const gr_member gr__optimizer_common = {
    .family = "optimizer",
    .name = "common",
    .title = "What every optimizer takes",
    .cite = "Loshchilov & Hutter 2019",
    .equations = "coupled:   g <- g + weight_decay w\n"
                 "decoupled: w <- w - lr weight_decay w",
    GR_ROWS(common_rows),
};

/* ---- one parameter ---- */

gr_val gr__step_arg(gr_step *s, const char *name)
{
    return gr_const(s->g, gr__setting_real(s->s, name));
}

static gr_val slot(gr_step *s, const char *name)
{
    char full[512];
    int n = snprintf(full, sizeof full, "%s/%s", s->param->entry.name, name);
    if (n < 0 || (size_t)n >= sizeof full)
        return gr_graph_fail(s->g, GR_E_RANGE, "the name of parameter %.60s... is too long", s->param->entry.name);
    gr_entry_spec spec = {
        .name = full, .shape = s->param->entry.shape, .slot = true, .role = GR_ROLE_STATE, .layout = s->param->entry.layout};
    gr_status st = gr_store_add(s->store, &spec, NULL);
    return st == GR_OK ? gr_slot(s->g, full, spec.shape) : gr_graph_fail(s->g, st, "slot %s cannot be added", full);
}

gr_val gr__step_slot(gr_step *s, const char *name)
{
    return slot(s, name);
}

gr_val gr__step_keep(gr_step *s, const char *name, gr_val value)
{
    gr_assign(s->g, slot(s, name), value, GR_ASSIGN_UPDATE);
    return value;
}

gr_val gr__ema(gr_graph *g, gr_val beta, gr_val old, gr_val x)
{
    return gr_add(g, gr_mul(g, old, beta), gr_mul(g, x, gr_sub(g, gr_const(g, 1), beta)));
}

gr_val gr__unbias(gr_step *s, gr_val m, gr_val beta)
{
    gr_graph *g = s->g;
    return gr_mul(g, m, gr_recip(g, gr_sub(g, gr_const(g, 1), gr_pow(g, beta, s->t)))); /* the factor is a rank-0 double */
}

/* ---- clipping ---- */

static gr_val clip_factor(gr_graph *g, const gr_clip *clip, gr_val norm)
{
    gr_val limit = gr_const(g, clip->limit), one = gr_const(g, 1);
    if (clip->kind != GR_CLIP_NORM) return one;
    if (clip->torch_form) return gr_min(g, gr_div(g, limit, gr_add(g, norm, gr_const(g, 1e-6))), one);
    return gr_div(g, limit, gr_max(g, norm, limit));
}

static gr_val clip_value(gr_graph *g, const gr_clip *clip, gr_val x)
{
    if (clip->kind != GR_CLIP_VALUE) return x;
    return gr_max(g, gr_min(g, x, gr_const(g, clip->limit)), gr_const(g, -clip->limit));
}

/* ---- the step ---- */

static bool is_decayed(const gr_param_info *p)
{
    return p->entry.role == GR_ROLE_WEIGHT || p->entry.role == GR_ROLE_EMBEDDING;
}

/* The norm of all gradients, after the division by count, which comes last: sums of squares and root are rank-0 doubles. */
static gr_val global_norm(gr_graph *g, const gr_val *grads, size_t n, gr_val count)
{
    gr_val squares = gr_const(g, 0);
    for (size_t i = 0; i < n; i++)
        if (grads[i] != GR_NONE) squares = gr_add(g, squares, gr_sum_all(g, gr_square(g, grads[i])));
    return gr_div(g, gr_sqrt(g, squares), count);
}

static gr_val count_updates(gr_graph *g, gr_store *store)
{
    const char *name = "optimizer/t";
    gr_status st = gr_store_add(store, &(gr_entry_spec){.name = name, .shape = GR_SCALAR, .slot = true, .role = GR_ROLE_STATE}, NULL);
    if (st != GR_OK) return gr_graph_fail(g, st, "slot %s cannot be added", name);
    gr_val done = gr_slot(g, name, GR_SCALAR), t = gr_add(g, done, gr_const(g, 1));
    gr_assign(g, done, t, GR_ASSIGN_UPDATE);
    return t;
}

gr_status gr__optim_build(gr_graph *g, gr_store *store, const gr_optim *o, const gr_clip *clip, const gr_param_info *params,
                          const gr_val *leaves, const gr_val *grads, size_t n, gr_val count, gr_val lr, gr_val *norm)
{
    gr_scope_push(g, "optimizer", o->member->head.name);
    gr_val t = count_updates(g, store), decay = gr_const(g, o->weight_decay);
    *norm = global_norm(g, grads, n, count);
    gr_val factor = gr_div(g, clip_factor(g, clip, *norm), count);
    for (size_t i = 0; i < n; i++) {
        if (grads[i] == GR_NONE) continue;
        gr_step s = {.g = g, .store = store, .s = &o->settings, .param = &params[i], .leaf = leaves[i], .lr = lr, .t = t};
        gr_scope_push(g, "parameter", params[i].entry.name);
        gr_val w = leaves[i], d = clip_value(g, clip, gr_mul(g, grads[i], factor));
        if (o->weight_decay != 0 && is_decayed(&params[i])) {
            if (o->decoupled)
                w = gr_mul(g, w, gr_sub(g, gr_const(g, 1), gr_mul(g, lr, decay)));
            else
                d = gr_add(g, d, gr_mul(g, w, decay));
        }
        gr_assign(g, leaves[i], o->member->update(&s, w, d), GR_ASSIGN_UPDATE);
        gr_scope_pop(g);
    }
    gr_scope_pop(g);
    return gr_graph_status(g);
}
