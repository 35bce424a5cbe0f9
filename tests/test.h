/* What every test program needs: cmocka with what it wants included first, and a context of its own. */
#ifndef GR_TESTS_TEST_H
#define GR_TESTS_TEST_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "base/base.h"

/* In a build with AddressSanitizer or ThreadSanitizer, where every test takes several times as long. */
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define TEST_SANITIZED 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
#define TEST_SANITIZED 1
#endif
#endif
#ifndef TEST_SANITIZED
#define TEST_SANITIZED 0
#endif

/* How many of n random cases are tried: all; with a sanitizer the first quarter, which goes through the same code. */
#define TEST_CASES(n) (TEST_SANITIZED ? ((n) + 3) / 4 : (n))

/* A context with so many threads (0: as the affinity mask allows) and bytes of tensor memory (0: no limit); never NULL.
 */
static inline gr_context *test_context_with(int threads, uint64_t budget_bytes)
{
    gr_context_options options = {.threads = threads, .budget_bytes = budget_bytes};
    gr_context *ctx = NULL;
    assert_int_equal(gr_context_create(&options, &ctx), GR_OK);
    assert_non_null(ctx);
    return ctx;
}

static inline gr_context *test_context(void)
{
    return test_context_with(1, 0);
}

/* Fails and prints the kept error unless `st` is GR_OK. */
static inline void test_ok(gr_context *ctx, gr_status st)
{
    if (st != GR_OK) {
        const gr_error *e = gr_context_error(ctx);
        fail_msg("%s: %s:%d:%d %s: %s (%s)", gr_status_name(st), e->file, e->line, e->column, e->key, e->message,
                 e->hint);
    }
}

/* All memory must be back before the context goes: call at the end of a test instead of gr_context_destroy. */
static inline void test_context_end(gr_context *ctx)
{
    assert_int_equal(gr_context_bytes(ctx), 0);
    gr_context_destroy(ctx);
}

#endif
