/* Groups of parameters in whole trainings: frozen ones, and their own rates and decays. */
#include "support/trainings.h"

static void frozen_parameters_stay_as_they_are(void **state)
{
    (void)state;
    model first, later, trained;
    FIT("optimizer: adam\nvalidate: none\nstop: {steps: 1}\ngroups: [{match: \"c1.*\", freeze: true}]\n", &first);
    FIT("optimizer: adam\nvalidate: none\nstop: {steps: 9}\ngroups: [{match: \"c1.*\", freeze: true}]\n", &later);
    FIT("optimizer: adam\nvalidate: none\nstop: {steps: 9}\n", &trained);
    for (int i = 0; i < 4; i++) {
        bool frozen = first.name[i][0] == 'c',
             same = memcmp(first.v[i], later.v[i], sizeof(double) * (size_t)first.count[i]) == 0;
        assert_true(same == frozen);
        assert_true(memcmp(trained.v[i], later.v[i], sizeof(double) * (size_t)first.count[i]) != 0);
    }
    model_free(&first), model_free(&later), model_free(&trained);
}

/* Nothing behind a frozen layer is computed, and no state is kept for it. */
static void frozen_layers_cost_nothing(void **state)
{
    (void)state;
    for (int frozen = 0; frozen < 2; frozen++) {
        small s;
        gr_recipe *r;
        gr_task task;
        gr_engine e;
        small_make(&s, frozen ? "optimizer: adam\ngroups: [{match: \"c1.*\", freeze: true}]\n" : "optimizer: adam\n");
        gr_context *ctx = test_context_with(1, 0);
        test_ok(ctx, gr__recipe_open(ctx, s.recipe, NULL, 0, &r));
        test_ok(ctx, gr__task_estimate(ctx, r, &task));
        test_ok(ctx, gr__engine_make(&task, true, 0, &e));
        assert_true((gr_store_find(e.store, "c1.weight/m") == NULL) == frozen);
        assert_non_null(gr_store_find(e.store, "head.weight/m"));
        int conv_weights = 0;
        for (int i = 0; i < gr_plan_rows(e.plan[0].plan); i++)
            conv_weights += strstr(gr_plan_row_at(e.plan[0].plan, i).kernel, "conv weights") != NULL;
        assert_true((conv_weights == 0) == frozen);
        gr__engine_close(&e);
        gr__task_close(&task);
        gr__recipe_close(ctx, r);
        test_context_end(ctx);
        small_remove(&s);
    }
}

/* lr_scale multiplies the whole step, decoupled decay included; the first match counts; a group's decay replaces the
 * optimizer's, on biases too. */
static void groups_scale_and_decay(void **state)
{
    (void)state;
    model start, whole, scaled;
    FIT("optimizer: {type: sgd, lr: 0, weight_decay: 0.1, decay: decoupled}\nvalidate: none\nstop: {steps: 1}\n",
        &start);
    FIT("optimizer: {type: sgd, lr: 0.5, weight_decay: 0.1, decay: decoupled}\nvalidate: none\nstop: {steps: 1}\n",
        &whole);
    FIT("optimizer: {type: sgd, lr: 0.5, weight_decay: 0.1, decay: decoupled}\nvalidate: none\nstop: {steps: 1}\n"
        "groups: [{match: head.weight, lr_scale: 0.25}, {match: \"h*\", lr_scale: 0}, {match: \"c?.*\", lr_scale: 2, "
        "weight_decay: 0.1}]\n",
        &scaled);
    for (int i = 0; i < 4; i++) {
        double scale = strcmp(start.name[i], "head.weight") == 0 ? 0.25
                       : strcmp(start.name[i], "head.bias") == 0 ? 0
                                                                 : 2;
        for (int64_t k = 0; k < start.count[i]; k++)
            assert_true(fabs((scaled.v[i][k] - start.v[i][k]) - scale * (whole.v[i][k] - start.v[i][k])) <
                        1e-14); /* biases start at 0: no decay to see */
    }
    model_free(&start), model_free(&whole), model_free(&scaled);
    FIT("optimizer: {type: sgd, lr: 0, weight_decay: 0.1}\nstop: {steps: 1}\nvalidate: none\ninit: {bias: {type: "
        "constant, value: 1}}\n",
        &start);
    FIT("optimizer: {type: adamw, lr: 0.5, weight_decay: 0.1}\nstop: {steps: 1}\nvalidate: none\ninit: {bias: {type: "
        "constant, value: "
        "1}}\n",
        &whole);
    FIT("optimizer: {type: adamw, lr: 0.5, weight_decay: 0.1}\nstop: {steps: 1}\nvalidate: none\ninit: {bias: {type: "
        "constant, value: 1}}\n"
        "groups: [{match: head.bias, weight_decay: 0.2}]\n",
        &scaled);
    for (int64_t k = 0; k < start.count[3]; k++) assert_true(fabs(whole.v[3][k] - scaled.v[3][k] - 0.5 * 0.2) < 1e-15);
    assert_memory_equal(whole.v[0], scaled.v[0], sizeof(double) * (size_t)start.count[0]);
    model_free(&start), model_free(&whole), model_free(&scaled);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(frozen_parameters_stay_as_they_are),
        cmocka_unit_test(frozen_layers_cost_nothing),
        cmocka_unit_test(groups_scale_and_decay),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
