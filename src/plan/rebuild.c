/* Rebuilding graphs: which nodes live, the nodes in their order, then the effects. */
#include "plan/rebuild.h"

#include "graph/op.h"
#include "graph/shape.h"
#include "plan/plan.h"

bool gr__plan_node_lives(const gr_node *n, const bool *live)
{
    bool any = false;
    for (int o = 0; o < n->n_out; o++) any |= live[n->out + (gr_val)o];
    return any;
}

void gr__plan_mark_live(const gr_graph *g, bool *live)
{
    gr_effects fx = gr__graph_effects(g);
    for (size_t i = 0; i < fx.n_assigns; i++) {
        live[fx.assigns[i].target] = live[fx.assigns[i].value] = true;
        if (fx.assigns[i].guard) live[fx.assigns[i].guard] = true;
    }
    for (size_t i = 0; i < fx.n_outputs; i++) live[fx.outputs[i].value] = true;
    if (fx.guard) live[fx.guard] = true;
    const gr_val moment[] = {fx.keeping.seed, fx.keeping.update, fx.keeping.position};
    for (size_t i = 0; i < GR_COUNT(moment); i++)
        if (moment[i]) live[moment[i]] = true;
    for (uint32_t k = gr__graph_nodes(g); k-- > 0;) {
        const gr_node *n = gr__node(g, k);
        bool lives = gr__plan_node_lives(n, live);
        for (int i = 0; lives && i < n->n_in; i++) live[n->in[i]] = true;
    }
}

void gr__rebuilt(const gr__rebuild *r, const gr_node *n, gr_val first, gr_val *out)
{
    for (int o = 0; first && o < n->n_out; o++) out[o] = o ? gr__node_output(r->to, first, o) : first;
}

static void count_uses(gr__rebuild *r)
{
    gr_effects fx = gr__graph_effects(r->from);
    for (size_t i = 0; i < fx.n_assigns; i++) {
        r->uses[fx.assigns[i].value]++;
        if (fx.assigns[i].guard) r->uses[fx.assigns[i].guard]++;
    }
    for (size_t i = 0; i < fx.n_outputs; i++) r->uses[fx.outputs[i].value]++;
    if (fx.guard) r->uses[fx.guard]++;
    for (uint32_t k = 0; k < gr__graph_nodes(r->from); k++) {
        const gr_node *n = gr__node(r->from, k);
        bool lives = gr__plan_node_lives(n, r->live);
        for (int i = 0; lives && i < n->n_in; i++) r->uses[n->in[i]]++;
    }
}

static void rebuild_node(gr__rebuild *r, const gr_node *n, gr_val *in)
{
    for (int i = 0; i < n->n_in; i++) in[i] = r->map[n->in[i]];
    const char *scope = gr__intern(r->to, n->scope);
    if (!scope) return;
    gr__scope_set(r->to, scope);
    gr__backward_set(r->to, n->backward);
    r->node(r, n, in, &r->map[n->out]);
}

static void rebuild_effects(gr__rebuild *r)
{
    gr_effects fx = gr__graph_effects(r->from);
    for (size_t i = 0; i < fx.n_assigns; i++) {
        gr_val target = r->map[fx.assigns[i].target], value = r->map[fx.assigns[i].value];
        if (target == value) continue;
        gr_assign(r->to, target, value, fx.assigns[i].kind);
        if (fx.assigns[i].guard) gr__guard_assigns(r->to, r->to->n_assigns - 1, r->map[fx.assigns[i].guard]);
    }
    for (size_t i = 0; i < fx.n_outputs; i++) gr_output(r->to, fx.outputs[i].name, r->map[fx.outputs[i].value]);
    if (fx.guard) gr_guard(r->to, r->map[fx.guard]);
    for (size_t i = 0; i < fx.n_gradients; i++) {
        gr_val p = r->map[fx.gradients[i].param], v = r->map[fx.gradients[i].gradient];
        if (p && v) gr_mark_gradient(r->to, p, v);
    }
}

/* What of the marked values is left. */
static size_t mapped(const gr__rebuild *r, const gr_val *list, size_t n, gr_val *out)
{
    size_t left = 0;
    for (size_t i = 0; i < n; i++)
        if (r->map[list[i]]) out[left++] = r->map[list[i]];
    return left;
}

static gr_status rebuild_keeping(gr__rebuild *r)
{
    gr_keep k = gr__graph_effects(r->from).keeping;
    gr_context *ctx = gr__graph_context(r->from);
    size_t room = (k.n_from + k.n_until + 1) * sizeof(gr_val);
    if (k.form == GR_KEEP_FLOAT32 || gr_graph_status(r->to) != GR_OK) return gr_graph_status(r->to);
    gr_val *marks = gr__alloc(ctx, room);
    if (!marks) return gr__error_code(ctx);
    k.n_until = mapped(r, k.until, k.n_until, marks + k.n_from);
    k.until = marks + k.n_from;
    k.n_from = mapped(r, k.from, k.n_from, marks);
    k.from = marks;
    k.seed = r->map[k.seed];
    k.update = r->map[k.update];
    k.position = r->map[k.position];
    gr_graph_keep(r->to, &k);
    gr__free(ctx, marks, room);
    return gr_graph_status(r->to);
}

static gr_status rebuild_all(gr__rebuild *r)
{
    uint32_t n_nodes = gr__graph_nodes(r->from);
    int widest = 1;
    for (uint32_t k = 0; k < n_nodes; k++) widest = GR_MAX(widest, gr__node(r->from, k)->n_in);
    gr_context *ctx = gr__graph_context(r->from);
    gr_val *in = gr__alloc(ctx, (size_t)widest * sizeof *in);
    if (!in) return gr__error_code(ctx);
    gr__plan_mark_live(r->from, r->live);
    count_uses(r);
    for (uint32_t k = 0; k < n_nodes && gr_graph_status(r->to) == GR_OK; k++)
        if (gr__plan_node_lives(gr__node(r->from, k), r->live)) rebuild_node(r, gr__node(r->from, k), in);
    if (gr_graph_status(r->to) == GR_OK) rebuild_effects(r);
    gr__free(ctx, in, (size_t)widest * sizeof *in);
    return rebuild_keeping(r);
}

gr_status gr__rebuild_graph(gr_context *ctx, const gr_graph *from, gr__rebuild_fn node, const void *user,
                            gr_graph **out)
{
    gr_status st = GR_OK;
    gr__rebuild r = {.from = from, .node = node, .user = user};
    gr__bump *work = gr__bump_create(ctx);
    if (!work) return gr__error_code(ctx);
    size_t values = gr__graph_values(from) + 1;
    r.live = gr__bump_alloc(work, values * sizeof *r.live);
    r.uses = gr__bump_alloc(work, values * sizeof *r.uses);
    r.map = gr__bump_alloc(work, values * sizeof *r.map);
    GR_TRY(r.live && r.uses && r.map ? GR_OK : gr__error_code(ctx));
    GR_TRY(gr_graph_create(ctx, &r.to));
    GR_TRY(rebuild_all(&r));
    *out = r.to;
    r.to = NULL;
done:
    gr_graph_destroy(r.to);
    gr__bump_destroy(work);
    return st;
}
