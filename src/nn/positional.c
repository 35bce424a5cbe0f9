/* Positions: a vector a step is added, the same for all samples: trained, or of sines and cosines whose wavelengths
 * grow from 2 pi to 10000 times that.                                                         [Vaswani et al. 2017,
 * section 3.5; Gehring et al. 2017] */
#include <math.h>

#include "graph/shape.h"
#include "nn/join.h"
#include "nn/lengths.h"

static const gr_row rows[] = {
    GR_ROW("kind", CHOICE, "learned", "learned|sinusoidal", "", "whether what is added is trained"),
    GR_ROW("length", INT, "none", "[1,100000000]", "steps",
           "how many steps the trained ones are for, of which the first are taken; the input's own unless given",
           .idle = "kind: sinusoidal"),
};

/* Sines at even places, cosines at odd ones. */
static gr_val sines(gr_build *b, int64_t length, int64_t units)
{
    double *x = gr__join_table(b, length, units);
    for (int64_t i = 0; i < units && x; i++) {
        double frequency = pow(10000, -(double)(i / 2 * 2) / (double)units);
        for (int64_t t = 0; t < length; t++)
            x[t * units + i] = i % 2 ? cos((double)t * frequency) : sin((double)t * frequency);
    }
    return gr__join_constant(b, GR_SHAPE(length, units), x);
}

static gr_val learned(gr_build *b, const gr_settings *s, int64_t length, int64_t units)
{
    int64_t most = gr__setting_int(s, "length");
    if (most < 0) most = b->lengths ? gr__lengths_all(b, b->lengths) : length;
    if (most < length) {
        gr__tree_fail(b->ctx, gr__setting_tree(s, "length"), GR_E_SHAPE, NULL, "there are %lld steps, more than %lld",
                      (long long)length, (long long)most);
        return gr_graph_fail(b->g, GR_E_SHAPE, "length is refused");
    }
    b->usual = "{type: normal, std: 0.02}";
    gr_val w = gr__build_param(b, "weight", GR_SHAPE(most, units), GR_ROLE_EMBEDDING, GR_LAYOUT_PLAIN, units, most);
    return most == length ? w : gr_slice(b->g, w, 0, 0, length);
}

static gr_val build(gr_build *b, const gr_settings *s, const gr_val *in, int n_in)
{
    (void)n_in;
    gr_shape shape = gr_shape_of(b->g, in[0]);
    char text[96];
    if (shape.rank != 3)
        return gr_graph_fail(b->g, GR_E_SHAPE, "takes samples of [length, features], not %s",
                             gr__shape_text(gr__join_sample(shape), text));
    bool fixed = gr__setting_is(s, "kind", "sinusoidal");
    gr_val positions = fixed ? sines(b, shape.dim[1], shape.dim[2]) : learned(b, s, shape.dim[1], shape.dim[2]);
    return gr_add(b->g, in[0], positions);
}

GR_LAYER(positional) = {
    .head =
        {
            .family = "layer",
            .name = "positional",
            .title = "Positions: a vector a step is added to what stands there",
            .cite = "Vaswani et al. 2017, section 3.5; Gehring et al. 2017",
            .equations = "y[t, i] = x[t, i] + p[t, i]\n"
                         "learned:     p = weight [length, features], first N(0, 0.02^2)\n"
                         "sinusoidal:  p[t, 2 i] = sin(t / 10000^(2 i / features)), p[t, 2 i + 1] = cos(of the same)",
            GR_ROWS(rows),
        },
    .min_inputs = 1,
    .max_inputs = 1,
    .transparent = true,
    .takes_lengths = true,
    .build = build,
};
