/* Neighbours by brute force. A shard takes a few queries and walks over all others in blocks, prepared anew for each
 * shard, so no table of prepared samples stands anywhere. Within a block sixteen samples stand side by side and are
 * compared at once: a vector's lanes are samples, so each sum has the order that it would have alone. */
#include "data/balance/neighbours.h"

#include <math.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "backend/cpu/isa.h"
#include "base/pool.h"
#include "data/balance/distance.h"
#include "data/sample.h"

enum { QUERIES = 32 }; /* of a shard */

/* ---- a sample in numbers ---- */

static int64_t given(const gr_balance_job *j, int input)
{
    int64_t n = gr_shape_count(gr__set_input(j->set, input)->sample);
    for (int k = 0; k < j->n_prepared[input]; k++)
        if (j->prepared[input][k].gives.rank) n = gr_shape_count(j->prepared[input][k].gives);
    return n;
}

int64_t gr__space_numbers(const gr_balance_job *j)
{
    int64_t n = 0;
    for (int i = 0; i < j->set->n_inputs; i++) n += given(j, i);
    return n;
}

int64_t gr__space_sources(const gr_balance_job *j)
{
    int64_t n = 0;
    for (int i = 0; i < j->set->n_inputs; i++) n += gr_shape_count(gr__set_input(j->set, i)->sample);
    return n;
}

int64_t gr__space_width(const gr_balance_job *j)
{
    return gr__space_numbers(j) + j->n_nominal;
}

int64_t gr__space_room(const gr_balance_job *j)
{
    return GR_MAX(gr__space_width(j), gr__space_sources(j));
}

/* A row's numbers of an input, which are in memory. */
static void numbers_of(const gr_field *f, int64_t row, const gr_delivery *d, int64_t n, double *x)
{
    gr__deliver(f, (const char *)f->data + (size_t)row * gr__sample_bytes(f), d, n, x);
}

void gr__space_source(const gr_balance_job *j, int64_t row, double *x)
{
    const gr_delivery as_it_is = {.as = GR_EL_F64};
    for (int i = 0; i < j->set->n_inputs; i++) {
        const gr_field *f = gr__set_input(j->set, i);
        int64_t n = gr_shape_count(f->sample);
        numbers_of(f, row, &as_it_is, n, x);
        x += n;
    }
}

void gr__space_undo(const gr_balance_job *j, const double *x, double *out, double *room)
{
    for (int i = 0; i < j->set->n_inputs; i++) {
        int64_t n = given(j, i);
        memcpy(room, x, (size_t)n * sizeof *x);
        int64_t left = gr__prepare_undo(j->prepared[i], j->n_prepared[i], room, n);
        memcpy(out, room, (size_t)left * sizeof *x);
        x += n;
        out += left;
    }
}

void gr__space_point(const gr_balance_job *j, int64_t row, double *x)
{
    double *code = x + gr__space_numbers(j);
    const gr_delivery as_it_is = {.as = GR_EL_F64};
    for (int k = 0; k < j->n_nominal; k++) {
        const gr_nominal *of = &j->nominal[k];
        const gr_field *f = gr__set_input(j->set, of->input);
        double one = 0;
        gr__deliver(f,
                    (const char *)f->data + (size_t)row * gr__sample_bytes(f) +
                        (size_t)of->element * gr__element_bytes(f->element),
                    &as_it_is, 1, &one);
        code[k] = isnan(one) ? -INFINITY : one;
    }
    for (int i = 0; i < j->set->n_inputs; i++) {
        int64_t n = given(j, i);
        const gr_delivery d = {GR_EL_F64, j->n_prepared[i] ? j->prepared[i] : NULL, j->n_prepared[i], n};
        numbers_of(gr__set_input(j->set, i), row, &d, n, x);
        for (int64_t e = 0; e < n && j->apart[i]; e++)
            if (j->apart[i][e]) x[e] = 0;
        x += n;
    }
}

static int rising(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static double median(double *x, int64_t n)
{
    qsort(x, (size_t)n, sizeof *x, rising);
    return n == 0 ? 0 : n % 2 ? x[n / 2] : (x[n / 2 - 1] + x[n / 2]) / 2;
}

/* Whether a number says a category. */
static bool is_nominal(const gr_balance_job *j, int64_t e)
{
    int i = 0;
    for (; e >= given(j, i); i++) e -= given(j, i);
    return j->apart[i] && j->apart[i][e];
}

gr_status gr__space_mismatch(const gr_balance_job *j, const uint32_t *row, int64_t n, double *out)
{
    int64_t width = gr__space_width(j), numbers = gr__space_numbers(j), left = 0;
    size_t bytes = 3 * (size_t)width * sizeof(double);
    *out = 0;
    if (!j->n_nominal) return GR_OK;
    double *x = gr__alloc(j->ctx, bytes), *mean = x + width, *square = mean + width;
    if (!x) return GR_E_MEMORY;
    memset(x, 0, bytes);
    for (int64_t i = 0; i < n; i++) {
        gr__space_point(j, row[i], x);
        for (int64_t e = 0; e < numbers; e++) { /* Welford */
            double d = x[e] - mean[e];
            mean[e] += d / (double)(i + 1);
            square[e] += d * (x[e] - mean[e]);
        }
    }
    for (int64_t e = 0; e < numbers; e++)
        if (!is_nominal(j, e)) x[left++] = sqrt(square[e] / (double)n);
    double middle = median(x, left);
    *out = left ? middle * middle : 1;
    gr__free(j->ctx, x, bytes);
    return GR_OK;
}

/* ---- the search ---- */

typedef struct search {
    const gr_balance_job *j;
    const uint32_t *query, *among;
    int64_t n, m, width, numbers;
    int k, queries; /* of a shard */
    double mismatch;
    uint32_t *out;
    gr__distances_fn distances;
    double *scratch; /* of each worker */
    size_t apart;    /* numbers of a worker's */
    atomic_bool bad; /* some number is none */
} search;

/* What a worker has: its queries, a block of others side by side, a sample, distances of the nearest. */
static size_t scratch_numbers(int64_t width, int queries, int k)
{
    size_t n = (size_t)width * (size_t)(queries + GR__SIDE + 1) + (size_t)queries * (size_t)k;
    return (n + 7) / 8 * 8;
}

static int queries_for(int64_t width)
{
    return width > 1 << 16 ? 4 : QUERIES;
}

uint64_t gr__neighbours_work(const gr_balance_job *j, int k)
{
    int64_t width = gr__space_width(j);
    return (uint64_t)gr_context_threads(j->ctx) * scratch_numbers(width, queries_for(width), k) * sizeof(double);
}

static bool point(search *s, uint32_t row, double *x)
{
    bool good = true;
    gr__space_point(s->j, row, x);
    for (int64_t e = 0; e < s->numbers; e++) good &= isfinite(x[e]) != 0;
    if (!good) atomic_store(&s->bad, true);
    return good;
}

/* Squared distances of a query to those side by side; some that are given up where all are at least `enough`. */
static void distances(const search *s, const double *q, const double *side, double enough, double out[GR__SIDE])
{
    if (s->distances(q, side, s->numbers, enough, out) < s->numbers) return;
    for (int64_t e = s->numbers; e < s->width; e++)
        for (int i = 0; i < GR__SIDE; i++) out[i] += q[e] != side[e * GR__SIDE + i] ? s->mismatch : 0;
}

/* Into the list of the nearest so far: behind those that are as near, which came before. */
static void keep(const search *s, double *near, uint32_t *place, double d, int64_t at)
{
    int i = s->k - 1;
    for (; i > 0 && near[i - 1] > d; i--) near[i] = near[i - 1], place[i] = place[i - 1];
    near[i] = d;
    place[i] = (uint32_t)at;
}

static void shard(void *arg, int index, int worker)
{
    search *s = arg;
    int64_t first = (int64_t)index * s->queries, n = GR_MIN(s->queries, s->n - first);
    double *side = s->scratch + (size_t)worker * s->apart, *q = side + GR__SIDE * s->width,
           *x = q + s->queries * s->width, *near = x + s->width;
    _Alignas(64) double d[GR__SIDE];
    gr__fp_state saved = gr__fp_enter();
    for (int64_t i = 0; i < n; i++) point(s, s->query[first + i], q + i * s->width);
    for (int64_t i = 0; i < n * s->k; i++) near[i] = INFINITY, s->out[first * s->k + i] = 0;
    for (int64_t at = 0; at < s->m && !atomic_load_explicit(&s->bad, memory_order_relaxed); at += GR__SIDE) {
        int64_t block = GR_MIN(GR__SIDE, s->m - at);
        for (int64_t b = 0; b < GR__SIDE; b++) {
            if (b < block) point(s, s->among[at + b], x);
            for (int64_t e = 0; e < s->width; e++) side[e * GR__SIDE + b] = x[e];
        }
        for (int64_t i = 0; i < n; i++) {
            double *of = near + i * s->k;
            distances(s, q + i * s->width, side, of[s->k - 1], d);
            for (int64_t b = 0; b < block; b++)
                if (d[b] < of[s->k - 1] && s->among[at + b] != s->query[first + i])
                    keep(s, of, s->out + (first + i) * s->k, d[b], at + b);
        }
    }
    gr__fp_leave(saved);
}

static gr__distances_fn distances_of(gr__isa isa)
{
#if defined __x86_64__
    return isa == GR__ISA_AVX512 ? gr__distances_avx512
           : isa == GR__ISA_AVX2 ? gr__distances_avx2
                                 : gr__distances_baseline;
#else
    (void)isa;
    return gr__distances_baseline;
#endif
}

gr_status gr__neighbours(const gr_balance_job *j, const uint32_t *query, int64_t n, const uint32_t *among, int64_t m,
                         int k, double mismatch, uint32_t *out)
{
    int64_t width = gr__space_width(j);
    search s = {.j = j,
                .query = query,
                .among = among,
                .n = n,
                .m = m,
                .width = width,
                .numbers = gr__space_numbers(j),
                .k = k,
                .queries = queries_for(width),
                .mismatch = mismatch,
                .out = out,
                .distances = distances_of(gr__isa_chosen())};
    s.apart = scratch_numbers(width, s.queries, k);
    gr__pool *pool = gr__context_pool(j->ctx);
    if (!pool) return gr__error_code(j->ctx);
    size_t bytes = (size_t)gr__neighbours_work(j, k);
    s.scratch = gr__tensor_alloc(j->ctx, bytes);
    if (!s.scratch) return gr__error_code(j->ctx);
    gr__pool_run(pool, shard, &s, (int)((n + s.queries - 1) / s.queries));
    gr__tensor_free(j->ctx, s.scratch, bytes);
    if (!atomic_load(&s.bad)) return GR_OK;
    return gr__tree_fail(j->ctx, j->at, GR_E_DATA, "prepare: [impute] fills missing values",
                         "neighbours are sought among numbers, and some of the training data are none");
}
