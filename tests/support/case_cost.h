/* Holding a cost against its evidence, evaluated or through plans of a backend. */
#ifndef GR_TESTS_CASE_COST_H
#define GR_TESTS_CASE_COST_H

#include "cost/cost.h"
#include "support/evidence.h"

bool check_cost(const gr_cost *m, const evidence *e, verdict *v);
bool check_cost_on(const gr_cost *m, const evidence *e, const gr_backend *backend, double tolerance, verdict *v);

#endif
