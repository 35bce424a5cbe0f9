/* Sheets: PNG files that hold the pixels they are made of, pages that nest whatever words stand in them, the same bytes
 * each time, and every lack of memory told. [mission D24] */
#include <spng.h>
#include <stdlib.h>

#include "result/sheet.h"
#include "xml.h"

static gr_context *ctx;
static gr__bump *memory;

static int setup(void **state)
{
    (void)state;
    ctx = test_context();
    memory = gr__bump_create(ctx);
    return memory ? 0 : 1;
}

static int teardown(void **state)
{
    (void)state;
    gr__bump_destroy(memory);
    test_context_end(ctx);
    return 0;
}

/* The pixels of a PNG file, by the decoder; freed by the caller. */
static gr_colour *decode(const char *file, size_t n, int *width, int *height)
{
    struct spng_ihdr head;
    size_t bytes;
    spng_ctx *png = spng_ctx_new(0);
    assert_int_equal(spng_set_png_buffer(png, file, n), 0);
    assert_int_equal(spng_get_ihdr(png, &head), 0);
    assert_int_equal(spng_decoded_image_size(png, SPNG_FMT_RGB8, &bytes), 0);
    gr_colour *at = malloc(bytes);
    assert_int_equal(spng_decode_image(png, at, bytes, SPNG_FMT_RGB8, 0), 0);
    *width = (int)head.width, *height = (int)head.height;
    spng_ctx_free(png);
    return at;
}

static gr_raster pattern(int width, int height)
{
    gr_raster r;
    test_ok(ctx, gr__raster_make(memory, width, height, &r));
    for (int i = 0; i < width * height; i++)
        r.at[i] = (gr_colour){(uint8_t)(i * 7), (uint8_t)(i * 31 / 5), (uint8_t)(255 - i)};
    return r;
}

static void png_holds_every_pixel(void **state)
{
    (void)state;
    static const int sides[][2] = {{1, 1}, {1, 9}, {9, 1}, {28, 28}, {301, 7}, {64, 1000}};
    for (size_t k = 0; k < GR_COUNT(sides); k++) {
        gr_raster r = pattern(sides[k][0], sides[k][1]);
        gr__text a, b;
        int width, height;
        gr__text_init(&a, ctx), gr__text_init(&b, ctx);
        test_ok(ctx, gr__raster_png(&r, &a));
        test_ok(ctx, gr__raster_png(&r, &b));
        assert_true(a.n == b.n && memcmp(a.s, b.s, a.n) == 0);
        gr_colour *at = decode(a.s, a.n, &width, &height);
        assert_true(width == r.width && height == r.height);
        assert_memory_equal(at, r.at, sizeof *at * (size_t)(width * height));
        free(at);
        gr__text_free(&a), gr__text_free(&b);
    }
}

/* The three lengths of a last group, against a decoder written here. */
static void uris_are_base64_of_the_file(void **state)
{
    (void)state;
    static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/",
                      head[] = "data:image/png;base64,";
    unsigned seen = 0;
    for (int width = 1; width < 40 && seen != 7; width++) {
        gr_raster r = pattern(width, 3);
        gr__text png, uri;
        size_t n = 0;
        gr__text_init(&png, ctx), gr__text_init(&uri, ctx);
        test_ok(ctx, gr__raster_png(&r, &png));
        test_ok(ctx, gr__raster_uri(&r, &uri));
        assert_memory_equal(uri.s, head, strlen(head));
        const char *s = uri.s + strlen(head);
        assert_true(strlen(s) == (png.n + 2) / 3 * 4);
        for (uint32_t bits = 0, have = 0; *s && *s != '='; s++) {
            assert_non_null(strchr(digits, *s));
            bits = bits << 6 | (uint32_t)(strchr(digits, *s) - digits), have += 6;
            if (have < 8) continue;
            have -= 8;
            assert_int_equal((bits >> have) & 255, (unsigned char)png.s[n++]);
        }
        assert_true(n == png.n);
        seen |= 1u << png.n % 3;
        gr__text_free(&png), gr__text_free(&uri);
    }
    assert_int_equal(seen, 7);
}

static void letters_differ_and_stay_inside(void **state)
{
    (void)state;
    for (int a = 0; a < 95; a++)
        for (int b = 0; b < a; b++) assert_memory_not_equal(gr__glyphs[a], gr__glyphs[b], GR_GLYPH_ROWS);
    for (int a = 0; a < 95; a++)
        for (int i = 0; i < GR_GLYPH_ROWS; i++) assert_true(gr__glyphs[a][i] < 1 << GR_GLYPH_COLUMNS);
    gr_raster r;
    gr_colour white = {255, 255, 255};
    test_ok(ctx, gr__raster_make(memory, 9, 9, &r));
    for (int x = -30; x < 30; x += 3)
        for (int y = -30; y < 30; y += 3)
            gr__raster_text(&r, x, y, 2, white, "A\xC3\xA9\xFFg", 5); /* sanitizers see what is written beyond */
    gr__raster_fill(&r, -5, -5, 100, 3, white);
    gr__raster_put(&r, 5, 5, 30, 30, &r);
}

static void pictures_are_enlarged_by_whole_numbers(void **state)
{
    (void)state;
    gr_raster small = pattern(3, 2), large, back;
    test_ok(ctx, gr__raster_make(memory, 12, 8, &large));
    test_ok(ctx, gr__raster_make(memory, 3, 2, &back));
    gr__raster_put(&large, 0, 0, 12, 8, &small);
    for (int y = 0; y < 8; y++)
        for (int x = 0; x < 12; x++)
            assert_memory_equal(&large.at[y * 12 + x], &small.at[y / 4 * 3 + x / 4], sizeof(gr_colour));
    gr__raster_put(&back, 0, 0, 3, 2, &large); /* means of equal pixels */
    assert_memory_equal(back.at, small.at, 6 * sizeof(gr_colour));
    static const struct {
        int width, height, w, h;
    } want[] = {{28, 28, 112, 112}, {100, 50, 200, 100},  {113, 1, 113, 1},  {200, 100, 200, 100},
                {1, 1, 112, 112},   {640, 320, 224, 112}, {1, 2000, 1, 224}, {300, 300, 224, 224}};
    for (size_t i = 0; i < GR_COUNT(want); i++) {
        int w, h;
        gr__sheet_scaled(&(gr_raster){.width = want[i].width, .height = want[i].height}, 112, 224, &w, &h);
        assert_true(w == want[i].w && h == want[i].h);
    }
}

/* ---- whole sheets ---- */

static const char hostile[] = "</h2><script>alert(1)</script> \" onload=\"x & \x01 \xFF";

static void fill(gr_sheet *s, int cards, const char *words)
{
    gr__sheet_note(s, "note %s", words);
    for (int i = 0; i < cards; i++) {
        gr_card *c = gr__sheet_card(s, gr__sheet_text(s, "#%d %s", i, words));
        gr_face *f = gr__card_face(s, c, words);
        static gr_sheet_row row[50];
        if (s->failed == GR_OK) s->failed = gr__raster_make(s->memory, 5, 4, &f->picture);
        f->foot = "crc32 0badcafe";
        f = gr__card_face(s, c, NULL);
        for (size_t k = 0; k < GR_COUNT(row); k++) row[k] = (gr_sheet_row){words, "0.25"};
        f->row = row, f->n_rows = i % 2 ? 50 : 3;
        f = gr__card_face(s, c, "text");
        f->text = words, f->text_bytes = strlen(words);
        gr__card_line(s, c, "label: %s", words);
        c->wrong = i == 1;
    }
}

static void write_both(gr__text *html, gr__text *png, const char *words)
{
    gr_sheet s;
    test_ok(ctx, gr__sheet_open(ctx, words, &s));
    fill(&s, 5, words);
    gr__text_init(html, ctx), gr__text_init(png, ctx);
    test_ok(ctx, gr__sheet_html(&s, html));
    test_ok(ctx, gr__sheet_png(&s, png));
    gr__sheet_close(&s);
}

static void pages_nest_whatever_stands_in_them(void **state)
{
    (void)state;
    gr__text html[2], png[2];
    int width, height;
    for (int i = 0; i < 2; i++) write_both(&html[i], &png[i], hostile);
    assert_string_equal(html[0].s, html[1].s);
    assert_true(png[0].n == png[1].n && memcmp(png[0].s, png[1].s, png[0].n) == 0);
    assert_memory_equal(html[0].s, "<!DOCTYPE html>\n", 16);
    check_xml(html[0].s + 16);
    assert_null(strstr(html[0].s, "<script"));
    assert_null(strstr(html[0].s, " onload=\"x"));
    assert_null(strstr(html[0].s, "http://"));
    assert_null(strstr(html[0].s, "https://"));
    free(decode(png[0].s, png[0].n, &width, &height));
    assert_true(width > 400 && height > 400);
    for (int i = 0; i < 2; i++) gr__text_free(&html[i]), gr__text_free(&png[i]);
}

static void an_empty_sheet_is_one_too(void **state)
{
    (void)state;
    gr_sheet s;
    gr__text html, png;
    int width, height;
    test_ok(ctx, gr__sheet_open(ctx, "", &s));
    gr__text_init(&html, ctx), gr__text_init(&png, ctx);
    test_ok(ctx, gr__sheet_html(&s, &html));
    test_ok(ctx, gr__sheet_png(&s, &png));
    check_xml(html.s + 16);
    free(decode(png.s, png.n, &width, &height));
    gr__text_free(&html), gr__text_free(&png);
    gr__sheet_close(&s);
}

static void too_large_a_picture_is_refused(void **state)
{
    (void)state;
    gr_sheet s;
    gr__text png;
    test_ok(ctx, gr__sheet_open(ctx, "many", &s));
    gr__text_init(&png, ctx);
    for (int i = 0; i < 1000; i++) {
        gr_card *c = gr__sheet_card(&s, "x");
        gr__card_face(&s, c, NULL)->picture = pattern(2, 2);
    }
    test_ok(ctx, gr__sheet_png(&s, &png));
    gr__text_free(&png);
    for (int i = 0; i < 20000; i++) gr__card_line(&s, gr__sheet_card(&s, "x"), "y");
    gr__text_init(&png, ctx);
    assert_int_equal(gr__sheet_png(&s, &png), GR_E_UNSUPPORTED);
    gr__text_free(&png);
    gr__sheet_close(&s);
}

static void any_lack_of_memory_is_told(void **state)
{
    (void)state;
    uint64_t before = gr__acquisitions(ctx), n;
    gr__text html, png;
    write_both(&html, &png, hostile);
    gr__text_free(&html), gr__text_free(&png);
    n = gr__acquisitions(ctx) - before;
    for (uint64_t k = 1; k <= n; k++) {
        gr_sheet s = {0};
        gr__text_init(&html, ctx), gr__text_init(&png, ctx);
        gr__fail_acquisition(ctx, k);
        gr_status st = gr__sheet_open(ctx, hostile, &s);
        if (st == GR_OK) fill(&s, 5, hostile);
        if (st == GR_OK) st = gr__sheet_html(&s, &html);
        if (st == GR_OK) st = gr__sheet_png(&s, &png);
        gr__fail_acquisition(ctx, 0);
        assert_int_equal(st, GR_E_MEMORY);
        gr_context_clear_error(ctx);
        gr__text_free(&html), gr__text_free(&png);
        gr__sheet_close(&s);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(png_holds_every_pixel, setup, teardown),
        cmocka_unit_test_setup_teardown(uris_are_base64_of_the_file, setup, teardown),
        cmocka_unit_test_setup_teardown(letters_differ_and_stay_inside, setup, teardown),
        cmocka_unit_test_setup_teardown(pictures_are_enlarged_by_whole_numbers, setup, teardown),
        cmocka_unit_test_setup_teardown(pages_nest_whatever_stands_in_them, setup, teardown),
        cmocka_unit_test_setup_teardown(an_empty_sheet_is_one_too, setup, teardown),
        cmocka_unit_test_setup_teardown(too_large_a_picture_is_refused, setup, teardown),
        cmocka_unit_test_setup_teardown(any_lack_of_memory_is_told, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
