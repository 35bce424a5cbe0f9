/* Escaping and breaking of text. Input may be anything: names from recipes, columns of strangers' files. */
#include "result/markup.h"

#include <string.h>

#define REPLACEMENT "\xEF\xBF\xBD"

/* The code point at s and its length in bytes; a byte that is no UTF-8 counts alone, as U+FFFD. */
static uint32_t decode(const char *s, size_t left, size_t *length)
{
    const unsigned char *u = (const unsigned char *)s;
    size_t n = u[0] < 0x80                   ? 1
               : u[0] >= 0xC2 && u[0] < 0xE0 ? 2
               : u[0] >= 0xE0 && u[0] < 0xF0 ? 3
               : u[0] >= 0xF0 && u[0] < 0xF5 ? 4
                                             : 0;
    uint32_t c = n == 1 ? u[0] : n == 2 ? u[0] & 0x1Fu : n == 3 ? u[0] & 0x0Fu : u[0] & 0x07u;
    *length = 1;
    if (n == 0 || n > left) return 0xFFFD;
    for (size_t i = 1; i < n; i++) {
        if ((u[i] & 0xC0u) != 0x80u) return 0xFFFD;
        c = c << 6 | (u[i] & 0x3Fu);
    }
    if ((n == 3 && c < 0x800) || (n == 4 && (c < 0x10000 || c > 0x10FFFF)))
        return 0xFFFD; /* longer than needed, or none */
    *length = n;
    return c;
}

static bool is_xml(uint32_t c)
{
    return c >= 0x20 && c != 0x7F && (c < 0xD800 || c > 0xDFFF) && c != 0xFFFE && c != 0xFFFF;
}

void gr__markup_put(gr__text *out, const char *s, size_t bytes)
{
    for (size_t i = 0, n; i < bytes; i += n) {
        uint32_t c = decode(s + i, bytes - i, &n);
        if (c == '&')
            gr__text_add(out, "&amp;");
        else if (c == '<')
            gr__text_add(out, "&lt;");
        else if (c == '>')
            gr__text_add(out, "&gt;");
        else if (c == '"')
            gr__text_add(out, "&quot;");
        else if (c == '\t' || c == '\n' || c == '\r')
            gr__text_put(out, " ", 1);
        else if (c == 0xFFFD || !is_xml(c))
            gr__text_put(out, REPLACEMENT, strlen(REPLACEMENT));
        else
            gr__text_put(out, s + i, n);
    }
}

void gr__markup_add(gr__text *out, const char *s)
{
    gr__markup_put(out, s, strlen(s));
}

size_t gr__markup_length(const char *s, size_t bytes)
{
    size_t count = 0;
    for (size_t i = 0, n; i < bytes; i += n, count++) decode(s + i, bytes - i, &n);
    return count;
}

size_t gr__markup_line(const char *s, size_t width, size_t *skip)
{
    size_t all = strlen(s), at = 0, space = 0, n;
    *skip = 0;
    for (size_t count = 0; at < all && count < width; at += n, count++) {
        if (s[at] == ' ' && at > 0) space = at;
        decode(s + at, all - at, &n);
    }
    if (at == all) return at;
    if (s[at] == ' ' || space == 0) space = at;
    *skip = strspn(s + space, " ");
    return space;
}
