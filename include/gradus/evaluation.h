/* What an evaluation found: one pass of a model over samples whose answers are known.
 *
 * Costs are without penalty and smoothing, as `gradus eval` has them. A figure that has no value (outputs that are not
 * finite, auc without one of two classes) is NaN. Heads are numbered as in the recipe; without heads there is one. */
#ifndef GRADUS_EVALUATION_H
#define GRADUS_EVALUATION_H

#include "gradus/context.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct gr_evaluation gr_evaluation;

GR_API int64_t gr_evaluation_samples(const gr_evaluation *e);
/* Mean cost a sample, of several heads the sum of theirs by their weights. */
GR_API double gr_evaluation_cost(const gr_evaluation *e);
GR_API int gr_evaluation_heads(const gr_evaluation *e);
GR_API const char *gr_evaluation_head(const gr_evaluation *e, int head);
GR_API double gr_evaluation_head_cost(const gr_evaluation *e, int head);
/* 1 - accuracy; of values the root mean square. */
GR_API double gr_evaluation_error(const gr_evaluation *e, int head);
/* Those that the recipe asks for, of a whole model all that its targets have. Names are what files call them. */
GR_API int gr_evaluation_metrics(const gr_evaluation *e, int head);
GR_API const char *gr_evaluation_metric_name(const gr_evaluation *e, int head, int index);
GR_API double gr_evaluation_metric(const gr_evaluation *e, int head,
                                   const char *name); /* NaN: there is none so called */
/* classes x classes counts, a row a true class, a column an answer; NULL: not of classes, of too many, or within a
 * training. */
GR_API const int64_t *gr_evaluation_confusion(const gr_evaluation *e, int head, int *classes);
/* Of one that was given to the caller; NULL is fine. */
GR_API void gr_evaluation_destroy(gr_evaluation *e);

#ifdef __cplusplus
}
#endif
#endif
