/* Hessians by their products: against numbers of an independent program, against the whole matrix, and by their
 * properties. [mission O4; specification 6.1 to 6.3] */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/rng.h"
#include "curvature_case.h"
#include "study/curvature/curvature.h"
#include "study/curvature/eigen.h"

/* ---- a model ---- */

static const char tanh_net[] =
    "gradus: 1\nprecision: float64\ndata: {train: {type: csv, file: t.csv, target: y}, batch: 4}\n"
    "model: {input: [2], layers: [{type: dense, units: 2, activation: tanh}, {type: dense, units: 2}]}\n"
    "cost: cross_entropy\noptimizer: sgd\nstop: {steps: 1}\n";
static void begin(bench *b, const char *recipe, const char *set, int64_t samples)
{
    begin_order(b, recipe, set, samples, GR_SURFACE_HESSIAN);
}

static void multiply(bench *b, const double *v, double *out)
{
    test_ok(b->ctx, gr__hessian_product(&b->h, v, out));
}

/* The whole matrix, column by column. */
static double *whole(bench *b)
{
    int64_t n = b->h.n;
    double *a = calloc((size_t)(n * n), sizeof *a), *unit = calloc((size_t)n, sizeof *unit);
    for (int64_t i = 0; i < n; i++) {
        unit[i] = 1;
        multiply(b, unit, a + i * n);
        unit[i] = 0;
    }
    free(unit);
    return a;
}

static void draw(double *v, int64_t n, uint64_t seed)
{
    gr__rng rng = gr__rng_make(seed, "test", 0, 0);
    for (int64_t i = 0; i < n; i++) v[i] = gr__rng_normal(&rng);
}

/* ---- the specification's network ---- */

static void given(bench *b)
{
    static const double w1[] = {0.1, -0.2, 0.3, 0.4}, b1[] = {0.05, -0.05}, w2[] = {0.5, -0.6, -0.7, 0.8},
                        b2[] = {0, 0.1}, *const values[] = {w1, b1, w2, b2};
    begin(b, tanh_net, NULL, 100);
    assert_int_equal(b->h.n, 12);
    assert_int_equal(b->h.samples, 2);
    for (size_t i = 0; i < b->h.n_params; i++)
        gr_store_write(b->h.run.store, gr_store_find(b->h.run.store, b->h.params[i].entry.name), values[i]);
}

static void products_are_those_of_the_specification(void **state)
{
    (void)state;
    static const double want[12] = {-0.731540812, -1.393537022, -1.451676727, -2.984488823, -0.675905131, -1.516585022,
                                    -1.457010988, -0.377477187, 1.457010988,  0.377477187,  0.163194526,  -0.163194526};
    double ones[12], got[12];
    bench b;
    given(&b);
    for (int i = 0; i < 12; i++) ones[i] = 1;
    multiply(&b, ones, got);
    for (int i = 0; i < 12; i++) assert_float_equal(got[i], want[i], 1e-9);
    assert_float_equal(b.h.cost, 1.175308486, 1e-9);
    end(&b);
}

static void so_are_trace_and_eigenvalues(void **state)
{
    (void)state;
    bench b;
    gr_curvature k;
    given(&b);
    test_ok(b.ctx, gr__curvature(
                       &b.h, &(gr_curvature_options){.probes = 20000, .eigenvalues = 2, .steps = 100, .seed = 1}, &k));
    assert_float_equal(k.largest[0].value, 1.258371613, 1e-9);
    assert_float_equal(k.largest[1].value, 1.186394306, 1e-9);
    assert_float_equal(k.smallest.value, -2.143739023, 1e-9);
    assert_true(k.converged && k.steps <= 12 && k.n_largest == 2);
    for (int i = 0; i < 2; i++) assert_true(k.largest[i].residual < 1e-12);
    assert_true(k.probes >= GR_LEAST_PROBES && k.probes < 20000 &&
                k.trace_error <= 0.05 * fabs(k.trace)); /* stopped by its error */
    assert_true(fabs(k.trace + 1.334869636) < 4 * k.trace_error);
    double *a = whole(&b), trace = 0;
    for (int i = 0; i < 12; i++) trace += a[13 * i];
    assert_float_equal(trace, -1.334869636, 1e-9);
    free(a);
    end(&b);
}

/* More of the largest than there are parameters: all of them. */
static void all_eigenvalues_may_be_asked_for(void **state)
{
    (void)state;
    bench b;
    gr_curvature k;
    double values[12], vectors[144];
    given(&b);
    test_ok(b.ctx, gr__curvature(
                       &b.h, &(gr_curvature_options){.eigenvalues = GR_MAX_EIGENVALUES, .steps = 100, .seed = 3}, &k));
    double *a = whole(&b);
    gr__eigen_symmetric(a, 12, values, vectors);
    assert_true(k.n_largest == 12 && k.converged && isnan(k.trace) && k.probes == 0);
    for (int i = 0; i < 12; i++) assert_float_equal(k.largest[i].value, values[11 - i], 1e-12);
    free(a);
    end(&b);
}

/* ---- a network with ReLU, normalisation and dropout, in batches ---- */

static void the_matrix_is_symmetric_and_the_product_linear(void **state)
{
    (void)state;
    bench b;
    begin(&b, relu_net, NULL, 40);
    size_t n = (size_t)b.h.n;
    double *v = calloc(n, sizeof *v), *u = calloc(n, sizeof *u), *hv = calloc(n, sizeof *hv),
           *hu = calloc(n, sizeof *hu), *both = calloc(n, sizeof *both);
    draw(v, b.h.n, 1);
    draw(u, b.h.n, 2);
    multiply(&b, v, hv);
    multiply(&b, u, hu);
    double uhv = 0, vhu = 0, size = 0;
    for (size_t i = 0; i < n; i++) uhv += u[i] * hv[i], vhu += v[i] * hu[i], size += hv[i] * hv[i];
    assert_true(size > 0);
    assert_float_equal(uhv, vhu, 1e-10 * fabs(uhv));
    for (size_t i = 0; i < n; i++) u[i] = 2 * v[i] - 3 * u[i];
    multiply(&b, u, both);
    for (size_t i = 0; i < n; i++) assert_float_equal(both[i], 2 * hv[i] - 3 * hu[i], 1e-12 * sqrt(size));
    multiply(&b, v, both); /* again: neither dropout nor an order that moves on */
    assert_memory_equal(both, hv, n * sizeof *v);
    free(v), free(u), free(hv), free(hu), free(both);
    end(&b);
}

static void batches_do_not_matter(void **state)
{
    (void)state;
    static const char *const sets[] = {"data.batch=40", "data.batch=7", "data.batch=1"};
    double *first = NULL;
    for (size_t i = 0; i < GR_COUNT(sets); i++) {
        bench b;
        begin(&b, relu_net, sets[i], 33); /* a rest of 5 of 7 */
        assert_int_equal(b.h.samples, 33);
        double *v = calloc((size_t)b.h.n, sizeof *v), *hv = calloc((size_t)b.h.n, sizeof *hv);
        draw(v, b.h.n, 4);
        multiply(&b, v, hv);
        for (int64_t k = 0; first && k < b.h.n; k++) assert_float_equal(hv[k], first[k], 1e-12);
        if (!first)
            first = hv;
        else
            free(hv);
        free(v);
        end(&b);
    }
    free(first);
}

static void lanczos_agrees_with_the_whole_matrix(void **state)
{
    (void)state;
    bench b;
    gr_curvature k;
    begin(&b, relu_net, NULL, 40);
    int n = (int)b.h.n;
    double *a = whole(&b), *values = calloc((size_t)n, sizeof *values),
           *vectors = calloc((size_t)(n * n), sizeof *vectors), trace = 0;
    for (int i = 0; i < n; i++) trace += a[i * n + i];
    gr__eigen_symmetric(a, n, values, vectors);
    test_ok(b.ctx, gr__curvature(
                       &b.h, &(gr_curvature_options){.probes = 2000, .eigenvalues = 3, .steps = 100, .seed = 9}, &k));
    assert_true(k.converged && k.steps < n);
    for (int i = 0; i < 3; i++)
        assert_true(fabs(k.largest[i].value - values[n - 1 - i]) <= 1e-6 * values[n - 1] &&
                    k.largest[i].residual < 2e-3 * values[n - 1]);
    assert_true(fabs(k.smallest.value - values[0]) <= k.smallest.residual + 1e-9);
    assert_true(fabs(k.trace - trace) < 4 * k.trace_error);
    free(a), free(values), free(vectors);
    end(&b);
}

/* [Dinh et al. 2017]: the same function, another curvature. */
static void scaling_relu_layers_changes_it_and_not_the_cost(void **state)
{
    (void)state;
    bench b;
    gr_curvature before, after;
    begin(&b, relu_net, NULL, 40);
    const gr_curvature_options o = {.probes = 4000, .seed = 1};
    test_ok(b.ctx, gr__curvature(&b.h, &o, &before));
    static const struct {
        const char *name;
        double factor;
    } scales[] = {{"b.weight", 100}, {"b.bias", 100}, {"c.weight", 0.01}};
    for (size_t i = 0; i < GR_COUNT(scales); i++) {
        double values[64];
        const gr_entry *e = gr_store_find(b.h.run.store, scales[i].name);
        gr_store_read(b.h.run.store, e, values);
        for (int64_t k = 0; k < e->count; k++) values[k] *= scales[i].factor;
        gr_store_write(b.h.run.store, e, values);
    }
    test_ok(b.ctx, gr__curvature(&b.h, &o, &after));
    assert_float_equal(after.cost, before.cost, 1e-12);
    assert_true(after.trace > 10 * before.trace);
    end(&b);
}

static void odd_wishes_and_odd_models(void **state)
{
    (void)state;
    bench b;
    gr_curvature k;
    begin(&b, relu_net, NULL, 40);
    test_ok(b.ctx, gr__curvature(&b.h, &(gr_curvature_options){.eigenvalues = 5, .steps = 3, .seed = 2}, &k));
    assert_true(!k.converged && k.steps == 3 && k.n_largest == 3);
    static const volatile sig_atomic_t stop = 1;
    assert_int_equal(gr__curvature(&b.h, &(gr_curvature_options){.eigenvalues = 1, .steps = 3, .stop = &stop}, &k),
                     GR_E_INTERRUPTED);
    gr_context_clear_error(b.ctx);
    double nothing[64];
    const gr_entry *e = gr_store_find(b.h.run.store, "c.weight");
    for (int i = 0; i < 64; i++) nothing[i] = (double)NAN;
    gr_store_write(b.h.run.store, e, nothing);
    assert_int_equal(gr__curvature(&b.h, &(gr_curvature_options){.eigenvalues = 1, .steps = 3}, &k), GR_E_DATA);
    gr_context_clear_error(b.ctx);
    for (size_t i = 0; i < b.h.n_params;
         i++) { /* no gradient anywhere: the matrix is 0 but for what the biases of the outputs see */
        double zeros[64] = {0};
        gr_store_write(b.h.run.store, gr_store_find(b.h.run.store, b.h.params[i].entry.name), zeros);
    }
    test_ok(b.ctx,
            gr__curvature(&b.h, &(gr_curvature_options){.probes = 20, .eigenvalues = 3, .steps = 100, .seed = 2}, &k));
    assert_true(k.converged && k.largest[0].value > 0 && fabs(k.smallest.value) < 1e-12);
    assert_float_equal(k.largest[2].value, 0, 1e-12);
    end(&b);
}

/* ---- the density ---- */

/* The specification's matrix, 6.4. */
static gr_status three(void *user, const double *v, double *out)
{
    (void)user;
    out[0] = 2 * v[0] + v[1];
    out[1] = v[0] + 3 * v[1] - v[2];
    out[2] = -v[1] + v[2];
    return GR_OK;
}

static void lanczos_has_the_numbers_of_the_specification(void **state)
{
    (void)state;
    static const double ones[3] = {1, 1, 1}, alpha[3] = {2, 2.5, 1.5}, beta[3] = {1.414213562, 0.866025404, 0},
                        want[3] = {0.467911114, 1.652703645, 3.879385242};
    gr_context *ctx = test_context();
    gr_lanczos l;
    double trace = 0;
    test_ok(ctx, gr__lanczos_open(ctx, 3, three, NULL, ones, &l));
    while (!l.closed) test_ok(ctx, gr__lanczos_step(&l, NULL));
    assert_true(l.steps == 3 && l.complete);
    gr__lanczos_solve(&l);
    for (int i = 0; i < 3; i++) {
        double weight = l.vectors[i] * l.vectors[i];
        assert_float_equal(l.alpha[i], alpha[i], 1e-9);
        assert_float_equal(l.beta[i], beta[i], 1e-9);
        assert_float_equal(l.values[i], want[i], 1e-9);
        assert_float_equal(weight, 1.0 / 3, 1e-9);
        trace += 3 * weight * l.values[i];
    }
    assert_float_equal(trace, 6, 1e-9);
    gr__lanczos_close(&l);
    test_context_end(ctx);
}

/* Moments of the density are means of traces of powers: of signs z, z'Hz and |Hz|^2. */
static void the_density_has_the_moments_of_the_matrix(void **state)
{
    (void)state;
    bench b;
    gr_curvature k;
    begin(&b, relu_net, NULL, 40);
    int n = (int)b.h.n;
    double *a = whole(&b), *values = calloc((size_t)n, sizeof *values),
           *vectors = calloc((size_t)(n * n), sizeof *vectors), trace = 0, square = 0, low = INFINITY, high = -INFINITY;
    for (int i = 0; i < n; i++) trace += a[i * n + i];
    for (int i = 0; i < n * n; i++) square += a[i] * a[i];
    gr__eigen_symmetric(a, n, values, vectors);
    test_ok(b.ctx,
            gr__curvature(&b.h, &(gr_curvature_options){.density = GR_MAX_DENSITY, .steps = 100, .seed = 4}, &k));
    const gr_density *d = &k.density;
    assert_true(d->probes == GR_MAX_DENSITY && isnan(k.trace) && k.n_largest == 0);
    double first = 0, second = 0, weight[GR_MAX_DENSITY + 1] = {0};
    for (int i = 0; i < d->n; i++) {
        const gr_density_row *r = &d->row[i];
        weight[r->probe] += r->weight;
        first += n * r->weight * r->value / d->probes;
        second += n * r->weight * r->value * r->value / d->probes;
        low = fmin(low, r->value), high = fmax(high, r->value);
        assert_true(r->value > values[0] - 1e-9 && r->value < values[n - 1] + 1e-9);
    }
    for (int i = 1; i <= d->probes; i++) assert_float_equal(weight[i], 1, 1e-12);
    assert_float_equal(first, d->trace, 1e-9 * fabs(trace));
    assert_true(fabs(d->trace - trace) < 4 * d->trace_error && d->trace_error > 0);
    assert_true(fabs(second - square) < 0.5 * square);
    assert_float_equal(high, values[n - 1], 1e-6 * values[n - 1]);
    /* its integral is 1 */
    double width = gr__density_width(d), sum = 0, step = width / 8;
    for (double x = low - 8 * width; x < high + 8 * width; x += step) sum += step * gr__density_at(d, x);
    assert_float_equal(sum, 1, 1e-3);
    free(a), free(values), free(vectors);
    end(&b);
}

/* Of a matrix that is 0 everywhere a probe ends at once. */
static void a_flat_cost_has_one_place(void **state)
{
    (void)state;
    static const char flat[] =
        "gradus: 1\nprecision: float64\ndata: {train: {type: csv, file: t.csv, target: y}, batch: 4}\n"
        "model: {input: [2], layers: [{type: dense, units: 3, bias: false}, relu, {type: dense, units: 2, bias: "
        "false}]}\n"
        "cost: cross_entropy\noptimizer: sgd\ninit: {weights: zeros}\nstop: {steps: 1}\n";
    bench b;
    gr_curvature k;
    begin(&b, flat, NULL, 2);
    test_ok(b.ctx, gr__curvature(&b.h, &(gr_curvature_options){.density = 2, .steps = 100, .seed = 4}, &k));
    assert_true(k.density.n == 2 && k.density.row[0].value == 0 && k.density.row[1].weight == 1);
    assert_true(k.density.trace == 0 && k.density.trace_error == 0 && isfinite(gr__density_at(&k.density, 0)));
    end(&b);
}

/* ---- small matrices ---- */

static void jacobi_finds_every_eigenvalue(void **state)
{
    (void)state;
    static const double want[3] = {0.467911114, 1.652703645, 3.879385242}; /* the specification's, 6.4 */
    double three[9] = {2, 1, 0, 1, 3, -1, 0, -1, 1}, values[40], vectors[1600], a[1600], copy[1600];
    gr__eigen_symmetric(three, 3, values, vectors);
    for (int i = 0; i < 3; i++) assert_float_equal(values[i], want[i], 1e-9);
    for (int kind = 0; kind < 3; kind++) { /* random, of rank 1, diagonal with ties */
        draw(a, 1600, (uint64_t)kind);
        for (int i = 0; i < 40; i++)
            for (int j = 0; j <= i; j++)
                a[i * 40 + j] = a[j * 40 + i] = kind == 0   ? a[i * 40 + j]
                                                : kind == 1 ? (i + 1.0) * (j + 1)
                                                : i == j    ? i / 4
                                                            : 0;
        memcpy(copy, a, sizeof a);
        gr__eigen_symmetric(a, 40, values, vectors);
        for (int i = 0; i < 40; i++) {
            assert_true(i == 0 || values[i] >= values[i - 1]);
            for (int r = 0; r < 40; r++) {
                double sum = 0;
                for (int c = 0; c < 40; c++) sum += copy[r * 40 + c] * vectors[c * 40 + i];
                assert_float_equal(sum, values[i] * vectors[r * 40 + i], kind == 1 ? 1e-9 : 1e-12);
            }
        }
    }
    double one = -3;
    gr__eigen_symmetric(&one, 1, values, vectors);
    assert_true(values[0] == -3 && vectors[0] == 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(products_are_those_of_the_specification),
        cmocka_unit_test(so_are_trace_and_eigenvalues),
        cmocka_unit_test(all_eigenvalues_may_be_asked_for),
        cmocka_unit_test(the_matrix_is_symmetric_and_the_product_linear),
        cmocka_unit_test(batches_do_not_matter),
        cmocka_unit_test(lanczos_agrees_with_the_whole_matrix),
        cmocka_unit_test(scaling_relu_layers_changes_it_and_not_the_cost),
        cmocka_unit_test(odd_wishes_and_odd_models),
        cmocka_unit_test(lanczos_has_the_numbers_of_the_specification),
        cmocka_unit_test(the_density_has_the_moments_of_the_matrix),
        cmocka_unit_test(a_flat_cost_has_one_place),
        cmocka_unit_test(jacobi_finds_every_eigenvalue),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
