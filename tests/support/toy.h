/* A backend for tests of the plan: it fuses all it is offered and runs items by the operations' reference arithmetic in
 * float64, regions as rows and columns, exactly as the interface to backends says. It checks what it is given, down to
 * which operands may share memory. */
#ifndef GR_TESTS_TOY_H
#define GR_TESTS_TOY_H

#include "plan/backend.h"

extern const gr_backend toy;

#endif
