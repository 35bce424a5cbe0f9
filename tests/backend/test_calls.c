/* What a kernel runs on comes with each call: one kernel at two places of a plan, or in two arenas at once, gives the
 * bits that a kernel of its own gives at each. */
#include <stdlib.h>
#include <string.h>

#include "test.h"

#include "plan/plan.h"

typedef struct rig {
    gr_context *ctx;
    gr_graph *g;
    gr_store *store;
    gr_plan *plan;
} rig;

/* A little of everything that has a kernel of its own kind, under names that begin with `prefix`. */
static void build(gr_graph *g, const char *prefix)
{
    static const int last[] = {1};
    static const int turned[] = {0, 3, 1, 2};
    gr_conv_attr same = {{1, 1}, {1, 1}, {1, 1}, {1, 1}, 1}, strided = {{2, 2}, {1, 1}, {0, 0}, {0, 0}, 1};
    gr_pool_attr windows = {{3, 3}, {2, 2}, {1, 1}, {1, 1}, false};
    char name[3][32];
    snprintf(name[0], 32, "%sx", prefix);
    snprintf(name[1], 32, "%slabel", prefix);
    snprintf(name[2], 32, "%sy", prefix);
    gr_val x = gr_feed(g, name[0], GR_REAL, GR_SHAPE(6, 9, 9, 8)), label = gr_feed(g, name[1], GR_I32, GR_SHAPE(6));
    gr_val w = gr_param(g, "w", GR_SHAPE(16, 3, 3, 8)), v = gr_param(g, "v", GR_SHAPE(16)),
           u = gr_param(g, "u", GR_SHAPE(5, 400)), t = gr_param(g, "t", GR_SHAPE(5, 5)), index;
    gr_val y = gr_relu(g, gr_add(g, gr_conv(g, x, w, same), v)), p = gr_max_pool(g, y, windows, &index);
    gr_val flat = gr_reshape(g, gr_permute(g, p, turned), GR_SHAPE(6, 400));
    gr_val z = gr_matmul(g, flat, u, false, true), self = gr_matmul(g, z, z, false, true);
    gr_val e = gr_exp(g, gr_sub(g, z, gr_reduce_max(g, z, last, 1, true)));
    gr_val soft = gr_div(g, e, gr_sum(g, e, last, 1, true)), rows = gr_gather(g, t, label);
    gr_val some = gr_avg_pool(g, gr_conv(g, x, gr_mul(g, w, gr_const(g, 0.5)), strided), windows);
    gr_val joined = gr_concat(g, (gr_val[]){gr_slice(g, soft, 0, 1, 4), rows, gr_pad(g, z, 0, 1, 2)}, 3, 0);
    gr_val j = gr_add(g, gr_sum_all(g, gr_square(g, joined)), gr_log(g, gr_mean_all(g, gr_square(g, self))));
    j = gr_add(g, gr_add(g, j, gr_sum_all(g, some)), gr_sum_all(g, gr_real(g, gr_argmax(g, soft, 1))));
    gr_val xs[] = {x, w, u, t}, dxs[4], all = j;
    assert_int_equal(gr_gradients(g, j, xs, 4, dxs), GR_OK);
    for (int i = 0; i < 4; i++) all = gr_add(g, all, gr_sum_all(g, gr_tanh(g, dxs[i])));
    gr_output(g, name[2], all);
}

static void begin(rig *r, const gr_backend *backend, bool unfused, int threads)
{
    static const gr_entry_spec entries[] = {{.name = "w", .shape = {4, {16, 3, 3, 8}}},
                                            {.name = "v", .shape = {1, {16}}},
                                            {.name = "u", .shape = {2, {5, 400}}},
                                            {.name = "t", .shape = {2, {5, 5}}}};
    r->ctx = test_context_with(threads, 0);
    test_ok(r->ctx, gr_graph_create(r->ctx, &r->g));
    test_ok(r->ctx, gr_store_create(r->ctx, backend, &r->store));
    for (size_t i = 0; i < GR_COUNT(entries); i++) test_ok(r->ctx, gr_store_add(r->store, &entries[i], NULL));
    build(r->g, "a/");
    build(r->g, "b/");
    gr_plan_options options = {.backend = backend, .unfused = unfused};
    test_ok(r->ctx, gr_plan_compile(r->ctx, r->g, r->store, &options, &r->plan));
    test_ok(r->ctx, gr_store_seal(r->store));
    for (int i = 0; i < gr_store_count(r->store); i++) {
        const gr_entry *e = gr_store_entry(r->store, i);
        double values[2000];
        for (int64_t k = 0; k < e->count; k++) values[k] = (double)((k + i) * 37 % 101) / 101 - 0.5;
        gr_store_write(r->store, e, values);
    }
}

static void end(rig *r)
{
    gr_plan_destroy(r->plan);
    gr_graph_destroy(r->g);
    gr_store_destroy(r->store);
    test_context_end(r->ctx);
}

static void feed(rig *r, const char *name, int salt)
{
    size_t bytes, real = gr_backend_real_bytes(r->plan->backend);
    void *to = gr_plan_feed(r->plan, name, &bytes);
    assert_non_null(to);
    bool label = strstr(name, "label") != NULL;
    for (size_t i = 0; i < bytes / (label ? 4 : real); i++) {
        int x = (int)(i * 53 + (size_t)salt * 7) % 97;
        if (label)
            ((int32_t *)to)[i] = x % 5;
        else if (real == 4)
            ((float *)to)[i] = (float)x / 97 - 0.4f;
        else
            ((double *)to)[i] = (double)x / 97 - 0.4;
    }
}

static void run(rig *r, double result[2])
{
    feed(r, "a/x", 1);
    feed(r, "a/label", 2);
    feed(r, "b/x", 31);
    feed(r, "b/label", 4);
    test_ok(r->ctx, gr_plan_run(r->plan));
    result[0] = *(const double *)gr_plan_output(r->plan, "a/y", NULL);
    result[1] = *(const double *)gr_plan_output(r->plan, "b/y", NULL);
}

static bool same_value(const gr_graph *g, gr_val a, gr_val b)
{
    if (!a || !b) return a == b;
    return gr__value(g, a)->dtype == gr__value(g, b)->dtype && gr__shape_equal(gr_shape_of(g, a), gr_shape_of(g, b));
}

/* Do two items compute the same of different values? */
static bool alike(const gr__instruction *a, const gr__instruction *b)
{
    if (a->code != GR__CALL || b->code != GR__CALL) return false;
    const gr_item *x = &a->made->item, *y = &b->made->item;
    if (x->kind != y->kind || x->n_nodes != y->n_nodes || x->n_in != y->n_in || x->n_out != y->n_out ||
        x->n_segments != 1 || y->n_segments != 1)
        return false;
    for (int k = 0; k < x->n_nodes; k++) {
        const gr_node *n = gr__node(x->graph, x->nodes[k]), *m = gr__node(x->graph, y->nodes[k]);
        if (n->op != m->op || memcmp(&n->attr, &m->attr, sizeof n->attr) != 0) return false;
        for (int i = 0; i < n->n_in; i++) { /* the operands must stand at the same places, and constants be the same */
            int at = 0, there = 0;
            for (int j = 0; j < x->n_in; j++) at += (j + 1) * (x->in[j] == n->in[i]);
            for (int j = 0; j < y->n_in; j++) there += (j + 1) * (y->in[j] == m->in[i]);
            if (at != there || (gr__producer(x->graph, n->in[i])->op->code == GR_OP_CONST && n->in[i] != m->in[i]))
                return false;
        }
    }
    for (int i = 0; i < x->n_in; i++)
        if (!same_value(x->graph, x->in[i], y->in[i])) return false;
    for (int o = 0; o < x->n_out; o++)
        if (!same_value(x->graph, x->out[o], y->out[o])) return false;
    return true;
}

/* Every item that does what an earlier one does calls that one's kernel. Returns how many. */
static int share(gr_plan *p)
{
    int shared = 0;
    for (int j = 0; j < p->n_instructions; j++)
        for (int i = 0; i < j; i++)
            if (alike(&p->instructions[i], &p->instructions[j])) {
                p->instructions[j].kernel = p->instructions[i].kernel;
                shared++;
                break;
            }
    return shared;
}

static void check_shared(const char *backend, bool unfused, int threads)
{
    rig own = {.ctx = NULL}, r = {.ctx = NULL};
    double want[2], got[2];
    begin(&own, gr_backend_get(backend), unfused, threads);
    begin(&r, gr_backend_get(backend), unfused, threads);
    test_ok(own.ctx, gr_plan_bind(own.plan, NULL));
    int shared = share(r.plan);
    if (shared < (unfused ? 90 : 30)) fail_msg("%s: only %d items share", backend, shared);
    test_ok(r.ctx, gr_plan_bind(r.plan, NULL));
    run(&own, want);
    assert_true(want[0] != want[1]); /* the arguments matter */
    for (int i = 0; i < 2; i++) {    /* again: nothing of a call stays behind */
        run(&r, got);
        assert_memory_equal(want, got, sizeof want);
    }
    end(&own);
    end(&r);
}

static void one_kernel_runs_at_two_places(void **state)
{
    (void)state;
    for (int threads = 1; threads <= 3; threads += 2) {
        check_shared("cpu", false, threads);
        check_shared("cpu", true, threads);
        check_shared("ref", true, threads);
    }
}

/* Binding changes the arguments, not the kernels: their bytes stay as they were made. */
static void kernels_never_change(void **state)
{
    (void)state;
    rig r = {.ctx = NULL};
    double first[2], second[2];
    gr_arena *arena[2];
    begin(&r, gr_backend_get("cpu"), false, 2);
    gr_plan *p = r.plan;
    int n = 0;
    for (const gr__made *m = p->made; m; m = m->next) n++;
    gr_kernel *before = calloc((size_t)n, sizeof *before), *at = before;
    assert_non_null(before);
    for (const gr__made *m = p->made; m; m = m->next) *at++ = *m->kernel;
    for (int i = 0; i < 2; i++) test_ok(r.ctx, gr_arena_create(r.ctx, gr_plan_bytes(p).arena, &arena[i]));
    test_ok(r.ctx, gr_plan_bind(p, arena[0]));
    run(&r, first);
    test_ok(r.ctx, gr_plan_bind(p, arena[1]));
    run(&r, second);
    assert_memory_equal(first, second, sizeof first);
    at = before;
    for (const gr__made *m = p->made; m; m = m->next) assert_memory_equal(at++, m->kernel, sizeof *at);
    free(before);
    gr_plan_destroy(p);
    r.plan = NULL;
    for (int i = 0; i < 2; i++) gr_arena_destroy(arena[i]);
    end(&r);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(one_kernel_runs_at_two_places),
        cmocka_unit_test(kernels_never_change),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
