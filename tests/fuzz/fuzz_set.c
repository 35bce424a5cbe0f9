/* --set: each line is a KEY=VALUE that is applied, with all before it, to a recipe that has a bit of everything. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "model/recipe.h"

enum { MOST = 8 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
    static const char recipe[] =
        "data: {train: {type: csv, file: x.csv, target: y}, validation: {split: 0.1}, prepare: [standardize]}\n"
        "model: {input: [4, 4, 1], layers: [{type: conv, filters: 2, kernel: 3, name: c}, {repeat: {times: 2, layers: "
        "[relu]}}, "
        "flatten, {type: dense, units: 2}]}\noptimizer: {type: adam, lr: 0.01}\nschedule: {type: step, at: [1, 2]}\n"
        "groups: [{match: \"c.*\", lr_scale: 0.1}]\n";
    char copy[512];
    const char *sets[MOST];
    int n_sets = 0;
    gr_context *ctx;
    gr_recipe *r = NULL;
    if (n >= sizeof copy || memchr(data, 0, n) || gr_context_create(NULL, &ctx) != GR_OK) return 0;
    memcpy(copy, data, n);
    copy[n] = '\0';
    for (char *at = copy, *next; at && n_sets < MOST; at = next) {
        next = strchr(at, '\n');
        if (next) *next++ = '\0';
        sets[n_sets++] = at;
    }
    gr_status st = gr__recipe_from_text(ctx, "fuzz", "/", recipe, strlen(recipe), sets, n_sets, &r);
    if (st != GR_OK && (gr__error_code(ctx) != st || !gr_context_error(ctx)->message[0] || st == GR_E_INTERNAL))
        abort();
    gr__recipe_close(ctx, r);
    if (gr__bookkeeping_bytes(ctx) != 0 || gr_context_bytes(ctx) != 0) abort();
    gr_context_destroy(ctx);
    return 0;
}
