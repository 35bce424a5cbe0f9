/* Layers, costs, optimizers and schedules by name on a graph of one's own: what a recipe's training does to the bit,
 * and errors that say where.  [mission X4, X5] */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "api/layers.h"
#include "gradus/net.h"
#include "gradus/scheduler.h"
#include "net_case.h"
#include "test.h"
#include "train/stepper.h"

enum { BATCH = 20 };

static gr_recipe *recipe(gr_context *ctx, const char *text)
{
    gr_recipe *r = NULL;
    test_ok(ctx, gr__recipe_from_text(ctx, "twin.yaml", ".", text, strlen(text), NULL, 0, &r));
    return r;
}

static gr_val layer(gr_net *net, const char *type, const char *settings, gr_val x)
{
    return gr__net_layer(net, type, settings, &x, 1);
}

/* ---- twins: a recipe's training, and the same network built by hand ---- */

typedef struct twin {
    const char *recipe;
    gr_val (*build)(gr_net *net, gr_val x); /* the output */
    const char *cost, *optimizer, *settings, *init;
} twin;

typedef struct by_hand {
    gr_graph *g;
    gr_store *store;
    gr_net *net;
    gr_plan *plan;
} by_hand;

static void make_by_hand(gr_context *ctx, const gr_task *t, const twin *w, by_hand *h)
{
    gr_shape in = t->recipe->input[0].sample, batch = {.rank = in.rank + 1, .dim = {BATCH}};
    for (int i = 0; i < in.rank; i++) batch.dim[i + 1] = in.dim[i];
    bool classes = t->recipe->head[0].reading.target == GR_FORM_CLASS;
    test_ok(ctx, gr_graph_create(ctx, &h->g));
    test_ok(ctx, gr_store_create(ctx, t->backend, &h->store));
    test_ok(ctx, gr_net_create(h->g, h->store, GR_MODE_TRAIN, &h->net));
    gr_val x = gr_real(h->g, gr_feed(h->g, "x", classes ? GR_U8 : GR_REAL, batch)), /* pictures are bytes */
        y = gr_feed(h->g, "y", classes ? GR_I32 : GR_REAL, classes ? GR_SHAPE(BATCH) : GR_SHAPE(BATCH, 1));
    gr_val cost = gr__net_cost(h->net, w->cost, NULL, w->build(h->net, x), y);
    test_ok(ctx, gr_graph_status(h->g));
    test_ok(ctx, gr_optimize(h->net, w->optimizer, w->settings, cost));
    gr_output(h->g, "cost", cost);
    test_ok(ctx, gr_plan_compile(ctx, h->g, h->store, &(gr_plan_options){.backend = t->backend}, &h->plan));
    test_ok(ctx, gr_store_seal(h->store));
    test_ok(ctx, gr_net_init(h->net, w->init, t->recipe->seed));
    test_ok(ctx, gr_plan_bind(h->plan, NULL));
}

static void end_by_hand(by_hand *h)
{
    gr_plan_destroy(h->plan);
    gr_net_destroy(h->net);
    gr_store_destroy(h->store);
    gr_graph_destroy(h->g);
}

static void same_stores(const gr_store *a, const gr_store *b, const char *when)
{
    assert_int_equal(gr_store_count(a), gr_store_count(b));
    for (int i = 0; i < gr_store_count(a); i++) {
        const gr_entry *x = gr_store_entry(a, i), *y = gr_store_find(b, x->spec.name);
        if (!y) fail_msg("%s: no %s by hand", when, x->spec.name);
        assert_int_equal(x->count, y->count);
        double *p = malloc(sizeof *p * (size_t)x->count), *q = malloc(sizeof *q * (size_t)x->count);
        gr_store_read(a, x, p);
        gr_store_read(b, y, q);
        if (memcmp(p, q, sizeof *p * (size_t)x->count) != 0) fail_msg("%s: %s differs", when, x->spec.name);
        free(p), free(q);
    }
}

static void feed(by_hand *h, const char *name, const void *from)
{
    size_t bytes;
    void *to = gr_plan_feed(h->plan, name, &bytes);
    assert_non_null(to);
    memcpy(to, from, bytes);
}

static void trains_alike(const twin *w)
{
    gr_context *ctx = test_context();
    gr_recipe *r = recipe(ctx, w->recipe);
    gr_task t;
    gr_engine e;
    gr_loader *loaders[2];
    by_hand h = {0};
    test_ok(ctx, gr__task_open(ctx, r, 1u << GR_PART_TRAIN, NULL, &t));
    test_ok(ctx, gr__engine_make(&t, true, 0, &e));
    test_ok(ctx, gr_store_seal(e.store));
    test_ok(ctx, gr__network_init(t.network, e.store));
    test_ok(ctx, gr__engine_start(&e));
    for (int i = 0; i < 2; i++) {
        const gr_loader_options o = gr__task_loader(&t, GR_PART_TRAIN, false);
        test_ok(ctx, gr__loader_create(ctx, &o, &loaders[i]));
    }
    make_by_hand(ctx, &t, w, &h);
    same_stores(e.store, h.store, "at the start");
    gr_stepper s = {.recipe = r, .engine = &e, .loader = loaders[0], .extent = gr__task_extent(&t)};
    gr_scheduler *schedule = NULL;
    test_ok(ctx, gr_scheduler_create(ctx, "polynomial", "{warmup: 2}",
                                     &(gr_scheduled){.lr = gr_net_rate(h.net), .updates = s.extent.total}, &schedule));
    for (int64_t step = 0; step < s.extent.total; step++) {
        bool more = true;
        gr_batch b;
        gr__stepper_begin(&s, step);
        while (more) {
            test_ok(ctx, gr__stepper_next(&s, &more));
            if (more) test_ok(ctx, gr_plan_run(s.plan->plan));
        }
        test_ok(ctx, gr__loader_next(loaders[1], &b));
        assert_int_equal(b.n, BATCH);
        feed(&h, "x", b.field[0]);
        feed(&h, "y", b.field[1]);
        gr_net_feed(h.plan, r->seed, step, gr_scheduler_rate(schedule, step));
        test_ok(ctx, gr_plan_run(h.plan));
        double cost = *(const double *)gr_plan_output(h.plan, "cost", NULL);
        assert_true(cost == *s.updating->cost_sum / *s.updating->weight_sum);
        same_stores(e.store, h.store, "after an update");
    }
    gr_scheduler_destroy(schedule);
    end_by_hand(&h);
    for (int i = 0; i < 2; i++) gr__loader_destroy(loaders[i]);
    gr__engine_close(&e);
    gr__task_close(&t);
    gr__recipe_close(ctx, r);
    test_context_end(ctx);
}

static gr_val convolutional(gr_net *net, gr_val x)
{
    gr_val c = layer(net, "conv", "{filters: 4, kernel: 3, padding: same, name: c1}", x);
    gr_val a = layer(net, "relu", NULL, layer(net, "batch_norm", "", c));
    gr_val d = layer(net, "conv", "{filters: 4, kernel: 3, padding: same, activation: tanh}", a);
    gr_val sum = gr__net_layer(net, "add", NULL, (gr_val[]){a, d}, 2);
    gr_val r = layer(net, "residual",
                     "{layers: [{type: conv, filters: 4, kernel: 3, padding: same, activation: relu}, {type: conv, "
                     "filters: 4, kernel: 3, padding: same}], name: r}",
                     sum);
    gr_val p = layer(net, "max_pool", "{size: 2}", layer(net, "relu", NULL, r));
    gr_val f = layer(net, "dropout", "{rate: 0.25}", layer(net, "flatten", NULL, p));
    f = layer(net, "dense",
              "{units: 12, name: hidden, init: {weights: {type: normal, std: 0.05}, bias: {type: "
              "constant, value: 0.1}}}",
              f);
    return layer(net, "dense", "{units: 10, name: head}", layer(net, "leaky_relu", "{slope: 0.2}", f));
}

#define DIGITS                                                                                                         \
    "gradus: 1\nseed: 11\nthreads: 1\n"                                                                                \
    "data: {train: {type: synthetic, kind: digits, n: 60, seed: 1}, batch: 20, shuffle: every_epoch}\n"                \
    "model: {input: [16, 16, 1], layers: [{type: conv, filters: 4, kernel: 3, padding: same, name: c1}, batch_norm, "  \
    "{type: relu, name: a}, {type: conv, filters: 4, kernel: 3, padding: same, activation: tanh}, {type: add, from: "  \
    "[a, conv2]}, {type: residual, layers: [{type: conv, filters: 4, kernel: 3, padding: same, activation: relu}, "    \
    "{type: conv, filters: 4, kernel: 3, padding: same}], name: r}, relu, {type: max_pool, size: 2}, flatten, {type: " \
    "dropout, rate: 0.25}, {type: dense, units: 12, name: "                                                            \
    "hidden, init: {weights: {type: normal, std: 0.05}, bias: {type: constant, value: 0.1}}}, {type: leaky_relu, "     \
    "slope: 0.2}, {type: dense, units: 10, name: head}]}\n"                                                            \
    "schedule: {type: polynomial, warmup: 2}\nstop: {epochs: 2}\n"

static gr_val values(gr_net *net, gr_val x)
{
    return layer(net, "dense", "{units: 1}", layer(net, "tanh", NULL, layer(net, "dense", "{units: 7}", x)));
}

#define VALUES                                                                                     \
    "gradus: 1\nseed: 5\nthreads: 1\nprecision: float64\n"                                         \
    "data: {train: {type: synthetic, kind: regression, n: 60, features: 3, seed: 1}, batch: 20}\n" \
    "model: {input: [3], layers: [{type: dense, units: 7}, tanh, {type: dense, units: 1}]}\n"      \
    "schedule: {type: polynomial, warmup: 2}\nstop: {epochs: 2}\ncost: mse\n"

static void what_a_recipe_trains_is_trained_by_hand(void **state)
{
    (void)state;
    static const twin twins[] = {
        {DIGITS "optimizer: {type: adam, lr: 0.01}\nclip: {norm: 0.5}\npenalty: {l2: 0.001}\n"
                "init: {weights: kaiming, relu_bias: 0.1}\n",
         convolutional, "cross_entropy", "adam", "{lr: 0.01, clip: {norm: 0.5}, penalty: {l2: 0.001}}",
         "{weights: kaiming, relu_bias: 0.1}"},
        {DIGITS "optimizer: {type: sgdm, lr: 0.05, weight_decay: 0.01}\ngroups: [{match: \"c1.*\", freeze: true}, "
                "{match: \"head.*\", lr_scale: 0.5}]\n",
         convolutional, "cross_entropy", "sgdm",
         "{lr: 0.05, weight_decay: 0.01, groups: [{match: \"c1.*\", freeze: true}, {match: \"head.*\", lr_scale: "
         "0.5}]}",
         NULL},
        {VALUES "optimizer: {type: adahessian, lr: 0.05}\n", values, "mse", "adahessian", "{lr: 0.05}", NULL},
        {VALUES "optimizer: {type: lamb, lr: 0.05}\ninit: {weights: orthogonal}\n", values, "mse", "lamb", "{lr: 0.05}",
         "{weights: orthogonal}"}};
    for (size_t i = 0; i < GR_COUNT(twins); i++) trains_alike(&twins[i]);
}

/* ---- a rig for what needs no data ---- */

static rig begin(gr_mode mode)
{
    return rig_in(NULL, "ref", mode, GR_SHAPE(4, 8, 8, 2));
}

/* Layers of one name are one: the sum of gradients of both uses, one entry in the store. */
static void layers_of_one_name_share(void **state)
{
    (void)state;
    rig r = begin(GR_MODE_TRAIN);
    gr_val flat = layer(r.net, "flatten", NULL, r.x);
    gr_val a = layer(r.net, "dense", "{units: 128, name: twice}", flat),
           b = layer(r.net, "dense", "{units: 128, name: twice}", a);
    test_ok(r.ctx, gr_graph_status(r.g));
    assert_int_equal(gr_net_params(r.net), 2);
    assert_int_equal(gr_store_count(r.store), 2);
    const char *name;
    gr_val w = gr_net_param(r.net, 0, &name), d;
    assert_string_equal(name, "twice.weight");
    test_ok(r.ctx, gr_gradients(r.g, gr_sum_all(r.g, b), &w, 1, &d));
    assert_true(gr_shape_of(r.g, d).dim[0] == 128);
    end(&r);
}

/* A network for evaluation finds what the one for training has put into the store, sealed as it is. */
static void evaluation_uses_what_training_declared(void **state)
{
    (void)state;
    rig r = begin(GR_MODE_TRAIN);
    gr_graph *g;
    gr_net *net;
    gr_plan *plan;
    layer(r.net, "batch_norm", NULL, layer(r.net, "conv", "{filters: 3}", r.x));
    test_ok(r.ctx, gr_graph_status(r.g));
    test_ok(r.ctx, gr_store_seal(r.store));
    test_ok(r.ctx, gr_net_init(r.net, NULL, 1));
    test_ok(r.ctx, gr_graph_create(r.ctx, &g));
    test_ok(r.ctx, gr_net_create(g, r.store, GR_MODE_EVALUATE, &net));
    gr_val x = gr_feed(g, "x", GR_REAL, GR_SHAPE(1, 8, 8, 2)), y = layer(net, "conv", "{filters: 3}", x);
    y = layer(net, "dropout", NULL, layer(net, "batch_norm", NULL, y));
    gr_val p = gr__net_prediction(net, "cross_entropy", NULL, layer(net, "global_avg_pool", NULL, y));
    gr_output(g, "p", p);
    test_ok(r.ctx, gr_plan_compile(r.ctx, g, r.store, &(gr_plan_options){.backend = gr_backend_get("ref")}, &plan));
    test_ok(r.ctx, gr_plan_bind(plan, NULL));
    double *in = gr_plan_feed(plan, "x", NULL);
    for (int i = 0; i < 128; i++) in[i] = (i % 7 - 3) / 3.0;
    test_ok(r.ctx, gr_plan_run(plan));
    const double *out = gr_plan_output(plan, "p", NULL);
    assert_true(fabs(out[0] + out[1] + out[2] - 1) < 1e-12 && out[0] != out[1]);
    gr_plan_destroy(plan);
    gr_net_destroy(net);
    gr_graph_destroy(g);
    end(&r);
}

/* Steps beyond a sample's length are in no cost, whatever stands there. */
static void steps_beyond_a_length_count_for_nothing(void **state)
{
    (void)state;
    static const int32_t length[2] = {2, 4}, target[8] = {0, 1, 9, 9, 2, 1, 0, 2};
    rig r = begin(GR_MODE_TRAIN);
    gr_plan *plan;
    gr_val x = gr_feed(r.g, "s", GR_REAL, GR_SHAPE(2, 4, 3));
    gr_net_lengths(r.net, x, gr_feed(r.g, "n", GR_I32, GR_SHAPE(2)));
    gr_val y = layer(r.net, "dense", "{units: 3}", layer(r.net, "tanh", NULL, x));
    gr_val cost = gr__net_cost(r.net, "cross_entropy", NULL, y, gr_feed(r.g, "t", GR_I32, GR_SHAPE(2, 4)));
    gr_output(r.g, "cost", cost);
    gr_output(r.g, "p", gr__net_prediction(r.net, "cross_entropy", NULL, y));
    test_ok(r.ctx, gr_optimize(r.net, "sgd", NULL, cost));
    test_ok(r.ctx, gr_plan_compile(r.ctx, r.g, r.store, &(gr_plan_options){.backend = gr_backend_get("ref")}, &plan));
    test_ok(r.ctx, gr_store_seal(r.store));
    test_ok(r.ctx, gr_net_init(r.net, NULL, 1));
    test_ok(r.ctx, gr_plan_bind(plan, NULL));
    double *in = gr_plan_feed(plan, "s", NULL), sum = 0;
    for (int i = 0; i < 24; i++) in[i] = i % 5 / 2.0 - 1;
    memcpy(gr_plan_feed(plan, "n", NULL), length, sizeof length);
    int32_t *t = gr_plan_feed(plan, "t", NULL);
    for (int i = 0; i < 8; i++) t[i] = target[i] % 3;
    gr_net_feed(plan, 1, 0, 0.1);
    test_ok(r.ctx, gr_plan_run(plan));
    const double *p = gr_plan_output(plan, "p", NULL);
    for (int i = 0; i < 8; i++)
        if (i % 4 < length[i / 4]) sum -= log(p[3 * i + target[i]]);
    assert_true(fabs(*(const double *)gr_plan_output(plan, "cost", NULL) - sum / 6) < 1e-12);
    gr_plan_destroy(plan);
    assert_int_equal(layer(r.net, "conv", "{filters: 2}", y), GR_NONE); /* it would mix them in */
    assert_int_equal(gr_context_error(r.ctx)->code, GR_E_UNSUPPORTED);
    end(&r);
    r = begin(GR_MODE_TRAIN);
    gr_net_lengths(r.net, r.x, gr_feed(r.g, "n", GR_I32, GR_SHAPE(3)));
    assert_int_equal(gr_graph_status(r.g), GR_E_SHAPE);
    assert_non_null(strstr(gr_context_error(r.ctx)->message, "lengths of shape [3] do not fit"));
    end(&r);
    r = begin(GR_MODE_TRAIN);
    gr_net_lengths(r.net, r.x, gr_feed(r.g, "n", GR_REAL, GR_SHAPE(4)));
    assert_int_equal(gr_graph_status(r.g), GR_E_TYPE);
    end(&r);
}

/* A value that is not finite stops the update: neither weights nor statistics move. */
static void the_guard_stands_before_every_update(void **state)
{
    (void)state;
    rig r = begin(GR_MODE_TRAIN);
    gr_plan *plan;
    gr_val y =
        layer(r.net, "batch_norm", NULL, layer(r.net, "dense", "{units: 3}", layer(r.net, "flatten", NULL, r.x)));
    gr_val cost = gr_mean_all(r.g, gr_square(r.g, gr_square(r.g, y)));
    test_ok(r.ctx, gr_optimize(r.net, "sgd", NULL, cost));
    test_ok(r.ctx, gr_plan_compile(r.ctx, r.g, r.store, &(gr_plan_options){.backend = gr_backend_get("ref")}, &plan));
    test_ok(r.ctx, gr_store_seal(r.store));
    test_ok(r.ctx, gr_net_init(r.net, NULL, 1));
    test_ok(r.ctx, gr_plan_bind(plan, NULL));
    const gr_entry *w = gr_store_find(r.store, "dense1.weight"),
                   *m = gr_store_find(r.store, "batch_norm1.running_mean");
    double before[3 * 128], after[3 * 128], mean[3];
    for (int bad = 0; bad < 2; bad++) {
        gr_store_read(r.store, w, before);
        double *in = gr_plan_feed(plan, "x", NULL);
        for (int i = 0; i < 4 * 128; i++) in[i] = i == 5 && bad ? (double)NAN : (i * 37 % 61) / 61.0;
        gr_net_feed(plan, 1, bad, 0.1);
        assert_int_equal(gr_plan_run(plan), bad ? GR_E_DIVERGED : GR_OK);
        gr_store_read(r.store, w, after);
        gr_store_read(r.store, m, mean);
        assert_true((memcmp(before, after, sizeof before) == 0) == bad);
        assert_true(isfinite(mean[0]) && mean[0] != 0);
    }
    gr_plan_destroy(plan);
    end(&r);
}

/* ---- errors ---- */

typedef struct wrong {
    const char *type, *settings;
    gr_status code;
    int line, column;
    const char *file, *key, *message, *hint;
} wrong;

static void tells(gr_context *ctx, const wrong *w)
{
    const gr_error *e = gr_context_error(ctx);
    if (e->code != w->code || !strstr(e->message, w->message) || !strstr(e->hint, w->hint) ||
        strcmp(e->key, w->key) != 0 || strcmp(e->file, w->file) != 0 || e->line != w->line || e->column != w->column)
        fail_msg("%s %s: %s %s:%d:%d: %s: %s (%s)", w->type, w->settings ? w->settings : "", gr_status_name(e->code),
                 e->file, e->line, e->column, e->key, e->message, e->hint);
}

static void wrong_layers_say_where(void **state)
{
    (void)state;
    static const wrong all[] = {
        {"conv", "{filters: 4, kernal: 3}", GR_E_KEY, 1, 14, "layer 1, conv", "kernal", "unknown key \"kernal\"",
         "\"kernel\""},
        {"conv", "{filters: 4,\n kernel: 0}", GR_E_RANGE, 2, 2, "layer 1, conv", "kernel", "0 is not in [1, 1000000]",
         "size of the window"},
        {"conv", "{kernel: 3}", GR_E_MISSING, 1, 1, "layer 1, conv", "filters", "conv needs \"filters\"", "how many"},
        {"conv", NULL, GR_E_MISSING, 0, 0, "layer 1, conv", "filters", "conv needs \"filters\"", "how many"},
        {"convv", "{filters: 4}", GR_E_NAME, 0, 0, "layer 1, convv", "type", "unknown layer \"convv\"", "\"conv\""},
        {"conv", "{filters: 4", GR_E_SYNTAX, 2, 1, "layer 1, conv", "", "", ""},
        {"conv", "filters", GR_E_TYPE, 1, 1, "layer 1, conv", "", "\"filters\" is no map", "{key: value"},
        {"conv", "{filters: 4, type: dense}", GR_E_CONFLICT, 1, 14, "layer 1, conv", "type", "given already", "leave"},
        {"conv", "{filters: 4, from: input}", GR_E_UNSUPPORTED, 1, 14, "layer 1, conv", "from", "not named here",
         "values"},
        {"conv", "{filters: 4, name: a b}", GR_E_RANGE, 1, 14, "layer 1, conv", "name", "cannot be a layer's name", ""},
        {"conv", "{filters: 4, activation: rellu}", GR_E_NAME, 1, 14, "layer 1, conv", "activation",
         "unknown activation", "\"relu\""},
        {"conv", "{filters: 4, init: {weights: kaimin}}", GR_E_NAME, 1, 21, "layer 1, conv", "init.weights",
         "unknown initialiser", "\"kaiming\""},
        {"flatten", "{init: {bias: zeros}}", GR_E_CONFLICT, 1, 2, "layer 1, flatten", "init", "no parameters", ""},
        {"conv", "{filters: 4, kernel: 9}", GR_E_SHAPE, 1, 1, "layer 1, conv", "", "conv \"conv1\"", ""},
        {"residual", "{layers: [{type: conv, filtrs: 5}]}", GR_E_KEY, 1, 24, "layer 1, residual", "layers[0].filtrs",
         "unknown key \"filtrs\"", "\"filters\""},
        {"residual", "{layers: [{type: conv, filters: 5}]}", GR_E_SHAPE, 1, 1, "layer 1, residual", "",
         "\"residual1.conv1\" gives [6,6,5] and input 2 [8,8,2]: they cannot be added", ""},
        {"add", NULL, GR_E_CONFLICT, 0, 0, "layer 1, add", "type", "add takes at least 2 inputs, not 1", "gr_layer_of"},
    };
    for (size_t i = 0; i < GR_COUNT(all); i++) {
        rig r = begin(GR_MODE_TRAIN);
        assert_int_equal(layer(r.net, all[i].type, all[i].settings, r.x), GR_NONE);
        tells(r.ctx, &all[i]);
        assert_int_equal(gr_graph_status(r.g), all[i].code);
        assert_int_equal(layer(r.net, "flatten", NULL, r.x), GR_NONE); /* sticky */
        end(&r);
    }
}

static void names_do_not_collide(void **state)
{
    (void)state;
    static const wrong all[] = {
        {"dense", "{units: 3, name: conv1}", GR_E_CONFLICT, 1, 12, "layer 2, dense", "name",
         "\"conv1\" is a layer already, conv", "a name of its own"},
        {"conv", "{filters: 4, kernel: 1, name: conv1}", GR_E_SHAPE, 1, 1, "layer 2, conv", "",
         "parameter conv1.weight is [4,1,1,2] here and [4,3,3,2] where it was used first", ""},
        {"conv", "{filters: 4, name: conv1, init: {bias: zeros}}", GR_E_CONFLICT, 1, 27, "layer 2, conv", "init",
         "the parameters of \"conv1\" are there already", "first use"},
    };
    for (size_t i = 0; i < GR_COUNT(all); i++) {
        rig r = begin(GR_MODE_TRAIN);
        assert_true(layer(r.net, "conv", "{filters: 4}", r.x) != GR_NONE);
        assert_int_equal(layer(r.net, all[i].type, all[i].settings, r.x), GR_NONE);
        tells(r.ctx, &all[i]);
        end(&r);
    }
    rig r = begin(GR_MODE_TRAIN); /* the second dense is called dense2, which is somebody's name */
    gr_val flat = layer(r.net, "flatten", NULL, r.x);
    assert_true(layer(r.net, "dense", "{units: 128, name: dense2}", flat) != GR_NONE);
    assert_int_equal(layer(r.net, "dense", "{units: 128}", flat), GR_NONE);
    assert_int_equal(gr_context_error(r.ctx)->code, GR_E_CONFLICT);
    end(&r);
}

static void wrong_costs_say_where(void **state)
{
    (void)state;
    static const struct {
        wrong w;
        gr_dtype type;
        gr_shape target;
    } all[] = {
        {{"cross_entropi", NULL, GR_E_NAME, 0, 0, "cost 1, cross_entropi", "type", "unknown cost", "\"cross_entropy\""},
         GR_I32,
         {1, {4}}},
        {{"cross_entropy", "{label_smoothing: 1}", GR_E_RANGE, 1, 2, "cost 1, cross_entropy", "label_smoothing",
          "1 is not in [0, 1)", ""},
         GR_I32,
         {1, {4}}},
        {{"cross_entropy", "{class_weights: balanced}", GR_E_UNSUPPORTED, 1, 2, "cost 1, cross_entropy",
          "class_weights", "is not known here", "one number a class"},
         GR_I32,
         {1, {4}}},
        {{"cross_entropy", NULL, GR_E_TYPE, 0, 0, "cost 1, cross_entropy", "", "classes: GR_I32", ""},
         GR_REAL,
         {1, {4}}},
        {{"cross_entropy", NULL, GR_E_SHAPE, 0, 0, "cost 1, cross_entropy", "",
          "targets of shape [5] do not fit an output of shape [4,10]", ""},
         GR_I32,
         {1, {5}}},
        {{"mse", NULL, GR_E_SHAPE, 0, 0, "cost 1, mse", "", "targets of shape [4] do not fit", ""}, GR_REAL, {1, {4}}},
    };
    for (size_t i = 0; i < GR_COUNT(all); i++) {
        rig r = begin(GR_MODE_TRAIN);
        gr_val out = layer(r.net, "dense", "{units: 10}", layer(r.net, "flatten", NULL, r.x));
        gr_val target = gr_feed(r.g, "y", all[i].type, all[i].target);
        assert_int_equal(gr__net_cost(r.net, all[i].w.type, all[i].w.settings, out, target), GR_NONE);
        tells(r.ctx, &all[i].w);
        end(&r);
    }
}

static void wrong_optimizers_say_where(void **state)
{
    (void)state;
    static const wrong all[] = {
        {"adam", "{lr: -1}", GR_E_RANGE, 1, 2, "optimizer, adam", "lr", "-1 is not in [0, inf)", ""},
        {"adam", "{betta1: 0.5}", GR_E_KEY, 1, 2, "optimizer, adam", "betta1", "unknown key", "\"beta1\""},
        {"adamm", NULL, GR_E_NAME, 0, 0, "optimizer, adamm", "type", "unknown optimizer", "\"adam\""},
        {"adam", "{clip: {norm: 0}}", GR_E_RANGE, 1, 9, "optimizer, adam", "clip.norm", "0 is not in", ""},
        {"adam", "{groups: [{match: \"conv9.*\"}]}", GR_E_NAME, 1, 12, "optimizer, adam", "groups[0].match",
         "no parameter is called", ""},
        {"ranger", NULL, GR_E_UNSUPPORTED, 0, 0, "optimizer, ranger", "type", "it contains LookAhead", "recipes"},
        {"nag", NULL, GR_E_UNSUPPORTED, 0, 0, "optimizer, nag", "type", "ahead of the weights", "recipes"},
        {"switch", NULL, GR_E_UNSUPPORTED, 0, 0, "optimizer, switch", "type", "two methods", "recipes"},
        {"adahessian", "{hessian_interval: 3}", GR_E_UNSUPPORTED, 0, 0, "optimizer, adahessian", "type",
         "a second plan", ""},
    };
    for (size_t i = 0; i < GR_COUNT(all); i++) {
        rig r = begin(GR_MODE_TRAIN);
        gr_val out = layer(r.net, "dense", "{units: 10}", layer(r.net, "flatten", NULL, r.x));
        gr_status st = gr_optimize(r.net, all[i].type, all[i].settings, gr_mean_all(r.g, out));
        tells(r.ctx, &all[i]);
        assert_int_equal(st, all[i].code);
        assert_true(isnan(gr_net_rate(r.net)));
        end(&r);
    }
}

static void wrong_use_is_told(void **state)
{
    (void)state;
    rig r = begin(GR_MODE_EVALUATE);
    gr_val out = layer(r.net, "dense", "{units: 10}", layer(r.net, "flatten", NULL, r.x)), cost = gr_mean_all(r.g, out);
    assert_int_equal(gr_net_init(r.net, NULL, 1), GR_E_USAGE); /* not sealed */
    gr_context_clear_error(r.ctx);
    assert_int_equal(gr_net_param(r.net, 2, NULL), GR_NONE);
    assert_int_equal(gr_context_error(r.ctx)->code, GR_E_USAGE);
    gr_context_clear_error(r.ctx);
    assert_int_equal(gr_optimize(r.net, "adam", NULL, cost), GR_E_USAGE); /* for evaluation */
    end(&r);
    r = begin(GR_MODE_TRAIN);
    out = layer(r.net, "dense", "{units: 10}", layer(r.net, "flatten", NULL, r.x));
    test_ok(r.ctx, gr_optimize(r.net, "adam", "{lr: 0.25}", gr_mean_all(r.g, out)));
    assert_true(gr_net_rate(r.net) == 0.25);
    assert_int_equal(gr_optimize(r.net, "adam", NULL, gr_mean_all(r.g, out)), GR_E_USAGE); /* twice */
    gr_context_clear_error(r.ctx);
    test_ok(r.ctx, gr_store_seal(r.store));
    assert_int_equal(gr_net_init(r.net, "{last_bias: auto}", 1), GR_E_UNSUPPORTED);
    assert_string_equal(gr_context_error(r.ctx)->key, "last_bias");
    gr_context_clear_error(r.ctx);
    assert_int_equal(gr_net_init(r.net, "{weight: zeros}", 1), GR_E_KEY);
    end(&r);
    r = begin(GR_MODE_TRAIN);
    assert_int_equal(gr_optimize(r.net, "adam", NULL, gr_mean_all(r.g, r.x)), GR_E_USAGE); /* no parameters */
    end(&r);
    gr_context *ctx = test_context();
    gr_scheduler *s = NULL;
    assert_int_equal(gr_scheduler_create(ctx, "one_cycle", NULL, &(gr_scheduled){.lr = 0.1}, &s), GR_E_CONFLICT);
    gr_context_clear_error(ctx);
    assert_int_equal(gr_scheduler_create(ctx, "step", "{evry: 3}", &(gr_scheduled){.lr = 0.1}, &s), GR_E_KEY);
    assert_string_equal(gr_context_error(ctx)->file, "schedule, step");
    gr_context_clear_error(ctx);
    test_ok(ctx, gr_scheduler_create(ctx, "plateau", "{patience: 1, factor: 0.5}", &(gr_scheduled){.lr = 0.1}, &s));
    for (int i = 0; i < 4; i++) gr_scheduler_observe(s, i + 1, 1, 0.5);
    assert_true(gr_scheduler_rate(s, 5) == 0.05);
    gr_scheduler_destroy(s);
    test_context_end(ctx);
}

static void whole(rig *r) /* ends early after any failed acquisition, and leaks nothing */
{
    gr_val y = layer(r->net, "conv", "{filters: 2, activation: relu}", r->x);
    y = layer(r->net, "dense", "{units: 2}", layer(r->net, "flatten", NULL, y));
    gr_val cost = gr__net_cost(r->net, "cross_entropy", NULL, y, gr_feed(r->g, "y", GR_I32, GR_SHAPE(4)));
    if (gr_optimize(r->net, "adam", "{clip: {norm: 1}}", cost) == GR_OK && gr_store_seal(r->store) == GR_OK)
        assert_true(gr_net_init(r->net, "{weights: orthogonal}", 1) == GR_OK ||
                    gr_context_error(r->ctx)->code == GR_E_MEMORY);
}

static void every_failed_allocation_is_survived(void **state)
{
    (void)state;
    rig r = begin(GR_MODE_TRAIN);
    uint64_t before = gr__acquisitions(r.ctx), n;
    whole(&r);
    test_ok(r.ctx, gr_context_error(r.ctx)->code);
    n = gr__acquisitions(r.ctx) - before;
    end(&r);
    assert_true(n > 20);
    for (uint64_t k = 1; k <= n; k++) {
        r = begin(GR_MODE_TRAIN);
        gr__fail_acquisition(r.ctx, k);
        whole(&r);
        if (gr_context_error(r.ctx)->code != GR_E_MEMORY)
            fail_msg("acquisition %d: %s", (int)k, gr_context_error(r.ctx)->message);
        end(&r);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_a_recipe_trains_is_trained_by_hand),
        cmocka_unit_test(layers_of_one_name_share),
        cmocka_unit_test(evaluation_uses_what_training_declared),
        cmocka_unit_test(steps_beyond_a_length_count_for_nothing),
        cmocka_unit_test(the_guard_stands_before_every_update),
        cmocka_unit_test(wrong_layers_say_where),
        cmocka_unit_test(names_do_not_collide),
        cmocka_unit_test(wrong_costs_say_where),
        cmocka_unit_test(wrong_optimizers_say_where),
        cmocka_unit_test(wrong_use_is_told),
        cmocka_unit_test(every_failed_allocation_is_survived),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
