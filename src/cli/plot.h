/* Curves as text. */
#ifndef GR_CLI_PLOT_H
#define GR_CLI_PLOT_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

typedef struct cli_curve {
    const double *y; /* n values >= 0 */
    int64_t n;
    double x_end;        /* what stands under the right end of the axis; the left one is 0 */
    const char *x_title; /* "updates" */
} cli_curve;

/* Does the terminal show UTF-8, as far as the environment says? */
bool cli_utf8(void);
/* Draws the curve over an axis from 0 to its largest value: dots of Braille characters, or plain ASCII. */
void cli_plot(FILE *to, const cli_curve *c, bool utf8);

#endif
