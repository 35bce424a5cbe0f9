/* Wrong kernels of a backend: what follows a product computed wrongly while it is stored (an epilogue), and rows that
 * are normalised by what is no line of theirs. The comparison of a fused plan with a plan of single nodes must reject
 * every one. */
#include <stdlib.h>
#include <string.h>

#include "graph/op.h"
#include "plan/plan.h"
#include "support/toy.h"
#include "test.h"

typedef enum mistake {
    NONE,
    EPILOGUE_LEFT_OUT,      /* the product alone */
    EPILOGUE_CUT,           /* the last node is forgotten */
    EPILOGUE_TWICE,         /* the last node once more, as where a block is stored twice */
    EPILOGUE_TURNED,        /* the operands of the first node the other way round */
    LINE_OF_THE_ROW_BEFORE, /* what the block before has left */
    LINE_OF_THE_FIRST_ROW,  /* once for all rows */
    LINE_OF_HALF_A_ROW,     /* read before the first pass is through */
    LINE_NEVER_FRESH,       /* the first line of the program, not each */
} mistake;
enum { MISTAKES = LINE_NEVER_FRESH + 1, ROWS = 5, COLUMNS = 6, NODES = 32 };

static mistake made;
static int epilogues, lines; /* kernels of each kind that were made */

typedef struct bad_kernel {
    gr_kernel base;
    const gr_item *item;
} bad_kernel;

static gr_ref operand(const gr_item *it, const gr_call *call, gr_val v)
{
    const gr_node *p = gr__producer(it->graph, v);
    if (p->op->code == GR_OP_CONST) return (gr_ref){(void *)p->attr.f, GR_REAL, GR_SCALAR};
    for (int i = 0; i < it->n_in; i++)
        if (it->in[i] == v)
            return (gr_ref){call->operand[i], gr__value(it->graph, v)->dtype, gr__value(it->graph, v)->shape};
    fail_msg("an operand is not listed");
    return (gr_ref){0};
}

/* ---- a product and its epilogue ---- */

static void run_epilogue(const gr_kernel *k, const gr_call *call, int shard)
{
    const gr_item *it = ((const bad_kernel *)k)->item;
    gr_ref so_far = {call->operand[it->n_in], GR_REAL, gr_shape_of(it->graph, it->out[0])}, in[3];
    int n = made == EPILOGUE_LEFT_OUT ? 1 : made == EPILOGUE_CUT ? it->n_nodes - 1 : it->n_nodes;
    (void)shard;
    for (int i = 0; i < n + (made == EPILOGUE_TWICE); i++) {
        int at = i < n ? i : n - 1;
        const gr_node *node = gr__node(it->graph, it->nodes[at]);
        for (int j = 0; j < node->n_in; j++) {
            bool chained = at > 0 && node->in[j] == gr__node(it->graph, it->nodes[at - 1])->out;
            in[j] = chained ? so_far : operand(it, call, node->in[j]);
        }
        if (made == EPILOGUE_TURNED && i == 1 && node->n_in == 2) {
            gr_ref first = in[0];
            in[0] = in[1], in[1] = first;
        }
        node->op->ref(it->graph, node, in, &so_far);
    }
}

/* ---- rows and their lines ---- */

typedef struct row_state {
    gr_val known[NODES];
    double value[NODES][COLUMNS];
    int64_t count[NODES]; /* numbers of one row: COLUMNS or 1 */
    double line[NODES];   /* of the row before, or the first */
    int n;
} row_state;

static gr_ref row_of(const gr_item *it, const gr_call *call, row_state *s, int64_t row, gr_val v)
{
    for (int i = 0; i < s->n; i++)
        if (s->known[i] == v) return (gr_ref){s->value[i], GR_REAL, GR_SHAPE(1, s->count[i])};
    for (int i = 0; i < it->n_in; i++) {
        if (it->in[i] != v || gr__value(it->graph, v)->shape.rank == 0) continue;
        int64_t each = gr_shape_count(gr_shape_of(it->graph, v)) / it->space[0].rows;
        return (gr_ref){(double *)call->operand[i] + row * each, GR_REAL, GR_SHAPE(1, each)};
    }
    const gr_node *p = gr__producer(it->graph, v);
    return p->op->code == GR_OP_RESHAPE ? row_of(it, call, s, row, p->in[0]) : operand(it, call, v);
}

static void spoil(row_state *s, int i, int64_t row, bool first_line)
{
    double fresh = s->value[i][0];
    bool old =
        made == LINE_OF_THE_ROW_BEFORE || made == LINE_OF_THE_FIRST_ROW || (made == LINE_NEVER_FRESH && first_line);
    if (old && row > 0) s->value[i][0] = s->line[i];
    if (row == 0 || made == LINE_OF_THE_ROW_BEFORE) s->line[i] = fresh;
}

static void run_row(const gr_item *it, const gr_call *call, row_state *s, int64_t row)
{
    int reductions = 0;
    s->n = 0;
    for (int i = 0; i < it->n_nodes; i++) {
        gr_node node = *gr__node(it->graph, it->nodes[i]);
        bool reduces = gr__node_is_reduction(&node);
        gr_ref in[3], out = {s->value[i], GR_REAL, GR_SHAPE(1, 1)};
        for (int j = 0; j < node.n_in; j++) in[j] = row_of(it, call, s, row, node.in[j]);
        int64_t all = gr_shape_count(gr_shape_of(it->graph, node.out));
        s->count[i] = all == it->space[0].rows ? 1 : COLUMNS;
        out.shape = GR_SHAPE(1, s->count[i]);
        if (reduces) node.attr.i[0] = 2, node.attr.i[1] = true;
        if (reduces && made == LINE_OF_HALF_A_ROW) in[0].shape = GR_SHAPE(1, COLUMNS / 2);
        node.op->ref(it->graph, &node, in, &out);
        if (reduces) spoil(s, i, row, reductions++ == 0);
        s->known[s->n++] = node.out;
    }
}

static void run_lines(const gr_kernel *k, const gr_call *call, int shard)
{
    const gr_item *it = ((const bad_kernel *)k)->item;
    row_state s = {.n = 0};
    (void)shard;
    for (int64_t row = 0; row < it->space[0].rows; row++) {
        run_row(it, call, &s, row);
        for (int o = 0; o < it->n_out; o++) {
            gr_ref from = row_of(it, call, &s, row, it->out[o]);
            int64_t n = gr_shape_count(from.shape);
            memcpy((double *)call->operand[it->n_in + o] + row * n, from.data, (size_t)n * sizeof(double));
        }
    }
}

/* ---- the backend ---- */

static void destroy(gr_context *ctx, gr_kernel *k)
{
    gr__free(ctx, k, sizeof(bad_kernel));
}

static bool has_lines(const gr_item *it)
{
    int reductions = 0, spread = 0;
    for (int i = 0; i < it->n_nodes; i++) {
        reductions += gr__node_is_reduction(gr__node(it->graph, it->nodes[i]));
        spread += gr__node(it->graph, it->nodes[i])->op->code == GR_OP_BROADCAST;
    }
    return it->kind == GR_ITEM_REGION && reductions > 0 && spread > 0 && it->space[0].columns == COLUMNS;
}

static gr_status make(gr_context *ctx, const gr_item *it, gr_kernel **out)
{
    bool epilogue = it->kind == GR_ITEM_NODE && it->n_nodes > 1;
    if (!epilogue && !has_lines(it)) return toy.make(ctx, it, out);
    bad_kernel *k = gr__alloc(ctx, sizeof *k);
    if (!k) return gr__error_code(ctx);
    assert_int_equal(it->n_segments, 1);
    assert_in_range(it->n_nodes, 1, NODES);
    ++*(epilogue ? &epilogues : &lines);
    k->item = it;
    k->base = (gr_kernel){.name = "bad", .n_phases = 1, .n_operands = it->n_in + it->n_out, .destroy = destroy};
    k->base.phase[0].run = epilogue ? run_epilogue : run_lines;
    k->base.phase[0].n_shards = 1;
    k->base.phase[0].cost_ns = 1;
    *out = &k->base;
    return GR_OK;
}

/* Softmax of rows, then tanh(2 - y y'): both are fused, unless every node is to be an item of its own. */
static void run(bool unfused, double to[ROWS * (COLUMNS + ROWS)])
{
    gr_backend bad = toy;
    gr_context *ctx = test_context();
    gr_graph *g;
    gr_store *store;
    gr_plan *plan;
    bad.make = make;
    epilogues = lines = 0;
    test_ok(ctx, gr_graph_create(ctx, &g));
    test_ok(ctx, gr_store_create(ctx, &bad, &store));
    gr_val x = gr_feed(g, "x", GR_REAL, GR_SHAPE(ROWS, COLUMNS)), b = gr_feed(g, "b", GR_REAL, GR_SHAPE(ROWS, ROWS));
    gr_val e = gr_exp(g, gr_sub(g, x, gr_reduce_max(g, x, (int[]){1}, 1, true)));
    gr_val y = gr_div(g, e, gr_sum(g, e, (int[]){1}, 1, true));
    gr_output(g, "y", y);
    gr_output(g, "z", gr_tanh(g, gr_sub(g, b, gr_matmul(g, y, y, false, true))));
    gr_plan_options options = {.backend = &bad, .unfused = unfused};
    test_ok(ctx, gr_plan_compile(ctx, g, store, &options, &plan));
    test_ok(ctx, gr_store_seal(store));
    test_ok(ctx, gr_plan_bind(plan, NULL));
    double *feed = gr_plan_feed(plan, "x", NULL);
    for (int i = 0; i < ROWS * COLUMNS; i++) feed[i] = (double)(i * 37 % 101) / 20 - 2;
    feed = gr_plan_feed(plan, "b", NULL);
    for (int i = 0; i < ROWS * ROWS; i++) feed[i] = (double)(i * 53 % 29) / 29;
    test_ok(ctx, gr_plan_run(plan));
    memcpy(to, gr_plan_output(plan, "y", NULL), ROWS * COLUMNS * sizeof *to);
    memcpy(to + ROWS * COLUMNS, gr_plan_output(plan, "z", NULL), ROWS * ROWS * sizeof *to);
    assert_int_equal(epilogues, !unfused);
    assert_int_equal(lines, !unfused);
    gr_plan_destroy(plan);
    gr_store_destroy(store);
    gr_graph_destroy(g);
    test_context_end(ctx);
}

static bool fused_is_unfused(void)
{
    double one[ROWS * (COLUMNS + ROWS)], other[ROWS * (COLUMNS + ROWS)];
    run(true, one);
    run(false, other);
    return memcmp(one, other, sizeof one) == 0;
}

static void the_right_one_passes(void **state)
{
    (void)state;
    made = NONE;
    assert_true(fused_is_unfused());
}

static void wrong_ones_are_rejected(void **state)
{
    (void)state;
    for (int m = NONE + 1; m < MISTAKES; m++) {
        made = (mistake)m;
        if (fused_is_unfused()) fail_msg("mistake %d passes", m);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_right_one_passes),
        cmocka_unit_test(wrong_ones_are_rejected),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
