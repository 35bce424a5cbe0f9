/* A block of a transformer: attention and a dense network of two layers for every step by itself, each added to what
 * it takes, each with a layer normalisation before it or behind the sum.                          [Vaswani et al. 2017,
 * section 3.1; Xiong et al. 2020; PyTorch TransformerEncoderLayer] */
#include "base/tree.h"
#include "graph/shape.h"
#include "nn/join.h"

static const gr_row rows[] = {
    GR_ROW("heads", INT, NULL, "[1,1000000]", "1", "of the attention; they divide the features"),
    GR_ROW("key_heads", INT, "none", "[1,1000000]", "1", "of keys and values, each shared by as many of the others"),
    GR_ROW("ff", INT, "none", "[1,1000000000]", "1",
           "how many units the dense network has between; four times the features unless given"),
    GR_ROW("norm", CHOICE, "pre", "pre|post|none", "",
           "whether what is normalised is what attention and dense network take, or the sums, or nothing"),
    GR_ROW("causal", BOOL, "false", "", "", "a step sees no later one"),
    GR_ROW("rotary", BOOL, "false", "", "", "queries and keys are turned by their steps"),
    GR_ROW("activation", TREE, "gelu", "the name of an activation, or {type: ..., its settings}", "",
           "of the dense network"),
    GR_ROW("dropout", REAL, "0", "[0,1)", "1",
           "the share left out in training of the attention's weights and of what is added"),
    GR_ROW("bias", BOOL, "true", "", "", "attention and dense network have numbers added"),
    GR_ROW("eps", REAL, "1e-5", "(0,inf)", "1", "is added to the variances", .idle = "norm: none"),
};

typedef struct block {
    gr_build *b;
    const gr_settings *s;
    int64_t features;
    double rate;
} block;

/* The layer that the text says stands where the block does. */
static gr_val within(const block *k, const char *name, const char *text, const gr_tree *activation, gr_val x)
{
    return gr__build_before(k->b, name, gr__layer_made(k->b, k->s->tree, text), activation, &x, 1);
}

static gr_val normalise(const block *k, const char *name, gr_val x)
{
    const char *text = gr__bump_format(k->b->memory, "{type: layer_norm, eps: %.17g}", gr__setting_real(k->s, "eps"));
    return within(k, name, text, NULL, x);
}

static const char *truth(const block *k, const char *row)
{
    return gr__setting_bool(k->s, row) ? "true" : "false";
}

static gr_val attend(const block *k, gr_val x)
{
    int64_t heads = gr__setting_int(k->s, "heads"), key_heads = gr__setting_int(k->s, "key_heads");
    const char *text =
        gr__bump_format(k->b->memory,
                        "{type: attention, heads: %lld, key_heads: %lld, causal: %s, rotary: %s, dropout: %.17g, "
                        "bias: %s}",
                        (long long)heads, (long long)(key_heads < 0 ? heads : key_heads), truth(k, "causal"),
                        truth(k, "rotary"), k->rate, truth(k, "bias"));
    return within(k, "attention", text, NULL, x);
}

static gr_val dense(const block *k, const char *name, int64_t units, const gr_tree *then, gr_val x)
{
    const char *text =
        gr__bump_format(k->b->memory, "{type: dense, units: %lld, bias: %s}", (long long)units, truth(k, "bias"));
    return gr__activation_build(k->b, then, within(k, name, text, then, x));
}

static gr_val feed_forward(const block *k, gr_val x)
{
    int64_t units = gr__setting_int(k->s, "ff");
    gr_val y = dense(k, "ff1", units < 0 ? 4 * k->features : units, gr__setting_tree(k->s, "activation"), x);
    return dense(k, "ff2", k->features, NULL, y);
}

/* x and what a branch makes of it; the branch is called by its norm and dropout. */
static gr_val add_branch(const block *k, gr_val x, gr_val (*branch)(const block *k, gr_val x), const char *norm,
                         const char *drop)
{
    bool before = gr__setting_is(k->s, "norm", "pre"), after = gr__setting_is(k->s, "norm", "post");
    gr_val y = branch(k, before ? normalise(k, norm, x) : x);
    if (k->rate > 0) {
        const char *text = gr__bump_format(k->b->memory, "{type: dropout, rate: %.17g}", k->rate);
        y = within(k, drop, text, NULL, y);
    }
    gr_val sum = gr_add(k->b->g, x, y);
    return after ? normalise(k, norm, sum) : sum;
}

static gr_val build(gr_build *b, const gr_settings *s, const gr_val *in, int n_in)
{
    (void)n_in;
    gr_shape shape = gr_shape_of(b->g, in[0]);
    char text[96];
    if (shape.rank != 3)
        return gr_graph_fail(b->g, GR_E_SHAPE, "takes samples of [length, features], not %s",
                             gr__shape_text(gr__join_sample(shape), text));
    const block k = {.b = b, .s = s, .features = shape.dim[2], .rate = gr__setting_real(s, "dropout")};
    gr_val y = add_branch(&k, in[0], attend, "norm1", "drop1");
    return add_branch(&k, y, feed_forward, "norm2", "drop2");
}

GR_LAYER(transformer_block) = {
    .head =
        {
            .family = "layer",
            .name = "transformer_block",
            .title = "Transformer block: attention, then a dense network for each step, each added to its input",
            .cite = "Vaswani et al. 2017; Xiong et al. 2020; PyTorch TransformerEncoderLayer",
            .equations = "pre:   z = x + attention(norm1(x)),  y = z + ff2(a(ff1(norm2(z))))        a: activation\n"
                         "post:  z = norm1(x + attention(x)),  y = norm2(z + ff2(a(ff1(z))))\n"
                         "none:  z = x + attention(x),         y = z + ff2(a(ff1(z)))",
            GR_ROWS(rows),
        },
    .min_inputs = 1,
    .max_inputs = 1,
    .takes_lengths = true,
    .drop_rate = "dropout",
    .norm_choice = "norm",
    .inner_activation = true,
    .build = build,
};
