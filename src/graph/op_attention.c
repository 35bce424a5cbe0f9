/* Attention: every query's mean of values, weighted by a softmax over what its products with the keys are, and its
 * gradient. Heads stand side by side within rows; queries, keys and values are operands of their own, or of one tensor
 * that has all three in its rows. [Vaswani et al. 2017; Dao et al. 2022; Ainslie et al. 2023]
 *
 * The operations never hold all weights: beside their means there is one number a query and head, the logarithm of the
 * sum of its exponentials, from which the gradient makes the weights again. What they are said by does hold them. */
#include "graph/attention.h"

#include <math.h>

#include "graph/op.h"

static const double NOTHING = -1e30; /* takes the place of a product that does not count */

/* ---- what a node is ---- */

gr__attention gr__attention_of(const gr_graph *g, const gr_attr *attr, const gr_val *in)
{
    const int64_t *i = attr->i;
    gr__attention a = {.heads = i[0],
                       .key_heads = i[1],
                       .size = i[2],
                       .causal = i[3] != 0,
                       .packed = i[4] != 0,
                       .scale = attr->f[0],
                       .rate = attr->f[1]};
    int at = a.packed ? 1 : 3;
    gr_shape q = gr__value(g, in[0])->shape, k = gr__value(g, in[a.packed ? 0 : 1])->shape;
    a.batch = q.dim[0];
    a.queries = q.dim[1];
    a.keys = k.dim[1];
    a.q = 0;
    a.k = a.packed ? 0 : 1;
    a.v = a.packed ? 0 : 2;
    if (i[5] & GR__ATTENTION_ADJOINT) {
        a.out = at++;
        a.lse = at++;
        a.dout = at++;
    }
    a.dlse = i[5] & GR__ATTENTION_DLSE ? at++ : -1;
    a.lengths = i[5] & GR__ATTENTION_LENGTHS ? at++ : -1;
    a.seed = a.rate > 0 ? at : -1;
    a.n_in = at + (a.rate > 0 ? 3 : 0);
    return a;
}

/* Columns of a row of queries, and of one of keys or values. */
static int64_t query_columns(const gr__attention *a)
{
    return a->heads * a->size;
}

static int64_t key_columns(const gr__attention *a)
{
    return a->key_heads * a->size;
}

static int64_t packed_columns(const gr__attention *a)
{
    return query_columns(a) + 2 * key_columns(a);
}

/* ---- shape rules ---- */

static bool want_shape(gr_graph *g, const gr_val *in, int i, const char *what, gr_shape wanted)
{
    char a[96], b[96];
    if (!gr__want_dtype(g, in, i, GR_REAL)) return false;
    if (gr__shape_equal(gr__value(g, in[i])->shape, wanted)) return true;
    return gr__op_fail(g, GR_E_SHAPE, "%s are %s, wanted %s", what, gr__shape_text(gr__value(g, in[i])->shape, a),
                       gr__shape_text(wanted, b));
}

static bool check_attr(gr_graph *g, const gr_attr *attr)
{
    const int64_t *i = attr->i;
    if (i[0] < 1 || i[1] < 1 || i[2] < 1 || i[0] > GR__MAX_INDEX || i[2] > GR__MAX_INDEX || i[0] % i[1] != 0)
        return gr__op_fail(g, GR_E_RANGE, "%lld heads cannot share the keys of %lld, of size %lld each",
                           (long long)i[0], (long long)i[1], (long long)i[2]);
    if (!(attr->f[1] >= 0 && attr->f[1] < 1) || !isfinite(attr->f[0]))
        return gr__op_fail(g, GR_E_RANGE, "a rate of %g or a scale of %g is out of range", attr->f[1], attr->f[0]);
    return true;
}

static bool want_operands(gr_graph *g, const gr__attention *a, const gr_val *in)
{
    gr_shape rows = {3, {a->batch, a->keys, key_columns(a)}};
    if (a->packed) {
        rows.dim[2] = packed_columns(a);
        return want_shape(g, in, 0, "queries, keys and values", rows);
    }
    gr_shape queries = {3, {a->batch, a->queries, query_columns(a)}};
    return want_shape(g, in, 0, "queries", queries) && want_shape(g, in, 1, "keys", rows) &&
           want_shape(g, in, 2, "values", rows);
}

static bool want_more(gr_graph *g, const gr__attention *a, const gr_val *in)
{
    gr_shape out = {3, {a->batch, a->queries, query_columns(a)}}, lse = {3, {a->batch, a->heads, a->queries}};
    if (a->out && (!want_shape(g, in, a->out, "means", out) || !want_shape(g, in, a->lse, "sums", lse) ||
                   !want_shape(g, in, a->dout, "cotangents", out)))
        return false;
    if (a->dlse >= 0 && !want_shape(g, in, a->dlse, "cotangents of sums", lse)) return false;
    if (a->lengths >= 0) {
        gr_shape s = gr__value(g, in[a->lengths])->shape;
        if (!gr__want_dtype(g, in, a->lengths, GR_I32)) return false;
        if (s.rank != 1 || s.dim[0] != a->batch) return gr__op_fail(g, GR_E_SHAPE, "lengths are not one a sample");
    }
    for (int i = 0; i < 3 && a->seed >= 0; i++)
        if (!want_shape(g, in, a->seed + i, "seed, update and position", GR_SCALAR)) return false;
    return true;
}

static bool take(gr_graph *g, const gr_attr *attr, const gr_val *in, int n_in, gr__attention *a)
{
    if (!check_attr(g, attr)) return false;
    for (int i = 0; i < (attr->i[4] ? 1 : 3); i++)
        if (i >= n_in || !gr__want_rank(g, in, i, 3)) return gr__op_fail(g, GR_E_USAGE, "%d operands", n_in);
    *a = gr__attention_of(g, attr, in);
    if (n_in != a->n_in) return gr__op_fail(g, GR_E_USAGE, "%d operands, wanted %d", n_in, a->n_in);
    return want_operands(g, a, in) && want_more(g, a, in);
}

static bool infer_attention(gr_graph *g, const gr_attr *attr, const gr_val *in, int n_in, gr_value *out)
{
    gr__attention a;
    if (!take(g, attr, in, n_in, &a)) return false;
    out[0].dtype = out[1].dtype = GR_REAL;
    out[0].shape = GR_SHAPE(a.batch, a.queries, query_columns(&a));
    out[1].shape = GR_SHAPE(a.batch, a.heads, a.queries);
    return true;
}

static bool infer_gradient(gr_graph *g, const gr_attr *attr, const gr_val *in, int n_in, gr_value *out)
{
    gr__attention a;
    if (!take(g, attr, in, n_in, &a)) return false;
    for (int i = 0; i < (a.packed ? 1 : 3); i++) {
        out[i].dtype = GR_REAL;
        out[i].shape = gr__value(g, in[i])->shape;
    }
    return true;
}

/* ---- what they are said by ---- */

typedef struct said {
    gr_graph *g;
    gr__attention a;
    const gr_val *in;
    gr_val q, k, v; /* [B, key heads, rows, size]; of several heads that share keys one's queries below another's */
    gr_val keep;    /* 1 where a key counts for a query, [B, heads, queries, keys]; GR_NONE: they all do */
    gr_val drop;    /* 1 where a weight is left out; GR_NONE: none is */
} said;

/* Rows of `heads` side by side as heads of rows: [B, T, heads size] -> [B, heads, T, size]. */
static gr_val heads_apart(gr_graph *g, gr_val x, int64_t heads, int64_t size)
{
    gr_shape s = gr_shape_of(g, x);
    return gr_permute(g, gr_reshape(g, x, GR_SHAPE(s.dim[0], s.dim[1], heads, size)), (int[]){0, 2, 1, 3});
}

static gr_val heads_together(gr_graph *g, gr_val x, int64_t heads, int64_t rows, int64_t size)
{
    int64_t batch = gr_shape_of(g, x).dim[0];
    gr_val y = gr_permute(g, gr_reshape(g, x, GR_SHAPE(batch, heads, rows, size)), (int[]){0, 2, 1, 3});
    return gr_reshape(g, y, GR_SHAPE(batch, rows, heads * size));
}

/* Of the queries: their heads as those of the keys, which several share. */
static gr_val as_keys(const said *s, gr_val x)
{
    gr_shape shape = gr_shape_of(s->g, x);
    int64_t last = shape.dim[shape.rank - 1], shared = s->a.heads / s->a.key_heads;
    return gr_reshape(s->g, x, GR_SHAPE(s->a.batch, s->a.key_heads, shared * s->a.queries, last));
}

static gr_val as_queries(const said *s, gr_val x)
{
    gr_shape shape = gr_shape_of(s->g, x);
    return gr_reshape(s->g, x, GR_SHAPE(s->a.batch, s->a.heads, s->a.queries, shape.dim[shape.rank - 1]));
}

static gr_shape weights_shape(const gr__attention *a)
{
    return GR_SHAPE(a->batch, a->heads, a->queries, a->keys);
}

static gr_val kept_keys(const said *s)
{
    gr_graph *g = s->g;
    gr_shape each = {2, {s->a.queries, s->a.keys}}, all = weights_shape(&s->a),
             row = {4, {s->a.batch, 1, 1, s->a.keys}};
    gr_val keep = GR_NONE;
    if (s->a.causal) keep = gr_broadcast(g, gr_less_equal(g, gr_iota(g, each, 1), gr_iota(g, each, 0)), all);
    if (s->a.lengths >= 0) {
        gr_val length =
            gr_broadcast(g, gr_reshape(g, gr_real(g, s->in[s->a.lengths]), GR_SHAPE(s->a.batch, 1, 1, 1)), row);
        gr_val within = gr_broadcast(g, gr_less(g, gr_real(g, gr_iota(g, row, 3)), length), all);
        keep = keep ? gr_mul(g, keep, within) : within;
    }
    return keep;
}

static said begin(gr_graph *g, const gr_attr *attr, const gr_val *in)
{
    said s = {.g = g, .a = gr__attention_of(g, attr, in), .in = in};
    const gr__attention *a = &s.a;
    int64_t queries = query_columns(a), keys = key_columns(a);
    gr_val q = a->packed ? gr_slice(g, in[0], 2, 0, queries) : in[0],
           k = a->packed ? gr_slice(g, in[0], 2, queries, keys) : in[1],
           v = a->packed ? gr_slice(g, in[0], 2, queries + keys, keys) : in[2];
    s.q = as_keys(&s, heads_apart(g, q, a->heads, a->size));
    s.k = heads_apart(g, k, a->key_heads, a->size);
    s.v = heads_apart(g, v, a->key_heads, a->size);
    s.keep = kept_keys(&s);
    if (a->rate > 0) {
        gr_val u = gr_random(g, attr->name, weights_shape(a), in[a->seed], in[a->seed + 1], in[a->seed + 2]);
        s.drop = gr_less(g, u, gr_const(g, gr__attention_threshold(a->rate)));
    }
    return s;
}

static gr_val products(const said *s)
{
    return gr_mul(s->g, as_queries(s, gr_matmul(s->g, s->q, s->k, false, true)), gr_const(s->g, s->a.scale));
}

static gr_val only_kept(const said *s, gr_val x, double otherwise)
{
    return s->keep ? gr_select(s->g, s->keep, x, gr_const(s->g, otherwise)) : x;
}

static gr_val without_dropped(const said *s, gr_val x)
{
    gr_graph *g = s->g;
    return s->drop ? gr_select(g, s->drop, gr_const(g, 0), gr_mul(g, x, gr_const(g, 1 / (1 - s->a.rate)))) : x;
}

/* The largest is subtracted first, as in a softmax; a query that no key counts for has the mean 0. */
static void attention_decompose(gr_graph *g, const gr_attr *attr, const gr_val *in, int n_in, gr_val *out)
{
    (void)n_in;
    said s = begin(g, attr, in);
    const gr__attention *a = &s.a;
    gr_val x = only_kept(&s, products(&s), NOTHING);
    gr_val most = gr_stop(g, gr_reduce_max(g, x, (int[]){3}, 1, true));
    gr_val e = only_kept(&s, gr_exp(g, gr_sub(g, x, most)), 0), sum = gr_sum(g, e, (int[]){3}, 1, true);
    if (a->lengths >= 0) sum = gr_select(g, gr_less(g, gr_const(g, 0), sum), sum, gr_const(g, 1));
    gr_val p = without_dropped(&s, gr_div(g, e, sum));
    out[0] = heads_together(g, gr_matmul(g, as_keys(&s, p), s.v, false, false), a->heads, a->queries, a->size);
    out[1] = gr_reshape(g, gr_add(g, most, gr_log(g, sum)), GR_SHAPE(a->batch, a->heads, a->queries));
}

/* With P the weights and D the products of means and cotangents: dS = P (dP - D). */
static void adjoint_said(gr_graph *g, const gr_attr *attr, const gr_val *in, gr_val d[3])
{
    said s = begin(g, attr, in);
    const gr__attention *a = &s.a;
    gr_shape column = {4, {a->batch, a->heads, a->queries, 1}};
    gr_val lse = gr_reshape(g, in[a->lse], column);
    gr_val p = gr_exp(g, only_kept(&s, gr_sub(g, products(&s), lse), NOTHING));
    gr_val dout = heads_apart(g, in[a->dout], a->heads, a->size),
           delta = gr_sum(g, gr_mul(g, dout, heads_apart(g, in[a->out], a->heads, a->size)), (int[]){3}, 1, true);
    if (a->dlse >= 0) delta = gr_sub(g, delta, gr_reshape(g, in[a->dlse], column));
    gr_val rows = as_keys(&s, dout), dp = as_queries(&s, gr_matmul(g, rows, s.v, false, true));
    gr_val ds = gr_mul(g, p, gr_sub(g, without_dropped(&s, dp), delta));
    gr_val slopes = as_keys(&s, gr_mul(g, ds, gr_const(g, a->scale)));
    gr_val dq = gr_matmul(g, slopes, s.k, false, false), dk = gr_matmul(g, slopes, s.q, true, false);
    gr_val dv = gr_matmul(g, as_keys(&s, without_dropped(&s, p)), rows, true, false);
    d[0] = heads_together(g, dq, a->heads, a->queries, a->size);
    d[1] = heads_together(g, dk, a->key_heads, a->keys, a->size);
    d[2] = heads_together(g, dv, a->key_heads, a->keys, a->size);
}

static void gradient_decompose(gr_graph *g, const gr_attr *attr, const gr_val *in, int n_in, gr_val *out)
{
    (void)n_in;
    adjoint_said(g, attr, in, out);
}

static void packed_gradient_decompose(gr_graph *g, const gr_attr *attr, const gr_val *in, int n_in, gr_val *out)
{
    gr_val d[3];
    (void)n_in;
    adjoint_said(g, attr, in, d);
    out[0] = gr_concat(g, d, 3, 2);
}

/* ---- the gradient rule ---- */

static void attention_gradient(gr_graph *g, const gr_node *n, const gr_val *dout, gr_val *din)
{
    gr__attention a = gr__attention_of(g, &n->attr, n->in);
    gr_val in[12];
    int n_in = 0, own = a.packed ? 1 : 3;
    for (int i = 0; i < own; i++) in[n_in++] = n->in[i];
    in[n_in++] = n->out;
    in[n_in++] = gr__node_output(g, n->out, 1);
    in[n_in++] = dout[0] ? dout[0] : gr_broadcast(g, gr_const(g, 0), gr_shape_of(g, n->out));
    if (dout[1]) in[n_in++] = dout[1];
    for (int i = own; i < n->n_in; i++) in[n_in++] = n->in[i];
    gr_attr attr = n->attr;
    attr.i[5] |= GR__ATTENTION_ADJOINT | (dout[1] ? GR__ATTENTION_DLSE : 0);
    gr_val d =
        gr__node_add(g, a.packed ? GR_OP_ATTENTION_PACKED_GRADIENT : GR_OP_ATTENTION_GRADIENT, in, n_in, &attr, NULL);
    for (int i = 0; i < own; i++) din[i] = gr__node_output(g, d, i);
}

/* ---- costs ---- */

/* Two products of all queries with all keys, or five. */
static double flops(const gr_graph *g, const gr_node *n)
{
    gr__attention a = gr__attention_of(g, &n->attr, n->in);
    double pairs = (double)a.batch * (double)a.heads * (double)a.queries * (double)a.keys * (a.causal ? 0.5 : 1);
    return pairs * ((a.out ? 10 : 4) * (double)a.size + (a.out ? 10 : 6));
}

/* ---- the table ---- */

static const gr__field fields[] = {
    {GR__FIELD_INTEGERS, 0, 1, "heads", GR__SHOWN},
    {GR__FIELD_INTEGERS, 1, 1, "key_heads", GR__SHOWN},
    {GR__FIELD_INTEGERS, 2, 1, "size", GR__SHOWN},
    {GR__FIELD_INTEGERS, 3, 1, "causal", 0},
    {GR__FIELD_INTEGERS, 4, 1, "packed", 0},
    {GR__FIELD_INTEGERS, 5, 1, NULL, 0},
    {GR__FIELD_REAL, 0, 1, "times", 0},
    {GR__FIELD_REAL, 1, 1, "rate", 0},
    {GR__FIELD_NAME, 0, 1, "", 0},
    {GR__FIELDS_END, 0, 0, NULL, 0},
};

const gr_op gr__attention_ops[] = {
    {.code = GR_OP_ATTENTION,
     .class = GR_CLASS_ATTENTION,
     .name = "attention",
     .n_in = -1,
     .n_out = 2,
     .infer = infer_attention,
     .gradient = attention_gradient,
     .decompose = attention_decompose,
     .flops = flops,
     .branches = GR__BRANCHES_ONE,
     .fields = fields},
    {.code = GR_OP_ATTENTION_GRADIENT,
     .class = GR_CLASS_ATTENTION,
     .name = "attention_gradient",
     .n_in = -1,
     .n_out = 3,
     .infer = infer_gradient,
     .decompose = gradient_decompose,
     .flops = flops,
     .branches = GR__BRANCHES_ONE,
     .fields = fields},
    {.code = GR_OP_ATTENTION_PACKED_GRADIENT,
     .class = GR_CLASS_ATTENTION,
     .name = "attention_packed_gradient",
     .n_in = -1,
     .n_out = 1,
     .infer = infer_gradient,
     .decompose = packed_gradient_decompose,
     .flops = flops,
     .branches = GR__BRANCHES_ONE,
     .fields = fields},
};

/* ---- builders ---- */

gr_val gr_attention(gr_graph *g, gr_val q, gr_val k, gr_val v, gr_attention_attr a)
{
    bool packed = k == GR_NONE && v == GR_NONE, drops = a.rate > 0;
    gr_val in[8];
    int n_in = 0;
    in[n_in++] = q;
    if (!packed) in[n_in++] = k, in[n_in++] = v;
    if (a.lengths) in[n_in++] = a.lengths;
    if (drops) in[n_in++] = a.seed, in[n_in++] = a.update, in[n_in++] = a.position;
    gr_attr attr = {.i = {a.heads, a.key_heads, a.size, a.causal, packed, a.lengths ? GR__ATTENTION_LENGTHS : 0},
                    .f = {a.scale, drops ? a.rate : 0},
                    .name = drops && a.stream ? a.stream : ""};
    return gr__node_add(g, GR_OP_ATTENTION, in, n_in, &attr, NULL);
}
