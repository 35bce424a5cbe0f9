/* The point and the average of schedule-free methods. */
#include "optim/schedule_free.h"

gr_val gr__free_point(gr_step *s, gr_val x, const char *beta)
{
    gr_graph *b = s->g;
    return gr_add(b, x, gr_mul(b, gr__step_slot(s, "d"), gr__one_minus(b, gr__step_arg(s, beta))));
}

/* c, rank 0 and one for all parameters: a group's scale would cancel. 0 as long as all rates were 0. */
static gr_val share_of(gr_step *s)
{
    gr_graph *b = s->g;
    double r = gr__setting_real(s->s, "r");
    gr_val top = gr_max(b, gr__step_shared(s, "top_rate", 0), s->base_lr), sum = gr__step_shared(s, "weights", 0);
    gr_val weight = gr_pow(b, top, gr__step_arg(s, "weight_lr_power"));
    if (r != 0) weight = gr_mul(b, weight, gr_pow(b, s->t, gr_const(b, r)));
    sum = gr__step_keep_shared(s, "weights", gr_add(b, sum, weight));
    gr__step_keep_shared(s, "top_rate", top);
    return gr__ratio_or(b, weight, sum, gr_const(b, 0));
}

gr_val gr__free_step(gr_step *s, gr_val x, gr_val u)
{
    gr_graph *b = s->g;
    gr_val c = share_of(s), d = gr_sub(b, gr__step_slot(s, "d"), gr_mul(b, u, s->lr));
    gr__step_keep(s, "d", gr_mul(b, d, gr__one_minus(b, c)));
    return gr_add(b, x, gr_mul(b, d, c));
}
