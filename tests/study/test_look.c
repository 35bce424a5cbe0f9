/* Inside a model: figures of layers are those of their numbers, units that are off and sigmoids at their ends are found
 * where they are planted, first filters score as edges where they are. [X6] */
#include <stdio.h>

#include "base/rng.h"
#include "study/inside/look.h"
#include "study_case.h"

static void look(gr_context *ctx, const gr_recipe *r, int64_t samples, gr_look *out)
{
    const gr_look_options o = {.part = GR_PART_TRAIN, .samples = samples};
    test_ok(ctx, gr__look_open(ctx, r, NULL, &o, out));
}

static const gr_look_layer *layer(const gr_look *l, const char *name)
{
    for (int i = 0; i < l->n_layers; i++)
        if (strcmp(l->layer[i].name, name) == 0) return &l->layer[i];
    fail_msg("no layer %s", name);
    return NULL;
}

#define NET(layers)                                                                                                  \
    "gradus: 1\nname: look\nseed: 2\n"                                                                               \
    "data: {train: {type: synthetic, kind: digits, n: 100, seed: 1}, batch: 32, prepare: [standardize]}\n"           \
    "model: {input: [16, 16, 1], layers: [" layers ", {type: dense, units: 10, name: head}]}\ncost: cross_entropy\n" \
    "optimizer: sgd\nstop: {epochs: 1}\n"

static void planted_units_are_found(void **state)
{
    (void)state;
    gr_context *ctx = test_context();
    gr_look l = {0};
    gr_recipe *r =
        RECIPE(ctx, NET("{type: conv, filters: 4, kernel: 3, activation: relu, name: c, init: {bias: {type: "
                        "constant, value: -1000}}}, flatten, {type: dense, units: 6, activation: sigmoid, name: s, "
                        "init: {bias: {type: constant, value: 30}}}, {type: dense, units: 5, activation: "
                        "tanh, name: t, init: {weights: zeros}}"));
    look(ctx, r, 0, &l);
    assert_int_equal(l.samples, 100);
    assert_int_equal(l.batch, 32);
    assert_true(gr__look_off(layer(&l, "c")) == 1);
    assert_true(isnan(gr__look_off(layer(&l, "s"))) && isnan(layer(&l, "c")->saturated));
    assert_int_equal(layer(&l, "c")->given.zeros, 100 * 14 * 14 * 4);
    assert_int_equal(layer(&l, "c")->given.n, 100 * 14 * 14 * 4);
    assert_true(layer(&l, "s")->saturated == 1 && layer(&l, "t")->saturated == 0);
    assert_true(layer(&l, "t")->given.high == 0 && gr__histogram_std(&layer(&l, "t")->given) == 0);
    assert_true(layer(&l, "c")->map.width > 0 && layer(&l, "s")->map.width == 0);
    /* no gradient gets through weights of 0 that give 0, and none through what is off */
    assert_true(gr__histogram_rms(&layer(&l, "s")->slope) == 0 && gr__histogram_rms(&layer(&l, "head")->slope) > 0);
    gr__look_close(&l);
    gr__recipe_close(ctx, r);
    test_context_end(ctx);
}

/* Batches are laid together as one, whatever their size. */
static void a_pass_is_one(void **state)
{
    (void)state;
    gr_context *ctx = test_context();
    static const char *const batch[] = {"data.batch=7", "data.batch=100", "data.batch=33"};
    double mean[3], std[3], cost[3];
    for (int i = 0; i < 3; i++) {
        gr_look l = {0};
        gr_recipe *r = RECIPE(
            ctx,
            NET("{type: conv, filters: 4, kernel: 3, activation: relu, name: c}, {type: dropout, rate: 0.5}, flatten"),
            batch[i]);
        look(ctx, r, 0, &l);
        const gr_look_layer *c = layer(&l, "c"), *d = layer(&l, "dropout1");
        mean[i] = c->given.mean, std[i] = gr__histogram_std(&c->given), cost[i] = l.cost;
        assert_int_equal(c->given.n, 100 * 14 * 14 * 4);
        assert_int_equal(c->given.zeros, d->given.zeros); /* nothing is left out at random */
        gr__look_close(&l);
        gr__recipe_close(ctx, r);
    }
    for (int i = 1; i < 3; i++) {
        assert_true(fabs(mean[i] - mean[0]) < 1e-6 && fabs(std[i] - std[0]) < 1e-6 && fabs(cost[i] - cost[0]) < 1e-5);
    }
    test_context_end(ctx);
}

/* Gradients are those of the mean cost: along all biases of a layer together, against a difference. */
static void gradients_are_of_the_mean(void **state)
{
    (void)state;
    static const char *const bias[] = {"model.layers[0].init={bias: {type: constant, value: 0.100001}}",
                                       "model.layers[0].init={bias: {type: constant, value: 0.099999}}",
                                       "model.layers[0].init={bias: {type: constant, value: 0.1}}"};
    double cost[3], slope = NAN;
    gr_context *ctx = test_context();
    for (int i = 0; i < 3; i++) {
        gr_look l = {0};
        gr_recipe *r = RECIPE(ctx, TABLE, "precision=float64", "data.batch=200", bias[i]);
        look(ctx, r, 200, &l);
        assert_true(l.samples == 200 && l.batch == 200);
        cost[i] = l.cost;
        for (size_t k = 0; k < l.n_tensors; k++) {
            if (strcmp(l.tensor[k].name, "h.bias") != 0) continue;
            slope = l.tensor[k].gradients.mean * (double)l.tensor[k].gradients.n;
            assert_string_equal(l.layer[l.tensor[k].layer].name, "h");
        }
        gr__look_close(&l);
        gr__recipe_close(ctx, r);
    }
    double difference = (cost[0] - cost[1]) / 2e-6;
    if (!(fabs(slope) > 1e-3 && fabs(slope - difference) < 1e-5 * fabs(slope)))
        fail_msg("%g against %g", slope, difference);
    test_context_end(ctx);
}

/* ---- edges ---- */

static gr_edge_score score(gr_context *ctx, int64_t n, int64_t side, int64_t channels, const double *w)
{
    const gr_filters f = {.n = n, .height = side, .width = side, .channels = channels};
    gr_edge_score s;
    test_ok(ctx, gr__filters_edges(ctx, &f, w, &s));
    return s;
}

/* Random filters score 0 but for chance, steps across the middle nearly 1, noise of one pixel in between. */
static void edges_score_as_edges(void **state)
{
    (void)state;
    gr_context *ctx = test_context();
    static const int64_t sides[] = {3, 5, 7, 11}, channels[] = {1, 3};
    gr__rng r = gr__rng_make(9, "test", 0, 0);
    double *w = malloc(sizeof *w * 32 * 121 * 3);
    for (size_t s = 0; s < GR_COUNT(sides); s++)
        for (size_t c = 0; c < GR_COUNT(channels); c++) {
            int64_t side = sides[s], n = 32, size = side * side * channels[c];
            for (int64_t i = 0; i < n * size; i++) w[i] = gr__rng_normal(&r) * 0.1 + 7;
            gr_edge_score random = score(ctx, n, side, channels[c], w);
            for (int64_t k = 0; k < n; k++)
                for (int64_t i = 0; i < size; i++) {
                    double x = (double)(i / channels[c] % side) - (double)(side - 1) / 2,
                           y = (double)(i / channels[c] / side) - (double)(side - 1) / 2,
                           u = x * cos(0.2 * (double)k) + y * sin(0.2 * (double)k);
                    w[k * size + i] = tanh(u) * exp(-(x * x + y * y) / (double)(side * side) * 4);
                }
            gr_edge_score edges = score(ctx, n, side, channels[c], w);
            if (!(fabs(random.score) < 4 * random.error + 0.02))
                fail_msg("random %lld %lld: %g +- %g", (long long)side, (long long)channels[c], random.score,
                         random.error);
            if (!(edges.score > 0.6))
                fail_msg("edges %lld %lld: %g, share %g, chance %g", (long long)side, (long long)channels[c],
                         edges.score, edges.share, edges.chance);
        }
    for (int i = 0; i < 9; i++) w[i] = 2;
    assert_true(isnan(score(ctx, 1, 3, 1, w).score)); /* nothing but a mean */
    assert_true(isnan(score(ctx, 1, 2, 1, w).score));
    free(w);
    test_context_end(ctx);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(planted_units_are_found), cmocka_unit_test(a_pass_is_one),
                                       cmocka_unit_test(gradients_are_of_the_mean),
                                       cmocka_unit_test(edges_score_as_edges)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
