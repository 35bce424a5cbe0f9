/* Records of events: what fits is whole and read again, what does not is nothing, and no byte of a record may change
 * unseen. [SYS13] */
#include <math.h>
#include <string.h>

#include "result/event.h"
#include "test.h"

static gr__crc32c_table sums;

static size_t make(uint8_t *bytes, size_t room, int64_t step)
{
    const double limit[] = {-1, 0, 2.5}, in[] = {0, 3, 4};
    gr_event e = {.sums = &sums, .bytes = bytes, .room = room};
    gr__event_begin(&e, 1.5e9, step);
    gr__event_scalar(&e, "lr", 0.1);
    gr__event_scalar(&e, "cost", NAN);
    gr__event_histogram(&e, "weights/a", &(gr_event_histogram){-1, 2, 7, 3, 9, limit, in, 3});
    gr__event_picture(&e, "pictures/a", 3, 2, "no PNG at all", 13);
    gr__event_session(&e, "run", 1.5e9);
    gr__event_setting(&e, "lr", &limit[2], NULL);
    gr__event_setting(&e, "type", NULL, "adam");
    gr__event_session_end(&e);
    gr__event_ended(&e, true, 1.6e9);
    return gr__event_end(&e);
}

static void what_fits_is_whole(void **state)
{
    (void)state;
    uint8_t whole[4096], part[4096];
    int64_t step;
    size_t n = make(whole, sizeof whole, 300);
    assert_true(n > 300);
    assert_int_equal(gr__event_length(&sums, whole), (int64_t)n - GR_EVENT_FRAME);
    assert_true(gr__event_read(&sums, whole + 12, n - GR_EVENT_FRAME, &step));
    assert_int_equal(step, 300);
    for (size_t room = 0; room <= n; room++) {
        memset(part, 0xA5, sizeof part);
        assert_int_equal(make(part, room, 300), room < n ? 0 : n);
        for (size_t i = room; i < sizeof part; i++) assert_int_equal(part[i], 0xA5);
        if (room == n) assert_memory_equal(part, whole, n);
    }
}

static void every_byte_counts(void **state)
{
    (void)state;
    uint8_t whole[4096];
    int64_t step;
    size_t n = make(whole, sizeof whole, INT64_MAX);
    assert_true(gr__event_read(&sums, whole + 12, n - GR_EVENT_FRAME, &step));
    assert_true(step == INT64_MAX);
    for (size_t i = 0; i < n; i++)
        for (int bit = 0; bit < 8; bit++) {
            whole[i] ^= (uint8_t)(1 << bit);
            bool good = gr__event_length(&sums, whole) == (int64_t)n - GR_EVENT_FRAME &&
                        gr__event_read(&sums, whole + 12, n - GR_EVENT_FRAME, &step);
            if (good) fail_msg("bit %d of byte %zu may change", bit, i);
            whole[i] ^= (uint8_t)(1 << bit);
        }
}

int main(void)
{
    gr__crc32c_make(&sums);
    const struct CMUnitTest tests[] = {cmocka_unit_test(what_fits_is_whole), cmocka_unit_test(every_byte_counts)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
