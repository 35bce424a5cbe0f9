/* What the terminal can show, as far as it and the environment say. */
#ifndef GR_CLI_TERMINAL_H
#define GR_CLI_TERMINAL_H

#include <stdbool.h>

bool cli_utf8(void);
bool cli_colour(int fd); /* a terminal that takes colours, and NO_COLOR is not set */
int cli_columns(int fd); /* its width; 80 where there is no terminal and COLUMNS says nothing */

#endif
