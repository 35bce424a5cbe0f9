/* The training loop's own state, shared by the files that advance, record and keep it. */
#ifndef GR_TRAIN_LOOP_H
#define GR_TRAIN_LOOP_H

#include "train/histogram.h"
#include "train/run.h"
#include "train/stepper.h"
#include "train/train.h"

/* What was loaded of a part, as a checkpoint remembers it: a run never goes on with other data unnoticed. */
typedef struct gr_data_sum {
    int64_t samples;
    uint32_t inputs, targets, names; /* CRC32 of what was loaded, whatever the file's date or compression */
} gr_data_sum;

typedef struct gr_loop {
    gr_context *ctx;
    const gr_recipe *recipe;
    const gr_train_options *options;
    gr_task *task;
    gr_engine *engine;
    gr_run *run;
    gr_loader *loader, *validation; /* validation NULL without such a part */
    gr_loader *training;            /* some training samples as they are; NULL: their error is not judged */
    gr_rows some;                   /* those */
    gr_stepper stepper;
    int64_t batches, updates_per_epoch, total; /* total 0: open-ended */
    double began;                              /* monotonic seconds when this process began to train */
    gr_loader *inside;                         /* samples looked at from inside; NULL: the recipe wants none */
    gr_histogram *histogram;                   /* the one at hand, with that */
    gr_watcher own[3];
    gr_status told;
    gr_reason reason;           /* to end; NONE: to go on */
    bool spoilt;                /* an update failed when some of it was done: the weights are those of no update */
    double line_began;          /* when the last line of metrics was written, in seconds of the run */
    gr_data_sum data[GR_PARTS]; /* of the parts that were loaded; others have no samples */

    /* From here to the end: host state that a checkpoint carries. Each field is registered by its owner
     * (gr__loop_states); tests/train/test_state.c fails for one that is not. */
    int64_t step, samples; /* updates and samples done */
    int64_t epoch, index;  /* the next batch */
    int64_t line_samples;  /* samples done at the last line of metrics */
    int64_t pending;       /* the last update's line, and its evaluation where due, are still to come */
    int64_t evaluated;     /* step of the last evaluation */
    int64_t evaluations, since_best, best_step;
    struct {
        int64_t step, since; /* of its best evaluation, 0: none; evaluations after it */
        double figure, cost; /* of that */
    } watched;               /* what `stop.monitor` says */
    struct {
        int64_t step, best_step; /* 0: it is not over yet */
        double cost, error, best_cost, best_error;
    } patience;         /* how things stood when it was over, of a run that goes on by `stop.train_longer` */
    double best_figure; /* of what `best_by` says, turned so that lower is better */
    double best_cost, best_error, validation_cost, validation_error;
    double train_cost, data_cost, lr, norm; /* of the last update; train_cost with the penalty */
    double average_cost, average_error;     /* of the average's last validation */
    double train_error;                     /* of the last evaluation, of some training samples; NaN: not judged */
    int64_t average_held;                   /* how many weights it held then; 0: it was never validated */
    int64_t measured[GR_MAX_VIEWS];         /* of each view: which weights its statistics were taken of */
    int64_t best_view;                      /* whose weights are best: an index of the engine's views */
    double seconds_before;                  /* of earlier processes of this run */
    int64_t metrics_bytes;
    struct {
        double train_cost;       /* sum over the samples since the last evaluation, or epoch where there is none */
        int64_t samples, enough; /* enough: a schedule has seen that nothing more is to be gained */
    } observed;
    struct {
        int64_t solves, unsolved, evaluations; /* of the last update's fixed points */
        int64_t all;                           /* unsolved ones of all updates */
    } solved;
    double train_cost_mean; /* over the samples before the last evaluation, or epoch */
    struct {
        double train_cost; /* sum over the samples since the last line of progress: an epoch's or an evaluation's */
        int64_t samples;
    } shown;
    double schedule[GR_SCHEDULE_STATE];
} gr_loop;

double gr__loop_seconds(const gr_loop *l);         /* wall-clock time of the run so far */
double gr__loop_train_cost_mean(const gr_loop *l); /* since the last evaluation (or epoch), or before it */

bool gr__loop_due(const gr_loop *l, gr_every e); /* after this update */

/* ---- host state: what each file keeps from update to update is registered there ---- */
enum { GR_LOOP_ROWS = 64 };
typedef struct gr_states {
    gr_state_row row[GR_LOOP_ROWS];
    int n;
} gr_states;
void gr__states_add(gr_states *s, const gr_state_row *rows, int n);
void gr__loop_states(gr_loop *l, gr_states *s); /* all of them */
void gr__record_states(gr_loop *l, gr_states *s);
void gr__validate_states(gr_loop *l, gr_states *s);

/* Epochs done after `step` updates, as every file and the progress line say it: batches count, not updates. */
double gr__loop_epochs(const gr_loop *l, int64_t step);

/* watch.c: events, as whoever trains is told them. What a watcher returns as an error stands in l->told, what ends the
 * run in l->reason. */
void gr__loop_watch(gr_loop *l); /* sets up the run's own */
void gr__loop_report(gr_loop *l, int phase, bool best, const char *path);
void gr__loop_report_settled(gr_loop *l, const gr_evaluation *ev); /* ev: of the model, where one was due; or NULL */
void gr__loop_report_evaluated(gr_loop *l, bool best, const gr_evaluation *ev); /* of the model */
/* validate.c */
int64_t gr__loop_held(const gr_loop *l,
                      int view); /* how many weights the view holds so far: 0, it cannot be evaluated */
/* Running statistics of the weights that the view holds, from one pass over the training data in the order of the first
 * epoch; nothing where they are known already, or there are none. GR_E_INTERRUPTED when the run is asked to stop: the
 * next call starts over. */
gr_status gr__loop_measure(gr_loop *l, int view);
/* The loader of the samples whose error is the training's, where it is judged. */
gr_status gr__loop_judge_open(gr_loop *l);
bool gr__loop_judges(const gr_recipe *r, const gr_train_options *o);
/* Their error, of the model; nothing where it is not judged. */
gr_status gr__loop_judge(gr_loop *l);
/* Evaluates every view; ev receives the model's figures. Keeps the best model. */
gr_status gr__loop_validate(gr_loop *l, gr_evaluation *ev);
/* At the end of a run: figures of weights, the model's and averages, that are not those of the last evaluation. Any of
 * them may be the best. */
gr_status gr__loop_validate_end(gr_loop *l);

/* loop.c: from the first update, or where the run had come to, to the end. Everything is made, nothing of it taken. */
gr_status gr__loop_train(gr_loop *l, gr_train_result *out);

/* keep.c: models, checkpoints, result.json */
typedef struct gr_machine { /* where bits depend on the machine */
    char isa[16], processor[256];
    char libraries[256]; /* that decode samples; "": none */
} gr_machine;
gr_machine gr__loop_machine(const gr_loop *l);
gr_status gr__loop_save_model(gr_loop *l, const char *name, int view); /* of the run folder */
gr_status gr__loop_write_model(gr_loop *l, const char *path, int view);
gr_status gr__loop_checkpoint(gr_loop *l);
gr_status gr__loop_recipe(gr_loop *l); /* recipe.yaml, resolved */
gr_status gr__loop_result(gr_loop *l, const gr_train_result *r);

/* resume.c */
#define GR_LIBRARIES_KEY "gradus.libraries"
#define GR_TOTAL_KEY "loop/total"
#define GR_MEANING_KEY "gradus.meaning" /* gr__task_meaning */
enum { GR_MEANING_TEXT = 24 };
const char *gr__meaning_text(const gr_task *t, char text[GR_MEANING_TEXT]);
gr_status gr__loop_resume(gr_loop *l, bool *resumed);

/* data_sum.c */
gr_status gr__data_sums(const gr_task *t, gr_data_sum out[GR_PARTS]);
const char *gr__data_key(gr_part p); /* in checkpoints */
/* The list of rows that are left out, as checkpoints say it; the recipe has one. */
#define GR_EXCLUDE_KEY "data/excluded"
const char *gr__exclude_text(const gr_task *t, char text[GR_DATA_TEXT]);
/* GR_E_DATA where the list is another one than `text` (of a checkpoint) says. */
gr_status gr__exclude_check(const gr_loop *l, const char *text);
const char *gr__data_sum_text(const gr_data_sum *s, char text[GR_DATA_TEXT]);
#define GR_BALANCED_KEY "data/balanced"
/* Which rows training takes of them, and what was made. */
const char *gr__balanced_text(const gr_task *t, char text[GR_DATA_TEXT]);
/* GR_E_DATA, naming the file, where a part is not what `text` (of a checkpoint) says; GR_E_FORMAT where text says
 * nothing. */
gr_status gr__data_sum_check(const gr_loop *l, gr_part p, const char *text);

/* record_inside.c: histograms and pictures, where they are due. */
gr_status gr__loop_inside_open(gr_loop *l);
void gr__loop_inside_close(gr_loop *l); /* also where it was not opened */
gr_status gr__loop_inside(gr_loop *l);

/* record.c: a line of metrics, and the same to events */
gr_status gr__loop_line(gr_loop *l, const gr_evaluation *ev);

#endif
