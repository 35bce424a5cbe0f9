/* Bytes as text: base64, RFC 4648 section 4. */
#ifndef GR_BASE_BASE64_H
#define GR_BASE_BASE64_H

#include "base/text.h"

void gr__base64_put(gr__text *out, const void *bytes, size_t n);
/* The n bytes that a text is of. False: it is of another number, or no base64. */
bool gr__base64_take(const char *text, void *bytes, size_t n);

#endif
