/* PNG: by libspng, with whatever memory it takes counted. */
#include <spng.h>
#include <stdlib.h>

#include "base/base64.h"
#include "result/raster.h"

static gr_status encode(spng_ctx *png, const gr_raster *r, gr__text *out)
{
    struct spng_ihdr head = {.width = (uint32_t)r->width,
                             .height = (uint32_t)r->height,
                             .bit_depth = 8,
                             .color_type = SPNG_COLOR_TYPE_TRUECOLOR};
    size_t bytes = sizeof *r->at * (size_t)r->width * (size_t)r->height, n = 0;
    int failed = spng_set_option(png, SPNG_ENCODE_TO_BUFFER, 1);
    if (!failed) failed = spng_set_ihdr(png, &head);
    if (!failed) failed = spng_encode_image(png, r->at, bytes, SPNG_FMT_PNG, SPNG_ENCODE_FINALIZE);
    void *file = failed ? NULL : spng_get_png_buffer(png, &n, &failed);
    if (file) gr__text_put(out, file, n);
    free(file);
    if (failed == SPNG_EMEM) return gr__fail(out->ctx, GR_E_MEMORY, "no memory for a PNG file");
    if (failed)
        return gr__fail(out->ctx, GR_E_INTERNAL, "a picture of %d x %d: %s", r->width, r->height,
                        spng_strerror(failed));
    return out->failed ? gr__error_code(out->ctx) : GR_OK;
}

gr_status gr__raster_png(const gr_raster *r, gr__text *out)
{
    spng_ctx *png = spng_ctx_new(SPNG_CTX_ENCODER);
    if (!png) return gr__fail(out->ctx, GR_E_MEMORY, "no memory for a PNG file");
    gr_status st = encode(png, r, out);
    spng_ctx_free(png);
    return st;
}

gr_status gr__raster_uri(const gr_raster *r, gr__text *out)
{
    gr__text png;
    gr__text_init(&png, out->ctx);
    gr_status st = gr__raster_png(r, &png);
    gr__text_add(out, "data:image/png;base64,");
    if (st == GR_OK) gr__base64_put(out, png.s, png.n);
    gr__text_free(&png);
    return st == GR_OK && out->failed ? gr__error_code(out->ctx) : st;
}
