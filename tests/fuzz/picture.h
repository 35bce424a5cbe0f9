/* A picture of one kind for the fuzz targets: decoded in several ways, whatever its bytes. */
#ifndef GR_TESTS_FUZZ_PICTURE_H
#define GR_TESTS_FUZZ_PICTURE_H

#include <stdlib.h>

#include "data/picture/picture.h"

/* Larger ones say nothing more, and take long. */
enum { MOST_PIXELS = 1 << 18 };

static inline void try_way(gr_context *ctx, const uint8_t *data, const gr__picture *p, const gr__picture_way *way)
{
    int64_t height, width;
    gr__picture_size(p, way, &height, &width);
    size_t bytes = (size_t)(height * width * way->channels);
    void *scratch = gr__tensor_alloc(ctx, gr__picture_scratch(p, way));
    uint8_t *out = malloc(bytes); /* apart, so that a byte beyond is seen */
    gr_status st = scratch && out ? gr__picture_decode(ctx, "input", data, p, way, scratch, out) : GR_E_MEMORY;
    if (st != gr__error_code(ctx) || st == GR_E_INTERNAL) abort();
    gr_context_clear_error(ctx);
    gr__tensor_free(ctx, scratch, gr__picture_scratch(p, way));
    free(out);
}

static inline int try_picture(const uint8_t *data, size_t n, gr__picture_kind kind)
{
    static const gr__picture_way ways[] = {{.channels = 3},
                                           {.channels = 1},
                                           {.height = 7, .width = 5, .channels = 3},
                                           {.height = 5, .width = 9, .channels = 1, .fit = GR__FIT_CROP},
                                           {.height = 40, .width = 30, .channels = 3, .fit = GR__FIT_PAD}};
    gr_context *ctx;
    gr__blob blob;
    gr__picture p = {0};
    if (gr_context_create(&(gr_context_options){.threads = 1}, &ctx) != GR_OK) return 0;
    gr__blob_memory(ctx, "input", data, n, &blob);
    gr_status st = gr__picture_head(&blob, &p);
    if (st != gr__error_code(ctx)) abort();
    gr_context_clear_error(ctx);
    bool is_tried = st == GR_OK && p.kind == kind && p.width * p.height <= MOST_PIXELS;
    for (size_t i = 0; i < GR_COUNT(ways) && is_tried; i++) try_way(ctx, data, &p, &ways[i]);
    p.by_rows = true; /* as large ones are */
    for (size_t i = 0; i < GR_COUNT(ways) && is_tried && kind == GR__PNG; i++) try_way(ctx, data, &p, &ways[i]);
    if (gr__bookkeeping_bytes(ctx) != 0 || gr_context_bytes(ctx) != 0) abort();
    gr_context_destroy(ctx);
    return 0;
}

#endif
