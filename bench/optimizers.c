/* Updates of every optimizer of the registry over 25.6 million numbers, beside a plain loop over the same arrays: read
 * where the plan reads, written in place where it writes, on the same worker pool, so as fast as this memory allows.
 * The two run in turn; the best run of each counts.
 *
 *     meson setup build && ninja -C build bench_optimizers
 *     build/bench_optimizers [-t threads] [-s seconds an optimizer] [-l | -n] [-c] [-v] [name of an optimizer]
 *
 * One line each: passes (how often the array that is visited most is walked through), kernels, bytes a number of the
 * network, milliseconds of the update, of the loop, and of the update as a training step has it (guarded: it waits for
 * the gradients' norm), loop / update, GB/s of the update. -l lists the tensors instead, -n the optimizers. -c takes a
 * tensor of 16,384 numbers, which stays in the cache: what computing alone costs. -v lists the kernels too. `./dev
 * bench optimizers` runs this against PyTorch. */
#include <stdlib.h>
#include <time.h>

#include "update.h"

static clockid_t watch = CLOCK_MONOTONIC; /* of one thread: its own time, for others may share the machine */

static double now(void)
{
    struct timespec t;
    clock_gettime(watch, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

/* ---- the loop ---- */

#if defined(__x86_64__)
#define FAST __attribute__((target_clones("default", "avx2", "avx512f")))
#else
#define FAST
#endif

enum { MOST_BOTH = 5, MOST_READ = 5, CHUNK = 1 << 16 }; /* arrays of a kind; numbers a shard */
typedef float f32 __attribute__((may_alias));
typedef uint32_t u32 __attribute__((may_alias));

/* Every array is read once: x <- a x + (sum of what is only read) b for those that are written in place, y <- that sum
 * for those that are only written. Where nothing is written, bits are summed: floats would have to be added one by one.
 */
#define STREAM(both, read, written)                                                                                    \
    FAST static uint32_t stream_##both##read##written(int64_t n, f32 *restrict b0, f32 *restrict b1, f32 *restrict b2, \
                                                      f32 *restrict b3, f32 *restrict b4, const f32 *restrict r0,      \
                                                      const f32 *restrict r1, const f32 *restrict r2,                  \
                                                      const f32 *restrict r3, const f32 *restrict r4, f32 *restrict y) \
    {                                                                                                                  \
        const float a = 0.999999f, b = 1e-9f;                                                                          \
        uint32_t sum = 0;                                                                                              \
        for (int64_t i = 0; both + written == 0 && i < n; i++) {                                                       \
            if (read > 0) sum += ((const u32 *)r0)[i];                                                                 \
            if (read > 1) sum += ((const u32 *)r1)[i];                                                                 \
            if (read > 2) sum += ((const u32 *)r2)[i];                                                                 \
            if (read > 3) sum += ((const u32 *)r3)[i];                                                                 \
            if (read > 4) sum += ((const u32 *)r4)[i];                                                                 \
        }                                                                                                              \
        for (int64_t i = 0; both + written > 0 && i < n; i++) {                                                        \
            float r = 0;                                                                                               \
            if (read > 0) r += r0[i];                                                                                  \
            if (read > 1) r += r1[i];                                                                                  \
            if (read > 2) r += r2[i];                                                                                  \
            if (read > 3) r += r3[i];                                                                                  \
            if (read > 4) r += r4[i];                                                                                  \
            if (both > 0) b0[i] = b0[i] * a + r * b;                                                                   \
            if (both > 1) b1[i] = b1[i] * a + r * b;                                                                   \
            if (both > 2) b2[i] = b2[i] * a + r * b;                                                                   \
            if (both > 3) b3[i] = b3[i] * a + r * b;                                                                   \
            if (both > 4) b4[i] = b4[i] * a + r * b;                                                                   \
            if (written > 0) y[i] = r;                                                                                 \
        }                                                                                                              \
        return sum;                                                                                                    \
    }
#define STREAMS(both, read) STREAM(both, read, 0) STREAM(both, read, 1)
#define ALL(both) STREAMS(both, 0) STREAMS(both, 1) STREAMS(both, 2) STREAMS(both, 3) STREAMS(both, 4) STREAMS(both, 5)
ALL(0)
ALL(1)
ALL(2)
ALL(3)
ALL(4)
ALL(5)

typedef uint32_t stream_fn(int64_t, f32 *, f32 *, f32 *, f32 *, f32 *, const f32 *, const f32 *, const f32 *,
                           const f32 *, const f32 *, f32 *);
#define NAMES(both, read)                              \
    {                                                  \
        stream_##both##read##0, stream_##both##read##1 \
    }
#define ROW(both)                                                                                      \
    {                                                                                                  \
        NAMES(both, 0), NAMES(both, 1), NAMES(both, 2), NAMES(both, 3), NAMES(both, 4), NAMES(both, 5) \
    }
static stream_fn *const streams[MOST_BOTH + 1][MOST_READ + 1][2] = {ROW(0), ROW(1), ROW(2), ROW(3), ROW(4), ROW(5)};

typedef struct piece { /* a shard */
    f32 *both[MOST_BOTH], *read[MOST_READ], *written;
    stream_fn *run;
    int64_t n;
} piece;

typedef struct loop { /* pieces of instruction i: piece[first[i]] to piece[first[i + 1]] - 1 */
    piece *piece;
    int *first, n_instructions, n;
    _Atomic uint32_t sum; /* so that nothing is left out */
} loop;

static void fail(const char *what)
{
    fprintf(stderr, "bench_optimizers: %s\n", what);
    exit(1);
}

static void *room(void *old, size_t bytes)
{
    void *p = realloc(old, bytes);
    if (!p) fail("no memory");
    return p;
}

static void add_pieces(loop *l, const gr_plan *p, const update_walk *w)
{
    if (w->n_both > MOST_BOTH || w->n_read > MOST_READ || w->n_written > 1)
        fail("a kernel reads or writes more arrays than the loop has forms for");
    for (int64_t at = 0; at < w->n; at += CHUNK) {
        if (l->n % 256 == 0) l->piece = room(l->piece, sizeof *l->piece * (size_t)(l->n + 256));
        piece *x = &l->piece[l->n++];
        *x = (piece){.run = streams[w->n_both][w->n_read][w->n_written], .n = GR_MIN(CHUNK, w->n - at)};
        for (int i = 0; i < w->n_both; i++) x->both[i] = (f32 *)gr__operand_address(p, w->both[i]) + at;
        for (int i = 0; i < w->n_read; i++) x->read[i] = (f32 *)gr__operand_address(p, w->read[i]) + at;
        if (w->n_written) x->written = (f32 *)gr__operand_address(p, w->written[0]) + at;
    }
}

/* The traffic of a bound plan. What stands beside the large arrays (a number a row, scalars) is left out, in the loop's
 * favour. */
static loop loop_of(const gr_plan *p)
{
    int n = p->n_instructions;
    loop l = {.n_instructions = n, .first = room(NULL, sizeof(int) * (size_t)(n + 1))};
    for (int i = 0; i < n; i++) {
        const gr__instruction *in = &p->instructions[i];
        double largest = 0;
        l.first[i] = l.n;
        update_copies(p, in, &largest);
        if (largest > sizeof(double)) fail("the plan copies tensors, for which the loop has no form");
        for (int s = 0; in->code == GR__CALL && s < in->made->item.n_segments; s++) {
            update_walk w = update_walk_of(p, in, s);
            if (w.n > 1) add_pieces(&l, p, &w);
        }
    }
    l.first[n] = l.n;
    return l;
}

static void run_piece(void *arg, int shard, int worker)
{
    loop *l = arg;
    const piece *x = &l->piece[shard];
    (void)worker;
    l->sum += x->run(x->n, x->both[0], x->both[1], x->both[2], x->both[3], x->both[4], x->read[0], x->read[1],
                     x->read[2], x->read[3], x->read[4], x->written);
}

static void run_loop(loop *l, gr__pool *pool)
{
    piece *all = l->piece;
    gr__fp_state saved = gr__fp_enter();
    for (int i = 0; i < l->n_instructions; i++) {
        int n = l->first[i + 1] - l->first[i];
        l->piece = all + l->first[i];
        if (pool && n > 1) {
            gr__pool_run(pool, run_piece, l, n);
        } else {
            for (int s = 0; s < n; s++) run_piece(l, s, 0);
        }
    }
    l->piece = all;
    gr__fp_leave(saved);
}

/* ---- an optimizer ---- */

typedef struct subject {
    gr_context *ctx;
    gr__bump *memory;
    gr_store *store;
    gr_plan *plan, *guarded;
} subject;

static void check(const subject *s, gr_status st)
{
    if (st != GR_OK) fail(gr_context_error(s->ctx)->message);
}

/* Weights in +-0.1, gradients and curvatures in +-0.01, signs; state as it starts. */
static void fill(gr_store *store)
{
    for (int i = 0; i < gr_store_count(store); i++) {
        const gr_entry *e = gr_store_entry(store, i);
        const char *slot = strrchr(e->spec.name, '/');
        bool sign = slot && strcmp(slot, "/z") == 0;
        float scale = !e->spec.slot                                                         ? 0.2f
                      : sign || strcmp(slot, "/sum") == 0 || strcmp(slot, "/sum_bend") == 0 ? 0.02f
                                                                                            : 0;
        float *x = e->data;
        uint32_t u = (uint32_t)i + 1;
        for (int64_t k = 0; scale != 0 && k < e->count; k++) {
            u = u * 1664525u + 1013904223u;
            x[k] = sign ? (u >> 31 ? 1.0f : -1.0f) : scale * ((float)(u >> 8) / 16777216.0f - 0.5f);
        }
    }
}

static subject open_subject(const update_net *net, const gr_optimizer *m, int threads)
{
    subject s = {NULL};
    gr_optim o;
    if (gr_context_create(&(gr_context_options){.threads = threads}, &s.ctx) != GR_OK ||
        !(s.memory = gr__bump_create(s.ctx)))
        fail("no memory");
    check(&s, gr__optim_make(s.ctx, s.memory, gr__tree_scalar(s.memory, m->head.name), GR_PRESET_CHAPTER, &o));
    check(&s, gr_store_create(s.ctx, gr_backend_get("cpu"), &s.store));
    check(&s, update_compile(s.ctx, s.store, net, &o, false, false, &s.plan));
    check(&s, update_compile(s.ctx, s.store, net, &o, true, false, &s.guarded));
    check(&s, gr_store_seal(s.store));
    check(&s, gr_plan_bind(s.plan, NULL));
    check(&s, gr_plan_bind(s.guarded, NULL));
    fill(s.store);
    return s;
}

static void close_subject(subject *s)
{
    gr_plan_destroy(s->plan);
    gr_plan_destroy(s->guarded);
    gr_store_destroy(s->store);
    gr__bump_destroy(s->memory);
    gr_context_destroy(s->ctx);
}

static double run_plan(const subject *s, gr_plan *p)
{
    *(double *)gr_plan_feed(p, "lr", NULL) = 1e-6;
    *(double *)gr_plan_feed(p, "count", NULL) = 1;
    double start = now();
    check(s, gr_plan_run(p));
    return now() - start;
}

static void list_kernels(const gr_plan *p)
{
    for (int i = 0; i < gr_plan_rows(p); i++) {
        gr_plan_row r = gr_plan_row_at(p, i);
        printf("    %-36s %-28s %5d nodes %5d shards %9.3f MB\n", r.kernel, r.scope, r.nodes, r.shards, r.bytes * 1e-6);
    }
}

static void measure(const update_net *net, const gr_optimizer *m, int threads, double seconds, bool listed)
{
    subject s = open_subject(net, m, threads);
    loop l = loop_of(s.plan);
    update_passes x = update_count_passes(s.plan, net);
    double ours = 1e9, theirs = 1e9, guarded = 1e9, start = now();
    for (int turn = 0; turn < 3 || now() - start < seconds; turn++) {
        ours = GR_MIN(ours, run_plan(&s, s.plan));
        double begin = now();
        run_loop(&l, s.plan->pool);
        theirs = GR_MIN(theirs, now() - begin);
        guarded = GR_MIN(guarded, run_plan(&s, s.guarded));
    }
    printf("%-12s %7d %7d %8d %7.1f %10.4f %10.4f %10.4f %6.2f %6.1f\n", m->head.name, threads, x.passes, x.kernels,
           x.bytes, ours * 1e3, theirs * 1e3, guarded * 1e3, theirs / ours,
           x.bytes * (double)net->numbers / ours * 1e-9);
    if (listed) list_kernels(s.plan);
    fflush(stdout);
    free(l.piece);
    free(l.first);
    close_subject(&s);
}

static void list_tensors(const update_net *net)
{
    for (size_t i = 0; i < net->n; i++) {
        gr_shape shape = net->param[i].entry.shape;
        printf("%s", net->name[i]);
        for (int a = 0; a < shape.rank; a++) printf(" %lld", (long long)shape.dim[a]);
        printf("\n");
    }
}

/* But for methods that multiply matrices, whose time no loop over memory is a measure of. */
static void list_name(const gr_optimizer *m)
{
    static update_net little;
    update_little(&little);
    subject s = open_subject(&little, m, 1);
    if (!update_multiplies(s.plan->graph)) printf("%s\n", m->head.name);
    close_subject(&s);
}

int main(int argc, char **argv)
{
    static update_net net;
    const char *only = NULL;
    double seconds = 2;
    int threads = 1, n, found = 0;
    bool list = false, names = false, little = false, listed = false;
    for (int i = 1; i < argc; i++) {
        if (strcmp(argv[i], "-t") == 0 && i + 1 < argc)
            threads = atoi(argv[++i]);
        else if (strcmp(argv[i], "-s") == 0 && i + 1 < argc)
            seconds = atof(argv[++i]);
        else if (strcmp(argv[i], "-l") == 0)
            list = true;
        else if (strcmp(argv[i], "-n") == 0)
            names = true;
        else if (strcmp(argv[i], "-c") == 0)
            little = true;
        else if (strcmp(argv[i], "-v") == 0)
            listed = true;
        else
            only = argv[i];
    }
    if (threads < 1) fail("-t is 1 or more");
    if (threads == 1) watch = CLOCK_THREAD_CPUTIME_ID;
    if (little)
        update_little(&net);
    else
        update_resnet50(&net);
    if (list) {
        list_tensors(&net);
        return 0;
    }
    const gr_optimizer *const *all = gr__optimizers(&n);
    for (int i = 0; names && i < n; i++) list_name(all[i]);
    if (names) return 0;
    printf("%-12s %7s %7s %8s %7s %10s %10s %10s %6s %6s\n", "optimizer", "threads", "passes", "kernels", "bytes", "ms",
           "loop_ms", "guarded_ms", "ratio", "GB/s");
    for (int i = 0; i < n; i++) {
        if (only && strcmp(only, all[i]->head.name) != 0) continue;
        measure(&net, all[i], threads, seconds, listed);
        found++;
    }
    if (!found) fail("there is no such optimizer");
    return 0;
}
