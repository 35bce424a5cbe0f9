/* Numbers as pictures, maps, curves, rows and text: the pixels and words that each becomes. [mission D24] */
#include <math.h>
#include <string.h>

#include "train/manner.h"
#include "test.h"

static gr_context *ctx;
static gr_sheet sheet;
static gr_face *face;

static int setup(void **state)
{
    (void)state;
    ctx = test_context();
    test_ok(ctx, gr__sheet_open(ctx, "manner", &sheet));
    face = gr__card_face(&sheet, gr__sheet_card(&sheet, "card"), NULL);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    assert_int_equal(sheet.failed, GR_OK);
    gr__sheet_close(&sheet);
    test_context_end(ctx);
    return 0;
}

static void assert_pixel(int x, int y, int r, int g, int b)
{
    const gr_colour c = face->picture.at[y * face->picture.width + x];
    if (c.r != r || c.g != g || c.b != b) fail_msg("(%d,%d) is %d,%d,%d, not %d,%d,%d", x, y, c.r, c.g, c.b, r, g, b);
}

static void bytes_are_their_own_grey(void **state)
{
    (void)state;
    uint8_t x[2 * 3] = {0, 1, 127, 128, 254, 255};
    gr__manner m = {.kind = GR__MANNER_PICTURE, .shape = GR_SHAPE(2, 3, 1), .as = GR_EL_U8, .bytes = true};
    gr__manner_take(&m, x, 6);
    assert_false(m.any);
    gr__manner_show(&m, x, 2, &sheet, face);
    assert_true(face->picture.width == 3 && face->picture.height == 2);
    for (int i = 0; i < 6; i++) assert_pixel(i % 3, i / 3, x[i], x[i], x[i]);
    float changed[6] = {-20, 1, 127.4f, 128, 300, 255}; /* by augmentation: beyond what a screen has */
    m.as = GR_EL_F32;
    gr__manner_show(&m, changed, 2, &sheet, face);
    assert_pixel(0, 0, 0, 0, 0), assert_pixel(2, 0, 127, 127, 127), assert_pixel(1, 1, 255, 255, 255);
}

static void three_channels_are_colours(void **state)
{
    (void)state;
    double x[1 * 2 * 3] = {0, 5, 10, 10, NAN, 5};
    gr__manner m = {.kind = GR__MANNER_PICTURE, .shape = GR_SHAPE(1, 2, 3), .as = GR_EL_F64};
    gr__manner_take(&m, x, 6);
    assert_true(m.any && m.low == 0 && m.high == 10);
    x[4] = 10;
    gr__manner_show(&m, x, 1, &sheet, face);
    assert_pixel(0, 0, 0, 128, 255), assert_pixel(1, 0, 255, 255, 128);
}

static void other_channels_stand_beside_each_other(void **state)
{
    (void)state;
    uint8_t x[2 * 2 * 5];
    for (int i = 0; i < 20; i++) x[i] = (uint8_t)(i % 5 * 50); /* channel k is 50 k everywhere */
    gr__manner m = {.kind = GR__MANNER_PICTURE, .shape = GR_SHAPE(2, 2, 5), .as = GR_EL_U8, .bytes = true};
    gr__manner_show(&m, x, 2, &sheet, face);
    assert_true(face->picture.width == 8 && face->picture.height == 5); /* 3 by 2 tiles, a pixel between */
    for (int k = 0; k < 5; k++) assert_pixel(k % 3 * 3 + 1, k / 3 * 3, k * 50, k * 50, k * 50);
}

static void what_is_missing_is_no_grey(void **state)
{
    (void)state;
    float x[4] = {0, NAN, 1, INFINITY};
    gr__manner m = {.kind = GR__MANNER_PICTURE, .shape = GR_SHAPE(2, 2), .as = GR_EL_F32};
    gr__manner_take(&m, x, 4);
    assert_true(m.low == 0 && m.high == 1);
    gr__manner_show(&m, x, 2, &sheet, face);
    assert_pixel(0, 0, 0, 0, 0), assert_pixel(1, 1, 255, 255, 255);
    const gr_colour c = face->picture.at[1];
    assert_true(c.r != c.g);
}

static double lightness(const gr_colour *c)
{
    return 0.2126 * c->r * c->r + 0.7152 * c->g * c->g + 0.0722 * c->b * c->b;
}

static void maps_have_steps_to_the_right_and_features_upwards(void **state)
{
    (void)state;
    enum { T = 100, F = 4 };
    static float x[T][F];
    for (int t = 0; t < T; t++)
        for (int f = 0; f < F; f++) x[t][f] = (float)(t + 100 * f);
    gr__manner m = {.kind = GR__MANNER_MAP, .shape = GR_SHAPE(T, F), .as = GR_EL_F32};
    gr__manner_take(&m, x, T * F);
    gr__manner_show(&m, x, T - 10, &sheet, face);
    assert_true(face->picture.width == T && face->picture.height == F);
    const gr_colour *at = face->picture.at;
    for (int i = 1; i < T - 10; i++) assert_true(lightness(&at[i]) >= lightness(&at[i - 1]));
    for (int y = 1; y < F; y++) assert_true(lightness(&at[y * T]) < lightness(&at[(y - 1) * T]));
    for (int i = T - 10; i < T; i++) assert_memory_equal(&at[i], &at[T + i], sizeof *at); /* beyond the length */
}

static void long_sides_are_reduced(void **state)
{
    (void)state;
    static uint8_t x[3000 * 30], steps[5000 * 2];
    for (int i = 0; i < 3000 * 30; i++) x[i] = (uint8_t)(i / 30 % 2 ? 255 : 0);
    gr__manner m = {.kind = GR__MANNER_PICTURE, .shape = GR_SHAPE(3000, 30), .as = GR_EL_U8, .bytes = true};
    gr__manner_show(&m, x, 3000, &sheet, face);
    assert_true(face->picture.width == 10 && face->picture.height == 1024);
    m = (gr__manner){.kind = GR__MANNER_MAP, .shape = GR_SHAPE(5000, 2), .as = GR_EL_U8, .bytes = true};
    gr__manner_show(&m, steps, 5000, &sheet, face);
    assert_true(face->picture.width == 1024 && face->picture.height == 2);
}

static void rows_have_names_and_an_end(void **state)
{
    (void)state;
    static const char *const name[] = {"age", "rooms"};
    static double x[100] = {0.1, -3};
    gr__manner m = {.kind = GR__MANNER_ROWS, .shape = GR_SHAPE(2), .as = GR_EL_F64, .column = name};
    gr__manner_show(&m, x, 2, &sheet, face);
    assert_int_equal(face->n_rows, 2);
    assert_string_equal(face->row[0].name, "age"), assert_string_equal(face->row[0].value, "0.1");
    assert_string_equal(face->row[1].value, "-3");
    m.shape = GR_SHAPE(100), m.column = NULL;
    gr__manner_show(&m, x, 100, &sheet, face);
    assert_int_equal(face->n_rows, 65);
    assert_string_equal(face->row[63].name, "63"), assert_string_equal(face->row[64].name, "and 36 more");
}

static void curves_reach_from_top_to_bottom(void **state)
{
    (void)state;
    static float x[600];
    for (int i = 0; i < 600; i++) x[i] = sinf((float)i * 0.1f);
    x[300] = NAN;
    gr__manner m = {.kind = GR__MANNER_CURVE, .shape = GR_SHAPE(600), .as = GR_EL_F32};
    gr__manner_take(&m, x, 600);
    gr__manner_show(&m, x, 600, &sheet, face);
    int lowest = 0, highest = face->picture.height;
    const gr_colour ground = face->picture.at[0];
    for (int x0 = 0; x0 < face->picture.width; x0++) {
        int drawn = 0;
        for (int y = 0; y < face->picture.height; y++) {
            if (face->picture.at[y * face->picture.width + x0].b == ground.b) continue;
            drawn++;
            lowest = GR_MAX(lowest, y), highest = GR_MIN(highest, y);
        }
        assert_true(drawn > 0);
    }
    assert_true(highest == 0 && lowest == face->picture.height - 1);
}

static void text_is_text(void **state)
{
    (void)state;
    static const int32_t bytes[] = {'a', '<', '\n', '\t', 0xC3, 0xA9, 0xFF, 7}, chars[] = {0, 1, 2, 3, 4, 99};
    static const int32_t symbol[] = {'b', 0x20AC, 0x1F600};
    gr_schema of_bytes = {.unit = "byte"}, of_chars = {.unit = "char", .symbol = symbol, .n_symbols = 3};
    gr__manner m = {.kind = GR__MANNER_INDICES, .shape = GR_SHAPE(8), .as = GR_EL_I32, .schema = &of_bytes};
    gr__manner_show(&m, bytes, 8, &sheet, face);
    assert_string_equal(face->text, "a<\n\\t\xC3\xA9\\xff\\x07");
    gr__manner_show(&m, bytes, 2, &sheet, face);
    assert_string_equal(face->text, "a<");
    m.schema = &of_chars, m.shape = GR_SHAPE(6);
    gr__manner_show(&m, chars, 6, &sheet, face);
    assert_string_equal(face->text, "\xEF\xBF\xBD\xEF\xBF\xBD"
                                    "b\xE2\x82\xAC\xF0\x9F\x98\x80\xEF\xBF\xBD");
    m.schema = NULL;
    gr__manner_show(&m, chars, 6, &sheet, face);
    assert_string_equal(face->text, "0 1 2 3 4 99");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(bytes_are_their_own_grey, setup, teardown),
        cmocka_unit_test_setup_teardown(three_channels_are_colours, setup, teardown),
        cmocka_unit_test_setup_teardown(other_channels_stand_beside_each_other, setup, teardown),
        cmocka_unit_test_setup_teardown(what_is_missing_is_no_grey, setup, teardown),
        cmocka_unit_test_setup_teardown(maps_have_steps_to_the_right_and_features_upwards, setup, teardown),
        cmocka_unit_test_setup_teardown(long_sides_are_reduced, setup, teardown),
        cmocka_unit_test_setup_teardown(rows_have_names_and_an_end, setup, teardown),
        cmocka_unit_test_setup_teardown(curves_reach_from_top_to_bottom, setup, teardown),
        cmocka_unit_test_setup_teardown(text_is_text, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
