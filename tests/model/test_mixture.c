/* Mixtures in the training graph: costs and gradients are those of the mixed inputs with either label, in the shares
 * that were drawn; values, classes with weights, pictures and flat inputs; and nothing is mixed where nobody asks for
 * it. */
#include <math.h>
#include <string.h>

#include "base/rng.h"
#include "graph/eval.h"
#include "model/network.h"
#include "model_case.h"

enum { B = 5, H = 4, W = 6, C = 2, K = 3, N = H * W * C, GRADIENT = 9 * C * 2 };

typedef struct numbers { /* that graphs read */
    double x[B * N], y[B * K], partner[B], draw[5], big[4096];
} numbers;

static numbers data;
static const char *const drawn[] = {GR_FEED_MIX_SHARE, GR_FEED_MIX_TOP, GR_FEED_MIX_LEFT, GR_FEED_MIX_BOTTOM,
                                    GR_FEED_MIX_RIGHT};

/* Parameters are numbers that follow from their name. */
static const double *leaf(void *user, const gr_graph *g, const gr_node *n)
{
    numbers *d = user;
    const char *name = n->attr.name;
    (void)g;
    for (size_t i = 0; i < GR_COUNT(drawn); i++)
        if (strcmp(name, drawn[i]) == 0) return &d->draw[i];
    if (strcmp(name, GR_FEED_MIX_PARTNER) == 0) return d->partner;
    if (strncmp(name, "input/", 6) == 0) return d->x;
    if (strncmp(name, "target/", 7) == 0) return d->y;
    if (strncmp(name, "run/", 4) == 0) return memset(d->big, 0, sizeof d->big);
    gr__rng r = gr__rng_make(4, name, 0, 0);
    for (int i = 0; i < 4096; i++) d->big[i] = 0.3 * gr__rng_normal(&r);
    return d->big;
}

/* The cost and the first convolution's gradient. */
static double run(gr_context *ctx, const gr_network *n, bool mix, double gradient[GRADIENT])
{
    gr_graph *g;
    gr_network_values v;
    double cost;
    test_ok(ctx, gr_graph_create(ctx, &g));
    test_ok(ctx, gr__network_build_with(n, g, GR_MODE_TRAIN, B, true, &(gr_network_options){.mix = mix}, &v));
    gr_val w = gr_param(g, "c1.weight", GR_SHAPE(2, 3, 3, C)), wanted[2] = {v.cost_sum};
    test_ok(ctx, gr_gradients(g, v.cost_sum, &w, 1, &wanted[1]));
    test_ok(ctx, gr__eval(g, wanted, 2, leaf, &data, (double *[]){&cost, gradient}));
    gr_graph_destroy(g);
    return cost;
}

static void mixed_inputs(const gr_mixture *m, double *to)
{
    for (int b = 0; b < B; b++)
        for (int i = 0; i < N; i++) {
            int y = i / (W * C), x = i / C % W, other = (int)data.partner[b];
            bool inside = y >= data.draw[1] && y < data.draw[3] && x >= data.draw[2] && x < data.draw[4];
            double own = data.x[b * N + i], theirs = data.x[other * N + i];
            to[b * N + i] =
                m->kind == GR_MIX_PATCH ? (inside ? theirs : own) : data.draw[0] * own + (1 - data.draw[0]) * theirs;
        }
}

static void check(const char *augment, const char *cost, bool classes)
{
    gr_context *ctx = test_context();
    char text[1000];
    snprintf(text, sizeof text,
             "gradus: 1\ndata: {train: {type: npy, inputs: x.npy, targets: y.npy}, augment: [%s]}\nprecision: float64\n"
             "model: {input: [4, 6, 2], layers: [{type: conv, filters: 2, kernel: 3, padding: same, name: c1}, tanh, "
             "flatten, {type: dense, units: 3, name: d1}]}\ncost: %s\n",
             augment, cost);
    gr_recipe *r = open_text(ctx, text, NULL, 0);
    gr_network *n = NULL;
    test_ok(ctx, gr__network_make(ctx, r, NULL, &n));
    gr__rng rng = gr__rng_make(8, "numbers", 0, 0);
    for (int update = 0; update < 6; update++) {
        static double mixed[B * N], own[GRADIENT], theirs[GRADIENT], both[GRADIENT], plain[GRADIENT], y[B * K],
            x[B * N];
        gr_mixture_draw d;
        int32_t partner[B];
        int width = classes ? 1 : K;
        for (int i = 0; i < B * N; i++) data.x[i] = gr__rng_normal(&rng);
        for (int i = 0; i < B * K; i++) data.y[i] = classes ? (double)gr__rng_below(&rng, K) : gr__rng_normal(&rng);
        gr__mixture_draw(&r->mixture, 2, update, 0, B, &d, partner);
        for (int b = 0; b < B; b++) data.partner[b] = partner[b];
        memcpy(data.draw, (double[]){d.share, d.top, d.left, d.bottom, d.right}, sizeof data.draw);
        double cost_both = run(ctx, n, true, both), cost_plain = run(ctx, n, false, plain);
        mixed_inputs(&r->mixture, mixed);
        memcpy(x, data.x, sizeof x);
        memcpy(y, data.y, sizeof y);
        memcpy(data.x, mixed, sizeof x);
        double cost_own = run(ctx, n, false, own);
        for (int b = 0; b < B; b++)
            for (int k = 0; k < width; k++) data.y[b * width + k] = y[partner[b] * width + k];
        double cost_theirs = run(ctx, n, false, theirs), want = d.share * cost_own + (1 - d.share) * cost_theirs;
        assert_true(fabs(cost_both - want) <= 1e-12 * fabs(want));
        assert_true(d.share > 0.999 || fabs(cost_both - cost_plain) > 1e-9 * fabs(want));
        for (int i = 0; i < GRADIENT; i++)
            assert_true(fabs(both[i] - d.share * own[i] - (1 - d.share) * theirs[i]) <= 1e-11 * (1 + fabs(both[i])));
    }
    gr__network_destroy(n);
    gr__recipe_close(ctx, r);
    test_context_end(ctx);
}

static void costs_are_in_the_shares_of_the_labels(void **state)
{
    (void)state;
    static const char *const changes[] = {"mixup", "{type: mixup, alpha: 3}", "cutmix", "{type: cutmix, alpha: 0.3}"};
    for (size_t i = 0; i < GR_COUNT(changes); i++) {
        check(changes[i], "cross_entropy", true);
        check(changes[i], "{type: cross_entropy, class_weights: [1, 0.5, 3], label_smoothing: 0.1}", true);
        check(changes[i], "mse", false);
        check(changes[i], "huber", false);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(costs_are_in_the_shares_of_the_labels)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
