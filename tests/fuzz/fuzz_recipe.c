/* Recipes: any bytes are refused with one error or become a recipe whose resolved form reads back as itself; a first
 * line `--set ...` is applied. */
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "model/recipe.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

static void read_again(gr_context *ctx, const gr_recipe *r)
{
    gr__text t;
    gr_recipe *again = NULL;
    gr__text_init(&t, ctx);
    gr__tree_write(r->resolved, &t, 0);
    if (gr__recipe_from_text(ctx, "again", "/", t.s, t.n, NULL, 0, &again) != GR_OK) abort();
    if (!gr__tree_equal(r->resolved, again->resolved)) abort();
    gr__recipe_close(ctx, again);
    gr__text_free(&t);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
    const char *text = (const char *)data, *end = n ? memchr(text, '\n', n) : NULL;
    char set[256] = "";
    const char *sets[] = {set};
    gr_context *ctx;
    gr_recipe *r = NULL;
    if (end && n > 6 && memcmp(text, "--set ", 6) == 0 && (size_t)(end - text) < sizeof set) {
        memcpy(set, text + 6, (size_t)(end - text) - 6);
        n -= (size_t)(end + 1 - text);
        text = end + 1;
    }
    if (gr_context_create(NULL, &ctx) != GR_OK) return 0;
    gr_status st = gr__recipe_from_text(ctx, "fuzz", "/", text, n, sets, set[0] ? 1 : 0, &r);
    if (st == GR_OK)
        read_again(ctx, r);
    else if (gr__error_code(ctx) != st || !gr_context_error(ctx)->message[0] || st == GR_E_INTERNAL)
        abort();
    gr__recipe_close(ctx, r);
    if (gr__bookkeeping_bytes(ctx) != 0 || gr_context_bytes(ctx) != 0) abort();
    gr_context_destroy(ctx);
    return 0;
}
