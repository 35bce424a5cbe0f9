/* Oversampling: rows of rare classes more than once. */
#include "data/balance/share.h"

static const gr_row rows[] = {
    GR_BALANCE_TARGET("rows that every class has at least: a share of the largest; auto: as many as that"),
};

GR_BALANCE(oversample) = {
    .head = {.family = "balance",
             .name = "oversample",
             .title = "Oversampling: copies of rows of rare classes",
             .cite = "",
             .equations = "each class has max(n_c, target n_max) rows: its own, and copies drawn with replacement",
             GR_ROWS(rows)},
    .plan = gr__balance_raise,
};
