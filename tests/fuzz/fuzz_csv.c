/* CSV tables, read in several ways. */
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include "data/csv.h"

static void try_as(gr_context *ctx, const uint8_t *data, size_t n, const gr__csv_options *o)
{
    gr__blob blob;
    gr_set set = {0};
    gr_set_info info;
    gr__blob_memory(ctx, "table", data, n, &blob);
    gr_status st = gr__csv_info(&blob, o, NULL, &info);
    if (st == GR_OK) st = gr__csv_load(&blob, o, &set);
    gr__set_free(ctx, &set);
    gr__blob_close(&blob);
    if (st != gr__error_code(ctx) || st == GR_E_INTERNAL) abort();
    gr_context_clear_error(ctx);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
    static const char *const names[] = {"a", "b"};
    static const int columns[] = {2, 0};
    gr_context *ctx;
    if (gr_context_create(&(gr_context_options){.threads = 1, .budget_bytes = 64 << 20}, &ctx) != GR_OK) return 0;
    try_as(ctx, data, n, &(gr__csv_options){.target = "0", .want = GR_TARGET_CLASS});
    try_as(
        ctx, data, n,
        &(gr__csv_options){
            .target = "y", .want = GR_TARGET_VALUE, .delimiter = ',', .header = GR__HEADER_YES, .keep_float64 = true});
    gr_schema classes = {.class_names = names, .n_class_names = 2};
    try_as(ctx, data, n,
           &(gr__csv_options){.target = "1", .delimiter = ' ', .header = GR__HEADER_NO, .like = &classes});
    gr_schema like = {.table = true, .delimiter = ',', .n_columns = 3, .n_inputs = 2, .input = columns, .name = names};
    like.target = 1, like.target_name = "y", like.missing = names, like.n_missing = 1;
    try_as(ctx, data, n, &(gr__csv_options){.like = &like, .inputs_only = true, .n_wanted = 2});
    like.name = NULL, like.target_name = NULL;
    try_as(ctx, data, n, &(gr__csv_options){.like = &like, .want = GR_TARGET_CLASS});
    if (gr__bookkeeping_bytes(ctx) != 0 || gr_context_bytes(ctx) != 0) abort();
    gr_context_destroy(ctx);
    return 0;
}
