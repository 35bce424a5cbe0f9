/* What a command looks at that takes a model and data: the model's recipe, or another's data, and a part of it. */
#ifndef GR_CLI_SOURCE_H
#define GR_CLI_SOURCE_H

#include "cli/cli.h"
#include "model/model.h"
#include "train/train.h"

typedef struct cli_source {
    gr_model model;
    gr_recipe recipe; /* the model's, with the data of --data where that is given */
    gr_recipe *other; /* of --data RECIPE; else NULL */
    gr_part part;
} cli_source;

/* Options of such commands: a member of their struct, and its rows. */
typedef struct cli_source_options {
    const char *data;
    int split;        /* a gr_part, or CLI_ANY_PART: validation, or where the recipe has none train */
    bool once, again; /* looks at the test part */
} cli_source_options;
enum { CLI_ANY_PART = -1 };
extern const char *const cli_part_words[];
#define CLI_SOURCE_OPTIONS(options, member, part, part_name) \
    CLI_SOURCE_OPTIONS_AS("split", options, member, part, part_name)
#define CLI_SOURCE_OPTIONS_AS(name, options, member, part, part_name)                                                  \
    CLI_OPTION(options, member.data, TEXT, "data", "RECIPE",                                                           \
               "the data of another recipe, or a source: '{type: npy, inputs: x.npy, targets: y.npy}'; prepared as "   \
               "the model was"),                                                                                       \
        CLI_OPTION(options, member.split, WORD, name, "PART", "train, validation or test; " part_name " unless given", \
                   .usual = part, .words = cli_part_words),                                                            \
        CLI_OPTION(options, member.once, SWITCH, "once", NULL,                                                         \
                   "exit 1 if the test data was looked at before with this run's models"),                             \
        CLI_OPTION(options, member.again, SWITCH, "again", NULL, "look all the same; the record of looks says so")

/* Opens the model argument, and judges the look where it is at the test part; threads and memory are applied. */
gr_status cli_source_open(cli *c, const cli_source_options *o, cli_source *out);
/* Records the look, where it is one at the test part: call it before what was seen is shown. data: what was seen, or
 * NULL. GR_E_CHECK: refused. */
gr_status cli_source_seen(cli *c, const cli_source_options *o, const cli_source *s, const char *data);
void cli_source_close(cli *c, cli_source *s); /* a zeroed one is fine */
/* --threads of a command that takes a model, whose recipe is what it was trained by: other --set are refused. */
gr_status cli_model_threads(cli *c, gr_recipe *r);
/* GR_E_USAGE where a recipe has no such part; how: how to choose one that it has. */
gr_status cli_has_part(cli *c, const gr_recipe *r, gr_part p, const char *how);
/* The same of a command that looks with another file, a model or a recipe: judges the look, and records it. */
gr_status cli_test_seen(cli *c, const char *file, const char *data);
/* The name of a head's class, or its number. */
const char *cli_class_name(const gr_model *m, int head, int64_t k, char *number, size_t n);
/* units.c: whether classes are what comes next in running text; and that of one sample, as a note: all places as one
 * text, and the likeliest after the last. v: `width` numbers of each place. */
bool cli_tells_units(const gr_model *m);
void cli_note_units(gr_result *r, const gr_model *m, int head, const double *v, int64_t width, int64_t positions);

#endif
