/* LookAhead in whole trainings.  [mission O25, O26] */
#include "support/trainings.h"

static void lookahead_of_one_is_the_optimizer_alone(void **state)
{
    (void)state;
    equal_to_the_bit("optimizer: adam\nstop: {steps: 11}\n",
                     "optimizer: adam\nstop: {steps: 11}\nlookahead: {k: 3, alpha: 1, eval: fast}\n");
}

static void lookahead_of_zero_trains_nothing(void **state)
{
    (void)state;
    equal_to_the_bit("optimizer: {type: sgd, lr: 0}\nstop: {steps: 1}\n",
                     "optimizer: adam\nstop: {steps: 9}\nlookahead: {k: 3, alpha: 0}\n");
}

static void ranger_is_radam_inside_lookahead(void **state)
{
    (void)state;
    equal_to_the_bit("optimizer: {type: ranger, lr: 0.02}\nstop: {steps: 20}\n",
                     "optimizer: {type: radam, lr: 0.02, beta1: 0.95, eps: 1e-5}\nstop: {steps: 20}\nlookahead: {k: 6, "
                     "alpha: 0.5}\n");
}

/* After k updates of SGD the weights are halfway between the start and where SGD alone is; between synchronisations the
 * slow ones are the model. */
static void lookahead_pulls_halfway_back(void **state)
{
    (void)state;
    model start, fast, half, between;
    FIT("optimizer: {type: sgd, lr: 0}\nstop: {steps: 1}\nvalidate: none\n", &start);
    FIT("optimizer: {type: sgdm, lr: 0.1}\nstop: {steps: 5}\nvalidate: none\n", &fast);
    FIT("optimizer: {type: sgdm, lr: 0.1}\nstop: {steps: 5}\nvalidate: none\nlookahead: {k: 5, alpha: 0.5}\n", &half);
    FIT("optimizer: {type: sgdm, lr: 0.1}\nstop: {steps: 8}\nvalidate: none\nlookahead: {k: 5, alpha: 0.5}\n",
        &between);
    for (int i = 0; i < 4; i++)
        for (int64_t k = 0; k < start.count[i]; k++)
            assert_true(half.v[i][k] == 0.5 * start.v[i][k] + 0.5 * fast.v[i][k]);
    assert_true(apart(&half, &between) == 0);
    model_free(&start), model_free(&fast), model_free(&half), model_free(&between);
}

static void lookahead_may_treat_the_inner_momentum(void **state)
{
    (void)state;
    model keep, reset, pullback, again;
    const char *base = "optimizer: {type: sgdm, lr: 0.1}\nstop: {steps: 10}\nvalidate: none\n";
    const char *const sets[] = {"lookahead={k: 5, alpha: 0.5}", "lookahead={k: 5, alpha: 0.5, inner: reset}",
                                "lookahead={k: 5, alpha: 0.5, inner: pullback}"};
    fit(base, &sets[0], 1, "last.safetensors", &keep, NULL);
    fit(base, &sets[1], 1, "last.safetensors", &reset, NULL);
    fit(base, &sets[2], 1, "last.safetensors", &pullback, NULL);
    fit(base, &sets[2], 1, "last.safetensors", &again, NULL);
    assert_true(apart(&keep, &reset) > 1e-6 && apart(&keep, &pullback) > 1e-6 && apart(&reset, &pullback) > 1e-6);
    assert_true(apart(&pullback, &again) == 0);
    model_free(&keep), model_free(&reset), model_free(&pullback), model_free(&again);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(lookahead_of_one_is_the_optimizer_alone), cmocka_unit_test(lookahead_of_zero_trains_nothing),
        cmocka_unit_test(ranger_is_radam_inside_lookahead),        cmocka_unit_test(lookahead_pulls_halfway_back),
        cmocka_unit_test(lookahead_may_treat_the_inner_momentum),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
