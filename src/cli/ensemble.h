/* One model or several that predict together: the mean of their numbers. */
#ifndef GR_CLI_ENSEMBLE_H
#define GR_CLI_ENSEMBLE_H

#include "cli/source.h"
#include "train/raw.h"
#include "train/together.h"

typedef struct cli_voice {
    gr_model model;
    gr_set set; /* what a file is to this model: each reads by its own schema and preparation */
    gr_ready ready;
} cli_voice;

typedef struct cli_ensemble {
    cli_voice *voice;
    int n;
    gr_mixing mixing;
    int64_t width[GR_MAX_TARGETS];
    double *mean[GR_MAX_TARGETS],
        *deviation[GR_MAX_TARGETS]; /* of several: GR_RAW_BATCH samples; deviation: of values */
} cli_ensemble;

/* Options of commands that take several models: a member of their struct, and its rows. */
typedef struct cli_ensemble_options {
    bool several;
    int average;
    const char *weights;
} cli_ensemble_options;
extern const char *const cli_average_words[];
#define CLI_ENSEMBLE_OPTIONS(options, member)                                                                      \
    CLI_OPTION(options, member.several, SWITCH, "ensemble", NULL,                                                  \
               "all models among the arguments predict together: what is told is the mean of their numbers"),      \
        CLI_OPTION(options, member.average, WORD, "average", "OF", "probabilities, or logits: the geometric mean", \
                   .words = cli_average_words),                                                                    \
        CLI_OPTION(options, member.weights, TEXT, "weights", "A,B,...|validation",                                 \
                   "of the models in their order, divided by their sum; validation: those of least cost on the "   \
                   "validation data")
/* GR_E_USAGE where an option goes with --ensemble, which was not given. */
gr_status cli_ensemble_check(cli *c, const cli_ensemble_options *o);
/* Which arguments are models, the first ones of the list, and which are not. */
gr_status cli_ensemble_arguments(cli *c, const char **model, int *n_models, const char **other, int *n_others);
/* How they are mixed. r: whose validation data may choose. */
gr_status cli_ensemble_mix(cli *c, const cli_ensemble_options *o, const gr_recipe *r, cli_ensemble *e);
/* The models, as train/together.h wants them; in the command's memory. */
const gr_model *const *cli_ensemble_models(cli *c, const cli_ensemble *e);

/* Whether a file is a model. What cannot be read is none. */
bool cli_is_model(const char *path);
/* Opens models, whose inputs and outputs must agree. GR_E_DATA names both that do not. */
gr_status cli_ensemble_open(cli *c, const char *const *path, int n, cli_ensemble *out);
void cli_ensemble_close(cli *c, cli_ensemble *e); /* a zeroed one is fine */
/* A file of raw input, with the columns that are kept, read by every model; what is unusual of it is warned of. */
gr_status cli_ensemble_load(cli *c, cli_ensemble *e, const char *file, const char *const *keep, int n_keep);
void cli_ensemble_unload(cli *c, cli_ensemble *e);
/* Samples first .. first + n of it: v[h] are n x width numbers, of several models their mean. Valid until the next
 * call.
 */
gr_status cli_ensemble_run(cli_ensemble *e, int64_t first, int64_t n, const double *v[GR_MAX_TARGETS]);

#endif
