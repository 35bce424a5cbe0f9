/* Hyper layers: how many parameters make another's, and that what they make starts with the variance that the layer
 * wants, which usual initial values would not give. [mission I7] */
#include <math.h>

#include "model/network.h"
#include "model_case.h"
#include "plan/store.h"

typedef struct bench {
    gr_context *ctx;
    gr_recipe *recipe;
    gr_network *network;
    gr_store *store;
} bench;

static bench begin(const char *layer, int seed)
{
    bench b = {.ctx = test_context()};
    char text[1024], set[32];
    const char *sets[] = {set};
    snprintf(text, sizeof text, CASE_HEAD "model: {input: [8, 8, 5], layers: [%s]}\n", layer);
    snprintf(set, sizeof set, "seed=%d", seed);
    b.recipe = open_text(b.ctx, text, sets, 1);
    test_ok(b.ctx, gr__network_make(b.ctx, b.recipe, NULL, &b.network));
    test_ok(b.ctx, gr_store_create(b.ctx, gr_backend_get("ref"), &b.store));
    test_ok(b.ctx, gr__network_declare(b.network, b.store));
    test_ok(b.ctx, gr_store_seal(b.store));
    test_ok(b.ctx, gr__network_init(b.network, b.store));
    return b;
}

static void end(bench *b)
{
    gr_store_destroy(b->store);
    gr__network_destroy(b->network);
    gr__recipe_close(b->ctx, b->recipe);
    test_context_end(b->ctx);
}

static const gr_entry *find(const bench *b, const char *name)
{
    const gr_entry *e = gr_store_find(b->store, name);
    if (!e) fail_msg("there is no %s", name);
    return e;
}

/* The variance of H e over that of a usual vector, where e is a vector of this size; the constant part is 0. */
static double variance(const bench *b, const char *weight, const char *constant)
{
    const gr_entry *h = find(b, weight), *c = find(b, constant), *e = find(b, "h.embedding");
    const double *of_h = h->data, *of_e = e->data;
    int64_t n = c->count, d = e->count;
    double size = 0, square = 0;
    assert_int_equal(h->count, n * d);
    for (int64_t k = 0; k < d; k++) size += of_e[k] * of_e[k] / (double)d;
    for (int64_t i = 0; i < n; i++) {
        double w = 0;
        for (int64_t k = 0; k < d; k++) w += of_h[i * d + k] * of_e[k];
        square += w * w / (double)n;
        assert_true(((const double *)c->data)[i] == 0);
    }
    return square / size;
}

/* The mean of several seeds. */
static void assert_variance(const char *layer, const char *weight, const char *constant, double want)
{
    double mean = 0;
    for (int seed = 1; seed <= 6; seed++) {
        bench b = begin(layer, seed);
        mean += variance(&b, weight, constant) / 6;
        end(&b);
    }
    if (!(fabs(mean / want - 1) < 0.05)) fail_msg("%s of %s: variance %g, wanted %g", weight, layer, mean, want);
}

#define DENSE(more, inside) \
    "flatten, {type: hyper, name: h, embedding: 32, " more "layer: {type: dense, units: 20" inside "}}"
#define CONV(more, inside) "{type: hyper, name: h, embedding: 32, " more "layer: {type: conv, filters: 30" inside "}}"

static void what_is_made_starts_with_the_variance_that_is_wanted(void **state)
{
    (void)state;
    static const char weight[] = "h.main.weight.weight", w0[] = "h.main.weight.bias", bias[] = "h.main.bias.weight",
                      b0[] = "h.main.bias.bias";
    /* R / (b fan_in): R is 2 before a ReLU, b where a bias is made as well */
    assert_variance(DENSE("", ", bias: false"), weight, w0, 1 / 320.);
    assert_variance(DENSE("", ", bias: false, activation: relu"), weight, w0, 2 / 320.);
    assert_variance(DENSE("", ", activation: relu"), weight, w0, 1 / 320.);
    assert_variance(DENSE("activation: relu, ", ", bias: false"), weight, w0, 2 / 320.);
    assert_variance(CONV("", ", activation: relu, bias: false"), weight, w0, 2 / 45.);
    assert_variance(CONV("", ", activation: relu"), weight, w0, 1 / 45.);
    assert_variance(CONV("fan: out, ", ", activation: relu"), weight, w0, 2 / 270.);
    assert_variance("{type: hyper, name: h, embedding: 32, layer: {type: conv, filters: 6000, kernel: 1}}", bias, b0,
                    0.5);
    assert_variance("{type: hyper, name: h, embedding: 32, fan: out, layer: {type: conv, filters: 6000, kernel: 1}}",
                    bias, b0, 1 - 5 / 6000.);
    /* what the network's own sizes would give is another thing */
    bench b = begin(DENSE("init: {weights: kaiming}, ", ", bias: false, activation: relu"), 1);
    assert_true(variance(&b, weight, w0) > 10 * 2 / 320.);
    end(&b);
}

static void parameters_are_those_of_what_makes_them(void **state)
{
    (void)state;
    static const struct {
        const char *layer;
        int64_t parameters;
    } cases[] = {
        {DENSE("", ""), 32 + (320 * 20 + 20) * 33},
        {DENSE("", ", bias: false"), 32 + 320 * 20 * 33},
        {DENSE("layers: [{type: dense, units: 4}], ", ", bias: false"), 32 + 33 * 4 + 320 * 20 * 5},
        {CONV("", ""), 32 + (30 * 45 + 30) * 33},
        {"flatten, {type: dense, units: 3, name: c}, {type: hyper, name: h, from: [flatten1, c], layer: {type: dense, "
         "units: "
         "2}}",
         321 * 3 + (320 * 2 + 2) * 4},
    };
    for (size_t i = 0; i < GR_COUNT(cases); i++) {
        bench b = begin(cases[i].layer, 1);
        assert_int_equal(gr__network_parameter_count(b.network), cases[i].parameters);
        assert_null(gr_store_find(b.store, "h.main.weight"));
        end(&b);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_made_starts_with_the_variance_that_is_wanted),
        cmocka_unit_test(parameters_are_those_of_what_makes_them),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
