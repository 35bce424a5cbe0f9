/* Steps that compute again what memory has no room for: the same bits, whatever the way and the budget. */
#include "graph/shape.h"
#include "plan/budget/solver.h"
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

/* ---- gradients that are let go of ---- */

/* Some assignments wait for a guard of their own. */
static void guard_some(random_graph *r)
{
    size_t n = gr__assigns(r->g);
    for (size_t first = 0; first < n; first += 1 + rg_next(r, 3))
        gr__guard_assigns(r->g, first, gr_sum_squares(r->g, rg_any(r), 0));
    test_ok(r->ctx, gr_graph_status(r->g));
}

static void released_gradients_change_no_bit(void **state)
{
    (void)state;
    int smaller = 0, released = 0;
    for (uint64_t seed = 0; seed < 150; seed++) {
        gr_context *ctx = test_context_with(1 + (int)(seed % 3), 0);
        random_graph r;
        asked x = {.how = {.policy = "auto"}, .budget = seed % 2};
        int n;
        rg_build(&r, ctx, seed, false);
        guard_some(&r);
        rg_begin(&plain, &r, &toy, seed % 4 == 3);
        rg_release = true;
        begin(&step, &r, &x, seed % 4 == 3);
        rg_release = false;
        gr__plan_released(step.plan, &n);
        released += n;
        smaller += gr_plan_bytes(step.plan).arena < gr_plan_bytes(plain.plan).arena;
        rg_same_bits(&step, &plain, seed);
        rg_randomize(&step, seed + 7);
        rg_compare(&step, 1e-10);
        rg_end(&step);
        rg_end(&plain);
        gr_graph_destroy(r.g);
        test_context_end(ctx);
    }
    assert_true(released > 100 && smaller > 30);
}

/* Layers whose weights are much larger than their values, each updated as soon as its gradient's guard is known: no
 * more than one gradient stands beside the parameters. */
static uint64_t arena_of_updates(bool release, bool apart)
{
    enum { DEEP = 12, WIDE = 24 };
    gr_context *ctx = test_context();
    gr_graph *g;
    gr_store *store;
    gr_plan *plan;
    gr_val w[DEEP], d[DEEP], all = GR_NONE;
    test_ok(ctx, gr_graph_create(ctx, &g));
    test_ok(ctx, gr_store_create(ctx, &toy, &store));
    gr_val h = gr_feed(g, "x", GR_REAL, GR_SHAPE(2, WIDE));
    for (int i = 0; i < DEEP; i++) {
        char name[16];
        snprintf(name, sizeof name, "l%d", i);
        test_ok(ctx, gr_store_add(store, &(gr_entry_spec){.name = name, .shape = GR_SHAPE(WIDE, WIDE)}, NULL));
        w[i] = gr_param(g, name, GR_SHAPE(WIDE, WIDE));
        h = gr_tanh(g, gr_matmul(g, h, w[i], false, false));
    }
    gr_val cost = gr_sum_all(g, h);
    test_ok(ctx, gr_gradients(g, cost, w, DEEP, d));
    for (int i = 0; i < DEEP; i++) {
        gr_val squares = gr_sum_squares(g, d[i], 0);
        gr_mark_gradient(g, w[i], d[i]);
        gr_assign(g, w[i], gr_sub(g, w[i], gr_mul(g, d[i], gr_const(g, 0.1))), GR_ASSIGN_UPDATE);
        if (apart) gr__guard_assigns(g, (size_t)i, gr_add(g, cost, squares));
        all = all ? gr_add(g, all, squares) : squares;
    }
    gr_output(g, "norm", all);
    gr_guard(g, apart ? cost : gr_add(g, cost, all));
    test_ok(ctx, gr_plan_compile(ctx, g, store, &(gr_plan_options){.backend = &toy, .release = release}, &plan));
    gr_plan_bytes_info b = gr_plan_bytes(plan);
    assert_int_equal(b.gradients, release ? 0 : DEEP * WIDE * WIDE * sizeof(double));
    gr_plan_destroy(plan);
    gr_store_destroy(store);
    gr_graph_destroy(g);
    test_context_end(ctx);
    return b.arena / (WIDE * WIDE * sizeof(double));
}

static void gradients_end_with_their_updates(void **state)
{
    (void)state;
    assert_true(arena_of_updates(false, false) >= 12 && arena_of_updates(false, true) >= 12);
    assert_true(arena_of_updates(true, true) < 4);
    assert_true(arena_of_updates(true, false) >= 11); /* the guard of all wants all of them */
}

/* ---- the best ---- */

typedef struct bounds {
    uint64_t seed;
    int checked, solved; /* scripts that fit; bounds by an integer program */
} bounds;

/* The script of a few values that are kept, a few turns put in besides: with or without sense. */
static bool any_script(gr__rehearsal *r, uint64_t *state, bool *keep, gr__script *s)
{
    uint64_t odds = 1 + *state % 7;
    for (int h = 0; h < r->n_held; h++) {
        *state = *state * 6364136223846793005u + 1442695040888963407u;
        keep[h] = (*state >> 40) % 8 < odds;
    }
    return gr__script_keeping(r, keep, s);
}

/* Whatever is tried, what fits computes no less again than the bound says. */
static void hold_against_bounds(gr__rehearsal *r, size_t budget, bounds *x)
{
    gr__script s = {0};
    gr__takes takes;
    uint64_t state = x->seed + budget;
    bool *keep = gr__bump_alloc(r->own, (size_t)r->n_held + 1);
    assert_non_null(keep);
    for (int solver = 0; solver <= gr__integer_solver_is_there(); solver++) {
        gr__optimum *o = gr__bump_alloc(r->own, sizeof *o);
        assert_int_equal(gr__optimum_find(r, budget, solver, o), GR_OK);
        x->solved += o->solved && o->bound > 0;
        for (int i = 0; i < 24 + o->n; i++) {
            bool good = i == 0   ? gr__script_within(r, budget, &s)
                        : i < 24 ? any_script(r, &state, keep, &s)
                                 : gr__script_copy(r, &o->script[i - 24], &s);
            assert_true(good && (i == 0 || i % 2 || gr__script_reduce(r, &s, budget)));
            assert_true(gr__script_take(r, &s, budget, &takes));
            if (s.n == 0 || takes.peak > budget) continue;
            if (takes.ns < o->bound * (1 - 1e-6)) fail_msg("seed %d: %g below %g", (int)x->seed, takes.ns, o->bound);
            x->checked++;
        }
    }
}

static gr_status look_at_bounds(gr__compiler *c, void *user)
{
    gr__rehearsal r;
    gr__bump *memory = gr__bump_create(c->ctx);
    gr__script s = {0};
    gr__takes all, least;
    assert_int_equal(gr__rehearse(c, memory, &r), GR_OK);
    assert_true(gr__script_plain(&r, &s) && gr__script_take(&r, &s, 0, &all));
    assert_true(gr__script_least(&r, &s) && gr__script_take(&r, &s, 0, &least));
    for (size_t k = 0; k < 3 && least.peak < all.peak; k++)
        hold_against_bounds(&r, least.peak + (all.peak - least.peak) * k / 3, user);
    gr__bump_destroy(memory);
    return GR_OK;
}

static void no_script_beats_the_bound(void **state)
{
    (void)state;
    bounds x = {.checked = 0};
    for (x.seed = 0; x.seed < 5; x.seed++) {
        gr_context *ctx = test_context_with(1, 0);
        random_graph r;
        rg_build(&r, ctx, x.seed, false);
        rg_change = look_at_bounds;
        rg_changing = &x;
        rg_begin(&step, &r, &toy, x.seed % 2);
        rg_change = NULL;
        rg_end(&step);
        gr_graph_destroy(r.g);
        test_context_end(ctx);
    }
    assert_true(x.checked > 30 && x.solved > 5 * gr__integer_solver_is_there());
}

static double again_ns(const gr_plan *p)
{
    double ns = 0;
    for (int i = 0; i < gr_plan_rows(p); i++) ns += gr_plan_row_at(p, i).instance ? gr_plan_row_at(p, i).cost_ns : 0;
    return ns;
}

/* Never slower than what "auto" finds, within the same budget, to the same bits; and no faster than its own bound. */
static void the_optimum_is_no_worse(void **state)
{
    (void)state;
    int exact = 0;
    for (uint64_t seed = 0; seed < 7; seed++) {
        gr_context *ctx = test_context_with(1 + (int)(seed % 3), 0);
        random_graph r;
        asked x = {.how = {.policy = "auto"}, .budget = 1};
        rg_build(&r, ctx, seed, false);
        rg_begin(&plain, &r, &toy, seed % 2);
        begin(&step, &r, &x, seed % 2);
        uint64_t least = gr_plan_bytes(step.plan).arena, all = gr_plan_bytes(plain.plan).arena;
        rg_end(&step);
        for (int k = 0; k < 3 && least < all; k++) {
            x = (asked){.how = {.policy = "auto"}, .budget = least + (all - least) * (uint64_t)k / 3};
            begin(&step, &r, &x, seed % 2);
            double ns = again_ns(step.plan);
            rg_end(&step);
            x.how.policy = "optimal";
            begin(&step, &r, &x, seed % 2);
            gr_plan_bound bound = gr_plan_bound_get(step.plan);
            assert_true(gr_plan_bytes(step.plan).arena <= x.budget);
            assert_true(again_ns(step.plan) <= ns * (1 + 1e-12) && bound.known);
            exact += again_ns(step.plan) <= bound.again_ns * (1 + 1e-6);
            rg_same_bits(&step, &plain, seed + (uint64_t)k);
            rg_end(&step);
        }
        rg_end(&plain);
        gr_graph_destroy(r.g);
        test_context_end(ctx);
    }
    if (gr__integer_solver_is_there()) assert_true(exact > 4);
}

/* ---- chains of equal layers ---- */

enum { WIDTH = 8, ROWS = 64, LAYERS = 100 };

typedef struct equal {
    gr_context *ctx;
    gr_graph *g;
    gr_store *store;
    gr_plan *plan;
} equal;

/* Layers of a product and a tangent, whose values are equally large; a scope each. inner: their gradients read what is
 * within them too. */
static equal chain_of(int layers, bool inner, const gr_remat *how, uint64_t budget)
{
    equal e = {.ctx = test_context()};
    gr_val w[LAYERS], d[LAYERS];
    test_ok(e.ctx, gr_graph_create(e.ctx, &e.g));
    test_ok(e.ctx, gr_store_create(e.ctx, &toy, &e.store));
    gr_val h = gr_feed(e.g, "x", GR_REAL, GR_SHAPE(ROWS, WIDTH));
    for (int i = 0; i < layers; i++) {
        char name[16];
        snprintf(name, sizeof name, "l%d", i + 1);
        test_ok(e.ctx, gr_store_add(e.store, &(gr_entry_spec){.name = name, .shape = GR_SHAPE(WIDTH, WIDTH)}, NULL));
        gr_scope_push(e.g, "dense", name);
        w[i] = gr_param(e.g, name, GR_SHAPE(WIDTH, WIDTH));
        gr_val t = gr_tanh(e.g, gr_matmul(e.g, h, w[i], false, false));
        h = inner ? gr_add(e.g, h, t) : t;
        gr_scope_pop(e.g);
    }
    gr_val cost = gr_sum_all(e.g, h);
    gr_output(e.g, "cost", cost);
    test_ok(e.ctx, gr_gradients(e.g, cost, w, layers, d));
    for (int i = 0; i < layers; i++) {
        char name[16];
        snprintf(name, sizeof name, "d%d", i + 1);
        gr_mark_gradient(e.g, w[i], d[i]);
        gr_output(e.g, name, d[i]);
    }
    const gr_plan_options o = {.backend = &toy, .remat = how ? *how : (gr_remat){.policy = NULL}, .budget = budget};
    test_ok(e.ctx, gr_plan_compile(e.ctx, e.g, e.store, &o, &e.plan));
    return e;
}

static void equal_end(equal *e)
{
    gr_plan_destroy(e->plan);
    gr_store_destroy(e->store);
    gr_graph_destroy(e->g);
    test_context_end(e->ctx);
}

static int values_standing(const equal *e)
{
    return (int)(gr_plan_bytes(e->plan).activations / (sizeof(double) * ROWS * WIDTH));
}

/* Griewank & Walther 2000: t(l, s) = min over k of k + t(l - k, s - 1) + t(k, s). */
static int advances(int l, int s)
{
    static int known[LAYERS + 1][LAYERS + 1];
    if (l <= 1) return 0;
    if (s == 1) return l * (l - 1) / 2;
    if (known[l][s]) return known[l][s];
    int best = advances(l - 1, s - 1) + 1 + advances(1, s);
    for (int k = 2; k < l; k++) best = GR_MIN(best, k + advances(l - k, s - 1) + advances(k, s));
    return known[l][s] = best;
}

static int products_again(const gr_plan *p)
{
    int n = 0;
    for (int i = 0; i < gr_plan_rows(p); i++)
        n += gr_plan_row_at(p, i).instance > 0 && gr_plan_row_at(p, i).products > 0;
    return n;
}

/* M3: as often as it is said, and as few values at a time. */
static void snapshots_cost_what_they_must(void **state)
{
    (void)state;
    assert_int_equal(advances(10, 3), 15);
    assert_int_equal(advances(100, 5), 316);
    static const int cases[][2] = {{4, 2}, {10, 3}, {20, 3}, {50, 5}, {100, 5}, {100, 10}, {7, 1}};
    for (size_t i = 0; i < GR_COUNT(cases); i++) {
        int l = cases[i][0], s = cases[i][1];
        gr_remat how = {.policy = "revolve", .count = s};
        equal e = chain_of(l, true, &how, 0);
        int again = products_again(e.plan); /* a stage of its own is what the first layer adds, which may save one */
        assert_true(again == advances(l, s) || again == advances(l, s) - 1);
        assert_true(values_standing(&e) <= s + 5); /* the snapshots, and what a layer has at hand */
        equal_end(&e);
    }
}

/* 100 layers, every tenth kept: ten of them, ten of a segment, and what the backward pass has at hand. */
static void a_tenth_kept_leaves_a_fifth(void **state)
{
    (void)state;
    gr_remat how = {.policy = "every", .count = 10};
    equal kept = chain_of(LAYERS, false, NULL, 0), some = chain_of(LAYERS, false, &how, 0);
    assert_true(values_standing(&kept) >= LAYERS);
    assert_int_equal(values_standing(&some), 10 + 10 + 1);
    assert_int_equal(instances(some.plan), LAYERS - LAYERS / 10);
    assert_true(gr_plan_flops(some.plan) - gr_plan_flops(kept.plan) < gr_plan_flops(kept.plan) / 3);
    equal_end(&some);
    equal_end(&kept);
}

/* What a budget leaves is used at least as well as the rules do that take as much. */
static void a_budget_does_no_worse_than_rules(void **state)
{
    (void)state;
    static const gr_remat rules[] = {{.policy = "every", .count = 5},
                                     {.policy = "every", .count = 10},
                                     {.policy = "every", .count = 25},
                                     {.policy = "sqrt"},
                                     {.policy = "chen"},
                                     {.policy = "revolve", .count = 3},
                                     {.policy = "revolve", .count = 6},
                                     {.policy = "revolve", .count = 12}};
    for (size_t i = 0; i < GR_COUNT(rules); i++) {
        equal by_rule = chain_of(60, false, &rules[i], 0);
        uint64_t budget = gr_plan_bytes(by_rule.plan).arena;
        equal by_budget = chain_of(60, false, &(gr_remat){.policy = "auto"}, budget);
        assert_true(gr_plan_bytes(by_budget.plan).arena <= budget);
        if (instances(by_budget.plan) > instances(by_rule.plan))
            fail_msg("rule %zu: %d, by the budget %d", i, instances(by_rule.plan), instances(by_budget.plan));
        equal_end(&by_budget);
        equal_end(&by_rule);
    }
}

/* A byte less than the least cannot be kept to, and is told the same least. */
static void the_least_is_the_least(void **state)
{
    (void)state;
    const gr_remat how = {.policy = "auto"};
    for (int layers = 5; layers <= 40; layers += 7) {
        equal e = chain_of(layers, layers % 2, &how, 1);
        uint64_t least = gr_plan_bytes(e.plan).arena;
        equal_end(&e);
        for (int less = 0; less < 2; less++) {
            e = chain_of(layers, layers % 2, &how, least - (uint64_t)less);
            assert_true(gr_plan_bytes(e.plan).arena == least);
            equal_end(&e);
        }
    }
}

static void ways_are_checked(void **state)
{
    (void)state;
    static const struct {
        gr_remat how;
        gr_status status;
    } wrong[] = {{{.policy = "evry"}, GR_E_NAME},
                 {{.policy = "every"}, GR_E_RANGE},
                 {{.policy = "every", .count = -1}, GR_E_RANGE},
                 {{.policy = "revolve", .count = 0}, GR_E_RANGE}};
    for (size_t i = 0; i < GR_COUNT(wrong); i++) {
        gr_context *ctx = test_context();
        gr_graph *g;
        gr_store *s;
        gr_plan *p;
        test_ok(ctx, gr_graph_create(ctx, &g));
        test_ok(ctx, gr_store_create(ctx, &toy, &s));
        gr_output(g, "y", gr_exp(g, gr_feed(g, "x", GR_REAL, GR_SHAPE(4))));
        const gr_plan_options o = {.backend = &toy, .remat = wrong[i].how, .budget = 1};
        assert_int_equal(gr_plan_compile(ctx, g, s, &o, &p), wrong[i].status);
        gr_store_destroy(s);
        gr_graph_destroy(g);
        test_context_end(ctx);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(no_way_changes_a_bit),
        cmocka_unit_test(budgets_are_kept_to),
        cmocka_unit_test(released_gradients_change_no_bit),
        cmocka_unit_test(gradients_end_with_their_updates),
        cmocka_unit_test(no_script_beats_the_bound),
        cmocka_unit_test(the_optimum_is_no_worse),
        cmocka_unit_test(snapshots_cost_what_they_must),
        cmocka_unit_test(a_tenth_kept_leaves_a_fifth),
        cmocka_unit_test(a_budget_does_no_worse_than_rules),
        cmocka_unit_test(the_least_is_the_least),
        cmocka_unit_test(ways_are_checked),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
