/* Elements of arrays: from the bytes of a file to what fields hold. For the arrays, and for weights of other software.
 */
#ifndef GR_DATA_ELEMENTS_H
#define GR_DATA_ELEMENTS_H

#include "data/array/array.h"

/* What elements become: numbers, classes, indices, weights, lengths. */
typedef enum gr__use { GR__USE_VALUE, GR__USE_LABEL, GR__USE_INDEX, GR__USE_WEIGHT, GR__USE_LENGTH } gr__use;

/* How elements are kept. The numbers of a run in float32 stay within its range, in whatever they are kept. */
typedef struct gr__keeping {
    gr__use use;
    gr_element as;
    double most;
    int64_t below; /* of classes and indices */
    gr_faults *faults;
} gr__keeping;
/* most: that a length may be; 0: not known. */
gr__keeping gr__keeping_of(const gr_field *f, const gr_source_options *o, int64_t most);

size_t gr__type_bytes(gr__type t);
enum { GR__RUN = 1024 }; /* elements at a time: raw and double forms stay in the first-level cache */
/* At most GR__RUN elements as they stand in the file, whose bytes are put in order, as numbers. */
void gr__elements_decode(const gr__array *a, unsigned char *raw, size_t n, double *out);
/* Number `at` of dst; false where it cannot be kept. */
bool gr__element_keep(const gr__keeping *k, void *dst, uint64_t at, double x);
/* Element `flat`, counted in C order, cannot be kept as number `at` of dst: of a row whose faults are let through it
 * becomes nothing. raw: its bytes in this machine's order, or NULL. */
gr_status gr__element_refuse(const gr__part *p, const gr__keeping *k, uint64_t flat, const unsigned char *raw, double x,
                             void *dst, uint64_t at);
/* Elements that stand in the file as they will in memory. */
bool gr__elements_direct(const gr__array *a, gr_element to);
/* The first element from i on beyond what is kept, or count. */
uint64_t gr__elements_beyond(const gr__keeping *k, const void *data, uint64_t i, uint64_t count);

/* reader.c: samples of an input read from its file when they are wanted; of plain files in C order. */
bool gr__part_can_be_read(const gr__part *p, const gr_field *f);
/* Reads it all once, so that what is wrong is told now; the field then has a reader. */
gr_status gr__part_reader(gr__part *p, const gr_source_options *o, gr_field *f);

#endif
