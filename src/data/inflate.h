/* Unpacking deflate (RFC 1951) as a stream, of which only a window stands in memory. */
#ifndef GR_DATA_INFLATE_H
#define GR_DATA_INFLATE_H

#include "base/base.h"

typedef struct gr__inflater gr__inflater;
/* Gives the next packed bytes, at most n of them; 0 at their end. */
typedef gr_status (*gr__packed_fn)(void *user, unsigned char *to, size_t n, size_t *got);

gr_status gr__inflater_create(gr_context *ctx, gr__packed_fn next, void *user, gr__inflater **out);
void gr__inflater_destroy(gr__inflater *z); /* NULL is fine */
/* Begins a deflate stream where the packed bytes stand now. */
void gr__inflater_begin(gr__inflater *z);
/* Up to n bytes of content; fewer only at the end of the stream, or where *sound becomes false: the packed bytes are
 * damaged or end too soon. A status other than GR_OK is that of the source. */
gr_status gr__inflater_read(gr__inflater *z, void *to, size_t n, size_t *got, bool *sound);
/* Bytes beside the streams, after the last bit of one: headers and trailers. Fewer only at the end. */
gr_status gr__inflater_bytes(gr__inflater *z, unsigned char *to, size_t n, size_t *got);

#endif
