/* NAG: Nesterov's accelerated gradient.
 * torch keeps the point that the step looks ahead to, and corrects it after the fact; sutskever takes the gradient at w
 * - lr momentum m, before the step. With a constant rate both see the same points. [Nesterov 1983; Sutskever et al.
 * 2013, eq. 3-4] */
#include "optim/momentum.h"

static const gr_row rows[] = {
    GR_ROW("lr", REAL, "0.01", "[0,inf)", "1", "learning rate: the base that the schedule starts from"),
    GR_ROW("momentum", REAL, "0.9", "(0,1)", "1", "how much of the last step is kept"),
    GR_ROW("form", CHOICE, "torch", "torch|sutskever", "",
           "torch: steps by g + momentum m; sutskever: the gradient is taken ahead of the weights"),
};

static bool is_ahead(const gr_step *s)
{
    return gr__setting_is(s->s, "form", "sutskever");
}

static gr_val point(gr_step *s, gr_val w)
{
    gr_graph *b = s->g;
    if (!is_ahead(s)) return w;
    return gr_sub(b, w, gr_mul(b, gr__step_slot(s, "m"), gr_mul(b, s->lr, gr__step_arg(s, "momentum"))));
}

static gr_val update(gr_step *s, gr_val w, gr_val g)
{
    gr_graph *b = s->g;
    gr_val m = gr__momentum(s, gr__setting_real(s->s, "momentum"), 0, g);
    gr_val step = is_ahead(s) ? m : gr_add(b, g, gr_mul(b, m, gr__step_arg(s, "momentum")));
    return gr_sub(b, w, gr_mul(b, s->lr, step));
}

GR_OPTIMIZER(nag) = {
    .head =
        {
            .family = "optimizer",
            .name = "nag",
            .title = "NAG: Nesterov's accelerated gradient",
            .cite = "Nesterov 1983; Sutskever et al. 2013, eq. 3-4",
            .equations =
                "torch:     m_t = momentum m_{t-1} + g;  w <- w - lr (g + momentum m_t)\n"
                "sutskever: m_t = momentum m_{t-1} + g(w - lr momentum m_{t-1});  w <- w - lr m_t        m_0 = 0",
            GR_ROWS(rows),
        },
    .decay = GR_DECAY_COUPLED,
    .point = point,
    .update = update,
    .first_moment = gr__momentum_of_gradients,
};
