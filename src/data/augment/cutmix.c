/* Cutmix: a rectangle of each picture of a batch replaced by that of another. */
#include "data/augment.h"

static const gr_row rows[] = {
    {.name = "alpha",
     .kind = GR_ROW_REAL,
     .value = "1",
     .range = "(0,1000]",
     .unit = "",
     .help = "of the distribution of the share that stays: 1 is uniform"},
};

GR_AUGMENT(cutmix) = {
    .head = {.family = "augment",
             .name = "cutmix",
             .title = "Parts of pictures replaced by another's",
             .cite = "Yun et al. 2019",
             .equations =
                 "share from Beta(alpha, alpha), a batch; a rectangle of sqrt(1 - share) times height and width, its "
                 "centre\n"
                 "uniform, cut at the border, is that of x_j, j a permutation of the batch; share = 1 - area / (H W);\n"
                 "cost = share cost(y_i) + (1 - share) cost(y_j). After preparation",
             GR_ROWS(rows)},
    .mix = GR_MIX_PATCH};
