/* Schedules by name: the rate of each update. */
#ifndef GRADUS_SCHEDULER_H
#define GRADUS_SCHEDULER_H

#include "gradus/settings.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct gr_scheduler gr_scheduler;

/* What a rate depends on beside its update. */
typedef struct gr_scheduled {
    double lr;                /* base rate */
    int64_t updates;          /* of the whole run; 0: unknown, which schedules that need it refuse (GR_E_CONFLICT) */
    double updates_per_epoch; /* what `5 epochs` means; 0: 1 */
} gr_scheduled;

/* settings: as `schedule:` of a recipe, warmup and tail included. GR_E_USAGE: no type, no run; GR_E_RANGE: a rate or a
 * number below 0; GR_E_NAME, GR_E_KEY, GR_E_TYPE, GR_E_RANGE, GR_E_CONFLICT: settings, as in a recipe; GR_E_MEMORY. */
GR_API GR_CHECKED gr_status gr_scheduler_create(gr_context *ctx, const char *type, const char *settings,
                                                const gr_scheduled *run, gr_scheduler **out);
GR_API void gr_scheduler_destroy(gr_scheduler *s); /* NULL is fine */
/* The rate of an update, from 0. */
GR_API double gr_scheduler_rate(const gr_scheduler *s, int64_t update);
/* Tells what an evaluation after `update` updates found, for plateau and its like; NaN: unknown. True: the schedule
 * sees nothing more to gain. */
GR_API bool gr_scheduler_observe(gr_scheduler *s, int64_t update, double train_cost, double validation_error);

#ifdef __cplusplus
}
#endif
#endif
