/* The chunks of a PNG in memory, one after the other to its end. */
#include <stdio.h>
#include <string.h>

#include "base/file.h"
#include "data/picture/png.h"

enum { HEAD = 8, AROUND = 12, MOST_COLOURS = 256 }; /* length and kind; with the checksum behind the data */

static uint32_t big(const unsigned char *x)
{
    return (uint32_t)x[0] << 24 | (uint32_t)x[1] << 16 | (uint32_t)x[2] << 8 | x[3];
}

typedef struct walker {
    const gr__picture *p;
    const unsigned char *header;
    gr__png_chunks *c;
    bool pixels_ended; /* chunks of another kind came behind them */
    char *wrong;
} walker;

static bool refuse(const walker *w, const char *what)
{
    snprintf(w->wrong, GR__PNG_WRONG, "%s", what);
    return false;
}

static bool is(const unsigned char *chunk, const char *kind)
{
    return memcmp(chunk + 4, kind, 4) == 0;
}

/* Pixels depend on it: a kind that begins with a capital, or what a colour's opacity is. */
static bool matters(const unsigned char *chunk)
{
    return !(chunk[4] & 32) || is(chunk, "tRNS");
}

/* The first one was read before. */
static bool take_header(const walker *w, const unsigned char *chunk)
{
    const gr__picture *p = w->p;
    bool same = big(chunk) == 13 && big(chunk + 8) == p->width && big(chunk + 12) == p->height &&
                chunk[16] == p->depth && chunk[17] == p->colour && (chunk[20] != 0) == p->interlaced;
    return chunk == w->header && same ? true : refuse(w, "it has two headers");
}

static bool take_palette(const walker *w, const unsigned char *chunk)
{
    size_t n = big(chunk), most = w->p->colour == GR__PNG_PALETTE ? (size_t)1 << w->p->depth : MOST_COLOURS;
    if (w->c->pixels || w->c->palette) return refuse(w, "its palette stands behind its pixels, or twice");
    if (n == 0 || n % 3 || n / 3 > most) return refuse(w, "its palette has another length than palettes have");
    w->c->palette = chunk + HEAD;
    w->c->n_palette = n;
    return true;
}

static bool take_clear(const walker *w, const unsigned char *chunk)
{
    size_t n = big(chunk);
    bool palette = w->p->colour == GR__PNG_PALETTE;
    bool fits = palette ? n <= MOST_COLOURS : n == 2 * (size_t)gr__png_samples(w->p->colour);
    if (w->p->colour & 4) return refuse(w, "its pixels have an opacity, and one colour another");
    if (w->c->pixels || w->c->clear) return refuse(w, "its opacities stand behind its pixels, or twice");
    if (!fits) return refuse(w, "its opacities are of other colours than it has");
    w->c->clear = chunk + HEAD;
    w->c->n_clear = n;
    return true;
}

static bool take_pixels(const walker *w, const unsigned char *chunk)
{
    if (w->pixels_ended) return refuse(w, "its pixels are in two places");
    if (!w->c->pixels) w->c->pixels = chunk;
    w->c->pieces++;
    w->c->packed += big(chunk);
    return true;
}

static bool take(walker *w, const unsigned char *chunk)
{
    bool pixels = is(chunk, "IDAT");
    w->pixels_ended = w->pixels_ended || (w->c->pixels && !pixels);
    if (pixels) return take_pixels(w, chunk);
    if (is(chunk, "IHDR")) return take_header(w, chunk);
    if (is(chunk, "PLTE")) return take_palette(w, chunk);
    if (is(chunk, "tRNS")) return take_clear(w, chunk);
    if (chunk[4] & 32 || is(chunk, "IEND")) return true;
    snprintf(w->wrong, GR__PNG_WRONG, "it has a chunk %.4s, which is not known", (const char *)chunk + 4);
    return false;
}

bool gr__png_walk(const unsigned char *file, size_t n, const gr__picture *p, gr__png_chunks *out, char *wrong)
{
    walker w = {.p = p, .header = file + 8, .c = out, .wrong = wrong};
    bool ended = false;
    *out = (gr__png_chunks){0};
    for (size_t at = 8; !ended;) {
        const unsigned char *chunk = file + at;
        if (n - at < AROUND || big(chunk) > n - at - AROUND) return refuse(&w, "it ends before it should");
        size_t bytes = big(chunk);
        if (matters(chunk) && gr__crc32(0, chunk + 4, 4 + bytes) != big(chunk + HEAD + bytes)) {
            snprintf(wrong, GR__PNG_WRONG, "the checksum of its chunk %.4s is wrong", (const char *)chunk + 4);
            return false;
        }
        if (!take(&w, chunk)) return false;
        ended = is(chunk, "IEND");
        at += AROUND + bytes;
    }
    if (!out->pixels) return refuse(&w, "it has no pixels");
    return p->colour != GR__PNG_PALETTE || out->palette ? true : refuse(&w, "it has no palette");
}
