/* NovoGrad: gradients divided by a running norm of their layer, then momentum.                     [Ginsburg et al.
 * 2019, algorithm 1] One number a tensor for the second moment; it starts over while it is 0, as NVIDIA's code does. */
#include "optim/optimizer.h"

static const gr_row rows[] = {
    GR_ROW("lr", REAL, "0.01", "[0,inf)", "1", "learning rate: the base that the schedule starts from"),
    GR_ROW("beta1", REAL, "0.95", "[0,1)", "1", "decay of the momentum"),
    GR_ROW("beta2", REAL, "0.98", "[0,1)", "1", "decay of the squared norm"),
    GR_ROW("eps", REAL, "1e-8", "[0,1]", "gradient", "added to the norm"),
    GR_ROW("grad_averaging", CHOICE, "off", "off|from_1|from_2", "",
           "the momentum averages: what enters it is multiplied by 1 - beta1, from that update on"),
};

static gr_val share_of(gr_step *s)
{
    gr_graph *b = s->g;
    gr_val one = gr_const(b, 1), rest = gr__one_minus(b, gr__step_arg(s, "beta1"));
    if (gr__setting_is(s->s, "grad_averaging", "off")) return one;
    return gr__setting_is(s->s, "grad_averaging", "from_1") ? rest : gr_select(b, gr_equal(b, s->t, one), one, rest);
}

static gr_val update(gr_step *s, gr_val w, gr_val g)
{
    gr_graph *b = s->g;
    gr_val v = gr__step_number(s, "v", 0), square = gr_square(b, s->gradient_norm);
    v = gr__step_keep(
        s, "v", gr_select(b, gr_equal(b, v, gr_const(b, 0)), square, gr__ema(b, gr__step_arg(s, "beta2"), v, square)));
    gr_val size = gr_add(b, gr_sqrt(b, v), gr__step_arg(s, "eps")), zero = gr_equal(b, size, gr_const(b, 0));
    gr_val scale = gr_select(b, zero, gr_const(b, 0), gr_recip(b, gr_select(b, zero, gr_const(b, 1), size)));
    gr_val u = gr_add(b, gr_mul(b, g, scale), gr_mul(b, w, s->decay));
    gr_val m = gr__step_keep(
        s, "m", gr_add(b, gr_mul(b, gr__step_slot(s, "m"), gr__step_arg(s, "beta1")), gr_mul(b, u, share_of(s))));
    return gr_sub(b, w, gr_mul(b, s->lr, m));
}

/* Of gradients that their layer's norm has scaled. */
static gr_first_moment first_moment(const gr_settings *s)
{
    (void)s;
    return (gr_first_moment){.slot = "m", .of = GR_MOMENT_STEPS};
}

GR_OPTIMIZER(novograd) = {
    .head =
        {
            .family = "optimizer",
            .name = "novograd",
            .title = "NovoGrad: momentum of gradients that are normalised a layer at a time",
            .cite = "Ginsburg et al. 2019, algorithm 1",
            .equations = "v_t = beta2 v_{t-1} + (1 - beta2) |g|^2, a number a tensor        |g|^2 while v_{t-1} = 0\n"
                         "u = g / (sqrt(v_t) + eps) + weight_decay w\n"
                         "m_t = beta1 m_{t-1} + u;  w <- w - lr m_t            m_0 = 0",
            GR_ROWS(rows),
        },
    .decay = GR_DECAY_OWN,
    .update = update,
    .first_moment = first_moment,
};
