/* Steps that compute again what memory has no room for: the same bits, whatever the way and the budget. */
#include "plan/remat/remat.h"
#include "plan/random_graph.h"
#include "support/toy.h"

typedef struct asked {
    gr_remat how;
    uint64_t budget;
    bool used;
} asked;

static gr_status recompute(gr__compiler *c, void *user)
{
    const asked *x = user;
    c->options.remat = x->how;
    c->options.budget = x->budget;
    return gr__plan_remember(c);
}

static rg_step step, plain;

static int instances(const gr_plan *p)
{
    int n = 0;
    for (int i = 0; i < gr_plan_rows(p); i++) n += gr_plan_row_at(p, i).instance > 0;
    return n;
}

static void begin(rg_step *s, random_graph *r, asked *x, bool unfused)
{
    rg_change = recompute;
    rg_changing = x;
    rg_begin(s, r, &toy, unfused);
    rg_change = NULL;
}

/* ---- M3, M4: random graphs, every way ---- */

static void no_way_changes_a_bit(void **state)
{
    (void)state;
    static const char *const names[] = {"a", "b"};
    static const gr_remat ways[] = {{.policy = "every", .count = 1},
                                    {.policy = "every", .count = 3},
                                    {.policy = "chen"},
                                    {.policy = "sqrt"},
                                    {.policy = "revolve", .count = 1},
                                    {.policy = "revolve", .count = 2},
                                    {.policy = "keep", .names = names, .n_names = 2}};
    int runs = 0;
    for (uint64_t seed = 0; seed < 210; seed++) {
        gr_context *ctx = test_context_with(1 + (int)(seed % 3), 0);
        random_graph r;
        asked x = {.how = ways[seed % GR_COUNT(ways)]};
        rg_build(&r, ctx, seed, false);
        rg_begin(&plain, &r, &toy, seed % 2);
        begin(&step, &r, &x, seed % 2);
        runs += instances(step.plan);
        rg_same_bits(&step, &plain, seed);
        rg_randomize(&step, seed + 7);
        rg_compare(&step, 1e-10);
        rg_end(&step);
        rg_end(&plain);
        gr_graph_destroy(r.g);
        test_context_end(ctx);
    }
    assert_true(runs > 300);
}

/* ---- budgets ---- */

/* The arena is within the budget, or it is the least, whatever the budget. */
static void budgets_are_kept_to(void **state)
{
    (void)state;
    int runs = 0, smaller = 0;
    for (uint64_t seed = 0; seed < 100; seed++) {
        gr_context *ctx = test_context_with(1 + (int)(seed % 3), 0);
        random_graph r;
        asked x = {.how = {.policy = "auto"}, .budget = 1};
        rg_build(&r, ctx, seed, false);
        rg_begin(&plain, &r, &toy, seed % 2);
        uint64_t all = gr_plan_bytes(plain.plan).arena, least, at;
        begin(&step, &r, &x, seed % 2);
        least = gr_plan_bytes(step.plan).arena;
        assert_true(least <= all);
        rg_same_bits(&step, &plain, seed);
        rg_end(&step);
        smaller += least < all;
        for (int k = 0; k <= 4; k++) {
            x.budget = least + (all - least) * (uint64_t)k / 4;
            begin(&step, &r, &x, seed % 2);
            at = gr_plan_bytes(step.plan).arena;
            assert_true(at <= x.budget);
            if (k == 4) assert_int_equal(instances(step.plan), 0);
            runs += instances(step.plan);
            rg_same_bits(&step, &plain, seed + (uint64_t)k);
            rg_end(&step);
        }
        rg_end(&plain);
        gr_graph_destroy(r.g);
        test_context_end(ctx);
    }
    assert_true(runs > 100 && smaller > 30);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(no_way_changes_a_bit),
        cmocka_unit_test(budgets_are_kept_to),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
