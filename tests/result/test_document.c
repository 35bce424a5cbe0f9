/* Documents: pages that nest whatever words stand in them, tables and lists whole, curves one path each, the same bytes
 * each time, and every lack of memory told. */
#include <string.h>

#include "result/document.h"
#include "xml.h"

static const char hostile[] =
    "</td></section><script>alert(\"1\")</script> & 'x' \x01\x1b[31m \xff\xfe \xC3\xA9 %s \t\n]]>";

typedef struct fixture {
    gr_context *ctx;
    gr_document d;
    gr_sheet s;
    gr_plot plot;
    gr_series series[2];
} fixture;

static const double xs[] = {1, 2, 3, 4}, ys[] = {4, 2, 3, 1};

static gr_status fill(fixture *f, const char *words)
{
    gr_document *d = &f->d;
    gr_status st = gr__document_open(f->ctx, words, d);
    if (st == GR_OK) st = gr__sheet_open(f->ctx, words, &f->s);
    if (st != GR_OK) return st;
    gr__card_line(&f->s, gr__sheet_card(&f->s, words), "%s", words);
    f->series[0] = (gr_series){.label = words, .n = 4, .x = xs, .y = ys};
    f->series[1] = (gr_series){.label = words, .mark = GR_MARK_BOXES, .n = 4, .x = xs, .y = ys};
    f->plot = (gr_plot){.title = words, .description = words, .caption = words, .series = f->series, .n_series = 2};
    gr__document_lead(d, "%s", words);
    gr__document_words(d, "nothing is open yet: this is nowhere");
    for (int i = 0; i < 2; i++) {
        gr__document_section(d, i ? "two" : "one", words);
        gr__document_heading(d, "%s", words);
        gr__document_words(d, "%s", words);
        gr__document_missing(d, "%s", words);
        for (int k = 0; k < 3; k++) gr__document_item(d, k == 1, "%s", words);
        for (int k = 0; k < 3; k++) gr__document_term(d, words, "%s", words);
        gr_written_table *t = gr__document_table(d, words, 3);
        for (int k = 0; k < 3 && t->heading; k++) t->heading[k] = k ? words : "";
        t->upright = i;
        for (int k = 0; k < 9; k++)
            gr__document_cell(d, t, k % 3 == 0 ? GR_CELL_HEAD : k < 6 ? GR_CELL_BAD + k : GR_CELL_NUMBER, "%s", words);
        gr__document_table(d, "empty", 2);
        for (int k = 0; k < 3; k++) gr__document_plot(d, &f->plot, k == 2);
        gr__document_cards(d, &f->s);
        for (int k = 0; k < 3; k++) gr__document_line(d, k == 1, "%s", words);
    }
    return d->failed;
}

static gr_status write(fixture *f, const char *words, gr__text *out)
{
    gr__text_init(out, f->ctx);
    gr_status st = fill(f, words);
    return st == GR_OK ? gr__document_html(&f->d, out) : st;
}

static void close(fixture *f)
{
    gr__document_close(&f->d);
    gr__sheet_close(&f->s);
}

static int count(const char *s, const char *what)
{
    int n = 0;
    for (; (s = strstr(s, what)) != NULL; s += strlen(what)) n++;
    return n;
}

static void pages_nest_whatever_stands_in_them(void **state)
{
    (void)state;
    static const char *const words[] = {"plain", hostile, ""};
    for (size_t i = 0; i < GR_COUNT(words); i++) {
        fixture f = {.ctx = test_context()};
        gr__text page;
        test_ok(f.ctx, write(&f, words[i], &page));
        assert_int_equal(strncmp(page.s, "<!DOCTYPE html>\n", 16), 0);
        check_xml(page.s + 16);
        assert_null(strstr(page.s, "<script"));
        assert_null(strstr(page.s, "nowhere"));
        assert_int_equal(count(page.s, "<section id="), 2);
        assert_int_equal(count(page.s, "<ul>"), 2);
        assert_int_equal(count(page.s, "<li"), 6); /* none is lost, none twice */
        assert_int_equal(count(page.s, "<dl>"), 2);
        assert_int_equal(count(page.s, "<dt>"), 6);
        assert_int_equal(count(page.s, "<table>"), 2); /* an empty one is not shown */
        assert_int_equal(count(page.s, "<tr>"), 2 * (*words[i] ? 4 : 3));
        assert_int_equal(count(page.s, "<svg "), 6);
        assert_int_equal(count(page.s, "<desc>"), *words[i] ? 6 : 0);
        assert_int_equal(count(page.s, "<div class=\"plots\">"), 2);
        assert_int_equal(count(page.s, "<div class=\"plots small\">"), 2);
        assert_int_equal(count(page.s, "<code class=\"strong\">"), 2);
        gr__text_free(&page);
        close(&f);
        test_context_end(f.ctx);
    }
}

static void boxes_are_one_path(void **state)
{
    (void)state;
    gr_context *ctx = test_context();
    gr__text out;
    gr_series s = {.mark = GR_MARK_BOXES, .n = 4, .x = xs, .y = ys};
    gr_plot p = {.series = &s, .n_series = 1};
    gr__text_init(&out, ctx);
    test_ok(ctx, gr__plot_svg(&p, &out));
    check_xml(out.s);
    const char *path = strstr(out.s, "fill-opacity");
    assert_non_null(path);
    assert_null(strstr(path + 1, "fill-opacity"));
    const char *end = strchr(path, '>');
    int corners = 0;
    for (const char *c = path; c < end; c++) corners += *c == 'M';
    assert_int_equal(corners, 2);
    gr__text_free(&out);
    test_context_end(ctx);
}

static void the_same_document_gives_the_same_bytes(void **state)
{
    (void)state;
    fixture a = {.ctx = test_context()}, b = {.ctx = test_context()};
    gr__text one, two;
    test_ok(a.ctx, write(&a, hostile, &one));
    test_ok(b.ctx, write(&b, hostile, &two));
    assert_string_equal(one.s, two.s);
    gr__text_free(&one), gr__text_free(&two);
    close(&a), close(&b);
    test_context_end(a.ctx), test_context_end(b.ctx);
}

static void any_lack_of_memory_is_told(void **state)
{
    (void)state;
    fixture f = {.ctx = test_context()};
    gr__text page;
    uint64_t before = gr__acquisitions(f.ctx);
    test_ok(f.ctx, write(&f, hostile, &page));
    gr__text_free(&page);
    close(&f);
    uint64_t n = gr__acquisitions(f.ctx) - before;
    assert_true(n > 4);
    for (uint64_t k = 1; k <= n; k++) {
        gr__fail_acquisition(f.ctx, k);
        assert_int_equal(write(&f, hostile, &page), GR_E_MEMORY);
        gr__fail_acquisition(f.ctx, 0);
        gr_context_clear_error(f.ctx);
        gr__text_free(&page);
        close(&f);
    }
    test_context_end(f.ctx);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(pages_nest_whatever_stands_in_them),
        cmocka_unit_test(boxes_are_one_path),
        cmocka_unit_test(the_same_document_gives_the_same_bytes),
        cmocka_unit_test(any_lack_of_memory_is_told),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
