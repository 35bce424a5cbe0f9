/* Gradient descent in whole trainings.  [mission O1, O2] */
#include "support/trainings.h"

static void gd_is_sgd_with_one_batch(void **state)
{
    (void)state;
    model a, b;
    const char *const all[] = {"data.batch=all"};
    gr_train_result r = FIT("optimizer: {type: gd, lr: 0.2}\nstop: {epochs: 4}\nvalidate: none\n", &a);
    assert_int_equal(r.steps, 4);
    fit("optimizer: {type: sgd, lr: 0.2}\nstop: {epochs: 4}\nvalidate: none\n", all, 1, "last.safetensors", &b, NULL);
    assert_true(apart(&a, &b) == 0);
    model_free(&a), model_free(&b);
}

static void both_forms_of_nag_see_the_same_points(void **state) /* while the rate is constant [mission O19] */
{
    (void)state;
    model a, b;
    costs one, other;
    fit("optimizer: {type: nag, lr: 0.05}\nstop: {steps: 12}\nvalidate: none\n", NULL, 0, "last.safetensors", &a, &one);
    fit("optimizer: {type: nag, lr: 0.05, form: sutskever}\nstop: {steps: 12}\nvalidate: none\n", NULL, 0,
        "last.safetensors", &b, &other);
    assert_int_equal(one.n, 12);
    for (int i = 0; i < 12; i++) assert_true(fabs(one.train[i] - other.train[i]) < 1e-9);
    assert_true(apart(&a, &b) > 1e-4); /* the weights themselves are not those points */
    model_free(&a), model_free(&b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(gd_is_sgd_with_one_batch),
        cmocka_unit_test(both_forms_of_nag_see_the_same_points),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
