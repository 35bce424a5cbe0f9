/* The public gr_layer and gr_cost: inside the library these names are types, so this file knows none of them. */
#include "gradus/layers.h"
#include "api/layers.h"

gr_val gr_layer(gr_net *net, const char *type, const char *settings, gr_val x)
{
    return gr__net_layer(net, type, settings, &x, 1);
}

gr_val gr_layer_of(gr_net *net, const char *type, const char *settings, const gr_val *in, int n_in)
{
    return gr__net_layer(net, type, settings, in, n_in);
}

gr_val gr_cost(gr_net *net, const char *type, const char *settings, gr_val output, gr_val target)
{
    return gr__net_cost(net, type, settings, output, target);
}

gr_val gr_prediction(gr_net *net, const char *type, const char *settings, gr_val output)
{
    return gr__net_prediction(net, type, settings, output);
}
