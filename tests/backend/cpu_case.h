/* Shared by the tests of the fast backend: values in memory between guards, items made by hand, kernels run with their
 * shards in any order.
 */
#ifndef GR_TESTS_CPU_CASE_H
#define GR_TESTS_CPU_CASE_H

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "test.h"

#include "backend/cpu/cpu.h"
#include "base/rng.h"
#include "graph/eval.h"
#include "graph/op.h"
#include "plan/plan.h"

enum { CASE_GUARD = 256 };

/* Memory of each value of a graph as the backend has it: 64-byte aligned, behind it bytes up to the next granule and a
 * guard. */
typedef struct cpu_case {
    gr_context *ctx;
    gr_graph *g;
    gr__rng rng;
    uint32_t capacity;
    char **block;   /* of a value: the guard before it */
    double **exact; /* of a leaf: what it holds, as doubles */
} cpu_case;

static inline size_t case_bytes(const gr_graph *g, gr_val v)
{
    const gr_value *x = gr__value(g, v);
    size_t element = x->dtype == GR_U8 ? 1 : x->dtype == GR_REAL && x->shape.rank == 0 ? 8 : 4;
    return (size_t)gr_shape_count(x->shape) * element;
}

static inline void case_begin(cpu_case *c, uint64_t seed)
{
    memset(c, 0, sizeof *c);
    c->ctx = test_context();
    test_ok(c->ctx, gr_graph_create(c->ctx, &c->g));
    c->rng = gr__rng_make(seed, "cpu", 0, 0);
    c->capacity = 4096;
    c->block = calloc(c->capacity, sizeof *c->block);
    c->exact = calloc(c->capacity, sizeof *c->exact);
}

static inline void case_end(cpu_case *c)
{
    for (uint32_t v = 0; v < c->capacity; v++) {
        free(c->block[v]);
        free(c->exact[v]);
    }
    free(c->block);
    free(c->exact);
    gr_graph_destroy(c->g);
    test_context_end(c->ctx);
}

/* Where value v stands; made on first use, full of a pattern that is NaN, negative or 255. */
static inline void *case_at(cpu_case *c, gr_val v)
{
    assert_true(v < c->capacity);
    size_t bytes = (case_bytes(c->g, v) + 63) / 64 * 64 + 2 * CASE_GUARD;
    if (!c->block[v]) {
        c->block[v] = aligned_alloc(64, bytes);
        assert_non_null(c->block[v]);
        memset(c->block[v], 0xff, bytes);
    }
    return c->block[v] + CASE_GUARD;
}

static inline void case_forget(cpu_case *c, gr_val v)
{
    free(c->block[v]);
    c->block[v] = NULL;
}

static inline bool case_guards_hold(const cpu_case *c, gr_val v)
{
    size_t bytes = case_bytes(c->g, v), all = (bytes + 63) / 64 * 64 + 2 * CASE_GUARD, touched = 0;
    const unsigned char *p = (const unsigned char *)c->block[v];
    for (size_t i = 0; i < CASE_GUARD; i++) touched += p[i] != 0xff;
    for (size_t i = CASE_GUARD + bytes; i < all; i++) touched += p[i] != 0xff;
    return touched == 0;
}

/* Fills a leaf: reals uniform in [low, high), some of them special; integers whole in the same range. */
static inline void case_fill(cpu_case *c, gr_val v, double low, double high, double special)
{
    static const double odd[] = {0.0, -0.0, INFINITY, -INFINITY, NAN, 1e-30, -3e15};
    const gr_value *x = gr__value(c->g, v);
    int64_t n = gr_shape_count(x->shape);
    void *to = case_at(c, v);
    double *exact = c->exact[v] = realloc(c->exact[v], (size_t)n * sizeof *exact + 8);
    for (int64_t e = 0; e < n; e++) {
        double value = low + (high - low) * gr__rng_uniform(&c->rng);
        if (x->dtype != GR_REAL)
            value = floor(value);
        else if (special > 0 && gr__rng_uniform(&c->rng) < special)
            value = odd[gr__rng_below(&c->rng, GR_COUNT(odd))];
        if (x->dtype == GR_I32)
            ((int32_t *)to)[e] = (int32_t)value;
        else if (x->dtype == GR_U8)
            ((uint8_t *)to)[e] = (uint8_t)(value < 0 ? -value : value);
        else if (x->shape.rank == 0)
            ((double *)to)[e] = value;
        else
            ((float *)to)[e] = (float)value;
        exact[e] = x->dtype == GR_U8                      ? ((uint8_t *)to)[e]
                   : x->dtype == GR_REAL && x->shape.rank ? (double)((float *)to)[e]
                                                          : value;
    }
}

static inline const double *case_leaf(void *user, const gr_graph *g, const gr_node *leaf)
{
    (void)g;
    return ((cpu_case *)user)->exact[leaf->out];
}

/* Value v in float64, node by node. The caller frees it. */
static inline double *case_expected(cpu_case *c, gr_val v)
{
    double *y = malloc((size_t)gr_shape_count(gr__value(c->g, v)->shape) * sizeof *y + 8);
    test_ok(c->ctx, gr__eval(c->g, &v, 1, case_leaf, c, &y));
    return y;
}

static inline double case_get(cpu_case *c, gr_val v, int64_t e)
{
    const gr_value *x = gr__value(c->g, v);
    const void *p = case_at(c, v);
    if (x->dtype == GR_I32) return ((const int32_t *)p)[e];
    if (x->dtype == GR_U8) return ((const uint8_t *)p)[e];
    return x->shape.rank ? (double)((const float *)p)[e] : ((const double *)p)[e];
}

/* Runs a kernel over given operands: shards in one of several orders, scratch and shared memory full of a pattern. */
enum { CASE_FORWARD, CASE_BACKWARD, CASE_MIXED, CASE_ORDERS };

static inline void case_run(const gr_kernel *k, void **operands, int order, int pattern)
{
    char *scratch = aligned_alloc(64, (k->scratch_bytes + 127) / 64 * 64),
         *shared = aligned_alloc(64, (k->shared_bytes + 127) / 64 * 64);
    assert_non_null(scratch);
    assert_non_null(shared);
    memset(shared, pattern, k->shared_bytes);
    const gr_call call = {operands, shared, scratch};
    assert_in_range(k->n_phases, 1, GR_MAX_PHASES);
    for (int p = 0; p < k->n_phases; p++) {
        int n = k->phase[p].n_shards;
        assert_true(n >= 1 && n <= 64);
        assert_true(k->phase[p].cost_ns > 0);
        for (int i = 0; i < n; i++) {
            int shard = order == CASE_FORWARD    ? i
                        : order == CASE_BACKWARD ? n - 1 - i
                        : i < (n + 1) / 2        ? 2 * i
                                                 : 2 * (i - (n + 1) / 2) + 1;
            if (order != CASE_FORWARD || i == 0) memset(scratch, pattern, k->scratch_bytes);
            k->phase[p].run(k, &call, shard);
        }
    }
    free(scratch);
    free(shared);
}

/* Runs an item over the case's values. */
static inline void case_run_item(cpu_case *c, const gr_item *item, gr__isa isa, int order)
{
    gr_kernel *k = NULL;
    test_ok(c->ctx, gr__cpu_make_for(c->ctx, item, isa, &k));
    void *operands[256];
    int n = 0;
    for (int i = 0; i < item->n_segments * item->n_in; i++) operands[n++] = case_at(c, item->in[i]);
    for (int i = 0; i < item->n_segments * item->n_out; i++) operands[n++] = case_at(c, item->out[i]);
    assert_int_equal(k->n_operands, n);
    case_run(k, operands, order, order == CASE_BACKWARD ? 0xff : 0x7e);
    k->destroy(c->ctx, k);
    for (int i = 0; i < item->n_segments * item->n_in; i++) assert_true(case_guards_hold(c, item->in[i]));
    for (int i = 0; i < item->n_segments * item->n_out; i++) assert_true(case_guards_hold(c, item->out[i]));
}

/* One node as a plan without fusing would run it. Inputs must be there; outputs are written. */
static inline void case_run_node(cpu_case *c, uint32_t node, gr__isa isa, int order)
{
    const gr_node *n = gr__node(c->g, node);
    gr_val in[16], out[4];
    assert_true(n->n_out <= 4);
    gr_item item = {
        .graph = c->g, .nodes = &node, .n_nodes = 1, .n_segments = 1, .in = in, .out = out, .n_out = n->n_out};
    for (int i = 0; i < n->n_in; i++) {
        bool seen = gr__producer(c->g, n->in[i])->op->code == GR_OP_CONST;
        for (int k = 0; k < item.n_in; k++) seen |= in[k] == n->in[i];
        if (!seen) in[item.n_in++] = n->in[i];
    }
    for (int o = 0; o < n->n_out; o++) out[o] = n->out + (gr_val)o;
    gr_shape to = gr__value(c->g, n->out)->shape, from = n->n_in ? gr__value(c->g, n->in[0])->shape : GR_SCALAR;
    unsigned splits = 0;
    if (n->op->class == GR_CLASS_MAP)
        splits = to.rank ? (1u << (to.rank + 1)) - 1 : 0;
    else if (n->op->code == GR_OP_IOTA)
        splits = gr__form_iota_splits(to, n->attr.i[0]);
    else if (n->op->code == GR_OP_BROADCAST)
        splits = gr__form_broadcast_splits(from, to);
    else if (gr__node_is_reduction(n) && from.rank)
        splits = gr__form_reduce_splits(from, n->attr.i[0], to.rank);
    gr_space space = {1, 1};
    if (splits && gr__backend_cpu.fuses(c->g, n)) {
        item.kind = GR_ITEM_REGION;
        space = gr__form_space(gr__node_is_reduction(n) ? from : to, splits);
        item.space = &space;
    }
    case_run_item(c, &item, isa, order);
}

/* How far an element may be from its expected value. */
static inline bool case_close(double got, double want, double tolerance)
{
    if (isnan(want)) return isnan(got);
    if (fabs(want) > 3.4028235e38) return isinf(got) && (got < 0) == (want < 0); /* no float holds it */
    return fabs(got - want) <= tolerance * (1 + fabs(want));
}

/* Runs the nodes that v needs, one by one, and compares v; leaves are filled already. */
static inline void case_check(cpu_case *c, gr_val v, gr__isa isa, double tolerance, const char *what)
{
    size_t bytes = case_bytes(c->g, v);
    char *first = malloc(bytes + 1);
    double *want = case_expected(c, v);
    bool *needed = calloc(gr__graph_nodes(c->g), sizeof *needed);
    needed[gr__value(c->g, v)->node] = true;
    for (uint32_t k = gr__graph_nodes(c->g); k-- > 0;)
        for (int i = 0; needed[k] && i < gr__node(c->g, k)->n_in; i++)
            needed[gr__value(c->g, gr__node(c->g, k)->in[i])->node] = true;
    for (int order = 0; order < CASE_ORDERS; order++) {
        for (uint32_t k = 0; k < gr__graph_nodes(c->g); k++) {
            const gr_node *n = gr__node(c->g, k);
            if (!needed[k] || n->op->code == GR_OP_FEED || n->op->code == GR_OP_CONST) continue;
            for (int o = 0; o < n->n_out; o++) case_forget(c, n->out + (gr_val)o);
            case_run_node(c, k, isa, order);
        }
        if (order == 0)
            memcpy(first, case_at(c, v), bytes);
        else if (memcmp(first, case_at(c, v), bytes) != 0)
            fail_msg("%s (%s): other bits in another order of shards", what, gr__isa_name(isa));
    }
    for (int64_t e = 0; e < gr_shape_count(gr__value(c->g, v)->shape); e++)
        if (!case_close(case_get(c, v, e), want[e], tolerance))
            fail_msg("%s (%s): element %lld is %.9g, not %.9g", what, gr__isa_name(isa), (long long)e,
                     case_get(c, v, e), want[e]);
    free(needed);
    free(want);
    free(first);
}

#endif
