/* Wrong members, registered nowhere but here, each a small mistake of the kind that is really made: the checks that
 * hold the registry against its evidence must reject every one, and accept the right one beside it. */
#include "cost/parts.h"
#include "support/case_cost.h"
#include "support/case_init.h"
#include "support/case_layer.h"
#include "support/case_optimizer.h"
#include "support/case_schedule.h"

/* ---- optimizers ---- */

static gr_val adam(gr_step *s, gr_val w, gr_val g, bool flipped, bool eps_inside, bool no_correction)
{
    gr_graph *b = s->g;
    gr_val beta1 = gr__step_arg(s, "beta1"), beta2 = gr__step_arg(s, "beta2"), eps = gr__step_arg(s, "eps"),
           one = gr_const(b, 1);
    gr_val m = gr__step_keep(s, "m", gr__ema(b, beta1, gr__step_slot(s, "m"), g));
    gr_val v = gr__step_keep(s, "v", gr__ema(b, beta2, gr__step_slot(s, "v"), gr_square(b, g)));
    gr_val left = gr_pow(b, beta1, s->t);
    if (!no_correction) m = gr_div(b, m, flipped ? gr_add(b, one, left) : gr_sub(b, one, left));
    v = no_correction ? v : gr__unbias(s, v, beta2);
    gr_val root = eps_inside ? gr_sqrt(b, gr_add(b, v, eps)) : gr_add(b, gr_sqrt(b, v), eps);
    return gr_sub(b, w, gr_mul(b, s->lr, gr_div(b, m, root)));
}

static gr_val right_adam(gr_step *s, gr_val w, gr_val g)
{
    return adam(s, w, g, false, false, false);
}
static gr_val flipped_sign(gr_step *s, gr_val w, gr_val g)
{
    return adam(s, w, g, true, false, false);
}
static gr_val eps_in_the_root(gr_step *s, gr_val w, gr_val g)
{
    return adam(s, w, g, false, true, false);
}
static gr_val no_correction(gr_step *s, gr_val w, gr_val g)
{
    return adam(s, w, g, false, false, true);
}

static gr_val momentum_not_saved(gr_step *s, gr_val w, gr_val g)
{
    gr_val m = gr_add(s->g, gr_mul(s->g, gr__step_slot(s, "m"), gr__step_arg(s, "momentum")), g);
    return gr_sub(s->g, w, gr_mul(s->g, s->lr, m));
}

/* The mistake of EMA momentum: right at the first glance, a tenth of the step. */
static gr_val momentum_averages(gr_step *s, gr_val w, gr_val g)
{
    gr_val m = gr__step_keep(s, "m", gr__ema(s->g, gr__step_arg(s, "momentum"), gr__step_slot(s, "m"), g));
    return gr_sub(s->g, w, gr_mul(s->g, s->lr, gr__setting_real(s->s, "momentum") > 0 ? m : g));
}

static bool try_optimizer(const char *evidence_of, gr_val (*update)(gr_step *, gr_val, gr_val), verdict *v)
{
    gr_optimizer m = {.head = {.family = "optimizer", .name = "wrong"}, .decay = GR_DECAY_COUPLED, .update = update};
    evidence *e = ev_open("optimizer", evidence_of);
    assert_non_null(e);
    int kept = 0;
    for (int i = 0; i < e->n; i++) /* without eps_mode hat, which the right one here does not have */
        if (strcmp(e->c[i].name, "hat") != 0)
            e->c[kept++] = e->c[i];
        else
            for (int k = 0; k < e->c[i].n_tensors; k++) free(e->c[i].tensor[k].v);
    e->n = kept;
    bool ok = check_optimizer(&m, e, v);
    ev_free(e);
    return ok;
}

static void wrong_optimizers_are_rejected(void **state)
{
    (void)state;
    verdict v = {""};
    if (!try_optimizer("adam", right_adam, &v)) fail_msg("the right one: %s", v.why);
    static const struct {
        const char *of;
        gr_val (*update)(gr_step *, gr_val, gr_val);
    } wrong[] = {{"adam", flipped_sign},
                 {"adam", eps_in_the_root},
                 {"adam", no_correction},
                 {"sgd", momentum_not_saved},
                 {"sgd", momentum_averages}};
    for (size_t i = 0; i < GR_COUNT(wrong); i++) {
        v.why[0] = '\0';
        assert_false(try_optimizer(wrong[i].of, wrong[i].update, &v));
        assert_non_null(strstr(v.why, "weights after update"));
    }
}

/* ---- costs ---- */

static gr_val identity(gr_build *b, const gr_settings *s, gr_val output)
{
    (void)b, (void)s;
    return output;
}

static gr_reading values(gr_shape output)
{
    (void)output;
    return (gr_reading){GR_FORM_VALUES, GR_PREDICT_VALUES};
}

static gr_cost_value squares(gr_build *b, gr_val output, gr_val target, bool mean)
{
    gr_shape shape = gr_shape_of(b->g, output);
    int64_t values = gr_shape_count(shape) / shape.dim[0];
    const int axis = 1;
    gr_val e = gr_square(b->g, gr_sub(b->g, output, gr_reshape(b->g, target, shape)));
    e = gr_sum(b->g, gr_reshape(b->g, e, GR_SHAPE(shape.dim[0], values)), &axis, 1, false);
    return (gr_cost_value){.each = mean ? gr_div(b->g, e, gr_const(b->g, (double)values)) : e};
}

static gr_cost_value mean_of_squares(gr_build *b, const gr_settings *s, gr_val output, gr_val target, bool training)
{
    (void)training;
    return squares(b, output, target, !gr__setting_is(s, "per", "sample"));
}

static gr_cost_value sum_for_mean(gr_build *b, const gr_settings *s, gr_val output, gr_val target, bool training)
{
    (void)s, (void)training;
    return squares(b, output, target, false);
}

static bool try_cost(gr_cost_value (*build)(gr_build *, const gr_settings *, gr_val, gr_val, bool), verdict *v)
{
    const gr_row per = GR_ROW("per", CHOICE, "element", "element|sample", "", "mean or sum over a sample's outputs");
    gr_cost m = {.head = {.family = "cost", .name = "wrong", .rows = &per, .n_rows = 1},
                 .reading = values,
                 .predict = identity,
                 .build = build};
    evidence *e = ev_open("cost", "mse");
    assert_non_null(e);
    bool ok = check_cost(&m, e, v);
    ev_free(e);
    return ok;
}

static void sum_for_mean_is_rejected(void **state)
{
    (void)state;
    verdict v = {""};
    if (!try_cost(mean_of_squares, &v)) fail_msg("the right one: %s", v.why);
    assert_false(try_cost(sum_for_mean, &v));
    assert_non_null(strstr(v.why, "each"));
}

static double focal_without_focus(const gr_settings *s, const double *z, const double *y, int64_t n)
{
    int64_t k = 0;
    (void)s;
    while (k + 1 < n && y[k] == 0) k++;
    return n > 1 ? gr__minus_log_softmax(z, n, k) : gr__softplus(y[0] > 0.5 ? -z[0] : z[0]);
}

static double weighs_nothing(const gr_settings *s, const gr_targets *t, int64_t label)
{
    (void)s, (void)t, (void)label;
    return 1;
}

static bool try_changed(const char *name,
                        double (*reference)(const gr_settings *, const double *, const double *, int64_t),
                        double (*weigh)(const gr_settings *, const gr_targets *, int64_t), verdict *v)
{
    int n;
    const gr_cost *const *all = gr__costs(&n);
    gr_cost m = {0};
    for (int i = 0; i < n; i++)
        if (strcmp(all[i]->head.name, name) == 0) m = *all[i];
    if (reference) m.reference = reference;
    if (weigh) m.weigh = weigh;
    evidence *e = ev_open("cost", name);
    assert_non_null(e);
    bool ok = check_cost(&m, e, v);
    ev_free(e);
    return ok;
}

static void wrong_references_are_rejected(void **state)
{
    (void)state;
    verdict v = {""};
    if (!try_changed("focal", NULL, NULL, &v)) fail_msg("the right one: %s", v.why);
    assert_false(try_changed("focal", focal_without_focus, NULL, &v));
    assert_non_null(strstr(v.why, "reference"));
    v.why[0] = '\0';
    assert_false(try_changed("cross_entropy", NULL, weighs_nothing, &v));
    assert_non_null(strstr(v.why, "reference"));
}

/* ---- layers ---- */

static const gr_row rate[] = {GR_ROW("rate", REAL, "0.5", "[0,1)", "1", "probability to be dropped"),
                              GR_ROW("channels", BOOL, "false", "", "", "drops whole channels")};

static gr_val drop(gr_build *b, const gr_settings *s, gr_val x, bool scaled, const char *stream)
{
    gr_graph *g = b->g;
    double r = gr__setting_real(s, "rate");
    if (b->mode != GR_MODE_TRAIN || r == 0) return x;
    gr_shape one = gr_shape_of(g, x), drawn = one;
    if (gr__setting_bool(s, "channels")) {
        for (int i = 1; i + 1 < one.rank; i++) one.dim[i] = 1;
        drawn = GR_SHAPE(one.dim[0], one.dim[one.rank - 1]);
    }
    gr_val number = gr_reshape(g, gr__build_random(b, stream, drawn), one);
    gr_val lost = gr_less(g, number, gr_const(g, ldexp(ceil(ldexp(r, 24)), -24)));
    return gr_select(g, lost, gr_const(g, 0), scaled ? gr_mul(g, x, gr_const(g, 1 / (1 - r))) : x);
}

static gr_val right_dropout(gr_build *b, const gr_settings *s, const gr_val *in, int n)
{
    return (void)n, drop(b, s, in[0], true, "mask");
}
static gr_val without_scaling(gr_build *b, const gr_settings *s, const gr_val *in, int n)
{
    return (void)n, drop(b, s, in[0], false, "mask");
}
static gr_val another_stream(gr_build *b, const gr_settings *s, const gr_val *in, int n)
{
    return (void)n, drop(b, s, in[0], true, "noise");
}

/* Right values, but the gradient goes through where nothing was kept. */
static gr_val gradient_past_the_mask(gr_build *b, const gr_settings *s, const gr_val *in, int n)
{
    gr_val y = right_dropout(b, s, in, n);
    return gr_add(b->g, in[0], gr_stop(b->g, gr_sub(b->g, y, in[0])));
}

static bool try_layer(const char *evidence_of, gr_layer m, verdict *v)
{
    evidence *e = ev_open("layer", evidence_of);
    assert_non_null(e);
    bool ok = check_layer(&m, e, v);
    ev_free(e);
    return ok;
}

static void wrong_dropouts_are_rejected(void **state)
{
    (void)state;
    verdict v = {""};
    gr_layer m = {.head = {.family = "layer", .name = "wrong", GR_ROWS(rate)},
                  .min_inputs = 1,
                  .max_inputs = 1,
                  .build = right_dropout};
    if (!try_layer("dropout", m, &v)) fail_msg("the right one: %s", v.why);
    m.build = without_scaling;
    assert_false(try_layer("dropout", m, &v));
    m.build = another_stream;
    assert_false(try_layer("dropout", m, &v));
    m.build = gradient_past_the_mask;
    assert_false(try_layer("dropout", m, &v));
    assert_non_null(strstr(v.why, "din0"));
}

static gr_val in_memory_order(gr_build *b, const gr_settings *s, const gr_val *in, int n)
{
    gr_shape shape = gr_shape_of(b->g, in[0]);
    (void)s, (void)n;
    return gr_reshape(b->g, in[0], GR_SHAPE(shape.dim[0], gr_shape_count(shape) / shape.dim[0]));
}

static void flattening_in_memory_order_is_rejected(void **state)
{
    (void)state;
    verdict v = {""};
    gr_layer m = {
        .head = {.family = "layer", .name = "wrong"}, .min_inputs = 1, .max_inputs = 1, .build = in_memory_order};
    assert_false(try_layer("flatten", m, &v));
    assert_non_null(strstr(v.why, "picture"));
}

/* ---- schedules, initialisers ---- */

static double from_the_start_of_the_run(const gr_settings *s, const gr_rate *r)
{
    (void)s;
    return r->lr * (1 - (double)(r->t + 1) / (double)r->total);
}

static void a_schedule_one_update_late_is_rejected(void **state)
{
    (void)state;
    verdict v = {""};
    gr_schedule m = {.head = {.family = "schedule", .name = "wrong"}, .rate = from_the_start_of_the_run};
    evidence *e = ev_open("schedule", "polynomial");
    assert_false(check_schedule(&m, e, &v));
    ev_free(e);
}

static bool forgets_the_training_cost(const gr_settings *s, const gr_observation *o, double *state)
{
    gr_observation half = {.train_cost = o->validation_error, .validation_error = o->validation_error};
    int n;
    const gr_schedule *const *all = gr__schedules(&n);
    for (int i = 0; i < n; i++)
        if (strcmp(all[i]->head.name, "plateau") == 0) return all[i]->observe(s, &half, state);
    return false;
}

static void a_plateau_of_one_error_for_both_is_rejected(void **state)
{
    (void)state;
    int n;
    verdict v = {""};
    gr_schedule m = {0};
    const gr_schedule *const *all = gr__schedules(&n);
    for (int i = 0; i < n; i++)
        if (strcmp(all[i]->head.name, "plateau") == 0) m = *all[i];
    evidence *e = ev_open("schedule", "plateau");
    assert_true(check_schedule(&m, e, &v));
    m.observe = forgets_the_training_cost;
    assert_false(check_schedule(&m, e, &v));
    ev_free(e);
}

static gr_status without_the_correction(gr_context *ctx, const gr_settings *s, const gr_init_target *t, double *x)
{
    (void)ctx;
    for (int64_t i = 0; i < t->count; i++) x[i] = gr__setting_real(s, "std") * gr__rng_truncated_normal(t->rng, 2);
    return GR_OK;
}

static gr_status not_quite_uniform(gr_context *ctx, const gr_settings *s, const gr_init_target *t, double *x)
{
    (void)ctx;
    double bound = gr__setting_real(s, "bound");
    for (int64_t i = 0; i < t->count; i++) { /* right in mean, spread and bound; only its shape is wrong */
        double u = 2 * gr__rng_uniform(t->rng) - 1;
        x[i] = bound * (u < 0 ? -pow(-u, 1.013) : pow(u, 1.013));
    }
    return GR_OK;
}

static void wrong_initialisers_are_rejected(void **state)
{
    (void)state;
    static const gr_row std[] = {GR_ROW("std", REAL, "0.05", "[0,inf)", "1", "standard deviation")},
                        bound[] = {GR_ROW("bound", REAL, "0.05", "[0,inf)", "1", "the largest size")};
    verdict v = {""};
    gr_init m = {.head = {.family = "init", .name = "wrong", GR_ROWS(std)}, .fill = without_the_correction};
    evidence *e = ev_open("init", "truncated_normal");
    assert_false(check_init(&m, e, &v));
    ev_free(e);
    m = (gr_init){.head = {.family = "init", .name = "wrong", GR_ROWS(bound)}, .fill = not_quite_uniform};
    e = ev_open("init", "uniform");
    assert_false(check_init(&m, e, &v));
    assert_non_null(strstr(v.why, "Kolmogorov"));
    ev_free(e);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(wrong_optimizers_are_rejected),
        cmocka_unit_test(sum_for_mean_is_rejected),
        cmocka_unit_test(wrong_references_are_rejected),
        cmocka_unit_test(wrong_dropouts_are_rejected),
        cmocka_unit_test(flattening_in_memory_order_is_rejected),
        cmocka_unit_test(a_schedule_one_update_late_is_rejected),
        cmocka_unit_test(a_plateau_of_one_error_for_both_is_rejected),
        cmocka_unit_test(wrong_initialisers_are_rejected),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
