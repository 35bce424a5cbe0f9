/* Wrong optimizers, penalties and actions, each with one mistake of a kind that published code has or had. Each is
 * written twice in one: without its mistake the checks accept it, with it they must not. [mission O12-O27, G7, G8] */
#include "support/case_penalty.h"
#include "support/updates.h"

static bool wrong; /* is the mistake made? */

static gr_val constant(gr_step *s, double x)
{
    return gr_const(s->g, x);
}

static gr_val minus(gr_step *s, gr_val w, gr_val rate, gr_val direction)
{
    return gr_sub(s->g, w, gr_mul(s->g, rate, direction));
}

static gr_val moment(gr_step *s, const char *beta, const char *slot, gr_val x)
{
    return gr__step_keep(s, slot, gr__ema(s->g, gr__step_arg(s, beta), gr__step_slot(s, slot), x));
}

static gr_val corrected(gr_step *s, const char *beta, gr_val m)
{
    return gr__unbias(s, m, gr__step_arg(s, beta));
}

static gr_val over_root(gr_step *s, gr_val m, gr_val v)
{
    return gr_div(s->g, m, gr_add(s->g, gr_sqrt(s->g, v), gr__step_arg(s, "eps")));
}

/* ---- members ---- */

static gr_val momentum_is_not_saved(gr_step *s, gr_val w, gr_val g)
{
    gr_val m = gr_add(s->g, gr_mul(s->g, gr__step_slot(s, "m"), gr__step_arg(s, "momentum")), g);
    return minus(s, w, s->lr, wrong ? m : gr__step_keep(s, "m", m));
}

static gr_val squares_are_averaged(gr_step *s, gr_val w, gr_val g) /* AdaGrad sums them */
{
    gr_val old = gr__step_slot(s, "G"), square = gr_square(s->g, g);
    gr_val sum =
        gr__step_keep(s, "G", wrong ? gr__ema(s->g, constant(s, 0.9), old, square) : gr_add(s->g, old, square));
    return minus(s, w, s->lr, over_root(s, g, sum));
}

static gr_val eps_is_in_the_root(gr_step *s, gr_val w, gr_val g) /* RMSProp */
{
    gr_val v = moment(s, "alpha", "v", gr_square(s->g, g));
    gr_val inside = gr_div(s->g, g, gr_sqrt(s->g, gr_add(s->g, v, gr__step_arg(s, "eps"))));
    return minus(s, w, s->lr, wrong ? inside : over_root(s, g, v));
}

static gr_val steps_are_counted_too_early(gr_step *s, gr_val w,
                                          gr_val g) /* AdaDelta's numerator with this update's step in it */
{
    gr_graph *b = s->g;
    gr_val eps = gr__step_arg(s, "eps"), u = gr__step_slot(s, "u"), v = moment(s, "rho", "v", gr_square(b, g));
    gr_val below = gr_sqrt(b, gr_add(b, v, eps)), d = gr_mul(b, gr_div(b, gr_sqrt(b, gr_add(b, u, eps)), below), g);
    gr_val next = gr__step_keep(s, "u", gr__ema(b, gr__step_arg(s, "rho"), u, gr_square(b, d)));
    if (wrong) d = gr_mul(b, gr_div(b, gr_sqrt(b, gr_add(b, next, eps)), below), g);
    return minus(s, w, s->lr, d);
}

static gr_val correction_is_missing(gr_step *s, gr_val w, gr_val g) /* AdamW's second one */
{
    gr_val m = corrected(s, "beta1", moment(s, "beta1", "m", g)), v = moment(s, "beta2", "v", gr_square(s->g, g));
    return minus(s, w, s->lr, over_root(s, m, wrong ? v : corrected(s, "beta2", v)));
}

static gr_val maximum_is_forgotten(gr_step *s, gr_val w,
                                   gr_val g) /* AMSGrad: of this update and the last, not of all */
{
    gr_graph *b = s->g;
    gr_val m = corrected(s, "beta1", moment(s, "beta1", "m", g)), v = moment(s, "beta2", "v", gr_square(b, g));
    gr_val top = gr_max(b, gr__step_slot(s, "v_max"), v);
    gr__step_keep(s, "v_max", wrong ? v : top);
    return minus(s, w, s->lr, over_root(s, m, corrected(s, "beta2", top)));
}

static gr_val mu_of(gr_step *s, gr_val t)
{
    gr_graph *b = s->g;
    gr_val power = gr_pow(b, constant(s, 0.96), gr_mul(b, t, gr__step_arg(s, "psi")));
    return gr_mul(b, gr__step_arg(s, "beta1"), gr__one_minus(b, gr_mul(b, constant(s, 0.5), power)));
}

static gr_val product_takes_mu_twice(gr_step *s, gr_val w, gr_val g) /* NAdam of PyTorch 1.13, one tensor at a time */
{
    gr_graph *b = s->g;
    gr_val now = mu_of(s, s->t), next = mu_of(s, gr_add(b, s->t, constant(s, 1)));
    gr_val product = gr__step_keep_shared(s, "P", gr_mul(b, gr__step_shared(s, "P", 1), now));
    gr_val ahead = gr_mul(b, product, wrong ? gr_mul(b, now, next) : next);
    gr_val m = moment(s, "beta1", "m", g), v = corrected(s, "beta2", moment(s, "beta2", "v", gr_square(b, g)));
    gr_val x = gr_add(b, gr_mul(b, m, gr_div(b, next, gr__one_minus(b, ahead))),
                      gr_mul(b, g, gr_div(b, gr__one_minus(b, now), gr__one_minus(b, product))));
    return minus(s, w, s->lr, over_root(s, x, v));
}

static gr_val novograd(gr_step *s, gr_val w, gr_val g, bool twice, gr_val decay)
{
    gr_graph *b = s->g;
    gr_val v = gr__step_number(s, "v", 0), square = gr_sum_all(b, gr_square(b, g)), zero = constant(s, 0);
    v = gr__step_keep(s, "v",
                      gr_select(b, gr_equal(b, v, zero), square, gr__ema(b, gr__step_arg(s, "beta2"), v, square)));
    gr_val u = gr_add(b, over_root(s, g, v), gr_mul(b, w, decay)), m = gr__step_slot(s, "m");
    if (twice) m = gr_select(b, gr_equal(b, s->t, constant(s, 1)), u, m);
    return minus(s, w, s->lr, gr__step_keep(s, "m", gr_add(b, gr_mul(b, m, gr__step_arg(s, "beta1")), u)));
}

static gr_val first_gradient_counts_twice(gr_step *s, gr_val w, gr_val g)
{
    return novograd(s, w, g, wrong, s->decay);
}

static gr_val biases_are_decayed(gr_step *s, gr_val w, gr_val g)
{
    return novograd(s, w, g, false, wrong ? constant(s, 0.05) : s->decay);
}

static gr_val never_waits(gr_step *s, gr_val w, gr_val g) /* RAdam without its first phase */
{
    gr_graph *b = s->g;
    double top = 2 / (1 - gr__setting_real(s->s, "beta2")) - 1;
    gr_val m = corrected(s, "beta1", moment(s, "beta1", "m", g)), v = moment(s, "beta2", "v", gr_square(b, g));
    gr_val power = gr_pow(b, gr__step_arg(s, "beta2"), s->t), rest = gr__one_minus(b, power);
    gr_val rho = gr_sub(b, constant(s, top), gr_div(b, gr_mul(b, gr_mul(b, constant(s, 2), s->t), power), rest));
    gr_val on = gr_less(b, constant(s, 5), rho), safe = gr_select(b, on, rho, constant(s, top));
    gr_val r = gr_sqrt(b, gr_div(b,
                                 gr_mul(b, gr_mul(b, gr_sub(b, safe, constant(s, 4)), gr_sub(b, safe, constant(s, 2))),
                                        constant(s, top)),
                                 gr_mul(b, constant(s, (top - 4) * (top - 2)), safe)));
    gr_val rectified = gr_mul(b, over_root(s, m, v), gr_mul(b, r, gr_sqrt(b, rest)));
    return minus(s, w, s->lr, wrong ? rectified : gr_select(b, on, rectified, m));
}

static gr_val ratio_is_inverted(gr_step *s, gr_val w, gr_val g) /* LAMB */
{
    gr_graph *b = s->g;
    gr_val m = corrected(s, "beta1", moment(s, "beta1", "m", g)),
           v = corrected(s, "beta2", moment(s, "beta2", "v", gr_square(b, g)));
    gr_val u = gr_add(b, over_root(s, m, v), gr_mul(b, w, s->decay)), size = gr__norm(b, w), length = gr__norm(b, u);
    return minus(s, w, gr_mul(b, s->lr, wrong ? gr_div(b, length, size) : gr_div(b, size, length)), u);
}

static gr_val lars(gr_step *s, gr_val w, gr_val g, bool everywhere, bool raw)
{
    gr_graph *b = s->g;
    gr_val size = gr__norm(b, w), below = gr_add(b, gr__norm(b, g), gr_mul(b, s->decay, size)), one = constant(s, 1);
    gr_val ratio = s->trusted || everywhere ? gr__ratio_or(b, size, below, one) : one;
    gr_val x = gr_mul(b, gr_add(b, g, gr_mul(b, w, s->decay)), ratio),
           m = gr_mul(b, gr__step_slot(s, "m"), gr__step_arg(s, "momentum"));
    gr_val start = gr_mul(b, gr_equal(b, s->t, one), constant(s, raw));
    return minus(s, w, s->lr, gr__step_keep(s, "m", gr_add(b, m, gr_select(b, start, g, x))));
}

static gr_val ratio_for_biases_too(gr_step *s, gr_val w, gr_val g)
{
    return lars(s, w, g, wrong, false);
}

static gr_val momentum_starts_from_the_raw_gradient(gr_step *s, gr_val w, gr_val g)
{
    return lars(s, w, g, false, wrong);
}

static gr_val adahessian(gr_step *s, gr_val w, gr_val g, bool flat, bool signs)
{
    gr_graph *b = s->g;
    gr_val d = s->curvature ? gr_mul(b, s->rademacher, s->curvature) : GR_NONE, n = gr__step_shared(s, "n", 0),
           v = gr__step_slot(s, "v");
    if (d) {
        gr_shape shape = gr_shape_of(b, d);
        if (!signs) d = gr_abs(b, d);
        if (!flat && shape.rank == 4)
            d = gr_broadcast(
                b, gr_div(b, gr_sum(b, d, (int[]){1, 2}, 2, true), constant(s, (double)(shape.dim[1] * shape.dim[2]))),
                shape);
        n = gr__step_keep_shared(s, "n", gr_add(b, n, constant(s, 1)));
        v = gr__step_keep(s, "v", gr__ema(b, gr__step_arg(s, "beta2"), v, gr_square(b, d)));
    }
    gr_val left = gr__one_minus(b, gr_pow(b, gr__step_arg(s, "beta2"), n));
    return minus(s, w, s->lr, over_root(s, corrected(s, "beta1", moment(s, "beta1", "m", g)), gr_div(b, v, left)));
}

static gr_val kernels_are_not_averaged(gr_step *s, gr_val w, gr_val g)
{
    return adahessian(s, w, g, wrong, false);
}

static gr_val signs_are_averaged_away(gr_step *s, gr_val w, gr_val g)
{
    return adahessian(s, w, g, false, wrong);
}

static gr_val corrected_by_all_updates(gr_step *s, gr_val w,
                                       gr_val g) /* AdaHessian: v grew with the curvatures alone */
{
    gr_graph *b = s->g;
    gr_val n = gr__step_shared(s, "n", 0), v = gr__step_slot(s, "v");
    if (s->curvature) {
        n = gr__step_keep_shared(s, "n", gr_add(b, n, constant(s, 1)));
        v = gr__step_keep(s, "v", gr__ema(b, gr__step_arg(s, "beta2"), v, gr_square(b, s->curvature)));
    }
    gr_val left = gr__one_minus(b, gr_pow(b, gr__step_arg(s, "beta2"), wrong ? s->t : n));
    return minus(s, w, s->lr, over_root(s, corrected(s, "beta1", moment(s, "beta1", "m", g)), gr_div(b, v, left)));
}

/* Only the named case of the evidence. */
static bool try_case(const char *of, const char *name, gr_optimizer m, verdict *v)
{
    evidence *e = ev_open("optimizer", of);
    bool found = false, ok = false;
    assert_non_null(e);
    for (int i = 0; i < e->n; i++) {
        ev_bench b;
        if (strcmp(e->c[i].name, name) != 0) continue;
        found = true;
        assert_true(ev_begin(&b, e->c[i].set));
        b.tolerance = 1e-12;
        ok = ev_optimizer_case(&b, &m, &e->c[i], v);
        ev_end(&b);
    }
    ev_free(e);
    if (!found) fail_msg("%s has no case %s", of, name);
    return ok;
}

static gr_optimizer registered(const char *name)
{
    int n;
    const gr_optimizer *const *all = gr__optimizers(&n);
    for (int i = 0; i < n; i++)
        if (strcmp(all[i]->head.name, name) == 0) return *all[i];
    fail_msg("there is no optimizer %s", name);
    return *all[0];
}

static void wrong_optimizers_are_rejected(void **state)
{
    (void)state;
    static const struct {
        const char *of, *name;
        gr_val (*update)(gr_step *, gr_val, gr_val);
    } rows[] = {
        {"sgdm", "plain", momentum_is_not_saved},
        {"adagrad", "plain", squares_are_averaged},
        {"rmsprop", "plain", eps_is_in_the_root},
        {"adadelta", "plain", steps_are_counted_too_early},
        {"adamw", "plain", correction_is_missing},
        {"amsgrad", "torch", maximum_is_forgotten},
        {"nadam", "plain", product_takes_mu_twice},
        {"novograd", "plain", first_gradient_counts_twice},
        {"novograd", "bias_not_decayed", biases_are_decayed},
        {"radam", "plain", never_waits},
        {"lamb", "plain", ratio_is_inverted},
        {"lars", "bias_has_ratio_1", ratio_for_biases_too},
        {"lars", "plain", momentum_starts_from_the_raw_gradient},
        {"adahessian", "kernel_abs", kernels_are_not_averaged},
        {"adahessian", "kernel_abs", signs_are_averaged_away},
        {"adahessian", "interval", corrected_by_all_updates},
    };
    for (size_t i = 0; i < GR_COUNT(rows); i++) {
        gr_optimizer m = registered(rows[i].of);
        verdict v = {""};
        m.update = rows[i].update;
        wrong = false;
        if (!try_case(rows[i].of, rows[i].name, m, &v)) fail_msg("%s without its mistake: %s", rows[i].of, v.why);
        wrong = true;
        if (try_case(rows[i].of, rows[i].name, m, &v)) fail_msg("%s, mistake %d: accepted", rows[i].of, (int)i);
        assert_non_null(strstr(v.why, "weights after update"));
    }
}

/* The paper's AdamW with PyTorch's decay, a rate too small. */
static void a_decay_that_takes_the_rate_is_rejected(void **state)
{
    (void)state;
    verdict v = {""};
    gr_optimizer m = registered("adamw");
    assert_true(try_case("adamw", "schedule_only", m, &v));
    m.decay_rate = NULL;
    assert_false(try_case("adamw", "schedule_only", m, &v));
}

/* ---- penalties ---- */

static gr_val half_of_the_squares(gr_graph *g, gr_val w) /* the gradient would be lambda w, not 2 lambda w */
{
    gr_val sum = gr_sum_all(g, gr_square(g, w));
    return wrong ? gr_mul(g, gr_const(g, 0.5), sum) : sum;
}

static gr_val sizes(gr_graph *g, gr_val w)
{
    return gr_sum_all(g, gr_abs(g, w));
}

static gr_val hard_threshold(gr_graph *g, gr_val w, gr_val threshold)
{
    gr_val zero = gr_const(g, 0), over = gr_max(g, gr_sub(g, gr_abs(g, w), threshold), zero);
    gr_val kept = gr_mul(g, w, gr_less(g, gr_broadcast(g, zero, gr_shape_of(g, w)), over));
    return wrong ? kept : gr_mul(g, gr_sign(g, w), over);
}

static void wrong_penalties_are_rejected(void **state)
{
    (void)state;
    const gr_penalty l2 = {.head = {.family = "penalty", .name = "wrong"}, .value = half_of_the_squares},
                     l1 = {.head = {.family = "penalty", .name = "wrong"}, .value = sizes, .proximal = hard_threshold};
    for (int mistake = 0; mistake < 2; mistake++) {
        verdict v = {""};
        evidence *e = ev_open("penalty", "l2");
        wrong = mistake;
        if (check_penalty(&l2, e, &v) == wrong) fail_msg("l2, %s: %s", wrong ? "wrong" : "right", v.why);
        ev_free(e);
        e = ev_open("penalty", "l1");
        if (check_penalty(&l1, e, &v) == wrong) fail_msg("l1, %s: %s", wrong ? "wrong" : "right", v.why);
        if (wrong) assert_non_null(strstr(v.why, "proximal"));
        ev_free(e);
    }
}

/* ---- actions, against the printed vectors of LookAhead(SGD) and SWA ---- */

static const double g3[3][2] = {{0.5, -1}, {0.25, 0.5}, {-0.125, 0.25}}, start[2] = {1, -2};

/* The slot after n updates of SGD with lr 0.1. */
static void after(int n, const gr_action *const *actions, const char *lookahead, const char *average, const char *slot,
                  double w[2])
{
    updates u;
    const gr_param_info p = {.entry = {.name = "p", .shape = GR_SHAPE(2)}};
    const up_spec spec = {.backend = gr_backend_get("ref"),
                          .optimizer = "sgd",
                          .lookahead = lookahead,
                          .average = average,
                          .params = &p,
                          .n = 1,
                          .total = 100,
                          .actions = actions};
    up_open(&u, &spec, start);
    for (int t = 0; t < n; t++) test_ok(u.ctx, up_step(&u, g3[t % 3], NULL, NULL, 1, 0.1));
    up_read(&u, slot, w);
    up_close(&u);
}

static bool near(const double *a, double x, double y)
{
    return fabs(a[0] - x) <= 1e-9 && fabs(a[1] - y) <= 1e-9;
}

static bool at_the_first_synchronisation(const gr_update_rules *r, const gr_clock *c)
{
    return c->step == r->lookahead->k;
}

/* The slow weights start as what the first synchronisation finds, which therefore does nothing. */
static void slow_weights_that_are_made_late_are_rejected(void **state)
{
    (void)state;
    const gr_action late = {"lookahead start", at_the_first_synchronisation, gr__lookahead_start.build};
    const gr_action *const right[] = {&gr__lookahead_start, &gr__lookahead_synchronise, NULL},
                           *const mistaken[] = {&late, &gr__lookahead_synchronise, NULL};
    double w[2];
    after(2, right, "{k: 2, alpha: 0.5}", NULL, "p", w);
    assert_true(near(w, 0.9625, -1.975));
    after(2, mistaken, "{k: 2, alpha: 0.5}", NULL, "p", w);
    assert_false(near(w, 0.9625, -1.975));
}

static gr_status mean_without_the_first(const gr_update_rules *r, gr_graph *g, gr_store *store,
                                        const gr_param_info *params, size_t n)
{
    gr_val count, mean;
    (void)r;
    assert_int_equal(n, 1);
    assert_int_equal(gr__slot_add(g, store, "average/n", GR_SCALAR, GR_LAYOUT_PLAIN, 0, &count), GR_OK);
    assert_int_equal(gr__slot_add(g, store, "p/swa", params->entry.shape, GR_LAYOUT_PLAIN, 0, &mean), GR_OK);
    gr_val w = gr_param(g, "p", params->entry.shape), one = gr_const(g, 1), more = gr_add(g, count, one);
    gr_val all = wrong ? gr_max(g, count, one) : more; /* the cycle that has just ended must count */
    gr_assign(g, count, more, GR_ASSIGN_UPDATE);
    gr_assign(g, mean, gr_add(g, mean, gr_mul(g, gr_sub(g, w, mean), gr_recip(g, all))), GR_ASSIGN_UPDATE);
    return gr_graph_status(g);
}

static void an_average_that_loses_its_first_weights_is_rejected(void **state)
{
    (void)state;
    const gr_action collect = {"average", gr__average_collect.due, mean_without_the_first};
    const gr_action *const actions[] = {&collect, NULL};
    for (int mistake = 0; mistake < 2; mistake++) {
        double w[2];
        wrong = mistake;
        after(3, actions, NULL, "{type: swa, start: 1, cycle: 1}", "p/swa", w);
        assert_true(near(w, 0.9375, -1.941666667) != wrong);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(wrong_optimizers_are_rejected),
        cmocka_unit_test(a_decay_that_takes_the_rate_is_rejected),
        cmocka_unit_test(wrong_penalties_are_rejected),
        cmocka_unit_test(slow_weights_that_are_made_late_are_rejected),
        cmocka_unit_test(an_average_that_loses_its_first_weights_is_rejected),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
