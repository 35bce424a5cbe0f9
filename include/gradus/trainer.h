/* Training from a recipe: what the command `train` does, with callbacks.
 *
 *     gr_trainer *t;
 *     gr_train_result found;
 *     if (gr_trainer_create(recipe, NULL, &(gr_trainer_options){.version = GR_TRAINER_VERSION, .out = "run"}, &t) !=
 * GR_OK) return 1; gr_status st = gr_trainer_run(t, &found);
 *
 * Everything goes into the run folder, as docs/recipes.md has it: models, checkpoints, metrics.jsonl, result.json. The
 * run has the bits that the command's run of the same recipe has. Nothing is printed; warnings go to the context's log.
 */
#ifndef GRADUS_TRAINER_H
#define GRADUS_TRAINER_H

#include <signal.h>

#include "gradus/data.h"
#include "gradus/evaluation.h"
#include "gradus/model.h"
#include "gradus/recipe.h"

#ifdef __cplusplus
extern "C" {
#endif

/* ---- what a run tells ---- */

typedef enum gr_reason {
    GR_REASON_NONE,
    GR_REASON_EPOCHS,
    GR_REASON_STEPS,
    GR_REASON_PATIENCE,
    GR_REASON_TARGET,
    GR_REASON_SECONDS,
    GR_REASON_ASKED, /* by a watcher */
    GR_REASON_INTERRUPTED,
    GR_REASON_DIVERGED
} gr_reason;
GR_API const char *gr_reason_name(gr_reason r); /* as result.json has it */

typedef enum gr_progress_phase {
    GR_PHASE_TRAIN,      /* an update is done */
    GR_PHASE_STATISTICS, /* a batch of a pass for statistics, or of an evaluation, is to come */
    GR_PHASE_VALIDATE,
    GR_PHASE_EVALUATED,
    GR_PHASE_EPOCH,          /* an epoch has ended without an evaluation */
    GR_PHASE_SETTLED,        /* all that was due after an update is done; it counts for the stop rules now */
    GR_PHASE_CHECKPOINT_DUE, /* one is about to be written */
    GR_PHASE_CHECKPOINT,
    GR_PHASE_RESUMED,
    GR_PHASE_DONE
} gr_progress_phase;

/* How far a run is. Valid while whoever is told of it runs. */
typedef struct gr_progress {
    gr_progress_phase phase;
    int64_t step, steps; /* updates done, and those that the recipe allows; steps 0: unknown */
    double epoch, epochs;
    double cost;       /* mean over the samples since the last evaluation; where nothing is validated, in this epoch */
    double train_cost; /* of the last update's batch, before it, as metrics.jsonl has it */
    double lr;
    double samples_per_second, seconds, seconds_left; /* NaN: unknown */
    double validation_cost, validation_error; /* of the last evaluation; several heads have no common error: NaN */
    double train_error;                       /* at the last evaluation, of a run that judges it; else NaN */
    int n_heads;                              /* EVALUATED: of which each has a name; 0: none has */
    const char *const *head;                  /* their names, and their errors */
    const double *head_error;
    const gr_evaluation *evaluation; /* EVALUATED, SETTLED where one was due: of the model; or NULL */
    bool best;                       /* EVALUATED: it is the best model so far */
    const char *path;                /* CHECKPOINT, RESUMED */
} gr_progress;

/* Who is told of a run. The trainer's own records and stop rules are watchers too, told before all others, and so is
 * the command's progress. A function that is NULL is not called. Each gives GR_OK to go on, and may set *stop (it is
 * false) to ask for the end of the run once what is due is done. Another status ends the run as failed, with its error
 * where the context holds one. */
enum { GR_WATCHER_VERSION = 1 };
typedef struct gr_watcher {
    unsigned version; /* GR_WATCHER_VERSION */
    void *user;
    gr_status (*after_update)(void *user, const gr_progress *p, bool *stop);      /* SETTLED */
    gr_status (*after_evaluation)(void *user, const gr_progress *p, bool *stop);  /* EVALUATED */
    gr_status (*before_checkpoint)(void *user, const gr_progress *p, bool *stop); /* CHECKPOINT_DUE */
    /* Of everything, for progress: before every batch of a pass too, so be quick. */
    gr_status (*tell)(void *user, const gr_progress *p, bool *stop);
} gr_watcher;

/* ---- a run ---- */

typedef struct gr_trainer gr_trainer;

/* Data of the program, which stays until the trainer is destroyed; NULL: the recipe's own source, or none. */
typedef struct gr_trainer_data {
    const gr_data *train, *validation, *test;
} gr_trainer_data;

enum { GR_TRAINER_VERSION = 1 };
typedef struct gr_trainer_options {
    unsigned version;          /* GR_TRAINER_VERSION */
    const char *out;           /* the run folder; NULL: runs/NAME, as the command has it */
    const char *from;          /* a model whose weights it starts from; NULL: new ones */
    bool force;                /* from a model of other classes or preparation: the recipe's and the data's are taken */
    bool resume;               /* the folder's run goes on, to the bits that it would have had; none there: it begins */
    bool overwrite;            /* a run that is there is removed */
    const gr_watcher *watcher; /* in the order in which they are told; copied, not what `user` points to */
    int n_watchers;
    const volatile sig_atomic_t *stop; /* NULL, or what a signal's handler sets: the run writes a checkpoint and ends */
} gr_trainer_options;

typedef struct gr_train_result {
    gr_reason reason;
    int64_t steps;
    double epochs;
    int64_t parameters;
    int64_t best_step;            /* 0: none */
    double best_cost, best_error; /* of validation; NaN without */
    int64_t since_best;           /* evaluations after it */
    int64_t patience_step;        /* where patience would have ended a run that trained longer; 0: it is none */
    int64_t patience_best_step;   /* what was best then */
    double patience_best_error;
    bool best_averaged;                 /* the best weights are the average */
    int64_t averaged;                   /* how many weights the average holds; 0: none */
    double average_cost, average_error; /* of the average's last validation; NaN: none */
    double final_train_cost;            /* mean over the samples since the last evaluation (or epoch), or before it */
    double final_cost, final_error;
    uint64_t planned_bytes, peak_bytes;
    double seconds;
    char diverged[256]; /* "step 12: log in cross_entropy \"cost\"", "step 12: the evaluation"; "": it has not */
} gr_train_result;

/* Loads and prepares the data, compiles the run's plans and counts their bytes. data NULL: all is the recipe's. What
 * may be wrong with recipe and data is told here: GR_E_DATA, GR_E_FILE, GR_E_CONFLICT, GR_E_SHAPE; GR_E_EXISTS: the
 * folder holds a run, GR_E_BUSY: another process trains there; GR_E_BUDGET: the run takes more than the recipe's
 * `memory`. The recipe stays until the trainer is destroyed, in whose context it was made. */
GR_API GR_CHECKED gr_status gr_trainer_create(const gr_recipe *r, const gr_trainer_data *data,
                                              const gr_trainer_options *options, gr_trainer **out);
/* Trains, once. GR_OK: a stop rule or a watcher ended it; GR_E_DIVERGED, GR_E_INTERRUPTED: likewise everything is
 * written, and *out is filled. Else nothing of a new run is left. GR_E_BUDGET: the context's budget. */
GR_API GR_CHECKED gr_status gr_trainer_run(gr_trainer *t, gr_train_result *out);
/* Writes the present weights as a model; after the run, or from a watcher. */
GR_API GR_CHECKED gr_status gr_trainer_save(gr_trainer *t, const char *path);
/* Evaluates the present weights on the validation part, after the run. gr_evaluation_destroy, before the trainer.
 * GR_E_USAGE: there is none, or the run goes on. The test part is for a model that was saved (gr_model_evaluate_part).
 */
GR_API GR_CHECKED gr_status gr_trainer_evaluate(gr_trainer *t, gr_evaluation **out);
/* The recipe as it is trained: with the data's sources in it. As long as the trainer. */
GR_API const gr_recipe *gr_trainer_recipe(const gr_trainer *t);
GR_API const char *gr_trainer_folder(const gr_trainer *t);
GR_API void gr_trainer_destroy(gr_trainer *t); /* NULL is fine. Before its recipe, data and context */

#ifdef __cplusplus
}
#endif
#endif
