#include <stdlib.h>
#include <string.h>

#include "test.h"

#include "backend/cpu/isa.h"

static void test_names(void **state)
{
    (void)state;
    assert_string_equal(gr__isa_name(GR__ISA_BASELINE), "baseline");
    assert_string_equal(gr__isa_name(GR__ISA_AVX2), "avx2");
    assert_string_equal(gr__isa_name(GR__ISA_AVX512), "avx512");
    assert_string_equal(gr__isa_name(GR__ISA_COUNT), "unknown");
}

static void test_best_is_chosen(void **state)
{
    (void)state;
    unsetenv("GRADUS_ISA");
    assert_true(gr__isa_supported(GR__ISA_BASELINE));
    assert_false(gr__isa_supported(GR__ISA_COUNT));
    gr__isa best = gr__isa_chosen();
    assert_true(gr__isa_supported(best));
    for (int i = (int)best + 1; i < GR__ISA_COUNT; i++) assert_false(gr__isa_supported((gr__isa)i));
}

static void test_environment_forces(void **state)
{
    (void)state;
    unsetenv("GRADUS_ISA");
    gr__isa best = gr__isa_chosen();
    for (int i = 0; i < GR__ISA_COUNT; i++) {
        setenv("GRADUS_ISA", gr__isa_name((gr__isa)i), 1);
        assert_int_equal(gr__isa_chosen(), gr__isa_supported((gr__isa)i) ? i : (int)best);
    }
    setenv("GRADUS_ISA", "no-such-set", 1);
    assert_int_equal(gr__isa_chosen(), best);
    unsetenv("GRADUS_ISA");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_names),
        cmocka_unit_test(test_best_is_chosen),
        cmocka_unit_test(test_environment_forces),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
