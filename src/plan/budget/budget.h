/* A graph of computations under a budget of memory: which of its values are kept, and which are computed again. A
 * schedule says what is computed and freed, one after the other; computations are known by their costs and sizes alone.
 *
 * Memory is counted as in Checkmate: a value counts while it is computed, beside all that stand then, what it reads
 * among them; it can be freed behind any computation that does not read it later. Computations run for the first time
 * in the graph's order, each at least once. [Jain et al. 2020] */
#ifndef GR_PLAN_BUDGET_BUDGET_H
#define GR_PLAN_BUDGET_BUDGET_H

#include "base/base.h"

typedef struct gr_budget_graph {
    int n;              /* computations, in an order in which they can run; each makes one value */
    const double *cost; /* of each, >= 0; any unit */
    const int64_t *bytes;
    const int *first, *from; /* i reads from[first[i]] ... from[first[i + 1] - 1]: rising, below i */
    int64_t fixed;           /* bytes that stand all the time */
} gr_budget_graph;

typedef struct gr_budget_step {
    int node;
    bool frees; /* else it is computed */
} gr_budget_step;

typedef struct gr_budget_schedule {
    gr_budget_step *step;
    int n;
    double cost;     /* of all that is computed */
    int64_t peak;    /* bytes, `fixed` included */
    double bound;    /* no schedule costs less */
    const char *way; /* what found it */
} gr_budget_schedule;

/* How schedules are looked for. */
typedef enum gr_budget_way {
    GR_BUDGET_AUTO,    /* SEARCH, then the best of the others where that has met its limit */
    GR_BUDGET_KEEP,    /* nothing is computed twice */
    GR_BUDGET_GREEDY,  /* frees what is cheap to have again, large, and wanted late. [Kirisame et al. 2021] */
    GR_BUDGET_CHAIN,   /* forward and backward of a chain, exact where values are computed in nested parts. [Beaumont et
                          al. 2019] */
    GR_BUDGET_SEARCH,  /* exact: the shortest way through sets of values that stand */
    GR_BUDGET_PROGRAM, /* exact: Checkmate's integer program, by CBC */
    GR_BUDGET_ROUNDED, /* its relaxation, rounded */
    GR_BUDGET_WAYS,
} gr_budget_way;
extern const char *const gr__budget_way_words[GR_BUDGET_WAYS + 1]; /* NULL behind the last */

typedef struct gr_budget_options {
    gr_budget_way way;
    int64_t limit; /* of SEARCH: states; of PROGRAM: nodes of its tree; 0: the usual ones */
} gr_budget_options;

/* The cheapest schedule that is found below `budget` bytes, in b; the same on every machine. GR_E_BUDGET: none fits, or
 * none was found; the message tells which. GR_E_CONFLICT: the way does not take such a graph. GR_E_FILE: its library is
 * not there. */
gr_status gr__budget_solve(gr_context *ctx, gr__bump *b, const gr_budget_graph *g, int64_t budget,
                           const gr_budget_options *o, gr_budget_schedule *out);
/* Below this many bytes no schedule fits: every value needs room beside what it reads. */
int64_t gr__budget_floor(const gr_budget_graph *g);

/* ---- between the files of this folder ---- */

/* What is computed, in this order, as a schedule that frees every value behind its last reader. In b. */
gr_status gr__budget_from_order(gr_context *ctx, gr__bump *b, const gr_budget_graph *g, const int *order, int n,
                                gr_budget_schedule *out);

/* A way: *order stays NULL where nothing fits, or was found. bound 0: it knows none. All in b. */
typedef struct gr_budget_found {
    int *order, n;
    double bound;
    bool exact; /* nothing is cheaper; and where there is no order, none fits */
} gr_budget_found;
typedef gr_status gr_budget_find(gr_context *ctx, gr__bump *b, const gr_budget_graph *g, int64_t budget, int64_t limit,
                                 gr_budget_found *out);
gr_budget_find gr__budget_keep, gr__budget_greedy, gr__budget_chain, gr__budget_search, gr__budget_program,
    gr__budget_rounded;

enum { GR_BUDGET_MOST_LAYERS = 200 }; /* of a chain, whose table grows with their square */
/* Is it the forward and backward pass of a chain? Node L + j reads of the forward pass node L-1-j, the one before it,
 * or both, and of the backward one at most the node before. */
bool gr__budget_is_chain(const gr_budget_graph *g);
/* The order that keeps just this: kept[t * n + i], value i stands from stage t - 1 into stage t, in which computation t
 * runs for the first time. Each stage computes as little as that and the next one want. */
gr_status gr__budget_from_kept(gr_context *ctx, gr__bump *b, const gr_budget_graph *g, const bool *kept,
                               gr_budget_found *out);

#endif
