/* Floor 4: what a member of each family is. Members are written as graph expressions; none knows a backend, a plan or
 * the trainer. */
#ifndef GR_NN_FAMILIES_H
#define GR_NN_FAMILIES_H

#include "base/member.h"
#include "base/rng.h"
#include "gradus/graph.h"
#include "gradus/plan.h"
#include "nn/targets.h"

/* One parameter row. After the help may come what presets change: GR_ROW("eps", REAL, "1e-3", "(0,1]", "1", "...",
 * .paper = "1e-8"). */
#define GR_ROW(row_name, row_kind, row_value, row_range, row_unit, ...)                                        \
    {                                                                                                          \
        .name = row_name, .kind = GR_ROW_##row_kind, .value = row_value, .range = row_range, .unit = row_unit, \
        .help = __VA_ARGS__                                                                                    \
    }

/* Rows that stand beside those of members: what a whole family takes, or a section of a recipe with one form only.
 * `GR_COMMON(clip_common) = {...}` at the start of a line defines gr__clip_common and enters it in this table. */
#define GR_COMMON(name) const gr_member gr__##name
const gr_member *const *gr__commons(int *n); /* generated, sorted by name */

/* The member's name that a tree gives: a plain name, `type` of a map, or the fallback where neither is there. NULL:
 * refused, kept in ctx at the tree's place. */
const char *gr__type_of(gr_context *ctx, const gr_tree *tree, const char *family, const char *fallback);

/* ---- parameters: what a layer declares while it is built ---- */
typedef enum gr_follow {
    GR_FOLLOW_NOTHING,
    GR_FOLLOW_RELU,
    GR_FOLLOW_LEAKY,
    GR_FOLLOW_SIGMOID,
    GR_FOLLOW_TANH
} gr_follow;

typedef struct gr_param_info {
    gr_entry_spec entry; /* name ("c1.weight"), shape in memory order, role, layout */
    int64_t fan_in, fan_out;
    int64_t blocks; /* gate blocks along the first axis, which `orthogonal` fills each alone; 0: the whole is one */
    bool is_bias;
    gr_follow
        follow;   /* which activation its layer's output meets first: decides the default initialiser and its gain */
    double slope; /* of a leaky activation */
    const gr_tree *init; /* the layer's own `init:` {weights, bias}, or NULL */
    bool last;           /* belongs to the layer that gives the network's output */
} gr_param_info;

/* ---- building a network for one mode and batch ---- */
typedef enum gr_mode { GR_MODE_TRAIN, GR_MODE_EVALUATE } gr_mode;

/* What stands for parameters and states in a graph, and what becomes of what a batch says. */
typedef struct gr_binding {
    gr_val (*leaf)(void *user, const gr_param_info *p);                              /* NULL: the parameter itself */
    gr_val (*state)(void *user, const gr_entry_spec *s);                             /* NULL: the state itself */
    void (*observe)(void *user, const gr_entry_spec *s, gr_val batch, double share); /* NULL: states stay as they are */
    void *user;
} gr_binding;

typedef struct gr_build {
    gr_context *ctx;
    gr_graph *g;
    gr_mode mode;
    gr__bump *memory;              /* of the network: settings, names */
    const gr_targets *targets;     /* what the training rows say of their targets; may be NULL */
    gr_val seed, update, position; /* rank 0, for random leaves; GR_NONE when mode is not TRAIN */
    gr_param_info *params;         /* collected in order of first use; equal names are one parameter */
    size_t n_params, params_capacity;
    gr_entry_spec *states; /* likewise, of layers that keep statistics */
    size_t n_states, states_capacity;
    const char *layer; /* full name of the layer being built: "r1.c1" */
    gr_follow follow;  /* set by the network for the layer being built, from the layers after it; its own `activation:`
                          wins and is seen to  by gr__activation_follow */
    double slope;
    bool last;
    const gr_tree *init;
    gr_binding bind;
    bool sketch; /* the graph is made for its shapes and is never run */
} gr_build;

/* Declares (or finds) parameter LAYER.suffix and gives its leaf. */
gr_val gr__build_param(gr_build *b, const char *suffix, gr_shape shape, gr_role role, gr_layout layout, int64_t fan_in,
                       int64_t fan_out);
/* Declares a statistic of batches, which the layer needs when it does not train, and gives it: slot LAYER.suffix, part
 * of the model. It starts at `initial`. */
gr_val gr__build_state(gr_build *b, const char *suffix, gr_shape shape, double initial);
/* A training batch gives the declared statistic this value: it moves towards it by `share`, 0 to 1. */
void gr__build_observe(gr_build *b, const char *suffix, gr_val batch, double share);
/* old (1 - share) + batch share; the batch's alone for a share of 1, whatever the old one is. share: rank 0. */
gr_val gr__statistic(gr_graph *g, gr_val old, gr_val batch, gr_val share);
/* Is it a parameter or statistic of this layer itself: "c1.weight" of "c1", not "c1.a.weight"? */
bool gr__is_of_layer(const char *name, const char *layer);
/* A random leaf of the layer's own stream LAYER/use: uniform [0,1), shape [samples, ...]. Only in TRAIN. */
gr_val gr__build_random(gr_build *b, const char *use, gr_shape shape);
/* Applies an `activation:` value to x: NULL, `none` and `linear` give x; a name or {type: ..., settings} gives that
 * layer's result. dense and conv call it themselves. */
gr_val gr__activation_build(gr_build *b, const gr_tree *activation, gr_val x);
/* Puts what an `activation:` value counts as into b->follow and b->slope; NULL leaves them. Called by layers before
 * they declare parameters. */
void gr__activation_follow(gr_build *b, const gr_tree *activation);

/* ---- layers ----
 * The network sees to what all layers have in common: the rows of gr__layer_common (`type`, `name`, `from`, `init`),
 * passed to gr__settings_make as also_allowed (gr__layer_common_keys). It pushes the scope (member's name, layer's
 * name), checks the number of inputs, sets layer, follow, slope, last and init of gr_build, then calls build.
 * Everything else of a layer's map, `activation` included, is a row of the member. */
extern const gr_member gr__layer_common;
extern const char *const gr__layer_common_keys[];

typedef struct gr_layer {
    gr_member head;
    int min_inputs, max_inputs; /* usually 1, 1; add: 2, many */
    bool activation_only;       /* relu, tanh, ...: usable as `activation:` and looked through for `follow` */
    gr_follow follow;           /* what an activation counts as for initialisers; GR_FOLLOW_LEAKY has a row `slope` */
    bool transparent; /* flatten, pooling, dropout, normalisation: the activation after it counts for the layer before
                         it */
    gr_val (*build)(gr_build *b, const gr_settings *s, const gr_val *in, int n_in); /* errors through gr_graph_fail */
} gr_layer;
#define GR_LAYER(name) const gr_layer gr__layer_##name
const gr_layer *const *gr__layers(int *n); /* generated, sorted by name */

/* ---- costs ---- */
typedef struct gr_cost_value {
    gr_val
        each; /* [B]: the cost of each sample (already averaged over a sample's outputs where the cost is defined so) */
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
    const char *as; /* "softmax", "sigmoid", "value": how predict reads the output, and which layer before it would be
                       one too many */
    gr_target_form target;
} gr_reading;

typedef struct gr_cost {
    gr_member head;
    gr_reading (*reading)(gr_shape output); /* of one sample */
    gr_val (*predict)(gr_build *b, const gr_settings *s,
                      gr_val output); /* probabilities [B,K] (sigmoid: [B,1] -> [B,2]), or the values */
    gr_cost_value (*build)(gr_build *b, const gr_settings *s, gr_val output, gr_val target,
                           bool training); /* training false: without smoothing */
    /* Checks the output's shape (of one sample, no batch axis) against the classes of the data (0: unknown). Fails the
     * graph otherwise: GR_E_DATA where the data has more classes than the output can tell, GR_E_SHAPE where the shape
     * is none this cost takes. `build` relies on labels within 0..classes-1. */
    bool (*check)(gr_build *b, const gr_settings *s, gr_shape output, int classes);
} gr_cost;
#define GR_COST(name) const gr_cost gr__cost_##name
const gr_cost *const *gr__costs(int *n);

/* ---- initialisers ---- */
extern const gr_member
    gr__init_common; /* rows of `init:` itself: weights, bias, last_bias, relu_bias; a layer's own has the first two */

typedef struct gr_init_target {
    const gr_param_info *param;
    int64_t count;
    gr__rng *rng; /* its own stream: the parameter's name */
} gr_init_target;
typedef struct gr_init {
    gr_member head;
    bool weights_only; /* makes no sense for biases */
    gr_status (*check)(gr_context *ctx,
                       const gr_settings *s); /* refuses settings that contradict each other; may be NULL */
    gr_status (*fill)(gr_context *ctx, const gr_settings *s, const gr_init_target *t,
                      double *values); /* memory order */
} gr_init;
#define GR_INIT(name) const gr_init gr__init_##name
const gr_init *const *gr__inits(int *n);

typedef struct gr_init_from { /* what all starting values of a network are made from */
    const gr_tree *tree;      /* the recipe's `init:` map or NULL */
    gr_preset preset;
    uint64_t seed;
    const gr_targets *targets; /* for last_bias: auto; NULL: nothing known */
    const char *prediction;    /* how the cost reads the output (gr_reading); NULL: as values */
} gr_init_from;

typedef struct gr_init_choice { /* for one parameter */
    const gr_init *member;      /* NULL: last_bias: auto */
    gr_settings settings;
    bool asked; /* the recipe or the layer says so */
} gr_init_choice;
/* The layer's own; for biases last_bias in the last layer, relu_bias before a ReLU; the recipe's; by default Kaiming
 * truncated normal, Xavier uniform where sigmoid, tanh or nothing follows, zeros for biases. The choice lives in b. */
gr_status gr__init_choose(gr_context *ctx, gr__bump *b, const gr_init_from *from, const gr_param_info *p,
                          gr_init_choice *out);
gr_tree *gr__init_choice_tree(gr__bump *b, const gr_init_choice *c); /* {type: kaiming, ...}, or `auto` */
gr_status gr__init_fill(gr_context *ctx, const gr_init_from *from, const gr_param_info *p, const gr_init_choice *c,
                        double *values);
gr_status gr__init_param(gr_context *ctx, const gr_init_from *from, const gr_param_info *p, double *values); /* both */
/* Biases b of n outputs with which a network that adds nothing else predicts what the training targets are on average:
 * log(n_k/N) for softmax, log(n_1/n_0) for sigmoid, the mean for values. A class without targets counts as half a one,
 * with a warning. */
void gr__init_last_bias(gr_context *ctx, const gr_targets *t, const char *prediction, int64_t n, double *values);

/* Check an `init:` tree, the recipe's or a layer's own, and give it with every default filled in. */
gr_status gr__init_resolve(gr_context *ctx, gr__bump *b, const gr_tree *tree, gr_preset preset, gr_tree **out);
gr_status gr__init_resolve_own(gr_context *ctx, gr__bump *b, const gr_tree *tree, gr_preset preset, gr_tree **out);
/* Whether the recipe's `init:` has last_bias: auto; gives the tree of that key, for its place. */
const gr_tree *gr__init_last_bias_auto(const gr_tree *tree);

/* ---- penalties: terms of the cost that depend on the weights alone ---- */
typedef struct gr_penalty {
    gr_member head; /* head.name is its key in `penalty:`, whose value is the coefficient */
    gr_val (*value)(gr_graph *g,
                    gr_val w); /* rank 0: the term of one tensor with coefficient 1; its gradient follows from it */
    gr_val (*proximal)(gr_graph *g, gr_val w,
                       gr_val threshold); /* argmin_u (u - w)^2 / 2 + threshold term(u); NULL: none in closed form */
} gr_penalty;
#define GR_PENALTY(name) const gr_penalty gr__penalty_##name
const gr_penalty *const *gr__penalties(int *n); /* generated */

/* ---- optimizers ---- */
typedef struct gr_step { /* one parameter's update being built */
    gr_graph *g;
    gr_store *store; /* slots are added here */
    const gr_settings *s;
    const gr_param_info *param;
    const char *phase;     /* stands before the names of slots: "", or "then/" for the second method of a switch */
    bool first;            /* of all parameters: what they share is assigned with this one */
    bool trusted;          /* a weight or an embedding: layer-wise trust ratios apply */
    gr_val leaf;           /* the parameter */
    gr_val lr;             /* rank 0: the rate of this update, group scale included */
    gr_val base_lr, scale; /* rank 0: the two factors of lr: the schedule's rate and the group's scale */
    gr_val t;              /* rank 0: 1 for the first update of this method */
    gr_val decay; /* rank 0: weight decay of this parameter (0 for biases), for members that have a place of their own
                     for it */
    gr_val slope; /* rank 0: the norm of the gradient as update gets it, from the pass that takes the norm of all of
                     them where it can be */
    gr_val probe; /* AdaHessian: signs z; GR_NONE in updates without curvature */
    gr_val curvature; /* H z, the mean over the samples, H the Hessian of the cost */
    bool squares;     /* set by gr__step_square */
    gr_val w, d,
        out; /* for update_all: weight, direction (clipping and coupled decay in it); receives the new weight */
} gr_step;
gr_val gr__step_arg(gr_step *s, const char *name);  /* rank-0 constant from the settings */
gr_val gr__step_slot(gr_step *s, const char *name); /* the parameter's slot NAME, its shape, starts at 0 */
gr_val gr__step_filled(gr_step *s, const char *name, double initial); /* the same, starting at `initial` */
gr_val gr__step_number(gr_step *s, const char *name, double initial); /* the parameter's slot NAME of rank 0 */
gr_val gr__step_shared(gr_step *s, const char *name, double initial); /* a slot of rank 0 that all parameters share */
gr_val
gr__step_keep(gr_step *s, const char *name,
              gr_val value); /* assigns the parameter's slot (read before, or of its shape from 0); returns value */
gr_val gr__step_keep_shared(gr_step *s, const char *name, gr_val value);
gr_val gr__ema(gr_graph *g, gr_val beta, gr_val old, gr_val x); /* beta old + (1 - beta) x */
gr_val gr__one_minus(gr_graph *g, gr_val x);
gr_val gr__unbias(gr_step *s, gr_val m, gr_val beta); /* m / (1 - beta^t) */
/* x^2 of the gradient that update gets, to be kept in a slot: an update whose squares might not fit is refused. */
gr_val gr__step_square(gr_step *s, gr_val x);
/* Rank 0, in double: the Euclidean norm, finite for every finite float32 tensor, and in float64 for numbers below
 * 2^600. In parts: sums of squares that may be added up for several tensors, and the root of them. */
gr_val gr__norm(gr_graph *g, gr_val x);
typedef struct gr_squares {
    gr_val plain, scaled;
} gr_squares;
gr_squares gr__squares(gr_graph *g, gr_val x);
gr_squares gr__squares_add(gr_graph *g, gr_squares a, gr_squares b);
gr_val gr__squares_root(gr_graph *g, gr_squares q);
/* Rank 0: finite as long as the square of every number of factor x fits the store's type. */
gr_val gr__squares_fit(gr_graph *g, const gr_store *s, gr_squares q, gr_val factor);
gr_val gr__ratio_or(gr_graph *g, gr_val a, gr_val b,
                    gr_val other); /* a / b where both are above 0, else other; rank 0 */

extern const gr_member gr__optimizer_common; /* rows of every optimizer: weight_decay, decay, gradient_centralization */
extern const gr_member gr__clip_common;      /* rows of `clip:` */

typedef struct gr_lookahead { /* slow weights around an optimizer; k 0: none */
    int64_t k;
    double alpha;
    enum {
        GR_INNER_KEEP,
        GR_INNER_RESET,
        GR_INNER_PULLBACK
    } inner; /* what a synchronisation does to the inner momentum */
    bool evaluate_fast;
} gr_lookahead;

typedef struct gr_optimizer {
    gr_member head;    /* rows include lr; the common rows are added by the family (not repeated in members) */
    const char *decay; /* default of `decay`: "coupled" or "decoupled"; "own": the member places s->decay itself, and
                          `decay` is refused */
    const char *weight_decay; /* its default; NULL: 0 */
    bool whole_set;           /* a batch is the whole training set */
    gr_status (*check)(gr_context *ctx,
                       const gr_settings *s);         /* refuses settings that contradict each other; may be NULL */
    gr_val (*update)(gr_step *s, gr_val w, gr_val g); /* the new w; g has clipping and coupled decay in it */
    void (*update_all)(gr_step *s, size_t n);         /* instead: all parameters at once, where they decide together */
    gr_val (*point)(gr_step *s, gr_val w);            /* where the gradient is taken; NULL: at w */
    gr_val (*decay_rate)(gr_step *s);                 /* what decoupled decay is multiplied by; NULL: s->lr */
    int64_t (*curvature_every)(
        const gr_settings *s); /* H z is wanted every so many updates, the first included; NULL: never */
    gr_lookahead (*lookahead)(const gr_settings *s); /* it contains LookAhead; NULL: it does not */
} gr_optimizer;
#define GR_OPTIMIZER(name) const gr_optimizer gr__optimizer_##name
const gr_optimizer *const *gr__optimizers(int *n);

/* ---- schedules: host functions of the update ---- */
typedef struct gr_span { /* a length of time in a run, as recipes write one */
    double n;
    enum { GR_SPAN_UPDATES, GR_SPAN_EPOCHS, GR_SPAN_RUN } unit; /* RUN: a fraction of the whole run */
} gr_span;

typedef struct gr_rate { /* what a rate depends on */
    double lr;           /* base rate */
    int64_t t, total;    /* update from 0, and how many there will be; total 0: unknown. Of the run; a member gets both
                            counted from the    end of the warm-up */
    int64_t warmup;      /* a member's: updates of warm-up before its t = 0 */
    double updates_per_epoch;
    const double *state; /* one a row of the member's state; NULL: as at the start of the run */
} gr_rate;

typedef struct gr_observation { /* what an evaluation found */
    double train_cost;          /* mean over the samples trained on since the evaluation before */
    double validation_error;    /* NaN without validation data */
} gr_observation;

/* A number that a member keeps from evaluation to evaluation, and a checkpoint with it: GR_KEEP("scale", 1). */
typedef struct gr_kept {
    const char *name; /* in checkpoints: "schedule/scale" */
    double initial;
} gr_kept;
#define GR_KEEP(kept_name, kept_initial)                       \
    {                                                          \
        .name = "schedule/" kept_name, .initial = kept_initial \
    }
enum { GR_SCHEDULE_STATE = 8 }; /* at most so many a member */

extern const gr_member gr__schedule_common; /* rows of every schedule: warmup, warmup_from, tail */
extern const gr_member gr__schedule_tail;   /* rows of `tail:` */

typedef struct gr_schedule {
    gr_member head;
    bool needs_total;    /* the rate depends on how many updates there will be */
    const char *example; /* "{every: 5 epochs}": settings that show what it does; NULL: the defaults do */
    gr_status (*check)(gr_context *ctx,
                       gr_settings *s); /* refuses contradictions; may take out values that do not apply; may be NULL */
    gr_status (*check_rate)(gr_context *ctx, const gr_settings *s,
                            double lr);                     /* refuses what contradicts the base rate; may be NULL */
    double (*rate)(const gr_settings *s, const gr_rate *r); /* of nothing but its arguments */
    /* Of a member that learns from evaluations, else NULL: changes the state; true: training has nothing more to gain.
     */
    bool (*observe)(const gr_settings *s, const gr_observation *o, double *state);
    bool (*wants_validation)(const gr_settings *s); /* NULL: never */
    const gr_kept *state;
    int n_state;
} gr_schedule;
#define GR_SCHEDULE(name) const gr_schedule gr__schedule_##name
const gr_schedule *const *gr__schedules(int *n);

typedef struct gr_tail { /* cycles at the end of the run, which replace the schedule there */
    bool on;
    gr_span length;
    int64_t cycles;
    double high, low; /* NaN: the schedule's rate where the tail begins; a tenth of high */
    const gr_tree *at;
} gr_tail;

typedef struct gr_sched { /* the resolved `schedule:` */
    const gr_schedule *member;
    gr_settings settings; /* the member's own */
    gr_span warmup;
    double warmup_from;
    gr_tail tail;
} gr_sched;
gr_status gr__sched_make(gr_context *ctx, gr__bump *b, const gr_tree *tree, gr_preset preset, gr_sched *out);
gr_tree *gr__sched_tree(gr__bump *b, const gr_sched *s);
/* Refuses bounds that contradict the optimizer's rate. */
gr_status gr__sched_check_rate(gr_context *ctx, const gr_sched *s, double lr);
/* GR_E_CONFLICT where r->total is needed and unknown, where warm-up and tail overlap, where the tail has no height. */
gr_status gr__sched_check(gr_context *ctx, const gr_sched *s, const gr_rate *r);
/* The rate of update r->t of a run that gr__sched_check let pass. */
double gr__sched_rate(const gr_sched *s, const gr_rate *r);
/* The state at the start of a run. */
void gr__sched_begin(const gr_sched *s, double state[GR_SCHEDULE_STATE]);
/* An evaluation after r->t updates; those within the warm-up or the tail say nothing of the schedule's rates and are
 * passed over. True: training should stop. */
bool gr__sched_observe(const gr_sched *s, const gr_rate *r, const gr_observation *o, double state[GR_SCHEDULE_STATE]);

#endif
