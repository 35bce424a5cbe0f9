/* The reference arithmetic against numbers written by hand, with infinities, NaN and edges. */
#include "help.h"

#include "base/rng.h"

static void test_elementwise(void **state)
{
    (void)state;
    gr_context *ctx = test_context();
    gr_graph *g = new_graph(ctx);
    gr_val x = TENSOR(g, GR_SHAPE(5), -2, -0.5, 0, 3, NAN), p = TENSOR(g, GR_SHAPE(3), 0, 1, 4);
    ASSERT_VALUES(g, gr_neg(g, x), NULL, 2, 0.5, 0, -3, NAN);
    ASSERT_VALUES(g, gr_abs(g, x), NULL, 2, 0.5, 0, 3, NAN);
    ASSERT_VALUES(g, gr_sign(g, x), NULL, -1, -1, 0, 1, NAN);
    ASSERT_VALUES(g, gr_floor(g, x), NULL, -2, -1, 0, 3, NAN);
    ASSERT_VALUES(g, gr_square(g, x), NULL, 4, 0.25, 0, 9, NAN);
    ASSERT_VALUES(g, gr_recip(g, x), NULL, -0.5, -2, INFINITY, 1.0 / 3, NAN);
    ASSERT_VALUES(g, gr_relu(g, x), NULL, 0, 0, 0, 3, NAN);
    ASSERT_VALUES(g, gr_stop(g, x), NULL, -2, -0.5, 0, 3, NAN);
    ASSERT_NEAR(g, gr_exp(g, p), NULL, 1, 2.718281828459045, 54.598150033144236);
    ASSERT_NEAR(g, gr_log(g, p), NULL, -INFINITY, 0, 1.3862943611198906);
    ASSERT_NEAR(g, gr_log1p(g, p), NULL, 0, 0.6931471805599453, 1.6094379124341003);
    ASSERT_NEAR(g, gr_sqrt(g, p), NULL, 0, 1, 2);
    ASSERT_NEAR(g, gr_tanh(g, p), NULL, 0, 0.7615941559557649, 0.999329299739067);
    ASSERT_NEAR(g, gr_sigmoid(g, p), NULL, 0.5, 0.7310585786300049, 0.9820137900379085);
    ASSERT_NEAR(g, gr_sin(g, p), NULL, 0, 0.8414709848078965, -0.7568024953079282);
    ASSERT_NEAR(g, gr_cos(g, p), NULL, 1, 0.5403023058681398, -0.6536436208636119);
    ASSERT_NEAR(g, gr_erf(g, p), NULL, 0, 0.8427007929497149, 0.9999999845827421);
    ASSERT_NEAR(g, gr_sigmoid(g, TENSOR(g, GR_SHAPE(2), -800, 800)), NULL, 0, 1);
    gr_graph_destroy(g);
    test_context_end(ctx);
}

static void test_binary(void **state)
{
    (void)state;
    gr_context *ctx = test_context();
    gr_graph *g = new_graph(ctx);
    gr_val a = TENSOR(g, GR_SHAPE(5), 1, 2, 3, NAN, INFINITY), b = TENSOR(g, GR_SHAPE(5), 4, 2, -1, 1, NAN);
    ASSERT_VALUES(g, gr_add(g, a, b), NULL, 5, 4, 2, NAN, NAN);
    ASSERT_VALUES(g, gr_sub(g, a, b), NULL, -3, 0, 4, NAN, NAN);
    ASSERT_VALUES(g, gr_mul(g, a, b), NULL, 4, 4, -3, NAN, NAN);
    ASSERT_VALUES(g, gr_div(g, a, b), NULL, 0.25, 1, -3, NAN, NAN);
    ASSERT_VALUES(g, gr_max(g, a, b), NULL, 4, 2, 3, NAN, NAN);
    ASSERT_VALUES(g, gr_min(g, a, b), NULL, 1, 2, -1, NAN, NAN);
    ASSERT_VALUES(g, gr_less(g, a, b), NULL, 1, 0, 0, 0, 0);
    ASSERT_VALUES(g, gr_less_equal(g, a, b), NULL, 1, 1, 0, 0, 0);
    ASSERT_VALUES(g, gr_equal(g, a, b), NULL, 0, 1, 0, 0, 0);
    ASSERT_VALUES(g, gr_select(g, TENSOR(g, GR_SHAPE(3), 0, -2, NAN), TENSOR(g, GR_SHAPE(3), 1, 2, 3), gr_const(g, 9)),
                  NULL, 9, 2, 3);
    ASSERT_VALUES(g, gr_pow(g, gr_slot(g, "t", GR_SCALAR), gr_const(g, 3)), ((named_data[]){{"t", (double[]){2}}, {0}}),
                  8);
    /* broadcasting: [2,1] with [3] */
    gr_val column = TENSOR(g, GR_SHAPE(2, 1), 10, 20), row = TENSOR(g, GR_SHAPE(3), 1, 2, 3);
    ASSERT_VALUES(g, gr_sub(g, column, row), NULL, 9, 8, 7, 19, 18, 17);
    ASSERT_VALUES(g, gr_sub(g, gr_const(g, 1), row), NULL, 0, -1, -2);
    gr_val muladd = gr__node_add(g, GR_OP_MULADD, (gr_val[]){row, row, gr_const(g, 1)}, 3, NULL, NULL);
    ASSERT_VALUES(g, muladd, NULL, 2, 5, 10);
    gr_graph_destroy(g);
    test_context_end(ctx);
}

static void test_integers(void **state)
{
    (void)state;
    gr_context *ctx = test_context();
    gr_graph *g = new_graph(ctx);
    const named_data data[] = {{"i", (double[]){3, -1, 2}}, {"u", (double[]){0, 255, 2}}, {0}};
    gr_val i = gr_feed(g, "i", GR_I32, GR_SHAPE(3)), u = gr_feed(g, "u", GR_U8, GR_SHAPE(3));
    ASSERT_VALUES(g, gr_real(g, i), data, 3, -1, 2);
    ASSERT_VALUES(g, gr_real(g, u), data, 0, 255, 2);
    ASSERT_VALUES(g, gr_equal(g, i, u), data, 0, 0, 1);
    ASSERT_VALUES(g, gr_less(g, i, gr_iota(g, GR_SHAPE(3), 0)), data, 0, 1, 0);
    ASSERT_VALUES(g, gr_pad(g, u, 0, 1, 0), data, 0, 0, 255, 2);
    ASSERT_VALUES(g, gr_concat(g, (gr_val[]){i, i}, 2, 0), data, 3, -1, 2, 3, -1, 2);
    /* one-hot, as a cost makes it */
    gr_val hot = gr_equal(g, gr_reshape(g, i, GR_SHAPE(3, 1)), gr_iota(g, GR_SHAPE(3, 4), 1));
    ASSERT_VALUES(g, hot, data, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 1, 0);
    assert_int_equal(gr_stop(g, i), i);
    gr_graph_destroy(g);
    test_context_end(ctx);
}

static void test_shapes(void **state)
{
    (void)state;
    gr_context *ctx = test_context();
    gr_graph *g = new_graph(ctx);
    gr_val x = TENSOR(g, GR_SHAPE(2, 3), 1, 2, 3, 4, 5, 6);
    ASSERT_VALUES(g, gr_permute(g, x, (int[]){1, 0}), NULL, 1, 4, 2, 5, 3, 6);
    ASSERT_VALUES(g, gr_reshape(g, x, GR_SHAPE(3, 2)), NULL, 1, 2, 3, 4, 5, 6);
    ASSERT_VALUES(g, gr_slice(g, x, 1, 1, 2), NULL, 2, 3, 5, 6);
    ASSERT_VALUES(g, gr_slice(g, x, 0, 1, 1), NULL, 4, 5, 6);
    ASSERT_VALUES(g, gr_concat(g, (gr_val[]){x, gr_slice(g, x, 1, 0, 1)}, 2, 1), NULL, 1, 2, 3, 1, 4, 5, 6, 4);
    ASSERT_VALUES(g, gr_pad(g, x, 1, 1, 0), NULL, 0, 1, 2, 3, 0, 4, 5, 6);
    ASSERT_VALUES(g, gr_pad(g, x, 0, 0, 1), NULL, 1, 2, 3, 4, 5, 6, 0, 0, 0);
    ASSERT_VALUES(g, gr_broadcast(g, TENSOR(g, GR_SHAPE(2, 1), 1, 2), GR_SHAPE(2, 2, 2)), NULL, 1, 1, 2, 2, 1, 1, 2, 2);
    ASSERT_VALUES(g, gr_iota(g, GR_SHAPE(2, 3), 0), NULL, 0, 0, 0, 1, 1, 1);
    ASSERT_VALUES(g, gr_iota(g, GR_SHAPE(2, 3), 1), NULL, 0, 1, 2, 0, 1, 2);
    assert_shape(g, gr_slice(g, x, 0, 2, 0), GR_SHAPE(0, 3));
    gr_graph_destroy(g);
    test_context_end(ctx);
}

static void test_reductions(void **state)
{
    (void)state;
    gr_context *ctx = test_context();
    gr_graph *g = new_graph(ctx);
    gr_val x = TENSOR(g, GR_SHAPE(2, 3), 1, 7, 3, 4, NAN, 6), y = TENSOR(g, GR_SHAPE(2, 2, 2), 1, 2, 3, 4, 5, 6, 7, 8);
    gr_val none = gr_feed(g, "none", GR_REAL, GR_SHAPE(2, 0));
    const named_data data[] = {{"none", (double[]){0}}, {0}};
    ASSERT_VALUES(g, gr_sum(g, x, (int[]){0}, 1, false), NULL, 5, NAN, 9);
    ASSERT_VALUES(g, gr_sum(g, y, (int[]){0, 2}, 2, false), NULL, 14, 22);
    ASSERT_VALUES(g, gr_sum(g, y, (int[]){1}, 1, true), NULL, 4, 6, 12, 14);
    ASSERT_VALUES(g, gr_sum_all(g, y), NULL, 36);
    ASSERT_VALUES(g, gr_sum_squares(g, y, 0), NULL, 204);
    ASSERT_VALUES(g, gr_sum_squares(g, y, 3), NULL, 204.0 / 64);
    ASSERT_VALUES(g, gr_sum_squares(g, y, -1), NULL, 816);
    ASSERT_VALUES(g, gr_sum_squares(g, gr_const(g, 12), 2), NULL, 9);
    ASSERT_VALUES(g, gr_sum_squares(g, TENSOR(g, GR_SHAPE(2), 0x3p600, -0x1p602), 100), NULL, 0x19p1000);
    ASSERT_VALUES(g, gr_sum_squares(g, none, 5), data, 0);
    ASSERT_VALUES(g, gr_mean_all(g, y), NULL, 4.5);
    ASSERT_VALUES(g, gr_reduce_max(g, x, (int[]){1}, 1, false), NULL, 7, NAN);
    ASSERT_VALUES(g, gr_reduce_max(g, y, (int[]){0, 1, 2}, 3, false), NULL, 8);
    ASSERT_VALUES(g, gr_sum(g, none, (int[]){1}, 1, false), data, 0, 0);
    ASSERT_VALUES(g, gr_reduce_max(g, none, (int[]){1}, 1, false), data, -INFINITY, -INFINITY);
    ASSERT_VALUES(g, gr_sum_all(g, none), data, 0);
    ASSERT_VALUES(g, gr_argmax(g, x, 1), NULL, 1, 1);
    ASSERT_VALUES(g, gr_argmax(g, x, 0), NULL, 1, 1, 1);
    ASSERT_VALUES(g, gr_argmax(g, TENSOR(g, GR_SHAPE(2, 3), 2, 2, 1, NAN, 5, NAN), 1), NULL, 0, 0);
    ASSERT_VALUES(g, gr_argmax(g, y, 1), NULL, 1, 1, 1, 1);
    ASSERT_VALUES(g, gr_argmax(g, TENSOR(g, GR_SHAPE(3), -INFINITY, -INFINITY, -1), 0), NULL, 2);
    gr_graph_destroy(g);
    test_context_end(ctx);
}

static void test_ties_share(void **state)
{
    (void)state;
    gr_context *ctx = test_context();
    gr_graph *g = new_graph(ctx);
    const named_data data[] = {{"x", (double[]){3, 1, 3, 2}}, {0}};
    gr_val x = gr_feed(g, "x", GR_REAL, GR_SHAPE(4)), dx[2];
    gr_val most = gr_reduce_max(g, x, (int[]){0}, 1, false);
    test_ok(ctx, gr_gradients(g, most, &x, 1, dx));
    ASSERT_VALUES(g, dx[0], data, 0.5, 0, 0.5, 0);
    /* of two equal operands the first has the gradient */
    gr_val ab[] = {gr_feed(g, "a", GR_REAL, GR_SCALAR), gr_feed(g, "b", GR_REAL, GR_SCALAR)};
    const named_data equal[] = {{"a", (double[]){2}}, {"b", (double[]){2}}, {0}};
    test_ok(ctx, gr_gradients(g, gr_max(g, ab[0], ab[1]), ab, 2, dx));
    ASSERT_VALUES(g, dx[0], equal, 1);
    ASSERT_VALUES(g, dx[1], equal, 0);
    test_ok(ctx, gr_gradients(g, gr_min(g, ab[0], ab[1]), ab, 2, dx));
    ASSERT_VALUES(g, dx[0], equal, 1);
    ASSERT_VALUES(g, dx[1], equal, 0);
    /* relu: 0 at 0 */
    gr_val r = gr_relu(g, ab[0]);
    test_ok(ctx, gr_gradients(g, r, ab, 1, dx));
    ASSERT_VALUES(g, dx[0], ((named_data[]){{"a", (double[]){0}}, {0}}), 0);
    /* powers of zero */
    gr_val p = gr_pow(g, ab[0], ab[1]);
    test_ok(ctx, gr_gradients(g, p, ab, 2, dx));
    ASSERT_VALUES(g, dx[0], ((named_data[]){{"a", (double[]){0}}, {"b", (double[]){0}}, {0}}), 0);
    ASSERT_VALUES(g, dx[1], ((named_data[]){{"a", (double[]){0}}, {"b", (double[]){2}}, {0}}), 0);
    gr_graph_destroy(g);
    test_context_end(ctx);
}

static void test_indices(void **state)
{
    (void)state;
    gr_context *ctx = test_context();
    gr_graph *g = new_graph(ctx);
    const named_data data[] = {{"i", (double[]){2, 0, 2, 3, -1}}, {0}};
    gr_val table = TENSOR(g, GR_SHAPE(3, 2), 1, 2, 3, 4, 5, 6), i = gr_feed(g, "i", GR_I32, GR_SHAPE(5));
    ASSERT_VALUES(g, gr_gather(g, table, i), data, 5, 6, 1, 2, 5, 6, 0, 0, 0, 0);
    gr_val v = TENSOR(g, GR_SHAPE(5, 2), 1, 2, 3, 4, 5, 6, 7, 8, 9, 10);
    ASSERT_VALUES(g, gr_scatter_add(g, v, i, 3), data, 3, 4, 0, 0, 6, 8);
    ASSERT_VALUES(g, gr_scatter_add(g, TENSOR(g, GR_SHAPE(5), 1, 2, 3, 4, 5), i, 4), data, 2, 0, 4, 4);
    assert_shape(g, gr_gather(g, table, gr_feed(g, "j", GR_I32, GR_SHAPE(2, 0))), GR_SHAPE(2, 0, 2));
    gr_graph_destroy(g);
    test_context_end(ctx);
}

static void test_matmul(void **state)
{
    (void)state;
    gr_context *ctx = test_context();
    gr_graph *g = new_graph(ctx);
    gr_val a = TENSOR(g, GR_SHAPE(2, 3), 1, 2, 3, 4, 5, 6), b = TENSOR(g, GR_SHAPE(3, 2), 1, 0, -1, 2, 3, 1);
    gr_val at = TENSOR(g, GR_SHAPE(3, 2), 1, 4, 2, 5, 3, 6), bt = TENSOR(g, GR_SHAPE(2, 3), 1, -1, 3, 0, 2, 1);
    ASSERT_VALUES(g, gr_matmul(g, a, b, false, false), NULL, 8, 7, 17, 16);
    ASSERT_VALUES(g, gr_matmul(g, at, b, true, false), NULL, 8, 7, 17, 16);
    ASSERT_VALUES(g, gr_matmul(g, a, bt, false, true), NULL, 8, 7, 17, 16);
    ASSERT_VALUES(g, gr_matmul(g, at, bt, true, true), NULL, 8, 7, 17, 16);
    gr_val two = gr_concat(
        g, (gr_val[]){gr_reshape(g, b, GR_SHAPE(1, 3, 2)), gr_reshape(g, gr_neg(g, b), GR_SHAPE(1, 3, 2))}, 2, 0);
    ASSERT_VALUES(g, gr_matmul(g, a, two, false, false), NULL, 8, 7, 17, 16, -8, -7, -17, -16);
    gr_val rows = gr_broadcast(g, a, GR_SHAPE(2, 2, 3));
    ASSERT_VALUES(g, gr_matmul(g, rows, b, false, false), NULL, 8, 7, 17, 16, 8, 7, 17, 16);
    ASSERT_VALUES(g, gr_matmul(g, rows, two, false, false), NULL, 8, 7, 17, 16, -8, -7, -17, -16);
    /* an empty inner axis gives zeros */
    gr_val thin = gr_slice(g, a, 1, 0, 0), flat = gr_slice(g, b, 0, 0, 0);
    ASSERT_VALUES(g, gr_matmul(g, thin, flat, false, false), NULL, 0, 0, 0, 0);
    gr_graph_destroy(g);
    test_context_end(ctx);
}

/* Convolution written the other way round than the operation: every output from its own window, no groups folded. */
static double conv_at(const double *x, gr_shape xs, const double *w, gr_shape ws, gr_conv_attr c, int64_t n, int64_t oh,
                      int64_t ow, int64_t o)
{
    double sum = 0;
    int64_t group = o / (ws.dim[0] / c.groups);
    for (int64_t i = 0; i < ws.dim[3]; i++)
        for (int64_t h = 0; h < xs.dim[1]; h++)
            for (int64_t v = 0; v < xs.dim[2]; v++) {
                int64_t kh = h + c.pad_before[0] - oh * c.stride[0], kw = v + c.pad_before[1] - ow * c.stride[1];
                if (kh < 0 || kw < 0 || kh % c.dilation[0] || kw % c.dilation[1] || kh / c.dilation[0] >= ws.dim[1] ||
                    kw / c.dilation[1] >= ws.dim[2])
                    continue;
                kh /= c.dilation[0];
                kw /= c.dilation[1];
                sum += x[((n * xs.dim[1] + h) * xs.dim[2] + v) * xs.dim[3] + group * ws.dim[3] + i] *
                       w[((o * ws.dim[1] + kh) * ws.dim[2] + kw) * ws.dim[3] + i];
            }
    return sum;
}

static void check_conv(gr_shape xs, gr_shape ws, gr_conv_attr c)
{
    gr_context *ctx = test_context();
    gr_graph *g = new_graph(ctx);
    double x[256], w[256], expected[256];
    gr__rng rng = gr__rng_make(1, "conv", 0, 0);
    for (int i = 0; i < 256; i++) {
        x[i] = gr__rng_normal(&rng);
        w[i] = gr__rng_normal(&rng);
    }
    gr_val y = gr_conv(g, gr_const_tensor(g, xs, x), gr_const_tensor(g, ws, w), c);
    test_ok(ctx, gr_graph_status(g));
    gr_shape s = gr_shape_of(g, y);
    int n = 0;
    for (int64_t i = 0; i < s.dim[0]; i++)
        for (int64_t h = 0; h < s.dim[1]; h++)
            for (int64_t v = 0; v < s.dim[2]; v++)
                for (int64_t o = 0; o < s.dim[3]; o++) expected[n++] = conv_at(x, xs, w, ws, c, i, h, v, o);
    assert_values(g, y, NULL, expected, n, 1e-13);
    gr_graph_destroy(g);
    test_context_end(ctx);
}

static void test_conv(void **state)
{
    (void)state;
    check_conv(GR_SHAPE(2, 4, 5, 3), GR_SHAPE(2, 3, 2, 3), (gr_conv_attr){{1, 1}, {1, 1}, {0, 0}, {0, 0}, 1});
    check_conv(GR_SHAPE(1, 5, 6, 4), GR_SHAPE(6, 2, 3, 2), (gr_conv_attr){{2, 1}, {1, 2}, {1, 0}, {0, 2}, 2});
    check_conv(GR_SHAPE(2, 4, 4, 3), GR_SHAPE(3, 3, 3, 1), (gr_conv_attr){{1, 2}, {1, 1}, {1, 1}, {1, 1}, 3});
    check_conv(GR_SHAPE(3, 1, 1, 4), GR_SHAPE(5, 1, 1, 4), (gr_conv_attr){{1, 1}, {1, 1}, {0, 0}, {0, 0}, 1});
}

static void test_pooling(void **state)
{
    (void)state;
    gr_context *ctx = test_context();
    gr_graph *g = new_graph(ctx);
    gr_val x = TENSOR(g, GR_SHAPE(1, 3, 3, 1), 1, 5, 2, 5, 3, NAN, 0, -1, -2), index;
    gr_pool_attr p = {{2, 2}, {1, 1}, {0, 0}, {0, 0}, false}, edge = {{2, 2}, {2, 2}, {1, 1}, {0, 0}, false};
    gr_val y = gr_max_pool(g, x, p, &index);
    ASSERT_VALUES(g, y, NULL, 5, NAN, 5, NAN);
    ASSERT_VALUES(g, index, NULL, 1, 5, 3, 5);
    y = gr_max_pool(g, x, edge, &index);
    ASSERT_VALUES(g, y, NULL, 1, 5, 5, NAN);
    ASSERT_VALUES(g, index, NULL, 0, 1, 3, 5);
    gr_val a = TENSOR(g, GR_SHAPE(1, 3, 3, 1), 1, 2, 3, 4, 5, 6, 7, 8, 9);
    ASSERT_VALUES(g, gr_avg_pool(g, a, p), NULL, 3, 4, 6, 7);
    ASSERT_VALUES(g, gr_avg_pool(g, a, edge), NULL, 1, 2.5, 5.5, 7);
    edge.count_padding = true;
    ASSERT_VALUES(g, gr_avg_pool(g, a, edge), NULL, 0.25, 1.25, 2.75, 7);
    /* all below zero: padding must not win */
    gr_val low = TENSOR(g, GR_SHAPE(1, 1, 2, 1), -3, -INFINITY);
    y = gr_max_pool(g, low, (gr_pool_attr){{1, 2}, {1, 1}, {0, 1}, {0, 1}, false}, &index);
    ASSERT_VALUES(g, y, NULL, -3, -3, -INFINITY);
    ASSERT_VALUES(g, index, NULL, 0, 0, 1);
    /* as many windows as asked for, more than elements too: rows 0-1 and 1-2, columns 0, 0-1, 1-2, 2 */
    gr_pool_attr adaptive = {{2, 4}, {0, 0}, {0, 0}, {0, 0}, false};
    ASSERT_VALUES(g, gr_avg_pool(g, a, adaptive), NULL, 2.5, 3, 4, 4.5, 5.5, 6, 7, 7.5);
    ASSERT_VALUES(g, gr_max_pool(g, a, adaptive, &index), NULL, 4, 5, 6, 6, 7, 8, 9, 9);
    ASSERT_VALUES(g, index, NULL, 3, 4, 5, 5, 6, 7, 8, 8);
    /* two channels: each has its own place */
    y = gr_max_pool(g, TENSOR(g, GR_SHAPE(1, 2, 1, 2), 1, 8, 3, 4),
                    (gr_pool_attr){{2, 1}, {1, 1}, {0, 0}, {0, 0}, false}, &index);
    ASSERT_VALUES(g, y, NULL, 3, 8);
    ASSERT_VALUES(g, index, NULL, 1, 0);
    gr_graph_destroy(g);
    test_context_end(ctx);
}

/* The random leaf is the pure function of its key that gr__random_leaf states, whatever batch a sample stands in. */
static void test_random(void **state)
{
    (void)state;
    gr_context *ctx = test_context();
    gr_graph *g = new_graph(ctx);
    const named_data data[] = {
        {"seed", (double[]){42}}, {"update", (double[]){7}}, {"position", (double[]){5}}, {"next", (double[]){6}}, {0}};
    gr_val seed = gr_feed(g, "seed", GR_REAL, GR_SCALAR), update = gr_feed(g, "update", GR_REAL, GR_SCALAR);
    gr_val position = gr_feed(g, "position", GR_REAL, GR_SCALAR), next = gr_feed(g, "next", GR_REAL, GR_SCALAR);
    gr_val r = gr_random(g, "drop1/mask", GR_SHAPE(3, 2, 2), seed, update, position);
    double expected[12];
    for (int e = 0; e < 12; e++)
        expected[e] = gr__random_leaf(42, gr__hash("drop1/mask"), 7, (uint32_t)(5 + e / 4), (uint64_t)(e % 4));
    assert_values(g, r, data, expected, 12, 0);
    gr_val later = gr_random(g, "drop1/mask", GR_SHAPE(2, 2, 2), seed, update, next);
    assert_values(g, later, data, expected + 4, 8, 0);
    gr_val other = gr_random(g, "drop2/mask", GR_SHAPE(3, 2, 2), seed, update, position);
    assert_int_not_equal(other, r);
    double values[12], *results[] = {values};
    test_ok(ctx, gr__eval(g, &other, 1, find_data, (void *)(uintptr_t)data, results));
    assert_memory_not_equal(values, expected, sizeof values);
    assert_shape(g, gr_random(g, "none", GR_SHAPE(0, 3), seed, update, position), GR_SHAPE(0, 3));
    gr_graph_destroy(g);
    test_context_end(ctx);
}

static void test_missing_data(void **state)
{
    (void)state;
    gr_context *ctx = test_context();
    gr_graph *g = new_graph(ctx);
    gr_val x = gr_feed(g, "x", GR_REAL, GR_SHAPE(2)), unused = gr_feed(g, "unused", GR_REAL, GR_SHAPE(2));
    double values[2], *results[] = {values};
    assert_int_equal(gr__eval(g, &x, 1, NULL, NULL, results), GR_E_MISSING);
    assert_string_equal(gr_context_error(ctx)->message, "feed \"x\" has no values");
    gr_context_clear_error(ctx);
    /* what is not needed is not asked for */
    named_data data[] = {{"x", (double[]){1, 2}}, {0}};
    test_ok(ctx, gr__eval(g, &x, 1, find_data, data, results));
    assert_int_not_equal(unused, GR_NONE);
    assert_int_equal(gr__eval(g, (gr_val[]){99}, 1, find_data, data, results), GR_E_USAGE);
    gr_graph_destroy(g);
    test_context_end(ctx);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_elementwise), cmocka_unit_test(test_binary),     cmocka_unit_test(test_integers),
        cmocka_unit_test(test_shapes),      cmocka_unit_test(test_reductions), cmocka_unit_test(test_ties_share),
        cmocka_unit_test(test_indices),     cmocka_unit_test(test_matmul),     cmocka_unit_test(test_conv),
        cmocka_unit_test(test_pooling),     cmocka_unit_test(test_random),     cmocka_unit_test(test_missing_data),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
