/* Equal regions over different tensors become segments of one kernel. Random updates are written for several parameters
 * whose shapes differ, some of one row or of one column, and perhaps with another number in one of them: on cpu they
 * give the bits of plans that run node by node, and what float64 gives. */
#include <math.h>
#include <string.h>

#include "base/rng.h"
#include "plan/plan.h"
#include "test.h"

enum { MOST_PARAMS = 5, MOST_STEPS = 8, ROOM = 5000, SEEDS = 300 };

typedef struct step {
    int what, a, b, axis; /* a, b: results of steps before, or the parameter and its slot */
} step;

typedef struct update {
    gr_graph *g;
    gr_val rate;
    step step[MOST_STEPS];
    int n, n_params, odd; /* odd: the parameter whose squares are scaled in another way; -1: none */
    bool slots, shared;   /* writes slots; reads the sum over all parameters */
    gr_shape shape[MOST_PARAMS];
    char name[2 * MOST_PARAMS][16]; /* parameters, then their slots */
} update;

typedef struct results {
    double entry[2 * MOST_PARAMS][ROOM], sum[MOST_PARAMS];
    int merged;
} results;

static gr_val last(gr_graph *g, gr_val a, bool max)
{
    int axis = gr_shape_of(g, a).rank - 1;
    return max ? gr_reduce_max(g, a, &axis, 1, true) : gr_sum(g, a, &axis, 1, true);
}

static gr_val leading(gr_graph *g, gr_val a)
{
    static const int axes[GR_MAX_RANK] = {0, 1, 2, 3, 4, 5};
    int rank = gr_shape_of(g, a).rank;
    return rank > 1 ? gr_sum(g, a, axes, rank - 1, true) : a;
}

/* Numbers along an axis, by a row or by a column. */
static gr_val numbers(gr_graph *g, gr_val a, int axis)
{
    gr_shape s = gr_shape_of(g, a);
    return gr_mul(g, gr_real(g, gr_iota(g, s, axis % s.rank)), gr_const(g, 0.1));
}

/* Steps to rank 0 add to *sum and give a. */
static gr_val apply(const update *u, const step *s, gr_val a, gr_val b, int param, gr_val *sum)
{
    gr_graph *g = u->g;
    gr_val one = gr_const(g, 1);
    switch (s->what) {
    case 0:
        return gr_tanh(g, gr_mul(g, a, b));
    case 1:
        return gr_sub(g, a, gr_mul(g, u->rate, b));
    case 2:
        return gr_sub(g, a, last(g, b, true));
    case 3:
        return gr_div(g, a, gr_add(g, one, gr_sqrt(g, last(g, gr_square(g, b), false))));
    case 4:
        return gr_add(g, a, gr_tanh(g, leading(g, b)));
    case 5:
        return gr_softmax(g, a);
    case 6:
        return gr_mul(
            g, a, gr_select(g, gr_less(g, last(g, a, true), last(g, b, false)), gr_tanh(g, last(g, b, false)), one));
    case 7:
        return gr_max(g, a, numbers(g, a, s->axis));
    case 8:
        *sum = gr_add(g, *sum, gr_sum_squares(g, a, param == u->odd ? 4 : 2));
        return a;
    default:
        *sum = gr_add(g, *sum, gr_tanh(g, gr_sum_all(g, gr_abs(g, b))));
        return a;
    }
}

static void draw(update *u, uint64_t seed)
{
    gr__rng rng = gr__rng_make(seed, "segments", 0, 0);
    *u = (update){.n = 2 + (int)gr__rng_below(&rng, MOST_STEPS - 1),
                  .n_params = 2 + (int)gr__rng_below(&rng, MOST_PARAMS - 1)};
    u->odd = gr__rng_below(&rng, 2) ? -1 : (int)gr__rng_below(&rng, (uint64_t)u->n_params);
    u->slots = gr__rng_below(&rng, 3) == 0;
    u->shared = gr__rng_below(&rng, 3) == 0;
    for (int k = 0; k < u->n; k++) {
        uint64_t before = (uint64_t)k + 2;
        u->step[k] = (step){(int)gr__rng_below(&rng, 10), (int)gr__rng_below(&rng, before),
                            (int)gr__rng_below(&rng, before), (int)gr__rng_below(&rng, 2)};
    }
    uint64_t rank = 1 + gr__rng_below(&rng, 3);
    for (int i = 0; i < u->n_params; i++) {
        int64_t rows = gr__rng_below(&rng, 4) ? 1 + (int64_t)gr__rng_below(&rng, i % 2 ? 6 : 60) : 1,
                columns = gr__rng_below(&rng, 6) ? 1 + (int64_t)gr__rng_below(&rng, i % 2 ? 70 : 12) : 1;
        u->shape[i] = rank == 1   ? GR_SHAPE(rows * columns)
                      : rank == 2 ? GR_SHAPE(rows, columns)
                                  : GR_SHAPE(rows, 1 + i % 2, columns);
        snprintf(u->name[i], sizeof u->name[i], "w%d", i);
        snprintf(u->name[MOST_PARAMS + i], sizeof u->name[i], "w%d/m", i);
    }
}

static void write_update(update *u)
{
    gr_graph *g = u->g;
    gr_val value[MOST_PARAMS], target[MOST_PARAMS], all = gr_const(g, 0);
    u->rate = gr_feed(g, "rate", GR_REAL, GR_SCALAR);
    for (int i = 0; i < u->n_params; i++) {
        gr_val pool[MOST_STEPS + 2] = {gr_param(g, u->name[i], u->shape[i]),
                                       gr_slot(g, u->name[MOST_PARAMS + i], u->shape[i])},
                                 sum = gr_const(g, 0);
        target[i] = pool[u->slots];
        for (int k = 0; k < u->n; k++)
            pool[k + 2] = apply(u, &u->step[k], pool[u->step[k].a], pool[u->step[k].b], i, &sum);
        value[i] = gr_add(g, pool[u->n + 1], gr_mul(g, u->rate, pool[1]));
        gr_output(g, u->name[i], sum);
        all = gr_add(g, all, sum);
    }
    for (int i = 0; i < u->n_params; i++) {
        if (u->shared) value[i] = gr_mul(g, value[i], gr_recip(g, gr_add(g, gr_const(g, 1), all)));
        gr_assign(g, target[i], value[i], GR_ASSIGN_UPDATE);
    }
}

static void fill(gr_store *s, int n, uint64_t seed)
{
    static double numbers[ROOM];
    gr__rng rng = gr__rng_make(seed, "numbers", 0, 0);
    for (int i = 0; i < n; i++) {
        for (int e = 0; e < ROOM; e++) numbers[e] = 2 * gr__rng_uniform(&rng) - 1;
        gr_store_write(s, gr_store_entry(s, i), numbers);
    }
}

/* Two updates. */
static void run(const gr_backend *b, bool unfused, uint64_t seed, results *r)
{
    gr_context *ctx = test_context_with(1 + (int)(seed % 3), 0);
    gr_store *store;
    gr_plan *plan;
    update u;
    draw(&u, seed);
    memset(r, 0, sizeof *r);
    test_ok(ctx, gr_graph_create(ctx, &u.g));
    test_ok(ctx, gr_store_create(ctx, b, &store));
    for (int i = 0; i < 2 * u.n_params; i++) {
        bool slot = i >= u.n_params;
        int k = i % u.n_params;
        gr_entry_spec spec = {.name = u.name[slot ? MOST_PARAMS + k : k], .shape = u.shape[k], .slot = slot};
        test_ok(ctx, gr_store_add(store, &spec, NULL));
    }
    write_update(&u);
    test_ok(ctx, gr_graph_status(u.g));
    test_ok(ctx, gr_plan_compile(ctx, u.g, store, &(gr_plan_options){.backend = b, .unfused = unfused}, &plan));
    test_ok(ctx, gr_store_seal(store));
    test_ok(ctx, gr_plan_bind(plan, NULL));
    fill(store, 2 * u.n_params, seed);
    for (int k = 0; k < 2; k++) {
        *(double *)gr_plan_feed(plan, "rate", NULL) = 0.25;
        test_ok(ctx, gr_plan_run(plan));
    }
    for (int i = 0; i < 2 * u.n_params; i++) gr_store_read(store, gr_store_entry(store, i), r->entry[i]);
    for (int i = 0; i < u.n_params; i++) r->sum[i] = *(const double *)gr_plan_output(plan, u.name[i], NULL);
    for (int i = 0; i < plan->n_instructions; i++)
        r->merged += plan->instructions[i].made && plan->instructions[i].made->item.n_segments > 1;
    gr_plan_destroy(plan);
    gr_store_destroy(store);
    gr_graph_destroy(u.g);
    test_context_end(ctx);
}

static void near(double got, double want, uint64_t seed, const char *what, int i)
{
    if (!(fabs(got - want) <= 1e-2 * (1 + fabs(want))))
        fail_msg("seed %llu: %s %d is %.9g, not %.9g", (unsigned long long)seed, what, i, got, want);
}

static void segments_have_the_bits_of_tensors_one_by_one(void **state)
{
    (void)state;
    static results merged, apart, exact;
    int n = 0;
    for (uint64_t seed = 1; seed <= SEEDS; seed++) {
        run(&gr__backend_cpu, false, seed, &merged);
        run(&gr__backend_cpu, true, seed, &apart);
        run(&gr__backend_ref, false, seed, &exact);
        n += merged.merged;
        merged.merged = apart.merged;
        if (memcmp(&merged, &apart, sizeof merged) != 0)
            fail_msg("seed %llu: merged and apart differ", (unsigned long long)seed);
        for (int i = 0; i < 2 * MOST_PARAMS; i++)
            for (int e = 0; e < ROOM; e++) near(merged.entry[i][e], exact.entry[i][e], seed, "entry", i);
        for (int i = 0; i < MOST_PARAMS; i++) near(merged.sum[i], exact.sum[i], seed, "sum", i);
    }
    assert_true(n >= SEEDS / 2);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(segments_have_the_bits_of_tensors_one_by_one),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
