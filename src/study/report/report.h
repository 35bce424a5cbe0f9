/* A report: what a run has done, or several side by side, as one document.
 *
 * Figures are those of result.json and metrics.jsonl; what needs the model and its validation data is computed again.
 * The test part is never looked at. What cannot be shown is said, with why, and the rest is shown. */
#ifndef GR_STUDY_REPORT_REPORT_H
#define GR_STUDY_REPORT_REPORT_H

#include "result/document.h"
#include "study/check/check.h"
#include "study/report/runs.h"

enum { GR_REPORT_RUNS = 16 };

typedef struct gr_report_options {
    int threads;                       /* 0: as many as the first run had */
    const volatile sig_atomic_t *stop; /* may be NULL; GR_E_INTERRUPTED when it becomes non-zero */
    const gr_watch *watch;             /* may be NULL */
} gr_report_options;

typedef struct gr_report { /* stays where it was made */
    gr_context *ctx;
    gr__bump *memory;
    const gr_report_options *options;
    gr_read_run run[GR_REPORT_RUNS];
    int n_runs;
    gr_document document;
    gr_sheet sheet[2];    /* that the document shows: mistakes, filters */
    const char **missing; /* what could not be shown, in words */
    int n_missing;
} gr_report;

/* GR_E_FILE, GR_E_FORMAT: a folder is no run. */
gr_status gr__report_make(gr_context *ctx, const char *const *folders, int n, const gr_report_options *o,
                          gr_report *out);
void gr__report_close(gr_report *r); /* a zeroed one is fine */

#endif
