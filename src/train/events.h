/* events/: what a run tells TensorBoard, one file that grows with the run. Written without allocation, but for pictures
 * and the recipe's keys. A run that is resumed cuts it back to the checkpoint's update. */
#ifndef GR_TRAIN_EVENTS_H
#define GR_TRAIN_EVENTS_H

#include "base/text.h"
#include "base/tree.h"
#include "result/event.h"
#include "train/histogram.h"

#define GR_EVENTS_FOLDER "events"
#define GR_EVENTS_FILE "events/events.out.tfevents.gradus" /* TensorBoard looks for "tfevents" */

typedef struct gr_events {
    gr_context *ctx;
    const char *folder; /* of the run */
    int file;           /* -1: none is open */
    bool failed;
    gr__crc32c_table sums;
    gr_event event; /* that is being made, in `making` */
    double moment;  /* its time */
    int64_t step;
    size_t waiting;
    uint8_t making[64 << 10], buffer[128 << 10];
} gr_events;

/* A new file. */
gr_status gr__events_create(gr_context *ctx, const char *folder, gr_events *out);
/* That of a run which goes on after `step`: events of later updates are cut off, and what told its end. What is
 * damaged is cut off too, with a warning, and what is lost or was never written is made again from metrics.jsonl, which
 * was cut back before: numbers, that is, but no histogram or picture. */
gr_status gr__events_continue(gr_context *ctx, const char *folder, int64_t step, gr_events *out);
void gr__events_close(gr_events *e); /* one with file -1 is fine */

/* Values of one step; they may take several records. */
void gr__events_begin(gr_events *e, int64_t step);
void gr__events_scalar(gr_events *e, const char *tag, double x);
void gr__events_histogram(gr_events *e, const char *tag, const gr_histogram *h);
void gr__events_end(gr_events *e);
gr_status gr__events_picture(gr_events *e, int64_t step, const char *tag, int width, int height, const gr__text *png);
/* The recipe's keys but its layers; then, at the end of the run, how it ended. */
gr_status gr__events_session(gr_events *e, const char *name, const gr_tree *recipe);
void gr__events_ended(gr_events *e, int64_t step, bool success);
/* GR_E_WRITE: it could not be written, then or before. */
gr_status gr__events_flush(gr_events *e, bool sync);

#endif
