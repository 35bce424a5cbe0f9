/* AdamW: Adam whose weight decay stands outside of the moments.                                         [Loshchilov &
 * Hutter 2019, algorithm 2] PyTorch multiplies the decay by the rate; in the paper it goes with the schedule alone, so
 * that weight_decay (torch) = weight_decay (paper) / lr. */
#include "optim/moments.h"

static const gr_row rows[] = {
    GR_ROW("lr", REAL, "0.001", "[0,inf)", "1", "learning rate: the base that the schedule starts from"),
    GR_ROW("beta1", REAL, "0.9", "[0,1)", "1", "decay of the first moment"),
    GR_ROW("beta2", REAL, "0.999", "[0,1)", "1", "decay of the second moment"),
    GR_ROW("eps", REAL, "1e-3", "[0,1]", "gradient", "added to the root of the second moment", .paper = "1e-8",
           .torch = "1e-8"),
    GR_ROW("decay_times_lr", CHOICE, "yes", "yes|schedule_only", "",
           "decoupled decay is multiplied by the rate, or by rate / lr"),
};

static gr_val update(gr_step *s, gr_val w, gr_val g)
{
    return gr__adam_update(s, w, g, false);
}

static gr_val decay_rate(gr_step *s)
{
    double lr = gr__setting_real(s->s, "lr");
    if (gr__setting_is(s->s, "decay_times_lr", "yes") || lr == 0) return s->lr;
    return gr_div(s->g, s->lr, gr_const(s->g, lr));
}

GR_OPTIMIZER(adamw) = {
    .head =
        {
            .family = "optimizer",
            .name = "adamw",
            .title = "AdamW: Adam with decoupled weight decay",
            .cite = "Loshchilov & Hutter 2019, algorithm 2",
            .equations = "w <- w - lr_t weight_decay w            schedule_only: lr_t / lr stands for lr_t\n"
                         "then Adam: w <- w - lr_t m_t/(1 - beta1^t) / (sqrt(v_t/(1 - beta2^t)) + eps)",
            GR_ROWS(rows),
        },
    .decay = GR_DECAY_DECOUPLED,
    .weight_decay = "0.01",
    .update = update,
    .first_moment = gr__averaged_moment,
    .decay_rate = decay_rate,
};
