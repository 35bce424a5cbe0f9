/* What figures of transfer share: networks trained on a source, whose layers others start from. */
#ifndef GR_STUDY_LAB_TRANSFER_H
#define GR_STUDY_LAB_TRANSFER_H

#include "study/lab/variants.h"

typedef struct gr_sources {
    gr_store *store[GR_MOST_SEEDS]; /* of each seed, its network's parameters */
    double error[GR_MOST_SEEDS];    /* of validation, in percent */
    int64_t n;
    const char *except; /* the layer that is not handed on: tensors whose names begin so */
} gr_sources;

/* Trains one for each seed. recipe: of the k-th, as gr_variants has it. */
gr_status gr__sources_train(gr_lab *lab, const char *(*recipe)(gr_lab *lab, int64_t k), gr_sources *out);
void gr__sources_close(gr_sources *s);
/* The k-th source's numbers become those of the network at hand, but for the last layer. */
gr_status gr__sources_give(gr_lab *lab, const gr_sources *s, int64_t k, gr_steps *to);

#endif
