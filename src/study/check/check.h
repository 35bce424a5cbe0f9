/* Checks of a recipe's own model and data before the first update, and of raw input against what training saw. Nothing
 * here changes a run. */
#ifndef GR_STUDY_CHECK_CHECK_H
#define GR_STUDY_CHECK_CHECK_H

#include "base/watch.h"
#include "result/result.h"
#include "train/inside.h"

/* Of several heads the worst is told, and of equals the first: takes `one`, of this head, where it is. */
void gr__finding_worse(const gr_recipe *r, int head, const gr_finding *one, gr_finding *out);

/* What brings inputs and weights to their usual scale: adds it to what mends a finding. */
void gr__finding_fix_scale(const gr_recipe *r, gr_finding *f);

/* ---- a probe: the recipe's model with its initial weights and its data, before any update ---- */
typedef struct gr_probe {
    gr_context *ctx;
    const gr_recipe *recipe;
    gr_task task; /* training and validation */
    gr_runner run;
    gr_store *store;   /* the runner's */
    gr_plan *train;    /* outputs: those of gr__inside_graph, slopes and gradients among them */
    gr_plan *evaluate; /* outputs: output, prediction, cost_sum, weight_sum of each head (gr__output_of); prepared0 ..:
                          inputs as the layers take them; layer0 ..: what each layer gives, without dropout */
    gr_loader *loader;
    int64_t batch,
        batches; /* rows of a full batch: the recipe's, or fewer where memory has no room; batches an epoch */
    gr_status (*next)(void *source, gr_batch *out); /* where batches come from: the loader, or a test's */
    void *source;
    const gr_watch *watch;
    int draw; /* which initial weights: 0 the recipe's own */
} gr_probe;
gr_status gr__probe_open(gr_context *ctx, const gr_recipe *r, gr_probe *out);
void gr__probe_close(gr_probe *p); /* a zeroed probe is fine */
/* Gives back plans, weights and loader, and keeps the task: for others who train on its data. */
void gr__probe_rest(gr_probe *p);
/* Other initial weights, of draw 1, 2, ..., or the recipe's own again, of draw 0. */
gr_status gr__probe_draw(gr_probe *p, int draw);
/* The seed of a draw. */
uint64_t gr__check_seed(uint64_t seed, int draw);
/* Puts a full batch into one of the plans and runs it. */
gr_status gr__probe_run(gr_probe *p, gr_plan *plan, const gr_batch *b);
/* What the evaluation gave of a head: "prediction". shape may be NULL. */
const void *gr__probe_head(const gr_probe *p, int head, const char *what, gr_shape *shape);
/* Number i of an output of the backend's reals. */
double gr__probe_real(const gr_probe *p, const void *data, int64_t i);
/* After a run of `train`: does a gradient other than 0 reach parameter i of the network's; any weight of its? */
bool gr__probe_reached(const gr_probe *p, size_t i);
bool gr__probe_learns(const gr_probe *p);

/* ---- the checks ---- */
gr_status gr__check_data(gr_probe *p, gr_finding *out);    /* [T3] */
gr_status gr__check_outputs(gr_probe *p, gr_finding *out); /* [T4] */
/* Of outputs that are as they should be: does a sample's change with what else is in the batch? Says nothing where it
 * does not. [T4] */
gr_status gr__check_companions(gr_probe *p, gr_finding *out);
gr_status gr__check_cost(gr_probe *p, gr_finding *out);     /* [T5, X8] */
gr_status gr__check_symmetry(gr_probe *p, gr_finding *out); /* [I1] */

/* Units behind a ReLU that give 0 for all that is seen. [X14] What memory holds is not needed afterwards. */
gr_status gr__check_dead(gr_probe *p, gr__bump *memory, gr_finding *out);

/* What the recipe's layers are: dropout beside a normalisation [X4], batches too small to normalise by [T9, X5],
 * sigmoids between layers [X15]. Warnings at most. */
gr_status gr__check_design(gr_probe *p, gr_finding *dropout, gr_finding *batches, gr_finding *sigmoid);

typedef struct gr_format_row {
    const char *name, *kind, *format;
    int64_t count;
} gr_format_row; /* count 0: as many as a step needs */
/* Every tensor's number format; rows and names in memory. [X1] */
gr_status gr__check_formats(gr_context *ctx, const gr_recipe *r, gr__bump *memory, gr_format_row **rows, size_t *n,
                            gr_finding *out);

typedef struct gr_spread {
    int64_t count;
    double mean, variance, square;
} gr_spread; /* square: the mean of squares */
typedef struct gr_init_row {
    const char *name, *type;
    bool weighted; /* has weights of its own */
    bool last;
    bool normalised; /* what reads it takes its scale away */
    bool tells;      /* its scale is no chance of few weights, nor of weights that start at 0 and learn */
    bool held;       /* weights behind it that start alike keep its gradient at 0 until the first update */
    bool aside;      /* only heads of weight 0 read what it gives */
    double
        least; /* variance that keeps the scale, up to 1: 1, or that of a gated layer it reads; NaN: a gated layer's */
    gr_spread activation, gradient;
} gr_init_row;
/* A row a layer: what it gives for the first batch, and the gradient of a sample's cost with respect to that. Rows in
 * memory, names of the recipe. [I2] */
gr_status gr__check_init(gr_probe *p, gr__bump *memory, gr_init_row **rows, size_t *n, gr_finding *out);

/* Float64 central differences on the recipe's own model, near its initial weights, and some samples. Rows in memory.
 * [P4] */
#define GR_GRADIENT_LIMIT 1e-6 /* relative to the tensor's largest slope; float64 differences leave about 1e-8 */
typedef struct gr_gradient_row {
    const char *name;
    int64_t count;
    int64_t checked, judged; /* comparisons; those that no kink spoilt */
    bool wrong;              /* one of them proves so */
    double error;            /* the largest of those judged */
} gr_gradient_row;
enum { GR_GRADIENT_FEW = 4, GR_GRADIENT_MANY = 24 };
typedef struct gr_gradient_options {
    int most;    /* comparisons a parameter */
    double work; /* floating-point operations of all comparisons, which makes them fewer for a large network; 0: as many
                    as take some seconds */
    const gr_watch *watch;
} gr_gradient_options;
gr_status gr__check_gradients(gr_context *ctx, const gr_recipe *r, const gr_gradient_options *o, gr_gradient_row **rows,
                              size_t *n, gr__bump *memory, gr_finding *out);

/* ---- all of them ---- */
enum { GR_CHECKS = 30 };                  /* ids: T3 to T7, X1 to X18, T9, T15, T16, T18, I1, I2, P4 */
extern const char *const gr__check_ids[]; /* as they are told; NULL-ended */

typedef struct gr_check_options {
    const char *only, *skip; /* ids with commas between them; NULL: all, none */
    int64_t steps;           /* updates of a short training at most; 0: as many as its bound on work allows */
    const char *sheets;      /* a folder for pictures and curves, made where it is missing; NULL: none are written */
    const char *model;       /* a model file, whose mistakes are looked at; NULL: those of a short training */
    const gr_watch *watch;
} gr_check_options;

typedef struct gr_checked {
    gr_finding finding[GR_CHECKS]; /* one an id, in their order; those that are not asked for are `skipped` */
    int with[GR_CHECKS];           /* the finding that says the same under its first id; itself: it is that one */
    bool left_out[GR_CHECKS];      /* not asked for */
    gr_format_row *formats;        /* every tensor's number format; none where X1 was not asked for */
    size_t n_formats;
} gr_checked;

/* Asks the rules that `o` (NULL: all) wants. Nothing that a run has is changed. GR_E_NAME: no such id. */
gr_status gr__check_all(gr_context *ctx, const gr_recipe *r, const gr_check_options *o, gr__bump *memory,
                        gr_checked *out);

#endif
