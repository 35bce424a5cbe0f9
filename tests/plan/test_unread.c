/* Outputs that nobody reads have no memory and are not written; those that are read may be read in any way. */
#include "outputs.h"
#include "support/toy.h"

typedef struct rig {
    gr_context *ctx;
    gr_graph *g;
    gr_store *store;
    gr_plan *plan;
    gr_val x, node;
} rig;

enum { ROWS = 24, COLUMNS = 5 };

static rig begin(void)
{
    rig r = {.ctx = test_context()};
    test_ok(r.ctx, gr_graph_create(r.ctx, &r.g));
    test_ok(r.ctx, gr_store_create(r.ctx, &toy, &r.store));
    r.x = gr_feed(r.g, "x", GR_REAL, GR_SHAPE(ROWS, COLUMNS));
    r.node = rows_of(r.g, &rows_op, r.x);
    return r;
}

static gr_val output(const rig *r, int o)
{
    return gr__node_output(r->g, r->node, o);
}

static void compile(rig *r)
{
    test_ok(r->ctx, gr_plan_compile(r->ctx, r->g, r->store, &(gr_plan_options){.backend = &toy}, &r->plan));
    test_ok(r->ctx, gr_store_seal(r->store));
    test_ok(r->ctx, gr_plan_bind(r->plan, NULL));
}

static void run(rig *r)
{
    double *x = gr_plan_feed(r->plan, "x", NULL);
    for (int i = 0; i < ROWS * COLUMNS; i++) x[i] = i * 37 % 101;
    test_ok(r->ctx, gr_plan_run(r->plan));
}

static double x_at(int row, int column)
{
    return (row * COLUMNS + column) * 37 % 101;
}

static double sum_at(int row)
{
    double sum = 0;
    for (int c = 0; c < COLUMNS; c++) sum += x_at(row, c);
    return sum;
}

static void end(rig *r)
{
    gr_plan_destroy(r->plan);
    gr_graph_destroy(r->g);
    gr_store_destroy(r->store);
    test_context_end(r->ctx);
}

static gr_val build(gr_graph *g, gr_val x)
{
    return rows_of(g, &rows_op, x);
}

static void any_subset_comes_out_as_all_do(void **state)
{
    (void)state;
    assert_int_equal(outputs_check(&toy, build, GR_SHAPE(7, 3), ROWS_OUTPUTS), OUTPUTS_AGREE);
    assert_int_equal(outputs_check(&toy, build, GR_SHAPE(1, 1), ROWS_OUTPUTS), OUTPUTS_AGREE);
}

/* The item of the node, its kernel's arguments, and how much the arena holds. */
static uint64_t activations(int wanted, int *views)
{
    rig r = begin();
    for (int o = 0; o < ROWS_OUTPUTS; o++)
        if (wanted >> o & 1) gr_output(r.g, (const char *[]){"sum", "index", "centred"}[o], output(&r, o));
    compile(&r);
    assert_int_equal(gr_plan_rows(r.plan), 1);
    const gr__instruction *in = &r.plan->instructions[0];
    assert_int_equal(in->made->item.n_out, ROWS_OUTPUTS); /* by number, whoever reads them */
    for (int o = 0; o < ROWS_OUTPUTS; o++) assert_int_equal(in->address[1 + o] != NULL, wanted >> o & 1);
    *views = gr_plan_views(r.plan, 0);
    for (int k = 0, o = 0; k < *views; k++, o++) {
        while (!(wanted >> o & 1)) o++;
        gr_plan_view v = gr_plan_view_at(r.plan, 0, k);
        assert_int_equal(v.dtype, o == ROWS_INDEX ? GR_I32 : GR_REAL);
        assert_int_equal(v.shape.rank, o == ROWS_CENTRED ? 2 : 1);
        assert_ptr_equal(v.data, in->address[1 + o]);
    }
    assert_int_equal(gr_plan_view_at(r.plan, 0, *views).shape.rank, 0);
    uint64_t bytes = gr_plan_bytes(r.plan).activations, flow = (uint64_t)gr_plan_row_at(r.plan, 0).bytes;
    uint64_t traffic = ROWS * COLUMNS * sizeof(double) + (wanted & 1 ? ROWS * sizeof(double) : 0) +
                       (wanted & 2 ? ROWS * sizeof(int32_t) : 0) + (wanted & 4 ? ROWS * COLUMNS * sizeof(double) : 0);
    assert_int_equal(flow, traffic);
    run(&r);
    end(&r);
    return bytes;
}

static void unread_outputs_take_no_memory(void **state)
{
    (void)state;
    uint64_t x = gr__granules(ROWS * COLUMNS * sizeof(double));
    uint64_t part[] = {gr__granules(ROWS * sizeof(double)), gr__granules(ROWS * sizeof(int32_t)), x};
    for (int wanted = 1; wanted < 8; wanted++) {
        uint64_t bytes = x;
        int views, want = 0;
        for (int o = 0; o < ROWS_OUTPUTS; o++)
            if (wanted >> o & 1) bytes += part[o], want++;
        assert_int_equal(activations(wanted, &views), bytes);
        assert_int_equal(views, want);
    }
}

static void a_node_whose_outputs_are_all_unread_does_not_run(void **state)
{
    (void)state;
    rig r = begin();
    gr_output(r.g, "x", gr_tanh(r.g, r.x));
    compile(&r);
    assert_int_equal(gr_plan_rows(r.plan), 1);
    assert_string_equal(gr_plan_view_at(r.plan, 0, 0).operation, "tanh");
    end(&r);
}

/* The last output through a view, within a region, as the new value of a slot, and as the gradient of a parameter, with
 * the others unread. */
static void a_later_output_is_read_in_any_way(void **state)
{
    (void)state;
    for (int way = 0; way < 4; way++) {
        rig r = begin();
        gr_shape s = GR_SHAPE(ROWS, COLUMNS);
        gr_val v = output(&r, ROWS_CENTRED), line = gr_reshape(r.g, v, GR_SHAPE(ROWS * COLUMNS));
        gr_entry_spec spec = {.name = "e", .shape = s, .slot = way == 2};
        if (way >= 2) test_ok(r.ctx, gr_store_add(r.store, &spec, NULL));
        if (way == 0) gr_output(r.g, "y", line);
        if (way == 1) gr_output(r.g, "y", gr_add(r.g, gr_mul(r.g, v, gr_const(r.g, 2)), r.x));
        if (way == 2) gr_assign(r.g, gr_slot(r.g, "e", s), v, GR_ASSIGN_STATE);
        if (way == 3) {
            gr_mark_gradient(r.g, gr_param(r.g, "e", s), v);
            gr_output(r.g, "y", gr_neg(r.g, v));
            gr_output(r.g, "parameter", gr_param(r.g, "e", s));
        }
        compile(&r);
        run(&r);
        const gr__instruction *in = &r.plan->instructions[0];
        assert_true(!in->address[1] && !in->address[2] && in->address[3]);
        if (way == 2) assert_ptr_equal(in->address[3], gr_store_find(r.store, "e")->data); /* no copy */
        if (way == 3) assert_int_equal(r.plan->buffers[in->operand[3].buffer].spot.kind, GR__IN_GRADIENTS);
        const double *y = way == 2 ? gr_store_find(r.store, "e")->data : gr_plan_output(r.plan, "y", NULL);
        for (int i = 0; i < ROWS * COLUMNS; i++) {
            double want = x_at(i / COLUMNS, i % COLUMNS) - sum_at(i / COLUMNS) / COLUMNS;
            if (way == 1) want = want * 2 + x_at(i / COLUMNS, i % COLUMNS);
            if (way == 3) want = -want;
            assert_true(y[i] == want);
        }
        end(&r);
    }
}

/* Values that are not finite are found in any output, and an unread one is not looked at. */
static void what_is_not_finite_is_found_in_a_later_output(void **state)
{
    (void)state;
    rig r = begin();
    gr_val c = output(&r, ROWS_CENTRED), log = gr_log(r.g, gr_sub(r.g, c, gr_const(r.g, 1e9)));
    test_ok(r.ctx, gr_store_add(r.store, &(gr_entry_spec){.name = "w", .shape = GR_SCALAR}, NULL));
    gr_val j = gr_sum_all(r.g, log), w = gr_param(r.g, "w", GR_SCALAR);
    gr_guard(r.g, j);
    gr_assign(r.g, w, gr_add(r.g, w, j), GR_ASSIGN_UPDATE);
    compile(&r);
    double *x = gr_plan_feed(r.plan, "x", NULL);
    for (int i = 0; i < ROWS * COLUMNS; i++) x[i] = i;
    assert_int_equal(gr_plan_run(r.plan), GR_E_DIVERGED);
    char text[128];
    for (int bad = 0; bad < 2; bad++) {
        x = gr_plan_feed(r.plan, "x", NULL);
        for (int i = 0; i < ROWS * COLUMNS; i++) x[i] = i;
        if (bad) x[7] = 1e308, x[8] = 1e308; /* their sum is infinite, and what is centred by it */
        assert_true(gr_plan_find_nonfinite(r.plan, text, sizeof text));
        assert_string_equal(text, bad ? "rows" : "log");
    }
    end(&r);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(any_subset_comes_out_as_all_do),
        cmocka_unit_test(unread_outputs_take_no_memory),
        cmocka_unit_test(a_node_whose_outputs_are_all_unread_does_not_run),
        cmocka_unit_test(a_later_output_is_read_in_any_way),
        cmocka_unit_test(what_is_not_finite_is_found_in_a_later_output),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
