/* Growing: where stages end, planted faults told at the stage that adds them, sound networks passed, rates that diverge
 * where theory says so. [mission T8, T10, T13, T17, H8] */
#include "base/member.h"
#include "study/grow/grow.h"
#include "study_case.h"

/* ---- rates ---- */

static void rates_are_judged(void **state)
{
    (void)state;
    const struct {
        double first, cost[5];
        const char *diverged; /* x: it did */
        int best;
    } cases[] = {
        {2.3, {2.29, 2.1, 0.9, 0.5, 0.52}, ".....", 4},
        {2.3, {2.29, 2.1, 0.9, 0.5, 0.56}, ".....", 3},
        {2.3, {2.29, 2.1, 0.9, 0.5, 2.4}, "....x", 3},
        {2.3, {2.29, 2.1, 0.9, 0.5, NAN}, "....x", 3},
        {2.3, {2.29, 2.1, 1.9, INFINITY, NAN}, "...xx", 2},
        {0.1, {0.1, 0.2, 0.39, 0.41, 0.1}, "...x.", 4}, /* up to 4 times the best */
        {1, {NAN, NAN, NAN, NAN, NAN}, "xxxxx", -1},
        {-1, {-1, -2, -3, -2.8, -2}, ".....", 3}, /* costs below 0: a tenth of their size */
    };
    for (size_t i = 0; i < GR_COUNT(cases); i++) {
        gr_rates r = {.n = 5, .first = cases[i].first};
        for (int k = 0; k < 5; k++) r.point[k].cost = cases[i].cost[k];
        gr__rates_judge(&r);
        for (int k = 0; k < 5; k++)
            if (r.point[k].diverged != (cases[i].diverged[k] == 'x')) fail_msg("case %zu: rate %d", i, k);
        if (r.best != cases[i].best) fail_msg("case %zu: %d is best, not %d", i, r.best, cases[i].best);
    }
}

/* Of a quadratic of curvature L descent diverges beyond 2 / L: here the inputs have variance 1, so L is 2. Everything
 * is put back to the bit. */
static void a_quadratic_diverges_beyond_its_limit(void **state)
{
    (void)state;
    gr_context *ctx = test_context();
    gr_recipe *r =
        RECIPE(ctx, "gradus: 1\nname: line\nprecision: float64\n"
                    "data: {train: {type: synthetic, kind: regression, n: 64, features: 1, noise: 0, seed: 1}, "
                    "batch: 64, prepare: [standardize]}\n"
                    "model: {input: [1], layers: [{type: dense, units: 1, bias: false}]}\n"
                    "cost: mse\noptimizer: sgd\nschedule: {type: step, every: 1, gamma: 0.5}\nstop: {epochs: 1}\n");
    gr_steps s = {0};
    gr_kept_store before = {0};
    gr_rates rates;
    test_ok(ctx, gr__steps_open(ctx, r, 0, &s));
    test_ok(ctx, gr__steps_keep(&s, &before));
    const gr_rates_options o = {.from = 0.9, .to = 1.1, .points = 3, .updates = 200};
    test_ok(ctx, gr__rates_try(&s, &o, &rates));
    assert_true(rates.n == 3 && rates.updates == 200 && fabs(rates.point[1].lr - sqrt(0.99)) < 1e-12);
    assert_false(rates.point[0].diverged || rates.point[1].cost > rates.first);
    assert_true(rates.point[2].diverged);
    assert_int_equal(rates.best, 0);
    for (int i = 0; i < gr_store_count(s.engine.store); i++)
        assert_false(gr__store_moved(&before, gr_store_entry(s.engine.store, i)->spec.name));
    gr_rates again;
    test_ok(ctx, gr__rates_try(&s, &o, &again));
    for (int i = 0; i < 2; i++) assert_true(again.point[i].cost == rates.point[i].cost);
    gr__store_forget(&before);
    gr__steps_close(&s);
    gr__recipe_close(ctx, r);
    test_context_end(ctx);
}

/* ---- stages ---- */

typedef struct stages_case {
    const char *input, *layers;
    const char *want; /* what each stage adds, ";" behind it */
} stages_case;

static void stages_end_where_nothing_else_is_taken(void **state)
{
    (void)state;
    const stages_case cases[] = {
        {"[16]", "{type: dense, units: 8, name: a}, relu, {type: dense, units: 8, name: b}, {type: dense, units: 10}",
         "dense3;a;b;"},
        {"[16, 16, 1]",
         "{type: conv, filters: 4, kernel: 3, name: c1}, {type: batch_norm, activation: relu}, {type: max_pool, size: "
         "2}, {type: conv, filters: 4, kernel: 3, activation: relu, name: c2}, {type: max_pool, size: 2}, flatten, "
         "{type: dropout, rate: 0.5}, {type: dense, units: 10, name: head}",
         "head;c1;c2;"},
        {"[16, 16, 1]",
         "{type: conv, filters: 4, kernel: 3, padding: same, name: c1}, {type: residual, name: r, layers: [{type: "
         "conv, "
         "filters: 4, kernel: 3, padding: same, name: a}, relu, {type: conv, filters: 4, kernel: 3, padding: same, "
         "name: "
         "b}]}, {type: conv, filters: 4, kernel: 3, name: c2}, global_avg_pool, {type: dense, units: 10, name: head}",
         "head;c1;r.a, r.b;c2;"},
        {"[16, 16, 1]",
         "{type: basic_block, filters: 4, name: one}, {type: basic_block, filters: 8, stride: 2, name: two}, "
         "global_avg_pool, {type: dense, units: 10, name: head}",
         "head;one;two;"},
        {"[16]",
         "{type: dense, units: 4, name: a}, {type: dense, units: 4, name: b}, {type: dense, units: 4, from: a, name: "
         "c}, "
         "{type: concat, from: [b, c]}, {type: dense, units: 4, name: d}, {type: dense, units: 10, name: head}",
         "head;a;b, c;d;"},
        {"[16, 16, 1]",
         "{type: conv, filters: 10, kernel: 3, name: c1}, {type: conv, filters: 10, kernel: 3, name: c2}, "
         "global_avg_pool",
         "c2;c1;"},
        {"[8, 6]",
         "{type: lstm, units: 5, return: sequence, name: l1}, {type: lstm, units: 5, name: l2}, {type: dense, "
         "units: 10, name: head}",
         "head;l1;l2;"},
        {"[16]", "{type: dense, units: 10, name: head}", "head;"},
        {"[16, 16, 1]", "flatten, {type: dense, units: 4, name: a}, relu, {type: dense, units: 10, name: head}",
         "head;a;"},
        {"[16]", "relu, {type: dense, units: 10, name: head}", "head;head;"}, /* the last is the network itself */
    };
    for (size_t i = 0; i < GR_COUNT(cases); i++) {
        gr_context *ctx = test_context();
        char text[1600], said[200] = "";
        snprintf(
            text, sizeof text,
            "gradus: 1\nname: stages\ndata: {train: {type: npz, file: none.npz, inputs: x, targets: y}, batch: 32}\n"
            "model: {input: %s, layers: [%s]}\ncost: cross_entropy\nstop: {epochs: 1}\n",
            cases[i].input, cases[i].layers);
        gr_recipe *r = RECIPE(ctx, text);
        gr_prefixes p;
        gr_prefix stage;
        bool more = true;
        int64_t parameters = 0;
        test_ok(ctx, gr__prefixes_open(ctx, r, r, &p));
        for (;;) {
            test_ok(ctx, gr__prefixes_next(&p, &stage, &more));
            if (!more) break;
            snprintf(said + strlen(said), sizeof said - strlen(said), "%s;", stage.added);
            parameters = stage.parameters;
            if (p.at == p.tail) /* the last is the recipe itself */
                assert_true(
                    gr__tree_equal(gr__tree_get(stage.recipe->resolved, "model"), gr__tree_get(r->resolved, "model")));
            gr__recipe_close(ctx, stage.recipe);
        }
        if (strcmp(said, cases[i].want) != 0) fail_msg("case %zu: %s", i, said);
        assert_true(parameters > 0);
        gr__prefixes_close(&p);
        gr__recipe_close(ctx, r);
        test_context_end(ctx);
    }
}

/* The head has as many outputs as the base, whatever the target's has. */
static void the_target_takes_the_bases_outputs(void **state)
{
    (void)state;
    gr_context *ctx = test_context();
    gr_recipe *base = RECIPE(ctx, TABLE),
              *target = RECIPE(ctx, TABLE,
                               "model={input: [9], layers: [{type: dense, units: 7, name: a}, {type: dense, "
                               "units: 1000, name: fc}]}");
    gr_prefixes p;
    gr_prefix stage;
    bool more;
    test_ok(ctx, gr__prefixes_open(ctx, base, target, &p));
    test_ok(ctx, gr__prefixes_next(&p, &stage, &more));
    assert_true(more && stage.parameters == 5 * 3 + 3 && strcmp(stage.added, "fc") == 0);
    gr__recipe_close(ctx, stage.recipe);
    test_ok(ctx, gr__prefixes_next(&p, &stage, &more));
    assert_true(more && stage.parameters == 5 * 7 + 7 + 7 * 3 + 3 && strcmp(stage.layers[1], "fc") == 0);
    gr__recipe_close(ctx, stage.recipe);
    test_ok(ctx, gr__prefixes_widen(&p, &stage));
    assert_int_equal(stage.parameters, 5 * 14 + 14 + 14 * 3 + 3);
    gr__recipe_close(ctx, stage.recipe);
    gr__prefixes_close(&p);
    gr__recipe_close(ctx, base);
    gr__recipe_close(ctx, target);
    test_context_end(ctx);
}

/* ---- growing ---- */

static gr_val sums(gr_build *b, gr_val x, int64_t units)
{
    gr_shape s = gr_shape_of(b->g, x);
    gr_val w =
        gr__build_param(b, "weight", GR_SHAPE(units, s.dim[1]), GR_ROLE_WEIGHT, GR_LAYOUT_PLAIN, s.dim[1], units);
    return gr_matmul(b->g, x, w, false, true);
}

static gr_val cut_build(gr_build *b, const gr_settings *s, const gr_val *in, int n_in)
{
    (void)s, (void)n_in;
    return gr_relu(b->g, gr_stop(b->g, sums(b, in[0], 16)));
}

/* The right values with twice the gradient. */
static gr_val twice_build(gr_build *b, const gr_settings *s, const gr_val *in, int n_in)
{
    (void)s, (void)n_in;
    gr_val y = gr_tanh(b->g, sums(b, in[0], 16));
    return gr_sub(b->g, gr_mul(b->g, gr_const(b->g, 2), y), gr_stop(b->g, y));
}

/* Tells nothing of what it takes. */
static gr_val blind_build(gr_build *b, const gr_settings *s, const gr_val *in, int n_in)
{
    (void)s, (void)n_in;
    gr_val y = gr_tanh(b->g, sums(b, in[0], 16));
    return gr_mul(b->g, gr_const(b->g, 0), y);
}

#define FAULTY(layer)                                                                                                  \
    {                                                                                                                  \
        .head = {.family = "layer", .name = #layer, .title = "A fault", .cite = "", .equations = ""}, .min_inputs = 1, \
        .max_inputs = 1, .build = layer##_build                                                                        \
    }
static const gr_layer cut = FAULTY(cut), twice = FAULTY(twice), blind = FAULTY(blind);

typedef struct heard {
    int stages, failed;
    double last_error;
    char added[200], ids[200];
} heard;

static gr_status hear(void *user, const gr_grow_stage *s)
{
    heard *h = user;
    h->stages++;
    h->failed += s->failed;
    h->last_error = s->train_error;
    snprintf(h->added, sizeof h->added, "%s", s->net.added);
    h->ids[0] = 0;
    for (int i = 0; i < s->n_checks; i++) strcat(strcat(h->ids, s->checks[i].id), " ");
    assert_true(s->failed || (s->lr > 0 && s->rates.n == 11 && s->n_checks > 0));
    return GR_OK;
}

#define SPIRALS                                                                                                   \
    "gradus: 1\nname: grow\ndata: {train: {type: synthetic, kind: spirals, n: 200, noise: 0.02, seed: 1}, "       \
    "validation: "                                                                                                \
    "{split: 0.2}, batch: 16, shuffle: every_epoch, prepare: [standardize]}\n"                                    \
    "model: {input: [2], layers: [{type: dense, units: 16, activation: tanh, name: a}, {type: dense, units: 16, " \
    "activation: tanh, name: b}, {type: dense, units: 16, activation: tanh, name: c}, {type: dense, units: 16, "  \
    "activation: tanh, name: d}, {type: dense, units: 2, name: head}]}\n"                                         \
    "cost: cross_entropy\nstop: {epochs: 1}\n"

static gr_status grow(gr_context *ctx, const char *set, double until, heard *h, gr_grown *out)
{
    gr_recipe *r = set ? RECIPE(ctx, SPIRALS, set) : RECIPE(ctx, SPIRALS);
    const gr_grow_options o = {.until = until, .updates = 150, .seeds = 2, .tell = hear, .user = h};
    gr_status st = gr__grow_network(ctx, r, r, &o, out);
    gr__recipe_close(ctx, r);
    return st;
}

static void sound_networks_pass(void **state)
{
    (void)state;
    gr_context *ctx = test_context();
    heard h = {0};
    gr_grown grown;
    test_ok(ctx, grow(ctx, NULL, NAN, &h, &grown));
    assert_true(h.stages == 5 && h.failed == 0 && grown.stages == 5 && !grown.reached);
    assert_string_equal(h.added, "d");
    assert_non_null(strstr(h.ids, "T3 T4 T5 "));
    assert_non_null(strstr(h.ids, "I1 I2 P4 "));
    test_context_end(ctx);
}

static void it_ends_where_the_error_is_reached(void **state)
{
    (void)state;
    gr_context *ctx = test_context();
    heard h = {0};
    gr_grown grown;
    test_ok(ctx, grow(ctx, NULL, 0.45, &h, &grown));
    assert_true(grown.reached && grown.stages < 5 && h.last_error < 0.45);
    h = (heard){0}; /* nobody gets below this: the network is made wider three times, then that is said */
    assert_int_equal(grow(ctx, "model.layers=[{type: dense, units: 1, name: a}, {type: dense, units: 2, name: head}]",
                          1e-6, &h, &grown),
                     GR_E_CHECK);
    assert_true(h.stages == 5 && h.failed == 0 && strcmp(h.added, "8 times as wide") == 0);
    assert_non_null(strstr(gr_context_error(ctx)->message, "was to be below 1e-06"));
    gr_context_clear_error(ctx);
    test_context_end(ctx);
}

/* Whatever is wrong with c shows at the stage that adds it, and is said of c. */
static void faults_show_at_the_stage_that_adds_them(void **state)
{
    (void)state;
    const struct {
        const char *set, *says;
    } cases[] = {
        {"model.layers[2]={type: cut, name: c}", ""},
        {"model.layers[2]={type: twice, name: c}", "P4"},
        {"model.layers[2]={type: blind, name: c}", ""},
        {"model.layers[2].init={weights: zeros}", "all numbers of c.weight are 0 to begin with"},
        {"model.layers[2].init={weights: {type: constant, value: 0.5}}", ""},
        {"groups=[{match: c.*, freeze: true}]", "no update moves c.weight: `groups` freezes it"},
        {"groups=[{match: c.*, lr_scale: 0}]", "no update moves c.weight"},
    };
    for (size_t i = 0; i < GR_COUNT(cases); i++) {
        gr_context *ctx = test_context();
        heard h = {0};
        gr_grown grown;
        test_ok(ctx, gr__family_add(ctx, &gr__family_layer, &cut.head));
        test_ok(ctx, gr__family_add(ctx, &gr__family_layer, &twice.head));
        test_ok(ctx, gr__family_add(ctx, &gr__family_layer, &blind.head));
        gr_status st = grow(ctx, cases[i].set, NAN, &h, &grown);
        const char *message = st == GR_OK ? "nothing" : gr_context_error(ctx)->message;
        if (st != GR_E_CHECK || strncmp(message, "stage 4, which adds c: ", 23) != 0 || !strstr(message, cases[i].says))
            fail_msg("case %zu: %s: %s", i, cases[i].set, message);
        assert_true(h.stages == 4 && h.failed == 1);
        gr_context_clear_error(ctx);
        test_context_end(ctx);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(rates_are_judged),
        cmocka_unit_test(a_quadratic_diverges_beyond_its_limit),
        cmocka_unit_test(stages_end_where_nothing_else_is_taken),
        cmocka_unit_test(the_target_takes_the_bases_outputs),
        cmocka_unit_test(sound_networks_pass),
        cmocka_unit_test(it_ends_where_the_error_is_reached),
        cmocka_unit_test(faults_show_at_the_stage_that_adds_them),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
