/* Hyper: a layer whose weights and biases are what a network makes of a vector.   [Ha, Dai & Le 2016; Chang, Flokas &
 * Lipson 2020] That vector is trained, the same for all samples, or an input, and every sample has weights of its own.
 * What such a network gives at first has the variance that the layer wants, not what its own size would make of it. */
#include <string.h>

#include "graph/shape.h"
#include "nn/join.h"

static const gr_row rows[] = {
    GR_ROW("layer", TREE, NULL, "a layer", "", "whose weights and biases are made; it is called `main` within"),
    GR_ROW("layers", TREE, "none", "a list of layers", "",
           "what the vector goes through before weights are made of it"),
    GR_ROW("embedding", INT, "16", "[1,1000000]", "1", "numbers of the trained vector, where no second input is one"),
    GR_ROW("fan", CHOICE, "in", "in|out", "", "at first the layer keeps the size of activations, or of gradients"),
};

/* Makes parameters. What of the layer has biases is not known before it is built, so it is built twice: once to see. */
enum { MOST_BIASED = 256 };
typedef struct maker {
    gr_param_maker base;
    const gr_settings *s;
    gr_val e;             /* [1 or samples, numbers] */
    bool samples;         /* each has its own */
    const char *main;     /* the name of the layer */
    gr_follow follow;     /* what its output meets */
    bool looks;           /* the first time: gives zeros */
    const char **biased;  /* layers that have biases */
    int n_biased, n_made; /* n_made: parameters, the first time */
} maker;

static bool is_biased(const maker *m, const char *layer)
{
    for (int i = 0; i < m->n_biased; i++)
        if (strcmp(m->biased[i], layer) == 0) return true;
    return false;
}

static gr_val look(maker *m, const gr_build *b, gr_shape shape, gr_role role)
{
    m->n_made++;
    if (role == GR_ROLE_BIAS && m->n_biased < MOST_BIASED) m->biased[m->n_biased++] = b->layer;
    return gr_broadcast(b->g, gr_const(b->g, 0), shape);
}

/* How the linear part starts that makes such a parameter. */
static const char *initial_of(const maker *m, const gr_build *b, gr_role role, int64_t fan_in, int64_t fan_out)
{
    gr_follow follow = b->follow == GR_FOLLOW_NOTHING && strcmp(b->layer, m->main) == 0 ? m->follow : b->follow;
    return gr__bump_format(
        b->memory, "{type: hyperfan, generates: %s, fan: %s, fan_in: %lld, fan_out: %lld, relu: %s, with_bias: %s}",
        role == GR_ROLE_BIAS ? "bias" : "weights", gr__setting_text(m->s, "fan"), (long long)fan_in, (long long)fan_out,
        follow == GR_FOLLOW_RELU ? "true" : "false", is_biased(m, b->layer) ? "true" : "false");
}

/* e H^T + c, as a tensor of the shape, or one a sample. */
static gr_val made_of(gr_build *b, const maker *m, gr_shape shape, const char *initial)
{
    gr_graph *g = b->g;
    gr_shape e = gr_shape_of(g, m->e), each = {.rank = shape.rank + 1, .dim = {e.dim[0]}};
    int64_t count = gr_shape_count(shape), width = e.dim[1];
    if (shape.rank >= GR_MAX_RANK) return gr_graph_fail(g, GR_E_SHAPE, "parameters of so many axes cannot be made");
    b->usual = initial;
    b->settled = true;
    gr_val weight = gr__build_param(b, "weight", GR_SHAPE(count, width), GR_ROLE_WEIGHT, GR_LAYOUT_PLAIN, width, count);
    b->usual = "{type: zeros}";
    gr_val y = gr_add(g, gr_matmul(g, m->e, weight, false, true),
                      gr__build_param(b, "bias", GR_SHAPE(count), GR_ROLE_BIAS, GR_LAYOUT_PLAIN, width, count));
    for (int i = 0; i < shape.rank; i++) each.dim[i + 1] = shape.dim[i];
    return gr_reshape(g, y, m->samples ? each : shape);
}

static gr_val make(gr_build *b, gr_param_maker *base, const char *suffix, gr_shape shape, gr_role role, int64_t fan_in,
                   int64_t fan_out)
{
    maker *m = (maker *)base;
    const gr_build outer = *b;
    if (gr_graph_status(b->g) != GR_OK) return GR_NONE;
    if (m->looks) return look(m, b, shape, role);
    const char *initial = initial_of(m, b, role, fan_in, fan_out);
    b->layer = gr__bump_format(b->memory, "%s.%s", outer.layer, suffix);
    if (!initial || !b->layer) return gr_graph_fail(b->g, GR_E_MEMORY, "no memory for a name");
    b->maker = NULL;
    gr_val v = made_of(b, m, shape, initial);
    b->layer = outer.layer;
    b->maker = outer.maker;
    b->usual = outer.usual;
    b->settled = outer.settled;
    return v;
}

/* ---- the vector ---- */

static gr_val trained_vector(gr_build *b, int64_t n)
{
    b->usual = "{type: normal, std: 1}";
    b->settled = true;
    gr_val e = gr__build_param(b, "embedding", GR_SHAPE(n), GR_ROLE_EMBEDDING, GR_LAYOUT_PLAIN, n, n);
    b->usual = NULL;
    b->settled = false;
    return gr_reshape(b->g, e, GR_SHAPE(1, n));
}

static gr_val vector_of(gr_build *b, const gr_settings *s, const gr_val *in, int n_in)
{
    static const char *const names[] = {"e"};
    const gr_tree *layers = gr__setting_tree(s, "layers");
    char text[96];
    gr_val e = n_in > 1 ? in[1] : trained_vector(b, gr__setting_int(s, "embedding"));
    if (!gr__tree_none(layers)) e = gr__build_list(b, layers, names, &e, 1);
    gr_shape shape = gr_shape_of(b->g, e);
    if (gr_graph_status(b->g) == GR_OK && shape.rank != 2)
        return gr_graph_fail(b->g, GR_E_SHAPE, "weights are made of one row of numbers, [numbers], not of %s",
                             gr__shape_text(gr__join_sample(shape), text));
    return e;
}

/* ---- the layer ---- */

static gr_val build_main(gr_build *b, maker *m, const gr_tree *layer, const gr_val *x)
{
    b->maker = &m->base;
    gr_val y = gr__build_inner(b, "main", layer, x, 1);
    b->maker = NULL;
    return y;
}

/* Builds it for what it asks for alone; its statistics do not move. */
static bool look_at(gr_build *b, maker *m, const gr_tree *layer, const gr_val *x)
{
    const gr_binding bind = b->bind;
    m->looks = true;
    b->bind = (gr_binding){.leaf = NULL};
    build_main(b, m, layer, x);
    b->bind = bind;
    m->looks = false;
    if (gr_graph_status(b->g) == GR_OK && m->n_made == 0)
        gr_graph_fail(b->g, GR_E_CONFLICT, "its layer has no weights that could be made");
    return gr_graph_status(b->g) == GR_OK;
}

static gr_val build(gr_build *b, const gr_settings *s, const gr_val *in, int n_in)
{
    const gr_tree *layer = gr__setting_tree(s, "layer");
    const gr_layer *member = gr__layer_find(b->ctx, layer);
    if (!member) return gr_graph_fail(b->g, gr__error_code(b->ctx), "its layer is refused");
    if (n_in > 1 && !member->weights_a_sample)
        return gr_graph_fail(b->g, GR_E_UNSUPPORTED,
                             "with a second input every sample has weights of its own, which %s cannot have",
                             member->head.name);
    maker m = {.base = {make}, .s = s, .samples = n_in > 1, .follow = b->follow};
    m.main = gr__bump_format(b->memory, "%s.main", b->layer);
    m.biased = gr__bump_alloc(b->memory, MOST_BIASED * sizeof *m.biased);
    if (!m.main || !m.biased) return gr_graph_fail(b->g, GR_E_MEMORY, "no memory for a layer within");
    if (!look_at(b, &m, layer, in)) return GR_NONE;
    m.e = vector_of(b, s, in, n_in);
    return gr_graph_status(b->g) == GR_OK ? build_main(b, &m, layer, in) : GR_NONE;
}

GR_LAYER(hyper) = {
    .head =
        {
            .family = "layer",
            .name = "hyper",
            .title = "Hyper: a layer whose weights are made by a network",
            .cite = "Ha, Dai & Le 2016; Chang, Flokas & Lipson 2020",
            .equations = "y = layer(x; W, b),   W = H e + c,  b = G e + d       e = layers(embedding), or layers(x2)\n"
                         "H, G start as hyperfan: Var(W) is what the layer wants; c and d as 0",
            GR_ROWS(rows),
        },
    .min_inputs = 1,
    .max_inputs = 2,
    .build = build,
};
