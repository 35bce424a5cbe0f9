/* What a run has recorded: metrics.jsonl, read again. */
#ifndef GR_TRAIN_HISTORY_H
#define GR_TRAIN_HISTORY_H

#include "data/field.h"
#include "metric/metric.h"

/* As many keys as a line may have: of a run, an update, and each head with its metrics. */
enum { GR_HISTORY_COLUMNS = 32 + GR_MAX_TARGETS * (2 + GR_MAX_METRICS_NAMED) };

/* A column a key of numbers, a row a line. NaN: null, or the line has no such key. */
typedef struct gr_history {
    gr_context *ctx;
    char *name[GR_HISTORY_COLUMNS];
    double *column[GR_HISTORY_COLUMNS];
    size_t capacity[GR_HISTORY_COLUMNS], evaluated_capacity;
    int n_columns;
    bool *evaluated; /* the line is one of an evaluation */
    size_t n;
    bool cut; /* the last line was not whole and is left out: the run was killed, or is writing it */
} gr_history;

/* Reads the run in `folder`, or the file itself. GR_E_FILE where there is none, GR_E_FORMAT with the line that is no
 * object of JSON. */
gr_status gr__history_read(gr_context *ctx, const char *folder, gr_history *out);
gr_status gr__history_parse(gr_context *ctx, const char *name, const char *text, size_t n, gr_history *out);
void gr__history_free(gr_history *h);                                    /* a zeroed one is fine */
const double *gr__history_column(const gr_history *h, const char *name); /* n numbers; NULL: no line has it */

#endif
