/* Plans on every device: fusing, merging, gathering scalars, threads, placing and running again change no bit, random
 * steps agree with the evaluator as far as its numbers go, a training step learns. */
#include "plan/repeat.h"
#include "support/again.h"
#include "support/devices.h"

enum { SEEDS = 250 };

static const device *dev; /* the one of this test */
static rg_step step, other;

static int choose(void **state)
{
    dev = *state;
    rg_with_rows = dev->by_reference;
    return 0;
}

/* ---- random steps ---- */

static void random_steps_agree_with_the_evaluator(void **state)
{
    (void)state;
    for (uint64_t k = 0; k < 2 * SEEDS; k++) {
        uint64_t seed = 1000 + k / 2;
        gr_context *ctx = test_context_with(1 + (int)(seed % 3), 0);
        random_graph r;
        rg_build(&r, ctx, seed, dev->smooth);
        rg_begin(&step, &r, dev->backend, k % 2);
        rg_randomize(&step, seed);
        rg_compare(&step, dev->steps);
        rg_end(&step);
        gr_graph_destroy(r.g);
        test_context_end(ctx);
    }
}

static void fusing_changes_no_bit(void **state)
{
    (void)state;
    for (uint64_t seed = 2000; seed < 2000 + SEEDS; seed++) {
        gr_context *ctx = test_context_with(1 + (int)(seed % 3), 0);
        random_graph r;
        rg_build(&r, ctx, seed, false);
        rg_begin(&step, &r, dev->backend, false);
        rg_begin(&other, &r, dev->backend, true);
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
    rg_repeats x = {.runs = 0};
    for (uint64_t seed = 2500; seed < 2500 + SEEDS; seed++)
        rg_repeated_has_the_same_bits(&other, &step, &x, dev->backend, seed % 3 == 0, seed);
    assert_true(x.runs > SEEDS);
    if (dev->by_reference) assert_true(x.less_of_node > 0);
    if (dev->backend->fuses) assert_true(x.less_of_region > 50);
}

/* The maxima of a pool, read at once and after a product, and where they were, which the second run is not asked. */
static void maxima_read_late(gr__reschedule_fn change, double *y)
{
    enum { ROWS = 18, COLUMNS = 3 };
    gr_context *ctx = test_context();
    gr_graph *g;
    gr_store *store;
    gr_plan *plan;
    gr_val index;
    test_ok(ctx, gr_graph_create(ctx, &g));
    test_ok(ctx, gr_store_create(ctx, dev->backend, &store));
    gr_val x = gr_feed(g, "x", GR_U8, GR_SHAPE(2, 6, 6, COLUMNS));
    gr_val pooled = gr_max_pool(g, gr_real(g, x), (gr_pool_attr){.size = {2, 2}, .stride = {2, 2}}, &index),
           m = gr_reshape(g, pooled, GR_SHAPE(ROWS, COLUMNS));
    gr_val product = gr_mul(g, gr_matmul(g, m, m, false, true), gr_const(g, 1e-3));
    gr_output(g, "index", gr_sum_all(g, gr_real(g, index)));
    gr_output(g, "y", gr_sum_all(g, gr_matmul(g, product, m, false, false)));
    gr_plan_options options = {.backend = dev->backend};
    test_ok(ctx, gr__plan_compile(ctx, g, store, &options, change, &(again_unit){.code = GR_OP_MAX_POOL}, &plan));
    test_ok(ctx, gr_store_seal(store));
    test_ok(ctx, gr_plan_bind(plan, NULL));
    uint8_t *to = gr_plan_feed(plan, "x", NULL);
    for (int i = 0; i < 2 * 36 * COLUMNS; i++) to[i] = (uint8_t)(i * 37 % 101);
    test_ok(ctx, gr_plan_run(plan));
    y[0] = *(const double *)gr_plan_output(plan, "y", NULL);
    y[1] = *(const double *)gr_plan_output(plan, "index", NULL);
    const gr_kernel *pool[2] = {NULL, NULL};
    int n = 0;
    for (int i = 0; i < plan->n_instructions; i++) {
        const gr__instruction *in = &plan->instructions[i];
        if (gr__node(plan->graph, in->made->item.nodes[0])->op->code != GR_OP_MAX_POOL) continue;
        assert_non_null(in->address[1]);
        assert_int_equal(in->address[2] == NULL, n > 0);
        pool[n++ % 2] = in->kernel;
    }
    assert_int_equal(n, change ? 2 : 1);
    if (change) assert_ptr_equal(pool[0], pool[1]);
    gr_plan_destroy(plan);
    gr_store_destroy(store);
    gr_graph_destroy(g);
    test_context_end(ctx);
}

static void a_pool_runs_again_for_its_maxima_alone(void **state)
{
    (void)state;
    double want[2], got[2];
    maxima_read_late(NULL, want);
    maxima_read_late(again_before_its_last_reader, got);
    assert_memory_equal(want, got, sizeof want);
}

/* ---- operations of every class, at a glance ---- */

/* Operations with several outputs, random numbers, and every rank-0 value as float64. */
static void a_small_network_runs(void **state)
{
    (void)state;
    gr_context *ctx = test_context();
    gr_graph *g;
    gr_store *s;
    gr_plan *p;
    test_ok(ctx, gr_graph_create(ctx, &g));
    test_ok(ctx, gr_store_create(ctx, dev->backend, &s));
    test_ok(ctx, gr_store_add(s, &(gr_entry_spec){.name = "w", .shape = GR_SHAPE(2, 3, 3, 1)}, NULL));
    test_ok(ctx, gr_store_add(s, &(gr_entry_spec){.name = "t", .slot = true, .initial = 3}, NULL));
    gr_val x = gr_feed(g, "x", GR_U8, GR_SHAPE(2, 6, 6, 1)), w = gr_param(g, "w", GR_SHAPE(2, 3, 3, 1)),
           t = gr_slot(g, "t", GR_SCALAR), index, dw;
    gr_conv_attr attr = {.stride = {1, 1}, .dilation = {1, 1}, .pad_before = {1, 1}, .pad_after = {1, 1}, .groups = 1};
    gr_val y = gr_max_pool(g, gr_relu(g, gr_conv(g, gr_real(g, x), w, attr)),
                           (gr_pool_attr){.size = {2, 2}, .stride = {2, 2}}, &index);
    gr_val mask = gr_random(g, "drop", GR_SHAPE(2, 3, 3, 2), gr_const(g, 7), t, gr_const(g, 0));
    gr_val cost = gr_sum_all(g, gr_mul(g, y, gr_less(g, mask, gr_const(g, 0.5))));
    test_ok(ctx, gr_gradients(g, cost, &w, 1, &dw));
    gr_mark_gradient(g, w, dw);
    gr_assign(g, w, gr_sub(g, w, gr_mul(g, gr_const(g, 0.01), dw)), GR_ASSIGN_UPDATE);
    gr_assign(g, t, gr_add(g, t, gr_const(g, 1)), GR_ASSIGN_UPDATE);
    gr_output(g, "cost", cost);
    gr_output(g, "index", index);
    gr_output(g, "mask", mask);
    test_ok(ctx, gr_plan_compile(ctx, g, s, &(gr_plan_options){.backend = dev->backend}, &p));
    gr_graph_destroy(g); /* the plan has its own */
    test_ok(ctx, gr_store_seal(s));
    test_ok(ctx, gr_plan_bind(p, NULL));
    const size_t mask_bytes = 36 * gr_backend_real_bytes(dev->backend);
    char first[36 * sizeof(double)];
    double weights[18];
    for (int i = 0; i < 18; i++) weights[i] = 0.1 * (i % 5) - 0.1;
    gr_store_write(s, gr_store_find(s, "w"), weights);
    double cost_before = 0;
    for (int run = 0; run < 2; run++) {
        size_t bytes;
        uint8_t *feed = gr_plan_feed(p, "x", &bytes);
        assert_int_equal(bytes, 72);
        for (int i = 0; i < 72; i++) feed[i] = (uint8_t)(i % 7);
        test_ok(ctx, gr_plan_run(p));
        const void *mask_now = gr_plan_output(p, "mask", NULL);
        if (run == 0)
            memcpy(first, mask_now, mask_bytes);
        else
            assert_memory_not_equal(first, mask_now, mask_bytes); /* the update's number is part of the key */
        const int32_t *at = gr_plan_output(p, "index", NULL);
        for (int i = 0; i < 36; i++) assert_in_range(at[i], 0, 35);
        if (run == 0) cost_before = *(const double *)gr_plan_output(p, "cost", NULL);
    }
    assert_true(cost_before > 0);
    double now;
    gr_store_read(s, gr_store_find(s, "t"), &now);
    assert_true(now == 5);
    gr_plan_destroy(p);
    gr_store_destroy(s);
    test_context_end(ctx);
}

/* ---- a training step large enough for several shards ---- */

enum { SIDE = 12, CLASSES = 10, PARAMETERS = 8, UPDATES = 3 };

static const char *const names[PARAMETERS] = {"conv.weight",  "conv.bias",  "norm.scale",  "norm.shift",
                                              "dense.weight", "dense.bias", "head.weight", "head.bias"};
static const gr_shape shapes[PARAMETERS] = {{4, {8, 3, 3, 1}}, {1, {8}},  {1, {8}},           {1, {8}},
                                            {2, {96, 288}},    {1, {96}}, {2, {CLASSES, 96}}, {1, {CLASSES}}};

typedef struct network {
    gr_context *ctx;
    gr_store *store;
    gr_plan *plan;
} network;

static gr_val normalised(gr_graph *g, gr_val x, gr_val scale, gr_val shift)
{
    int axes[] = {0, 1, 2};
    double n = (double)gr_shape_count(gr_shape_of(g, x)) / 8;
    gr_val mean = gr_div(g, gr_sum(g, x, axes, 3, false), gr_const(g, n)), c = gr_sub(g, x, mean);
    gr_val variance = gr_div(g, gr_sum(g, gr_square(g, c), axes, 3, false), gr_const(g, n));
    return gr_add(g, gr_mul(g, gr_div(g, c, gr_sqrt(g, gr_add(g, variance, gr_const(g, 1e-5)))), scale), shift);
}

static gr_val cross_entropy(gr_graph *g, gr_val logits, gr_val labels)
{
    int last = 1;
    gr_shape s = gr_shape_of(g, logits);
    gr_val shifted = gr_sub(g, logits, gr_reduce_max(g, logits, &last, 1, true));
    gr_val hit = gr_equal(g, gr_broadcast(g, gr_reshape(g, labels, GR_SHAPE(dev->rows, 1)), s), gr_iota(g, s, 1));
    gr_val sum = gr_log(g, gr_sum(g, gr_exp(g, shifted), &last, 1, false));
    return gr_sum_all(g, gr_sub(g, sum, gr_sum(g, gr_mul(g, shifted, hit), &last, 1, false)));
}

static gr_val forward(gr_graph *g, const gr_val *w, gr_val labels)
{
    gr_conv_attr conv = {.stride = {1, 1}, .dilation = {1, 1}, .pad_before = {1, 1}, .pad_after = {1, 1}, .groups = 1};
    gr_val x =
        gr_mul(g, gr_real(g, gr_feed(g, "pixels", GR_U8, GR_SHAPE(dev->rows, SIDE, SIDE, 1))), gr_const(g, 1.0 / 255));
    gr_val y = gr_add(g, gr_conv(g, x, w[0], conv), w[1]);
    y = gr_relu(g, normalised(g, y, w[2], w[3]));
    y = gr_reshape(g, gr_max_pool(g, y, (gr_pool_attr){.size = {2, 2}, .stride = {2, 2}}, NULL),
                   GR_SHAPE(dev->rows, 288));
    y = gr_relu(g, gr_add(g, gr_matmul(g, y, w[4], false, true), w[5]));
    gr_val mask =
        gr_random(g, "drop", GR_SHAPE(dev->rows, 96), gr_const(g, 1), gr_slot(g, "t", GR_SCALAR), gr_const(g, 0));
    y = gr_mul(g, y, gr_mul(g, gr_less(g, mask, gr_const(g, 0.8)), gr_const(g, 1.25)));
    return cross_entropy(g, gr_add(g, gr_matmul(g, y, w[6], false, true), w[7]), labels);
}

static void adam(gr_graph *g, const gr_val *w, const gr_val *d, gr_val cost)
{
    gr_val t = gr_slot(g, "t", GR_SCALAR), now = gr_add(g, t, gr_const(g, 1)), norm = gr_const(g, 0);
    for (int i = 0; i < PARAMETERS; i++) norm = gr_add(g, norm, gr_sum_all(g, gr_square(g, d[i])));
    gr_val clip =
        gr_div(g, gr_min(g, gr_const(g, 1), gr_div(g, gr_const(g, 100), gr_sqrt(g, norm))), gr_const(g, dev->rows));
    gr_val rate = gr_div(g, gr_const(g, 0.01), gr_sub(g, gr_const(g, 1), gr_pow(g, gr_const(g, 0.9), now)));
    for (int i = 0; i < PARAMETERS; i++) {
        char name[32];
        snprintf(name, sizeof name, "%s/m", names[i]);
        gr_val m = gr_slot(g, name, shapes[i]), c = gr_mul(g, d[i], clip);
        snprintf(name, sizeof name, "%s/v", names[i]);
        gr_val v = gr_slot(g, name, shapes[i]);
        gr_val first = gr_add(g, gr_mul(g, gr_const(g, 0.9), m), gr_mul(g, gr_const(g, 0.1), c));
        gr_val second = gr_add(g, gr_mul(g, gr_const(g, 0.999), v), gr_mul(g, gr_const(g, 0.001), gr_square(g, c)));
        gr_assign(g, m, first, GR_ASSIGN_UPDATE);
        gr_assign(g, v, second, GR_ASSIGN_UPDATE);
        gr_assign(g, w[i],
                  gr_sub(g, w[i], gr_mul(g, rate, gr_div(g, first, gr_add(g, gr_sqrt(g, second), gr_const(g, 1e-3))))),
                  GR_ASSIGN_UPDATE);
        gr_mark_gradient(g, w[i], d[i]);
    }
    gr_assign(g, t, now, GR_ASSIGN_UPDATE);
    gr_guard(g, cost);
}

static void add_entries(network *n)
{
    for (int i = 0; i < PARAMETERS; i++) {
        char name[32];
        test_ok(n->ctx, gr_store_add(n->store, &(gr_entry_spec){.name = names[i], .shape = shapes[i]}, NULL));
        for (int k = 0; k < 2; k++) {
            snprintf(name, sizeof name, "%s/%c", names[i], "mv"[k]);
            test_ok(n->ctx,
                    gr_store_add(n->store, &(gr_entry_spec){.name = name, .shape = shapes[i], .slot = true}, NULL));
        }
    }
    test_ok(n->ctx, gr_store_add(n->store, &(gr_entry_spec){.name = "t", .slot = true}, NULL));
}

static void begin(network *n, int threads, bool unfused)
{
    gr_graph *g;
    gr_val w[PARAMETERS], d[PARAMETERS], labels;
    n->ctx = test_context_with(threads, 0);
    test_ok(n->ctx, gr_graph_create(n->ctx, &g));
    test_ok(n->ctx, gr_store_create(n->ctx, dev->backend, &n->store));
    add_entries(n);
    for (int i = 0; i < PARAMETERS; i++) w[i] = gr_param(g, names[i], shapes[i]);
    labels = gr_feed(g, "labels", GR_I32, GR_SHAPE(dev->rows));
    gr_val cost = forward(g, w, labels);
    test_ok(n->ctx, gr_gradients(g, cost, w, PARAMETERS, d));
    adam(g, w, d, cost);
    gr_output(g, "cost", gr_div(g, cost, gr_const(g, dev->rows)));
    gr_plan_options options = {.backend = dev->backend, .unfused = unfused};
    test_ok(n->ctx, gr_plan_compile(n->ctx, g, n->store, &options, &n->plan));
    gr_graph_destroy(g);
    test_ok(n->ctx, gr_store_seal(n->store));
    test_ok(n->ctx, gr_plan_bind(n->plan, NULL));
}

static void end(network *n)
{
    gr_plan_destroy(n->plan);
    gr_store_destroy(n->store);
    test_context_end(n->ctx);
}

static void initialise(network *n)
{
    static double values[96 * 288];
    random_graph numbers = {.state = 5};
    for (int i = 0; i < PARAMETERS; i++) {
        const gr_entry *e = gr_store_find(n->store, names[i]);
        for (int64_t k = 0; k < e->count; k++) values[k] = i == 2 ? 1 : rg_real(&numbers) * (i == 4 ? 0.1 : 0.3);
        gr_store_write(n->store, e, values);
    }
}

/* Classes are bright squares at different places. */
static double update(network *n, uint64_t seed)
{
    random_graph numbers = {.state = seed};
    uint8_t *pixels = gr_plan_feed(n->plan, "pixels", NULL);
    int32_t *labels = gr_plan_feed(n->plan, "labels", NULL);
    for (int i = 0; i < dev->rows; i++) {
        labels[i] = (int32_t)rg_next(&numbers, CLASSES);
        for (int k = 0; k < SIDE * SIDE; k++)
            pixels[i * SIDE * SIDE + k] = (uint8_t)(rg_next(&numbers, 100) + (k / 14 == labels[i] ? 150 : 0));
    }
    test_ok(n->ctx, gr_plan_run(n->plan));
    return *(const double *)gr_plan_output(n->plan, "cost", NULL);
}

static void a_training_step_has_the_same_bits_however_it_runs(void **state)
{
    (void)state;
    network first, n;
    double costs[UPDATES];
    for (int k = 0; k < 5; k++) {
        network *now = k == 0 ? &first : &n;
        begin(now, k == 0 ? 1 : k < 4 ? k : 2, k == 0 || k == 4);
        initialise(now);
        for (int u = 0; u < UPDATES; u++) {
            double cost = update(now, 100 + (uint64_t)u);
            if (k == 0) costs[u] = cost;
            assert_memory_equal(&cost, &costs[u], sizeof cost);
        }
        for (int i = 0; i < gr_store_count(now->store); i++) {
            const gr_entry *a = gr_store_entry(first.store, i), *b = gr_store_entry(now->store, i);
            gr_element element = gr__backend_element(dev->backend, GR_REAL, a->spec.shape);
            assert_memory_equal(a->data, b->data, (size_t)a->count * gr__element_bytes(element));
        }
        if (k > 0) end(now);
    }
    end(&first);
}

static void the_step_learns_and_acquires_nothing(void **state)
{
    (void)state;
    network n;
    begin(&n, 2, false);
    initialise(&n);
    double before = update(&n, 7), after = before;
    uint64_t acquisitions = gr__acquisitions(n.ctx);
    for (uint64_t u = 0; u < 12; u++) after = update(&n, 8 + u);
    assert_int_equal(gr__acquisitions(n.ctx), acquisitions);
    assert_true(before > 2 && after < 0.7 * before);
    uint64_t parameters, slots;
    gr_store_bytes(n.store, &parameters, &slots);
    assert_int_equal(gr_context_bytes(n.ctx), parameters + slots + gr_plan_bytes(n.plan).arena);
    assert_int_equal(gr_context_peak_bytes(n.ctx), gr_context_bytes(n.ctx));
    end(&n);
}

static void the_optimizer_is_one_kernel_where_kernels_fuse(void **state)
{
    (void)state;
    network n;
    begin(&n, 1, false);
    int updates = 0;
    for (int i = 0; i < n.plan->n_instructions; i++) {
        const gr__instruction *in = &n.plan->instructions[i];
        if (dev->backend->fuses) assert_int_not_equal(in->code, GR__COPY);
        if (in->code == GR__CALL && in->writes_store && in->made->item.kind == GR_ITEM_REGION) {
            updates++;
            assert_int_equal(in->made->item.n_segments, PARAMETERS);
        }
    }
    assert_int_equal(updates, dev->backend->fuses ? 1 : 0); /* what fuses nothing has no regions */
    end(&n);
}

static void any_failing_allocation_is_survived(void **state)
{
    (void)state;
    for (uint64_t seed = 3000; seed < 3006; seed++) {
        bool done = false;
        for (uint64_t k = 1; !done; k++) {
            gr_context *ctx = test_context();
            random_graph r;
            gr_store *store;
            gr_plan *plan = NULL;
            rg_build(&r, ctx, seed, false);
            test_ok(ctx, gr_store_create(ctx, dev->backend, &store));
            for (int i = 0; i < r.n_entries; i++) {
                gr_entry_spec spec = {.name = r.names[i], .shape = gr_shape_of(r.g, r.entries[i]), .slot = i >= 4};
                test_ok(ctx, gr_store_add(store, &spec, NULL));
            }
            gr__fail_acquisition(ctx, k);
            gr_plan_options options = {.backend = dev->backend};
            rg_repeats again = {.numbers.state = seed};
            gr_status st = gr__plan_compile(ctx, r.g, store, &options, seed % 2 ? rg_repeat : NULL, &again, &plan);
            if (st == GR_OK) st = gr_store_seal(store);
            if (st == GR_OK) st = gr_plan_bind(plan, NULL);
            gr__fail_acquisition(ctx, 0);
            done = st == GR_OK;
            if (!done) assert_int_equal(st, GR_E_MEMORY);
            gr_plan_destroy(plan);
            gr_store_destroy(store);
            gr_graph_destroy(r.g);
            test_context_end(ctx);
        }
    }
}

/* ---- the list ---- */

static void backends_have_names(void **state)
{
    (void)state;
    assert_ptr_equal(gr_backend_get("ref"), &gr__backend_ref);
    assert_ptr_equal(gr_backend_get("cpu"), &gr__backend_cpu);
    assert_null(gr_backend_get("abacus"));
    assert_string_equal(gr_backend_name(&gr__backend_ref), "ref");
    assert_int_equal(gr_backend_real_bytes(&gr__backend_cpu), sizeof(float));
    for (int i = 0; i < n_devices; i++)
        assert_ptr_equal(gr_backend_get(gr_backend_name(devices[i].backend)), devices[i].backend);
}

static const struct CMUnitTest on_every_device[] = {
    cmocka_unit_test(fusing_changes_no_bit),
    cmocka_unit_test(running_again_changes_no_bit),
    cmocka_unit_test(a_pool_runs_again_for_its_maxima_alone),
    cmocka_unit_test(random_steps_agree_with_the_evaluator),
    cmocka_unit_test(a_small_network_runs),
    cmocka_unit_test(a_training_step_has_the_same_bits_however_it_runs),
    cmocka_unit_test(the_step_learns_and_acquires_nothing),
    cmocka_unit_test(the_optimizer_is_one_kernel_where_kernels_fuse),
    cmocka_unit_test(any_failing_allocation_is_survived),
};
enum { EACH = GR_COUNT(on_every_device) };

int main(void)
{
    const struct CMUnitTest once[] = {cmocka_unit_test(backends_have_names)};
    int failed = cmocka_run_group_tests(once, NULL, NULL);
    for (int i = 0; i < n_devices; i++) {
        struct CMUnitTest tests[EACH];
        for (int k = 0; k < EACH; k++) {
            tests[k] = on_every_device[k];
            tests[k].setup_func = choose;
            tests[k].initial_state = (void *)&devices[i];
        }
        failed += _cmocka_run_group_tests(gr_backend_name(devices[i].backend), tests, EACH, NULL, NULL);
    }
    return failed;
}
