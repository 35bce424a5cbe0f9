/* Schedules: host functions of the update that give its rate. */
#ifndef GR_SCHEDULE_SCHEDULE_H
#define GR_SCHEDULE_SCHEDULE_H

#include "nn/common.h"

typedef struct gr_span { /* a length of time in a run, as recipes write one */
    double n;
    enum { GR_SPAN_UPDATES, GR_SPAN_EPOCHS, GR_SPAN_RUN } unit; /* RUN: a fraction of the whole run */
} gr_span;

typedef struct gr_rate { /* what a rate depends on */
    double lr;           /* base rate */
    int64_t t, total;    /* update from 0, and how many there will be; total 0: unknown. Of the run; a member gets both
                            counted from the    end of the warm-up */
    int64_t warmup;      /* a member's: updates of warm-up before its t = 0 */
    double updates_per_epoch;
    const double *state; /* one a row of the member's state; NULL: as at the start of the run */
} gr_rate;

typedef struct gr_observation { /* what an evaluation found */
    double train_cost;          /* mean over the samples trained on since the evaluation before */
    double validation_error;    /* NaN without validation data */
} gr_observation;

/* A number that a member keeps from evaluation to evaluation, and a checkpoint with it: GR_KEEP("scale", 1). */
typedef struct gr_kept {
    const char *name; /* in checkpoints: "schedule/scale" */
    double initial;
} gr_kept;
#define GR_KEEP(kept_name, kept_initial)                       \
    {                                                          \
        .name = "schedule/" kept_name, .initial = kept_initial \
    }
enum { GR_SCHEDULE_STATE = 8 }; /* at most so many a member */

extern const gr_member gr__schedule_common; /* rows of every schedule: warmup, warmup_from, tail */
extern const gr_member gr__schedule_tail;   /* rows of `tail:` */

typedef struct gr_schedule {
    gr_member head;
    bool constant;       /* but for warm-up and tail */
    bool needs_total;    /* the rate depends on how many updates there will be */
    const char *example; /* "{every: 5 epochs}": settings that show what it does; NULL: the defaults do */
    gr_status (*check)(gr_context *ctx,
                       gr_settings *s); /* refuses contradictions; may take out values that do not apply; may be NULL */
    gr_status (*check_rate)(gr_context *ctx, const gr_settings *s,
                            double lr);                     /* refuses what contradicts the base rate; may be NULL */
    double (*rate)(const gr_settings *s, const gr_rate *r); /* of nothing but its arguments */
    /* Of a member that learns from evaluations, else NULL: changes the state; true: training has nothing more to gain.
     */
    bool (*observe)(const gr_settings *s, const gr_observation *o, double *state);
    bool (*wants_validation)(const gr_settings *s); /* NULL: never */
    const gr_kept *state;
    int n_state;
} gr_schedule;
#define GR_SCHEDULE(name) const gr_schedule gr__schedule_##name
const gr_schedule *const *gr__schedules(int *n);
extern const gr_family gr__family_schedule; /* generated */

typedef struct gr_tail { /* cycles at the end of the run, which replace the schedule there */
    bool on;
    gr_span length;
    int64_t cycles;
    double high, low; /* NaN: the schedule's rate where the tail begins; a tenth of high */
    const gr_tree *at;
} gr_tail;

typedef struct gr_sched { /* the resolved `schedule:` */
    const gr_schedule *member;
    gr_settings settings; /* the member's own */
    gr_span warmup;
    double warmup_from;
    gr_tail tail;
} gr_sched;
gr_status gr__sched_make(gr_context *ctx, gr__bump *b, const gr_tree *tree, gr_preset preset, gr_sched *out);
gr_tree *gr__sched_tree(gr__bump *b, const gr_sched *s);
/* Refuses bounds that contradict the optimizer's rate. */
gr_status gr__sched_check_rate(gr_context *ctx, const gr_sched *s, double lr);
/* GR_E_CONFLICT where r->total is needed and unknown, where warm-up and tail overlap, where the tail has no height. */
gr_status gr__sched_check(gr_context *ctx, const gr_sched *s, const gr_rate *r);
/* The rate of update r->t of a run that gr__sched_check let pass. */
double gr__sched_rate(const gr_sched *s, const gr_rate *r);
/* The first updates after the warm-up, and of the tail (where there is none: r->total). */
void gr__sched_phases(const gr_sched *s, const gr_rate *r, int64_t *warm, int64_t *tail);
/* The state at the start of a run. */
void gr__sched_begin(const gr_sched *s, double state[GR_SCHEDULE_STATE]);
/* An evaluation after r->t updates; those within the warm-up or the tail say nothing of the schedule's rates and are
 * passed over. True: training should stop. */
bool gr__sched_observe(const gr_sched *s, const gr_rate *r, const gr_observation *o, double state[GR_SCHEDULE_STATE]);

#endif
