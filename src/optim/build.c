/* From gradient sums to new weights: everything of an update in its order (optim.h). */
#include <stdio.h>
#include <string.h>

#include "graph/shape.h"
#include "optim/optim.h"

typedef struct building {
    gr_graph *g;
    gr_store *store;
    const gr_update_spec *u;
    const gr_method *method;
    gr_val penalty;           /* the whole term; GR_NONE without */
    gr_val *penalty_gradient; /* of the penalty, one a parameter; NULL without */
    gr_val t;
    gr_val *finite; /* rank 0: what else the update waits for is added; of the caller, or of the parameter at hand */
} building;

static bool is_weight(const gr_param_info *p)
{
    return p->entry.role == GR_ROLE_WEIGHT || p->entry.role == GR_ROLE_EMBEDDING;
}

/* ---- what a parameter's step starts from ---- */

static gr_step step_of(gr_graph *g, gr_store *store, const gr_optim *o, int phase, const gr_groups *groups,
                       const gr_param_info *p, gr_val lr)
{
    const gr_method *m = &o->method[phase];
    const gr_group *group = groups ? gr__groups_find(groups, p->entry.name) : NULL;
    bool own = group && group->weight_decay == group->weight_decay; /* not NaN */
    double decay = own ? group->weight_decay : is_weight(p) ? m->weight_decay : 0;
    gr_val scale = gr_const(g, group ? group->lr_scale : 1), base = lr;
    if (group && group->lr_scale != 1) lr = gr_mul(g, lr, scale);
    return (gr_step){.g = g,
                     .store = store,
                     .s = &m->settings,
                     .param = p,
                     .phase = gr__optim_phase_name(phase),
                     .slot_bits = m->slots ? 32 >> m->slots : 0,
                     .trusted = is_weight(p),
                     .lr = lr,
                     .base_lr = base,
                     .scale = scale,
                     .decay = gr_const(g, decay)};
}

gr_val gr__optim_point(gr_graph *g, gr_store *store, const gr_optim *o, int phase, const gr_groups *groups,
                       const gr_param_info *p, gr_val lr)
{
    gr_val leaf = gr_param(g, p->entry.name, p->entry.shape);
    const gr_optimizer *m = o->method[phase].member;
    if (!m->point || (groups && gr__groups_freeze(groups, p->entry.name))) return leaf;
    gr_step s = step_of(g, store, o, phase, groups, p, lr);
    s.leaf = leaf;
    return gr__masked(g, store, &p->entry, m->point(&s, leaf));
}

gr_val gr__optim_rademacher(gr_graph *g, const gr_param_info *p, gr_val seed, gr_val update)
{
    char stream[512];
    gr_shape shape = p->entry.shape;
    if (shape.rank == 0) shape = GR_SHAPE(1);
    snprintf(stream, sizeof stream, "%s/probe", p->entry.name);
    gr_val u = gr_random(g, stream, shape, seed, update, gr_const(g, 0));
    gr_val z = gr_select(g, gr_less(g, u, gr_const(g, 0.5)), gr_broadcast(g, gr_const(g, 1), shape), gr_const(g, -1));
    return gr_reshape(g, z, p->entry.shape);
}

static gr_val masked(const building *b, size_t i, gr_val x)
{
    return gr__masked(b->g, b->store, &b->u->params[i].entry, x);
}

/* ---- penalties ---- */

static bool is_penalised(const building *b, size_t i)
{
    return b->u->grads[i] != GR_NONE && gr__penalty_applies(b->u->penalties, &b->u->params[i]);
}

static gr_status penalise(building *b, gr__bump *memory)
{
    const gr_update_spec *u = b->u;
    if (!u->penalties || u->penalties->n == 0) return GR_OK;
    gr_val *trained = gr__bump_alloc(memory, sizeof *trained * (u->n + 1)),
           *points = gr__bump_alloc(memory, sizeof *points * (u->n + 1)),
           *at = gr__bump_alloc(memory, sizeof *at * (u->n + 1));
    if (!trained || !points || !at) return GR_E_MEMORY;
    for (size_t i = 0; i < u->n; i++) { /* its gradient belongs where that of the cost is taken */
        points[i] = gr__optim_point(b->g, b->store, u->optim, u->phase, u->groups, &u->params[i], u->lr);
        trained[i] = u->grads[i] ? u->leaves[i] : GR_NONE;
        at[i] = u->grads[i] ? points[i] : GR_NONE;
    }
    gr_val smooth = gr__penalty_value(b->g, u->penalties, u->params, at, u->n, true);
    b->penalty = gr__penalty_value(b->g, u->penalties, u->params, trained, u->n, false);
    if (!smooth) return gr_graph_status(b->g);
    b->penalty_gradient = gr__bump_alloc(memory, sizeof *b->penalty_gradient * (u->n + 1));
    if (!b->penalty_gradient) return GR_E_MEMORY;
    gr_status st = gr_gradients(b->g, smooth, points, (int)u->n, b->penalty_gradient);
    for (size_t i = 0; i < u->n; i++)
        b->penalty_gradient[i] = is_penalised(b, i) ? masked(b, i, b->penalty_gradient[i]) : GR_NONE;
    return st;
}

static gr_val after_step(const building *b, size_t i, gr_val w, gr_val lr)
{
    const gr_penalties *p = b->u->penalties;
    for (int k = 0; p && p->proximal && k < p->n; k++)
        if (p->term[k].member->proximal && is_penalised(b, i))
            w = p->term[k].member->proximal(b->g, w, gr_mul(b->g, lr, gr_const(b->g, p->term[k].coefficient)));
    return w;
}

/* ---- gradients ---- */

/* The gradient before clipping, but for a division by `count` that is put off: it folds into the factor of clipping. */
static gr_val base_of(const building *b, size_t i)
{
    gr_val sum = b->u->grads[i];
    if (!b->penalty_gradient) return sum;
    gr_val mean = gr_div(b->g, sum, b->u->count);
    return b->penalty_gradient[i] ? gr_add(b->g, mean, b->penalty_gradient[i]) : mean;
}

static gr_val left_to_divide(const building *b)
{
    return b->penalty_gradient ? gr_const(b->g, 1) : b->u->count;
}

/* "c1" of "c1.weight". */
static size_t layer_length(const char *name)
{
    const char *dot = strrchr(name, '.');
    return dot ? (size_t)(dot - name) : strlen(name);
}

static bool same_layer(const char *a, const char *b)
{
    size_t n = layer_length(a);
    return n == layer_length(b) && strncmp(a, b, n) == 0;
}

/* Under the parameter's name, which is what a reader wants to know where they are not finite. */
static gr_val squares_of(const building *b, size_t i)
{
    gr_scope_push(b->g, "parameter", b->u->params[i].entry.name);
    gr_val q = gr__squares(b->g, base_of(b, i));
    gr_scope_pop(b->g);
    return q;
}

/* Norm of the gradients of `of`'s layer, or of all (of NULL): sums of squares and root are rank-0 doubles, the division
 * comes last. */
static gr_val norm_of(const building *b, const char *of)
{
    gr_graph *g = b->g;
    gr_val all = gr_const(g, 0);
    for (size_t i = 0; i < b->u->n; i++)
        if (b->u->grads[i] != GR_NONE && (!of || same_layer(of, b->u->params[i].entry.name)))
            all = gr_add(g, all, squares_of(b, i));
    return gr_div(g, gr__squares_root(g, all), left_to_divide(b));
}

static gr_val clip_factor(gr_graph *g, const gr_clip *clip, gr_val norm)
{
    gr_val limit = gr_const(g, clip->limit), one = gr_const(g, 1);
    if (clip->torch_form) return gr_min(g, gr_div(g, limit, gr_add(g, norm, gr_const(g, 1e-6))), one);
    return gr_div(g, limit, gr_max(g, norm, limit));
}

static gr_val clip_value(gr_graph *g, const gr_clip *clip, gr_val x)
{
    return gr_max(g, gr_min(g, x, gr_const(g, clip->limit)), gr_const(g, -clip->limit));
}

static bool clips(const building *b, int kind)
{
    return b->u->clip && (int)b->u->clip->kind == kind;
}

/* What the sums become the gradient by, but for clipping by value. */
static gr_val factor_of(const building *b, size_t i, gr_val norm)
{
    gr_graph *g = b->g;
    const gr_clip *clip = b->u->clip;
    gr_val factor = gr_const(g, 1);
    if (clips(b, GR_CLIP_NORM))
        factor = clip_factor(g, clip, clip->per_layer ? norm_of(b, b->u->params[i].entry.name) : norm);
    return gr_div(g, factor, left_to_divide(b));
}

/* The gradient, clipped, and its norm: by a factor, where clipping is one, so that no pass of its own is needed. */
static gr_val clipped(const building *b, size_t i, gr_val norm, gr_val *own_norm)
{
    gr_graph *g = b->g;
    gr_val factor = factor_of(b, i, norm), d = gr_mul(g, base_of(b, i), factor);
    if (!clips(b, GR_CLIP_VALUE)) {
        *own_norm = gr_mul(g, gr__squares_root(g, squares_of(b, i)), factor);
        return d;
    }
    d = clip_value(g, b->u->clip, d);
    *own_norm = gr__norm(g, d);
    return d;
}

/* The update waits for this to be finite: the gradient's squares must fit. A slot of squares that did not would be
 * infinite from then on, and its weight would never move again. Clipping by value may bound the gradient by itself. */
static void await_squares(const building *b, size_t i, gr_val norm, double times)
{
    gr_graph *g = b->g;
    if (clips(b, GR_CLIP_VALUE) && b->u->clip->limit * times < 0x1p63) return;
    gr_val factor = gr_mul(g, factor_of(b, i, norm), gr_const(g, times));
    gr_val q = squares_of(b, i);
    gr_scope_push(g, "parameter", b->u->params[i].entry.name);
    *b->finite = gr_add(g, *b->finite, gr__squares_fit(g, b->store, q, factor));
    gr_scope_pop(g);
}

/* Gradient centralisation: the mean over all but the first axis (a unit's inputs) is taken out.       [Yong et al.
 * 2020, eq. 1] */
static gr_val centralised(gr_graph *g, gr_val d)
{
    gr_shape s = gr_shape_of(g, d);
    int axes[GR_MAX_RANK];
    if (s.rank < 2) return d;
    for (int i = 1; i < s.rank; i++) axes[i - 1] = i;
    double n = s.dim[0] ? (double)gr_shape_count(s) / (double)s.dim[0] : 1;
    return gr_sub(g, d, gr_div(g, gr_sum(g, d, axes, s.rank - 1, true), gr_const(g, n)));
}

/* ---- steps ---- */

static bool is_own_decay(const gr_method *m)
{
    return m->member->decay == GR_DECAY_OWN;
}

static void prepare_step(const building *b, size_t i, gr_val norm, gr_step *s)
{
    gr_graph *g = b->g;
    const gr_update_spec *u = b->u;
    const gr_optimizer *m = b->method->member;
    *s = step_of(g, b->store, u->optim, u->phase, u->groups, &u->params[i], u->lr);
    s->leaf = s->w = u->leaves[i];
    s->since = u->groups && u->at ? gr__groups_since(u->groups, u->params[i].entry.name, u->at) : 0;
    s->t = s->since ? gr_sub(g, b->t, gr_const(g, (double)s->since)) : b->t;
    s->count = u->count;
    s->seed = u->seed ? u->seed : gr_const(g, 0);
    s->d = clipped(b, i, norm, &s->gradient_norm);
    if (b->method->centralize && s->trusted) {
        s->d = masked(b, i, centralised(g, s->d));
        s->gradient_norm = gr__norm(g, s->d);
    }
    if (u->curvature) {
        bool draws = gr__method_draws(b->method);
        s->rademacher = draws ? GR_NONE : u->rademacher[i];
        s->curvature = gr_div(g, u->curvature[i], u->count);
        gr_val hvp; /* the penalty's own part; labels that are drawn are of the cost */
        if (!draws && b->penalty_gradient && b->penalty_gradient[i] &&
            gr_pullback(g, &b->penalty_gradient[i], &s->rademacher, 1, &s->leaf, 1, &hvp) == GR_OK)
            s->curvature = gr_add(g, s->curvature, hvp);
    }
    if (is_own_decay(b->method) || s->decay == gr_const(g, 0)) return;
    if (b->method->decoupled) {
        s->w = gr_mul(g, s->w, gr__one_minus(g, gr_mul(g, m->decay_rate ? m->decay_rate(s) : s->lr, s->decay)));
    } else {
        s->d = gr_add(g, s->d, gr_mul(g, s->w, s->decay));
        s->gradient_norm = gr__norm(g, s->d);
    }
}

static void finish_step(const building *b, size_t i, gr_val norm, gr_step *s)
{
    if (s->squares > 0) await_squares(b, i, norm, s->squares);
    gr_assign(b->g, s->leaf, masked(b, i, after_step(b, i, s->out, s->lr)), GR_ASSIGN_UPDATE);
}

static void update_one(building *b, size_t i, gr_val norm, bool first)
{
    gr_step s;
    size_t assigned = gr__assigns(b->g);
    gr_val *all = b->finite, own = GR_NONE;
    gr_scope_push(b->g, "parameter", b->u->params[i].entry.name);
    if (b->u->finite) { /* the squares of a gradient are finite where it is */
        own = gr_add(b->g, b->u->finite, squares_of(b, i));
        b->finite = &own;
    }
    prepare_step(b, i, norm, &s);
    s.first = first;
    s.out = b->method->member->update(&s, s.w, s.d);
    finish_step(b, i, norm, &s);
    if (own) gr__guard_assigns(b->g, assigned, own);
    b->finite = all;
    gr_scope_pop(b->g);
}

static gr_status update_each(building *b, gr_val norm)
{
    bool first = true;
    for (size_t i = 0; i < b->u->n; i++) {
        if (b->u->grads[i] == GR_NONE) continue;
        update_one(b, i, norm, first);
        first = false;
    }
    return gr_graph_status(b->g);
}

static gr_status update_together(const building *b, gr__bump *memory, gr_val norm)
{
    const gr_update_spec *u = b->u;
    gr_step *steps = gr__bump_alloc(memory, sizeof *steps * u->n);
    size_t *index = gr__bump_alloc(memory, sizeof *index * u->n), n = 0;
    if (!steps || !index) return GR_E_MEMORY;
    for (size_t i = 0; i < u->n; i++) {
        if (u->grads[i] == GR_NONE) continue;
        prepare_step(b, i, norm, &steps[n]);
        steps[n].first = n == 0;
        index[n++] = i;
    }
    if (n) b->method->member->update_all(steps, n);
    for (size_t k = 0; k < n; k++) finish_step(b, index[k], norm, &steps[k]);
    return gr_graph_status(b->g);
}

static gr_val count_updates(building *b)
{
    gr_val done, t;
    const char *name = b->u->phase ? "optimizer/then/t" : "optimizer/t";
    if (gr__slot_add(b->g, b->store, name, GR_SCALAR, GR_LAYOUT_PLAIN, 0, &done) != GR_OK) return GR_NONE;
    t = gr_add(b->g, done, gr_const(b->g, 1));
    gr_assign(b->g, done, t, GR_ASSIGN_UPDATE);
    return t;
}

/* The norm and, in updates with curvature, that of H z too. */
static gr_val finite_of(const building *b, gr_val norm)
{
    gr_graph *g = b->g;
    for (size_t i = 0; b->u->curvature && i < b->u->n; i++) {
        if (b->u->grads[i] == GR_NONE) continue;
        gr_scope_push(g, "parameter", b->u->params[i].entry.name);
        norm = gr_add(g, norm, gr_sum_all(g, gr_square(g, b->u->curvature[i])));
        gr_scope_pop(g);
    }
    return norm;
}

bool gr__optim_is_local(const gr_method *m, const gr_clip *clip)
{
    return !m->member->update_all && !m->member->curvature_every &&
           !(clip && clip->kind == GR_CLIP_NORM && !clip->per_layer);
}

gr_status gr__optim_build(gr_graph *g, gr_store *store, const gr_update_spec *u, gr_update_values *out)
{
    building b = {.g = g, .store = store, .u = u, .method = &u->optim->method[u->phase]};
    gr_status st = GR_OK;
    gr__bump *memory = gr__bump_create(gr__graph_context(g));
    if (!memory) return GR_E_MEMORY;
    gr_scope_push(g, "optimizer", b.method->member->head.name);
    b.t = count_updates(&b);
    GR_TRY(penalise(&b, memory));
    gr_val norm = norm_of(&b, NULL);
    *out = (gr_update_values){.norm = norm, .penalty = b.penalty, .finite = finite_of(&b, norm)};
    b.finite = &out->finite;
    GR_TRY(b.method->member->update_all ? update_together(&b, memory, norm) : update_each(&b, norm));
done:
    gr_scope_pop(g);
    gr__bump_destroy(memory);
    return st == GR_OK ? gr_graph_status(g) : st;
}
