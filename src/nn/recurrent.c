/* Recurrent layers: parameters as PyTorch names and lays them out, what the input gives to all steps in one product a
 * gate, and a loop for what the state gives. Steps beyond a sample's length leave its state alone, so the reverse
 * direction starts at each sample's own end. */
#include "nn/recurrent.h"

#include <string.h>

#include "graph/shape.h"

/* One direction of one of the layers on one another. */
typedef struct direction {
    gr_build *b;
    const gr__cell *cell;
    const char *suffix; /* "_l0", "_l1_reverse" */
    int64_t units;
    bool reverse;
    gr_val mask; /* [steps, samples]: 1 where the step counts; GR_NONE: all do */
} direction;

/* ---- parameters ---- */

static const char nothing[] = "{type: zeros}"; /* what bias_hh starts as, whatever is asked: bias_ih beside it has it */

static gr_val declare(const direction *d, const char *name, gr_shape shape, const char *usual, int64_t fan_in)
{
    gr_build *b = d->b;
    const char *full = gr__bump_format(b->memory, "%s%s", name, d->suffix);
    bool bias = shape.rank == 1;
    if (!full) return gr_graph_fail(b->g, GR_E_MEMORY, "no memory for parameter %s", name);
    const gr_tree *init = b->init;
    if (usual == nothing) b->init = NULL;
    b->usual = usual;
    b->blocks = d->cell->gates;
    b->settled = usual != NULL;
    b->follow = d->cell->follow;
    b->inside = true;
    gr_val v = gr__build_param(b, full, shape, bias ? GR_ROLE_BIAS : GR_ROLE_WEIGHT, GR_LAYOUT_PLAIN, fan_in, d->units);
    b->init = init;
    b->usual = NULL;
    b->blocks = 0;
    b->settled = false;
    b->inside = false;
    return v;
}

static gr_val gate_of(const direction *d, gr_val param, int gate)
{
    return gr_slice(d->b->g, param, 0, gate * d->units, d->units);
}

/* ---- a direction ---- */

/* What the input gives to each gate, of all steps: [steps, samples, units]. */
static void from_input(const direction *d, gr_val x, gr_val weight, gr_val bias, gr_val bias_hidden, gr_val *gates)
{
    gr_graph *g = d->b->g;
    gr_shape s = gr_shape_of(g, x);
    gr_val rows = gr_reshape(g, x, GR_SHAPE(s.dim[0] * s.dim[1], s.dim[2]));
    for (int k = 0; k < d->cell->gates; k++) {
        gr_val sum = gr_matmul(g, rows, gate_of(d, weight, k), false, true), added = gate_of(d, bias, k);
        if (!(d->cell->inner_bias >> k & 1)) added = gr_add(g, added, gate_of(d, bias_hidden, k));
        gates[k] = gr_reshape(g, gr_add(g, sum, added), GR_SHAPE(s.dim[0], s.dim[1], d->units));
    }
}

typedef struct inner { /* values of the body */
    gr_val gate[GR__MAX_GATES], weight[GR__MAX_GATES], bias[GR__MAX_GATES], state[GR__MAX_CARRIED], mask;
} inner;

static void open_body(const direction *d, gr_scan *s, const gr_val *gates, gr_val weight, gr_val bias, inner *in)
{
    gr_graph *g = d->b->g;
    gr_shape all = gr_shape_of(g, gates[0]);
    gr_val zeros = gr_broadcast(g, gr_const(g, 0), GR_SHAPE(all.dim[1], d->units));
    for (int k = 0; k < d->cell->gates; k++) {
        in->gate[k] = gr_scan_step(s, gates[k]);
        in->weight[k] = gr_scan_given(s, gate_of(d, weight, k));
        in->bias[k] = d->cell->inner_bias >> k & 1 ? gr_scan_given(s, gate_of(d, bias, k)) : GR_NONE;
    }
    for (int c = 0; c < d->cell->carried; c++) in->state[c] = gr_scan_carry(s, zeros);
    in->mask = d->mask ? gr_scan_step(s, d->mask) : GR_NONE;
}

/* The new state, and what the step gives: zeros where it does not count. */
static gr_val build_step(const direction *d, gr_scan *s, const inner *in)
{
    gr_graph *g = gr_scan_body(s);
    gr_val hidden[GR__MAX_GATES], next[GR__MAX_CARRIED], given;
    for (int k = 0; k < d->cell->gates; k++) hidden[k] = gr_matmul(g, in->state[0], in->weight[k], false, true);
    for (int c = 0; c < d->cell->carried; c++) next[c] = in->state[c];
    d->cell->step(g, in->gate, hidden, in->bias, next);
    given = next[0];
    if (in->mask) {
        gr_val mask = gr_reshape(g, in->mask, GR_SHAPE(gr_shape_of(g, in->mask).dim[0], 1));
        mask = gr_broadcast(g, mask, gr_shape_of(g, in->state[0]));
        given = gr_select(g, mask, given, gr_const(g, 0));
        for (int c = 0; c < d->cell->carried; c++) next[c] = gr_select(g, mask, next[c], in->state[c]);
    }
    for (int c = 0; c < d->cell->carried; c++) gr_scan_next(s, in->state[c], next[c]);
    return given;
}

/* x [steps, samples, features]; all states [steps, samples, units], and the last. */
static void run(const direction *d, gr_val x, gr_val *all, gr_val *last)
{
    gr_graph *g = d->b->g;
    gr_shape shape = gr_shape_of(g, x);
    int64_t rows = d->cell->gates * d->units, features = shape.dim[2];
    gr_val gates[GR__MAX_GATES];
    inner in;
    gr_val weight = declare(d, "weight_ih", GR_SHAPE(rows, features), NULL, features),
           recurrent = declare(d, "weight_hh", GR_SHAPE(rows, d->units), "{type: orthogonal}", d->units),
           bias = declare(d, "bias_ih", GR_SHAPE(rows), d->cell->usual_bias, features),
           bias_hidden = declare(d, "bias_hh", GR_SHAPE(rows), nothing, d->units);
    from_input(d, x, weight, bias, bias_hidden, gates);
    gr_scan *s = gr_scan_begin(g, shape.dim[0], d->reverse);
    if (!s) return;
    open_body(d, s, gates, recurrent, bias_hidden, &in);
    gr_val given = build_step(d, s, &in);
    if (gr_scan_end(s)) {
        *all = gr_scan_stack(s, given);
        *last = gr_scan_final(s, in.state[0]);
    }
    gr_scan_free(s);
}

/* ---- the layer ---- */

/* [steps, samples]: does the step count? */
static gr_val mask_of(gr_graph *g, gr_val lengths, int64_t steps)
{
    gr_shape s = GR_SHAPE(steps, gr_shape_of(g, lengths).dim[0]);
    return gr_less(g, gr_iota(g, s, 0), gr_broadcast(g, lengths, s));
}

static gr_val swapped(gr_graph *g, gr_val x)
{
    return gr_permute(g, x, (int[]){1, 0, 2});
}

gr_val gr__recurrent_build(gr_build *b, const gr_settings *s, gr_val x, const gr__cell *cell)
{
    gr_graph *g = b->g;
    gr_shape shape = gr_shape_of(g, x);
    if (gr_graph_status(g) != GR_OK) return GR_NONE;
    if (shape.rank != 3 || shape.dim[1] < 1)
        return gr_graph_fail(g, GR_E_SHAPE, "takes sequences, [steps, features], of one step at least");
    int64_t layers = gr__setting_int(s, "layers");
    int directions = gr__setting_bool(s, "bidirectional") ? 2 : 1;
    bool last = strcmp(gr__setting_text(s, "return"), "last") == 0;
    gr_val y = swapped(g, x), mask = b->lengths ? mask_of(g, b->lengths, shape.dim[1]) : GR_NONE, all[2] = {GR_NONE},
           end[2] = {GR_NONE};
    for (int64_t l = 0; l < layers && gr_graph_status(g) == GR_OK; l++) {
        for (int k = 0; k < directions; k++) {
            const char *suffix = gr__bump_format(b->memory, "_l%lld%s", (long long)l, k ? "_reverse" : "");
            if (!suffix) return gr_graph_fail(g, GR_E_MEMORY, "no memory for names");
            run(&(direction){b, cell, suffix, gr__setting_int(s, "units"), k == 1, mask}, y, &all[k], &end[k]);
        }
        y = gr_concat(g, all, directions, 2);
    }
    if (last) b->lengths = GR_NONE;
    return last ? gr_concat(g, end, directions, 1) : swapped(g, y);
}
