/* The sizes and names of elements. */
#include "test.h"

#include "base/dtype.h"

static void elements_have_the_sizes_of_their_types(void **state)
{
    (void)state;
    assert_int_equal(gr__element_bytes(GR_EL_U8), sizeof(uint8_t));
    assert_int_equal(gr__element_bytes(GR_EL_I32), sizeof(int32_t));
    assert_int_equal(gr__element_bytes(GR_EL_F32), sizeof(float));
    assert_int_equal(gr__element_bytes(GR_EL_F64), sizeof(double));
}

/* Only reals depend on who holds them. */
static void values_are_held_as_their_holder_says(void **state)
{
    (void)state;
    static const gr_element reals[] = {GR_EL_F32, GR_EL_F64};
    for (size_t i = 0; i < GR_COUNT(reals); i++) {
        assert_int_equal(gr__dtype_element(GR_REAL, reals[i]), reals[i]);
        assert_int_equal(gr__dtype_element(GR_I32, reals[i]), GR_EL_I32);
        assert_int_equal(gr__dtype_element(GR_U8, reals[i]), GR_EL_U8);
        assert_int_equal(gr__dtype_bytes(GR_REAL, reals[i]), gr__element_bytes(reals[i]));
        assert_int_equal(gr__dtype_bytes(GR_U8, reals[i]), 1);
    }
    assert_string_equal(gr__dtype_text(GR_REAL), "real");
    assert_string_equal(gr__dtype_text(GR_I32), "i32");
    assert_string_equal(gr__dtype_text(GR_U8), "u8");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(elements_have_the_sizes_of_their_types),
        cmocka_unit_test(values_are_held_as_their_holder_says),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
