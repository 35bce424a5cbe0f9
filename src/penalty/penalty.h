/* Penalties: terms of the cost that depend on the weights alone. */
#ifndef GR_PENALTY_PENALTY_H
#define GR_PENALTY_PENALTY_H

#include "nn/common.h"
#include "nn/param.h"
#include "gradus/graph.h"

typedef struct gr_penalty {
    gr_member head; /* head.name is its key in `penalty:`, whose value is the coefficient */
    gr_val (*value)(gr_graph *g,
                    gr_val w); /* rank 0: the term of one tensor with coefficient 1; its gradient follows from it */
    gr_val (*proximal)(gr_graph *g, gr_val w,
                       gr_val threshold); /* argmin_u (u - w)^2 / 2 + threshold term(u); NULL: none in closed form */
} gr_penalty;
#define GR_PENALTY(name) const gr_penalty gr__penalty_##name
const gr_penalty *const *gr__penalties(int *n); /* generated */
extern const gr_family gr__family_penalty;      /* generated */

/* ---- penalty: ---- */

enum { GR_MAX_PENALTIES = 8 };
typedef struct gr_penalties {
    struct {
        const gr_penalty *member;
        double coefficient;
    } term[GR_MAX_PENALTIES]; /* those whose coefficient is not 0 */
    int n;
    bool proximal; /* terms that can are applied after the step instead of through their gradient */
    bool biases;   /* all parameters are penalised, not weights and embeddings alone */
} gr_penalties;
extern const gr_member gr__penalty_common;
gr_status gr__penalty_make(gr_context *ctx, gr__bump *b, const gr_tree *tree, gr_preset preset, gr_penalties *out);
gr_tree *gr__penalty_tree(gr__bump *b, const gr_penalties *p);
bool gr__penalty_applies(const gr_penalties *p, const gr_param_info *param);
/* The penalties of parameters that stand in the graph as leaves[i] (GR_NONE: left out); rank 0, GR_NONE where there are
 * none. by_gradient: without those that are applied after the step. */
gr_val gr__penalty_value(gr_graph *g, const gr_penalties *p, const gr_param_info *params, const gr_val *leaves,
                         size_t n, bool by_gradient);

#endif
