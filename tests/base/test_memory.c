/* Memory: exact accounting of both kinds, the budget, and every acquisition failing once. */
#include "test.h"

#include <stdlib.h>
#include <string.h>

#include "base/text.h"

/* Sanitizers end the process on a request beyond their limit unless they are told that NULL will do. They look for
 * these from a library of their own. */
#define SEEN __attribute__((visibility("default")))
SEEN const char *__asan_default_options(void);
const char *__asan_default_options(void)
{
    return "allocator_may_return_null=1";
}

SEEN const char *__tsan_default_options(void);
const char *__tsan_default_options(void)
{
    return "allocator_may_return_null=1";
}

static bool is_zero(const void *p, size_t n)
{
    const unsigned char *c = p;
    for (size_t i = 0; i < n; i++)
        if (c[i]) return false;
    return true;
}

static void tensors(void **state)
{
    (void)state;
    static const size_t sizes[] = {0, 1, 63, 64, 65, 4096, (2u << 20) - 1, 2u << 20, (5u << 20) + 3};
    gr_context *ctx = test_context();
    uint64_t peak = 0;
    for (size_t i = 0; i < GR_COUNT(sizes); i++) {
        void *p = gr__tensor_alloc(ctx, sizes[i]);
        assert_non_null(p);
        assert_int_equal((uintptr_t)p % (sizes[i] >= 2u << 20 ? 2u << 20 : 64), 0);
        assert_true(is_zero(p, sizes[i]));
        memset(p, 0xA5, sizes[i]); /* the next block of this size must not show it */
        assert_int_equal(gr_context_bytes(ctx), sizes[i]);
        void *q = gr__tensor_alloc(ctx, sizes[i]);
        assert_non_null(q);
        assert_ptr_not_equal(p, q);
        assert_int_equal(gr_context_bytes(ctx), 2 * sizes[i]);
        peak = GR_MAX(peak, 2 * sizes[i]);
        assert_int_equal(gr_context_peak_bytes(ctx), peak);
        gr__tensor_free(ctx, p, sizes[i]);
        gr__tensor_free(ctx, q, sizes[i]);
    }
    gr__tensor_free(ctx, NULL, 1);
    assert_int_equal(gr_context_bytes(ctx), 0);
    assert_int_equal(gr__bookkeeping_bytes(ctx), 0);
    test_context_end(ctx);
}

static void budget(void **state)
{
    (void)state;
    gr_context *ctx = test_context_with(1, 1000);
    void *a = gr__tensor_alloc(ctx, 600);
    assert_non_null(a);
    uint64_t before = gr__acquisitions(ctx);
    assert_null(gr__tensor_alloc(ctx, 401));
    assert_int_equal(gr__acquisitions(ctx), before); /* refused before anything was asked of the system */
    assert_int_equal(gr__error_code(ctx), GR_E_BUDGET);
    assert_non_null(strstr(gr_context_error(ctx)->message, "401 B"));
    assert_non_null(strstr(gr_context_error(ctx)->message, "600 B in use"));
    assert_null(gr__tensor_alloc(ctx, SIZE_MAX)); /* no wrap-around */
    void *b = gr__tensor_alloc(ctx, 400);
    assert_non_null(b);
    void *big = gr__alloc(ctx, 100000); /* bookkeeping is not held against the budget */
    assert_non_null(big);
    assert_int_equal(gr_context_bytes(ctx), 1000);
    assert_int_equal(gr__bookkeeping_bytes(ctx), 100000);
    gr__free(ctx, big, 100000);
    gr__tensor_free(ctx, a, 600);
    gr__tensor_free(ctx, b, 400);
    assert_int_equal(gr_context_peak_bytes(ctx), 1000);
    test_context_end(ctx);
}

static void too_much(void **state)
{
    (void)state;
    gr_context *ctx = test_context();
    assert_null(gr__tensor_alloc(ctx, SIZE_MAX / 4));
    assert_int_equal(gr__error_code(ctx), GR_E_MEMORY);
    assert_int_equal(gr_context_bytes(ctx), 0);
    assert_int_equal(gr_context_peak_bytes(ctx), 0);
    gr_context_clear_error(ctx);
    assert_null(gr__alloc(ctx, SIZE_MAX / 4));
    assert_int_equal(gr__error_code(ctx), GR_E_MEMORY);
    size_t capacity = 0;
    double *array = NULL;
    assert_false(GR_ROOM(ctx, array, capacity, SIZE_MAX / 4));
    assert_null(array);
    assert_int_equal(capacity, 0);
    gr__bump *b = gr__bump_create(ctx);
    assert_null(gr__bump_alloc(b, SIZE_MAX - 3));
    assert_null(gr__bump_alloc(b, SIZE_MAX / 4));
    gr__bump_destroy(b);
    test_context_end(ctx);
}

/* Memory functions of the host: told alignment on the way in and the same size on the way out. */
typedef struct ledger {
    size_t bytes, blocks;
} ledger;

static void *ledger_acquire(void *user, size_t bytes, size_t alignment)
{
    ledger *l = user;
    void *p = NULL;
    assert_true(bytes > 0);
    assert_true(alignment >= 16 && (alignment & (alignment - 1)) == 0);
    if (posix_memalign(&p, alignment, bytes) != 0) return NULL;
    memset(p, 0x5A, bytes);
    l->bytes += bytes;
    l->blocks++;
    return p;
}

static void ledger_release(void *user, void *p, size_t bytes)
{
    ledger *l = user;
    l->bytes -= bytes;
    l->blocks--;
    free(p);
}

static void host_functions(void **state)
{
    (void)state;
    ledger l = {0};
    gr_context *ctx = NULL;
    assert_int_equal(gr_context_create(
                         &(gr_context_options){.acquire = ledger_acquire, .release = ledger_release, .user = &l}, &ctx),
                     GR_OK);
    void *t = gr__tensor_alloc(ctx, 3000000);
    assert_true(is_zero(t, 3000000));
    void *z = gr__alloc(ctx, 0);
    assert_non_null(z);
    char *s = gr__format(ctx, "%d", 12345);
    s = gr__resize(ctx, s, 6, 20);
    assert_memory_equal(s, "12345\0\0\0\0\0", 10);
    s = gr__resize(ctx, s, 20, 3);
    assert_memory_equal(s, "123", 3);
    gr__free(ctx, s, 3);
    gr__free(ctx, z, 0);
    gr__tensor_free(ctx, t, 3000000);
    test_context_end(ctx);
    assert_int_equal(l.bytes, 0);
    assert_int_equal(l.blocks, 0);
}

static void bump(void **state)
{
    (void)state;
    gr_context *ctx = test_context();
    gr__bump *b = gr__bump_create(ctx);
    void *large = gr__bump_alloc(b, 5000); /* before there is any chunk */
    assert_true(is_zero(large, 5000));
    unsigned char *blocks[500];
    size_t sizes[500];
    for (size_t i = 0; i < 500; i++) {
        sizes[i] = i % 50 == 49 ? 3000 * i : i % 37;
        blocks[i] = gr__bump_alloc(b, sizes[i]);
        assert_non_null(blocks[i]);
        assert_int_equal((uintptr_t)blocks[i] % 16, 0);
        assert_true(is_zero(blocks[i], sizes[i]));
        memset(blocks[i], (int)(i % 251) + 1, sizes[i]);
    }
    for (size_t i = 0; i < 500; i++)
        for (size_t j = 0; j < sizes[i]; j++) assert_int_equal(blocks[i][j], i % 251 + 1);
    assert_string_equal(gr__bump_strdup(b, ""), "");
    assert_string_equal(gr__bump_strdup(b, "name"), "name");
    assert_string_equal(gr__bump_format(b, "%s.%d", "layer", 7), "layer.7");
    gr__bump_destroy(b);
    gr__bump_destroy(NULL);
    assert_int_equal(gr__bookkeeping_bytes(ctx), 0);
    test_context_end(ctx);
}

static void arrays(void **state)
{
    (void)state;
    gr_context *ctx = test_context();
    uint16_t *a = NULL;
    size_t n = 0, capacity = 0;
    for (; n < 1000; n++) {
        assert_true(GR_ROOM(ctx, a, capacity, n + 1));
        assert_int_equal(a[n], 0);
        a[n] = (uint16_t)n;
    }
    for (size_t i = 0; i < n; i++) assert_int_equal(a[i], i);
    assert_int_equal(gr__bookkeeping_bytes(ctx), capacity * sizeof *a);
    assert_true(GR_ROOM(ctx, a, capacity, 0));
    gr__free(ctx, a, capacity * sizeof *a);
    test_context_end(ctx);
}

/* A bit of everything that takes memory; false when some of it failed. Gives all back either way. */
static bool everything(gr_context *ctx)
{
    bool ok = true;
    void *t = gr__tensor_alloc(ctx, 100);
    ok &= t != NULL;
    char *s = gr__strdup(ctx, "abc"), *f = gr__format(ctx, "%d", 42);
    ok &= s && f;
    gr__bump *b = gr__bump_create(ctx);
    ok &= b != NULL;
    for (int i = 0; b && i < 20; i++) ok &= gr__bump_alloc(b, 700) != NULL;
    ok = b && gr__bump_strdup(b, "x") && gr__bump_format(b, "%d", 1) && ok;
    int *a = NULL;
    size_t capacity = 0;
    for (size_t n = 1; n < 100; n++) ok &= GR_ROOM(ctx, a, capacity, n);
    gr__text text;
    gr__text_init(&text, ctx);
    for (int i = 0; i < 50; i++) gr__text_add(&text, "%d,", i);
    ok &= !text.failed;
    if (text.s) assert_int_equal(strlen(text.s), text.n);
    gr__text_free(&text);
    gr__free(ctx, a, capacity * sizeof *a);
    gr__bump_destroy(b);
    gr__strfree(ctx, f);
    gr__strfree(ctx, s);
    gr__strfree(ctx, NULL);
    gr__tensor_free(ctx, t, 100);
    return ok;
}

static void each_acquisition_fails(void **state)
{
    (void)state;
    gr_context *ctx = test_context();
    uint64_t before = gr__acquisitions(ctx);
    assert_true(everything(ctx));
    uint64_t n = gr__acquisitions(ctx) - before;
    assert_true(n > 10);
    for (uint64_t k = 1; k <= n; k++) {
        gr__fail_acquisition(ctx, k);
        assert_false(everything(ctx));
        gr__fail_acquisition(ctx, 0);
        assert_int_equal(gr__error_code(ctx), GR_E_MEMORY);
        assert_int_equal(gr_context_bytes(ctx), 0);
        assert_int_equal(gr__bookkeeping_bytes(ctx), 0);
        gr_context_clear_error(ctx);
    }
    assert_true(everything(ctx));
    test_context_end(ctx);
}

static void resize_failure_keeps_the_block(void **state)
{
    (void)state;
    gr_context *ctx = test_context();
    char *p = gr__strdup(ctx, "keep");
    gr__fail_acquisition(ctx, 1);
    assert_null(gr__resize(ctx, p, 5, 500));
    assert_string_equal(p, "keep");
    gr__strfree(ctx, p);
    test_context_end(ctx);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(tensors),
        cmocka_unit_test(budget),
        cmocka_unit_test(too_much),
        cmocka_unit_test(host_functions),
        cmocka_unit_test(bump),
        cmocka_unit_test(arrays),
        cmocka_unit_test(each_acquisition_fails),
        cmocka_unit_test(resize_failure_keeps_the_block),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
