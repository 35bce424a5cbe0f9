/* Samples that are wrong, or left out: what a source does where one cannot be what it should. Floor 5.
 *
 * A source that comes upon such a sample asks gr__fault_let: where the row is left out, or every fault is noted, it
 * puts something in its place (NaN, or 0 of whole numbers; -1 of classes) and goes on. Otherwise it fails. */
#ifndef GR_DATA_FAULTS_H
#define GR_DATA_FAULTS_H

#include <pthread.h>

#include "base/base.h"

typedef enum gr_fault_kind {
    GR_FAULT_UNDECODABLE, /* cannot be read: no picture, no number, no such file */
    GR_FAULT_NONFINITE,   /* a number that is not finite, or beyond what the run can hold */
    GR_FAULT_SHAPE,       /* other fields or sizes than other samples */
    GR_FAULT_LABEL_RANGE, /* no class */
    GR_FAULT_NO_LABEL,
    GR_FAULT_NO_SAMPLE, /* a class of which there is none */
    GR_FAULT_KINDS
} gr_fault_kind;

typedef struct gr_fault {
    int64_t row;      /* -1: of a file that is no sample */
    const char *file; /* that one */
    uint64_t line;    /* of it, from 1; 0: all of it */
    bool left;        /* it is left out by itself: training does not stop at it */
    const char *text; /* the message; NULL beyond the first of a kind */
    gr_fault_kind kind;
} gr_fault;

enum { GR_FAULT_TEXTS = 20 };
typedef struct gr_faults {
    const uint32_t *out; /* rows that are left out, rising: nothing that is wrong with them matters */
    int64_t n_out;
    bool note; /* every fault is let through and kept below */
    gr_context *ctx;
    gr__bump *memory;
    pthread_mutex_t lock; /* readers come upon faults in threads of their own */
    gr_fault *fault;      /* gr__faults_sort: by rows and kinds, each once */
    size_t n, room;
    int64_t count[GR_FAULT_KINDS];
} gr_faults;

/* All faults are noted; what is kept lives until it is closed. */
gr_status gr__faults_open(gr_context *ctx, gr_faults *out);
void gr__faults_close(gr_faults *f); /* a zeroed one is fine */
/* Whether a row of a source is left out; f may be NULL. */
bool gr__row_is_out(const gr_faults *f, int64_t row);
/* What is wrong with a row is kept as the error of `errors`. True: it is let through, and the error is taken back. */
bool gr__fault_let(gr_faults *f, gr_fault_kind kind, int64_t row, gr_context *errors);
/* What a failure of reading a sample is: GR_E_DATA says that its numbers are none. */
gr_fault_kind gr__fault_of(gr_status st);
/* Notes what is wrong with a file that is no sample: all but row, text why. What it points to is copied. */
gr_status gr__fault_file(gr_faults *f, gr_fault fault);
/* A mark each of n rows that is left out, or that something is wrong with, in tensor memory. *out NULL: there is none.
 */
gr_status gr__faults_mark(gr_context *ctx, const gr_faults *f, int64_t n, uint8_t **out);
void gr__faults_sort(gr_faults *f);

/* ---- a list of rows to leave out ---- */

/* A text: a line a row, the name of its part's source and its number within it from 0, "train 17", and whatever follows
 * for people. Empty lines, and those that begin with #, do not count. */
enum { GR_MOST_LISTS = 4 };
typedef struct gr_exclude {
    const char *path;
    uint32_t *row[GR_MOST_LISTS]; /* of each name: rising, each once */
    int64_t n[GR_MOST_LISTS];
    uint32_t sum; /* of the rows */
} gr_exclude;
/* What it holds lives in b. GR_E_FILE, GR_E_FORMAT with the line. */
gr_status gr__exclude_read(gr_context *ctx, gr__bump *b, const char *path, const char *const *names, int n,
                           gr_exclude *out);
/* Parses the text; what tests and fuzzing call. */
gr_status gr__exclude_parse(gr_context *ctx, gr__bump *b, const char *path, const char *text, size_t bytes,
                            const char *const *names, int n, gr_exclude *out);

#endif
