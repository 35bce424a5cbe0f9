/* Input that was prepared already is noticed; raw input of every kind passes. [D18] */
#include "study_case.h"

#include "train/raw.h"

enum { N = 60, WIDTH = 2 };

/* A table of two columns far apart in scale: mean 5000 and spread 100; mean 0.001 and spread 0.0005. */
static void fill(double *x, double shift, double scale)
{
    for (int i = 0; i < N; i++) {
        double u = (i % 12 - 5.5) / 3.45; /* mean 0, spread 1 */
        x[i * WIDTH] = (5000 + 100 * u - shift * 5000) / (scale > 0 ? 100 : 1);
        x[i * WIDTH + 1] = (0.001 + 0.0005 * u - shift * 0.001) / (scale > 0 ? 0.0005 : 1);
    }
}

static gr_prepared *steps(gr_context *ctx, gr__bump *memory, const char *list)
{
    gr_prepared *p = NULL;
    int n;
    test_ok(ctx, gr__prepare_parse(ctx, memory, gr__tree_flow(memory, list), &p, &n));
    return p;
}

static bool unusual(double *x, int64_t n, const char *says)
{
    gr_context *ctx = test_context();
    gr__bump *memory = gr__bump_create(ctx);
    gr_prepared *p =
        steps(ctx, memory, "[{type: scale, mul: [1]}, {type: standardize, mean: [5000, 0.001], std: [100, 0.0005]}]");
    const gr_field f = {.sample = GR_SHAPE(WIDTH), .element = GR_EL_F64, .data = x};
    char text[400] = "";
    bool found = gr__raw_is_unusual(NULL, p, 2, &f, n, text, sizeof text);
    assert_true(found == (strlen(text) > 0));
    if (found && says) assert_non_null(strstr(text, says));
    gr__bump_destroy(memory);
    gr_context_destroy(ctx);
    return found;
}

static void tables(void **state)
{
    (void)state;
    double x[N * WIDTH];
    fill(x, 0, 0);
    assert_false(unusual(x, N, NULL)); /* raw */
    assert_false(unusual(x, 30, NULL));
    fill(x, 1, 1);
    assert_true(unusual(x, N, "give raw input")); /* mean 0, spread 1 already */
    assert_true(unusual(x, 20, "-50 standard deviations"));
    assert_false(unusual(x, 19, NULL)); /* too few to say anything */
    assert_false(unusual(x, 0, NULL));
    fill(x, 0, 0);
    for (int i = 0; i < N; i++) x[i * WIDTH] = 5000 + i % 2; /* a hundredth of the spread */
    assert_true(unusual(x, N, "spread"));
    for (int i = 0; i < N; i++) x[i * WIDTH] = i % 2 ? NAN : 5000 + 100 * (i % 4 - 1); /* missing values do not count */
    assert_false(unusual(x, N, NULL));
    for (int i = 0; i < N; i++) x[i * WIDTH] = 5000 + 100 * (i % 4), x[i * WIDTH + 1] = INFINITY;
    assert_false(unusual(x, N, NULL)); /* nothing finite in the second column */
}

static void pictures(void **state)
{
    (void)state;
    gr_context *ctx = test_context();
    gr__bump *memory = gr__bump_create(ctx);
    gr_prepared *p = steps(
        ctx, memory, "[{type: scale, mul: [0.00392156862745098]}, {type: standardize, mean: [0.29], std: [0.35]}]");
    uint8_t raw[3 * 16];
    float scaled[3 * 16], ready[3 * 16];
    for (int i = 0; i < 48; i++) {
        raw[i] = (uint8_t)(i % 3 ? i * 5 : 0);
        scaled[i] = (float)raw[i] / 255;
        ready[i] = (scaled[i] - 0.29f) / 0.35f;
    }
    char text[400];
    gr_field f = {.sample = GR_SHAPE(4, 4), .element = GR_EL_U8, .data = raw};
    assert_false(gr__raw_is_unusual(NULL, p, 2, &f, 3, text, sizeof text));
    f.element = GR_EL_F32, f.data = scaled;
    assert_true(gr__raw_is_unusual(NULL, p, 2, &f, 3, text, sizeof text));
    f.data = ready;
    assert_true(gr__raw_is_unusual(NULL, p, 2, &f, 3, text, sizeof text));
    assert_false(gr__raw_is_unusual(NULL, p, 1, &f, 3, text, sizeof text)); /* scale alone knows no statistics */
    assert_false(gr__raw_is_unusual(NULL, NULL, 0, &f, 3, text, sizeof text));
    p = steps(ctx, memory,
              "[{type: scale, mul: [1]}, {type: standardize, mean: [0.29], std: [0]}]"); /* one value only */
    assert_false(gr__raw_is_unusual(NULL, p, 2, &f, 3, text, sizeof text));
    gr__bump_destroy(memory);
    gr_context_destroy(ctx);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(tables), cmocka_unit_test(pictures)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
