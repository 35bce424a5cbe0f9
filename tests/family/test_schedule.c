/* Schedules: the printed vectors, what needs to know the length of the run, and what is refused. */
#include "family/evidence.h"

static gr_sched open_schedule(ev_bench *b, const char *set)
{
    gr_sched s;
    assert_true(ev_begin(b, set));
    test_ok(b->ctx, gr__sched_make(b->ctx, b->memory, b->tree, GR_PRESET_CHAPTER, &s));
    return s;
}

static double rate_of(const char *set, double lr, int64_t t, int64_t total)
{
    ev_bench b;
    gr_sched s = open_schedule(&b, set);
    double rate = gr__sched_rate(&s, &(gr_rate){.lr = lr, .t = t, .total = total, .updates_per_epoch = 10});
    ev_end(&b);
    return rate;
}

static void is(double a, double b)
{
    if (fabs(a - b) > 1e-12 * fabs(b) + 1e-15) fail_msg("%.15g is not %.15g", a, b);
}

static void printed_vectors(void **state) /* [mission H2] */
{
    (void)state;
    static const double warm[] = {.005, .0145, .024, .0335, .043, .0525, .062, .0715, .081, .0905, .1};
    is(rate_of("{type: polynomial, power: 1}", 0.1, 25, 100), 0.075);
    is(rate_of("{type: polynomial, power: 2}", 0.1, 25, 100), 0.05625);
    for (int t = 0; t <= 10; t++) is(rate_of("{type: constant, warmup: 10}", 0.1, t, 100), warm[t]);
    for (int t = 0; t <= 10; t++) is(rate_of("{type: constant, warmup: 0.1}", 0.1, t, 100), warm[t]);
    is(rate_of("{type: polynomial, warmup: 100}", 0.1, 0, 1000), 0.005);
    is(rate_of("{type: polynomial, warmup: 100}", 0.1, 50, 1000), 0.0525);
    is(rate_of("{type: polynomial, warmup: 100}", 0.1, 99, 1000), 0.09905);
    is(rate_of("{type: polynomial, warmup: 100}", 0.1, 100, 1000), 0.1);
    is(rate_of("{type: polynomial, warmup: 100}", 0.1, 799, 1000), (0.1 * (1 - 699.0 / 900)));
    for (int t = 0; t < 1000; t += 37) assert_true(rate_of("constant", 0.1, t, 1000) == 0.1);
}

static void the_ends(void **state)
{
    (void)state;
    assert_true(rate_of("polynomial", 0.1, 0, 10) == 0.1 && rate_of("polynomial", 0.1, 10, 10) == 0 &&
                rate_of("polynomial", 0.1, 11, 10) == 0);
    assert_true(rate_of("{type: polynomial, warmup: 1.0, end: 0.01}", 0.1, 20, 20) == 0.01); /* all of it warm-up */
    assert_true(rate_of("{type: step, every: 3}", 0.1, 2, 0) == 0.1);
    is(rate_of("{type: step, every: 3}", 0.1, 3, 0), 0.01);
    is(rate_of("{type: step, every: 1.5 epochs}", 0.1, 14, 0), 0.1);
    is(rate_of("{type: step, every: 1.5 epochs}", 0.1, 15, 0), 0.01);
    assert_true(rate_of("{type: constant, warmup: 0}", 0.1, 0, 0) == 0.1 && rate_of("{type: constant, warmup: 0.0}", 0.1, 0, 0) == 0.1);
}

static void warm_up_rises_and_never_passes_the_base(void **state)
{
    (void)state;
    ev_bench b;
    gr_sched s = open_schedule(&b, "{type: constant, warmup: 1000}");
    for (int64_t t = 1; t < 1100; t++) {
        gr_rate r = {.lr = 0.3, .t = t - 1, .total = 2000, .updates_per_epoch = 10};
        double before = gr__sched_rate(&s, &r);
        r.t = t;
        double now = gr__sched_rate(&s, &r);
        assert_true(now >= before && now <= 0.3);
    }
    ev_end(&b);
}

static void what_needs_the_length_of_the_run(void **state)
{
    (void)state;
    static const struct {
        const char *set;
        gr_status unknown;
    } rows[] = {
        {"constant", GR_OK},
        {"{type: step, every: 2 epochs}", GR_OK},
        {"{type: constant, warmup: 100}", GR_OK},
        {"{type: constant, warmup: 0.1}", GR_E_CONFLICT},
        {"polynomial", GR_E_CONFLICT},
        {"{type: polynomial, warmup: 5}", GR_E_CONFLICT},
    };
    for (size_t i = 0; i < GR_COUNT(rows); i++) {
        ev_bench b;
        gr_sched s = open_schedule(&b, rows[i].set);
        gr_rate r = {.lr = 0.1, .total = 1000, .updates_per_epoch = 10};
        test_ok(b.ctx, gr__sched_check(b.ctx, &s, &r));
        r.total = 0;
        assert_int_equal(gr__sched_check(b.ctx, &s, &r), rows[i].unknown);
        if (rows[i].unknown != GR_OK) assert_non_null(strstr(gr_context_error(b.ctx)->hint, "stop"));
        ev_end(&b);
    }
}

static void refused_schedules(void **state)
{
    (void)state;
    static const struct {
        const char *set;
        gr_status code;
        const char *says;
    } rows[] = {
        {"cosinus", GR_E_NAME, "cosinus"},
        {"{type: constant, power: 2}", GR_E_KEY, "power"},
        {"{type: constant, warmup: -1}", GR_E_RANGE, "-1"},
        {"{type: constant, warmup: 1.5}", GR_E_RANGE, "whole run"},
        {"{type: constant, warmup_from: 2}", GR_E_RANGE, "2"},
        {"{type: polynomial, power: 0}", GR_E_RANGE, "0"},
        {"step", GR_E_MISSING, "every"},
        {"{type: step, every: 3, at: [4]}", GR_E_CONFLICT, "every"},
        {"{type: step, every: 0}", GR_E_RANGE, ""},
        {"{type: step, every: 2.5}", GR_E_RANGE, ""},
        {"{type: step, every: 3 weeks}", GR_E_RANGE, "3 weeks"},
        {"{type: step, every: 0 epochs}", GR_E_RANGE, ""},
        {"{type: step, every: 2.5 updates}", GR_E_RANGE, ""},
        {"{type: step, every: epochs}", GR_E_RANGE, "epochs"},
        {"{type: step, every: [1]}", GR_E_RANGE, "list"},
        {"{type: step, at: 3}", GR_E_TYPE, "list"},
        {"{type: step, at: []}", GR_E_TYPE, ""},
        {"{type: step, at: [1, x]}", GR_E_RANGE, "x"},
        {"{type: step, every: 3, factors: [1]}", GR_E_CONFLICT, "at"},
        {"{type: step, at: [1, 2], factors: [0.1]}", GR_E_TYPE, "2 numbers"},
        {"{type: step, at: [1], factors: [0]}", GR_E_RANGE, "0"},
        {"{type: step, at: [1], factors: [x]}", GR_E_RANGE, "x"},
        {"{type: step, at: [1], factors: [0.5], gamma: 0.1}", GR_E_CONFLICT, "gamma"},
        {"{type: step, every: 3, gamma: 0}", GR_E_RANGE, "0"},
    };
    for (size_t i = 0; i < GR_COUNT(rows); i++) {
        ev_bench b;
        gr_sched s;
        assert_true(ev_begin(&b, rows[i].set));
        gr_status st = gr__sched_make(b.ctx, b.memory, b.tree, GR_PRESET_CHAPTER, &s);
        if (st != rows[i].code || !strstr(gr_context_error(b.ctx)->message, rows[i].says))
            fail_msg("%s: %s, %s", rows[i].set, gr_status_name(st), gr_context_error(b.ctx)->message);
        ev_end(&b);
    }
}

static void none_given_is_constant(void **state)
{
    (void)state;
    ev_bench b;
    gr_sched s;
    assert_true(ev_begin(&b, "{warmup: 5}"));
    test_ok(b.ctx, gr__sched_make(b.ctx, b.memory, NULL, GR_PRESET_CHAPTER, &s));
    assert_string_equal(s.member->head.name, "constant");
    assert_true(s.warmup.n == 0);
    test_ok(b.ctx, gr__sched_make(b.ctx, b.memory, b.tree, GR_PRESET_CHAPTER, &s));
    assert_true(s.warmup.n == 5 && s.warmup.unit == GR_SPAN_UPDATES && s.warmup_from == 1.0 / 20);
    ev_end(&b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(printed_vectors),
        cmocka_unit_test(the_ends),
        cmocka_unit_test(warm_up_rises_and_never_passes_the_base),
        cmocka_unit_test(what_needs_the_length_of_the_run),
        cmocka_unit_test(refused_schedules),
        cmocka_unit_test(none_given_is_constant),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
