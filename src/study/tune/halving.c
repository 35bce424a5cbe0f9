/* Successive halving: many trials for a short while, the best of them for longer. */
#include "study/tune/tuner.h"

static const gr_row rows[] = {
    GR_ROW("keep", REAL, "1/3", "[0.05,0.5]", "1", "share of the trials of a rung that go on to the next"),
    GR_ROW("spend", REAL, "1/3", "(0,1)", "1",
           "share of whole trainings' updates that is enough: the first rung is as long as it allows"),
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
                "K the least >= 1 with sum_k n_k (keep^(K-k) - keep^(K-k+1)) <= spend n (of k = 0 without the second "
                "term);\n"
                "less where n_K < 1, or a trial of the first rung would not be validated",
            GR_ROWS(rows),
        },
    .halves = true,
    .propose = propose,
};
