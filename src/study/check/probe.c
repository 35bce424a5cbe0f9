/* A probe: one training and one evaluation plan of a recipe, with the values inside that checks want to see as outputs.
 */
#include <stdio.h>
#include <string.h>

#include "study/check/check.h"

static gr_status next_of_loader(void *source, gr_batch *out)
{
    return gr__loader_next(source, out);
}

/* What the batch says of a statistic, as an output. */
static void show_state(void *user, const gr_entry_spec *s, gr_val batch, gr_val share)
{
    (void)share;
    gr_output(user, s->name, batch);
}

static gr_status train_graph(void *user, gr_graph *g)
{
    gr_probe *p = user;
    gr_inside in = {.task = &p->task,
                    .mode = GR_MODE_TRAIN,
                    .batch = p->batch,
                    .gradients = true,
                    .slopes = true,
                    .bind = {.observe = show_state, .user = g}};
    return gr__inside_graph(&in, g);
}

static void put_outputs(gr_graph *g, const char *prefix, const gr_val *v, int n)
{
    char name[32];
    for (int i = 0; i < n; i++) {
        snprintf(name, sizeof name, "%s%d", prefix, i);
        gr_output(g, name, v[i]);
    }
}

static gr_status evaluate_graph(void *user, gr_graph *g)
{
    gr_probe *p = user;
    gr_network_values v;
    char name[GR_FEED_TEXT];
    int n = p->recipe->stack->n;
    gr_val *layer = gr__bump_alloc(p->task.memory, sizeof *layer * (size_t)GR_MAX(n, 1));
    if (!layer) return GR_E_MEMORY;
    gr_status st = gr__network_build_with(p->task.network, g, GR_MODE_EVALUATE, p->batch, true,
                                          &(gr_network_options){.layers = layer}, &v);
    if (st == GR_OK) put_outputs(g, "layer", layer, n);
    if (st == GR_OK) put_outputs(g, "prepared", v.prepared, p->recipe->n_inputs);
    for (int h = 0; h < p->recipe->n_heads && st == GR_OK; h++) {
        const char *head = p->recipe->head[h].name;
        gr_output(g, gr__output_of(head, "output", name), v.head[h].output);
        gr_output(g, gr__output_of(head, "prediction", name), v.head[h].prediction);
        gr_output(g, gr__output_of(head, "cost_sum", name), v.head[h].cost_sum);
        gr_output(g, gr__output_of(head, "weight_sum", name), v.head[h].weight_sum);
        st = gr_graph_status(g);
    }
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
        const void *batch = gr_plan_output(p->train, states[i].name, NULL); /* NULL: the layer is frozen */
        if (batch) memcpy(e->data, batch, gr_backend_real_bytes(p->task.backend) * (size_t)e->count);
    }
    gr__loader_seek(p->loader, 0, 0);
    return st;
}

/* Store, plans and loader for batches of p->batch. */
static gr_status open_plans(gr_probe *p)
{
    gr_status st = GR_OK;
    GR_TRY(gr__runner_open(&p->task, &p->run));
    p->store = p->run.store;
    GR_TRY(gr__runner_add(&p->run, "check training", train_graph, p, &p->train));
    GR_TRY(gr__runner_add(&p->run, "check evaluation", evaluate_graph, p, &p->evaluate));
    GR_TRY(gr__runner_fill(&p->run, NULL));
    GR_TRY(gr__runner_bind(&p->run));
    gr_loader_options o = gr__task_loader(&p->task, GR_PART_TRAIN, false);
    o.batch = p->batch;
    p->batches = gr__loader_batches(&o);
    GR_TRY(gr__loader_create(p->ctx, &o, &p->loader));
    GR_TRY(fill_states(p));
    p->next = next_of_loader;
    p->source = p->loader;
done:
    return st;
}

/* All values inside are outputs, which take more memory than a training: where that is too much, fewer samples do. */
gr_status gr__probe_open(gr_context *ctx, const gr_recipe *r, gr_probe *p)
{
    gr_status st = GR_OK;
    *p = (gr_probe){.ctx = ctx, .recipe = r};
    GR_TRY(gr__task_open(ctx, r, 1u << GR_PART_TRAIN | 1u << GR_PART_VALIDATION, NULL, &p->task));
    p->batch = gr__task_batch(&p->task);
    while ((st = open_plans(p)) == GR_E_BUDGET && p->batch > 1) {
        gr_context_clear_error(ctx);
        gr__probe_rest(p);
        p->batch = (p->batch + 1) / 2;
    }
done:
    if (st != GR_OK) gr__probe_close(p);
    return st;
}

gr_status gr__probe_draw(gr_probe *p, int draw)
{
    p->draw = draw;
    gr_status st = gr__network_draw(p->task.network, gr__check_seed(p->recipe->seed, draw), p->store);
    return st == GR_OK ? fill_states(p) : st;
}

void gr__probe_rest(gr_probe *p)
{
    gr__loader_destroy(p->loader);
    gr__runner_close(&p->run);
    p->loader = NULL;
    p->store = NULL;
    p->train = p->evaluate = NULL;
}

void gr__probe_close(gr_probe *p)
{
    if (!p->ctx) return;
    gr__probe_rest(p);
    gr__task_close(&p->task);
    *p = (gr_probe){0};
}

gr_status gr__probe_run(gr_probe *p, gr_plan *plan, const gr_batch *b)
{
    if (b->n != p->batch)
        return gr__fail(p->ctx, GR_E_INTERNAL, "a batch of %lld rows for a plan of %lld", (long long)b->n,
                        (long long)p->batch);
    return gr__runner_run(&p->run, plan, b);
}

const void *gr__probe_head(const gr_probe *p, int head, const char *what, gr_shape *shape)
{
    char name[GR_FEED_TEXT];
    return gr_plan_output(p->evaluate, gr__output_of(p->recipe->head[head].name, what, name), shape);
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
