/* Answers of commands under --json. */
#ifndef GR_CLI_JSON_H
#define GR_CLI_JSON_H

#include <jansson.h>

#include "cli/cli.h"

/* Prints o as one line with so many digits of reals, and lets it go. NULL: GR_E_MEMORY. */
gr_status cli_json(cli *c, json_t *o, size_t digits);
json_t *cli_real(double x);      /* null where x is not finite */
json_t *cli_text(const char *s); /* names of files may be no UTF-8: then as gr__shown has them */

#endif
