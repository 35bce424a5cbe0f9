/* SGDM: SGD with momentum. The momentum sums gradients: with a constant gradient it grows to g / (1 - momentum), ten
 * steps of SGD with 0.9. lr_in_momentum is the form of Sutskever, Caffe and the LARS paper: equal while the rate is
 * constant.                        [Qian 1999]
 */
#include "optim/momentum.h"

static const gr_row rows[] = {
    GR_ROW("lr", REAL, "0.01", "[0,inf)", "1", "learning rate: the base that the schedule starts from"),
    GR_ROW("momentum", REAL, "0.9", "[0,1)", "1", "how much of the last step is kept"),
    GR_ROW("dampening", REAL, "0", "[0,1]", "1",
           "how much of the gradient is held back from the momentum, the first update's excepted"),
    GR_ROW("lr_in_momentum", BOOL, "false", "", "", "the momentum collects steps instead of gradients"),
};

static gr_val update(gr_step *s, gr_val w, gr_val g)
{
    gr_graph *b = s->g;
    bool inside = gr__setting_bool(s->s, "lr_in_momentum");
    gr_val m = gr__momentum(s, gr__setting_real(s->s, "momentum"), gr__setting_real(s->s, "dampening"),
                            inside ? gr_mul(b, s->lr, g) : g);
    return gr_sub(b, w, inside ? m : gr_mul(b, s->lr, m));
}

GR_OPTIMIZER(sgdm) = {
    .head =
        {
            .family = "optimizer",
            .name = "sgdm",
            .title = "SGDM: stochastic gradient descent with momentum",
            .cite = "Qian 1999; Sutskever et al. 2013",
            .equations = "m_t = momentum m_{t-1} + (1 - dampening) g;  w <- w - lr m_t                m_1 = g\n"
                         "lr_in_momentum:    m_t = momentum m_{t-1} + lr (1 - dampening) g;  w <- w - m_t",
            GR_ROWS(rows),
        },
    .decay = GR_DECAY_COUPLED,
    .for_design = true,
    .update = update,
    .first_moment = gr__momentum_of_gradients,
};
