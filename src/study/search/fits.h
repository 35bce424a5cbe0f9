/* The largest batch whose training a memory budget allows, from plans alone: nothing is tried. */
#ifndef GR_STUDY_SEARCH_FITS_H
#define GR_STUDY_SEARCH_FITS_H

#include "base/watch.h"
#include "train/train.h"

/* *largest: of the batches up to the training samples, as `gradus plan` counts their bytes; 0: not even one of 1. An
 * optimizer that takes the whole set has one batch. budget: bytes. */
gr_status gr__batch_fits(gr_context *ctx, const gr_recipe *r, uint64_t budget, const volatile sig_atomic_t *stop,
                         const gr_watch *watch, int64_t *largest);

#endif
