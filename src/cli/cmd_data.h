/* The verbs of `gradus data`: each a command in a file of its own, listed in cmd_data.c. */
#ifndef GR_CLI_CMD_DATA_H
#define GR_CLI_CMD_DATA_H

#include "cli/cli.h"

extern const cli_command cli_data_check, cli_data_drift, cli_data_split, cli_data_view;

#endif
