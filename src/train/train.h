/* Floor 7: a recipe bound to its data (task), what runs it (engine), evaluation, the loop, the run folder. */
#ifndef GR_TRAIN_TRAIN_H
#define GR_TRAIN_TRAIN_H

#include <signal.h>

#include "base/text.h"
#include "data/data.h"
#include "gradus/trainer.h"
#include "model/meaning.h"
#include "model/network.h"
#include "model/recipe.h"
#include "train/runner.h"

/* ---- a task: data loaded, split, prepared; the network checked against it ---- */
const char *gr__part_name(gr_part p);

typedef struct gr_masked { /* parameters of which a model, or a checkpoint, has masks */
    const char *const *name;
    int n;
} gr_masked;

typedef struct gr_task {
    gr_context *ctx;
    const gr_recipe *recipe;
    const gr_backend *backend;
    gr__bump *memory;
    gr_set set[GR_PARTS];           /* loaded sources, or in an estimate their headers; unused ones are zero */
    const gr_set *set_of[GR_PARTS]; /* the set a part's rows belong to; NULL: the recipe has no such part */
    const gr_set *lead;             /* the first: how it is delivered holds for all */
    gr_rows rows[GR_PARTS];         /* of the sources; in an estimate counts alone */
    gr_rows trained;                /* those of training, balanced; where the recipe does not balance no rows */
    int64_t kept;            /* so many of these, the first, are rows of the source; copies and made ones follow */
    const int64_t *balanced; /* how many there are of each class of head balanced_head; NULL: not balanced */
    int balanced_head;
    int64_t count[GR_PARTS]; /* rows of each part, of training as balanced; known before loading too */
    gr_rows training;        /* what an epoch is made of: the rows of the training part, balanced, so many times as
                                each is wanted (`augment_mode`) */
    gr_rows repeated;        /* that list where it is one of its own */
    const gr_augmentation *changes[GR_MAX_INPUTS]; /* of training samples; NULL: none */
    uint64_t data_bytes;                           /* of tensor memory that loading takes, lists of rows included */
    uint64_t work_bytes;         /* that splitting takes beyond that, before anything else of a run is taken */
    bool weighted;               /* samples of some part have weights; those of others weigh 1 */
    bool lengths[GR_MAX_INPUTS]; /* so have they lengths of this input; of others all steps count */
    gr_buckets buckets;          /* of training batches; none: n is 0 */
    gr_delivery delivery[GR_MAX_INPUTS];
    gr_meaning meaning;
    gr_targets *targets; /* those of `meaning`: of the training rows, or the model's; nothing known in an estimate */
    gr_network *network;
    gr_metrics metrics[GR_MAX_TARGETS]; /* the recipe's, and those that the data adds; one list a head */
    const gr_tree *resolved;            /* the recipe with them */
    bool loaded;
    gr_exclude exclude; /* rows of each source that are left out */
    gr_faults *faults;  /* of each source: those rows and, where the task is lenient, what is wrong */
    bool lenient;       /* faults are noted, and rows that have some are in no part */
    bool unfused; /* set before gr__engine_make: every operation a kernel of its own, the same bits, for looking at each
                   */
    gr_masked masked; /* likewise: training goes on with these masks */
    bool running;     /* likewise: the model is evaluated with running statistics, whatever its view asks for */
    bool scored;      /* likewise: evaluations keep the scores of two classes, so that a threshold can be chosen */
} gr_task;

/* Of a real on the task's backend. */
gr_element gr__task_real(const gr_task *t);
struct gr_model;
/* Loads data and checks it. only: a bit mask of parts wanted (1 << part); without a model the training part is always
 * read, for statistics, class names and columns; with one these come from the model. */
gr_status gr__task_open(gr_context *ctx, const gr_recipe *r, unsigned only, const struct gr_model *model, gr_task *t);
/* The same without a model, and without balancing: what the split gave is all that is asked for. */
gr_status gr__task_open_as_split(gr_context *ctx, const gr_recipe *r, unsigned only, gr_task *t);
/* For looking at data that training would refuse: all parts, whatever single samples are like. What is wrong with them
 * is in t->faults, and they are in no part. Nothing is prepared, and there is no network. */
gr_status gr__task_look(gr_context *ctx, const gr_recipe *r, gr_task *t);
/* Of a task of gr__task_look: whether what is sound of it can be prepared and changed as training would. */
gr_status gr__task_rehearse(gr_task *t);
/* Makes a task of gr__task_look one that can be trained from: samples with faults stay out. */
gr_status gr__task_settle(gr_task *t);
/* How many classes, or values a sample, the training source has for each head, whatever the network gives. */
gr_status gr__task_outputs(gr_context *ctx, const gr_recipe *r, int64_t out[GR_MAX_TARGETS]);
struct gr_origin; /* train/origin.h */
/* For training that starts from a model: its preparation and the numbers of its classes hold. origin NULL: from none.
 */
gr_status gr__task_open_from(gr_context *ctx, const gr_recipe *r, unsigned only, const struct gr_origin *origin,
                             gr_task *t);
/* The same from headers alone: shapes and bytes are right, no sample is read, statistics are placeholders. For plans
 * and budgets. */
gr_status gr__task_estimate(gr_context *ctx, const gr_recipe *r, gr_task *t);
void gr__task_close(gr_task *t);
/* A task on the data of `of`, which is loaded and outlives it, for a recipe of the same inputs and targets: the network
 * is the recipe's, all else borrowed. Rows may be put in the place of those that it has. Return it also after a
 * failure. */
gr_status gr__task_borrow(const gr_task *of, const gr_recipe *r, gr_task *t);
void gr__task_return(gr_task *t);
/* Default metrics that depend on the training data: f1, said in a note, where its classes are unbalanced beyond 3:1. */
gr_status gr__task_metrics(gr_task *t);
/* Once the network is known: targets a step get the lengths of their input, and training its buckets. GR_E_CONFLICT. */
gr_status gr__task_measure(gr_task *t);
/* What training takes its batches from: rows as the recipe balances them. */
static inline const gr_rows *gr__task_trained(const gr_task *t)
{
    return t->balanced ? &t->trained : &t->rows[GR_PART_TRAIN];
}
/* A number for what weights were trained to mean: preparation with its statistics, names of classes and columns. */
uint64_t gr__task_meaning(const gr_task *t);
/* changes.c: what changes training samples, known once a source is; and the list of an epoch, once the rows are. */
gr_status gr__task_changes(gr_task *t);
gr_status gr__task_repeat(gr_task *t);
/* Who gathers the batches of a loader, now that it is known what there is to do. */
void gr__task_workers(const gr_task *t, bool background, gr_loader_options *o);
/* What a loader of this part would be; background only matters to speed. Batches have all steps. */
gr_loader_options gr__task_loader(const gr_task *t, gr_part p, bool background);
/* What training takes its batches from: samples changed, in buckets, where the recipe has some. */
gr_loader_options gr__task_training_loader(const gr_task *t, bool background);
/* How many updates a run is made of. */
typedef struct gr_extent {
    int64_t batches, updates_per_epoch;
    int64_t total; /* updates that `stop` allows; 0: open-ended */
} gr_extent;
gr_extent gr__task_extent(const gr_task *t);
/* What the set that a part's rows belong to holds: counts and checksums of what was loaded, as checkpoints and
 * result.json say it. */
enum { GR_DATA_TEXT = 96 }; /* 64-bit counts included */
gr_status gr__task_data_text(const gr_task *t, gr_part p, char text[GR_DATA_TEXT]);
/* Rows of a batch: the recipe's, or all of the training part. */
int64_t gr__task_batch(const gr_task *t);
int64_t gr__task_evaluation_batch(const gr_task *t);
/* A sample of an input as it is delivered: what the network takes, or what its graph prepares first. */
gr_shape gr__task_sample(const gr_task *t, int input);

/* ---- an engine: store, plans and arena of a task ---- */
enum {
    GR_VARIANT_THEN = 1,
    GR_VARIANT_CURVATURE = 2,
    GR_VARIANT_STAGE = 4
}; /* of plans that update: the second method of a switch; H z is computed; times how much is unfrozen by then */
typedef struct gr_engine_plan {
    gr_plan *plan;
    int64_t batch, steps; /* steps: that its inputs with lengths have; 0: all */
    enum {
        GR_RUN_STEP,
        GR_RUN_ACCUMULATE,
        GR_RUN_APPLY,
        GR_RUN_ACTION,
        GR_RUN_EVALUATE,
        GR_RUN_STATISTICS,
        GR_RUN_INSIDE,
        GR_RUN_MERGE
    } kind;
    int variant; /* STEP, ACCUMULATE, APPLY: flags; ACTION: which; EVALUATE, STATISTICS: the view; MERGE: the view, and
                    times GR_MAX_VIEWS the parameter */
    gr_feeds feeds;
    const double *cost_sum, *weight_sum, *norm, *penalty; /* of a step; penalty NULL: none */
    const double *solves, *unsolved, *evaluations;        /* of fixed points (gr_solved); NULL: it has none */
    struct {
        const void *prediction;
        const double *cost_sum, *weight_sum;
    } head[GR_MAX_TARGETS]; /* of an evaluation */
} gr_engine_plan;

typedef struct gr_engine_bytes { /* tensor memory by class; total is their sum */
    uint64_t parameters, gradients, slots, activations, workspace, data, loader, total;
    uint64_t bookkeeping; /* a bound on the rest, outside total */
} gr_engine_bytes;

/* A threshold chosen by an evaluation: that under which a metric is best. */
typedef struct gr_choice {
    gr_metric_use by;
    gr_threshold best;
    double figure; /* NaN: there is no value, and `best` is 1/2 */
} gr_choice;

typedef struct gr_engine {
    const gr_task *task;
    gr_runner runner;
    gr_store *store;      /* the runner's */
    gr_engine_plan *plan; /* found by (kind, batch, steps, variant); bookkeeping memory */
    size_t n_plans, plans_room;
    gr_update_rules rules;
    const gr_action *action[GR_MAX_ACTIONS]; /* none without training */
    int n_actions;
    gr_view view[GR_MAX_VIEWS]; /* the first stands for the model */
    int n_views;
    gr_engine_bytes bytes;
    gr_metrics metrics[GR_MAX_TARGETS]; /* that evaluations compute, one list a head */
    void *scores; /* of one evaluation, where a metric needs every sample's; counted as workspace */
    uint64_t score_bytes;
    void *counts; /* of one evaluation; workspace too */
    uint64_t count_bytes,
        tally_bytes; /* tally_bytes: of these and what was taken for what, which an evaluation takes */
    bool confusion;  /* evaluations give it */
    const gr_threshold *threshold[GR_MAX_TARGETS]; /* of a head's evaluations; NULL: the most likely class */
    struct gr_inside *inside;          /* train/inside.h; NULL: the recipe asks for neither histograms nor pictures */
    gr_choice *choice[GR_MAX_TARGETS]; /* not NULL: an evaluation chooses one; of two classes, of a scored task */
} gr_engine;

/* Compiles every plan that the run needs (train: steps of full and last short batches, evaluation; otherwise evaluation
 * of `parts` alone) and adds up the bytes. Takes no tensor memory. */
gr_status gr__engine_make(const gr_task *t, bool train, unsigned parts, gr_engine *e);
/* GR_E_BUDGET, naming the largest items, when bytes.total is over the budget. */
gr_status gr__engine_budget(const gr_engine *e, uint64_t budget);
gr_status gr__engine_start(gr_engine *e); /* takes the memory, binds the plans */
void gr__engine_close(gr_engine *e);
const char *gr__engine_plan_name(const gr_engine *e, const gr_engine_plan *p); /* "step", "evaluate", an action's */
/* Where training samples come from that are looked at from inside. */
gr_loader_options gr__engine_inside_loader(const gr_engine *e);
gr_engine_plan *gr__engine_find(gr_engine *e, int kind, int64_t batch, int64_t steps, int variant);
/* Sets which metrics its evaluations compute: those of a run, or those of `eval`, which tells more. */
gr_status gr__engine_metrics(gr_engine *e, bool train);
/* What counting an evaluation takes, into `score_bytes` and `tally_bytes`; the square of the classes in numbers only
 * where a person looks at it. */
enum { GR_MOST_CONFUSED = 1000 };
void gr__engine_count_tally(gr_engine *e, bool train, unsigned parts);
/* What an evaluation counts of a head, but for scores; where steps count by lengths, each as a sample. */
gr_tally_spec gr__engine_tally(const gr_engine *e, int head);
bool gr__engine_scores(const gr_engine *e, int head);          /* its evaluations keep every sample's scores */
int64_t gr__engine_steps(const gr_engine *e, int head);        /* so many of a sample at most; 1 elsewhere */
int gr__engine_variant(const gr_recipe *r, const gr_clock *c); /* of the update that follows c->step updates */
int64_t gr__engine_stage(const gr_task *t, int variant);       /* after how many updates what it has unfrozen begins */
/* What its learning rate depends on, and the rate. state: what the schedule keeps, NULL: as at the start. */
gr_rate gr__engine_moment(const gr_recipe *r, const gr_clock *c, const double *state);
double gr__engine_rate(const gr_recipe *r, const gr_clock *c, const double *state);

/* ---- evaluation ---- */
/* The mean cost of samples that weigh nothing together is their sum, 0. */
static inline double gr__cost_mean(double cost_sum, double weight_sum)
{
    return weight_sum == 0 ? cost_sum : cost_sum / weight_sum;
}

typedef struct gr_head_evaluation {
    double cost_sum, cost_mean, error;
    double square_deviation, square_about; /* gr__tally_square_...; NaN where the error is a share */
    double metric[GR_MAX_METRICS];         /* one of each of the engine's; NaN: without a value */
    int classes;                           /* classes, or labels */
    int64_t *confusion; /* of classes: classes x classes [true][predicted]; where the engine gives it; tensor memory */
    /* Where the engine gives confusions, of classes and labels; until its next evaluation: */
    const gr_hits *hits; /* one a class or label */
    int64_t decisions;
    int64_t majority;                /* CLASS: what is most frequent in training */
    double baseline[GR_MAX_METRICS]; /* CLASS: what answering that always is worth; NaN: not known from counts */
} gr_head_evaluation;

typedef struct gr_evaluation {
    const gr_recipe *recipe;   /* whose heads these are */
    const gr_metrics *metrics; /* one list a head, the engine's: what head[h].metric are */
    int64_t samples;
    bool finite; /* every output, the costs and the errors are; if not, all figures are NaN and there is no confusion */
    int64_t nonfinite, outputs; /* so many numbers of predictions are not, of all */
    int64_t solves, unsolved;   /* samples of fixed points, and those of them that were not done in time */
    bool beyond_file;           /* not finite because a file of the model would hold infinite weights */
    double cost_mean;           /* of the network: the heads' means by their weights */
    double error;               /* of a lone head; several have no common one: NaN */
    int n_heads;
    gr_head_evaluation head[GR_MAX_TARGETS];
} gr_evaluation;
/* Evaluates one part with the store's present values, in one of the engine's views. No effect on training. stop (may be
 * NULL): GR_E_INTERRUPTED when it becomes non-zero. */
gr_status gr__evaluate(gr_engine *e, int view, gr_loader *loader, gr_part part, const volatile sig_atomic_t *stop,
                       gr_evaluation *out);
void gr__evaluation_free(gr_context *ctx, gr_evaluation *ev);
/* Takes the figures back: a file of this model would hold infinite weights. */
void gr__evaluation_void(gr_context *ctx, gr_evaluation *ev);
/* The figure that something goes by; NaN where it has none, or is not finite. Whether less of it is better. */
double gr__evaluation_figure(const gr_evaluation *ev, const gr_best_by *by);
bool gr__figure_lower(const gr_recipe *r, const gr_best_by *by);
/* Warns where an evaluation is not finite; `of` says which one it is. */
void gr__evaluation_warn(gr_context *ctx, const char *of, const gr_evaluation *ev);

/* ---- host state that a checkpoint carries: one row a variable ---- */
typedef enum gr_state_kind { GR_STATE_I64, GR_STATE_REAL } gr_state_kind;
typedef struct gr_state_row {
    const char *name;
    gr_state_kind kind;
    void *at;
} gr_state_row;

/* ---- training; what it tells and finds is in gradus/trainer.h ---- */
const char *gr__reason_name(gr_reason r);

typedef struct gr_train_options {
    const char *out;  /* the run folder */
    const char *from; /* a model to start from, or NULL */
    bool force;       /* from a model of other classes or preparation: the recipe's and the data's are taken */
    bool resume, overwrite;
    bool train_error;                  /* evaluations judge the training samples too, as for stop.train_error_below */
    const char *const *may_differ;     /* NULL-ended: keys of the recipe that a resumed run may change; NULL: none */
    const volatile sig_atomic_t *stop; /* may be NULL; non-zero asks for a checkpoint and the end */
    void (*attend)(void); /* may be NULL; called when all data is there and `stop` is looked at from now on: until then
                             nothing is to be saved, and reading may wait for ever */
    const gr_watcher *watcher;
    int n_watchers;
} gr_train_options;

/* Trains or resumes. GR_OK; GR_E_DIVERGED and GR_E_INTERRUPTED after everything was written; else nothing of a new run
 * is left behind. */
gr_status gr__train(gr_context *ctx, const gr_recipe *r, const gr_train_options *o, gr_train_result *out);
/* The same in steps: open, with the data loaded and the plans made; run, once; close. Options and what they point to
 * stay until then. */
typedef struct gr_training gr_training;
gr_status gr__training_open(gr_context *ctx, const gr_recipe *r, const gr_train_options *o, gr_training **out);
gr_status gr__training_run(gr_training *t, gr_train_result *out);
void gr__training_close(gr_training *t); /* NULL is fine */
/* The present weights as a model file, in a view of the engine; once the run has begun. */
gr_status gr__training_save(gr_training *t, const char *path);
/* Of the present weights, after the run, on the validation part. GR_E_USAGE: there is none. */
gr_status gr__training_evaluate(gr_training *t, gr_evaluation *out);

/* ---- prediction ---- */
/* Tensor memory of predicting one sample, as a predictor of batch 1 takes it with the context's threads: to the byte,
 * before anything is trained. */
typedef struct gr_serving_bytes {
    uint64_t parameters, activations, workspace; /* parameters: with statistics that the model keeps */
    uint64_t total;
} gr_serving_bytes;
gr_status gr__serving_bytes(const gr_task *t, gr_serving_bytes *out);
/* GR_E_BUDGET where the recipe's limit is below that. *out may be NULL. */
gr_status gr__serving_check(const gr_task *t, gr_serving_bytes *out);
typedef struct gr_predictor gr_predictor;
/* Ready to predict from raw samples of sets like this one; threads and budget are the context's. */
gr_status gr__predictor_make(gr_context *ctx, const struct gr_model *m, const gr_set *like, int64_t batch,
                             gr_predictor **out);
/* The same of what `change` makes of its graph: with further outputs, or another one in its place. */
typedef gr_status gr_graph_changer(void *user, gr_graph **g);
gr_status gr__predictor_make_changed(gr_context *ctx, const struct gr_model *m, const gr_set *like, int64_t batch,
                                     gr_graph_changer *change, void *user, gr_predictor **out);
/* An output that was added, as the backend has it, until the next call. */
const void *gr__predictor_value(const gr_predictor *p, const char *name, gr_shape *shape);
void gr__predictor_destroy(gr_predictor *p);
/* Runs samples first .. first + n of a set of those types (n <= batch); values[h] has n x width numbers of head h,
 * valid until the next call: probabilities, or the values. */
gr_status gr__predictor_run(gr_predictor *p, const gr_set *set, int64_t first, int64_t n,
                            const double *values[GR_MAX_TARGETS]);
int64_t gr__predictor_width(const gr_predictor *p, int head);
/* How many of these numbers count, the first ones, of a row of the set: those of steps within its length. */
int64_t gr__predictor_counts(const gr_predictor *p, int head, const gr_set *set, int64_t row);

#endif
