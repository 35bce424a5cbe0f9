/* What is computed again where it is read: behind a norm a rectifier's mask, and what it leaves of a gradient. The same
 * bits as when every operation is a kernel of its own, for any number of threads; close to float64; and nothing that is
 * as large as the activations is written but these and their gradients. */
#include "cpu_case.h"

#include "graph/norm.h"

typedef gr_val (*activation_fn)(gr_graph *g, gr_val z, gr_val h);

static gr_val rectified(gr_graph *g, gr_val z, gr_val h)
{
    (void)h;
    return gr_relu(g, z);
}

static gr_val bounded(gr_graph *g, gr_val z, gr_val h)
{
    (void)h;
    return gr_relu6(g, z);
}

static gr_val leaky(gr_graph *g, gr_val z, gr_val h)
{
    (void)h;
    return gr_select(g, gr_less(g, gr_const(g, 0), z), z, gr_mul(g, z, gr_const(g, 0.1)));
}

static gr_val residual(gr_graph *g, gr_val z, gr_val h)
{
    return gr_relu(g, gr_add(g, z, h));
}

static gr_val smooth(gr_graph *g, gr_val z, gr_val h)
{
    (void)h;
    return gr_tanh(g, z);
}

typedef struct net {
    activation_fn activation;
    int64_t rows, columns;
    int written; /* values of rows x columns that the plan writes when it fuses; 0: whatever */
} net;

enum { IN = 5, OUT = 3, FEEDS = 4 };
static const char *const names[FEEDS] = {"x", "w1", "shift", "w2"};

static void build(gr_graph *g, const net *n)
{
    gr_val feed[FEEDS] = {
        gr_feed(g, "x", GR_REAL, GR_SHAPE(n->rows, IN)), gr_feed(g, "w1", GR_REAL, GR_SHAPE(IN, n->columns)),
        gr_feed(g, "shift", GR_REAL, GR_SHAPE(n->columns)), gr_feed(g, "w2", GR_REAL, GR_SHAPE(n->columns, OUT))};
    gr_val mean, variance, d[FEEDS], h = gr_matmul(g, feed[0], feed[1], false, false),
                                     one = gr_broadcast(g, gr_const(g, 1), GR_SHAPE(n->columns));
    gr_val z = gr_add(g, gr__channel_norm(g, h, one, 1e-5, &mean, &variance), feed[2]);
    gr_val y = gr_matmul(g, n->activation(g, z, h), feed[3], false, false);
    gr_val cost = gr_mul(g, gr_sum_all(g, gr_square(g, y)), gr_const(g, 1 / (double)n->rows));
    assert_int_equal(gr_gradients(g, cost, feed, FEEDS, d), GR_OK);
    for (int i = 0; i < FEEDS; i++) gr_output(g, names[i], d[i]);
}

static int written(const gr_plan *p, int64_t count)
{
    int n = 0;
    for (int row = 0; row < gr_plan_rows(p); row++)
        for (int o = 0; o < gr_plan_views(p, row); o++) n += gr_shape_count(gr_plan_view_at(p, row, o).shape) == count;
    return n;
}

static void fill(gr_plan *p, bool narrow)
{
    gr__rng rng = gr__rng_make(11, "recompute", 0, 0);
    for (int i = 0; i < FEEDS; i++) {
        size_t bytes;
        void *at = gr_plan_feed(p, names[i], &bytes);
        for (size_t k = 0; k < bytes / (narrow ? 4 : 8); k++) {
            float value = (float)(2 * gr__rng_uniform(&rng) - 1);
            if (narrow)
                ((float *)at)[k] = value;
            else
                ((double *)at)[k] = (double)value;
        }
    }
}

/* All gradients, one behind the other; the caller frees them. */
static double *run(const net *n, const gr_backend *b, bool unfused, int threads, int64_t *count, int *large)
{
    gr_context *ctx = test_context_with(threads, 0);
    gr_graph *g;
    gr_store *store;
    gr_plan *plan;
    test_ok(ctx, gr_graph_create(ctx, &g));
    build(g, n);
    test_ok(ctx, gr_graph_status(g));
    test_ok(ctx, gr_store_create(ctx, b, &store));
    test_ok(ctx, gr_plan_compile(ctx, g, store, &(gr_plan_options){.backend = b, .unfused = unfused}, &plan));
    test_ok(ctx, gr_store_seal(store));
    test_ok(ctx, gr_plan_bind(plan, NULL));
    fill(plan, b->real == GR_EL_F32);
    test_ok(ctx, gr_plan_run(plan));
    double *all = malloc((size_t)(n->rows * IN + IN * n->columns + n->columns + n->columns * OUT) * sizeof *all);
    *count = 0;
    for (int i = 0; i < FEEDS; i++) {
        gr_shape shape;
        const void *from = gr_plan_output(plan, names[i], &shape);
        for (int64_t k = 0; k < gr_shape_count(shape); k++)
            all[(*count)++] = b->real == GR_EL_F32 ? (double)((const float *)from)[k] : ((const double *)from)[k];
    }
    *large = written(plan, n->rows * n->columns);
    gr_plan_destroy(plan);
    gr_store_destroy(store);
    gr_graph_destroy(g);
    test_context_end(ctx);
    return all;
}

static void equal_bits(const double *a, const double *b, int64_t n, const char *what)
{
    for (int64_t i = 0; i < n; i++)
        if (memcmp(&a[i], &b[i], sizeof *a) != 0)
            fail_msg("%s: element %lld is %.9g and %.9g", what, (long long)i, a[i], b[i]);
}

static void check(const net *n)
{
    int64_t count;
    int large, ignored;
    double *got = run(n, &gr__backend_cpu, false, 1, &count, &large),
           *apart = run(n, &gr__backend_cpu, true, 1, &count, &ignored),
           *shared = run(n, &gr__backend_cpu, false, 3, &count, &ignored),
           *exact = run(n, &gr__backend_ref, false, 1, &count, &ignored), scale = 0;
    equal_bits(got, apart, count, "fused and unfused");
    equal_bits(got, shared, count, "one and three threads");
    for (int64_t i = 0; i < count; i++) scale = fmax(scale, fabs(exact[i]));
    for (int64_t i = 0; i < count; i++)
        if (!(fabs(got[i] - exact[i]) <= 2e-4 * scale))
            fail_msg("element %lld is %.9g, not %.9g", (long long)i, got[i], exact[i]);
    if (n->written) assert_int_equal(large, n->written);
    free(got), free(apart), free(shared), free(exact);
}

static void masks_and_what_they_leave_are_never_stored(void **state)
{
    (void)state;
    /* sums and what is rectified, and the gradients of both */
    check(&(net){rectified, 2048, 32, 4});
    check(&(net){rectified, 1039, 37, 4});
    check(&(net){bounded, 1500, 40, 5}); /* what its mask leaves is stored: made of too much */
}

static void other_networks_keep_their_bits(void **state)
{
    (void)state;
    check(&(net){rectified, 64, 8, 0}); /* too small to be worth it */
    check(&(net){residual, 2048, 32, 0});
    check(&(net){leaky, 2048, 24, 0});
    check(&(net){smooth, 2048, 32, 0});
    check(&(net){rectified, 40000, 1, 0});
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(masks_and_what_they_leave_are_never_stored),
        cmocka_unit_test(other_networks_keep_their_bits),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
