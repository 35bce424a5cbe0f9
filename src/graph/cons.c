/* Making nodes: every one is inferred, checked, and found again when an equal one exists (hash-consing). */
#include <assert.h>
#include <string.h>

#include "graph/op.h"

static const struct {
    gr_opcode first;
    const gr_op *ops;
} families[] = {
    {GR_OP_FEED, gr__leaf_ops},     {GR_OP_RANDOM + 1, gr__map_ops},   {GR_OP_RESHAPE, gr__shape_ops},
    {GR_OP_SUM, gr__reduce_ops},    {GR_OP_GATHER, gr__index_ops},     {GR_OP_MATMUL, gr__contract_ops},
    {GR_OP_MAX_POOL, gr__pool_ops}, {GR_OP_SAMPLE_NORM, gr__norm_ops}, {GR_OP_ATTENTION, gr__attention_ops},
    {GR_OP_PACK, gr__packed_ops},   {GR_OP_SCAN, gr__loop_ops},        {GR_OP_FIXED_POINT + 1, gr__composed_ops},
};

const gr_op *gr__op(gr_opcode code)
{
    size_t f = GR_COUNT(families) - 1;
    while (families[f].first > code) f--;
    return &families[f].ops[code - families[f].first];
}

int gr__op_outputs(const gr_op *op, const gr_attr *attr)
{
    return op->n_out < 0 ? gr__body_results(attr->body) : op->n_out;
}

static uint64_t mix(uint64_t h, uint64_t x)
{
    h = (h ^ x) * 0x9E3779B97F4A7C15u;
    return h ^ h >> 29;
}

static uint64_t mix_bytes(uint64_t h, const void *data, size_t bytes)
{
    const unsigned char *p = data;
    uint64_t word;
    for (; bytes >= sizeof word; bytes -= sizeof word, p += sizeof word) {
        memcpy(&word, p, sizeof word);
        h = mix(h, word);
    }
    for (; bytes; bytes--) h = mix(h, *p++);
    return h;
}

static uint32_t node_hash(const gr_op *op, const gr_val *in, int n_in, const gr_attr *attr, const gr_value *out)
{
    uint64_t h = mix(0, (uint64_t)op->code);
    h = mix_bytes(h, in, (size_t)n_in * sizeof *in);
    for (const gr__field *f = gr__op_fields(op); f->kind; f++) {
        size_t bytes;
        const void *field = gr__field_bytes(attr, f, &bytes);
        h = mix_bytes(h, field, bytes);
    }
    for (int o = 0; o < gr__op_outputs(op, attr); o++) {
        h = mix(h, (uint64_t)out[o].dtype);
        h = mix_bytes(h, out[o].shape.dim, (size_t)out[o].shape.rank * sizeof *out[o].shape.dim);
    }
    return (uint32_t)(h ^ h >> 32);
}

static bool equal_fields(const gr_op *op, const gr_attr *a, const gr_attr *b)
{
    for (const gr__field *f = gr__op_fields(op); f->kind; f++) {
        size_t bytes;
        const void *field = gr__field_bytes(a, f, &bytes);
        if (memcmp(field, gr__field_bytes(b, f, &bytes), bytes) != 0) return false;
    }
    return true;
}

static bool equal(const gr_graph *g, const gr_node *n, const gr_op *op, const gr_val *in, int n_in, const gr_attr *attr,
                  const gr_value *out)
{
    if (n->op != op || n->n_in != n_in || !equal_fields(op, &n->attr, attr)) return false;
    if (n_in && memcmp(n->in, in, (size_t)n_in * sizeof *in) != 0) return false;
    const gr_value *v = gr__value(g, n->out);
    for (int o = 0; o < n->n_out; o++)
        if (v[o].dtype != out[o].dtype || !gr__shape_equal(v[o].shape, out[o].shape)) return false;
    return true;
}

static gr_val find(const gr_graph *g, uint32_t hash, const gr_op *op, const gr_val *in, int n_in, const gr_attr *attr,
                   const gr_value *out)
{
    if (g->table_size == 0) return GR_NONE;
    for (size_t at = hash & (g->table_size - 1); g->table[at].node; at = (at + 1) & (g->table_size - 1)) {
        if (g->table[at].hash != hash) continue;
        const gr_node *n = g->nodes[g->table[at].node - 1];
        if (equal(g, n, op, in, n_in, attr, out)) return n->out;
    }
    return GR_NONE;
}

static void table_put(gr__bucket *table, size_t size, gr__bucket b)
{
    size_t at = b.hash & (size - 1);
    while (table[at].node) at = (at + 1) & (size - 1);
    table[at] = b;
}

static bool table_room(gr_graph *g)
{
    if ((g->n_nodes + 1) * 2 <= g->table_size) return true;
    size_t size = g->table_size ? g->table_size * 2 : 256;
    gr__bucket *table = gr__alloc(g->ctx, size * sizeof *table);
    if (!table) return false;
    for (size_t i = 0; i < g->table_size; i++)
        if (g->table[i].node) table_put(table, size, g->table[i]);
    gr__free(g->ctx, g->table, g->table_size * sizeof *g->table);
    g->table = table;
    g->table_size = size;
    return true;
}

static void append_values(gr_graph *g, gr_value *values, const gr_value *out, int n_out)
{
    for (int o = 0; o < n_out; o++) {
        values[o] = out[o];
        values[o].node = (uint32_t)g->n_nodes;
        values[o].out = (uint16_t)o;
        g->values[g->n_values++] = &values[o];
    }
}

/* Room first, so that nothing is half added when memory runs out. */
static gr_val append(gr_graph *g, uint32_t hash, const gr_op *op, const gr_val *in, int n_in, const gr_attr *attr,
                     const gr_value *out)
{
    int n_out = gr__op_outputs(op, attr);
    if (!table_room(g) || !GR_ROOM(g->ctx, g->nodes, g->nodes_capacity, g->n_nodes + 1) ||
        !GR_ROOM(g->ctx, g->values, g->values_capacity, g->n_values + (size_t)n_out))
        goto no_memory;
    gr_node *n = gr__bump_alloc(g->memory, sizeof *n + (size_t)n_out * sizeof(gr_value));
    if (!n) goto no_memory;
    n->in = gr__bump_alloc(g->memory, (size_t)n_in * sizeof *in);
    if (!n->in) goto no_memory;
    if (n_in) memcpy(n->in, in, (size_t)n_in * sizeof *in);
    n->op = op;
    n->n_in = n_in;
    n->n_out = n_out;
    n->attr = *attr;
    n->scope = g->scope;
    n->backward = g->backward;
    n->out = (gr_val)g->n_values + 1;
    append_values(g, (gr_value *)(void *)(n + 1), out, n_out);
    g->nodes[g->n_nodes++] = n;
    table_put(g->table, g->table_size, (gr__bucket){hash, (uint32_t)g->n_nodes});
    return n->out;

no_memory:
    g->status = GR_E_MEMORY;
    return GR_NONE;
}

static bool check_inputs(gr_graph *g, const gr_op *op, const gr_val *in, int n_in)
{
    if (op->n_in >= 0 && n_in != op->n_in) return gr__op_fail(g, GR_E_USAGE, "%d operands, wanted %d", n_in, op->n_in);
    for (int i = 0; i < n_in; i++)
        if (in[i] == GR_NONE || in[i] > g->n_values)
            return gr__op_fail(g, GR_E_USAGE, "operand %d is not a value of this graph", i + 1);
    return true;
}

static bool infer(gr_graph *g, const gr_op *op, const gr_val *in, int n_in, const gr_attr *attr, gr_value *out)
{
    if (!gr__attr_fits(op, attr))
        return gr__op_fail(g, GR_E_INTERNAL, "an attribute is set that none of the operation's fields names");
    if (!check_inputs(g, op, in, n_in) || !gr__shape_check(g, out->shape) || !gr__op_infer(g, op, attr, in, n_in, out))
        return false;
    for (int o = 0; o < gr__op_outputs(op, attr); o++)
        if (!gr__shape_check(g, out[o].shape)) return false;
    return true;
}

/* The place in a name that remembers its leaf. */
static gr_val *leaf_of(const gr_op *op, const gr_attr *attr)
{
    if (op->kept == GR__KEPT_NOWHERE) return NULL;
    gr__name *name = gr__name_of(attr->name);
    return op->kept == GR__KEPT_CALLER ? &name->feed : &name->store;
}

static gr_val add(gr_graph *g, const gr_op *op, const gr_val *in, int n_in, const gr_attr *attr, gr_value *out)
{
    if (!infer(g, op, in, n_in, attr, out)) return GR_NONE;
    uint32_t hash = node_hash(op, in, n_in, attr, out);
    gr_val found = find(g, hash, op, in, n_in, attr, out);
    if (!found && op->commutes) {
        gr_val swapped[2] = {in[1], in[0]};
        found = find(g, node_hash(op, swapped, 2, attr, out), op, swapped, 2, attr, out);
    }
    if (found) return found;
    gr_val *leaf = leaf_of(op, attr);
    if (leaf && *leaf) {
        char a[96], b[96];
        const gr_value *v = gr__value(g, *leaf);
        gr__op_fail(g, GR_E_CONFLICT, "\"%s\" is %s%s here and was %s %s%s before", attr->name,
                    gr__dtype_text(out->dtype), gr__shape_text(out->shape, a), gr__producer(g, *leaf)->op->name,
                    gr__dtype_text(v->dtype), gr__shape_text(v->shape, b));
        return GR_NONE;
    }
    gr_val v = append(g, hash, op, in, n_in, attr, out);
    if (leaf) *leaf = v;
    return v;
}

gr_value *gr__results(gr_graph *g, int n_out, const gr_value *hint)
{
    if (!GR_ROOM(g->ctx, g->results, g->results_capacity, (size_t)n_out)) {
        g->status = GR_E_MEMORY;
        return NULL;
    }
    for (int o = 0; o < n_out; o++)
        g->results[o] = hint ? (gr_value){.dtype = hint[o].dtype, .shape = hint[o].shape} : (gr_value){.node = 0};
    return g->results;
}

gr_val gr__node_make(gr_graph *g, const gr_op *op, const gr_val *in, int n_in, const gr_attr *attr,
                     const gr_value *out_hint)
{
    if (g->status != GR_OK) return GR_NONE;
    gr_attr a = attr ? *attr : (gr_attr){.name = NULL};
    if (a.name && !(a.name = gr__intern(g, a.name))) return GR_NONE;
    if (a.body && !(a.body = gr__body_intern(g, a.body))) return GR_NONE;
    gr_value *out = gr__results(g, gr__op_outputs(op, &a), out_hint);
    if (!out) return GR_NONE;
    g->op = op;
    gr_val v = add(g, op, in, n_in, &a, out);
    g->op = NULL;
    return v;
}

gr_val gr__node_add(gr_graph *g, gr_opcode code, const gr_val *in, int n_in, const gr_attr *attr,
                    const gr_value *out_hint)
{
    return gr__node_make(g, gr__op(code), in, n_in, attr, out_hint);
}

gr_val gr__node_copy(gr_graph *to, const gr_graph *from, const gr_node *n, const gr_val *in)
{
    const gr_value *out = gr__value(from, n->out);
    if (n->op->code == GR_OP_TENSOR) return gr_const_tensor(to, out->shape, gr__const_tensor(from, n->attr.i[0], NULL));
    return gr__node_make(to, n->op, in, n->n_in, &n->attr, out);
}

gr_val gr__node_output(const gr_graph *g, gr_val first, int output)
{
    if (first == GR_NONE) return GR_NONE;
    assert(gr__value(g, first)->out == 0 && output >= 0 && output < gr__producer(g, first)->n_out);
    return first + (gr_val)output;
}

int64_t gr__tensor_add(gr_graph *g, const double *values, int64_t count)
{
    size_t bytes = (size_t)count * sizeof *values;
    uint64_t hash = mix_bytes((uint64_t)count, values, bytes);
    for (size_t i = 0; i < g->n_tensors; i++) {
        const gr__tensor *t = &g->tensors[i];
        if (t->hash == hash && t->count == count && (bytes == 0 || memcmp(t->values, values, bytes) == 0))
            return (int64_t)i;
    }
    double *copy =
        GR_ROOM(g->ctx, g->tensors, g->tensors_capacity, g->n_tensors + 1) ? gr__bump_alloc(g->memory, bytes) : NULL;
    if (!copy) {
        g->status = GR_E_MEMORY;
        return -1;
    }
    if (bytes) memcpy(copy, values, bytes);
    g->tensors[g->n_tensors] = (gr__tensor){copy, count, hash};
    return (int64_t)g->n_tensors++;
}

const double *gr__const_tensor(const gr_graph *g, int64_t index, int64_t *count)
{
    if (count) *count = g->tensors[index].count;
    return g->tensors[index].values;
}
