/* Lists of rows to leave out. */
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include "data/faults.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
    static const char *const names[] = {"train", "validation", "test"};
    gr_context *ctx;
    gr_exclude e = {0};
    if (gr_context_create(&(gr_context_options){.threads = 1}, &ctx) != GR_OK) return 0;
    gr__bump *b = gr__bump_create(ctx);
    gr_status st = b ? gr__exclude_parse(ctx, b, "rows", (const char *)data, n, names, 3, &e) : GR_E_MEMORY;
    if (st != gr__error_code(ctx) || st == GR_E_INTERNAL) abort();
    for (int k = 0; k < 3; k++)
        for (int64_t i = 1; i < e.n[k]; i++)
            if (e.row[k][i] <= e.row[k][i - 1]) abort();
    gr__bump_destroy(b);
    gr_context_destroy(ctx);
    return 0;
}
