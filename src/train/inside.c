/* What goes on inside a network, read from a plan of its own. */
#include "train/inside.h"

#include <stdio.h>
#include <string.h>

#include "graph/slopes.h"

/* ---- the graph ---- */

static void put_outputs(gr_graph *g, const char *format, const gr_val *v, int n)
{
    char name[32];
    for (int i = 0; i < n; i++) {
        snprintf(name, sizeof name, format, i);
        gr_output(g, name, v[i]);
    }
}

/* What is differentiated by, in this order: layers, inputs, parameters. */
typedef struct points {
    gr_val *x, *slope;
    int layers, inputs, params;
} points;

static gr_status make_room(const gr_task *t, points *p)
{
    size_t n;
    gr__network_params(t->network, &n);
    p->layers = t->recipe->stack->n, p->inputs = t->recipe->n_inputs, p->params = (int)n;
    size_t bytes = sizeof(gr_val) * (size_t)(p->layers + p->inputs + p->params);
    p->x = gr__bump_alloc(t->memory, bytes);
    p->slope = p->x ? gr__bump_alloc(t->memory, bytes) : NULL;
    return p->slope ? GR_OK : GR_E_MEMORY;
}

static void put_points(const gr_inside *in, gr_graph *g, const gr_network_values *v, points *p)
{
    size_t n;
    const gr_param_info *param = gr__network_params(in->task->network, &n);
    gr_val *x = p->x + p->layers;
    for (int i = 0; i < p->inputs; i++) *x++ = gr_real(g, v->input[i]); /* a feed of bytes has no gradient */
    for (size_t i = 0; i < n; i++)
        *x++ = in->bind.leaf ? in->bind.leaf(in->bind.user, &param[i])
                             : gr_param(g, param[i].entry.name, param[i].entry.shape);
}

static gr_status differentiate(const gr_inside *in, gr_graph *g, gr_val cost, points *p)
{
    int first = in->slopes ? 0 : p->layers + p->inputs, n = p->layers + p->inputs + (in->gradients ? p->params : 0);
    gr_status st = GR_OK;
    if (n > first) st = gr__slopes(g, cost, p->x + first, n - first, p->slope + first);
    if (st != GR_OK) return st;
    if (in->slopes) put_outputs(g, "slope%d", p->slope, p->layers);
    if (in->slopes) put_outputs(g, "input%d_slope", p->slope + p->layers, p->inputs);
    if (in->gradients) put_outputs(g, "gradient%d", p->slope + p->layers + p->inputs, p->params);
    return gr_graph_status(g);
}

gr_status gr__inside_graph(void *inside, gr_graph *g)
{
    gr_inside *in = inside;
    const gr_task *t = in->task;
    points p;
    gr_network_values v;
    gr_status st = make_room(t, &p);
    int *length_of = st == GR_OK ? gr__bump_alloc(t->memory, sizeof *length_of * (size_t)p.layers) : NULL;
    if (!length_of) return GR_E_MEMORY;
    in->length_of = length_of;
    const gr_network_options o = {.layers = p.x, .lengths = length_of, .bind = in->bind};
    st = gr__network_build_with(t->network, g, in->mode, in->batch, true, &o, &v);
    if (st != GR_OK) return st;
    put_points(in, g, &v, &p);
    put_outputs(g, "layer%d", p.x, p.layers);
    gr_output(g, "cost_sum", v.cost_sum);
    gr_output(g, "weight_sum", v.weight_sum);
    return differentiate(in, g, v.cost_sum, &p);
}

/* ---- what a run gave ---- */

const void *gr__inside_output(const gr_inside *in, gr_inside_what what, size_t i, gr_shape *shape)
{
    static const char *const names[] = {"layer", "slope", "gradient"};
    char name[32];
    snprintf(name, sizeof name, "%s%zu", names[what], i);
    return gr_plan_output(in->plan, name, shape);
}

static double weight_of(const gr_inside *in)
{
    return *(const double *)gr_plan_output(in->plan, "weight_sum", NULL);
}

double gr__inside_cost(const gr_inside *in)
{
    return gr__cost_mean(*(const double *)gr_plan_output(in->plan, "cost_sum", NULL), weight_of(in));
}

static bool is_wide(const gr_task *t)
{
    return gr_backend_real_bytes(t->backend) == sizeof(double);
}

int64_t gr__inside_counts(const gr_inside *in, size_t i, const gr_batch *b, int64_t k)
{
    const gr_recipe *r = in->task->recipe;
    gr_shape shape;
    gr__inside_output(in, GR_INSIDE_LAYER, i, &shape);
    int64_t sample = gr_shape_count(shape) / in->batch;
    int input = in->length_of[i];
    const int32_t *length = input < 0 ? NULL : b->field[gr__length_place(r->n_inputs, r->n_heads, input)];
    return length ? sample / shape.dim[1] * length[k] : sample;
}

static void add_samples(const gr_inside *in, size_t i, const gr_batch *b, const char *numbers, int64_t sample,
                        gr_histogram *h)
{
    size_t real = gr_backend_real_bytes(in->task->backend);
    if (in->length_of[i] < 0) {
        gr__histogram_add(h, numbers, sample * in->batch, is_wide(in->task), 1);
        return;
    }
    for (int64_t k = 0; k < in->batch; k++)
        gr__histogram_add(h, numbers + (size_t)(k * sample) * real, gr__inside_counts(in, i, b, k), is_wide(in->task),
                          1);
}

void gr__inside_add(const gr_inside *in, gr_inside_what what, size_t i, const gr_batch *b, gr_histogram *h)
{
    gr_shape shape;
    const void *numbers = gr__inside_output(in, what, i, &shape);
    if (what != GR_INSIDE_GRADIENT) {
        add_samples(in, i, b, numbers, gr_shape_count(shape) / in->batch, h);
        return;
    }
    double weight = weight_of(in);
    gr__histogram_add(h, numbers, gr_shape_count(shape), is_wide(in->task), weight == 0 ? 1 : 1 / weight);
}

void gr__inside_add_entry(const gr_task *t, const gr_entry *e, gr_histogram *h)
{
    gr__histogram_add(h, e->data, e->count, is_wide(t), 1);
}

/* ---- kinds of numbers ---- */

static const gr_layer *named(gr_context *ctx, const gr_tree *activation)
{
    return gr__activation_none(activation) ? NULL
                                           : (const gr_layer *)gr__family_peek(ctx, &gr__family_layer, activation);
}

const gr_layer *gr__inside_activation(gr_context *ctx, const gr_stacked *l)
{
    const gr_layer *m = l->member;
    if (m->activation_only) return m;
    if (l->activation) return named(ctx, l->activation);
    if (m->inner_activation || !gr__member_has(&m->head, "activation")) return NULL;
    return named(ctx, gr__setting_tree(&l->settings, "activation"));
}

bool gr__inside_saturated(const gr_layer *a, double x)
{
    double near = (a->high - a->low) / 400;
    return x > a->high - near || (a->follow != GR_FOLLOW_RELU && x < a->low + near);
}
