/* gradus explain by what is explained: a member, a schedule over a run, a derivative. */
#ifndef GR_CLI_EXPLAIN_H
#define GR_CLI_EXPLAIN_H

#include "cli/cli.h"

typedef struct cli_explain_options {
    bool markdown, evaluate;
    int64_t sample, batch, terms;
} cli_explain_options;

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
/* As text, and as members. */
void cli_rates_note(cli *c, gr_result *r, const cli_rates *rates);
void cli_rates_add(gr_result *r, const cli_rates *rates);

/* One member of a family or section: as members and as text; as a part of the reference page. */
const gr_family *cli_family_of(const gr_member *m); /* NULL: a section's or common rows' */
void cli_member_add(gr_result *r, const gr_member *m);
void cli_member_rest(gr_result *r, const gr_member *m); /* what follows a schedule's example */
void cli_member_page(gr_result *r, const gr_member *m);
/* All families, in the order in which they are listed. */
extern const gr_family *const cli_families[];
extern const size_t cli_n_families;

/* explain_rule.c: what a rule of `check` has beside a member; nothing of others. */
bool cli_rule_is(const gr_member *m, const char *id); /* does it answer this id? */
void cli_rule_add(gr_result *r, const gr_member *m);
void cli_rule_page(gr_result *r, const gr_member *m);
gr_status cli_explain_rules(cli *c); /* `explain checks`: all of them, by their ids */

/* `explain dL/d... RECIPE-or-MODEL`. */
gr_status cli_explain_derivative(cli *c);

#endif
