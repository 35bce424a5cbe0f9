/* AdaGrad: the rate of each weight falls with the squares of all its gradients so far; for sparse data.        [Duchi,
 * Hazan & Singer 2011]
 */
#include "optim/optimizer.h"

static const gr_row rows[] = {
    GR_ROW("lr", REAL, "0.01", "[0,inf)", "1", "learning rate: the base that the schedule starts from"),
    GR_ROW("eps", REAL, "1e-10", "(0,1]", "gradient", "added to the root"),
    GR_ROW("init_accumulator", REAL, "0", "[0,inf)", "gradient^2",
           "where the sum of squares starts; TensorFlow has 0.1"),
    GR_ROW("lr_decay", REAL, "0", "[0,inf)", "1", "the rate is divided by 1 + (t - 1) lr_decay"),
};

static gr_val update(gr_step *s, gr_val w, gr_val g)
{
    gr_graph *b = s->g;
    gr_val one = gr_const(b, 1), rate = s->lr;
    if (gr__setting_real(s->s, "lr_decay") != 0)
        rate = gr_div(b, rate, gr_add(b, one, gr_mul(b, gr_sub(b, s->t, one), gr__step_arg(s, "lr_decay"))));
    gr_val sum = gr__step_keep(
        s, "G", gr_add(b, gr__step_filled(s, "G", gr__setting_real(s->s, "init_accumulator")), gr__step_square(s, g)));
    return gr_sub(b, w, gr_mul(b, rate, gr_div(b, g, gr_add(b, gr_sqrt(b, sum), gr__step_arg(s, "eps")))));
}

GR_OPTIMIZER(adagrad) = {
    .head =
        {
            .family = "optimizer",
            .name = "adagrad",
            .title = "AdaGrad: a rate of its own for each weight, falling with its gradients",
            .cite = "Duchi, Hazan & Singer 2011",
            .equations = "G_t = G_{t-1} + g^2;  w <- w - lr / (1 + (t - 1) lr_decay) g / (sqrt(G_t) + eps)        G_0 "
                         "= init_accumulator",
            GR_ROWS(rows),
        },
    .decay = GR_DECAY_COUPLED,
    .update = update,
};
