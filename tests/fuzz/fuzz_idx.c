/* IDX files: parsed as inputs and as targets of every kind. */
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include "data/array/array.h"

static void try_as(gr_context *ctx, const uint8_t *data, size_t n, gr_target_kind want, bool float64)
{
    gr__blob inputs, targets;
    gr__part part[2] = {0};
    gr_set set = {0}, info;
    const gr__entries e = {.entry = {{.name = "x"},
                                     {.name = "y", .role = GR_FIELD_TARGET, .want = want},
                                     {.name = "w", .role = GR_FIELD_WEIGHT}},
                           .n_inputs = 1,
                           .n_targets = 1,
                           .weighted = false};
    gr_source_options o = {.keep_float64 = float64};
    gr__blob_memory(ctx, "inputs", data, n, &inputs);
    gr__blob_memory(ctx, "targets", data, n, &targets);
    gr_status st = gr__part_read(&inputs, gr__idx_header, &part[0]);
    if (st == GR_OK) st = gr__part_read(&targets, gr__idx_header, &part[1]);
    if (st == GR_OK) st = gr__arrays_info(ctx, &e, part, &o, &info);
    if (st == GR_OK) st = gr__arrays_load(ctx, &e, part, &o, &set);
    gr__set_free(ctx, &set);
    gr__part_close(&part[0]);
    gr__part_close(&part[1]);
    if (st != gr__error_code(ctx) || st == GR_E_INTERNAL) abort();
    gr_context_clear_error(ctx);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
    gr_context *ctx;
    if (gr_context_create(&(gr_context_options){.threads = 1, .budget_bytes = 64 << 20}, &ctx) != GR_OK) return 0;
    try_as(ctx, data, n, GR_TARGET_CLASS, false);
    try_as(ctx, data, n, GR_TARGET_VALUE, true);
    if (gr__bookkeeping_bytes(ctx) != 0 || gr_context_bytes(ctx) != 0) abort();
    gr_context_destroy(ctx);
    return 0;
}
