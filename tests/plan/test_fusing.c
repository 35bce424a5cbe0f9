/* What becomes one kernel, what stays apart, and where gradients stand. */
#include "support/rig.h"

static void an_optimizer_is_one_kernel(void **state)
{
    (void)state;
    rig r = rig_begin();
    rig_adam(&r);
    rig_ready(&r);
    int updates = 0, norms = 0;
    for (int i = 0; i < r.plan->n_instructions; i++) {
        const gr__instruction *in = &r.plan->instructions[i];
        if (in->code != GR__CALL) continue;
        const gr_item *it = &in->made->item;
        if (in->writes_store && it->n_segments == 5) updates++;
        if (it->n_segments == 5 && it->n_in == 1 && it->n_out == 1 && gr_shape_of(r.plan->graph, it->out[0]).rank == 0)
            norms++;
    }
    assert_int_equal(updates, 1);
    assert_int_equal(norms, 1);
    assert_false(rig_has_kernel(&r, "copy"));
    for (int i = 0; i < 5; i++) rig_set(&r, rig_tensors[i], 0.1, 0.01);
    rig_feed_adam(&r);
    test_ok(r.ctx, gr_plan_run(r.plan));
    double norm = 0, d = 0;
    for (int i = 0; i < 5; i++) {
        double n = (double)gr_shape_count(rig_shapes[i]), sum = 0.1 * n + 0.01 * n * (n - 1) / 2;
        double each = 2 * 0.1 * exp(0.1 * sum);
        norm += n * each * each;
        if (i == 1) d = each;
    }
    assert_true(fabs(rig_out(&r, "norm", 0) / norm - 1) < 1e-12);
    assert_true(rig_at(&r, "t", 0) == 1);
    double c = d * fmin(1, 1 / sqrt(norm)), wanted = 0.1 - 0.1 / (1 - 0.9) * 0.1 * c / (0.1 * fabs(c) + 1e-3);
    assert_true(fabs(rig_at(&r, "bias", 0) - wanted) < 1e-12);
    rig_end(&r);
}

static void updates_that_need_each_other_stay_apart(void **state)
{
    (void)state;
    rig r = rig_begin();
    gr_val a = rig_entry(&r, "a", GR_SHAPE(3), false), b = rig_entry(&r, "b", GR_SHAPE(3), false),
           x = gr_feed(r.g, "x", GR_REAL, GR_SCALAR);
    gr_val first = gr_mul(r.g, a, gr_exp(r.g, x)), second = gr_mul(r.g, b, gr_exp(r.g, gr_sum_all(r.g, first)));
    gr_assign(r.g, a, first, GR_ASSIGN_UPDATE);
    gr_assign(r.g, b, second, GR_ASSIGN_UPDATE);
    gr_output(r.g, "sum", gr_sum_all(r.g, second)); /* so that both are a product and its sum */
    rig_ready(&r);
    rig_set(&r, "a", 1, 0);
    rig_set(&r, "b", 1, 0);
    *(double *)gr_plan_feed(r.plan, "x", NULL) = 0;
    test_ok(r.ctx, gr_plan_run(r.plan));
    assert_true(rig_at(&r, "a", 0) == 1 && fabs(rig_at(&r, "b", 0) - exp(3)) < 1e-12);
    rig_end(&r);
}

static void gradients_stand_at_their_parameters_offsets(void **state)
{
    (void)state;
    rig r = rig_begin();
    rig_adam(&r);
    rig_ready(&r);
    uint64_t parameters;
    gr_store_bytes(r.store, &parameters, NULL);
    assert_int_equal(gr_plan_bytes(r.plan).gradients, parameters);
    gr_effects fx = gr__graph_effects(r.plan->graph);
    assert_int_equal(fx.n_gradients, 5);
    for (size_t i = 0; i < 5; i++) {
        gr__spot p = rig_spot(&r, fx.gradients[i].param), d = rig_spot(&r, fx.gradients[i].gradient);
        assert_int_equal(d.kind, GR__IN_GRADIENTS);
        assert_int_equal(d.offset, gr_store_entry(r.store, p.index)->offset);
    }
    rig_end(&r);
}

static void contractions_take_their_epilogues(void **state)
{
    (void)state;
    rig r = rig_begin();
    gr_val x = gr_feed(r.g, "x", GR_REAL, GR_SHAPE(3, 4)), w = rig_entry(&r, "w", GR_SHAPE(5, 4), false),
           b = rig_entry(&r, "b", GR_SHAPE(5), false);
    gr_scope_push(r.g, "dense", "d");
    gr_val y = gr_relu(r.g, gr_add(r.g, gr_matmul(r.g, x, w, false, true), b));
    gr_scope_pop(r.g);
    gr_output(r.g, "y", y);
    rig_ready(&r);
    assert_int_equal(gr_plan_rows(r.plan), 1);
    gr_plan_row row = gr_plan_row_at(r.plan, 0);
    assert_int_equal(row.nodes, 4);
    assert_string_equal(row.kernel, "matmul");
    assert_string_equal(row.scope, "dense \"d\"");
    assert_true(row.flops == 2 * 15 * 4 + 15 + 15);
    assert_true(row.bytes == 8 * (12 + 20 + 5 + 15));
    const gr_item *it = &r.plan->instructions[0].made->item;
    assert_int_equal(gr__node(r.plan->graph, it->nodes[0])->op->code, GR_OP_MATMUL);
    assert_int_equal(it->n_in, 3);
    rig_set(&r, "w", 0.5, -0.1);
    rig_set(&r, "b", -1, 0.5);
    double *feed = gr_plan_feed(r.plan, "x", NULL), xs[12];
    for (int i = 0; i < 12; i++) feed[i] = xs[i] = i % 5 - 2.0;
    test_ok(r.ctx, gr_plan_run(r.plan));
    for (int i = 0; i < 15; i++) {
        double sum = -1 + 0.5 * (i % 5);
        for (int k = 0; k < 4; k++) sum += xs[i / 5 * 4 + k] * (0.5 - 0.1 * (i % 5 * 4 + k));
        assert_true(fabs(rig_out(&r, "y", i) - (sum > 0 ? sum : 0)) < 1e-12);
    }
    assert_int_equal(gr_plan_row_at(r.plan, 7).nodes, 0);
    rig_end(&r);
}

/* The backend takes as much of the chain as it can; the rest, and what others read, is computed apart. */
static void an_epilogue_is_a_chain_of_any_nodes(void **state)
{
    (void)state;
    for (int read = 0; read < 2; read++) {
        rig r = rig_begin();
        gr_val x = gr_feed(r.g, "x", GR_REAL, GR_SHAPE(3, 2)), w = rig_entry(&r, "w", GR_SHAPE(2, 2), false),
               b = rig_entry(&r, "b", GR_SHAPE(3, 1), false);
        gr_val scaled = gr_mul(r.g, gr_broadcast(r.g, b, GR_SHAPE(3, 2)), gr_matmul(r.g, x, w, false, true)),
               bent = gr_tanh(r.g, scaled), moved = gr_sub(r.g, x, bent), y = gr_exp(r.g, moved);
        gr_output(r.g, "y", y);
        if (read) gr_output(r.g, "bent", bent);
        rig_ready(&r);
        assert_int_equal(gr_plan_rows(r.plan), 2);
        const gr_item *first = &r.plan->instructions[0].made->item;
        assert_int_equal(first->n_nodes, read ? 4 : 5); /* with the broadcast, which is read in place */
        assert_int_equal(gr__node(r.plan->graph, first->nodes[0])->op->code, GR_OP_MATMUL);
        assert_int_equal(first->n_in, 3);
        rig_set(&r, "w", 0.5, -0.1);
        rig_set(&r, "b", -1, 0.5);
        double *feed = gr_plan_feed(r.plan, "x", NULL), xs[6];
        for (int i = 0; i < 6; i++) feed[i] = xs[i] = i % 4 - 1.0;
        test_ok(r.ctx, gr_plan_run(r.plan));
        for (int i = 0; i < 6; i++) {
            double sum = 0;
            for (int k = 0; k < 2; k++) sum += xs[i / 2 * 2 + k] * (0.5 - 0.1 * (i % 2 * 2 + k));
            double want = exp(xs[i] - tanh((-1 + 0.5 * (double)(i / 2)) * sum));
            assert_true(fabs(rig_out(&r, "y", i) - want) < 1e-12);
        }
        rig_end(&r);
    }
}

static void a_product_that_others_read_keeps_its_value(void **state)
{
    (void)state;
    rig r = rig_begin();
    gr_val x = gr_feed(r.g, "x", GR_REAL, GR_SHAPE(2, 2)), b = rig_entry(&r, "b", GR_SHAPE(2), false);
    gr_val m = gr_matmul(r.g, x, x, false, true);
    gr_output(r.g, "m", m);
    gr_output(r.g, "y", gr_add(r.g, m, b));
    rig_ready(&r);
    assert_int_equal(gr_plan_rows(r.plan), 2);
    rig_end(&r);
}

/* ---- lines: what has one number a row ---- */

static gr_val softmax_of(gr_graph *g, gr_val x)
{
    int last = gr_shape_of(g, x).rank - 1;
    gr_val e = gr_exp(g, gr_sub(g, x, gr_stop(g, gr_reduce_max(g, x, &last, 1, true))));
    return gr_div(g, e, gr_sum(g, e, &last, 1, true));
}

/* All axes but the first together; the mean without its axes, so that it comes back through a reshape. */
static gr_val layer_norm_of(gr_graph *g, gr_val x)
{
    gr_shape s = gr_shape_of(g, x), line = s;
    int axes[GR_MAX_RANK], n = 0;
    for (int i = 1; i < s.rank; i++) axes[n++] = i, line.dim[i] = 1;
    gr_val share = gr_const(g, (double)s.dim[0] / (double)gr_shape_count(s)),
           mean = gr_mul(g, gr_sum(g, x, axes, n, false), share), d = gr_sub(g, x, gr_reshape(g, mean, line)),
           variance = gr_mul(g, gr_sum(g, gr_square(g, d), axes, n, true), share);
    return gr_mul(g, d, gr_recip(g, gr_sqrt(g, gr_add(g, variance, gr_const(g, 1e-5)))));
}

static int rows_of_plan(gr_shape shape, gr_val (*build)(gr_graph *g, gr_val x), gr_val (*before)(gr_graph *g, gr_val x))
{
    rig r = rig_begin();
    gr_val x = gr_feed(r.g, "x", GR_REAL, shape);
    gr_output(r.g, "y", build(r.g, before ? before(r.g, x) : x));
    rig_ready(&r);
    int rows = gr_plan_rows(r.plan);
    rig_end(&r);
    return rows;
}

static void what_rows_are_normalised_by_is_one_kernel(void **state)
{
    (void)state;
    const gr_shape shapes[] = {GR_SHAPE(5, 7),    GR_SHAPE(1, 7), GR_SHAPE(6, 2),      GR_SHAPE(2, 3, 5),
                               GR_SHAPE(4, 1, 9), GR_SHAPE(7, 7), GR_SHAPE(3, 2, 1, 4)};
    for (size_t i = 0; i < GR_COUNT(shapes); i++) {
        assert_int_equal(rows_of_plan(shapes[i], softmax_of, NULL), 1);
        assert_int_equal(rows_of_plan(shapes[i], layer_norm_of, NULL), 1);
        assert_int_equal(rows_of_plan(shapes[i], softmax_of, gr_tanh), 1);
    }
    assert_int_equal(rows_of_plan(GR_SHAPE(3, 40), softmax_of, NULL), 1); /* as long as the backend takes them */
    assert_int_equal(rows_of_plan(GR_SHAPE(3, 41), softmax_of, NULL), 3);
}

/* The sums of rows of a square, read as if they were those of columns, are not there yet. */
static gr_val crosswise(gr_graph *g, gr_val x)
{
    return gr_add(g, x, gr_sum(g, x, (int[]){1}, 1, false));
}

static gr_val lengthwise(gr_graph *g, gr_val x)
{
    return gr_add(g, x, gr_sum(g, x, (int[]){1}, 1, true));
}

static gr_val by_columns(gr_graph *g, gr_val x)
{
    return gr_add(g, x, gr_sum(g, x, (int[]){0}, 1, true));
}

static gr_val sorted_otherwise(gr_graph *g, gr_val x) /* the sums in another order of rows */
{
    gr_val sums = gr_permute(g, gr_reshape(g, gr_sum(g, x, (int[]){1}, 1, false), GR_SHAPE(2, 3)), (int[]){1, 0});
    return gr_add(g, x, gr_reshape(g, sums, GR_SHAPE(6, 1)));
}

static void what_other_rows_need_is_a_kernel_of_its_own(void **state)
{
    (void)state;
    assert_int_equal(rows_of_plan(GR_SHAPE(6, 6), lengthwise, NULL), 1);
    assert_int_equal(rows_of_plan(GR_SHAPE(6, 6), crosswise, NULL), 2);
    assert_int_equal(rows_of_plan(GR_SHAPE(6, 6), by_columns, NULL), 2);
    assert_int_equal(rows_of_plan(GR_SHAPE(6, 6), sorted_otherwise, NULL), 3);
}

/* Only what others read is written: the result, not its maxima and sums. */
static void lines_are_written_only_for_others(void **state)
{
    (void)state;
    for (int read = 0; read < 2; read++) {
        rig r = rig_begin();
        gr_val x = gr_feed(r.g, "x", GR_REAL, GR_SHAPE(3, 4)), y = softmax_of(r.g, x),
               sum = gr_sum(r.g, gr_exp(r.g, gr_sub(r.g, x, gr_reduce_max(r.g, x, (int[]){1}, 1, true))), (int[]){1}, 1,
                            true);
        gr_output(r.g, "y", y);
        if (read) gr_output(r.g, "log", gr_log(r.g, gr_reshape(r.g, sum, GR_SHAPE(3))));
        rig_ready(&r);
        assert_int_equal(gr_plan_rows(r.plan), 1);
        assert_int_equal(r.plan->instructions[0].made->item.n_out, 1 + read);
        double *feed = gr_plan_feed(r.plan, "x", NULL), xs[12];
        for (int i = 0; i < 12; i++) feed[i] = xs[i] = (i * 5 % 7) - 2.5;
        test_ok(r.ctx, gr_plan_run(r.plan));
        for (int i = 0; i < 12; i++) {
            double most = -INFINITY, total = 0;
            for (int k = 0; k < 4; k++) most = fmax(most, xs[i / 4 * 4 + k]);
            for (int k = 0; k < 4; k++) total += exp(xs[i / 4 * 4 + k] - most);
            assert_true(fabs(rig_out(&r, "y", i) - exp(xs[i] - most) / total) < 1e-12);
            if (read) assert_true(fabs(rig_out(&r, "log", i / 4) - log(total)) < 1e-12);
        }
        rig_end(&r);
    }
}

/* A reduction wants the broadcast of a line in memory, so the region of the line writes it; a kernel behind a product,
 * or the end of the product itself, reads the line in place. */
static void a_line_is_written_for_those_that_read_its_broadcast_in_place(void **state)
{
    (void)state;
    for (int end = 0; end < 2; end++) {
        rig r = rig_begin();
        gr_val x = gr_feed(r.g, "x", GR_REAL, GR_SHAPE(3, 1)), k = gr_feed(r.g, "k", GR_REAL, GR_SHAPE(1, 4)),
               wide = gr_broadcast(r.g, gr_tanh(r.g, x), GR_SHAPE(3, 4)),
               m = gr_matmul(r.g, gr_sum(r.g, wide, (int[]){1}, 1, true), k, false, false);
        gr_output(r.g, "y", gr_sub(r.g, wide, end ? m : gr_mul(r.g, m, m)));
        rig_ready(&r);
        assert_int_equal(gr_plan_rows(r.plan), end ? 2 : 3);
        double *xs = gr_plan_feed(r.plan, "x", NULL), *ks = gr_plan_feed(r.plan, "k", NULL);
        for (int i = 0; i < 3; i++) xs[i] = 0.5 * i - 0.3;
        for (int i = 0; i < 4; i++) ks[i] = 0.2 * i - 0.5;
        test_ok(r.ctx, gr_plan_run(r.plan));
        for (int i = 0; i < 12; i++) {
            double line = tanh(0.5 * (i / 4) - 0.3), product = 4 * line * (0.2 * (i % 4) - 0.5);
            assert_true(fabs(rig_out(&r, "y", i) - (line - (end ? product : product * product))) < 1e-12);
        }
        rig_end(&r);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_optimizer_is_one_kernel),
        cmocka_unit_test(updates_that_need_each_other_stay_apart),
        cmocka_unit_test(gradients_stand_at_their_parameters_offsets),
        cmocka_unit_test(contractions_take_their_epilogues),
        cmocka_unit_test(an_epilogue_is_a_chain_of_any_nodes),
        cmocka_unit_test(a_product_that_others_read_keeps_its_value),
        cmocka_unit_test(what_rows_are_normalised_by_is_one_kernel),
        cmocka_unit_test(what_other_rows_need_is_a_kernel_of_its_own),
        cmocka_unit_test(lines_are_written_only_for_others),
        cmocka_unit_test(a_line_is_written_for_those_that_read_its_broadcast_in_place),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
