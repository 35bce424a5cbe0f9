/* Samples to look at: what a loader delivers of them, as cards of a sheet.
 *
 * Nothing is made again for the eye: numbers come out of the loader that training takes its batches from, and the hash
 * beside them is of the bytes in its batch. */
#ifndef GR_STUDY_DATA_VIEW_H
#define GR_STUDY_DATA_VIEW_H

#include "result/sheet.h"
#include "train/train.h"

struct gr_model;

enum { GR_VIEW_MOST = 10000, GR_VIEW_WORST = 5 }; /* samples of a sheet; that are named */

typedef struct gr_view_options {
    gr_part part;
    int64_t count; /* samples, 1 to GR_VIEW_MOST */
    bool changed;  /* beside each, what the recipe's `augment` makes of it: TRAIN alone */
    bool plain;    /* without the hashes of samples */
    int64_t epoch; /* in which, from 0; where so many copies are made once, which of them from 0 */
} gr_view_options;

/* CRC32 of what a batch holds of sample i: the numbers of its inputs as they were delivered, one input after the other,
 * least significant byte first, without steps beyond a length. */
uint32_t gr__view_hash(const gr_loader_options *o, const gr_batch *b, int64_t i);
/* At most `count` rows of a part (of training, as balancing leaves it), drawn by the recipe's seed, of all classes
 * alike as far as they go; rising. */
gr_status gr__view_choose(const gr_task *t, gr_part p, int64_t count, gr_rows *out);
/* A card a sample, and notes on how to read them. GR_E_CONFLICT: `changed` where nothing is. */
gr_status gr__view_samples(const gr_task *t, const gr_view_options *o, gr_sheet *s);
/* All samples of a part as arrays of an NPZ: what layers are given (prepared, changed as in the epoch where `changed`,
 * of parts other than TRAIN as they are), targets as costs take them, where each is from, and its hash. In memory as a
 * whole, counted. */
gr_status gr__view_numbers(const gr_task *t, const gr_view_options *o, const char *path, int64_t *samples);

/* Samples that balancing has made, beside those that they were made of. GR_E_CONFLICT: there are none. */
gr_status gr__view_made(const gr_task *t, const gr_view_options *o, gr_sheet *s);

struct gr_inspection; /* study/data/inspect.h */
/* Samples that a look at the data has named, those of errors first, each with why. */
gr_status gr__view_findings(struct gr_inspection *of, int64_t count, gr_sheet *s);

typedef struct gr_view_mistakes {
    int64_t samples, wrong;        /* of the part; those that the model gets wrong, all where it gives values */
    bool classes;                  /* some head tells classes or labels */
    int64_t confident;             /* those of the wrong ones that the model gives 0.9 and more to another class */
    uint32_t worst[GR_VIEW_WORST]; /* rows of the costliest */
    int n_worst;
} gr_view_mistakes;
/* The samples that cost a model the most of those that it gets wrong, the costliest first. t: opened with the model,
 * for this part alone. */
gr_status gr__view_mistakes(const gr_task *t, const struct gr_model *m, const gr_view_options *o, gr_sheet *s,
                            gr_view_mistakes *out);
/* The same of an engine that evaluates the part, with its weights; `model` is what notes call these. */
gr_status gr__view_mistakes_of(gr_engine *e, const char *model, const gr_view_options *o, gr_sheet *s,
                               gr_view_mistakes *out);

#endif
