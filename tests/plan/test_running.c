/* A run acquires no memory, and leaves the floating-point state as it was. */
#if defined(__x86_64__)
#include <xmmintrin.h>
#endif

#include "support/rig.h"

static void a_run_acquires_nothing(void **state)
{
    (void)state;
    rig r = rig_begin_with(2);
    rig_adam(&r);
    rig_ready(&r);
    uint64_t before = gr__acquisitions(r.ctx);
    for (int i = 0; i < 10; i++) {
        rig_feed_adam(&r);
        test_ok(r.ctx, gr_plan_run(r.plan));
        (void)rig_out(&r, "cost", 0);
        (void)gr_plan_feed(r.plan, "x", NULL);
    }
    assert_int_equal(gr__acquisitions(r.ctx), before);
    rig_end(&r);
}

#if defined(__x86_64__)
/* A host program's rounding and denormals are its own. */
static void the_floating_point_state_of_the_host_survives(void **state)
{
    (void)state;
    rig r = rig_begin();
    rig_adam(&r);
    rig_ready(&r);
    unsigned mine = _mm_getcsr(), odd = (mine & ~0x6000u) | 0x4000u;
    _mm_setcsr(odd);
    gr_status st = gr_plan_run(r.plan);
    unsigned after = _mm_getcsr();
    _mm_setcsr(mine);
    test_ok(r.ctx, st);
    assert_int_equal(after & 0xFFC0u, odd & 0xFFC0u);
    rig_end(&r);
}
#endif

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_run_acquires_nothing),
#if defined(__x86_64__)
        cmocka_unit_test(the_floating_point_state_of_the_host_survives),
#endif
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
