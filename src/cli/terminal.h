/* What the terminal can show, as far as it and the environment say; and the whole of it for a while. */
#ifndef GR_CLI_TERMINAL_H
#define GR_CLI_TERMINAL_H

#include <stdbool.h>

bool cli_utf8(void);
bool cli_colour(int fd);  /* a terminal that takes colours, and NO_COLOR is not set */
int cli_columns(int fd);  /* its width; 80 where there is no terminal and COLUMNS says nothing */
int cli_rows(int fd);     /* its height; 24 likewise */
bool cli_screens(int fd); /* a terminal whose cursor can be moved */

/* The whole screen, without a cursor. However the process ends or stops, it is given back: signals that end it, and
 * those that suspend it, do so first; only SIGKILL leaves no time. Lines that are said meanwhile are kept and follow
 * then. One process has one. */
void cli_screen_enter(int fd);
void cli_screen_leave(void); /* nothing where it is not taken */
bool cli_screen_taken(void);
bool cli_screen_stale(void);        /* it was suspended since the last question: draw all of it */
void cli_screen_say(const char *s); /* a line, kept until then */

#endif
