/* Nadam: Adam with Nesterov's momentum, whose coefficient warms up. [Dozat 2016, algorithm 2] torch decays m with beta1
 * (as Keras); dozat with mu_t, and multiplies the corrected v by beta2; simple has a constant beta1 (optax).
 */
#include "optim/moments.h"

static const gr_row rows[] = {
    GR_ROW("lr", REAL, "0.002", "[0,inf)", "1", "learning rate: the base that the schedule starts from"),
    GR_ROW("beta1", REAL, "0.9", "[0,1)", "1", "decay of the first moment"),
    GR_ROW("beta2", REAL, "0.999", "[0,1)", "1", "decay of the second moment"),
    GR_ROW("eps", REAL, "1e-8", "[0,1]", "gradient", "added to the root of the second moment"),
    GR_ROW("psi", REAL, "0.004", "[0,1]", "1", "how fast the coefficient of the momentum rises to beta1"),
    GR_ROW("form", CHOICE, "torch", "torch|dozat|simple", "", "which of the forms"),
};

/* mu_t = beta1 (1 - 0.96^(t psi) / 2), rank 0. */
static gr_val mu(gr_step *s, gr_val t)
{
    gr_graph *b = s->g;
    gr_val power = gr_pow(b, gr_const(b, 0.96), gr_mul(b, t, gr__step_arg(s, "psi")));
    return gr_mul(b, gr__step_arg(s, "beta1"), gr__one_minus(b, gr_mul(b, gr_const(b, 0.5), power)));
}

/* The factors of m_t and g in the step. */
typedef struct mix {
    gr_val decay, of_m, of_g;
} mix;

static mix simple_mix(gr_step *s)
{
    gr_graph *b = s->g;
    gr_val beta1 = gr__step_arg(s, "beta1"), next = gr__one_minus(b, gr_pow(b, beta1, gr_add(b, s->t, gr_const(b, 1))));
    return (mix){beta1, gr_div(b, beta1, next), gr_div(b, gr__one_minus(b, beta1), gr__unbias_of(s, "beta1"))};
}

static mix warming_mix(gr_step *s, bool dozat)
{
    gr_graph *b = s->g;
    gr_val now = mu(s, s->t), next = mu(s, gr_add(b, s->t, gr_const(b, 1)));
    gr_val product = gr__step_keep_shared(s, "mu_product", gr_mul(b, gr__step_shared(s, "mu_product", 1), now));
    return (mix){dozat ? now : gr__step_arg(s, "beta1"), gr_div(b, next, gr__one_minus(b, gr_mul(b, product, next))),
                 gr_div(b, gr__one_minus(b, now), gr__one_minus(b, product))};
}

static gr_val update(gr_step *s, gr_val w, gr_val g)
{
    gr_graph *b = s->g;
    bool dozat = gr__setting_is(s->s, "form", "dozat");
    mix x = gr__setting_is(s->s, "form", "simple") ? simple_mix(s) : warming_mix(s, dozat);
    gr_val m = gr__step_keep(s, "m", gr__ema(b, x.decay, gr__step_slot(s, "m"), g)), v = gr__second_moment(s, g);
    gr_val c = gr__unbias_of(s, "beta2");
    if (dozat) c = gr_div(b, c, gr__step_arg(s, "beta2"));
    gr_val root = gr_sqrt(b, c),
           rate =
               gr_mul(b, s->lr,
                      root); /* c is taken out of the root, as in gr__over_root, and into the factors of both terms */
    gr_val ahead = gr_add(b, gr_mul(b, m, gr_mul(b, x.of_m, rate)), gr_mul(b, g, gr_mul(b, x.of_g, rate)));
    return gr_sub(b, w, gr_div(b, ahead, gr_add(b, gr_sqrt(b, v), gr_mul(b, gr__step_arg(s, "eps"), root))));
}

GR_OPTIMIZER(nadam) = {
    .head =
        {
            .family = "optimizer",
            .name = "nadam",
            .title = "Nadam: Adam with Nesterov's momentum",
            .cite = "Dozat 2016, algorithm 2",
            .equations =
                "mu_t = beta1 (1 - 0.96^(t psi) / 2);  P_t = P_{t-1} mu_t        P_0 = 1\n"
                "m_t = beta1 m_{t-1} + (1 - beta1) g;  v_t = beta2 v_{t-1} + (1 - beta2) g^2        dozat: mu_t stands "
                "for beta1\n"
                "x = mu_{t+1} m_t / (1 - P_t mu_{t+1}) + (1 - mu_t) g / (1 - P_t)\n"
                "simple: x = beta1 m_t / (1 - beta1^(t+1)) + (1 - beta1) g / (1 - beta1^t)\n"
                "w <- w - lr x / (sqrt(v_t / (1 - beta2^t)) + eps)        dozat: beta2 v_t stands for v_t in the root",
            GR_ROWS(rows),
        },
    .decay = GR_DECAY_COUPLED,
    .update = update,
    .first_moment = gr__averaged_moment,
};
