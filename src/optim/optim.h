/* Updates: what a recipe says of them, resolved, and the graphs they become. Floor 4.
 *
 *   resolve.c    optimizer: a method, or two with a switch between them
 *   clip.c groups.c lookahead.c average.c   clip:, groups:, lookahead:, average: (swa.c, ema.c)
 *   sam.c        sam: the gradient at other weights
 *   prune.c      prune: which weights are 0 and stay 0
 *   step.c       what members write their update with
 *   build.c      gradients to new weights: everything of an update in its order
 *   action.c     what happens only now and then: plans of their own that the trainer runs when they are due
 *
 * An update, in the order of the specification (each step optional): the sums are divided by their count; the penalty's
 * gradient is added; clipping; centralisation; coupled decay; moments and direction; decoupled decay; the step; the
 * proximal step. Then what is due: the switch, LookAhead, the average. */
#ifndef GR_OPTIM_OPTIM_H
#define GR_OPTIM_OPTIM_H

#include "optim/optimizer.h"
#include "penalty/penalty.h"
#include "schedule/schedule.h"

/* ---- optimizer: ---- */

typedef struct gr_method { /* one method of updating, resolved */
    const gr_optimizer *member;
    gr_settings settings;
    double lr, weight_decay;
    bool decoupled, centralize;
    int slots;              /* the form of the row `slots`; 0: as they are */
    gr_lookahead lookahead; /* the one that the member contains; k 0: none */
} gr_method;

typedef struct gr_optim { /* the resolved `optimizer:` */
    gr_method method[2];
    int n_methods; /* 2: a switch */
    gr_span at;    /* of the switch */
    bool carry;    /* the second method's momentum starts as the first one's */
} gr_optim;
extern const gr_member gr__optimizer_switch; /* stands beside the members: it is made of two */

gr_status gr__optim_make(gr_context *ctx, gr__bump *b, const gr_tree *tree, gr_preset preset, gr_optim *out);
gr_first_moment gr__method_moment(const gr_method *m);   /* slot NULL: it keeps none */
bool gr__method_draws(const gr_method *m);               /* its curvature is by labels that are drawn */
gr_tree *gr__optim_tree(gr__bump *b, const gr_optim *o); /* resolved, common rows included */

/* ---- clip: ---- */

typedef struct gr_clip {
    enum { GR_CLIP_NONE, GR_CLIP_NORM, GR_CLIP_VALUE } kind;
    double limit;
    bool torch_form, per_layer;
} gr_clip;
/* `clip:` none | {norm: 1.0, form: exact|torch, per: all|layer} | {value: 0.5} */
gr_status gr__clip_make(gr_context *ctx, const gr_tree *tree, gr_preset preset, gr_clip *out);
gr_tree *gr__clip_tree(gr__bump *b, const gr_clip *c);

/* ---- groups: ---- */

typedef struct gr_group {
    const char *match; /* a pattern of full tensor names: * is any text, ? any character */
    double lr_scale;
    bool freeze;
    gr_span unfreeze;    /* of a frozen one: from then on it is trained; n 0: never */
    double weight_decay; /* NaN: as the optimizer has it */
    const gr_tree *at;
} gr_group;
typedef struct gr_groups {
    const gr_group *group;
    int n;
} gr_groups;
extern const gr_member gr__group_common;
gr_status gr__groups_make(gr_context *ctx, gr__bump *b, const gr_tree *tree, gr_groups *out);
gr_tree *gr__groups_tree(gr__bump *b, const gr_groups *g);
const gr_group *gr__groups_find(const gr_groups *g, const char *name); /* the first that matches; NULL: none */
bool gr__groups_freeze(const gr_groups *g, const char *name);          /* for the whole run */
/* GR_E_NAME for a pattern that matches neither a parameter nor a statistic, GR_E_CONFLICT where every parameter is
 * frozen; warns of groups behind others. */
gr_status gr__groups_check(gr_context *ctx, const gr_groups *g, const gr_param_info *params, size_t n,
                           const gr_entry_spec *states, size_t n_states);

/* GR_E_CONFLICT where something is frozen for a while only and the update does not allow that, with the reason. */
gr_status gr__groups_check_method(gr_context *ctx, const gr_groups *g, const gr_optim *o);

/* ---- lookahead: and average: ---- */

extern const gr_member gr__lookahead_common, gr__swa_common, gr__ema_common;
/* The optimizer's own stands where the recipe says nothing; both together are refused. */
gr_status gr__lookahead_make(gr_context *ctx, gr__bump *b, const gr_tree *tree, gr_preset preset, const gr_optim *o,
                             gr_lookahead *out);
extern const char gr__lookahead_slot[]; /* of each parameter that is trained: its slow weights */
gr_tree *gr__lookahead_tree(gr__bump *b, const gr_lookahead *l, const gr_optim *o);

typedef struct gr_average {
    bool on;
    const struct gr_averaging *rule; /* average.h */
    gr_span start, cycle;
    double lr;       /* constant from the start on; NaN: the schedule goes on */
    bool by_batches; /* running statistics of the mean weights: every batch counts the same, not every sample */
    double decay;    /* of EMA */
    bool warmup;
} gr_average;
gr_status gr__average_make(gr_context *ctx, gr__bump *b, const gr_tree *tree, gr_preset preset, gr_average *out);
gr_tree *gr__average_tree(gr__bump *b, const gr_average *a);
const char *gr__average_slot(const gr_average *a); /* of each parameter: "swa" */
const char *gr__average_kept(const gr_average *a); /* the model that a run keeps of it: "swa.safetensors" */

/* ---- sam: ---- */

typedef struct gr_sam {
    bool on, adaptive;
    double rho;
} gr_sam;
extern const gr_member gr__sam_common;
gr_status gr__sam_make(gr_context *ctx, gr__bump *b, const gr_tree *tree, gr_preset preset, gr_sam *out);
gr_tree *gr__sam_tree(gr__bump *b, const gr_sam *s);
/* Where the second gradient of n tensors is taken, from where the first was: grads are sums, or means, alike. */
void gr__sam_climb(gr_graph *g, const gr_sam *s, const gr_val *points, const gr_val *grads, int n, gr_val *out);

/* ---- prune: and masks ---- */

typedef struct gr_prune_rule {
    bool on;
    double to;
    int64_t from_step, to_step, every;
} gr_prune_rule;
extern const gr_member gr__prune_common;
gr_status gr__prune_make(gr_context *ctx, gr__bump *b, const gr_tree *tree, gr_preset preset, gr_prune_rule *out);
gr_tree *gr__prune_tree(gr__bump *b, const gr_prune_rule *p);
bool gr__prune_due(const gr_prune_rule *p, int64_t step); /* after `step` updates */
double gr__prune_share(const gr_prune_rule *p, int64_t step);

/* The mask of parameter W is slot W.mask: part of the model, of the parameter's shape and layout, 1 to begin with.
 * Where a store has one, graphs of updates hold the weights that it has 0 for at 0. */
#define GR_MASK ".mask"
gr_status gr__mask_add(gr_store *store, const gr_entry_spec *param);
const gr_entry *gr__mask_find(const gr_store *store, const char *param); /* NULL: it has none */
/* x of the parameter's shape with 0 where the mask has 0; x itself without a mask, or where it is GR_NONE. */
gr_val gr__masked(gr_graph *g, const gr_store *store, const gr_entry_spec *param, gr_val x);

/* ---- the clock of a run ---- */

typedef struct gr_clock {
    int64_t step, total; /* updates done; how many there will be, 0: unknown */
    int64_t updates_per_epoch;
} gr_clock;
int64_t gr__clock_updates(gr_span s, const gr_clock *c);
/* Is it frozen in the update that follows c->step updates? NULL: in the first. */
bool gr__groups_frozen(const gr_groups *g, const char *name, const gr_clock *c);
/* After how many updates its group lets it be trained; 0: from the start. */
int64_t gr__groups_since(const gr_groups *g, const char *name, const gr_clock *c);
/* The updates after which something more is trained than before, in order, the first 0; how many. */
enum { GR_MAX_STAGES = 32 };
int gr__groups_stages(const gr_groups *g, const gr_clock *c, int64_t out[GR_MAX_STAGES]);
bool gr__average_began(const gr_average *s, const gr_clock *c); /* are weights collected from here on? */
/* The method of the update that follows `step` updates. */
int gr__optim_phase(const gr_optim *o, const gr_clock *c);
/* Is H z wanted in that update? */
bool gr__optim_curvature(const gr_optim *o, const gr_clock *c);

/* ---- one update as a graph ---- */

typedef struct gr_update_spec {
    const gr_optim *optim;
    int phase;
    const gr_clip *clip;           /* NULL: none */
    const gr_penalties *penalties; /* NULL: none */
    const gr_groups *groups;       /* NULL: none */
    const gr_param_info *params;
    const gr_val *leaves, *grads;         /* grads[i]: the gradient SUM of params[i]; GR_NONE: frozen, untouched */
    const gr_val *rademacher, *curvature; /* AdaHessian: signs z, and the SUM of H z; NULL in updates without it. Of
                                             methods that draw labels the SUM of gradients, and no signs */
    size_t n;
    gr_val count;       /* rank 0: what the sums are divided by */
    gr_val lr;          /* rank-0 feed */
    gr_val seed;        /* rank 0, of what is rounded at random; GR_NONE: 0 */
    gr_val finite;      /* rank 0; GR_NONE: each update waits for all gradients. Else for this and for its own gradient
                           alone, which `finite` of the values is then no part of; only where gr__optim_is_local */
    const gr_clock *at; /* when, as groups that are frozen for a while count it; NULL: none is */
} gr_update_spec;

typedef struct gr_update_values {
    gr_val norm;    /* rank 0: of all gradients together, penalty included, before clipping */
    gr_val penalty; /* rank 0; GR_NONE without penalties */
    gr_val finite;  /* rank 0: finite if all that the update rests on is */
} gr_update_values;

/* Adds everything after the gradients to g. The number of updates lives in slot "optimizer/t" (rank 0). */
/* Does each parameter's update read no gradient but those of its own layer? */
bool gr__optim_is_local(const gr_method *m, const gr_clip *clip);
gr_status gr__optim_build(gr_graph *g, gr_store *store, const gr_update_spec *u, gr_update_values *out);
/* Where the gradient of a parameter is to be taken: the leaf itself, but for methods that look ahead. */
gr_val gr__optim_point(gr_graph *g, gr_store *store, const gr_optim *o, int phase, const gr_groups *groups,
                       const gr_param_info *p, gr_val lr);
/* Signs of a parameter's shape, +1 or -1 with probability 1/2, new in each update. */
gr_val gr__optim_rademacher(gr_graph *g, const gr_param_info *p, gr_val seed, gr_val update);

/* ---- what is done now and then ---- */

typedef struct gr_update_rules { /* what actions and views follow from */
    const gr_optim *optim;
    const gr_lookahead *lookahead;
    const gr_average *average;
    const gr_groups *groups;
} gr_update_rules;

typedef struct gr_action {
    const char *name;
    bool (*due)(const gr_update_rules *r, const gr_clock *c); /* after c->step updates; step 0: before the first */
    /* Adds its assigns; slots that it needs are added to the store, in which those of the updates are already. */
    gr_status (*build)(const gr_update_rules *r, gr_graph *g, gr_store *store, const gr_param_info *params, size_t n);
} gr_action;
enum { GR_MAX_ACTIONS = 8 };
extern const gr_action gr__lookahead_start, gr__lookahead_synchronise, gr__average_collect;
/* Those that the rules ask for, in the order in which they run when several are due. */
int gr__actions(const gr_update_rules *r, const gr_action **out);
/* GR_E_CONFLICT where a fraction of an open-ended run is asked for; warns of what the run, whose length is known, never
 * comes to. */
gr_status gr__actions_check(gr_context *ctx, const gr_update_rules *r, const gr_clock *start);

/* Weights to evaluate instead of those that are trained: slot PARAMETER/slot of each parameter that has one. */
typedef struct gr_view {
    const char *slot;    /* NULL: the parameters themselves; its figures in metrics.jsonl are SLOT_validation_... */
    const char *file;    /* the model of its own that a run keeps; NULL: none */
    const char *counter; /* a slot of rank 0; the view holds nothing while it is 0, and what it holds changes with it;
                            NULL: it always does, and changes with every update */
    bool statistics;     /* running statistics are not those of its weights: they are taken anew, into STATE/slot */
} gr_view;
enum { GR_MAX_VIEWS = 2 };
/* The first is what stands for the model: validated, kept as last and best. */
int gr__views(const gr_update_rules *r, gr_view out[GR_MAX_VIEWS]);
/* The name of a method whose parameters are an average of its steps; NULL: there is none. */
const char *gr__optim_averages(const gr_optim *o);
/* The leaf of a parameter in a view. */
gr_val gr__view_leaf(const gr_view *v, gr_graph *g, const gr_store *store, const char *name, gr_shape shape);
gr_val gr__view_state(const gr_view *v, gr_graph *g, const gr_store *store,
                      const gr_entry_spec *s); /* of a statistic, likewise */

/* ---- shared by the files here ---- */
gr_status gr__slot_beside(gr_graph *g, gr_store *store, const gr_entry_spec *e, const char *name, double initial,
                          gr_val *out); /* ENTRY/NAME, with the entry's shape and layout */
gr_status gr__slot_add(gr_graph *g, gr_store *store, const char *name, gr_shape shape, gr_layout layout, double initial,
                       gr_val *out);
/* The slot OWNER/PHASE NAME as it was added before; GR_NONE: it was not. */
gr_val gr__slot_find(gr_graph *g, const gr_store *store, const char *owner, const char *phase, const char *name);
const char *gr__optim_phase_name(int phase); /* of a switch: "" or "then/" */

#endif
