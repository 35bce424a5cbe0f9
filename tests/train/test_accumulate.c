/* Updates of several micro-batches: what counts once an update counts once, curvature is that of the whole batch. */
#include "support/trainings.h"

/* The penalty enters before clipping, once an update whatever the micro-batches, and whatever the reduction. */
static void a_penalty_counts_once(void **state)
{
    (void)state;
    const char *lines = "optimizer: {type: sgd, lr: 0.1}\nvalidate: none\nstop: {steps: 3}\npenalty: {l2: 0.1, l1: "
                        "0.01}\nclip: {norm: 0.5}\n";
    const char *const whole[] = {"data.batch=32"}, *const micro[] = {"data.batch=8", "accumulate=4"};
    model a, b;
    fit(lines, whole, 1, "last.safetensors", &a, NULL);
    fit(lines, micro, 2, "last.safetensors", &b, NULL);
    assert_true(apart(&a, &b) < 1e-13);
    model_free(&a), model_free(&b);
}

/* With reduction: sum the gradient of the data is as many times as long as there are samples; the penalty's stays what
 * it is, however many micro-batches there are. */
static void a_penalty_counts_once_beside_a_sum(void **state)
{
    (void)state;
    enum { BATCH = 16 };
    const double lr = 0.5 / BATCH, l2 = 0.03, l1 = 0.02;
    const char *const sum[] = {"cost={type: cross_entropy, reduction: sum}"};
    const char *const micro[] = {"cost={type: cross_entropy, reduction: sum}", "data.batch=4", "accumulate=4"};
    model start, mean, plain, with, split;
    costs k;
    char text[300];
    FIT("optimizer: {type: sgd, lr: 0}\nvalidate: none\nstop: {steps: 1}\n", &start);
    FIT("optimizer: {type: sgd, lr: 0.5}\nvalidate: none\nstop: {steps: 1}\n", &mean);
    fit("optimizer: {type: sgd, lr: 0.03125}\nvalidate: none\nstop: {steps: 1}\n", sum, 1, "last.safetensors", &plain,
        NULL);
    assert_true(apart(&start, &mean) > 1e-3 && apart(&mean, &plain) < 1e-14); /* sixteen times the gradient */
    snprintf(text, sizeof text,
             "optimizer: {type: sgd, lr: %g}\nvalidate: none\nstop: {steps: 1}\npenalty: {l2: %g, l1: %g}\n", lr, l2,
             l1);
    fit(text, sum, GR_COUNT(sum), "last.safetensors", &with, &k);
    fit(text, micro, GR_COUNT(micro), "last.safetensors", &split, NULL);
    assert_true(apart(&with, &split) < 1e-14);
    double term = 0;
    for (int i = 0; i < 4; i++) {
        bool bias = strstr(start.name[i], "bias") != NULL;
        for (int64_t j = 0; j < start.count[i]; j++) {
            double w = start.v[i][j], slope = bias ? 0 : 2 * l2 * w + l1 * ((w > 0) - (w < 0));
            assert_true(fabs(plain.v[i][j] - with.v[i][j] - lr * slope) < 1e-14);
            if (!bias) term += l2 * w * w + l1 * fabs(w);
        }
    }
    assert_true(fabs(k.train[0] - k.data[0] - term) < 1e-8 * term); /* beside the mean, which is what is reported */
    model_free(&start), model_free(&mean), model_free(&plain), model_free(&with), model_free(&split);
}

static void adahessian_sees_the_same_curvature_in_micro_batches(void **state)
{
    (void)state;
    model a, b;
    const char *lines =
        "optimizer: {type: adahessian, lr: 0.05, eps: 0.01}\nvalidate: none\nstop: {steps: 3}\npenalty: {l2: 1e-3}\n";
    const char *const whole[] = {"data.batch=32"}, *const micro[] = {"data.batch=8", "accumulate=4"};
    fit(lines, whole, 1, "last.safetensors", &a, NULL);
    fit(lines, micro, 2, "last.safetensors", &b, NULL);
    assert_true(apart(&a, &b) < 1e-11);
    model_free(&a), model_free(&b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_penalty_counts_once),
        cmocka_unit_test(a_penalty_counts_once_beside_a_sum),
        cmocka_unit_test(adahessian_sees_the_same_curvature_in_micro_batches),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
