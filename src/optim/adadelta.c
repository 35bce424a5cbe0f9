/* AdaDelta: steps in the unit of the weights: the running size of steps over that of gradients. [Zeiler 2012, algorithm
 * 1] */
#include "optim/optimizer.h"

static const gr_row rows[] = {
    GR_ROW("lr", REAL, "1", "[0,inf)", "1", "learning rate: a factor that the paper does not have"),
    GR_ROW("rho", REAL, "0.95", "[0,1)", "1", "decay of both running means", .torch = "0.9"),
    GR_ROW("eps", REAL, "1e-6", "(0,1]", "gradient^2", "added under both roots; it sets the size of the first steps"),
};

/* d^2 is q g^2 with q the quotient under the root: the weighted square of the gradient serves both means. */
static gr_val update(gr_step *s, gr_val w, gr_val g)
{
    gr_graph *b = s->g;
    gr_val rho = gr__step_arg(s, "rho"), eps = gr__step_arg(s, "eps"), u = gr__step_positive(s, "u");
    gr_val square = gr_mul(b, gr__step_square(s, g), gr__one_minus(b, rho));
    gr_val v = gr__step_keep(s, "v", gr_add(b, gr_mul(b, gr__step_positive(s, "v"), rho), square));
    gr_val q = gr_div(b, gr_add(b, u, eps), gr_add(b, v, eps));
    gr__step_keep(s, "u", gr_add(b, gr_mul(b, u, rho), gr_mul(b, q, square)));
    return gr_sub(b, w, gr_mul(b, s->lr, gr_mul(b, gr_sqrt(b, q), g)));
}

GR_OPTIMIZER(adadelta) = {
    .head =
        {
            .family = "optimizer",
            .name = "adadelta",
            .title = "AdaDelta: steps in the unit of the weights",
            .cite = "Zeiler 2012, algorithm 1",
            .equations = "v_t = rho v_{t-1} + (1 - rho) g^2\n"
                         "d_t = sqrt(u_{t-1} + eps) / sqrt(v_t + eps) g\n"
                         "u_t = rho u_{t-1} + (1 - rho) d_t^2;  w <- w - lr d_t            u_0 = v_0 = 0",
            GR_ROWS(rows),
        },
    .decay = GR_DECAY_COUPLED,
    .update = update,
};
