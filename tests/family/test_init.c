/* Initialisers: which one a parameter gets, that its numbers depend on nothing but seed and name, and what good and bad
 * starts do to a network. */
#include "cost/cost.h"
#include "init/init.h"
#include "nn/layer.h"
#include "support/evidence.h"

/* Fills a parameter by the recipe's `init:` (NULL: none) into fresh memory; free it. */
static double *filled(const char *init, const gr_param_info *p, uint64_t seed)
{
    ev_bench b;
    assert_true(ev_begin(&b, init ? init : "none"));
    double *x = calloc((size_t)gr_shape_count(p->entry.shape) + 1, sizeof *x);
    test_ok(b.ctx, gr__init_param(b.ctx, &(gr_init_from){.tree = init ? b.tree : NULL, .seed = seed}, p, x));
    ev_end(&b);
    return x;
}

static gr_param_info matrix(const char *name, int64_t out, int64_t in, gr_follow follow)
{
    return (gr_param_info){
        .entry = {.name = name, .shape = GR_SHAPE(out, in)}, .fan_in = in, .fan_out = out, .follow = follow};
}

static double largest(const double *x, int64_t n)
{
    double m = 0;
    for (int64_t i = 0; i < n; i++) m = fmax(m, fabs(x[i]));
    return m;
}

static double spread(const double *x, int64_t n)
{
    double s = 0;
    for (int64_t i = 0; i < n; i++) s += x[i] * x[i];
    return sqrt(s / (double)n);
}

/* Without `weights:` what follows decides: Kaiming truncated normal before ReLU, Xavier uniform otherwise. [mission I4,
 * I5, I6] */
static void defaults_by_what_follows(void **state)
{
    (void)state;
    static const struct {
        gr_follow follow;
        double slope;
        bool kaiming;
    } rows[] = {{GR_FOLLOW_RELU, 0, true},
                {GR_FOLLOW_LEAKY, 0.5, true},
                {GR_FOLLOW_SIGMOID, 0, false},
                {GR_FOLLOW_TANH, 0, false},
                {GR_FOLLOW_NOTHING, 0, false}};
    enum { OUT = 100, IN = 300, N = OUT * IN };
    for (size_t i = 0; i < GR_COUNT(rows); i++) {
        gr_param_info p = matrix("l.weight", OUT, IN, rows[i].follow);
        p.slope = rows[i].slope;
        double *x = filled(NULL, &p, 1);
        double std = rows[i].kaiming ? sqrt(2 / (1 + p.slope * p.slope) / IN) : sqrt(2.0 / (IN + OUT));
        double bound = rows[i].kaiming ? 2 * std / 0.8796256610342398 : sqrt(3) * std;
        assert_true(fabs(spread(x, N) / std - 1) < 0.02);
        assert_true(largest(x, N) <= bound && largest(x, N) > 0.999 * bound);
        free(x);
    }
}

static void biases_start_at_zero(void **state) /* [mission I8] */
{
    (void)state;
    gr_param_info p = {.entry = {.name = "l.bias", .shape = GR_SHAPE(50), .role = GR_ROLE_BIAS},
                       .fan_in = 20,
                       .fan_out = 50,
                       .is_bias = true,
                       .follow = GR_FOLLOW_RELU};
    double *x = filled(NULL, &p, 1), *y = filled("{weights: {type: normal, std: 3}}", &p, 1),
           *z = filled("{bias: {type: constant, value: 0.01}}", &p, 1);
    for (int i = 0; i < 50; i++) assert_true(x[i] == 0 && y[i] == 0 && z[i] == 0.01);
    free(x), free(y), free(z);
}

static void a_layers_own_init_wins(void **state)
{
    (void)state;
    ev_bench b;
    gr_param_info p = matrix("l.weight", 3, 4, GR_FOLLOW_RELU);
    assert_true(ev_begin(&b, "{weights: {type: constant, value: 7}}"));
    double *recipe = filled("{weights: {type: constant, value: 5}, bias: zeros}", &p, 1);
    p.init = b.tree;
    double *own = filled("{weights: {type: constant, value: 5}, bias: zeros}", &p, 1);
    for (int i = 0; i < 12; i++) assert_true(recipe[i] == 5 && own[i] == 7);
    free(recipe), free(own);
    p.is_bias = true; /* its init says nothing of biases: the recipe's */
    double *bias = filled("{weights: zeros, bias: {type: constant, value: 2}}", &p, 1);
    assert_true(bias[0] == 2);
    free(bias);
    ev_end(&b);
}

/* [mission I3] */
static void numbers_depend_on_seed_and_name_alone(void **state)
{
    (void)state;
    gr_param_info p = matrix("c1.weight", 20, 30, GR_FOLLOW_RELU), q = matrix("c2.weight", 20, 30, GR_FOLLOW_RELU),
                  flat = p, longer = matrix("c1.weight", 40, 30, GR_FOLLOW_RELU);
    flat.entry.shape = GR_SHAPE(600);
    double *a = filled(NULL, &p, 1), *again = filled(NULL, &p, 1), *other = filled(NULL, &q, 1),
           *seed = filled(NULL, &p, 2), *reshaped = filled(NULL, &flat, 1), *more = filled(NULL, &longer, 1);
    assert_memory_equal(a, again, 600 * sizeof *a);
    assert_memory_equal(a, reshaped, 600 * sizeof *a);
    assert_memory_equal(a, more, 600 * sizeof *a);
    int equal = 0;
    for (int i = 0; i < 600; i++) equal += (a[i] == other[i]) + (a[i] == seed[i]);
    assert_int_equal(equal, 0);
    free(a), free(again), free(other), free(seed), free(reshaped), free(more);
}

static void odd_sizes(void **state)
{
    (void)state;
    static const char *const inits[] = {"kaiming",
                                        "xavier",
                                        "normal",
                                        "uniform",
                                        "truncated_normal",
                                        "zeros",
                                        "constant",
                                        "orthogonal",
                                        "{type: uniform, bound: fan}",
                                        "{type: hyperfan, fan_in: 3}"};
    for (size_t i = 0; i < GR_COUNT(inits); i++) {
        char set[64];
        snprintf(set, sizeof set, "{weights: %s}", inits[i]);
        gr_param_info none = matrix("l.weight", 0, 5, GR_FOLLOW_RELU), one = matrix("l.weight", 1, 1, GR_FOLLOW_RELU),
                      no_fan = matrix("l.weight", 4, 0, GR_FOLLOW_RELU);
        no_fan.entry.shape = GR_SHAPE(4);
        free(filled(set, &none, 1));
        double *x = filled(set, &one, 1), *y = filled(set, &no_fan, 1);
        assert_true(isfinite(x[0]) && isfinite(y[0]) && isfinite(y[3]));
        free(x), free(y);
    }
}

/* ---- what starts do ---- */

enum { UNITS = 256, LAYERS = 20, BATCH = 8 };

/* Mean square of the activations of 20 ReLU layers over that of the input. */
static double through_layers(const char *init)
{
    static double x[BATCH][UNITS], y[BATCH][UNITS]; /* too large for the stack */
    gr__rng rng = gr__rng_make(5, "input", 0, 0);
    for (int b = 0; b < BATCH; b++)
        for (int i = 0; i < UNITS; i++) x[b][i] = gr__rng_normal(&rng);
    double before = spread(&x[0][0], BATCH * UNITS);
    for (int l = 0; l < LAYERS; l++) {
        char name[32];
        snprintf(name, sizeof name, "l%d.weight", l);
        gr_param_info p = matrix(name, UNITS, UNITS, GR_FOLLOW_RELU);
        double *w = filled(init, &p, 1);
        for (int b = 0; b < BATCH; b++) {
            for (int o = 0; o < UNITS; o++) {
                double sum = 0;
                for (int i = 0; i < UNITS; i++) sum += w[o * UNITS + i] * x[b][i];
                y[b][o] = fmax(sum, 0);
            }
        }
        memcpy(x, y, sizeof x);
        free(w);
    }
    double after = spread(&x[0][0], BATCH * UNITS);
    return after * after / (before * before);
}

static void kaiming_keeps_activations_through_20_layers(void **state) /* [mission I2] */
{
    (void)state;
    double kept = through_layers("{weights: kaiming}"),
           normal = through_layers("{weights: {type: kaiming, distribution: normal}}");
    assert_true(kept > 0.4 && kept < 2.5 && normal > 0.4 &&
                normal < 2.5); /* 256 units spread more than the 1024 of the specification */
    assert_true(through_layers("{weights: {type: normal, std: 0.01}}") < 1e-20);
    assert_true(through_layers("{weights: {type: normal, std: 1}}") > 1e20);
}

/* The width of the specification, in float64: within a factor of 2, and what the alternatives do. [mission I2, I4, I5]
 */
static void kaiming_keeps_activations_at_width_1024(void **state)
{
    (void)state;
    enum { WIDE = 1024, FEW = 4 };
    static double x[FEW][WIDE], y[FEW][WIDE];
    gr__rng rng = gr__rng_make(9, "input", 0, 0);
    for (int b = 0; b < FEW; b++)
        for (int i = 0; i < WIDE; i++) x[b][i] = gr__rng_normal(&rng);
    double before = spread(&x[0][0], FEW * WIDE);
    for (int l = 0; l < LAYERS; l++) {
        char name[32];
        snprintf(name, sizeof name, "wide%d.weight", l);
        gr_param_info p = matrix(name, WIDE, WIDE, GR_FOLLOW_RELU);
        double *w = filled("{weights: kaiming}", &p, 1);
        for (int b = 0; b < FEW; b++) {
            for (int o = 0; o < WIDE; o++) {
                double sum[4] = {0};
                for (int i = 0; i < WIDE; i++) sum[i % 4] += w[o * WIDE + i] * x[b][i];
                y[b][o] = fmax(sum[0] + sum[1] + sum[2] + sum[3], 0);
            }
        }
        memcpy(x, y, sizeof x);
        free(w);
        double kept = pow(spread(&x[0][0], FEW * WIDE) / before, 2);
        if (!(kept > 0.5 && kept < 2)) fail_msg("after layer %d the mean square is %g of the input's", l + 1, kept);
    }
}

/* ---- figures of the specification, to 1e-9 ---- */

static double bound_of(const char *set, int64_t in, int64_t out, gr_follow follow)
{
    gr_param_info p = matrix("bound.weight", 1000, 1000, follow);
    p.fan_in = in, p.fan_out = out;
    double *x = filled(set, &p, 2), m = largest(x, 1000000);
    free(x);
    return m;
}

static void bounds_are_exact(void **state)
{
    (void)state;
    static const struct {
        const char *set;
        int64_t in, out;
        double bound; /* 2 s = 2 * .10048404857; k = .125; sqrt(3) * .08838834765; 2 * .08838834765; 1 / 16 */
    } rows[] = {{"{weights: kaiming}", 256, 64, 0.20096809714},
                {"{weights: xavier}", 256, 128, 0.125},
                {"{weights: {type: kaiming, distribution: uniform}}", 256, 64, 0.15309310892},
                {"{weights: {type: kaiming, correct: false}}", 256, 64, 0.1767766953},
                {"{weights: {type: uniform, bound: fan}}", 256, 64, 0.0625}};
    for (size_t i = 0; i < GR_COUNT(rows); i++) {
        double m = bound_of(rows[i].set, rows[i].in, rows[i].out, GR_FOLLOW_RELU);
        assert_true(m <= rows[i].bound + 1e-10 &&
                    m > rows[i].bound * (1 - 2e-5)); /* of a million draws the largest comes that near */
    }
}

/* ---- hypernetworks ---- */

/* Variance of the weights W = H e that a head started so gives, over all elements and many e of a variance. [mission
 * I7, SYS16] */
static double generated(const char *init, double variance)
{
    enum { MAIN = 64 * 48, DEEP = 50, MANY = 40 };
    gr_param_info p = matrix("head.weight", MAIN, DEEP, GR_FOLLOW_NOTHING);
    double *h = filled(init, &p, 5), square = 0;
    gr__rng rng = gr__rng_make(8, "embedding", 0, 0);
    for (int i = 0; i < MANY; i++) {
        double e[DEEP];
        for (int k = 0; k < DEEP; k++) e[k] = sqrt(variance) * gr__rng_normal(&rng);
        for (int m = 0; m < MAIN; m++) {
            double w = 0;
            for (int k = 0; k < DEEP; k++) w += h[m * DEEP + k] * e[k];
            square += w * w / (MAIN * MANY);
        }
    }
    free(h);
    return square;
}

static void a_hypernetwork_generates_the_main_networks_variance(void **state)
{
    (void)state;
    static const struct {
        const char *init;
        double variance, want;
    } rows[] = {{"{weights: {type: hyperfan, fan_in: 64}}", 1, 2.0 / 64},
                {"{weights: {type: hyperfan, fan_in: 64, relu: false, with_bias: true}}", 1, 0.5 / 64},
                {"{weights: {type: hyperfan, fan_in: 64, variance: 0.09}}", 0.09, 2.0 / 64},
                {"{weights: {type: hyperfan, fan: out, fan_out: 48}}", 1, 2.0 / 48},
                {"{weights: {type: hyperfan, generates: bias}}", 1, 1},
                {"{weights: {type: hyperfan, fan: out, generates: bias, fan_in: 12, fan_out: 48}}", 1, 2 * 0.75}};
    for (size_t i = 0; i < GR_COUNT(rows); i++) {
        double got = generated(rows[i].init, rows[i].variance);
        if (!(fabs(got / rows[i].want - 1) < 0.05)) fail_msg("%s: %g, not %g", rows[i].init, got, rows[i].want);
    }
    double kaiming = generated("{weights: kaiming}", 1); /* as if the head were an ordinary layer: 2 in place of 2/64 */
    assert_true(kaiming > 20 * 2.0 / 64);
    assert_true(generated("{weights: {type: hyperfan, fan: out, generates: bias, fan_in: 48, fan_out: 12}}", 1) == 0);
}

/* A network 3-4-2: the weights of its first layer after 10 updates by the gradient. */
static void train(const char *init, double *w1)
{
    ev_bench b;
    ev_leaves l = {0};
    gr__rng rng = gr__rng_make(2, "data", 0, 0);
    double x[5 * 3], y[5] = {0, 1, 1, 0, 1}, w2[2 * 4], g1[12], g2[8];
    gr_param_info p1 = matrix("l1.weight", 4, 3, GR_FOLLOW_TANH), p2 = matrix("l2.weight", 2, 4, GR_FOLLOW_NOTHING);
    double *first = filled(init, &p1, 1), *second = filled(init, &p2, 1);
    memcpy(w1, first, sizeof g1), memcpy(w2, second, sizeof g2);
    free(first), free(second);
    for (int i = 0; i < 15; i++) x[i] = gr__rng_normal(&rng);
    assert_true(ev_begin(&b, "none"));
    gr_graph *g = b.g;
    gr_val leaf[2] = {gr_param(g, "w1", GR_SHAPE(4, 3)), gr_param(g, "w2", GR_SHAPE(2, 4))}, grad[2];
    gr_val h = gr_tanh(g, gr_matmul(g, gr_feed(g, "x", GR_REAL, GR_SHAPE(5, 3)), leaf[0], false, true)),
           z = gr_matmul(g, h, leaf[1], false, true);
    int n;
    const gr_cost *const *costs = gr__costs(&n), *ce = NULL;
    for (int i = 0; i < n; i++)
        if (strcmp(costs[i]->head.name, "cross_entropy") == 0) ce = costs[i];
    gr_settings s;
    gr_build build = {.ctx = b.ctx, .g = g, .memory = b.memory, .layer = "cost"};
    test_ok(b.ctx, gr__settings_make(b.ctx, b.memory, &ce->head, NULL, GR_PRESET_CHAPTER, NULL, &s));
    test_ok(b.ctx,
            gr_gradients(g, gr_mean_all(g, ce->build(&build, &s, z, gr_feed(g, "y", GR_I32, GR_SHAPE(5)), true).each),
                         leaf, 2, grad));
    ev_leaf(&l, "x", x), ev_leaf(&l, "y", y), ev_leaf(&l, "w1", w1), ev_leaf(&l, "w2", w2);
    for (int t = 0; t < 10; t++) {
        double *results[2] = {g1, g2};
        test_ok(b.ctx, gr__eval(g, grad, 2, ev_get_leaf, &l, results));
        for (int i = 0; i < 12; i++) w1[i] -= 0.5 * g1[i];
        for (int i = 0; i < 8; i++) w2[i] -= 0.5 * g2[i];
    }
    ev_end(&b);
}

static void equal_units_stay_equal(void **state) /* [mission I1] */
{
    (void)state;
    double w[12], start = 0;
    train("{weights: {type: constant, value: 0.3}}", w);
    for (int unit = 1; unit < 4; unit++) assert_memory_equal(w, w + 3 * unit, 3 * sizeof *w);
    for (int i = 0; i < 3; i++) start += fabs(w[i] - 0.3);
    assert_true(start > 1e-3); /* they did move */
    train("{weights: xavier}", w);
    for (int unit = 1; unit < 4; unit++) assert_memory_not_equal(w, w + 3 * unit, 3 * sizeof *w);
}

/* What gives every element one value says so: the network warns of units that start equal. [mission I1] */
static void equal_starts_are_said_by_the_member(void **state)
{
    (void)state;
    int n;
    const gr_init *const *all = gr__inits(&n);
    assert_true(n > 3);
    for (int i = 0; i < n; i++) {
        gr_context *ctx = test_context();
        gr__bump *b = gr__bump_create(ctx);
        char set[64];
        double w[24];
        bool equal;
        snprintf(set, sizeof set, "{weights: %s}", all[i]->head.name);
        gr_init_from from = {.tree = gr__tree_flow(b, set), .preset = GR_PRESET_CHAPTER, .seed = 3};
        gr_param_info p = {.entry = {.name = "h.weight", .shape = GR_SHAPE(4, 6)}, .fan_in = 6, .fan_out = 4};
        gr_status st = gr__init_param(ctx, &from, &p, w);
        if (all[i]->gate_biases)
            assert_int_equal(st, GR_E_CONFLICT); /* not for weights */
        else if (st != GR_E_MISSING)
            test_ok(ctx, st); /* one that wants settings draws none without */
        equal = st == GR_OK;
        for (int k = 1; k < 24 && equal; k++) equal = w[k] == w[0];
        if (equal != all[i]->equal) fail_msg("%s", all[i]->head.name);
        gr__bump_destroy(b);
        test_context_end(ctx);
    }
}

/* ---- settings ---- */

static void resolving_fills_in_and_is_a_fixed_point(void **state)
{
    (void)state;
    ev_bench b;
    gr_tree *full, *again;
    assert_true(ev_begin(&b, "{weights: kaiming}"));
    test_ok(b.ctx, gr__init_resolve(b.ctx, b.memory, b.tree, GR_PRESET_CHAPTER, &full));
    assert_true(gr__tree_equal(
        full,
        gr__tree_flow(b.memory, "{weights: {type: kaiming, fan: in, distribution: truncated_normal, correct: none},"
                                " bias: {type: zeros}, last_bias: none, relu_bias: 0, lstm: none}")));
    test_ok(b.ctx, gr__init_resolve(b.ctx, b.memory, full, GR_PRESET_TORCH, &again));
    assert_true(gr__tree_equal(full, again));
    test_ok(b.ctx, gr__init_resolve(b.ctx, b.memory, NULL, GR_PRESET_CHAPTER, &full));
    assert_true(gr__tree_equal(
        full,
        gr__tree_flow(b.memory,
                      "{bias: {type: zeros}, last_bias: none, relu_bias: 0, lstm: none}"))); /* weights by what follows
                                                                                                each layer */
    ev_end(&b);
}

static void refused_initialisers(void **state)
{
    (void)state;
    static const struct {
        const char *set;
        gr_status code;
        const char *says;
    } rows[] = {
        {"kaiming", GR_E_TYPE, "text"},
        {"[kaiming]", GR_E_TYPE, "list"},
        {"{weight: kaiming}", GR_E_KEY, "weight"},
        {"{weights: keiming}", GR_E_NAME, "keiming"},
        {"{weights: {type: kaiming, fan: both}}", GR_E_NAME, "both"},
        {"{weights: {fan: in}}", GR_E_MISSING, "type"},
        {"{weights: {type: normal, std: -1}}", GR_E_RANGE, "-1"},
        {"{bias: none}", GR_E_NAME, "none"},
        {"{bias: 0}", GR_E_TYPE, ""},
        {"{weights: {type: xavier, gain: 0}}", GR_E_RANGE, "0"},
        {"{weights: {type: zeros, value: 1}}", GR_E_KEY, "value"},
        {"{weights: {type: xavier, gain: -2}}", GR_E_RANGE, "(0, inf)"},
        {"{weights: {type: xavier, gain: tanh}}", GR_E_TYPE, "auto"},
        {"{weights: {type: orthogonal, gain: 0}}", GR_E_RANGE, "0"},
        {"{weights: {type: orthogonal, gain: [1]}}", GR_E_TYPE, "list"},
        {"{bias: orthogonal}", GR_E_CONFLICT, "not for biases"},
        {"{weights: {type: uniform, bound: -1}}", GR_E_RANGE, "[0, inf)"},
        {"{weights: {type: uniform, bound: wide}}", GR_E_TYPE, "wide"},
        {"{weights: {type: kaiming, distribution: normal, correct: false}}", GR_E_CONFLICT, "normal"},
        {"{weights: {type: xavier, correct: true}}", GR_E_CONFLICT, "uniform"},
        {"{weights: {type: kaiming, correct: 1}}", GR_E_TYPE, "1"},
        {"{weights: hyperfan}", GR_E_MISSING, "fan_in"},
        {"{weights: {type: hyperfan, fan: out, fan_in: 3}}", GR_E_MISSING, "fan_out"},
        {"{weights: {type: hyperfan, fan: out, fan_out: 3, generates: bias}}", GR_E_MISSING, "fan_in"},
        {"{weights: {type: hyperfan, fan_in: 0}}", GR_E_RANGE, "0"},
        {"{weights: {type: hyperfan, fan_in: 3, variance: 0}}", GR_E_RANGE, "0"},
        {"{bias: {type: hyperfan, generates: bias}}", GR_E_CONFLICT, "not for biases"},
        {"{last_bias: mean}", GR_E_NAME, "zeros, auto"},
        {"{last_bias: {type: zeros}}", GR_E_TYPE, "zeros, auto"},
        {"{relu_bias: -0.1}", GR_E_RANGE, "-0.1"},
        {"{relu_bias: small}", GR_E_TYPE, "small"},
    };
    for (size_t i = 0; i < GR_COUNT(rows); i++) {
        ev_bench b;
        gr_tree *out;
        assert_true(ev_begin(&b, rows[i].set));
        gr_status st = gr__init_resolve(b.ctx, b.memory, b.tree, GR_PRESET_CHAPTER, &out);
        if (st != rows[i].code || !strstr(gr_context_error(b.ctx)->message, rows[i].says))
            fail_msg("%s: %s, %s", rows[i].set, gr_status_name(st), gr_context_error(b.ctx)->message);
        ev_end(&b);
    }
}

static void a_layers_own_has_two_keys(void **state)
{
    (void)state;
    static const struct {
        const char *set;
        gr_status code;
    } rows[] = {
        {"{weights: orthogonal, bias: zeros}", GR_OK}, {"{last_bias: auto}", GR_E_KEY}, {"{relu_bias: 0.1}", GR_E_KEY}};
    for (size_t i = 0; i < GR_COUNT(rows); i++) {
        ev_bench b;
        gr_tree *out;
        assert_true(ev_begin(&b, rows[i].set));
        assert_int_equal(gr__init_resolve_own(b.ctx, b.memory, b.tree, GR_PRESET_CHAPTER, &out), rows[i].code);
        ev_end(&b);
    }
}

/* Tensors are filled in pieces; their numbers are those of one call for all of them. */
static void pieces_are_one_stream(void **state)
{
    (void)state;
    static const char *const types[] = {
        "kaiming",          "xavier", "normal",   "uniform",
        "truncated_normal", "zeros",  "constant", "{type: kaiming, distribution: normal}"};
    enum { OUT = 103, IN = 211, N = OUT * IN };
    for (size_t i = 0; i < GR_COUNT(types); i++) {
        char init[128];
        ev_bench b;
        gr_init_choice c;
        gr_param_info p = matrix("l.weight", OUT, IN, GR_FOLLOW_RELU);
        snprintf(init, sizeof init, "{weights: %s}", types[i]);
        double *pieces = filled(init, &p, 6), *whole = calloc(N, sizeof *whole);
        assert_true(ev_begin(&b, init));
        test_ok(b.ctx, gr__init_choose(b.ctx, b.memory, &(gr_init_from){.tree = b.tree, .seed = 6}, &p, &c));
        gr__rng rng = gr__rng_make(6, "init/l.weight", 0, 0);
        test_ok(b.ctx,
                c.member->fill(b.ctx, &c.settings, &(gr_init_target){.param = &p, .count = N, .rng = &rng}, whole));
        assert_memory_equal(pieces, whole, sizeof *whole * N);
        ev_end(&b);
        free(pieces);
        free(whole);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(defaults_by_what_follows),
        cmocka_unit_test(biases_start_at_zero),
        cmocka_unit_test(a_layers_own_init_wins),
        cmocka_unit_test(numbers_depend_on_seed_and_name_alone),
        cmocka_unit_test(odd_sizes),
        cmocka_unit_test(pieces_are_one_stream),
        cmocka_unit_test(kaiming_keeps_activations_through_20_layers),
        cmocka_unit_test(equal_units_stay_equal),
        cmocka_unit_test(equal_starts_are_said_by_the_member),
        cmocka_unit_test(resolving_fills_in_and_is_a_fixed_point),
        cmocka_unit_test(refused_initialisers),
        cmocka_unit_test(a_layers_own_has_two_keys),
        cmocka_unit_test(kaiming_keeps_activations_at_width_1024),
        cmocka_unit_test(bounds_are_exact),
        cmocka_unit_test(a_hypernetwork_generates_the_main_networks_variance),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
