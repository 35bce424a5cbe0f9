/* gradus explain beyond the members of families: schedules over a run, and derivatives. */
#ifndef GR_CLI_EXPLAIN_H
#define GR_CLI_EXPLAIN_H

#include "cli/json.h"

typedef struct cli_rates {
    gr_sched sched;
    double lr, updates_per_epoch;
    int64_t updates, every; /* of the run; updates an evaluation */
    int64_t stride, n;      /* rate[i] is that of update i stride */
    int64_t stops;          /* where a schedule that may stop does so on made-up errors; 0: nowhere */
    double *rate;
} cli_rates;

/* Is it what --threads or --seed became? Nothing that is explained depends on them. */
bool cli_is_run_flag(const char *set);
/* The rates of a member over an example run: --set gives its settings, and lr, updates, updates_per_epoch. */
gr_status cli_rates_example(cli *c, const gr_schedule *m, cli_rates *out);
/* Those of a recipe's own schedule. */
gr_status cli_rates_recipe(cli *c, const char *path, cli_rates *out);
gr_status cli_rates_print(cli *c, const cli_rates *r);
json_t *cli_rates_json(const cli_rates *r); /* NULL: no memory */

/* `explain dL/d... RECIPE-or-MODEL`. */
gr_status cli_explain_derivative(cli *c);

#endif
