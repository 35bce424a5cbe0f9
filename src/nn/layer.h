/* Layers: what a member of the family is, and what a network is built with. None knows a backend, a plan or the
 * trainer. */
#ifndef GR_NN_LAYER_H
#define GR_NN_LAYER_H

#include "nn/common.h"
#include "nn/param.h"
#include "nn/prediction.h"
#include "nn/targets.h"
#include "gradus/graph.h"
#include "gradus/settings.h"

/* ---- building a network for one mode and batch ---- */
/* What stands for parameters and states in a graph, and what becomes of what a batch says. */
typedef struct gr_binding {
    gr_val (*leaf)(void *user, const gr_param_info *p);                              /* NULL: the parameter itself */
    gr_val (*state)(void *user, const gr_entry_spec *s);                             /* NULL: the state itself */
    void (*observe)(void *user, const gr_entry_spec *s, gr_val batch, gr_val share); /* NULL: states stay as they are */
    void *user;
} gr_binding;

typedef struct gr_input_name { /* what gives a layer's input: a layer's name, or an input's of the network */
    const char *name;
    gr_val value;
} gr_input_name;

struct gr_build;
typedef struct gr_stream gr_stream;   /* random numbers that a layer draws: nn/build.c */
typedef struct gr_stepped gr_stepped; /* a value whose samples have lengths of their own: nn/lengths.c */

/* Makes weights and biases that are no parameters of their own; others are declared as usual. */
typedef struct gr_param_maker gr_param_maker;
struct gr_param_maker {
    gr_val (*make)(struct gr_build *b, gr_param_maker *m, const char *suffix, gr_shape shape, gr_role role,
                   int64_t fan_in, int64_t fan_out);
};

typedef struct gr_build {
    gr_context *ctx;
    gr_graph *g;
    gr_mode mode;
    gr_preset preset;              /* of the recipe: defaults of layers within layers */
    gr__bump *memory;              /* of the network: settings, names */
    const gr_targets *targets;     /* what the training rows say of their targets; may be NULL */
    gr_val seed, update, position; /* rank 0, for random leaves; GR_NONE when mode is not TRAIN */
    double updates;                /* of the whole run; 0: not known */
    gr_param_info *params;         /* collected in order of first use; equal names are one parameter */
    size_t n_params, params_capacity;
    gr_entry_spec *states; /* likewise, of layers that keep statistics */
    size_t n_states, states_capacity;
    const char *layer;         /* full name of the layer being built: "r1.c1" */
    const gr_input_name *from; /* what gives its inputs, for messages; n_from of them, 0 where nobody says */
    int n_from;
    gr_follow follow; /* set by the network for the layer being built, from the layers after it; its own `activation:`
                         wins and is seen to  by gr__activation_follow */
    double slope;
    bool last;
    int head;          /* of a last layer: whose */
    const char *usual; /* the initialiser of parameters declared now, unless one is asked for; NULL: by their role */
    int blocks;        /* of parameters declared now (gr_param_info) */
    bool settled;      /* likewise: `usual` is theirs whatever the recipe's `init:` has */
    bool inside;       /* likewise: their sums go through more of the layer (gr_param_info) */
    const gr_tree *init;
    bool inherited; /* `init` is that of a layer around this one: not for what normalises, nor for slopes */
    gr_binding bind;
    bool (*rests)(const void *user, const char *state); /* is this statistic frozen by name; NULL: none is */
    const void *rests_user;
    const struct gr_adapter *adapter; /* nn/adapter.h; NULL: weights have none */
    gr_param_maker *maker;            /* of the parameters of layers that are built now; NULL: they are declared */
    gr_val lengths; /* [B] GR_I32: how many steps of each sample count, GR_NONE: all of them. Set for each layer from
                       whichever of its inputs have some, layers within layers too; inputs of two lengths are refused. A
                       layer whose output has no steps any more sets it to GR_NONE */
    gr_stepped *stepped; /* what is known of inputs and of what layers gave */
    size_t n_stepped, stepped_capacity;
    int depth;         /* of layers within layers: how many are being built */
    const char *path;  /* their names, the network's own first: "r/r.conv1" */
    const gr_tree *at; /* where they are written */
    gr_stream *streams;
    size_t n_streams, streams_capacity;
    const char *lonely; /* the first layer that normalises one value by itself; NULL: none */
    bool sketch;        /* the graph is made for its shapes and is never run */
    bool exact; /* its derivatives are held against differences: what is approached is approached to the last digits */
} gr_build;

/* Declares (or finds) parameter LAYER.suffix and gives its leaf. */
gr_val gr__build_param(gr_build *b, const char *suffix, gr_shape shape, gr_role role, gr_layout layout, int64_t fan_in,
                       int64_t fan_out);
/* The parameter OWNER.suffix that a layer declared, and its leaf; NULL: there is none. */
const gr_param_info *gr__build_shared(const gr_build *b, const char *owner, const char *suffix);
gr_val gr__build_leaf(gr_build *b, const gr_param_info *p);
/* Declares a statistic of batches, which the layer needs when it does not train, and gives it: slot LAYER.suffix, part
 * of the model. It starts at `initial`. */
gr_val gr__build_state(gr_build *b, const char *suffix, gr_shape shape, double initial);
/* A training batch gives the declared statistic this value: it moves towards it by `share`, 0 to 1, of rank 0. */
void gr__build_observe(gr_build *b, const char *suffix, gr_val batch, gr_val share);
/* Whether this statistic is frozen, so that it stands for the batch's in training too. */
bool gr__build_rests(const gr_build *b, const char *suffix);
/* How many batches were observed before this one, rank 0: declares slot LAYER.suffix, which is the run's and no part of
 * the model, and counts this batch. Only in TRAIN. */
gr_val gr__build_count(gr_build *b, const char *suffix);
/* old (1 - share) + batch share; the batch's alone for a share of 1, whatever the old one is. share: rank 0. */
gr_val gr__statistic(gr_graph *g, gr_val old, gr_val batch, gr_val share);
/* Is it a parameter or statistic of this layer itself: "c1.weight" of "c1", not "c1.a.weight"? */
bool gr__is_of_layer(const char *name, const char *layer);
/* What the layer's own stream of random numbers is called, LAYER/use. NULL: the graph failed, since another layer has
 * it. */
const char *gr__build_stream(gr_build *b, const char *use);
/* A random leaf of that stream: uniform [0,1), shape [samples, ...]. Only in TRAIN. */
gr_val gr__build_random(gr_build *b, const char *use, gr_shape shape);
/* Sequences of different lengths, x [B,T,...] with `other` in the place of steps that do not count; x itself where all
 * do. */
gr_val gr__build_counted(gr_build *b, gr_val x, double other);
/* How many rows of x [B,T,...,F] count: of all samples, rank 0. b->lengths is not GR_NONE. */
gr_val gr__build_counts(gr_build *b, gr_val x);
/* For layers that work on the last axis: false with the graph failed where x [B,T] has no other axis than steps. */
bool gr__build_has_features(gr_build *b, gr_val x);
/* Is it no activation: nothing, `none` or `linear`, as a name or {type: linear}? */
bool gr__activation_none(const gr_tree *activation);
/* Applies an `activation:` value to x: none gives x; a name or {type: ..., settings} gives that
 * layer's result; parameters of it are called LAYER.activation.suffix. dense and conv call it themselves. */
gr_val gr__activation_build(gr_build *b, const gr_tree *activation, gr_val x);
/* The same of a layer that has several: its parameters are called LAYER.name.suffix. */
gr_val gr__activation_named(gr_build *b, const char *name, const gr_tree *activation, gr_val x);
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

typedef enum gr_normalises {
    GR_NORMALISES_NOTHING,
    GR_NORMALISES_SAMPLES, /* each by itself */
    GR_NORMALISES_BATCHES  /* by what is found over a batch */
} gr_normalises;

/* What a layer does with the channels of what it takes, a sample's last axis: what may go with a channel that is 0. */
typedef enum gr_channels {
    GR_CHANNELS_ALL,     /* it wants them all: they are counted, ordered, mixed, or 0 makes something of itself */
    GR_CHANNELS_EACH,    /* each by itself, 0 stays 0: what it keeps, a number a channel, may go with it */
    GR_CHANNELS_FLAT,    /* likewise, where all axes become one: of pictures channels first */
    GR_CHANNELS_BESIDE,  /* of several, side by side along its `axis` */
    GR_CHANNELS_SUMMED,  /* each output sums them: they are the last axis of its weight */
    GR_CHANNELS_FILTERED /* likewise, by as many `filters` as its row says, in so many `groups` */
} gr_channels;

typedef struct gr_layer {
    gr_member head;
    int min_inputs, max_inputs; /* usually 1, 1; add: 2, many */
    bool activation_only;       /* relu, tanh, ...: usable as `activation:` and looked through for `follow` */
    gr_follow follow;           /* what an activation counts as for initialisers; GR_FOLLOW_LEAKY has a row `slope` */
    double low, high;      /* of an activation that is flat towards both: what it gives lies between; both 0: of none */
    bool inner_activation; /* its row `activation` is for sums within, not for what it gives */
    bool transparent; /* flatten, pooling, dropout, normalisation: the activation after it counts for the layer before
                         it */
    gr_normalises normalises; /* what it gives has mean 0, variance 1, or the like, by whatever statistics */
    bool unshifted;           /* it trains a scale, but no shift */
    bool corrects;            /* of a batch's statistics what is chance is put right: small batches do */
    bool multiplies;          /* its inputs with each other: one may be a gate */
    bool pointwise;           /* of one input, every number by itself, whatever its axis; activations count as such */
    gr_channels channels;     /* of a sample */
    bool flattens;            /* a sample's axes end here: what follows tells no steps from features */
    bool weights_a_sample;    /* its parameters may have an axis of samples before their own */
    bool drops;               /* does nothing but leave numbers out at random: outside of training it hands on */
    const char *drop_rate;    /* the row that says with which probability it leaves numbers out; NULL: it leaves none */
    const char *norm_choice;  /* the row by which it normalises within, `none`: not at all; NULL: there is none */
    bool gated;               /* what it gives is weighed by shares, gates or those of a mean: below 1 by what it is */
    bool reorders;            /* axes of a sample change places */
    const char *names;        /* this row is the name of another layer, looked up as `from` is; NULL: none is */
    const char *vocabulary;   /* it takes indices (GR_I32), below what this row says; NULL: numbers */
    bool takes_lengths; /* steps beyond gr_build.lengths change nothing of the others; others are refused lengths, but
                           for activations and what is pointwise. It keeps as many steps, or ends them. Of a layer that
                           holds others these are asked, each for itself */
    gr_prediction_form gives; /* what its outputs may be read as without more */
    const char *const
        *parts; /* rows that hold lists of layers, NULL-ended; or NULL. In a network these stand as layers
                   of their own, each list a chain from what the layer takes, and then `joined`, under the
                   layer's name, which takes what the lists give; a list that is absent gives the input on */
    const struct gr_layer *joined;
    gr_val (*build)(gr_build *b, const gr_settings *s, const gr_val *in, int n_in); /* errors through gr_graph_fail */
} gr_layer;
#define GR_LAYER(name) const gr_layer gr__layer_##name
const gr_layer *const *gr__layers(int *n); /* generated, sorted by name */
extern const gr_family gr__family_layer;   /* generated */

/* ---- layers within layers ---- */

/* What a recipe's tree says of a layer, checked. */
typedef struct gr_layer_said {
    const gr_layer *member;
    gr_settings settings;
    const gr_tree *activation; /* of a layer that has no such row of its own: applied to what it gives; or NULL */
    const gr_tree *init;       /* its own initialisers or NULL */
} gr_layer_said;
/* The layer that a tree names, as a map with `type` or a plain name; NULL: refused, kept in ctx. */
const gr_layer *gr__layer_find(gr_context *ctx, const gr_tree *t);
/* The same among those that fit; noun: what messages call them. */
const gr_layer *gr__layer_among(gr_context *ctx, const char *noun, bool (*fits)(const gr_layer *m), const gr_tree *t);
/* Every key but `name` and `from`, which belong to what the layer stands in. */
gr_status gr__layer_said(gr_context *ctx, gr__bump *b, const gr_layer *m, const gr_tree *t, gr_preset preset,
                         gr_layer_said *out);
/* Builds it on in, with b->layer, follow, slope, last and init set for it, in a scope of its own. Failing: the error
 * has the place of t. */
gr_val gr__layer_build(gr_build *b, const gr_layer_said *s, const gr_tree *t, const gr_val *in, int n_in);
/* Whether it takes n inputs; else refused at `at`. */
gr_status gr__layer_inputs(gr_context *ctx, const gr_tree *at, const gr_layer *m, int n);
/* A layer that gives what it takes, for whoever wants that under a name: a map without one. NULL: no memory. */
gr_tree *gr__layer_idle(gr__bump *b);
/* A tree that a layer makes for one within it, {type: dense, units: 3}, with the place of `at`: its own tree. NULL: the
 * graph failed. text may be NULL, where memory ran out. */
const gr_tree *gr__layer_made(gr_build *b, const gr_tree *at, const char *text);

/* Builds the layer that the tree says, as in a recipe, within the one being built: what it declares is called
 * LAYER.name.…, and errors name both. `activation:` and `init:` of its tree count as in a recipe, the outer layer's
 * init where it has none; `name` and `from` are the caller's to heed. Its output meets no activation but its own.
 * layer NULL: the graph has failed. */
gr_val gr__build_inner(gr_build *b, const char *name, const gr_tree *layer, const gr_val *in, int n_in);
/* The same for a layer whose output meets `activation` next, though a normalisation may stand between. */
gr_val gr__build_before(gr_build *b, const char *name, const gr_tree *layer, const gr_tree *activation,
                        const gr_val *in, int n_in);
/* The same of a row that takes normalisations alone, of one input, or an activation in the place of one. */
gr_val gr__build_norm(gr_build *b, const char *name, const gr_tree *norm, const gr_tree *activation, gr_val x);
/* Builds a list of layers, as in a recipe, within the one being built: names, `from`, `repeat` and all. The first layer
 * takes in[0]; `from` may name the others, by names[]. */
gr_val gr__build_list(gr_build *b, const gr_tree *list, const char *const *names, const gr_val *in, int n_in);
/* Builds what `parts` of the layer being built hold, and what joins them. */
gr_val gr__build_parts(gr_build *b, const gr_settings *s, const gr_val *in, int n_in);

#endif
