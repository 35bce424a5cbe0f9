/* Pruning of weights in a store: the smallest become 0, and masks remember which. Floor 6. */
#ifndef GR_MODEL_EDIT_PRUNE_H
#define GR_MODEL_EDIT_PRUNE_H

#include "model/file.h"
#include "model/model.h"
#include "model/network.h"
#include "optim/optim.h"

/* Weights with their masks, which are pruned by one order of magnitude. */
typedef struct gr_prunable {
    const gr_entry *weight, *mask;
} gr_prunable;

/* How many of n numbers are to be 0. */
int64_t gr__prune_count(double sparsity, int64_t n);
int64_t gr__mask_zeros(const gr_store *s, const gr_entry *mask);
/* Makes `count` numbers of these tensors 0 and masks them: first those that are masked already, then the smallest, of
 * equal ones the first in the order of tensors, and in each that of the file. More that are masked already stay so. */
void gr__prune(gr_store *s, const gr_prunable *p, int n, int64_t count);
/* What masks have 0 for becomes 0: in the weights, and in these slots of them (NULL-ended) where they have such. */
void gr__masks_hold(gr_store *s, const char *const *slots);

/* Names of the parameters that a model file, or a checkpoint, has masks of; in b. */
gr_status gr__masks_listed(gr__bump *b, const gr_st *file, const char *const **names, int *n);

/* ---- a model with fewer weights that are not 0 ---- */

typedef struct gr_pruning {
    double sparsity; /* share of the weights that are 0 */
    bool global;     /* of all together, not of each tensor */
} gr_pruning;

typedef struct gr_pruned {
    const char *name;
    int64_t weights, pruned;
} gr_pruned;

/* Writes the model, its weights pruned and masked, to `out`. Receives its weight tensors, in b. GR_E_RANGE where more
 * is masked already than is asked for, GR_E_CONFLICT where the network has no weights. */
gr_status gr__prune_model(gr_context *ctx, const gr_model *m, const gr_pruning *how, const char *out, gr__bump *b,
                          gr_pruned **tensors, size_t *n);

#endif
