/* Every member of the registry agrees with its evidence, which independent scripts made: values and gradients of layers
 * and costs, 12 or 20 updates of optimizers, rates of schedules, moments, bounds and distribution of initialisers,
 * values, gradients and proximal steps of penalties, all in float64. A member without evidence fails. [mission S5, P1,
 * P3, P4, O8, O9, O12-O23, O26, O27, G7, G8, H2, I3-I6, SYS17-SYS22, SYS25-SYS28, SYS30, SYS31] Among them, against
 * PyTorch's own: StepLR [mission H3], PolynomialLR [mission H4, H14], NAdam with momentum_decay [mission O18]; against
 * the paper's formulas, for PyTorch has none: LAMB [mission SYS18]. */
#include "support/case_cost.h"
#include "support/case_init.h"
#include "support/case_layer.h"
#include "support/case_optimizer.h"
#include "support/case_penalty.h"
#include "support/case_schedule.h"

#define EVIDENCE(family, list)                                                                            \
    static void all_##family(void **state)                                                                \
    {                                                                                                     \
        (void)state;                                                                                      \
        int n;                                                                                            \
        const gr_##family *const *all = gr__##list(&n);                                                   \
        assert_true(n > 0);                                                                               \
        for (int i = 0; i < n; i++) {                                                                     \
            verdict v = {""};                                                                             \
            evidence *e = ev_open(#family, all[i]->head.name);                                            \
            if (!e)                                                                                       \
                fail_msg("%s %s has no evidence that can be read: write tests/family/%s/%s.txt", #family, \
                         all[i]->head.name, #family, all[i]->head.name);                                  \
            bool ok = check_##family(all[i], e, &v);                                                      \
            ev_free(e);                                                                                   \
            if (!ok) fail_msg("%s %s: %s", #family, all[i]->head.name, v.why);                            \
        }                                                                                                 \
    }
EVIDENCE(layer, layers)
EVIDENCE(cost, costs)
EVIDENCE(optimizer, optimizers)
EVIDENCE(schedule, schedules)
EVIDENCE(init, inits)
EVIDENCE(penalty, penalties)

static void a_member_without_evidence_is_noticed(void **state)
{
    (void)state;
    assert_null(ev_open("optimizer", "made_up"));
}

/* With an argument: only the tests whose names match it. */
int main(int argc, char **argv)
{
    if (argc > 1) cmocka_set_test_filter(argv[1]);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(all_layer),
        cmocka_unit_test(all_cost),
        cmocka_unit_test(all_optimizer),
        cmocka_unit_test(all_schedule),
        cmocka_unit_test(all_init),
        cmocka_unit_test(all_penalty),
        cmocka_unit_test(a_member_without_evidence_is_noticed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
