/* gradus data: what is done with data before and after training, a verb each (cmd_data_*.c). */
#include "cli/cmd_data.h"

static const cli_command *const verbs[] = {&cli_data_split, &cli_data_view, NULL};

GR_COMMAND(data) = {
    .name = "data",
    .place = 10,
    .usage = "split | view ...",
    .summary = "Looks at a recipe's data: what the trainer gets, and which sample is in which part",
    .help = "Each has a --help of its own: gradus data view --help.\n\n"
            "Examples\n"
            "  gradus data split recipes/fashion.yaml -o split.tsv\n"
            "  gradus data view recipes/fashion.yaml -o sheet.html\n",
    .verbs = verbs,
};
