/* Searches on planted problems: one a kind of space, each with the share of the space that counts as found. [mission
 * H1, H18, H20] */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "study/tune/tune.h"
#include "test.h"

enum { SEEDS = 10, TRIALS = 40, SAMPLES = 4000, TOGETHER = 4 };

typedef struct problem {
    const char *name, *space[6];
    double (*value)(const double *x); /* the lower the better; NaN: it diverges */
} problem;

static double one_uniform(const double *x)
{
    return pow(x[0] - 0.73, 2);
}
static double one_log(const double *x)
{
    return pow(log10(x[0]) + 2.3, 2);
}
static double one_whole(const double *x)
{
    return fabs(x[0] - 61);
}
static double one_whole_log(const double *x)
{
    return pow(log2(x[0]) - 7.4, 2);
}
static double one_of_many(const double *x)
{
    static const double worth[20] = {9, 4, 7, 6, 3, 8, 5, 2, 9, 6, 4, 8, 0, 7, 5, 3, 9, 6, 8, 4};
    return worth[(int)x[0]];
}
/* Branin's function, of three minima. */
static double two_uniform(const double *x)
{
    double pi = acos(-1);
    return pow(x[1] - 5.1 / (4 * pi * pi) * x[0] * x[0] + 5 / pi * x[0] - 6, 2) + 10 * (1 - 1 / (8 * pi)) * cos(x[0]) +
           10;
}
/* A rate whose best value depends on the member. */
static double member_and_rate(const double *x)
{
    static const double best[3] = {-3, -1, -4.5}, worth[3] = {0.1, 0, 0.3};
    return worth[(int)x[0]] + pow(log10(x[1]) - best[(int)x[0]], 2);
}
/* Keys that one member has and the other has not. */
static double under_a_condition(const double *x)
{
    return x[0] == 0 ? 0.3 + pow(log10(x[1]) + 3, 2) : pow(x[2] - 0.9, 2) * 20 + pow(x[3] - 12, 2) / 30;
}
static double four_of_a_kind_each(const double *x)
{
    return pow(log10(x[0]) + 2, 2) + 2 * pow(x[1] - 0.3, 2) + fabs(x[2] - 5) / 10 + (x[3] == 2 ? 0 : 0.5);
}
/* The best lies beside what diverges. */
static double at_the_edge(const double *x)
{
    return log10(x[0]) + x[1] > 0.2 ? (double)NAN : fabs(log10(x[0]) + 0.3) + fabs(x[1] - 0.4);
}

static const problem problems[] = {
    {"uniform", {"x=uniform(0,1)"}, one_uniform},
    {"log", {"x=log(1e-6,1)"}, one_log},
    {"int", {"x=int(0,99)"}, one_whole},
    {"int_log", {"x=int_log(1,4096)"}, one_whole_log},
    {"choices", {"x={0,1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16,17,18,19}"}, one_of_many},
    {"two", {"x=uniform(-5,10)", "y=uniform(0,15)"}, two_uniform},
    {"member", {"x={a,b,c}", "y=log(1e-6,1)"}, member_and_rate},
    {"condition",
     {"x={a,b}", "y=log(1e-6,1) if x=a", "z=uniform(0,1) if x=b", "w=int(2,40) if x=b"},
     under_a_condition},
    {"four", {"x=log(1e-5,1)", "y=uniform(0,1)", "z=int(1,12)", "w={a,b,c}"}, four_of_a_kind_each},
    {"edge", {"x=log(1e-4,1)", "y=uniform(0,1)"}, at_the_edge},
};

static int n_of(const problem *p)
{
    int n = 0;
    while (n < 6 && p->space[n]) n++;
    return n;
}

static int by_value(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

/* The value that so large a share of the space comes below. */
static double quantile(gr_context *ctx, const problem *p, const gr_spaces *s, double share)
{
    static double value[SAMPLES];
    for (int i = 0; i < SAMPLES; i++) {
        gr_proposal q = {.ctx = ctx, .spaces = s, .seed = 12345, .trial = i};
        gr__propose_at_random(&q);
        value[i] = p->value(q.point.at);
        if (isnan(value[i])) value[i] = INFINITY;
    }
    qsort(value, SAMPLES, sizeof *value, by_value);
    return value[(int)(share * SAMPLES)];
}

/* The best value after so many trials, as a study orders them. */
static double search(gr_context *ctx, const problem *p, const gr_spaces *s, const char *method, uint64_t seed)
{
    static gr_trial all[TRIALS];
    gr__bump *b = gr__bump_create(ctx);
    gr_settings settings;
    double best = INFINITY;
    const gr_tuner *t =
        (const gr_tuner *)gr__family_find(ctx, &gr__family_tuner, "method", gr__tree_text(b, method), NULL);
    assert_non_null(t);
    test_ok(ctx, gr__settings_make(ctx, b, &t->head, NULL, GR_PRESET_CHAPTER, NULL, &settings));
    int64_t first = t->learns ? gr__setting_int(&settings, t->first) : TRIALS;
    for (int i = 0; i < TRIALS; i++) {
        gr_proposal q = {.ctx = ctx,
                         .spaces = s,
                         .settings = &settings,
                         .seed = seed,
                         .trial = i,
                         .known = all,
                         .n_known = i,
                         .n_told = (int)gr__generation(i, first, TOGETHER),
                         .lower = true};
        test_ok(ctx, t->propose(&q));
        double value = p->value(q.point.at);
        all[i] = (gr_trial){
            .trial = i, .state = isnan(value) ? GR_TRIAL_DIVERGED : GR_TRIAL_DONE, .metric = value, .point = q.point};
        for (int k = 0; k < s->n; k++) {
            double x = q.point.at[k];
            assert_true(isnan(x) != gr__space_applies(s, k, &q.point));
            if (isnan(x)) continue;
            if (s->at[k].kind == GR_SPACE_CHOICES)
                assert_true(x >= 0 && x < s->at[k].n_choices && x == floor(x));
            else
                assert_true(x >= s->at[k].low && x <= s->at[k].high);
        }
        if (value < best) best = value;
    }
    gr__bump_destroy(b);
    return best;
}

static void tpe_finds_the_best_twentieth(void **state)
{
    (void)state;
    gr_context *ctx = test_context();
    gr__bump *b = gr__bump_create(ctx);
    for (size_t i = 0; i < GR_COUNT(problems); i++) {
        const problem *p = &problems[i];
        gr_spaces s;
        test_ok(ctx, gr__spaces_read(ctx, b, p->space, n_of(p), &s));
        double wanted = quantile(ctx, p, &s, 0.05);
        int found = 0;
        for (int seed = 1; seed <= SEEDS; seed++) found += search(ctx, p, &s, "tpe", (uint64_t)seed) <= wanted;
        if (found < SEEDS - 1) fail_msg("%s: %d of %d times", p->name, found, SEEDS);
    }
    gr__bump_destroy(b);
    gr_context_destroy(ctx);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(tpe_finds_the_best_twentieth),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
