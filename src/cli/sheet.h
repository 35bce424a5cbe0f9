/* Sheets of cards as files: PNG where the name says so, else a page of HTML. */
#ifndef GR_CLI_SHEET_H
#define GR_CLI_SHEET_H

#include "cli/cli.h"
#include "result/sheet.h"

gr_status cli_check_sheet(cli *c, const char *path); /* refuses another ending */
gr_status cli_write_sheet(cli *c, const gr_sheet *s, const char *path);

#endif
