/* SGD: a step against the gradient, with momentum, dampening and Nesterov's form if asked.
 * As in PyTorch the first update keeps the undamped gradient. lr_in_momentum is the form of Sutskever, Caffe and LARS:
 * equal while the rate is constant, slower to follow when it drops. [Robbins & Monro 1951; Qian 1999; Sutskever et al.
 * 2013, eq. 3-4] */
#include "optim/momentum.h"

static const gr_row rows[] = {
    GR_ROW("lr", REAL, "0.01", "[0,inf)", "1", "learning rate: the base that the schedule starts from"),
    GR_ROW("momentum", REAL, "0", "[0,1)", "1", "how much of the last step is kept; usually 0.9"),
    GR_ROW("dampening", REAL, "0", "[0,1]", "1", "how much of the gradient is held back from the momentum"),
    GR_ROW("nesterov", BOOL, "false", "", "",
           "steps by the gradient and the momentum after it; wants momentum, without dampening"),
    GR_ROW("lr_in_momentum", BOOL, "false", "", "", "the momentum collects steps instead of gradients"),
};

static gr_status check(gr_context *ctx, const gr_settings *s)
{
    bool momentum = gr__setting_real(s, "momentum") > 0, dampening = gr__setting_real(s, "dampening") != 0;
    bool nesterov = gr__setting_bool(s, "nesterov"), inside = gr__setting_bool(s, "lr_in_momentum");
    const char *row = nesterov ? "nesterov" : inside ? "lr_in_momentum" : "dampening";
    const gr_tree *at = gr__setting_tree(s, row);
    if ((nesterov || inside || dampening) && !momentum)
        return gr__tree_fail(ctx, at, GR_E_CONFLICT, "write momentum: 0.9", "%s wants momentum", row);
    if (nesterov && dampening)
        return gr__tree_fail(ctx, at, GR_E_CONFLICT, NULL, "nesterov and dampening exclude each other");
    if (nesterov && inside)
        return gr__tree_fail(ctx, at, GR_E_CONFLICT, NULL, "nesterov and lr_in_momentum exclude each other");
    return GR_OK;
}

static gr_val update(gr_step *s, gr_val w, gr_val g)
{
    gr_graph *b = s->g;
    bool inside = gr__setting_bool(s->s, "lr_in_momentum");
    double momentum = gr__setting_real(s->s, "momentum");
    gr_val step = inside ? gr_mul(b, s->lr, g) : g;
    if (momentum > 0) {
        gr_val m = gr__momentum(s, momentum, gr__setting_real(s->s, "dampening"), step);
        step = gr__setting_bool(s->s, "nesterov") ? gr_add(b, g, gr_mul(b, m, gr_const(b, momentum))) : m;
    }
    return gr_sub(b, w, inside ? step : gr_mul(b, s->lr, step));
}

GR_OPTIMIZER(sgd) = {
    .head =
        {
            .family = "optimizer",
            .name = "sgd",
            .title = "SGD: stochastic gradient descent, with or without momentum",
            .cite = "Robbins & Monro 1951; Qian 1999; Sutskever et al. 2013, eq. 3-4",
            .equations =
                "without momentum:  w <- w - lr g\n"
                "momentum:          m_t = momentum m_{t-1} + (1 - dampening) g;  w <- w - lr m_t        m_1 = g\n"
                "nesterov:          w <- w - lr (g + momentum m_t)\n"
                "lr_in_momentum:    m_t = momentum m_{t-1} + lr (1 - dampening) g;  w <- w - m_t",
            GR_ROWS(rows),
        },
    .decay = GR_DECAY_COUPLED,
    .for_design = true,
    .check = check,
    .update = update,
    .first_moment = gr__momentum_of_gradients,
};
