/* What the pooling layers share. */
#ifndef GR_NN_POOL_H
#define GR_NN_POOL_H

#include "nn/window.h"

#define GR__POOL_ROWS                                                                                             \
    GR_ROW("size", AXES, "2", "[1,1000000]", "pixels", "size of the window; a number, or a list of one an axis"), \
        GR_ROW("stride", AXES, "none", "[1,1000000]", "pixels", "step of the window; its size unless given"),     \
        GR_ROW("padding", TREE, "valid", "same, valid, a number, or a list of one an axis", "pixels",             \
               "places around; at most half the size"),                                                           \
        GR_ROW("ceil", BOOL, "false", "", "", "a last window that reaches over the end counts, if it starts inside")

#define GR__ADAPTIVE_ROWS \
    GR_ROW("size", AXES, NULL, "[1,1000000]", "pixels", "how many windows; a number, or a list of one an axis")

/* Reads the row of adaptive pooling. False: the graph failed. */
bool gr__adaptive_read(gr_build *b, const gr_settings *s, int axes, gr_pool_attr *out);

/* Reads the rows for a picture. ceil_pads, may be NULL: what `ceil` added behind the padding on each axis. False: the
 * graph failed. */
bool gr__pool_read(gr_build *b, const gr_settings *s, gr_shape picture, int axes, gr_pool_attr *out,
                   int64_t *ceil_pads);

#endif
