/* SWA: the mean of the weights at the ends of late cycles.                       [Izmailov et al. 2018, algorithm 1] */
#include "optim/average.h"

static const gr_row rows[] = {GR_AVERAGE_ROWS("0.75", "1 epoch")};
GR_COMMON(swa_common) = {
    .family = "average",
    .name = "swa",
    .title = "SWA: stochastic weight averaging",
    .cite = "Izmailov et al. 2018, algorithm 1",
    .equations = "after updates t >= start T with t a multiple of the cycle:\n"
                 "w_swa <- w_swa + (w - w_swa) / (n + 1);  n <- n + 1        n = 0: w_swa = w\n"
                 "before w_swa is evaluated or kept, running statistics of its own are the means over one pass through "
                 "the training data",
    GR_ROWS(rows),
};

static gr_val share(gr_graph *g, const gr_average *a, gr_val n)
{
    (void)a;
    return gr_recip(g, n);
}

const gr_averaging gr__average_swa = {.common = &gr__swa_common, .file = "swa.safetensors", .share = share};
