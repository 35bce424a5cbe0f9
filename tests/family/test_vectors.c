/* The vectors that are printed for the fixture w0 = (1, -2), g = (0.5, -1), (0.25, 0.5), (-0.125, 0.25), again and
 * again: through plans, on ref in float64 to 1e-9 and on cpu in float32 to 2e-6, there on every instruction set of the
 * machine. [mission O8, O9, O12-O23, O25-O27, SYS17-SYS27] */
#include "support/updates.h"

#include "backend/cpu/isa.h"

static const double fixture[3][2] = {{0.5, -1}, {0.25, 0.5}, {-0.125, 0.25}},
                    own_of_amsgrad[3][2] = {{1, -2}, {0.1, 0.2}, {0.1, -0.2}},
                    halves[3][2] = {{0.5, 0.5}, {0.5, 0.5}, {0.5, 0.5}},
                    tiny[3][2] = {{1e-6, -1e-6}, {1e-6, -1e-6}, {1e-6, -1e-6}};
static const double curvature[3][2] = {{2, 0.5}, {1, 0.5}, {4, 0.25}}, ones[2] = {1, 1};

typedef struct at { /* the weights after so many updates */
    int step;
    double w[2];
} at;

typedef struct row {
    const char *optimizer, *around; /* around: lookahead, or an average where it has a type */
    double lr;
    const double (*g)[2];
    double w0[2];
    bool drops; /* the rate falls to a tenth at update 3 */
    at want[7];
} row;

#define F .lr = 0.1, .g = fixture, .w0 = {1, -2}
#define THREE(a, b, c, d, e, f) .want = {{1, {a, b}}, {2, {c, d}}, {3, {e, f}}}

static const row rows[] = {
    {"gd", F, THREE(0.950000000, -1.900000000, 0.925000000, -1.950000000, 0.937500000, -1.975000000)},
    {"sgd", F, THREE(0.950000000, -1.900000000, 0.925000000, -1.950000000, 0.937500000, -1.975000000)},
    {"sgdm", F, THREE(0.950000000, -1.900000000, 0.880000000, -1.860000000, 0.829500000, -1.849000000)},
    {"{type: sgdm, weight_decay: 0.01}", F,
     THREE(0.949000000, -1.898000000, 0.877151000, -1.854302000, 0.824109749, -1.838119498)},
    {"sgdm", F, .drops = true, THREE(0.950000000, -1.900000000, 0.880000000, -1.860000000, 0.874950000, -1.858900000)},
    {"{type: sgdm, lr_in_momentum: true}", F, .drops = true,
     THREE(0.950000000, -1.900000000, 0.880000000, -1.860000000, 0.818250000, -1.826500000)},
    {"nag", F, THREE(0.905000000, -1.810000000, 0.817000000, -1.824000000, 0.784050000, -1.839100000)},
    {"{type: adagrad, eps: 1e-10}", F,
     THREE(0.900000000, -1.900000000, 0.855278640, -1.944721360, 0.877100429, -1.966543149)},
    {"{type: rmsprop, eps: 1e-8}", F,
     THREE(0.683772254, -1.683772244, 0.536330307, -1.831214196, 0.611793941, -1.906677833)},
    {"{type: rmsprop, alpha: 0.99, eps: 1e-8}", F,
     THREE(0.000000200, -1.000000100, -0.449012974, -1.449013315, -0.228908818, -1.669117491)},
    {"adadelta", .lr = 1, .g = fixture, .w0 = {1, -2},
     THREE(0.995528043, -1.995527909, 0.992641446, -1.998414622, 0.994209841, -1.999983086)},
    {"{type: adadelta, rho: 0.9}", .lr = 1, .g = fixture, .w0 = {1, -2},
     THREE(0.996837786, -1.996837738, 0.994752699, -1.998922868, 0.995905747, -2.000075943)},
    {"adam", F, THREE(0.900199601, -1.900099900, 0.807216902, -1.873499848, 0.751020746, -1.867370232)},
    {"{type: adam, eps: 1e-8}", F,
     THREE(0.900000002, -1.900000001, 0.806782040, -1.873366297, 0.750415905, -1.867227411)},
    {"{type: adam, eps: 1e-8, weight_decay: 0.01}", F,
     THREE(0.900000002, -1.900000001, 0.806555041, -1.871152434, 0.748593832, -1.862154366)},
    {"{type: adamw, eps: 1e-8}", F,
     THREE(0.899000002, -1.898000001, 0.804883040, -1.869468297, 0.747712021, -1.861459943)},
    {"nadam", F, THREE(0.894354824, -1.894354823, 0.841962496, -1.935465796, 0.857663078, -1.957558120)},
    {"{type: nadam, form: dozat}", F,
     THREE(0.868890101, -1.868890100, 0.792488291, -1.914246668, 0.808425266, -1.947773642)},
    {"{type: novograd, weight_decay: 0.001}", F,
     THREE(0.955178641, -1.910357282, 0.889972537, -1.870066254, 0.839309897, -1.854347085)},
    {"{type: novograd, weight_decay: 0.001, grad_averaging: from_2}", F,
     THREE(0.955178641, -1.910357282, 0.911467059, -1.827440177, 0.870505107, -1.749797006)},
    {"{type: lars, trust_coef: 0.001, weight_decay: 1e-4}", F,
     THREE(0.999900000, -1.999800000, 0.999710010, -1.999819820, 0.999638846, -2.000037313)},
    {"{type: lars, weight_decay: 1e-4}", .lr = 0.01, .g = fixture, .w0 = {1, -2},
     THREE(0.990000000, -1.980000000, 0.971100000, -1.981784325, 0.963944207, -2.003098318)},
    {"lamb", F, THREE(0.842666991, -1.841109080, 0.648873532, -1.782442242, 0.460990629, -1.756338854)},
    {"{type: lamb, form: uncorrected}", F,
     THREE(0.842137636, -1.841634997, 0.647633511, -1.785276341, 0.458966376, -1.763571043)},
    {"{type: lamb, form: chapter}", F,
     THREE(0.842672753, -1.842672753, 0.648800977, -1.787280817, 0.461050783, -1.766832776)},
    {"adahessian", F, THREE(0.975001250, -1.800039992, 0.951698233, -1.757943148, 0.944657263, -1.748569797)},
    {"{type: adahessian, hessian_power: 0.5}", F,
     THREE(0.964647161, -1.858598641, 0.935347844, -1.828829934, 0.923893801, -1.822661949)},
    {"{type: adahessian, weight_decay: 0.01}", F,
     THREE(0.974001250, -1.798039992, 0.949724232, -1.754145108, 0.941733537, -1.743017612)},
    {"sgd", "{k: 2, alpha: 0.5}", F,
     .want = {{1, {0.950000000, -1.900000000}},
              {2, {0.962500000, -1.975000000}},
              {3, {0.975000000, -2.000000000}},
              {4, {0.943750000, -1.937500000}}}},
    {"sgd", "{type: swa, start: 1, cycle: 1}", F,
     THREE(0.950000000, -1.900000000, 0.937500000, -1.925000000, 0.937500000, -1.941666667)},
    /* torch.optim.swa_utils.AveragedModel of the SGD run with get_ema_multi_avg_fn(0.9) */
    {"sgd", "{type: ema, decay: 0.9}", F,
     THREE(0.950000000, -1.900000000, 0.947500000, -1.905000000, 0.946500000, -1.912000000)},
    /* decays 2/11 and 1/4: TensorFlow's (1 + k)/(10 + k) for k = 1, 2 */
    {"sgd", "{type: ema, decay: 0.9, warmup: true}", F,
     THREE(0.950000000, -1.900000000, 0.929545455, -1.940909091, 0.935511364, -1.966477273)},
    {"sgd", "{type: ema, decay: 0.9, start: 2}", F, .want = {{2, {0.925, -1.95}}, {3, {0.92625, -1.9525}}}},
    {"radam", F,
     .want = {{1, {0.950000000, -1.900000000}},
              {2, {0.913157895, -1.878947368}},
              {3, {0.894523208, -1.874888328}},
              {4, {0.866768047, -1.842931364}},
              {5, {0.839685680, -1.830987821}},
              {6, {0.838230244, -1.830829308}},
              {7, {0.835987606, -1.829807979}}}},
    {"{type: radam, rho_threshold: 4}", F,
     .want = {{5, {0.865458057, -1.842642506}}, {6, {0.864002622, -1.842483993}}}},
    {"{type: radam, eps: 1e-3}", F, .want = {{6, {0.838285008, -1.830832348}}}},
    {"{type: radam, eps: 1e-3, eps_mode: corrected}", F, .want = {{6, {0.838234633, -1.830829548}}}},
    {"{type: ranger, k: 3}", F, .want = {{3, {0.946528574, -1.935350233}}, {6, {0.918165401, -1.912735166}}}},
    {"{type: ranger, k: 6}", F, .want = {{6, {0.918165401, -1.912735166}}, {12, {0.909127484, -1.910436636}}}},
    {"{type: rangerlars, k: 3, weight_decay: 0.01}", .lr = 0.01, .g = fixture, .w0 = {1, -2},
     .want = {{1, {0.990000000, -1.980000000}},
              {2, {0.971494170, -1.967851575}},
              {3, {0.975541472, -1.979894475}},
              {4, {0.961122187, -1.963183683}},
              {5, {0.941947577, -1.952689926}},
              {6, {0.950621209, -1.959114574}}}},
    {"{type: adam, beta2: 0.9, eps: 1e-8}", .lr = 0.1, .g = own_of_amsgrad, .w0 = {1, -2},
     .want = {{3, {0.757232185, -1.784451402}}}},
    {"{type: amsgrad, beta2: 0.9, eps: 1e-8}", .lr = 0.1, .g = own_of_amsgrad, .w0 = {1, -2},
     .want = {{3, {0.766706704, -1.792150449}}}},
    {"{type: amsgrad, beta2: 0.9, eps: 1e-8, form: optax}", .lr = 0.1, .g = own_of_amsgrad, .w0 = {1, -2},
     .want = {{3, {0.810468054, -1.827636435}}}},
    {"{type: amsgrad, beta2: 0.9, eps: 1e-8, form: paper}", .lr = 0.1, .g = own_of_amsgrad, .w0 = {1, -2},
     .want = {{3, {0.905131673, -1.917148327}}}},
    {"{type: swats, eps: 0}", .lr = 0.01, .g = halves, .w0 = {1, 1},
     .want = {{2, {0.98, 0.98}}, {3, {0.979, 0.979}}, {4, {0.9771, 0.9771}}}},
    {"{type: adam, eps: 1e-3}", .lr = 0.1, .g = tiny, .w0 = {1, 1}, .want = {{3, {0.9997003, 1.0002997}}}},
    {"{type: adam, eps: 1e-8}", .lr = 0.1, .g = tiny, .w0 = {1, 1}, .want = {{3, {0.7029703, 1.2970297}}}},
};

static void compare(const updates *u, const row *r, double tolerance)
{
    double got[2];
    char slot[16];
    snprintf(slot, sizeof slot, "p/%s", u->average.on ? gr__average_slot(&u->average) : "");
    up_read(u, u->average.on ? slot : "p", got);
    if (r->g == tiny) tolerance = fmax(tolerance, 1e-7); /* printed with seven decimals */
    for (size_t i = 0; i < GR_COUNT(r->want) && r->want[i].step; i++) {
        if (r->want[i].step != u->clock.step) continue;
        for (int k = 0; k < 2; k++)
            if (!(fabs(got[k] - r->want[i].w[k]) <= tolerance))
                fail_msg("%s %s on %s: w%d after %d updates is %.12f, not %.9f", r->optimizer,
                         r->around ? r->around : "", gr_backend_name(u->spec.backend), k, r->want[i].step, got[k],
                         r->want[i].w[k]);
    }
}

static void follow(const row *r, const gr_backend *backend, double tolerance)
{
    updates u;
    const gr_param_info p = {.entry = {.name = "p", .shape = GR_SHAPE(2), .role = GR_ROLE_WEIGHT}};
    bool average = r->around && strstr(r->around, "type") != NULL;
    up_open(&u,
            &(up_spec){.backend = backend,
                       .optimizer = r->optimizer,
                       .lookahead = average ? NULL : r->around,
                       .average = average ? r->around : NULL,
                       .params = &p,
                       .n = 1,
                       .total = 100},
            r->w0);
    for (int t = 0; t < 12; t++) {
        double lr = r->drops && t >= 2 ? r->lr / 10 : r->lr;
        test_ok(u.ctx, up_step(&u, r->g[t % 3], ones, curvature[t % 3], 1, lr));
        compare(&u, r, tolerance);
    }
    up_close(&u);
}

static void on_ref_in_float64(void **state)
{
    (void)state;
    for (size_t i = 0; i < GR_COUNT(rows); i++) follow(&rows[i], gr_backend_get("ref"), 1e-9);
}

static void on_cpu_in_float32(void **state)
{
    (void)state;
    for (int isa = 0; isa < GR__ISA_COUNT; isa++) {
        if (!gr__isa_supported((gr__isa)isa)) continue;
        setenv("GRADUS_ISA", gr__isa_name((gr__isa)isa), 1);
        assert_int_equal(gr__isa_chosen(), isa);
        for (size_t i = 0; i < GR_COUNT(rows); i++) follow(&rows[i], gr_backend_get("cpu"), 2e-6);
    }
    unsetenv("GRADUS_ISA");
}

/* ---- RAdam's rectification  [mission O12, SYS22] ---- */

/* With a constant gradient of 1 and no eps a rectified step is lr r_t, an unrectified one lr. steps[t - 1] receives
 * step t / lr. */
static void radam_steps(const char *set, double *steps, int n)
{
    updates u;
    const gr_param_info p = {.entry = {.name = "p", .shape = GR_SCALAR, .role = GR_ROLE_WEIGHT}};
    double w, g = 1, before = 0;
    up_open(&u, &(up_spec){.backend = gr_backend_get("ref"), .optimizer = set, .params = &p, .n = 1}, &before);
    for (int t = 0; t < n; t++) {
        up_write(&u, "p", &before); /* from 0 each time, so that no digit is lost */
        test_ok(u.ctx, up_step(&u, &g, NULL, NULL, 1, 1));
        up_read(&u, "p", &w);
        steps[t] = -w;
    }
    up_close(&u);
}

static void radams_rectifier(void **state)
{
    (void)state;
    static const struct {
        int t;
        double r;
    } table[] = {{6, 0.025821113},   {7, 0.032738814},    {10, 0.048998013},
                 {100, 0.215335437}, {1000, 0.645325652}, {5000, 0.982877588}};
    static double steps[5000];
    radam_steps("{type: radam, eps: 0}", steps, 5000);
    for (int t = 1; t <= 5; t++) assert_true(fabs(steps[t - 1] - 1) < 1e-12);
    for (size_t i = 0; i < GR_COUNT(table); i++)
        if (!(fabs(steps[table[i].t - 1] - table[i].r) <= 1e-9))
            fail_msg("r_%d is %.12f", table[i].t, steps[table[i].t - 1]);
}

/* rho_t itself, between thresholds a millionth below and above what is printed; up to t = 4 it is below 4, the lowest
 * threshold. */
static void radams_rho(void **state)
{
    (void)state;
    static const double printed[] = {1.000000, 1.999500, 2.998666, 3.997499, 4.995998, 5.994164, 6.991996};
    for (int t = 5; t <= 7; t++) {
        for (int side = -1; side <= 1; side += 2) {
            char set[96];
            double steps[7];
            snprintf(set, sizeof set, "{type: radam, eps: 0, rho_threshold: %.6f}", printed[t - 1] + side * 1e-6);
            radam_steps(set, steps, t);
            assert_int_equal(steps[t - 1] < 0.9, side < 0);
        }
    }
    double steps[4];
    radam_steps("{type: radam, eps: 0, rho_threshold: 4}", steps, 4);
    for (int t = 1; t <= 4; t++) assert_true(printed[t - 1] < 4 && fabs(steps[t - 1] - 1) < 1e-12);
}

/* The published RangerLARS is RAdam where |w| < 10: its ratio is |w| by |w| after the step. [mission O27, SYS20] */
static void over9000_is_nearly_radam(void **state)
{
    (void)state;
    const row trust = {"{type: rangerlars, form: over9000, k: 100}", .lr = 0.01, .g = fixture, .w0 = {1, -2},
                       .want = {{6, {0.983592, -1.982485}}}},
              radam = {"{type: radam, beta1: 0.95, eps: 1e-5}", .lr = 0.01, .g = fixture, .w0 = {1, -2},
                       .want = {{6, {0.983633, -1.982547}}}};
    follow(&trust, gr_backend_get("ref"), 1e-6);
    follow(&radam, gr_backend_get("ref"), 1e-6);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(on_ref_in_float64),        cmocka_unit_test(on_cpu_in_float32),
        cmocka_unit_test(radams_rectifier),         cmocka_unit_test(radams_rho),
        cmocka_unit_test(over9000_is_nearly_radam),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
