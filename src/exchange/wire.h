/* Protocol buffers on the wire, as ONNX has them: fields written into a text, and read from pieces of one. By hand,
 * since weights go from file to file in pieces: a generated reader or writer wants all of a message in memory, twice.
 */
#ifndef GR_EXCHANGE_WIRE_H
#define GR_EXCHANGE_WIRE_H

#include "base/text.h"

enum { GR__WIRE_VARINT = 0, GR__WIRE_FIXED64 = 1, GR__WIRE_BYTES = 2, GR__WIRE_FIXED32 = 5 };

/* ---- writing ---- */
size_t gr__wire_size(uint64_t x); /* bytes of a varint */
void gr__wire_varint(gr__text *t, uint64_t x);
void gr__wire_whole(gr__text *t, int field, int64_t x);
void gr__wire_real(gr__text *t, int field, double x); /* as float32 */
void gr__wire_bytes(gr__text *t, int field, const void *data, size_t n);
void gr__wire_text(gr__text *t, int field, const char *s);
/* The key and length of a field of n bytes that follow. */
void gr__wire_begin(gr__text *t, int field, uint64_t n);
/* A message within: what is written between is its content. */
size_t gr__wire_open(gr__text *t, int field);
void gr__wire_close(gr__text *t, size_t opened);

/* ---- reading ---- */
typedef struct gr__wire {
    const unsigned char *at, *end;
    bool bad; /* it is no message: nothing more is read */
} gr__wire;
typedef struct gr__wire_field {
    int number, wire;
    uint64_t whole;          /* VARINT, FIXED32, FIXED64 */
    const unsigned char *at; /* BYTES */
    size_t n;
} gr__wire_field;
gr__wire gr__wire_of(const void *data, size_t n);
bool gr__wire_next(gr__wire *w, gr__wire_field *out); /* false: the end, or bad */
bool gr__wire_take(gr__wire *w, uint64_t *x);         /* a varint, of packed numbers; false likewise */
float gr__wire_float(uint64_t bits);                  /* of FIXED32 */
bool gr__wire_is(const gr__wire_field *f, const char *text);

#endif
