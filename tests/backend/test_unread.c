/* Kernels with several outputs, of which any may be unread, on every backend and instruction set. */
#include <stdlib.h>

#include "outputs.h"

#include "backend/cpu/isa.h"

static gr_val rows(gr_graph *g, gr_val x)
{
    return rows_of(g, &rows_op, x);
}

static gr_val overlapping(gr_graph *g, gr_val x)
{
    return gr_max_pool(g, x, (gr_pool_attr){{3, 2}, {2, 1}, {1, 0}, {1, 1}, false}, NULL);
}

static gr_val apart(gr_graph *g, gr_val x)
{
    return gr_max_pool(g, x, (gr_pool_attr){{2, 2}, {2, 2}, {0, 0}, {0, 0}, false}, NULL);
}

static void any_subset_comes_out_as_all_do(void **state)
{
    (void)state;
    const gr_backend *ref = gr_backend_get("ref"), *cpu = gr_backend_get("cpu");
    assert_int_equal(outputs_check(ref, rows, GR_SHAPE(9, 4), ROWS_OUTPUTS), OUTPUTS_AGREE);
    assert_int_equal(outputs_check(ref, apart, GR_SHAPE(2, 6, 6, 3), 2), OUTPUTS_AGREE);
    for (int isa = 0; isa < GR__ISA_COUNT; isa++) {
        if (!gr__isa_supported((gr__isa)isa)) continue;
        setenv("GRADUS_ISA", gr__isa_name((gr__isa)isa), 1);
        for (int64_t channels = 1; channels < 40; channels += 6) {
            assert_int_equal(outputs_check(cpu, apart, GR_SHAPE(2, 6, 8, channels), 2), OUTPUTS_AGREE);
            assert_int_equal(outputs_check(cpu, overlapping, GR_SHAPE(1, 5, 7, channels), 2), OUTPUTS_AGREE);
        }
    }
    unsetenv("GRADUS_ISA");
}

/* A forward pass alone reads the maxima and not where they were: it needs no memory for that. */
static void evaluation_has_no_index_of_maxima(void **state)
{
    (void)state;
    gr_context *ctx = test_context();
    uint64_t bytes[2];
    for (int with = 0; with < 2; with++) {
        gr_graph *g;
        gr_store *s;
        gr_plan *p;
        gr_val index;
        test_ok(ctx, gr_graph_create(ctx, &g));
        test_ok(ctx, gr_store_create(ctx, gr_backend_get("cpu"), &s));
        gr_output(g, "y",
                  gr_max_pool(g, gr_feed(g, "x", GR_REAL, GR_SHAPE(4, 8, 8, 16)),
                              (gr_pool_attr){{2, 2}, {2, 2}, {0, 0}, {0, 0}, false}, &index));
        if (with) gr_output(g, "index", index);
        test_ok(ctx, gr_plan_compile(ctx, g, s, &(gr_plan_options){.backend = gr_backend_get("cpu")}, &p));
        bytes[with] = gr_plan_bytes(p).activations;
        gr_plan_destroy(p);
        gr_store_destroy(s);
        gr_graph_destroy(g);
    }
    assert_int_equal(bytes[1] - bytes[0], 4 * 4 * 4 * 16 * sizeof(int32_t));
    test_context_end(ctx);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(any_subset_comes_out_as_all_do),
        cmocka_unit_test(evaluation_has_no_index_of_maxima),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
