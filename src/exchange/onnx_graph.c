/* From graphs of ours to nodes of ONNX: a line an operation. What has none is said by others first, as for a backend
 * that has no kernel of it. */
#include <math.h>
#include <string.h>

#include "exchange/onnx_work.h"
#include "graph/op.h"
#include "graph/shape.h"
#include "plan/plan.h"

/* ---- elementwise ---- */

/* The shape that operands are stretched to together. */
static gr_shape together(gr_shape a, gr_shape b)
{
    gr_shape s = a.rank >= b.rank ? a : b, t = a.rank >= b.rank ? b : a;
    for (int i = 0; i < t.rank; i++) {
        int64_t *size = &s.dim[s.rank - t.rank + i];
        *size = GR_MAX(*size, t.dim[i]);
    }
    return s;
}

/* An operand among such as have their channels first. */
static const char *among_first(gr__onnx_work *w, gr_val v)
{
    static const int64_t turn[] = {0, 3, 1, 2};
    gr__onnx_value *x = gr__onnx_at(w, v);
    gr_shape s = x->shape, wide = {.rank = 4, .dim = {1, 1, 1, 1}};
    if (x->first) return x->first;
    const char *plain = gr__onnx_plain(w, v);
    if (s.rank == 0) return plain;
    for (int i = 0; i < s.rank; i++) wide.dim[4 - s.rank + i] = s.dim[i];
    if (wide.dim[0] == 1 && wide.dim[1] == 1 && wide.dim[2] == 1)
        return gr__onnx_reshape(w->o, plain, GR_SHAPE(wide.dim[3], 1, 1));
    if (s.rank < 4) return gr__onnx_transpose(w->o, gr__onnx_reshape(w->o, plain, wide), turn, 4);
    return x->first = gr__onnx_transpose(w->o, plain, turn, 4);
}

/* Names of the operands in one form, and the shape of what is made of them. */
static bool operands(gr__onnx_work *w, const gr_node *n, const char **in, gr_shape *s)
{
    bool first = false;
    *s = GR_SCALAR;
    for (int i = 0; i < n->n_in; i++) {
        *s = together(*s, gr__onnx_at(w, n->in[i])->shape);
        first |= gr__onnx_shape(w, n->in[i]).rank == 4 && gr__onnx_is_first(w, n->in[i]);
    }
    for (int i = 0; i < n->n_in; i++) in[i] = first ? among_first(w, n->in[i]) : gr__onnx_plain(w, n->in[i]);
    return first;
}

static void settle(gr__onnx_work *w, const gr_node *n, bool first, gr_shape s, const char *name)
{
    *gr__onnx_at(w, n->out) =
        first ? (gr__onnx_value){.first = name, .shape = s} : (gr__onnx_value){.plain = name, .shape = s};
}

typedef struct named {
    gr_opcode code;
    const char *op;
} named;
/* Of which the node has all that there is to say. */
static const named maps[] = {
    {GR_OP_NEG, "Neg"},         {GR_OP_ABS, "Abs"},           {GR_OP_SIGN, "Sign"},
    {GR_OP_FLOOR, "Floor"},     {GR_OP_EXP, "Exp"},           {GR_OP_LOG, "Log"},
    {GR_OP_SQRT, "Sqrt"},       {GR_OP_RECIP, "Reciprocal"},  {GR_OP_TANH, "Tanh"},
    {GR_OP_SIGMOID, "Sigmoid"}, {GR_OP_RELU, "Relu"},         {GR_OP_SIN, "Sin"},
    {GR_OP_COS, "Cos"},         {GR_OP_ERF, "Erf"},           {GR_OP_ADD, "Add"},
    {GR_OP_SUB, "Sub"},         {GR_OP_MUL, "Mul"},           {GR_OP_DIV, "Div"},
    {GR_OP_MAX, "Max"},         {GR_OP_MIN, "Min"},           {GR_OP_POW, "Pow"},
    {GR_OP_ELU, "Elu"},         {GR_OP_SOFTPLUS, "Softplus"}, {GR_OP_HARD_SWISH, "HardSwish"},
    {GR_OP_LESS, "Less"},       {GR_OP_EQUAL, "Equal"},       {GR_OP_LESS_EQUAL, "LessOrEqual"},
};

static const char *map_name(gr_opcode code)
{
    for (size_t i = 0; i < GR_COUNT(maps); i++)
        if (maps[i].code == code) return maps[i].op;
    return NULL;
}

static void emit_map(gr__onnx_work *w, const gr_node *n)
{
    const char *in[3], *y;
    gr_shape s;
    bool first = operands(w, n, in, &s);
    gr__onnx_begin(w->o, map_name(n->op->code), in, n->n_in);
    y = gr__onnx_end(w->o);
    bool truth = n->op->code == GR_OP_LESS || n->op->code == GR_OP_EQUAL || n->op->code == GR_OP_LESS_EQUAL;
    settle(w, n, first, s, truth ? gr__onnx_cast(w->o, y, w->o->real) : y);
}

static void emit_other_map(gr__onnx_work *w, const gr_node *n)
{
    const char *in[3], *y = NULL;
    gr_shape s;
    gr__onnx *o = w->o;
    bool first = operands(w, n, in, &s);
    switch (n->op->code) {
    case GR_OP_SQUARE:
        y = gr__onnx_2(o, "Mul", in[0], in[0]);
        break;
    case GR_OP_LOG1P:
        y = gr__onnx_1(o, "Log", gr__onnx_2(o, "Add", in[0], gr__onnx_scalar(o, 1)));
        break;
    case GR_OP_SELECT:
        y = gr__onnx_3(o, "Where", gr__onnx_cast(o, in[0], GR__ONNX_BOOL), in[1], in[2]);
        break;
    case GR_OP_REAL:
        y = gr__onnx_cast(o, in[0], o->real);
        break;
    case GR_OP_RELU6:
        y = gr__onnx_3(o, "Clip", in[0], gr__onnx_scalar(o, 0), gr__onnx_scalar(o, 6));
        break;
    case GR_OP_HARD_SIGMOID:
        gr__onnx_begin(o, "HardSigmoid", in, 1);
        gr__onnx_real(o, "alpha", 1.0 / 6);
        gr__onnx_real(o, "beta", 0.5);
        y = gr__onnx_end(o);
        break;
    default: /* STOP */
        y = in[0];
        break;
    }
    settle(w, n, first, s, y);
}

static void emit_softmax(gr__onnx_work *w, const gr_node *n)
{
    const char *in = gr__onnx_full(w, n->in[0]);
    gr__onnx_begin(w->o, n->op->code == GR_OP_SOFTMAX ? "Softmax" : "LogSoftmax", &in, 1);
    gr__onnx_int(w->o, "axis", -1);
    gr__onnx_gives(w, n, gr__onnx_end(w->o));
}

/* ---- leaves ---- */

static void emit_const(gr__onnx_work *w, const gr_node *n)
{
    double x = n->attr.f[0];
    if (x != 0 && fmod(x, (double)GR__ONNX_BATCH) == 0)
        gr__onnx_fail(w, n, "it is the number of samples");
    else
        gr__onnx_gives(w, n, gr__onnx_scalar(w->o, x));
}

static void emit_tensor(gr__onnx_work *w, const gr_node *n)
{
    int64_t count;
    const double *x = gr__const_tensor(w->g, n->attr.i[0], &count);
    gr__onnx_gives(w, n, gr__onnx_reals(w->o, gr__onnx_shape(w, n->out), x));
}

/* Only along its axis: what reads it stretches it. */
static void emit_iota(gr__onnx_work *w, const gr_node *n)
{
    int axis = (int)n->attr.i[0];
    gr_shape s = gr__onnx_shape(w, n->out);
    int64_t count = s.dim[axis];
    if (count % GR__ONNX_BATCH == 0 && count) {
        gr__onnx_fail(w, n, "it counts samples");
        return;
    }
    for (int i = 0; i < s.rank; i++) s.dim[i] = i == axis ? count : 1;
    int64_t *x = gr__bump_alloc(w->o->memory, sizeof *x * (size_t)GR_MAX(count, 1));
    for (int64_t i = 0; i < count && x; i++) x[i] = i;
    w->o->constants.failed |= !x;
    if (x) *gr__onnx_at(w, n->out) = (gr__onnx_value){.plain = gr__onnx_wholes(w->o, s, x), .shape = s};
}

static const gr_entry_spec *entry_of(const gr__onnx_work *w, const char *name)
{
    size_t n_params = 0, n_states = 0;
    const gr_param_info *p = gr__network_params(w->network, &n_params);
    const gr_entry_spec *s = gr__network_states(w->network, &n_states);
    for (size_t i = 0; i < n_params; i++)
        if (strcmp(p[i].entry.name, name) == 0) return &p[i].entry;
    for (size_t i = 0; i < n_states; i++)
        if (strcmp(s[i].name, name) == 0) return &s[i];
    return NULL;
}

/* Weights stand in files with their channels first. */
static void emit_weight(gr__onnx_work *w, const gr_node *n)
{
    const gr_entry_spec *e = w->network ? entry_of(w, n->attr.name) : NULL;
    const char *name = e ? gr__onnx_weight_of(w->o, w->m, n->attr.name) : NULL;
    int64_t axes[GR_MAX_RANK];
    if (!e) {
        gr__onnx_fail(w, n, "no such tensor belongs to the model");
        return;
    }
    int rank = e->shape.rank;
    if (!name) return;
    if (rank == 4 && (e->layout == GR_LAYOUT_CONV || e->layout == GR_LAYOUT_CONV1D)) {
        gr_shape s = GR_SHAPE(e->shape.dim[0], e->shape.dim[3], e->shape.dim[1], e->shape.dim[2]);
        gr__onnx_gives_first(w, n, e->layout == GR_LAYOUT_CONV ? name : gr__onnx_reshape(w->o, name, s));
        return;
    }
    for (int i = 0; i < rank; i++) axes[i] = i;
    if (e->layout == GR_LAYOUT_CONV1D) axes[1] = 2, axes[2] = 1;
    for (int i = 0; i < rank && e->layout == GR_LAYOUT_CHANNELS; i++) axes[i] = (i + 1) % rank;
    gr__onnx_gives(w, n, e->layout == GR_LAYOUT_PLAIN ? name : gr__onnx_transpose(w->o, name, axes, rank));
}

static void emit_feed(gr__onnx_work *w, const gr_node *n)
{
    for (int i = 0; i < w->n_leaves; i++)
        if (strcmp(w->leaf[i].feed, n->attr.name) == 0) {
            *gr__onnx_at(w, n->out) = w->leaf[i].value;
            if (w->leaf[i].asked) *w->leaf[i].asked = true;
            return;
        }
    gr__onnx_fail(w, n, "nothing is known of such an input");
}

/* ---- shapes ---- */

static void emit_reshape(gr__onnx_work *w, const gr_node *n)
{
    gr_val x = n->in[0];
    gr_shape from = gr__onnx_shape(w, x), to = gr__onnx_shape(w, n->out);
    bool pointlike = from.rank == 4 && from.dim[1] == 1 && from.dim[2] == 1; /* either form has the same order */
    const char *name = pointlike && gr__onnx_is_first(w, x) ? gr__onnx_first(w, x) : gr__onnx_full(w, x);
    gr__onnx_gives(w, n, gr__onnx_reshape(w->o, name, to));
}

static bool axes_are(const gr_node *n, const int64_t *axes)
{
    return memcmp(n->attr.i, axes, 4 * sizeof *axes) == 0;
}

static void emit_permute(gr__onnx_work *w, const gr_node *n)
{
    static const int64_t turn[] = {0, 3, 1, 2}, back[] = {0, 2, 3, 1};
    gr_val x = n->in[0];
    int rank = gr__onnx_shape(w, x).rank;
    if (rank == 4 && gr__onnx_is_first(w, x) && axes_are(n, turn))
        gr__onnx_gives(w, n, gr__onnx_first(w, x));
    else if (rank == 4 && !gr__onnx_is_first(w, x) && axes_are(n, back))
        gr__onnx_gives_first(w, n, gr__onnx_full(w, x));
    else
        gr__onnx_gives(w, n, gr__onnx_transpose(w->o, gr__onnx_full(w, x), n->attr.i, rank));
}

/* What reads it stretches it. */
static void emit_broadcast(gr__onnx_work *w, const gr_node *n)
{
    if (gr__onnx_shape(w, n->in[0]).rank != gr__onnx_shape(w, n->out).rank) gr__onnx_plain(w, n->in[0]);
    gr__onnx_value x = *gr__onnx_at(w, n->in[0]);
    if (gr__onnx_shape(w, n->in[0]).rank != gr__onnx_shape(w, n->out).rank) x.first = NULL;
    *gr__onnx_at(w, n->out) = x;
}

/* An operand as large as it is, in the form that costs nothing; the axis is turned with it. */
static bool along(gr__onnx_work *w, gr_val v, int64_t *axis, const char **name)
{
    bool first = gr__onnx_shape(w, v).rank == 4 && gr__onnx_is_first(w, v);
    *name = first ? gr__onnx_first(w, v) : gr__onnx_full(w, v);
    if (first) *axis = gr__onnx_turned((int)*axis);
    return first;
}

static void give_as(gr__onnx_work *w, const gr_node *n, bool first, const char *name)
{
    if (first)
        gr__onnx_gives_first(w, n, name);
    else
        gr__onnx_gives(w, n, name);
}

static void emit_slice(gr__onnx_work *w, const gr_node *n)
{
    int64_t axis = n->attr.i[0], start = n->attr.i[1], end = start + n->attr.i[2];
    const char *in[4];
    if (gr__onnx_shape(w, n->in[0]).dim[axis] % GR__ONNX_BATCH == 0) {
        gr__onnx_fail(w, n, "it takes some of the samples");
        return;
    }
    bool first = along(w, n->in[0], &axis, &in[0]);
    in[1] = gr__onnx_list(w->o, &start, 1);
    in[2] = gr__onnx_list(w->o, &end, 1);
    in[3] = gr__onnx_list(w->o, &axis, 1);
    gr__onnx_begin(w->o, "Slice", in, 4);
    give_as(w, n, first, gr__onnx_end(w->o));
}

static void emit_concat(gr__onnx_work *w, const gr_node *n)
{
    int64_t axis = n->attr.i[0];
    bool first = false;
    const char **in = gr__bump_alloc(w->o->memory, sizeof *in * (size_t)n->n_in);
    if (!in) {
        w->o->constants.failed = true;
        return;
    }
    for (int i = 0; i < n->n_in; i++) first |= gr__onnx_shape(w, n->in[i]).rank == 4 && gr__onnx_is_first(w, n->in[i]);
    for (int i = 0; i < n->n_in; i++) in[i] = first ? gr__onnx_first(w, n->in[i]) : gr__onnx_full(w, n->in[i]);
    gr__onnx_begin(w->o, "Concat", in, n->n_in);
    gr__onnx_int(w->o, "axis", first ? gr__onnx_turned((int)axis) : axis);
    give_as(w, n, first, gr__onnx_end(w->o));
}

static void emit_pad(gr__onnx_work *w, const gr_node *n)
{
    int64_t axis = n->attr.i[0], pads[2 * GR_MAX_RANK] = {0};
    int rank = gr__onnx_shape(w, n->in[0]).rank;
    const char *x;
    bool first = along(w, n->in[0], &axis, &x);
    pads[axis] = n->attr.i[1];
    pads[rank + axis] = n->attr.i[2];
    give_as(w, n, first, gr__onnx_2(w->o, "Pad", x, gr__onnx_list(w->o, pads, 2 * rank)));
}

/* ---- reductions ---- */

static void emit_reduce(gr__onnx_work *w, const gr_node *n)
{
    int64_t axes[GR_MAX_RANK];
    int k = 0, rank = gr__onnx_shape(w, n->in[0]).rank;
    bool keep = n->attr.i[1] != 0, sum = n->op->code == GR_OP_SUM, places = true;
    for (int i = 0; i < rank; i++)
        if (n->attr.i[0] >> i & 1) {
            axes[k++] = i;
            places &= i == 1 || i == 2;
        }
    bool first = rank == 4 && gr__onnx_is_first(w, n->in[0]) && (keep || places);
    const char *in[2] = {first ? gr__onnx_first(w, n->in[0]) : gr__onnx_full(w, n->in[0])};
    for (int i = 0; i < k && first; i++) axes[i] = gr__onnx_turned((int)axes[i]);
    if (sum) in[1] = gr__onnx_list(w->o, axes, k);
    gr__onnx_begin(w->o, sum ? "ReduceSum" : "ReduceMax", in, sum ? 2 : 1);
    if (!sum) gr__onnx_ints(w->o, "axes", axes, k);
    gr__onnx_int(w->o, "keepdims", keep);
    give_as(w, n, first && keep, gr__onnx_end(w->o));
}

static void emit_argmax(gr__onnx_work *w, const gr_node *n)
{
    const char *x = gr__onnx_full(w, n->in[0]);
    gr__onnx_begin(w->o, "ArgMax", &x, 1);
    gr__onnx_int(w->o, "axis", n->attr.i[0]);
    gr__onnx_int(w->o, "keepdims", 0);
    gr__onnx_gives(w, n, gr__onnx_end(w->o));
}

static void emit_gather(gr__onnx_work *w, const gr_node *n)
{
    const char *in[] = {gr__onnx_full(w, n->in[0]), gr__onnx_full(w, n->in[1])};
    gr__onnx_begin(w->o, "Gather", in, 2);
    gr__onnx_int(w->o, "axis", 0);
    gr__onnx_gives(w, n, gr__onnx_end(w->o));
}

/* ---- products ---- */

static const char *matrix(gr__onnx_work *w, gr_val v, bool transposed)
{
    int rank = gr__onnx_shape(w, v).rank;
    int64_t axes[GR_MAX_RANK];
    const char *x = gr__onnx_full(w, v);
    for (int i = 0; i < rank; i++) axes[i] = i;
    axes[rank - 2] = rank - 1;
    axes[rank - 1] = rank - 2;
    return transposed ? gr__onnx_transpose(w->o, x, axes, rank) : x;
}

static void emit_matmul(gr__onnx_work *w, const gr_node *n)
{
    bool ta = n->attr.i[0] != 0, tb = n->attr.i[1] != 0;
    bool plain = gr__onnx_shape(w, n->in[0]).rank == 2 && gr__onnx_shape(w, n->in[1]).rank == 2;
    if (!plain) {
        const char *a = matrix(w, n->in[0], ta), *b = matrix(w, n->in[1], tb);
        gr__onnx_gives(w, n, gr__onnx_2(w->o, "MatMul", a, b));
        return;
    }
    const char *in[] = {gr__onnx_full(w, n->in[0]), gr__onnx_full(w, n->in[1])};
    gr__onnx_begin(w->o, "Gemm", in, 2);
    if (ta) gr__onnx_int(w->o, "transA", 1);
    if (tb) gr__onnx_int(w->o, "transB", 1);
    gr__onnx_gives(w, n, gr__onnx_end(w->o));
}

/* ---- the table ---- */

static const struct {
    gr_opcode code;
    gr__onnx_emit *emit;
} rules[] = {
    {GR_OP_FEED, emit_feed},
    {GR_OP_PARAM, emit_weight},
    {GR_OP_SLOT, emit_weight},
    {GR_OP_CONST, emit_const},
    {GR_OP_TENSOR, emit_tensor},
    {GR_OP_IOTA, emit_iota},
    {GR_OP_SQUARE, emit_other_map},
    {GR_OP_LOG1P, emit_other_map},
    {GR_OP_SELECT, emit_other_map},
    {GR_OP_REAL, emit_other_map},
    {GR_OP_RELU6, emit_other_map},
    {GR_OP_HARD_SIGMOID, emit_other_map},
    {GR_OP_STOP, emit_other_map},
    {GR_OP_SOFTMAX, emit_softmax},
    {GR_OP_LOG_SOFTMAX, emit_softmax},
    {GR_OP_RESHAPE, emit_reshape},
    {GR_OP_PERMUTE, emit_permute},
    {GR_OP_BROADCAST, emit_broadcast},
    {GR_OP_SLICE, emit_slice},
    {GR_OP_CONCAT, emit_concat},
    {GR_OP_PAD, emit_pad},
    {GR_OP_SUM, emit_reduce},
    {GR_OP_REDUCE_MAX, emit_reduce},
    {GR_OP_ARGMAX, emit_argmax},
    {GR_OP_GATHER, emit_gather},
    {GR_OP_MATMUL, emit_matmul},
    {GR_OP_CONV, gr__onnx_conv},
    {GR_OP_CONV_DATA, gr__onnx_conv_data},
    {GR_OP_MAX_POOL, gr__onnx_max_pool},
    {GR_OP_AVG_POOL, gr__onnx_avg_pool},
    {GR_OP_SCAN, gr__onnx_scan},
};

static gr__onnx_emit *rule_of(gr_opcode code)
{
    if (map_name(code)) return emit_map;
    for (size_t i = 0; i < GR_COUNT(rules); i++)
        if (rules[i].code == code) return rules[i].emit;
    return NULL;
}

static bool accepts(const gr_graph *g, const gr_node *n)
{
    return rule_of(n->op->code) && (n->op->code != GR_OP_AVG_POOL || gr__onnx_pools(g, n));
}

/* Plans ask it what there is a form of, as they ask backends. */
static const gr_backend forms = {.name = "ONNX", .accepts = accepts};

/* ---- a graph ---- */

static const char *scope_of(gr__onnx *o, const gr_node *n)
{
    const char *from = strchr(n->scope, '"'), *to = from ? strrchr(n->scope, '"') : NULL;
    if (!from || to == from) return n->scope[0] ? n->scope : NULL;
    return gr__bump_format(o->memory, "%.*s", (int)(to - from - 1), from + 1);
}

static gr_status emit(gr__onnx_work *w, const gr_node *n)
{
    int number;
    gr__onnx_emit *rule = rule_of(n->op->code);
    w->o->scope = scope_of(w->o, n);
    if (w->operand && gr__stands_in(n, &number))
        *gr__onnx_at(w, n->out) = w->operand[number];
    else if (rule)
        rule(w, n);
    else
        gr__onnx_fail(w, n, "no operation of opset 17 computes it");
    w->o->scope = NULL;
    return gr__error_code(w->o->ctx);
}

gr_status gr__onnx_run(gr__onnx_work *w, gr__onnx_value *out)
{
    gr_graph *g = NULL;
    gr_status st = gr__plan_lower(w->o->ctx, &forms, w->g, 0, &g);
    for (int round = 1; st == GR_OK && gr__plan_must_lower(&forms, g); round++) {
        gr_graph *next = NULL;
        st = gr__plan_lower(w->o->ctx, &forms, g, round, &next);
        gr_graph_destroy(g);
        g = next;
    }
    size_t bytes = st == GR_OK ? sizeof *w->value * (gr__graph_values(g) + 1) : 0;
    gr__onnx_work own = *w;
    own.g = g;
    own.value = st == GR_OK ? gr__alloc(w->o->ctx, bytes) : NULL;
    if (st == GR_OK && !own.value) st = GR_E_MEMORY;
    for (uint32_t k = 0; st == GR_OK && k < gr__graph_nodes(g); k++) st = emit(&own, gr__node(g, k));
    gr_effects e = {0};
    if (st == GR_OK) e = gr__graph_effects(g);
    for (size_t i = 0; i < e.n_outputs && st == GR_OK; i++) {
        gr__onnx_full(&own, e.outputs[i].value);
        out[i] = *gr__onnx_at(&own, e.outputs[i].value);
        st = gr__error_code(w->o->ctx);
    }
    if (own.value) gr__free(w->o->ctx, own.value, bytes);
    gr_graph_destroy(g);
    return st;
}

gr_status gr__onnx_translate(gr__onnx *o, const gr_model *m, const gr_network *network, const gr_graph *g,
                             const gr__onnx_leaf *leaf, int n_leaves, gr__onnx_value *out)
{
    gr__onnx_work w = {.o = o, .m = m, .network = network, .g = g, .leaf = leaf, .n_leaves = n_leaves};
    return gr__onnx_run(&w, out);
}
