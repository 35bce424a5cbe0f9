/* Undersampling that keeps what is hard: samples of common classes that models get wrong which did not see them. The
 * models are trained by floor 7 (train/ensemble.c). [BalanceCascade, Liu, Wu & Zhou 2009, is related] */
#include "data/balance/share.h"

static const gr_row rows[] = {
    GR_ROW("models", INT, "5", "[2,100]", "models", "trained on all rows of rare classes and some of the others"),
    GR_ROW("epochs", INT, "5", "[1,10000]", "epochs", "of each of their trainings"),
    GR_ROW("keep_random", REAL, "0.2", "[0,1]", "1", "share of the rows kept that is drawn from the rest"),
    GR_BALANCE_TARGET("rows that every class has at most: a share of the largest; auto: as many as the smallest"),
};

GR_BALANCE(hard_undersample) = {
    .head = {.family = "balance",
             .name = "hard_undersample",
             .title = "Undersampling that keeps the rows models get wrong",
             .cite = "the idea of BalanceCascade, Liu, Wu & Zhou 2009",
             .equations = "e_i, h_i: share of the models without row i that misclassify it, mean of their 1 - p(y_i)\n"
                          "kept: the largest (e_i, h_i), and keep_random of them at random from the rest",
             GR_ROWS(rows)},
    .ranks = true,
    .plan = gr__balance_cut,
};
