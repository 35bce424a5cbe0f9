/* Adan: Adam's moments, with one more for the change of the gradient, so that the gradient is corrected for where it is
 * going.                                                      [Xie et al. 2022, algorithm 1; the authors' code]
 * The betas are what is kept, as in the code: the paper's are 1 - beta. The paper's algorithm has no corrections of the
 * moments; the code has, and so has this. */
#include "optim/moments.h"

static const gr_row rows[] = {
    GR_ROW("lr", REAL, "0.001", "[0,inf)", "1", "learning rate: the base that the schedule starts from"),
    GR_ROW("beta1", REAL, "0.98", "[0,1)", "1", "decay of the first moment"),
    GR_ROW("beta2", REAL, "0.92", "[0,1)", "1", "decay of the mean change, and its share in the step"),
    GR_ROW("beta3", REAL, "0.99", "[0,1)", "1", "decay of the second moment"),
    GR_ROW("eps", REAL, "1e-8", "[0,1]", "gradient", "added to the root of the second moment"),
    GR_ROW("form", CHOICE, "proximal", "proximal|decoupled", "",
           "weight decay: a division by 1 + lr weight_decay behind the step, or a factor of 1 - lr weight_decay before "
           "it"),
};

/* The change since the last gradient; 0 in the first update, which knows no other. */
static gr_val change(gr_step *s, gr_val g)
{
    gr_graph *b = s->g;
    gr_val known = gr_less(b, gr_const(b, 1), s->t), d = gr_mul(b, gr_sub(b, g, gr__step_slot(s, "last")), known);
    gr__step_keep(s, "last", g);
    return d;
}

static gr_val update(gr_step *s, gr_val w, gr_val g)
{
    gr_graph *b = s->g;
    double times = 1 + 2 * gr__setting_real(s->s, "beta2"); /* as large as a gradient may x be */
    gr_val d = change(s, g), beta2 = gr__step_arg(s, "beta2"), beta3 = gr__step_arg(s, "beta3"),
           x = gr_add(b, g, gr_mul(b, d, beta2));
    gr_val m = gr__first_moment(s, g), v = gr__step_keep(s, "v", gr__ema(b, beta2, gr__step_slot(s, "v"), d)),
           n = gr__step_keep(s, "n", gr__ema(b, beta3, gr__step_positive(s, "n"), gr__step_square_of(s, x, times)));
    gr_val share = gr_mul(b, beta2, gr_div(b, gr__unbias_of(s, "beta1"), gr__unbias_of(s, "beta2")));
    gr_val both = gr_add(b, m, gr_mul(b, v, share)), rate = gr_div(b, s->lr, gr__unbias_of(s, "beta1")),
           step = gr__over_root(s, both, rate, n, gr__unbias_of(s, "beta3")), decay = gr_mul(b, s->lr, s->decay);
    if (gr__setting_is(s->s, "form", "decoupled")) return gr_sub(b, gr_mul(b, w, gr__one_minus(b, decay)), step);
    return gr_mul(b, gr_sub(b, w, step), gr_recip(b, gr_add(b, decay, gr_const(b, 1))));
}

GR_OPTIMIZER(adan) = {
    .head =
        {
            .family = "optimizer",
            .name = "adan",
            .title = "Adan: Adam with a moment of the gradient's change",
            .cite = "Xie et al. 2022, algorithm 1; the authors' code",
            .equations =
                "d = g_t - g_{t-1}            d = 0 for t = 1\n"
                "m_t = beta1 m_{t-1} + (1 - beta1) g;  v_t = beta2 v_{t-1} + (1 - beta2) d            m_0 = v_0 = 0\n"
                "n_t = beta3 n_{t-1} + (1 - beta3) (g + beta2 d)^2            n_0 = 0\n"
                "u = (m_t/(1 - beta1^t) + beta2 v_t/(1 - beta2^t)) / (sqrt(n_t/(1 - beta3^t)) + eps)\n"
                "proximal:  w <- (w - lr u) / (1 + lr weight_decay)\n"
                "decoupled: w <- w (1 - lr weight_decay) - lr u",
            GR_ROWS(rows),
        },
    .decay = GR_DECAY_OWN,
    .update = update,
    .first_moment = gr__averaged_moment,
};
