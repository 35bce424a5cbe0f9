/* From one optimizer to another within a training.  [mission O11] */
#include "support/trainings.h"

static void a_switch_is_two_runs_one_after_the_other(void **state)
{
    (void)state;
    small s;
    gr_train_result result;
    gr_recipe *r;
    model by_hand, switched;
    char from[160], out[160];
    const char *const one[] = {"precision=float64",      "data.batch=all", "data.shuffle=none",
                               "model.layers[3].rate=0", "stop.steps=6",   "optimizer=adam"};
    const char *const two[] = {"precision=float64",      "data.batch=all", "data.shuffle=none",
                               "model.layers[3].rate=0", "stop.steps=4",   "optimizer={type: sgdm, lr: 0.05}"};
    const char *const both[] = {
        "precision=float64", "data.batch=all",
        "data.shuffle=none", "model.layers[3].rate=0",
        "stop.steps=10",     "optimizer={type: switch, first: adam, then: {type: sgdm, lr: 0.05}, at: 0.6}"};
    small_make(&s, "validate: none\n");
    gr_context *ctx = test_context_with(1, 0);
    snprintf(out, sizeof out, "%s/second", s.folder);
    snprintf(from, sizeof from, "%s/last.safetensors", s.out);
    test_ok(ctx, gr__recipe_open(ctx, s.recipe, one, GR_COUNT(one), &r));
    test_ok(ctx, gr__train(ctx, r, &(gr_train_options){.out = s.out}, &result));
    gr__recipe_close(ctx, r);
    test_ok(ctx, gr__recipe_open(ctx, s.recipe, two, GR_COUNT(two), &r));
    test_ok(ctx, gr__train(ctx, r, &(gr_train_options){.out = out, .from = from}, &result));
    gr__recipe_close(ctx, r);
    model_read(ctx, out, "last.safetensors", &by_hand);
    test_ok(ctx, gr__recipe_open(ctx, s.recipe, both, GR_COUNT(both), &r));
    test_ok(ctx, gr__train(ctx, r, &(gr_train_options){.out = s.out, .overwrite = true}, &result));
    gr__recipe_close(ctx, r);
    model_read(ctx, s.out, "last.safetensors", &switched);
    assert_true(apart(&by_hand, &switched) == 0);
    model_free(&by_hand), model_free(&switched);
    test_context_end(ctx);
    small_remove(&s);
}

/* With a constant gradient g the carried momentum is SGDM's steady state, (1 - dampening) g / (1 - momentum); after the
 * first update, which is undamped, it is momentum times as much, and g. From 0 it is g. */
static void a_carried_momentum_has_the_size_of_a_steady_one(void **state)
{
    (void)state;
    const char *base = "validate: none\nstop: {steps: 4}\n";
    const char *const fixed[] = {"data.batch=all", "data.shuffle=none", "model.layers[3].rate=0"};
    for (double dampening = 0; dampening < 1; dampening += 0.75) {
        model start, without, with;
        char then[3][160];
        snprintf(then[0], sizeof then[0], "optimizer={type: sgd, lr: 0}");
        for (int carry = 0; carry < 2; carry++)
            snprintf(
                then[1 + carry], sizeof then[1],
                "optimizer={type: switch, first: {type: adam, lr: 0}, then: {type: sgdm, lr: 0.05, dampening: %g}, "
                "at: 3, carry: %s}",
                dampening, carry ? "true" : "false");
        model *const m[] = {&start, &without, &with};
        for (int k = 0; k < 3; k++) {
            const char *const sets[] = {fixed[0], fixed[1], fixed[2], then[k]};
            fit(base, sets, 4, "last.safetensors", m[k], NULL);
        }
        double times = 0.9 * (1 - dampening) / (1 - 0.9) + 1;
        assert_true(apart(&start, &without) > 1e-4);
        for (int i = 0; i < 4; i++)
            for (int64_t k = 0; k < start.count[i]; k++)
                assert_true(fabs((with.v[i][k] - start.v[i][k]) - times * (without.v[i][k] - start.v[i][k])) < 1e-13);
        for (int k = 0; k < 3; k++) model_free(m[k]);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_switch_is_two_runs_one_after_the_other),
        cmocka_unit_test(a_carried_momentum_has_the_size_of_a_steady_one),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
