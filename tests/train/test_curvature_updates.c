/* Updates that want curvature, in whole trainings.  [mission O23] */
#include "support/trainings.h"

static void adahessian_trains_a_convolutional_network(void **state)
{
    (void)state;
    model m;
    costs k;
    static const char *const intervals[] = {"optimizer.hessian_interval=1", "optimizer.hessian_interval=3"};
    for (size_t i = 0; i < GR_COUNT(intervals); i++) {
        fit("optimizer: {type: adahessian, lr: 0.05, eps: 0.01}\nvalidate: none\nstop: {steps: 40}\n", &intervals[i], 1,
            "last.safetensors", &m, &k);
        double early = 0, late = 0;
        for (int t = 0; t < 6; t++) early += k.train[t] / 6, late += k.train[k.n - 1 - t] / 6;
        assert_true(late < 0.5 * early);
        model_free(&m);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(adahessian_trains_a_convolutional_network),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
