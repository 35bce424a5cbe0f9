/* Augmentations of pictures, and mixtures (D20): nothing at zero strength, mirror images twice, exact quarter turns,
 * cuts of the picture with its border, squares where they should be; draws as they are said to be distributed. */
#include "files.h"

#include <math.h>

#include "data/augment.h"

enum { MOST = 4096 };

static float x[MOST], before[MOST];
static uint8_t memory[16 * MOST];

static gr_augmentation made(const char *list, gr_shape shape, gr_element e)
{
    gr_field field = {.name = GR_LONE_INPUT, .sample = shape, .element = e};
    gr_augmentation a;
    test_ok(f.ctx, gr__augmentation_make(f.ctx, f.b, yaml(&f, list),
                                         &(gr_augment_make){.x = &field, .shape = shape, .folder = "."}, 5, &a));
    return a;
}

static void fill(gr_shape s)
{
    for (int64_t i = 0; i < gr_shape_count(s); i++) before[i] = x[i] = (float)((i * 37 + i / 7) % 251);
}

static void run(const gr_augmentation *a, uint32_t row, uint32_t epoch)
{
    assert_true(a->scratch <= sizeof memory);
    memset(memory, 0xA5, sizeof memory);
    gr__augmentation_run(a, row, epoch,
                         &(gr_augment_sample){.x = x, .scratch = memory, .shape = a->shape, .counts = a->shape.dim[0]});
}

static bool unchanged(gr_shape s)
{
    return memcmp(x, before, sizeof *x * (size_t)gr_shape_count(s)) == 0;
}

static const gr_shape shapes[] = {{3, {1, 1, 1}}, {3, {5, 5, 1}},   {3, {7, 4, 3}},
                                  {2, {6, 9}},    {3, {28, 28, 1}}, {3, {12, 13, 2}}};

static void nothing_at_zero_strength(void **state)
{
    (void)state;
    static const char *const lists[] = {
        "[{type: flip, p: 0}]",
        "[{type: flip, p: 0, axis: vertical}]",
        "[{type: crop, pad: 0}]",
        "[{type: crop, pad: 0, fill: zero}]",
        "[{type: rotate, degrees: 0}]",
        "[{type: rotate, degrees: [360, 360]}]",
        "[{type: scale, by: 0}]",
        "[{type: color, brightness: 0, contrast: 0, saturation: 0}]",
        "[{type: cutout, size: 0}]",
        "[mixup]",
        "[]",
    };
    for (size_t k = 0; k < GR_COUNT(shapes); k++)
        for (size_t i = 0; i < GR_COUNT(lists); i++) {
            gr_augmentation a = made(lists[i], shapes[k], GR_EL_U8);
            fill(shapes[k]);
            for (uint32_t row = 0; row < 20; row++) run(&a, row, row + 1);
            assert_true(unchanged(shapes[k]));
        }
}

static void mirror_images_twice_are_the_picture(void **state)
{
    (void)state;
    static const char *const lists[] = {"[{type: flip, p: 1}]", "[{type: flip, p: 1, axis: vertical}]"};
    for (size_t k = 0; k < GR_COUNT(shapes); k++)
        for (int vertical = 0; vertical < 2; vertical++) {
            gr_shape s = shapes[k];
            int64_t h = s.dim[0], w = s.dim[1], c = s.rank == 3 ? s.dim[2] : 1;
            gr_augmentation a = made(lists[vertical], s, GR_EL_F32);
            fill(s);
            run(&a, 3, 0);
            for (int64_t i = 0; i < h; i++)
                for (int64_t j = 0; j < w; j++)
                    for (int64_t n = 0; n < c; n++) {
                        int64_t from = vertical ? (h - 1 - i) * w + j : i * w + w - 1 - j;
                        assert_true(x[(i * w + j) * c + n] == before[from * c + n]);
                    }
            run(&a, 4, 0);
            assert_true(unchanged(s));
        }
}

/* Half of the pictures, give or take what chance does. */
static void mirror_images_come_as_often_as_said(void **state)
{
    (void)state;
    static const double chance[] = {0.5, 0.1};
    for (int k = 0; k < 2; k++) {
        gr_augmentation a = made(k ? "[{type: flip, p: 0.1}]" : "[flip]", shapes[2], GR_EL_F32);
        int times = 0, n = 4000;
        for (int i = 0; i < n; i++) {
            fill(shapes[2]);
            run(&a, (uint32_t)i, 7);
            times += !unchanged(shapes[2]);
        }
        assert_true(fabs(times - chance[k] * n) < 4 * sqrt(n * chance[k] * (1 - chance[k])));
    }
}

static void quarter_turns_move_pixels_and_change_none(void **state)
{
    (void)state;
    static const char *const lists[] = {
        "[{type: rotate, degrees: [90, 90]}]", "[{type: rotate, degrees: [-270, -270]}]",
        "[{type: rotate, degrees: [180, 180]}]", "[{type: rotate, degrees: [270, 270]}]"};
    for (int size = 1; size <= 8; size++)
        for (int c = 1; c <= 3; c += 2)
            for (int k = 0; k < 4; k++) {
                gr_shape s = GR_SHAPE(size, size, c);
                gr_augmentation a = made(lists[k], s, GR_EL_F32);
                fill(s);
                run(&a, 1, 1);
                for (int i = 0; i < size; i++)
                    for (int j = 0; j < size; j++)
                        for (int n = 0; n < c; n++) {
                            int from = k < 2 ? j * size + size - 1 - i /* counterclockwise: what was right is above */
                                       : k == 2 ? (size - 1 - i) * size + size - 1 - j
                                                : (size - 1 - j) * size + i;
                            assert_true(x[(i * size + j) * c + n] == before[from * c + n]);
                        }
            }
}

/* A ramp turned is the ramp at the places turned; its numbers between pixels are exact for bilinear ones. */
static void turned_and_scaled_ramps_are_ramps(void **state)
{
    (void)state;
    enum { H = 21, W = 17 };
    gr_shape s = GR_SHAPE(H, W, 1);
    for (int k = 0; k < 2; k++) {
        gr_augmentation a =
            made(k ? "[{type: scale, by: [1.25, 1.25]}]" : "[{type: rotate, degrees: [30, 30]}]", s, GR_EL_F32);
        for (int i = 0; i < H * W; i++) x[i] = (float)(i % W);
        run(&a, 0, 0);
        for (int i = 6; i < 15; i++)
            for (int j = 5; j < 12; j++) {
                double dy = i - 10, dx = j - 8, angle = 30 * acos(-1) / 180,
                       want = k ? 8 + dx / 1.25 : 8 - sin(angle) * dy + cos(angle) * dx;
                assert_true(fabs((double)x[i * W + j] - want) < 1e-4);
            }
    }
}

static float bordered(gr_shape s, int64_t i, int64_t j, int64_t n, bool reflect)
{
    int64_t h = s.dim[0], w = s.dim[1], c = s.dim[2];
    if (reflect) {
        i = i < 0 ? -i : i >= h ? 2 * (h - 1) - i : i;
        j = j < 0 ? -j : j >= w ? 2 * (w - 1) - j : j;
    }
    return i < 0 || i >= h || j < 0 || j >= w ? 0 : before[(i * w + j) * c + n];
}

static void crops_are_cuts_of_the_picture_with_its_border(void **state)
{
    (void)state;
    enum { PAD = 3, TIMES = 3000 };
    gr_shape s = GR_SHAPE(7, 9, 2);
    for (int reflect = 0; reflect < 2; reflect++) {
        gr_augmentation a =
            made(reflect ? "[{type: crop, pad: 3}]" : "[{type: crop, pad: 3, fill: zero}]", s, GR_EL_U8);
        int seen[2 * PAD + 1][2 * PAD + 1] = {{0}};
        for (int t = 0; t < TIMES; t++) {
            int found = 0;
            fill(s);
            run(&a, (uint32_t)t, 2);
            for (int dy = -PAD; dy <= PAD; dy++)
                for (int dx = -PAD; dx <= PAD; dx++) {
                    bool same = true;
                    for (int e = 0; e < 7 * 9 * 2 && same; e++)
                        same = x[e] == bordered(s, e / 18 + dy, e / 2 % 9 + dx, e % 2, reflect);
                    found += same;
                    seen[dy + PAD][dx + PAD] += same;
                }
            assert_int_equal(found, 1);
        }
        for (int k = 0; k < 49; k++) { /* uniform: 61 of each, with a deviation of 7.7 */
            assert_true(abs(seen[k / 7][k % 7] - TIMES / 49) < 40);
        }
    }
}

static void squares_are_left_out_anywhere(void **state)
{
    (void)state;
    enum { H = 8, W = 6, C = 2, SIZE = 3 };
    gr_shape s = GR_SHAPE(H, W, C);
    gr_augmentation a = made("[{type: cutout, size: 3, fill: -1}]", s, GR_EL_F32),
                    mean = made("[{type: cutout, size: 99}]", s, GR_EL_F32);
    int seen[H][W] = {{0}};
    for (int t = 0; t < 2000; t++) {
        int top = H, left = W, bottom = -1, right = -1, out = 0;
        fill(s);
        run(&a, (uint32_t)t, 0);
        for (int i = 0; i < H * W; i++) {
            if (x[i * C] != -1) {
                assert_true(x[i * C] == before[i * C] && x[i * C + 1] == before[i * C + 1]);
                continue;
            }
            assert_true(x[i * C + 1] == -1);
            top = GR_MIN(top, i / W), bottom = GR_MAX(bottom, i / W);
            left = GR_MIN(left, i % W), right = GR_MAX(right, i % W);
            out++;
            seen[i / W][i % W]++;
        }
        assert_int_equal(out, (bottom - top + 1) * (right - left + 1));
        assert_true(bottom - top < SIZE && right - left < SIZE && out >= 4); /* at a corner, 2 x 2 of it */
    }
    assert_true(seen[4][3] > 2 * seen[0][0]); /* 9 of 48 places hold an inner pixel, 4 a corner */
    fill(s);
    run(&mean, 0, 0);
    for (int c = 0; c < C; c++) {
        double sum = 0;
        for (int i = 0; i < H * W; i++) sum += (double)before[i * C + c];
        for (int i = 0; i < H * W; i++) assert_true(fabs((double)x[i * C + c] - sum / (H * W)) < 1e-3);
    }
}

static void colours_change_by_factors(void **state)
{
    (void)state;
    gr_shape s = GR_SHAPE(4, 5, 3);
    gr_augmentation bright = made("[{type: color, brightness: 0.5, contrast: 0}]", s, GR_EL_F32),
                    grey = made("[{type: color, brightness: 0, contrast: 0, saturation: 1}]", s, GR_EL_F32),
                    flat = made("[{type: color, brightness: 0, contrast: 1}]", s, GR_EL_F32),
                    bytes = made("[{type: color, brightness: 9, contrast: 9, saturation: 9}]", s, GR_EL_U8);
    for (uint32_t t = 0; t < 200; t++) {
        fill(s);
        run(&bright, t, 0);
        double factor = (double)x[1] / (double)before[1];
        assert_true(factor >= 0.5 && factor <= 1.5);
        for (int i = 0; i < 60; i++) assert_true(fabs((double)x[i] - factor * (double)before[i]) < 1e-3);
        fill(s);
        run(&grey, t, 0);
        for (int i = 0; i < 20; i++) {
            const float *a = x + 3 * i, *b = before + 3 * i;
            float was = 0.299f * b[0] + 0.587f * b[1] + 0.114f * b[2],
                  is = 0.299f * a[0] + 0.587f * a[1] + 0.114f * a[2];
            assert_true(fabsf(was - is) < 1e-2f);
        }
        fill(s);
        run(&flat, t, 0);
        double spread = 0, mean = 0;
        for (int i = 0; i < 20; i++)
            mean += (0.299 * (double)before[3 * i] + 0.587 * (double)before[3 * i + 1] +
                     0.114 * (double)before[3 * i + 2]) /
                    20;
        for (int i = 0; i < 60; i++)
            spread = fmax(spread, fabs((double)x[i] - mean) - 2 * fabs((double)before[i] - mean));
        assert_true(spread < 1e-3);
        fill(s);
        run(&bytes, t, 0);
        for (int i = 0; i < 60; i++) assert_true(x[i] >= 0 && x[i] <= 255);
    }
}

static void what_cannot_be_changed_is_refused(void **state)
{
    (void)state;
    static const struct {
        const char *list, *says;
        gr_shape shape;
        gr_status code;
    } cases[] = {
        {"[flip]", "flip is for pictures", {1, {12}}, GR_E_SHAPE},
        {"[rotate]", "rotate is for pictures", {4, {2, 3, 4, 5}}, GR_E_SHAPE},
        {"[{type: crop, pad: 6}]", "border of 6 pixels", {3, {6, 9, 1}}, GR_E_RANGE},
        {"[{type: crop, pad: -1}]", "", {3, {6, 9, 1}}, GR_E_RANGE},
        {"[{type: rotate, degrees: -5}]", "not from 0 on", {3, {6, 9, 1}}, GR_E_RANGE},
        {"[{type: rotate, degrees: [5, 1]}]", "does not rise", {3, {6, 9, 1}}, GR_E_RANGE},
        {"[{type: rotate, degrees: wide}]", "neither a number nor", {3, {6, 9, 1}}, GR_E_TYPE},
        {"[{type: scale, by: 1}]", "0 times their size", {3, {6, 9, 1}}, GR_E_RANGE},
        {"[{type: color, saturation: 0.5}]", "no saturation", {3, {6, 9, 1}}, GR_E_SHAPE},
        {"[cutout]", "size", {3, {6, 9, 1}}, GR_E_MISSING},
        {"[flop]", "", {3, {6, 9, 1}}, GR_E_NAME},
    };
    for (size_t i = 0; i < GR_COUNT(cases); i++) {
        gr_field field = {.name = GR_LONE_INPUT, .sample = cases[i].shape, .element = GR_EL_F32};
        gr_augmentation a;
        gr_status st = gr__augmentation_make(f.ctx, f.b, yaml(&f, cases[i].list),
                                             &(gr_augment_make){.x = &field, .shape = cases[i].shape}, 1, &a);
        assert_int_equal(st, cases[i].code);
        assert_non_null(strstr(gr_context_error(f.ctx)->message, cases[i].says));
        assert_true(gr_context_error(f.ctx)->line > 0);
        gr_context_clear_error(f.ctx);
    }
}

/* Beta(a, a) has mean 1/2 and variance 1 / (4 (2a + 1)); partners are a permutation; areas are those of the shares. */
static void mixtures_are_drawn_as_said(void **state)
{
    (void)state;
    static const double alphas[] = {0.05, 0.2, 1, 4, 100};
    enum { N = 20000, B = 5 };
    for (size_t k = 0; k < GR_COUNT(alphas); k++) {
        gr_mixture m = {.kind = GR_MIX_BLEND, .alpha = alphas[k]};
        double sum = 0, squares = 0, variance = 1 / (4 * (2 * alphas[k] + 1));
        int first[B] = {0};
        for (int i = 0; i < N; i++) {
            gr_mixture_draw d;
            int32_t partner[B];
            int seen = 0;
            gr__mixture_draw(&m, 9, i, 0, B, &d, partner);
            assert_true(d.share >= 0 && d.share <= 1);
            sum += d.share - 0.5;
            squares += (d.share - 0.5) * (d.share - 0.5);
            for (int b = 0; b < B; b++) seen |= 1 << partner[b];
            assert_int_equal(seen, (1 << B) - 1);
            first[partner[0]]++;
        }
        assert_true(fabs(sum / N) < 5 * sqrt(variance / N));
        assert_true(fabs(squares / N - variance) < 0.05 * variance);
        for (int b = 0; b < B; b++) assert_true(abs(first[b] - N / B) < 300);
    }
    gr_mixture m = {GR_MIX_PATCH, 1, 28, 20};
    for (int i = 0; i < 2000; i++) {
        gr_mixture_draw d, again;
        int32_t partner[B];
        gr__mixture_draw(&m, 9, i, 64, B, &d, partner);
        gr__mixture_draw(&m, 9, i, 64, B, &again, partner);
        assert_memory_equal(&d, &again, sizeof d);
        assert_true(d.top >= 0 && d.left >= 0 && d.bottom <= 28 && d.right <= 20 && d.top <= d.bottom &&
                    d.left <= d.right);
        assert_true(fabs(d.share - (1 - (d.bottom - d.top) * (d.right - d.left) / 560)) < 1e-12);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(nothing_at_zero_strength, files_setup, files_teardown),
        cmocka_unit_test_setup_teardown(mirror_images_twice_are_the_picture, files_setup, files_teardown),
        cmocka_unit_test_setup_teardown(mirror_images_come_as_often_as_said, files_setup, files_teardown),
        cmocka_unit_test_setup_teardown(quarter_turns_move_pixels_and_change_none, files_setup, files_teardown),
        cmocka_unit_test_setup_teardown(turned_and_scaled_ramps_are_ramps, files_setup, files_teardown),
        cmocka_unit_test_setup_teardown(crops_are_cuts_of_the_picture_with_its_border, files_setup, files_teardown),
        cmocka_unit_test_setup_teardown(squares_are_left_out_anywhere, files_setup, files_teardown),
        cmocka_unit_test_setup_teardown(colours_change_by_factors, files_setup, files_teardown),
        cmocka_unit_test_setup_teardown(what_cannot_be_changed_is_refused, files_setup, files_teardown),
        cmocka_unit_test_setup_teardown(mixtures_are_drawn_as_said, files_setup, files_teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
