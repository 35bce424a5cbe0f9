/* Cutting a network into stages, and their local derivatives. [mission P4, P5] */
#include <stdio.h>
#include <string.h>

#include "graph/eval.h"
#include "graph/node.h"
#include "model/stack.h"
#include "study/derivative/stages.h"

typedef struct gr_source_leaf {
    const char *name;
    const gr_entry_spec *entry;
    gr_shape shape;
    const double *data;
    gr_val leaf;
} gr_source_leaf;

/* How one stage follows one place before it. `pulled` is the cotangent of `read` for the cotangent `down` of `reader`:
 * linear in `down`, so its own pullback for `along` gives the derivative of the reader along a direction of what it
 * reads. */
struct gr_stage_link {
    gr_val pulled, column;
    double *down, *along; /* numbers of the leaves: cotangents of the reader, a direction */
    /* Differentiated once more, column[k] tells which of these it is. */
    bool differentiated;
    int n_sources;
    gr_source_leaf *source;
    gr_val *factor; /* of column[k] with respect to each source */
    double *pick;   /* which k */
};

/* ---- numbers of leaves ---- */

static const double *leaf_data(void *user, const gr_graph *graph, const gr_node *leaf)
{
    const gr_stages *g = user;
    (void)graph;
    for (int i = 0; i < g->n_data; i++)
        if (strcmp(g->data[i].name, leaf->attr.name) == 0) return g->data[i].data;
    const gr_entry *e = gr_store_find(g->s->store, leaf->attr.name);
    return e ? e->data : NULL;
}

static gr_status evaluate(gr_stages *g, const gr_graph *graph, const gr_val *wanted, int n, double *const *results)
{
    return gr__eval(graph, wanted, n, leaf_data, g, results);
}

/* Few leaves: the lists before stay until all goes. */
static gr_status put_data(gr_stages *g, const char *name, const double *numbers)
{
    gr_named_data *more = gr__bump_alloc(g->memory, sizeof *more * (size_t)(g->n_data + 1));
    if (!more) return GR_E_MEMORY;
    if (g->n_data) memcpy(more, g->data, sizeof *more * (size_t)g->n_data);
    more[g->n_data++] = (gr_named_data){name, numbers};
    g->data = more;
    return GR_OK;
}

/* A leaf of the graph of stages with numbers of its own, all 0 at first. */
static gr_val add_leaf(gr_stages *g, const char *kind, int a, int b, gr_dtype dtype, gr_shape shape, double **numbers)
{
    const char *name = gr__bump_format(g->memory, "%s %d %d", kind, a, b); /* no parameter's name has blanks */
    *numbers = gr__bump_alloc(g->memory, sizeof(double) * (size_t)gr_shape_count(shape));
    if (!name || !*numbers || put_data(g, name, *numbers) != GR_OK) return GR_NONE;
    return gr_feed(g->parts, name, dtype, shape);
}

static gr_status copy_data(gr_stages *g, const char *name, const void *from, gr_element e, int64_t n)
{
    double *to = gr__bump_alloc(g->memory, sizeof *to * (size_t)n);
    if (!to) return GR_E_MEMORY;
    gr__elements_convert(e, GR_EL_F64, from, to, n);
    return put_data(g, name, to);
}

static gr_status copy_field(gr_stages *g, gr_field_role role, const char *name, const void *from, gr_element e,
                            gr_val feed)
{
    char text[GR_FEED_TEXT];
    const char *kept = gr__bump_strdup(g->memory, gr__feed_of(role, name, text));
    return kept ? copy_data(g, kept, from, e, gr_shape_count(gr_shape_of(g->whole, feed))) : GR_E_MEMORY;
}

static gr_status feed_numbers(gr_stages *g, const gr_network_values *v)
{
    const gr_slopes *s = g->s;
    gr_status st = GR_OK;
    const gr_recipe *r = &s->recipe;
    for (int i = 0; i < r->n_inputs; i++)
        GR_TRY(copy_field(g, GR_FIELD_INPUT, r->input[i].name, s->batch.field[i], s->task.delivery[i].as, v->input[i]));
    for (int h = 0; h < r->n_heads; h++)
        GR_TRY(copy_field(g, GR_FIELD_TARGET, r->head[h].name, s->batch.field[r->n_inputs + h],
                          r->head[h].reading.target == GR_FORM_CLASS ? GR_EL_I32 : GR_EL_F64, v->head[h].target));
    if (v->weight)
        GR_TRY(copy_field(g, GR_FIELD_WEIGHT, NULL, s->batch.field[r->n_inputs + r->n_heads], GR_EL_F64, v->weight));
    for (int i = 0; i < r->n_inputs; i++)
        if (v->length[i])
            GR_TRY(copy_field(g, GR_FIELD_LENGTH, r->input[i].name,
                              s->batch.field[gr__length_place(r->n_inputs, r->n_heads, i)], GR_EL_I32, v->length[i]));
    const struct {
        const char *name;
        double value;
    } scalars[] = {{GR_FEED_SEED, (double)s->recipe.seed}, {GR_FEED_UPDATE, 0}, {GR_FEED_POSITION, 0}};
    for (size_t i = 0; i < GR_COUNT(scalars); i++)
        GR_TRY(copy_data(g, scalars[i].name, &scalars[i].value, GR_EL_F64, 1));
done:
    return st;
}

/* ---- where to cut ---- */

static void add_place(gr_stages *g, const char *name, const char *through, gr_val whole)
{
    if (g->placed[whole]) return; /* a layer that gives what it takes */
    gr_shape shape = gr_shape_of(g->whole, whole);
    g->placed[whole] = 1;
    g->place[g->n++] =
        (gr_place){.name = name, .through = through, .shape = shape, .count = gr_shape_count(shape), .whole = whole};
}

enum { TRAINED = 1, MOVES = 2 }; /* what a value follows: parameters; places found so far */

/* Marks every value up to node `end` with what it follows, as the next stages would see it. */
static void follow(const gr_stages *g, uint32_t end)
{
    for (uint32_t k = 0; k <= end; k++) {
        const gr_node *n = gr__node(g->whole, k);
        uint8_t m = n->op->code == GR_OP_PARAM ? TRAINED : 0;
        for (int i = 0; i < n->n_in; i++) m |= g->mark[n->in[i]];
        for (int o = 0; o < n->n_out; o++) g->mark[n->out + (gr_val)o] = g->placed[n->out + (gr_val)o] ? MOVES : m;
    }
}

/* Does everything that reaches `last` from the places so far pass through v? */
static bool passes(const gr_stages *g, gr_val v, gr_val last)
{
    uint32_t end = gr__value(g->whole, last)->node;
    for (uint32_t k = 0; k <= end; k++) {
        const gr_node *n = gr__node(g->whole, k);
        uint8_t any = 0;
        for (int i = 0; i < n->n_in; i++) any |= g->around[n->in[i]];
        for (int o = 0; o < n->n_out; o++) {
            gr_val out = n->out + (gr_val)o;
            g->around[out] = out != v && (any || g->placed[out]);
        }
    }
    return !g->around[last];
}

/* A new shape of the same sums reads better. */
static gr_val reshaped(const gr_stages *g, gr_val v, uint32_t from, uint32_t end)
{
    for (uint32_t k = from; k <= end; k++) {
        const gr_node *n = gr__node(g->whole, k);
        if (n->op->code == GR_OP_RESHAPE && n->in[0] == v) v = n->out;
    }
    return v;
}

/* The sums of the layer that begins after node `before`: the last value that parameters make of what the layer takes,
 * if all of its result passes there. GR_NONE: the layer has no such value, or gives it as it is. */
static gr_val sums_of(const gr_stages *g, uint32_t before, gr_val result)
{
    uint32_t end = gr__value(g->whole, result)->node;
    follow(g, end);
    for (uint32_t k = end; k > before; k--) {
        const gr_node *n = gr__node(g->whole, k);
        bool trained = false, moves = false;
        for (int i = 0; i < n->n_in; i++) {
            trained |= g->mark[n->in[i]] == TRAINED;
            moves |= (g->mark[n->in[i]] & MOVES) != 0;
        }
        if (!trained || !moves || n->n_out != 1) continue;
        gr_val v = reshaped(g, n->out, k + 1, end);
        if (v == result) return GR_NONE;
        if (passes(g, v, result)) return v;
    }
    return GR_NONE;
}

/* "relu" of `activation: relu` or `activation: {type: relu}`; "" where there is none. */
static const char *activation_of(const gr_stacked *l)
{
    const gr_tree *t = l->activation;
    for (int i = 0; !t && i < l->member->head.n_rows; i++)
        if (strcmp(l->member->head.rows[i].name, "activation") == 0) t = gr__setting_tree(&l->settings, "activation");
    if (t && t->kind == GR_TREE_MAP) t = gr__tree_get(t, "type");
    return t && t->kind == GR_TREE_TEXT && !gr__activation_none(t) ? t->text : "";
}

static gr_status add_layer(gr_stages *g, const gr_stacked *l, gr_val result)
{
    const char *kind = l->member->head.name, *activation = activation_of(l);
    if (g->placed[result]) return GR_OK;
    uint32_t before = 0;
    for (int i = 1; i < g->n; i++) before = GR_MAX(before, gr__value(g->whole, g->place[i].whole)->node);
    gr_val sums = sums_of(g, before, result);
    if (sums) {
        const char *name = gr__bump_format(g->memory, "%s.z", l->name);
        if (!name) return GR_E_MEMORY;
        add_place(g, name, kind, sums);
        kind = activation[0] ? activation : kind;
    } else if (activation[0] && !(kind = gr__bump_format(g->memory, "%s, %s", kind, activation))) {
        return GR_E_MEMORY;
    }
    add_place(g, l->name, kind, result);
    return GR_OK;
}

static const gr_entry_spec *entry_of(const gr_stages *g, const char *parameter)
{
    for (size_t i = 0; i < g->s->n; i++)
        if (strcmp(g->s->params[i].entry.name, parameter) == 0) return &g->s->params[i].entry;
    return NULL;
}

static gr_status find_places(gr_stages *g, const char *parameter, gr_network_values *v)
{
    const gr_stack *stack = g->s->recipe.stack;
    gr_val cost, *layer = gr__bump_alloc(g->memory, sizeof *layer * (size_t)stack->n);
    g->place = gr__bump_alloc(g->memory, sizeof *g->place * (size_t)(2 * stack->n + 2 + GR_MAX_INPUTS));
    if (!layer || !g->place) return GR_E_MEMORY;
    gr_status st = gr__slopes_build(g->s, g->whole, v, layer, &cost);
    if (st != GR_OK) return st;
    size_t values = gr__graph_values(g->whole) + 1;
    g->mark = gr__bump_alloc(g->memory, values), g->around = gr__bump_alloc(g->memory, values),
    g->placed = gr__bump_alloc(g->memory, values);
    if (!g->mark || !g->around || !g->placed) return GR_E_MEMORY;
    const gr_entry_spec *entry = entry_of(g, parameter);
    add_place(g, entry->name, "", gr_param(g->whole, entry->name, entry->shape));
    g->place[0].entry = entry;
    g->placed[g->place[0].whole] = 0; /* among the layers it is a parameter like others */
    for (int i = 0; i < g->s->recipe.n_inputs; i++) add_place(g, g->s->recipe.input[i].name, "", v->prepared[i]);
    for (int i = 0; i < stack->n && st == GR_OK; i++) st = add_layer(g, &stack->layer[i], layer[i]);
    if (st == GR_OK) add_place(g, "L", g->s->recipe.n_heads > 1 ? "heads" : g->s->recipe.head[0].cost->head.name, cost);
    return st;
}

/* ---- the graph of stages ---- */

/* Copies every node; readers of a place read a leaf of its own instead. */
static gr_status cut(gr_stages *g)
{
    uint32_t nodes = gr__graph_nodes(g->whole);
    gr_val *map = gr__bump_alloc(g->memory, sizeof *map * (gr__graph_values(g->whole) + 1));
    int most = 1;
    for (uint32_t k = 0; k < nodes; k++) most = GR_MAX(most, gr__node(g->whole, k)->n_in);
    gr_val *in = gr__bump_alloc(g->memory, sizeof *in * (size_t)most);
    if (!map || !in) return GR_E_MEMORY;
    for (uint32_t k = 0; k < nodes && gr_graph_status(g->parts) == GR_OK; k++) {
        const gr_node *n = gr__node(g->whole, k);
        for (int i = 0; i < n->n_in; i++) in[i] = map[n->in[i]];
        gr__scope_set(g->parts, n->scope);
        gr_val copy = gr__node_copy(g->parts, g->whole, n, in);
        for (int o = 0; o < n->n_out; o++) map[n->out + (gr_val)o] = gr__node_output(g->parts, copy, o);
        for (int i = 0; i < g->n; i++) {
            gr_place *p = &g->place[i];
            double *number;
            if (p->whole < n->out || p->whole >= n->out + (gr_val)n->n_out) continue;
            p->made = p->entry ? GR_NONE : map[p->whole];
            p->leaf = p->entry ? map[p->whole]
                               : add_leaf(g, "place", i, 0, gr_dtype_of(g->whole, p->whole), p->shape, &number);
            if (!p->leaf) return gr_graph_status(g->parts) != GR_OK ? gr_graph_status(g->parts) : GR_E_MEMORY;
            if (!p->entry) p->number = number;
            map[p->whole] = p->leaf;
        }
    }
    return gr_graph_status(g->parts);
}

/* ---- links: how a stage follows what it reads ---- */

/* Which values v is computed from; true at those. */
static bool *needed_by(const gr_stages *g, gr_val v)
{
    bool *needed = gr__bump_alloc(g->memory, gr__graph_values(g->parts) + 1);
    if (!needed) return NULL;
    needed[v] = true;
    for (uint32_t k = gr__value(g->parts, v)->node + 1; k-- > 0;) {
        const gr_node *n = gr__node(g->parts, k);
        bool any = false;
        for (int o = 0; o < n->n_out; o++) any |= needed[n->out + (gr_val)o];
        for (int i = 0; any && i < n->n_in; i++) needed[n->in[i]] = true;
    }
    return needed;
}

static void add_source(gr_stage_link *l, const char *name, const gr_entry_spec *entry, gr_shape shape,
                       const double *data, gr_val leaf)
{
    l->source[l->n_sources++] = (gr_source_leaf){name, entry, shape, data, leaf};
}

/* What a local derivative may be an element of: places and parameters that the stage reads. */
static gr_status find_sources(gr_stages *g, gr_stage_link *l, gr_val made, const bool *needed)
{
    size_t most = (size_t)g->n + g->s->n;
    l->source = gr__bump_alloc(g->memory, sizeof *l->source * most);
    l->factor = gr__bump_alloc(g->memory, sizeof *l->factor * most);
    if (!l->source || !l->factor) return GR_E_MEMORY;
    for (int i = 1; i < g->n - 1; i++) {
        const gr_place *p = &g->place[i];
        if (needed[p->leaf] && gr_dtype_of(g->parts, p->leaf) == GR_REAL)
            add_source(l, p->name, NULL, p->shape, p->number, p->leaf);
    }
    for (uint32_t k = 0; k < gr__value(g->parts, made)->node; k++) {
        const gr_node *n = gr__node(g->parts, k);
        if (n->op->code != GR_OP_PARAM || !needed[n->out]) continue;
        const gr_entry *e = gr_store_find(g->s->store, n->attr.name);
        add_source(l, e->spec.name, &e->spec, e->spec.shape, e->data, n->out);
    }
    return GR_OK;
}

static gr_status make_link(gr_stages *g, int reader, int read, const bool *needed, gr_stage_link *l)
{
    const gr_place *u = &g->place[reader], *v = &g->place[read];
    gr_val made = u->made, leaf = v->leaf;
    gr_status st = gr_graph_status(g->parts);
    gr_val down = add_leaf(g, "down", reader, read, GR_REAL, u->shape, &l->down),
           along = add_leaf(g, "along", reader, read, GR_REAL, v->shape, &l->along);
    if (st != GR_OK || !down || !along) return st != GR_OK ? st : GR_E_MEMORY;
    GR_TRY(gr_pullback(g->parts, &made, &down, 1, &leaf, 1, &l->pulled));
    GR_TRY(gr_pullback(g->parts, &l->pulled, &along, 1, &down, 1, &l->column));
    GR_TRY(find_sources(g, l, made, needed));
done:
    return st;
}

/* Every place that a stage reads as numbers, not as indices; no derivative is in the graph yet, so `needed` follows the
 * stages alone. */
static gr_status make_links(gr_stages *g)
{
    gr_status st = GR_OK;
    const bool **needed = gr__bump_alloc(g->memory, sizeof *needed * (size_t)g->n);
    g->link = gr__bump_alloc(g->memory, sizeof *g->link * (size_t)g->n * (size_t)g->n);
    if (!needed || !g->link) return GR_E_MEMORY;
    for (int u = 2; u < g->n; u++)
        if (!(needed[u] = needed_by(g, g->place[u].made))) return GR_E_MEMORY;
    for (int u = 2; u < g->n && st == GR_OK; u++)
        for (int v = 0; v < u && st == GR_OK; v++) {
            if (!needed[u][g->place[v].leaf] || gr_dtype_of(g->parts, g->place[v].leaf) != GR_REAL) continue;
            gr_stage_link *l = g->link[u * g->n + v] = gr__bump_alloc(g->memory, sizeof *l);
            st = l ? make_link(g, u, v, needed[u], l) : GR_E_MEMORY;
        }
    return st;
}

/* ---- numbers: forward over the whole, slopes from the cost back by stages ---- */

static gr_status forward(gr_stages *g, const gr_network_values *v)
{
    int n = g->n + 1;
    gr_val *wanted = gr__bump_alloc(g->memory, sizeof *wanted * (size_t)n);
    double **result = gr__bump_alloc(g->memory, sizeof *result * (size_t)n);
    g->prediction_shape = gr_shape_of(g->whole, v->head[0].prediction);
    double *prediction = gr__bump_alloc(g->memory, sizeof *prediction * (size_t)gr_shape_count(g->prediction_shape));
    if (!wanted || !result || !prediction) return GR_E_MEMORY;
    for (int i = 0; i < g->n; i++) {
        gr_place *p = &g->place[i];
        if (p->entry) p->number = gr_store_find(g->s->store, p->name)->data;
        wanted[i] = p->whole;
        result[i] = p->entry ? gr__bump_alloc(g->memory, sizeof(double) * (size_t)p->count) : (double *)p->number;
        if (!result[i]) return GR_E_MEMORY;
    }
    wanted[g->n] = v->head[0].prediction;
    result[g->n] = prediction;
    g->prediction = prediction;
    return evaluate(g, g->whole, wanted, n, result);
}

static gr_status backward(gr_stages *g)
{
    gr_status st = GR_OK;
    for (int i = g->n - 1; i > 0 && st == GR_OK; i--) {
        gr_place *p = &g->place[i];
        p->slope = gr__bump_alloc(g->memory, sizeof *p->slope * (size_t)p->count);
        double *part = gr__bump_alloc(g->memory, sizeof *part * (size_t)p->count);
        if (!p->slope || !part) return GR_E_MEMORY;
        if (i == g->n - 1) p->slope[0] = 1; /* dL/dL */
        for (int u = i + 1; u < g->n && st == GR_OK; u++) {
            gr_stage_link *l = g->link[u * g->n + i];
            if (!l) continue;
            memcpy(l->down, g->place[u].slope, sizeof(double) * (size_t)g->place[u].count);
            st = evaluate(g, g->parts, &l->pulled, 1, &part);
            for (int64_t k = 0; k < p->count && st == GR_OK; k++) p->slope[k] += part[k];
        }
    }
    return st;
}

gr_status gr__stages_open(gr_slopes *s, const char *parameter, gr__bump *memory, gr_stages *g)
{
    gr_network_values v;
    gr_status st = GR_OK;
    *g = (gr_stages){.s = s, .memory = memory};
    GR_TRY(gr_graph_create(s->ctx, &g->whole));
    GR_TRY(gr_graph_create(s->ctx, &g->parts));
    GR_TRY(find_places(g, parameter, &v));
    GR_TRY(feed_numbers(g, &v));
    GR_TRY(cut(g));
    GR_TRY(make_links(g));
    GR_TRY(forward(g, &v));
    GR_TRY(backward(g));
done:
    if (st != GR_OK) gr__stages_close(g);
    return st;
}

void gr__stages_close(gr_stages *g)
{
    gr_graph_destroy(g->whole);
    gr_graph_destroy(g->parts);
    *g = (gr_stages){0};
}

/* ---- local derivatives ---- */

bool gr__stages_reads(const gr_stages *g, int reader, int read)
{
    return g->link[reader * g->n + read] != NULL;
}

gr_status gr__stages_column(gr_stages *g, int reader, int read, int64_t element, double *column)
{
    gr_stage_link *l = g->link[reader * g->n + read];
    l->along[element] = 1;
    gr_status st = evaluate(g, g->parts, &l->column, 1, &column);
    l->along[element] = 0;
    return st;
}

/* ---- names ---- */

/* "[2,0]" of an element, the first `skip` axes left out; of a single number "". */
static void put_index(gr_shape shape, int skip, int64_t element, char *text, size_t n)
{
    int64_t index[GR_MAX_RANK];
    size_t at = 0;
    text[0] = '\0';
    for (int i = shape.rank; i-- > 0;) {
        index[i] = element % shape.dim[i];
        element /= shape.dim[i];
    }
    for (int i = skip; i < shape.rank && at < n; i++)
        at += (size_t)snprintf(text + at, n - at, "%s%lld%s", i == skip ? "[" : ",", (long long)index[i],
                               i == shape.rank - 1 ? "]" : "");
}

static const char *element_name(const gr_stages *g, const char *name, const gr_entry_spec *entry, gr_shape shape,
                                int64_t element, char *text, size_t n)
{
    char index[160];
    bool one = g->place[1].shape.dim[0] == 1;
    if (entry)
        put_index(gr__file_shape(entry), 0, gr__offset_in_file(entry, element), index, sizeof index);
    else
        put_index(shape, one ? 1 : 0, element, index, sizeof index);
    snprintf(text, n, "%s%s", name, index);
    return text;
}

const char *gr__stages_name(const gr_stages *g, int place, int64_t element, char *text, size_t n)
{
    const gr_place *p = &g->place[place];
    return element_name(g, p->name, p->entry, p->shape, element, text, n);
}

/* The one element of a source that the derivative is, -1: none. slopes: of the derivative with respect to the source's
 * elements. */
static int64_t single(const double *slopes, gr_shape shape)
{
    int64_t n = gr_shape_count(shape), at = -1;
    for (int64_t i = 0; i < n; i++) {
        if (slopes[i] == 0) continue;
        if (at >= 0 || slopes[i] != 1) return -1;
        at = i;
    }
    return at;
}

static gr_status differentiate(gr_stages *g, gr_stage_link *l, int reader, int read)
{
    gr_val pick = add_leaf(g, "pick", reader, read, GR_REAL, g->place[reader].shape, &l->pick),
           *leaf = gr__bump_alloc(g->memory, sizeof *leaf * (size_t)l->n_sources);
    if (!pick || !leaf) return GR_E_MEMORY;
    for (int i = 0; i < l->n_sources; i++) leaf[i] = l->source[i].leaf;
    l->differentiated = true;
    return gr_pullback(g->parts, &l->column, &pick, 1, leaf, l->n_sources, l->factor);
}

gr_status gr__stages_factor(gr_stages *g, int reader, int read, int64_t element, int64_t k, double local, char *text,
                            size_t n)
{
    gr_stage_link *l = g->link[reader * g->n + read];
    gr_status st = GR_OK;
    text[0] = '\0';
    if (!l->differentiated) GR_TRY(differentiate(g, l, reader, read));
    l->along[element] = 1;
    l->pick[k] = 1;
    for (int i = 0; i < l->n_sources && st == GR_OK && !text[0]; i++) {
        const gr_source_leaf *s = &l->source[i];
        size_t bytes = sizeof(double) * (size_t)gr_shape_count(s->shape);
        double *slopes = gr__alloc(g->s->ctx, bytes);
        st = slopes ? evaluate(g, g->parts, &l->factor[i], 1, &slopes) : GR_E_MEMORY;
        int64_t at = st == GR_OK ? single(slopes, s->shape) : -1;
        if (at >= 0 && s->data[at] == local) element_name(g, s->name, s->entry, s->shape, at, text, n);
        gr__free(g->s->ctx, slopes, bytes);
    }
    l->along[element] = 0;
    l->pick[k] = 0;
done:
    return st;
}
