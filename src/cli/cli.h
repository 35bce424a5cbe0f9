/* The command: what its verbs share. A command is an object (GR_COMMAND), which the build finds; its options are rows
 * that parse, document and store themselves. A command reads its options, calls, and shows a result. */
#ifndef GR_CLI_CLI_H
#define GR_CLI_CLI_H

#include <signal.h>
#include <stdio.h>

#include "base/base.h"
#include "base/text.h"
#include "base/tree.h"
#include "model/recipe.h"
#include "result/result.h"

/* ---- options ---- */
enum { CLI_MAX_GIVEN = 256 };
typedef struct cli_pairs { /* KEY=VALUE, in the order given */
    const char *at[CLI_MAX_GIVEN];
    int n;
} cli_pairs;

typedef enum cli_type {
    CLI_SWITCH, /* bool; takes no argument */
    CLI_TEXT,   /* const char *; NULL where it was not given */
    CLI_WHOLE,  /* int64_t of [low, high] */
    CLI_REAL,   /* double of [low, high) */
    CLI_SIZE,   /* uint64_t bytes, as 256M; 0 where it was not given */
    CLI_WORD,   /* int: which of the words */
    CLI_PAIR,   /* cli_pairs: may be repeated */
    CLI_LIST,   /* cli_pairs of any text: may be repeated */
    CLI_KEY,    /* cli_pairs: --seed 2 adds seed=2 to it */
} cli_type;

typedef struct cli_option {
    const char *name;     /* "out"; given as --out */
    const char *argument; /* "DIR"; NULL of a switch */
    cli_type type;
    size_t at; /* where in the command's options */
    double low, high, usual;
    const char *const *words; /* NULL-ended */
    char letter;              /* 'o' for -o, or 0 */
    const char *help;
} cli_option;

/* A member of the struct of options; after the help may come .letter, .low, .high, .usual, .words. */
#define CLI_OPTION(options, member, kind, option_name, option_argument, ...)                                   \
    {                                                                                                          \
        .name = option_name, .argument = option_argument, .type = CLI_##kind, .at = offsetof(options, member), \
        .help = __VA_ARGS__                                                                                    \
    }
#define CLI_OPTIONS(struct_type, rows) \
    .options = (rows), .n_options = (int)GR_COUNT(rows), .options_size = sizeof(struct_type)

/* Of those that have no other: -o, --out. */
typedef struct cli_out {
    const char *out;
} cli_out;
#define CLI_OUT(option_argument, ...) CLI_OPTION(cli_out, out, TEXT, "out", option_argument, __VA_ARGS__, .letter = 'o')

/* ---- commands ---- */
typedef struct cli {
    gr_context *ctx;
    gr__bump *memory;
    const struct cli_command *command;
    const char *argument[CLI_MAX_GIVEN]; /* what is no option */
    int n_arguments;
    void *options;                         /* the command's own, of its struct */
    _Alignas(16) unsigned char room[6144]; /* where they stand: memory has the same size with any of them */
    uint64_t given;                        /* which of its own options were, by their number */
    cli_pairs sets;                        /* --set, with --threads and --seed among them */
    bool json, quiet, help;
    uint64_t said[32]; /* hashes of warnings and notes: each is printed once, however often the work meets it */
    int n_said;
    bool answered; /* an answer is out: under --json a failed check is not printed as another object */
    gr_result result;
} cli;

typedef struct cli_command {
    const char *name;
    int place;           /* in the list of commands: 1, 2, ...; 0: behind those that have one, by name */
    const char *usage;   /* "RECIPE [--from MODEL] [--resume]" */
    const char *summary; /* one line for the list */
    const char *help;    /* paragraphs and examples */
    const cli_option *options;
    int n_options;
    size_t options_size;
    int min_arguments, max_arguments;
    gr_status (*run)(cli *c);
    const struct cli_command *const *verbs; /* instead of options and run: commands of their own, "data split" the name
                                               of one, NULL after the last; `usage` is their words */
} cli_command;
#define GR_COMMAND(name) const cli_command gr__command_##name
const cli_command *const *gr__commands(int *n); /* generated, sorted by name */

/* Reads arguments and options, which are stored; ranges and words are checked. */
gr_status cli_parse(cli *c, int argc, char **argv);
bool cli_given(const cli *c, const char *option); /* one of the command's own */
void cli_print_options(FILE *to, const cli_command *command);

/* ---- what commands call ---- */
/* A new result, with the command's name; it lives until the next one, or the end of the command. */
gr_result *cli_result(cli *c);
/* Prints it: JSON under --json, no text under --quiet. */
gr_status cli_show(cli *c, const gr_result *r);
gr_status cli_tell(cli *c, const gr_result *r);                     /* its text on standard error, but under --quiet */
gr_status cli_list(cli *c, const gr_result *r);                     /* what was asked for: text under --quiet as well */
void cli_lines(gr_result *r, const char *indent, const char *text); /* a note a line of it */
/* Writes the result's tables of numbers and its drawings, and `more` (NULL: none), into a folder, which is made if need
 * be: NAME-TABLE.csv, NAME-DRAWING.svg. A note a file; the paths, in the result's memory. What fails fails the result.
 */
gr_list cli_write_files(cli *c, gr_result *r, const char *folder, const gr_table *more);
/* The result's first drawing, as SVG at this path, with a note of it. */
gr_status cli_write_drawing(cli *c, gr_result *r, const char *path);
/* GR_E_NAME: "there is no member", name; the nearest of n, or what else helps. */
gr_status cli_unknown(cli *c, const char *what, const char *name, const char *const *names, size_t n, const char *hint);
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
