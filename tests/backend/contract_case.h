/* Shared by the tests of contractions: operands between forbidden pages, plain float64 loops, and a runner that hides
 * nothing. */
#ifndef GR_TESTS_CONTRACT_CASE_H
#define GR_TESTS_CONTRACT_CASE_H

#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "test.h"

#include "backend/cpu/contract_provider.h"
#include "base/rng.h"

/* n floats that end where a page begins that nobody may touch; before them NaN up to another such page. */
typedef struct guarded {
    float *x;
    int64_t n;
    char *map;
    size_t bytes;
} guarded;

static inline guarded guarded_make(int64_t n)
{
    size_t page = (size_t)sysconf(_SC_PAGESIZE), inner = ((size_t)n * 4 + page - 1) / page * page;
    guarded g = {.n = n, .bytes = inner + 2 * page};
    g.map = mmap(NULL, g.bytes, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    assert_true(g.map != MAP_FAILED);
    if (inner > 0) assert_int_equal(mprotect(g.map + page, inner, PROT_READ | PROT_WRITE), 0);
    memset(g.map + page, 0xff, inner);
    g.x = (float *)(void *)(g.map + page + inner - (size_t)n * 4);
    return g;
}

static inline void guarded_free(guarded *g)
{
    munmap(g->map, g->bytes);
}

static inline void guarded_random(guarded *g, gr__rng *r)
{
    for (int64_t i = 0; i < g->n; i++) g->x[i] = (float)(2 * gr__rng_uniform(r) - 1);
}

/* Nothing before the result was written: the poison is intact. */
static inline bool guarded_intact(const guarded *g)
{
    size_t page = (size_t)sysconf(_SC_PAGESIZE);
    for (const unsigned char *p = (const unsigned char *)g->map + page; p < (const unsigned char *)g->x; p++)
        if (*p != 0xff) return false;
    return true;
}

typedef struct contract_sizes {
    int64_t a, b, bias, out, sum; /* floats of the operands; sum: terms of an output, about */
} contract_sizes;

static inline contract_sizes contract_sizes_of(const gr__contraction *c)
{
    if (c->kind == GR__MATMUL)
        return (contract_sizes){(c->mm.broadcast_a ? 1 : c->mm.batch) * c->mm.m * c->mm.k,
                                (c->mm.broadcast_b ? 1 : c->mm.batch) * c->mm.k * c->mm.n, c->bias ? c->mm.n : 0,
                                c->mm.batch * c->mm.m * c->mm.n, c->mm.k};
    int64_t x = c->conv.n * c->conv.h * c->conv.w * c->conv.c, y = c->conv.n * c->conv.oh * c->conv.ow * c->conv.o,
            taps = c->conv.kh * c->conv.kw;
    int64_t w = c->conv.o * taps * c->conv.c / c->conv.groups;
    if (c->kind == GR__CONV_FORWARD)
        return (contract_sizes){x, w, c->bias ? c->conv.o : 0, y, taps * c->conv.c / c->conv.groups};
    if (c->kind == GR__CONV_DATA) return (contract_sizes){y, w, 0, x, taps * c->conv.o / c->conv.groups};
    return (contract_sizes){x, y, 0, w, c->conv.n * c->conv.oh * c->conv.ow};
}

/* The innermost loops of the references, which sanitizers would make the longest of all tests: they touch what the
 * callers count out, with every build. */
#define CONTRACT_PLAIN __attribute__((no_sanitize("address", "undefined")))

/* n terms, each to a sum of its own. size: the same of their magnitudes. */
CONTRACT_PLAIN static inline void contract_terms(double *restrict sum, double *restrict size, double a,
                                                 const float *restrict b, int64_t n)
{
    for (int64_t i = 0; i < n; i++) {
        sum[i] += a * (double)b[i];
        size[i] += fabs(a * (double)b[i]);
    }
}

/* n terms to one sum. */
CONTRACT_PLAIN static inline void contract_product(double *sum, double *size, const float *a, const float *b, int64_t n)
{
    for (int64_t i = 0; i < n; i++) {
        *sum += (double)a[i] * (double)b[i];
        *size += fabs((double)a[i] * (double)b[i]);
    }
}

/* A row of results at a time: an element's terms are added one after the other, those of a row side by side. */
static inline void contract_reference_matmul(const gr__contraction *c, const float *a, const float *b, double *sum,
                                             double *size)
{
    int64_t m = c->mm.m, n = c->mm.n, k = c->mm.k;
    float *second = malloc(((size_t)k * (size_t)n + 1) * sizeof *second);
    assert_non_null(second);
    for (int64_t z = 0; z < c->mm.batch; z++) {
        const float *x = a + (c->mm.broadcast_a ? 0 : z) * m * k, *y = b + (c->mm.broadcast_b ? 0 : z) * k * n;
        for (int64_t l = 0; l < k; l++)
            for (int64_t j = 0; j < n; j++) second[l * n + j] = y[c->mm.transpose_b ? j * k + l : l * n + j];
        for (int64_t i = 0; i < m; i++)
            for (int64_t l = 0; l < k; l++)
                contract_terms(sum + (z * m + i) * n, size + (z * m + i) * n,
                               (double)x[c->mm.transpose_a ? l * m + i : i * k + l], second + l * n, n);
    }
    free(second);
}

static inline void contract_reference_conv(const gr__contraction *c, const float *a, const float *b, double *sum,
                                           double *size)
{
    int64_t cg = c->conv.c / c->conv.groups, og = c->conv.o / c->conv.groups;
    for (int64_t n = 0; n < c->conv.n; n++)
        for (int64_t i = 0; i < c->conv.oh; i++)
            for (int64_t j = 0; j < c->conv.ow; j++)
                for (int64_t o = 0; o < c->conv.o; o++)
                    for (int64_t kh = 0; kh < c->conv.kh; kh++)
                        for (int64_t kw = 0; kw < c->conv.kw; kw++) {
                            int64_t h = i * c->conv.stride_h - c->conv.pad_h + kh * c->conv.dilation_h;
                            int64_t w = j * c->conv.stride_w - c->conv.pad_w + kw * c->conv.dilation_w;
                            if (h < 0 || h >= c->conv.h || w < 0 || w >= c->conv.w) continue;
                            int64_t x = ((n * c->conv.h + h) * c->conv.w + w) * c->conv.c + o / og * cg;
                            int64_t y = ((n * c->conv.oh + i) * c->conv.ow + j) * c->conv.o + o;
                            int64_t f = ((o * c->conv.kh + kh) * c->conv.kw + kw) * cg;
                            if (c->kind == GR__CONV_FORWARD)
                                contract_product(sum + y, size + y, a + x, b + f, cg);
                            else if (c->kind == GR__CONV_DATA)
                                contract_terms(sum + x, size + x, (double)a[y], b + f, cg);
                            else
                                contract_terms(sum + f, size + f, (double)b[y], a + x, cg);
                        }
}

/* Runs the kernel with its shards in one of several orders; scratch and shared memory start full of a pattern. */
enum { ORDER_FORWARD, ORDER_BACKWARD, ORDER_INTERLEAVED, ORDERS };

static inline void contract_run(const gr_kernel *k, void **operands, int order, int pattern)
{
    void *scratch = aligned_alloc(64, k->scratch_bytes / 64 * 64 + 64),
         *shared = aligned_alloc(64, k->shared_bytes / 64 * 64 + 64);
    assert_non_null(scratch);
    assert_non_null(shared);
    memset(shared, pattern, k->shared_bytes);
    const gr_call call = {operands, shared, scratch};
    for (int p = 0; p < k->n_phases; p++) {
        int n = k->phase[p].n_shards;
        assert_true(n >= 1);
        assert_true(k->phase[p].cost_ns > 0);
        for (int i = 0; i < n; i++) {
            int shard = order == ORDER_FORWARD    ? i
                        : order == ORDER_BACKWARD ? n - 1 - i
                                                  : (i < (n + 1) / 2 ? 2 * i : 2 * (i - (n + 1) / 2) + 1);
            if (order != ORDER_FORWARD || i == 0) memset(scratch, pattern, k->scratch_bytes);
            k->phase[p].run(k, &call, shard);
        }
    }
    free(scratch);
    free(shared);
}

/* The first element of a result that is not what the plain loops give; NULL: there is none. */
static inline const char *contract_difference(const gr__contraction *c, const gr_kernel *k, const float *a,
                                              const float *b, const float *bias, const float *out)
{
    static char text[300];
    contract_sizes z = contract_sizes_of(c);
    const char *found = NULL;
    double *sum = calloc((size_t)z.out + 1, sizeof *sum), *size = calloc((size_t)z.out + 1, sizeof *size);
    if (c->kind == GR__MATMUL)
        contract_reference_matmul(c, a, b, sum, size);
    else
        contract_reference_conv(c, a, b, sum, size);
    /* Winograd's rounding errors spread over a tile and are those of its largest terms. */
    double loose = strstr(k->name, "Winograd") == NULL ? 1 : strstr(k->name, "2x2 of 3x3") != NULL ? 2 : 8, largest = 0;
    for (int64_t i = 0; i < z.out; i++) largest = fmax(largest, size[i]);
    for (int64_t i = 0; i < z.out && !found; i++) {
        double want = sum[i];
        if (z.bias > 0) {
            want += bias[i % z.bias];
            size[i] += fabs(bias[i % z.bias]);
        }
        if (c->relu && want < 0) want = 0;
        double tolerance = 1.2e-7 * loose * (4 + sqrt((double)z.sum)) * (loose > 1 ? largest : size[i]);
        if (fabs(out[i] - want) <= tolerance) continue;
        snprintf(text, sizeof text, "%s: element %lld of %lld is %.9g, not %.9g", k->name, (long long)i,
                 (long long)z.out, (double)out[i], want);
        found = text;
    }
    free(sum);
    free(size);
    return found;
}

/* Runs a kernel made for c in every order, compares with the plain loops, and destroys it. What is wrong with it;
 * NULL: nothing. */
static inline const char *contract_fault(gr_context *ctx, const gr__contraction *c, gr_kernel *k, gr__rng *r)
{
    const char *found = NULL;
    contract_sizes z = contract_sizes_of(c);
    guarded a = guarded_make(z.a), b = guarded_make(z.b), bias = guarded_make(z.bias), out = guarded_make(z.out),
            first = guarded_make(z.out);
    guarded_random(&a, r);
    guarded_random(&b, r);
    guarded_random(&bias, r);
    assert_int_equal(k->n_operands, c->bias && (c->kind == GR__MATMUL || c->kind == GR__CONV_FORWARD) ? 4 : 3);
    void *operands[4] = {a.x, b.x, out.x, NULL};
    if (k->n_operands == 4) {
        operands[2] = bias.x;
        operands[3] = out.x;
    }
    for (int order = 0; order < ORDERS; order++) {
        memset(out.x, 0xff, (size_t)z.out * 4);
        contract_run(k, operands, order, order == ORDER_BACKWARD ? 0 : 0xff);
        if (order == 0)
            memcpy(first.x, out.x, (size_t)z.out * 4);
        else if (memcmp(first.x, out.x, (size_t)z.out * 4) != 0)
            found = "other bits in another order of shards";
    }
    if (!guarded_intact(&out)) found = "writes before its result";
    if (!found) found = contract_difference(c, k, a.x, b.x, bias.x, out.x);
    k->destroy(ctx, k);
    guarded_free(&a);
    guarded_free(&b);
    guarded_free(&bias);
    guarded_free(&out);
    guarded_free(&first);
    return found;
}

static inline void contract_check_kernel(gr_context *ctx, const gr__contraction *c, gr_kernel *k, gr__rng *r,
                                         const char *what)
{
    const char *found = contract_fault(ctx, c, k, r);
    if (found) fail_msg("%s: %s", what, found);
}

/* The same of what a provider makes; and what its kernel says it costs is what the provider stated. Plain loops are
 * left out where they would take long. */
enum { CONTRACT_SMALL = 2000000 };

static inline const char *contract_provider_fault(gr_context *ctx, const gr_provider *p, const gr__contraction *c,
                                                  gr__isa isa, gr__rng *r)
{
    static char text[200];
    double cost = p->cost(c, isa);
    if (!(cost > 0)) return "states a cost that is not above zero";
    if (!isfinite(cost)) return NULL;
    gr_kernel *k = NULL;
    test_ok(ctx, p->make(ctx, c, isa, &k));
    double said = gr__kernel_cost(k);
    if (gr__contract_flops(c) < CONTRACT_SMALL && (p->more ? said >= cost : said == cost))
        return contract_fault(ctx, c, k, r);
    k->destroy(ctx, k);
    snprintf(text, sizeof text, "states %.17g, its kernel %.17g", cost, said);
    return (p->more ? said >= cost : said == cost) ? NULL : text;
}

static inline void contract_check(gr_context *ctx, const gr__contraction *c, gr__isa isa, gr__rng *r, const char *what)
{
    gr_kernel *k = NULL;
    test_ok(ctx, gr__contract_make_for(ctx, c, isa, &k));
    contract_check_kernel(ctx, c, k, r, what);
}

#endif
