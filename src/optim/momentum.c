/* The momentum of the SGD family. */
#include "optim/momentum.h"

gr_val gr__momentum(gr_step *s, double momentum, double dampening, gr_val x)
{
    gr_graph *g = s->g;
    gr_val one = gr_const(g, 1), share = one;
    if (dampening != 0) share = gr_select(g, gr_equal(g, s->t, one), one, gr_sub(g, one, gr_const(g, dampening)));
    return gr__step_keep(s, "m",
                         gr_add(g, gr_mul(g, gr__step_slot(s, "m"), gr_const(g, momentum)), gr_mul(g, x, share)));
}
