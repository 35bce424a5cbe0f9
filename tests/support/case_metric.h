/* Holding a metric against its evidence, tests/family/metric/MEMBER.txt (make_metrics.py). */
#ifndef GR_TESTS_CASE_METRIC_H
#define GR_TESTS_CASE_METRIC_H

#include "metric/metric.h"

/* Every case, in float and double, in batches that cut it differently: the figures of the evidence. */
bool metric_agrees(const gr_metric *m, const char *evidence_of);

#endif
