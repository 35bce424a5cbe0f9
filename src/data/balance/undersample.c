/* Undersampling: fewer rows of common classes. */
#include "data/balance/share.h"

static const gr_row rows[] = {
    GR_BALANCE_TARGET("rows that every class has at most: a share of the largest; auto: as many as the smallest"),
};

GR_BALANCE(undersample) = {
    .head = {.family = "balance",
             .name = "undersample",
             .title = "Undersampling: some rows of common classes",
             .cite = "",
             .equations =
                 "each class has min(n_c, target n_max) rows, drawn without replacement; auto: min(n_c, n_min)",
             GR_ROWS(rows)},
    .plan = gr__balance_cut,
};
