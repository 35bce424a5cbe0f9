/* Sums of squares on cpu, on every instruction set of the machine: of ordinary numbers the bits of squares that are
 * added up, scaled by a power of two; of numbers whose squares no float32 holds the sum all the same. */
#include <float.h>

#include "cpu_case.h"

static const int64_t counts[] = {0, 1, 2, 15, 16, 31, 32, 63, 64, 65, 127, 128, 129, 191, 300, 1024, 5000, 300001};

#define EACH_ISA(isa)                             \
    for (int isa = 0; isa < GR__ISA_COUNT; isa++) \
        if (gr__isa_supported((gr__isa)isa))

/* Runs the nodes from `first` on as one region over n elements, whose results are those of rank 0 and `kept`. */
static void run_region(cpu_case *c, gr_val first, int64_t n, gr_val x, gr_val kept, gr__isa isa, int order)
{
    uint32_t nodes[16];
    gr_val out[16];
    int n_nodes = 0, n_out = 0;
    for (uint32_t k = gr__value(c->g, first)->node; k < gr__graph_nodes(c->g); k++) {
        const gr_node *node = gr__node(c->g, k);
        if (node->op->code == GR_OP_CONST) continue;
        nodes[n_nodes++] = k;
        if (gr__node_is_reduction(node) || node->out == kept) out[n_out++] = node->out;
    }
    gr_space space = {1, n};
    gr_item item = {.kind = GR_ITEM_REGION,
                    .graph = c->g,
                    .nodes = nodes,
                    .n_nodes = n_nodes,
                    .n_segments = 1,
                    .space = &space,
                    .in = &x,
                    .n_in = 1,
                    .out = out,
                    .n_out = n_out};
    case_run_item(c, &item, isa, order);
}

/* x is read by the sum itself, and a tensor that is computed and kept by another. */
static void ordinary_squares_have_the_bits_of_a_sum(void **state)
{
    (void)state;
    EACH_ISA(isa)
    for (size_t s = 0; s < GR_COUNT(counts); s++) {
        cpu_case c;
        case_begin(&c, 40 + s);
        gr_val x = gr_feed(c.g, "x", GR_REAL, GR_SHAPE(counts[s]));
        case_fill(&c, x, -3, 5, 0);
        gr_val y = gr_tanh(c.g, x), of_x = gr_sum_squares(c.g, x, 7), of_y = gr_sum_squares(c.g, y, -5);
        gr_val plain_x = gr_sum_all(c.g, gr_square(c.g, x)), plain_y = gr_sum_all(c.g, gr_square(c.g, y));
        for (int order = 0; order < CASE_ORDERS; order++) {
            run_region(&c, y, counts[s], x, y, (gr__isa)isa, order);
            double got[] = {case_get(&c, of_x, 0), case_get(&c, of_y, 0)},
                   want[] = {ldexp(case_get(&c, plain_x, 0), -14), ldexp(case_get(&c, plain_y, 0), 10)};
            if (memcmp(got, want, sizeof got) != 0)
                fail_msg("%s, %lld numbers: %.17g and %.17g, not %.17g and %.17g", gr__isa_name((gr__isa)isa),
                         (long long)counts[s], got[0], got[1], want[0], want[1]);
        }
        case_end(&c);
    }
}

/* Large ones at one place, at every seventh, or everywhere; the node alone, and in a region with others. */
static void squares_beyond_float_are_added_up(void **state)
{
    (void)state;
    static const int64_t every[] = {INT64_MAX, 7, 1};
    static const float large[] = {0x1p64f, -0x1.8p100f, FLT_MAX};
    EACH_ISA(isa)
    for (size_t s = 1; s < GR_COUNT(counts); s++)
        for (size_t k = 0; k < GR_COUNT(every) * GR_COUNT(large); k++) {
            cpu_case c;
            case_begin(&c, 80 + s);
            gr_val x = gr_feed(c.g, "x", GR_REAL, GR_SHAPE(counts[s]));
            case_fill(&c, x, -1e15, 1e15, 0);
            float *data = case_at(&c, x);
            for (int64_t i = 0; i < counts[s]; i++)
                if ((counts[s] - 1 - i) % every[k % GR_COUNT(every)] == 0) data[i] = large[k / GR_COUNT(every)];
            long double want = 0;
            for (int64_t i = 0; i < counts[s]; i++) want += (long double)data[i] * (long double)data[i];
            gr_val y = gr_neg(c.g, x), sum = gr_sum_squares(c.g, y, 0), alone = gr_sum_squares(c.g, x, 90);
            case_run_node(&c, gr__value(c.g, alone)->node, (gr__isa)isa, CASE_FORWARD);
            double node = ldexp(case_get(&c, alone, 0), 180);
            run_region(&c, y, counts[s], x, y, (gr__isa)isa, CASE_BACKWARD);
            assert_memory_equal(&node, (double[]){ldexp(case_get(&c, alone, 0), 180)}, sizeof node);
            assert_memory_equal(&node, (double[]){case_get(&c, sum, 0)}, sizeof node);
            if (!(fabsl(node - want) <= 1e-6L * want))
                fail_msg("%s, %lld numbers, case %zu: %.17g, not %.17Lg", gr__isa_name((gr__isa)isa),
                         (long long)counts[s], k, node, want);
            case_end(&c);
        }
}

/* What is not finite stays so. */
static void infinity_and_nan_are_no_sum(void **state)
{
    (void)state;
    EACH_ISA(isa)
    for (size_t s = 1; s < GR_COUNT(counts); s++)
        for (int nan = 0; nan < 2; nan++) {
            cpu_case c;
            case_begin(&c, 9);
            gr_val x = gr_feed(c.g, "x", GR_REAL, GR_SHAPE(counts[s])), sum = gr_sum_squares(c.g, x, 100);
            case_fill(&c, x, -1, 1, 0);
            float *data = case_at(&c, x);
            data[counts[s] / 2] = nan ? NAN : -INFINITY;
            case_run_node(&c, gr__value(c.g, sum)->node, (gr__isa)isa, CASE_FORWARD);
            assert_true(nan ? isnan(case_get(&c, sum, 0)) : isinf(case_get(&c, sum, 0)));
            case_end(&c);
        }
}

/* Regions that differ in nothing but the tensor are one kernel of a plan; those that scale differently are not. */
static void each_sum_of_a_plan_keeps_its_scale(void **state)
{
    (void)state;
    for (int other = 0; other < 2; other++) {
        gr_context *ctx = test_context();
        int down[] = {3, other ? 5 : 3, -2};
        gr_shape shape[] = {GR_SHAPE(40), GR_SHAPE(5, 10), GR_SHAPE(7)};
        const char *name[] = {"a", "b", "c"};
        gr_graph *g;
        gr_store *store;
        gr_plan *plan;
        test_ok(ctx, gr_graph_create(ctx, &g));
        test_ok(ctx, gr_store_create(ctx, &gr__backend_cpu, &store));
        for (int i = 0; i < 3; i++) {
            test_ok(ctx, gr_store_add(store, &(gr_entry_spec){.name = name[i], .shape = shape[i]}, NULL));
            gr_output(g, name[i], gr_sum_squares(g, gr_param(g, name[i], shape[i]), down[i]));
        }
        test_ok(ctx, gr_plan_compile(ctx, g, store, &(gr_plan_options){.backend = &gr__backend_cpu}, &plan));
        test_ok(ctx, gr_store_seal(store));
        for (int i = 0; i < 3; i++) {
            double ones[50];
            for (int e = 0; e < 50; e++) ones[e] = 1;
            gr_store_write(store, gr_store_entry(store, i), ones);
        }
        test_ok(ctx, gr_plan_bind(plan, NULL));
        test_ok(ctx, gr_plan_run(plan));
        for (int i = 0; i < 3; i++)
            assert_true(*(const double *)gr_plan_output(plan, name[i], NULL) ==
                        ldexp((double)gr_shape_count(shape[i]), -2 * down[i]));
        assert_int_equal(gr_plan_rows(plan), 2 + other);
        gr_plan_destroy(plan);
        gr_store_destroy(store);
        gr_graph_destroy(g);
        test_context_end(ctx);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(ordinary_squares_have_the_bits_of_a_sum),
        cmocka_unit_test(squares_beyond_float_are_added_up),
        cmocka_unit_test(infinity_and_nan_are_no_sum),
        cmocka_unit_test(each_sum_of_a_plan_keeps_its_scale),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
