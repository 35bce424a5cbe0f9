/* What the optimizers are to each other: the genealogy of figure 4.9, and the properties that their papers claim. Each
 * on plans of ref in float64; `same` means to the bit. [mission O8, O9, O12-O23, O25-O27, SYS17-SYS27] */
#include "base/rng.h"
#include "support/updates.h"

enum { N = 5, STEPS = 24 };
typedef double path[STEPS][N];

typedef struct line { /* what to follow; 0 and NULL: as below */
    const char *set, *lookahead, *penalty;
    gr_role role;
    double scale;          /* of gradients; 0: 1 */
    const double *lr;      /* one a step; NULL: 0.1 */
    bool rising, constant; /* gradients that grow in size; of one size, with changing signs */
} line;

static const double w0[N] = {1, -2, 0.5, 3, -0.25};

static void gradients(const line *l, path g)
{
    gr__rng rng = gr__rng_make(9, "identities", 0, 0);
    for (int t = 0; t < STEPS; t++)
        for (int i = 0; i < N; i++) {
            double x = gr__rng_normal(&rng), sign = x < 0 ? -1 : 1;
            if (l->constant) x = sign * 0.75;
            if (l->rising) x = sign * (1 + fabs(x)) * (t + 1) * (t + 1);
            g[t][i] = x * (l->scale != 0 ? l->scale : 1);
        }
}

static void follow(const line *l, path out)
{
    updates u;
    path g;
    const gr_param_info p = {.entry = {.name = "p", .shape = GR_SHAPE(N), .role = l->role}};
    gradients(l, g);
    up_open(&u,
            &(up_spec){.backend = gr_backend_get("ref"),
                       .optimizer = l->set,
                       .lookahead = l->lookahead,
                       .penalty = l->penalty,
                       .params = &p,
                       .n = 1},
            w0);
    for (int t = 0; t < STEPS; t++) {
        test_ok(u.ctx, up_step(&u, g[t], NULL, NULL, 1, l->lr ? l->lr[t] : 0.1));
        up_read(&u, "p", out[t]);
    }
    up_close(&u);
}

/* How far apart the two paths ever are, by the size of the weights. */
static double apart(line a, line b)
{
    path x, y;
    double most = 0;
    follow(&a, x), follow(&b, y);
    for (int t = 0; t < STEPS; t++)
        for (int i = 0; i < N; i++) most = fmax(most, fabs(x[t][i] - y[t][i]) / (1 + fabs(x[t][i])));
    return most;
}

static void assert_near(line a, line b, double tolerance)
{
    double d = apart(a, b);
    if (!(d <= tolerance)) fail_msg("%s and %s are %.3g apart", a.set, b.set, d);
}

static void assert_same(line a, line b)
{
    path x, y;
    follow(&a, x), follow(&b, y);
    if (memcmp(x, y, sizeof x) != 0) fail_msg("%s and %s: %.3g apart", a.set, b.set, apart(a, b));
}

/* ---- the SGD family ---- */

static void sgdm_without_momentum_is_sgd(void **state)
{
    (void)state;
    assert_same((line){.set = "{type: sgdm, momentum: 0}"}, (line){.set = "sgd"});
    assert_same((line){.set = "sgd"}, (line){.set = "gd"});
    assert_near((line){.set = "sgdm"}, (line){.set = "{type: sgd, momentum: 0.9}"}, 0);
    assert_near((line){.set = "nag"}, (line){.set = "{type: sgd, momentum: 0.9, nesterov: true}"}, 0);
    assert_true(apart((line){.set = "sgdm"}, (line){.set = "sgd"}) > 0.1);
}

/* The weights of torch's form are the points at which sutskever's takes its gradients, while the rate is constant. The
 * gradient is that of a parabola, at the point. [mission O19] */
static void both_forms_of_nag_look_ahead_to_the_same_points(void **state)
{
    (void)state;
    updates a, b;
    const gr_param_info p = {.entry = {.name = "p", .shape = GR_SHAPE(N)}};
    double w[N], m[N], point[N], g[N];
    up_open(&a, &(up_spec){.backend = gr_backend_get("ref"), .optimizer = "nag", .params = &p, .n = 1}, w0);
    up_open(
        &b,
        &(up_spec){.backend = gr_backend_get("ref"), .optimizer = "{type: nag, form: sutskever}", .params = &p, .n = 1},
        w0);
    for (int t = 0; t < STEPS; t++) {
        up_read(&a, "p", w);
        up_read(&b, "p", point), up_read(&b, "p/m", m);
        for (int i = 0; i < N; i++) {
            point[i] -= 0.1 * 0.9 * m[i];
            if (!(fabs(point[i] - w[i]) <= 1e-14 * (1 + fabs(w[i]))))
                fail_msg("update %d: %.17g and %.17g", t, point[i], w[i]);
        }
        for (int i = 0; i < N; i++) g[i] = (1 + i) * w[i];
        test_ok(a.ctx, up_step(&a, g, NULL, NULL, 1, 0.1));
        for (int i = 0; i < N; i++) g[i] = (1 + i) * point[i];
        test_ok(b.ctx, up_step(&b, g, NULL, NULL, 1, 0.1));
    }
    up_close(&a), up_close(&b);
}

/* The size of w after n steps on sum h_i w_i^2 / 2 with h = 1 and 100. */
static double after_a_narrow_valley(const char *set, int n)
{
    updates u;
    const gr_param_info p = {.entry = {.name = "p", .shape = GR_SHAPE(2)}};
    double w[2] = {1, 1}, g[2];
    up_open(&u, &(up_spec){.backend = gr_backend_get("ref"), .optimizer = set, .params = &p, .n = 1}, w);
    for (int t = 0; t < n; t++) {
        g[0] = w[0], g[1] = 100 * w[1];
        test_ok(u.ctx, up_step(&u, g, NULL, NULL, 1, 0.01));
        up_read(&u, "p", w);
    }
    up_close(&u);
    return hypot(w[0], w[1]);
}

/* At condition number 100: (1 - 1/100)^n for gradient descent, about (1 - 1/10)^n for Nesterov's. [mission O19] */
static void nag_is_faster_in_a_narrow_valley(void **state)
{
    (void)state;
    assert_true(after_a_narrow_valley("gd", 200) > 0.1);
    assert_true(after_a_narrow_valley("{type: nag, momentum: 0.8181818181818182}", 200) < 1e-6);
}

/* ---- adaptive ones ---- */

static void adagrads_step_k_is_lr_by_the_root_of_k(void **state) /* where |g| is constant [mission O15] */
{
    (void)state;
    path w;
    const line l = {.set = "{type: adagrad, eps: 1e-30}", .constant = true};
    follow(&l, w);
    for (int t = 1; t < STEPS; t++)
        for (int i = 0; i < N; i++) assert_true(fabs(fabs(w[t][i] - w[t - 1][i]) - 0.1 / sqrt(t + 1)) < 1e-14);
}

static void adadelta_does_not_see_the_scale_of_gradients(void **state) /* as eps goes to 0 [mission O17] */
{
    (void)state;
    assert_near((line){.set = "{type: adadelta, eps: 1e-24}", .scale = 1},
                (line){.set = "{type: adadelta, eps: 1e-24}", .scale = 1000}, 1e-12);
}

/* eps_mode hat leaves a factor of sqrt(1 - beta2^t), which a rate takes back; LAMB's uncorrected form has none, and no
 * ratio for biases. [mission O16] */
static void adam_without_first_moment_and_correction_is_rmsprop(void **state)
{
    (void)state;
    double lr[STEPS];
    for (int t = 0; t < STEPS; t++) lr[t] = 0.1 / sqrt(1 - pow(0.9, t + 1));
    assert_near((line){.set = "{type: adam, beta1: 0, beta2: 0.9, eps: 1e-3, eps_mode: hat}", .lr = lr},
                (line){.set = "{type: rmsprop, alpha: 0.9, eps: 1e-3}"}, 1e-14);
    assert_near((line){.set = "{type: lamb, form: uncorrected, beta1: 0, beta2: 0.9, eps: 1e-3}", .role = GR_ROLE_BIAS},
                (line){.set = "{type: rmsprop, alpha: 0.9, eps: 1e-3}"}, 1e-15);
}

static void adam_without_memory_is_signsgd(void **state)
{
    (void)state;
    path w, g;
    const line l = {.set = "{type: adam, beta1: 0, beta2: 0, eps: 0}"};
    follow(&l, w);
    gradients(&l, g);
    for (int t = 0; t < STEPS; t++)
        for (int i = 0; i < N; i++)
            assert_true(fabs(w[t][i] - ((t ? w[t - 1][i] : w0[i]) - (g[t][i] < 0 ? -0.1 : 0.1))) < 1e-15);
}

static void adamw_without_decay_is_adam(void **state) /* [mission O20] */
{
    (void)state;
    assert_same((line){.set = "{type: adamw, weight_decay: 0}"}, (line){.set = "adam"});
    assert_same((line){.set = "{type: adam, weight_decay: 0.01, decay: decoupled}"}, (line){.set = "adamw"});
    assert_true(apart((line){.set = "adamw"}, (line){.set = "adam"}) > 1e-3);
}

static void adamws_decay_does_not_see_the_scale_of_gradients(void **state) /* [mission O20] */
{
    (void)state;
    static const char set[] = "{type: adamw, weight_decay: 0.1, eps: 0}",
                      coupled[] = "{type: adam, weight_decay: 0.1, eps: 0}";
    assert_same((line){.set = set, .scale = 1}, (line){.set = set, .scale = 1024});
    assert_true(apart((line){.set = coupled, .scale = 1}, (line){.set = coupled, .scale = 1024}) > 1e-3);
}

static void amsgrad_is_adam_while_the_second_moment_rises(void **state) /* [mission O21] */
{
    (void)state;
    assert_same((line){.set = "amsgrad", .rising = true}, (line){.set = "{type: adam, eps: 1e-8}", .rising = true});
    assert_true(apart((line){.set = "{type: amsgrad, beta2: 0.9}"},
                      (line){.set = "{type: adam, beta2: 0.9, eps: 1e-8}"}) > 1e-3);
}

/* Costs C x once in three rounds and -x else, x within [-1,1]: the best x is -1, and Adam goes to 1, because the one
 * large gradient is forgotten in between.                                                               [Reddi, Kale &
 * Kumar 2018, theorem 1; mission O21] */
static double after_the_counter_example(const char *set)
{
    updates u;
    const gr_param_info p = {.entry = {.name = "p", .shape = GR_SCALAR}};
    double x = 0;
    up_open(&u, &(up_spec){.backend = gr_backend_get("ref"), .optimizer = set, .params = &p, .n = 1}, &x);
    for (int t = 1; t <= 30000; t++) {
        double g = t % 3 == 1 ? 3 : -1;
        test_ok(u.ctx, up_step(&u, &g, NULL, NULL, 1, 0.5 / sqrt(t)));
        up_read(&u, "p", &x);
        x = fmax(-1, fmin(1, x));
        up_write(&u, "p", &x);
    }
    up_close(&u);
    return x;
}

static void amsgrad_solves_what_adam_cannot(void **state)
{
    (void)state;
    assert_true(after_the_counter_example("{type: adam, beta1: 0, beta2: 0.1, eps: 1e-8}") > 0.9);
    assert_true(after_the_counter_example("{type: amsgrad, form: paper, beta1: 0, beta2: 0.1, eps: 1e-8}") < -0.9);
}

/* r_t goes to 1; what is compared are the moves of one update, from the same weights. [mission O12] */
static void radam_becomes_adam(void **state)
{
    (void)state;
    enum { LATE = 3000 };
    updates a, r;
    const gr_param_info p = {.entry = {.name = "p", .shape = GR_SCALAR}};
    gr__rng rng = gr__rng_make(5, "radam", 0, 0);
    double zero = 0, x, y;
    const char *adam = "{type: adam, beta2: 0.99, eps: 0}", *radam = "{type: radam, beta2: 0.99, eps: 0}";
    up_open(&a, &(up_spec){.backend = gr_backend_get("ref"), .optimizer = adam, .params = &p, .n = 1}, &zero);
    up_open(&r, &(up_spec){.backend = gr_backend_get("ref"), .optimizer = radam, .params = &p, .n = 1}, &zero);
    for (int t = 1; t <= LATE; t++) {
        double g = 1 + gr__rng_normal(&rng);
        up_write(&a, "p", &zero), up_write(&r, "p", &zero);
        test_ok(a.ctx, up_step(&a, &g, NULL, NULL, 1, 0.1));
        test_ok(r.ctx, up_step(&r, &g, NULL, NULL, 1, 0.1));
        up_read(&a, "p", &x), up_read(&r, "p", &y);
        if (t == 6) assert_true(fabs(y) < 0.1 * fabs(x));
        if (t == LATE) assert_true(fabs(y - x) < 1e-10 * fabs(x));
    }
    up_close(&a), up_close(&r);
}

static void adahessian_solves_a_separable_parabola_in_one_step(
    void **state) /* J = sum h_i w_i^2 / 2, for any signs [mission O23] */
{
    (void)state;
    static const double h[N] = {0.01, 1, 3, 250, 1e5};
    for (int signs = 0; signs < 1 << N; signs++) {
        updates u;
        const gr_param_info p = {.entry = {.name = "p", .shape = GR_SHAPE(N)}};
        double g[N], z[N], hz[N], w[N];
        for (int i = 0; i < N; i++) z[i] = signs >> i & 1 ? 1 : -1, g[i] = h[i] * w0[i], hz[i] = h[i] * z[i];
        up_open(&u,
                &(up_spec){.backend = gr_backend_get("ref"),
                           .optimizer = "{type: adahessian, beta1: 0, beta2: 0, eps: 0}",
                           .params = &p,
                           .n = 1},
                w0);
        test_ok(u.ctx, up_step(&u, g, z, hz, 1, 1));
        up_read(&u, "p", w);
        for (int i = 0; i < N; i++) assert_true(fabs(w[i]) < 1e-14);
        up_close(&u);
    }
}

/* ---- layer-wise ones ---- */

static void novograd_does_not_see_the_scale_of_gradients(void **state) /* [mission O22] */
{
    (void)state;
    assert_same((line){.set = "{type: novograd, eps: 0}", .scale = 1},
                (line){.set = "{type: novograd, eps: 0}", .scale = 1 << 20});
    assert_near((line){.set = "{type: novograd, eps: 0}", .scale = 1},
                (line){.set = "{type: novograd, eps: 0}", .scale = 1e-5}, 1e-14);
}

static void lars_for_biases_is_sgdm(void **state) /* [mission O13] */
{
    (void)state;
    assert_near((line){.set = "lars", .role = GR_ROLE_BIAS}, (line){.set = "sgdm"}, 1e-15);
    assert_true(apart((line){.set = "lars", .role = GR_ROLE_WEIGHT}, (line){.set = "sgdm"}) > 0.1);
}

static void lamb_for_biases_is_adam(void **state) /* [mission O14] */
{
    (void)state;
    assert_near((line){.set = "lamb", .role = GR_ROLE_BIAS}, (line){.set = "{type: adam, eps: 1e-6}"}, 1e-14);
    assert_true(apart((line){.set = "lamb", .role = GR_ROLE_WEIGHT}, (line){.set = "{type: adam, eps: 1e-6}"}) > 0.01);
}

static double size_of(const double *x)
{
    double sum = 0;
    for (int i = 0; i < N; i++) sum += x[i] * x[i];
    return sqrt(sum);
}

static void moves_are_a_share_of_the_weights(line l, double share)
{
    path w;
    follow(&l, w);
    for (int t = 1; t < STEPS; t++) {
        double move[N];
        for (int i = 0; i < N; i++) move[i] = w[t][i] - w[t - 1][i];
        if (!(fabs(size_of(move) / size_of(w[t - 1]) / share - 1) < 1e-12))
            fail_msg("%s: update %d moves by %g", l.set, t + 1, size_of(move) / size_of(w[t - 1]));
    }
}

/* |w after - w| = lr |w|, times trust_coef, whatever the scale of gradients. [mission O13, O14, O27] */
static void layerwise_moves_are_a_share_of_the_weights(void **state)
{
    (void)state;
    static const double scales[] = {1e-6, 1, 1e6};
    for (size_t i = 0; i < GR_COUNT(scales); i++) {
        double s = scales[i];
        moves_are_a_share_of_the_weights((line){.set = "{type: lars, momentum: 0}", .scale = s}, 0.1);
        moves_are_a_share_of_the_weights((line){.set = "{type: lars, momentum: 0, trust_coef: 0.01}", .scale = s},
                                         0.001);
        moves_are_a_share_of_the_weights((line){.set = "{type: lamb, weight_decay: 0}", .scale = s}, 0.1);
        moves_are_a_share_of_the_weights((line){.set = "{type: lamb, weight_decay: 0.3}", .scale = s}, 0.1);
        double few[STEPS];
        for (int t = 0; t < STEPS; t++) few[t] = 0.01; /* so that |w| stays below 10 */
        moves_are_a_share_of_the_weights((line){.set = "{type: rangerlars, k: 1000}", .scale = s, .lr = few}, 0.01);
    }
}

static void rangerlars_for_biases_is_ranger(void **state) /* [mission O27] */
{
    (void)state;
    assert_near((line){.set = "rangerlars", .role = GR_ROLE_BIAS}, (line){.set = "ranger"}, 1e-15);
    assert_true(apart((line){.set = "rangerlars", .role = GR_ROLE_WEIGHT}, (line){.set = "ranger"}) > 0.01);
}

/* ---- schedule-free ---- */

/* Gradients at the steps: what is returned is the mean of SGD's path, Polyak's average. */
static void schedule_free_at_the_steps_is_the_mean_of_sgd(void **state)
{
    (void)state;
    path sgd, mean;
    follow(&(line){.set = "sgd"}, sgd);
    follow(&(line){.set = "{type: schedule_free_sgd, momentum: 0}"}, mean);
    for (int i = 0; i < N; i++) {
        double sum = 0;
        for (int t = 0; t < STEPS; t++) {
            sum += sgd[t][i];
            if (fabs(mean[t][i] - sum / (t + 1)) > 1e-14 * (1 + fabs(sum)))
                fail_msg("weight %d after %d updates", i, t + 1);
        }
    }
}

/* The penalty's gradient is taken where the cost's is, which is where decay stands. */
static void a_penalty_acts_where_gradients_are_taken(void **state)
{
    (void)state;
    assert_near((line){.set = "schedule_free_sgd", .penalty = "{l2: 0.05}"},
                (line){.set = "{type: schedule_free_sgd, weight_decay: 0.1}"}, 1e-14);
    assert_true(apart((line){.set = "schedule_free_sgd", .penalty = "{l2: 0.05}"}, (line){.set = "schedule_free_sgd"}) >
                1e-3);
}

/* ---- LookAhead  [mission O25, O26, SYS19, SYS23] ---- */

static void lookahead_of_one_is_the_optimizer_alone(void **state)
{
    (void)state;
    int n, tried = 0;
    const gr_optimizer *const *all = gr__optimizers(&n);
    for (int i = 0; i < n; i++) {
        if (all[i]->lookahead || all[i]->averages || all[i]->curvature_every) continue;
        for (int inner = 0; inner < 2; inner++) {
            const char *around = inner ? "{k: 3, alpha: 1, inner: pullback}" : "{k: 3, alpha: 1}";
            assert_same((line){.set = all[i]->head.name, .lookahead = around}, (line){.set = all[i]->head.name});
        }
        tried++;
    }
    assert_true(tried > 10);
}

static void lookahead_of_zero_never_moves_away(void **state)
{
    (void)state;
    path w;
    const line l = {.set = "adam", .lookahead = "{k: 4, alpha: 0}"};
    follow(&l, w);
    for (int t = 3; t < STEPS; t += 4) assert_memory_equal(w[t], w0, sizeof w0);
    assert_true(w[0][0] != w0[0]);
}

static void
lookahead_of_a_half_halves_five_steps_of_sgd(void **state) /* constant g: w0 - 2.5 lr g after five updates */
{
    (void)state;
    updates u;
    const gr_param_info p = {.entry = {.name = "p", .shape = GR_SCALAR}};
    double w = 1, g = 0.5;
    up_open(&u,
            &(up_spec){.backend = gr_backend_get("ref"),
                       .optimizer = "sgd",
                       .lookahead = "{k: 5, alpha: 0.5}",
                       .params = &p,
                       .n = 1},
            &w);
    for (int t = 0; t < 5; t++) test_ok(u.ctx, up_step(&u, &g, NULL, NULL, 1, 0.1));
    up_read(&u, "p", &w);
    assert_true(fabs(w - (1 - 2.5 * 0.1 * 0.5)) < 1e-15);
    up_close(&u);
}

static void ranger_is_radam_inside_lookahead(void **state)
{
    (void)state;
    assert_same((line){.set = "ranger"},
                (line){.set = "{type: radam, beta1: 0.95, eps: 1e-5}", .lookahead = "{k: 6, alpha: 0.5}"});
    assert_same((line){.set = "{type: ranger, k: 4, alpha: 0.8, weight_decay: 0.1, rho_threshold: 4}"},
                (line){.set = "{type: radam, beta1: 0.95, eps: 1e-5, weight_decay: 0.1, rho_threshold: 4}",
                       .lookahead = "{k: 4, alpha: 0.8}"});
}

/* ---- several tensors ---- */

typedef struct split { /* the same numbers in one tensor, or in two */
    const gr_param_info *params;
    size_t n;
} split;

static void follow_split(const char *set, split s, path out, bool *layerwise)
{
    updates u;
    path g;
    double ones[N] = {1, 1, 1, 1, 1};
    gradients(&(line){.set = set}, g);
    up_open(&u, &(up_spec){.backend = gr_backend_get("ref"), .optimizer = set, .params = s.params, .n = s.n}, w0);
    for (int i = 0; i < gr_store_count(u.store); i++) { /* a number a tensor */
        const gr_entry_spec *e = &gr_store_entry(u.store, i)->spec;
        if (e->slot && e->shape.rank == 0 && strncmp(e->name, "optimizer/", 10) != 0) *layerwise = true;
    }
    for (int t = 0; t < STEPS; t++) {
        test_ok(u.ctx, up_step(&u, g[t], ones, g[t], 1, 0.1));
        up_weights(&u, out[t]);
    }
    up_close(&u);
}

static void check_split(const char *set, bool may_be_layerwise)
{
    const gr_param_info one[] = {{.entry = {.name = "p", .shape = GR_SHAPE(5), .role = GR_ROLE_BIAS}}},
                        two[] = {{.entry = {.name = "a", .shape = GR_SHAPE(2), .role = GR_ROLE_BIAS}},
                                 {.entry = {.name = "b", .shape = GR_SHAPE(3), .role = GR_ROLE_BIAS}}};
    path x, y;
    bool layerwise = false;
    follow_split(set, (split){one, 1}, x, &layerwise);
    follow_split(set, (split){two, 2}, y, &layerwise);
    for (int t = 0; t < STEPS && !(layerwise && may_be_layerwise); t++)
        for (int i = 0; i < N; i++)
            if (!(fabs(x[t][i] - y[t][i]) <= 1e-13 * (1 + fabs(x[t][i]))))
                fail_msg("%s: update %d, %.17g and %.17g", set, t + 1, x[t][i], y[t][i]);
}

/* What a method shares between tensors is shared once: biases, which have no trust ratio, do not care how they are
 * divided. */
static void tensors_may_be_divided(void **state)
{
    (void)state;
    int n;
    const gr_optimizer *const *all = gr__optimizers(&n);
    for (int i = 0; i < n; i++) check_split(all[i]->head.name, true);
    check_split("{type: nadam, form: dozat}", false);
    check_split("{type: swats, switch_tol: 0.5, switch_relative: true, beta2: 0.9}",
                false); /* one rate for all tensors */
    check_split("{type: adahessian, hessian_interval: 3}", false);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(sgdm_without_momentum_is_sgd),
        cmocka_unit_test(both_forms_of_nag_look_ahead_to_the_same_points),
        cmocka_unit_test(nag_is_faster_in_a_narrow_valley),
        cmocka_unit_test(adagrads_step_k_is_lr_by_the_root_of_k),
        cmocka_unit_test(adadelta_does_not_see_the_scale_of_gradients),
        cmocka_unit_test(adam_without_first_moment_and_correction_is_rmsprop),
        cmocka_unit_test(adam_without_memory_is_signsgd),
        cmocka_unit_test(adamw_without_decay_is_adam),
        cmocka_unit_test(adamws_decay_does_not_see_the_scale_of_gradients),
        cmocka_unit_test(amsgrad_is_adam_while_the_second_moment_rises),
        cmocka_unit_test(amsgrad_solves_what_adam_cannot),
        cmocka_unit_test(radam_becomes_adam),
        cmocka_unit_test(adahessian_solves_a_separable_parabola_in_one_step),
        cmocka_unit_test(novograd_does_not_see_the_scale_of_gradients),
        cmocka_unit_test(lars_for_biases_is_sgdm),
        cmocka_unit_test(lamb_for_biases_is_adam),
        cmocka_unit_test(layerwise_moves_are_a_share_of_the_weights),
        cmocka_unit_test(rangerlars_for_biases_is_ranger),
        cmocka_unit_test(schedule_free_at_the_steps_is_the_mean_of_sgd),
        cmocka_unit_test(a_penalty_acts_where_gradients_are_taken),
        cmocka_unit_test(lookahead_of_one_is_the_optimizer_alone),
        cmocka_unit_test(lookahead_of_zero_never_moves_away),
        cmocka_unit_test(lookahead_of_a_half_halves_five_steps_of_sgd),
        cmocka_unit_test(ranger_is_radam_inside_lookahead),
        cmocka_unit_test(tensors_may_be_divided),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
