/* The gradient of a loop is a loop the other way round, whose body is the pullback of its body. It reads what the loop
 * computed from stacks, which are kept where it does so. What the loop was given is used at every step; its gradient is
 * a sum over all of them: of products and of sums, both of whose operands are stacked, that is one product or one sum
 * behind the loop; of anything else, a carry. */
#include "graph/op.h"

/* A part of the gradient of operand `given`. a, b: of `both`. */
typedef struct term {
    enum { PRODUCT, SUM, CARRIED } kind;
    int given;
    gr_val a, b;
    int64_t axes;   /* SUM: reduced */
    gr_val carried; /* CARRIED: of the new body */
} term;

typedef struct pull {
    gr_graph *g;
    const gr_node *n;
    const gr__body *b;
    gr__bump *memory;
    gr_graph *both;   /* the body, and its pullback behind it */
    uint32_t forward; /* values of `both` that are the body's, with their numbers there */
    gr_val *dleaf;    /* of an operand: its gradient at a step, of `both`; GR_NONE: nobody wants it */
    bool *follows;    /* of a value of `both`: an operand or a cotangent */
    bool *needed;     /* likewise */
    gr_val *map;      /* likewise: what it is in the new body */
    gr_scan *s;
    gr_val *dcarry; /* of a carry: the new body's */
    term *terms;
    int n_terms;
    size_t room_terms;
} pull;

/* What stands for cotangents in `both`: of carries behind a step, of stacks, of carries before a step by states. */
static int carry_number(const pull *p, int carry)
{
    return p->b->n_in + carry;
}

static int stack_number(const pull *p, int stack)
{
    return p->b->n_in + p->b->n_carries + stack;
}

static int states_number(const pull *p, int carry)
{
    return stack_number(p, gr__body_stacks(p->b)) + carry;
}

/* ---- the pullback of the body ---- */

static bool copy_body(pull *p)
{
    const gr_graph *from = p->b->graph;
    gr_val *map = gr__bump_alloc(p->memory, (gr__graph_values(from) + 1) * sizeof *map);
    if (!map || gr__graph_copy(p->both, from, NULL, map) != GR_OK) return false;
    for (gr_val v = 1; v <= gr__graph_values(from); v++)
        if (map[v] != v) return gr_graph_fail(p->both, GR_E_INTERNAL, "its body changed");
    p->forward = gr__graph_values(p->both);
    return true;
}

static gr_val cotangent(pull *p, gr_val of, int number)
{
    const gr_value *v = gr__value(p->both, of);
    return gr__stand_in(p->both, &(gr_value){.dtype = v->dtype, .shape = v->shape}, number);
}

static bool wants(const pull *p, int operand)
{
    if (p->b->role[operand] == GR__ROLE_CARRY) return true;
    return gr_dtype_of(p->g, p->n->in[operand]) == GR_REAL && gr__wanted(p->g, p->n, operand);
}

/* Which values follow an operand or a cotangent. Gradients that follow none are 0. */
static bool follow(pull *p)
{
    int number;
    p->follows = gr__bump_alloc(p->memory, (gr__graph_values(p->both) + 1) * sizeof *p->follows);
    for (uint32_t k = 0; p->follows && k < gr__graph_nodes(p->both); k++) {
        const gr_node *n = gr__node(p->both, k);
        bool any = gr__stands_in(n, &number);
        for (int i = 0; i < n->n_in; i++) any |= p->follows[n->in[i]];
        for (int o = 0; o < n->n_out; o++) p->follows[n->out + (gr_val)o] = any;
    }
    return p->follows != NULL;
}

/* The gradients of operands at a step, but for those that are 0: nothing is to be computed, or stacked, for them. */
static void take(pull *p, const gr_val *dx)
{
    for (int i = 0, k = 0; i < p->b->n_in; i++) {
        if (!wants(p, i)) continue;
        bool passes = p->b->role[i] == GR__ROLE_CARRY || p->follows[dx[k]];
        p->dleaf[i] = passes ? dx[k] : GR_NONE;
        k++;
    }
}

static bool pull_back(pull *p, const gr_val *dout)
{
    const gr__body *b = p->b;
    int stacks = gr__body_stacks(b), n_y = 0, n_x = 0;
    size_t room = (size_t)(2 * b->n_carries + stacks);
    gr_val *y = gr__bump_alloc(p->memory, room * sizeof *y), *dy = gr__bump_alloc(p->memory, room * sizeof *dy);
    gr_val *x = gr__bump_alloc(p->memory, (size_t)b->n_in * sizeof *x),
           *dx = gr__bump_alloc(p->memory, (size_t)b->n_in * sizeof *dx);
    if (!y || !dy || !x || !dx) return false;
    for (int c = 0; c < b->n_carries; c++, n_y++) {
        y[n_y] = gr__body_next(b, c);
        dy[n_y] = cotangent(p, y[n_y], carry_number(p, c));
    }
    for (int k = 0; k < stacks; k++) {
        if (!dout[gr__body_stacked(b, k)]) continue;
        y[n_y] = gr__body_stack(b, k);
        dy[n_y] = cotangent(p, y[n_y], stack_number(p, k));
        n_y++;
    }
    for (int c = 0; c < b->n_carries; c++) {
        if (!dout[gr__body_states(b, c)]) continue;
        y[n_y] = b->leaf[gr__body_operand(b, c)];
        dy[n_y] = cotangent(p, y[n_y], states_number(p, c));
        n_y++;
    }
    for (int i = 0; i < b->n_in; i++)
        if (wants(p, i)) x[n_x++] = b->leaf[i];
    if (gr_pullback(p->both, y, dy, n_y, x, n_x, dx) != GR_OK) return false;
    if (!follow(p)) return false;
    take(p, dx);
    return true;
}

/* ---- gradients of what was given, in terms ---- */

static bool add_term(pull *p, term t)
{
    if (!GR_ROOM(p->g->ctx, p->terms, p->room_terms, (size_t)p->n_terms + 1)) return false;
    p->terms[p->n_terms++] = t;
    return true;
}

/* May all steps of it stand side by side? */
static bool varies(const pull *p, gr_val v)
{
    int number;
    const gr_node *n = gr__producer(p->both, v);
    if (gr_shape_of(p->both, v).rank >= GR_MAX_RANK) return false;
    if (n->op->class != GR_CLASS_LEAF) return gr_shape_of(p->both, v).rank > 0;
    return gr__stands_in(n, &number) && (number >= p->b->n_in || p->b->role[number] != GR__ROLE_GIVEN);
}

static bool add_terms(pull *p, int given, gr_val v)
{
    const gr_node *n = gr__producer(p->both, v);
    if (!p->follows[v]) return true;
    if (n->op->code == GR_OP_ADD) return add_terms(p, given, n->in[0]) && add_terms(p, given, n->in[1]);
    if (n->op->code == GR_OP_RESHAPE) return add_terms(p, given, n->in[0]);
    bool matrices = n->op->code == GR_OP_MATMUL && gr_shape_of(p->both, n->in[0]).rank == 2 &&
                    gr_shape_of(p->both, n->in[1]).rank == 2 && n->attr.i[0] && !n->attr.i[1];
    if (matrices && varies(p, n->in[0]) && varies(p, n->in[1]))
        return add_term(p, (term){PRODUCT, given, n->in[0], n->in[1], 0, GR_NONE});
    if (n->op->code == GR_OP_SUM && varies(p, n->in[0]))
        return add_term(p, (term){SUM, given, n->in[0], GR_NONE, n->attr.i[0], GR_NONE});
    return add_term(p, (term){CARRIED, given, v, GR_NONE, 0, GR_NONE});
}

static bool find_terms(pull *p)
{
    for (int i = 0; i < p->b->n_in; i++)
        if (p->b->role[i] == GR__ROLE_GIVEN && p->dleaf[i] && !add_terms(p, i, p->dleaf[i])) return false;
    return true;
}

/* ---- the new body ---- */

/* Does the new body read it from a stack of the loop? Not what moves nothing, or what no stack holds. */
static bool is_read(const pull *p, gr_val v)
{
    const gr_node *n = gr__producer(p->both, v);
    bool repeats = n->op->code == GR_OP_RESHAPE || n->op->code == GR_OP_BROADCAST || n->op->class == GR_CLASS_LEAF;
    const gr_value *value = gr__value(p->both, v);
    return v <= p->forward && !repeats && value->dtype == GR_REAL && value->shape.rank > 0 &&
           value->shape.rank < GR_MAX_RANK;
}

static bool read_all(const pull *p, const gr_node *n)
{
    bool all = true;
    for (int o = 0; o < n->n_out; o++) all &= !p->needed[n->out + (gr_val)o] || is_read(p, n->out + (gr_val)o);
    return all;
}

static void mark_needed(pull *p)
{
    for (int i = 0; i < p->b->n_in; i++)
        if (p->dleaf[i] && p->b->role[i] != GR__ROLE_GIVEN) p->needed[p->dleaf[i]] = true;
    for (int t = 0; t < p->n_terms; t++) p->needed[p->terms[t].a] = p->needed[p->terms[t].b] = true;
    p->needed[GR_NONE] = false;
    for (uint32_t k = gr__graph_nodes(p->both); k-- > 0;) {
        const gr_node *n = gr__node(p->both, k);
        bool any = false;
        for (int o = 0; o < n->n_out; o++) any |= p->needed[n->out + (gr_val)o];
        for (int i = 0; any && !read_all(p, n) && i < n->n_in; i++) p->needed[n->in[i]] = true;
    }
}

/* dout of the states of a carry, of what it was before each step, or behind the last. */
static gr_val states_part(const pull *p, gr_val dstates, bool before)
{
    int64_t steps = gr__scan_steps(&p->n->attr);
    bool reverse = gr__scan_reverse(&p->n->attr);
    if (before) return gr_slice(p->g, dstates, 0, reverse, steps);
    gr_val last = gr_slice(p->g, dstates, 0, reverse ? 0 : steps, 1);
    return gr_reshape(p->g, last, gr__shape_of_step(gr_shape_of(p->g, dstates)));
}

/* A leaf of `both` in the new body. */
static gr_val leaf(pull *p, int number, const gr_val *dout)
{
    const gr__body *b = p->b;
    int stacks = gr__body_stacks(b);
    if (number >= states_number(p, 0))
        return gr_scan_step(p->s, states_part(p, dout[gr__body_states(b, number - states_number(p, 0))], true));
    if (number >= stack_number(p, 0) && number < stack_number(p, stacks))
        return gr_scan_step(p->s, dout[gr__body_stacked(b, number - stack_number(p, 0))]);
    if (number >= carry_number(p, 0)) return p->dcarry[number - carry_number(p, 0)];
    if (b->role[number] == GR__ROLE_GIVEN) return gr_scan_given(p->s, p->n->in[number]);
    return gr_scan_step(p->s, gr__scan_all(p->g, p->n, b->leaf[number]));
}

static bool build_node(pull *p, const gr_node *n, gr_val *in, const gr_val *dout)
{
    gr_graph *to = gr_scan_body(p->s);
    int number;
    bool copied = false;
    for (int o = 0; o < n->n_out; o++) {
        gr_val v = n->out + (gr_val)o;
        if (!p->needed[v]) continue;
        if (gr__stands_in(n, &number))
            p->map[v] = leaf(p, number, dout);
        else if (is_read(p, v))
            p->map[v] = gr_scan_step(p->s, gr__scan_all(p->g, p->n, v));
        else
            copied = true;
    }
    if (!copied) return p->g->status == GR_OK;
    for (int i = 0; i < n->n_in; i++) in[i] = p->map[n->in[i]];
    const char *scope = gr__intern(to, n->scope);
    if (!scope) return false;
    gr__scope_set(to, scope);
    gr_val v = gr__node_copy(to, p->both, n, in);
    for (int o = 0; v && o < n->n_out; o++)
        if (!p->map[n->out + (gr_val)o]) p->map[n->out + (gr_val)o] = gr__node_output(to, v, o);
    return v != GR_NONE;
}

static bool build_nodes(pull *p, const gr_val *dout)
{
    int widest = 1;
    for (uint32_t k = 0; k < gr__graph_nodes(p->both); k++) widest = GR_MAX(widest, gr__node(p->both, k)->n_in);
    gr_val *in = gr__bump_alloc(p->memory, (size_t)widest * sizeof *in);
    if (!in) return false;
    for (uint32_t k = 0; k < gr__graph_nodes(p->both); k++) {
        const gr_node *n = gr__node(p->both, k);
        bool any = false;
        for (int o = 0; o < n->n_out; o++) any |= p->needed[n->out + (gr_val)o];
        if (any && !build_node(p, n, in, dout)) return false;
    }
    return true;
}

static gr_val zeros(gr_graph *g, gr_shape shape)
{
    return gr_broadcast(g, gr_const(g, 0), shape);
}

static void carry_cotangents(pull *p, const gr_val *dout)
{
    for (int c = 0; c < p->b->n_carries; c++) {
        gr_val d = dout[gr__body_final(p->b, c)], states = dout[gr__body_states(p->b, c)];
        if (states) {
            gr_val last = states_part(p, states, false);
            d = d ? gr_add(p->g, d, last) : last;
        }
        if (!d) d = zeros(p->g, gr_shape_of(p->g, p->n->out + (gr_val)c));
        p->dcarry[c] = gr_scan_carry(p->s, d);
    }
}

/* What is summed step by step; rank 0 is not carried. */
static void carry_sums(pull *p)
{
    gr_graph *to = gr_scan_body(p->s);
    for (int i = 0; i < p->n_terms; i++) {
        term *t = &p->terms[i];
        if (t->kind != CARRIED) continue;
        gr_val v = p->map[t->a];
        if (gr_shape_of(to, v).rank == 0) v = gr_reshape(to, v, GR_SHAPE(1));
        t->carried = gr_scan_carry(p->s, zeros(p->g, gr_shape_of(to, v)));
        gr_scan_next(p->s, t->carried, gr_add(to, t->carried, v));
    }
}

static bool build(pull *p, const gr_val *dout)
{
    size_t n = gr__graph_values(p->both) + 1;
    p->needed = gr__bump_alloc(p->memory, n * sizeof *p->needed);
    p->map = gr__bump_alloc(p->memory, n * sizeof *p->map);
    p->s = gr_scan_begin(p->g, gr__scan_steps(&p->n->attr), !gr__scan_reverse(&p->n->attr));
    if (!p->needed || !p->map || !p->s) return false;
    mark_needed(p);
    carry_cotangents(p, dout);
    if (!build_nodes(p, dout)) return gr_scan_end(p->s);
    for (int c = 0; c < p->b->n_carries; c++)
        gr_scan_next(p->s, p->dcarry[c], p->map[p->dleaf[gr__body_operand(p->b, c)]]);
    carry_sums(p);
    return gr_scan_end(p->s);
}

/* ---- what came of it ---- */

/* All steps of it, one below the other: [steps r, c]. */
static gr_val side_by_side(pull *p, gr_val v)
{
    gr_val all = gr_scan_stack(p->s, p->map[v]);
    if (!all) return GR_NONE;
    gr_shape s = gr_shape_of(p->g, all);
    return gr_reshape(p->g, all, GR_SHAPE(s.dim[0] * s.dim[1], s.dim[2]));
}

static gr_val summed(pull *p, const term *t)
{
    gr_val all = gr_scan_stack(p->s, p->map[t->a]);
    int axes[GR_MAX_RANK] = {0}, n = 1;
    for (int i = 0; i + 1 < GR_MAX_RANK; i++)
        if (t->axes >> i & 1) axes[n++] = i + 1;
    return gr_sum(p->g, all, axes, n, false);
}

/* Is v carried, and nothing but zeros before the first step? */
static bool begins_with_zeros(const pull *p, gr_val v)
{
    int number;
    double initial;
    if (!gr__stands_in(gr__producer(p->both, v), &number) || number >= p->b->n_in) return false;
    const gr_node *n = gr__made_by(p->g, p->n->in[number], GR_OP_BROADCAST);
    return p->b->role[number] == GR__ROLE_CARRY && n && gr__is_const(p->g, n->in[0], &initial) && initial == 0;
}

/* Rows of the first step leave nothing where what is carried is 0: all but these, as long as they stand where plans
 * need not copy them. */
static gr_val without_first(const pull *p, gr_val v)
{
    gr_shape s = gr_shape_of(p->g, v);
    int64_t rows = s.dim[0] / gr__scan_steps(&p->n->attr);
    return gr_slice(p->g, v, 0, gr__scan_reverse(&p->n->attr) ? 0 : rows, s.dim[0] - rows);
}

static bool stands_well(const pull *p, gr_val v)
{
    gr_shape s = gr_shape_of(p->g, v);
    return s.dim[0] / gr__scan_steps(&p->n->attr) * s.dim[1] % 16 == 0;
}

static gr_val product_of(pull *p, const term *t)
{
    gr_val a = side_by_side(p, t->a), b = side_by_side(p, t->b);
    if (!a || !b) return GR_NONE;
    bool zeros = begins_with_zeros(p, t->a) || begins_with_zeros(p, t->b);
    if (zeros && gr__scan_steps(&p->n->attr) > 1 && stands_well(p, a) && stands_well(p, b)) {
        a = without_first(p, a);
        b = without_first(p, b);
    }
    return gr_matmul(p->g, a, b, true, false);
}

static gr_val value_of(pull *p, const term *t)
{
    if (t->kind == PRODUCT) return product_of(p, t);
    return t->kind == SUM ? summed(p, t) : gr_scan_final(p->s, t->carried);
}

/* A number among terms that are added up stands for each element of the sum. */
static gr_val as_large_as(gr_graph *g, gr_val v, gr_val given)
{
    gr_shape is = gr_shape_of(g, v), wanted = gr_shape_of(g, given);
    return gr_shape_count(is) == gr_shape_count(wanted) ? gr_reshape(g, v, wanted) : gr_broadcast(g, v, wanted);
}

static void collect(pull *p, gr_val *din)
{
    const gr__body *b = p->b;
    for (int i = 0; i < b->n_in; i++) {
        if (!p->dleaf[i] || b->role[i] == GR__ROLE_GIVEN) continue;
        din[i] = b->role[i] == GR__ROLE_STEP ? gr_scan_stack(p->s, p->map[p->dleaf[i]])
                                             : gr_scan_final(p->s, p->dcarry[gr__body_carry(b, i)]);
    }
    for (int k = 0; k < p->n_terms && p->g->status == GR_OK; k++) {
        const term *t = &p->terms[k];
        gr_val v = as_large_as(p->g, value_of(p, t), p->n->in[t->given]);
        din[t->given] = din[t->given] ? gr_add(p->g, din[t->given], v) : v;
    }
}

static bool any_passes(const pull *p)
{
    bool any = p->b->n_carries > 0;
    for (int i = 0; i < p->b->n_in; i++) any |= p->dleaf[i] != GR_NONE;
    return any;
}

void gr__scan_gradient(gr_graph *g, const gr_node *n, const gr_val *dout, gr_val *din)
{
    pull p = {.g = g, .n = n, .b = n->attr.body};
    if (gr__scan_until(&n->attr) >= 0) {
        gr_graph_fail(g, GR_E_UNSUPPORTED, "scan: a loop that may end early has no gradient of its own");
        return;
    }
    bool good = gr_graph_create(g->ctx, &p.both) == GR_OK && (p.memory = gr__bump_create(g->ctx));
    p.dleaf = good ? gr__bump_alloc(p.memory, (size_t)p.b->n_in * sizeof *p.dleaf) : NULL;
    p.dcarry = good ? gr__bump_alloc(p.memory, (size_t)p.b->n_carries * sizeof *p.dcarry) : NULL;
    good = p.dleaf && p.dcarry && copy_body(&p) && pull_back(&p, dout) && find_terms(&p);
    bool passes = good && any_passes(&p);
    if (passes) good = build(&p, dout);
    if (passes && good) collect(&p, din);
    if (!good && g->status == GR_OK) g->status = p.both && p.both->status ? p.both->status : GR_E_MEMORY;
    gr_scan_free(p.s);
    gr_graph_destroy(p.both);
    gr__bump_destroy(p.memory);
    gr__free(g->ctx, p.terms, p.room_terms * sizeof *p.terms);
}
