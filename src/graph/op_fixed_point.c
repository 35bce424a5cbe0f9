/* The fixed point: z = f(z) of every sample by itself. What is written of f in a graph becomes a body, which reads as
 * given whatever does not vary with z. */
#include "graph/fixed_point.h"

/* ---- attributes ---- */

enum { SOLVER, MAX, WINDOW, GRADIENT_MAX, LINEAR };

gr__solving gr__solving_of(const gr_attr *attr)
{
    return (gr__solving){.solver = (gr_solver)attr->i[SOLVER],
                         .max = attr->i[MAX],
                         .window = attr->i[WINDOW],
                         .gradient_max = attr->i[GRADIENT_MAX],
                         .linear = attr->i[LINEAR] != 0,
                         .tolerance = attr->f[0],
                         .gradient_tolerance = attr->f[1]};
}

gr_attr gr__solving_attr(const gr__solving *s, const gr__body *b)
{
    return (gr_attr){.i = {(int64_t)s->solver, s->max, s->window, s->gradient_max, s->linear},
                     .f = {s->tolerance, s->gradient_tolerance},
                     .body = b};
}

const gr__field gr__fixed_point_fields[] = {
    {GR__FIELD_INTEGERS, SOLVER, 1, "solver", 0},
    {GR__FIELD_INTEGERS, MAX, 1, "max", GR__SHOWN},
    {GR__FIELD_INTEGERS, WINDOW, 1, "window", GR__SHOWN},
    {GR__FIELD_INTEGERS, GRADIENT_MAX, 1, NULL, 0},
    {GR__FIELD_INTEGERS, LINEAR, 1, "linear", 0},
    {GR__FIELD_REAL, 0, 2, "tolerance", 0},
    {GR__FIELD_BODY, 0, 1, NULL, 0},
    {GR__FIELDS_END, 0, 0, NULL, 0},
};

/* ---- shape rule ---- */

static bool check_operands(gr_graph *g, const gr__body *b, const gr_val *in, int n_in)
{
    char is[96], wanted[96];
    if (n_in != b->n_in || b->n_carries != 1 || b->role[0] != GR__ROLE_CARRY || gr__body_stacks(b) > 0)
        return gr__op_fail(g, GR_E_INTERNAL, "its body is none of a fixed point");
    for (int i = 0; i < n_in; i++) {
        const gr_value *leaf = b->leaf[i] ? gr__value(b->graph, b->leaf[i]) : NULL;
        if (!leaf || (i && b->role[i] != GR__ROLE_GIVEN))
            return gr__op_fail(g, GR_E_INTERNAL, "its body does not take operand %d", i + 1);
        gr_shape shape = gr_shape_of(g, in[i]);
        if (!gr__want_dtype(g, in, i, leaf->dtype)) return false;
        if (!gr__shape_equal(shape, leaf->shape))
            return gr__op_fail(g, GR_E_SHAPE, "operand %d is %s, its body takes %s", i + 1, gr__shape_text(shape, is),
                               gr__shape_text(leaf->shape, wanted));
    }
    return true;
}

bool gr__fixed_point_infer(gr_graph *g, const gr_attr *attr, const gr_val *in, int n_in, gr_value *out)
{
    const gr__body *b = attr->body;
    gr__solving s = gr__solving_of(attr);
    char from[96], to[96];
    if (!b) return gr__op_fail(g, GR_E_INTERNAL, "it has no body");
    if (!check_operands(g, b, in, n_in)) return false;
    if (s.solver > GR_SOLVE_ITERATE) return gr__op_fail(g, GR_E_RANGE, "there is no solver %d", (int)s.solver);
    if (s.max < 1 || s.max > GR__MAX_INDEX || s.gradient_max < 1 || s.gradient_max > GR__MAX_INDEX)
        return gr__op_fail(g, GR_E_RANGE, "it may be evaluated %lld times, wanted one at least", (long long)s.max);
    if (s.window < 1 || s.window > GR__MAX_WINDOW)
        return gr__op_fail(g, GR_E_RANGE, "a window of %lld, wanted 1 to %d", (long long)s.window, GR__MAX_WINDOW);
    if (!(s.tolerance >= 0 && s.gradient_tolerance >= 0))
        return gr__op_fail(g, GR_E_RANGE, "its tolerance is %g, wanted 0 at least", s.tolerance);
    gr_shape z = gr_shape_of(g, in[0]);
    const gr_value *f = gr__value(b->graph, gr__body_next(b, 0));
    if (z.rank < 1) return gr__op_fail(g, GR_E_SHAPE, "it wants an axis of samples");
    if (f->dtype != GR_REAL || !gr__shape_equal(f->shape, z))
        return gr__op_fail(g, GR_E_SHAPE, "f is %s%s, what it is of %s", gr__dtype_text(f->dtype),
                           gr__shape_text(f->shape, from), gr__shape_text(z, to));
    out[0] = (gr_value){.dtype = GR_REAL, .shape = z};
    out[1] = out[2] = (gr_value){.dtype = GR_REAL, .shape = GR_SHAPE(z.dim[0])};
    return true;
}

/* ---- what varies, what is needed ---- */

void gr__mark_varying(const gr_graph *g, gr_val v, bool *node)
{
    uint32_t first = gr__value(g, v)->node;
    node[first] = true;
    for (uint32_t k = first + 1; k < gr__graph_nodes(g); k++)
        for (int i = 0; i < gr__node(g, k)->n_in && !node[k]; i++)
            node[k] = node[gr__value(g, gr__node(g, k)->in[i])->node];
}

void gr__mark_needed(const gr_graph *g, const gr_val *wanted, int n, bool *node)
{
    for (int i = 0; i < n; i++)
        if (wanted[i]) node[gr__value(g, wanted[i])->node] = true;
    for (uint32_t k = gr__graph_nodes(g); k-- > 0;)
        for (int i = 0; node[k] && i < gr__node(g, k)->n_in; i++)
            node[gr__value(g, gr__node(g, k)->in[i])->node] = true;
}

/* ---- closing the body ---- */

typedef struct closing {
    const gr_graph *from;
    const gr_val *outside;
    gr_graph *inner;
    gr_val *map; /* of a value of from: what it is in inner */
    gr_val *in;  /* operands so far */
    gr__role *role;
    int n;
    size_t room_in, room_role;
} closing;

static bool add_operand(closing *c, gr__role role, gr_val operand)
{
    gr_context *ctx = gr__graph_context(c->from);
    if (!GR_ROOM(ctx, c->in, c->room_in, (size_t)c->n + 1) || !GR_ROOM(ctx, c->role, c->room_role, (size_t)c->n + 1))
        return false;
    c->role[c->n] = role;
    c->in[c->n++] = operand;
    return true;
}

/* What costs nothing to have in the body, and would otherwise be made large, or kept apart from what it is a view of.
 */
static bool goes_inside(const gr_node *n)
{
    int number;
    if (n->op->code == GR_OP_BROADCAST || n->op->code == GR_OP_RESHAPE) return true;
    return n->n_in == 0 && n->op->kept == GR__KEPT_NOWHERE && !gr__stands_in(n, &number);
}

/* A value of `from` in the body. GR_NONE: no memory. */
static gr_val inside(closing *c, gr_val v)
{
    const gr_node *n = gr__producer(c->from, v);
    if (c->map[v]) return c->map[v];
    if (!goes_inside(n)) {
        if (!add_operand(c, GR__ROLE_GIVEN, c->outside ? c->outside[v] : v)) return GR_NONE;
        return c->map[v] = gr__stand_in(c->inner, gr__value(c->from, v), c->n - 1);
    }
    gr_val in = n->n_in ? inside(c, n->in[0]) : GR_NONE;
    if (n->n_in && !in) return GR_NONE;
    gr__scope_set(c->inner, n->scope);
    return c->map[v] = gr__node_copy(c->inner, c->from, n, &in);
}

static bool copy_node(closing *c, const gr_node *n, gr_val *in)
{
    for (int i = 0; i < n->n_in; i++)
        if (!(in[i] = inside(c, n->in[i]))) return false;
    gr__scope_set(c->inner, n->scope);
    gr_val v = gr__node_copy(c->inner, c->from, n, in);
    for (int o = 0; v && o < n->n_out; o++) c->map[n->out + (gr_val)o] = gr__node_output(c->inner, v, o);
    return v != GR_NONE;
}

/* The body's graph: what of f varies with the unknown, and is needed. */
static bool close_body(closing *c, gr__bump *memory, gr_val unknown, gr_val f)
{
    uint32_t nodes = gr__graph_nodes(c->from), first = gr__value(c->from, unknown)->node;
    int widest = 1;
    for (uint32_t k = first; k < nodes; k++) widest = GR_MAX(widest, gr__node(c->from, k)->n_in);
    gr_val *in = gr__bump_alloc(memory, (size_t)widest * sizeof *in);
    bool *varies = gr__bump_alloc(memory, nodes * sizeof *varies),
         *needed = gr__bump_alloc(memory, nodes * sizeof *needed);
    c->map = gr__bump_alloc(memory, (gr__graph_values(c->from) + 1) * sizeof *c->map);
    if (!in || !varies || !needed || !c->map) return false;
    gr__mark_varying(c->from, unknown, varies);
    gr__mark_needed(c->from, &f, 1, needed);
    c->map[unknown] = gr__stand_in(c->inner, gr__value(c->from, unknown), 0);
    for (uint32_t k = first + 1; k < nodes; k++)
        if (varies[k] && needed[k] && !copy_node(c, gr__node(c->from, k), in)) return false;
    gr_val next = inside(c, f);
    if (next) gr_output(c->inner, "0", next);
    return next && gr_graph_status(c->inner) == GR_OK;
}

gr_val gr__fixed_point_add(gr_graph *g, const gr_graph *from, const gr_val *outside, gr_val unknown, gr_val f,
                           gr_val initial, const gr__solving *s)
{
    closing c = {.from = from, .outside = outside};
    gr_val v = GR_NONE;
    gr__bump *memory = gr__bump_create(g->ctx);
    if (memory && gr_graph_create(g->ctx, &c.inner) == GR_OK && add_operand(&c, GR__ROLE_CARRY, initial) &&
        close_body(&c, memory, unknown, f)) {
        gr__body *b = gr__body_create(g->ctx, c.inner, c.role, c.n);
        c.inner = NULL;
        gr_attr attr = gr__solving_attr(s, b);
        if (b) v = gr__node_add(g, GR_OP_FIXED_POINT, c.in, c.n, &attr, NULL);
        gr__body_release(b);
    }
    if (!v && g->status == GR_OK) g->status = c.inner && c.inner->status ? c.inner->status : GR_E_MEMORY;
    gr_graph_destroy(c.inner);
    gr__free(g->ctx, c.in, c.room_in * sizeof *c.in);
    gr__free(g->ctx, c.role, c.room_role * sizeof *c.role);
    gr__bump_destroy(memory);
    return v;
}

/* ---- building ---- */

/* Numbered by the graph's nodes, so that no two are one value. */
gr_val gr_unknown(gr_graph *g, gr_shape shape)
{
    if (g->status != GR_OK) return GR_NONE;
    return gr__stand_in(g, &(gr_value){.dtype = GR_REAL, .shape = shape}, (int)gr__graph_nodes(g));
}

gr_val gr_fixed_point(gr_graph *g, gr_val unknown, gr_val f, gr_val initial, gr_fixed_point_attr a, gr_val *residual,
                      gr_val *iterations)
{
    int number;
    char z[96], is[96];
    if (!gr__usable(g, GR_OP_FIXED_POINT, unknown) || !gr__usable(g, GR_OP_FIXED_POINT, f) ||
        !gr__usable(g, GR_OP_FIXED_POINT, initial))
        return GR_NONE;
    if (!gr__stands_in(gr__producer(g, unknown), &number))
        return gr_graph_fail(g, GR_E_USAGE, "fixed point: what it is of is no unknown");
    gr_shape shape = gr_shape_of(g, unknown);
    if (!gr__shape_equal(gr_shape_of(g, f), shape) || gr_dtype_of(g, f) != GR_REAL)
        return gr_graph_fail(g, GR_E_SHAPE, "fixed point: f(z) is %s%s, z %s", gr__dtype_text(gr_dtype_of(g, f)),
                             gr__shape_text(gr_shape_of(g, f), is), gr__shape_text(shape, z));
    const gr__solving s = {.solver = a.solver,
                           .max = a.max,
                           .window = a.window                       ? a.window
                                     : a.solver == GR_SOLVE_BROYDEN ? 12
                                                                    : 6,
                           .gradient_max = a.gradient_max ? a.gradient_max : a.max,
                           .tolerance = a.tolerance,
                           .gradient_tolerance = a.gradient_tolerance > 0 ? a.gradient_tolerance : a.tolerance};
    gr_val v = gr__fixed_point_add(g, g, NULL, unknown, f, initial, &s);
    if (residual) *residual = gr__node_output(g, v, 1);
    if (iterations) *iterations = gr__node_output(g, v, 2);
    return v;
}

gr_val gr__fixed_point_again(gr_graph *g, const gr_node *n)
{
    const gr__body *b = n->attr.body;
    size_t bytes = (gr__graph_values(b->graph) + 1) * sizeof(gr_val);
    gr_val *map = gr__alloc(g->ctx, bytes), f = GR_NONE;
    if (!map) return gr_graph_fail(g, GR_E_MEMORY, "no memory for a fixed point");
    for (int i = 0; i < b->n_in; i++) map[b->leaf[i]] = i ? n->in[i] : n->out;
    if (gr__graph_copy(g, b->graph, NULL, map) == GR_OK) f = map[gr__body_next(b, 0)];
    gr__free(g->ctx, map, bytes);
    return f;
}

/* ---- what they tell ---- */

static gr_val is_done(gr_graph *g, const gr_node *n)
{
    return gr_less_equal(g, n->out + 1, gr_const(g, gr__solving_of(&n->attr).tolerance));
}

gr_val gr__fixed_point_missed(gr_graph *g, const gr_node *n)
{
    return gr_select(g, is_done(g, n), gr_const(g, 0), n->out + 1);
}

static gr_val plus(gr_graph *g, gr_val a, gr_val b)
{
    return a ? gr_add(g, a, b) : b;
}

static void tell(gr_graph *g, const gr_node *n, gr_solved *out)
{
    gr_val solves = gr_const(g, (double)gr_shape_of(g, n->out).dim[0]);
    out->solves = plus(g, out->solves, solves);
    out->unsolved = plus(g, out->unsolved, gr_sub(g, solves, gr_sum_all(g, is_done(g, n))));
    out->evaluations = plus(g, out->evaluations, gr_sum_all(g, gr__node_output(g, n->out, 2)));
}

static void mark_effects(const gr_graph *g, bool *needed)
{
    gr_effects e = gr__graph_effects(g);
    for (size_t i = 0; i < e.n_assigns; i++) needed[gr__value(g, e.assigns[i].value)->node] = true;
    for (size_t i = 0; i < e.n_outputs; i++) needed[gr__value(g, e.outputs[i].value)->node] = true;
    gr__mark_needed(g, &e.guard, 1, needed);
}

/* What is told of all fixed points that are behind the graph's effects, or behind v alone. */
static bool tell_all(gr_graph *g, gr_val v, gr_solved *out)
{
    uint32_t nodes = gr__graph_nodes(g);
    bool any = false, *needed;
    *out = (gr_solved){.solves = GR_NONE};
    for (uint32_t k = 0; k < nodes && !any; k++) any = gr__node(g, k)->op->code == GR_OP_FIXED_POINT;
    if (!any || g->status != GR_OK) return false;
    if (!(needed = gr__alloc(g->ctx, nodes * sizeof *needed))) {
        g->status = GR_E_MEMORY;
        return false;
    }
    if (v)
        gr__mark_needed(g, &v, 1, needed);
    else
        mark_effects(g, needed);
    for (uint32_t k = 0; k < nodes; k++)
        if (needed[k] && gr__node(g, k)->op->code == GR_OP_FIXED_POINT) tell(g, gr__node(g, k), out);
    gr__free(g->ctx, needed, nodes * sizeof *needed);
    return g->status == GR_OK && out->solves;
}

bool gr__graph_solved(gr_graph *g, gr_solved *out)
{
    return tell_all(g, GR_NONE, out);
}

bool gr__value_solved(gr_graph *g, gr_val v, gr_solved *out)
{
    return tell_all(g, v, out);
}
