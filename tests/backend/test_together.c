/* Kernels of a loop's body that run together, column by column: the bits of separate ones, for any number of threads,
 * and close to float64; those that need more of each other than their own columns stay apart, and the last step leaves
 * out what only a further one would read. And what several products pack is packed once. */
#include "cpu_case.h"

#include "plan/loop.h"

enum { STEPS = 7, FEEDS = 5 };
static const char *const names[FEEDS] = {"x", "w", "v", "bias", "start"};

typedef struct net {
    gr_val (*step)(gr_graph *g, gr_val state, const gr_val *in);
    int64_t samples, units;
    bool reverse;
    enum { GIVEN, GIVEN_ZEROS, ZEROS } start; /* what the state starts with: numbers, zeros among them, or a constant */
} net;

/* A gate and what it lets through: two products of the state, and what follows from both. */
static gr_val gated(gr_graph *g, gr_val state, const gr_val *in)
{
    gr_val gate = gr_sigmoid(g, gr_add(g, gr_matmul(g, state, in[1], false, true), in[0])),
           new = gr_tanh(g, gr_add(g, gr_matmul(g, state, in[2], false, true), in[0]));
    return gr_add(g, new, gr_mul(g, gate, gr_sub(g, state, new)));
}

/* A product of what a product gave, which needs all columns of it. */
static gr_val deep(gr_graph *g, gr_val state, const gr_val *in)
{
    gr_val inner = gr_relu(g, gr_matmul(g, state, in[1], false, true));
    return gr_tanh(g, gr_add(g, gr_matmul(g, inner, in[2], false, true), in[0]));
}

/* Something a column in between. */
static gr_val biased(gr_graph *g, gr_val state, const gr_val *in)
{
    gr_val sum = gr_add(g, gr_matmul(g, state, in[1], false, true), in[3]);
    return gr_mul(g, gr_sigmoid(g, sum), gr_tanh(g, gr_add(g, gr_matmul(g, state, in[2], false, true), in[0])));
}

static void build(gr_graph *g, const net *n)
{
    gr_shape square = GR_SHAPE(n->units, n->units);
    gr_val feed[FEEDS] = {gr_feed(g, "x", GR_REAL, GR_SHAPE(STEPS, n->samples, n->units)),
                          gr_feed(g, "w", GR_REAL, square), gr_feed(g, "v", GR_REAL, square),
                          gr_feed(g, "bias", GR_REAL, GR_SHAPE(n->units)),
                          gr_feed(g, "start", GR_REAL, GR_SHAPE(n->samples, n->units))},
           d[FEEDS];
    gr_scan *s = gr_scan_begin(g, STEPS, n->reverse);
    gr_val in[] = {gr_scan_step(s, feed[0]), gr_scan_given(s, feed[1]), gr_scan_given(s, feed[2]),
                   gr_scan_given(s, feed[3])},
           zeros = gr_broadcast(g, gr_const(g, 0), GR_SHAPE(n->samples, n->units)),
           state = gr_scan_carry(s, n->start == ZEROS ? zeros : feed[4]), next = n->step(gr_scan_body(s), state, in);
    gr_scan_next(s, state, next);
    assert_true(gr_scan_end(s));
    gr_val all = gr_scan_stack(s, next), cost = gr_mul(g, gr_sum_all(g, gr_square(g, all)), gr_const(g, 0.1));
    assert_int_equal(gr_gradients(g, cost, feed, FEEDS, d), GR_OK);
    for (int i = 0; i < FEEDS; i++) gr_output(g, names[i], d[i]);
    gr_output(g, "all", all);
    gr_scan_free(s);
}

/* Of the plan's loops. */
typedef struct seen {
    int together; /* the most kernels that run together in any of them */
    int idle;     /* kernels that last steps leave out */
    int still;    /* products of which first steps know that they are 0 */
} seen;

static seen look(const gr_plan *p)
{
    seen s = {0};
    for (int i = 0; i < p->n_instructions; i++) {
        if (p->instructions[i].code != GR__LOOP) continue;
        const gr__loop *l = gr__loop_of(&p->instructions[i]);
        for (int k = 0; k < l->body->n_instructions; k++) {
            s.together = GR_MAX(s.together, l->together[k]);
            s.idle += l->idle[k];
            s.still += l->still[k];
        }
    }
    return s;
}

static void fill(gr_plan *p, const net *n, bool narrow)
{
    gr__rng rng = gr__rng_make(5, "together", 0, 0);
    for (int i = 0; i < FEEDS; i++) {
        size_t bytes = 0; /* of one that is not read there is none */
        void *at = gr_plan_feed(p, names[i], &bytes);
        for (size_t k = 0; k < bytes / (narrow ? 4 : 8); k++) {
            float value = (float)(2 * gr__rng_uniform(&rng) - 1);
            if (i == 1 || i == 2) value *= 2 / sqrtf((float)n->units);
            if (i == 4 && n->start == GIVEN_ZEROS) value = 0;
            if (narrow)
                ((float *)at)[k] = value;
            else
                ((double *)at)[k] = (double)value;
        }
    }
}

/* Everything that comes out; the caller frees it. */
static double *run(const net *n, const gr_backend *b, bool unfused, int threads, int64_t *count, seen *loops)
{
    gr_context *ctx = test_context_with(threads, 0);
    gr_graph *g;
    gr_store *store;
    gr_plan *plan;
    test_ok(ctx, gr_graph_create(ctx, &g));
    build(g, n);
    test_ok(ctx, gr_graph_status(g));
    test_ok(ctx, gr_store_create(ctx, b, &store));
    test_ok(ctx, gr_plan_compile(ctx, g, store, &(gr_plan_options){.backend = b, .unfused = unfused}, &plan));
    test_ok(ctx, gr_store_seal(store));
    test_ok(ctx, gr_plan_bind(plan, NULL));
    for (int again = 0; again < 3; again++) { /* a race would not show each time */
        fill(plan, n, b->real == GR_EL_F32);
        test_ok(ctx, gr_plan_run(plan));
    }
    double *all = NULL;
    *count = 0;
    for (int i = 0; i <= FEEDS; i++) {
        gr_shape shape;
        const void *from = gr_plan_output(plan, i < FEEDS ? names[i] : "all", &shape);
        int64_t more = gr_shape_count(shape);
        all = realloc(all, (size_t)(*count + more) * sizeof *all);
        for (int64_t k = 0; k < more; k++)
            all[(*count)++] = b->real == GR_EL_F32 ? (double)((const float *)from)[k] : ((const double *)from)[k];
    }
    *loops = look(plan);
    gr_plan_destroy(plan);
    gr_store_destroy(store);
    gr_graph_destroy(g);
    test_context_end(ctx);
    return all;
}

static int check(const net *n)
{
    int64_t count;
    seen loops, ignored;
    double *got = run(n, &gr__backend_cpu, false, 1, &count, &loops),
           *apart = run(n, &gr__backend_cpu, true, 1, &count, &ignored),
           *exact = run(n, &gr__backend_ref, false, 1, &count, &ignored), scale = 0;
    for (int threads = 2; threads <= 4; threads++) {
        double *shared = run(n, &gr__backend_cpu, false, threads, &count, &ignored);
        for (int64_t i = 0; i < count; i++)
            if (memcmp(&got[i], &shared[i], sizeof *got) != 0 || memcmp(&got[i], &apart[i], sizeof *got) != 0)
                fail_msg("element %lld is %.9g, on %d threads %.9g, apart %.9g", (long long)i, got[i], threads,
                         shared[i], apart[i]);
        free(shared);
    }
    for (int64_t i = 0; i < count; i++) scale = fmax(scale, fabs(exact[i]));
    for (int64_t i = 0; i < count; i++)
        if (!(fabs(got[i] - exact[i]) <= 1e-4 * scale))
            fail_msg("element %lld is %.9g, not %.9g", (long long)i, got[i], exact[i]);
    free(got), free(apart), free(exact);
    if (n->start != ZEROS) assert_int_equal(loops.idle, 0); /* the gradient of what it starts with is asked for */
    return loops.together;
}

static void gates_run_with_the_products_that_they_follow(void **state)
{
    (void)state;
    for (int reverse = 0; reverse < 2; reverse++) {
        assert_true(check(&(net){gated, 32, 256, reverse, GIVEN}) >= 3);
        assert_true(check(&(net){gated, 5, 512, reverse, GIVEN}) >= 3);
        assert_int_equal(check(&(net){gated, 9, 250, reverse, GIVEN}), 0);
    }
    assert_true(check(&(net){gated, 3, 256, false, ZEROS}) >= 3);
}

static void products_of_products_stay_apart(void **state)
{
    (void)state;
    check(&(net){deep, 17, 256, false, GIVEN});
    check(&(net){deep, 32, 512, true, GIVEN});
    check(&(net){biased, 16, 256, false, GIVEN});
}

/* The products of its first step with what is known to be 0 are left out of the weights' gradients. */
static void a_state_that_starts_at_zero_has_the_gradients_of_one_that_is_given_zeros(void **state)
{
    (void)state;
    static const int64_t sizes[][2] = {{8, 16}, {4, 64}, {3, 5}, {1, 1}};
    for (size_t k = 0; k < 2 * GR_COUNT(sizes); k++) {
        net n = {gated, sizes[k / 2][0], sizes[k / 2][1], k % 2, GIVEN_ZEROS};
        int64_t count, of_weights = STEPS * n.samples * n.units + 2 * n.units * n.units;
        seen loops;
        double *given = run(&n, &gr__backend_ref, false, 1, &count, &loops);
        n.start = ZEROS;
        double *zeros = run(&n, &gr__backend_ref, false, 1, &count, &loops),
               *fast = run(&n, &gr__backend_cpu, false, 1, &count, &loops);
        assert_in_range(loops.idle, 2, 4); /* both products of the state's gradient */
        assert_int_equal(loops.still, 2);
        for (int64_t i = 0; i < of_weights; i++)
            if (fabs(given[i] - zeros[i]) > 1e-12 || fabs(given[i] - fast[i]) > 1e-4)
                fail_msg("%lld x %lld, element %lld is %.17g, not %.17g; %.9g", (long long)n.samples,
                         (long long)n.units, (long long)i, zeros[i], given[i], fast[i]);
        free(given), free(zeros), free(fast);
    }
}

enum { PRODUCTS = 3, TERMS = 256, ROWS = 800, COLUMNS = 256 };

/* The first so many products of what is transposed with one and the same matrix, but for the last, which has another.
 */
static gr_plan *products(gr_context *ctx, gr_graph **g, gr_store **store, int first, int end)
{
    gr_plan *plan;
    test_ok(ctx, gr_graph_create(ctx, g));
    gr_val same = gr_feed(*g, "same", GR_REAL, GR_SHAPE(TERMS, COLUMNS)),
           other = gr_feed(*g, "other", GR_REAL, GR_SHAPE(TERMS, COLUMNS));
    for (int i = first; i < end; i++) {
        char name[] = {(char)('a' + i), 0};
        gr_val a = gr_feed(*g, name, GR_REAL, GR_SHAPE(TERMS, ROWS));
        gr_output(*g, name, gr_matmul(*g, a, i == PRODUCTS ? other : same, true, false));
    }
    test_ok(ctx, gr_store_create(ctx, &gr__backend_cpu, store));
    test_ok(ctx, gr_plan_compile(ctx, *g, *store, &(gr_plan_options){.backend = &gr__backend_cpu}, &plan));
    test_ok(ctx, gr_store_seal(*store));
    test_ok(ctx, gr_plan_bind(plan, NULL));
    for (int i = -2; i < end; i++) {
        char name[] = {(char)('a' + i), 0};
        gr__rng rng = gr__rng_make(5, "products", (uint64_t)(i + 2), 0);
        float *at = gr_plan_feed(plan, i == -2 ? "same" : i == -1 ? "other" : name, NULL);
        for (int k = 0; at && k < TERMS * (i < 0 ? COLUMNS : ROWS); k++) at[k] = (float)(2 * gr__rng_uniform(&rng) - 1);
    }
    return plan;
}

static void what_several_products_pack_is_packed_once(void **state)
{
    (void)state;
    for (int threads = 1; threads <= 2; threads++) {
        gr_context *ctx = test_context_with(threads, 0);
        gr_graph *g, *h;
        gr_store *store, *apart;
        gr_plan *all = products(ctx, &g, &store, 0, PRODUCTS + 1);
        int packed = 0;
        for (int i = 0; i < all->n_instructions; i++) packed += all->instructions[i].packed;
        assert_int_equal(packed, PRODUCTS - 1);
        test_ok(ctx, gr_plan_run(all));
        for (int i = 0; i <= PRODUCTS; i++) {
            char name[] = {(char)('a' + i), 0};
            gr_plan *one = products(ctx, &h, &apart, i, i + 1);
            test_ok(ctx, gr_plan_run(one));
            assert_memory_equal(gr_plan_output(one, name, NULL), gr_plan_output(all, name, NULL),
                                (size_t)ROWS * COLUMNS * sizeof(float));
            gr_plan_destroy(one);
            gr_store_destroy(apart);
            gr_graph_destroy(h);
        }
        gr_plan_destroy(all);
        gr_store_destroy(store);
        gr_graph_destroy(g);
        test_context_end(ctx);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(gates_run_with_the_products_that_they_follow),
        cmocka_unit_test(products_of_products_stay_apart),
        cmocka_unit_test(a_state_that_starts_at_zero_has_the_gradients_of_one_that_is_given_zeros),
        cmocka_unit_test(what_several_products_pack_is_packed_once),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
