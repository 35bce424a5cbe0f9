/* A unit of a plan that runs again: gr__plan_compile with again_before_its_last_reader. */
#ifndef GR_TESTS_AGAIN_H
#define GR_TESTS_AGAIN_H

#include "plan/plan.h"
#include "test.h"

typedef struct again_unit { /* the unit of the first node of this operation; before the last entry that reads it */
    gr_opcode code;
    bool may; /* found out */
} again_unit;

static inline int again_find(const gr__compiler *c, gr_opcode code)
{
    for (uint32_t k = 0; k < c->n_nodes; k++)
        if (gr__node(c->g, k)->op->code == code && c->unit_of[k] >= 0) return c->unit_of[k];
    fail_msg("no unit");
    return -1;
}

/* The last entry that reads anything of the unit; the end where nobody does. */
static inline int again_last_reader(const gr__compiler *c, int unit)
{
    for (int t = c->schedule.n; t-- > 0;)
        for (int i = 0; i < c->schedule.turn[t].n_in; i++)
            if (gr__value_unit(c, c->schedule.turn[t].in[i]) == unit) return t;
    return c->schedule.n;
}

static inline gr_status again_before_its_last_reader(gr__compiler *c, void *user)
{
    again_unit *x = user;
    int unit = again_find(c, x->code), before = again_last_reader(c, unit);
    x->may = gr__schedule_may_repeat(c, unit, before);
    return gr__schedule_again(c, unit, before);
}

#endif
