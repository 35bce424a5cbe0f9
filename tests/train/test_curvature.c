/* AdaHessian's estimate of the Hessian's diagonal: on a network of 203 weights the mean of z (H z) over many draws is
 * the exact diagonal, within its standard error. All in float64. [mission O23, SYS21] */
#include <math.h>

#include "small.h"

enum { WEIGHTS = 203, TENSORS = 4, DRAWS = 400 };

typedef struct hessian { /* plans over one batch */
    gr_context *ctx;
    gr_recipe *recipe;
    gr_task task;
    gr_store *store;
    gr_plan *product, *draw; /* H z of given z; z of an update */
    const gr_param_info *params;
} hessian;

static void name_of(char name[16], const char *what, size_t i)
{
    snprintf(name, 16, "%s%zu", what, i);
}

static void build_product(hessian *h)
{
    gr_graph *g;
    gr_network_values v;
    gr_val leaf[TENSORS], grad[TENSORS], hz[TENSORS], along;
    char name[16];
    test_ok(h->ctx, gr_graph_create(h->ctx, &g));
    test_ok(h->ctx, gr__network_build(h->task.network, g, GR_MODE_TRAIN, gr__task_batch(&h->task), true, &v));
    for (size_t i = 0; i < TENSORS; i++) leaf[i] = gr_param(g, h->params[i].entry.name, h->params[i].entry.shape);
    test_ok(h->ctx, gr_gradients(g, v.cost_sum, leaf, TENSORS, grad));
    along = gr_const(g, 0);
    for (size_t i = 0; i < TENSORS; i++) {
        name_of(name, "z", i);
        along =
            gr_add(g, along, gr_sum_all(g, gr_mul(g, grad[i], gr_feed(g, name, GR_REAL, h->params[i].entry.shape))));
    }
    test_ok(h->ctx, gr_gradients(g, along, leaf, TENSORS, hz));
    for (size_t i = 0; i < TENSORS; i++) {
        name_of(name, "h", i);
        gr_output(g, name, hz[i]);
    }
    test_ok(h->ctx, gr_plan_compile(h->ctx, g, h->store,
                                    &(gr_plan_options){.backend = h->task.backend, .name = "product"}, &h->product));
    gr_graph_destroy(g);
}

static void build_draw(hessian *h)
{
    gr_graph *g;
    char name[16];
    test_ok(h->ctx, gr_graph_create(h->ctx, &g));
    gr_val seed = gr_feed(g, GR_FEED_SEED, GR_REAL, GR_SCALAR), update = gr_feed(g, GR_FEED_UPDATE, GR_REAL, GR_SCALAR);
    for (size_t i = 0; i < TENSORS; i++) {
        name_of(name, "z", i);
        gr_output(g, name, gr__optim_rademacher(g, &h->params[i], seed, update));
    }
    test_ok(h->ctx, gr_plan_compile(h->ctx, g, h->store, &(gr_plan_options){.backend = h->task.backend, .name = "draw"},
                                    &h->draw));
    gr_graph_destroy(g);
}

static void hessian_open(hessian *h)
{
    static const char text[] = "gradus: 1\nseed: 5\nprecision: float64\ndata: {train: {type: synthetic, kind: blobs, "
                               "n: 48, features: 5, classes: 5, seed: 2}, "
                               "batch: all}\n"
                               "model: {input: 5, layers: [{type: dense, units: 18, activation: tanh}, {type: dense, "
                               "units: 5}]}\noptimizer: adahessian\n";
    size_t n;
    *h = (hessian){.ctx = test_context_with(1, 0)};
    test_ok(h->ctx, gr__recipe_from_text(h->ctx, "hessian", ".", text, sizeof text - 1, NULL, 0, &h->recipe));
    test_ok(h->ctx, gr__task_open(h->ctx, h->recipe, 1u << GR_PART_TRAIN, NULL, &h->task));
    assert_int_equal(gr__network_parameter_count(h->task.network), WEIGHTS);
    h->params = gr__network_params(h->task.network, &n);
    assert_int_equal(n, TENSORS);
    test_ok(h->ctx, gr_store_create(h->ctx, h->task.backend, &h->store));
    test_ok(h->ctx, gr__network_declare(h->task.network, h->store));
    build_product(h);
    build_draw(h);
    test_ok(h->ctx, gr_store_seal(h->store));
    test_ok(h->ctx, gr__network_init(h->task.network, h->store));
    test_ok(h->ctx, gr_plan_bind(h->product, NULL));
    test_ok(h->ctx, gr_plan_bind(h->draw, NULL));
}

static void hessian_close(hessian *h)
{
    gr_plan_destroy(h->product);
    gr_plan_destroy(h->draw);
    gr_store_destroy(h->store);
    gr__task_close(&h->task);
    gr__recipe_close(h->ctx, h->recipe);
    test_context_end(h->ctx);
}

/* Fills a feed; gives how many bytes it has. */
static size_t put(gr_plan *p, const char *name, const void *from)
{
    size_t bytes;
    void *to = gr_plan_feed(p, name, &bytes);
    assert_non_null(to);
    memcpy(to, from, bytes);
    return bytes;
}

/* hz = H z for all weights in order. */
static void multiply(hessian *h, const gr_batch *b, const double z[WEIGHTS], double hz[WEIGHTS])
{
    char name[16];
    size_t at = 0;
    put(h->product, "input/input", b->field[0]);
    put(h->product, "target/main", b->field[1]);
    for (size_t i = 0; i < TENSORS; i++) {
        name_of(name, "z", i);
        at += put(h->product, name, z + at) / sizeof(double);
    }
    test_ok(h->ctx, gr_plan_run(h->product));
    at = 0;
    for (size_t i = 0; i < TENSORS; i++) {
        gr_shape s;
        name_of(name, "h", i);
        const void *from = gr_plan_output(h->product, name, &s);
        memcpy(hz + at, from, sizeof(double) * (size_t)gr_shape_count(s));
        at += (size_t)gr_shape_count(s);
    }
    assert_int_equal(at, WEIGHTS);
}

static void signs(hessian *h, double update, double z[WEIGHTS])
{
    char name[16];
    size_t at = 0;
    *(double *)gr_plan_feed(h->draw, GR_FEED_SEED, NULL) = 5;
    *(double *)gr_plan_feed(h->draw, GR_FEED_UPDATE, NULL) = update;
    test_ok(h->ctx, gr_plan_run(h->draw));
    for (size_t i = 0; i < TENSORS; i++) {
        gr_shape s;
        name_of(name, "z", i);
        const void *from = gr_plan_output(h->draw, name, &s);
        memcpy(z + at, from, sizeof(double) * (size_t)gr_shape_count(s));
        at += (size_t)gr_shape_count(s);
    }
}

static void the_mean_of_z_h_z_is_the_diagonal(void **state)
{
    (void)state;
    static double H[WEIGHTS][WEIGHTS], z[WEIGHTS], hz[WEIGHTS], sum[WEIGHTS], square[WEIGHTS];
    hessian h;
    gr_batch b;
    gr_loader *loader;
    double ups = 0, off = 0, scale = 0, worst = 0, total = 0;
    hessian_open(&h);
    gr_loader_options o = gr__task_loader(&h.task, GR_PART_TRAIN, false);
    test_ok(h.ctx, gr__loader_create(h.ctx, &o, &loader));
    test_ok(h.ctx, gr__loader_next(loader, &b));
    for (int i = 0; i < WEIGHTS; i++) {
        memset(z, 0, sizeof z);
        z[i] = 1;
        multiply(&h, &b, z, H[i]);
    }
    for (int i = 0; i < WEIGHTS; i++)
        for (int k = 0; k < WEIGHTS; k++) off = fmax(off, fabs(H[i][k] - H[k][i])), scale = fmax(scale, fabs(H[i][k]));
    assert_true(off < 1e-12 * scale); /* a Hessian is symmetric */
    memset(sum, 0, sizeof sum), memset(square, 0, sizeof square);
    for (int t = 0; t < DRAWS; t++) {
        signs(&h, t, z);
        multiply(&h, &b, z, hz);
        for (int i = 0; i < WEIGHTS; i++) {
            double d = z[i] * hz[i];
            assert_true(z[i] == 1 || z[i] == -1);
            ups += z[i] == 1;
            sum[i] += d, square[i] += d * d;
        }
    }
    double share = ups / (DRAWS * (double)WEIGHTS);
    assert_true(fabs(share - 0.5) < 4 * 0.5 / sqrt(DRAWS * (double)WEIGHTS));
    for (int i = 0; i < WEIGHTS; i++) { /* the standard error from the Hessian itself: the variance of a draw is the sum
                                           of the squares off the diagonal */
        double variance = 0;
        for (int k = 0; k < WEIGHTS; k++)
            if (k != i) variance += H[i][k] * H[i][k];
        double error = (sum[i] / DRAWS - H[i][i]) / sqrt(variance / DRAWS);
        worst = fmax(worst, fabs(error));
        total += error * error;
    }
    assert_true(worst < 4.5);                     /* of 203 normal numbers: beyond it once in 700 tries */
    assert_true(fabs(total / WEIGHTS - 1) < 0.5); /* and they are that large: no estimate is better than its spread */
    gr__loader_destroy(loader);
    hessian_close(&h);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(the_mean_of_z_h_z_is_the_diagonal)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
