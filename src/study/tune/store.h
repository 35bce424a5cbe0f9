/* A study's file: an SQLite database that several processes may share and that outlives any of them.
 *
 *     trials(trial, state, seed, steps, metric)   settings(trial, key, value)   reports(trial, step, value)
 *     course(trial, rung, why)                    study(key, value)
 *
 * Beside it lies FILE-claims, empty: whoever trains a trial holds a lock on its byte there. The kernel gives the lock
 * back however its holder ends, on whatever machine, so no clock and no process number says who is alive: a trial that
 * is `running` and whose byte is free was cut off, and is taken up by whoever finds it. */
#ifndef GR_STUDY_TUNE_STORE_H
#define GR_STUDY_TUNE_STORE_H

#include "study/tune/tuner.h"

typedef struct gr_study gr_study;

typedef struct gr_fact { /* of what a study is: its recipe, its spaces, ... */
    const char *key, *value;
} gr_fact;

typedef struct gr_reported {
    int64_t trial, step;
    double value; /* NaN: it was not finite */
} gr_reported;

extern const char *const gr__trial_words[]; /* by state, NULL-ended */

/* Opens a study, or makes one of these facts. GR_E_FORMAT: it is no study, or damaged. Its facts may be others: */
gr_status gr__study_open(gr_context *ctx, const char *path, const gr_fact *facts, int n, gr_study **out);
/* One that is there, to be read alone. */
gr_status gr__study_read(gr_context *ctx, const char *path, gr_study **out);
void gr__study_close(gr_study *s); /* NULL is fine; claims end */
/* Whether the file begins as a database does. */
bool gr__study_is_one(const char *path);
/* In the study's memory; NULL: it has none. */
const char *gr__study_fact(gr_study *s, const char *key);

/* Between these nobody else writes. After a failure nothing of it has happened: call `end` with false. */
gr_status gr__study_begin(gr_study *s);
gr_status gr__study_end(gr_study *s, bool keep);

/* All trials, by number, from 0 without a gap; in b. GR_E_FORMAT where they are not those of such spaces. */
gr_status gr__study_trials(gr_study *s, const gr_spaces *spaces, gr__bump *b, gr_trial **out, int *n);
gr_status gr__study_add(gr_study *s, const gr_spaces *spaces, const gr_trial *t);
gr_status gr__study_put(gr_study *s, const gr_trial *t); /* its state, steps, metric, rung and why */
gr_status gr__study_report(gr_study *s, int64_t trial, int64_t step, double value);
/* Those of one trial (-1: of all), by trial and step; in b. */
gr_status gr__study_reports(gr_study *s, int64_t trial, gr__bump *b, gr_reported **out, int *n);

/* Takes the trial's byte; *mine false: somebody has it. */
gr_status gr__study_claim(gr_study *s, int64_t trial, bool *mine);
void gr__study_release(gr_study *s, int64_t trial);

#endif
