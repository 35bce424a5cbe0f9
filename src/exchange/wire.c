/* Keys, varints, lengths: see https://protobuf.dev/programming-guides/encoding. */
#include "exchange/wire.h"

#include <string.h>

/* ---- writing ---- */

size_t gr__wire_size(uint64_t x)
{
    size_t n = 1;
    while (x >>= 7) n++;
    return n;
}

void gr__wire_varint(gr__text *t, uint64_t x)
{
    char bytes[10];
    size_t n = 0;
    for (; x >= 128; x >>= 7) bytes[n++] = (char)(x | 128);
    bytes[n++] = (char)x;
    gr__text_put(t, bytes, n);
}

static void key(gr__text *t, int field, int wire)
{
    gr__wire_varint(t, (uint64_t)field << 3 | (uint64_t)wire);
}

void gr__wire_whole(gr__text *t, int field, int64_t x)
{
    key(t, field, GR__WIRE_VARINT);
    gr__wire_varint(t, (uint64_t)x);
}

void gr__wire_real(gr__text *t, int field, double x)
{
    float single = (float)x;
    uint32_t bits;
    char bytes[4];
    memcpy(&bits, &single, sizeof bits);
    for (int i = 0; i < 4; i++) bytes[i] = (char)(bits >> 8 * i);
    key(t, field, GR__WIRE_FIXED32);
    gr__text_put(t, bytes, sizeof bytes);
}

void gr__wire_begin(gr__text *t, int field, uint64_t n)
{
    key(t, field, GR__WIRE_BYTES);
    gr__wire_varint(t, n);
}

void gr__wire_bytes(gr__text *t, int field, const void *data, size_t n)
{
    gr__wire_begin(t, field, n);
    gr__text_put(t, data, n);
}

void gr__wire_text(gr__text *t, int field, const char *s)
{
    gr__wire_bytes(t, field, s, strlen(s));
}

size_t gr__wire_open(gr__text *t, int field)
{
    key(t, field, GR__WIRE_BYTES);
    return t->n;
}

void gr__wire_close(gr__text *t, size_t opened)
{
    size_t bytes = t->n - opened, n = gr__wire_size(bytes);
    static const char room[10] = {0};
    gr__text_put(t, room, n);
    if (t->failed) return;
    memmove(t->s + opened + n, t->s + opened, bytes);
    for (size_t i = 0, x = bytes; i < n; i++, x >>= 7) t->s[opened + i] = (char)((x & 127) | (i + 1 < n ? 128 : 0));
}

/* ---- reading ---- */

gr__wire gr__wire_of(const void *data, size_t n)
{
    static const unsigned char none[1];
    const unsigned char *p = data ? data : none; /* an empty message may have no place */
    return (gr__wire){p, p + n, false};
}

bool gr__wire_take(gr__wire *w, uint64_t *x)
{
    *x = 0;
    for (int shift = 0; w->at < w->end && shift < 64; shift += 7) {
        unsigned char byte = *w->at++;
        *x |= (uint64_t)(byte & 127) << shift;
        if (byte < 128) return true;
        w->bad = shift == 63 || w->at == w->end;
    }
    return false;
}

static bool take_fixed(gr__wire *w, size_t n, uint64_t *x)
{
    if ((size_t)(w->end - w->at) < n) return !(w->bad = true);
    *x = 0;
    for (size_t i = 0; i < n; i++) *x |= (uint64_t)w->at[i] << 8 * i;
    w->at += n;
    return true;
}

bool gr__wire_next(gr__wire *w, gr__wire_field *out)
{
    uint64_t k, n;
    if (w->bad || !gr__wire_take(w, &k)) return false;
    if (k >> 3 == 0) return !(w->bad = true); /* no field has it */
    *out = (gr__wire_field){.number = (int)(k >> 3 & 0x1FFFFFFF), .wire = (int)(k & 7)};
    switch (out->wire) {
    case GR__WIRE_VARINT:
        return gr__wire_take(w, &out->whole) || !(w->bad = true);
    case GR__WIRE_FIXED64:
        return take_fixed(w, 8, &out->whole);
    case GR__WIRE_FIXED32:
        return take_fixed(w, 4, &out->whole);
    case GR__WIRE_BYTES:
        if (!gr__wire_take(w, &n) || n > (uint64_t)(w->end - w->at)) return !(w->bad = true);
        out->at = w->at;
        out->n = (size_t)n;
        w->at += n;
        return true;
    default: /* groups, which ONNX has not */
        return !(w->bad = true);
    }
}

float gr__wire_float(uint64_t bits)
{
    uint32_t narrow = (uint32_t)bits;
    float x;
    memcpy(&x, &narrow, sizeof x);
    return x;
}

bool gr__wire_is(const gr__wire_field *f, const char *text)
{
    return f->wire == GR__WIRE_BYTES && f->n == strlen(text) && memcmp(f->at, text, f->n) == 0;
}
