/* PNG: its head, and its rows. The stream of all rows is unpacked at once, by libdeflate, where that takes no more
 * memory than WHOLE; of a larger picture two rows stand in memory, and zlib unpacks. */
#include <libdeflate.h>
#include <stdio.h>
#include <string.h>

#include "data/inflate.h"
#include "data/picture/png.h"

enum { WHOLE = 32 << 20 }; /* bytes of rows */

static uint32_t big(const unsigned char *x)
{
    return (uint32_t)x[0] << 24 | (uint32_t)x[1] << 16 | (uint32_t)x[2] << 8 | x[3];
}

/* ---- passes: parts of a picture whose rows come one after the other ---- */

typedef struct pass {
    int64_t x, y, dx, dy; /* its first pixel, and how far others are */
    int64_t width, height;
} pass;

static int pass_count(const gr__picture *p)
{
    return p->interlaced ? 7 : 1;
}

static pass pass_of(const gr__picture *p, int number)
{
    static const pass adam7[] = {{0, 0, 8, 8, 0, 0}, {4, 0, 8, 8, 0, 0}, {0, 4, 4, 8, 0, 0}, {2, 0, 4, 4, 0, 0},
                                 {0, 2, 2, 4, 0, 0}, {1, 0, 2, 2, 0, 0}, {0, 1, 1, 2, 0, 0}};
    pass s = p->interlaced ? adam7[number] : (pass){0, 0, 1, 1, 0, 0};
    s.width = (p->width - s.x + s.dx - 1) / s.dx;
    s.height = s.width ? (p->height - s.y + s.dy - 1) / s.dy : 0;
    return s;
}

static size_t row_bytes(const gr__picture *p, int64_t width)
{
    return ((size_t)width * (size_t)(p->depth * gr__png_samples(p->colour)) + 7) / 8;
}

/* Of all passes, each row behind its filter. */
static uint64_t stream_bytes(const gr__picture *p)
{
    uint64_t bytes = 0;
    for (int i = 0; i < pass_count(p); i++) {
        pass s = pass_of(p, i);
        bytes += (uint64_t)s.height * (1 + row_bytes(p, s.width));
    }
    return bytes;
}

/* ---- the head ---- */

/* How to turn the picture: of the first chunk that says so, as far as the file goes. */
static gr_status find_orientation(const gr__blob *b, gr__picture *p)
{
    unsigned char head[8] = {0};
    for (uint64_t at = 33; b->bytes >= 12 && at <= b->bytes - 12 && memcmp(head + 4, "IEND", 4) != 0;) {
        gr_status st = gr__blob_read(b, at, head, sizeof head);
        if (st != GR_OK) return st;
        if (memcmp(head + 4, "eXIf", 4) == 0) {
            p->orientation = gr__exif_orientation(b, at + 8, big(head));
            return GR_OK;
        }
        at += 12 + (uint64_t)big(head);
    }
    return GR_OK;
}

gr_status gr__png_head(const gr__blob *b, gr__picture *out)
{
    unsigned char x[33];
    char wrong[GR__PNG_WRONG];
    if (b->bytes < sizeof x) return gr__picture_damaged(b->ctx, b->name, "PNG", "it ends within its header");
    gr_status st = gr__blob_read(b, 0, x, sizeof x);
    if (st != GR_OK) return st;
    if (memcmp(x + 8, "\0\0\0\x0dIHDR", 8) != 0)
        return gr__picture_damaged(b->ctx, b->name, "PNG", "it does not begin with its header");
    if (!gr__png_sound(x[24], x[25]) || x[26] || x[27] || x[28] > 1) {
        snprintf(wrong, sizeof wrong, "its header asks for a form that there is not (%d, %d, %d, %d, %d)", x[24], x[25],
                 x[26], x[27], x[28]);
        return gr__picture_damaged(b->ctx, b->name, "PNG", wrong);
    }
    out->width = big(x + 16);
    out->height = big(x + 20);
    out->depth = x[24];
    out->colour = x[25];
    out->interlaced = x[28] != 0;
    out->components = x[25] == GR__PNG_GREY || x[25] == GR__PNG_GREY_ALPHA ? 1 : 3;
    out->by_rows = stream_bytes(out) > WHOLE;
    return find_orientation(b, out);
}

/* ---- memory: the same lines count it and cut it ---- */

typedef struct unpacker {
    const gr__picture_job *j;
    gr__png_chunks chunks;
    char wrong[GR__PNG_WRONG]; /* what is; empty: nothing so far */
    uint64_t bytes;            /* of the stream */
    /* at once: */
    uint8_t *packed, *stream;
    /* or a row after the other: */
    gr__inflater *z;
    uint8_t *line[2];
    int turn;
    const unsigned char *piece; /* the chunk that is read, from its length on */
    size_t of_piece;            /* bytes of it that were */
    uint32_t sum;
    /* in both ways: */
    const uint8_t *none; /* a row of zeros, above the first of a pass */
    uint8_t *row;        /* pixels of a row */
    uint8_t *whole;      /* all pixels, where rows come in passes; NULL: they do not */
} unpacker;

static size_t share(char **at, size_t bytes, uint8_t **out)
{
    bytes = (bytes + 63) / 64 * 64;
    *out = *at ? (uint8_t *)*at : NULL;
    if (*at) *at += bytes;
    return bytes;
}

static size_t lay_out(const gr__picture *p, int channels, char *work, unpacker *u)
{
    size_t line = 1 + row_bytes(p, p->width) + GR__PNG_SLACK, row = (size_t)(p->width * channels), bytes = 0;
    uint8_t *none;
    u->bytes = stream_bytes(p);
    if (!p->by_rows) {
        bytes += share(&work, (size_t)p->bytes, &u->packed);
        bytes += share(&work, (size_t)u->bytes + GR__PNG_SLACK, &u->stream);
    } else {
        bytes += share(&work, line, &u->line[0]);
        bytes += share(&work, line, &u->line[1]);
    }
    bytes += share(&work, line, &none);
    bytes += share(&work, row, &u->row);
    if (p->interlaced) bytes += share(&work, row * (size_t)p->height, &u->whole);
    if (none) memset(none, 0, line);
    u->none = none;
    return bytes;
}

size_t gr__png_work(const gr__picture *p, int channels)
{
    unpacker u = {0};
    return lay_out(p, channels, NULL, &u);
}

/* ---- unpacking ---- */

/* Damaged, or a stream of another length: libdeflate does not tell the one from the other. */
static void refuse_stream(unpacker *u)
{
    snprintf(u->wrong, sizeof u->wrong, "its pixels do not unpack to as many as its header says");
}

/* The bytes of all its chunks in a row. */
static const uint8_t *join(const unpacker *u)
{
    const unsigned char *at = u->chunks.pixels;
    if (u->chunks.pieces == 1) return at + 8;
    uint8_t *to = u->packed;
    for (size_t i = 0; i < u->chunks.pieces; i++, at += 12 + big(at)) {
        memcpy(to, at + 8, big(at));
        to += big(at);
    }
    return u->packed;
}

static gr_status unpack_whole(unpacker *u)
{
    size_t got = 0;
    struct libdeflate_decompressor *z = libdeflate_alloc_decompressor();
    if (!z) return gr__fail(u->j->ctx, GR_E_MEMORY, "no memory to decode \"%s\"", u->j->name);
    enum libdeflate_result said =
        libdeflate_zlib_decompress(z, join(u), u->chunks.packed, u->stream, (size_t)u->bytes, &got);
    libdeflate_free_decompressor(z);
    if (said != LIBDEFLATE_SUCCESS || got < u->bytes) refuse_stream(u);
    memset(u->stream + u->bytes, 0, GR__PNG_SLACK);
    return GR_OK;
}

static gr_status next_packed(void *user, unsigned char *to, size_t n, size_t *got)
{
    unpacker *u = user;
    for (*got = 0; *got == 0 && u->piece;) {
        size_t left = big(u->piece) - u->of_piece;
        *got = GR_MIN(left, n);
        memcpy(to, u->piece + 8 + u->of_piece, *got);
        u->of_piece += *got;
        if (*got < left) continue;
        u->piece += 12 + big(u->piece);
        u->of_piece = 0;
        if (memcmp(u->piece + 4, "IDAT", 4) != 0) u->piece = NULL;
    }
    return GR_OK;
}

/* A zlib stream (RFC 1950): two bytes, packed data, a checksum. */
static gr_status begin_rows(unpacker *u)
{
    unsigned char x[2];
    size_t got = 0;
    u->piece = u->chunks.pixels;
    u->sum = libdeflate_adler32(0, NULL, 0);
    gr_status st = gr__inflater_create(u->j->ctx, next_packed, u, &u->z);
    if (st == GR_OK) st = gr__inflater_bytes(u->z, x, 2, &got);
    if (st != GR_OK) return st;
    bool is_zlib = got == 2 && (x[0] & 15) == 8 && x[0] >> 4 <= 7 && !(x[1] & 32) && (x[0] << 8 | x[1]) % 31 == 0;
    if (!is_zlib) refuse_stream(u);
    gr__inflater_begin(u->z);
    return GR_OK;
}

static gr_status end_rows(unpacker *u)
{
    unsigned char more, sum[4];
    size_t got, last = 0;
    bool sound;
    gr_status st = gr__inflater_read(u->z, &more, 1, &got, &sound);
    if (st == GR_OK) st = gr__inflater_bytes(u->z, sum, 4, &last);
    if (st != GR_OK) return st;
    if (got || !sound || last < 4 || big(sum) != u->sum) refuse_stream(u);
    return GR_OK;
}

/* The next row, its filter before it. */
static gr_status next_row(unpacker *u, size_t n, uint8_t **row)
{
    size_t got;
    bool sound;
    if (!u->j->p->by_rows) {
        *row = u->stream;
        u->stream += n;
        return GR_OK;
    }
    *row = u->line[u->turn];
    u->turn = 1 - u->turn;
    gr_status st = gr__inflater_read(u->z, *row, n, &got, &sound);
    if (st != GR_OK) return st;
    u->sum = libdeflate_adler32(u->sum, *row, n);
    memset(*row + n, 0, GR__PNG_SLACK);
    if (!sound || got < n) refuse_stream(u);
    return GR_OK;
}

/* ---- pixels ---- */

/* Those of a pass to where they are in the picture. */
static void scatter(const unpacker *u, const pass *s, int64_t y, const uint8_t *row)
{
    int channels = u->j->channels;
    uint8_t *to = u->whole + ((s->y + y * s->dy) * u->j->p->width + s->x) * channels;
    for (int64_t x = 0; x < s->width; x++, row += channels, to += s->dx * channels) memcpy(to, row, (size_t)channels);
}

static gr_status take_pass(unpacker *u, const gr__png_pixels *x, const pass *s)
{
    const gr__picture *p = u->j->p;
    size_t n = row_bytes(p, s->width);
    int apart = GR_MAX(p->depth * gr__png_samples(p->colour) / 8, 1);
    const uint8_t *up = u->none;
    for (int64_t y = 0; y < s->height; y++) {
        uint8_t *row;
        gr_status st = next_row(u, 1 + n, &row);
        if (st != GR_OK || u->wrong[0]) return st;
        if (row[0] > 4) {
            snprintf(u->wrong, sizeof u->wrong, "a row of it has the filter %d, of which there are 0 to 4", row[0]);
            return GR_OK;
        }
        gr__png_unfilter(row[0], row + 1, up, n, apart);
        up = row + 1;
        const uint8_t *pixels = gr__png_pixels_row(x, up, s->width, u->row);
        if (u->whole)
            scatter(u, s, y, pixels);
        else
            u->j->row(u->j->arg, pixels);
    }
    return GR_OK;
}

static gr_status take_all(unpacker *u)
{
    const gr__picture_job *j = u->j;
    gr__png_pixels x;
    gr__png_pixels_make(j->p, &u->chunks, j->channels, &x);
    gr_status st = j->p->by_rows ? begin_rows(u) : unpack_whole(u);
    for (int i = 0; i < pass_count(j->p) && st == GR_OK && !u->wrong[0]; i++) {
        pass s = pass_of(j->p, i);
        st = take_pass(u, &x, &s);
    }
    if (j->p->by_rows && st == GR_OK && !u->wrong[0]) st = end_rows(u);
    for (int64_t y = 0; y < j->p->height && u->whole && st == GR_OK && !u->wrong[0]; y++)
        j->row(j->arg, u->whole + y * j->p->width * j->channels);
    gr__inflater_destroy(u->z);
    return st;
}

gr_status gr__png_rows(const gr__picture_job *j)
{
    unpacker u = {.j = j};
    lay_out(j->p, j->channels, j->work, &u);
    bool sound = gr__png_walk(j->file, (size_t)j->p->bytes, j->p, &u.chunks, u.wrong);
    gr_status st = sound ? take_all(&u) : GR_OK;
    return st == GR_OK && u.wrong[0] ? gr__picture_damaged(j->ctx, j->name, "PNG", u.wrong) : st;
}
