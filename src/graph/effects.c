/* What a step does besides computing: assignments, outputs, the guard, and which value is whose gradient. */
#include <string.h>

#include "graph/op.h"
#include "graph/shape.h"

static bool known(gr_graph *g, const char *what, gr_val v)
{
    if (g->status != GR_OK) return false;
    if (v != GR_NONE && v <= g->n_values) return true;
    gr_graph_fail(g, GR_E_USAGE, "%s: not a value of this graph", what);
    return false;
}

static bool same_shape(gr_graph *g, const char *what, const gr_node *target, gr_val value)
{
    const gr_value *t = gr__value(g, target->out), *v = gr__value(g, value);
    char a[96], b[96];
    if (v->dtype == t->dtype && gr__shape_equal(t->shape, v->shape)) return true;
    gr_graph_fail(g, GR_E_SHAPE, "%s: \"%s\" is %s%s, the value %s%s", what, target->attr.name,
                  gr__dtype_text(t->dtype), gr__shape_text(t->shape, a), gr__dtype_text(v->dtype),
                  gr__shape_text(v->shape, b));
    return false;
}

void gr_assign(gr_graph *g, gr_val target, gr_val value, gr_assign_kind kind)
{
    if (!known(g, "assign", target) || !known(g, "assign", value)) return;
    const gr_node *n = gr__producer(g, target);
    if (n->op->kept != GR__KEPT_STORE) {
        gr_graph_fail(g, GR_E_USAGE, "assign: the target is a %s, not a parameter or slot", n->op->name);
        return;
    }
    if (!same_shape(g, "assign", n, value)) return;
    for (size_t i = 0; i < g->n_assigns; i++) {
        if (g->assigns[i].target != target) continue;
        gr_graph_fail(g, GR_E_CONFLICT, "assign: \"%s\" is assigned twice", n->attr.name);
        return;
    }
    if (!GR_ROOM(g->ctx, g->assigns, g->assigns_capacity, g->n_assigns + 1)) {
        g->status = GR_E_MEMORY;
        return;
    }
    g->assigns[g->n_assigns++] = (gr_assignment){target, value, kind, GR_NONE};
}

void gr_output(gr_graph *g, const char *name, gr_val value)
{
    if (!known(g, "output", value)) return;
    const char *interned = gr__intern(g, name);
    if (!interned) return;
    for (size_t i = 0; i < g->n_outputs; i++) {
        if (g->outputs[i].name != interned) continue;
        if (g->outputs[i].value != value) gr_graph_fail(g, GR_E_CONFLICT, "output: \"%s\" names two values", name);
        return;
    }
    if (!GR_ROOM(g->ctx, g->outputs, g->outputs_capacity, g->n_outputs + 1)) {
        g->status = GR_E_MEMORY;
        return;
    }
    g->outputs[g->n_outputs++] = (gr_named){interned, value};
}

static bool may_guard(gr_graph *g, gr_val value)
{
    if (!known(g, "guard", value)) return false;
    const gr_value *v = gr__value(g, value);
    char text[96];
    if (v->dtype == GR_REAL && v->shape.rank == 0) return true;
    gr_graph_fail(g, GR_E_SHAPE, "guard: the value is %s%s, wanted real[]", gr__dtype_text(v->dtype),
                  gr__shape_text(v->shape, text));
    return false;
}

size_t gr__assigns(const gr_graph *g)
{
    return g->n_assigns;
}

void gr__guard_assigns(gr_graph *g, size_t first, gr_val value)
{
    if (!may_guard(g, value)) return;
    for (size_t i = first; i < g->n_assigns; i++)
        if (gr_shape_of(g, g->assigns[i].target).rank > 0) g->assigns[i].guard = value;
}

void gr_guard(gr_graph *g, gr_val value)
{
    if (!may_guard(g, value)) return;
    if (g->guard != GR_NONE && g->guard != value)
        gr_graph_fail(g, GR_E_CONFLICT, "guard: there is one already");
    else
        g->guard = value;
}

void gr_mark_gradient(gr_graph *g, gr_val p, gr_val v)
{
    if (!known(g, "gradient", p) || !known(g, "gradient", v)) return;
    const gr_node *n = gr__producer(g, p);
    if (n->op->code != GR_OP_PARAM) {
        gr_graph_fail(g, GR_E_USAGE, "gradient: of a %s, not of a parameter", n->op->name);
        return;
    }
    if (!same_shape(g, "gradient", n, v)) return;
    for (size_t i = 0; i < g->n_gradients; i++) {
        if (g->gradients[i].param != p) continue;
        if (g->gradients[i].gradient != v)
            gr_graph_fail(g, GR_E_CONFLICT, "gradient: \"%s\" has one already", n->attr.name);
        return;
    }
    if (!GR_ROOM(g->ctx, g->gradients, g->gradients_capacity, g->n_gradients + 1)) {
        g->status = GR_E_MEMORY;
        return;
    }
    g->gradients[g->n_gradients++] = (gr_gradient_mark){p, v};
}

gr_effects gr__graph_effects(const gr_graph *g)
{
    return (gr_effects){g->assigns,   g->n_assigns,   g->outputs, g->n_outputs,
                        g->gradients, g->n_gradients, g->guard,   g->keeping};
}

static const gr_val *copied(gr_graph *g, const gr_val *list, size_t n)
{
    gr_val *copy = gr__bump_alloc(g->memory, (n + 1) * sizeof *copy);
    if (!copy)
        g->status = GR_E_MEMORY;
    else if (n)
        memcpy(copy, list, n * sizeof *copy);
    return copy;
}

void gr_graph_keep(gr_graph *g, const gr_keep *k)
{
    const gr_val moment[] = {k->seed, k->update, k->position};
    bool drawn = k->form == GR_KEEP_QUANTISED;
    if (k->form == GR_KEEP_FLOAT32 || g->status != GR_OK) return;
    if (k->samples < 1) {
        gr_graph_fail(g, GR_E_USAGE, "keep: %lld samples", (long long)k->samples);
        return;
    }
    if (drawn && (k->group < 1 || (k->bits != 8 && k->bits != 4 && k->bits != 2))) {
        gr_graph_fail(g, GR_E_USAGE, "keep: groups of %lld values of %lld bits", (long long)k->group,
                      (long long)k->bits);
        return;
    }
    for (size_t i = 0; drawn && i < GR_COUNT(moment); i++)
        if (!known(g, "keep", moment[i])) return;
    for (size_t i = 0; i < k->n_from; i++)
        if (!known(g, "keep", k->from[i])) return;
    for (size_t i = 0; i < k->n_until; i++)
        if (!known(g, "keep", k->until[i])) return;
    g->keeping = *k;
    if (!drawn) g->keeping.seed = g->keeping.update = g->keeping.position = GR_NONE;
    g->keeping.from = copied(g, k->from, k->n_from);
    g->keeping.until = copied(g, k->until, k->n_until);
}
