/* CRC32C: published vectors, and the same whatever pieces it is taken in. */
#include <string.h>

#include "base/crc32c.h"
#include "test.h"

static void vectors_hold(void **state)
{
    (void)state;
    unsigned char zeros[32] = {0}, ones[32], up[32];
    gr__crc32c_table t;
    gr__crc32c_make(&t);
    memset(ones, 0xFF, sizeof ones);
    for (int i = 0; i < 32; i++) up[i] = (unsigned char)i;
    assert_int_equal(gr__crc32c(&t, 0, "123456789", 9), 0xE3069283); /* the check value of the polynomial */
    assert_int_equal(gr__crc32c(&t, 0, zeros, 32), 0x8A9136AA);      /* RFC 3720, B.4 */
    assert_int_equal(gr__crc32c(&t, 0, ones, 32), 0x62A8AB43);
    assert_int_equal(gr__crc32c(&t, 0, up, 32), 0x46DD794E);
    assert_int_equal(gr__crc32c(&t, 0, "", 0), 0);
}

static void pieces_make_the_whole(void **state)
{
    (void)state;
    unsigned char text[100];
    gr__crc32c_table t;
    gr__crc32c_make(&t);
    for (size_t i = 0; i < sizeof text; i++) text[i] = (unsigned char)(i * 37 + 11);
    for (size_t n = 0; n <= sizeof text; n++)
        for (size_t cut = 0; cut <= n; cut++)
            assert_int_equal(gr__crc32c(&t, gr__crc32c(&t, 0, text, cut), text + cut, n - cut),
                             gr__crc32c(&t, 0, text, n));
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(vectors_hold), cmocka_unit_test(pieces_make_the_whole)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
