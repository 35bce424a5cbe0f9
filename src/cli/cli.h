/* The command: what its verbs share. Flags are declared in rows that parse, document and complete themselves. */
#ifndef GR_CLI_CLI_H
#define GR_CLI_CLI_H

#include <signal.h>
#include <stdio.h>

#include "base/base.h"
#include "base/text.h"
#include "base/tree.h"
#include "model/recipe.h"

typedef struct cli_flag {
    const char *name;     /* "out"; given as --out */
    const char *argument; /* "DIR"; NULL: a switch */
    const char *help;
    char letter; /* 'o' for -o, or 0 */
} cli_flag;

enum { CLI_MAX_FLAGS = 24, CLI_MAX_GIVEN = 256 };

typedef struct cli {
    gr_context *ctx;
    gr__bump *memory;
    const struct cli_command *command;
    const char *argument[CLI_MAX_GIVEN]; /* what is not a flag */
    int n_arguments;
    struct {
        const cli_flag *flag;
        const char *value;
    } given[CLI_MAX_GIVEN];
    int n_given;
    const char *set[CLI_MAX_GIVEN]; /* --set, with --threads and --seed among them */
    int n_sets;
    bool json, quiet;
    uint64_t said[32]; /* hashes of warnings and notes: each is printed once, however often the work meets it */
    int n_said;
    bool answered; /* --json: the answer is out, so a failed check is not printed as another object */
} cli;

typedef struct cli_command {
    const char *name;
    const char *usage;     /* "RECIPE [--from MODEL] [--resume]" */
    const char *summary;   /* one line for the list */
    const char *help;      /* paragraphs and examples */
    const cli_flag *flags; /* beside the common ones; ends with a NULL name */
    int min_arguments, max_arguments;
    gr_status (*run)(cli *c);
} cli_command;

extern const cli_command cmd_advise, cmd_check, cmd_curvature, cmd_data, cmd_eval, cmd_explain, cmd_init, cmd_lab,
    cmd_new, cmd_plan, cmd_plot, cmd_predict, cmd_trace, cmd_train, cmd_version, cmd_zoo;

/* The value of a flag ("" for a switch that was given), NULL where it was not. The last one wins. */
const char *cli_value(const cli *c, const char *name);
/* Opens the recipe argument with every --set. */
gr_status cli_recipe(cli *c, const char *path, gr_recipe **out);
/* Applies what a recipe says of threads and memory to the context. */
gr_status cli_resources(cli *c, const gr_recipe *r);
/* Refuses a path to write to whose ending is another format's: `what` is written, under one of the endings (without
 * dots, ends with NULL), or with none. */
gr_status cli_check_ending(cli *c, const char *path, const char *what, const char *const *endings);
/* s as a terminal may show it, in the command's memory. */
const char *cli_shown(cli *c, const char *s);
extern volatile sig_atomic_t cli_stop; /* SIGINT, SIGTERM or SIGHUP came */
void cli_catch_signals(void);
double cli_now(void);

#endif
