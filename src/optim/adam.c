/* Adam: adaptive moments, bias corrected.                                                        [Kingma & Ba 2015,
 * algorithm 1] eps stands outside the root, after the correction, and is 1e-3 by default: the chapter's advice against
 * huge steps late in training, where v is tiny. eps_mode hat is the form at the end of the paper's section 2 (and of
 * TensorFlow 1): eps is added to the uncorrected root. */
#include "optim/moments.h"

static const gr_row rows[] = {
    GR_ROW("lr", REAL, "0.001", "[0,inf)", "1", "learning rate: the base that the schedule starts from"),
    GR_ROW("beta1", REAL, "0.9", "[0,1)", "1", "decay of the first moment"),
    GR_ROW("beta2", REAL, "0.999", "[0,1)", "1", "decay of the second moment"),
    GR_ROW("eps", REAL, "1e-3", "[0,1]", "gradient", "added to the root of the second moment", .paper = "1e-8",
           .torch = "1e-8"),
    GR_ROW("eps_mode", CHOICE, "plain", "plain|hat", "",
           "plain: added to the corrected root; hat: to the uncorrected one"),
};

static gr_val update(gr_step *s, gr_val w, gr_val g)
{
    return gr__adam_update(s, w, g, gr__setting_is(s->s, "eps_mode", "hat"));
}

GR_OPTIMIZER(adam) = {
    .head =
        {
            .family = "optimizer",
            .name = "adam",
            .title = "Adam: adaptive moments, bias corrected",
            .cite = "Kingma & Ba 2015, algorithm 1",
            .equations = "m_t = beta1 m_{t-1} + (1 - beta1) g            m_0 = 0\n"
                         "v_t = beta2 v_{t-1} + (1 - beta2) g^2          v_0 = 0\n"
                         "plain: w <- w - lr m_t/(1 - beta1^t) / (sqrt(v_t/(1 - beta2^t)) + eps)\n"
                         "hat:   w <- w - lr sqrt(1 - beta2^t)/(1 - beta1^t) m_t / (sqrt(v_t) + eps)",
            GR_ROWS(rows),
        },
    .decay = GR_DECAY_COUPLED,
    .for_design = true,
    .update = update,
    .first_moment = gr__averaged_moment,
};
