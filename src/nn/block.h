/* Blocks of convolutional networks: what those share that are written as layers within layers. */
#ifndef GR_NN_BLOCK_H
#define GR_NN_BLOCK_H

#include "nn/layer.h"

/* Rows of every block. */
#define GR__BLOCK_ROWS(activation_default)                                                                            \
    GR_ROW("norm", TREE, "batch_norm", "none, the name of a normalisation, or {type: ..., its settings}", "",         \
           "what stands behind every convolution; where none does, convolutions have biases"),                        \
        GR_ROW("activation", TREE, activation_default, "the name of an activation, or {type: ..., its settings}", "", \
               "what is applied within"),                                                                             \
        GR_ROW("inside", TREE, "none", "none, or {NAME: filters}", "1",                                               \
               "filters of convolutions within, by their names, where these have others than usual")

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

/* A convolution within a block whose filters nobody but the block itself takes. */
typedef struct gr__block_bank {
    const char *conv, *norm, *activation; /* names within the block */
    const char *depth, *depth_norm,
        *depth_activation; /* a convolution of each channel that they go through; NULL: none */
    const char *next;      /* the convolution that takes them */
    bool held;             /* something else within wants all of them */
} gr__block_bank;
enum { GR__BLOCK_BANKS = 2 };
/* Those of a block on so many channels; 0: it has none, or is no block. */
int gr__block_banks(const gr_layer *m, const gr_settings *s, int64_t channels, gr__block_bank out[GR__BLOCK_BANKS]);
/* Refuses a row `inside` that names others. */
bool gr__block_check(gr_build *b, const gr_layer *m, const gr_settings *s, gr_val x);
/* What the banks of inverted_residual are called. */
void gr__inverted_banks(const gr_settings *s, int64_t channels, gr__block_bank out[GR__BLOCK_BANKS], int *n);

#endif
