/* A layer of one's own and a training loop of one's own, on two spirals.
 *
 * The layer is maxout, the largest of several weighted sums (Goodfellow et al. 2013); the context knows it by name once
 * it is registered. The loop has a schedule, batches in a new order every epoch, and an evaluation that ends it.
 * Build: cc custom_layer.c $(pkg-config --cflags --libs gradus) -lm */
#include <gradus/ext/layer.h>
#include <gradus/gradus.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

enum { TRAINING = 512, VALIDATION = 256, BATCH = 64, EPOCHS = 60 };

/* ---- the layer ---- */

static gr_val maxout(void *user, gr_build *b, const gr_settings *s, const gr_val *in, int n_in)
{
    gr_graph *g = gr_build_graph(b);
    gr_shape x = gr_shape_of(g, in[0]);
    int64_t units = gr_setting_int(s, "units"), pieces = gr_setting_int(s, "pieces"), sums = units * pieces;
    (void)user, (void)n_in;
    if (x.rank != 2) return gr_graph_fail(g, GR_E_SHAPE, "takes samples of one axis; flatten them");
    gr_val w = gr_build_param(b, "weight", GR_SHAPE(sums, x.dim[1]), GR_ROLE_WEIGHT, x.dim[1], sums),
           c = gr_build_param(b, "bias", GR_SHAPE(sums), GR_ROLE_BIAS, x.dim[1], sums);
    gr_val z = gr_add(g, gr_matmul(g, in[0], w, false, true), c);
    return gr_reduce_max(g, gr_reshape(g, z, GR_SHAPE(x.dim[0], units, pieces)), (const int[]){2}, 1, false);
}

static gr_status register_maxout(gr_context *ctx)
{
    static const gr_setting settings[] = {
        {.name = "units", .kind = GR_SETTING_INT, .range = "[1,100000]", .help = "how many outputs"},
        {.name = "pieces", .kind = GR_SETTING_INT, .value = "2", .range = "[1,100]", .help = "sums an output"}};
    return gr_layer_register(ctx, &(gr_layer_descriptor){.version = GR_LAYER_VERSION,
                                                         .name = "maxout",
                                                         .title = "Maxout: the largest of several weighted sums",
                                                         .cite = "Goodfellow et al. 2013",
                                                         .equations = "y_i = max_j (W_ij x + b_ij)",
                                                         .settings = settings,
                                                         .n_settings = 2,
                                                         .build = maxout});
}

/* ---- the data ---- */

static uint64_t dice = 1;

static double roll(void) /* uniform in [0,1) */
{
    dice = dice * 6364136223846793005U + 1442695040888963407U;
    return (double)(dice >> 33) / 2147483648.0;
}

static void spirals(int n, float *x, int32_t *y)
{
    for (int i = 0; i < n; i++) {
        double r = sqrt(roll()), angle = 7 * r + (i % 2 ? acos(-1) : 0);
        x[2 * i] = (float)(r * cos(angle) + 0.02 * (roll() - 0.5));
        x[2 * i + 1] = (float)(r * sin(angle) + 0.02 * (roll() - 0.5));
        y[i] = i % 2;
    }
}

/* ---- a network, for training or as it is used ---- */

typedef struct machine {
    gr_graph *g;
    gr_net *net;
    gr_plan *plan;
} machine;

static gr_status make(gr_context *ctx, gr_store *store, gr_mode mode, int n, machine *m)
{
    gr_status st = gr_graph_create(ctx, &m->g);
    if (st == GR_OK) st = gr_net_create(m->g, store, mode, &m->net);
    if (st != GR_OK) return st;
    gr_val x = gr_feed(m->g, "x", GR_REAL, GR_SHAPE(n, 2));
    gr_val h = gr_layer(m->net, "maxout", "{units: 32, pieces: 3}", x);
    h = gr_layer(m->net, "maxout", "{units: 32}", h);
    h = gr_layer(m->net, "dense", "{units: 2, name: head}", h);
    if (mode == GR_MODE_TRAIN) {
        gr_val cost = gr_cost(m->net, "cross_entropy", NULL, h, gr_feed(m->g, "y", GR_I32, GR_SHAPE(n)));
        st = gr_optimize(m->net, "adam", "{lr: 0.01, clip: {norm: 1}}", cost);
        gr_output(m->g, "cost", cost);
    } else {
        gr_output(m->g, "p", gr_prediction(m->net, "cross_entropy", NULL, h));
    }
    if (st == GR_OK)
        st = gr_plan_compile(ctx, m->g, store, &(gr_plan_options){.backend = gr_backend_get("cpu")}, &m->plan);
    return st;
}

static void end(machine *m)
{
    gr_plan_destroy(m->plan);
    gr_net_destroy(m->net);
    gr_graph_destroy(m->g);
}

static gr_status accuracy(gr_context *ctx, machine *m, const float *x, const int32_t *y, double *out)
{
    gr_tally *t = NULL;
    memcpy(gr_plan_feed(m->plan, "x", NULL), x, VALIDATION * 2 * sizeof *x);
    gr_status st = gr_plan_run(m->plan);
    if (st == GR_OK) st = gr_tally_create(ctx, &(gr_tally_options){.form = GR_TALLY_CLASSES, .outputs = 2}, &t);
    if (st == GR_OK) st = gr_tally_add(t, VALIDATION, y, gr_plan_output(m->plan, "p", NULL));
    if (st == GR_OK) st = gr_tally_figure(t, "accuracy", NULL, out);
    gr_tally_destroy(t);
    return st;
}

/* ---- the loop ---- */

static gr_status run(gr_context *ctx, gr_store *store, machine *train, machine *use)
{
    static float x[TRAINING * 2], vx[VALIDATION * 2];
    static int32_t y[TRAINING], vy[VALIDATION];
    int order[TRAINING];
    gr_scheduler *schedule = NULL;
    int64_t update = 0;
    double right = 0;
    spirals(TRAINING, x, y), spirals(VALIDATION, vx, vy);
    for (int i = 0; i < TRAINING; i++) order[i] = i;

    gr_status st = make(ctx, store, GR_MODE_TRAIN, BATCH, train);
    if (st == GR_OK) st = make(ctx, store, GR_MODE_EVALUATE, VALIDATION, use); /* the same parameters */
    if (st == GR_OK) st = gr_store_seal(store);
    if (st == GR_OK) st = gr_net_init(train->net, NULL, 1);
    if (st == GR_OK) st = gr_plan_bind(train->plan, NULL);
    if (st == GR_OK) st = gr_plan_bind(use->plan, NULL);
    const gr_scheduled whole = {.lr = gr_net_rate(train->net), .updates = EPOCHS * TRAINING / BATCH};
    if (st == GR_OK) st = gr_scheduler_create(ctx, "polynomial", "{warmup: 20}", &whole, &schedule);

    for (int epoch = 0; epoch < EPOCHS && right < 0.995 && st == GR_OK; epoch++) {
        double sum = 0;
        for (int i = TRAINING - 1; i > 0; i--) {
            int j = (int)(roll() * (i + 1)), o = order[i];
            order[i] = order[j], order[j] = o;
        }
        for (int first = 0; first < TRAINING && st == GR_OK; first += BATCH, update++) {
            float *to = gr_plan_feed(train->plan, "x", NULL);
            int32_t *label = gr_plan_feed(train->plan, "y", NULL);
            for (int i = 0; i < BATCH; i++) {
                int from = order[first + i];
                to[2 * i] = x[2 * from], to[2 * i + 1] = x[2 * from + 1], label[i] = y[from];
            }
            gr_net_feed(train->plan, 1, update, gr_scheduler_rate(schedule, update));
            st = gr_plan_run(train->plan);
            if (st == GR_OK) sum += *(const double *)gr_plan_output(train->plan, "cost", NULL);
        }
        if (st == GR_OK) st = accuracy(ctx, use, vx, vy, &right);
        if (st == GR_OK && epoch % 5 == 4)
            printf("epoch %2d  cost %.4f  validation accuracy %.3f\n", epoch + 1, sum / (TRAINING / BATCH), right);
    }
    if (st == GR_OK) printf("%lld updates, validation accuracy %.3f\n", (long long)update, right);
    gr_scheduler_destroy(schedule);
    return st;
}

int main(void)
{
    gr_context *ctx;
    gr_store *store = NULL;
    machine train = {0}, use = {0};
    if (gr_context_create(NULL, &ctx) != GR_OK) return 1;
    gr_status st = register_maxout(ctx);
    if (st == GR_OK) st = gr_store_create(ctx, gr_backend_get("cpu"), &store);
    if (st == GR_OK) st = run(ctx, store, &train, &use);
    if (st != GR_OK) {
        const gr_error *e = gr_context_error(ctx);
        fprintf(stderr, "%s:%d:%d: %s: %s\n  %s\n", e->file, e->line, e->column, e->key, e->message, e->hint);
    }
    end(&train), end(&use);
    gr_store_destroy(store);
    gr_context_destroy(ctx);
    return st == GR_OK ? 0 : 1;
}
