/* PNG by libspng. Pixels with an opacity are put before black; 16 bits become 8, rounded. */
#include <spng.h>
#include <string.h>

#include "data/picture/picture.h"

enum { GREY = 0, PALETTE = 3, GREY_ALPHA = 4, CHUNK = 64 << 20 };

static uint32_t big(const unsigned char *x)
{
    return (uint32_t)x[0] << 24 | (uint32_t)x[1] << 16 | (uint32_t)x[2] << 8 | x[3];
}

/* Chunks behind the head, as far as they are there: how to turn the picture, and whether the last one is whole. */
static gr_status walk(const gr__blob *b, gr__picture *p, bool *whole)
{
    unsigned char head[8];
    bool turned = false;
    *whole = false;
    for (uint64_t at = 33; b->bytes >= 12 && at <= b->bytes - 12 && !*whole;) {
        gr_status st = gr__blob_read(b, at, head, sizeof head);
        if (st != GR_OK) return st;
        uint64_t n = big(head);
        bool exif = memcmp(head + 4, "eXIf", 4) == 0 && !turned;
        *whole = memcmp(head + 4, "IEND", 4) == 0;
        if (exif) p->orientation = gr__exif_orientation(b, at + 8, n);
        turned = turned || exif;
        at += 12 + n;
    }
    return GR_OK;
}

gr_status gr__png_head(const gr__blob *b, gr__picture *out)
{
    unsigned char x[33];
    if (b->bytes < sizeof x) return gr__picture_damaged(b->ctx, b->name, "PNG", "it ends within its header");
    gr_status st = gr__blob_read(b, 0, x, sizeof x);
    if (st != GR_OK) return st;
    if (memcmp(x + 8, "\0\0\0\x0dIHDR", 8) != 0)
        return gr__picture_damaged(b->ctx, b->name, "PNG", "it does not begin with its header");
    out->width = big(x + 16);
    out->height = big(x + 20);
    out->wide = x[24] == 16;
    out->interlaced = x[28] != 0;
    out->components = x[25] == GREY || x[25] == GREY_ALPHA ? 1 : 3;
    bool whole;
    return walk(b, out, &whole);
}

/* ---- pixels ---- */

/* Bytes of a pixel as libspng gives it, at most: four components. */
static size_t pixel_bytes(const gr__picture *p)
{
    return p->wide ? 8 : 4;
}

static size_t row_bytes(const gr__picture *p)
{
    return (size_t)p->width * pixel_bytes(p);
}

size_t gr__png_work(const gr__picture *p, int channels)
{
    size_t rows = p->interlaced ? (size_t)p->height : 1;
    return (row_bytes(p) * rows + 63) / 64 * 64 + (size_t)p->width * (size_t)channels;
}

/* A component of 16 bits before black, in 8. */
static uint8_t narrow(unsigned v, unsigned opacity)
{
    uint64_t whole = (uint64_t)65535 * 257;
    return (uint8_t)(((uint64_t)v * opacity + whole / 2) / whole);
}

static uint8_t dim(unsigned v, unsigned opacity)
{
    return (uint8_t)((v * opacity + 127) / 255);
}

static void put(unsigned r, unsigned g, unsigned b, int channels, uint8_t *to)
{
    if (channels == 1)
        *to = gr__picture_grey(r, g, b);
    else
        to[0] = (uint8_t)r, to[1] = (uint8_t)g, to[2] = (uint8_t)b;
}

static void take_row(const gr__picture_job *j, int format, const void *pixels, uint8_t *to)
{
    int64_t n = j->p->width;
    if (format == SPNG_FMT_G8 || format == SPNG_FMT_RGB8) {
        gr__picture_channels(pixels, n, format == SPNG_FMT_G8 ? 1 : 3, j->channels, to);
    } else if (format == SPNG_FMT_RGBA8) {
        const uint8_t *x = pixels;
        for (int64_t i = 0; i < n; i++, x += 4)
            put(dim(x[0], x[3]), dim(x[1], x[3]), dim(x[2], x[3]), j->channels, to + i * j->channels);
    } else {
        const uint16_t *x = pixels;
        for (int64_t i = 0; i < n; i++, x += 4)
            put(narrow(x[0], x[3]), narrow(x[1], x[3]), narrow(x[2], x[3]), j->channels, to + i * j->channels);
    }
    j->row(j->arg, to);
}

/* The fewest numbers that hold all that a pixel has. */
static int format_of(spng_ctx *png, const struct spng_ihdr *h)
{
    struct spng_trns trns;
    if (h->bit_depth == 16) return SPNG_FMT_RGBA16;
    if (h->color_type & 4 || spng_get_trns(png, &trns) == 0) return SPNG_FMT_RGBA8;
    return h->color_type == GREY ? SPNG_FMT_G8 : SPNG_FMT_RGB8;
}

static int pixel_of(int format)
{
    return format == SPNG_FMT_RGBA16 ? 8 : format == SPNG_FMT_RGBA8 ? 4 : format == SPNG_FMT_RGB8 ? 3 : 1;
}

/* Whole, since passes give parts of rows. */
static int decode_whole(const gr__picture_job *j, spng_ctx *png, int format, uint8_t *row)
{
    size_t line = (size_t)j->p->width * (size_t)pixel_of(format);
    int error = spng_decode_image(png, j->work, line * (size_t)j->p->height, format, SPNG_DECODE_TRNS);
    for (int64_t y = 0; y < j->p->height && !error; y++)
        take_row(j, format, (const char *)j->work + (size_t)y * line, row);
    return error;
}

static int decode_rows(const gr__picture_job *j, spng_ctx *png, int format, uint8_t *row)
{
    size_t line = (size_t)j->p->width * (size_t)pixel_of(format);
    int error = spng_decode_image(png, NULL, 0, format, SPNG_DECODE_TRNS | SPNG_DECODE_PROGRESSIVE);
    for (int64_t y = 0; y < j->p->height && !error; y++) {
        error = spng_decode_row(png, j->work, line);
        bool last = error == SPNG_EOI && y + 1 == j->p->height;
        if (last) error = 0;
        if (!error) take_row(j, format, j->work, row);
    }
    return error;
}

/* libspng takes the end of the file for the last chunk. */
static bool is_whole(const gr__picture_job *j)
{
    gr__blob b;
    gr__picture p = *j->p;
    bool whole;
    gr__blob_memory(j->ctx, j->name, j->file, (size_t)j->p->bytes, &b);
    return walk(&b, &p, &whole) == GR_OK && whole;
}

static int decode(const gr__picture_job *j, spng_ctx *png)
{
    struct spng_ihdr h;
    if (!is_whole(j)) return SPNG_EOF;
    size_t room = (row_bytes(j->p) * (j->p->interlaced ? (size_t)j->p->height : 1) + 63) / 64 * 64;
    uint8_t *row = (uint8_t *)j->work + room;
    int error = spng_set_png_buffer(png, j->file, (size_t)j->p->bytes);
    if (!error) error = spng_set_image_limits(png, GR__PICTURE_SIDE, GR__PICTURE_SIDE);
    if (!error) error = spng_set_chunk_limits(png, CHUNK, CHUNK);
    if (!error) error = spng_set_crc_action(png, SPNG_CRC_ERROR, SPNG_CRC_DISCARD);
    if (!error) error = spng_get_ihdr(png, &h);
    if (error) return error;
    bool same = h.width == j->p->width && h.height == j->p->height && (h.bit_depth == 16) == j->p->wide &&
                (h.interlace_method != 0) == j->p->interlaced;
    if (!same) return SPNG_EINTERNAL;
    int format = format_of(png, &h);
    error = j->p->interlaced ? decode_whole(j, png, format, row) : decode_rows(j, png, format, row);
    return error ? error : spng_decode_chunks(png); /* to the end: what is cut off behind the pixels is damaged too */
}

gr_status gr__png_rows(const gr__picture_job *j)
{
    spng_ctx *png = spng_ctx_new(0);
    if (!png) return gr__fail(j->ctx, GR_E_MEMORY, "no memory to decode \"%s\"", j->name);
    int error = decode(j, png);
    spng_ctx_free(png);
    if (error == SPNG_EMEM) return gr__fail(j->ctx, GR_E_MEMORY, "no memory to decode \"%s\"", j->name);
    bool cut = error == SPNG_EOF || error == SPNG_EIO || error == SPNG_EIDAT_TOO_SHORT;
    if (error)
        return gr__picture_damaged(j->ctx, j->name, "PNG", cut ? "it ends before it should" : spng_strerror(error));
    return GR_OK;
}
