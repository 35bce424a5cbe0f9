/* Tables that are larger than what of them stands in memory: the same records as from the whole text. */
#include "files.h"

#include "base/rng.h"
#include "data/table/csv.h"

enum { TEXT = 1500000, WIDE = 700000 };
static char *text;
static size_t n;

static void put(const char *format, ...) GR_PRINTF(1, 2);
static void put(const char *format, ...)
{
    va_list args;
    va_start(args, format);
    n += (size_t)vsnprintf(text + n, TEXT + 2 * WIDE - n, format, args);
    va_end(args);
}

/* Quotes with line ends and delimiters in them, empty lines, line ends of all kinds, one record wider than any window.
 */
static void make_text(uint64_t seed)
{
    static const char *const ends[] = {"\n", "\r\n", "\r", "\n\n"};
    gr__rng r = gr__rng_make(seed, "table", 0, 0);
    n = 0;
    put("\xEF\xBB\xBF"
        "a,b,c\n");
    for (int row = 0; n < TEXT - 1000; row++) {
        put("%llu,", (unsigned long long)gr__rng_below(&r, 1000000));
        if (gr__rng_below(&r, 4) == 0)
            put("\"x%*s\"\"\n,\r\n%d\"", (int)gr__rng_below(&r, 200), "", row);
        else
            put("%*d", (int)gr__rng_below(&r, 60), row);
        if (row == 5000) {
            put("\"");
            for (int i = 0; i < WIDE; i++) text[n++] = (char)('a' + i % 26);
            put("\"");
        }
        put(",z%s", ends[gr__rng_below(&r, 4)]);
    }
    put("1,2,last%s", seed % 2 ? "\n" : "");
}

static void same_records(const gr__blob *blob, const char *what)
{
    gr__csv_reader a, b;
    bool more = true, more_too = true;
    gr__csv_start(&a, f.ctx, "t", text, n, ',');
    gr__csv_open(&b, blob, ',');
    for (size_t record = 0; more; record++) {
        test_ok(f.ctx, gr__csv_next(&a, &more));
        test_ok(f.ctx, gr__csv_next(&b, &more_too));
        bool same = more == more_too && a.n == b.n && a.record_line == b.record_line;
        for (size_t i = 0; same && i < a.n; i++)
            same = a.cell[i].n == b.cell[i].n && a.cell[i].quoted == b.cell[i].quoted &&
                   memcmp(a.cell[i].s, b.cell[i].s, a.cell[i].n) == 0;
        if (!same) fail_msg("%s: record %zu differs", what, record);
    }
    assert_true(a.record_line > 10000);
    gr__csv_stop(&a);
    gr__csv_stop(&b);
}

static void windows_give_the_same_records(void **state)
{
    (void)state;
    for (uint64_t seed = 1; seed < 5; seed++) {
        gr__blob plain, packed;
        char path[128];
        make_text(seed);
        unsigned char *gz = malloc(n + 1000);
        assert_non_null(gz);
        size_t m = pack_gzip(text, n, gz, n + 1000);
        snprintf(path, sizeof path, "%s/t.csv", f.folder);
        put_file(&f, "t.csv", text, n);
        test_ok(f.ctx, gr__blob_open(f.ctx, path, &plain));
        same_records(&plain, "plain");
        gr__blob_close(&plain);
        gr__blob_memory(f.ctx, "t", gz, m, &packed);
        same_records(&packed, "packed");
        free(gz);
    }
}

/* A quote that is never closed is told once, at its line, wherever the window ends. */
static void open_quotes_are_told(void **state)
{
    (void)state;
    char path[128];
    snprintf(path, sizeof path, "%s/open.csv", f.folder);
    n = 0;
    for (int i = 0; i < 99999; i++) put("%d,2\n", i % 10);
    put("1,\"open\n%*s\n", 300000, "");
    put_file(&f, "open.csv", text, n);
    gr__blob blob;
    gr__csv_reader r;
    bool more = true;
    gr_status st = GR_OK;
    test_ok(f.ctx, gr__blob_open(f.ctx, path, &blob));
    gr__csv_open(&r, &blob, ',');
    while (st == GR_OK && more) st = gr__csv_next(&r, &more);
    assert_int_equal(st, GR_E_FORMAT);
    assert_non_null(strstr(gr_context_error(f.ctx)->message, "at line 100000 is never closed"));
    gr_context_clear_error(f.ctx);
    gr__csv_stop(&r);
    gr__blob_close(&blob);
}

/* Damage behind the first window is damage, not the end of the table. */
static void damage_is_no_end(void **state)
{
    (void)state;
    char path[128];
    gr__blob blob;
    gr__csv_reader r;
    bool more = true;
    gr_status st = GR_OK;
    make_text(7);
    unsigned char *gz = malloc(n + 1000);
    assert_non_null(gz);
    size_t m = pack_gzip(text, n, gz, n + 1000);
    snprintf(path, sizeof path, "%s/cut.csv.gz", f.folder);
    put_file(&f, "cut.csv.gz", gz, m - m / 4);
    test_ok(f.ctx, gr__blob_open(f.ctx, path, &blob));
    gr__csv_open(&r, &blob, ',');
    while (st == GR_OK && more) st = gr__csv_next(&r, &more);
    assert_int_equal(st, GR_E_FORMAT);
    assert_non_null(strstr(gr_context_error(f.ctx)->message, "damaged or cut off"));
    gr_context_clear_error(f.ctx);
    gr__csv_stop(&r);
    gr__blob_close(&blob);
    free(gz);
}

/* Text that is none is told with its place, and characters that pieces cut in two are whole. */
static void text_is_checked_across_pieces(void **state)
{
    (void)state;
    enum { LINE = 16, LINES = 20000 };
    for (int at = 65536 - 20; at < 65536 + 20; at++) {
        for (int wrong = 0; wrong < 2; wrong++) {
            n = 0;
            for (int i = 0; i < LINES; i++) put("12345678,12345,\n"); /* LINE bytes */
            memcpy(text + at - at % LINE,
                   wrong ? "1\xC3\xA9\xE2\x82\xACx,y\xE9y,,,\r\n" : "\xE2\x82\xAC,abcdefg\xC3\xA9,\r\n", LINE);
            if (!wrong) memmove(text + at % 3, text, n), memset(text, '1', (size_t)at % 3), n += (size_t)at % 3;
            gr__blob blob;
            char path[128], words[64];
            gr_set info;
            gr__csv_options o = {.delimiter = ',', .header = GR__HEADER_NO};
            snprintf(path, sizeof path, "%s/text.csv", f.folder);
            put_file(&f, "text.csv", text, n);
            test_ok(f.ctx, gr__blob_open(f.ctx, path, &blob));
            gr_status st = gr__csv_info(&blob, &o, NULL, &info);
            snprintf(words, sizeof words, "line %d, column 2: the byte 0xe9", at / LINE + 1);
            assert_int_equal(wrong ? st : GR_OK, wrong ? GR_E_DATA : GR_OK);
            if (wrong) assert_non_null(strstr(gr_context_error(f.ctx)->message, words));
            if (!wrong && st != GR_OK) assert_null(strstr(gr_context_error(f.ctx)->message, "UTF-8"));
            gr_context_clear_error(f.ctx);
            gr__blob_close(&blob);
        }
    }
}

static int setup(void **state)
{
    files_setup(state);
    return (text = malloc(TEXT + 2 * WIDE)) ? 0 : -1;
}

static int teardown(void **state)
{
    free(text);
    return files_teardown(state);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(windows_give_the_same_records),
                                       cmocka_unit_test(open_quotes_are_told), cmocka_unit_test(damage_is_no_end),
                                       cmocka_unit_test(text_is_checked_across_pieces)};
    return cmocka_run_group_tests(tests, setup, teardown);
}
