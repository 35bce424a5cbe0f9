/* Plans as C source: a backend whose kernels are functions of a program, and the writer of a plan of it.
 *
 * A plan of this backend never runs. It is made of the same items as one of `cpu`, fused by the same rules and placed
 * in the same way, and its kernels want no memory of their own: so a program takes no more than that plan. What it
 * wants of others is libm and memcpy. Its numbers are floats all, indices as well, and what has no axes; numbers that
 * prepare samples are doubles where floats do not hold them. */
#ifndef GR_SOURCE_SOURCE_H
#define GR_SOURCE_SOURCE_H

#include "base/file.h"
#include "plan/backend.h"

/* Neither is among the devices. The kernels of `codes` have room for what they read as codes. */
extern const gr_backend gr__backend_source, gr__backend_source_codes;

/* Where a feed of the plan comes from. */
typedef struct gr__csource_feed {
    const char *name; /* of the feed; a plan that has none of that name does without */
    int64_t offset;   /* among the program's inputs */
    int64_t steps;    /* not 0: it is a length, of that many steps at most, which is found at `offset` ... */
    int64_t width;    /* ... where each step is so many numbers: the first step of NaN ends it */
    bool indices;     /* or of numbers below 0 */
    bool zeros;       /* and zeros that nothing else follows do not count */
} gr__csource_feed;

typedef struct gr__csource_result {
    const char *name; /* an output of the plan */
    int64_t offset;   /* among the program's outputs */
} gr__csource_result;

/* A weight that is kept as codes of 8 bits: of an output channel w = code scale, the largest being 127. What it is
 * multiplied with becomes codes as well, from -128 to 127: x = (code - zero) scale. Their products are summed as whole
 * numbers. */
typedef struct gr__csource_codes {
    const char *weight; /* its name; of products that read it otherwise it stays as it is */
    float scale;        /* of x */
    int zero;
} gr__csource_codes;

/* The codes of row n of a weight of so many numbers a row, and their scale. */
float gr__csource_encode(const float *row, int64_t count, signed char *codes);
/* Could a node's second operand be kept as codes? Its name, or NULL. */
const char *gr__csource_takes_codes(const gr_graph *g, const gr_node *n);

typedef struct gr__csource_program {
    const char *name; /* of the function, the one name that is seen from outside */
    const gr__csource_feed *feed;
    int n_feeds;
    const gr__csource_result *result;
    int n_results;
    const gr__csource_codes *codes; /* of a plan of the backend that has room for them */
    int n_codes;
} gr__csource_program;

int64_t gr__csource_scratch(const gr_plan *p); /* numbers of scratch that its program wants */
/* Writes the weights as they are in the plan's sealed store, which take `weights` bytes of the program, the functions
 * that its kernels are, and
 *
 *     void NAME(const float *input, float *output, float *scratch)
 *
 * Lines that include <math.h>, <stddef.h> and <string.h> stand before it. GR_E_UNSUPPORTED: a tensor has more numbers
 * than an int counts. Lines behind the last have no part of a file's name: the same plan gives the same bytes. */
gr_status gr__csource_write(const gr_plan *p, const gr__csource_program *program, gr__writer *out, uint64_t *weights);

#endif
