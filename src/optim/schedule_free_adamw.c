/* Schedule-free AdamW: Adam's scaling without its momentum, for which the average stands, and without a schedule.
 * [Defazio et al. 2024, algorithm 1; the authors' code 1.4] The paper multiplies the rate by the root of 1 - beta2^t;
 * the code corrects the second moment instead, as Adam does, and so does this. */
#include "optim/moments.h"
#include "optim/schedule_free.h"

static const gr_row rows[] = {
    GR_ROW("lr", REAL, "0.0025", "[0,inf)", "1", "learning rate: the base that the schedule, a constant, starts from"),
    GR_ROW("beta1", REAL, "0.9", "[0,1]", "1", "where gradients are taken: 0 at the steps, 1 at the average"),
    GR_ROW("beta2", REAL, "0.999", "[0,1)", "1", "decay of the second moment"),
    GR_ROW("eps", REAL, "1e-8", "[0,1]", "gradient", "added to the root of the second moment"),
    GR_FREE_ROWS,
};

static gr_val point(gr_step *s, gr_val w)
{
    return gr__free_point(s, w, "beta1");
}

static gr_val update(gr_step *s, gr_val w, gr_val g)
{
    gr_graph *b = s->g;
    gr_val v = gr__second_moment(s, g), u = gr__over_root(s, g, gr_const(b, 1), v, gr__unbias_of(s, "beta2"));
    return gr__free_step(s, w, gr_add(b, u, gr_mul(b, point(s, w), s->decay)));
}

GR_OPTIMIZER(schedule_free_adamw) = {
    .head =
        {
            .family = "optimizer",
            .name = "schedule_free_adamw",
            .title = "Schedule-free AdamW: an average instead of a schedule",
            .cite = "Defazio et al. 2024, algorithm 1; the authors' code 1.4",
            .equations = "y = (1 - beta1) z + beta1 x;  g: gradient at y            z_0 = x_0 = w_0\n"
                         "v_t = beta2 v_{t-1} + (1 - beta2) g^2            v_0 = 0\n"
                         "z <- z - lr (g / (sqrt(v_t/(1 - beta2^t)) + eps) + weight_decay y)\n"
                         "c_t = a_t / (a_1 + ... + a_t);  a_t = t^r (largest lr so far)^weight_lr_power\n"
                         "x <- (1 - c_t) x + c_t z            x is the model",
            GR_ROWS(rows),
        },
    .decay = GR_DECAY_OWN,
    .averages = true,
    .point = point,
    .update = update,
};
