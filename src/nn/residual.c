/* Residual: what its layers add to their own input.                                              [He et al. 2016a] */
#include "nn/layer.h"

static const gr_row rows[] = {
    GR_ROW("layers", TREE, NULL, "a list of layers", "", "the residual branch; a chain from the layer's input"),
    GR_ROW("shortcut", TREE, "none", "a list of layers", "", "what the input goes through before it is added"),
};

static const char *const parts[] = {"layers", "shortcut", NULL};
extern const gr_layer gr__layer_add;

GR_LAYER(residual) = {
    .head =
        {
            .family = "layer",
            .name = "residual",
            .title = "Residual: layers whose output is added to their input",
            .cite = "He et al. 2016",
            .equations = "y = layers(x) + x,  or  layers(x) + shortcut(x)        no activation after the sum",
            GR_ROWS(rows),
        },
    .min_inputs = 1,
    .max_inputs = 1,
    .parts = parts,
    .joined = &gr__layer_add,
    .build = gr__build_parts,
};
