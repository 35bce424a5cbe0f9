/* Compiling: the stages one after another, and the end of a plan. */
#include "graph/body.h"
#include "plan/plan.h"

static gr_status find_entries(gr__compiler *c)
{
    uint32_t n = gr__graph_nodes(c->g);
    c->entry = gr__bump_alloc(c->work, (n + 1) * sizeof *c->entry);
    if (!c->entry) return gr__error_code(c->ctx);
    for (uint32_t k = 0; k < n; k++) {
        const gr_node *leaf = gr__node(c->g, k);
        int number;
        bool slot = leaf->op->code == GR_OP_SLOT;
        char wanted[96], found[96];
        c->entry[k] = -1;
        if (!c->loop && gr__stands_in(leaf, &number))
            return gr__fail(c->ctx, GR_E_USAGE, "an unknown%s%s is read outside of its fixed point",
                            leaf->scope[0] ? " of " : "", leaf->scope);
        if (leaf->op->kept != GR__KEPT_STORE) continue;
        const gr_entry *e = gr_store_find(c->plan->store, leaf->attr.name);
        const char *in = leaf->scope[0] ? " in " : "";
        if (!e)
            return gr__fail(c->ctx, GR_E_MISSING, "%s \"%s\"%s%s is not in the store", leaf->op->name, leaf->attr.name,
                            in, leaf->scope);
        if (e->spec.slot != slot)
            return gr__fail(c->ctx, GR_E_CONFLICT, "\"%s\"%s%s is a %s in the graph and a %s in the store",
                            leaf->attr.name, in, leaf->scope, slot ? "slot" : "parameter", slot ? "parameter" : "slot");
        gr_shape shape = gr__value(c->g, leaf->out)->shape;
        if (!gr__shape_equal(e->spec.shape, shape))
            return gr__fail(c->ctx, GR_E_SHAPE, "%s \"%s\"%s%s: the graph has %s, the store %s", leaf->op->name,
                            leaf->attr.name, in, leaf->scope, gr__shape_text(shape, wanted),
                            gr__shape_text(e->spec.shape, found));
        if ((gr__value(c->g, leaf->out)->dtype == GR_U8) != (e->spec.role == GR_ROLE_CODES))
            return gr__fail(c->ctx, GR_E_TYPE, "slot \"%s\" is of bytes on one side alone", leaf->attr.name);
        c->entry[k] = (int)(e - gr_store_entry(c->plan->store, 0));
    }
    return GR_OK;
}

static gr_status check_options(gr_context *ctx, const gr_graph *g, const gr_store *s, const gr_plan_options *o)
{
    if (gr_graph_status(g) != GR_OK) return gr_graph_status(g);
    if (!o || !o->backend) return gr__fail(ctx, GR_E_USAGE, "a plan needs a backend");
    if (gr__store_backend(s) != o->backend)
        return gr__fail(ctx, GR_E_CONFLICT, "the plan is for backend \"%s\", its store for \"%s\"", o->backend->name,
                        gr__store_backend(s)->name);
    return GR_OK;
}

static gr_status begin(gr__compiler *c, const gr_graph *g, gr_store *s)
{
    gr_plan *p = c->plan;
    p->backend = c->backend;
    p->store = s;
    p->memory = gr__bump_create(c->ctx);
    if (!p->memory) return gr__error_code(c->ctx);
    p->name = gr__bump_strdup(p->memory, c->options.name ? c->options.name : "plan");
    if (!p->name) return gr__error_code(c->ctx);
    /* the pool now: scratch is sized by its threads */
    if (gr_context_threads(c->ctx) > 1 && !(p->pool = gr__context_pool(c->ctx))) return gr__error_code(c->ctx);
    gr_status st = gr__plan_simplify(c->ctx, c->backend, g, &p->graph);
    if (st == GR_OK) st = gr__plan_keep(c->ctx, &p->graph);
    bool fuses = c->backend->fuses && !c->options.unfused;
    if (st == GR_OK && fuses) st = gr__plan_recompute(c, &p->graph);
    c->g = p->graph;
    return st;
}

gr_status gr__plan_compile_stages(gr__compiler *c, gr__reschedule_fn change, void *user)
{
    gr_status st = GR_OK;
    GR_TRY(find_entries(c));
    GR_TRY(gr__plan_survey(c));
    GR_TRY(gr__plan_fuse(c));
    GR_TRY(gr__plan_assigns(c));
    GR_TRY(gr__plan_merge(c));
    GR_TRY(gr__plan_make(c));
    GR_TRY(gr__plan_order(c));
    GR_TRY(gr__plan_schedule(c));
    GR_TRY(gr__plan_stand(c));
    GR_TRY(change ? change(c, user) : gr__plan_remember(c));
    GR_TRY(gr__plan_buffers(c));
    GR_TRY(gr__plan_place(c));
    GR_TRY(gr__plan_program(c));
done:
    return st;
}

gr_status gr__plan_compile(gr_context *ctx, const gr_graph *g, gr_store *s, const gr_plan_options *options,
                           gr__reschedule_fn change, void *user, gr_plan **out)
{
    gr_status st = check_options(ctx, g, s, options);
    if (st != GR_OK) return st;
    gr__compiler c = {.ctx = ctx, .backend = options->backend, .options = *options};
    c.plan = gr__alloc(ctx, sizeof *c.plan);
    if (!c.plan) return gr__error_code(ctx);
    c.plan->ctx = ctx;
    c.work = gr__bump_create(ctx);
    GR_TRY(c.work ? GR_OK : gr__error_code(ctx));
    GR_TRY(begin(&c, g, s));
    GR_TRY(gr__plan_compile_stages(&c, change, user));
    *out = c.plan;
    c.plan = NULL;
done:
    gr__bump_destroy(c.work);
    gr_plan_destroy(c.plan);
    return st;
}

gr_status gr_plan_compile(gr_context *ctx, const gr_graph *g, gr_store *s, const gr_plan_options *options,
                          gr_plan **out)
{
    return gr__plan_compile(ctx, g, s, options, NULL, NULL, out);
}

void gr_plan_destroy(gr_plan *p)
{
    if (!p) return;
    for (const gr__made *m = p->made; m; m = m->next) m->kernel->destroy(p->ctx, m->kernel);
    gr_arena_destroy(p->own);
    gr__free(p->ctx, p->constants, p->constant_bytes);
    gr_graph_destroy(p->graph);
    gr__bump_destroy(p->memory);
    gr__free(p->ctx, p, sizeof *p);
}

gr_plan_bytes_info gr_plan_bytes(const gr_plan *p)
{
    return p->bytes;
}
