/* Text inside SVG and HTML: escaping, and lines short enough for their place. */
#ifndef GR_RESULT_MARKUP_H
#define GR_RESULT_MARKUP_H

#include "base/text.h"

/* Adds at most `bytes` bytes of s, fit for element content and for attributes in double quotes: markup is escaped, what
 * is no UTF-8 or no character of XML becomes U+FFFD, white space of any kind a space. */
void gr__markup_put(gr__text *out, const char *s, size_t bytes);
void gr__markup_add(gr__text *out, const char *s);     /* all of it */
size_t gr__markup_length(const char *s, size_t bytes); /* in characters */
/* How many bytes of s make the next line of at most `width` characters (>= 1): broken after the last space that fits,
 * inside a word that is longer than a line. *skip receives the spaces that follow the break. */
size_t gr__markup_line(const char *s, size_t width, size_t *skip);

#endif
