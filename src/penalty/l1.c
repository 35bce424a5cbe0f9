/* L1: pulls weights towards 0 by the same amount whatever their size; with the proximal step many of them become 0
 * exactly. [Tibshirani 1996; Beck & Teboulle 2009] */
#include "penalty/penalty.h"

static gr_val value(gr_graph *g, gr_val w)
{
    return gr_sum_all(g, gr_abs(g, w));
}

/* Soft thresholding. */
static gr_val proximal(gr_graph *g, gr_val w, gr_val threshold)
{
    return gr_mul(g, gr_sign(g, w), gr_max(g, gr_sub(g, gr_abs(g, w), threshold), gr_const(g, 0)));
}

GR_PENALTY(l1) = {
    .head =
        {
            .family = "penalty",
            .name = "l1",
            .title = "L1: the sizes of the weights",
            .cite = "Tibshirani 1996; Beck & Teboulle 2009",
            .equations = "J <- J + l1 sum |w|\n"
                         "subgradient: g <- g + l1 sign(w), sign(0) = 0\n"
                         "proximal:    after the update w <- sign(w) max(|w| - lr l1, 0)",
        },
    .value = value,
    .proximal = proximal,
};
