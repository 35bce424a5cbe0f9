/* plan --graph: a graph of computations of a file of its own, and its cheapest schedule under a budget. */
#ifndef GR_CLI_PLAN_GRAPH_H
#define GR_CLI_PLAN_GRAPH_H

#include "cli/cli.h"

gr_status cli_plan_graph(cli *c, const char *path, uint64_t budget, int way);

#endif
