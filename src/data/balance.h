/* The family "balance": training rows of unequal classes made more equal. Floor 5.
 *
 * What comes out is a list of rows: those of the source that stay, in their order, then copies, then samples that were
 * made of others, class by class. It depends on the seed, the data and their preparation alone, not on threads.
 * Distances and points are those of prepared numbers; what is made is written as numbers of the source, which are then
 * prepared like all others. */
#ifndef GR_DATA_BALANCE_H
#define GR_DATA_BALANCE_H

#include "data/data.h"

/* A number of a sample, as its source has it, that is the code of a category. */
typedef struct gr_nominal {
    int input;
    int64_t element;
} gr_nominal;

/* How hard a training row is, for models that did not see it. */
typedef struct gr_hardness {
    double wrong; /* share of the models that take it for another class */
    double miss;  /* mean of 1 - p of its own class */
} gr_hardness;

typedef struct gr_balance_job {
    gr_context *ctx;
    gr__bump *b;          /* where plans live */
    const gr_tree *at;    /* `balance` of the recipe; for messages */
    const gr_settings *s; /* of the member */
    gr_set *set;          /* the training's; it is given the samples that are made */
    const gr_rows *rows;  /* of training: each row once */
    const int32_t *label; /* of every row of the set */
    int classes;
    const int64_t *count;           /* rows of each class */
    const char *const *class_names; /* NULL: numbers */
    uint64_t seed;
    gr_element makes_as;                        /* real type of numbers that are made */
    const gr_prepared *prepared[GR_MAX_INPUTS]; /* fitted on `rows` */
    int n_prepared[GR_MAX_INPUTS];
    const gr_nominal *nominal;
    int n_nominal;
    const int32_t *apart[GR_MAX_INPUTS]; /* of each prepared number: not 0: it says a category; NULL: none does */
    const gr_hardness *hard;             /* of each of `rows`; of members that rank */
} gr_balance_job;

typedef struct gr_balance_plan {
    int64_t *after;    /* rows of each class, afterwards */
    uint32_t *made_of; /* of each of the job's rows: how many are made of it; NULL: bases are drawn */
    int64_t copies, n; /* of rows that are there already; rows in all */
    int64_t made;      /* samples that are made */
    uint64_t work;     /* tensor memory that planning took meanwhile */
} gr_balance_plan;

typedef struct gr_balance {
    gr_member head;
    bool makes; /* samples that no source has: inputs must be numbers, each whatever lies between two of them */
    bool ranks; /* rows stay that models get wrong, and somebody must train these (job.hard) */
    /* How many rows each class will have; `after` holds those that it has. GR_E_DATA where it cannot be done. */
    gr_status (*plan)(const gr_balance_job *j, gr_balance_plan *p);
} gr_balance;
#define GR_BALANCE(name) const gr_balance gr__balance_##name
const gr_balance *const *gr__balances(int *n); /* generated */
extern const gr_family gr__family_balance;     /* generated */

/* Settings that rows alone do not check: `target`, `categorical`. */
gr_status gr__balance_check(gr_context *ctx, const gr_settings *s);
/* What becomes of the classes: everything but where rows and samples come from. Takes no memory that it keeps, but for
 * the plan in j->b. */
gr_status gr__balance_plan_of(const gr_balance *m, const gr_balance_job *j, gr_balance_plan *out);
bool gr__balance_cuts(const gr_balance_job *j, const gr_balance_plan *p); /* some class loses rows */
/* Tensor memory that applying takes meanwhile, with the context's threads. */
uint64_t gr__balance_work(const gr_balance *m, const gr_balance_job *j, const gr_balance_plan *p);
/* out: room for p->n rows. *kept: how many of them, the first, are those of the source. */
gr_status gr__balance_apply(const gr_balance *m, const gr_balance_job *j, const gr_balance_plan *p, gr_rows *out,
                            int64_t *kept);
/* "rare", or 3 */
const char *gr__balance_class(const gr_balance_job *j, int class_, char text[64]);

#endif
