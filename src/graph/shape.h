/* Shapes, and whose graph it is: what floors above use of graphs beyond gradus/graph.h. */
#ifndef GR_GRAPH_SHAPE_H
#define GR_GRAPH_SHAPE_H

#include "base/base.h"
#include "gradus/graph.h"

/* "[64,28,28,1]" into buffer (at least 96 bytes); returns buffer. */
const char *gr__shape_text(gr_shape s, char *buffer);
bool gr__shape_equal(gr_shape a, gr_shape b);
gr_context *gr__graph_context(const gr_graph *g);

/* What the fixed points of a graph tell that its effects need, those of gradients too, all samples of all of them
 * together; rank 0 each. Fixed points within others and within loops are not counted. */
typedef struct gr_solved {
    gr_val solves;      /* samples that were solved for */
    gr_val unsolved;    /* of them, those that were not done within so many evaluations */
    gr_val evaluations; /* that all of them took */
} gr_solved;
bool gr__graph_solved(gr_graph *g, gr_solved *out);           /* false: it has none, or fails */
bool gr__value_solved(gr_graph *g, gr_val v, gr_solved *out); /* of those that v comes from, gradients' too */

/* ---- assignments that wait for less than all ---- */
size_t gr__assigns(const gr_graph *g); /* how many there are */
/* Those from number `first` on whose targets are tensors wait for this rank-0 value and for no other: what they write
 * may be written before the rest of the step is known. */
void gr__guard_assigns(gr_graph *g, size_t first, gr_val value);

/* ---- slots in fewer bits ---- */
gr_val gr__slot_codes(gr_graph *g, const char *name, int64_t bytes); /* a slot of bytes, of role CODES in the store */
int64_t gr__slot_code_bytes(int bits, int64_t count);
/* What such a slot holds, of this shape, and what it is to hold: rounded at random, by numbers of this stream, seed and
 * update. positive: no number is below 0. */
gr_val gr__slot_read(gr_graph *g, gr_val codes, int bits, bool positive, gr_shape shape);
gr_val gr__slot_write(gr_graph *g, gr_val x, int bits, bool positive, const char *stream, gr_val seed, gr_val update);

#endif
