/* Everything of the library in one include, but for gradus/ext/, members from outside the tree. Start with graph.h
 * (values and gradients) and plan.h (stores, plans, running), or with layers.h (networks of named layers), with
 * trainer.h and model.h (recipes trained, models that predict). */
#ifndef GRADUS_GRADUS_H
#define GRADUS_GRADUS_H

#include "gradus/context.h"
#include "gradus/data.h"
#include "gradus/evaluation.h"
#include "gradus/graph.h"
#include "gradus/layers.h"
#include "gradus/model.h"
#include "gradus/net.h"
#include "gradus/plan.h"
#include "gradus/recipe.h"
#include "gradus/scheduler.h"
#include "gradus/settings.h"
#include "gradus/status.h"
#include "gradus/tally.h"
#include "gradus/trainer.h"

#endif
