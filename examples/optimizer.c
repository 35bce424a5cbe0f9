/* An optimizer from outside the tree: Signum, which steps by the sign of a momentum (Bernstein et al. 2018).
 *
 * It is written as expressions, for one parameter; weight decay, clipping, groups and the guard stand around it as
 * around any other. Here it fits a small network to a sine. Build: cc optimizer.c $(pkg-config --cflags --libs gradus)
 * -lm */
#include <gradus/ext/optimizer.h>
#include <gradus/gradus.h>
#include <math.h>
#include <stdio.h>

static gr_val average(gr_graph *g, gr_val beta, gr_val old, gr_val x) /* beta old + (1 - beta) x */
{
    return gr_add(g, gr_mul(g, beta, old), gr_mul(g, gr_sub(g, gr_const(g, 1), beta), x));
}

static gr_val signum(void *user, gr_step *s, gr_val w, gr_val grad)
{
    gr_graph *g = gr_step_graph(s);
    gr_val m = average(g, gr_step_arg(s, "momentum"), gr_step_slot(s, "m", 0), grad);
    (void)user;
    gr_step_keep(s, "m", m);
    return gr_sub(g, w, gr_mul(g, gr_step_rate(s), gr_sign(g, m)));
}

static gr_status register_signum(gr_context *ctx)
{
    static const gr_setting settings[] = {
        {.name = "lr", .kind = GR_SETTING_REAL, .value = "0.0001", .range = "[0,inf)", .help = "learning rate"},
        {.name = "momentum", .kind = GR_SETTING_REAL, .value = "0.9", .range = "[0,1)", .help = "of old gradients"}};
    return gr_optimizer_register(ctx, &(gr_optimizer_descriptor){.version = GR_OPTIMIZER_VERSION,
                                                                 .name = "signum",
                                                                 .title = "Signum: the sign of a momentum",
                                                                 .cite = "Bernstein et al. 2018, algorithm 1",
                                                                 .equations = "m <- momentum m + (1 - momentum) g\n"
                                                                              "w <- w - lr (sign(m) + weight_decay w)",
                                                                 .settings = settings,
                                                                 .n_settings = 2,
                                                                 .decay = GR_DECAY_OF_WEIGHT,
                                                                 .update = signum});
}

enum { N = 64, UPDATES = 2000 };

static gr_status fit(gr_context *ctx, gr_graph *g, gr_store *store, gr_net *net, gr_plan **plan)
{
    gr_val x = gr_feed(g, "x", GR_REAL, GR_SHAPE(N, 1)), y = gr_feed(g, "y", GR_REAL, GR_SHAPE(N, 1));
    gr_val h = gr_layer(net, "dense", "{units: 48, activation: tanh}", x);
    h = gr_layer(net, "dense", "{units: 48, activation: tanh}", h);
    gr_val cost = gr_cost(net, "mse", NULL, gr_layer(net, "dense", "{units: 1}", h), y);
    gr_output(g, "cost", cost);
    gr_status st = gr_optimize(net, "signum", "{lr: 0.002, weight_decay: 0.001}", cost);
    if (st == GR_OK) st = gr_plan_compile(ctx, g, store, &(gr_plan_options){.backend = gr_backend_get("cpu")}, plan);
    if (st == GR_OK) st = gr_store_seal(store);
    if (st == GR_OK) st = gr_net_init(net, NULL, 7);
    if (st == GR_OK) st = gr_plan_bind(*plan, NULL);
    for (int update = 0; update <= UPDATES && st == GR_OK; update++) {
        float *xs = gr_plan_feed(*plan, "x", NULL), *ys = gr_plan_feed(*plan, "y", NULL);
        for (int i = 0; i < N; i++) {
            xs[i] = 2 * (float)i / (N - 1) - 1;
            ys[i] = (float)sin(6 * xs[i]);
        }
        gr_net_feed(*plan, 7, update, gr_net_rate(net) * (1 - (double)update / (UPDATES + 1)));
        st = gr_plan_run(*plan);
        if (st == GR_OK && update % 500 == 0)
            printf("update %4d  cost %.5f\n", update, *(const double *)gr_plan_output(*plan, "cost", NULL));
    }
    return st;
}

int main(void)
{
    gr_context *ctx;
    gr_graph *g = NULL;
    gr_store *store = NULL;
    gr_net *net = NULL;
    gr_plan *plan = NULL;
    if (gr_context_create(NULL, &ctx) != GR_OK) return 1;
    gr_status st = register_signum(ctx);
    if (st == GR_OK) st = gr_graph_create(ctx, &g);
    if (st == GR_OK) st = gr_store_create(ctx, gr_backend_get("cpu"), &store);
    if (st == GR_OK) st = gr_net_create(g, store, GR_MODE_TRAIN, &net);
    if (st == GR_OK) st = fit(ctx, g, store, net, &plan);
    if (st != GR_OK) fprintf(stderr, "optimizer: %s\n", gr_context_error(ctx)->message);
    gr_plan_destroy(plan);
    gr_net_destroy(net);
    gr_store_destroy(store);
    gr_graph_destroy(g);
    gr_context_destroy(ctx);
    return st == GR_OK ? 0 : 1;
}
