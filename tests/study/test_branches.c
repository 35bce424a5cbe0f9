/* Branches: the number that a run gets for where it stands changes when any element of any piecewise operation moves to
 * another piece, and for nothing else; at every step of a loop too, and of a loop in a loop. */
#include <string.h>

#include "study/derivative/branches.h"
#include "test.h"

enum { STEPS = 3, ROWS = 2, WIDE = 3, ALL = STEPS * STEPS * ROWS * WIDE };

typedef struct bench {
    gr_context *ctx;
    gr_graph *g;
    gr_store *store;
    gr_plan *plan;
    int n; /* branches */
} bench;

/* What a step makes of its part and the number that it is given: with a kink at 0 of the one, wherever the other is. */
typedef gr_val step_fn(gr_graph *g, gr_val part, gr_val bias);

static gr_val rectified(gr_graph *g, gr_val part, gr_val bias)
{
    return gr_mul(g, gr_relu(g, part), bias);
}

static gr_val limited(gr_graph *g, gr_val part, gr_val bias) /* said by others */
{
    return gr_mul(g, gr_relu6(g, part), bias);
}

static gr_val largest(gr_graph *g, gr_val part, gr_val bias)
{
    gr_val zero = gr_broadcast(g, gr_const(g, 0), GR_SHAPE(ROWS, 1));
    gr_val with = gr_concat(g, (gr_val[]){gr_slice(g, part, 1, 0, 1), zero}, 2, 1);
    gr_val rest = gr_sum(g, gr_abs(g, part), (int[]){1}, 1, false);
    return gr_mul(g, gr_add(g, gr_reduce_max(g, with, (int[]){1}, 1, false), rest), bias);
}

static gr_val smooth(gr_graph *g, gr_val part, gr_val bias)
{
    return gr_tanh(g, gr_mul(g, part, bias));
}

/* The sum over all steps of x [steps, rows, wide]; as carried. */
static gr_val loop(gr_graph *g, gr_val x, gr_val bias, step_fn *step)
{
    gr_scan *s = gr_scan_begin(g, STEPS, true);
    gr_graph *b = gr_scan_body(s);
    gr_val part = gr_scan_step(s, x), given = gr_scan_given(s, bias),
           sum = gr_scan_carry(s, gr_broadcast(g, gr_const(g, 0), GR_SHAPE(1)));
    gr_scan_next(s, sum, gr_add(b, sum, gr_reshape(b, gr_sum_all(b, step(b, part, given)), GR_SHAPE(1))));
    assert_true(gr_scan_end(s));
    gr_val out = gr_scan_final(s, sum);
    gr_scan_free(s);
    return out;
}

static gr_val nested(gr_graph *g, gr_val x, gr_val bias, step_fn *step)
{
    gr_scan *s = gr_scan_begin(g, STEPS, false);
    gr_val part = gr_scan_step(s, x), given = gr_scan_given(s, bias);
    gr_val all = loop(gr_scan_body(s), part, given, step);
    assert_true(gr_scan_end(s));
    gr_val out = gr_sum_all(g, gr_scan_stack(s, all));
    gr_scan_free(s);
    return out;
}

static bench open_bench(step_fn *step, bool twice)
{
    bench b = {.ctx = test_context()};
    test_ok(b.ctx, gr_graph_create(b.ctx, &b.g));
    gr_val x = gr_feed(b.g, "x", GR_REAL, twice ? GR_SHAPE(STEPS, STEPS, ROWS, WIDE) : GR_SHAPE(STEPS, ROWS, WIDE)),
           bias = gr_feed(b.g, "bias", GR_REAL, GR_SCALAR);
    gr_val y = twice ? nested(b.g, x, bias, step) : gr_sum_all(b.g, loop(b.g, x, bias, step));
    test_ok(b.ctx, gr__branches_mark(b.g, y, &b.n));
    const gr_backend *ref = gr_backend_get("ref");
    test_ok(b.ctx, gr_store_create(b.ctx, ref, &b.store));
    test_ok(b.ctx, gr_plan_compile(b.ctx, b.g, b.store, &(gr_plan_options){.backend = ref}, &b.plan));
    test_ok(b.ctx, gr_store_seal(b.store));
    test_ok(b.ctx, gr_plan_bind(b.plan, NULL));
    return b;
}

static void close_bench(bench *b)
{
    gr_plan_destroy(b->plan);
    gr_store_destroy(b->store);
    gr_graph_destroy(b->g);
    test_context_end(b->ctx);
}

static uint64_t number(bench *b, const double *x, double bias)
{
    size_t bytes;
    double *to = gr_plan_feed(b->plan, "x", &bytes);
    memcpy(to, x, bytes);
    double *given = gr_plan_feed(b->plan, "bias", NULL); /* NULL: no branch follows it */
    if (given) *given = bias;
    test_ok(b->ctx, gr_plan_run(b->plan));
    return gr__branches_read(b->plan, b->n);
}

static void every_element_of_every_step_counts(void **state)
{
    (void)state;
    static step_fn *const steps[] = {rectified, limited, largest};
    for (size_t k = 0; k < 2 * GR_COUNT(steps); k++) {
        bool twice = k % 2;
        bench b = open_bench(steps[k / 2], twice);
        int n = twice ? ALL : ALL / STEPS;
        double x[ALL];
        for (int i = 0; i < n; i++) x[i] = i % 2 ? 0.5 : -0.25;
        assert_true(b.n > 0);
        uint64_t here = number(&b, x, 1);
        assert_true(here == number(&b, x, 2));
        for (int i = 0; i < n; i++) {
            double at = x[i];
            x[i] = 1.5 * at;
            if (number(&b, x, 1) != here) fail_msg("step %zu: element %d leaves its branch within it", k, i);
            x[i] = -at;
            if (number(&b, x, 1) == here) fail_msg("step %zu: element %d leaves its branch unseen", k, i);
            x[i] = at;
        }
        close_bench(&b);
    }
}

static void what_is_smooth_has_none(void **state)
{
    (void)state;
    for (int twice = 0; twice < 2; twice++) {
        bench b = open_bench(smooth, twice);
        assert_int_equal(b.n, 0);
        close_bench(&b);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_element_of_every_step_counts),
        cmocka_unit_test(what_is_smooth_has_none),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
