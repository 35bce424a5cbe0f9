/* What a person sees while training goes on: a line that is drawn anew on a terminal, a line an epoch elsewhere. */
#ifndef GR_CLI_PROGRESS_H
#define GR_CLI_PROGRESS_H

#include "train/train.h"

typedef struct cli_progress {
    bool terminal, quiet;
    double shown; /* when the line was last drawn */
    bool open;    /* a line without its newline stands on the terminal */
} cli_progress;

/* Standard error, as it is now. */
cli_progress cli_progress_make(bool quiet);
void cli_progress_show(void *user, const gr_progress *p); /* user: a cli_progress */
void cli_progress_clear(cli_progress *v);

#endif
