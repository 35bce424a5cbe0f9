/* Floor 4: what a member of each family is. Members are written as graph expressions; none knows a backend, a plan or the trainer. */
#ifndef GR_NN_FAMILIES_H
#define GR_NN_FAMILIES_H

#include "base/member.h"
#include "base/rng.h"
#include "gradus/graph.h"
#include "gradus/plan.h"
#include "nn/targets.h"

/* One parameter row. After the help may come what presets change: GR_ROW("eps", REAL, "1e-3", "(0,1]", "1", "...", .paper = "1e-8"). */
#define GR_ROW(row_name, row_kind, row_value, row_range, row_unit, ...)                                                                    \
    {                                                                                                                                      \
        .name = row_name, .kind = GR_ROW_##row_kind, .value = row_value, .range = row_range, .unit = row_unit, .help = __VA_ARGS__         \
    }

/* The member's name that a tree gives: a plain name, `type` of a map, or the fallback where neither is there. NULL: refused, kept in ctx at
 * the tree's place. */
const char *gr__type_of(gr_context *ctx, const gr_tree *tree, const char *family, const char *fallback);

/* ---- parameters: what a layer declares while it is built ---- */
typedef enum gr_follow { GR_FOLLOW_NOTHING, GR_FOLLOW_RELU, GR_FOLLOW_LEAKY, GR_FOLLOW_SIGMOID, GR_FOLLOW_TANH } gr_follow;

typedef struct gr_param_info {
    gr_entry_spec entry; /* name ("c1.weight"), shape in memory order, role, layout */
    int64_t fan_in, fan_out;
    bool is_bias;
    gr_follow follow;    /* which activation its layer's output meets first: decides the default initialiser and its gain */
    double slope;        /* of a leaky activation */
    const gr_tree *init; /* the layer's own `init:` {weights, bias}, or NULL */
    bool last;           /* belongs to the layer that gives the network's output */
} gr_param_info;

/* ---- building a network for one mode and batch ---- */
typedef enum gr_mode { GR_MODE_TRAIN, GR_MODE_EVALUATE } gr_mode;

typedef struct gr_build {
    gr_context *ctx;
    gr_graph *g;
    gr_mode mode;
    gr__bump *memory;              /* of the network: settings, names */
    const gr_targets *targets;     /* what the training rows say of their targets; may be NULL */
    gr_val seed, update, position; /* rank 0, for random leaves; GR_NONE when mode is not TRAIN */
    gr_param_info *params;         /* collected in order of first use; equal names are one parameter */
    size_t n_params, params_capacity;
    const char *layer; /* full name of the layer being built: "r1.c1" */
    gr_follow follow;  /* set by the network for the layer being built, from the layers after it; its own `activation:` wins and is seen to
                          by gr__activation_follow */
    double slope;
    bool last;
    const gr_tree *init;
} gr_build;

/* Declares (or finds) parameter LAYER.suffix and gives its leaf. */
gr_val gr__build_param(gr_build *b, const char *suffix, gr_shape shape, gr_role role, gr_layout layout, int64_t fan_in, int64_t fan_out);
/* A random leaf of the layer's own stream LAYER/use: uniform [0,1), shape [samples, ...]. Only in TRAIN. */
gr_val gr__build_random(gr_build *b, const char *use, gr_shape shape);
/* Applies an `activation:` value to x: NULL, `none` and `linear` give x; a name or {type: ..., settings} gives that layer's result. dense
 * and conv call it themselves. */
gr_val gr__activation_build(gr_build *b, const gr_tree *activation, gr_val x);
/* Puts what an `activation:` value counts as into b->follow and b->slope; NULL leaves them. Called by layers before they declare
 * parameters. */
void gr__activation_follow(gr_build *b, const gr_tree *activation);

/* ---- layers ----
 * The network sees to what all layers have in common: the rows of gr__layer_common (`type`, `name`, `from`, `init`), passed to
 * gr__settings_make as also_allowed (gr__layer_common_keys). It pushes the scope (member's name, layer's name), checks the number of
 * inputs, sets layer, follow, slope, last and init of gr_build, then calls build. Everything else of a layer's map, `activation` included,
 * is a row of the member. */
extern const gr_member gr__layer_common;
extern const char *const gr__layer_common_keys[];

typedef struct gr_layer {
    gr_member head;
    int min_inputs, max_inputs; /* usually 1, 1; add: 2, many */
    bool activation_only;       /* relu, tanh, ...: usable as `activation:` and looked through for `follow` */
    gr_follow follow;           /* what an activation counts as for initialisers; GR_FOLLOW_LEAKY has a row `slope` */
    bool transparent;           /* flatten, pooling, dropout: the activation after it counts for the layer before it */
    gr_val (*build)(gr_build *b, const gr_settings *s, const gr_val *in, int n_in); /* errors through gr_graph_fail */
} gr_layer;
#define GR_LAYER(name) const gr_layer gr__layer_##name
const gr_layer *const *gr__layers(int *n); /* generated, sorted by name */

/* ---- costs ---- */
typedef struct gr_cost_value {
    gr_val each;   /* [B]: the cost of each sample (already averaged over a sample's outputs where the cost is defined so) */
    gr_val weight; /* [B] or GR_NONE: the mean divides by the sum of weights (class weights) */
} gr_cost_value;

/* What a sample's target is. */
typedef enum gr_target_form {
    GR_FORM_CLASS,        /* the index of its class: GR_I32 [B] */
    GR_FORM_LABELS,       /* a number from 0 to 1 an output, each a yes or no of its own */
    GR_FORM_DISTRIBUTION, /* a probability an output */
    GR_FORM_VALUES,       /* a number an output */
} gr_target_form;

typedef struct gr_reading {
    const char *as; /* "softmax", "sigmoid", "value": how predict reads the output, and which layer before it would be one too many */
    gr_target_form target;
} gr_reading;

typedef struct gr_cost {
    gr_member head;
    gr_reading (*reading)(gr_shape output); /* of one sample */
    gr_val (*predict)(gr_build *b, const gr_settings *s, gr_val output); /* probabilities [B,K] (sigmoid: [B,1] -> [B,2]), or the values */
    gr_cost_value (*build)(gr_build *b, const gr_settings *s, gr_val output, gr_val target,
                           bool training); /* training false: without smoothing */
    /* Checks the output's shape (of one sample, no batch axis) against the classes of the data (0: unknown). Fails the graph otherwise:
     * GR_E_DATA where the data has more classes than the output can tell, GR_E_SHAPE where the shape is none this cost takes. `build`
     * relies on labels within 0..classes-1. */
    bool (*check)(gr_build *b, const gr_settings *s, gr_shape output, int classes);
} gr_cost;
#define GR_COST(name) const gr_cost gr__cost_##name
const gr_cost *const *gr__costs(int *n);

/* ---- initialisers ---- */
extern const gr_member gr__init_common; /* rows of `init:` itself: weights, bias */

typedef struct gr_init_target {
    const gr_param_info *param;
    int64_t count;
    gr__rng *rng; /* its own stream: the parameter's name */
} gr_init_target;
typedef struct gr_init {
    gr_member head;
    gr_status (*fill)(gr_context *ctx, const gr_settings *s, const gr_init_target *t, double *values); /* memory order */
} gr_init;
#define GR_INIT(name) const gr_init gr__init_##name
const gr_init *const *gr__inits(int *n);
/* The whole of `init:`: chooses the member for p (layer's own, recipe's, default: Kaiming truncated normal, Xavier uniform where sigmoid,
 * tanh or nothing follows; biases zeros) and fills values. tree is the recipe's `init:` map or NULL. */
gr_status gr__init_param(gr_context *ctx, const gr_tree *tree, gr_preset preset, uint64_t seed, const gr_param_info *p, double *values);
/* Checks an `init:` tree and gives it with every default filled in. */
gr_status gr__init_resolve(gr_context *ctx, gr__bump *b, const gr_tree *tree, gr_preset preset, gr_tree **out);

/* ---- optimizers ---- */
typedef struct gr_step { /* one parameter's update being built */
    gr_graph *g;
    gr_store *store; /* slots are added here */
    const gr_settings *s;
    const gr_param_info *param;
    gr_val leaf; /* the parameter */
    gr_val lr;   /* rank 0: the rate of this update, group scale included */
    gr_val t;    /* rank 0: 1 for the first update */
} gr_step;
gr_val gr__step_arg(gr_step *s, const char *name);                /* rank-0 constant from the settings */
gr_val gr__step_slot(gr_step *s, const char *name);               /* the parameter's slot NAME, its shape, starts at 0 */
gr_val gr__step_keep(gr_step *s, const char *name, gr_val value); /* assigns the slot; returns value */
gr_val gr__ema(gr_graph *g, gr_val beta, gr_val old, gr_val x);   /* beta old + (1 - beta) x */
gr_val gr__unbias(gr_step *s, gr_val m, gr_val beta);             /* m / (1 - beta^t) */

extern const gr_member gr__optimizer_common; /* rows of every optimizer: weight_decay, decay */
extern const gr_member gr__clip_common;      /* rows of `clip:` */

typedef struct gr_optimizer {
    gr_member head;    /* rows include lr; the common rows are added by the family (not repeated in members) */
    const char *decay; /* default of `decay`: "coupled" or "decoupled" */
    gr_status (*check)(gr_context *ctx, const gr_settings *s); /* refuses settings that contradict each other; may be NULL */
    gr_val (*update)(gr_step *s, gr_val w, gr_val g);          /* the new w; g has clipping and coupled decay in it */
} gr_optimizer;
#define GR_OPTIMIZER(name) const gr_optimizer gr__optimizer_##name
const gr_optimizer *const *gr__optimizers(int *n);

typedef struct gr_optim { /* the resolved `optimizer:` */
    const gr_optimizer *member;
    gr_settings settings;
    double lr, weight_decay;
    bool decoupled;
} gr_optim;
gr_status gr__optim_make(gr_context *ctx, gr__bump *b, const gr_tree *tree, gr_preset preset, gr_optim *out);
gr_tree *gr__optim_tree(gr__bump *b, const gr_optim *o); /* resolved, common rows included */

typedef struct gr_clip {
    enum { GR_CLIP_NONE, GR_CLIP_NORM, GR_CLIP_VALUE } kind;
    double limit;
    bool torch_form;
} gr_clip;
gr_tree *gr__clip_tree(gr__bump *b, const gr_clip *c); /* resolved */
gr_status gr__clip_make(gr_context *ctx, const gr_tree *tree, gr_preset preset,
                        gr_clip *out); /* `clip:` none | {norm: 1.0, form: exact|torch} | {value: 0.5} */

/* Adds everything after the gradients to g: division by the count, penalty-free norm, clipping, decay, updates, assigns.
 *   grads[i]  gradient SUM of params[i] (any of them GR_NONE: frozen, untouched);  count: rank 0, what the sums are divided by
 * Gives the global norm before clipping (rank 0) in *norm. lr: rank-0 feed. The number of updates lives in slot "optimizer/t" (rank 0). */
gr_status gr__optim_build(gr_graph *g, gr_store *store, const gr_optim *o, const gr_clip *clip, const gr_param_info *params,
                          const gr_val *leaves, const gr_val *grads, size_t n, gr_val count, gr_val lr, gr_val *norm);

/* ---- schedules: host functions of the update ---- */
typedef struct gr_rate { /* what a schedule may look at */
    double lr;           /* base rate */
    int64_t t, total;    /* update from 0, and how many there will be, both counted from the end of the warm-up; total 0: unknown */
    double updates_per_epoch;
} gr_rate;
extern const gr_member gr__schedule_common; /* rows of every schedule: warmup, warmup_from */

typedef struct gr_schedule {
    gr_member head;
    bool needs_total;                                    /* the rate depends on how many updates there will be */
    gr_status (*check)(gr_context *ctx, gr_settings *s); /* refuses contradictions; may take out values that do not apply; may be NULL */
    double (*rate)(const gr_settings *s, const gr_rate *r);
} gr_schedule;
#define GR_SCHEDULE(name) const gr_schedule gr__schedule_##name
const gr_schedule *const *gr__schedules(int *n);

typedef struct gr_sched { /* the resolved `schedule:` */
    const gr_schedule *member;
    gr_settings settings;
    double warmup, warmup_from; /* warmup: updates when >= 1 and written as an integer, else a fraction of the run */
    bool warmup_is_fraction;
} gr_sched;
gr_status gr__sched_make(gr_context *ctx, gr__bump *b, const gr_tree *tree, gr_preset preset, gr_sched *out);
gr_tree *gr__sched_tree(gr__bump *b, const gr_sched *s);
/* The rate of update t (from 0) of a run of `total` updates (0: unknown; then a fractional warm-up or a schedule that needs it was refused
 * by gr__sched_check). */
double gr__sched_rate(const gr_sched *s, double lr, int64_t t, int64_t total, double updates_per_epoch);
gr_status gr__sched_check(gr_context *ctx, const gr_sched *s, int64_t total); /* GR_E_CONFLICT where total is needed and unknown */

#endif
