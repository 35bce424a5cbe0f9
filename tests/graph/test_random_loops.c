/* Random loops: gradients of first and second order against differences. */
#include "graph/gradcheck.h"
#include "graph/random_loop.h"
#include "test.h"

static uint64_t seed; /* of the loop that is built */

static gr_val build(gr_graph *g, const gr_val *x)
{
    gr__rng rng = gr__rng_make(seed, "random loops", 0, 0);
    return rl_build(g, &rng, x, 4);
}

static void derivatives_agree_with_differences(void **state)
{
    (void)state;
    uint64_t elements = 0;
    for (seed = 0; seed < 300; seed++) {
        gr_context *ctx = test_context();
        gradcheck_case c = {"random loops", build, 4, {{1, {3}}, {2, {2, 3}}, {0, {0}}, {2, {3, 1}}}, -1.1, 1.3, NULL};
        gradcheck_result r;
        gr_status st = gradcheck(ctx, &c, &r);
        if (st != GR_OK) fail_msg("loops of seed %llu: %s", (unsigned long long)seed, gr_context_error(ctx)->message);
        if (!(r.first < 1e-6) || !(r.second < 1e-6))
            fail_msg("loops of seed %llu: derivatives are off by %g and %g", (unsigned long long)seed, r.first,
                     r.second);
        elements += r.elements;
        test_context_end(ctx);
    }
    assert_true(elements > 3000);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(derivatives_agree_with_differences),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
