/* Schedule-free SGD: no schedule, and an average in place of it. Rates are ten times and more those of SGDM, as the
 * authors' code says.                                                   [Defazio et al. 2024, eq. 1-3; the authors'
 * code] */
#include "optim/schedule_free.h"

static const gr_row rows[] = {
    GR_ROW("lr", REAL, "1", "[0,inf)", "1", "learning rate: the base that the schedule, a constant, starts from"),
    GR_ROW("momentum", REAL, "0.9", "[0,1]", "1",
           "where gradients are taken: 0 at the steps, 1 at the average (beta of the paper)"),
    GR_FREE_ROWS,
};

static gr_val point(gr_step *s, gr_val w)
{
    return gr__free_point(s, w, "momentum");
}

static gr_val update(gr_step *s, gr_val w, gr_val g)
{
    return gr__free_step(s, w, gr_add(s->g, g, gr_mul(s->g, point(s, w), s->decay)));
}

GR_OPTIMIZER(schedule_free_sgd) = {
    .head =
        {
            .family = "optimizer",
            .name = "schedule_free_sgd",
            .title = "Schedule-free SGD: an average instead of a schedule",
            .cite = "Defazio et al. 2024, eq. 1-3; the authors' code 1.4",
            .equations = "y = (1 - momentum) z + momentum x;  g: gradient at y            z_0 = x_0 = w_0\n"
                         "z <- z - lr (g + weight_decay y)\n"
                         "c_t = a_t / (a_1 + ... + a_t);  a_t = t^r (largest lr so far)^weight_lr_power\n"
                         "x <- (1 - c_t) x + c_t z            x is the model",
            GR_ROWS(rows),
        },
    .decay = GR_DECAY_OWN,
    .averages = true,
    .point = point,
    .update = update,
};
