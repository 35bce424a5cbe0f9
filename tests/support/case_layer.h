/* Holding a layer against its evidence, evaluated or through plans of a backend. */
#ifndef GR_TESTS_CASE_LAYER_H
#define GR_TESTS_CASE_LAYER_H

#include "nn/layer.h"
#include "support/evidence.h"

bool check_layer(const gr_layer *m, const evidence *e, verdict *v);
bool check_layer_on(const gr_layer *m, const evidence *e, const gr_backend *backend, double tolerance, verdict *v);

#endif
