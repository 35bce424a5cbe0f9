/* `data.balance` of a task: which rows training takes. Private to floor 7. */
#ifndef GR_TRAIN_BALANCE_H
#define GR_TRAIN_BALANCE_H

#include "data/balance.h"
#include "train/train.h"

/* Of a task that is loaded, prepared and has its network: fills `trained`, and counts what it takes. Says what became
 * of the classes. */
gr_status gr__task_balance(gr_task *t);
/* What that will come to, from a task `read` that is loaded and nothing more, into an estimate: rows and bytes. */
gr_status gr__task_balance_estimate(const gr_task *read, gr_task *estimate);
/* As what an input of the training source comes together with samples that are made. */
gr_element gr__balance_element(const gr_task *t, gr_element source);

/* ensemble.c: how hard training rows are to models that did not see them. `most`: rows of a class above which its rows
 * are ranked, and of which each model sees so many at most. hard: one a row of the training part; those of other
 * classes are left as they are. */
typedef struct gr_ensemble {
    int models;
    int64_t epochs, most;
    int head;
    int classes;
    const int64_t *count; /* training rows of each class */
} gr_ensemble;
gr_status gr__ensemble_rank(const gr_task *t, const gr_ensemble *e, gr_hardness *hard);
gr_status gr__ensemble_work(const gr_task *t, const gr_ensemble *e, uint64_t *bytes); /* tensor memory, meanwhile */

#endif
