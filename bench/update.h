/* Updates alone, as plans of the fast backend: any optimizer of the registry over tensors with the shapes of ResNet-50
 * (25.6 million numbers). Gradient sums stand in slots, as where micro-batches have added them up. And how often such a
 * plan walks through memory. Used by bench/optimizers.c and by the suite. */
#ifndef GR_BENCH_UPDATE_H
#define GR_BENCH_UPDATE_H

#include <stdio.h>
#include <string.h>

#include "graph/node.h"
#include "optim/optim.h"
#include "plan/plan.h"

/* ---- shapes                                                                              [He et al. 2016, table 1;
 * 1x1, 3x3, 1x1 in a block] ---- */

enum { UPDATE_TENSORS = 192 };
typedef struct update_net {
    gr_param_info param[UPDATE_TENSORS];
    char name[UPDATE_TENSORS][32];
    size_t n;
    int64_t numbers; /* all tensors together */
} update_net;

static inline void update_add(update_net *net, const char *layer, const char *suffix, gr_shape shape, gr_role role,
                              gr_layout layout)
{
    char *name = net->name[net->n];
    snprintf(name, sizeof net->name[0], "%s.%s", layer, suffix);
    net->param[net->n++] = (gr_param_info){.entry = {.name = name, .shape = shape, .role = role, .layout = layout}};
    net->numbers += gr_shape_count(shape);
}

static inline void update_conv(update_net *net, const char *block, const char *part, int64_t out, int64_t kernel,
                               int64_t in)
{
    char layer[24];
    snprintf(layer, sizeof layer, "%s%s", block, part);
    update_add(net, layer, "weight", GR_SHAPE(out, kernel, kernel, in), GR_ROLE_WEIGHT, GR_LAYOUT_CONV);
    update_add(net, layer, "scale", GR_SHAPE(out), GR_ROLE_NORM_SCALE, GR_LAYOUT_PLAIN);
    update_add(net, layer, "shift", GR_SHAPE(out), GR_ROLE_NORM_SHIFT, GR_LAYOUT_PLAIN);
}

/* One tensor that stays in the cache. */
static inline void update_little(update_net *net)
{
    memset(net, 0, sizeof *net);
    update_add(net, "little", "weight", GR_SHAPE(64, 256), GR_ROLE_WEIGHT, GR_LAYOUT_PLAIN);
}

static inline void update_resnet50(update_net *net)
{
    static const int blocks[] = {3, 4, 6, 3};
    int64_t in = 64;
    memset(net, 0, sizeof *net);
    update_conv(net, "stem", "", 64, 7, 3);
    for (int stage = 0; stage < 4; stage++) {
        for (int k = 0; k < blocks[stage]; k++) {
            int64_t width = (int64_t)64 << stage;
            char block[16];
            snprintf(block, sizeof block, "s%db%d", stage + 1, k + 1);
            update_conv(net, block, "c1", width, 1, in);
            update_conv(net, block, "c2", width, 3, width);
            update_conv(net, block, "c3", 4 * width, 1, width);
            if (k == 0) update_conv(net, block, "skip", 4 * width, 1, in);
            in = 4 * width;
        }
    }
    update_add(net, "head", "weight", GR_SHAPE(1000, in), GR_ROLE_WEIGHT, GR_LAYOUT_PLAIN);
    update_add(net, "head", "bias", GR_SHAPE(1000), GR_ROLE_BIAS, GR_LAYOUT_PLAIN);
}

/* ---- the plan of an update ---- */

/* Slot PARAMETER/suffix; GR_NONE: failed. */
static inline gr_val update_slot(gr_graph *g, gr_store *store, const gr_param_info *p, const char *suffix)
{
    char name[64];
    gr_val v;
    snprintf(name, sizeof name, "%s/%s", p->entry.name, suffix);
    return gr__slot_add(g, store, name, p->entry.shape, p->entry.layout, 0, &v) == GR_OK ? v : GR_NONE;
}

static inline gr_status update_graph(gr_graph *g, gr_store *store, const update_net *net, const gr_optim *o,
                                     bool guarded)
{
    gr_val leaf[UPDATE_TENSORS], grad[UPDATE_TENSORS], z[UPDATE_TENSORS], hz[UPDATE_TENSORS];
    gr_update_spec u = {.optim = o,
                        .params = net->param,
                        .leaves = leaf,
                        .grads = grad,
                        .n = net->n,
                        .count = gr_feed(g, "count", GR_REAL, GR_SCALAR),
                        .lr = gr_feed(g, "lr", GR_REAL, GR_SCALAR)};
    gr_update_values values;
    for (size_t i = 0; i < net->n; i++) {
        const gr_param_info *p = &net->param[i];
        gr_status st = gr_store_add(store, &p->entry, NULL);
        if (st != GR_OK) return st;
        leaf[i] = gr_param(g, p->entry.name, p->entry.shape);
        grad[i] = update_slot(g, store, p, "sum");
        if (!o->method[0].member->curvature_every) continue;
        z[i] = update_slot(g, store, p, "z");
        hz[i] = update_slot(g, store, p, "sum_bend");
        u.rademacher = z;
        u.curvature = hz;
    }
    gr_status st = gr__optim_build(g, store, &u, &values);
    if (st == GR_OK && guarded) gr_guard(g, values.finite);
    return st == GR_OK ? gr_graph_status(g) : st;
}

/* Does it multiply matrices? Then it is no pass over memory. */
static inline bool update_multiplies(const gr_graph *g)
{
    for (uint32_t k = 0; k < gr__graph_nodes(g); k++)
        if (gr__node(g, k)->op->code == GR_OP_MATMUL) return true;
    return false;
}

/* guarded: as a training step has it, waiting for the gradients' norm. unfused: every operation a pass of its own. */
static inline gr_status update_compile(gr_context *ctx, gr_store *store, const update_net *net, const gr_optim *o,
                                       bool guarded, bool unfused, gr_plan **out)
{
    gr_graph *g = NULL;
    gr_status st = GR_OK;
    GR_TRY(gr_graph_create(ctx, &g));
    GR_TRY(update_graph(g, store, net, o, guarded));
    GR_TRY(gr_plan_compile(ctx, g, store,
                           &(gr_plan_options){.backend = gr_backend_get("cpu"), .name = "update", .unfused = unfused},
                           out));
done:
    gr_graph_destroy(g);
    return st;
}

/* ---- how an instruction walks through memory ---- */

enum { UPDATE_ARRAYS = 16 };
typedef struct update_walk { /* a segment of a call: the arrays of its full length */
    int64_t n;
    gr__operand both[UPDATE_ARRAYS], read[UPDATE_ARRAYS],
        written[UPDATE_ARRAYS]; /* both: the memory that is written was read there; what was read */
    int n_both, n_read, n_written;
} update_walk;

static inline int64_t update_count(const gr_plan *p, gr_val v)
{
    return gr_shape_count(gr__value(p->graph, v)->shape);
}

static inline bool update_same_place(const gr_plan *p, gr__operand a, gr__operand b)
{
    const gr__spot *x = &p->buffers[a.buffer].spot, *y = &p->buffers[b.buffer].spot;
    return x->kind == y->kind && x->index == y->index && x->offset + a.offset == y->offset + b.offset;
}

static inline void update_reads(const gr_plan *p, update_walk *w, const gr_val *in, const gr__operand *at, int n_in)
{
    for (int i = 0; i < n_in && w->n_read < UPDATE_ARRAYS; i++)
        if (update_count(p, in[i]) == w->n) w->read[w->n_read++] = at[i];
}

static inline void update_writes(const gr_plan *p, update_walk *w, const gr_val *out, const gr__operand *to, int n_out)
{
    for (int o = 0; o < n_out; o++) {
        if (update_count(p, out[o]) != w->n) continue;
        int at = 0;
        while (at < w->n_read && !update_same_place(p, w->read[at], to[o])) at++;
        if (at == w->n_read) {
            if (w->n_written < UPDATE_ARRAYS) w->written[w->n_written++] = to[o];
            continue;
        }
        w->both[w->n_both++] = w->read[at];
        w->read[at] = w->read[--w->n_read];
    }
}

/* Of segment s of a call. */
static inline update_walk update_walk_of(const gr_plan *p, const gr__instruction *call, int s)
{
    const gr_item *it = &call->made->item;
    const gr_val *in = it->in + s * it->n_in, *out = it->out + s * it->n_out;
    update_walk w = {0};
    for (int i = 0; i < it->n_in; i++) w.n = GR_MAX(w.n, update_count(p, in[i]));
    for (int o = 0; o < it->n_out; o++) w.n = GR_MAX(w.n, update_count(p, out[o]));
    update_reads(p, &w, in, call->operand + s * it->n_in, it->n_in);
    update_writes(p, &w, out, call->operand + it->n_segments * it->n_in + s * it->n_out, it->n_out);
    return w;
}

/* The bytes of the largest tensor that is copied, and of all of them. */
static inline double update_copies(const gr_plan *p, const gr__instruction *in, double *largest)
{
    double bytes = 0;
    for (int i = in->n_operands / 2; in->code == GR__COPY && i < in->n_operands; i++) {
        double one = (double)p->buffers[in->operand[i].buffer].bytes;
        *largest = GR_MAX(*largest, one);
        bytes += one;
    }
    return bytes;
}

typedef struct update_passes {
    int passes;   /* how often the array that is visited most is walked through, of all those of a thousandth of the
                     network or more */
    int kernels;  /* that walk through a thousandth of the network or more */
    double bytes; /* read and written, a number of the network */
} update_passes;

typedef struct update_visits { /* by place in memory */
    const gr_plan *plan;
    gr__operand at[UPDATE_TENSORS * UPDATE_ARRAYS];
    int times[UPDATE_TENSORS * UPDATE_ARRAYS], n;
} update_visits;

static inline void update_visit(update_visits *x, const gr__operand *arrays, int n)
{
    for (int i = 0; i < n; i++) {
        int at = 0;
        while (at < x->n && !update_same_place(x->plan, x->at[at], arrays[i])) at++;
        if (at == x->n) {
            if (x->n == (int)GR_COUNT(x->at)) continue;
            x->at[x->n++] = arrays[i];
        }
        x->times[at]++;
    }
}

/* Copies count as kernels and bytes; plans of updates have none but of single numbers. */
static inline update_passes update_count_passes(const gr_plan *p, const update_net *net)
{
    static update_visits x;
    update_passes r = {0};
    x = (update_visits){.plan = p};
    for (int i = 0; i < p->n_instructions; i++) {
        const gr__instruction *in = &p->instructions[i];
        double largest = 0, copied = update_copies(p, in, &largest);
        int64_t walked = (int64_t)copied / 4;
        r.bytes += 2 * copied;
        for (int s = 0; in->code == GR__CALL && s < in->made->item.n_segments; s++) {
            update_walk w = update_walk_of(p, in, s);
            r.bytes += 4 * (double)w.n * (2 * w.n_both + w.n_read + w.n_written);
            walked += w.n;
            if (w.n < net->numbers / 1000) continue;
            update_visit(&x, w.both, w.n_both);
            update_visit(&x, w.read, w.n_read);
            update_visit(&x, w.written, w.n_written);
        }
        r.kernels += walked >= net->numbers / 1000;
    }
    for (int i = 0; i < x.n; i++) r.passes = GR_MAX(r.passes, x.times[i]);
    r.bytes /= (double)net->numbers;
    return r;
}

#endif
