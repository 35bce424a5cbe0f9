/* The graph as an object: its memory, its sticky status, names, scopes and access to what it holds. */
#include <stdio.h>
#include <string.h>

#include "base/rng.h"
#include "base/text.h"
#include "graph/op.h"

gr_status gr_graph_create(gr_context *ctx, gr_graph **out)
{
    gr_graph *g = gr__alloc(ctx, sizeof *g);
    if (!g) return GR_E_MEMORY;
    g->ctx = ctx;
    g->scope = "";
    g->memory = gr__bump_create(ctx);
    if (!g->memory) {
        gr__free(ctx, g, sizeof *g);
        return GR_E_MEMORY;
    }
    *out = g;
    return GR_OK;
}

void gr_graph_destroy(gr_graph *g)
{
    if (!g) return;
    gr_context *ctx = g->ctx;
    gr__free(ctx, g->nodes, g->nodes_capacity * sizeof *g->nodes);
    gr__free(ctx, g->values, g->values_capacity * sizeof *g->values);
    gr__free(ctx, g->table, g->table_size * sizeof *g->table);
    gr__free(ctx, g->names, g->names_size * sizeof *g->names);
    gr__free(ctx, g->tensors, g->tensors_capacity * sizeof *g->tensors);
    for (size_t i = 0; i < g->n_bodies; i++) gr__body_release(g->bodies[i]);
    gr__free(ctx, g->bodies, g->bodies_capacity * sizeof *g->bodies);
    gr__free(ctx, g->scopes, g->scopes_capacity * sizeof *g->scopes);
    gr__free(ctx, g->results, g->results_capacity * sizeof *g->results);
    gr__free(ctx, g->assigns, g->assigns_capacity * sizeof *g->assigns);
    gr__free(ctx, g->outputs, g->outputs_capacity * sizeof *g->outputs);
    gr__free(ctx, g->gradients, g->gradients_capacity * sizeof *g->gradients);
    gr__bump_destroy(g->memory);
    gr__free(ctx, g, sizeof *g);
}

gr_status gr_graph_status(const gr_graph *g)
{
    return g->status;
}

/* ---- failing ---- */

static void fail(gr_graph *g, gr_status code, const char *op, const char *format, va_list args) GR_PRINTF(4, 0);
static void fail(gr_graph *g, gr_status code, const char *op, const char *format, va_list args)
{
    if (g->status != GR_OK) return;
    char text[768];
    gr__print_cut(text, sizeof text, format, args);
    g->status = code;
    gr__fail(g->ctx, code, "%s%s%s%s%s", g->scope, g->scope[0] ? ": " : "", op, op[0] ? ": " : "", text);
}

gr_val gr_graph_fail(gr_graph *g, gr_status code, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    fail(g, code, "", format, args);
    va_end(args);
    return GR_NONE;
}

bool gr__op_fail(gr_graph *g, gr_status code, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    fail(g, code, g->op ? g->op->name : "", format, args);
    va_end(args);
    return false;
}

/* ---- names ---- */

static bool grow_names(gr_graph *g)
{
    if (g->n_names * 2 < g->names_size) return true;
    size_t size = g->names_size ? g->names_size * 2 : 64;
    gr__name **names = gr__alloc(g->ctx, size * sizeof *names);
    if (!names) return false;
    for (size_t i = 0; i < g->names_size; i++) {
        gr__name *n = g->names[i];
        if (!n) continue;
        size_t at = (size_t)n->hash & (size - 1);
        while (names[at]) at = (at + 1) & (size - 1);
        names[at] = n;
    }
    gr__free(g->ctx, g->names, g->names_size * sizeof *g->names);
    g->names = names;
    g->names_size = size;
    return true;
}

const char *gr__intern(gr_graph *g, const char *name)
{
    if (g->status != GR_OK) return NULL;
    if (!grow_names(g)) {
        g->status = GR_E_MEMORY;
        return NULL;
    }
    uint64_t hash = gr__hash(name);
    size_t at = (size_t)hash & (g->names_size - 1);
    for (; g->names[at]; at = (at + 1) & (g->names_size - 1)) {
        if (g->names[at]->hash == hash && strcmp(g->names[at]->text, name) == 0) return g->names[at]->text;
    }
    size_t bytes = strlen(name) + 1;
    gr__name *n = gr__bump_alloc(g->memory, sizeof *n + bytes);
    if (!n) {
        g->status = GR_E_MEMORY;
        return NULL;
    }
    n->hash = hash;
    memcpy(n->text, name, bytes);
    g->names[at] = n;
    g->n_names++;
    return n->text;
}

gr__name *gr__name_of(const char *interned)
{
    return (gr__name *)(void *)((char *)(uintptr_t)interned - offsetof(gr__name, text));
}

/* ---- scopes ---- */

void gr_scope_push(gr_graph *g, const char *kind, const char *name)
{
    if (g->status != GR_OK) return;
    bool named = name && name[0];
    char *text = gr__format(g->ctx, "%s%s%s%s%s%s", g->scope, g->scope[0] ? " / " : "", kind, named ? " \"" : "",
                            named ? name : "", named ? "\"" : "");
    const char *scope = text ? gr__intern(g, text) : NULL;
    gr__strfree(g->ctx, text);
    if (!scope || !GR_ROOM(g->ctx, g->scopes, g->scopes_capacity, g->n_scopes + 1)) {
        g->status = GR_E_MEMORY;
        return;
    }
    g->scopes[g->n_scopes++] = g->scope;
    g->scope = scope;
}

void gr_scope_pop(gr_graph *g)
{
    if (g->status != GR_OK) return; /* the scope of the error, and pushes were not counted either */
    if (g->n_scopes == 0) {
        gr_graph_fail(g, GR_E_USAGE, "a scope is popped that was never pushed");
        return;
    }
    g->scope = g->scopes[--g->n_scopes];
}

void gr__backward_set(gr_graph *g, bool backward)
{
    g->backward = backward;
}

void gr__scope_set(gr_graph *g, const char *scope)
{
    const char *own = gr__intern(g, scope); /* it may come from another graph */
    if (own) g->scope = own;
}

/* ---- access ---- */

uint32_t gr__graph_nodes(const gr_graph *g)
{
    return (uint32_t)g->n_nodes;
}

const gr_node *gr__node(const gr_graph *g, uint32_t node)
{
    return g->nodes[node];
}

uint32_t gr__graph_values(const gr_graph *g)
{
    return (uint32_t)g->n_values;
}

const gr_value *gr__value(const gr_graph *g, gr_val v)
{
    return g->values[v - 1];
}

const gr_node *gr__producer(const gr_graph *g, gr_val v)
{
    return g->nodes[g->values[v - 1]->node];
}

gr_context *gr__graph_context(const gr_graph *g)
{
    return g->ctx;
}

gr_shape gr_shape_of(const gr_graph *g, gr_val v)
{
    return v == GR_NONE || v > g->n_values ? GR_SCALAR : g->values[v - 1]->shape;
}

gr_dtype gr_dtype_of(const gr_graph *g, gr_val v)
{
    return v == GR_NONE || v > g->n_values ? GR_REAL : g->values[v - 1]->dtype;
}
