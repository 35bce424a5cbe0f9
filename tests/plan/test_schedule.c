/* Programs and schedules: what a plan runs in which order, and units that run again. */
#include <string.h>

#include "outputs.h"
#include "support/again.h"
#include "support/rig.h"
#include "support/toy.h"

/* ---- the program ---- */

/* 'S' saves, 'C' calls, 'W' calls and writes to the store, 'T' tests, 'A' assigns by copies. */
static void write_codes(const gr_plan *p, char *text)
{
    for (int i = 0; i < p->n_instructions; i++) {
        const gr__instruction *in = &p->instructions[i];
        *text++ = in->code == GR__TEST   ? 'T'
                  : in->code == GR__COPY ? (in->writes_store ? 'A' : 'S')
                                         : (in->writes_store ? 'W' : 'C');
    }
    *text = 0;
}

static rig guarded(bool guard)
{
    rig r = rig_begin();
    gr_val x = gr_feed(r.g, "x", GR_REAL, GR_SHAPE(4)), w = rig_entry(&r, "w", GR_SHAPE(4), false),
           last = rig_entry(&r, "last", GR_SHAPE(4), true);
    gr_val cost = gr_sum_all(r.g, gr_log(r.g, gr_add(r.g, x, w)));
    gr_output(r.g, "before", w);
    gr_assign(r.g, w, gr_add(r.g, w, gr_mul(r.g, x, gr_exp(r.g, cost))), GR_ASSIGN_UPDATE);
    gr_assign(r.g, last, x, GR_ASSIGN_UPDATE);
    if (guard) gr_guard(r.g, cost);
    rig_ready(&r);
    rig_set(&r, "w", 1, 0);
    return r;
}

static void the_guard_is_tested_before_the_first_that_writes(void **state)
{
    (void)state;
    char text[16];
    rig r = guarded(false);
    write_codes(r.plan, text);
    assert_string_equal(text, "SCCWA");
    assert_int_equal(gr_plan_rows(r.plan), 5);
    rig_end(&r);
    r = guarded(true);
    write_codes(r.plan, text);
    assert_string_equal(text, "SCCTWA");
    assert_int_equal(gr_plan_rows(r.plan), 5); /* a test is none */
    double *x = gr_plan_feed(r.plan, "x", NULL);
    for (int i = 0; i < 4; i++) x[i] = -2; /* the logarithm is not a number */
    for (int row = 0; row < 3; row++) test_ok(r.ctx, gr_plan_run_item(r.plan, row));
    assert_int_equal(gr_plan_run_item(r.plan, 3), GR_E_DIVERGED);
    assert_true(rig_at(&r, "w", 2) == 1 && rig_at(&r, "last", 2) == 0);
    gr_context_clear_error(r.ctx);
    for (int i = 0; i < 4; i++) x[i] = 0; /* e^0 = 1 */
    for (int row = 0; row < 5; row++) test_ok(r.ctx, gr_plan_run_item(r.plan, row));
    assert_true(rig_at(&r, "w", 2) == 1 && rig_out(&r, "before", 2) == 1 && rig_at(&r, "last", 2) == 0);
    rig_end(&r);
}

static void copies_are_rows_of_their_own(void **state)
{
    (void)state;
    rig r = guarded(true);
    for (int row = 0; row < 5; row += 4) {
        gr_plan_row copy = gr_plan_row_at(r.plan, row);
        assert_string_equal(copy.kernel, "copy");
        assert_true(copy.nodes == 1 && copy.shards == 1 && copy.flops == 0);
        assert_true(copy.bytes == 2 * 4 * sizeof(double) && copy.cost_ns == 4);
        assert_int_equal(gr_plan_views(r.plan, row), 0);
    }
    rig_end(&r);
}

/* ---- a unit that runs again ---- */

static gr_status compile_with(rig *r, gr__reschedule_fn change, void *user)
{
    gr_plan_options options = {.backend = &toy, .name = "test"};
    return gr__plan_compile(r->ctx, r->g, r->store, &options, change, user, &r->plan);
}

static void ready_with(rig *r, gr__reschedule_fn change, void *user)
{
    test_ok(r->ctx, compile_with(r, change, user));
    test_ok(r->ctx, gr_store_seal(r->store));
    test_ok(r->ctx, gr_plan_bind(r->plan, NULL));
}

enum { SIDE = 24, ROUNDS = 4 };

/* A value that is read at once and, after some products, once more. */
static rig chain(gr__reschedule_fn change, void *user, double *result)
{
    rig r = rig_begin();
    gr_val x = gr_feed(r.g, "x", GR_REAL, GR_SHAPE(SIDE, SIDE)), a = gr_tanh(r.g, x), m = a;
    for (int i = 0; i < ROUNDS; i++) m = gr_matmul(r.g, m, x, false, false);
    gr_output(r.g, "y", gr_matmul(r.g, a, m, false, false));
    ready_with(&r, change, user);
    double *to = gr_plan_feed(r.plan, "x", NULL);
    for (int i = 0; i < SIDE * SIDE; i++) to[i] = (i * 37 % 101 - 50) / 200.0;
    test_ok(r.ctx, gr_plan_run(r.plan));
    memcpy(result, gr_plan_output(r.plan, "y", NULL), SIDE * SIDE * sizeof *result);
    return r;
}

static bool shares_memory(const gr_plan *p, const gr__buffer *a, const gr__buffer *b)
{
    if (a->spot.kind != GR__IN_BLOCK || b->spot.kind != GR__IN_BLOCK) return false;
    const char *x = gr__plan_address(p, a->spot), *y = gr__plan_address(p, b->spot);
    return x < y + b->bytes && y < x + a->bytes;
}

static void what_is_computed_again_frees_its_first_buffer(void **state)
{
    (void)state;
    static double want[SIDE * SIDE], got[SIDE * SIDE];
    rig plain = chain(NULL, NULL, want),
        r = chain(again_before_its_last_reader, &(again_unit){.code = GR_OP_TANH}, got);
    assert_memory_equal(want, got, sizeof want);
    assert_int_equal(gr_plan_rows(r.plan), gr_plan_rows(plain.plan) + 1);
    assert_int_equal(gr_plan_bytes(plain.plan).activations - gr_plan_bytes(r.plan).activations, sizeof want);
    const gr__buffer *of[2] = {NULL, NULL};
    int n = 0, between = 0;
    for (int b = 0; b < r.plan->n_buffers; b++)
        if (gr__made_by(r.plan->graph, r.plan->buffers[b].value, GR_OP_TANH)) of[n++ % 2] = &r.plan->buffers[b];
    assert_int_equal(n, 2);
    assert_int_equal(of[0]->value, of[1]->value);
    assert_true(of[0]->last < of[1]->first);
    for (int b = 0; b < r.plan->n_buffers; b++) {
        const gr__buffer *x = &r.plan->buffers[b];
        between += x->first > of[0]->last && x->first < of[1]->first && shares_memory(r.plan, x, of[0]);
    }
    assert_true(between > 0); /* another value stood where the first was */
    const gr__instruction *first = NULL, *again = NULL;
    for (int i = 0; i < r.plan->n_instructions; i++)
        if (gr__node(r.plan->graph, r.plan->instructions[i].made->item.nodes[0])->op->code == GR_OP_TANH)
            *(first ? &again : &first) = &r.plan->instructions[i];
    assert_ptr_equal(first->kernel, again->kernel); /* so algorithm and shards are the same */
    rig_end(&plain);
    rig_end(&r);
}

/* One region computes a value that is read twice and a state. */
static rig with_state(gr__reschedule_fn change, void *user)
{
    rig r = rig_begin();
    gr_val x = gr_feed(r.g, "x", GR_REAL, GR_SHAPE(4, 4)), s = rig_entry(&r, "s", GR_SHAPE(4, 4), true);
    gr_val y = gr_tanh(r.g, x), m = gr_matmul(r.g, y, x, false, false);
    gr_assign(r.g, s, gr_add(r.g, y, gr_const(r.g, 1)), GR_ASSIGN_STATE);
    gr_output(r.g, "z", gr_matmul(r.g, y, m, false, false));
    ready_with(&r, change, user);
    double *to = gr_plan_feed(r.plan, "x", NULL);
    for (int i = 0; i < 16; i++) to[i] = (i * 7 % 11 - 5) / 4.0;
    return r;
}

static void a_state_is_written_once(void **state)
{
    (void)state;
    rig plain = with_state(NULL, NULL), r = with_state(again_before_its_last_reader, &(again_unit){.code = GR_OP_TANH});
    test_ok(plain.ctx, gr_plan_run(plain.plan));
    assert_int_equal(gr_plan_rows(plain.plan), 3);
    assert_int_equal(gr_plan_rows(r.plan), 4);
    assert_int_equal(gr_plan_views(r.plan, 0), 2);
    assert_int_equal(gr_plan_views(r.plan, 2), 1); /* the state is not asked for again */
    assert_int_equal(gr_plan_row_at(r.plan, 2).nodes, 1);
    test_ok(r.ctx, gr_plan_run_item(r.plan, 0));
    for (int i = 0; i < 16; i++) assert_true(rig_at(&r, "s", i) == rig_at(&plain, "s", i));
    rig_set(&r, "s", 7, 1);
    for (int row = 1; row < 4; row++) test_ok(r.ctx, gr_plan_run_item(r.plan, row));
    for (int i = 0; i < 16; i++) assert_true(rig_at(&r, "s", i) == 7 + i);
    for (int i = 0; i < 16; i++) assert_true(rig_out(&r, "z", i) == rig_out(&plain, "z", i));
    rig_end(&plain);
    rig_end(&r);
}

/* Of three outputs the second run is asked for one. */
static void outputs_that_nobody_asks_for_again_are_null(void **state)
{
    (void)state;
    rig r = rig_begin();
    gr_val x = gr_feed(r.g, "x", GR_REAL, GR_SHAPE(4, 4)), rows = rows_of(r.g, &rows_op, x),
           centred = gr__node_output(r.g, rows, ROWS_CENTRED);
    gr_val sum = gr_reshape(r.g, gr__node_output(r.g, rows, ROWS_SUM), GR_SHAPE(4, 1)),
           m = gr_matmul(r.g, centred, sum, false, false);
    gr_output(r.g, "index", gr_real(r.g, gr__node_output(r.g, rows, ROWS_INDEX)));
    gr_output(r.g, "y", gr_matmul(r.g, centred, m, false, false));
    ready_with(&r, again_before_its_last_reader, &(again_unit){.code = GR_OP_COUNT});
    const gr__instruction *call[2] = {NULL, NULL};
    int n = 0;
    for (int i = 0; i < r.plan->n_instructions; i++)
        if (gr__node(r.plan->graph, r.plan->instructions[i].made->item.nodes[0])->op == &rows_op)
            call[n++ % 2] = &r.plan->instructions[i];
    assert_int_equal(n, 2);
    assert_ptr_equal(call[0]->kernel, call[1]->kernel);
    for (int o = 0; o < ROWS_OUTPUTS; o++) {
        assert_non_null(call[0]->address[1 + o]);
        assert_int_equal(call[1]->address[1 + o] != NULL, o == ROWS_CENTRED);
    }
    double *to = gr_plan_feed(r.plan, "x", NULL);
    for (int i = 0; i < 16; i++) to[i] = i * 7 % 11;
    test_ok(r.ctx, gr_plan_run(r.plan));
    for (int i = 0; i < 4; i++) {
        double y = 0;
        for (int k = 0; k < 4; k++) {
            double of[4] = {0}, sums[4] = {0}, product = 0;
            for (int j = 0; j < 16; j++) sums[j / 4] += j * 7 % 11;
            for (int j = 0; j < 4; j++) of[j] = (k * 4 + j) * 7 % 11 - sums[k] / 4;
            for (int j = 0; j < 4; j++) product += of[j] * sums[j];
            y += ((i * 4 + k) * 7 % 11 - sums[i] / 4) * product;
        }
        assert_true(fabs(rig_out(&r, "y", i) - y) < 1e-9);
    }
    rig_end(&r);
}

/* ---- what may not run again, and what need not ---- */

static void what_is_overwritten_is_not_read_again(void **state)
{
    (void)state;
    rig r = rig_begin();
    gr_val x = gr_feed(r.g, "x", GR_REAL, GR_SHAPE(4, 4)), s = rig_entry(&r, "s", GR_SHAPE(4, 4), true);
    gr_val y = gr_tanh(r.g, s), m = gr_matmul(r.g, y, x, false, false);
    gr_assign(r.g, s, gr_add(r.g, y, s), GR_ASSIGN_STATE);
    gr_output(r.g, "z", gr_matmul(r.g, y, m, false, false));
    again_unit again = {.code = GR_OP_TANH, .may = true};
    assert_int_equal(compile_with(&r, again_before_its_last_reader, &again), GR_E_INTERNAL);
    assert_false(again.may);
    assert_null(r.plan);
    rig_end(&r);
}

static gr_status at_wrong_places(gr__compiler *c, void *user)
{
    int *n = user, merged = 0;
    for (int t = 0; t < c->schedule.n; t++) {
        const gr__turn *turn = &c->schedule.turn[t];
        if (turn->code != GR__CALL) continue;
        assert_false(gr__schedule_may_repeat(c, turn->unit, t));                 /* it has not run */
        assert_false(gr__schedule_may_repeat(c, turn->unit, c->schedule.n + 1)); /* there is no such place */
        if (c->units[turn->unit].n_parts == 1) continue;
        merged++;
        for (int before = 0; before <= c->schedule.n; before++)
            assert_false(gr__schedule_may_repeat(c, turn->unit, before));
    }
    *n = merged;
    return GR_OK;
}

static void what_is_merged_runs_once(void **state)
{
    (void)state;
    rig r = rig_begin();
    int merged = 0;
    rig_adam(&r);
    ready_with(&r, at_wrong_places, &merged);
    assert_int_equal(merged, 2);
    rig_end(&r);
}

static gr_status where_nobody_reads_it(gr__compiler *c, void *user)
{
    (void)user;
    int unit = again_find(c, GR_OP_TANH);
    gr_status st = gr__schedule_again(c, unit, again_last_reader(c, unit));
    if (st == GR_OK) st = gr__schedule_again(c, unit, again_last_reader(c, unit)); /* this one is read */
    return st == GR_OK ? gr__schedule_again(c, unit, again_last_reader(c, unit) + 1) : st;
}

static void an_instance_that_nobody_asks_is_left_out(void **state)
{
    (void)state;
    static double want[SIDE * SIDE], got[SIDE * SIDE];
    rig plain = chain(NULL, NULL, want), r = chain(where_nobody_reads_it, NULL, got);
    assert_memory_equal(want, got, sizeof want);
    assert_int_equal(gr_plan_rows(r.plan), gr_plan_rows(plain.plan) + 1);
    rig_end(&plain);
    rig_end(&r);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_guard_is_tested_before_the_first_that_writes),
        cmocka_unit_test(copies_are_rows_of_their_own),
        cmocka_unit_test(what_is_computed_again_frees_its_first_buffer),
        cmocka_unit_test(a_state_is_written_once),
        cmocka_unit_test(outputs_that_nobody_asks_for_again_are_null),
        cmocka_unit_test(what_is_overwritten_is_not_read_again),
        cmocka_unit_test(what_is_merged_runs_once),
        cmocka_unit_test(an_instance_that_nobody_asks_is_left_out),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
