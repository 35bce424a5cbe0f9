/* L2: pulls weights towards 0 in proportion to their size.                     [Krogh & Hertz 1992; the chapter's 4.1:
 * J + lambda |w|^2] Its gradient is 2 lambda w: twice what `weight_decay: lambda` adds. */
#include "penalty/penalty.h"

static gr_val value(gr_graph *g, gr_val w)
{
    return gr_sum_all(g, gr_square(g, w));
}

GR_PENALTY(l2) = {
    .head =
        {
            .family = "penalty",
            .name = "l2",
            .title = "L2: the squares of the weights",
            .cite = "Krogh & Hertz 1992; the chapter, 4.1",
            .equations = "J <- J + l2 sum w^2        gradient: 2 l2 w (twice what `weight_decay: l2` adds)",
        },
    .value = value,
};
