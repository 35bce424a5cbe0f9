/* Samples as a loader delivers them, and their cards. */
#ifndef GR_STUDY_DATA_DELIVERED_H
#define GR_STUDY_DATA_DELIVERED_H

#include "train/manner.h"
#include "study/data/view.h"

typedef struct gr__delivered {
    gr_loader_options o;
    gr_rows rows; /* where several copies of a list are asked for: that list */
    gr_loader *loader;
    gr_batch batch;
} gr__delivered;

/* As gr__view_choose, of samples that balancing has made. */
gr_status gr__view_choose_made(const gr_task *t, int64_t count, gr_rows *out);
/* The rows, in one batch, as they are. */
gr_status gr__deliver_plain(const gr_task *t, gr_part p, const gr_rows *rows, gr__delivered *out);
/* Of training, as the epoch changes them. */
gr_status gr__deliver_changed(const gr_task *t, const gr_rows *rows, int64_t epoch, gr__delivered *out);
/* The first batch of the epoch, as training has it. */
gr_status gr__deliver_first(const gr_task *t, int64_t epoch, gr__delivered *out);
void gr__delivered_close(const gr_task *t, gr__delivered *d); /* a zeroed one is fine */
/* The numbers of input k of the batch's sample i, and how many steps of them count. */
const void *gr__delivered_at(const gr__delivered *d, int k, int64_t i);
int64_t gr__delivered_steps(const gr__delivered *d, int k, int64_t i);

/* Who shows samples of one part. */
typedef struct gr__viewer {
    const gr_task *t;
    gr_part part;
    gr_sheet *sheet;
    gr__manner manner[GR_MAX_INPUTS], source[GR_MAX_INPUTS];
    bool plain;          /* without hashes */
    const char *changes; /* "crop, flip": what changes training samples one by one; NULL: nothing */
} gr__viewer;
gr__viewer gr__viewer_of(const gr_task *t, gr_part p, gr_sheet *s);
void gr__viewer_range(gr__viewer *v, const gr__delivered *d); /* of all that will be shown, before it is */
void gr__viewer_notes(gr__viewer *v);                         /* once, after that */
gr_card *gr__viewer_card(gr__viewer *v, uint32_t row);        /* headed by what the sample is called */
/* Sample i: a face an input, the last with the hash of all. caption: what it is, or NULL. */
void gr__viewer_faces(gr__viewer *v, gr_card *c, const gr__delivered *d, int64_t i, const char *caption);
/* A face an input that is prepared before it is delivered: the row as the source has it. */
gr_status gr__viewer_source(gr__viewer *v, gr_card *c, uint32_t row);
/* What its targets are, and what it weighs. */
void gr__viewer_targets(gr__viewer *v, gr_card *c, const gr__delivered *d, int64_t i);
const char *gr__viewer_class(gr__viewer *v, int head, int64_t k); /* its name, or number */

/* GR_E_CONFLICT: `changed`, of training samples that nothing changes. */
gr_status gr__view_check(const gr_task *t, const gr_view_options *o);

/* view_mixed.c: the first samples of an epoch's first batch, with what the graph mixes them with. */
gr_status gr__view_mixed(gr__viewer *v, const gr_view_options *o);

#endif
