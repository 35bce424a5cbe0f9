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

/* A row that not every method with a momentum has. */
static double optional(const gr_settings *s, const char *row)
{
    return gr__member_has(s->member, row) ? gr__setting_real(s, row) : 0;
}

gr_first_moment gr__momentum_of_steps(const gr_settings *s)
{
    return (gr_first_moment){.slot = gr__setting_real(s, "momentum") != 0 ? "m" : NULL};
}

gr_first_moment gr__momentum_of_gradients(const gr_settings *s)
{
    gr_first_moment m = gr__momentum_of_steps(s);
    if (gr__member_has(s->member, "lr_in_momentum") && gr__setting_bool(s, "lr_in_momentum")) return m;
    m.of = GR_MOMENT_SUM;
    m.decay = gr__setting_real(s, "momentum");
    m.share = 1 - optional(s, "dampening");
    return m;
}
