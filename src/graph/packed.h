/* Values packed into bytes, and read back: how a value is kept between the passes of a step (plan/keep.c). */
#ifndef GR_GRAPH_PACKED_H
#define GR_GRAPH_PACKED_H

#include "graph/node.h"

typedef enum gr__packed_form {
    GR__PACK_TRUTH = 1, /* a byte each, 1 where the test holds: a tensor as it was, which gr_real reads back */
    GR__PACK_INDEX,     /* 16 bits each: of a max pool's indices into pictures of at most 65535 places */
    GR__PACK_BF16,      /* 16 bits each, to nearest, ties to even */
    GR__PACK_F16,       /* the same, and what is beyond 65504 becomes that */
    GR__PACK_QUANTISED, /* `bits` each, in groups: least and range as float32, rounded at random so that the mean is x
                         */
    GR__PACK_SLOT, /* 16 or 8 bits each, of a tensor that is kept from update to update, likewise rounded (slot_codes.h)
                    */
} gr__packed_form;

/* What is asked of each number. */
typedef enum gr__test {
    GR__TEST_DIFFERS,
    GR__TEST_LESS,
    GR__TEST_MORE,
    GR__TEST_AT_MOST,
    GR__TEST_AT_LEAST,
    GR__TEST_EQUAL
} gr__test;

/* Of a value of `runs` times `run` numbers, where a run is numbers of one sample that stand side by side: run r is
 * number r / samples of sample r % samples. Only quantised values look at that: a group is cut out of one run. */
typedef struct gr__packing {
    gr__packed_form form;
    int64_t bits, group, samples, run; /* SLOT: of these bits alone */
    bool positive;                     /* SLOT: no number is below 0 */
    gr__test test;                     /* TRUTH */
    double than;                       /* TRUTH: what each number is compared with */
} gr__packing;

gr__packing gr__packing_of(const gr_attr *attr);
int64_t gr__packed_bytes(const gr__packing *p, int64_t count);
/* stream: names the random numbers; moment: seed, update and position as gr_random takes them. Both of quantised values
 * alone, otherwise NULL. */
gr_val gr__pack(gr_graph *g, gr_val x, const gr__packing *p, const char *stream, const gr_val *moment);
/* like: what x was. Copies of different numbers are different values. */
gr_val gr__unpack(gr_graph *g, gr_val packed, const gr__packing *p, const gr_value *like, int64_t copy);

/* ---- quantised values: a head {least, range} of each group, in the order of groups, then codes run by run, those of a
 * group from a new byte on, the first in the lowest bits ---- */
typedef struct gr__groups_of {
    int64_t per_run, runs;
    int64_t bytes, last_bytes; /* codes of a group, of the last of a run */
} gr__groups_of;
static inline gr__groups_of gr__groups_in(const gr__packing *p, int64_t count)
{
    gr__groups_of g = {.per_run = (p->run + p->group - 1) / p->group, .runs = p->run ? count / p->run : 0};
    int64_t last = p->run - (g.per_run - 1) * p->group;
    g.bytes = (p->group * p->bits + 7) / 8;
    g.last_bytes = (last * p->bits + 7) / 8;
    return g;
}

/* Where the codes of a group begin. */
static inline int64_t gr__group_codes(const gr__groups_of *g, int64_t group)
{
    int64_t run = group / g->per_run, within = group % g->per_run;
    return 8 * g->runs * g->per_run + run * ((g->per_run - 1) * g->bytes + g->last_bytes) + within * g->bytes;
}

#endif
