/* JSON, as every answer and file of gradus holds it: numbers in the shortest form that reads back to the same double
 * (whole ones plain), null in the place of what is not finite, strings UTF-8 whatever they were made of. */
#ifndef GR_BASE_JSON_H
#define GR_BASE_JSON_H

#include <jansson.h>

#include "base/text.h"

/* The number into a buffer of at least 32 bytes, which it returns. Allocates nothing. */
const char *gr__json_number(double x, char *buffer);
/* "text": quotes, backslashes and control characters escaped, UTF-8 stays, other bytes become U+FFFD. */
void gr__json_text(gr__text *out, const char *s);
/* Values that jansson refuses to make itself: null for a number that is not finite, text of any bytes (NULL: null). */
json_t *gr__json_real(double x);
json_t *gr__json_string(const char *s);
/* A whole value. indent: spaces a level, one member a line; 0: all on one line, without spaces. No newline at the end.
 */
void gr__json_write(gr__text *out, const json_t *value, int indent);
/* A value as a file of its own: indented by two, a newline at the end; replaced as a whole. value may be NULL, for a
 * value that there was no memory for. */
gr_status gr__json_save(gr_context *ctx, const char *path, const json_t *value);

#endif
