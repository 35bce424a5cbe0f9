/* Computing again what memory has no room for (gradient checkpoints). The schedule says what runs and in which order;
 * here it is decided which of its turns run once more, and where, so that values need not stand from the forward pass
 * to the backward pass.
 *
 *   rehearse.c  what a script takes: its memory turn by turn, and its time, without placing anything
 *   script.c    scripts being written: a turn that reads what does not stand has that computed again before it
 *   chain.c     the forward pass as a chain of stages, cut where little passes from one to the next
 *   optimal.c   the best script of a chain: a dynamic programme over stages and memory
 *   greedy.c    any script made smaller where memory is highest, or faster where there is room
 *   policies.c  members: what is kept by rule
 *   auto.c      the member that keeps to a budget
 *   program.c   what no script can do without: an integer program, and scripts from it
 *   optimum.c   the member that keeps to a budget, with all that is known, and says how far from the best it may be
 *   remember.c  from a plan that is being compiled to one that keeps to it
 *
 * A script is a list of turns, by their numbers in the schedule as it was. Each turn stands there once, in its order:
 * that is the step as it is. Where one stands again it is an instance (plan/again.c). Whatever the list is, it computes
 * the same: what is read is what was computed last. So searching here may be as rough as it likes. */
#ifndef GR_PLAN_REMAT_REMAT_H
#define GR_PLAN_REMAT_REMAT_H

#include "plan/plan.h"

/* ---- what a script takes ---- */

/* A value that has a block of the arena while it is wanted. */
typedef struct gr__held {
    gr_val value;
    size_t bytes;
    int maker;    /* the turn; -1: a feed */
    int last;     /* the turn that reads it last; -1: none */
    int onward;   /* likewise, of those up to the turning point */
    bool pinned;  /* wanted when all has run */
    bool crosses; /* made before the turning point, read after it */
    bool small;   /* too small to be computed again for its memory's sake */
    bool cheap;   /* made anew from what stands, without a contraction */
} gr__held;

typedef struct gr__act { /* a turn */
    int in, n_in;        /* in `operand`: held values, each once */
    int out, n_out;
    int over, n_over; /* in `takeover`: pairs of what it writes and what it may write it over */
    double cost_ns;
    double least_ns; /* what an instance costs at least, that is asked for a part: once gr__rehearse_least has run */
    size_t shared;
    int limit;             /* it may run again before this turn, and before those above it */
    bool contracts, whole; /* whole: it writes all its values whenever it runs */
} gr__act;

typedef struct gr__takeover {
    int out, in;
} gr__takeover;

typedef struct gr__script {
    int *turn, n, room;
} gr__script;

typedef struct gr__rehearsal {
    gr__compiler *c;
    gr__bump *memory, *own; /* of what is made next; of what lives as long as this */
    gr__act *act;
    gr__held *held;
    int *operand, *held_of; /* held_of: of a value; -1: it has no block */
    gr__takeover *takeover;
    int n_acts, n_held, n_operands, n_takeovers;
    size_t fixed; /* gradients, scratch memory, values put aside */
    int turning;  /* the turn after which most stands that was computed */
    size_t stands_then;
    /* to work with */
    bool *wanted, *seen;
    size_t *during; /* of an entry of the script looked at last */
    size_t during_room;
} gr__rehearsal;

typedef struct gr__takes {
    size_t peak; /* fixed memory included */
    int at;      /* the entry */
    double ns;   /* of instances */
    double over; /* bytes above the target, entry by entry */
} gr__takes;

gr_status gr__rehearse(gr__compiler *c, gr__bump *memory, gr__rehearsal *r);
gr_status gr__rehearse_least(gr__rehearsal *r);
/* r->during is that of this script afterwards; GR__UNUSED there: an instance that nobody asks for, which costs nothing.
 * False: no memory. */
#define GR__UNUSED SIZE_MAX
bool gr__script_take(gr__rehearsal *r, const gr__script *s, size_t target, gr__takes *out);

/* What is made from here on is gone with gr__aside_end. False: no memory. */
bool gr__aside_begin(gr__rehearsal *r);
void gr__aside_end(gr__rehearsal *r);

/* ---- scripts ---- */
bool gr__script_add(gr__rehearsal *r, gr__script *s, int turn);
bool gr__script_copy(gr__rehearsal *r, const gr__script *from, gr__script *to);
bool gr__script_insert(gr__rehearsal *r, gr__script *s, int at, const int *turns, int n);
bool gr__script_plain(gr__rehearsal *r, gr__script *s); /* every turn once */
/* Drops the instances that nobody asks for; r->during must be the script's. */
void gr__script_tidy(gr__rehearsal *r, gr__script *s);

/* Writing one in the order in which it runs. */
typedef struct gr__writing {
    gr__rehearsal *r;
    gr__script *s;
    bool *there; /* of a held value: it stands, as far as the writer goes by it */
    bool *done;  /* of a turn: it has run */
    int next;    /* all turns before it have run */
    bool failed; /* no memory */
} gr__writing;
bool gr__writing_open(gr__rehearsal *r, gr__script *s, gr__writing *w); /* false: no memory */
/* The turn, and before it whatever it reads that is not there. */
void gr__write_turn(gr__writing *w, int turn);
void gr__write_value(gr__writing *w, int held); /* it is made anew, if it can be */
/* All turns that are left; nothing is let go of any more. */
void gr__write_rest(gr__writing *w);
/* At the turning point all but small values and those of keep[] (of a held value) is let go of. */
bool gr__script_keeping(gr__rehearsal *r, const bool *keep, gr__script *s);

/* ---- the chain ---- */
enum { GR__MOST_STAGES = 128 };
typedef struct gr__chain {
    gr__rehearsal *r;
    int n;
    int end[GR__MOST_STAGES]; /* the last turn of each stage */
    double ns[GR__MOST_STAGES];
    size_t passes[GR__MOST_STAGES]; /* from it to the next */
    size_t saved[GR__MOST_STAGES];  /* what its backward turns read of it; cheap: but for what is cheaply made anew */
    size_t forward[GR__MOST_STAGES], backward[GR__MOST_STAGES]; /* beside what is kept, while it runs */
    int *level, *need; /* of a held value: the stage whose backward turns want it, -1: none; of a turn behind the
                          turning point: the lowest level of what it reads, n: it reads nothing of the chain */
    size_t stands;     /* fixed memory, small values and feeds, whatever is decided */
    bool cheap;        /* cheap values are let go of wherever they are */
} gr__chain;
/* At most so many stages. whole: they end only where a single value passes. */
bool gr__chain_find(gr__rehearsal *r, int most, bool whole, bool cheap, gr__chain *out);
/* Passes h the place behind turn p of the forward pass? */
static inline bool gr__passes(const gr__held *h, int p)
{
    return h->maker >= 0 && h->maker <= p && h->onward > p && !h->small;
}
/* Where a single value passes: the turns of the forward pass and the values; they have room for n_acts. Returns how
 * many there are. */
int gr__articulations(const gr__rehearsal *r, int *turns, int *held);

/* Writes a chain's script: forward through a stage, keeping its values or not; its backward turns. */
typedef struct gr__path {
    gr__writing w;
    const gr__chain *chain;
} gr__path;
bool gr__path_open(const gr__chain *chain, gr__script *s, gr__path *p);
/* Stages first..end-1, of which nothing stays but what passes on behind the last, and what the first began from. */
void gr__path_through(gr__path *p, int first, int end);
void gr__path_save(gr__path *p, int stage); /* forward through it, keeping what its backward turns read */
void gr__path_back(gr__path *p, int stage);
bool gr__path_close(gr__path *p); /* false: no memory */

typedef struct gr__optima gr__optima;
/* Everything up to `bytes` of memory beside what stands. NULL: no memory. */
gr__optima *gr__optima_make(const gr__chain *chain, size_t bytes);
enum { GR__SLOTS = 100 };
/* With so many of the slots; false: it cannot be done, or no memory. */
bool gr__optima_script(const gr__optima *t, int slots, gr__script *s);

typedef bool gr__script_taker(gr__rehearsal *r, const gr__script *s, void *user); /* false: no memory */

/* ---- the integer program ---- */
enum { GR__MOST_FRONTIERS = 64 };
typedef struct gr__frontiers { /* turns whose first runs end stages */
    int turn[GR__MOST_FRONTIERS], n;
} gr__frontiers;
/* At most so many, of those above the target; during: of each turn, where each runs once. */
void gr__frontiers_choose(const gr__rehearsal *r, const size_t *during, size_t target, int most, gr__frontiers *out);
/* Gives scripts that may take more than the target. limit: nodes of the tree; 0: the relaxation, rounded. *bound: no
 * script within the target computes less again, in nanoseconds; infinite: none is within it. GR_E_FILE: no solver. */
gr_status gr__frontiers_solve(gr__rehearsal *r, const gr__frontiers *f, size_t target, int64_t limit,
                              gr__script_taker *take, void *user, double *bound);

/* ---- improving ---- */
/* Computes more again until nothing stands above the target, or nothing helps. */
bool gr__script_reduce(gr__rehearsal *r, gr__script *s, size_t target);
/* Computes less again as long as nothing stands above the target. */
bool gr__script_relax(gr__rehearsal *r, gr__script *s, size_t target);

/* The fastest script that was found to fit. */
typedef struct gr__best {
    gr__script script;
    gr__takes takes;
    bool any;
} gr__best;
/* Made to fit, if it can be, and as fast as it can be; taken where that is faster. s is changed. False: no memory. */
bool gr__best_fit(gr__rehearsal *r, gr__best *b, gr__script *s, size_t target);

/* ---- members ---- */
typedef struct gr__policy {
    const char *name;
    bool counts, names; /* what it takes beside */
    /* Writes the script; false: no memory. */
    bool (*write)(gr__rehearsal *r, const gr_remat *how, gr__script *s);
} gr__policy;
const gr__policy *gr__policy_find(const char *name); /* NULL: none, or one that keeps to a budget */
/* The script of a rule that takes a number or none, counted from 0 on; *there: there are so many. */
bool gr__script_by_rule(gr__rehearsal *r, int rule, gr__script *s, bool *there);
/* Takes whatever rules give, one after the other; false: no memory. */
bool gr__by_rules(gr__rehearsal *r, gr__script_taker *take, void *user);

/* The fastest script that takes no more than the target; empty: none was found. And the one that takes least. */
bool gr__script_within(gr__rehearsal *r, size_t target, gr__script *s);
bool gr__script_least(gr__rehearsal *r, gr__script *s);

/* All that is known of the best script within a budget. */
typedef struct gr__optimum {
    double bound;          /* nanoseconds of instances: no script within it computes less again */
    bool solved;           /* there was a solver */
    gr__script script[64]; /* that were thought of, and may take more */
    int n;
} gr__optimum;
gr_status gr__optimum_find(gr__rehearsal *r, size_t budget, bool solver, gr__optimum *o); /* solver: it is there */

#endif
