/* The evidence again, through compiled plans on every device: values and gradients of layers and costs, updates of
 * optimizers with their slots in a store. Dropout drops the same values on all. [mission S5, P1, P3, O12-O23, G7, G8,
 * SYS17-SYS27, SYS30, SYS31] */
#include "support/case_cost.h"
#include "support/case_layer.h"
#include "support/case_penalty.h"
#include "support/devices.h"
#include "support/updates.h"

static void layers_and_costs(void **state)
{
    (void)state;
    int n_layers, n_costs;
    const gr_layer *const *layers = gr__layers(&n_layers);
    const gr_cost *const *costs = gr__costs(&n_costs);
    for (int k = 0; k < n_devices; k++) {
        const gr_backend *backend = devices[k].backend;
        for (int i = 0; i < n_layers + n_costs; i++) {
            verdict v = {""};
            const gr_member *head = i < n_layers ? &layers[i]->head : &costs[i - n_layers]->head;
            evidence *e = ev_open(head->family, head->name);
            assert_non_null(e);
            bool ok = i < n_layers ? check_layer_on(layers[i], e, backend, devices[k].members, &v)
                                   : check_cost_on(costs[i - n_layers], e, backend, devices[k].members, &v);
            ev_free(e);
            if (!ok) fail_msg("%s %s on %s: %s", head->family, head->name, gr_backend_name(backend), v.why);
        }
    }
}

/* One case of an optimizer's evidence as a run has it: parameter and slots in a sealed store, plans run update by
 * update. */
static void train(const ev_case *c, const gr_backend *backend, double tolerance)
{
    updates u;
    verdict v = {""};
    char groups[96];
    const ev_tensor *w0 = ev_find(c, "w0"), *g = ev_find(c, "g"), *w = ev_find(c, "w");
    const gr_param_info p = ev_param(c, w0->shape);
    double count = ev_number(c, "count"), got[64];
    up_open(
        &u,
        &(up_spec){.backend = backend, .optimizer = c->set, .groups = up_case_groups(c, groups), .params = &p, .n = 1},
        w0->v);
    for (int64_t t = 0; t < ev_find(c, "lr")->n; t++) {
        char what[48];
        double sum = 0;
        snprintf(what, sizeof what, "weights after update %d", (int)t + 1);
        const gr_plan *plan = up_plan(&u);
        test_ok(u.ctx, up_case_step(&u, c, t));
        if (u.lookahead.k && u.clock.step % u.lookahead.k == 0) break; /* the evidence is of the inner updates */
        up_read(&u, "p", got);
        if (!ev_near(&v, c, what, got, w->v + t * w0->n, w0->n, tolerance))
            fail_msg("%s on %s: %s", c->set, gr_backend_name(backend), v.why);
        for (int64_t i = 0; i < w0->n; i++) sum += g->v[t * w0->n + i] * g->v[t * w0->n + i];
        double measured = *(const double *)gr_plan_output(plan, "norm", NULL);
        assert_true(fabs(measured - sqrt(sum) / count) <= 1e-6 * measured);
    }
    up_close(&u);
}

static void optimizers(void **state)
{
    (void)state;
    int n;
    const gr_optimizer *const *all = gr__optimizers(&n);
    for (int k = 0; k < n_devices; k++) {
        for (int i = 0; i < n; i++) {
            evidence *e = ev_open("optimizer", all[i]->head.name);
            for (int c = 0; c < e->n; c++) train(&e->c[c], devices[k].backend, 5 * devices[k].members);
            ev_free(e);
        }
    }
}

static void penalties(void **state) /* [mission G7, G8] */
{
    (void)state;
    int n;
    const gr_penalty *const *all = gr__penalties(&n);
    for (int k = 0; k < n_devices; k++) {
        for (int i = 0; i < n; i++) {
            verdict v = {""};
            evidence *e = ev_open("penalty", all[i]->head.name);
            assert_non_null(e);
            bool ok = check_penalty_on(all[i], e, devices[k].backend, devices[k].members, &v);
            ev_free(e);
            if (!ok) fail_msg("penalty %s on %s: %s", all[i]->head.name, gr_backend_name(devices[k].backend), v.why);
        }
    }
}

static void dropout_drops_the_same_values_on_every_device(void **state)
{
    (void)state;
    enum { N = 64 * 250 };
    static const char *const sets[] = {"{type: dropout, rate: 0.5}", "{type: dropout, rate: 0.3333333333}",
                                       "{type: dropout, rate: 0.01}"};
    int n;
    const gr_layer *const *all = gr__layers(&n), *m = NULL;
    for (int i = 0; i < n; i++)
        if (strcmp(all[i]->head.name, "dropout") == 0) m = all[i];
    double one = 1, *y[8];
    assert_in_range(n_devices, 2, GR_COUNT(y));
    for (size_t k = 0; k < GR_COUNT(sets); k++) {
        for (int i = 0; i < n_devices; i++) {
            ev_bench b;
            gr_settings s;
            ev_leaves l = {.backend = devices[i].backend};
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
        for (int d = 1; d < n_devices; d++)
            for (int i = 0; i < N; i++) assert_int_equal(y[0][i] == 0, y[d][i] == 0);
        for (int d = 0; d < n_devices; d++) free(y[d]);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(layers_and_costs), cmocka_unit_test(optimizers),
                                       cmocka_unit_test(penalties),
                                       cmocka_unit_test(dropout_drops_the_same_values_on_every_device)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
