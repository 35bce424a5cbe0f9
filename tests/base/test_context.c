/* Statuses, contexts, the first error and the log. */
#include "test.h"

#include <string.h>

#include "base/pool.h"

static void status_rows(void **state)
{
    (void)state;
    assert_string_equal(gr_status_name(GR_OK), "OK");
    assert_string_equal(gr_status_name(GR_E_INTERNAL), "E_INTERNAL");
    assert_int_equal(gr_status_exit_code(GR_OK), 0);
    assert_int_equal(gr_status_exit_code(GR_E_CHECK), 1);
    assert_int_equal(gr_status_exit_code(GR_E_RANGE), 2);
    assert_int_equal(gr_status_exit_code(GR_E_FILE), 3);
    assert_int_equal(gr_status_exit_code(GR_E_BUDGET), 4);
    assert_int_equal(gr_status_exit_code(GR_E_INTERRUPTED), 5);
    assert_int_equal(gr_status_exit_code((gr_status)9999), 70);
    assert_string_equal(gr_status_name((gr_status)-1), "E_UNKNOWN");
    for (int i = 0; i <= GR_E_BUSY; i++) {
        assert_true(strlen(gr_status_text((gr_status)i)) > 0);
        for (int j = 0; j < i; j++) assert_string_not_equal(gr_status_name((gr_status)i), gr_status_name((gr_status)j));
    }
}

static void *no_memory(void *user, size_t bytes, size_t alignment)
{
    (void)user, (void)bytes, (void)alignment;
    return NULL;
}

static void release_nothing(void *user, void *p, size_t bytes)
{
    (void)user, (void)p, (void)bytes;
}

static void creation(void **state)
{
    (void)state;
    gr_context *ctx = NULL;
    assert_int_equal(gr_context_create(NULL, &ctx), GR_OK);
    assert_true(gr_context_threads(ctx) >= 1);
    assert_int_equal(gr_context_bytes(ctx), 0);
    assert_int_equal(gr_context_peak_bytes(ctx), 0);
    gr_context_destroy(ctx);
    gr_context_destroy(NULL);

    ctx = NULL;
    assert_int_equal(gr_context_create(&(gr_context_options){.threads = -1}, &ctx), GR_E_RANGE);
    assert_int_equal(gr_context_create(&(gr_context_options){.threads = 100000}, &ctx), GR_E_RANGE);
    assert_int_equal(gr_context_create(&(gr_context_options){.acquire = no_memory}, &ctx), GR_E_RANGE);
    assert_int_equal(gr_context_create(&(gr_context_options){.release = release_nothing}, &ctx), GR_E_RANGE);
    assert_int_equal(gr_context_create(&(gr_context_options){.acquire = no_memory, .release = release_nothing}, &ctx),
                     GR_E_MEMORY);
    assert_null(ctx);
}

static void first_error_is_kept(void **state)
{
    (void)state;
    gr_context *ctx = test_context();
    const gr_error *e = gr_context_error(ctx);
    assert_int_equal(e->code, GR_OK);
    assert_string_equal(e->message, "");
    gr__error_place(ctx, "early.yaml", 1, 1, "early"); /* nothing failed yet: nothing to place */
    gr__error_hint(ctx, "early");
    assert_string_equal(e->file, "");
    assert_string_equal(e->hint, "");

    assert_int_equal(gr__fail(ctx, GR_E_RANGE, "%g is not in [0, 1)", 1.5), GR_E_RANGE);
    assert_int_equal(gr__fail(ctx, GR_E_KEY, "later"), GR_E_KEY);
    gr__error_place(ctx, NULL, 0, 0, "optimizer.beta2");
    gr__error_place(ctx, "a.yaml", 12, 9, "other");
    gr__error_place(ctx, "b.yaml", 1, 1, NULL);
    gr__error_hint(ctx, "try %d", 1);
    gr__error_hint(ctx, "try %d", 2);
    assert_int_equal(gr__error_code(ctx), GR_E_RANGE);
    assert_int_equal(e->code, GR_E_RANGE);
    assert_string_equal(e->message, "1.5 is not in [0, 1)");
    assert_string_equal(e->key, "optimizer.beta2");
    assert_string_equal(e->file, "a.yaml");
    assert_int_equal(e->line, 12);
    assert_int_equal(e->column, 9);
    assert_string_equal(e->hint, "try 1");

    gr_context_clear_error(ctx);
    assert_int_equal(gr__error_code(ctx), GR_OK);
    assert_string_equal(gr_context_error(ctx)->hint, "");
    assert_int_equal(gr__fail(ctx, GR_E_KEY, "later"), GR_E_KEY);
    assert_string_equal(gr_context_error(ctx)->message, "later");
    assert_string_equal(gr_context_error(ctx)->file, "");
    test_context_end(ctx);
}

/* What does not fit ends in "..." and is never cut within a character: it has to stay valid UTF-8 for JSON. */
static void long_errors_are_cut(void **state)
{
    (void)state;
    gr_context *ctx = test_context();
    char text[3000];
    for (int shift = 0; shift < 3; shift++) {
        size_t n = 0;
        for (int i = 0; i < shift; i++) text[n++] = 'x';
        while (n + 3 < sizeof text) {
            memcpy(text + n, "\xE2\x82\xAC", 3); /* the euro sign */
            n += 3;
        }
        text[n] = '\0';
        gr_context_clear_error(ctx);
        gr__fail(ctx, GR_E_DATA, "%s", text);
        const char *m = gr_context_error(ctx)->message;
        size_t length = strlen(m);
        assert_true(length > 1000 && length < 1024);
        assert_string_equal(m + length - 3, "...");
        assert_int_equal((length - 3 - (size_t)shift) % 3, 0);
        assert_memory_equal(m, text, length - 3);
    }
    test_context_end(ctx);
}

typedef struct logged {
    gr_log_level level;
    int n;
    char text[64];
} logged;

static void keep_log(void *user, gr_log_level level, const char *text)
{
    logged *l = user;
    l->level = level;
    l->n++;
    snprintf(l->text, sizeof l->text, "%s", text);
}

static void log_lines(void **state)
{
    (void)state;
    logged l = {0};
    gr_context *ctx = NULL;
    assert_int_equal(gr_context_create(&(gr_context_options){.log = keep_log, .user = &l}, &ctx), GR_OK);
    gr__log(ctx, GR_LOG_WARNING, "rate %g", 0.5);
    assert_int_equal(l.n, 1);
    assert_int_equal(l.level, GR_LOG_WARNING);
    assert_string_equal(l.text, "rate 0.5");
    test_context_end(ctx);

    ctx = test_context();
    gr__log(ctx, GR_LOG_ERROR, "nobody listens");
    test_context_end(ctx);
}

static void configuration(void **state)
{
    (void)state;
    gr_context *ctx = test_context_with(1, 100);
    assert_int_equal(gr_context_configure(ctx, -1, 0), GR_E_RANGE);
    gr_context_clear_error(ctx);
    test_ok(ctx, gr_context_configure(ctx, 0, 0));
    assert_true(gr_context_threads(ctx) >= 1);
    test_ok(ctx, gr_context_configure(ctx, 2, 200));
    assert_int_equal(gr_context_threads(ctx), 2);
    void *p = gr__tensor_alloc(ctx, 200);
    assert_non_null(p);
    assert_null(gr__tensor_alloc(ctx, 1));
    gr_context_clear_error(ctx);
    assert_int_equal(gr__pool_threads(gr__context_pool(ctx)), 2);
    assert_int_equal(gr_context_configure(ctx, 3, 0), GR_E_CONFLICT);
    gr_context_clear_error(ctx);
    test_ok(ctx, gr_context_configure(ctx, 2, 300)); /* the budget may still change */
    gr__tensor_free(ctx, p, 200);
    test_context_end(ctx);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(status_rows),         cmocka_unit_test(creation),  cmocka_unit_test(first_error_is_kept),
        cmocka_unit_test(long_errors_are_cut), cmocka_unit_test(log_lines), cmocka_unit_test(configuration),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
