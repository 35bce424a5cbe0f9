/* What the files of a procedure share. Private to them. */
#ifndef GR_STUDY_PROCEDURE_PARTS_H
#define GR_STUDY_PROCEDURE_PARTS_H

#include "study/procedure/procedure.h"

enum { GR_SMALL_BATCH = 32, GR_FLAT = 10 /* evaluations */, GR_LOOKED = 200 /* updates of a trial, at most */ };

typedef struct gr_following {
    gr_context *ctx;
    gr__bump *b;
    const gr_recipe *given;
    gr_procedure is;
    const gr_procedure_options *options;
    gr_phases phases;
    gr_phase_line found; /* what the first line has, or will have */
    gr_recipe *recipe;   /* that is trained */
    gr_train_options train;
    gr_watcher watcher[9];
    gr_phase_line next; /* the second part's, once it is known: the penalty's, the cycles' */
    bool second;        /* that part is trained */
} gr_following;

/* recipes.c: what is trained, into p->recipe. */
gr_status gr__procedure_new(gr_following *p);
/* Cycles of p->next.updates from p->next.step on, from p->next.lr to a tenth of it. */
gr_status gr__procedure_cycles(gr_following *p);
gr_status gr__procedure_established(gr_following *p);
/* l2 NaN: of the first phase, which the training error ends. since: evaluations that were no better before the second
 * one began, and which patience does not count. */
gr_status gr__procedure_overfit(gr_following *p, double l2, double target, int64_t epochs, int64_t steps,
                                int64_t since);
/* The recipe with a batch and at a constant rate. */
gr_status gr__procedure_trial(gr_following *p, int64_t batch, gr_recipe **out);

/* found.c: into p->found, before the first update; and the penalty of a model that overfits. */
gr_status gr__procedure_find(gr_following *p);
gr_status gr__procedure_penalty(gr_following *p, double target, double *best);

#endif
