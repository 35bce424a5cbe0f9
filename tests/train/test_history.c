/* metrics.jsonl read again: columns that come late, null, lines that are cut, what is refused, every allocation
 * failing. */
#include <math.h>
#include <string.h>

#include "test.h"
#include "train/history.h"

static const char text[] = "{\"step\":1,\"lr\":0.5,\"words\":\"x\",\"list\":[1]}\n"
                           "{\"step\":2,\"lr\":null,\"validation_error\":0.25}\n"
                           "{\"step\":3,\"lr\":1e-3,\"validation_error\":null}\n";

static void columns(void **state)
{
    (void)state;
    gr_context *ctx = test_context();
    gr_history h = {0};
    test_ok(ctx, gr__history_parse(ctx, "m", text, strlen(text), &h));
    assert_int_equal(h.n, 3);
    assert_false(h.cut);
    const double *step = gr__history_column(&h, "step"), *lr = gr__history_column(&h, "lr"),
                 *error = gr__history_column(&h, "validation_error");
    assert_true(step[0] == 1 && step[1] == 2 && step[2] == 3);
    assert_true(lr[0] == 0.5 && isnan(lr[1]) && lr[2] == 1e-3);
    assert_true(isnan(error[0]) && error[1] == 0.25 && isnan(error[2]));
    assert_false(h.evaluated[0]);
    assert_true(h.evaluated[1] && h.evaluated[2]); /* null was evaluated, too */
    assert_null(gr__history_column(&h, "words"));
    assert_null(gr__history_column(&h, "list"));
    gr__history_free(&h);
    test_context_end(ctx);
}

/* Cut anywhere: whole lines are read, the rest is said to be cut; a last line that lacks its end alone is whole. */
static void cut_anywhere(void **state)
{
    (void)state;
    gr_context *ctx = test_context();
    for (size_t n = 0; n <= strlen(text); n++) {
        gr_history h = {0};
        size_t lines = 0;
        for (size_t i = 0; i < n; i++) lines += text[i] == '\n';
        bool inside = n > 0 && text[n - 1] != '\n', whole = inside && text[n] == '\n';
        test_ok(ctx, gr__history_parse(ctx, "m", text, n, &h));
        assert_int_equal(h.n, lines + whole);
        assert_int_equal(h.cut, inside && !whole);
        gr__history_free(&h);
    }
    test_context_end(ctx);
}

static void refused(void **state)
{
    (void)state;
    static const char *const cases[] = {
        "hello\n", "{\"step\":1}\n\n{\"step\":2}\n", "[1]\n", "{\"step\":1\n}\n", "{\"a\xff\":1}\n", "{\"a\":1e999}\n"};
    gr_context *ctx = test_context();
    for (size_t i = 0; i < GR_COUNT(cases); i++) {
        gr_history h = {0};
        assert_int_equal(gr__history_parse(ctx, "m", cases[i], strlen(cases[i]), &h), GR_E_FORMAT);
        assert_null(h.ctx);
        assert_string_equal(gr_context_error(ctx)->file, "m");
        gr_context_clear_error(ctx);
    }
    test_context_end(ctx);
}

static size_t lines_of_keys(char *to, size_t room, int lines, int keys)
{
    size_t n = 0;
    for (int line = 0; line < lines; line++) {
        n += (size_t)snprintf(to + n, room - n, "{\"step\":%d", line);
        for (int k = 0; k < keys; k++) n += (size_t)snprintf(to + n, room - n, ",\"k%d\":%d", k, line * k);
        n += (size_t)snprintf(to + n, room - n, "}\n");
    }
    assert_true(n < room);
    return n;
}

/* More keys than there are columns, more lines than the first room: the first keys stay. */
static void many(void **state)
{
    (void)state;
    gr_context *ctx = test_context();
    static char big[1 << 20];
    char last[16];
    gr_history h = {0};
    size_t n = lines_of_keys(big, sizeof big, 150, GR_HISTORY_COLUMNS + 1);
    test_ok(ctx, gr__history_parse(ctx, "m", big, n, &h));
    assert_int_equal(h.n, 150);
    assert_int_equal(h.n_columns, GR_HISTORY_COLUMNS);
    assert_true(gr__history_column(&h, "step")[149] == 149 && gr__history_column(&h, "k7")[149] == 149 * 7);
    snprintf(last, sizeof last, "k%d", GR_HISTORY_COLUMNS);
    assert_null(gr__history_column(&h, last));
    gr__history_free(&h);
    n = lines_of_keys(big, sizeof big, 150, 80);
    for (uint64_t k = 1; k < 2000; k++) { /* the k-th allocation fails */
        gr__fail_acquisition(ctx, k);
        gr_status st = gr__history_parse(ctx, "m", big, n, &h);
        gr__fail_acquisition(ctx, 0);
        if (st == GR_OK) {
            gr__history_free(&h);
            break;
        }
        assert_int_equal(st, GR_E_MEMORY);
        assert_int_equal(gr__bookkeeping_bytes(ctx), 0);
        gr_context_clear_error(ctx);
        assert_true(k < 1999);
    }
    test_context_end(ctx);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(columns), cmocka_unit_test(cut_anywhere),
                                       cmocka_unit_test(refused), cmocka_unit_test(many)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
