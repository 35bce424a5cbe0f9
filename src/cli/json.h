/* Answers of commands under --json. */
#ifndef GR_CLI_JSON_H
#define GR_CLI_JSON_H

#include "base/json.h"
#include "cli/cli.h"

/* Prints o as one line and lets it go. NULL: GR_E_MEMORY. */
gr_status cli_json(cli *c, json_t *o);
/* Values that jansson refuses to make itself: null for a number that is not finite, text of any bytes. */
json_t *cli_real(double x);
json_t *cli_text(const char *s);

#endif
