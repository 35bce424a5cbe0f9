/* Looks at test data: a line each in a file of the model's run folder, whose result.json has their number; of a model
 * or recipe that is in none, a list in a file of its own beside it. They are counted so that whoever chooses by the
 * test data is told; nothing keeps anybody from removing the file. */
#ifndef GR_TRAIN_LOOKS_H
#define GR_TRAIN_LOOKS_H

#include "base/base.h"

#define GR_LOOKS_FILE "test-looks.jsonl" /* of a run folder */
#define GR_LOOKS_BESIDE ".looks.json"    /* elsewhere: MODEL.looks.json, {"evaluations": n, "looks": [...]} */

typedef struct gr_looks {
    int64_t n;      /* so far */
    bool run;       /* of the models of a run; else of the one file */
    char last[120]; /* "eval, 2026-03-01T12:00:00Z"; "" where nothing says */
} gr_looks;

typedef struct gr_look {
    const char *command, *file; /* what looked, with which model or recipe */
    const char *data;           /* what it saw, as gr__task_data_text; NULL: not said */
    bool once;                  /* refuse a second one */
    bool again;                 /* and yet look; recorded */
} gr_look;

/* Those at the test data with the models of the file's run, or with the file. What cannot be read counts as none. */
gr_status gr__looks_read(gr_context *ctx, const char *file, gr_looks *out);
/* Adds one, before what was seen is told. `out` are those before it. GR_E_CHECK where `once` refuses it, though two
 * processes ask at a time. Where nothing can be written: a warning. */
gr_status gr__looks_add(gr_context *ctx, const gr_look *look, gr_looks *out);
/* GR_E_CHECK where `once` refuses a second look; else a warning of earlier ones. */
gr_status gr__looks_judge(gr_context *ctx, const gr_look *look, const gr_looks *before);

#endif
