/* Clipping: by norm and by value, of all tensors together and layer by layer, and what is refused.  [mission X16] */
#include "base/rng.h"
#include "support/updates.h"

static double clip_once(const char *clip_set, const double *g, double count, int k, double *step)
{
    ev_bench b;
    gr_optim o;
    gr_clip clip;
    ev_trainer t;
    double norm;
    assert_true(ev_begin(&b, clip_set));
    test_ok(b.ctx, gr__optim_make(b.ctx, b.memory, gr__tree_flow(b.memory, "sgd"), GR_PRESET_CHAPTER, &o));
    test_ok(b.ctx, gr__clip_make(b.ctx, b.tree, GR_PRESET_CHAPTER, &clip));
    assert_true(ev_trainer_open(&t, b.ctx, &(ev_setup){.optim = &o, .clip = &clip},
                                (gr_param_info){.entry = {.name = "p", .shape = GR_SHAPE(k)}}));
    memcpy(t.g_sum, g, sizeof(double) * (size_t)k);
    t.lr = 1, t.count = count;
    assert_true(ev_trainer_step(&t, &norm));
    for (int i = 0; i < k; i++) step[i] = -t.value[0][i];
    ev_trainer_close(&t);
    ev_end(&b);
    return norm;
}

static void clipping_vectors(void **state)
{
    (void)state;
    const double g[2] = {3, 4}, g10[2] = {30, 40};
    double s[2];
    assert_true(clip_once("{norm: 1}", g, 1, 2, s) == 5);
    assert_true(fabs(s[0] - 0.6) < 1e-15 && fabs(s[1] - 0.8) < 1e-15);
    assert_true(clip_once("{norm: 1, form: torch}", g, 1, 2, s) == 5);
    assert_true(fabs(s[0] - 0.59999988) < 1e-9 && fabs(s[1] - 0.79999984) < 1e-9);
    assert_true(clip_once("{norm: 5}", g, 1, 2, s) == 5 && s[0] == 3 && s[1] == 4); /* at the limit nothing happens */
    assert_true(clip_once("{norm: 6, form: torch}", g, 1, 2, s) == 5 && s[0] == 3 && s[1] == 4);
    assert_true(clip_once("{value: 3.5}", g, 1, 2, s) == 5 && s[0] == 3 && s[1] == 3.5);
    assert_true(clip_once("none", g, 1, 2, s) == 5 && s[0] == 3 && s[1] == 4);
    assert_true(clip_once("{norm: 1}", g10, 10, 2, s) == 5); /* sums are divided first */
    assert_true(fabs(s[0] - 0.6) < 1e-15 && fabs(s[1] - 0.8) < 1e-15);
    assert_true(clip_once("{value: 3.5}", g10, 10, 2, s) == 5 && fabs(s[0] - 3) < 1e-15 && s[1] == 3.5);
}

static void clipped_norm_and_direction(void **state)
{
    (void)state;
    gr__rng rng = gr__rng_make(3, "clip", 0, 0);
    for (int trial = 0; trial < 20; trial++) {
        double g[7], s[7], dot = 0, gg = 0, ss = 0;
        for (int i = 0; i < 7; i++) g[i] = gr__rng_normal(&rng) * pow(10, trial % 5 - 2);
        double norm = clip_once("{norm: 0.5}", g, 1, 7, s);
        for (int i = 0; i < 7; i++) dot += g[i] * s[i], gg += g[i] * g[i], ss += s[i] * s[i];
        assert_true(fabs(norm - sqrt(gg)) <= 1e-14 * norm);
        assert_true(sqrt(ss) <= 0.5 * (1 + 1e-14));
        assert_true(fabs(dot - sqrt(gg * ss)) <= 1e-13 * dot);
    }
}

static void clipping_of_odd_gradients(void **state)
{
    (void)state;
    const double zero[2] = {0, -0.0}, infinite[2] = {INFINITY, 1}, broken[2] = {NAN, 1};
    double s[2];
    assert_true(clip_once("{norm: 1}", zero, 1, 2, s) == 0 && s[0] == 0 && s[1] == 0);
    assert_true(isinf(clip_once("{norm: 1}", infinite, 1, 2, s))); /* the step's guard stops on it */
    assert_true(isnan(clip_once("{norm: 1}", broken, 1, 2, s)) && isnan(s[0]));
    assert_true(isnan(clip_once("{value: 1}", broken, 1, 2, s)) && isnan(s[0]) && s[1] == 1);
}

/* ---- clipping by layer ---- */

static const gr_param_info layers[] = {
    {.entry = {.name = "a.weight", .shape = {.rank = 1, .dim = {2}}, .role = GR_ROLE_WEIGHT}},
    {.entry = {.name = "a.bias", .shape = {.rank = 1, .dim = {1}}, .role = GR_ROLE_BIAS}},
    {.entry = {.name = "a.still", .shape = {.rank = 1, .dim = {1}}, .role = GR_ROLE_WEIGHT}},
    {.entry = {.name = "ab.weight", .shape = {.rank = 1, .dim = {2}}, .role = GR_ROLE_WEIGHT}},
};

/* Mean gradients (1, 2), 2 and (3, 4): layer a has norm 3, ab has 5, both together sqrt(34). The frozen parameter
 * counts nowhere. The factors are what is expected of each layer. */
static void clip_layers(const char *clip, double a, double ab)
{
    const double start[6] = {0}, sums[6] = {2, 4, 4, 1000, 6, 8};
    const double want[6] = {-a, -2 * a, -2 * a, 0, -3 * ab, -4 * ab};
    const up_spec spec = {.backend = gr_backend_get("ref"),
                          .optimizer = "sgd",
                          .clip = clip,
                          .groups = "[{match: a.still, freeze: true}]",
                          .params = layers,
                          .n = GR_COUNT(layers)};
    updates u;
    up_open(&u, &spec, start);
    gr_plan *plan = up_plan(&u);
    test_ok(u.ctx, up_step(&u, sums, NULL, NULL, 2, 1));
    up_assert_weights(&u, clip, want, 6);
    assert_true(fabs(*(const double *)gr_plan_output(plan, "norm", NULL) - sqrt(34)) <
                1e-14); /* what is logged stays that of all */
    up_close(&u);
}

static void each_layer_has_a_norm_of_its_own(void **state)
{
    (void)state;
    clip_layers("{norm: 1.5, per: layer}", 0.5, 0.3);
    clip_layers("{norm: 1.5, per: layer, form: torch}", 1.5 / (3 + 1e-6), 1.5 / (5 + 1e-6));
    clip_layers("{norm: 3, per: layer}", 1, 0.6); /* a is at the limit: torch's form shortens it all the same */
    clip_layers("{norm: 3, per: layer, form: torch}", 3 / (3 + 1e-6), 3 / (5 + 1e-6));
    clip_layers("{norm: 4, per: layer}", 1, 0.8);
    clip_layers("{norm: 4, per: layer, form: torch}", 1, 4 / (5 + 1e-6));
    clip_layers("{norm: 1.5, per: all}", 1.5 / sqrt(34), 1.5 / sqrt(34));
    clip_layers("{norm: 1.5, per: all, form: torch}", 1.5 / (sqrt(34) + 1e-6), 1.5 / (sqrt(34) + 1e-6));
}

/* ---- settings ---- */

static void refused_clippings(void **state)
{
    (void)state;
    static const struct {
        const char *set;
        gr_status code;
    } rows[] = {
        {"{norm: 1, value: 1}", GR_E_CONFLICT},
        {"{form: torch}", GR_E_MISSING},
        {"{}", GR_E_MISSING},
        {"{norm: 0}", GR_E_RANGE},
        {"{value: -1}", GR_E_RANGE},
        {"{value: 1, form: torch}", GR_E_CONFLICT},
        {"{norm: 1, form: exakt}", GR_E_NAME},
        {"1.0", GR_E_TYPE},
        {"norm", GR_E_TYPE},
        {"{norm: none}", GR_E_MISSING},
        {"{max: 1}", GR_E_KEY},
    };
    for (size_t i = 0; i < GR_COUNT(rows); i++) {
        ev_bench b;
        gr_clip c;
        assert_true(ev_begin(&b, rows[i].set));
        gr_status st = gr__clip_make(b.ctx, b.tree, GR_PRESET_CHAPTER, &c);
        if (st != rows[i].code) fail_msg("%s: %s", rows[i].set, gr_status_name(st));
        ev_end(&b);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(clipping_vectors),          cmocka_unit_test(clipped_norm_and_direction),
        cmocka_unit_test(clipping_of_odd_gradients), cmocka_unit_test(each_layer_has_a_norm_of_its_own),
        cmocka_unit_test(refused_clippings),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
