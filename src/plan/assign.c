/* Assignments: which values are written straight into the store, which are copied at the end, and what must be saved
 * before anything is written. */
#include "plan/plan.h"

/* Calls visit for every unit that reads the memory of `root`; stops when it says false. */
typedef bool (*visit_fn)(gr__compiler *c, int reader, int writer);

static bool visit_node(gr__compiler *c, uint32_t k, int writer, visit_fn visit)
{
    if (c->unit_of[k] >= 0 && !visit(c, c->unit_of[k], writer)) return false;
    const gr_node *n = gr__node(c->g, k);
    if (n->op->code != GR_OP_BROADCAST) return true;
    for (uint32_t r = c->first_reader[n->out]; r < c->first_reader[n->out + 1]; r++) /* where it is read in place */
        if (c->unit_of[c->readers[r]] >= 0 && !visit(c, c->unit_of[c->readers[r]], writer)) return false;
    return true;
}

static bool visit_readers(gr__compiler *c, gr_val root, int writer, visit_fn visit)
{
    for (gr_val v = root; v <= c->n_values; v++) {
        if (c->root[v] != root) continue;
        for (uint32_t r = c->first_reader[v]; r < c->first_reader[v + 1]; r++)
            if (!visit_node(c, c->readers[r], writer, visit)) return false;
    }
    return true;
}

static bool may_run_before(gr__compiler *c, int reader, int writer)
{
    return reader == writer || !gr__deps_has(&c->deps, reader, writer);
}

static bool run_before(gr__compiler *c, int reader, int writer)
{
    gr__deps_add(&c->deps, writer, reader);
    return true;
}

/* Scalars run one after another, so the target may be read only by what computes the new value. */
static bool read_by_producer_only(const gr__compiler *c, const gr__part *part, gr_val target, gr_val value)
{
    for (int k = 0; k < part->n; k++) {
        const gr_node *n = gr__node(c->g, part->nodes[k]);
        for (int i = 0; i < n->n_in; i++)
            if (gr__node_read(c, n, i) == target && n->out != value) return false;
    }
    return true;
}

static bool in_place(gr__compiler *c, const gr_assignment *a)
{
    gr_val target = a->target, value = a->value, root = c->root[value], waits_for = gr__assign_guard(c, a);
    int writer = gr__value_unit(c, value), guard = waits_for ? gr__value_unit(c, waits_for) : -1;
    if (writer < 0 || c->stored_as[root] >= 0 || c->gradient[root]) return false;
    if (c->root_offset[value] != 0 ||
        gr_shape_count(gr__value(c->g, root)->shape) != gr_shape_count(gr__value(c->g, value)->shape))
        return false;
    if (guard >= 0 && (guard == writer || gr__deps_has(&c->deps, guard, writer))) return false;
    if (guard >= 0 && !gr__deps_has(&c->deps, writer, guard))
        return false; /* a broadcast that the guard reads in place; a value that another guard needs */
    const gr__unit *u = &c->units[writer];
    bool reads;
    if (!gr__part_reads_elementwise(c, u->parts, target, &reads)) return false;
    if (reads && u->kind == GR_ITEM_NODE) return false;
    if (reads && u->kind == GR_ITEM_SCALARS && !read_by_producer_only(c, u->parts, target, root)) return false;
    return visit_readers(c, target, writer, may_run_before);
}

/* Is the old value of this target wanted after the step, as an output or as the new value of another target? */
static bool is_saved(const gr__compiler *c, gr_val target)
{
    for (size_t i = 0; i < c->effects.n_outputs; i++)
        if (c->root[c->effects.outputs[i].value] == target) return true;
    for (size_t i = 0; i < c->effects.n_assigns; i++)
        if (c->root[c->effects.assigns[i].value] == target) return true;
    return c->effects.guard == target;
}

gr_status gr__plan_assigns(gr__compiler *c)
{
    size_t n = c->effects.n_assigns;
    c->stored_as = gr__bump_alloc(c->work, (c->n_values + 1) * sizeof *c->stored_as);
    c->stored_if = gr__bump_alloc(c->work, (c->n_values + 1) * sizeof *c->stored_if);
    c->copies = gr__bump_alloc(c->work, n * sizeof *c->copies);
    c->saved = gr__bump_alloc(c->work, n * sizeof *c->saved);
    if (!c->stored_as || !c->stored_if || !c->copies || !c->saved) return gr__error_code(c->ctx);
    for (gr_val v = 0; v <= c->n_values; v++) c->stored_as[v] = -1;
    for (size_t i = 0; i < n; i++) {
        gr_assignment a = c->effects.assigns[i];
        if (is_saved(c, a.target)) c->saved[c->n_saved++] = a.target;
        if (in_place(c, &a)) {
            visit_readers(c, a.target, gr__value_unit(c, a.value), run_before);
            c->stored_as[c->root[a.value]] = c->entry[gr__value(c->g, a.target)->node];
            c->stored_if[c->root[a.value]] = gr__assign_guard(c, &a);
        } else {
            c->copies[c->n_copies++] = a;
        }
    }
    return GR_OK;
}
