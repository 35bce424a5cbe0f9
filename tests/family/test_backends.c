/* The evidence again, through compiled plans: on `ref` in float64 and on `cpu` in float32, values and gradients of layers and costs, and 20
 * updates of optimizers with their slots in a store. Dropout drops the same values on both. [mission S5, P1, P3, SYS25, SYS26, SYS30,
 * SYS31] */
#include "family/evidence.h"

static const struct {
    const char *name;
    double tolerance;
} backends[] = {{"ref", 1e-10}, {"cpu", 2e-6}};

static void layers_and_costs(void **state)
{
    (void)state;
    int n_layers, n_costs;
    const gr_layer *const *layers = gr__layers(&n_layers);
    const gr_cost *const *costs = gr__costs(&n_costs);
    for (size_t k = 0; k < GR_COUNT(backends); k++) {
        const gr_backend *backend = gr_backend_get(backends[k].name);
        for (int i = 0; i < n_layers + n_costs; i++) {
            verdict v = {""};
            const gr_member *head = i < n_layers ? &layers[i]->head : &costs[i - n_layers]->head;
            evidence *e = ev_open(head->family, head->name);
            assert_non_null(e);
            bool ok = i < n_layers ? check_layer_on(layers[i], e, backend, backends[k].tolerance, &v)
                                   : check_cost_on(costs[i - n_layers], e, backend, backends[k].tolerance, &v);
            ev_free(e);
            if (!ok) fail_msg("%s %s on %s: %s", head->family, head->name, backends[k].name, v.why);
        }
    }
}

/* One case of an optimizer's evidence as a run has it: parameter and slots in a sealed store, one plan, 20 runs. */
static void train(const ev_case *c, const gr_backend *backend, double tolerance)
{
    ev_bench b;
    gr_optim o;
    gr_clip none = {.kind = GR_CLIP_NONE};
    gr_store *store;
    gr_plan *plan;
    verdict v = {""};
    const ev_tensor *w0 = ev_find(c, "w0"), *g = ev_find(c, "g"), *lr = ev_find(c, "lr"), *w = ev_find(c, "w");
    gr_role role = strcmp(ev_word(c, "role"), "bias") == 0 ? GR_ROLE_BIAS : GR_ROLE_WEIGHT;
    double count = ev_number(c, "count"), got[16];
    assert_true(ev_begin(&b, c->set));
    test_ok(b.ctx, gr__optim_make(b.ctx, b.memory, b.tree, GR_PRESET_CHAPTER, &o));
    test_ok(b.ctx, gr_store_create(b.ctx, backend, &store));
    gr_param_info p = {.entry = {.name = "p", .shape = w0->shape, .role = role}};
    test_ok(b.ctx, gr_store_add(store, &p.entry, NULL));
    gr_val leaf = gr_param(b.g, "p", w0->shape), grad = gr_feed(b.g, "g", GR_REAL, w0->shape), norm;
    test_ok(b.ctx, ev_update(b.g, store, &o, &none, &p, &leaf, &grad, 1, gr_feed(b.g, "count", GR_REAL, GR_SCALAR),
                                   gr_feed(b.g, "lr", GR_REAL, GR_SCALAR), &norm));
    gr_output(b.g, "norm", norm);
    test_ok(b.ctx, gr_plan_compile(b.ctx, b.g, store, &(gr_plan_options){.backend = backend, .name = "update"}, &plan));
    test_ok(b.ctx, gr_store_seal(store));
    gr_store_write(store, gr_store_find(store, "p"), w0->v);
    test_ok(b.ctx, gr_plan_bind(plan, NULL));
    for (int64_t t = 0; t < lr->n; t++) {
        char what[48];
        double sum = 0;
        snprintf(what, sizeof what, "weights after update %d", (int)t + 1);
        static const char *const feeds[] = {"g", "z", "hz"};
        for (size_t f = 0; f < GR_COUNT(feeds); f++) {
            const ev_tensor *from = ev_find(c, feeds[f]);
            void *to = gr_plan_feed(plan, feeds[f], NULL);
            if (from && to) ev_put(backend, GR_REAL, w0->shape, to, from->v + t * w0->n);
        }
        *(double *)gr_plan_feed(plan, "lr", NULL) = lr->v[t];
        *(double *)gr_plan_feed(plan, "count", NULL) = count;
        test_ok(b.ctx, gr_plan_run(plan));
        gr_store_read(store, gr_store_find(store, "p"), got);
        if (!ev_near(&v, c, what, got, w->v + t * w0->n, w0->n, tolerance))
            fail_msg("%s on %s: %s", c->set, gr_backend_name(backend), v.why);
        for (int64_t i = 0; i < w0->n; i++) sum += g->v[t * w0->n + i] * g->v[t * w0->n + i];
        double measured = *(const double *)gr_plan_output(plan, "norm", NULL);
        assert_true(fabs(measured - sqrt(sum) / count) <= 1e-6 * measured);
    }
    gr_plan_destroy(plan);
    gr_store_destroy(store);
    ev_end(&b);
}

static void optimizers(void **state)
{
    (void)state;
    int n;
    const gr_optimizer *const *all = gr__optimizers(&n);
    for (size_t k = 0; k < GR_COUNT(backends); k++) {
        for (int i = 0; i < n; i++) {
            evidence *e = ev_open("optimizer", all[i]->head.name);
            for (int c = 0; c < e->n; c++) train(&e->c[c], gr_backend_get(backends[k].name), 5 * backends[k].tolerance);
            ev_free(e);
        }
    }
}

static void dropout_drops_the_same_values_in_float32(void **state)
{
    (void)state;
    enum { N = 64 * 250 };
    static const char *const sets[] = {"{type: dropout, rate: 0.5}", "{type: dropout, rate: 0.3333333333}", "{type: dropout, rate: 0.01}"};
    int n;
    const gr_layer *const *all = gr__layers(&n), *m = NULL;
    for (int i = 0; i < n; i++)
        if (strcmp(all[i]->head.name, "dropout") == 0) m = all[i];
    double one = 1, *y[2];
    for (size_t k = 0; k < GR_COUNT(sets); k++) {
        for (int i = 0; i < 2; i++) {
            ev_bench b;
            gr_settings s;
            ev_leaves l = {.backend = gr_backend_get(backends[i].name)};
            assert_true(ev_begin(&b, sets[k]));
            gr_build build = {.ctx = b.ctx, .g = b.g, .mode = GR_MODE_TRAIN, .memory = b.memory, .layer = "d1"};
            build.seed = gr_const(b.g, 3), build.update = gr_const(b.g, 17), build.position = gr_const(b.g, 64);
            test_ok(b.ctx, gr__settings_make(b.ctx, b.memory, &m->head, b.tree, GR_PRESET_CHAPTER, NULL, &s));
            gr_val x = gr_broadcast(b.g, gr_feed(b.g, "x", GR_REAL, GR_SCALAR), GR_SHAPE(64, 250));
            ev_leaf(&l, "x", &one);
            y[i] = ev_value(b.g, m->build(&build, &s, &x, 1), &l);
            if (!y[i]) fail_msg("%s", gr_context_error(b.ctx)->message);
            ev_end(&b);
        }
        for (int i = 0; i < N; i++) assert_int_equal(y[0][i] == 0, y[1][i] == 0);
        free(y[0]), free(y[1]);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(layers_and_costs), cmocka_unit_test(optimizers),
                                       cmocka_unit_test(dropout_drops_the_same_values_in_float32)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
