/* Text: string builder, numbers both ways, nearest names. */
#ifndef GR_BASE_TEXT_H
#define GR_BASE_TEXT_H

#include "base/base.h"

typedef struct gr__text gr__text;
struct gr__text {
    gr_context *ctx;
    char *s; /* always NUL-terminated once anything was added; NULL before */
    size_t n, capacity;
    bool failed; /* an allocation failed: later adds do nothing, the error is in ctx */
};

void gr__text_init(gr__text *t, gr_context *ctx);
void gr__text_free(gr__text *t);
void gr__text_add(gr__text *t, const char *format, ...) GR_PRINTF(2, 3);
void gr__text_put(gr__text *t, const char *s, size_t n);

/* vsnprintf as in the C locale, whatever the host program has set: "1.5" never becomes "1,5". gr__print_cut ends a text
 * that does not fit with "..." at a whole UTF-8 character. */
int gr__print(char *buffer, size_t n, const char *format, va_list args) GR_PRINTF(3, 0);
void gr__print_cut(char *buffer, size_t n, const char *format, va_list args) GR_PRINTF(3, 0);

/* ---- bytes that others wrote ---- */
/* How many bytes the UTF-8 character at s takes; 0: it is none (overlong forms and surrogates included). n >= 1. */
size_t gr__utf8_bytes(const unsigned char *s, size_t n);
/* Is this UTF-8 without control characters (tab and line ends are fine)? Else *at is the first offending byte. */
bool gr__is_text(const char *s, size_t n, size_t *at);
/* May a terminal show this character of `length` bytes as it is? Not if it controls it or turns the direction of
 * writing.
 */
bool gr__is_shown(const unsigned char *s, size_t length);
/* The n bytes at s as a terminal may show them, on one line: what is no character, controls it or turns the direction
 * of writing becomes \n, \t, \x1b. What does not fit in `room` ends with "..." at a whole character. Returns buffer. */
const char *gr__shown(char *buffer, size_t room, const char *s, size_t n);
/* gr__print_cut of a message, which may quote such bytes: what it gives is shown as above. */
void gr__print_shown(char *buffer, size_t room, const char *format, va_list args) GR_PRINTF(3, 0);

/* What errno `code` means, in English; the buffer must outlive the use. */
const char *gr__errno_text(int code, char *buffer, size_t n);

/* Shortest decimal that reads back to the same double ("0.1", "1e-05"); "inf", "-inf", "nan". buffer holds at least 32
 * bytes. */
const char *gr__double_text(double x, char *buffer);
/* Parses a number as recipes write them: 12, -1.5e3, .5, 1/255, inf. False if `s` is anything else. Locale-independent.
 */
bool gr__parse_number(const char *s, double *out);
bool gr__parse_size(const char *s, uint64_t *bytes);        /* 256K, 2G, 1.5M, 100: binary units */
void gr__size_text(uint64_t bytes, char *buffer, size_t n); /* "1.5 MiB" */
/* The candidate that `name` means: the one that other tools call so, else the nearest in edit distance; NULL if none is
 * near enough, or if `name` is one that is still to come. */
const char *gr__nearest(const char *name, const char *const *candidates, size_t n);
const char *gr__synonym(const char *name, const char *const *candidates,
                        size_t n); /* NULL: no candidate is called so */
/* The path of a recipe's key that was looked for in `section` ("" is the top, NULL outside of a recipe) and stands
 * elsewhere: "stop.epochs"; NULL: there is none. */
const char *gr__key_home(const char *name, const char *section);
bool gr__name_is_later(const char *name);             /* of the interface or of other tools, but not in this version */
bool gr__glob(const char *pattern, const char *name); /* '*' and '?' */

#endif
