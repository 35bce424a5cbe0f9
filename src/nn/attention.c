/* Attention: every step takes a mean of the values of all steps, weighted by how well its query fits their keys;
 * several heads at once, each in its own part of the features. [Vaswani et al. 2017, section 3.2; PyTorch
 * MultiheadAttention] */
#include <math.h>
#include <stdio.h>

#include "graph/shape.h"
#include "nn/adapter.h"
#include "nn/join.h"
#include "nn/lengths.h"

static const gr_row rows[] = {
    GR_ROW("heads", INT, NULL, "[1,1000000]", "1", "how many means; they share the features, which they must divide"),
    GR_ROW("key_heads", INT, "none", "[1,1000000]", "1",
           "how many heads of keys and values, each shared by as many of the queries; as many as these unless given"),
    GR_ROW("causal", BOOL, "false", "", "", "a step sees no later one"),
    GR_ROW("rotary", BOOL, "false", "", "", "queries and keys are turned by their steps"),
    GR_ROW("dropout", REAL, "0", "[0,1)", "1", "the share of weights left out at random in training"),
    GR_ROW("project", BOOL, "true", "", "", "with weights of its own; without, inputs are queries, keys and values"),
    GR_ROW("bias", BOOL, "true", "", "", "where it has weights, what they make has numbers added",
           .idle = "project: false"),
};

typedef struct sizes {
    int64_t heads, key_heads, size, features; /* features of what is given, and of the queries' input */
} sizes;

/* `most` heads cannot be cut into so many; the hint has the nearest number that they can. */
static bool refuse(gr_build *b, const gr_settings *s, const char *row, int64_t value, const char *what, int64_t most)
{
    int64_t near = GR_MIN(value, most);
    char hint[64];
    while (most % near != 0) near--;
    snprintf(hint, sizeof hint, "%s: %lld does", row, (long long)near);
    gr__tree_fail(b->ctx, gr__setting_tree(s, row), GR_E_SHAPE, hint, "%lld does not divide the %lld %s",
                  (long long)value, (long long)most, what);
    gr_graph_fail(b->g, GR_E_SHAPE, "%s is refused", row);
    return false;
}

static bool check_steps(gr_build *b, const gr_settings *s, const gr_val *in)
{
    gr_graph *g = b->g;
    char text[3][96];
    gr_shape q = gr_shape_of(g, in[0]), k = gr_shape_of(g, in[1]), v = gr_shape_of(g, in[2]);
    if (k.dim[1] == v.dim[1] && (q.dim[1] == k.dim[1] || !gr__setting_bool(s, "causal"))) return true;
    gr_graph_fail(g, GR_E_SHAPE, "the steps of queries %s, keys %s and values %s do not go together%s",
                  gr__shape_text(gr__join_sample(q), text[0]), gr__shape_text(gr__join_sample(k), text[1]),
                  gr__shape_text(gr__join_sample(v), text[2]), k.dim[1] == v.dim[1] ? " where it is causal" : "");
    return false;
}

static bool check_rotary(gr_build *b, const gr_settings *s, const sizes *z)
{
    if (!gr__setting_bool(s, "rotary") || z->size % 2 == 0) return true;
    gr__tree_fail(b->ctx, gr__setting_tree(s, "rotary"), GR_E_SHAPE, NULL,
                  "it turns pairs of numbers, but a head has %lld: %lld features among %lld heads", (long long)z->size,
                  (long long)z->features, (long long)z->heads);
    gr_graph_fail(b->g, GR_E_SHAPE, "rotary is refused");
    return false;
}

static bool take_sizes(gr_build *b, const gr_settings *s, const gr_val *in, int n_in, sizes *z)
{
    gr_graph *g = b->g;
    char text[96];
    for (int i = 0; i < n_in; i++)
        if (gr_shape_of(g, in[i]).rank != 3)
            return gr_graph_fail(g, GR_E_SHAPE, "takes samples of [length, features], not %s",
                                 gr__shape_text(gr__join_sample(gr_shape_of(g, in[i])), text)),
                   false;
    if (n_in == 2)
        return gr_graph_fail(g, GR_E_CONFLICT, "takes one input, or three: of queries, of keys and of values"), false;
    z->features = gr_shape_of(g, in[0]).dim[2];
    z->heads = gr__setting_int(s, "heads");
    z->key_heads = gr__setting_int(s, "key_heads");
    if (z->key_heads < 0) z->key_heads = z->heads;
    if (z->features % z->heads != 0) return refuse(b, s, "heads", z->heads, "features", z->features);
    if (z->heads % z->key_heads != 0) return refuse(b, s, "key_heads", z->key_heads, "heads", z->heads);
    z->size = z->features / z->heads;
    return (n_in == 1 || check_steps(b, s, in)) && check_rotary(b, s, z);
}

/* x W^T + bias at every step, W rows of the weight `name` from `at` on. bias: GR_NONE, or as many numbers. */
static gr_val project(gr_build *b, gr_val x, const char *name, gr_val weight, int64_t at, gr_val bias)
{
    gr_graph *g = b->g;
    gr_shape s = gr_shape_of(g, x);
    gr_val steps = gr_reshape(g, x, GR_SHAPE(s.dim[0] * s.dim[1], s.dim[2]));
    gr_val y = gr__adapter_multiply(b, name, steps, weight, at);
    if (bias) y = gr_add(g, y, bias);
    return gr_reshape(g, y, GR_SHAPE(s.dim[0], s.dim[1], gr_shape_of(g, weight).dim[0]));
}

/* ---- turning ---- */

/* cos and sin of the angles t / 10000^(2 i / size), [steps, 1, size / 2]. */
static gr_val angles(gr_build *b, int64_t steps, int64_t size, double (*of)(double))
{
    int64_t half = size / 2;
    double *x = gr__join_table(b, steps, half);
    for (int64_t i = 0; i < half && x; i++) {
        double frequency = pow(10000, -2 * (double)i / (double)size);
        for (int64_t t = 0; t < steps; t++) x[t * half + i] = of((double)t * frequency);
    }
    return gr__join_constant(b, GR_SHAPE(steps, 1, half), x);
}

/* The first `heads` heads of rows turned; in each, number i with number i + size / 2. */
static gr_val turn(gr_build *b, gr_val x, int64_t heads, int64_t size)
{
    gr_graph *g = b->g;
    gr_shape s = gr_shape_of(g, x);
    int64_t half = size / 2, all = s.dim[2] / size;
    gr_val y = gr_reshape(g, x, GR_SHAPE(s.dim[0], s.dim[1], all, size)), turned = gr_slice(g, y, 2, 0, heads);
    gr_val cosine = angles(b, s.dim[1], size, cos), sine = angles(b, s.dim[1], size, sin);
    gr_val first = gr_slice(g, turned, 3, 0, half), second = gr_slice(g, turned, 3, half, half);
    gr_val parts[2] = {gr_sub(g, gr_mul(g, first, cosine), gr_mul(g, second, sine)),
                       gr_add(g, gr_mul(g, second, cosine), gr_mul(g, first, sine))};
    turned = gr_concat(g, parts, 2, 3);
    gr_val rest[2] = {turned, heads < all ? gr_slice(g, y, 2, heads, all - heads) : GR_NONE};
    return gr_reshape(g, heads < all ? gr_concat(g, rest, 2, 2) : turned, s);
}

/* ---- queries, keys and values ---- */

static gr_val weight(gr_build *b, const char *name, int64_t units, int64_t features)
{
    return gr__build_param(b, name, GR_SHAPE(units, features), GR_ROLE_WEIGHT, GR_LAYOUT_PLAIN, features, units);
}

/* One product for all three. */
static gr_val project_packed(gr_build *b, const gr_settings *s, gr_val x, const sizes *z, gr_val bias)
{
    int64_t units = (z->heads + 2 * z->key_heads) * z->size;
    gr_val y = project(b, x, "in_proj_weight", weight(b, "in_proj_weight", units, z->features), 0, bias);
    return gr__setting_bool(s, "rotary") ? turn(b, y, z->heads + z->key_heads, z->size) : y;
}

/* Inputs of their own; their weights stand in one tensor where they have as many features. */
static void project_apart(gr_build *b, const gr_settings *s, const gr_val *in, const sizes *z, gr_val bias, gr_val *out)
{
    static const char *const names[] = {"q_proj_weight", "k_proj_weight", "v_proj_weight"};
    gr_graph *g = b->g;
    int64_t units[] = {z->features, z->key_heads * z->size, z->key_heads * z->size}, at = 0;
    bool alike = gr_shape_of(g, in[1]).dim[2] == z->features && gr_shape_of(g, in[2]).dim[2] == z->features;
    gr_val all = alike ? weight(b, "in_proj_weight", units[0] + 2 * units[1], z->features) : GR_NONE;
    for (int i = 0; i < 3 && gr_graph_status(g) == GR_OK; at += units[i++]) {
        gr_val w =
            alike ? gr_slice(g, all, 0, at, units[i]) : weight(b, names[i], units[i], gr_shape_of(g, in[i]).dim[2]);
        out[i] = project(b, in[i], alike ? "in_proj_weight" : names[i], w, alike ? at : 0,
                         bias ? gr_slice(g, bias, 0, at, units[i]) : GR_NONE);
        if (i < 2 && gr__setting_bool(s, "rotary")) out[i] = turn(b, out[i], units[i] / z->size, z->size);
    }
}

static gr_attention_attr attributes(gr_build *b, const gr_settings *s, const sizes *z, gr_val lengths)
{
    gr_attention_attr a = {.heads = z->heads,
                           .key_heads = z->key_heads,
                           .size = z->size,
                           .causal = gr__setting_bool(s, "causal"),
                           .scale = 1 / sqrt((double)z->size),
                           .lengths = lengths};
    double rate = gr__setting_real(s, "dropout");
    if (b->mode != GR_MODE_TRAIN || rate == 0) return a;
    a.rate = rate;
    a.stream = gr__build_stream(b, "weights");
    a.seed = b->seed;
    a.update = b->update;
    a.position = b->position;
    return a;
}

/* Queries, keys and values as the inputs have them. */
static bool take_plain(gr_build *b, const gr_settings *s, const gr_val *in, int n_in, const sizes *z, gr_val *out)
{
    gr_graph *g = b->g;
    int64_t wanted = z->key_heads * z->size;
    for (int i = 0; i < n_in; i++) {
        int64_t features = gr_shape_of(g, in[i]).dim[2], units = i == 0 ? z->features : wanted;
        if (features != units || n_in == 1)
            return gr_graph_fail(g, GR_E_SHAPE,
                                 n_in == 1 ? "without weights takes queries, keys and values from three inputs"
                                           : "%s have %lld features, wanted %lld: %lld heads of %lld",
                                 i == 1 ? "keys" : "values", (long long)features, (long long)units,
                                 (long long)z->key_heads, (long long)z->size),
                   false;
        out[i] = i < 2 && gr__setting_bool(s, "rotary") ? turn(b, in[i], units / z->size, z->size) : in[i];
    }
    return true;
}

/* With weights: of one input in one product, else apart. */
static void take_projected(gr_build *b, const gr_settings *s, const gr_val *in, int n_in, const sizes *z, gr_val *out)
{
    int64_t units = (z->heads + 2 * z->key_heads) * z->size;
    gr_val bias = GR_NONE;
    if (gr__setting_bool(s, "bias")) {
        if (n_in == 1) weight(b, "in_proj_weight", units, z->features); /* before its bias, as PyTorch has them */
        bias = gr__build_param(b, "in_proj_bias", GR_SHAPE(units), GR_ROLE_BIAS, GR_LAYOUT_PLAIN, z->features, units);
    }
    if (n_in == 1)
        out[0] = project_packed(b, s, in[0], z, bias);
    else
        project_apart(b, s, in, z, bias, out);
}

static gr_val give(gr_build *b, const gr_settings *s, gr_val y, int64_t features)
{
    gr_val w = weight(b, "out_proj.weight", features, features), bias = GR_NONE;
    if (gr__setting_bool(s, "bias"))
        bias =
            gr__build_param(b, "out_proj.bias", GR_SHAPE(features), GR_ROLE_BIAS, GR_LAYOUT_PLAIN, features, features);
    return project(b, y, "out_proj.weight", w, 0, bias);
}

static gr_val build(gr_build *b, const gr_settings *s, const gr_val *in, int n_in)
{
    gr_graph *g = b->g;
    sizes z = {0};
    gr_val x[3] = {GR_NONE};
    const gr_build outer = *b;
    bool projects = gr__setting_bool(s, "project");
    if (!take_sizes(b, s, in, n_in, &z)) return GR_NONE;
    gr_val lengths = gr__lengths_of(b, in[n_in > 1 ? 1 : 0]), own = gr__lengths_of(b, in[0]);
    if (lengths && lengths == own && gr_shape_of(g, in[0]).dim[1] != gr_shape_of(g, in[n_in > 1 ? 1 : 0]).dim[1])
        return gr_graph_fail(g, GR_E_CONFLICT, "lengths of the queries' steps say nothing of those of keys and values");
    b->follow = GR_FOLLOW_NOTHING, b->last = false,
    b->inside = projects; /* of queries, keys and values; what follows comes after */
    if (projects)
        take_projected(b, s, in, n_in, &z, x);
    else if (!take_plain(b, s, in, n_in, &z, x))
        return GR_NONE;
    gr_val y = gr_attention(g, x[0], x[1], x[2], attributes(b, s, &z, lengths));
    b->follow = outer.follow, b->last = outer.last, b->inside = false, b->lengths = own;
    return projects ? give(b, s, y, z.features) : y;
}

GR_LAYER(attention) = {
    .head =
        {
            .family = "layer",
            .name = "attention",
            .title = "Attention: means of values, weighted by how queries fit keys",
            .cite = "Vaswani et al. 2017, section 3.2; Ainslie et al. 2023; Su et al. 2021; PyTorch MultiheadAttention",
            .equations = "one input x, or three: of queries, keys and values\n"
                         "q, k, v = x in_proj_weight^T + in_proj_bias            the rows of queries, keys and values "
                         "in this order\n"
                         "a head:   softmax(q k^T / sqrt(size)) v                size = features / heads\n"
                         "y = (all heads side by side) out_proj.weight^T + out_proj.bias\n"
                         "rotary:   (q_i, q_(i + size/2)) at step t is turned by t / 10000^(2 i / size), k likewise\n"
                         "keys beyond a sample's length have no weight; the weights of all steps never stand in memory",
            GR_ROWS(rows),
        },
    .min_inputs = 1,
    .max_inputs = 3,
    .takes_lengths = true,
    .drop_rate = "dropout",
    .gated = true,
    .build = build,
};
