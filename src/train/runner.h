/* What runs graphs of a task's network: a store, plans, and one arena for all of them. Training, evaluation and
 * whatever looks at a network from outside open, bind and feed their plans here.
 *
 *   gr__runner_open   the store, with the network's parameters and states
 *   gr__runner_add    a plan each; takes no tensor memory
 *   gr__runner_fill   seals the store; initial values, or a model's
 *   gr__runner_bind   the arena, as large as the largest plan wants */
#ifndef GR_TRAIN_RUNNER_H
#define GR_TRAIN_RUNNER_H

#include "data/augment.h"
#include "gradus/plan.h"

struct gr_task;
struct gr_model;

typedef struct gr_runner {
    const struct gr_task *task;
    gr_store *store;
    gr_arena *arena;
    gr_plan **plan; /* bookkeeping memory */
    size_t n, room;
    uint64_t arena_bytes; /* the largest plan's; may be raised before it is bound */
    gr_remat remat;       /* of plans that are added next, and what "auto" keeps to */
    uint64_t budget;
    bool release; /* likewise: their gradients end with their updates, where these allow it */
} gr_runner;

/* Close it also after a failure. */
gr_status gr__runner_open(const struct gr_task *t, gr_runner *out);
void gr__runner_close(gr_runner *r);

typedef gr_status gr_graph_maker(void *user, gr_graph *g);
/* A plan of what `make` adds to an empty graph. It may add slots to the store. out (may be NULL): borrowed. */
gr_status gr__runner_add(gr_runner *r, const char *name, gr_graph_maker *make, void *user, gr_plan **out);
/* The same in the place of one that is there, which is gone then. */
gr_status gr__runner_replace(gr_runner *r, gr_plan **plan, const char *name, gr_graph_maker *make, void *user);
/* Another, which takes its place if its arena is smaller, and is gone otherwise. */
gr_status gr__runner_rival(gr_runner *r, gr_plan **plan, const char *name, gr_graph_maker *make, void *user);
/* model NULL: the recipe's initial values. */
gr_status gr__runner_fill(gr_runner *r, const struct gr_model *model);
gr_status gr__runner_bind(gr_runner *r);

/* ---- feeds of a bound plan, found by what they are ---- */
typedef struct gr_feeds {
    void *field[GR_MAX_FIELDS]; /* in the order of batches; NULL: not taken */
    size_t bytes[GR_MAX_FIELDS];
    gr_field_role role[GR_MAX_FIELDS];
    int64_t steps[GR_MAX_FIELDS]; /* LENGTH: of a whole sample */
    int n;
    bool wide; /* reals are double */
    double *lr, *seed, *update, *position, *first, *share;
    const gr_mixture *mixture; /* of the recipe; kind NONE, or partner NULL: nothing is mixed */
    int32_t *partner;
    double *mix_share, *mix_top, *mix_left, *mix_bottom, *mix_right;
    int64_t partners;
} gr_feeds;
gr_feeds gr__feeds_find(const struct gr_task *t, gr_plan *p);
/* Copies what is not there already: a loader may have gathered straight into the feeds. Samples without weights weigh
 * 1, of those without lengths all steps count. */
void gr__feeds_put(const gr_feeds *f, const gr_batch *b);
/* What an update goes by beside its batch; lr, and what only some plans take, is the caller's. */
void gr__feeds_moment(const gr_feeds *f, uint64_t seed, int64_t step, int64_t position);

/* Runs a plan for a batch as if it were the first of the first update; b NULL: it takes none. */
gr_status gr__runner_run(const gr_runner *r, gr_plan *p, const gr_batch *b);

#endif
