/* Fixed points: what they find, by each solver, and that their gradients are those of the solution. */
#include "graph/body.h"
#include "help.h"
#include "loops.h"

enum { ROWS = 3, N = 4, MOST = 64 };
static const gr_solver solvers[] = {GR_SOLVE_ANDERSON, GR_SOLVE_BROYDEN, GR_SOLVE_ITERATE};

static double number(int64_t i)
{
    return sin(1.3 * (double)i + 0.4) * 0.8;
}

static void fill(double *x, int n, int from)
{
    for (int i = 0; i < n; i++) x[i] = number(from + i);
}

/* z = tanh(w z + u x + b): the vector of algorithms that were computed apart. */
static void solutions_and_slopes_are_the_known_ones(void **state)
{
    (void)state;
    for (size_t k = 0; k < GR_COUNT(solvers); k++) {
        gr_context *ctx = test_context();
        gr_graph *g = new_graph(ctx);
        const named_data data[] = {
            {"w", (double[]){0.5}}, {"u", (double[]){1}}, {"x", (double[]){0.3}}, {"b", (double[]){0.1}}, {NULL, NULL}};
        gr_val in[4], d[4], z = gr_unknown(g, GR_SHAPE(1)), zero = gr_broadcast(g, gr_const(g, 0), GR_SHAPE(1));
        for (int i = 0; i < 4; i++) in[i] = gr_feed(g, data[i].name, GR_REAL, GR_SHAPE(1));
        gr_val sum = gr_add(g, gr_add(g, gr_mul(g, in[0], z), gr_mul(g, in[1], in[2])), in[3]), residual, iterations;
        gr_val y = gr_fixed_point(g, z, gr_tanh(g, sum), zero,
                                  (gr_fixed_point_attr){.solver = solvers[k], .max = 100, .tolerance = 1e-13},
                                  &residual, &iterations);
        gr_val cost = gr_sum_all(g, gr_mul(g, gr_square(g, y), gr_const(g, 0.5)));
        test_ok(ctx, gr_gradients(g, cost, in, 4, d));
        assert_values(g, y, data, (double[]){.606392712}, 1, 1e-9);
        assert_values(g, d[0], data, (double[]){.339983705}, 1, 1e-9);
        assert_values(g, d[1], data, (double[]){.168199765}, 1, 1e-9);
        assert_values(g, d[2], data, (double[]){.560665882}, 1, 1e-9);
        assert_values(g, d[3], data, (double[]){.560665882}, 1, 1e-9);
        assert_values(g, gr_less_equal(g, residual, gr_const(g, 1e-13)), data, (double[]){1}, 1, 0);
        assert_values(g, gr_less(g, iterations, gr_const(g, 60)), data, (double[]){1}, 1, 0);
        test_ok(ctx, gr_graph_verify(g));
        gr_graph_destroy(g);
        test_context_end(ctx);
    }
}

typedef struct solved {
    double y[ROWS * N], d[ROWS * N + N * N + N];
} solved;

static void solve(const gr_fixed_point_attr *attr, int steps, solved *out)
{
    gr_context *ctx = test_context();
    gr_graph *g = new_graph(ctx);
    double x[ROWS * N], w[N * N], b[N];
    fill(x, ROWS * N, 0);
    fill(w, N * N, 50);
    fill(b, N, 90);
    const named_data data[] = {{"x", x}, {"w", w}, {"b", b}, {NULL, NULL}};
    gr_val in[] = {gr_feed(g, "x", GR_REAL, GR_SHAPE(ROWS, N)), gr_feed(g, "w", GR_REAL, GR_SHAPE(N, N)),
                   gr_feed(g, "b", GR_REAL, GR_SHAPE(N))},
           d[3];
    gr_val y = attr ? fixed_point_plain(g, in, *attr) : fixed_point_written_out(g, in, steps);
    gr_val cost = gr_sum_all(g, gr_mul(g, gr_sin(g, y), gr_real(g, gr_iota(g, GR_SHAPE(ROWS, N), 1))));
    test_ok(ctx, gr_gradients(g, cost, in, 3, d));
    gr_val wanted[] = {y, d[0], d[1], d[2]};
    double *results[] = {out->y, out->d, out->d + ROWS * N, out->d + ROWS * N + N * N};
    test_ok(ctx, gr__eval(g, wanted, 4, find_data, (void *)(uintptr_t)data, results));
    gr_graph_destroy(g);
    test_context_end(ctx);
}

static void gradients_are_those_of_unrolling_to_the_end(void **state)
{
    (void)state;
    solved want, got;
    solve(NULL, 200, &want);
    for (size_t k = 0; k < GR_COUNT(solvers); k++)
        for (int64_t window = 1; window <= 20; window += 19) {
            solve(&(gr_fixed_point_attr){.solver = solvers[k], .max = 300, .window = window, .tolerance = 1e-12}, 0,
                  &got);
            for (int i = 0; i < (int)GR_COUNT(want.y); i++) assert_true(fabs(got.y[i] - want.y[i]) < 1e-10);
            for (int i = 0; i < (int)GR_COUNT(want.d); i++) assert_true(fabs(got.d[i] - want.d[i]) < 1e-8);
        }
}

/* z = a z + c for each sample: c / (1 - a) where it is found. */
static void linear(const double *a, double c, int n, gr_fixed_point_attr attr, double *z, double *residual,
                   double *iterations)
{
    gr_context *ctx = test_context();
    gr_graph *g = new_graph(ctx);
    const named_data data[] = {{"a", a}, {NULL, NULL}};
    gr_shape shape = GR_SHAPE(n, 1);
    gr_val unknown = gr_unknown(g, shape), zeros = gr_broadcast(g, gr_const(g, 0), shape), told[3];
    gr_val f = gr_add(g, gr_mul(g, unknown, gr_feed(g, "a", GR_REAL, shape)), gr_const(g, c));
    told[0] = gr_fixed_point(g, unknown, f, zeros, attr, &told[1], &told[2]);
    test_ok(ctx, gr__eval(g, told, 3, find_data, (void *)(uintptr_t)data, (double *[]){z, residual, iterations}));
    gr_graph_destroy(g);
    test_context_end(ctx);
}

/* Each sample ends for itself, and what it found does not depend on the others. */
static void samples_are_solved_each_by_itself(void **state)
{
    (void)state;
    const double a[] = {0, 0.5, -0.9, 0.95};
    for (size_t k = 0; k < GR_COUNT(solvers); k++) {
        const gr_fixed_point_attr attr = {.solver = solvers[k], .max = 1000, .tolerance = 1e-10};
        double z[4], residual[4], iterations[4], alone[3];
        linear(a, 1, 4, attr, z, residual, iterations);
        for (int i = 0; i < 4; i++) {
            assert_true(fabs(z[i] - 1 / (1 - a[i])) < 1e-7);
            assert_true(residual[i] <= 1e-10 && iterations[i] < 1000);
            linear(&a[i], 1, 1, attr, &alone[0], &alone[1], &alone[2]);
            assert_true(alone[0] == z[i] && alone[1] == residual[i] && alone[2] == iterations[i]);
        }
        assert_true(iterations[0] == 2);
        if (solvers[k] == GR_SOLVE_ITERATE) assert_true(iterations[3] > iterations[2] && iterations[2] > iterations[1]);
        if (solvers[k] == GR_SOLVE_BROYDEN) assert_true(iterations[3] <= 4); /* of a line, one secant is all */
    }
}

/* What is not found within `max` is told by its residual; what is given is the best, not the last. */
static void what_is_not_found_is_told(void **state)
{
    (void)state;
    const double a[] = {0.5, 0.99, -1.5, 3, NAN};
    double z[5], residual[5], iterations[5];
    linear(a, 1, 5, (gr_fixed_point_attr){.solver = GR_SOLVE_ITERATE, .max = 40, .tolerance = 1e-9}, z, residual,
           iterations);
    assert_true(residual[0] <= 1e-9 && iterations[0] < 40);
    for (int i = 1; i < 4; i++) assert_true(residual[i] > 1e-9 && iterations[i] == 40);
    assert_true(z[2] == 1 || fabs(z[2]) < 3);                             /* not the 10^7 of the last */
    assert_true(isnan(residual[4]) && isnan(z[4]) && iterations[4] == 1); /* nothing hides that f is no number */
    linear(a, 1, 4, (gr_fixed_point_attr){.max = 40, .tolerance = 1e-9}, z, residual, iterations);
    for (int i = 0; i < 4; i++) assert_true(residual[i] <= 1e-9 && fabs(z[i] - 1 / (1 - a[i])) < 1e-6);
}

/* A step that is small beside a value whose square overflows is nothing that was found. */
static void what_overflows_is_not_found(void **state)
{
    (void)state;
    const double a[] = {-0.5, 0.25};
    double z[2], residual[2], iterations[2];
    for (size_t k = 0; k < GR_COUNT(solvers); k++) {
        const gr_fixed_point_attr attr = {.solver = solvers[k], .max = 40, .tolerance = 1e-9};
        linear(a, 1e160, 2, attr, z, residual, iterations);
        for (int i = 0; i < 2; i++) assert_true(!(residual[i] <= 1e-9) && iterations[i] > 0 && z[i] == 1e160);
        linear(a, 1e140, 2, attr, z, residual, iterations);
        for (int i = 0; i < 2; i++)
            assert_true(residual[i] <= 1e-9 && fabs(z[i] * (1 - a[i]) / 1e140 - 1) < 1e-8 && iterations[i] < 40);
    }
}

static void wrong_ones_are_refused(void **state)
{
    (void)state;
    const gr_fixed_point_attr good = {.max = 5, .tolerance = 1e-3};
    for (int k = 0; k < 7; k++) {
        gr_context *ctx = test_context();
        gr_graph *g = new_graph(ctx);
        gr_fixed_point_attr attr = good;
        gr_val x = gr_feed(g, "x", GR_REAL, GR_SHAPE(2, 3)), z = gr_unknown(g, GR_SHAPE(2, 3)), f = gr_tanh(g, z);
        if (k == 0) z = x;
        if (k == 1) f = gr_slice(g, f, 1, 0, 2);
        if (k == 2) x = gr_slice(g, x, 1, 0, 2);
        if (k == 3) attr.max = 0;
        if (k == 4) attr.window = 21;
        if (k == 5) attr.tolerance = -1;
        if (k == 6) attr.solver = (gr_solver)3;
        assert_int_equal(gr_fixed_point(g, z, f, x, attr, NULL, NULL), GR_NONE);
        assert_true(gr_graph_status(g) != GR_OK && gr_graph_status(g) != GR_E_INTERNAL);
        assert_non_null(strstr(gr_context_error(ctx)->message, "fixed"));
        gr_graph_destroy(g);
        test_context_end(ctx);
    }
}

/* It is nothing but a place in its own function. */
static void unknowns_have_no_value(void **state)
{
    (void)state;
    gr_context *ctx = test_context();
    gr_graph *g = new_graph(ctx);
    gr_val z = gr_unknown(g, GR_SHAPE(2)), y = gr_tanh(g, z);
    double two[2];
    assert_int_equal(gr__eval(g, &y, 1, NULL, NULL, (double *[]){two}), GR_E_USAGE);
    assert_true(gr_unknown(g, GR_SHAPE(2)) != z);
    gr_graph_destroy(g);
    test_context_end(ctx);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(solutions_and_slopes_are_the_known_ones),
        cmocka_unit_test(gradients_are_those_of_unrolling_to_the_end),
        cmocka_unit_test(samples_are_solved_each_by_itself),
        cmocka_unit_test(what_is_not_found_is_told),
        cmocka_unit_test(what_overflows_is_not_found),
        cmocka_unit_test(wrong_ones_are_refused),
        cmocka_unit_test(unknowns_have_no_value),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
