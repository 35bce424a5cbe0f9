/* What rules say beyond their first verdict: of chance, of small samples, of what cannot be asked.
 * [mission T5 to T7, X3, X6, X11, X12, X14, X17] */
#include <unistd.h>

#include "study/check/rule.h"
#include "study_case.h"

typedef struct asked {
    gr_context *ctx;
    gr_recipe *r;
    gr__bump *memory;
    gr_checked all;
} asked;

/* One rule, of a recipe's text and what is changed of it. */
static gr_finding ask_with(asked *a, const char *id, int64_t steps, const char *const *words, int n)
{
    *a = (asked){.ctx = test_context()};
    a->r = recipe_with(a->ctx, words, n);
    a->memory = gr__bump_create(a->ctx);
    test_ok(a->ctx, gr__check_all(a->ctx, a->r, &(gr_check_options){.only = id, .steps = steps}, a->memory, &a->all));
    for (int i = 0; i < GR_CHECKS; i++)
        if (strcmp(gr__check_ids[i], id) == 0) return a->all.finding[i];
    fail_msg("no %s", id);
    return a->all.finding[0];
}

static void put_back(asked *a)
{
    gr__bump_destroy(a->memory);
    gr__recipe_close(a->ctx, a->r);
    test_context_end(a->ctx);
}

static void expect_with(const char *id, int64_t steps, gr_verdict v, const char *says, const char *const *words, int n)
{
    asked a;
    gr_finding f = ask_with(&a, id, steps, words, n);
    if (f.verdict != v || !strstr(f.message, says))
        fail_msg("%s: %s, not %s with \"%s\": %s", id, gr__verdict_name(f.verdict), gr__verdict_name(v), says,
                 f.message);
    put_back(&a);
}

#define EXPECT(id, steps, verdict, says, ...)                                 \
    expect_with(id, steps, verdict, says, (const char *const[]){__VA_ARGS__}, \
                (int)GR_COUNT(((const char *const[]){__VA_ARGS__})))

/* ---- chance ---- */

#define NARROW                                                                                                         \
    "gradus: 1\nname: x\ndata: {train: {type: synthetic, kind: regression, n: 300, features: 4, noise: 0.1}, "         \
    "validation: {split: 0.2}, batch: 20, prepare: [standardize]}\nmodel: {input: [4], layers: [{type: dense, units: " \
    "4, activation: relu, name: a}, {type: dense, units: 1, name: o}]}\ncost: mse\noptimizer: {type: adam, lr: "       \
    "0.01}\nstop: {epochs: 5}\n"

/* A bias that leaves some units of four off: with some seeds two and more. Each verdict keeps the figure of its seed.
 */
static void a_share_of_few_units_is_asked_of_other_weights(void **state) /* [X14] */
{
    (void)state;
    int chance = 0, plain = 0;
    for (int seed = 1; seed <= 12; seed++) {
        asked a;
        char text[32];
        snprintf(text, sizeof text, "seed=%d", seed);
        const char *const words[] = {NARROW, text, "model.layers[0].init={bias: {type: constant, value: -2.6}}"};
        gr_finding f = ask_with(&a, "X14", 0, words, (int)GR_COUNT(words));
        bool beyond = f.figure > f.limit, says = strstr(f.message, "by chance") != NULL;
        if (f.verdict != GR_VERDICT_OK || beyond != says)
            fail_msg("seed %d: %s with %g: %s", seed, gr__verdict_name(f.verdict), f.figure, f.message);
        chance += says, plain += !says;
        put_back(&a);
    }
    assert_true(chance > 0 && plain > 0);
}

static void layers_that_are_off_with_all_weights_are_told_however_narrow(void **state) /* [X14] */
{
    (void)state;
    static const char *const units[] = {"model.layers[0].units=1", "model.layers[0].units=2",
                                        "model.layers[0].units=9"};
    for (size_t i = 0; i < GR_COUNT(units); i++)
        EXPECT("X14", 0, GR_VERDICT_WARNING, "100 %", NARROW, units[i],
               "model.layers[0].init={bias: {type: constant, value: -60}}");
}

#define LOGITS                                                                                                 \
    "gradus: 1\nname: x\ndata: {train: {type: synthetic, kind: digits, n: 120, seed: 1}, batch: 16, prepare: " \
    "[standardize]}\nmodel: {input: [16, 16, 1], layers: [flatten, {type: dense, units: 10, name: head}]}\n"   \
    "cost: cross_entropy\noptimizer: sgd\nstop: {epochs: 1}\n"

/* Near the limit some seeds are beyond it; far beyond it all are. */
static void an_initial_cost_is_asked_of_other_weights(void **state) /* [T5, X8] */
{
    (void)state;
    int chance = 0;
    for (int seed = 1; seed <= 8; seed++) {
        asked a;
        char text[32];
        snprintf(text, sizeof text, "seed=%d", seed);
        const char *const words[] = {LOGITS, text, "model.layers[1].init={weights: {type: normal, std: 0.145}}"};
        gr_finding f = ask_with(&a, "T5", 0, words, (int)GR_COUNT(words));
        if (f.verdict != GR_VERDICT_OK) fail_msg("seed %d: %s", seed, f.message);
        chance += strstr(f.message, "by chance") != NULL;
        put_back(&a);
    }
    assert_true(chance > 0);
    EXPECT("X8", 0, GR_VERDICT_FAILED, "start too large", LOGITS,
           "model.layers[1].init={weights: {type: normal, std: 1}}");
}

/* After the further draws the probe has the recipe's own weights again: what is asked later has the same figure. */
static void other_weights_leave_nothing_behind(void **state)
{
    (void)state;
    gr_finding f[2];
    static const char *const ids[] = {"I2", "T5,I2"};
    for (int i = 0; i < 2; i++) {
        gr_context *ctx = test_context();
        gr_recipe *r =
            RECIPE(ctx, LOGITS, "model.layers[1].init={weights: {type: normal, std: 1}}",
                   "model.layers=[flatten, {type: dense, units: 24, activation: tanh, name: h}, {type: dense, "
                   "units: 10, name: head, init: {weights: {type: normal, std: 9}}}]");
        gr__bump *memory = gr__bump_create(ctx);
        gr_checked all;
        test_ok(ctx, gr__check_all(ctx, r, &(gr_check_options){.only = ids[i]}, memory, &all));
        for (int k = 0; k < GR_CHECKS; k++) {
            if (strcmp(gr__check_ids[k], "I2") == 0) f[i] = all.finding[k];
            if (i == 1 && strcmp(gr__check_ids[k], "T5") == 0)
                assert_int_equal(all.finding[k].verdict, GR_VERDICT_FAILED);
        }
        gr__bump_destroy(memory);
        gr__recipe_close(ctx, r);
        test_context_end(ctx);
    }
    assert_true(f[0].figure == f[1].figure);
    assert_string_equal(f[0].message, f[1].message);
}

/* ---- T6, T7 ---- */

static void a_tensor_that_no_update_moves_is_told(void **state) /* [T6, X9] */
{
    (void)state;
    EXPECT("T6", 0, GR_VERDICT_FAILED, "as it was, to the bit", TABLE, "optimizer={type: sgd, lr: 1e-12}");
    EXPECT("X9", 0, GR_VERDICT_OK, "real data costs", TABLE,
           "groups=[{match: head.bias, freeze: true}, {match: h.bias, lr_scale: 0}]"); /* it is meant to stand */
}

static void few_updates_warn_where_many_fail(void **state) /* [T6, T7] */
{
    (void)state;
    EXPECT("T6", 4, GR_VERDICT_WARNING, "more of them may tell", TABLE, "optimizer={type: sgd, lr: 1e-12}");
    EXPECT("T7", 1, GR_VERDICT_WARNING, "more of them may do", TABLE);
}

static void what_cannot_be_asked_is_skipped(void **state) /* [T6, T7, X6] */
{
    (void)state;
    EXPECT("T6", 0, GR_VERDICT_SKIPPED, "too few to judge by", TABLE, "data.train.n=20", "data.batch=10");
    EXPECT("X6", 0, GR_VERDICT_SKIPPED, "too few to tell apart", TABLE, "data.train.n=20", "data.batch=10");
    EXPECT("T7", 0, GR_VERDICT_FAILED, "every rate is scaled by 0", TABLE, "groups=[{match: '*', lr_scale: 0}]");
}

/* ---- X3 ---- */

typedef struct tables {
    char folder[64], text[1024];
} tables;

/* Two columns: `a` normal, `b` other than 0 in every `seldom`-th row. In validation b is so in every `often`-th row,
 * never where that is 0, and a is `scale` times as wide. */
static void write_table(const char *folder, const char *name, int rows, int seldom, double scale, double outlier)
{
    char path[128];
    snprintf(path, sizeof path, "%s/%s.csv", folder, name);
    FILE *out = fopen(path, "w");
    assert_non_null(out);
    fprintf(out, "a,b,y\n");
    for (int i = 0; i < rows; i++) {
        double a = scale * (sin(i * 12.9898) + sin(i * 78.233) + sin(i * 37.719));
        fprintf(out, "%.6f,%d,%d\n", i == 7 ? a * outlier : a, seldom && i % seldom == seldom / 2 ? 1 + i % 4 : 0,
                i % 2);
    }
    assert_int_equal(fclose(out), 0);
}

static void expect_tables(int seldom, int often, double scale, double outlier, gr_verdict v, const char *says)
{
    tables t = {.folder = "/tmp/gradus-rules-XXXXXX"};
    char command[160];
    assert_non_null(mkdtemp(t.folder));
    write_table(t.folder, "train", 400, seldom, 1, outlier);
    write_table(t.folder, "validation", 60, often, scale, 1);
    snprintf(
        t.text, sizeof t.text,
        "gradus: 1\nname: x\ndata: {train: {type: csv, file: %s/train.csv, target: y}, validation: {type: csv, file: "
        "%s/validation.csv, target: y}, batch: 20, prepare: [standardize]}\nmodel: {input: [2], layers: [{type: "
        "dense, units: 2, name: o}]}\ncost: cross_entropy\noptimizer: sgd\nstop: {epochs: 1}\n",
        t.folder, t.folder);
    EXPECT("X3", 0, v, says, t.text);
    snprintf(command, sizeof command, "rm -rf '%s'", t.folder);
    assert_int_equal(system(command), 0);
}

static void spreads_of_seldom_numbers_are_no_alarm(void **state) /* [X3] */
{
    (void)state;
    expect_tables(40, 50, 1, 1, GR_VERDICT_OK, "lie alike"); /* one of 60 rows, where 1.5 are expected */
    expect_tables(40, 0, 1, 1, GR_VERDICT_OK, "lie alike");  /* none */
    expect_tables(400, 2, 1, 1, GR_VERDICT_FAILED, "not like");
}

static void spreads_of_usual_numbers_are_told(void **state) /* [X3] */
{
    (void)state;
    expect_tables(4, 4, 1, 1, GR_VERDICT_OK, "lie alike");
    expect_tables(4, 4, 0, 1, GR_VERDICT_FAILED, "not like");    /* a column that stands still */
    expect_tables(4, 4, 8, 1, GR_VERDICT_WARNING, "not like");   /* another unit */
    expect_tables(4, 4, 0.04, 1, GR_VERDICT_FAILED, "not like"); /* likewise */
    expect_tables(4, 4, 1, 3000, GR_VERDICT_FAILED,
                  "one sample of the training part"); /* an outlier of training makes the other spread small */
}

/* ---- X6, X11, X12, X17 ---- */

static void layers_that_say_nothing_are_told(void **state) /* [X6] */
{
    (void)state;
    EXPECT("X6", 0, GR_VERDICT_OK, "an edge score of", DIGITS);
    EXPECT("X6", 0, GR_VERDICT_OK, "every layer tells samples apart", TABLE);
    EXPECT("X6", 0, GR_VERDICT_FAILED, "the same for every sample", TABLE, "groups=[{match: 'h.*', freeze: true}]",
           "model.layers[0].init={bias: {type: constant, value: -60}}");
    EXPECT("X6", 0, GR_VERDICT_WARNING, "saturated", TABLE, "model.layers[0].activation=tanh",
           "model.layers[0].init={weights: {type: normal, std: 40}}");
}

static void two_runs_agree_also_where_memory_is_limited(void **state) /* [X11] */
{
    (void)state;
    EXPECT("X11", 0, GR_VERDICT_OK, "", TABLE);
    EXPECT("X11", 0, GR_VERDICT_OK, "", TABLE, "memory=64M");
    EXPECT("X11", 0, GR_VERDICT_OK, "", DIGITS, "optimizer={type: adamw, lr: 0.01}");
}

static void weight_decay_is_held_against_longer_trainings(void **state) /* [X12] */
{
    (void)state;
    EXPECT("X12", 0, GR_VERDICT_OK, "does not lower", TABLE);
    EXPECT("X12", 0, GR_VERDICT_WARNING, "changes nothing", TABLE, "optimizer={type: sgd, lr: 0}");
    EXPECT("X12", 0, GR_VERDICT_WARNING, "the recipe's weight decay is 50", TABLE,
           "optimizer={type: adamw, lr: 0.05, weight_decay: 50}");
}

static void norms_that_hide_a_scale_are_told(void **state) /* [X17] */
{
    (void)state;
#define NORMED                                                                                                       \
    "model.layers=[{type: dense, units: 16, name: h}, {type: batch_norm, activation: relu, name: n}, {type: dense, " \
    "units: 16, name: i}, {type: layer_norm, activation: tanh, name: m}, {type: dense, units: 3, name: head}]"
    EXPECT("X17", 0, GR_VERDICT_OK, "nothing normalises", TABLE);
    EXPECT("X17", 0, GR_VERDICT_OK, "keep their scale", TABLE, NORMED);
    EXPECT("X17", 0, GR_VERDICT_WARNING, "\"i\"", TABLE, NORMED,
           "model.layers[2].init={weights: {type: normal, std: 40}}");
    EXPECT("X17", 0, GR_VERDICT_WARNING, "\"h\"", TABLE, NORMED,
           "model.layers[0].init={weights: {type: normal, std: 0.004}}");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_share_of_few_units_is_asked_of_other_weights),
        cmocka_unit_test(layers_that_are_off_with_all_weights_are_told_however_narrow),
        cmocka_unit_test(an_initial_cost_is_asked_of_other_weights),
        cmocka_unit_test(other_weights_leave_nothing_behind),
        cmocka_unit_test(a_tensor_that_no_update_moves_is_told),
        cmocka_unit_test(few_updates_warn_where_many_fail),
        cmocka_unit_test(what_cannot_be_asked_is_skipped),
        cmocka_unit_test(spreads_of_seldom_numbers_are_no_alarm),
        cmocka_unit_test(spreads_of_usual_numbers_are_told),
        cmocka_unit_test(layers_that_say_nothing_are_told),
        cmocka_unit_test(two_runs_agree_also_where_memory_is_limited),
        cmocka_unit_test(weight_decay_is_held_against_longer_trainings),
        cmocka_unit_test(norms_that_hide_a_scale_are_told),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
