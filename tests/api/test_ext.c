/* Members from outside the tree: what they build is what the tree's own build, to the bit; descriptors that say
 * nonsense are refused, and what functions get wrong is told.  [mission X4, X5] */
#include <math.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "api/layers.h"
#include "gradus/ext/cost.h"
#include "gradus/ext/layer.h"
#include "gradus/ext/optimizer.h"
#include "gradus/net.h"
#include "net_case.h"
#include "test.h"
#include "train/stepper.h"

/* ---- members that the tree has too, under other names ---- */

static gr_val linear_build(void *user, gr_build *b, const gr_settings *s, const gr_val *in, int n_in)
{
    gr_graph *g = gr_build_graph(b);
    gr_shape x = gr_shape_of(g, in[0]);
    int64_t units = gr_setting_int(s, "units");
    if (x.rank != 2) return gr_graph_fail(g, GR_E_SHAPE, "takes samples of one axis");
    assert_int_equal(n_in, 1);
    ++*(int *)user;
    gr_val w = gr_build_param(b, "weight", GR_SHAPE(units, x.dim[1]), GR_ROLE_WEIGHT, x.dim[1], units),
           y = gr_matmul(g, in[0], w, false, true);
    if (gr_setting_bool(s, "bias"))
        y = gr_add(g, y, gr_build_param(b, "bias", GR_SHAPE(units), GR_ROLE_BIAS, x.dim[1], units));
    return y;
}

static gr_val bend_build(void *user, gr_build *b, const gr_settings *s, const gr_val *in, int n_in)
{
    (void)user, (void)s, (void)n_in;
    return gr_tanh(gr_build_graph(b), in[0]);
}

static gr_val squares_build(void *user, gr_graph *g, const gr_settings *s, gr_val output, gr_val target, bool training)
{
    (void)user, (void)training;
    gr_val d = gr_square(g, gr_sub(g, output, target));
    return gr_mul(g, gr_sum(g, d, (const int[]){1}, 1, false), gr_const(g, gr_setting_real(s, "factor")));
}

static double squares_reference(void *user, const gr_settings *s, const double *z, const double *y, int64_t n)
{
    (void)user;
    double sum = 0;
    for (int64_t i = 0; i < n; i++) sum += (z[i] - y[i]) * (z[i] - y[i]);
    return sum * gr_setting_real(s, "factor");
}

static gr_val heavy_update(void *user, gr_step *s, gr_val w, gr_val g)
{
    (void)user;
    gr_graph *graph = gr_step_graph(s);
    gr_val m = gr_add(graph, gr_mul(graph, gr_step_arg(s, "beta"), gr_step_slot(s, "m", 0)), g);
    return gr_sub(graph, w, gr_mul(graph, gr_step_rate(s), gr_step_keep(s, "m", m)));
}

static const gr_setting linear_settings[] = {
    {.name = "units", .kind = GR_SETTING_INT, .range = "[1,1000000]", .help = "how many outputs"},
    {.name = "bias", .kind = GR_SETTING_BOOL, .value = "true", .help = "adds one number an output"}};
static const gr_setting squares_settings[] = {
    {.name = "factor", .kind = GR_SETTING_REAL, .value = "1", .range = "(0,inf)", .help = "scales the cost"}};
static const gr_setting heavy_settings[] = {
    {.name = "lr", .kind = GR_SETTING_REAL, .value = "0.01", .range = "[0,inf)", .help = "learning rate"},
    {.name = "beta", .kind = GR_SETTING_REAL, .value = "0.9", .range = "[0,1)", .help = "what is kept"}};

static int built; /* calls of linear_build */

static gr_layer_descriptor linear(void)
{
    return (gr_layer_descriptor){.version = GR_LAYER_VERSION,
                                 .name = "linear_map",
                                 .title = "Weighted sums",
                                 .equations = "y = x W^T + b",
                                 .settings = linear_settings,
                                 .n_settings = 2,
                                 .build = linear_build,
                                 .user = &built};
}

static gr_layer_descriptor bend(void)
{
    return (gr_layer_descriptor){.version = GR_LAYER_VERSION,
                                 .name = "bend",
                                 .title = "tanh",
                                 .traits = GR_LAYER_ACTIVATION,
                                 .build = bend_build};
}

static gr_cost_descriptor squares(void)
{
    return (gr_cost_descriptor){.version = GR_COST_VERSION,
                                .name = "squares",
                                .title = "Sum of squares",
                                .settings = squares_settings,
                                .n_settings = 1,
                                .form = GR_COST_VALUES,
                                .build = squares_build,
                                .reference = squares_reference,
                                .blind = "the targets' squares"};
}

static gr_optimizer_descriptor heavy(void)
{
    return (gr_optimizer_descriptor){.version = GR_OPTIMIZER_VERSION,
                                     .name = "heavy_ball",
                                     .title = "Momentum",
                                     .settings = heavy_settings,
                                     .n_settings = 2,
                                     .update = heavy_update};
}

static void give(gr_context *ctx)
{
    const gr_layer_descriptor l = linear(), a = bend();
    const gr_cost_descriptor c = squares();
    const gr_optimizer_descriptor o = heavy();
    test_ok(ctx, gr_layer_register(ctx, &l));
    test_ok(ctx, gr_layer_register(ctx, &a));
    test_ok(ctx, gr_cost_register(ctx, &c));
    test_ok(ctx, gr_optimizer_register(ctx, &o));
}

/* ---- a recipe with them trains as one with the tree's own ---- */

typedef struct after {
    int n;
    char name[16][64];
    double value[16][64];
    double cost[4];
} after;

static void keep_store(const gr_store *s, after *out)
{
    for (int i = 0; i < gr_store_count(s); i++) {
        const gr_entry *e = gr_store_entry(s, i);
        assert_true(out->n < 16 && e->count <= 64);
        snprintf(out->name[out->n], 64, "%s", e->spec.name);
        gr_store_read(s, e, out->value[out->n++]);
    }
}

static void train(const char *text, bool given, after *out)
{
    gr_context *ctx = test_context();
    gr_recipe *r;
    gr_task t;
    gr_engine e;
    gr_loader *loader;
    *out = (after){0};
    if (given) give(ctx);
    test_ok(ctx, gr__recipe_from_text(ctx, "r.yaml", ".", text, strlen(text), NULL, 0, &r));
    test_ok(ctx, gr__task_open(ctx, r, 1u << GR_PART_TRAIN, NULL, &t));
    test_ok(ctx, gr__engine_make(&t, true, 0, &e));
    test_ok(ctx, gr_store_seal(e.store));
    test_ok(ctx, gr__network_init(t.network, e.store));
    test_ok(ctx, gr__engine_start(&e));
    const gr_loader_options o = gr__task_loader(&t, GR_PART_TRAIN, false);
    test_ok(ctx, gr__loader_create(ctx, &o, &loader));
    gr_stepper s = {.recipe = r, .engine = &e, .loader = loader, .extent = gr__task_extent(&t)};
    for (int64_t step = 0; step < 4; step++) {
        bool more = true;
        gr__stepper_begin(&s, step);
        while (more) {
            test_ok(ctx, gr__stepper_next(&s, &more));
            if (more) test_ok(ctx, gr_plan_run(s.plan->plan));
        }
        out->cost[step] = *s.updating->cost_sum / *s.updating->weight_sum;
    }
    keep_store(e.store, out);
    gr__loader_destroy(loader);
    gr__engine_close(&e);
    gr__task_close(&t);
    gr__recipe_close(ctx, r);
    test_context_end(ctx);
}

#define RECIPE(dense, tanh, cost, optimizer)                                                       \
    "gradus: 1\nseed: 5\nthreads: 1\nprecision: float64\n"                                         \
    "data: {train: {type: synthetic, kind: regression, n: 60, features: 3, seed: 1}, batch: 20}\n" \
    "model: {input: [3], layers: [{type: " dense ", units: 7, name: a}, " tanh ", {type: " dense   \
    ", units: 5, name: b, activation: " tanh "}, {type: dense, units: 1, name: c}]}\n"             \
    "cost: " cost "\noptimizer: {type: " optimizer ", lr: 0.05, weight_decay: 0.01}\nstop: {steps: 4}\n"

static void a_recipe_trains_with_them(void **state)
{
    (void)state;
    after ours, theirs;
    train(RECIPE("dense", "tanh", "mse", "sgdm"), false, &ours);
    train(RECIPE("linear_map", "bend", "squares", "heavy_ball"), true, &theirs);
    assert_true(ours.n > 12 && built > 0);
    assert_int_equal(ours.n, theirs.n);
    for (int i = 0; i < 4; i++) assert_true(ours.cost[i] == theirs.cost[i] && ours.cost[i] > 0);
    assert_true(ours.cost[3] < ours.cost[0]);
    int slots = 0;
    for (int i = 0; i < ours.n; i++) {
        int k = 0;
        while (k < theirs.n && strcmp(theirs.name[k], ours.name[i]) != 0) k++;
        slots += strchr(ours.name[i], '/') != NULL;
        if (k == theirs.n && strchr(ours.name[i], '/')) continue; /* what the momentum is called */
        if (k == theirs.n) fail_msg("no %s", ours.name[i]);
        if (memcmp(ours.value[i], theirs.value[k], sizeof ours.value[i]) != 0) fail_msg("%s differs", ours.name[i]);
    }
    assert_true(slots >= 6);
}

/* ---- a rig for what needs no data ---- */

static rig begin(gr_mode mode)
{
    return rig_in(NULL, "ref", mode, GR_SHAPE(4, 6));
}

static gr_val layer(rig *r, const char *type, const char *settings)
{
    return gr__net_layer(r->net, type, settings, &r->x, 1);
}

static void they_belong_to_one_context(void **state)
{
    (void)state;
    rig with = begin(GR_MODE_TRAIN), without = begin(GR_MODE_TRAIN);
    int layers = gr_member_count(with.ctx, "layer");
    char *text;
    give(with.ctx);
    assert_int_equal(gr_member_count(with.ctx, "layer"), layers + 2);
    assert_int_equal(gr_member_count(without.ctx, "layer"), layers);
    assert_string_equal(gr_member_name(with.ctx, "layer", layers), "linear_map");
    assert_null(gr_member_name(without.ctx, "layer", layers));
    test_ok(with.ctx, gr_member_explain(with.ctx, "layer", "linear_map", &text));
    assert_non_null(strstr(text, "y = x W^T + b"));
    assert_non_null(strstr(text, "how many outputs"));
    gr_text_free(with.ctx, text);
    assert_true(layer(&with, "linear_map", "{units: 3, activation: bend}") != GR_NONE);
    assert_int_equal(layer(&without, "linear_map", "{units: 3}"), GR_NONE);
    assert_int_equal(gr_context_error(without.ctx)->code, GR_E_NAME);
    assert_int_equal(layer(&with, "linear_map", "{unit: 3}"), GR_NONE); /* their rows are checked as all are */
    assert_int_equal(gr_context_error(with.ctx)->code, GR_E_KEY);
    assert_non_null(strstr(gr_context_error(with.ctx)->hint, "\"units\""));
    end(&with);
    end(&without);
}

/* A row of norms takes those that say that they normalise. */
static void norms_of_blocks_may_be_theirs(void **state)
{
    (void)state;
    for (int normalises = 0; normalises < 2; normalises++) {
        rig r = begin(GR_MODE_TRAIN);
        gr_layer_descriptor d = bend();
        d.name = "even";
        d.traits = normalises ? GR_LAYER_TRANSPARENT | GR_LAYER_NORMALISES : GR_LAYER_TRANSPARENT;
        test_ok(r.ctx, gr_layer_register(r.ctx, &d));
        r.x = gr_feed(r.g, "pictures", GR_REAL, GR_SHAPE(4, 5, 5, 3));
        gr_val y = layer(&r, "basic_block", "{filters: 3, norm: even}");
        if (normalises) test_ok(r.ctx, gr_graph_status(r.g));
        assert_int_equal(y != GR_NONE, normalises);
        if (!normalises) assert_non_null(strstr(gr_context_error(r.ctx)->message, "unknown normalisation \"even\""));
        end(&r);
    }
}

/* Texts of a descriptor are copied: those given may be gone at once. */
static void descriptors_are_copied(void **state)
{
    (void)state;
    rig r = begin(GR_MODE_TRAIN);
    char name[] = "gone", title[] = "A layer", row[] = "units", range[] = "[1,9]", help[] = "outputs";
    gr_setting settings[2] = {linear_settings[0], linear_settings[1]};
    gr_layer_descriptor d = linear();
    settings[0].name = row, settings[0].range = range, settings[0].help = help;
    d.name = name, d.title = title, d.settings = settings;
    test_ok(r.ctx, gr_layer_register(r.ctx, &d));
    name[0] = title[0] = row[0] = range[1] = help[0] = 'X';
    memset(settings, 0, sizeof settings);
    d = (gr_layer_descriptor){0};
    gr_val y = layer(&r, "gone", "{units: 9}");
    test_ok(r.ctx, gr_graph_status(r.g));
    assert_int_equal(gr_shape_of(r.g, y).dim[1], 9);
    end(&r);
}

/* ---- descriptors that say nonsense ---- */

static void refused(gr_context *ctx, gr_status got, gr_status code, const char *message)
{
    const gr_error *e = gr_context_error(ctx);
    if (got != code || e->code != code || !strstr(e->message, message))
        fail_msg("%s instead of %s \"%s\": %s", gr_status_name(got), gr_status_name(code), message, e->message);
    gr_context_clear_error(ctx);
}

static void wrong_heads_are_refused(void **state)
{
    (void)state;
    gr_context *ctx = test_context();
    int before = gr_member_count(ctx, "layer");
    gr_layer_descriptor d;
#define WITH(change, code, message) \
    d = linear();                   \
    change;                         \
    refused(ctx, gr_layer_register(ctx, &d), code, message)
    WITH(d.version = 0, GR_E_UNSUPPORTED, "version 0 of a layer's descriptor is not known; this library knows 1");
    WITH(d.version = 2, GR_E_UNSUPPORTED, "version 2");
    WITH(d.name = NULL, GR_E_USAGE, "cannot be a layer's name");
    WITH(d.name = "Dense", GR_E_USAGE, "\"Dense\" cannot be a layer's name");
    WITH(d.name = "1st", GR_E_USAGE, "a letter first");
    WITH(d.name = "conv", GR_E_EXISTS, "the layer \"conv\" is there already");
    WITH(d.title = "", GR_E_USAGE, "layer \"linear_map\" has no title");
    WITH(d.build = NULL, GR_E_USAGE, "layer \"linear_map\" lacks a function");
    WITH(d.n_settings = -1, GR_E_USAGE, "has -1 settings");
    WITH(d.settings = NULL, GR_E_USAGE, "has 2 settings");
    WITH(d.traits = 1u << 20, GR_E_USAGE, "traits that are not known: 0x100000");
    WITH(d.min_inputs = 3; d.max_inputs = 2, GR_E_USAGE, "cannot take 3 to 2 inputs");
    WITH(d.max_inputs = 2; d.traits = GR_LAYER_POINTWISE, GR_E_USAGE, "cannot take 0 to 2 inputs");
#undef WITH
    refused(ctx, gr_layer_register(ctx, NULL), GR_E_USAGE, "no descriptor");
    refused(ctx, gr_cost_register(ctx, NULL), GR_E_USAGE, "no descriptor");
    refused(ctx, gr_optimizer_register(ctx, NULL), GR_E_USAGE, "no descriptor");
    gr_cost_descriptor c = squares();
    c.form = (gr_cost_form)9;
    refused(ctx, gr_cost_register(ctx, &c), GR_E_USAGE, "of no form that is known: 9");
    c = squares(), c.blind = NULL;
    refused(ctx, gr_cost_register(ctx, &c), GR_E_USAGE, "does not say what outputs of 0 cost: blind");
    c = squares(), c.name = "mse";
    refused(ctx, gr_cost_register(ctx, &c), GR_E_EXISTS, "the cost \"mse\"");
    gr_optimizer_descriptor o = heavy();
    o.decay = (gr_decay_place)7;
    refused(ctx, gr_optimizer_register(ctx, &o), GR_E_USAGE, "decay at no place that is known: 7");
    o = heavy(), o.n_settings = 1, o.settings = &heavy_settings[1];
    refused(ctx, gr_optimizer_register(ctx, &o), GR_E_USAGE, "has no setting lr");
    assert_int_equal(gr_member_count(ctx, "layer"), before);
    give(ctx); /* what was refused stands in nobody's way */
    const gr_layer_descriptor again = linear();
    refused(ctx, gr_layer_register(ctx, &again), GR_E_EXISTS, "the layer \"linear_map\" is there already");
    test_context_end(ctx);
}

static void wrong_settings_are_refused(void **state)
{
    (void)state;
    static const struct {
        gr_setting row;
        const char *message;
    } all[] = {
        {{.name = "Units", .kind = GR_SETTING_INT, .value = "1", .help = "h"}, "small letters"},
        {{.name = NULL, .kind = GR_SETTING_INT, .value = "1", .help = "h"}, "setting 0 (no name)"},
        {{.name = "type", .kind = GR_SETTING_INT, .value = "1", .help = "h"}, "the member's own name"},
        {{.name = "activation", .kind = GR_SETTING_TEXT, .value = "relu", .help = "h"}, "recipes have that key"},
        {{.name = "a", .kind = (gr_setting_kind)70, .value = "1", .help = "h"}, "its kind is unknown"},
        {{.name = "a", .kind = GR_SETTING_INT, .value = "1"}, "no line of help"},
        {{.name = "a", .kind = GR_SETTING_INT, .value = "1", .range = "[1", .help = "h"}, "its range cannot be read"},
        {{.name = "a", .kind = GR_SETTING_INT, .value = "1", .range = "[1,2,3]", .help = "h"}, "its range cannot"},
        {{.name = "a", .kind = GR_SETTING_INT, .value = "1", .range = "{1,b}", .help = "h"}, "its range cannot"},
        {{.name = "a", .kind = GR_SETTING_CHOICE, .value = "x", .range = "x||y", .help = "h"}, "its range cannot"},
        {{.name = "a", .kind = GR_SETTING_CHOICE, .value = "z", .range = "x|y", .help = "h"}, "its default z is none"},
        {{.name = "a", .kind = GR_SETTING_INT, .value = "3", .range = "[0,2]", .help = "h"}, "its default 3 is none"},
        {{.name = "a", .kind = GR_SETTING_REAL, .value = "much", .help = "h"}, "its default much is none"},
    };
    gr_context *ctx = test_context();
    for (size_t i = 0; i < GR_COUNT(all); i++) {
        gr_layer_descriptor d = linear();
        d.settings = &all[i].row, d.n_settings = 1;
        refused(ctx, gr_layer_register(ctx, &d), GR_E_USAGE, all[i].message);
    }
    const gr_setting twice[] = {linear_settings[0], linear_settings[0]};
    gr_layer_descriptor d = linear();
    d.settings = twice;
    refused(ctx, gr_layer_register(ctx, &d), GR_E_USAGE, "there are two of that name");
    test_context_end(ctx);
}

/* ---- what functions of members get wrong ---- */

static gr_val probe(void *user, gr_build *b, const gr_settings *s, const gr_val *in, int n_in)
{
    gr_graph *g = gr_build_graph(b);
    int64_t axes[2] = {0};
    (void)n_in;
    switch (*(const int *)user) {
    case 0:
        return GR_NONE;
    case 1:
        gr_setting_int(s, "other");
        return in[0];
    case 2:
        gr_setting_int(s, "rate");
        return in[0];
    case 3:
        gr_build_param(b, "a.b", GR_SHAPE(2), GR_ROLE_WEIGHT, 1, 1);
        return in[0];
    case 4:
        gr_build_param(b, "a", GR_SHAPE(2), GR_ROLE_WEIGHT, 0, 1);
        return in[0];
    case 5:
        gr_build_param(b, "a", GR_SHAPE(2), GR_ROLE_STATE, 1, 1);
        return in[0];
    case 6:
        gr_build_state(b, "m", GR_SHAPE(6), 0);
        gr_build_observe(b, "m", in[0], 2);
        return in[0];
    case 7:
        return gr_build_random(b, "A", GR_SHAPE(4));
    case 8:
        return gr_sum_all(g, in[0]);
    case 9:
        gr_setting_axes(s, "size", axes, 2);
        return in[0];
    case 10:
        gr_build_observe(b, "undeclared", in[0], 0.5);
        return in[0];
    case 11:
        return gr_build_random(b, "mask", GR_SHAPE(4, 2));
    default:
        return gr_graph_fail(g, GR_E_SHAPE, "not these shapes");
    }
}

static void what_functions_get_wrong_is_told(void **state)
{
    (void)state;
    static const gr_setting settings[] = {
        {.name = "rate", .kind = GR_SETTING_REAL, .value = "1", .help = "h"},
        {.name = "size", .kind = GR_SETTING_AXES, .value = "2", .range = "[1,9]", .help = "h"}};
    static const struct {
        gr_status code;
        const char *message;
    } all[] = {{GR_E_USAGE, "the layer gives no value"},
               {GR_E_USAGE, "probe has no setting \"other\""},
               {GR_E_USAGE, "setting \"rate\" of probe is not read as a whole number"},
               {GR_E_USAGE, "\"a.b\" cannot be the name of a parameter"},
               {GR_E_USAGE, "parameter a has no role of a parameter, or a fan below 1"},
               {GR_E_USAGE, "parameter a has no role of a parameter"},
               {GR_E_USAGE, "moves by a share from 0 to 1, not 2"},
               {GR_E_USAGE, "\"A\" cannot be the name of a stream"},
               {GR_E_SHAPE, "no batch axis"},
               {GR_E_TYPE, "3"},
               {GR_E_USAGE, "statistic undeclared was not declared"},
               {GR_E_USAGE, "random numbers \"mask\" outside training"},
               {GR_E_SHAPE, "probe \"probe1\": not these shapes"}};
    for (int i = 0; i < (int)GR_COUNT(all); i++) {
        rig r = begin(i == 11 ? GR_MODE_EVALUATE : GR_MODE_TRAIN);
        const gr_layer_descriptor d = {.version = GR_LAYER_VERSION,
                                       .name = "probe",
                                       .title = "Does what it should not",
                                       .settings = settings,
                                       .n_settings = 2,
                                       .build = probe,
                                       .user = &i};
        test_ok(r.ctx, gr_layer_register(r.ctx, &d));
        assert_int_equal(layer(&r, "probe", i == 9 ? "{size: [1, 2, 3]}" : NULL), GR_NONE);
        const gr_error *e = gr_context_error(r.ctx);
        if (e->code != all[i].code || !strstr(e->message, all[i].message) || strcmp(e->file, "layer 1, probe") != 0)
            fail_msg("%d: %s: %s: %s", i, gr_status_name(e->code), e->file, e->message);
        end(&r);
    }
}

static gr_val wrong_cost(void *user, gr_graph *g, const gr_settings *s, gr_val output, gr_val target, bool training)
{
    (void)s, (void)target, (void)training;
    return *(const int *)user == 0 ? GR_NONE : *(const int *)user == 1 ? gr_sum_all(g, output) : output;
}

static gr_val wrong_update(void *user, gr_step *s, gr_val w, gr_val g)
{
    switch (*(const int *)user) {
    case 0:
        return GR_NONE;
    case 1:
        return gr_mul(gr_step_graph(s), w, gr_step_arg(s, "momentum"));
    case 2:
        gr_step_slot(s, "M", 0);
        return w;
    default:
        return gr_sum_all(gr_step_graph(s), g);
    }
}

static void wrong_costs_and_updates_are_told(void **state)
{
    (void)state;
    static const char *const costs[] = {"gives no number a sample", "gives no number a sample",
                                        "gives no number a sample"};
    static const char *const updates[] = {"gives no new weight", "no setting \"momentum\"", "the name of a slot",
                                          "[3,6]"};
    for (int i = 0; i < 3; i++) {
        rig r = begin(GR_MODE_TRAIN);
        gr_cost_descriptor c = squares();
        c.build = wrong_cost, c.user = &i;
        test_ok(r.ctx, gr_cost_register(r.ctx, &c));
        gr_val y = gr_feed(r.g, "y", GR_REAL, GR_SHAPE(4, 6));
        assert_int_equal(gr__net_cost(r.net, "squares", NULL, r.x, y), GR_NONE);
        assert_non_null(strstr(gr_context_error(r.ctx)->message, costs[i]));
        end(&r);
    }
    for (int i = 0; i < 4; i++) {
        rig r = begin(GR_MODE_TRAIN);
        gr_optimizer_descriptor o = heavy();
        o.update = wrong_update, o.user = &i;
        test_ok(r.ctx, gr_optimizer_register(r.ctx, &o));
        gr_val cost = gr_mean_all(r.g, layer(&r, "dense", "{units: 3}"));
        assert_true(gr_optimize(r.net, "heavy_ball", NULL, cost) != GR_OK);
        if (!strstr(gr_context_error(r.ctx)->message, updates[i])) fail_msg("%s", gr_context_error(r.ctx)->message);
        end(&r);
    }
}

/* ---- statistics, masks, settings ---- */

static gr_val noisy_build(void *user, gr_build *b, const gr_settings *s, const gr_val *in, int n_in)
{
    gr_graph *g = gr_build_graph(b);
    int64_t size[2];
    (void)user, (void)n_in;
    assert_true(gr_build_context(b) != NULL && gr_build_lengths(b) == GR_NONE);
    assert_true(gr_setting_axes(s, "size", size, 2) && size[0] == 3 && size[1] == 5);
    assert_string_equal(gr_setting_text(s, "side"), "left");
    assert_true(gr_setting_text(s, "file") == NULL && isnan(gr_setting_real(s, "limit")));
    gr_val mean = gr_build_state(b, "mean", GR_SHAPE(6), 0.5);
    if (gr_build_mode(b) == GR_MODE_EVALUATE) return gr_sub(g, in[0], mean);
    gr_val now = gr_mul(g, gr_sum(g, in[0], (const int[]){0}, 1, false), gr_const(g, 0.25));
    gr_build_observe(b, "mean", now, gr_setting_real(s, "share"));
    gr_val mask = gr_less(g, gr_build_random(b, "mask", GR_SHAPE(4, 6)), gr_const(g, 0.5));
    return gr_mul(g, gr_sub(g, in[0], now), mask);
}

static void statistics_and_masks_are_theirs_too(void **state)
{
    (void)state;
    static const gr_setting settings[] = {
        {.name = "share", .kind = GR_SETTING_REAL, .value = "0.25", .range = "[0,1]", .help = "h"},
        {.name = "size", .kind = GR_SETTING_AXES, .value = "1", .range = "[1,9]", .help = "h"},
        {.name = "side", .kind = GR_SETTING_CHOICE, .value = "left", .range = "left|right", .help = "h"},
        {.name = "file", .kind = GR_SETTING_PATH, .value = "none", .help = "h"},
        {.name = "limit", .kind = GR_SETTING_REAL, .value = "none", .range = "(0,inf)", .unit = "1", .help = "h"}};
    rig r = begin(GR_MODE_TRAIN);
    const gr_layer_descriptor d = {.version = GR_LAYER_VERSION,
                                   .name = "noisy",
                                   .title = "Centres, and leaves half out",
                                   .settings = settings,
                                   .n_settings = 5,
                                   .build = noisy_build};
    gr_plan *plan;
    test_ok(r.ctx, gr_layer_register(r.ctx, &d));
    gr_val y = layer(&r, "noisy", "{size: [3, 5]}");
    gr_val h = gr__net_layer(r.net, "dense", "{units: 1}", &y, 1);
    gr_output(r.g, "y", y);
    test_ok(r.ctx, gr_optimize(r.net, "sgd", NULL, gr_mean_all(r.g, h)));
    test_ok(r.ctx, gr_plan_compile(r.ctx, r.g, r.store, &(gr_plan_options){.backend = gr_backend_get("ref")}, &plan));
    test_ok(r.ctx, gr_store_seal(r.store));
    test_ok(r.ctx, gr_net_init(r.net, NULL, 1));
    test_ok(r.ctx, gr_plan_bind(plan, NULL));
    double *x = gr_plan_feed(plan, "x", NULL), mean[6];
    for (int i = 0; i < 24; i++) x[i] = i / 6 + i % 6; /* columns have the means 1.5 + column */
    gr_net_feed(plan, 3, 0, 0.1);
    test_ok(r.ctx, gr_plan_run(plan));
    gr_store_read(r.store, gr_store_find(r.store, "noisy1.mean"), mean);
    const double *out = gr_plan_output(plan, "y", NULL);
    int zeros = 0;
    for (int i = 0; i < 6; i++) assert_true(fabs(mean[i] - (0.75 * 0.5 + 0.25 * (1.5 + i))) < 1e-15);
    for (int i = 0; i < 24; i++) {
        assert_true(out[i] == 0 || fabs(out[i] - (i / 6 - 1.5)) < 1e-12);
        zeros += out[i] == 0;
    }
    assert_true(zeros > 3 && zeros < 21);
    gr_plan_destroy(plan);
    end(&r);
}

/* ---- two contexts at a time ---- */

typedef struct alone {
    double factor, out; /* of its own layer "times"; what a training with it gives */
    gr_status st;
} alone;

static gr_val times(void *user, gr_build *b, const gr_settings *s, const gr_val *in, int n_in)
{
    (void)s, (void)n_in;
    gr_graph *g = gr_build_graph(b);
    return gr_mul(g, in[0], gr_const(g, *(const double *)user));
}

static gr_status train_alone(gr_context *ctx, alone *a)
{
    const gr_layer_descriptor d = {
        .version = GR_LAYER_VERSION, .name = "times", .title = "Times", .build = times, .user = &a->factor};
    gr_graph *g = NULL;
    gr_store *store = NULL;
    gr_net *net = NULL;
    gr_plan *plan = NULL;
    gr_status st = GR_OK;
    GR_TRY(gr_layer_register(ctx, &d));
    GR_TRY(gr_graph_create(ctx, &g));
    GR_TRY(gr_store_create(ctx, gr_backend_get("cpu"), &store));
    GR_TRY(gr_net_create(g, store, GR_MODE_TRAIN, &net));
    gr_val x = gr_feed(g, "x", GR_REAL, GR_SHAPE(8, 6)), h = gr__net_layer(net, "dense", "{units: 5}", &x, 1);
    h = gr__net_layer(net, "times", NULL, &h, 1);
    gr_val cost = gr_mean_all(g, gr_square(g, gr_sub(g, h, gr_const(g, 1))));
    gr_output(g, "cost", cost);
    GR_TRY(gr_optimize(net, "adam", "{lr: 0.05}", cost));
    GR_TRY(gr_plan_compile(ctx, g, store, &(gr_plan_options){.backend = gr_backend_get("cpu")}, &plan));
    GR_TRY(gr_store_seal(store));
    GR_TRY(gr_net_init(net, NULL, 1));
    GR_TRY(gr_plan_bind(plan, NULL));
    for (int update = 0; update < 200 && st == GR_OK; update++) {
        float *to = gr_plan_feed(plan, "x", NULL);
        for (int i = 0; i < 48; i++) to[i] = (float)((i * 7 + update) % 11) / 11;
        gr_net_feed(plan, 1, update, 0.05);
        st = gr_plan_run(plan);
    }
    if (st == GR_OK) a->out = *(const double *)gr_plan_output(plan, "cost", NULL);
done:
    gr_plan_destroy(plan);
    gr_net_destroy(net);
    gr_store_destroy(store);
    gr_graph_destroy(g);
    return st;
}

static void *run_alone(void *user)
{
    alone *a = user;
    gr_context *ctx = NULL;
    a->st = gr_context_create(&(gr_context_options){.threads = 2}, &ctx);
    if (a->st == GR_OK) a->st = train_alone(ctx, a);
    gr_context_destroy(ctx);
    return NULL;
}

static void contexts_know_nothing_of_each_other(void **state)
{
    (void)state;
    alone one[2] = {{.factor = 0.5}, {.factor = 2}}, both[2] = {{.factor = 0.5}, {.factor = 2}};
    pthread_t thread[2];
    for (int i = 0; i < 2; i++) run_alone(&one[i]);
    for (int i = 0; i < 2; i++) assert_int_equal(pthread_create(&thread[i], NULL, run_alone, &both[i]), 0);
    for (int i = 0; i < 2; i++) assert_int_equal(pthread_join(thread[i], NULL), 0);
    for (int i = 0; i < 2; i++) {
        assert_int_equal(one[i].st, GR_OK);
        assert_int_equal(both[i].st, GR_OK);
        assert_true(one[i].out == both[i].out && one[i].out > 0);
    }
    assert_true(one[0].out != one[1].out);
}

static void every_failed_allocation_is_survived(void **state)
{
    (void)state;
    const gr_layer_descriptor l = linear();
    const gr_optimizer_descriptor o = heavy();
    const gr_cost_descriptor c = squares();
    gr_status st = GR_E_MEMORY;
    for (uint64_t k = 1; st != GR_OK; k++) {
        assert_true(k < 100);
        gr_context *ctx = test_context();
        gr__fail_acquisition(ctx, k);
        st = gr_layer_register(ctx, &l);
        if (st == GR_OK) st = gr_optimizer_register(ctx, &o);
        if (st == GR_OK) st = gr_cost_register(ctx, &c);
        assert_true(st == GR_OK || st == GR_E_MEMORY);
        assert_true(k > 1 || st == GR_E_MEMORY);
        test_context_end(ctx);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_recipe_trains_with_them),
        cmocka_unit_test(they_belong_to_one_context),
        cmocka_unit_test(descriptors_are_copied),
        cmocka_unit_test(wrong_heads_are_refused),
        cmocka_unit_test(wrong_settings_are_refused),
        cmocka_unit_test(what_functions_get_wrong_is_told),
        cmocka_unit_test(norms_of_blocks_may_be_theirs),
        cmocka_unit_test(wrong_costs_and_updates_are_told),
        cmocka_unit_test(statistics_and_masks_are_theirs_too),
        cmocka_unit_test(contexts_know_nothing_of_each_other),
        cmocka_unit_test(every_failed_allocation_is_survived),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
