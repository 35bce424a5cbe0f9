/* The parts of a report. Each writes what it has to say into the document, and what it cannot. */
#ifndef GR_STUDY_REPORT_PARTS_H
#define GR_STUDY_REPORT_PARTS_H

#include "study/report/report.h"

/* What cannot be shown, in the document and in the list of such. why NULL: there is no memory. */
void gr__report_miss(gr_report *r, const char *what, const char *why);
/* An error that only hides a part of the report is told there, and the rest goes on: GR_OK; no memory and
 * interruption are not such. */
gr_status gr__report_survive(gr_report *r, const char *what, gr_status st);
void gr__report_watch(const gr_report *r, const char *what, double share);

/* summary.c */
void gr__report_verdict(gr_report *r, const gr_read_run *run, bool lead); /* how it went, in a sentence or two */
void gr__report_terms(gr_report *r, const gr_read_run *run);              /* the figures of result.json, exactly */
/* Simple models kept in the run folder, where there are some of its data. */
gr_status gr__report_baselines(gr_report *r, const gr_read_run *run);
void gr__report_results(gr_report *r); /* all runs, a row each */
void gr__report_environment(gr_report *r, const gr_read_run *run);

/* recipes.c */
gr_status gr__report_differences(gr_report *r);
gr_status gr__report_recipe(gr_report *r, const gr_read_run *run);

/* findings.c: what `check` and `diagnose` have found, where it was kept. */
gr_status gr__report_findings(gr_report *r, const gr_read_run *run);

/* judged.c: the best model on its validation part. whole: its mistakes and its inside too. */
gr_status gr__report_judged(gr_report *r, gr_read_run *run, bool whole);
/* confusion.c */
void gr__report_metrics(gr_report *r, const gr_read_run *run, const gr_engine *e, const gr_evaluation *ev);
void gr__report_confusion(gr_report *r, const gr_read_run *run, const gr_evaluation *ev);
/* within.c: activations, weights, filters. recipe: the model's, with its data. */
gr_status gr__report_within(gr_report *r, const gr_read_run *run, const gr_recipe *recipe);

/* machine.c: memory over the step, kernels by time, and what the data is. */
gr_status gr__report_machine(gr_report *r, const gr_read_run *run);

#endif
