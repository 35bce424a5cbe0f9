/* Evaluations as commands tell them, and thresholds between two classes as they are given. */
#ifndef GR_CLI_EVALUATION_H
#define GR_CLI_EVALUATION_H

#include "cli/cli.h"
#include "cli/source.h"
#include "train/pass.h"

/* ---- thresholds (threshold.c) ---- */

/* Of a head. */
typedef struct cli_threshold {
    gr_threshold is;
    bool given;
    const char *by; /* the metric that chose it; NULL: it was given as a number */
    double figure;  /* of that metric, on validation */
} cli_threshold;

typedef struct cli_threshold_options {
    const char *threshold, *by;
} cli_threshold_options;
#define CLI_THRESHOLD_HELP \
    "of two classes, answer the one that is rarer in training from this probability on; of labels each"

/* A number of [0, 1] for every head that has two classes or labels; GR_E_USAGE where none has. text NULL: none given.
 */
gr_status cli_threshold_parse(cli *c, const gr_model *m, const char *text, cli_threshold out[GR_MAX_TARGETS]);
/* The same, or `best`: for heads of two classes the one under which a metric is best on the validation data, of `r` or
 * else of the model's own recipe. */
gr_status cli_threshold_choose(cli *c, const gr_model *m, const gr_recipe *r, const cli_threshold_options *o,
                               cli_threshold out[GR_MAX_TARGETS]);

/* ---- a pass over a part ---- */

/* That a signal may end. */
gr_status cli_pass_run(cli *c, gr_pass *p, gr_evaluation *ev);

/* ---- what is told ---- */

typedef struct cli_evaluation {
    const gr_model *model;
    const gr_engine *engine;
    const gr_evaluation *ev;
    const cli_threshold *threshold; /* one a head */
} cli_evaluation;
void cli_evaluation_add(gr_result *r, const cli_evaluation *all); /* members of the answer */
void cli_evaluation_note(gr_result *r, const cli_evaluation *all, gr_part part);

#endif
