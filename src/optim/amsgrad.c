/* AMSGrad: Adam whose second moment never falls, which mends the convergence proof.                       [Reddi, Kale
 * & Kumar 2018, algorithm 2] Three forms are about: PyTorch takes the maximum before the correction, optax after it,
 * the paper has no correction at all.
 */
#include "optim/moments.h"

static const gr_row rows[] = {
    GR_ROW("lr", REAL, "0.001", "[0,inf)", "1", "learning rate: the base that the schedule starts from"),
    GR_ROW("beta1", REAL, "0.9", "[0,1)", "1", "decay of the first moment"),
    GR_ROW("beta2", REAL, "0.999", "[0,1)", "1", "decay of the second moment"),
    GR_ROW("eps", REAL, "1e-8", "[0,1]", "gradient", "added to the root of the second moment"),
    GR_ROW("form", CHOICE, "torch", "torch|optax|paper", "",
           "where the maximum is taken: before the correction, after it, without one"),
};

static gr_val update(gr_step *s, gr_val w, gr_val g)
{
    gr_graph *b = s->g;
    bool paper = gr__setting_is(s->s, "form", "paper"), optax = gr__setting_is(s->s, "form", "optax");
    gr_val m = gr__first_moment(s, g), v = gr__second_moment(s, g), c = gr__unbias_of(s, "beta2"), rate = s->lr;
    if (optax) v = gr_mul(b, v, gr_recip(b, c));
    v = gr__step_keep(s, "v_max", gr_max(b, gr__step_positive(s, "v_max"), v));
    if (!paper) rate = gr_div(b, rate, gr__unbias_of(s, "beta1"));
    return gr_sub(b, w, gr__over_root(s, m, rate, v, paper || optax ? gr_const(b, 1) : c));
}

GR_OPTIMIZER(amsgrad) = {
    .head =
        {
            .family = "optimizer",
            .name = "amsgrad",
            .title = "AMSGrad: Adam whose rates never grow again",
            .cite = "Reddi, Kale & Kumar 2018, algorithm 2",
            .equations =
                "m_t, v_t as Adam\n"
                "torch: x_t = max(x_{t-1}, v_t);                  w <- w - lr m^ / (sqrt(x_t / (1 - beta2^t)) + eps)\n"
                "optax: x_t = max(x_{t-1}, v_t / (1 - beta2^t));  w <- w - lr m^ / (sqrt(x_t) + eps)\n"
                "paper: x_t = max(x_{t-1}, v_t);                  w <- w - lr m_t / (sqrt(x_t) + eps)        m^ = m_t "
                "/ (1 - beta1^t)",
            GR_ROWS(rows),
        },
    .decay = GR_DECAY_COUPLED,
    .update = update,
    .first_moment = gr__averaged_moment,
};
