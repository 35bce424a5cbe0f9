/* Windows that slide over pictures and sequences: what convolution and pooling share. */
#ifndef GR_NN_WINDOW_H
#define GR_NN_WINDOW_H

#include "nn/layer.h"

/* Per axis (height, width); a sequence has height 1. */
typedef struct gr__window {
    int64_t in[2], size[2], stride[2], dilation[2], before[2], after[2];
} gr__window;

/* x as [N,H,W,C]: pictures as they are, sequences [N,L,F] as [N,1,L,F]. axes: how many are spatial. Fails the graph for
 * other ranks. */
gr_val gr__picture(gr_build *b, gr_val x, int *axes);
/* Back to a sequence where x was one. */
gr_val gr__unpicture(gr_build *b, gr_val y, int axes);
/* Reads a row of one number an axis into the last `axes` of two places; absent leaves them. False: the graph failed. */
bool gr__window_axes(gr_build *b, const gr_settings *s, const char *row, int axes, int64_t *values);
/* How many groups row `groups` says: a number that divides both, or depthwise, one a channel. 0: the graph failed. */
int64_t gr__groups_read(gr_build *b, const gr_settings *s, int64_t channels, int64_t filters);
/* Reads rows `size_row`, stride, padding and, where `dilated`, dilation, as they are written; *same: padding is `same`,
 * and not filled in. Whether the window fits is not asked. False: the graph failed. */
bool gr__window_rows(gr_build *b, const gr_settings *s, gr_shape picture, int axes, const char *size_row, bool dilated,
                     bool *same, gr__window *out);
/* Reads rows `size_row`, stride, padding and, where `dilated`, dilation. `same` gives ceil(in / stride) outputs, the
 * odd pixel at the end. False: the graph failed. */
bool gr__window_read(gr_build *b, const gr_settings *s, gr_shape picture, int axes, const char *size_row, bool dilated,
                     gr__window *out);

#endif
