/* Schedules: the printed vectors, what needs to know the length of the run, and what is refused. */
#include "base/rng.h"
#include "base/text.h"
#include "optim/optim.h"
#include "support/evidence.h"

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

static void is_as_printed(double a, double b, double digits)
{
    if (fabs(a - b) > digits) fail_msg("%.15g is not %.15g", a, b);
}

static void printed_cycles(void **state) /* [mission H5, H6, O7] */
{
    (void)state;
    static const double smith[] = {.001, .00225, .0035, .00475, .006, .00475, .0035, .00225, .001};
    static const double sgdr[] = {.1,      .085502, .0505,   .015498, .1,      .096232, .085502,
                                  .069443, .0505,   .031557, .015498, .004768, .1};
    for (int t = 0; t < 9; t++) {
        is(rate_of("{type: cyclic, low: 0.001, high: 0.006, half_cycle: 4, start: low}", 0.5, t, 0), smith[t]);
        is(rate_of("{type: cyclic, low: 0.001, high: 0.006, half_cycle: 4}", 0.5, t, 0), smith[(t + 4) % 8]);
    }
    for (int t = 0; t < 13; t++)
        is_as_printed(rate_of("{type: restarts, cycle: 4, mult: 2, low: 0.001}", 0.1, t, 0), sgdr[t], 5e-7);
}

static void printed_tail(void **state) /* [mission H10, H13, H15] */
{
    (void)state;
    static const struct {
        int t;
        double rate;
    } rows[] = {{0, .005},         {50, .0525},       {99, .09905},      {100, .1},
                {500, .055555556}, {799, .022333333}, {800, .022222222}, {822, .002422222},
                {844, .021822222}, {888, .021422222}, {950, .007222222}, {999, .003122222}};
    for (size_t i = 0; i < GR_COUNT(rows); i++)
        is_as_printed(
            rate_of("{type: polynomial, warmup: 100, tail: {fraction: 0.2, cycles: 4}}", 0.1, rows[i].t, 1000),
            rows[i].rate, 1e-9);
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
    assert_true(rate_of("{type: constant, warmup: 0}", 0.1, 0, 0) == 0.1 &&
                rate_of("{type: constant, warmup: 0.0}", 0.1, 0, 0) == 0.1);
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

static void the_warm_up_joins_without_a_jump(void **state) /* [mission H13] */
{
    (void)state;
    static const char *const types[] = {
        "constant",           "step, every: 5",      "polynomial", "polynomial, power: 2", "cyclic, half_cycle: 3",
        "restarts, cycle: 7", "plateau, patience: 1"};
    char set[96];
    for (size_t i = 0; i < GR_COUNT(types); i++) {
        snprintf(set, sizeof set, "{type: %s, warmup: 100}", types[i]);
        assert_true(rate_of(set, 0.1, 100, 1000) == 0.1);
        is(rate_of(set, 0.1, 99, 1000), 0.1 - 0.095 / 100);
    }
    /* Where the polynomial counts from the start of the run it falls by W / T there, as BERT's does. */
    is(rate_of("{type: polynomial, warmup: 100, from: start}", 0.1, 100, 1000), 0.09);
}

/* Falls, rises, ..., falls: 2 cycles + 1 straight sides between the two bounds, and the end is the lower one. */
static void the_tail_ends_low(void **state)
{
    (void)state;
    char set[96];
    for (int cycles = 0; cycles < 6; cycles++) {
        snprintf(set, sizeof set, "{type: constant, tail: {fraction: 770, cycles: %d}}", cycles);
        int turns = 0, direction = -1;
        for (int t = 231; t < 1000; t++) {
            double step = rate_of(set, 0.1, t, 1000) - rate_of(set, 0.1, t - 1, 1000);
            if (step * direction < 0) turns++, direction = -direction;
        }
        double side = 770.0 / (2 * cycles + 1), last = rate_of(set, 0.1, 999, 1000);
        assert_int_equal(turns, 2 * cycles);
        assert_true(rate_of(set, 0.1, 229, 1000) == 0.1 && rate_of(set, 0.1, 230, 1000) == 0.1);
        is(last, 0.01 + 0.09 / side);
        assert_true(rate_of(set, 0.1, 1000, 1000) == 0.01 && rate_of(set, 0.1, 5000, 1000) == 0.01);
    }
}

/* Starting high is the same curve half a cycle later, in every shape. */
static void starting_high_is_half_a_cycle_later(void **state) /* [mission O7] */
{
    (void)state;
    static const char *const shapes[] = {"triangular", "triangular2", "exp_range, gamma: 0.98"};
    char high[96], low[96];
    for (size_t i = 0; i < GR_COUNT(shapes); i++) {
        snprintf(high, sizeof high, "{type: cyclic, half_cycle: 7, shape: %s}", shapes[i]);
        snprintf(low, sizeof low, "{type: cyclic, half_cycle: 7, start: low, shape: %s}", shapes[i]);
        for (int t = 0; t < 60; t++) assert_true(rate_of(high, 0.1, t, 0) == rate_of(low, 0.1, t + 7, 0));
    }
    assert_true(rate_of("{type: cyclic, half_cycle: 7}", 0.1, 0, 0) == 0.1);
}

/* At the first update of a cycle the rate is exactly the base rate again, however long the run is. */
static void borders_of_cycles_are_exact(void **state)
{
    (void)state;
    char set[96];
    for (int mult = 2; mult < 12; mult++) {
        int64_t border = 0, length = 5;
        snprintf(set, sizeof set, "{type: restarts, cycle: 5, mult: %d, shape: linear}", mult);
        for (; length < INT64_MAX / mult / 2; border += length, length *= mult) {
            assert_true(rate_of(set, 0.1, border, 0) == 0.1);
            if (border > 5)
                assert_true(rate_of(set, 0.1, border - 1, 0) <
                            0.1 * (0.1 + 0.9 / (double)(length / mult)) * (1 + 1e-9));
        }
        assert_true(border > (int64_t)1 << 55);
    }
    assert_true(rate_of("{type: restarts, cycle: 7, mult: 1}", 0.1, INT64_C(7) << 58, 0) == 0.1);
    for (int64_t k = 1; k < INT64_C(1000000000000); k = 7 * k + 1) {
        assert_true(rate_of("{type: cyclic, half_cycle: 3}", 0.1, 6 * k, 0) == 0.1);
        is(rate_of("{type: cyclic, half_cycle: 3}", 0.1, 6 * k + 3, 0), 0.01);
    }
}

/* Runs of a few updates, and warm-ups longer than the run: every rate is a number between 0 and the highest. */
static void short_runs(void **state)
{
    (void)state;
    static const char *const more[] = {
        "",          ", warmup: 3",           ", warmup: 0.5", ", warmup: 1.0", ", tail: 0.2", ", tail: 1.0",
        ", tail: 1", ", warmup: 1, tail: 0.5"};
    int n;
    const gr_schedule *const *all = gr__schedules(&n);
    for (int i = 0; i < n; i++)
        for (size_t k = 0; k < GR_COUNT(more); k++)
            for (int64_t total = 1; total < 6; total++) {
                ev_bench b;
                char set[96];
                bool step = strcmp(all[i]->head.name, "step") == 0;
                snprintf(set, sizeof set, "{type: %s%s%s}", all[i]->head.name, step ? ", every: 1" : "", more[k]);
                gr_sched s = open_schedule(&b, set);
                gr_rate r = {.lr = 0.1, .total = total, .updates_per_epoch = 1};
                gr_status st = gr__sched_check(b.ctx, &s, &r);
                if (st != GR_OK) { /* the only reasons */
                    const char *why = gr_context_error(b.ctx)->message;
                    assert_true(st == GR_E_CONFLICT && (strstr(why, "within the warm-up") || strstr(why, "rate is 0")));
                }
                for (r.t = 0; r.t < total + 2; r.t++) {
                    double rate = gr__sched_rate(&s, &r);
                    if (!(rate >= 0 && rate <= 0.1 * (1 + 1e-15)))
                        fail_msg("%s of %d updates: %g at %d", set, (int)total, rate, (int)r.t);
                }
                ev_end(&b);
            }
}

/* ---- plateau ---- */

/* The state, written and read as a checkpoint does, gives the same bits from there on. */
static void a_resumed_plateau_goes_on_exactly(void **state)
{
    (void)state;
    ev_bench b;
    gr_sched s = open_schedule(&b, "{type: plateau, patience: 1, factor: 0.3, cooldown: 1}");
    gr__rng rng = gr__rng_make(3, "test", 0, 0);
    double whole[GR_SCHEDULE_STATE], resumed[GR_SCHEDULE_STATE];
    gr_rate r = {.lr = 0.1, .t = 1, .updates_per_epoch = 1};
    int drops = 0;
    gr__sched_begin(&s, whole);
    gr__sched_begin(&s, resumed);
    for (; r.t < 40; r.t++) {
        gr_observation o = {1 + gr__rng_normal(&rng) / 10, 1 + gr__rng_normal(&rng) / 10};
        double before = whole[0];
        gr__sched_observe(&s, &r, &o, whole);
        gr__sched_observe(&s, &r, &o, resumed);
        drops += whole[0] != before;
        for (int i = 0; i < GR_SCHEDULE_STATE; i++) {
            char text[40];
            assert_true(gr__parse_number(gr__double_text(resumed[i], text), &resumed[i]) && resumed[i] == whole[i]);
        }
    }
    assert_true(drops > 3);
    ev_end(&b);
}

/* Evaluations within the warm-up and within the tail change nothing: their rates are not the schedule's. */
static void a_plateau_is_not_seen_in_warm_up_or_tail(void **state)
{
    (void)state;
    ev_bench b;
    gr_sched s = open_schedule(&b, "{type: plateau, patience: 0, warmup: 10, tail: 20}");
    double kept[GR_SCHEDULE_STATE], start[GR_SCHEDULE_STATE];
    gr_rate r = {.lr = 0.1, .t = 1, .total = 100, .updates_per_epoch = 1, .state = kept};
    gr_observation same = {1, 1};
    gr__sched_begin(&s, kept);
    gr__sched_begin(&s, start);
    for (; r.t <= 10; r.t++) gr__sched_observe(&s, &r, &same, kept);
    assert_memory_equal(kept, start, sizeof kept);
    for (; r.t <= 12; r.t++) gr__sched_observe(&s, &r, &same, kept);
    is(gr__sched_rate(&s, &r), 0.01);
    r.t = 81;
    double tail = gr__sched_rate(&s, &r);
    for (; r.t <= 100; r.t++) gr__sched_observe(&s, &r, &same, kept);
    r.t = 81;
    assert_true(gr__sched_rate(&s, &r) == tail && tail < 0.01);
    ev_end(&b);
}

/* Noisy gradients on w^2 / 2: the cost stays at a floor proportional to the rate, and each drop by ten lowers it about
 * tenfold. */
static void a_lower_rate_lowers_the_floor(void **state) /* [mission O6, H9] */
{
    (void)state;
    enum { EVERY = 20000 };
    ev_bench b;
    gr_sched s = open_schedule(&b, "{type: plateau, patience: 1, threshold: 0.02, metric: train}");
    gr__rng rng = gr__rng_make(5, "noise", 0, 0);
    double kept[GR_SCHEDULE_STATE], w = 3, floors[3] = {0};
    gr_rate r = {.lr = 0.1, .updates_per_epoch = 1, .state = kept};
    gr__sched_begin(&s, kept);
    for (int drops = 0; drops < 3;) {
        double cost = 0, rate = gr__sched_rate(&s, &r);
        for (int k = 0; k < EVERY; k++, r.t++) {
            cost += w * w / 2 / EVERY;
            w -= rate * (w + gr__rng_normal(&rng));
        }
        assert_true(r.t < 100 * EVERY);
        gr__sched_observe(&s, &r, &(gr_observation){cost, NAN}, kept);
        if (gr__sched_rate(&s, &r) < rate) floors[drops++] = cost;
    }
    for (int i = 0; i < 2; i++)
        if (!(floors[i] / floors[i + 1] > 7 && floors[i] / floors[i + 1] < 14))
            fail_msg("floors %g and %g", floors[i], floors[i + 1]);
    ev_end(&b);
}

/* ---- what is refused ---- */

static void a_tail_that_cannot_be(void **state)
{
    (void)state;
    static const struct {
        const char *set;
        double lr;
        int64_t total;
        const char *says; /* NULL: nothing is wrong */
    } rows[] = {
        {"{type: constant, tail: 0.2, warmup: 0.8}", 0.1, 100, NULL},
        {"{type: constant, tail: 0.2, warmup: 81}", 0.1, 100, "within the warm-up of 81"},
        {"{type: constant, tail: 500, warmup: 1}", 0.1, 100, "at update 0 of 100"},
        {"{type: constant, tail: 0.2}", 0, 100, "the rate is 0"},
        {"{type: constant, tail: {high: 0.1}}", 0, 100, NULL},
        {"{type: constant, tail: {low: 0.2}}", 0.1, 100, "low 0.2 is above the rate 0.1"},
        {"{type: cyclic, half_cycle: 10, low: 0, tail: 30}", 0.1, 100, "the rate is 0"},
        {"{type: constant, tail: 0.2}", 0.1, 0, "tail"},
        {"{type: constant, tail: 5}", 0.1, 0, "tail"},
        {"one_cycle", 0.1, 0, "one_cycle"},
    };
    for (size_t i = 0; i < GR_COUNT(rows); i++) {
        ev_bench b;
        gr_sched s = open_schedule(&b, rows[i].set);
        gr_rate r = {.lr = rows[i].lr, .total = rows[i].total, .updates_per_epoch = 10};
        assert_int_equal(gr__sched_check(b.ctx, &s, &r), rows[i].says ? GR_E_CONFLICT : GR_OK);
        if (rows[i].says && !strstr(gr_context_error(b.ctx)->message, rows[i].says))
            fail_msg("%s: %s", rows[i].set, gr_context_error(b.ctx)->message);
        ev_end(&b);
    }
}

static void bounds_against_the_base_rate(void **state)
{
    (void)state;
    static const char *const sets[] = {"{type: cyclic, low: 0.2}", "{type: restarts, low: 0.2}",
                                       "{type: plateau, min: 0.2}"};
    for (size_t i = 0; i < GR_COUNT(sets); i++) {
        ev_bench b;
        gr_sched s = open_schedule(&b, sets[i]);
        test_ok(b.ctx, gr__sched_check_rate(b.ctx, &s, 0.2));
        assert_int_equal(gr__sched_check_rate(b.ctx, &s, 0.1), GR_E_CONFLICT);
        assert_non_null(strstr(gr_context_error(b.ctx)->message, "0.2 is above"));
        ev_end(&b);
    }
    assert_true(rate_of("{type: cyclic, low: 0.2, high: 0.3}", 0.1, 0, 0) == 0.3);
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
        {"{type: step, every: -3}", GR_E_RANGE, "-3"},
        {"{type: constant, warmup: 3 weeks}", GR_E_RANGE, "3 weeks"},
        {"{type: constant, warmup: [1]}", GR_E_RANGE, "list"},
        {"{type: constant, warmup: 99999999999999999999}", GR_E_RANGE, "2^53"},
        {"{type: constant, warmup: .nan}", GR_E_RANGE, "nan"},
        {"{type: polynomial, from: end}", GR_E_NAME, "end"},
        {"{type: cyclic, half_cycle: 0}", GR_E_RANGE, "0"},
        {"{type: cyclic, half_cycle: 0.5}", GR_E_RANGE, "0.5"},
        {"{type: cyclic, high: 0}", GR_E_RANGE, "0"},
        {"{type: cyclic, low: 0.2, high: 0.1}", GR_E_CONFLICT, "above"},
        {"{type: cyclic, start: middle}", GR_E_NAME, "middle"},
        {"{type: cyclic, gamma: 0.9}", GR_E_CONFLICT, "exp_range"},
        {"{type: cyclic, shape: exp_range}", GR_E_MISSING, "gamma"},
        {"{type: cyclic, shape: exp_range, gamma: 1.5}", GR_E_RANGE, "1.5"},
        {"{type: restarts, cycle: 0 epochs}", GR_E_RANGE, "0 epochs"},
        {"{type: restarts, mult: 0}", GR_E_RANGE, "0"},
        {"{type: restarts, mult: 1.5}", GR_E_TYPE, "1.5"},
        {"{type: restarts, low: -1}", GR_E_RANGE, "-1"},
        {"{type: one_cycle, fraction: 2}", GR_E_RANGE, "2"},
        {"{type: one_cycle, shape: round}", GR_E_NAME, "round"},
        {"{type: plateau, factor: 1}", GR_E_RANGE, "1"},
        {"{type: plateau, patience: -1}", GR_E_RANGE, "-1"},
        {"{type: plateau, threshold: 1}", GR_E_RANGE, "1"},
        {"{type: plateau, metric: test}", GR_E_NAME, "test"},
        {"{type: plateau, stop: 1}", GR_E_TYPE, "1"},
        {"{type: constant, tail: true}", GR_E_TYPE, "tail"},
        {"{type: constant, tail: 1.5}", GR_E_RANGE, "whole run"},
        {"{type: constant, tail: {fraction: -1}}", GR_E_RANGE, "-1"},
        {"{type: constant, tail: {cycles: 0.5}}", GR_E_TYPE, "0.5"},
        {"{type: constant, tail: {low: 0.2, high: 0.1}}", GR_E_CONFLICT, "above"},
        {"{type: constant, tail: {height: 1}}", GR_E_KEY, "height"},
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
        cmocka_unit_test(printed_cycles),
        cmocka_unit_test(printed_tail),
        cmocka_unit_test(the_ends),
        cmocka_unit_test(warm_up_rises_and_never_passes_the_base),
        cmocka_unit_test(the_warm_up_joins_without_a_jump),
        cmocka_unit_test(the_tail_ends_low),
        cmocka_unit_test(starting_high_is_half_a_cycle_later),
        cmocka_unit_test(borders_of_cycles_are_exact),
        cmocka_unit_test(short_runs),
        cmocka_unit_test(a_resumed_plateau_goes_on_exactly),
        cmocka_unit_test(a_plateau_is_not_seen_in_warm_up_or_tail),
        cmocka_unit_test(a_lower_rate_lowers_the_floor),
        cmocka_unit_test(a_tail_that_cannot_be),
        cmocka_unit_test(bounds_against_the_base_rate),
        cmocka_unit_test(what_needs_the_length_of_the_run),
        cmocka_unit_test(refused_schedules),
        cmocka_unit_test(none_given_is_constant),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
