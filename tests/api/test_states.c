/* Whatever a network has been through, every function of it answers: with what it is asked for, or with an error that
 * says why not. */
#include "api/layers.h"
#include "gradus/ext/layer.h"
#include "gradus/net.h"
#include "gradus/scheduler.h"
#include "net_case.h"
#include "test.h"

/* ---- first values of parameters of every role and shape, by every initialiser ---- */

typedef struct odd { /* what a layer from outside declares */
    gr_shape shape;
    gr_role role;
    int64_t fan_in, fan_out;
} odd;

static gr_val build_odd(void *user, gr_build *b, const gr_settings *s, const gr_val *in, int n_in)
{
    const odd *o = user;
    (void)s, (void)n_in;
    gr_graph *g = gr_build_graph(b);
    gr_val w = gr_build_param(b, "odd", o->shape, o->role, o->fan_in, o->fan_out);
    return w ? gr_add(g, in[0], gr_mean_all(g, w)) : GR_NONE;
}

static gr_layer_descriptor odd_layer(odd *o)
{
    return (gr_layer_descriptor){
        .version = GR_LAYER_VERSION, .name = "odd", .title = "odd", .build = build_odd, .user = o};
}

static rig begin(odd *o, gr_mode mode)
{
    gr_context *ctx = test_context();
    gr_layer_descriptor d = odd_layer(o);
    test_ok(ctx, gr_layer_register(ctx, &d));
    rig r = rig_in(ctx, "cpu", mode, GR_SHAPE(2, 3));
    r.y = gr_feed(r.g, "y", GR_I32, GR_SHAPE(2)); /* classes */
    return r;
}

static gr_val layer(rig *r, const char *type, const char *settings, gr_val x)
{
    return gr__net_layer(r->net, type, settings, &x, 1);
}

static void every_role_and_shape_gets_values(void **state)
{
    (void)state;
    static const char *const inits[] = {NULL,
                                        "{weights: orthogonal}",
                                        "{weights: xavier}",
                                        "{weights: truncated_normal, bias: uniform}",
                                        "{weights: {type: constant, value: 2}}",
                                        "{bias: kaiming, relu_bias: 0.1}"};
    static const gr_shape shapes[] = {{0, {0}},    {1, {1}},       {1, {5}},
                                      {2, {3, 4}}, {3, {2, 3, 4}}, {4, {2, 2, 2, 2}},
                                      {2, {0, 3}}, {1, {0}},       {6, {1, 2, 1, 2, 1, 2}}};
    for (int role = 0; role < GR_ROLE_STATE; role++)
        for (size_t k = 0; k < GR_COUNT(shapes); k++)
            for (size_t i = 0; i < GR_COUNT(inits); i++) {
                odd o = {shapes[k], (gr_role)role, 3, 2};
                rig r = begin(&o, GR_MODE_TRAIN);
                assert_true(layer(&r, "odd", NULL, r.x) != GR_NONE);
                test_ok(r.ctx, gr_store_seal(r.store));
                test_ok(r.ctx, gr_net_init(r.net, inits[i], 4));
                end(&r);
            }
}

/* ---- everything that a network may have been through ---- */

static void nothing(rig *r)
{
    (void)r;
}

static void one_layer(rig *r)
{
    r->x = layer(r, "dense", "{units: 4}", r->x);
}

static void a_layer_that_fails_once_it_has_declared(rig *r)
{
    one_layer(r);
    layer(r, "odd", NULL, gr_reshape(r->g, r->x, GR_SHAPE(8))); /* of no samples that it can be added to */
    gr_graph_fail(r->g, GR_E_USAGE, "given up");
}

static void a_layer_within_that_fails(rig *r)
{
    layer(r, "residual", "{layers: [{type: dense, units: 3}, {type: dense, units: 5}]}", r->x);
}

static void an_unknown_layer(rig *r)
{
    one_layer(r);
    layer(r, "dens", NULL, r->x);
}

static void a_sealed_store(rig *r)
{
    test_ok(r->ctx, gr_store_seal(r->store));
}

static void a_layer_for_a_sealed_store(rig *r)
{
    a_sealed_store(r);
    one_layer(r);
}

static void a_layer_and_a_sealed_store(rig *r)
{
    one_layer(r);
    a_sealed_store(r);
}

static void a_cost(rig *r)
{
    one_layer(r);
    gr__net_cost(r->net, "cross_entropy", NULL, r->x, r->y);
}

static void a_cost_that_fails(rig *r)
{
    one_layer(r);
    gr__net_cost(r->net, "cross_entropy", NULL, r->x, r->x);
}

static void an_optimizer(rig *r)
{
    one_layer(r);
    test_ok(r->ctx, gr_optimize(r->net, "adam", NULL, gr__net_cost(r->net, "cross_entropy", NULL, r->x, r->y)));
}

static void an_optimizer_that_fails(rig *r)
{
    one_layer(r);
    assert_int_not_equal(
        GR_OK, gr_optimize(r->net, "adam", "{beta: 1}", gr__net_cost(r->net, "cross_entropy", NULL, r->x, r->y)));
}

static void an_optimizer_without_a_layer(rig *r)
{
    gr_val cost = gr__net_cost(r->net, "cross_entropy", NULL, r->x, r->y);
    assert_int_equal(gr_optimize(r->net, "sgd", NULL, cost), GR_E_USAGE);
}

static void layers_of_statistics(rig *r)
{
    r->x = layer(r, "batch_norm", NULL, layer(r, "dense", "{units: 4}", r->x));
}

static void a_graph_that_is_gone(rig *r)
{
    a_layer_and_a_sealed_store(r);
    gr_graph_destroy(r->g);
    r->g = NULL;
}

typedef void way(rig *r);
static way *const ways[] = {nothing,
                            one_layer,
                            a_layer_that_fails_once_it_has_declared,
                            a_layer_within_that_fails,
                            an_unknown_layer,
                            a_sealed_store,
                            a_layer_for_a_sealed_store,
                            a_layer_and_a_sealed_store,
                            a_cost,
                            a_cost_that_fails,
                            an_optimizer,
                            an_optimizer_that_fails,
                            an_optimizer_without_a_layer,
                            layers_of_statistics,
                            a_graph_that_is_gone};

/* ---- every function then ---- */

static void layer_then(rig *r)
{
    (void)layer(r, "dense", "{units: 2}", r->x);
}

static void cost_then(rig *r)
{
    (void)gr__net_cost(r->net, "cross_entropy", NULL, r->x, r->y);
}

static void prediction_then(rig *r)
{
    (void)gr__net_prediction(r->net, "mse", NULL, r->x);
}

static void lengths_then(rig *r)
{
    gr_net_lengths(r->net, gr_reshape(r->g, r->x, GR_SHAPE(2, gr_shape_count(gr_shape_of(r->g, r->x)) / 2, 1)), r->y);
}

static void optimize_then(rig *r)
{
    gr_status st = gr_optimize(r->net, "sgd", NULL, gr__net_cost(r->net, "cross_entropy", NULL, r->x, r->y));
    if (st != GR_OK) assert_true(r->forgot || gr_context_error(r->ctx)->message[0]);
}

static void parameters_then(rig *r)
{
    const char *name;
    for (int i = -1; i <= gr_net_params(r->net); i++)
        if (gr_net_param(r->net, i, &name)) assert_true(i >= 0 && i < gr_net_params(r->net) && name[0]);
}

static void init_then(rig *r)
{
    gr_status st = gr_net_init(r->net, NULL, 7);
    if (st != GR_OK) assert_true(gr_context_error(r->ctx)->message[0]);
}

static void seal_and_init_then(rig *r)
{
    (void)!gr_store_seal(r->store);
    init_then(r);
}

static void forget_and_init_then(rig *r)
{
    gr_context_clear_error(r->ctx);
    r->forgot = true;
    seal_and_init_then(r);
}

static void compile_then(rig *r)
{
    gr_plan *p = NULL;
    gr_output(r->g, "out", r->x);
    if (gr_plan_compile(r->ctx, r->g, r->store, &(gr_plan_options){.backend = gr_backend_get("cpu")}, &p) == GR_OK)
        gr_net_feed(p, 3, 0, 0.1);
    gr_plan_destroy(p);
    (void)gr_net_rate(r->net);
}

static const struct {
    way *call;
    bool wants_graph;
} calls[] = {{layer_then, true},   {cost_then, true},           {prediction_then, true},
             {lengths_then, true}, {optimize_then, true},       {parameters_then, true},
             {init_then, false},   {seal_and_init_then, false}, {forget_and_init_then, false},
             {compile_then, true}};

static void every_function_answers_in_every_state(void **state)
{
    (void)state;
    for (size_t w = 0; w < GR_COUNT(ways); w++)
        for (size_t c = 0; c < GR_COUNT(calls) * GR_COUNT(calls); c++)
            for (int mode = 0; mode < 2; mode++) {
                odd o = {GR_SHAPE(3, 4), GR_ROLE_WEIGHT, 3, 4};
                bool trains = ways[w] == an_optimizer || ways[w] == an_optimizer_that_fails ||
                              ways[w] == an_optimizer_without_a_layer;
                if (trains && mode) continue;
                rig r = begin(&o, mode ? GR_MODE_EVALUATE : GR_MODE_TRAIN);
                ways[w](&r);
                size_t both[] = {c / GR_COUNT(calls), c % GR_COUNT(calls)};
                for (int i = 0; i < 2; i++)
                    if (r.g || !calls[both[i]].wants_graph) calls[both[i]].call(&r);
                assert_int_not_equal(gr_context_error(r.ctx)->code, GR_E_INTERNAL);
                end(&r);
            }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_role_and_shape_gets_values),
        cmocka_unit_test(every_function_answers_in_every_state),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
