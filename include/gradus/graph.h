/* The graph: values, operations, gradients. The first level of the library, usable alone.
 *
 *     gr_graph *g;            gr_graph_create(ctx, &g);
 *     gr_val x = gr_feed(g, "x", GR_REAL, GR_SHAPE(64, 784));
 *     gr_val w = gr_param(g, "w", GR_SHAPE(10, 784));
 *     gr_val y = gr_matmul(g, x, w, false, true);         // [64,10]
 *     gr_val j = gr_sum_all(g, gr_square(g, y));          // rank 0
 *     gr_val dw;              gr_gradients(g, j, &w, 1, &dw);
 *
 * A value is an integer handle for (node, output). Nodes are immutable and hash-consed: the same operation on the same
 * inputs is the same value. Shapes are concrete. Building is sticky: after the first error every builder returns
 * GR_NONE and the error waits in the context, naming operation, scope and shapes: `dense "head": inner sizes differ:
 * input [64,128], weight [256,10]`.
 *
 * Types: GR_REAL is float32 on fast backends and float64 on `ref`; a rank-0 GR_REAL is float64 everywhere. Comparisons
 * give GR_REAL 1 or 0. GR_I32 and GR_U8 carry data (labels, pixels) and indices; arithmetic wants GR_REAL (see
 * gr_real).
 *
 * Binary operations broadcast as NumPy does: trailing axes are aligned, size 1 stretches, rank 0 goes with anything. */
#ifndef GRADUS_GRAPH_H
#define GRADUS_GRAPH_H

#include "gradus/context.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct gr_graph gr_graph;
typedef uint32_t gr_val;
#define GR_NONE ((gr_val)0)

typedef enum gr_dtype { GR_REAL, GR_I32, GR_U8 } gr_dtype;

enum { GR_MAX_RANK = 6 };
typedef struct gr_shape {
    int rank;
    int64_t dim[GR_MAX_RANK];
} gr_shape;

/* GR_SHAPE(64, 784): a literal; GR_SCALAR: rank 0. */
#define GR_SHAPE(...) ((gr_shape){(int)(sizeof((int64_t[]){__VA_ARGS__}) / sizeof(int64_t)), {__VA_ARGS__}})
#define GR_SCALAR ((gr_shape){0, {0}})

GR_API GR_CHECKED gr_status gr_graph_create(gr_context *ctx, gr_graph **out);
GR_API void gr_graph_destroy(gr_graph *g);
GR_API gr_status gr_graph_status(const gr_graph *g); /* GR_OK while building went well */
GR_API gr_shape gr_shape_of(const gr_graph *g, gr_val v);
GR_API gr_dtype gr_dtype_of(const gr_graph *g, gr_val v);
/* Product of sizes; 1 for rank 0; -1 if a size is negative or the product too large. */
GR_API int64_t gr_shape_count(gr_shape s);

/* Names what is being built ("dense", "head"), for errors, printing and `diverged`. Scopes nest; kind is a static
 * string. */
GR_API void gr_scope_push(gr_graph *g, const char *kind, const char *name);
GR_API void gr_scope_pop(gr_graph *g);
/* Fails the graph on behalf of a builder made of builders; the current scope is put before the text. Returns GR_NONE.
 */
GR_API gr_val gr_graph_fail(gr_graph *g, gr_status code, const char *format, ...) GR_PRINTF(3, 4);

/* ---- leaves ---- */
GR_API gr_val gr_feed(gr_graph *g, const char *name, gr_dtype dtype, gr_shape shape); /* given each step */
GR_API gr_val gr_param(gr_graph *g, const char *name, gr_shape shape); /* a trained tensor of the store */
GR_API gr_val gr_slot(gr_graph *g, const char *name,
                      gr_shape shape);             /* named state of the store: momentum, step count */
GR_API gr_val gr_const(gr_graph *g, double value); /* rank 0 */
GR_API gr_val gr_const_tensor(gr_graph *g, gr_shape shape, const double *values); /* values are copied */
GR_API gr_val gr_iota(gr_graph *g, gr_shape shape, int axis);                     /* GR_I32: the index along the axis */
/* GR_REAL uniform in [0,1) with 24 bits, shape [samples, ...]: a pure function of (seed, stream, update, position +
 * row, element in the row). seed, update, position are rank-0 values (usually feeds); the stream is a name such as
 * "drop1/mask". */
GR_API gr_val gr_random(gr_graph *g, const char *stream, gr_shape shape, gr_val seed, gr_val update, gr_val position);

/* ---- elementwise ---- */
GR_API gr_val gr_neg(gr_graph *g, gr_val a);
GR_API gr_val gr_abs(gr_graph *g, gr_val a);
GR_API gr_val gr_sign(gr_graph *g, gr_val a);  /* sign(0) = 0; no gradient passes */
GR_API gr_val gr_floor(gr_graph *g, gr_val a); /* no gradient passes */
GR_API gr_val gr_exp(gr_graph *g, gr_val a);
GR_API gr_val gr_log(gr_graph *g, gr_val a);
GR_API gr_val gr_log1p(gr_graph *g, gr_val a);
GR_API gr_val gr_sqrt(gr_graph *g, gr_val a);
GR_API gr_val gr_square(gr_graph *g, gr_val a);
GR_API gr_val gr_recip(gr_graph *g, gr_val a);
GR_API gr_val gr_tanh(gr_graph *g, gr_val a);
GR_API gr_val gr_sigmoid(gr_graph *g, gr_val a);
GR_API gr_val gr_relu(gr_graph *g,
                      gr_val a); /* NaN stays NaN; gradient 0 at 0; the gradient reads the result, not the input */
GR_API gr_val gr_sin(gr_graph *g, gr_val a);
GR_API gr_val gr_cos(gr_graph *g, gr_val a);
GR_API gr_val gr_erf(gr_graph *g, gr_val a);
GR_API gr_val gr_add(gr_graph *g, gr_val a, gr_val b);
GR_API gr_val gr_sub(gr_graph *g, gr_val a, gr_val b);
GR_API gr_val gr_mul(gr_graph *g, gr_val a, gr_val b);
GR_API gr_val gr_div(gr_graph *g, gr_val a, gr_val b);
GR_API gr_val gr_max(gr_graph *g, gr_val a, gr_val b); /* NaN if either is; on ties the gradient goes to a */
GR_API gr_val gr_min(gr_graph *g, gr_val a, gr_val b);
GR_API gr_val gr_pow(gr_graph *g, gr_val a, gr_val b);  /* rank 0 only */
GR_API gr_val gr_less(gr_graph *g, gr_val a, gr_val b); /* 1 or 0; operands GR_REAL or both integer */
GR_API gr_val gr_less_equal(gr_graph *g, gr_val a, gr_val b);
GR_API gr_val gr_equal(gr_graph *g, gr_val a, gr_val b);
GR_API gr_val gr_select(gr_graph *g, gr_val condition, gr_val a, gr_val b); /* condition != 0 ? a : b */
GR_API gr_val gr_real(gr_graph *g, gr_val a); /* GR_I32 or GR_U8 to GR_REAL; GR_REAL stays */
GR_API gr_val gr_stop(gr_graph *g, gr_val a); /* the same value; no gradient passes */

/* ---- shape ---- */
GR_API gr_val gr_reshape(gr_graph *g, gr_val a, gr_shape shape);
GR_API gr_val gr_permute(gr_graph *g, gr_val a,
                         const int *axes); /* axes[rank of a]: output axis i is input axis axes[i] */
GR_API gr_val gr_broadcast(gr_graph *g, gr_val a, gr_shape shape);
GR_API gr_val gr_slice(gr_graph *g, gr_val a, int axis, int64_t start, int64_t count);
GR_API gr_val gr_concat(gr_graph *g, const gr_val *parts, int n, int axis);
GR_API gr_val gr_pad(gr_graph *g, gr_val a, int axis, int64_t before, int64_t after); /* zeros */

/* ---- reductions; keep: the reduced axes stay with size 1 ---- */
GR_API gr_val gr_sum(gr_graph *g, gr_val a, const int *axes, int n, bool keep);
GR_API gr_val gr_reduce_max(gr_graph *g, gr_val a, const int *axes, int n,
                            bool keep);          /* ties share the gradient equally */
GR_API gr_val gr_sum_all(gr_graph *g, gr_val a); /* rank 0, summed in double */
/* Rank 0: the sum of (2^-down x)^2 over all numbers x, in double, which no finite float32 overflows. Ordinary numbers
 * give the bits of gr_sum_all(gr_square(a)) times 2^(-2 down). */
GR_API gr_val gr_sum_squares(gr_graph *g, gr_val a, int down);
GR_API gr_val gr_mean_all(gr_graph *g, gr_val a);
GR_API gr_val gr_argmax(gr_graph *g, gr_val a,
                        int axis); /* GR_I32, the axis is gone; the first index wins; NaN counts as largest */

/* ---- said by the operations above ---- */
GR_API gr_val gr_softmax(gr_graph *g, gr_val a);      /* over the last axis: positive, sum 1; no overflow */
GR_API gr_val gr_log_softmax(gr_graph *g, gr_val a);  /* its logarithm, also where a share underflows */
GR_API gr_val gr_elu(gr_graph *g, gr_val a);          /* a where a > 0, else e^a - 1 */
GR_API gr_val gr_gelu(gr_graph *g, gr_val a);         /* a times the share of a normal distribution below a */
GR_API gr_val gr_gelu_tanh(gr_graph *g, gr_val a);    /* a (1 + tanh(sqrt(2/pi) (a + 0.044715 a^3))) / 2 */
GR_API gr_val gr_silu(gr_graph *g, gr_val a);         /* a sigmoid(a) */
GR_API gr_val gr_softplus(gr_graph *g, gr_val a);     /* log(1 + e^a), without overflow */
GR_API gr_val gr_relu6(gr_graph *g, gr_val a);        /* min(max(a, 0), 6); gradient 0 at both ends */
GR_API gr_val gr_hard_sigmoid(gr_graph *g, gr_val a); /* min(max(a + 3, 0), 6) / 6 */
GR_API gr_val gr_hard_swish(gr_graph *g, gr_val a);   /* a hard_sigmoid(a) */

/* ---- indices: table [V, D...], index [I...] of GR_I32 -> [I..., D...]. An index outside 0..V-1 gives zeros (gather)
 * or is dropped. ---- */
GR_API gr_val gr_gather(gr_graph *g, gr_val table, gr_val index);
GR_API gr_val gr_scatter_add(gr_graph *g, gr_val values, gr_val index,
                             int64_t rows); /* adjoint of gather; added in position order */

/* ---- contractions ---- */
/* a [B..., m, k], b [B..., k, n], or transposed in the last two axes; leading axes are equal, or one operand has
 * rank 2. */
GR_API gr_val gr_matmul(gr_graph *g, gr_val a, gr_val b, bool transpose_a, bool transpose_b);

typedef struct gr_conv_attr { /* padding before and after may differ */
    int64_t stride[2], dilation[2], pad_before[2], pad_after[2], groups;
} gr_conv_attr;
/* x [N,H,W,C], w [O,KH,KW,C/groups] -> [N,OH,OW,O], OH = (H + pads - dilation (KH-1) - 1) / stride + 1 */
GR_API gr_val gr_conv(gr_graph *g, gr_val x, gr_val w, gr_conv_attr attr);
GR_API gr_val gr_conv_data(gr_graph *g, gr_val dy, gr_val w, int64_t h, int64_t width,
                           gr_conv_attr attr); /* adjoint in x (also the transposed convolution) */
GR_API gr_val gr_conv_weights(gr_graph *g, gr_val x, gr_val dy, int64_t kh, int64_t kw,
                              gr_conv_attr attr); /* adjoint in w */

/* ---- pooling over H and W of [N,H,W,C]. An axis of stride 0 has `size` windows, whatever its length L: window i is
 * from floor(i L / size) to ceil((i + 1) L / size), without padding. ---- */
typedef struct gr_pool_attr {
    int64_t size[2], stride[2], pad_before[2], pad_after[2]; /* pad_after already includes what ceil mode adds */
    bool count_padding;
} gr_pool_attr;
GR_API gr_val gr_max_pool(gr_graph *g, gr_val x, gr_pool_attr attr,
                          gr_val *index); /* index (GR_I32, y * W + x within the picture, first wins) may be NULL */
GR_API gr_val gr_avg_pool(gr_graph *g, gr_val x, gr_pool_attr attr);

/* ---- loops ----
 * A body is a graph of its own that runs once a step; it reads nothing but what it is given, and differentiates as
 * everything else does. A recurrence h' = tanh(x + h w):
 *
 *     gr_scan *s = gr_scan_begin(g, steps, false);       // NULL after a failure
 *     gr_graph *b = gr_scan_body(s);
 *     gr_val h = gr_scan_carry(s, h0), x = gr_scan_step(s, xs), w = gr_scan_given(s, weight);
 *     gr_val next = gr_tanh(b, gr_add(b, x, gr_matmul(b, h, w, false, false)));
 *     gr_scan_next(s, h, next);
 *     gr_scan_end(s);
 *     gr_val all = gr_scan_stack(s, next), last = gr_scan_final(s, h);
 *     gr_scan_free(s);
 *
 * The first four give values of the body, the last two of g. Plans run the body's kernels step by step: nothing is
 * unrolled, and of what could be stacked only what is read is kept. */
typedef struct gr_scan gr_scan;
GR_API gr_scan *gr_scan_begin(gr_graph *g, int64_t steps,
                              bool reverse); /* reverse: the last step is the first to run */
GR_API gr_graph *gr_scan_body(gr_scan *s);
GR_API gr_val gr_scan_carry(gr_scan *s, gr_val initial); /* real, one axis at least */
GR_API gr_val gr_scan_step(gr_scan *s, gr_val stacked);  /* [steps, ...]: the part of the step that runs, [...] */
GR_API gr_val gr_scan_given(gr_scan *s, gr_val value);   /* the same at every step */
GR_API void gr_scan_next(gr_scan *s, gr_val carry, gr_val next); /* what is carried on, of the carry's shape */
GR_API bool gr_scan_end(gr_scan *s);                             /* false: the graph has failed */
GR_API gr_val gr_scan_final(const gr_scan *s, gr_val carry);     /* after the last step */
GR_API gr_val gr_scan_stack(const gr_scan *s, gr_val inner); /* [steps, ...] of a real value of the body with an axis */
GR_API void gr_scan_free(gr_scan *s);

/* ---- fixed points ----
 * What a function of itself leaves as it is, z = f(z), of every sample (the first axis) by itself. Whatever f reads
 * besides z is used as it is:
 *
 *     gr_val z = gr_unknown(g, gr_shape_of(g, x));
 *     gr_val f = gr_tanh(g, gr_add(g, gr_matmul(g, z, w, false, false), x));
 *     gr_val y = gr_fixed_point(g, z, f, zeros, (gr_fixed_point_attr){.max = 50, .tolerance = 1e-4}, NULL, NULL);
 *
 * Its gradient is that of the solution, found by a fixed point of its own: memory does not grow with iterations. */
typedef enum gr_solver {
    GR_SOLVE_ANDERSON, /* the mixture of the last values of f whose residuals cancel best   [Anderson 1965] */
    GR_SOLVE_BROYDEN,  /* Newton's steps by an inverse Jacobian learned on the way          [Broyden 1965] */
    GR_SOLVE_ITERATE   /* f(f(f(z))) */
} gr_solver;
typedef struct gr_fixed_point_attr {
    gr_solver solver;
    int64_t max, gradient_max; /* evaluations of f, and of its transposed Jacobian; the second 0: as many */
    int64_t window;            /* values that Anderson mixes, updates that Broyden keeps, 1 to 20; 0: 6, 12 */
    double tolerance, gradient_tolerance; /* a sample is done where |f(z) - z| <= tolerance (1e-5 + |f(z)|), of its
                                             gradient without the 1e-5; the second 0: the same */
} gr_fixed_point_attr;
/* Stands for z within f, and for nothing outside of it. Each is a new one. */
GR_API gr_val gr_unknown(gr_graph *g, gr_shape shape);
/* f at the best z that was met, of the shape of `unknown`; `initial` of that shape is where it starts. residual and
 * iterations, both [samples], may be NULL: |f(z) - z| / (1e-5 + |f(z)|) there, above the tolerance where the sample is
 * not done within `max`, and how many evaluations it took. What f mixes between samples is not solved for rightly. */
GR_API gr_val gr_fixed_point(gr_graph *g, gr_val unknown, gr_val f, gr_val initial, gr_fixed_point_attr attr,
                             gr_val *residual, gr_val *iterations);

/* ---- attention ---- */
typedef struct gr_attention_attr {
    int64_t heads, key_heads; /* key_heads divides heads: so many share keys and values */
    int64_t size;             /* of a head */
    bool causal;              /* query i sees keys 0 to i alone */
    double scale;             /* of the products; 1 / sqrt(size) as a rule */
    gr_val lengths;           /* [B] GR_I32: keys of a sample from there on count for nobody; GR_NONE: all count */
    double rate;              /* weights left out at random, the others divided by 1 - rate; 0: none */
    const char *stream;       /* of these random numbers, and seed, update and position: as for gr_random */
    gr_val seed, update, position;
} gr_attention_attr;
/* q [B, Tq, heads size], k and v [B, Tk, key_heads size], heads side by side -> [B, Tq, heads size]; of a query that no
 * key counts for 0. k and v GR_NONE: q has all three in its rows, [B, T, (heads + 2 key_heads) size]. Memory grows with
 * Tq and Tk, not with their product. */
GR_API gr_val gr_attention(gr_graph *g, gr_val q, gr_val k, gr_val v, gr_attention_attr a);

/* ---- what a step does besides computing ---- */
typedef enum gr_assign_kind { GR_ASSIGN_UPDATE, GR_ASSIGN_STATE } gr_assign_kind;
/* Writes a param or slot at the end of the step: readers in the step see the value before it. Two assigns to one target
 * are an error. */
GR_API void gr_assign(gr_graph *g, gr_val target, gr_val value, gr_assign_kind kind);
GR_API void gr_output(gr_graph *g, const char *name, gr_val value); /* readable after each run */
/* All updates wait for this rank-0 value and do not happen when it is not finite: the step then reports GR_E_DIVERGED.
 * At most one. */
GR_API void gr_guard(gr_graph *g, gr_val value);
/* Declares v to be the gradient of param p: it is placed beside the parameter's own offset, in the block of gradients.
 */
GR_API void gr_mark_gradient(gr_graph *g, gr_val p, gr_val v);

/* How a plan keeps what the backward pass reads of the forward pass: values that depend on one of `from`, the samples,
 * and on none of `until`, the outputs of the last layer; those of both lists stay as they are. The forward pass itself
 * reads what was computed. What is 0 or 1 is kept in a byte, and places of a max pool in 16; FLOAT32 keeps all as it
 * is.
 *
 *   BFLOAT16, FLOAT16  to nearest, ties to even; what is beyond 65504 becomes that in float16
 *   LOSSLESS           only what is 0 or 1, signs and places are packed: no bit of a result changes
 *   QUANTISED          groups of values of a sample: least and range as float32, and `bits` each in between, rounded
 *                      at random so that the mean is the value */
typedef enum gr_keep_form {
    GR_KEEP_FLOAT32,
    GR_KEEP_BFLOAT16,
    GR_KEEP_FLOAT16,
    GR_KEEP_LOSSLESS,
    GR_KEEP_QUANTISED
} gr_keep_form;
typedef struct gr_keep {
    gr_keep_form form;
    int64_t bits, group;           /* QUANTISED: 8, 4 or 2; numbers in a group */
    int64_t samples;               /* of a batch: the first axis of values, or the second of what loops stack */
    gr_val seed, update, position; /* QUANTISED: what random numbers depend on, as in gr_random */
    const gr_val *from, *until;
    size_t n_from, n_until;
} gr_keep;
GR_API void gr_graph_keep(gr_graph *g, const gr_keep *k); /* copied */

/* ---- differentiation: adds nodes, returns values ---- */
/* d y / d xs for a rank-0 y. A value that y does not depend on gets zeros of its shape. GR_E_UNSUPPORTED names an
 * operation without a rule. */
GR_API GR_CHECKED gr_status gr_gradients(gr_graph *g, gr_val y, const gr_val *xs, int n, gr_val *dxs);
/* The same from given cotangents dys of several ys. */
GR_API GR_CHECKED gr_status gr_pullback(gr_graph *g, const gr_val *ys, const gr_val *dys, int n_y, const gr_val *xs,
                                        int n_x, gr_val *dxs);

/* Text (one line a node: `%12 = conv %3 %7 stride 1,1 ... : real[64,28,28,32]  # c1`) or Graphviz DOT; owned by the
 * caller, gr_text_free. */
GR_API GR_CHECKED gr_status gr_graph_print(const gr_graph *g, char **text);
GR_API GR_CHECKED gr_status gr_graph_dot(const gr_graph *g, char **text);
GR_API void gr_text_free(gr_context *ctx, char *text);
/* Checks every node against its operation's rules: what builders guarantee, verified independently. */
GR_API GR_CHECKED gr_status gr_graph_verify(const gr_graph *g);

#ifdef __cplusplus
}
#endif
#endif
