/* Every operation: first and second derivatives against differences, over shapes with 1, 0, odd sizes and broadcasting.
 * Elementwise operations are checked as soon as they have a row, within the domain that the row declares. A last test
 * makes sure that no operation was forgotten. */
#include "loops.h"
#include "test.h"

#include "graph/attention.h"
#include "graph/norm.h"
#include "graph/packed.h"

#include "gradcheck.h"
#include "saidcheck.h"

#define TOLERANCE 1e-7

/* A function of the values x in a graph g. */
#define BUILD(name, ...)                                     \
    static gr_val build_##name(gr_graph *g, const gr_val *x) \
    {                                                        \
        return __VA_ARGS__;                                  \
    }

/* ---- elementwise: a case a row ---- */

#define BUILD_1(name) BUILD(name, gr_##name(g, x[0]))
#define BUILD_2(name) BUILD(name, gr_##name(g, x[0], x[1]))
#define BUILD_3(name) BUILD(name, gr_##name(g, x[0], x[1], x[2]))
#define BUILD_ROW(code, name, n, ...) BUILD_##n(name)
GR__ELEMENTWISE_PLAIN(BUILD_ROW)

typedef struct elementwise {
    gr_opcode code;
    const char *takes;
    gradcheck_case check;
} elementwise;

#define CASE(op_code, op_name, operands, op_order, op_takes, ...) \
    {GR_OP_##op_code, #op_takes, {.name = #op_name, .build = build_##op_name, .n = operands}},
static const elementwise plain_rows[] = {GR__ELEMENTWISE_PLAIN(CASE)};

static const gr_shape some_shapes[] = {{0, {0}}, {1, {1}}, {1, {0}}, {2, {3, 5}}, {3, {2, 1, 3}}, {2, {0, 3}}};

static const gr_shape some_pairs[][2] = {
    {{0, {0}}, {0, {0}}},    {{2, {3, 5}}, {2, {3, 5}}},    {{2, {3, 5}}, {0, {0}}}, {{0, {0}}, {1, {3}}},
    {{2, {3, 1}}, {1, {5}}}, {{3, {2, 1, 3}}, {2, {4, 1}}}, {{1, {1}}, {2, {2, 3}}}, {{2, {0, 3}}, {1, {3}}},
    {{1, {1}}, {0, {0}}},    {{2, {1, 1}}, {1, {1}}},
};

/* ---- said by others: a case a row, over the last of few axes and of none ---- */

#define BUILD_SAID(code, name, n, ...) BUILD_##n(name)
GR__COMPOSED(BUILD_SAID)

#define CASE_SAID(op_code, op_name, operands, from, to, ...) \
    {.name = #op_name, .build = build_##op_name, .n = operands, .low = from, .high = to},
static const gradcheck_case said_rows[] = {GR__COMPOSED(CASE_SAID)};

static const gr_shape said_shapes[] = {{1, {1}}, {1, {4}}, {2, {3, 5}}, {2, {4, 1}}, {3, {2, 1, 3}}, {2, {0, 3}}};

static gradcheck_case said_case(size_t row, size_t shape)
{
    gradcheck_case c = said_rows[row];
    for (int i = 0; i < c.n; i++) c.shape[i] = said_shapes[shape];
    return c;
}

/* ---- elementwise, made otherwise ---- */

static gr_val build_select_either(gr_graph *g, const gr_val *x)
{
    return gr_select(g, gr_less(g, x[0], x[1]), gr_sin(g, x[0]), gr_mul(g, x[1], x[1]));
}

/* Made by the plan only, so there is no builder. */
static gr_val build_muladd(gr_graph *g, const gr_val *x)
{
    return gr__node_add(g, GR_OP_MULADD, (gr_val[]){x[0], x[1], x[0]}, 3, NULL, NULL);
}

static gr_val build_muladd_third(gr_graph *g, const gr_val *x)
{
    return gr__node_add(g, GR_OP_MULADD, (gr_val[]){x[1], x[1], x[0]}, 3, NULL, NULL);
}

static gr_val build_stop(gr_graph *g, const gr_val *x)
{
    /* the stopped factor is one number for differences too: its argument does not change with x */
    return gr_mul(g, x[0], gr_stop(g, gr_add(g, gr_mul(g, gr_sign(g, x[1]), gr_sign(g, x[1])), gr_const(g, 2))));
}

static const gradcheck_case binary[] = {
    {.name = "select", .build = build_select_either, .low = -2, .high = 2},
    {.name = "stop", .build = build_stop, .low = -2, .high = 2},
};

/* ---- the rest: a row a case ---- */

BUILD(reshape, gr_square(g, gr_reshape(g, x[0], GR_SHAPE(3, 4))))
BUILD(to_rank_0, gr_square(g, gr_reshape(g, x[0], GR_SCALAR)))
BUILD(from_rank_0, gr_square(g, gr_reshape(g, x[0], GR_SHAPE(1, 1))))
BUILD(permute, gr_square(g, gr_permute(g, x[0], (int[]){2, 0, 1})))
BUILD(broadcast, gr_square(g, gr_broadcast(g, x[0], GR_SHAPE(2, 3, 4))))
BUILD(broadcast_empty, gr_broadcast(g, x[0], GR_SHAPE(0, 3)))
BUILD(slice, gr_square(g, gr_slice(g, x[0], 1, 1, 2)))
BUILD(slice_none, gr_slice(g, x[0], 1, 3, 0))
static gr_val build_concat(gr_graph *g, const gr_val *x)
{
    return gr_square(g, gr_concat(g, (gr_val[]){x[0], x[1], x[2], x[0], x[1]}, 5, 1));
}
BUILD(pad, gr_square(g, gr_pad(g, x[0], 0, 2, 1)))
BUILD(sum_0, gr_square(g, gr_sum(g, x[0], (int[]){0}, 1, false)))
BUILD(sum_1, gr_square(g, gr_sum(g, x[0], (int[]){1}, 1, true)))
BUILD(sum_02, gr_square(g, gr_sum(g, x[0], (int[]){2, 0}, 2, false)))
BUILD(sum_all, gr_square(g, gr_sum_all(g, x[0])))
BUILD(sum_squares, gr_square(g, gr_sum_squares(g, x[0], 1)))
BUILD(mean_all, gr_square(g, gr_mean_all(g, x[0])))
BUILD(max_1, gr_square(g, gr_reduce_max(g, x[0], (int[]){1}, 1, false)))
BUILD(max_02, gr_square(g, gr_reduce_max(g, x[0], (int[]){0, 2}, 2, true)))
BUILD(max_all, gr_square(g, gr_reduce_max(g, x[0], (int[]){0, 1, 2}, 3, false)))
static gr_val build_argmax(gr_graph *g, const gr_val *x)
{
    return gr_mul(g, gr_real(g, gr_argmax(g, x[0], 1)), gr_sum(g, x[0], (int[]){1}, 1, false));
}
static gr_val build_shares(gr_graph *g, const gr_val *x)
{
    gr_val e = gr_exp(g, gr_sub(g, x[0], gr_reduce_max(g, x[0], (int[]){1}, 1, true)));
    return gr_div(g, e, gr_sum(g, e, (int[]){1}, 1, true));
}

/* indices: one repeated, one too large, one negative */
static const double few_indices[] = {2, 0, 2, 7, -1, 1};
static gr_val index_of(gr_graph *g, gr_shape s)
{
    return gr_feed(g, "index", GR_I32, s);
}
BUILD(gather, gr_square(g, gr_gather(g, x[0], index_of(g, GR_SHAPE(2, 3)))))
BUILD(gather_none, gr_gather(g, x[0], index_of(g, GR_SHAPE(0))))
BUILD(scatter, gr_square(g, gr_scatter_add(g, x[0], index_of(g, GR_SHAPE(6)), 3)))

#define MATMUL(name, ta, tb) BUILD(matmul_##name, gr_matmul(g, x[0], x[1], ta, tb))
MATMUL(nn, false, false)
MATMUL(nt, false, true)
MATMUL(tn, true, false)
MATMUL(tt, true, true)

static const gr_conv_attr plain = {{1, 1}, {1, 1}, {0, 0}, {0, 0}, 1};
static const gr_conv_attr odd = {{2, 1}, {1, 2}, {1, 0}, {0, 2}, 1}; /* strides, dilation and paddings that differ */
static const gr_conv_attr grouped = {{1, 2}, {1, 1}, {1, 1}, {1, 1}, 2};
BUILD(conv_plain, gr_conv(g, x[0], x[1], plain))
BUILD(conv_odd, gr_conv(g, x[0], x[1], odd))
BUILD(conv_grouped, gr_conv(g, x[0], x[1], grouped))
BUILD(conv_data, gr_conv_data(g, x[0], x[1], 4, 4, odd))
BUILD(conv_weights, gr_conv_weights(g, x[0], x[1], 2, 3, odd))

static const gr_pool_attr windows = {{2, 3}, {2, 1}, {0, 1}, {1, 1}, false};
static const gr_pool_attr windows_padded = {{2, 3}, {2, 1}, {0, 1}, {1, 1}, true};
BUILD(max_pool, gr_square(g, gr_max_pool(g, x[0], windows, NULL)))
BUILD(avg_pool, gr_square(g, gr_avg_pool(g, x[0], windows)))
BUILD(avg_pool_padded, gr_square(g, gr_avg_pool(g, x[0], windows_padded)))

/* 2 windows that overlap on 3 rows; 4 on 3 columns. */
static const gr_pool_attr adaptive = {{2, 4}, {0, 0}, {0, 0}, {0, 0}, false};
/* One axis of each kind. */
static const gr_pool_attr half_adaptive = {{2, 2}, {0, 1}, {0, 1}, {0, 1}, true};
BUILD(max_pool_adaptive, gr_square(g, gr_max_pool(g, x[0], adaptive, NULL)))
BUILD(avg_pool_adaptive, gr_square(g, gr_avg_pool(g, x[0], adaptive)))
BUILD(avg_pool_half, gr_square(g, gr_avg_pool(g, x[0], half_adaptive)))

static gr_attr window_attr(int64_t h, int64_t w)
{
    return (gr_attr){.i = {2, 3, 2, 1, 0, 1, 1, 1, 0, h, w}};
}

/* x[0] lends its index, x[1] is what is picked from, or spread. */
static gr_val build_pool_gather(gr_graph *g, const gr_val *x)
{
    gr_val index;
    gr_max_pool(g, gr_stop(g, x[0]), windows, &index);
    gr_attr attr = window_attr(0, 0);
    return gr_square(g, gr__node_add(g, GR_OP_POOL_GATHER, (gr_val[]){x[1], index}, 2, &attr, NULL));
}

static gr_val build_pool_scatter(gr_graph *g, const gr_val *x)
{
    gr_val index;
    gr_max_pool(g, gr_stop(g, x[0]), windows, &index);
    gr_attr attr = window_attr(3, 3);
    return gr_square(g, gr__node_add(g, GR_OP_POOL_SCATTER, (gr_val[]){x[1], index}, 2, &attr, NULL));
}

/* What is packed has no gradient; what is read back is another number. */
static gr_val build_packed(gr_graph *g, const gr_val *x)
{
    const gr__packing places = {.form = GR__PACK_INDEX};
    gr_val index = gr_iota(g, gr_shape_of(g, x[0]), 0), packed = gr__pack(g, index, &places, "", NULL);
    gr_val back = gr__unpack(g, packed, &places, gr__value(g, index), 0);
    return gr_square(g, gr_mul(g, x[0], gr_real(g, back)));
}

static gr_val build_avg_pool_adjoint(gr_graph *g, const gr_val *x)
{
    gr_attr attr = window_attr(3, 3);
    return gr_square(g, gr__node_add(g, GR_OP_AVG_POOL_ADJOINT, x, 1, &attr, NULL));
}

/* norms: weights of every shape that they take */
#define NORM(name, centred, eps, ...)                                                                               \
    static gr_val build_##name(gr_graph *g, const gr_val *x)                                                        \
    {                                                                                                               \
        const int axes[] = {__VA_ARGS__};                                                                           \
        return gr_square(g, gr__sample_norm(g, x[0], x[1], axes, (int)(sizeof axes / sizeof *axes), centred, eps)); \
    }
NORM(norm_last, true, 0.1, 1)
NORM(norm_two, true, 0.1, 1, 3)
NORM(norm_middle, true, 1e-3, 1)
NORM(norm_square, false, 0.1, 1)
NORM(norm_squares, false, 0.1, 0, 2)

/* All three results, so that each has a cotangent. */
static gr_val build_channel_norm(gr_graph *g, const gr_val *x)
{
    gr_val mean, variance, y = gr__channel_norm(g, x[0], x[1], 0.1, &mean, &variance);
    return gr_add(g, gr_square(g, y), gr_add(g, gr_sin(g, mean), gr_square(g, variance)));
}
static gr_val build_channel_norm_alone(gr_graph *g, const gr_val *x)
{
    gr_val mean, variance;
    return gr_square(g, gr__channel_norm(g, x[0], x[1], 0.1, &mean, &variance));
}
static gr_val build_channel_statistics(gr_graph *g, const gr_val *x)
{
    gr_val mean, variance;
    gr__channel_norm(g, x[0], gr_const(g, 1), 0.1, &mean, &variance);
    return gr_mul(g, gr_square(g, mean), variance);
}

/* Two heads that share the keys of one, or have their own; lengths of which one leaves a sample no key. */
static const double few_lengths[] = {2, 0};
static gr_attention_attr heads(gr_graph *g, int64_t key_heads, bool causal, bool lengths)
{
    gr_val index = lengths ? gr_feed(g, "index", GR_I32, GR_SHAPE(2)) : GR_NONE;
    return (gr_attention_attr){
        .heads = 2, .key_heads = key_heads, .size = 2, .causal = causal, .scale = 0.7, .lengths = index};
}
BUILD(attention, gr_attention(g, x[0], x[1], x[2], heads(g, 2, false, false)))
BUILD(attention_shared, gr_attention(g, x[0], x[1], x[2], heads(g, 1, false, true)))
BUILD(attention_packed, gr_attention(g, x[0], GR_NONE, GR_NONE, heads(g, 1, true, true)))
BUILD(attention_sums, gr__node_output(g, gr_attention(g, x[0], x[1], x[2], heads(g, 2, true, false)), 1))

/* Queries, keys and values, means, sums and cotangents. */
static gr_val build_attention_gradient(gr_graph *g, const gr_val *x)
{
    gr_attr attr = {.i = {2, 1, 2, 0, 0, GR__ATTENTION_ADJOINT}, .f = {0.7}, .name = ""};
    gr_val d = gr__node_add(g, GR_OP_ATTENTION_GRADIENT, x, 6, &attr, NULL);
    return gr_concat(g, (gr_val[]){d, gr__node_output(g, d, 1), gr__node_output(g, d, 2)}, 3, 2);
}

static gr_val build_attention_packed_gradient(gr_graph *g, const gr_val *x)
{
    gr_attr attr = {.i = {2, 2, 1, 1, 1, GR__ATTENTION_ADJOINT | GR__ATTENTION_DLSE}, .f = {0.7}, .name = ""};
    return gr__node_add(g, GR_OP_ATTENTION_PACKED_GRADIENT, x, 5, &attr, NULL);
}

static gr_val build_scan(gr_graph *g, const gr_val *x)
{
    return loop_plain(g, x, false, NULL);
}

static gr_val build_scan_reverse(gr_graph *g, const gr_val *x)
{
    gr_val last = GR_NONE;
    loop_plain(g, x, true, &last);
    return last;
}

static gr_val build_scan_mixed(gr_graph *g, const gr_val *x)
{
    return loop_mixed(g, x);
}

static gr_val build_scan_nested(gr_graph *g, const gr_val *x)
{
    return loop_nested(g, x);
}

static gr_val build_fixed_point(gr_graph *g, const gr_val *x)
{
    return fixed_point_plain(g, x, (gr_fixed_point_attr){.max = 200, .tolerance = 1e-14});
}

/* Two unknowns, one within the other's function: u = sin(0.3 u + v), v = cos(0.4 u + x) / 2. */
static gr_val build_fixed_point_nested(gr_graph *g, const gr_val *x)
{
    gr_fixed_point_attr attr = {.solver = GR_SOLVE_BROYDEN, .max = 100, .tolerance = 1e-14};
    gr_shape shape = gr_shape_of(g, x[0]);
    gr_val zeros = gr_broadcast(g, gr_const(g, 0), shape), v = gr_unknown(g, shape), u = gr_unknown(g, shape);
    gr_val inner =
        gr_fixed_point(g, u, gr_sin(g, gr_add(g, gr_mul(g, u, gr_const(g, 0.3)), v)), zeros, attr, NULL, NULL);
    gr_val outer = gr_cos(g, gr_add(g, gr_mul(g, inner, gr_const(g, 0.4)), x[0]));
    return gr_fixed_point(g, v, gr_mul(g, outer, gr_const(g, 0.5)), zeros, attr, NULL, NULL);
}

/* What a carry was before, between and behind all steps. */
static gr_val build_scan_states(gr_graph *g, const gr_val *x)
{
    gr_val last = GR_NONE;
    loop_plain(g, x, true, &last);
    return gr__node_output(g, last, 1);
}

#define S(...)                                                     \
    {                                                              \
        (int)(sizeof((int64_t[]){__VA_ARGS__}) / sizeof(int64_t)), \
        {                                                          \
            __VA_ARGS__                                            \
        }                                                          \
    }
#define SCALAR_SHAPE \
    {                \
        0,           \
        {            \
            0        \
        }            \
    }
#define ROW(function, inputs, ...)                                                                               \
    {                                                                                                            \
        .name = #function, .build = build_##function, .n = inputs, .shape = {__VA_ARGS__}, .low = -2, .high = 2, \
        .index = few_indices                                                                                     \
    }

#define LENGTHS(function, inputs, ...)                                                                           \
    {                                                                                                            \
        .name = #function, .build = build_##function, .n = inputs, .shape = {__VA_ARGS__}, .low = -2, .high = 2, \
        .index = few_lengths                                                                                     \
    }

static const gradcheck_case others[] = {
    ROW(scan, 3, S(3, 2, 2), S(2, 2), S(2)),
    ROW(scan, 3, S(1, 1, 1), S(1, 1), S(1)),
    ROW(scan_reverse, 3, S(4, 1, 2), S(2, 2), S(2)),
    ROW(scan_states, 3, S(3, 2, 1), S(1, 1), S(1)),
    ROW(fixed_point, 3, S(3, 4), S(4, 4), S(4)),
    ROW(fixed_point, 3, S(1, 1), S(1, 1), S(1)),
    ROW(fixed_point_nested, 1, S(3, 2)),
    ROW(fixed_point_nested, 1, S(2)),
    ROW(scan_mixed, 4, S(3, 2), S(2), S(2), SCALAR_SHAPE),
    ROW(scan_nested, 3, S(2, 2, 1, 2), S(2, 2), S(2)),
    ROW(packed, 1, S(3, 2)),
    ROW(muladd, 2, S(3, 2), S(3, 2)),
    ROW(muladd, 2, S(3), SCALAR_SHAPE),
    ROW(muladd_third, 2, SCALAR_SHAPE, S(3)),
    ROW(reshape, 1, S(2, 3, 2)),
    ROW(to_rank_0, 1, S(1, 1)),
    ROW(from_rank_0, 1, SCALAR_SHAPE),
    ROW(permute, 1, S(2, 3, 4)),
    ROW(permute, 1, S(1, 3, 1)),
    ROW(permute, 1, S(0, 3, 2)),
    ROW(broadcast, 1, S(3, 1)),
    ROW(broadcast, 1, S(2, 1, 1)),
    ROW(broadcast, 1, S(1)),
    ROW(broadcast, 1, SCALAR_SHAPE),
    ROW(broadcast_empty, 1, S(1, 3)),
    ROW(slice, 1, S(3, 4, 2)),
    ROW(slice_none, 1, S(2, 3)),
    ROW(concat, 3, S(2, 1, 2), S(2, 3, 2), S(2, 0, 2)),
    ROW(pad, 1, S(2, 3)),
    ROW(pad, 1, S(0, 3)),
    ROW(sum_0, 1, S(3, 4)),
    ROW(sum_0, 1, S(0, 4)),
    ROW(sum_0, 1, S(5)),
    ROW(sum_0, 1, S(1)),
    ROW(sum_0, 1, S(1, 4)),
    ROW(sum_1, 1, S(3, 4, 2)),
    ROW(sum_02, 1, S(3, 4, 2)),
    ROW(sum_02, 1, S(1, 4, 1)),
    ROW(sum_all, 1, S(3, 4)),
    ROW(sum_all, 1, S(0)),
    ROW(sum_squares, 1, S(3, 4)),
    ROW(sum_squares, 1, S(0)),
    ROW(sum_squares, 1, S(1)),
    ROW(mean_all, 1, S(3, 4)),
    ROW(max_1, 1, S(3, 4, 2)),
    ROW(max_1, 1, S(3, 1, 2)),
    ROW(max_02, 1, S(3, 4, 2)),
    ROW(max_all, 1, S(3, 4, 2)),
    ROW(argmax, 1, S(3, 4)),
    ROW(shares, 1, S(3, 5)),
    ROW(gather, 1, S(3, 2)),
    ROW(gather, 1, S(3)),
    ROW(gather_none, 1, S(3, 2)),
    ROW(scatter, 1, S(6, 2)),
    ROW(scatter, 1, S(6)),
    ROW(matmul_nn, 2, S(3, 4), S(4, 2)),
    ROW(matmul_nt, 2, S(3, 4), S(2, 4)),
    ROW(matmul_tn, 2, S(4, 3), S(4, 2)),
    ROW(matmul_tt, 2, S(4, 3), S(2, 4)),
    ROW(matmul_nn, 2, S(1, 1), S(1, 1)),
    ROW(matmul_nn, 2, S(3, 0), S(0, 2)),
    ROW(matmul_nt, 2, S(0, 4), S(2, 4)),
    ROW(matmul_nn, 2, S(2, 3, 2), S(2, 2, 3)),
    ROW(matmul_nt, 2, S(2, 3, 2), S(2, 3, 2)),
    ROW(matmul_tn, 2, S(2, 2, 3), S(2, 2, 1)),
    ROW(matmul_tt, 2, S(2, 1, 2, 3), S(2, 1, 3, 2)),
    /* one matrix for all, on either side */
    ROW(matmul_nn, 2, S(2, 3, 2), S(2, 3)),
    ROW(matmul_nt, 2, S(2, 1, 3, 2), S(3, 2)),
    ROW(matmul_tn, 2, S(2, 2, 3), S(2, 3)),
    ROW(matmul_tt, 2, S(2, 2, 3), S(3, 2)),
    ROW(matmul_nn, 2, S(3, 2), S(2, 2, 3)),
    ROW(matmul_nt, 2, S(3, 2), S(2, 3, 2)),
    ROW(matmul_tn, 2, S(2, 3), S(2, 2, 3)),
    ROW(matmul_tt, 2, S(2, 3), S(2, 1, 3, 2)),
    ROW(conv_plain, 2, S(2, 3, 3, 2), S(3, 2, 2, 2)),
    ROW(conv_plain, 2, S(1, 3, 3, 1), S(1, 1, 1, 1)),
    ROW(conv_plain, 2, S(0, 3, 3, 1), S(2, 2, 2, 1)),
    ROW(conv_odd, 2, S(1, 4, 4, 2), S(2, 2, 3, 2)),
    ROW(conv_grouped, 2, S(1, 3, 4, 4), S(6, 2, 2, 2)),
    ROW(conv_grouped, 2, S(2, 2, 3, 2), S(2, 3, 3, 1)),
    ROW(conv_data, 2, S(1, 2, 2, 2), S(2, 2, 3, 2)),
    ROW(conv_weights, 2, S(1, 4, 4, 2), S(1, 2, 2, 2)),
    ROW(max_pool, 1, S(2, 3, 3, 2)),
    ROW(max_pool, 1, S(1, 1, 1, 1)),
    ROW(max_pool, 1, S(0, 3, 3, 2)),
    ROW(avg_pool, 1, S(2, 3, 3, 2)),
    ROW(avg_pool, 1, S(1, 1, 1, 1)),
    ROW(avg_pool, 1, S(2, 3, 3, 0)),
    ROW(avg_pool, 1, S(0, 3, 3, 2)),
    ROW(avg_pool_padded, 1, S(2, 3, 3, 2)),
    ROW(max_pool_adaptive, 1, S(2, 3, 3, 2)),
    ROW(avg_pool_adaptive, 1, S(2, 3, 3, 2)),
    ROW(avg_pool_adaptive, 1, S(1, 1, 1, 1)),
    ROW(avg_pool_adaptive, 1, S(1, 3, 3, 0)),
    ROW(avg_pool_half, 1, S(2, 3, 3, 2)),
    ROW(pool_gather, 2, S(1, 3, 3, 2), S(1, 3, 3, 2)),
    ROW(pool_scatter, 2, S(1, 3, 3, 2), S(1, 2, 3, 2)),
    ROW(avg_pool_adjoint, 1, S(2, 2, 3, 2)),
    ROW(norm_last, 2, S(3, 5), S(5)),
    ROW(norm_last, 2, S(3, 5), SCALAR_SHAPE),
    ROW(norm_last, 2, S(1, 1), S(1)),
    ROW(norm_last, 2, S(0, 3), S(3)),
    ROW(norm_two, 2, S(2, 3, 2, 2), S(2, 2)),
    ROW(norm_middle, 2, S(2, 3, 2), S(3, 1)),
    ROW(norm_middle, 2, S(2, 4, 3), S(3)),
    ROW(norm_square, 2, S(3, 5), S(5)),
    ROW(norm_square, 2, S(2, 1), SCALAR_SHAPE),
    ROW(norm_squares, 2, S(2, 3, 2), S(3, 1)),
    ROW(channel_norm, 2, S(4, 3), S(3)),
    ROW(channel_norm, 2, S(3, 2, 1, 2), SCALAR_SHAPE),
    ROW(channel_norm, 2, S(2, 1), S(1)),
    ROW(channel_norm_alone, 2, S(5, 3), S(3)),
    ROW(channel_norm_alone, 2, S(1, 1), S(1)),
    ROW(channel_norm_alone, 2, S(1, 3, 2), S(2)),
    ROW(channel_statistics, 1, S(4, 3)),
    ROW(channel_statistics, 1, S(2, 3, 2, 1)),
    ROW(attention, 3, S(2, 3, 4), S(2, 2, 4), S(2, 2, 4)),
    ROW(attention, 3, S(1, 1, 4), S(1, 1, 4), S(1, 1, 4)),
    ROW(attention, 3, S(0, 3, 4), S(0, 2, 4), S(0, 2, 4)),
    ROW(attention_sums, 3, S(1, 3, 4), S(1, 3, 4), S(1, 3, 4)),
    LENGTHS(attention_shared, 3, S(2, 3, 4), S(2, 3, 2), S(2, 3, 2)),
    LENGTHS(attention_packed, 1, S(2, 3, 8)),
    ROW(attention_gradient, 6, S(1, 2, 4), S(1, 2, 2), S(1, 2, 2), S(1, 2, 4), S(1, 2, 2), S(1, 2, 4)),
    ROW(attention_packed_gradient, 5, S(2, 2, 6), S(2, 2, 2), S(2, 2, 2), S(2, 2, 2), S(2, 2, 2)),
};

/* ---- running them ---- */

static void check(gr_context *ctx, const gradcheck_case *c)
{
    gradcheck_result r;
    gr_status st = gradcheck(ctx, c, &r);
    if (st != GR_OK) print_error("%s: ", c->name);
    test_ok(ctx, st);
    char a[96], b[96];
    if (!(r.first < TOLERANCE && r.second < TOLERANCE))
        fail_msg("%s %s %s: first derivative off by %g, second by %g", c->name, gr__shape_text(c->shape[0], a),
                 gr__shape_text(c->shape[1], b), r.first, r.second);
}

/* The operation's case over one choice of shapes, within its own domain. */
static void check_row(gr_context *ctx, const elementwise *row, const gr_shape *shape, int n)
{
    gradcheck_case c = row->check;
    gr__range domain = gr__op(row->code)->domain;
    for (int i = 0; i < c.n; i++) {
        c.shape[i] = shape[i % n];
        if (c.shape[i].rank != 0 && strcmp(row->takes, "scalars") == 0) return;
    }
    c.low = domain.low;
    c.high = domain.high;
    check(ctx, &c);
}

static void test_elementwise(void **state)
{
    (void)state;
    gr_context *ctx = test_context();
    for (size_t i = 0; i < GR_COUNT(plain_rows); i++) {
        const elementwise *row = &plain_rows[i];
        for (size_t s = 0; row->check.n == 1 && s < GR_COUNT(some_shapes); s++) check_row(ctx, row, &some_shapes[s], 1);
        for (size_t s = 0; row->check.n > 1 && s < GR_COUNT(some_pairs); s++) check_row(ctx, row, some_pairs[s], 2);
    }
    test_context_end(ctx);
}

static void test_binary(void **state)
{
    (void)state;
    gr_context *ctx = test_context();
    for (size_t i = 0; i < GR_COUNT(binary); i++) {
        for (size_t s = 0; s < GR_COUNT(some_pairs); s++) {
            gradcheck_case c = binary[i];
            c.n = 2;
            c.shape[0] = some_pairs[s][0];
            c.shape[1] = some_pairs[s][1];
            check(ctx, &c);
        }
    }
    test_context_end(ctx);
}

static void test_said(void **state)
{
    (void)state;
    gr_context *ctx = test_context();
    for (size_t i = 0; i < GR_COUNT(said_rows); i++) {
        for (size_t s = 0; s < GR_COUNT(said_shapes); s++) {
            gradcheck_case c = said_case(i, s);
            check(ctx, &c);
        }
    }
    test_context_end(ctx);
}

static void test_others(void **state)
{
    (void)state;
    gr_context *ctx = test_context();
    for (size_t i = 0; i < GR_COUNT(others); i++) check(ctx, &others[i]);
    test_context_end(ctx);
}

/* The graph that the case's own function builds. */
static gr_graph *built(gr_context *ctx, const gradcheck_case *c, int n)
{
    gr_graph *g;
    gr_val x[GRADCHECK_INPUTS];
    test_ok(ctx, gr_graph_create(ctx, &g));
    for (int i = 0; i < n; i++) {
        char name[16];
        snprintf(name, sizeof name, "x%d", i);
        x[i] = gr_feed(g, name, GR_REAL, c->n ? c->shape[i] : GR_SHAPE(2));
    }
    c->build(g, x);
    test_ok(ctx, gr_graph_status(g));
    return g;
}

/* Notes which operations it builds. */
static void note(gr_context *ctx, const gradcheck_case *c, int n, bool *seen)
{
    gr_graph *g = built(ctx, c, n);
    for (uint32_t k = 0; k < gr__graph_nodes(g); k++) {
        gr_opcode code = gr__node(g, k)->op->code;
        if (code < GR_OP_COUNT) seen[code] = true; /* unknowns are in no table */
    }
    gr_graph_destroy(g);
}

/* A fixed point is said by how it is found, and its derivatives are those of what is found, not of the way there:
 * test_fixed_point.c holds it against steps that are written out. */
static bool is_comparable(const gr_op *op)
{
    return op->decompose && op->branches != GR__BRANCHES_SOLVED;
}

/* Holds what operations are said by against what they say of themselves; notes how much was compared. */
static void compare(gr_context *ctx, const gradcheck_case *c, uint64_t *compared)
{
    gr_graph *g = built(ctx, c, c->n);
    for (uint32_t k = 0; k < gr__graph_nodes(g); k++) {
        const gr_node *n = gr__node(g, k);
        saidcheck_result r;
        if (!is_comparable(n->op)) continue;
        test_ok(ctx, saidcheck(ctx, g, n, c->low, c->high, &r));
        if (!(r.values < 1e-13 && r.gradients < 1e-13))
            fail_msg("%s: values off by %g, gradients by %g", n->op->name, r.values, r.gradients);
        compared[n->op->code] += r.elements;
    }
    gr_graph_destroy(g);
}

static void test_decompositions(void **state)
{
    (void)state;
    gr_context *ctx = test_context();
    uint64_t compared[GR_OP_COUNT] = {0};
    for (size_t i = 0; i < GR_COUNT(others); i++) compare(ctx, &others[i], compared);
    for (size_t i = 0; i < GR_COUNT(said_rows); i++)
        for (size_t k = 0; k < GR_COUNT(said_shapes); k++) {
            gradcheck_case c = said_case(i, k);
            compare(ctx, &c, compared);
        }
    for (int code = 0; code < GR_OP_COUNT; code++) {
        const gr_op *op = gr__op((gr_opcode)code);
        if (is_comparable(op) && (op->ref || op->gradient) && !compared[code])
            fail_msg("nothing of %s was compared with what it is said by", op->name);
    }
    test_context_end(ctx);
}

/* An operation that no row builds would go unchecked. */
static void test_none_forgotten(void **state)
{
    (void)state;
    gr_context *ctx = test_context();
    bool seen[GR_OP_COUNT] = {false};
    for (size_t i = 0; i < GR_COUNT(plain_rows); i++) note(ctx, &plain_rows[i].check, plain_rows[i].check.n, seen);
    for (size_t i = 0; i < GR_COUNT(said_rows); i++) {
        gradcheck_case c = said_case(i, 0);
        note(ctx, &c, c.n, seen);
    }
    for (size_t i = 0; i < GR_COUNT(binary); i++) note(ctx, &binary[i], 2, seen);
    for (size_t i = 0; i < GR_COUNT(others); i++) note(ctx, &others[i], others[i].n, seen);
    for (int code = 0; code < GR_OP_COUNT; code++) {
        const gr_op *op = gr__op((gr_opcode)code);
        if (op->class != GR_CLASS_LEAF && !seen[code]) fail_msg("no row builds %s", op->name);
    }
    test_context_end(ctx);
}

/* Checks of a trained network's slopes ask every operation on which of its pieces it is. */
static void test_branches_known(void **state)
{
    (void)state;
    for (int code = 0; code < GR_OP_COUNT; code++) {
        const gr_op *op = gr__op((gr_opcode)code);
        if (op->branches == GR__BRANCHES_UNKNOWN) fail_msg("%s does not say what its branches are", op->name);
        if (op->domain.low > op->domain.high) fail_msg("%s has no domain", op->name);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_elementwise),    cmocka_unit_test(test_binary),
        cmocka_unit_test(test_others),         cmocka_unit_test(test_said),
        cmocka_unit_test(test_decompositions), cmocka_unit_test(test_none_forgotten),
        cmocka_unit_test(test_branches_known),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
