/* Runs read again from their folders, whatever state these are in: killed, diverged, of another version, their data
 * gone. */
#ifndef GR_STUDY_REPORT_RUNS_H
#define GR_STUDY_REPORT_RUNS_H

#include <jansson.h>

#include "model/model.h"
#include "train/history.h"

enum { GR_RUNS_MOST = 64 };

typedef struct gr_read_run {
    const char *folder, *label; /* label: the last part of the path, or all of it where two would be called alike */
    gr_history history;
    json_t *result;    /* of result.json; NULL: there is none that can be read */
    gr_recipe *recipe; /* of recipe.yaml; NULL: likewise */
    char *recipe_text; /* as it stands there; NULL: there is none */
    size_t recipe_bytes;
    gr_model best;                               /* of best.safetensors; recipe NULL: likewise */
    const char *no_result, *no_recipe, *no_best; /* why */
} gr_read_run;

/* What several runs are called; memory b. labels: fit for a terminal. */
gr_status gr__runs_label(gr_context *ctx, gr__bump *b, const char *const *folders, int n, const char **label);
/* Metrics alone; GR_E_FILE, GR_E_FORMAT as gr__history_read. A last line that was cut is warned of. */
gr_status gr__runs_history(gr_context *ctx, const char *folder, gr_history *out);
/* A run with all that is there: only metrics must be. */
gr_status gr__run_read(gr_context *ctx, gr__bump *b, const char *folder, const char *label, gr_read_run *out);
void gr__run_forget(gr_context *ctx, gr_read_run *r); /* a zeroed one is fine */

/* The kept error in words, "FILE:3:4: key: message; hint"; it is cleared. GR_E_MEMORY stays: NULL. */
const char *gr__report_why(gr_context *ctx, gr__bump *b);
/* A JSON object in the run folder. NULL: *why says so (NULL: there is no such file). */
json_t *gr__run_json(gr_context *ctx, gr__bump *b, const char *folder, const char *name, const char **why);
/* result.json at "best/step"; NaN, NULL: nothing there of that kind. */
double gr__run_number(const gr_read_run *r, const char *path);
const char *gr__run_text(const gr_read_run *r, const char *path);
const json_t *gr__run_at(const gr_read_run *r, const char *path);

#endif
