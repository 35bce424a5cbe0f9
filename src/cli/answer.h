/* What a model answers of samples, as predict tells it. */
#ifndef GR_CLI_ANSWER_H
#define GR_CLI_ANSWER_H

#include "cli/evaluation.h"

typedef struct cli_answers {
    cli *c;
    const gr_model *model;
    const cli_threshold *threshold; /* one a head */
    const double *const *deviation; /* over several models, one a head, of values; NULL: there is one model */
    const int64_t *width;           /* numbers of a sample, one a head */
    const char *const *kept_name;   /* columns that are passed through; CSV alone */
    int n_kept;
} cli_answers;

/* A sample: v[h] are its numbers of head h, of which the first counts[h] count. */
gr_status cli_answers_show(const cli_answers *a, const char *input, const double *const *v, const int64_t *counts);
/* CSV: the line of names, and a sample's line. */
void cli_answers_names(const cli_answers *a, gr__text *out);
void cli_answers_line(const cli_answers *a, const char *input, const char *const *kept, const double *const *v,
                      const int64_t *counts, gr__text *out);

#endif
