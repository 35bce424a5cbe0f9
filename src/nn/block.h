/* Blocks of convolutional networks: what those share that are written as layers within layers. */
#ifndef GR_NN_BLOCK_H
#define GR_NN_BLOCK_H

#include "nn/layer.h"

/* Rows of every block. */
#define GR__BLOCK_ROWS(activation_default)                                                                            \
    GR_ROW("norm", TREE, "batch_norm", "none, the name of a normalisation, or {type: ..., its settings}", "",         \
           "what stands behind every convolution; where none does, convolutions have biases"),                        \
        GR_ROW("activation", TREE, activation_default, "the name of an activation, or {type: ..., its settings}", "", \
               "what is applied within")

/* A convolution of a block, the normalisation behind it and the activation behind that. */
typedef struct gr__block_conv {
    const char *conv, *norm; /* their names within the block */
    int64_t filters, kernel, stride;
    bool same;              /* padding same; else (kernel - 1) / 2 on both sides */
    bool depthwise;         /* one group a channel */
    const char *activation; /* likewise what its parameters are called by; NULL: none follows */
} gr__block_conv;
gr_val gr__block_conv_build(gr_build *b, const gr_settings *s, gr_val x, const gr__block_conv *c);
/* What the input goes through before it is added: nothing where it has the block's output shape already, else a
 * convolution of one pixel, `downsample`. */
gr_val gr__block_shortcut(gr_build *b, const gr_settings *s, gr_val x, int64_t filters, int64_t stride);
int64_t gr__block_channels(gr_build *b, gr_val x);

#endif
