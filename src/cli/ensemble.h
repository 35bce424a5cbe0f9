/* One model or several that predict together: the mean of their numbers. */
#ifndef GR_CLI_ENSEMBLE_H
#define GR_CLI_ENSEMBLE_H

#include "cli/source.h"
#include "train/raw.h"

typedef struct cli_voice {
    gr_model model;
    gr_set set; /* what a file is to this model: each reads by its own schema and preparation */
    gr_ready ready;
} cli_voice;

typedef struct cli_ensemble {
    cli_voice *voice;
    int n;
    int64_t width[GR_MAX_TARGETS];
    double *sum[GR_MAX_TARGETS]; /* of several: GR_RAW_BATCH samples */
} cli_ensemble;

/* Whether a file is a model. What cannot be read is none. */
bool cli_is_model(const char *path);
/* Opens models, whose inputs and outputs must agree. GR_E_CONFLICT names both that do not. */
gr_status cli_ensemble_open(cli *c, const char *const *path, int n, cli_ensemble *out);
void cli_ensemble_close(cli *c, cli_ensemble *e); /* a zeroed one is fine */
/* A file of raw input, with the columns that are kept, read by every model; what is unusual of it is warned of. */
gr_status cli_ensemble_load(cli *c, cli_ensemble *e, const char *file, const char *const *keep, int n_keep);
void cli_ensemble_unload(cli *c, cli_ensemble *e);
/* Samples first .. first + n of it: v[h] are n x width numbers, of several models the sum in their order by how many
 * they are. Valid until the next call. */
gr_status cli_ensemble_run(cli_ensemble *e, int64_t first, int64_t n, const double *v[GR_MAX_TARGETS]);

#endif
