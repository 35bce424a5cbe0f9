/* What a person sees while training goes on: a line that is drawn anew on a terminal, a line an epoch elsewhere. */
#ifndef GR_CLI_PROGRESS_H
#define GR_CLI_PROGRESS_H

#include "cli/live.h"
#include "base/watch.h"

typedef struct cli_progress {
    bool terminal, quiet;
    double shown;   /* when the line was last drawn */
    bool open;      /* a line without its newline stands on the terminal */
    cli_live *live; /* curves over the whole terminal instead; NULL: none */
} cli_progress;

/* Standard error, as it is now. */
cli_progress cli_progress_make(bool quiet);
/* Curves, where standard error is a terminal that can show them; they take it with the first update. room: theirs. */
void cli_progress_curves(cli_progress *v, gr_context *ctx, cli_live *room);
gr_status cli_progress_show(void *user, const gr_progress *p, bool *stop); /* user: a cli_progress */
void cli_progress_clear(cli_progress *v);

/* A plainer one, of what does not train: drawn anew ten times a second, on a terminal alone. */
typedef struct cli_view {
    bool terminal;
    double began, said;
    gr_watch watch; /* of it, for checks */
} cli_view;
cli_view cli_view_make(bool quiet);
void cli_view_show(cli_view *v, const char *format, ...) GR_PRINTF(2, 3);
/* A watch to hand on while v lives; NULL: there is nobody to tell. */
const gr_watch *cli_view_watch(cli_view *v);
void cli_view_clear(const cli_view *v);

#endif
