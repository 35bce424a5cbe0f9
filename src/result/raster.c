/* Drawing on pictures of bytes. */
#include "result/raster.h"

#include <string.h>

gr_status gr__raster_make(gr__bump *b, int width, int height, gr_raster *out)
{
    gr_raster r = {.width = width, .height = height};
    r.at = gr__bump_alloc(b, sizeof *r.at * (size_t)width * (size_t)height);
    if (!r.at) return GR_E_MEMORY;
    *out = r;
    return GR_OK;
}

void gr__raster_fill(gr_raster *r, int x, int y, int width, int height, gr_colour c)
{
    int left = GR_MAX(x, 0), right = GR_MIN(x + width, r->width), bottom = GR_MIN(y + height, r->height);
    for (int j = GR_MAX(y, 0); j < bottom; j++)
        for (int i = left; i < right; i++) r->at[(size_t)j * (size_t)r->width + (size_t)i] = c;
}

/* The mean of the pixels of `from` that pixel i of n along each axis stands for. */
static gr_colour mean_at(const gr_raster *from, int i, int width, int j, int height)
{
    int64_t left = (int64_t)i * from->width / width, top = (int64_t)j * from->height / height;
    int64_t right = GR_MAX((int64_t)(i + 1) * from->width / width, left + 1),
            bottom = GR_MAX((int64_t)(j + 1) * from->height / height, top + 1);
    uint64_t r = 0, g = 0, b = 0, n = (uint64_t)((right - left) * (bottom - top));
    for (int64_t y = top; y < bottom; y++)
        for (int64_t x = left; x < right; x++) {
            gr_colour c = from->at[y * from->width + x];
            r += c.r, g += c.g, b += c.b;
        }
    return (gr_colour){(uint8_t)((r + n / 2) / n), (uint8_t)((g + n / 2) / n), (uint8_t)((b + n / 2) / n)};
}

void gr__raster_put(gr_raster *r, int x, int y, int width, int height, const gr_raster *from)
{
    for (int j = 0; j < height; j++)
        for (int i = 0; i < width; i++) gr__raster_fill(r, x + i, y + j, 1, 1, mean_at(from, i, width, j, height));
}

static void put_glyph(gr_raster *r, int x, int y, int times, gr_colour c, const uint8_t *rows)
{
    for (int j = 0; j < GR_GLYPH_ROWS; j++)
        for (int i = 0; i < GR_GLYPH_COLUMNS; i++)
            if (rows[j] >> (GR_GLYPH_COLUMNS - 1 - i) & 1)
                gr__raster_fill(r, x + i * times, y + j * times, times, times, c);
}

void gr__raster_text(gr_raster *r, int x, int y, int times, gr_colour c, const char *s, size_t bytes)
{
    static const uint8_t box[GR_GLYPH_ROWS] = {0x1F, 0x11, 0x11, 0x11, 0x11, 0x11, 0x1F};
    for (size_t i = 0, n; i < bytes; i += n, x += GR_GLYPH_WIDTH * times) {
        unsigned char u = (unsigned char)s[i];
        n = GR_MAX(gr__utf8_bytes((const unsigned char *)s + i, bytes - i), 1);
        put_glyph(r, x, y + times, times, c, u >= ' ' && u < 0x7F ? gr__glyphs[u - ' '] : box);
    }
}
