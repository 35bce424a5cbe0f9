/* Watchers: what is told of a run and in which order; what asks for its end, or fails it. */
#include "small.h"

typedef struct notes {
    char said[400];
    int64_t stop_after;  /* updates; 0: never asks */
    int64_t break_after; /* likewise: fails */
    gr_context *ctx;
} notes;

static void say(notes *n, const char *what, int64_t step)
{
    size_t used = strlen(n->said);
    snprintf(n->said + used, sizeof n->said - used, "%s%lld ", what, (long long)step);
}

static gr_status listen(void *user, const gr_progress *p, bool *stop)
{
    notes *n = user;
    static const char *const words[] = {"u", NULL, "v", "e", "E", "s", "k", "c", "r", "d"};
    assert_int_equal(p->evaluation != NULL,
                     p->phase == GR_PHASE_EVALUATED || (p->phase == GR_PHASE_SETTLED && p->step % 3 == 0));
    if (p->evaluation) assert_true(p->evaluation->samples == 24 && p->evaluation->cost_mean == p->validation_cost);
    if (words[p->phase]) say(n, words[p->phase], p->step);
    *stop = n->stop_after > 0 && p->phase == GR_PHASE_TRAIN && p->step >= n->stop_after;
    if (n->break_after > 0 && p->phase == GR_PHASE_SETTLED && p->step == n->break_after)
        return gr__fail(n->ctx, GR_E_CHECK, "enough of it");
    return GR_OK;
}

static const char every_third[] = "optimizer: sgd\nstop: {steps: 7}\nvalidate: {every: 3}\ncheckpoint: {every: 4}\n";

static gr_status run(gr_context *ctx, const small *s, notes *first, notes *second, bool resume, gr_train_result *r)
{
    const gr_watcher all[] = {{.version = GR_WATCHER_VERSION, .user = first, .tell = listen},
                              {.version = GR_WATCHER_VERSION, .user = second, .tell = listen}};
    const gr_train_options o = {.watcher = all, .n_watchers = second ? 2 : 1, .resume = resume};
    first->ctx = ctx;
    return small_train(ctx, s, &o, r);
}

/* An update, what is due after it, then that all is settled; a checkpoint, which is told before and after, before the
 * next update and at the end. */
static void events_come_in_order(void **state)
{
    (void)state;
    small s;
    gr_train_result r;
    notes a = {0}, b = {0};
    gr_context *ctx = test_context();
    small_make(&s, every_third);
    test_ok(ctx, run(ctx, &s, &a, &b, false, &r));
    assert_string_equal(a.said, "u1 s1 u2 s2 u3 v3 e3 s3 u4 s4 k4 c4 u5 s5 u6 v6 e6 s6 u7 s7 k7 c7 d7 ");
    assert_string_equal(a.said, b.said);
    assert_int_equal(r.reason, GR_REASON_STEPS);
    small_remove(&s);
    test_context_end(ctx);
}

/* Whoever asks, the run ends as by a rule of its own, after what was due, and goes on from there to the same end. */
static void one_may_ask_for_the_end(void **state)
{
    (void)state;
    small s;
    gr_train_result r, whole;
    notes quiet = {0}, asks = {.stop_after = 3}, later = {0};
    gr_context *ctx = test_context();
    small_make(&s, every_third);
    test_ok(ctx, run(ctx, &s, &quiet, NULL, false, &whole));
    small_remove(&s);
    small_make(&s, every_third);
    test_ok(ctx, run(ctx, &s, &later, &asks, false, &r));
    assert_int_equal(r.reason, GR_REASON_ASKED);
    assert_string_equal(gr__reason_name(r.reason), "asked");
    assert_int_equal(r.steps, 3);
    assert_non_null(strstr(asks.said, "u3 v3 e3 s3 k3 c3 d3"));
    test_ok(ctx, run(ctx, &s, &(notes){0}, NULL, true, &r));
    assert_true(r.reason == GR_REASON_STEPS && r.steps == 7 && r.final_cost == whole.final_cost);
    small_remove(&s);
    test_context_end(ctx);
}

static void one_may_fail_it(void **state)
{
    (void)state;
    small s;
    gr_train_result r;
    notes a = {.break_after = 2}, b = {0};
    gr_context *ctx = test_context();
    small_make(&s, every_third);
    assert_int_equal(run(ctx, &s, &a, &b, false, &r), GR_E_CHECK);
    assert_string_equal(gr_context_error(ctx)->message, "enough of it");
    assert_string_equal(b.said, "u1 s1 u2 s2 "); /* the others are still told of that event, and of no other */
    gr_context_clear_error(ctx);
    small_remove(&s);
    test_context_end(ctx);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(events_come_in_order),
        cmocka_unit_test(one_may_ask_for_the_end),
        cmocka_unit_test(one_may_fail_it),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
