/* Rows of PNG samples, of 1 to 16 bits in five arrangements, as bytes of pixels: opacity goes before black, 16 bits
 * become 8, rounded. */
#include <string.h>

#include "data/picture/png.h"

int gr__png_samples(int colour)
{
    switch (colour) {
    case GR__PNG_RGB:
        return 3;
    case GR__PNG_GREY_ALPHA:
        return 2;
    case GR__PNG_RGBA:
        return 4;
    default:
        return 1;
    }
}

bool gr__png_sound(int depth, int colour)
{
    bool low = depth == 1 || depth == 2 || depth == 4;
    switch (colour) {
    case GR__PNG_GREY:
        return low || depth == 8 || depth == 16;
    case GR__PNG_PALETTE:
        return low || depth == 8;
    case GR__PNG_RGB:
    case GR__PNG_GREY_ALPHA:
    case GR__PNG_RGBA:
        return depth == 8 || depth == 16;
    default:
        return false;
    }
}

/* A component before black, in 8 bits. */
static inline uint8_t shade(unsigned v, unsigned opacity, bool wide)
{
    uint64_t whole = (uint64_t)65535 * 257;
    return wide ? (uint8_t)(((uint64_t)v * opacity + whole / 2) / whole) : (uint8_t)((v * opacity + 127) / 255);
}

static inline void put(unsigned r, unsigned g, unsigned b, int channels, uint8_t *to)
{
    if (channels == 1)
        *to = gr__picture_grey(r, g, b);
    else
        to[0] = (uint8_t)r, to[1] = (uint8_t)g, to[2] = (uint8_t)b;
}

/* ---- one sample a pixel: a table says what each looks like ---- */

static void make_palette(const gr__png_chunks *c, int channels, gr__png_pixels *out)
{
    for (size_t i = 0; i < c->n_palette / 3; i++) {
        const unsigned char *x = c->palette + 3 * i;
        unsigned opacity = i < c->n_clear ? c->clear[i] : 255;
        put(shade(x[0], opacity, false), shade(x[1], opacity, false), shade(x[2], opacity, false), channels,
            out->of[i]);
    }
}

static void make_greys(gr__png_pixels *x)
{
    unsigned top = (1u << x->depth) - 1;
    for (unsigned v = 0; v <= top; v++)
        memset(x->of[v], x->clear && v == (x->colour_of[0] & top) ? 0 : (int)(v * 255 / top), 3);
}

void gr__png_pixels_make(const gr__picture *p, const gr__png_chunks *c, int channels, gr__png_pixels *out)
{
    *out = (gr__png_pixels){.depth = p->depth, .colour = p->colour, .channels = channels};
    if (p->colour == GR__PNG_PALETTE) {
        make_palette(c, channels, out);
        return;
    }
    out->clear = c->clear != NULL;
    for (int k = 0; k < gr__png_samples(p->colour) && out->clear; k++)
        out->colour_of[k] = (unsigned)c->clear[2 * k] << 8 | c->clear[2 * k + 1];
    if (p->colour == GR__PNG_GREY && p->depth <= 8) make_greys(out);
}

static void look_up(const gr__png_pixels *x, const uint8_t *row, int64_t n, uint8_t *to)
{
    unsigned depth = (unsigned)x->depth, mask = (1u << depth) - 1;
    for (int64_t i = 0; i < n; i++, to += x->channels) {
        uint64_t bit = (uint64_t)i * depth;
        const uint8_t *of = x->of[row[bit / 8] >> (8 - depth - bit % 8) & mask];
        to[0] = of[0];
        if (x->channels == 3) to[1] = of[1], to[2] = of[2];
    }
}

/* ---- several samples a pixel, or 16 bits of one ---- */

static inline void mix(const gr__png_pixels *x, const uint8_t *row, int64_t n, bool wide, int samples, uint8_t *to)
{
    unsigned whole = wide ? 65535 : 255;
    bool grey = samples < 3, opaque = samples % 2;
    for (int64_t i = 0; i < n; i++, to += x->channels) {
        unsigned v[4];
        for (int k = 0; k < samples; k++, row += wide ? 2 : 1) v[k] = wide ? (unsigned)row[0] << 8 | row[1] : row[0];
        bool hidden = x->clear && v[0] == (x->colour_of[0] & whole) &&
                      (grey || (v[1] == (x->colour_of[1] & whole) && v[2] == (x->colour_of[2] & whole)));
        unsigned opacity = !opaque ? v[samples - 1] : hidden ? 0 : whole;
        unsigned r = shade(v[0], opacity, wide), g = grey ? r : shade(v[1], opacity, wide),
                 b = grey ? r : shade(v[2], opacity, wide);
        put(r, g, b, x->channels, to);
    }
}

const uint8_t *gr__png_pixels_row(const gr__png_pixels *x, const uint8_t *row, int64_t n, uint8_t *to)
{
    int samples = gr__png_samples(x->colour);
    if (samples == 1 && x->depth <= 8)
        look_up(x, row, n, to);
    else if (samples == 3 && x->depth == 8 && !x->clear && x->channels == 3)
        return row;
    else if (samples == 3 && x->depth == 8 && !x->clear)
        gr__picture_channels(row, n, 3, 1, to);
    else if (samples == 4 && x->depth == 8)
        mix(x, row, n, false, 4, to);
    else
        mix(x, row, n, x->depth == 16, samples, to);
    return to;
}
