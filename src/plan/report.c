/* What a plan tells of itself: its kernels, its largest values, and where numbers ceased to be finite. */
#include <float.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "graph/op.h"
#include "plan/loop.h"

gr_plan_bound gr_plan_bound_get(const gr_plan *p)
{
    return p->bound;
}

/* ---- rows ---- */

int gr_plan_rows(const gr_plan *p)
{
    return p->n_rows;
}

/* NULL: there is no such row. */
static const gr__instruction *row_at(const gr_plan *p, int index)
{
    return index < 0 || index >= p->n_rows ? NULL : &p->instructions[p->rows[index]];
}

static gr_plan_row row_of_copy(const gr_plan *p, const gr__instruction *in)
{
    int n = in->n_operands / 2;
    return (gr_plan_row){"copy", "", n, n, .bytes = 2 * (double)gr__copy_bytes(p, in), .cost_ns = gr__copy_ns(p, in)};
}

static double phases_ns(const gr_kernel *k, int first, int end)
{
    double ns = 0;
    for (int i = first; i < end; i++) ns += k->phase[i].cost_ns;
    return ns;
}

/* A loop costs what its body's rows do, once a step; phases that last run in the first alone. */
static void add_body(const gr__loop *l, gr_plan_row *row)
{
    double steps = (double)l->steps;
    row->bytes = 0;
    for (int i = 0; i < l->body->n_rows; i++) {
        const gr__instruction *in = &l->body->instructions[l->body->rows[i]];
        gr_plan_row one = gr_plan_row_at(l->body, i);
        double once = in->code == GR__CALL ? phases_ns(in->kernel, 0, in->kernel->n_lasting) : 0;
        row->shards = GR_MAX(row->shards, one.shards);
        row->bytes += steps * one.bytes;
        row->products += steps * one.products;
        row->cost_ns += once + steps * (one.cost_ns - once);
    }
}

double gr__made_ns(const gr__made *m)
{
    gr_plan_row row = {.cost_ns = phases_ns(m->kernel, 0, m->kernel->n_phases)};
    if (gr__is_loop(&m->item)) add_body((const gr__loop *)m->kernel, &row);
    return row.cost_ns;
}

gr_plan_row gr_plan_row_at(const gr_plan *p, int index)
{
    const gr__instruction *in = row_at(p, index);
    if (!in) return (gr_plan_row){.kernel = "", .scope = ""};
    if (in->code == GR__COPY) return row_of_copy(p, in);
    const gr_item *it = &in->made->item;
    gr_plan_row row = {.kernel = in->kernel->name,
                       .scope = gr__node(p->graph, it->nodes[0])->scope,
                       .nodes = it->n_nodes * it->n_segments,
                       .flops = in->made->flops,
                       .products = in->made->products,
                       .bytes = in->made->bytes,
                       .instance = in->instance,
                       .saved = (double)in->saved};
    for (int i = 0; i < in->kernel->n_phases; i++) row.shards = GR_MAX(row.shards, in->kernel->phase[i].n_shards);
    row.cost_ns = phases_ns(in->kernel, 0, in->kernel->n_phases);
    if (in->code == GR__LOOP) add_body(gr__loop_of(in), &row);
    return row;
}

double gr_plan_flops(const gr_plan *p)
{
    double sum = 0;
    for (int i = 0; i < gr_plan_rows(p); i++) sum += gr_plan_row_at(p, i).flops;
    return sum;
}

/* ---- what rows write ---- */

int gr_plan_views(const gr_plan *p, int index)
{
    const gr__instruction *in = row_at(p, index);
    if (!in || !in->made) return 0;
    const gr_item *it = &in->made->item;
    int written = 0;
    for (int o = 0; o < it->n_segments * it->n_out; o++) written += it->out[o] != GR_NONE;
    return written;
}

/* Where output number `output` of those that are written stands among all outputs. */
static int written_at(const gr_item *it, int output)
{
    int o = 0;
    for (;; o++)
        if (it->out[o] && output-- == 0) return o;
}

gr_plan_view gr_plan_view_at(const gr_plan *p, int index, int output)
{
    if (output < 0 || output >= gr_plan_views(p, index)) return (gr_plan_view){.scope = "", .operation = ""};
    const gr__instruction *in = row_at(p, index);
    const gr_item *it = &in->made->item;
    int o = written_at(it, output);
    const gr_value *value = gr__value(p->graph, it->out[o]);
    const gr_node *n = gr__producer(p->graph, it->out[o]);
    size_t one = gr__element_bytes(gr__backend_element(p->backend, value->dtype, value->shape));
    void *data = p->arena ? in->address[it->n_segments * it->n_in + o] : NULL;
    return (gr_plan_view){n->scope, n->op->name, value->dtype, value->shape, one, data};
}

/* ---- the largest values ---- */

static gr_plan_item block_item(const gr_plan *p, const gr__block *b)
{
    if (!b->value) return (gr_plan_item){"", "workspace", b->bytes};
    const gr_node *n = gr__producer(p->graph, b->value);
    bool feed = n->op->kept == GR__KEPT_CALLER;
    return (gr_plan_item){feed ? n->attr.name : n->scope, n->op->name, b->bytes};
}

/* Puts an item among the `filled` ones so far, of which n are kept, largest first. Returns how many there are then. */
static int insert(gr_plan_item *items, int filled, int n, gr_plan_item item)
{
    int at = filled;
    while (at > 0 && items[at - 1].bytes < item.bytes) at--;
    if (at >= n) return filled;
    filled = GR_MIN(filled + 1, n);
    for (int k = filled - 1; k > at; k--) items[k] = items[k - 1];
    items[at] = item;
    return filled;
}

int gr_plan_largest(const gr_plan *p, gr_plan_item *items, int n)
{
    int filled = 0;
    if (p->bytes.gradients) filled = insert(items, filled, n, (gr_plan_item){"", "gradients", p->bytes.gradients});
    for (int i = 0; i < p->n_blocks; i++) filled = insert(items, filled, n, block_item(p, &p->blocks[i]));
    return filled;
}

/* ---- when what stands where ---- */

int gr_plan_pieces(const gr_plan *p)
{
    return p->n_blocks;
}

/* The row of an entry of the schedule, which are counted from 1: the first that stands there or after it, or,
 * backwards, before it. */
static int row_of_entry(const gr_plan *p, int entry, bool backwards)
{
    int row = 0;
    if (entry <= 0) return -1;
    while (row < p->n_rows && p->rows[row] + 1 < entry) row++;
    return backwards && row < p->n_rows && p->rows[row] + 1 > entry ? row - 1 : row;
}

gr_plan_piece gr_plan_piece_at(const gr_plan *p, int index)
{
    if (index < 0 || index >= p->n_blocks) return (gr_plan_piece){.scope = "", .what = ""};
    const gr__block *b = &p->blocks[index];
    gr_plan_item is = block_item(p, b);
    return (gr_plan_piece){.scope = is.scope,
                           .what = is.what,
                           .offset = b->offset,
                           .bytes = b->bytes,
                           .first = row_of_entry(p, b->first, false),
                           .last = row_of_entry(p, b->last, true)};
}

/* ---- the first value that is not finite ---- */

/* A value in memory as the reference arithmetic wants it: reals widened. */
static bool widen(const gr_plan *p, gr__bump *memory, gr_val v, const void *from, gr_ref *out)
{
    const gr_value *value = gr__value(p->graph, v);
    int64_t count = gr_shape_count(value->shape);
    bool narrow = gr__backend_element(p->backend, value->dtype, value->shape) == GR_EL_F32;
    size_t bytes = narrow ? (size_t)count * sizeof(double) : gr__value_bytes(p->backend, value);
    *out = (gr_ref){gr__bump_alloc(memory, bytes), value->dtype, value->shape};
    if (!out->data) return false;
    if (!narrow && bytes) memcpy(out->data, from, bytes);
    for (int64_t i = 0; narrow && i < count; i++) ((double *)out->data)[i] = (double)((const float *)from)[i];
    return true;
}

/* Also false for what the backend's type cannot hold. */
static bool is_finite(const gr_plan *p, const gr_ref *r)
{
    if (r->dtype != GR_REAL) return true;
    double limit = gr__backend_element(p->backend, r->dtype, r->shape) == GR_EL_F32 ? (double)FLT_MAX : DBL_MAX;
    int64_t count = gr_shape_count(r->shape);
    for (int64_t i = 0; i < count; i++)
        if (!(fabs(((const double *)r->data)[i]) <= limit)) return false;
    return true;
}

static void describe(const gr_node *n, int64_t step, char *text, size_t size)
{
    char at[32] = "";
    if (step) snprintf(at, sizeof at, ", step %lld", (long long)step);
    if (n->attr.name && n->n_in == 0)
        snprintf(text, size, "%s \"%s\"", n->op->name, n->attr.name);
    else
        snprintf(text, size, "%s%s%s%s", n->op->name, n->scope[0] ? " in " : "", n->scope, at);
}

typedef struct search {
    gr_plan *root, *p; /* p: whose instruction it is, the root or a loop's body */
    const gr__instruction *in;
    gr__bump *memory; /* of the instruction at hand */
    gr_ref *values;   /* what is known of it; data NULL: nothing */
    int64_t step;     /* of a loop where it was found, from 1; 0: in none */
} search;

/* What the instruction at hand reads of v: of the first segment, whose nodes these are. */
static const void *address_of(const search *s, gr_val v)
{
    const gr_item *it = &s->in->made->item;
    for (int i = 0; i < it->n_in; i++)
        if (it->in[i] == v) return s->in->address[i];
    return NULL;
}

static bool evaluate(search *s, const gr_node *n);

/* What a node reads: a constant, what is in memory, or what is read in place of something else. */
static bool know(search *s, gr_val v)
{
    const gr_node *p = gr__producer(s->p->graph, v);
    const void *from = address_of(s, v);
    if (s->values[v].data) return true;
    if (p->op->code == GR_OP_CONST) {
        s->values[v] = (gr_ref){(void *)p->attr.f, GR_REAL, GR_SCALAR};
        return true;
    }
    return from ? widen(s->p, s->memory, v, from, &s->values[v]) : p->n_in == 1 && evaluate(s, p);
}

static bool evaluate(search *s, const gr_node *n)
{
    gr_ref *in = gr__bump_alloc(s->memory, (size_t)(n->n_in + n->n_out) * sizeof *in), *out = in + n->n_in;
    if (!in) return false;
    for (int i = 0; i < n->n_in; i++) {
        if (!know(s, n->in[i])) return false;
        in[i] = s->values[n->in[i]];
    }
    const gr_value *value = gr__value(s->p->graph, n->out);
    for (int o = 0; o < n->n_out; o++) {
        size_t bytes = (size_t)gr_shape_count(value[o].shape) * gr__ref_bytes(value[o].dtype);
        out[o] = (gr_ref){gr__bump_alloc(s->memory, bytes), value[o].dtype, value[o].shape};
        if (!out[o].data) return false;
    }
    n->op->ref(s->p->graph, n, in, out);
    for (int o = 0; o < n->n_out; o++) s->values[n->out + (gr_val)o] = out[o];
    return true;
}

/* Inside a region or a list of scalars: by reference arithmetic, before the item runs, for it may overwrite what it
 * reads. Segments after the first have no nodes of their own to name; their outputs are looked at after they ran. */
static const gr_node *first_inside(search *s, const gr_item *it)
{
    for (int k = 0; k < it->n_nodes; k++) {
        const gr_node *n = gr__node(s->p->graph, it->nodes[k]);
        if (!evaluate(s, n)) return NULL;
        for (int o = 0; o < n->n_out; o++)
            if (!is_finite(s->p, &s->values[n->out + (gr_val)o])) return n;
    }
    return NULL;
}

static const gr_node *first_output(search *s, const gr_item *it)
{
    int n_in = it->n_segments * it->n_in;
    for (int o = 0; o < it->n_segments * it->n_out; o++) {
        gr_ref r;
        if (!it->out[o]) continue;
        if (!widen(s->p, s->memory, it->out[o], s->in->address[n_in + o], &r)) return NULL;
        if (!is_finite(s->p, &r)) return gr__producer(s->p->graph, it->out[o]);
    }
    return NULL;
}

static bool renew(search *s)
{
    gr__bump_destroy(s->memory);
    s->memory = gr__bump_create(s->root->ctx);
    s->values = s->memory ? gr__bump_alloc(s->memory, (gr__graph_values(s->p->graph) + 1) * sizeof *s->values) : NULL;
    return s->values != NULL;
}

static const gr_node *search_instruction(search *s);

/* Step by step, each as the plan around it: the node of the body that spoils one first. */
static const gr_node *search_loop(search *around)
{
    const gr__instruction *in = around->in;
    const gr__loop *l = gr__loop_of(in);
    const gr_node *found = NULL;
    search s = {.root = around->root, .p = l->body};
    gr__loop_begin(in);
    for (int64_t done = 0; !found && gr__loop_step(in, &done);) {
        for (int i = 0; i < l->body->n_instructions && !found; i++) {
            s.in = &l->body->instructions[i];
            found = renew(&s) ? search_instruction(&s) : NULL;
        }
        if (found) around->step = l->reverse ? l->steps + 1 - done : done;
    }
    gr__bump_destroy(s.memory);
    return found;
}

/* Runs the instruction and returns the node that spoils it, or NULL. */
static const gr_node *search_instruction(search *s)
{
    if (s->in->code == GR__LOOP) return search_loop(s);
    const gr_item *it = s->in->made ? &s->in->made->item : NULL;
    const gr_node *inside = it && it->kind != GR_ITEM_NODE && it->n_nodes > 1 ? first_inside(s, it) : NULL;
    gr__plan_step(s->root, s->in);
    const gr_node *out = it ? first_output(s, it) : NULL;
    return out && inside ? inside : out;
}

/* Feeds, parameters and slots that are spoilt already. */
static const gr_node *first_leaf(search *s)
{
    for (int b = 0; b < s->p->n_buffers; b++) {
        const gr__buffer *buffer = &s->p->buffers[b];
        const gr_node *n = gr__producer(s->p->graph, buffer->value);
        gr_ref r;
        if (n->op->kept == GR__KEPT_NOWHERE || buffer->first > 0)
            continue; /* computed, or put aside when something runs */
        if (!widen(s->p, s->memory, buffer->value, gr__plan_address(s->p, buffer->spot), &r)) return NULL;
        if (!is_finite(s->p, &r)) return n;
    }
    return NULL;
}

bool gr_plan_find_nonfinite(gr_plan *p, char *text, size_t n)
{
    search s = {.root = p, .p = p};
    const gr_node *found = NULL;
    if (!p->arena) return false;
    gr__fp_state saved = gr__fp_enter();
    if (renew(&s)) found = first_leaf(&s);
    for (int i = 0; i < p->n_instructions && !found; i++) {
        s.in = &p->instructions[i];
        if (s.in->code == GR__TEST || s.in->writes_store || !renew(&s)) break; /* nothing is assigned */
        found = search_instruction(&s);
    }
    gr__fp_leave(saved);
    gr__bump_destroy(s.memory);
    if (found)
        describe(found, s.step, text, n);
    else if (p->spoilt) /* what is computed with weights that have moved says nothing: the guard does */
        snprintf(text, n, "the gradient in %s", gr__producer(p->graph, p->spoilt)->scope);
    return found || p->spoilt;
}

bool gr__plan_spoilt(const gr_plan *p)
{
    return p->spoilt != GR_NONE;
}

size_t gr__plan_released(const gr_plan *p, int *n)
{
    *n = p->n_released;
    return p->released_bytes;
}
