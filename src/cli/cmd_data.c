/* gradus data: what is done with data before and after training, a verb each (cmd_data_*.c). */
#include "cli/cmd_data.h"

static const cli_command *const verbs[] = {&cli_data_check, &cli_data_view, &cli_data_split, &cli_data_drift, NULL};

GR_COMMAND(data) = {
    .name = "data",
    .place = 9,
    .usage = "check | view | split | drift ...",
    .summary =
        "Looks at data: what is wrong with it, what the trainer gets, which sample is in which part, whether it drifts",
    .help = "The order of work: look at the data, leave out what is broken or there twice, divide it, and only then "
            "train.\n"
            "Each has a --help of its own: gradus data check --help.\n\n"
            "Examples\n"
            "  gradus data check recipes/fashion.yaml\n"
            "  gradus data view recipes/fashion.yaml -o sheet.html\n"
            "  gradus data split recipes/fashion.yaml -o split.tsv\n"
            "  gradus data drift runs/t/best.safetensors serving.csv\n",
    .verbs = verbs,
};
