/* Wrong gradient rules, each of a kind that has slipped through checks elsewhere. The checker that passes the real
 * operations must reject every one.
 *
 * A rule is grafted onto a right value: y = stop(f(x)) + L(x - stop(x)) has the value f(x), for L is linear, and L as
 * its derivative. */
#include "test.h"

#include "graph/gradcheck.h"

#define TOLERANCE 1e-7 /* what the operations' own test allows */

static gr_val moved(gr_graph *g, gr_val x)
{
    return gr_sub(g, x, gr_stop(g, x));
}

static gr_val graft(gr_graph *g, gr_val value, gr_val derivative)
{
    return gr_add(g, gr_stop(g, value), derivative);
}

static gr_val graft_factor(gr_graph *g, gr_val value, gr_val x, gr_val factor)
{
    return graft(g, value, gr_mul(g, moved(g, x), gr_stop(g, factor)));
}

/* ---- right, in the form of the wrong ones: the form itself must pass ---- */

static gr_val right_sin(gr_graph *g, const gr_val *x)
{
    return graft_factor(g, gr_sin(g, x[0]), x[0], gr_cos(g, x[0]));
}

static gr_val right_matmul(gr_graph *g, const gr_val *x)
{
    return graft(g, gr_matmul(g, x[0], x[1], false, false),
                 gr_add(g, gr_matmul(g, moved(g, x[0]), gr_stop(g, x[1]), false, false),
                        gr_matmul(g, gr_stop(g, x[0]), moved(g, x[1]), false, false)));
}

/* ---- wrong ---- */

static gr_val flipped_sign(gr_graph *g, const gr_val *x)
{
    gr_val y = gr_tanh(g, x[0]);
    return graft_factor(g, y, x[0], gr_sub(g, gr_square(g, y), gr_const(g, 1)));
}

static gr_val missing_factor(gr_graph *g, const gr_val *x)
{
    return graft_factor(g, gr_square(g, x[0]), x[0], x[0]);
}

static gr_val sum_for_mean(gr_graph *g, const gr_val *x)
{
    return graft(g, gr_mean_all(g, x[0]), gr_sum_all(g, moved(g, x[0])));
}

static gr_val own_operand(gr_graph *g, const gr_val *x)
{
    return gr_add(g, graft_factor(g, gr_mul(g, x[0], x[1]), x[0], x[0]), gr_mul(g, moved(g, x[1]), gr_stop(g, x[0])));
}

static gr_val detached(gr_graph *g, const gr_val *x)
{
    return gr_stop(g, gr_exp(g, x[0]));
}

static gr_val straight_through_relu(gr_graph *g, const gr_val *x)
{
    return graft(g, gr_relu(g, x[0]), moved(g, x[0]));
}

static const int last[] = {1};

static gr_val softmax(gr_graph *g, gr_val x)
{
    gr_val e = gr_exp(g, x);
    return gr_div(g, e, gr_sum(g, e, last, 1, true));
}

/* y (1 - y) alone: the classes' influence on each other is left out. */
static gr_val softmax_diagonal(gr_graph *g, const gr_val *x)
{
    gr_val y = softmax(g, x[0]);
    return graft_factor(g, y, x[0], gr_mul(g, y, gr_sub(g, gr_const(g, 1), y)));
}

/* All its signs flipped; a cotangent of ones sees nothing, for both are then zero. */
static gr_val softmax_flipped(gr_graph *g, const gr_val *x)
{
    gr_val y = gr_stop(g, softmax(g, x[0])), step = moved(g, x[0]);
    gr_val mean = gr_sum(g, gr_mul(g, y, step), last, 1, true);
    return graft(g, y, gr_mul(g, y, gr_sub(g, mean, step)));
}

/* The bias gets the gradient of the first sample only. */
static gr_val bias_of_first_row(gr_graph *g, const gr_val *x)
{
    gr_shape s = gr_shape_of(g, x[0]);
    gr_val first = gr_pad(g, gr_reshape(g, moved(g, x[1]), GR_SHAPE(1, s.dim[1])), 0, 0, s.dim[0] - 1);
    return gr_add(g, graft(g, gr_add(g, x[0], x[1]), first), moved(g, x[0]));
}

static const gr_pool_attr windows = {{2, 2}, {1, 1}, {0, 0}, {0, 0}, false};

static gr_val max_pool_spread(gr_graph *g, const gr_val *x)
{
    return graft(g, gr_max_pool(g, x[0], windows, NULL), gr_avg_pool(g, moved(g, x[0]), windows));
}

static gr_val conv_other_padding(gr_graph *g, const gr_val *x)
{
    gr_conv_attr a = {{1, 1}, {1, 1}, {1, 0}, {0, 1}, 1}, b = {{1, 1}, {1, 1}, {0, 1}, {1, 0}, 1};
    gr_val value = gr_conv(g, x[0], x[1], a), in_x = gr_conv(g, moved(g, x[0]), gr_stop(g, x[1]), b);
    return gr_add(g, graft(g, value, in_x), gr_conv(g, gr_stop(g, x[0]), moved(g, x[1]), a));
}

static gr_val matmul_not_transposed(gr_graph *g, const gr_val *x)
{
    gr_val value = gr_matmul(g, x[0], x[1], false, false),
           in_x = gr_matmul(g, moved(g, x[0]), gr_stop(g, x[1]), false, true);
    return gr_add(g, graft(g, value, in_x), gr_matmul(g, gr_stop(g, x[0]), moved(g, x[1]), false, false));
}

/* One element of many, by a hundredth of a percent. */
static gr_val one_element(gr_graph *g, const gr_val *x)
{
    gr_val y = gr_exp(g, x[0]);
    double off[12] = {0};
    off[7] = 1e-4;
    gr_val error = gr_const_tensor(g, gr_shape_of(g, x[0]), off);
    return graft_factor(g, y, x[0], gr_mul(g, y, gr_add(g, error, gr_const(g, 1))));
}

static gr_val not_a_number(gr_graph *g, const gr_val *x)
{
    return graft_factor(g, gr_sin(g, x[0]), x[0], gr_log(g, gr_sub(g, gr_const(g, -5), gr_square(g, x[0]))));
}

/* A table's repeated row counted once. */
static gr_val repeated_once(gr_graph *g, const gr_val *x)
{
    gr_val index = gr_feed(g, "index", GR_I32, GR_SHAPE(4)), some = gr_slice(g, index, 0, 0, 3);
    gr_val y = gr_gather(g, x[0], index);
    return graft(g, y, gr_pad(g, gr_gather(g, moved(g, x[0]), some), 0, 0, 1));
}

/* Right once, wrong twice: the derivative does not depend on x. */
static gr_val second_missing(gr_graph *g, const gr_val *x)
{
    return graft_factor(g, gr_sin(g, x[0]), x[0], gr_cos(g, x[0]));
}

#define S(...)                                                     \
    {                                                              \
        (int)(sizeof((int64_t[]){__VA_ARGS__}) / sizeof(int64_t)), \
        {                                                          \
            __VA_ARGS__                                            \
        }                                                          \
    }
#define ROW(function, inputs, ...)                                                                       \
    {                                                                                                    \
        .name = #function, .build = function, .n = inputs, .shape = {__VA_ARGS__}, .low = -2, .high = 2, \
        .index = indices                                                                                 \
    }

static const double indices[] = {1, 0, 2, 1};
static const gradcheck_case right[] = {
    ROW(right_sin, 1, S(3, 4)),
    ROW(right_matmul, 2, S(3, 4), S(4, 2)),
};
static const gradcheck_case wrong[] = {
    ROW(flipped_sign, 1, S(3, 4)),
    ROW(missing_factor, 1, S(3, 4)),
    ROW(sum_for_mean, 1, S(3, 4)),
    ROW(own_operand, 2, S(3, 4), S(3, 4)),
    ROW(detached, 1, S(3, 4)),
    ROW(straight_through_relu, 1, S(3, 4)),
    ROW(softmax_diagonal, 1, S(3, 4)),
    ROW(softmax_flipped, 1, S(3, 4)),
    ROW(bias_of_first_row, 2, S(3, 4), S(4)),
    ROW(max_pool_spread, 1, S(1, 3, 3, 2)),
    ROW(conv_other_padding, 2, S(1, 3, 3, 2), S(2, 2, 2, 2)),
    ROW(matmul_not_transposed, 2, S(3, 4), S(4, 4)),
    ROW(one_element, 1, S(3, 4)),
    ROW(not_a_number, 1, S(3, 4)),
    ROW(repeated_once, 1, S(3, 2)),
};
static const gradcheck_case wrong_twice[] = {
    ROW(second_missing, 1, S(3, 4)),
};

static gradcheck_result check(gr_context *ctx, const gradcheck_case *c)
{
    gradcheck_result r;
    test_ok(ctx, gradcheck(ctx, c, &r));
    assert_true(r.elements > 0);
    return r;
}

static void test_right_ones_pass(void **state)
{
    (void)state;
    gr_context *ctx = test_context();
    for (size_t i = 0; i < GR_COUNT(right); i++)
        if (!(check(ctx, &right[i]).first < TOLERANCE)) fail_msg("%s is rejected", right[i].name);
    test_context_end(ctx);
}

static void test_wrong_ones_are_rejected(void **state)
{
    (void)state;
    gr_context *ctx = test_context();
    for (size_t i = 0; i < GR_COUNT(wrong); i++)
        if (check(ctx, &wrong[i]).first < TOLERANCE) fail_msg("%s passes", wrong[i].name);
    test_context_end(ctx);
}

static void test_wrong_second_derivatives_are_rejected(void **state)
{
    (void)state;
    gr_context *ctx = test_context();
    for (size_t i = 0; i < GR_COUNT(wrong_twice); i++) {
        gradcheck_result r = check(ctx, &wrong_twice[i]);
        if (!(r.first < TOLERANCE)) fail_msg("%s is wrong the first time already", wrong_twice[i].name);
        if (r.second < TOLERANCE) fail_msg("%s passes", wrong_twice[i].name);
    }
    test_context_end(ctx);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_right_ones_pass),
        cmocka_unit_test(test_wrong_ones_are_rejected),
        cmocka_unit_test(test_wrong_second_derivatives_are_rejected),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
