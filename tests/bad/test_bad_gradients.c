/* Wrong gradient rules inside a whole network: `gradus check` must find every one (P4), from any seed, where a kink is
 * near as where none is, and must pass the right ones in the same form.
 *
 * A rule is grafted onto a right value: stop(f(x)) + L(x - stop(x)) has the value f(x), for L is linear, and L as its
 * derivative. */
#include "study/study_case.h"

#define NETWORK                                                                                                   \
    "gradus: 1\nname: bad\ndata: {train: {type: synthetic, kind: digits, n: 64, seed: 1}, batch: 4, prepare: "    \
    "[scale]}\nmodel: {input: [16, 16, 1], layers: [{type: conv, filters: 4, kernel: 3, name: c1}, relu, {type: " \
    "max_pool, size: 2}, flatten, {type: dense, units: 20, activation: tanh, name: h}, {type: dense, units: 10, " \
    "name: "                                                                                                      \
    "head}]}\ncost: cross_entropy\noptimizer: sgd\nstop: {epochs: 1}\n"
enum { RELU = 1, POOL = 2, FLATTEN = 3, HIDDEN = 4 };

static gr_val moved(gr_graph *g, gr_val x)
{
    return gr_sub(g, x, gr_stop(g, x));
}

static gr_val graft(gr_graph *g, gr_val value, gr_val derivative)
{
    return gr_add(g, gr_stop(g, value), derivative);
}

typedef gr_val layer_build(gr_build *b, const gr_settings *s, const gr_val *in, int n_in);

/* ---- ReLU ---- */

static gr_val relu_with(gr_build *b, gr_val x, double off)
{
    gr_graph *g = b->g;
    gr_val slope = gr_select(g, gr_less(g, gr_const(g, 0), x), gr_const(g, 1), gr_const(g, off));
    return graft(g, gr_relu(g, x), gr_mul(g, moved(g, x), gr_stop(g, slope)));
}

static gr_val right_relu(gr_build *b, const gr_settings *s, const gr_val *in, int n_in)
{
    (void)s, (void)n_in;
    return relu_with(b, in[0], 0);
}

static gr_val straight_through(gr_build *b, const gr_settings *s, const gr_val *in, int n_in)
{
    (void)s, (void)n_in;
    return relu_with(b, in[0], 1);
}

static gr_val leaking(gr_build *b, const gr_settings *s, const gr_val *in, int n_in)
{
    (void)s, (void)n_in;
    return relu_with(b, in[0], 1e-3);
}

static gr_val nothing_passes(gr_build *b, const gr_settings *s, const gr_val *in, int n_in)
{
    (void)s, (void)n_in;
    return gr_stop(b->g, gr_relu(b->g, in[0]));
}

/* ---- max-pooling ---- */

static const gr_pool_attr windows = {{2, 2}, {2, 2}, {0, 0}, {0, 0}, false};

static gr_val to_all_alike(gr_build *b, const gr_settings *s, const gr_val *in, int n_in)
{
    (void)s, (void)n_in;
    return graft(b->g, gr_max_pool(b->g, in[0], windows, NULL), gr_avg_pool(b->g, moved(b->g, in[0]), windows));
}

/* The gradient goes to the smallest of the window. */
static gr_val to_the_smallest(gr_build *b, const gr_settings *s, const gr_val *in, int n_in)
{
    (void)s, (void)n_in;
    gr_graph *g = b->g;
    gr_val smallest = gr_max_pool(g, gr_neg(g, in[0]), windows, NULL), value = gr_max_pool(g, in[0], windows, NULL);
    return graft(g, value, gr_neg(g, moved(g, smallest)));
}

/* ---- a sign here and there ---- */

/* x, with the gradient of every hundredth element turned round. */
static gr_val turned(gr_graph *g, gr_val x)
{
    gr_shape shape = gr_shape_of(g, x);
    int64_t n = gr_shape_count(shape);
    double *sign = malloc(sizeof *sign * (size_t)n);
    for (int64_t i = 0; i < n; i++) sign[i] = i % 100 == 7 ? -1 : 1;
    gr_val factor = gr_const_tensor(g, shape, sign);
    free(sign);
    return graft(g, x, gr_mul(g, moved(g, x), factor));
}

static gr_val of_activations(gr_build *b, const gr_settings *s, const gr_val *in, int n_in)
{
    (void)s, (void)n_in;
    gr_shape shape = gr_shape_of(b->g, in[0]);
    return turned(b->g, gr_reshape(b->g, in[0], GR_SHAPE(shape.dim[0], gr_shape_count(shape) / shape.dim[0])));
}

static gr_val dense(gr_build *b, gr_val x, bool turn)
{
    int64_t features = gr_shape_of(b->g, x).dim[1];
    gr_val w = gr__build_param(b, "weight", GR_SHAPE(20, features), GR_ROLE_WEIGHT, GR_LAYOUT_PLAIN, features, 20);
    return gr_tanh(b->g, gr_matmul(b->g, x, turn ? turned(b->g, w) : w, false, true));
}

static gr_val right_dense(gr_build *b, const gr_settings *s, const gr_val *in, int n_in)
{
    (void)s, (void)n_in;
    return dense(b, in[0], false);
}

/* Of a weight's 3,920 elements; those looked at alone are too few to meet one. */
static gr_val of_weights(gr_build *b, const gr_settings *s, const gr_val *in, int n_in)
{
    (void)s, (void)n_in;
    return dense(b, in[0], true);
}

/* ---- */

static const struct {
    const char *name;
    int layer;
    layer_build *build;
    bool wrong;
} rules[] = {
    {"right_relu", RELU, right_relu, false},
    {"right_dense", HIDDEN, right_dense, false},
    {"straight_through", RELU, straight_through, true},
    {"leaking", RELU, leaking, true},
    {"nothing_passes", RELU, nothing_passes, true},
    {"to_all_alike", POOL, to_all_alike, true},
    {"to_the_smallest", POOL, to_the_smallest, true},
    {"of_activations", FLATTEN, of_activations, true},
    {"of_weights", HIDDEN, of_weights, true},
};

static void check_tells_wrong_rules_from_right_ones(void **state)
{
    (void)state;
    static const char *const sets[] = {"seed=1",           "seed=2", "seed=3", "seed=4", "data.prepare=[standardize]",
                                       "data.prepare=none"};
    for (size_t i = 0; i < GR_COUNT(rules); i++)
        for (size_t k = 0; k < GR_COUNT(sets); k++) {
            gr_context *ctx = test_context();
            gr_recipe *r = RECIPE(ctx, NETWORK, sets[k]);
            gr_layer room;
            build_layer_by(r, rules[i].layer, &room, rules[i].build);
            gr_finding f = check_gradients(ctx, r, GR_GRADIENT_FEW);
            if (f.verdict != (rules[i].wrong ? GR_VERDICT_FAILED : GR_VERDICT_OK))
                fail_msg("%s, %s: %s: %s", rules[i].name, sets[k], gr__verdict_name(f.verdict), f.message);
            gr__recipe_close(ctx, r);
            test_context_end(ctx);
        }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(check_tells_wrong_rules_from_right_ones)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
