/* What stands behind the public gr_layer and gr_cost, without the types that have these names inside the library. */
#ifndef GR_API_LAYERS_H
#define GR_API_LAYERS_H

#include "gradus/net.h"

gr_val gr__net_layer(gr_net *net, const char *type, const char *settings, const gr_val *in, int n_in);
gr_val gr__net_cost(gr_net *net, const char *type, const char *settings, gr_val output, gr_val target);
gr_val gr__net_prediction(gr_net *net, const char *type, const char *settings, gr_val output);

#endif
