/* Lines and planes through a model's weights. [mission G5; specification 6.5] */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "curvature_case.h"
#include "study/curvature/slice.h"

static const char line_net[] =
    "gradus: 1\nprecision: float64\nseed: 3\ndata: {train: {type: csv, file: t.csv, target: y}, "
    "batch: 4}\n"
    "model: {input: [2], layers: [{type: dense, units: 1, name: d}]}\n"
    "cost: mse\noptimizer: sgd\nstop: {steps: 1}\n";
static const char plain_net[] =
    "gradus: 1\nprecision: float64\nseed: 5\ndata: {train: {type: synthetic, kind: spirals, n: 40, seed: 2}, batch: "
    "7}\n"
    "model: {input: [2], layers: [{type: dense, units: 6, activation: relu, name: a}, {type: dense, units: 5, "
    "activation: relu, name: b}, {type: dense, units: 3, name: c}]}\n"
    "cost: cross_entropy\noptimizer: sgd\nstop: {steps: 1}\n";

static gr_slice_options line(int points)
{
    return (gr_slice_options){.points = points, .low = -1, .high = 1, .seed = 7};
}

static void scale(bench *b, const char *name, double factor)
{
    double values[64];
    const gr_entry *e = gr_store_find(b->h.run.store, name);
    gr_store_read(b->h.run.store, e, values);
    for (int64_t k = 0; k < e->count; k++) values[k] *= factor;
    gr_store_write(b->h.run.store, e, values);
}

/* The cost of a linear model is a parabola on every line: third differences are 0, the second ones are not. */
static void a_quadratic_cost_gives_a_parabola(void **state)
{
    (void)state;
    bench b;
    gr_slice_point p[51];
    gr_slice_options o = line(51);
    begin_order(&b, line_net, NULL, 2, GR_SURFACE_COST);
    test_ok(b.ctx, gr__surface_pass(&b.h));
    double here = b.h.cost;
    test_ok(b.ctx, gr__slice(&b.h, &o, p));
    assert_true(p[25].a == 0 && p[0].a == -1 && p[50].a == 1 && p[25].cost == here);
    for (int i = 0; i + 3 < 51; i++) {
        assert_true(p[i].cost - 2 * p[i + 1].cost + p[i + 2].cost > 0);
        assert_true(fabs(p[i + 3].cost - 3 * p[i + 2].cost + 3 * p[i + 1].cost - p[i].cost) < 1e-12 * here);
    }
    test_ok(b.ctx, gr__surface_pass(&b.h)); /* the weights are back, to the bit */
    assert_true(b.h.cost == here);
    end(&b);
}

/* What the figures of the Hessian are not. [Dinh et al. 2017] */
static void scaling_relu_layers_leaves_the_curve(void **state)
{
    (void)state;
    static const double factors[] = {100, 0.01, 3};
    for (size_t f = 0; f < GR_COUNT(factors); f++) {
        bench b;
        gr_slice_point before[9 * 9], after[9 * 9];
        gr_slice_options o = line(9);
        o.plane = f == 2;
        int n = o.plane ? 81 : 9;
        begin_order(&b, plain_net, NULL, 40, GR_SURFACE_COST);
        scale(&b, "a.bias", 0), scale(&b, "b.bias", 0);
        test_ok(b.ctx, gr__slice(&b.h, &o, before));
        scale(&b, "b.weight", factors[f]), scale(&b, "c.weight", 1 / factors[f]);
        test_ok(b.ctx, gr__slice(&b.h, &o, after));
        bool moves = false;
        for (int i = 0; i < n; i++) {
            assert_true(after[i].a == before[i].a && after[i].b == before[i].b);
            assert_true(fabs(after[i].cost - before[i].cost) < 1e-9 * fabs(before[i].cost));
            moves |= fabs(before[i].cost - before[n / 2].cost) > 0.01;
        }
        assert_true(moves);
        end(&b);
    }
}

/* Each filter of a direction is as long as that of the weights: where these are 0, nothing moves. */
static void filters_of_zero_stay(void **state)
{
    (void)state;
    bench b;
    gr_slice_point p[3];
    gr_slice_options o = line(3);
    begin_order(&b, plain_net, NULL, 40, GR_SURFACE_COST);
    scale(&b, "a.weight", 0), scale(&b, "b.weight", 0), scale(&b, "c.weight", 0);
    test_ok(b.ctx, gr__slice(&b.h, &o, p));
    assert_true(p[0].cost == p[1].cost && p[1].cost == p[2].cost);
    end(&b);
}

static void write_model(bench *b, const char *path)
{
    const gr_model_about about = {.recipe = b->recipe, .meaning = &b->h.task.meaning};
    test_ok(b->ctx, gr__model_write(b->ctx, path, b->h.run.store, &about));
}

/* Both ends are the models, running statistics included; a network of other shapes is refused, and nothing has moved.
 */
static void a_line_between_two_models_ends_in_them(void **state)
{
    (void)state;
    bench b, wide;
    char first[96], second[96], other[96];
    gr_model m = {0};
    gr_slice_point p[5];
    gr_slice_options o = {.points = 5, .low = -0.5, .high = 1.5};
    begin_order(&b, relu_net, NULL, 40, GR_SURFACE_COST);
    snprintf(first, sizeof first, "%s/a.safetensors", b.folder);
    snprintf(second, sizeof second, "%s/b.safetensors", b.folder);
    snprintf(other, sizeof other, "%s/c.safetensors", b.folder);
    write_model(&b, first);
    test_ok(b.ctx, gr__surface_pass(&b.h));
    double here = b.h.cost;
    scale(&b, "a.weight", -2), scale(&b, "n.running_var", 5), scale(&b, "c.bias", 3);
    double values[6] = {1, 2, 3, -1, 0.5, 0};
    gr_store_write(b.h.run.store, gr_store_find(b.h.run.store, "n.running_mean"), values);
    write_model(&b, second);
    test_ok(b.ctx, gr__surface_pass(&b.h));
    double there = b.h.cost;
    assert_true(fabs(there - here) > 0.01);
    test_ok(b.ctx, gr__model_open(b.ctx, first, &m));
    test_ok(b.ctx, gr__model_load(b.ctx, m.file, first, b.h.run.store));
    gr__model_close(&m);
    test_ok(b.ctx, gr__model_open(b.ctx, second, &m));
    o.other = &m;
    test_ok(b.ctx, gr__slice(&b.h, &o, p));
    assert_true(p[1].a == 0 && p[3].a == 1 && p[1].cost == here);
    assert_true(fabs(p[3].cost - there) < 1e-12 * there);
    gr__model_close(&m);
    begin_order(&wide, plain_net, NULL, 40, GR_SURFACE_COST);
    write_model(&wide, other);
    end(&wide);
    test_ok(b.ctx, gr__model_open(b.ctx, other, &m));
    assert_int_not_equal(gr__slice(&b.h, &o, p), GR_OK);
    gr_context_clear_error(b.ctx);
    test_ok(b.ctx, gr__surface_pass(&b.h));
    assert_true(b.h.cost == here);
    gr__model_close(&m);
    end(&b);
}

static void a_cost_that_is_not_finite_is_none(void **state)
{
    (void)state;
    bench b;
    gr_slice_point p[3];
    gr_slice_options o = line(3);
    static const volatile sig_atomic_t stop = 1;
    begin_order(&b, line_net, NULL, 2, GR_SURFACE_COST);
    scale(&b, "d.weight", 1e200);
    test_ok(b.ctx, gr__slice(&b.h, &o, p));
    assert_true(isnan(p[0].cost) && isnan(p[1].cost));
    o.stop = &stop;
    assert_int_equal(gr__slice(&b.h, &o, p), GR_E_INTERRUPTED);
    gr_context_clear_error(b.ctx);
    end(&b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_quadratic_cost_gives_a_parabola),
        cmocka_unit_test(scaling_relu_layers_leaves_the_curve),
        cmocka_unit_test(filters_of_zero_stay),
        cmocka_unit_test(a_line_between_two_models_ends_in_them),
        cmocka_unit_test(a_cost_that_is_not_finite_is_none),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
