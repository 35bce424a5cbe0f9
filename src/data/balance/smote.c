/* SMOTE: samples of rare classes between neighbours.                                        [Chawla et al. 2002] */
#include "data/balance/share.h"

static const gr_row rows[] = {
    GR_BALANCE_K,
    GR_BALANCE_TARGET("rows that every class has at least: a share of the largest; auto: as many as that"),
    GR_ROW("form", CHOICE, "segment", "segment|box", "",
           "a point of the line between the two, or, another u for each number, of the box that they span"),
    GR_BALANCE_CATEGORICAL,
};

GR_BALANCE(smote) = {
    .head = {.family = "balance",
             .name = "smote",
             .title = "SMOTE: new samples of rare classes between neighbours",
             .cite = "Chawla et al. 2002",
             .equations = "x = x_i + u (x_j - x_i);  i uniform in the class, j of its k nearest there, u ~ U[0,1)\n"
                          "a category: that of most of the k; in distances, each that differs adds the median of the "
                          "deviations",
             GR_ROWS(rows)},
    .makes = true,
    .plan = gr__balance_raise,
};
