/* What rows are normalised by, on the fast backend: softmax, layer norm, cross entropy with its gradient. As one kernel
 * they give the bits of separate ones, for any number of threads, and agree with float64: odd sizes, one row, one
 * column, rows longer than any chunk, numbers that are not finite. */
#include "cpu_case.h"

static gr_val softmax_of(gr_graph *g, gr_val x)
{
    int last = gr_shape_of(g, x).rank - 1;
    gr_val e = gr_exp(g, gr_sub(g, x, gr_stop(g, gr_reduce_max(g, x, &last, 1, true))));
    return gr_div(g, e, gr_sum(g, e, &last, 1, true));
}

static gr_val layer_norm_of(gr_graph *g, gr_val x)
{
    gr_shape s = gr_shape_of(g, x);
    int last = s.rank - 1;
    gr_val share = gr_const(g, 1.0 / (double)s.dim[last]),
           d = gr_sub(g, x, gr_mul(g, gr_sum(g, x, &last, 1, true), share)),
           variance = gr_mul(g, gr_sum(g, gr_square(g, d), &last, 1, true), share);
    return gr_mul(g, d, gr_recip(g, gr_sqrt(g, gr_add(g, variance, gr_const(g, 1e-5)))));
}

/* The gradient of the sum over rows of log sum exp, each row's weighed by another number; [rows, columns] only. */
static gr_val weighed_gradient_of(gr_graph *g, gr_val x)
{
    gr_val weight = gr_stop(g, gr_sin(g, gr_sum(g, x, (int[]){1}, 1, false))), dx = GR_NONE;
    gr_val top = gr_stop(g, gr_reduce_max(g, x, (int[]){1}, 1, true)),
           each = gr_log(g, gr_sum(g, gr_exp(g, gr_sub(g, x, top)), (int[]){1}, 1, false));
    gr_status st = gr_gradients(g, gr_sum_all(g, gr_mul(g, each, weight)), &x, 1, &dx);
    return st == GR_OK ? dx : GR_NONE;
}

typedef gr_val (*build_fn)(gr_graph *g, gr_val x);

/* y of x on a backend; the caller frees it. *kernels: how many it takes. */
static double *run(const gr_backend *b, build_fn build, gr_shape shape, const double *x, bool unfused, int threads,
                   int *kernels)
{
    gr_context *ctx = test_context_with(threads, 0);
    gr_graph *g;
    gr_store *store;
    gr_plan *plan;
    gr_arena *arena;
    test_ok(ctx, gr_graph_create(ctx, &g));
    gr_output(g, "y", build(g, gr_feed(g, "x", GR_REAL, shape)));
    test_ok(ctx, gr_graph_status(g));
    test_ok(ctx, gr_store_create(ctx, b, &store));
    gr_plan_options options = {.backend = b, .name = "lines", .unfused = unfused};
    test_ok(ctx, gr_plan_compile(ctx, g, store, &options, &plan));
    test_ok(ctx, gr_store_seal(store));
    test_ok(ctx, gr_arena_create(ctx, gr_plan_bytes(plan).arena, &arena));
    test_ok(ctx, gr_plan_bind(plan, arena));
    bool narrow = b->real == GR_EL_F32;
    int64_t n = gr_shape_count(shape);
    void *to = gr_plan_feed(plan, "x", NULL);
    for (int64_t i = 0; i < n; i++)
        if (narrow)
            ((float *)to)[i] = (float)x[i];
        else
            ((double *)to)[i] = x[i];
    test_ok(ctx, gr_plan_run(plan));
    const void *from = gr_plan_output(plan, "y", &shape);
    double *y = malloc((size_t)n * sizeof *y);
    for (int64_t i = 0; i < n; i++) y[i] = narrow ? (double)((const float *)from)[i] : ((const double *)from)[i];
    *kernels = gr_plan_rows(plan);
    gr_plan_destroy(plan);
    gr_arena_destroy(arena);
    gr_store_destroy(store);
    gr_graph_destroy(g);
    test_context_end(ctx);
    return y;
}

static void equal_bits(const double *a, const double *b, int64_t n, const char *what)
{
    for (int64_t i = 0; i < n; i++)
        if (memcmp(&a[i], &b[i], sizeof *a) != 0 && !(isnan(a[i]) && isnan(b[i])))
            fail_msg("%s: element %lld is %.9g and %.9g", what, (long long)i, a[i], b[i]);
}

static void check(build_fn build, gr_shape shape, double special, int wanted)
{
    static const double odd[] = {INFINITY, -INFINITY, NAN, 0.0, -0.0, 3e38, 1e-40};
    gr__rng rng = gr__rng_make(7, "lines", (uint64_t)gr_shape_count(shape), 0);
    int64_t n = gr_shape_count(shape);
    int kernels, others;
    double *x = calloc((size_t)n, sizeof *x);
    for (int64_t i = 0; i < n; i++) {
        x[i] = (double)(float)(8 * gr__rng_uniform(&rng) - 4);
        if (special > 0 && gr__rng_uniform(&rng) < special)
            x[i] = (double)(float)odd[gr__rng_below(&rng, GR_COUNT(odd))];
    }
    double *y = run(&gr__backend_cpu, build, shape, x, false, 1, &kernels),
           *apart = run(&gr__backend_cpu, build, shape, x, true, 1, &others),
           *shared = run(&gr__backend_cpu, build, shape, x, false, 3, &others);
    if (wanted > 0) assert_int_equal(kernels, wanted);
    equal_bits(y, apart, n, "fused and unfused");
    equal_bits(y, shared, n, "one and three threads");
    double *exact = run(&gr__backend_ref, build, shape, x, false, 1, &others);
    for (int64_t i = 0; i < n && special == 0; i++)
        if (!case_close(y[i], exact[i], 2e-5))
            fail_msg("element %lld of %lld is %.9g, not %.9g", (long long)i, (long long)n, y[i], exact[i]);
    for (int64_t i = 0; i < n && special > 0; i++) /* 3e38 has no float square: infinite sooner than in float64 */
        if (isnan(exact[i])) assert_true(isnan(y[i]));
    free(x), free(y), free(apart), free(shared), free(exact);
}

static void a_row_and_what_it_is_normalised_by_are_one_kernel(void **state)
{
    (void)state;
    static const int64_t rows[] = {1, 2, 5, 64, 131}, columns[] = {2, 3, 7, 10, 31, 32, 33, 63, 64, 65, 130, 1000};
    for (size_t r = 0; r < GR_COUNT(rows); r++)
        for (size_t c = 0; c < GR_COUNT(columns); c++)
            for (int odd = 0; odd < 2; odd++) {
                gr_shape shape = GR_SHAPE(rows[r], columns[c]);
                check(softmax_of, shape, odd ? 0.01 : 0, 1);
                check(layer_norm_of, shape, odd ? 0.01 : 0, 1);
                check(weighed_gradient_of, shape, odd ? 0.01 : 0, rows[r] > 1 ? 1 : 0);
            }
    check(softmax_of, GR_SHAPE(2, 3, 5, 11), 0, 1);
    check(layer_norm_of, GR_SHAPE(1, 4, 1, 40), 0, 1);
}

static void a_column_alone_or_a_row_too_long_is_right_as_well(void **state)
{
    (void)state;
    check(softmax_of, GR_SHAPE(9, 1), 0, 0);
    check(layer_norm_of, GR_SHAPE(9, 1), 0, 0);
    check(weighed_gradient_of, GR_SHAPE(9, 1), 0, 0);
    for (int64_t rows = 1; rows <= 3; rows += 2) {
        check(softmax_of, GR_SHAPE(rows, gr__backend_cpu.max_row), 0, 1);
        check(layer_norm_of, GR_SHAPE(rows, gr__backend_cpu.max_row), 0, 1);
        check(softmax_of, GR_SHAPE(rows, gr__backend_cpu.max_row + 1), 0, 3);
        check(layer_norm_of, GR_SHAPE(rows, 70001), 0, 0);
    }
    check(softmax_of, GR_SHAPE(30000, 10), 0, 1); /* several shards */
    check(weighed_gradient_of, GR_SHAPE(700, 300), 0, 1);
}

/* Lines larger than any cache, written by units that begin at any row. Rows that a row and a column give need no memory
 * of their own, so this takes no more than the lines do. */
static void lines_larger_than_any_cache_are_written_wherever_they_begin(void **state)
{
    (void)state;
    const int64_t rows = (INT64_C(1) << 23) + 37, columns = 64;
    gr_shape all = GR_SHAPE(rows, columns), one = GR_SHAPE(rows, 1);
    gr_context *ctx = test_context_with(2, 0);
    gr_graph *g;
    gr_store *store;
    gr_plan *plan;
    test_ok(ctx, gr_graph_create(ctx, &g));
    gr_val row = gr_feed(g, "row", GR_REAL, one), column = gr_feed(g, "column", GR_REAL, GR_SHAPE(columns)),
           x = gr_mul(g, gr_broadcast(g, row, all), gr_broadcast(g, column, all)),
           sum = gr_sum(g, x, (int[]){1}, 1, true), root = gr_sqrt(g, gr_add(g, gr_square(g, sum), gr_const(g, 1)));
    gr_output(g, "root", root);
    gr_output(g, "top", gr_reduce_max(g, gr_sub(g, x, gr_broadcast(g, sum, all)), (int[]){1}, 1, true));
    test_ok(ctx, gr_store_create(ctx, &gr__backend_cpu, &store));
    test_ok(ctx, gr_plan_compile(ctx, g, store, &(gr_plan_options){.backend = &gr__backend_cpu}, &plan));
    assert_int_equal(gr_plan_rows(plan), 1);
    test_ok(ctx, gr_store_seal(store));
    test_ok(ctx, gr_plan_bind(plan, NULL));
    float *r = gr_plan_feed(plan, "row", NULL), *c = gr_plan_feed(plan, "column", NULL);
    for (int64_t i = 0; i < rows; i++) r[i] = (float)(i % 5);
    for (int64_t i = 0; i < columns; i++) c[i] = 1;
    test_ok(ctx, gr_plan_run(plan));
    const float *got = gr_plan_output(plan, "root", NULL), *top = gr_plan_output(plan, "top", NULL);
    for (int64_t i = 0; i < rows; i++) {
        double total = (double)(i % 5) * (double)columns;
        if (got[i] != (float)sqrt(total * total + 1) || (double)top[i] != (double)(i % 5) - total)
            fail_msg("row %lld: %.9g and %.9g", (long long)i, (double)got[i], (double)top[i]);
    }
    gr_plan_destroy(plan);
    gr_store_destroy(store);
    gr_graph_destroy(g);
    test_context_end(ctx);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_row_and_what_it_is_normalised_by_are_one_kernel),
        cmocka_unit_test(a_column_alone_or_a_row_too_long_is_right_as_well),
        cmocka_unit_test(lines_larger_than_any_cache_are_written_wherever_they_begin),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
