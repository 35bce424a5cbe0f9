/* Optimizers: the printed vectors, decay, and what must hold whatever the numbers. */
#include "support/case_optimizer.h"

/* Runs `set` for n updates on gradients g (n rows of size k, repeated after `rows`) from w; rates may be NULL for 0.1.
 */
static void run(const char *set, gr_role role, double *w, int k, const double *g, int rows, int n, const double *rates)
{
    ev_bench b;
    gr_optim o;
    ev_trainer t;
    assert_true(ev_begin(&b, set));
    test_ok(b.ctx, gr__optim_make(b.ctx, b.memory, b.tree, GR_PRESET_CHAPTER, &o));
    assert_true(ev_trainer_open(&t, b.ctx, &(ev_setup){.optim = &o},
                                (gr_param_info){.entry = {.name = "p", .shape = GR_SHAPE(k), .role = role}}));
    memcpy(t.value[0], w, sizeof(double) * (size_t)k);
    for (int i = 0; i < n; i++) {
        memcpy(t.g_sum, g + (i % rows) * k, sizeof(double) * (size_t)k);
        t.lr = rates ? rates[i] : 0.1;
        assert_true(ev_trainer_step(&t, NULL));
    }
    memcpy(w, t.value[0], sizeof(double) * (size_t)k);
    ev_trainer_close(&t);
    ev_end(&b);
}

static const double fixture[3][2] = {{0.5, -1}, {0.25, 0.5}, {-0.125, 0.25}};

static void printed_vectors(void **state) /* [mission O8, O9, SYS25, SYS26] */
{
    (void)state;
    static const struct {
        const char *set;
        bool drop;
        double w[3][2];
    } rows[] = {
        {"sgd", false, {{0.950000000, -1.900000000}, {0.925000000, -1.950000000}, {0.937500000, -1.975000000}}},
        {"{type: sgd, momentum: 0.9}",
         false,
         {{0.950000000, -1.900000000}, {0.880000000, -1.860000000}, {0.829500000, -1.849000000}}},
        {"{type: sgd, momentum: 0.9, weight_decay: 0.01}",
         false,
         {{0.949000000, -1.898000000}, {0.877151000, -1.854302000}, {0.824109749, -1.838119498}}},
        {"{type: sgd, momentum: 0.9}",
         true,
         {{0.950000000, -1.900000000}, {0.880000000, -1.860000000}, {0.874950000, -1.858900000}}},
        {"{type: sgd, momentum: 0.9, lr_in_momentum: true}",
         true,
         {{0.950000000, -1.900000000}, {0.880000000, -1.860000000}, {0.818250000, -1.826500000}}},
        {"{type: sgd, momentum: 0.9, nesterov: true}",
         false,
         {{0.905000000, -1.810000000}, {0.817000000, -1.824000000}, {0.784050000, -1.839100000}}},
        {"adam", false, {{0.900199601, -1.900099900}, {0.807216902, -1.873499848}, {0.751020746, -1.867370232}}},
        {"{type: adam, eps: 1e-8}",
         false,
         {{0.900000002, -1.900000001}, {0.806782040, -1.873366297}, {0.750415905, -1.867227411}}},
        {"{type: adam, eps: 1e-8, weight_decay: 0.01}",
         false,
         {{0.900000002, -1.900000001}, {0.806555041, -1.871152434}, {0.748593832, -1.862154366}}},
        {"{type: adam, eps: 1e-8, weight_decay: 0.01, decay: decoupled}",
         false,
         {{0.899000002, -1.898000001}, {0.804883040, -1.869468297}, {0.747712021, -1.861459943}}},
    };
    const double drop[] = {0.1, 0.1, 0.01};
    for (size_t i = 0; i < GR_COUNT(rows); i++) {
        for (int n = 1; n <= 3; n++) {
            double w[2] = {1, -2};
            run(rows[i].set, GR_ROLE_WEIGHT, w, 2, fixture[0], 3, n, rows[i].drop ? drop : NULL);
            for (int k = 0; k < 2; k++)
                if (fabs(w[k] - rows[i].w[n - 1][k]) > 1e-9)
                    fail_msg("%s: w%d after %d updates is %.12f", rows[i].set, k, n, w[k]);
        }
    }
}

static void adams_eps_decides_where_gradients_are_tiny(void **state) /* [mission O10] */
{
    (void)state;
    const double g[2] = {1e-6, -1e-6};
    double w[2] = {1, 1};
    run("adam", GR_ROLE_WEIGHT, w, 2, g, 1, 3, NULL);
    assert_true(fabs(w[0] - 0.9997003) < 1e-7);
    w[0] = w[1] = 1;
    run("{type: adam, eps: 1e-8}", GR_ROLE_WEIGHT, w, 2, g, 1, 3, NULL);
    assert_true(fabs(w[0] - 0.7029703) < 1e-7 && fabs(w[1] - 1.2970297) < 1e-7);
}

static void adams_first_step(void **state) /* eta g / (|g| + eps)  [mission O9] */
{
    (void)state;
    for (double g = 1e-12; g < 1e9; g *= 37) {
        double w = 0;
        run("adam", GR_ROLE_WEIGHT, &w, 1, &g, 1, 1, NULL);
        assert_true(fabs(w + 0.1 * g / (g + 1e-3)) <= 1e-12 * 0.1);
    }
}

/* Long zero gradients let v vanish before m: the step stays below eta |m^| / eps. [mission O10] */
static void adams_step_is_bounded_where_v_is_tiny(void **state)
{
    (void)state;
    double g[60] = {0}, before = 0, after, m = 0;
    g[0] = 1e-5;
    for (int n = 1; n <= 60; n++) {
        m = 0.9 * m + 0.1 * g[n - 1];
        after = 0;
        run("{type: adam, beta2: 0.5}", GR_ROLE_WEIGHT, &after, 1, g, 60, n, NULL);
        assert_true(fabs(after - before) <= 0.1 * (m / (1 - pow(0.9, n))) / 1e-3 * (1 + 1e-9));
        before = after;
    }
}

static void zero_gradients_move_nothing(void **state)
{
    (void)state;
    const double zero[2] = {0, 0};
    static const char *const sets[] = {"sgd", "{type: sgd, momentum: 0.9}", "adam", "{type: adam, eps_mode: hat}",
                                       "{type: adam, beta1: 0, beta2: 0}"};
    for (size_t i = 0; i < GR_COUNT(sets); i++) {
        double w[2] = {1.5, -0.25};
        run(sets[i], GR_ROLE_WEIGHT, w, 2, zero, 1, 5, NULL);
        assert_true(w[0] == 1.5 && w[1] == -0.25);
    }
}

static void momentum_sums_a_constant_gradient(void **state) /* m_t = g (1 - mu^t) / (1 - mu) */
{
    (void)state;
    const double g = 0.25;
    double w = 0, expected = 0;
    for (int t = 1; t <= 50; t++) expected -= 0.1 * g * (1 - pow(0.9, t)) / 0.1;
    run("{type: sgd, momentum: 0.9}", GR_ROLE_WEIGHT, &w, 1, &g, 1, 50, NULL);
    assert_true(fabs(w - expected) < 1e-12);
}

static void both_forms_of_momentum_agree_while_the_rate_is_constant(void **state) /* [mission O8] */
{
    (void)state;
    double a[2] = {1, -2}, b[2] = {1, -2}, rates[12], c[2] = {1, -2}, d[2] = {1, -2};
    for (int i = 0; i < 12; i++) rates[i] = i < 6 ? 0.1 : 0.01;
    run("{type: sgd, momentum: 0.9}", GR_ROLE_WEIGHT, a, 2, fixture[0], 3, 12, NULL);
    run("{type: sgd, momentum: 0.9, lr_in_momentum: true}", GR_ROLE_WEIGHT, b, 2, fixture[0], 3, 12, NULL);
    assert_true(fabs(a[0] - b[0]) < 1e-14 && fabs(a[1] - b[1]) < 1e-14);
    run("{type: sgd, momentum: 0.9}", GR_ROLE_WEIGHT, c, 2, fixture[0], 3, 12, rates);
    run("{type: sgd, momentum: 0.9, lr_in_momentum: true}", GR_ROLE_WEIGHT, d, 2, fixture[0], 3, 12, rates);
    assert_true(fabs(c[0] - d[0]) > 1e-3);
}

/* J = w^2 / 2 has gradient w: w_t = 0.9^t w_0 with eta = 0.1, and eta > 2 diverges. [mission O1, O2, O3] */
static void gradient_descent_on_a_parabola(void **state)
{
    (void)state;
    static const double etas[] = {0.1, 1.9, 2.1};
    for (size_t i = 0; i < GR_COUNT(etas); i++) {
        double w = 1;
        for (int t = 0; t < 100; t++) {
            double g = w;
            run("sgd", GR_ROLE_WEIGHT, &w, 1, &g, 1, 1, &etas[i]);
        }
        assert_true(fabs(w - pow(1 - etas[i], 100)) <= 1e-12 * fmax(1, fabs(w)));
        assert_true(etas[i] < 2 ? fabs(w) < 1 : fabs(w) > 1);
    }
}

/* ---- several parameters ---- */

static void one_norm_over_all_and_frozen_ones_are_left_alone(void **state)
{
    (void)state;
    ev_bench b;
    gr_optim o;
    gr_store *store;
    gr_clip clip = {.kind = GR_CLIP_NORM, .limit = 1};
    assert_true(ev_begin(&b, "{type: adam, weight_decay: 0.1}"));
    test_ok(b.ctx, gr__optim_make(b.ctx, b.memory, b.tree, GR_PRESET_CHAPTER, &o));
    test_ok(b.ctx, gr_store_create(b.ctx, gr_backend_get("ref"), &store));
    gr_param_info p[3] = {{.entry = {.name = "a", .shape = GR_SHAPE(2)}},
                          {.entry = {.name = "frozen", .shape = GR_SHAPE(2)}},
                          {.entry = {.name = "b", .shape = GR_SHAPE(1), .role = GR_ROLE_BIAS}}};
    gr_update_values out;
    gr_val leaf[3], grad[3], count = gr_const(b.g, 2), lr = gr_feed(b.g, "lr", GR_REAL, GR_SCALAR);
    for (int i = 0; i < 3; i++) leaf[i] = gr_param(b.g, p[i].entry.name, p[i].entry.shape);
    grad[0] = gr_const_tensor(b.g, GR_SHAPE(2), (double[]){2, 4}), grad[1] = GR_NONE,
    grad[2] = gr_const_tensor(b.g, GR_SHAPE(1), (double[]){4});
    test_ok(b.ctx, ev_update(b.g, store, &(ev_setup){.optim = &o, .clip = &clip}, p, leaf, grad, 3, count, lr, &out));
    ev_leaves none = {0};
    double *value = ev_value(b.g, out.norm, &none);
    assert_true(value[0] == 3); /* sqrt(4 + 16 + 16) / 2 */
    free(value);
    gr_effects fx = gr__graph_effects(b.g);
    for (size_t i = 0; i < fx.n_assigns; i++) assert_true(fx.assigns[i].target != leaf[1]);
    assert_int_equal(fx.n_assigns, 7); /* t, and w, m, v of two */
    assert_null(gr_store_find(store, "frozen/m"));
    assert_non_null(gr_store_find(store, "optimizer/t"));
    const gr_entry *m = gr_store_find(store, "a/m");
    assert_true(m && m->spec.slot && !m->spec.saved && m->spec.role == GR_ROLE_STATE && m->count == 2);
    gr_store_destroy(store);
    ev_end(&b);
}

static void nothing_to_train_is_fine(void **state)
{
    (void)state;
    ev_bench b;
    gr_optim o;
    gr_store *store;
    gr_update_values out;
    assert_true(ev_begin(&b, "sgd"));
    test_ok(b.ctx, gr__optim_make(b.ctx, b.memory, b.tree, GR_PRESET_CHAPTER, &o));
    test_ok(b.ctx, gr_store_create(b.ctx, gr_backend_get("ref"), &store));
    test_ok(b.ctx, ev_update(b.g, store, &(ev_setup){.optim = &o}, NULL, NULL, NULL, 0, gr_const(b.g, 4),
                             gr_const(b.g, 0.1), &out));
    ev_leaves none = {0};
    double *value = ev_value(b.g, out.norm, &none);
    assert_true(value[0] == 0);
    free(value);
    gr_store_destroy(store);
    ev_end(&b);
}

/* ---- settings ---- */

static void defaults_and_presets(void **state)
{
    (void)state;
    ev_bench b;
    gr_optim o;
    gr_clip c;
    assert_true(ev_begin(&b, "{lr: 0.5}"));
    test_ok(b.ctx, gr__optim_make(b.ctx, b.memory, NULL, GR_PRESET_CHAPTER, &o));
    assert_string_equal(o.method[0].member->head.name, "adam");
    assert_true(o.method[0].lr == 0.001 && o.method[0].weight_decay == 0 && !o.method[0].decoupled &&
                gr__setting_real(&o.method[0].settings, "eps") == 1e-3);
    test_ok(b.ctx, gr__optim_make(b.ctx, b.memory, b.tree, GR_PRESET_TORCH, &o));
    assert_true(o.method[0].lr == 0.5 && gr__setting_real(&o.method[0].settings, "eps") == 1e-8);
    test_ok(b.ctx, gr__optim_make(b.ctx, b.memory, gr__tree_flow(b.memory, "sgd"), GR_PRESET_PAPER, &o));
    assert_true(o.method[0].lr == 0.01 && gr__setting_real(&o.method[0].settings, "momentum") == 0);
    test_ok(b.ctx, gr__clip_make(b.ctx, gr__tree_flow(b.memory, "{norm: 2}"), GR_PRESET_TORCH, &c));
    assert_true(c.kind == GR_CLIP_NORM && c.limit == 2 && c.torch_form);
    test_ok(b.ctx, gr__clip_make(b.ctx, gr__tree_flow(b.memory, "{norm: 2, form: exact}"), GR_PRESET_TORCH, &c));
    assert_true(!c.torch_form);
    test_ok(b.ctx, gr__clip_make(b.ctx, gr__clip_tree(b.memory, &c), GR_PRESET_TORCH, &c));
    assert_true(c.kind == GR_CLIP_NORM && c.limit == 2 && !c.torch_form);
    test_ok(b.ctx, gr__clip_make(b.ctx, NULL, GR_PRESET_TORCH, &c));
    assert_true(c.kind == GR_CLIP_NONE);
    ev_end(&b);
}

static void refused_optimizers(void **state)
{
    (void)state;
    static const struct {
        const char *set;
        gr_status code;
        const char *says;
    } rows[] = {
        {"adaam", GR_E_NAME, "adaam"},
        {"{type: adam, beta3: 1}", GR_E_KEY, "beta3"},
        {"{type: adam, beta2: 1.5}", GR_E_RANGE, "[0, 1)"},
        {"{type: adam, eps: small}", GR_E_TYPE, "small"},
        {"{type: adam, momentum: 0.9}", GR_E_KEY, "momentum"},
        {"{type: adam, decay: both}", GR_E_NAME, "both"},
        {"{type: adam, weight_decay: -1}", GR_E_RANGE, "-1"},
        {"{type: adam, warmup: 3}", GR_E_KEY, "warmup"},
        {"[adam]", GR_E_TYPE, "list"},
        {"{type: 3}", GR_E_TYPE, ""},
        {"{type: sgd, nesterov: true}", GR_E_CONFLICT, "momentum"},
        {"{type: sgd, dampening: 0.5}", GR_E_CONFLICT, "momentum"},
        {"{type: sgd, lr_in_momentum: true}", GR_E_CONFLICT, "momentum"},
        {"{type: sgd, momentum: 0.9, nesterov: true, dampening: 0.1}", GR_E_CONFLICT, "dampening"},
        {"{type: sgd, momentum: 0.9, nesterov: true, lr_in_momentum: true}", GR_E_CONFLICT, "exclude"},
        {"{type: sgd, momentum: 1}", GR_E_RANGE, "1"},
        {"{type: adam, lr: nan}", GR_E_TYPE, ""},
        {"{type: adam, lr: inf}", GR_E_RANGE, "inf"},
    };
    for (size_t i = 0; i < GR_COUNT(rows); i++) {
        ev_bench b;
        gr_optim o;
        assert_true(ev_begin(&b, rows[i].set));
        gr_status st = gr__optim_make(b.ctx, b.memory, b.tree, GR_PRESET_CHAPTER, &o);
        if (st != rows[i].code || !strstr(gr_context_error(b.ctx)->message, rows[i].says))
            fail_msg("%s: %s, %s", rows[i].set, gr_status_name(st), gr_context_error(b.ctx)->message);
        ev_end(&b);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(printed_vectors),
        cmocka_unit_test(adams_eps_decides_where_gradients_are_tiny),
        cmocka_unit_test(adams_first_step),
        cmocka_unit_test(adams_step_is_bounded_where_v_is_tiny),
        cmocka_unit_test(zero_gradients_move_nothing),
        cmocka_unit_test(momentum_sums_a_constant_gradient),
        cmocka_unit_test(both_forms_of_momentum_agree_while_the_rate_is_constant),
        cmocka_unit_test(gradient_descent_on_a_parabola),
        cmocka_unit_test(one_norm_over_all_and_frozen_ones_are_left_alone),
        cmocka_unit_test(nothing_to_train_is_fine),
        cmocka_unit_test(defaults_and_presets),
        cmocka_unit_test(refused_optimizers),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
