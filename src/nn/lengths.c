/* Sequences of different lengths: which steps of which value count, and which layers may have such values. Lengths of
 * an input hold for whatever is made of it step by step, until a layer ends the steps. */
#include "nn/lengths.h"

#include <string.h>

#include "graph/shape.h"

struct gr_stepped {
    gr_val value, lengths; /* lengths GR_NONE: its steps have ended */
    int64_t steps, all;    /* in this graph; in the one that has all of them */
    const char *input;     /* whose they are */
};

/* ---- values ---- */

static const gr_stepped *find(const gr_build *b, gr_val x)
{
    for (size_t i = b->n_stepped; i-- > 0;)
        if (b->stepped[i].value == x) return &b->stepped[i];
    return NULL;
}

/* The input with these lengths. */
static const gr_stepped *input_of(const gr_build *b, gr_val lengths)
{
    size_t i = 0;
    while (b->stepped[i].lengths != lengths) i++;
    return &b->stepped[i];
}

/* The room of an array that was outgrown stays in the network's memory. */
static bool add(gr_build *b, gr_stepped s)
{
    if (b->n_stepped == b->stepped_capacity) {
        size_t more = b->stepped_capacity ? 2 * b->stepped_capacity : 16;
        gr_stepped *room = gr__bump_alloc(b->memory, more * sizeof *room);
        if (!room) return gr_graph_fail(b->g, GR_E_MEMORY, "no memory for the lengths of a layer"), false;
        if (b->n_stepped) memcpy(room, b->stepped, b->n_stepped * sizeof *room);
        b->stepped = room;
        b->stepped_capacity = more;
    }
    b->stepped[b->n_stepped++] = s;
    return true;
}

bool gr__lengths_of_input(gr_build *b, gr_val x, gr_val lengths, int64_t all, const char *name)
{
    return add(b, (gr_stepped){x, lengths, gr_shape_of(b->g, x).dim[1], all, name});
}

int64_t gr__lengths_all(const gr_build *b, gr_val lengths)
{
    return input_of(b, lengths)->all;
}

gr_val gr__lengths_of(const gr_build *b, gr_val x)
{
    const gr_stepped *s = find(b, x);
    return s ? s->lengths : b->lengths;
}

/* ---- layers ---- */

/* Samples alone: a batch's own size says nothing. */
static const char *sample_text(const gr_build *b, gr_val x, char text[96])
{
    gr_shape s = gr_shape_of(b->g, x), sample = {.rank = GR_MAX(s.rank - 1, 0)};
    for (int i = 0; i < sample.rank; i++) sample.dim[i] = s.dim[i + 1];
    return gr__shape_text(sample, text);
}

static bool takes(const gr_layer *l)
{
    return l->takes_lengths || l->pointwise || l->activation_only;
}

static bool refuse(gr_build *b, gr_val x)
{
    char shape[96];
    gr_graph_fail(b->g, GR_E_UNSUPPORTED, "cannot take sequences of different lengths, such as its input %s",
                  sample_text(b, x, shape));
    gr__error_hint(b->ctx, "put a layer before it that ends the steps, such as global_avg_pool; without `lengths` in "
                           "the data all steps count, those that only fill up as well");
    return false;
}

static bool refuse_two(gr_build *b, gr_val one, gr_val other)
{
    gr_graph_fail(b->g, GR_E_UNSUPPORTED,
                  "its inputs have the lengths of \"%s\" and of \"%s\", which a sample need not have alike",
                  input_of(b, one)->input, input_of(b, other)->input);
    gr__error_hint(b->ctx, "end the steps of one of them before, as global_avg_pool does");
    return false;
}

bool gr__lengths_take(gr_build *b, const gr_layer *m, const gr_val *in, int n_in)
{
    gr_val taken = GR_NONE;
    for (int j = 0; j < n_in && b->n_stepped > 0; j++) {
        gr_val lengths = gr__lengths_of(b, in[j]);
        if (!lengths || lengths == taken) continue;
        if (!takes(m)) return refuse(b, in[j]);
        if (taken) return refuse_two(b, taken, lengths);
        taken = lengths;
    }
    if (b->n_stepped > 0) b->lengths = taken;
    return true;
}

void gr__lengths_keep(gr_build *b, gr_val y)
{
    char a[96];
    if (b->n_stepped == 0 || gr_graph_status(b->g) != GR_OK) return;
    gr_stepped s = {.value = y, .lengths = gr__lengths_of(b, y)};
    gr_shape shape = gr_shape_of(b->g, y);
    if (s.lengths) {
        const gr_stepped *input = input_of(b, s.lengths);
        s.steps = input->steps;
        s.all = input->all;
        s.input = input->input;
        if (shape.rank < 2 || shape.dim[1] != s.steps) {
            gr_graph_fail(b->g, GR_E_UNSUPPORTED,
                          "gives samples %s, but its input has %lld steps with lengths of their own, which must stay, "
                          "or end",
                          sample_text(b, y, a), (long long)s.steps);
            return;
        }
    }
    add(b, s);
}

/* ---- what layers make of them ---- */

gr_val gr__lengths_mask(gr_graph *g, gr_val lengths, gr_shape like)
{
    gr_shape step = like, sample = like;
    for (int i = 0; i < like.rank; i++) {
        if (i != 1) step.dim[i] = 1;
        if (i != 0) sample.dim[i] = 1;
    }
    return gr_less(g, gr_iota(g, step, 1), gr_reshape(g, lengths, sample));
}

gr_val gr__build_counted(gr_build *b, gr_val x, double other)
{
    gr_graph *g = b->g;
    gr_shape s = gr_shape_of(g, x);
    if (!b->lengths || s.rank < 2) return x;
    return gr_select(g, gr__lengths_mask(g, b->lengths, s), x, gr_const(g, other));
}

gr_val gr__build_counts(gr_build *b, gr_val x)
{
    gr_shape s = gr_shape_of(b->g, x);
    double rows = 1; /* of a step */
    for (int i = 2; i + 1 < s.rank; i++) rows *= (double)s.dim[i];
    gr_val steps = gr_sum_all(b->g, gr_real(b->g, b->lengths));
    return rows == 1 ? steps : gr_mul(b->g, steps, gr_const(b->g, rows));
}

bool gr__build_has_features(gr_build *b, gr_val x)
{
    gr_shape s = gr_shape_of(b->g, x);
    if (!b->lengths || s.rank != 2) return true;
    gr_graph_fail(b->g, GR_E_SHAPE,
                  "works on the features of each step, but its input [%lld] has steps alone: a sequence of numbers is "
                  "[%lld,1]",
                  (long long)s.dim[1], (long long)s.dim[1]);
    return false;
}
