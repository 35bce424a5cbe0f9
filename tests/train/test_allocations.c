/* Steps 2 to 100 of a training run allocate nothing: ours, the libraries' and the loader's thread included. malloc and
 * its kin are this program's own. */
#include <errno.h>
#include <malloc.h>
#include <stdatomic.h>

#include "small.h"

static atomic_long calls;
static atomic_bool counting;

#if !TEST_SANITIZED
extern void *__libc_malloc(size_t n);
extern void *__libc_calloc(size_t n, size_t size);
extern void *__libc_realloc(void *p, size_t n);
extern void *__libc_memalign(size_t alignment, size_t n);
extern void __libc_free(void *p);

static void count(void)
{
    if (atomic_load(&counting)) atomic_fetch_add(&calls, 1);
}

void *malloc(size_t n)
{
    count();
    return __libc_malloc(n);
}
void *calloc(size_t n, size_t size)
{
    count();
    return __libc_calloc(n, size);
}
void *realloc(void *p, size_t n)
{
    count();
    return __libc_realloc(p, n);
}
void *memalign(size_t alignment, size_t n)
{
    count();
    return __libc_memalign(alignment, n);
}
void *aligned_alloc(size_t alignment, size_t n)
{
    count();
    return __libc_memalign(alignment, n);
}
int posix_memalign(void **p, size_t alignment, size_t n)
{
    count();
    *p = __libc_memalign(alignment, n);
    return *p ? 0 : ENOMEM;
}
void free(void *p)
{
    if (p) count();
    __libc_free(p);
}
#endif

static gr_status watch(void *user, const gr_progress *p, bool *stop)
{
    (void)user, (void)stop;
    if (p->phase != GR_PHASE_TRAIN) return GR_OK;
    if (p->step == 1) atomic_store(&counting, true);
    if (p->step == 100) atomic_store(&counting, false);
    return GR_OK;
}

static void steps_allocate_nothing(void **state)
{
    (void)state;
#if TEST_SANITIZED
    skip(); /* the sanitizer's own allocator stands where ours would be */
#endif
    static const char *const recipes[] = {
        "optimizer: {type: sgd, lr: 0.01, momentum: 0.9}\nvalidate: none\ncheckpoint: {every: 1000}\nstop: {steps: "
        "101}\n",
        "optimizer: adam\nclip: {norm: 1.0}\nvalidate: none\ncheckpoint: {every: 1000}\nstop: {steps: "
        "101}\naccumulate: 2\n",
        "optimizer: adam\nvalidate: none\ncheckpoint: {every: 1000}\nstop: {steps: 101}\nprecision: float64\n",
        "optimizer: {type: ranger, lr: 0.01}\nvalidate: none\ncheckpoint: {every: 1000}\nstop: {steps: 101}\naverage: "
        "{type: swa, start: 10, cycle: 7}\npenalty: {l2: 1e-4}\n",
        "optimizer: {type: adahessian, lr: 0.01, hessian_interval: 3}\nvalidate: none\ncheckpoint: {every: "
        "1000}\nstop: {steps: 101}\n",
        "optimizer: {type: sophia, lr: 0.001, hessian_interval: 3}\nvalidate: none\ncheckpoint: {every: 1000}\nstop: "
        "{steps: 101}\nsam: {rho: 0.1}\naverage: {type: ema, decay: 0.9}\n",
        "optimizer: {type: muon, lr: 0.001}\nvalidate: none\ncheckpoint: {every: 1000}\nstop: {steps: "
        "101}\naccumulate: 2\nsam: {rho: 0.5, adaptive: true}\n",
        "optimizer: schedule_free_adamw\nvalidate: none\ncheckpoint: {every: 1000}\nstop: {steps: 101}\npenalty: "
        "{l2: 1e-4}\n",
        "optimizer: {type: switch, at: 50, carry: true}\nvalidate: none\ncheckpoint: {every: 1000}\nstop: {steps: "
        "101}\nclip: {norm: 1, per: layer}\n",
    };
    for (size_t i = 0; i < GR_COUNT(recipes); i++) {
        for (int threads = 1; threads <= 2; threads++) {
            small s;
            gr_train_result result;
            small_make(&s, recipes[i]);
            gr_context *ctx = test_context_with(threads, 0);
            atomic_store(&calls, 0);
            test_ok(ctx, small_train(
                             ctx, &s,
                             &(gr_train_options){
                                 .watcher = &(gr_watcher){.version = GR_WATCHER_VERSION, .user = NULL, .tell = watch},
                                 .n_watchers = 1},
                             &result));
            assert_int_equal(result.steps, 101);
            assert_int_equal(atomic_load(&calls), 0);
            test_context_end(ctx);
            small_remove(&s);
        }
    }
}

/* The counter counts: a test that cannot fail proves nothing. */
static void the_counter_counts(void **state)
{
    (void)state;
#if TEST_SANITIZED
    skip();
#endif
    atomic_store(&calls, 0);
    atomic_store(&counting, true);
    void *volatile p = malloc(10);
    free(p);
    atomic_store(&counting, false);
    assert_int_equal(atomic_load(&calls), 2);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(the_counter_counts), cmocka_unit_test(steps_allocate_nothing)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
