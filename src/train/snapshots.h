/* Models that a run keeps on its way, members of an ensemble afterwards: snapshots/step-100.safetensors. */
#ifndef GR_TRAIN_SNAPSHOTS_H
#define GR_TRAIN_SNAPSHOTS_H

#include "train/loop.h"

/* One is due after the update that was just made: every so many, or where a cycle of the rate has ended, which fell to
 * here and rises with the next update, or ends with the run. */
bool gr__snapshot_due(const gr_loop *l);
gr_status gr__snapshot_keep(gr_loop *l);
/* All that a run has kept. */
void gr__snapshots_remove(gr_run *r);

#endif
