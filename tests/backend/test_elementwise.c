/* Elementwise operations that tile programs have no instruction for: on the cpu backend as on ref, next to fused ones,
 * over operands of every form, for any number of threads. */
#include <math.h>
#include <string.h>

#include "graph/op.h"
#include "plan/plan.h"
#include "test.h"

/* ---- three operations of the test's own ---- */

#define OWN(own_name, n, meaning)                                                                     \
    static double own_name##_element(double a, double b, double c)                                    \
    {                                                                                                 \
        (void)a, (void)b, (void)c;                                                                    \
        return meaning;                                                                               \
    }                                                                                                 \
    static void own_name##_ref(const gr_graph *g, const gr_node *node, const gr_ref *in, gr_ref *out) \
    {                                                                                                 \
        (void)g, (void)node;                                                                          \
        for (int64_t e = 0; e < gr_shape_count(out->shape); e++) {                                    \
            double x[3] = {0};                                                                        \
            for (int i = 0; i < n; i++) x[i] = gr__ref_get(&in[i], in[i].shape.rank ? e : 0);         \
            ((double *)out->data)[e] = own_name##_element(x[0], x[1], x[2]);                          \
        }                                                                                             \
    }                                                                                                 \
    static gr_val own_name##_of(gr_graph *g, gr_val a, gr_val b, gr_val c)                            \
    {                                                                                                 \
        static gr_op op; /* as the table's row would be, but in no table */                           \
        const gr_op *like[] = {gr__op(GR_OP_NEG), gr__op(GR_OP_LESS), gr__op(GR_OP_SELECT)};          \
        op = *like[n - 1];                                                                            \
        op.code = GR_OP_COUNT;                                                                        \
        op.name = #own_name;                                                                          \
        op.ref = own_name##_ref;                                                                      \
        op.element = own_name##_element;                                                              \
        return gr__elementwise(g, &op, (gr_val[]){a, b, c});                                          \
    }

OWN(cube, 1, a *a *a)
OWN(distance, 2, sqrt(a *a + b * b))
OWN(clamp, 3, a<b ? b : a> c ? c : a)

/* ---- one graph ---- */

static const char *const names[] = {"alone", "fused", "scalar", "const", "clamped", "integers", "bytes", "rank 0"};

static void build(gr_graph *g, gr_shape shape)
{
    gr_val x = gr_feed(g, "x", GR_REAL, shape), y = gr_feed(g, "y", GR_REAL, shape),
           s = gr_feed(g, "s", GR_REAL, GR_SCALAR), i = gr_feed(g, "i", GR_I32, shape),
           u = gr_feed(g, "u", GR_U8, shape);
    gr_val half = gr_const(g, 0.5), cube = cube_of(g, x, 0, 0);
    gr_output(g, "alone", cube);
    gr_output(g, "fused", gr_tanh(g, gr_mul(g, cube_of(g, gr_add(g, x, y), 0, 0), half)));
    gr_output(g, "scalar", distance_of(g, s, x, 0));
    gr_output(g, "const", distance_of(g, x, gr_const(g, 3), 0));
    gr_output(g, "clamped", clamp_of(g, x, gr_neg(g, half), s));
    gr_output(g, "integers", distance_of(g, i, i, 0));
    gr_output(g, "bytes", distance_of(g, u, i, 0));
    gr_output(g, "rank 0", cube_of(g, distance_of(g, s, half, 0), 0, 0));
}

static void fill(gr_plan *p, const char *name, gr_shape shape, bool wide)
{
    void *to = gr_plan_feed(p, name, NULL);
    assert_non_null(to);
    for (int64_t e = 0; e < gr_shape_count(shape); e++) {
        double value = (double)((e * 37 + name[0]) % 101) / 16 - 3;
        if (name[0] == 'i')
            ((int32_t *)to)[e] = (int32_t)(e % 7) - 3;
        else if (name[0] == 'u')
            ((uint8_t *)to)[e] = (uint8_t)(e % 251);
        else if (wide || shape.rank == 0)
            ((double *)to)[e] = value;
        else
            ((float *)to)[e] = (float)value;
    }
}

/* All outputs, one after another as they stand in memory; returns how many bytes. */
static size_t run(const gr_backend *backend, int threads, gr_shape shape, char *to, double *numbers)
{
    gr_context *ctx = NULL;
    gr_graph *g;
    gr_store *store;
    gr_plan *p;
    gr_arena *arena;
    size_t bytes = 0;
    assert_int_equal(gr_context_create(&(gr_context_options){.threads = threads}, &ctx), GR_OK);
    test_ok(ctx, gr_graph_create(ctx, &g));
    test_ok(ctx, gr_store_create(ctx, backend, &store));
    build(g, shape);
    test_ok(ctx, gr_graph_verify(g));
    test_ok(ctx, gr_plan_compile(ctx, g, store, &(gr_plan_options){.backend = backend}, &p));
    test_ok(ctx, gr_store_seal(store));
    test_ok(ctx, gr_arena_create(ctx, gr_plan_bytes(p).arena, &arena));
    test_ok(ctx, gr_plan_bind(p, arena));
    for (const char *const *feed = (const char *const[]){"x", "y", "s", "i", "u", NULL}; *feed; feed++)
        fill(p, *feed, (*feed)[0] == 's' ? GR_SCALAR : shape, backend->real == GR_EL_F64);
    test_ok(ctx, gr_plan_run(p));
    for (size_t o = 0; o < GR_COUNT(names); o++) {
        gr_shape s;
        const void *data = gr_plan_output(p, names[o], &s);
        bool wide = s.rank == 0 || backend->real == GR_EL_F64;
        size_t n = (size_t)gr_shape_count(s), size = n * (wide ? sizeof(double) : sizeof(float));
        if (to) memcpy(to + bytes, data, size);
        bytes += size;
        for (size_t e = 0; e < n; e++) *numbers++ = wide ? ((const double *)data)[e] : (double)((const float *)data)[e];
    }
    gr_plan_destroy(p);
    gr_arena_destroy(arena);
    gr_store_destroy(store);
    gr_graph_destroy(g);
    gr_context_destroy(ctx);
    return bytes;
}

enum { ROOM = 8 * 70000 };

static void agrees_with_ref(void **state)
{
    (void)state;
    static double cpu[ROOM], ref[ROOM];
    static const gr_shape shapes[] = {{1, {1}}, {2, {3, 5}}, {1, {0}}, {2, {7, 33}}, {2, {10, 7000}}};
    for (size_t s = 0; s < GR_COUNT(shapes); s++) {
        size_t n = (size_t)gr_shape_count(shapes[s]) * (GR_COUNT(names) - 1) + 1;
        run(&gr__backend_cpu, 1, shapes[s], NULL, cpu);
        run(&gr__backend_ref, 1, shapes[s], NULL, ref);
        for (size_t e = 0; e < n; e++)
            if (!(fabs(cpu[e] - ref[e]) <= 2e-6 * fmax(1, fabs(ref[e]))))
                fail_msg("%zu, %zu: %g, %g", s, e, cpu[e], ref[e]);
        assert_true(cpu[n - 1] == ref[n - 1]); /* rank 0 is float64 on both */
        if (n > 1) assert_true(ref[0] != 0);
    }
}

static void threads_change_no_bit(void **state)
{
    (void)state;
    static double numbers[ROOM];
    static char one[8 * ROOM], four[8 * ROOM];
    gr_shape shape = GR_SHAPE(10, 7000);
    size_t bytes = run(&gr__backend_cpu, 1, shape, one, numbers);
    assert_int_equal(run(&gr__backend_cpu, 4, shape, four, numbers), bytes);
    assert_memory_equal(one, four, bytes);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(agrees_with_ref),
        cmocka_unit_test(threads_change_no_bit),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
