/* Tracing: clean runs never differ, whatever the threads; a fault of one unit in the last place is found exactly where
 * it was put.   [X11] */
#include "graph/node.h"
#include "study_case.h"

typedef struct rig {
    gr_context *ctx[2];
    gr_recipe *r[2];
} rig;

static rig begin(const char *text, const char *set, const char *against, int threads)
{
    rig g = {{test_context_with(1, 0), test_context_with(threads, 0)}, {NULL, NULL}};
    g.r[0] = set ? RECIPE(g.ctx[0], text, set) : RECIPE(g.ctx[0], text);
    g.r[1] = set && against ? RECIPE(g.ctx[1], text, set, against)
             : set          ? RECIPE(g.ctx[1], text, set)
             : against      ? RECIPE(g.ctx[1], text, against)
                            : RECIPE(g.ctx[1], text);
    return g;
}

static gr_trace_result trace(rig *g, const gr_trace_options *o)
{
    gr_trace_result r;
    for (int i = 0; i < 2; i++) {
        gr_status st = gr__trace(g->ctx, (const gr_recipe *const *)g->r, o, &r);
        if (st == GR_OK) break;
        for (int k = 0; k < 2; k++)
            if (gr__error_code(g->ctx[k])) test_ok(g->ctx[k], st);
    }
    return r;
}

static void end(rig *g)
{
    for (int i = 0; i < 2; i++) {
        gr__recipe_close(g->ctx[i], g->r[i]);
        test_context_end(g->ctx[i]);
    }
}

static void clean_runs_do_not_differ(void **state)
{
    (void)state;
    static const char *const sets[] = {NULL, "optimizer={type: adam}", "accumulate=3", "precision=float64",
                                       "clip={norm: 0.5}"};
    for (size_t i = 0; i < GR_COUNT(sets); i++)
        for (int threads = 1; threads <= 2; threads++) {
            rig g = begin(DIGITS, sets[i], NULL, threads);
            gr_trace_result r = trace(&g, &(gr_trace_options){.steps = 9}); /* an epoch has 7.5 batches */
            if (r.differs) fail_msg("%s: %s in %s", sets[i] ? sets[i] : "", r.operation, r.scope);
            assert_int_equal(r.step, 9);
            assert_true(r.compared > 100000 && !r.diverged);
            end(&g);
        }
}

typedef struct fault {
    int item, output; /* where to put it; -1: only count */
    int64_t step;
    int items; /* of a step */
    bool done;
    char scope[256], operation[160];
    int64_t at; /* element */
} fault;

static void inject(void *user, int side, int64_t step, int item, int output, gr_plan_view *v)
{
    fault *f = user;
    int64_t n = gr_shape_count(v->shape);
    if (item >= f->items) f->items = item + 1;
    if (side != 1 || step != f->step || item != f->item || output != f->output || n == 0) return;
    f->at = (n - 1) / 2;
    if (v->dtype == GR_U8)
        ((uint8_t *)v->data)[f->at] ^= 1;
    else if (v->dtype == GR_I32)
        ((int32_t *)v->data)[f->at] ^= 1;
    else if (v->element_bytes == 4)
        ((float *)v->data)[f->at] = nextafterf(((float *)v->data)[f->at], INFINITY);
    else
        ((double *)v->data)[f->at] = nextafter(((double *)v->data)[f->at], INFINITY);
    snprintf(f->scope, sizeof f->scope, "%s", v->scope);
    snprintf(f->operation, sizeof f->operation, "%s", v->operation);
    f->done = true;
}

static void the_smallest_fault_is_found_where_it_is(void **state)
{
    (void)state;
    static const char *const devices[] = {NULL, "precision=float64"};
    for (size_t d = 0; d < GR_COUNT(devices); d++) {
        rig g = begin(DIGITS, devices[d], NULL, 1);
        fault count = {.item = -1, .step = 1};
        gr_trace_result r = trace(&g, &(gr_trace_options){.steps = 1, .touch = inject, .user = &count});
        assert_false(r.differs);
        assert_true(count.items > 40);
        for (int k = 0; k < count.items; k++) {
            fault f = {.item = k, .output = 0, .step = 1 + k % 2};
            r = trace(&g, &(gr_trace_options){.steps = 2, .touch = inject, .user = &f});
            if (!f.done || !r.differs || r.shape)
                fail_msg("item %d, element %lld: done %d, differs %d: %s in %s: %s", k, (long long)f.at, f.done,
                         r.differs, f.operation, f.scope, r.note);
            assert_int_equal(r.item, k);
            assert_int_equal(r.step, f.step);
            assert_string_equal(r.operation, f.operation);
            assert_string_equal(r.scope, f.scope);
            assert_true(r.relative < 1e-6 || r.a == 0 || r.b == 0 || fabs(r.a - r.b) == 1);
        }
        end(&g);
    }
}

static void a_fault_below_the_tolerance_passes(void **state)
{
    (void)state;
    rig g = begin(TABLE, NULL, NULL, 1);
    fault f = {.item = 2, .step = 1};
    gr_trace_result r = trace(&g, &(gr_trace_options){.steps = 1, .tolerance = 1e-3, .touch = inject, .user = &f});
    assert_true(f.done && !r.differs);
    end(&g);
}

static void backends_agree_within_rounding(void **state)
{
    (void)state;
    rig g = begin(DIGITS, NULL, "device=ref", 1);
    gr_trace_result r = trace(&g, &(gr_trace_options){.steps = 3, .tolerance = 1e-4});
    if (r.differs) fail_msg("%s in %s: %s", r.operation, r.scope, r.note);
    r = trace(&g, &(gr_trace_options){.steps = 1});
    assert_true(r.differs && !r.shape && r.item == -1); /* initial weights have more digits there */
    assert_string_equal(r.operation, "parameter \"c1.weight\"");
    assert_true(r.relative > 0 && r.relative < 1e-6);
    assert_int_equal(r.position[0], '[');
    end(&g);
}

static void what_is_set_differently_is_named(void **state)
{
    (void)state;
    static const struct {
        const char *against, *operation, *scope;
        int64_t step;
        bool shape;
    } cases[] = {
        {"seed=4", "parameter \"c1.weight\"", "", 1, false},
        {"optimizer.lr=0.03", NULL, "optimizer \"sgd\" / parameter \"c1.weight\"", 1, false},
        {"optimizer.momentum=0.8", NULL, "optimizer \"sgd\" / parameter \"c1.weight\"", 2, false},
        {"data.batch=8", "feed \"input/input\"", "", 1, true},
        {"data.shuffle=none", "feed \"input/input\"", "", 1, false},
        {"accumulate=2", "accumulate", "", 1, true},
        {"optimizer=adam", "parameters and slots", "", 1, true},
        {"model.layers[4].units=11", "parameter \"head.weight\"", "", 1, true},
        {"cost.label_smoothing=0.1", NULL, "cross_entropy \"cost\"", 1, true},
        {"model.layers[3].rate=0.5", NULL, "dropout \"dropout1\"", 1, false},
    };
    for (size_t i = 0; i < GR_COUNT(cases); i++) {
        rig g = begin(DIGITS, NULL, cases[i].against, 1);
        gr_trace_result r = trace(&g, &(gr_trace_options){.steps = 3});
        assert_true(r.differs);
        if ((cases[i].operation && strcmp(r.operation, cases[i].operation) != 0) ||
            strcmp(r.scope, cases[i].scope) != 0 || r.shape != cases[i].shape || r.step != cases[i].step)
            fail_msg("%s: step %lld, %s in %s, %d: %s", cases[i].against, (long long)r.step, r.operation, r.scope,
                     r.shape, r.note);
        assert_true(r.shape == (strlen(r.note) > 0));
        end(&g);
    }
}

static void runs_that_diverge_together_do_not_differ(void **state)
{
    (void)state;
    rig g = begin(DIGITS, "optimizer.lr=1e30", NULL, 1);
    gr_trace_result r = trace(&g, &(gr_trace_options){.steps = 9});
    assert_true(!r.differs && r.diverged && r.step < 9);
    for (int i = 0; i < 2; i++) assert_int_equal(gr__error_code(g.ctx[i]), GR_OK);
    end(&g);
}

static void any_failing_allocation_is_survived(void **state)
{
    (void)state;
    uint64_t last = 0;
    for (uint64_t k = 0; k == 0 || k <= last; k += 1 + k / 16) {
        rig g = begin(TABLE, NULL, NULL, 1);
        gr_trace_result r;
        uint64_t before = gr__acquisitions(g.ctx[0]);
        gr__fail_acquisition(g.ctx[0], k);
        gr_status st = gr__trace(g.ctx, (const gr_recipe *const *)g.r, &(gr_trace_options){.steps = 1}, &r);
        gr__fail_acquisition(g.ctx[0], 0);
        if (k == 0)
            test_ok(g.ctx[0], st), last = gr__acquisitions(g.ctx[0]) - before;
        else if (st != GR_OK)
            assert_int_equal(st, GR_E_MEMORY);
        end(&g);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(clean_runs_do_not_differ),
        cmocka_unit_test(the_smallest_fault_is_found_where_it_is),
        cmocka_unit_test(a_fault_below_the_tolerance_passes),
        cmocka_unit_test(backends_agree_within_rounding),
        cmocka_unit_test(what_is_set_differently_is_named),
        cmocka_unit_test(runs_that_diverge_together_do_not_differ),
        cmocka_unit_test(any_failing_allocation_is_survived),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
