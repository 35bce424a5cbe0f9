/* The run folder: what is written where, and what a resumed run reads back. */
#ifndef GR_TRAIN_RUN_H
#define GR_TRAIN_RUN_H

#include "model/file.h"
#include "train/events.h"
#include "train/train.h"

typedef struct gr_run {
    gr_context *ctx;
    const char *folder;
    char path[4096];                    /* scratch of gr__run_path */
    char resumed_from[4096];            /* the checkpoint that was read; "" where none was */
    bool made_folder, made_checkpoints; /* by this run, for undoing */
    bool begun;                         /* the folder is this run's to write into, and to clear */
    bool fresh;                         /* nothing of this run has been kept yet */
    bool unsaved;                       /* the folder says that the run has no checkpoint yet */
    bool resume, over;                  /* what is to become of a run that the folder holds already */
    int lock;                           /* file descriptor, -1: none held */
    int metrics;                        /* file descriptor, -1 when closed */
    int64_t metrics_bytes;              /* written, what waits in the buffer included */
    uint32_t metrics_sum;               /* CRC32 of them */
    size_t waiting;
    double flushed_at; /* seconds */
    bool failed;
    char buffer[65536];
    gr_events events; /* file -1: none */
} gr_run;

/* "FOLDER/name"; valid until the next call. */
const char *gr__run_path(gr_run *r, const char *name);
/* Looks at the folder and makes nothing: GR_E_BUSY where another process trains in it, GR_E_EXISTS where it holds a run
 * and neither `resume` nor `over` is said, GR_E_FORMAT where `resume` is and the run had checkpoints that are gone. A
 * folder that is there is locked from here on. */
gr_status gr__run_open(gr_context *ctx, const char *folder, bool resume, bool over, gr_run *r);
/* Creates the folder, locked; with `over`, an old run in it is removed first, and in any case what killed runs left
 * unfinished. */
gr_status gr__run_begin(gr_run *r);
/* A checkpoint was written: the folder no longer says that there is none. */
void gr__run_saved(gr_run *r);
/* Opens the metrics for appending, cut back to `bytes`, whose checksum a checkpoint gives as text (NULL: it does not).
 * GR_E_FORMAT where the file is not what was written. */
/* A file that the run's checkpoint counts on is there: a resumed run writes it anew only when there is cause. */
gr_status gr__run_keeps(gr_run *r, const char *name);
gr_status gr__run_metrics_open(gr_run *r, int64_t bytes, const char *sum);
void gr__run_metrics_put(gr_run *r, const char *line, size_t n);
gr_status gr__run_metrics_flush(gr_run *r, bool sync);
/* Removes what a run that never made a step has created. */
void gr__run_undo(gr_run *r);
/* Removes what a run left in its folder, and the folder where nothing else is in it; none is fine. GR_E_BUSY. */
gr_status gr__run_remove(gr_context *ctx, const char *folder);
void gr__run_end(gr_run *r); /* gives the lock back */

/* lock.c: one process at a time writes into a run folder. FOLDER/lock names it while it does; a process that is killed
 * leaves the file and no lock. On a file system without locks: a warning, and nothing is held. */
gr_status gr__run_lock(gr_run *r);
void gr__run_unlock(gr_run *r);

#define GR_METRICS_KEY "metrics/crc32" /* of what the checkpoint counts, as gr__run_metrics_sum writes it */
enum { GR_SUM_TEXT = 16 };
const char *gr__run_metrics_sum(const gr_run *r, char text[GR_SUM_TEXT]);

/* The newest checkpoint that verifies; damaged newer ones are skipped with a warning. *out NULL when there is none;
 * GR_E_FORMAT when there are some and all are damaged. step: its update. */
/* The same without a look at more than its head, and without a word of damage. */
gr_status gr__run_peek(gr_run *r, gr_st **out);
gr_status gr__run_newest(gr_run *r, gr_st **out, int64_t *step, char *path, size_t path_bytes);
/* Removes all but the newest `keep` checkpoints. */
gr_status gr__run_prune(gr_run *r, int keep);

#endif
