/* A study as a document: how the search went, what mattered, and its trials, as plots and a table. */
#ifndef GR_STUDY_TUNE_PAGE_H
#define GR_STUDY_TUNE_PAGE_H

#include "result/document.h"
#include "study/tune/request.h"

typedef struct gr_study_page {
    gr_document document;
    gr_recalled study;
    int trials;
} gr_study_page;

/* As gr__tune_recall. Close it also after a failure. */
gr_status gr__study_page_make(gr_context *ctx, const char *path, gr_study_page *out);
void gr__study_page_close(gr_study_page *p);

#endif
