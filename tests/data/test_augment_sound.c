/* SpecAugment and noise: where masks lie against the paper's distribution, how time is warped, and that nothing happens
 * where nothing is asked for. */
#include "files.h"

#include <math.h>

#include "data/augment.h"

typedef struct changer {
    const gr_augment *member;
    void *state;
    gr_shape shape;
    void *scratch;
} changer;

static const gr_augment *member_of(const char *name)
{
    int n;
    const gr_augment *const *all = gr__augments(&n);
    for (int i = 0; i < n; i++)
        if (strcmp(all[i]->head.name, name) == 0) return all[i];
    fail_msg("there is no %s", name);
    return NULL;
}

static gr_status make(const char *name, const char *tree, gr_shape shape, changer *out)
{
    gr_settings s;
    size_t bytes = 0;
    *out = (changer){.member = member_of(name), .shape = shape};
    gr_status st = gr__settings_make(f.ctx, f.b, &out->member->head, yaml(&f, tree), GR_PRESET_CHAPTER, NULL, &s);
    gr_augment_make like = {.settings = &s, .shape = shape, .folder = f.folder};
    if (st == GR_OK) st = out->member->make(f.ctx, f.b, &like, &out->state, &bytes);
    out->scratch = gr__bump_alloc(f.b, bytes + 1);
    assert_non_null(out->scratch);
    return st;
}

static changer changer_of(const char *name, const char *tree, gr_shape shape)
{
    changer c;
    test_ok(f.ctx, make(name, tree, shape, &c));
    return c;
}

static void change(const changer *c, uint32_t sample, int64_t counts, float *x)
{
    gr__rng r = gr__rng_make(11, "augment", sample, 3);
    gr_augment_sample s = {.x = x, .scratch = c->scratch, .shape = c->shape, .counts = counts};
    c->member->apply(c->state, &r, &s);
}

enum { TAU = 50, NU = 20, WIDE = 7, LONG = 12, DRAWS = 40000 };

/* Numbers of which none is the mean, and none twice. */
static void fill(float *x, int64_t n)
{
    for (int64_t i = 0; i < n; i++) x[i] = (float)(i + 1) * (i % 2 ? 1.F : -1.25F);
}

/* Pearson's statistic of counts that should be like `share` of all. */
static double chi_square(const int64_t *count, const double *share, int n, double all)
{
    double sum = 0;
    for (int i = 0; i < n; i++) {
        double want = share[i] * all;
        assert_true(want > 5);
        sum += (count[i] - want) * (count[i] - want) / want;
    }
    return sum;
}

/* Of n - 1 degrees of freedom, beyond what happens once in ten million (Wilson & Hilferty). */
static double limit_of(int n)
{
    double k = n - 1, z = 5.2, t = 1 - 2 / (9 * k) + z * sqrt(2 / (9 * k));
    return k * t * t * t;
}

/* One mask of up to `most` in a row of n: its widths are alike, and each width is alike everywhere. `by_time`: rows. */
static void check_masks(const char *tree, bool by_time, int most, int n)
{
    changer c = changer_of("specaugment", tree, GR_SHAPE(TAU, NU));
    float x[TAU * NU], old[TAU * NU];
    int64_t width[TAU + 1] = {0}, place[TAU] = {0}, wide = 0;
    double share[TAU + 1];
    fill(old, TAU * NU);
    for (uint32_t k = 0; k < DRAWS; k++) {
        memcpy(x, old, sizeof x);
        change(&c, k, TAU, x);
        int first = n, w = 0;
        for (int i = 0; i < n; i++) {
            int64_t at = by_time ? (int64_t)i * NU : i, apart = by_time ? 1 : NU, m = by_time ? NU : TAU;
            bool masked = x[at] == -0.5F;
            for (int64_t j = 0; j < m; j++)
                assert_true(masked ? x[at + j * apart] == -0.5F : x[at + j * apart] == old[at + j * apart]);
            if (!masked) continue;
            if (first == n) first = i;
            assert_int_equal(i, first + w); /* in a row */
            w++;
        }
        assert_true(w <= most);
        width[w]++;
        if (w == most) place[first]++, wide++;
    }
    for (int i = 0; i <= most; i++) share[i] = 1.0 / (most + 1);
    assert_true(chi_square(width, share, most + 1, DRAWS) < limit_of(most + 1));
    if (most == n) return; /* there is one place */
    for (int i = 0; i <= n - most; i++) share[i] = 1.0 / (n - most + 1);
    assert_true(chi_square(place, share, n - most + 1, (double)wide) < limit_of(n - most + 1));
}

/* D18: the paper's distribution. */
static void masks_are_drawn_as_the_paper_says(void **state)
{
    (void)state;
    check_masks("{freq_mask: 7, value: -0.5}", false, WIDE, NU);
    check_masks("{time_mask: 12, value: -0.5}", true, LONG, TAU);
    check_masks("{time_mask: 40, portion: 0.2, value: -0.5}", true, 10, TAU);
    check_masks("{freq_mask: 90, value: -0.5}", false, NU, NU);
}

/* The width that torchaudio draws (functional.mask_along_axis): a real number below its parameter, cut to a whole one.
 */
static int torchaudio_width(gr__rng *r, int parameter)
{
    return (int)(gr__rng_uniform(r) * parameter);
}

/* The stated difference: what is 0 to F here is 0 to F - 1 there, so ours are those of its parameter F + 1. */
static void widths_are_torchaudios_of_one_more(void **state)
{
    (void)state;
    changer c = changer_of("specaugment", "{freq_mask: 7, value: -0.5}", GR_SHAPE(1, NU));
    gr__rng r = gr__rng_make(3, "torchaudio", 0, 0);
    int64_t ours[WIDE + 1] = {0}, theirs[WIDE + 1] = {0}, like[WIDE + 1] = {0};
    double sum = 0;
    for (uint32_t k = 0; k < DRAWS; k++) {
        float x[NU];
        int w = 0;
        fill(x, NU);
        change(&c, k, 1, x);
        for (int i = 0; i < NU; i++) w += x[i] == -0.5F;
        ours[w]++;
        theirs[torchaudio_width(&r, WIDE)]++;
        like[torchaudio_width(&r, WIDE + 1)]++;
    }
    assert_true(ours[WIDE] > 0);
    assert_int_equal(theirs[WIDE], 0);
    for (int i = 0; i <= WIDE; i++) /* two samples of as many draws */
        sum += (double)((ours[i] - like[i]) * (ours[i] - like[i])) / (double)(ours[i] + like[i]);
    assert_true(sum < limit_of(WIDE + 1));
}

/* Every value of a sample whose own masks are many; only what counts is masked, and counted for the mean. */
static void only_what_counts_is_changed(void **state)
{
    (void)state;
    changer c = changer_of("specaugment", "{policy: LD, time_warp: 3}", GR_SHAPE(TAU, NU, 1));
    float x[TAU * NU], old[TAU * NU];
    bool changed = false;
    double sum = 0;
    fill(old, TAU * NU);
    for (int i = 0; i < 31 * NU; i++) sum += old[i];
    for (uint32_t k = 0; k < 200; k++) {
        memcpy(x, old, sizeof x);
        change(&c, k, 31, x);
        assert_memory_equal(x + 31 * NU, old + 31 * NU, 19 * NU * sizeof *x);
        for (int i = 0; i < 31 * NU && !changed; i++) changed = x[i] == (float)(sum / (31 * NU));
    }
    assert_true(changed);
}

/* How far apart what is asked for and what is drawn may be: never beyond both ends, and ends stay where they are. */
static void warped_time_keeps_its_ends_and_its_order(void **state)
{
    (void)state;
    changer c = changer_of("specaugment", "{time_warp: 9.5}", GR_SHAPE(TAU, 2));
    double most = 0, least = 0;
    for (uint32_t k = 0; k < 5000; k++) {
        float x[TAU * 2];
        for (int t = 0; t < TAU; t++) x[2 * t] = (float)t, x[2 * t + 1] = (float)(3 - 2 * t);
        change(&c, k, TAU, x);
        assert_true(x[0] == 0 && x[2 * TAU - 2] == TAU - 1);
        for (int t = 0; t < TAU; t++) {
            if (t) assert_true(x[2 * t] > x[2 * t - 2]);
            assert_true(fabs(x[2 * t + 1] - (3 - 2 * (double)x[2 * t])) < 1e-4); /* all bands alike */
            most = GR_MAX(most, x[2 * t] - t);
            least = GR_MIN(least, x[2 * t] - t);
        }
    }
    /* a goes to a + w: what stands there came from |w| away, which comes near W and never beyond */
    assert_true(most > 9 && most < 9.5 && least < -9 && least > -9.5);
}

/* Two lines meet at a + w, where a is a whole number; both are as far from straight as they should be. */
static void warped_time_is_two_lines(void **state)
{
    (void)state;
    changer c = changer_of("specaugment", "{time_warp: 10}", GR_SHAPE(TAU, 1));
    int64_t centre[TAU] = {0};
    int64_t shift[10] = {0};
    double share[TAU];
    for (uint32_t k = 0; k < DRAWS; k++) {
        float x[TAU];
        for (int t = 0; t < TAU; t++) x[t] = (float)t;
        change(&c, k, TAU, x);
        double low = x[1], high = TAU - 1 - (double)x[TAU - 2]; /* slopes a / (a + w), (last - a) / (last - a - w) */
        /* a = low to, last - a = high (last - to) */
        double to = (TAU - 1) * (1 - high) / (low - high), a = low * to;
        if (fabs(low - high) < 0.02) continue;     /* w is about 0 */
        if (fabs(x[2] - 2 * low) > 1e-3) continue; /* so near an end that only one of the lines is seen */
        if (fabs(TAU - 1 - (double)x[TAU - 3] - 2 * high) > 1e-3) continue;
        assert_true(fabs(a - rint(a)) < 0.05 && a > 9.9 && a < TAU - 10.9);
        for (int t = 0; t < TAU; t++)
            assert_true(fabs(x[t] - (t < to ? low * t : TAU - 1 - high * (TAU - 1 - t))) < 0.01);
        centre[(int)rint(a) - 10]++;
        if (fabs(to - a) >= 2 && fabs(to - a) < 10) shift[(int)((to - a + 10) / 2)]++;
    }
    for (int i = 0; i < 30; i++) share[i] = 1.0 / 30;
    double all = 0;
    for (int i = 0; i < 30; i++) all += (double)centre[i];
    assert_true(all > 0.8 * DRAWS);
    /* those with w about 0 are left out, rather more of them at some centres: held against each other, not tightly */
    for (int i = 0; i < 30; i++) assert_true(fabs((double)centre[i] / all - share[i]) < 0.2 * share[i]);
    all = 0;
    for (int i = 0; i < 10; i++) all += (double)shift[i];
    for (int i = 0; i < 10; i++)
        if (i != 4 && i != 5) assert_true(fabs((double)shift[i] / all - 1.0 / 8) < 0.01);
}

static void unchanged(const char *name, const char *tree, int64_t counts)
{
    changer c = changer_of(name, tree, GR_SHAPE(TAU, NU));
    float x[TAU * NU], old[TAU * NU];
    fill(old, TAU * NU);
    for (uint32_t k = 0; k < 50; k++) {
        memcpy(x, old, sizeof x);
        change(&c, k, counts, x);
        assert_memory_equal(x, old, sizeof x);
    }
}

static void no_strength_changes_nothing(void **state)
{
    (void)state;
    unchanged("specaugment", "{time_warp: 0, freq_mask: 0, time_mask: 0}", TAU);
    unchanged("specaugment", "{policy: LD, time_warp: 0, freq_masks: 0, time_masks: 0}", TAU);
    unchanged("specaugment", "{policy: SS, freq_masks: 0, portion: 0}", 40);
    unchanged("specaugment", "{time_warp: 25}", TAU); /* tau <= 2 W */
    unchanged("specaugment", "{time_warp: 15.5}", 31);
    unchanged("noise", "{std: 0}", TAU);
}

static void policies_are_the_papers(void **state)
{
    (void)state;
    static const struct {
        const char *policy, *numbers;
    } same[] = {
        {"{policy: LB}", "{time_warp: 80, freq_mask: 27, freq_masks: 1, time_mask: 100, portion: 1, time_masks: 1}"},
        {"{policy: LD}", "{time_warp: 80, freq_mask: 27, freq_masks: 2, time_mask: 100, portion: 1.0, time_masks: 2}"},
        {"{policy: SM}", "{time_warp: 40, freq_mask: 15, freq_masks: 2, time_mask: 70, portion: 0.2, time_masks: 2}"},
        {"{policy: SS}", "{time_warp: 40, freq_mask: 27, freq_masks: 2, time_mask: 70, portion: 0.2, time_masks: 2}"},
        {"{policy: SS, time_warp: 7, freq_mask: 3, value: 2}",
         "{time_warp: 7, freq_mask: 3, freq_masks: 2, time_mask: 70, portion: 0.2, time_masks: 2, value: 2}"},
    };
    enum { FRAMES = 300, BANDS = 40 };
    float *a = gr__bump_alloc(f.b, FRAMES * BANDS * sizeof *a), *b = gr__bump_alloc(f.b, FRAMES * BANDS * sizeof *b);
    for (size_t i = 0; i < GR_COUNT(same); i++) {
        changer by_name = changer_of("specaugment", same[i].policy, GR_SHAPE(FRAMES, BANDS)),
                by_number = changer_of("specaugment", same[i].numbers, GR_SHAPE(FRAMES, BANDS));
        for (uint32_t k = 0; k < 20; k++) {
            fill(a, FRAMES * BANDS);
            fill(b, FRAMES * BANDS);
            change(&by_name, k, FRAMES, a);
            change(&by_number, k, FRAMES, b);
            assert_memory_equal(a, b, FRAMES * BANDS * sizeof *a);
        }
    }
}

static void the_key_alone_decides(void **state)
{
    (void)state;
    static const char *const cases[][2] = {{"specaugment", "{policy: SM, time_warp: 5}"}, {"noise", "{std: 0.5}"}};
    for (size_t i = 0; i < GR_COUNT(cases); i++) {
        changer c = changer_of(cases[i][0], cases[i][1], GR_SHAPE(TAU, NU));
        float a[TAU * NU], b[TAU * NU], other[TAU * NU];
        fill(a, TAU * NU);
        fill(b, TAU * NU);
        fill(other, TAU * NU);
        change(&c, 5, TAU, a);
        change(&c, 6, TAU, other);
        change(&c, 5, TAU, b);
        assert_memory_equal(a, b, sizeof a);
        assert_true(memcmp(a, other, sizeof a) != 0);
    }
}

static int ascending(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

/* Kolmogorov & Smirnov: the largest distance of the distributions, beyond what happens once in ten million. */
static void noise_is_normal(void **state)
{
    (void)state;
    enum { N = 30000 };
    changer c = changer_of("noise", "{std: 0.25}", GR_SHAPE(N / 100, 100));
    float *x = gr__bump_alloc(f.b, N * sizeof *x);
    double *z = gr__bump_alloc(f.b, N * sizeof *z), worst = 0;
    for (int i = 0; i < N; i++) x[i] = 3;
    change(&c, 1, N / 100, x);
    for (int i = 0; i < N; i++) z[i] = (x[i] - 3) / 0.25;
    qsort(z, N, sizeof *z, ascending);
    for (int i = 0; i < N; i++) worst = GR_MAX(worst, fabs(0.5 * erfc(-z[i] / sqrt(2)) - (i + 0.5) / N));
    assert_true(worst < 2.9 / sqrt(N));
    for (int i = 0; i < N; i++) x[i] = 3;
    change(&c, 1, 120, x); /* what counts alone */
    for (int i = 12000; i < N; i++) assert_true(x[i] == 3);
    assert_true(x[11999] != 3);
}

static void refuse_settings(const char *name, const char *tree, gr_shape shape, gr_status code, const char *words)
{
    changer c;
    gr_status st = make(name, tree, shape, &c);
    const gr_error *e = gr_context_error(f.ctx);
    if (st != code || !strstr(e->message, words)) fail_msg("%s: %s: %s", tree, gr_status_name(st), e->message);
    assert_string_equal(e->file, "r.yaml");
    gr_context_clear_error(f.ctx);
}

static void wrong_settings_are_refused(void **state)
{
    (void)state;
    refuse_settings("specaugment", "{policy: LX}", GR_SHAPE(9, 9), GR_E_NAME, "LX");
    refuse_settings("specaugment", "{}", GR_SHAPE(9, 9), GR_E_MISSING, "neither a policy");
    refuse_settings("specaugment", "{portion: 0.5}", GR_SHAPE(9, 9), GR_E_MISSING, "neither a policy");
    refuse_settings("specaugment", "{freq_mask: -1}", GR_SHAPE(9, 9), GR_E_RANGE, "-1");
    refuse_settings("specaugment", "{freq_mask: 1.5}", GR_SHAPE(9, 9), GR_E_TYPE, "1.5");
    refuse_settings("specaugment", "{portion: 1.1, policy: LD}", GR_SHAPE(9, 9), GR_E_RANGE, "1.1");
    refuse_settings("specaugment", "{mask: 1}", GR_SHAPE(9, 9), GR_E_KEY, "mask");
    refuse_settings("specaugment", "{policy: LD}", GR_SHAPE(9), GR_E_CONFLICT, "[frames, bands]");
    refuse_settings("specaugment", "{policy: LD}", GR_SHAPE(9, 9, 3), GR_E_CONFLICT, "[9,9,3]");
    refuse_settings("noise", "{}", GR_SHAPE(9), GR_E_MISSING, "std");
    refuse_settings("noise", "{std: -1}", GR_SHAPE(9), GR_E_RANGE, "-1");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(masks_are_drawn_as_the_paper_says),
        cmocka_unit_test(widths_are_torchaudios_of_one_more),
        cmocka_unit_test(only_what_counts_is_changed),
        cmocka_unit_test(warped_time_keeps_its_ends_and_its_order),
        cmocka_unit_test(warped_time_is_two_lines),
        cmocka_unit_test(no_strength_changes_nothing),
        cmocka_unit_test(policies_are_the_papers),
        cmocka_unit_test(the_key_alone_decides),
        cmocka_unit_test(noise_is_normal),
        cmocka_unit_test(wrong_settings_are_refused),
    };
    return cmocka_run_group_tests(tests, files_setup, files_teardown);
}
