/* Nodes with several outputs, of which any may be unread: an operation of the tests' own with three, and a check that
 * every subset of a node's outputs comes out as all of them do together. */
#ifndef GR_TESTS_OUTPUTS_H
#define GR_TESTS_OUTPUTS_H

#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "graph/op.h"
#include "plan/plan.h"
#include "test.h"

/* ---- rows(x [N,C]) -> (sum [N], index of the first largest, GR_I32 [N], x less its row's mean [N,C]) ---- */

enum { ROWS_SUM, ROWS_INDEX, ROWS_CENTRED, ROWS_OUTPUTS };

static bool rows_infer(gr_graph *g, const gr_attr *attr, const gr_val *in, int n_in, gr_value *out)
{
    (void)attr, (void)n_in;
    if (!gr__want_dtype(g, in, 0, GR_REAL) || !gr__want_rank(g, in, 0, 2)) return false;
    gr_shape s = gr__value(g, in[0])->shape;
    out[ROWS_SUM].dtype = out[ROWS_CENTRED].dtype = GR_REAL;
    out[ROWS_INDEX].dtype = GR_I32;
    out[ROWS_SUM].shape = out[ROWS_INDEX].shape = GR_SHAPE(s.dim[0]);
    out[ROWS_CENTRED].shape = s;
    return true;
}

static void rows_gradient(gr_graph *g, const gr_node *n, const gr_val *dout, gr_val *din)
{
    gr_shape s = gr_shape_of(g, n->in[0]), column = GR_SHAPE(s.dim[0], 1);
    gr_val sum = dout[ROWS_SUM], centred = dout[ROWS_CENTRED];
    if (sum) sum = gr_broadcast(g, gr_reshape(g, sum, column), s);
    if (centred) {
        gr_val mean = gr_mul(g, gr_sum(g, centred, (int[]){1}, 1, true), gr_const(g, 1 / (double)s.dim[1]));
        centred = gr_sub(g, centred, mean);
    }
    din[0] = sum && centred ? gr_add(g, sum, centred) : sum ? sum : centred;
}

static void rows_ref(const gr_graph *g, const gr_node *n, const gr_ref *in, gr_ref *out)
{
    (void)g, (void)n;
    int64_t columns = in[0].shape.dim[1];
    for (int64_t r = 0; r < in[0].shape.dim[0]; r++) {
        const double *x = (const double *)in[0].data + r * columns;
        double sum = 0;
        int32_t largest = 0;
        for (int64_t c = 0; c < columns; c++) {
            sum += x[c];
            if (x[c] > x[largest]) largest = (int32_t)c;
        }
        if (out[ROWS_SUM].data) ((double *)out[ROWS_SUM].data)[r] = sum;
        if (out[ROWS_INDEX].data) ((int32_t *)out[ROWS_INDEX].data)[r] = largest;
        for (int64_t c = 0; c < columns && out[ROWS_CENTRED].data; c++)
            ((double *)out[ROWS_CENTRED].data)[r * columns + c] = x[c] - sum / (double)columns;
    }
}

#define ROWS_OP(reference)                                                                              \
    {                                                                                                   \
        .code = GR_OP_COUNT, .class = GR_CLASS_INDEX, .name = "rows", .n_in = 1, .n_out = ROWS_OUTPUTS, \
        .infer = rows_infer, .gradient = rows_gradient, .ref = reference                                \
    }
static const gr_op rows_op = ROWS_OP(rows_ref);

static inline gr_val rows_of(gr_graph *g, const gr_op *op, gr_val x)
{
    return gr__node_make(g, op, &x, 1, NULL, NULL);
}

/* ---- the check ---- */

typedef gr_val (*outputs_build)(gr_graph *g, gr_val x); /* the first output of a node over x */

/* The wanted outputs (bits) one after another in `to`, of room bytes; others leave it as it is. The arena is full of
 * NaN before. False: no plan. */
static inline bool outputs_run(const gr_backend *backend, outputs_build build, gr_shape shape, unsigned wanted,
                               char *to, size_t room)
{
    gr_context *ctx = NULL;
    gr_graph *g = NULL;
    gr_store *s = NULL;
    gr_plan *p = NULL;
    gr_arena *arena = NULL;
    bool good = gr_context_create(&(gr_context_options){.threads = 1}, &ctx) == GR_OK &&
                gr_graph_create(ctx, &g) == GR_OK && gr_store_create(ctx, backend, &s) == GR_OK;
    gr_val first = good ? build(g, gr_feed(g, "x", GR_REAL, shape)) : GR_NONE;
    int n = first ? gr__producer(g, first)->n_out : 0;
    char name[16];
    for (int o = 0; o < n; o++)
        if (snprintf(name, sizeof name, "%d", o) && wanted >> o & 1) gr_output(g, name, gr__node_output(g, first, o));
    uint64_t bytes;
    good = good && gr_plan_compile(ctx, g, s, &(gr_plan_options){.backend = backend}, &p) == GR_OK &&
           gr_store_seal(s) == GR_OK && gr_arena_create(ctx, gr_plan_bytes(p).arena, &arena) == GR_OK;
    void *memory = good ? gr__arena_data(arena, &bytes) : NULL;
    if (good) memset(memory, 0xFF, bytes);
    good = good && gr_plan_bind(p, arena) == GR_OK;
    void *x = good ? gr_plan_feed(p, "x", NULL) : NULL;
    for (int64_t i = 0; x && i < gr_shape_count(shape); i++) {
        double value = (double)(i * 37 % 101) / 8 - 6;
        if (backend->real == GR_EL_F32)
            ((float *)x)[i] = (float)value;
        else
            ((double *)x)[i] = value;
    }
    good = good && gr_plan_run(p) == GR_OK;
    for (int o = 0; good && o < n; o++) {
        const gr_value *v = gr__value(g, gr__node_output(g, first, o));
        size_t size = gr__value_bytes(backend, v);
        snprintf(name, sizeof name, "%d", o);
        if (size > room) return false;
        if (wanted >> o & 1) memcpy(to, gr_plan_output(p, name, NULL), size);
        to += size;
        room -= size;
    }
    gr_plan_destroy(p);
    gr_arena_destroy(arena);
    gr_store_destroy(s);
    gr_graph_destroy(g);
    gr_context_destroy(ctx);
    return good;
}

enum { OUTPUTS_AGREE = 0, OUTPUTS_DIFFER = 40, OUTPUTS_CRASH }; /* no exit code of a sanitizer */

/* Runs every subset of the outputs in a process of its own, for a wrong kernel may write where nothing is. */
static inline int outputs_check(const gr_backend *backend, outputs_build build, gr_shape shape, int n)
{
    fflush(NULL);
    pid_t child = fork();
    if (child == 0) {
        static char all[1 << 16], some[1 << 16];
        signal(SIGSEGV, SIG_DFL); /* not cmocka's, nor a sanitizer's */
        signal(SIGBUS, SIG_DFL);
        bool good = outputs_run(backend, build, shape, (1u << n) - 1, all, sizeof all);
        for (unsigned wanted = 1; good && wanted < 1u << n; wanted++) {
            memcpy(some, all, sizeof all);
            good = outputs_run(backend, build, shape, wanted, some, sizeof some) && memcmp(some, all, sizeof all) == 0;
        }
        _exit(good ? OUTPUTS_AGREE : OUTPUTS_DIFFER);
    }
    int status = 0;
    assert_true(child > 0 && waitpid(child, &status, 0) == child);
    bool said = WIFEXITED(status) && (WEXITSTATUS(status) == OUTPUTS_AGREE || WEXITSTATUS(status) == OUTPUTS_DIFFER);
    return said ? WEXITSTATUS(status) : OUTPUTS_CRASH;
}

#endif
