/* What plan shows of recomputing. */
#ifndef GR_CLI_PLAN_MEMORY_H
#define GR_CLI_PLAN_MEMORY_H

#include "cli/cli.h"
#include "train/train.h"

/* Layers with what is computed again of them, and the time with all kept. */
void cli_plan_recomputed(gr_result *r, const gr_plan *p);
/* How far from the best a plan may be whose recipe asks for that. */
void cli_plan_gap(gr_result *r, const gr_plan *p);
/* What stands over an update, as planned and with all kept, into an SVG. */
gr_status cli_plan_timeline(cli *c, gr_result *r, const gr_engine *e, const char *path);
/* The answer of --curve: budgets from the least to all kept. out: an SVG; NULL: none. */
gr_status cli_plan_curve(cli *c, const gr_recipe *recipe, const char *out);

#endif
