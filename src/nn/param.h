/* Parameters: what a layer declares while it is built. */
#ifndef GR_NN_PARAM_H
#define GR_NN_PARAM_H

#include "base/tree.h"
#include "gradus/plan.h"

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
    const char *usual;         /* its initialiser unless one is asked for: "{type: normal, std: 1}", or a
                                  name that `init:` may have settings of; NULL: by its role */
    bool settled;              /* and that whatever the recipe's `init:` has: only the layer's own wins */
    int64_t blank_at, n_blank; /* elements that start as 0 whatever the initialiser */
    const gr_tree *init;       /* the layer's own `init:` {weights, bias}, or NULL */
    bool last;                 /* belongs to a layer that gives an output of the network; of a bias: is added to it */
    bool inside;               /* what it makes sums of goes through more of its layer than an activation */
    int head;                  /* of a last one: whose */
    bool adaptable;            /* a matrix that rows are multiplied by: it may have a low-rank adapter */
    const char *owner;         /* the layers that declared it, from the network's own to the one within: "r/r.conv1" */
    const gr_tree *at;         /* and where they are written; may be NULL */
} gr_param_info;

#endif
