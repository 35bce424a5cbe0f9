/* The reference backend: every node by its own reference arithmetic, in float64, one shard. Slow and obviously right:
 * the oracle of every test. */
#include <string.h>

#include "plan/backend.h"

/* Where a node finds or leaves a value: an operand of the kernel, or a rank-0 value that only this kernel knows, or
 * nowhere: an output that nobody reads. */
typedef struct place {
    int operand, local; /* -1: not there */
    gr_dtype dtype;
    gr_shape shape;
} place;

typedef struct step {
    const gr_node *node;
    int first; /* of its places: inputs, then outputs */
} step;

typedef struct ref_kernel {
    gr_kernel base;
    size_t bytes;
    const gr_graph *graph;
    step *steps;
    place *places;
    double *initial;  /* of the locals: constants are set already */
    gr_val *local_of; /* which value a local is */
    int n_steps, n_places, n_locals, widest;
} ref_kernel;

static void run(const gr_kernel *base, const gr_call *call, int shard)
{
    (void)shard;
    const ref_kernel *k = (const ref_kernel *)base;
    double *locals = call->scratch;
    gr_ref *refs = (gr_ref *)(void *)(locals + k->n_locals);
    memcpy(locals, k->initial, (size_t)k->n_locals * sizeof *locals);
    for (int s = 0; s < k->n_steps; s++) {
        const gr_node *n = k->steps[s].node;
        for (int i = 0; i < n->n_in + n->n_out; i++) {
            const place *p = &k->places[k->steps[s].first + i];
            void *at = p->local >= 0 ? &locals[p->local] : p->operand >= 0 ? call->operand[p->operand] : NULL;
            refs[i] = (gr_ref){at, p->dtype, p->shape};
        }
        n->op->ref(k->graph, n, refs, refs + n->n_in);
    }
}

static void destroy(gr_context *ctx, gr_kernel *k)
{
    gr__free(ctx, k, ((ref_kernel *)k)->bytes);
}

static int index_of(const gr_val *list, int n, gr_val v)
{
    for (int i = 0; i < n; i++)
        if (list[i] == v) return i;
    return -1;
}

static int local(ref_kernel *k, gr_val v)
{
    int i = index_of(k->local_of, k->n_locals, v);
    if (i >= 0) return i;
    const gr_node *p = gr__producer(k->graph, v);
    k->local_of[k->n_locals] = v;
    k->initial[k->n_locals] = p->op->code == GR_OP_CONST ? p->attr.f[0] : 0;
    return k->n_locals++;
}

static void add_place(ref_kernel *k, const gr_item *item, gr_val v, bool unread)
{
    const gr_value *value = gr__value(k->graph, v);
    int in = index_of(item->in, item->n_in, v), out = index_of(item->out, item->n_out, v);
    place *p = &k->places[k->n_places++];
    *p = (place){out >= 0 ? item->n_in + out : in, -1, value->dtype, value->shape};
    if (p->operand < 0 && !unread) p->local = local(k, v);
}

static void add_step(ref_kernel *k, const gr_item *item, const gr_node *n)
{
    k->steps[k->n_steps++] = (step){n, k->n_places};
    for (int i = 0; i < n->n_in; i++) add_place(k, item, n->in[i], false);
    for (int o = 0; o < n->n_out; o++)
        add_place(k, item, n->out + (gr_val)o, item->kind == GR_ITEM_NODE && item->out[o] == GR_NONE);
    k->widest = GR_MAX(k->widest, n->n_in + n->n_out);
    k->base.phase[0].cost_ns += (double)gr_shape_count(gr__value(k->graph, n->out)->shape);
}

static gr_status make(gr_context *ctx, const gr_item *item, gr_kernel **out)
{
    size_t nodes = (size_t)item->n_nodes, values = 0;
    for (int i = 0; i < item->n_nodes; i++)
        values += (size_t)(gr__node(item->graph, item->nodes[i])->n_in + gr__node(item->graph, item->nodes[i])->n_out);
    size_t bytes =
        sizeof(ref_kernel) + nodes * sizeof(step) + values * (sizeof(place) + sizeof(double) + sizeof(gr_val));
    ref_kernel *k = gr__alloc(ctx, bytes);
    if (!k) return gr__error_code(ctx);
    k->bytes = bytes;
    k->graph = item->graph;
    k->steps = (step *)(void *)(k + 1);
    k->places = (place *)(void *)(k->steps + nodes);
    k->initial = (double *)(void *)(k->places + values);
    k->local_of = (gr_val *)(void *)(k->initial + values);
    for (int i = 0; i < item->n_nodes; i++) add_step(k, item, gr__node(item->graph, item->nodes[i]));
    k->base.name = item->n_nodes == 1 ? k->steps[0].node->op->name : "scalars";
    k->base.n_operands = item->n_segments * (item->n_in + item->n_out);
    k->base.n_phases = 1;
    k->base.phase[0].run = run;
    k->base.phase[0].n_shards = 1;
    k->base.scratch_bytes = (size_t)k->n_locals * sizeof(double) + (size_t)k->widest * sizeof(gr_ref);
    k->base.destroy = destroy;
    *out = &k->base;
    return GR_OK;
}

const gr_backend gr__backend_ref = {.name = "ref", .real = GR_EL_F64, .make = make};
