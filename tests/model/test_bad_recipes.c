/* Every file of tests/bad-recipes is refused with exactly the error that its first line tells:
 *   # expect: CODE LINE:COLUMN KEY: MESSAGE [HINT] */
#include <dirent.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "model/recipe.h"
#include "test.h"

#define FOLDER "tests/bad-recipes"

static int yaml_file(const struct dirent *d)
{
    size_t n = strlen(d->d_name);
    return n > 5 && strcmp(d->d_name + n - 5, ".yaml") == 0;
}

static void expectation(gr_context *ctx, const char *path, char *out, size_t n)
{
    static const char mark[] = "# expect: ";
    char *data;
    size_t bytes;
    test_ok(ctx, gr__file_read(ctx, path, 1 << 21, &data, &bytes));
    assert_memory_equal(data, mark, sizeof mark - 1);
    snprintf(out, n, "%.*s", (int)strcspn(data + sizeof mark - 1, "\n"), data + sizeof mark - 1);
    gr__free(ctx, data, bytes + 1);
}

static int check(const char *name)
{
    char path[512], want[1200], got[3000];
    gr_context *ctx = test_context();
    gr_recipe *r = NULL;
    snprintf(path, sizeof path, FOLDER "/%s", name);
    expectation(ctx, path, want, sizeof want);
    uint64_t before = gr__bookkeeping_bytes(ctx);
    gr_status st = gr__recipe_open(ctx, path, NULL, 0, &r);
    const gr_error *e = gr_context_error(ctx);
    snprintf(got, sizeof got, "%s %d:%d %s: %s [%s]", gr_status_name(st), e->line, e->column, e->key, e->message,
             e->hint);
    bool same = strcmp(want, got) == 0, placed = st != GR_OK && strcmp(e->file, path) == 0;
    if (!same || !placed) print_error("%s\n  want %s\n  got  %s (%s)\n", name, want, got, e->file);
    assert_int_equal(gr__bookkeeping_bytes(ctx), st == GR_OK ? gr__bookkeeping_bytes(ctx) : before);
    if (st == GR_OK) gr__recipe_close(ctx, r);
    test_context_end(ctx);
    return same && placed ? 0 : 1;
}

static void test_all(void **state)
{
    (void)state;
    struct dirent **files;
    int n = scandir(FOLDER, &files, yaml_file, alphasort), wrong = 0;
    assert_true(n >= 40);
    unsetenv("GRADUS_TEST_NOT_THERE");
    for (int i = 0; i < n; i++) {
        wrong += check(files[i]->d_name);
        free(files[i]);
    }
    free(files);
    assert_int_equal(wrong, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_all)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
