/* The chapter's procedures of training, each a recipe and what is done with it, phase by phase. [4.5.2, 4.5.4; mission
 * H7, H11, T13; algorithms 2.7, 2.8, 7] */
#ifndef GR_STUDY_PROCEDURE_H
#define GR_STUDY_PROCEDURE_H

#include "base/watch.h"
#include "train/train.h"

#define GR_PROCEDURE_FILE "procedure.jsonl" /* in the run folder: a line a phase */

typedef enum gr_procedure {
    GR_PROCEDURE_NEW,         /* small batch, rate from the grid, a tenth of it whenever both errors are flat */
    GR_PROCEDURE_ESTABLISHED, /* batch by the noise scale, warm-up, polynomial decay, cycles at the end */
    GR_PROCEDURE_OVERFIT      /* without regularisation down to a training error, then with a penalty */
} gr_procedure;
extern const char *const gr__procedure_words[]; /* "new_topology", ...; NULL-ended */

/* ---- phases, as the file has them ---- */
typedef struct gr_phase_line {
    char procedure[32], phase[16], trigger[200], schedule[24];
    int64_t step; /* updates done when it begins */
    double lr;
    int64_t batch;
    double train_error, validation_error; /* at that update; NaN: not known */
    double noise_scale, target, l2;       /* NaN: none of its */
    int64_t since_best, epochs;           /* where the penalty begins: evaluations after the best one, and how many
                                             epochs are done or begun; since_best -1: none */
    int64_t updates;                      /* of the cycles that end a new topology's training; 0: none of its */
} gr_phase_line;

enum { GR_MOST_PHASES = 256 };
typedef struct gr_phases {
    gr_phase_line line[GR_MOST_PHASES];
    int n;
} gr_phases;
/* n 0: there is no file. GR_E_FORMAT, with the line. */
gr_status gr__phases_read(gr_context *ctx, const char *folder, gr_phases *out);
/* The file, replaced as a whole. */
gr_status gr__phases_write(gr_context *ctx, const char *folder, const gr_phases *p);

/* ---- training ---- */
typedef struct gr_procedure_options {
    gr_train_options train; /* with the watchers of whoever trains */
    int64_t patience;       /* NEW: evaluations that are flat before the rate drops; 0: 10 */
    double cyclic_end;      /* NEW: the part of all updates that cycles are trained for at the end; 0: none */
    double train_error;     /* OVERFIT: below which the penalty begins; 0: 0.01 of classes and labels */
    const gr_watch *watch;  /* of what is tried before the first update */
} gr_procedure_options;

/* As gr__train. A run that is resumed takes what was found before from the file, and goes on to the same bits and the
 * same lines. GR_E_CHECK: no rate of the grid trains; OVERFIT: the training error never fell so far. */
gr_status gr__procedure_train(gr_context *ctx, const gr_recipe *r, gr_procedure p, const gr_procedure_options *o,
                              gr_train_result *out);

#endif
