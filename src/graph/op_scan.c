/* The loop: a body run once for each part of what is stacked, in order or in reverse. */
#include <string.h>

#include "graph/fixed_point.h"

/* ---- shape rule ---- */

static bool same(gr_graph *g, int i, gr_shape is, gr_shape wanted)
{
    char a[96], b[96];
    if (gr__shape_equal(is, wanted)) return true;
    return gr__op_fail(g, GR_E_SHAPE, "operand %d is %s, its body takes %s", i + 1, gr__shape_text(is, a),
                       gr__shape_text(wanted, b));
}

static bool check_operand(gr_graph *g, const gr_attr *attr, const gr_val *in, int i)
{
    const gr__body *b = attr->body;
    const gr_value *v = gr__value(g, in[i]);
    if (b->leaf[i] == GR_NONE) return gr__op_fail(g, GR_E_INTERNAL, "its body has no leaf for operand %d", i + 1);
    const gr_value *leaf = gr__value(b->graph, b->leaf[i]);
    if (!gr__want_dtype(g, in, i, leaf->dtype)) return false;
    if (b->role[i] != GR__ROLE_STEP) return same(g, i, v->shape, leaf->shape);
    return same(g, i, v->shape, gr__shape_of_steps(leaf->shape, gr__scan_steps(attr)));
}

static bool check_carry(gr_graph *g, const gr__body *b, int carry)
{
    const gr_value *from = gr__value(b->graph, b->leaf[gr__body_operand(b, carry)]),
                   *to = gr__value(b->graph, gr__body_next(b, carry));
    char s[96], t[96];
    if (from->dtype != GR_REAL || from->shape.rank < 1 || from->shape.rank >= GR_MAX_RANK)
        return gr__op_fail(g, GR_E_SHAPE, "what is carried is %s%s, wanted real numbers of one axis to %d",
                           gr__dtype_text(from->dtype), gr__shape_text(from->shape, s), GR_MAX_RANK - 1);
    if (to->dtype == from->dtype && gr__shape_equal(from->shape, to->shape)) return true;
    return gr__op_fail(g, GR_E_SHAPE, "what is carried is %s before a step and %s%s after it",
                       gr__shape_text(from->shape, s), gr__dtype_text(to->dtype), gr__shape_text(to->shape, t));
}

static bool check_until(gr_graph *g, const gr_attr *attr)
{
    const gr__body *b = attr->body;
    int until = gr__scan_until(attr);
    if (until < 0) return true;
    if (until >= b->n_carries || gr__body_stacks(b) > 0)
        return gr__op_fail(g, GR_E_INTERNAL, "what ends early is told by a carry, and stacks nothing");
    gr_shape shape = gr__value(b->graph, gr__body_next(b, until))->shape;
    return gr__shape_equal(shape, GR_SHAPE(1)) || gr__op_fail(g, GR_E_INTERNAL, "what tells its end has not shape [1]");
}

static bool infer_scan(gr_graph *g, const gr_attr *attr, const gr_val *in, int n_in, gr_value *out)
{
    const gr__body *b = attr->body;
    int64_t steps = gr__scan_steps(attr);
    if (!b) return gr__op_fail(g, GR_E_INTERNAL, "it has no body");
    if (n_in != b->n_in) return gr__op_fail(g, GR_E_USAGE, "%d operands, its body takes %d", n_in, b->n_in);
    if (steps < 1 || steps > GR__MAX_INDEX)
        return gr__op_fail(g, GR_E_RANGE, "%lld steps, wanted one at least", (long long)steps);
    for (int i = 0; i < n_in; i++)
        if (!check_operand(g, attr, in, i)) return false;
    if (!check_until(g, attr)) return false;
    for (int c = 0; c < b->n_carries; c++) {
        if (!check_carry(g, b, c)) return false;
        gr_shape shape = gr__value(b->graph, gr__body_next(b, c))->shape;
        out[gr__body_final(b, c)] = (gr_value){.dtype = GR_REAL, .shape = shape};
        out[gr__body_states(b, c)] = (gr_value){.dtype = GR_REAL, .shape = gr__shape_of_steps(shape, steps + 1)};
    }
    for (int k = 0; k < gr__body_stacks(b); k++) {
        const gr_value *v = gr__value(b->graph, gr__body_stack(b, k));
        if (v->dtype != GR_REAL || v->shape.rank < 1 || v->shape.rank >= GR_MAX_RANK)
            return gr__op_fail(g, GR_E_SHAPE, "what is stacked must be real, of one axis to %d", GR_MAX_RANK - 1);
        out[gr__body_stacked(b, k)] = (gr_value){.dtype = GR_REAL, .shape = gr__shape_of_steps(v->shape, steps)};
    }
    return true;
}

/* ---- cost ---- */

static double scan_flops(const gr_graph *g, const gr_node *n)
{
    const gr_graph *body = n->attr.body->graph;
    double flops = 0;
    (void)g;
    for (uint32_t k = 0; k < gr__graph_nodes(body); k++) {
        const gr_node *m = gr__node(body, k);
        if (m->op->flops) flops += m->op->flops(body, m);
    }
    return flops * (double)gr__scan_steps(&n->attr);
}

/* ---- all steps of a value inside ---- */

gr_val gr__scan_operand(gr_graph *g, gr__role role, gr_val v, int64_t steps)
{
    if (role == GR__ROLE_STEP) return v;
    return role == GR__ROLE_GIVEN ? gr_broadcast(g, v, gr__shape_of_steps(gr_shape_of(g, v), steps)) : GR_NONE;
}

gr_val gr__scan_all(gr_graph *g, const gr_node *n, gr_val inner)
{
    const gr__body *b = n->attr.body;
    int number;
    for (int k = 0; k < gr__body_stacks(b); k++)
        if (gr__body_stack(b, k) == inner) return gr__node_output(g, n->out, gr__body_stacked(b, k));
    if (!gr__stands_in(gr__producer(b->graph, inner), &number)) return GR_NONE;
    return gr__scan_operand(g, b->role[number], n->in[number], gr__scan_steps(&n->attr));
}

/* ---- the operation ---- */

static const gr__field scan_fields[] = {
    {GR__FIELD_INTEGERS, 0, 1, "steps", GR__SHOWN},
    {GR__FIELD_INTEGERS, 1, 1, "reverse", 0},
    {GR__FIELD_INTEGERS, 2, 1, "until", 0},
    {GR__FIELD_BODY, 0, 1, NULL, 0},
    {GR__FIELDS_END, 0, 0, NULL, 0},
};

const gr_op gr__loop_ops[] = {
    {.code = GR_OP_SCAN,
     .class = GR_CLASS_LOOP,
     .name = "scan",
     .n_in = -1,
     .n_out = -1,
     .infer = infer_scan,
     .gradient = gr__scan_gradient,
     .flops = scan_flops,
     .branches = GR__BRANCHES_BODY,
     .fields = scan_fields},
    {.code = GR_OP_FIXED_POINT,
     .class = GR_CLASS_COMPOSED,
     .name = "fixed_point",
     .n_in = -1,
     .n_out = 3,
     .infer = gr__fixed_point_infer,
     .gradient = gr__fixed_point_gradient,
     .decompose = gr__fixed_point_solve,
     .branches = GR__BRANCHES_SOLVED,
     .fields = gr__fixed_point_fields},
};

gr_val gr__scan_add(gr_graph *g, const gr__body *b, const gr_val *in, int64_t steps, bool reverse, int until)
{
    return gr__node_add(g, GR_OP_SCAN, in, b->n_in, &(gr_attr){.i = {steps, reverse, until + 1}, .body = b}, NULL);
}
