/* Loops on backends: values and gradients of every order against the evaluator and against loops that are written out,
 * for any number of threads; what stands in memory; and what a plan tells of them. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/rng.h"
#include "graph/eval.h"
#include "graph/loops.h"
#include "graph/op.h"
#include "graph/random_loop.h"
#include "plan/loop.h"
#include "support/again.h"
#include "test.h"

enum { MOST_INPUTS = 4, MOST_VALUES = 4096, OUTPUTS = 1 + 2 * MOST_INPUTS };

typedef struct loop_case {
    const char *name;
    gr_val (*build)(gr_graph *g, const gr_val *x);
    gr_val (*written_out)(gr_graph *g, const gr_val *x);
    int n;
    gr_shape shape[MOST_INPUTS];
} loop_case;

static gr_val forward(gr_graph *g, const gr_val *x)
{
    return loop_plain(g, x, false, NULL);
}

static gr_val backward(gr_graph *g, const gr_val *x)
{
    return loop_plain(g, x, true, NULL);
}

static gr_val forward_written_out(gr_graph *g, const gr_val *x)
{
    return loop_plain_written_out(g, x, false);
}

static gr_val backward_written_out(gr_graph *g, const gr_val *x)
{
    return loop_plain_written_out(g, x, true);
}

static gr_val last_alone(gr_graph *g, const gr_val *x)
{
    gr_val last = GR_NONE;
    loop_plain(g, x, false, &last);
    return last;
}

static gr_val last_alone_written_out(gr_graph *g, const gr_val *x)
{
    gr_shape s = gr_shape_of(g, x[0]);
    return gr_reshape(g, gr_slice(g, loop_plain_written_out(g, x, false), 0, s.dim[0] - 1, 1),
                      GR_SHAPE(s.dim[1], s.dim[2]));
}

static gr_val anderson(gr_graph *g, const gr_val *x)
{
    return fixed_point_plain(g, x, (gr_fixed_point_attr){.max = 60, .tolerance = 1e-14});
}

static gr_val broyden(gr_graph *g, const gr_val *x)
{
    return fixed_point_plain(g, x, (gr_fixed_point_attr){.solver = GR_SOLVE_BROYDEN, .max = 61, .tolerance = 1e-14});
}

static gr_val iterated(gr_graph *g, const gr_val *x)
{
    return fixed_point_plain(g, x, (gr_fixed_point_attr){.solver = GR_SOLVE_ITERATE, .max = 200, .tolerance = 1e-14});
}

static gr_val iterated_written_out(gr_graph *g, const gr_val *x)
{
    return fixed_point_written_out(g, x, 100);
}

/* With more operands than most nodes have. */
static gr_val remembering(gr_graph *g, const gr_val *x)
{
    return fixed_point_plain(
        g, x, (gr_fixed_point_attr){.solver = GR_SOLVE_BROYDEN, .max = 60, .window = 20, .tolerance = 1e-14});
}

/* Its function is a loop, and what it finds is carried by one. */
static gr_val fixed_point_of_loops(gr_graph *g, const gr_val *x)
{
    gr_shape shape = gr_shape_of(g, x[0]);
    gr_val z = gr_unknown(g, shape), zeros = gr_broadcast(g, gr_const(g, 0), shape);
    gr_val half[] = {gr_mul(g, z, gr_const(g, 0.5)), x[1], x[2]};
    gr_val y = gr_fixed_point(g, z, gr_add(g, loop_plain(g, half, false, NULL), x[0]), zeros,
                              (gr_fixed_point_attr){.max = 100, .tolerance = 1e-15}, NULL, NULL);
    return loop_plain(g, (gr_val[]){y, x[1], x[2]}, true, NULL);
}

#define S(...)                                                     \
    {                                                              \
        (int)(sizeof((int64_t[]){__VA_ARGS__}) / sizeof(int64_t)), \
        {                                                          \
            __VA_ARGS__                                            \
        }                                                          \
    }
static const loop_case cases[] = {
    {"forward", forward, forward_written_out, 3, {S(5, 3, 7), S(7, 7), S(7)}},
    {"aligned", forward, forward_written_out, 3, {S(4, 8, 16), S(16, 16), S(16)}},
    {"one", forward, forward_written_out, 3, {S(1, 1, 1), S(1, 1), S(1)}},
    {"reverse", backward, backward_written_out, 3, {S(6, 2, 33), S(33, 33), S(33)}},
    {"last", last_alone, last_alone_written_out, 3, {S(5, 3, 7), S(7, 7), S(7)}},
    {"last of even", last_alone, last_alone_written_out, 3, {S(4, 3, 7), S(7, 7), S(7)}},
    {"mixed", loop_mixed, loop_mixed_written_out, 4, {S(5, 3), S(3), S(3), {0, {0}}}},
    {"anderson", anderson, iterated_written_out, 3, {S(3, 7), S(7, 7), S(7)}},
    {"anderson, aligned", anderson, iterated_written_out, 3, {S(8, 16), S(16, 16), S(16)}},
    {"broyden", broyden, iterated_written_out, 3, {S(5, 7), S(7, 7), S(7)}},
    {"broyden, one", broyden, iterated_written_out, 3, {S(1, 1), S(1, 1), S(1)}},
    {"broyden, of twenty steps", remembering, iterated_written_out, 3, {S(2, 3), S(3, 3), S(3)}},
    {"iterate", iterated, iterated_written_out, 3, {S(2, 33), S(33, 33), S(33)}},
    {"fixed point of loops", fixed_point_of_loops, NULL, 3, {S(2, 3, 4), S(4, 4), S(4)}},
    {"nested", loop_nested, NULL, 3, {S(3, 2, 2, 5), S(5, 5), S(5)}},
};

typedef struct bench {
    gr_context *ctx;
    gr_graph *g;
    gr_val out[OUTPUTS]; /* the cost, its gradients, gradients of a sum of theirs */
    int n_out;
    int n_in;
    double *in[MOST_INPUTS];
    char name[MOST_INPUTS][4];
} bench;

static double number(int input, int64_t i)
{
    return sin(1.7 * (double)i + 0.9 * input) * 0.7;
}

static bench open_bench(int threads, const loop_case *c, gr_val (*build)(gr_graph *, const gr_val *))
{
    bench b = {.n_in = c->n};
    b.ctx = test_context_with(threads, 0);
    test_ok(b.ctx, gr_graph_create(b.ctx, &b.g));
    gr_val x[MOST_INPUTS], second = GR_NONE;
    for (int i = 0; i < c->n; i++) {
        snprintf(b.name[i], sizeof b.name[i], "x%d", i);
        x[i] = gr_feed(b.g, b.name[i], GR_REAL, c->shape[i]);
        int64_t n = gr_shape_count(c->shape[i]);
        b.in[i] = gr__alloc(b.ctx, (size_t)n * sizeof(double));
        for (int64_t k = 0; k < n; k++) b.in[i][k] = number(i, k);
    }
    gr_val y = build(b.g, x);
    b.out[0] = gr_sum_all(b.g, gr_square(b.g, y));
    test_ok(b.ctx, gr_graph_status(b.g));
    test_ok(b.ctx, gr_gradients(b.g, b.out[0], x, c->n, &b.out[1]));
    for (int i = 0; i < c->n; i++) {
        gr_val s = gr_sum_all(b.g, gr_square(b.g, b.out[1 + i]));
        second = second ? gr_add(b.g, second, s) : s;
    }
    test_ok(b.ctx, gr_gradients(b.g, second, x, c->n, &b.out[1 + c->n]));
    b.n_out = 1 + 2 * c->n;
    test_ok(b.ctx, gr_graph_verify(b.g));
    return b;
}

static void close_bench(bench *b, const loop_case *c)
{
    for (int i = 0; i < b->n_in; i++) gr__free(b->ctx, b->in[i], (size_t)gr_shape_count(c->shape[i]) * sizeof(double));
    gr_graph_destroy(b->g);
    test_context_end(b->ctx);
}

static const double *leaf(void *user, const gr_graph *g, const gr_node *n)
{
    const bench *b = user;
    (void)g;
    return b->in[n->attr.name[1] - '0'];
}

static void evaluate(bench *b, double *values)
{
    double *results[OUTPUTS];
    for (int i = 0; i < b->n_out; i++) {
        results[i] = values;
        values += gr_shape_count(gr_shape_of(b->g, b->out[i]));
    }
    test_ok(b->ctx, gr__eval(b->g, b->out, b->n_out, leaf, b, results));
}

static gr__reschedule_fn change; /* of the plans that are run; NULL: none */
static int loops_again;

/* Whatever may run again does, before what reads it last. */
static gr_status all_again(gr__compiler *c, void *user)
{
    gr_status st = GR_OK;
    (void)user;
    for (int u = 0; u < c->n_units && st == GR_OK; u++) {
        int before = c->units[u].gone ? -1 : again_last_reader(c, u);
        if (before < 0 || !gr__schedule_may_repeat(c, u, before)) continue;
        loops_again += gr__is_loop(&c->units[u].made->item);
        st = gr__schedule_again(c, u, before);
    }
    return st;
}

/* Runs a plan of it, twice: nothing may be left of the first run. Returns how many numbers there are. */
static int64_t run(bench *b, const gr_backend *backend, bool unfused, double *values)
{
    gr_store *store;
    gr_plan *plan;
    char name[16];
    int64_t total = 0;
    for (int i = 0; i < b->n_out; i++) {
        snprintf(name, sizeof name, "y%d", i);
        gr_output(b->g, name, b->out[i]);
    }
    test_ok(b->ctx, gr_store_create(b->ctx, backend, &store));
    test_ok(b->ctx, gr__plan_compile(b->ctx, b->g, store, &(gr_plan_options){.backend = backend, .unfused = unfused},
                                     change, NULL, &plan));
    test_ok(b->ctx, gr_store_seal(store));
    test_ok(b->ctx, gr_plan_bind(plan, NULL));
    for (int again = 0; again < 2; again++) {
        if (plan->bytes.arena) memset(plan->arena, 0xff, (size_t)plan->bytes.arena);
        for (int i = 0; i < b->n_in; i++) {
            size_t bytes;
            void *to = gr_plan_feed(plan, b->name[i], &bytes);
            if (!to) continue; /* nothing that is asked for reads it */
            size_t n = bytes / gr_backend_real_bytes(backend);
            bool scalar = gr_shape_of(b->g, gr__node(b->g, (uint32_t)i)->out).rank == 0;
            if (scalar || gr_backend_real_bytes(backend) == 8)
                memcpy(to, b->in[i], scalar ? 8 : bytes);
            else
                for (size_t k = 0; k < n; k++) ((float *)to)[k] = (float)b->in[i][k];
        }
        test_ok(b->ctx, gr_plan_run(plan));
    }
    for (int i = 0; i < b->n_out; i++) {
        gr_shape shape;
        snprintf(name, sizeof name, "y%d", i);
        const void *from = gr_plan_output(plan, name, &shape);
        bool wide = shape.rank == 0 || gr_backend_real_bytes(backend) == 8;
        for (int64_t k = 0; k < gr_shape_count(shape); k++)
            values[total++] = wide ? ((const double *)from)[k] : (double)((const float *)from)[k];
    }
    gr_plan_destroy(plan);
    gr_store_destroy(store);
    return total;
}

static void near(const loop_case *c, const char *what, const double *got, const double *want, int64_t n,
                 double tolerance)
{
    double scale = 1e-30; /* what is smaller fades in float32 */
    for (int64_t i = 0; i < n; i++) scale = fmax(scale, fabs(want[i]));
    for (int64_t i = 0; i < n; i++)
        if (!(fabs(got[i] - want[i]) <= tolerance * scale))
            fail_msg("%s, %s: number %lld is %.17g, wanted %.17g", c->name, what, (long long)i, got[i], want[i]);
}

static void loops_compute_what_is_written_out(void **state)
{
    (void)state;
    static double want[MOST_VALUES], got[MOST_VALUES];
    for (size_t k = 0; k < GR_COUNT(cases); k++) {
        const loop_case *c = &cases[k];
        bench b = open_bench(1, c, c->build);
        evaluate(&b, want);
        int64_t n = run(&b, gr_backend_get("ref"), false, got);
        assert_true(n <= MOST_VALUES);
        near(c, "ref", got, want, n, 1e-12);
        run(&b, gr_backend_get("cpu"), false, got);
        near(c, "cpu", got, want, n, 2e-5);
        close_bench(&b, c);
        if (!c->written_out) continue;
        b = open_bench(1, c, c->written_out);
        evaluate(&b, got);
        near(c, "written out", got, want, n, 1e-12);
        close_bench(&b, c);
    }
}

static void neither_threads_nor_fusing_move_a_bit(void **state)
{
    (void)state;
    static double one[MOST_VALUES], other[MOST_VALUES];
    static const char *const backends[] = {"ref", "cpu"};
    for (size_t k = 0; k < 2 * GR_COUNT(cases); k++) {
        const loop_case *c = &cases[k / 2];
        const gr_backend *backend = gr_backend_get(backends[k % 2]);
        bench b = open_bench(1, c, c->build);
        int64_t n = run(&b, backend, false, one);
        run(&b, backend, true, other);
        if (memcmp(one, other, (size_t)n * sizeof *one) != 0) fail_msg("%s, %s: fusing", c->name, backends[k % 2]);
        close_bench(&b, c);
        b = open_bench(3, c, c->build);
        run(&b, backend, false, other);
        if (memcmp(one, other, (size_t)n * sizeof *one) != 0) fail_msg("%s, %s: threads", c->name, backends[k % 2]);
        close_bench(&b, c);
    }
}

static void running_again_moves_no_bit(void **state)
{
    (void)state;
    static double one[MOST_VALUES], other[MOST_VALUES];
    static const char *const backends[] = {"ref", "cpu"};
    for (size_t k = 0; k < 2 * GR_COUNT(cases); k++) {
        const loop_case *c = &cases[k / 2];
        const gr_backend *backend = gr_backend_get(backends[k % 2]);
        bench b = open_bench(1 + (int)(k % 2), c, c->build);
        int64_t n = run(&b, backend, false, one);
        change = all_again;
        run(&b, backend, false, other);
        change = NULL;
        if (memcmp(one, other, (size_t)n * sizeof *one) != 0) fail_msg("%s, %s: again", c->name, backends[k % 2]);
        close_bench(&b, c);
    }
    assert_true(loops_again > 10);
}

/* A plan of z = tanh(z w + x + b) and its gradients, found within `max` steps. */
static gr_plan_bytes_info bytes_of(const gr_backend *backend, gr_solver solver, int64_t max, int *rows)
{
    gr_context *ctx = test_context();
    gr_graph *g;
    gr_store *store;
    gr_plan *plan;
    test_ok(ctx, gr_graph_create(ctx, &g));
    gr_val d[3], x[] = {gr_feed(g, "x", GR_REAL, GR_SHAPE(9, 20)), gr_feed(g, "w", GR_REAL, GR_SHAPE(20, 20)),
                        gr_feed(g, "b", GR_REAL, GR_SHAPE(20))};
    gr_val y = fixed_point_plain(g, x, (gr_fixed_point_attr){.solver = solver, .max = max, .tolerance = 1e-6});
    test_ok(ctx, gr_gradients(g, gr_sum_all(g, y), x, 3, d));
    for (int i = 0; i < 3; i++) gr_output(g, (const char *[]){"dx", "dw", "db"}[i], d[i]);
    test_ok(ctx, gr_store_create(ctx, backend, &store));
    test_ok(ctx, gr_plan_compile(ctx, g, store, &(gr_plan_options){.backend = backend}, &plan));
    gr_plan_bytes_info bytes = gr_plan_bytes(plan);
    *rows = gr_plan_rows(plan);
    gr_plan_destroy(plan);
    gr_store_destroy(store);
    gr_graph_destroy(g);
    test_context_end(ctx);
    return bytes;
}

static void memory_does_not_grow_with_iterations(void **state)
{
    (void)state;
    static const char *const backends[] = {"ref", "cpu"};
    for (int k = 0; k < 6; k++) {
        int few_rows, many_rows;
        const gr_backend *backend = gr_backend_get(backends[k % 2]);
        gr_plan_bytes_info few = bytes_of(backend, (gr_solver)(k / 2), 10, &few_rows),
                           many = bytes_of(backend, (gr_solver)(k / 2), 100, &many_rows);
        assert_memory_equal(&few, &many, sizeof few);
        assert_int_equal(few_rows, many_rows);
    }
}

static void unknowns_are_refused_outside_of_their_function(void **state)
{
    (void)state;
    gr_context *ctx = test_context();
    gr_graph *g;
    gr_store *store;
    gr_plan *plan;
    test_ok(ctx, gr_graph_create(ctx, &g));
    gr_scope_push(g, "equilibrium", "eq");
    gr_output(g, "y", gr_tanh(g, gr_unknown(g, GR_SHAPE(2, 3))));
    gr_scope_pop(g);
    test_ok(ctx, gr_store_create(ctx, gr_backend_get("cpu"), &store));
    assert_int_equal(gr_plan_compile(ctx, g, store, &(gr_plan_options){.backend = gr_backend_get("cpu")}, &plan),
                     GR_E_USAGE);
    assert_non_null(strstr(gr_context_error(ctx)->message, "equilibrium \"eq\""));
    gr_store_destroy(store);
    gr_graph_destroy(g);
    test_context_end(ctx);
}

/* ---- what a plan tells of them ---- */

static gr_plan_row sums_of(const bench *b, const gr_backend *backend)
{
    gr_store *store;
    gr_plan *plan;
    gr_plan_row sum = {.kernel = ""};
    gr_output(b->g, "y", b->out[0]);
    test_ok(b->ctx, gr_store_create(b->ctx, backend, &store));
    test_ok(b->ctx, gr_plan_compile(b->ctx, b->g, store, &(gr_plan_options){.backend = backend}, &plan));
    for (int i = 0; i < gr_plan_rows(plan); i++) {
        gr_plan_row row = gr_plan_row_at(plan, i);
        if (row.flops > 0 && !(row.cost_ns > 0 && row.bytes > 0)) fail_msg("%s costs nothing", row.kernel);
        sum.flops += row.flops;
        sum.products += row.products;
        sum.cost_ns += row.cost_ns;
    }
    gr_plan_destroy(plan);
    gr_store_destroy(store);
    return sum;
}

/* A loop counts what its steps do, all of them, and costs about what they cost that are written out. */
static void loops_tell_what_their_steps_do(void **state)
{
    (void)state;
    static const char *const backends[] = {"ref", "cpu"};
    for (size_t k = 0; k < 2 * GR_COUNT(cases); k++) {
        const loop_case *c = &cases[k / 2];
        if (!c->written_out || c->written_out == iterated_written_out) continue; /* they take the steps they need */
        bench b = open_bench(1, c, c->build);
        gr_plan_row loop = sums_of(&b, gr_backend_get(backends[k % 2]));
        close_bench(&b, c);
        b = open_bench(1, c, c->written_out);
        gr_plan_row steps = sums_of(&b, gr_backend_get(backends[k % 2]));
        close_bench(&b, c);
        if (!(loop.flops >= steps.flops && loop.flops <= 1.5 * steps.flops) || loop.products < steps.products ||
            !(loop.cost_ns >= 0.5 * steps.cost_ns && loop.cost_ns <= 2 * steps.cost_ns))
            fail_msg("%s on %s: %g operations, %g of products, %g ns; written out %g, %g, %g", c->name, backends[k % 2],
                     loop.flops, loop.products, loop.cost_ns, steps.flops, steps.products, steps.cost_ns);
    }
}

/* ---- random loops ---- */

static uint64_t seed; /* of the loops that are built */

static gr_val random_loops(gr_graph *g, const gr_val *x)
{
    gr__rng rng = gr__rng_make(seed, "random loops", 0, 0);
    return rl_build(g, &rng, x, 4);
}

/* Some of what a bench computes is asked for; the rest nobody reads. */
static void keep_some(bench *b)
{
    int n = b->n_out;
    gr__rng rng = gr__rng_make(seed, "asked for", 0, 0);
    b->n_out = 0;
    for (int i = 0; i < n; i++)
        if (i == 0 || gr__rng_below(&rng, 3)) b->out[b->n_out++] = b->out[i];
}

static void random_loops_run_as_they_are_evaluated(void **state)
{
    (void)state;
    static double want[MOST_VALUES], got[MOST_VALUES], unfused[MOST_VALUES];
    loop_case c = {"random", random_loops, NULL, 4, {S(3), S(2, 3), {0, {0}}, S(3, 1)}};
    for (seed = 0; seed < 400; seed++) {
        char what[64];
        snprintf(what, sizeof what, "seed %llu", (unsigned long long)seed);
        bench b = open_bench(1, &c, c.build);
        keep_some(&b);
        evaluate(&b, want);
        for (int cpu = 0; cpu < 2; cpu++) {
            const gr_backend *backend = gr_backend_get(cpu ? "cpu" : "ref");
            int64_t n = run(&b, backend, false, got);
            near(&c, what, got, want, n, cpu ? 1e-4 : 1e-12);
            run(&b, backend, true, unfused);
            if (memcmp(got, unfused, (size_t)n * sizeof *got) != 0) fail_msg("%s: fusing on %s", what, backend->name);
        }
        close_bench(&b, &c);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(loops_compute_what_is_written_out),
        cmocka_unit_test(neither_threads_nor_fusing_move_a_bit),
        cmocka_unit_test(running_again_moves_no_bit),
        cmocka_unit_test(memory_does_not_grow_with_iterations),
        cmocka_unit_test(unknowns_are_refused_outside_of_their_function),
        cmocka_unit_test(loops_tell_what_their_steps_do),
        cmocka_unit_test(random_loops_run_as_they_are_evaluated),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
