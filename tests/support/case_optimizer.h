/* Holding an optimizer against its evidence, and what runs one parameter update by update. */
#ifndef GR_TESTS_CASE_OPTIMIZER_H
#define GR_TESTS_CASE_OPTIMIZER_H

#include "optim/optim.h"
#include "support/evidence.h"

typedef struct ev_setup { /* what an update is made of; pointers may be NULL, but for optim */
    const gr_optim *optim;
    int phase;
    bool curved; /* with feeds "z0", "hz0" of the first parameter, and so on */
    const gr_clip *clip;
    const gr_penalties *penalties;
    const gr_groups *groups;
} ev_setup;

enum { EV_PARAMS = 4 };

/* One parameter "p" and the slots that its update has: what a store keeps between updates. Methods that want curvature
 * are given signs z and sums of H z in the updates that ask for them. */
typedef struct ev_trainer {
    gr_context *ctx;
    const gr_optim *optim;
    gr_graph *g[2]; /* an update without curvature, and with it; NULL: there is none */
    gr_store *store;
    double *value[16]; /* p first, then the slots in the store's order */
    char name[16][64];
    int n;
    int64_t step;
    double lr, count;
    double *g_sum, *z, *hz_sum; /* z, hz_sum: read in updates with curvature */
    gr_val norm[2];
} ev_trainer;

/* Adds the update of n parameters to g. */
gr_status ev_update(gr_graph *g, gr_store *store, const ev_setup *s, const gr_param_info *params, const gr_val *leaves,
                    const gr_val *grads, size_t n, gr_val count, gr_val lr, gr_update_values *out);
gr_param_info ev_param(const ev_case *c, gr_shape shape);
bool ev_trainer_open(ev_trainer *t, gr_context *ctx, const ev_setup *setup, gr_param_info p);
void ev_trainer_close(ev_trainer *t);
/* One update with t->g_sum, t->lr, t->count: every assign is evaluated from the old values, then all are written. norm
 * may be NULL. */
bool ev_trainer_step(ev_trainer *t, double *norm);
bool ev_optimizer_case(ev_bench *b, const void *member, const ev_case *c, verdict *v);

bool check_optimizer(const gr_optimizer *m, const evidence *e, verdict *v);

#endif
