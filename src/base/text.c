/* Formatted text: in the C locale, into buffers, owned strings and the string builder. */
#include "base/text.h"

#include <locale.h>
#include <stdio.h>
#include <string.h>

int gr__print(char *buffer, size_t n, const char *format, va_list args)
{
    /* "C" is built into the C library: making this object neither allocates nor fails in glibc and musl; if it did, the
     * host's locale stays. */
    locale_t c = newlocale(LC_ALL_MASK, "C", (locale_t)0);
    locale_t before = c ? uselocale(c) : (locale_t)0;
    int length = vsnprintf(buffer, n, format, args);
    if (c) {
        uselocale(before);
        freelocale(c);
    }
    return length;
}

void gr__print_cut(char *buffer, size_t n, const char *format, va_list args)
{
    int length = gr__print(buffer, n, format, args);
    if (length < 0) buffer[0] = '\0';
    if (length < 0 || (size_t)length < n) return;
    size_t end =
        n -
        4; /* room for "..." and NUL; step back over a character that would be cut (continuation bytes are 10xxxxxx) */
    while (end > 0 && ((unsigned char)buffer[end] & 0xC0) == 0x80) end--;
    memcpy(buffer + end, "...", 4);
}

const char *gr__errno_text(int code, char *buffer, size_t n)
{
    locale_t c = newlocale(LC_ALL_MASK, "C", (locale_t)0);
    snprintf(buffer, n, "%s", c ? strerror_l(code, c) : "unknown error");
    if (c) freelocale(c);
    return buffer;
}

char *gr__strdup(gr_context *ctx, const char *s)
{
    size_t n = strlen(s) + 1;
    char *copy = gr__alloc(ctx, n);
    return copy ? memcpy(copy, s, n) : NULL;
}

void gr__strfree(gr_context *ctx, char *s)
{
    if (s) gr__free(ctx, s, strlen(s) + 1);
}

char *gr__format(gr_context *ctx, const char *format, ...)
{
    va_list args, again;
    va_start(args, format);
    va_copy(again, args);
    int n = gr__print(NULL, 0, format, args);
    va_end(args);
    char *s = NULL;
    if (n < 0)
        gr__fail(ctx, GR_E_INTERNAL, "format \"%s\" cannot be printed", format);
    else
        s = gr__alloc(ctx, (size_t)n + 1);
    if (s) gr__print(s, (size_t)n + 1, format, again);
    va_end(again);
    return s;
}

void gr__text_init(gr__text *t, gr_context *ctx)
{
    *t = (gr__text){.ctx = ctx};
}

void gr__text_free(gr__text *t)
{
    gr__free(t->ctx, t->s, t->capacity);
    gr__text_init(t, t->ctx);
}

/* Room for n more bytes and the NUL. */
static bool room(gr__text *t, size_t n)
{
    if (!t->failed && n < SIZE_MAX - t->n && gr__grow(t->ctx, (void **)&t->s, &t->capacity, 1, t->n + n + 1))
        return true;
    t->failed = true;
    return false;
}

void gr__text_put(gr__text *t, const char *s, size_t n)
{
    if (!room(t, n)) return;
    if (n) memcpy(t->s + t->n, s, n);
    t->n += n;
    t->s[t->n] = '\0';
}

void gr__text_add(gr__text *t, const char *format, ...)
{
    if (t->failed) return;
    va_list args, again;
    va_start(args, format);
    va_copy(again, args);
    size_t left = t->capacity - t->n;
    int n = gr__print(left ? t->s + t->n : NULL, left, format, args);
    va_end(args);
    if (n < 0) {
        gr__fail(t->ctx, GR_E_INTERNAL, "format \"%s\" cannot be printed", format);
        t->failed = true;
    } else if ((size_t)n < left) {
        t->n += (size_t)n;
    } else if (room(t, (size_t)n)) {
        gr__print(t->s + t->n, (size_t)n + 1, format, again);
        t->n += (size_t)n;
    }
    if (t->failed && t->s) t->s[t->n] = '\0'; /* what stood there before the failure stays whole */
    va_end(again);
}
