/* Random steps whose units run again at random places. */
#ifndef GR_TESTS_PLAN_REPEAT_H
#define GR_TESTS_PLAN_REPEAT_H

#include "plan/random_graph.h"

typedef struct rg_repeats {
    random_graph numbers; /* where random numbers come from */
    int refused;
    int runs;                         /* instances after the first, of all plans */
    int less_of_node, less_of_region; /* those that are asked for less than the first */
} rg_repeats;

static gr_status rg_repeat(gr__compiler *c, void *user)
{
    rg_repeats *x = user;
    for (int k = 10 + (int)rg_next(&x->numbers, 30); k > 0; k--) {
        int n = c->schedule.n, at = (int)rg_next(&x->numbers, (uint32_t)n),
            before = at + (int)rg_next(&x->numbers, (uint32_t)(n - at) + 1);
        if (c->schedule.turn[at].code != GR__CALL) continue;
        int unit = c->schedule.turn[at].unit;
        if (!gr__schedule_may_repeat(c, unit, before)) {
            x->refused++;
            continue;
        }
        gr_status st = gr__schedule_again(c, unit, before);
        if (st != GR_OK) return st;
    }
    return GR_OK;
}

static int rg_written(const gr_item *it)
{
    int n = 0;
    for (int o = 0; o < it->n_segments * it->n_out; o++) n += it->out[o] != GR_NONE;
    return n;
}

/* Instances are found by the first node of what they run; the first of it is the whole unit. */
static void rg_count_repeats(rg_repeats *x, const gr_plan *p)
{
    for (int i = 0; i < p->n_instructions; i++) {
        if (p->instructions[i].code != GR__CALL) continue;
        const gr_item *it = &p->instructions[i].made->item;
        for (int k = 0; k < i; k++) {
            if (p->instructions[k].code != GR__CALL) continue;
            const gr_item *first = &p->instructions[k].made->item;
            bool same = false;
            for (int m = 0; m < first->n_nodes; m++) same |= first->nodes[m] == it->nodes[it->n_nodes - 1];
            if (!same || first->kind != it->kind) continue;
            x->runs++;
            assert_false(p->instructions[i].writes_store);
            bool less = rg_written(it) < rg_written(first);
            *(it->kind == GR_ITEM_NODE ? &x->less_of_node : &x->less_of_region) += less;
            break;
        }
    }
}

/* One graph with and without units that run again. */
static void rg_repeated_has_the_same_bits(rg_step *plain, rg_step *step, rg_repeats *x, const gr_backend *backend,
                                          bool unfused, uint64_t seed)
{
    gr_context *ctx = test_context_with(1 + (int)(seed % 3), 0);
    random_graph r;
    rg_build(&r, ctx, seed, false);
    rg_begin(plain, &r, backend, unfused);
    x->numbers.state = seed + 1;
    rg_change = rg_repeat;
    rg_changing = x;
    rg_begin(step, &r, backend, unfused);
    rg_change = NULL;
    rg_count_repeats(x, step->plan);
    assert_true(gr_plan_rows(step->plan) >= gr_plan_rows(plain->plan));
    rg_same_bits(step, plain, seed);
    rg_end(step);
    rg_end(plain);
    gr_graph_destroy(r.g);
    test_context_end(ctx);
}

#endif
