/* Everything of the library in one include. Start with graph.h (values and gradients) and plan.h (stores, plans,
 * running). */
#ifndef GRADUS_GRADUS_H
#define GRADUS_GRADUS_H

#include "gradus/context.h"
#include "gradus/graph.h"
#include "gradus/plan.h"
#include "gradus/status.h"

#endif
