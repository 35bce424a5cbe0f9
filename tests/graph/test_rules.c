/* Shape rules: what builders accept, and what their errors say. */
#include "help.h"

typedef gr_val (*build_fn)(gr_graph *g);

/* The builder must fail with this code, and exactly this text, under a scope. */
static void rejects(build_fn build, gr_status code, const char *text)
{
    gr_context *ctx = test_context();
    gr_graph *g = new_graph(ctx);
    char expected[512];
    snprintf(expected, sizeof expected, "dense \"head\": %s", text);
    gr_scope_push(g, "dense", "head");
    assert_int_equal(build(g), GR_NONE);
    if (strcmp(gr_context_error(ctx)->message, expected) != 0)
        fail_msg("says: %s\nwanted: %s", gr_context_error(ctx)->message, expected);
    assert_int_equal(gr_graph_status(g), code);
    assert_int_equal(gr_context_error(ctx)->code, code);
    gr_graph_destroy(g);
    test_context_end(ctx);
}

#define REJECTS(name, code, text, expression) \
    static gr_val name##_build(gr_graph *g)   \
    {                                         \
        return expression;                    \
    }                                         \
    static void test_##name(void **state)     \
    {                                         \
        (void)state;                          \
        rejects(name##_build, code, text);    \
    }

#define F(name, ...) gr_feed(g, name, GR_REAL, GR_SHAPE(__VA_ARGS__))
#define I(name, ...) gr_feed(g, name, GR_I32, GR_SHAPE(__VA_ARGS__))
#define SCALAR(name) gr_feed(g, name, GR_REAL, GR_SCALAR)

/* leaves */
REJECTS(no_name, GR_E_USAGE, "feed: a name is missing", gr_feed(g, "", GR_REAL, GR_SHAPE(2)))
REJECTS(negative, GR_E_SHAPE, "feed: size -1 of axis 1 is negative: [2,-1]", F("x", 2, -1))
REJECTS(rank, GR_E_SHAPE, "param: rank 7 is not in 0..6", gr_param(g, "w", ((gr_shape){7, {1, 1, 1, 1, 1, 1}})))
REJECTS(huge, GR_E_SHAPE, "param: [4294967296,4294967296] has too many elements",
        gr_param(g, "w", GR_SHAPE(INT64_C(1) << 32, INT64_C(1) << 32)))
REJECTS(huge_empty, GR_E_SHAPE, "slot: [0,4294967296,4294967296] has too many elements",
        gr_slot(g, "m", GR_SHAPE(0, INT64_C(1) << 32, INT64_C(1) << 32)))
REJECTS(huge_tensor, GR_E_SHAPE, "tensor: [4611686018427387904] has too many elements",
        gr_const_tensor(g, GR_SHAPE(INT64_C(1) << 62), NULL))
REJECTS(iota_axis, GR_E_RANGE, "iota: axis 2 is none of [3,4]", gr_iota(g, GR_SHAPE(3, 4), 2))
REJECTS(iota_large, GR_E_RANGE, "iota: [2147483648]: an index does not fit i32",
        gr_iota(g, GR_SHAPE(INT64_C(1) << 31), 0))
REJECTS(random_rank, GR_E_SHAPE, "random: \"r\" has no axis of samples",
        gr_random(g, "r", GR_SCALAR, SCALAR("a"), SCALAR("b"), SCALAR("c")))
REJECTS(random_seed, GR_E_SHAPE, "random: operand 1 is [2], wanted rank 0",
        gr_random(g, "r", GR_SHAPE(2), F("a", 2), SCALAR("b"), SCALAR("c")))
REJECTS(random_type, GR_E_TYPE, "random: operand 2 is i32[], wanted real",
        gr_random(g, "r", GR_SHAPE(2), SCALAR("a"), gr_feed(g, "b", GR_I32, GR_SCALAR), SCALAR("c")))
REJECTS(two_shapes, GR_E_CONFLICT, "param: \"w\" is real[3] here and was param real[2] before",
        (gr_param(g, "w", GR_SHAPE(2)), gr_param(g, "w", GR_SHAPE(3))))
REJECTS(slot_of_param, GR_E_CONFLICT, "slot: \"w\" is real[2] here and was param real[2] before",
        (gr_param(g, "w", GR_SHAPE(2)), gr_slot(g, "w", GR_SHAPE(2))))
REJECTS(two_types, GR_E_CONFLICT, "feed: \"x\" is i32[2] here and was feed real[2] before", (F("x", 2), I("x", 2)))

/* maps */
REJECTS(add_shapes, GR_E_SHAPE, "add: shapes [2,3] and [4] do not fit", gr_add(g, F("x", 2, 3), F("y", 4)))
REJECTS(add_empty, GR_E_SHAPE, "add: shapes [0] and [3] do not fit", gr_add(g, F("x", 0), F("y", 3)))
REJECTS(add_type, GR_E_TYPE, "add: operand 2 is i32[2], wanted real", gr_add(g, F("x", 2), I("i", 2)))
REJECTS(add_one_type, GR_E_TYPE, "mul: operand 1 is i32[2], wanted real", gr_mul(g, I("i", 2), gr_const(g, 1)))
REJECTS(exp_type, GR_E_TYPE, "exp: operand 1 is i32[2], wanted real", gr_exp(g, I("i", 2)))
REJECTS(compare_type, GR_E_TYPE, "less: operands are real and i32: compare reals or integers",
        gr_less(g, F("x", 2), I("i", 2)))
REJECTS(select_type, GR_E_TYPE, "select: operand 1 is i32[2], wanted real",
        gr_select(g, I("i", 2), F("x", 2), F("y", 2)))
REJECTS(pow_tensor, GR_E_SHAPE, "pow: operand 1 is [2], wanted rank 0", gr_pow(g, F("x", 2), gr_const(g, 2)))
REJECTS(nothing, GR_E_USAGE, "add: an operand is not a value of this graph", gr_add(g, F("x", 2), GR_NONE))
REJECTS(rubbish, GR_E_USAGE, "relu: an operand is not a value of this graph", gr_relu(g, 77))
REJECTS(raw_map, GR_E_SHAPE, "mul: operand shapes differ: [2] and [1]",
        gr__node_add(g, GR_OP_MUL, (gr_val[]){F("x", 2), F("y", 1)}, 2, NULL, NULL))
REJECTS(raw_count, GR_E_USAGE, "mul: 1 operands, wanted 2",
        gr__node_add(g, GR_OP_MUL, (gr_val[]){F("x", 2)}, 1, NULL, NULL))
REJECTS(raw_cast, GR_E_TYPE, "real: the operand is real already",
        gr__node_add(g, GR_OP_REAL, (gr_val[]){F("x", 2)}, 1, NULL, NULL))

/* shapes */
REJECTS(reshape_count, GR_E_SHAPE, "reshape: [2,3] does not have as many elements as [4]",
        gr_reshape(g, F("x", 2, 3), GR_SHAPE(4)))
REJECTS(reshape_negative, GR_E_SHAPE, "reshape: size -6 of axis 0 is negative: [-6]",
        gr_reshape(g, F("x", 2, 3), GR_SHAPE(-6)))
REJECTS(reshape_scalar, GR_E_SHAPE, "reshape: rank 0 is not reshaped but broadcast or summed",
        gr_reshape(g, I("i", 1), GR_SCALAR))
REJECTS(permute_axis, GR_E_RANGE, "permute: axis 2 is none of [2,3]", gr_permute(g, F("x", 2, 3), (int[]){2, 0}))
REJECTS(permute_twice, GR_E_RANGE, "permute: axis 1 is named twice", gr_permute(g, F("x", 2, 3), (int[]){1, 1}))
REJECTS(stretch, GR_E_SHAPE, "broadcast: [2,3] does not stretch to [3,2]",
        gr_broadcast(g, F("x", 2, 3), GR_SHAPE(3, 2)))
REJECTS(stretch_rank, GR_E_SHAPE, "broadcast: [2,3] does not stretch to [3]",
        gr_broadcast(g, F("x", 2, 3), GR_SHAPE(3)))
REJECTS(stretch_twice, GR_E_SHAPE, "broadcast: [2,3] does not stretch to [5,3]",
        gr_broadcast(g, gr_broadcast(g, F("x", 1, 3), GR_SHAPE(2, 3)), GR_SHAPE(5, 3)))
REJECTS(slice_end, GR_E_RANGE, "slice: 2 elements from 2 are not on axis 1 of [2,3]",
        gr_slice(g, F("x", 2, 3), 1, 2, 2))
REJECTS(slice_start, GR_E_RANGE, "slice: 1 elements from -1 are not on axis 1 of [2,3]",
        gr_slice(g, F("x", 2, 3), 1, -1, 1))
REJECTS(slice_large, GR_E_RANGE,
        "slice: 9223372036854775807 elements from 9223372036854775807 are not on axis 0 of [2,3]",
        gr_slice(g, F("x", 2, 3), 0, INT64_MAX, INT64_MAX))
REJECTS(slice_axis, GR_E_RANGE, "slice: axis 2 is none of [2,3]", gr_slice(g, F("x", 2, 3), 2, 0, 1))
REJECTS(slice_scalar, GR_E_RANGE, "slice: axis 0 is none of []", gr_slice(g, SCALAR("x"), 0, 0, 1))
REJECTS(concat_none, GR_E_USAGE, "concat: there are no parts", gr_concat(g, NULL, 0, 0))
REJECTS(concat_shapes, GR_E_SHAPE, "concat: part 2 is real[2,4], part 1 real[2,3]: they do not join on axis 0",
        gr_concat(g, (gr_val[]){F("x", 2, 3), F("y", 2, 4)}, 2, 0))
REJECTS(concat_types, GR_E_SHAPE, "concat: part 2 is i32[2,3], part 1 real[2,3]: they do not join on axis 0",
        gr_concat(g, (gr_val[]){F("x", 2, 3), I("y", 2, 3)}, 2, 0))
REJECTS(concat_axis, GR_E_RANGE, "concat: axis -1 is none of [2,3]", gr_concat(g, (gr_val[]){F("x", 2, 3)}, 1, -1))
REJECTS(pad_negative, GR_E_RANGE, "pad: -1 zeros before and 0 after are out of range", gr_pad(g, F("x", 2), 0, -1, 0))
REJECTS(pad_large, GR_E_SHAPE, "pad: [288230376151711746] has too many elements",
        gr_pad(g, F("x", 2), 0, INT64_C(1) << 58, 0))

/* reductions */
REJECTS(sum_axis, GR_E_RANGE, "sum: axis 2 is none of [2,3], or named twice",
        gr_sum(g, F("x", 2, 3), (int[]){2}, 1, false))
REJECTS(sum_twice, GR_E_RANGE, "reduce_max: axis 1 is none of [2,3], or named twice",
        gr_reduce_max(g, F("x", 2, 3), (int[]){1, 1}, 2, false))
REJECTS(sum_type, GR_E_TYPE, "sum: operand 1 is i32[2], wanted real", gr_sum_all(g, I("i", 2)))
REJECTS(squares_type, GR_E_TYPE, "sum_squares: operand 1 is i32[2], wanted real", gr_sum_squares(g, I("i", 2), 0))
REJECTS(squares_scale, GR_E_RANGE, "sum_squares: numbers are scaled by a power of two from -256 to 256, not 257",
        gr_sum_squares(g, F("x", 2), 257))
REJECTS(squares_axes, GR_E_RANGE, "sum_squares: some of 2 axes are left",
        gr__node_add(g, GR_OP_SUM_SQUARES, (gr_val[]){F("x", 2, 3)}, 1, &(gr_attr){.i = {1}}, NULL))
REJECTS(argmax_axis, GR_E_RANGE, "argmax: axis 1 is none of [2]", gr_argmax(g, F("x", 2), 1))
REJECTS(argmax_empty, GR_E_SHAPE, "argmax: axis 1 of [2,0] has no largest element that i32 can name",
        gr_argmax(g, F("x", 2, 0), 1))

/* indices */
REJECTS(gather_type, GR_E_TYPE, "gather: operand 2 is real[2], wanted i32", gr_gather(g, F("x", 3, 2), F("y", 2)))
REJECTS(gather_rank, GR_E_SHAPE, "gather: the index has no axis",
        gr_gather(g, F("x", 3, 2), gr_feed(g, "i", GR_I32, GR_SCALAR)))
REJECTS(gather_deep, GR_E_SHAPE, "gather: table [3,1,1,1] cannot be read at [1,1,1,1]",
        gr_gather(g, F("x", 3, 1, 1, 1), I("i", 1, 1, 1, 1)))
REJECTS(scatter_shapes, GR_E_SHAPE, "scatter_add: values [3,2] do not begin with the index's shape [2]",
        gr_scatter_add(g, F("x", 3, 2), I("i", 2), 5))
REJECTS(scatter_rows, GR_E_RANGE, "scatter_add: -1 rows are out of range",
        gr_scatter_add(g, F("x", 3, 2), I("i", 3), -1))

/* contractions */
REJECTS(matmul_inner, GR_E_SHAPE, "matmul: inner sizes differ: [64,128] and [256,10]",
        gr_matmul(g, F("x", 64, 128), F("w", 256, 10), false, false))
REJECTS(matmul_inner_t, GR_E_SHAPE, "matmul: inner sizes differ: [64,128] and [10,256] transposed",
        gr_matmul(g, F("x", 64, 128), F("w", 10, 256), false, true))
REJECTS(matmul_rank, GR_E_SHAPE, "matmul: operands are [3] and [3,2], wanted two axes at least",
        gr_matmul(g, F("x", 3), F("w", 3, 2), false, false))
REJECTS(matmul_batch, GR_E_SHAPE, "matmul: leading sizes differ: [2,3,4] and [3,4,5]",
        gr_matmul(g, F("x", 2, 3, 4), F("w", 3, 4, 5), false, false))
REJECTS(matmul_ranks, GR_E_SHAPE, "matmul: leading sizes differ: [2,1,3,4] and [1,4,5]",
        gr_matmul(g, F("x", 2, 1, 3, 4), F("w", 1, 4, 5), false, false))

#define CONV ((gr_conv_attr){{1, 1}, {1, 1}, {0, 0}, {0, 0}, 1})
#define CONV_WITH(...) ((gr_conv_attr){__VA_ARGS__})
REJECTS(conv_rank, GR_E_SHAPE, "conv: operand 1 is [3,3,2], wanted rank 4",
        gr_conv(g, F("x", 3, 3, 2), F("w", 1, 1, 1, 2), CONV))
REJECTS(conv_channels, GR_E_SHAPE, "conv: channels differ: input [1,3,3,2], weight [4,2,2,3], 1 groups",
        gr_conv(g, F("x", 1, 3, 3, 2), F("w", 4, 2, 2, 3), CONV))
REJECTS(conv_groups, GR_E_SHAPE, "conv: 2 groups do not divide the output channels of weight [3,1,1,1]",
        gr_conv(g, F("x", 1, 3, 3, 2), F("w", 3, 1, 1, 1), CONV_WITH({1, 1}, {1, 1}, {0, 0}, {0, 0}, 2)))
REJECTS(conv_kernel, GR_E_SHAPE, "conv: the kernel of weight [4,5,1,2] is larger than the padded input [1,3,3,2]",
        gr_conv(g, F("x", 1, 3, 3, 2), F("w", 4, 5, 1, 2), CONV_WITH({1, 1}, {1, 1}, {1, 0}, {0, 0}, 1)))
REJECTS(conv_no_kernel, GR_E_SHAPE, "conv: a kernel size of weight [4,0,1,2] is out of range",
        gr_conv(g, F("x", 1, 3, 3, 2), F("w", 4, 0, 1, 2), CONV))
REJECTS(conv_stride, GR_E_RANGE, "conv: stride 0 is out of range",
        gr_conv(g, F("x", 1, 3, 3, 2), F("w", 4, 1, 1, 2), CONV_WITH({1, 0}, {1, 1}, {0, 0}, {0, 0}, 1)))
REJECTS(conv_dilation, GR_E_RANGE, "conv: dilation -3 is out of range",
        gr_conv(g, F("x", 1, 3, 3, 2), F("w", 4, 1, 1, 2), CONV_WITH({1, 1}, {-3, 1}, {0, 0}, {0, 0}, 1)))
REJECTS(conv_padding, GR_E_RANGE, "conv: padding 9223372036854775807, 0 is out of range",
        gr_conv(g, F("x", 1, 3, 3, 2), F("w", 4, 1, 1, 2), CONV_WITH({1, 1}, {1, 1}, {INT64_MAX, 0}, {0, 0}, 1)))
REJECTS(conv_no_groups, GR_E_RANGE, "conv: 0 groups are out of range",
        gr_conv(g, F("x", 1, 3, 3, 2), F("w", 4, 1, 1, 2), CONV_WITH({1, 1}, {1, 1}, {0, 0}, {0, 0}, 0)))
REJECTS(conv_data_size, GR_E_SHAPE,
        "conv_data: output [1,3,3,4] does not belong to input [1,5,4,2] and weight [4,2,2,2]",
        gr_conv_data(g, F("dy", 1, 3, 3, 4), F("w", 4, 2, 2, 2), 5, 4, CONV))
REJECTS(conv_data_negative, GR_E_SHAPE, "conv_data: size -5 of axis 1 is negative: [1,-5,4,2]",
        gr_conv_data(g, F("dy", 1, 3, 3, 4), F("w", 4, 2, 2, 2), -5, 4, CONV))
REJECTS(conv_weights_batch, GR_E_SHAPE,
        "conv_weights: output [2,3,3,4] does not belong to input [1,4,4,2] and weight [4,2,2,2]",
        gr_conv_weights(g, F("x", 1, 4, 4, 2), F("dy", 2, 3, 3, 4), 2, 2, CONV))

/* pooling */
#define POOL_WITH(...) ((gr_pool_attr){__VA_ARGS__})
REJECTS(pool_window, GR_E_SHAPE, "max_pool: a window of 4x2 is larger than the padded input [1,3,3,2]",
        gr_max_pool(g, F("x", 1, 3, 3, 2), POOL_WITH({4, 2}, {1, 1}, {0, 0}, {0, 0}, false), NULL))
REJECTS(pool_before, GR_E_SHAPE, "avg_pool: a window of 2x2 on [1,3,3,2] would hold padding only",
        gr_avg_pool(g, F("x", 1, 3, 3, 2), POOL_WITH({2, 2}, {1, 1}, {2, 0}, {0, 0}, false)))
REJECTS(pool_after, GR_E_SHAPE, "avg_pool: a window of 2x2 on [1,3,3,2] would hold padding only",
        gr_avg_pool(g, F("x", 1, 3, 3, 2), POOL_WITH({2, 2}, {1, 3}, {0, 0}, {0, 2}, false)))
REJECTS(pool_empty, GR_E_SHAPE, "avg_pool: a window of 2x2 on [1,0,3,2] would hold padding only",
        gr_avg_pool(g, F("x", 1, 0, 3, 2), POOL_WITH({2, 2}, {1, 1}, {1, 0}, {1, 0}, false)))
REJECTS(pool_size, GR_E_RANGE, "max_pool: size 0, stride 1, padding 0, 0 are out of range",
        gr_max_pool(g, F("x", 1, 3, 3, 2), POOL_WITH({2, 0}, {1, 1}, {0, 0}, {0, 0}, false), NULL))
REJECTS(pool_stride, GR_E_RANGE, "max_pool: size 2, stride -1, padding 0, 0 are out of range",
        gr_max_pool(g, F("x", 1, 3, 3, 2), POOL_WITH({2, 2}, {-1, 1}, {0, 0}, {0, 0}, false), NULL))
REJECTS(pool_adaptive_padding, GR_E_RANGE, "avg_pool: size 2, stride 0, padding 0, 1 are out of range",
        gr_avg_pool(g, F("x", 1, 3, 3, 2), POOL_WITH({2, 2}, {1, 0}, {0, 0}, {0, 1}, false)))
REJECTS(pool_adaptive_empty, GR_E_SHAPE, "avg_pool: 2 windows on an axis of [1,3,0,2] would hold nothing",
        gr_avg_pool(g, F("x", 1, 3, 0, 2), POOL_WITH({2, 2}, {1, 0}, {0, 0}, {0, 0}, false)))
REJECTS(pool_large, GR_E_SHAPE, "max_pool: pictures of [1,65536,65536,1] are too large",
        gr_max_pool(g, F("x", 1, 65536, 65536, 1), POOL_WITH({2, 2}, {1, 1}, {0, 0}, {0, 0}, false), NULL))
REJECTS(pool_index, GR_E_SHAPE, "pool_gather: the index is [1,3,3,2], wanted [1,2,2,2]",
        gr__node_add(g, GR_OP_POOL_GATHER, (gr_val[]){F("x", 1, 3, 3, 2), I("i", 1, 3, 3, 2)}, 2,
                     &(gr_attr){.i = {2, 2, 1, 1}}, NULL))
REJECTS(pool_scatter_shape, GR_E_SHAPE, "pool_scatter: pooled [1,3,3,2] does not belong to input [1,3,3,2]",
        gr__node_add(g, GR_OP_POOL_SCATTER, (gr_val[]){F("x", 1, 3, 3, 2), I("i", 1, 3, 3, 2)}, 2,
                     &(gr_attr){.i = {2, 2, 1, 1, 0, 0, 0, 0, 0, 3, 3}}, NULL))

/* What is legal, and its shape. */
static void test_accepted(void **state)
{
    (void)state;
    gr_context *ctx = test_context();
    gr_graph *g = new_graph(ctx);
    gr_val x = F("x", 2, 3, 4), p = F("p", 2, 5, 6, 4), s = SCALAR("s");
    assert_shape(g, gr_add(g, x, F("y", 3, 1)), GR_SHAPE(2, 3, 4));
    assert_shape(g, gr_add(g, F("c", 2, 1), F("r", 1, 5)), GR_SHAPE(2, 5));
    assert_shape(g, gr_mul(g, s, s), GR_SCALAR);
    assert_shape(g, gr_add(g, F("e", 0, 1), F("f", 3)), GR_SHAPE(0, 3));
    assert_shape(g, gr_sum(g, x, (int[]){2, 0}, 2, false), GR_SHAPE(3));
    assert_shape(g, gr_sum(g, x, (int[]){2, 0}, 2, true), GR_SHAPE(1, 3, 1));
    assert_shape(g, gr_sum(g, x, (int[]){0, 1, 2}, 3, true), GR_SHAPE(1, 1, 1));
    assert_shape(g, gr_sum_all(g, x), GR_SCALAR);
    assert_shape(g, gr_sum_squares(g, x, 3), GR_SCALAR);
    assert_shape(g, gr_sum(g, F("one", 1, 1), (int[]){0, 1}, 2, false), GR_SCALAR);
    assert_shape(g, gr_argmax(g, x, 1), GR_SHAPE(2, 4));
    assert_int_equal(gr_dtype_of(g, gr_argmax(g, x, 1)), GR_I32);
    assert_shape(g, gr_argmax(g, F("v", 7), 0), GR_SCALAR);
    assert_shape(g, gr_permute(g, x, (int[]){2, 0, 1}), GR_SHAPE(4, 2, 3));
    assert_shape(g, gr_matmul(g, x, F("w", 7, 4), false, true), GR_SHAPE(2, 3, 7));
    assert_shape(g, gr_matmul(g, F("a", 5, 3), x, false, false), GR_SHAPE(2, 5, 4));
    assert_shape(g, gr_matmul(g, x, F("t", 3, 5), true, false), GR_SHAPE(2, 4, 5));
    assert_shape(g, gr_conv(g, p, F("k", 8, 3, 3, 2), (gr_conv_attr){{2, 1}, {1, 2}, {1, 0}, {1, 1}, 2}),
                 GR_SHAPE(2, 3, 3, 8));
    assert_shape(g,
                 gr_conv_data(g, F("d", 2, 3, 3, 8), F("k", 8, 3, 3, 2), 5, 6,
                              (gr_conv_attr){{2, 1}, {1, 2}, {1, 0}, {1, 1}, 2}),
                 GR_SHAPE(2, 5, 6, 4));
    assert_shape(g, gr_conv_weights(g, p, F("d", 2, 3, 3, 8), 3, 3, (gr_conv_attr){{2, 1}, {1, 2}, {1, 0}, {1, 1}, 2}),
                 GR_SHAPE(8, 3, 3, 2));
    assert_shape(g, gr_max_pool(g, p, (gr_pool_attr){{2, 2}, {2, 2}, {0, 0}, {1, 0}, false}, NULL),
                 GR_SHAPE(2, 3, 3, 4));
    assert_shape(g, gr_gather(g, F("table", 9, 4), I("i", 2, 3)), GR_SHAPE(2, 3, 4));
    assert_shape(g, gr_scatter_add(g, gr_gather(g, F("table", 9, 4), I("i", 2, 3)), I("i", 2, 3), 9), GR_SHAPE(9, 4));
    assert_int_equal(gr_shape_count(GR_SCALAR), 1);
    assert_int_equal(gr_shape_count(GR_SHAPE(2, 0, INT64_MAX)), 0);
    assert_int_equal(gr_shape_count(GR_SHAPE(INT64_MAX, 2)), -1);
    assert_int_equal(gr_shape_count(GR_SHAPE(-1, 2)), -1);
    test_ok(ctx, gr_graph_verify(g));
    gr_graph_destroy(g);
    test_context_end(ctx);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
#define T(name) cmocka_unit_test(test_##name)
        T(no_name),
        T(negative),
        T(rank),
        T(huge),
        T(huge_empty),
        T(huge_tensor),
        T(iota_axis),
        T(iota_large),
        T(random_rank),
        T(random_seed),
        T(random_type),
        T(two_shapes),
        T(slot_of_param),
        T(two_types),
        T(add_shapes),
        T(add_empty),
        T(add_type),
        T(add_one_type),
        T(exp_type),
        T(compare_type),
        T(select_type),
        T(pow_tensor),
        T(nothing),
        T(rubbish),
        T(raw_map),
        T(raw_count),
        T(raw_cast),
        T(reshape_count),
        T(reshape_negative),
        T(reshape_scalar),
        T(permute_axis),
        T(permute_twice),
        T(stretch),
        T(stretch_rank),
        T(stretch_twice),
        T(slice_end),
        T(slice_start),
        T(slice_large),
        T(slice_axis),
        T(slice_scalar),
        T(concat_none),
        T(concat_shapes),
        T(concat_types),
        T(concat_axis),
        T(pad_negative),
        T(pad_large),
        T(sum_axis),
        T(sum_twice),
        T(sum_type),
        T(squares_type),
        T(squares_scale),
        T(squares_axes),
        T(argmax_axis),
        T(argmax_empty),
        T(gather_type),
        T(gather_rank),
        T(gather_deep),
        T(scatter_shapes),
        T(scatter_rows),
        T(matmul_inner),
        T(matmul_inner_t),
        T(matmul_rank),
        T(matmul_batch),
        T(matmul_ranks),
        T(conv_rank),
        T(conv_channels),
        T(conv_groups),
        T(conv_kernel),
        T(conv_no_kernel),
        T(conv_stride),
        T(conv_dilation),
        T(conv_padding),
        T(conv_no_groups),
        T(conv_data_size),
        T(conv_data_negative),
        T(conv_weights_batch),
        T(pool_window),
        T(pool_before),
        T(pool_after),
        T(pool_empty),
        T(pool_size),
        T(pool_stride),
        T(pool_adaptive_padding),
        T(pool_adaptive_empty),
        T(pool_large),
        T(pool_index),
        T(pool_scatter_shape),
        T(accepted),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
