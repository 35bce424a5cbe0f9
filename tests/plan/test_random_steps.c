/* Plans of random graphs against the evaluator: fused and unfused, with units that run again, in a
 * poisoned arena. */
#include "plan/repeat.h"
#include "support/toy.h"

enum { SEEDS = 400 };

static rg_step step, other;

/* Items of several outputs, by how many are unread. */
static void count_unread(const gr_plan *p, int unread[ROWS_OUTPUTS])
{
    for (int i = 0; i < p->n_instructions; i++) {
        if (p->instructions[i].code != GR__CALL) continue;
        const gr_item *it = &p->instructions[i].made->item;
        int n = 0;
        if (it->kind != GR_ITEM_NODE || gr__node(p->graph, it->nodes[0])->op != &rows_op) continue;
        for (int o = 0; o < it->n_out; o++) n += it->out[o] == GR_NONE;
        unread[n]++;
    }
}

static void agrees(const gr_backend *backend, bool unfused)
{
    int unread[ROWS_OUTPUTS] = {0};
    for (uint64_t seed = 0; seed < SEEDS; seed++) {
        gr_context *ctx = test_context_with(1 + (int)(seed % 2), 0);
        random_graph r;
        rg_build(&r, ctx, seed, false);
        rg_begin(&step, &r, backend, unfused);
        count_unread(step.plan, unread);
        for (uint64_t run = 0; run < 2; run++) {
            rg_randomize(&step, seed + run);
            rg_compare(&step, 1e-10);
        }
        rg_end(&step);
        gr_graph_destroy(r.g);
        test_context_end(ctx);
    }
    for (int n = 0; n < ROWS_OUTPUTS; n++) assert_true(unread[n] >= (n ? 20 : 5)); /* all are tried */
}

static void fused_plans_agree_with_the_evaluator(void **state)
{
    (void)state;
    agrees(&toy, false);
}

static void unfused_plans_agree_with_the_evaluator(void **state)
{
    (void)state;
    agrees(&toy, true);
}

static void fusing_changes_no_bit(void **state)
{
    (void)state;
    for (uint64_t seed = 0; seed < SEEDS; seed++) {
        gr_context *ctx = test_context();
        random_graph r;
        rg_build(&r, ctx, seed, false);
        rg_begin(&step, &r, &toy, false);
        rg_begin(&other, &r, &toy, true);
        assert_true(gr_plan_rows(step.plan) <= gr_plan_rows(other.plan));
        rg_same_bits(&step, &other, seed);
        rg_end(&step);
        rg_end(&other);
        gr_graph_destroy(r.g);
        test_context_end(ctx);
    }
}

static void running_again_changes_no_bit(void **state)
{
    (void)state;
    for (int unfused = 0; unfused < 2; unfused++) {
        rg_repeats x = {.runs = 0};
        for (uint64_t seed = 0; seed < SEEDS; seed++)
            rg_repeated_has_the_same_bits(&other, &step, &x, &toy, unfused, seed);
        assert_true(x.runs > SEEDS && x.refused > 100 && x.less_of_node > 2);
        if (!unfused) assert_true(x.less_of_region > 100);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(unfused_plans_agree_with_the_evaluator),
        cmocka_unit_test(fused_plans_agree_with_the_evaluator),
        cmocka_unit_test(fusing_changes_no_bit),
        cmocka_unit_test(running_again_changes_no_bit),
    };
    rg_with_rows = true;
    return cmocka_run_group_tests(tests, NULL, NULL);
}
