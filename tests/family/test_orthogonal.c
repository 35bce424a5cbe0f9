/* Orthogonal matrices: right angles and one length whatever the shape, every direction as likely, gate blocks each
 * alone. [algorithms 3.3]
 */
#include "support/case_init.h"

static double *filled(const char *set, const gr_param_info *p)
{
    ev_bench b;
    assert_true(ev_begin(&b, set));
    double *x = calloc((size_t)gr_shape_count(p->entry.shape) + 1, sizeof *x);
    test_ok(b.ctx, gr__init_param(b.ctx, &(gr_init_from){.tree = b.tree, .seed = 3}, p, x));
    ev_end(&b);
    return x;
}

/* Largest difference of W W^T (wide) or W^T W (tall) from gain^2 I: 0 means that all singular values are the gain. */
static double off(const double *w, int64_t rows, int64_t columns, double gain)
{
    bool wide = rows < columns;
    int64_t n = wide ? rows : columns, length = wide ? columns : rows;
    double worst = 0;
    for (int64_t i = 0; i < n; i++) {
        for (int64_t j = 0; j <= i; j++) {
            double sum = 0;
            for (int64_t k = 0; k < length; k++)
                sum += wide ? w[i * columns + k] * w[j * columns + k] : w[k * columns + i] * w[k * columns + j];
            worst = fmax(worst, fabs(sum - (i == j ? gain * gain : 0)));
        }
    }
    return worst;
}

static void every_shape_is_orthogonal(void **state)
{
    (void)state;
    const struct {
        gr_shape shape;
        const char *set;
        double gain;
    } rows[] = {
        {GR_SHAPE(64, 64), "{weights: orthogonal}", 1},
        {GR_SHAPE(200, 33), "{weights: orthogonal}", 1},
        {GR_SHAPE(33, 200), "{weights: orthogonal}", 1},
        {GR_SHAPE(16, 3, 3, 7), "{weights: {type: orthogonal, gain: 0.3}}", 0.3}, /* a convolution: 16 by 63 */
        {GR_SHAPE(80, 3, 3, 2), "{weights: {type: orthogonal, gain: 7}}", 7},     /* 80 by 18 */
        {GR_SHAPE(1, 1), "{weights: {type: orthogonal, gain: 2}}", 2},
        {GR_SHAPE(1, 9), "{weights: orthogonal}", 1},
        {GR_SHAPE(9, 1), "{weights: orthogonal}", 1},
        {GR_SHAPE(9), "{weights: orthogonal}", 1},
    };
    for (size_t i = 0; i < GR_COUNT(rows); i++) {
        gr_param_info p = {.entry = {.name = "l.weight", .shape = rows[i].shape}};
        int64_t count = gr_shape_count(rows[i].shape), n_rows = rows[i].shape.dim[0];
        double *w = filled(rows[i].set, &p);
        assert_true(off(w, n_rows, count / n_rows, rows[i].gain) < 1e-12 * rows[i].gain * rows[i].gain);
        free(w);
    }
}

static void a_scalar_and_nothing(void **state)
{
    (void)state;
    gr_param_info scalar = {.entry = {.name = "s", .shape = GR_SCALAR}},
                  none = {.entry = {.name = "n", .shape = GR_SHAPE(4, 0)}},
                  no_rows = {.entry = {.name = "n", .shape = GR_SHAPE(0, 4)}};
    double *x = filled("{weights: {type: orthogonal, gain: 3}}", &scalar);
    assert_true(fabs(fabs(x[0]) - 3) < 1e-14);
    free(x), free(filled("{weights: orthogonal}", &none)), free(filled("{weights: orthogonal}", &no_rows));
}

static void the_gain_follows_the_activation(void **state)
{
    (void)state;
    static const struct {
        gr_follow follow;
        double slope, gain;
    } rows[] = {{GR_FOLLOW_NOTHING, 0, 1},
                {GR_FOLLOW_SIGMOID, 0, 1},
                {GR_FOLLOW_TANH, 0, 5.0 / 3},
                {GR_FOLLOW_RELU, 0, 1.4142135623730951},
                {GR_FOLLOW_LEAKY, 0.5, 1.2649110640673518}};
    for (size_t i = 0; i < GR_COUNT(rows); i++) {
        gr_param_info p = {
            .entry = {.name = "l.weight", .shape = GR_SHAPE(12, 20)}, .follow = rows[i].follow, .slope = rows[i].slope};
        double *w = filled("{weights: {type: orthogonal, gain: auto}}", &p);
        assert_true(off(w, 12, 20, rows[i].gain) < 1e-12);
        free(w);
    }
}

static void gate_blocks_are_orthogonal_each_alone(void **state)
{
    (void)state;
    gr_param_info p = {.entry = {.name = "l.weight_hh_l0", .shape = GR_SHAPE(40, 10)}, .blocks = 4};
    double *w = filled("{weights: orthogonal}", &p);
    for (int b = 0; b < 4; b++) assert_true(off(w + 100 * b, 10, 10, 1) < 1e-12);
    for (int b = 1; b < 4; b++) assert_memory_not_equal(w, w + 100 * b, 100 * sizeof *w);
    assert_true(off(w, 40, 10, 2) < 1e-12); /* four of them below each other */
    free(w);
}

/* Householder's QR of one vector after the other, as the algorithm is written down: how many go through the reflections
 * together, and how wide the processor's vectors are, changes no bit. */
static double eights(const double *a, const double *b, int64_t n)
{
    double part[8] = {0}, sum = 0;
    for (int64_t i = 0; i < n; i++) part[i < n / 8 * 8 ? i % 8 : 0] += a[i] * b[i];
    for (int k = 0; k < 8; k++) sum += part[k];
    return sum;
}

static void one_reflection(const double *v, double scale, double *x, int64_t n)
{
    double by = scale * eights(v, x, n);
    for (int64_t i = 0; i < n; i++) x[i] -= by * v[i];
}

static void plain_orthogonal(gr__rng *r, int64_t n, int64_t length, double *q)
{
    double *v = calloc((size_t)(n * length), sizeof *v), *scale = calloc((size_t)(2 * n), sizeof *scale),
           *sign = scale + n;
    assert_true(v && scale);
    for (int64_t k = 0; k < n; k++) {
        double *x = v + k * length;
        for (int64_t i = 0; i < length; i++) x[i] = gr__rng_normal(r);
        for (int64_t i = 0; i < k; i++) one_reflection(v + i * length + i, scale[i], x + i, length - i);
        double norm = sqrt(eights(x + k, x + k, length - k));
        sign[k] = x[k] > 0 ? -1 : 1;
        x[k] -= sign[k] * norm;
        scale[k] = 2 / eights(x + k, x + k, length - k);
    }
    for (int64_t j = 0; j < n; j++) {
        double *x = q + j * length;
        memset(x, 0, sizeof *x * (size_t)length);
        x[j] = sign[j];
        for (int64_t k = j; k >= 0; k--) one_reflection(v + k * length + k, scale[k], x + k, length - k);
    }
    free(v), free(scale);
}

static void many_at_a_time_are_as_one(void **state)
{
    (void)state;
    static const int64_t sizes[][2] = {{1, 1}, {2, 9}, {15, 15}, {16, 40}, {17, 17}, {32, 33}, {50, 131}};
    ev_bench b;
    gr_settings s;
    int n_all;
    const gr_init *const *all = gr__inits(&n_all), *m = NULL;
    for (int i = 0; i < n_all; i++)
        if (strcmp(all[i]->head.name, "orthogonal") == 0) m = all[i];
    assert_true(ev_begin(&b, "orthogonal"));
    test_ok(b.ctx, gr__settings_make(b.ctx, b.memory, &m->head, b.tree, GR_PRESET_CHAPTER, NULL, &s));
    for (size_t c = 0; c < GR_COUNT(sizes); c++) {
        int64_t n = sizes[c][0], length = sizes[c][1];
        gr_param_info p = {.entry = {.name = "w", .shape = GR_SHAPE(n, length)}};
        double *is = calloc((size_t)(n * length), sizeof *is), *want = calloc((size_t)(n * length), sizeof *want);
        gr__rng one = gr__rng_make(7, "same", 0, 0), other = one;
        assert_true(is && want);
        test_ok(b.ctx, gr__init_values(b.ctx, m, &s, &(gr_init_target){&p, n * length, &one}, is));
        plain_orthogonal(&other, n, length, want);
        for (int64_t i = 0; i < n * length; i++) { /* a square's vectors are its columns */
            int64_t at = n == length ? i % n * n + i / n : i;
            assert_memory_equal(&is[i], &want[at], sizeof *is);
        }
        free(is), free(want);
    }
    ev_end(&b);
}

/* Uniform over O(3): every element is then uniform within [-1, 1] (Archimedes). Without the signs of R's diagonal the
 * first is never above 0. */
static void every_direction_is_as_likely(void **state)
{
    (void)state;
    enum { MANY = 20000 };
    ev_bench b;
    static double element[9][MANY];
    int n;
    const gr_init *const *all = gr__inits(&n), *m = NULL;
    gr_settings s;
    for (int i = 0; i < n; i++)
        if (strcmp(all[i]->head.name, "orthogonal") == 0) m = all[i];
    assert_non_null(m);
    assert_true(ev_begin(&b, "orthogonal"));
    test_ok(b.ctx, gr__settings_make(b.ctx, b.memory, &m->head, b.tree, GR_PRESET_CHAPTER, NULL, &s));
    gr_param_info p = {.entry = {.name = "w", .shape = GR_SHAPE(3, 3)}};
    gr__rng rng = gr__rng_make(11, "haar", 0, 0);
    for (int i = 0; i < MANY; i++) {
        double w[9];
        test_ok(b.ctx, gr__init_values(b.ctx, m, &s, &(gr_init_target){.param = &p, .count = 9, .rng = &rng}, w));
        for (int k = 0; k < 9; k++) element[k][i] = w[k];
    }
    for (int k = 0; k < 9; k++) {
        qsort(element[k], MANY, sizeof element[k][0], ev_ascending);
        double ks = ev_ks("uniform", 0, 0, 1, element[k], MANY);
        if (!(ks < 1.95)) fail_msg("element %d: Kolmogorov-Smirnov %g", k, ks);
    }
    ev_end(&b);
}

/* ---- the same numbers as of a whole matrix at once ---- */

static double sum_of_products(const double *a, const double *b, int64_t n)
{
    double part[8] = {0}, sum = 0;
    int64_t i = 0;
    for (; i + 8 <= n; i += 8)
        for (int k = 0; k < 8; k++) part[k] += a[i + k] * b[i + k];
    for (; i < n; i++) part[0] += a[i] * b[i];
    for (int k = 0; k < 8; k++) sum += part[k];
    return sum;
}

static void reflected(const double *v, double scale, double *x, int64_t n)
{
    double by = scale * sum_of_products(v, x, n);
    for (int64_t i = 0; i < n; i++) x[i] -= by * v[i];
}

/* Householder's method as books have it: every vector drawn first, each reflection taken to all that follow. */
static void by_the_book(gr__rng *rng, int64_t rows, int64_t columns, double *w)
{
    bool wide = rows < columns;
    int64_t n = wide ? rows : columns, length = wide ? columns : rows;
    double *all = calloc((size_t)(n * length), sizeof *all), *q = calloc((size_t)length, sizeof *q);
    double *scale = calloc((size_t)n, sizeof *scale), *sign = calloc((size_t)n, sizeof *sign);
    for (int64_t i = 0; i < n * length; i++) all[i] = gr__rng_normal(rng);
    for (int64_t k = 0; k < n; k++) {
        double *v = all + k * length + k;
        double norm = sqrt(sum_of_products(v, v, length - k));
        sign[k] = v[0] > 0 ? -1 : 1;
        v[0] -= sign[k] * norm;
        double square = sum_of_products(v, v, length - k);
        scale[k] = square > 0 ? 2 / square : 0;
        for (int64_t j = k + 1; j < n; j++) reflected(v, scale[k], all + j * length + k, length - k);
    }
    for (int64_t j = 0; j < n; j++) {
        for (int64_t i = 0; i < length; i++) q[i] = i == j ? sign[j] : 0;
        for (int64_t k = j; k >= 0; k--) reflected(all + k * length + k, scale[k], q + k, length - k);
        for (int64_t i = 0; i < length; i++) w[wide ? j * columns + i : i * columns + j] = q[i];
    }
    free(all), free(q), free(scale), free(sign);
}

static void packing_changes_no_bit(void **state)
{
    (void)state;
    static const int64_t sizes[][2] = {{1, 1}, {1, 9}, {9, 1}, {40, 40}, {33, 70}, {70, 33}, {128, 129}};
    for (size_t i = 0; i < GR_COUNT(sizes); i++) {
        int64_t rows = sizes[i][0], columns = sizes[i][1];
        gr_param_info p = {.entry = {.name = "w", .shape = GR_SHAPE(rows, columns)}};
        double *got = filled("{weights: orthogonal}", &p), *want = calloc((size_t)(rows * columns), sizeof *want);
        gr__rng rng = gr__rng_make(3, "init/w", 0, 0);
        by_the_book(&rng, rows, columns, want);
        assert_memory_equal(got, want, sizeof *want * (size_t)(rows * columns));
        free(got);
        free(want);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_shape_is_orthogonal),       cmocka_unit_test(a_scalar_and_nothing),
        cmocka_unit_test(the_gain_follows_the_activation), cmocka_unit_test(gate_blocks_are_orthogonal_each_alone),
        cmocka_unit_test(many_at_a_time_are_as_one),       cmocka_unit_test(packing_changes_no_bit),
        cmocka_unit_test(every_direction_is_as_likely),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
