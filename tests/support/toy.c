/* Kernels of plain loops that look at all that they are given. */
#include "support/toy.h"

#include <math.h>
#include <string.h>

#include "graph/op.h"
#include "plan/plan.h"
#include "test.h"

enum { TOY_ROW = 40 };

typedef struct toy_kernel {
    gr_kernel base;
    const gr_item *item;
    size_t value_bytes; /* room for the largest value in it */
    int n_values;
} toy_kernel;

static gr_shape toy_shape(int64_t rows, int64_t columns)
{
    return (gr_shape){2, {rows, columns}};
}

/* Which element of a source or result belongs to element e of a tensor, by strides. */
static int64_t toy_partner(gr_shape shape, const int64_t *strides, int64_t e)
{
    int64_t at = 0;
    for (int i = shape.rank - 1; i >= 0; i--) {
        at += e % shape.dim[i] * strides[i];
        e /= shape.dim[i];
    }
    return at;
}

static gr__form toy_form(gr_shape small, gr_shape aligned, gr_shape large, gr_space space)
{
    int64_t strides[GR_MAX_RANK], n = gr_shape_count(large);
    if (small.rank == 0) return GR__SCALAR;
    gr__broadcast_strides(aligned, large, strides);
    assert_true(space.rows * space.columns == n);
    bool row = gr_shape_count(small) == space.rows, column = gr_shape_count(small) == space.columns;
    for (int64_t e = 0; e < n; e++) {
        int64_t at = toy_partner(large, strides, e);
        row &= at == e / space.columns;
        column &= at == e % space.columns;
    }
    assert_true(row || column); /* what neither a row nor a column holds may not join a region */
    return row ? GR__ROW : GR__COLUMN;
}

static gr_shape toy_kept(const gr_graph *g, const gr_node *n)
{
    gr_shape s = gr__value(g, n->in[0])->shape;
    for (int i = 0; i < s.rank; i++)
        if (n->attr.i[0] >> i & 1) s.dim[i] = 1;
    return s;
}

static gr__form toy_node_form(const gr_graph *g, const gr_node *n, gr_space space)
{
    gr_shape out = gr__value(g, n->out)->shape, in = n->n_in ? gr__value(g, n->in[0])->shape : GR_SCALAR;
    if (n->op->code == GR_OP_BROADCAST) return toy_form(in, in, out, space);
    if (n->op->code == GR_OP_IOTA) {
        gr_shape line = out;
        for (int i = 0; i < out.rank; i++)
            if (i != n->attr.i[0]) line.dim[i] = 1;
        return toy_form(line, line, out, space);
    }
    return gr__node_is_reduction(n) ? toy_form(out, toy_kept(g, n), in, space) : out.rank == 0 ? GR__SCALAR : GR__FULL;
}

static gr_shape toy_formed(gr__form form, gr_space space)
{
    return form == GR__SCALAR ? GR_SCALAR
                              : toy_shape(form == GR__COLUMN ? 1 : space.rows, form == GR__ROW ? 1 : space.columns);
}

static int toy_index(const gr_val *list, int n, gr_val v)
{
    for (int i = 0; i < n; i++)
        if (list[i] == v) return i;
    return -1;
}

/* The form of an elementwise node's result: lines have one value a row. */
static gr__form toy_level(const gr_graph *g, const gr_node *n, gr_space space)
{
    int64_t count = gr_shape_count(gr__value(g, n->out)->shape);
    bool line = count != space.rows * space.columns;
    assert_true(!line || count == space.rows);
    return line ? GR__ROW : GR__FULL;
}

/* What stands behind reshapes, as far as the region itself made it. */
static int toy_known(const gr_graph *g, const gr_val *known, int n, gr_val v, bool through)
{
    int at = toy_index(known, n, v);
    const gr_node *p = gr__producer(g, v);
    return at >= 0 || !through || p->op->code != GR_OP_RESHAPE ? at : toy_known(g, known, n, p->in[0], true);
}

/* values[] of the nodes' outputs so far, `known` of them; the rest comes from operands. */
static gr_ref toy_input(const toy_kernel *k, const gr_call *call, int s, const gr_node *reader, int i,
                        const gr_val *known, const gr_ref *values, int n)
{
    const gr_item *it = k->item;
    const gr_graph *g = it->graph;
    gr_val v = reader->in[i];
    int at = toy_known(g, known, n, v, it->kind == GR_ITEM_REGION);
    if (at >= 0) return values[at];
    const gr_node *p = gr__producer(g, v);
    if (p->op->code == GR_OP_CONST) return (gr_ref){(void *)p->attr.f, GR_REAL, GR_SCALAR};
    at = toy_index(it->in, it->n_in, v);
    assert_true(at >= 0);
    gr_ref r = {call->operand[s * it->n_in + at], gr__value(g, v)->dtype, gr__value(g, v)->shape};
    if (it->kind != GR_ITEM_REGION || r.shape.rank == 0) return r;
    bool spread = reader->op->code == GR_OP_BROADCAST;
    gr__form form = spread                          ? toy_node_form(g, reader, it->space[0])
                    : gr__node_is_reduction(reader) ? GR__FULL
                                                    : toy_level(g, reader, it->space[0]);
    r.shape = toy_formed(form, it->space[s]);
    gr_val mine = it->in[s * it->n_in + at];
    assert_int_equal(gr_shape_count(r.shape), gr_shape_count(gr__value(g, mine)->shape));
    return r;
}

static void toy_node(const gr_item *it, int s, const gr_node *n, gr_ref *in, gr_ref *out)
{
    gr_node copy = *n;
    if (it->kind == GR_ITEM_REGION) {
        gr__form form = toy_node_form(it->graph, n, it->space[0]);
        if (n->op->code == GR_OP_IOTA) copy.attr.i[0] = form == GR__COLUMN;
        if (gr__node_is_reduction(n)) copy.attr.i[0] = form == GR__SCALAR ? 3 : form == GR__ROW ? 2 : 1;
        if (gr__node_is_reduction(n)) copy.attr.i[1] = form != GR__SCALAR;
        if (!gr__node_is_reduction(n)) form = toy_level(it->graph, n, it->space[0]);
        out->shape = toy_formed(form, it->space[s]);
    }
    n->op->ref(it->graph, &copy, in, out);
}

static void toy_segment(const toy_kernel *k, const gr_call *call, int s)
{
    const gr_item *it = k->item;
    gr_ref values[512], in[16];
    gr_val known[512];
    char *scratch = call->scratch;
    int n = 0;
    for (int i = 0; i < it->n_nodes; i++) {
        const gr_node *node = gr__node(it->graph, it->nodes[i]);
        assert_true(n + node->n_out <= 512 && node->n_in <= 16);
        for (int j = 0; j < node->n_in; j++) in[j] = toy_input(k, call, s, node, j, known, values, n);
        for (int o = 0; o < node->n_out; o++) {
            const gr_value *v = gr__value(it->graph, node->out + (gr_val)o);
            known[n + o] = node->out + (gr_val)o;
            bool unread = it->kind == GR_ITEM_NODE && it->n_nodes == 1 && !call->operand[it->n_in + o];
            values[n + o] = (gr_ref){unread ? NULL : scratch + (size_t)(n + o) * k->value_bytes, v->dtype, v->shape};
        }
        int direct = it->kind == GR_ITEM_SCALARS ? toy_index(it->out, it->n_out, node->out)
                                                 : -1; /* scalars are stored one by one */
        if (direct >= 0) values[n].data = call->operand[it->n_in + direct];
        toy_node(it, s, node, in, &values[n]);
        n += node->n_out;
    }
    for (int o = 0; o < it->n_out && it->kind != GR_ITEM_SCALARS; o++) {
        if (!call->operand[it->n_segments * it->n_in + s * it->n_out + o]) continue;
        int at = toy_index(known, n, it->out[o]);
        assert_true(at >= 0);
        gr_val mine = it->out[s * it->n_out + o];
        assert_int_equal(gr_shape_count(values[at].shape), gr_shape_count(gr__value(it->graph, mine)->shape));
        memcpy(call->operand[it->n_segments * it->n_in + s * it->n_out + o], values[at].data,
               (size_t)gr_shape_count(values[at].shape) * gr__ref_bytes(values[at].dtype));
    }
}

static size_t toy_bytes(const gr_item *it, gr_val v)
{
    return gr__value_bytes(&toy, gr__value(it->graph, v));
}

static bool toy_overlap(const void *a, size_t a_bytes, const void *b, size_t b_bytes)
{
    return (const char *)a < (const char *)b + b_bytes && (const char *)b < (const char *)a + a_bytes;
}

static bool toy_elementwise(const gr_item *it, gr_val in)
{
    for (int k = 0; k < it->n_nodes; k++) {
        const gr_node *n = gr__node(it->graph, it->nodes[k]);
        for (int i = 0; i < n->n_in; i++)
            if (n->in[i] == in && (n->op->class != GR_CLASS_MAP ||
                                   !gr__shape_equal(gr_shape_of(it->graph, in), gr_shape_of(it->graph, n->out))))
                return false;
    }
    return true;
}

/* An output shares memory with nothing but one whole input of its own segment that is read element for element. */
static void toy_check_memory(const toy_kernel *k, const gr_call *call)
{
    const gr_item *it = k->item;
    int n_in = it->n_segments * it->n_in, n_out = it->n_segments * it->n_out;
    void *const *in = call->operand, *const *out = call->operand + n_in;
    for (int o = 0; o < n_out; o++) {
        if (!out[o]) continue;
        size_t bytes = toy_bytes(it, it->out[o]);
        int shared = 0;
        assert_false(toy_overlap(out[o], bytes, call->shared, k->base.shared_bytes));
        for (int p = 0; p < o; p++)
            if (out[p]) assert_false(toy_overlap(out[o], bytes, out[p], toy_bytes(it, it->out[p])));
        for (int i = 0; i < n_in; i++) {
            if (!toy_overlap(out[o], bytes, in[i], toy_bytes(it, it->in[i]))) continue;
            assert_int_not_equal(it->kind, GR_ITEM_NODE);
            assert_ptr_equal(out[o], in[i]);
            assert_true(gr__shape_equal(gr_shape_of(it->graph, it->out[o]), gr_shape_of(it->graph, it->in[i])));
            assert_int_equal(o / it->n_out, i / it->n_in);
            assert_true(toy_elementwise(it, it->in[i % it->n_in]));
            assert_int_equal(++shared, 1);
        }
    }
}

static void toy_run(const gr_kernel *base, const gr_call *call, int shard)
{
    const toy_kernel *k = (const toy_kernel *)base;
    toy_check_memory(k, call);
    assert_true((uintptr_t)call->scratch % GR__GRANULE == 0);
    assert_non_null(call->shared);
    memset(call->shared, 0xFF, base->shared_bytes); /* must disturb nobody */
    int n_in = k->item->n_segments * k->item->n_in;
    for (int i = 0; i < n_in; i++) assert_non_null(call->operand[i]);
    for (int i = n_in; i < base->n_operands; i++) { /* an address, or an output that nobody reads, or not this time */
        bool node = k->item->kind == GR_ITEM_NODE && k->item->n_nodes == 1;
        if (k->item->out[i - n_in] == GR_NONE) assert_null(call->operand[i]);
        assert_true(call->operand[i] || node);
    }
    memset(call->scratch, 0xFF, base->scratch_bytes);
    toy_segment(k, call, shard);
}

static void toy_destroy(gr_context *ctx, gr_kernel *k)
{
    gr__free(ctx, k, sizeof(toy_kernel));
}

/* Of reductions only lines are read in their own region, row by row, where columns are few enough. */
static void toy_check_line(const gr_item *it, const gr_node *reduction, const gr_node *reader)
{
    gr_space space = it->space[0];
    assert_in_range(space.columns, 2, TOY_ROW);
    assert_int_equal(toy_node_form(it->graph, reduction, space), GR__ROW);
    if (reader->op->code == GR_OP_BROADCAST)
        assert_int_equal(toy_node_form(it->graph, reader, space), GR__ROW);
    else
        assert_true(reader->op->class == GR_CLASS_MAP && toy_level(it->graph, reader, space) == GR__ROW);
}

/* All is listed before it is read. */
static void toy_check(const gr_item *it)
{
    for (int i = 0; i < it->n_nodes; i++) {
        const gr_node *n = gr__node(it->graph, it->nodes[i]);
        for (int j = 0; j < n->n_in; j++) {
            gr_val from = n->in[j];
            for (const gr_node *p; (p = gr__made_by(it->graph, from, GR_OP_RESHAPE)) && it->kind == GR_ITEM_REGION;)
                from = p->in[0];
            for (int p = 0; p < it->n_nodes; p++) {
                const gr_node *made = gr__node(it->graph, it->nodes[p]);
                if (it->nodes[p] != gr__value(it->graph, from)->node) continue;
                assert_true(p < i);
                if (it->kind == GR_ITEM_REGION && gr__node_is_reduction(made)) toy_check_line(it, made, n);
            }
        }
    }
    for (int s = 0; s < it->n_segments; s++)
        for (int i = 0; i < it->n_in; i++)
            for (int j = 0; j < i; j++) assert_int_not_equal(it->in[s * it->n_in + i], it->in[s * it->n_in + j]);
}

static gr_status toy_make(gr_context *ctx, const gr_item *it, gr_kernel **out)
{
    toy_check(it);
    toy_kernel *k = gr__alloc(ctx, sizeof *k);
    if (!k) return gr__error_code(ctx);
    k->item = it;
    int64_t largest = 1;
    for (int i = 0; i < it->n_nodes; i++) {
        const gr_node *n = gr__node(it->graph, it->nodes[i]);
        k->n_values += n->n_out;
        for (int o = 0; o < n->n_out; o++)
            largest = GR_MAX(largest, gr_shape_count(gr__value(it->graph, n->out + (gr_val)o)->shape));
    }
    for (int s = 0; s < it->n_segments && it->space; s++)
        largest = GR_MAX(largest, it->space[s].rows * it->space[s].columns);
    k->value_bytes = gr__granules((uint64_t)largest * sizeof(double));
    k->base.name = it->kind == GR_ITEM_REGION    ? "region"
                   : it->kind == GR_ITEM_SCALARS ? "scalars"
                                                 : gr__node(it->graph, it->nodes[0])->op->name;
    k->base.n_operands = it->n_segments * (it->n_in + it->n_out);
    k->base.n_phases = 1;
    k->base.phase[0].run = toy_run;
    k->base.phase[0].n_shards = it->n_segments;
    k->base.phase[0].cost_ns = 1;
    k->base.scratch_bytes = (size_t)k->n_values * k->value_bytes;
    k->base.shared_bytes = 100;
    k->base.destroy = toy_destroy;
    *out = &k->base;
    return GR_OK;
}

static bool toy_fuses(const gr_graph *g, const gr_node *n)
{
    (void)g, (void)n;
    return true;
}

/* Products take whatever follows, up to three nodes; convolutions one, if it adds. */
static int toy_epilogue(const gr_graph *g, const gr_node *contraction, const uint32_t *nodes, int n)
{
    gr_val before = contraction->out;
    for (int i = 0; i < n; i++) { /* as the interface says */
        const gr_node *e = gr__node(g, nodes[i]);
        int reads = 0;
        for (int k = 0; k < e->n_in; k++) reads += e->in[k] == before;
        assert_true(e->op->class == GR_CLASS_MAP && reads == 1);
        assert_true(gr__shape_equal(gr_shape_of(g, e->out), gr_shape_of(g, before)));
        before = e->out;
    }
    if (contraction->op->code == GR_OP_MATMUL) return n < 3 ? n : 3;
    return contraction->op->code == GR_OP_CONV && gr__node(g, nodes[0])->op->code == GR_OP_ADD;
}

const gr_backend toy = {.name = "toy",
                        .real = GR_EL_F64,
                        .fuses = toy_fuses,
                        .max_region_nodes = 48,
                        .max_region_operands = 24,
                        .max_row = TOY_ROW,
                        .epilogue = toy_epilogue,
                        .make = toy_make};
