/* Units of text: bytes, or the code points of UTF-8, through a window on the file. */
#include <string.h>

#include "base/text.h"
#include "data/text/text.h"

enum { WINDOW = 1 << 16, LONGEST = 4 };

void gr__units_open(gr__units *u, const gr__blob *b, bool chars, bool unmarked)
{
    *u = (gr__units){.ctx = b->ctx, .name = b->name, .chars = chars, .unmarked = unmarked};
    u->buffer = gr__alloc(b->ctx, WINDOW);
    u->st = u->buffer ? gr__stream_open(b, &u->stream) : GR_E_MEMORY;
}

void gr__units_close(gr__units *u)
{
    gr__stream_close(u->stream);
    gr__free(u->ctx, u->buffer, WINDOW);
    *u = (gr__units){0};
}

uint64_t gr__units_place(const gr__units *u)
{
    return u->before + u->at;
}

/* Moves what is left to the front and reads on behind it. */
static void refill(gr__units *u)
{
    size_t left = u->n - u->at, got = 0;
    memmove(u->buffer, u->buffer + u->at, left);
    u->before += u->at;
    u->at = 0;
    u->st = gr__stream_read(u->stream, u->buffer + left, WINDOW - left, &got);
    u->n = left + got;
    u->whole = got < WINDOW - left;
    if (u->unmarked && u->before == 0 && u->n >= 3 && memcmp(u->buffer, "\xef\xbb\xbf", 3) == 0) u->at = 3;
    u->unmarked = false;
}

static int32_t decode(const unsigned char *s, size_t n)
{
    static const unsigned char first[] = {0, 0x7f, 0x1f, 0x0f, 0x07};
    int32_t c = s[0] & first[n];
    for (size_t i = 1; i < n; i++) c = c << 6 | (s[i] & 0x3f);
    return c;
}

gr_status gr__units_broken(const gr__units *u, gr__broken at)
{
    gr_status st = gr__fail(u->ctx, GR_E_FORMAT, "\"%s\" is no UTF-8: byte %llu, 0x%02x, begins no character", u->name,
                            (unsigned long long)at.place, at.byte);
    gr__error_hint(u->ctx, "bytes are counted from 0; `unit: byte` takes any file, and iconv -t utf-8 converts one");
    return st;
}

static bool take_broken(gr__units *u, int32_t *unit)
{
    u->broken = (gr__broken){gr__units_place(u), u->buffer[u->at]};
    u->at++;
    *unit = GR__UNIT_BROKEN;
    return true;
}

bool gr__units_next(gr__units *u, int32_t *unit)
{
    if (u->st == GR_OK && !u->whole && u->n - u->at < LONGEST) refill(u);
    if (u->st != GR_OK || u->at == u->n) return false;
    const unsigned char *s = u->buffer + u->at;
    size_t n = u->chars ? gr__utf8_bytes(s, u->n - u->at) : 1;
    if (n == 0) return take_broken(u, unit);
    *unit = n == 1 ? s[0] : decode(s, n);
    u->at += n;
    return true;
}

size_t gr__utf8_write(int32_t c, char *to)
{
    size_t n = c < 0x80 ? 1 : c < 0x800 ? 2 : c < 0x10000 ? 3 : 4;
    static const int first[] = {0, 0, 0xc0, 0xe0, 0xf0};
    for (size_t i = n; i-- > 1; c >>= 6) to[i] = (char)(0x80 | (c & 0x3f));
    to[0] = (char)(first[n] | c);
    return n;
}
