/* Curves of a run while it trains, over the whole terminal: `log.terminal: live`. What was said meanwhile, and the last
 * curves, stand below each other once the terminal is given back. */
#ifndef GR_CLI_LIVE_H
#define GR_CLI_LIVE_H

#include "base/text.h"
#include "train/train.h"

enum { CLI_LIVE_POINTS = 512 };

/* A curve of bounded length: each point is the mean of as many values as the others, twice as many once it is full. */
typedef struct cli_curve {
    double x[CLI_LIVE_POINTS], y[CLI_LIVE_POINTS];
    int n;
    int64_t each, in; /* values a point; of the last one so far */
} cli_curve;
void cli_curve_add(cli_curve *c, double x, double y); /* what is not finite is left out */

typedef struct cli_live {
    gr_context *ctx;
    cli_curve train, validation, error, rate;
    double drawn; /* when, in seconds of the run */
} cli_live;

/* Takes what a run tells; true: something was drawn. Where it has no room for curves, status stands alone. */
void cli_live_begin(cli_live *l);
void cli_live_take(cli_live *l, const gr_progress *p);
bool cli_live_due(const cli_live *l, const gr_progress *p);
/* One frame: `status` is its first line. */
void cli_live_draw(cli_live *l, const char *status, double seconds);
/* Gives the terminal back, with the last curves and what was said. */
void cli_live_end(cli_live *l);

#endif
