/* What a plan promises: assignments see old values, the guard, one kernel for all parameters, exact bytes, runs that
 * allocate nothing, clear errors. */
#include <xmmintrin.h>

#include "plan/toy.h"

typedef struct rig {
    gr_context *ctx;
    gr_graph *g;
    gr_store *store;
    gr_plan *plan;
} rig;

static rig begin_with(int threads)
{
    rig r = {.ctx = test_context_with(threads, 0)};
    assert_int_equal(gr_graph_create(r.ctx, &r.g), GR_OK);
    assert_int_equal(gr_store_create(r.ctx, &toy, &r.store), GR_OK);
    return r;
}

static rig begin(void)
{
    return begin_with(1);
}

static void end(rig *r)
{
    gr_plan_destroy(r->plan);
    gr_graph_destroy(r->g);
    gr_store_destroy(r->store);
    test_context_end(r->ctx);
}

static gr_val entry(rig *r, const char *name, gr_shape shape, bool slot)
{
    test_ok(r->ctx, gr_store_add(r->store, &(gr_entry_spec){.name = name, .shape = shape, .slot = slot}, NULL));
    return slot ? gr_slot(r->g, name, shape) : gr_param(r->g, name, shape);
}

static gr_status compile(rig *r)
{
    return gr_plan_compile(r->ctx, r->g, r->store, &(gr_plan_options){.backend = &toy, .name = "test"}, &r->plan);
}

static void ready(rig *r)
{
    test_ok(r->ctx, compile(r));
    test_ok(r->ctx, gr_store_seal(r->store));
    test_ok(r->ctx, gr_plan_bind(r->plan, NULL));
}

static void set(rig *r, const char *name, double first, double step)
{
    const gr_entry *e = gr_store_find(r->store, name);
    double v[64];
    for (int64_t i = 0; i < e->count; i++) v[i] = first + step * (double)i;
    gr_store_write(r->store, e, v);
}

static double at(rig *r, const char *name, int i)
{
    return ((const double *)gr_store_find(r->store, name)->data)[i];
}

static double out(rig *r, const char *name, int i)
{
    return ((const double *)gr_plan_output(r->plan, name, NULL))[i];
}

static bool has_kernel(const rig *r, const char *name)
{
    for (int i = 0; i < gr_plan_rows(r->plan); i++)
        if (strcmp(gr_plan_row_at(r->plan, i).kernel, name) == 0) return true;
    return false;
}

/* ---- assignments ---- */

static void swapped_tensors_see_old_values(void **state)
{
    (void)state;
    rig r = begin();
    gr_val a = entry(&r, "a", GR_SHAPE(3), false), b = entry(&r, "b", GR_SHAPE(3), false),
           t = entry(&r, "t", GR_SCALAR, true), u = entry(&r, "u", GR_SCALAR, true);
    gr_assign(r.g, a, b, GR_ASSIGN_UPDATE);
    gr_assign(r.g, b, a, GR_ASSIGN_UPDATE);
    gr_assign(r.g, t, gr_add(r.g, u, gr_const(r.g, 1)), GR_ASSIGN_UPDATE);
    gr_assign(r.g, u, gr_add(r.g, t, gr_const(r.g, 2)), GR_ASSIGN_UPDATE);
    gr_output(r.g, "before", a);
    ready(&r);
    set(&r, "a", 1, 1);
    set(&r, "b", 10, 10);
    set(&r, "t", 5, 0);
    set(&r, "u", 7, 0);
    test_ok(r.ctx, gr_plan_run(r.plan));
    assert_true(at(&r, "a", 2) == 30 && at(&r, "b", 2) == 3);
    assert_true(at(&r, "t", 0) == 8 && at(&r, "u", 0) == 7);
    assert_true(out(&r, "before", 1) == 2);
    test_ok(r.ctx, gr_plan_run(r.plan));
    assert_true(at(&r, "a", 2) == 3 && at(&r, "b", 2) == 30);
    end(&r);
}

static void updates_are_written_in_place(void **state)
{
    (void)state;
    rig r = begin();
    gr_val w = entry(&r, "w", GR_SHAPE(5), false), m = entry(&r, "w/m", GR_SHAPE(5), true),
           t = entry(&r, "t", GR_SCALAR, true);
    gr_val moment = gr_add(r.g, gr_mul(r.g, m, gr_const(r.g, 0.5)), w);
    gr_assign(r.g, m, moment, GR_ASSIGN_UPDATE);
    gr_assign(r.g, w, gr_sub(r.g, w, gr_mul(r.g, gr_const(r.g, 0.1), moment)), GR_ASSIGN_UPDATE);
    gr_assign(r.g, t, gr_add(r.g, t, gr_const(r.g, 1)), GR_ASSIGN_UPDATE);
    ready(&r);
    assert_int_equal(gr_plan_rows(r.plan), 2);
    assert_false(has_kernel(&r, "copy"));
    assert_int_equal(gr_plan_bytes(r.plan).activations, 0);
    set(&r, "w", 1, 1);
    test_ok(r.ctx, gr_plan_run(r.plan));
    assert_true(fabs(at(&r, "w", 3) - 3.6) < 1e-15 && at(&r, "w/m", 3) == 4 && at(&r, "t", 0) == 1);
    end(&r);
}

static void a_late_reader_still_sees_the_old_value(void **state)
{
    (void)state;
    rig r = begin();
    gr_val w = entry(&r, "w", GR_SHAPE(4), false);
    gr_val x = gr_feed(r.g, "x", GR_REAL, GR_SHAPE(1, 4));
    gr_val now = gr_tanh(r.g, w);
    gr_assign(r.g, w, now, GR_ASSIGN_UPDATE);
    /* needs the new value and the old one: the new one cannot go straight into the store */
    gr_output(r.g, "both",
              gr_matmul(r.g, gr_reshape(r.g, w, GR_SHAPE(1, 4)),
                        gr_mul(r.g, x, gr_reduce_max(r.g, now, (int[]){0}, 1, true)), false, true));
    ready(&r);
    set(&r, "w", 0.5, 0);
    for (int i = 0; i < 4; i++) ((double *)gr_plan_feed(r.plan, "x", NULL))[i] = 1;
    test_ok(r.ctx, gr_plan_run(r.plan));
    assert_true(fabs(out(&r, "both", 0) - 4 * 0.5 * tanh(0.5)) < 1e-15);
    assert_true(at(&r, "w", 3) == tanh(0.5));
    end(&r);
}

static void a_target_that_its_update_also_repeats_is_copied(void **state)
{
    (void)state;
    rig r = begin();
    gr_val w = entry(&r, "w", GR_SHAPE(3, 4), false), t = entry(&r, "t", GR_SCALAR, true),
           u = entry(&r, "u", GR_SCALAR, true);
    gr_assign(r.g, w, gr_sub(r.g, w, gr_slice(r.g, w, 0, 0, 1)),
              GR_ASSIGN_UPDATE); /* the slice is a view of the target */
    gr_assign(r.g, t, gr_add(r.g, t, gr_const(r.g, 1)), GR_ASSIGN_UPDATE);
    gr_assign(r.g, u, gr_mul(r.g, t, gr_const(r.g, 2)),
              GR_ASSIGN_UPDATE); /* after it in the list, but wants the old t */
    ready(&r);
    set(&r, "w", 1, 1);
    set(&r, "t", 5, 0);
    test_ok(r.ctx, gr_plan_run(r.plan));
    assert_true(at(&r, "w", 0) == 0 && at(&r, "w", 7) == 4 && at(&r, "w", 8) == 8);
    assert_true(at(&r, "t", 0) == 6 && at(&r, "u", 0) == 10);
    end(&r);
}

static void an_assigned_leaf_or_constant_is_copied(void **state)
{
    (void)state;
    rig r = begin();
    gr_val w = entry(&r, "w", GR_SHAPE(3), false), s = entry(&r, "w/slow", GR_SHAPE(3), true),
           t = entry(&r, "t", GR_SCALAR, true), z = entry(&r, "z", GR_SHAPE(3), true);
    gr_assign(r.g, s, w, GR_ASSIGN_UPDATE); /* a snapshot of what the update overwrites */
    gr_assign(r.g, w, gr_neg(r.g, w), GR_ASSIGN_UPDATE);
    gr_assign(r.g, t, gr_const(r.g, 4), GR_ASSIGN_UPDATE);
    gr_assign(r.g, z, gr_const_tensor(r.g, GR_SHAPE(3), (double[]){7, 8, 9}), GR_ASSIGN_UPDATE);
    ready(&r);
    set(&r, "w", 1, 1);
    test_ok(r.ctx, gr_plan_run(r.plan));
    assert_true(at(&r, "w/slow", 2) == 3 && at(&r, "w", 2) == -3 && at(&r, "t", 0) == 4 && at(&r, "z", 1) == 8);
    end(&r);
}

/* ---- the guard ---- */

static void nothing_is_assigned_when_the_guard_fails(void **state)
{
    (void)state;
    rig r = begin();
    gr_val w = entry(&r, "w", GR_SHAPE(4), false), t = entry(&r, "t", GR_SCALAR, true),
           s = entry(&r, "mean", GR_SHAPE(4), true);
    gr_val x = gr_feed(r.g, "x", GR_REAL, GR_SHAPE(4));
    gr_assign(r.g, s, gr_add(r.g, s, x), GR_ASSIGN_STATE);
    gr_assign(r.g, t, gr_add(r.g, t, gr_const(r.g, 1)), GR_ASSIGN_UPDATE);
    gr_assign(r.g, w, gr_add(r.g, w, x), GR_ASSIGN_UPDATE);
    gr_scope_push(r.g, "cost", "c");
    gr_val cost = gr_sum_all(r.g, gr_log(r.g, gr_add(r.g, x, w)));
    gr_scope_pop(r.g);
    gr_guard(r.g, cost);
    gr_output(r.g, "cost", cost);
    ready(&r);
    set(&r, "w", 0, 0);
    double *feed = gr_plan_feed(r.plan, "x", NULL);
    for (int i = 0; i < 4; i++) feed[i] = 1;
    test_ok(r.ctx, gr_plan_run(r.plan));
    assert_true(at(&r, "w", 1) == 1 && at(&r, "t", 0) == 1 && at(&r, "mean", 1) == 1 &&
                fabs(out(&r, "cost", 0)) < 1e-15);
    double bad[] = {-1, -5, INFINITY, NAN}; /* log 0, log of a negative, infinite and spoilt feeds */
    const char *where[] = {"log in cost \"c\"", "log in cost \"c\"", "feed \"x\"", "feed \"x\""};
    for (int k = 0; k < 4; k++) {
        char text[64] = "";
        for (int i = 0; i < 4; i++) feed[i] = bad[k];
        assert_int_equal(gr_plan_run(r.plan), GR_E_DIVERGED);
        gr_context_clear_error(r.ctx);
        for (int i = 0; i < 4; i++) feed[i] = bad[k];
        assert_true(gr_plan_find_nonfinite(r.plan, text, sizeof text));
        assert_string_equal(text, where[k]);
        assert_true(at(&r, "w", 1) == 1 && at(&r, "t", 0) == 1 && at(&r, "mean", 1) == 1);
    }
    char text[8];
    for (int i = 0; i < 4; i++) feed[i] = 1;
    assert_false(gr_plan_find_nonfinite(r.plan, text, sizeof text));
    end(&r);
}

static void a_constant_guard_and_a_guard_without_assignments(void **state)
{
    (void)state;
    rig r = begin();
    gr_val c = gr_const(r.g, INFINITY);
    gr_guard(r.g, c);
    gr_output(r.g, "c", c);
    ready(&r);
    assert_int_equal(gr_plan_run(r.plan), GR_E_DIVERGED);
    assert_true(isinf(out(&r, "c", 0)));
    end(&r);
}

/* ---- fusing and merging ---- */

static const char *const tensors[] = {"conv", "bias", "dense", "head", "square"};
static const gr_shape shapes[] = {{4, {3, 2, 2, 1}}, {1, {3}}, {2, {4, 3}}, {2, {2, 4}}, {2, {3, 3}}};

/* Adam with clipping over five tensors: norms in one kernel, scalars, updates in one kernel. */
static void adam(rig *r)
{
    gr_graph *g = r->g;
    gr_val w[5], m[5], v[5], d[5], x, norm = gr_const(g, 0), cost = gr_const(g, 0), t = entry(r, "t", GR_SCALAR, true);
    for (int i = 0; i < 5; i++) {
        char name[32];
        w[i] = entry(r, tensors[i], shapes[i], false);
        snprintf(name, sizeof name, "%s/m", tensors[i]);
        m[i] = entry(r, name, shapes[i], true);
        snprintf(name, sizeof name, "%s/v", tensors[i]);
        v[i] = entry(r, name, shapes[i], true);
        int64_t n = gr_shape_count(shapes[i]);
        snprintf(name, sizeof name, "x%d", i);
        x = gr_feed(g, name, GR_REAL, GR_SHAPE(n, 2));
        cost = gr_add(g, cost,
                      gr_sum_all(g, gr_exp(g, gr_matmul(g, gr_reshape(g, w[i], GR_SHAPE(1, n)), x, false, false))));
    }
    assert_int_equal(gr_gradients(g, cost, w, 5, d), GR_OK);
    for (int i = 0; i < 5; i++) gr_mark_gradient(g, w[i], d[i]);
    for (int i = 0; i < 5; i++) norm = gr_add(g, norm, gr_sum_all(g, gr_square(g, d[i])));
    gr_val clip = gr_min(g, gr_const(g, 1), gr_recip(g, gr_sqrt(g, norm))), now = gr_add(g, t, gr_const(g, 1));
    gr_val rate = gr_div(g, gr_const(g, 0.1), gr_sub(g, gr_const(g, 1), gr_pow(g, gr_const(g, 0.9), now)));
    for (int i = 0; i < 5; i++) {
        gr_val c = gr_mul(g, d[i], clip);
        gr_val first = gr_add(g, gr_mul(g, gr_const(g, 0.9), m[i]), gr_mul(g, gr_const(g, 0.1), c));
        gr_val second = gr_add(g, gr_mul(g, gr_const(g, 0.99), v[i]), gr_mul(g, gr_const(g, 0.01), gr_square(g, c)));
        gr_assign(g, m[i], first, GR_ASSIGN_UPDATE);
        gr_assign(g, v[i], second, GR_ASSIGN_UPDATE);
        gr_assign(g, w[i],
                  gr_sub(g, w[i], gr_mul(g, rate, gr_div(g, first, gr_add(g, gr_sqrt(g, second), gr_const(g, 1e-3))))),
                  GR_ASSIGN_UPDATE);
    }
    gr_assign(g, t, now, GR_ASSIGN_UPDATE);
    gr_guard(g, cost);
    gr_output(g, "norm", norm);
    gr_output(g, "cost", cost);
}

static void feed_adam(rig *r)
{
    for (int i = 0; i < 5; i++) {
        char name[8];
        size_t bytes;
        snprintf(name, sizeof name, "x%d", i);
        double *to = gr_plan_feed(r->plan, name, &bytes);
        for (size_t e = 0; e < bytes / sizeof *to; e++) to[e] = 0.1;
    }
}

static void an_optimizer_is_one_kernel(void **state)
{
    (void)state;
    rig r = begin();
    adam(&r);
    ready(&r);
    int updates = 0, norms = 0;
    for (int i = 0; i < r.plan->n_items; i++) {
        const gr__item *it = &r.plan->items[i];
        if (it->writes_store && it->item.n_segments == 5) updates++;
        if (it->item.n_segments == 5 && it->item.n_in == 1 && it->item.n_out == 1 &&
            gr_shape_of(r.plan->graph, it->item.out[0]).rank == 0)
            norms++;
    }
    assert_int_equal(updates, 1);
    assert_int_equal(norms, 1);
    assert_false(has_kernel(&r, "copy"));
    for (int i = 0; i < 5; i++) set(&r, tensors[i], 0.1, 0.01);
    feed_adam(&r);
    test_ok(r.ctx, gr_plan_run(r.plan));
    double norm = 0, d = 0;
    for (int i = 0; i < 5; i++) {
        double n = (double)gr_shape_count(shapes[i]), sum = 0.1 * n + 0.01 * n * (n - 1) / 2;
        double each = 2 * 0.1 * exp(0.1 * sum);
        norm += n * each * each;
        if (i == 1) d = each;
    }
    assert_true(fabs(out(&r, "norm", 0) / norm - 1) < 1e-12);
    assert_true(at(&r, "t", 0) == 1);
    double c = d * fmin(1, 1 / sqrt(norm)), wanted = 0.1 - 0.1 / (1 - 0.9) * 0.1 * c / (0.1 * fabs(c) + 1e-3);
    assert_true(fabs(at(&r, "bias", 0) - wanted) < 1e-12);
    end(&r);
}

static void updates_that_need_each_other_stay_apart(void **state)
{
    (void)state;
    rig r = begin();
    gr_val a = entry(&r, "a", GR_SHAPE(3), false), b = entry(&r, "b", GR_SHAPE(3), false),
           x = gr_feed(r.g, "x", GR_REAL, GR_SCALAR);
    gr_val first = gr_mul(r.g, a, gr_exp(r.g, x)), second = gr_mul(r.g, b, gr_exp(r.g, gr_sum_all(r.g, first)));
    gr_assign(r.g, a, first, GR_ASSIGN_UPDATE);
    gr_assign(r.g, b, second, GR_ASSIGN_UPDATE);
    gr_output(r.g, "sum", gr_sum_all(r.g, second)); /* so that both are a product and its sum */
    ready(&r);
    set(&r, "a", 1, 0);
    set(&r, "b", 1, 0);
    *(double *)gr_plan_feed(r.plan, "x", NULL) = 0;
    test_ok(r.ctx, gr_plan_run(r.plan));
    assert_true(at(&r, "a", 0) == 1 && fabs(at(&r, "b", 0) - exp(3)) < 1e-12);
    end(&r);
}

static void gradients_stand_at_their_parameters_offsets(void **state)
{
    (void)state;
    rig r = begin();
    adam(&r);
    ready(&r);
    uint64_t parameters;
    gr_store_bytes(r.store, &parameters, NULL);
    assert_int_equal(gr_plan_bytes(r.plan).gradients, parameters);
    gr_effects fx = gr__graph_effects(r.plan->graph);
    assert_int_equal(fx.n_gradients, 5);
    for (size_t i = 0; i < 5; i++) {
        gr__spot p = r.plan->spots[fx.gradients[i].param], d = r.plan->spots[fx.gradients[i].gradient];
        assert_int_equal(d.kind, GR__IN_GRADIENTS);
        assert_int_equal(d.offset, gr_store_entry(r.store, p.index)->offset);
    }
    end(&r);
}

static void contractions_take_their_epilogues(void **state)
{
    (void)state;
    rig r = begin();
    gr_val x = gr_feed(r.g, "x", GR_REAL, GR_SHAPE(3, 4)), w = entry(&r, "w", GR_SHAPE(5, 4), false),
           b = entry(&r, "b", GR_SHAPE(5), false);
    gr_scope_push(r.g, "dense", "d");
    gr_val y = gr_relu(r.g, gr_add(r.g, gr_matmul(r.g, x, w, false, true), b));
    gr_scope_pop(r.g);
    gr_output(r.g, "y", y);
    ready(&r);
    assert_int_equal(gr_plan_rows(r.plan), 1);
    gr_plan_row row = gr_plan_row_at(r.plan, 0);
    assert_int_equal(row.nodes, 4);
    assert_string_equal(row.kernel, "matmul");
    assert_string_equal(row.scope, "dense \"d\"");
    assert_true(row.flops == 2 * 15 * 4 + 15 + 15);
    assert_true(row.bytes == 8 * (12 + 20 + 5 + 15));
    const gr_item *it = &r.plan->items[0].item;
    assert_int_equal(gr__node(r.plan->graph, it->nodes[0])->op->code, GR_OP_MATMUL);
    assert_int_equal(it->n_in, 3);
    set(&r, "w", 0.5, -0.1);
    set(&r, "b", -1, 0.5);
    double *feed = gr_plan_feed(r.plan, "x", NULL), xs[12];
    for (int i = 0; i < 12; i++) feed[i] = xs[i] = i % 5 - 2.0;
    test_ok(r.ctx, gr_plan_run(r.plan));
    for (int i = 0; i < 15; i++) {
        double sum = -1 + 0.5 * (i % 5);
        for (int k = 0; k < 4; k++) sum += xs[i / 5 * 4 + k] * (0.5 - 0.1 * (i % 5 * 4 + k));
        assert_true(fabs(out(&r, "y", i) - (sum > 0 ? sum : 0)) < 1e-12);
    }
    assert_int_equal(gr_plan_row_at(r.plan, 7).nodes, 0);
    end(&r);
}

static void a_product_that_others_read_keeps_its_value(void **state)
{
    (void)state;
    rig r = begin();
    gr_val x = gr_feed(r.g, "x", GR_REAL, GR_SHAPE(2, 2)), b = entry(&r, "b", GR_SHAPE(2), false);
    gr_val m = gr_matmul(r.g, x, x, false, true);
    gr_output(r.g, "m", m);
    gr_output(r.g, "y", gr_add(r.g, m, b));
    ready(&r);
    assert_int_equal(gr_plan_rows(r.plan), 2);
    end(&r);
}

static void views_cost_nothing(void **state)
{
    (void)state;
    rig r = begin();
    gr_val x = gr_feed(r.g, "x", GR_REAL, GR_SHAPE(6, 8));
    gr_output(r.g, "flat", gr_reshape(r.g, x, GR_SHAPE(48)));
    gr_output(r.g, "rows", gr_slice(r.g, x, 0, 2, 3)); /* begins at byte 128 */
    ready(&r);
    assert_int_equal(gr_plan_rows(r.plan), 0);
    double *feed = gr_plan_feed(r.plan, "x", NULL);
    for (int i = 0; i < 48; i++) feed[i] = i;
    test_ok(r.ctx, gr_plan_run(r.plan));
    gr_shape shape;
    assert_ptr_equal(gr_plan_output(r.plan, "flat", &shape), feed);
    assert_int_equal(shape.rank, 1);
    assert_true(out(&r, "rows", 0) == 16);
    end(&r);
}

static void empty_tensors_pass(void **state)
{
    (void)state;
    rig r = begin();
    gr_val x = gr_feed(r.g, "x", GR_REAL, GR_SHAPE(0, 3)), w = entry(&r, "w", GR_SHAPE(3), false);
    gr_val y = gr_relu(r.g, gr_add(r.g, x, w));
    gr_output(r.g, "columns", gr_sum(r.g, y, (int[]){0}, 1, false));
    gr_output(r.g, "all", gr_sum_all(r.g, y));
    ready(&r);
    test_ok(r.ctx, gr_plan_run(r.plan));
    assert_true(out(&r, "columns", 2) == 0 && out(&r, "all", 0) == 0);
    end(&r);
}

static void an_empty_graph_is_a_plan(void **state)
{
    (void)state;
    rig r = begin();
    gr_feed(r.g, "x", GR_REAL, GR_SHAPE(3));
    ready(&r);
    assert_int_equal(gr_plan_rows(r.plan), 0);
    assert_int_equal(gr_plan_bytes(r.plan).arena, 0);
    assert_null(gr_plan_feed(r.plan, "x", NULL)); /* not needed */
    test_ok(r.ctx, gr_plan_run(r.plan));
    end(&r);
}

/* ---- bytes, allocation, sharing ---- */

static void bytes_are_what_binding_takes(void **state)
{
    (void)state;
    for (int threads = 1; threads <= 3; threads++) {
        rig r = begin_with(threads);
        adam(&r);
        test_ok(r.ctx, compile(&r));
        assert_int_equal(gr_context_bytes(r.ctx), 0); /* compiling takes bookkeeping memory only */
        test_ok(r.ctx, gr_store_seal(r.store));
        uint64_t parameters, slots, before = gr_context_bytes(r.ctx);
        gr_store_bytes(r.store, &parameters, &slots);
        assert_int_equal(before, parameters + slots);
        test_ok(r.ctx, gr_plan_bind(r.plan, NULL));
        gr_plan_bytes_info b = gr_plan_bytes(r.plan);
        assert_int_equal(gr_context_bytes(r.ctx) - before, b.arena);
        assert_int_equal(b.arena, b.gradients + b.activations + b.workspace);
        gr_arena *shared;
        test_ok(r.ctx, gr_arena_create(r.ctx, b.arena + 640, &shared));
        test_ok(r.ctx, gr_plan_bind(r.plan, shared)); /* its own goes back */
        assert_int_equal(gr_context_bytes(r.ctx) - before, b.arena + 640);
        gr_arena_destroy(shared);
        end(&r);
    }
}

static void a_run_acquires_nothing(void **state)
{
    (void)state;
    rig r = begin_with(2);
    adam(&r);
    ready(&r);
    uint64_t before = gr__acquisitions(r.ctx);
    for (int i = 0; i < 10; i++) {
        feed_adam(&r);
        test_ok(r.ctx, gr_plan_run(r.plan));
        (void)out(&r, "cost", 0);
        (void)gr_plan_feed(r.plan, "x", NULL);
    }
    assert_int_equal(gr__acquisitions(r.ctx), before);
    end(&r);
}

static void the_largest_come_first(void **state)
{
    (void)state;
    rig r = begin();
    gr_val x = gr_feed(r.g, "pixels", GR_U8, GR_SHAPE(50, 10)), w = entry(&r, "w", GR_SHAPE(10, 10), false);
    gr_scope_push(r.g, "dense", "d");
    gr_output(r.g, "y", gr_matmul(r.g, gr_real(r.g, x), w, false, true));
    gr_scope_pop(r.g);
    test_ok(r.ctx, compile(&r));
    gr_plan_item items[8];
    int n = gr_plan_largest(r.plan, items, 8);
    assert_int_equal(n, 5); /* two values, the feed, two workspaces */
    assert_int_equal(items[0].bytes, 4032);
    for (int i = 1; i < n; i++) assert_true(items[i].bytes <= items[i - 1].bytes);
    assert_string_equal(items[2].what, "feed");
    assert_string_equal(items[2].scope, "pixels");
    assert_int_equal(gr_plan_largest(r.plan, items, 1), 1);
    assert_int_equal(items[0].bytes, 4032);
    assert_int_equal(gr_plan_largest(r.plan, NULL, 0), 0);
    end(&r);
}

#if defined(__x86_64__)
/* A host program's rounding and denormals are its own. */
static void the_floating_point_state_of_the_host_survives(void **state)
{
    (void)state;
    rig r = begin();
    adam(&r);
    ready(&r);
    unsigned mine = _mm_getcsr(), odd = (mine & ~0x6000u) | 0x4000u;
    _mm_setcsr(odd);
    gr_status st = gr_plan_run(r.plan);
    unsigned after = _mm_getcsr();
    _mm_setcsr(mine);
    test_ok(r.ctx, st);
    assert_int_equal(after & 0xFFC0u, odd & 0xFFC0u);
    end(&r);
}
#endif

/* ---- errors ---- */

static void expect(rig *r, gr_status st, gr_status wanted, const char *text)
{
    assert_int_equal(st, wanted);
    assert_string_equal(gr_context_error(r->ctx)->message, text);
    gr_context_clear_error(r->ctx);
}

static void what_does_not_fit_is_named(void **state)
{
    (void)state;
    rig r = begin();
    gr_val w = gr_param(r.g, "w", GR_SHAPE(10, 784));
    gr_output(r.g, "y", gr_sum_all(r.g, w));
    expect(&r, compile(&r), GR_E_MISSING, "param \"w\" is not in the store");
    test_ok(r.ctx, gr_store_add(r.store, &(gr_entry_spec){.name = "w", .shape = GR_SHAPE(10, 780)}, NULL));
    expect(&r, compile(&r), GR_E_SHAPE, "param \"w\": the graph has [10,784], the store [10,780]");
    end(&r);

    r = begin();
    gr_output(r.g, "y", gr_sum_all(r.g, gr_slot(r.g, "s", GR_SHAPE(2))));
    test_ok(r.ctx, gr_store_add(r.store, &(gr_entry_spec){.name = "s", .shape = GR_SHAPE(2)}, NULL));
    expect(&r, compile(&r), GR_E_CONFLICT, "\"s\" is a slot in the graph and a parameter in the store");
    end(&r);
}

static void use_in_the_wrong_order_is_refused(void **state)
{
    (void)state;
    rig r = begin();
    adam(&r);
    test_ok(r.ctx, compile(&r));
    expect(&r, gr_plan_run(r.plan), GR_E_USAGE, "plan \"test\" is not bound yet");
    expect(&r, gr_plan_bind(r.plan, NULL), GR_E_USAGE, "plan \"test\": its store is not sealed yet");
    assert_null(gr_plan_output(r.plan, "cost", NULL));
    char text[8];
    assert_false(gr_plan_find_nonfinite(r.plan, text, sizeof text));
    test_ok(r.ctx, gr_store_seal(r.store));
    gr_arena *small;
    test_ok(r.ctx, gr_arena_create(r.ctx, 64, &small));
    assert_int_equal(gr_plan_bind(r.plan, small), GR_E_RANGE);
    gr_context_clear_error(r.ctx);
    gr_arena_destroy(small);
    test_ok(r.ctx, gr_plan_bind(r.plan, NULL));
    assert_null(gr_plan_output(r.plan, "nothing", NULL));
    assert_null(gr_plan_feed(r.plan, "nothing", NULL));
    end(&r);

    r = begin();
    gr_backend another = toy;
    assert_int_equal(gr_plan_compile(r.ctx, r.g, r.store, NULL, &r.plan), GR_E_USAGE);
    gr_context_clear_error(r.ctx);
    expect(&r, gr_plan_compile(r.ctx, r.g, r.store, &(gr_plan_options){.backend = &another}, &r.plan), GR_E_CONFLICT,
           "the plan is for backend \"toy\", its store for \"toy\"");
    end(&r);
}

static void errors_of_building_come_out_of_compiling(void **state)
{
    (void)state;
    rig r = begin();
    gr_matmul(r.g, gr_feed(r.g, "x", GR_REAL, GR_SHAPE(2, 3)), gr_feed(r.g, "y", GR_REAL, GR_SHAPE(4, 5)), false,
              false);
    assert_int_equal(compile(&r), GR_E_SHAPE);
    gr_context_clear_error(r.ctx);
    end(&r);

    r = begin();
    gr_val w = entry(&r, "w", GR_SHAPE(2), false);
    gr_assign(r.g, w, gr_tanh(r.g, w), GR_ASSIGN_UPDATE);
    gr_assign(r.g, w, gr_exp(r.g, w), GR_ASSIGN_UPDATE);
    expect(&r, compile(&r), GR_E_CONFLICT, "assign: \"w\" is assigned twice");
    end(&r);
}

static void any_failing_allocation_is_survived(void **state)
{
    (void)state;
    bool done = false;
    for (uint64_t k = 1; !done; k++) {
        rig r = begin();
        adam(&r);
        gr_val half = gr_const_tensor(r.g, GR_SHAPE(3), (double[]){1, 2, 3});
        gr_output(r.g, "half", gr_mul(r.g, half, gr_const(r.g, 0.5)));
        gr_store *s = r.store;
        gr__fail_acquisition(r.ctx, k);
        gr_status st = compile(&r);
        if (st == GR_OK) st = gr_store_seal(s);
        if (st == GR_OK) st = gr_plan_bind(r.plan, NULL);
        gr__fail_acquisition(r.ctx, 0);
        if (st == GR_OK)
            test_ok(r.ctx, gr_plan_run(r.plan));
        else
            assert_int_equal(st, GR_E_MEMORY);
        done = st == GR_OK;
        assert_true(k < 2000);
        end(&r);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(swapped_tensors_see_old_values),
        cmocka_unit_test(updates_are_written_in_place),
        cmocka_unit_test(a_late_reader_still_sees_the_old_value),
        cmocka_unit_test(a_target_that_its_update_also_repeats_is_copied),
        cmocka_unit_test(an_assigned_leaf_or_constant_is_copied),
        cmocka_unit_test(nothing_is_assigned_when_the_guard_fails),
        cmocka_unit_test(a_constant_guard_and_a_guard_without_assignments),
        cmocka_unit_test(an_optimizer_is_one_kernel),
        cmocka_unit_test(updates_that_need_each_other_stay_apart),
        cmocka_unit_test(gradients_stand_at_their_parameters_offsets),
        cmocka_unit_test(contractions_take_their_epilogues),
        cmocka_unit_test(a_product_that_others_read_keeps_its_value),
        cmocka_unit_test(views_cost_nothing),
        cmocka_unit_test(empty_tensors_pass),
        cmocka_unit_test(an_empty_graph_is_a_plan),
        cmocka_unit_test(bytes_are_what_binding_takes),
        cmocka_unit_test(a_run_acquires_nothing),
        cmocka_unit_test(the_largest_come_first),
#if defined(__x86_64__)
        cmocka_unit_test(the_floating_point_state_of_the_host_survives),
#endif
        cmocka_unit_test(what_does_not_fit_is_named),
        cmocka_unit_test(use_in_the_wrong_order_is_refused),
        cmocka_unit_test(errors_of_building_come_out_of_compiling),
        cmocka_unit_test(any_failing_allocation_is_survived),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
