/* The worker pool.
 *
 * One 64-bit ticket holds the whole agreement: {epoch: 32 bits, n: 16, next: 16}. The caller publishes a job by storing
 * a ticket with the next epoch, the number of shards and next = 0; whoever works, the caller too, claims a shard by
 * adding 1 to the ticket and owns the shard that the *old* value names, if old next < old n.
 *
 * Why no shard is lost or taken twice, however slow a worker is:
 * - A claim is one atomic addition. Each addition sees a different old value of `next` between two publications, so a
 * shard has one owner.
 * - A claim is judged by the old value alone. A worker that looked at epoch 5, slept, and adds in epoch 9 has claimed,
 * by the old value it is handed, a shard of epoch 9 (or nothing); it never acts on what it saw before. So there is no
 * ABA: no decision compares with a remembered ticket, and the epoch serves only to sleep on.
 * - The store that publishes overwrites only a spent ticket: gr__pool_run returns once `done` shows all n shards
 * finished, and a shard is counted only after it was claimed. An addition that comes before the store finds next >= n
 * and claims nothing.
 * - fn, arg and first are plain fields. They are written only while no shard is owned, and read only by owners: the
 * publishing store (release) and the claiming addition (acquire) order the first, the count in `done` (release, read
 * with acquire) the second.
 * - next cannot run over into n: an addition happens only after a load that showed a shard free, so each thread adds at
 * most once in vain an epoch, and MOST_SHARDS + MOST_THREADS < 2^16. Longer jobs are published in parts.
 *
 * Sleeping is only ever an optimisation: the caller does every shard that nobody claims, so a wake-up that came too
 * late, or missed because the epoch wrapped around within one sleep, costs parallelism and not the result. It waits for
 * claimed shards only, whose owners are awake. Whoever sleeps first announces it, then looks once more, while the other
 * side first publishes, then looks for sleepers (all sequentially consistent): one of the two sees the other. */
#include <linux/futex.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "base/pool.h"
#include "base/state.h"
#include "base/text.h"

#define MOST_THREADS 1024
#define MOST_SHARDS 32768
#define SPIN_NS 50000
#define LINE 128 /* two cache lines: processors fetch them in pairs */

typedef struct worker {
    gr__pool *pool;
    pthread_t thread;
    int index;
} worker;

struct gr__pool {
    _Alignas(LINE) _Atomic uint64_t ticket;
    gr__shard_fn fn;
    void *arg;
    int first; /* the job's part that is under way starts at this shard */

    _Alignas(LINE) _Atomic uint32_t done; /* shards of this epoch that are finished */
    _Atomic uint32_t caller_sleeps;

    _Alignas(LINE) _Atomic uint32_t sleepers; /* workers asleep, or about to be */
    atomic_bool stop;

    gr_context *ctx;
    worker *workers; /* 1 .. threads-1; number 0 is the caller and has no entry in use */
    int threads, started;
    bool may_spin; /* every thread has a processor: spinning takes nobody's */
};

static uint32_t epoch_of(uint64_t ticket)
{
    return (uint32_t)(ticket >> 32);
}

static uint32_t n_of(uint64_t ticket)
{
    return (uint32_t)(ticket >> 16) & 0xFFFF;
}

static uint32_t next_of(uint64_t ticket)
{
    return (uint32_t)ticket & 0xFFFF;
}

static bool is_spent(uint64_t ticket)
{
    return next_of(ticket) >= n_of(ticket);
}

static void relax(void)
{
#if defined(__x86_64__)
    __builtin_ia32_pause();
#elif defined(__aarch64__)
    __asm__ volatile("isb"); /* about as long as x86's pause; "yield" does nothing on most cores */
#endif
}

/* The kernel looks at the half of the ticket that holds the epoch. */
static uint32_t *epoch_word(gr__pool *p)
{
    return (uint32_t *)(void *)&p->ticket + (__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__ ? 1 : 0);
}

/* Sleeps while *word == value; may wake for no reason. */
static void futex_wait(void *word, uint32_t value)
{
    syscall(SYS_futex, word, FUTEX_WAIT_PRIVATE, value, NULL, NULL, 0);
}

static void futex_wake(void *word, int n)
{
    syscall(SYS_futex, word, FUTEX_WAKE_PRIVATE, n, NULL, NULL, 0);
}

static int64_t now_ns(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (int64_t)t.tv_sec * 1000000000 + t.tv_nsec;
}

/* A bounded wait: call in a loop; false once the time is over. Reads the clock every 64 rounds, for that costs as much
 * as many rounds. */
typedef struct spin {
    int rounds;
    int64_t end;
} spin;

static bool spin_on(gr__pool *p, spin *s)
{
    if (!p->may_spin) return false;
    relax();
    if (++s->rounds % 64) return true;
    int64_t now = now_ns();
    if (s->end == 0) s->end = now + SPIN_NS;
    return now < s->end;
}

/* Claims and runs shards until none is free; returns how many. */
static uint32_t work(gr__pool *p, int index)
{
    uint32_t n = 0;
    while (!is_spent(atomic_load_explicit(&p->ticket, memory_order_relaxed))) {
        uint64_t mine = atomic_fetch_add_explicit(&p->ticket, 1, memory_order_acquire);
        if (is_spent(mine)) break;
        p->fn(p->arg, p->first + (int)next_of(mine), index);
        n++;
    }
    return n;
}

/* Shards done by a worker are counted together, after its last one. Until then the caller waits, so they are all of one
 * epoch. */
static void report(gr__pool *p, uint32_t n)
{
    atomic_fetch_add(&p->done, n);
    if (atomic_load(&p->caller_sleeps)) futex_wake(&p->done, 1);
}

/* Until the ticket is no longer the spent one of this epoch. */
static void wait_for_job(gr__pool *p, uint32_t epoch)
{
    for (spin s = {0}; spin_on(p, &s);)
        if (epoch_of(atomic_load_explicit(&p->ticket, memory_order_relaxed)) != epoch) return;
    atomic_fetch_add(&p->sleepers, 1);
    while (epoch_of(atomic_load(&p->ticket)) == epoch) futex_wait(epoch_word(p), epoch);
    atomic_fetch_sub(&p->sleepers, 1);
}

static void *worker_main(void *arg)
{
    worker *w = arg;
    gr__pool *p = w->pool;
    (void)gr__fp_enter();
    for (;;) {
        uint32_t n = work(p, w->index);
        if (n) report(p, n);
        uint64_t ticket = atomic_load_explicit(&p->ticket, memory_order_acquire);
        if (atomic_load_explicit(&p->stop, memory_order_relaxed)) return NULL;
        if (is_spent(ticket)) wait_for_job(p, epoch_of(ticket));
    }
}

static void publish(gr__pool *p, uint32_t n)
{
    uint64_t epoch = (uint32_t)(epoch_of(atomic_load_explicit(&p->ticket, memory_order_relaxed)) + 1);
    atomic_store(&p->ticket, epoch << 32 | (uint64_t)n << 16);
}

static void wait_for_shards(gr__pool *p, uint32_t n)
{
    uint32_t done;
    for (spin s = {0}; (done = atomic_load_explicit(&p->done, memory_order_acquire)) != n;) {
        if (spin_on(p, &s)) continue;
        atomic_store(&p->caller_sleeps, 1);
        while ((done = atomic_load(&p->done)) != n) futex_wait(&p->done, done);
        atomic_store(&p->caller_sleeps, 0);
        return;
    }
}

static void run_part(gr__pool *p, int first, uint32_t n)
{
    p->first = first;
    atomic_store_explicit(&p->done, 0, memory_order_relaxed);
    publish(p, n);
    uint32_t sleepers = atomic_load(&p->sleepers);
    if (sleepers) futex_wake(epoch_word(p), (int)GR_MIN(sleepers, n - 1));
    uint32_t mine = work(p, 0);
    if (mine == n) return; /* nobody else took one, so nobody else will touch `done` */
    wait_for_shards(p, n - mine);
}

void gr__pool_run(gr__pool *p, gr__shard_fn fn, void *arg, int n_shards)
{
    if (p->threads == 1 || n_shards <= 1) {
        for (int i = 0; i < n_shards; i++) fn(arg, i, 0);
        return;
    }
    p->fn = fn;
    p->arg = arg;
    for (int first = 0; first < n_shards;) {
        int n = GR_MIN(n_shards - first, MOST_SHARDS);
        run_part(p, first, (uint32_t)n);
        first += n;
    }
}

int gr__pool_threads(const gr__pool *p)
{
    return p->threads;
}

/* Gives each worker a processor of its own, the caller keeping the one it is on now. Failing to pin is no failure. */
static void pin(gr__pool *p, const cpu_set_t *allowed)
{
    int caller = sched_getcpu(), cpu = 0;
    for (int i = 1; i < p->threads; i++) {
        while (cpu < CPU_SETSIZE && (!CPU_ISSET((size_t)cpu, allowed) || cpu == caller)) cpu++;
        if (cpu == CPU_SETSIZE) return;
        cpu_set_t one;
        CPU_ZERO(&one);
        CPU_SET((size_t)cpu++, &one);
        (void)pthread_setaffinity_np(p->workers[i].thread, sizeof one, &one);
    }
}

/* Workers inherit the mask of their creator: with all signals blocked, the host's handlers run on the host's threads.
 */
static int start_workers(gr__pool *p)
{
    sigset_t all, before;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    int code = 0;
    while (p->started < p->threads && code == 0) {
        worker *w = &p->workers[p->started];
        *w = (worker){.pool = p, .index = p->started};
        code = pthread_create(&w->thread, NULL, worker_main, w);
        if (code) break;
        char name[16];
        snprintf(name, sizeof name, "gradus-%d", w->index);
        (void)pthread_setname_np(w->thread, name);
        p->started++;
    }
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    return code;
}

gr_status gr__pool_create(gr_context *ctx, int threads, gr__pool **out)
{
    if (threads < 1 || threads > MOST_THREADS)
        return gr__fail(ctx, GR_E_RANGE, "%d threads are not in [1, %d]", threads, MOST_THREADS);
    gr__pool *p = gr__alloc_aligned(ctx, sizeof *p, LINE);
    if (!p) return GR_E_MEMORY;
    p->ctx = ctx;
    p->threads = threads;
    p->started = 1; /* the caller */
    p->workers = gr__alloc(ctx, (size_t)threads * sizeof *p->workers);
    if (!p->workers) {
        gr__pool_destroy(p);
        return GR_E_MEMORY;
    }
    cpu_set_t allowed;
    bool roomy = gr__processors() >= threads;
    p->may_spin = roomy;
    int code = start_workers(p);
    if (code) {
        char reason[128];
        gr__fail(ctx, GR_E_MEMORY, "cannot start thread %d of %d: %s", p->started + 1, threads,
                 gr__errno_text(code, reason, sizeof reason));
        gr__pool_destroy(p);
        return GR_E_MEMORY;
    }
    if (roomy && sched_getaffinity(0, sizeof allowed, &allowed) == 0) pin(p, &allowed);
    *out = p;
    return GR_OK;
}

void gr__pool_destroy(gr__pool *p)
{
    if (!p) return;
    atomic_store_explicit(&p->stop, true, memory_order_relaxed);
    publish(p, 0);
    futex_wake(epoch_word(p), MOST_THREADS);
    for (int i = 1; i < p->started; i++) pthread_join(p->workers[i].thread, NULL);
    gr_context *ctx = p->ctx;
    gr__free(ctx, p->workers, (size_t)p->threads * sizeof *p->workers);
    gr__free(ctx, p, sizeof *p);
}
