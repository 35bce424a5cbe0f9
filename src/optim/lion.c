/* Lion: steps of one size, by the sign of a momentum that looks one gradient ahead.        [Chen et al. 2023, algorithm
 * 2] Every weight moves by lr, whatever its gradient, so rates are 3 to 10 times smaller than Adam's and weight decay
 * as much larger (the paper's section 5). */
#include "optim/optimizer.h"

static const gr_row rows[] = {
    GR_ROW("lr", REAL, "1e-4", "[0,inf)", "1", "learning rate: the size of every step"),
    GR_ROW("beta1", REAL, "0.9", "[0,1)", "1", "share of the momentum in the direction"),
    GR_ROW("beta2", REAL, "0.99", "[0,1)", "1", "decay of the momentum"),
};

static gr_val update(gr_step *s, gr_val w, gr_val g)
{
    gr_val m = gr__step_slot(s, "m"), direction = gr__ema(s->g, gr__step_arg(s, "beta1"), m, g);
    gr__step_keep(s, "m", gr__ema(s->g, gr__step_arg(s, "beta2"), m, g));
    return gr_sub(s->g, w, gr_mul(s->g, s->lr, gr_sign(s->g, direction)));
}

static gr_first_moment first_moment(const gr_settings *s)
{
    return (gr_first_moment){.slot = "m", .of = GR_MOMENT_AVERAGE, .decay = gr__setting_real(s, "beta2")};
}

GR_OPTIMIZER(lion) = {
    .head =
        {
            .family = "optimizer",
            .name = "lion",
            .title = "Lion: the sign of a momentum",
            .cite = "Chen et al. 2023, algorithm 2",
            .equations = "w <- w - lr sign(beta1 m_{t-1} + (1 - beta1) g)\n"
                         "m_t = beta2 m_{t-1} + (1 - beta2) g        m_0 = 0",
            GR_ROWS(rows),
        },
    .decay = GR_DECAY_DECOUPLED,
    .update = update,
    .first_moment = first_moment,
};
