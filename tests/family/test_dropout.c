/* Dropout: the mean stays, masks are independent of each other and of how a batch is cut, and float32 drops what
 * float64 drops. [mission SYS30] */
#include "nn/layer.h"
#include "support/evidence.h"

static const gr_layer *dropout(void)
{
    int n;
    const gr_layer *const *all = gr__layers(&n);
    for (int i = 0; i < n; i++)
        if (strcmp(all[i]->head.name, "dropout") == 0) return all[i];
    fail_msg("no dropout");
    return NULL;
}

/* What dropout gives for ones of [samples, width] in layer `name`. */
static void masked(const char *name, const char *set, int64_t samples, int64_t width, double seed, double update,
                   double position, gr_mode mode, double *y)
{
    ev_bench b;
    gr_settings s;
    ev_leaves l = {0};
    assert_true(ev_begin(&b, set));
    gr_build build = {.ctx = b.ctx, .g = b.g, .mode = mode, .memory = b.memory, .layer = name};
    build.seed = gr_const(b.g, seed), build.update = gr_const(b.g, update), build.position = gr_const(b.g, position);
    test_ok(b.ctx, gr__settings_make(b.ctx, b.memory, &dropout()->head, b.tree, GR_PRESET_CHAPTER, NULL, &s));
    gr_val x = gr_broadcast(b.g, gr_feed(b.g, "x", GR_REAL, GR_SCALAR), GR_SHAPE(samples, width));
    double one = 1;
    ev_leaf(&l, "x", &one);
    gr_val out = dropout()->build(&build, &s, &x, 1);
    test_ok(b.ctx, gr__eval(b.g, &out, 1, ev_get_leaf, &l, &y));
    ev_end(&b);
}

enum { SAMPLES = 200, WIDTH = 500, N = SAMPLES * WIDTH };

static void the_mean_stays(void **state)
{
    (void)state;
    static const double rates[] = {0.1, 0.25, 0.5, 0.9};
    double *y = calloc(N, sizeof *y);
    for (size_t r = 0; r < GR_COUNT(rates); r++) {
        char set[64];
        double dropped = 0, sum = 0;
        snprintf(set, sizeof set, "{type: dropout, rate: %g}", rates[r]);
        masked("d1", set, SAMPLES, WIDTH, 1, 5, 0, GR_MODE_TRAIN, y);
        for (int i = 0; i < N; i++) {
            assert_true(y[i] == 0 || y[i] == 1 / (1 - rates[r]));
            dropped += y[i] == 0, sum += y[i];
        }
        double spread = sqrt(rates[r] * (1 - rates[r]) / N);
        assert_true(fabs(dropped / N - rates[r]) < 4 * spread);
        assert_true(fabs(sum / N - 1) < 4 * spread / (1 - rates[r]));
    }
    free(y);
}

static void outside_training_nothing_happens(void **state)
{
    (void)state;
    double y[6];
    masked("d1", "{type: dropout, rate: 0.9}", 2, 3, 1, 5, 0, GR_MODE_EVALUATE, y);
    for (int i = 0; i < 6; i++) assert_true(y[i] == 1);
    masked("d1", "{type: dropout, rate: 0}", 2, 3, 1, 5, 0, GR_MODE_TRAIN, y);
    for (int i = 0; i < 6; i++) assert_true(y[i] == 1);
}

/* Of pairs of masks, a quarter is dropped in both: by layer, update, seed, and sample. */
static void masks_are_independent(void **state)
{
    (void)state;
    double *a = calloc(N, sizeof *a), *b = calloc(N, sizeof *b);
    static const struct {
        const char *layer;
        double seed, update, position;
    } others[] = {{"d2", 1, 5, 0}, {"d1", 2, 5, 0}, {"d1", 1, 6, 0}, {"d1", 1, 5, SAMPLES}, {"d1", 4294967297.0, 5, 0}};
    masked("d1", "dropout", SAMPLES, WIDTH, 1, 5, 0, GR_MODE_TRAIN, a);
    for (size_t k = 0; k < GR_COUNT(others); k++) {
        double both = 0;
        masked(others[k].layer, "dropout", SAMPLES, WIDTH, others[k].seed, others[k].update, others[k].position,
               GR_MODE_TRAIN, b);
        for (int i = 0; i < N; i++) both += a[i] == 0 && b[i] == 0;
        assert_true(fabs(both / N - 0.25) < 4 * sqrt(0.25 * 0.75 / N));
    }
    double rows = 0;
    for (int i = 0; i + WIDTH < N; i++) rows += a[i] == 0 && a[i + WIDTH] == 0;
    assert_true(fabs(rows / (N - WIDTH) - 0.25) < 4 * sqrt(0.25 * 0.75 / N));
    free(a);
    free(b);
}

static void micro_batches_have_the_masks_of_the_whole(void **state)
{
    (void)state;
    static const int cuts[][4] = {{12, 0, 0, 0}, {6, 6, 0, 0}, {1, 5, 2, 4}, {3, 3, 3, 3}};
    double whole[12 * 7], part[12 * 7];
    masked("d1", "{type: dropout, rate: 0.3}", 12, 7, 9, 2, 0, GR_MODE_TRAIN, whole);
    for (size_t c = 0; c < GR_COUNT(cuts); c++) {
        int at = 0;
        for (int k = 0; k < 4 && cuts[c][k]; at += cuts[c][k++])
            masked("d1", "{type: dropout, rate: 0.3}", cuts[c][k], 7, 9, 2, at, GR_MODE_TRAIN, part + at * 7);
        assert_memory_equal(whole, part, sizeof whole);
    }
}

/* The threshold is a multiple of 2^-24, as the uniform numbers are: float32 holds both exactly, so it compares as
 * float64 does. */
static void the_threshold_is_exact_in_float32(void **state)
{
    (void)state;
    for (int i = 0; i < 1000; i++) {
        ev_bench b;
        gr_settings s;
        char set[64];
        snprintf(set, sizeof set, "{type: dropout, rate: %.17g}", (i + 0.37) / 1001);
        assert_true(ev_begin(&b, set));
        gr_val zero = gr_const(b.g, 0);
        gr_build build = {.ctx = b.ctx,
                          .g = b.g,
                          .mode = GR_MODE_TRAIN,
                          .memory = b.memory,
                          .layer = "d",
                          .seed = zero,
                          .update = zero,
                          .position = zero};
        test_ok(b.ctx, gr__settings_make(b.ctx, b.memory, &dropout()->head, b.tree, GR_PRESET_CHAPTER, NULL, &s));
        gr_val x = gr_feed(b.g, "x", GR_REAL, GR_SHAPE(2, 2));
        dropout()->build(&build, &s, &x, 1);
        int compares = 0;
        for (uint32_t n = 0; n < gr__graph_nodes(b.g); n++) {
            const gr_node *node = gr__node(b.g, n);
            if (node->op->code != GR_OP_LESS) continue;
            double threshold = gr__producer(b.g, node->in[1])->attr.f[0];
            assert_true((double)(float)threshold == threshold && ldexp(threshold, 24) == floor(ldexp(threshold, 24)));
            assert_true(threshold >= (i + 0.37) / 1001 && threshold < (i + 0.37) / 1001 + ldexp(1, -24));
            compares++;
        }
        assert_int_equal(compares, 1);
        ev_end(&b);
    }
}

/* A dropped infinity is 0, not a number times 0. */
static void dropped_values_leave_no_trace(void **state)
{
    (void)state;
    ev_bench b;
    gr_settings s;
    ev_leaves l = {0};
    double x[64], y[64], infinite = 0, dropped = 0;
    for (int i = 0; i < 64; i++) x[i] = i % 2 ? INFINITY : NAN;
    assert_true(ev_begin(&b, "dropout"));
    gr_val zero = gr_const(b.g, 0), in = gr_feed(b.g, "x", GR_REAL, GR_SHAPE(4, 16));
    gr_build build = {.ctx = b.ctx,
                      .g = b.g,
                      .mode = GR_MODE_TRAIN,
                      .memory = b.memory,
                      .layer = "d",
                      .seed = zero,
                      .update = zero,
                      .position = zero};
    test_ok(b.ctx, gr__settings_make(b.ctx, b.memory, &dropout()->head, b.tree, GR_PRESET_CHAPTER, NULL, &s));
    gr_val out = dropout()->build(&build, &s, &in, 1);
    ev_leaf(&l, "x", x);
    double *result = y;
    test_ok(b.ctx, gr__eval(b.g, &out, 1, ev_get_leaf, &l, &result));
    for (int i = 0; i < 64; i++) dropped += y[i] == 0, infinite += !isfinite(y[i]);
    assert_true(dropped > 10 && infinite > 10 && dropped + infinite == 64);
    ev_end(&b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_mean_stays),
        cmocka_unit_test(outside_training_nothing_happens),
        cmocka_unit_test(masks_are_independent),
        cmocka_unit_test(micro_batches_have_the_masks_of_the_whole),
        cmocka_unit_test(the_threshold_is_exact_in_float32),
        cmocka_unit_test(dropped_values_leave_no_trace),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
