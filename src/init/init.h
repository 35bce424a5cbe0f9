/* Initialisers: what a member of the family is, and which of them fills a parameter. */
#ifndef GR_INIT_INIT_H
#define GR_INIT_INIT_H

#include "base/rng.h"
#include "nn/common.h"
#include "nn/param.h"
#include "nn/prediction.h"
#include "nn/targets.h"

extern const gr_member
    gr__init_section; /* rows of `init:` itself: weights, bias, last_bias, relu_bias; a layer's own has the first two */

typedef struct gr_init_target {
    const gr_param_info *param;
    int64_t count; /* numbers wanted: the next ones in memory order, or all of them (`spread`) */
    gr__rng *rng;  /* its own stream: the parameter's name */
} gr_init_target;
/* Takes n numbers that belong `stride` apart, the first at `first` in memory order. */
typedef struct gr_init_sink {
    void (*put)(void *user, int64_t first, int64_t stride, int64_t n, const double *values);
    void *user;
} gr_init_sink;
typedef struct gr_init {
    gr_member head;
    bool weights_only; /* makes no sense for biases */
    bool gate_biases;  /* makes sense for biases of four gates alone */
    bool own_size;     /* by what it is for: that it may be far from 1 / sqrt(fan-in) is no mistake */
    bool equal;        /* one value for all: the units of a layer start equal */
    gr_status (*check)(gr_context *ctx,
                       const gr_settings *s); /* refuses settings that contradict each other; may be NULL */
    /* Exactly one of the two. Numbers that follow each other in the stream, in memory order: a tensor is filled in
     * pieces, one call a piece. */
    gr_status (*fill)(gr_context *ctx, const gr_settings *s, const gr_init_target *t, double *values);
    /* Numbers that hang together: all at once, in any order, with working memory of `work` bytes. */
    gr_status (*spread)(const gr_settings *s, const gr_init_target *t, void *work, const gr_init_sink *to);
    uint64_t (*work)(const gr_param_info *p); /* of `spread` */
} gr_init;
#define GR_INIT(name) const gr_init gr__init_##name
const gr_init *const *gr__inits(int *n);
extern const gr_family gr__family_init; /* generated */

typedef struct gr_init_from { /* what all starting values of a network are made from */
    const gr_tree *tree;      /* the recipe's `init:` map or NULL */
    gr_preset preset;
    uint64_t seed;
    const gr_targets *targets;     /* for last_bias: auto; NULL: nothing known */
    gr_prediction_form prediction; /* how the cost reads the output */
} gr_init_from;

typedef struct gr_init_choice { /* for one parameter */
    const gr_init *member;      /* NULL: last_bias: auto */
    gr_settings settings;
    bool asked; /* the recipe or the layer says so */
} gr_init_choice;
bool gr__init_adds(const gr_param_info *p); /* a bias, or a normalisation's shift: `bias` of `init:` is its key */
/* The layer's own; for biases last_bias in the last layer, relu_bias before a ReLU; the recipe's; by default Kaiming
 * truncated normal, Xavier uniform where sigmoid, tanh or nothing follows, zeros for biases. The choice lives in b. */
gr_status gr__init_choose(gr_context *ctx, gr__bump *b, const gr_init_from *from, const gr_param_info *p,
                          gr_init_choice *out);
gr_tree *gr__init_choice_tree(gr__bump *b, const gr_init_choice *c);     /* {type: kaiming, ...}, or `auto` */
uint64_t gr__init_work(const gr_init_choice *c, const gr_param_info *p); /* bytes that gr__init_fill wants beside it */
/* Every number of the parameter once. work: as many bytes as gr__init_work says, aligned for a double. */
gr_status gr__init_fill(gr_context *ctx, const gr_init_from *from, const gr_param_info *p, const gr_init_choice *c,
                        void *work, const gr_init_sink *to);
/* The same of one member, as an array of all t->count numbers. */
gr_status gr__init_values(gr_context *ctx, const gr_init *m, const gr_settings *s, const gr_init_target *t,
                          double *values);
/* Both choosing and filling, into an array. */
gr_status gr__init_param(gr_context *ctx, const gr_init_from *from, const gr_param_info *p, double *values);
/* Biases b of n outputs with which a network that adds nothing else predicts what the training targets are on average:
 * log(n_k/N) for shares, log(n_1/n_0) for labels, the mean for values. A class without targets counts as half a one,
 * with a warning. */
void gr__init_last_bias(gr_context *ctx, const gr_targets *t, gr_prediction_form prediction, int64_t n, double *values);

/* Check an `init:` tree, the recipe's or a layer's own, and give it with every default filled in. */
gr_status gr__init_resolve(gr_context *ctx, gr__bump *b, const gr_tree *tree, gr_preset preset, gr_tree **out);
gr_status gr__init_resolve_own(gr_context *ctx, gr__bump *b, const gr_tree *tree, gr_preset preset, gr_tree **out);
/* Whether the recipe's `init:` has last_bias: auto; gives the tree of that key, for its place. */
const gr_tree *gr__init_last_bias_auto(const gr_tree *tree);

#endif
