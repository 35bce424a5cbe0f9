/* Averages of the weights, beside the training, which they never change: what a rule of averaging is, and the rows that
 * all of them have. */
#ifndef GR_OPTIM_AVERAGE_H
#define GR_OPTIM_AVERAGE_H

#include "optim/optim.h"

typedef struct gr_averaging {
    const gr_member *common;
    const char *file; /* the model that a run keeps of it; its slots have the member's name */
    void (*read)(const gr_settings *s, gr_average *out);       /* what only it has; may be NULL */
    bool (*put)(gr__bump *b, gr_tree *t, const gr_average *a); /* and writes; likewise */
    gr_val (*share)(gr_graph *g, const gr_average *a,
                    gr_val n); /* of the n-th weights in the average, rank 0; 1 for n 1 */
} gr_averaging;
extern const gr_averaging gr__average_swa, gr__average_ema;

#define GR_AVERAGE_ROWS(start, cycle)                                                                               \
    GR_ROW("start", TREE, start, "updates, text such as 3 epochs, or a fraction of the run", "updates",             \
           "when collecting begins"),                                                                               \
        GR_ROW("cycle", TREE, cycle, "updates, or text such as 2 epochs", "updates",                                \
               "weights are collected after updates that are a multiple of it"),                                    \
        GR_ROW("lr", REAL, "none", "[0,inf)", "1", "the rate from the start on, in place of the schedule's"),       \
        GR_ROW("statistics", CHOICE, "samples", "samples|batches", "",                                              \
               "how running statistics are taken anew for the mean weights, in a pass over the training data: the " \
               "mean over samples, or over batches, whatever their size",                                           \
               .torch = "batches")

#endif
