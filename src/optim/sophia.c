/* Sophia: steps of the momentum over an estimate of the Hessian's diagonal, none longer than lr.
 * [Liu et al. 2023, algorithms 1-3; the authors' code] gnb, which makes it Sophia-G, is the estimate of Gauss, Newton
 * and Bartlett: the square of the gradient for labels that are drawn from the model's own probabilities, times the
 * batch. hutchinson, Sophia-H, is z H z with random signs z, for any cost. Defaults are the code's, whose betas and rho
 * differ a little from the paper's. */
#include "optim/moments.h"

static const gr_row rows[] = {
    GR_ROW("lr", REAL, "1e-4", "[0,inf)", "1", "learning rate: the longest step of a weight"),
    GR_ROW("beta1", REAL, "0.965", "[0,1)", "1", "decay of the momentum"),
    GR_ROW("beta2", REAL, "0.99", "[0,1)", "1", "decay of the curvature, an estimate at a time"),
    GR_ROW("rho", REAL, "0.04", "(0,inf)", "1", "of the curvature below the line: the larger, the more steps are lr"),
    GR_ROW("eps", REAL, "1e-12", "(0,1]", "curvature", "the least that is divided by"),
    GR_ROW("estimator", CHOICE, "gnb", "gnb|hutchinson", "",
           "gnb: by labels that are drawn, of cross_entropy; hutchinson: by products with the Hessian, of any cost"),
    GR_ROW("hessian_interval", INT, "10", "[1,1000000]", "updates", "how often the curvature is estimated"),
};

static bool drawn(const gr_settings *s)
{
    return gr__setting_is(s, "estimator", "gnb");
}

static gr_val estimate(gr_step *s)
{
    gr_graph *b = s->g;
    if (drawn(s->s)) return gr_mul(b, gr_square(b, s->curvature), s->count);
    return gr_mul(b, s->rademacher, s->curvature);
}

static gr_val update(gr_step *s, gr_val w, gr_val g)
{
    gr_graph *b = s->g;
    gr_val m = gr__first_moment(s, g), h = gr__step_slot(s, "h"), one = gr_const(b, 1);
    if (s->curvature) h = gr__step_keep(s, "h", gr__ema(b, gr__step_arg(s, "beta2"), h, estimate(s)));
    gr_val below = gr_max(b, gr_mul(b, h, gr__step_arg(s, "rho")), gr__step_arg(s, "eps"));
    gr_val step = gr_max(b, gr_min(b, gr_div(b, m, below), one), gr_neg(b, one));
    return gr_sub(b, w, gr_mul(b, step, s->lr));
}

static int64_t curvature_every(const gr_settings *s)
{
    return gr__setting_int(s, "hessian_interval");
}

GR_OPTIMIZER(sophia) = {
    .head =
        {
            .family = "optimizer",
            .name = "sophia",
            .title = "Sophia: clipped steps over the curvature",
            .cite = "Liu et al. 2023, algorithms 1-3; the authors' code",
            .equations =
                "every hessian_interval updates, the first included: h <- beta2 h + (1 - beta2) e            h_0 = 0\n"
                "gnb:        e = B q^2;  q: mean gradient over the B samples with labels drawn from softmax\n"
                "hutchinson: e = z H z;  z: random signs, H of the batch's mean cost\n"
                "m_t = beta1 m_{t-1} + (1 - beta1) g            m_0 = 0\n"
                "w <- w - lr clip(m_t / max(rho h, eps), -1, 1)",
            GR_ROWS(rows),
        },
    .decay = GR_DECAY_DECOUPLED,
    .weight_decay = "0.1",
    .update = update,
    .first_moment = gr__averaged_moment,
    .curvature_every = curvature_every,
    .drawn = drawn,
};
