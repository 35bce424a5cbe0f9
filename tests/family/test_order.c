/* The order of an update (optim.h), worked out by hand: each case has the weights that two steps in the other order
 * would give, too. And what else of an update only numbers can tell: what LookAhead does to the momentum. */
#include "support/updates.h"

enum { MOST = 4 }; /* weights of a case */

/* ---- one step after the other ---- */

typedef struct order {
    const char *what, *optimizer, *clip, *penalty;
    gr_shape shape;
    double lr, count;
    double w[MOST], sums[MOST]; /* of gradients, over `count` samples */
    double want[MOST], other[MOST];
} order;

#define ROOT10 3.1622776601683795 /* |(1, 3)|, |(2, -2, 1, -1)| */
#define ROOT40 6.324555320336759  /* |(2, 6)| */

static const order orders[] = {
    /* g = (3, 4), norm 5, to (0.6, 0.8); then weight_decay w = (1, -1). The other way: (4, 3) has norm 5. */
    {.what = "clipping by norm, then coupled decay",
     .optimizer = "{type: sgd, weight_decay: 0.1}",
     .clip = "{norm: 1}",
     .shape = {.rank = 1, .dim = {2}},
     .lr = 1,
     .count = 1,
     .w = {10, -10},
     .sums = {3, 4},
     .want = {10 - 1.6, -10 + 0.2},
     .other = {10 - 0.8, -10 - 0.6}},
    {.what = "clipping by value, then coupled decay",
     .optimizer = "{type: sgd, weight_decay: 0.1}",
     .clip = "{value: 2}",
     .shape = {.rank = 1, .dim = {2}},
     .lr = 1,
     .count = 1,
     .w = {10, -10},
     .sums = {3, 4},
     .want = {10 - 3, -10 - 1},
     .other = {10 - 2, -10 - 2}},
    /* Decoupled decay leaves the gradient alone: w (1 - 0.5 * 0.1) - 0.5 (0.6, 0.8). The other way the step itself
       shrinks too. */
    {.what = "decoupled decay of the weights before the step",
     .optimizer = "{type: sgd, weight_decay: 0.1, decay: decoupled}",
     .clip = "{norm: 1}",
     .shape = {.rank = 1, .dim = {2}},
     .lr = 0.5,
     .count = 1,
     .w = {10, -10},
     .sums = {3, 4},
     .want = {9.5 - 0.3, -9.5 - 0.4},
     .other = {0.95 * (10 - 0.3), 0.95 * (-10 - 0.4)}},
    /* Norm 6, to 3: (2.5, 0.5; 1.5, 0.5), less the means 1.5 and 1. The other way: (2, -2; 1, -1) to norm 3. */
    {.what = "clipping, then centralisation",
     .optimizer = "{type: sgd, gradient_centralization: true}",
     .clip = "{norm: 3}",
     .shape = {.rank = 2, .dim = {2, 2}},
     .lr = 1,
     .count = 1,
     .sums = {5, 1, 3, 1},
     .want = {-1, 1, -0.5, 0.5},
     .other = {-6 / ROOT10, 6 / ROOT10, -3 / ROOT10, 3 / ROOT10}},
    /* (2, -2; 1, -1), then 0.5 w = (2, 0; 0, 1). The other way the means of the decay go too. */
    {.what = "centralisation, then coupled decay",
     .optimizer = "{type: sgd, gradient_centralization: true, weight_decay: 0.5}",
     .shape = {.rank = 2, .dim = {2, 2}},
     .lr = 1,
     .count = 1,
     .w = {4, 0, 0, 2},
     .sums = {5, 1, 3, 1},
     .want = {4 - 4, 0 + 2, 0 - 1, 2 - 0},
     .other = {4 - 3, 0 + 3, 0 - 0.5, 2 + 0.5}},
    /* 2 l2 w = (1, -2) on (2, 6): (3, 4), norm 5. The other way (2, 6) / sqrt(40) + (1, -2). */
    {.what = "the gradient of l2, then clipping by norm",
     .optimizer = "sgd",
     .clip = "{norm: 1}",
     .penalty = "{l2: 0.5}",
     .shape = {.rank = 1, .dim = {2}},
     .lr = 1,
     .count = 2,
     .w = {1, -2},
     .sums = {4, 12},
     .want = {1 - 0.6, -2 - 0.8},
     .other = {1 - 2 / ROOT40 - 1, -2 - 6 / ROOT40 + 2}},
    {.what = "the gradient of l1, then clipping by value",
     .optimizer = "sgd",
     .clip = "{value: 3.5}",
     .penalty = "{l1: 0.5}",
     .shape = {.rank = 1, .dim = {2}},
     .lr = 1,
     .count = 2,
     .w = {1, -2},
     .sums = {5, 9},
     .want = {1 - 3, -2 - 3.5},
     .other = {1 - 3, -2 - 3}},
    /* The penalty is clipped, the decay 0.1 w = (0.1, -0.2) is not. The other way both are: (3.1, 3.8) to norm 1. */
    {.what = "the gradient of l2, then clipping, then coupled decay",
     .optimizer = "{type: sgd, weight_decay: 0.1}",
     .clip = "{norm: 1}",
     .penalty = "{l2: 0.5}",
     .shape = {.rank = 1, .dim = {2}},
     .lr = 1,
     .count = 2,
     .w = {1, -2},
     .sums = {4, 12},
     .want = {1 - 0.7, -2 - 0.6},
     .other = {1 - 0.6321, -2 - 0.7749}},
    /* (0.35, 2) less the step 0.5 (0.6, 0.8), then 0.125 = l1 lr towards 0. The other way: (0.225, 1.875) less the
       step. */
    {.what = "clipping and step, then the proximal step",
     .optimizer = "sgd",
     .clip = "{norm: 1}",
     .penalty = "{l1: 0.25, l1_step: proximal}",
     .shape = {.rank = 1, .dim = {2}},
     .lr = 0.5,
     .count = 1,
     .w = {0.35, 2},
     .sums = {3, 4},
     .want = {0, 1.6 - 0.125},
     .other = {0.225 - 0.3, 1.875 - 0.4}},
};

static void steps_follow_one_another_in_the_order_of_the_specification(void **state) /* [mission G9, X16] */
{
    (void)state;
    for (size_t i = 0; i < GR_COUNT(orders); i++) {
        const order *o = &orders[i];
        const gr_param_info p = {.entry = {.name = "p", .shape = o->shape, .role = GR_ROLE_WEIGHT}};
        const up_spec spec = {.backend = gr_backend_get("ref"),
                              .optimizer = o->optimizer,
                              .clip = o->clip,
                              .penalty = o->penalty,
                              .params = &p,
                              .n = 1};
        updates u;
        double apart = 0;
        size_t n = (size_t)gr_shape_count(o->shape);
        up_open(&u, &spec, o->w);
        test_ok(u.ctx, up_step(&u, o->sums, NULL, NULL, o->count, o->lr));
        up_assert_weights(&u, o->what, o->want, n);
        for (size_t k = 0; k < n; k++) apart = fmax(apart, fabs(o->want[k] - o->other[k]));
        assert_true(apart > 1e-2); /* the case can tell one order from the other */
        up_close(&u);
    }
}

/* The average collects what LookAhead left: -1, halfway back from -2, whichever weights are evaluated. */
static void lookahead_comes_before_the_average(void **state)
{
    (void)state;
    static const char *const eval[] = {"{k: 2, alpha: 0.5, eval: fast}", "{k: 2, alpha: 0.5, eval: slow}"};
    const gr_param_info p = {.entry = {.name = "p", .shape = GR_SHAPE(1), .role = GR_ROLE_WEIGHT}};
    for (size_t i = 0; i < GR_COUNT(eval); i++) {
        const up_spec spec = {.backend = gr_backend_get("ref"),
                              .optimizer = "sgd",
                              .lookahead = eval[i],
                              .average = "{type: swa, start: 2, cycle: 2}",
                              .params = &p,
                              .n = 1};
        const double one = 1, zero = 0;
        double mean;
        updates u;
        up_open(&u, &spec, &zero);
        for (int t = 0; t < 3; t++) test_ok(u.ctx, up_step(&u, &one, NULL, NULL, 1, 1));
        up_read(&u, "p/swa", &mean);
        assert_true(mean == -1);
        up_close(&u);
    }
}

/* ---- LookAhead and the momentum  [mission O25] ---- */

typedef enum inner { KEEP, RESET, PULLBACK } inner;

/* SGDM inside LookAhead on J = sum h_i w_i^2 / 2, as the authors' code has it: the slow moment starts at 0, so the
 * first pullback scales the moment by alpha. */
static void written_out(inner how, int k, double alpha, int updates_done, const double *h, double *w, double *m)
{
    for (int i = 0; i < 2; i++) {
        double slow = w[i], slow_m = 0;
        m[i] = 0;
        for (int t = 1; t <= updates_done; t++) {
            m[i] = 0.9 * m[i] + h[i] * w[i];
            w[i] -= 0.1 * m[i];
            if (t % k != 0) continue;
            slow += alpha * (w[i] - slow);
            w[i] = slow;
            if (how == RESET) m[i] = 0;
            if (how == PULLBACK) m[i] = slow_m = slow_m + alpha * (m[i] - slow_m);
        }
    }
}

static void inner_momentum_is_kept_reset_or_pulled_back(void **state)
{
    (void)state;
    static const char *const names[] = {"keep", "reset", "pullback"};
    const double h[2] = {1, 0.25}, start[2] = {1, -2}, alpha = 0.3;
    const gr_param_info p = {.entry = {.name = "p", .shape = GR_SHAPE(2), .role = GR_ROLE_WEIGHT}};
    const int k = 3;
    for (inner how = KEEP; how <= PULLBACK; how++) {
        char lookahead[64];
        updates u;
        snprintf(lookahead, sizeof lookahead, "{k: %d, alpha: %g, inner: %s}", k, alpha, names[how]);
        const up_spec spec = {
            .backend = gr_backend_get("ref"), .optimizer = "sgdm", .lookahead = lookahead, .params = &p, .n = 1};
        up_open(&u, &spec, start);
        for (int t = 1; t <= 2 * k + 1; t++) { /* two synchronisations, and the update that follows */
            double w[2], m[2], g[2], want[2] = {start[0], start[1]}, want_m[2];
            up_weights(&u, w);
            for (int i = 0; i < 2; i++) g[i] = h[i] * w[i];
            test_ok(u.ctx, up_step(&u, g, NULL, NULL, 1, 0.1));
            written_out(how, k, alpha, t, h, want, want_m);
            up_assert_weights(&u, lookahead, want, 2);
            up_read(&u, "p/m", m);
            for (int i = 0; i < 2; i++)
                if (!(fabs(m[i] - want_m[i]) < 1e-12))
                    fail_msg("%s: m %.15g after update %d, not %.15g", names[how], m[i], t, want_m[i]);
        }
        up_close(&u);
    }
}

/* The moment by hand, at the first synchronisation and the second: k 1, gradient 1, momentum 0.9, alpha 0.5. */
static void the_slow_moment_starts_at_zero(void **state)
{
    (void)state;
    const double one = 1, zero = 0, want[] = {0.5, 0.5 * 0.5 + 0.5 * 1.45};
    const gr_param_info p = {.entry = {.name = "p", .shape = GR_SHAPE(1), .role = GR_ROLE_WEIGHT}};
    const up_spec spec = {.backend = gr_backend_get("ref"),
                          .optimizer = "sgdm",
                          .lookahead = "{k: 1, alpha: 0.5, inner: pullback}",
                          .params = &p,
                          .n = 1};
    updates u;
    up_open(&u, &spec, &zero);
    for (int t = 0; t < 2; t++) {
        double m, slow_m;
        test_ok(u.ctx, up_step(&u, &one, NULL, NULL, 1, 0.1));
        up_read(&u, "p/m", &m), up_read(&u, "p/slow_m", &slow_m);
        assert_true(fabs(m - want[t]) < 1e-15 && slow_m == m);
    }
    up_close(&u);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(steps_follow_one_another_in_the_order_of_the_specification),
        cmocka_unit_test(lookahead_comes_before_the_average),
        cmocka_unit_test(inner_momentum_is_kept_reset_or_pulled_back),
        cmocka_unit_test(the_slow_moment_starts_at_zero),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
