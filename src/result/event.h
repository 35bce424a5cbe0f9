/* Records of TensorBoard's event files: a frame of TFRecord around a protobuf `Event`, written by hand into a buffer of
 * the caller's. Nothing is allocated. Several values of one step make one record.
 *
 *   length (8 bytes)  masked CRC32C of it (4)  Event (length)  masked CRC32C of that (4)     all least byte first
 *
 *   gr__event_begin(&e, now, step);
 *   gr__event_scalar(&e, "lr", 0.01);
 *   n = gr__event_end(&e);    e.bytes, n of them, go to the file; 0: they did not fit */
#ifndef GR_RESULT_EVENT_H
#define GR_RESULT_EVENT_H

#include <stdbool.h>

#include "base/crc32c.h"

typedef struct gr_event {
    const gr__crc32c_table *sums; /* these are the caller's: */
    uint8_t *bytes;
    size_t room;
    size_t n;
    size_t open[8]; /* where messages that are open begin */
    int depth;
    bool full, empty;
} gr_event;

void gr__event_begin(gr_event *e, double wall_time, int64_t step);
size_t gr__event_end(gr_event *e);

void gr__event_version(gr_event *e); /* what the first record of a file holds, and nothing else */
/* As float32. */
void gr__event_scalar(gr_event *e, const char *tag, double x);
typedef struct gr_event_histogram {
    double low, high, count, sum, squares;
    const double *limit, *in; /* n bins: the high end of each, rising, and how many numbers are in it */
    int n;
} gr_event_histogram;
void gr__event_histogram(gr_event *e, const char *tag, const gr_event_histogram *h);
void gr__event_picture(gr_event *e, const char *tag, int width, int height, const void *png, size_t bytes);

/* The session of the plugin `hparams`: its settings, one after the other, and how it ended. */
void gr__event_session(gr_event *e, const char *group, double started);
void gr__event_setting(gr_event *e, const char *key, const double *number, const char *text); /* number NULL: text */
void gr__event_session_end(gr_event *e);                                                      /* of the first two */
#define GR_EVENT_SESSION_ENDED "_hparams_/session_end_info"
void gr__event_ended(gr_event *e, bool success, double at);

/* ---- reading back ---- */
enum { GR_EVENT_FRAME = 16 }; /* bytes of a record beside its Event */
/* The length of the Event whose frame begins at `head` (12 bytes), or -1: these are no frame. */
int64_t gr__event_length(const gr__crc32c_table *sums, const uint8_t *head);
/* Are these the n bytes of an Event with their sum (4 bytes more)? *step: its step. */
bool gr__event_read(const gr__crc32c_table *sums, const uint8_t *event, size_t n, int64_t *step);

#endif
