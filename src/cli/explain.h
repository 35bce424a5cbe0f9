/* gradus explain beyond the members of families. */
#ifndef GR_CLI_EXPLAIN_H
#define GR_CLI_EXPLAIN_H

#include "cli/cli.h"

/* `explain dL/d... RECIPE-or-MODEL`. */
gr_status cli_explain_derivative(cli *c);

#endif
