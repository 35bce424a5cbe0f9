/* The pool: every shard once, in every epoch, for any number of threads; the floating-point mode; failing to start. */
#include "test.h"

#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/pool.h"

typedef struct job {
    uint32_t *taken; /* plain memory, one element a shard: a shard taken twice is a race that the thread sanitizer
                        reports too */
    int n, threads;
    uint32_t epoch;
    atomic_int out_of_range;
} job;

static void count(void *arg, int shard, int worker)
{
    job *j = arg;
    if (shard < 0 || shard >= j->n || worker < 0 || worker >= j->threads)
        atomic_fetch_add(&j->out_of_range, 1);
    else
        j->taken[shard] += j->epoch;
}

/* Tiny shards, many epochs, changing numbers of shards and changing jobs: whatever a late worker could do to a later
 * epoch shows up in the counts. Now and then the caller waits, so that workers fall asleep and wake up late. */
static void stress(int threads, uint32_t epochs)
{
    gr_context *ctx = test_context();
    gr__pool *p = NULL;
    test_ok(ctx, gr__pool_create(ctx, threads, &p));
    assert_int_equal(gr__pool_threads(p), threads);
    uint32_t taken[64] = {0}, expected[64] = {0};
    uint32_t random = 12345;
    uint64_t before = gr__acquisitions(ctx);
    for (uint32_t e = 1; e <= epochs; e++) {
        random = random * 1664525 + 1013904223;
        job j = {.taken = taken, .n = (int)(random >> 16) % 65, .threads = threads, .epoch = e};
        gr__pool_run(p, count, &j, j.n);
        for (int i = 0; i < j.n; i++) expected[i] += e;
        if (memcmp(taken, expected, sizeof taken) != 0)
            fail_msg("%d threads, epoch %u: a shard was lost or taken twice", threads, e);
        assert_int_equal(j.out_of_range, 0);
        if (e % 1000 == 0) nanosleep(&(struct timespec){.tv_nsec = 200000}, NULL);
    }
    assert_int_equal(gr__acquisitions(ctx), before); /* running allocates nothing */
    gr__pool_destroy(p);
    test_context_end(ctx);
}

static void stress_1(void **state)
{
    (void)state;
    stress(1, 1000);
}

static void stress_2(void **state)
{
    (void)state;
    stress(2, 50000);
}

static void stress_3(void **state)
{
    (void)state;
    stress(3, 20000);
}

static void stress_8(void **state)
{
    (void)state;
    stress(8, 10000);
}

/* More shards than one ticket can hold are run in parts. */
static void many_shards(void **state)
{
    (void)state;
    static const int sizes[] = {32767, 32768, 32769, 65536, 100003};
    gr_context *ctx = test_context_with(3, 0);
    gr__pool *p = gr__context_pool(ctx);
    assert_non_null(p);
    assert_ptr_equal(p, gr__context_pool(ctx));
    for (size_t k = 0; k < GR_COUNT(sizes); k++) {
        uint32_t *taken = calloc((size_t)sizes[k], sizeof *taken);
        job j = {.taken = taken, .n = sizes[k], .threads = 3, .epoch = 1};
        gr__pool_run(p, count, &j, j.n);
        for (int i = 0; i < j.n; i++) assert_int_equal(taken[i], 1);
        assert_int_equal(j.out_of_range, 0);
        free(taken);
    }
    test_context_end(ctx);
}

/* Uneven shards: the caller waits, asleep if it takes long, for shards that others took. */
static void slow_shard(void *arg, int shard, int worker)
{
    nanosleep(&(struct timespec){.tv_nsec = worker ? 2000000 : 1000}, NULL);
    ((int *)arg)[shard]++;
}

static void caller_waits(void **state)
{
    (void)state;
    for (int threads = 2; threads <= 4; threads++) {
        gr_context *ctx = test_context_with(threads, 0);
        gr__pool *p = gr__context_pool(ctx);
        int done[9] = {0};
        for (int i = 1; i <= 20; i++) {
            gr__pool_run(p, slow_shard, done, 9);
            for (int s = 0; s < 9; s++) assert_int_equal(done[s], i);
        }
        test_context_end(ctx);
    }
}

/* Creation and destruction at once, and after a rest in which all workers sleep. */
static void come_and_go(void **state)
{
    (void)state;
    gr_context *ctx = test_context();
    for (int i = 0; i < 50; i++) {
        gr__pool *p = NULL;
        test_ok(ctx, gr__pool_create(ctx, 1 + i % 5, &p));
        if (i % 10 == 9) nanosleep(&(struct timespec){.tv_nsec = 1000000}, NULL);
        gr__pool_destroy(p);
    }
    gr__pool_destroy(NULL);
    test_context_end(ctx);
}

typedef struct seen {
    atomic_int flushed, not_flushed, signals_open;
    atomic_uint workers;
} seen;

static bool flushes(void)
{
    volatile float tiny = 1e-30f;
    return tiny * 1e-10f == 0; /* 1e-40 is a denormal */
}

static void look(void *arg, int shard, int worker)
{
    (void)shard;
    seen *s = arg;
    if (worker) {
        sigset_t blocked;
        atomic_fetch_add(flushes() ? &s->flushed : &s->not_flushed, 1);
        pthread_sigmask(SIG_SETMASK, NULL, &blocked);
        if (!sigismember(&blocked, SIGINT) || !sigismember(&blocked, SIGTERM)) atomic_fetch_add(&s->signals_open, 1);
    }
    atomic_fetch_or(&s->workers, 1u << worker);
    nanosleep(&(struct timespec){.tv_nsec = 100000}, NULL);
}

static void worker_state(void **state)
{
    (void)state;
    gr_context *ctx = test_context_with(3, 0);
    gr__pool *p = gr__context_pool(ctx);
    seen s = {0};
    cpu_set_t before, after;
    assert_int_equal(sched_getaffinity(0, sizeof before, &before), 0);
    for (int i = 0; i < 1000 && s.workers != 7; i++) gr__pool_run(p, look, &s, 12);
    assert_int_equal(s.workers, 7);
    assert_int_equal(s.signals_open, 0);
#if defined(__x86_64__) || defined(__aarch64__)
    assert_true(s.flushed > 0);
    assert_int_equal(s.not_flushed, 0);
#endif
    /* The caller's own state is its own. */
    assert_false(flushes());
    assert_int_equal(sched_getaffinity(0, sizeof after, &after), 0);
    assert_true(CPU_EQUAL(&before, &after));
    sigset_t blocked;
    pthread_sigmask(SIG_SETMASK, NULL, &blocked);
    assert_false(sigismember(&blocked, SIGINT));
    test_context_end(ctx);
}

static void fp_mode(void **state)
{
    (void)state;
#if defined(__x86_64__) || defined(__aarch64__)
    assert_false(flushes());
    gr__fp_state outer = gr__fp_enter();
    assert_true(flushes());
    gr__fp_state inner = gr__fp_enter();
    gr__fp_leave(inner);
    assert_true(flushes());
    gr__fp_leave(outer);
    assert_false(flushes());
#else
    print_message("skipped: denormals are not flushed on this processor\n");
    skip();
#endif
}

static void bad_sizes(void **state)
{
    (void)state;
    gr_context *ctx = test_context();
    gr__pool *p = NULL;
    assert_int_equal(gr__pool_create(ctx, 0, &p), GR_E_RANGE);
    assert_int_equal(gr__pool_create(ctx, 1025, &p), GR_E_RANGE);
    assert_null(p);
    test_context_end(ctx);
}

static void each_acquisition_fails(void **state)
{
    (void)state;
    gr_context *ctx = test_context_with(3, 0);
    for (uint64_t k = 1; k <= 2; k++) {
        gr__fail_acquisition(ctx, k);
        assert_null(gr__context_pool(ctx));
        assert_int_equal(gr__error_code(ctx), GR_E_MEMORY);
        assert_int_equal(gr__bookkeeping_bytes(ctx), 0);
        gr_context_clear_error(ctx);
    }
    gr__fail_acquisition(ctx, 0);
    assert_non_null(gr__context_pool(ctx));
    test_context_end(ctx);
}

/* Where the system gives only some of the threads, those are stopped again. In a process of its own, for it limits its
 * address space. */
static void too_many_threads(void **state)
{
    (void)state;
    if (TEST_SANITIZED) {
        print_message("skipped: sanitizers need the address space that this test takes away\n");
        skip();
    }
    pid_t child = fork();
    if (child == 0) {
        gr_context *ctx = NULL;
        gr__pool *p = NULL;
        struct rlimit limit = {.rlim_cur = 256u << 20, .rlim_max = 256u << 20};
        if (gr_context_create(NULL, &ctx) != GR_OK || setrlimit(RLIMIT_AS, &limit) != 0) _exit(2);
        if (gr__pool_create(ctx, 1000, &p) != GR_E_MEMORY) _exit(3);
        if (!strstr(gr_context_error(ctx)->message, "cannot start thread")) _exit(4);
        if (gr__bookkeeping_bytes(ctx) != 0) _exit(5);
        gr_context_destroy(ctx);
        _exit(0);
    }
    int status = 0;
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFEXITED(status));
    assert_int_equal(WEXITSTATUS(status), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(stress_1),
        cmocka_unit_test(stress_2),
        cmocka_unit_test(stress_3),
        cmocka_unit_test(stress_8),
        cmocka_unit_test(many_shards),
        cmocka_unit_test(caller_waits),
        cmocka_unit_test(come_and_go),
        cmocka_unit_test(worker_state),
        cmocka_unit_test(fp_mode),
        cmocka_unit_test(bad_sizes),
        cmocka_unit_test(each_acquisition_fails),
        cmocka_unit_test(too_many_threads),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
