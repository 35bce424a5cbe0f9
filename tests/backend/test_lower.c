/* Operations that a backend does not take are expanded: an operation that has a decomposition and nothing else runs as
 * a kernel of its own, lowered on cpu and on ref, and in the evaluator, with the same numbers. */
#include <math.h>
#include <string.h>

#include "graph/eval.h"
#include "graph/op.h"
#include "plan/plan.h"
#include "test.h"

/* ---- norm(x [N,C]) -> (x over the root of its row's mean square, that root [N,1]): said, and a kernel for it ---- */

enum { ROWS = 6, COLUMNS = 5 };

static void norm_written(gr_graph *g, gr_val x, gr_val *out)
{
    gr_shape s = gr_shape_of(g, x);
    gr_val mean = gr_div(g, gr_sum(g, gr_square(g, x), (int[]){1}, 1, true), gr_const(g, (double)s.dim[1]));
    out[1] = gr_sqrt(g, gr_add(g, mean, gr_const(g, 1e-3)));
    out[0] = gr_div(g, x, out[1]);
}

static void norm_decompose(gr_graph *g, const gr_attr *attr, const gr_val *in, int n_in, gr_val *out)
{
    (void)attr, (void)n_in;
    norm_written(g, in[0], out);
}

static const gr_op norm = {.code = GR_OP_COUNT,
                           .class = GR_CLASS_COMPOSED,
                           .name = "norm",
                           .n_in = 1,
                           .n_out = 2,
                           .decompose = norm_decompose,
                           .branches = GR__BRANCHES_ONE};

typedef struct norm_kernel {
    gr_kernel base;
    gr_element real;
    int64_t rows, columns;
} norm_kernel;

static double number(const void *from, gr_element e, int64_t i)
{
    return e == GR_EL_F32 ? (double)((const float *)from)[i] : ((const double *)from)[i];
}

static void put(void *to, gr_element e, int64_t i, double x)
{
    if (!to) return; /* nobody reads that output */
    if (e == GR_EL_F32)
        ((float *)to)[i] = (float)x;
    else
        ((double *)to)[i] = x;
}

static void norm_run(const gr_kernel *base, const gr_call *call, int row)
{
    const norm_kernel *k = (const norm_kernel *)base;
    double sum = 0;
    int64_t at = row * k->columns;
    for (int64_t c = 0; c < k->columns; c++) sum += pow(number(call->operand[0], k->real, at + c), 2);
    double root = sqrt(sum / (double)k->columns + 1e-3);
    put(call->operand[2], k->real, row, root);
    for (int64_t c = 0; c < k->columns; c++)
        put(call->operand[1], k->real, at + c, number(call->operand[0], k->real, at + c) / root);
}

static void norm_destroy(gr_context *ctx, gr_kernel *k)
{
    gr__free(ctx, k, sizeof(norm_kernel));
}

static gr_status norm_make(gr_context *ctx, const gr_item *item, gr_element real, gr_kernel **out)
{
    gr_shape s = gr__value(item->graph, item->in[0])->shape;
    norm_kernel *k = gr__alloc(ctx, sizeof *k);
    if (!k) return gr__error_code(ctx);
    k->base = (gr_kernel){.name = "norm whole", .n_phases = 1, .n_operands = 3, .destroy = norm_destroy};
    k->base.phase[0].run = norm_run;
    k->base.phase[0].n_shards = (int)s.dim[0];
    k->real = real;
    k->rows = s.dim[0];
    k->columns = s.dim[1];
    *out = &k->base;
    return GR_OK;
}

/* ---- backends that take it, and such as do not take what theirs does ---- */

static const gr_backend *under;                              /* which backend the ones below are made of */
static bool (*refuses)(const gr_graph *g, const gr_node *n); /* what it does not take besides */

static bool takes(const gr_graph *g, const gr_node *n)
{
    return n->op == &norm || (gr__backend_accepts(under, g, n) && !(refuses && refuses(g, n)));
}

static gr_status make(gr_context *ctx, const gr_item *item, gr_kernel **out)
{
    const gr_node *n = gr__node(item->graph, item->nodes[0]);
    return n->op == &norm ? norm_make(ctx, item, under->real, out) : under->make(ctx, item, out);
}

static gr_backend made_of(const gr_backend *b, bool (*not )(const gr_graph *g, const gr_node *n))
{
    gr_backend made = *b;
    under = b;
    refuses = not ;
    made.make = make;
    made.accepts = takes;
    return made;
}

/* ---- one plan ---- */

enum { MOST = 512, OUTPUTS = 8, KERNELS = 256 };

typedef struct result {
    int n, n_outputs, n_kernels;
    double number[MOST];
    char kernel[KERNELS][64];
} result;

static double fed(int64_t i)
{
    return (double)(i * 37 % 101) / 50 - 1.01;
}

static void feed(gr_plan *p, const gr_backend *b, const char *name)
{
    size_t bytes = 0;
    void *to = gr_plan_feed(p, name, &bytes); /* NULL: nothing reads it */
    for (int64_t i = 0; to && (size_t)i < bytes / gr__element_bytes(b->real); i++)
        put(to, b->real, i, fed(i + name[0]));
}

static void take(gr_plan *p, const gr_backend *b, int output, result *r)
{
    char name[16];
    gr_shape s;
    snprintf(name, sizeof name, "%d", output);
    const void *from = gr_plan_output(p, name, &s);
    gr_element e = s.rank ? b->real : GR_EL_F64;
    for (int64_t i = 0; i < gr_shape_count(s); i++) r->number[r->n++] = number(from, e, i);
    assert_true(r->n <= MOST);
}

typedef void build_fn(gr_graph *g, gr_val *out, int *n);

static gr_graph *built(gr_context *ctx, build_fn *build, gr_val *out, int *n)
{
    gr_graph *g;
    test_ok(ctx, gr_graph_create(ctx, &g));
    build(g, out, n);
    test_ok(ctx, gr_graph_status(g));
    test_ok(ctx, gr_graph_verify(g));
    for (int o = 0; o < *n; o++) {
        char name[16];
        snprintf(name, sizeof name, "%d", o);
        gr_output(g, name, out[o]);
    }
    return g;
}

static result run(const gr_backend *b, build_fn *build, bool unfused, int threads)
{
    result r = {.n = 0};
    gr_context *ctx;
    assert_int_equal(gr_context_create(&(gr_context_options){.threads = threads}, &ctx), GR_OK);
    gr_val out[OUTPUTS];
    gr_graph *g = built(ctx, build, out, &r.n_outputs);
    gr_store *s;
    gr_plan *p;
    test_ok(ctx, gr_store_create(ctx, b, &s));
    test_ok(ctx, gr_plan_compile(ctx, g, s, &(gr_plan_options){.backend = b, .unfused = unfused}, &p));
    test_ok(ctx, gr_store_seal(s));
    test_ok(ctx, gr_plan_bind(p, NULL));
    feed(p, b, "x");
    feed(p, b, "v");
    feed(p, b, "u");
    feed(p, b, "w");
    test_ok(ctx, gr_plan_run(p));
    for (int o = 0; o < r.n_outputs; o++) take(p, b, o, &r);
    r.n_kernels = gr_plan_rows(p);
    assert_true(r.n_kernels <= KERNELS);
    for (int k = 0; k < r.n_kernels; k++) snprintf(r.kernel[k], sizeof *r.kernel, "%s", gr_plan_row_at(p, k).kernel);
    gr_plan_destroy(p);
    gr_store_destroy(s);
    gr_graph_destroy(g);
    gr_context_destroy(ctx);
    return r;
}

static const double *leaf(void *user, const gr_graph *g, const gr_node *n)
{
    static double made[MOST];
    (void)user;
    for (int64_t i = 0; i < gr_shape_count(gr__value(g, n->out)->shape); i++) made[i] = fed(i + n->attr.name[0]);
    return made;
}

static result evaluated(build_fn *build)
{
    result r = {.n = 0};
    gr_context *ctx = test_context();
    gr_val out[OUTPUTS];
    gr_graph *g = built(ctx, build, out, &r.n_outputs);
    for (int o = 0; o < r.n_outputs; o++) {
        test_ok(ctx, gr__eval(g, &out[o], 1, leaf, NULL, (double *const[]){r.number + r.n}));
        r.n += (int)gr_shape_count(gr_shape_of(g, out[o]));
    }
    gr_graph_destroy(g);
    test_context_end(ctx);
    return r;
}

static void near(const char *what, const result *a, const result *b, double tolerance)
{
    assert_int_equal(a->n, b->n);
    for (int i = 0; i < a->n; i++)
        if (!(fabs(a->number[i] - b->number[i]) <= tolerance * fmax(1, fabs(b->number[i]))))
            fail_msg("%s: number %d is %.9g and %.9g", what, i, a->number[i], b->number[i]);
}

static void same(const char *what, const result *a, const result *b)
{
    near(what, a, b, 0);
    assert_memory_equal(a->number, b->number, sizeof a->number);
    assert_int_equal(a->n_kernels, b->n_kernels);
    for (int k = 0; k < a->n_kernels; k++) assert_string_equal(a->kernel[k], b->kernel[k]);
}

static int kernels_called(const result *r, const char *name)
{
    int n = 0;
    for (int k = 0; k < r->n_kernels; k++) n += strstr(r->kernel[k], name) != NULL;
    return n;
}

/* ---- norm between other operations: values, derivatives, second derivatives ---- */

static void build_norm(gr_graph *g, gr_val *out, int *n, bool written)
{
    gr_shape s = GR_SHAPE(ROWS, COLUMNS);
    gr_val x = gr_feed(g, "x", GR_REAL, s), v = gr_feed(g, "v", GR_REAL, s), u = gr_feed(g, "u", GR_REAL, s), two[2];
    gr_scope_push(g, "norm", "n1");
    gr_val z = gr_tanh(g, gr_mul(g, x, gr_const(g, 3)));
    if (written) norm_written(g, z, two);
    if (!written) two[0] = gr__node_make(g, &norm, &z, 1, NULL, NULL), two[1] = gr__node_output(g, two[0], 1);
    gr_scope_pop(g);
    gr_val j = gr_add(g, gr_sum_all(g, gr_mul(g, v, gr_sin(g, two[0]))), gr_sum_all(g, gr_square(g, two[1])));
    out[0] = two[0];
    out[1] = two[1];
    out[2] = j;
    if (gr_gradients(g, j, &x, 1, &out[3]) != GR_OK) return;
    if (gr_pullback(g, &out[3], &u, 1, &x, 1, &out[4]) != GR_OK) return;
    *n = 5;
}

static void norm_said(gr_graph *g, gr_val *out, int *n)
{
    build_norm(g, out, n, false);
}

static void norm_out(gr_graph *g, gr_val *out, int *n)
{
    build_norm(g, out, n, true);
}

static const struct {
    const char *name;
    double rounding; /* of its kernels against float64 */
} devices[] = {{"ref", 1e-12}, {"cpu", 2e-5}};

static void whole_lowered_and_evaluated_agree(void **state)
{
    (void)state;
    result exact = evaluated(norm_said), plain = evaluated(norm_out);
    near("evaluated", &exact, &plain, 0);
    for (size_t d = 0; d < GR_COUNT(devices); d++) {
        const gr_backend *b = gr_backend_get(devices[d].name);
        gr_backend taking = made_of(b, NULL);
        for (int unfused = 0; unfused < 2; unfused++) {
            result lowered = run(b, norm_said, unfused, 1), written = run(b, norm_out, unfused, 1);
            result whole = run(&taking, norm_said, unfused, 1), threads = run(&taking, norm_said, unfused, 2);
            same("lowered and written out", &lowered, &written);
            same("one thread and two", &whole, &threads);
            near("lowered", &lowered, &exact, devices[d].rounding);
            near("whole", &whole, &exact, devices[d].rounding);
            assert_int_equal(kernels_called(&whole, "norm whole"), 1);
            assert_int_equal(kernels_called(&lowered, "norm whole"), 0);
        }
    }
}

/* One output alone: the other is neither made nor lowered. */
static void norm_root_alone(gr_graph *g, gr_val *out, int *n)
{
    gr_val x = gr_feed(g, "x", GR_REAL, GR_SHAPE(ROWS, COLUMNS));
    out[0] = gr__node_output(g, gr__node_make(g, &norm, &x, 1, NULL, NULL), 1);
    *n = 1;
}

static void unread_results_are_left_out(void **state)
{
    (void)state;
    result exact = evaluated(norm_root_alone);
    for (size_t d = 0; d < GR_COUNT(devices); d++) {
        const gr_backend *b = gr_backend_get(devices[d].name);
        gr_backend taking = made_of(b, NULL);
        result lowered = run(b, norm_root_alone, false, 1), whole = run(&taking, norm_root_alone, false, 1);
        near("lowered", &lowered, &exact, devices[d].rounding);
        near("whole", &whole, &exact, devices[d].rounding);
    }
}

/* ---- softmax, of the product ---- */

static void build_softmax(gr_graph *g, gr_val *out, int *n, bool written)
{
    gr_shape s = GR_SHAPE(ROWS, COLUMNS);
    gr_val x = gr_feed(g, "x", GR_REAL, s), v = gr_feed(g, "v", GR_REAL, s), u = gr_feed(g, "u", GR_REAL, s);
    gr_val z = gr_mul(g, x, gr_const(g, 50)), y;
    if (written) {
        gr_val e = gr_exp(g, gr_sub(g, z, gr_stop(g, gr_reduce_max(g, z, (int[]){1}, 1, true))));
        y = gr_div(g, e, gr_sum(g, e, (int[]){1}, 1, true));
    } else {
        y = gr_softmax(g, z);
    }
    out[0] = y;
    if (gr_pullback(g, &y, &v, 1, &x, 1, &out[1]) != GR_OK) return;
    if (gr_pullback(g, &out[1], &u, 1, &x, 1, &out[2]) != GR_OK) return;
    *n = 3;
}

static void softmax_said(gr_graph *g, gr_val *out, int *n)
{
    build_softmax(g, out, n, false);
}

static void softmax_out(gr_graph *g, gr_val *out, int *n)
{
    build_softmax(g, out, n, true);
}

static void softmax_is_what_it_is_said_by(void **state)
{
    (void)state;
    for (size_t d = 0; d < GR_COUNT(devices); d++) {
        const gr_backend *b = gr_backend_get(devices[d].name);
        result said = run(b, softmax_said, false, 1), out = run(b, softmax_out, false, 1);
        same("softmax", &said, &out);
    }
}

/* ---- all that are said by others, a row each ---- */

#define SAID_1(name) gr_##name(g, x[0])
#define SAID_2(name) gr_##name(g, x[0], x[1])
#define SAID_3(name) gr_##name(g, x[0], x[1], x[2])
#define BUILD_SAID(code, name, n, ...)                                                                         \
    static void said_##name(gr_graph *g, gr_val *out, int *n_out)                                              \
    {                                                                                                          \
        gr_shape s = GR_SHAPE(ROWS, COLUMNS);                                                                  \
        gr_val x[3] = {gr_feed(g, "x", GR_REAL, s), gr_feed(g, "u", GR_REAL, s), gr_feed(g, "w", GR_REAL, s)}; \
        gr_val v = gr_feed(g, "v", GR_REAL, s);                                                                \
        out[0] = SAID_##n(name);                                                                               \
        *n_out = gr_pullback(g, out, &v, 1, x, n, out + 1) == GR_OK ? 1 + n : 0;                               \
    }
GR__COMPOSED(BUILD_SAID)

#define NAME_SAID(code, name, ...) {#name, said_##name},
static const struct {
    const char *name;
    build_fn *build;
} said_rows[] = {GR__COMPOSED(NAME_SAID)};

static void every_row_runs_everywhere(void **state)
{
    (void)state;
    for (size_t i = 0; i < GR_COUNT(said_rows); i++)
        for (size_t d = 0; d < GR_COUNT(devices); d++) {
            result exact = evaluated(said_rows[i].build),
                   run_there = run(gr_backend_get(devices[d].name), said_rows[i].build, false, 1);
            assert_true(exact.n > 0);
            near(said_rows[i].name, &run_there, &exact, devices[d].rounding);
        }
}

/* ---- operations with kernels, on backends that have none for them ---- */

static void pools(gr_graph *g, gr_val *out, int *n)
{
    gr_val x = gr_feed(g, "x", GR_REAL, GR_SHAPE(2, 5, 4, 3)), y[2], dy[2];
    y[0] = gr_avg_pool(g, x, (gr_pool_attr){{2, 3}, {2, 1}, {0, 1}, {1, 1}, false});
    y[1] = gr_avg_pool(g, gr_square(g, x), (gr_pool_attr){{3, 2}, {1, 2}, {2, 0}, {0, 1}, true});
    for (int i = 0; i < 2; i++) dy[i] = gr_sin(g, y[i]);
    if (gr_pullback(g, y, dy, 2, &x, 1, &out[2]) != GR_OK) return;
    out[0] = y[0];
    out[1] = y[1];
    *n = 3;
}

static bool is_pool(const gr_graph *g, const gr_node *n)
{
    (void)g;
    return n->op->class == GR_CLASS_POOL;
}

static void means_run_without_kernels_for_them(void **state)
{
    (void)state;
    result exact = evaluated(pools);
    for (size_t d = 0; d < GR_COUNT(devices); d++) {
        const gr_backend *b = gr_backend_get(devices[d].name);
        gr_backend without = made_of(b, is_pool);
        result own = run(b, pools, false, 1), lowered = run(&without, pools, false, 1);
        near("own", &own, &exact, devices[d].rounding);
        near("lowered", &lowered, &exact, devices[d].rounding);
        assert_true(kernels_called(&own, "pool") >= 4);
        assert_int_equal(kernels_called(&lowered, "pool"), 0);
    }
}

static bool is_muladd(const gr_graph *g, const gr_node *n)
{
    (void)g;
    return n->op->code == GR_OP_MULADD;
}

/* (1 + e)(1 - e) - 1, of an e whose square float32 cannot hold beside 1. */
static void product_and_sum(gr_graph *g, gr_val *out, int *n)
{
    double a[2] = {1 + 0x1p-13, 1 + 0x1p-13}, b[2] = {1 - 0x1p-13, 1 - 0x1p-13}, c[2] = {-1, -1};
    gr_shape s = GR_SHAPE(2);
    gr_val x = gr_feed(g, "x", GR_REAL, s),
           zero = gr_mul(g, gr_mul(g, x, gr_const(g, 0x1p-100)), gr_const(g, 0x1p-100));
    out[0] = gr_add(g, gr_mul(g, gr_add(g, gr_const_tensor(g, s, a), zero), gr_const_tensor(g, s, b)),
                    gr_const_tensor(g, s, c));
    *n = 1;
}

static void nothing_is_contracted_that_is_not_taken(void **state)
{
    (void)state;
    gr_backend without = made_of(gr_backend_get("cpu"), is_muladd);
    result apart = run(&without, product_and_sum, false, 1);
    assert_true(apart.number[0] == 0 && apart.number[1] == 0); /* the product is rounded to 1 before the sum */
    without = made_of(gr_backend_get("ref"), is_muladd);
    apart = run(&without, product_and_sum, false, 1);
    assert_true(apart.number[0] == -0x1p-26);
    assert_int_equal(kernels_called(&apart, "muladd"), 0);
}

/* ---- faults ---- */

static bool refuse_sum(const gr_graph *g, const gr_node *n)
{
    (void)g;
    return n->op->code == GR_OP_SUM;
}

static void endless_decompose(gr_graph *g, const gr_attr *attr, const gr_val *in, int n_in, gr_val *out);
static const gr_op *given(void)
{
    static gr_op op; /* that has a shape rule */
    op = norm;
    op.name = "endless";
    op.n_out = 1;
    op.infer = gr__op(GR_OP_SIN)->infer;
    op.decompose = endless_decompose;
    return &op;
}

static void endless_decompose(gr_graph *g, const gr_attr *attr, const gr_val *in, int n_in, gr_val *out)
{
    (void)attr, (void)n_in;
    gr_val x = gr_cos(g, in[0]);
    out[0] = gr__node_make(g, given(), &x, 1, NULL, NULL);
}

static void shrinking_decompose(gr_graph *g, const gr_attr *attr, const gr_val *in, int n_in, gr_val *out)
{
    (void)attr, (void)n_in;
    out[0] = gr_sum(g, in[0], (int[]){0}, 1, false);
}

static void fails(const gr_op *op, const gr_backend *b, gr_status status, const char *text)
{
    gr_context *ctx = test_context();
    gr_graph *g;
    gr_store *s;
    gr_plan *p = NULL;
    test_ok(ctx, gr_graph_create(ctx, &g));
    gr_scope_push(g, "layer", "one");
    gr_val x = gr_feed(g, "x", GR_REAL, GR_SHAPE(ROWS, COLUMNS));
    gr_output(g, "y", gr__node_make(g, op, &x, 1, op->code == GR_OP_SUM ? &(gr_attr){.i = {1}} : NULL, NULL));
    test_ok(ctx, gr_graph_status(g));
    test_ok(ctx, gr_store_create(ctx, b, &s));
    assert_int_equal(gr_plan_compile(ctx, g, s, &(gr_plan_options){.backend = b}, &p), status);
    assert_string_equal(gr_context_error(ctx)->message, text);
    assert_null(p);
    gr_store_destroy(s);
    gr_graph_destroy(g);
    test_context_end(ctx);
}

static void what_cannot_be_lowered_is_named(void **state)
{
    (void)state;
    const gr_backend *cpu = gr_backend_get("cpu");
    gr_backend without = made_of(cpu, refuse_sum);
    fails(gr__op(GR_OP_SUM), &without, GR_E_UNSUPPORTED,
          "layer \"one\": sum: backend \"cpu\" has no kernel, and it is not said by others");
    fails(given(), cpu, GR_E_INTERNAL, "backend \"cpu\": what is to be said by others has no end");
    gr_op shrinks = *given();
    shrinks.name = "shrinks";
    shrinks.decompose = shrinking_decompose;
    fails(&shrinks, cpu, GR_E_INTERNAL,
          "layer \"one\": shrinks: output 1 is real[6,5], that of its decomposition real[5]");
}

static void large(gr_graph *g, gr_val *out, int *n)
{
    gr_val x = gr_feed(g, "x", GR_REAL, GR_SHAPE(ROWS, COLUMNS));
    gr_scope_push(g, "layer", "one");
    out[0] = gr__node_make(g, &norm, &x, 1, NULL, NULL);
    gr_scope_pop(g);
    out[1] = gr__node_output(g, out[0], 1); /* the norms; the quotients alone would be finite */
    gr_guard(g, gr_sum_all(g, out[1]));
    *n = 2;
}

/* A step that diverges inside of what is said by others names where: the scope is that of what was written. */
static void nonfinite_values_are_named(void **state)
{
    (void)state;
    const gr_backend *b = gr_backend_get("cpu");
    gr_context *ctx = test_context();
    gr_val out[OUTPUTS];
    int n;
    size_t bytes;
    char found[256] = "";
    gr_graph *g = built(ctx, large, out, &n);
    gr_store *s;
    gr_plan *p;
    test_ok(ctx, gr_store_create(ctx, b, &s));
    test_ok(ctx, gr_plan_compile(ctx, g, s, &(gr_plan_options){.backend = b}, &p));
    test_ok(ctx, gr_store_seal(s));
    test_ok(ctx, gr_plan_bind(p, NULL));
    float *x = gr_plan_feed(p, "x", &bytes);
    for (size_t i = 0; i < bytes / sizeof *x; i++) x[i] = 0.5f;
    assert_false(gr_plan_find_nonfinite(p, found, sizeof found));
    x[3] = 1e30f; /* whose square float32 cannot hold */
    assert_true(gr_plan_find_nonfinite(p, found, sizeof found));
    assert_string_equal(found, "square in layer \"one\"");
    gr_plan_destroy(p);
    gr_store_destroy(s);
    gr_graph_destroy(g);
    test_context_end(ctx);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(whole_lowered_and_evaluated_agree),  cmocka_unit_test(unread_results_are_left_out),
        cmocka_unit_test(every_row_runs_everywhere),          cmocka_unit_test(softmax_is_what_it_is_said_by),
        cmocka_unit_test(means_run_without_kernels_for_them), cmocka_unit_test(nothing_is_contracted_that_is_not_taken),
        cmocka_unit_test(what_cannot_be_lowered_is_named),    cmocka_unit_test(nonfinite_values_are_named),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
