/* Gradients of groups of samples, and what their norms say. */
#include "study/search/noise.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

/* ---- the estimate ---- */

enum { FEWEST = 4 }; /* groups, for an error to be worth its name */
static const double SURE = 2;

/* Of m groups, whose squares add up to t, and whose sum has the square q. */
static gr_noise_figures figures(double m, double t, double q, double group)
{
    gr_noise_figures f = {.gradient_norm2 = (q - t) / (m * (m - 1)), .trace = group * (t - q / m) / (m - 1)};
    f.noise_scale = f.trace / f.gradient_norm2;
    return f;
}

typedef struct spread { /* sums over the groups that were left out */
    double x, xx;
} spread;

static void add(spread *s, double x)
{
    s->x += x;
    s->xx += x * x;
}

/* [Efron & Stein 1981] */
static double jackknife(const spread *s, double m)
{
    return sqrt(fmax((m - 1) * (s->xx / m - s->x / m * (s->x / m)), 0));
}

void gr__noise_estimate(const double *square, const double *along, double sum2, int64_t groups, int64_t group,
                        gr_noise *out)
{
    double t = 0, m = (double)groups, size = (double)group;
    spread scale = {0}, trace = {0}, norm = {0};
    *out = (gr_noise){.is = {NAN, NAN, NAN}, .error = {NAN, NAN, NAN}, .group = group, .groups = groups};
    if (groups < FEWEST) return;
    for (int64_t i = 0; i < groups; i++) t += square[i];
    out->is = figures(m, t, sum2, size);
    for (int64_t i = 0; i < groups; i++) { /* differences from the whole, so that nothing cancels */
        gr_noise_figures f = figures(m - 1, t - square[i], sum2 - 2 * along[i] + square[i], size);
        add(&scale, f.noise_scale - out->is.noise_scale);
        add(&trace, f.trace - out->is.trace);
        add(&norm, f.gradient_norm2 - out->is.gradient_norm2);
    }
    out->error = (gr_noise_figures){jackknife(&scale, m), jackknife(&trace, m), jackknife(&norm, m)};
    out->resolved = isfinite(out->is.noise_scale) && out->is.gradient_norm2 > SURE * out->error.gradient_norm2;
    if (!out->resolved) out->is.noise_scale = out->error.noise_scale = NAN;
}

/* ---- the plan ---- */

static gr_status build(void *user, gr_graph *g)
{
    gr_noise_meter *m = user;
    gr_network_values v;
    const gr_network_options o = {.updates = (double)gr__task_extent(&m->task).total};
    gr_val *leaf = gr__bump_alloc(m->task.memory, sizeof *leaf * (m->n_params + 1)),
           *slope = gr__bump_alloc(m->task.memory, sizeof *slope * (m->n_params + 1));
    char name[32];
    int n = 0;
    if (!leaf || !slope) return GR_E_MEMORY;
    gr_status st = gr__network_build_with(m->task.network, g, GR_MODE_TRAIN, m->group, true, &o, &v);
    if (st != GR_OK) return st;
    for (size_t i = 0; i < m->n_params; i++)
        if (!gr__groups_freeze(&m->own.groups, m->params[i].entry.name))
            leaf[n++] = gr_param(g, m->params[i].entry.name, m->params[i].entry.shape);
    st = gr_gradients(g, v.cost_sum, leaf, n, slope);
    for (int i = 0; i < n && st == GR_OK; i++) {
        snprintf(name, sizeof name, "slope%d", i);
        gr_output(g, name, slope[i]);
    }
    gr_output(g, "weight_sum", v.weight_sum);
    return st == GR_OK ? gr_graph_status(g) : st;
}

/* ---- how much ---- */

enum { SAMPLES = 4096, AT_LEAST = 256, GROUPS = 32 };
static const double WORK = 5e11, PRODUCTS = 4e9; /* operations of all gradients; numbers that are multiplied */

/* A sample by itself, unless the network normalises by batches, or all numbers of so many gradients are too many. */
static gr_status choose_group(gr_noise_meter *m, int64_t samples)
{
    size_t states;
    int64_t batch = gr__task_batch(&m->task);
    gr__network_states(m->task.network, &states);
    m->group = 1;
    if (states)
        m->group = batch;
    else
        while ((double)m->n * (double)samples / (double)m->group > PRODUCTS && samples / m->group >= 2 * GROUPS)
            m->group *= 2;
    return gr__runner_add(&m->run, "noise scale", build, m, &m->plan);
}

static int64_t affordable(const gr_noise_meter *m)
{
    double flops = fmax(gr_plan_flops(m->plan) / (double)m->group, 1);
    return (int64_t)fmin(fmax(WORK / (2 * flops), AT_LEAST), SAMPLES);
}

static gr_status take_room(gr_noise_meter *m)
{
    size_t n = (size_t)m->n + 3 * (size_t)m->groups;
    m->memory = gr__tensor_alloc(m->ctx, n * sizeof *m->memory);
    if (!m->memory) return gr__error_code(m->ctx);
    m->sum = m->memory;
    m->square = m->sum + m->n;
    m->along = m->square + m->groups;
    m->weight = m->along + m->groups;
    return GR_OK;
}

gr_status gr__noise_open(const gr_task *of, int64_t most, gr_noise_meter *m)
{
    gr_status st = GR_OK;
    *m = (gr_noise_meter){.ctx = of->ctx, .own = *of->recipe};
    m->own.mixture = (gr_mixture){0};
    GR_TRY(gr__task_borrow(of, &m->own, &m->task));
    m->task.buckets.n = 0;
    m->params = gr__network_params(m->task.network, &m->n_params);
    for (size_t i = 0; i < m->n_params; i++)
        if (!gr__groups_freeze(&m->own.groups, m->params[i].entry.name))
            m->n += gr_shape_count(m->params[i].entry.shape);
    if (m->n < 1) GR_TRY(gr__fail(m->ctx, GR_E_CONFLICT, "nothing is trained: there are no gradients"));
    GR_TRY(gr__runner_open(&m->task, &m->run));
    GR_TRY(choose_group(m, most ? most : SAMPLES));
    gr_loader_options o = gr__task_training_loader(&m->task, false);
    o.batch = m->group;
    o.shuffle = GR_SHUFFLE_ONCE;
    m->groups = GR_MIN(most ? most : affordable(m), o.rows->n) / m->group;
    GR_TRY(gr__runner_fill(&m->run, NULL));
    GR_TRY(gr__runner_bind(&m->run));
    GR_TRY(take_room(m));
    st = gr__loader_create(m->ctx, &o, &m->loader);
done:
    return st;
}

void gr__noise_close(gr_noise_meter *m)
{
    if (!m->ctx) return;
    if (m->memory) gr__tensor_free(m->ctx, m->memory, ((size_t)m->n + 3 * (size_t)m->groups) * sizeof *m->memory);
    gr__loader_destroy(m->loader);
    gr__runner_close(&m->run);
    gr__task_return(&m->task);
    *m = (gr_noise_meter){0};
}

/* ---- passes ---- */

/* The first pass adds a group's gradient to the sum, the second multiplies it with that. */
static void take_gradient(gr_noise_meter *m, int64_t k, bool second)
{
    bool wide = gr_backend_real_bytes(m->task.backend) == sizeof(double);
    double square = 0, along = 0, *to = m->sum;
    char name[32];
    gr_shape shape;
    for (int i = 0;; i++) {
        snprintf(name, sizeof name, "slope%d", i);
        const void *from = gr_plan_output(m->plan, name, &shape);
        if (!from) break;
        int64_t n = gr_shape_count(shape);
        for (int64_t j = 0; j < n; j++) {
            double x = wide || shape.rank == 0 ? ((const double *)from)[j] : (double)((const float *)from)[j];
            if (second)
                square += x * x, along += x * to[j];
            else
                to[j] += x;
        }
        to += n;
    }
    m->square[k] = square;
    m->along[k] = along;
}

static gr_status pass(gr_noise_meter *m, bool second, const volatile sig_atomic_t *stop, const gr_watch *watch)
{
    gr_feeds f = gr__feeds_find(&m->task, m->plan);
    gr_status st = GR_OK;
    gr__loader_seek(m->loader, 0, 0);
    for (int64_t k = 0; k < m->groups; k++) {
        gr_batch b;
        gr__watch(watch, "gradients", (second ? 0.5 : 0) + 0.5 * (double)k / (double)m->groups);
        if (stop && *stop) return GR_E_INTERRUPTED;
        GR_TRY(gr__loader_next(m->loader, &b));
        gr__feeds_put(&f, &b);
        gr__feeds_moment(&f, m->own.seed, 0, k * m->group);
        GR_TRY(gr_plan_run(m->plan));
        m->weight[k] = *(const double *)gr_plan_output(m->plan, "weight_sum", NULL);
        take_gradient(m, k, second);
    }
done:
    return st;
}

/* Gradients are sums; the mean of a group divides by what groups weigh on average, so that samples keep their weights
 * though a group has few of them. */
gr_status gr__noise_measure(gr_noise_meter *m, const volatile sig_atomic_t *stop, const gr_watch *watch, gr_noise *out)
{
    double weight = 0, sum2 = 0;
    gr_status st = GR_OK;
    memset(m->sum, 0, sizeof *m->sum * (size_t)m->n);
    GR_TRY(pass(m, false, stop, watch));
    GR_TRY(pass(m, true, stop, watch));
    for (int64_t k = 0; k < m->groups; k++) weight += m->weight[k] / (double)m->groups;
    for (int64_t i = 0; i < m->n; i++) sum2 += m->sum[i] * m->sum[i];
    for (int64_t k = 0; k < m->groups; k++) {
        m->square[k] /= weight * weight;
        m->along[k] /= weight * weight;
    }
    gr__noise_estimate(m->square, m->along, sum2 / (weight * weight), m->groups, m->group, out);
done:
    return st;
}
