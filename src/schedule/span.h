/* What files of schedules share: lengths of time, and the two curves they are drawn with. */
#ifndef GR_SCHEDULE_SPAN_H
#define GR_SCHEDULE_SPAN_H

#include "schedule/schedule.h"

/* `30`, `30 updates`, `1 epoch`, `30 epochs`; with `run` also 0, and a real number up to 1 as a fraction of the run.
 * Refuses anything else at its place. */
gr_status gr__span_read(gr_context *ctx, const gr_tree *t, bool run, gr_span *out);
double gr__span_updates(gr_span s, int64_t total, double updates_per_epoch);
/* The updates of a value, or of a row, that was checked before. */
double gr__span_of(const gr_tree *t, const gr_rate *r);
double gr__setting_span(const gr_settings *s, const char *name, const gr_rate *r);
/* As written in a resolved recipe: 30, 30 epochs, 0.1, 1.0. */
const char *gr__span_text(gr_span s, char buffer[48]);
gr_tree *gr__span_tree(gr__bump *b, gr_span s);

/* A wave of height 1 and period 2 half: 0 at t = 0, 1 at t = half, with straight sides. */
double gr__triangle(double t, double half);
/* From `from` to `to` while part goes from 0 to 1: by half a wave of the cosine, or straight. */
double gr__between(double from, double to, double part, bool cosine);

#endif
