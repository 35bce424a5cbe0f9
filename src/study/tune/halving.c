/* Successive halving: many trials for a short while, the best of them for longer. */
#include "study/tune/tuner.h"

static const gr_row rows[] = {
    GR_ROW("keep", REAL, "1/3", "[0.05,0.5]", "1", "share of the trials of a rung that go on to the next"),
};

static gr_status propose(gr_proposal *p)
{
    gr__propose_at_random(p);
    return GR_OK;
}

GR_TUNER(halving) = {
    .head =
        {
            .family = "tuner",
            .name = "halving",
            .title = "Successive halving: many trials for a short while, the best for longer",
            .cite = "Jamieson & Talwalkar 2016",
            .equations =
                "n_k = max(1, floor(n keep^k)) trials are trained up to keep^(K-k) of their updates, k = 0 ... K;\n"
                "K the largest for which n_K >= 1 and a trial of the first rung is validated",
            GR_ROWS(rows),
        },
    .halves = true,
    .propose = propose,
};
