/* Updates that want curvature, in whole trainings.  [mission O23] */
#include "model/file.h"
#include "support/trainings.h"

static void adahessian_trains_a_convolutional_network(void **state)
{
    (void)state;
    model m;
    costs k;
    static const char *const intervals[] = {"optimizer.hessian_interval=1", "optimizer.hessian_interval=3"};
    for (size_t i = 0; i < GR_COUNT(intervals); i++) {
        fit("optimizer: {type: adahessian, lr: 0.05, eps: 0.01}\nvalidate: none\nstop: {steps: 40}\n", &intervals[i], 1,
            "last.safetensors", &m, &k);
        double early = 0, late = 0;
        for (int t = 0; t < 6; t++) early += k.train[t] / 6, late += k.train[k.n - 1 - t] / 6;
        assert_true(late < 0.5 * early);
        model_free(&m);
    }
}

/* The mean over the classes of slot h beside the bias, after 400 updates at rate 0. */
static double curvature_of_the_bias(const char *more)
{
    static const char *const sets[] = {
        "model={input: [16, 16, 1], layers: [flatten, {type: dense, units: 10, name: head, init: {weights: zeros, "
        "bias: zeros}}]}"};
    small s;
    gr_recipe *r;
    gr_train_result result;
    gr_st *st;
    char text[400], path[200];
    snprintf(text, sizeof text,
             "precision: float64\nvalidate: none\nstop: {steps: 400}\ncheckpoint: {every: 400, keep: 1}\n%s", more);
    small_make(&s, text);
    gr_context *ctx = test_context_with(1, 0);
    test_ok(ctx, gr__recipe_open(ctx, s.recipe, sets, 1, &r));
    test_ok(ctx, gr__train(ctx, r, &(gr_train_options){.out = s.out}, &result));
    snprintf(path, sizeof path, "%s/checkpoints/step-400.ckpt", s.out);
    test_ok(ctx, gr__st_whole(ctx, path, &st));
    const gr_st_tensor *h = gr__st_find(st, "head.bias/h");
    assert_true(h && h->bytes == 10 * sizeof(double));
    double sum = 0;
    for (int k = 0; k < 10; k++) sum += ((const double *)h->data)[k] / 10;
    gr__st_close(st);
    gr__recipe_close(ctx, r);
    test_context_end(ctx);
    small_remove(&s);
    return sum;
}

/* A model that knows nothing has ten classes of probability 1/10, so the diagonal for a bias is 0.1 (1 - 0.1) exactly,
 * whatever the data and the batch. The slot averages about 200 estimates of ten classes, which scatter by 3 %. Without
 * the batch as a factor, with one draw for all samples, or the same one in both micro-batches it would be 16 or 2 times
 * that. */
static void drawn_labels_estimate_the_curvature_of_a_softmax(void **state)
{
    (void)state;
    static const char *const ways[] = {
        "optimizer: {type: sophia, lr: 0, hessian_interval: 1}\n",
        "optimizer: {type: sophia, lr: 0, hessian_interval: 1}\naccumulate: 2\n",
        "optimizer: {type: sophia, lr: 0, hessian_interval: 1}\npenalty: {l2: 1}\n",
    };
    double settled = 0.09 * (1 - pow(0.99, 400));
    for (size_t i = 0; i < GR_COUNT(ways); i++) {
        double h = curvature_of_the_bias(ways[i]);
        if (!(fabs(h - settled) < 0.12 * settled)) fail_msg("%s: %g, not about %g", ways[i], h, settled);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(adahessian_trains_a_convolutional_network),
        cmocka_unit_test(drawn_labels_estimate_the_curvature_of_a_softmax),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
