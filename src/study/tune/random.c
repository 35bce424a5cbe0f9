/* Random search: every trial by itself. */
#include <math.h>

#include "base/rng.h"
#include "study/tune/tuner.h"

void gr__propose_at_random(gr_proposal *p)
{
    gr__rng rng = gr__rng_make(p->seed, "tune", (uint32_t)p->trial, 0);
    for (int i = 0; i < p->spaces->n; i++) {
        double low, high, u = gr__rng_uniform(&rng); /* drawn for each, so that none moves with another */
        gr__space_ends(&p->spaces->at[i], &low, &high);
        p->point.at[i] = gr__space_applies(p->spaces, i, &p->point)
                             ? gr__space_value(&p->spaces->at[i], low + u * (high - low))
                             : (double)NAN;
    }
}

static gr_status propose(gr_proposal *p)
{
    gr__propose_at_random(p);
    return GR_OK;
}

GR_TUNER(random) = {
    .head =
        {
            .family = "tuner",
            .name = "random",
            .title = "Random search: every trial drawn by itself",
            .cite = "Bergstra & Bengio 2012",
            .equations = "x ~ U(space), of log and int_log spaces in the logarithm",
        },
    .propose = propose,
};
