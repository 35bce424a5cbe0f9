/* Holding a schedule against its evidence. */
#ifndef GR_TESTS_CASE_SCHEDULE_H
#define GR_TESTS_CASE_SCHEDULE_H

#include "schedule/schedule.h"
#include "support/evidence.h"

bool check_schedule(const gr_schedule *m, const evidence *e, verdict *v);

#endif
