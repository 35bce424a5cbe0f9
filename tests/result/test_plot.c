/* Plots as text: well-formed whatever they are given, no markup from strangers, the same bytes twice. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "result/markup.h"
#include "result/plot.h"
#include "result/xml.h"
#include "test.h"

static char *svg(gr_context *ctx, const gr_plot *p, gr__text *t)
{
    gr__text_init(t, ctx);
    test_ok(ctx, gr__plot_svg(p, t));
    check_xml(t->s);
    assert_null(strstr(t->s, "nan"));
    assert_null(strstr(t->s, "inf"));
    assert_null(strstr(t->s, "-0.0 "));
    return t->s;
}

static int count(const char *s, const char *what)
{
    int n = 0;
    for (; (s = strstr(s, what)); s += strlen(what)) n++;
    return n;
}

/* ---- tests ---- */

static void numbers_of_any_kind_are_drawn(void **state)
{
    (void)state;
    gr_context *ctx = test_context();
    static const double one[] = {3}, same[] = {5, 5, 5}, x[] = {1, 2, 3}, hole[] = {1, NAN, 2},
                        wild[] = {INFINITY, -INFINITY, NAN}, huge[] = {-1e308, 0, 1e308},
                        tiny[] = {1e-310, 2e-310, 5e-310}, mixed[] = {-1, 0, 10}, close[] = {1e16, 1e16 + 2, 1e16 + 4},
                        zero[] = {0, 0, 0};
    const struct {
        size_t n;
        const double *x, *y;
        bool empty;
    } cases[] = {
        {0, x, x, true},        {1, one, one, false}, {3, x, same, false},   {3, same, same, false},
        {3, x, hole, false},    {3, x, wild, true},   {3, wild, wild, true}, {3, x, huge, false},
        {3, huge, huge, false}, {3, x, tiny, false},  {3, x, mixed, false},  {3, close, close, false},
        {3, zero, zero, false},
    };
    for (size_t i = 0; i < GR_COUNT(cases); i++) {
        for (int logs = 0; logs < 4; logs++) {
            for (int mark = GR_MARK_LINE; mark <= GR_MARK_PATH; mark++) {
                gr__text t;
                gr_series s = {.label = "a", .mark = (gr_mark)mark, .n = cases[i].n, .x = cases[i].x, .y = cases[i].y};
                gr_plot p = {.title = "t",
                             .x = {.label = "x", .log = logs & 1},
                             .y = {.label = "y", .log = logs & 2},
                             .series = &s,
                             .n_series = 1};
                svg(ctx, &p, &t);
                if (logs == 0) assert_int_equal(strstr(t.s, "no numbers to draw") != NULL, cases[i].empty);
                gr__text_free(&t);
            }
        }
    }
    gr_plot nothing = {0};
    gr__text t;
    assert_non_null(strstr(svg(ctx, &nothing, &t), "no numbers to draw"));
    gr__text_free(&t);
    test_context_end(ctx);
}

static void a_gap_breaks_the_line(void **state)
{
    (void)state;
    gr_context *ctx = test_context();
    static const double x[] = {0, 1, 2, 3, 4, 5, 6}, y[] = {1, 2, 3, NAN, 3, 2, 1};
    gr__text t;
    gr_series s = {.label = NULL, .n = 7, .x = x, .y = y};
    gr_plot p = {.series = &s, .n_series = 1};
    const char *path = strstr(svg(ctx, &p, &t), "stroke-width=\"2\"");
    assert_non_null(path);
    const char *d = strstr(path, " d=\"") + 4;
    char line[512];
    snprintf(line, sizeof line, "%.*s", (int)strcspn(d, "\""), d);
    assert_int_equal(count(line, "M"), 2);
    assert_int_equal(count(line, "L"), 4);
    gr__text_free(&t);
    test_context_end(ctx);
}

static void lines_stay_inside_the_frame(void **state)
{
    (void)state;
    gr_context *ctx = test_context();
    static const double x[] = {-1e9, 0.5, 1e9, 0.5}, y[] = {-1e12, 1e12, -1e12, 0.5};
    gr__text t;
    gr_series s = {.mark = GR_MARK_PATH, .n = 4, .x = x, .y = y};
    gr_plot p = {.x = {.low = 0, .high = 1},
                 .y = {.low = 0, .high = 1},
                 .series = &s,
                 .n_series = 1,
                 .width = 400,
                 .height = 300};
    const char *path = strstr(svg(ctx, &p, &t), "stroke-width=\"2\"");
    for (const char *d = strstr(path, " d=\"") + 4; *d && *d != '"';) {
        char *end;
        double a = strtod(d + 1, &end), b = strtod(end, &end);
        assert_true(a >= 0 && a <= 400 && b >= 0 && b <= 300);
        d = end;
    }
    assert_int_equal(count(strstr(t.s, "<g fill="), "<circle"), 1); /* three of four points are outside */
    gr__text_free(&t);
    test_context_end(ctx);
}

static void strangers_text_is_escaped(void **state)
{
    (void)state;
    gr_context *ctx = test_context();
    static const char hostile[] = "</text><script>alert(\"1\")</script> & "
                                  "\x01\x07\xFF\xC0\x80\xED\xA0\x80\xF4\x90\x80\x80 \xE2\x82 tail\n\ttab ]]> 'x'";
    static const double x[] = {1, 2};
    char long_word[4000];
    memset(long_word, '<', sizeof long_word - 1);
    long_word[sizeof long_word - 1] = 0;
    gr__text t;
    gr_series s[] = {{.label = hostile, .n = 2, .x = x, .y = x},
                     {.label = long_word, .mark = GR_MARK_POINTS, .n = 2, .x = x, .y = x}};
    gr_plot_rule r[] = {{hostile, true, 1.5}, {long_word, false, 1.5}};
    gr_plot p = {.title = hostile,
                 .caption = long_word,
                 .x = {.label = hostile},
                 .y = {.label = hostile},
                 .series = s,
                 .n_series = 2,
                 .rules = r,
                 .n_rules = 2};
    assert_null(strstr(svg(ctx, &p, &t), "<script"));
    assert_non_null(strstr(t.s, "&lt;script&gt;alert(&quot;1&quot;)"));
    assert_non_null(strstr(t.s, "\xEF\xBF\xBD"));
    assert_null(strstr(t.s, "\xFF"));
    assert_null(strstr(t.s, "\xED\xA0"));
    assert_null(strstr(t.s, "http://www.w3.org/1999"));
    gr__text_free(&t);
    test_context_end(ctx);
}

static void lines_of_text_break_at_spaces(void **state)
{
    (void)state;
    size_t skip;
    assert_int_equal(gr__markup_line("one two three", 8, &skip), 7);
    assert_int_equal(skip, 1);
    assert_int_equal(gr__markup_line("one two", 7, &skip), 7);
    assert_int_equal(skip, 0);
    assert_int_equal(gr__markup_line("unbreakable", 4, &skip), 4);
    assert_int_equal(gr__markup_line("\xC3\xA9\xC3\xA9\xC3\xA9", 2, &skip), 4); /* characters, not bytes */
    assert_int_equal(gr__markup_line("four five", 4, &skip), 4);
    assert_int_equal(skip, 1);
    assert_int_equal(gr__markup_length("\xC3\xA9x\xFF", 4), 3);
}

static void many_points_make_a_short_file(void **state)
{
    (void)state;
    enum { N = 200000 };
    gr_context *ctx = test_context();
    double *x = malloc(N * sizeof *x), *y = malloc(N * sizeof *y);
    assert_true(x && y);
    for (int i = 0; i < N; i++) x[i] = i, y[i] = i == N / 2 ? 9 : (i * 7919) % 100 / 100.0;
    gr__text t;
    gr_series s = {.n = N, .x = x, .y = y};
    gr_plot p = {.y = {.low = 0, .high = 9}, .series = &s, .n_series = 1};
    assert_true(strlen(svg(ctx, &p, &t)) < 100000);
    /* the one high value is still there: the line touches the top of the frame */
    double top = 0, left = 0;
    const char *frame = strstr(t.s, "stroke=\"#8b949e\"");
    while (strncmp(frame, "<rect", 5) != 0) frame--;
    assert_int_equal(sscanf(frame, "<rect x=\"%lf\" y=\"%lf\"", &left, &top), 2);
    char wanted[32];
    snprintf(wanted, sizeof wanted, " %.1fL", top);
    assert_non_null(strstr(strstr(t.s, "stroke-width=\"2\""), wanted));
    gr__text_free(&t);
    free(x);
    free(y);
    test_context_end(ctx);
}

static void contours_are_drawn_where_z_is_a_number(void **state)
{
    (void)state;
    gr_context *ctx = test_context();
    double side[9], z[81];
    for (int i = 0; i < 9; i++) side[i] = i - 4;
    for (int kind = 0; kind < 3; kind++) { /* a bowl, a plane without slope, nothing */
        for (int i = 0; i < 81; i++)
            z[i] = kind == 0 ? side[i % 9] * side[i % 9] + side[i / 9] * side[i / 9] : kind == 1 ? 1 : NAN;
        gr__text t;
        gr_series s = {.label = "z", .mark = GR_MARK_CONTOUR, .n = 9, .n_y = 9, .x = side, .y = side, .z = z};
        gr_plot p = {.series = &s, .n_series = 1};
        const char *path = strstr(svg(ctx, &p, &t), "stroke=\"#9aa7b4\" stroke-width=\"1\" d=\"");
        assert_non_null(path);
        assert_int_equal(strncmp(strstr(path, " d=\""), " d=\"M", 5) == 0, kind == 0);
        gr__text_free(&t);
    }
    test_context_end(ctx);
}

static void the_same_plot_has_the_same_bytes(void **state)
{
    (void)state;
    gr_context *ctx = test_context();
    static const double x[] = {0.001, 1, 1000}, y[] = {-3, 0.5, 7};
    gr__text a, b;
    gr_series s = {.label = "s", .mark = GR_MARK_PATH, .n = 3, .x = x, .y = y};
    gr_plot_rule r = {.label = "here", .vertical = true, .at = 10};
    gr_plot p = {.title = "title",
                 .caption = "caption",
                 .x = {.label = "x", .log = true},
                 .y = {.label = "y"},
                 .series = &s,
                 .n_series = 1,
                 .rules = &r,
                 .n_rules = 1};
    assert_string_equal(svg(ctx, &p, &a), svg(ctx, &p, &b));
    assert_non_null(strstr(a.s, ">here<"));
    assert_non_null(strstr(a.s, ">0.001<"));
    assert_non_null(strstr(a.s, ">\xE2\x88\x92"
                                "2<"));
    assert_null(strstr(a.s, "href"));
    assert_null(strstr(a.s, "url("));
    gr__text_free(&a);
    gr__text_free(&b);
    test_context_end(ctx);
}

static void axes_may_have_words(void **state)
{
    (void)state;
    gr_context *ctx = test_context();
    static const char *const words[] = {"none", "<one>", "two", "beyond", NULL};
    static const double x[] = {0, 1, 2};
    gr__text t;
    gr_series s = {.mark = GR_MARK_POINTS, .n = 3, .x = x, .y = x};
    gr_plot p = {.y = {.low = -0.5, .high = 2.5, .words = words}, .series = &s, .n_series = 1};
    svg(ctx, &p, &t);
    assert_non_null(strstr(t.s, "text-anchor=\"end\">none</text>"));
    assert_non_null(strstr(t.s, "text-anchor=\"end\">&lt;one&gt;</text>"));
    assert_non_null(strstr(t.s, "text-anchor=\"end\">two</text>"));
    assert_null(strstr(t.s, "beyond"));
    assert_int_equal(count(t.s, "text-anchor=\"end\">"), 3); /* no numbers between them */
    gr__text_free(&t);
    test_context_end(ctx);
}

/* ---- as characters ---- */

static void text_of(gr_context *ctx, const gr_plot *p, const gr_text_style *style, gr__text *t)
{
    gr__text_init(t, ctx);
    test_ok(ctx, gr__plot_text(p, style, t));
}

/* Any numbers, widths and axes: no line is wider than asked, every series leaves its character where it has a number.
 */
static void text_of_any_numbers(void **state)
{
    (void)state;
    gr_context *ctx = test_context();
    static const double x[] = {1, 2, 3, 4}, y[][4] = {{1, 2, 3, 4},          {NAN, NAN, NAN, NAN},  {5, 5, 5, 5},
                                                      {1e-310, 0, 1e300, 1}, {INFINITY, 1, NAN, 2}, {-1, 0, 1, -1e308}};
    for (size_t i = 0; i < GR_COUNT(y); i++)
        for (int log = 0; log < 2; log++)
            for (int columns = 1; columns < 130; columns += 13) {
                gr__text t;
                gr_series s = {.label = "a", .n = 4, .x = x, .y = y[i]};
                gr_plot p = {.title = "t", .x = {.label = "updates"}, .y = {.log = log}, .series = &s, .n_series = 1};
                text_of(ctx, &p, &(gr_text_style){.columns = columns, .lines = 7}, &t);
                int width = GR_MAX(columns, 28), lines = 0;
                for (const char *at = t.s; *at; lines++) {
                    size_t n = strcspn(at, "\n");
                    assert_true((int)n <= width);
                    at += n + (at[n] == '\n');
                }
                assert_true(lines >= 7 + 3);
                assert_null(strstr(t.s, "nan"));
                gr__text_free(&t);
            }
    test_context_end(ctx);
}

static void text_of_a_line(void **state)
{
    (void)state;
    gr_context *ctx = test_context();
    static const double x[] = {0, 1, 2, 3}, y[] = {0, 1, 2, 3}, gap[] = {3, NAN, NAN, 0};
    gr_series s[] = {{.label = "up", .n = 4, .x = x, .y = y}, {.label = "two", .n = 4, .x = x, .y = gap}};
    gr_plot p = {.x = {.low = 0, .high = 3}, .y = {.low = 0, .high = 3}, .series = s, .n_series = 2};
    gr__text t;
    text_of(ctx, &p, &(gr_text_style){.columns = 28, .lines = 4}, &t);
    assert_string_equal(t.s, "           |o            ***\n"
                             "           |        *****\n"
                             "           |   *****\n"
                             "         0 |***            o\n"
                             "           +----------------\n"
                             "            0\n"
                             "            * up  o two\n");
    gr__text_free(&t);
    text_of(ctx, &p, &(gr_text_style){.columns = 28, .lines = 4, .utf8 = true, .colour = true}, &t);
    assert_non_null(strstr(t.s, "\033[34m")); /* and it is switched off as often as it is switched on */
    assert_int_equal(count(t.s, "\033["), 2 * count(t.s, "\033[0m"));
    gr__text_free(&t);
    for (uint64_t k = 1; k < 4; k++) {
        gr__text_init(&t, ctx);
        gr__fail_acquisition(ctx, k);
        gr_status st = gr__plot_text(&p, &(gr_text_style){.columns = 80, .lines = 8}, &t);
        gr__fail_acquisition(ctx, 0);
        assert_true(st == GR_E_MEMORY || k > 1);
        gr_context_clear_error(ctx);
        gr__text_free(&t);
    }
    test_context_end(ctx);
}

/* Several plots in one file. */
static void plots_one_below_the_other(void **state)
{
    (void)state;
    gr_context *ctx = test_context();
    static const double x[] = {0, 1, 2};
    gr_series s = {.label = "a & b", .n = 3, .x = x, .y = x};
    gr_plot p[] = {{.title = "one", .series = &s, .n_series = 1, .height = 300},
                   {.title = "two", .series = &s, .n_series = 1}};
    gr__text t;
    gr__text_init(&t, ctx);
    test_ok(ctx, gr__plots_svg(p, 2, &t));
    check_xml(t.s);
    assert_int_equal(count(t.s, "<svg "), 3);
    assert_non_null(strstr(t.s, "viewBox=\"0 0 800 800\""));
    assert_non_null(strstr(t.s, "translate(0 300)"));
    gr__text_free(&t);
    test_context_end(ctx);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(text_of_any_numbers),
        cmocka_unit_test(text_of_a_line),
        cmocka_unit_test(plots_one_below_the_other),
        cmocka_unit_test(numbers_of_any_kind_are_drawn),
        cmocka_unit_test(a_gap_breaks_the_line),
        cmocka_unit_test(lines_stay_inside_the_frame),
        cmocka_unit_test(strangers_text_is_escaped),
        cmocka_unit_test(lines_of_text_break_at_spaces),
        cmocka_unit_test(many_points_make_a_short_file),
        cmocka_unit_test(contours_are_drawn_where_z_is_a_number),
        cmocka_unit_test(the_same_plot_has_the_same_bytes),
        cmocka_unit_test(axes_may_have_words),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
