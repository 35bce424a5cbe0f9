/* What a command looks at that takes a model and data: the model's recipe, or another's data, and a part of it. */
#ifndef GR_CLI_SOURCE_H
#define GR_CLI_SOURCE_H

#include "cli/cli.h"
#include "model/model.h"
#include "train/train.h"

typedef struct cli_source {
    gr_model model;
    gr_recipe recipe; /* the model's, with the data of --data where that is given */
    gr_recipe *other; /* of --data RECIPE; else NULL */
    gr_part part;
} cli_source;

/* Flags of such commands: a row each for their tables. */
#define CLI_SOURCE_FLAGS(default_part)                                                                               \
    {"data", "RECIPE",                                                                                               \
     "the data of another recipe, or a source: '{type: npy, inputs: x.npy, targets: y.npy}'; prepared as the model " \
     "was",                                                                                                          \
     0},                                                                                                             \
    {                                                                                                                \
        "split", "PART", "train, validation or test; " default_part " unless given", 0                               \
    }

/* Opens the model argument; threads and memory are applied. fallback: the part where --split says nothing. */
gr_status cli_source_open(cli *c, gr_part fallback, cli_source *out);
void cli_source_close(cli *c, cli_source *s); /* a zeroed one is fine */

#endif
