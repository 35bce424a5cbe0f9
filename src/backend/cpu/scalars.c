/* Rank-0 values: a small program in float64, of what the operations mean. */
#include "backend/cpu/cpu.h"
#include "backend/cpu/work.h"

typedef struct scalar_step {
    double (*element)(double a, double b, double c);
    int arg[3], to; /* registers */
} scalar_step;

typedef struct scalars {
    gr_kernel base;
    int n_in, n_out, n_steps, n_registers, n_consts;
    scalar_step *step;
    gr_dtype *in_type;
    int *out;         /* the register of each */
    double *constant; /* the registers after the inputs */
} scalars;

bool gr__scalars_take(const gr_graph *g, const gr_node *n)
{
    return n->op->class == GR_CLASS_MAP && gr__value(g, n->out)->shape.rank == 0;
}

static void run(const gr_kernel *kernel, const gr_call *call, int shard)
{
    const scalars *k = (const scalars *)kernel;
    double *x = call->scratch;
    (void)shard;
    for (int i = 0; i < k->n_in; i++) {
        const void *p = call->operand[i];
        x[i] = k->in_type[i] == GR_REAL  ? *(const double *)p
               : k->in_type[i] == GR_I32 ? *(const int32_t *)p
                                         : *(const uint8_t *)p;
    }
    for (int i = 0; i < k->n_consts; i++) x[k->n_in + i] = k->constant[i];
    for (int i = 0; i < k->n_steps; i++) {
        const scalar_step *s = &k->step[i];
        x[s->to] = s->element(x[s->arg[0]], x[s->arg[1]], x[s->arg[2]]);
    }
    for (int i = 0; i < k->n_out; i++) *(double *)call->operand[k->n_in + i] = x[k->out[i]];
}

static size_t room(const gr_item *item) /* registers and constants, at most */
{
    return (size_t)(item->n_in + 4 * item->n_nodes);
}

static void destroy(gr_context *ctx, gr_kernel *kernel)
{
    scalars *k = (scalars *)kernel;
    gr__free(ctx, k->step, (size_t)k->n_steps * sizeof *k->step);
    gr__free(ctx, k->in_type, (size_t)k->n_in * sizeof *k->in_type);
    gr__free(ctx, k->out, (size_t)k->n_out * sizeof *k->out);
    gr__free(ctx, k->constant, (size_t)k->n_consts * sizeof *k->constant);
    gr__free(ctx, k, sizeof *k);
}

/* The register that holds value v: an input, a node before this one, or a constant (counted, and stored where there is
 * room for them already). */
static int find(scalars *k, const gr_item *item, gr_val v)
{
    int in = gr__cpu_input(item, v);
    if (in >= 0) return in;
    const gr_node *p = gr__producer(item->graph, v);
    if (p->op->code == GR_OP_CONST) {
        if (k->constant) k->constant[k->n_registers] = p->attr.f[0];
        return k->n_in + k->n_registers++;
    }
    for (int i = 0; i < item->n_nodes; i++)
        if (item->nodes[i] == gr__value(item->graph, v)->node) return k->n_in + k->n_consts + i;
    return -1;
}

static bool fill(scalars *k, const gr_item *item)
{
    bool found = true;
    k->n_registers = 0;
    for (int i = 0; i < item->n_nodes; i++) {
        const gr_node *n = gr__node(item->graph, item->nodes[i]);
        scalar_step s = {.element = n->op->element, .to = k->n_in + k->n_consts + i};
        for (int a = 0; a < n->n_in; a++) {
            s.arg[a] = find(k, item, n->in[a]);
            found &= s.arg[a] >= 0;
        }
        k->step[i] = s;
    }
    return found;
}

gr_status gr__scalars_make(gr_context *ctx, const gr_item *item, gr_kernel **out)
{
    gr_status st = GR_OK;
    scalars *k = gr__alloc(ctx, sizeof *k);
    if (!k) return gr__error_code(ctx);
    k->base = (gr_kernel){.name = "scalars",
                          .n_phases = 1,
                          .n_operands = item->n_in + item->n_out,
                          .destroy = destroy,
                          .scratch_bytes = room(item) * sizeof(double)};
    k->base.phase[0].run = run;
    k->base.phase[0].n_shards = 1;
    k->base.phase[0].cost_ns = 20 + 8.0 * item->n_nodes;
    k->step = gr__alloc(ctx, (size_t)item->n_nodes * sizeof *k->step);
    k->n_steps = k->step ? item->n_nodes : 0;
    k->in_type = gr__alloc(ctx, (size_t)item->n_in * sizeof *k->in_type);
    k->n_in = k->in_type ? item->n_in : 0;
    k->out = gr__alloc(ctx, (size_t)item->n_out * sizeof *k->out);
    k->n_out = k->out ? item->n_out : 0;
    GR_TRY(k->step && k->in_type && k->out ? GR_OK : gr__error_code(ctx));
    fill(k, item); /* counts the constants */
    int n_consts = k->n_registers;
    k->constant = gr__alloc(ctx, (size_t)n_consts * sizeof *k->constant);
    GR_TRY(k->constant ? GR_OK : gr__error_code(ctx));
    k->n_consts = n_consts;
    for (int i = 0; i < item->n_in; i++) k->in_type[i] = gr__value(item->graph, item->in[i])->dtype;
    bool found = fill(k, item);
    for (int i = 0; i < item->n_out; i++) {
        k->out[i] = find(k, item, item->out[i]);
        found &= k->out[i] >= 0;
    }
    if (!found) GR_TRY(gr__fail(ctx, GR_E_INTERNAL, "scalars: an operand comes from nowhere"));
    *out = &k->base;
    k = NULL;
done:
    if (k) destroy(ctx, &k->base);
    return st;
}
