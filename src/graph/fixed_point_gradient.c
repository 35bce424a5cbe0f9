/* The gradient of a fixed point z = f(z, x) is that of its solution: with l what z is to be pulled back by,
 *
 *     y = (df/dz)^T y + l         a fixed point of its own, linear
 *     l_x = (df/dx)^T y
 *
 * both at the solution. So one evaluation of f is kept, whatever it took to find z.          [Bai et al. 2019, theorem
 * 1] */
#include "graph/fixed_point.h"

typedef struct pull {
    gr_graph *g;
    const gr_node *n;
    const gr__body *b;
    gr__bump *memory;
    gr_graph *both;      /* the body, and its pullback by y behind it */
    gr_val y, l, pulled; /* of both: cotangents of f and of z, and what the first is to be */
    gr_val *dleaf;       /* of an operand: its gradient by y; GR_NONE: nobody wants it */
    gr_val *map;         /* of a value of both, what it is in g */
} pull;

static bool wants(const pull *p, int operand)
{
    return operand > 0 && gr_dtype_of(p->g, p->n->in[operand]) == GR_REAL && gr__wanted(p->g, p->n, operand);
}

static bool copy_body(pull *p, gr_val *f)
{
    gr_val *map = gr__bump_alloc(p->memory, (gr__graph_values(p->b->graph) + 1) * sizeof *map);
    p->dleaf = gr__bump_alloc(p->memory, (size_t)p->b->n_in * sizeof *p->dleaf);
    if (!map || !p->dleaf || gr__graph_copy(p->both, p->b->graph, NULL, map) != GR_OK) return false;
    for (int i = 0; i < p->b->n_in; i++)
        p->dleaf[i] = map[p->b->leaf[i]]; /* the leaf itself, until it is pulled back */
    *f = map[gr__body_next(p->b, 0)];
    return true;
}

static bool pull_back(pull *p)
{
    int n_in = p->b->n_in, n = 0;
    gr_val f, *x, *dx;
    if (!copy_body(p, &f) || !(x = gr__bump_alloc(p->memory, 2 * (size_t)n_in * sizeof *x))) return false;
    dx = x + n_in;
    const gr_value *z = gr__value(p->both, p->dleaf[0]);
    p->y = gr__stand_in(p->both, z, n_in);
    p->l = gr__stand_in(p->both, z, n_in + 1);
    for (int i = 0; i < n_in; i++)
        if (i == 0 || wants(p, i)) x[n++] = p->dleaf[i];
    if (gr_pullback(p->both, &f, &p->y, 1, x, n, dx) != GR_OK) return false;
    p->pulled = gr_add(p->both, dx[0], p->l);
    p->map = gr__bump_alloc(p->memory, (gr__graph_values(p->both) + 1) * sizeof *p->map);
    if (!p->map || !p->pulled) return false;
    p->map[p->dleaf[0]] = p->n->out;
    for (int i = 1; i < n_in; i++) p->map[p->dleaf[i]] = p->n->in[i];
    for (int i = 1, k = 1; i < n_in; i++) p->dleaf[i] = wants(p, i) ? dx[k++] : GR_NONE;
    p->dleaf[0] = GR_NONE; /* where it starts does not matter */
    return true;
}

/* Solves for y in g, outside of which stands what does not vary with it. */
static bool solve(pull *p, gr_val l)
{
    uint32_t nodes = gr__graph_nodes(p->both);
    bool *varies = gr__bump_alloc(p->memory, nodes * sizeof *varies),
         *needed = gr__bump_alloc(p->memory, nodes * sizeof *needed);
    if (!varies || !needed) return false;
    gr__mark_varying(p->both, p->y, varies);
    gr__mark_needed(p->both, p->dleaf, p->b->n_in, needed);
    gr__mark_needed(p->both, &p->pulled, 1, needed);
    for (uint32_t k = 0; k < nodes; k++) needed[k] &= !varies[k];
    p->map[p->l] = l;
    if (gr__graph_copy(p->g, p->both, needed, p->map) != GR_OK) return false;
    gr__solving s = gr__solving_of(&p->n->attr);
    s.max = s.gradient_max;
    s.tolerance = s.gradient_tolerance;
    s.linear = true;
    p->map[p->y] = gr__fixed_point_add(p->g, p->both, p->map, p->y, p->pulled, l, &s);
    return p->map[p->y] != GR_NONE;
}

static bool collect(pull *p, gr_val *din)
{
    bool *needed = gr__bump_alloc(p->memory, gr__graph_nodes(p->both) * sizeof *needed);
    if (!needed) return false;
    gr__mark_needed(p->both, p->dleaf, p->b->n_in, needed);
    if (gr__graph_copy(p->g, p->both, needed, p->map) != GR_OK) return false;
    for (int i = 0; i < p->b->n_in; i++)
        if (p->dleaf[i]) din[i] = p->map[p->dleaf[i]];
    return true;
}

void gr__fixed_point_gradient(gr_graph *g, const gr_node *n, const gr_val *dout, gr_val *din)
{
    pull p = {.g = g, .n = n, .b = n->attr.body};
    if (!dout[0]) return; /* residuals and counts have no gradient */
    bool good = gr_graph_create(g->ctx, &p.both) == GR_OK && (p.memory = gr__bump_create(g->ctx));
    good = good && pull_back(&p) && solve(&p, dout[0]) && collect(&p, din);
    if (!good && g->status == GR_OK) g->status = p.both && p.both->status ? p.both->status : GR_E_MEMORY;
    gr_graph_destroy(p.both);
    gr__bump_destroy(p.memory);
}
