/* gradus data check: what is wrong with a recipe's data. */
#include "cli/cmd_data.h"

static gr_status run(cli *c)
{
    return gr__fail(c->ctx, GR_E_UNSUPPORTED, "not there yet");
}

const cli_command cli_data_check = {.name = "data check",
                                    .usage = "RECIPE",
                                    .summary = "Looks for what is wrong with a recipe's data",
                                    .min_arguments = 1,
                                    .max_arguments = 1,
                                    .run = run};
