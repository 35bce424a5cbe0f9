/* Ranger: RAdam inside LookAhead; the chapter's default for small and medium batches. [Wright 2019]
 */
#include "optim/moments.h"

static const gr_row rows[] = {
    GR_ROW("lr", REAL, "0.001", "[0,inf)", "1", "learning rate: the base that the schedule starts from"),
    GR_ROW("beta1", REAL, "0.95", "[0,1)", "1", "decay of the first moment"),
    GR_ROW("beta2", REAL, "0.999", "[0,1)", "1", "decay of the second moment"),
    GR_ROW("eps", REAL, "1e-5", "[0,1]", "gradient", "added to the root of the second moment"),
    GR_RECTIFIED_ROWS,
    GR_ROW("k", INT, "6", "[1,1000000000]", "updates", "LookAhead: how many updates between two synchronisations"),
    GR_ROW("alpha", REAL, "0.5", "[0,1]", "1", "LookAhead: how far the slow weights go towards the trained ones"),
};

static gr_val update(gr_step *s, gr_val w, gr_val g)
{
    return gr_sub(s->g, w, gr__rectified(s, g, s->lr));
}

static gr_val decay_rate(gr_step *s)
{
    return gr_mul(s->g, s->lr, gr__rectified_steps(s));
}

static gr_lookahead lookahead(const gr_settings *s)
{
    return (gr_lookahead){.k = gr__setting_int(s, "k"), .alpha = gr__setting_real(s, "alpha")};
}

GR_OPTIMIZER(ranger) = {
    .head =
        {
            .family = "optimizer",
            .name = "ranger",
            .title = "Ranger: RAdam inside LookAhead",
            .cite = "Wright 2019; Liu et al. 2020; Zhang et al. 2019",
            .equations =
                "RAdam, then every k updates:  slow <- slow + alpha (w - slow);  w <- slow        slow_0 = w_0",
            GR_ROWS(rows),
        },
    .decay = GR_DECAY_DECOUPLED,
    .update = update,
    .first_moment = gr__averaged_moment,
    .decay_rate = decay_rate,
    .lookahead = lookahead,
};
