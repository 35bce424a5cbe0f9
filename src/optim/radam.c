/* RAdam: Adam that waits until its second moment can be trusted, and steps with the first moment alone until then. [Liu
 * et al. 2020, algorithm 2] The paper rectifies from rho_t > 4 on, PyTorch and the authors' code from 5. unrectified
 * skip makes no step at first (a default of that code); eps_mode raw puts eps beside the uncorrected root, which makes
 * it larger early. */
#include "optim/moments.h"

static const gr_row rows[] = {
    GR_ROW("lr", REAL, "0.001", "[0,inf)", "1", "learning rate: the base that the schedule starts from"),
    GR_ROW("beta1", REAL, "0.9", "[0,1)", "1", "decay of the first moment"),
    GR_ROW("beta2", REAL, "0.999", "[0,1)", "1", "decay of the second moment"),
    GR_ROW("eps", REAL, "1e-8", "[0,1]", "gradient", "added to the root of the second moment"),
    GR_RECTIFIED_ROWS,
};

static gr_val update(gr_step *s, gr_val w, gr_val g)
{
    return gr_sub(s->g, w, gr__rectified(s, g, s->lr));
}

static gr_val decay_rate(gr_step *s) /* an update that is skipped does not decay either */
{
    return gr_mul(s->g, s->lr, gr__rectified_steps(s));
}

GR_OPTIMIZER(radam) = {
    .head =
        {
            .family = "optimizer",
            .name = "radam",
            .title = "RAdam: rectified Adam",
            .cite = "Liu et al. 2020, algorithm 2",
            .equations = "m_t, v_t as Adam;  rho = 2/(1 - beta2) - 1;  rho_t = rho - 2 t beta2^t/(1 - beta2^t)\n"
                         "rho_t > rho_threshold: r_t = sqrt((rho_t - 4)(rho_t - 2) rho / ((rho - 4)(rho - 2) rho_t))\n"
                         "                       w <- w - lr r_t m^ sqrt(1 - beta2^t) / (sqrt(v_t) + eps)        m^ = "
                         "m_t/(1 - beta1^t)\n"
                         "else:                  w <- w - lr m^                                          skip: nothing",
            GR_ROWS(rows),
        },
    .decay = GR_DECAY_DECOUPLED,
    .update = update,
    .first_moment = gr__averaged_moment,
    .decay_rate = decay_rate,
};
