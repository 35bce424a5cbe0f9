/* Optimizers: what a member of the family is, and what it writes its update with. */
#ifndef GR_OPTIM_OPTIMIZER_H
#define GR_OPTIM_OPTIMIZER_H

#include "nn/common.h"
#include "nn/param.h"
#include "gradus/graph.h"
#include "gradus/plan.h"

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
    gr_val t;              /* rank 0: 1 for the first update of this method, of a parameter that it trains */
    int64_t since;         /* updates before those, in which it was frozen */
    gr_val decay; /* rank 0: weight decay of this parameter (0 for biases), for members that have a place of their own
                     for it */
    gr_val gradient_norm; /* rank 0: the norm of the gradient as update gets it, from the pass that takes the norm of
                     all of them where it can be */
    gr_val rademacher;    /* AdaHessian: signs z; GR_NONE in updates without curvature */
    gr_val curvature;     /* H z, the mean over the samples, H the Hessian of the cost; of `drawn` methods the gradient
                             for labels that the model itself has drawn */
    gr_val count;         /* rank 0: what means over the samples are divided by */
    int slot_bits;        /* of large slots: 16 or 8; 0: they are as they are */
    gr_val seed;          /* rank 0, of how these are rounded */
    const char *positive[4]; /* slots among them whose numbers are never below 0 */
    int n_positive;
    double squares; /* of what is squared for slots: how many times as large as a gradient; 0: nothing is */
    gr_val w, d,
        out; /* for update_all: weight, direction (clipping and coupled decay in it); receives the new weight */
} gr_step;
gr_val gr__step_arg(gr_step *s, const char *name);      /* rank-0 constant from the settings */
gr_val gr__step_slot(gr_step *s, const char *name);     /* the parameter's slot NAME, its shape, starts at 0 */
gr_val gr__step_positive(gr_step *s, const char *name); /* the same, of numbers that are never below 0 */
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
/* The same of x that gradients make, where none is larger than `times` the largest of them. */
gr_val gr__step_square_of(gr_step *s, gr_val x, double times);
/* Rank 0, in double: the Euclidean norm, finite for every finite float32 tensor, and in float64 for numbers below
 * 2^600. In parts: sums of squares that may be added up for several tensors, and the root of them. */
gr_val gr__norm(gr_graph *g, gr_val x);
gr_val gr__squares(gr_graph *g, gr_val x); /* scaled: only for what follows */
gr_val gr__squares_root(gr_graph *g, gr_val q);
/* Rank 0: finite as long as the square of every number of factor x fits the store's type. */
gr_val gr__squares_fit(gr_graph *g, const gr_store *s, gr_val q, gr_val factor);
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

/* The first moment of the gradient, as a method keeps it: in a slot of each parameter. */
typedef struct gr_first_moment {
    const char *slot; /* NULL: with these settings it keeps none */
    enum {
        GR_MOMENT_STEPS,   /* of steps that the method has scaled: worth nothing to another method */
        GR_MOMENT_AVERAGE, /* m <- decay m + (1 - decay) g from 0: m / (1 - decay^t) is a mean of gradients */
        GR_MOMENT_SUM      /* m <- decay m + share g */
    } of;
    double decay, share;
} gr_first_moment;

typedef enum gr_decay {
    GR_DECAY_COUPLED,   /* added to the gradient */
    GR_DECAY_DECOUPLED, /* taken off the weight */
    GR_DECAY_OWN,       /* the member places s->decay itself, and a recipe's `decay` is refused */
} gr_decay;
const char *gr__decay_name(gr_decay d); /* as `decay` has it; NULL for GR_DECAY_OWN */

typedef struct gr_optimizer {
    gr_member head;           /* rows include lr; the common rows are added by the family (not repeated in members) */
    gr_decay decay;           /* where weight decay stands; the first two are the default of `decay` */
    const char *weight_decay; /* its default; NULL: 0 */
    bool for_design;          /* simple enough to try a network with, before its design stands */
    bool whole_set;           /* a batch is the whole training set */
    bool averages;            /* the parameters are an average of its steps, and gradients are taken elsewhere */
    gr_status (*check)(gr_context *ctx,
                       const gr_settings *s);         /* refuses settings that contradict each other; may be NULL */
    gr_val (*update)(gr_step *s, gr_val w, gr_val g); /* the new w; g has clipping and coupled decay in it */
    void (*update_all)(gr_step *s, size_t n);         /* instead: all parameters at once, where they decide together */
    gr_val (*point)(gr_step *s, gr_val w);            /* where the gradient is taken; NULL: at w */
    gr_val (*decay_rate)(gr_step *s);                 /* what decoupled decay is multiplied by; NULL: s->lr */
    int64_t (*curvature_every)(
        const gr_settings *s);           /* H z is wanted every so many updates, the first included; NULL: never */
    bool (*drawn)(const gr_settings *s); /* instead of H z it wants gradients for labels that are drawn by the model's
                                            probabilities; NULL: it does not */
    gr_lookahead (*lookahead)(const gr_settings *s);       /* it contains LookAhead; NULL: it does not */
    gr_first_moment (*first_moment)(const gr_settings *s); /* what LookAhead resets and a switch carries; NULL: none */
} gr_optimizer;
/* The default of a row of an optimizer, its own or a common one: common rows cannot know those of `decay` and
 * `weight_decay`, which are the member's. */
const char *gr__optimizer_default(const gr_optimizer *o, const gr_row *r);
#define GR_OPTIMIZER(name) const gr_optimizer gr__optimizer_##name
const gr_optimizer *const *gr__optimizers(int *n);
extern const gr_family gr__family_optimizer; /* generated */

#endif
