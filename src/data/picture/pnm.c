/* PNM: P1 to P6, text or bytes. A number's largest value may be up to 65535; a picture becomes 0 to 255, rounded. */
#include <string.h>

#include "data/picture/picture.h"

/* ---- numbers of the head and of text pictures ---- */

typedef struct scan {
    const gr__blob *b;
    uint64_t at;
    unsigned char piece[256]; /* of the file, from `first` on */
    uint64_t first;
    size_t n;
} scan;

/* The next byte; -1 at the end. */
static int next(scan *s)
{
    if (s->at >= s->first + s->n || s->at < s->first) {
        s->first = s->at;
        s->n = s->at < s->b->bytes ? (size_t)GR_MIN(s->b->bytes - s->at, sizeof s->piece) : 0;
        if (s->n == 0 || gr__blob_read(s->b, s->at, s->piece, s->n) != GR_OK) return s->n = 0, -1;
    }
    return s->piece[s->at++ - s->first];
}

static bool is_blank(int c)
{
    return c == ' ' || (c >= '\t' && c <= '\r');
}

/* The byte after blanks and comments, which last to the end of their line. */
static int skip(scan *s)
{
    int c = next(s);
    while (c == '#' || is_blank(c)) {
        if (c == '#')
            while (c >= 0 && c != '\n' && c != '\r') c = next(s);
        c = next(s);
    }
    return c;
}

/* A whole number from 0 to `most`; -1: none. What stands behind it stays, but for one blank. */
static int64_t number(scan *s, int64_t most)
{
    int64_t x = 0;
    int c = skip(s);
    if (c < '0' || c > '9') return -1;
    for (; c >= '0' && c <= '9'; c = next(s))
        if ((x = x * 10 + c - '0') > most) return -1;
    if (c >= 0 && !is_blank(c) && c != '#') return -1;
    if (c == '#') s->at--;
    return x;
}

typedef struct head {
    int form; /* 1 to 6 */
    int64_t width, height, most;
} head;

static bool is_text(const head *h)
{
    return h->form <= 3;
}

static bool is_bits(const head *h)
{
    return h->form == 1 || h->form == 4;
}

static int components_of(const head *h)
{
    return h->form == 3 || h->form == 6 ? 3 : 1;
}

static gr_status read_head(scan *s, head *h)
{
    s->at = 1;
    *h = (head){.form = next(s) - '0', .most = 1};
    h->width = number(s, INT32_MAX);
    h->height = h->width >= 0 ? number(s, INT32_MAX) : -1;
    if (h->height >= 0 && !is_bits(h)) h->most = number(s, 65535);
    if (h->width < 0 || h->height < 0 || h->most < 1)
        return gr__picture_damaged(s->b->ctx, s->b->name, "PNM",
                                   "its head holds no width, height and largest value up to 65535");
    return GR_OK;
}

/* Bytes of a row in a file of bytes. */
static uint64_t row_bytes(const head *h)
{
    if (is_bits(h)) return ((uint64_t)h->width + 7) / 8;
    return (uint64_t)h->width * (uint64_t)components_of(h) * (h->most > 255 ? 2 : 1);
}

gr_status gr__pnm_head(const gr__blob *b, gr__picture *out)
{
    scan s = {.b = b};
    head h;
    gr_status st = read_head(&s, &h);
    if (st != GR_OK) return st;
    out->width = h.width;
    out->height = h.height;
    out->components = components_of(&h);
    return GR_OK;
}

/* ---- pixels ---- */

size_t gr__pnm_work(const gr__picture *p, int channels)
{
    return (size_t)p->width * (size_t)(p->components + channels);
}

static uint8_t scaled(uint32_t x, int64_t most)
{
    return most == 255 ? (uint8_t)x : (uint8_t)((x * 510u + (uint32_t)most) / (2 * (uint32_t)most));
}

/* A row of text; false: it ends, or holds what is no number up to the largest. */
static bool text_row(scan *s, const head *h, int64_t n, uint8_t *to)
{
    for (int64_t i = 0; i < n; i++) {
        int64_t x;
        if (is_bits(h)) { /* digits need no blanks between them */
            int c = skip(s);
            x = c == '0' ? 1 : c == '1' ? 0 : -1;
        } else {
            x = number(s, h->most);
        }
        if (x < 0) return false;
        to[i] = scaled((uint32_t)x, h->most);
    }
    return true;
}

static bool byte_row(const unsigned char *x, const head *h, int64_t n, uint8_t *to)
{
    if (is_bits(h)) {
        for (int64_t i = 0; i < n; i++) to[i] = x[i / 8] >> (7 - i % 8) & 1 ? 0 : 255;
        return true;
    }
    if (h->most == 255) return memcpy(to, x, (size_t)n), true;
    for (int64_t i = 0; i < n; i++) {
        uint32_t v = h->most > 255 ? (uint32_t)x[2 * i] << 8 | x[2 * i + 1] : x[i];
        if (v > h->most) return false;
        to[i] = scaled(v, h->most);
    }
    return true;
}

gr_status gr__pnm_rows(const gr__picture_job *j)
{
    gr__blob b;
    gr__blob_memory(j->ctx, j->name, j->file, (size_t)j->p->bytes, &b);
    scan s = {.b = &b};
    head h;
    gr_status st = read_head(&s, &h);
    if (st != GR_OK) return st;
    uint64_t from = s.at;
    int64_t n = h.width * components_of(&h);
    uint8_t *row = j->work, *to = row + n;
    if (!is_text(&h) && (from > b.bytes || (b.bytes - from) / GR_MAX(row_bytes(&h), 1) < (uint64_t)h.height))
        return gr__picture_damaged(j->ctx, j->name, "PNM", "it ends before it should");
    for (int64_t y = 0; y < h.height; y++) {
        bool good =
            is_text(&h) ? text_row(&s, &h, n, row) : byte_row(j->file + from + (uint64_t)y * row_bytes(&h), &h, n, row);
        if (!good)
            return gr__picture_damaged(j->ctx, j->name, "PNM",
                                       s.at >= b.bytes && is_text(&h) ? "it ends before it should"
                                                                      : "it holds what is no number up to its largest");
        gr__picture_channels(row, h.width, components_of(&h), j->channels, to);
        j->row(j->arg, to);
    }
    return GR_OK;
}
