/* What the reader and the writer of safetensors share. */
#ifndef GR_MODEL_SAFETENSORS_H
#define GR_MODEL_SAFETENSORS_H

#include <stdio.h>

#include "base/text.h"
#include "model/file.h"

/* The last thing of a header of ours, followed by its 16 hexadecimal digits (header, data) and `"}}`. The header's own
 * checksum leaves those digits out; if it does not fit, another tool wrote the header, whose right it was to change the
 * data too. */
#define GR_ST_CRC "\"gradus.crc32\":\""
enum { GR_ST_CRC_DIGITS = 16 };

enum { GR_ST_PIECE = 256 << 10 }; /* bytes of tensors that are read or made at a time; whole numbers of any type */

typedef struct gr_st_type_info {
    const char *name;
    gr_st_type type;
    int bits;
} gr_st_type_info;
extern const gr_st_type_info gr__st_types[]; /* ends with a NULL name; the first of a type is its own */

/* Where the digits of the checksum stand in a header of n bytes; NULL: not ours. */
const char *gr__st_crc_place(const char *header, size_t n);
uint32_t gr__st_header_crc(const char *header, size_t n, const char *digits);

/* ours: the file must be one that nobody rewrote. Otherwise that is checked only where the header is still ours. */
gr_status gr__st_verify_as(const gr_st *st, const char *path, bool ours);

/* A tree as JSON that reads back to an equal one; what is not finite becomes a text. */
void gr__tree_json(gr__text *out, const gr_tree *t);
/* Reads that; or YAML, as older files have it. */
gr_status gr__json_tree(gr_context *ctx, gr__bump *b, const char *path, const char *text, gr_tree **out);

#endif
