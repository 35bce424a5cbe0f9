/* Gradient descent: a step against the gradient of the whole training set. `data.batch` is ignored: an update is an
 * epoch.      [Cauchy 1847] */
#include "optim/optimizer.h"

static const gr_row rows[] = {
    GR_ROW("lr", REAL, "0.01", "[0,inf)", "1", "learning rate: the base that the schedule starts from"),
};

static gr_val update(gr_step *s, gr_val w, gr_val g)
{
    return gr_sub(s->g, w, gr_mul(s->g, s->lr, g));
}

GR_OPTIMIZER(gd) = {
    .head =
        {
            .family = "optimizer",
            .name = "gd",
            .title = "GD: gradient descent over the whole training set",
            .cite = "Cauchy 1847; the chapter, 4.3",
            .equations = "w <- w - lr g        g: mean over all training samples",
            GR_ROWS(rows),
        },
    .decay = GR_DECAY_COUPLED,
    .whole_set = true,
    .update = update,
};
