/* Loops: ONNX's Scan, whose body is a graph that sees what stands outside; or its Loop, where a carry may end it early.
 */
#include "exchange/onnx_work.h"

/* A body in the making. */
typedef struct inner {
    gr__onnx_work *w;
    const gr_node *n;
    const gr__body *body;
    gr__onnx_value *operand; /* one an operand */
    gr__onnx_value *result;  /* what the body gives */
    gr__text nodes, graph;   /* of the body; its message */
    gr__text *outside;       /* nodes of the graph that the loop stands in */
    const char **in;         /* of the node: names outside */
    int n_in;
} inner;

static bool alloc(inner *l)
{
    gr__bump *b = l->w->o->memory;
    size_t results = (size_t)(l->body->n_carries + gr__body_stacks(l->body));
    l->operand = gr__bump_alloc(b, sizeof *l->operand * (size_t)(l->body->n_in + 1));
    l->result = gr__bump_alloc(b, sizeof *l->result * (results + 1));
    l->in = gr__bump_alloc(b, sizeof *l->in * (size_t)(l->body->n_in + 2));
    if (!l->operand || !l->result || !l->in) l->w->o->constants.failed = true;
    return l->operand && l->result && l->in;
}

/* An input of the body, for the operand. */
static void take(inner *l, int operand, const char *name, gr_shape shape)
{
    l->operand[operand] = (gr__onnx_value){.plain = name, .shape = shape};
    gr__onnx_info(&l->graph, GR__ONNX_GRAPH_INPUT, name, l->w->o->real, shape);
}

/* Values of the body as its outputs, under names of their own. */
static void give(inner *l, int k)
{
    gr__onnx *o = l->w->o;
    const gr__onnx_value *v = &l->result[k];
    const char *name = gr__onnx_1(o, "Identity", v->plain);
    gr__onnx_info(&l->graph, GR__ONNX_GRAPH_OUTPUT, name, o->real, v->shape);
}

static gr_status run_body(inner *l)
{
    gr__onnx *o = l->w->o;
    gr__onnx_work inside = {.o = o, .m = l->w->m, .g = l->body->graph, .operand = l->operand};
    const char *scope = o->scope;
    gr_status st = gr__onnx_run(&inside, l->result);
    o->scope = scope;
    return st;
}

static void close(inner *l)
{
    gr__text_put(&l->graph, l->nodes.s ? l->nodes.s : "", l->nodes.n);
    gr__wire_text(&l->graph, GR__ONNX_GRAPH_NAME, "body");
    l->w->o->constants.failed |= l->nodes.failed || l->graph.failed;
}

/* ---- Scan ---- */

static void put_directions(gr__onnx *o, const char *name, int n)
{
    int64_t back[GR_MAX_RANK * 8];
    for (int i = 0; i < n && i < (int)GR_COUNT(back); i++) back[i] = 1;
    if (n) gr__onnx_ints(o, name, back, GR_MIN(n, (int)GR_COUNT(back)));
}

/* Carries come first, then what has a part a step. */
static int scan_inputs(inner *l)
{
    gr__onnx_work *w = l->w;
    const gr__body *b = l->body;
    for (int c = 0; c < b->n_carries; c++) {
        int i = gr__body_operand(b, c);
        l->in[l->n_in++] = gr__onnx_full(w, l->n->in[i]);
        take(l, i, gr__onnx_name(w->o), gr__onnx_shape(w, l->n->in[i]));
    }
    for (int i = 0; i < b->n_in; i++) {
        if (b->role[i] == GR__ROLE_GIVEN) {
            gr__onnx_plain(w, l->n->in[i]);
            l->operand[i] = *gr__onnx_at(w, l->n->in[i]);
        }
        if (b->role[i] != GR__ROLE_STEP) continue;
        l->in[l->n_in++] = gr__onnx_full(w, l->n->in[i]);
        take(l, i, gr__onnx_name(w->o), gr__shape_of_step(gr__onnx_shape(w, l->n->in[i])));
    }
    return l->n_in - b->n_carries;
}

static void give_results(inner *l, const char *const *out)
{
    gr__onnx_work *w = l->w;
    const gr__body *b = l->body;
    for (int c = 0; c < b->n_carries; c++) {
        gr_val v = gr__node_output(w->g, l->n->out, gr__body_final(b, c));
        *gr__onnx_at(w, v) = (gr__onnx_value){.plain = out[c], .shape = gr__onnx_shape(w, v)};
    }
    for (int s = 0; s < gr__body_stacks(b) && gr__scan_until(&l->n->attr) < 0; s++) {
        gr_val v = gr__node_output(w->g, l->n->out, gr__body_stacked(b, s));
        *gr__onnx_at(w, v) = (gr__onnx_value){.plain = out[b->n_carries + s], .shape = gr__onnx_shape(w, v)};
    }
}

static void scan(inner *l)
{
    gr__onnx *o = l->w->o;
    int steps = scan_inputs(l), stacks = gr__body_stacks(l->body), n = l->body->n_carries + stacks;
    const char **out = gr__bump_alloc(o->memory, sizeof *out * (size_t)(n + 1));
    if (!out) {
        o->constants.failed = true;
        return;
    }
    o->nodes = &l->nodes;
    gr_status st = run_body(l);
    for (int k = 0; k < n && st == GR_OK; k++) give(l, k);
    o->nodes = l->outside;
    close(l);
    for (int k = 0; k < n; k++) out[k] = gr__onnx_name(o);
    gr__onnx_begin(o, "Scan", l->in, l->n_in);
    gr__onnx_graph(o, "body", &l->graph);
    gr__onnx_int(o, "num_scan_inputs", steps);
    if (gr__scan_reverse(&l->n->attr)) {
        put_directions(o, "scan_input_directions", steps);
        put_directions(o, "scan_output_directions", stacks);
    }
    gr__onnx_end_as(o, out, n);
    give_results(l, out);
}

/* ---- Loop ---- */

/* The part of a step, from what has one a step. */
static const char *part(inner *l, const char *all, const char *step)
{
    gr__onnx *o = l->w->o;
    int64_t last = gr__scan_steps(&l->n->attr) - 1;
    if (gr__scan_reverse(&l->n->attr)) step = gr__onnx_2(o, "Sub", gr__onnx_wholes(o, GR_SCALAR, &last), step);
    gr__onnx_begin(o, "Gather", (const char *[]){all, step}, 2);
    gr__onnx_int(o, "axis", 0);
    return gr__onnx_end(o);
}

static void loop_inputs(inner *l, const char *step)
{
    gr__onnx_work *w = l->w;
    const gr__body *b = l->body;
    gr__text *inside = w->o->nodes;
    for (int i = 0; i < b->n_in; i++) {
        gr_val v = l->n->in[i];
        w->o->nodes = l->outside; /* what stands there is made there */
        const char *full = b->role[i] == GR__ROLE_GIVEN ? gr__onnx_plain(w, v) : gr__onnx_full(w, v);
        w->o->nodes = inside;
        l->operand[i] = *gr__onnx_at(w, v);
        if (b->role[i] == GR__ROLE_STEP)
            l->operand[i] =
                (gr__onnx_value){.plain = part(l, full, step), .shape = gr__shape_of_step(gr__onnx_shape(w, v))};
    }
    for (int c = 0; c < b->n_carries; c++) {
        int i = gr__body_operand(b, c);
        l->in[l->n_in++] = l->operand[i].plain;
        take(l, i, gr__onnx_name(w->o), gr__onnx_shape(w, l->n->in[i]));
    }
}

/* It goes on while the carry is not 0. */
static void give_condition(inner *l)
{
    gr__onnx *o = l->w->o;
    int64_t axis = 0;
    const char *left = l->result[gr__scan_until(&l->n->attr)].plain;
    const char *on = gr__onnx_cast(o, gr__onnx_2(o, "Squeeze", left, gr__onnx_list(o, &axis, 1)), GR__ONNX_BOOL);
    gr__onnx_info(&l->graph, GR__ONNX_GRAPH_OUTPUT, on, GR__ONNX_BOOL, GR_SCALAR);
}

static void loop(inner *l)
{
    gr__onnx *o = l->w->o;
    int n = l->body->n_carries;
    int64_t most = gr__scan_steps(&l->n->attr);
    const char *step = gr__onnx_name(o), *on = gr__onnx_name(o);
    const char **out = gr__bump_alloc(o->memory, sizeof *out * (size_t)(n + 1));
    if (!out) {
        o->constants.failed = true;
        return;
    }
    l->in[l->n_in++] = gr__onnx_wholes(o, GR_SCALAR, &most);
    l->in[l->n_in++] = "";
    gr__onnx_info(&l->graph, GR__ONNX_GRAPH_INPUT, step, GR__ONNX_INT64, GR_SCALAR);
    gr__onnx_info(&l->graph, GR__ONNX_GRAPH_INPUT, on, GR__ONNX_BOOL, GR_SCALAR);
    o->nodes = &l->nodes;
    loop_inputs(l, step);
    gr_status st = run_body(l);
    if (st == GR_OK) give_condition(l);
    for (int k = 0; k < n && st == GR_OK; k++) give(l, k);
    o->nodes = l->outside;
    close(l);
    for (int k = 0; k < n; k++) out[k] = gr__onnx_name(o);
    gr__onnx_begin(o, "Loop", l->in, l->n_in);
    gr__onnx_graph(o, "body", &l->graph);
    gr__onnx_end_as(o, out, n);
    give_results(l, out);
}

void gr__onnx_scan(gr__onnx_work *w, const gr_node *n)
{
    inner l = {.w = w, .n = n, .body = n->attr.body, .outside = w->o->nodes};
    gr__text_init(&l.nodes, w->o->ctx);
    gr__text_init(&l.graph, w->o->ctx);
    if (alloc(&l)) {
        if (gr__scan_until(&n->attr) >= 0)
            loop(&l);
        else
            scan(&l);
    }
    gr__text_free(&l.nodes);
    gr__text_free(&l.graph);
}
