/* Schedules under a budget: the table of Checkmate's chains, every way against brute force, and all that a schedule
 * claims against a count of its own. */
#include <math.h>
#include <stdlib.h>

#include "plan/budget/budget.h"
#include "test.h"

enum { MOST = 40 };

typedef struct example {
    gr_budget_graph graph;
    double cost[MOST];
    int64_t bytes[MOST];
    int first[MOST + 1], from[MOST * MOST];
    gr_context *ctx;
    gr__bump *b;
} example;

static int make_example(void **state)
{
    example *x = calloc(1, sizeof *x);
    x->ctx = test_context();
    x->b = gr__bump_create(x->ctx);
    x->graph = (gr_budget_graph){.cost = x->cost, .bytes = x->bytes, .first = x->first, .from = x->from};
    *state = x;
    return 0;
}

static int drop_example(void **state)
{
    example *x = *state;
    gr__bump_destroy(x->b);
    test_context_end(x->ctx);
    free(x);
    return 0;
}

static void add(example *x, double cost, int64_t bytes, const int *from, int n)
{
    int i = x->graph.n++;
    x->cost[i] = cost, x->bytes[i] = bytes;
    x->first[i + 1] = x->first[i] + n;
    for (int e = 0; e < n; e++) x->from[x->first[i] + e] = from[e];
}

/* Forward and backward of a chain; all cost and take 1 where there are no figures. */
static void make_chain(example *x, int layers, const double *cost, const int64_t *bytes)
{
    x->graph.n = 0;
    for (int i = 0; i < 2 * layers; i++) {
        int from[3], n = 0, layer = 2 * layers - 1 - i;
        if (i >= layers && layer > 0) from[n++] = layer - 1;
        if (i >= layers) from[n++] = layer;
        if (i < layers ? i > 0 : i > layers) from[n++] = i - 1;
        add(x, cost ? cost[i] : 1, bytes ? bytes[i] : 1, from, n);
    }
}

static double draw(uint64_t *seed)
{
    *seed = *seed * 6364136223846793005u + 1442695040888963407u;
    return (double)(*seed >> 40) / (double)(1 << 24);
}

static int below(uint64_t *seed, int n)
{
    return (int)(draw(seed) * n);
}

static void make_random(example *x, uint64_t *seed, int n)
{
    x->graph.n = 0;
    for (int i = 0; i < n; i++) {
        int from[MOST], count = 0;
        for (int k = 0; k < i; k++)
            if (k == i - 1 ? draw(seed) < 0.8 : draw(seed) < 1.2 / i) from[count++] = k;
        add(x, 1 + below(seed, 5), below(seed, 6), from, count);
    }
}

/* ---- what is claimed, counted ---- */

static void replay(const example *x, const gr_budget_schedule *s, int64_t budget)
{
    bool stands[MOST] = {false}, ran[MOST] = {false};
    int64_t bytes = x->graph.fixed, peak = bytes;
    double cost = 0;
    int done = 0;
    for (int i = 0; i < s->n; i++) {
        int node = s->step[i].node;
        assert_true(node >= 0 && node < x->graph.n);
        assert_true(stands[node] == s->step[i].frees);
        stands[node] = !s->step[i].frees;
        bytes += s->step[i].frees ? -x->bytes[node] : x->bytes[node];
        if (bytes > peak) peak = bytes;
        if (s->step[i].frees) continue;
        for (int e = x->first[node]; e < x->first[node + 1]; e++) assert_true(stands[x->from[e]]);
        assert_true(ran[node] || node == done);
        done += !ran[node];
        ran[node] = true;
        cost += x->cost[node];
    }
    assert_int_equal(done, x->graph.n);
    assert_int_equal(bytes, x->graph.fixed);
    assert_int_equal(peak, s->peak);
    assert_true(peak <= budget);
    assert_true(cost == s->cost);
    assert_true(s->bound <= s->cost * (1 + 1e-9));
}

/* ---- brute force: the least cost of every set that stands behind every number of first runs ---- */

static double brute(const example *x, int64_t budget)
{
    int n = x->graph.n, sets = 1 << n;
    double *cost = malloc(sizeof *cost * (size_t)sets * (size_t)(n + 1)), least;
    for (int i = 0; i < sets * (n + 1); i++) cost[i] = INFINITY;
    cost[0] = 0;
    for (bool better = true; better;) { /* Bellman and Ford */
        better = false;
        for (int done = 0; done <= n; done++)
            for (int set = 0; set < sets; set++) {
                double here = cost[done * sets + set];
                int64_t bytes = x->graph.fixed;
                for (int i = 0; i < n; i++) bytes += set >> i & 1 ? x->bytes[i] : 0;
                for (int i = 0; here < INFINITY && i < n; i++) {
                    int reads = 0, to = set & ~(1 << i), then = done;
                    double with = here;
                    for (int e = x->first[i]; e < x->first[i + 1]; e++) reads |= 1 << x->from[e];
                    if (!(set >> i & 1)) {
                        if (i > done || (reads & ~set) || bytes + x->bytes[i] > budget) continue;
                        to = set | 1 << i, then = done + (i == done), with += x->cost[i];
                    }
                    if (with >= cost[then * sets + to]) continue;
                    cost[then * sets + to] = with;
                    better = true;
                }
            }
    }
    least = cost[n * sets];
    free(cost);
    return least;
}

/* ---- tests ---- */

static gr_status solve(example *x, gr_budget_way way, int64_t budget, gr_budget_schedule *out)
{
    gr_budget_options o = {.way = way};
    gr_context_clear_error(x->ctx);
    return gr__budget_solve(x->ctx, x->b, &x->graph, budget, &o, out);
}

static bool has_program(example *x)
{
    gr_budget_schedule s;
    make_chain(x, 2, NULL, NULL);
    return solve(x, GR_BUDGET_PROGRAM, 4, &s) != GR_E_FILE;
}

static void chains_cost_what_checkmate_s_do(void **state)
{
    example *x = *state;
    static const struct {
        int layers, cost[6]; /* budgets from 4 on */
    } table[] = {{3, {6, 6, 6}},
                 {4, {9, 8, 8, 8}},
                 {5, {13, 11, 10, 10}},
                 {6, {18, 14, 13, 12, 12}},
                 {8, {31, 21, 19, 18, 17, 16}}};
    static const gr_budget_way ways[] = {GR_BUDGET_AUTO, GR_BUDGET_SEARCH, GR_BUDGET_CHAIN, GR_BUDGET_PROGRAM};
    gr_budget_schedule s;
    bool program = has_program(x);
    for (size_t i = 0; i < GR_COUNT(table); i++)
        for (size_t w = 0; w < GR_COUNT(ways); w++) {
            if (ways[w] == GR_BUDGET_PROGRAM && (!program || table[i].layers > 5)) continue; /* would take minutes */
            make_chain(x, table[i].layers, NULL, NULL);
            assert_int_equal(solve(x, ways[w], 3, &s), GR_E_BUDGET);
            for (int k = 0; k < 6 && table[i].cost[k]; k++) {
                assert_int_equal(solve(x, ways[w], 4 + k, &s), GR_OK);
                replay(x, &s, 4 + k);
                assert_true(s.cost == table[i].cost[k]);
                if (ways[w] != GR_BUDGET_CHAIN) assert_true(fabs(s.bound - s.cost) < 1e-6);
            }
        }
}

static void chains_of_unequal_layers_too(void **state)
{
    example *x = *state;
    gr_budget_schedule s;
    make_chain(x, 4, (double[]){1, 2, 4, 1, 2, 8, 4, 2}, (int64_t[]){4, 2, 1, 1, 1, 1, 2, 4});
    assert_int_equal(solve(x, GR_BUDGET_AUTO, 9, &s), GR_E_BUDGET);
    for (int64_t budget = 10; budget < 20; budget++) {
        assert_int_equal(solve(x, GR_BUDGET_AUTO, budget, &s), GR_OK);
        assert_true(s.cost == 24);
        replay(x, &s, budget);
    }
}

/* Every way, on random graphs: none is below the best, the exact ones meet it, and where nothing fits none says so. */
static void random_graphs_as_brute_force_has_them(void **state)
{
    example *x = *state;
    uint64_t seed = 5;
    bool program = has_program(x);
    int found = 0, asked = 0;
    for (int round = 0; round < 120; round++) {
        make_random(x, &seed, 3 + below(&seed, 8));
        x->graph.fixed = below(&seed, 3);
        int64_t budget = gr__budget_floor(&x->graph) + below(&seed, 5);
        double best = brute(x, budget);
        gr_budget_schedule s;
        for (int way = 0; way < GR_BUDGET_WAYS; way++) {
            if (way == GR_BUDGET_CHAIN && !gr__budget_is_chain(&x->graph)) continue;
            if ((way == GR_BUDGET_PROGRAM || way == GR_BUDGET_ROUNDED) && (!program || x->graph.n > 7)) continue;
            gr_status st = solve(x, (gr_budget_way)way, budget, &s);
            bool exact = way == GR_BUDGET_AUTO || way == GR_BUDGET_SEARCH || way == GR_BUDGET_PROGRAM;
            if (st == GR_OK) {
                replay(x, &s, budget);
                assert_true(s.cost >= best);
                assert_true(s.bound <= best * (1 + 1e-9));
                if (exact) assert_true(s.cost == best && fabs(s.bound - best) < 1e-6);
            } else {
                assert_int_equal(st, GR_E_BUDGET);
                if (exact) assert_true(best == INFINITY);
            }
            if (way == GR_BUDGET_GREEDY && best < INFINITY) asked++, found += st == GR_OK && s.cost <= 1.5 * best;
        }
    }
    x->graph.fixed = 0;
    assert_true(asked > 60);
    assert_true(found > 0.9 * asked); /* mostly near the best */
}

/* On chains of unequal layers the dynamic programme meets the search, which knows nothing of chains. */
static void chains_as_the_search_has_them(void **state)
{
    example *x = *state;
    uint64_t seed = 9;
    int same = 0, asked = 0;
    for (int round = 0; round < 60; round++) {
        int layers = 2 + below(&seed, 5);
        double cost[MOST];
        int64_t bytes[MOST];
        for (int i = 0; i < 2 * layers; i++) cost[i] = 1 + below(&seed, 4), bytes[i] = 1 + below(&seed, 4);
        make_chain(x, layers, cost, bytes);
        int64_t budget = gr__budget_floor(&x->graph) + below(&seed, 6);
        gr_budget_schedule chain, best;
        gr_status st = solve(x, GR_BUDGET_SEARCH, budget, &best);
        gr_status of_chain = solve(x, GR_BUDGET_CHAIN, budget, &chain);
        if (of_chain == GR_OK) {
            replay(x, &chain, budget);
            assert_int_equal(st, GR_OK);
            assert_true(chain.cost >= best.cost);
        }
        asked++, same += st == of_chain && (st != GR_OK || chain.cost == best.cost);
    }
    print_message("chain: %d of %d as good as the best\n", same, asked);
    assert_true(same >= 0.9 * asked);
}

/* Where the search meets its limit, it still bounds, and others answer. */
static void a_limit_leaves_a_bound(void **state)
{
    example *x = *state;
    gr_budget_schedule s;
    gr_budget_options o = {.way = GR_BUDGET_AUTO, .limit = 200};
    make_chain(x, 18, NULL, NULL);
    assert_int_equal(gr__budget_solve(x->ctx, x->b, &x->graph, 8, &o, &s), GR_OK);
    replay(x, &s, 8);
    assert_true(s.bound >= 36 && s.bound < s.cost);
    o.way = GR_BUDGET_SEARCH;
    assert_int_equal(gr__budget_solve(x->ctx, x->b, &x->graph, 8, &o, &s), GR_E_BUDGET);
    gr_context_clear_error(x->ctx);
}

static void little_graphs(void **state)
{
    example *x = *state;
    gr_budget_schedule s;
    x->graph.n = 0;
    for (int way = 0; way < GR_BUDGET_WAYS; way++) {
        if (way == GR_BUDGET_CHAIN || way == GR_BUDGET_PROGRAM || way == GR_BUDGET_ROUNDED) continue;
        assert_int_equal(solve(x, (gr_budget_way)way, 0, &s), GR_OK); /* nothing to do */
        assert_int_equal(s.n, 0);
    }
    add(x, 2, 5, NULL, 0);
    assert_int_equal(solve(x, GR_BUDGET_AUTO, 4, &s), GR_E_BUDGET);
    assert_int_equal(solve(x, GR_BUDGET_AUTO, 5, &s), GR_OK);
    replay(x, &s, 5);
    assert_int_equal(solve(x, GR_BUDGET_CHAIN, 5, &s), GR_E_CONFLICT);
    gr_context_clear_error(x->ctx);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(chains_cost_what_checkmate_s_do),
        cmocka_unit_test(chains_of_unequal_layers_too),
        cmocka_unit_test(random_graphs_as_brute_force_has_them),
        cmocka_unit_test(chains_as_the_search_has_them),
        cmocka_unit_test(a_limit_leaves_a_bound),
        cmocka_unit_test(little_graphs),
    };
    return cmocka_run_group_tests(tests, make_example, drop_example);
}
