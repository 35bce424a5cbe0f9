/* Bytes that others wrote, in messages: a terminal takes some of them for commands. */
#include <stdio.h>
#include <string.h>

#include "base/text.h"

size_t gr__utf8_bytes(const unsigned char *s, size_t n)
{
    if (s[0] < 0x80) return 1;
    size_t length = s[0] >= 0xc2 && s[0] <= 0xdf ? 2 : (s[0] & 0xf0) == 0xe0 ? 3 : s[0] >= 0xf0 && s[0] <= 0xf4 ? 4 : 0;
    if (length == 0 || length > n) return 0;
    for (size_t i = 1; i < length; i++)
        if ((s[i] & 0xc0) != 0x80) return 0;
    if ((s[0] == 0xe0 && s[1] < 0xa0) || (s[0] == 0xed && s[1] > 0x9f) || (s[0] == 0xf0 && s[1] < 0x90) ||
        (s[0] == 0xf4 && s[1] > 0x8f))
        return 0;
    return length;
}

/* Of a character: C0, DEL, C1. */
static bool is_control(const unsigned char *s, size_t length)
{
    return s[0] < 0x20 || s[0] == 0x7f || (length == 2 && s[0] == 0xc2 && s[1] < 0xa0);
}

bool gr__is_text(const char *s, size_t n, size_t *at)
{
    const unsigned char *u = (const unsigned char *)s;
    for (size_t i = 0; i < n;) {
        size_t length = gr__utf8_bytes(u + i, n - i);
        bool white = u[i] == '\t' || u[i] == '\n' || u[i] == '\r';
        if (length == 0 || (!white && is_control(u + i, length))) {
            *at = i;
            return false;
        }
        i += length;
    }
    return true;
}

/* Line and paragraph separators, marks and overrides of direction: U+200E, U+200F, U+2028 to U+202E, U+2066 to U+2069.
 */
static bool turns_text(const unsigned char *s, size_t length)
{
    if (length != 3 || s[0] != 0xe2) return false;
    if (s[1] == 0x80) return s[2] == 0x8e || s[2] == 0x8f || (s[2] >= 0xa8 && s[2] <= 0xae);
    return s[1] == 0x81 && s[2] >= 0xa6 && s[2] <= 0xa9;
}

/* What stands for the character at s, and how many bytes of s it takes. */
static size_t show_one(const unsigned char *s, size_t n, char *out, size_t *used)
{
    size_t length = gr__utf8_bytes(s, n);
    *used = GR_MAX(length, 1);
    if (length && !is_control(s, length) && !turns_text(s, length)) {
        memcpy(out, s, length);
        return length;
    }
    if (*s == '\n' || *s == '\t' || *s == '\r') {
        out[0] = '\\';
        out[1] = *s == '\n' ? 'n' : *s == '\t' ? 't' : 'r';
        return 2;
    }
    for (size_t i = 0; i < *used; i++) snprintf(out + 4 * i, 5, "\\x%02x", s[i]);
    return 4 * *used;
}

/* cut: there was more than these n bytes. */
static void show(char *buffer, size_t room, const char *s, size_t n, bool cut)
{
    char one[20];
    size_t used = 0, fits = 0; /* fits: as far as "..." has room behind it */
    for (size_t i = 0, took; i < n; i += took) {
        size_t length = show_one((const unsigned char *)s + i, n - i, one, &took);
        if (used + length >= room) {
            cut = true;
            break;
        }
        memcpy(buffer + used, one, length);
        used += length;
        if (used + 4 <= room) fits = used;
    }
    buffer[used] = '\0';
    if (cut && fits + 4 <= room) memcpy(buffer + fits, "...", 4);
}

const char *gr__shown(char *buffer, size_t room, const char *s, size_t n)
{
    show(buffer, room, s, n, false);
    return buffer;
}

void gr__print_shown(char *buffer, size_t room, const char *format, va_list args)
{
    char raw[4200]; /* more than any buffer of a message */
    int length = gr__print(raw, sizeof raw, format, args);
    size_t n = length < 0 ? 0 : GR_MIN((size_t)length, sizeof raw - 1);
    bool cut = length > 0 && (size_t)length > n;
    while (cut && n > 0 && ((unsigned char)raw[n - 1] & 0xC0) == 0x80) n--; /* the last character may be half */
    if (cut && n > 0 && (unsigned char)raw[n - 1] >= 0xC0) n--;
    show(buffer, room, raw, n, cut);
}
