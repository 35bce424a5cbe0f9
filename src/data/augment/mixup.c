/* Mixup: samples of a batch blended in pairs. */
#include "data/augment.h"

static const gr_row rows[] = {
    {.name = "alpha",
     .kind = GR_ROW_REAL,
     .value = "0.2",
     .range = "(0,1000]",
     .unit = "",
     .help = "of the shares' distribution: small ones are near 0 or 1, 1 is uniform, large ones are near a half"},
};

GR_AUGMENT(mixup) = {
    .head =
        {.family = "augment",
         .name = "mixup",
         .title = "Samples blended in pairs",
         .cite = "Zhang et al. 2018",
         .equations =
             "share from Beta(alpha, alpha), a batch; x = share x_i + (1 - share) x_j, j a permutation of the batch;\n"
             "cost = share cost(y_i) + (1 - share) cost(y_j). After preparation",
         GR_ROWS(rows)},
    .mix = GR_MIX_BLEND};
