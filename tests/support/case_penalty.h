/* Holding a penalty against its evidence, evaluated or through plans of a backend. */
#ifndef GR_TESTS_CASE_PENALTY_H
#define GR_TESTS_CASE_PENALTY_H

#include "penalty/penalty.h"
#include "support/evidence.h"

bool check_penalty(const gr_penalty *m, const evidence *e, verdict *v);
bool check_penalty_on(const gr_penalty *m, const evidence *e, const gr_backend *backend, double tolerance, verdict *v);

#endif
