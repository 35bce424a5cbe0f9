/* A probe: one training and one evaluation plan of a recipe, with the values inside that checks want to see as outputs.
 */
#include <stdio.h>
#include <string.h>

#include "model/stack.h"
#include "study/check/check.h"

static gr_status next_of_loader(void *source, gr_batch *out)
{
    return gr__loader_next(source, out);
}

/* What the batch says of a statistic, as an output. */
static void show_state(void *user, const gr_entry_spec *s, gr_val batch, double share)
{
    (void)share;
    gr_output(user, s->name, batch);
}

static void put_outputs(gr_graph *g, const char *prefix, const gr_val *v, int n)
{
    char name[32];
    for (int i = 0; i < n; i++) {
        snprintf(name, sizeof name, "%s%d", prefix, i);
        gr_output(g, name, v[i]);
    }
}

static gr_status train_graph(gr_probe *p, gr_graph *g)
{
    gr_network_values v;
    size_t n_params;
    const gr_param_info *param = gr__network_params(p->task.network, &n_params);
    int n = p->recipe->stack->n, all = n + 1 + (int)n_params; /* layers, the input, parameters */
    gr_val *layer = gr__bump_alloc(p->task.memory, sizeof *layer * (size_t)all),
           *slope = gr__bump_alloc(p->task.memory, sizeof *slope * (size_t)all);
    if (!layer || !slope) return GR_E_MEMORY;
    gr_status st =
        gr__network_build_with(p->task.network, g, GR_MODE_TRAIN, p->batch, true,
                               &(gr_network_options){.layers = layer, .bind = {.observe = show_state, .user = g}}, &v);
    if (st != GR_OK) return st;
    layer[n] = gr_real(g, v.input); /* where preparation starts: an input may be of bytes, which have no gradient */
    for (size_t i = 0; i < n_params; i++)
        layer[n + 1 + (int)i] = gr_param(g, param[i].entry.name, param[i].entry.shape);
    st = gr_gradients(g, v.cost_sum, layer, all, slope);
    if (st != GR_OK) return st;
    put_outputs(g, "layer", layer, n);
    put_outputs(g, "slope", slope, n);
    put_outputs(g, "gradient", slope + n + 1, (int)n_params);
    gr_output(g, "input_slope", slope[n]);
    return gr_graph_status(g);
}

static gr_status evaluate_graph(gr_probe *p, gr_graph *g)
{
    gr_network_values v;
    gr_status st = gr__network_build(p->task.network, g, GR_MODE_EVALUATE, p->batch, true, &v);
    if (st != GR_OK) return st;
    gr_output(g, "output", v.output);
    gr_output(g, "prediction", v.prediction);
    gr_output(g, "cost_sum", v.cost_sum);
    gr_output(g, "weight_sum", v.weight_sum);
    return gr_graph_status(g);
}

static gr_status compile(gr_probe *p, gr_status (*build)(gr_probe *p, gr_graph *g), const char *name, gr_plan **out)
{
    gr_graph *g = NULL;
    gr_status st = GR_OK;
    GR_TRY(gr_graph_create(p->ctx, &g));
    GR_TRY(build(p, g));
    GR_TRY(gr_plan_compile(
        p->ctx, g, p->store,
        &(gr_plan_options){.backend = p->task.backend, .name = name, .algorithm = p->recipe->algorithm}, out));
done:
    gr_graph_destroy(g);
    return st;
}

/* Evaluation needs statistics that an untrained model has none of: those of the first batch stand for them. */
static gr_status fill_states(gr_probe *p)
{
    size_t n;
    gr_batch b;
    const gr_entry_spec *states = gr__network_states(p->task.network, &n);
    if (n == 0) return GR_OK;
    gr_status st = gr__loader_next(p->loader, &b);
    if (st == GR_OK) st = gr__probe_run(p, p->train, &b);
    for (size_t i = 0; i < n && st == GR_OK; i++) {
        const gr_entry *e = gr_store_find(p->store, states[i].name);
        memcpy(e->data, gr_plan_output(p->train, states[i].name, NULL),
               gr_backend_real_bytes(p->task.backend) * (size_t)e->count);
    }
    gr__loader_seek(p->loader, 0, 0);
    return st;
}

gr_status gr__probe_open(gr_context *ctx, const gr_recipe *r, gr_probe *p)
{
    gr_status st = GR_OK;
    *p = (gr_probe){.ctx = ctx, .recipe = r};
    GR_TRY(gr__task_open(ctx, r, 1u << GR_PART_TRAIN, NULL, &p->task));
    p->batch = gr__task_batch(&p->task);
    GR_TRY(gr_store_create(ctx, p->task.backend, &p->store));
    GR_TRY(gr__network_declare(p->task.network, p->store));
    GR_TRY(compile(p, train_graph, "check training", &p->train));
    GR_TRY(compile(p, evaluate_graph, "check evaluation", &p->evaluate));
    GR_TRY(gr_store_seal(p->store));
    GR_TRY(gr__network_init(p->task.network, p->store));
    GR_TRY(gr_arena_create(ctx, GR_MAX(gr_plan_bytes(p->train).arena, gr_plan_bytes(p->evaluate).arena), &p->arena));
    GR_TRY(gr_plan_bind(p->train, p->arena));
    GR_TRY(gr_plan_bind(p->evaluate, p->arena));
    gr_loader_options o = gr__task_loader(&p->task, GR_PART_TRAIN, false);
    p->batches = gr__loader_batches(&o);
    GR_TRY(gr__loader_create(ctx, &o, &p->loader));
    GR_TRY(fill_states(p));
    p->next = next_of_loader;
    p->source = p->loader;
done:
    if (st != GR_OK) gr__probe_close(p);
    return st;
}

void gr__probe_close(gr_probe *p)
{
    if (!p->ctx) return;
    gr__loader_destroy(p->loader);
    gr_plan_destroy(p->train);
    gr_plan_destroy(p->evaluate);
    gr_arena_destroy(p->arena);
    gr_store_destroy(p->store);
    gr__task_close(&p->task);
    *p = (gr_probe){0};
}

gr_status gr__probe_run(gr_probe *p, gr_plan *plan, const gr_batch *b)
{
    size_t bytes;
    void *at;
    if (b->n != p->batch)
        return gr__fail(p->ctx, GR_E_INTERNAL, "a batch of %lld rows for a plan of %lld", (long long)b->n,
                        (long long)p->batch);
    if ((at = gr_plan_feed(plan, "x", &bytes))) memcpy(at, b->inputs, bytes);
    if ((at = gr_plan_feed(plan, "y", &bytes))) memcpy(at, b->targets, bytes);
    const struct {
        const char *name;
        double value;
    } scalars[] = {{"seed", (double)p->recipe->seed}, {"update", 0}, {"position", 0}};
    for (size_t i = 0; i < GR_COUNT(scalars); i++)
        if ((at = gr_plan_feed(plan, scalars[i].name, NULL))) *(double *)at = scalars[i].value;
    return gr_plan_run(plan);
}

double gr__probe_real(const gr_probe *p, const void *data, int64_t i)
{
    return gr_backend_real_bytes(p->task.backend) == 8 ? ((const double *)data)[i] : ((const float *)data)[i];
}

bool gr__probe_reached(const gr_probe *p, size_t i)
{
    char name[32];
    gr_shape shape;
    snprintf(name, sizeof name, "gradient%zu", i);
    const void *data = gr_plan_output(p->train, name, &shape);
    for (int64_t k = 0, n = gr_shape_count(shape); k < n; k++)
        if (gr__probe_real(p, data, k) != 0) return true;
    return false;
}

bool gr__probe_learns(const gr_probe *p)
{
    size_t n;
    const gr_param_info *all = gr__network_params(p->task.network, &n);
    for (size_t i = 0; i < n; i++)
        if (!all[i].is_bias && gr__probe_reached(p, i)) return true;
    return false;
}
