/* NPY files and NPZ archives: the first bytes tell which. */
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include "data/array/npz.h"

static void try_part(gr_context *ctx, gr__part *p, gr_target_kind want)
{
    gr_set set = {0}, info;
    gr__part part[] = {*p, *p, *p};
    const gr__entries e = {.entry = {{.name = "x"},
                                     {.name = "y", .role = GR_FIELD_TARGET, .want = want},
                                     {.name = "w", .role = GR_FIELD_WEIGHT}},
                           .n_inputs = 1,
                           .n_targets = 1,
                           .weighted = want == GR_TARGET_VALUE};
    gr_source_options o = {.keep_float64 = want == GR_TARGET_VALUE};
    gr_status st = gr__arrays_info(ctx, &e, part, &o, &info);
    if (st == GR_OK) st = gr__arrays_load(ctx, &e, part, &o, &set);
    gr__set_free(ctx, &set);
    if (st != gr__error_code(ctx) || st == GR_E_INTERNAL) abort();
    gr_context_clear_error(ctx);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
    gr_context *ctx;
    if (gr_context_create(&(gr_context_options){.threads = 1, .budget_bytes = 64 << 20}, &ctx) != GR_OK) return 0;
    gr__blob blob;
    gr__part p = {0};
    gr__blob_memory(ctx, "input", data, n, &blob);
    bool zip = n > 1 && data[0] == 'P' && data[1] == 'K';
    gr_status st = zip ? gr__npz_open(&blob, "x", "input:x", &p) : gr__part_read(&blob, gr__npy_header, &p);
    if (st == GR_OK) {
        try_part(ctx, &p, GR_TARGET_CLASS);
        try_part(ctx, &p, GR_TARGET_VALUE);
    }
    gr__part_close(&p);
    gr_context_clear_error(ctx);
    gr_context_clear_error(ctx);
    if (gr__bookkeeping_bytes(ctx) != 0 || gr_context_bytes(ctx) != 0) abort();
    gr_context_destroy(ctx);
    return 0;
}
