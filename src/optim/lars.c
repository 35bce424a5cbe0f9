/* LARS: the rate of each layer follows the ratio of the sizes of weights and gradient; for large batches.       [You,
 * Gitman & Ginsburg 2017, eq. 6] The chapter has no trust coefficient: with trust_coef 1, lr itself is the relative
 * change of the weights in an update. The paper takes 0.001 and rates of 1 to 30, and keeps the rate inside the
 * momentum. */
#include "optim/momentum.h"

static const gr_row rows[] = {
    GR_ROW("lr", REAL, "0.005", "[0,inf)", "1",
           "learning rate: with trust_coef 1 the relative change of a layer's weights in an update", .paper = "10"),
    GR_ROW("momentum", REAL, "0.9", "[0,1)", "1", "how much of the last step is kept"),
    GR_ROW("trust_coef", REAL, "1", "(0,inf)", "1", "factor of the ratio of norms", .paper = "0.001"),
    GR_ROW("eps", REAL, "0", "[0,1]", "gradient", "added to the norms below the line"),
    GR_ROW("lr_in_momentum", BOOL, "false", "", "", "the momentum collects steps instead of gradients"),
};

static gr_val ratio(gr_step *s, gr_val w)
{
    gr_graph *b = s->g;
    gr_val one = gr_const(b, 1), zero = gr_const(b, 0), size = gr__norm(b, w), norm = s->gradient_norm;
    gr_val below = gr_add(b, gr_add(b, norm, gr_mul(b, s->decay, size)), gr__step_arg(s, "eps"));
    gr_val both = gr_mul(b, gr_less(b, zero, size), gr_less(b, zero, norm));
    return gr_select(b, both, gr_div(b, gr_mul(b, gr__step_arg(s, "trust_coef"), size), gr_select(b, both, below, one)),
                     one);
}

static gr_val update(gr_step *s, gr_val w, gr_val g)
{
    gr_graph *b = s->g;
    bool inside = gr__setting_bool(s->s, "lr_in_momentum");
    gr_val scale = s->trusted ? ratio(s, w) : gr_const(b, 1);
    gr_val step = gr_mul(b, gr_add(b, g, gr_mul(b, w, s->decay)), inside ? gr_mul(b, scale, s->lr) : scale);
    if (gr__setting_real(s->s, "momentum") > 0) step = gr__momentum(s, gr__setting_real(s->s, "momentum"), 0, step);
    return gr_sub(b, w, inside ? step : gr_mul(b, s->lr, step));
}

GR_OPTIMIZER(lars) = {
    .head =
        {
            .family = "optimizer",
            .name = "lars",
            .title = "LARS: layer-wise adaptive rates, with momentum",
            .cite = "You, Gitman & Ginsburg 2017, eq. 6",
            .equations = "s = trust_coef |w| / (|g| + weight_decay |w| + eps), a number a tensor        1 for biases, "
                         "or where |w| or |g| is 0\n"
                         "m_t = momentum m_{t-1} + s (g + weight_decay w);  w <- w - lr m_t",
            GR_ROWS(rows),
        },
    .decay = GR_DECAY_OWN,
    .update = update,
    .first_moment = gr__momentum_of_steps,
};
