/* Studies: spaces as they are written, who knows of whom, who goes on, trials shared by workers and taken up after
 * their end, what mattered. [mission H1, H18, H20] */
#include <fcntl.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"
#include "study/tune/importance.h"
#include "study/tune/tune.h"
#include "test.h"

static gr_spaces spaces_of(gr_context *ctx, gr__bump *b, const char *const *text, int n)
{
    gr_spaces s;
    test_ok(ctx, gr__spaces_read(ctx, b, text, n, &s));
    return s;
}

/* ---- spaces ---- */

static void spaces_read_back(void **state)
{
    (void)state;
    static const char *const text[] = {"b = int_log(1,1024) if a={x, [1, 2]} and c=3", "a={x,[1, 2],'u, v'}", "c={3,4}",
                                       "a.k=uniform(-1,2)"};
    gr_context *ctx = test_context();
    gr__bump *b = gr__bump_create(ctx);
    gr_spaces s = spaces_of(ctx, b, text, 4), again;
    const char *written[4];
    assert_int_equal(s.n, 4);
    int kb = gr__spaces_find(&s, "b"), ka = gr__spaces_find(&s, "a"), kk = gr__spaces_find(&s, "a.k");
    assert_true(kb > ka && kb > gr__spaces_find(&s, "c") && kk > ka);
    assert_int_equal(gr__spaces_above(&s, kk), ka);
    assert_int_equal(s.at[ka].n_choices, 3);
    assert_string_equal(s.at[ka].choice[2], "'u, v'");
    assert_int_equal(s.at[kb].n_when, 2);
    assert_true(s.at[kb].when[0].choices == 3);
    for (int i = 0; i < 4; i++) written[i] = gr__space_written(&s, i, b);
    test_ok(ctx, gr__spaces_read(ctx, b, written, 4, &again));
    for (int i = 0; i < 4; i++) {
        assert_string_equal(again.at[i].key, s.at[i].key);
        assert_string_equal(gr__space_written(&again, i, b), written[i]);
    }
    gr__bump_destroy(b);
    gr_context_destroy(ctx);
}

static void wrong_spaces_are_refused(void **state)
{
    (void)state;
    static const char *const wrong[] = {"x",
                                        "=log(1,2)",
                                        "x=",
                                        "x=3",
                                        "x={}",
                                        "x={a,,b}",
                                        "x={a",
                                        "x=log(1)",
                                        "x=log(1,2,3,4)",
                                        "x=log(-1,2)",
                                        "x=int(1.5,3)",
                                        "x=uniform(2,2)",
                                        "x=uniform(0,inf)",
                                        "x=int(1,a)",
                                        "x=log(1,2,1)",
                                        "x=log(1,2,2.5)",
                                        "x=int_log(0,3)",
                                        "x={a,b} if",
                                        "x={a,b} when y=1",
                                        "x={a,b} if x=a",
                                        "x=log(1,2) if y=1"};
    gr_context *ctx = test_context();
    gr__bump *b = gr__bump_create(ctx);
    for (size_t i = 0; i < GR_COUNT(wrong); i++) {
        gr_spaces s;
        if (gr__spaces_read(ctx, b, &wrong[i], 1, &s) != GR_E_USAGE) fail_msg("%s is taken", wrong[i]);
        assert_non_null(strstr(gr_context_error(ctx)->message, "--try"));
        gr_context_clear_error(ctx);
    }
    static const char *const circle[] = {"x={a,b} if y=c", "y={c,d} if x=a"};
    gr_spaces s;
    assert_int_equal(gr__spaces_read(ctx, b, circle, 2, &s), GR_E_USAGE);
    gr__bump_destroy(b);
    gr_context_destroy(ctx);
}

/* Every value of a whole space is as likely as any other; values lie within, and texts read back to them. */
static void values_are_of_their_spaces(void **state)
{
    (void)state;
    static const char *const text[] = {"w=int(3,7)", "l=int_log(1,64)", "u=uniform(-1,2)", "g=log(1e-5,1e-2)"};
    gr_context *ctx = test_context();
    gr__bump *b = gr__bump_create(ctx);
    gr_spaces s = spaces_of(ctx, b, text, 4);
    int seen[8] = {0}, below = 0;
    for (int i = 0; i < 5000; i++) {
        gr_proposal p = {.ctx = ctx, .spaces = &s, .seed = 9, .trial = i};
        gr__propose_at_random(&p);
        seen[(int)p.point.at[0]]++;
        below += p.point.at[3] < sqrt(1e-5 * 1e-2);
        for (int k = 0; k < 4; k++) {
            char buffer[GR_SPACE_TEXT];
            double x = p.point.at[k], again;
            assert_true(x >= s.at[k].low && x <= s.at[k].high && (k > 1 || x == floor(x)));
            assert_true(gr__parse_number(gr__space_text(&s.at[k], x, buffer), &again) && again == x);
            assert_true(strlen(buffer) <= 12);
        }
    }
    for (int i = 3; i <= 7; i++) assert_in_range(seen[i], 880, 1120);
    assert_in_range(below, 2350, 2650);
    gr__bump_destroy(b);
    gr_context_destroy(ctx);
}

/* ---- order ---- */

static void generations_know_of_earlier_ones(void **state)
{
    (void)state;
    for (int i = 0; i < 10; i++) assert_int_equal(gr__generation(i, 10, 4), 0);
    for (int i = 10; i < 40; i++) {
        int64_t g = gr__generation(i, 10, 4);
        assert_true(g <= i && g > i - 4 && (g - 10) % 4 == 0);
        assert_int_equal(gr__generation(i, 10, 1), i);
    }
}

static void who_is_behind_the_median_is_told(void **state)
{
    (void)state;
    gr_context *ctx = test_context();
    gr__bump *b = gr__bump_create(ctx);
    gr_reported r[12];
    for (int i = 0; i < 6; i++) { /* trials 0 to 5 reach 0.1 i + 0.5 at step 10, half of it at step 20 */
        r[2 * i] = (gr_reported){i, 10, 0.5 + 0.1 * i};
        r[2 * i + 1] = (gr_reported){i, 20, 0.25 + 0.05 * i};
    }
    assert_false(gr__behind(b, r, 12, 6, 10, 0.74, true)); /* the median is 0.75 */
    assert_true(gr__behind(b, r, 12, 6, 10, 0.76, true));
    assert_true(gr__behind(b, r, 12, 6, 20, 0.74, true));
    assert_true(gr__behind(b, r, 12, 6, 10, 0.74, false));
    assert_false(gr__behind(b, r, 12, 6, 10, 0.76, false));
    assert_false(gr__behind(b, r, 12, 6, 30, 9, true)); /* nobody has come so far */
    assert_false(gr__behind(b, r, 12, 4, 10, 9, true)); /* four are too few */
    gr__bump_destroy(b);
    gr_context_destroy(ctx);
}

static void a_rung_leaves_the_worst(void **state)
{
    (void)state;
    gr_context *ctx = test_context();
    gr__bump *b = gr__bump_create(ctx);
    gr_trial t[9];
    const gr_tune_options o = {.trials = 9, .rungs = 3, .keep = 1 / 3.0};
    for (int i = 0; i < 9; i++)
        t[i] = (gr_trial){.trial = i, .state = GR_TRIAL_WAITING, .rung = 1, .metric = (i * 4 % 9) / 10.0};
    t[7].state = GR_TRIAL_RUNNING, t[7].rung = 0;
    assert_int_equal(gr__halve(b, t, 9, &o, true), 0); /* one is on its way */
    t[7].state = GR_TRIAL_DIVERGED;
    assert_int_equal(gr__halve(b, t, 8, &o, true), 0); /* one is not there yet */
    assert_int_equal(gr__halve(b, t, 9, &o, true), 8);
    for (int i = 0; i < 9; i++)
        if (i != 7) assert_int_equal(t[i].state, t[i].metric < 0.35 ? GR_TRIAL_RUNNING : GR_TRIAL_PRUNED);
    assert_int_equal(gr__halve(b, t, 9, &o, true), 0);
    for (int i = 0; i < 9; i++)
        if (t[i].state == GR_TRIAL_RUNNING) t[i].state = GR_TRIAL_WAITING, t[i].rung = 2;
    gr__halve(b, t, 9, &o, true);
    for (int i = 0; i < 9; i++) assert_true((t[i].state == GR_TRIAL_RUNNING) == (t[i].metric == 0));
    gr__bump_destroy(b);
    gr_context_destroy(ctx);
}

/* ---- studies ---- */

enum { MOST = 64 };

/* What is searched: (x - 0.3)^2, reported thrice; some trials fail, some are cut off. */
typedef struct planted {
    int calls[MOST], running, most_running;
    int cut_at; /* the trial that is interrupted; -1: none */
    uint64_t bytes;
} planted;

static gr_status plan(void *user, const gr_trial_run *r, uint64_t *bytes)
{
    const planted *p = user;
    *bytes = p->bytes;
    return r->trial->point.at[0] > 0.95 ? gr__fail(r->ctx, GR_E_RANGE, "it is too much") : GR_OK;
}

static gr_status train(void *user, const gr_trial_run *r, int64_t *steps)
{
    planted *p = user;
    double y = pow(r->trial->point.at[0] - 0.3, 2);
    bool end = false;
    gr_status st = GR_OK;
    __atomic_fetch_add(&p->calls[r->trial->trial], 1, __ATOMIC_SEQ_CST);
    int running = __atomic_add_fetch(&p->running, 1, __ATOMIC_SEQ_CST),
        most = __atomic_load_n(&p->most_running, __ATOMIC_SEQ_CST);
    while (running > most &&
           !__atomic_compare_exchange_n(&p->most_running, &most, running, false, __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST))
        continue;
    for (*steps = 1; *steps <= 3 && st == GR_OK && !end; ++*steps)
        st = r->report(r->user, *steps, 3, y * (4 - (double)*steps), &end);
    --*steps;
    if (r->trial->trial == p->cut_at) st = GR_E_INTERRUPTED;
    if (st == GR_OK && r->trial->point.at[0] > 0.9) st = GR_E_DIVERGED;
    __atomic_fetch_sub(&p->running, 1, __ATOMIC_SEQ_CST);
    return st;
}

typedef struct study_case {
    gr_context *ctx;
    gr__bump *b;
    gr_spaces spaces;
    gr_settings settings;
    gr_tune_options o;
    char path[128];
} study_case;

static void open_case(study_case *c, const char *method, const char *name)
{
    static const char *const text[] = {"x=uniform(0,1)"};
    static const gr_fact facts[] = {{"spaces", "x=uniform(0,1)\n"}, {"better", "lower"}};
    c->ctx = test_context();
    c->b = gr__bump_create(c->ctx);
    c->spaces = spaces_of(c->ctx, c->b, text, 1);
    snprintf(c->path, sizeof c->path, "/tmp/gradus-test-%d-%s.db", (int)getpid(), name);
    const gr_tuner *t =
        (const gr_tuner *)gr__family_find(c->ctx, &gr__family_tuner, "method", gr__tree_text(c->b, method), NULL);
    test_ok(c->ctx, gr__settings_make(c->ctx, c->b, &t->head, NULL, GR_PRESET_CHAPTER, NULL, &c->settings));
    c->o = (gr_tune_options){.path = c->path,
                             .facts = facts,
                             .n_facts = 2,
                             .spaces = &c->spaces,
                             .tuner = t,
                             .settings = &c->settings,
                             .trials = 24,
                             .seed = 5,
                             .together = 3,
                             .rungs = 2,
                             .keep = 1 / 3.0,
                             .jobs = 1,
                             .threads = 1};
}

static void close_case(study_case *c)
{
    char claims[160];
    snprintf(claims, sizeof claims, "%s-claims", c->path);
    unlink(c->path);
    unlink(claims);
    gr__bump_destroy(c->b);
    gr_context_destroy(c->ctx);
}

static void equal_studies(const gr_tuned *a, const gr_tuned *b)
{
    assert_int_equal(a->n, b->n);
    assert_int_equal(a->best, b->best);
    for (int i = 0; i < a->n; i++) {
        const gr_trial *x = &a->trial[i], *y = &b->trial[i];
        assert_true(x->state == y->state && x->steps == y->steps && x->rung == y->rung);
        assert_true(x->point.at[0] == y->point.at[0] && (x->metric == y->metric || isnan(x->metric)));
    }
}

/* One worker, several of them, and one that is cut off and followed by several: the same trials, each once. */
static void workers_share_a_study(void **state)
{
    (void)state;
    static const char *const methods[] = {"random", "tpe", "halving"};
    for (size_t m = 0; m < GR_COUNT(methods); m++) {
        study_case one, many;
        planted p = {.cut_at = -1}, q = {.cut_at = 8};
        gr_objective what = {&p, true, plan, train, NULL}, cut = {&q, true, plan, train, NULL};
        gr_tuned alone, shared;
        open_case(&one, methods[m], "one");
        open_case(&many, methods[m], "many");
        one.o.prune = many.o.prune = m == 1;
        test_ok(one.ctx, gr__tune(one.ctx, &what, &one.o, one.b, &alone));
        assert_int_equal(alone.n, 24);
        assert_true(alone.best >= 0);
        while (alone.trial[q.cut_at].point.at[0] > 0.9 || (m == 1 && alone.trial[q.cut_at].state != GR_TRIAL_DONE))
            q.cut_at++; /* one that is trained */
        int cut_at = q.cut_at;
        many.o.jobs = 2;
        assert_int_equal(gr__tune(many.ctx, &cut, &many.o, many.b, &shared), GR_E_INTERRUPTED);
        gr_context_clear_error(many.ctx);
        assert_false(gr__trial_ended(shared.trial[cut_at].state));
        many.o.jobs = 4;
        q.cut_at = -1;
        test_ok(many.ctx, gr__tune(many.ctx, &cut, &many.o, many.b, &shared));
        equal_studies(&alone, &shared);
        int failed = 0, diverged = 0;
        for (int i = 0; i < 24; i++) {
            const gr_trial *t = &shared.trial[i];
            bool halved = one.o.tuner->halves && t->rung == one.o.rungs;
            failed += t->state == GR_TRIAL_FAILED, diverged += t->state == GR_TRIAL_DIVERGED;
            if (t->state == GR_TRIAL_FAILED) assert_string_equal(t->why, "it is too much");
            if (i != cut_at) assert_int_equal(q.calls[i], t->state == GR_TRIAL_FAILED ? 0 : halved ? 2 : 1);
        }
        assert_true(m != 0 || (failed > 0 && diverged > 0));
        close_case(&one);
        close_case(&many);
    }
}

/* No more run side by side than the memory has room for; what has none at all fails. */
static void trials_keep_to_the_memory(void **state)
{
    (void)state;
    study_case c, d;
    planted p = {.cut_at = -1, .bytes = 400}, q = {.cut_at = -1, .bytes = 1001};
    gr_objective what = {&p, true, plan, train, NULL}, large = {&q, true, plan, train, NULL};
    gr_tuned out;
    open_case(&c, "random", "memory");
    c.o.jobs = 5, c.o.memory = 1000;
    test_ok(c.ctx, gr__tune(c.ctx, &what, &c.o, c.b, &out));
    assert_in_range(p.most_running, 1, 2);
    close_case(&c);
    open_case(&d, "random", "large");
    d.o.memory = 1000;
    test_ok(d.ctx, gr__tune(d.ctx, &large, &d.o, d.b, &out));
    for (int i = 0; i < out.n; i++) assert_int_equal(out.trial[i].state, GR_TRIAL_FAILED);
    assert_int_equal(out.best, -1);
    close_case(&d);
}

/* A claim is its holder's alone, and ends with it. */
static void claims_end_with_their_holder(void **state)
{
    (void)state;
    study_case c;
    gr_study *a, *b;
    bool mine;
    open_case(&c, "random", "claims");
    test_ok(c.ctx, gr__study_open(c.ctx, c.path, c.o.facts, 2, &a));
    test_ok(c.ctx, gr__study_open(c.ctx, c.path, c.o.facts, 2, &b));
    test_ok(c.ctx, gr__study_claim(a, 3, &mine));
    assert_true(mine);
    test_ok(c.ctx, gr__study_claim(b, 3, &mine));
    assert_false(mine);
    test_ok(c.ctx, gr__study_claim(b, 4, &mine));
    assert_true(mine);
    gr__study_close(a);
    test_ok(c.ctx, gr__study_claim(b, 3, &mine));
    assert_true(mine);
    gr__study_close(b);
    close_case(&c);
}

/* ---- importance ---- */

/* y = 3 x + z and a key that does nothing: variances 9 : 1 : 0. */
static void shares_are_those_of_the_plant(void **state)
{
    (void)state;
    static const char *const text[] = {"x=uniform(0,1)", "z=log(1e-3,1)", "n={a,b,c}"};
    gr_context *ctx = test_context();
    gr__bump *b = gr__bump_create(ctx);
    gr_spaces s = spaces_of(ctx, b, text, 3);
    static gr_trial t[200];
    gr_importance found;
    for (int i = 0; i < 200; i++) {
        gr_proposal p = {.ctx = ctx, .spaces = &s, .seed = 4, .trial = i};
        gr__propose_at_random(&p);
        double z = log10(p.point.at[1]) / 3 + 1;
        t[i] = (gr_trial){.trial = i, .state = GR_TRIAL_DONE, .metric = 3 * p.point.at[0] + z, .point = p.point};
    }
    gr_tuned all = {t, 200, 0, 0}, few = {t, GR_LEAST_JUDGED - 1, 0, 0};
    test_ok(ctx, gr__importance(ctx, &s, &all, true, &found));
    assert_float_equal(found.share[0], 0.9, 0.05);
    assert_float_equal(found.share[1], 0.1, 0.05);
    assert_true(found.share[2] < 0.01 && found.together < 0.15);
    assert_float_equal(found.share[0] + found.share[1] + found.share[2], 1, 1e-12);
    assert_int_equal(gr__importance(ctx, &s, &few, true, &found), GR_E_DATA);
    gr__bump_destroy(b);
    gr_context_destroy(ctx);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(spaces_read_back),
        cmocka_unit_test(wrong_spaces_are_refused),
        cmocka_unit_test(values_are_of_their_spaces),
        cmocka_unit_test(generations_know_of_earlier_ones),
        cmocka_unit_test(who_is_behind_the_median_is_told),
        cmocka_unit_test(a_rung_leaves_the_worst),
        cmocka_unit_test(workers_share_a_study),
        cmocka_unit_test(trials_keep_to_the_memory),
        cmocka_unit_test(claims_end_with_their_holder),
        cmocka_unit_test(shares_are_those_of_the_plant),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
