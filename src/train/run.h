/* The run folder: what is written where, and what a resumed run reads back. */
#ifndef GR_TRAIN_RUN_H
#define GR_TRAIN_RUN_H

#include "model/file.h"
#include "train/train.h"

typedef struct gr_run {
    gr_context *ctx;
    const char *folder;
    char path[4096];                    /* scratch of gr__run_path */
    bool made_folder, made_checkpoints; /* by this run, for undoing */
    bool fresh;                         /* nothing of this run has been kept yet */
    int metrics;                        /* file descriptor, -1 when closed */
    int64_t metrics_bytes;              /* written, what waits in the buffer included */
    size_t waiting;
    double flushed_at; /* seconds */
    bool failed;
    char buffer[65536];
} gr_run;

/* "FOLDER/name"; valid until the next call. */
const char *gr__run_path(gr_run *r, const char *name);
/* Creates the folder; with `over`, an old run in it is removed first. */
gr_status gr__run_begin(gr_context *ctx, const char *folder, bool over, gr_run *r);
/* Opens the metrics for appending, cut back to `bytes`. */
gr_status gr__run_metrics_open(gr_run *r, int64_t bytes);
void gr__run_metrics_put(gr_run *r, const char *line, size_t n);
gr_status gr__run_metrics_flush(gr_run *r, bool sync);
/* Removes what a run that never made a step has created. */
void gr__run_undo(gr_run *r);
void gr__run_end(gr_run *r);

/* The newest checkpoint that verifies; damaged newer ones are skipped with a warning. *out NULL when there is none.
 * step: its update. */
gr_status gr__run_newest(gr_run *r, gr_st **out, int64_t *step, char *path, size_t path_bytes);
/* Removes all but the newest `keep` checkpoints. */
void gr__run_prune(gr_run *r, int keep);

#endif
