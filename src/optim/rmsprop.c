/* RMSProp: divides by the root of a running mean of squared gradients, without bias correction.             [Tieleman &
 * Hinton 2012, lecture 6e] eps_in_sqrt is optax's place for eps; init_scale 1 is TensorFlow 1's start. */
#include "optim/momentum.h"

static const gr_row rows[] = {
    GR_ROW("lr", REAL, "0.01", "[0,inf)", "1", "learning rate: the base that the schedule starts from"),
    GR_ROW("alpha", REAL, "0.9", "[0,1)", "1", "decay of the mean of squares", .torch = "0.99"),
    GR_ROW("eps", REAL, "1e-8", "[0,1]", "gradient", "added to the root"),
    GR_ROW("momentum", REAL, "0", "[0,1)", "1", "how much of the last step is kept"),
    GR_ROW("centered", BOOL, "false", "", "",
           "divides by the standard deviation: the square of the mean gradient is taken out"),
    GR_ROW("eps_in_sqrt", BOOL, "false", "", "", "eps stands under the root"),
    GR_ROW("init_scale", REAL, "0", "[0,inf)", "gradient^2", "where the mean of squares starts"),
};

static gr_val update(gr_step *s, gr_val w, gr_val g)
{
    gr_graph *b = s->g;
    gr_val alpha = gr__step_arg(s, "alpha"), eps = gr__step_arg(s, "eps");
    double start = gr__setting_real(s->s, "init_scale"), momentum = gr__setting_real(s->s, "momentum");
    gr_val v = gr__step_keep(s, "v", gr__ema(b, alpha, gr__step_filled(s, "v", start), gr__step_square(s, g)));
    if (gr__setting_bool(s->s, "centered")) {
        gr_val mean = gr__step_keep(s, "mean", gr__ema(b, alpha, gr__step_slot(s, "mean"), g));
        v = gr_max(b, gr_sub(b, v, gr_square(b, mean)), gr_const(b, 0)); /* rounding can make it negative */
    }
    gr_val root = gr__setting_bool(s->s, "eps_in_sqrt") ? gr_sqrt(b, gr_add(b, v, eps)) : gr_add(b, gr_sqrt(b, v), eps);
    gr_val step = gr_div(b, g, root);
    if (momentum > 0) step = gr__momentum(s, momentum, 0, step);
    return gr_sub(b, w, gr_mul(b, s->lr, step));
}

GR_OPTIMIZER(rmsprop) = {
    .head =
        {
            .family = "optimizer",
            .name = "rmsprop",
            .title = "RMSProp: gradients divided by their running root mean square",
            .cite = "Tieleman & Hinton 2012, lecture 6e; Graves 2013 (centred)",
            .equations = "v_t = alpha v_{t-1} + (1 - alpha) g^2            v_0 = init_scale\n"
                         "centered: v_t - mean_t^2 stands for v_t;  mean_t = alpha mean_{t-1} + (1 - alpha) g\n"
                         "w <- w - lr b_t;  b_t = momentum b_{t-1} + g / (sqrt(v_t) + eps)        eps_in_sqrt: g / "
                         "sqrt(v_t + eps)",
            GR_ROWS(rows),
        },
    .decay = GR_DECAY_COUPLED,
    .update = update,
    .first_moment = gr__momentum_of_steps,
};
